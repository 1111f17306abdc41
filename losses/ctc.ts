/**
 * CTCLoss: how surprised a model of frames is by a sequence of labels, whichever way it is spread over the frames.
 *
 * PyTorch: `torch.nn.CTCLoss(blank, reduction, zero_infinity)`
 *
 * Shapes: `logProbs` (T, N, C) or unbatched (T, C), frames first; `targets` (N, S), rows filled up with anything, or
 * all labels one after the other, of as many as `targetLengths` add up to; `inputLengths` and `targetLengths` (N),
 * or scalars for a single sample. The value is a scalar, or with `"none"` (N), unbatched ().
 *
 * Domain: `logProbs` log-probabilities, normalised or not; with `logits: true` any real scores. Labels are whole
 * numbers from 0 to C - 1 other than blank.
 *
 * Value: -log P, P the sum of the probabilities of all alignments: in each frame one class, so that the labels are
 * left when repetitions are made one and blanks taken out. P is a recursion over the frames and the states
 * ⌀ y1 ⌀ y2 ⌀ …, with p(s) what the frame gives to the class of s:
 *
 *     α'(s) = p(s) (α(s) + α(s - 1) + jump α(s - 2)),  jump = 1 from label to a different label, else 0
 *     P     = α(last) + α(last - 1) in the last frame
 *
 * The mean divides each value by the number of its labels (at least 1), then their sum by N. Without any alignment
 * the value is ∞: fewer frames than labels, with one more for each pair of equal neighbours, or probabilities 0.
 *
 * Gradient, with γ the share of P that passes through a class in a frame (so it adds up to 1): by `logProbs` -γ; by
 * logits softmax - γ, what the model says minus what the labels leave possible. Exactly 0 behind the input length; by
 * `logProbs` also for classes that do not occur. NaN where the value is ∞, or with zeroInfinity 0, as the value.
 *
 * Range: [0, ∞) for probabilities; below 0 only if some add up to more than 1. The minimum, 0, is where all likely
 * alignments read as the labels.
 *
 * Siblings: {@linkcode CrossEntropyLoss} where it is known which frame has which label: with one frame and one label
 * both are the same.
 *
 * Unlike PyTorch, the gradient by `logProbs` is the derivative of the value: PyTorch returns exp(logProbs) - γ, which is
 * right only behind a log-softmax. For that case there is `logits: true`, in one pass. Unlike PyTorch, labels that are out
 * of range or equal to blank, and labels of a float type, are refused; a class of probability 0 has the gradient 0 rather
 * than NaN; and a value that rounding of normalised rows would make negative is 0.
 *
 * Notebook: `notebooks/ctc.ipynb`. Reference: A. Graves, S. Fernández, F. Gomez, J. Schmidhuber, Connectionist
 * Temporal Classification, 2006.
 *
 * @module
 */

import { Alignments, spell, type Spelling } from "./_ctc/alignment.ts";
import { position, readArguments } from "./_core/call/arguments.ts";
import { show } from "./_core/tensor/shape.ts";
import { defineKernels } from "./_core/kernel/kernels.ts";
import type { FloatArray } from "./_core/tensor/types.ts";
import { describe } from "./_core/tensor/describe.ts";
import { scalar, type Tensor, type TensorLike, zeros } from "./_core/tensor/tensor.ts";
import { rowsPerTile } from "./_core/rows/class_axis.ts";
import { type Labels, readLabels } from "./_core/call/labels.ts";
import {
  booleanOption,
  checkOptions,
  type Reduction,
  reductionOption,
  wholeOption,
} from "./_core/call/options.ts";
import { checkRequest, type Request, type ValueAndGrad } from "./_core/call/request.ts";

