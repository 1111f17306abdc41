/** A loss as the shared tests see it: something that is made from options and called with named arguments. */
import { float64, type Tensor, type TensorLike } from "@lossbook/losses";
import type { Random } from "./_random.ts";

/** The two methods that every loss has; a test that does not know the loss cannot know its parameters. */
export interface LossLike {
  forward(...args: never[]): Tensor;
  valueAndGrad(...args: never[]): { value: Tensor; grad: object };
}

/** How the values of all elements or rows become one number. */
export type Reduction = "none" | "mean" | "sum";

/** Makes a loss; the test file adds the options of its own. */
export type Build = (options?: { reduction?: Reduction; weight?: TensorLike }) => LossLike;

/** A loss and how to call it. */
export interface Subject {
  /** PyTorch's name of the class, and what is special about the options if anything is. */
  readonly loss: string;
  readonly build: Build;
  /**
   * Draws valid arguments in call order, floats in float64. Where the arguments have shapes of their own, these are given one by
   * one; the last one counts for the rest.
   */
  readonly draw: (random: Random, ...shapes: number[][]) => Record<string, Tensor>;
  /** The arguments with a gradient, the first of them the default. */
  readonly wrt: readonly string[];
}

/** Value and gradients of one call. */
export interface Answer {
  readonly value: Tensor;
  readonly grad: Record<string, Tensor>;
}

/** The value alone. */
export function forward(loss: LossLike, args: Record<string, TensorLike>): Tensor {
  return loss.forward(...Object.values(args) as never[]);
}

/** Value and gradients for arguments by name, in call order. */
export function call(
  loss: LossLike,
  args: Record<string, TensorLike>,
  request: { wrt?: readonly string[]; gradOutput?: TensorLike; out?: object } = {},
): Answer {
  const { value, grad } = loss.valueAndGrad(...[...Object.values(args), request] as never[]);
  return { value, grad: grad as Record<string, Tensor> };
}

/** Value and gradient at one element. The gradient is with respect to `wrt`, or else to the loss's first argument with one. */
export function element(
  loss: LossLike,
  args: readonly number[],
  { dtype = float64, wrt }: { dtype?: (x: number[]) => Tensor; wrt?: string } = {},
): [value: number, grad: number] {
  const named = Object.fromEntries(args.map((x, i) => [`${i}`, dtype([x])]));
  const { value, grad } = call(loss, named, wrt === undefined ? {} : { wrt: [wrt] });
  return [value.data[0], Object.values(grad)[0].data[0]];
}
