/** The helpers: softmax, logSoftmax, sigmoid, logSigmoid, cosineSimilarity and pairwiseDistance, with their gradients. */
import { assert, assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import fc from "fast-check";
import {
  type BinaryHelper,
  cosineSimilarity,
  float32,
  float64,
  int32,
  logSigmoid,
  logSoftmax,
  pairwiseDistance,
  sigmoid,
  softmax,
  type Tensor,
  type TensorLike,
  type UnaryHelper,
} from "@lossbook/losses";
import { testCases } from "./_cases.ts";
import { assertClose, assertNear } from "./_close.ts";
import type { ErrorClass } from "./_contract.ts";
import { type FixtureCase, testFixtures } from "./_fixtures.ts";
import type { LossLike } from "./_loss.ts";
import { sum } from "./_naive.ts";
import { assertGradient } from "./_numeric.ts";
import { doubles, holds, vectors } from "./_property.ts";
import { Random } from "./_random.ts";
import { floatsBetween } from "./_ulp.ts";
import { cases } from "./reference/cases/helpers.ts";

const unary = { softmax, logSoftmax, sigmoid, logSigmoid };
const binary = { cosineSimilarity, pairwiseDistance };
/** All helpers by name, with unchecked types. */
const helpers: Record<string, LossLike & ((...args: never[]) => Tensor)> = { ...unary, ...binary };

/** A helper with its options as a loss, so that the tests of losses can call it. */
function withOptions(name: string, options: object): LossLike {
  const helper = helpers[name];
  return {
    forward: (...args: never[]) => helper.forward(...args, options as never),
    valueAndGrad: (...args: never[]) => {
      const request = args.pop() as unknown as object;
      return helper.valueAndGrad(...args, { ...options, ...request } as never);
    },
  };
}

for (const name of Object.keys(helpers)) {
  describe(name, () => {
    const own = cases.filter(({ helper }) => helper === name);
    // Each example has an options object of its own, by which its upstream gradient is found.
    if (own.length > 0) {
      testCases(own, (options) => {
        const { gradOutput } = own.find((one) => one.options === options) ?? {};
        return withOptions(name, { ...options, gradOutput });
      });
    }
  });
}

/** True for vectors with one component: the two parts of their gradient cancel, and only rounding remains. */
const isDegenerate = ({ helper, args }: FixtureCase) =>
  helper === "cosineSimilarity" && args.x1.shape.length === 1 && args.x1.shape[0] === 1;
/** True for cases in which PyTorch's σ (1 - σ) has lost all digits, so that its result is wrong. */
const isFarSigmoid = ({ name }: FixtureCase) => name.startsWith("sigmoid far");
const build = (options: object, { helper = "" }: FixtureCase) => withOptions(helper, options);

testFixtures("helpers", build, { only: (one) => !isDegenerate(one) && !isFarSigmoid(one) });
describe("helpers of vectors with one component", () => {
  // Both parts of the gradient are 1 / |x|, and their difference has an error of 1e-7 of that in float32.
  const float32 = { rtol: 1e-5, atol: 1e-5 };
  testFixtures("helpers", build, { only: isDegenerate, tolerance: { float32 } });
});
describe("helpers of large scores", () => {
  // PyTorch returns 0 for gradients below 1e-16; another gradient in the same tensor is 1e-8.
  const float64 = { rtol: 1e-12, atol: 1e-8 };
  testFixtures("helpers", build, { only: isFarSigmoid, tolerance: { float64 } });
});

describe("helpers against finite differences", () => {
  const random = new Random(1);
  const input = random.tensor([3, 4, 2]);
  for (const dim of [0, 1, 2, -1, -3]) {
    for (const name of ["softmax", "logSoftmax"]) {
      it(`${name} along axis ${dim} of three`, () => {
        assertGradient(withOptions(name, { dim }), { input }, { wrt: ["input"] });
      });
    }
  }
  for (const name of ["sigmoid", "logSigmoid"]) {
    it(name, () => assertGradient(withOptions(name, {}), { input }, { wrt: ["input"] }));
  }

  const wrt = ["x1", "x2"];
  const x1 = random.tensor([3, 4, 2]);
  const x2 = random.tensor([3, 4, 2]);
  const row = random.tensor([1, 4, 1]);
  for (const dim of [0, 1, -1]) {
    it(`cosineSimilarity along axis ${dim} of three, also if an argument is broadcast`, () => {
      const helper = withOptions("cosineSimilarity", { dim });
      assertGradient(helper, { x1, x2 }, { wrt, scale: 0.1 });
      assertGradient(helper, { x1, row }, { wrt: ["x1"], scale: 0.1 });
    });
  }
  for (const p of [0.5, 1, 1.5, 2, 3, 4, 7.5, Infinity]) {
    it(`pairwiseDistance for p = ${p}, also if an argument is broadcast`, () => {
      const helper = withOptions("pairwiseDistance", { p, eps: 1e-3 });
      assertGradient(helper, { x1, x2 }, { wrt, scale: 0.01, tolerance: 1e-8 });
      assertGradient(withOptions("pairwiseDistance", { p, keepdim: true }), { x1, x2: row }, {
        wrt,
        scale: 0.01,
        tolerance: 1e-8,
      });
    });
  }
});

describe("softmax and logSoftmax", () => {
  it("run along the last axis by default", () => {
    const x = new Random(2).tensor([3, 4]);
    for (const helper of [softmax, logSoftmax]) {
      assertEquals(helper(x), helper(x, { dim: 1 }));
      assertEquals(helper(x), helper(x, { dim: -1 }));
      assertEquals(helper(x, { dim: 0 }), helper(x, { dim: -2 }));
    }
  });

  it("are each other's exponential and logarithm", () => {
    const x = new Random(3).tensor([5, 7]);
    for (const dim of [0, 1]) {
      const log = softmax(x, { dim }).data.map(Math.log);
      const close = { rtol: 1e-13, atol: 1e-14, context: "log softmax" };
      assertClose(logSoftmax(x, { dim }), { shape: [5, 7], data: log }, close);
    }
  });

  it("are finite where the naive exp(x) / Σ exp(x) is NaN", () => {
    assertEquals(Math.exp(1000) / (Math.exp(1000) + Math.exp(999)), NaN);
    const p = 1 / (1 + Math.exp(-1));
    const close = { rtol: 1e-15, atol: 0, context: "softmax" };
    assertClose(softmax([1000, 999]), { shape: [2], data: [p, 1 - p] }, { ...close, rtol: 1e-15 });
    assertEquals(softmax([0, -1000]).toArray(), [1, 0]);
    assertEquals(logSoftmax([0, -1000]).toArray(), [0, -1000]);
    assertEquals(logSoftmax([-1e300, -1e300]).toArray(), [-Math.LN2, -Math.LN2]);
  });

  it("give a score of -∞ the probability 0", () => {
    for (const dtype of [float32, float64]) {
      const x = dtype([0, -Infinity, 0]);
      assertEquals(softmax(x).toArray(), [1 / 2, 0, 1 / 2]);
      const { value, grad } = logSoftmax.valueAndGrad(x, { gradOutput: [1, 3, 2] });
      const half = dtype(-Math.LN2).item();
      assertEquals(value.toArray(), [half, -Infinity, half]);
      assertEquals(grad.input.toArray(), [1 - 6 / 2, 3, 2 - 6 / 2]);
    }
  });

  it("give a single score of ∞ the probability 1, where PyTorch gives NaN", () => {
    const gradOutput = [1, 3, 2];
    for (const dtype of [float32, float64]) {
      for (const row of [[2, Infinity, 0], [-Infinity, Infinity, -3]]) {
        const p = softmax.valueAndGrad(dtype(row), { gradOutput });
        assertEquals(p.value.toArray(), [0, 1, 0]);
        assertEquals([...p.grad.input.data].map(Math.abs), [0, 0, 0]);
        const log = logSoftmax.valueAndGrad(dtype(row), { gradOutput });
        assertEquals(log.value.toArray(), [-Infinity, 0, -Infinity]);
        assertEquals(log.grad.input.toArray(), [1, 3 - (1 + 3 + 2), 2]);
      }
      assertEquals(softmax(dtype([Infinity])).toArray(), [1]);
      assertEquals(logSoftmax(dtype(Infinity)).item(), 0);
    }
  });

  it("reach this limit at large finite scores", () => {
    const gradOutput = [1, 3, 2];
    for (const dtype of [float32, float64]) {
      const [p, log] = [softmax, logSoftmax].map((f) =>
        f.valueAndGrad(dtype([2, Infinity, 0]), { gradOutput })
      );
      for (const big of [1e4, 1e30]) {
        const row = dtype([2, big, 0]);
        assertEquals(softmax.valueAndGrad(row, { gradOutput }), p);
        const finite = logSoftmax.valueAndGrad(row, { gradOutput });
        assertEquals(finite.grad, log.grad);
        assertEquals(finite.value.data[1], 0);
        assert(finite.value.data[0] < -big / 2 && finite.value.data[2] < -big / 2);
      }
    }
  });

  it("are NaN for several ∞, for -∞ only and for NaN, as in PyTorch, and in no other row", () => {
    const lost = [
      [Infinity, Infinity],
      [-Infinity, -Infinity],
      [NaN, 0],
      [NaN, Infinity],
      [Infinity, NaN],
    ];
    for (const bad of lost) {
      for (const dtype of [float32, float64]) {
        for (const helper of [softmax, logSoftmax]) {
          const along = helper.valueAndGrad(dtype([bad, [0, 0], [Infinity, 0]]));
          const isLost = [true, true, false, false, false, false];
          assertEquals([...along.value.data].map(Number.isNaN), isLost, `${bad}`);
          assertEquals([...along.grad.input.data].map(Number.isNaN), isLost, `${bad}`);
          const columns = dtype([[0, bad[0], Infinity], [0, bad[1], 0]]);
          const down = helper.valueAndGrad(columns, { dim: 0 });
          const isLostDown = [false, true, false, false, true, false];
          assertEquals([...down.value.data].map(Number.isNaN), isLostDown, `${bad}`);
          assertEquals([...down.grad.input.data].map(Number.isNaN), isLostDown, `${bad}`);
        }
      }
    }
  });

  it("accept a score of ∞ along every axis, and in rows longer than a tile", () => {
    const x = float64(new Float64Array(2 * 3 * 4), [2, 3, 4]);
    x.data[(1 * 3 + 2) * 4 + 1] = Infinity;
    for (const dim of [0, 1, 2]) {
      const p = softmax(x, { dim });
      const ones = [...p.data].flatMap((v, i) => v === 1 ? [i] : []);
      const zeros = [...p.data].filter((v) => v === 0).length;
      assertEquals([ones, zeros], [[(1 * 3 + 2) * 4 + 1], x.shape[dim] - 1]);
    }
    const long = float32(new Float32Array(2 * 90_001), [2, 90_001]);
    long.data[90_000] = Infinity;
    const log = logSoftmax(long);
    assertEquals(log.data[90_000], 0);
    assert(log.data.subarray(0, 90_000).every((v) => v === -Infinity));
    assert(log.data.subarray(90_001).every((v) => v === Math.fround(-Math.log(90_001))));
  });

  it("do not change their argument, even if it has infinite scores", () => {
    const x = float64([1, Infinity, -Infinity]);
    softmax(x);
    logSoftmax.valueAndGrad(x);
    assertEquals(x.toArray(), [1, Infinity, -Infinity]);
  });

  it("accept rows longer than a tile, along every axis", () => {
    const x = new Random(4).tensor([2, 9001]);
    const turned = float64(
      Float64Array.from({ length: 18002 }, (_, i) => x.data[(i % 2) * 9001 + (i >> 1)]),
      [9001, 2],
    );
    for (const helper of [softmax, logSoftmax]) {
      const [along, down] = [helper(x), helper(turned, { dim: 0 })];
      assert(along.data.every((v, i) => v === down.data[(i % 9001) * 2 + Math.floor(i / 9001)]));
    }
    assertNear(sum(softmax(x).data.slice(0, 9001)), 1, { atol: 1e-13 });
  });

  it("are 1 and 0 for a scalar, empty for an empty tensor", () => {
    assertEquals([softmax(3).item(), logSoftmax(3).item(), softmax(3, { dim: 0 }).item()], [
      1,
      0,
      1,
    ]);
    for (const shape of [[0, 3], [3, 0]]) {
      const nothing = float64(new Float64Array(0), shape);
      const { value, grad } = softmax.valueAndGrad(nothing);
      assertEquals([value.shape, grad.input.shape], [shape, shape]);
    }
  });

  it("have an error in float32 that grows only with the distance to the largest score", () => {
    const random = new Random(5);
    const x = Float32Array.from({ length: 500 }, () => random.uniform(-20, 20));
    const max = Math.max(...x);
    const s = sum(Array.from(x, (v) => Math.exp(v - max)));
    const [p, logP] = [softmax(float32(x)), logSoftmax(float32(x))];
    x.forEach((v, i) => {
      const wanted = Math.fround(Math.exp(v - max) / s);
      // An error of half a unit in the last place of x - m becomes one of about |x - m| units in exp(x - m).
      const limit = 3 + Math.abs(v - max);
      const off = floatsBetween(p.data[i], wanted, "float32");
      assert(off <= limit, `softmax ${v}: ${p.data[i]}, off by ${off}`);
      const log = Math.fround(v - max - Math.log(s));
      assert(floatsBetween(logP.data[i], log, "float32") <= 4, `logSoftmax ${v}: ${logP.data[i]}`);
    });
  });

  const scores = fc.array(doubles(-500, 500), { minLength: 1, maxLength: 9 });

  it("at random inputs: softmax adds up to 1, is not negative, and has the order of the scores", () => {
    holds(fc.property(scores, (x) => {
      const p = [...softmax(x).data];
      return Math.abs(sum(p) - 1) < 1e-14 && p.every((v) => v >= 0) &&
        x.every((a, i) => x.every((b, j) => a <= b ? p[i] <= p[j] : true));
    }));
  });

  it("at random inputs: adding one number to all scores changes nothing; gradients add up to 0", () => {
    holds(fc.property(scores, fc.integer({ min: -100, max: 100 }), (x, by) => {
      const [a, b] = [softmax(x), softmax(x.map((v) => v + by))];
      const random = new Random(by);
      const { grad } = logSoftmax.valueAndGrad(x, { gradOutput: x.map(() => random.normal()) });
      return Math.abs(sum(grad.input.data)) < 1e-12 &&
        a.data.every((p, i) => Math.abs(p - b.data[i]) <= 1e-12 * p + 1e-300);
    }));
  });
});

describe("sigmoid and logSigmoid", () => {
  const number = doubles(-700, 700);

  it("at random inputs: are each other's exponential and logarithm, and σ(x) + σ(-x) = 1", () => {
    holds(fc.property(number, (x) => {
      const [p, q] = [sigmoid(x).item(), sigmoid(-x).item()];
      const log = logSigmoid(x).item();
      return Math.abs(p + q - 1) < 1e-15 && Math.abs(Math.exp(log) - p) <= 1e-12 * p &&
        // log σ(x) - log σ(-x) = x
        Math.abs(log - logSigmoid(-x).item() - x) <= 1e-15 * (1 + Math.abs(x));
    }));
  });

  it("are the softmax of a score and 0", () => {
    for (const x of [-3, -0.5, 0, 1, 20]) {
      const close = { rtol: 1e-14, atol: 0, context: `${x}` };
      assertClose(sigmoid([x]), { shape: [1], data: [softmax([x, 0]).data[0]] }, close);
      const log = [logSoftmax([x, 0]).data[0]];
      // logSoftmax computes 1 + exp(-20), which loses half of the digits of exp(-20).
      const loose = { ...close, atol: 1e-15, scale: 1 };
      assertClose(logSigmoid([x]), { shape: [1], data: log }, loose);
    }
  });

  it("have all digits of the gradient where 1 - σ(x) has none", () => {
    assertEquals(1 - sigmoid(40).item(), 0);
    const slope = sigmoid.valueAndGrad(40).grad.input.item();
    assertNear(slope, Math.exp(-40));
    assertEquals(logSigmoid.valueAndGrad(-800).grad.input.item(), 1);
  });

  it("have their limits at ±∞, and are NaN at NaN", () => {
    assertEquals(sigmoid([Infinity, -Infinity, NaN]).toArray(), [1, 0, NaN]);
    assertEquals([...logSigmoid([Infinity, -Infinity, NaN]).data].map((v) => v + 0), [
      0,
      -Infinity,
      NaN,
    ]);
    const { grad } = logSigmoid.valueAndGrad([Infinity, -Infinity, NaN]);
    assertEquals(grad.input.toArray(), [0, 1, NaN]);
  });
});

describe("cosineSimilarity", () => {
  it("is 1 for parallel, 0 for orthogonal and -1 for opposite vectors", () => {
    const found = cosineSimilarity([[3, 4], [3, 4], [3, 4]], [[6, 8], [4, -3], [-3, -4]]);
    assertClose(found, { shape: [3], data: [1, 0, -1] }, {
      rtol: 1e-15,
      atol: 1e-16,
      context: "c",
    });
  });

  it("is taken along axis 1 by default, or any other", () => {
    const [x, y] = [[[3, 0], [4, 1]], [[1, 5], [0, 0]]];
    assertEquals(cosineSimilarity(x, y).shape, [2]);
    const close = { rtol: 1e-15, atol: 1e-16, context: "c" };
    assertClose(cosineSimilarity(x, y, { dim: 0 }), { shape: [2], data: [3 / 5, 0] }, close);
    assertEquals(cosineSimilarity(x, y, { dim: -2 }), cosineSimilarity(x, y, { dim: 0 }));
  });

  it("replaces each length that is below eps by eps", () => {
    const close = { rtol: 1e-15, atol: 0, context: "c" };
    const short = cosineSimilarity([[3e-9, 4e-9]], [[1, 0]]);
    assertClose(short, { shape: [1], data: [3e-9 / 1e-8] }, close);
    const exact = cosineSimilarity([[3e-9, 4e-9]], [[1, 0]], { eps: 0 });
    assertClose(exact, { shape: [1], data: [3 / 5] }, close);
  });

  it("does not depend on the lengths of vectors, unlike in PyTorch, where 1e200 gives 0", () => {
    for (const size of [1e-300, 1e-200, 1e-100, 1, 1e100, 1e200, 1e300]) {
      const { value, grad } = cosineSimilarity
        .valueAndGrad([[3 * size, 4 * size]], [[1 / size, 0]], { eps: 0 });
      const close = { rtol: 1e-13, atol: 0, context: `${size}` };
      assertClose(value, { shape: [1], data: [3 / 5] }, close);
      const data = [4 / 25 * 4 / 5, -3 / 25 * 4 / 5].map((g) => g / size);
      assertClose(grad.x1, { shape: [1, 2], data }, close);
    }
    const single = cosineSimilarity(float32([[3e30, 4e30]]), float32([[1e-30, 0]]));
    assertNear(single.item(), 0.6 * 1e-30 / 1e-8, { atol: 1e-29, context: `${single.item()}` });
  });

  it("broadcasts axes before, along and after the vectors, and adds their gradients up", () => {
    const random = new Random(8);
    const x1 = random.tensor([3, 4, 2]);
    for (const shape of [[1, 4, 2], [3, 1, 2], [3, 4, 1], [1, 4, 1], [1, 1, 1], []]) {
      const x2 = random.tensor(shape);
      /** The index in x2 of the number at [i, j, k] of the common shape. */
      const from = (at: number) => {
        const index = [Math.floor(at / 8), Math.floor(at / 2) % 4, at % 2];
        return shape.reduce((place, n, axis) => place * n + (n === 1 ? 0 : index[axis]), 0);
      };
      const full = float64(Float64Array.from(x1.data, (_, at) => x2.data[from(at)]), [3, 4, 2]);
      for (const dim of [0, 1, 2]) {
        const found = cosineSimilarity.valueAndGrad(x1, x2, { dim });
        const wanted = cosineSimilarity.valueAndGrad(x1, full, { dim });
        assertEquals([found.value, found.grad.x1], [wanted.value, wanted.grad.x1]);
        const data = new Float64Array(x2.data.length);
        wanted.grad.x2.data.forEach((g, at) => data[from(at)] += g);
        // Twelve gradients of about 1 add up to nearly 0 in some places.
        const close = { rtol: 1e-13, atol: 1e-14, scale: 1, context: `(${shape}) along ${dim}` };
        assertClose(found.grad.x2, { shape, data }, close);
      }
    }
  });

  const vector = vectors(3, -100, 100);

  it("at random inputs: lies between -1 and 1, is symmetric, and changes its sign with an argument", () => {
    holds(fc.property(vector, vector, (x, y) => {
      const c = cosineSimilarity([x], [y]).item();
      const minus = cosineSimilarity([x.map((v) => -v)], [y]).item();
      return Math.abs(c) <= 1 + 1e-15 && Math.abs(c - cosineSimilarity([y], [x]).item()) < 1e-15 &&
        Math.abs(c + minus) < 1e-15;
    }));
  });

  it("of vectors without components is 0, with and without eps", () => {
    const empty = float64(new Float64Array(0), [3, 0]);
    for (const eps of [0, 1e-8]) {
      assertEquals([...cosineSimilarity(empty, empty, { eps }).data], [0, 0, 0]);
    }
  });
});

describe("pairwiseDistance", () => {
  it("is every norm of (3, -4)", () => {
    const d = (p: number) => pairwiseDistance([3, -4], [0, 0], { p, eps: 0 }).item();
    assertEquals([d(0), d(1), d(2), d(Infinity)], [2, 7, 5, 4]);
    assertNear(d(3), Math.cbrt(27 + 64), { atol: 1e-14 });
    assertNear(d(0.5), (Math.sqrt(3) + 2) ** 2, { atol: 1e-13 });
  });

  it("counts the components that differ for p = 0, with gradient 0", () => {
    const { value, grad } = pairwiseDistance
      .valueAndGrad([[1, 2, 3], [1, 2, 3]], [[1, 0, 3], [0, 0, 0]], { p: 0, eps: 0 });
    assertEquals(value.toArray(), [1, 3]);
    assertEquals([...grad.x1.data, ...grad.x2.data], new Array(12).fill(0));
  });

  it("keeps the axis with keepdim", () => {
    const x = new Random(6).tensor([2, 3, 4]);
    assertEquals(pairwiseDistance(x, 0).shape, [2, 3]);
    assertEquals(pairwiseDistance(x, 0, { keepdim: true }).shape, [2, 3, 1]);
    assertEquals(pairwiseDistance([1, 2], 0, { keepdim: true }).shape, [1]);
    assertEquals(pairwiseDistance(x, 0, { keepdim: true }).data, pairwiseDistance(x, 0).data);
    const gradOutput = new Random(7).tensor([2, 3, 1]);
    const { grad } = pairwiseDistance.valueAndGrad(x, 0, { keepdim: true, gradOutput });
    const flat = float64(gradOutput.data as Float64Array, [2, 3]);
    assertEquals(grad, pairwiseDistance.valueAndGrad(x, 0, { gradOutput: flat }).grad);
  });

  it("has gradient 0 where the distance is 0", () => {
    for (const p of [0.5, 1, 1.5, 2, 3, Infinity]) {
      const { value, grad } = pairwiseDistance.valueAndGrad([1, 2], [1, 2], { p, eps: 0 });
      assertEquals([value.item(), ...grad.x1.data, ...grad.x2.data], [0, 0, 0, 0, 0]);
    }
  });

  const vector = vectors(3, -100, 100);
  const norms = fc.constantFrom(1, 1.5, 2, 3, 10, Infinity);

  it("at random inputs: is a norm with the triangle inequality, and falls with p", () => {
    holds(fc.property(vector, vector, vector, norms, (x, y, z, p) => {
      const d = (a: number[], b: number[], q = p) =>
        pairwiseDistance(a, b, { p: q, eps: 0 }).item();
      const half = [x, y].map((v) => v.map((c) => c / 2));
      const size = 1e-12 * (1 + d(x, y));
      return d(x, z) <= (d(x, y) + d(y, z)) * (1 + 1e-13) + 1e-300 &&
        Math.abs(d(half[0], half[1]) - d(x, y) / 2) <= size && d(x, y, 2 * p) <= d(x, y) + size;
    }));
  });

  it("has every gradient that is a number, also where |u| / d is too small for one", () => {
    const cases: [p: number, make: typeof float64, large: number, small: number][] = [
      [0.5, float32, 1e20, 1e-26],
      [0.9, float32, 1e20, 1e-26],
      [1.01, float32, 1e20, 1e-40],
      [1.6, float32, 1e30, 1e-20],
      [0.5, float64, 1e200, 1e-150],
      [0.9, float64, 1e308, 1e-308],
      [1.01, float64, 1e200, 1e-320],
      // Here the row is scaled, as 1e200^1.6 overflows.
      [1.6, float64, 1e200, 1e-150],
      [1.9, float64, 1e200, 1e-120],
    ];
    for (const [p, make, large, small] of cases) {
      const x = make([large, -small]);
      const { grad } = pairwiseDistance.valueAndGrad(x, make([0, 0]), { p, eps: 0 });
      // All but the large component is lost in the distance.
      const wanted = make([1, -(Math.abs(x.data[1]) ** (p - 1) * x.data[0] ** (1 - p))]);
      // pow is less exact than the other functions.
      const rtol = make === float32 ? 1e-5 : 1e-12;
      assertClose(grad.x1, wanted, { rtol, atol: 0, context: `p = ${p}, ${large}, ${small}` });
    }
  });

  it("has gradient 0 for p = ∞ where a component is NaN, as in PyTorch", () => {
    for (const x of [[NaN, 1], [1, NaN], [Infinity, NaN], [NaN, NaN]]) {
      const request = { p: Infinity, eps: 0 };
      const { value, grad } = pairwiseDistance.valueAndGrad([x, [3, 4]], [[0, 0], [0, 0]], request);
      assertEquals([...value.data], [NaN, 4]);
      assertEquals([...grad.x1.data].map(Math.abs), [0, 0, 0, 1]);
    }
  });
});

describe("helpers in common", () => {
  const x = [[1, 2], [3, 5]];
  const y = [[2, 1], [0, 1]];

  it("are functions, and have the two methods of a loss", () => {
    for (const helper of Object.values(unary)) assertEquals(helper(x), helper.forward(x));
    for (const helper of Object.values(binary)) assertEquals(helper(x, y), helper.forward(x, y));
    for (const helper of Object.values(unary) as UnaryHelper<object>[]) {
      assertEquals(helper(x), helper.valueAndGrad(x).value);
    }
    for (const helper of Object.values(binary) as BinaryHelper<object>[]) {
      assertEquals(helper(x, y), helper.valueAndGrad(x, y).value);
      assertEquals(Object.keys(helper.valueAndGrad(x, y).grad), ["x1", "x2"]);
      assertEquals(Object.keys(helper.valueAndGrad(x, y, { wrt: ["x2"] }).grad), ["x2"]);
    }
  });

  it("treat an option that is undefined like one that is not given", () => {
    const d = pairwiseDistance.valueAndGrad(x, y, { p: undefined, gradOutput: undefined });
    assertEquals(d, pairwiseDistance.valueAndGrad(x, y));
  });

  it("compute in float32 if no argument is wider", () => {
    const dtypes = (...args: Tensor[]) => [
      softmax(args[0]).dtype,
      sigmoid(args[0]).dtype,
      pairwiseDistance(args[0], args[1]).dtype,
      cosineSimilarity(args[0], args[1]).dtype,
    ];
    assertEquals(dtypes(float32(x), float32(y)), ["float32", "float32", "float32", "float32"]);
    assertEquals(dtypes(float32(x), float64(y)), ["float32", "float32", "float64", "float64"]);
  });

  it("have result types with the gradients that wrt names", () => {
    const { grad } = pairwiseDistance.valueAndGrad(x, y, { wrt: ["x1"] });
    const x1: Tensor = grad.x1;
    assertEquals(x1.shape, [2, 2]);
    // @ts-expect-error: a gradient that was not asked for is no property of the result.
    assertEquals(grad.x2, undefined);
    // @ts-expect-error: softmax has no such option.
    assertThrows(() => softmax(x, { axis: 1 }));
  });

  /** Valid arguments of each helper, its options, and its first argument's name. */
  const calls: [name: string, args: TensorLike[], known: string[], first: string][] = [
    ["softmax", [x], ["dim"], "input"],
    ["logSoftmax", [x], ["dim"], "input"],
    ["sigmoid", [x], [], "input"],
    ["logSigmoid", [x], [], "input"],
    ["cosineSimilarity", [x, y], ["dim", "eps"], "x1"],
    ["pairwiseDistance", [x, y], ["p", "eps", "keepdim"], "x1"],
  ];
  for (const [name, args, known, first] of calls) {
    const forward = (...more: unknown[]) => helpers[name].forward(...[...args, ...more] as never[]);
    const valueAndGrad = (request: unknown) =>
      helpers[name].valueAndGrad(...[...args, request] as never[]);

    it(`${name} refuses unknown names, and lists the known ones`, () => {
      assertThrows(
        () => forward({ dmi: 1 }),
        TypeError,
        `Cannot compute ${name} as 'dmi' is unknown: known are ${known.join(", ") || "none"}`,
      );
      const all = [...known, "gradOutput", "wrt", "out"].join(", ");
      assertThrows(
        () => valueAndGrad({ grad: 1 }),
        TypeError,
        `Cannot compute ${name} as 'grad' is unknown: known are ${all}`,
      );
      assertThrows(() => forward({ wrt: [] }), TypeError, `as 'wrt' is unknown`);
    });

    it(`${name} refuses options that are not an object`, () => {
      for (const [given, shown] of [[1, "1"], [null, "null"], ["sum", '"sum"'], [[1], "[1]"]]) {
        const message =
          `Cannot compute ${name} as options must be an object: current value is ${shown}`;
        assertThrows(() => forward(given), TypeError, message);
        assertThrows(() => valueAndGrad(given), TypeError, message);
      }
    });

    it(`${name} refuses arguments that are missing, not tensors, or whole numbers`, () => {
      assertThrows(
        () => helpers[name].forward(),
        TypeError,
        `Cannot compute ${name} as the argument`,
      );
      const wrong: [unknown, string][] = [
        ["1", `Cannot read ${first} as it must be a number, an array`],
        [[[1], [1, 2]], `Cannot read ${first} as ${first}[1] must be an array of 1`],
        [int32([1, 2]), `Cannot compute ${name} as ${first} must be float32 or float64`],
      ];
      for (const [given, message] of wrong) {
        const changed = [given, ...args.slice(1)] as never[];
        assertThrows(() => helpers[name].forward(...changed), TypeError, message);
      }
    });

    it(`${name} refuses bad requests, and leaves buffers as they were`, () => {
      const filled = () => new Float64Array(4).fill(7);
      const wrong: [object, ErrorClass, string][] = [
        [{ wrt: ["target"] }, TypeError, `Cannot differentiate ${name} with respect to "target"`],
        [
          { gradOutput: [1, 2, 3] },
          RangeError,
          `Cannot compute ${name} as gradOutput must be a number or have`,
        ],
        [{ out: { [first]: new Float64Array(5) } }, RangeError, `out.${first} must hold 4 numbers`],
        [
          { out: { [first]: new Float32Array(4) } },
          TypeError,
          `out.${first} must be a float64 tensor`,
        ],
      ];
      for (const [request, Class, message] of wrong) {
        assertThrows(() => valueAndGrad(request), Class, message);
      }
      const out = { [first]: filled() };
      assertThrows(() => valueAndGrad({ out, gradOutput: [1, 2, 3] }));
      assertEquals(out[first], filled());
      const { grad } = valueAndGrad({ out, wrt: [first] });
      assertStrictEquals((grad as Record<string, Tensor>)[first].data, out[first]);
      assert(out[first].every((g) => g !== 7));
    });

    it(`${name} returns memory of its own, and does not change its arguments`, () => {
      const tensors = args.map((arg) => float64(arg));
      const before = tensors.map(({ data }) => [...data]);
      const [one, two] = [0, 1].map(() => helpers[name].forward(...tensors as never[]));
      assertEquals(one, two);
      assert(one.data !== two.data && tensors.every(({ data }) => data !== one.data));
      assertEquals(tensors.map(({ data }) => [...data]), before);
    });
  }

  it("refuse an axis that does not exist", () => {
    const message = (name: string, from: number, to: number, dim: unknown) =>
      `Cannot compute ${name} as dim must be a whole number from ${from} to ${to}: current value is ${dim}`;
    for (const dim of [2, -3, 0.5, NaN]) {
      assertThrows(() => softmax(x, { dim }), RangeError, message("softmax", -2, 1, dim));
      assertThrows(
        () => cosineSimilarity(x, y, { dim }),
        RangeError,
        message("cosineSimilarity", -2, 1, dim),
      );
    }
    assertThrows(() => softmax(3, { dim: 1 }), RangeError, message("softmax", -1, 0, 1));
    assertThrows(
      () => softmax(x, { dim: "1" as never }),
      TypeError,
      message("softmax", -2, 1, '"1"'),
    );
    // The default axis 1 does not exist for arguments with one axis.
    assertThrows(
      () => cosineSimilarity([1], [1]),
      RangeError,
      message("cosineSimilarity", -1, 0, 1),
    );
  });

  it("refuse options of the wrong kind or value", () => {
    const wrong: [() => unknown, ErrorClass, string][] = [
      [
        () => pairwiseDistance(x, y, { p: -1 }),
        RangeError,
        "pairwiseDistance as p must be ≥ 0: current value is -1",
      ],
      [() => pairwiseDistance(x, y, { p: NaN }), RangeError, "p must be ≥ 0: current value is NaN"],
      [
        () => pairwiseDistance(x, y, { p: "2" as never }),
        TypeError,
        'p must be ≥ 0: current value is "2"',
      ],
      [() => pairwiseDistance(x, y, { eps: Infinity }), RangeError, "eps must be finite"],
      [
        () => pairwiseDistance(x, y, { keepdim: 1 as never }),
        TypeError,
        "keepdim must be true or false",
      ],
      [
        () => cosineSimilarity(x, y, { eps: -1 }),
        RangeError,
        "cosineSimilarity as eps must be ≥ 0 and finite: current value is -1",
      ],
      [() => cosineSimilarity(x, y, { eps: NaN }), RangeError, "eps must be ≥ 0 and finite"],
    ];
    for (const [run, Class, message] of wrong) assertThrows(run, Class, message);
  });

  it("refuse shapes that do not go together", () => {
    for (const helper of [pairwiseDistance, cosineSimilarity] as BinaryHelper<object>[]) {
      assertThrows(
        () => helper([[1, 2, 3]], [[1, 2]]),
        RangeError,
        "the shapes of x1 and x2 do not go together: current shapes are (1, 3) and (1, 2)",
      );
      assertThrows(
        () => helper([[1], [2]], [1, 2]),
        RangeError,
        "current shapes are (2, 1) and (2,)",
      );
    }
  });
});
