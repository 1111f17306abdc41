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
import { assertClose, assertGradient, numericGradient, Random, testFixtures } from "./_fixtures.ts";
import { testFormula } from "./_formula.ts";
import { testContract } from "./_contract.ts";
import { floatsBetween } from "./_ulp.ts";
import { cases, formulas } from "./reference/cases/multi_label_soft_margin.ts";

const softMargin = (options?: MultiLabelSoftMarginLossOptions) =>
  new MultiLabelSoftMarginLoss(options);
const none = softMargin({ reduction: "none" });
const TIGHT = { rtol: 1e-14, atol: 1e-15 };
const WRT = ["input", "target"] as const;

/** Value and gradients of one score. */
function at(x: number, y: number, dtype = float64): [value: number, input: number, target: number] {
  const { value, grad } = none.valueAndGrad(dtype([x]), dtype([y]), { wrt: [...WRT] });
  return [value.item(), grad.input.item(), grad.target.item()];
}

/** 0s and 1s. */
const bits = (random: Random, shape: number[]) => random.tensor(shape, () => random.below(2));

testCases(cases, softMargin);

describe("MultiLabelSoftMarginLoss beside the document", () => {
  const scope = { x: [1.5, -2, 0.25, 8], y: [1, 0.25, 0, 1] };

  it("has its value, which PyTorch divides by C", () => {
    const terms = [...new Formula(formulas.value.text).evaluate(scope)];
    const wanted = terms.reduce((a, b) => a + b) / 4;
    // 1 - σ(8) has lost four digits, and so has the document's logarithm of it.
    const value = none.forward(scope.x, scope.y);
    assertClose(value, float64(wanted), { rtol: 1e-12, atol: 0, context: "value:" });
  });

  it("has its gradient, divided by C as well", () => {
    const wanted = [...new Formula(formulas.gradient.text).evaluate(scope)].map((g) => g / 4);
    const { grad } = none.valueAndGrad(scope.x, scope.y);
    assertClose(grad.input, float64(wanted), { rtol: 1e-12, atol: 1e-15, context: "grad:" });
  });
});

describe("MultiLabelSoftMarginLoss by hand", () => {
  const near = (actual: TensorLike, wanted: TensorLike) =>
    assertClose(float64(actual), float64(wanted), { ...TIGHT, context: "by hand:" });

  it("asks a yes-or-no question: log 2 where the score says nothing", () => {
    near(at(0, 1), [Math.log(2), 0.5 - 1, 0]);
    near(at(0, 0), [Math.log(2), 0.5, 0]);
  });

  it("has odds of 3 to 1 at log 3", () => {
    near(at(Math.log(3), 1), [Math.log(4 / 3), 3 / 4 - 1, -Math.log(3)]);
    near(at(Math.log(3), 0), [Math.log(4), 3 / 4, -Math.log(3)]);
    near(at(-Math.log(3), 0), [Math.log(4 / 3), 1 / 4, Math.log(3)]);
  });

  it("takes a probability for an answer, and the value is then a mixture of both", () => {
    const [yes, no] = [Math.log(4 / 3), Math.log(4)];
    near(at(Math.log(3), 0.25), [0.25 * yes + 0.75 * no, 3 / 4 - 0.25, -Math.log(3)]);
  });

  it("divides by C, for the sum too, and multiplies by a weight that no denominator counts", () => {
    const [x, y] = [[[0, 0], [0, 0], [0, 0]], [[1, 0], [0, 0], [1, 1]]];
    const item = (options: MultiLabelSoftMarginLossOptions) =>
      softMargin(options).forward(x, y).item();
    near(item({}), Math.log(2));
    near(item({ reduction: "sum" }), 3 * Math.log(2));
    near(item({ weight: [1, 5] }), 3 * Math.log(2));
    near(item({ weight: [[4], [0], [-1]], reduction: "sum" }), 3 * Math.log(2));
  });
});

