/**
 * Threads that help only in the turns of one contender. They are started once, as starting takes longer than most turns, and sleep
 * while the others run. Threads that sleep slow nobody.
 */
import { type Threads, useThreads } from "@lossbook/losses";
import { type Launch, launch, launchWith } from "../../losses/_core/arena/launch.ts";

/** Threads that sleep, except while they are told to help. */
export class Sleepers implements AsyncDisposable {
  /** How many threads there are, the calling one included. */
  readonly count: number;
  /** How many kernels the threads have shared. */
  shared = 0;
  readonly #threads: Threads & AsyncDisposable;
  readonly #launch: Launch;

  private constructor(threads: Threads & AsyncDisposable, launch: Launch) {
    this.count = threads.count;
    this.#threads = threads;
    this.#launch = (...job) => {
      const isShared = launch(...job);
      if (isShared) this.shared++;
      return isShared;
    };
  }

  /** Starts threads, by default as many as can run at the same time; undefined if that is one. */
  static async start(count: number = navigator.hardwareConcurrency): Promise<Sleepers | undefined> {
    if (count < 2) return undefined;
    const threads = await useThreads(count) as Threads & AsyncDisposable;
    const sleepers = new Sleepers(threads, launch!);
    launchWith(undefined);
    return sleepers;
  }

  /** Runs `work` while the threads help. */
  during<R>(work: () => R): R {
    launchWith(this.#launch);
    try {
      return work();
    } finally {
      launchWith(undefined);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#threads[Symbol.asyncDispose]();
  }
}
