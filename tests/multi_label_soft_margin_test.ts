/** MultiLabelSoftMarginLoss: 1 / C Σ w (y log(1 + exp(-x)) + (1 - y) log(1 + exp(x))) over the classes of each row. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import fc from "fast-check";
import {
  BCEWithLogitsLoss,
  float32,
  float64,
  int32,
  MultiLabelSoftMarginLoss,
  type MultiLabelSoftMarginLossOptions,
  type NestedArray,
  type Tensor,
  type TensorLike,
} from "@lossbook/losses";
import { Formula } from "@lossbook/losses/formula";
import { testCases } from "./_cases.ts";
import { assertClose, assertNear, near } from "./_close.ts";
import { testContract } from "./_contract.ts";
import { testFixtures } from "./_fixtures.ts";
import { testFormula } from "./_formula.ts";
import type { Reduction, Subject } from "./_loss.ts";
import { dot, sum } from "./_naive.ts";
import { assertGradient, numericGradient } from "./_numeric.ts";
import { doubles, holds } from "./_property.ts";
import { Random } from "./_random.ts";
import { testReductions } from "./_reductions.ts";
import { ACROSS_TILES } from "./_rows.ts";
import { floatsBetween } from "./_ulp.ts";
import { cases, formulas } from "./reference/cases/multi_label_soft_margin.ts";

const softMargin = (options?: MultiLabelSoftMarginLossOptions) =>
  new MultiLabelSoftMarginLoss(options);
const none = softMargin({ reduction: "none" });
const TIGHT = { rtol: 1e-14, atol: 1e-15 };
const WRT = ["input", "target"] as const;

/** 0s and 1s. */
const bits = (random: Random, shape: number[]) => random.tensor(shape, () => random.below(2));

const subject: Subject = {
  loss: "MultiLabelSoftMarginLoss",
  build: softMargin,
  draw: (random, shape) => ({ input: random.tensor(shape), target: bits(random, shape) }),
  wrt: WRT,
};

/** Value and gradients at one score. */
function at(x: number, y: number, dtype = float64): [value: number, input: number, target: number] {
  const { value, grad } = none.valueAndGrad(dtype([x]), dtype([y]), { wrt: [...WRT] });
  return [value.item(), grad.input.item(), grad.target.item()];
}

testCases(cases, softMargin);

describe("MultiLabelSoftMarginLoss against the document", () => {
  const scope = { x: [1.5, -2, 0.25, 8], y: [1, 0.25, 0, 1] };

  it("is the sum of its terms, which PyTorch divides by C", () => {
    const wanted = sum(new Formula(formulas.value.text).evaluate(scope)) / 4;
    // 1 - σ(8) loses four digits, and so does the document's logarithm of it.
    const value = none.forward(scope.x, scope.y);
    assertClose(value, float64(wanted), { rtol: 1e-12, atol: 0, context: "value:" });
  });

  it("has its gradient, also divided by C", () => {
    const wanted = [...new Formula(formulas.gradient.text).evaluate(scope)].map((g) => g / 4);
    const { grad } = none.valueAndGrad(scope.x, scope.y);
    assertClose(grad.input, float64(wanted), { rtol: 1e-12, atol: 1e-15, context: "grad:" });
  });
});

