/**
 * How kernels in the arena reach the threads, if there are any: see threads.ts. Whoever uses none does not load their code.
 */

/** A kernel: runs over so many rows, its operands being where the table at this address says. */
export type ArenaKernel = (rows: number, table: number) => void;

/** A function in place of a kernel, and whether its scores are float64: see functions.ts. */
export interface Visiting {
  readonly visit: unknown;
  readonly isWide: boolean;
}

/** A kernel, and how workers get it: its module, or the function that they have, too. */
export interface Step {
  readonly kernel: ArenaKernel;
  readonly module: Uint8Array | Visiting;
}

/**
 * Runs kernels, one after the other, on all threads: each thread runs all of them for some of the rows, or columns.
 *
 * @param steps The kernels.
 * @param table Their table, see encoder.ts.
 * @param distances By operand, how many bytes its rows lie apart; its columns, if these are shared.
 * @param rows How many rows there are.
 * @param cols How many columns there are.
 * @param heights If threads share columns rather than rows, how many rows each kernel has.
 * @param work How much work it is, see {@linkcode leastShared}.
 * @returns False if nothing was run.
 */
export type Launch = (
  steps: readonly Step[],
  table: Int32Array,
  distances: Int32Array,
  rows: number,
  cols: number,
  heights: readonly number[] | undefined,
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
