/**
 * Shapes: their size, their equality, and their text in error messages.
 */

import { arena } from "./arena.ts";
import type { AnyTypedArray, FloatArray, Shaped } from "./types.ts";

/** The largest number of axes of a tensor. */
export const MOST_AXES = 64;
/** The largest number of elements of a JavaScript array. */
export const MOST_NUMBERS = 0xffff_ffff;

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

/**
 * Refuses memory that was detached, by a transfer to a worker for example, resized or freed.
 *
 * @param numbers The numbers.
 * @param name What they are, for the error message.
 * @throws {RangeError} If there are more or fewer numbers than the shape holds, or their memory was freed.
 */
export function checkMemory(numbers: Shaped, name: string): void {
  if (isIntact(numbers)) return arena?.checkLive(name, numbers);
  const { data, shape } = numbers;
  throw new RangeError(
    `Cannot read ${name} as its memory must not be detached, resized or freed: its shape ${
      show(shape)
    } holds ${sizeOf(shape)} numbers, current length is ${data.length}`,
  );
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
  return inheritedLength.call(data);
}

/** The getter of `length` that typed arrays inherit; as a constant, V8 puts its code in place of the call. */
const inheritedLength = /* @__PURE__ */ inheritedGetter("length");

function inheritedGetter(name: "length"): (this: FloatArray) => number {
  return Object.getOwnPropertyDescriptor(Object.getPrototypeOf(Uint8Array.prototype), name)!.get!;
}

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

/** The strides of numbers that lie row by row: for each axis, the step through the numbers. */
export function denseStrides(shape: readonly number[]): number[] {
  const strides: number[] = [];
  let step = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    strides.unshift(step);
    step *= shape[axis]!;
  }
  return strides;
}
