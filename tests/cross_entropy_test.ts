/** CrossEntropyLoss: -Σ_c q[c] log softmax(input)[c] of raw scores, where labels or probabilities give q. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import fc from "fast-check";
import {
  BCEWithLogitsLoss,
  CrossEntropyLoss,
  type CrossEntropyLossOptions,
  float32,
  float64,
  int32,
  logSoftmax,
  NLLLoss,
  type Tensor,
  type TensorLike,
} from "@lossbook/losses";
import { Formula } from "@lossbook/losses/formula";
import { testCases } from "./_cases.ts";
import { assertClose, assertNear } from "./_close.ts";
import { testContract } from "./_contract.ts";
import { testFixtures } from "./_fixtures.ts";
import type { Subject } from "./_loss.ts";
import { dot, softmax, sum } from "./_naive.ts";
import { assertGradient } from "./_numeric.ts";
import { doubles, holds } from "./_property.ts";
import { Random } from "./_random.ts";
import { testReductions } from "./_reductions.ts";
import { ACROSS_TILES, assertLabelsRefused } from "./_rows.ts";
import { cases } from "./reference/cases/cross_entropy.ts";

const crossEntropy = (options?: CrossEntropyLossOptions) => new CrossEntropyLoss(options);
const none = (options?: CrossEntropyLossOptions) => crossEntropy({ ...options, reduction: "none" });
const TIGHT = { rtol: 1e-13, atol: 1e-14 };
const subject: Subject = {
  loss: "CrossEntropyLoss",
  build: crossEntropy,
  draw: (random, [samples, classes]) => ({
    input: random.tensor([samples, classes]),
    target: random.labels([samples], classes),
  }),
  wrt: ["input"],
};
const ofProbabilities: Subject = {
  ...subject,
  loss: "CrossEntropyLoss of probabilities",
  draw: (random, shape) => ({ input: random.tensor(shape), target: random.probabilities(shape) }),
  wrt: ["input", "target"],
};

/** The tensor with axis 1 moved to the end, and all axes before it made one. */
function lastAxis(tensor: Tensor): Tensor {
  const [n, classes, ...inner] = tensor.shape;
  const size = inner.reduce((a, b) => a * b, 1);
  const data = new Float64Array(tensor.data.length);
  for (let i = 0; i < n * size; i++) {
    for (let c = 0; c < classes; c++) {
      data[i * classes + c] = tensor.data[(Math.floor(i / size) * classes + c) * size + i % size];
    }
  }
  return float64(data, [n * size, classes]);
}

testCases(cases, crossEntropy);

describe("CrossEntropyLoss computed by hand", () => {
  it("is the logarithm of the number of classes if all scores are equal", () => {
    for (const classes of [1, 2, 10, 1000]) {
      const { value, grad } = crossEntropy().valueAndGrad(new Float64Array(classes).fill(7), 0);
      assertClose(value, float64(Math.log(classes)), { ...TIGHT, context: `${classes}` });
      const wanted = Array.from({ length: classes }, (_, c) => 1 / classes - (c === 0 ? 1 : 0));
      assertClose(grad.input, float64(wanted), { ...TIGHT, context: `${classes}` });
    }
  });

  it("is log(1 + 1 / odds): log 5 at odds of 1 to 4", () => {
    const { value, grad } = crossEntropy().valueAndGrad([Math.log(4), 0], 1);
    assertClose(value, float64(Math.log(5)), { ...TIGHT, context: "value" });
    assertClose(grad.input, float64([0.8, 0.2 - 1]), { ...TIGHT, context: "grad" });
  });

  it("smooths labels: every class gets a share of the target, the right one included", () => {
    const value = crossEntropy({ labelSmoothing: 0.3 }).forward([Math.log(2), 0, 0], 0);
    const wanted = 0.7 * Math.log(2) + 0.1 * (Math.log(2) + 2 * Math.log(4));
    assertClose(value, float64(wanted), { ...TIGHT, context: "value" });
    const { grad } = crossEntropy({ labelSmoothing: 1 }).valueAndGrad([Math.log(2), 0, 0], 0);
    const even = [1 / 2 - 1 / 3, 1 / 4 - 1 / 3, 1 / 4 - 1 / 3];
    assertClose(grad.input, float64(even), { ...TIGHT, context: "labelSmoothing 1" });
  });

  it("divides by the weights of labels, but by the number of samples with probabilities", () => {
    const options = { weight: [1, 3] };
    const input = [[0, 0], [0, 0]];
    assertClose(crossEntropy(options).forward(input, [0, 1]), float64(Math.log(2)), {
      ...TIGHT,
      context: "labels",
    });
    assertClose(crossEntropy(options).forward(input, [[1, 0], [0, 1]]), float64(2 * Math.log(2)), {
      ...TIGHT,
      context: "probabilities",
    });
  });

  it("has the mean, no weight, no smoothing and ignoreIndex -100 by default", () => {
    const { value, grad } = crossEntropy().valueAndGrad([[0, 0], [9, 9], [1, 1]], [0, -100, 1]);
    assertClose(value, float64(Math.log(2)), { ...TIGHT, context: "value" });
    assertEquals(grad.input.toArray(), [[-0.25, 0.25], [0, 0], [0.25, -0.25]]);
  });

  it("gives 0 for ignored labels if there is no class, wherever the class axis is", () => {
    for (const labelSmoothing of [0, 0.5]) {
      const loss = none({ labelSmoothing });
      assertEquals(loss.forward(float32([], [2, 0]), [-100, -100]).toArray(), [0, 0]);
      assertEquals(loss.forward(float32([], [1, 0, 2]), [[-100, -100]]).toArray(), [[0, 0]]);
    }
  });
});

