/**
 * Tensors: a typed array with a shape, and whatever else a caller may hand over in its place.
 */

import { printTensor } from "./print.ts";

/** The element types of tensors. */
export type DType = "float32" | "float64" | "int32";

/** The typed arrays that tensors hold, row by row (the last axis varies fastest). */
export type TensorData = Float32Array | Float64Array | Int32Array;

/** A nested array of numbers, such as `[[1, 2], [3, 4]]`. */
export type NestedArray = readonly (number | NestedArray)[];

/** Typed arrays that are taken as tensors of one axis. */
export type AnyTypedArray =
  | TensorData
  | Int8Array
  | Uint8Array
  | Uint8ClampedArray
  | Int16Array
  | Uint16Array
  | Uint32Array
  | BigInt64Array
  | BigUint64Array;

/** Tensors of other libraries: their data, row by row, and their shape under either of its usual names. */
export type ForeignTensor =
  & { readonly data: AnyTypedArray | readonly number[] }
  & ({ readonly shape: readonly number[] } | { readonly dims: readonly number[] });

/** What every argument may be: a number, a nested array, a typed array, a tensor or an object with data and shape. */
export type TensorLike = number | NestedArray | AnyTypedArray | Tensor | ForeignTensor;

const ARRAYS = { float32: Float32Array, float64: Float64Array, int32: Int32Array } as const;

/**
 * Numbers in a typed array, row by row, with a shape.
 *
 * Made by {@linkcode float32}, {@linkcode float64} and {@linkcode int32}. Prints as PyTorch prints.
 *
 * ```ts
 * import { float32 } from "@lossbook/losses";
 * import { assertEquals } from "@std/assert";
 *
 * const x = float32([[0.5, -1], [2, 0]]);
 * assertEquals(x.shape, [2, 2]);
 * assertEquals(x.toArray(), [[0.5, -1], [2, 0]]);
 * assertEquals(`${x}`, "tensor([[ 0.5000, -1.0000],\n        [ 2.0000,  0.0000]])");
 * ```
 */
export class Tensor {
  /** The numbers, row by row. */
  readonly data: TensorData;
  /** The size of each axis; empty for a scalar. */
  readonly shape: readonly number[];
  /** The element type. */
  readonly dtype: DType;

  /**
   * Wraps a typed array, which is not copied.
   *
   * @param data The numbers, row by row.
   * @param shape The size of each axis.
   * @throws {TypeError} If `data` is not one of the three typed arrays, or `shape` no array of whole numbers.
   * @throws {RangeError} If the shape does not hold as many numbers as there are.
   */
  constructor(data: TensorData, shape: readonly number[]) {
    if (data instanceof Float32Array) this.dtype = "float32";
    else if (data instanceof Float64Array) this.dtype = "float64";
    else if (data instanceof Int32Array) this.dtype = "int32";
    else {
      throw new TypeError(
        `Cannot make a tensor as data must be a Float32Array, Float64Array or Int32Array: current value is ${
          describe(data)
        }`,
      );
    }
    if (!isShape(shape)) throw shapeError("make a tensor", shape);
    if (sizeOf(shape) !== data.length) {
      throw new RangeError(
        `Cannot make a tensor as its shape must hold as many numbers as there are: current shape (${
          shape.join(", ")
        }) holds ${sizeOf(shape)}, data has ${data.length}`,
      );
    }
    this.data = data;
    this.shape = shape;
  }

  /**
   * The number of a tensor that holds only one.
   *
   * @returns The number; of a float32 tensor, the nearest double.
   * @throws {RangeError} If the tensor holds more or fewer numbers than one.
   */
  item(): number {
    if (this.data.length !== 1) {
      throw new RangeError(
        `Cannot take the item as the tensor must hold one number: current shape is (${
          this.shape.join(", ")
        })`,
      );
    }
    return this.data[0];
  }

  /**
   * The numbers as nested arrays.
   *
   * @returns A number for a scalar, else arrays nested as deep as there are axes.
   */
  toArray(): number | NestedArray {
    let at = 0;
    const build = (axis: number): number | NestedArray =>
      axis === this.shape.length
        ? this.data[at++]
        : Array.from({ length: this.shape[axis] }, () => build(axis + 1));
    return build(0);
  }

  /**
   * The tensor as PyTorch prints it.
   *
   * @returns Text such as `tensor([[0.6444, 0.7981]])`.
   */
  toString(): string {
    return printTensor(this);
  }

