/**
 * The part that is the same in every loss with one value per row: it checks the request, hands out the upstream gradient of
 * each row, takes the values, and reduces them.
 */

import { MOST_ROWS } from "../rows/class_axis.ts";
import { sizeOf } from "../tensor/shape.ts";
import { scalar, SCALAR_SHAPE, type Tensor, zeros } from "../tensor/tensor.ts";
import type { FloatArray, FloatType } from "../tensor/types.ts";
import type { Reduction } from "./options.ts";
import {
  checkRequest,
  type Differentiable,
  type Gradients,
  type Request,
  type ValueAndGrad,
} from "./request.ts";

/** The description of a call, given by the loss. */
export interface RowCallOptions extends Differentiable {
  /** The class, for error messages. */
  readonly loss: string;
  readonly reduction: Reduction;
  /** The shape of the value with reduction "none". */
  readonly rowShape: readonly number[];
  /** The divisor of a mean: the number of values, or the sum of their weights. */
  readonly divisor: number;
  /** A divisor of every value, whatever the reduction, such as the number of classes; 1 by default. */
  readonly scale?: number;
}

/** The arrays `upstream` and `values` of {@linkcode RowCall}: one pair for all calls, as only one call runs at a time. */
let tile: { readonly upstream: Float64Array; readonly values: Float64Array } | undefined;

/** One call of a loss with one value per row. */
export class RowCall {
  readonly dtype: FloatType;
  /** The tensors to write gradients into, by name; only those that are requested. */
  readonly grad: Gradients;
  /** The divisor of the sum of the values and of every upstream gradient: the scale, for a mean times the number of values. */
  readonly divisor: number;
  /** The upstream gradient of each row of a tile, written by {@linkcode begin}; to be divided by the divisor. */
  readonly upstream: Float64Array;
  /** For the value of each row of a tile, not divided by the scale; read by {@linkcode end}. */
  readonly values: Float64Array;
  readonly #isSingle: boolean;
  readonly #scale: number;
  readonly #gradOutput: number | FloatArray;
  /** The value of each row, with reduction "none". */
  readonly #each: Tensor | undefined;
  #total = 0;

  /**
   * Checks the request. Everything else must have been checked before, and nothing written.
   *
   * @param options The description of the call.
   * @param request The request.
   * @throws {TypeError} If a name is unknown or a buffer is of the wrong kind.
   * @throws {RangeError} If `gradOutput` or a buffer is of the wrong size.
   */
  constructor(options: RowCallOptions, request: Request<string> | undefined) {
    const { loss, reduction, rowShape, dtype } = options;
    // Without rows nothing is divided by the scale: it may be 0, and the sum of no values is 0.
    const scale = sizeOf(rowShape) === 0 ? 1 : options.scale ?? 1;
    const isDense = reduction === "none";
    const { gradOutput, grad } = checkRequest(
      loss,
      request,
      options,
      isDense ? rowShape : SCALAR_SHAPE,
    );
    tile ??= { upstream: new Float64Array(MOST_ROWS), values: new Float64Array(MOST_ROWS) };
    this.dtype = dtype;
    this.#isSingle = dtype === "float32";
    this.grad = grad;
    this.divisor = reduction === "mean" ? scale * options.divisor : scale;
    this.upstream = tile.upstream;
    this.values = tile.values;
    this.#scale = scale;
    this.#gradOutput = gradOutput;
    this.#each = isDense ? zeros(dtype, rowShape) : undefined;
  }

  /** The upstream gradient of `count` rows from `start` on: one number for all rows, or an array with one for each. */
  upstreamOf(start: number, count: number): number | FloatArray {
    const gradOutput = this.#gradOutput;
    return typeof gradOutput === "number" ? gradOutput : gradOutput.subarray(start, start + count);
  }

  /** Begins a tile of `count` rows from `start` on: writes their upstream gradients. */
  begin(start: number, count: number): void {
    const gradOutput = this.upstreamOf(start, count);
    const { upstream } = this;
    if (typeof gradOutput !== "number") upstream.set(gradOutput);
    else for (let r = 0; r < count; r++) upstream[r] = gradOutput;
  }

  /** Rounds a value to the type of the call. */
  round(value: number): number {
    return this.#isSingle ? Math.fround(value) : value;
  }

  /** Ends a tile of `count` rows from `start` on: takes their values. */
  end(start: number, count: number): void {
    this.take(start, count, this.values);
  }

  /**
   * Takes the values of `count` rows from `start` on, not divided by the scale.
   *
   * Each value is rounded to the type of the call before it is added up, as in PyTorch, so that the mean is the mean of the
   * values with reduction "none", whatever the layout and the size of tiles. Sums are float64.
   *
   * @param start The first row.
   * @param count The number of rows.
   * @param values Their values.
   * @param sum The sum of the rounded values of all rows up to these, if it is known.
   */
  take(start: number, count: number, values: FloatArray, sum?: number): void {
    const scale = this.#scale;
    if (this.#each !== undefined) {
      const { data } = this.#each;
      for (let r = 0; r < count; r++) data[start + r] = values[r]! / scale;
      return;
    }
    // One sum after the other, so that it does not matter where tiles begin.
    let total = this.#total;
    if (sum !== undefined) total = sum;
    else if (!this.#isSingle) { for (let r = 0; r < count; r++) total += values[r]!; }
    else if (scale === 1) { for (let r = 0; r < count; r++) total += Math.fround(values[r]!); }
    else for (let r = 0; r < count; r++) total += Math.fround(values[r]! / scale) * scale;
    this.#total = total;
  }

  /**
   * Divides `count` rows into tiles, for losses without kernels.
   *
   * @param count The number of rows.
   * @param visit Computes the values of a tile; `upstream` is as {@linkcode upstreamOf} gives it.
   */
  tiles(
    count: number,
    visit: (start: number, count: number, upstream: number | FloatArray) => void,
  ): void {
    for (let start = 0; start < count; start += MOST_ROWS) {
      const height = Math.min(MOST_ROWS, count - start);
      visit(start, height, this.upstreamOf(start, height));
      this.end(start, height);
    }
  }

  /** The result, after all rows have been taken. */
  result(): ValueAndGrad<string> {
    const value = this.#each ?? scalar(this.dtype, this.#total / this.divisor);
    return { value, grad: this.grad };
  }
}
