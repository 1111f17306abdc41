/**
 * Whatever is handed over, a call returns the bits of a plain call or throws an error of the library, soon, and leaves buffers
 * alone if it throws.
 */
import fc from "fast-check";
import { problemOf } from "../hostile/errors.ts";
import { BUFFER_TRICKS, OBJECT_TRICKS, OPTION_STRANGERS, WRT_TRICKS } from "../hostile/objects.ts";
import { Boom, type Outcome, TENSOR_TRICKS, type Trick, withPayloads } from "../hostile/tensors.ts";
import { Call, type LossCase, reproduceCall } from "../losses/call.ts";
import { build, type Given } from "../losses/given.ts";
import {
  type Bits,
  bitsOf,
  bufferFor,
  sameBits,
  showBits,
  sizeOfGradient,
  SPECIMENS,
} from "../losses/specimens.ts";
import { type AnyProperty, property, Violation } from "../property.ts";

/** No call of a few numbers takes longer. */
const LONGEST_MS = 3000;

/** A call and the trick that is played with it. */
interface HostileCase {
  /** Which specimen. */
  readonly at: number;
  readonly trick: string;
  /** Which argument, option or gradient, counted among those that fit. */
  readonly place: number;
}

/** Makes a hostile call; undefined if there is no place for the trick. */
interface Attempt {
  readonly outcome: Outcome;
  /** Returns the bits that must be those of the plain call, if not given otherwise. */
  readonly run: () => Bits;
  readonly plain?: () => Bits;
  /** Where the trick was played. */
  readonly where: string;
}

const GAUGE = SPECIMENS.findIndex(({ call }) => call.loss === "CrossEntropyLoss");

function outcomeOf<T>({ outcome }: Trick<T>, plain: T): Outcome {
  return typeof outcome === "function" ? outcome(plain) : outcome;
}

/** The call whose bits are wanted, if it is not the plain one; after it, buffers are full of sevens again. */
function plainOf<T>(
  { same }: Trick<T>,
  given: T,
  buffers: ReadonlyMap<string, Float32Array | Float64Array>,
  run: (value: unknown) => Bits,
): (() => Bits) | undefined {
  if (same === undefined) return undefined;
  return () => {
    const bits = run(same(given));
    for (const buffer of buffers.values()) buffer.fill(7);
    return bits;
  };
}

const buffersOf = (call: LossCase) => {
  const Floats = bufferFor(call);
  return new Map(
    call.out.map((name) => [name, new Floats(sizeOfGradient(call, name)).fill(7)] as const),
  );
};

/** The call as it is, with buffers for all gradients. */
function fullCall(at: number): LossCase {
  const { call } = SPECIMENS[at];
  const { grad } = new Call(call, () => undefined).valueAndGrad();
  return { ...call, wrt: Object.keys(grad), out: Object.keys(grad) };
}

/** Replaces one of several things, the others as they are. */
const replace = <T>(list: readonly T[], at: number, by: T): T[] =>
  list.map((item, i) => i === at ? by : item);

type Kind = (call: LossCase, trick: string, place: number) =>
  | Omit<Attempt, "plain"> & {
    readonly plain?: () => Bits;
  }
  | undefined;

const isGiven = (value: unknown): value is Given =>
  typeof value === "object" && value !== null && "form" in value;

/** A trick with one of the arguments. */
const withArgument: Kind = (call, name, place) => {
  const trick = TENSOR_TRICKS[name];
  const names = Object.keys(call.args).filter((name) => trick.fits?.(call.args[name]) ?? true);
  if (names.length === 0) return undefined;
  const where = names[place % names.length];
  const given = call.args[where];
  const buffers = buffersOf(call);
  const ready = new Call(call, (name) => buffers.get(name));
  const at = Object.keys(call.args).indexOf(where);
  const run = (value: unknown) => bitsOf(ready.valueAndGrad(replace(ready.args, at, value)));
  return {
    where,
    outcome: outcomeOf(trick, given),
    run: () => {
      const value = trick.make(given);
      return guard(buffers, () => run(value));
    },
    plain: plainOf(trick, given, buffers, run),
  };
};

