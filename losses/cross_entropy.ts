/**
 * CrossEntropyLoss: minus the log-probability that a softmax classifier gives to the right class, from raw scores.
 *
 * PyTorch: `torch.nn.CrossEntropyLoss(weight, ignore_index, reduction, label_smoothing)`
 *
 * Shapes: `input` (C), (N, C) or (N, C, d1, …, dK); `target` either class labels, (), (N) or (N, d1, …, dK), or class
 * probabilities of the shape of `input`. The value is a scalar, or with `"none"` of the shape without the class axis.
 * A target of the shape of the input, a float tensor or a plain array, holds probabilities; any other labels.
 *
 * Domain: `input` any real scores (logits), not probabilities: the softmax is inside. Labels are whole numbers
 * from 0 to C - 1, or ignoreIndex. That probabilities add up to 1 is not checked.
 *
 * Value, with p = softmax(input), w the class weights, ε = labelSmoothing and y the label (t the probabilities):
 *
 *     labels         -Σ_c q[c] log p[c],  q[c] = (1 - ε) w[y] [c = y] + ε / C w[c]
 *     probabilities  -Σ_c q[c] log p[c],  q[c] = w[c] ((1 - ε) t[c] + ε / C)
 *
 * The mean is divided by the sum of w[y] over labels that are not ignored; with probabilities by the number of
 * samples, whatever the weights.
 *
 * Gradient with respect to `input`: p Σ q - q, which is p - q where q adds up to 1: prediction minus truth. With
 * probabilities, with respect to `target`: -(1 - ε) w log p, and to `weight`: the sum of -t' log p, t' the smoothed target.
 *
 * Range: [0, ∞) for weights and probabilities ≥ 0. The best constant prediction is the distribution of the labels, and
 * its loss is their entropy.
 *
 * Siblings: {@linkcode NLLLoss} of a logSoftmax gives the same values in two passes; BCEWithLogitsLoss is the case of
 * two classes. If all labels are ignored, the mean is NaN and the gradient 0, as in PyTorch.
 *
 * Unlike PyTorch, one infinite score gives the limit: its class has probability 1, all others 0 (PyTorch returns NaN; this
 * loss does so only for several scores of ∞ or a row of -∞, which have no limit); a class that the target gives 0 adds 0
 * even at a score of -∞; a negative labelSmoothing is refused rather than ignored, labels are int32, and the single row of
 * an input (C) takes a scalar label only.
 *
 * Notebook: `notebooks/cross_entropy.ipynb` of the repository. Reference: I. J. Good, Rational decisions, 1952;
 * J. S. Bridle, 1990.
 *
 * @module
 */

import { asScores, readArgument, wrongType } from "./_core/call/arguments.ts";
import {
  asLabels,
  checkLabels,
  classWeights,
  labelledRows,
  type LabelRule,
  type Labels,
  orIgnored,
  weightOfLabels,
} from "./_core/call/labels.ts";
import { Loss } from "./_core/call/loss.ts";
import {
  numberOption,
  type Reduction,
  reductionOption,
  wholeOption,
} from "./_core/call/options.ts";
import type { Request, ValueAndGrad } from "./_core/call/request.ts";
import { RowCall } from "./_core/call/row_call.ts";
import type { InputAndTarget } from "./_core/elementwise/loss.ts";
import {
  beginColumns,
  COLUMN_OPERANDS,
  finishColumns,
  finishRows,
  labelColumns,
  labelRows,
  ROW_OPERANDS,
  targetRows,
} from "./_core/arena/labels.ts";
import { log } from "./_core/kernel/math.ts";
import { defineRowKernels } from "./_core/kernel/row_kernels.ts";
import {
  aimRows,
  type ClassAxis,
  classAxis,
  loadColumns,
  loadRows,
  MOST_ROWS,
  placeColumns,
  rowsPerTile,
  unloadColumns,
  unloadRows,
} from "./_core/rows/class_axis.ts";
import { EXP, EXPONENTIALS, FUNCTIONS, MAX, takeLimit, takeLimits } from "./_core/rows/softmax.ts";
import { type Raw, read, toTensor } from "./_core/tensor/read.ts";
import { sameShape } from "./_core/tensor/shape.ts";
import type { Tensor, TensorLike } from "./_core/tensor/tensor.ts";
import type { FloatArray, FloatType } from "./_core/tensor/types.ts";

