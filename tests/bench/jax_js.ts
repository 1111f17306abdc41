/** jax-js on its WebAssembly backend, which traces, differentiates and compiles value and gradient. */
import type { Contender } from "./contender.ts";
import type { Input } from "./inputs.ts";
import { type Ops, PEER_LOSSES, peerInputs } from "./peer_losses.ts";

/** An array of jax-js. A function that gets it frees it, unless it gets its `ref`. */
interface Array {
  readonly ref: Array;
  reshape(shape: readonly number[]): Array;
  dataSync(): ArrayLike<number>;
  dispose(): void;
}

type Value = Array | number;
type Binary = (a: Value, b: Value) => Array;
type Unary = (a: Array) => Array;

/** The parts of jax-js that are used here. */
interface Jax {
  init(...devices: string[]): Promise<string[]>;
  defaultDevice(device: string): void;
  jit<F>(f: F): F;
  valueAndGrad(
    f: (...args: Array[]) => Array,
    options: { argnums: number[] },
  ): (...args: Array[]) => [Array, Array[]];
  blockUntilReady(arrays: readonly Array[]): Promise<unknown>;
  nn: { logsumexp(a: Array, axis: number): Array };
  numpy: {
    array(data: ArrayLike<number>): Array;
    add: Binary;
    subtract: Binary;
    multiply: Binary;
    divide: Binary;
    maximum: Binary;
    minimum: Binary;
    equal: Binary;
    abs: Unary;
    exp: Unary;
    log: Unary;
    log1p: Unary;
    sqrt: Unary;
    mean: Unary;
    where(condition: Array, a: Value, b: Value): Array;
    sum(a: Array, axis: number, options: { keepdims: boolean }): Array;
  };
}

/** Finds jax-js; throws if it is not installed. */
export async function jaxJs(require: NodeRequire): Promise<Contender[]> {
  const jax: Jax = require("@jax-js/jax");
  if (!(await jax.init("wasm")).includes("wasm")) throw new Error("it has no wasm backend here");
  jax.defaultDevice("wasm");
  const ops = opsOf(jax);
  return [{
    name: "jax-js wasm",
    prepare(row, inputs) {
      const { loss, wrt } = row.subject;
      const composed = PEER_LOSSES[loss];
      if (composed === undefined || row.dtype !== "float32") return undefined;
      const names = Object.keys(inputs);
      const argnums = wrt.map((name) => names.indexOf(name));
      const compute = jax.jit(
        jax.valueAndGrad((...args) => composed(ops, args), { argnums }),
      );
      const arrays = peerInputs(row, inputs).map(({ data, shape }: Input) =>
        jax.numpy.array(Float32Array.from(data)).reshape(shape)
      );
      const run = async () => {
        const [value, grads] = compute(...arrays.map(({ ref }) => ref));
        await jax.blockUntilReady([value, ...grads]);
        return { value, grads };
      };
      return {
        async time(calls) {
          const start = performance.now();
          for (let call = 0; call < calls; call++) {
            const { value, grads } = await run();
            value.dispose();
            grads.forEach((grad) => grad.dispose());
          }
          return (performance.now() - start) / 1000 / calls;
        },
        async answer() {
          const { value, grads } = await run();
          return {
            value: value.dataSync()[0],
            grads: grads.map((grad) => Float32Array.from(grad.dataSync())),
          };
        },
        dispose: () => arrays.forEach((array) => array.dispose()),
      };
    },
  }];
}

function opsOf({ numpy, nn }: Jax): Ops<Array> {
  const use = <V extends Value>(a: V): V => (typeof a === "number" ? a : a.ref) as V;
  const unary = (f: Unary): Unary => (a) => f(use(a));
  const binary = (f: Binary): Binary => (a, b) => f(use(a), use(b));
  return {
    add: binary(numpy.add),
    sub: binary(numpy.subtract),
    mul: binary(numpy.multiply),
    div: binary(numpy.divide),
    max: binary(numpy.maximum),
    min: binary(numpy.minimum),
    equal: binary(numpy.equal),
    abs: unary(numpy.abs),
    exp: unary(numpy.exp),
    log: unary(numpy.log),
    log1p: unary(numpy.log1p),
    sqrt: unary(numpy.sqrt),
    mean: unary(numpy.mean),
    where: (condition, a, b) => numpy.where(use(condition), use(a), use(b)),
    sum: (a, axis, keepdims = false) => numpy.sum(use(a), axis, { keepdims }),
    logSumExp: (a, axis) => nn.logsumexp(use(a), axis),
  };
}
