/**
 * What workers do. Workers get the text of these functions, not this module: they work without a file or an import of their own,
 * also in bundles. So these functions refer to nothing outside of themselves; everything comes as an argument. They do without
 * syntax that bundlers replace by a call of a helper for older browsers, such as `{ ...object }`.
 */

import type { ThreadFunction } from "./functions.ts";
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
  /** For how many milliseconds to look for the next job before going to sleep. */
  readonly patience: number;
}

/**
 * Claims chunks of the open job and computes them, until none is left.
 *
 * @param words The words of the job.
 * @param table The words of the thread's own table.
 * @param kernels The kernels of the job.
 * @param places Where everything is in the words.
 */
export function claimChunks(
  words: Int32Array,
  table: Int32Array,
  kernels: readonly ArenaKernel[],
  places: Places,
): void {
  const shared = words[places.SHARED]!;
  const chunk = words[places.CHUNK]!;
  const operands = words[places.OPERANDS]!;
  const sharesColumns = words[places.BY_COLUMNS] === 1;
  const parts = words[places.PARTS]!;
  const chunksOfPart = Math.ceil(shared / chunk / parts);
  for (;;) {
    const claimed = Atomics.add(words, places.NEXT, 1);
    if (claimed >= parts * chunksOfPart) return;
    const first = chunk * (claimed % parts * chunksOfPart + Math.floor(claimed / parts));
    // The last part may have fewer chunks.
    if (first >= shared) continue;
    const count = Math.min(chunk, shared - first);
    for (let word = 0; word <= 2 * operands; word++) table[word] = words[places.TABLE + word]!;
    // Addresses reach beyond 2³¹: the array takes them modulo 2³².
    for (let k = 0; k < operands; k++) table[1 + 2 * k]! += first * words[places.DISTANCES + k]!;
    if (sharesColumns) {
      // Fewer columns: the rows lie farther apart beyond their ends.
      table[0] = count;
      for (let k = 0; k < operands; k++) {
        table[2 + 2 * k]! += (shared - count) * words[places.DISTANCES + k]!;
      }
    }
    for (let k = 0; k < kernels.length; k++) {
      const height = words[places.STEPS + k * places.STEP_WORDS + places.HEIGHT]!;
      kernels[k]!(sharesColumns ? height : count, table.byteOffset);
    }
  }
}

/**
 * Takes part in jobs, until told to stop.
 *
 * @param task What the worker is given.
 * @param claim The function above.
 * @param functions The functions that may stand in place of kernels.
 * @param begin Called when the worker is ready for the first job.
 */
export function serve(
  { memory, job, table: tableAt, places, patience }: Task,
  claim: typeof claimChunks,
  functions: readonly ThreadFunction[],
  begin: () => void,
): void {
  const { JOB, OPEN, ACTIVE, FAILED, STOP, ASLEEP, PAGES } = places;
  const words = new Int32Array(memory.buffer, job, places.JOB_WORDS);
  const table = new Int32Array(memory.buffer, tableAt, places.TABLE_WORDS);
  const known: { [id: number]: ArenaKernel } = {};
  for (let k = 0; k < functions.length; k++) {
    const [kernelOf, visit, where] = functions[k]!;
    known[-1 - 2 * k] = kernelOf(memory, false, visit as never, where as never);
    known[-2 - 2 * k] = kernelOf(memory, true, visit as never, where as never);
  }
  begin();
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
    const codes: [id: number, code: Uint8Array<ArrayBuffer>][] = [];
    Atomics.add(words, ACTIVE, 1);
    try {
      if (Atomics.load(words, STOP) === 1) return;
      if (Atomics.load(words, OPEN) === 1) {
        // This thread may not have noticed yet that the memory has grown.
        if (memory.buffer.byteLength < 65536 * words[PAGES]!) memory.grow(0);
        const kernels: ArenaKernel[] = [];
        for (let k = 0; k < words[places.COUNT]!; k++) {
          const step = places.STEPS + k * places.STEP_WORDS;
          const id = words[step + places.KERNEL]!;
          const kernel = known[id];
          if (kernel === undefined) {
            const start = words[step + places.MODULE]! >>> 0;
            const bytes = new Uint8Array(memory.buffer, start, words[step + places.MODULE_BYTES]!);
            codes.push([id, bytes.slice()]);
          } else kernels.push(kernel);
        }
        if (codes.length === 0) claim(words, table, kernels, places);
      }
    } catch {
      Atomics.store(words, FAILED, 1);
    } finally {
      Atomics.sub(words, ACTIVE, 1);
      Atomics.notify(words, ACTIVE);
    }
    if (codes.length === 0) seen = current;
    // Nobody waits for kernels to be compiled. Their modules are not in shared memory, which compilers refuse.
    for (const [id, code] of codes) {
      const { f } =
        new WebAssembly.Instance(new WebAssembly.Module(code), { m: { m: memory } }).exports;
      known[id] = f as ArenaKernel;
    }
  }
}
