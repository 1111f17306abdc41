/**
 * Reads everything that is accepted as a tensor: numbers, nested arrays, typed arrays, tensors of other libraries.
 */

import { arena } from "./arena.ts";
import { classOf, describe } from "./describe.ts";
import { lineFor } from "./foreign.ts";
import {
  checkMemory,
  copyShape,
  isDetached,
  isIntact,
  MOST_AXES,
  MOST_NUMBERS,
  show,
  sizeOf,
} from "./shape.ts";
import { rowByRow } from "./strides.ts";
import {
  ARRAYS,
  dtypeOf,
  isTensor,
  shapeError,
  Tensor,
  type TensorLike,
  tensorOf,
} from "./tensor.ts";
import type { AnyTypedArray, DType, Shaped, TensorData } from "./types.ts";

/** A checked copy of a shape. */
function shapeOf(given: unknown, name: string): number[] {
  const shape = isTypedArray(given) ? Array.from(given as ArrayLike<number>) : given;
  const copy = copyShape(shape);
  if (copy === undefined) throw shapeError(`read ${name}`, shape);
  return copy;
}

/** An argument, read. `dtype` is undefined for plain numbers, which take the type of the tensors beside them. */
export interface Raw extends Shaped {
  /** The argument itself, if it is a tensor. */
  readonly tensor?: Tensor;
  readonly dtype?: DType;
}

/**
 * Reads an argument of any allowed kind.
 *
 * @param value The argument.
 * @param name Its name, for error messages.
 * @returns Its numbers, shape and type.
 * @throws {TypeError} If it is not a {@linkcode TensorLike}, ragged, or an array on detached memory.
 * @throws {RangeError} If it has more or fewer numbers than its shape holds.
 */
export function read(value: TensorLike, name: string): Raw {
  if (isTensor(value)) {
    checkMemory(value, name);
    return { tensor: value, data: value.data, shape: value.shape, dtype: value.dtype };
  }
  if (typeof value === "number" || typeof value === "boolean") {
    return { data: [Number(value)], shape: [] };
  }
  if (Array.isArray(value)) return readNested(value, name);
  if (isTypedArray(value)) return readTyped(value, [value.length], name);
  if (typeof value === "object" && value !== null && "data" in value) {
    const { data } = value;
    const given = "shape" in value ? value.shape : "dims" in value ? value.dims : undefined;
    const hasShape = given !== undefined || lineFor(value, name) === undefined;
    if (hasShape && isArray(data)) {
      const shape = shapeOf(given, name);
      if (data instanceof Uint16Array && "type" in value && value.type === "float16") {
        throw new TypeError(
          `Cannot read ${name} as its type must not be float16 where this runtime has no Float16Array: its data are bits, let the model return float32`,
        );
      }
      const numbers = rowByRow(value, data, shape, name);
      const raw = isTypedArray(numbers)
        ? readTyped(numbers, shape, name)
        : { ...readNested(numbers, name), shape };
      if (!isIntact(raw)) {
        throw new RangeError(
          `Cannot read ${name} as its shape ${show(shape)} holds ${
            sizeOf(shape)
          } numbers: current data has ${raw.data.length}`,
        );
      }
      return raw;
    }
  }
  const instead = lineFor(value, name);
  throw new TypeError(
    `Cannot read ${name} as it must be a number, an array, a typed array or a tensor: current value is ${
      describe(value)
    }${instead === undefined ? "" : `; write ${instead}`}`,
  );
}

function isTypedArray(value: unknown): value is AnyTypedArray {
  return ArrayBuffer.isView(value) && !(value instanceof DataView);
}

function readTyped(data: AnyTypedArray, shape: readonly number[], name: string): Raw {
  if (data.length === 0 && isDetached(data)) {
    throw new TypeError(
      `Cannot read ${name} as its memory must not be detached: current value is a detached ${
        classOf(data)
      }`,
    );
  }
  // It may be converted, and is then not among what a call reads.
  arena?.checkLive(name, { data: data as TensorData, shape });
  const dtype = dtypeOf(data);
  if (dtype !== undefined) return { data: data as TensorData, shape, dtype };
  const numbers = Array.from(data as ArrayLike<number | bigint>, Number);
  if (isHalf(data)) return { data: Float32Array.from(numbers), shape, dtype: "float32" };
  return { data: toInt32(numbers, name), shape, dtype: "int32" };
}

/** True for half floats: not every runtime has Float16Array, so it is recognised by name. */
function isHalf(data: AnyTypedArray): boolean {
  return classOf(data) === "Float16Array";
}

