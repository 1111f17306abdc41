/** CrossEntropyLoss: -Σ_c q[c] log softmax(input)[c], from raw scores; q says what is true, from labels or probabilities. */
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
import { assertClose, assertGradient, Random, testFixtures } from "./_fixtures.ts";
import { testManners } from "./_manners.ts";
import { holds } from "./_property.ts";
import { cases } from "./reference/cases/cross_entropy.ts";

const crossEntropy = (options?: CrossEntropyLossOptions) => new CrossEntropyLoss(options);
const none = (options?: CrossEntropyLossOptions) => crossEntropy({ ...options, reduction: "none" });
const TIGHT = { rtol: 1e-13, atol: 1e-14 };

/** softmax in one line. */
function softmax(row: readonly number[]): number[] {
  const sum = row.reduce((total, x) => total + Math.exp(x), 0);
  return row.map((x) => Math.exp(x) / sum);
}

/** Rows that each add up to 1. */
function probabilities(shape: number[], seed: number): Tensor {
  const x = logSoftmax.forward(new Random(seed).tensor(shape), { dim: shape.length === 1 ? 0 : 1 });
  return float64((x.data as Float64Array).map(Math.exp), shape);
}

/** Axis 1 moved to the end, and all axes before it made one. */
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

describe("CrossEntropyLoss by hand", () => {
  it("is the logarithm of the number of classes where all scores are equal", () => {
    for (const classes of [1, 2, 10, 1000]) {
      const { value, grad } = crossEntropy().valueAndGrad(new Float64Array(classes).fill(7), 0);
      assertClose(value, float64(Math.log(classes)), { ...TIGHT, context: `${classes}:` });
      const wanted = Array.from({ length: classes }, (_, c) => 1 / classes - (c === 0 ? 1 : 0));
      assertClose(grad.input, float64(wanted), { ...TIGHT, context: `${classes}:` });
    }
  });

  it("is log(1 + 1 / odds): 4 to 1 against costs log 5", () => {
    const { value, grad } = crossEntropy().valueAndGrad([Math.log(4), 0], 1);
    assertClose(value, float64(Math.log(5)), { ...TIGHT, context: "value:" });
    assertClose(grad.input, float64([0.8, 0.2 - 1]), { ...TIGHT, context: "grad:" });
  });

  it("smooths: a share of the target goes to every class, the right one included", () => {
    const value = crossEntropy({ labelSmoothing: 0.3 }).forward([Math.log(2), 0, 0], 0);
    const wanted = 0.7 * Math.log(2) + 0.1 * (Math.log(2) + 2 * Math.log(4));
    assertClose(value, float64(wanted), { ...TIGHT, context: "value:" });
    const { grad } = crossEntropy({ labelSmoothing: 1 }).valueAndGrad([Math.log(2), 0, 0], 0);
    const even = [1 / 2 - 1 / 3, 1 / 4 - 1 / 3, 1 / 4 - 1 / 3];
    assertClose(grad.input, float64(even), { ...TIGHT, context: "labelSmoothing 1:" });
  });

  it("divides by the weights of the labels, but by the number of samples with probabilities", () => {
    const options = { weight: [1, 3] };
    const input = [[0, 0], [0, 0]];
    assertClose(crossEntropy(options).forward(input, [0, 1]), float64(Math.log(2)), {
      ...TIGHT,
      context: "labels:",
    });
    assertClose(crossEntropy(options).forward(input, [[1, 0], [0, 1]]), float64(2 * Math.log(2)), {
      ...TIGHT,
      context: "probabilities:",
    });
  });

  it("has the mean, no weight, no smoothing and ignoreIndex -100 by default", () => {
    const { value, grad } = crossEntropy().valueAndGrad([[0, 0], [9, 9], [1, 1]], [0, -100, 1]);
    assertClose(value, float64(Math.log(2)), { ...TIGHT, context: "value:" });
    assertEquals(grad.input.toArray(), [[-0.25, 0.25], [0, 0], [0.25, -0.25]]);
  });
});

