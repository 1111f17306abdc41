/**
 * The threads of the arena: workers that share the rows of kernels with the thread that calls a loss. See job.ts.
 */

import { PAGE } from "../kernel/sizes.ts";
import type { Block } from "../tensor/arena.ts";
import { gapOf } from "./encoder.ts";
import { FUNCTIONS } from "./functions.ts";
import { MOST_OPERANDS, MOST_STEPS, PLACES } from "./job.ts";
import { type ArenaKernel, type Launch, launchWith, leastShared, type Step } from "./launch.ts";
import type { Arena } from "./memory.ts";
import { claimChunks } from "./worker.ts";
import { type StartedWorker, startWorker } from "./workers.ts";

/** For how many milliseconds a worker looks for the next job before it goes to sleep. */
const PATIENCE = 0.05;
/** After so many milliseconds without an answer a worker is taken to be dead. */
const DEAD = 30_000;
/** To wake workers takes about as long as so many times the least work that is shared. */
const WAKING = 6;
/** About how many elements a chunk of rows has. */
const CHUNK_ELEMENTS = 16384;
/** About how many chunks there are if columns are shared: few, as long pieces of rows are read faster. */
const CHUNKS_OF_COLUMNS = 8;
/** A chunk has a multiple of so many columns, so that it is made of whole cache lines. */
const COLUMN_UNIT = 64;

/** Workers, waiting for jobs. */
export class Pool {
  readonly #arena: Arena;
  /** The words of jobs, see job.ts. */
  readonly words: Int32Array;
  /** The caller's own table. */
  readonly #table: Int32Array;
  readonly #workers: readonly StartedWorker[];
  /** What the pool has taken of the memory. */
  readonly #blocks: Block[];
  /** The number of each kernel, and its module in the arena. */
  readonly #modules = new WeakMap<ArenaKernel, { id: number; start: number; bytes: number }>();
  #kernels = 0;
  #isBroken = false;
  /** True until the last job has been closed and left by all workers. */
  #isRunning = false;
  #maySleep = true;

  /**
   * Starts workers.
   *
   * @param arena The memory that they share.
   * @param count How many.
   * @returns The pool, when all of them wait for jobs.
   * @throws {Error} If a worker cannot be started, or the memory is full.
   */
  static async start(arena: Arena, count: number): Promise<Pool> {
    const tableBytes = 4 * PLACES.TABLE_WORDS;
    const block = arena.take(4 * PLACES.JOB_WORDS + (count + 1) * tableBytes);
    if (block === undefined) throw new Error("Cannot use threads as the memory is full");
    new Int32Array(arena.buffer, block.start, PLACES.JOB_WORDS).fill(0);
    const tables = block.start + 4 * PLACES.JOB_WORDS;
    const starts = await Promise.allSettled(Array.from({ length: count }, (_, k) =>
      startWorker({
        memory: arena.memory,
        job: block.start,
        table: tables + (k + 1) * tableBytes,
        places: PLACES,
        patience: PATIENCE,
      })));
    const workers = starts.flatMap((start) => start.status === "fulfilled" ? [start.value] : []);
    const pool = new Pool(arena, workers, block, tables);
    const failure = starts.find((start) => start.status === "rejected");
    if (failure === undefined) return pool;
    await pool.end();
    throw failure.reason;
  }

