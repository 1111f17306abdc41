/**
 * Exercises that check an answer, and solutions that are folded in the text and still run.
 *
 * A solution is a fenced block of code inside `<details>` in a text cell, which JupyterLab, VS Code and GitHub fold.
 * {@linkcode checkSolutions} runs the solutions of a notebook, and `deno task ok` checks their types together with the cells.
 */

import { type Bilingual, folded } from "./bilingual.ts";
import { check, CheckError, type CheckRow, type Failure } from "./checks.ts";
import { display, holdBack } from "./display.ts";
import { type Cell, parseNotebook } from "../notebook/notebook_file.ts";
import { markdown } from "./show.ts";

/** A placeholder for the reader's answer, or for a part of it. It has every type, so that stubs pass the type check. */
export const TODO = undefined as never;

/**
 * Sets an exercise.
 *
 * @param name The number of the exercise.
 * @param rows The checks of an answer; the name of each says what it tries, because a wrong answer shows it.
 * @returns A function that checks an answer. It asks for one if it gets nothing but {@linkcode TODO}, and throws if the answer is
 * wrong or a part of it is missing; the error says where, in both languages, and what would be right only if the answer is a function.
 *
 * @example
 * ```ts
 * const check1 = exercise(1, (half: (e: number) => number) => [
 *   { name: "half of 3", got: half(3), want: 1.5 },
 * ]);
 * await check1(TODO);
 * ```
 */
export function exercise<Answer>(
  name: number,
  rows: (answer: Answer) => CheckRow[],
): (answer: Answer) => Promise<void> {
  return async (answer) => {
    if (isUntouched(answer)) {
      return await markdown(
        `**练习 · Exercise ${name}**：把 \`TODO\` 换成你的答案，再运行。 ` +
          "Put your answer in the place of `TODO` and run.",
      );
    }
    const missing = missingParts(answer);
    if (missing.length > 0) throw notSolved(name, missing.map(missingPart));
    // What a function should give helps to correct it; what a number should be is the answer itself.
    const secret = typeof answer !== "function";
    try {
      await check({ zh: `练习 ${name}`, en: `Exercise ${name}` }, rows(answer).map(withHole), {
        secret,
      });
    } catch (cause) {
      throw cause instanceof CheckError
        ? notSolved(name, cause.failures.map((failure) => wrongResult(failure, secret)))
        : notSolved(name, [stopped(cause)], { cause });
    }
  };
}

/** True if nothing has been put in the place of {@linkcode TODO}. */
function isUntouched(answer: unknown): boolean {
  if (typeof answer !== "object" || answer === null) return answer === undefined;
  const parts = Object.values(answer);
  return parts.length > 0 && parts.every(isUntouched);
}

/** The parts of an answer at which {@linkcode TODO} is left, such as "loss" and "gradient[1]"; `place` is the answer itself. */
function missingParts(answer: unknown, place = ""): string[] {
  if (answer === undefined) return [place];
  if (Array.isArray(answer)) {
    return answer.flatMap((part, i) => missingParts(part, `${place}[${i}]`));
  }
  if (typeof answer !== "object" || answer === null) return [];
  if (Object.getPrototypeOf(answer) !== Object.prototype) return []; // a tensor or a loss, say
  return Object.entries(answer).flatMap(([key, part]) =>
    missingParts(part, place === "" ? key : `${place}.${key}`)
  );
}

/** A check that shows the first number that an answer did not give. */
function withHole(row: CheckRow): CheckRow {
  const [hole] = missingParts(row.got, row.name);
  return hole === undefined ? row : { ...row, name: hole, got: "undefined" };
}

/** The error of an exercise that is not solved: a heading and sentences, each a line in Chinese and one in English. */
function notSolved(
  exercise: number,
  sentences: readonly Bilingual[],
  options?: ErrorOptions,
): Error {
  const heading = {
    zh: `练习 ${exercise} 还没有做对。`,
    en: `Exercise ${exercise} is not solved yet.`,
  };
  const lines = [heading, ...sentences].map(({ zh, en }) => `${zh}\n${en}`);
  return new Error(lines.join("\n"), options);
}

function missingPart(place: string): Bilingual {
  return {
    zh: `“${place}” 这一部分还是 TODO，请把它也换成你的答案。`,
    en: `The part "${place}" is still TODO; put your answer in its place, too.`,
  };
}

function wrongResult({ place, got, want }: Failure, secret: boolean): Bilingual {
  return {
    zh: `“${place}” 这一项不对，你的答案给出：${got.zh}${secret ? "" : `，应当是：${want.zh}`}。`,
    en: `"${place}" is not right: your answer gives ${got.en}${
      secret ? "" : `, but it should give ${want.en}`
    }.`,
  };
}

function stopped(cause: unknown): Bilingual {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return {
    zh: `检查你的答案时程序出错而停止，错误信息是：${reason}`,
    en: `An error stopped the check of your answer; its message is: ${reason}`,
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
 * Runs every solution of a notebook, in order, and shows only their number until a reader opens the fold, so that the answers stay
 * hidden. A solution sees the variables of the cells, and its own are local. Because it is not compiled, it has no type annotations.
 * One that stands in both languages runs once.
 *
 * @param name The notebook, such as "huber", in the kernel's working directory.
 * @throws {RangeError} If the notebook has no solution.
 */
export async function checkSolutions(name: string): Promise<void> {
  const solutions = [...new Set(await solutionsOf(name))];
  const shown = await holdBack(async () => {
    for (const code of solutions) await run(code);
  });
  const checks = shown.reduce((sum, { metadata }) => sum + checksIn(metadata), 0);
  const line = `${solutions.length} 份解答 ✓ · ${solutions.length} solutions ✓`;
  const tables = shown.map(({ data }) => data["text/markdown"]).join("\n\n");
  await display({ "text/markdown": folded(line, tables), "text/plain": line }, {
    lossbook: { checks },
  });
}

async function solutionsOf(name: string): Promise<string[]> {
  const { cells } = parseNotebook(await Deno.readTextFile(`${name}.ipynb`));
  const solutions = cells.flatMap(solutionsIn);
  if (solutions.length === 0) {
    throw new RangeError(`Cannot run the solutions of ${name}.ipynb as it has none`);
  }
  return solutions.map(({ code }) => code);
}

async function run(code: string): Promise<void> {
  // An indirect eval sees the variables of the cells, unlike an import.
  await (0, eval)(`(async () => {\n${code}\n})()`);
}

/** The number of checks of an output, as `check` stores it. */
function checksIn(metadata: Record<string, unknown>): number {
  const own = metadata.lossbook as { checks?: number } | undefined;
  return own?.checks ?? 0;
}
