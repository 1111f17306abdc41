/**
 * A loss of rows as formulas: reductions along the last axis, and a value made of them, with all the derivatives that the
 * chain rule needs.
 */

import { suggestion } from "../call/suggestion.ts";
import { derivative } from "../formula/derivative.ts";
import { excerpt } from "../formula/excerpt.ts";
import { Graph, isCondition, symbolsOf } from "../formula/graph.ts";
import { parse } from "../formula/parse.ts";
import { print } from "../formula/text.ts";
import type { CheckedDefinition } from "./definition.ts";

/** What becomes of the elements of a row. */
export type ReductionKind = "sum" | "mean" | "max" | "min";

/** How a reduction depends on one above it. */
export interface Coupling {
  readonly above: string;
  /** The derivative of the body with respect to that reduction. */
  readonly slope: string;
  /** The sum whose elements are the slopes, or their opposites: it need not be taken again. */
  readonly known: { readonly sum: string; readonly sign: 1 | -1 } | undefined;
}

/** A reduction along the last axis. */
export interface RowReduction {
  readonly name: string;
  readonly kind: ReductionKind;
  /** What is reduced, as a formula in arguments, options and the reductions above. */
  readonly body: string;
  /**
   * The derivative of the body with respect to each symbol that it depends on: arguments and reductions above. None if nothing
   * flows through it, see vanishing.ts.
   */
  readonly derivatives: ReadonlyMap<string, string>;
  /** Those of the derivatives with respect to reductions above that are not 0. */
  readonly couplings: readonly Coupling[];
  /** Reductions of level 0 depend on no other one, those of level k on some of level k - 1. */
  readonly level: number;
}

/** A loss of rows, ready to be run. */
export interface RowFormula {
  readonly reductions: readonly RowReduction[];
  /** The value of a row, as a formula in reductions, options and arguments that have one number per row. */
  readonly value: string;
  /**
   * The derivative of the value with respect to each reduction and argument that it depends on. A derivative that the
   * definition gives in place of the derived one may depend on further reductions and arguments: for them it is 0 here.
   */
  readonly derivatives: ReadonlyMap<string, string>;
  /** By symbol, the derivative with respect to an element of an argument that the definition gives. */
  readonly overrides: ReadonlyMap<string, string>;
}

