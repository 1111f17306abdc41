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
 * assertEquals(formula.latex(), "\\operatorname{softplus}\\left(x\\right)-x\\,y");
 * assertEquals([...formula.evaluate({ x: [2, -2], y: [0, 1] }, "float64")].map(Math.fround), [
 *   Math.fround(2 + Math.log1p(Math.exp(-2))),
 *   Math.fround(2 + Math.log1p(Math.exp(-2))),
 * ]);
 * ```
 *
 * The folder formula/ is the language: grammar.ts reads a text, parse.ts makes a graph of it (graph.ts) or says with
 * remedies.ts what to write instead, derivative.ts differentiates a graph, text.ts and latex.ts print it. The folder kernel/ is the compiler: lower.ts and math.ts make vector
 * instructions of a text (program.ts), wasm.ts and assembler.ts encode these as WebAssembly, interpret.ts runs them where
 * WebAssembly is not allowed, operations.ts says what both do with an instruction, and kernels.ts puts the parts together
 * (plan.ts is what they share).
 *
 * @module
 */

import { derivative } from "./formula/derivative.ts";
import { excerpt } from "./formula/excerpt.ts";
import { Graph, isCondition, type Node, symbolsOf } from "./formula/graph.ts";
import { defineKernels, load, tileFor, unload } from "./kernel/kernels.ts";
import { ALL_FUNCTIONS } from "./kernel/math.ts";
import { describe } from "./tensor/describe.ts";
import { showAs } from "./tensor/inspect.ts";
import { isDetached } from "./tensor/shape.ts";
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
  readonly #symbols: readonly string[];
  /** The compiled formula by float type. */
  readonly #kernels: ReturnType<typeof defineKernels<string, "evaluate">>;

  /**
   * Reads a formula.
   *
   * @param text The formula; its syntax is a subset of that of mathjs.
   * @throws {SyntaxError} If the text is not a formula. If it is known where it is wrong, the error's `cause` is
   * `{ index }`, the index of that character.
   * @throws {TypeError} If it is not a string, or a number stands in place of a condition, or the reverse.
   * @throws {RangeError} If it has more than a million characters, parentheses nested more than 200 levels deep, or
   * operators nested more than 1000 levels deep.
   */
  constructor(text: string) {
    isShown ||= showFormulas();
    if (typeof text !== "string") {
      throw new TypeError(
        `Cannot parse the formula as it must be a string: current value is ${describe(text)}`,
      );
    }
    this.#graph = new Graph();
    this.#root = parse(this.#graph, text);
    this.#symbols = symbolsOf(this.#root);
    this.text = text;
    this.#kernels = defineKernels(() => ({
      elements: [...this.#symbols, RESULT],
      steps: { evaluate: { store: { [RESULT]: text } } },
      functions: ALL_FUNCTIONS,
      tile: tileFor(this.#symbols.length + 1),
    }));
  }

  /** The names in the formula, in order of first appearance. */
  get symbols(): string[] {
    return [...this.#symbols];
  }

  /**
   * Differentiates the formula with respect to a symbol, with PyTorch's conventions at kinks.
   *
   * @param symbol The name of the symbol.
   * @returns The derivative.
   * @throws {TypeError} If the symbol is not a string, or the formula is a condition.
   * @throws {RangeError} If the derivative is too large to be a formula; see the constructor.
   */
  derivative(symbol: string): Formula {
    if (typeof symbol !== "string") {
      throw new TypeError(
        `Cannot differentiate the formula as the symbol must be a string: current value is ${
          describe(symbol)
        }`,
      );
    }
    return new Formula(print(derivative(this.#graph, this.#root, symbol)));
  }

  /**
   * Prints the formula as LaTeX.
   *
   * @param names LaTeX for symbols, such as `{ y: "\\hat y" }`.
   * @returns LaTeX without dollar signs.
   * @throws {TypeError} If `names` is not an object.
   */
  latex(names: Readonly<Record<string, string>> = {}): string {
    if (typeof names !== "object" || names === null) {
      throw new TypeError(
        `Cannot print the formula as names must be an object such as { x: "\\hat y" }: current value is ${
          describe(names)
        }`,
      );
    }
    return latex(this.#root, names);
  }

  /**
   * The formula as text.
   *
   * @returns The text that it was made of.
   */
  toString(): string {
    return this.text;
  }

  /**
   * Evaluates the formula with the same kernel as in a loss. The first call for a float type compiles it.
   *
   * @param scope For each symbol a number, or one number per element.
   * @param dtype The type to compute in.
   * @returns One number per element.
   * @throws {TypeError} If the formula is a condition, or a value is neither a number nor a list of numbers.
   * @throws {RangeError} If a symbol has no value, lengths differ, or the formula is too large for a kernel.
   */
  evaluate(
    scope: Readonly<Record<string, number | ArrayLike<number>>>,
    dtype: FloatType = "float64",
  ): FloatArray {
    if (isCondition(this.#root)) {
      const text = excerpt(this.text);
      throw new TypeError(
        `Cannot evaluate the formula as it is a condition: expected is a number, such as '${text} ? 1 : 0'`,
      );
    }
    if (dtype !== "float32" && dtype !== "float64") {
      throw new RangeError(
        `Cannot evaluate the formula as dtype must be "float32" or "float64": current value is ${
          describe(dtype)
        }`,
      );
    }
    // Everything is read before the first copy into the scratch memory: a getter may run a loss.
    const { values, length } = readScope(this.#symbols, scope);
    const { element, run, tile } = this.#kernels(dtype);
    const inputs = this.#symbols.map((name) => element[name]);
    const result = dtype === "float32" ? new Float32Array(length) : new Float64Array(length);
    values.forEach((value, k) => {
      if (typeof value === "number") inputs[k]!.fill(value, 0, Math.min(tile, length));
    });
    for (let start = 0; start < length; start += tile) {
      const end = Math.min(start + tile, length);
      values.forEach((value, k) => {
        if (typeof value !== "number") load(inputs[k]!, value, start, end);
      });
      run.evaluate(1, end - start);
      unload(element[RESULT]!, result, start, end);
    }
    return result;
  }
}

/** True once there has been a formula. */
let isShown = false;

/** Makes all formulas show themselves: as LaTeX in a notebook, which has room for it. */
function showFormulas(): true {
  Object.defineProperty(Formula.prototype, Symbol.for("Jupyter.display"), {
    value(this: Formula) {
      const equation = `$$${this.latex()}$$`;
      return { "text/plain": this.text, "text/markdown": equation, "text/latex": equation };
    },
    configurable: true,
    writable: true,
  });
  return showAs(Formula.prototype);
}

/** The values of symbols, each a number or a copy of a list, and the common length of the lists. */
function readScope(
  symbols: readonly string[],
  scope: unknown,
): { values: (number | Float64Array)[]; length: number } {
  if (typeof scope !== "object" || scope === null) {
    throw new TypeError(
      `Cannot evaluate the formula as scope must be an object with a value for each symbol: current value is ${
        describe(scope)
      }`,
    );
  }
  const values: (number | Float64Array)[] = [];
  const lengths = new Set<number>();
  for (const name of symbols) {
    const value = Object.hasOwn(scope, name) ? (scope as Record<string, unknown>)[name] : undefined;
    if (value === undefined) {
      throw new RangeError(`Cannot evaluate the formula as '${excerpt(name)}' has no value`);
    }
    values.push(typeof value === "number" ? value : readList(name, value, lengths));
  }
  return { values, length: lengths.size === 0 ? 1 : [...lengths][0]! };
}

/** A copy of a list of numbers. Its length is added to `lengths`, and must be the only one there. */
function readList(name: string, value: unknown, lengths: Set<number>): Float64Array {
  const length = typeof value === "object" && value !== null && "length" in value
    ? value.length
    : undefined;
  if (ArrayBuffer.isView(value) && length === 0 && isDetached(value as FloatArray)) {
    throw new TypeError(
      `Cannot evaluate the formula as the memory of '${excerpt(name)}' must not be detached`,
    );
  }
  if (typeof length !== "number" || !Number.isSafeInteger(length) || length < 0) {
    throw new TypeError(
      `Cannot evaluate the formula as '${
        excerpt(name)
      }' must be a number or a list of numbers: current value is ${describe(value)}`,
    );
  }
  if (lengths.add(length).size > 1) {
    throw new RangeError(
      `Cannot evaluate the formula as lengths differ: ${[...lengths].join(" and ")}`,
    );
  }
  const numbers = memoryFor(name, length);
  for (let i = 0; i < length; i++) {
    const number = (value as ArrayLike<unknown>)[i];
    if (typeof number !== "number") {
      throw new TypeError(
        `Cannot evaluate the formula as '${
          excerpt(name)
        }' must hold numbers only: element ${i} is ${describe(number)}`,
      );
    }
    numbers[i] = number;
  }
  return numbers;
}

function memoryFor(name: string, length: number): Float64Array {
  try {
    return new Float64Array(length);
  } catch {
    throw new RangeError(
      `Cannot evaluate the formula as '${
        excerpt(name)
      }' must fit into memory: current length is ${length}`,
    );
  }
}
