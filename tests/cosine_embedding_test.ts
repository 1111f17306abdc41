/** CosineEmbeddingLoss: 1 - cos for similar pairs, max(cos - margin, 0) for dissimilar ones. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import fc from "fast-check";
import {
  CosineEmbeddingLoss,
  type CosineEmbeddingLossOptions,
  cosineSimilarity,
  float32,
  float64,
  HingeEmbeddingLoss,
  int32,
  type Tensor,
} from "@lossbook/losses";
import { Formula } from "@lossbook/losses/formula";
import { testCases } from "./_cases.ts";
import { assertClose, assertNear } from "./_close.ts";
import { testContract } from "./_contract.ts";
import { testFixtures } from "./_fixtures.ts";
import { testFormula } from "./_formula.ts";
import type { Subject } from "./_loss.ts";
import { dot, sum } from "./_naive.ts";
import { assertGradient } from "./_numeric.ts";
import { doubles, holds, vectors } from "./_property.ts";
import { Random } from "./_random.ts";
import { testReductions } from "./_reductions.ts";
import { cases, formulas } from "./reference/cases/cosine_embedding.ts";

const cosine = (options?: CosineEmbeddingLossOptions) => new CosineEmbeddingLoss(options);
const none = (margin = 0) => cosine({ margin, reduction: "none" });
/** The number that is added to squared lengths. */
const DELTA = Math.fround(1e-12);

/** Random pairs of vectors and their labels. */
function draw(random: Random, [pairs, length]: number[]) {
  const inputs = random.tensors(["input1", "input2"], [pairs, length]);
  return { ...inputs, target: random.tensor([pairs], () => random.sign()) };
}

const drawn = (seed: number, pairs = 6, length = 4) => draw(new Random(seed), [pairs, length]);

const subject: Subject = {
  loss: "CosineEmbeddingLoss",
  // No cosine is below the margin, so that no gradient is 0.
  build: (options) => cosine({ margin: -1, ...options }),
  draw,
  wrt: ["input1", "input2"],
};

/** Value and gradients at one pair. */
function at(input1: number[], input2: number[], target: number, margin = 0) {
  const { value, grad } = none(margin).valueAndGrad(input1, input2, target);
  return { value: value.item(), input1: [...grad.input1.data], input2: [...grad.input2.data] };
}

testCases(cases, cosine);

describe("CosineEmbeddingLoss computed by hand", () => {
  it("is 1 - cos for a similar pair", () => {
    assertNear(at([3, 4], [1, 0], 1).value, 1 - 3 / 5, { rtol: 1e-12 });
    assertNear(at([3, 4], [-1, 0], 1).value, 1 + 3 / 5, { rtol: 1e-12 });
    assert(at([3, 4], [6, 8], 1).value < 1e-13);
    assertNear(at([3, 4], [-6, -8], 1).value, 2, { rtol: 1e-12 });
  });

  it("is cos - margin, but at least 0, for a dissimilar pair", () => {
    assertNear(at([3, 4], [1, 0], -1).value, 3 / 5, { rtol: 1e-12 });
    assertNear(at([3, 4], [1, 0], -1, 0.5).value, 3 / 5 - 0.5, { rtol: 1e-11 });
    assertEquals(at([3, 4], [-1, 0], -1), { value: 0, input1: [0, 0], input2: [0, 0] });
    assertEquals(at([3, 4], [1, 0], -1, 0.7), { value: 0, input1: [0, 0], input2: [0, 0] });
  });

  it("has a gradient at a right angle to the vector: (4, -3) / 25 · 4 / 5 for (3, 4) and (1, 0)", () => {
    const { input1, input2 } = at([3, 4], [1, 0], -1);
    const data = [4 / 25 * 4 / 5, -3 / 25 * 4 / 5];
    const close = { rtol: 1e-12, atol: 0, context: "input1" };
    assertClose(float64(input1), { shape: [2], data }, close);
    assertClose(float64(input2), { shape: [2], data: [0, 4 / 5] }, {
      ...close,
      atol: 1e-12,
      context: "input2",
    });
  });

  it("has margin = 0 and the mean by default", () => {
    const { input1, input2, target } = drawn(1);
    assertEquals(
      cosine().valueAndGrad(input1, input2, target),
      cosine({ margin: 0, reduction: "mean" }).valueAndGrad(input1, input2, target),
    );
  });

  it("is the document's formula", () => {
    const said = new Formula(formulas.value.text)
      .evaluate({ c: [0.6, 0.6, -0.2], y: [1, -1, -1], margin: 0.25 });
    const found = none(0.25)
      .forward([[3, 4], [3, 4], [-1, Math.sqrt(24)]], [[1, 0], [1, 0], [1, 0]], [1, -1, -1]);
    assertClose(found, { shape: [3], data: said }, { rtol: 1e-12, atol: 1e-12, context: "value" });
  });
});

