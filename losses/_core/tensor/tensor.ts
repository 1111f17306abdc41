/**
 * The tensor: a typed array with a shape.
 *
 * This folder is the base of all others: tensors and their types, shapes, reading arguments, broadcasting, printing. It
 * knows neither formulas nor kernels nor losses.
 */

import { describe } from "./describe.ts";
import { showAs } from "./inspect.ts";
import { printTensor } from "./print.ts";
import { checkMemory, copyShape, isIntact, MOST_AXES, show, sizeOf } from "./shape.ts";
import type {
  AnyTypedArray,
  ArrayOfRank,
  DType,
  FloatArray,
  FloatType,
  ForeignTensor,
  NestedArray,
  NestedRows,
  TensorData,
} from "./types.ts";

/**
 * Everything that is accepted as a tensor: a number, a nested array, a typed array, a tensor, or an object with data and
 * shape. `true` and `false` count as 1 and 0. There may be up to 64 axes.
 */
export type TensorLike = number | boolean | NestedRows | AnyTypedArray | Tensor | ForeignTensor;

/** The typed array of each element type. */
export const ARRAYS: {
  readonly float32: typeof Float32Array;
  readonly float64: typeof Float64Array;
  readonly int32: typeof Int32Array;
} = { float32: Float32Array, float64: Float64Array, int32: Int32Array };

/** The element type of tensors with such numbers, if there are any. */
export function dtypeOf(data: unknown): DType | undefined {
  if (data instanceof Float32Array) return "float32";
  if (data instanceof Float64Array) return "float64";
  return data instanceof Int32Array ? "int32" : undefined;
}

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
  declare readonly data: TensorData;
  /** The size of each axis; empty for a scalar. */
  readonly shape: readonly number[];
  /** The element type. */
  readonly dtype: DType;
  /** The number of a scalar, and its array once `data` has been read. */
  #number: number | undefined;
  #array: TensorData | undefined;

  /**
   * Wraps a typed array, which is not copied.
   *
   * @param data The numbers, row by row.
   * @param shape The size of each axis, which is copied.
   * @throws {TypeError} If `data` is not one of the three typed arrays, or `shape` not an array of whole numbers.
   * @throws {RangeError} If `data` has more or fewer numbers than `shape` holds.
   */
  constructor(data: TensorData, shape: readonly number[]) {
    if (!isShown) isShown = showAs(Tensor.prototype);
    if (data instanceof Checked) {
      // Properties in the same order as below: V8 is slower with objects of different layouts.
      this.dtype = data.dtype;
      if (data.array !== undefined) this.data = data.array;
      else {
        this.#number = 0;
        defineGetter(this, "data", Tensor.#dataOnDemand);
      }
      this.shape = shape;
      return;
    }
    const dtype = dtypeOf(data);
    if (dtype === undefined) {
      throw new TypeError(
        `Cannot make a tensor as data must be a Float32Array, Float64Array or Int32Array: current value is ${
          describe(data)
        }`,
      );
    }
    const own = copyShape(shape);
    if (own === undefined) throw shapeError("make a tensor", shape);
    if (sizeOf(own) !== data.length) {
      throw new RangeError(
        `Cannot make a tensor as its shape must hold as many numbers as there are: current shape ${
          show(own)
        } holds ${sizeOf(own)}, data has ${data.length}`,
      );
    }
    this.dtype = dtype;
    this.data = data;
    this.shape = own;
  }

  /** @ignore */
  static isTensor(value: unknown): value is Tensor {
    return typeof value === "object" && value !== null && #number in value;
  }

  /** @ignore */
  static scalar(dtype: FloatType, number: number): Tensor {
    // The getter takes V8 longer to define than a small loss to compute; many in a row, a third as long.
    if (stock.length === 0) {
      const blank = new Checked("float64", undefined) as unknown as TensorData;
      for (let i = 0; i < more; i++) stock.push(new Tensor(blank, SCALAR_SHAPE));
      more = Math.min(2 * more, 64);
    }
    const tensor = stock.pop()!;
    (tensor as { dtype: DType }).dtype = dtype;
    tensor.#number = number;
    return tensor;
  }

  /** The getter of a scalar's `data`: makes the array when it is first read. */
  static #dataOnDemand(this: Tensor): TensorData {
    if (this.#array === undefined) {
      this.#array = new ARRAYS[this.dtype](1);
      this.#array[0] = this.#number!;
    }
    return this.#array;
  }

  /**
   * The number of a tensor that holds a single number.
   *
   * @returns The number; that of a float32 tensor is converted to a double without rounding.
   * @throws {RangeError} If the tensor holds more or fewer numbers than one, or its memory was detached or resized.
   */
  item(): number {
    if (this.#number !== undefined && this.#array === undefined) return this.#number;
    checkMemory(this, "the tensor");
    if (this.data.length !== 1) {
      throw new RangeError(
        `Cannot take the item as the tensor must hold one number: current shape is ${
          show(this.shape)
        }`,
      );
    }
    return this.data[0]!;
  }

  /**
   * The numbers as nested arrays.
   *
   * @returns A number for a scalar, otherwise arrays nested as deep as there are axes.
   * @throws {RangeError} If the memory of the tensor was detached or resized.
   */
  toArray(): number | NestedArray;
  /**
   * The numbers as nested arrays of a known depth, which the type of the result follows.
   *
   * @param rank The number of axes that the tensor must have, 0 to 4.
   * @returns A number for 0 axes, a list of numbers for 1, a list of rows for 2.
   * @throws {RangeError} If the tensor has another number of axes.
   */
  toArray<R extends keyof ArrayOfRank>(rank: R): ArrayOfRank[R];
  toArray(rank: number = this.shape.length): number | NestedArray {
    if (rank !== this.shape.length) {
      throw new RangeError(
        `Cannot make an array of the tensor as it must have ${rank} axes: current shape is ${
          show(this.shape)
        }`,
      );
    }
    checkMemory(this, "the tensor");
    let at = 0;
    const build = (axis: number): number | NestedArray =>
      axis === this.shape.length
        ? this.data[at++]!
        : Array.from({ length: this.shape[axis]! }, () => build(axis + 1));
    return build(0);
  }

  /**
   * The tensor in PyTorch's format.
   *
   * @returns Text such as `tensor([[0.6444, 0.7981]])`.
   */
  toString(): string {
    return isIntact(this)
      ? printTensor(this)
      : `tensor(memory detached, resized or freed, size=(${this.shape.join(", ")}))`;
  }
}