/** A trick with the upstream gradient. */
const withGradOutput: Kind = (call, name) => {
  const trick = TENSOR_TRICKS[name];
  const { gradOutput } = call;
  if (!isGiven(gradOutput) || !(trick.fits?.(gradOutput) ?? true)) return undefined;
  const buffers = buffersOf(call);
  const ready = new Call(call, (name) => buffers.get(name));
  const run = (value: unknown) =>
    bitsOf(ready.valueAndGrad(ready.args, { ...ready.request, gradOutput: value }));
  return {
    where: "gradOutput",
    outcome: outcomeOf(trick, gradOutput),
    run: () => guard(buffers, () => run(trick.make(gradOutput))),
    plain: plainOf(trick, gradOutput, buffers, run),
  };
};

/** A trick with an option that is a tensor. */
const withTensorOption: Kind = (call, name, place) => {
  const trick = TENSOR_TRICKS[name];
  const names = Object.keys(call.options).filter((option) => {
    const value = call.options[option];
    return isGiven(value) && (trick.fits?.(value) ?? true);
  });
  if (names.length === 0) return undefined;
  const where = names[place % names.length];
  const given = call.options[where] as Given;
  const buffers = buffersOf(call);
  const ready = new Call(call, (name) => buffers.get(name));
  const run = (value: unknown) =>
    bitsOf(ready.valueAndGrad(ready.args, ready.request, { ...ready.options, [where]: value }));
  return {
    where: `the option ${where}`,
    outcome: outcomeOf(trick, given),
    run: () => guard(buffers, () => run(trick.make(given))),
    plain: plainOf(trick, given, buffers, run),
  };
};

/** Something that is no number, word or truth value in place of an option that is. */
const withOption: Kind = (call, name, place) => {
  const names = Object.keys(call.options).filter((option) =>
    ["number", "string", "boolean"].includes(typeof call.options[option])
  );
  if (names.length === 0) return undefined;
  const where = names[place % names.length];
  const ready = new Call({ ...call, out: [] }, () => undefined);
  return {
    where: `the option ${where}`,
    outcome: "refused",
    run: () => {
      const options = { ...ready.options, [where]: OPTION_STRANGERS[name]() };
      return bitsOf(ready.valueAndGrad(ready.args, ready.request, options));
    },
  };
};

/** A trick with the object of options. */
const withOptions: Kind = (call, name) => {
  const trick = OBJECT_TRICKS[name];
  const ready = new Call({ ...call, out: [] }, () => undefined);
  // A helper has one object for options and request, which is played with below.
  if (!(trick.fits?.(ready.options) ?? true) || /^[a-z]/.test(call.loss)) return undefined;
  return {
    where: "the options",
    outcome: outcomeOf(trick, ready.options),
    run: () => bitsOf(ready.valueAndGrad(ready.args, ready.request, trick.make(ready.options))),
  };
};

/** A trick with the request. */
const withRequest: Kind = (call, name) => {
  const trick = OBJECT_TRICKS[name];
  const buffers = buffersOf(call);
  const ready = new Call(call, (name) => buffers.get(name));
  const plain = /^[a-z]/.test(call.loss) ? { ...ready.options, ...ready.request } : ready.request;
  if (!(trick.fits?.(plain) ?? true)) return undefined;
  return {
    where: "the request",
    outcome: outcomeOf(trick, plain),
    run: () => guard(buffers, () => bitsOf(ready.valueAndGradWith(trick.make(plain)))),
  };
};

/** A trick with the object of buffers. */
const withOut: Kind = (call, name) => {
  const trick = OBJECT_TRICKS[name];
  const buffers = buffersOf(call);
  const ready = new Call(call, (name) => buffers.get(name));
  const out = Object.fromEntries(buffers);
  if (!(trick.fits?.(out) ?? true) || buffers.size === 0) return undefined;
  return {
    where: "out",
    outcome: outcomeOf(trick, out),
    run: () =>
      guard(
        buffers,
        () => bitsOf(ready.valueAndGrad(ready.args, { ...ready.request, out: trick.make(out) })),
      ),
  };
};

