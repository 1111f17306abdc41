/**
 * LinearCrossEntropyLoss: the last linear layer of a classifier and its cross entropy in one, for so many classes that the
 * scores of a batch would not fit into memory.
 *
 * PyTorch: `torch.nn.LinearCrossEntropyLoss(in_features, num_classes, out_features, bias, dtype, weight, reduction,
 * ignore_index, label_smoothing, options)`
 *
 * Shapes: `input` (inFeatures) or (N, inFeatures). With outFeatures = (d1, …, dK), `target` is either class labels, (),
 * (N) or (N, d1, …, dK), or class probabilities, (C), (N, C) or (N, C, d1, …, dK). The value is a scalar, or with `"none"`
 * of the shape of labels. Parameters: `linear.weight` (C d1 ⋯ dK, inFeatures), and `linear.bias` (C d1 ⋯ dK) with bias.
 *
 * Domain: any real `input`. Labels are whole numbers from 0 to C - 1, or ignoreIndex. That probabilities add up to 1 is not
 * checked.
 *
 * Value: that of {@linkcode CrossEntropyLoss}, of the scores
 *
 *     z = input · linear.weightᵀ + linear.bias
 *
 * with the same class weights, label smoothing and mean.
 *
 * Gradient, with g the gradient of the cross entropy with respect to z: with respect to `input` g · linear.weight, to
 * `linear.weight` gᵀ · input, to `linear.bias` the sum of g over the batch. With probabilities also with respect to `target`
 * and `weight`.
 *
 * Range: [0, ∞) for weights and probabilities ≥ 0.
 *
 * Siblings: {@linkcode CrossEntropyLoss} takes the scores themselves. {@linkcode AdaptiveLogSoftmaxWithLoss} computes
 * fewer scores; this loss computes all, but holds at most 2^21 of them at a time, or those of one sample, so that memory
 * does not grow with N × C. The result does not depend on this, up to rounding.
 *
 * Unlike PyTorch, `options` is honoured in every case, rather than ignored with a warning where there are outFeatures,
 * label smoothing, or probabilities with reduction `"none"` or a gradient of their own, and without it there are chunks
 * too; one infinite score gives the limit, as in {@linkcode CrossEntropyLoss}; float32 with float64 gives float64; labels
 * are int32.
 *
 * Notebook: `notebooks/linear_cross_entropy.ipynb` of the repository. Reference: E. Wijmans et al., Cut Your Losses in
 * Large-Vocabulary Language Models, 2024.
 *
 * @module
 */

import { promote, readArgument, wrongType } from "./_core/call/arguments.ts";
import {
  asLabels,
  checkLabels,
  classWeights,
  orIgnored,
  weightOfLabels,
} from "./_core/call/labels.ts";
import { Loss } from "./_core/call/loss.ts";
import {
  booleanOption,
  type Checked,
  numberOption,
  type Reduction,
  reductionOption,
  wholeOption,
} from "./_core/call/options.ts";
import type { Request, ValueAndGrad } from "./_core/call/request.ts";
import { RowCall } from "./_core/call/row_call.ts";
import type { InputAndTarget } from "./_core/elementwise/loss.ts";
import { addColumnSums, matrix, multiply, rowsOf, transpose } from "./_core/layer/linear.ts";
import { type ParameterOptions, Parameters } from "./_core/layer/parameters.ts";
import { describe } from "./_core/tensor/describe.ts";
import { type Raw, read, toTensor } from "./_core/tensor/read.ts";
import { sameShape, show, sizeOf } from "./_core/tensor/shape.ts";
import { Tensor, type TensorLike, zeros } from "./_core/tensor/tensor.ts";
import type { FloatArray, FloatType } from "./_core/tensor/types.ts";
import {
  checkChunking,
  chunkSize,
  type LinearCrossEntropyOptions,
} from "./_linear_cross_entropy/chunks.ts";
import { CrossEntropyLoss } from "./cross_entropy.ts";

export type * from "./_core/types.ts";
export type { ParameterOptions } from "./_core/layer/parameters.ts";

export type { LinearCrossEntropyOptions };

const NAME = "LinearCrossEntropyLoss";

