/**
 * GaussianNLLLoss: negative log-likelihood of a measurement whose mean and variance are predicted.
 *
 * PyTorch: `torch.nn.GaussianNLLLoss(full, eps, reduction)`
 *
 * Shapes: `input` and `target` of the same shape, with any number of axes; an axis of length 1 or a scalar is
 * repeated along the other. `var` has the shape of `input`, or that shape without its last axis (one variance for each
 * row), or with one axis shortened to 1, or is a scalar. The value is a scalar, or with `"none"` of the common shape.
 *
 * Domain: any real `input` and `target`; `target` may also hold integers. A negative `var` throws; NaN is accepted.
 *
 * Value, with e = input - target and v = max(var, eps): (log v + e² / v) / 2; `full` adds log(2 π) / 2.
 *
 * Gradient with respect to `input`: e / v; with respect to `target` its negative; with respect to `var`:
 * (1 - e² / v) / (2 v). Where var < eps the value is constant, but the gradient with respect to `var` is the one at
 * eps, so that training can increase a variance that is too small.
 *
 * Range: any real number, negative for small variances. For a given mean the best var is e², and the best variance
 * shared by all elements is the mean of e².
 *
 * Siblings: with var = 1 it is half of {@linkcode MSELoss}; {@linkcode PoissonNLLLoss} for counts.
 *
 * Unlike PyTorch, a negative eps is refused, and so are an `input` and a `target` with different numbers of axes; a
 * derivative that overflows, in float32 beyond 3e38, stays ∞ whatever upstream gradient it is multiplied by (PyTorch
 * multiplies first).
 *
 * Notebook: `notebooks/gaussian_nll.ipynb` of the repository. Reference: D. A. Nix, A. S. Weigend, Estimating the
 * Mean and Variance of the Target Probability Distribution, 1994.
 *
 * @module
 */

import type { Reduction } from "./_core/call/options.ts";
import type { ElementwiseDefinition, LossFormula } from "./_core/elementwise/definition.ts";
import { checkDomain } from "./_core/elementwise/domains.ts";
import { ElementwiseLoss } from "./_core/elementwise/loss.ts";
import { log } from "./_core/kernel/math.ts";
import { show } from "./_core/tensor/shape.ts";
import { Tensor, type TensorLike } from "./_core/tensor/tensor.ts";

export type * from "./_core/types.ts";

/** Options of {@linkcode GaussianNLLLoss}. */
export interface GaussianNLLLossOptions {
  /** Whether the constant log(2 π) / 2 is added, which changes no gradient. @default {false} */
  full?: boolean | undefined;
  /**
   * The smallest variance, in squared units of the target: smaller ones are replaced by it. Must be ≥ 0; with 0 a
   * variance of 0 gives NaN or ∞.
   *
   * @default {1e-6}
   */
  eps?: number | undefined;
  /** Keep the value of each element, average over all of them, or add them up. @default {"mean"} */
  reduction?: Reduction | undefined;
}

// Naive: minus the logarithm of exp(-e² / (2 v)) / √(2 π v). At e = 39 √v (float32: 15 √v) it is ∞, as exp is rounded
// to 0.
const formula: LossFormula = {
  value: "(log(max(v, eps)) + square(x - y) / max(v, eps)) / 2",
  grad: {
    input: "(x - y) / max(v, eps)",
    target: "(y - x) / max(v, eps)",
    var: "(1 - square(x - y) / max(v, eps)) / max(v, eps) / 2",
  },
};

const definition: ElementwiseDefinition = {
  loss: "GaussianNLLLoss",
  arguments: [
    { name: "input", symbol: "x" },
    { name: "target", symbol: "y", integers: true },
    {
      name: "var",
      symbol: "v",
      domain: { formula: "not (v < 0)", valid: (v) => !(v < 0), wanted: "≥ 0", check: checkDomain },
    },
  ],
  options: {
    full: { default: false },
    eps: { default: 1e-6, valid: (eps) => eps >= 0, wanted: "≥ 0" },
  },
  formula: ({ full }) =>
    full ? { ...formula, value: `${formula.value} + log(2 * pi) / 2` } : formula,
  functions: { log },
  align: ([input, target, variance]) => [
    input!,
    target!,
    alongInput(variance!, input!.shape),
  ],
  wrt: ["input", "var"],
};

/** The variance with as many axes as the input: a last axis of length 1 is added if it was left out. */
function alongInput(variance: Tensor, shape: readonly number[]): Tensor {
  const own = variance.shape;
  const isRows = own.length === shape.length - 1 && own.every((n, axis) => n === shape[axis]);
  if (isRows) return new Tensor(variance.data, [...own, 1]);
  const differing = own.filter((n, axis) => n !== shape[axis]);
  const isShortened = own.length === shape.length && differing.length === 1 && differing[0] === 1;
  const isSame = own.length === shape.length && differing.length === 0;
  if (own.length === 0 || isSame || isShortened) return variance;
  throw new RangeError(
    `Cannot compute GaussianNLLLoss as var must be a number or have the shape of input, ${
      show(shape)
    }, without its last axis or with one axis of length 1: current shape is ${show(own)}`,
  );
}

/**
 * Negative log-likelihood of a measurement, for a regression that also predicts its own uncertainty.
 *
 * ```ts
 * import { GaussianNLLLoss } from "@lossbook/losses";
 * import { assertAlmostEquals, assertEquals } from "@std/assert";
 *
 * const { value, grad } = new GaussianNLLLoss().valueAndGrad([1, 2], [1.5, 1], [0.5, 2]);
 * const [a, b] = [(Math.log(0.5) + 0.5 ** 2 / 0.5) / 2, (Math.log(2) + 1 ** 2 / 2) / 2];
 * assertAlmostEquals(value.item(), (a + b) / 2);
 * assertEquals(grad.input.toArray(), [-0.5 / 0.5 / 2, 1 / 2 / 2]);
 * assertEquals(grad.var.toArray(), [
 *   (1 - 0.5 ** 2 / 0.5) / (2 * 0.5) / 2,
 *   (1 - 1 ** 2 / 2) / (2 * 2) / 2,
 * ]);
 * ```
 */
export class GaussianNLLLoss extends ElementwiseLoss<
  [input: TensorLike, target: TensorLike, variance: TensorLike],
  "input" | "target" | "var",
  "input" | "var"
> {
  /** Value and gradients as formulas in x (input), y (target), v (var) and eps, for the default options. */
  static readonly formula: LossFormula = formula;

  /**
   * Makes a loss with these options.
   *
   * @param options See {@linkcode GaussianNLLLossOptions}.
   * @throws {TypeError} If an option is unknown or of the wrong kind.
   * @throws {RangeError} If eps < 0 or NaN, or the reduction is unknown.
   */
  constructor(options: GaussianNLLLossOptions = {}) {
    super(definition, options);
  }
}
