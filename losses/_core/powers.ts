/**
 * Sums of powers along rows that neither overflow nor fade away: 1e200 has no square among the doubles, but a vector of
 * such numbers has a length.
 *
 * Rows are summed as they are. Only if a sum leaves the range in which it has all its digits, its row gets a scale, a power
 * of 2 that brings its largest number near 1, and is summed again.
 */

import type { Run } from "./formula/plan.ts";
import type { FloatType } from "./formula/program.ts";
import type { RowTile } from "./rows.ts";

/** Sums below have lost digits to terms that vanished; the largest number of a row is then scaled up. */
const LEAST = { float32: 2 ** -100, float64: 2 ** -960 } as const;
/** Exponent of the largest scale: it and its square are to be finite, in the type of the kernel and in float64. */
const MOST = { float32: 126, float64: 511 } as const;

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
 * @param tile The rows.
 * @param dtype The type of the kernels.
 * @param sumStep The step that writes `sum`, and `others`, from `scale`.
 * @param maxStep The step that writes `max`.
 * @param powers The operands.
 * @param others Further sums of the same step.
 */
export function sumPowers(
  tile: RowTile,
  dtype: FloatType,
  sumStep: Run,
  maxStep: Run,
  powers: readonly PowerSum[],
  others: readonly Float64Array[] = [],
): void {
  const { count } = tile;
  const sums = [...powers.map(({ sum }) => sum), ...others];
  for (const { scale } of powers) scale.fill(1, 0, count);
  tile.reduce(sumStep, sums);
  const isUnsafe = (sum: number) => sum < LEAST[dtype] || sum === Infinity;
  if (!powers.some(({ sum }) => sum.subarray(0, count).some(isUnsafe))) return;

  tile.reduce(maxStep, [], powers.map(({ max }) => max));
  for (const { sum, max, scale } of powers) {
    for (let r = 0; r < count; r++) {
      // A row of zeros stays as it is, and so does one that is infinite.
      if (isUnsafe(sum[r]) && max[r] > 0 && max[r] < Infinity) {
        scale[r] = 2 ** Math.min(MOST[dtype], -Math.floor(Math.log2(max[r])));
      }
    }
  }
  tile.reduce(sumStep, sums);
}
