/** TripletMarginLoss: max(margin + d(anchor, positive) - d(anchor, negative), 0), with d(x, y) = ‖x - y + eps‖_p. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import fc from "fast-check";
import {
  float32,
  float64,
  int32,
  MarginRankingLoss,
  pairwiseDistance,
  type Tensor,
  TripletMarginLoss,
  type TripletMarginLossOptions,
  TripletMarginWithDistanceLoss,
} from "@lossbook/losses";
import { Formula } from "@lossbook/losses/formula";
import { testCases } from "./_cases.ts";
import { assertClose, assertNear, near } from "./_close.ts";
import { testContract } from "./_contract.ts";
import { testFixtures } from "./_fixtures.ts";
import { testFormula } from "./_formula.ts";
import type { Subject } from "./_loss.ts";
import { sum } from "./_naive.ts";
import { assertGradient } from "./_numeric.ts";
import { doubles, holds, vectors } from "./_property.ts";
import { Random } from "./_random.ts";
import { testReductions } from "./_reductions.ts";
import { cases, formulas } from "./reference/cases/triplet_margin.ts";

const triplet = (options?: TripletMarginLossOptions) => new TripletMarginLoss(options);
const none = (options: TripletMarginLossOptions = {}) => triplet({ ...options, reduction: "none" });
const NORMS = [0.5, 1, 1.5, 2, 3, 4, Infinity];

const NAMES = ["anchor", "positive", "negative"] as const;

/** Random triplets of vectors. */
const draw = (random: Random, shape: number[]) => random.tensors(NAMES, shape);
const drawn = (seed: number, shape = [5, 4]) => draw(new Random(seed), shape);

const subject: Subject = {
  loss: "TripletMarginLoss",
  // No hinge is 0, so that no gradient is.
  build: (options) => triplet({ margin: 5, ...options }),
  draw,
  wrt: NAMES,
};

/** Values and gradients at triplets, as nested arrays. */
function at(options: TripletMarginLossOptions, ...args: Parameters<TripletMarginLoss["forward"]>) {
  const { value, grad } = none(options).valueAndGrad(...args);
  const [anchor, positive, negative] = [grad.anchor, grad.positive, grad.negative]
    .map((tensor) => tensor.toArray());
  return { value: value.toArray(), anchor, positive, negative };
}

/** Compares a gradient of length 1. A power and its root lose a few digits more than a square and its root. */
function assertUnit(found: Tensor, data: number[]): void {
  const rtol = found.dtype === "float32" ? 1e-6 : 1e-13;
  assertClose(found, { shape: [data.length], data }, { rtol, atol: 0, context: "gradient" });
}

testCases(cases, triplet);

describe("TripletMarginLoss computed by hand", () => {
  const points = [[0, 0], [3, 4], [0, 2]];

  it("is margin + 5 - 2 for a positive at (3, 4) and a negative at (0, 2)", () => {
    assertEquals(at({ eps: 0 }, points[0], points[1], points[2]), {
      value: 1 + 5 - 2,
      anchor: [-3 / 5 + 0, -4 / 5 + 1],
      positive: [3 / 5, 4 / 5],
      negative: [0, -1],
    });
  });

  it("uses the sum of components for p = 1, and the largest for p = ∞", () => {
    const [anchor, positive, negative] = points;
    assertEquals(at({ p: 1, eps: 0 }, anchor, positive, negative), {
      value: 1 + 7 - 2,
      anchor: [-1 + 0, -1 + 1],
      positive: [1, 1],
      negative: [0, -1],
    });
    assertEquals(at({ p: Infinity, eps: 0 }, anchor, positive, negative), {
      value: 1 + 4 - 2,
      anchor: [0, -1 + 1],
      positive: [0, 1],
      negative: [0, -1],
    });
  });

  it("counts the components that differ for p = 0, with gradient 0", () => {
    assertEquals(at({ p: 0, eps: 0 }, [0, 0], [3, 4], [0, 2]), {
      value: 1 + 2 - 1,
      anchor: [0, 0],
      positive: [0, 0],
      negative: [0, 0],
    });
  });

  it("is 0 with gradient 0 where the negative is far enough", () => {
    const zeros = { value: 0, anchor: [0, 0], positive: [0, 0], negative: [0, 0] };
    assertEquals(at({}, [0, 0], [1, 0], [0, 3]), zeros);
  });

  it("adds eps to the signed difference: d(x, y) is not d(y, x)", () => {
    const value = (x: number, y: number) => none({ eps: 0.5 }).forward([x], [y], [x + 0.5]).item();
    assertEquals(value(0, 1), 1 + (1 - 0.5) - 0);
    assertEquals(value(1, 0), 1 + (1 + 0.5) - 0);
  });

  it("has margin = 1, p = 2, eps = 1e-6, no swap and the mean by default", () => {
    const { anchor, positive, negative } = drawn(1);
    const spelled = { margin: 1, p: 2, eps: 1e-6, swap: false, reduction: "mean" } as const;
    assertEquals(
      triplet().valueAndGrad(anchor, positive, negative),
      triplet(spelled).valueAndGrad(anchor, positive, negative),
    );
  });

  it("is the document's formula, which has no eps", () => {
    const ap = Math.abs(0.5 - 3);
    const an = Math.abs(0.5 - 1);
    const said = new Formula(formulas.value.text).evaluate({ ap: [ap], an: [an], margin: 0.25 });
    assertEquals([none({ margin: 0.25, eps: 0 }).forward([0.5], [3], [1]).item()], [...said]);
    const saidDistance = new Formula(formulas.distance.text).evaluate({ x: [0.5], y: [3] });
    assertEquals([...saidDistance], [ap]);
  });
});

