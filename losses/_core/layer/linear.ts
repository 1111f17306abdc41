/**
 * Matrix products, for losses with a linear layer.
 *
 * All products of such a layer are a · b where one factor may be transposed, which only exchanges its strides:
 * scores y = x · wᵀ, and for their gradient g, dx = g · w and dw = gᵀ · x.
 *
 * A tile of the result is computed in the kernels' scratch memory, as four parts, one below the other. One step
 * adds four columns of a times as many rows of b to all parts: each vector of b is loaded once for all parts,
 * and each number of the tile is loaded and stored once for four multiply-adds. Four parts and four terms were
 * fastest: 18 multiply-adds per ns in float32, compared with 12 for one part and eight terms, and 1 for a plain loop. The
 * tile alternates between two operands, as no kernel may write to an operand that it reads.
 *
 * This folder holds what losses with a linear layer share: its products and its parameters. It knows no particular loss.
 */

import { defineKernels } from "../kernel/kernels.ts";
import type { FloatArray, FloatType } from "../tensor/types.ts";

/** Numbers in an array as a matrix: the element in row r and column c has the index start + r · down + c · across. */
export interface Matrix {
  readonly data: FloatArray;
  readonly rows: number;
  readonly columns: number;
  readonly start: number;
  readonly down: number;
  readonly across: number;
}

/**
 * Numbers as a matrix, row by row.
 *
 * @param data The numbers.
 * @param rows The number of rows.
 * @param columns The number of columns.
 * @returns The matrix; the numbers are not copied.
 */
export function matrix(data: FloatArray, rows: number, columns: number): Matrix {
  return { data, rows, columns, start: 0, down: columns, across: 1 };
}

/** `rows` rows of a matrix, from row `first` on. */
export function rowsOf(all: Matrix, first: number, rows: number): Matrix {
  return { ...all, rows, start: all.start + first * all.down };
}

/** The transposed matrix; the numbers are not copied. */
export function transpose({ data, rows, columns, start, down, across }: Matrix): Matrix {
  return { data, rows: columns, columns: rows, start, down: across, across: down };
}

/** Terms that one step adds. */
const depths = [0, 1, 2, 3];
/** Parts of a tile, for which each vector of b is loaded once. */
const parts = [0, 1, 2, 3];
/** Elements in a part, columns and rows of a tile: all operands stay in the L2 cache. */
const PART = 16384;
const TILE_COLUMNS = 512;
const TILE_ROWS = 256;
/** Longest float32 partial sum; partial sums are added in float64. */
const FLOAT32_TERMS = 256;

/** A step that writes, for each part, the operand `from` plus the next terms into the operand `to`. */
const step = (to: string, from?: string) => ({
  store: Object.fromEntries(parts.map((p) => {
    const terms = depths.map((i) => `a${p}${i} * b${i}`).join(" + ");
    return [to + p, from === undefined ? terms : `${from}${p} + ${terms}`];
  })),
});
const kernels = /* @__PURE__ */ defineKernels(() => ({
  elements: parts.flatMap((p) => [`even${p}`, `odd${p}`]),
  columns: depths.map((i) => `b${i}`),
  rows: parts.flatMap((p) => depths.map((i) => `a${p}${i}`)),
  steps: { start: step("even"), toOdd: step("odd", "even"), toEven: step("even", "odd") },
  tile: PART,
  tileRows: TILE_ROWS / parts.length,
}));

/**
 * Multiplies two matrices.
 *
 * @param dtype The type of all numbers.
 * @param a A matrix.
 * @param b A matrix with as many rows as `a` has columns.
 * @param result The matrix to write the product into.
 * @param add Whether the product is added to the numbers that are there.
 */
export function multiply(
  dtype: FloatType,
  a: Matrix,
  b: Matrix,
  result: Matrix,
  add = false,
): void {
  const { element, column, row, run } = kernels(dtype);
  const as = parts.map((p) => depths.map((i) => row[`a${p}${i}`]!));
  const bs = depths.map((i) => column[`b${i}`]!);
  const even = parts.map((p) => element[`even${p}`]!);
  const odd = parts.map((p) => element[`odd${p}`]!);
  const across = transpose(b);
  const depth = a.columns;
  const width = Math.min(TILE_COLUMNS, b.columns);
  const height = Math.min(TILE_ROWS, a.rows, parts.length * Math.floor(PART / Math.max(1, width)));
  const blockTerms = dtype === "float32" ? FLOAT32_TERMS : Math.max(1, depth);
  const sums = depth > blockTerms ? new Float64Array(height * width) : undefined;

  for (let r0 = 0; r0 < a.rows; r0 += height) {
    const rows = Math.min(height, a.rows - r0);
    const partRows = Math.ceil(rows / parts.length);
    /** The number of rows of part p. The kernel computes `partRows` rows of each part; further ones are not used. */
    const rowsIn = (p: number) => Math.max(0, Math.min(partRows, rows - p * partRows));
    for (let c0 = 0; c0 < b.columns; c0 += width) {
      const columns = Math.min(width, b.columns - c0);
      let tile = even;
      if (depth === 0) { for (const part of tile) part.fill(0, 0, partRows * columns); }
      sums?.fill(0);
      for (let block = 0; block < depth; block += blockTerms) {
        const end = Math.min(block + blockTerms, depth);
        for (let k = block; k < end; k += depths.length) {
          for (const i of depths) {
            copyColumn(bs[i]!, across, c0, columns, k + i, end);
            for (const p of parts) {
              copyColumn(as[p]![i]!, a, r0 + p * partRows, rowsIn(p), k + i, end);
            }
          }
          if (k === block) {
            run.start(partRows, columns);
            tile = even;
          } else if (tile === even) {
            run.toOdd(partRows, columns);
            tile = odd;
          } else {
            run.toEven(partRows, columns);
            tile = even;
          }
        }
        for (let p = 0; sums !== undefined && p < parts.length; p++) {
          const part = tile[p]!;
          const first = p * partRows * columns;
          for (let i = 0; i < rowsIn(p) * columns; i++) sums[first + i]! += part[i]!;
        }
      }
      for (const p of parts) {
        const first = p * partRows;
        const part = sums?.subarray(first * columns) ?? tile[p]!;
        store(part, result, r0 + first, c0, rowsIn(p), columns, add);
      }
    }
  }
}

/** Copies rows [first, first + count) of one column; columns from `end` on are treated as zeros, which add nothing. */
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
  else for (let i = 0; i < count; i++, at += down) target[i] = data[at]!;
}

/** Writes a tile into the result, or adds it. */
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
      data[at] = add ? data[at]! + tile[i]! : tile[i]!;
    }
  }
}

/**
 * Sums each column of a matrix.
 *
 * @param a The matrix.
 * @param sums The sums so far, which the numbers are added to.
 */
export function addColumnSums(
  { data, rows, columns, start, down, across }: Matrix,
  sums: Float64Array,
): void {
  for (let r = 0; r < rows; r++) {
    let at = start + r * down;
    for (let c = 0; c < columns; c++, at += across) sums[c]! += data[at]!;
  }
}
