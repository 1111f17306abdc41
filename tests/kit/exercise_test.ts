/** Exercises that check an answer, and folded solutions that run. */

import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { checkSolutions, exercise, solutionsIn, TODO } from "../../notebooks/_kit/show/exercise.ts";
import type { Cell } from "../../notebooks/_kit/notebook/notebook_file.ts";
import { outputsOf } from "./kernel_stub.ts";
import { Folder } from "./temporary_notebooks.ts";

const half = exercise(1, (answer: (e: number) => number) => [
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
    assertMatch(error.message, /^练习 1 还没有做对 · Exercise 1 is not solved yet\./);
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

describe("exercise with a number and an answer of several parts", () => {
  const parts = exercise(2, (answer: { loss: number; gradient: number[] }) => [
    { name: "loss", got: answer.loss, want: 3 },
    { name: "gradient", got: answer.gradient, want: [1, -1] },
  ]);

  it("asks for an answer as long as no part is given", async () => {
    const [output] = await outputsOf(() => parts({ loss: TODO, gradient: [TODO, TODO] }));
    assertMatch(output.data["text/plain"], /Put your answer in the place of `TODO`/);
  });

  it("names the part that is missing or wrong", async () => {
    const cases: [answer: { loss: number; gradient: number[] }, message: RegExp][] = [
      [{ loss: 3, gradient: [TODO, TODO] }, /Exercise 2 is not solved yet[^]*"gradient"/],
      [{ loss: TODO, gradient: [1, -1] }, /"loss"[^]*undefined/],
      [{ loss: 3, gradient: [1] }, /gradient: got shape \[1\]$/],
      [{ loss: 4, gradient: [1, -1] }, /1 of 2 checks[^]*- loss: got 4$/],
    ];
    for (const [answer, message] of cases) {
      assertMatch((await assertRejects(() => parts(answer), Error)).message, message);
    }
  });

  it("keeps to itself what would be right, as long as the answer is no function", async () => {
    const [output] = await outputsOf(() => parts({ loss: 4, gradient: [1, -1] }).catch(() => {}));
    assertMatch(
      output.data["text/markdown"],
      /\| loss \| 4 \|\s+\|\s+\| ✗ \|\n\| gradient \| \[1, -1\] \|\s+\|/,
    );
    const double = exercise(3, (answer: (x: number) => number) => [
      { name: "double", got: answer(2), want: 4 },
    ]);
    await assertRejects(() => double((x) => x), Error, "double: got 2, want 4");
  });

  it("shows the table of a right answer in both languages", async () => {
    const [output] = await outputsOf(() => parts({ loss: 3, gradient: [1, -1] }));
    assertMatch(output.data["text/markdown"], /^\*\*练习 2 · Exercise 2\*\*/);
    assertMatch(output.data["text/markdown"], /得到 computed/);
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

/** Runs something with a notebook with these texts, and returns what its solutions noted. */
async function notesOf(
  run: (name: string) => Promise<void>,
  ...texts: string[]
): Promise<unknown[]> {
  using folder = new Folder();
  const path = folder.write("told", "1;");
  const notebook = JSON.parse(await Deno.readTextFile(path));
  notebook.cells.push(...texts.map((source, i) => ({ ...text(source), id: `text-${i}` })));
  await Deno.writeTextFile(path, JSON.stringify(notebook));
  const noted: unknown[] = [];
  const world = globalThis as { note?: (x: unknown) => unknown };
  world.note = (x) => typeof x === "function" ? x() : noted.push(x);
  try {
    await run(path.replace(/\.ipynb$/, ""));
  } finally {
    delete world.note;
  }
  return noted;
}

describe("checkSolutions", () => {
  const solution = (code: string) => `<details>\n\n\`\`\`ts\n${code}\n\`\`\`\n\n</details>`;

  it("runs them in order, each with local variables, and waits for each", async () => {
    const slow = "<details>\n\n```ts\nawait null;\nconst a = 3;\nnote(a);\n```\n\n</details>";
    assertEquals(await notesOf(checkSolutions, FOLDED, slow), [1, 2, 3]);
  });

  it("fails if there is none", async () => {
    await assertRejects(
      () => notesOf(checkSolutions, "no solution"),
      RangeError,
      "as it has none",
    );
  });

  it("runs a solution that stands in both languages once", async () => {
    assertEquals(await notesOf(checkSolutions, FOLDED, FOLDED), [1, 2]);
  });

  it("shows their number, with the tables folded under it", async () => {
    const world = globalThis as { half?: typeof half };
    world.half = half;
    const outputs = await outputsOf(async () => {
      await notesOf(checkSolutions, solution("await half((e) => e / 2);"), solution("note(1);"));
    });
    delete world.half;
    assertEquals(outputs.length, 1);
    assertEquals(outputs[0].data["text/plain"], "2 份解答 ✓ · 2 solutions ✓");
    assertMatch(outputs[0].data["text/markdown"], /^<details><summary>2 份解答 ✓[^]*half of -4/);
    assertEquals(outputs[0].metadata, { lossbook: { checks: 2 } });
  });

  it("fails if a solution is wrong, and shows outputs again afterwards", async () => {
    const wrong = solution("throw new RangeError('wrong');");
    await assertRejects(() => notesOf(checkSolutions, wrong), RangeError, "wrong");
    const outputs = await outputsOf(() => half(TODO));
    assertEquals(outputs.length, 1);
  });
});
