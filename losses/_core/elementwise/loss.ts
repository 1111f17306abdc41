/**
 * The base class of element-wise losses.
 */

import { Loss } from "../call/loss.ts";
import {
  checkOptions,
  optionOf,
  ownOption,
  type Reduction,
  reductionOption,
  tensorOption,
} from "../call/options.ts";
import type { Request, ValueAndGrad } from "../call/request.ts";
import type { Tensor, TensorLike } from "../tensor/tensor.ts";
import type { ElementwiseDefinition, LossFormula } from "./definition.ts";
import { type Driver, driverOf, type ElementwiseOptions } from "./driver.ts";

/** The arguments of a loss that compares a prediction with what it should have been. */
export type InputAndTarget = [input: TensorLike, target: TensorLike];

/**
 * A loss that acts element by element: one formula for its value and one for each gradient.
 *
 * `A` are its arguments, `G` names those with respect to which it can be differentiated, `D` those that it is by default.
 */
export abstract class ElementwiseLoss<
  A extends readonly TensorLike[],
  G extends string,
  D extends G,
> extends Loss<A, G, D> {
  /** Value and gradients with the options of this object. */
  readonly formula: LossFormula;
  readonly #driver: Driver;
  readonly #options: ElementwiseOptions;

  /**
   * Checks options and chooses the formulas.
   *
   * @param definition What makes the loss.
   * @param options What the constructor was given.
   * @throws {TypeError} If an option is unknown or of the wrong kind.
   * @throws {RangeError} If an option's value is not allowed.
   */
  protected constructor(definition: ElementwiseDefinition, options: object) {
    super(definition.arguments.map(({ name }) => name));
    const { loss, options: own = {}, tensors = [], weight, reductions } = definition;
    checkOptions(loss, options, [
      ...Object.keys(own),
      "reduction",
      ...weight === undefined ? [] : ["weight"],
      ...tensors.map(({ name }) => name),
    ]);
    const given = options as Readonly<Record<string, unknown>>;
    const values: Record<string, number | boolean | Tensor | undefined> = {};
    const params: Record<string, number> = {};
    for (const [name, option] of Object.entries(own)) {
      const value = values[name] = optionOf(loss, name, option, ownOption(options, name));
      if (typeof value === "number") params[name] = value;
    }
    const reduction = reductionOption<Reduction | "batchmean">(loss, given.reduction, reductions);
    const weights = weight === undefined ? undefined : tensorOption(given.weight, "weight");
    const repeated: Record<string, Tensor> = {};
    for (const { name, symbol } of tensors) {
      const tensor = values[name] = tensorOption(given[name], name);
      if (tensor !== undefined) repeated[symbol] = tensor;
    }
    const { formula } = definition;
    this.formula = typeof formula === "function" ? formula(values) : formula;
    this.#driver = driverOf(definition, this.formula);
    this.#options = {
      reduction: reduction === "batchmean" ? "mean" : reduction,
      meanOver: reduction === "batchmean" ? "batch" : "elements",
      params,
      tensors: repeated,
      weight: weights,
    };
  }

  /** @ignore */
  protected override evaluate(
    args: A,
    request: Request<string> | undefined,
  ): ValueAndGrad<string> {
    return this.#driver.evaluate(this.#options, args, request);
  }
}