describe("CrossEntropyLoss against a one-line reference for each sample", () => {
  for (const labelSmoothing of [0, 0.2]) {
    it(`agrees over 37 × 11 with labels, a weight and labelSmoothing ${labelSmoothing}`, () => {
      const random = new Random(1);
      const input = random.tensor([37, 11], () => random.uniform(-3, 3));
      const labels = random.labels([37], 11).data;
      const weight = random.tensor([11], () => random.uniform(0, 2));
      const wanted = (input.toArray() as number[][]).map((row, n) => {
        const q = [...weight.data].map((w, c) =>
          (c === labels[n] ? (1 - labelSmoothing) * w : 0) + labelSmoothing / 11 * w
        );
        return -dot(q, softmax(row).map(Math.log));
      });
      const value = none({ weight, labelSmoothing }).forward(input, labels);
      assertClose(value, float64(wanted), { ...TIGHT, context: "none" });
      const divisor = sum(Array.from(labels, (label) => weight.data[label]));
      const mean = crossEntropy({ weight, labelSmoothing }).forward(input, labels);
      assertNear(mean.item(), sum(wanted) / divisor, { rtol: 1e-13 });
    });

    it(`agrees over 37 × 11 with probabilities, a weight and labelSmoothing ${labelSmoothing}`, () => {
      const random = new Random(2);
      const input = random.tensor([37, 11], () => random.uniform(-3, 3));
      const target = random.probabilities([37, 11]);
      const weight = random.tensor([11], () => random.uniform(0, 2));
      const wanted = (input.toArray() as number[][]).map((row, n) => {
        const q = Array.from(weight.data, (w, c) => {
          const t = (1 - labelSmoothing) * target.data[n * 11 + c] + labelSmoothing / 11;
          return w * t;
        });
        return -dot(q, softmax(row).map(Math.log));
      });
      const value = none({ weight, labelSmoothing }).forward(input, target);
      assertClose(value, float64(wanted), { ...TIGHT, context: "none" });
    });
  }
});

testFixtures("cross_entropy", crossEntropy);

describe("CrossEntropyLoss against finite differences", () => {
  const random = new Random(4);
  const weight = random.tensor([5], () => random.uniform(0.2, 2));
  const tolerance = 1e-9;

  for (const reduction of ["none", "mean", "sum"] as const) {
    it(`agrees for labels, ${reduction}`, () => {
      const target = int32([4, 0, 2]);
      for (
        const options of [{}, { weight }, { labelSmoothing: 0.3 }, { weight, labelSmoothing: 0.3 }]
      ) {
        const args = { input: random.tensor([3, 5]), target };
        const loss = crossEntropy({ reduction, ignoreIndex: 0, ...options });
        assertGradient(loss, args, { wrt: ["input"], tolerance });
      }
    });

    it(`agrees for probabilities, with respect to input and target, ${reduction}`, () => {
      for (
        const options of [{}, { weight }, { labelSmoothing: 0.3 }, { weight, labelSmoothing: 0.3 }]
      ) {
        const args = { input: random.tensor([3, 5]), target: random.probabilities([3, 5]) };
        const wrt = ["input", "target"];
        assertGradient(crossEntropy({ reduction, ...options }), args, { wrt, tolerance });
      }
    });

    it(`agrees in K dimensions, ${reduction}`, () => {
      const input = random.tensor([2, 5, 3]);
      const labels = { input, target: int32([[4, 0, 1], [2, 2, 3]]) };
      const options = { reduction, weight, labelSmoothing: 0.1 };
      assertGradient(crossEntropy(options), labels, { wrt: ["input"], tolerance });
      const soft = { input, target: random.probabilities([2, 5, 3]) };
      assertGradient(crossEntropy(options), soft, { wrt: ["input", "target"], tolerance });
    });
  }

  it("agrees with respect to weight, which is an option", () => {
    const [input, target] = [random.tensor([4, 5, 2]), random.probabilities([4, 5, 2])];
    const asArgument = {
      forward: (weight: Tensor) =>
        crossEntropy({ weight, labelSmoothing: 0.2 }).forward(input, target),
      valueAndGrad: (weight: Tensor, request: object) =>
        crossEntropy({ weight, labelSmoothing: 0.2 }).valueAndGrad(input, target, request),
    };
    assertGradient(asArgument, { weight }, { wrt: ["weight"], tolerance });
  });
});

describe("CrossEntropyLoss.formula", () => {
  it("is what is computed for each class", () => {
    const [x, q] = [[0.5, -1, 2], [0.2, 0.5, 0.3]];
    const m = 2;
    const s = sum(x.map((score) => Math.exp(score - m)));
    const { value, grad } = CrossEntropyLoss.formula;
    const terms = new Formula(value).evaluate({ q, x, m, s });
    const found = crossEntropy().valueAndGrad(x, q);
    assertNear(found.value.item(), sum(terms), { rtol: 1e-13 });
    const slopes = new Formula(grad.input).evaluate({ q, x, m, s, Q: 1 });
    assertClose(found.grad.input, float64(slopes), { ...TIGHT, context: "grad" });
  });
});