describe("CosineEmbeddingLoss against plain loops", () => {
  for (const [seed, margin] of [-1, -0.5, 0, 0.3, 0.9].entries()) {
    it(`margin = ${margin}`, () => {
      const { input1, input2, target } = drawn(seed, 9, 7);
      const [x, y] = [input1, input2].map((input) => input.toArray() as number[][]);
      const data = x.map((a, i) => {
        const c = dot(a, y[i]) / Math.sqrt((dot(a, a) + DELTA) * (dot(y[i], y[i]) + DELTA));
        return target.data[i] === 1 ? 1 - c : Math.max(0, c - margin);
      });
      const found = none(margin).forward(input1, input2, target);
      assertClose(found, { shape: [9], data }, { rtol: 1e-14, atol: 1e-15, context: `${seed}` });
    });
  }
});

/** True for vectors with one component: the two parts of their gradient cancel, and only rounding remains. */
const isDegenerate = ({ args }: { args: Record<string, { shape: readonly number[] }> }) =>
  args.input1.shape[args.input1.shape.length - 1] === 1;

testFixtures("cosine_embedding", cosine, { only: (one) => !isDegenerate(one) });

describe("CosineEmbeddingLoss of vectors with one component", () => {
  // Both parts of the gradient are 1 / |x|, here up to 200, so that their difference has an error of 1e-5 in float32.
  testFixtures("cosine_embedding", cosine, {
    only: isDegenerate,
    tolerance: { float32: { rtol: 1e-5, atol: 3e-5 } },
  });
});

describe("CosineEmbeddingLoss against finite differences", () => {
  const wrt = ["input1", "input2"];
  for (const reduction of ["none", "mean", "sum"] as const) {
    it(`agrees for ${reduction}`, () => {
      assertGradient(cosine({ reduction, margin: -0.3 }), drawn(2), { wrt, scale: 0.1 });
    });
  }

  it("agrees if an input is broadcast, and for short vectors", () => {
    const { input1, input2, target } = drawn(3);
    const one = new Random(4).tensor([1, 4]);
    assertGradient(none(), { input1: one, input2, target }, { wrt, scale: 0.1 });
    assertGradient(none(), { input1, input2: one, target }, { wrt, scale: 0.1 });
    const short = new Random(5).tensor([6, 4], () => 1e-6 * new Random(6).normal());
    assertGradient(none(-1), { input1: short, input2, target }, { wrt: ["input1"], scale: 1e-8 });
  });
});

testFormula("CosineEmbeddingLoss", CosineEmbeddingLoss.formula, { c: "c" }, {
  c: [-1, 1],
  y: [-1, 1],
  margin: [-0.5, 0.5],
});

describe("CosineEmbeddingLoss at its kink", () => {
  it("has gradient 0 where the cosine is exactly the margin, that of the cosine just above", () => {
    const right = at([1, 0], [0, 1], -1, 0);
    assertEquals(right.value, 0);
    assertEquals([right.input1, right.input2].map((g) => g.map((x) => x + 0)), [[0, 0], [0, 0]]);
    const { input1, input2 } = at([1, 1e-12], [0, 1], -1, 0);
    assertNear(input1[1], 1, { rtol: 1e-11 });
    assertNear(input2[0], 1, { rtol: 1e-11 });
  });
});

