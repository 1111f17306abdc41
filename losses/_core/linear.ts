/**
 * Matrix products, for the losses that own a linear layer.
 *
 * All products of such a layer are a · b with one factor seen through a transposition, which costs nothing but
 * other strides: scores y = x · wᵀ, and for their gradient g, dx = g · w and dw = gᵀ · x.
 *
 * A tile of the result is worked on in the kernels' scratch memory. Each step adds {@linkcode DEPTH} columns of a
 * times as many rows of b to it, so that a number of the tile is loaded and stored once for eight multiply-adds; eight
 * is where the vector registers run out. The tile goes back and forth between two operands, as no kernel may store what it reads.
 */

import { defineKernels, type FloatArray } from "./formula/kernels.ts";
import type { FloatType } from "./formula/program.ts";

/** Numbers in an array, seen as a matrix: the element in row r and column c stands at start + r · down + c · across. */
export interface Matrix {
  readonly data: FloatArray;
  readonly rows: number;
  readonly columns: number;
  readonly start: number;
  readonly down: number;
  readonly across: number;
}

/**
 * Sees numbers as a matrix whose rows lie one after the other.
 *
 * @param data The numbers.
 * @param rows The number of rows.
 * @param columns The number of columns.
 * @returns The matrix; the numbers are not copied.
 */
export function matrix(data: FloatArray, rows: number, columns: number): Matrix {
  return { data, rows, columns, start: 0, down: columns, across: 1 };
}

/** Some rows of a matrix, from row `first` on. */
export function rowsOf(all: Matrix, first: number, rows: number): Matrix {
  return { ...all, rows, start: all.start + first * all.down };
}

/** The same numbers with rows and columns exchanged. */
export function transpose({ data, rows, columns, start, down, across }: Matrix): Matrix {
  return { data, rows: columns, columns: rows, start, down: across, across: down };
}

/** Terms that one step adds. */
const DEPTH = 8;
/** Elements, columns and rows of a tile: both of its operands stay in the L2 cache. */
const TILE = 65536;
const TILE_COLUMNS = 512;
const TILE_ROWS = 256;
/** Terms that are added up in float32; sums of more are sums, in float64, of such sums. */
const FLOAT32_TERMS = 256;

const indices = Array.from({ length: DEPTH }, (_, i) => i);
const terms = indices.map((i) => `a${i} * b${i}`).join(" + ");
const kernels = defineKernels({
  elements: ["even", "odd"],
  columns: indices.map((i) => `b${i}`),
  rows: indices.map((i) => `a${i}`),
  steps: {
    start: { store: { even: terms } },
    toOdd: { store: { odd: `even + ${terms}` } },
    toEven: { store: { even: `odd + ${terms}` } },
  },
  tile: TILE,
  tileRows: TILE_ROWS,
});

/**
 * Multiplies two matrices.
 *
 * @param dtype The type of all numbers.
 * @param a A matrix.
 * @param b A matrix with as many rows as `a` has columns.
 * @param result Where the product goes.
 * @param add Whether it is added to what stands there.
 */
export function multiply(
  dtype: FloatType,
  a: Matrix,
  b: Matrix,
  result: Matrix,
  add = false,
): void {
  const { element, column, row, run } = kernels(dtype);
  const as = indices.map((i) => row[`a${i}`]);
  const bs = indices.map((i) => column[`b${i}`]);
  const across = transpose(b);
  const depth = a.columns;
  const width = Math.min(TILE_COLUMNS, b.columns);
  const height = Math.min(TILE_ROWS, a.rows, Math.floor(TILE / Math.max(1, width)));
  const blockTerms = dtype === "float32" ? FLOAT32_TERMS : Math.max(1, depth);
  const sums = depth > blockTerms ? new Float64Array(height * width) : undefined;

  for (let r0 = 0; r0 < a.rows; r0 += height) {
    const rows = Math.min(height, a.rows - r0);
    for (let c0 = 0; c0 < b.columns; c0 += width) {
      const columns = Math.min(width, b.columns - c0);
      const size = rows * columns;
      let tile = element.even;
      if (depth === 0) tile.fill(0, 0, size);
      sums?.fill(0);
      for (let block = 0; block < depth; block += blockTerms) {
        const end = Math.min(block + blockTerms, depth);
        for (let k = block; k < end; k += DEPTH) {
          for (const i of indices) {
            copyColumn(as[i], a, r0, rows, k + i, end);
            copyColumn(bs[i], across, c0, columns, k + i, end);
          }
          if (k === block) {
            run.start(rows, columns);
            tile = element.even;
          } else if (tile === element.even) {
            run.toOdd(rows, columns);
            tile = element.odd;
          } else {
            run.toEven(rows, columns);
            tile = element.even;
          }
        }
        if (sums) { for (let i = 0; i < size; i++) sums[i] += tile[i]; }
      }
      store(sums ?? tile, result, r0, c0, rows, columns, add);
    }
  }
}

/** Copies rows [first, first + count) of one column; from column `end` on there are only zeros, which add nothing. */
function copyColumn(
  target: FloatArray,
  { data, start, down, across }: Matrix,
  first: number,
  count: number,
  column: number,
  end: number,
): void {
  let at = start + first * down + column * across;
  if (column >= end) target.fill(0, 0, count);
  else if (down === 1) target.set(data.subarray(at, at + count));
  else for (let i = 0; i < count; i++, at += down) target[i] = data[at];
}

/** Writes a tile, or adds it, to where it belongs in the result. */
function store(
  tile: FloatArray,
  { data, start, down, across }: Matrix,
  r0: number,
  c0: number,
  rows: number,
  columns: number,
  add: boolean,
): void {
  for (let r = 0, i = 0; r < rows; r++) {
    let at = start + (r0 + r) * down + c0 * across;
    for (let c = 0; c < columns; c++, i++, at += across) {
      data[at] = add ? data[at] + tile[i] : tile[i];
    }
  }
}

/**
 * Adds up each column of a matrix.
 *
 * @param a The matrix.
 * @param sums The sums so far, to which the columns are added.
 */
export function addColumnSums(
  { data, rows, columns, start, down, across }: Matrix,
  sums: Float64Array,
): void {
  for (let r = 0; r < rows; r++) {
    let at = start + r * down;
    for (let c = 0; c < columns; c++, at += across) sums[c] += data[at];
  }
}
