/**
 * HingeEmbeddingLoss: a distance is to be small for pairs that belong together, and at least the margin for others.
 *
 * PyTorch: `torch.nn.HingeEmbeddingLoss(margin, reduction)`
 *
 * Shapes: `input` and `target` of the same shape, any number of axes; an axis of length 1 or a scalar is
 * repeated along the other. The value is a scalar, or with `"none"` of the common shape.
 *
 * Domain: `input` is a distance, though any real number is taken; `target` is 1 (alike) or -1 (different), whole
 * numbers included, or it throws.
 *
 * Value:
 *
 *     x                   where y = 1
 *     max(0, margin - x)  where y = -1
 *
 * Gradient by `input`: 1 where y = 1; where y = -1 it is -1 below the margin and 0 from x = margin on. `target` has
 * none.
 *
 * Range: [0, ∞) for distances. The minimiser is 0 for a pair that is alike, and any x ≥ margin for one that is not.
 *
 * Siblings: {@linkcode CosineEmbeddingLoss} measures the distance itself, by the cosine; {@linkcode TripletMarginLoss}
 * compares two distances with each other rather than each with a margin. The hinge of support vector machines,
 * max(0, 1 - y x), is another loss.
 *
 * Unlike PyTorch, a label other than 1 and -1 throws (PyTorch adds both branches up), and shapes with different numbers of
 * axes are refused.
 *
 * Notebook: `notebooks/hinge_embedding.ipynb`. Reference: R. Hadsell, S. Chopra, Y. LeCun, Dimensionality Reduction by
 * Learning an Invariant Mapping, 2006.
 *
 * @module
 */

import type { Reduction } from "./_core/call/options.ts";
import {
  type ElementwiseDefinition,
  type LossFormula,
  SIGNS,
} from "./_core/elementwise/definition.ts";
import { ElementwiseLoss, type InputAndTarget } from "./_core/elementwise/loss.ts";

/** Options of {@linkcode HingeEmbeddingLoss}. */
export interface HingeEmbeddingLossOptions {
  /**
   * The distance, in units of the input, from which a pair that is different costs nothing. Any number; where distances
   * are never negative, 0 or less makes such pairs cost nothing at all.
   *
   * @default {1}
   */
  margin?: number;
  /** Keep the value of each element, average over all of them, or add them up. @default {"mean"} */
  reduction?: Reduction;
}

const formula: LossFormula = {
  value: "y == 1 ? x : hinge(margin - x)",
  grad: { input: "y == 1 ? 1 : margin - x > 0 ? -1 : 0" },
};

const definition: ElementwiseDefinition = {
  loss: "HingeEmbeddingLoss",
  arguments: [
    { name: "input", symbol: "x" },
    { name: "target", symbol: "y", integers: true, domain: SIGNS },
  ],
  options: { margin: { default: 1, valid: () => true, wanted: "a number" } },
  formula,
};

/**
 * Pulls pairs that belong together close, and pushes others apart until the margin is reached.
 *
 * ```ts
 * import { HingeEmbeddingLoss } from "@lossbook/losses";
 * import { assertEquals } from "@std/assert";
 *
 * const loss = new HingeEmbeddingLoss({ margin: 2, reduction: "sum" });
 * const { value, grad } = loss.valueAndGrad([0.5, 0.5, 3], [1, -1, -1]);
 * assertEquals(value.item(), 0.5 + (2 - 0.5) + 0);
 * assertEquals(grad.input.toArray(), [1, -1, 0]);
 * ```
 */
export class HingeEmbeddingLoss extends ElementwiseLoss<InputAndTarget, "input", "input"> {
  /** Value and gradient as formulas in x (input), y (target) and margin. */
  static readonly formula: LossFormula = formula;

  /**
   * Makes a loss with these options.
   *
   * @param options See {@linkcode HingeEmbeddingLossOptions}.
   * @throws {TypeError} If an option is unknown or of the wrong kind.
   * @throws {RangeError} If the margin is NaN, or the reduction is unknown.
   */
  constructor(options: HingeEmbeddingLossOptions = {}) {
    super(definition, options);
  }
}
