/**
 * The base class of all losses: their two public methods.
 */

import { describeObject, showAs } from "../tensor/inspect.ts";
import type { Tensor, TensorLike } from "../tensor/tensor.ts";
import { checkOptions } from "./options.ts";
import { type Request, VALUE_ONLY, type ValueAndGrad } from "./request.ts";

/** True once there has been a loss. */
let isShown = false;

/**
 * A loss function with its gradients.
 *
 * `A` are its arguments, `G` the names that it can be differentiated with respect to, `D` those of them that it is
 * differentiated with respect to by default.
 */
export abstract class Loss<
  A extends readonly TensorLike[],
  G extends string,
  D extends G,
> {
  /** The names of the arguments, in the order of a call; the request comes after them. */
  readonly argumentNames: readonly string[];
  readonly #text: string;

  /**
   * To be called by every loss: checks the names of its options.
   *
   * @param name The class, for printing and error messages.
   * @param argumentNames The names of the arguments, in the order of a call.
   * @param options What the constructor was given.
   * @param defaults All options there are, with their defaults; undefined if there is none.
   * @throws {TypeError} If `options` is not an object, or has an unknown name.
   */
  protected constructor(
    name: string,
    argumentNames: readonly string[],
    options: object,
    defaults: Readonly<Record<string, unknown>>,
  ) {
    if (!isShown) isShown = showAs(Loss.prototype);
    checkOptions(name, options, Object.keys(defaults));
    this.argumentNames = Object.freeze([...argumentNames]);
    this.#text = describeObject(name, options, defaults);
  }

  /**
   * The loss as text.
   *
   * @returns Text such as `HuberLoss(delta=2, reduction="mean")`.
   */
  toString(): string {
    return this.#text;
  }

  /**
   * Computes the loss.
   *
   * @param args The arguments, as described by the class.
   * @returns A scalar, or with reduction `"none"` one value per element or sample.
   * @throws {TypeError} If an argument is missing, or of the wrong kind or type.
   * @throws {RangeError} If shapes do not fit together, or a number is outside the domain of the loss.
   */
  forward(...args: A): Tensor {
    return this.evaluate(args, VALUE_ONLY).value;
  }

  /**
   * Computes the loss and its gradients, in one pass.
   *
   * @param args The arguments, as described by the class, and finally the request: the gradients to compute, the upstream
   * gradient, and the buffers to write into.
   * @returns The value, and for each name in the request's `wrt` a gradient of its argument's shape.
   * @throws {TypeError} If an argument is missing, or of the wrong kind or type, or a name is unknown.
   * @throws {RangeError} If shapes or sizes do not fit together, or a number is outside the domain of the loss.
   */
  valueAndGrad<W extends G = D>(...args: [...args: A, request?: Request<W>]): ValueAndGrad<W> {
    const request = args[this.argumentNames.length] as Request<W> | undefined;
    return this.evaluate(args as unknown as A, request) as ValueAndGrad<W>;
  }

  /** Computes what is requested. `args` may be longer than `A`; whatever comes after the arguments is to be ignored. */
  protected abstract evaluate(args: A, request: Request<string> | undefined): ValueAndGrad<string>;
}
