/**
 * HuberLoss: squared error for small residuals, absolute error for large ones.
 *
 * PyTorch: `torch.nn.HuberLoss(reduction, delta)`, `torch.nn.functional.huber_loss(…, weight)`
 *
 * Shapes: `input` and `target` of the same shape, any number of axes; an axis of length 1 or a scalar is
 * repeated along the other. The value is a scalar, or with `"none"` of the common shape.
 *
 * Domain: any real `input` and `target`; whole numbers are welcome as `target`.
 *
 * Value, with e = input - target:
 *
 *     e² / 2                   where |e| < delta
 *     delta (|e| - delta / 2)  elsewhere
 *
 * Gradient by `input`: e, but at least -delta and at most delta; by `target` the opposite. Both branches agree at
 * |e| = delta, in value and gradient: there is no kink.
 *
 * Range: [0, ∞), 0 where input = target. The minimiser over one shared prediction lies between the mean
 * (delta → ∞) and the median (delta → 0) of the targets.
 *
 * Siblings: delta → ∞ is half of {@linkcode MSELoss}; HuberLoss is delta times {@linkcode SmoothL1Loss} with beta
 * = delta; divided by delta it tends to {@linkcode L1Loss} as delta → 0.
 *
 * Unlike PyTorch, float32 with float64 gives float64 (PyTorch keeps the type of the input), and shapes with
 * different numbers of axes are refused.
 *
 * Notebook: `notebooks/huber.ipynb`. Reference: P. J. Huber, Robust Estimation of a Location Parameter, 1964.
 *
 * @module
 */

import { Elementwise, type LossFormula, tensorOption } from "./_core/elementwise.ts";
import {
  checkOptions,
  numberOption,
  type Reduction,
  reductionOption,
} from "./_core/call/options.ts";
import type { Request, ValueAndGrad } from "./_core/call/request.ts";
import type { Tensor, TensorLike } from "./_core/tensor/tensor.ts";

/** Options of {@linkcode HuberLoss}. */
export interface HuberLossOptions {
  /**
   * The residual, in units of the target, at which the square turns into a straight line. Must be > 0; Infinity
   * gives e² / 2 everywhere.
   *
   * @default {1}
   */
  delta?: number;
  /** Keep the value of each element, average over all of them, or add them up. @default {"mean"} */
  reduction?: Reduction;
  /** A factor for each element, of the shape of the loss. The mean is still divided by the number of elements. */
  weight?: TensorLike;
}

const formula: LossFormula = {
  value: "abs(x - y) < delta ? square(x - y) / 2 : delta * (abs(x - y) - delta / 2)",
  grad: {
    input: "max(-delta, min(x - y, delta))",
    target: "max(-delta, min(y - x, delta))",
  },
};

const huber = new Elementwise({
  loss: "HuberLoss",
  arguments: [{ name: "input", symbol: "x" }, { name: "target", symbol: "y", integers: true }],
  params: ["delta"],
  formula,
  weightedMean: "count",
});

/**
 * Squared error for small residuals, absolute error for large ones: an outlier pulls, but not with all its might.
 *
 * ```ts
 * import { HuberLoss } from "@lossbook/losses";
 * import { assertEquals } from "@std/assert";
 *
 * const loss = new HuberLoss({ delta: 2 });
 * const { value, grad } = loss.valueAndGrad([0.5, 10], [0, 0]);
 * assertEquals(value.item(), (0.5 ** 2 / 2 + 2 * (10 - 2 / 2)) / 2);
 * assertEquals(grad.input.toArray(), [0.5 / 2, 2 / 2]);
 * ```
 */
export class HuberLoss {
  /** Value and gradients as formulas in x (input), y (target) and delta. */
  static readonly formula: LossFormula = formula;

  readonly #options: { reduction: Reduction; params: { delta: number }; weight?: Tensor };

  /**
   * Makes a loss with these options.
   *
   * @param options See {@linkcode HuberLossOptions}.
   * @throws {TypeError} If an option is unknown or of the wrong kind.
   * @throws {RangeError} If delta ≤ 0 or NaN, or the reduction is unknown.
   */
  constructor(options: HuberLossOptions = {}) {
    checkOptions("HuberLoss", options, ["delta", "reduction", "weight"]);
    const { delta = 1, reduction = "mean", weight } = options;
    this.#options = {
      params: { delta: numberOption("HuberLoss", "delta", delta, (delta) => delta > 0, "> 0") },
      reduction: reductionOption("HuberLoss", reduction),
      weight: tensorOption(weight),
    };
  }

  /**
   * The loss.
   *
   * @param input Predictions.
   * @param target What they should have been, of the same shape.
   * @returns A scalar, or with reduction `"none"` one value per element.
   * @throws {TypeError} If an argument is no tensor.
   * @throws {RangeError} If the shapes do not go together.
   */
  forward(input: TensorLike, target: TensorLike): Tensor {
    return huber.forward(this.#options, [input, target]);
  }

  /**
   * The loss and its gradients, in one pass.
   *
   * @param input Predictions.
   * @param target What they should have been, of the same shape.
   * @param request Which gradients (default `input`), times which upstream gradient, into which buffers.
   * @returns The value, and a gradient of its argument's shape for each name in `request.wrt`.
   * @throws {TypeError} If an argument is no tensor or a name is unknown.
   * @throws {RangeError} If shapes or sizes do not go together.
   */
  valueAndGrad<W extends "input" | "target" | "weight" = "input">(
    input: TensorLike,
    target: TensorLike,
    request?: Request<W>,
  ): ValueAndGrad<W> {
    return huber.valueAndGrad(this.#options, [input, target], request);
  }
}
