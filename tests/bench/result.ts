/** The results of a run of the benchmark, as they are written to .bench/result.json. */
import type { Fresh } from "./fresh.ts";
import { FOLDER } from "./install.ts";
import type { Limits } from "./limits.ts";
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
  readonly part: "speed" | "call" | "float64";
  /** How many numbers the first argument has. */
  readonly size: number;
  /** The lower limit of seconds on this machine. */
  readonly limit: number;
  /** Seconds for copying arguments in and gradients out, a lower limit for this library. */
  readonly copies: number;
  /** The shares of our time, if it was profiled. */
  readonly shares?: Shares;
  /** Times by contender. */
  readonly times: Readonly<Record<string, Time>>;
}

/** A whole run. */
export interface Result {
  readonly machine: string;
  readonly versions: Readonly<Record<string, string>>;
  readonly limits: Limits;
  readonly lines: readonly Line[];
  readonly fresh?: Fresh;
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