/** A trick with the names of gradients. */
const withWrt: Kind = (call, name) => {
  const trick = WRT_TRICKS[name];
  if (call.wrt === undefined || call.wrt.length === 0) return undefined;
  const { wrt } = call;
  const buffers = buffersOf(call);
  const ready = new Call(call, (name) => buffers.get(name));
  return {
    where: "wrt",
    outcome: outcomeOf(trick, wrt),
    run: () =>
      guard(
        buffers,
        () => bitsOf(ready.valueAndGrad(ready.args, { ...ready.request, wrt: trick.make(wrt) })),
      ),
  };
};

/** A trick with a buffer. */
const withBuffer: Kind = (call, name, place) => {
  const trick = BUFFER_TRICKS[name];
  if (call.out.length === 0) return undefined;
  const where = call.out[place % call.out.length];
  const own = { Floats: bufferFor(call), size: sizeOfGradient(call, where) };
  if (!(trick.fits?.(own) ?? true)) return undefined;
  const buffers = buffersOf(call);
  const ready = new Call(call, (name) => name === where ? trick.make(own) : buffers.get(name));
  buffers.delete(where);
  return {
    where: `out.${where}`,
    outcome: outcomeOf(trick, own),
    run: () => guard(buffers, () => bitsOf(ready.valueAndGrad())),
  };
};

/** NaN of every kind, where it is a number like any other. */
const withNaN: Kind = (call, _, place) => {
  const names = Object.keys(call.args).filter((name) => /loat(32|64)/.test(call.args[name].form));
  if (names.length === 0) return undefined;
  const where = names[place % names.length];
  const given = call.args[where];
  const own = { ...given, data: given.data.map((value, i) => i % 2 === 0 ? NaN : value) };
  const at = Object.keys(call.args).indexOf(where);
  const ready = new Call({ ...call, out: [] }, () => undefined);
  const run = (value: unknown) => bitsOf(ready.valueAndGrad(replace(ready.args, at, value)));
  return {
    where,
    outcome: "same",
    run: () => run(withPayloads(own)),
    plain: () => run(build(own)),
  };
};

/** An enumerable property that every object inherits. */
const withPollution: Kind = (call) => {
  const ready = new Call({ ...call, out: [] }, () => undefined);
  return {
    where: "Object.prototype",
    outcome: "same",
    run: () => {
      const prototype = Object.prototype as unknown as Record<string, unknown>;
      prototype.unknown = 1;
      try {
        return bitsOf(ready.valueAndGrad());
      } finally {
        delete prototype.unknown;
      }
    },
  };
};

/** Runs a call that, if it fails, must leave its buffers full of sevens. */
function guard(buffers: ReadonlyMap<string, Float32Array | Float64Array>, run: () => Bits): Bits {
  try {
    return run();
  } catch (error) {
    for (const [name, buffer] of buffers) {
      if (!buffer.every((value) => value === 7)) {
        throw new Violation(`a failed call has written into out.${name}: ${error}`);
      }
    }
    throw error;
  }
}

