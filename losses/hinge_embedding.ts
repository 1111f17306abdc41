/**
 * HingeEmbeddingLoss: a distance is to be small for pairs that belong together, and at least the margin for others.
 *
 * PyTorch: `torch.nn.HingeEmbeddingLoss(margin, reduction)`
 *
 * Shapes: `input` and `target` of the same shape, any number of axes; an axis of length 1 or a scalar is
 * repeated along the other. The value is a scalar, or with `"none"` of the common shape.
 *
 * Domain: `input` is a distance, though any real number is taken; `target` is 1 (alike) or -1 (different), whole
 * numbers included, or it throws.
 *
 * Value:
 *
 *     x                   where y = 1
 *     max(0, margin - x)  where y = -1
 *
 * Gradient by `input`: 1 where y = 1; where y = -1 it is -1 up to and including x = margin, and 0 beyond. `target` has
 * none.
 *
 * Range: [0, ∞) for distances. The minimiser is 0 for a pair that is alike, and any x ≥ margin for one that is not.
 *
 * Siblings: {@linkcode CosineEmbeddingLoss} measures the distance itself, by the cosine; {@linkcode TripletMarginLoss}
 * compares two distances with each other rather than each with a margin. The hinge of support vector machines,
 * max(0, 1 - y x), is another loss.
 *
 * Unlike PyTorch, a label other than 1 and -1 throws (PyTorch adds both branches up), and shapes with different numbers of
 * axes are refused.
 *
 * Notebook: `notebooks/hinge_embedding.ipynb`. Reference: R. Hadsell, S. Chopra, Y. LeCun, Dimensionality Reduction by
 * Learning an Invariant Mapping, 2006.
 *
 * @module
 */

import { Elementwise, type LossFormula, SIGNS } from "./_core/elementwise.ts";
import {
  checkOptions,
  numberOption,
  type Reduction,
  reductionOption,
} from "./_core/call/options.ts";
import type { Request, ValueAndGrad } from "./_core/call/request.ts";
import type { Tensor, TensorLike } from "./_core/tensor/tensor.ts";

/** Options of {@linkcode HingeEmbeddingLoss}. */
export interface HingeEmbeddingLossOptions {
  /**
   * The distance, in units of the input, from which a pair that is different costs nothing. Any number; where distances
   * are never negative, 0 or less makes such pairs cost nothing at all.
   *
   * @default {1}
   */
  margin?: number;
  /** Keep the value of each element, average over all of them, or add them up. @default {"mean"} */
  reduction?: Reduction;
}

const formula: LossFormula = {
  value: "y == 1 ? x : hinge(margin - x)",
  grad: { input: "y == 1 ? 1 : margin - x >= 0 ? -1 : 0" },
};

const hingeEmbedding = new Elementwise({
  loss: "HingeEmbeddingLoss",
  arguments: [
    { name: "input", symbol: "x" },
    { name: "target", symbol: "y", integers: true, domain: SIGNS },
  ],
  params: ["margin"],
  formula,
});

/**
 * Pulls pairs that belong together close, and pushes others apart until the margin is reached.
 *
 * ```ts
 * import { HingeEmbeddingLoss } from "@lossbook/losses";
 * import { assertEquals } from "@std/assert";
 *
 * const loss = new HingeEmbeddingLoss({ margin: 2, reduction: "sum" });
 * const { value, grad } = loss.valueAndGrad([0.5, 0.5, 3], [1, -1, -1]);
 * assertEquals(value.item(), 0.5 + (2 - 0.5) + 0);
 * assertEquals(grad.input.toArray(), [1, -1, 0]);
 * ```
 */
export class HingeEmbeddingLoss {
  /** Value and gradient as formulas in x (input), y (target) and margin. */
  static readonly formula: LossFormula = formula;

  readonly #options: { reduction: Reduction; params: { margin: number } };

  /**
   * Makes a loss with these options.
   *
   * @param options See {@linkcode HingeEmbeddingLossOptions}.
   * @throws {TypeError} If an option is unknown or of the wrong kind.
   * @throws {RangeError} If the margin is NaN, or the reduction is unknown.
   */
  constructor(options: HingeEmbeddingLossOptions = {}) {
    checkOptions("HingeEmbeddingLoss", options, ["margin", "reduction"]);
    const { margin = 1, reduction = "mean" } = options;
    this.#options = {
      params: {
        margin: numberOption("HingeEmbeddingLoss", "margin", margin, () => true, "a number"),
      },
      reduction: reductionOption("HingeEmbeddingLoss", reduction),
    };
  }

  /**
   * The loss.
   *
   * @param input Distances.
   * @param target 1 where a pair is alike, -1 where it is not, of the same shape.
   * @returns A scalar, or with reduction `"none"` one value per element.
   * @throws {TypeError} If an argument is no tensor.
   * @throws {RangeError} If the shapes do not go together, or a label is neither 1 nor -1.
   */
  forward(input: TensorLike, target: TensorLike): Tensor {
    return hingeEmbedding.forward(this.#options, [input, target]);
  }

  /**
   * The loss and its gradient, in one pass.
   *
   * @param input Distances.
   * @param target 1 where a pair is alike, -1 where it is not, of the same shape.
   * @param request Which gradient (`input`), times which upstream gradient, into which buffer.
   * @returns The value, and the gradient in the shape of `input`.
   * @throws {TypeError} If an argument is no tensor or a name is unknown.
   * @throws {RangeError} If shapes or sizes do not go together, or a label is neither 1 nor -1.
   */
  valueAndGrad<W extends "input" = "input">(
    input: TensorLike,
    target: TensorLike,
    request?: Request<W>,
  ): ValueAndGrad<W> {
    return hingeEmbedding.valueAndGrad(this.#options, [input, target], request);
  }
}
