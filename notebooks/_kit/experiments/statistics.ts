/** Numbers that sum up several runs of an experiment. */

/**
 * The mean.
 *
 * @param values At least one number.
 * @returns Their sum divided by their count.
 */
export function mean(values: ArrayLike<number>): number {
  if (values.length === 0) throw new RangeError("Cannot take the mean of no numbers");
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i];
  return sum / values.length;
}

/**
 * The standard error of the mean: the standard deviation, with divisor n - 1, divided by the root of n.
 *
 * @param values The result of each run, at least two.
 * @returns How far the mean of so many runs strays.
 */
export function standardError(values: ArrayLike<number>): number {
  if (values.length < 2) {
    throw new RangeError(
      `Cannot estimate the standard error as it needs two runs: current number is ${values.length}`,
    );
  }
  const centre = mean(values);
  let squares = 0;
  for (let i = 0; i < values.length; i++) squares += (values[i] - centre) ** 2;
  return Math.sqrt(squares / (values.length - 1) / values.length);
}

/**
 * Mean and standard error as text.
 *
 * @param values The result of each run, at least two.
 * @param decimals The number of decimals of both.
 * @returns Such as "0.938 ± 0.004".
 */
export function plusMinus(values: ArrayLike<number>, decimals = 3): string {
  const centre = mean(values).toFixed(decimals).replace("-", "−");
  return `${centre} ± ${standardError(values).toFixed(decimals)}`;
}

/**
 * The mean difference of two results of the same runs, and its standard error, as text: what the runs have in common, such as a
 * difficult split, is not counted as error.
 *
 * @param values The result of each run, at least two.
 * @param others The result of another method in the same runs.
 * @param decimals The number of decimals of both.
 * @returns Such as "−0.012 ± 0.003".
 * @throws {RangeError} If the numbers of runs differ.
 */
export function pairedDifference(
  values: ArrayLike<number>,
  others: ArrayLike<number>,
  decimals = 3,
): string {
  if (values.length !== others.length) {
    throw new RangeError(
      `Cannot compare runs in pairs as there must be as many: current numbers are ${values.length} and ${others.length}`,
    );
  }
  return plusMinus(Array.from(values, (value, run) => value - others[run]), decimals);
}
