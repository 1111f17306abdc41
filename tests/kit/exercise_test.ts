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

/** The lines of the error that an answer gets. */
async function messageOf(answer: Promise<void>): Promise<string[]> {
  const error = await assertRejects(() => answer, Error);
  return error.message.split("\n");
}

describe("exercise", () => {
  it("asks for an answer without failing, and passes the right one", async () => {
    await half(TODO);
    await half((e) => e / 2);
  });

  it("reports the result of a wrong answer and the wanted one", async () => {
    assertEquals(await messageOf(half((e) => Math.abs(e) / 2)), [
      "练习 1 还没有做对。",
      "Exercise 1 is not solved yet.",
      "“half of -4” 这一项不对，你的答案给出：2，应当是：-2。",
      '"half of -4" is not right: your answer gives 2, but it should give -2.',
    ]);
  });

  it("reports a function without a result", async () => {
    const [, , zh, en] = await messageOf(half((e) => e > 0 ? e / 2 : TODO));
    assertEquals(zh, "“half of -4” 这一项不对，你的答案给出：undefined，应当是：-2。");
    assertEquals(
      en,
      '"half of -4" is not right: your answer gives undefined, but it should give -2.',
    );
  });

  it("reports why an answer failed to run", async () => {
    const failing = () => {
      throw new TypeError("e is undefined");
    };
    const error = await assertRejects(() => half(failing), Error);
    assertEquals(error.message.split("\n").slice(2), [
      "检查你的答案时程序出错而停止，错误信息是：e is undefined",
      "An error stopped the check of your answer; its message is: e is undefined",
    ]);
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

  it("names every part that is missing, in both languages", async () => {
    assertEquals(await messageOf(parts({ loss: TODO, gradient: [1, TODO] })), [
      "练习 2 还没有做对。",
      "Exercise 2 is not solved yet.",
      "“loss” 这一部分还是 TODO，请把它也换成你的答案。",
      'The part "loss" is still TODO; put your answer in its place, too.',
      "“gradient[1]” 这一部分还是 TODO，请把它也换成你的答案。",
      'The part "gradient[1]" is still TODO; put your answer in its place, too.',
    ]);
  });

  it("names every part that is wrong, in both languages", async () => {
    assertEquals(await messageOf(parts({ loss: 4, gradient: [1] })), [
      "练习 2 还没有做对。",
      "Exercise 2 is not solved yet.",
      "“loss” 这一项不对，你的答案给出：4。",
      '"loss" is not right: your answer gives 4.',
      "“gradient” 这一项不对，你的答案给出：形状 [1]。",
      '"gradient" is not right: your answer gives shape [1].',
    ]);
  });

  it("names the place of a number that a function leaves out", async () => {
    const pair = exercise(3, (answer: (x: number) => number[]) => [
      { name: "pair", got: answer(2), want: [2, 4] },
    ]);
    const [, , , en] = await messageOf(pair((x) => [x, TODO]));
    assertEquals(
      en,
      '"pair[1]" is not right: your answer gives undefined, but it should give [2, 4].',
    );
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
    await assertRejects(() => double((x) => x), Error, "gives 2, but it should give 4");
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
