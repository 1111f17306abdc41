/** Columns of numbers, made from rows, for training a model. */

/** A row in which some properties are present. */
export type Complete<Row, Key extends keyof Row> =
  & Row
  & { [K in Key]: NonNullable<Row[K]> };

/**
 * Keeps the rows in which none of the named values is missing.
 *
 * @param rows The rows.
 * @param keys The names of the values.
 * @returns These rows, with a type that says so.
 */
export function complete<Row extends object, Key extends keyof Row>(
  rows: readonly Row[],
  ...keys: Key[]
): Complete<Row, Key>[] {
  const has = (row: Row): row is Complete<Row, Key> =>
    keys.every((key) => row[key] !== null && row[key] !== undefined);
  return rows.filter(has);
}

/** The names of a row's properties that hold numbers. */
export type NumericKey<Row> = {
  [K in keyof Row]: Row[K] extends number ? K : never;
}[keyof Row];

/**
 * One column of numbers.
 *
 * @param rows The rows, complete in this column.
 * @param key The column's name.
 * @returns Its numbers.
 */
export function column<Row extends object>(
  rows: readonly Row[],
  key: NumericKey<Row>,
): Float64Array {
  return Float64Array.from(rows, (row, i) => {
    const value: unknown = row[key];
    if (typeof value === "number") return value;
    throw new TypeError(
      `Cannot take the column "${
        String(key)
      }" as row ${i} has no number there: current value is ${value}`,
    );
  });
}

/** A column scaled to mean 0 and standard deviation 1, and the numbers that undo it. */
export interface Standardised {
  /** (x - mean) / std for each x. */
  values: Float64Array;
  /** The mean that was subtracted. */
  mean: number;
  /** The standard deviation by which it was divided, with divisor n as in StandardScaler. */
  std: number;
}

/**
 * Scales a column to mean 0 and standard deviation 1.
 *
 * @param column The numbers.
 * @param by Mean and standard deviation of another column: a test set is scaled by those of its training set.
 * @returns The scaled column with its mean and standard deviation.
 */
export function standardise(
  column: ArrayLike<number>,
  by?: { mean: number; std: number },
): Standardised {
  const values = Float64Array.from(column);
  const average = (numbers: Float64Array) => numbers.reduce((a, b) => a + b, 0) / numbers.length;
  const mean = by?.mean ?? average(values);
  const std = by?.std ?? Math.sqrt(average(values.map((x) => (x - mean) ** 2)));
  if (!(std > 0 && Number.isFinite(std))) {
    throw new RangeError(
      `Cannot standardise as the standard deviation must be finite and > 0: current value is ${std}`,
    );
  }
  return { values: values.map((x) => (x - mean) / std), mean, std };
}
