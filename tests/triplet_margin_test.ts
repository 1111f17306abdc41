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
import { assertClose } from "./_close.ts";
import { assertGradient, Random, testFixtures } from "./_fixtures.ts";
import { testFormula } from "./_formula.ts";
import { testManners } from "./_manners.ts";
import { holds } from "./_property.ts";
import { cases, formulas } from "./reference/cases/triplet_margin.ts";

const triplet = (options?: TripletMarginLossOptions) => new TripletMarginLoss(options);
const none = (options: TripletMarginLossOptions = {}) => triplet({ ...options, reduction: "none" });
const NORMS = [0.5, 1, 1.5, 2, 3, 4, Infinity];

interface Triplets {
  anchor: Tensor;
  positive: Tensor;
  negative: Tensor;
  [name: string]: Tensor;
}

function random(seed: number, shape = [5, 4]): Triplets {
  const numbers = new Random(seed);
  return {
    anchor: numbers.tensor(shape),
    positive: numbers.tensor(shape),
    negative: numbers.tensor(shape),
  };
}

/** Value and gradients of triplets as nested arrays. */
function at(options: TripletMarginLossOptions, ...args: Parameters<TripletMarginLoss["forward"]>) {
  const { value, grad } = none(options).valueAndGrad(...args);
  const [anchor, positive, negative] = [grad.anchor, grad.positive, grad.negative]
    .map((tensor) => tensor.toArray());
  return { value: value.toArray(), anchor, positive, negative };
}

const isNear = (a: number, b: number) => Math.abs(a - b) <= 1e-13 * Math.abs(b);

/** A power and its root lose a few digits more than a square and its root. */
function assertUnit(found: Tensor, data: number[]): void {
  const rtol = found.dtype === "float32" ? 1e-6 : 1e-13;
  assertClose(found, { shape: [data.length], data }, { rtol, atol: 0, context: "gradient" });
}

testCases(cases, triplet);

