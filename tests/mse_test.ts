/** MSELoss: e² with e = input - target. */
import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import fc from "fast-check";
import {
  float32,
  float64,
  HuberLoss,
  int32,
  MSELoss,
  type MSELossOptions,
  SmoothL1Loss,
  type Tensor,
} from "@lossbook/losses";
import { Formula } from "@lossbook/losses/formula";
import { testCases } from "./_cases.ts";
import { assertNear } from "./_close.ts";
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
import { sum } from "./_naive.ts";
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
import { figure } from "./reference/cases/l1.ts";
import { cases, formulas } from "./reference/cases/mse.ts";

const mse = (options?: MSELossOptions) => new MSELoss(options);
const none = mse({ reduction: "none" });
const subject = regression("MSELoss", mse);

/** Value and gradient at one residual. */
const at = (e: number, dtype = float64) => element(none, [e, 0], { dtype });

testCases(cases, mse);

describe("MSELoss against the document", () => {
  const x = [1.5, -2, 0.25, 8];
  const y = [0.5, 1, 0.75, 8];
  const twice = (numbers: ArrayLike<number>) => Array.from(numbers, (v) => 2 * v);

  it("has twice its value and twice its gradient: PyTorch's formula has no ½", () => {
    const { value, grad } = none.valueAndGrad(x, y);
    assertEquals([...value.data], twice(new Formula(formulas.value.text).evaluate({ x, y })));
    assertEquals(
      [...grad.input.data],
      twice(new Formula(formulas.gradient.text).evaluate({ x, y })),
    );
  });

  it("is twice the curve of its figure", () => {
    const e = [-3, -1.5, 0, 0.75, 3];
    const wanted = new Formula(figure.curves.L2).evaluate({ x: e, y: 0 });
    assertEquals([...none.forward(e, 0).data], twice(wanted));
  });
});

describe("MSELoss computed by hand", () => {
  it("is the square, with gradient 2 e", () => {
    assertEquals(at(0.5), [0.5 ** 2, 2 * 0.5]);
    assertEquals(at(-3), [3 ** 2, 2 * -3]);
    assertEquals(at(0), [0, 0]);
  });

  it("is averaged by default", () => {
    const { value, grad } = mse().valueAndGrad([1, -2], [0.5, 1]);
    assertEquals(value.item(), (0.5 ** 2 + 3 ** 2) / 2);
    assertEquals(grad.input.toArray(), [2 * 0.5 / 2, 2 * -3 / 2]);
  });
});

describe("MSELoss against a one-line reference: x² - 2 x y + y²", () => {
  it("agrees up to the rounding of the terms, which cancel", () => {
    const random = new Random(1);
    const [input, target] = [random.tensor([9, 7]), random.tensor([9, 7])];
    const { value, grad } = none.valueAndGrad(input, target, { wrt: ["input", "target"] });
    value.data.forEach((v, i) => {
      const [x, y] = [input.data[i], target.data[i]];
      assertAlmostEquals(v, x * x - 2 * x * y + y * y, 1e-14 * (x * x + y * y));
      assertNear(grad.input.data[i], 2 * x - 2 * y, { rtol: 1e-13 });
      assertNear(grad.target.data[i], 2 * y - 2 * x, { rtol: 1e-13 });
    });
  });
});

testFixtures("mse", mse);

describe("MSELoss against finite differences", () => {
  const random = new Random(2);
  const args = { input: random.tensor([3, 5]), target: random.tensor([3, 5]) };
  const weight = random.tensor([3, 5], () => random.uniform(0.1, 3));

  for (const reduction of ["none", "mean", "sum"] as const) {
    it(`agrees for ${reduction}, without and with a weight`, () => {
      for (const options of [{ reduction }, { reduction, weight }]) {
        assertGradient(mse(options), args, { wrt: ["input", "target"] });
      }
    });
  }
});

testFormula("MSELoss", MSELoss.formula, { input: "x", target: "y" }, { x: [-3, 3], y: [-3, 3] });

describe("MSELoss has no kink", () => {
  it("and has a gradient even at the smallest residuals, whose square is 0", () => {
    assertEquals(at(5e-324), [0, 1e-323]);
    assertEquals(at(-(2 ** -149), float32), [0, -(2 ** -148)]);
  });
});

