/**
 * What every loss class has in common: its two public methods.
 */

import type { Tensor, TensorLike } from "../tensor/tensor.ts";
import { type Request, VALUE_ONLY, type ValueAndGrad } from "./request.ts";

/**
 * A loss of arguments `A`, which can be differentiated with respect to those named in `G`, and is with respect to those
 * named in `D` unless a call says otherwise.
 */
export abstract class Loss<
  A extends readonly TensorLike[],
  G extends string,
  D extends G,
> {
  /** The names of the arguments, in the order of a call: those that gradients go by. */
  readonly argumentNames: readonly string[];

  /**
   * Called by every loss with the names of its arguments.
   *
   * @param argumentNames The names of the tensors that a call takes; the request stands behind them.
   */
  protected constructor(argumentNames: readonly string[]) {
    this.argumentNames = Object.freeze([...argumentNames]);
  }

  /**
   * The loss.
   *
   * @param args The arguments, as the class describes them.
   * @returns A scalar, or with reduction `"none"` one value per element or sample.
   * @throws {TypeError} If an argument is missing, or of the wrong kind or type.
   * @throws {RangeError} If shapes do not go together, or a number lies outside of the loss's domain.
   */
  forward(...args: A): Tensor {
    return this.evaluate(args, VALUE_ONLY).value;
  }

  /**
   * The loss and its gradients, in one pass.
   *
   * @param args The arguments, as the class describes them, and at last the request: which gradients, times which upstream
   * gradient, into which buffers.
   * @returns The value, and for each name in the request's `wrt` a gradient of its argument's shape.
   * @throws {TypeError} If an argument is missing, or of the wrong kind or type, or a name is unknown.
   * @throws {RangeError} If shapes or sizes do not go together, or a number lies outside of the loss's domain.
   */
  valueAndGrad<W extends G = D>(...args: [...args: A, request?: Request<W>]): ValueAndGrad<W> {
    const request = args[this.argumentNames.length] as Request<W> | undefined;
    return this.evaluate(args as unknown as A, request) as ValueAndGrad<W>;
  }

  /** Computes what is asked for; arguments behind the last one are to be passed over. */
  protected abstract evaluate(args: A, request: Request<string> | undefined): ValueAndGrad<string>;
}
