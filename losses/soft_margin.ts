/**
 * SoftMarginLoss: logistic loss of a score and a label of -1 or 1.
 *
 * PyTorch: `torch.nn.SoftMarginLoss(reduction)`
 *
 * Shapes: `input` of any shape; `target` of the same, or smaller: an axis of length 1 or a scalar is repeated along
 * `input`, but not the other way round. The value is a scalar, or with `"none"` of the shape of `input`.
 *
 * Domain: any `input` (a raw score, without a sigmoid); `target` is 1 or -1, integers included, anything else throws.
 *
 * Value: log(1 + exp(-y x)) = softplus(-y x).
 *
 * Gradient with respect to `input`: -y σ(-y x), minus the label times the probability of the wrong label. `target` has
 * none. Smooth everywhere; at x = ±∞ both are the limits.
 *
 * Range: [0, ∞), log 2 at x = 0; 0 is the limit for y x → ∞. The best constant score is the logarithm of the odds,
 * log(positives / negatives).
 *
 * Siblings: {@linkcode BCEWithLogitsLoss} is the same with labels 0 and 1; {@linkcode MultiLabelSoftMarginLoss} averages
 * that over labels; the hinge max(0, -y x) is its limit for large scores.
 *
 * Unlike PyTorch, value and gradient are right for every score (PyTorch overflows to ∞ and NaN where -y x exceeds 709, in
 * float32 88), and a label other than 1 and -1 throws.
 *
 * Notebook: `notebooks/soft_margin.ipynb` of the repository. Reference: J. Friedman, T. Hastie, R. Tibshirani, Additive
 * Logistic Regression, 2000.
 *
 * @module
 */

import type { Reduction } from "./_core/call/options.ts";
import type { ElementwiseDefinition, LossFormula } from "./_core/elementwise/definition.ts";
import { SIGNS } from "./_core/elementwise/domains.ts";
import { ElementwiseLoss, type InputAndTarget } from "./_core/elementwise/loss.ts";
import { firstNotRepeated } from "./_core/elementwise/shapes.ts";
import { sigmoid, softplus } from "./_core/kernel/math.ts";

export type * from "./_core/types.ts";

/** Options of {@linkcode SoftMarginLoss}. */
export interface SoftMarginLossOptions {
  /** Keep the value of each element, average over all of them, or add them up. @default {"mean"} */
  reduction?: Reduction | undefined;
}

// Naive: log(1 + exp(-y x)). At y x = -710 (float32: -89) it is ∞ instead of 710, at y x = 37 (float32: 17) 0 instead of
// 9e-17.
const formula: LossFormula = {
  value: "softplus(-y * x)",
  grad: { input: "-y * sigmoid(-y * x)" },
};

const definition: ElementwiseDefinition = {
  loss: "SoftMarginLoss",
  arguments: [
    { name: "input", symbol: "x" },
    { name: "target", symbol: "y", integers: true, domain: SIGNS },
  ],
  formula,
  functions: { sigmoid, softplus },
  checkShapes: firstNotRepeated,
};

/**
 * Logistic loss of a score and a label of -1 or 1.
 *
 * ```ts
 * import { SoftMarginLoss } from "@lossbook/losses";
 * import { assertAlmostEquals } from "@std/assert";
 *
 * const { value, grad } = new SoftMarginLoss().valueAndGrad([0, Math.log(3)], [1, -1]);
 * assertAlmostEquals(value.item(), (Math.log(1 + 1) + Math.log(1 + 3)) / 2);
 * assertAlmostEquals(grad.input.data[0], -1 / 2 / 2);
 * assertAlmostEquals(grad.input.data[1], 3 / 4 / 2);
 * ```
 */
export class SoftMarginLoss extends ElementwiseLoss<InputAndTarget, "input", "input"> {
  /** Value and gradient as formulas in x (input) and y (target). */
  static readonly formula: LossFormula = formula;

  /**
   * Makes a loss with these options.
   *
   * @param options See {@linkcode SoftMarginLossOptions}.
   * @throws {TypeError} If an option is unknown or of the wrong kind.
   * @throws {RangeError} If the reduction is unknown.
   */
  constructor(options: SoftMarginLossOptions = {}) {
    super(definition, options);
  }
}
