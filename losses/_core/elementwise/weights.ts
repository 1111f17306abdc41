/**
 * Weights whose sum is the divisor of the mean.
 */

import { type SumOfWeights, TOTAL } from "./definition.ts";

/** The sum of weights. */
export const sumOfWeights: SumOfWeights = (
  { element, row, step, tile, load, own },
  symbol,
  weights,
) => {
  const run = step("sum of weights", () => ({ sum: { [TOTAL]: symbol } }));
  let sum = 0;
  for (let start = 0; start < weights.length; start += tile) {
    const end = Math.min(start + tile, weights.length);
    load(element[symbol]!, weights, start, end);
    run(1, end - start);
    sum += row[TOTAL]![0]!;
  }
  own(element[symbol]!);
  return sum;
};
