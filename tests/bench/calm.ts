/** Sees to it that something is measured while no other program uses the machine, and tells how far that was so. */
import { cpus } from "node:os";
import process from "node:process";

/** The CPUs that others may use on average, so that the machine counts as calm. */
export const CALM = 0.1;
/** How often something is measured at most. */
const ATTEMPTS = 3;

/** How a machine was looked after; tests give another one. */
export interface Watch {
  /** Seconds of all programs on all CPUs so far. */
  readonly busy: () => number;
  /** Seconds of this program and of those that it has started. */
  readonly own: () => number | Promise<number>;
  /** Seconds of the clock. */
  readonly now: () => number;
  /** Waits so many milliseconds. */
  readonly sleep: (milliseconds: number) => Promise<void>;
}

/** The watch over this machine. `children` tells the seconds of processes that this one has started. */
export function watchOver(children: () => Promise<number>): Watch {
  return {
    busy: () =>
      cpus().reduce((sum, { times }) => sum + times.user + times.nice + times.sys + times.irq, 0) /
      1e3,
    own: async () => {
      const { user, system } = process.cpuUsage();
      return (user + system) / 1e6 + await children();
    },
    now: () => performance.now() / 1000,
    sleep: (milliseconds) => new Promise((done) => setTimeout(done, milliseconds)),
  };
}

/** Runs `measure`, and tells how many CPUs other programs used on average meanwhile. */
export async function withOthers<R>(
  watch: Watch,
  measure: () => Promise<R>,
): Promise<{ readonly result: R; readonly others: number }> {
  const [own, busy, start] = [await watch.own(), watch.busy(), watch.now()];
  const result = await measure();
  const [seconds, used] = [watch.now() - start, watch.busy() - busy];
  return { result, others: Math.max(0, used - (await watch.own() - own)) / seconds };
}

/** Milliseconds after which a machine that is not calm is looked at again, and for which it is looked at. */
const NAP = 2000;
const LOOK = 250;

/** How many seconds may still be spent on waiting, and on measuring again. */
export interface Patience {
  seconds: number;
}

/**
 * Measures something while no other program uses the machine: waits for that, and measures again if it was not so. Of several
 * attempts the calmest counts.
 */
export async function undisturbed<R>(
  watch: Watch,
  patience: Patience,
  measure: () => Promise<R>,
): Promise<{ readonly result: R; readonly others: number }> {
  const attempts = [];
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    const start = watch.now();
    while (watch.now() - start < patience.seconds) {
      const { others } = await withOthers(watch, () => watch.sleep(LOOK));
      if (others < CALM) break;
      await watch.sleep(NAP);
    }
    const waited = watch.now() - start;
    const measured = await withOthers(watch, measure);
    patience.seconds -= attempt === 1 ? waited : watch.now() - start;
    attempts.push(measured);
    if (measured.others < CALM || patience.seconds <= 0) break;
  }
  return attempts.reduce((a, b) => b.others < a.others ? b : a);
}
