/**
 * What TripletMarginLoss and TripletMarginWithDistanceLoss share: the hinge of two distances, and p-norms as distances.
 *
 * This folder belongs to these two losses.
 */

import { readArguments } from "../_core/call/arguments.ts";
import { numberOption, type Reduction } from "../_core/call/options.ts";
import type { Request, ValueAndGrad } from "../_core/call/request.ts";
import { RowCall } from "../_core/call/row_call.ts";
import type { LossFormula } from "../_core/elementwise/definition.ts";
import { distances, type Pair } from "../_core/rows/distances.ts";
import { Rows } from "../_core/rows/rows.ts";
import { checkRanks, commonShape } from "../_core/tensor/broadcast.ts";
import type { Tensor, TensorLike } from "../_core/tensor/tensor.ts";
import type { FloatArray } from "../_core/tensor/types.ts";

/** One of the three arguments. */
export type TripletArgument = "anchor" | "positive" | "negative";

/** The arguments of the triplet losses. */
export type TripletArguments = [anchor: TensorLike, positive: TensorLike, negative: TensorLike];

/** The names of the three arguments, in call order. */
export const TRIPLET: readonly TripletArgument[] = ["anchor", "positive", "negative"];

/**
 * The value of one triplet and its derivatives with respect to the distances: ap from anchor to positive, an from anchor to
 * negative, pn from positive to negative (infinite without swap).
 */
export const tripletFormula: LossFormula = {
  value: "hinge(margin + ap - min(an, pn))",
  grad: {
    ap: "margin + ap - min(an, pn) > 0 ? 1 : 0",
    an: "margin + ap - min(an, pn) > 0 ? (an < pn ? -1 : an == pn ? -0.5 : 0) : 0",
    pn: "margin + ap - min(an, pn) > 0 ? (pn < an ? -1 : an == pn ? -0.5 : 0) : 0",
  },
};

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

/** The options of a loss whose distances are p-norms, checked. */
export interface PNormOptions {
  readonly margin: number;
  readonly p: number;
  readonly eps: number;
  readonly swap: boolean;
  readonly reduction: Reduction;
}

/** Value and gradients for distances that are p-norms, in two passes over the tensors. */
export function pNormTriplets(
  loss: string,
  { margin, p, eps, swap, reduction }: PNormOptions,
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
