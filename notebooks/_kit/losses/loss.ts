/** What the kit asks of a loss. */

import type { Tensor, TensorLike } from "@lossbook/losses";

/** Any loss of the package; every loss has its own arguments. */
export interface AnyLoss {
  /** Value and gradients. */
  valueAndGrad(...args: never[]): { value: Tensor; grad: Readonly<Record<string, Tensor>> };
}

/** A loss of a prediction and what it should have been, so that one cell can run several of them. */
export interface PairLoss {
  /** The loss. */
  forward(input: TensorLike, target: TensorLike): Tensor;
  /** The loss and its gradient by `input`. */
  valueAndGrad(
    input: TensorLike,
    target: TensorLike,
    request?: { gradOutput?: TensorLike; out?: { input?: Float32Array | Float64Array } },
  ): { value: Tensor; grad: { readonly input: Tensor } };
}
