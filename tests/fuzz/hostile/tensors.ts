/** Arguments as nobody hands them over, or almost nobody: what a tensor is made of, in unusual clothes or broken. */
import { float64, Tensor } from "@lossbook/losses";
import { build, type Given } from "../losses/given.ts";
import { disturb } from "../losses/specimens.ts";

/** What a call with such a thing may do. */
export type Outcome =
  /** Give the same bits as with the plain thing. */
  | "same"
  /** Throw an error of the library. */
  | "refused"
  /** Either of them. */
  | "either"
  /** Throw the error of the thing itself. */
  | "its own error";

/** Something to be handed over in place of something else. */
export interface Trick<T> {
  make(plain: T): unknown;
  readonly outcome: Outcome | ((plain: T) => Outcome);
  /** What must give the same bits, where that is not the plain thing itself. */
  same?(plain: T): unknown;
  /** Whether the trick can be played with this; always by default. */
  fits?(plain: T): boolean;
}

/** Thrown by getters, so that nobody takes it for an error of the library. */
export class Boom extends Error {
  override readonly name = "Boom";
}

const isFloatArray = ({ form }: Given) => /loat(32|64)/.test(form);
const notEmpty = ({ data }: Given) => data.length > 0;
const isNested = ({ form, shape }: Given) =>
  form === "array" && shape.length > 0 && !shape.includes(0);

/** The typed array of a form. */
function arrayOf({ form }: Given): Float32ArrayConstructor | Float64ArrayConstructor {
  return form.includes("32") ? Float32Array : Float64Array;
}

/** The numbers in memory of one's own choice, with a shape. */
function inMemory(
  given: Given,
  memory: (bytes: number) => ArrayBufferLike,
): { data: Float32Array | Float64Array; shape: number[] } {
  const Floats = arrayOf(given);
  const buffer = memory(given.data.length * Floats.BYTES_PER_ELEMENT);
  const data = new Floats(buffer as ArrayBuffer);
  data.set(given.data);
  return { data, shape: [...given.shape] };
}

/** Applies a function to every array inside of nested arrays, from the innermost outwards. */
function everyArray(value: unknown, map: (array: unknown[]) => unknown): unknown {
  if (!Array.isArray(value)) return value;
  return map(value.map((part) => everyArray(part, map)));
}

/** Replaces each number by a getter of it. */
function withGetters(array: unknown[], before: () => void): unknown[] {
  const result: unknown[] = new Array(array.length);
  array.forEach((part, i) => {
    Object.defineProperty(result, i, {
      enumerable: true,
      get() {
        before();
        return part;
      },
    });
  });
  return result;
}

/** Replaces the first number inside of nested arrays. */
function withFirst(value: unknown, first: unknown): unknown {
  if (!Array.isArray(value)) return first;
  return [withFirst(value[0], first), ...value.slice(1)];
}

/** A foreign tensor with the data and the shape of a given one, each behind a getter. */
function foreign(given: Given, before: () => void): object {
  const data = given.form.includes("32") || given.form.includes("64")
    ? arrayOf(given).from(given.data)
    : [...given.data];
  return {
    get data() {
      before();
      return data;
    },
    get shape() {
      before();
      return [...given.shape];
    },
  };
}

/** The type stays the same only if whole numbers are not turned into floats. */
const isFloat = ({ form }: Given) => !/Int|int/.test(form);

let isDisturbing = false;

/** Runs other losses, but not while it is doing so already. */
export function disturbOnce(): void {
  if (isDisturbing) return;
  isDisturbing = true;
  try {
    disturb();
  } finally {
    isDisturbing = false;
  }
}

const cyclic: unknown[] = [1, 2];
cyclic.push(cyclic);
const onlyItself: unknown[] = [];
onlyItself.push(onlyItself);

function deep(levels: number): unknown {
  let value: unknown = 1;
  for (let i = 0; i < levels; i++) value = [value];
  return value;
}

function detached(given: Given): unknown {
  const tensor = inMemory(given, (bytes) => new ArrayBuffer(bytes));
  structuredClone(tensor.data.buffer, { transfer: [tensor.data.buffer as ArrayBuffer] });
  return tensor;
}

