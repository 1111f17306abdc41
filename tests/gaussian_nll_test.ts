/** GaussianNLLLoss: (log v + e² / v) / 2 with e = input - target and v = var, but at least eps. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import fc from "fast-check";
import {
  float32,
  float64,
  GaussianNLLLoss,
  type GaussianNLLLossOptions,
  MSELoss,
  type Tensor,
  type TensorLike,
} from "@lossbook/losses";
import { testCases } from "./_cases.ts";
import { assertClose, assertNear } from "./_close.ts";
import { testContract } from "./_contract.ts";
import { testBroadcasting, testDomain, testDtypes, testLongMean } from "./_elementwise.ts";
import { testFixtures } from "./_fixtures.ts";
import { testFormula } from "./_formula.ts";
import { call, type Subject } from "./_loss.ts";
import { assertGradient } from "./_numeric.ts";
import { doubles, holds } from "./_property.ts";
import { Random } from "./_random.ts";
import { testReductions } from "./_reductions.ts";
import { cases } from "./reference/cases/gaussian_nll.ts";

const gaussian = (options?: GaussianNLLLossOptions) => new GaussianNLLLoss(options);
const none = gaussian({ reduction: "none" });
const wrt = ["input", "target", "var"];
const subject: Subject = {
  loss: "GaussianNLLLoss",
  build: gaussian,
  draw: (random, first, second = first, third = second) => ({
    input: random.tensor(first),
    target: random.tensor(second),
    var: random.tensor(third, () => random.uniform(0.1, 3)),
  }),
  wrt,
};

/** Value at one residual and variance, and gradients with respect to input and var. */
function at(
  e: number,
  v: number,
  { dtype = float64, ...options }: GaussianNLLLossOptions & { dtype?: typeof float64 } = {},
): [value: number, input: number, variance: number] {
  const loss = gaussian({ reduction: "none", ...options });
  const { value, grad } = loss.valueAndGrad(dtype([e]), dtype([0]), dtype([v]));
  return [value.data[0], grad.input.data[0], grad.var.data[0]];
}

testCases(cases, gaussian);

describe("GaussianNLLLoss computed by hand", () => {
  it("is half of the squared error for a variance of 1", () => {
    assertEquals(at(3, 1), [9 / 2, 3, (1 - 9) / 2]);
    assertEquals(at(-0.5, 1), [0.25 / 2, -0.5, (1 - 0.25) / 2]);
  });

  it("divides the squared error by the variance, and adds the logarithm of the variance", () => {
    assertEquals(at(2, 4), [(Math.log(4) + 1) / 2, 2 / 4, 0]);
    assertEquals(at(0, 0.25), [Math.log(0.25) / 2, 0, 1 / 0.25 / 2]);
  });

  it("adds log √(2 π) with full: true, to the value only", () => {
    const [value, ...grads] = at(1.5, 0.7, { full: true });
    assertNear(value, at(1.5, 0.7)[0] + Math.log(Math.sqrt(2 * Math.PI)));
    assertEquals(grads, at(1.5, 0.7).slice(1));
  });
});

describe("GaussianNLLLoss against a one-line reference: -log(exp(-e² / (2 v)) / √(2 π v))", () => {
  it("agrees in value and all gradients", () => {
    const args = subject.draw(new Random(1), [9, 7]);
    const { value, grad } = call(gaussian({ full: true, reduction: "none" }), args, { wrt });
    value.data.forEach((found, i) => {
      const [x, y, v] = [args.input.data[i], args.target.data[i], args.var.data[i]];
      const density = Math.exp(-((x - y) ** 2) / (2 * v)) / Math.sqrt(2 * Math.PI * v);
      assertNear(found, -Math.log(density), { atol: 1e-13, context: `${x}, ${y}, ${v}` });
      const score = (x - y) / v;
      assertNear(grad.input.data[i], score);
      assertNear(grad.target.data[i], -score);
      assertNear(grad.var.data[i], (1 / v - score ** 2) / 2, { atol: 1e-12 });
    });
  });
});

