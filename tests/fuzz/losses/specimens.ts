/** A few fixed calls of every loss, with what each returns alone: what other calls are disturbed by, and must not disturb. */
import fc from "fast-check";
import { Call, casesOf, type LossCase, type Result } from "./call.ts";
import type { Given } from "./given.ts";
import { SPECS } from "./specs.ts";

/** A call and its result. */
export interface Specimen {
  readonly call: LossCase;
  readonly alone: Bits;
}

/** All numbers of a result, to the bit; NaN has one form. */
export type Bits = readonly (readonly number[])[];

const SEED = 5;
const DRAWN = 200;
const PER_SPEC = 4;
const MOST_NUMBERS = 24;

/** The numbers of a result: the value, then gradients in the order of their names. */
export function bitsOf({ value, grad }: Result): Bits {
  const names = Object.keys(grad).sort();
  return [value, ...names.map((name) => grad[name])].map(({ data }) => Array.from(data));
}

/** Whether two results agree to the bit. */
export function sameBits(a: Bits, b: Bits): boolean {
  return a.length === b.length &&
    a.every((numbers, k) =>
      numbers.length === b[k].length && numbers.every((number, i) => Object.is(number, b[k][i]))
    );
}

/** All numbers, as a message shows them. */
export function showBits(bits: Bits): string {
  return bits.map((numbers) => `[${numbers.join(", ")}]`).join(" ").slice(0, 300);
}

/** The type of the buffers that a call writes into, found by trying. */
export function bufferFor(call: LossCase): typeof Float32Array | typeof Float64Array {
  const { value } = new Call({ ...call, out: [] }, () => undefined).valueAndGrad();
  return value.dtype === "float32" ? Float32Array : Float64Array;
}

/** How many numbers the gradient of an argument, parameter or weight has. */
export function sizeOfGradient({ args, parameters, options }: LossCase, name: string): number {
  const given = args[name] ?? parameters[name] ?? options[name];
  return (given as Given).data.length;
}

/** Small calls that a loss takes, as they are without anything in their way; what it refuses is left out. */
export const SPECIMENS: readonly Specimen[] = SPECS.flatMap((spec) => {
  const found: Specimen[] = [];
  for (const drawn of fc.sample(casesOf(spec), { seed: SEED, numRuns: DRAWN })) {
    if (found.length === PER_SPEC) break;
    const call = { ...drawn, out: [] };
    if (!isSmall(call)) continue;
    try {
      found.push({ call, alone: bitsOf(new Call(call, () => undefined).valueAndGrad()) });
    } catch {
      // A known defect of the loss, which is not the point here.
    }
  }
  return found;
});

function isSmall({ args, parameters, options }: LossCase): boolean {
  const given = [...Object.values(args), ...Object.values(parameters), ...Object.values(options)]
    .filter((value) => typeof value === "object" && "form" in value) as Given[];
  const sizes = given.map(({ data }) => data.length);
  return Math.min(...sizes) > 0 && sizes.reduce((sum, size) => sum + size, 0) <= MOST_NUMBERS;
}

/** Makes a call of many losses, in both types: whoever shares memory with them has other numbers in it afterwards. */
export function disturb(): void {
  for (const { call } of SPECIMENS) new Call(call, () => undefined).valueAndGrad();
}