describe("CosineEmbeddingLoss with extreme numbers", () => {
  it("zero vectors: cosine 0 with every vector, and a large but finite gradient", () => {
    const { value, input1, input2 } = at([0, 0], [3, 4], 1);
    assertEquals(value, 1);
    const size = 1 / Math.sqrt(DELTA);
    const data = [-0.6 * size, -0.8 * size];
    assertClose(float64(input1), { shape: [2], data }, { rtol: 1e-12, atol: 0, context: "input1" });
    assertEquals(input2.map((g) => g + 0), [0, 0]);
    assertEquals(at([0, 0], [0, 0], 1).input1.map((g) => g + 0), [0, 0]);
  });

  it("tiny vectors: delta is larger than the squared length, so that equal vectors have a small cosine", () => {
    assertNear(at([1e-6, 0], [1e-6, 0], 1).value, 0.5, { rtol: 1e-7 });
    assertEquals(at([1e-200, 0], [1e-200, 0], 1).value, 1);
    // The gradient is that of a zero vector.
    assertNear(at([1e-200, 0], [1, 0], 1).input1[0], -1 / Math.sqrt(DELTA), { rtol: 1e-9 });
  });

  it("huge vectors: only the direction counts, unlike in PyTorch, where 1e200 overflows", () => {
    for (const size of [1e100, 1e200, 1e300]) {
      const { value, input1, input2 } = at([3 * size, 4 * size], [1, 0], 1);
      const tolerance = { rtol: 1e-12, context: `size ${size}` };
      assertNear(value, 1 - 3 / 5, tolerance);
      assertNear(input1[0] * size, -4 / 25 * 4 / 5, tolerance);
      assertNear(input2[1], -4 / 5, tolerance);
    }
    const { value } = at([1e200, 0], [3e-200, 4e-200], -1);
    assertNear(value, 3e-200 / Math.sqrt(DELTA), { rtol: 1e-9 });
    const single = none().forward(float32([3e30, 4e30]), float32([1e25, 0]), 1);
    assertNear(single.item(), 0.4, { rtol: 1e-7 });
  });

  it("huge and ordinary vectors in one tile: each row is scaled on its own", () => {
    const found = none().forward([[3e200, 4e200], [3, 4], [0, 0]], [[1, 0], [1, 0], [1, 0]], [1]);
    const data = [0.4, 0.4, 1];
    assertClose(found, { shape: [3], data }, { rtol: 1e-12, atol: 0, context: "value" });
  });

  it("NaN and ∞: NaN in the value and the gradients of the pair, and nowhere else", () => {
    for (const label of [1, -1]) {
      for (const bad of [NaN, Infinity]) {
        const { value, grad } = none(-1)
          .valueAndGrad([[bad, 1], [3, 4]], [[1, 1], [1, 0]], [label, label]);
        assertEquals([...value.data].map(Number.isNaN), [true, false]);
        assertEquals([...grad.input1.data].map(Number.isNaN).slice(2), [false, false]);
        assert(Number.isNaN(grad.input1.data[0]) && Number.isNaN(grad.input2.data[0]));
      }
    }
  });

  it("rows longer than a tile, and more rows than fit into one: correct across tiles", () => {
    for (const [pairs, length] of [[2, 70001], [3, 5000], [5000, 3]]) {
      const { input1, input2 } = drawn(pairs, pairs, length);
      const [x, y] = [input1, input2].map(({ data }) => [...data].slice((pairs - 1) * length));
      const wanted = 1 - dot(x, y) / Math.sqrt(dot(x, x) * dot(y, y));
      const [last] = none().forward(input1, input2, [1]).data.slice(-1);
      assertNear(last, wanted, { rtol: 1e-11, context: `${pairs} × ${length}` });
    }
  });

  it("4096 equal pairs in float32: the mean is exact", () => {
    const rows = (x: number[]) =>
      float32(Float32Array.from({ length: 12288 }, (_, i) => x[i % 3]), [4096, 3]);
    const one = cosine().forward(float32([0.1, 0.7, 0.2]), float32([0.3, 0.1, 0.9]), 1);
    const all = cosine().forward(rows([0.1, 0.7, 0.2]), rows([0.3, 0.1, 0.9]), [1]);
    assertEquals(all.item(), one.item());
  });
});

testReductions(subject, { shape: [6, 4], empty: [[[0, 3], [0]]] });

