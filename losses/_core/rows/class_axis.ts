/**
 * Tensors with a class axis: one row of scores for each sample, wherever that axis stands.
 *
 * A shape is seen as (outer, classes, inner). With inner = 1 the scores of a sample lie side by side and tiles
 * of many rows are copied at once; else a tile is transposed on its way into the scratch memory and back, so
 * that kernels see rows in either case and no transposed copy of the whole is ever made.
 */

import { load, unload } from "../kernel/kernels.ts";
import type { FloatArray } from "../tensor/types.ts";

/** A shape seen as rows of scores. */
export interface ClassAxis {
  readonly classes: number;
  /** Number of positions behind the class axis. */
  readonly inner: number;
  /** Number of rows. */
  readonly samples: number;
  /** The shape without the class axis. */
  readonly sampleShape: readonly number[];
}

/** Sees `shape` as rows along `axis`. */
export function classAxis(shape: readonly number[], axis: number): ClassAxis {
  let inner = 1;
  let samples = 1;
  const sampleShape: number[] = [];
  for (let i = 0; i < shape.length; i++) {
    if (i === axis) continue;
    if (i > axis) inner *= shape[i];
    samples *= shape[i];
    sampleShape.push(shape[i]);
  }
  return { classes: shape[axis], inner, samples, sampleShape };
}

/** Where the score of `sample` for class `c` stands. */
export function at({ classes, inner }: ClassAxis, sample: number, c: number): number {
  if (inner === 1) return sample * classes + c;
  const outer = Math.floor(sample / inner);
  return (outer * classes + c) * inner + (sample - outer * inner);
}

/** Copies samples [start, end) into a tile, one row each. */
export function loadRows(
  operand: FloatArray,
  data: FloatArray,
  axis: ClassAxis,
  start: number,
  end: number,
): void {
  const { classes, inner } = axis;
  if (inner === 1) return load(operand, data, start * classes, end * classes);
  for (let sample = start, to = 0; sample < end; sample++) {
    let from = at(axis, sample, 0);
    for (let c = 0; c < classes; c++, from += inner) operand[to++] = data[from];
  }
}

/** Copies a tile back to where {@linkcode loadRows} has taken it from. */
export function unloadRows(
  operand: FloatArray,
  data: FloatArray,
  axis: ClassAxis,
  start: number,
  end: number,
): void {
  const { classes, inner } = axis;
  if (inner === 1) return unload(operand, data, start * classes, end * classes);
  for (let sample = start, from = 0; sample < end; sample++) {
    let to = at(axis, sample, 0);
    for (let c = 0; c < classes; c++, to += inner) data[to] = operand[from++];
  }
}

/** Copies `cols` neighbouring samples into a tile, one column each; `place` is where the row of a class begins. */
export function loadColumns(
  operand: FloatArray,
  data: FloatArray,
  classes: number,
  cols: number,
  place: (c: number) => number,
): void {
  for (let c = 0; c < classes; c++) {
    const from = place(c);
    operand.set(data.subarray(from, from + cols), c * cols);
  }
}

/** Copies a tile back to where {@linkcode loadColumns} has taken it from. */
export function unloadColumns(
  operand: FloatArray,
  data: FloatArray,
  classes: number,
  cols: number,
  place: (c: number) => number,
): void {
  for (let c = 0; c < classes; c++) data.set(operand.subarray(c * cols, (c + 1) * cols), place(c));
}

/** The most rows that a tile may have, and elements enough to make a call of a kernel worth while. */
export const MOST_ROWS = 16384;

/** How many rows are worked on together: enough to make a call of a kernel worth while, few enough for tile and cache. */
export function rowsPerTile(
  classes: number,
  { tile, tileRows }: { readonly tile: number; readonly tileRows: number },
): number {
  const elements = Math.min(tile, MOST_ROWS);
  return Math.max(1, Math.min(tileRows, Math.floor(elements / Math.max(1, classes))));
}