/** The distance of two plain vectors. */
function distance(x: number[], y: number[], p: number, eps: number): number {
  const u = x.map((v, i) => Math.abs(v - y[i] + eps));
  if (p === Infinity) return u.reduce((max, v) => Math.max(max, v));
  return sum(u.map((v) => v ** p)) ** (1 / p);
}

describe("TripletMarginLoss against plain loops", () => {
  for (const p of NORMS) {
    for (const swap of [false, true]) {
      it(`p = ${p}${swap ? ", swap" : ""}`, () => {
        const args = drawn(7, [9, 7]);
        const rows = Object.values(args).map((tensor) => tensor.toArray() as number[][]);
        const data = rows[0].map((a, i) => {
          const [ap, an, pn] = [[a, rows[1][i]], [a, rows[2][i]], [rows[1][i], rows[2][i]]]
            .map(([x, y]) => distance(x, y, p, 0.01));
          return Math.max(0, 0.5 + ap - (swap ? Math.min(an, pn) : an));
        });
        assert(
          data.some((v) => v === 0) && data.some((v) => v > 0),
          "seed 7 must give values of 0 and above",
        );
        const found = none({ p, swap, eps: 0.01, margin: 0.5 })
          .forward(args.anchor, args.positive, args.negative);
        // For p = ½ sums of roots are squared, and are 49 times as large as their terms.
        assertClose(found, { shape: [9], data }, { rtol: 1e-13, atol: 1e-13, context: "seed 7" });
      });
    }
  }
});

testFixtures("triplet_margin", triplet);

describe("TripletMarginLoss against finite differences", () => {
  for (const p of NORMS) {
    for (const swap of [false, true]) {
      for (const reduction of ["none", "mean", "sum"] as const) {
        it(`agrees for p = ${p}, ${reduction}${swap ? ", swap" : ""}`, () => {
          // Steps of 2e-5 stay away from equal components, the kinks of p = 1, ∞ and ½.
          const check = { wrt: NAMES, scale: 0.01, tolerance: 1e-8 };
          assertGradient(triplet({ p, swap, reduction, margin: 2 }), drawn(3), check);
        });
      }
    }
  }

  it("agrees with more axes, and if an argument is broadcast", () => {
    const args = drawn(4, [2, 3, 4]);
    assertGradient(none({ margin: 3 }), args, { wrt: NAMES });
    const repeated = { ...args, negative: new Random(5).tensor([1, 3, 4]) };
    assertGradient(none({ margin: 3, swap: true }), repeated, { wrt: NAMES });
  });
});

testFormula("TripletMarginLoss", TripletMarginLoss.formula, { ap: "ap", an: "an", pn: "pn" }, {
  ap: [0, 3],
  an: [0, 3],
  pn: [0, 3],
  margin: [0.1, 2],
});

describe("TripletMarginLoss.formula", () => {
  it("is what is computed, with the distances of pairwiseDistance", () => {
    const { anchor, positive, negative } = drawn(11, [20, 3]);
    const formula = new Formula(TripletMarginLoss.formula.value);
    const ap = pairwiseDistance(anchor, positive).data as Float64Array;
    const an = pairwiseDistance(anchor, negative).data as Float64Array;
    const pn = pairwiseDistance(positive, negative).data as Float64Array;
    const swapped = none({ swap: true }).forward(anchor, positive, negative);
    assertEquals([...swapped.data], [...formula.evaluate({ ap, an, pn, margin: 1 })]);
    const plain = none().forward(anchor, positive, negative);
    assertEquals([...plain.data], [...formula.evaluate({ ap, an, pn: Infinity, margin: 1 })]);
  });
});

