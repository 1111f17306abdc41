/**
 * A job: one kernel over many rows in the arena, or many columns, which threads share chunk by chunk. In place of a kernel there
 * may be a function that all threads have, see alignments.ts; its rows are samples.
 *
 * The thread that calls a loss describes the job in words of shared memory, opens it, and takes part in it. Each thread claims the
 * next chunk by adding 1 to a counter, until none is left. Chunks lie apart and are computed alone, so that it does not matter
 * which thread computes which.
 *
 * The words may change only while no other thread reads them:
 *
 * - A worker counts itself as active *before* it looks whether the job is open, and reads nothing else if it is not.
 * - The caller closes the job, and then waits until no worker is active. A worker that was active by then has finished its
 *   chunk; one that becomes active later finds the job closed.
 *
 * The caller never waits for a worker that has not begun.
 */

/** The most operands of a kernel. */
export const MOST_OPERANDS = 64;
/** The words of a table: see encoder.ts. */
const TABLE_WORDS = 1 + 2 * MOST_OPERANDS;
const TABLE = 16;
const STEPS = TABLE + TABLE_WORDS;

/** Where everything is in the words. An object, as workers have no access to constants. */
export interface Places {
  /** Counts the jobs; workers sleep until it changes. */
  readonly JOB: number;
  /** 1 while workers may take part in the job. */
  readonly OPEN: number;
  /** The next chunk. */
  readonly NEXT: number;
  /** How many workers take part, or look whether they may. */
  readonly ACTIVE: number;
  /** 1 if a worker could not finish a chunk. */
  readonly FAILED: number;
  /** 1 if workers are to end. */
  readonly STOP: number;
  /** How many workers sleep. */
  readonly ASLEEP: number;
  /** The number of the kernel; below 0 that of a function that workers have, see alignments.ts. */
  readonly KERNEL: number;
  /** Where the kernel's module is, and how many bytes it has. */
  readonly MODULE: number;
  readonly MODULE_BYTES: number;
  /** How many rows (or columns) are shared, and how many a chunk has. */
  readonly SHARED: number;
  readonly CHUNK: number;
  /** How many operands the kernel may have. */
  readonly OPERANDS: number;
  /** The size of the memory in pages. */
  readonly PAGES: number;
  /** If columns are shared, how many rows each has; 0 if rows are shared. */
  readonly HEIGHT: number;
  /** The table of the whole, see encoder.ts. */
  readonly TABLE: number;
  /** By operand, how many bytes its rows (or columns) lie apart. */
  readonly STEPS: number;
  /** How many words a table has, and how many there are in all. */
  readonly TABLE_WORDS: number;
  readonly JOB_WORDS: number;
}

export const PLACES: Places = {
  JOB: 0,
  OPEN: 1,
  NEXT: 2,
  ACTIVE: 3,
  FAILED: 4,
  STOP: 5,
  KERNEL: 6,
  MODULE: 7,
  MODULE_BYTES: 8,
  SHARED: 9,
  CHUNK: 10,
  OPERANDS: 11,
  PAGES: 12,
  HEIGHT: 13,
  ASLEEP: 14,
  TABLE,
  STEPS,
  TABLE_WORDS,
  JOB_WORDS: STEPS + MOST_OPERANDS,
};
