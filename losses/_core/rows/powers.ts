/**
 * Sums of powers along rows that neither overflow nor underflow: the square of 1e200 is not a double, but the length of a
 * vector of such numbers is.
 *
 * Rows are first summed without scaling. If a sum overflows, or is so small that it has lost digits, its row gets a scale,
 * the power of 2 that brings its largest number near 1, and is summed again.
 */

import type { FloatType } from "../tensor/types.ts";

/** Smaller sums have lost digits, as some of their terms were rounded to 0 or subnormal. */
const LEAST = { float32: 2 ** -100, float64: 2 ** -960 } as const;
/** The exponent of the largest scale, which must be finite in the type of the kernel. */
const MOST = { float32: 126, float64: 1022 } as const;

/** The row operands of one sum of powers of `scale * u`. */
export interface PowerSum {
  readonly sum: Float64Array;
  /** The largest |u|. */
  readonly max: Float64Array;
  readonly scale: Float64Array;
}

/**
 * Computes sums of powers.
 *
 * @param dtype The type of the kernels.
 * @param count The number of rows.
 * @param powers The row operands.
 * @param run Computes, for all rows, `sum` without `scale`, `max`, and `sum` with `scale`.
 * @returns True if no row was scaled and every sum is finite.
 */
export function sumPowers(
  dtype: FloatType,
  count: number,
  powers: readonly PowerSum[],
  run: { readonly sum: () => void; readonly max: () => void; readonly scaledSum: () => void },
): boolean {
  const least = LEAST[dtype];
  run.sum();
  let hasScale = false;
  let isPlain = true;
  for (const { sum, scale } of powers) {
    scale.fill(1, 0, count);
    for (let r = 0; r < count; r++) {
      const own = sum[r]!;
      if (own >= least && own < Infinity) continue;
      isPlain = false;
      if (own < least || own === Infinity) hasScale = true;
    }
  }
  if (!hasScale) return isPlain;

  run.max();
  for (const { sum, max, scale } of powers) {
    for (let r = 0; r < count; r++) {
      const own = sum[r]!;
      const largest = max[r]!;
      // A row of zeros needs no scale, and one with ∞ has none.
      if ((own < least || own === Infinity) && largest > 0 && largest < Infinity) {
        scale[r] = 2 ** Math.min(MOST[dtype], -Math.floor(Math.log2(largest)));
      }
    }
  }
  run.scaledSum();
  return false;
}
