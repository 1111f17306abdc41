/** The tools of the formula fuzzers: trees and their texts, intervals, and the readers of texts and LaTeX. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import fc from "fast-check";
import { contains, Enclosure, point, PROMISED_ULPS, type Range } from "./formula/enclosure.ts";
import { readLatex } from "./formula/latex_reader.ts";
import { readText } from "./formula/text_reader.ts";
import { finiteNumber, formulas, node, number, symbol, textOf, type Tree } from "./formula/tree.ts";
import { shift } from "./float.ts";

/** A tree without the parentheses that nobody needs. */
function bare(tree: Tree): Tree {
  if (!("args" in tree)) return tree;
  if (tree.op === "group") return bare(tree.args[0]);
  return node(tree.op, ...tree.args.map(bare));
}

/** Literals by their values, and a sign as part of them. */
function byValue(tree: Tree): unknown {
  if (tree.op === "number") return tree.value;
  if (tree.op === "symbol") return tree.name;
  const args = tree.args.map(byValue);
  return tree.op === "neg" && typeof args[0] === "number" ? -args[0] : [tree.op, ...args];
}

const x = symbol("x");
const y = symbol("y");

describe("shift", () => {
  it("steps to neighbours, over 0, and not beyond the infinities", () => {
    assertEquals(shift(1, 1, "float64"), 1 + 2 ** -52);
    assertEquals(shift(1, -1, "float32"), 1 - 2 ** -24);
    assertEquals(shift(0, 1, "float32"), 2 ** -149);
    assertEquals(shift(2 ** -1074, -2, "float64"), -(2 ** -1074));
    assertEquals(shift(Number.MAX_VALUE, 1, "float64"), Infinity);
    assertEquals(shift(Infinity, 5, "float32"), Infinity);
    assertEquals(shift(-Infinity, 1, "float64"), -Number.MAX_VALUE);
  });
});

describe("texts of trees", () => {
  it("have the parentheses that the grammar asks for", () => {
    const sum = node("add", x, y);
    assertEquals(textOf(node("mul", sum, x)), "(x + y) * x");
    assertEquals(textOf(node("sub", x, sum)), "x - (x + y)");
    assertEquals(textOf(node("sub", sum, x)), "x + y - x");
    assertEquals(textOf(node("div", x, node("div", x, y))), "x / (x / y)");
    assertEquals(textOf(node("neg", sum)), "-(x + y)");
    assertEquals(textOf(node("pow", sum, number(-2))), "pow(x + y, -2)");
    assertEquals(textOf(node("group", x)), "(x)");
    const less = node("lt", x, y);
    const chosen = node("select", less, x, y);
    assertEquals(textOf(chosen), "x < y ? x : y");
    assertEquals(
      textOf(node("select", less, chosen, chosen)),
      "x < y ? (x < y ? x : y) : x < y ? x : y",
    );
    assertEquals(textOf(node("select", node("not", less), x, y)), "not (x < y) ? x : y");
  });

  it("read back as the same trees", () => {
    const trees = formulas({ symbols: ["x", "y"], literals: finiteNumber("float64") });
    fc.assert(
      fc.property(trees, (tree) => {
        assertEquals(byValue(bare(readText(textOf(tree)))), byValue(bare(tree)));
      }),
      { seed: 1, numRuns: 500 },
    );
  });
});