export type * from "./_core/types.ts";

/** Options of {@linkcode CrossEntropyLoss}. */
export interface CrossEntropyLossOptions {
  /** A factor for each class, (C). With labels, the mean is divided by the sum of the factors of the labels. */
  weight?: TensorLike | undefined;
  /** A label whose samples count neither in the value nor in the mean. Not for probabilities. @default {-100} */
  ignoreIndex?: number | undefined;
  /**
   * The part of the target that is spread evenly over all classes, the right one included: 0 leaves the target as it is,
   * 1 replaces it by 1 / C for every class.
   *
   * @default {0}
   */
  labelSmoothing?: number | undefined;
  /** Keep the value of each sample, average over them, or add them up. @default {"mean"} */
  reduction?: Reduction | undefined;
}

/** The probability t of a class, smoothed and times the weight of the class. */
const SMOOTHED = "w * (keep * t + spread)";
/** A product that is 0 if the factor is 0, even at a score of -∞; NaN stays NaN. */
const times = (factor: string, minusLog: string) =>
  `(${factor} == 0 and ${minusLog} == ${minusLog} ? 0 : ${factor} * (${minusLog}))`;

/** One row of scores x for each sample: its maximum m, then e = exp(x - m) with its sum s, then the gradients. */
const rowKernels = /* @__PURE__ */ defineRowKernels(() => ({
  ...ROW_OPERANDS,
  steps: {
    max: MAX,
    exp: EXPONENTIALS,
    expSmooth: { store: { e: EXP }, sum: { s: EXP, rest: times("w", "m - x") } },
    expTarget: {
      store: { e: EXP },
      sum: { s: EXP, mass: SMOOTHED, rest: times(`(${SMOOTHED})`, "m - x") },
    },
    label: labelRows,
    target: targetRows,
    grad: { store: { g: "a * e" } },
    gradSmooth: { store: { g: "a * e - b * w" } },
    finish: finishRows,
    gradTarget: { store: { g: `a * e - b * (${SMOOTHED})` } },
    targetGrad: { store: { g: `b * ${times("(keep * w)", "logs + m - x")}` } },
    weightGrad: { store: { g: `b * ${times("(keep * t + spread)", "logs + m - x")}` } },
  },
  functions: FUNCTIONS,
  tile: 65536,
  tileRows: 4096,
}));

const SMOOTH_MASS = "keep * own + spread * all";
/** The value of a column. */
const columnValue = (own: string, rest = "") => `${times(own, "below + log(s)")}${rest}`;
/** The exponential of the right class. */
const RIGHT = "exp(-below)";
const SMOOTH_REST = " + spread * (all * log(s) + rest)";

/** The same where the scores of a sample are a column, because the class axis is not the last one. */
const columnKernels = /* @__PURE__ */ defineRowKernels(() => ({
  ...COLUMN_OPERANDS,
  steps: {
    begin: beginColumns,
    max: { store: { m: "x > m ? x : m" } },
    exp: { store: { e: EXP, s: `s + ${EXP}` } },
    expSmooth: { store: { e: EXP, s: `s + ${EXP}`, rest: `rest + ${times("w", "m - x")}` } },
    label: labelColumns,
    factors: {
      store: {
        value: columnValue("own"),
        a: "upstream * own / s",
        rightGrad: `upstream * own * ((${RIGHT} - s) / s)`,
      },
    },
    factorsSmooth: {
      store: {
        value: columnValue("(keep * own)", SMOOTH_REST),
        a: `upstream * (${SMOOTH_MASS}) / s`,
        b: "upstream * spread",
        rightGrad: `upstream * ((${SMOOTH_MASS}) * ${RIGHT} / s - (keep + spread) * own)`,
      },
    },
    grad: { store: { g: "a * e" } },
    gradSmooth: { store: { g: "a * e - b * w" } },
    finish: finishColumns,
    sum: { sum: { total: "x" } },
  },
  functions: { ...FUNCTIONS, log },
  tile: 32768,
}));