/** Options of {@linkcode CTCLoss}. */
export interface CTCLossOptions<L extends boolean = boolean> {
  /** The class that stands for no label. @default {0} */
  blank?: number;
  /** Whether samples without any alignment count as 0, in value and gradient, instead of ∞ and NaN. @default {false} */
  zeroInfinity?: boolean;
  /** Keep the value of each sample, average over them, or add them up. @default {"mean"} */
  reduction?: Reduction;
  /** Whether the first argument holds raw scores, of which the loss takes the log-softmax itself. @default {false} */
  logits?: L;
}

/** The name of the gradient: `"logits"` of a loss that is made with `logits: true`, else `"logProbs"`. */
export type CTCScores<L extends boolean> = L extends true ? "logits" : "logProbs";

/** What `valueAndGrad` answers: one gradient; which one, a loss whose `logits` is known only when it runs leaves open. */
export type CTCValueAndGrad<W extends string> = [W] extends [never] ? ValueAndGrad<W>
  : W extends string ? ValueAndGrad<W>
  : never;

/** One row of scores at a time, as in CrossEntropyLoss. A score of ∞ is its own maximum: no ∞ - ∞ is formed. */
const EXP = "x == m ? 1 : exp(x - m)";
const kernels = defineKernels({
  elements: ["x", "e", "g"],
  rows: ["m", "s", "a"],
  steps: {
    rowMax: { max: { m: "x" } },
    exp: { store: { e: EXP }, sum: { s: EXP } },
    grad: { store: { g: "a * e" } },
  },
  tile: 65536,
  tileRows: 4096,
});

/** How far the probabilities of a row may add up from 1 if they were normalised in this type. */
const ROUNDING = { float32: 1e-5, float64: 1e-12 } as const;

/** The shapes and lengths of a call, checked; frame t of sample b is row t * samples + b of the scores. */
interface Batch {
  readonly frames: number;
  readonly samples: number;
  readonly classes: number;
  readonly inputLengths: ArrayLike<number>;
  readonly targetLengths: ArrayLike<number>;
  readonly targets: ArrayLike<number>;
  /** Where the labels of each sample begin in `targets`. */
  readonly starts: Int32Array;
}

/**
 * Minus the log-probability of a sequence of labels, however it is spread over the frames.
 *
 * ```ts
 * import { CTCLoss } from "@lossbook/losses";
 * import { assertAlmostEquals } from "@std/assert";
 *
 * // Two frames, in which blank (0) and the label 1 are equally likely. Three of four alignments read as "1":
 * // 1 1, ⌀ 1 and 1 ⌀.
 * const half = Math.log(1 / 2);
 * const logProbs = [[half, half], [half, half]];
 * const { value, grad } = new CTCLoss().valueAndGrad(logProbs, [1], 2, 1);
 * assertAlmostEquals(value.item(), -Math.log(3 / 4), 1e-15);
 * // In each frame, two of the three have the label.
 * assertAlmostEquals(grad.logProbs.data[1], -2 / 3, 1e-15);
 *
 * // From raw scores: what the model says minus what the label leaves possible.
 * const scores = [[0, 0], [0, 0]];
 * const fused = new CTCLoss({ logits: true }).valueAndGrad(scores, [1], 2, 1);
 * assertAlmostEquals(fused.grad.logits.data[1], 1 / 2 - 2 / 3, 1e-15);
 * ```
 */
export class CTCLoss<const L extends boolean = false> {
  /**
   * The recursion, the value and the gradients of one class in one frame as formulas: p is the probability of the class,
   * a, b and c are α of a state, of the one before and of that before it in the frame before, last and previous are
   * α of the last two states in the last frame, P is their sum, and A is the sum of all alignments that pass through
   * the class in the frame.
   */
  static readonly formula: {
    alpha: string;
    value: string;
    grad: { logProbs: string; logits: string };
  } = {
    alpha: "p * (a + b + jump * c)",
    value: "-log(last + previous)",
    grad: { logProbs: "-A / P", logits: "p - A / P" },
  };

