/**
 * What makes an element-wise loss: its arguments, its options and its formulas, as data.
 *
 * This folder turns such a definition into value and gradients, in one fused pass. It knows no particular loss.
 */

import type { Argument } from "../call/arguments.ts";
import type { OptionDefinition, OptionValues } from "../call/options.ts";
import type { Tensor } from "../tensor/tensor.ts";

/** A loss as its formulas, in the symbols of its arguments and the names of its options. */
export interface LossFormula {
  /** The value of one element. */
  readonly value: string;
  /** The derivative of that value with respect to each argument, by the argument's name. */
  readonly grad: Readonly<Record<string, string>>;
}

/** What every element of an argument must satisfy. */
export interface Domain {
  /** As a formula in the argument's symbol, for the kernel. */
  readonly formula: string;
  /** The same for one element. */
  readonly valid: (value: number) => boolean;
  /** The same in words that follow "must be". */
  readonly wanted: string;
}

/** The domain of a target that tells two kinds of elements apart. */
export const SIGNS: Domain = {
  formula: "abs(y) == 1",
  valid: (y) => Math.abs(y) === 1,
  wanted: "1 or -1",
};

/** An argument that the formulas call by a symbol. */
export interface SymbolicArgument extends Argument {
  readonly symbol: string;
  readonly domain?: Domain;
}

/** A loss that acts element by element. */
export interface ElementwiseDefinition {
  /** The class, for error messages. */
  readonly loss: string;
  readonly arguments: readonly SymbolicArgument[];
  /** The options of its own: numbers occur in the formulas under their names, true or false chooses between formulas. */
  readonly options?: Readonly<Record<string, OptionDefinition>>;
  /** Options that are tensors, repeated along leading axes, and the symbols that formulas know them by. */
  readonly tensors?: readonly { readonly name: string; readonly symbol: string }[];
  /** The formulas, where options choose between several: those for the given options. */
  readonly formula: LossFormula | ((options: OptionValues) => LossFormula);
  /** The reductions there are; "none", "mean" and "sum" by default. `"batchmean"` divides by the length of the first axis. */
  readonly reductions?: readonly string[];
  /**
   * How elements are weighted, if the loss has the option `weight`: by a tensor of the loss's shape, with respect to
   * which it can be differentiated, and a mean is divided by the sum of the weights or by the number of elements; or by a
   * constant that is repeated along leading axes.
   */
  readonly weight?: "divides by its sum" | "divides by the count" | "is repeated";
  /**
   * Which shapes go together: those of broadcast.ts ("common", the default), of these only those with as many
   * axes ("rank"), those that the first argument is not repeated along ("first"), or equal ones ("equal").
   */
  readonly shapes?: "common" | "rank" | "first" | "equal";
  /** Gives arguments the shapes in which they are read, where these are not their own; throws if it cannot. */
  readonly align?: (tensors: readonly Tensor[]) => readonly Tensor[];
  /** Whether tensors of different types are refused rather than converted. */
  readonly sameTypes?: boolean;
  /** The arguments that are differentiated with respect to unless a call says otherwise; the first one by default. */
  readonly wrt?: readonly string[];
}
