/**
 * Domains: conditions that every element of an argument must satisfy.
 */

import { offender } from "../call/arguments.ts";
import { checkMemory } from "../tensor/shape.ts";
import type { Tensor } from "../tensor/tensor.ts";
import type { FloatArray } from "../tensor/types.ts";
import {
  type Domain,
  type ElementwiseKernels,
  type SymbolicArgument,
  TOTAL,
} from "./definition.ts";

/** Checks every element before anything is written, so that a failed call does not change a buffer. */
export function checkDomain(
  this: Domain,
  { element, row, step, tile, load, own }: ElementwiseKernels,
  loss: string,
  { name, symbol }: SymbolicArgument,
  tensor: Tensor,
): void {
  const { formula, valid, wanted } = this;
  checkMemory(tensor, name);
  const data = tensor.data as FloatArray;
  const run = step(name, () => ({ max: { [TOTAL]: `${formula} ? 0 : 1` } }));
  for (let start = 0; start < data.length; start += tile) {
    const end = Math.min(start + tile, data.length);
    load(element[symbol]!, data, start, end);
    run(1, end - start);
    if (row[TOTAL]![0]! > 0) throw offender(loss, tensor, name, valid, wanted);
  }
  own(element[symbol]!);
}

/** The domain of labels for two classes. */
export const SIGNS: Domain = {
  formula: "abs(y) == 1",
  valid: (y) => Math.abs(y) === 1,
  wanted: "1 or -1",
  check: checkDomain,
};
