/**
 * The softmax over rows of scores: what all losses and functions that have one begin with.
 *
 * Subtracting the maximum m of a row keeps exp in range: exp(89) is infinite in float32.
 *
 * A score that grows beyond all bounds takes all probability: in the limit its class has log-probability 0 and every other
 * class -∞. Computed as x - m that would be ∞ - ∞. Of two infinite scores, or of -∞ throughout, there is no limit: who
 * wins depends on how they grow, and the result stays NaN.
 */

import type { FloatArray } from "../tensor/types.ts";

/** exp(x - m). The minimum, which is x - m anyway, shows that exp need not be prepared for numbers above 0. */
export const EXP = "exp(min(x - m, 0))";

/** The maximum m of each row of x. */
export const MAX = { max: { m: "x" } } as const;

/** The exponentials e of a row, and their sum s. */
export const EXPONENTIALS = { store: { e: EXP }, sum: { s: EXP } } as const;

/**
 * Replaces rows with an infinite score by their log-probabilities in the limit, where there is one.
 *
 * @param x Rows of scores, one after the other.
 * @param m The maximum of each row, which is brought up to date.
 * @param rows The number of rows.
 * @param cols The number of scores in a row.
 */
export function takeLimits(x: FloatArray, m: Float64Array, rows: number, cols: number): void {
  for (let r = 0; r < rows; r++) if (m[r] === Infinity) m[r] = takeLimit(x, r * cols, 1, cols);
}

/**
 * Replaces scores whose maximum is ∞ by their log-probabilities in the limit, if there is one.
 *
 * @param scores Where the scores stand.
 * @param start The place of the first.
 * @param step The distance to the next.
 * @param count Their number.
 * @returns The maximum of what stands there now: 0, or ∞ if there is no limit.
 */
export function takeLimit(scores: FloatArray, start: number, step: number, count: number): number {
  const end = start + count * step;
  let infinite = 0;
  for (let i = start; i < end; i += step) {
    if (scores[i] === Infinity) infinite++;
    else if (Number.isNaN(scores[i])) return Infinity;
  }
  if (infinite !== 1) return Infinity;
  for (let i = start; i < end; i += step) scores[i] = scores[i] === Infinity ? 0 : -Infinity;
  return 0;
}
