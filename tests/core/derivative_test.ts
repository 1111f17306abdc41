/** The symbolic derivative, compared with that of mathjs and with finite differences; PyTorch's convention at each kink. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { Formula } from "@lossbook/losses/formula";
import { FUNCTIONS } from "../../losses/_core/formula/graph.ts";
import { derivative as byMathjs, sameFunction } from "../reference/maths/math.ts";
import { numericGradient } from "../_numeric.ts";
import { Random } from "../_random.ts";

/** At least one formula for each operator, smooth wherever the tests evaluate it. */
const SMOOTH = [
  "x + y",
  "y - x",
  "x * y * x",
  "x / (y + x)",
  "y / x",
  "-x * y",
  "square(x * y - 1)",
  "sqrt(x * y + x)",
  "exp(-x * y)",
  "log(x + y * x)",
  "log1p(x * y)",
  "sigmoid(x * y - 2)",
  "softplus(y - 2 * x)",
  "pow(x, y)",
  "pow(x, 3)",
  "pow(x - 4, 5)",
  "pow(-x, -3)",
  "pow(y, x)",
  "xlogy(x, y)",
  "xlogy(y, x * x)",
  "abs(x + y)",
  "abs(-x - y)",
  "sign(x + y) * x",
  "hinge(x + y) - hinge(-x - y)",
  "min(x, x + y) * max(-x, y)",
  "max(x - 9, x * x) + min(9 + x, y)",
  "x > 0 ? x * y : x",
  "x < 0 or not (y < 0) ? square(x) : y",
  "softplus(x) - x * y",
];

describe("derivative", () => {
  const range = { x: [0.2, 3], y: [0.2, 3] } as const;

  it("is tested for every function", () => {
    for (const name of Object.keys(FUNCTIONS)) {
      assert(SMOOTH.some((text) => text.includes(`${name}(`)), name);
    }
  });

  for (const text of SMOOTH) {
    it(`d/dx ${text}`, () => {
      const formula = new Formula(text);
      const found = formula.derivative("x");
      const { same, difference, at } = sameFunction(found.text, byMathjs(text, "x"), range, {
        seed: 1,
      });
      assert(same, `${found.text}: ${difference} at ${JSON.stringify(at)}`);

      const random = new Random(2);
      for (let i = 0; i < 20; i++) {
        const [x0, y] = [random.uniform(0.2, 3), random.uniform(0.2, 3)];
        const value = (x: number) => formula.evaluate({ x: [x], y })[0];
        const [slope] = numericGradient(([x]) => value(x), [x0], { scale: 0.2 });
        const ours = found.evaluate({ x: [x0], y })[0];
        assert(Math.abs(ours - slope) <= 1e-8 * (1 + Math.abs(slope)), `${ours} beside ${slope}`);
      }
    });
  }

  it("is 0 with respect to a symbol that does not occur", () => {
    assertEquals(new Formula("exp(x)").derivative("z").text, "0");
  });

  it("is simplified", () => {
    const wanted: [text: string, derivative: string][] = [
      ["softplus(x) - x * y", "sigmoid(x) - y"],
      ["square(x - y)", "2 * (x - y)"],
      ["exp(x) - y * x", "exp(x) - y"],
      ["-log(x)", "-(1 / x)"],
      ["abs(y - x)", "-sign(y - x)"],
      ["x < y ? x : 2 * x", "x < y ? 1 : 2"],
    ];
    for (const [text, derivative] of wanted) {
      assertEquals(new Formula(text).derivative("x").text, derivative);
    }
  });

  it("is a formula that can be read, also with infinite numbers", () => {
    const infinite: [text: string, derivative: string, value: number][] = [
      ["1e200 * x * 1e200", "Infinity", Infinity],
      ["1e200 * x * -1e200", "-Infinity", -Infinity],
      ["1e200 * x * 1e200 - 1e200 * x * 1e200", "NaN", NaN],
      ["exp(x) + 1e200 * x * 1e200", "exp(x) + Infinity", Infinity],
    ];
    for (const [text, derivative, value] of infinite) {
      const found = new Formula(text).derivative("x");
      assertEquals(found.text, derivative);
      assertEquals(found.evaluate({ x: 1 })[0], value);
      assertEquals(new Formula(found.text).text, derivative);
    }
  });

  it("does not overflow on the way: the slope of softplus and sigmoid at ± 1000", () => {
    const slope = (text: string, x: number) => new Formula(text).derivative("x").evaluate({ x })[0];
    assertEquals([slope("softplus(x)", 1000), slope("softplus(x)", -1000)], [1, 0]);
    assertEquals([slope("sigmoid(x)", 1000), slope("sigmoid(x)", -1000)], [0, 0]);
    // σ (1 - σ) would be 0 here, because 1 - σ(40) rounds to 0.
    assert(Math.abs(slope("sigmoid(x)", 40) / Math.exp(-40) - 1) < 1e-15);
  });

  it("refuses a condition, which has none", () => {
    assertThrows(
      () => new Formula("x < y").derivative("x"),
      TypeError,
      "Cannot differentiate 'lt'",
    );
  });
});

