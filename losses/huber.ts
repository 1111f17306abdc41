/**
 * HuberLoss: squared error for small residuals, absolute error for large ones.
 *
 * PyTorch: `torch.nn.HuberLoss(reduction, delta)`, `torch.nn.functional.huber_loss(…, weight)`
 *
 * Shapes: `input` and `target` of the same shape, with any number of axes; an axis of length 1 or a scalar is
 * repeated along the other. The value is a scalar, or with `"none"` of the common shape.
 *
 * Domain: any real `input` and `target`; `target` may also hold integers.
 *
 * Value, with e = input - target:
 *
 *     e² / 2                   where |e| < delta
 *     delta (|e| - delta / 2)  elsewhere
 *
 * Gradient with respect to `input`: e, clipped to [-delta, delta]; with respect to `target` its negative. Both
 * branches agree at |e| = delta, in value and gradient: there is no kink.
 *
 * Range: [0, ∞), 0 where input = target. The best constant prediction lies between the mean (delta → ∞) and the
 * median (delta → 0) of the targets.
 *
 * Siblings: delta → ∞ is half of {@linkcode MSELoss}; HuberLoss is delta times {@linkcode SmoothL1Loss} with beta
 * = delta; divided by delta it tends to {@linkcode L1Loss} as delta → 0.
 *
 * Unlike PyTorch, float32 with float64 gives float64 (PyTorch keeps the type of the input), and shapes with
 * different numbers of axes are refused.
 *
 * Notebook: `notebooks/huber.ipynb` of the repository. Reference: P. J. Huber, Robust Estimation of a Location
 * Parameter, 1964.
 *
 * @module
 */

import type { Reduction } from "./_core/call/options.ts";
import type { ElementwiseDefinition, LossFormula } from "./_core/elementwise/definition.ts";
import { ElementwiseLoss, type InputAndTarget } from "./_core/elementwise/loss.ts";
import type { TensorLike } from "./_core/tensor/tensor.ts";

export type * from "./_core/types.ts";

/** Options of {@linkcode HuberLoss}. */
export interface HuberLossOptions {
  /**
   * The residual, in units of the target, at which the parabola becomes a straight line. Must be > 0; Infinity
   * gives e² / 2 everywhere.
   *
   * @default {1}
   */
  delta?: number | undefined;
  /** Keep the value of each element, average over all of them, or add them up. @default {"mean"} */
  reduction?: Reduction | undefined;
  /** A factor for each element, of the shape of the loss. The mean is still divided by the number of elements. */
  weight?: TensorLike | undefined;
}

/** The residual, clipped to [-delta, delta]. */
const clipped = "max(-delta, min(x - y, delta))";

const formula: LossFormula = {
  value: "abs(x - y) < delta ? square(x - y) / 2 : delta * (abs(x - y) - delta / 2)",
  grad: {
    input: clipped,
    target: "max(-delta, min(y - x, delta))",
  },
};

const definition: ElementwiseDefinition = {
  loss: "HuberLoss",
  arguments: [{ name: "input", symbol: "x" }, { name: "target", symbol: "y", integers: true }],
  options: { delta: { default: 1, valid: (delta) => delta > 0, wanted: "> 0" } },
  formula,
  // With c, the clipped residual, both branches are c (e - c / 2), which is -0 at e = -0.
  shorter: () => ({ ...formula, value: `abs(${clipped} * (x - y - ${clipped} / 2))` }),
  weight: "divides by the count",
};

/**
 * Squared error for small residuals, absolute error for large ones: the gradient of an outlier is at most delta.
 *
 * ```ts
 * import { HuberLoss } from "@lossbook/losses";
 * import { assertEquals } from "@std/assert";
 *
 * const loss = new HuberLoss({ delta: 2 });
 * const { value, grad } = loss.valueAndGrad([0.5, 10], [0, 0]);
 * assertEquals(value.item(), (0.5 ** 2 / 2 + 2 * (10 - 2 / 2)) / 2);
 * assertEquals(grad.input.toArray(), [0.5 / 2, 2 / 2]);
 * ```
 */
export class HuberLoss
  extends ElementwiseLoss<InputAndTarget, "input" | "target" | "weight", "input"> {
  /** Value and gradients as formulas in x (input), y (target) and delta. */
  static readonly formula: LossFormula = formula;

  /**
   * Makes a loss with these options.
   *
   * @param options See {@linkcode HuberLossOptions}.
   * @throws {TypeError} If an option is unknown or of the wrong kind.
   * @throws {RangeError} If delta ≤ 0 or NaN, or the reduction is unknown.
   */
  constructor(options: HuberLossOptions = {}) {
    super(definition, options);
  }
}