describe("MultiLabelSoftMarginLoss beside logarithms of probabilities", () => {
  it("over 20 × 11, with labels in between and a weight for each class", () => {
    const random = new Random(1);
    const input = random.tensor([20, 11]);
    const target = random.tensor([20, 11], () => random.uniform());
    const weight = random.tensor([11], () => random.uniform(-1, 3));
    const y = target.toArray() as number[][];
    const wanted = (input.toArray() as number[][]).map((row, n) =>
      row.map((x, c) => {
        const p = 1 / (1 + Math.exp(-x));
        return -weight.data[c] * (y[n][c] * Math.log(p) + (1 - y[n][c]) * Math.log(1 - p));
      }).reduce((a, b) => a + b) / 11
    );
    const value = softMargin({ weight, reduction: "none" }).forward(input, target);
    assertClose(value, float64(wanted), { rtol: 1e-13, atol: 1e-14, context: "seed 1:" });
  });
});

testFixtures("multi_label_soft_margin", softMargin);

describe("MultiLabelSoftMarginLoss beside finite differences", () => {
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
    it(`agrees for ${reduction}, by input and target`, () => {
      for (const weight of [undefined, ...weights]) {
        assertGradient(softMargin({ reduction, weight }), args, { wrt: [...WRT] });
      }
    });

    it(`agrees for ${reduction}, by the weight`, () => {
      for (const weight of weights) {
        const gradOutput = random.tensor(reduction === "none" ? [3] : []);
        const { grad } = softMargin({ reduction, weight })
          .valueAndGrad(args.input, args.target, { wrt: ["weight"], gradOutput });
        const data = numericGradient((w) => {
          const loss = softMargin({ reduction, weight: float64(w.slice(), [...weight.shape]) });
          const value = [...loss.forward(args.input, args.target).data];
          return value.reduce((sum, v, i) => sum + v * gradOutput.data[i], 0);
        }, weight.data);
        const context = `weight (${weight.shape}):`;
        const wanted = { shape: weight.shape, data };
        assertClose(grad.weight, wanted, { rtol: 1e-9, atol: 1e-9, context });
      }
    });
  }

  it("agrees where an argument is repeated", () => {
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
  it("is what runs, for one class", () => {
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

describe("MultiLabelSoftMarginLoss where the two sides of x = 0 meet", () => {
  it("has no kink: value and gradient go on", () => {
    for (const y of [0, 0.3, 1]) {
      const [[a, slopeA], [b, slopeB]] = [at(-1e-12, y), at(1e-12, y)];
      assert(Math.abs(a - b) < 3e-12 && Math.abs(slopeA - slopeB) < 1e-12, `y = ${y}`);
      assertEquals(at(0, y), at(-0, y));
    }
  });
});

describe("MultiLabelSoftMarginLoss of extreme scores", () => {
  it("keeps all digits of a tiny loss, where softplus(x) - x y has none left", () => {
    for (const x of [17, 20, 36, 50]) {
      const z = Math.exp(-x);
      // log1p(z) and z / (1 + z), as z is small.
      for (const [found, wanted] of [[at(x, 1)[0], Math.log1p(z)], [at(x, 1)[1], -z / (1 + z)]]) {
        assert(floatsBetween(found, wanted, "float64") <= 4, `x = ${x}: ${found}, not ${wanted}`);
      }
      const [value, slope] = at(-x, 0, float32);
      assert(floatsBetween(value, Math.fround(Math.log1p(z)), "float32") <= 4);
      assert(floatsBetween(slope, Math.fround(z / (1 + z)), "float32") <= 4);
    }
  });

  it("huge: what the model was sure of if it is wrong, 0 if it is right", () => {
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

  it("NaN: NaN in its row, in no other", () => {
    const { value, grad } = none.valueAndGrad([[NaN, 1], [0, 1]], [[1, 0], [1, 0]]);
    assertEquals(value.data[0], NaN);
    assert(Number.isFinite(value.data[1]));
    assertEquals([...grad.input.data].map(Number.isNaN), [true, false, false, false]);
    assertEquals(at(0, NaN)[0], NaN);
    assertEquals(at(NaN, 0, float32)[0], NaN);
  });

  it("of no rows: NaN for the mean, 0 for the sum; of no classes: NaN", () => {
    const of = (shape: number[], reduction: "none" | "mean" | "sum") => {
      const nothing = float32(new Float32Array(0), shape);
      return softMargin({ reduction }).valueAndGrad(nothing, nothing);
    };
    assertEquals(of([0, 3], "mean").value.item(), NaN);
    assertEquals(of([0, 3], "sum").value.item(), 0);
    assertEquals(of([0, 3], "none").value.shape, [0]);
    assertEquals(of([0, 3], "mean").grad.input.shape, [0, 3]);
    assertEquals(of([2, 0], "none").value.toArray(), [NaN, NaN]);
  });

  it("many rows, long rows, and rows of one class: none falls between tiles", () => {
    const wrt = ["input", "weight"] as const;
    for (const [rows, classes] of [[10_000, 3], [3, 70_001], [5, 4097], [9000, 1]]) {
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

  it("2^20 equal scores in float32: their mean is that of one", () => {
    for (const shape of [[2 ** 10, 2 ** 10], [2 ** 18, 4]]) {
      const input = float32(new Float32Array(2 ** 20).fill(0.3), shape);
      const mean = softMargin().forward(input, float32(new Float32Array(2 ** 20), shape)).item();
      const [one] = at(0.3, 0, float32);
      assert(floatsBetween(mean, one, "float32") <= 1, `${mean}, not ${one}`);
    }
  });
});

describe("MultiLabelSoftMarginLoss reduced over (2, 3, 5)", () => {
  const random = new Random(6);
  const shape = [2, 3, 5];
  const [input, target] = [random.tensor(shape), bits(random, shape)];
  const each = none.valueAndGrad(input, target);

  it("keeps the shape without the last axis, and sums and averages what none keeps", () => {
    assertEquals(each.value.shape, [2, 3]);
    assertEquals(none.forward([1, 2], [0, 1]).shape, []);
    const sum = [...each.value.data].reduce((a, b) => a + b);
    const of = (reduction: "mean" | "sum") => softMargin({ reduction }).forward(input, target);
    assertClose(of("sum"), float64(sum), { ...TIGHT, context: "sum:" });
    assertClose(of("mean"), float64(sum / 6), { ...TIGHT, context: "mean:" });
  });

  it("scales gradients by the upstream gradient, a number or one for each row", () => {
    const upstream = random.tensor([2, 3]);
    const { grad } = none.valueAndGrad(input, target, { gradOutput: upstream });
    const data = each.grad.input.data.map((g, i) => g * upstream.data[Math.floor(i / 5)]);
    assertClose(grad.input, { shape, data }, { ...TIGHT, context: "none:" });
    const { grad: mean } = softMargin().valueAndGrad(input, target, { gradOutput: -6 });
    const turned = each.grad.input.data.map((g) => -g);
    assertClose(mean.input, { shape, data: turned }, { ...TIGHT, context: "mean:" });
  });

  it("repeats smaller targets and weights, and adds their gradients up", () => {
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

  it("divides by the classes of the input where it is the input that is repeated, as PyTorch", () => {
    const of = (reduction: "none" | "mean" | "sum") =>
      softMargin({ reduction }).forward([[0], [0]], [[1, 0, 1], [0, 0, 0]]);
    const one = 3 * Math.log(2);
    assertClose(of("none"), float64([one, one]), { ...TIGHT, context: "none:" });
    assertClose(of("mean"), float64(one), { ...TIGHT, context: "mean:" });
    assertClose(of("sum"), float64(2 * one), { ...TIGHT, context: "sum:" });
  });

  it("takes whole numbers as target, and any kind of numbers as weight", () => {
    const wanted = softMargin({ weight: [1, 2, 3, 4, 5] }).forward(input, target);
    const whole = int32(target.toArray() as NestedArray);
    assertEquals(softMargin({ weight: int32([1, 2, 3, 4, 5]) }).forward(input, whole), wanted);
  });

  it("computes in float32 if no argument is wider, whatever the type of the weight", () => {
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

describe("MultiLabelSoftMarginLoss among its siblings", () => {
  const random = new Random(7);
  const [input, target] = [random.tensor([4, 3]), random.tensor([4, 3], () => random.uniform())];
  const weight = random.tensor([3], () => random.uniform(0.1, 3));

  it("is the mean over classes of BCEWithLogitsLoss", () => {
    const each = new BCEWithLogitsLoss({ weight, reduction: "none" }).forward(input, target);
    const means = Float64Array.from(
      { length: 4 },
      (_, n) => (each.data[3 * n] + each.data[3 * n + 1] + each.data[3 * n + 2]) / 3,
    );
    const rows = softMargin({ weight, reduction: "none" }).forward(input, target);
    assertClose(rows, float64(means), { ...TIGHT, context: "none:" });
  });

  it("is BCEWithLogitsLoss itself for the mean, gradients included", () => {
    const request = { wrt: [...WRT] };
    const one = softMargin({ weight }).valueAndGrad(input, target, request);
    const other = new BCEWithLogitsLoss({ weight }).valueAndGrad(input, target, request);
    assertClose(one.value, other.value, { ...TIGHT, context: "value:" });
    for (const name of WRT) {
      assertClose(one.grad[name], other.grad[name], { ...TIGHT, context: `${name}:` });
    }
  });
});

describe("MultiLabelSoftMarginLoss as probed", () => {
  const score = fc.double({ min: -50, max: 50, noNaN: true });
  const label = fc.double({ min: 0, max: 1, noNaN: true });
  const pairs = fc.array(fc.tuple(score, label), { minLength: 1, maxLength: 9 });
  const holds = (property: fc.IRawProperty<unknown>) => fc.assert(property, { seed: 20 });
  const near = (a: number, b: number) => Math.abs(a - b) <= 1e-14 * (1 + Math.abs(b));

  it("is the mean over classes of the loss of each alone", () => {
    holds(fc.property(pairs, (pairs) => {
      const value = none.forward(pairs.map(([x]) => x), pairs.map(([, y]) => y)).item();
      return near(value, pairs.reduce((sum, [x, y]) => sum + at(x, y)[0], 0) / pairs.length);
    }));
  });

  it("is never below the entropy of the label, and reaches it where σ(x) = y", () => {
    const entropy = (y: number) => -[y, 1 - y].reduce((sum, p) => sum + (p && p * Math.log(p)), 0);
    holds(fc.property(score, label, (x, y) => at(x, y)[0] >= entropy(y) - 1e-14));
    holds(fc.property(fc.double({ min: -20, max: 20, noNaN: true }), (x) => {
      const y = 1 / (1 + Math.exp(-x));
      const [value, slope] = at(x, y);
      return Math.abs(value - entropy(y)) < 1e-13 && Math.abs(slope) < 1e-15;
    }));
  });

  it("is symmetric: score and label can both be turned around", () => {
    holds(fc.property(score, label, (x, y) => {
      const [value, slope] = at(x, y);
      const [turned, opposite] = at(-x, 1 - y);
      return near(turned, value) && near(opposite, -slope);
    }));
  });

  it("has slopes between -1 and 1, which grow with the score: it is convex", () => {
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
        (x, y) => near(at(x, y)[0], y * at(x, 1)[0] + (1 - y) * at(x, 0)[0]),
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

  it("a weight that is larger than the scores or fits no axis, and one that is no tensor", () => {
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

  it("whole numbers as input, which have no gradient", () => {
    assertThrows(
      () => softMargin().forward(int32([1]), [1]),
      TypeError,
      "Cannot compute MultiLabelSoftMarginLoss as input must be float32 or float64: current dtype is int32",
    );
  });

  it("to differentiate by a weight that was not given", () => {
    assertThrows(
      () => softMargin().valueAndGrad([1], [1], { wrt: ["weight"] }),
      TypeError,
      'Cannot differentiate MultiLabelSoftMarginLoss by "weight": wanted is one of input, target',
    );
  });
});

testContract({
  loss: "MultiLabelSoftMarginLoss",
  Loss: MultiLabelSoftMarginLoss,
  known: ["weight", "reduction"],
  args: { input: new Random(8).tensor([2, 3]), target: bits(new Random(9), [2, 3]) },
  wrt: ["input", "target"],
});

describe("MultiLabelSoftMarginLoss answers in types", () => {
  it("with the gradients that wrt names, and no other", () => {
    const both = softMargin().valueAndGrad([1], [1], { wrt: ["input", "target"] });
    assertEquals(Object.keys(both.grad), ["input", "target"]);
    const target: Tensor = softMargin().valueAndGrad([1], [1], { wrt: ["target"] }).grad.target;
    assertEquals(target.toArray(), [-1]);
    // @ts-expect-error: a gradient that was not asked for is no property of the result.
    assertEquals(softMargin().valueAndGrad([1], [1]).grad.target, undefined);
  });
});
