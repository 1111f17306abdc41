/**
 * What a property is, and how a round of it runs: fast-check draws cases from a seed, and makes the first one that fails small.
 */
import fc from "fast-check";

/** Something that holds for every case. */
export interface Property<T> {
  /** A few words; they also choose the property on the command line. */
  readonly name: string;
  /** The cases, the small ones first when one is made smaller. */
  readonly cases: fc.Arbitrary<T>;
  /** Cases in one round: fewer where one takes long. */
  readonly casesPerRound: number;
  /** Takes part only in every so many rounds; in each by default. */
  readonly everyRounds?: number;
  /** Throws if the property does not hold. */
  check(value: T): void;
  /** The case as a line of TypeScript that can be pasted into a file in the project's folder and run. */
  reproduce(value: T): string;
}

/** A property whose cases nobody outside of it looks at. */
export type AnyProperty = Property<unknown>;

/** Makes a property; the type of its cases stays inside. */
export function property<T>(definition: Property<T>): AnyProperty {
  const { cases, check, reproduce } = definition;
  return {
    ...definition,
    cases: cases as fc.Arbitrary<unknown>,
    check: (value) => check(value as T),
    reproduce: (value) => reproduce(value as T),
  };
}

/** A case for which a property does not hold. */
export interface Failure {
  readonly property: string;
  /** fast-check's seed and path, which lead straight to the case. */
  readonly seed: number;
  readonly path: string;
  readonly message: string;
  readonly reproduction: string;
}

/** What a round has found. */
export interface RoundResult {
  readonly cases: number;
  readonly failure?: Failure;
}

/** Making a case smaller stops after this time, and what has been reached is reported. */
const SHRINK_MS = 10_000;

/** How a round is to run. */
export interface Round {
  readonly seed: number;
  /** Where in the round the case is; without a path all cases of the round are tried. */
  readonly path?: string;
  /** Ends the round early when it answers true. */
  readonly isOver?: () => boolean;
  /** Is told the number of every case before it runs; undefined while a case is made smaller. */
  readonly onCase?: (run: number | undefined) => void;
}

/** Runs one round of a property. */
export function runRound(
  { name, cases, casesPerRound, check, reproduce }: AnyProperty,
  { seed, path, isOver = () => false, onCase = () => {} }: Round,
): RoundResult {
  let count = 0;
  let failedAt: number | undefined;
  const details = fc.check(
    fc.property(cases, (value) => {
      if (failedAt === undefined) {
        if (isOver()) return;
        onCase(count++);
      } else {
        if (performance.now() - failedAt > SHRINK_MS) return;
        onCase(undefined);
      }
      try {
        check(value);
      } catch (error) {
        failedAt ??= performance.now();
        throw error;
      }
    }),
    { seed, path, numRuns: casesPerRound },
  );
  if (!details.failed || details.counterexample === null) return { cases: count };
  const [value] = details.counterexample;
  return {
    cases: count,
    failure: {
      property: name,
      seed,
      path: details.counterexamplePath ?? "",
      message: messageOf(details.errorInstance),
      reproduction: reproduce(value),
    },
  };
}

/** The case that a path leads to, without running it. */
export function caseAt({ cases, reproduce }: AnyProperty, seed: number, path: string): string {
  const [value] = fc.sample(cases, { seed, path, numRuns: 1 });
  return reproduce(value);
}

/** Says that a property does not hold, and why: told from errors of the library by its class. */
export class Violation extends Error {
  override readonly name = "Violation";
}

function messageOf(error: unknown): string {
  if (error instanceof Violation) return error.message;
  return error instanceof Error ? error.stack ?? `${error}` : String(error);
}
