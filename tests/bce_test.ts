/** BCELoss: -(y log x + (1 - y) log(1 - x)), each logarithm at least -100. */
import { assertEquals, assertThrows } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import fc from "fast-check";
import {
  BCELoss,
  type BCELossOptions,
  BCEWithLogitsLoss,
  float32,
  float64,
  int32,
  type Tensor,
} from "@lossbook/losses";
import { Formula } from "@lossbook/losses/formula";
import { testCases } from "./_cases.ts";
import { assertNear, near } from "./_close.ts";
import { testContract } from "./_contract.ts";
import { testDomain, testEqualShapes, testLongMean } from "./_elementwise.ts";
import { testFixtures } from "./_fixtures.ts";
import { testFormula } from "./_formula.ts";
import { call, element, type Subject } from "./_loss.ts";
import { assertGradient } from "./_numeric.ts";
import { doubles, holds } from "./_property.ts";
import { Random } from "./_random.ts";
import { testReductions } from "./_reductions.ts";
import { testBroadcastWeight } from "./_weights.ts";
import { cases, formulas } from "./reference/cases/bce.ts";
import { oracle } from "./reference/maths/math.ts";

const bce = (options?: BCELossOptions) => new BCELoss(options);
const none = bce({ reduction: "none" });
const subject: Subject = {
  loss: "BCELoss",
  build: bce,
  draw: (random, first, second = first) => ({
    input: random.tensor(first, () => random.uniform(0.01, 0.99)),
    target: random.tensor(second, () => random.uniform()),
  }),
  wrt: ["input", "target"],
};

/** PyTorch's smallest denominator: 1e-12 as a float32. */
const LEAST = Math.fround(1e-12);

/** Value at one probability, and gradient with respect to `wrt`. */
const at = (x: number, y: number, wrt = "input", dtype = float64) =>
  element(none, [x, y], { wrt, dtype });

testCases(cases, bce);

describe("BCELoss against the document", () => {
  const x = [0.1, 0.5, 0.9, 0.999];
  const y = [0, 1, 0.25, 1];

  it("has its value", () => {
    const wanted = new Formula(formulas.value.text).evaluate({ x, y });
    none.forward(x, y).data.forEach((v, i) => assertNear(v, wanted[i], { rtol: 1e-13 }));
  });

  it("has its gradient ŷ - y, which is that with respect to the score z of ŷ = σ(z)", () => {
    const wanted = new Formula(formulas.gradient.text).evaluate({ x, y });
    none.valueAndGrad(x, y).grad.input.data.forEach((g, i) =>
      assertNear(g * x[i] * (1 - x[i]), wanted[i], { rtol: 1e-13 })
    );
  });
});

describe("BCELoss computed by hand", () => {
  it("is minus the logarithm of the probability of the answer", () => {
    assertEquals(at(0.5, 1), [Math.LN2, (0.5 - 1) / 0.25]);
    assertEquals(at(0.25, 1), [Math.log(4), -1 / 0.25]);
    assertEquals(at(0.75, 0), [Math.log(4), 1 / 0.25]);
  });

  it("is the entropy of the target, in nats, with gradient 0 where the prediction equals the target", () => {
    const [value, grad] = at(0.25, 0.25);
    assertNear(value, 0.25 * Math.log(4) + 0.75 * Math.log(4 / 3));
    assertEquals(grad, 0);
  });
});

describe("BCELoss against a one-line reference: -log(x^y (1 - x)^(1 - y))", () => {
  it("agrees in value and both gradients", () => {
    const args = subject.draw(new Random(1), [9, 7]);
    const { value, grad } = call(none, args, { wrt: subject.wrt });
    value.data.forEach((v, i) => {
      const [x, y] = [args.input.data[i], args.target.data[i]];
      assertNear(v, -Math.log(x ** y * (1 - x) ** (1 - y)), { rtol: 1e-12, context: `${x}, ${y}` });
      assertNear(grad.input.data[i], (1 - y) / (1 - x) - y / x, { rtol: 1e-10 });
      assertNear(grad.target.data[i], Math.log(1 / x - 1), { rtol: 1e-10 });
    });
  });
});

