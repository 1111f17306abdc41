/** Times several contenders in turns, so that disturbances of the machine affect all of them. */
import type { Runner } from "./contender.ts";

/** How long and how often to measure. */
export interface Plan {
  /** Number of rounds; in each round every contender runs once. */
  readonly rounds: number;
  /** Seconds that one contender may take for a row; slow ones run in fewer rounds. */
  readonly budget: number;
}

/**
 * Seconds that one measurement lasts at least, so that the resolution of the clock does not matter, nor that the first call finds
 * its arrays displaced from the caches by the contender before.
 */
const SHORTEST = 5e-3;
/** Seconds for which a contender runs before it is measured, so that its code is optimised. */
const WARM_UP = 0.05;
const FEWEST_ROUNDS = 3;

/** The middle number, or the mean of the middle two. */
export function median(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  const half = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}

/** The n-th root of the product. */
export function geometricMean(numbers: readonly number[]): number {
  return Math.exp(numbers.reduce((sum, x) => sum + Math.log(x), 0) / numbers.length);
}

/** True if a contender that runs in `some` of `rounds` rounds, evenly distributed, runs in this one. */
export function takesPart(round: number, some: number, rounds: number): boolean {
  return Math.floor((round + 1) * some / rounds) > Math.floor(round * some / rounds);
}

/** The order of `count` contenders in a round; each is first in turn. */
export function orderOf(round: number, count: number): number[] {
  return Array.from({ length: count }, (_, i) => (round + i) % count);
}

/** The number of calls in one measurement, and of rounds for which there is time. */
export function schedule(
  perCall: number,
  { rounds, budget }: Plan,
): { calls: number; rounds: number } {
  const calls = Math.max(1, Math.ceil(SHORTEST / perCall));
  const affordable = Math.floor(budget / (calls * perCall));
  return { calls, rounds: Math.min(rounds, Math.max(affordable, FEWEST_ROUNDS)) };
}

/** Runs until the code is optimised, and returns seconds per call at the end. */
export async function warmUp(runner: Runner): Promise<number> {
  let seconds = await runner.time(1);
  let total = seconds;
  while (total < WARM_UP) {
    const calls = Math.max(1, Math.ceil(WARM_UP / 5 / seconds));
    seconds = await runner.time(calls);
    total += calls * seconds;
  }
  return seconds;
}

/** A runner that is warmed up, and its seconds per call. */
export interface Warm {
  readonly runner: Runner;
  readonly perCall: number;
}

/** Measures seconds per call: for each runner a list with one number for each round in which it ran. */
export async function interleave(warm: readonly Warm[], plan: Plan): Promise<number[][]> {
  const schedules = warm.map(({ perCall }) => schedule(perCall, plan));
  const times: number[][] = warm.map(() => []);
  for (let round = 0; round < plan.rounds; round++) {
    for (const i of orderOf(round, warm.length)) {
      const { calls, rounds } = schedules[i];
      if (takesPart(round, rounds, plan.rounds)) times[i].push(await warm[i].runner.time(calls));
    }
  }
  return times;
}
