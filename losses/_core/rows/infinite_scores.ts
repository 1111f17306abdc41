/**
 * Infinite scores: what a softmax makes of them.
 *
 * A score that grows beyond all bounds takes all probability: in the limit its class has log-probability 0 and every other
 * class -∞. Computed as x - m that would be ∞ - ∞. Of two infinite scores, or of -∞ throughout, there is no limit: who
 * wins depends on how they grow, and the result stays NaN.
 */

import type { FloatArray } from "../tensor/types.ts";

/**
 * Replaces a row of scores whose maximum is ∞ by its log-probabilities in the limit, if there is one.
 *
 * @param scores Where the row stands.
 * @param start The place of its first score.
 * @param step The distance to the next.
 * @param count The number of scores.
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
