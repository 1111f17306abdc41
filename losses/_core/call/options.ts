/**
 * Checks what a constructor is given.
 */

import { describe } from "../tensor/describe.ts";

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
  value: number,
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
export function booleanOption(loss: string, name: string, value: boolean): boolean {
  if (typeof value !== "boolean") {
    throw new TypeError(
      `Cannot compute ${loss} as ${name} must be true or false: current value is ${
        describe(value)
      }`,
    );
  }
  return value;
}

/**
 * The reduction, checked.
 *
 * @param loss The class, for error messages.
 * @param value The option's value.
 * @param known The reductions that the loss has.
 * @returns The value.
 * @throws {TypeError} If the value is not a string.
 * @throws {RangeError} If the loss has no such reduction.
 */
export function reductionOption<R extends string = Reduction>(
  loss: string,
  value: R,
  known: readonly R[] = ["none", "mean", "sum"] as string[] as R[],
): R {
  if (known.includes(value)) return value;
  const message =
    `Cannot compute ${loss} as reduction must be ${known.map((name) => `"${name}"`).join(", ")}: ` +
    `current value is ${describe(value)}`;
  throw typeof value === "string" ? new RangeError(message) : new TypeError(message);
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
export function wholeOption(loss: string, name: string, value: number, least = -Infinity): number {
  const wanted = least === -Infinity ? "a whole number" : `a whole number ≥ ${least}`;
  return numberOption(
    loss,
    name,
    value,
    (value) => Number.isInteger(value) && value >= least,
    wanted,
  );
}
