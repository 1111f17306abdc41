/**
 * Tensors as rows: the numbers along one axis of a common shape, whichever axis that is, for kernels that work on tiles of
 * rows.
 *
 * A tensor of the common shape is copied row by row (class_axis.ts); one that is repeated along an axis is read by strides,
 * and its gradient is summed over the repetitions. Only tiles are ever copied, never a whole tensor.
 *
 * This folder holds what several losses compute for each row: softmax, distances, cosines. It knows no loss, no option and
 * no request.
 */

import type { Copies } from "../kernel/kernels.ts";
import { gather, scatterAdd, stridesAlong } from "../tensor/broadcast.ts";
import type { Tensor } from "../tensor/tensor.ts";
import type { FloatArray } from "../tensor/types.ts";
import {
  aimRows,
  type ClassAxis,
  classAxis,
  loadRows,
  rowsPerTile,
  type Tiling,
  unloadRows,
} from "./class_axis.ts";

/** Gives an operand of a kernel rows [start, end) of a tensor, and returns where they are. */
export type Load = (operand: FloatArray, start: number, end: number) => FloatArray;

/** Takes rows of a result from an operand of a kernel into a tensor. */
export interface Sink {
  /** Lets the kernel write rows [start, end) into the tensor at once, if it can. */
  aim(operand: FloatArray, start: number, end: number): void;
  /** Copies rows [start, end) that are not there yet. */
  store(operand: FloatArray, start: number, end: number): void;
  /** To be called after all rows have been stored. */
  finish(): void;
}

/** A shape as rows along one of its axes. */
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
   * @param shape The shape that all tensors are repeated to; a scalar is one row of one number.
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

  /**
   * Makes a function that reads rows of a tensor.
   *
   * @param kernels The kernels that they are read for.
   * @param tensor The tensor.
   * @param isKept True if nothing else writes into the operand between tiles; false if other kernels run there.
   */
  load(kernels: Copies, tensor: Tensor, isKept = true): Load {
    const data = tensor.data as FloatArray;
    const strides = this.#strides(tensor);
    if (strides === undefined) {
      return (operand, start, end) => loadRows(kernels, operand, data, this.#axis, start, end);
    }
    const shape = this.#rowsLast(this.#shape);
    const isSameInRows = isKept && strides.slice(0, -1).every((step) => step === 0);
    return (operand, start, end) => {
      // If all rows are equal, one copy serves all tiles, as no later tile has more rows than the first.
      if (start === 0 || !isSameInRows) {
        gather(data, strides, shape, start * this.length, end * this.length, kernels.own(operand));
      }
      return operand;
    };
  }

  /** Makes a sink that takes rows from kernels into a tensor, summed where the tensor is repeated. */
  sink(kernels: Copies, tensor: Tensor): Sink {
    const data = tensor.data as FloatArray;
    const strides = this.#strides(tensor);
    if (strides === undefined) {
      return {
        aim: (operand, start, end) => aimRows(kernels, operand, data, this.#axis, start, end),
        store: (operand, start, end) => unloadRows(kernels, operand, data, this.#axis, start, end),
        finish: () => {},
      };
    }
    const shape = this.#rowsLast(this.#shape);
    const sums = new Float64Array(data.length);
    return {
      aim: (operand) => kernels.own(operand),
      store: (operand, start, end) =>
        scatterAdd(strides, shape, start * this.length, end * this.length, operand, sums),
      finish: () => data.set(sums),
    };
  }

  /** Calls `visit` for tiles of rows [start, end). */
  tiles(
    kernels: Tiling,
    visit: (start: number, end: number) => void,
  ): void {
    const height = rowsPerTile(this.length, kernels);
    for (let start = 0; start < this.count; start += height) {
      visit(start, Math.min(start + height, this.count));
    }
  }

  /** The strides of a tensor that is repeated, with those along the rows last; undefined if it has the common shape. */
  #strides({ shape }: Tensor): readonly number[] | undefined {
    const strides = stridesAlong(shape, this.#shape);
    return strides && this.#rowsLast(strides);
  }

  /** Moves the size or stride of the rows' axis to the end. */
  #rowsLast(numbers: readonly number[]): number[] {
    return [...numbers.filter((_, axis) => axis !== this.#at), numbers[this.#at]!];
  }
}