describe("CrossEntropyLoss with extreme scores", () => {
  for (const dtype of [float32, float64]) {
    it(`${dtype.name}: every finite score has a finite loss, however large it is`, () => {
      for (const big of [1000, 1e30]) {
        const { value, grad } = crossEntropy().valueAndGrad(dtype([big, -big, 0]), 1);
        assertEquals(value.item(), dtype(2 * big).item());
        assertEquals([...grad.input.data], [1, -1, 0]);
      }
    });

    it(`${dtype.name}: -∞ for another class removes the class; for the right class the loss is ∞`, () => {
      const out = crossEntropy().valueAndGrad(dtype([0, -Infinity, 0]), 0);
      assertEquals(out.value.item(), dtype(Math.log(2)).item());
      assertEquals([...out.grad.input.data], [-0.5, 0, 0.5]);
      const lost = crossEntropy().valueAndGrad(dtype([0, -Infinity, 0]), 1);
      assertEquals([lost.value.item(), ...lost.grad.input.data], [Infinity, 0.5, -1, 0.5]);
    });
  }

  it("float32: a nearly certain right answer keeps the digits of its gradient", () => {
    for (const lead of [5, 10, 14, 20]) {
      const { value, grad } = crossEntropy().valueAndGrad(float32([lead, 0]), 0);
      const gap = 1 / (1 + Math.exp(lead));
      const tolerance = { rtol: 1e-6, atol: 0, context: `lead ${lead}` };
      assertClose(grad.input, float64([-gap, gap]), tolerance);
      // Sums of exponentials are kept in float64, so that a small term is not lost when it is added to 1.
      assertClose(value, float64(Math.log1p(Math.exp(-lead))), tolerance);
    }
  });

  it("all labels ignored: the mean is NaN with gradient 0, the sum is 0", () => {
    for (const labelSmoothing of [0, 0.1]) {
      const mean = crossEntropy({ labelSmoothing, weight: [1, 2] })
        .valueAndGrad([[1, 2], [3, 4]], [-100, -100]);
      assertEquals([mean.value.item(), ...mean.grad.input.data], [NaN, 0, 0, 0, 0]);
    }
    const [input, target] = [[[1, 2]], [1]];
    assertEquals(
      crossEntropy({ reduction: "sum", ignoreIndex: 1 }).forward(input, target).item(),
      0,
    );
    assertEquals(none({ ignoreIndex: 1 }).forward(input, target).toArray(), [0]);
  });

  it("an ignored sample has gradient 0 even if its scores are NaN", () => {
    for (const shape of [[2, 2], [1, 2, 2]]) {
      const input = float64(shape.length === 2 ? [NaN, 1, 0, 0] : [NaN, 0, 1, 0], shape);
      const target = int32([-100, 0], shape.length === 2 ? [2] : [1, 2]);
      const { value, grad } = crossEntropy().valueAndGrad(input, target);
      assertClose(value, float64(Math.log(2)), { ...TIGHT, context: `(${shape})` });
      const wanted = shape.length === 2 ? [0, 0, -0.5, 0.5] : [0, -0.5, 0, 0.5];
      assertEquals([...grad.input.data], wanted);
    }
  });

  it("many rows, long rows, wide images: correct across tiles", () => {
    const images = [[2, 3, 11_000], [1, 40_000, 3], [3, 7, 5]];
    for (const shape of [...ACROSS_TILES, ...images]) {
      const random = new Random(shape[0]);
      const input = random.tensor(shape);
      const [n, classes, inner = 1] = shape;
      const sampleShape = shape.length === 3 ? [n, inner] : [n];
      const target = random.labels(sampleShape, classes);
      const gradOutput = random.tensor(sampleShape);
      const { value, grad } = none({ labelSmoothing: 0.25 })
        .valueAndGrad(input, target, { gradOutput });
      const [rows, slopes] = shape.length === 3
        ? [lastAxis(input), lastAxis(grad.input)]
        : [input, grad.input];
      for (const i of [0, 1, (n * inner) >> 1, n * inner - 1]) {
        const row = Array.from(rows.data.subarray(i * classes, (i + 1) * classes));
        const p = softmax(row);
        const q = p.map((_, c) => 0.25 / classes + (c === target.data[i] ? 0.75 : 0));
        const context = `sample ${i} of (${shape})`;
        assertNear(value.data[i], -dot(q, p.map(Math.log)), { rtol: 1e-11, context });
        const found = Array.from(slopes.data.subarray(i * classes, (i + 1) * classes));
        const wanted = p.map((pc, c) => gradOutput.data[i] * (pc - q[c]));
        assertClose(float64(found), float64(wanted), { rtol: 1e-10, atol: 1e-12, context });
      }
    }
  });

  it("2^20 equal samples in float32: the mean is exact", () => {
    const each = none().forward(float32([0.1, 0.4]), 1).item();
    const input = float32(Float32Array.from({ length: 2 ** 21 }, (_, i) => i % 2 ? 0.4 : 0.1), [
      2 ** 20,
      2,
    ]);
    assertEquals(crossEntropy().forward(input, new Int32Array(2 ** 20).fill(1)).item(), each);
  });

  it("smoothing beside weights that are 0 for all labels: the mean is NaN, as in PyTorch", () => {
    const loss = (reduction: "mean" | "sum") =>
      new CrossEntropyLoss({ weight: [0, 1], labelSmoothing: 0.2, ignoreIndex: 1, reduction });
    // Rows, then columns; the second sample is ignored.
    for (const [input, target] of [[[[1, 2], [3, 4]], [0, 1]], [[[[1, 3], [2, 4]]], [[0, 1]]]]) {
      const { value, grad } = loss("mean").valueAndGrad(input, target);
      assertEquals(value.item(), NaN);
      const isRow = target.length === 2;
      const wanted = isRow ? [NaN, NaN, 0, 0] : [NaN, 0, NaN, 0];
      assertEquals([...grad.input.data], wanted);
      const sum = loss("sum").forward(input, target).item();
      const wanted1 = 0.2 / 2 * (Math.log(Math.exp(1) + Math.exp(2)) - 2);
      assertClose(float64(sum), float64(wanted1), { rtol: 0, atol: 1e-15, context: "sum" });
    }
  });
});

