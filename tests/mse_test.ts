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
import { assertGradient, Random, testFixtures } from "./_fixtures.ts";
import { testFormula } from "./_formula.ts";
import { testContract } from "./_contract.ts";
import { holds } from "./_property.ts";
import {
  assertMeansExact,
  assertMultiple,
  minimiser,
  near,
  pairAwayFrom,
  testReductions,
  testShapes,
} from "./_regression.ts";
import { figure } from "./reference/cases/l1.ts";
import { cases, formulas } from "./reference/cases/mse.ts";

const mse = (options?: MSELossOptions) => new MSELoss(options);
const none = mse({ reduction: "none" });

/** Value and gradient of one residual. */
function at(e: number, dtype = float64): [value: number, grad: number] {
  const { value, grad } = none.valueAndGrad(dtype([e]), dtype([0]));
  return [value.data[0], grad.input.data[0]];
}

testCases(cases, mse);

describe("MSELoss beside the document", () => {
  const x = [1.5, -2, 0.25, 8];
  const y = [0.5, 1, 0.75, 8];
  const twice = (numbers: ArrayLike<number>) => Array.from(numbers, (v) => 2 * v);

  it("has twice its value and twice its gradient: PyTorch has no ½", () => {
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

describe("MSELoss by hand", () => {
  it("is the square, with slope 2 e", () => {
    assertEquals(at(0.5), [0.5 ** 2, 2 * 0.5]);
    assertEquals(at(-3), [3 ** 2, 2 * -3]);
    assertEquals(at(0), [0, 0]);
  });

  it("averages by default", () => {
    const { value, grad } = mse().valueAndGrad([1, -2], [0.5, 1]);
    assertEquals(value.item(), (0.5 ** 2 + 3 ** 2) / 2);
    assertEquals(grad.input.toArray(), [2 * 0.5 / 2, 2 * -3 / 2]);
  });
});

describe("MSELoss beside one line: e² = x² - 2 x y + y²", () => {
  it("agrees, where the expanded form does not cancel", () => {
    const random = new Random(1);
    const [input, target] = [random.tensor([9, 7]), random.tensor([9, 7])];
    const { value, grad } = none.valueAndGrad(input, target, { wrt: ["input", "target"] });
    value.data.forEach((v, i) => {
      const [x, y] = [input.data[i], target.data[i]];
      assertAlmostEquals(v, x * x - 2 * x * y + y * y, 1e-14 * (x * x + y * y));
      assert(near(grad.input.data[i], 2 * x - 2 * y, 1e-13));
      assert(near(grad.target.data[i], 2 * y - 2 * x, 1e-13));
    });
  });
});

testFixtures("mse", mse);

describe("MSELoss beside finite differences", () => {
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
  it("and keeps the gradient of the smallest residuals, whose square is 0", () => {
    assertEquals(at(5e-324), [0, 1e-323]);
    assertEquals(at(-(2 ** -149), float32), [0, -(2 ** -148)]);
  });
});

describe("MSELoss of extreme numbers", () => {
  it("tiny: the square fades through the subnormal numbers", () => {
    assertEquals(at(1e-160), [1e-160 ** 2, 2e-160]);
    assertEquals(at(1e-170), [0, 2e-170]);
  });

  it("huge: the square overflows, its gradient does not", () => {
    assertEquals(at(1e200), [Infinity, 2e200]);
    assertEquals(at(1e20, float32), [Infinity, 2 * Math.fround(1e20)]);
    assertEquals(at(-Number.MAX_VALUE), [Infinity, -Infinity]);
  });

  it("huge in float32: a sum beyond the largest float32 is infinite, its mean is not", () => {
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

  it("NaN, and ∞ - ∞: NaN in both", () => {
    assertEquals(at(NaN), [NaN, NaN]);
    const { value, grad } = none.valueAndGrad([Infinity], [Infinity]);
    assertEquals([value.data[0], grad.input.data[0]], [NaN, NaN]);
  });

  it("2^20 of the same in float32: their mean is exact", () => {
    assertMeansExact(mse(), (e) => e * e);
  });
});

testReductions("MSELoss", mse, "weights");
testShapes("MSELoss", mse);

describe("MSELoss with weights that sum to 0", () => {
  it("has no mean: NaN for zeros over zeros, ∞ for more than that", () => {
    assertEquals(mse({ weight: [0, 0] }).forward([1, 2], [0, 0]).item(), NaN);
    assertEquals(mse({ weight: [1, -1] }).forward([3, 1], [0, 0]).item(), Infinity);
  });
});

describe("MSELoss among its siblings", () => {
  it("is twice HuberLoss with delta = ∞", () => {
    assertMultiple(mse(), new HuberLoss({ delta: Infinity }), 2);
  });

  it("is 2 beta times SmoothL1Loss with a beta above all residuals", () => {
    assertMultiple(mse(), new SmoothL1Loss({ beta: 64 }), 128);
  });

  it("is the variance of the targets around their mean, and bias² more elsewhere", () => {
    const targets = new Random(3).tensor([50]);
    const mean = [...targets.data].reduce((sum, y) => sum + y, 0) / 50;
    const variance = mse().forward(mean, targets).item();
    assert(near(mse().forward(mean + 0.7, targets).item(), variance + 0.7 ** 2, 1e-13));
  });
});

describe("MSELoss as probed", () => {
  const number = fc.double({ min: -1e3, max: 1e3, noNaN: true });
  const value = (x: number, y = 0) => none.forward([x], [y]).data[0];

  it("is never negative, 0 only between equals, symmetric", () => {
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

  it("is strictly convex: a chord runs above the curve by t (1 - t) (a - b)²", () => {
    holds(fc.property(number, number, fc.double({ min: 0, max: 1, noNaN: true }), (a, b, t) => {
      const gap = t * value(a) + (1 - t) * value(b) - value(t * a + (1 - t) * b);
      return Math.abs(gap - t * (1 - t) * (a - b) ** 2) <= 1e-14 * (a * a + b * b) + 1e-300;
    }));
  });

  it("pulls without bound: the gradient is proportional to the residual", () => {
    holds(fc.property(number, (e) => at(4 * e)[1] === 4 * at(e)[1]));
  });

  it("is smallest over one shared prediction at the mean, which an outlier moves at will", () => {
    for (const outlier of [10, 1e6]) {
      const best = minimiser(mse({ reduction: "sum" }), [0, 0.1, 0.2, 0.3, outlier]);
      assert(near(best, (0.6 + outlier) / 5, 1e-12));
    }
  });
});

describe("MSELoss refuses", () => {
  it("whole numbers as input, which have no gradient", () => {
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

describe("MSELoss answers in types", () => {
  it("with the gradients that wrt names, and no other", () => {
    const weighted = mse({ weight: [3, 1], reduction: "sum" });
    const { grad } = weighted.valueAndGrad([1, 5], [2, 2], { wrt: ["target", "weight"] });
    const [target, weight]: Tensor[] = [grad.target, grad.weight];
    assertEquals([target.toArray(), weight.toArray()], [[3 * 2, -6], [1, 9]]);
    // @ts-expect-error: a gradient that was not asked for is no property of the result.
    assert(grad.input === undefined);
  });
});
