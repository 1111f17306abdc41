/**
 * Inputs that are one row of scores, or a batch of them: what the margin losses over classes take.
 */

import { show } from "../tensor/shape.ts";
import { type ClassAxis, classAxis } from "../rows/class_axis.ts";

/**
 * Sees `shape` as rows of scores, one score per class.
 *
 * @param loss The class, for error messages.
 * @param shape The shape of the scores; a scalar is the only class of its row.
 * @returns The class axis, the last one.
 * @throws {RangeError} If there are more than two axes, or no class.
 */
export function scoreRows(loss: string, shape: readonly number[]): ClassAxis {
  if (shape.length > 2 || shape.at(-1) === 0) {
    throw new RangeError(
      `Cannot compute ${loss} as input must have the shape (C) or (N, C) with C > 0: current shape is ${
        show(shape)
      }`,
    );
  }
  const rows = shape.length === 0 ? [1] : shape;
  return classAxis(rows, rows.length - 1);
}