testFixtures("gaussian_nll", gaussian);

describe("GaussianNLLLoss against finite differences", () => {
  for (const reduction of ["none", "mean", "sum"] as const) {
    it(`agrees for ${reduction}, for every shape of var`, () => {
      for (const shape of [[3, 5], [3, 1], [1, 5], [3], []]) {
        const args = subject.draw(new Random(2), [3, 5], [3, 5], shape);
        assertGradient(gaussian({ reduction }), args, { wrt: ["var"] });
        assertGradient(gaussian({ reduction, full: true }), args, { wrt: ["input", "target"] });
      }
    });
  }
});

const symbols = { input: "x", target: "y", var: "v" };
const ranges = { x: [-2, 2], y: [-2, 2], v: [0.1, 3], eps: [1e-6, 0.05] } as const;
testFormula("GaussianNLLLoss", GaussianNLLLoss.formula, symbols, ranges);
testFormula("GaussianNLLLoss with full: true", gaussian({ full: true }).formula, symbols, ranges);

describe("GaussianNLLLoss where var < eps", () => {
  it("replaces var by eps, in the value and in every gradient", () => {
    for (const v of [0, 1e-8, 5e-324, 1e-6]) assertEquals(at(0.002, v), at(0.002, 1e-6));
    assertEquals(at(3, 0.1, { eps: 0.5 }), at(3, 0.5));
    assertEquals(at(3, 0, { eps: 0.5 })[2], (1 - 9 / 0.5) / 0.5 / 2);
  });

  it("has the gradient with respect to var at eps, though the value does not change with var there", () => {
    const [low, , slope] = at(0, 1e-8);
    assertEquals(low, at(0, 2e-8)[0]);
    assertNear(slope, 1 / 1e-6 / 2);
  });

  it("has the formula that it computes as a property", () => {
    assertEquals(none.formula, GaussianNLLLoss.formula);
    assert(gaussian({ full: true }).formula.value.endsWith("log(2 * pi) / 2"));
  });
});

describe("GaussianNLLLoss with extreme numbers", () => {
  it("tiny residuals: the square underflows, the gradient does not", () => {
    assertEquals(at(1e-200, 1), [0, 1e-200, 0.5]);
    assertEquals(at(2 ** -149, 1, { dtype: float32 }), [0, 2 ** -149, 0.5]);
  });

  it("huge residuals: the square overflows, the gradient with respect to input does not", () => {
    assertEquals(at(1e200, 1), [Infinity, 1e200, -Infinity]);
    const [value, input] = at(39, 1);
    assertEquals([value, input], [39 ** 2 / 2, 39]); // exp(-39² / 2) is 0
  });

  it("a variance of 0 and eps = 0: value NaN; infinite gradients, or NaN for a perfect prediction", () => {
    assertEquals(at(1, 0, { eps: 0 }), [NaN, Infinity, -Infinity]);
    assertEquals(at(0, 0, { eps: 0 }), [NaN, NaN, NaN]);
  });

  it("±∞ and NaN, also as a variance", () => {
    assertEquals(at(Infinity, 2), [Infinity, Infinity, -Infinity]);
    assertEquals(at(1, Infinity), [Infinity, 0, 0]);
    assertEquals(at(NaN, 1), [NaN, NaN, NaN]);
    assertEquals(at(1, NaN), [NaN, NaN, NaN]);
    assertEquals(at(1, NaN, { dtype: float32 }), [NaN, NaN, NaN]);
  });

  it("float32: a derivative that overflows stays ∞, however small the upstream gradient is", () => {
    const loss = new GaussianNLLLoss({ reduction: "sum" });
    const request = { gradOutput: 1e-5 };
    const { grad } = loss.valueAndGrad(float32([1e36]), float32([0]), float32([1e-6]), request);
    assertEquals(grad.input.item(), Infinity);
    const args = [[1e36], [0], [1e-6]] as const;
    const { grad: wide } = loss.valueAndGrad(...args, request);
    assertEquals(wide.input.item().toPrecision(12), "1.00000000000e+37");
  });
});

