/** A worker of ceiling.ts: runs one of its loops when told to, and answers with calls per second. */
import { parentPort } from "node:worker_threads";
import { expOfTile } from "./limits.ts";

/** The loops. */
export type Loop = "compute" | "cache" | "memory";

/** What a worker is told. */
export interface Order {
  readonly loop: Loop;
  /** How long to run. */
  readonly seconds: number;
  /** Counts the workers that have come: all of them begin together. */
  readonly gate: Int32Array;
  readonly count: number;
}

function copyOf(bytes: number): () => void {
  const from = new Uint8Array(bytes).fill(1);
  const to = from.slice();
  return () => to.set(from);
}

const calls: Readonly<Record<Loop, () => void>> = {
  compute: expOfTile(),
  cache: copyOf(2 ** 22),
  memory: copyOf(2 ** 26),
};

parentPort!.on("message", ({ loop, seconds, gate, count }: Order) => {
  const call = calls[loop];
  call();
  Atomics.add(gate, 0, 1);
  while (Atomics.load(gate, 0) < count);
  const start = performance.now();
  let done = 0;
  let elapsed = 0;
  for (; elapsed < seconds; done++, elapsed = (performance.now() - start) / 1000) call();
  parentPort!.postMessage(done / elapsed);
});
parentPort!.postMessage(0);
