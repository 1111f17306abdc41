/**
 * KLDivLoss: the terms of the Kullback-Leibler divergence of a target distribution from a predicted one.
 *
 * PyTorch: `torch.nn.KLDivLoss(reduction, log_target)`
 *
 * Shapes: `input` and `target` of the same shape, with any number of axes; an axis of length 1 or a scalar is
 * repeated along the other. The value is a scalar, or with `"none"` of the common shape.
 *
 * Domain: `input` holds log-probabilities (of a log-softmax, say); `target` probabilities ≥ 0, or log-probabilities with
 * `logTarget`. Whether they sum to 1 is not checked; a negative probability gives NaN.
 *
 * Value: y (log y - x); with `logTarget` exp(y) (y - x). Both are 0 where the target's probability is 0, whatever x.
 *
 * Gradient with respect to `input`: -y; with `logTarget` -exp(y). With respect to `target`: log y + 1 - x, NaN at y = 0,
 * where the slope is infinite; with `logTarget` exp(y) (y - x + 1), 0 where exp(y) is 0.
 *
 * Range: a single term may be negative. The sum over two distributions is ≥ 0, and 0 only if they are equal: for a given
 * target the minimiser is input = log target.
 *
 * Siblings: {@linkcode CrossEntropyLoss} with probabilities is the same plus the entropy of the target, a constant, so
 * both have the same gradient with respect to the scores.
 *
 * Unlike PyTorch, a target probability of 0 gives the value 0 even at an input of -∞ or, with `logTarget`, a target of -∞
 * (PyTorch computes 0 ∞ = NaN); with `logTarget` the gradient with respect to a target whose exponential overflows is ±∞
 * with the sign of y - x + 1, where PyTorch may compute ∞ - ∞ = NaN; shapes with different numbers of axes are refused, and
 * `"mean"` gives no warning. It averages over all elements, classes included, here as in PyTorch: the divergence per sample
 * is `"batchmean"`.
 *
 * Notebook: `notebooks/kl_div.ipynb` of the repository. Reference: S. Kullback, R. A. Leibler, On Information and
 * Sufficiency, 1951.
 *
 * @module
 */

import type { Reduction } from "./_core/call/options.ts";
import type { ElementwiseDefinition, LossFormula } from "./_core/elementwise/definition.ts";
import { ElementwiseLoss, type InputAndTarget } from "./_core/elementwise/loss.ts";
import { exp, log } from "./_core/kernel/math.ts";

export type * from "./_core/types.ts";

/** The reductions of {@linkcode KLDivLoss}: `"batchmean"` divides the sum by the length of the input's first axis. */
export type KLDivReduction = Reduction | "batchmean";

/** Options of {@linkcode KLDivLoss}. */
export interface KLDivLossOptions {
  /** Whether the target holds logarithms of probabilities, as the input always does. @default {false} */
  logTarget?: boolean | undefined;
  /**
   * Keep the term of each element, average over all of them, add them up, or with `"batchmean"` add them up and divide
   * by the length of the first axis: if that is the number of samples, this is the average divergence.
   *
   * @default {"mean"}
   */
  reduction?: KLDivReduction | undefined;
}

// Naive: y log(y / exp(x)). At y = 0 it is 0 (-∞) = NaN, and ∞ as soon as log(y) - x is 710 (float32: 89), as y / exp(x)
// overflows. A probability of 0 gives 0, unless x is NaN: x == x is false then.
const formula: LossFormula = {
  value: "y == 0 and x == x ? 0 : y * (log(y) - x)",
  // y / y is 1, and NaN at y = 0.
  grad: { input: "-y", target: "log(y) + y / y - x" },
};

const logFormula: LossFormula = {
  value: "exp(y) == 0 and x == x ? 0 : exp(y) * (y - x)",
  grad: { input: "-exp(y)", target: "exp(y) == 0 and x == x ? 0 : exp(y) * (y - x + 1)" },
};

const definition: ElementwiseDefinition = {
  loss: "KLDivLoss",
  arguments: [{ name: "input", symbol: "x" }, { name: "target", symbol: "y" }],
  options: { logTarget: { default: false } },
  formula: ({ logTarget }) => logTarget ? logFormula : formula,
  functions: { exp, log },
  reductions: ["none", "mean", "sum", "batchmean"],
};

/**
 * How far a predicted distribution is from the target, in nats.
 *
 * ```ts
 * import { KLDivLoss } from "@lossbook/losses";
 * import { assertAlmostEquals } from "@std/assert";
 *
 * const loss = new KLDivLoss({ reduction: "batchmean" });
 * const input = [[Math.log(0.5), Math.log(0.5)]];
 * const { value, grad } = loss.valueAndGrad(input, [[0.25, 0.75]]);
 * assertAlmostEquals(value.item(), 0.25 * Math.log(0.25 / 0.5) + 0.75 * Math.log(0.75 / 0.5));
 * assertAlmostEquals(grad.input.data[1], -0.75);
 * ```
 */
export class KLDivLoss extends ElementwiseLoss<InputAndTarget, "input" | "target", "input"> {
  /** Value and gradients as formulas in x (input) and y (target), for a target of probabilities. */
  static readonly formula: LossFormula = formula;

  /**
   * Makes a loss with these options.
   *
   * @param options See {@linkcode KLDivLossOptions}.
   * @throws {TypeError} If an option is unknown or of the wrong kind.
   * @throws {RangeError} If the reduction is unknown.
   */
  constructor(options: KLDivLossOptions = {}) {
    super(definition, options);
  }
}