const transposed = (table: number[][]) => table[0].map((_, c) => table.map((row) => row[c]));

/** Labels, or rows of probabilities. */
type Answers = number[] | number[][];

interface SampleOptions extends CrossEntropyLossOptions {
  dtype?: typeof float64;
  gradOutput?: number[];
}

/** Value and gradients of samples whose scores are the rows of (N, C); with respect to the target only for probabilities. */
function ofRows(rows: number[][], answers: Answers, sampled: SampleOptions = {}) {
  const { dtype = float64, gradOutput, ...options } = sampled;
  const loss = none(options);
  if (typeof answers[0] === "number") {
    const { value, grad } = loss.valueAndGrad(dtype(rows), answers, { gradOutput });
    return { value: value.toArray() as number[], input: grad.input.toArray() as number[][] };
  }
  const wrt: ("input" | "target")[] = ["input", "target"];
  const { value, grad } = loss.valueAndGrad(dtype(rows), dtype(answers), { wrt, gradOutput });
  return {
    value: value.toArray() as number[],
    input: grad.input.toArray() as number[][],
    target: grad.target.toArray() as number[][],
  };
}

/** The same for samples whose scores are the columns of one image (1, C, N). */
function ofColumns(rows: number[][], answers: Answers, sampled: SampleOptions = {}) {
  const { dtype = float64, gradOutput: upstream, ...options } = sampled;
  const gradOutput = upstream && [upstream];
  const loss = none(options);
  const image = dtype([transposed(rows)]);
  const back = (tensor: Tensor) => transposed((tensor.toArray() as number[][][])[0]);
  if (typeof answers[0] === "number") {
    const { value, grad } = loss.valueAndGrad(image, [answers as number[]], { gradOutput });
    return { value: (value.toArray() as number[][])[0], input: back(grad.input) };
  }
  const wrt: ("input" | "target")[] = ["input", "target"];
  const target = dtype([transposed(answers as number[][])]);
  const { value, grad } = loss.valueAndGrad(image, target, { wrt, gradOutput });
  return {
    value: (value.toArray() as number[][])[0],
    input: back(grad.input),
    target: back(grad.target),
  };
}

/** -log softmax(row), with its limit where scores are infinite, and NaN where there is none. */
function negativeLogSoftmax(row: number[]): number[] {
  const infinite = row.filter((x) => x === Infinity).length;
  if (infinite > 1 || row.some(Number.isNaN)) return row.map(() => NaN);
  if (infinite === 1) return row.map((x) => x === Infinity ? 0 : Infinity);
  // If all scores are -∞, this is log 0 + ∞, which is NaN.
  const total = sum(row.map(Math.exp));
  return row.map((x) => Math.log(total) - x);
}

