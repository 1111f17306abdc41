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

import { readArguments } from "./_core/call/arguments.ts";
import { Loss } from "./_core/call/loss.ts";
import {
  booleanOption,
  type Checked,
  numberOption,
  type Reduction,
  reductionOption,
} from "./_core/call/options.ts";
import type { Request, ValueAndGrad } from "./_core/call/request.ts";
import { RowCall } from "./_core/call/row_call.ts";
import type { LossFormula } from "./_core/elementwise/definition.ts";
import { distances, type Pair } from "./_core/rows/distances.ts";
import { Rows } from "./_core/rows/rows.ts";
import { checkRanks, commonShape } from "./_core/tensor/broadcast.ts";
import type { Tensor, TensorLike } from "./_core/tensor/tensor.ts";
import type { FloatArray } from "./_core/tensor/types.ts";

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

/** One of the three arguments. */
export type TripletArgument = "anchor" | "positive" | "negative";

/** The arguments of the triplet losses. */
export type TripletArguments = [anchor: TensorLike, positive: TensorLike, negative: TensorLike];

/** The names of the three arguments, in call order. */
export const TRIPLET: readonly TripletArgument[] = ["anchor", "positive", "negative"];

/** A checked margin, as both triplet losses have it. */
export function marginOption(loss: string, margin: number): number {
  return numberOption(loss, "margin", margin, (margin) => margin > 0, "> 0");
}

/**
 * The loss of one triplet.
 *
 * @param margin The margin.
 * @param i The index of the triplet.
 * @param distances Of all triplets: from anchor to positive, from anchor to negative, and with swap from positive to
 * negative.
 * @param gradients Receives the derivative of the loss with respect to each distance.
 * @returns The loss.
 */
export function tripletHinge(
  margin: number,
  i: number,
  distances: readonly FloatArray[],
  gradients: readonly Float64Array[],
): number {
  const [ap, an, pn] = distances as [FloatArray, FloatArray, FloatArray?];
  const toNegative = an[i]!;
  const swapped = pn === undefined ? Infinity : pn[i]!;
  const h = margin + ap[i]! - Math.min(toNegative, swapped);
  // At the kink the gradient is 0; NaN makes the gradient NaN.
  const gradient = h > 0 ? 1 : h <= 0 ? 0 : NaN;
  const share = pn === undefined || toNegative < swapped ? 1 : toNegative === swapped ? 0.5 : 0;
  gradients[0]![i] = gradient;
  gradients[1]![i] = -gradient * share;
  if (pn !== undefined) gradients[2]![i] = -gradient * (1 - share);
  return Math.max(h, 0);
}

/** Value and gradients for distances that are p-norms, in two passes over the tensors. */
export function pNormTriplets(
  loss: string,
  { margin, p, eps, swap, reduction }: Checked<TripletMarginLossOptions>,
  args: TripletArguments,
  request: Request<string> | undefined,
): ValueAndGrad<string> {
  const { tensors, dtype } = readArguments(loss, TRIPLET.map((name) => ({ name })), args);
  checkRanks(loss, tensors);
  const shape = commonShape(loss, TRIPLET, tensors);
  const rows = new Rows(shape, Math.max(0, shape.length - 1));
  const [x, y, z] = tensors as [Tensor, Tensor, Tensor];
  const call = new RowCall({
    loss,
    reduction,
    dtype,
    rowShape: rows.outerShape,
    divisor: rows.count,
    shapes: { anchor: x.shape, positive: y.shape, negative: z.shape },
    defaults: TRIPLET,
    inputs: tensors,
  }, request);

  const pairs: readonly Pair[] = swap ? ["xy", "xz", "yz"] : ["xy", "xz"];
  distances({
    dtype,
    rows,
    points: { x, y, z },
    pairs,
    p,
    eps,
    grads: { x: call.grad.anchor, y: call.grad.positive, z: call.grad.negative },
    onTile(start, count, distances, upstream) {
      call.begin(start, count);
      for (let r = 0; r < count; r++) {
        call.values[r] = tripletHinge(margin, r, distances, upstream);
        const share = call.upstream[r]! / call.divisor;
        for (let k = 0; k < upstream.length; k++) upstream[k]![r]! *= share;
      }
      call.end(start, count);
    },
  });
  return call.result();
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
  static readonly formula: LossFormula = {
    value: "hinge(margin + ap - min(an, pn))",
    grad: {
      ap: "margin + ap - min(an, pn) > 0 ? 1 : 0",
      an: "margin + ap - min(an, pn) > 0 ? (an < pn ? -1 : an == pn ? -0.5 : 0) : 0",
      pn: "margin + ap - min(an, pn) > 0 ? (pn < an ? -1 : an == pn ? -0.5 : 0) : 0",
    },
  };

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
