/**
 * Tensors as rows: the numbers along one axis of a common shape, wherever that axis stands, for kernels that
 * work on tiles of rows.
 *
 * A tensor of the common shape is copied as it lies (class_axis.ts); one that is repeated along an axis is read along
 * strides, and its gradient is added up on the way back. Neither is ever copied as a whole.
 */

import { along, gather, sameShape, scatterAdd } from "./broadcast.ts";
import { type ClassAxis, classAxis, loadRows, rowsPerTile, unloadRows } from "./class_axis.ts";
import type { FloatArray } from "./formula/kernels.ts";
import type { Run } from "./formula/plan.ts";
import type { Tensor } from "./tensor.ts";

/** Columns [c0, c1) of rows [start, end); part of a row only if it is alone. */
export interface Piece {
  readonly start: number;
  readonly end: number;
  readonly c0: number;
  readonly c1: number;
}

/** Copies a piece of a tensor into an operand of a kernel. */
export type Load = (operand: FloatArray, piece: Piece) => void;

/** Takes pieces of a gradient from an operand of a kernel. */
export interface Sink {
  store(operand: FloatArray, piece: Piece): void;
  /** To be called when all pieces have been stored. */
  finish(): void;
}

/** A shape seen as rows along one of its axes. */
export class Rows {
  /** Number of rows. */
  readonly count: number;
  /** Numbers in a row. */
  readonly length: number;
  /** The shape without the axis. */
  readonly outerShape: readonly number[];
  readonly #shape: readonly number[];
  readonly #axis: ClassAxis;
  readonly #at: number;

  /**
   * @param shape The shape that all tensors are read along; a scalar is one row of one number.
   * @param at The axis that rows run along.
   */
  constructor(shape: readonly number[], at: number) {
    this.#shape = shape;
    this.#at = at;
    this.#axis = shape.length === 0 ? classAxis([1], 0) : classAxis(shape, at);
    this.count = this.#axis.samples;
    this.length = this.#axis.classes;
    this.outerShape = this.#axis.sampleShape;
  }

  /** How a tensor is read. */
  load(tensor: Tensor): Load {
    const data = tensor.data as FloatArray;
    if (sameShape(tensor.shape, this.#shape)) {
      return (operand, { start, end, c0, c1 }) =>
        loadRows(operand, data, this.#axis, start, end, c0, c1);
    }
    const repeated = { data, strides: this.#rowsLast(along(tensor, this.#shape).strides!) };
    const shape = this.#rowsLast(this.#shape);
    return (operand, piece) => {
      const [from, to] = this.#range(piece);
      gather(repeated, shape, from, to, operand);
    };
  }

  /** How a gradient is written. */
  sink(tensor: Tensor): Sink {
    const data = tensor.data as FloatArray;
    if (sameShape(tensor.shape, this.#shape)) {
      return {
        store: (operand, { start, end, c0, c1 }) =>
          unloadRows(operand, data, this.#axis, start, end, c0, c1),
        finish: () => {},
      };
    }
    const strides = this.#rowsLast(along(tensor, this.#shape).strides!);
    const shape = this.#rowsLast(this.#shape);
    const sums = new Float64Array(data.length);
    return {
      store: (operand, piece) => {
        const [from, to] = this.#range(piece);
        scatterAdd(strides, shape, from, to, operand, sums);
      },
      finish: () => data.set(sums),
    };
  }

  /** Calls `visit` for tiles of rows; `loads` are what its steps read. */
  tiles(
    { tile, tileRows }: { readonly tile: number; readonly tileRows: number },
    loads: readonly (readonly [operand: FloatArray, load: Load])[],
    visit: (tile: RowTile) => void,
  ): void {
    const height = this.length <= tile ? rowsPerTile(this.length, tileRows) : 1;
    for (let start = 0; start < this.count; start += height) {
      const end = Math.min(start + height, this.count);
      visit(new RowTile(start, end, this.length, tile, loads));
    }
  }

  /** Sizes or strides with those of the rows' axis at the end. */
  #rowsLast(numbers: readonly number[]): number[] {
    return [...numbers.filter((_, axis) => axis !== this.#at), numbers[this.#at]];
  }

  /** Where a piece begins and ends if rows lie one after the other. */
  #range({ start, end, c0, c1 }: Piece): [from: number, to: number] {
    return [start * this.length + c0, (end - 1) * this.length + c1];
  }
}

/** Some rows in the scratch memory; a row longer than a tile passes through it in pieces, once for each step. */
export class RowTile {
  /** The first row. */
  readonly start: number;
  /** Number of rows. */
  readonly count: number;
  readonly #pieces: Piece[] = [];
  readonly #loads: readonly (readonly [operand: FloatArray, load: Load])[];
  #isLoaded = false;

  /** Rows [start, end) of `length` numbers each, read by `loads`. */
  constructor(
    start: number,
    end: number,
    length: number,
    tile: number,
    loads: readonly (readonly [operand: FloatArray, load: Load])[],
  ) {
    this.start = start;
    this.count = end - start;
    this.#loads = loads;
    for (let c0 = 0; c0 === 0 || c0 < length; c0 += tile) {
      this.#pieces.push({ start, end, c0, c1: Math.min(c0 + tile, length) });
    }
  }

  /** Runs a step that writes sums and maxima of rows, and puts those of the pieces of a long row together. */
  reduce(
    step: Run,
    sums: readonly Float64Array[],
    maxima: readonly Float64Array[] = [],
  ): void {
    const totals = sums.map(() => 0);
    const largest = maxima.map(() => -Infinity);
    for (const piece of this.#pieces) {
      this.#run(step, piece);
      if (this.#pieces.length === 1) return;
      sums.forEach((sum, i) => totals[i] += sum[0]);
      maxima.forEach((maximum, i) => largest[i] = Math.max(largest[i], maximum[0]));
    }
    sums.forEach((sum, i) => sum[0] = totals[i]);
    maxima.forEach((maximum, i) => maximum[0] = largest[i]);
  }

  /** Runs a step that writes an operand for each sink, and hands them over. */
  store(step: Run, sinks: readonly (readonly [operand: FloatArray, sink: Sink])[]): void {
    for (const piece of this.#pieces) {
      this.#run(step, piece);
      for (const [operand, sink] of sinks) sink.store(operand, piece);
    }
  }

  #run(step: Run, piece: Piece): void {
    if (!this.#isLoaded || this.#pieces.length > 1) {
      for (const [operand, load] of this.#loads) load(operand, piece);
      this.#isLoaded = true;
    }
    step(this.count, piece.c1 - piece.c0);
  }
}
