/** tfjs as the tests use it: on its two backends that need neither a GPU nor a browser. */
import "@tensorflow/tfjs-backend-cpu";
import { setThreadsCount, setWasmPaths } from "@tensorflow/tfjs-backend-wasm";
import * as tf from "@tensorflow/tfjs-core";
// Importing layers is also what registers the gradients of tfjs's own operations.
import * as tfl from "@tensorflow/tfjs-layers";

export { tf, tfl };

/** The names of the backends. */
export const BACKENDS = ["cpu", "wasm"] as const;

setWasmPaths(new URL(".", import.meta.resolve("@tensorflow/tfjs-backend-wasm")).pathname);
setThreadsCount(1);

/** Changes to a backend. */
export async function useBackend(name: (typeof BACKENDS)[number]): Promise<void> {
  if (!await tf.setBackend(name)) throw new Error(`tfjs has no backend ${name} here`);
}

/** The numbers of a tensor. */
export function numbersOf(tensor: tf.Tensor): number[] {
  return [...tensor.dataSync()];
}

/** How many tensors a function leaves behind, those that it returns included. */
export function tensorsLeft(f: () => void): number {
  const before = tf.memory().numTensors;
  f();
  return tf.memory().numTensors - before;
}
