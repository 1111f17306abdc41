/**
 * SmoothL1Loss: absolute error with its kink rounded off by a parabola.
 *
 * PyTorch: `torch.nn.SmoothL1Loss(reduction, beta)`
 *
 * Shapes: `input` and `target` of the same shape, with any number of axes; an axis of length 1 or a scalar is
 * repeated along the other. The value is a scalar, or with `"none"` of the common shape.
 *
 * Domain: any real `input` and `target`; `target` may also hold integers.
 *
 * Value, with e = input - target:
 *
 *     e² / (2 beta)   where |e| < beta
 *     |e| - beta / 2  elsewhere
 *
 * Gradient with respect to `input`: e / beta where |e| < beta, sign(e) elsewhere; with respect to `target` its negative.
 * Both branches agree at |e| = beta, in value and gradient. With beta = 0 this is L1Loss, with gradient 0 at its kink
 * e = 0 and at NaN.
 *
 * Range: [0, ∞), 0 where input = target. The best constant prediction tends to the median of the targets as beta → 0; as
 * beta grows it tends to their mean, while value and gradient tend to 0.
 *
 * Siblings: {@linkcode HuberLoss} with delta = beta is beta times this loss; {@linkcode L1Loss} is its limit beta → 0.
 *
 * Unlike PyTorch, shapes with different numbers of axes are refused.
 *
 * Notebook: `notebooks/smooth_l1.ipynb` of the repository. Reference: R. Girshick, Fast R-CNN, 2015.
 *
 * @module
 */

import type { Reduction } from "./_core/call/options.ts";
import type { ElementwiseDefinition, LossFormula } from "./_core/elementwise/definition.ts";
import { ElementwiseLoss, type InputAndTarget } from "./_core/elementwise/loss.ts";

export type * from "./_core/types.ts";

/** Options of {@linkcode SmoothL1Loss}. */
export interface SmoothL1LossOptions {
  /**
   * The residual, in units of the target, at which the parabola becomes a straight line. Must be ≥ 0; 0 gives the
   * absolute error, Infinity gives 0, and NaN where e² overflows.
   *
   * @default {1}
   */
  beta?: number | undefined;
  /** Keep the value of each element, average over all of them, or add them up. @default {"mean"} */
  reduction?: Reduction | undefined;
}

const formula: LossFormula = {
  value: "abs(x - y) >= beta ? abs(x - y) - beta / 2 : square(x - y) / (2 * beta)",
  grad: {
    input: "abs(x - y) >= beta ? sign(x - y) : (x - y) / beta",
    target: "abs(x - y) >= beta ? sign(y - x) : (y - x) / beta",
  },
};

/** That of L1Loss, which has the gradient 0 at NaN. */
const sharpFormula: LossFormula = {
  value: "abs(x - y)",
  grad: { input: "sign(x - y)", target: "sign(y - x)" },
};

/** A difference, clipped to [-beta, beta]. */
const clip = (difference: string) => `max(-beta, min(${difference}, beta))`;

const definition: ElementwiseDefinition = {
  loss: "SmoothL1Loss",
  arguments: [{ name: "input", symbol: "x" }, { name: "target", symbol: "y", integers: true }],
  options: { beta: { default: 1, valid: (beta) => beta >= 0, wanted: "≥ 0" } },
  formula: ({ beta }) => beta === 0 ? sharpFormula : formula,
  // With c, the clipped residual, both branches of the value are c / beta (e - c / 2), and those of the gradient c / beta. Where
  // float32 rounds beta to 0 or ∞, c / beta would be NaN. The product is -0 at e = -0.
  shorter: ({ beta }) =>
    [0, Infinity].includes(Math.fround(beta as number)) ? undefined : {
      value: `abs(${clip("x - y")} / beta * (x - y - ${clip("x - y")} / 2))`,
      grad: { input: `${clip("x - y")} / beta`, target: `${clip("y - x")} / beta` },
    },
};

/**
 * Absolute error with its kink rounded off: the gradient of small errors is proportional to them, that of large ones ±1.
 *
 * ```ts
 * import { SmoothL1Loss } from "@lossbook/losses";
 * import { assertEquals } from "@std/assert";
 *
 * const loss = new SmoothL1Loss({ beta: 0.5, reduction: "sum" });
 * const { value, grad } = loss.valueAndGrad([0.25, -3], [0, 0]);
 * assertEquals(value.item(), 0.25 ** 2 / (2 * 0.5) + (3 - 0.5 / 2));
 * assertEquals(grad.input.toArray(), [0.25 / 0.5, -1]);
 * ```
 */
export class SmoothL1Loss extends ElementwiseLoss<InputAndTarget, "input" | "target", "input"> {
  /** Value and gradients as formulas in x (input), y (target) and beta. */
  static readonly formula: LossFormula = formula;

  /**
   * Makes a loss with these options.
   *
   * @param options See {@linkcode SmoothL1LossOptions}.
   * @throws {TypeError} If an option is unknown or of the wrong kind.
   * @throws {RangeError} If beta < 0 or NaN, or the reduction is unknown.
   */
  constructor(options: SmoothL1LossOptions = {}) {
    super(definition, options);
  }
}