describe("at a kink", () => {
  const kinks: [text: string, x: number, slope: number, why: string][] = [
    ["abs(x)", 0, 0, "as in PyTorch's abs"],
    ["sign(x)", 0, 0, "flat on both sides"],
    ["hinge(x)", 0, 0, "as in clamp_min"],
    ["hinge(1 - x)", 1, 0, "as in clamp_min"],
    ["max(x, 0)", 0, 0.5, "half of 1 and half of 0"],
    ["min(0, x)", 0, 0.5, "half of 0 and half of 1"],
    ["max(x, 2 * x)", 0, 1.5, "half of 1 and half of 2"],
    ["min(x, -x)", 0, 0, "half of 1 and half of -1"],
    ["abs(x) < 1 ? square(x) / 2 : abs(x) - 1 / 2", 1, 1, "that of the branch taken"],
    ["x <= 0 ? 3 * x : 5 * x", 0, 3, "that of the branch taken"],
  ];
  for (const [text, x, slope, why] of kinks) {
    it(`d/dx ${text} at ${x} is ${slope}: ${why}`, () => {
      for (const at of x === 0 ? [0, -0] : [x]) {
        assertEquals(new Formula(text).derivative("x").evaluate({ x: at })[0], slope);
      }
    });
  }

  it("at NaN is 0: NaN is neither > 0 nor < 0", () => {
    for (const name of ["hinge", "abs"]) {
      assertEquals(new Formula(`${name}(x)`).derivative("x").evaluate({ x: NaN })[0], 0);
    }
  });

  it("of min and max if one of them is NaN is the sum of both, as in PyTorch's maximum", () => {
    const sums: [text: string, slope: number][] = [
      ["max(x, y)", 1],
      ["min(3 * x, y)", 3],
      ["max(y, 2 * x)", 2],
      ["min(x, x + y)", 2],
      ["min(max(x, y), 7)", 1],
      ["max(sign(x), y)", 0],
    ];
    for (const [text, slope] of sums) {
      const derivative = new Formula(text).derivative("x");
      for (const [x, y] of [[NaN, 1], [1, NaN], [NaN, NaN]]) {
        assertEquals(derivative.evaluate({ x, y })[0], slope, `${text} at ${x}, ${y}`);
      }
    }
    assertEquals(new Formula("max(x, 0)").derivative("x").text, "x < 0 ? 0 : x == 0 ? 0.5 : 1");
  });
});

describe("where a factor would be infinite, but PyTorch gives 0", () => {
  const zeros: [text: string, symbol: "x" | "y", x: number, y: number][] = [
    ["pow(x, y)", "x", 0, 0],
    ["pow(x, y)", "x", NaN, 0],
    ["pow(x, y)", "y", 0, 0],
    ["pow(x, y)", "y", 0, 2],
    ["pow(1 - sigmoid(x), y) * softplus(x - 40)", "x", -800, 0],
    ["xlogy(x, y)", "x", 0, 0],
    ["xlogy(x, y)", "x", 0, -1],
  ];
  for (const [text, symbol, x, y] of zeros) {
    it(`d/d${symbol} ${text} at x = ${x}, y = ${y}`, () => {
      assertEquals(Math.abs(new Formula(text).derivative(symbol).evaluate({ x, y })[0]), 0);
    });
  }

  it("but not beside it", () => {
    const slope = (text: string, symbol: string, x: number, y: number) =>
      new Formula(text).derivative(symbol).evaluate({ x, y })[0];
    assertEquals(slope("pow(x, y)", "x", 0, 0.5), Infinity);
    assertEquals(slope("pow(x, y)", "x", 0, 1), 1);
    assertEquals(slope("pow(x, y)", "y", 0, -1), -Infinity);
    assertEquals(slope("xlogy(x, y)", "x", 1, 0), -Infinity);
    assertEquals(slope("xlogy(x, y)", "x", 0, 1), 0);
    assertEquals(slope("xlogy(x, y)", "x", 0, Math.E), 1);
  });

  it("without a question where the number in the formula is another", () => {
    assertEquals(new Formula("pow(x, -2)").derivative("x").text, "-2 * pow(x, -3)");
    assertEquals(new Formula("pow(2, x)").derivative("x").text, "pow(2, x) * log(2)");
    assertEquals(new Formula("xlogy(x, 2)").derivative("x").text, "log(2)");
  });
});
