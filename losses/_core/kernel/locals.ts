/**
 * The numbers of a kernel's locals, see wasm.ts. This module imports nothing: bundlers then write the numbers for the names.
 */

/** Parameters. */
export const ROWS = 0;
export const COLS = 1;
export const PARAMETERS = 2;

/** Other integers: I, J and R are positions in bytes in all rows, in one row and in the row operands. */
export const I = 2;
export const J = 3;
export const R = 4;
export const BLOCKS = 5;
export const FULL = 6;
export const ROW_END = 7;
/** How many they are, parameters included. */
export const INTEGERS = 8;

/** In place of a local, for a value that is computed where it is used. */
export const NONE = -1;
