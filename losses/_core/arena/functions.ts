/**
 * The functions that threads can run in place of kernels. Workers get their text when they start.
 */

import { align, gather, SAMPLE, visitSamples } from "./alignments.ts";
import {
  beginColumns,
  COLUMN_OPERANDS,
  finishColumns,
  finishRows,
  labelColumns,
  labelRows,
  ROW_OPERANDS,
  targetRows,
  visitRows,
} from "./labels.ts";
import type { ArenaKernel } from "./launch.ts";

/**
 * Makes a kernel of a function.
 *
 * @param memory The memory in which everything lies that the function reads and writes.
 * @param isWide Whether scores are float64.
 * @param visit The function.
 * @param places What tells it where things are: numbers by name, or the operands in the order of the table.
 */
export type KernelOf = (
  memory: WebAssembly.Memory,
  isWide: boolean,
  visit: never,
  places: never,
) => ArenaKernel;

/** A function after what makes a kernel of it, and before what tells it where things are. */
export type ThreadFunction = readonly [kernelOf: KernelOf, visit: unknown, places: object];

/** All of them. Function k has the number -1 - 2k for scores of float32, -2 - 2k for float64. */
export const FUNCTIONS: readonly ThreadFunction[] = [
  [visitSamples, gather, SAMPLE],
  [visitSamples, align, SAMPLE],
  [visitRows, labelRows, ROW_OPERANDS],
  [visitRows, targetRows, ROW_OPERANDS],
  [visitRows, finishRows, ROW_OPERANDS],
  [visitRows, beginColumns, COLUMN_OPERANDS],
  [visitRows, labelColumns, COLUMN_OPERANDS],
  [visitRows, finishColumns, COLUMN_OPERANDS],
];
