/**
 * Runs rounds of all properties until the time is over, and says so line by line on its output: what begins before it begins, so
 * that whoever listens knows what has hung or crashed. Started by fuzz.ts.
 *
 * @module
 */
import { PROPERTIES } from "./properties/mod.ts";
import { type Failure, runRound } from "./property.ts";

/** What is to be run. */
export interface Order {
  readonly seed: number;
  /** When to stop, as `Date.now()` counts. */
  readonly until: number;
  /** Names of properties; all others are left alone. */
  readonly properties: readonly string[];
  /** The first round that is run. */
  readonly round: number;
}

/** What is said, one line each. */
export type Report =
  | {
    readonly kind: "round";
    readonly property: string;
    readonly seed: number;
    readonly round: number;
  }
  | { readonly kind: "case"; readonly run: number }
  | { readonly kind: "smaller" }
  | { readonly kind: "failure"; readonly failure: Failure }
  | { readonly kind: "end" };

/** The seed of a round of a property: a number that mixes all three. */
export function seedOf(seed: number, property: string, round: number): number {
  let hash = 2166136261 ^ seed;
  for (const letter of `${property} ${round}`) {
    hash = Math.imul(hash ^ letter.codePointAt(0)!, 16777619);
  }
  return (hash ^ hash >>> 15) | 0;
}

const encoder = new TextEncoder();

function say(report: Report): void {
  const bytes = encoder.encode(`${JSON.stringify(report)}\n`);
  for (let at = 0; at < bytes.length;) at += Deno.stdout.writeSync(bytes.subarray(at));
}

function run({ seed, until, properties, round: first }: Order): void {
  const isOver = () => Date.now() >= until;
  let left = PROPERTIES.filter(({ name }) => properties.includes(name));
  for (let round = first; !isOver() && left.length > 0; round++) {
    for (const property of left) {
      if (isOver()) break;
      if (round % (property.everyRounds ?? 1) !== 0) continue;
      const own = seedOf(seed, property.name, round);
      say({ kind: "round", property: property.name, seed: own, round });
      const { failure } = runRound(property, {
        seed: own,
        isOver,
        onCase: (run) => say(run === undefined ? { kind: "smaller" } : { kind: "case", run }),
      });
      if (failure === undefined) continue;
      say({ kind: "failure", failure });
      left = left.filter(({ name }) => name !== property.name);
    }
  }
  say({ kind: "end" });
}

if (import.meta.main) run(JSON.parse(Deno.args[0]));