describe("MultiLabelSoftMarginLoss computed by hand", () => {
  const check = (actual: TensorLike, wanted: TensorLike) =>
    assertClose(float64(actual), float64(wanted), { ...TIGHT, context: "by hand:" });

  it("is log 2 at score 0", () => {
    check(at(0, 1), [Math.log(2), 0.5 - 1, 0]);
    check(at(0, 0), [Math.log(2), 0.5, 0]);
  });

  it("is the logarithm of 4 or 4/3 at odds of 3 to 1", () => {
    check(at(Math.log(3), 1), [Math.log(4 / 3), 3 / 4 - 1, -Math.log(3)]);
    check(at(Math.log(3), 0), [Math.log(4), 3 / 4, -Math.log(3)]);
    check(at(-Math.log(3), 0), [Math.log(4 / 3), 1 / 4, Math.log(3)]);
  });

  it("is the weighted mean of both answers for a target between 0 and 1", () => {
    const [yes, no] = [Math.log(4 / 3), Math.log(4)];
    check(at(Math.log(3), 0.25), [0.25 * yes + 0.75 * no, 3 / 4 - 0.25, -Math.log(3)]);
  });

  it("divides by C, for the sum too, and multiplies by a weight that does not count in the denominator", () => {
    const [x, y] = [[[0, 0], [0, 0], [0, 0]], [[1, 0], [0, 0], [1, 1]]];
    const item = (options: MultiLabelSoftMarginLossOptions) =>
      softMargin(options).forward(x, y).item();
    check(item({}), Math.log(2));
    check(item({ reduction: "sum" }), 3 * Math.log(2));
    check(item({ weight: [1, 5] }), 3 * Math.log(2));
    check(item({ weight: [[4], [0], [-1]], reduction: "sum" }), 3 * Math.log(2));
  });
});

describe("MultiLabelSoftMarginLoss against logarithms of probabilities", () => {
  it("agrees over 20 × 11, for soft labels and a weight for each class", () => {
    const random = new Random(1);
    const input = random.tensor([20, 11]);
    const target = random.tensor([20, 11], () => random.uniform());
    const weight = random.tensor([11], () => random.uniform(-1, 3));
    const y = target.toArray() as number[][];
    const wanted = (input.toArray() as number[][]).map((row, n) =>
      sum(row.map((x, c) => {
        const p = 1 / (1 + Math.exp(-x));
        return -weight.data[c] * (y[n][c] * Math.log(p) + (1 - y[n][c]) * Math.log(1 - p));
      })) / 11
    );
    const value = softMargin({ weight, reduction: "none" }).forward(input, target);
    assertClose(value, float64(wanted), { rtol: 1e-13, atol: 1e-14, context: "seed 1:" });
  });
});

testFixtures("multi_label_soft_margin", softMargin);

describe("MultiLabelSoftMarginLoss against finite differences", () => {
  const random = new Random(2);
  const shape = [3, 4];
  const args = {
    input: random.tensor(shape),
    target: random.tensor(shape, () => random.uniform()),
  };
  const weights = [[4], [3, 4], [3, 1], [1, 4], []].map((own) =>
    random.tensor(own, () => random.uniform(0.1, 3))
  );

  for (const reduction of ["none", "mean", "sum"] as const) {
    it(`agrees for ${reduction}, with respect to input and target`, () => {
      for (const weight of [undefined, ...weights]) {
        assertGradient(softMargin({ reduction, weight }), args, { wrt: [...WRT] });
      }
    });

    it(`agrees for ${reduction}, with respect to the weight`, () => {
      for (const weight of weights) {
        const gradOutput = random.tensor(reduction === "none" ? [3] : []);
        const { grad } = softMargin({ reduction, weight })
          .valueAndGrad(args.input, args.target, { wrt: ["weight"], gradOutput });
        const data = numericGradient((w) => {
          const loss = softMargin({ reduction, weight: float64(w.slice(), [...weight.shape]) });
          return dot(loss.forward(args.input, args.target).data, gradOutput.data);
        }, weight.data);
        const context = `weight (${weight.shape}):`;
        const wanted = { shape: weight.shape, data };
        assertClose(grad.weight, wanted, { rtol: 1e-9, atol: 1e-9, context });
      }
    });
  }

  it("agrees if an argument is broadcast", () => {
    const pairs: [number[], number[]][] = [[[3, 4], [1, 4]], [[3, 4], [3, 1]], [[3, 4], []], [[
      1,
      4,
    ], [3, 4]]];
    for (const [own, other] of pairs) {
      const args = { input: random.tensor(own), target: random.tensor(other) };
      assertGradient(softMargin(), args, { wrt: [...WRT] });
    }
  });
});

testFormula(
  "MultiLabelSoftMarginLoss",
  MultiLabelSoftMarginLoss.formula,
  { input: "x", target: "y", weight: "w" },
  { x: [-8, 8], y: [-1, 2], w: [-1, 2] },
);

