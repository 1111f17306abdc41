/**
 * How much kernels do at once. This module imports nothing: bundlers then write the numbers for the names.
 */

/** Elements in a tile by default: a few operands of this size stay in the L1 and L2 caches. */
export const TILE = 8192;
/** Elements that one thread works on at once. */
export const BATCH = 16384;

/** Pages of the memory that all kernels share but those for long rows. */
export const SCRATCH_PAGES = 128;
/** The most pages that are kept for long rows when no kernel runs. */
export const KEPT_PAGES = 1024;
/** The most pages of a WebAssembly memory, and the bytes in a page. */
export const MOST_PAGES = 65536;
export const PAGE = 65536;
/** Operands begin at multiples of a cache line. */
export const LINE = 64;
/** Bytes that may be written after the end of an operand: the unused lanes of the last vector. */
export const SLACK = 16;
export const VECTOR_BYTES = 16;

/**
 * Vectors in a block, and the most instructions in a block. Each instruction is written for all vectors of a block before
 * the next one: a constant that is not in a register is then loaded once for four uses, which makes softplus 1.4 times
 * faster. The loop counter and the accumulators, too, change once per block.
 */
export const UNROLL = 4;
export const BLOCK_INSTRUCTIONS = 512;
/** The most instructions that are computed on the stack, each as the argument of the next one. */
export const MAX_DEPTH = 100;
/** The largest number of instructions of a kernel: engines allow functions 50,000 locals. */
export const MAX_INSTRUCTIONS = 40_000;

/** Columns that the interpreter works on at once: few enough that all values of a usual formula stay in the L2 cache. */
export const STRIP = 1024;
/** Fewer if a formula has many values, but at least so many. */
export const MOST_VALUES = 131_072, LEAST_STRIP = 64;
/** Up to so many elements a loop is faster than `set`. */
export const SMALL = 8;
