/**
 * Numbers that do not lie row by row: tensors of other libraries with strides, an offset or an order of their own.
 */

import { walk } from "./broadcast.ts";
import { describe } from "./describe.ts";
import { denseStrides, sameShape, show, sizeOf } from "./shape.ts";
import type { AnyTypedArray, Layout } from "./types.ts";

/** Where the elements of a tensor lie in its data: element (i, j, …) at offset + i · strides[0] + j · strides[1] + … */
interface Places {
  readonly strides: readonly number[];
  readonly offset: number;
}

/**
 * Copies the numbers of a foreign tensor row by row, if they do not lie so.
 *
 * @param tensor The foreign tensor, with `stride` or `strides`, `offset`, `order` or `fortranOrder` if it has any.
 * @param data Its numbers.
 * @param shape Its shape.
 * @param name The argument, for error messages.
 * @returns The numbers row by row; `data` itself if it says nothing of how its numbers lie.
 * @throws {TypeError} If what it says of how its numbers lie cannot be understood.
 * @throws {RangeError} If an element would lie outside of the data.
 */
export function rowByRow<D extends AnyTypedArray | readonly unknown[]>(
  tensor: Layout,
  data: D,
  shape: readonly number[],
  name: string,
): D {
  const places = placesOf(tensor, shape, name);
  if (places === undefined) return data;
  const { strides, offset } = places;
  const { length } = data;
  const size = sizeOf(shape);
  if (offset === 0 && size === length && sameShape(strides, denseStrides(shape))) return data;
  let first = offset;
  let last = offset;
  strides.forEach((stride, axis) => {
    const reach = stride * (shape[axis]! - 1);
    if (reach < 0) first += reach;
    else last += reach;
  });
  if (size > 0 && (first < 0 || last >= length)) {
    throw new RangeError(
      `Cannot read ${name} as its elements must lie in its data, from 0 to ${length - 1}: shape ${
        show(shape)
      }, strides ${describe(strides)} and offset ${offset} reach from ${first} to ${last}`,
    );
  }
  // The constructor of the prototype, as data may have a property of its own with this name.
  const Rows = Array.isArray(data) ? Array : Object.getPrototypeOf(data).constructor;
  const rows: unknown[] = new Rows(size);
  walk(strides, shape, 0, size, (from, to) => rows[to] = data[offset + from]);
  return rows as unknown as D;
}

/** How the numbers of a foreign tensor lie, or undefined if it says nothing of that. */
function placesOf(
  { stride, strides = stride, offset, order, fortranOrder }: {
    readonly [of in keyof Layout]: unknown;
  },
  shape: readonly number[],
  name: string,
): Places | undefined {
  if (offset !== undefined && !(Number.isInteger(offset) && offset as number >= 0)) {
    throw refusal(name, "offset", "a whole number ≥ 0", offset);
  }
  if (strides !== undefined) {
    const list = ArrayBuffer.isView(strides) ? Array.from(strides as Int32Array) : strides;
    const isValid = Array.isArray(list) && list.every(Number.isInteger) &&
      // stdlib gives a scalar one stride.
      (list.length === shape.length || shape.length === 0);
    if (!isValid) throw refusal(name, "strides", "an array of one whole number per axis", strides);
    return { strides: list.slice(0, shape.length), offset: offset as number ?? 0 };
  }
  const word = order ?? (fortranOrder === true ? "F" : undefined);
  if (word === undefined && offset === undefined) return undefined;
  const isRowMajor = word === undefined || word === "row-major" || word === "C";
  if (!isRowMajor && word !== "column-major" && word !== "F") {
    throw refusal(name, "order", '"row-major", "column-major", "C" or "F"', word);
  }
  const dense = isRowMajor ? denseStrides(shape) : denseStrides(shape.toReversed()).reverse();
  return { strides: dense, offset: offset as number ?? 0 };
}

function refusal(name: string, property: string, wanted: string, value: unknown): TypeError {
  return new TypeError(
    `Cannot read ${name} as its ${property} must be ${wanted}: current value is ${describe(value)}`,
  );
}