describe("MultiLabelSoftMarginLoss.formula", () => {
  it("is what is computed, for one class", () => {
    const { value, grad } = MultiLabelSoftMarginLoss.formula;
    const scope = { x: [-20, -0.5, 0, 3], y: [1, 0, 0.25, 1], w: 1.5 };
    const columns = [scope.x.map((x) => [x]), scope.y.map((y) => [y])] as const;
    const run = softMargin({ weight: [scope.w], reduction: "none" })
      .valueAndGrad(...columns, { wrt: [...WRT] });
    const each = (text: string) => [...new Formula(text).evaluate(scope)];
    assertEquals([...run.value.data], each(value));
    assertEquals([...run.grad.input.data], each(grad.input));
    assertEquals([...run.grad.target.data], each(grad.target));
  });
});

describe("MultiLabelSoftMarginLoss at x = 0", () => {
  it("has no kink: value and gradient are continuous", () => {
    for (const y of [0, 0.3, 1]) {
      const [[a, slopeA], [b, slopeB]] = [at(-1e-12, y), at(1e-12, y)];
      assertNear(a, b, { atol: 3e-12, context: `y = ${y}` });
      assertNear(slopeA, slopeB, { atol: 1e-12, context: `y = ${y}` });
      assertEquals(at(0, y), at(-0, y));
    }
  });
});

describe("MultiLabelSoftMarginLoss with extreme scores", () => {
  it("tiny losses: keeps all digits, where softplus(x) - x y loses all", () => {
    for (const x of [17, 20, 36, 50]) {
      const z = Math.exp(-x);
      // These forms are exact for small z.
      for (const [found, wanted] of [[at(x, 1)[0], Math.log1p(z)], [at(x, 1)[1], -z / (1 + z)]]) {
        assert(floatsBetween(found, wanted, "float64") <= 4, `x = ${x}: ${found}, not ${wanted}`);
      }
      const [value, slope] = at(-x, 0, float32);
      assert(floatsBetween(value, Math.fround(Math.log1p(z)), "float32") <= 4);
      assert(floatsBetween(slope, Math.fround(z / (1 + z)), "float32") <= 4);
    }
  });

  it("huge scores: the size of the score if it is wrong, 0 if it is right", () => {
    for (const dtype of [float32, float64]) {
      assertEquals(at(1000, 0, dtype), [1000, 1, -1000]);
      assertEquals(at(-1000, 1, dtype), [1000, -1, 1000]);
      assertEquals(at(1000, 1, dtype).slice(0, 2), [0, -0]);
      assertEquals(at(-1000, 0, dtype).slice(0, 2), [0, 0]);
    }
    assertEquals(at(1e300, 0.25)[0], 0.75e300);
  });

  it("Unlike PyTorch, ±∞: the limit", () => {
    for (const dtype of [float32, float64]) {
      assertEquals(at(Infinity, 1, dtype), [0, -0, -Infinity]);
      assertEquals(at(-Infinity, 0, dtype), [0, 0, Infinity]);
      assertEquals(at(Infinity, 0, dtype), [Infinity, 1, -Infinity]);
      assertEquals(at(-Infinity, 1, dtype), [Infinity, -1, Infinity]);
      assertEquals(at(Infinity, 0.5, dtype), [Infinity, 0.5, -Infinity]);
    }
  });

  it("NaN: NaN in its row, and in no other", () => {
    const { value, grad } = none.valueAndGrad([[NaN, 1], [0, 1]], [[1, 0], [1, 0]]);
    assertEquals(value.data[0], NaN);
    assert(Number.isFinite(value.data[1]));
    assertEquals([...grad.input.data].map(Number.isNaN), [true, false, false, false]);
    assertEquals(at(0, NaN)[0], NaN);
    assertEquals(at(NaN, 0, float32)[0], NaN);
  });

  it("rows without classes: NaN", () => {
    const nothing = float32([], [2, 0]);
    assertEquals(none.forward(nothing, nothing).toArray(), [NaN, NaN]);
  });

  it("many rows, long rows, and rows of one class: correct across tiles", () => {
    const wrt = ["input", "weight"] as const;
    for (const [rows, classes] of ACROSS_TILES) {
      const random = new Random(rows);
      const [input, target] = [random.tensor([rows, classes]), bits(random, [rows, classes])];
      const gradOutput = random.tensor([rows]);
      for (const shape of [[classes], [rows, 1]]) {
        const weight = random.tensor(shape, () => random.uniform(0.1, 3));
        const loss = softMargin({ weight, reduction: "none" });
        const { value, grad } = loss.valueAndGrad(input, target, { wrt: [...wrt], gradOutput });
        const sums = new Float64Array(weight.data.length);
        const wanted = new Float64Array(rows);
        const slopes = input.data.map((x, i) => {
          const n = Math.floor(i / classes);
          const place = shape.length === 1 ? i % classes : n;
          const term = Math.log1p(Math.exp(target.data[i] === 1 ? -x : x)) / classes;
          sums[place] += gradOutput.data[n] * term;
          wanted[n] += weight.data[place] * term;
          const slope = 1 / (1 + Math.exp(-x)) - target.data[i];
          return gradOutput.data[n] * weight.data[place] * slope / classes;
        });
        const context = `${rows} × ${classes}, weight (${shape}):`;
        const close = { rtol: 1e-11, atol: 1e-13, context };
        assertClose(value, { shape: [rows], data: wanted }, close);
        assertClose(grad.input, { shape: [rows, classes], data: slopes }, close);
        assertClose(grad.weight, { shape, data: sums }, close);
      }
    }
  });

  it("2^20 equal scores in float32: the mean is the loss of one", () => {
    for (const shape of [[2 ** 10, 2 ** 10], [2 ** 18, 4]]) {
      const input = float32(new Float32Array(2 ** 20).fill(0.3), shape);
      const mean = softMargin().forward(input, float32(new Float32Array(2 ** 20), shape)).item();
      const [one] = at(0.3, 0, float32);
      assert(floatsBetween(mean, one, "float32") <= 1, `${mean}, not ${one}`);
    }
  });
});