describe("CrossEntropyLoss beside one line per sample", () => {
  for (const labelSmoothing of [0, 0.2]) {
    it(`agrees over 37 × 11 with labels, weighted, labelSmoothing ${labelSmoothing}`, () => {
      const random = new Random(1);
      const input = random.tensor([37, 11], () => random.uniform(-3, 3));
      const labels = Array.from({ length: 37 }, () => random.below(11));
      const weight = random.tensor([11], () => random.uniform(0, 2));
      const wanted = (input.toArray() as number[][]).map((row, n) => {
        const q = [...weight.data].map((w, c) =>
          (c === labels[n] ? (1 - labelSmoothing) * w : 0) + labelSmoothing / 11 * w
        );
        return softmax(row).reduce((sum, p, c) => sum - q[c] * Math.log(p), 0);
      });
      const value = none({ weight, labelSmoothing }).forward(input, int32(labels));
      assertClose(value, float64(wanted), { ...TIGHT, context: "none:" });
      const divisor = labels.reduce((sum, label) => sum + weight.data[label], 0);
      const mean = crossEntropy({ weight, labelSmoothing }).forward(input, int32(labels));
      const average = wanted.reduce((a, b) => a + b) / divisor;
      assertClose(mean, float64(average), { ...TIGHT, context: "mean:" });
    });

    it(`agrees over 37 × 11 with probabilities, weighted, labelSmoothing ${labelSmoothing}`, () => {
      const random = new Random(2);
      const input = random.tensor([37, 11], () => random.uniform(-3, 3));
      const target = probabilities([37, 11], 3);
      const weight = random.tensor([11], () => random.uniform(0, 2));
      const wanted = (input.toArray() as number[][]).map((row, n) =>
        softmax(row).reduce((sum, p, c) => {
          const t = (1 - labelSmoothing) * target.data[n * 11 + c] + labelSmoothing / 11;
          return sum - weight.data[c] * t * Math.log(p);
        }, 0)
      );
      const value = none({ weight, labelSmoothing }).forward(input, target);
      assertClose(value, float64(wanted), { ...TIGHT, context: "none:" });
    });
  }
});

testFixtures("cross_entropy", crossEntropy);

