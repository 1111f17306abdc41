/** This library, used in three ways, and the plain loop without a library. */
import { empty, float32, float64, int32, type Tensor } from "@lossbook/losses";
import * as lossbook from "@lossbook/losses";
import { ARENA, type Contender, gradientsOf, ORDINARY, timed } from "./contender.ts";
import type { FloatArray, Input } from "./inputs.ts";
import type { Row } from "./rows.ts";
import type { Sleepers } from "./sleepers.ts";

interface Loss {
  valueAndGrad(...args: unknown[]): { value: Tensor };
}

/** A call of a row's loss. */
export interface Call {
  /** Computes value and gradients, and returns the value. */
  readonly run: () => number;
  /** The buffers of the gradients, in the order of the subject's `wrt`. */
  readonly grads: readonly FloatArray[];
  /** Frees the arguments and buffers that lie in the arena. */
  dispose(): void;
}

/** Where the floats of a call lie: in ordinary arrays, or in the memory that kernels read and write in place. */
export type Place = "ordinary" | "arena";

/** A call of a row's loss as in a training loop, with the same buffers each time. Labels lie in ordinary arrays always. */
export function callOf(row: Row, inputs: Record<string, Input>, place: Place = "ordinary"): Call {
  const { loss: name, options, wrt } = row.subject;
  const loss = new (Reflect.get(lossbook, name) as new (options?: unknown) => Loss)(options);
  using stack = new DisposableStack();
  const inArena = (data: FloatArray, shape: readonly number[]): Tensor => {
    const tensor = stack.use(
      empty(shape, data instanceof Float32Array ? "float32" : "float64") as Tensor & Disposable,
    );
    // A full arena would give ordinary arrays under its name.
    if (!(tensor.data.buffer instanceof SharedArrayBuffer)) throw new Error("the arena is full");
    tensor.data.set(data);
    return tensor;
  };
  const tensorOf = ({ data, shape }: Input): Tensor => {
    if (data instanceof Int32Array) return int32(data, [...shape]);
    if (place === "arena") return inArena(data, shape);
    return data instanceof Float32Array ? float32(data, [...shape]) : float64(data, [...shape]);
  };
  const tensors = Object.values(inputs).map(tensorOf);
  const buffers = place === "arena"
    ? wrt.map((name) => tensorOf(inputs[name]))
    : gradientsOf(row, inputs);
  const request = { wrt, out: Object.fromEntries(wrt.map((name, i) => [name, buffers[i]])) };
  const owned = stack.move();
  return {
    run: () => loss.valueAndGrad(...tensors, request).value.item(),
    grads: buffers.map((buffer) => ("data" in buffer ? buffer.data : buffer) as FloatArray),
    dispose: () => owned.dispose(),
  };
}

/** A contender of this library; `sleepers` are the threads that it wakes for its turns. */
function ours(name: string, place: Place, sleepers?: Sleepers): Contender {
  return {
    name,
    prepare(row, inputs) {
      if (!Object.hasOwn(lossbook, row.subject.loss)) return undefined;
      const { run, grads, dispose } = callOf(row, inputs, place);
      const turn = <R>(work: () => R) => sleepers ? sleepers.during(work) : work();
      return {
        time: (calls) => turn(() => timed(run, calls)),
        answer: () => ({ value: turn(run), grads }),
        dispose,
      };
    },
  };
}

/** This library with ordinary arrays. */
export const ordinary: Contender = ours(ORDINARY, "ordinary");

/** This library with all floats in the arena. */
export const arena: Contender = ours(ARENA, "arena");

/** The same with threads. */
export function arenaWith(sleepers: Sleepers): Contender {
  return ours(`${ARENA}, ${sleepers.count} threads`, "arena", sleepers);
}

/** The plain loop. */
export const loop: Contender = {
  name: "plain loop",
  prepare(row, inputs) {
    const { loop } = row.subject;
    const args = Object.values(inputs).map(({ data }) => data);
    const grads = gradientsOf(row, inputs);
    const run = () => loop(args, grads, row.shape);
    return {
      time: (calls) => timed(run, calls),
      answer: () => ({ value: run(), grads }),
      dispose() {},
    };
  },
};
