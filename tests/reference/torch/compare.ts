/** How far a loss is from the numbers that PyTorch gave for a case. */

import type { Tensor } from "@lossbook/losses";
import {
  type FixtureCase,
  type FixtureTensor,
  optionsOf,
  tensorOf,
  tensorsOf,
} from "./fixtures.ts";

/** Any loss; every loss has its own arguments. */
interface AnyLoss {
  valueAndGrad(...args: never[]): { value: Tensor; grad: Readonly<Record<string, Tensor>> };
}

/** Makes the loss of a case from its options and, if it has layers of its own, their parameters. */
export type Build<Options> = (options: Options, parameters: Record<string, Tensor>) => AnyLoss;

/** The difference that rounding may cause, relative to the largest expected number of a tensor. */
export const TOLERANCE = { float64: 1e-12, float32: 1e-5 };

/** A value or a gradient of a case. */
export interface Difference {
  /** `value`, or the name of a gradient. */
  readonly quantity: string;
  /** How many numbers were compared. */
  readonly numbers: number;
  /** The largest difference, relative to the largest expected number; ∞ if a number has no counterpart. */
  readonly difference: number;
}

/**
 * Computes a case, value and gradients, and compares it with PyTorch's numbers.
 *
 * @param stored The case.
 * @param build Makes its loss.
 */
export function differences<Options>(stored: FixtureCase, build: Build<Options>): Difference[] {
  return results(stored, build).map(({ quantity, got, want, exact }) => ({
    quantity,
    numbers: want.data.length,
    difference: distance(got, want, exact, stored.scale),
  }));
}

/** A value or gradient, and PyTorch's. */
interface Result {
  quantity: string;
  got: Tensor;
  want: FixtureTensor;
  /** PyTorch's in float64. */
  exact?: FixtureTensor;
}

function results<Options>(stored: FixtureCase, build: Build<Options>): Result[] {
  const loss = build(optionsOf(stored.options) as Options, tensorsOf(stored.parameters));
  const { gradOutput } = stored;
  const request = {
    wrt: Object.keys(stored.grad),
    gradOutput: typeof gradOutput === "number" ? gradOutput : tensorOf(gradOutput),
  };
  const args = [...Object.values(stored.args).map(tensorOf), request];
  const { value, grad } = loss.valueAndGrad(...args as never[]);
  return [
    { quantity: "value", got: value, want: stored.value, exact: stored.value64 },
    ...Object.entries(stored.grad).map(([name, want]) => ({
      quantity: `grad.${name}`,
      got: grad[name],
      want,
      exact: stored.grad64?.[name],
    })),
  ];
}

/** The largest difference of two tensors, relative to the largest expected number. */
function distance(got: Tensor, want: FixtureTensor, exact = want, scale = 0): number {
  if (`${got.shape}` !== `${want.shape}`) return Infinity;
  const unit = Math.max(scale, ...want.data.map(Math.abs).filter(Number.isFinite)) || 1;
  const gap = (i: number, from: FixtureTensor) => {
    const [a, b] = [got.data[i], from.data[i]];
    if (Object.is(a, b) || a === b) return 0;
    const difference = Math.abs(a - b);
    // NaN and infinities are close to no other number.
    return Number.isFinite(difference) ? difference / unit : Infinity;
  };
  return want.data.reduce((most, _, i) => Math.max(most, Math.min(gap(i, want), gap(i, exact))), 0);
}
