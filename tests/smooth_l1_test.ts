/** SmoothL1Loss: e² / (2 beta) where |e| < beta, |e| - beta / 2 elsewhere, with e = input - target. */
import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import fc from "fast-check";
import {
  float32,
  float64,
  HuberLoss,
  L1Loss,
  MSELoss,
  SmoothL1Loss,
  type SmoothL1LossOptions,
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
import { cases, formulas } from "./reference/cases/smooth_l1.ts";

const smoothL1 = (options?: SmoothL1LossOptions) => new SmoothL1Loss(options);
const none = (beta = 1) => smoothL1({ beta, reduction: "none" });
const subject = regression("SmoothL1Loss", smoothL1);

/** Value and gradient at one residual. */
const at = (e: number, beta = 1, dtype = float64) => element(none(beta), [e, 0], { dtype });

testCases(cases, smoothL1);

describe("SmoothL1Loss against the document", () => {
  it("is the formula that it describes in words, for beta = 1", () => {
    const x = [0.3, -0.9, 1, 1.5, -8];
    const wanted = new Formula(formulas.value.text).evaluate({ x, y: 0.25 });
    assertEquals([...none().forward(x, 0.25).data], [...wanted]);
  });
});

describe("SmoothL1Loss computed by hand", () => {
  it("is the parabola e² / (2 beta) inside of ± beta, its tangent of slope 1 outside", () => {
    assertEquals(at(0.5, 2), [0.5 ** 2 / (2 * 2), 0.5 / 2]);
    assertEquals(at(-1.5, 2), [1.5 ** 2 / (2 * 2), -1.5 / 2]);
    assertEquals(at(10, 2), [10 - 2 / 2, 1]);
    assertEquals(at(-10, 2), [10 - 2 / 2, -1]);
  });

  it("has beta = 1 and the mean by default", () => {
    const { value, grad } = smoothL1().valueAndGrad([0.5, 3], [0, 0]);
    assertEquals(value.item(), (0.5 ** 2 / 2 + (3 - 1 / 2)) / 2);
    assertEquals(grad.input.toArray(), [0.5 / 2, 1 / 2]);
  });
});

describe("SmoothL1Loss against a one-line reference: the minimum over t of (e - t)² / (2 beta) + |t|", () => {
  // The minimiser is e moved towards 0 by beta (soft thresholding): the loss is the Moreau envelope of |e|.
  for (const [seed, beta] of [0.01, 0.5, 1, 3, 100].entries()) {
    it(`beta = ${beta}`, () => {
      const random = new Random(seed);
      const [input, target] = [random.tensor([9, 7]), random.tensor([9, 7])];
      const { value, grad } = none(beta).valueAndGrad(input, target, { wrt: ["input", "target"] });
      value.data.forEach((v, i) => {
        const e = input.data[i] - target.data[i];
        const t = Math.sign(e) * Math.max(0, Math.abs(e) - beta);
        const tolerance = { rtol: 1e-13, context: `seed ${seed}, e = ${e}` };
        assertNear(v, (e - t) ** 2 / (2 * beta) + Math.abs(t), tolerance);
        assertNear(grad.input.data[i], (e - t) / beta, tolerance);
        assertEquals(grad.target.data[i], -grad.input.data[i]);
      });
    });
  }
});

testFixtures("smooth_l1", smoothL1);

describe("SmoothL1Loss against finite differences", () => {
  const beta = 0.7;
  const args = pairAwayFrom(beta, [3, 5], 1);

  for (const reduction of ["none", "mean", "sum"] as const) {
    it(`agrees for ${reduction}`, () => {
      // Residuals stay 0.1 beta away from the ends of the parabola; the stencil spans 4e-3 of `scale`.
      const check = { wrt: ["input", "target"], scale: 0.5 };
      assertGradient(smoothL1({ beta, reduction }), args, check);
    });
  }
});

testFormula("SmoothL1Loss", SmoothL1Loss.formula, { input: "x", target: "y" }, {
  x: [-3, 3],
  y: [-3, 3],
  beta: [0.1, 4],
});

describe("SmoothL1Loss at |e| = beta", () => {
  it("is +0, not -0, where there is no error", () => {
    for (const e of [0, -0]) {
      for (const make of [float32, float64]) {
        const { data } = smoothL1({ reduction: "none" }).forward(make([e]), make([0]));
        assert(Object.is(data[0], 0));
      }
    }
  });

  it("has no kink: both branches agree in value and slope", () => {
    for (const beta of [0.5, 1, 8]) {
      assertEquals(at(beta, beta), [beta / 2, 1]);
      assertEquals(at(-beta, beta), [beta / 2, -1]);
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

describe("SmoothL1Loss with beta = 0", () => {
  it("is |e|, with gradient 0 for both arguments at the kink e = 0", () => {
    assertEquals(at(-3, 0), [3, -1]);
    assertEquals(at(5e-324, 0), [5e-324, 1]);
    for (const [x, y] of [[0, 0], [-0, 0], [2.5, 2.5]]) {
      const { value, grad } = none(0).valueAndGrad([x], [y], { wrt: ["input", "target"] });
      assertEquals([value.data[0], grad.input.data[0], grad.target.data[0]], [0, 0, 0]);
    }
    assertEquals(at(0, 0, float32), [0, 0]);
  });

  it("is NaN at NaN, with the gradient 0 of L1Loss, as in PyTorch; with beta > 0 the gradient is NaN", () => {
    const at = (beta: number) => {
      const loss = new SmoothL1Loss({ beta });
      const { value, grad } = loss.valueAndGrad([NaN], [0], { wrt: ["input", "target"] });
      return [value.item(), grad.input.item(), grad.target.item()];
    };
    assertEquals(at(0), [NaN, 0, 0]);
    assertEquals(at(1), [NaN, NaN, NaN]);
  });
});

describe("SmoothL1Loss with extreme numbers", () => {
  it("tiny residuals: the value underflows, the gradient does not", () => {
    assertEquals(at(1e-160), [(1e-160 ** 2) / 2, 1e-160]);
    assertEquals(at(1e-200), [0, 1e-200]);
    assertEquals(at(2 ** -149, 1, float32), [0, 2 ** -149]);
  });

  it("huge residuals: a straight line up to the largest number", () => {
    assertEquals(at(1e300), [1e300, 1]);
    assertEquals(at(-Number.MAX_VALUE), [Number.MAX_VALUE, -1]);
    const e = Math.fround(3e38);
    assertEquals(at(e, 1, float32), [e, 1]);
  });

  it("±0: value 0 and gradient 0", () => {
    for (const e of [0, -0]) assertEquals(at(e), [0, 0]);
  });

  it("±∞: infinite value, gradient ± 1", () => {
    assertEquals(at(Infinity, 2), [Infinity, 1]);
    assertEquals(at(-Infinity, 2, float32), [Infinity, -1]);
    assertEquals(at(Infinity, 0), [Infinity, 1]);
  });

  it("NaN and ∞ - ∞: value and gradient are NaN", () => {
    assertEquals(at(NaN), [NaN, NaN]);
    assertEquals(at(NaN, 1, float32), [NaN, NaN]);
    const { value, grad } = none().valueAndGrad([Infinity], [Infinity]);
    assertEquals([value.data[0], grad.input.data[0]], [NaN, NaN]);
  });

  it("beta = ∞: value 0 and gradient 0", () => {
    assertEquals(at(-300, Infinity), [0, 0]);
    assertEquals(at(1e19, Infinity, float32), [0, 0]);
  });

  it("a beta that float32 rounds to 0 or ∞ is like 0 and ∞", () => {
    for (const e of [0, 3, -3]) {
      assertEquals(at(e, 1e-46, float32), [Math.abs(e), Math.sign(e)]);
      assertEquals(at(e, 1e39, float32), [0, 0]);
    }
  });

  it("the smallest and largest betas of float32: e² does not overflow", () => {
    for (const beta of [2 ** -149, 2 ** -126, 2 ** 127]) {
      assertEquals(at(beta, beta, float32), [Math.fround(beta / 2), 1]);
      assertEquals(at(-4 * beta, beta, float32)[1], -1);
    }
    assertEquals(at(2 ** 126, 2 ** 127, float32), [2 ** 124, 1 / 2]);
  });

  it("2^20 equal residuals in float32: the mean is exact", () => {
    const f = Math.fround;
    for (const beta of [1, 0.3].map(f)) {
      assertMeansExact(smoothL1({ beta }), (e) => {
        return e < beta ? f(e * e) / f(2 * beta) : f(e - f(beta / 2));
      });
    }
  });
});

testReductions(subject);
testLongMean(subject);
testBroadcasting(subject, { smaller: ["input", "target"] });
testIncompatibleShapes(subject);
testDtypes(subject, { integers: ["target"] });

describe("SmoothL1Loss and related losses", () => {
  it("is HuberLoss with delta = beta, divided by beta", () => {
    for (const beta of [0.1, 0.5, 1, 2.5]) {
      assertMultiple(smoothL1({ beta }), new HuberLoss({ delta: beta }), 1 / beta);
    }
  });

  it("is L1Loss if beta = 0, and close to it if beta is close to 0", () => {
    assertMultiple(smoothL1({ beta: 0 }), new L1Loss(), 1, 0);
    assertMultiple(smoothL1({ beta: 1e-9 }), new L1Loss(), 1, 1e-8); // each element is smaller by beta / 2
  });

  it("is MSELoss / (2 beta) for a beta above all residuals", () => {
    assertMultiple(smoothL1({ beta: 64 }), new MSELoss(), 1 / 128);
  });
});

describe("SmoothL1Loss at random inputs", () => {
  const number = doubles(-1e3, 1e3);
  const betas = doubles(1e-3, 1e3);
  const value = (e: number, beta: number) => at(e, beta)[0];

  it("is never negative, and 0 only at 0", () => {
    holds(fc.property(number, betas, (e, beta) => {
      const v = value(e, beta);
      return v >= 0 && (v > 0 || Math.abs(e) < 1e-160);
    }));
  });

  it("is symmetric: s(e) = s(-e), and swapping input and target changes nothing", () => {
    holds(fc.property(number, number, betas, (x, y, beta) => {
      const there = none(beta).forward([x], [y]).data[0];
      return there === none(beta).forward([y], [x]).data[0] && value(x, beta) === value(-x, beta);
    }));
  });

  it("is convex: no chord lies below the curve", () => {
    holds(fc.property(number, number, doubles(0, 1), betas, (a, b, t, beta) => {
      return isBelowChord((e) => value(e, beta), [a, b, t]);
    }));
  });

  it("grows with |e|, falls with beta, and lies between |e| - beta / 2 and |e|", () => {
    holds(fc.property(number, number, betas, betas, (a, b, c, d) => {
      const [small, large] = [Math.min(c, d), Math.max(c, d)];
      const [close, far] = [Math.abs(a), Math.abs(b)].toSorted((a, b) => a - b);
      const most = value(far, small) * (1 + 1e-15);
      return value(close, small) <= most && value(far, large) <= most &&
        most <= far * (1 + 1e-14) &&
        most >= far - small / 2 - 1e-12;
    }));
  });

  it("has a gradient of at most 1 for every beta", () => {
    holds(fc.property(number, number, betas, (a, b, beta) => {
      const difference = Math.abs(value(a, beta) - value(b, beta));
      return Math.abs(at(a, beta)[1]) <= 1 &&
        difference <= Math.abs(a - b) + 1e-12 * (1 + Math.abs(a));
    }));
  });

  it("is minimised by a shared prediction between the median and the mean of the targets", () => {
    const targets = [0, 0.1, 0.2, 0.3, 10];
    const best = (beta: number) => minimiser(smoothL1({ beta, reduction: "sum" }), targets);
    assertAlmostEquals(best(1e3), (0 + 0.1 + 0.2 + 0.3 + 10) / 5, 1e-12);
    assertAlmostEquals(best(0), 0.2, 1e-12);
    // beta = 1: the four small targets are on the parabola, the outlier has gradient -1: 4 c - 0.6 - 1 = 0.
    assertAlmostEquals(best(1), (0.6 + 1) / 4, 1e-12);
  });
});

describe("SmoothL1Loss refuses", () => {
  it("a beta that is not ≥ 0", () => {
    for (const beta of [-1, -5e-324, -Infinity, NaN]) {
      assertThrows(
        () => smoothL1({ beta }),
        RangeError,
        `Cannot make SmoothL1Loss as beta must be ≥ 0: current value is ${beta}`,
      );
    }
  });

  it("a beta that is not a number", () => {
    for (const [beta, shown] of [["1", '"1"'], [null, "null"], [[1], "[1]"], [true, "true"]]) {
      assertThrows(
        () => smoothL1({ beta: beta as never }),
        TypeError,
        `Cannot make SmoothL1Loss as beta must be ≥ 0: current value is ${shown}`,
      );
    }
  });

  it("a weight, which PyTorch's SmoothL1Loss does not have either", () => {
    assertThrows(
      () => smoothL1({ weight: [1, 2] } as SmoothL1LossOptions),
      TypeError,
      "Cannot make SmoothL1Loss as option 'weight' is unknown: known are beta, reduction",
    );
  });
});

testContract({
  loss: "SmoothL1Loss",
  Loss: SmoothL1Loss,
  known: ["beta", "reduction"],
  args: pairAwayFrom(1, [2, 3], 8),
  wrt: ["input", "target"],
});

describe("SmoothL1Loss result types", () => {
  it("have the gradients that wrt names, and no others", () => {
    const both = smoothL1().valueAndGrad([1], [2], { wrt: ["input", "target"] });
    assertEquals(Object.keys(both.grad), ["input", "target"]);
    const target: Tensor = smoothL1().valueAndGrad([1], [2], { wrt: ["target"] }).grad.target;
    assertEquals(target.toArray(), [1]);
    // @ts-expect-error: a gradient that was not asked for is no property of the result.
    assertEquals(smoothL1().valueAndGrad([1], [2]).grad.target, undefined);
  });
});
