/**
 * An element-wise loss as data: its arguments, its options and its formulas.
 *
 * This folder computes value and gradients from such a definition, in one fused pass. It knows no particular loss.
 */

import type { Argument } from "../call/arguments.ts";
import type { OptionDefinition, OptionValues } from "../call/options.ts";
import type { Kernels } from "../kernel/kernels.ts";
import type { MathFunctions } from "../kernel/lower.ts";
import type { Tensor } from "../tensor/tensor.ts";
import type { FloatArray } from "../tensor/types.ts";

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
  /** Throws if an element does not satisfy it: see domains.ts. */
  check(
    kernels: ElementwiseKernels,
    loss: string,
    argument: SymbolicArgument,
    tensor: Tensor,
  ): void;
}

/** An argument, with the symbol that stands for it in formulas. */
export interface SymbolicArgument extends Argument {
  readonly symbol: string;
  readonly domain?: Domain;
}

/** The kernels of an element-wise loss. */
export type ElementwiseKernels = Kernels<string, string, string, string, string>;

/** The row operand that sums are written to. No symbol contains a space. */
export const TOTAL = "the total";

/** Computes the sum of weights; the operand of an argument is free for that. */
export type SumOfWeights = (
  kernels: ElementwiseKernels,
  symbol: string,
  weights: FloatArray,
) => number;

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
  /**
   * Other formulas of the same functions, if there are some for these options that take fewer instructions: kernels are made of
   * them. Results may differ from those of the formula by rounding, and where only the formula overflows.
   */
  readonly shorter?: (options: OptionValues) => LossFormula | undefined;
  /** The functions of math.ts that the formulas call. */
  readonly functions?: MathFunctions;
  /** The allowed reductions; "none", "mean" and "sum" by default. `"batchmean"` divides by the length of the first axis. */
  readonly reductions?: readonly string[];
  /**
   * The kind of the option `weight`, if the loss has it. A weight that "is repeated" is a constant, repeated along leading
   * axes. Others have the shape of the loss and can be differentiated with respect to; a mean "divides by the count" of the
   * elements, or if there is a function for it, see weights.ts, by the sum of the weights.
   */
  readonly weight?: "is repeated" | "divides by the count" | SumOfWeights;
  /** Throws if the shapes of the arguments are compatible as in broadcast.ts, but not as this loss wants: see shapes.ts. */
  readonly checkShapes?: (
    loss: string,
    names: readonly string[],
    tensors: readonly Tensor[],
    common: readonly number[],
  ) => void;
  /** Gives the arguments the shapes that they are repeated from, if these are not their own; throws if they do not fit. */
  readonly align?: (tensors: readonly Tensor[]) => readonly Tensor[];
  /** Whether tensors of different types are refused rather than converted. */
  readonly sameTypes?: boolean;
  /** The arguments to differentiate with respect to if a call names none; only the first one by default. */
  readonly wrt?: readonly string[];
}