describe("CosineEmbeddingLoss with arguments of different shapes", () => {
  const { input1, input2, target } = drawn(7);

  it("has one value for each pair, not for each component", () => {
    assertEquals(none().forward(input1, input2, target).shape, [6]);
  });

  it("repeats a single label, and a single pair for many labels", () => {
    const same = none().forward(input1, input2, [1, 1, 1, 1, 1, 1]);
    assertEquals(none().forward(input1, input2, [1]), same);
    const [one, other] = [input1, input2].map(({ data }) => [[...data].slice(0, 4)]);
    const both = none(-1).valueAndGrad(one, other, [1, -1]);
    assertEquals(both.value.shape, [2]);
    assertEquals(both.grad.input1.shape, [1, 4]);
    // The gradients of 1 - c and c + 1 cancel.
    assert([...both.grad.input1.data].every((g) => Math.abs(g) < 1e-15));
  });

  it("broadcasts an input, and adds its gradients up", () => {
    const one = float64(input2.data.slice(0, 4) as Float64Array, [1, 4]);
    const full = float64(Array.from({ length: 6 }, () => [...one.data]));
    const found = cosine().valueAndGrad(input1, one, target);
    const wanted = cosine().valueAndGrad(input1, full, target);
    assertEquals(found.value, wanted.value);
    assertEquals(found.grad.input1, wanted.grad.input1);
    const data = [0, 1, 2, 3].map((j) =>
      sum([0, 1, 2, 3, 4, 5].map((i) => wanted.grad.input2.data[4 * i + j]))
    );
    const close = { rtol: 1e-14, atol: 1e-15, context: "grad.input2" };
    assertClose(found.grad.input2, { shape: [1, 4], data }, close);
  });

  it("takes its dtype from the inputs, not from the labels", () => {
    const dtype = (one: Tensor, label: Tensor) => {
      const { value, grad } = cosine().valueAndGrad(one, one, label);
      assertEquals(grad.input1.dtype, value.dtype);
      return value.dtype;
    };
    assertEquals(dtype(float32([1, 2]), float64(1)), "float32");
    assertEquals(dtype(float32([1, 2]), int32(1)), "float32");
    assertEquals(dtype(float64([1, 2]), float32(-1)), "float64");
    assertEquals(cosine().forward(float32([1, 2]), float64([1, 2]), 1).dtype, "float64");
  });
});

describe("CosineEmbeddingLoss and related functions", () => {
  it("is 1 - cosineSimilarity for vectors that are not short", () => {
    const { input1, input2 } = drawn(9, 20, 3);
    const similarity = cosineSimilarity.valueAndGrad(input1, input2);
    const { value, grad } = none().valueAndGrad(input1, input2, [1]);
    const data = similarity.value.data.map((c) => 1 - c);
    const close = { rtol: 1e-11, atol: 1e-11 };
    assertClose(value, { shape: [20], data }, { ...close, context: "value" });
    const slope = similarity.grad.x1.data.map((g) => -g);
    assertClose(grad.input1, { shape: [20, 3], data: slope }, { ...close, context: "grad.input1" });
  });

  it("is HingeEmbeddingLoss of 1 - cos with the margin 1 - margin", () => {
    const { input1, input2, target } = drawn(10);
    const distance = cosineSimilarity(input1, input2).data.map((c) => 1 - c) as Float64Array;
    const wanted = new HingeEmbeddingLoss({ margin: 1 - 0.2, reduction: "none" })
      .forward(distance, target);
    const close = { rtol: 1e-10, atol: 1e-11, context: "value" };
    assertClose(none(0.2).forward(input1, input2, target), wanted, close);
  });
});

describe("CosineEmbeddingLoss at random inputs", () => {
  const vector = vectors(3, -100, 100);
  const long = vector.filter((x) => Math.hypot(...x) > 0.01);
  const label = fc.constantFrom(1, -1);
  const margins = doubles(-1, 1);

  it("lies between 0 and 2", () => {
    holds(fc.property(vector, vector, label, margins, (x, y, label, margin) => {
      const { value } = at(x, y, label, margin);
      return value > -1e-14 && value <= 2 + 1e-14;
    }));
  });

  it("is symmetric, in value and gradients", () => {
    holds(fc.property(vector, vector, label, margins, (x, y, label, margin) => {
      const there = at(x, y, label, margin);
      const back = at(y, x, label, margin);
      const size = Math.max(1, ...there.input1.map(Math.abs));
      return Math.abs(there.value - back.value) < 1e-14 &&
        there.input1.every((g, i) => Math.abs(g - back.input2[i]) <= 1e-13 * size);
    }));
  });

  it("does not depend on the lengths of the vectors, if none is short", () => {
    const factor = doubles(0.5, 1e6);
    holds(fc.property(long, long, label, factor, (x, y, label, k) => {
      const scaled = at(x.map((v) => k * v), y, label);
      return Math.abs(scaled.value - at(x, y, label).value) < 1e-7;
    }));
  });

  it("has gradients at right angles to their vectors, if none is short", () => {
    holds(fc.property(long, long, label, margins, (x, y, label, margin) => {
      const { input1 } = at(x, y, label, margin);
      return Math.abs(dot(input1, x)) < 1e-7;
    }));
  });

  it("has opposite gradients for opposite labels, where neither is 0", () => {
    holds(fc.property(vector, vector, (x, y) => {
      const [similar, dissimilar] = [at(x, y, 1), at(x, y, -1, -1.5)];
      return similar.input1.every((g, i) => g === -dissimilar.input1[i]);
    }));
  });
});

