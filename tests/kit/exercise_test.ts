/** Exercises that check an answer, and folded solutions that run. */

import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { exercise, runSolutions, solutionsIn, TODO } from "../../notebooks/_kit/show/exercise.ts";
import type { Cell } from "../../notebooks/_kit/notebook/notebook_file.ts";
import { Folder } from "./temporary_notebooks.ts";

const half = exercise("1 ★", (answer: (e: number) => number) => [
  { name: "half of 3", got: answer(3), want: 1.5 },
  { name: "half of -4", got: answer(-4), want: -2 },
]);

describe("exercise", () => {
  it("asks for an answer without failing, and passes the right one", async () => {
    await half(TODO);
    await half((e) => e / 2);
  });

  it("reports the result of a wrong answer and the wanted one", async () => {
    const error = await assertRejects(() => half((e) => Math.abs(e) / 2), Error);
    assertMatch(error.message, /^练习 1 ★ 还没有做对 · Exercise 1 ★ is not solved yet\./);
    assertMatch(error.message, /1 of 2 checks[^]*half of -4: got 2, want -2/);
  });

  it("reports why an answer failed to run", async () => {
    const failing = () => {
      throw new TypeError("e is undefined");
    };
    const error = await assertRejects(() => half(failing), Error, "e is undefined");
    assertEquals(error.cause instanceof TypeError, true);
  });
});

function text(source: string): Cell {
  return { cell_type: "markdown", id: "a", metadata: {}, source };
}

const FOLDED = [
  "### Exercise",
  "```ts",
  "shown();",
  "```",
  "<details><summary>Solution</summary>",
  "",
  "```ts",
  "const a = 1;",
  "note(a);",
  "```",
  "",
  "```py",
  "print()",
  "```",
  "</details>",
  "<details>",
  "",
  "```ts",
  "note(2);",
  "```",
  "",
  "</details>",
].join("\n");

describe("solutionsIn", () => {
  it("finds fenced TypeScript in details, with its lines, and nothing else", () => {
    assertEquals(solutionsIn(text(FOLDED)), [
      { code: "const a = 1;\nnote(a);", line: 8 },
      { code: "note(2);", line: 19 },
    ]);
    assertEquals(solutionsIn({ ...text(FOLDED), cell_type: "raw" }), []);
    assertEquals(solutionsIn(text("<details>\n\nNo code.\n\n</details>")), []);
  });
});

describe("runSolutions", () => {
  /** Runs the solutions of a notebook with these texts, and returns what they noted. */
  async function notes(...texts: string[]): Promise<unknown[]> {
    using folder = new Folder();
    const path = folder.write("told", "1;");
    const notebook = JSON.parse(await Deno.readTextFile(path));
    notebook.cells.push(...texts.map((source, i) => ({ ...text(source), id: `text-${i}` })));
    await Deno.writeTextFile(path, JSON.stringify(notebook));
    const noted: unknown[] = [];
    const world = globalThis as { note?: (x: unknown) => void };
    world.note = (x) => noted.push(x);
    try {
      await runSolutions(path.replace(/\.ipynb$/, ""));
    } finally {
      delete world.note;
    }
    return noted;
  }

  it("runs them in order, each with local variables, and waits for each", async () => {
    const slow = "<details>\n\n```ts\nawait null;\nconst a = 3;\nnote(a);\n```\n\n</details>";
    assertEquals(await notes(FOLDED, slow, FOLDED), [1, 2, 3, 1, 2]);
  });

  it("fails if a solution is wrong, and if there is none", async () => {
    const wrong = "<details>\n\n```ts\nthrow new RangeError('wrong');\n```\n\n</details>";
    await assertRejects(() => notes(wrong), RangeError, "wrong");
    await assertRejects(() => notes("no solution"), RangeError, "as it has none");
  });
});
