/**
 * AdaptiveLogSoftmaxWithLoss: a softmax over very many classes that computes few scores: frequent classes have scores of
 * their own, rare ones are in clusters, whose scores are computed only if the label is in the cluster.
 *
 * PyTorch: `torch.nn.AdaptiveLogSoftmaxWithLoss(in_features, n_classes, cutoffs, div_value, head_bias, dtype)`
 *
 * Shapes: `input` (N, inFeatures) and `target` (N), or (inFeatures) and (). `output` has the shape of `target`, the
 * loss is a scalar. `logProb` is (N, nClasses), `predict` (N); these two take batches only.
 *
 * Domain: any real `input`; `target` class labels, whole numbers from 0 to nClasses - 1, sorted by falling frequency.
 *
 * With cutoffs k1 < … < km, the classes below k1 are the shortlist, and those from ki to the next cutoff (finally
 * nClasses) are cluster i. The parameters are named as in PyTorch, i from 0 on:
 *
 *     head.weight      (k1 + m, inFeatures)  one row per class of the shortlist, then one per cluster
 *     head.bias        (k1 + m)              with headBias
 *     tail.i.0.weight  (hi, inFeatures)      hi = inFeatures / divValue^(i + 1), rounded down
 *     tail.i.1.weight  (size of cluster, hi)
 *
 * Value, with head and tail = logSoftmax of the scores of each: `output` is the log-probability of the label,
 *
 *     head[y]                        for y in the shortlist
 *     head[k1 + i] + tail[y - low]   for y in cluster i, which begins at low
 *
 * and the loss is minus its mean, always.
 *
 * Gradient of the loss with respect to scores: (softmax - one-hot) / N, for the head over all samples, for a cluster over
 * its own samples; from there through the linear layers to parameters and `input`. If hi is 0, the classes of that cluster
 * are equally likely, and there is no parameter to learn.
 *
 * Range: loss in [0, ∞), `output` in (-∞, 0]. An empty batch has the loss NaN.
 *
 * Siblings: {@linkcode CrossEntropyLoss} with a score for every class; {@linkcode LinearCrossEntropyLoss}, which computes
 * the score of every class but never holds all of them.
 *
 * Unlike PyTorch, the gradient of a cluster without labels is 0 rather than none, one infinite score gives the limit, as in
 * CrossEntropyLoss, labels are int32, and float32 with float64 gives float64.
 *
 * Notebook: `notebooks/adaptive_log_softmax_with_loss.ipynb` of the repository. Reference: E. Grave, A. Joulin, M. Cissé,
 * D. Grangier and H. Jégou, Efficient softmax approximation for GPUs, 2016.
 *
 * @module
 */

import { readArguments } from "./_core/call/arguments.ts";
import { sameShape, show } from "./_core/tensor/shape.ts";
import type { FloatArray, FloatType } from "./_core/tensor/types.ts";
import { describe } from "./_core/tensor/describe.ts";
import { describeObject, showAs } from "./_core/tensor/inspect.ts";
import { scalar, SCALAR_SHAPE, Tensor, type TensorLike, zeros } from "./_core/tensor/tensor.ts";
import { CHUNK_SCORES } from "./_linear_cross_entropy/chunks.ts";
import { checkLabels, readLabels } from "./_core/call/labels.ts";
import {
  addColumnSums,
  type Matrix,
  matrix,
  multiply,
  rowsOf,
  transpose,
} from "./_core/layer/linear.ts";
import { booleanOption, checkOptions, numberOption, wholeOption } from "./_core/call/options.ts";
import {
  type ParameterOptions,
  Parameters,
  type ParameterShape,
} from "./_core/layer/parameters.ts";
import { checkRequest, type Request, type ValueAndGrad } from "./_core/call/request.ts";
import { CrossEntropyLoss } from "./cross_entropy.ts";
import { logSoftmax } from "./helpers.ts";

export type * from "./_core/types.ts";
export type { ParameterOptions } from "./_core/layer/parameters.ts";

const NAME = "AdaptiveLogSoftmaxWithLoss";

/** Options of {@linkcode AdaptiveLogSoftmaxWithLoss}. */
export interface AdaptiveLogSoftmaxWithLossOptions extends ParameterOptions {
  /** The length of a sample, ≥ 1. */
  inFeatures: number;
  /** The number of classes, ≥ 2. */
  nClasses: number;
  /** The first class of each cluster: increasing whole numbers from 1 to nClasses - 1, at least one. */
  cutoffs: readonly number[];
  /**
   * The factor by which each cluster's hidden size is smaller than that of the one before, > 0: with 1 all have
   * inFeatures, with Infinity all have 0.
   *
   * @default {4}
   */
  divValue?: number | undefined;
  /** Whether the head has a bias, `head.bias`. @default {false} */
  headBias?: boolean | undefined;
}