  readonly #options: { blank: number; zeroInfinity: boolean; reduction: Reduction };
  /** The name of the first argument. */
  readonly #scores: "logProbs" | "logits";

  /**
   * Makes a loss with these options.
   *
   * @param options See {@linkcode CTCLossOptions}.
   * @throws {TypeError} If an option is unknown or of the wrong kind.
   * @throws {RangeError} If blank is no whole number ≥ 0, or the reduction is unknown.
   */
  constructor(options: CTCLossOptions<L> = {}) {
    checkOptions("CTCLoss", options, ["blank", "zeroInfinity", "reduction", "logits"]);
    const { blank = 0, zeroInfinity = false, reduction = "mean", logits = false } = options;
    this.#options = {
      blank: wholeOption("CTCLoss", "blank", blank, 0),
      zeroInfinity: booleanOption("CTCLoss", "zeroInfinity", zeroInfinity),
      reduction: reductionOption("CTCLoss", reduction),
    };
    this.#scores = booleanOption("CTCLoss", "logits", logits) ? "logits" : "logProbs";
  }

  /**
   * The loss.
   *
   * @param logProbs Log-probabilities, or scores with `logits: true`, (T, N, C) or (T, C).
   * @param targets Class labels, (N, S) or all one after the other.
   * @param inputLengths The number of frames of each sample.
   * @param targetLengths The number of labels of each sample.
   * @returns A scalar, or with reduction `"none"` one value per sample.
   * @throws {TypeError} If an argument is of the wrong kind or type.
   * @throws {RangeError} If shapes or lengths do not go together, or a label is blank or no class.
   */
  forward(
    logProbs: TensorLike,
    targets: TensorLike,
    inputLengths: TensorLike,
    targetLengths: TensorLike,
  ): Tensor {
    return this.#run(logProbs, targets, inputLengths, targetLengths, { wrt: [] }).value;
  }

  /**
   * The loss and its gradient.
   *
   * @param logProbs Log-probabilities, or scores with `logits: true`, (T, N, C) or (T, C).
   * @param targets Class labels, (N, S) or all one after the other.
   * @param inputLengths The number of frames of each sample.
   * @param targetLengths The number of labels of each sample.
   * @param request Which upstream gradient, into which buffer.
   * @returns The value, and the gradient of the first argument: `grad.logProbs`, or `grad.logits` with `logits: true`.
   * @throws {TypeError} If an argument is of the wrong kind or type.
   * @throws {RangeError} If shapes or lengths do not go together, or a label is blank or no class.
   */
  valueAndGrad<W extends CTCScores<L> = CTCScores<L>>(
    logProbs: TensorLike,
    targets: TensorLike,
    inputLengths: TensorLike,
    targetLengths: TensorLike,
    request: Request<W> = {},
  ): CTCValueAndGrad<W> {
    const result = this.#run(logProbs, targets, inputLengths, targetLengths, request);
    return result as CTCValueAndGrad<W>;
  }

  #run(
    given: TensorLike,
    targets: TensorLike,
    inputLengths: TensorLike,
    targetLengths: TensorLike,
    request: Request<string>,
  ): ValueAndGrad<string> {
    const { blank, reduction } = this.#options;
    const name = this.#scores;
    const { tensors: [scores], dtype } = readArguments("CTCLoss", [{ name }], [given]);
    const lists = {
      targets: readLabels("CTCLoss", "targets", targets),
      inputLengths: readLabels("CTCLoss", "inputLengths", inputLengths),
      targetLengths: readLabels("CTCLoss", "targetLengths", targetLengths),
    };
    const batch = readBatch(name, scores.shape, blank, lists);
    const isDense = reduction === "none";
    const valueShape = isDense && scores.shape.length === 3 ? [batch.samples] : [];
    const { wrt, gradOutput, buffer } = checkRequest(
      "CTCLoss",
      request,
      [name],
      [name],
      dtype,
      valueShape,
      { [name]: scores.shape },
      [scores, ...Object.values(lists)],
    );
    const value = isDense ? zeros(dtype, valueShape) : scalar(dtype, 0);
    const grad: Record<string, Tensor> = {};
    if (wrt.includes(name)) grad[name] = buffer(name, scores.shape);

    // The upstream gradient of each sample, what a mean divides by included.
    const upstream = new Float64Array(batch.samples);
    for (let b = 0; b < batch.samples; b++) {
      const share = reduction === "mean" ? batch.samples * Math.max(batch.targetLengths[b], 1) : 1;
      upstream[b] = (typeof gradOutput === "number" ? gradOutput : gradOutput[b]) / share;
    }
    const each = this.#samples(
      scores.data as FloatArray,
      batch,
      upstream,
      ROUNDING[dtype],
      grad[name]?.data as FloatArray | undefined,
    );
    if (isDense) value.data.set(each);
    else {
      let total = 0;
      for (let b = 0; b < batch.samples; b++) {
        total += reduction === "mean" ? each[b] / Math.max(batch.targetLengths[b], 1) : each[b];
      }
      value.data[0] = reduction === "mean" ? total / batch.samples : total;
    }
    return { value, grad };
  }

  /** Goes through the samples, one at a time; returns the value of each. */
  #samples(
    x: FloatArray,
    batch: Batch,
    upstream: Float64Array,
    rounding: number,
    grad: FloatArray | undefined,
  ): Float64Array {
    const { blank, zeroInfinity } = this.#options;
    const { samples, classes, inputLengths, targetLengths, targets, starts } = batch;
    const values = new Float64Array(samples);
    const isRaw = this.#scores === "logits";
    // log p = x - m - log s; for log-probabilities as they come, both are 0.
    const normalised = isRaw ? softmax(x, batch, upstream, grad) : undefined;
    if (!isRaw) grad?.fill(0);

    const spellings = Array.from(
      values,
      (_, b) => spell(targets, starts[b], starts[b] + targetLengths[b], blank),
    );
    const largest = (size: (b: number) => number) =>
      spellings.reduce((most, _, b) => Math.max(most, size(b)), 0);
    const alignments = new Alignments(
      largest((b) => inputLengths[b]),
      largest((b) => targetLengths[b]),
      largest((b) => spellings[b].classes.length),
    );

    for (let b = 0; b < samples; b++) {
      const spelling = spellings[b];
      const frames = inputLengths[b];
      const gather = (to: Float64Array) => gatherRows(x, batch, b, spelling, normalised, to);
      let value = frames < spelling.least
        ? Infinity
        : frames === 0
        ? 0
        : 0 - alignments.sum(spelling, frames, gather);
      if (value < 0 && (isRaw || isNormalised(x, batch, b, rounding))) value = 0;
      const isInfinite = value === Infinity;
      if (isInfinite && zeroInfinity) value = 0;
      values[b] = value;
      if (grad === undefined) continue;

      for (let t = 0; t < batch.frames; t++) {
        const row = (t * samples + b) * classes;
        if (t >= frames || isInfinite) {
          grad.fill(t >= frames || zeroInfinity ? 0 : NaN, row, row + classes);
        }
      }
      if (!isInfinite) scatterRows(grad, batch, b, spelling, upstream[b], alignments, isRaw);
    }
    return values;
  }
}

