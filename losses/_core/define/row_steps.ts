/**
 * The kernel steps of a loss of rows, as formula texts.
 */

import { Graph, symbolsOf } from "../formula/graph.ts";
import { parse } from "../formula/parse.ts";
import { print } from "../formula/text.ts";
import type { Step } from "../kernel/kernels.ts";
import type { RowArgument } from "./definition.ts";
import type { RowFormula, RowReduction } from "./row_formula.ts";

// Names of operands that no formula reads: no symbol contains a space.

/** How many elements share the maximum or minimum. */
export const tiesOf = (name: string): string => `ties of ${name}`;
/** Whether an element of a maximum or minimum is NaN: 1 or 0. */
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

/** True for maxima and minima that gradients flow through. */
export const choosesElements = (reduction: RowReduction): boolean =>
  isExtreme(reduction) && reduction.derivatives.size > 0;

/** The steps that a tile goes through for certain gradients. */
export interface TileSteps {
  /** Forward, in order. */
  readonly levels: readonly Step[];
  /** Back to the elements. */
  readonly gradients: Step;
}

/**
 * The steps that a tile goes through.
 *
 * @param formula The formulas.
 * @param arriving By reduction, and for the value: the operand that holds the derivative of the loss with respect to it.
 * @param kept What may be kept for the way back, longer calls first.
 * @param wanted The arguments whose gradients are wanted.
 */
export function tileSteps(
  formula: RowFormula,
  arriving: ReadonlyMap<string, string>,
  kept: readonly KeptCall[],
  wanted: readonly RowArgument[],
): TileSteps {
  const { reductions } = formula;
  const needsGradient = wanted.length > 0;
  const gradients: Record<string, string> = { ...gradientStep(formula, arriving, wanted).store };
  const needed: KeptCall[] = [];
  for (const known of kept) {
    const { call, operand } = known;
    if (!Object.values(gradients).some((text) => text.includes(call))) continue;
    for (const name of Object.keys(gradients)) {
      gradients[name] = gradients[name]!.replaceAll(call, operand);
    }
    needed.push(known);
  }
  const count = Math.max(0, ...reductions.map(({ level }) => level + 1));
  const levels = Array.from({ length: count + 1 }, (_, k) => {
    const extremes = needsGradient
      ? reductions.filter((other) => other.level === k - 1 && choosesElements(other))
      : [];
    const level = reductions.filter((other) => other.level === k);
    const store = Object.fromEntries(
      needed.filter((known) => known.level === k).map(({ operand, call }) => [operand, call]),
    );
    return { ...levelStep(level, extremes, needsGradient), store };
  });
  // Behind the last level there may be nothing left to do.
  if (Object.keys(levels[count]!.sum!).length === 0) levels.pop();
  return { levels, gradients: { store: gradients } };
}

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
function levelStep(
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
      // Maxima pass over NaN, which is looked for besides.
      max[missingOf(name)] = `(${body}) == (${body}) ? 0 : 1`;
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
function gradientStep(
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

/** A call of a costly function of elements that occurs in a reduction and in its derivatives. */
export interface KeptCall {
  readonly call: string;
  /** The level at which it is computed first. */
  readonly level: number;
  /** The operand that keeps it for the way back. */
  readonly operand: string;
}

/** Functions of many instructions. */
const COSTLY = /\b(?:exp|log|log1p|sigmoid|softplus|pow|xlogy)\(/g;
/** With more operands, tiles would leave the cache. */
const MOST_KEPT = 8;
/** The most calls of a reduction that are looked at. */
const MOST_CALLS = 64;

/**
 * The calls of costly functions that are worth being kept.
 *
 * @param formula The formulas.
 * @param symbols The symbols of the arguments.
 * @param free Gives names of operands that formulas can read.
 * @returns The calls, longer ones first, so that none is a part of a later one.
 */
export function keptCalls(
  { reductions }: RowFormula,
  symbols: readonly string[],
  free: (name: string) => string,
): KeptCall[] {
  const slopes = reductions.flatMap(({ derivatives }) => [...derivatives.values()]);
  const levels = new Map<string, number>();
  for (const { body, level } of reductions) {
    // Derivatives are printed in the same way.
    const text = print(parse(new Graph(), body));
    for (const { 0: { length }, index } of [...text.matchAll(COSTLY)].slice(0, MOST_CALLS)) {
      let end = index + length;
      for (let depth = 1; depth > 0; end++) {
        if (text[end] === "(") depth++;
        else if (text[end] === ")") depth--;
      }
      const call = text.slice(index, end);
      if (levels.has(call) || !slopes.some((slope) => slope.includes(call))) continue;
      const names = symbolsOf(parse(new Graph(), call));
      if (names.some((name) => symbols.includes(name))) levels.set(call, level);
    }
  }
  return [...levels]
    .sort(([a], [b]) => b.length - a.length)
    .slice(0, MOST_KEPT)
    .map(([call, level]) => ({ call, level, operand: free("kept") }));
}
