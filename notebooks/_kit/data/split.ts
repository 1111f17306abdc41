/** Training set, validation set and test set. */

import { TorchRandom } from "../../../tests/reference/torch/random.ts";
import { standardise } from "./columns.ts";

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

/**
 * Splits rows at random into a training set, a validation set for every choice, and a test set that is used once; the same seed gives
 * the same split.
 *
 * @param rows The rows.
 * @param options The shares of the validation set and of the test set (default 0.25 each); `seed` chooses the order (default 0).
 * @returns The three sets.
 */
export function trainValidationTest<Row>(
  rows: readonly Row[],
  options: { validation?: number; test?: number; seed?: number } = {},
): { train: Row[]; validation: Row[]; test: Row[] } {
  const { validation = 0.25, test = 0.25, seed = 0 } = options;
  const tested = Math.round(rows.length * test);
  const chosen = Math.round(rows.length * validation);
  if (!(tested > 0 && chosen > 0 && tested + chosen < rows.length)) {
    throw new RangeError(
      `Cannot split ${rows.length} rows as all three sets need some: current shares are ${validation} for validation and ${test} for the test`,
    );
  }
  const order = Array.from(new TorchRandom(seed).randperm(rows.length), (i) => rows[i]);
  return {
    train: order.slice(tested + chosen),
    validation: order.slice(tested, tested + chosen),
    test: order.slice(0, tested),
  };
}

/** Inputs and targets of a model. */
export interface Samples {
  /** One row of numbers for each sample. */
  X: number[][];
  /** One number for each sample: a target or a label. */
  y: number[];
}

/**
 * Turns the rows of a split into inputs and targets of a model.
 *
 * @param parts Training set, validation set and test set, as {@linkcode trainValidationTest} gives them.
 * @param input The inputs of a row.
 * @param target Its target or label.
 * @param options `standardised` scales every input to mean 0 and standard deviation 1 over the training set (default false); `bias`
 * puts a 1 before the inputs (default false).
 * @returns The three sets.
 */
export function samplesOf<Row>(
  parts: { train: Row[]; validation: Row[]; test: Row[] },
  input: (row: Row) => ArrayLike<number>,
  target: (row: Row) => number,
  options: { standardised?: boolean; bias?: boolean } = {},
): { train: Samples; validation: Samples; test: Samples } {
  const known = parts.train.map((row) => Array.from(input(row)));
  const scales = options.standardised
    ? known[0].map((_, k) => standardise(known.map((row) => row[k])))
    : known[0].map(() => ({ mean: 0, std: 1 }));
  const samples = (rows: Row[]): Samples => ({
    X: rows.map((row) => [
      ...(options.bias ? [1] : []),
      ...Array.from(input(row), (x, k) => (x - scales[k].mean) / scales[k].std),
    ]),
    y: rows.map(target),
  });
  return {
    train: samples(parts.train),
    validation: samples(parts.validation),
    test: samples(parts.test),
  };
}