describe("MSELoss with extreme numbers", () => {
  it("tiny residuals: the value underflows, the gradient does not", () => {
    assertEquals(at(1e-160), [1e-160 ** 2, 2e-160]);
    assertEquals(at(1e-170), [0, 2e-170]);
  });

  it("huge residuals: the value overflows, the gradient does not", () => {
    assertEquals(at(1e200), [Infinity, 2e200]);
    assertEquals(at(1e20, float32), [Infinity, 2 * Math.fround(1e20)]);
    assertEquals(at(-Number.MAX_VALUE), [Infinity, -Infinity]);
  });

  it("huge residuals in float32: the sum overflows, the mean does not", () => {
    const large = float32(new Float32Array(8).fill(1e19)); // eight squares of 1e38
    const item = (options: MSELossOptions) =>
      mse(options).forward(large, float32([0, 0, 0, 0, 0, 0, 0, 0])).item();
    assertEquals(item({ reduction: "sum" }), Infinity);
    assertEquals(item({ reduction: "mean" }), Math.fround(Math.fround(1e19) ** 2));
  });

  it("±∞: infinite value and gradient", () => {
    assertEquals(at(Infinity), [Infinity, Infinity]);
    assertEquals(at(-Infinity, float32), [Infinity, -Infinity]);
  });

  it("NaN and ∞ - ∞: value and gradient are NaN", () => {
    assertEquals(at(NaN), [NaN, NaN]);
    const { value, grad } = none.valueAndGrad([Infinity], [Infinity]);
    assertEquals([value.data[0], grad.input.data[0]], [NaN, NaN]);
  });

  it("2^20 equal residuals in float32: the mean is exact", () => {
    assertMeansExact(mse(), (e) => e * e);
  });
});

testReductions(subject);
testLongMean(subject);
testElementWeight(subject, { dividedBy: "the sum of the weights" });
testBroadcasting(subject, { smaller: ["input", "target"] });
testIncompatibleShapes(subject);
testDtypes(subject, { integers: ["target"] });

describe("MSELoss with weights that add up to 0", () => {
  it("has the mean NaN if its weighted sum is 0, else ∞", () => {
    assertEquals(mse({ weight: [0, 0] }).forward([1, 2], [0, 0]).item(), NaN);
    assertEquals(mse({ weight: [1, -1] }).forward([3, 1], [0, 0]).item(), Infinity);
  });
});

describe("MSELoss and related losses", () => {
  it("is twice HuberLoss with delta = ∞", () => {
    assertMultiple(mse(), new HuberLoss({ delta: Infinity }), 2);
  });

  it("is 2 beta times SmoothL1Loss with a beta above all residuals", () => {
    assertMultiple(mse(), new SmoothL1Loss({ beta: 64 }), 128);
  });

  it("of the targets' mean is their variance, and of any other prediction bias² more", () => {
    const targets = new Random(3).tensor([50]);
    const mean = sum(targets.data) / 50;
    const variance = mse().forward(mean, targets).item();
    const biased = mse().forward(mean + 0.7, targets).item();
    assertNear(biased, variance + 0.7 ** 2, { rtol: 1e-13 });
  });
});

describe("MSELoss at random inputs", () => {
  const number = doubles(-1e3, 1e3);
  const value = (x: number, y = 0) => none.forward([x], [y]).data[0];

  it("is never negative, 0 only for equals, and symmetric", () => {
    holds(
      fc.property(
        number,
        number,
        (x, y) =>
          value(x, y) >= 0 && (value(x, y) > 0 || Math.abs(x - y) < 1e-160) &&
          value(x, y) === value(y, x),
      ),
    );
  });

  it("is strictly convex: a chord lies above the curve by t (1 - t) (a - b)²", () => {
    holds(fc.property(number, number, doubles(0, 1), (a, b, t) => {
      const gap = t * value(a) + (1 - t) * value(b) - value(t * a + (1 - t) * b);
      return Math.abs(gap - t * (1 - t) * (a - b) ** 2) <= 1e-14 * (a * a + b * b) + 1e-300;
    }));
  });

  it("has a gradient without bound, proportional to the residual", () => {
    holds(fc.property(number, (e) => at(4 * e)[1] === 4 * at(e)[1]));
  });

  it("is minimised by the mean of the targets, which one outlier can move anywhere", () => {
    for (const outlier of [10, 1e6]) {
      const best = minimiser(mse({ reduction: "sum" }), [0, 0.1, 0.2, 0.3, outlier]);
      assertNear(best, (0.6 + outlier) / 5, { rtol: 1e-12 });
    }
  });
});

describe("MSELoss refuses", () => {
  it("whole numbers as input, also if they are not averaged", () => {
    assertThrows(
      () => mse({ reduction: "sum" }).forward(int32([1]), [2]),
      TypeError,
      "Cannot compute MSELoss as input must be float32 or float64: current dtype is int32",
    );
  });
});

testContract({
  loss: "MSELoss",
  Loss: MSELoss,
  known: ["reduction", "weight"],
  args: pairAwayFrom(1, [2, 3], 8),
  wrt: ["input", "target"],
});

describe("MSELoss result types", () => {
  it("have the gradients that wrt names, and no others", () => {
    const weighted = mse({ weight: [3, 1], reduction: "sum" });
    const { grad } = weighted.valueAndGrad([1, 5], [2, 2], { wrt: ["target", "weight"] });
    const [target, weight]: Tensor[] = [grad.target, grad.weight];
    assertEquals([target.toArray(), weight.toArray()], [[3 * 2, -6], [1, 9]]);
    // @ts-expect-error: a gradient that was not asked for is no property of the result.
    assert(grad.input === undefined);
  });
});
