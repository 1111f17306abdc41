/**
 * Calls with some arguments and buffers in the arena, some ordinary, on threads or not, while other tensors come and go, and other
 * calls are made within them, give the bits that each gives alone.
 */
import fc from "fast-check";
import { empty, Tensor, useThreads } from "@lossbook/losses";
import { launch, launchWith } from "../../../losses/_core/arena/launch.ts";
import { type Guarded, guarded, useArenaAlways } from "../../_arena.ts";
import { Call } from "../losses/call.ts";
import { build } from "../losses/given.ts";
import {
  bitsOf,
  bufferFor,
  sameBits,
  showBits,
  sizeOfGradient,
  type Specimen,
  SPECIMENS,
} from "../losses/specimens.ts";
import { property, Violation } from "../property.ts";

/** One call: which of its tensors lie in the arena, shifted by how much, and what happens to other tensors before it. */
interface Step {
  readonly specimen: number;
  /** Bit k: whether argument k, or from the other end buffer k, lies in the arena. */
  readonly places: number;
  readonly shift: number;
  readonly isThreaded: boolean;
  readonly other: "takes" | "frees" | "nothing";
  /** How many specimens further on is the one that is called while the request is read; 0 for none. */
  readonly within: number;
}

const cases: fc.Arbitrary<readonly Step[]> = fc.array(
  fc.record({
    specimen: fc.nat(SPECIMENS.length - 1),
    places: fc.nat(0xffff),
    shift: fc.nat(3),
    isThreaded: fc.boolean(),
    other: fc.constantFrom("takes", "frees", "nothing"),
    within: fc.integer({ min: -3, max: 3 }),
  }),
  { minLength: 1, maxLength: 12 },
);

await useThreads(3);
const onThreads = launch;

/** An argument in the arena; as it is, if it has no typed array. */
function moved(value: unknown, shift: number, places: Guarded[]): unknown {
  const isArray = value instanceof Float32Array || value instanceof Float64Array;
  if (!isArray && !(value instanceof Tensor)) return value;
  const place = guarded(isArray ? new Tensor(value, [value.length]) : value, shift);
  places.push(place);
  return isArray ? place.tensor.data : place.tensor;
}

/** Makes a call and throws if it gives other bits than alone. */
function compute(
  { call, alone }: Specimen,
  places: number,
  shift: number,
  inUse: Guarded[],
  whileRead = () => {},
): void {
  const Floats = bufferFor(call);
  const names = Object.keys(new Call(call, () => undefined).valueAndGrad().grad);
  const args = Object.values(call.args).map((given, k) =>
    places >> k & 1 ? moved(build(given), shift, inUse) : build(given)
  );
  const ready = new Call({ ...call, wrt: names, out: names }, (name) => {
    const buffer = new Floats(sizeOfGradient(call, name));
    const isMoved = places >> (15 - names.indexOf(name)) & 1;
    return (isMoved ? moved(buffer, shift, inUse) : buffer) as Float32Array;
  });
  const request = Object.defineProperty({ ...ready.request }, "wrt", {
    enumerable: true,
    get: () => (whileRead(), names),
  });
  const found = bitsOf(ready.valueAndGrad(args, request));
  if (sameBits(found, alone)) return;
  throw new Violation(
    `${call.loss}, in the arena, gives ${showBits(found)}, alone ${showBits(alone)}`,
  );
}

function check(steps: readonly Step[]): void {
  const others: Disposable[] = [];
  const restore = useArenaAlways();
  try {
    for (const [at, step] of steps.entries()) {
      const { specimen, places, shift, isThreaded, other, within } = step;
      if (other === "takes") others.push(empty([1 + 100 * shift], "float64"));
      else if (other === "frees") {
        others.splice(places % (others.length + 1), 1)[0]?.[Symbol.dispose]();
      }
      launchWith(isThreaded ? onThreads : undefined);
      const inUse: Guarded[] = [];
      const atEnd: (() => void)[] = [];
      const inner = within === 0 ? undefined : SPECIMENS[specimen + within];
      try {
        compute(SPECIMENS[specimen], places, shift, inUse, () => {
          if (inner === undefined) return;
          const own: Guarded[] = [];
          compute(inner, ~places, shift, own);
          inUse.push(...own);
          // The call that goes on must not change them.
          const numbers = () => own.map(({ tensor }) => Array.from(tensor.data));
          const found = numbers();
          atEnd.push(() => {
            if (!sameBits(numbers(), found)) {
              throw new Violation(
                `${inner.call.loss}, called within, has other numbers afterwards`,
              );
            }
          });
        });
        for (const check of atEnd) check();
      } catch (error) {
        if (error instanceof Violation) error.message += ` (step ${at})`;
        throw error;
      }
      for (const place of inUse) place.free();
    }
  } finally {
    launchWith(onThreads);
    for (const other of others) other[Symbol.dispose]();
    restore();
  }
}

/** Makes the calls and throws if one of them gives other bits than alone, or changes a number beside its tensors. */
export function mix(steps: readonly Step[]): void {
  check(steps);
}

export const arena = property<readonly Step[]>({
  name: "arena",
  cases,
  casesPerRound: 60,
  check,
  reproduce: (steps) =>
    `import { mix } from "./tests/fuzz/properties/arena.ts"; mix(${JSON.stringify(steps)}); // ${
      steps.map(({ specimen }) => SPECIMENS[specimen].call.loss).join("; then ")
    }`,
});