describe("an enclosure", () => {
  const at = (x: number, y = 0): Map<string, Range> => new Map([["x", point(x)], ["y", point(y)]]);
  const enclose = (text: string, x: number, y?: number) =>
    new Enclosure("float64").evaluate(readText(text), at(x, y));

  it("of exact steps is one number", () => {
    assertEquals(enclose("x + 0.2", 0.1), point(0.1 + 0.2));
    assertEquals(enclose("sqrt(x * x / y) - y", 2, 3), point(Math.sqrt(4 / 3) - 3));
    assertEquals(enclose("x < y ? 1 : 2", 0, 1), point(1));
    assertEquals(enclose("-x", 0), point(-0));
    const narrow = new Enclosure("float32").evaluate(readText("x + 0.1"), at(1));
    assertEquals(narrow, point(Math.fround(1 + Math.fround(0.1))));
  });

  it("of a function reaches as far as its promise, and no further", () => {
    for (const [text, value] of [["exp(x)", Math.E], ["log(x + 1)", Math.LN2]] as const) {
      const range = enclose(text, 1);
      const name = text.slice(0, 3) as "exp" | "log";
      assert(contains(range, value));
      assert(contains(range, shift(value, PROMISED_ULPS[name], "float64")));
      assert(!contains(range, shift(value, PROMISED_ULPS[name] + 2, "float64")));
      assert(!contains(range, shift(value, -PROMISED_ULPS[name] - 2, "float64")));
    }
  });

  it("tells 0 from -0, and NaN from numbers", () => {
    assert(!contains(point(0), -0));
    assert(!contains(enclose("x / x", 0), 0));
    assert(contains(enclose("x / x", 0), NaN));
    assert(!contains(enclose("x", 1), NaN));
    assertEquals(enclose("sign(x)", NaN), point(0));
    assertEquals(enclose("xlogy(x, y)", 0, -1), point(0));
    assert(contains(enclose("hinge(x)", NaN), NaN));
  });

  it("follows both branches where a condition is open", () => {
    const range = enclose("exp(x) > y ? 1 : 2", 1, Math.E);
    assert(contains(range, 1) && contains(range, 2));
  });

  it("notes kinks and poles inside of intervals", () => {
    const over = (text: string, lo: number, hi: number) => {
      const scope = new Map([["x", { lo, hi, nan: false }]]);
      const { hasKink, hasPole } = new Enclosure("exact").trace(readText(text), scope);
      return [hasKink, hasPole];
    };
    assertEquals(over("abs(x)", 1, 2), [false, false]);
    assertEquals(over("abs(x)", -1, 2), [true, false]);
    assertEquals(over("x < 1 ? x : 2", 0, 2), [true, false]);
    assertEquals(over("min(x, 1)", 0, 0.5), [false, false]);
    assertEquals(over("min(x, 1)", 0, 2), [true, false]);
    assertEquals(over("1 / x", -1, 1), [true, true]);
    assertEquals(over("log(x)", 1, 2), [false, false]);
  });
});

describe("the reader of LaTeX", () => {
  const READ: readonly (readonly [latex: string, text: string])[] = [
    [String.raw`x + y - z`, "x + y - z"],
    [String.raw`2 \, x \cdot 3`, "2 * x * 3"],
    [String.raw`x \left(y + z\right)`, "x * (y + z)"],
    [String.raw`-x^{2}`, "-square(x)"],
    [String.raw`\left(-x\right)^{2} \, y^{p}`, "square(-x) * pow(y, p)"],
    [String.raw`\frac{x}{y + 1} \, z`, "x / (y + 1) * z"],
    [String.raw`e^{-x} + e`, "exp(-x) + e"],
    [String.raw`\left|x\right|^{2}`, "square(abs(x))"],
    [String.raw`\sigma\left(x\right) + \sigma \, \left(x\right)`, "sigmoid(x) + sigma * x"],
    [String.raw`\log\left(1 + e^{x}\right)`, "log(1 + exp(x))"],
    [String.raw`\max\left(0, \min\left(x, y\right)\right)`, "max(0, min(x, y))"],
    [String.raw`\operatorname{sign}\left(x\right)`, "sign(x)"],
    [String.raw`\sqrt{x} \, \beta + x_{1} + \mathrm{posWeight}`, "sqrt(x) * beta + x1 + posWeight"],
    [
      String
        .raw`\begin{cases}x & x < y \land \lnot\left(y = 0\right) \\ 2 & x \ge 1 \\ 3 & \text{otherwise}\end{cases}`,
      "x < y and not (y == 0) ? x : x >= 1 ? 2 : 3",
    ],
    [
      String.raw`\begin{cases} x & \text{if}\; x < y \\ y & \text{otherwise} \end{cases}`,
      "x < y ? x : y",
    ],
    [String.raw`1.5 \cdot 10^{-7}`, "1.5 * pow(10, -7)"],
  ];
  for (const [latex, text] of READ) {
    it(`reads ${latex}`, () => {
      assertEquals(byValue(bare(readLatex(latex))), byValue(bare(readText(text))));
    });
  }

  for (
    const broken of [
      String.raw`10^{21}^{2}`,
      String.raw`\mathrm{x_}`,
      String.raw`x \cdot`,
      String.raw`x + \left(y`,
      String.raw`\frac{x}`,
      String.raw`x \unknown y`,
      String.raw`\left(x\right) +`,
    ]
  ) {
    it(`refuses ${broken}`, () => {
      assertThrows(() => readLatex(broken), SyntaxError);
    });
  }
});
