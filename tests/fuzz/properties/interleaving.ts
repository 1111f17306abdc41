/**
 * Calls of many losses in any order, some of them made by the getters of others, give the bits that each gives alone.
 */
import fc from "fast-check";
import { Call, type LossCase, type Result } from "../losses/call.ts";
import { build, code, type Given } from "../losses/given.ts";
import {
  bitsOf,
  bufferFor,
  sameBits,
  showBits,
  sizeOfGradient,
  SPECIMENS,
} from "../losses/specimens.ts";
import { property, Violation } from "../property.ts";

/** Where a call is interrupted by another. */
const PLACES = ["nowhere", "arguments", "options", "request", "wrt", "out"] as const;
type Place = typeof PLACES[number];

interface Step {
  readonly outer: number;
  readonly place: Place;
  readonly inner: number;
}

const specimen = fc.nat(SPECIMENS.length - 1);
const cases: fc.Arbitrary<readonly Step[]> = fc.array(
  fc.record({ outer: specimen, place: fc.constantFrom(...PLACES), inner: specimen }),
  { minLength: 1, maxLength: 8 },
);

/** The same object, with a getter for each name. */
function behindGetters(plain: object, before: () => void): object {
  const result: object = Array.isArray(plain) ? new Array(plain.length) : {};
  for (const [name, value] of Object.entries(plain)) {
    Object.defineProperty(result, name, {
      enumerable: true,
      get() {
        before();
        return value;
      },
    });
  }
  return result;
}

/** A tensor that runs something while it is read, if its form has a place for that. */
function interrupting(given: Given, before: () => void): unknown {
  const value = build(given);
  if (typeof value === "number" || ArrayBuffer.isView(value)) return value;
  if (Array.isArray(value)) return behindGetters(value, before);
  const { data } = value as { data: unknown };
  return behindGetters({ data, shape: [...given.shape] }, before);
}

function run(call: LossCase, place: Place, interrupt: () => void): Result {
  const Floats = bufferFor(call);
  const plain = new Call(call, () => undefined);
  const names = Object.keys(plain.valueAndGrad().grad);
  const ready = new Call(
    { ...call, wrt: names, out: place === "out" ? names : [] },
    (name) => new Floats(sizeOfGradient(call, name)),
  );
  const { args, options, request } = ready;
  const isHelper = /^[a-z]/.test(call.loss);
  // Without gradients there is no buffer.
  if (place === "nowhere" || (place === "out" && names.length === 0)) return ready.valueAndGrad();
  switch (place) {
    case "arguments":
      return ready.valueAndGrad(
        Object.values(call.args).map((given) => interrupting(given, interrupt)),
      );
    case "options":
      return isHelper
        ? ready.valueAndGradWith(behindGetters({ ...options, ...request }, interrupt))
        : ready.valueAndGrad(args, request, behindGetters(options, interrupt));
    case "request":
      return ready.valueAndGrad(args, isHelper ? request : behindGetters(request, interrupt));
    case "wrt":
      return ready.valueAndGrad(args, { ...request, wrt: behindGetters(names, interrupt) });
    case "out":
      return ready.valueAndGrad(args, {
        ...request,
        out: behindGetters(request.out as object, interrupt),
      });
  }
}

function check(steps: readonly Step[]): void {
  for (const [at, { outer, place, inner }] of steps.entries()) {
    const interrupt = () => {
      const { call, alone } = SPECIMENS[inner];
      const found = bitsOf(new Call(call, () => undefined).valueAndGrad());
      if (!sameBits(found, alone)) {
        throw new Violation(`${call.loss} gives other bits inside of another call (step ${at})`);
      }
    };
    const { call, alone } = SPECIMENS[outer];
    const found = bitsOf(run(call, place, interrupt));
    if (!sameBits(found, alone)) {
      throw new Violation(
        `${call.loss}, interrupted by ${SPECIMENS[inner].call.loss} at its ${place}, gives ${
          showBits(found)
        }, alone ${showBits(alone)} (step ${at})`,
      );
    }
  }
}

function reproduce(steps: readonly Step[]): string {
  const describe = ({ outer, place, inner }: Step) => {
    const [one, other] = [SPECIMENS[outer].call, SPECIMENS[inner].call];
    const list = Object.values(one.args).map(code).join(", ");
    return `${one.loss}(${list}), its ${place} behind getters that run ${other.loss}`;
  };
  return `import { interleave } from "./tests/fuzz/properties/interleaving.ts"; interleave(${
    JSON.stringify(steps)
  }); // ${steps.map(describe).join("; then ")}`;
}

/** Makes the calls and throws if one of them gives other bits than alone. */
export function interleave(steps: readonly Step[]): void {
  check(steps);
}

export const interleaving = property<readonly Step[]>({
  name: "interleaving",
  cases,
  casesPerRound: 60,
  check,
  reproduce,
});