testReductions(subject);
testLongMean(subject);
testBroadcasting(subject, { smaller: ["target"] });
testDtypes(subject, { integers: ["target"] });

describe("GaussianNLLLoss with a variance of another shape", () => {
  const random = new Random(7);
  const shape = [2, 3, 4];
  const smaller: [name: string, own: number[], index: (i: number) => number][] = [
    ["without the last axis", [2, 3], (i) => Math.floor(i / 4)],
    ["the last axis shortened", [2, 3, 1], (i) => Math.floor(i / 4)],
    ["the middle axis shortened", [2, 1, 4], (i) => 4 * Math.floor(i / 12) + i % 4],
    ["the first axis shortened", [1, 3, 4], (i) => i % 12],
    ["a single number", [], () => 0],
  ];
  for (const [name, own, index] of smaller) {
    it(`${name}: repeats it, and adds its gradients up in its own shape`, () => {
      const args = subject.draw(random, shape, shape, own);
      const full = Float64Array.from({ length: 24 }, (_, i) => args.var.data[index(i)]);
      const out = { var: new Float64Array(args.var.data.length) };
      const found = call(gaussian(), args, { wrt, out });
      const wanted = call(gaussian(), { ...args, var: float64(full, shape) }, { wrt });
      assertEquals(found.value, wanted.value);
      assertEquals(found.grad.input, wanted.grad.input);
      const sums = new Float64Array(args.var.data.length);
      wanted.grad.var.data.forEach((g, i) => sums[index(i)] += g);
      const close = { rtol: 1e-13, atol: 1e-14, context: "grad.var" };
      assertClose(found.grad.var, { shape: own, data: sums }, close);
      assert(found.grad.var.data === out.var);
    });
  }

  it("takes a plain number, whose gradient is a scalar", () => {
    const { value, grad } = gaussian().valueAndGrad([[1, 2], [3, 4]], [[0, 0], [0, 0]], 2);
    assertNear(value.item(), (Math.log(2) + (1 + 4 + 9 + 16) / 4 / 2) / 2);
    assertEquals(grad.var.shape, []);
    assertNear(grad.var.item(), (1 - 30 / 4 / 2) / 2 / 2);
  });

  it("takes its shape from the input, also where the target is larger", () => {
    const args = subject.draw(random, [3, 1], [3, 4], [3]);
    const { grad } = call(gaussian(), args, { wrt });
    assertEquals(wrt.map((name) => grad[name].shape), [[3, 1], [3, 4], [3]]);
  });

  it("refuses any other shape", () => {
    const refused: [own: number[], shown: string][] = [
      [[4], "(4,)"],
      [[3, 4], "(3, 4)"],
      [[2, 3, 2], "(2, 3, 2)"],
      [[2, 1, 1], "(2, 1, 1)"],
      [[1, 2, 3, 4], "(1, 2, 3, 4)"],
      [[2], "(2,)"],
    ];
    for (const [own, shown] of refused) {
      const args = subject.draw(random, shape, shape, own);
      assertThrows(
        () => call(gaussian(), args),
        RangeError,
        "Cannot compute GaussianNLLLoss as var must be a number or have the shape of input, (2, 3, 4), " +
          `without its last axis or with one axis of length 1: current shape is ${shown}`,
      );
    }
    const larger = subject.draw(random, [3, 1], [3, 4], [3, 4]);
    assertThrows(() => call(gaussian(), larger), RangeError, "the shape of input, (3, 1)");
  });

  it("refuses an input of shape (N, 1) with a target of shape (N)", () => {
    assertThrows(
      () => gaussian().forward([[1], [2]], [1, 2], 1),
      RangeError,
      "Cannot compute GaussianNLLLoss as the shapes of input and target do not go together: " +
        "current shapes are (2, 1) and (2,)",
    );
  });
});