testFixtures("bce", bce);

describe("BCELoss against finite differences", () => {
  const args = subject.draw(new Random(2), [3, 5]);
  const weight = [[0.5], [2], [1.25]];

  for (const reduction of ["none", "mean", "sum"] as const) {
    it(`agrees for ${reduction}, without and with a weight`, () => {
      for (const options of [{ reduction }, { reduction, weight }]) {
        assertGradient(bce(options), args, { wrt: ["input"] });
        assertGradient(bce(options), args, { wrt: ["target"] });
      }
    });
  }
});

testFormula("BCELoss", BCELoss.formula, { input: "x", target: "y" }, {
  x: [0.01, 0.99],
  y: [0, 1],
});

describe("BCELoss at its bounds", () => {
  it("is at most 100, and 0 for a certain and correct prediction", () => {
    for (const dtype of [float64, float32]) {
      assertEquals(at(0, 1, "input", dtype)[0], 100);
      assertEquals(at(1, 0, "input", dtype)[0], 100);
      assertEquals(at(0, 0, "input", dtype), [0, 0]);
      assertEquals(at(1, 1, "input", dtype), [0, 0]);
      assertEquals(at(-0, 0, "input", dtype)[0], 0);
    }
  });

  it("stays at 100 below x = exp(-100), where its gradient is not 0", () => {
    assertEquals(at(1e-50, 1)[0], 100);
    assertEquals(at(1e-43, 1)[0], -Math.log(1e-43));
    assertEquals(at(1e-50, 1)[1], (1e-50 - 1) / LEAST);
  });

  it("has a gradient of at most 10¹² with respect to the input, in both types rounded to float32", () => {
    assertEquals(at(0, 1)[1], -1 / LEAST);
    assertEquals(at(1, 0)[1], 1 / LEAST);
    assertEquals(at(0, 0.5)[1], -0.5 / LEAST);
    assertEquals(at(0, 1, "input", float32)[1], Math.fround(-1 / LEAST));
  });

  it("has an infinite gradient with respect to the target at x = 0 and 1", () => {
    assertEquals(at(0, 0.5, "target")[1], Infinity);
    assertEquals(at(1, 0.5, "target")[1], -Infinity);
    assertEquals(at(0, 1, "target", float32)[1], Infinity);
  });
});

describe("BCELoss with extreme numbers", () => {
  it("tiny probabilities: keeps the digits that 1 - x loses", () => {
    for (const x of [1e-17, 1e-30, 5e-324]) {
      assertEquals(at(x, 0)[0], x);
      assertNear(at(x, 0)[1], x / LEAST);
    }
    assertEquals(at(2 ** -149, 0, "input", float32)[0], 2 ** -149);
  });

  it("probabilities close to 1: as exact as the input", () => {
    const x = 1 - 2 ** -53;
    assertEquals(at(x, 0)[0], 53 * Math.LN2);
    assertNear(at(x, 1)[0], 2 ** -53, { rtol: 1e-15 });
  });

  it("probabilities on both sides of ½: agrees with 64 digits", () => {
    for (const [x, y] of [[0.1, 1], [0.9999, 0.3], [1e-9, 0], [0.7, 0.6999], [1 - 1e-12, 0]]) {
      const wanted = oracle(BCELoss.formula.value, { x, y }).toNumber();
      assertNear(at(x, y)[0], wanted, { rtol: 1e-15, context: `${x}, ${y}` });
    }
  });
});

testReductions(subject);
testLongMean(subject);
testBroadcastWeight(subject);
testEqualShapes(subject);

