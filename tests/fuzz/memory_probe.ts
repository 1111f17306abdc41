/**
 * Calls losses with ever longer rows, and prints by how many MB the memory of the process has grown in the end. Started by
 * properties/memory.ts, with the lengths as JSON, in a process that has nothing else to do.
 *
 * @module
 */
import {
  cosineSimilarity,
  CrossEntropyLoss,
  float32,
  float64,
  logSoftmax,
  MultiLabelSoftMarginLoss,
  MultiMarginLoss,
  pairwiseDistance,
  softmax,
  type Tensor,
} from "@lossbook/losses";

const CALLS: readonly ((x: Tensor) => unknown)[] = [
  (x) => softmax.valueAndGrad(x),
  (x) => logSoftmax.valueAndGrad(x),
  (x) => new CrossEntropyLoss().valueAndGrad(x, [1]),
  (x) => new MultiMarginLoss().valueAndGrad(x, [1]),
  (x) => new MultiLabelSoftMarginLoss().valueAndGrad(x, x),
  (x) => cosineSimilarity.valueAndGrad(x, x),
  (x) => pairwiseDistance.valueAndGrad(x, x),
];

/** The memory of the process, in MB, after all that nobody holds any more has been given back. */
function memory(): number {
  for (let i = 0; i < 3; i++) (globalThis as unknown as { gc(): void }).gc();
  return Deno.memoryUsage().rss / 2 ** 20;
}

function run(lengths: readonly number[]): number {
  const once = (length: number) => {
    for (const make of [float32, float64]) {
      const x = make(Float64Array.from({ length }, (_, i) => i % 7), [1, length]);
      for (const call of CALLS) call(x);
    }
  };
  once(100);
  const before = memory();
  for (const length of lengths) once(length);
  once(100);
  return memory() - before;
}

if (import.meta.main) console.log(run(JSON.parse(Deno.args[0])));
