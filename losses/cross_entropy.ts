/**
 * CrossEntropyLoss: how surprised a softmax classifier is by the right class, computed from raw scores.
 *
 * PyTorch: `torch.nn.CrossEntropyLoss(weight, ignore_index, reduction, label_smoothing)`
 *
 * Shapes: `input` (C), (N, C) or (N, C, d1, …, dK); `target` either class labels, (), (N) or (N, d1, …, dK), or class
 * probabilities of the shape of `input`. The value is a scalar, or with `"none"` of the shape without the class axis.
 * A float target of the shape of the input, or a plain array of it, holds probabilities; all else labels.
 *
 * Domain: `input` any real scores (logits), not probabilities: the softmax is inside. Labels are whole numbers
 * from 0 to C - 1, or ignoreIndex. Probabilities are taken as they are, whether or not they add up to 1.
 *
 * Value, with p = softmax(input), w the class weights, ε = labelSmoothing and y the label (t the probabilities):
 *
 *     labels         -Σ_c q[c] log p[c],  q[c] = (1 - ε) w[y] [c = y] + ε / C w[c]
 *     probabilities  -Σ_c q[c] log p[c],  q[c] = w[c] ((1 - ε) t[c] + ε / C)
 *
 * The mean is divided by the sum of w[y] over labels that are not ignored; with probabilities by the number of
 * samples, whatever the weights.
 *
 * Gradient by `input`: p Σ q - q, which is p - q where q adds up to 1: what the model says minus what is true. With
 * probabilities, by `target`: -(1 - ε) w log p, and by `weight`: the sum of -t' log p, t' the smoothed target.
 *
 * Range: [0, ∞) for weights and probabilities ≥ 0. For one shared prediction the minimiser is the distribution of
 * the labels, and the minimum its entropy.
 *
 * Siblings: {@linkcode NLLLoss} behind logSoftmax gives the same values in two passes; BCEWithLogitsLoss is the case of
 * two classes. If all labels are ignored, the mean is NaN and the gradient 0, as in PyTorch.
 *
 * Unlike PyTorch, a negative labelSmoothing is refused rather than ignored, labels are int32, and the single row
 * of an input (C) takes a scalar label only.
 *
 * Notebook: `notebooks/cross_entropy.ipynb`. Reference: I. J. Good, Rational decisions, 1952; J. S. Bridle, 1990.
 *
 * @module
 */

import { readArguments, wrongType } from "./_core/arguments.ts";
import { sameShape } from "./_core/broadcast.ts";
import {
  at,
  type ClassAxis,
  classAxis,
  loadRows,
  rowsPerTile,
  unloadRows,
} from "./_core/class_axis.ts";
import { defineKernels, type FloatArray } from "./_core/formula/kernels.ts";
import type { FloatType } from "./_core/formula/program.ts";
import { checkLabels, classWeights, readLabels } from "./_core/labels.ts";
import {
  checkOptions,
  numberOption,
  type Reduction,
  reductionOption,
  wholeOption,
} from "./_core/options.ts";
import {
  type CheckedRequest,
  checkRequest,
  type Request,
  type ValueAndGrad,
} from "./_core/request.ts";
import {
  type Raw,
  read,
  scalar,
  type Tensor,
  type TensorLike,
  toTensor,
  zeros,
} from "./_core/tensor.ts";
import { labelledRows, weightOfLabels } from "./nll.ts";

/** Options of {@linkcode CrossEntropyLoss}. */
export interface CrossEntropyLossOptions {
  /** A factor for each class, (C). With labels, the mean is divided by the sum of the factors that were used. */
  weight?: TensorLike;
  /** A label that counts neither in the value nor in the mean. Not for probabilities. @default {-100} */
  ignoreIndex?: number;
  /**
   * How much of the target is spread over all classes, the right one included: 0 leaves it as it is, 1 replaces it by
   * 1 / C everywhere.
   *
   * @default {0}
   */
  labelSmoothing?: number;
  /** Keep the value of each sample, average over them, or add them up. @default {"mean"} */
  reduction?: Reduction;
}

/**
 * One row of scores x at a time: its maximum m, then e = exp(x - m) with the sum s of it, then what is made of
 * both. Subtracting m is what keeps exp in range: exp(89) is infinite in float32.
 */
