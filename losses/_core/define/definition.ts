/**
 * A loss of one's own as data, checked and complete.
 */

import type { NumberOption } from "../call/options.ts";
import type { ValueAndGrad } from "../call/request.ts";
import type { Tensor } from "../tensor/tensor.ts";

/** A definition, checked and complete. */
export interface CheckedDefinition {
  readonly name: string;
  readonly arguments: readonly { readonly name: string; readonly symbol: string }[];
  readonly options: Readonly<Record<string, NumberOption>>;
  readonly rows: Readonly<Record<string, string>> | undefined;
  readonly value: string;
  readonly grad: Readonly<Record<string, string>>;
  readonly wrt: readonly string[];
}

/** A class that defineLoss has made. */
export type AnyLossClass = new (options?: object) => {
  valueAndGrad(...args: never[]): ValueAndGrad<string>;
  forward(...args: never[]): Tensor;
};
