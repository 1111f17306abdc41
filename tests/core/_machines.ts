/** Evaluating formulas on a machine of the test's choice. */
import { Graph, symbolsOf } from "../../losses/_core/formula/graph.ts";
import { parse } from "../../losses/_core/formula/parse.ts";
import { defineKernels, type Machine } from "../../losses/_core/kernel/kernels.ts";
import { ALL_FUNCTIONS } from "../../losses/_core/kernel/math.ts";
import type { FloatType } from "../_ulp.ts";

/** Every machine that runs kernels. */
export const MACHINES: readonly Machine[] = ["relaxed", "wasm", "interpreter"];
export const DTYPES: readonly FloatType[] = ["float32", "float64"];

/** One evaluation: which formula, where its symbols have which values, and on which machine. */
export interface Evaluation {
  readonly text: string;
  /** A number, or one number per element, for each symbol. */
  readonly scope: Readonly<Record<string, number | ArrayLike<number>>>;
  readonly dtype: FloatType;
  readonly machine: Machine;
}

/** What `Formula.evaluate` gives on the machine that it finds, on the one that is asked for. */
export function evaluateOn(
  { text, scope, dtype, machine }: Evaluation,
): Float32Array | Float64Array {
  const symbols = symbolsOf(parse(new Graph(), text));
  const { element, run, tile } = defineKernels(() => ({
    elements: [...symbols, "the result"],
    steps: { evaluate: { store: { "the result": text } } },
    functions: ALL_FUNCTIONS,
  }))(dtype, machine);
  const columns = symbols.map((name) => scope[name]);
  const lengths = columns.map((column) => typeof column === "number" ? 1 : column.length);
  const result = new (dtype === "float32" ? Float32Array : Float64Array)(Math.max(1, ...lengths));
  for (let start = 0; start < result.length; start += tile) {
    const end = Math.min(start + tile, result.length);
    symbols.forEach((name, k) => {
      const column = columns[k];
      for (let i = start; i < end; i++) {
        element[name][i - start] = typeof column === "number" ? column : column[i];
      }
    });
    run.evaluate(1, end - start);
    result.set(element["the result"].subarray(0, end - start), start);
  }
  return result;
}