describe("TripletMarginLoss at its kinks", () => {
  it("has gradient 0 where the hinge is exactly 0, that of the distances just above", () => {
    assertEquals(at({ eps: 0 }, [0, 0], [1, 0], [2, 0]), {
      value: 0,
      anchor: [0, 0],
      positive: [0, 0],
      negative: [0, 0],
    });
    const { positive, negative } = at({ eps: 0 }, [0, 0], [1, 0], [2 - 1e-15, 0]);
    assertEquals([positive, negative], [[1, 0], [-1, 0]]);
  });

  it("gives half of the gradient to each distance where both distances of swap are equal", () => {
    assertEquals(at({ eps: 0, swap: true, p: 1 }, [0, 0], [2, 0], [1, 0]), {
      value: 1 + 2 - 1,
      anchor: [-1 + 1 / 2, 0],
      positive: [1 - 1 / 2, 0],
      negative: [-1 / 2 + 1 / 2, 0],
    });
  });

  it("has the gradient of the smaller distance where they are not equal", () => {
    assertEquals(at({ eps: 0, swap: true }, [0, 0], [4, 0], [3, 0]).negative, [1, 0]);
    assertEquals(at({ eps: 0, swap: true }, [0, 0], [4, 0], [1, 0]).negative, [-1, 0]);
  });

  it("has gradient 0 where two vectors are equal and eps is 0", () => {
    for (const p of NORMS) {
      assertEquals(at({ p, eps: 0 }, [1, 2], [1, 2], [1, 2]), {
        value: 1,
        anchor: [0, 0],
        positive: [0, 0],
        negative: [0, 0],
      });
    }
  });

  it("has a gradient where two vectors are equal and eps is not 0", () => {
    const { positive } = none().valueAndGrad([1, 1], [1, 1], [1, 1]).grad;
    assertClose(positive, { shape: [2], data: [-Math.SQRT1_2, -Math.SQRT1_2] }, {
      rtol: 1e-9,
      atol: 0,
      context: "positive",
    });
  });

  it("shares the gradient among the largest components for p = ∞", () => {
    const { positive } = at({ p: Infinity, eps: 0 }, [0, 0, 0], [3, -3, 1], [0, 0, 0]);
    assertEquals(positive, [1 / 2, -1 / 2, 0]);
  });

  it("has gradient 0 at components that are equal, for every p", () => {
    for (const p of NORMS) {
      const [moved, equal] = at({ p, eps: 0 }, [0, 0], [2, 0], [0, 1]).positive as number[];
      assertEquals(equal, 0);
      assertNear(moved, 1, { rtol: 1e-13, context: `p = ${p}` });
    }
  });
});

