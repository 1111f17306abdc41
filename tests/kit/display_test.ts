/** The outputs that the kit sends to Jupyter. */

import { assert, assertEquals, assertRejects } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { display, holdBack, inKernel } from "../../notebooks/_kit/show/display.ts";
import { derivative } from "../reference/maths/math.ts";
import { markdown, table, tex, toTex } from "../../notebooks/_kit/show/show.ts";
import { outputsOf } from "./kernel_stub.ts";

describe("display", () => {
  it("does nothing outside the kernel", async () => {
    assertEquals(inKernel(), false);
    await display({ "text/plain": "x" });
  });

  it("sends data and metadata, and waits until they have been sent", async () => {
    let waited = 0;
    const outputs = await outputsOf(async () => {
      assertEquals(inKernel(), true);
      const start = performance.now();
      await display({ "text/plain": "x" }, { "image/png": { width: 640 } });
      waited = performance.now() - start;
    });
    assertEquals(
      outputs,
      [
        { data: { "text/plain": "x" }, metadata: { "image/png": { width: 640 } }, transient: {} },
      ] as unknown as typeof outputs,
    );
    assert(waited >= 18, `waited ${waited} ms`); // a timer of 20 ms may end a little early
  });
});

describe("holdBack", () => {
  it("gives what was displayed instead of showing it, also inside of itself", async () => {
    const outputs = await outputsOf(async () => {
      const held = await holdBack(async () => {
        await display({ "text/plain": "outer" });
        const inner = await holdBack(() => display({ "text/plain": "inner" }));
        assertEquals(inner, [{ data: { "text/plain": "inner" }, metadata: {} }]);
      });
      assertEquals(held.map(({ data }) => data["text/plain"]), ["outer"]);
      await display({ "text/plain": "shown" });
    });
    assertEquals(outputs.map(({ data }) => data["text/plain"]), ["shown"]);
  });

  it("ends when the code throws", async () => {
    const outputs = await outputsOf(async () => {
      await assertRejects(() => holdBack(() => Promise.reject(new Error("wrong"))), Error, "wrong");
      await display({ "text/plain": "shown" });
    });
    assertEquals(outputs.length, 1);
  });
});

describe("toTex", () => {
  it("is the package's LaTeX of a text", () => {
    assertEquals(toTex("abs(x - y)", { x: "\\hat{y}" }), String.raw`\left|\hat{y}-y\right|`);
  });

  it("reads the texts of mathjs's nodes, with their parentheses, powers and branches", () => {
    const wanted: [formula: string, latex: string][] = [
      ["x ^ 3 / (1 + x)", String.raw`\frac{3\,x^{2}-\frac{x^{3}}{x+1}}{x+1}`],
      [
        "abs(x) < 1 ? square(x) / 2 : abs(x)",
        String
          .raw`\begin{cases}x&\text{if}\;\left|x\right|<1\\\operatorname{sign}\left(x\right)&\text{otherwise}\end{cases}`,
      ],
      [
        "min(x, y)",
        String
          .raw`\begin{cases}1&\text{if}\;x<y\\0&\text{if}\;x>y\\\frac{1}{2}&\text{otherwise}\end{cases}`,
      ],
    ];
    for (const [formula, latex] of wanted) assertEquals(toTex(derivative(formula, "x")), latex);
  });
});

describe("markdown and tex", () => {
  it("show text", async () => {
    const [output] = await outputsOf(() => markdown("**a**"));
    assertEquals(output.data, { "text/markdown": "**a**", "text/plain": "**a**" });
  });

  it("show one formula, or several aligned", async () => {
    const [one, two] = await outputsOf(async () => {
      await tex("x^2");
      await tex("a &= b", "&= c");
    });
    assertEquals(one.data["text/latex"], "$$x^2$$");
    assertEquals(
      two.data["text/latex"],
      String.raw`$$\begin{aligned}a &= b \\ &= c\end{aligned}$$`,
    );
    assertEquals(two.data["text/plain"], "a &= b\n&= c");
    await assertRejects(() => tex(), TypeError, "none is given");
  });
});

describe("table", () => {
  it("shows all columns, or those chosen, in the given order", async () => {
    const rows = [{ name: "L1", loss: 0.25, grad: 1 }, { name: "MSE", loss: 12, grad: null }];
    const [all, some] = await outputsOf(async () => {
      await table(rows);
      await table(rows, { columns: ["loss", "name"], caption: "Two" });
    });
    assertEquals(
      all.data["text/plain"],
      ["name  loss  grad", "────  ────  ────", "L1    0.25     1", "MSE     12"].join("\n"),
    );
    assertEquals(
      some.data["text/markdown"],
      ["Two", "", "| loss | name |", "| ---: | :--- |", "| 0.25 | L1 |", "| 12 | MSE |"].join("\n"),
    );
  });

  it("refuses no rows, and rows without a column", async () => {
    await assertRejects(() => table([]), RangeError, "no rows");
    const uneven: Record<string, number>[] = [{ a: 1 }, { b: 2 }];
    await assertRejects(() => table(uneven), TypeError, 'no column "a"');
  });
});
