/**
 * Checks what a constructor is given.
 */

import { describe } from "../tensor/describe.ts";
import { read, toTensor } from "../tensor/read.ts";
import type { Tensor, TensorLike } from "../tensor/tensor.ts";

/** How the values of single elements or samples become the loss: kept, averaged or summed. */
export type Reduction = "none" | "mean" | "sum";

/**
 * Refuses anything but an object with known names.
 *
 * @param loss The class, for error messages.
 * @param options What the constructor was given.
 * @param known The names of the options there are.
 * @throws {TypeError} If `options` is not an object, or has a name that is not known.
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
        `Cannot make ${loss} as option '${name}' is unknown: known are ${known.join(", ")}`,
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

/** The options of one loss object, checked, by name. */
export type OptionValues = Readonly<Record<string, number | boolean | Tensor | undefined>>;

/**
 * An option, checked.
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
 * A number option, checked.
 *
 * @param loss The class, for error messages.
 * @param name The option.
 * @param value Its value.
 * @param valid Whether a number is allowed; NaN never is.
 * @param wanted What is allowed, in words that follow "must be", such as "> 0".
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
): number {
  const message = `Cannot compute ${loss} as ${name} must be ${wanted}: current value is ${
    describe(value)
  }`;
  if (typeof value !== "number") throw new TypeError(message);
  if (Number.isNaN(value) || !valid(value)) throw new RangeError(message);
  return value;
}

/**
 * A true-or-false option, checked.
 *
 * @param loss The class, for error messages.
 * @param name The option.
 * @param value Its value.
 * @returns The value.
 * @throws {TypeError} If the value is neither true nor false.
 */
export function booleanOption(loss: string, name: string, value: unknown): boolean {
  if (typeof value !== "boolean") {
    throw new TypeError(
      `Cannot compute ${loss} as ${name} must be true or false: current value is ${
        describe(value)
      }`,
    );
  }
  return value;
}

/** The reductions of most losses. */
const REDUCTIONS: readonly string[] = ["none", "mean", "sum"];

/**
 * The reduction, checked.
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
  const message =
    `Cannot compute ${loss} as reduction must be ${known.map((name) => `"${name}"`).join(", ")}: ` +
    `current value is ${describe(reduction)}`;
  throw typeof reduction === "string" ? new RangeError(message) : new TypeError(message);
}

/**
 * An option that is a tensor, checked.
 *
 * @param value The option's value.
 * @param name The option.
 * @returns It as a tensor of its own type, or undefined if there is none.
 * @throws {TypeError} If it is no tensor.
 */
export function tensorOption(value: unknown, name: string): Tensor | undefined {
  if (value === undefined) return undefined;
  const raw = read(value as TensorLike, name);
  return toTensor(raw, raw.dtype ?? "float64", name);
}

/**
 * A whole-number option, checked.
 *
 * @param loss The class, for error messages.
 * @param name The option.
 * @param value Its value.
 * @param least The smallest allowed value.
 * @returns The value.
 * @throws {TypeError} If the value is not a number.
 * @throws {RangeError} If it is not a whole number, or too small.
 */
export function wholeOption(loss: string, name: string, value: unknown, least = -Infinity): number {
  const wanted = least === -Infinity ? "a whole number" : `a whole number ≥ ${least}`;
  return numberOption(
    loss,
    name,
    value,
    (value) => Number.isInteger(value) && value >= least,
    wanted,
  );
}
