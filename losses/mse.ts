/**
 * MSELoss: the squared difference of prediction and target.
 *
 * PyTorch: `torch.nn.MSELoss(reduction)`, `torch.nn.functional.mse_loss(…, weight)`
 *
 * Shapes: `input` and `target` of the same shape, with any number of axes; an axis of length 1 or a scalar is
 * repeated along the other. The value is a scalar, or with `"none"` of the common shape.
 *
 * Domain: any real `input` and `target`; `target` may also hold integers.
 *
 * Value, with e = input - target: e². There is no factor ½, unlike in many textbooks.
 *
 * Gradient with respect to `input`: 2 e; with respect to `target`: -2 e. Smooth everywhere.
 *
 * Range: [0, ∞), 0 where input = target. The best constant prediction is the mean of the targets, which a single
 * outlier can move without bound.
 *
 * Siblings: {@linkcode HuberLoss} and {@linkcode SmoothL1Loss} bound the gradient of an outlier, with {@linkcode L1Loss}
 * all gradients have the same size.
 *
 * Unlike PyTorch, shapes with different numbers of axes are refused: PyTorch repeats (N, 1) against (N) to (N, N) and
 * compares every prediction with every target.
 *
 * Notebook: `notebooks/mse.ipynb` of the repository. Reference: C. F. Gauss, Theoria combinationis observationum, 1821.
 *
 * @module
 */

import type { Reduction } from "./_core/call/options.ts";
import type { ElementwiseDefinition, LossFormula } from "./_core/elementwise/definition.ts";
import { ElementwiseLoss, type InputAndTarget } from "./_core/elementwise/loss.ts";
import { sumOfWeights } from "./_core/elementwise/weights.ts";
import type { TensorLike } from "./_core/tensor/tensor.ts";

export type * from "./_core/types.ts";

/** Options of {@linkcode MSELoss}. */
export interface MSELossOptions {
  /** Keep the value of each element, average over all of them, or add them up. @default {"mean"} */
  reduction?: Reduction | undefined;
  /** A factor for each element, of the shape of the loss. The mean is divided by the sum of the weights. */
  weight?: TensorLike | undefined;
}

const formula: LossFormula = {
  value: "square(x - y)",
  grad: { input: "2 * (x - y)", target: "2 * (y - x)" },
};

const definition: ElementwiseDefinition = {
  loss: "MSELoss",
  arguments: [{ name: "input", symbol: "x" }, { name: "target", symbol: "y", integers: true }],
  formula,
  weight: sumOfWeights,
};

/**
 * The squared difference of prediction and target: an error that is twice as large counts four times as much.
 *
 * ```ts
 * import { MSELoss } from "@lossbook/losses";
 * import { assertEquals } from "@std/assert";
 *
 * const { value, grad } = new MSELoss().valueAndGrad([1, -2], [0.5, 1]);
 * assertEquals(value.item(), (0.5 ** 2 + 3 ** 2) / 2);
 * assertEquals(grad.input.toArray(), [2 * 0.5 / 2, 2 * -3 / 2]);
 *
 * // With weights, the mean is divided by their sum.
 * const weighted = new MSELoss({ weight: [3, 1] });
 * assertEquals(weighted.forward([1, -2], [0.5, 1]).item(), (3 * 0.5 ** 2 + 3 ** 2) / (3 + 1));
 * ```
 */
export class MSELoss
  extends ElementwiseLoss<InputAndTarget, "input" | "target" | "weight", "input"> {
  /** Value and gradients as formulas in x (input) and y (target). */
  static readonly formula: LossFormula = formula;

  /**
   * Makes a loss with these options.
   *
   * @param options See {@linkcode MSELossOptions}.
   * @throws {TypeError} If an option is unknown or of the wrong kind.
   * @throws {RangeError} If the reduction is unknown.
   */
  constructor(options: MSELossOptions = {}) {
    super(definition, options);
  }
}