it("without rows, the sum is 0 and the mean NaN as in PyTorch, also without classes", () => {
  for (const shape of [[0, 3], [0, 0], [3, 0, 0]]) {
    const input = { data: [], shape };
    const value = (reduction: Reduction) =>
      new MultiLabelSoftMarginLoss({ reduction }).forward(input, input);
    assertEquals(value("none").data.length, 0);
    assertEquals(value("sum").item(), 0);
    assertEquals(value("mean").item(), NaN);
  }
});

testReductions(subject, { shape: [2, 3, 5], empty: [[[0, 3], [0]], [[2, 0, 3], [2, 0]]] });

describe("MultiLabelSoftMarginLoss with arguments of different shapes", () => {
  const random = new Random(6);
  const shape = [2, 3, 5];
  const [input, target] = [random.tensor(shape), bits(random, shape)];

  it("has unreduced values in the shape of the input without its last axis", () => {
    assertEquals(none.forward(input, target).shape, [2, 3]);
    assertEquals(none.forward([1, 2], [0, 1]).shape, []);
  });

  it("broadcasts smaller targets and weights, and adds their gradients up", () => {
    const wrt = ["input", "target", "weight"] as const;
    const small: [target: number[], weight: number[]][] = [
      [[2, 1, 5], [5]],
      [[1, 3, 1], [3, 1]],
      [[], []],
      [[1, 1, 5], [2, 1, 1]],
    ];
    for (const [own, ofWeight] of small) {
      const [y, w] = [random.tensor(own), random.tensor(ofWeight)];
      /** The place in a smaller tensor of element i; its axes are the last ones. */
      const place = (small: number[], i: number) => {
        const index = [Math.floor(i / 15), Math.floor(i / 5) % 3, i % 5].slice(3 - small.length);
        return small.reduce(
          (at, length, axis) => at * length + (length === 1 ? 0 : index[axis]),
          0,
        );
      };
      const full = (tensor: Tensor, small: number[]) =>
        float64(Float64Array.from(input.data, (_, i) => tensor.data[place(small, i)]), shape);
      const short = softMargin({ weight: w }).valueAndGrad(input, y, { wrt: [...wrt] });
      const long = softMargin({ weight: full(w, ofWeight) })
        .valueAndGrad(input, full(y, own), { wrt: [...wrt] });
      assertEquals(short.value, long.value);
      assertEquals(short.grad.input, long.grad.input);
      for (const [name, shape] of [["target", own], ["weight", ofWeight]] as const) {
        const data = new Float64Array(short.grad[name].data.length);
        long.grad[name].data.forEach((g, i) => data[place(shape, i)] += g);
        const context = `${name} (${shape}):`;
        assertClose(short.grad[name], { shape, data }, { rtol: 1e-13, atol: 1e-14, context });
      }
    }
  });

  it("divides by the classes of the input even if the input is broadcast, as PyTorch does", () => {
    const of = (reduction: Reduction) =>
      softMargin({ reduction }).forward([[0], [0]], [[1, 0, 1], [0, 0, 0]]);
    const one = 3 * Math.log(2);
    assertClose(of("none"), float64([one, one]), { ...TIGHT, context: "none:" });
    assertClose(of("mean"), float64(one), { ...TIGHT, context: "mean:" });
    assertClose(of("sum"), float64(2 * one), { ...TIGHT, context: "sum:" });
  });

  it("accepts whole numbers as target and as weight", () => {
    const wanted = softMargin({ weight: [1, 2, 3, 4, 5] }).forward(input, target);
    const whole = int32(target.toArray() as NestedArray);
    assertEquals(softMargin({ weight: int32([1, 2, 3, 4, 5]) }).forward(input, whole), wanted);
  });

  it("computes in float32 if no argument is wider, whatever the dtype of the weight", () => {
    const dtype = (input: TensorLike, target: TensorLike) => {
      const { value, grad } = softMargin({ weight: float64([2]) }).valueAndGrad(input, target);
      assertEquals(grad.input.dtype, value.dtype);
      return value.dtype;
    };
    assertEquals(dtype(float32([1]), [0]), "float32");
    assertEquals(dtype(float32([1]), int32([0])), "float32");
    assertEquals(dtype(float32([1]), float64([0])), "float64");
    assertEquals(dtype([1], [0]), "float64");
  });
});