/** What is taken from the scores of each row to make them log-probabilities. */
interface Normalised {
  readonly max: Float64Array;
  readonly logSum: Float64Array;
}

/** Finds maximum and log Σ exp(x - max) of each row, and writes upstream · softmax into `grad`. */
function softmax(
  x: FloatArray,
  { frames, samples, classes }: Batch,
  upstream: Float64Array,
  grad: FloatArray | undefined,
): Normalised {
  const tiles = kernels("float64");
  const { element, row, run, tile } = tiles;
  const count = frames * samples;
  const max = new Float64Array(count);
  const logSum = new Float64Array(count);
  const rows = rowsPerTile(classes, tiles);
  for (let start = 0; start < count; start += rows) {
    const height = Math.min(rows, count - start);
    /** Calls `step` for each piece of the rows: all of them at once, or a part of one that is longer than a tile. */
    const pieces = (step: (from: number, to: number, width: number) => void): void => {
      for (let c = 0; c < classes; c += tile) {
        const width = Math.min(tile, classes - c);
        const from = start * classes + c;
        step(from, from + height * width, width);
      }
    };
    const isWhole = classes <= tile;
    const load = (from: number, to: number) => element.x.set(x.subarray(from, to));

    row.m.fill(-Infinity, 0, height);
    const most = row.m.slice(0, height);
    pieces((from, to, width) => {
      load(from, to);
      run.rowMax(height, width);
      for (let r = 0; r < height; r++) most[r] = Math.max(most[r], row.m[r]);
    });
    row.m.set(most);
    const sums = new Float64Array(height);
    pieces((from, to, width) => {
      if (!isWhole) load(from, to);
      run.exp(height, width);
      for (let r = 0; r < height; r++) sums[r] += row.s[r];
    });
    for (let r = 0; r < height; r++) {
      // Several infinite scores, or nothing but -∞, leave open what is likely.
      if (Math.abs(most[r]) === Infinity && (most[r] < 0 || sums[r] > 1)) sums[r] = NaN;
      max[start + r] = most[r];
      logSum[start + r] = Math.log(sums[r]);
      row.a[r] = upstream[(start + r) % samples] / sums[r];
    }
    if (grad === undefined) continue;
    pieces((from, to, width) => {
      if (!isWhole) {
        load(from, to);
        run.exp(height, width);
      }
      run.grad(height, width);
      grad.set(element.g.subarray(0, to - from), from);
    });
  }
  return { max, logSum };
}

