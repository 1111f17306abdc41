/** The checks of a notebook: what passes, what fails, and what both show. */

import { assert, assertEquals, assertRejects } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { check, type CheckRow } from "../../notebooks/_kit/show/checks.ts";
import { layout, numberText } from "../../notebooks/_kit/show/table.ts";
import { outputsOf } from "./kernel_stub.ts";

const passes = (row: Omit<CheckRow, "name">) => check("title", [{ name: "row", ...row }]);

async function fails(row: Omit<CheckRow, "name">, ...messages: string[]): Promise<void> {
  const error = await assertRejects(() => passes(row), Error, '1 of 1 checks of "title" failed');
  for (const message of messages) assert(error.message.includes(message), error.message);
}

describe("check, numbers", () => {
  it("passes within atol + rtol · |want|, and fails beyond", async () => {
    await passes({ got: 1.25, want: 1, atol: 0.125, rtol: 0.125 });
    await fails(
      { got: 1.25, want: 1, atol: 0.125, rtol: 0.0625 },
      "row: got 1.25, want 1, difference 0.25 exceeds 0.188",
    );
    await passes({ got: 1 + 0.9e-6, want: 1 });
    await fails({ got: 1 + 1.1e-6, want: 1 });
    await fails({ got: 1e-9, want: 0 }); // a relative tolerance allows nothing at 0
  });

  it("accepts NaN for NaN, and an infinity only for itself", async () => {
    await passes({ got: [NaN, Infinity, -Infinity], want: [NaN, Infinity, -Infinity] });
    await fails({ got: NaN, want: 1, atol: Infinity }, "got NaN");
    await fails({ got: 1, want: NaN });
    await fails({ got: 1e308, want: Infinity }, "got 1e+308, want Infinity");
    await fails({ got: -Infinity, want: Infinity });
    await fails({ got: Infinity, want: 1 });
  });

  it("compares arrays, typed arrays and tensors by shape and element", async () => {
    const tensor = { data: Float32Array.of(1, 2, 3, 4), shape: [2, 2] };
    await passes({ got: tensor, want: [[1, 2], [3, 4]] });
    await passes({ got: Float64Array.of(1, 2), want: [1, 2] });
    await fails({ got: tensor, want: [[1, 2], [3, 5]] }, "row[1, 1]: got 4, want 5");
    await fails({ got: tensor, want: [1, 2, 3, 4] }, "got shape [2,2], want shape [4]");
    await fails({ got: 1, want: [1] }, "got shape [], want shape [1]");
    await passes({ got: [], want: [] });
  });

  it("names the first element that fails", async () => {
    await fails({ got: [1, 9, 9], want: [1, 2, 3] }, "row[1]: got 9, want 2");
  });
});

describe("check, texts and booleans", () => {
  it("compares them exactly", async () => {
    await passes({ got: "mean", want: "mean" });
    await fails({ got: "mean", want: "sum" }, "got mean, want sum");
    await fails({ got: true, want: false }, "got true, want false");
    await fails({ got: 1, want: "1" }, "got 1, want 1");
  });
});

describe("check, printed numbers", () => {
  it("rounds to as many digits as are printed", async () => {
    await passes({ got: 0.58166277, printed: "0.5817" });
    await fails({ got: 0.58164, printed: "0.5817" }, "got 0.58164, want 0.5817 as printed");
    await fails({ got: 0.58177, printed: "0.5817" });
    await passes({ got: Math.fround(0.85), printed: "0.8500000238418579" });
    await fails({ got: 0.85, printed: "0.8500000238418579" });
    await passes({ got: 12345, printed: "1.2345e+04" });
    await fails({ got: 12346, printed: "1.2345e+04" });
    await passes({ got: 3, printed: "3." });
  });

  it("allows both neighbours at a tie: Python rounds to even, JavaScript up", async () => {
    await passes({ got: 0.125, printed: "0.12" });
    await passes({ got: 0.125, printed: "0.13" });
    await fails({ got: 0.125, printed: "0.14" });
  });

  it("reads a printed tensor, without the digits of names", async () => {
    const printed =
      "tensor([0.0000, 1.0821,\n   -inf, nan], dtype=torch.float64, grad_fn=<AddBackward0>)";
    await passes({ got: [0, 1.08209, -Infinity, NaN], printed });
    await fails({ got: [0, 1.08209, -Infinity, 0], printed }, "row[3]");
    await fails({ got: [0, 1.08209], printed }, "got 2 numbers, want 4 numbers");
  });
});

