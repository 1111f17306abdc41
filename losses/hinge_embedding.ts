/**
 * HingeEmbeddingLoss: the distance of a similar pair should be small, that of a dissimilar pair at least the margin.
 *
 * PyTorch: `torch.nn.HingeEmbeddingLoss(margin, reduction)`
 *
 * Shapes: `input` and `target` of the same shape, with any number of axes; an axis of length 1 or a scalar is
 * repeated along the other. The value is a scalar, or with `"none"` of the common shape.
 *
 * Domain: `input` is a distance, though any real number is accepted; `target` is 1 for a similar pair and -1 for a
 * dissimilar one, integers included, anything else throws.
 *
 * Value:
 *
 *     x                   where y = 1
 *     max(0, margin - x)  where y = -1
 *
 * Gradient with respect to `input`: 1 where y = 1; where y = -1 it is -1 below the margin and 0 from x = margin on.
 * `target` has none.
 *
 * Range: [0, ∞) for distances. The minimiser is 0 for a similar pair, and any x ≥ margin for a dissimilar one.
 *
 * Siblings: {@linkcode CosineEmbeddingLoss} computes the distance itself, from the cosine; {@linkcode TripletMarginLoss}
 * compares two distances with each other instead of each with a margin. The hinge of support vector machines,
 * max(0, 1 - y x), is another loss.
 *
 * Unlike PyTorch, a label other than 1 and -1 throws (PyTorch adds both branches up), and shapes with different numbers
 * of axes are refused.
 *
 * Notebook: `notebooks/hinge_embedding.ipynb` of the repository. Reference: R. Hadsell, S. Chopra, Y. LeCun,
 * Dimensionality Reduction by Learning an Invariant Mapping, 2006.
 *
 * @module
 */

import type { Reduction } from "./_core/call/options.ts";
import type { ElementwiseDefinition, LossFormula } from "./_core/elementwise/definition.ts";
import { SIGNS } from "./_core/elementwise/domains.ts";
import { ElementwiseLoss, type InputAndTarget } from "./_core/elementwise/loss.ts";

export type * from "./_core/types.ts";

/** Options of {@linkcode HingeEmbeddingLoss}. */
export interface HingeEmbeddingLossOptions {
  /**
   * A dissimilar pair at least this far apart, in units of the input, has loss 0. Any number; with 0 or less every
   * dissimilar pair has loss 0, as distances are not negative.
   *
   * @default {1}
   */
  margin?: number | undefined;
  /** Keep the value of each element, average over all of them, or add them up. @default {"mean"} */
  reduction?: Reduction | undefined;
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
 * The distance of a similar pair should be small, that of a dissimilar pair at least the margin.
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
