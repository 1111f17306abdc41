/**
 * Broadcasting: which shapes are compatible, and how a smaller tensor is repeated to a larger shape.
 *
 * Shapes are compatible if they are equal, if they have the same number of axes and differ only where one of them has
 * length 1, or if one of them is a scalar. NumPy and PyTorch also allow different numbers of axes: they repeat (N, 1)
 * against (N) to (N, N) without a warning, a common mistake in training.
 */

import { denseStrides, sameShape, show, sizeOf } from "./shape.ts";
import type { Tensor } from "./tensor.ts";
import type { FloatArray } from "./types.ts";

/**
 * The common shape of several tensors.
 *
 * @param loss The class, for error messages.
 * @param names The names of the tensors, in the same order.
 * @param tensors The tensors.
 * @returns The shape that all of them are repeated to.
 * @throws {RangeError} If they are not compatible.
 */
export function commonShape(
  loss: string,
  names: readonly string[],
  tensors: readonly Tensor[],
): readonly number[] {
  let common: readonly number[] = tensors[0]!.shape;
  for (const [i, { shape }] of tensors.entries()) {
    if (sameShape(shape, common) || shape.length === 0) continue;
    if (common.length === 0) {
      common = shape;
      continue;
    }
    if (!fit(shape, common)) {
      // `common` need not be the shape of any tensor: find the first tensor that this one is not compatible with.
      const other = tensors.findIndex((tensor) => !fit(shape, tensor.shape));
      throw new RangeError(mismatch(loss, names[other]!, tensors[other]!.shape, names[i]!, shape));
    }
    // An axis of length 1 is repeated to the length of the other, which may be 0.
    common = common.map((length, axis) => length === 1 ? shape[axis]! : length);
  }
  return common;
}

/** True if two shapes are compatible. */
function fit(a: readonly number[], b: readonly number[]): boolean {
  if (a.length === 0 || b.length === 0) return true;
  return a.length === b.length &&
    a.every((length, axis) => length === b[axis] || length === 1 || b[axis] === 1);
}

function mismatch(
  loss: string,
  a: string,
  shapeA: readonly number[],
  b: string,
  shapeB: readonly number[],
): string {
  const same = sizeOf(shapeA) === sizeOf(shapeB);
  const fix = same
    ? `give both the same shape, such as ${show(shapeA)}`
    : shapeA.length === shapeB.length
    ? "axes must be equal or 1"
    : "give both the same number of axes, with 1 where one is to be repeated";
  return `Cannot compute ${loss} as the shapes of ${a} and ${b} do not go together: current shapes are ${
    show(shapeA)
  } and ${show(shapeB)}; ${fix}`;
}

/**
 * Refuses tensors with different numbers of axes.
 *
 * @param loss The class, for error messages.
 * @param tensors The tensors.
 * @throws {RangeError} If they have different numbers of axes.
 */
export function checkRanks(loss: string, tensors: readonly Tensor[]): void {
  if (tensors.every(({ shape }) => shape.length === tensors[0]!.shape.length)) return;
  throw new RangeError(
    `Cannot compute ${loss} as all arguments must have the same number of axes: current shapes are ${
      tensors.map(({ shape }) => show(shape)).join(" and ")
    }`,
  );
}

/**
 * Refuses an option that cannot be repeated to a shape along leading axes and axes of length 1.
 *
 * @param loss The class, for error messages.
 * @param name The option.
 * @param own The shape of the option.
 * @param what The name of what has the larger shape, in words.
 * @param shape The larger shape.
 * @throws {RangeError} If the option cannot be repeated to it.
 */
export function checkRepeatable(
  loss: string,
  name: string,
  own: readonly number[],
  what: string,
  shape: readonly number[],
): void {
  const extra = shape.length - own.length;
  const fits = extra >= 0 &&
    own.every((length, axis) => length === 1 || length === shape[extra + axis]);
  if (fits) return;
  throw new RangeError(
    `Cannot compute ${loss} as ${name} must be repeatable along the shape of ${what}, ${
      show(shape)
    }: current shape is ${show(own)}`,
  );
}

/**
 * The strides with which a tensor is repeated to a shape; trailing axes correspond.
 *
 * @param own The tensor's shape.
 * @param shape The shape that it is repeated to.
 * @returns For each axis of `shape` the step through the tensor's numbers; undefined if both shapes are the same.
 */
export function stridesAlong(
  own: readonly number[],
  shape: readonly number[],
): readonly number[] | undefined {
  if (sameShape(own, shape)) return undefined;
  const strides: number[] = new Array(shape.length).fill(0);
  denseStrides(own).forEach((step, axis) => {
    if (own[axis] !== 1) strides[axis + shape.length - own.length] = step;
  });
  return strides;
}

/** Calls `visit(index in the tensor, index in the range)` for each element of the range `[start, end)` of `shape`. */
export function walk(
  strides: readonly number[],
  shape: readonly number[],
  start: number,
  end: number,
  visit: (from: number, to: number) => void,
): void {
  const index: number[] = new Array(shape.length).fill(0);
  let from = 0;
  for (let axis = shape.length - 1, rest = start; axis >= 0; axis--) {
    index[axis] = rest % shape[axis]!;
    rest = Math.floor(rest / shape[axis]!);
    from += index[axis]! * strides[axis]!;
  }
  for (let to = 0; to < end - start; to++) {
    visit(from, to);
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      from += strides[axis]!;
      if (++index[axis]! < shape[axis]!) break;
      index[axis] = 0;
      from -= shape[axis]! * strides[axis]!;
    }
  }
}

/** Copies elements `[start, end)` of the larger shape from the numbers of a smaller tensor. */
export function gather(
  data: FloatArray,
  strides: readonly number[],
  shape: readonly number[],
  start: number,
  end: number,
  target: FloatArray,
): void {
  walk(strides, shape, start, end, (from, to) => target[to] = data[from]!);
}

/** The reverse: adds elements `[start, end)` of the larger shape to the sums for the numbers of a smaller tensor. */
export function scatterAdd(
  strides: readonly number[],
  shape: readonly number[],
  start: number,
  end: number,
  source: FloatArray,
  sums: Float64Array,
): void {
  walk(strides, shape, start, end, (from, to) => sums[from]! += source[to]!);
}