describe("TripletMarginLoss by hand", () => {
  const points = [[0, 0], [3, 4], [0, 2]];

  it("is margin + 5 - 2 for a positive at (3, 4) and a negative at (0, 2)", () => {
    assertEquals(at({ eps: 0 }, points[0], points[1], points[2]), {
      value: 1 + 5 - 2,
      anchor: [-3 / 5 + 0, -4 / 5 + 1],
      positive: [3 / 5, 4 / 5],
      negative: [0, -1],
    });
  });

  it("adds components up for p = 1, and takes the largest for p = ∞", () => {
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

  it("counts components that differ for p = 0, and does not change with them", () => {
    assertEquals(at({ p: 0, eps: 0 }, [0, 0], [3, 4], [0, 2]), {
      value: 1 + 2 - 1,
      anchor: [0, 0],
      positive: [0, 0],
      negative: [0, 0],
    });
  });

  it("is 0 where the negative is far enough, and then pulls at nothing", () => {
    const zeros = { value: 0, anchor: [0, 0], positive: [0, 0], negative: [0, 0] };
    assertEquals(at({}, [0, 0], [1, 0], [0, 3]), zeros);
  });

  it("adds eps to the signed difference: d(x, y) is not d(y, x)", () => {
    const value = (x: number, y: number) => none({ eps: 0.5 }).forward([x], [y], [x + 0.5]).item();
    assertEquals(value(0, 1), 1 + (1 - 0.5) - 0);
    assertEquals(value(1, 0), 1 + (1 + 0.5) - 0);
  });

  it("has margin = 1, p = 2, eps = 1e-6, no swap and the mean by default", () => {
    const { anchor, positive, negative } = random(1);
    const spelled = { margin: 1, p: 2, eps: 1e-6, swap: false, reduction: "mean" } as const;
    assertEquals(
      triplet().valueAndGrad(anchor, positive, negative),
      triplet(spelled).valueAndGrad(anchor, positive, negative),
    );
  });

  it("is what the document says, but for eps", () => {
    const ap = Math.abs(0.5 - 3);
    const an = Math.abs(0.5 - 1);
    const said = new Formula(formulas.value.text).evaluate({ ap: [ap], an: [an], margin: 0.25 });
    assertEquals([none({ margin: 0.25, eps: 0 }).forward([0.5], [3], [1]).item()], [...said]);
    const distance = new Formula(formulas.distance.text).evaluate({ x: [0.5], y: [3] });
    assertEquals([...distance], [ap]);
  });
});

/** The distance in one line each, on plain numbers. */
function naive(x: number[], y: number[], p: number, eps: number): number {
  const u = x.map((v, i) => Math.abs(v - y[i] + eps));
  if (p === Infinity) return u.reduce((max, v) => Math.max(max, v));
  return u.reduce((sum, v) => sum + v ** p, 0) ** (1 / p);
}

describe("TripletMarginLoss beside plain loops", () => {
  for (const p of NORMS) {
    for (const swap of [false, true]) {
      it(`p = ${p}${swap ? ", swap" : ""}`, () => {
        const args = random(7, [9, 7]);
        const rows = Object.values(args).map((tensor) => tensor.toArray() as number[][]);
        const data = rows[0].map((a, i) => {
          const [ap, an, pn] = [[a, rows[1][i]], [a, rows[2][i]], [rows[1][i], rows[2][i]]]
            .map(([x, y]) => naive(x, y, p, 0.01));
          return Math.max(0, 0.5 + ap - (swap ? Math.min(an, pn) : an));
        });
        assert(data.some((v) => v === 0) && data.some((v) => v > 0), "seed 7 must show both sides");
        const found = none({ p, swap, eps: 0.01, margin: 0.5 })
          .forward(args.anchor, args.positive, args.negative);
        // For p = ½ sums of roots are squared: 49 times as large as their terms.
        assertClose(found, { shape: [9], data }, { rtol: 1e-13, atol: 1e-13, context: "seed 7" });
      });
    }
  }
});

testFixtures("triplet_margin", triplet);

describe("TripletMarginLoss beside finite differences", () => {
  const wrt = ["anchor", "positive", "negative"];
  for (const p of NORMS) {
    for (const swap of [false, true]) {
      for (const reduction of ["none", "mean", "sum"] as const) {
        it(`agrees for p = ${p}, ${reduction}${swap ? ", swap" : ""}`, () => {
          // Steps of 2e-5 stay away from components that are equal, the kinks of p = 1, ∞ and ½.
          const check = { wrt, scale: 0.01, tolerance: 1e-8 };
          assertGradient(triplet({ p, swap, reduction, margin: 2 }), random(3), check);
        });
      }
    }
  }

  it("agrees along more axes, and along repeated ones", () => {
    const args = random(4, [2, 3, 4]);
    assertGradient(none({ margin: 3 }), args, { wrt });
    const repeated = { ...args, negative: new Random(5).tensor([1, 3, 4]) };
    assertGradient(none({ margin: 3, swap: true }), repeated, { wrt });
  });
});

testFormula("TripletMarginLoss", TripletMarginLoss.formula, { ap: "ap", an: "an", pn: "pn" }, {
  ap: [0, 3],
  an: [0, 3],
  pn: [0, 3],
  margin: [0.1, 2],
});

describe("TripletMarginLoss.formula", () => {
  it("is what runs, with the distances of pairwiseDistance", () => {
    const { anchor, positive, negative } = random(11, [20, 3]);
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
  it("passes the gradient where the hinge is exactly 0", () => {
    assertEquals(at({ eps: 0 }, [0, 0], [1, 0], [2, 0]), {
      value: 0,
      anchor: [-1 + 1, 0],
      positive: [1, 0],
      negative: [-1, 0],
    });
    // A hair farther, and there is none.
    assertEquals(at({ eps: 0 }, [0, 0], [1, 0], [2 + 1e-15, 0]).positive, [0, 0]);
  });

  it("gives half to each distance at a tie of the swap", () => {
    assertEquals(at({ eps: 0, swap: true, p: 1 }, [0, 0], [2, 0], [1, 0]), {
      value: 1 + 2 - 1,
      anchor: [-1 + 1 / 2, 0],
      positive: [1 - 1 / 2, 0],
      negative: [-1 / 2 + 1 / 2, 0],
    });
  });

  it("takes the closer of both where there is no tie", () => {
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

  it("has one where they are equal and eps is not 0", () => {
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
      assert(isNear(moved, 1), `p = ${p}: ${moved}`);
    }
  });
});

describe("TripletMarginLoss of extreme numbers", () => {
  it("huge: squares do not overflow, unlike PyTorch's", () => {
    const { value, positive, negative } = at({ eps: 0 }, [0, 0], [3e200, 4e200], [0, 2e200]);
    assert(isNear(value as number, 3e200));
    assertUnit(float64(positive), [0.6, 0.8]);
    assertEquals(negative, [0, -1]);
    const single = none({ eps: 0 })
      .valueAndGrad(float32([0, 0]), float32([3e30, 4e30]), float32([0, 2e30]));
    assertEquals(single.value.item(), Math.fround(3e30));
    assertUnit(single.grad.positive, [0.6, 0.8]);
    assertEquals(at({ p: 3, eps: 0 }, [0], [2e200], [1e200]).value, 1e200);
  });

  it("tiny: squares do not vanish, unlike PyTorch's", () => {
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

  it("huge beside ordinary in one tile: each row has its own scale", () => {
    const value = none({ eps: 0 }).forward([[0], [0], [0]], [[1e200], [3], [1e-200]], [[0], [1], [
      0,
    ]]);
    assertEquals(value.toArray(), [1e200, 3, 1]);
  });

  it("±∞: a positive infinitely far costs infinitely much, a negative nothing at all", () => {
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

  it("±∞: no component but the infinite one has a gradient", () => {
    for (const p of [1.5, 2, 3]) {
      assertEquals(at({ p }, [0, 0], [Infinity, 1], [1, 1]).positive, [NaN, 0]);
    }
    assertEquals(at({ p: Infinity }, [0, 0], [Infinity, 1], [1, 1]).positive, [1, 0]);
  });

  it("NaN: in the value and in all gradients of its row, and nowhere else", () => {
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

  it("rows longer than a tile, and more rows than one", () => {
    for (const [rows, length] of [[2, 70001], [3, 5000], [5000, 3]]) {
      for (const p of [2, 3, Infinity]) {
        const { anchor, positive, negative } = random(rows, [rows, length]);
        const [a, b, c] = [anchor, positive, negative].map(({ data }) => [...data]);
        /** The last row. */
        const row = (x: number[]) => x.slice((rows - 1) * length);
        const distance = (x: number[], y: number[]) => naive(row(x), row(y), p, 1e-6);
        const wanted = 100 + distance(a, b) - distance(a, c);
        const found = none({ p, margin: 100 }).forward(anchor, positive, negative).data;
        const [last] = found.slice(-1);
        assert(
          Math.abs(last - wanted) < 1e-10,
          `${rows} × ${length}, p = ${p}: ${last}, ${wanted}`,
        );
      }
    }
  });

  it("4096 of the same in float32: their mean is exact", () => {
    const fill = (x: number) => float32(new Float32Array(4096 * 3).fill(x), [4096, 3]);
    const one = triplet().forward(fill(0.1).data.slice(0, 3), [0.7, 0.7, 0.7], [0.2, 0.2, 0.2]);
    const all = triplet().forward(fill(0.1), fill(0.7), fill(0.2));
    assertEquals(all.item(), one.item());
  });

  it("nothing: NaN for the mean, 0 for the sum", () => {
    const nothing = float32(new Float32Array(0), [0, 3]);
    const by = (reduction: "none" | "mean" | "sum") =>
      triplet({ reduction }).valueAndGrad(nothing, nothing, nothing);
    assertEquals(by("mean").value.item(), NaN);
    assertEquals(by("sum").value.item(), 0);
    assertEquals(by("none").value.shape, [0]);
    assertEquals(by("mean").grad.anchor.shape, [0, 3]);
    // Vectors without components are all equal.
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

describe("TripletMarginLoss of other shapes", () => {
  it("sums and averages over distances, not over components", () => {
    const { anchor, positive, negative } = random(2, [2, 3, 4]);
    const each = none().forward(anchor, positive, negative);
    assertEquals(each.shape, [2, 3]);
    const sum = [...each.data].reduce((a, b) => a + b);
    assertEquals(triplet({ reduction: "sum" }).forward(anchor, positive, negative).item(), sum);
    assertEquals(triplet().forward(anchor, positive, negative).item(), sum / 6);
  });

  it("scales gradients by the upstream gradient, one for each triplet", () => {
    const { anchor, positive, negative } = random(2, [3, 2]);
    const one = none({ margin: 5 }).valueAndGrad(anchor, positive, negative).grad;
    const scaled = none({ margin: 5 })
      .valueAndGrad(anchor, positive, negative, { gradOutput: [2, 0, -3] }).grad;
    const data = one.anchor.data.map((g, i) => g * [2, 0, -3][i >> 1]);
    const close = { rtol: 1e-15, atol: 0, context: "grad.anchor" };
    assertClose(scaled.anchor, { shape: [3, 2], data }, close);
  });

  it("repeats an axis of length 1, and adds its gradients up", () => {
    const { anchor, positive, negative } = random(6, [3, 4]);
    const one = float64(negative.data.slice(0, 4) as Float64Array, [1, 4]);
    const full = float64([...one.data, ...one.data, ...one.data], [3, 4]);
    const found = triplet({ margin: 4 }).valueAndGrad(anchor, positive, one);
    const wanted = triplet({ margin: 4 }).valueAndGrad(anchor, positive, full);
    assertEquals(found.value, wanted.value);
    assertEquals(found.grad.anchor, wanted.grad.anchor);
    const data = [0, 1, 2, 3].map((j) =>
      [0, 4, 8].reduce((sum, i) => sum + wanted.grad.negative.data[i + j], 0)
    );
    assertClose(found.grad.negative, { shape: [1, 4], data }, {
      rtol: 1e-14,
      atol: 1e-15,
      context: "grad.negative",
    });
  });

  it("computes in float32 if no tensor is wider, in float64 otherwise", () => {
    const dtype = (...args: Parameters<TripletMarginLoss["forward"]>) => {
      const { value, grad } = triplet().valueAndGrad(...args);
      assertEquals([grad.anchor.dtype, grad.negative.dtype], [value.dtype, value.dtype]);
      return value.dtype;
    };
    assertEquals(dtype(float32([1]), [2], [3]), "float32");
    assertEquals(dtype(float32([1]), float64([2]), [3]), "float64");
    assertEquals(dtype([1], [2], [3]), "float64");
  });

  it("is one number for scalars, which are vectors of length 1", () => {
    assertEquals(at({ eps: 0 }, 1, 3, 2), {
      value: 1 + 2 - 1,
      anchor: -1 + 1,
      positive: 1,
      negative: -1,
    });
  });
});

describe("TripletMarginLoss among its siblings", () => {
  const { anchor, positive, negative } = random(8, [6, 3]);
  const wrt: ("anchor" | "positive" | "negative")[] = ["anchor", "positive", "negative"];

  for (const swap of [false, true]) {
    it(`is TripletMarginWithDistanceLoss with pairwiseDistance${swap ? ", swap" : ""}`, () => {
      // An object of its own, so that nothing but its two functions is known of it.
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
        for (const name of wrt) {
          assertClose(found.grad[name], wanted.grad[name], { ...close, context: name });
        }
      }
    });
  }

  it("is MarginRankingLoss of both distances, the negative's to be the larger", () => {
    const [ap, an] = [positive, negative].map((other) => pairwiseDistance(anchor, other));
    const ranking = new MarginRankingLoss({ margin: 1, reduction: "none" });
    const wanted = ranking.forward(an, ap, [1, 1, 1, 1, 1, 1]);
    const found = none().forward(anchor, positive, negative);
    assertClose(found, wanted, { rtol: 1e-14, atol: 1e-15, context: "value" });
  });
});

describe("TripletMarginLoss as probed", () => {
  const number = fc.double({ min: -100, max: 100, noNaN: true });
  const vector = fc.array(number, { minLength: 3, maxLength: 3 });
  const norms = fc.constantFrom(1, 1.5, 2, 3, Infinity);
  const margins = fc.double({ min: 1e-3, max: 100, noNaN: true });
  const value = (options: TripletMarginLossOptions, ...args: number[][]) =>
    none({ eps: 0, ...options }).forward(args[0], args[1], args[2]).item();
  const near = (a: number, b: number, size: number) => Math.abs(a - b) <= 1e-11 * (1 + size);

  it("is never negative, and at most margin + d(positive, negative)", () => {
    holds(fc.property(vector, vector, vector, norms, margins, (a, b, c, p, margin) => {
      const v = value({ p, margin }, a, b, c);
      // The triangle inequality.
      return v >= 0 && v <= margin + pairwiseDistance(b, c, { p, eps: 0 }).item() + 1e-10;
    }));
  });

  it("does not change if all three move together", () => {
    holds(fc.property(vector, vector, vector, vector, norms, (a, b, c, by, p) => {
      const moved = [a, b, c].map((x) => x.map((v, i) => v + by[i]));
      return near(value({ p }, ...moved), value({ p }, a, b, c), 1e3);
    }));
  });

  it("scales with its vectors and margin", () => {
    holds(fc.property(vector, vector, vector, margins, norms, (a, b, c, k, p) => {
      const scaled = [a, b, c].map((x) => x.map((v) => v * k));
      return near(value({ p, margin: k }, ...scaled), k * value({ p }, a, b, c), 1e3 * k);
    }));
  });

  it("is never smaller with swap, nor with a larger margin", () => {
    holds(fc.property(vector, vector, vector, margins, norms, (a, b, c, margin, p) => {
      const v = value({ p, margin }, a, b, c);
      return value({ p, margin, swap: true }, a, b, c) >= v &&
        value({ p, margin: 2 * margin }, a, b, c) >= v;
    }));
  });

  it("has gradients that cancel: nothing is gained by moving all three", () => {
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
        `Cannot compute TripletMarginLoss as margin must be > 0: current value is ${margin}`,
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
      assertThrows(() => triplet(options), Class, `Cannot compute TripletMarginLoss as ${message}`);
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

  it("sizes that do not go together", () => {
    assertThrows(
      () => triplet().forward([[1, 2]], [[1, 2, 3]], [[1, 2]]),
      RangeError,
      "Cannot compute TripletMarginLoss as the shapes of anchor and positive do not go together: " +
        "current shapes are (1, 2) and (1, 3); axes must be equal or 1",
    );
  });

  it("whole numbers, which have no gradient", () => {
    assertThrows(
      () => triplet().forward([1], int32([1]), [2]),
      TypeError,
      "Cannot compute TripletMarginLoss as positive must be float32 or float64: current dtype is int32",
    );
  });
});

testManners({
  loss: "TripletMarginLoss",
  Loss: TripletMarginLoss,
  known: ["margin", "p", "eps", "swap", "reduction"],
  args: random(8, [2, 3]),
  wrt: ["anchor", "positive", "negative"],
});

describe("TripletMarginLoss answers in types", () => {
  it("with all three gradients, or those that wrt names", () => {
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
