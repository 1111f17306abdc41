/**
 * BCELoss: binary cross entropy of a probability, the negative log-likelihood of a yes-or-no result.
 *
 * PyTorch: `torch.nn.BCELoss(weight, reduction)`
 *
 * Shapes: `input` and `target` of exactly the same shape, with any number of axes. The value is a scalar, or with
 * `"none"` of that shape.
 *
 * Domain: `input` and `target` in [0, 1], of one type; anything else, NaN included, throws.
 *
 * Value: -(y log x + (1 - y) log(1 - x)), each logarithm at least -100, so that the largest value is 100.
 *
 * Gradient with respect to `input`: (x - y) / (x (1 - x)), the denominator at least 1e-12; it does not become 0
 * where a logarithm is cut off at -100. With respect to `target`: log(1 - x) - log x without that bound, so it is
 * infinite at x = 0 and x = 1.
 *
 * Range: [0, 100], 0 where input = target and both are 0 or 1; for a target y in between the smallest value is the
 * entropy of y. The best constant prediction is the mean of the targets.
 *
 * Siblings: {@linkcode BCEWithLogitsLoss} takes scores instead, keeps all digits, and is the one to train with;
 * {@linkcode CrossEntropyLoss} is the same for more than two classes.
 *
 * Notebook: `notebooks/bce.ipynb` of the repository. Reference: I. J. Good, Rational Decisions, 1952.
 *
 * @module
 */

import type { Reduction } from "./_core/call/options.ts";
import type { ElementwiseDefinition, LossFormula } from "./_core/elementwise/definition.ts";
import { checkDomain } from "./_core/elementwise/domains.ts";
import { ElementwiseLoss, type InputAndTarget } from "./_core/elementwise/loss.ts";
import { equalShapes } from "./_core/elementwise/shapes.ts";
import { log, log1p } from "./_core/kernel/math.ts";
import type { TensorLike } from "./_core/tensor/tensor.ts";

export type * from "./_core/types.ts";

/** Options of {@linkcode BCELoss}. */
export interface BCELossOptions {
  /** Keep the value of each element, average over all of them, or add them up. @default {"mean"} */
  reduction?: Reduction | undefined;
  /**
   * A factor for each element, repeated along leading axes and axes of length 1. The mean is still divided by the
   * number of elements.
   */
  weight?: TensorLike | undefined;
}

// Naive: log(1 - x). At x = 1e-17 it is 0, as 1 - x is 1; log1p(-x) is -1e-17. Without the bounds, x = y = 1 gives
// 0 ∞ = NaN.
const formula: LossFormula = {
  value: "-(y * max(log(x), -100) + (1 - y) * max(log1p(-x), -100))",
  grad: {
    // PyTorch rounds 1e-12 to float32, for float64 inputs as well.
    input: "(x - y) / max(x * (1 - x), 9.999999960041972e-13)",
    target: "log1p(-x) - log(x)",
  },
};

const valid = (probability: number) => probability >= 0 && probability <= 1;
const wanted = "between 0 and 1";

const definition: ElementwiseDefinition = {
  loss: "BCELoss",
  arguments: [
    {
      name: "input",
      symbol: "x",
      domain: { formula: "x >= 0 and x <= 1", valid, wanted, check: checkDomain },
    },
    {
      name: "target",
      symbol: "y",
      domain: { formula: "y >= 0 and y <= 1", valid, wanted, check: checkDomain },
    },
  ],
  formula,
  functions: { log, log1p },
  weight: "is repeated",
  checkShapes: equalShapes,
  sameTypes: true,
};

/**
 * Binary cross entropy of a probability: minus the logarithm of the probability of the right answer, in nats.
 *
 * ```ts
 * import { BCELoss } from "@lossbook/losses";
 * import { assertAlmostEquals } from "@std/assert";
 *
 * const { value, grad } = new BCELoss().valueAndGrad([0.2, 0.7], [1, 0]);
 * assertAlmostEquals(value.item(), -(Math.log(0.2) + Math.log(1 - 0.7)) / 2);
 * assertAlmostEquals(grad.input.data[0], (0.2 - 1) / (0.2 * (1 - 0.2)) / 2);
 * assertAlmostEquals(grad.input.data[1], (0.7 - 0) / (0.7 * (1 - 0.7)) / 2);
 * ```
 *
 * If the right answer has a probability that was rounded to 0, the loss is 100 and the gradient says nothing any more:
 *
 * ```ts
 * import { BCELoss } from "@lossbook/losses";
 * import { assertAlmostEquals, assertEquals } from "@std/assert";
 *
 * const { value, grad } = new BCELoss().valueAndGrad([0], [1]);
 * assertEquals(value.item(), 100);
 * assertAlmostEquals(grad.input.data[0], -1e12, 1e4);
 * ```
 */
export class BCELoss extends ElementwiseLoss<InputAndTarget, "input" | "target", "input"> {
  /** Value and gradients as formulas in x (input) and y (target). */
  static readonly formula: LossFormula = formula;

  /**
   * Makes a loss with these options.
   *
   * @param options See {@linkcode BCELossOptions}.
   * @throws {TypeError} If an option is unknown or of the wrong kind.
   * @throws {RangeError} If the reduction is unknown.
   */
  constructor(options: BCELossOptions = {}) {
    super(definition, options);
  }
}
