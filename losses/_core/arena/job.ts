/**
 * A job: one kernel over many rows in the arena, or many columns, which threads share chunk by chunk.
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

/** Counts the jobs; workers sleep until it changes. */
export const JOB = 0;
/** 1 while workers may take part in the job. */
export const OPEN = 1;
/** The next chunk. */
export const NEXT = 2;
/** How many workers take part, or look whether they may. */
export const ACTIVE = 3;
/** 1 if a worker could not finish a chunk. */
export const FAILED = 4;
/** 1 if workers are to end. */
export const STOP = 5;
/** The kernel: its number, where its module is, and how many bytes that has. */
export const KERNEL = 6, MODULE = 7, MODULE_BYTES = 8;
/** How many rows (or columns) are shared, and how many a chunk has. */
export const SHARED = 9, CHUNK = 10;
/** How many operands the kernel may have. */
export const OPERANDS = 11;
/** The size of the memory. */
export const PAGES = 12;
/** If columns are shared, how many rows each has; 0 if rows are shared. */
export const HEIGHT = 13;
/** The table of the whole, see encoder.ts, and then, by operand, how many bytes its rows (or columns) lie apart. */
export const TABLE = 16;

/** The most operands. */
export const MOST_OPERANDS = 64;
/** The words of a table. */
export const TABLE_WORDS: number = 1 + 2 * MOST_OPERANDS;
/** Where it says how far they lie apart. */
export const STEPS: number = TABLE + TABLE_WORDS;
/** All words of a job. */
export const JOB_WORDS: number = STEPS + MOST_OPERANDS;

/** Where everything is in the words, by the names above. */
export type Places = Readonly<
  Record<
    | "JOB"
    | "OPEN"
    | "NEXT"
    | "ACTIVE"
    | "FAILED"
    | "STOP"
    | "KERNEL"
    | "MODULE"
    | "MODULE_BYTES"
    | "SHARED"
    | "CHUNK"
    | "OPERANDS"
    | "PAGES"
    | "HEIGHT"
    | "TABLE"
    | "STEPS"
    | "TABLE_WORDS"
    | "JOB_WORDS",
    number
  >
>;

/** For workers, which have no access to the constants. */
export const PLACES: Places = {
  JOB,
  OPEN,
  NEXT,
  ACTIVE,
  FAILED,
  STOP,
  KERNEL,
  MODULE,
  MODULE_BYTES,
  SHARED,
  CHUNK,
  OPERANDS,
  PAGES,
  HEIGHT,
  TABLE,
  STEPS,
  TABLE_WORDS,
  JOB_WORDS,
};