describe("CrossEntropyLoss beside finite differences", () => {
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

    it(`agrees for probabilities, by input and target, ${reduction}`, () => {
      for (
        const options of [{}, { weight }, { labelSmoothing: 0.3 }, { weight, labelSmoothing: 0.3 }]
      ) {
        const args = { input: random.tensor([3, 5]), target: probabilities([3, 5], 5) };
        const wrt = ["input", "target"];
        assertGradient(crossEntropy({ reduction, ...options }), args, { wrt, tolerance });
      }
    });

    it(`agrees in K dimensions, ${reduction}`, () => {
      const input = random.tensor([2, 5, 3]);
      const labels = { input, target: int32([[4, 0, 1], [2, 2, 3]]) };
      const options = { reduction, weight, labelSmoothing: 0.1 };
      assertGradient(crossEntropy(options), labels, { wrt: ["input"], tolerance });
      const soft = { input, target: probabilities([2, 5, 3], 6) };
      assertGradient(crossEntropy(options), soft, { wrt: ["input", "target"], tolerance });
    });
  }

  it("agrees by weight, which is an option", () => {
    const [input, target] = [random.tensor([4, 5, 2]), probabilities([4, 5, 2], 7)];
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
  it("is what runs, class by class", () => {
    const [x, q] = [[0.5, -1, 2], [0.2, 0.5, 0.3]];
    const m = 2;
    const s = x.reduce((sum, score) => sum + Math.exp(score - m), 0);
    const { value, grad } = CrossEntropyLoss.formula;
    const terms = new Formula(value).evaluate({ q, x, m, s });
    const found = crossEntropy().valueAndGrad(x, q);
    assertClose(found.value, float64([...terms].reduce((a, b) => a + b)), {
      ...TIGHT,
      context: "value:",
    });
    const slopes = new Formula(grad.input).evaluate({ q, x, m, s, Q: 1 });
    assertClose(found.grad.input, float64(slopes), { ...TIGHT, context: "grad:" });
  });
});

describe("CrossEntropyLoss of extreme scores", () => {
  for (const dtype of [float32, float64]) {
    it(`${dtype.name}: any finite scores have their loss, however large`, () => {
      for (const big of [1000, 1e30]) {
        const { value, grad } = crossEntropy().valueAndGrad(dtype([big, -big, 0]), 1);
        assertEquals(value.item(), dtype(2 * big).item());
        assertEquals([...grad.input.data], [1, -1, 0]);
      }
    });

    it(`${dtype.name}: -∞ for another class takes it out; for the right one the loss is ∞`, () => {
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
      const wanted = Math.log1p(Math.exp(-lead));
      const gap = 1 / (1 + Math.exp(lead));
      assertClose(grad.input, float64([-gap, gap]), {
        rtol: 1e-6,
        atol: 0,
        context: `lead ${lead}:`,
      });
      // The sum of exp is kept in float64, so that something is left beside the 1.
      {
        assertClose(value, float64(wanted), { rtol: 1e-6, atol: 0, context: `lead ${lead}:` });
      }
    }
  });

  it("all labels ignored: the mean is NaN with a gradient of 0, the sum 0", () => {
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
      assertClose(value, float64(Math.log(2)), { ...TIGHT, context: `(${shape}):` });
      const wanted = shape.length === 2 ? [0, 0, -0.5, 0.5] : [0, -0.5, 0, 0.5];
      assertEquals([...grad.input.data], wanted);
    }
  });

  it("no samples: NaN for the mean, 0 for the sum, nothing for none", () => {
    const input = float32([], [0, 3]);
    for (const target of [int32([]), float32([], [0, 3])]) {
      assertEquals(crossEntropy().forward(input, target).item(), NaN);
      assertEquals(crossEntropy({ reduction: "sum" }).forward(input, target).item(), 0);
      assertEquals(none().forward(input, target).shape, [0]);
    }
  });

  it("many rows, long rows, wide images: none falls between tiles", () => {
    const shapes = [[4097, 3], [9000, 1], [2, 70_001], [5, 4099], [2, 3, 11_000], [1, 40_000, 3], [
      3,
      7,
      5,
    ]];
    for (const shape of shapes) {
      const random = new Random(shape[0]);
      const input = random.tensor(shape);
      const [n, classes, inner = 1] = shape;
      const labels = Int32Array.from({ length: n * inner }, () => random.below(classes));
      const gradOutput = random.tensor([n * inner]);
      const sampleShape = shape.length === 3 ? [n, inner] : [n];
      const { value, grad } = none({ labelSmoothing: 0.25 }).valueAndGrad(
        input,
        int32(labels, sampleShape),
        {
          gradOutput: float64(gradOutput.data, sampleShape),
        },
      );
      const [rows, slopes] = shape.length === 3
        ? [lastAxis(input), lastAxis(grad.input)]
        : [input, grad.input];
      for (const i of [0, 1, (n * inner) >> 1, n * inner - 1]) {
        const row = Array.from(rows.data.subarray(i * classes, (i + 1) * classes));
        const p = softmax(row);
        const q = p.map((_, c) => 0.25 / classes + (c === labels[i] ? 0.75 : 0));
        const context = `sample ${i} of (${shape}):`;
        const wanted = p.reduce((sum, pc, c) => sum - q[c] * Math.log(pc), 0);
        assertClose(float64(value.data[i]), float64(wanted), { rtol: 1e-11, atol: 0, context });
        const found = Array.from(slopes.data.subarray(i * classes, (i + 1) * classes));
        const pulls = p.map((pc, c) => gradOutput.data[i] * (pc - q[c]));
        assertClose(float64(found), float64(pulls), { rtol: 1e-10, atol: 1e-12, context });
      }
    }
  });

  it("2^20 equal values in float32: their mean is exact", () => {
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

interface Sampled extends CrossEntropyLossOptions {
  dtype?: typeof float64;
  gradOutput?: number[];
}

/** Value and gradients of samples whose scores are the rows of (N, C); by target only for probabilities. */
function ofRows(rows: number[][], answers: Answers, sampled: Sampled = {}) {
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

/** The same where they are the columns of one image (1, C, N). */
function ofColumns(rows: number[][], answers: Answers, sampled: Sampled = {}) {
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

/** -log softmax(row) with its limits, NaN where there is none. */
function surprise(row: number[]): number[] {
  const infinite = row.filter((x) => x === Infinity).length;
  if (infinite > 1 || row.some(Number.isNaN)) return row.map(() => NaN);
  if (infinite === 1) return row.map((x) => x === Infinity ? 0 : Infinity);
  // Of nothing but -∞ this is log 0, and ∞ - ∞.
  const sum = row.reduce((total, x) => total + Math.exp(x), 0);
  return row.map((x) => Math.log(sum) - x);
}

for (const dtype of [float32, float64]) {
  for (const each of [ofRows, ofColumns]) {
    describe(`CrossEntropyLoss of infinite scores, ${dtype.name}, ${each.name}`, () => {
      /** The first of two samples, as a single column is a row. */
      const by = (
        row: number[],
        target: number | number[],
        options: CrossEntropyLossOptions = {},
      ) => {
        const rows = [row, row.map(() => 1)];
        const out = each(rows, [target, target] as Answers, { dtype, ...options });
        return { value: out.value[0], input: out.input[0], target: out.target?.[0] };
      };
      const f = (x: number) => dtype(x).item();

      it("one ∞ is certain: it costs 0 if it is right and ∞ if it is wrong", () => {
        assertEquals(by([Infinity, 0, -3], 0), { value: 0, input: [0, 0, 0], target: undefined });
        const wrong = { value: Infinity, input: [1, -1, 0], target: undefined };
        assertEquals(by([Infinity, 0, -3], 1), wrong);
        assertEquals(by([Infinity, -Infinity, -3], 1), wrong);
        assertEquals(by([Infinity], 0), { value: 0, input: [0], target: undefined });
      });

      it("that is the limit of a score that grows", () => {
        for (const label of [0, 1]) {
          for (const options of [{}, { labelSmoothing: 0.3 }, { weight: [1, 2, 3] }]) {
            const last = by([Infinity, 0, -3], label, options);
            for (const big of [1e4, 1e30]) {
              const near = by([big, 0, -3], label, options);
              assertEquals(near.input, last.input, `${big}`);
              // What costs ∞ grows with the score.
              if (last.value === 0) assertEquals(near.value, 0);
              else assert(last.value === Infinity && near.value > big / 20, `${near.value}`);
            }
          }
        }
      });

      it("-∞ is the limit of a score that falls", () => {
        for (const label of [0, 1]) {
          for (const options of [{}, { labelSmoothing: 0.3 }, { weight: [1, 2, 3] }]) {
            const last = by([2, -Infinity, 0], label, options);
            for (const big of [1e4, 1e30]) {
              const near = by([2, -big, 0], label, options);
              assertEquals(near.input, last.input, `${big}`);
              if (last.value < Infinity) assertEquals(near.value, last.value);
              else assert(near.value > big / 20, `${near.value}`);
            }
          }
        }
      });

      it("with smoothing nothing may be impossible: ∞, beside ∞ or -∞, and a gradient that is not", () => {
        const labelSmoothing = 0.3;
        const rest = f(0.3 / 3);
        const certain = by([Infinity, 0, -3], 0, { labelSmoothing });
        assertEquals(certain.value, Infinity);
        assertClose(float64(certain.input), float64([1 - 0.8, -rest, -rest]), {
          rtol: 1e-6,
          atol: 0,
          context: "∞",
        });
        assertEquals(by([0, -Infinity], 0, { labelSmoothing }).value, Infinity);
        assertEquals(by([0, -Infinity], 1, { labelSmoothing: 1 }).value, Infinity);
      });

      it("a class of weight 0 does not count at -∞ either, with smoothing", () => {
        const weight = [1, 0, 0];
        for (const labelSmoothing of [0.3, 1]) {
          const { value, input } = by([Infinity, 0, -3], 0, { labelSmoothing, weight });
          assertEquals(value, 0);
          assert(input.every((g) => Math.abs(g) < 1e-7), `${input}`);
          const masked = by([0, -Infinity, -Infinity], 0, { labelSmoothing, weight });
          assertEquals(masked.value, 0);
        }
        assertEquals(by([0, -Infinity, 1], 1, { weight }).value, 0);
        assertEquals(by([0, -Infinity, 1], 1, { weight }).input.map(Math.abs), [0, 0, 0]);
      });

      it("weights are factors of both", () => {
        const weight = [2, 3, 5];
        assertEquals(by([Infinity, 0, -3], 0, { weight }).value, 0);
        const wrong = by([Infinity, 0, -3], 1, { weight });
        assertEquals([wrong.value, ...wrong.input], [Infinity, 3, -3, 0]);
      });

      it("probabilities: what the target gives 0 costs 0; by target the gradient is -log p", () => {
        assertEquals(by([Infinity, 0, -3], [1, 0, 0]), {
          value: 0,
          input: [0, 0, 0],
          target: [0, Infinity, Infinity],
        });
        assertEquals(by([Infinity, 0, -3], [0.5, 0.5, 0]), {
          value: Infinity,
          input: [0.5, -0.5, 0],
          target: [0, Infinity, Infinity],
        });
        assertEquals(by([0, -Infinity, 0], [0.5, 0, 0.5]), {
          value: f(Math.log(2)),
          input: [0, 0, 0],
          target: [f(Math.log(2)), Infinity, f(Math.log(2))],
        });
        const weight = [1, 0, 4];
        assertEquals(by([Infinity, -Infinity, 0], [0.5, 0.5, 0], { weight }), {
          value: 0,
          input: [0, 0, 0],
          target: [0, 0, Infinity],
        });
      });

      it("several ∞, -∞ throughout and NaN have no limit: NaN, and neighbours do not notice", () => {
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

      it("every row of three out of -∞, -3, 0, 2, ∞, NaN, beside -Σ q log p", () => {
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
                const costs = surprise(row);
                const factor = (of: number, cost: number) =>
                  of === 0 && !Number.isNaN(cost) ? 0 : of * cost;
                const mass = q.reduce((a, b) => a + b);
                return {
                  value: costs.reduce((sum, cost, c) => sum + factor(q[c], cost), 0),
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
              // A factor that is exactly 0 is not asked about rows that have no limit.
              const clear = (n: number) => !Number.isNaN(surprise(rows[n])[0]);
              if (found.target) {
                compare(
                  "target",
                  found.target.filter((_, n) => clear(n)).flat(),
                  wanted.filter((_, n) => clear(n)).flatMap(({ target }) => target),
                );
              }
            }
          }
        }
      });
    });
  }
}

describe("CrossEntropyLoss of infinite scores, together", () => {
  const rows = [[Infinity, 0], [0, 0], [-Infinity, 1], [5, 9]];
  const labels = [0, 1, 1, -100];

  it("sums and averages what none keeps, ∞ included", () => {
    const sum = crossEntropy({ reduction: "sum" }).valueAndGrad(rows, labels);
    assertEquals(sum.value.item(), Math.log(2));
    assertEquals(sum.grad.input.toArray(), [[0, 0], [0.5, -0.5], [0, 0], [0, 0]]);
    const mean = crossEntropy().valueAndGrad(rows, labels, { gradOutput: 6 });
    assertEquals(mean.value.item(), Math.log(2) / 3);
    assertEquals(mean.grad.input.toArray(), [[0, 0], [1, -1], [0, 0], [0, 0]]);
    const lost = crossEntropy().valueAndGrad(rows, [1, 1, 1, -100], { gradOutput: 3 });
    assertEquals(lost.value.item(), Infinity);
    assertEquals(lost.grad.input.toArray(), [[1, -1], [0.5, -0.5], [0, 0], [0, 0]]);
  });

  it("the same down the columns of an image", () => {
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

  it("by weight: the sum of -t log p, 0 where t is 0 and ∞ where the impossible is wanted", () => {
    const slopes = (t: number[][]) =>
      crossEntropy({ weight: [1, 1], reduction: "sum" })
        .valueAndGrad(rows.slice(0, 3), t, { wrt: ["weight"] }).grad.weight.toArray();
    assertEquals(slopes([[1, 0], [0.5, 0.5], [0, 1]]), [0.5 * Math.log(2), 0.5 * Math.log(2)]);
    assertEquals(slopes([[1, 0], [0.5, 0.5], [0.5, 0.5]]), [Infinity, 0.5 * Math.log(2)]);
  });

  it("a weight or a probability of 0 does not hide NaN", () => {
    for (const each of [ofRows, ofColumns]) {
      for (const labelSmoothing of [0, 0.3]) {
        const { value } = each([[NaN, 0], [0, NaN]], [0, 0], { labelSmoothing, weight: [0, 1] });
        assertEquals(value, [NaN, NaN]);
      }
    }
    const none = crossEntropy({ reduction: "none" });
    assertEquals(none.forward([[NaN, 0]], [[0, 1]]).toArray(), [NaN]);
  });

  it("an ignored sample costs nothing, whatever its scores", () => {
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

  it("in long rows, high columns and many samples, at the seams of tiles too", () => {
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

  it("is still NLLLoss behind logSoftmax, gradients included", () => {
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

  it("is still BCEWithLogitsLoss of the scores 0 and x", () => {
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

describe("CrossEntropyLoss reduced over (3, 4)", () => {
  const random = new Random(8);
  const [input, target] = [random.tensor([3, 4]), int32([3, 0, 2])];
  const each = none().valueAndGrad(input, target);

  it("sums and averages what none keeps", () => {
    const sum = [...each.value.data].reduce((a, b) => a + b);
    const item = (reduction: "mean" | "sum") => crossEntropy({ reduction }).forward(input, target);
    assertClose(item("sum"), float64(sum), { ...TIGHT, context: "sum:" });
    assertClose(item("mean"), float64(sum / 3), { ...TIGHT, context: "mean:" });
  });

  it("scales gradients by the upstream gradient, a number or one for each sample", () => {
    const upstream = [0.5, -2, 0];
    const { grad } = none().valueAndGrad(input, target, { gradOutput: upstream });
    const wanted = Array.from(each.grad.input.data, (g, i) => g * upstream[Math.floor(i / 4)]);
    assertClose(grad.input, { shape: [3, 4], data: wanted }, { ...TIGHT, context: "none:" });
    const { grad: mean } = crossEntropy().valueAndGrad(input, target, { gradOutput: -6 });
    const doubled = Array.from(each.grad.input.data, (g) => -2 * g);
    assertClose(mean.input, { shape: [3, 4], data: doubled }, { ...TIGHT, context: "mean:" });
  });

  it("computes in the type of the input, and of probabilities that are float64", () => {
    const scores = float32([[1, 2]]);
    assertEquals(crossEntropy().forward(scores, [1]).dtype, "float32");
    assertEquals(crossEntropy().forward(scores, [[0.5, 0.5]]).dtype, "float32");
    assertEquals(crossEntropy().forward(scores, float64([[0.5, 0.5]])).dtype, "float64");
  });
});

describe("CrossEntropyLoss among its siblings", () => {
  const random = new Random(9);

  it("is NLLLoss behind logSoftmax, gradients included", () => {
    for (const shape of [[6, 5], [2, 5, 3]]) {
      const input = random.tensor(shape);
      const target = int32(
        Int32Array.from({ length: 6 }, () => random.below(5)),
        shape.filter((_, i) => i !== 1),
      );
      const weight = random.tensor([5], () => random.uniform(0.1, 2));
      for (const options of [{}, { weight, ignoreIndex: 2 }] as const) {
        const one = crossEntropy(options).valueAndGrad(input, target);
        const nll = new NLLLoss(options).valueAndGrad(
          logSoftmax.forward(input, { dim: 1 }),
          target,
        );
        const through = logSoftmax.valueAndGrad(input, { dim: 1, gradOutput: nll.grad.input });
        assertClose(one.value, nll.value, { ...TIGHT, context: "value:" });
        assertClose(one.grad.input, through.grad.input, { ...TIGHT, context: "grad:" });
      }
    }
  });

  it("is BCEWithLogitsLoss of the difference for two classes", () => {
    const input = random.tensor([7, 2]);
    const labels = [1, 0, 1, 1, 0, 0, 1];
    const difference = labels.map((_, n) => input.data[2 * n + 1] - input.data[2 * n]);
    const bce = new BCEWithLogitsLoss().valueAndGrad(difference, labels);
    const two = crossEntropy().valueAndGrad(input, labels);
    assertClose(two.value, bce.value, { ...TIGHT, context: "value:" });
    const second = float64(labels.map((_, n) => two.grad.input.data[2 * n + 1]));
    assertClose(second, bce.grad.input, { ...TIGHT, context: "grad:" });
  });

  it("takes one-hot probabilities as labels", () => {
    const input = random.tensor([4, 3]);
    const labels = [2, 0, 1, 1];
    const oneHot = float64(labels.map((label) => [0, 1, 2].map((c) => c === label ? 1 : 0)));
    for (const labelSmoothing of [0, 0.4]) {
      const [hard, soft] = [labels, oneHot].map((target) =>
        crossEntropy({ labelSmoothing }).valueAndGrad(input, target)
      );
      assertClose(soft.value, hard.value, { ...TIGHT, context: "value:" });
      assertClose(soft.grad.input, hard.grad.input, { ...TIGHT, context: "grad:" });
    }
  });

  it("is the same over (N, C, d) as over the rows of (N d, C)", () => {
    const input = random.tensor([3, 4, 5]);
    const labels = Int32Array.from({ length: 15 }, () => random.below(4));
    for (const options of [{}, { labelSmoothing: 0.2, weight: [1, 2, 3, 0.5], ignoreIndex: 1 }]) {
      const image = crossEntropy(options).valueAndGrad(input, int32(labels, [3, 5]));
      const rows = crossEntropy(options).valueAndGrad(lastAxis(input), labels);
      assertClose(image.value, rows.value, { ...TIGHT, context: "value:" });
      assertClose(lastAxis(image.grad.input), rows.grad.input, { ...TIGHT, context: "grad:" });
    }
  });
});

describe("CrossEntropyLoss as probed", () => {
  const scores = fc.array(fc.double({ min: -30, max: 30, noNaN: true }), {
    minLength: 1,
    maxLength: 8,
  });
  const rows = fc.tuple(scores, fc.nat()).map((
    [row, n],
  ): [number[], number] => [row, n % row.length]);
  const value = (row: number[], label: number) => crossEntropy().forward(row, label).item();

  it("is never negative, and at least the lead of the best class", () => {
    holds(fc.property(rows, ([row, label]) => value(row, label) >= Math.max(...row) - row[label]));
  });

  it("depends on differences only: a shift of all scores changes little more than rounding", () => {
    holds(fc.property(rows, fc.integer({ min: -64, max: 64 }), ([row, label], shift) => {
      const moved = value(row.map((x) => x + shift), label);
      return Math.abs(moved - value(row, label)) <= 1e-13 * (1 + Math.abs(shift) + moved);
    }));
  });

  it("has gradients that add up to 0, within [-1, 1], negative for the right class only", () => {
    holds(fc.property(rows, ([row, label]) => {
      const grad = Array.from(crossEntropy().valueAndGrad(row, label).grad.input.data);
      const sum = grad.reduce((a, b) => a + b);
      return Math.abs(sum) < 1e-14 * row.length &&
        grad.every((g, c) => c === label ? g <= 0 && g >= -1 : g >= 0 && g <= 1);
    }));
  });

  it("is convex: no chord runs below it", () => {
    holds(fc.property(rows, scores, ([a, label], b) => {
      const other = a.map((_, c) => b[c % b.length]);
      const middle = a.map((x, c) => (x + other[c]) / 2);
      const chord = (value(a, label) + value(other, label)) / 2;
      return value(middle, label) <= chord + 1e-13 * (1 + chord);
    }));
  });
});

describe("CrossEntropyLoss refuses", () => {
  it("labels that name no class, and leaves buffers as they were", () => {
    for (const label of [-1, 3, 1.5, NaN, Infinity]) {
      const out = { input: new Float64Array(6).fill(7) };
      assertThrows(
        () => crossEntropy().valueAndGrad([[1, 2, 3], [4, 5, 6]], [0, label], { out }),
        RangeError,
        "Cannot compute CrossEntropyLoss as target must hold classes from 0 to 2 or ignoreIndex, -100: " +
          `current value at [1] is ${label}`,
      );
      assert(out.input.every((x) => x === 7));
    }
  });

  it("a labelSmoothing outside of 0 to 1", () => {
    const message =
      "Cannot compute CrossEntropyLoss as labelSmoothing must be between 0 and 1: current value is";
    for (const labelSmoothing of [-0.1, 1.1, NaN, Infinity]) {
      assertThrows(
        () => crossEntropy({ labelSmoothing }),
        RangeError,
        `${message} ${labelSmoothing}`,
      );
    }
    assertThrows(() => crossEntropy({ labelSmoothing: "0" as never }), TypeError, `${message} "0"`);
  });

  it("whole numbers where the shape says probabilities, and floats where it says labels", () => {
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

  it("an input without a class axis, or of whole numbers", () => {
    assertThrows(
      () => crossEntropy().forward(1, 0),
      RangeError,
      "Cannot compute CrossEntropyLoss as input must have a class axis: current shape is ()",
    );
    assertThrows(
      () => crossEntropy().forward(int32([[1, 2]]), [1]),
      TypeError,
      "Cannot compute CrossEntropyLoss as input must be float32 or float64: current dtype is int32",
    );
  });

  it("labels that do not go with the input, and shows both shapes", () => {
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

  it("a weight of another shape or type than the classes", () => {
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

  it("to differentiate by labels or their weight, which are constants", () => {
    for (const name of ["target", "weight"] as const) {
      assertThrows(
        () => crossEntropy({ weight: [1, 2] }).valueAndGrad([1, 2], 0, { wrt: [name] }),
        TypeError,
        `Cannot differentiate CrossEntropyLoss with respect to "${name}": wanted is one of input`,
      );
    }
  });
});

testManners({
  loss: "CrossEntropyLoss",
  Loss: CrossEntropyLoss,
  known: ["weight", "ignoreIndex", "labelSmoothing", "reduction"],
  args: { input: new Random(10).tensor([2, 3]), target: int32([2, 0]) },
  wrt: ["input"],
});

describe("CrossEntropyLoss answers in types", () => {
  it("with the gradients that wrt names, and no other", () => {
    const { grad } = crossEntropy().valueAndGrad([1, 2], [0.5, 0.5], { wrt: ["target"] });
    const target: Tensor = grad.target;
    assertEquals(target.shape, [2]);
    // @ts-expect-error: it was not asked for.
    assertEquals(grad.input, undefined);
  });
});