for (const dtype of [float32, float64]) {
  for (const each of [ofRows, ofColumns]) {
    describe(`CrossEntropyLoss with infinite scores, ${dtype.name}, ${each.name}`, () => {
      /** The result of the first of two samples: an image of a single column would be computed as a row. */
      const at = (
        row: number[],
        target: number | number[],
        options: CrossEntropyLossOptions = {},
      ) => {
        const rows = [row, row.map(() => 1)];
        const out = each(rows, [target, target] as Answers, { dtype, ...options });
        return { value: out.value[0], input: out.input[0], target: out.target?.[0] };
      };
      const f = (x: number) => dtype(x).item();

      it("one score of ∞ has probability 1: the loss is 0 if it is right and ∞ if it is wrong", () => {
        assertEquals(at([Infinity, 0, -3], 0), { value: 0, input: [0, 0, 0], target: undefined });
        const wrong = { value: Infinity, input: [1, -1, 0], target: undefined };
        assertEquals(at([Infinity, 0, -3], 1), wrong);
        assertEquals(at([Infinity, -Infinity, -3], 1), wrong);
        assertEquals(at([Infinity], 0), { value: 0, input: [0], target: undefined });
      });

      it("and that is the limit of a growing score", () => {
        for (const label of [0, 1]) {
          for (const options of [{}, { labelSmoothing: 0.3 }, { weight: [1, 2, 3] }]) {
            const last = at([Infinity, 0, -3], label, options);
            for (const big of [1e4, 1e30]) {
              const finite = at([big, 0, -3], label, options);
              assertEquals(finite.input, last.input, `${big}`);
              // A loss that is infinite in the limit grows with the score.
              if (last.value === 0) assertEquals(finite.value, 0);
              else assert(last.value === Infinity && finite.value > big / 20, `${finite.value}`);
            }
          }
        }
      });

      it("-∞ is the limit of a falling score", () => {
        for (const label of [0, 1]) {
          for (const options of [{}, { labelSmoothing: 0.3 }, { weight: [1, 2, 3] }]) {
            const last = at([2, -Infinity, 0], label, options);
            for (const big of [1e4, 1e30]) {
              const finite = at([2, -big, 0], label, options);
              assertEquals(finite.input, last.input, `${big}`);
              if (last.value < Infinity) assertEquals(finite.value, last.value);
              else assert(finite.value > big / 20, `${finite.value}`);
            }
          }
        }
      });

      it("with smoothing and a score of ∞ or -∞ the loss is infinite, and the gradient is finite", () => {
        const labelSmoothing = 0.3;
        const rest = f(0.3 / 3);
        const certain = at([Infinity, 0, -3], 0, { labelSmoothing });
        assertEquals(certain.value, Infinity);
        assertClose(float64(certain.input), float64([1 - 0.8, -rest, -rest]), {
          rtol: 1e-6,
          atol: 0,
          context: "∞",
        });
        assertEquals(at([0, -Infinity], 0, { labelSmoothing }).value, Infinity);
        assertEquals(at([0, -Infinity], 1, { labelSmoothing: 1 }).value, Infinity);
      });

      it("a class of weight 0 does not count, even at -∞ with smoothing", () => {
        const weight = [1, 0, 0];
        for (const labelSmoothing of [0.3, 1]) {
          const { value, input } = at([Infinity, 0, -3], 0, { labelSmoothing, weight });
          assertEquals(value, 0);
          assert(input.every((g) => Math.abs(g) < 1e-7), `${input}`);
          const masked = at([0, -Infinity, -Infinity], 0, { labelSmoothing, weight });
          assertEquals(masked.value, 0);
        }
        assertEquals(at([0, -Infinity, 1], 1, { weight }).value, 0);
        assertEquals(at([0, -Infinity, 1], 1, { weight }).input.map(Math.abs), [0, 0, 0]);
      });

      it("weights multiply value and gradient", () => {
        const weight = [2, 3, 5];
        assertEquals(at([Infinity, 0, -3], 0, { weight }).value, 0);
        const wrong = at([Infinity, 0, -3], 1, { weight });
        assertEquals([wrong.value, ...wrong.input], [Infinity, 3, -3, 0]);
      });

      it("classes with target probability 0 add 0; the gradient with respect to target is -log p", () => {
        assertEquals(at([Infinity, 0, -3], [1, 0, 0]), {
          value: 0,
          input: [0, 0, 0],
          target: [0, Infinity, Infinity],
        });
        assertEquals(at([Infinity, 0, -3], [0.5, 0.5, 0]), {
          value: Infinity,
          input: [0.5, -0.5, 0],
          target: [0, Infinity, Infinity],
        });
        assertEquals(at([0, -Infinity, 0], [0.5, 0, 0.5]), {
          value: f(Math.log(2)),
          input: [0, 0, 0],
          target: [f(Math.log(2)), Infinity, f(Math.log(2))],
        });
        const weight = [1, 0, 4];
        assertEquals(at([Infinity, -Infinity, 0], [0.5, 0.5, 0], { weight }), {
          value: 0,
          input: [0, 0, 0],
          target: [0, 0, Infinity],
        });
      });

      it("rows with several ∞, with -∞ only or with NaN have no limit: NaN there, and nowhere else", () => {
        const lost = [
          [Infinity, Infinity, 0],
          [Infinity, -Infinity, Infinity],
          [-Infinity, -Infinity, -Infinity],
          [NaN, 0, 0],
          [0, NaN, Infinity],
          [-Infinity, -Infinity, NaN],
        ];
        const targets = [0, 1, [0.2, 0.3, 0.5], [0, 1, 0]];
        const rows = lost.flatMap((row) => [row, [0, 0, 0], [Infinity, 0, 0]]);
        for (const target of targets) {
          for (const options of [{}, { labelSmoothing: 0.3 }, { weight: [1, 2, 3] }]) {
            const found = each(rows, rows.map(() => target) as Answers, { dtype, ...options });
            rows.forEach((row, n) => {
              const isLost = n % 3 === 0;
              const slopes = [...found.input[n], ...found.target?.[n] ?? []];
              assertEquals(Number.isNaN(found.value[n]), isLost, `${row}`);
              assert(slopes.every((g) => Number.isNaN(g) === isLost), `${row}: ${slopes}`);
            });
          }
        }
      });

      it("every row of three out of -∞, -3, 0, 2, ∞, NaN is -Σ q log p", () => {
        const scores = [-Infinity, -3, 0, 2, Infinity, NaN];
        const rows = scores.flatMap((a) => scores.flatMap((b) => scores.map((c) => [a, b, c])));
        const gradOutput = rows.map((_, n) => 0.5 + n % 3);
        const close = dtype === float32 ? { rtol: 1e-6, atol: 1e-6 } : { rtol: 1e-14, atol: 1e-15 };
        for (const weight of [undefined, [0, 2, 1], [0.5, 1, 2]]) {
          for (const labelSmoothing of [0, 0.3, 1]) {
            for (const target of [1, 2, [0, 1, 0], [0, 0.5, 0.5], [0.2, 0.3, 0.5]]) {
              const [keep, spread] = [1 - labelSmoothing, labelSmoothing / 3];
              const w = weight ?? [1, 1, 1];
              const q = w.map((own, c) =>
                typeof target === "number"
                  ? (c === target ? keep * own : 0) + spread * own
                  : own * (keep * target[c] + spread)
              );
              const wanted = rows.map((row, n) => {
                const costs = negativeLogSoftmax(row);
                const factor = (of: number, cost: number) =>
                  of === 0 && !Number.isNaN(cost) ? 0 : of * cost;
                const mass = sum(q);
                return {
                  value: sum(costs.map((cost, c) => factor(q[c], cost))),
                  input: costs.map((cost, c) => gradOutput[n] * (Math.exp(-cost) * mass - q[c])),
                  target: costs.map((cost, c) => gradOutput[n] * factor(keep * w[c], cost)),
                };
              });
              const targets = rows.map(() => target) as Answers;
              const options = { weight, labelSmoothing, dtype, gradOutput };
              const found = each(rows, targets, options);
              const context = `weight ${weight}, labelSmoothing ${labelSmoothing}, ${target}:`;
              const compare = (name: string, a: number[], b: number[]) =>
                assertClose(float64(a), float64(b), { ...close, context: `${context} ${name}` });
              compare("value", found.value, wanted.map(({ value }) => value));
              compare("input", found.input.flat(), wanted.flatMap(({ input }) => input));
              // Where a row has no limit, a factor of exactly 0 makes the gradient undefined; it is not compared.
              const hasLimit = (n: number) => !Number.isNaN(negativeLogSoftmax(rows[n])[0]);
              if (found.target) {
                compare(
                  "target",
                  found.target.filter((_, n) => hasLimit(n)).flat(),
                  wanted.filter((_, n) => hasLimit(n)).flatMap(({ target }) => target),
                );
              }
            }
          }
        }
      });
    });
  }
}

