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
/** Rounds before the first decision whether the machine is calm. */
const FIRST_ROUNDS = 5;
/** The machine is calm while the loops gain this share of what they gain when it is calm. */
const CALM = 0.85;
/** How often something is measured at most, and how often the loops wait for a calm machine before that. */
const ATTEMPTS = 3;
const WAITS = 5;
const WAIT_MS = 2000;

/** What the loops gained in a round. */
type Gains = Readonly<Record<Loop, number>>;

/** The gain in a calm machine: the upper quartile, as something else may use the machine for a part of the time. */
function calmGain(rounds: readonly Gains[]): number {
  const sorted = rounds.map(({ compute }) => compute).sort((a, b) => a - b);
  return sorted[Math.floor(0.75 * sorted.length)];
}

/** The rounds in which nothing else used the machine. */
export function calmRounds(rounds: readonly Gains[]): Gains[] {
  return rounds.filter(({ compute }) => compute >= CALM * calmGain(rounds));
}

/** Workers with such loops, which sleep between rounds. */
export class Loops implements AsyncDisposable {
  readonly #workers: readonly Worker[];
  readonly #rounds: Gains[] = [];

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

  /** Runs each loop alone and together once. */
  async round(seconds: number = DURATION): Promise<void> {
    const gains = { compute: NaN, cache: NaN, memory: NaN };
    for (const loop of LOOPS) {
      const alone = await this.#speed(loop, seconds, 1);
      gains[loop] = await this.#speed(loop, seconds, this.#workers.length) / alone;
    }
    this.#rounds.push(gains);
  }

  /**
   * Measures something while nothing else uses the machine: waits for that, and measures again if it was no longer so at the end.
   * Both only for a while. Rounds are thereby spread over the whole run, as machines change with their neighbours.
   */
  async undisturbed<R>(measure: () => Promise<R>): Promise<R> {
    while (this.#rounds.length < FIRST_ROUNDS) await this.round();
    for (let attempt = 1;; attempt++) {
      for (let wait = 1; wait <= WAITS && !await this.#isCalm(); wait++) {
        await new Promise((done) => setTimeout(done, WAIT_MS));
      }
      const result = await measure();
      if (await this.#isCalm() || attempt === ATTEMPTS) return result;
      console.error("  something else used the machine");
    }
  }

  async #isCalm(): Promise<boolean> {
    await this.round();
    return calmRounds(this.#rounds).includes(this.#rounds[this.#rounds.length - 1]);
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

  /** The medians of the calm rounds. */
  get ceiling(): Ceiling {
    const calm = calmRounds(this.#rounds);
    const middle = (loop: Loop) => median(calm.map((gains) => gains[loop]));
    return {
      threads: this.#workers.length,
      compute: middle("compute"),
      cache: middle("cache"),
      memory: middle("memory"),
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
