/**
 * TripletMarginLoss: an anchor should be closer to its positive than to its negative, by a margin.
 *
 * PyTorch: `torch.nn.TripletMarginLoss(margin, p, eps, swap, reduction)`
 *
 * Shapes: `anchor`, `positive` and `negative` (N, D), or (D), or with more axes; distances run along the last axis. All
 * three have the same number of axes; an axis of length 1 is repeated. The value is a scalar, or with `"none"` of
 * the shape without the last axis.
 *
 * Domain: any real vectors.
 *
 * Value, with the distance d(x, y) = (Σ |x - y + eps|^p)^(1/p):
 *
 *     max(margin + d(anchor, positive) - d(anchor, negative), 0)
 *
 * With swap, min(d(anchor, negative), d(positive, negative)) takes the place of d(anchor, negative). The mean is divided by
 * the number of distances.
 *
 * Gradient with respect to `anchor`: d'(anchor, positive) - d'(anchor, negative), where d' is the gradient of the distance
 * with respect to its first vector: for p = 2, the unit vector along x - y + eps. With respect to `positive` and `negative`:
 * the negative of their term. 0 where the value is 0, at the kink too. A tie of the swap gives one half to each distance.
 *
 * Range: [0, ∞), 0 where every negative is farther than the positive by the margin or more.
 *
 * Siblings: {@linkcode TripletMarginWithDistanceLoss} takes any distance; MarginRankingLoss is the same hinge on two
 * scores, CosineEmbeddingLoss needs pairs only. As eps is added to the signed difference, d(x, y) differs from
 * d(y, x) in the last digits, and d(x, x) is not 0, so that it has a gradient.
 *
 * Unlike PyTorch, squares of huge or tiny components neither overflow nor vanish, a triplet that is cut off has gradient 0
 * even if it is infinite, all gradients are NaN where the value is (both distances infinite, for example; PyTorch has 0 for
 * some), and p must be ≥ 0.
 *
 * Notebook: `notebooks/triplet_margin.ipynb` of the repository. Reference: V. Balntas et al., Learning local feature
 * descriptors with triplets and shallow convolutional neural networks, 2016.
 *
 * @module
 */

import { Loss } from "./_core/call/loss.ts";
import {
  booleanOption,
  type Checked,
  numberOption,
  type Reduction,
  reductionOption,
} from "./_core/call/options.ts";
import type { Request, ValueAndGrad } from "./_core/call/request.ts";
import type { LossFormula } from "./_core/elementwise/definition.ts";
import {
  marginOption,
  pNormTriplets,
  TRIPLET,
  type TripletArgument,
  type TripletArguments,
  tripletFormula,
} from "./_triplet_margin/triplets.ts";

export type * from "./_core/types.ts";
export type { TripletArgument, TripletArguments };

/** Options of {@linkcode TripletMarginLoss}. */
export interface TripletMarginLossOptions {
  /**
   * How much closer the positive has to be, in units of the distance. Must be > 0: without a margin, equal vectors for
   * all inputs would have loss 0.
   *
   * @default {1}
   */
  margin?: number | undefined;
  /**
   * The norm of the distance, ≥ 0: 1 adds the components up, 2 is Euclidean, Infinity takes the largest.
   *
   * @default {2}
   */
  p?: number | undefined;
  /** Added to each component of a difference, so that equal vectors have a gradient; any number. @default {1e-6} */
  eps?: number | undefined;
  /** Whether the negative is compared with the closer of anchor and positive, not always with the anchor. @default {false} */
  swap?: boolean | undefined;
  /** Keep the value of each triplet, average over them, or add them up. @default {"mean"} */
  reduction?: Reduction | undefined;
}

/**
 * An anchor should be closer to its positive than to its negative, by a margin.
 *
 * ```ts
 * import { TripletMarginLoss } from "@lossbook/losses";
 * import { assertAlmostEquals } from "@std/assert";
 *
 * const loss = new TripletMarginLoss({ margin: 1 });
 * const { value, grad } = loss.valueAndGrad([0, 0], [3, 4], [0, 2]);
 * // The positive is at a distance of 5, the negative of 2.
 * assertAlmostEquals(value.item(), 1 + 5 - 2, 1e-5);
 * // The gradients are unit vectors: against them the positive moves towards the anchor, the negative away from it.
 * assertAlmostEquals(grad.positive.data[0], 3 / 5, 1e-5);
 * assertAlmostEquals(grad.negative.data[1], -1, 1e-5);
 * ```
 */
export class TripletMarginLoss extends Loss<TripletArguments, TripletArgument, TripletArgument> {
  /**
   * The value of one triplet and its derivatives with respect to the distances, as formulas: ap from anchor to positive,
   * an from anchor to negative, pn from positive to negative (infinite without swap).
   */
  static readonly formula: LossFormula = tripletFormula;

  readonly #options: Checked<TripletMarginLossOptions>;

  /**
   * Makes a loss with these options.
   *
   * @param options See {@linkcode TripletMarginLossOptions}.
   * @throws {TypeError} If an option is unknown or of the wrong kind.
   * @throws {RangeError} If margin ≤ 0, p < 0, eps is infinite, one of them is NaN, or the reduction is unknown.
   */
  constructor(options: TripletMarginLossOptions = {}) {
    super("TripletMarginLoss", TRIPLET, options, {
      margin: 1,
      p: 2,
      eps: 1e-6,
      swap: false,
      reduction: "mean",
    });
    const loss = "TripletMarginLoss";
    const { margin = 1, p = 2, eps = 1e-6, swap = false, reduction } = options;
    this.#options = {
      margin: marginOption(loss, margin),
      p: numberOption(loss, "p", p, (p) => p >= 0, "≥ 0"),
      eps: numberOption(loss, "eps", eps, Number.isFinite, "finite"),
      swap: booleanOption(loss, "swap", swap),
      reduction: reductionOption(loss, reduction),
    };
  }

  /** @ignore */
  protected override evaluate(
    args: TripletArguments,
    request: Request<string> | undefined,
  ): ValueAndGrad<string> {
    return pNormTriplets("TripletMarginLoss", this.#options, args, request);
  }
}