describe("CosineEmbeddingLoss refuses", () => {
  it("labels other than 1 and -1, and says where the first one is", () => {
    for (const label of [0, 2, -0.5, NaN, Infinity]) {
      assertThrows(
        () => cosine().forward([[1, 2], [3, 4], [5, 6]], [[1, 2], [3, 4], [5, 6]], [1, label, 0]),
        RangeError,
        `Cannot compute CosineEmbeddingLoss as target must be 1 or -1: current value at [1] is ${label}`,
      );
    }
    assertThrows(
      () => cosine().forward([1], [1], int32(0)),
      RangeError,
      "target must be 1 or -1: current value at [] is 0",
    );
  });

  it("a margin that is infinite or not a number", () => {
    for (const [margin, Class] of [[NaN, RangeError], [Infinity, RangeError], ["0", TypeError]]) {
      assertThrows(
        () => cosine({ margin: margin as never }),
        Class as typeof TypeError,
        "Cannot make CosineEmbeddingLoss as margin must be finite: current value is",
      );
    }
  });

  it("shapes that are not pairs of vectors with labels", () => {
    const wrong: [input1: unknown, input2: unknown, target: unknown, shown: string][] = [
      [[[1, 2]], [[1, 2]], 1, "(1, 2) and (1, 2) and ()"],
      [[1, 2], [1, 2], [1], "(2,) and (2,) and (1,)"],
      [[[1, 2]], [1, 2], [1], "(1, 2) and (2,) and (1,)"],
      [[[1, 2]], [[1, 2]], [[1]], "(1, 2) and (1, 2) and (1, 1)"],
      [1, 1, 1, "() and () and ()"],
    ];
    for (const [input1, input2, target, shown] of wrong) {
      assertThrows(
        () => cosine().forward(input1 as number[], input2 as number[], target as number),
        RangeError,
        "Cannot compute CosineEmbeddingLoss as inputs (N, D) need a target (N), inputs (D) a target (): " +
          `current shapes are ${shown}`,
      );
    }
  });

  it("lengths that do not go together", () => {
    assertThrows(
      () => cosine().forward([[1, 2], [3, 4]], [[1, 2], [3, 4]], [1, 1, 1]),
      RangeError,
      "Cannot compute CosineEmbeddingLoss as target must hold one label for each of 2 pairs: current length is 3",
    );
    assertThrows(
      () => cosine().forward([[1, 2, 3]], [[1, 2]], [1]),
      RangeError,
      "Cannot compute CosineEmbeddingLoss as the shapes of input1 and input2 do not go together",
    );
  });

  it("whole numbers as the second input, too", () => {
    assertThrows(
      () => cosine().forward([1], int32([1]), 1),
      TypeError,
      "Cannot compute CosineEmbeddingLoss as input2 must be float32 or float64: current dtype is int32",
    );
  });
});

testContract({
  loss: "CosineEmbeddingLoss",
  Loss: CosineEmbeddingLoss,
  known: ["margin", "reduction"],
  args: drawn(8, 2, 3),
  wrt: ["input1", "input2"],
});

describe("CosineEmbeddingLoss result types", () => {
  it("have both gradients by default, else those that wrt names", () => {
    assertEquals(Object.keys(cosine().valueAndGrad([1], [2], 1).grad), ["input1", "input2"]);
    const { grad } = cosine().valueAndGrad([1], [2], 1, { wrt: ["input2"] });
    const input2: Tensor = grad.input2;
    assertEquals([Object.keys(grad), input2.shape], [["input2"], [1]]);
    // @ts-expect-error: a gradient that was not asked for is no property of the result.
    assertEquals(grad.input1, undefined);
  });
});
