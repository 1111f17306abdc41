/**
 * How kernels in the arena reach the threads, if there are any: see threads.ts. Whoever uses none does not load their code.
 */

import type { ArenaKernel } from "./worker.ts";

/**
 * Runs a kernel on all threads.
 *
 * @param kernel The kernel.
 * @param module Its module.
 * @param table Its table, see encoder.ts.
 * @param steps By operand, how many bytes its rows lie apart; its columns, if these are shared.
 * @param rows How many rows there are.
 * @param cols How many columns there are.
 * @param sharesColumns Whether threads share columns rather than rows.
 * @returns False if nothing was run.
 */
export type Launch = (
  kernel: ArenaKernel,
  module: Uint8Array,
  table: Int32Array,
  steps: Int32Array,
  rows: number,
  cols: number,
  sharesColumns: boolean,
) => boolean;

/** Runs kernels on threads, if there are any. */
export let launch: Launch | undefined;

/** Sets what runs kernels on threads. */
export function launchWith(given: Launch | undefined): void {
  launch = given;
}