describe("GaussianNLLLoss and related losses", () => {
  it("is half of MSELoss for a variance of 1", () => {
    const { input, target } = subject.draw(new Random(4), [40]);
    const own = call(gaussian(), { input, target, var: 1 });
    const mse = call(new MSELoss(), { input, target });
    assertNear(own.value.item(), mse.value.item() / 2);
    own.grad.input.data.forEach((g, i) => assertNear(g, mse.grad.input.data[i] / 2));
  });
});

describe("GaussianNLLLoss at random inputs", () => {
  const number = doubles(-100, 100);
  const variance = doubles(1e-3, 100);

  it("is symmetric in the residual", () => {
    holds(fc.property(number, variance, (e, v) => {
      const [a, b] = [at(e, v), at(-e, v)];
      return a[0] === b[0] && a[1] === -b[1] && a[2] === b[2];
    }));
  });

  it("is minimised by the variance that is the squared residual", () => {
    holds(fc.property(doubles(0.1, 10), variance, (e, v) => {
      return at(e, v)[0] >= at(e, e * e)[0] - 1e-13 * (1 + e * e) &&
        Math.abs(at(e, e * e)[2]) < 1e-12;
    }));
  });

  it("grows by log c if the residual is multiplied by c and the variance by c²", () => {
    holds(fc.property(number, variance, (e, v) => {
      const difference = at(8 * e, 64 * v)[0] - at(e, v)[0];
      return Math.abs(difference - Math.log(8)) <= 1e-13 * (1 + at(e, v)[0] ** 2);
    }));
  });

  it("is minimised by the shared variance that is the mean of the squared residuals", () => {
    const { grad } = gaussian().valueAndGrad([1, -1, 3, 1], [0, 0, 0, 0], (1 + 1 + 9 + 1) / 4);
    assertNear(grad.var.item(), 0, { atol: 1e-16 });
  });
});

testDomain(subject, "var", { wanted: "≥ 0", offenders: [-1, -(2 ** -149), -Infinity] });

describe("GaussianNLLLoss refuses", () => {
  it("an eps that is not ≥ 0, which PyTorch accepts", () => {
    for (const eps of [-1e-6, -Infinity, NaN]) {
      assertThrows(
        () => gaussian({ eps }),
        RangeError,
        `Cannot make GaussianNLLLoss as eps must be ≥ 0: current value is ${eps}`,
      );
    }
    assertThrows(() => gaussian({ eps: "1" as never }), TypeError, 'current value is "1"');
  });

  it("a full that is neither true nor false", () => {
    assertThrows(
      () => gaussian({ full: "yes" as never }),
      TypeError,
      'Cannot make GaussianNLLLoss as full must be true or false: current value is "yes"',
    );
  });

  it("a negative variance of a whole row, and says where it is in var", () => {
    const rows: TensorLike = [[1, 2], [3, 4]];
    assertThrows(
      () => gaussian().forward(rows, rows, [0.5, -0.25]),
      RangeError,
      "Cannot compute GaussianNLLLoss as var must be ≥ 0: current value at [1, 0] is -0.25",
    );
  });
});

testContract({
  loss: "GaussianNLLLoss",
  Loss: GaussianNLLLoss,
  known: ["full", "eps", "reduction"],
  args: subject.draw(new Random(8), [2, 3]),
  wrt,
});

describe("GaussianNLLLoss result types", () => {
  it("have the gradients of input and var by default, else those that wrt names", () => {
    const { grad } = gaussian().valueAndGrad([2], [1], [1]);
    const tensors: Tensor[] = [grad.input, grad.var];
    assertEquals(tensors.map((tensor) => tensor.item()), [1, 0]);
    // @ts-expect-error: a gradient that was not asked for is no property of the result.
    assertEquals(grad.target, undefined);
    assertEquals(
      Object.keys(gaussian().valueAndGrad([2], [1], [1], { wrt: ["target"] }).grad),
      ["target"],
    );
  });
});
