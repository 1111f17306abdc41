/**
 * NLLLoss: minus the log-probability that a model gives to the right class.
 *
 * PyTorch: `torch.nn.NLLLoss(weight, ignore_index, reduction)`; `torch.nn.NLLLoss2d` is an old name of the same.
 *
 * Shapes: `input` (C), (N, C) or (N, C, d1, …, dK) with `target` (), (N) or (N, d1, …, dK). The value is a scalar,
 * or with `"none"` of the target's shape.
 *
 * Domain: `input` log-probabilities (≤ 0 if they are normalised, which is not checked); `target` class labels, whole
 * numbers from 0 to C - 1, or ignoreIndex.
 *
 * Value, with y = target and w the class weights: -w[y] · input[y]; 0 where y is ignoreIndex or w[y] is 0. The mean is
 * divided by the sum of w[y] over the labels that are not ignored.
 *
 * Gradient with respect to `input`: -w[y] at the right class, 0 elsewhere. The weights are constants.
 *
 * Range: [0, ∞) for log-probabilities and weights ≥ 0, 0 where the right class has probability 1. The best constant
 * prediction is the logarithm of the class frequencies.
 *
 * Siblings: {@linkcode CrossEntropyLoss} is this loss of a logSoftmax, in one pass and without its rounding.
 * If all labels are ignored, the mean is NaN and the gradient 0, as in PyTorch.
 *
 * Unlike PyTorch, a label of weight 0 has the value 0 even if its log-probability is -∞ (PyTorch computes 0 ∞ = NaN),
 * labels are int32, and the single row of an input (C) takes a scalar label only.
 *
 * Notebook: `notebooks/nll.ipynb` of the repository. Reference: R. A. Fisher, On the mathematical foundations of
 * theoretical statistics, 1922.
 *
 * @module
 */

import { readScores } from "./_core/call/arguments.ts";
import {
  checkLabels,
  classWeights,
  labelledRows,
  type LabelRule,
  orIgnored,
  readLabels,
  weightOfLabels,
} from "./_core/call/labels.ts";
import { Loss } from "./_core/call/loss.ts";
import { type Reduction, reductionOption, wholeOption } from "./_core/call/options.ts";
import type { Request, ValueAndGrad } from "./_core/call/request.ts";
import { RowCall } from "./_core/call/row_call.ts";
import type { InputAndTarget } from "./_core/elementwise/loss.ts";
import { at, MOST_ROWS } from "./_core/rows/class_axis.ts";
import { type Raw, read } from "./_core/tensor/read.ts";
import type { TensorLike } from "./_core/tensor/tensor.ts";
import type { FloatArray } from "./_core/tensor/types.ts";

export type * from "./_core/types.ts";

/** Options of {@linkcode NLLLoss}. */
export interface NLLLossOptions {
  /** A factor for each class, (C). The mean is divided by the sum of the factors of the labels. */
  weight?: TensorLike | undefined;
  /** A label whose samples count neither in the value nor in the mean; it need not be a class. @default {-100} */
  ignoreIndex?: number | undefined;
  /** Keep the value of each sample, average over them, or add them up. @default {"mean"} */
  reduction?: Reduction | undefined;
}

/**
 * Minus the log-probability of the right class.
 *
 * ```ts
 * import { NLLLoss } from "@lossbook/losses";
 * import { assertEquals } from "@std/assert";
 *
 * const logProbs = [[-0.3, -1.35], [-0.1, -2.35]];
 * assertEquals(new NLLLoss().forward(logProbs, [1, 0]).item(), (1.35 + 0.1) / 2);
 *
 * // With class weights, the mean is divided by the weights of the labels.
 * const { value, grad } = new NLLLoss({ weight: [1, 3] }).valueAndGrad(logProbs, [1, 0]);
 * assertEquals(value.item(), (3 * 1.35 + 1 * 0.1) / (3 + 1));
 * assertEquals(grad.input.toArray(), [[0, -3 / 4], [-1 / 4, 0]]);
 * ```
 */
