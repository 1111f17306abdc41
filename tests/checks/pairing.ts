/** The files of the project by folder, as names without their ending. */
export interface Listing {
  /** Modules `losses/x.ts` that export a loss. */
  readonly losses: readonly string[];
  /** Modules `losses/x.ts` without a loss: they need a test, but no notebook. */
  readonly helpers: readonly string[];
  /** Chapters without a module: a notebook, a test, cases and fixtures belong together. */
  readonly chapters: readonly string[];
  /** Files `notebooks/x.ipynb`, without the index. */
  readonly notebooks: readonly string[];
  /** Files `tests/x_test.ts`, without those that test the project as a whole. */
  readonly tests: readonly string[];
  /** Files `tests/reference/cases/x.ts`. */
  readonly cases: readonly string[];
  /** Files `tests/fixtures/x.json`. */
  readonly fixtures: readonly string[];
}

/** Finds files of losses that are missing, and files that belong to no loss. */
export function pairingProblems(files: Listing): string[] {
  const partners = {
    [`notebooks/{}.ipynb`]: files.notebooks,
    [`tests/{}_test.ts`]: files.tests,
    [`tests/reference/cases/{}.ts`]: files.cases,
    [`tests/fixtures/{}.json`]: files.fixtures,
  };
  const problems: string[] = [];
  const at = (pattern: string, name: string) => pattern.replace("{}", name);

  for (const [pattern, present] of Object.entries(partners)) {
    for (const loss of files.losses) {
      if (!present.includes(loss)) problems.push(`losses/${loss}.ts has no ${at(pattern, loss)}`);
    }
    for (const chapter of files.chapters) {
      if (!present.includes(chapter)) {
        problems.push(`the chapter ${chapter} has no ${at(pattern, chapter)}`);
      }
    }
    // One script makes all fixtures, so that there may be fixtures before there is a loss.
    for (const name of present === files.fixtures ? [] : present) {
      if (![...files.losses, ...files.helpers, ...files.chapters].includes(name)) {
        problems.push(`${at(pattern, name)} has no losses/${name}.ts`);
      }
    }
  }
  for (const helper of files.helpers) {
    if (!files.tests.includes(helper)) {
      problems.push(`losses/${helper}.ts has no tests/${helper}_test.ts`);
    }
  }
  return problems;
}
