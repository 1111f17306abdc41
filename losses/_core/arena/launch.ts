/**
 * How kernels in the arena reach the threads, if there are any: see threads.ts. Whoever uses none does not load their code.
 */

/** A kernel: runs over so many rows, its operands being where the table at this address says. */
export type ArenaKernel = (rows: number, table: number) => void;

/**
 * Runs a kernel on all threads.
 *
 * @param kernel The kernel.
 * @param module Its module, or the number of the function that workers have in its place.
 * @param table Its table, see encoder.ts.
 * @param steps By operand, how many bytes its rows lie apart; its columns, if these are shared.
 * @param rows How many rows there are.
 * @param cols How many columns there are.
 * @param sharesColumns Whether threads share columns rather than rows.
 * @param work How much work it is, see {@linkcode leastShared}.
 * @returns False if nothing was run.
 */
export type Launch = (
  kernel: ArenaKernel,
  module: Uint8Array | number,
  table: Int32Array,
  steps: Int32Array,
  rows: number,
  cols: number,
  sharesColumns: boolean,
  work: number,
) => boolean;

/** Runs kernels on threads, if there are any. */
export let launch: Launch | undefined;

/**
 * How much work is shared at least among threads that are awake, in instructions of kernels times elements, of which one thread does
 * about 50 in a nanosecond: see tests/bench/README.md.
 */
const LEAST_SHARED = 500_000;
export let leastShared: number = LEAST_SHARED;

/** Sets how much work is shared at least: tests share all of it. */
export function shareFrom(work: number = LEAST_SHARED): void {
  leastShared = work;
}

/** Sets what runs kernels on threads. */
export function launchWith(given: Launch | undefined): void {
  launch = given;
}