  /** How a terminal shows the tensor (Deno). */
  [Symbol.for("Deno.customInspect")](): string {
    return this.toString();
  }

  /** How a terminal shows the tensor (Node, Bun). */
  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return this.toString();
  }

  /** How a notebook shows the tensor. */
  [Symbol.for("Jupyter.display")](): Record<string, string> {
    return { "text/plain": this.toString() };
  }
}

/** How many numbers a shape holds. */
export function sizeOf(shape: readonly number[]): number {
  let size = 1;
  for (const length of shape) size *= length;
  return size;
}

/** A value as an error message shows it. */
export function describe(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (typeof value === "string") return `"${value.length > 40 ? `${value.slice(0, 40)}…` : value}"`;
  if (typeof value === "function") return "a function";
  if (typeof value === "bigint") return `${value}n`;
  if (typeof value !== "object") return String(value);
  if (Array.isArray(value)) {
    return value.length <= 6
      ? `[${value.map(describe).join(", ")}]`
      : `an array of ${value.length}`;
  }
  return `an object of class ${value.constructor?.name ?? "Object"}`;
}

function isShape(shape: unknown): shape is number[] {
  if (!Array.isArray(shape)) return false;
  for (const length of shape) if (!Number.isInteger(length) || length < 0) return false;
  return true;
}

function shapeError(what: string, shape: unknown): TypeError {
  return new TypeError(
    `Cannot ${what} as its shape must be an array of whole numbers ≥ 0: current value is ${
      describe(shape)
    }`,
  );
}

/** A checked copy of a shape. */
function shapeOf(shape: unknown, name: string): number[] {
  if (!isShape(shape)) throw shapeError(`read ${name}`, shape);
  return [...shape];
}

/** What an argument turned out to be; `dtype` is undefined where it takes the type of the tensors beside it. */
export interface Raw {
  /** Set if the argument can be used as it is. */
  readonly tensor?: Tensor;
  readonly data: ArrayLike<number>;
  readonly shape: readonly number[];
  readonly dtype?: DType;
}

/**
 * Reads an argument of any allowed kind.
 *
 * @param value The argument.
 * @param name Its name, for error messages.
 * @returns Its numbers, shape and type.
 * @throws {TypeError} If it is none of the kinds of {@linkcode TensorLike}, or ragged.
 */
export function read(value: TensorLike, name: string): Raw {
  if (value instanceof Tensor) {
    return { tensor: value, data: value.data, shape: value.shape, dtype: value.dtype };
  }
  if (typeof value === "number") return { data: [value], shape: [] };
  if (Array.isArray(value)) return readNested(value, name);
  if (ArrayBuffer.isView(value) && !(value instanceof DataView)) {
    return readTyped(value as AnyTypedArray, [(value as AnyTypedArray).length], name);
  }
  if (typeof value === "object" && value !== null && "data" in value) {
    const { data } = value;
    const shape = shapeOf(
      "shape" in value ? value.shape : "dims" in value ? value.dims : undefined,
      name,
    );
    const raw = ArrayBuffer.isView(data)
      ? readTyped(data as AnyTypedArray, shape, name)
      : Array.isArray(data)
      ? { ...readNested(data, name), shape }
      : undefined;
    if (raw !== undefined) {
      if (raw.data.length !== sizeOf(shape)) {
        throw new RangeError(
          `Cannot read ${name} as its shape (${shape.join(", ")}) holds ${
            sizeOf(shape)
          } numbers: current data has ${raw.data.length}`,
        );
      }
      return raw;
    }
  }
  throw new TypeError(
    `Cannot read ${name} as it must be a number, an array, a typed array or a tensor: current value is ${
      describe(value)
    }`,
  );
}

function readTyped(data: AnyTypedArray, shape: readonly number[], name: string): Raw {
  if (data instanceof Float32Array || data instanceof Float64Array || data instanceof Int32Array) {
    const dtype = data instanceof Float32Array
      ? "float32"
      : data instanceof Float64Array
      ? "float64"
      : "int32";
    return { data, shape, dtype };
  }
  const numbers = Array.from(data as ArrayLike<number | bigint>, Number);
  // Half floats: not every runtime has them, so they are known by name.
  if (data.constructor.name === "Float16Array") {
    return { data: Float32Array.from(numbers), shape, dtype: "float32" };
  }
  return { data: toInt32(numbers, name), shape, dtype: "int32" };
}

