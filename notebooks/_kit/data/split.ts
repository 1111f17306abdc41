/** Training set and test set. */

import { TorchRandom } from "../../../tests/reference/torch/random.ts";

/**
 * Splits rows at random into a training set and a test set; the same seed gives the same split.
 *
 * @param rows The rows.
 * @param options `test` is the share of the test set (default 0.25), `seed` chooses the order (default 0).
 * @returns Both sets.
 */
export function trainTest<Row>(
  rows: readonly Row[],
  options: { test?: number; seed?: number } = {},
): { train: Row[]; test: Row[] } {
  const { test = 0.25, seed = 0 } = options;
  const size = Math.round(rows.length * test);
  if (!(test > 0 && test < 1) || size === 0 || size === rows.length) {
    throw new RangeError(
      `Cannot split ${rows.length} rows as both sets need some: the current share of the test set is ${test}`,
    );
  }
  const order = Array.from(new TorchRandom(seed).randperm(rows.length), (i) => rows[i]);
  return { train: order.slice(size), test: order.slice(0, size) };
}
