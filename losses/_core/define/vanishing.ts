/**
 * Finds maxima that a loss does not depend on, such as the one that keeps the exponentials of a softmax in range: what reaches
 * it in one way is taken back in another, and nothing needs to flow through it.
 */

import { freeNames } from "../elementwise/driver.ts";
import {
  argumentsFirst,
  Graph,
  isNumber,
  type Node,
  type Operands,
  symbolsOf,
} from "../formula/graph.ts";
import { parse } from "../formula/parse.ts";
import { print } from "../formula/text.ts";
import { defineKernels } from "../kernel/kernels.ts";
import { ALL_FUNCTIONS } from "../kernel/math.ts";
import type { CheckedDefinition } from "./definition.ts";
import type { RowFormula } from "./row_formula.ts";

/** Functions with pieces, as also sqrt(a ^ 2) is: that they vanish at some points says nothing about others. */
const PIECES = ["select", "abs", "sign", "hinge", "min", "max", "sqrt", "pow"];
/** Longer derivatives, as texts, are not looked at. */
const LONGEST = 10_000;
/** A derivative of more terms, one for each way, is not looked at. */
const MOST_TERMS = 100;
/** Points that a derivative is tried at. A function without pieces that is 0 at all of them is 0. */
const POINTS = 64;
/** What rounding leaves of terms that cancel, as a share of them. */
const ROUNDING = 1e-14;

/**
 * Takes the ways through such maxima and minima out of a formula.
 *
 * @param formula The formula.
 * @param definition What it was read from.
 * @returns The formula, without derivatives of such an extreme and with respect to it.
 */
export function withoutVanishing(
  formula: RowFormula,
  { arguments: args, options, rows = {} }: CheckedDefinition,
): RowFormula {
  const elements = args.map(({ symbol }) => symbol);
  const sums = new Sums(formula, elements, [...Object.keys(options), ...Object.keys(rows)]);
  const vanishing = formula.reductions
    .filter(({ kind, name }) => (kind === "max" || kind === "min") && sums.vanishes(name))
    .map(({ name }) => name);
  if (vanishing.length === 0) return formula;
  return {
    ...formula,
    reductions: formula.reductions.map((reduction) => ({
      ...reduction,
      derivatives: vanishing.includes(reduction.name) ? new Map() : reduction.derivatives,
      couplings: vanishing.includes(reduction.name)
        ? []
        : reduction.couplings.filter(({ above }) => !vanishing.includes(above)),
    })),
  };
}

/** True for points at which every function has a value. */
const isTame = (point: number): boolean => point < POINTS / 2;

/** The number that a symbol stands for at a point: from 0.5 to 2 at first, then of both signs and up to 200. */
function numberAt(point: number, symbol: number): number {
  const number = 0.5 + (point * (symbol + 1) * Math.SQRT2) % 1.5;
  if (isTame(point)) return number;
  const sign = (point * (symbol + 3) * Math.E) % 2 < 1 ? -1 : 1;
  return sign * number * (point % 2 === 0 ? 1 : 100);
}

/** Derivatives with respect to reductions, as formulas in rows, options, and sums over elements that are no rows. */
class Sums {
  readonly #formula: RowFormula;
  readonly #elements: readonly string[];
  readonly #graph = new Graph();
  readonly #free: (name: string) => string;
  readonly #length: Node;
  /** The sum over a row of what nothing can be taken out of, by that. */
  readonly #known = new Map<Node, Node>();
  readonly #terms = new Map<string, readonly Node[] | undefined>();

  constructor(formula: RowFormula, elements: readonly string[], others: readonly string[]) {
    this.#formula = formula;
    this.#elements = elements;
    this.#free = freeNames([...elements, ...others]);
    const graph = this.#graph;
    this.#length = graph.symbol(this.#free("length"));
    for (const { name, kind, body } of formula.reductions) {
      const row = graph.symbol(name);
      if (kind === "sum") this.#known.set(parse(graph, body), row);
      if (kind === "mean") this.#known.set(parse(graph, body), graph.mul(row, this.#length));
    }
  }

