/**
 * Shapes: their size, their equality, and their text in error messages.
 */

import type { AnyTypedArray, FloatArray, Shaped } from "./types.ts";

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

/** True if an array without elements had some, but its memory was detached or became too small. */
export function isDetached(data: AnyTypedArray): boolean {
  try {
    // Such arrays refuse every method.
    (data as Float32Array).keys();
    return false;
  } catch {
    return true;
  }
}

/** How many numbers a typed array holds, even if it has a property of its own that says something else. */
export function lengthOf(data: FloatArray): number {
  return Reflect.get(Object.getPrototypeOf(Uint8Array.prototype), "length", data);
}

/** The largest number of axes of a tensor. */
export const MOST_AXES = 64;

/** True if a value is a shape: an array of at most {@linkcode MOST_AXES} whole numbers ≥ 0. */
export function isShape(shape: unknown): shape is number[] {
  if (!Array.isArray(shape) || shape.length > MOST_AXES) return false;
  for (const length of shape) if (!Number.isInteger(length) || length < 0) return false;
  return true;
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