describe("CrossEntropyLoss with infinite scores in a batch", () => {
  const rows = [[Infinity, 0], [0, 0], [-Infinity, 1], [5, 9]];
  const labels = [0, 1, 1, -100];

  it("adds up and averages the unreduced values, infinite ones included", () => {
    const total = crossEntropy({ reduction: "sum" }).valueAndGrad(rows, labels);
    assertEquals(total.value.item(), Math.log(2));
    assertEquals(total.grad.input.toArray(), [[0, 0], [0.5, -0.5], [0, 0], [0, 0]]);
    const mean = crossEntropy().valueAndGrad(rows, labels, { gradOutput: 6 });
    assertEquals(mean.value.item(), Math.log(2) / 3);
    assertEquals(mean.grad.input.toArray(), [[0, 0], [1, -1], [0, 0], [0, 0]]);
    const lost = crossEntropy().valueAndGrad(rows, [1, 1, 1, -100], { gradOutput: 3 });
    assertEquals(lost.value.item(), Infinity);
    assertEquals(lost.grad.input.toArray(), [[1, -1], [0.5, -0.5], [0, 0], [0, 0]]);
  });

  it("gives the same for the columns of an image", () => {
    const image = [transposed(rows)];
    for (const reduction of ["mean", "sum"] as const) {
      for (const options of [{}, { labelSmoothing: 0.2 }, { weight: [1, 3] }]) {
        const loss = crossEntropy({ reduction, ...options });
        const [down, along] = [
          loss.valueAndGrad(image, [labels]),
          loss.valueAndGrad(rows, labels),
        ];
        assertClose(down.value, along.value, { ...TIGHT, context: reduction });
        assertClose(lastAxis(down.grad.input), along.grad.input, { ...TIGHT, context: reduction });
      }
    }
  });

  it("has a gradient with respect to weight of Σ -t log p: 0 where t is 0, ∞ where only p is 0", () => {
    const slopes = (t: number[][]) =>
      crossEntropy({ weight: [1, 1], reduction: "sum" })
        .valueAndGrad(rows.slice(0, 3), t, { wrt: ["weight"] }).grad.weight.toArray();
    assertEquals(slopes([[1, 0], [0.5, 0.5], [0, 1]]), [0.5 * Math.log(2), 0.5 * Math.log(2)]);
    assertEquals(slopes([[1, 0], [0.5, 0.5], [0.5, 0.5]]), [Infinity, 0.5 * Math.log(2)]);
  });

  it("is NaN for a NaN score even if its weight or target probability is 0", () => {
    for (const each of [ofRows, ofColumns]) {
      for (const labelSmoothing of [0, 0.3]) {
        const { value } = each([[NaN, 0], [0, NaN]], [0, 0], { labelSmoothing, weight: [0, 1] });
        assertEquals(value, [NaN, NaN]);
      }
    }
    const none = crossEntropy({ reduction: "none" });
    assertEquals(none.forward([[NaN, 0]], [[0, 1]]).toArray(), [NaN]);
  });

  it("is 0 for an ignored sample, whatever its scores", () => {
    for (const row of [[Infinity, 0], [Infinity, Infinity], [-Infinity, -Infinity]]) {
      for (const each of [ofRows, ofColumns]) {
        for (const labelSmoothing of [0, 0.3]) {
          const { value, input } = each([row, [0, 0]], [-100, 1], { labelSmoothing });
          assertEquals([value[0], ...input[0]], [0, 0, 0], `${row}`);
          assert(value[1] > 0 && Number.isFinite(value[1]), `${row}`);
        }
      }
    }
  });

  it("is correct across tiles: in long rows, high columns and many samples", () => {
    for (const [count, classes] of [[3, 70_001], [9001, 7], [40_003, 2]]) {
      const input = new Float32Array(count * classes);
      const labels = new Int32Array(count);
      for (let n = 0; n < count; n++) {
        const certain = (n * 7919 + 13) % classes;
        input[n * classes + certain] = Infinity;
        // Every fifth label is another class.
        labels[n] = n % 5 === 4 ? (certain + 1) % classes : certain;
      }
      const wanted = Array.from(labels, (_, n) => n % 5 === 4 ? Infinity : 0);
      const along = none().valueAndGrad(float32(input, [count, classes]), labels);
      assertEquals([...along.value.data], wanted);
      const down = new Float32Array(count * classes);
      input.forEach((x, i) => down[(i % classes) * count + Math.floor(i / classes)] = x);
      const image = none().valueAndGrad(
        float32(down, [1, classes, count]),
        int32(labels, [1, count]),
      );
      assertEquals([...image.value.data], wanted);
      for (const { grad } of [along, image]) {
        let total = 0;
        for (const g of grad.input.data) total += Math.abs(g);
        assertEquals(total, 2 * wanted.filter((v) => v > 0).length);
      }
    }
  });

  it("is NLLLoss of logSoftmax, with the same gradients", () => {
    const scores = [-Infinity, 0, 2, Infinity, NaN];
    const all = scores.flatMap((a) => scores.flatMap((b) => scores.map((c) => [a, b, c])));
    for (const dtype of [float32, float64]) {
      for (const weight of [undefined, [0, 2, 1]]) {
        for (const reduction of ["none", "mean", "sum"] as const) {
          for (const row of all) {
            const options = { reduction, weight };
            const input = dtype([row]);
            const one = crossEntropy(options).valueAndGrad(input, [1]);
            const nll = new NLLLoss(options).valueAndGrad(logSoftmax(input), [1]);
            const through = logSoftmax.valueAndGrad(input, { gradOutput: nll.grad.input });
            const close = { rtol: 1e-6, atol: 1e-7, context: `${row}` };
            assertClose(one.value, nll.value, close);
            assertClose(one.grad.input, through.grad.input, close);
          }
        }
      }
    }
  });

  it("is BCEWithLogitsLoss of x for the two scores 0 and x", () => {
    for (const x of [Infinity, -Infinity]) {
      for (const y of [0, 1, 0.25]) {
        const bce = new BCEWithLogitsLoss().valueAndGrad([x], [y]);
        const two = crossEntropy().valueAndGrad([0, x], [1 - y, y]);
        assertEquals(two.value.item(), bce.value.item());
        assertEquals(two.grad.input.data[1], bce.grad.input.data[0]);
      }
    }
  });
});

