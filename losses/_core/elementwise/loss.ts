/**
 * The base class of element-wise losses.
 */

import { floatType } from "../call/arguments.ts";
import { Loss } from "../call/loss.ts";
import {
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

/** The arguments of a loss that compares a prediction with its target. */
export type InputAndTarget = [input: TensorLike, target: TensorLike];

/**
 * A loss that acts element by element: one formula for its value and one for each gradient.
 *
 * `A` are its arguments, `G` the names that it can be differentiated with respect to, `D` those of them that it is
 * differentiated with respect to by default.
 */
export abstract class ElementwiseLoss<
  A extends readonly TensorLike[],
  G extends string,
  D extends G,
> extends Loss<A, G, D> {
  /** The formulas of value and gradients for the options of this object. */
  readonly formula: LossFormula;
  readonly #driver: Driver;
  readonly #options: ElementwiseOptions;

  /**
   * Checks options and chooses the formulas.
   *
   * @param definition The definition of the loss.
   * @param options The options given to the constructor.
   * @throws {TypeError} If an option is unknown or of the wrong kind.
   * @throws {RangeError} If an option's value is not allowed.
   */
  protected constructor(definition: ElementwiseDefinition, options: object) {
    const { loss, options: own = {}, tensors = [], weight, reductions, sameTypes = false } =
      definition;
    const names = [weight && "weight", ...tensors.map(({ name }) => name)];
    super(loss, definition.arguments.map(({ name }) => name), options, {
      ...Object.fromEntries(Object.entries(own).map(([name, option]) => [name, option.default])),
      reduction: "mean",
      ...Object.fromEntries(names.flatMap((name) => name === undefined ? [] : [[name, undefined]])),
    });
    const values: Record<string, number | boolean | Tensor | undefined> = {};
    const params: number[] = [];
    for (const [name, option] of Object.entries(own)) {
      const value = values[name] = optionOf(loss, name, option, ownOption(options, name));
      if (typeof value === "number") params.push(value);
    }
    const reduction = reductionOption<Reduction | "batchmean">(
      loss,
      ownOption(options, "reduction"),
      reductions,
    );
    const given = names.map((name) =>
      name === undefined ? undefined : tensorOption(ownOption(options, name), name)
    );
    for (const [i, { name }] of tensors.entries()) values[name] = given[1 + i]?.tensor;
    const { formula, shorter } = definition;
    this.formula = typeof formula === "function" ? formula(values) : formula;
    this.#driver = driverOf(definition, shorter?.(values) ?? this.formula);
    this.#options = {
      reduction: reduction === "batchmean" ? "mean" : reduction,
      meanOver: reduction === "batchmean" ? "batch" : "elements",
      params,
      tensors: given.map((option) => option?.tensor),
      types: { isAveraged: reduction === "mean", sameTypes, dtype: floatType(given) },
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