/** What no argument can be. */
export const STRANGERS: Readonly<Record<string, () => unknown>> = {
  "null": () => null,
  "a symbol": () => Symbol("x"),
  "a bigint": () => 1n,
  "a string": () => "1",
  "an empty string": () => "",
  "true": () => true,
  "a function": () => () => 1,
  "a class": () => Tensor,
  "a date": () => new Date(0),
  "a map": () => new Map([["data", [1]]]),
  "a buffer": () => new ArrayBuffer(8),
  "a view": () => new DataView(new ArrayBuffer(8)),
  "a boxed number": () => new Number(1),
  "an object": () => ({}),
  "an object without prototype": () => Object.create(null),
  "an object without class": () => ({ constructor: null }),
  "an object with a nameless class": () => ({ constructor: { name: Symbol("x") } }),
  "an object whose class throws": () => ({
    get constructor(): never {
      throw new Boom("constructor");
    },
  }),
  "an object that cannot become text": () => ({
    toString: null,
    valueOf: null,
    [Symbol.toPrimitive]: 1,
  }),
  "a proxy of nothing": () => new Proxy({}, {}),
  "a revoked proxy": () => {
    const { proxy, revoke } = Proxy.revocable([], {});
    revoke();
    return proxy;
  },
  "a tensor without anything in it": () => Object.create(Tensor.prototype),
  "an array in itself": () => onlyItself,
  "an array of itself among numbers": () => cyclic,
  "a cycle of two": () => {
    const one: unknown[] = [];
    one.push([one]);
    return one;
  },
  "an array of many of itself": () => {
    const wide: unknown[] = [];
    for (let i = 0; i < 6; i++) wide.push(wide);
    return wide;
  },
  "100,000 arrays deep": () => deep(100_000),
  "an array of holes": () => new Array(3),
  "an array of 2^32 - 1 holes": () => new Array(2 ** 32 - 1),
  "an array of strings": () => ["1", "2"],
  "an array of symbols": () => [Symbol("x")],
  "an array of bigints": () => [1n],
  "an array of null": () => [null, null],
  "data of 2^53 numbers": () => ({ data: { length: 2 ** 53 }, shape: [2 ** 53] }),
  "a shape of 2^53 that data does not fill": () => ({ data: [1], shape: [2 ** 53] }),
  "a shape whose size is infinite": () => ({ data: [1], shape: [1e200, 1e200] }),
  "a shape with NaN": () => ({ data: [1], shape: [NaN] }),
  "a shape below 0": () => ({ data: [1], shape: [-1, -1] }),
  "a shape of strings": () => ({ data: [1], shape: ["1"] }),
  "a shape of symbols": () => ({ data: [1], shape: [Symbol("x")] }),
  "a shape of bigints": () => ({ data: [1], shape: [1n] }),
  "a shape in itself": () => ({ data: [1], shape: onlyItself }),
  "a shape that is a number": () => ({ data: [1], shape: 1 }),
  "a shape of holes": () => ({ data: [1], shape: new Array(2) }),
  "a shape of 2^32 - 1 holes": () => ({ data: [1], shape: new Array(2 ** 32 - 1) }),
  "data that is a cycle": () => ({ data: cyclic, shape: [3] }),
  "data in a bigint array": () => ({ data: new BigInt64Array([2n ** 62n]), shape: [1] }),
};

