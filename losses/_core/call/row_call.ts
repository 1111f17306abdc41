/**
 * The frame around the mathematics of a loss with one value per row: what the request asks for, the upstream gradient of
 * each row, where its value goes, and what a mean divides by.
 */

import { scalar, SCALAR_SHAPE, type Tensor, zeros } from "../tensor/tensor.ts";
import type { FloatArray, FloatType } from "../tensor/types.ts";
import type { Reduction } from "./options.ts";
import { checkRequest, type Differentiable, type Request, type ValueAndGrad } from "./request.ts";

/** What a loss says about a call before it goes through the rows. */
export interface RowCallOptions extends Omit<Differentiable, "valueShape"> {
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

/** One call of a loss with one value per row. */
export class RowCall {
  readonly dtype: FloatType;
  readonly reduction: Reduction;
  /** The tensors that gradients are written into, by name; only those that are asked for. */
  readonly grad: Readonly<Record<string, Tensor>>;
  /** What the sum of the values is divided by, and each upstream gradient with it: the scale, for a mean times the divisor. */
  readonly divisor: number;
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
    const { gradOutput, grad } = checkRequest(loss, request, {
      dtype,
      valueShape: isDense ? rowShape : SCALAR_SHAPE,
      shapes: options.shapes,
      defaults: options.defaults,
      inputs: options.inputs,
    });
    this.dtype = dtype;
    this.reduction = reduction;
    this.grad = grad;
    this.#scale = scale;
    this.divisor = reduction === "mean" ? scale * options.divisor : scale;
    this.#gradOutput = gradOutput;
    this.#each = isDense ? zeros(dtype, rowShape) : undefined;
  }

  /** The numbers that a gradient is written into; undefined if it is not asked for. */
  gradData(name: string): FloatArray | undefined {
    return this.grad[name]?.data as FloatArray | undefined;
  }

  /** The upstream gradient of a row, not yet divided by the divisor. */
  upstream(row: number): number {
    const gradOutput = this.#gradOutput;
    return typeof gradOutput === "number" ? gradOutput : gradOutput[row]!;
  }

  /** The upstream gradient of `count` rows from `start` on: one number for all, or only with reduction "none" one for each. */
  upstreamOf(start: number, count: number): number | FloatArray {
    const gradOutput = this.#gradOutput;
    return typeof gradOutput === "number" ? gradOutput : gradOutput.subarray(start, start + count);
  }

  /**
   * Takes the value of a row, not yet divided by the scale.
   *
   * A value is a number of the call's type, whether it is kept or added up, as in PyTorch: a mean is the mean of what "none"
   * returns, in every layout and however the work is divided. Sums are kept in float64.
   */
  put(row: number, value: number): void {
    const scale = this.#scale;
    if (this.#each !== undefined) this.#each.data[row] = value / scale;
    else this.#total += this.dtype === "float32" ? Math.fround(value / scale) * scale : value;
  }

  /** Takes the values of `count` rows from `start` on, which need no scale, and their sum. */
  putAll(start: number, count: number, values: FloatArray, sum: number): void {
    if (this.#each !== undefined) this.#each.data.set(values.subarray(0, count), start);
    else this.#total += sum;
  }

  /** The answer, when all rows have been put. */
  answer(): ValueAndGrad<string> {
    const value = this.#each ?? scalar(this.dtype, this.#total / this.divisor);
    return { value, grad: this.grad };
  }
}