  /** True if the value does not depend on a reduction, all in all. */
  vanishes(name: string): boolean {
    const graph = this.#graph;
    const terms = this.#termsOf(name);
    if (terms === undefined || terms.length < 2) return false;
    const sum = terms.reduce((a, b) => graph.add(a, b));
    if (argumentsFirst(sum).some(({ op }) => PIECES.includes(op))) return false;
    const size = terms.map((term) => graph.apply("abs", term)).reduce((a, b) => graph.add(a, b));
    const texts = { "the sum": print(sum), "its size": print(size) };
    if (texts["the sum"].length > LONGEST) return false;
    const symbols = symbolsOf(size);
    const { element, run } = defineKernels<string, "evaluate">(() => ({
      elements: [...symbols, ...Object.keys(texts)],
      steps: { evaluate: { store: texts } },
      functions: ALL_FUNCTIONS,
      tile: POINTS,
    }))("float64");
    symbols.forEach((symbol, k) => {
      for (let i = 0; i < POINTS; i++) element[symbol]![i] = numberAt(i, k);
    });
    run.evaluate(1, POINTS);
    return element["the sum"]!.subarray(0, POINTS).every((value, i) =>
      Math.abs(value) <= ROUNDING * element["its size"]![i]! || (Number.isNaN(value) && !isTame(i))
    );
  }

  /** The terms of the derivative of the value with respect to a reduction; undefined if they are not known. */
  #termsOf(name: string): readonly Node[] | undefined {
    if (this.#terms.has(name)) return this.#terms.get(name);
    const { reductions, derivatives } = this.#formula;
    const own = derivatives.get(name);
    let terms: readonly Node[] | undefined = own === undefined ? [] : [parse(this.#graph, own)];
    for (const { name: below, kind, couplings } of reductions) {
      const coupling = couplings.find(({ above }) => above === name);
      if (coupling === undefined || terms === undefined) continue;
      const factors = this.#termsOf(below);
      // Which elements an extreme depends on is not known here.
      const isKnown = factors !== undefined && factors.length <= MOST_TERMS &&
        coupling.slope.length <= LONGEST && (kind === "sum" || kind === "mean");
      if (!isKnown) {
        terms = undefined;
        continue;
      }
      const sum = this.#sumOf(parse(this.#graph, coupling.slope));
      const through = kind === "mean" ? this.#graph.div(sum, this.#length) : sum;
      terms = [...terms, ...factors.map((factor) => this.#graph.mul(factor, through))];
    }
    this.#terms.set(name, terms);
    return terms;
  }

  /** The sum of a formula over the elements of a row: what does not depend on them is taken out. */
  #sumOf(node: Node): Node {
    const graph = this.#graph;
    const known = this.#known.get(node);
    if (known !== undefined) return known;
    const [a, b] = node.args as Operands;
    if (this.#isConstant(node)) return graph.mul(node, this.#length);
    if (node.op === "add") return graph.add(this.#sumOf(a), this.#sumOf(b));
    if (node.op === "sub") return graph.sub(this.#sumOf(a), this.#sumOf(b));
    const [rest, factor] = this.#factorOf(node);
    if (factor !== undefined) return graph.mul(factor, this.#sumOf(rest));
    const sum = graph.symbol(this.#free("total"));
    this.#known.set(node, sum);
    return sum;
  }

  /** Takes a sign or a constant factor out of a formula, if there is one. */
  #factorOf(node: Node): [rest: Node, factor: Node | undefined] {
    const graph = this.#graph;
    const [a, b, c] = node.args as Operands;
    if (node.op === "neg") return [a, graph.number(-1)];
    if (node.op === "mul" && this.#isConstant(a)) return [b, a];
    if (node.op === "mul" && this.#isConstant(b)) return [a, b];
    if (node.op === "div" && this.#isConstant(b)) return [a, graph.div(graph.number(1), b)];
    if (node.op === "select" && isNumber(b, 0)) {
      const [rest, factor] = this.#factorOf(c);
      return [graph.select(a, b, rest), factor];
    }
    if (node.op === "select" && isNumber(c, 0)) {
      const [rest, factor] = this.#factorOf(b);
      return [graph.select(a, rest, c), factor];
    }
    return [node, undefined];
  }

  #isConstant(node: Node): boolean {
    return !symbolsOf(node).some((name) => this.#elements.includes(name));
  }
}
