/** Measures from which size on threads are worth it: how much faster they make calls of several sizes. */
import { timed } from "./contender.ts";
import { sizeOf } from "./inputs.ts";
import { interleave, median, type Plan, warmUp } from "./measure.ts";
import { callOf } from "./ours.ts";
import { GROWING, growingRow, inputsOf, type Row } from "./rows.ts";
import type { Sleepers } from "./sleepers.ts";

/** One size of a loss. */
export interface Gain {
  readonly loss: string;
  readonly size: number;
  /** True if the library woke its threads: it leaves them alone where a call is short. */
  readonly isShared: boolean;
  /** The time with one thread divided by that with all, call after call. */
  readonly busy: number;
  /** The same if the program did something else before each call, so that the threads went to sleep. */
  readonly parked: number;
}

/** The powers of 2 that are measured. */
const POWERS = [12, 13, 14, 15, 16, 17, 18, 19, 20];
/** Milliseconds in which the caller works on something else. The threads look out for work for a fraction of this. */
const PAUSE = 0.3;
/** The most calls in a turn with pauses, which last much longer than short calls. */
const MOST_APART = 20;

/** Measures all sizes; `sleepers` are the threads, and `undisturbed` measures one size. */
export async function measureGains(
  sleepers: Sleepers,
  plan: Plan,
  undisturbed: (measure: () => Promise<Gain>) => Promise<Gain>,
  powers: readonly number[] = POWERS,
): Promise<Gain[]> {
  const gains: Gain[] = [];
  for (const growing of GROWING) {
    for (const power of powers) {
      gains.push(await undisturbed(() => gainOf(growingRow(growing, 2 ** power))));
    }
  }
  return gains;

  async function gainOf(row: Row): Promise<Gain> {
    const { run, dispose } = callOf(row, inputsOf(row), "arena");
    const before = sleepers.shared;
    sleepers.during(run);
    const isShared = sleepers.shared > before;
    const runners = [
      (calls: number) => timed(run, calls),
      (calls: number) => sleepers.during(() => timed(run, calls)),
      (calls: number) => timedApart(run, calls),
      (calls: number) => sleepers.during(() => timedApart(run, calls)),
    ].map((time) => ({ time, answer: () => ({ value: NaN, grads: [] }), dispose }));
    const warm = [];
    for (const runner of runners) warm.push({ runner, perCall: await warmUp(runner) });
    const [busyAlone, busy, parkedAlone, parked] = (await interleave(warm, plan)).map(median);
    dispose();
    return {
      loss: row.subject.loss.replace(/Loss$/, ""),
      size: sizeOf(row.shape),
      isShared,
      busy: busyAlone / busy,
      parked: parkedAlone / parked,
    };
  }
}

/** Seconds per call, where the caller works on something else before each. */
function timedApart(run: () => unknown, wanted: number): number {
  const calls = Math.min(wanted, MOST_APART);
  let sum = 0;
  for (let call = 0; call < calls; call++) {
    const end = performance.now() + PAUSE;
    while (performance.now() < end);
    sum += timed(run, 1);
  }
  return sum / calls;
}

/** The smallest size from which on the threads gain at every size that was measured; undefined if there is none. */
export function breakEven(
  gains: readonly Gain[],
  loss: string,
  when: "busy" | "parked",
): number | undefined {
  const sizes = gains.filter((gain) => gain.loss === loss).sort((a, b) => b.size - a.size);
  let smallest: number | undefined;
  for (const { size, isShared, [when]: gain } of sizes) {
    if (!isShared || gain <= 1) break;
    smallest = size;
  }
  return smallest;
}
