/**
 * The first steps of every softmax over rows of scores.
 *
 * Subtracting the maximum m of a row keeps exp in range: exp(89) is infinite in float32.
 *
 * If one score tends to ∞, the log-probability of its class tends to 0 and that of every other class to -∞; x - m would be
 * ∞ - ∞ = NaN. Two infinite scores, or a row of -∞, have no limit, as it depends on how the scores grow: the result is NaN.
 */

import { type Copies, load, type Step } from "../kernel/kernels.ts";
import type { MathFunctions } from "../kernel/lower.ts";
import { expOfNegative } from "../kernel/math.ts";
import type { FloatArray } from "../tensor/types.ts";

/** exp(x - m), for {@linkcode FUNCTIONS}. */
export const EXP = "exp(x - m)";

/** The functions of kernels whose only exponentials are those of a score minus the maximum. */
export const FUNCTIONS: MathFunctions = { exp: expOfNegative };

/** The maximum m of each row of x. */
export const MAX: Step = { max: { m: "x" } };

/** The exponentials e of a row, and their sum s. */
export const EXPONENTIALS: Step = { store: { e: EXP }, sum: { s: EXP } };

/**
 * Replaces rows with an infinite score by their log-probabilities in the limit, where there is one.
 *
 * @param kernels The kernels.
 * @param operand Their operand for scores.
 * @param x Where the scores are, rows one after the other: in the operand, or elsewhere, where they must not be changed.
 * @param m The maximum of each row, which is updated.
 * @param rows The number of rows.
 * @param cols The number of scores in a row.
 * @returns Where the scores are then.
 */
export function takeLimits(
  kernels: Copies,
  operand: FloatArray,
  x: FloatArray,
  m: Float64Array,
  rows: number,
  cols: number,
): FloatArray {
  for (let r = 0; r < rows; r++) {
    if (m[r] !== Infinity) continue;
    if (x !== operand) x = load(kernels.own(operand), x, 0, rows * cols);
    m[r] = takeLimit(x, r * cols, 1, cols);
  }
  return x;
}

/**
 * Replaces scores whose maximum is ∞ by their log-probabilities in the limit, if there is one.
 *
 * @param scores An array with the scores.
 * @param start The index of the first score.
 * @param step The distance from one score to the next.
 * @param count The number of scores.
 * @returns The new maximum: 0, or ∞ if there is no limit.
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
