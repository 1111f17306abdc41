/**
 * mathjs for notebooks and tests. It reads the formula text that the kernels run, evaluates it with 64 digits and differentiates it.
 *
 * This folder computes values and derivatives in ways that share no code with the package, which it therefore must not import.
 */

import type { BigNumber } from "mathjs";
import { decimals, doubles, type Formula, parse, symbolsOf } from "./math_engine.ts";
import { TorchRandom } from "../torch/random.ts";

export type { BigNumber, MathNode } from "mathjs";
export { derivative } from "./derivative.ts";
export { finiteDifferences } from "./finite_differences.ts";
export { type Formula, parse, symbolsOf } from "./math_engine.ts";

/** The value of each symbol of a formula. */
export type Scope = Record<string, number | BigNumber>;

/**
 * The value of a formula with 64 digits: the oracle by which kernels are measured. A double stands for its exact value: 0.1 is
 * 0.1000000000000000055511151231257827….
 *
 * @param formula The formula.
 * @param scope A value for each of its symbols.
 * @returns The value; `.toNumber()` is the double nearest to it.
 *
 * @example
 * ```ts
 * oracle("softplus(x)", { x: -800 }).toString(); // "3.67…e-348", where doubles give 0
 * ```
 */
export function oracle(formula: Formula, scope: Scope = {}): BigNumber {
  const text = formula.toString();
  for (const name of symbolsOf(parse(formula))) {
    if (!Object.hasOwn(scope, name)) {
      throw new TypeError(`Cannot evaluate "${text}" as it has no value for ${name}`);
    }
  }
  const values = Object.entries(scope).map(([name, value]) => [name, exact(value)]);
  const value: unknown = decimals.evaluate(text, Object.fromEntries(values));
  if (!doubles.isBigNumber(value)) {
    throw new TypeError(
      `Cannot evaluate "${text}" as the result must be a number: current value is ${value}`,
    );
  }
  return value;
}

/** A double's exact decimal digits: m · 2^-k is m · 5^k with the point moved k places. */
function exact(value: number | BigNumber): BigNumber {
  if (typeof value !== "number") return value;
  if (!Number.isFinite(value) || value === 0) return decimals.bignumber(`${value}`);
  let power = 0;
  let mantissa = value;
  while (!Number.isInteger(mantissa)) {
    mantissa *= 2;
    power++;
  }
  return decimals.bignumber(`${BigInt(mantissa) * 5n ** BigInt(power)}e-${power}`);
}

/** Where two functions differ most. */
export interface Comparison {
  /** True if the difference is within the tolerance everywhere. */
  same: boolean;
  /** The largest |a - b| / max(1, |b|) found. */
  difference: number;
  /** The point at which it was found. */
  at: Record<string, number>;
}

/**
 * Compares two functions at random points. This finds every mistake in a formula, and is not misled as mathjs's `symbolicEqual` may
 * be.
 *
 * @param a One formula, or a function of the symbols' values.
 * @param b The other.
 * @param variables The interval to draw each symbol from.
 * @param options How many points (default 200), the seed (default 0), and the tolerance (default 1e-12).
 * @returns The largest difference and where it lies.
 *
 * @example
 * ```ts
 * sameFunction(derivative("square(x - y)", "x"), "2 * (x - y)", { x: [-3, 3], y: [-3, 3] }).same; // true
 * ```
 */
export function sameFunction(
  a: Formula | ((scope: Record<string, number>) => number),
  b: Formula | ((scope: Record<string, number>) => number),
  variables: Record<string, readonly [low: number, high: number]>,
  options: { points?: number; seed?: number; tolerance?: number } = {},
): Comparison {
  const { points = 200, seed = 0, tolerance = 1e-12 } = options;
  if (!Number.isInteger(points) || points < 1) {
    throw new RangeError(
      `Cannot compare functions as points must be ≥ 1: current value is ${points}`,
    );
  }
  const [first, second] = [a, b].map(asFunction);
  const random = new TorchRandom(seed);
  const result: Comparison = { same: true, difference: -1, at: {} };
  for (let i = 0; i < points; i++) {
    const at: Record<string, number> = {};
    for (const [name, [low, high]] of Object.entries(variables)) {
      at[name] = random.uniform(low, high, 1, "float64").data[0];
    }
    const [p, q] = [first(at), second(at)];
    const gap = Object.is(p, q) || p === q ? 0 : Math.abs(p - q) / Math.max(1, Math.abs(q));
    // NaN and a number differ without limit.
    const difference = Number.isNaN(gap) ? Infinity : gap;
    if (difference > result.difference) Object.assign(result, { difference, at });
  }
  result.same = result.difference <= tolerance;
  return result;
}

function asFunction(
  side: Formula | ((scope: Record<string, number>) => number),
): (scope: Record<string, number>) => number {
  if (typeof side === "function") return side;
  const compiled = parse(side).compile();
  return (scope) => Number(compiled.evaluate({ ...scope }));
}