export class NLLLoss extends Loss<InputAndTarget, "input", "input"> {
  /**
   * Value and gradient as formulas: x is the log-probability and w the weight of a class, y is 1 for the right class,
   * else 0.
   */
  static readonly formula: { value: string; grad: { input: string } } = {
    value: "-w * y * x",
    grad: { input: "-w * y" },
  };

  readonly #ignoreIndex: number;
  readonly #reduction: Reduction;
  readonly #weight: Raw | undefined;
  readonly #labelRule: LabelRule;

  /**
   * Makes a loss with these options.
   *
   * @param options See {@linkcode NLLLossOptions}.
   * @throws {TypeError} If an option is unknown or of the wrong kind.
   * @throws {RangeError} If ignoreIndex is not a whole number, or the reduction is unknown.
   */
  constructor(options: NLLLossOptions = {}) {
    super("NLLLoss", ["input", "target"], options, {
      weight: undefined,
      ignoreIndex: -100,
      reduction: "mean",
    });
    const { weight, ignoreIndex = -100, reduction } = options;
    this.#weight = weight === undefined ? undefined : read(weight, "weight");
    this.#ignoreIndex = wholeOption("NLLLoss", "ignoreIndex", ignoreIndex);
    this.#reduction = reductionOption("NLLLoss", reduction);
    this.#labelRule = orIgnored(ignoreIndex);
  }

  /** @ignore */
  protected override evaluate(
    [input, target]: InputAndTarget,
    request: Request<string> | undefined,
  ): ValueAndGrad<string> {
    const scores = readScores("NLLLoss", "input", input, this.#weight);
    const labels = readLabels("NLLLoss", "target", target);
    const axis = labelledRows("NLLLoss", scores.shape, labels);
    const weight = classWeights("NLLLoss", this.#weight, axis.classes, scores.dtype);
    const weights = weight?.data;
    const ignored = checkLabels("NLLLoss", "target", labels, axis.classes, this.#labelRule);
    const call = new RowCall({
      loss: "NLLLoss",
      reduction: this.#reduction,
      dtype: scores.dtype,
      rowShape: axis.sampleShape,
      divisor: weightOfLabels(labels.data, this.#ignoreIndex, ignored, weights),
      shapes: { input: scores.shape },
      defaults: ["input"],
      inputs: [scores, labels, weight],
    }, request);

    const x = scores.data as FloatArray;
    const grad = call.grad.input?.data;
    grad?.fill(0);
    const { values, divisor } = call;
    const ignoreIndex = this.#ignoreIndex;
    const { data } = labels;
    // A loop of its own, which V8 runs a third faster than one inside of a callback.
    const { samples } = axis;
    for (let start = 0; start < samples; start += MOST_ROWS) {
      const count = Math.min(MOST_ROWS, samples - start);
      const upstream = call.upstreamOf(start, count);
      const isSame = weights === undefined && typeof upstream === "number";
      const same = isSame ? -upstream / divisor : 0;
      for (let r = 0; r < count; r++) {
        const label = data[start + r]!;
        values[r] = 0;
        if (label === ignoreIndex) continue;
        const place = at(axis, start + r, label);
        const weight = weights === undefined ? 1 : weights[label]!;
        // A weight of 0 makes the value 0 even at -∞; NaN stays NaN.
        const value = weight === 0 && x[place] === -Infinity ? 0 : -weight * x[place]!;
        values[r] = value;
        if (grad === undefined) continue;
        const given = typeof upstream === "number" ? upstream : upstream[r]!;
        grad[place] = isSame ? same : -weight * given / divisor;
      }
      call.end(start, count);
    }
    return call.result();
  }
}

/** The old name of {@linkcode NLLLoss} for images. @deprecated Use NLLLoss, which takes inputs (N, C, H, W) too. */
export class NLLLoss2d extends NLLLoss {}
