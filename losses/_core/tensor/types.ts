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

/** Typed arrays that are accepted as tensors of one axis. */
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

/** Tensors of other libraries: their data, row by row, and their shape under one of its usual names. */
export type ForeignTensor =
  & { readonly data: AnyTypedArray | readonly number[] }
  & ({ readonly shape: readonly number[] } | { readonly dims: readonly number[] });