describe("check, its output", () => {
  it("shows the table and its metadata", async () => {
    const [output] = await outputsOf(() =>
      check("Losses", [
        { name: "a|b", got: [1, 2, 3, 4, 5], want: [1, 2, 3, 4, 5] },
        { name: "c", got: 0.5, printed: "0.50", source: "notes" },
      ])
    );
    assertEquals(output.metadata, { lossbook: { checks: 2 } });
    assertEquals(
      output.data["text/markdown"],
      [
        "**Losses**",
        "",
        "|  | 得到 computed | 应为 expected | 差 difference | ✓ | source |",
        "| :--- | :--- | :--- | ---: | :--- | :--- |",
        "| a\\|b | [1, 2, 3, 4, …] (5) | [1, 2, 3, 4, …] (5) | 0 | ✓ |  |",
        "| c | 0.5 | 0.50 | 0 | ✓ | notes |",
      ].join("\n"),
    );
  });

  it("shows the table before it throws, and names every failure", async () => {
    let message = "";
    const outputs = await outputsOf(async () => {
      try {
        await check("t", [
          { name: "p", got: 1, want: 2 },
          { name: "q", got: 3, want: 3 },
          { name: "r", got: 4, want: 5 },
        ]);
      } catch (error) {
        message = error instanceof Error ? error.message : "";
      }
    });
    assertEquals(outputs.length, 1);
    assert(outputs[0].data["text/plain"].includes("✗"));
    assert(message.startsWith('2 of 3 checks of "t" failed:\n- p: got 1'), message);
    assert(message.includes("\n- r: got 4"));
  });
});

describe("check with a title in both languages", () => {
  const title = { zh: "两个数", en: "two numbers" };
  const rows = [{ name: "a", got: 1, want: 1 }, {
    name: "b",
    got: [2, 3.5],
    want: [2, 3],
    atol: 1,
  }];

  it("has heads in both languages", async () => {
    const [output] = await outputsOf(() => check(title, rows));
    assertEquals(
      output.data["text/markdown"].split("\n").slice(0, 3),
      ["**两个数 · two numbers**", "", "|  | 得到 computed | 应为 expected | 差 difference | ✓ |"],
    );
  });

  it("is folded to one line with the count and the largest difference", async () => {
    const [output] = await outputsOf(() => check(title, rows, { folded: true }));
    const line = "✓ 两个数（2 项，最大差 0.5） · two numbers (2 checks, largest difference 0.5)";
    assertEquals(output.data["text/plain"], line);
    assert(output.data["text/markdown"].startsWith(`<details><summary>${line}</summary>\n\n|  |`));
    assertEquals(output.metadata, { lossbook: { checks: 2 } });
    const [english] = await outputsOf(() => check("two", rows, { folded: true }));
    assertEquals(english.data["text/plain"], "✓ two (2 checks, largest difference 0.5)");
  });

  it("is not folded if a check fails", async () => {
    let message = "";
    const [output] = await outputsOf(async () => {
      const wrong = [...rows, { name: "c", got: 1, want: 2 }];
      await check(title, wrong, { folded: true }).catch((error) => message = error.message);
    });
    assert(!output.data["text/markdown"].includes("<details>"));
    assert(message.startsWith('1 of 3 checks of "两个数 · two numbers" failed'), message);
  });
});

describe("check, bad input", () => {
  it("needs rows, and one expectation in each", async () => {
    await assertRejects(() => check("t", []), RangeError, "there are no rows");
    await assertRejects(() => passes({ got: 1 }), TypeError, "either want or printed");
    await assertRejects(() => passes({ got: 1, want: 1, printed: "1" }), TypeError, "either");
    await assertRejects(() => passes({ got: 1, printed: "none" }), TypeError, "nothing is printed");
  });

  it("needs numbers of one shape, and tolerances", async () => {
    await assertRejects(() => passes({ got: [[1], [1, 2]], want: 1 }), TypeError, "rows differ");
    await assertRejects(
      () => passes({ got: 1, want: 1, atol: -1 }),
      RangeError,
      "atol must be ≥ 0",
    );
    await assertRejects(() => passes({ got: 1, want: 1, rtol: NaN }), RangeError, "rtol");
    const nothing = null as unknown as number;
    await assertRejects(
      () => passes({ got: nothing, want: 1 }),
      TypeError,
      "current value is null",
    );
  });
});

describe("layout", () => {
  it("aligns numbers to the right, also next to Chinese text", () => {
    assertEquals(
      layout(["名", "value"], [["损失", 0.5], ["x", -12]]).plain,
      ["名    value", "────  ─────", "损失    0.5", "x       -12"].join("\n"),
    );
  });

  it("rounds numbers for readers", () => {
    const wanted: [number, string][] = [
      [1 / 3, "0.333333"],
      [-0, "-0"],
      [NaN, "NaN"],
      [-Infinity, "-∞"],
      [1234567, "1234567"],
      [1.5e-9, "1.5e-9"],
      [999999999999999.9, "1e+15"],
      [Math.fround(2e19), "2e+19"],
    ];
    for (const [value, text] of wanted) assertEquals(numberText(value), text);
  });
});
