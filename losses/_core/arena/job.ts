/**
 * A job: kernels over many rows in the arena, or many columns, which threads share chunk by chunk: for each chunk, the kernels run one
 * after the other. In place of a kernel there may be a function that all threads have, see functions.ts.
 *
 * The thread that calls a loss describes the job in words of shared memory, opens it, and takes part in it. Each thread claims the
 * next chunk by adding 1 to a counter, until none is left. Chunks lie apart and are computed alone, so that it does not matter
 * which thread computes which.
 *
 * There are as many parts as threads, and chunks are claimed from one part after the other. Threads that worked side by side would
 * slow each other down: a processor fetches what comes next in memory, out of the cache of the one that is writing there.
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
/** The most kernels of a job. */
export const MOST_STEPS = 8;
/** The words of a kernel. */
const STEP_WORDS = 4;
/** The words of a table: see encoder.ts. */
const TABLE_WORDS = 1 + 2 * MOST_OPERANDS;
const STEPS = 14;
const TABLE = STEPS + STEP_WORDS * MOST_STEPS;
const DISTANCES = TABLE + TABLE_WORDS;

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
  /** 1 if columns are shared, 0 if rows are. */
  readonly BY_COLUMNS: number;
  /** How many rows (or columns) are shared, and how many a chunk has. */
  readonly SHARED: number;
  readonly CHUNK: number;
  /** How many parts the chunks are divided into. */
  readonly PARTS: number;
  /** How many operands the kernels have. */
  readonly OPERANDS: number;
  /** The size of the memory in pages. */
  readonly PAGES: number;
  /** How many kernels there are. */
  readonly COUNT: number;
  /** The words of the first kernel; those of the others follow. */
  readonly STEPS: number;
  /** Among the words of a kernel, its number; below 0 that of a function that workers have, see functions.ts. */
  readonly KERNEL: number;
  /** Where the kernel's module is, and how many bytes it has. */
  readonly MODULE: number;
  readonly MODULE_BYTES: number;
  /** How many rows the kernel has, if columns are shared. */
  readonly HEIGHT: number;
  /** How many words a kernel has. */
  readonly STEP_WORDS: number;
  /** The table of all rows and columns, from which each thread makes that of a chunk: see encoder.ts. */
  readonly TABLE: number;
  /** By operand, how many bytes its rows (or columns) lie apart. */
  readonly DISTANCES: number;
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
  ASLEEP: 6,
  BY_COLUMNS: 7,
  SHARED: 8,
  CHUNK: 9,
  PARTS: 10,
  OPERANDS: 11,
  PAGES: 12,
  COUNT: 13,
  STEPS,
  KERNEL: 0,
  MODULE: 1,
  MODULE_BYTES: 2,
  HEIGHT: 3,
  STEP_WORDS,
  TABLE,
  DISTANCES,
  TABLE_WORDS,
  JOB_WORDS: DISTANCES + MOST_OPERANDS,
};
