/**
 * The input of margin losses over classes: one row of scores, or a batch of rows.
 */

import { show } from "../tensor/shape.ts";
import { type ClassAxis, classAxis } from "../rows/class_axis.ts";

/**
 * Finds the class axis of one row of scores, or of a batch of rows.
 *
 * @param loss The class, for error messages.
 * @param shape The shape of the scores; a scalar is a row with one class.
 * @returns The class axis, the last one.
 * @throws {RangeError} If there are more than two axes, or no classes.
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
