/**
 * An element-wise loss as data: its arguments, its options and its formulas.
 *
 * This folder computes value and gradients from such a definition, in one fused pass. It knows no particular loss.
 */

import type { Argument } from "../call/arguments.ts";
import type { OptionDefinition, OptionValues } from "../call/options.ts";
import type { MathFunctions } from "../kernel/lower.ts";
import type { Tensor } from "../tensor/tensor.ts";

/** The formulas of a loss, in the symbols of its arguments and the names of its options. */
export interface LossFormula {
  /** The value of one element. */
  readonly value: string;
  /** For each argument, by name, the derivative of the value with respect to it. */
  readonly grad: Readonly<Record<string, string>>;
}

/** A condition that every element of an argument must satisfy. */
export interface Domain {
  /** The condition as a formula in the argument's symbol, for the kernel. */
  readonly formula: string;
  /** The same as a function of one element. */
  readonly valid: (value: number) => boolean;
  /** The same in words that follow "must be". */
  readonly wanted: string;
}

/** The domain of labels for two classes. */
export const SIGNS: Domain = {
  formula: "abs(y) == 1",
  valid: (y) => Math.abs(y) === 1,
  wanted: "1 or -1",
};

/** An argument, with the symbol that stands for it in formulas. */
export interface SymbolicArgument extends Argument {
  readonly symbol: string;
  readonly domain?: Domain;
}

/** A loss that acts element by element. */
export interface ElementwiseDefinition {
  /** The class, for error messages. */
  readonly loss: string;
  readonly arguments: readonly SymbolicArgument[];
  /** The loss's own options. Numbers occur in the formulas under their names; booleans choose between formulas. */
  readonly options?: Readonly<Record<string, OptionDefinition>>;
  /** Options that are tensors, repeated along leading axes, with the symbols that stand for them in formulas. */
  readonly tensors?: readonly { readonly name: string; readonly symbol: string }[];
  /** The formulas, or a function that chooses them by the options. */
  readonly formula: LossFormula | ((options: OptionValues) => LossFormula);
  /** The functions of math.ts that the formulas call. */
  readonly functions?: MathFunctions;
  /** The allowed reductions; "none", "mean" and "sum" by default. `"batchmean"` divides by the length of the first axis. */
  readonly reductions?: readonly string[];
  /**
   * The kind of the option `weight`, if the loss has it. A weight that "divides" has the shape of the loss, can be
   * differentiated with respect to, and a mean is divided by the sum of the weights or by the number of elements. A weight
   * that "is repeated" is a constant, repeated along leading axes.
   */
  readonly weight?: "divides by its sum" | "divides by the count" | "is repeated";
  /**
   * The allowed shapes of the arguments: compatible ones as in broadcast.ts ("common", the default), only those with the
   * same number of axes ("rank"), only those for which the first argument need not be repeated ("first"), or equal ones
   * ("equal").
   */
  readonly shapes?: "common" | "rank" | "first" | "equal";
  /** Gives the arguments the shapes that they are repeated from, if these are not their own; throws if they do not fit. */
  readonly align?: (tensors: readonly Tensor[]) => readonly Tensor[];
  /** Whether tensors of different types are refused rather than converted. */
  readonly sameTypes?: boolean;
  /** The arguments to differentiate with respect to if a call names none; only the first one by default. */
  readonly wrt?: readonly string[];
}
