/** A batch split over workers, as a user's own distributed training would do it. */
import { assert, assertEquals } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { CrossEntropyLoss } from "@lossbook/losses";
import { TorchRandom } from "../reference/torch/random.ts";
import { type Batch, meanOfShards } from "./examples/shards.ts";

const SAMPLES = 37;
const CLASSES = 5;

function shared<A extends Float32Array | Int32Array>(
  Array: { new (buffer: SharedArrayBuffer): A; readonly BYTES_PER_ELEMENT: number },
  numbers: ArrayLike<number>,
): A {
  const array = new Array(new SharedArrayBuffer(numbers.length * Array.BYTES_PER_ELEMENT));
  array.set(numbers);
  return array;
}

function batch(ignoreIndex: number): Batch {
  const random = new TorchRandom(37);
  const labels = random.random([SAMPLES], "int32", CLASSES).data;
  for (let r = 0; r < SAMPLES; r += 6) labels[r] = ignoreIndex;
  return {
    scores: shared(Float32Array<SharedArrayBuffer>, random.randn([SAMPLES, CLASSES]).data),
    labels: shared(Int32Array<SharedArrayBuffer>, labels),
    gradient: shared(Float32Array<SharedArrayBuffer>, new Float32Array(SAMPLES * CLASSES)),
    options: { weight: [1, 0.5, 2, 0.25, 3], ignoreIndex },
  };
}

describe("a batch that is split over workers", () => {
  for (const [count, ignoreIndex] of [[1, -100], [2, -100], [3, 2]] as const) {
    it(`has the value and the gradient of a single call (${count}, ${ignoreIndex})`, async () => {
      const url = new URL("examples/shard_worker.ts", import.meta.url);
      const workers = Array.from({ length: count }, () => new Worker(url, { type: "module" }));
      try {
        const { scores, labels, gradient, options } = batch(ignoreIndex);
        const value = await meanOfShards({ scores, labels, gradient, options }, workers);
        const input = { data: scores, shape: [SAMPLES, CLASSES] };
        const whole = new CrossEntropyLoss(options).valueAndGrad(input, labels);
        assertEquals([...gradient], [...whole.grad.input.data]);
        // Each worker rounds its sum to float32.
        const expected = whole.value.item();
        assert(Math.abs(value - expected) <= (count + 1) * 2 ** -24 * expected);
      } finally {
        workers.forEach((worker) => worker.terminate());
      }
    });
  }
});
