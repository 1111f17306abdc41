/** What a run of the benchmark found, as it is written to .bench/result.json. */
import type { Fresh } from "./fresh.ts";
import { FOLDER } from "./install.ts";
import type { Limits } from "./limits.ts";
import type { Shares } from "./profile.ts";

/** One contender in one row. */
export interface Time {
  /** Median over rounds. */
  readonly seconds: number;
  /** In how many rounds it took part. */
  readonly rounds: number;
  /** What was wrong with its answer, if something was. */
  readonly wrong?: string;
}

/** One row. */
export interface Line {
  readonly name: string;
  /** "speed" lines count in the geometric means. */
  readonly part: "speed" | "call" | "float64";
  /** Numbers in the first argument. */
  readonly size: number;
  /** Seconds that nobody can stay below here. */
  readonly limit: number;
  /** Seconds that copying arguments in and gradients out takes, which we cannot stay below. */
  readonly copies: number;
  /** What our time is spent on, if it was looked at. */
  readonly shares?: Shares;
  /** By contender. */
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
