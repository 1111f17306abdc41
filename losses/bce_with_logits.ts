/**
 * BCEWithLogitsLoss: binary cross entropy of a score, whose sigmoid is the probability.
 *
 * PyTorch: `torch.nn.BCEWithLogitsLoss(weight, reduction, pos_weight)`
 *
 * Shapes: `input` and `target` of exactly the same shape, with any number of axes. The value is a scalar, or with
 * `"none"` of that shape.
 *
 * Domain: any `input` (a score, also called logit); `target` in [0, 1]. Other targets are accepted too; the loss can
 * then be negative.
 *
 * Value, with p = posWeight or 1 and softplus(x) = log(1 + exp(x)) = -log σ(-x):
 *
 *     p y softplus(-x) + (1 - y) softplus(x)
 *
 * where a factor 0 makes its term 0, even if the other factor is infinite.
 *
 * Gradient with respect to `input`: (1 - y) σ(x) - p y σ(-x), which for p = 1 is σ(x) - y: prediction minus truth.
 * With respect to `target`: p softplus(-x) - softplus(x), which for p = 1 is -x. Smooth everywhere; at x = ±∞ both
 * are the limits.
 *
 * Range: [0, ∞) for targets in [0, 1]; 0 is the limit for x → ∞ at y = 1 and x → -∞ at y = 0. The best constant
 * score is log(p m / (1 - m)), with m the mean of the targets.
 *
 * Siblings: {@linkcode BCELoss} of the sigmoid, without its loss of digits; {@linkcode SoftMarginLoss} is the same
 * with labels -1 and 1; {@linkcode CrossEntropyLoss} of the two scores 0 and x.
 *
 * Unlike PyTorch, an infinite score gives the limit, 0 if it is right and ∞ if it is wrong, where PyTorch computes
 * 0 ∞ = NaN; and small losses keep their digits (PyTorch gives 0 for x = -40, y = 0, this loss 4e-18).
 *
 * Notebook: `notebooks/bce_with_logits.ipynb` of the repository. Reference: D. R. Cox, The Regression Analysis of
 * Binary Sequences, 1958.
 *
 * @module
 */

import type { Reduction } from "./_core/call/options.ts";
import type { ElementwiseDefinition, LossFormula } from "./_core/elementwise/definition.ts";
import { ElementwiseLoss, type InputAndTarget } from "./_core/elementwise/loss.ts";
import { equalShapes } from "./_core/elementwise/shapes.ts";
import { sigmoid, softplus } from "./_core/kernel/math.ts";
import type { TensorLike } from "./_core/tensor/tensor.ts";

export type * from "./_core/types.ts";

/** Options of {@linkcode BCEWithLogitsLoss}. */
export interface BCEWithLogitsLossOptions {
  /** Keep the value of each element, average over all of them, or add them up. @default {"mean"} */
  reduction?: Reduction | undefined;
  /**
   * A factor for each element, repeated along leading axes and axes of length 1. The mean is still divided by the
   * number of elements.
   */
  weight?: TensorLike | undefined;
  /**
   * A factor for the term with y, usually one for each class along the last axis, repeated like the weight. Above 1
   * it raises recall, below 1 precision. The number of negatives divided by that of positives balances the two; 0
   * ignores the positives.
   */
  posWeight?: TensorLike | undefined;
}

// Naive: -(y log σ(x) + (1 - y) log(1 - σ(x))). At x = 37 (float32: 17) σ(x) is rounded to 1: with y = 0 the value is
// ∞ instead of 37, and with y = 1 the gradient σ(x) - y is 0 instead of -9e-17.
const formula: LossFormula = {
  value: "(y == 0 ? 0 : y * softplus(-x)) + (y == 1 ? 0 : (1 - y) * softplus(x))",
  grad: { input: "(1 - y) * sigmoid(x) - y * sigmoid(-x)", target: "-x" },
};

const weightedFormula: LossFormula = {
  value: "(p * y == 0 ? 0 : p * y * softplus(-x)) + (y == 1 ? 0 : (1 - y) * softplus(x))",
  grad: {
    input: "(1 - y) * sigmoid(x) - p * y * sigmoid(-x)",
    target: "(p == 0 ? 0 : p * softplus(-x)) - softplus(x)",
  },
};

const definition: ElementwiseDefinition = {
  loss: "BCEWithLogitsLoss",
  arguments: [{ name: "input", symbol: "x" }, { name: "target", symbol: "y" }],
  tensors: [{ name: "posWeight", symbol: "p" }],
  formula: ({ posWeight }) => posWeight === undefined ? formula : weightedFormula,
  functions: { sigmoid, softplus },
  weight: "is repeated",
  checkShapes: equalShapes,
};

/**
 * Binary cross entropy of a score: the usual loss of a classifier with two answers.
 *
 * ```ts
 * import { BCEWithLogitsLoss } from "@lossbook/losses";
 * import { assertAlmostEquals } from "@std/assert";
 *
 * const { value, grad } = new BCEWithLogitsLoss().valueAndGrad([0, Math.log(3)], [1, 0]);
 * assertAlmostEquals(value.item(), (Math.log(2) + Math.log(4)) / 2);
 * assertAlmostEquals(grad.input.data[0], (1 / 2 - 1) / 2);
 * assertAlmostEquals(grad.input.data[1], (3 / 4 - 0) / 2);
 * ```
 *
 * The loss is finite for every finite score, and infinite scores have their limit:
 *
 * ```ts
 * import { BCEWithLogitsLoss } from "@lossbook/losses";
 * import { assertEquals } from "@std/assert";
 *
 * const loss = new BCEWithLogitsLoss({ reduction: "none", posWeight: 3 });
 * assertEquals(loss.forward([-800, 800, Infinity], [1, 0, 1]).toArray(), [3 * 800, 800, 0]);
 * ```
 */
export class BCEWithLogitsLoss
  extends ElementwiseLoss<InputAndTarget, "input" | "target", "input"> {
  /**
   * Value and gradients as formulas in x (input) and y (target), without posWeight. With posWeight, an object's own
   * `formula` has it as p.
   */
  static readonly formula: LossFormula = formula;

  /**
   * Makes a loss with these options.
   *
   * @param options See {@linkcode BCEWithLogitsLossOptions}.
   * @throws {TypeError} If an option is unknown or of the wrong kind.
   * @throws {RangeError} If the reduction is unknown.
   */
  constructor(options: BCEWithLogitsLossOptions = {}) {
    super(definition, options);
  }
}