/** True once there has been a tensor. */
let isShown = false;

/** The error for a value that is not a shape. */
export function shapeError(what: string, shape: unknown): TypeError {
  const isLong = Array.isArray(shape) && shape.length > MOST_AXES;
  const wanted = isLong ? `an array of at most ${MOST_AXES}` : "an array of";
  return new TypeError(
    `Cannot ${what} as its shape must be ${wanted} whole numbers ≥ 0: current value is ${
      describe(shape)
    }`,
  );
}

/** A tensor of floats. */
export type FloatTensor = Tensor & { readonly dtype: FloatType; readonly data: FloatArray };

/** A new tensor of zeros; the shape is not copied. */
export function zeros(dtype: FloatType, shape: readonly number[]): FloatTensor;
export function zeros(dtype: DType, shape: readonly number[]): Tensor;
export function zeros(dtype: DType, shape: readonly number[]): Tensor {
  return tensorOf(dtype, new ARRAYS[dtype](sizeOf(shape)), shape);
}

/** A tensor of numbers and a shape that are known to fit; neither is copied. */
export function tensorOf(dtype: DType, data: TensorData, shape: readonly number[]): Tensor {
  return new Tensor(new Checked(dtype, data) as unknown as TensorData, shape);
}

/** True for a tensor, and false for a proxy of one, as reading its properties could run code of the caller. */
export function isTensor(value: unknown): value is Tensor {
  return Tensor.isTensor(value);
}

/** Defines an enumerable getter: in V8 five times as fast as Object.defineProperty. */
function defineGetter(object: object, name: string, get: () => unknown): void {
  const { __defineGetter__ } = Object.prototype as unknown as {
    __defineGetter__(this: object, name: string, get: () => unknown): void;
  };
  __defineGetter__.call(object, name, get);
}

/** What the constructor of a tensor need not check: an array, or none for a scalar whose array is not made yet. */
class Checked {
  constructor(readonly dtype: DType, readonly array: TensorData | undefined) {}
}

/** Scalars that are not handed out yet, and how many are made next time: first few, as the first call is to be quick. */
const stock: Tensor[] = [];
let more = 1;

/** The shape of every scalar. */
export const SCALAR_SHAPE: readonly number[] = /* @__PURE__ */ Object.freeze([]);

/**
 * A scalar. Its array is made when `data` is first read: V8 takes longer to make a typed array than to compute a loss over
 * eight elements, and many scalars are only read by `item()`.
 */
export function scalar(dtype: FloatType, value: number): Tensor {
  return Tensor.scalar(dtype, dtype === "float32" ? Math.fround(value) : value);
}