  private constructor(
    arena: Arena,
    workers: readonly StartedWorker[],
    block: Block,
    table: number,
  ) {
    this.#arena = arena;
    this.#workers = workers;
    this.#blocks = [block];
    this.words = new Int32Array(arena.buffer, block.start, PLACES.JOB_WORDS);
    this.#table = new Int32Array(arena.buffer, table, PLACES.TABLE_WORDS);
    launchWith(this.#launch);
  }

  /** Runs kernels on all threads; false if they sleep and it is short, there are too many kernels or operands, or a thread died. */
  readonly #launch: Launch = (steps, table, distances, rows, cols, heights, work) => {
    const fits = steps.length <= MOST_STEPS && distances.length <= MOST_OPERANDS;
    if (this.#isBroken || !fits) return false;
    const words = this.words;
    const areAsleep = Atomics.load(words, PLACES.ASLEEP) >= this.#workers.length;
    if (areAsleep && work < WAKING * leastShared) return false;
    const modules = steps.map((step) => this.#moduleOf(step));
    if (modules.includes(undefined)) return false;
    // The last job was left by an exception that nothing can catch, or that came from closing it, such as a stack overflow.
    if (this.#isRunning) this.#close();
    words[PLACES.COUNT] = steps.length;
    for (const [k, module] of modules.entries()) {
      const { id, start, bytes } = module!;
      words.set([id, start, bytes, heights?.[k] ?? 0], PLACES.STEPS + k * PLACES.STEP_WORDS);
    }
    words[PLACES.BY_COLUMNS] = Number(heights !== undefined);
    words[PLACES.SHARED] = heights === undefined ? rows : cols;
    words[PLACES.CHUNK] = heights === undefined
      ? Math.max(1, Math.floor(CHUNK_ELEMENTS / Math.max(1, cols)))
      : COLUMN_UNIT * Math.ceil(cols / CHUNKS_OF_COLUMNS / COLUMN_UNIT);
    words[PLACES.PARTS] = this.#workers.length + 1;
    words[PLACES.OPERANDS] = distances.length;
    words[PLACES.PAGES] = this.#arena.buffer.byteLength / PAGE;
    words.set(table.subarray(0, gapOf(distances.length - 1) + 1), PLACES.TABLE);
    words.set(distances, PLACES.DISTANCES);
    Atomics.store(words, PLACES.NEXT, 0);
    this.#isRunning = true;
    Atomics.store(words, PLACES.OPEN, 1);
    Atomics.add(words, PLACES.JOB, 1);
    Atomics.notify(words, PLACES.JOB);
    try {
      claimChunks(words, this.#table, steps.map(({ kernel }) => kernel), PLACES);
    } finally {
      this.#close();
    }
    if (Atomics.load(words, PLACES.FAILED) === 1) {
      this.#isBroken = true;
      throw new Error(
        "Cannot finish the computation as a thread failed: its results are not complete",
      );
    }
    return true;
  };

  /** Closes the job, and waits until no worker is active. */
  #close(): void {
    const words = this.words;
    Atomics.store(words, PLACES.OPEN, 0);
    const start = performance.now();
    for (;;) {
      const active = Atomics.load(words, PLACES.ACTIVE);
      if (active === 0) break;
      const waited = performance.now() - start;
      if (waited > DEAD) {
        this.#isBroken = true;
        throw new Error(
          "Cannot finish the computation as a thread died: its results are not complete",
        );
      }
      if (waited > PATIENCE && this.#maySleep) this.#sleep(active);
    }
    this.#isRunning = false;
  }

  /** Sleeps until another number of workers is active. The main threads of browsers may not. */
  #sleep(active: number): void {
    try {
      Atomics.wait(this.words, PLACES.ACTIVE, active, DEAD);
    } catch {
      this.#maySleep = false;
    }
  }

  /** The number of a kernel, and where workers find its module; undefined if the memory is full. */
  #moduleOf({ kernel, module }: Step) {
    if (!(module instanceof Uint8Array)) {
      const index = FUNCTIONS.findIndex(([, visit]) => visit === module.visit);
      return { id: -1 - 2 * index - Number(module.isWide), start: 0, bytes: 0 };
    }
    let known = this.#modules.get(kernel);
    if (known === undefined) {
      const block = this.#arena.take(module.length);
      if (block === undefined) return undefined;
      new Uint8Array(this.#arena.buffer, block.start, module.length).set(module);
      this.#blocks.push(block);
      known = { id: this.#kernels++, start: block.start, bytes: module.length };
      this.#modules.set(kernel, known);
    }
    return known;
  }

  /** Ends the workers. */
  async end(): Promise<void> {
    launchWith(undefined);
    Atomics.store(this.words, PLACES.STOP, 1);
    Atomics.add(this.words, PLACES.JOB, 1);
    Atomics.notify(this.words, PLACES.JOB);
    for (const worker of this.#workers) await worker.end();
    for (const block of this.#blocks) this.#arena.free(block);
  }
}
