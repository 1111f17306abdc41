/**
 * CTCLoss: minus the log-probability of a sequence of labels, summed over all ways to spread it over the frames.
 *
 * PyTorch: `torch.nn.CTCLoss(blank, reduction, zero_infinity)`
 *
 * Shapes: `logProbs` (T, N, C) or unbatched (T, C), frames first; `targets` (N, S), where numbers after the labels of a row
 * are ignored, or one axis with the labels of all samples one after the other, as many as `targetLengths` add up to;
 * `inputLengths` and `targetLengths` (N), or scalars for a single sample. The value is a scalar, or with `"none"` (N),
 * unbatched ().
 *
 * Domain: `logProbs` log-probabilities, normalised or not; with `logits: true` any real scores. Labels are whole
 * numbers from 0 to C - 1 other than blank.
 *
 * Value: -log P, P the sum of the probabilities of all alignments: one class per frame, so that the labels remain after
 * repetitions are merged and blanks removed. P is a recursion over the frames and the states ⌀ y1 ⌀ y2 ⌀ …, with p(s) the
 * probability in the frame of the class of s:
 *
 *     α'(s) = p(s) (α(s) + α(s - 1) + jump α(s - 2)),  jump = 1 from label to a different label, else 0
 *     P     = α(last) + α(last - 1) in the last frame
 *
 * The mean divides each value by the number of its labels (at least 1), then their sum by N. The value is ∞ if there is no
 * alignment: if all have probability 0, or if there are fewer frames than labels plus pairs of equal neighbours.
 *
 * Gradient, with γ the share of P that passes through a class in a frame (so it adds up to 1): with respect to `logProbs`
 * -γ; with respect to logits softmax - γ, prediction minus what the labels allow. Exactly 0 after the input length; with
 * respect to `logProbs` also for classes that do not occur. Where the value is ∞ it is NaN, or with zeroInfinity 0 like the
 * value.
 *
 * Range: [0, ∞) for probabilities; below 0 only if some add up to more than 1. The minimum, 0, is where all likely
 * alignments read as the labels.
 *
 * Siblings: {@linkcode CrossEntropyLoss} where it is known which frame has which label: with one frame and one label
 * both are the same.
 *
 * Unlike PyTorch, the gradient with respect to `logProbs` is the derivative of the value: PyTorch returns
 * exp(logProbs) - γ, which is right only for the result of a log-softmax. For that case there is `logits: true`, in one
 * pass. Unlike PyTorch, labels that are out of range or equal to blank, and labels of a float type, are refused; a class of
 * probability 0 has the gradient 0 rather than NaN; and a value that rounding of normalised rows would make negative is 0.
 *
 * Notebook: `notebooks/ctc.ipynb` of the repository. Reference: A. Graves, S. Fernández, F. Gomez, J. Schmidhuber,
 * Connectionist Temporal Classification, 2006.
 *
 * @module
 */

import { position, readScores } from "./_core/call/arguments.ts";
import { checkLabels, type Labels, readLabels } from "./_core/call/labels.ts";
import { Loss } from "./_core/call/loss.ts";
import {
  booleanOption,
  type Reduction,
  reductionOption,
  wholeOption,
} from "./_core/call/options.ts";
import type { Request, ValueAndGrad } from "./_core/call/request.ts";
import { RowCall } from "./_core/call/row_call.ts";
import { defineRowKernels } from "./_core/kernel/row_kernels.ts";
import { rowsPerTile } from "./_core/rows/class_axis.ts";
import { EXPONENTIALS, FUNCTIONS, MAX, takeLimits } from "./_core/rows/softmax.ts";
import { describe } from "./_core/tensor/describe.ts";
import { show } from "./_core/tensor/shape.ts";
import type { TensorLike } from "./_core/tensor/tensor.ts";
import type { FloatArray, FloatType } from "./_core/tensor/types.ts";
import { type Normalised, prepareLabels, type Sample, sumAlignments } from "./_ctc/alignment.ts";
import { sumExactly } from "./_ctc/levels.ts";

export type * from "./_core/types.ts";

