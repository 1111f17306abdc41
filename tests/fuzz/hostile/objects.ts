/** Options and requests as nobody hands them over, or almost nobody. */
import { Tensor } from "@lossbook/losses";
import { Boom, disturbOnce, STRANGERS, type Trick } from "./tensors.ts";

/** A plain object of named values. */
export type Named = Readonly<Record<string, unknown>>;

/** The same names, each behind a getter. */
function behindGetters(plain: Named, before: () => void): object {
  const result = {};
  for (const name of Object.keys(plain)) {
    Object.defineProperty(result, name, {
      enumerable: true,
      get() {
        before();
        return plain[name];
      },
    });
  }
  return result;
}

const isNotEmpty = (plain: Named) => Object.keys(plain).length > 0;

/** An object with a key that also means something to JavaScript. */
const withKey = (name: string) => (plain: Named): object =>
  Object.defineProperty({ ...plain }, name, { value: 1, enumerable: true });

/** Names that an object without care takes for its own. */
const INHERITED = ["constructor", "__proto__", "toString", "hasOwnProperty", "valueOf"];

/** What can be handed over in place of an object with names that are known. */
export const OBJECT_TRICKS: Readonly<Record<string, Trick<Named>>> = {
  ...Object.fromEntries(
    Object.entries(STRANGERS)
      // What is an object at all has names that are not known, or none.
      .filter(([name]) =>
        !/object|proxy|shape|data|date|map|buffer|view|boxed|class|function|tensor|holes/.test(name)
      )
      .map(([name, make]) => [name, { make, outcome: "refused" as const }]),
  ),
  "a revoked proxy": { make: STRANGERS["a revoked proxy"], outcome: "refused" },
  ...Object.fromEntries(
    INHERITED.map((
      name,
    ) => [`the key ${name}`, { make: withKey(name), outcome: "refused" as const }]),
  ),
  "a symbol as key": {
    make: (plain) => ({ ...plain, [Symbol("x")]: 1 }),
    outcome: "either",
  },
  "no prototype": {
    make: (plain) => Object.assign(Object.create(null), plain),
    outcome: "same",
  },
  "a prototype with a key": {
    make: (plain) => Object.assign(Object.create({ unknown: 1 }), plain),
    outcome: "either",
  },
  "a proxy": { make: (plain) => new Proxy({ ...plain }, {}), outcome: "same" },
  "frozen": { make: (plain) => Object.freeze({ ...plain }), outcome: "same" },
  "getters": { make: (plain) => behindGetters(plain, () => {}), outcome: "same" },
  "getters that run other losses": {
    make: (plain) => behindGetters(plain, disturbOnce),
    outcome: "same",
  },
  "getters that throw": {
    make: (plain) =>
      behindGetters(plain, () => {
        throw new Boom("option");
      }),
    outcome: "its own error",
    fits: isNotEmpty,
  },
  "a proxy whose keys throw": {
    make: (plain) =>
      new Proxy({ ...plain }, {
        ownKeys() {
          throw new Boom("keys");
        },
      }),
    outcome: "either",
  },
  "a proxy that has every name": {
    make: (plain) => new Proxy({ ...plain }, { has: () => true }),
    outcome: "same",
  },
};

/** What an option that is a number, a word or a truth value cannot be. */
export const OPTION_STRANGERS: Readonly<Record<string, () => unknown>> = {
  ...Object.fromEntries(
    ["null", "a symbol", "a bigint", "a function", "a boxed number", "an array in itself", "a date"]
      .map((name) => [name, STRANGERS[name]]),
  ),
  "an object without class": STRANGERS["an object without class"],
  "an object that cannot become text": STRANGERS["an object that cannot become text"],
  "NaN": () => NaN,
  "a number as text": () => "1",
  "an object that becomes a number": () => ({ valueOf: () => 1 }),
  "an array of a number": () => [1],
  "a tensor": () => new Tensor(new Float64Array(1), []),
  "a long text": () => "x".repeat(1e6),
};