/** What can be handed over in place of a tensor. */
export const TENSOR_TRICKS: Readonly<Record<string, Trick<Given>>> = {
  ...Object.fromEntries(
    Object.entries(STRANGERS).map(([name, make]) => [name, { make, outcome: "refused" as const }]),
  ),
  "true": { make: STRANGERS["true"], outcome: "same", same: () => 1 },
  "proxies": {
    make: (given) => everyArray(build(given), (array) => new Proxy(array, {})),
    outcome: "either",
    fits: isNested,
  },
  "getters": {
    make: (given) => everyArray(build(given), (array) => withGetters(array, () => {})),
    outcome: "same",
    fits: isNested,
  },
  "getters that run other losses": {
    make: (given) => everyArray(build(given), (array) => withGetters(array, disturbOnce)),
    outcome: "same",
    fits: isNested,
  },
  "getters that throw": {
    make: (given) =>
      everyArray(build(given), (array) =>
        withGetters(array, () => {
          throw new Boom("element");
        })),
    outcome: "its own error",
    fits: isNested,
  },
  "arrays with more than numbers": {
    make: (given) =>
      everyArray(
        build(given),
        (array) =>
          Object.assign(array, { data: [9], shape: [1], constructor: null, map: null, x: 1 }),
      ),
    outcome: "same",
    fits: isNested,
  },
  "arrays that iterate over something else": {
    make: (given) =>
      everyArray(build(given), (array) =>
        Object.assign(array, {
          *[Symbol.iterator]() {
            yield 9;
          },
        })),
    outcome: "same",
    fits: isNested,
  },
  "arrays of a class of their own": {
    make: (given) =>
      everyArray(build(given), (array) => {
        class Own extends Array {}
        const own = new Own(array.length);
        array.forEach((part, i) => own[i] = part);
        return own;
      }),
    outcome: "same",
    fits: isNested,
  },
  "arrays without prototype": {
    make: (given) =>
      everyArray(build(given), (array) => Object.setPrototypeOf(array, null) as unknown[]),
    outcome: "either",
    fits: isNested,
  },
  "a hole": {
    make: (given) =>
      everyArray(build(given), (array) => {
        if (!Array.isArray(array[0])) delete array[array.length - 1];
        return array;
      }),
    outcome: "refused",
    fits: isNested,
  },
  "a boxed number among numbers": {
    make: (given) => withFirst(build(given), new Number(1)),
    outcome: "refused",
    fits: isNested,
  },
  "a row too long": {
    make: (given) => [...build(given) as unknown[], [1, 2, 3, 4, 5, 6, 7]],
    outcome: "refused",
    fits: isNested,
  },
  "data and shape behind getters": {
    make: (given) => foreign(given, () => {}),
    outcome: "same",
    fits: isFloat,
  },
  "data and shape behind getters that run other losses": {
    make: (given) => foreign(given, disturbOnce),
    outcome: "same",
    fits: isFloat,
  },
  "data and shape behind getters that throw": {
    make: (given) =>
      foreign(given, () => {
        throw new Boom("data");
      }),
    outcome: "its own error",
  },
  "an object with strange keys": {
    make: (given) => {
      const { data, shape } = foreign(given, () => {}) as { data: unknown; shape: unknown };
      const result = { data, shape, constructor: null, toString: 1, length: 99 };
      return Object.defineProperty(result, "__proto__", { value: 1, enumerable: true });
    },
    outcome: "same",
    fits: isFloat,
  },
  "an object without prototype that is a tensor": {
    make: (given) => {
      const { data, shape } = foreign(given, () => {}) as { data: unknown; shape: unknown };
      return Object.assign(Object.create(null), { data, dims: shape });
    },
    outcome: "same",
    fits: isFloat,
  },
  "shared memory": {
    make: (given) => inMemory(given, (bytes) => new SharedArrayBuffer(bytes)),
    outcome: "same",
    fits: isFloatArray,
  },
  "memory that can grow": {
    make: (given) =>
      inMemory(given, (bytes) => new ArrayBuffer(bytes, { maxByteLength: bytes + 64 })),
    outcome: "same",
    fits: isFloatArray,
  },
  "memory that has shrunk": {
    make(given) {
      const tensor = inMemory(given, (bytes) => new ArrayBuffer(bytes, { maxByteLength: bytes }));
      (tensor.data.buffer as ArrayBuffer).resize(0);
      return tensor;
    },
    outcome: "refused",
    fits: (given) => isFloatArray(given) && notEmpty(given),
  },
  "a tensor whose memory has shrunk": {
    make(given) {
      const { data, shape } = inMemory(
        given,
        (bytes) => new ArrayBuffer(bytes, { maxByteLength: bytes }),
      );
      const tensor = new Tensor(data, shape);
      (data.buffer as ArrayBuffer).resize(0);
      return tensor;
    },
    outcome: "refused",
    fits: (given) => isFloatArray(given) && notEmpty(given),
  },
  "memory that was given away": {
    make: detached,
    outcome: "refused",
    fits: (given) => isFloatArray(given) && notEmpty(given),
  },
  "a tensor whose memory was given away": {
    make(given) {
      const { data, shape } = inMemory(given, (bytes) => new ArrayBuffer(bytes));
      const tensor = new Tensor(data, shape);
      structuredClone(data.buffer, { transfer: [data.buffer as ArrayBuffer] });
      return tensor;
    },
    outcome: "refused",
    fits: (given) => isFloatArray(given) && notEmpty(given),
  },
  "a tensor whose shape was changed": {
    make(given) {
      const { data, shape } = inMemory(given, (bytes) => new ArrayBuffer(bytes));
      const tensor = new Tensor(data, shape);
      shape[0] = 1000;
      return tensor;
    },
    outcome: "same",
    fits: (given) => isFloatArray(given) && given.shape.length > 0,
  },
  "a tensor of a class of its own": {
    make(given) {
      class Own extends Tensor {}
      const { data, shape } = inMemory(given, (bytes) => new ArrayBuffer(bytes));
      return new Own(data, shape);
    },
    outcome: "same",
    fits: isFloatArray,
  },
  "a proxy of a tensor": {
    make(given) {
      const { data, shape } = inMemory(given, (bytes) => new ArrayBuffer(bytes));
      return new Proxy(new Tensor(data, shape), {});
    },
    outcome: "either",
    fits: isFloatArray,
  },
  "a list with properties of its own": {
    make(given) {
      const data = arrayOf(given).from(given.data);
      for (const name of ["length", "buffer", "constructor", "byteOffset", "byteLength", "set"]) {
        Object.defineProperty(data, name, { value: null });
      }
      return { data, shape: [...given.shape] };
    },
    outcome: "either",
    fits: isFloatArray,
  },
  "whole numbers without a class": {
    make(given) {
      const data = Int8Array.from(given.data);
      Object.defineProperty(data, "constructor", { value: undefined });
      return { data, shape: [...given.shape] };
    },
    // Whole numbers have a type of their own, which the plain thing need not have.
    same: ({ data, shape }) => ({ data: Int8Array.from(data), shape: [...shape] }),
    outcome: "same",
    fits: ({ data }) => data.every((value) => Number.isInteger(value) && Math.abs(value) < 100),
  },
  "a million rows of nothing": {
    make: () => ({ data: new Float64Array(0), shape: [1e15, 0] }),
    outcome: "either",
    fits: ({ data }) => data.length === 0,
  },
  "data that is another at each look": {
    make(given) {
      let looks = 0;
      const first = [...given.data];
      return {
        get data() {
          return looks++ === 0 ? first : [];
        },
        shape: [...given.shape],
      };
    },
    outcome: "either",
    fits: ({ form }) => form === "array" || form === "foreign" || form === "number",
  },
  "a shape that is another at each look": {
    make(given) {
      let looks = 0;
      return {
        data: [...given.data],
        get shape() {
          return looks++ === 0 ? [...given.shape] : [1000];
        },
      };
    },
    outcome: "either",
    fits: ({ form }) => form === "array" || form === "foreign" || form === "number",
  },
  "a length that is another at each look": {
    make(given) {
      let looks = 0;
      const array = build(given) as unknown[];
      return new Proxy(array, {
        get(target, key, receiver) {
          if (key === "length" && looks++ > 0) return 2 ** 31;
          return Reflect.get(target, key, receiver);
        },
      });
    },
    outcome: "either",
    fits: isNested,
  },
};

/** A tensor with NaNs of every kind in it: quiet, signalling, of both signs, with a payload. */
export function withPayloads(given: Given): unknown {
  const { shape, data } = given;
  if (given.form.includes("32")) {
    const floats = Float32Array.from(data);
    const bits = new Uint32Array(floats.buffer);
    data.forEach((value, i) => {
      if (Number.isNaN(value)) bits[i] = [0x7fc00000, 0xff800001, 0x7fbfffff, 0xffffffff][i % 4];
    });
    return { data: floats, shape: [...shape] };
  }
  const floats = Float64Array.from(data);
  const bits = new BigUint64Array(floats.buffer);
  data.forEach((value, i) => {
    if (Number.isNaN(value)) {
      bits[i] = [0x7ff8n << 48n, 0xfff0000000000001n, 0x7ff7ffffffffffffn, 2n ** 64n - 1n][i % 4];
    }
  });
  return float64(floats, [...shape]);
}
