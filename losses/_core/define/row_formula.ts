/**
 * A loss of rows as formulas: reductions along the last axis, and a value made of them, with all the derivatives that the
 * chain rule needs.
 */

import { derivative } from "../formula/derivative.ts";
import { Graph, symbolsOf } from "../formula/graph.ts";
import { parse } from "../formula/parse.ts";
import { print } from "../formula/text.ts";

/** What becomes of the elements of a row. */
export type ReductionKind = "sum" | "mean" | "max" | "min";

/** A reduction along the last axis. */
export interface RowReduction {
  readonly name: string;
  readonly kind: ReductionKind;
  /** What is reduced, as a formula in arguments, options and the reductions above. */
  readonly body: string;
  /** The derivative of the body with respect to each symbol that it depends on: arguments and reductions above. */
  readonly derivatives: ReadonlyMap<string, string>;
}

/** A loss of rows, ready to be run. */
export interface RowFormula {
  readonly reductions: readonly RowReduction[];
  /** The value of a row, as a formula in reductions, options and arguments that have one number per row. */
  readonly value: string;
  /** The derivative of the value with respect to each reduction and argument that it depends on. */
  readonly derivatives: ReadonlyMap<string, string>;
  /** By symbol, the derivative of the value with respect to an element of an argument, where it is not to be derived. */
  readonly overrides: ReadonlyMap<string, string>;
}

const REDUCTION = /^\s*(sum|mean|max|min)\s*\(/;
const NAME_OR_NUMBER = /\d+\.?\d*(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?|[A-Za-z_]\w*/g;

/**
 * Reads the formulas of a loss of rows.
 *
 * @param loss The name of the loss, for error messages.
 * @param rows The formula of each row number: a reduction such as `"sum(exp(x - m))"`, or an expression in those above it.
 * @param value The value of a row.
 * @param known The symbols of the arguments.
 * @param options The names of the options.
 * @param grad By symbol, derivatives that are not to be derived.
 * @returns The formulas with their derivatives.
 * @throws {SyntaxError} If a text is no formula.
 * @throws {RangeError} If a symbol is unknown.
 */
export function readRowFormula(
  loss: string,
  rows: Readonly<Record<string, string>>,
  value: string,
  known: readonly string[],
  options: readonly string[],
  grad: Readonly<Record<string, string>>,
): RowFormula {
  const reductions: RowReduction[] = [];
  /** Rows that are expressions, by name: formulas below are read with these in their place. */
  const expressions = new Map<string, string>();
  const expand = (text: string) =>
    text.replace(
      NAME_OR_NUMBER,
      (name) => expressions.has(name) ? `(${expressions.get(name)})` : name,
    );
  const names: string[] = [];
  for (const [name, text] of Object.entries(rows)) {
    const allowed = [...known, ...options, ...names];
    const reduction = readReduction(text);
    if (reduction === undefined) {
      checkSymbols(loss, `row ${name}`, text, allowed);
      expressions.set(name, expand(text));
    } else {
      checkSymbols(loss, `row ${name}`, reduction.body, allowed);
      const body = expand(reduction.body);
      const above = reductions.map(({ name }) => name);
      const derivatives = derivativesOf(body, [...known, ...above]);
      reductions.push({ name, kind: reduction.kind, body, derivatives });
    }
    names.push(name);
  }
  checkSymbols(loss, "value", value, [...known, ...options, ...names]);
  const expanded = expand(value);
  const inputs = [...known, ...reductions.map(({ name }) => name)];
  const overrides = new Map<string, string>();
  for (const [symbol, text] of Object.entries(grad)) {
    checkSymbols(loss, `the gradient with respect to ${symbol}`, text, [
      ...known,
      ...options,
      ...names,
    ]);
    overrides.set(symbol, expand(text));
  }
  return { reductions, value: expanded, derivatives: derivativesOf(expanded, inputs), overrides };
}

/** Takes a text apart that is one call of a reduction as a whole; undefined if it is not. */
export function readReduction(text: string): { kind: ReductionKind; body: string } | undefined {
  const start = REDUCTION.exec(text);
  if (start === null) return undefined;
  let depth = 1;
  for (let i = start[0].length; i < text.length; i++) {
    if (text[i] === "(") depth++;
    else if (text[i] === ")") depth--;
    else if (text[i] === "," && depth === 1) return undefined; // max(a, b) of two numbers
    if (depth > 0) continue;
    const isWhole = text.slice(i + 1).trim() === "";
    return isWhole
      ? { kind: start[1] as ReductionKind, body: text.slice(start[0].length, i) }
      : undefined;
  }
  return undefined;
}

/**
 * Refuses a formula with a symbol that nobody has defined.
 *
 * @param loss The name of the loss, for error messages.
 * @param place Where the formula stands, for error messages.
 * @param text The formula.
 * @param known The symbols that it may use.
 * @throws {SyntaxError} If the text is no formula.
 * @throws {RangeError} If it uses another symbol.
 */
export function checkSymbols(
  loss: string,
  place: string,
  text: string,
  known: readonly string[],
): void {
  for (const symbol of symbolsOf(parse(new Graph(), text))) {
    if (known.includes(symbol)) continue;
    throw new RangeError(
      `Cannot define ${loss} as ${place} uses '${symbol}', which is no argument, option or row above it: known are ${
        known.join(", ")
      }`,
    );
  }
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
