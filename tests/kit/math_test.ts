/** What notebooks and tests compare a loss with: the oracle, and derivatives by algebra and by finite differences. */

import { assert, assertEquals, assertThrows } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import {
  derivative,
  finiteDifferences,
  oracle,
  parse,
  sameFunction,
  symbolsOf,
} from "../reference/maths/math.ts";

const digits = (formula: string, scope: Record<string, number> = {}) =>
  oracle(formula, scope).toPrecision(64);

describe("oracle", () => {
  it("takes the exact value of a double", () => {
    assertEquals(
      oracle("x", { x: 0.1 }).toString(),
      "0.1000000000000000055511151231257827021181583404541015625",
    );
    assertEquals(oracle("x", { x: -5e-324 }).toNumber(), -5e-324);
    assertEquals(oracle("x", { x: 1.7976931348623157e308 }).toNumber(), Number.MAX_VALUE);
    assertEquals(oracle("x - y", { x: 0.3, y: 0.1 + 0.2 }).toNumber(), -(2 ** -54));
  });

  it("has 64 right digits: constants known from tables", () => {
    assertEquals(
      digits("exp(1)"),
      "2.718281828459045235360287471352662497757247093699959574966967628",
    );
    assertEquals(
      digits("log(2)"),
      "0.6931471805599453094172321214581765680755001343602552541206800095",
    );
  });

  it("is stable where the naive form loses all digits", () => {
    // log(1 + x) = x - x²/2 + … and softplus(-800) = log(1 + e^-800) ≈ e^-800
    for (const x of [2 ** -400, 2 ** -130, -(2 ** -130)]) {
      assertEquals(digits("log1p(x)", { x }), digits("x - x^2 / 2 + x^3 / 3", { x }));
    }
    assertEquals(digits("softplus(x)", { x: -800 }), digits("exp(-800)"));
    assertEquals(digits("softplus(x) - x", { x: 30 }), digits("log1p(exp(-30))"));
    assertEquals(digits("1 / sigmoid(x) - 1", { x: 3 }), digits("exp(-3)"));
  });

  it("computes log1p on both sides of the switch between its two forms", () => {
    for (const x of [0.99e-7, 1.01e-7, 0.99e-8, 1.01e-8, -1.01e-8]) {
      assertEquals(
        digits("exp(log1p(x)) - 1", { x }).slice(0, 60),
        digits("x", { x }).slice(0, 60),
      );
    }
  });

  it("gives the limits", () => {
    const at = (formula: string, x: number) => oracle(formula, { x }).toNumber();
    assertEquals(at("softplus(x)", Infinity), Infinity);
    assertEquals(at("softplus(x)", -Infinity), 0);
    assertEquals(at("sigmoid(x)", -Infinity), 0);
    assertEquals(at("sigmoid(x)", Infinity), 1);
    assertEquals(at("xlogy(x, x)", 0), 0);
    assertEquals(at("xlogy(x, x)", NaN), NaN);
    assertEquals(at("log(x)", 0), -Infinity);
    assertEquals(at("log(x)", -1), NaN);
    assertEquals(at("log1p(x)", -1), -Infinity);
    assertEquals(at("hinge(x)", -2), 0);
    assertEquals(at("hinge(x)", NaN), NaN);
    assertEquals(at("exp(x)", 1e300), Infinity);
  });

  it("compares exactly", () => {
    assertEquals(oracle("x < 1 + 1e-70 ? 2 : 3", { x: 1 }).toNumber(), 2);
    assertEquals(oracle("max(x, 1 + 1e-70) - 1", { x: 1 }).toNumber(), 1e-70);
    assertEquals(parse("x < 1 + 1e-15 ? 2 : 3").evaluate({ x: 1 }), 2);
  });

  it("refuses what it cannot evaluate", () => {
    assertThrows(() => oracle("x + q", { x: 1 }), TypeError, "no value for q");
    assertThrows(() => oracle("1 +"), TypeError, 'Cannot read the formula "1 +"');
    assertThrows(
      () => oracle("x > 0", { x: 1 }),
      TypeError,
      "must be a number: current value is true",
    );
  });
});

describe("symbolsOf", () => {
  it("lists symbols once, without functions and constants", () => {
    assertEquals(symbolsOf("log(2 * pi * y) + x * y + exp(x)"), ["y", "x"]);
  });
});

