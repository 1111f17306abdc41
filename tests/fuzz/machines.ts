/**
 * Evaluates a formula with the kernels on a machine of one's choice. The only file of the fuzzers that knows how kernels are
 * made.
 */
import { defineKernels, type Machine } from "../../losses/_core/kernel/kernels.ts";
import { ALL_FUNCTIONS } from "../../losses/_core/kernel/math.ts";
import type { FloatType } from "../_ulp.ts";

export type { FloatType, Machine };

/** Everything that kernels run on. */
export const MACHINES: readonly Machine[] = ["relaxed", "wasm", "interpreter"];

/** Numbers for the symbols of a formula: x and y for each element, r for the row, p for the call. */
export interface Scope {
  readonly x: readonly number[];
  readonly y: readonly number[];
  readonly r: number;
  readonly p: number;
}

/** As many elements as a tile holds. */
export const MOST_ELEMENTS = 256;
const MOST_ROWS = 16;

const define = defineKernels(() => ({
  elements: ["x", "y", "out0", "out1", "out2"],
  rows: ["r", "sum", "most"],
  params: ["p"],
  steps: {},
  tile: MOST_ELEMENTS,
  tileRows: MOST_ROWS,
  functions: ALL_FUNCTIONS,
}));

/** What a step leaves behind. */
export interface StepResult {
  /** What each formula is at each element. */
  readonly stored: readonly Float64Array[];
  /** The sum and the maximum of the first formula along each row. */
  readonly sum: Float64Array;
  readonly most: Float64Array;
}

/**
 * Evaluates up to three formulas in one kernel, over `rows` rows of equal length; `r` is the scope's for the first row, and 1
 * more for each further one.
 */
export function runStep(
  machine: Machine,
  dtype: FloatType,
  texts: readonly string[],
  { x, y, r, p }: Scope,
  rows = 1,
  withReductions = true,
): StepResult {
  const kernels = define(dtype, machine);
  const { element, row, param } = kernels;
  // What an earlier kernel has left must not matter.
  for (const operand of Object.values(element)) operand.fill(NaN);
  element.x.set(x);
  element.y.set(y);
  row.r[0] = r;
  for (let i = 1; i < rows; i++) row.r[i] = r + i;
  param.p[0] = p;
  const run = kernels.compile({
    store: Object.fromEntries(texts.map((text, i) => [`out${i}`, text])),
    ...withReductions && { sum: { sum: texts[0] }, max: { most: texts[0] } },
  });
  run(rows, x.length / rows);
  const outputs = [element.out0, element.out1, element.out2].slice(0, texts.length);
  return {
    stored: outputs.map((out) => Float64Array.from(out.subarray(0, x.length))),
    sum: row.sum.slice(0, rows),
    most: row.most.slice(0, rows),
  };
}

/** Evaluates one formula. */
export function evaluateOn(
  machine: Machine,
  dtype: FloatType,
  text: string,
  scope: Scope,
): Float64Array {
  return runStep(machine, dtype, [text], scope, 1, false).stored[0];
}
