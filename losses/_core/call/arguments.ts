/**
 * Turns the arguments of a call into tensors of one float type.
 */

import type { DType, FloatType } from "../tensor/types.ts";
import { describe } from "../tensor/describe.ts";
import { type Raw, read, toTensor } from "../tensor/read.ts";
import type { Tensor, TensorLike } from "../tensor/tensor.ts";

/** What a loss says about one of its arguments. */
export interface Argument {
  /** Its name in PyTorch, in camelCase. */
  readonly name: string;
  /** Whether whole-number tensors are taken too; they then follow the type of the others. */
  readonly integers?: boolean | "unless averaged";
}

/**
 * The type that a computation with these arguments has: float64 if one of them is float64 or none has a type
 * of its own (numbers, plain arrays, integers), else float32.
 */
export function promote(raws: readonly { readonly dtype?: DType }[]): FloatType {
  let result: FloatType | undefined;
  for (const { dtype } of raws) {
    if (dtype === "float64") return "float64";
    if (dtype === "float32") result = "float32";
  }
  return result ?? "float64";
}

/**
 * Reads one argument, whatever its type.
 *
 * @param loss The class, for error messages.
 * @param name The argument, for error messages.
 * @param value The argument.
 * @returns Its numbers, shape and type.
 * @throws {TypeError} If it is missing, or of no allowed kind.
 */
export function readArgument(loss: string, name: string, value: TensorLike): Raw {
  if (value === undefined) {
    throw new TypeError(`Cannot compute ${loss} as the argument ${name} is missing`);
  }
  return read(value, name);
}

/**
 * Reads arguments as tensors of their common float type.
 *
 * @param loss The class, for error messages.
 * @param specs What the loss says about its arguments.
 * @param values The arguments, in the same order.
 * @param averaged Whether the loss is to be averaged, which the mean of whole numbers cannot be.
 * @param sameTypes Whether tensors of different types are refused rather than converted.
 * @returns The tensors and their type.
 * @throws {TypeError} If an argument is missing, is of no allowed kind, or has whole numbers where floats are wanted.
 */
export function readArguments(
  loss: string,
  specs: readonly Argument[],
  values: readonly TensorLike[],
  averaged = false,
  sameTypes = false,
): { tensors: Tensor[]; dtype: FloatType } {
  const raws: Raw[] = [];
  for (let i = 0; i < specs.length; i++) {
    const { name, integers = false } = specs[i];
    const raw = readArgument(loss, name, values[i]);
    if (raw.dtype === "int32" && (!integers || (integers !== true && averaged))) {
      throw wrongType(loss, name, "float32 or float64", raw.dtype);
    }
    const other = sameTypes
      ? raws.find(({ dtype }) => dtype !== undefined && dtype !== raw.dtype)?.dtype
      : undefined;
    if (raw.dtype !== undefined && other !== undefined) {
      throw wrongType(loss, name, `${other} like ${specs[0].name}`, raw.dtype);
    }
    raws.push(raw);
  }
  const dtype = promote(raws);
  const tensors: Tensor[] = [];
  for (let i = 0; i < raws.length; i++) tensors.push(toTensor(raws[i], dtype, specs[i].name));
  return { tensors, dtype };
}

/** The error for an argument of the wrong element type. */
export function wrongType(loss: string, name: string, wanted: string, current: string): TypeError {
  return new TypeError(
    `Cannot compute ${loss} as ${name} must be ${wanted}: current dtype is ${current}`,
  );
}

/** The error for an element that lies outside of what a loss is defined for; names the first such element. */
export function offender(
  loss: string,
  tensor: Tensor,
  name: string,
  isValid: (value: number) => boolean,
  wanted: string,
): RangeError {
  const at = (tensor.data as Float64Array).findIndex((value) => !isValid(value));
  return new RangeError(
    `Cannot compute ${loss} as ${name} must be ${wanted}: current value at ${
      position(at, tensor.shape)
    } is ${describe(tensor.data[at])}`,
  );
}

/** The place of an element, as it would be indexed: `[2, 0]`. */
export function position(flat: number, shape: readonly number[]): string {
  const indices: number[] = [];
  for (const length of shape.toReversed()) {
    indices.unshift(flat % length);
    flat = Math.floor(flat / length);
  }
  return `[${indices.join(", ")}]`;
}
