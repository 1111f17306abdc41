/**
 * What the kit asks of a loss.
 *
 * This folder holds what a page does with a loss besides drawing it: comparing it with PyTorch, and minimising it. It names no
 * loss of the package, and everything that it shows goes through show/.
 *
 * @module
 */

import type { Tensor, TensorLike } from "@lossbook/losses";

/** Any loss of the package; every loss has its own arguments. */
export interface AnyLoss {
  /** Value and gradients. */
  valueAndGrad(...args: never[]): { value: Tensor; grad: Readonly<Record<string, Tensor>> };
}

/** A loss of a prediction and its target, so that one cell can run several of them. */
export interface PairLoss {
  /** The loss. */
  forward(input: TensorLike, target: TensorLike): Tensor;
  /** The loss and its gradient with respect to `input`. */
  valueAndGrad(
    input: TensorLike,
    target: TensorLike,
    request?: { gradOutput?: TensorLike; out?: { input?: Float32Array | Float64Array } },
  ): { value: Tensor; grad: { readonly input: Tensor } };
}
