/**
 * What workers do. Workers get the text of these functions, not this module: they work without a file or an import of their own,
 * also in bundles. So these functions refer to nothing outside of themselves; everything comes as an argument.
 */

import type { SampleWords, Visit, visitAll } from "./alignments.ts";
import type { Places } from "./job.ts";
import type { ArenaKernel } from "./launch.ts";

/** What a worker is given. */
export interface Task {
  readonly memory: WebAssembly.Memory;
  /** Where the words of jobs begin, in bytes: see job.ts. */
  readonly job: number;
  /** Where the worker's own table begins, in bytes. */
  readonly table: number;
  readonly places: Places;
  readonly sample: SampleWords;
  /** For how many milliseconds to look for the next job before going to sleep. */
  readonly patience: number;
}

/**
 * Claims chunks of the open job and computes them, until none is left.
 *
 * @param words The words of the job.
 * @param table The words of the thread's own table.
 * @param kernel The kernel of the job.
 * @param places Where everything is in the words.
 */
export function claimChunks(
  words: Int32Array,
  table: Int32Array,
  kernel: ArenaKernel,
  places: Places,
): void {
  const shared = words[places.SHARED]!;
  const chunk = words[places.CHUNK]!;
  const operands = words[places.OPERANDS]!;
  const height = words[places.HEIGHT]!;
  for (;;) {
    const first = chunk * Atomics.add(words, places.NEXT, 1);
    if (first >= shared) return;
    const count = Math.min(chunk, shared - first);
    for (let word = 0; word <= 2 * operands; word++) table[word] = words[places.TABLE + word]!;
    // Addresses reach beyond 2³¹: the array takes them modulo 2³².
    for (let k = 0; k < operands; k++) table[1 + 2 * k]! += first * words[places.STEPS + k]!;
    if (height > 0) {
      // Fewer columns: the rows lie farther apart beyond their ends.
      table[0] = count;
      for (let k = 0; k < operands; k++) {
        table[2 + 2 * k]! += (shared - count) * words[places.STEPS + k]!;
      }
    }
    kernel(height > 0 ? height : count, table.byteOffset);
  }
}

/**
 * Takes part in jobs, until told to stop.
 *
 * @param task What the worker is given.
 * @param claim The function above.
 * @param kernelOf Makes kernels of functions, see alignments.ts.
 * @param visits These functions.
 */
export function serve(
  { memory, job, table: tableAt, places, sample, patience }: Task,
  claim: typeof claimChunks,
  kernelOf: typeof visitAll,
  visits: readonly Visit[],
): void {
  const { JOB, OPEN, ACTIVE, FAILED, STOP, ASLEEP, KERNEL, MODULE, MODULE_BYTES, PAGES } = places;
  const words = new Int32Array(memory.buffer, job, places.JOB_WORDS);
  const table = new Int32Array(memory.buffer, tableAt, places.TABLE_WORDS);
  const kernels: { [id: number]: ArenaKernel } = {};
  for (let k = 0; k < visits.length; k++) {
    kernels[-1 - 2 * k] = kernelOf(memory, visits[k]!, sample, false);
    kernels[-2 - 2 * k] = kernelOf(memory, visits[k]!, sample, true);
  }
  let seen = 0;
  for (;;) {
    const bedtime = performance.now() + patience;
    while (Atomics.load(words, JOB) === seen) {
      if (performance.now() <= bedtime) continue;
      Atomics.add(words, ASLEEP, 1);
      Atomics.wait(words, JOB, seen);
      Atomics.sub(words, ASLEEP, 1);
    }
    const current = Atomics.load(words, JOB);
    let code: Uint8Array<ArrayBuffer> | undefined;
    let id = 0;
    Atomics.add(words, ACTIVE, 1);
    try {
      if (Atomics.load(words, STOP) === 1) return;
      if (Atomics.load(words, OPEN) === 1) {
        // This thread may not have noticed yet that the memory has grown.
        if (memory.buffer.byteLength < 65536 * words[PAGES]!) memory.grow(0);
        id = words[KERNEL]!;
        const kernel = kernels[id];
        if (kernel === undefined) {
          code = new Uint8Array(memory.buffer, words[MODULE]! >>> 0, words[MODULE_BYTES]!).slice();
        } else claim(words, table, kernel, places);
      }
    } catch {
      Atomics.store(words, FAILED, 1);
    } finally {
      Atomics.sub(words, ACTIVE, 1);
      Atomics.notify(words, ACTIVE);
    }
    if (code === undefined) seen = current;
    else {
      // Nobody waits for a kernel to be compiled. The module is not in shared memory, which compilers refuse.
      const { f } =
        new WebAssembly.Instance(new WebAssembly.Module(code), { m: { m: memory } }).exports;
      kernels[id] = f as ArenaKernel;
    }
  }
}
