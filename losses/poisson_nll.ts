/**
 * PoissonNLLLoss: minus the log-likelihood of a count whose rate is predicted.
 *
 * PyTorch: `torch.nn.PoissonNLLLoss(log_input, full, eps, reduction)`
 *
 * Shapes: `input` and `target` of the same shape, any number of axes; an axis of length 1 or a scalar is
 * repeated along the other. The value is a scalar, or with `"none"` of the common shape.
 *
 * Domain: `input` is the logarithm of the rate, any real number; without `logInput` the rate itself, ≥ 0, and what makes
 * x + eps negative gives NaN. `target` is a count ≥ 0; this is not checked, and it need not be a whole number.
 *
 * Value: exp(x) - y x; without `logInput` x - y log(x + eps), with 0 log 0 = 0. At x = ±∞ it is the limit. `full` adds
 * Stirling's formula for log(y!) where y > 1: y log y - y + log(2 π y) / 2.
 *
 * Gradient by `input`: exp(x) - y, the expected count minus the one seen; without `logInput` 1 - y / (x + eps), with
 * 0 / 0 = 0. By `target`: -x, or -log(x + eps), with `full` also log y + 1 / (2 y) where y > 1. Stirling's formula sets
 * in with a jump of about -0.08 at y = 1, which has no part in the gradient; with `full` the gradient by a target ≤ 0 is
 * NaN.
 *
 * Range: any real number, as terms without x are left out; `full` brings them back, up to 0.08 for small counts. The
 * minimiser over one shared rate is the mean of the counts.
 *
 * Siblings: {@linkcode GaussianNLLLoss} for measurements, {@linkcode MSELoss} for counts so large that their spread
 * hardly depends on the rate.
 *
 * Unlike PyTorch, infinite inputs have their limit, ∞ for ∞ and, beside a count of 0, 0 for a logarithm of -∞, and a rate of
 * 0 costs a count of 0 nothing without eps either (PyTorch returns NaN); a negative eps is refused, and so are shapes with
 * different numbers of axes; `full` keeps all digits of float64 where the counts are integers (PyTorch computes their
 * logarithms in float32).
 *
 * Notebook: `notebooks/poisson_nll.ipynb`. Reference: J. A. Nelder, R. W. M. Wedderburn, Generalized Linear Models, 1972.
 *
 * @module
 */

import type { Reduction } from "./_core/call/options.ts";
import type { ElementwiseDefinition, LossFormula } from "./_core/elementwise/definition.ts";
import { ElementwiseLoss, type InputAndTarget } from "./_core/elementwise/loss.ts";

/** Options of {@linkcode PoissonNLLLoss}. */
export interface PoissonNLLLossOptions {
  /** Whether the input is the logarithm of the rate rather than the rate. @default {true} */
  logInput?: boolean;
  /** Whether Stirling's formula for log(y!) is added, which the gradient by the input does not notice. @default {false} */
  full?: boolean;
  /**
   * Without `logInput`, what is added to the rate before its logarithm is taken. Must be ≥ 0; with 0 a rate of 0 gives
   * ∞, or 0 beside a count of 0.
   *
   * @default {1e-8}
   */
  eps?: number;
  /** Keep the value of each element, average over all of them, or add them up. @default {"mean"} */
  reduction?: Reduction;
}

// Naive: minus the logarithm of exp(-λ) λ^y / y!. At y = 171 y! is ∞, and at λ = 746 (float32: 104) exp(-λ) is 0.
const STIRLING = "(y > 1 ? y * log(y) - y + log(2 * pi * y) / 2 : 0)";
// 0 log y is 0, and NaN for y ≤ 0.
const STIRLING_GRAD = "(y > 1 ? log(y) + 1 / (2 * y) : 0 * log(y))";

// exp(x) is ∞ long before x = 1000, and so is x at log x = 1000: what is taken from it must not be ∞ as well.
const formula: LossFormula = {
  value: "exp(x) - (y == 0 ? 0 : y * min(x, 1000))",
  grad: { input: "exp(x) - y", target: "-x" },
};

const rateFormula: LossFormula = {
  value: "x - (y == 0 and x + eps == 0 ? 0 : y * min(log(x + eps), 1000))",
  grad: { input: "1 - (y == 0 and x + eps == 0 ? 0 : y / (x + eps))", target: "-log(x + eps)" },
};

const withStirling = ({ value, grad }: LossFormula): LossFormula => ({
  value: `${value} + ${STIRLING}`,
  grad: { input: grad.input, target: `${grad.target} + ${STIRLING_GRAD}` },
});

const definition: ElementwiseDefinition = {
  loss: "PoissonNLLLoss",
  arguments: [{ name: "input", symbol: "x" }, { name: "target", symbol: "y", integers: true }],
  options: {
    logInput: { default: true },
    full: { default: false },
    eps: { default: 1e-8, valid: (eps) => eps >= 0, wanted: "≥ 0" },
  },
  formula({ logInput, full }) {
    const short = logInput ? formula : rateFormula;
    return full ? withStirling(short) : short;
  },
};

/**
 * Minus the log-likelihood of a count: the loss for how often something happens.
 *
 * ```ts
 * import { PoissonNLLLoss } from "@lossbook/losses";
 * import { assertAlmostEquals, assertEquals } from "@std/assert";
 *
 * // A rate of 1 (its logarithm is 0), and counts of 3 and 1.
 * const { value, grad } = new PoissonNLLLoss().valueAndGrad([0, 0], [3, 1]);
 * assertEquals(value.item(), (1 + 1) / 2);
 * assertEquals(grad.input.toArray(), [(1 - 3) / 2, (1 - 1) / 2]);
 *
 * const full = new PoissonNLLLoss({ full: true }).forward([Math.log(10)], [10]).item();
 * assertAlmostEquals(full, -Math.log(Math.exp(-10) * 10 ** 10 / 3628800), 0.01);
 * ```
 */
export class PoissonNLLLoss extends ElementwiseLoss<InputAndTarget, "input" | "target", "input"> {
  /** Value and gradients as formulas in x (input) and y (target), for the default options. */
  static readonly formula: LossFormula = formula;

  /**
   * Makes a loss with these options.
   *
   * @param options See {@linkcode PoissonNLLLossOptions}.
   * @throws {TypeError} If an option is unknown or of the wrong kind.
   * @throws {RangeError} If eps < 0 or NaN, or the reduction is unknown.
   */
  constructor(options: PoissonNLLLossOptions = {}) {
    super(definition, options);
  }
}