describe("BCELoss and related losses", () => {
  it("is BCEWithLogitsLoss of the score log(x / (1 - x))", () => {
    const { input, target } = subject.draw(new Random(4), [40]);
    const z = float64(input.data.map((x) => Math.log(x / (1 - x))) as Float64Array);
    const scores = call(new BCEWithLogitsLoss({ reduction: "none" }), { z, target });
    const own = call(none, { input, target });
    own.value.data.forEach((v, i) => {
      const x = input.data[i];
      assertNear(v, scores.value.data[i], { rtol: 1e-13 });
      // The chain rule: dx/dz = x (1 - x).
      const slope = own.grad.input.data[i] * x * (1 - x);
      assertNear(slope, scores.grad.input.data[i], { atol: 1e-14 });
    });
  });

  it("loses digits in float32 that BCEWithLogitsLoss keeps", () => {
    const z = 20;
    const x = Math.fround(1 / (1 + Math.exp(-z))); // 1
    assertEquals(none.forward(float32([x]), float32([0])).item(), 100);
    const scores = new BCEWithLogitsLoss({ reduction: "none" });
    assertEquals(scores.forward(float32([z]), float32([0])).item(), 20);
  });
});

describe("BCELoss at random inputs", () => {
  const probability = doubles(0, 1);
  const value = (x: number, y: number) => at(x, y)[0];

  it("lies between 0 and 100", () => {
    holds(fc.property(probability, probability, (x, y) => {
      const v = value(x, y);
      return v >= 0 && v <= 100;
    }));
  });

  it("does not change if both answers swap their names", () => {
    const sixteenths = fc.integer({ min: 0, max: 16 }).map((n) => n / 16); // 1 - x is exact
    holds(fc.property(sixteenths, sixteenths, (x, y) => {
      const [a, b] = [at(x, y), at(1 - x, 1 - y)];
      return near(a[0], b[0], { rtol: 1e-15 }) && near(a[1], -b[1], { rtol: 1e-15 });
    }));
  });

  it("is at least the entropy of the target: the best prediction is the target", () => {
    holds(fc.property(probability, probability, (x, y) => value(x, y) >= value(y, y) - 1e-14));
  });

  it("is linear in the target", () => {
    holds(fc.property(probability, probability, (x, y) => {
      const mixed = y * value(x, 1) + (1 - y) * value(x, 0);
      return Math.abs(value(x, y) - mixed) <= 1e-13 * (1 + mixed);
    }));
  });
});

testDomain(subject, "input", {
  wanted: "between 0 and 1",
  offenders: [1.2, -0.1, NaN, Infinity, -Infinity, 1 + 2 ** -23, -5e-324 - 2 ** -149],
});
testDomain(subject, "target", { wanted: "between 0 and 1", offenders: [1.5, -1, NaN, 2] });

describe("BCELoss refuses", () => {
  it("arguments of different dtypes, and whole numbers", () => {
    assertThrows(
      () => bce().forward(float32([0.5]), float64([1])),
      TypeError,
      "Cannot compute BCELoss as target must be float32 like input: current dtype is float64",
    );
    for (const args of [[float32([0.5]), int32([1])], [int32([1]), float32([0.5])]]) {
      assertThrows(
        () => bce().forward(args[0], args[1]),
        TypeError,
        "must be float32 or float64: current dtype is int32",
      );
    }
    assertEquals(bce().forward(float32([0.5]), [1]).dtype, "float32");
  });
});

testContract({
  loss: "BCELoss",
  Loss: BCELoss,
  known: ["reduction", "weight"],
  args: subject.draw(new Random(8), [2, 3]),
  wrt: ["input", "target"],
});

describe("BCELoss result types", () => {
  it("have the gradients that wrt names, and no others", () => {
    const { grad } = bce().valueAndGrad([0.5], [1], { wrt: ["target"] });
    const target: Tensor = grad.target;
    assertEquals(target.toArray(), [0]);
    // @ts-expect-error: a gradient that was not asked for is no property of the result.
    assertEquals(grad.input, undefined);
  });
});
