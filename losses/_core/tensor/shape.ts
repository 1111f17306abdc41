/**
 * Shapes: their size, their equality, and their text in error messages.
 */

import type { Shaped } from "./types.ts";

/** How many numbers a shape holds. */
export function sizeOf(shape: readonly number[]): number {
  let size = 1;
  for (let axis = 0; axis < shape.length; axis++) size *= shape[axis]!;
  return size;
}

/** False if memory was detached or resized, so that it does not hold the numbers of the shape any more. */
export function isIntact({ data, shape }: Shaped): boolean {
  return data.length === sizeOf(shape);
}

/** The largest number of axes of a tensor. */
export const MOST_AXES = 64;

/**
 * A copy of a shape, each element read once, as it may change under a getter.
 *
 * @param shape The shape.
 * @returns The copy; undefined if it is not an array of at most {@linkcode MOST_AXES} whole numbers ≥ 0.
 */
export function copyShape(shape: unknown): number[] | undefined {
  if (!Array.isArray(shape)) return undefined;
  const { length: axes } = shape;
  if (axes > MOST_AXES) return undefined;
  const copy: number[] = [];
  for (let axis = 0; axis < axes; axis++) {
    const length: unknown = shape[axis];
    if (!Number.isInteger(length) || (length as number) < 0) return undefined;
    copy.push(length as number);
  }
  return copy;
}

/** True if two shapes are equal. */
export function sameShape(a: readonly number[], b: readonly number[]): boolean {
  if (a === b) return true;
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** The text of a shape in error messages, such as `(2, 3)` or `(2,)`. */
export function show(shape: readonly number[]): string {
  return `(${shape.join(", ")}${shape.length === 1 ? ",)" : ")"}`;
}
