/**
 * Formulas: the text that a loss is written in, and what can be done with it.
 *
 * A loss that acts element by element is one line of text for its value and one for each gradient. This
 * module reads such a text and evaluates it with the very kernels that the losses run, prints it as LaTeX,
 * and differentiates it.
 *
 * ```ts
 * import { Formula } from "@lossbook/losses/formula";
 * import { assertEquals } from "@std/assert";
 *
 * const formula = new Formula("softplus(x) - x * y");
 * assertEquals(formula.derivative("x").text, "sigmoid(x) - y");
 * assertEquals(formula.latex(), "\\operatorname{softplus}\\left(x\\right)-x\\,y");
 * assertEquals([...formula.evaluate({ x: [2, -2], y: [0, 1] }, "float64")].map(Math.fround), [
 *   Math.fround(2 + Math.log1p(Math.exp(-2))),
 *   Math.fround(2 + Math.log1p(Math.exp(-2))),
 * ]);
 * ```
 *
 * Inside, five small files do one thing each: parse.ts (text → graph), graph.ts, lower.ts with math.ts (graph
 * → vector instructions), wasm.ts (instructions → WebAssembly) or interpret.ts (the same without
 * WebAssembly), and kernels.ts puts them together.
 *
 * @module
 */

import { derivative } from "./formula/derivative.ts";
import { Graph, isCondition, type Node, symbolsOf } from "./formula/graph.ts";
import { defineKernels, type Machine, TILE } from "./kernel/kernels.ts";
import type { FloatArray, FloatType } from "./tensor/types.ts";
import { latex } from "./formula/latex.ts";
import { parse } from "./formula/parse.ts";
import { print } from "./formula/text.ts";

export type { FloatArray, FloatType, Machine };

/** A formula in the symbols of a loss, such as `"abs(x - y)"`. */
export class Formula {
  /** The formula as text. */
  readonly text: string;
  readonly #graph: Graph;
  readonly #root: Node;

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
  }

  /** The names that occur in the formula, in order of appearance. */
  get symbols(): string[] {
    return symbolsOf(this.#root);
  }

  /**
   * Differentiates the formula, with PyTorch's conventions at the kinks.
   *
   * @param symbol The name to differentiate by.
   * @returns The derivative, a formula again.
   */
  derivative(symbol: string): Formula {
    return new Formula(print(derivative(this.#graph, this.#root, symbol)));
  }

  /**
   * Prints the formula as LaTeX.
   *
   * @param names How symbols are to be written, such as `{ y: "\\hat y" }`.
   * @returns LaTeX without dollar signs.
   */
  latex(names: Readonly<Record<string, string>> = {}): string {
    return latex(this.#root, names);
  }

  /**
   * Evaluates the formula with the kernel that a loss would run.
   *
   * @param scope A number, or one number per element, for each symbol.
   * @param dtype The type to compute in.
   * @param machine What to run on; the best one there is unless given.
   * @returns One number per element.
   * @throws {TypeError} If the formula is a condition.
   * @throws {RangeError} If a symbol has no value, or lengths differ.
   */
  evaluate(
    scope: Readonly<Record<string, number | ArrayLike<number>>>,
    dtype: FloatType = "float64",
    machine?: Machine,
  ): FloatArray {
    if (isCondition(this.#root)) {
      throw new TypeError(
        `Cannot evaluate the formula as it is a condition: wanted is a number, such as '${this.text} ? 1 : 0'`,
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
    const kernels = defineKernels({
      elements: [...symbols, "value of the formula"],
      steps: { evaluate: { store: { "value of the formula": this.text } } },
    })(dtype, 0, machine);
    const result = dtype === "float32" ? new Float32Array(length) : new Float64Array(length);
    for (let start = 0; start < length; start += TILE) {
      const count = Math.min(TILE, length - start);
      for (const name of symbols) {
        const value = scope[name];
        for (let i = 0; i < count; i++) {
          kernels.element[name][i] = typeof value === "number" ? value : value[start + i];
        }
      }
      kernels.run.evaluate(1, count);
      result.set(kernels.element["value of the formula"].subarray(0, count), start);
    }
    return result;
  }
}
