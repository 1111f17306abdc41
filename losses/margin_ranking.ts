/**
 * MarginRankingLoss: of two scores, the one that should be higher should exceed the other by a margin.
 *
 * PyTorch: `torch.nn.MarginRankingLoss(margin, reduction)`
 *
 * Shapes: `input1`, `input2` and `target` with the same number of axes; an axis of length 1 is repeated along the
 * others. The value is a scalar, or with `"none"` of the common shape.
 *
 * Domain: any real scores; `target` is 1 if input1 should be higher and -1 if input2 should, integers included, anything
 * else throws.
 *
 * Value, with h = margin - y (x1 - x2): max(0, h).
 *
 * Gradient where h > 0: with respect to `input1` -y, to `input2` y, to `target` x2 - x1; elsewhere 0. At the kink h = 0
 * value and gradient are 0: with margin 0 a tie stays a tie.
 *
 * Range: [0, ∞), 0 for every pair in the right order by at least the margin. There is no single minimiser, as only the
 * difference of the scores matters.
 *
 * Siblings: {@linkcode SoftMarginLoss} of x1 - x2 is the same with its corner rounded off; {@linkcode TripletMarginLoss}
 * ranks two distances in this way; {@linkcode MultiMarginLoss} the scores of classes.
 *
 * Unlike PyTorch, a label other than 1 and -1 throws (PyTorch scales by it), and the gradient with respect to `target` is 0
 * for every pair of loss 0, infinitely far apart too (PyTorch computes 0 ∞ = NaN).
 *
 * Notebook: `notebooks/margin_ranking.ipynb` of the repository. Reference: R. Herbrich, T. Graepel, K. Obermayer, Large
 * Margin Rank Boundaries for Ordinal Regression, 2000.
 *
 * @module
 */

import type { Reduction } from "./_core/call/options.ts";
import type { ElementwiseDefinition, LossFormula } from "./_core/elementwise/definition.ts";
import { SIGNS } from "./_core/elementwise/domains.ts";
import { ElementwiseLoss } from "./_core/elementwise/loss.ts";
import { checkRanks } from "./_core/tensor/broadcast.ts";
import type { TensorLike } from "./_core/tensor/tensor.ts";

export type * from "./_core/types.ts";

/** Options of {@linkcode MarginRankingLoss}. */
export interface MarginRankingLossOptions {
  /**
   * How far the higher score must exceed the lower one for a loss of 0, in units of the scores. Any number; with 0 the
   * right order is enough, and if negative, the order may be wrong by that much.
   *
   * @default {0}
   */
  margin?: number | undefined;
  /** Keep the value of each pair, average over all of them, or add them up. @default {"mean"} */
  reduction?: Reduction | undefined;
}

const formula: LossFormula = {
  value: "hinge(margin - y * (x1 - x2))",
  grad: {
    input1: "margin - y * (x1 - x2) > 0 ? -y : 0",
    input2: "margin - y * (x1 - x2) > 0 ? y : 0",
    target: "margin - y * (x1 - x2) > 0 ? x2 - x1 : 0",
  },
};

const definition: ElementwiseDefinition = {
  loss: "MarginRankingLoss",
  arguments: [
    { name: "input1", symbol: "x1" },
    { name: "input2", symbol: "x2" },
    { name: "target", symbol: "y", integers: true, domain: SIGNS },
  ],
  options: { margin: { default: 0, valid: () => true, wanted: "a number" } },
  formula,
  checkShapes: (loss, _, tensors) => checkRanks(loss, tensors),
  wrt: ["input1", "input2"],
};

/**
 * Of two scores, the one that should be higher should exceed the other by a margin.
 *
 * ```ts
 * import { MarginRankingLoss } from "@lossbook/losses";
 * import { assertEquals } from "@std/assert";
 *
 * const loss = new MarginRankingLoss({ margin: 1, reduction: "sum" });
 * const { value, grad } = loss.valueAndGrad([3, 3, 3], [1, 2.5, 1], [1, 1, -1]);
 * assertEquals(value.item(), 0 + (1 - 0.5) + (1 + 2));
 * assertEquals(grad.input1.toArray(), [0, -1, 1]);
 * assertEquals(grad.input2.toArray(), [0, 1, -1]);
 * ```
 */
export class MarginRankingLoss extends ElementwiseLoss<
  [input1: TensorLike, input2: TensorLike, target: TensorLike],
  "input1" | "input2" | "target",
  "input1" | "input2"
> {
  /** Value and gradients as formulas in x1 (input1), x2 (input2), y (target) and margin. */
  static readonly formula: LossFormula = formula;

  /**
   * Makes a loss with these options.
   *
   * @param options See {@linkcode MarginRankingLossOptions}.
   * @throws {TypeError} If an option is unknown or of the wrong kind.
   * @throws {RangeError} If the margin is NaN, or the reduction is unknown.
   */
  constructor(options: MarginRankingLossOptions = {}) {
    super(definition, options);
  }
}