const PROBABILITY = "w * (keep * t + spread)";
const kernels = defineKernels({
  elements: ["x", "t", "e", "g"],
  columns: ["w"],
  rows: ["m", "logs", "a", "b", "r0", "r1", "r2"],
  params: ["keep", "spread"],
  steps: {
    rowMax: { max: { r0: "x" } },
    exp: { store: { e: "exp(x - m)" }, sum: { r0: "exp(x - m)" } },
    expSmooth: { store: { e: "exp(x - m)" }, sum: { r0: "exp(x - m)", r1: "w * (m - x)" } },
    expTarget: {
      store: { e: "exp(x - m)" },
      sum: { r0: "exp(x - m)", r1: PROBABILITY, r2: `${PROBABILITY} * (m - x)` },
    },
    gradLabel: { store: { g: "a * e" } },
    gradSmooth: { store: { g: "a * e - b * w" } },
    gradTarget: { store: { g: `a * e - b * (${PROBABILITY})` } },
    targetGrad: { store: { g: "b * keep * w * (logs + m - x)" } },
    weightGrad: { store: { g: "b * (keep * t + spread) * (logs + m - x)" } },
  },
  tile: 65536,
  tileRows: 4096,
});

/** What the target says, in the form that the rows need. */
type Target =
  | { readonly kind: "labels"; readonly labels: ArrayLike<number> }
  | { readonly kind: "probabilities"; readonly probabilities: FloatArray };

/**
 * The cross entropy between a softmax of scores and a target, from raw scores.
 *
 * ```ts
 * import { CrossEntropyLoss, float32, int32 } from "@lossbook/losses";
 * import { assertAlmostEquals } from "@std/assert";
 *
 * const input = float32([[0.8, 0.9, 0.3], [0.1, 0.4, 2]]);
 * const { value, grad } = new CrossEntropyLoss().valueAndGrad(input, int32([1, 2]));
 * const first = Math.log(Math.exp(0.8 - 0.9) + 1 + Math.exp(0.3 - 0.9));
 * const second = Math.log(Math.exp(0.1 - 2) + Math.exp(0.4 - 2) + 1);
 * assertAlmostEquals(value.item(), (first + second) / 2, 1e-6);
 * // What the model says minus what is true.
 * assertAlmostEquals(grad.input.data[1], (Math.exp(-first) - 1) / 2, 1e-6);
 * ```
 */
export class CrossEntropyLoss {
  /**
   * Value and gradient of one class as formulas: x is its score, m the largest score of the row, s the sum of
   * exp(x - m), q what the target says of the class and Q the sum of all q.
   */
  static readonly formula: { value: string; grad: { input: string } } = {
    value: "q * (log(s) + m - x)",
    grad: { input: "exp(x - m) / s * Q - q" },
  };

  readonly #options: { reduction: Reduction; ignoreIndex: number; labelSmoothing: number };
  readonly #weight: Raw | undefined;