/** The log-probability of each label, and the loss: minus its mean. */
export interface AdaptiveLogSoftmaxOutput {
  /** Log-probabilities, not losses: at most 0, of the shape of the target. */
  readonly output: Tensor;
  /** Minus their mean, a scalar. */
  readonly loss: Tensor;
}

/** The names that {@linkcode AdaptiveLogSoftmaxWithLoss} can be differentiated with respect to. */
export type AdaptiveLogSoftmaxGradient =
  | "input"
  | "head.weight"
  | "head.bias"
  | `tail.${number}.${0 | 1}.weight`;

/** Classes that share an entry of the head. */
interface Cluster {
  /** The index of that entry. */
  readonly entry: number;
  /** The first class. */
  readonly low: number;
  readonly size: number;
  /** The names of its parameters. */
  readonly down: string;
  readonly up: string;
}

/** A call, checked: parameters and samples of one type, and a label for each sample. */
interface Call {
  readonly dtype: FloatType;
  readonly input: Matrix;
  readonly parameters: Readonly<Record<string, Tensor>>;
  readonly labels: Int32Array;
  /** The upstream gradient of each sample's loss, or undefined if no gradient is requested. */
  readonly upstream: number | undefined;
  readonly grad: Readonly<Record<string, Tensor>>;
}

let crossEntropy: CrossEntropyLoss | undefined;
/** True once there has been an object of the class. */
let isShown = false;

/**
 * Minus the log-probability of the right class, under a softmax that keeps rare classes in clusters.
 *
 * ```ts
 * import { AdaptiveLogSoftmaxWithLoss } from "@lossbook/losses";
 * import { assertAlmostEquals, assertEquals } from "@std/assert";
 *
 * // Class 0 has a score of its own; 1 and 2 share one, and a cluster that projects two features to one.
 * const adaptive = new AdaptiveLogSoftmaxWithLoss({
 *   inFeatures: 2,
 *   nClasses: 3,
 *   cutoffs: [1],
 *   divValue: 2,
 * });
 * adaptive.setParameters({
 *   "head.weight": [[1, 0], [0, 1]],
 *   "tail.0.0.weight": [[1, 1]],
 *   "tail.0.1.weight": [[1], [-1]],
 * });
 *
 * const { output, loss } = adaptive.forward([[2, 3], [2, 3]], [0, 2]);
 * const head = Math.log(Math.exp(2) + Math.exp(3));
 * const tail = Math.log(Math.exp(5) + Math.exp(-5));
 * assertAlmostEquals(output.data[0], 2 - head, 1e-15);
 * assertAlmostEquals(output.data[1], 3 - head + (-5 - tail), 1e-14);
 * assertEquals(loss.item(), -(output.data[0] + output.data[1]) / 2);
 * assertEquals(adaptive.predict([[2, 3]]).toArray(), [1]);
 * ```
 */
export class AdaptiveLogSoftmaxWithLoss {
  /**
   * Value and gradient of one score of the head, or of the label's cluster, as formulas: x is the score, m the largest
   * score of that softmax, s the sum of exp(x - m), and y is 1 for the right class or cluster, else 0.
   */
  static readonly formula: { value: string; grad: { input: string } } = {
    value: "y * (log(s) + m - x)",
    grad: { input: "exp(x - m) / s - y" },
  };

  readonly #text: string;
  /** The names of the arguments, in the order of a call: those that gradients go by. */
  readonly argumentNames: readonly string[] = ["input", "target"];
  readonly #inFeatures: number;
  readonly #nClasses: number;
  /** The number of classes with an entry of the head of their own. */
  readonly #shortlist: number;
  readonly #clusters: readonly Cluster[];
  readonly #parameters: Parameters;