/** What `wrt` can be made of. */
export const WRT_TRICKS: Readonly<Record<string, Trick<readonly string[]>>> = {
  "a name twice": { make: ([name]) => [name, name], outcome: "refused" },
  "a proxy": { make: (names) => new Proxy([...names], {}), outcome: "same" },
  "a class of its own": {
    make: (names) => {
      class Own extends Array {}
      return Own.from(names);
    },
    outcome: "same",
  },
  "getters that run other losses": {
    make: (names) => {
      const list: string[] = new Array(names.length);
      names.forEach((name, i) =>
        Object.defineProperty(list, i, {
          enumerable: true,
          get() {
            disturbOnce();
            return name;
          },
        })
      );
      return list;
    },
    outcome: "same",
  },
  "names that change": {
    make: (names) => {
      let looks = 0;
      const list = [...names];
      return Object.defineProperty(list, 0, {
        get: () => looks++ === 0 ? names[0] : "unknown",
      });
    },
    outcome: "either",
  },
  "a hole": {
    make: (names) => Object.assign([...names], { length: names.length + 1 }),
    outcome: "refused",
  },
  "holes without end": { make: () => new Array(2 ** 32 - 1), outcome: "refused" },
  "a symbol": { make: () => [Symbol("input")], outcome: "refused" },
  "itself": { make: STRANGERS["an array in itself"], outcome: "refused" },
  "a text": { make: ([name]) => name, outcome: "refused" },
  "a set": { make: (names) => new Set(names), outcome: "refused" },
  "a boxed text": { make: ([name]) => [new String(name)], outcome: "refused" },
  "null": { make: () => null, outcome: "refused" },
  "inherited names": { make: () => ["constructor", "__proto__", "toString"], outcome: "refused" },
  "a text without end": { make: () => ["x".repeat(1e6)], outcome: "refused" },
};

/** A buffer for a gradient: what makes one, for as many numbers as it has. */
export interface BufferTricks {
  readonly Floats: typeof Float32Array | typeof Float64Array;
  readonly size: number;
}

/** What a buffer for a gradient can be. */
export const BUFFER_TRICKS: Readonly<Record<string, Trick<BufferTricks>>> = {
  "shared memory": {
    make: ({ Floats, size }) =>
      new Floats(new SharedArrayBuffer(size * Floats.BYTES_PER_ELEMENT) as unknown as ArrayBuffer),
    outcome: "same",
  },
  "memory that can grow": {
    make: ({ Floats, size }) => {
      const bytes = size * Floats.BYTES_PER_ELEMENT;
      return new Floats(new ArrayBuffer(bytes, { maxByteLength: bytes + 64 }));
    },
    outcome: "same",
  },
  "memory that has shrunk": {
    make: ({ Floats, size }) => {
      const bytes = size * Floats.BYTES_PER_ELEMENT;
      const buffer = new ArrayBuffer(bytes, { maxByteLength: bytes });
      const data = new Floats(buffer, 0, size);
      buffer.resize(0);
      return data;
    },
    outcome: "refused",
    fits: ({ size }) => size > 0,
  },
  "memory that was given away": {
    make: ({ Floats, size }) => {
      const data = new Floats(size);
      structuredClone(data.buffer, { transfer: [data.buffer] });
      return data;
    },
    outcome: "refused",
    fits: ({ size }) => size > 0,
  },
  "a tensor whose memory was given away": {
    make: ({ Floats, size }) => {
      const data = new Floats(size);
      const tensor = new Tensor(data, [size]);
      structuredClone(data.buffer, { transfer: [data.buffer] });
      return tensor;
    },
    outcome: "refused",
    fits: ({ size }) => size > 0,
  },
  "a proxy": { make: ({ Floats, size }) => new Proxy(new Floats(size), {}), outcome: "refused" },
  "a plain array": { make: ({ size }) => new Array(size).fill(7), outcome: "refused" },
  "a list of its own length": {
    make: ({ Floats, size }) => Object.defineProperty(new Floats(1), "length", { value: size }),
    outcome: "refused",
    fits: ({ size }) => size > 1,
  },
  "a tensor without anything in it": {
    make: STRANGERS["a tensor without anything in it"],
    outcome: "refused",
  },
  "null": { make: () => null, outcome: "refused" },
  "an array in itself": { make: STRANGERS["an array in itself"], outcome: "refused" },
};