  /**
   * Makes a loss with these options.
   *
   * @param options See {@linkcode CrossEntropyLossOptions}.
   * @throws {TypeError} If an option is unknown or of the wrong kind.
   * @throws {RangeError} If labelSmoothing is not between 0 and 1, ignoreIndex is no whole number, or the reduction
   * is unknown.
   */
  constructor(options: CrossEntropyLossOptions = {}) {
    checkOptions("CrossEntropyLoss", options, [
      "weight",
      "ignoreIndex",
      "labelSmoothing",
      "reduction",
    ]);
    const { weight, ignoreIndex = -100, labelSmoothing = 0, reduction = "mean" } = options;
    this.#weight = weight === undefined ? undefined : read(weight, "weight");
    this.#options = {
      ignoreIndex: wholeOption("CrossEntropyLoss", "ignoreIndex", ignoreIndex),
      labelSmoothing: numberOption(
        "CrossEntropyLoss",
        "labelSmoothing",
        labelSmoothing,
        (value) => value >= 0 && value <= 1,
        "between 0 and 1",
      ),
      reduction: reductionOption("CrossEntropyLoss", reduction),
    };
  }

  /**
   * The loss.
   *
   * @param input Scores, (C), (N, C) or (N, C, d1, …, dK).
   * @param target Class labels, (), (N) or (N, d1, …, dK), or class probabilities of the shape of `input`.
   * @returns A scalar, or with reduction `"none"` one value per sample.
   * @throws {TypeError} If an argument is of the wrong kind or type.
   * @throws {RangeError} If the shapes do not go together, or a label names no class.
   */
  forward(input: TensorLike, target: TensorLike): Tensor {
    return this.valueAndGrad(input, target, { wrt: [] }).value;
  }

  /**
   * The loss and its gradients.
   *
   * @param input Scores, (C), (N, C) or (N, C, d1, …, dK).
   * @param target Class labels, (), (N) or (N, d1, …, dK), or class probabilities of the shape of `input`.
   * @param request Which gradients (default `input`), times which upstream gradient, into which buffers. `target` and
   * `weight` are differentiable if the target holds probabilities.
   * @returns The value, and a gradient of its argument's shape for each name in `request.wrt`.
   * @throws {TypeError} If an argument is of the wrong kind or type.
   * @throws {RangeError} If the shapes do not go together, or a label names no class.
   */
  valueAndGrad<W extends "input" | "target" | "weight" = "input">(
    input: TensorLike,
    target: TensorLike,
    request: Request<W> = {},
  ): ValueAndGrad<W> {
    const { ignoreIndex, reduction } = this.#options;
    const { tensors: [scores], dtype: scoreType } = readArguments("CrossEntropyLoss", [{
      name: "input",
    }], [input]);
    const given = read(target, "target");
    const isProbability = scores.shape.length > 0 && sameShape(given.shape, scores.shape);
    const dtype: FloatType = isProbability && given.dtype === "float64" ? "float64" : scoreType;
    const x = toTensor(scores, dtype, "input").data as FloatArray;

    let axis: ClassAxis;
    let what: Target;
    let denominator = 1;
    const shapes: Record<string, readonly number[]> = { input: scores.shape };
    const inputs = [scores];
    const weights = (axis: ClassAxis) =>
      classWeights("CrossEntropyLoss", this.#weight, axis.classes, dtype);
    if (isProbability) {
      if (given.dtype === "int32") {
        throw wrongType("CrossEntropyLoss", "target of the shape of input", dtype, "int32");
      }
      if (ignoreIndex >= 0) {
        throw new RangeError(
          `Cannot compute CrossEntropyLoss as ignoreIndex must be < 0 if target holds probabilities: current value is ${ignoreIndex}`,
        );
      }
      const probabilities = toTensor(given, dtype, "target");
      axis = classAxis(scores.shape, scores.shape.length === 1 ? 0 : 1);
      what = { kind: "probabilities", probabilities: probabilities.data as FloatArray };
      shapes.target = scores.shape;
      if (this.#weight) shapes.weight = this.#weight.shape;
      inputs.push(probabilities);
      if (reduction === "mean") denominator = axis.samples;
    } else {
      const labels = readLabels("CrossEntropyLoss", "target", target);
      axis = labelledRows("CrossEntropyLoss", scores.shape, labels);
      checkLabels("CrossEntropyLoss", "target", labels, axis.classes, ignoreIndex);
      what = { kind: "labels", labels: labels.data };
      if (reduction === "mean") denominator = weightOfLabels(labels, ignoreIndex, weights(axis));
    }
    const isDense = reduction === "none";
    const valueShape = isDense ? axis.sampleShape : [];
    const names = ["input", "target", "weight"];
    const checked = checkRequest(
      "CrossEntropyLoss",
      request,
      names,
      ["input"],
      dtype,
      valueShape,
      shapes,
      inputs,
    );
    const grad: Record<string, Tensor> = {};
    for (const name of checked.wrt) grad[name] = checked.buffer(name, shapes[name]);
    const value = isDense ? zeros(dtype, valueShape) : scalar(dtype, 0);
    this.#rows(dtype, x, axis, what, weights(axis), checked.gradOutput, denominator, value, grad);
    return { value, grad: grad as ValueAndGrad<W>["grad"] };
  }

  /** Goes through the rows, tile by tile; a row longer than a tile is read in pieces, once for each step. */
  #rows(
    dtype: FloatType,
    x: FloatArray,
    axis: ClassAxis,
    target: Target,
    weights: FloatArray | undefined,
    gradOutput: CheckedRequest["gradOutput"],
    denominator: number,
    value: Tensor,
    grad: Readonly<Record<string, Tensor>>,
  ): void {
    const { ignoreIndex, labelSmoothing: epsilon, reduction } = this.#options;
    const { classes, samples } = axis;
    const { element, column, row, param, run, tile, tileRows } = kernels(dtype);
    const probabilities = target.kind === "probabilities" ? target.probabilities : undefined;
    const labels = target.kind === "labels" ? target.labels : undefined;
    param.keep[0] = 1 - epsilon;
    param.spread[0] = epsilon / classes;
    const isSmooth = labels !== undefined && epsilon > 0;
    const allWeights = weights === undefined
      ? classes
      : (weights as Float64Array).reduce((sum, weight) => sum + weight, 0);
    const weightSums = grad.weight && new Float64Array(classes);
    const expStep = probabilities ? run.expTarget : isSmooth ? run.expSmooth : run.exp;
    const gradStep = probabilities ? run.gradTarget : isSmooth ? run.gradSmooth : run.gradLabel;

    const rows = classes <= tile ? rowsPerTile(classes, tileRows) : 1;
    const sums = new Float64Array(rows);
    const extra = new Float64Array(rows);
    const total = new Float64Array(rows);
    const right = new Float64Array(rows);
    let loss = 0;

    for (let start = 0; start < samples; start += rows) {
      const end = Math.min(start + rows, samples);
      const count = end - start;
      /** Calls `step` for each piece of the rows with its scores, weights and probabilities in the scratch memory. */
      const pieces = (step: (c0: number, c1: number) => void, reload = false): void => {
        for (let c0 = 0; c0 < classes; c0 += tile) {
          const c1 = Math.min(c0 + tile, classes);
          if (!reload || classes > tile) {
            loadRows(element.x, x, axis, start, end, c0, c1);
            if (weights) {
              column.w.set(c0 === 0 && c1 === classes ? weights : weights.subarray(c0, c1));
            } else if (isSmooth || probabilities) column.w.fill(1, 0, c1 - c0);
            if (probabilities) loadRows(element.t, probabilities, axis, start, end, c0, c1);
          }
          step(c0, c1);
        }
      };

      row.m.fill(-Infinity, 0, count);
      pieces((c0, c1) => {
        run.rowMax(count, c1 - c0);
        for (let r = 0; r < count; r++) if (row.r0[r] > row.m[r]) row.m[r] = row.r0[r];
      });
      sums.fill(0);
      extra.fill(0);
      total.fill(0);
      pieces((c0, c1) => {
        expStep(count, c1 - c0);
        for (let r = 0; r < count; r++) {
          sums[r] += row.r0[r];
          extra[r] += row.r1[r];
          total[r] += row.r2[r];
        }
      }, true);

      for (let r = 0; r < count; r++) {
        const sample = start + r;
        const g = (typeof gradOutput === "number" ? gradOutput : gradOutput[sample]) / denominator;
        const logs = Math.log(sums[r]);
        let mass = extra[r];
        let result = mass * logs + total[r];
        if (labels !== undefined) {
          const label = labels[sample];
          if (label === ignoreIndex) continue;
          const distance = row.m[r] - x[at(axis, sample, label)];
          const weight = weights === undefined ? 1 : weights[label];
          const own = (1 - epsilon) * weight;
          const spread = epsilon / classes;
          mass = isSmooth ? own + spread * allWeights : own;
          result = own * (distance + logs) +
            (isSmooth ? spread * (allWeights * logs + extra[r]) : 0);
          // p - 1 in float64: where p is nearly 1, float32 would have lost all digits.
          right[r] = g * (mass * Math.exp(-distance) / sums[r] - own - spread * weight);
        }
        if (reduction === "none") value.data[sample] = result;
        else loss += result;
        row.logs[r] = logs;
        row.a[r] = g * mass / sums[r];
        row.b[r] = labels === undefined ? g : g * epsilon / classes;
      }

      const store = (name: string, step: (rows: number, cols: number) => void) =>
        pieces((c0, c1) => {
          step(count, c1 - c0);
          unloadRows(element.g, grad[name].data as FloatArray, axis, start, end, c0, c1);
        }, true);
      if (grad.input) {
        store("input", (rows, cols) => {
          // In pieces, e has been overwritten since.
          if (classes > tile) expStep(rows, cols);
          gradStep(rows, cols);
        });
        for (let sample = start; labels !== undefined && sample < end; sample++) {
          const label = labels[sample];
          if (label === ignoreIndex) {
            for (let c = 0; c < classes; c++) grad.input.data[at(axis, sample, c)] = 0;
          } else grad.input.data[at(axis, sample, label)] = right[sample - start];
        }
      }
      if (grad.target) store("target", run.targetGrad);
      if (weightSums) {
        pieces((c0, c1) => {
          run.weightGrad(count, c1 - c0);
          for (let r = 0; r < count; r++) {
            for (let c = c0; c < c1; c++) weightSums[c] += element.g[r * (c1 - c0) + c - c0];
          }
        }, true);
      }
    }
    if (weightSums) grad.weight.data.set(weightSums);
    if (reduction !== "none") value.data[0] = loss / denominator;
  }
}