const REDUCTIONS = /(?<!\.)\b(sum|mean|max|min)\s*\(/g;
/** Numbers, so that their exponents are not taken for names, and names that are not those of a function. */
const NUMBER_OR_SYMBOL =
  /\d+\.?\d*(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?|[A-Za-z_]\w*(?![\w]|\s*\()/g;

/**
 * Reads the formulas of a loss of rows.
 *
 * @param definition The definition.
 * @returns The formulas with their derivatives.
 * @throws {SyntaxError} If a text is no formula.
 * @throws {RangeError} If a symbol is unknown.
 */
export function readRowFormula(definition: CheckedDefinition): RowFormula {
  const { arguments: args, options, rows = {}, value, grad } = definition;
  const symbols = args.map(({ symbol }) => symbol);
  const known = [...symbols, ...Object.keys(options)];
  const reductions: RowReduction[] = [];
  /** Rows that are expressions, by name: formulas below are read with these in their place. */
  const expressions = new Map<string, string>();
  const expand = (text: string) =>
    text.replace(NUMBER_OR_SYMBOL, (name) => {
      const expression = expressions.get(name);
      return expression === undefined ? name : `(${expression})`;
    });
  for (const [name, text] of Object.entries(rows)) {
    const reduction = readReduction(text);
    checkSymbols(definition, `row ${name}`, reduction?.body ?? text, known);
    known.push(name);
    if (reduction === undefined) {
      expressions.set(name, expand(text));
      continue;
    }
    const body = expand(reduction.body);
    const derivatives = derivativesOf(body, [...symbols, ...reductions.map(({ name }) => name)]);
    const above = reductions.filter((other) => derivatives.has(other.name));
    const level = Math.max(-1, ...above.map(({ level }) => level)) + 1;
    const parts = { name, kind: reduction.kind, body, derivatives, level };
    const sums = [...reductions, parts].filter(({ kind }) => kind === "sum" || kind === "mean");
    const couplings = above.map(({ name: above }) => {
      const slope = derivatives.get(above)!;
      // Which elements an extreme depends on is not known before it is.
      return { above, slope, known: sums.includes(parts) ? knownSum(slope, sums) : undefined };
    });
    reductions.push({ ...parts, couplings: couplings.filter(({ slope }) => slope !== "0") });
  }
  checkSymbols(definition, "value", value, known);
  const whole = expand(value);
  const inputs = [...symbols, ...reductions.map(({ name }) => name)];
  const derivatives = new Map(derivativesOf(whole, inputs));
  const overrides = new Map<string, string>();
  for (const { name, symbol } of args) {
    const given = grad.get(name);
    if (given === undefined) continue;
    checkSymbols(definition, `grad.${name}`, given, known);
    overrides.set(symbol, expand(given));
  }
  return withGivenDerivatives(reductions, whole, derivatives, overrides, inputs);
}

/**
 * Arguments that the value itself uses have one number per row, and so has a derivative that is given for them: it takes
 * the place of the derivative of the value, and nothing flows to them through reductions.
 */
function withGivenDerivatives(
  reductions: readonly RowReduction[],
  value: string,
  derived: ReadonlyMap<string, string>,
  given: ReadonlyMap<string, string>,
  inputs: readonly string[],
): RowFormula {
  const derivatives = new Map(derived);
  const overrides = new Map(given);
  const perRow = new Set<string>();
  for (const [symbol, text] of given) {
    if (!derived.has(symbol)) continue;
    perRow.add(symbol);
    overrides.delete(symbol);
    derivatives.set(symbol, text);
    const used = symbolsOf(parse(new Graph(), text));
    for (const name of inputs) {
      if (used.includes(name) && !derivatives.has(name)) derivatives.set(name, "0");
    }
  }
  return {
    reductions: reductions.map((reduction) => ({
      ...reduction,
      derivatives: new Map([...reduction.derivatives].filter(([symbol]) => !perRow.has(symbol))),
    })),
    value,
    derivatives,
    overrides,
  };
}

/** The sum among others whose body is a formula or its opposite. */
function knownSum(
  formula: string,
  sums: readonly Pick<RowReduction, "name" | "body">[],
): Coupling["known"] {
  const graph = new Graph();
  const root = parse(graph, formula);
  const opposite = graph.neg(root);
  for (const { name, body } of sums) {
    const node = parse(graph, body);
    if (node === root) return { sum: name, sign: 1 };
    if (node === opposite) return { sum: name, sign: -1 };
  }
  return undefined;
}

/** Takes a text apart that is one call of a reduction as a whole; undefined if it is not. */
export function readReduction(text: string): { kind: ReductionKind; body: string } | undefined {
  const [call] = reductionsIn(text);
  const isWhole = call !== undefined && text.slice(0, call.start).trim() === "" &&
    text.slice(call.end).trim() === "";
  return isWhole ? call : undefined;
}

/** The calls of reductions in a text. `max(a, b)` and `min(a, b)` are functions of two numbers. */
function reductionsIn(
  text: string,
): { kind: ReductionKind; body: string; start: number; end: number }[] {
  const found = [];
  for (const { 0: { length }, 1: kind, index } of text.matchAll(REDUCTIONS)) {
    let depth = 1;
    let isPair = false;
    let end = index + length;
    for (; end < text.length && depth > 0; end++) {
      if (text[end] === "(") depth++;
      else if (text[end] === ")") depth--;
      else if (text[end] === "," && depth === 1) isPair = true;
    }
    if (isPair || depth > 0) continue;
    const body = text.slice(index + length, end - 1);
    found.push({ kind: kind as ReductionKind, body, start: index, end });
  }
  return found;
}

/**
 * Refuses a formula with a symbol that nobody has defined, or with a reduction, which must be a row of its own.
 *
 * @param definition The definition.
 * @param place Where the formula stands, for error messages.
 * @param text The formula.
 * @param known The symbols that it may use.
 * @throws {SyntaxError} If the text is no formula.
 * @throws {TypeError} If it is a condition.
 * @throws {RangeError} If it uses another symbol.
 */
export function checkSymbols(
  definition: CheckedDefinition,
  place: string,
  text: string,
  known: readonly string[],
): void {
  const { name: loss } = definition;
  const [reduction] = reductionsIn(text);
  if (reduction !== undefined) {
    const { start, end } = reduction;
    throw new SyntaxError(
      `Cannot define ${loss} as ${place} holds the reduction '${
        text.slice(start, end)
      }', which must be a row of its own, such as { m: "${text.slice(start, end)}" }`,
    );
  }
  const root = parse(new Graph(), text);
  for (const symbol of symbolsOf(root)) {
    if (known.includes(symbol)) continue;
    throw new RangeError(
      `Cannot define ${loss} as ${place} uses '${symbol}', which is no argument, option or row above it: ${
        remedyFor(definition, symbol, known)
      }known are ${known.join(", ")}`,
    );
  }
  if (isCondition(root)) {
    throw new TypeError(
      `Cannot define ${loss} as ${place} must be a number, not a condition: write '${
        excerpt(text)
      } ? 1 : 0'`,
    );
  }
}

/** What to write in place of a symbol that is unknown, followed by a space; nothing if that is not clear. */
function remedyFor(
  { arguments: args, rows = {} }: CheckedDefinition,
  symbol: string,
  known: readonly string[],
): string {
  const argument = args.find(({ name }) => name === symbol);
  if (argument !== undefined) return `the symbol of ${symbol} is '${argument.symbol}'; `;
  if (Object.hasOwn(rows, symbol)) return `the row ${symbol} must stand above; `;
  if (symbol === "e") return "write exp(x) for its powers; ";
  if (/^inf$/i.test(symbol)) return "did you mean 'Infinity'? ";
  return suggestion(symbol, [...known, "pi", "Infinity"]);
}

/** The derivatives of a formula with respect to those of the symbols that occur in it. */
export function derivativesOf(
  text: string,
  symbols: readonly string[],
): ReadonlyMap<string, string> {
  const graph = new Graph();
  const root = parse(graph, text);
  const occurring = symbolsOf(root);
  return new Map(
    symbols.filter((symbol) => occurring.includes(symbol))
      .map((symbol) => [symbol, print(derivative(graph, root, symbol))]),
  );
}