describe("MultiLabelSoftMarginLoss and related losses", () => {
  const random = new Random(7);
  const [input, target] = [random.tensor([4, 3]), random.tensor([4, 3], () => random.uniform())];
  const weight = random.tensor([3], () => random.uniform(0.1, 3));

  it("is BCEWithLogitsLoss averaged over classes", () => {
    const each = new BCEWithLogitsLoss({ weight, reduction: "none" }).forward(input, target);
    const means = Float64Array.from(
      { length: 4 },
      (_, n) => (each.data[3 * n] + each.data[3 * n + 1] + each.data[3 * n + 2]) / 3,
    );
    const rows = softMargin({ weight, reduction: "none" }).forward(input, target);
    assertClose(rows, float64(means), { ...TIGHT, context: "none:" });
  });

  it("has the same mean as BCEWithLogitsLoss, with the same gradients", () => {
    const request = { wrt: [...WRT] };
    const one = softMargin({ weight }).valueAndGrad(input, target, request);
    const other = new BCEWithLogitsLoss({ weight }).valueAndGrad(input, target, request);
    assertClose(one.value, other.value, { ...TIGHT, context: "value:" });
    for (const name of WRT) {
      assertClose(one.grad[name], other.grad[name], { ...TIGHT, context: `${name}:` });
    }
  });
});

