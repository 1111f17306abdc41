/** How a batch is split over workers: the shares add up to the loss of the whole batch, and gradients are written side by side. */

/** A batch in shared memory, of which nobody takes a copy. */
export interface Batch {
  /** (N, C), row by row. */
  readonly scores: Float32Array<SharedArrayBuffer>;
  /** (N). */
  readonly labels: Int32Array<SharedArrayBuffer>;
  /** Receives the gradient with respect to the scores. */
  readonly gradient: Float32Array<SharedArrayBuffer>;
  /** Options of CrossEntropyLoss. */
  readonly options: { readonly weight: readonly number[]; readonly ignoreIndex: number };
}

/** Sends a message to a worker and waits for the number that it answers. */
function ask(worker: Worker, message: unknown): Promise<number> {
  return new Promise((resolve, reject) => {
    worker.onmessage = ({ data }) => resolve(data);
    worker.onerror = reject;
    worker.postMessage(message);
  });
}

/** The mean cross entropy of a batch, of which each worker takes some samples. */
export async function meanOfShards(batch: Batch, workers: readonly Worker[]): Promise<number> {
  const { scores, labels, gradient, options } = batch;
  // begin
  const weightOf = (y: number) => y === options.ignoreIndex ? 0 : options.weight[y]!;
  const share = 1 / labels.reduce((sum, y) => sum + weightOf(y), 0); // a mean divides by all weights
  const classes = scores.length / labels.length;
  const parts = workers.map((worker, k) => {
    const [from, to] = [k, k + 1].map((i) => Math.floor(i * labels.length / workers.length));
    const rows = (all: Float32Array) => all.subarray(from! * classes, to! * classes);
    const shard = { x: rows(scores), y: labels.subarray(from, to), out: rows(gradient) };
    return ask(worker, { ...shard, share, options });
  });
  return (await Promise.all(parts)).reduce((sum, value) => sum + value);
  // end
}