function readNested(value: readonly unknown[], name: string): Raw {
  const shape: number[] = [];
  for (let inner: unknown = value; Array.isArray(inner); inner = inner[0]) shape.push(inner.length);
  const data: number[] = [];
  const visit = (part: unknown, axis: number, path: string): void => {
    if (axis === shape.length) {
      if (typeof part !== "number") {
        throw new TypeError(
          `Cannot read ${name} as ${name}${path} must be a number: current value is ${
            describe(part)
          }`,
        );
      }
      data.push(part);
      return;
    }
    if (!Array.isArray(part) || part.length !== shape[axis]) {
      throw new TypeError(
        `Cannot read ${name} as ${name}${path} must be an array of ${
          shape[axis]
        } like its siblings: current value is ${describe(part)}`,
      );
    }
    // By index, as forEach would skip the holes of a sparse array.
    for (let i = 0; i < part.length; i++) visit(part[i], axis + 1, `${path}[${i}]`);
  };
  visit(value, 0, "");
  return { data, shape };
}

function toInt32(data: ArrayLike<number>, name: string): Int32Array {
  const result = new Int32Array(data.length);
  for (let i = 0; i < data.length; i++) {
    result[i] = data[i];
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

/** What was read, as a tensor of the wanted type; numbers that have that type already are not copied. */
export function toTensor(raw: Raw, dtype: DType, name: string): Tensor {
  if (raw.dtype === dtype) return raw.tensor ?? new Tensor(raw.data as TensorData, raw.shape);
  if (dtype === "int32") return new Tensor(toInt32(raw.data, name), raw.shape);
  return new Tensor(new ARRAYS[dtype](raw.data), raw.shape);
}

function make(dtype: DType, value: TensorLike, shape?: readonly number[]): Tensor {
  const raw = read(value, dtype);
  const tensor = toTensor(raw, dtype, dtype);
  return shape === undefined ? tensor : new Tensor(tensor.data, shapeOf(shape, dtype));
}

/**
 * Makes a float32 tensor.
 *
 * @param value Numbers of any kind; a `Float32Array` is taken as it is, not copied.
 * @param shape The size of each axis; that of `value` by default.
 * @returns The tensor.
 * @throws {TypeError} If `value` is ragged or not made of numbers.
 * @throws {RangeError} If `shape` does not hold as many numbers as `value` has.
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
 * @param value Numbers of any kind; a `Float64Array` is taken as it is, not copied.
 * @param shape The size of each axis; that of `value` by default.
 * @returns The tensor.
 * @throws {TypeError} If `value` is ragged or not made of numbers.
 * @throws {RangeError} If `shape` does not hold as many numbers as `value` has.
 */
export function float64(value: TensorLike, shape?: readonly number[]): Tensor {
  return make("float64", value, shape);
}

/**
 * Makes an int32 tensor, for labels and lengths.
 *
 * @param value Whole numbers of any kind; an `Int32Array` is taken as it is, not copied.
 * @param shape The size of each axis; that of `value` by default.
 * @returns The tensor.
 * @throws {TypeError} If `value` is ragged or not made of numbers.
 * @throws {RangeError} If a number is not a whole number of 32 bits, or `shape` does not fit.
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

/** A new tensor of zeros. */
export function zeros(dtype: DType, shape: readonly number[]): Tensor {
  return new Tensor(new ARRAYS[dtype](sizeOf(shape)), shape);
}

/** Numbers that scalars are handed out from, one after the other. */
interface Pool {
  readonly numbers: Float32Array | Float64Array;
  used: number;
}
const POOL_SIZE = 256;
const pools: { [dtype in "float32" | "float64"]?: Pool } = {};

/**
 * A scalar. Its number lies in an array that it shares with other scalars: to make an array for each takes V8 longer than
 * a loss over 8 elements.
 */
export function scalar(dtype: "float32" | "float64", value: number): Tensor {
  let pool = pools[dtype];
  // An array whose buffer was given away has length 0.
  if (pool === undefined || pool.used >= pool.numbers.length) {
    pool = pools[dtype] = { numbers: new ARRAYS[dtype](POOL_SIZE), used: 0 };
  }
  const data = pool.numbers.subarray(pool.used, ++pool.used);
  data[0] = value;
  return new Tensor(data, []);
}
