/**
 * Mutants that no test can tell from the original, or only by a stopwatch, each with the reason. They are known by their code, so
 * that lines may move; what is no longer there is reported as stale.
 */

/** A mutant that is judged equivalent. */
export interface Equivalent {
  readonly file: string;
  /** The code as it is, on one line. */
  readonly code: string;
  /** The code with the change in it. */
  readonly mutated: string;
  readonly reason: string;
}

export const EQUIVALENT: readonly Equivalent[] = [];
