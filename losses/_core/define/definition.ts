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
  /** Derivatives that are not to be derived, by the name of the argument. */
  readonly grad: ReadonlyMap<string, string>;
  readonly wrt: readonly string[];
}

/** An argument as a driver sees it. */
export interface RowArgument {
  readonly name: string;
  readonly symbol: string;
  /** Whether whole numbers are taken too. */
  readonly integers: boolean;
}

/** A class that defineLoss has made. */
export type AnyLossClass = new (options?: object) => {
  valueAndGrad(...args: never[]): ValueAndGrad<string>;
  forward(...args: never[]): Tensor;
};