describe("TripletMarginLoss with extreme numbers", () => {
  it("huge vectors: squares do not overflow, unlike PyTorch's", () => {
    const { value, positive, negative } = at({ eps: 0 }, [0, 0], [3e200, 4e200], [0, 2e200]);
    assertNear(value as number, 3e200, { rtol: 1e-13 });
    assertUnit(float64(positive), [0.6, 0.8]);
    assertEquals(negative, [0, -1]);
    const single = none({ eps: 0 })
      .valueAndGrad(float32([0, 0]), float32([3e30, 4e30]), float32([0, 2e30]));
    assertEquals(single.value.item(), Math.fround(3e30));
    assertUnit(single.grad.positive, [0.6, 0.8]);
    assertEquals(at({ p: 3, eps: 0 }, [0], [2e200], [1e200]).value, 1e200);
  });

  it("tiny vectors: squares do not underflow, unlike PyTorch's", () => {
    for (const p of [1.5, 2, 3]) {
      for (const tiny of [1e-100, 1e-200, 1e-300]) {
        assertUnit(float64(at({ p, eps: 0 }, [0], [tiny], [0]).positive), [1]);
      }
    }
    assertUnit(float64(at({ eps: 0 }, [0, 0], [3e-300, 4e-300], [0, 0]).positive), [0.6, 0.8]);
    const { grad } = none({ eps: 0 })
      .valueAndGrad(float32([0, 0]), float32([3e-38, 4e-38]), float32([0, 0]));
    assertUnit(grad.positive, [0.6, 0.8]);
  });

  it("huge and ordinary vectors in one tile: each row is scaled on its own", () => {
    const value = none({ eps: 0 }).forward([[0], [0], [0]], [[1e200], [3], [1e-200]], [[0], [1], [
      0,
    ]]);
    assertEquals(value.toArray(), [1e200, 3, 1]);
  });

  it("±∞: an infinite loss if the positive is infinitely far, 0 if the negative is", () => {
    for (const p of NORMS) {
      assertEquals(none({ p }).forward([0, 0], [-Infinity, 1], [1, 1]).item(), Infinity);
      assertEquals(at({ p }, [0, 0], [1, 1], [0, Infinity]), {
        value: 0,
        anchor: [0, 0],
        positive: [0, 0],
        negative: [0, 0],
      });
    }
  });

  it("±∞: only the infinite component has a gradient", () => {
    for (const p of [1.5, 2, 3]) {
      assertEquals(at({ p }, [0, 0], [Infinity, 1], [1, 1]).positive, [NaN, 0]);
    }
    assertEquals(at({ p: Infinity }, [0, 0], [Infinity, 1], [1, 1]).positive, [1, 0]);
  });

  it("NaN: NaN in the value and in all gradients of its row, and nowhere else", () => {
    for (const p of NORMS) {
      const { value, anchor } = at({ p, margin: 9 }, [[NaN, 1], [0, 0]], [[1, 0], [1, 0]], [
        [0, 1],
        [0, 1],
      ]);
      assertEquals(value, [NaN, (value as number[])[1]]);
      const [broken, whole] = anchor as number[][];
      assert(broken.some(Number.isNaN) && !whole.some(Number.isNaN), `p = ${p}: ${anchor}`);
    }
  });

  it("rows longer than a tile, and more rows than fit into one: correct across tiles", () => {
    for (const [rows, length] of [[2, 70001], [3, 5000], [5000, 3]]) {
      for (const p of [2, 3, Infinity]) {
        const { anchor, positive, negative } = drawn(rows, [rows, length]);
        const [a, b, c] = [anchor, positive, negative].map(({ data }) => [...data]);
        /** The last row. */
        const row = (x: number[]) => x.slice((rows - 1) * length);
        const ofLast = (x: number[], y: number[]) => distance(row(x), row(y), p, 1e-6);
        const wanted = 100 + ofLast(a, b) - ofLast(a, c);
        const found = none({ p, margin: 100 }).forward(anchor, positive, negative).data;
        const [last] = found.slice(-1);
        assertNear(last, wanted, { atol: 1e-10, context: `${rows} × ${length}, p = ${p}` });
      }
    }
  });

  it("4096 equal triplets in float32: the mean is exact", () => {
    const fill = (x: number) => float32(new Float32Array(4096 * 3).fill(x), [4096, 3]);
    const one = triplet().forward(fill(0.1).data.slice(0, 3), [0.7, 0.7, 0.7], [0.2, 0.2, 0.2]);
    const all = triplet().forward(fill(0.1), fill(0.7), fill(0.2));
    assertEquals(all.item(), one.item());
  });

  it("vectors without components: all distances are 0", () => {
    const empty = float64(new Float64Array(0), [2, 0]);
    for (const p of NORMS) {
      assertEquals(none({ p }).forward(empty, empty, empty).toArray(), [1, 1]);
    }
  });

  it("of two infinite distances is NaN, in the value and in all gradients of the triplet", () => {
    const triplets = [
      [[Infinity, 0], [0, 0], [1, 1]],
      [[Infinity, 0], [Infinity, 0], [1, 1]],
      [[0, 0], [Infinity, 0], [0, -Infinity]],
    ];
    for (const p of [1, 2, 3, Infinity]) {
      for (const [anchor, positive, negative] of triplets) {
        const loss = new TripletMarginLoss({ p, reduction: "sum" });
        const { value, grad } = loss.valueAndGrad(anchor, positive, negative);
        assertEquals(value.item(), NaN);
        for (const { data } of Object.values(grad)) assertEquals([...data], [NaN, NaN]);
      }
    }
  });
});

testReductions(subject, { shape: [2, 3, 4], empty: [[[0, 3], [0]]] });

