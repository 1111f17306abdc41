/**
 * The frame around the mathematics of a loss with one value per row: what the request asks for, the upstream gradient of
 * each row, where its value goes, and what a mean divides by.
 */

import { MOST_ROWS } from "../rows/class_axis.ts";
import { scalar, SCALAR_SHAPE, type Tensor, zeros } from "../tensor/tensor.ts";
import type { FloatArray, FloatType } from "../tensor/types.ts";
import type { Reduction } from "./options.ts";
import { checkRequest, type Differentiable, type Request, type ValueAndGrad } from "./request.ts";

/** What a loss says about a call before it goes through the rows. */
export interface RowCallOptions extends Differentiable {
  /** The class, for error messages. */
  readonly loss: string;
  readonly reduction: Reduction;
  /** The shape of the value with reduction "none". */
  readonly rowShape: readonly number[];
  /** What a mean divides the sum of the values by: their number, or the sum of their weights. */
  readonly divisor: number;
  /** What every value is divided by, whatever the reduction, such as the number of classes; 1 by default. */
  readonly scale?: number;
}

/** Upstream gradients and values of the tile that is worked on: one pair of arrays for all calls, as only one runs at a time. */
let tile: { readonly upstream: Float64Array; readonly values: Float64Array } | undefined;

/** One call of a loss with one value per row. */
export class RowCall {
  readonly dtype: FloatType;
  /** The tensors that gradients are written into, by name; only those that are asked for. */
  readonly grad: Readonly<Record<string, Tensor>>;
  /** What the sum of the values is divided by, and each upstream gradient with it: the scale, for a mean times the divisor. */
  readonly divisor: number;
  /** The upstream gradients of the rows of a tile, not yet divided by the divisor: {@linkcode begin} fills them in. */
  readonly upstream: Float64Array;
  /** Receives the values of the rows of a tile, not yet divided by the scale: {@linkcode end} takes them. */
  readonly values: Float64Array;
  readonly #isSingle: boolean;
  readonly #scale: number;
  readonly #gradOutput: number | FloatArray;
  /** All values, with reduction "none". */
  readonly #each: Tensor | undefined;
  #total = 0;

  /**
   * Checks the request; nothing has been written before.
   *
   * @param options What the loss says about the call.
   * @param request What the caller asked for.
   * @throws {TypeError} If a name is unknown or a buffer is of the wrong kind.
   * @throws {RangeError} If `gradOutput` or a buffer is of the wrong size.
   */
  constructor(options: RowCallOptions, request: Request<string> | undefined) {
    const { loss, reduction, rowShape, dtype, scale = 1 } = options;
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

  /** The numbers that a gradient is written into; undefined if it is not asked for. */
  gradData(name: string): FloatArray | undefined {
    return this.grad[name]?.data as FloatArray | undefined;
  }

  /** The upstream gradient of `count` rows from `start` on: one number for all, or only with reduction "none" one for each. */
  upstreamOf(start: number, count: number): number | FloatArray {
    const gradOutput = this.#gradOutput;
    return typeof gradOutput === "number" ? gradOutput : gradOutput.subarray(start, start + count);
  }

  /** Begins a tile: the upstream gradients of `count` rows from `start` on. */
  begin(start: number, count: number): void {
    const gradOutput = this.upstreamOf(start, count);
    const { upstream } = this;
    if (typeof gradOutput !== "number") upstream.set(gradOutput);
    else for (let r = 0; r < count; r++) upstream[r] = gradOutput;
  }

  /** A value as a number of the call's type. */
  round(value: number): number {
    return this.#isSingle ? Math.fround(value) : value;
  }

  /** Ends a tile: takes the values of `count` rows from `start` on. */
  end(start: number, count: number): void {
    this.take(start, count, this.values);
  }

  /**
   * Takes the values of `count` rows from `start` on, not yet divided by the scale, and where it is known their sum.
   *
   * A value is a number of the call's type, whether it is kept or added up, as in PyTorch: a mean is the mean of what "none"
   * returns, in every layout and however the work is divided. Sums are kept in float64.
   */
  take(start: number, count: number, values: FloatArray, sum?: number): void {
    const scale = this.#scale;
    if (this.#each !== undefined) {
      const { data } = this.#each;
      for (let r = 0; r < count; r++) data[start + r] = values[r]! / scale;
      return;
    }
    let total = 0;
    if (sum !== undefined) total = sum;
    else if (this.dtype === "float64") { for (let r = 0; r < count; r++) total += values[r]!; }
    else if (scale === 1) { for (let r = 0; r < count; r++) total += Math.fround(values[r]!); }
    else for (let r = 0; r < count; r++) total += Math.fround(values[r]! / scale) * scale;
    this.#total += total;
  }

  /**
   * Goes through `count` rows in tiles, for losses without kernels.
   *
   * @param count The number of rows.
   * @param visit Computes the values of a tile; where it can, it returns the sum of them, each rounded.
   */
  tiles(count: number, visit: (start: number, count: number) => number | void): void {
    for (let start = 0; start < count; start += MOST_ROWS) {
      const height = Math.min(MOST_ROWS, count - start);
      this.begin(start, height);
      this.take(start, height, this.values, visit(start, height) ?? undefined);
    }
  }

  /** The answer, when all rows have been taken. */
  answer(): ValueAndGrad<string> {
    const value = this.#each ?? scalar(this.dtype, this.#total / this.divisor);
    return { value, grad: this.grad };
  }
}