/** Options of {@linkcode CTCLoss}. */
export interface CTCLossOptions<L extends boolean = boolean> {
  /** The class that stands for no label. @default {0} */
  blank?: number | undefined;
  /** Whether samples without an alignment have value and gradient 0 instead of ∞ and NaN. @default {false} */
  zeroInfinity?: boolean | undefined;
  /** Keep the value of each sample, average over them, or add them up. @default {"mean"} */
  reduction?: Reduction | undefined;
  /** Whether the first argument holds raw scores, and the loss computes their log-softmax itself. @default {false} */
  logits?: L | undefined;
}

/** The name of the gradient: `"logits"` for a loss made with `logits: true`, else `"logProbs"`. */
export type CTCScores<L extends boolean> = L extends true ? "logits" : "logProbs";

/** The result of `valueAndGrad`: a union if the compiler does not know the option `logits`, as one of two gradients exists. */
export type CTCValueAndGrad<W extends string> = [W] extends [never] ? ValueAndGrad<W>
  : W extends string ? ValueAndGrad<W>
  : never;

/** The arguments of {@linkcode CTCLoss}. */
export type CTCArguments = [
  logProbs: TensorLike,
  targets: TensorLike,
  inputLengths: TensorLike,
  targetLengths: TensorLike,
];

/** The names of the arguments after the first. */
const LISTS = ["targets", "inputLengths", "targetLengths"];

const kernels = /* @__PURE__ */ defineRowKernels(() => ({
  elements: ["x", "e", "g"],
  rows: ["m", "s", "a"],
  steps: { max: MAX, exp: EXPONENTIALS, grad: { store: { g: "a * e" } } },
  functions: FUNCTIONS,
  tile: 65536,
  tileRows: 4096,
}));

