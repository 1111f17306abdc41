/**
 * Turns the arguments of a call into tensors of one float type.
 */

import type { DType, FloatType } from "../tensor/types.ts";
import { describe } from "../tensor/describe.ts";
import { type Raw, read, toTensor } from "../tensor/read.ts";
import { isTensor, type Tensor, type TensorLike } from "../tensor/tensor.ts";

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

/** A tensor that is known to hold floats. */
export type FloatTensor = Tensor & { readonly dtype: FloatType };

/**
 * Reads scores, which decide on the type of a call: float tensors have their own, plain numbers take that of the tensors
 * beside them.
 *
 * @param loss The class, for error messages.
 * @param name The argument, for error messages.
 * @param value The argument.
 * @param beside What else has floats: weights, for example.
 * @returns The scores, float32 or float64.
 * @throws {TypeError} If they are missing, of no allowed kind, or whole numbers.
 */
export function readScores(
  loss: string,
  name: string,
  value: TensorLike,
  ...beside: readonly (Raw | undefined)[]
): FloatTensor {
  return asScores(loss, name, readArgument(loss, name, value), ...beside);
}

/** Takes an argument that has been read as scores: see {@linkcode readScores}. */
export function asScores(
  loss: string,
  name: string,
  raw: Raw,
  ...beside: readonly (Raw | undefined)[]
): FloatTensor {
  if (raw.dtype === "int32") throw wrongType(loss, name, "float32 or float64", raw.dtype);
  const dtype = raw.dtype ?? promote(beside.filter((other) => other !== undefined));
  return toTensor(raw, dtype, name) as FloatTensor;
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
  const own = tensorsOfOneType(specs.length, values);
  if (own !== undefined) return own;
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

/** The arguments as they are, if all are float tensors of one type: a call on few elements has no time to read them. */
function tensorsOfOneType(
  count: number,
  values: readonly TensorLike[],
): { tensors: Tensor[]; dtype: FloatType } | undefined {
  const tensors: Tensor[] = [];
  let type: DType | undefined;
  for (let i = 0; i < count; i++) {
    const value = values[i];
    if (!isTensor(value)) return undefined;
    const { dtype } = value;
    if (dtype === "int32" || (type !== undefined && dtype !== type)) return undefined;
    type = dtype;
    tensors.push(value);
  }
  return type === undefined || type === "int32" ? undefined : { tensors, dtype: type };
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
  { data, shape }: { readonly data: ArrayLike<number>; readonly shape: readonly number[] },
  name: string,
  isValid: (value: number) => boolean,
  wanted: string,
): RangeError {
  let at = 0;
  while (at < data.length && isValid(data[at]!)) at++;
  return new RangeError(
    `Cannot compute ${loss} as ${name} must be ${wanted}: current value at ${
      position(at, shape)
    } is ${describe(data[at])}`,
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
