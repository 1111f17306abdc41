/**
 * PoissonNLLLoss: negative log-likelihood of a count whose rate is predicted.
 *
 * PyTorch: `torch.nn.PoissonNLLLoss(log_input, full, eps, reduction)`
 *
 * Shapes: `input` and `target` of the same shape, with any number of axes; an axis of length 1 or a scalar is
 * repeated along the other. The value is a scalar, or with `"none"` of the common shape.
 *
 * Domain: `input` is the logarithm of the rate, any real number; without `logInput` the rate itself, ≥ 0: where x + eps
 * is negative, the loss is NaN. `target` is a count ≥ 0; this is not checked, and it need not be an integer.
 *
 * Value: exp(x) - y x; without `logInput` x - y log(x + eps), with 0 log 0 = 0. At x = ±∞ it is the limit. `full` adds
 * Stirling's formula for log(y!) where y > 1: y log y - y + log(2 π y) / 2.
 *
 * Gradient with respect to `input`: exp(x) - y, the expected count minus the observed one; without `logInput`
 * 1 - y / (x + eps), with 0 / 0 = 0. With respect to `target`: -x, or -log(x + eps), with `full` also log y + 1 / (2 y)
 * where y > 1. At y = 1, where Stirling's formula begins, the value jumps by about -0.08, which the gradient leaves out;
 * with `full` the gradient with respect to a target ≤ 0 is NaN.
 *
 * Range: any real number, as terms without x are left out; with `full` ≥ 0 up to the error of Stirling's formula, 0.08
 * for small counts. The best constant rate is the mean of the counts.
 *
 * Siblings: {@linkcode GaussianNLLLoss} for measurements, {@linkcode MSELoss} for counts so large that their spread
 * hardly depends on the rate.
 *
 * Unlike PyTorch, infinite inputs have their limit, ∞ for ∞ and, with a count of 0, 0 for a logarithm of -∞, and a rate of
 * 0 with a count of 0 has the value 0 without eps too (PyTorch returns NaN); a negative eps is refused, and so are shapes
 * with different numbers of axes; `full` keeps all digits of float64 where the counts are integers (PyTorch computes their
 * logarithms in float32); without `logInput`, a derivative that overflows, in float32 beyond 3e38, stays ∞ whatever upstream
 * gradient it is multiplied by (PyTorch multiplies first).
 *
 * Notebook: `notebooks/poisson_nll.ipynb` of the repository. Reference: J. A. Nelder, R. W. M. Wedderburn, Generalized
 * Linear Models, 1972.
 *
 * @module
 */

import type { Reduction } from "./_core/call/options.ts";
import type { ElementwiseDefinition, LossFormula } from "./_core/elementwise/definition.ts";
import { ElementwiseLoss, type InputAndTarget } from "./_core/elementwise/loss.ts";
import { exp, log } from "./_core/kernel/math.ts";

export type * from "./_core/types.ts";

/** Options of {@linkcode PoissonNLLLoss}. */
export interface PoissonNLLLossOptions {
  /** Whether the input is the logarithm of the rate, or else the rate itself. @default {true} */
  logInput?: boolean | undefined;
  /**
   * Whether Stirling's formula for log(y!) is added, which does not change the gradient with respect to the input.
   *
   * @default {false}
   */
  full?: boolean | undefined;
  /**
   * Without `logInput`, a constant that is added to the rate before its logarithm is taken. Must be ≥ 0; with 0 a rate
   * of 0 gives ∞, or 0 if the count is 0.
   *
   * @default {1e-8}
   */
  eps?: number | undefined;
  /** Keep the value of each element, average over all of them, or add them up. @default {"mean"} */
  reduction?: Reduction | undefined;
}

// Naive: minus the logarithm of exp(-λ) λ^y / y!. At y = 171 y! is ∞, and at λ = 746 (float32: 104) exp(-λ) is 0.
const STIRLING = "(y > 1 ? y * log(y) - y + log(2 * pi * y) / 2 : 0)";
// 0 log y is 0, and NaN for y ≤ 0.
const STIRLING_GRAD = "(y > 1 ? log(y) + 1 / (2 * y) : 0 * log(y))";

// The bound of 1000 keeps y x finite, so that ∞ - y x is ∞ and not NaN: exp(x) is ∞ from x = 710 on, and no finite x has
// a logarithm above 710.
const formula = {
  value: "exp(x) - (y == 0 ? 0 : y * min(x, 1000))",
  grad: { input: "exp(x) - y", target: "-x" },
} satisfies LossFormula;

const rateFormula: typeof formula = {
  value: "x - (y == 0 and x + eps == 0 ? 0 : y * min(log(x + eps), 1000))",
  grad: { input: "1 - (y == 0 and x + eps == 0 ? 0 : y / (x + eps))", target: "-log(x + eps)" },
};

const withStirling = ({ value, grad }: typeof formula): typeof formula => ({
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
  functions: { exp, log },
};

/**
 * Negative log-likelihood of a count: the loss for predictions of how often something happens.
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
