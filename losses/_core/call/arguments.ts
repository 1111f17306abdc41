/**
 * The arguments of a call, read as tensors of one float type.
 */

import type { DType, FloatType, Shaped } from "../tensor/types.ts";
import { describe } from "../tensor/describe.ts";
import { type Raw, read, toTensor } from "../tensor/read.ts";
import { type FloatTensor, isTensor, type Tensor, type TensorLike } from "../tensor/tensor.ts";

/** The description of an argument, given by the loss. */
export interface Argument {
  /** Its name in PyTorch, in camelCase. */
  readonly name: string;
  /** Whether int32 tensors are accepted too; they are converted to the type of the others. */
  readonly integers?: boolean | "unless averaged";
  /** Whether it may be of any type and keeps it; plain numbers take its type only if no other argument has one. */
  readonly isLabel?: boolean;
}

/**
 * The float type of a computation with these arguments: float64 if one of them is float64 or none has a float type
 * (numbers, plain arrays, integers), else float32.
 */
export function promote(raws: readonly Typed[]): FloatType {
  return floatType(raws) ?? "float64";
}

/** Something that may have a type of its own. */
type Typed = { readonly dtype?: DType | undefined } | undefined;

/** The float type of a computation with these; undefined if none has a float type. */
export function floatType(raws: readonly Typed[]): FloatType | undefined {
  let result: FloatType | undefined;
  for (const raw of raws) {
    if (raw?.dtype === "float64") return "float64";
    if (raw?.dtype === "float32") result = "float32";
  }
  return result;
}

/**
 * Reads one argument, whatever its type.
 *
 * @param loss The class, for error messages.
 * @param name The argument, for error messages.
 * @param value The argument.
 * @returns Its numbers, shape and type.
 * @throws {TypeError} If it is missing, or of a kind that is not allowed.
 */
export function readArgument(loss: string, name: string, value: TensorLike | undefined): Raw {
  if (value === undefined) {
    throw new TypeError(`Cannot compute ${loss} as the argument ${name} is missing`);
  }
  return read(value, name);
}

/**
 * Reads scores, whose type is that of the whole call. Plain numbers take the type of the tensors beside them.
 *
 * @param loss The class, for error messages.
 * @param name The argument, for error messages.
 * @param value The argument.
 * @param others Other float arguments and options, such as weights.
 * @returns The scores, float32 or float64.
 * @throws {TypeError} If they are missing, of a kind that is not allowed, or an int32 tensor.
 */
export function readScores(
  loss: string,
  name: string,
  value: TensorLike,
  ...others: readonly (Raw | undefined)[]
): FloatTensor {
  return asScores(loss, name, readArgument(loss, name, value), ...others);
}

/** The same for an argument that has been read already: see {@linkcode readScores}. */
export function asScores(
  loss: string,
  name: string,
  raw: Raw,
  ...others: readonly (Raw | undefined)[]
): FloatTensor {
  if (raw.dtype === "int32") {
    const remedy = "use float32(…), and mind the order: scores first, labels second";
    throw wrongType(loss, name, "float32 or float64", raw.dtype, remedy);
  }
  const dtype = raw.dtype ?? promote(others);
  return toTensor(raw, dtype, name) as FloatTensor;
}

/** Which types of arguments are accepted, and which type plain numbers take. */
export interface TypeRules {
  /** Whether the loss is averaged: some losses accept int32 only if it is not. */
  readonly isAveraged?: boolean;
  /** Whether tensors of different types are refused rather than converted. */
  readonly sameTypes?: boolean;
  /** The type of the other tensors of the call, for the case that no argument has a float type. */
  readonly dtype?: FloatType | undefined;
}

/**
 * Reads arguments as tensors of their common float type.
 *
 * @param loss The class, for error messages.
 * @param specs The descriptions of the arguments.
 * @param values The arguments, in the same order.
 * @param rules Which types are accepted, and which type plain numbers take.
 * @returns The tensors and their type.
 * @throws {TypeError} If an argument is missing, of a kind that is not allowed, or an int32 tensor where floats are wanted.
 */
export function readArguments(
  loss: string,
  specs: readonly Argument[],
  values: readonly TensorLike[],
  { isAveraged = false, sameTypes = false, dtype: otherType }: TypeRules = {},
): { tensors: Tensor[]; dtype: FloatType } {
  const own = tensorsOfOneType(specs.length, values);
  if (own !== undefined) return own;
  const raws: Raw[] = [];
  for (let i = 0; i < specs.length; i++) {
    const { name, integers = false, isLabel = false } = specs[i]!;
    const raw = readArgument(loss, name, values[i]);
    raws.push(raw);
    if (isLabel) continue;
    if (raw.dtype === "int32" && (!integers || (integers !== true && isAveraged))) {
      throw wrongType(loss, name, "float32 or float64", raw.dtype, "use float32(…)");
    }
    const other = sameTypes
      ? raws.find(({ dtype }) => dtype !== undefined && dtype !== raw.dtype)?.dtype
      : undefined;
    if (raw.dtype !== undefined && other !== undefined) {
      throw wrongType(loss, name, `${other} like ${specs[0]!.name}`, raw.dtype);
    }
  }
  const dtype = floatType(raws.filter((_, i) => !specs[i]!.isLabel)) ?? floatType(raws) ??
    otherType ?? "float64";
  const tensors = raws.map((raw, i) => {
    const { name, isLabel = false } = specs[i]!;
    return toTensor(raw, isLabel && raw.dtype !== undefined ? raw.dtype : dtype, name);
  });
  return { tensors, dtype };
}

/** The arguments themselves, if all are float tensors of one type: faster than reading them, which small calls notice. */
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
export function wrongType(
  loss: string,
  name: string,
  wanted: string,
  current: string,
  remedy?: string,
): TypeError {
  const hint = remedy === undefined ? "" : `; ${remedy}`;
  return new TypeError(
    `Cannot compute ${loss} as ${name} must be ${wanted}: current dtype is ${current}${hint}`,
  );
}

/** The error for elements outside the domain of a loss; it names the first of them. */
export function offender(
  loss: string,
  { data, shape }: Shaped,
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

/** The indices of an element, such as `[2, 0]`. */
export function position(flat: number, shape: readonly number[]): string {
  const indices: number[] = [];
  for (const length of shape.toReversed()) {
    indices.unshift(flat % length);
    flat = Math.floor(flat / length);
  }
  return `[${indices.join(", ")}]`;
}
