/** HuberLoss: e² / 2 where |e| < delta, delta (|e| - delta / 2) elsewhere, with e = input - target. */
import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import fc from "fast-check";
import {
  float32,
  float64,
  HuberLoss,
  type HuberLossOptions,
  L1Loss,
  MSELoss,
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
import { assertGradient } from "./_numeric.ts";
import { doubles, holds, isBelowChord } from "./_property.ts";
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
import { cases, formulas } from "./reference/cases/huber.ts";

const huber = (options?: HuberLossOptions) => new HuberLoss(options);
const none = (delta = 1) => huber({ delta, reduction: "none" });
const subject = regression("HuberLoss", huber);

/** Value and gradient at one residual. */
const at = (e: number, delta = 1, dtype = float64) => element(none(delta), [e, 0], { dtype });

testCases(cases, huber);

describe("HuberLoss computed by hand", () => {
  it("is the parabola e² / 2 inside of ± delta, its tangent outside", () => {
    assertEquals(at(0.5, 2), [0.5 ** 2 / 2, 0.5]);
    assertEquals(at(-1.5, 2), [1.5 ** 2 / 2, -1.5]);
    assertEquals(at(10, 2), [2 * (10 - 2 / 2), 2]);
    assertEquals(at(-10, 2), [2 * (10 - 2 / 2), -2]);
    assertEquals(at(0, 2), [0, 0]);
  });

  it("has delta = 1 and the mean by default", () => {
    const { value, grad } = huber().valueAndGrad([0.5, 3], [0, 0]);
    assertEquals(value.item(), (0.5 ** 2 / 2 + (3 - 1 / 2)) / 2);
    assertEquals(grad.input.toArray(), [0.5 / 2, 1 / 2]);
  });

  it("is the document's formula for SmoothL1Loss if delta = 1", () => {
    const x = [0.3, -0.9, 1, 1.5, -8];
    const wanted = new Formula(formulas.value.text).evaluate({ x, y: 0.25 });
    assertEquals([...none().forward(x, 0.25).data], [...wanted]);
  });
});

describe("HuberLoss against a one-line reference: c e - c² / 2, where c is e clamped to ± delta", () => {
  for (const [seed, delta] of [0.01, 0.5, 1, 3, 100].entries()) {
    it(`delta = ${delta}`, () => {
      const random = new Random(seed);
      const [input, target] = [random.tensor([9, 7]), random.tensor([9, 7])];
      const { value, grad } = none(delta).valueAndGrad(input, target, { wrt: ["input", "target"] });
      value.data.forEach((v, i) => {
        const e = input.data[i] - target.data[i];
        const c = Math.sign(e) * Math.min(delta, Math.abs(e));
        assertNear(v, c * e - c ** 2 / 2, { context: `seed ${seed}, e = ${e}` });
        assertEquals([grad.input.data[i], grad.target.data[i]], [c, -c]);
      });
    });
  }
});

testFixtures("huber", huber);

describe("HuberLoss against finite differences", () => {
  const delta = 0.7;
  const args = pairAwayFrom(delta, [3, 5], 1);
  const wrt = ["input", "target"];

  for (const reduction of ["none", "mean", "sum"] as const) {
    it(`agrees for ${reduction}`, () => {
      // Residuals stay 0.1 delta away from the ends of the parabola; the stencil spans 4e-3 of `scale`.
      assertGradient(huber({ delta, reduction }), args, { wrt, scale: 0.5 });
    });

    it(`agrees for ${reduction} with a weight`, () => {
      const random = new Random(2);
      const weight = random.tensor([3, 5], () => random.uniform(0.1, 3));
      assertGradient(huber({ delta, reduction, weight }), args, { wrt, scale: 0.5, seed: 3 });
    });
  }
});

testFormula("HuberLoss", HuberLoss.formula, { input: "x", target: "y" }, {
  x: [-3, 3],
  y: [-3, 3],
  delta: [0.1, 4],
});

describe("HuberLoss at |e| = delta", () => {
  it("is +0, not -0, where there is no error", () => {
    for (const e of [0, -0]) {
      for (const make of [float32, float64]) {
        const { data } = huber({ reduction: "none" }).forward(make([e]), make([0]));
        assert(Object.is(data[0], 0));
      }
    }
  });

  it("has no kink: both branches agree in value and slope", () => {
    for (const delta of [0.5, 1, 8]) {
      for (const e of [delta, -delta]) {
        assertEquals(at(e, delta), [delta ** 2 / 2, e]);
      }
    }
  });

  it("is continuous: the next floats on both sides give the next values", () => {
    const [below, above] = [1 - 2 ** -53, 1 + 2 ** -52];
    assertEquals(at(below)[1], below);
    assertEquals(at(above)[1], 1);
    assertNear(at(below)[0], 0.5, { rtol: 3e-16 });
    assertNear(at(above)[0], 0.5, { rtol: 5e-16 });
  });
});

describe("HuberLoss with extreme numbers", () => {
  it("tiny residuals: the value underflows, the gradient does not", () => {
    assertEquals(at(1e-160), [(1e-160 ** 2) / 2, 1e-160]);
    assertEquals(at(1e-200), [0, 1e-200]);
    assertEquals(at(5e-324), [0, 5e-324]);
    assertEquals(at(2 ** -149, 1, float32), [0, 2 ** -149]);
    const e = Math.fround(1e-20);
    assertEquals(at(e, 1, float32), [Math.fround(Math.fround(e * e) / 2), e]);
  });

  it("huge residuals: a straight line up to the largest number", () => {
    assertEquals(at(1e300), [1e300, 1]);
    assertEquals(at(-Number.MAX_VALUE), [Number.MAX_VALUE, -1]);
    const e = Math.fround(3e38);
    assertEquals(at(e, 1, float32), [e, 1]);
  });

  it("huge residuals with delta = ∞: the value overflows, the gradient does not", () => {
    assertEquals(at(1e200, Infinity), [Infinity, 1e200]);
    assertEquals(at(1e20, Infinity, float32), [Infinity, Math.fround(1e20)]);
  });

  it("±0: value 0 and gradient 0", () => {
    for (const e of [0, -0]) assertEquals(at(e), [0, 0]);
  });

  it("±∞: infinite value, gradient ± delta", () => {
    assertEquals(at(Infinity, 2), [Infinity, 2]);
    assertEquals(at(-Infinity, 2), [Infinity, -2]);
    assertEquals(at(-Infinity, 2, float32), [Infinity, -2]);
  });

  it("NaN and ∞ - ∞: value and gradient are NaN", () => {
    assertEquals(at(NaN), [NaN, NaN]);
    assertEquals(at(NaN, 1, float32), [NaN, NaN]);
    const { value, grad } = none().valueAndGrad([Infinity], [Infinity]);
    assertEquals([value.data[0], grad.input.data[0]], [NaN, NaN]);
  });

  it("one NaN: the mean and its own gradient are NaN, no other gradient is", () => {
    const { value, grad } = huber().valueAndGrad([1, NaN, 0.5], [0, 0, 0]);
    assertEquals(value.item(), NaN);
    assertEquals(grad.input.toArray(), [1 / 3, NaN, 0.5 / 3]);
  });

  it("2^20 equal residuals in float32: the mean is exact", () => {
    const f = Math.fround;
    for (const delta of [1, 0.3].map(f)) {
      assertMeansExact(huber({ delta }), (e) => {
        return e < delta ? f(e * e) / 2 : delta * f(e - f(delta / 2));
      });
    }
  });

  it("delta = ∞: half of the squared error everywhere", () => {
    assertEquals(at(-300, Infinity), [300 ** 2 / 2, -300]);
  });

  it("delta close to 0: gradient ± delta everywhere but at 0", () => {
    assertEquals(at(-3, 1e-300), [3e-300, -1e-300]);
    assertEquals(at(0, 1e-300), [0, 0]);
  });
});

testReductions(subject);
testLongMean(subject);
testElementWeight(subject, { dividedBy: "the number of elements" });
testBroadcasting(subject, { smaller: ["input", "target"] });
testIncompatibleShapes(subject);
testDtypes(subject, { integers: ["target"] });

describe("HuberLoss and related losses", () => {
  it("is delta times SmoothL1Loss with beta = delta", () => {
    for (const delta of [0.1, 0.5, 1, 2.5]) {
      assertMultiple(huber({ delta }), new SmoothL1Loss({ beta: delta }), delta);
    }
  });

  it("is half of MSELoss if delta = ∞", () => {
    assertMultiple(huber({ delta: Infinity }), new MSELoss(), 0.5);
  });

  it("tends to delta times L1Loss as delta tends to 0", () => {
    // Each element is smaller by delta² / 2, a relative difference of about delta.
    assertMultiple(huber({ delta: 1e-9 }), new L1Loss(), 1e-9, 1e-8);
  });
});

describe("HuberLoss at random inputs", () => {
  const number = doubles(-1e3, 1e3);
  const deltas = doubles(1e-3, 1e3);
  const value = (e: number, delta: number) => at(e, delta)[0];

  it("is never negative, and 0 only at 0", () => {
    holds(fc.property(number, deltas, (e, delta) => {
      const v = value(e, delta);
      return v >= 0 && (v > 0 || Math.abs(e) < 1e-160);
    }));
  });

  it("is symmetric: h(e) = h(-e), and swapping input and target changes nothing", () => {
    holds(fc.property(number, number, deltas, (x, y, delta) => {
      const there = none(delta).forward([x], [y]).data[0];
      return there === none(delta).forward([y], [x]).data[0] &&
        value(x, delta) === value(-x, delta);
    }));
  });

  it("is convex: no chord lies below the curve", () => {
    holds(fc.property(number, number, doubles(0, 1), deltas, (a, b, t, delta) => {
      return isBelowChord((e) => value(e, delta), [a, b, t]);
    }));
  });

  it("grows with |e| and with delta", () => {
    holds(fc.property(number, number, deltas, deltas, (a, b, c, d) => {
      const [small, large] = [Math.min(c, d), Math.max(c, d)];
      const [close, far] = [a, b].toSorted((a, b) => Math.abs(a) - Math.abs(b));
      const v = value(far, large) * (1 + 1e-15);
      return value(close, large) <= v && value(far, small) <= v;
    }));
  });

  it("has a gradient of at most delta, however large the residual", () => {
    holds(fc.property(number, number, deltas, (a, b, delta) => {
      const difference = Math.abs(value(a, delta) - value(b, delta));
      const bound = delta * Math.abs(a - b);
      return Math.abs(at(a, delta)[1]) <= delta && difference <= bound + 1e-9 * (1 + bound);
    }));
  });

  it("is minimised by a shared prediction between the median and the mean of the targets", () => {
    const targets = [0, 0.1, 0.2, 0.3, 10];
    const best = (delta: number) => minimiser(huber({ delta, reduction: "sum" }), targets);
    assertAlmostEquals(best(1e3), (0 + 0.1 + 0.2 + 0.3 + 10) / 5, 1e-12);
    assertAlmostEquals(best(1e-6), 0.2, 1e-5);
    // delta = 1: the four small targets are on the parabola, the outlier has gradient -1: 4 c - 0.6 - 1 = 0.
    assertAlmostEquals(best(1), (0.6 + 1) / 4, 1e-12);
  });
});

describe("HuberLoss refuses", () => {
  it("a delta that is not > 0", () => {
    for (const delta of [0, -0, -1, -Infinity, NaN]) {
      assertThrows(
        () => huber({ delta }),
        RangeError,
        `Cannot make HuberLoss as delta must be > 0: current value is ${delta}`,
      );
    }
  });

  it("a delta that is not a number", () => {
    for (const [delta, shown] of [["1", '"1"'], [null, "null"], [[1], "[1]"], [1n, "1"]]) {
      assertThrows(
        () => huber({ delta: delta as never }),
        TypeError,
        `Cannot make HuberLoss as delta must be > 0: current value is ${shown}`,
      );
    }
  });
});

testContract({
  loss: "HuberLoss",
  Loss: HuberLoss,
  known: ["delta", "reduction", "weight"],
  args: pairAwayFrom(1, [2, 3], 8),
  wrt: ["input", "target"],
});

describe("HuberLoss result types", () => {
  it("have the gradients that wrt names, and no others", () => {
    const both = huber().valueAndGrad([1], [2], { wrt: ["input", "target"] });
    assertEquals(Object.keys(both.grad), ["input", "target"]);
    const target: Tensor = huber().valueAndGrad([1], [2], { wrt: ["target"] }).grad.target;
    assertEquals(target.toArray(), [1]);
    // @ts-expect-error: a gradient that was not asked for is no property of the result.
    assertEquals(huber().valueAndGrad([1], [2]).grad.target, undefined);
  });
});
