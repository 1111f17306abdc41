/**
 * Exercises that check an answer, and solutions that are folded in the text and still run.
 *
 * A solution is a fenced block of code inside `<details>` in a text cell, which JupyterLab, VS Code and GitHub fold.
 * {@linkcode runSolutions} runs the solutions of a notebook, and `deno task ok` checks their types together with the cells.
 */

import { check, type CheckRow } from "./checks.ts";
import { type Cell, parseNotebook } from "../notebook/notebook_file.ts";
import { markdown } from "./show.ts";

/** A placeholder for the reader's answer. It has every type, so that stubs pass the type check. */
export const TODO = undefined as never;

/**
 * Sets an exercise.
 *
 * @param name The name of the exercise, such as "1 ★".
 * @param rows The checks of an answer; the name of each says what it tries, because a wrong answer shows it.
 * @returns A function that checks an answer. It asks for one if it gets {@linkcode TODO}, and throws if the answer is wrong.
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

/** One fenced block of code inside `<details>`. */
export interface Solution {
  /** The code. */
  code: string;
  /** The line of the cell at which it begins, from 1. */
  line: number;
}

/**
 * Finds the solutions in a text cell.
 *
 * @param cell The cell; a code cell has none.
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
 * Runs every solution of a notebook, in order. A solution sees the variables of the cells, and its own are local. Because it is not
 * compiled, it has no type annotations.
 *
 * @param name The notebook, such as "huber", in the kernel's working directory.
 * @throws {RangeError} If the notebook has no solution.
 */
export async function runSolutions(name: string): Promise<void> {
  const { cells } = parseNotebook(await Deno.readTextFile(`${name}.ipynb`));
  const solutions = cells.flatMap(solutionsIn);
  if (solutions.length === 0) {
    throw new RangeError(`Cannot run the solutions of ${name}.ipynb as it has none`);
  }
  for (const { code } of solutions) {
    // An indirect eval sees the variables of the cells, unlike an import.
    await (0, eval)(`(async () => {\n${code}\n})()`);
  }
}