describe("MultiLabelSoftMarginLoss at random inputs", () => {
  const score = doubles(-50, 50);
  const label = doubles(0, 1);
  const pairs = fc.array(fc.tuple(score, label), { minLength: 1, maxLength: 9 });
  const agree = (a: number, b: number) => near(a, b, { rtol: 1e-14, atol: 1e-14 });

  it("is the mean of the losses of the single classes", () => {
    holds(fc.property(pairs, (pairs) => {
      const value = none.forward(pairs.map(([x]) => x), pairs.map(([, y]) => y)).item();
      return agree(value, sum(pairs.map(([x, y]) => at(x, y)[0])) / pairs.length);
    }));
  });

  it("is at least the entropy of the label, and reaches it where σ(x) = y", () => {
    const entropy = (y: number) => -sum([y, 1 - y].map((p) => p && p * Math.log(p)));
    holds(fc.property(score, label, (x, y) => at(x, y)[0] >= entropy(y) - 1e-14));
    holds(fc.property(doubles(-20, 20), (x) => {
      const y = 1 / (1 + Math.exp(-x));
      const [value, slope] = at(x, y);
      return Math.abs(value - entropy(y)) < 1e-13 && Math.abs(slope) < 1e-15;
    }));
  });

  it("is symmetric: -x and 1 - y give the same value", () => {
    holds(fc.property(score, label, (x, y) => {
      const [value, slope] = at(x, y);
      const [turned, opposite] = at(-x, 1 - y);
      return agree(turned, value) && agree(opposite, -slope);
    }));
  });

  it("has gradients between -1 and 1 that grow with the score: it is convex", () => {
    holds(fc.property(score, score, label, (a, b, y) => {
      const [low, high] = [Math.min(a, b), Math.max(a, b)].map((x) => at(x, y)[1]);
      return -1 <= low && low <= high + 1e-15 && high <= 1;
    }));
  });

  it("is linear in the label", () => {
    holds(
      fc.property(
        score,
        label,
        (x, y) => agree(at(x, y)[0], y * at(x, 1)[0] + (1 - y) * at(x, 0)[0]),
      ),
    );
  });
});

describe("MultiLabelSoftMarginLoss refuses", () => {
  it("a scalar as input, which has no class axis", () => {
    assertThrows(
      () => softMargin().forward(1, [1]),
      RangeError,
      "Cannot compute MultiLabelSoftMarginLoss as input must have a class axis: current shape is ()",
    );
  });

  it("shapes that do not go together", () => {
    const refused: [input: TensorLike, target: TensorLike, message: string][] = [
      [[[1, 2, 3]], [[1, 0]], "(1, 3) and (1, 2); axes must be equal or 1"],
      [[[1], [2]], [1, 0], "(2, 1) and (2,); give both the same shape, such as (2, 1)"],
      [[[1, 2], [3, 4]], [1, 0], "(2, 2) and (2,); give both the same number of axes"],
    ];
    for (const [input, target, message] of refused) {
      assertThrows(
        () => softMargin().forward(input, target),
        RangeError,
        "Cannot compute MultiLabelSoftMarginLoss as the shapes of input and target do not go together: " +
          `current shapes are ${message}`,
      );
    }
  });

  it("a weight that cannot be broadcast to the scores, and one that is not a tensor", () => {
    for (
      const [weight, shown] of [[[1, 2], "(2,)"], [[[1], [2]], "(2, 1)"], [[[[1]]], "(1, 1, 1)"]]
    ) {
      assertThrows(
        () => softMargin({ weight: weight as TensorLike }).forward([[1, 2, 3]], [[0, 1, 0]]),
        RangeError,
        "Cannot compute MultiLabelSoftMarginLoss as weight must be repeatable along the shape of the scores, " +
          `(1, 3): current shape is ${shown}`,
      );
    }
    assertThrows(() => softMargin({ weight: "1" as never }), TypeError, "Cannot read weight as it");
  });
});

testContract({
  loss: "MultiLabelSoftMarginLoss",
  Loss: MultiLabelSoftMarginLoss,
  known: ["weight", "reduction"],
  args: { input: new Random(8).tensor([2, 3]), target: bits(new Random(9), [2, 3]) },
  wrt: ["input", "target"],
});

describe("MultiLabelSoftMarginLoss result types", () => {
  it("have the gradients that wrt names, and no others", () => {
    const both = softMargin().valueAndGrad([1], [1], { wrt: ["input", "target"] });
    assertEquals(Object.keys(both.grad), ["input", "target"]);
    const target: Tensor = softMargin().valueAndGrad([1], [1], { wrt: ["target"] }).grad.target;
    assertEquals(target.toArray(), [-1]);
    // @ts-expect-error: a gradient that was not asked for is no property of the result.
    assertEquals(softMargin().valueAndGrad([1], [1]).grad.target, undefined);
  });
});