describe("TripletMarginLoss with arguments of different shapes", () => {
  it("has one value for each distance, not for each component", () => {
    const { anchor, positive, negative } = drawn(2, [2, 3, 4]);
    assertEquals(none().forward(anchor, positive, negative).shape, [2, 3]);
  });

  it("broadcasts an axis of length 1, and adds its gradients up", () => {
    const { anchor, positive, negative } = drawn(6, [3, 4]);
    const one = float64(negative.data.slice(0, 4) as Float64Array, [1, 4]);
    const full = float64([...one.data, ...one.data, ...one.data], [3, 4]);
    const found = triplet({ margin: 4 }).valueAndGrad(anchor, positive, one);
    const wanted = triplet({ margin: 4 }).valueAndGrad(anchor, positive, full);
    assertEquals(found.value, wanted.value);
    assertEquals(found.grad.anchor, wanted.grad.anchor);
    const data = [0, 1, 2, 3].map((j) =>
      sum([0, 4, 8].map((i) => wanted.grad.negative.data[i + j]))
    );
    assertClose(found.grad.negative, { shape: [1, 4], data }, {
      rtol: 1e-14,
      atol: 1e-15,
      context: "grad.negative",
    });
  });

  it("computes in float32 if no argument is wider, in float64 otherwise", () => {
    const dtype = (...args: Parameters<TripletMarginLoss["forward"]>) => {
      const { value, grad } = triplet().valueAndGrad(...args);
      assertEquals([grad.anchor.dtype, grad.negative.dtype], [value.dtype, value.dtype]);
      return value.dtype;
    };
    assertEquals(dtype(float32([1]), [2], [3]), "float32");
    assertEquals(dtype(float32([1]), float64([2]), [3]), "float64");
    assertEquals(dtype([1], [2], [3]), "float64");
  });

  it("is a scalar for scalars, which count as vectors of length 1", () => {
    assertEquals(at({ eps: 0 }, 1, 3, 2), {
      value: 1 + 2 - 1,
      anchor: -1 + 1,
      positive: 1,
      negative: -1,
    });
  });
});

describe("TripletMarginLoss and related losses", () => {
  const { anchor, positive, negative } = drawn(8, [6, 3]);

  for (const swap of [false, true]) {
    it(`is TripletMarginWithDistanceLoss with pairwiseDistance${swap ? ", swap" : ""}`, () => {
      // Another object with the same two functions: the loss cannot know that it is pairwiseDistance.
      const distanceFunction = {
        forward: pairwiseDistance.forward,
        valueAndGrad: pairwiseDistance.valueAndGrad,
      };
      for (const own of [distanceFunction, pairwiseDistance, undefined]) {
        const found = new TripletMarginWithDistanceLoss({ distanceFunction: own, swap })
          .valueAndGrad(anchor, positive, negative);
        const wanted = triplet({ swap }).valueAndGrad(anchor, positive, negative);
        const close = { rtol: 1e-14, atol: 1e-16 };
        assertClose(found.value, wanted.value, { ...close, context: "value" });
        for (const name of NAMES) {
          assertClose(found.grad[name], wanted.grad[name], { ...close, context: name });
        }
      }
    });
  }

  it("is MarginRankingLoss of both distances, where the negative's should be larger", () => {
    const [ap, an] = [positive, negative].map((other) => pairwiseDistance(anchor, other));
    const ranking = new MarginRankingLoss({ margin: 1, reduction: "none" });
    const wanted = ranking.forward(an, ap, [1, 1, 1, 1, 1, 1]);
    const found = none().forward(anchor, positive, negative);
    assertClose(found, wanted, { rtol: 1e-14, atol: 1e-15, context: "value" });
  });
});

