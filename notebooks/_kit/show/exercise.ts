/**
 * Exercises that check themselves, and solutions that stand folded in the text and run all the same.
 *
 * A solution is a fence of code inside `<details>` in a text cell: folded in JupyterLab, in VS Code
 * and on GitHub alike, written once. {@linkcode runSolutions} runs the solutions of a notebook, and
 * `deno task ok` checks their types with the cells.
 */

import { check, type CheckRow } from "./checks.ts";
import { type Cell, parseNotebook } from "../notebook/notebook_file.ts";
import { markdown } from "./show.ts";

/** Stands where the reader's answer will stand. It has every type, so that stubs pass the type check. */
export const TODO = undefined as never;

/**
 * Sets an exercise.
 *
 * @param name What the checks are called, such as "1 ★".
 * @param rows The checks of an answer; name each by what it tries, as that is what a wrong answer shows.
 * @returns A function that checks an answer: with {@linkcode TODO} it asks for one, a wrong one throws and says why.
 *
 * @example
 * ```ts
 * const check1 = exercise("1 ★", (half: (e: number) => number) => [
 *   { name: "half of 3", got: half(3), want: 1.5 },
 * ]);
 * await check1(TODO);
 * ```
 */
export function exercise<Answer>(
  name: string,
  rows: (answer: Answer) => CheckRow[],
): (answer: Answer) => Promise<void> {
  return async (answer) => {
    if (answer === undefined) {
      return await markdown(
        `**练习 · Exercise ${name}**：把 \`TODO\` 换成你的答案，再运行。 ` +
          "Put your answer in the place of `TODO` and run.",
      );
    }
    try {
      await check(`练习 · Exercise ${name}`, rows(answer));
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new Error(`练习 ${name} 还没有做对 · Exercise ${name} is not solved yet.\n${reason}`, {
        cause,
      });
    }
  };
}

/** One fence of code inside `<details>`. */
export interface Solution {
  /** The code. */
  code: string;
  /** The line of the cell in which it begins, from 1. */
  line: number;
}

/**
 * Finds the solutions in a text cell.
 *
 * @param cell The cell; one of code has none.
 * @returns The solutions, in order.
 */
export function solutionsIn({ cell_type, source }: Cell): Solution[] {
  if (cell_type !== "markdown") return [];
  const found: Solution[] = [];
  for (const details of source.matchAll(/<details>[^]*?<\/details>/g)) {
    for (const fence of details[0].matchAll(/^```ts\n([^]*?)^```$/gm)) {
      const before = source.slice(0, details.index + fence.index);
      found.push({ code: fence[1].trimEnd(), line: before.split("\n").length + 1 });
    }
  }
  return found;
}

/**
 * Runs every solution of a notebook, in order, as if it stood in a cell: it sees the variables of the
 * cells and keeps its own to itself. As nothing compiles it, it is written without type annotations.
 *
 * @param name The notebook, such as "huber"; the kernel runs in its folder.
 * @throws {RangeError} If the notebook has no solution.
 */
export async function runSolutions(name: string): Promise<void> {
  const { cells } = parseNotebook(await Deno.readTextFile(`${name}.ipynb`));
  const solutions = cells.flatMap(solutionsIn);
  if (solutions.length === 0) {
    throw new RangeError(`Cannot run the solutions of ${name}.ipynb as it has none`);
  }
  for (const { code } of solutions) {
    // An indirect eval sees what the cells declared, which an import would not.
    await (0, eval)(`(async () => {\n${code}\n})()`);
  }
}