/** The tensors of a call, read and checked. */
interface Batch {
  readonly axis: ClassAxis;
  readonly x: FloatArray;
  /** Labels; undefined if there are probabilities instead. */
  readonly labels: ArrayLike<number> | undefined;
  /** How many labels are ignored. */
  readonly ignored: number;
  readonly probabilities: FloatArray | undefined;
  /** One weight for each class. */
  readonly weight: Tensor | undefined;
}

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
 * // Prediction minus truth.
 * assertAlmostEquals(grad.input.data[1], (Math.exp(-first) - 1) / 2, 1e-6);
 * ```
 */
export class CrossEntropyLoss extends Loss<
  InputAndTarget,
  "input" | "target" | "weight",
  "input"
> {
  /**
   * Value and gradient of one class as formulas: x is its score, m the largest score of the row, s the sum of
   * exp(x - m), q the weight of the class in the target and Q the sum of all q.
   */
  static readonly formula: { value: string; grad: { input: string } } = {
    value: "q * (log(s) + m - x)",
    grad: { input: "exp(x - m) / s * Q - q" },
  };

  readonly #options: { reduction: Reduction; ignoreIndex: number; labelSmoothing: number };
  readonly #weight: Raw | undefined;
  readonly #labelRule: LabelRule;

  /**
   * Makes a loss with these options.
   *
   * @param options See {@linkcode CrossEntropyLossOptions}.
   * @throws {TypeError} If an option is unknown or of the wrong kind.
   * @throws {RangeError} If labelSmoothing is not between 0 and 1, ignoreIndex is not a whole number, or the reduction
   * is unknown.
   */
  constructor(options: CrossEntropyLossOptions = {}) {
    super("CrossEntropyLoss", ["input", "target"], options, {
      weight: undefined,
      ignoreIndex: -100,
      labelSmoothing: 0,
      reduction: "mean",
    });
    const { weight, ignoreIndex = -100, labelSmoothing = 0, reduction } = options;
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
    this.#labelRule = orIgnored(ignoreIndex);
  }

  /** @ignore */
  protected override evaluate(
    [input, target]: InputAndTarget,
    request: Request<string> | undefined,
  ): ValueAndGrad<string> {
    const { ignoreIndex, labelSmoothing, reduction } = this.#options;
    const raw = readArgument("CrossEntropyLoss", "input", input);
    const given = readArgument("CrossEntropyLoss", "target", target);
    const own = asScores("CrossEntropyLoss", "input", raw, given, this.#weight);
    const isProbability = own.shape.length > 0 && sameShape(given.shape, own.shape);
    const dtype: FloatType = isProbability && given.dtype === "float64" ? "float64" : own.dtype;
    const scores = toTensor(own, dtype, "input");
    const x = scores.data as FloatArray;
    const batch = isProbability
      ? this.#withProbabilities(scores.shape, x, given, dtype)
      : this.#withLabels(scores.shape, x, asLabels("CrossEntropyLoss", "target", given), dtype);
    const { axis, labels, ignored, weight } = batch;
    const shapes: Record<string, readonly number[]> = { input: scores.shape };
    if (isProbability) {
      shapes.target = scores.shape;
      if (this.#weight) shapes.weight = this.#weight.shape;
    }
    const call = new RowCall({
      loss: "CrossEntropyLoss",
      reduction,
      dtype,
      rowShape: axis.sampleShape,
      divisor: labels === undefined
        ? axis.samples
        : weightOfLabels(labels, ignoreIndex, ignored, weight?.data, labelSmoothing > 0),
      shapes,
      defaults: ["input"],
      inputs: [scores, given, weight],
    }, request);
    if (labels !== undefined && axis.inner > 1) this.#columns(batch, labels, call);
    else this.#rows(batch, call);
    return call.result();
  }

  /** A batch whose target has a probability for each score. */
  #withProbabilities(
    shape: readonly number[],
    x: FloatArray,
    target: Raw,
    dtype: FloatType,
  ): Batch {
    const { ignoreIndex } = this.#options;
    if (target.dtype === "int32") {
      throw wrongType(
        "CrossEntropyLoss",
        "target of the shape of input",
        dtype,
        "int32",
        "class probabilities are floats, use float32(…); or give one class index per sample",
      );
    }
    if (ignoreIndex >= 0) {
      throw new RangeError(
        `Cannot compute CrossEntropyLoss as ignoreIndex must be < 0 if target holds probabilities: current value is ${ignoreIndex}`,
      );
    }
    const axis = classAxis(shape, shape.length === 1 ? 0 : 1);
    return {
      axis,
      x,
      labels: undefined,
      ignored: 0,
      probabilities: toTensor(target, dtype, "target").data as FloatArray,
      weight: classWeights("CrossEntropyLoss", this.#weight, axis.classes, dtype),
    };
  }

  /** A batch whose target has a label for each sample. */
  #withLabels(shape: readonly number[], x: FloatArray, labels: Labels, dtype: FloatType): Batch {
    const axis = labelledRows("CrossEntropyLoss", shape, labels);
    return {
      axis,
      x,
      ignored: checkLabels("CrossEntropyLoss", "target", labels, axis.classes, this.#labelRule),
      labels: labels.data,
      probabilities: undefined,
      weight: classWeights("CrossEntropyLoss", this.#weight, axis.classes, dtype),
    };
  }

  /** Computes value and gradients of samples whose scores are rows, tile by tile. */
  #rows({ axis, x, labels, probabilities, weight }: Batch, call: RowCall): void {
    const { ignoreIndex, labelSmoothing } = this.#options;
    const { classes, samples } = axis;
    const kernels = rowKernels(call.dtype, classes).near([{ data: x }]);
    const { element, column, row, param, run } = kernels;
    param.keep[0] = 1 - labelSmoothing;
    const spread = param.spread[0] = labelSmoothing / classes;
    const isSmooth = labels !== undefined && spread > 0;
    if (weight !== undefined) column.w.set(weight.data);
    else if (isSmooth || probabilities !== undefined) column.w.fill(1, 0, classes);
    param.isWeighted[0] = Number(weight !== undefined);
    param.all[0] = isSmooth ? sumOf(column.w, classes) : 0;
    const inputGrad = call.grad.input?.data;
    const targetGrad = call.grad.target?.data;
    const weightGrad = call.grad.weight?.data;
    const weightSums = weightGrad && new Float64Array(classes);

    const target = labels === undefined ? "probabilities" : isSmooth ? "smooth" : "labels";
    const wantsGrad = inputGrad !== undefined;
    const rows = rowsPerTile(classes, kernels);
    for (let start = 0; start < samples; start += rows) {
      const end = Math.min(start + rows, samples);
      const count = end - start;
      const scores = loadRows(kernels, element.x, x, axis, start, end);
      if (probabilities !== undefined) {
        loadRows(kernels, element.t, probabilities, axis, start, end);
      }
      if (inputGrad !== undefined) {
        // Where they can, kernels write exponentials to where the gradient will be.
        aimRows(kernels, element.e, inputGrad, axis, start, end);
        aimRows(kernels, element.g, inputGrad, axis, start, end);
      }
      if (labels !== undefined) writeLabels(row.label, labels, ignoreIndex, start, count);
      writeUpstream(row.upstream, param, call, start, count);
      runRows(kernels, count, classes, target, wantsGrad);
      if (param.isInfinite[0] !== 0) {
        takeLimits(kernels, element.x, scores, row.m, count, classes);
        runRows(kernels, count, classes, target, wantsGrad);
        param.isInfinite[0] = 0;
      }
      call.take(start, count, row.value);

      if (inputGrad !== undefined) unloadRows(kernels, element.g, inputGrad, axis, start, end);
      if (targetGrad !== undefined) {
        aimRows(kernels, element.g, targetGrad, axis, start, end);
        run.targetGrad(count, classes);
        unloadRows(kernels, element.g, targetGrad, axis, start, end);
      }
      if (weightSums !== undefined) {
        const g = kernels.own(element.g);
        run.weightGrad(count, classes);
        for (let i = 0; i < count * classes; i++) weightSums[i % classes]! += g[i]!;
      }
    }
    if (weightSums !== undefined) weightGrad!.set(weightSums);
  }

  /** The same for labelled samples whose scores are columns: sums run down the tile. */
  #columns({ axis, x, weight }: Batch, labels: ArrayLike<number>, call: RowCall): void {
    const { ignoreIndex, labelSmoothing } = this.#options;
    const { classes, inner, samples } = axis;
    const usual = columnKernels(call.dtype, classes);
    const kernels = usual.near([{ data: x }]);
    const { element, column, row, param, run } = kernels;
    // Without classes, every label is ignored, and the share of each class would be infinite.
    const isSmooth = labelSmoothing > 0 && classes > 0;
    param.keep[0] = 1 - labelSmoothing;
    param.spread[0] = labelSmoothing / classes;
    param.classes[0] = classes;
    if (weight !== undefined) row.w.set(weight.data);
    else row.w.fill(1, 0, classes);
    param.isWeighted[0] = Number(weight !== undefined);
    param.all[0] = isSmooth ? sumOf(row.w, classes) : 0;
    const grad = call.grad.input?.data;

    let total = 0;
    // Values are added up over as many columns as usual, however many are worked on at once.
    const width = Math.min(inner, MOST_ROWS, Math.max(1, Math.floor(usual.tile / classes)));
    const pieces = Math.ceil(inner / width);
    // In place, each row of a tile is a piece of memory of its own: long pieces are read faster. Tiles have nearly the same size.
    const most = Math.min(MOST_ROWS, kernels.tile / classes);
    const tiles = Math.ceil(pieces / Math.max(1, Math.floor(most / width)));
    const atOnce = width * Math.ceil(pieces / tiles);
    for (let start = 0; start < samples; start += inner) {
      for (let from = 0; from < inner; from += atOnce) {
        const to = Math.min(from + atOnce, inner);
        const cols = to - from;
        const first = start + from;
        const scores = { data: x, start: start * classes + from, cols, axis };
        const targets = grad && { ...scores, data: grad };
        const xs = placeColumns(kernels, element.x, scores);
        if (xs === element.x) loadColumns(element.x, scores);
        // Where they can, kernels write exponentials to where the gradient will be.
        if (targets !== undefined) placeColumns(kernels, element.e, targets);
        const gs = targets && placeColumns(kernels, element.g, targets);
        writeWords(column.label, labels, ignoreIndex, first, cols);
        writeUpstream(column.upstream, param, call, first, cols);
        runColumns(kernels, classes, cols, isSmooth, grad !== undefined);
        if (param.isInfinite[0] !== 0) {
          if (xs !== element.x) loadColumns(kernels.own(element.x), scores);
          for (let j = 0; j < cols; j++) {
            if (column.m[j] === Infinity) takeLimit(element.x, j, cols, classes);
          }
          runColumns(kernels, classes, cols, isSmooth, grad !== undefined);
          param.isInfinite[0] = 0;
        }
        // The values of whole pieces, one piece a row, then those of the rest.
        const whole = Math.floor(cols / width);
        for (const [rows, length] of [[whole, width], [1, cols % width]] as const) {
          if (rows * length === 0) continue;
          const at = length === width ? 0 : whole * width;
          kernels.load(element.x, column.value, at, at + rows * length);
          run.sum(rows, length);
          for (let r = 0; r < rows; r++) total += row.total[r]!;
        }
        call.take(first, cols, column.value, total);
        if (targets !== undefined && gs === element.g) unloadColumns(element.g, targets);
      }
    }
  }
}

function sumOf(numbers: FloatArray | Float64Array, count: number): number {
  let sum = 0;
  for (let i = 0; i < count; i++) sum += numbers[i]!;
  return sum;
}

type RowKernels = ReturnType<typeof rowKernels>;
type ColumnKernels = ReturnType<typeof columnKernels>;
type Target = "labels" | "smooth" | "probabilities";

/** Runs the steps for rows, on threads if there are any. */
function runRows(
  { run, together }: RowKernels,
  rows: number,
  classes: number,
  target: Target,
  wantsGrad: boolean,
): void {
  if (together === undefined) rowSteps(run, rows, classes, target, wantsGrad);
  else together(() => rowSteps(run, rows, classes, target, wantsGrad));
}

function rowSteps(
  run: RowKernels["run"],
  rows: number,
  classes: number,
  target: Target,
  wantsGrad: boolean,
): void {
  run.max(rows, classes);
  if (target === "labels") run.exp(rows, classes);
  else if (target === "smooth") run.expSmooth(rows, classes);
  else run.expTarget(rows, classes);
  if (target === "probabilities") run.target(rows, classes);
  else run.label(rows, classes);
  if (!wantsGrad) return;
  if (target === "labels") run.grad(rows, classes);
  else if (target === "smooth") run.gradSmooth(rows, classes);
  else run.gradTarget(rows, classes);
  if (target !== "probabilities") run.finish(rows, classes);
}

/** The same for columns. */
function runColumns(
  { run, together }: ColumnKernels,
  classes: number,
  cols: number,
  isSmooth: boolean,
  wantsGrad: boolean,
): void {
  if (together === undefined) columnSteps(run, classes, cols, isSmooth, wantsGrad);
  else together(() => columnSteps(run, classes, cols, isSmooth, wantsGrad));
}

function columnSteps(
  run: ColumnKernels["run"],
  classes: number,
  cols: number,
  isSmooth: boolean,
  wantsGrad: boolean,
): void {
  run.begin(1, cols);
  run.max(classes, cols);
  if (isSmooth) run.expSmooth(classes, cols);
  else run.exp(classes, cols);
  run.label(1, cols);
  if (isSmooth) run.factorsSmooth(1, cols);
  else run.factors(1, cols);
  if (!wantsGrad) return;
  if (isSmooth) run.gradSmooth(classes, cols);
  else run.grad(classes, cols);
  run.finish(1, cols);
}

/** Writes the labels of rows, and -1 in place of those that are ignored. */
function writeLabels(
  operand: FloatArray | Int32Array,
  labels: ArrayLike<number>,
  ignoreIndex: number,
  start: number,
  count: number,
  step = 1,
): void {
  for (let k = 0; k < count; k++) {
    const label = labels[start + k]!;
    operand[k * step] = label === ignoreIndex ? -1 : label;
  }
}

/** The same as integers, each where a number of the operand begins. */
function writeWords(
  { buffer, byteOffset, BYTES_PER_ELEMENT }: FloatArray,
  labels: ArrayLike<number>,
  ignoreIndex: number,
  start: number,
  count: number,
): void {
  const step = BYTES_PER_ELEMENT / 4;
  const words = new Int32Array(buffer, byteOffset, count * step);
  const isCopy = step === 1 && ignoreIndex < 0 && labels instanceof Int32Array;
  if (isCopy) words.set(labels.subarray(start, start + count));
  else writeLabels(words, labels, ignoreIndex, start, count, step);
}

/** Writes upstream gradients, divided by the divisor: one for all rows or columns, or one for each. */
function writeUpstream(
  operand: FloatArray,
  param: Readonly<Record<"share" | "isShared", Float64Array>>,
  call: RowCall,
  start: number,
  count: number,
): void {
  const { divisor } = call;
  const upstream = call.upstreamOf(start, count);
  param.isShared[0] = Number(typeof upstream === "number");
  if (typeof upstream === "number") param.share[0] = upstream / divisor;
  else for (let k = 0; k < count; k++) operand[k] = upstream[k]! / divisor;
}
