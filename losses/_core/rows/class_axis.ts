/**
 * Tensors with a class axis: one row of scores for each sample, whichever axis that is.
 *
 * A shape is treated as (outer, classes, inner). With inner = 1 the scores of a sample are adjacent and tiles of many rows
 * are copied at once. Otherwise each tile is transposed when it is copied into the scratch memory and back: kernels see
 * rows in both cases, and the whole tensor is never transposed.
 */

import type { Copies, Kernels } from "../kernel/kernels.ts";
import type { FloatArray } from "../tensor/types.ts";

/** A shape as rows of scores. */
export interface ClassAxis {
  readonly classes: number;
  /** Number of positions after the class axis. */
  readonly inner: number;
  /** Number of rows. */
  readonly samples: number;
  /** The shape without the class axis. */
  readonly sampleShape: readonly number[];
}

/** The rows of a shape along an axis. */
export function classAxis(shape: readonly number[], axis: number): ClassAxis {
  const classes = shape[axis]!;
  // The usual case, which is quicker without loops.
  if (axis === 1 && shape.length === 2) {
    const samples = shape[0]!;
    return { classes, inner: 1, samples, sampleShape: [samples] };
  }
  let inner = 1;
  let samples = 1;
  const sampleShape = shape.slice(0, axis);
  for (let i = 0; i < shape.length; i++) {
    const length = shape[i]!;
    if (i === axis) continue;
    if (i > axis) inner *= length;
    samples *= length;
    if (i > axis) sampleShape.push(length);
  }
  return { classes, inner, samples, sampleShape };
}

/** The index of the score of `sample` for class `c`. */
export function at({ classes, inner }: ClassAxis, sample: number, c: number): number {
  if (inner === 1) return sample * classes + c;
  const outer = Math.floor(sample / inner);
  return (outer * classes + c) * inner + (sample - outer * inner);
}

/** Gives an operand samples [start, end), one row each, and returns where they are. */
export function loadRows(
  kernels: Copies,
  operand: FloatArray,
  data: FloatArray,
  axis: ClassAxis,
  start: number,
  end: number,
): FloatArray {
  const { classes, inner } = axis;
  if (inner === 1) return kernels.load(operand, data, start * classes, end * classes);
  for (let sample = start, to = 0; sample < end; sample++) {
    let from = at(axis, sample, 0);
    for (let c = 0; c < classes; c++, from += inner) operand[to++] = data[from]!;
  }
  return operand;
}

/** Lets kernels write rows [start, end) to where they belong, if they can; {@linkcode unloadRows} is to follow. */
export function aimRows(
  kernels: Copies,
  operand: FloatArray,
  data: FloatArray,
  { classes, inner }: ClassAxis,
  start: number,
  end: number,
): FloatArray {
  if (inner !== 1) return kernels.own(operand);
  return kernels.aim(operand, data, start * classes, end * classes);
}

/** The inverse of {@linkcode loadRows}: copies a tile back. */
export function unloadRows(
  kernels: Copies,
  operand: FloatArray,
  data: FloatArray,
  axis: ClassAxis,
  start: number,
  end: number,
): void {
  const { classes, inner } = axis;
  if (inner === 1) return kernels.unload(operand, data, start * classes, end * classes);
  for (let sample = start, from = 0; sample < end; sample++) {
    let to = at(axis, sample, 0);
    for (let c = 0; c < classes; c++, to += inner) data[to] = operand[from++]!;
  }
}

/** Adjacent samples whose scores are columns: one row for each class. */
export interface Columns {
  readonly data: FloatArray;
  /** The index of the first sample's first score. */
  readonly start: number;
  /** How many samples there are. */
  readonly cols: number;
  readonly axis: ClassAxis;
}

/** Lets kernels read and write an operand where columns belong, if they can; otherwise at its own place. Returns where that is. */
export function placeColumns(
  kernels: Copies,
  operand: FloatArray,
  { data, start, cols, axis }: Columns,
): FloatArray {
  return kernels.spread(operand, data, start, cols, axis.inner) ?? kernels.own(operand);
}

/** Copies columns into a tile. */
export function loadColumns(operand: FloatArray, { data, start, cols, axis }: Columns): void {
  for (let c = 0, from = start; c < axis.classes; c++, from += axis.inner) {
    operand.set(data.subarray(from, from + cols), c * cols);
  }
}

/** The inverse of {@linkcode loadColumns}: copies a tile back. */
export function unloadColumns(operand: FloatArray, { data, start, cols, axis }: Columns): void {
  for (let c = 0, to = start; c < axis.classes; c++, to += axis.inner) {
    data.set(operand.subarray(c * cols, (c + 1) * cols), to);
  }
}

/** The largest number of rows in a tile. */
export const MOST_ROWS = 16384;

/** What kernels say about the size of a tile. */
export type Tiling = Pick<Kernels<never, never>, "tile" | "tileRows" | "batch">;

/** The number of rows in a tile. */
export function rowsPerTile(
  classes: number,
  { tile, tileRows, batch }: Tiling,
): number {
  const elements = Math.min(tile, batch);
  return Math.max(1, Math.min(tileRows, Math.floor(elements / Math.max(1, classes))));
}