function readNested(value: readonly unknown[], name: string): Raw {
  const shape: number[] = [];
  for (let inner: unknown = value; isArray(inner); inner = inner[0]) {
    if (shape.length === MOST_AXES) {
      throw new TypeError(
        `Cannot read ${name} as it must have at most ${MOST_AXES} axes: its arrays are nested more deeply, or contain themselves`,
      );
    }
    shape.push(inner.length);
  }
  if (sizeOf(shape) > MOST_NUMBERS) {
    throw new RangeError(
      `Cannot read ${name} as an array must hold at most ${MOST_NUMBERS} numbers: current shape is ${
        show(shape)
      }`,
    );
  }
  const data: number[] = [];
  /** The widest type of rows that are typed arrays. */
  let dtype: DType | undefined;
  /** The indices of the part that is being read. */
  const path: number[] = [];
  const place = () => `${name}${path.map((i) => `[${i}]`).join("")}`;
  const visit = (part: unknown, axis: number): void => {
    const length = shape[axis];
    if (length === undefined) {
      if (typeof part !== "number" && typeof part !== "boolean") {
        throw new TypeError(
          `Cannot read ${name} as ${place()} must be a number: current value is ${describe(part)}`,
        );
      }
      data.push(Number(part));
      return;
    }
    if (!isArray(part) || part.length !== length) {
      throw new TypeError(
        `Cannot read ${name} as ${place()} must be an array of ${length} like its siblings: current value is ${
          describe(part)
        }`,
      );
    }
    if (isTypedArray(part) && axis === shape.length - 1) {
      const row = readTyped(part, [part.length], place());
      if (dtype !== "float64" && row.dtype !== "int32") dtype = row.dtype;
      else dtype ??= row.dtype;
      for (let i = 0; i < row.data.length; i++) data.push(row.data[i]!);
      return;
    }
    // Not forEach, which skips the holes of a sparse array.
    for (let i = 0; i < length; i++) {
      path[axis] = i;
      visit(part[i], axis + 1);
    }
    path.length = axis;
  };
  visit(value, 0);
  if (dtype === undefined) return { data, shape };
  return {
    data: dtype === "int32" ? toInt32(data, name) : new ARRAYS[dtype](data),
    shape,
    dtype,
  };
}

function isArray(part: unknown): part is AnyTypedArray | readonly unknown[] {
  return Array.isArray(part) || isTypedArray(part);
}

function toInt32(data: ArrayLike<number>, name: string): Int32Array {
  const result = new Int32Array(data.length);
  for (let i = 0; i < data.length; i++) {
    result[i] = data[i]!;
    if (result[i] !== data[i]) {
      throw new RangeError(
        `Cannot make ${name} an int32 tensor as element ${i} must be a whole number between -2^31 and 2^31 - 1: current value is ${
          data[i]
        }`,
      );
    }
  }
  return result;
}

/** Converts an argument that was read to a tensor of the given type; numbers of that type are not copied. */
export function toTensor(raw: Raw, dtype: DType, name: string): Tensor {
  const { data, shape, tensor } = raw;
  if (raw.dtype === dtype) return tensor ?? tensorOf(dtype, data as TensorData, shape);
  return tensorOf(dtype, dtype === "int32" ? toInt32(data, name) : new ARRAYS[dtype](data), shape);
}

function make(dtype: DType, value: TensorLike, shape?: readonly number[]): Tensor {
  const raw = read(value, dtype);
  const tensor = toTensor(raw, dtype, dtype);
  return shape === undefined ? tensor : new Tensor(tensor.data, shapeOf(shape, dtype));
}

/**
 * Makes a float32 tensor.
 *
 * @param value Numbers of any kind; a `Float32Array` is not copied.
 * @param shape The size of each axis; that of `value` by default.
 * @returns The tensor.
 * @throws {TypeError} If `value` is ragged or contains anything but numbers.
 * @throws {RangeError} If `value` has more or fewer numbers than `shape` holds.
 *
 * ```ts
 * import { float32 } from "@lossbook/losses";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(float32(new Float32Array(6), [2, 3]).shape, [2, 3]);
 * assertEquals(float32(0.5).item(), 0.5);
 * ```
 */
export function float32(value: TensorLike, shape?: readonly number[]): Tensor {
  return make("float32", value, shape);
}

/**
 * Makes a float64 tensor.
 *
 * @param value Numbers of any kind; a `Float64Array` is not copied.
 * @param shape The size of each axis; that of `value` by default.
 * @returns The tensor.
 * @throws {TypeError} If `value` is ragged or contains anything but numbers.
 * @throws {RangeError} If `value` has more or fewer numbers than `shape` holds.
 */
export function float64(value: TensorLike, shape?: readonly number[]): Tensor {
  return make("float64", value, shape);
}

/**
 * Makes an int32 tensor, for labels and lengths.
 *
 * @param value Whole numbers of any kind; an `Int32Array` is not copied.
 * @param shape The size of each axis; that of `value` by default.
 * @returns The tensor.
 * @throws {TypeError} If `value` is ragged or contains anything but numbers.
 * @throws {RangeError} If a number is not a whole number of 32 bits, or `value` has more or fewer numbers than `shape` holds.
 *
 * ```ts
 * import { int32 } from "@lossbook/losses";
 * import { assertEquals, assertThrows } from "@std/assert";
 *
 * assertEquals(int32([1, 0, 2]).dtype, "int32");
 * assertThrows(() => int32([1.5]), RangeError, "element 0 must be a whole number");
 * ```
 */
export function int32(value: TensorLike, shape?: readonly number[]): Tensor {
  return make("int32", value, shape);
}
