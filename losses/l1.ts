/**
 * L1Loss: the absolute difference of prediction and target.
 *
 * PyTorch: `torch.nn.L1Loss(reduction)`, `torch.nn.functional.l1_loss(…, weight)`
 *
 * Shapes: `input` and `target` of the same shape, with any number of axes; an axis of length 1 or a scalar is
 * repeated along the other. The value is a scalar, or with `"none"` of the common shape.
 *
 * Domain: any real `input` and `target`; `target` may also hold integers, and so may `input` unless the loss is averaged.
 *
 * Value, with e = input - target: |e|.
 *
 * Gradient with respect to `input`: sign(e); with respect to `target`: -sign(e). At the kink e = 0, where any number in
 * [-1, 1] is a subgradient, it is 0; so it is where e is NaN.
 *
 * Range: [0, ∞), 0 where input = target. The best constant prediction is the median of the targets, which a single
 * outlier cannot move far.
 *
 * Siblings: {@linkcode SmoothL1Loss} and {@linkcode HuberLoss} round the kink off, {@linkcode MSELoss} has none. L1
 * regularisation, which makes weights sparse, is something else.
 *
 * Unlike PyTorch, shapes with different numbers of axes are refused, there are no complex numbers, and the loss of
 * integers is float64.
 *
 * Notebook: `notebooks/l1.ipynb` of the repository. Reference: R. J. Boscovich, 1757; P. S. Laplace, 1774.
 *
 * @module
 */

import type { Reduction } from "./_core/call/options.ts";
import type { ElementwiseDefinition, LossFormula } from "./_core/elementwise/definition.ts";
import { ElementwiseLoss, type InputAndTarget } from "./_core/elementwise/loss.ts";
import { sumOfWeights } from "./_core/elementwise/weights.ts";
import type { TensorLike } from "./_core/tensor/tensor.ts";

export type * from "./_core/types.ts";

/** Options of {@linkcode L1Loss}. */
export interface L1LossOptions {
  /** Keep the value of each element, average over all of them, or add them up. @default {"mean"} */
  reduction?: Reduction | undefined;
  /** A factor for each element, of the shape of the loss. The mean is divided by the sum of the weights. */
  weight?: TensorLike | undefined;
}

const formula: LossFormula = {
  value: "abs(x - y)",
  grad: { input: "sign(x - y)", target: "sign(y - x)" },
};

const definition: ElementwiseDefinition = {
  loss: "L1Loss",
  arguments: [
    { name: "input", symbol: "x", integers: "unless averaged" },
    { name: "target", symbol: "y", integers: true },
  ],
  formula,
  weight: sumOfWeights,
};

/**
 * The absolute difference of prediction and target: every error has a gradient of the same size.
 *
 * ```ts
 * import { L1Loss } from "@lossbook/losses";
 * import { assertEquals } from "@std/assert";
 *
 * const { value, grad } = new L1Loss().valueAndGrad([1, -2, 0.5], [0.5, 1, 0.5]);
 * assertEquals(value.item(), (0.5 + 3 + 0) / 3);
 * assertEquals(grad.input.toArray(), [1 / 3, -1 / 3, 0]);
 *
 * // With weights, the mean is divided by their sum.
 * const weighted = new L1Loss({ weight: [3, 1, 0] });
 * assertEquals(weighted.forward([1, -2, 0.5], [0.5, 1, 0.5]).item(), (3 * 0.5 + 3) / (3 + 1));
 * ```
 */
export class L1Loss
  extends ElementwiseLoss<InputAndTarget, "input" | "target" | "weight", "input"> {
  /** Value and gradients as formulas in x (input) and y (target). */
  static readonly formula: LossFormula = formula;

  /**
   * Makes a loss with these options.
   *
   * @param options See {@linkcode L1LossOptions}.
   * @throws {TypeError} If an option is unknown or of the wrong kind.
   * @throws {RangeError} If the reduction is unknown.
   */
  constructor(options: L1LossOptions = {}) {
    super(definition, options);
  }
}