/** Writes log-probabilities of the classes that occur, frame by frame. */
function gatherRows(
  x: FloatArray,
  { samples, classes, inputLengths }: Batch,
  b: number,
  { classes: occurring }: Spelling,
  normalised: Normalised | undefined,
  to: Float64Array,
): void {
  const count = occurring.length;
  for (let t = 0, at = 0; t < inputLengths[b]; t++) {
    const sample = t * samples + b;
    const row = sample * classes;
    if (normalised === undefined) {
      for (let k = 0; k < count; k++) to[at++] = x[row + occurring[k]];
    } else {
      const max = normalised.max[sample];
      const logSum = normalised.logSum[sample];
      for (let k = 0; k < count; k++) {
        const score = x[row + occurring[k]];
        to[at++] = (score === max ? 0 : score - max) - logSum;
      }
    }
  }
}

/** Writes gradients of the classes that occur: the others have theirs. In float64, where p - γ is small. */
function scatterRows(
  grad: FloatArray,
  { samples, classes, inputLengths }: Batch,
  b: number,
  { classes: occurring }: Spelling,
  upstream: number,
  { emission, top, occupancy }: Alignments,
  isRaw: boolean,
): void {
  const count = occurring.length;
  for (let t = 0, at = 0; t < inputLengths[b]; t++) {
    const row = (t * samples + b) * classes;
    const scale = isRaw ? Math.exp(top[t]) : 0;
    for (let k = 0; k < count; k++, at++) {
      grad[row + occurring[k]] = upstream * (scale * emission[at] - occupancy[at]);
    }
  }
}

/** Whether the probabilities of each frame add up to 1, but for rounding: then P cannot be more than 1. */
function isNormalised(
  x: FloatArray,
  { samples, classes, inputLengths }: Batch,
  b: number,
  rounding: number,
): boolean {
  for (let t = 0; t < inputLengths[b]; t++) {
    const row = (t * samples + b) * classes;
    let sum = 0;
    for (let c = row; c < row + classes; c++) sum += Math.exp(x[c]);
    if (Math.abs(sum - 1) > rounding) return false;
  }
  return true;
}

