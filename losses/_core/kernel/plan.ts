/**
 * The plan of a kernel, which both backends read: a vector program, and where its results go.
 *
 * A kernel runs over a tile of `rows` × `cols` elements that lie row by row in a scratch memory.
 * Its operands are of four kinds:
 *
 * | kind    | one value per    | type in memory      |
 * | ------- | ---------------- | ------------------- |
 * | element | row and column   | the kernel's dtype  |
 * | column  | column           | the kernel's dtype  |
 * | row     | row              | float64             |
 * | param   | call             | float64             |
 *
 * It stores results per element or per column, and reduces each row to a sum or a maximum.
 */

import type { ProgramBuilder, Value } from "./program.ts";

/** A result that is written for every element (or column). */
export interface Store {
  readonly kind: "element" | "column";
  readonly offset: number;
  readonly value: Value;
}

/** A result that is accumulated along a row and written, as float64, at the end of the row. */
export interface Reduction {
  readonly kind: "sum" | "max";
  readonly offset: number;
  readonly value: Value;
}

/** A kernel before it is compiled. Offsets are bytes into the scratch memory. */
export interface Plan {
  readonly program: ProgramBuilder;
  readonly stores: readonly Store[];
  readonly reductions: readonly Reduction[];
}

/** A compiled kernel: runs over a tile of `rows` × `cols` elements. */
export type Run = (rows: number, cols: number) => void;
