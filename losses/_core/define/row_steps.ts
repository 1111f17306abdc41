/**
 * The kernel steps of a loss of rows, as formula texts.
 */

import type { Step } from "../kernel/kernels.ts";
import type { RowArgument } from "./definition.ts";
import type { RowFormula, RowReduction } from "./row_formula.ts";

// Names of operands that no formula reads: no symbol contains a space.

/** How many elements share the maximum or minimum. */
export const tiesOf = (name: string): string => `ties of ${name}`;
/** How many elements of a maximum or minimum are NaN. */
export const missingOf = (name: string): string => `missing of ${name}`;
/** The derivative of a reduction with respect to one above. */
export const couplingOf = (name: string, above: string): string =>
  `coupling of ${name} and ${above}`;
/** The gradient of an argument. */
export const gradientOf = (symbol: string): string => `gradient of ${symbol}`;
/** The derivative of the value of a row. */
export const derivativeOf = (name: string): string => `derivative of ${name}`;
/** The value of a row. */
export const VALUE = "the value";

/** True for maxima and minima. */
export const isExtreme = ({ kind }: RowReduction): boolean => kind === "max" || kind === "min";

/**
 * The step of one level: its reductions, and how its sums depend on the levels before.
 *
 * Which elements an extreme depends on is known when the extreme is: those of the level before are looked at here.
 *
 * @param level The reductions.
 * @param extremes Maxima and minima of the level before, if gradients are wanted.
 * @param needsGradient Whether gradients are wanted.
 * @returns The step. Minima are negative and means are sums: {@linkcode finishReduction} makes them what they are.
 */
export function levelStep(
  level: readonly RowReduction[],
  extremes: readonly RowReduction[],
  needsGradient: boolean,
): Step {
  const max: Record<string, string> = {};
  const sum: Record<string, string> = {};
  for (const reduction of level) {
    const { name, kind, body } = reduction;
    if (isExtreme(reduction)) {
      max[name] = kind === "max" ? body : `-(${body})`;
      // Maxima pass over NaN, so that it is counted.
      sum[missingOf(name)] = `(${body}) == (${body}) ? 0 : 1`;
      continue;
    }
    sum[name] = body;
    if (!needsGradient) continue;
    for (const { above, slope, known } of reduction.couplings) {
      if (known === undefined) sum[couplingOf(name, above)] = slope;
    }
  }
  for (const reduction of extremes) {
    const { name, body } = reduction;
    sum[tiesOf(name)] = `(${body}) == ${name} ? 1 : 0`;
    for (const { above, slope } of reduction.couplings) {
      sum[couplingOf(name, above)] = `(${body}) == ${name} ? (${slope}) : 0`;
    }
  }
  return { max, sum };
}

/** Makes of what a step has left for `count` rows the reduction that was asked for. */
export function finishReduction(
  { name, kind }: RowReduction,
  row: Readonly<Record<string, Float64Array>>,
  count: number,
  length: number,
): void {
  const result = row[name]!;
  const missing = row[missingOf(name)];
  for (let r = 0; r < count; r++) {
    if (kind === "min") result[r] = -result[r]!;
    if (kind === "mean") result[r]! /= length;
    if (missing !== undefined && missing[r]! > 0) result[r] = NaN;
  }
}

/**
 * The step that gives every wanted argument its gradient: through each reduction, its derivative where it counts.
 *
 * @param formula The formulas.
 * @param arriving By reduction, and for the value: the operand that holds the derivative of the loss with respect to it.
 * @param wanted The arguments.
 * @returns The step.
 */
export function gradientStep(
  { reductions, overrides }: RowFormula,
  arriving: ReadonlyMap<string, string>,
  wanted: readonly RowArgument[],
): Step {
  const store: Record<string, string> = {};
  for (const { symbol } of wanted) {
    const own = overrides.get(symbol);
    if (own !== undefined) {
      store[gradientOf(symbol)] = `${arriving.get(VALUE)} * (${own})`;
      continue;
    }
    const terms = reductions.flatMap((reduction) => {
      const { name, body } = reduction;
      const slope = reduction.derivatives.get(symbol);
      if (slope === undefined || slope === "0") return [];
      // A factor of 0 lets a NaN pass, which a condition would hide.
      const share = isExtreme(reduction) ? `((${body}) == ${name} ? (${slope}) : 0)` : `(${slope})`;
      return [`${arriving.get(name)} * ${share}`];
    });
    store[gradientOf(symbol)] = terms.length === 0 ? "0" : terms.join(" + ");
  }
  return { store };
}

/** The step that gives the value of a row and its derivatives. */
export function valueStep({ value, derivatives }: RowFormula): Step {
  const store: Record<string, string> = { [VALUE]: value };
  for (const [name, text] of derivatives) store[derivativeOf(name)] = text;
  return { store };
}
