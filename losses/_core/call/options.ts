/**
 * The options of a loss, checked.
 */

import { describe } from "../tensor/describe.ts";
import { read, toTensor } from "../tensor/read.ts";
import { suggestion } from "./suggestion.ts";
import type { Tensor, TensorLike } from "../tensor/tensor.ts";
import type { DType } from "../tensor/types.ts";

/** How the values of single elements or samples become the loss: kept, averaged or summed. */
export type Reduction = "none" | "mean" | "sum";

/**
 * Refuses anything but an object with known names.
 *
 * @param loss The class, for error messages.
 * @param options The options that were given.
 * @param known The names of all options of the loss.
 * @throws {TypeError} If `options` is not an object, or has an unknown name.
 */
export function checkOptions(loss: string, options: unknown, known: readonly string[]): void {
  if (typeof options !== "object" || options === null || Array.isArray(options)) {
    throw new TypeError(
      `Cannot make ${loss} as options must be an object: current value is ${describe(options)}`,
    );
  }
  for (const name of Object.keys(options)) {
    if (!known.includes(name)) {
      throw new TypeError(
        `Cannot make ${loss} as option '${name}' is unknown: ${suggestion(name, known)}known are ${
          known.join(", ")
        }`,
      );
    }
  }
}

/**
 * What an option was given.
 *
 * @param options The options, which {@linkcode checkOptions} has seen.
 * @param name The option.
 * @returns Its value; undefined if it was not given, even if all objects have something under its name.
 */
export function ownOption(options: object, name: string): unknown {
  if (name in Object.prototype && !Object.hasOwn(options, name)) return undefined;
  return (options as Readonly<Record<string, unknown>>)[name];
}

/** What an option that is not allowed keeps from being done. */
export type Doing = "make" | "compute";

/** A number among the options. */
export interface NumberOption {
  readonly default: number;
  /** Whether a number is allowed; NaN never is. */
  readonly valid: (value: number) => boolean;
  /** What is allowed, in words that follow "must be", such as "> 0". */
  readonly wanted: string;
}

/** An option that is a number, or true or false. */
export type OptionDefinition = NumberOption | { readonly default: boolean };

/** The checked options of a loss object, by name. */
export type OptionValues = Readonly<Record<string, number | boolean | Tensor | undefined>>;

/**
 * Checks an option that is a number or a boolean.
 *
 * @param loss The class, for error messages.
 * @param name The option.
 * @param definition Its default, and what is allowed.
 * @param value Its value, or undefined for the default.
 * @returns The value.
 * @throws {TypeError} If the value is of the wrong kind.
 * @throws {RangeError} If it is not allowed.
 */
export function optionOf(
  loss: string,
  name: string,
  definition: OptionDefinition,
  value: unknown,
): number | boolean {
  const given = value === undefined ? definition.default : value;
  return "valid" in definition
    ? numberOption(loss, name, given, definition.valid, definition.wanted)
    : booleanOption(loss, name, given);
}

/**
 * Checks a number.
 *
 * @param loss The class, for error messages.
 * @param name The option.
 * @param value Its value.
 * @param valid Whether a number is allowed; NaN never is.
 * @param wanted What is allowed, in words that follow "must be", such as "> 0".
 * @param doing What cannot be done: options are checked when a loss is made, those of a helper when it is computed.
 * @returns The value.
 * @throws {TypeError} If the value is not a number.
 * @throws {RangeError} If it is not allowed.
 */
export function numberOption(
  loss: string,
  name: string,
  value: unknown,
  valid: (value: number) => boolean,
  wanted: string,
  doing: Doing = "make",
): number {
  const message = `Cannot ${doing} ${loss} as ${name} must be ${wanted}: current value is ${
    describe(value)
  }`;
  if (typeof value !== "number") throw new TypeError(message);
  if (Number.isNaN(value) || !valid(value)) throw new RangeError(message);
  return value;
}

/**
 * Checks a boolean.
 *
 * @param loss The class, for error messages.
 * @param name The option.
 * @param value Its value.
 * @param doing What cannot be done, as for {@linkcode numberOption}.
 * @returns The value.
 * @throws {TypeError} If the value is neither true nor false.
 */
export function booleanOption(
  loss: string,
  name: string,
  value: unknown,
  doing: Doing = "make",
): boolean {
  if (typeof value !== "boolean") {
    throw new TypeError(
      `Cannot ${doing} ${loss} as ${name} must be true or false: current value is ${
        describe(value)
      }`,
    );
  }
  return value;
}

/** Options after all defaults have been filled in. */
export type Checked<Options> = {
  readonly [name in keyof Options]-?: Exclude<Options[name], undefined>;
};

/** The reductions of most losses. */
const REDUCTIONS: readonly string[] = ["none", "mean", "sum"];

/**
 * Checks the reduction.
 *
 * @param loss The class, for error messages.
 * @param value The option's value, or undefined for `"mean"`.
 * @param known The reductions that the loss has.
 * @returns The value.
 * @throws {TypeError} If the value is not a string.
 * @throws {RangeError} If the loss has no such reduction.
 */
export function reductionOption<R extends string = Reduction>(
  loss: string,
  value: unknown,
  known: readonly string[] = REDUCTIONS,
): R {
  const reduction = value === undefined ? "mean" : value;
  if (typeof reduction === "string" && known.includes(reduction)) return reduction as R;
  const hint = reduction === "batchmean"
    ? '; only KLDivLoss has "batchmean": use "sum" and divide by the length of the first axis'
    : "";
  const message =
    `Cannot make ${loss} as reduction must be ${known.map((name) => `"${name}"`).join(", ")}: ` +
    `current value is ${describe(reduction)}${hint}`;
  throw typeof reduction === "string" ? new RangeError(message) : new TypeError(message);
}

/**
 * Reads an option that is a tensor.
 *
 * @param value The option's value.
 * @param name The option.
 * @returns The option; undefined if there is no value.
 * @throws {TypeError} If the value is not a tensor.
 */
export function tensorOption(value: unknown, name: string): TensorOption | undefined {
  if (value === undefined) return undefined;
  const raw = read(value as TensorLike, name);
  const { dtype } = raw;
  return { dtype, tensor: toTensor(raw, dtype ?? "float64", name) };
}

/** An option that is a tensor. */
export interface TensorOption {
  /** Its numbers, float64 if they came without a type. */
  readonly tensor: Tensor;
  /** Its type; undefined for plain numbers, which take that of the arguments. */
  readonly dtype: DType | undefined;
}

/**
 * Checks a whole number.
 *
 * @param loss The class, for error messages.
 * @param name The option.
 * @param value Its value.
 * @param least The smallest allowed value, if there is one.
 * @returns The value.
 * @throws {TypeError} If the value is not a number.
 * @throws {RangeError} If it is not a whole number, or too small.
 */
export function wholeOption(loss: string, name: string, value: unknown, least?: number): number {
  return numberOption(
    loss,
    name,
    value,
    (value) => Number.isInteger(value) && (least === undefined || value >= least),
    least === undefined ? "a whole number" : `a whole number ≥ ${least}`,
  );
}
