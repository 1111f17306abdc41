/**
 * The types of numbers and of the arrays that hold them, used by all other folders. Types only: no code.
 */

/** The element types of tensors. */
export type DType = FloatType | "int32";

/** The element types that losses compute in. */
export type FloatType = "float32" | "float64";

/** The typed arrays that hold floats. */
export type FloatArray = Float32Array | Float64Array;

/** The typed arrays that tensors hold, row by row (the last axis varies fastest). */
export type TensorData = FloatArray | Int32Array;

/** Numbers, row by row, with their shape. */
export interface Shaped {
  readonly data: ArrayLike<number>;
  readonly shape: readonly number[];
}

/** A nested array of numbers, such as `[[1, 2], [3, 4]]`. */
export type NestedArray = readonly (number | NestedArray)[];

/** What `toArray` makes of a tensor, by its number of axes. */
export interface ArrayOfRank {
  /** A scalar. */
  0: number;
  /** A list of numbers. */
  1: number[];
  /** A list of rows. */
  2: number[][];
  /** A list of matrices. */
  3: number[][][];
  /** A list of lists of matrices. */
  4: number[][][][];
}

/** Rows of numbers as callers have them: nested arrays, in which rows may be typed arrays, and targets booleans. */
export type NestedRows = readonly (number | boolean | AnyTypedArray | NestedRows)[];

/** A `Float16Array`, which TypeScript's own types have known since 5.8 only. */
export interface HalfFloats extends ArrayLike<number> {
  /** The size of an element. */
  readonly BYTES_PER_ELEMENT: number;
  /** What tells it from other arrays. */
  readonly [Symbol.toStringTag]: "Float16Array";
}

/** Typed arrays that are accepted as tensors of one axis. */
export type AnyTypedArray =
  | TensorData
  | HalfFloats
  | Int8Array
  | Uint8Array
  | Uint8ClampedArray
  | Int16Array
  | Uint16Array
  | Uint32Array
  | BigInt64Array
  | BigUint64Array;

/** How the data of a tensor lie, in units of one element; row by row without a word of it. */
export interface Layout {
  /** The step along each axis, as scijs calls it. */
  readonly stride?: ArrayLike<number>;
  /** The step along each axis. */
  readonly strides?: ArrayLike<number>;
  /** Where the first element lies. */
  readonly offset?: number;
  /** `"row-major"`, `"C"`, `"column-major"` or `"F"`; strides say it as well, and count more. */
  readonly order?: string | ArrayLike<number>;
  /** Whether the order is column-major, as npyjs says it. */
  readonly fortranOrder?: boolean;
}

/** Tensors of other libraries: their data, their shape under either of its usual names, and how the data lie. */
export type ForeignTensor =
  & { readonly data: ArrayLike<number | bigint | boolean> }
  & ({ readonly shape: ArrayLike<number> } | { readonly dims: ArrayLike<number> })
  & Layout;