/** How much the sum of the probabilities of a row may differ from 1 if they were normalised in this type. */
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
 * Minus the log-probability of a sequence of labels, summed over all ways to spread it over the frames.
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
 * // From raw scores: prediction minus what the label allows.
 * const scores = [[0, 0], [0, 0]];
 * const fused = new CTCLoss({ logits: true }).valueAndGrad(scores, [1], 2, 1);
 * assertAlmostEquals(fused.grad.logits.data[1], 1 / 2 - 2 / 3, 1e-15);
 * ```
 */
export class CTCLoss<const L extends boolean = false> extends Loss<
  CTCArguments,
  CTCScores<L>,
  CTCScores<L>
> {
  /**
   * The recursion, the value and the gradients of one class in one frame as formulas. p is the probability of the class;
   * a, b and c are α, in the previous frame, of the state itself, the one before it and the one before that; last and
   * previous are α of the last two states in the last frame, P is their sum, and A the sum over all alignments that pass
   * through the class in the frame.
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
   * @throws {RangeError} If blank is not a whole number ≥ 0, or the reduction is unknown.
   */
  constructor(options: CTCLossOptions<L> = {}) {
    super("CTCLoss", [options?.logits === true ? "logits" : "logProbs", ...LISTS], options, {
      blank: 0,
      zeroInfinity: false,
      reduction: "mean",
      logits: false,
    });
    const { blank = 0, zeroInfinity = false, reduction, logits = false } = options;
    this.#options = {
      blank: wholeOption("CTCLoss", "blank", blank, 0),
      zeroInfinity: booleanOption("CTCLoss", "zeroInfinity", zeroInfinity),
      reduction: reductionOption("CTCLoss", reduction),
    };
    this.#scores = booleanOption("CTCLoss", "logits", logits) ? "logits" : "logProbs";
  }

  /**
   * The loss and its gradient.
   *
   * @param args Log-probabilities, or scores with `logits: true`, (T, N, C) or (T, C); class labels, (N, S) or all one after
   * the other; the number of frames and the number of labels of each sample; and finally the request.
   * @returns The value, and the gradient with respect to the first argument: `grad.logProbs`, or `grad.logits` with
   * `logits: true`.
   * @throws {TypeError} If an argument is of the wrong kind or type.
   * @throws {RangeError} If shapes or lengths do not fit together, or a label is blank or not a class.
   */
  override valueAndGrad<W extends CTCScores<L> = CTCScores<L>>(
    ...args: [...args: CTCArguments, request?: Request<W>]
  ): CTCValueAndGrad<W> {
    return super.valueAndGrad(...args) as CTCValueAndGrad<W>;
  }

  /** @ignore */
  protected override evaluate(
    [given, targets, inputLengths, targetLengths]: CTCArguments,
    request: Request<string> | undefined,
  ): ValueAndGrad<string> {
    const { blank, reduction } = this.#options;
    const name = this.#scores;
    const scores = readScores("CTCLoss", name, given);
    const lists = {
      targets: readLabels("CTCLoss", "targets", targets),
      inputLengths: readLabels("CTCLoss", "inputLengths", inputLengths),
      targetLengths: readLabels("CTCLoss", "targetLengths", targetLengths),
    };
    const batch = readBatch(name, scores.shape, blank, lists);
    const { samples } = batch;
    const call = new RowCall({
      loss: "CTCLoss",
      reduction,
      dtype: scores.dtype,
      rowShape: scores.shape.length === 3 ? [samples] : [],
      divisor: samples,
      shapes: { [name]: scores.shape },
      defaults: [name],
      inputs: [scores, ...Object.values(lists)],
    }, request);

    // A mean divides the value of each sample by the number of its labels first.
    const labels = (b: number) => reduction === "mean" ? Math.max(batch.targetLengths[b]!, 1) : 1;
    const gradOutput = call.upstreamOf(0, samples);
    const upstream = Float64Array.from({ length: samples }, (_, b) => {
      const own = typeof gradOutput === "number" ? gradOutput : gradOutput[b]!;
      return own / (call.divisor * labels(b));
    });
    const x = scores.data as FloatArray;
    const values = this.#samples(x, batch, upstream, scores.dtype, call.grad[name]?.data);
    call.take(0, samples, values.map((value, b) => value / labels(b)));
    return call.result();
  }

  /** Computes the value of each sample, and writes the gradients. */
  #samples(
    x: FloatArray,
    batch: Batch,
    upstream: Float64Array,
    dtype: FloatType,
    grad: FloatArray | undefined,
  ): Float64Array {
    const { blank, zeroInfinity } = this.#options;
    const { frames, samples, classes, inputLengths, targetLengths, targets, starts } = batch;
    const isRaw = this.#scores === "logits";
    const normalised = isRaw ? softmax(x, batch, upstream, dtype, grad) : undefined;
    if (!isRaw) grad?.fill(0);

    const values = new Float64Array(samples);
    const possible: Sample[] = [];
    for (let b = 0; b < samples; b++) {
      const start = starts[b]!;
      const labels = prepareLabels(targets, start, start + targetLengths[b]!, blank);
      const sample = { index: b, frames: inputLengths[b]!, labels };
      if (sample.frames < labels.least) values[b] = Infinity;
      else if (sample.frames > 0) possible.push(sample);
    }
    const scores = { data: x, samples, classes, normalised, grad, upstream };
    const logs = sumAlignments(scores, possible);
    for (const [k, sample] of possible.entries()) {
      const log = Number.isNaN(logs[k]) ? sumExactly(scores, sample) : logs[k]!;
      const value = 0 - log;
      const isRounded = value < 0 &&
        (isRaw || isNormalised(x, batch, sample.index, ROUNDING[dtype]));
      values[sample.index] = isRounded ? 0 : value;
    }

    for (let b = 0; b < samples; b++) {
      const isInfinite = values[b] === Infinity;
      if (isInfinite && zeroInfinity) values[b] = 0;
      for (let t = isInfinite ? 0 : inputLengths[b]!; t < frames; t++) {
        const row = (t * samples + b) * classes;
        const counts = t < inputLengths[b]! && !zeroInfinity;
        grad?.fill(counts ? NaN : 0, row, row + classes);
      }
    }
    return values;
  }
}

/**
 * Finds maximum and log Σ exp(x - max) of each row, and writes upstream · softmax into `grad`. Sums of exponentials are float64;
 * CTC's own sums begin with scores and these, not with rounded probabilities.
 */
function softmax(
  x: FloatArray,
  { frames, samples, classes }: Batch,
  upstream: Float64Array,
  dtype: FloatType,
  grad: FloatArray | undefined,
): Normalised {
  const tiles = kernels(dtype, classes).near([{ data: x }]);
  const { element, row, run } = tiles;
  const count = frames * samples;
  const max = new Float64Array(count);
  const logSum = new Float64Array(count);
  const rows = rowsPerTile(classes, tiles);
  for (let start = 0; start < count; start += rows) {
    const height = Math.min(rows, count - start);
    const from = start * classes;
    const to = from + height * classes;
    const scores = tiles.load(element.x, x, from, to);
    run.max(height, classes);
    max.set(row.m.subarray(0, height), start);
    takeLimits(tiles, element.x, scores, row.m, height, classes);
    // Where they can, kernels write exponentials to where the gradient will be.
    if (grad !== undefined) tiles.aim(element.e, grad, from, to);
    run.exp(height, classes);
    for (let r = 0; r < height; r++) {
      logSum[start + r] = Math.log(row.s[r]!);
      row.a[r] = upstream[(start + r) % samples]! / row.s[r]!;
    }
    if (grad === undefined) continue;
    tiles.aim(element.g, grad, from, to);
    run.grad(height, classes);
    tiles.unload(element.g, grad, from, to);
  }
  return { max, logSum };
}

/** True if the probabilities of each frame add up to 1 up to rounding, so that P cannot exceed 1. */
function isNormalised(
  x: FloatArray,
  { samples, classes, inputLengths }: Batch,
  b: number,
  rounding: number,
): boolean {
  const frames = inputLengths[b]!;
  for (let t = 0; t < frames; t++) {
    const row = (t * samples + b) * classes;
    let sum = 0;
    for (let c = row; c < row + classes; c++) sum += Math.exp(x[c]!);
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
  const [frames, samples, classes] = (shape.length === 3 ? shape : [shape[0], 1, shape[1]]) as [
    frames: number,
    samples: number,
    classes: number,
  ];
  if (frames * samples * classes === 0) throw refusal(`${name} must not be empty`, shape);
  if (blank >= classes) {
    throw new RangeError(
      `Cannot compute CTCLoss as blank must be a class of ${name}, from 0 to ${
        classes - 1
      }: current value is ${blank}`,
    );
  }
  checkLengths("inputLengths", inputLengths, samples, frames, `the frames of ${name}`);

  const [rows, width, ...others] = targets.shape;
  if (rows === undefined || others.length > 0) {
    throw refusal("targets must have the shape (N, S), or one axis for all labels", targets.shape);
  }
  const isPadded = width !== undefined;
  if (isPadded && rows !== samples) {
    throw refusal(
      `targets must have one row for each sample of ${name}, ${samples}`,
      targets.shape,
    );
  }
  checkLengths("targetLengths", targetLengths, samples, width ?? rows, "the labels in targets");
  const starts = new Int32Array(samples);
  let total = 0;
  for (let b = 0; b < samples; b++) {
    starts[b] = isPadded ? b * width : total;
    total += targetLengths.data[b]!;
  }
  if (!isPadded && total !== targets.data.length) {
    throw new RangeError(
      `Cannot compute CTCLoss as targets with one axis must hold as many labels as targetLengths add up to, ${total}: ` +
        `current length is ${targets.data.length}`,
    );
  }
  for (let b = 0; b < samples; b++) {
    checkLabels("CTCLoss", "targets", targets, classes, {
      forbidden: blank,
      wanted: ` other than blank, ${blank}`,
      start: starts[b]!,
      end: starts[b]! + targetLengths.data[b]!,
    });
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
    const length = data[b]!;
    if (length >= 0 && length <= most && Number.isInteger(length)) continue;
    throw new RangeError(
      `Cannot compute CTCLoss as ${name} must hold whole numbers from 0 to ${most}, ${what}: ` +
        `current value at ${position(b, shape)} is ${describe(length)}`,
    );
  }
}

/** The error for a shape. */
function refusal(wanted: string, shape: readonly number[]): RangeError {
  return new RangeError(`Cannot compute CTCLoss as ${wanted}: current shape is ${show(shape)}`);
}