/** Checks shapes, lengths and labels. */
function readBatch(
  name: string,
  shape: readonly number[],
  blank: number,
  { targets, inputLengths, targetLengths }: Readonly<
    Record<"targets" | "inputLengths" | "targetLengths", Labels>
  >,
): Batch {
  if (shape.length !== 2 && shape.length !== 3) {
    throw refusal(`${name} must have the shape (T, N, C), or (T, C) for one sample`, shape);
  }
  const frames = shape[0];
  const samples = shape.length === 3 ? shape[1] : 1;
  const classes = shape[shape.length - 1];
  if (frames * samples * classes === 0) throw refusal(`${name} must not be empty`, shape);
  if (blank >= classes) {
    throw new RangeError(
      `Cannot compute CTCLoss as blank must be a class of ${name}, from 0 to ${
        classes - 1
      }: current value is ${blank}`,
    );
  }
  checkLengths("inputLengths", inputLengths, samples, frames, `the frames of ${name}`);

  const [rows, width] = targets.shape;
  const isPadded = targets.shape.length === 2;
  if (!isPadded && targets.shape.length !== 1) {
    throw refusal("targets must have the shape (N, S), or one axis for all labels", targets.shape);
  }
  if (isPadded && rows !== samples) {
    throw refusal(
      `targets must have one row for each sample of ${name}, ${samples}`,
      targets.shape,
    );
  }
  const most = isPadded ? width : targets.shape[0];
  checkLengths("targetLengths", targetLengths, samples, most, "the labels in targets");
  const starts = new Int32Array(samples);
  let total = 0;
  for (let b = 0; b < samples; b++) {
    starts[b] = isPadded ? b * width : total;
    total += targetLengths.data[b];
  }
  if (!isPadded && total !== targets.data.length) {
    throw new RangeError(
      `Cannot compute CTCLoss as targets with one axis must hold as many labels as targetLengths add up to, ${total}: ` +
        `current length is ${targets.data.length}`,
    );
  }
  for (let b = 0; b < samples; b++) {
    for (let i = starts[b]; i < starts[b] + targetLengths.data[b]; i++) {
      const label = targets.data[i];
      if (label >= 0 && label < classes && Number.isInteger(label) && label !== blank) continue;
      throw new RangeError(
        `Cannot compute CTCLoss as targets must hold classes from 0 to ${
          classes - 1
        } other than blank, ${blank}: current value at ${position(i, targets.shape)} is ${
          describe(label)
        }`,
      );
    }
  }
  return {
    frames,
    samples,
    classes,
    inputLengths: inputLengths.data,
    targetLengths: targetLengths.data,
    targets: targets.data,
    starts,
  };
}

/** Refuses lengths unless there is one for each sample, between 0 and `most`. */
function checkLengths(
  name: string,
  { data, shape }: Labels,
  samples: number,
  most: number,
  what: string,
): void {
  const isScalar = shape.length === 0 && samples === 1;
  if (!isScalar && (shape.length !== 1 || shape[0] !== samples)) {
    throw refusal(`${name} must have one number for each sample, ${show([samples])}`, shape);
  }
  for (let b = 0; b < samples; b++) {
    if (data[b] >= 0 && data[b] <= most && Number.isInteger(data[b])) continue;
    throw new RangeError(
      `Cannot compute CTCLoss as ${name} must hold whole numbers from 0 to ${most}, ${what}: ` +
        `current value at ${position(b, shape)} is ${describe(data[b])}`,
    );
  }
}

/** The error for a shape. */
function refusal(wanted: string, shape: readonly number[]): RangeError {
  return new RangeError(`Cannot compute CTCLoss as ${wanted}: current shape is ${show(shape)}`);
}
