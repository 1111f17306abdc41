/**
 * Sums of powers along rows that neither overflow nor fade away: 1e200 has no square among the doubles, but a vector of
 * such numbers has a length.
 *
 * Rows are summed as they are. Only if a sum leaves the range in which it has all its digits, its row gets a scale, a power
 * of 2 that brings its largest number near 1, and is summed again.
 */

import type { FloatType } from "./formula/program.ts";

/** Sums below have lost digits to terms that vanished; the largest number of a row is then scaled up. */
const LEAST = { float32: 2 ** -100, float64: 2 ** -960 } as const;
/** Exponent of the largest scale, which must be finite in the type of the kernel. */
const MOST = { float32: 126, float64: 1022 } as const;

/** The row operands of one sum of powers of `scale * u`. */
export interface PowerSum {
  readonly sum: Float64Array;
  /** The largest |u|. */
  readonly max: Float64Array;
  readonly scale: Float64Array;
}

/**
 * Computes sums of powers of scaled numbers.
 *
 * @param dtype The type of the kernels.
 * @param count The number of rows.
 * @param powers The row operands.
 * @param sum Computes `sum` from `scale`, for all rows.
 * @param max Computes `max`, for all rows.
 */
export function sumPowers(
  dtype: FloatType,
  count: number,
  powers: readonly PowerSum[],
  sum: () => void,
  max: () => void,
): void {
  const least = LEAST[dtype];
  for (const { scale } of powers) scale.fill(1, 0, count);
  sum();
  let isSafe = true;
  for (const { sum } of powers) {
    for (let r = 0; r < count; r++) if (sum[r] < least || sum[r] === Infinity) isSafe = false;
  }
  if (isSafe) return;

  max();
  for (const { sum, max, scale } of powers) {
    for (let r = 0; r < count; r++) {
      // A row of zeros stays as it is, and so does one that is infinite.
      if ((sum[r] < least || sum[r] === Infinity) && max[r] > 0 && max[r] < Infinity) {
        scale[r] = 2 ** Math.min(MOST[dtype], -Math.floor(Math.log2(max[r])));
      }
    }
  }
  sum();
}