for (const each of [subject, ofProbabilities]) {
  testReductions(each, { empty: [[[0, 3], [0]]] });
}

describe("CrossEntropyLoss with arguments of different dtypes", () => {
  it("computes in the dtype of the input, or in float64 if the probabilities are float64", () => {
    const scores = float32([[1, 2]]);
    assertEquals(crossEntropy().forward(scores, [1]).dtype, "float32");
    assertEquals(crossEntropy().forward(scores, [[0.5, 0.5]]).dtype, "float32");
    assertEquals(crossEntropy().forward(scores, float64([[0.5, 0.5]])).dtype, "float64");
  });
});

describe("CrossEntropyLoss and related losses", () => {
  const random = new Random(9);

  it("is NLLLoss of logSoftmax, with the same gradients", () => {
    for (const shape of [[6, 5], [2, 5, 3]]) {
      const input = random.tensor(shape);
      const target = random.labels(shape.toSpliced(1, 1), 5);
      const weight = random.tensor([5], () => random.uniform(0.1, 2));
      for (const options of [{}, { weight, ignoreIndex: 2 }] as const) {
        const one = crossEntropy(options).valueAndGrad(input, target);
        const nll = new NLLLoss(options).valueAndGrad(
          logSoftmax.forward(input, { dim: 1 }),
          target,
        );
        const through = logSoftmax.valueAndGrad(input, { dim: 1, gradOutput: nll.grad.input });
        assertClose(one.value, nll.value, { ...TIGHT, context: "value" });
        assertClose(one.grad.input, through.grad.input, { ...TIGHT, context: "grad" });
      }
    }
  });

  it("is BCEWithLogitsLoss of the difference of the scores for two classes", () => {
    const input = random.tensor([7, 2]);
    const labels = [1, 0, 1, 1, 0, 0, 1];
    const difference = labels.map((_, n) => input.data[2 * n + 1] - input.data[2 * n]);
    const bce = new BCEWithLogitsLoss().valueAndGrad(difference, labels);
    const two = crossEntropy().valueAndGrad(input, labels);
    assertClose(two.value, bce.value, { ...TIGHT, context: "value" });
    const second = float64(labels.map((_, n) => two.grad.input.data[2 * n + 1]));
    assertClose(second, bce.grad.input, { ...TIGHT, context: "grad" });
  });

  it("is the same for labels and for one-hot probabilities", () => {
    const input = random.tensor([4, 3]);
    const labels = [2, 0, 1, 1];
    const oneHot = float64(labels.map((label) => [0, 1, 2].map((c) => c === label ? 1 : 0)));
    for (const labelSmoothing of [0, 0.4]) {
      const [hard, soft] = [labels, oneHot].map((target) =>
        crossEntropy({ labelSmoothing }).valueAndGrad(input, target)
      );
      assertClose(soft.value, hard.value, { ...TIGHT, context: "value" });
      assertClose(soft.grad.input, hard.grad.input, { ...TIGHT, context: "grad" });
    }
  });

  it("is the same over (N, C, d) and over the rows of (N d, C)", () => {
    const input = random.tensor([3, 4, 5]);
    const labels = random.labels([3, 5], 4);
    for (const options of [{}, { labelSmoothing: 0.2, weight: [1, 2, 3, 0.5], ignoreIndex: 1 }]) {
      const image = crossEntropy(options).valueAndGrad(input, labels);
      const rows = crossEntropy(options).valueAndGrad(lastAxis(input), labels.data);
      assertClose(image.value, rows.value, { ...TIGHT, context: "value" });
      assertClose(lastAxis(image.grad.input), rows.grad.input, { ...TIGHT, context: "grad" });
    }
  });
});