describe("TripletMarginLoss at random inputs", () => {
  const vector = vectors(3, -100, 100);
  const norms = fc.constantFrom(1, 1.5, 2, 3, Infinity);
  const margins = doubles(1e-3, 100);
  const value = (options: TripletMarginLossOptions, ...args: number[][]) =>
    none({ eps: 0, ...options }).forward(args[0], args[1], args[2]).item();

  it("is never negative, and at most margin + d(positive, negative)", () => {
    holds(fc.property(vector, vector, vector, norms, margins, (a, b, c, p, margin) => {
      const v = value({ p, margin }, a, b, c);
      // The triangle inequality.
      return v >= 0 && v <= margin + pairwiseDistance(b, c, { p, eps: 0 }).item() + 1e-10;
    }));
  });

  it("does not change if one vector is added to all three", () => {
    holds(fc.property(vector, vector, vector, vector, norms, (a, b, c, by, p) => {
      const moved = [a, b, c].map((x) => x.map((v, i) => v + by[i]));
      return near(value({ p }, ...moved), value({ p }, a, b, c), { atol: 1e-8 });
    }));
  });

  it("scales with its vectors and margin", () => {
    holds(fc.property(vector, vector, vector, margins, norms, (a, b, c, k, p) => {
      const scaled = [a, b, c].map((x) => x.map((v) => v * k));
      const wanted = k * value({ p }, a, b, c);
      return near(value({ p, margin: k }, ...scaled), wanted, { atol: 1e-8 * k });
    }));
  });

  it("is never smaller with swap, nor with a larger margin", () => {
    holds(fc.property(vector, vector, vector, margins, norms, (a, b, c, margin, p) => {
      const v = value({ p, margin }, a, b, c);
      return value({ p, margin, swap: true }, a, b, c) >= v &&
        value({ p, margin: 2 * margin }, a, b, c) >= v;
    }));
  });

  it("has three gradients that add up to 0", () => {
    holds(fc.property(vector, vector, vector, norms, fc.boolean(), (a, b, c, p, swap) => {
      const { grad } = none({ p, swap, margin: 500 }).valueAndGrad(a, b, c);
      return [0, 1, 2].every((i) =>
        Math.abs(grad.anchor.data[i] + grad.positive.data[i] + grad.negative.data[i]) < 1e-12
      );
    }));
  });
});

describe("TripletMarginLoss refuses", () => {
  it("a margin that is not > 0", () => {
    for (const margin of [0, -0, -1, -Infinity, NaN]) {
      assertThrows(
        () => triplet({ margin }),
        RangeError,
        `Cannot make TripletMarginLoss as margin must be > 0: current value is ${margin}`,
      );
    }
  });

  it("a negative p, an infinite eps, a swap that is neither true nor false", () => {
    const wrong: [TripletMarginLossOptions, typeof TypeError | typeof RangeError, string][] = [
      [{ p: -1 }, RangeError, "p must be ≥ 0: current value is -1"],
      [{ p: NaN }, RangeError, "p must be ≥ 0: current value is NaN"],
      [{ p: "2" as never }, TypeError, 'p must be ≥ 0: current value is "2"'],
      [{ eps: Infinity }, RangeError, "eps must be finite: current value is Infinity"],
      [{ eps: NaN }, RangeError, "eps must be finite: current value is NaN"],
      [{ swap: 1 as never }, TypeError, "swap must be true or false: current value is 1"],
      [{ margin: "1" as never }, TypeError, 'margin must be > 0: current value is "1"'],
    ];
    for (const [options, Class, message] of wrong) {
      assertThrows(() => triplet(options), Class, `Cannot make TripletMarginLoss as ${message}`);
    }
  });

  it("arguments with different numbers of axes", () => {
    assertThrows(
      () => triplet().forward([[1, 2]], [[1, 2]], [1, 2]),
      RangeError,
      "Cannot compute TripletMarginLoss as all arguments must have the same number of axes: " +
        "current shapes are (1, 2) and (1, 2) and (2,)",
    );
  });

  it("lengths that do not go together", () => {
    assertThrows(
      () => triplet().forward([[1, 2]], [[1, 2, 3]], [[1, 2]]),
      RangeError,
      "Cannot compute TripletMarginLoss as the shapes of anchor and positive do not go together: " +
        "current shapes are (1, 2) and (1, 3); axes must be equal or 1",
    );
  });

  it("whole numbers as positive, too", () => {
    assertThrows(
      () => triplet().forward([1], int32([1]), [2]),
      TypeError,
      "Cannot compute TripletMarginLoss as positive must be float32 or float64: current dtype is int32",
    );
  });
});

testContract({
  loss: "TripletMarginLoss",
  Loss: TripletMarginLoss,
  known: ["margin", "p", "eps", "swap", "reduction"],
  args: drawn(8, [2, 3]),
  wrt: NAMES,
});

describe("TripletMarginLoss result types", () => {
  it("have all three gradients by default, else those that wrt names", () => {
    const all = triplet().valueAndGrad([1], [2], [3]);
    assertEquals(Object.keys(all.grad), ["anchor", "positive", "negative"]);
    const some = triplet().valueAndGrad([1], [2], [3], { wrt: ["negative"] });
    const negative: Tensor = some.grad.negative;
    assertEquals(Object.keys(some.grad), ["negative"]);
    assertEquals(negative.shape, [1]);
    // @ts-expect-error: a gradient that was not asked for is no property of the result.
    assertEquals(some.grad.anchor, undefined);
  });
});
