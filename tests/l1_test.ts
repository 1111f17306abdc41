/** L1Loss: |e| with e = input - target. */
import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import fc from "fast-check";
import {
  float32,
  float64,
  HuberLoss,
  int32,
  L1Loss,
  type L1LossOptions,
  SmoothL1Loss,
  type Tensor,
} from "@lossbook/losses";
import { Formula } from "@lossbook/losses/formula";
import { testCases } from "./_cases.ts";
import { testContract } from "./_contract.ts";
import {
  testBroadcasting,
  testDtypes,
  testIncompatibleShapes,
  testLongMean,
} from "./_elementwise.ts";
import { testFixtures } from "./_fixtures.ts";
import { testFormula } from "./_formula.ts";
import { element } from "./_loss.ts";
import { assertGradient } from "./_numeric.ts";
import { doubles, holds } from "./_property.ts";
import { Random } from "./_random.ts";
import { testReductions } from "./_reductions.ts";
import {
  assertMeansExact,
  assertMultiple,
  minimiser,
  pairAwayFrom,
  regression,
} from "./_regression.ts";
import { testElementWeight } from "./_weights.ts";
import { cases, figure, formulas } from "./reference/cases/l1.ts";

const l1 = (options?: L1LossOptions) => new L1Loss(options);
const none = l1({ reduction: "none" });
const subject = regression("L1Loss", l1);

/** Value and gradient at one residual. */
const at = (e: number, dtype = float64) => element(none, [e, 0], { dtype });

testCases(cases, l1);

describe("L1Loss against the document", () => {
  const x = [1.5, -2, 0.25, 8];
  const y = [0.5, 1, 0.75, 8];

  it("has its value", () => {
    const wanted = new Formula(formulas.value.text).evaluate({ x, y });
    assertEquals([...none.forward(x, y).data], [...wanted]);
  });

  it("has its gradient except where input and target are equal, where the document has -1", () => {
    const wanted = new Formula(formulas.gradient.text).evaluate({ x, y });
    assertEquals([...wanted], [1, -1, -1, -1]);
    assertEquals([...none.valueAndGrad(x, y).grad.input.data], [1, -1, -1, 0]);
  });

  it("has the gradient N₁ - N₂ with respect to one prediction shared by all targets", () => {
    const targets = [3, 1, 4, 1.5, 9];
    const { grad } = l1({ reduction: "sum" }).valueAndGrad(2, targets);
    assertEquals(grad.input.item(), 2 - 3); // two targets are below 2, three above
  });

  it("is the curve of its figure", () => {
    const e = [-3, -1.5, 0, 0.75, 3];
    const wanted = new Formula(figure.curves.L1).evaluate({ x: e, y: 0 });
    assertEquals([...none.forward(e, 0).data], [...wanted]);
  });
});

describe("L1Loss computed by hand", () => {
  it("is the distance, with slope 1", () => {
    assertEquals(at(0.5), [0.5, 1]);
    assertEquals(at(-3), [3, -1]);
    assertEquals(at(1e-3), [1e-3, 1]);
  });

  it("is averaged by default", () => {
    const { value, grad } = l1().valueAndGrad([1, -2], [0.5, 1]);
    assertEquals(value.item(), (0.5 + 3) / 2);
    assertEquals(grad.input.toArray(), [1 / 2, -1 / 2]);
  });
});

describe("L1Loss against a one-line reference: max(x, y) - min(x, y)", () => {
  it("agrees in every digit", () => {
    const random = new Random(1);
    const [input, target] = [random.tensor([9, 7]), random.tensor([9, 7])];
    const { value, grad } = none.valueAndGrad(input, target, { wrt: ["input", "target"] });
    value.data.forEach((v, i) => {
      const [x, y] = [input.data[i], target.data[i]];
      assertEquals(v, Math.max(x, y) - Math.min(x, y));
      assertEquals([grad.input.data[i], grad.target.data[i]], x > y ? [1, -1] : [-1, 1]);
    });
  });
});

testFixtures("l1", l1);

describe("L1Loss against finite differences", () => {
  const args = pairAwayFrom(1, [3, 5], 1); // residuals of at least 0.1, away from the kink

  for (const reduction of ["none", "mean", "sum"] as const) {
    it(`agrees for ${reduction}, without and with a weight`, () => {
      const random = new Random(2);
      const weight = random.tensor([3, 5], () => random.uniform(0.1, 3));
      for (const options of [{ reduction }, { reduction, weight }]) {
        assertGradient(l1(options), args, { wrt: ["input", "target"] });
      }
    });
  }
});

testFormula("L1Loss", L1Loss.formula, { input: "x", target: "y" }, { x: [-3, 3], y: [-3, 3] });

describe("L1Loss at its kink, e = 0", () => {
  it("has gradient 0 with respect to both arguments, for zeros of either sign", () => {
    for (const [x, y] of [[0, 0], [-0, 0], [0, -0], [1.5, 1.5], [-7, -7]]) {
      const { value, grad } = none.valueAndGrad([x], [y], { wrt: ["input", "target"] });
      assertEquals([value.data[0], grad.input.data[0], grad.target.data[0]], [0, 0, 0]);
    }
  });

  it("has gradient ± 1 at the smallest e that is not 0", () => {
    assertEquals(at(5e-324), [5e-324, 1]);
    assertEquals(at(-5e-324), [5e-324, -1]);
    assertEquals(at(2 ** -149, float32), [2 ** -149, 1]);
  });
});

