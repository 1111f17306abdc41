/**
 * Rows of an embedding that take part in pairs and triplets, their gradients on the way back, and their neighbours.
 *
 * @module
 */

import { float64, type Tensor } from "@lossbook/losses";

/** Some rows of an embedding, and the gradient of a loss with respect to them. */
export interface GatheredGradient {
  /** The number of the row that each gathered row came from. */
  index: ArrayLike<number>;
  /** The gradient with respect to the gathered rows, one row for each number. */
  grad: Tensor;
}

/**
 * Looks rows up, as an embedding table does.
 *
 * @param Z One row for each sample.
 * @param index The number of each row that is wanted; a row may be wanted several times.
 * @returns A float64 tensor with one row for each number.
 * @throws {RangeError} If a number is no row.
 */
export function gatherRows(Z: Tensor, index: ArrayLike<number>): Tensor {
  const [count, width] = Z.shape;
  const gathered = new Float64Array(index.length * width);
  for (let i = 0; i < index.length; i++) {
    checkRow(index[i], count);
    for (let k = 0; k < width; k++) gathered[i * width + k] = Z.data[index[i] * width + k];
  }
  return float64(gathered, [index.length, width]);
}

/**
 * Adds gradients to the rows that {@linkcode gatherRows} took: a row that was taken several times gets the sum.
 *
 * @param shape The shape of the embedding.
 * @param parts The gathered rows, such as anchors, positives and negatives.
 * @returns The gradient with respect to the embedding; rows that took no part have 0.
 * @throws {RangeError} If a number is no row.
 *
 * @example
 * ```ts
 * const { grad } = loss.valueAndGrad(gatherRows(Z, a), gatherRows(Z, p), gatherRows(Z, n));
 * const dZ = scatterRows(Z.shape, [
 *   { index: a, grad: grad.anchor },
 *   { index: p, grad: grad.positive },
 *   { index: n, grad: grad.negative },
 * ]);
 * ```
 */
export function scatterRows(
  shape: readonly number[],
  parts: readonly GatheredGradient[],
): Tensor {
  const [count, width] = shape;
  const sums = new Float64Array(count * width);
  for (const { index, grad } of parts) {
    for (let i = 0; i < index.length; i++) {
      checkRow(index[i], count);
      for (let k = 0; k < width; k++) sums[index[i] * width + k] += grad.data[i * width + k];
    }
  }
  return float64(sums, [count, width]);
}

/**
 * The nearest neighbour of each query, by the Euclidean distance.
 *
 * @param queries The points that are asked about, one row each.
 * @param gallery The points that are searched, at least one.
 * @returns For each query the number of the nearest row of the gallery; the first if several are equally near.
 *
 * @example
 * ```ts
 * const answers = nearestNeighbours(embed(test.X), embed(train.X)).map((i) => train.y[i]);
 * ```
 */
export function nearestNeighbours(
  queries: readonly ArrayLike<number>[],
  gallery: readonly ArrayLike<number>[],
): number[] {
  if (gallery.length === 0) throw new RangeError("Cannot find a neighbour as the gallery is empty");
  return queries.map((query) => {
    let nearest = 0;
    let least = Infinity;
    gallery.forEach((point, i) => {
      let squares = 0;
      for (let k = 0; k < query.length; k++) squares += (query[k] - point[k]) ** 2;
      if (squares < least) {
        nearest = i;
        least = squares;
      }
    });
    return nearest;
  });
}

function checkRow(row: number, count: number): void {
  if (Number.isInteger(row) && row >= 0 && row < count) return;
  throw new RangeError(`Cannot use row ${row} as there are ${count} rows, counted from 0`);
}
