/**
 * Formulas: the text that a loss is written in, and what can be done with it.
 *
 * A loss that acts element by element is one line of text for its value and one for each gradient. This module reads
 * such a text, evaluates it with the same kernels as the losses, prints it as LaTeX, and differentiates it.
 *
 * ```ts
 * import { Formula } from "@lossbook/losses/formula";
 * import { assertEquals } from "@std/assert";
 *
 * const formula = new Formula("softplus(x) - x * y");
 * assertEquals(formula.derivative("x").text, "sigmoid(x) - y");
 * assertEquals(formula.latex(), "\\log\\left(1 + e^{x}\\right) - x \\, y");
 * assertEquals([...formula.evaluate({ x: [2, -2], y: [0, 1] }, "float64")].map(Math.fround), [
 *   Math.fround(2 + Math.log1p(Math.exp(-2))),
 *   Math.fround(2 + Math.log1p(Math.exp(-2))),
 * ]);
 * ```
 *
 * The folder formula/ is the language: parse.ts reads a text into a graph (graph.ts), derivative.ts differentiates a graph,
 * text.ts and latex.ts print it. The folder kernel/ is the compiler: lower.ts and math.ts translate a graph into vector
 * instructions (program.ts), wasm.ts and assembler.ts encode these as WebAssembly, interpret.ts runs them where WebAssembly
 * is not allowed, and kernels.ts puts the parts together (plan.ts is what they share).
 *
 * @module
 */

import { derivative } from "./formula/derivative.ts";
import { Graph, isCondition, type Node, symbolsOf } from "./formula/graph.ts";
import { defineKernels } from "./kernel/kernels.ts";
import type { FloatArray, FloatType } from "./tensor/types.ts";
import { latex } from "./formula/latex.ts";
import { parse } from "./formula/parse.ts";
import { print } from "./formula/text.ts";

export type { FloatArray, FloatType };

/** The operand that takes the value; no symbol contains a space. */
const RESULT = "value of the formula";

/** A formula in the symbols of a loss, such as `"abs(x - y)"`. */
export class Formula {
  /** The formula as text. */
  readonly text: string;
  readonly #graph: Graph;
  readonly #root: Node;
  /** The compiled formula by float type. */
  readonly #kernels: ReturnType<typeof defineKernels<string, "evaluate">>;

  /**
   * Reads a formula.
   *
   * @param text The formula; its syntax is a subset of that of mathjs.
   * @throws {SyntaxError} If the text is not a formula.
   */
  constructor(text: string) {
    this.#graph = new Graph();
    this.#root = parse(this.#graph, text);
    this.text = text;
    this.#kernels = defineKernels({
      elements: [...this.symbols, RESULT],
      steps: { evaluate: { store: { [RESULT]: text } } },
    });
  }

  /** The names in the formula, in order of first appearance. */
  get symbols(): string[] {
    return symbolsOf(this.#root);
  }

  /**
   * Differentiates the formula with respect to a symbol, with PyTorch's conventions at kinks.
   *
   * @param symbol The name of the symbol.
   * @returns The derivative.
   */
  derivative(symbol: string): Formula {
    return new Formula(print(derivative(this.#graph, this.#root, symbol)));
  }

  /**
   * Prints the formula as LaTeX.
   *
   * @param names LaTeX for symbols, such as `{ y: "\\hat y" }`.
   * @returns LaTeX without dollar signs.
   */
  latex(names: Readonly<Record<string, string>> = {}): string {
    return latex(this.#root, names);
  }

  /**
   * Evaluates the formula with the same kernel as in a loss. The first call for a float type compiles it.
   *
   * @param scope For each symbol a number, or one number per element.
   * @param dtype The type to compute in.
   * @returns One number per element.
   * @throws {TypeError} If the formula is a condition.
   * @throws {RangeError} If a symbol has no value, or lengths differ.
   */
  evaluate(
    scope: Readonly<Record<string, number | ArrayLike<number>>>,
    dtype: FloatType = "float64",
  ): FloatArray {
    if (isCondition(this.#root)) {
      throw new TypeError(
        `Cannot evaluate the formula as it is a condition: expected is a number, such as '${this.text} ? 1 : 0'`,
      );
    }
    const { symbols } = this;
    const lengths = new Set<number>();
    for (const name of symbols) {
      const value = scope[name];
      if (value === undefined) {
        throw new RangeError(`Cannot evaluate the formula as '${name}' has no value`);
      }
      if (typeof value !== "number") lengths.add(value.length);
    }
    if (lengths.size > 1) {
      throw new RangeError(
        `Cannot evaluate the formula as lengths differ: ${[...lengths].join(" and ")}`,
      );
    }
    const length = lengths.size === 0 ? 1 : [...lengths][0];
    const { element, run, tile } = this.#kernels(dtype);
    const result = dtype === "float32" ? new Float32Array(length) : new Float64Array(length);
    for (let start = 0; start < length; start += tile) {
      const count = Math.min(tile, length - start);
      for (const name of symbols) {
        const value = scope[name];
        for (let i = 0; i < count; i++) {
          element[name][i] = typeof value === "number" ? value : value[start + i];
        }
      }
      run.evaluate(1, count);
      result.set(element[RESULT].subarray(0, count), start);
    }
    return result;
  }
}
