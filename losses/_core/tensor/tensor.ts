/**
 * The tensor: a typed array with a shape.
 *
 * This folder holds what all others stand on: numbers, shapes, reading what a caller hands over, broadcasting, printing. It
 * knows neither formulas nor kernels nor losses.
 */

import { describe } from "./describe.ts";
import { printTensor } from "./print.ts";
import { isShape, show, sizeOf } from "./shape.ts";
import type {
  AnyTypedArray,
  ArrayOfRank,
  DType,
  FloatType,
  ForeignTensor,
  NestedArray,
  NestedRows,
  TensorData,
} from "./types.ts";

/**
 * What every argument may be: a number, a nested array, a typed array, a tensor or an object with data and shape. `true` and
 * `false` count as 1 and 0.
 */
export type TensorLike = number | boolean | NestedRows | AnyTypedArray | Tensor | ForeignTensor;

/** The typed array of each element type. */
export const ARRAYS = { float32: Float32Array, float64: Float64Array, int32: Int32Array } as const;

/** Whether a value is a tensor, and no proxy of one, whose properties could run foreign code. */
export let isTensor: (value: unknown) => value is Tensor;

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
  /** The number of a scalar, and its array once somebody has asked for it. */
  #number: number | undefined;
  #array: TensorData | undefined;

  /**
   * Wraps a typed array, which is not copied.
   *
   * @param data The numbers, row by row.
   * @param shape The size of each axis.
   * @throws {TypeError} If `data` is not one of the three typed arrays, or `shape` no array of whole numbers.
   * @throws {RangeError} If the shape does not hold as many numbers as there are.
   */
  constructor(data: TensorData, shape: readonly number[]) {
    if (data instanceof Scalar) {
      this.#number = data.value;
      this.dtype = data.dtype;
      this.shape = shape;
      defineGetter.call(this, "data", Tensor.#dataOnDemand);
      return;
    }
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
        `Cannot make a tensor as its shape must hold as many numbers as there are: current shape ${
          show(shape)
        } holds ${sizeOf(shape)}, data has ${data.length}`,
      );
    }
    this.data = data;
    this.shape = shape;
  }

  /** Tells a tensor from whatever else has its prototype, such as a proxy of one, whose properties may run foreign code. */
  static #isTensor(value: unknown): value is Tensor {
    return typeof value === "object" && value !== null && #number in value;
  }

  static {
    isTensor = Tensor.#isTensor;
  }

  /** The getter of a scalar's `data`: makes the array when it is first asked for. */
  static #dataOnDemand(this: Tensor): TensorData {
    if (this.#array === undefined) {
      this.#array = new ARRAYS[this.dtype](1);
      this.#array[0] = this.#number!;
    }
    return this.#array;
  }

  /**
   * The number of a tensor that holds only one.
   *
   * @returns The number; of a float32 tensor, the nearest double.
   * @throws {RangeError} If the tensor holds more or fewer numbers than one.
   */
  item(): number {
    if (this.#number !== undefined && this.#array === undefined) return this.#number;
    if (this.data.length !== 1) {
      throw new RangeError(
        `Cannot take the item as the tensor must hold one number: current shape is ${
          show(this.shape)
        }`,
      );
    }
    return this.data[0];
  }

  /**
   * The numbers as nested arrays.
   *
   * @returns A number for a scalar, else arrays nested as deep as there are axes.
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

/** The error for what is no shape. */
export function shapeError(what: string, shape: unknown): TypeError {
  return new TypeError(
    `Cannot ${what} as its shape must be an array of whole numbers ≥ 0: current value is ${
      describe(shape)
    }`,
  );
}

/** A new tensor of zeros. */
export function zeros(dtype: DType, shape: readonly number[]): Tensor {
  return new Tensor(new ARRAYS[dtype](sizeOf(shape)), shape);
}

/** Gives an object an enumerable getter: Object.defineProperty does the same, but takes V8 five times as long. */
const defineGetter: (this: object, name: string, get: () => unknown) => void =
  (Object.prototype as unknown as { __defineGetter__: typeof defineGetter }).__defineGetter__;

/** Stands for the array of a scalar until somebody asks for it. */
class Scalar {
  constructor(readonly dtype: FloatType, readonly value: number) {}
}

/** The shape of every scalar. */
export const SCALAR_SHAPE: readonly number[] = Object.freeze([]);

/**
 * A scalar. Its array is made when it is first asked for: V8 needs longer for a typed array than for a loss over eight
 * elements, and many values are never read but by `item()`.
 */
export function scalar(dtype: FloatType, value: number): Tensor {
  const number = dtype === "float32" ? Math.fround(value) : value;
  return new Tensor(new Scalar(dtype, number) as unknown as TensorData, SCALAR_SHAPE);
}