function check({ at, trick, place }: HostileCase, kind: Kind): void {
  const call = fullCall(at);
  const attempt = kind(call, trick, place);
  if (attempt === undefined) return;
  const { outcome, run, plain, where } = attempt;
  const what = `${call.loss} with ${trick} in place of ${where}`;
  let wanted: Bits | undefined;
  try {
    wanted = plain?.() ??
      bitsOf(new Call({ ...call, out: [] }, () => undefined).valueAndGrad());
  } catch (error) {
    // NaN, say, is outside of the domain of some losses.
    if (plain === undefined || problemOf(error) !== undefined) throw error;
  }
  const start = performance.now();
  let found: Bits | undefined;
  try {
    found = run();
  } catch (error) {
    if (error instanceof Violation) throw error;
    const isOwn = error instanceof Boom || isRevoked(error);
    const problem = isOwn ? undefined : problemOf(error);
    if (problem !== undefined) throw new Violation(`${what} ${problem}`);
    if (outcome === "same" && wanted !== undefined) {
      throw new Violation(`${what} is refused: ${error}`);
    }
    if (outcome === "its own error" && !isOwn) {
      throw new Violation(`${what} throws something else than the getter: ${error}`);
    }
  }
  const seconds = (performance.now() - start) / 1000;
  if (seconds * 1000 > LONGEST_MS) throw new Violation(`${what} takes ${seconds.toFixed(1)} s`);
  if (found === undefined) return checkGauge(what);
  if (outcome === "refused" || outcome === "its own error") {
    throw new Violation(`${what} is taken, and gives ${showBits(found)}`);
  }
  if (wanted === undefined || !sameBits(found, wanted)) {
    throw new Violation(
      `${what} gives ${showBits(found)}, wanted is ${
        wanted === undefined ? "an error" : showBits(wanted)
      }`,
    );
  }
  checkGauge(what);
}

/** A revoked proxy throws at the first touch, whoever touches it. */
const isRevoked = (error: unknown) => /proxy that has been revoked/.test(String(error));

/** An ordinary call that shows whether something has been left behind. */
function checkGauge(what: string): void {
  const { call, alone } = SPECIMENS[GAUGE];
  if (!sameBits(bitsOf(new Call(call, () => undefined).valueAndGrad()), alone)) {
    throw new Violation(`after ${what}, ${call.loss} gives other bits than before`);
  }
}

/** The places where something can be handed over: what is tried there, and by which tricks. */
const PLACES: Readonly<
  Record<string, { readonly kind: Kind; readonly tricks: object; readonly casesPerRound?: number }>
> = {
  "argument": { kind: withArgument, tricks: TENSOR_TRICKS, casesPerRound: 300 },
  "gradOutput": { kind: withGradOutput, tricks: TENSOR_TRICKS },
  "weight": { kind: withTensorOption, tricks: TENSOR_TRICKS },
  "option": { kind: withOption, tricks: OPTION_STRANGERS },
  "options": { kind: withOptions, tricks: OBJECT_TRICKS },
  "request": { kind: withRequest, tricks: OBJECT_TRICKS },
  "out": { kind: withOut, tricks: OBJECT_TRICKS },
  "wrt": { kind: withWrt, tricks: WRT_TRICKS },
  "buffer": { kind: withBuffer, tricks: BUFFER_TRICKS },
  "NaN": { kind: withNaN, tricks: { "NaN with a payload": true } },
  "prototype": { kind: withPollution, tricks: { "an enumerable key": true } },
};

/** Throws if the call with this trick neither gives the bits of the plain call nor an error of the library. */
export function playTrick(place: string, value: HostileCase): void {
  check(value, PLACES[place].kind);
}

/** One property for each place. */
export const hostile: readonly AnyProperty[] = Object.entries(PLACES).map(
  ([name, { kind, tricks, casesPerRound = 120 }]) =>
    property<HostileCase>({
      name: `hostile ${name}`,
      cases: fc.record({
        at: fc.nat(SPECIMENS.length - 1),
        trick: fc.constantFrom(...Object.keys(tricks)),
        place: fc.nat(5),
      }),
      casesPerRound,
      check: (value) => check(value, kind),
      reproduce: (value) => {
        const call = fullCall(value.at);
        const where = kind(call, value.trick, value.place)?.where ?? "nothing";
        const line =
          `import { playTrick } from "./tests/fuzz/properties/hostile.ts"; playTrick("${name}", ${
            JSON.stringify(value)
          });`;
        return `${line} // ${
          reproduceCall({ ...call, out: [] })
        }, with ${value.trick} in place of ${where}`;
      },
    }),
);
