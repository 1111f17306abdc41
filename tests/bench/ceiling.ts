/**
 * The ceiling of threads: how much faster independent loops run together, one on each thread, than one of them alone. Where two CPUs
 * are one core, or one loop fills the memory bus already, no library gains more with threads.
 */
import { Worker } from "node:worker_threads";
import type { Loop, Order } from "./ceiling_worker.ts";
import { median } from "./measure.ts";

/** What two (or all) loops achieve together, as a multiple of one alone. */
export interface Ceiling {
  readonly threads: number;
  /** The exponential of numbers in the cache. */
  readonly compute: number;
  /** Copies of 4 MiB, as long as the arrays of most rows, which the last cache may hold. */
  readonly cache: number;
  /** Copies of 64 MiB. */
  readonly memory: number;
}

const LOOPS: readonly Loop[] = ["compute", "cache", "memory"];
/** Seconds that a loop runs in a round. */
const DURATION = 0.04;

/** Workers with such loops, which sleep between rounds. */
export class Loops implements AsyncDisposable {
  readonly #workers: readonly Worker[];
  readonly #gains: Record<Loop, number[]> = { compute: [], cache: [], memory: [] };

  private constructor(workers: readonly Worker[]) {
    this.#workers = workers;
  }

  /** Starts a worker for each thread that can run at the same time. */
  static async start(count: number = navigator.hardwareConcurrency): Promise<Loops> {
    const workers = Array.from(
      { length: count },
      () => new Worker(new URL("ceiling_worker.ts", import.meta.url)),
    );
    await Promise.all(workers.map((worker) => nextMessage(worker)));
    return new Loops(workers);
  }

  /** Runs each loop alone and together once. Rounds belong before each row, as machines change with their neighbours. */
  async round(seconds: number = DURATION): Promise<void> {
    for (const loop of LOOPS) {
      const alone = await this.#speed(loop, seconds, 1);
      this.#gains[loop].push(await this.#speed(loop, seconds, this.#workers.length) / alone);
    }
  }

  /** Calls per second of the first `count` workers together. */
  async #speed(loop: Loop, seconds: number, count: number): Promise<number> {
    const gate = new Int32Array(new SharedArrayBuffer(4));
    const speeds = this.#workers.slice(0, count).map((worker) => {
      worker.postMessage({ loop, seconds, gate, count } satisfies Order);
      return nextMessage(worker);
    });
    return (await Promise.all(speeds)).reduce((sum, speed) => sum + speed, 0);
  }

  /** The medians of all rounds. */
  get ceiling(): Ceiling {
    const { compute, cache, memory } = this.#gains;
    return {
      threads: this.#workers.length,
      compute: median(compute),
      cache: median(cache),
      memory: median(memory),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.terminate()));
  }
}

function nextMessage(worker: Worker): Promise<number> {
  return new Promise((resolve, reject) => {
    const settle = (end: () => void) => {
      worker.removeAllListeners();
      end();
    };
    worker.once("message", (speed: number) => settle(() => resolve(speed)));
    worker.once("error", (error) => settle(() => reject(error)));
  });
}