describe("CrossEntropyLoss at random inputs", () => {
  const scores = fc.array(doubles(-30, 30), {
    minLength: 1,
    maxLength: 8,
  });
  const rows = fc.tuple(scores, fc.nat()).map((
    [row, n],
  ): [number[], number] => [row, n % row.length]);
  const value = (row: number[], label: number) => crossEntropy().forward(row, label).item();

  it("is never negative, and at least what the right score lacks to the largest", () => {
    holds(fc.property(rows, ([row, label]) => value(row, label) >= Math.max(...row) - row[label]));
  });

  it("depends only on differences: adding one number to all scores changes nothing but rounding", () => {
    holds(fc.property(rows, fc.integer({ min: -64, max: 64 }), ([row, label], shift) => {
      const moved = value(row.map((x) => x + shift), label);
      return Math.abs(moved - value(row, label)) <= 1e-13 * (1 + Math.abs(shift) + moved);
    }));
  });

  it("has gradients in [-1, 1] that add up to 0 and are negative only for the right class", () => {
    holds(fc.property(rows, ([row, label]) => {
      const grad = Array.from(crossEntropy().valueAndGrad(row, label).grad.input.data);
      return Math.abs(sum(grad)) < 1e-14 * row.length &&
        grad.every((g, c) => c === label ? g <= 0 && g >= -1 : g >= 0 && g <= 1);
    }));
  });

  it("is convex: no chord lies below it", () => {
    holds(fc.property(rows, scores, ([a, label], b) => {
      const other = a.map((_, c) => b[c % b.length]);
      const middle = a.map((x, c) => (x + other[c]) / 2);
      const chord = (value(a, label) + value(other, label)) / 2;
      return value(middle, label) <= chord + 1e-13 * (1 + chord);
    }));
  });
});

describe("CrossEntropyLoss refuses", () => {
  it("labels that are not classes, and leaves buffers as they were", () => {
    assertLabelsRefused(
      crossEntropy(),
      [-1, 3, 1.5, NaN, Infinity],
      "Cannot compute CrossEntropyLoss as target must hold classes from 0 to 2 or ignoreIndex, -100",
    );
  });

  it("a labelSmoothing outside of 0 to 1", () => {
    const message =
      "Cannot make CrossEntropyLoss as labelSmoothing must be between 0 and 1: current value is";
    for (const labelSmoothing of [-0.1, 1.1, NaN, Infinity]) {
      assertThrows(
        () => crossEntropy({ labelSmoothing }),
        RangeError,
        `${message} ${labelSmoothing}`,
      );
    }
    assertThrows(() => crossEntropy({ labelSmoothing: "0" as never }), TypeError, `${message} "0"`);
  });

  it("integers in the shape of probabilities, and floats in the shape of labels", () => {
    assertThrows(
      () => crossEntropy().forward(float32([[1, 2]]), int32([[0, 1]])),
      TypeError,
      "Cannot compute CrossEntropyLoss as target of the shape of input must be float32: current dtype is int32",
    );
    assertThrows(
      () => crossEntropy().forward([[1, 2]], float64([1])),
      TypeError,
      "Cannot compute CrossEntropyLoss as target must be int32: current dtype is float64",
    );
  });

  it("an ignoreIndex that could be a class, with probabilities", () => {
    assertThrows(
      () => crossEntropy({ ignoreIndex: 0 }).forward([[1, 2]], [[0.5, 0.5]]),
      RangeError,
      "Cannot compute CrossEntropyLoss as ignoreIndex must be < 0 if target holds probabilities: current value is 0",
    );
  });

  it("an input without a class axis", () => {
    assertThrows(
      () => crossEntropy().forward(1, 0),
      RangeError,
      "Cannot compute CrossEntropyLoss as input must have a class axis: current shape is ()",
    );
  });

  it("labels whose shape does not go together with the input's, and shows both shapes", () => {
    const refused: [input: TensorLike, target: TensorLike, message: string][] = [
      [[[1, 2], [3, 4]], [0], "(2,): current shapes are (2, 2) and (1,)"],
      [[1, 2, 3], [0, 1], "(): current shapes are (3,) and (2,)"],
      [[[[1, 2]], [[1, 2]]], [[0, 0, 0]], "(2, 2): current shapes are (2, 1, 2) and (1, 3)"],
    ];
    for (const [input, target, message] of refused) {
      assertThrows(
        () => crossEntropy().forward(input, target),
        RangeError,
        `Cannot compute CrossEntropyLoss as target must have the shape of input without its class axis, ${message}`,
      );
    }
  });

  it("a weight that is not one number per class in the dtype of the input", () => {
    for (const target of [[0], [[0.5, 0.5]]]) {
      assertThrows(
        () => crossEntropy({ weight: [1, 2, 3] }).forward([[1, 2]], target),
        RangeError,
        "Cannot compute CrossEntropyLoss as weight must have the shape (2,), one number per class: current shape is (3,)",
      );
      assertThrows(
        () => crossEntropy({ weight: float64([1, 2]) }).forward(float32([[1, 2]]), target),
        TypeError,
        "Cannot compute CrossEntropyLoss as weight must be float32: current dtype is float64",
      );
    }
  });

  it("to differentiate with respect to labels or their weight, which are constants", () => {
    for (const name of ["target", "weight"] as const) {
      assertThrows(
        () => crossEntropy({ weight: [1, 2] }).valueAndGrad([1, 2], 0, { wrt: [name] }),
        TypeError,
        `Cannot differentiate CrossEntropyLoss with respect to "${name}": wanted is one of input`,
      );
    }
  });
});

testContract({
  loss: "CrossEntropyLoss",
  Loss: CrossEntropyLoss,
  known: ["weight", "ignoreIndex", "labelSmoothing", "reduction"],
  args: { input: new Random(10).tensor([2, 3]), target: int32([2, 0]) },
  wrt: ["input"],
});

describe("CrossEntropyLoss result types", () => {
  it("have the gradients that wrt names, and no others", () => {
    const { grad } = crossEntropy().valueAndGrad([1, 2], [0.5, 0.5], { wrt: ["target"] });
    const target: Tensor = grad.target;
    assertEquals(target.shape, [2]);
    // @ts-expect-error: a gradient that was not asked for is no property of the result.
    assertEquals(grad.input, undefined);
  });
});