describe("L1Loss with extreme numbers", () => {
  it("huge numbers: exact up to the largest, infinite where the difference is", () => {
    assertEquals(at(-Number.MAX_VALUE), [Number.MAX_VALUE, -1]);
    const { value, grad } = none.valueAndGrad([1e308], [-1e308]);
    assertEquals([value.data[0], grad.input.data[0]], [Infinity, 1]);
  });

  it("±∞: infinite value, gradient ± 1", () => {
    assertEquals(at(Infinity), [Infinity, 1]);
    assertEquals(at(-Infinity, float32), [Infinity, -1]);
  });

  it("NaN and ∞ - ∞: value NaN, gradient 0 as in PyTorch", () => {
    assertEquals(at(NaN), [NaN, 0]);
    assertEquals(at(NaN, float32), [NaN, 0]);
    const { value, grad } = none.valueAndGrad([Infinity], [Infinity]);
    assertEquals([value.data[0], grad.input.data[0]], [NaN, 0]);
  });

  it("2^20 equal residuals in float32: the mean is exact", () => {
    assertMeansExact(l1(), (e) => e);
  });
});

testReductions(subject);
testLongMean(subject);
testElementWeight(subject, { dividedBy: "the sum of the weights" });
testBroadcasting(subject, { smaller: ["input", "target"] });
testIncompatibleShapes(subject);
testDtypes(subject, { integers: ["target"] });

describe("L1Loss with weights that add up to 0", () => {
  it("has the mean NaN if its weighted sum is 0, else ∞", () => {
    assertEquals(l1({ weight: [0, 0] }).forward([1, 2], [0, 0]).item(), NaN);
    assertEquals(l1({ weight: [1, -1] }).forward([3, 1], [0, 0]).item(), Infinity);
  });
});

describe("L1Loss of whole numbers", () => {
  it("is their distance, but has no mean, as in PyTorch", () => {
    const [input, target] = [int32([1, 5]), int32([4, 3])];
    assertEquals(none.forward(input, target).toArray(), [3, 2]);
    assertEquals(l1({ reduction: "sum" }).forward(input, target).item(), 5);
    assertThrows(
      () => l1().forward(input, target),
      TypeError,
      "Cannot compute L1Loss as input must be float32 or float64: current dtype is int32",
    );
  });
});

describe("L1Loss and related losses", () => {
  it("is SmoothL1Loss with beta = 0", () => {
    assertMultiple(l1(), new SmoothL1Loss({ beta: 0 }), 1, 0);
  });

  it("is the limit of HuberLoss / delta as delta tends to 0", () => {
    // Each element of HuberLoss is smaller by delta² / 2, a relative difference of about delta.
    assertMultiple(l1(), new HuberLoss({ delta: 1e-9 }), 1e9, 1e-8);
  });
});

describe("L1Loss at random inputs", () => {
  const number = doubles(-1e3, 1e3);
  const value = (x: number, y = 0) => none.forward([x], [y]).data[0];

  it("is a distance: not negative, 0 only for equals, symmetric, with the triangle inequality", () => {
    holds(
      fc.property(
        number,
        number,
        number,
        (x, y, z) =>
          value(x, y) >= 0 && (value(x, y) > 0 || x === y) && value(x, y) === value(y, x) &&
          value(x, z) <= (value(x, y) + value(y, z)) * (1 + 1e-15),
      ),
    );
  });

  it("is convex: no chord lies below the curve", () => {
    holds(
      fc.property(
        number,
        number,
        doubles(0, 1),
        (a, b, t) =>
          value(t * a + (1 - t) * b) <= (t * value(a) + (1 - t) * value(b)) * (1 + 1e-12) + 1e-300,
      ),
    );
  });

  it("scales with its argument: |k e| = |k| |e|", () => {
    holds(
      fc.property(
        number,
        fc.integer({ min: -9, max: 9 }),
        (e, n) => value(-(2 ** n) * e) === 2 ** n * value(e),
      ),
    );
  });

  it("is minimised by the median of the targets, however far an outlier is", () => {
    for (const outlier of [10, 1e6]) {
      const targets = [0, 0.1, 0.2, 0.3, outlier];
      assertAlmostEquals(minimiser(l1({ reduction: "sum" }), targets), 0.2, 1e-12);
    }
  });
});

testContract({
  loss: "L1Loss",
  Loss: L1Loss,
  known: ["reduction", "weight"],
  args: pairAwayFrom(1, [2, 3], 8),
  wrt: ["input", "target"],
});

describe("L1Loss result types", () => {
  it("have the gradients that wrt names, and no others", () => {
    const weighted = l1({ weight: [3, 1], reduction: "sum" });
    const { grad } = weighted.valueAndGrad([1, 5], [2, 2], { wrt: ["target", "weight"] });
    const [target, weight]: Tensor[] = [grad.target, grad.weight];
    assertEquals([target.toArray(), weight.toArray()], [[3, -1], [1, 3]]);
    // @ts-expect-error: a gradient that was not asked for is no property of the result.
    assert(grad.input === undefined);
  });
});
