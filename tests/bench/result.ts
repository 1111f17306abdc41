/** The results of a run of the benchmark, as they are written to .bench/result.json. */
import type { Gain } from "./break_even.ts";
import type { Ceiling } from "./ceiling.ts";
import type { Fresh } from "./fresh.ts";
import { FOLDER } from "./install.ts";
import type { Limits } from "./limits.ts";
import type { Memory } from "./memory.ts";
import type { Shares } from "./profile.ts";

/** The time of one contender in one row. */
export interface Time {
  /** Median over rounds. */
  readonly seconds: number;
  /** Number of rounds in which it took part. */
  readonly rounds: number;
  /** What is wrong with its results; undefined if nothing is. */
  readonly wrong?: string;
}

/** The results of one row. */
export interface Line {
  readonly name: string;
  /** Only lines of part "speed" count in the geometric means. */
  readonly part: "speed" | "call" | "float64" | "growth";
  /** How many numbers the first argument has. */
  readonly size: number;
  /** The lower limit of seconds on this machine. */
  readonly limit: number;
  /** Seconds for copying arguments in and gradients out, a lower limit for this library with ordinary arrays. */
  readonly copies: number;
  /** The shares of our time with ordinary arrays, if it was profiled. */
  readonly shares?: Shares;
  /** How many CPUs other programs used on average while the row was measured. */
  readonly others: number;
  /** Times by contender. */
  readonly times: Readonly<Record<string, Time>>;
}

/** A whole run. */
export interface Result {
  readonly machine: string;
  readonly versions: Readonly<Record<string, string>>;
  /** True if few rounds were taken, and none of the largest rows: such results are provisional. */
  readonly isQuick: boolean;
  readonly limits: Limits;
  readonly ceiling: Ceiling;
  readonly lines: readonly Line[];
  /** What threads gain by size; undefined if there is one thread only. */
  readonly gains?: readonly Gain[];
  readonly fresh?: Fresh;
  readonly memory?: readonly Memory[];
}

const FILE = new URL("result.json", FOLDER);

/** Writes a run. */
export async function writeResult(result: Result): Promise<void> {
  await Deno.mkdir(FOLDER, { recursive: true });
  await Deno.writeTextFile(FILE, JSON.stringify(result, null, 2) + "\n");
}

/** Reads the last run. */
export async function readResult(): Promise<Result> {
  return JSON.parse(await Deno.readTextFile(FILE));
}