  /**
   * Makes a loss with these options, and its parameters.
   *
   * @param options See {@linkcode AdaptiveLogSoftmaxWithLossOptions}.
   * @throws {TypeError} If an option is unknown or of the wrong kind.
   * @throws {RangeError} If a size is not a whole number or too small, divValue is not > 0, or the cutoffs are empty, out
   * of order or out of range.
   */
  constructor(options: AdaptiveLogSoftmaxWithLossOptions) {
    const defaults = {
      inFeatures: undefined,
      nClasses: undefined,
      cutoffs: undefined,
      divValue: 4,
      headBias: false,
      dtype: undefined,
      random: undefined,
    };
    if (!isShown) isShown = showAs(AdaptiveLogSoftmaxWithLoss.prototype);
    checkOptions(NAME, options, Object.keys(defaults));
    this.#text = describeObject(NAME, options, defaults);
    const { divValue = 4, headBias = false } = options;
    const inFeatures = wholeOption(NAME, "inFeatures", options.inFeatures, 1);
    const nClasses = wholeOption(NAME, "nClasses", options.nClasses, 2);
    const cutoffs = checkCutoffs(options.cutoffs, nClasses);
    numberOption(NAME, "divValue", divValue, (value) => value > 0, "> 0");

    const [shortlist] = cutoffs;
    const head = shortlist + cutoffs.length;
    const shapes: Record<string, ParameterShape> = {
      "head.weight": { shape: [head, inFeatures], fanIn: inFeatures },
    };
    if (booleanOption(NAME, "headBias", headBias)) {
      shapes["head.bias"] = { shape: [head], fanIn: inFeatures };
    }
    this.#inFeatures = inFeatures;
    this.#nClasses = nClasses;
    this.#shortlist = shortlist;
    this.#clusters = cutoffs.map((low, i) => {
      const size = (cutoffs[i + 1] ?? nClasses) - low;
      const [down, up] = [`tail.${i}.0.weight`, `tail.${i}.1.weight`] as const;
      const divisor = divValue ** (i + 1);
      // Rounded down: inFeatures / divisor itself may be rounded up to the next whole number.
      const hidden = Math.round((inFeatures - inFeatures % divisor) / divisor);
      shapes[down] = { shape: [hidden, inFeatures], fanIn: inFeatures };
      shapes[up] = { shape: [size, hidden], fanIn: hidden };
      return { entry: shortlist + i, low, size, down, up };
    });
    this.#parameters = new Parameters(NAME, shapes, options);
  }

  /**
   * The loss as text.
   *
   * @returns Text such as `AdaptiveLogSoftmaxWithLoss(inFeatures=8, nClasses=100, cutoffs=[10], divValue=4, headBias=false)`.
   */
  toString(): string {
    return this.#text;
  }

  /** All parameters by their PyTorch names. These are the loss's own tensors: writing to them changes it. */
  get parameters(): Record<string, Tensor> {
    return this.#parameters.tensors;
  }

  /**
   * Copies numbers into the parameters.
   *
   * @param values Numbers by the parameter's name; parameters that are not named keep their numbers.
   * @throws {TypeError} If a name is unknown, or a value is not a tensor of floats. Then nothing is copied.
   * @throws {RangeError} If a value has another shape than its parameter. Then nothing is copied.
   */
  setParameters(values: Readonly<Record<string, TensorLike>>): void {
    this.#parameters.set(values);
  }

  /**
   * The log-probability of each label, and the loss.
   *
   * @param input Samples, (N, inFeatures) or (inFeatures).
   * @param target Class labels, (N) or ().
   * @returns `output`, the log-probabilities, and `loss`, minus their mean.
   * @throws {TypeError} If `input` is not a tensor of floats, or `target` not one of whole numbers.
   * @throws {RangeError} If the shapes do not fit together, or a label is not a class.
   */
  forward(input: TensorLike, target: TensorLike): AdaptiveLogSoftmaxOutput {
    const { value, output } = this.valueAndGrad(input, target, { wrt: [] });
    return { output, loss: value };
  }

  /**
   * The loss and its gradients.
   *
   * @param input Samples, (N, inFeatures) or (inFeatures).
   * @param target Class labels, (N) or ().
   * @param request The gradients to compute (by default of `input` and every parameter), the upstream gradient, and the
   * buffers to write into.
   * @returns The loss as `value`, the log-probabilities as `output`, and a gradient of the loss for each name in
   * `request.wrt`, of its argument's or parameter's shape.
   * @throws {TypeError} If `input` is not a tensor of floats, or `target` not one of whole numbers.
   * @throws {RangeError} If the shapes do not fit together, or a label is not a class.
   */
  valueAndGrad<
    W extends AdaptiveLogSoftmaxGradient = Exclude<AdaptiveLogSoftmaxGradient, "head.bias">,
  >(
    input: TensorLike,
    target: TensorLike,
    request: Request<W> = {},
  ): ValueAndGrad<W> & { readonly output: Tensor } {
    const { dtype, x, parameters } = this.#read(input);
    const labels = readLabels(NAME, "target", target);
    if (labels.shape.length > 1) {
      throw new RangeError(
        `Cannot compute ${NAME} as target must be one label, (), or one per sample, (N): current shape is ${
          show(labels.shape)
        }`,
      );
    }
    const wanted = [...labels.shape, this.#inFeatures];
    if (!sameShape(x.shape, wanted)) {
      throw new RangeError(
        `Cannot compute ${NAME} as input must have the shape ${
          show(wanted)
        } for a target of shape ${show(labels.shape)}: current shape is ${show(x.shape)}`,
      );
    }
    checkLabels(NAME, "target", labels, this.#nClasses);
    const shapes: Record<string, readonly number[]> = { input: x.shape };
    for (const [name, { shape }] of Object.entries(parameters)) shapes[name] = shape;
    const { wrt, gradOutput, grad } = checkRequest(
      NAME,
      request,
      {
        dtype,
        shapes,
        defaults: Object.keys(shapes),
        inputs: [x, labels, ...Object.values(parameters)],
      },
      SCALAR_SHAPE,
    );

    const samples = labels.data.length;
    for (const name of wrt) grad[name]!.data.fill(0);
    const call: Call = {
      dtype,
      input: matrix(x.data as FloatArray, samples, this.#inFeatures),
      parameters,
      labels: Int32Array.from(labels.data),
      upstream: wrt.length === 0
        ? undefined
        : (typeof gradOutput === "number" ? gradOutput : gradOutput[0]!) / samples,
      grad,
    };
    const logProbs = new Float64Array(samples);
    this.#head(call, logProbs);
    for (const cluster of this.#clusters) this.#tail(call, cluster, logProbs);
    const output = zeros(dtype, labels.shape);
    output.data.set(logProbs);
    const value = scalar(dtype, logProbs.reduce((sum, logProb) => sum - logProb, 0) / samples);
    return { value, output, grad: grad as ValueAndGrad<W>["grad"] };
  }

  /**
   * The log-probabilities of all classes.
   *
   * @param input Samples, (N, inFeatures).
   * @returns Log-probabilities, (N, nClasses); the probabilities of each row add up to 1.
   * @throws {TypeError} If `input` is not a tensor of floats.
   * @throws {RangeError} If it is not a batch of samples.
   */
  logProb(input: TensorLike): Tensor {
    const { dtype, x, parameters } = this.#readBatch(input);
    const classes = this.#nClasses;
    const result = zeros(dtype, [x.rows, classes]);
    for (const [first, count] of chunks(x.rows, classes)) {
      const table = this.#table(dtype, rowsOf(x, first, count), parameters);
      result.data.set(table, first * classes);
    }
    return result;
  }

  /**
   * The most likely class of each sample.
   *
   * @param input Samples, (N, inFeatures).
   * @returns Class labels, (N); the first of several that are equally likely.
   * @throws {TypeError} If `input` is not a tensor of floats.
   * @throws {RangeError} If it is not a batch of samples.
   */
  predict(input: TensorLike): Tensor {
    const { dtype, x, parameters } = this.#readBatch(input);
    const result = zeros("int32", [x.rows]);
    for (const [first, count] of chunks(x.rows, this.#nClasses)) {
      const part = rowsOf(x, first, count);
      const head = scoresOf(dtype, part, parameters["head.weight"]!, parameters["head.bias"]);
      const best = largestOfRows(head, count);
      result.data.set(best, first);
      // A class is at most as likely as its cluster: where a class of the shortlist is the most likely entry of the head, it
      // is the most likely class.
      const rest = Array.from(best.keys()).filter((r) => best[r]! >= this.#shortlist);
      if (rest.length === 0) continue;
      const table = this.#table(dtype, gather(dtype, part, rest), parameters);
      largestOfRows(table, rest.length).forEach((c, r) => result.data[first + rest[r]!] = c);
    }
    return result;
  }

  /** The input and all parameters, of one type. */
  #read(input: TensorLike): { dtype: FloatType; x: Tensor; parameters: Record<string, Tensor> } {
    const names = Object.keys(this.#parameters.tensors);
    const { tensors, dtype } = readArguments(
      NAME,
      ["input", ...names].map((name) => ({ name })),
      [input, ...Object.values(this.#parameters.tensors)],
    );
    const [x, ...parameters] = tensors as [Tensor, ...Tensor[]];
    return {
      dtype,
      x,
      parameters: Object.fromEntries(parameters.map((tensor, i) => [names[i]!, tensor])),
    };
  }

  #readBatch(
    input: TensorLike,
  ): { dtype: FloatType; x: Matrix; parameters: Record<string, Tensor> } {
    const { dtype, x, parameters } = this.#read(input);
    if (x.shape.length !== 2 || x.shape[1] !== this.#inFeatures) {
      throw new RangeError(
        `Cannot compute ${NAME} as input must have the shape (N, ${this.#inFeatures}): current shape is ${
          show(x.shape)
        }`,
      );
    }
    return { dtype, x: matrixOf(x), parameters };
  }

  /** Adds the log-probability in the head of each label, or of the label's cluster, and the gradients through the head. */
  #head(call: Call, logProbs: Float64Array): void {
    const { dtype, input, parameters, labels, grad } = call;
    const weight = parameters["head.weight"]!;
    const width = weight.shape[0]!;
    const biasSums = new Float64Array(width);
    const slots = labels.map((label) =>
      this.#clusters.findLast(({ low }) => label >= low)?.entry ?? label
    );
    for (const [first, count] of chunks(labels.length, width)) {
      const x = rowsOf(input, first, count);
      const scores = scoresOf(dtype, x, weight, parameters["head.bias"]);
      const { values, scoreGrad } = lossesOf(call, scores, slots.subarray(first, first + count));
      values.forEach((value, r) => logProbs[first + r]! -= value);
      if (scoreGrad === undefined) continue;
      const all = grad.input &&
        matrix(grad.input.data as FloatArray, labels.length, this.#inFeatures);
      backward(call, "head.weight", x, scoreGrad, all && rowsOf(all, first, count));
      if (grad["head.bias"]) addColumnSums(scoreGrad, biasSums);
    }
    grad["head.bias"]?.data.set(biasSums);
  }

  /** Adds a cluster's log-probabilities for its samples, and their gradients. */
  #tail(call: Call, { low, size, down, up }: Cluster, logProbs: Float64Array): void {
    const { dtype, input, parameters, labels, grad } = call;
    const downWeight = parameters[down]!;
    const hiddenSize = downWeight.shape[0]!;
    const isMember = (label: number) => label >= low && label < low + size;
    const members = Array.from(labels.keys()).filter((r) => isMember(labels[r]!));
    for (const [first, count] of chunks(members.length, Math.max(size, this.#inFeatures))) {
      const some = members.slice(first, first + count);
      const x = gather(dtype, input, some);
      const hidden = matrix(scoresOf(dtype, x, downWeight), count, hiddenSize);
      const scores = scoresOf(dtype, hidden, parameters[up]!);
      const places = Int32Array.from(some, (r) => labels[r]! - low);
      const { values, scoreGrad } = lossesOf(call, scores, places);
      values.forEach((value, r) => logProbs[some[r]!]! -= value);
      if (scoreGrad === undefined) continue;

      const hiddenGrad = matrixOf(zeros(dtype, [count, hiddenSize]));
      backward(call, up, hidden, scoreGrad, hiddenGrad);
      const allInputs = grad.input?.data;
      const inputGrad = allInputs && matrixOf(zeros(dtype, [count, this.#inFeatures]));
      backward(call, down, x, hiddenGrad, inputGrad);
      inputGrad?.data.forEach((g, k) => {
        const r = Math.floor(k / this.#inFeatures);
        allInputs![some[r]! * this.#inFeatures + k % this.#inFeatures]! += g;
      });
    }
  }

  /** The log-probabilities of all classes, row by row. */
  #table(dtype: FloatType, x: Matrix, parameters: Call["parameters"]): FloatArray {
    const shortlist = this.#shortlist;
    const classes = this.#nClasses;
    const table = zeros(dtype, [x.rows, classes]).data;
    const logProbs = (scores: FloatArray) =>
      logSoftmax(new Tensor(scores, [x.rows, scores.length / Math.max(1, x.rows)]), { dim: 1 })
        .data as FloatArray;
    const head = logProbs(scoresOf(dtype, x, parameters["head.weight"]!, parameters["head.bias"]));
    const width = shortlist + this.#clusters.length;
    for (let r = 0; r < x.rows; r++) {
      table.set(head.subarray(r * width, r * width + shortlist), r * classes);
    }
    for (const { entry, low, size, down, up } of this.#clusters) {
      const downWeight = parameters[down]!;
      const hidden = matrix(scoresOf(dtype, x, downWeight), x.rows, downWeight.shape[0]!);
      const tail = logProbs(scoresOf(dtype, hidden, parameters[up]!));
      for (let r = 0; r < x.rows; r++) {
        const cluster = head[r * width + entry]!;
        for (let c = 0; c < size; c++) {
          table[r * classes + low + c] = cluster + tail[r * size + c]!;
        }
      }
    }
    return table;
  }
}

/** A copy of the cutoffs, checked. */
function checkCutoffs(given: readonly number[], nClasses: number): [number, ...number[]] {
  const cutoffs = Array.isArray(given) ? Array.from(given) : given;
  const message = `Cannot make ${NAME} as cutoffs must be increasing whole numbers from 1 to ${
    nClasses - 1
  }, at least one: current value is ${describe(cutoffs)}`;
  if (!Array.isArray(cutoffs) || !cutoffs.every((cutoff) => typeof cutoff === "number")) {
    throw new TypeError(message);
  }
  const isValid = cutoffs.length > 0 &&
    cutoffs.every((cutoff, i) =>
      Number.isInteger(cutoff) && cutoff > (cutoffs[i - 1] ?? 0) && cutoff < nClasses
    );
  if (!isValid) throw new RangeError(message);
  return cutoffs as [number, ...number[]];
}

/** The first row and the number of rows of each part of a batch that is computed at once. */
function* chunks(rows: number, scores: number): Generator<[first: number, count: number]> {
  const size = Math.max(1, Math.floor(CHUNK_SCORES / scores));
  for (let first = 0; first < rows; first += size) yield [first, Math.min(size, rows - first)];
}

function matrixOf({ data, shape }: Tensor): Matrix {
  return matrix(data as FloatArray, shape[0]!, shape[1]!);
}

/** The scores of a linear layer: one for each row of x and each row of the weight. */
function scoresOf(dtype: FloatType, x: Matrix, weight: Tensor, bias?: Tensor): FloatArray {
  const rows = weight.shape[0]!;
  const scores = zeros(dtype, [x.rows, rows]);
  if (bias) { for (let r = 0; r < x.rows; r++) scores.data.set(bias.data, r * rows); }
  multiply(dtype, x, transpose(matrixOf(weight)), matrixOf(scores), bias !== undefined);
  return scores.data as FloatArray;
}

/** The loss of each row of scores, and its gradient with respect to them if one is requested. */
function lossesOf(
  { upstream }: Call,
  scores: FloatArray,
  labels: Int32Array,
): { values: FloatArray; scoreGrad: Matrix | undefined } {
  const count = labels.length;
  crossEntropy ??= new CrossEntropyLoss({ reduction: "none" });
  const { value, grad } = crossEntropy.valueAndGrad(
    new Tensor(scores, [count, scores.length / count]),
    labels,
    { wrt: upstream === undefined ? [] : ["input"], gradOutput: upstream },
  );
  const scoreGrad = upstream === undefined ? undefined : matrixOf(grad.input);
  return { values: value.data as FloatArray, scoreGrad };
}

/** The backward pass of a linear layer: adds to the gradient of its weight, and computes that of its input. */
function backward(
  { dtype, parameters, grad }: Call,
  name: string,
  x: Matrix,
  outputGrad: Matrix,
  inputGrad: Matrix | undefined,
): void {
  const weightGrad = grad[name];
  if (weightGrad) multiply(dtype, transpose(outputGrad), x, matrixOf(weightGrad), true);
  if (inputGrad) multiply(dtype, outputGrad, matrixOf(parameters[name]!), inputGrad);
}

/** A copy of some rows. */
function gather(
  dtype: FloatType,
  { data, start, down, columns }: Matrix,
  rows: readonly number[],
): Matrix {
  const copy = zeros(dtype, [rows.length, columns]);
  rows.forEach((row, r) => {
    const at = start + row * down;
    copy.data.set(data.subarray(at, at + columns), r * columns);
  });
  return matrixOf(copy);
}

/** The index of the largest number in each row: the first of equal ones; NaN counts as the largest, as in PyTorch. */
function largestOfRows(data: FloatArray, rows: number): Int32Array {
  const width = data.length / rows;
  return Int32Array.from({ length: rows }, (_, r) => {
    let best = 0;
    for (let c = 1; c < width; c++) {
      const largest = data[r * width + best]!;
      const other = data[r * width + c]!;
      if (other > largest || (Number.isNaN(other) && !Number.isNaN(largest))) best = c;
    }
    return best;
  });
}