/** Formulas, and their derivatives with respect to x, worked out by hand. */
const DERIVATIVES: [formula: string, wanted: string][] = [
  ["square(x - y)", "2 * x - 2 * y"],
  ["abs(x - y)", "x > y ? 1 : -1"],
  [
    "abs(x - y) < beta ? square(x - y) / (2 * beta) : abs(x - y) - beta / 2",
    "abs(x - y) < beta ? (x - y) / beta : (x > y ? 1 : -1)",
  ],
  ["softplus(-y * x)", "-y / (1 + exp(y * x))"],
  ["exp(x) - y * x", "exp(x) - y"],
  ["x - y * log(x + 7)", "1 - y / (x + 7)"],
  ["sigmoid(x * y)", "y * exp(-x * y) / (1 + exp(-x * y))^2"],
  ["log1p(exp(-abs(x)))", "(x > 0 ? -1 : 1) / (exp(abs(x)) + 1)"],
  ["xlogy(x + 7, y + 8)", "log(y + 8)"],
  ["xlogy(y + 7, x + 8)", "(y + 7) / (x + 8)"],
  [
    "min(square(x), y) * max(x, y)",
    "(square(x) < y ? 2 * x : 0) * max(x, y) + min(square(x), y) * (x > y ? 1 : 0)",
  ],
  ["square(hinge(1 - y * x))", "1 - y * x > 0 ? -2 * y * (1 - y * x) : 0"],
  ["beta * hinge(x - y) + sign(x) * y", "x > y ? beta : 0"],
  [
    "(x > y ? x * x : 3 * x) * (x > 0 ? x : 1)",
    "(x > y ? 2 * x : 3) * (x > 0 ? x : 1) + (x > y ? x * x : 3 * x) * (x > 0 ? 1 : 0)",
  ],
  ["pow(abs(x - y), beta)", "beta * abs(x - y)^(beta - 1) * (x > y ? 1 : -1)"],
  [
    "sqrt(square(x) + beta) / (1 + exp(x))",
    "x / sqrt(x^2 + beta) / (1 + exp(x)) - sqrt(x^2 + beta) * exp(x) / (1 + exp(x))^2",
  ],
];

describe("derivative", () => {
  for (const [formula, wanted] of DERIVATIVES) {
    it(formula, () => {
      const found = derivative(formula, "x");
      const range = { x: [-3, 3], y: [-3, 3], beta: [0.1, 2] } as const;
      const { same, difference, at } = sameFunction(found, wanted, range, { seed: 7 });
      assert(same, `${found}: ${difference} at ${JSON.stringify(at)}`);
    });
  }

  it("has PyTorch's value at each kink", () => {
    const at0 = (formula: string, x = 0) => derivative(formula, "x").evaluate({ x });
    assertEquals(at0("abs(x)"), 0);
    assertEquals(at0("hinge(x)"), 0);
    assertEquals(at0("max(x, 0)"), 0.5);
    assertEquals(at0("min(0, x)"), 0.5);
    assertEquals(at0("abs(x) < 1 ? square(x) / 2 : abs(x) - 1 / 2", 1), 1);
  });

  it("is simplified", () => {
    assertEquals(derivative("square(x - y)", "x").toString(), "2 * (x - y)");
    assertEquals(derivative("softplus(x) - x * y", "x").toString(), "sigmoid(x) - y");
    assertEquals(derivative("x + y", "z").toString(), "0");
  });

  it("can be evaluated with 64 digits, also where doubles overflow", () => {
    const gradient = derivative("softplus(x)", "x");
    assertEquals(
      oracle(gradient, { x: -800 }).toPrecision(64),
      digits("1 / (1 + exp(800))"),
    );
    assertEquals(gradient.evaluate({ x: 1000 }), 1);
  });

  it("refuses what it cannot differentiate", () => {
    assertThrows(() => derivative("max(x, y, 0)", "x"), TypeError, "takes 2 arguments here");
    assertThrows(() => derivative("x", "2x"), TypeError, 'with respect to "2x"');
    assertThrows(() => derivative("gamma(x)", "x"), Error, "gamma");
  });
});

describe("sameFunction", () => {
  it("distinguishes equal from nearly equal, and says where they differ", () => {
    const near = sameFunction("x^2", "x^2 + (x > 2 ? 1e-9 : 0)", { x: [0, 3] });
    assertEquals(near.same, false);
    assert(near.at.x > 2 && near.difference > 1e-11);
    assertEquals(sameFunction("x^2", ({ x }) => x * x, { x: [0, 3] }).same, true);
  });

  it("finds NaN equal to NaN only", () => {
    assertEquals(sameFunction("0 / 0 * x", "x", { x: [0, 1] }).difference, Infinity);
    assertEquals(sameFunction("0 / 0 * x", "log(-x)", { x: [1, 2] }).same, true);
  });

  it("needs a point", () => {
    assertThrows(() => sameFunction("x", "x", {}, { points: 0 }), RangeError, "current value is 0");
  });
});

describe("finiteDifferences", () => {
  it("have twelve right digits, for each coordinate", () => {
    const at = [0.7, -1.2, 2];
    const gradient = finiteDifferences(([x, y, z]) => Math.exp(x) * Math.sin(y) + z ** 4, at);
    const wanted = [Math.exp(0.7) * Math.sin(-1.2), Math.exp(0.7) * Math.cos(-1.2), 32];
    gradient.forEach((g, i) => assert(Math.abs(g - wanted[i]) < 1e-11, `${i}: ${g}`));
    assertEquals(at, [0.7, -1.2, 2]);
  });

  it("are exact for a polynomial of degree 4, for any step", () => {
    for (const h of [0.5, 0.25]) assertEquals(finiteDifferences(([x]) => x ** 4, [1], h), [4]);
  });
});
