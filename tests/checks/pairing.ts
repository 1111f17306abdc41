/** The project's files by folder, as names without their ending. */
export interface Listing {
  /** Modules `losses/x.ts` that export a loss. */
  readonly losses: readonly string[];
  /** Modules `losses/x.ts` that help: a test is theirs, a notebook is not. */
  readonly helpers: readonly string[];
  /** Chapters about no module: a notebook, a test, cases and fixtures belong together without one. */
  readonly chapters: readonly string[];
  /** `notebooks/x.ipynb`, without the index. */
  readonly notebooks: readonly string[];
  /** `tests/x_test.ts`, without those that are about the project itself. */
  readonly tests: readonly string[];
  /** `tests/reference/cases/x.ts`. */
  readonly cases: readonly string[];
  /** `tests/fixtures/x.json`. */
  readonly fixtures: readonly string[];
}

/** Says which file of which loss is missing, and which file belongs to no loss. */
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
    // One script makes all fixtures, so they may be ahead of the code.
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