/** Options of {@linkcode LinearCrossEntropyLoss}. */
export interface LinearCrossEntropyLossOptions extends ParameterOptions {
  /** The length of a sample, ≥ 1. */
  inFeatures: number;
  /** The number of classes C, ≥ 1. */
  numClasses: number;
  /** Further axes d1, …, dK of the scores, after the class axis: one prediction for each position. @default {[]} */
  outFeatures?: readonly number[] | undefined;
  /** Whether the layer has a bias, `linear.bias`. @default {false} */
  bias?: boolean | undefined;
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
  /** How the work is divided; by default into chunks of 2^21 scores, or one sample. */
  options?: LinearCrossEntropyOptions | undefined;
}

/** The names that {@linkcode LinearCrossEntropyLoss} can be differentiated with respect to. */
export type LinearCrossEntropyGradient =
  | "input"
  | "linear.weight"
  | "linear.bias"
  | "target"
  | "weight";

/** The tensors of a call, read and checked. */
interface Batch {
  readonly input: Tensor;
  readonly weight: Tensor;
  readonly bias: Tensor | undefined;
  /** Labels or probabilities. */
  readonly target: { readonly data: ArrayLike<number>; readonly shape: readonly number[] };
  readonly isProbability: boolean;
}

/**
 * The cross entropy of the scores of a linear layer, which never exist all at once.
 *
 * ```ts
 * import { CrossEntropyLoss, LinearCrossEntropyLoss } from "@lossbook/losses";
 * import { assertAlmostEquals, assertEquals } from "@std/assert";
 *
 * const loss = new LinearCrossEntropyLoss({ inFeatures: 2, numClasses: 3, bias: true });
 * loss.setParameters({ "linear.weight": [[1, 0], [0, 1], [1, 1]], "linear.bias": [0, 0, -1] });
 *
 * const { value, grad } = loss.valueAndGrad([[2, 3]], [1]);
 * const scores = [[2, 3, 2 + 3 - 1]];
 * assertAlmostEquals(value.item(), new CrossEntropyLoss().forward(scores, [1]).item(), 1e-15);
 * assertEquals(grad["linear.weight"].shape, [3, 2]);
 * ```
 */
export class LinearCrossEntropyLoss extends Loss<
  InputAndTarget,
  LinearCrossEntropyGradient,
  "input" | "linear.weight"
> {
  /**
   * Value and gradient of one class as formulas, as in {@linkcode CrossEntropyLoss}: here x is the product of the input
   * and the class's row of linear.weight, plus the bias.
   */
  static get formula(): { value: string; grad: { input: string } } {
    return CrossEntropyLoss.formula;
  }

  readonly #options: {
    inFeatures: number;
    numClasses: number;
    outFeatures: readonly number[];
    ignoreIndex: number | undefined;
    isSmooth: boolean;
    reduction: Reduction;
    chunking: Checked<LinearCrossEntropyOptions> | undefined;
  };
  readonly #weight: Raw | undefined;
  readonly #crossEntropy: CrossEntropyLoss;
  readonly #parameters: Parameters;

  /**
   * Makes a loss with these options, and its parameters.
   *
   * @param options See {@linkcode LinearCrossEntropyLossOptions}.
   * @throws {TypeError} If an option is unknown or of the wrong kind.
   * @throws {RangeError} If a size is not a whole number ≥ 1, there is not one weight per class, labelSmoothing is not
   * between 0 and 1, ignoreIndex is not a whole number, or a word is unknown.
   */
  constructor(options: LinearCrossEntropyLossOptions) {
    super(NAME, ["input", "target"], options, {
      inFeatures: undefined,
      numClasses: undefined,
      outFeatures: [],
      bias: false,
      dtype: undefined,
      random: undefined,
      weight: undefined,
      ignoreIndex: undefined,
      labelSmoothing: 0,
      reduction: "mean",
      options: undefined,
    });
    const { outFeatures = [], bias = false, weight, ignoreIndex, labelSmoothing: smoothing = 0 } =
      options;
    const { reduction, options: chunking } = options;
    const inFeatures = wholeOption(NAME, "inFeatures", options.inFeatures, 1);
    const numClasses = wholeOption(NAME, "numClasses", options.numClasses, 1);
    const labelSmoothing = numberOption(
      NAME,
      "labelSmoothing",
      smoothing,
      (value) => value >= 0 && value <= 1,
      "between 0 and 1",
    );
    if (!Array.isArray(outFeatures)) {
      throw new TypeError(
        `Cannot make ${NAME} as outFeatures must be an array of whole numbers ≥ 1: current value is ${
          describe(outFeatures)
        }`,
      );
    }
    this.#options = {
      inFeatures,
      numClasses,
      outFeatures: Array.from(
        outFeatures,
        (length, i) => wholeOption(NAME, `outFeatures[${i}]`, length, 1),
      ),
      ignoreIndex: ignoreIndex === undefined
        ? undefined
        : wholeOption(NAME, "ignoreIndex", ignoreIndex),
      isSmooth: labelSmoothing > 0,
      reduction: reductionOption(NAME, reduction),
      chunking: chunking === undefined ? undefined : checkChunking(chunking),
    };
    this.#weight = weight === undefined ? undefined : read(weight, "weight");
    const weightType = this.#weight?.dtype === "float32" ? "float32" : "float64";
    classWeights(NAME, this.#weight, numClasses, weightType);
    this.#crossEntropy = new CrossEntropyLoss({
      weight,
      ignoreIndex,
      labelSmoothing,
      // The loss of one chunk; this class averages or adds up over all of them.
      reduction: "none",
    });
    const rows = numClasses * sizeOf(this.#options.outFeatures);
    const layer = { "linear.weight": { shape: [rows, inFeatures], fanIn: inFeatures } };
    this.#parameters = new Parameters(
      NAME,
      booleanOption(NAME, "bias", bias)
        ? { ...layer, "linear.bias": { shape: [rows], fanIn: inFeatures } }
        : layer,
      options,
    );
  }

  /** `linear.weight`, and `linear.bias` if there is one. These are the loss's own tensors: writing to them changes it. */
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

  /** @ignore */
  protected override evaluate(
    [input, target]: InputAndTarget,
    request: Request<string> | undefined,
  ): ValueAndGrad<string> {
    const { numClasses, outFeatures, ignoreIndex = -100, reduction, chunking } = this.#options;
    const { isSmooth } = this.#options;
    const names = Object.keys(this.#parameters.tensors);
    const parameters = names.map((name) =>
      readArgument(NAME, name, this.#parameters.tensors[name])
    );
    const own = readArgument(NAME, "input", input);
    if (own.dtype === "int32") {
      throw wrongType(NAME, "input", "float32 or float64", own.dtype, "use float32(…)");
    }
    const given = readArgument(NAME, "target", target);
    const batch = this.#batchOf(own.shape);
    const scoreShape = [...batch, numClasses, ...outFeatures];
    const labelShape = [...batch, ...outFeatures];
    const isProbability = sameShape(given.shape, scoreShape);
    const dtype = promote([own, ...parameters, isProbability ? given : undefined]);
    const x = toTensor(own, dtype, "input");
    const [weight, bias] = parameters.map((raw, k) => toTensor(raw, dtype, names[k]!));
    const classWeight = classWeights(NAME, this.#weight, numClasses, dtype);
    if (chunking?.accDtype && chunking.accDtype !== dtype) {
      throw wrongType(NAME, "options.accDtype", dtype, chunking.accDtype);
    }

    let divisor = sizeOf(labelShape);
    let numbers: Batch["target"];
    if (isProbability) numbers = this.#probabilities(given, dtype);
    else {
      const labels = asLabels(NAME, "target", given);
      if (!sameShape(labels.shape, labelShape)) {
        throw new RangeError(
          `Cannot compute ${NAME} as target must have the shape ${show(labelShape)} for labels or ${
            show(scoreShape)
          } for probabilities: current shape is ${show(labels.shape)}`,
        );
      }
      const ignored = checkLabels(NAME, "target", labels, numClasses, orIgnored(ignoreIndex));
      divisor = weightOfLabels(labels.data, ignoreIndex, ignored, classWeight?.data, isSmooth);
      numbers = labels;
    }
    const call = new RowCall({
      loss: NAME,
      reduction,
      dtype,
      rowShape: labelShape,
      divisor,
      shapes: {
        input: x.shape,
        ...Object.fromEntries(names.map((name, k) => [name, parameters[k]!.shape])),
        ...isProbability && { target: scoreShape },
        ...isProbability && this.#weight && { weight: this.#weight.shape },
      },
      defaults: ["input", ...names],
      inputs: [own, ...parameters, given, classWeight],
    }, request);
    this.#chunks({ input: x, weight: weight!, bias, target: numbers, isProbability }, call);
    return call.result();
  }

  /** The batch axes of the input: none, or one. */
  #batchOf(shape: readonly number[]): readonly number[] {
    const { inFeatures, outFeatures } = this.#options;
    const isSingle = shape.length === 1 && outFeatures.length === 0;
    if ((!isSingle && shape.length !== 2) || shape.at(-1) !== inFeatures) {
      const wanted = outFeatures.length === 0
        ? `${show([inFeatures])} or (N, ${inFeatures})`
        : `(N, ${inFeatures}), as there are outFeatures`;
      throw new RangeError(
        `Cannot compute ${NAME} as input must have the shape ${wanted}: current shape is ${
          show(shape)
        }`,
      );
    }
    return shape.slice(0, -1);
  }

  #probabilities(given: Raw, dtype: FloatType): Tensor {
    if (given.dtype === "int32") {
      throw wrongType(NAME, "target of the shape of the scores", dtype, "int32");
    }
    if (this.#options.ignoreIndex !== undefined) {
      throw new RangeError(
        `Cannot compute ${NAME} as ignoreIndex must not be given if target holds probabilities: current value is ${this.#options.ignoreIndex}`,
      );
    }
    return toTensor(given, dtype, "target");
  }

  /** Computes chunk by chunk the scores, their cross entropy, and the gradients through the layer. */
  #chunks({ input, weight, bias, target, isProbability }: Batch, call: RowCall): void {
    const { inFeatures, numClasses, outFeatures, chunking } = this.#options;
    const { dtype, grad } = call;
    const rows = weight.shape[0]!;
    const positions = rows / numClasses;
    const samples = sizeOf(input.shape.slice(0, -1));
    const size = chunkSize(NAME, chunking, samples, inFeatures, rows, isProbability);
    const inputRows = matrix(input.data as FloatArray, samples, inFeatures);
    const w = matrix(weight.data as FloatArray, rows, inFeatures);
    const inputGrad = call.grad.input?.data;
    const layerGrad = call.grad["linear.weight"]?.data;
    const hasLayer = inputGrad ?? layerGrad ?? grad["linear.bias"];
    const scores = zeros(dtype, [size * rows]).data;
    const scoreGrads = zeros(dtype, [hasLayer ? size * rows : 0]).data;
    const biasSums = new Float64Array(grad["linear.bias"] ? rows : 0);
    const weightSums = new Float64Array(grad.weight ? numClasses : 0);
    const targetStep = target.data.length / Math.max(1, samples);
    const wrt: ("input" | "target" | "weight")[] = [];
    if (hasLayer) wrt.push("input");
    if (grad.target) wrt.push("target");
    if (grad.weight) wrt.push("weight");

    layerGrad?.fill(0);
    for (let start = 0; start < samples; start += size) {
      const count = Math.min(size, samples - start);
      const x = rowsOf(inputRows, start, count);
      const z = matrix(scores, count, rows);
      for (let r = 0; bias !== undefined && r < count; r++) scores.set(bias.data, r * rows);
      multiply(dtype, x, transpose(w), z, bias !== undefined);

      const [from, to] = [start * targetStep, (start + count) * targetStep];
      const first = start * positions;
      const upstream = call.upstreamOf(first, count * positions);
      const part = this.#crossEntropy.valueAndGrad(
        new Tensor(scores.subarray(0, count * rows), [count, numClasses, ...outFeatures]),
        {
          data: slice(target.data, from, to),
          shape: [count, ...target.shape.slice(input.shape.length - 1)],
        },
        {
          wrt,
          gradOutput: typeof upstream === "number"
            ? upstream / call.divisor
            : new Tensor(upstream, [count, ...outFeatures]),
          out: {
            input: hasLayer && scoreGrads.subarray(0, count * rows),
            target: call.grad.target?.data.subarray(from, to),
          },
        },
      );
      call.take(first, count * positions, part.value.data as FloatArray);
      if (grad.weight) part.grad.weight.data.forEach((g, c) => weightSums[c]! += g);

      const g = matrix(scoreGrads, count, rows);
      if (inputGrad) {
        multiply(dtype, g, w, rowsOf(matrix(inputGrad, samples, inFeatures), start, count));
      }
      if (layerGrad) {
        multiply(dtype, transpose(g), x, matrix(layerGrad, rows, inFeatures), true);
      }
      if (grad["linear.bias"]) addColumnSums(g, biasSums);
    }
    grad["linear.bias"]?.data.set(biasSums);
    grad.weight?.data.set(weightSums);
  }
}

/** Some of the target's numbers; a view if they are in a typed array. */
function slice(
  data: ArrayLike<number>,
  from: number,
  to: number,
): number[] | FloatArray | Int32Array {
  return ArrayBuffer.isView(data)
    ? (data as FloatArray).subarray(from, to)
    : Array.prototype.slice.call(data, from, to);
}
