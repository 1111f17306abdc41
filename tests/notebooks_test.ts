/** Stored notebooks can be read as they are, and their cells type-check. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { checkCells } from "../notebooks/_kit/runner/cells.ts";
import { formatted } from "../notebooks/_kit/runner/format.ts";
import {
  type Cell,
  formatNotebook,
  type JsonObject,
  type Notebook,
  parseNotebook,
} from "../notebooks/_kit/notebook/notebook_file.ts";
import { isThere, namesIn, PROJECT, readProject } from "./checks/files.ts";
import { notebookProblems } from "./checks/notebook.ts";
import { pageProblems } from "./checks/page.ts";

const NAMES = namesIn("notebooks", ".ipynb");

/** The names of the options of a loss, from its interface; none for a chapter without a module. */
function optionsOf(name: string): string[] {
  if (!isThere(`losses/${name}.ts`)) return [];
  const [, body = ""] = readProject(`losses/${name}.ts`)
    .match(/^export interface \w+Options[^{]*\{\n([^]*?)^\}/m) ?? [];
  return [...body.matchAll(/^ {2}(\w+)\??:/gm)].map(([, option]) => option);
}

describe("stored notebooks", () => {
  for (const name of NAMES) {
    it(`${name} has the form that notebooks are stored in, complete outputs and both languages`, () => {
      const text = readProject(`notebooks/${name}.ipynb`);
      const isIndex = name === "index";
      assertEquals(notebookProblems(text, { isIndex }), []);
      const options = isIndex ? undefined : optionsOf(name);
      assertEquals(pageProblems(parseNotebook(text), options), []);
    });
  }

  it("have the layout of deno fmt", async () => {
    for (const name of NAMES) {
      const { cells } = parseNotebook(readProject(`notebooks/${name}.ipynb`));
      const wanted = await formatted(cells);
      const others = cells.filter(({ source }, i) => source !== wanted[i].source);
      assertEquals(others.map(({ id }) => `${name}: ${id}`), []);
    }
  });

  it("pass the type check and the linter", async () => {
    const paths = NAMES.map((name) => new URL(`notebooks/${name}.ipynb`, PROJECT).pathname);
    assertEquals(await checkCells(paths), []);
  });

  it("begin with an index", () => {
    assert(NAMES.includes("index"), `found only ${NAMES.join(", ")}`);
  });
});

// A notebook without problems. The tests below make one change at a time, which the check must find.

const FIGURE: JsonObject = {
  "application/vnd.plotly.v1+json": { data: [], layout: {} },
  "image/png": "iVBORw0KGgoAAAANSUhEUg==",
  "text/plain": "Figure: Huber loss and its gradient",
};

function markdown(source: string): Cell {
  return { cell_type: "markdown", id: "", metadata: {}, source };
}

function code(source: string): Cell {
  const outputs = [{ output_type: "display_data" as const, data: { ...FIGURE }, metadata: {} }];
  return { cell_type: "code", id: "", metadata: {}, source, execution_count: 0, outputs };
}

function soundNotebook(): Notebook {
  const cells = Array.from({ length: 15 }, (_, i) => [
    markdown("误差小时是平方，大时是直线。\n\nSquared for small errors, linear for large ones."),
    code(`const x${i} = ${i};`),
  ]).flat();
  cells.forEach((cell, index) => {
    cell.id = `cell-${index + 1}`;
    if (cell.cell_type === "code") cell.execution_count = (index + 1) / 2;
  });
  const metadata = parseNotebook(
    formatNotebook({ cells: [], metadata: {}, nbformat: 4, nbformat_minor: 5 }),
  );
  return { cells, metadata: metadata.metadata, nbformat: 4, nbformat_minor: 5 };
}

type CodeCell = Extract<Cell, { cell_type: "code" }>;

/** The problems of a sound notebook after one change to it, or to its first text or code cell. */
function problemsAfter(
  change: (parts: { notebook: Notebook; text: Cell; code: CodeCell }) => void,
): string {
  const notebook = soundNotebook();
  change({ notebook, text: notebook.cells[0], code: notebook.cells[1] as CodeCell });
  return notebookProblems(formatNotebook(notebook)).join("\n");
}

function figureOf(cell: CodeCell): JsonObject {
  const [output] = cell.outputs;
  assert(output.output_type === "display_data");
  return output.data;
}

describe("the notebook check", () => {
  it("accepts a sound notebook", () => {
    assertEquals(problemsAfter(() => {}), "");
  });

  it("requires a notebook in the form in which the runner stores it", () => {
    const sound = formatNotebook(soundNotebook());
    assertMatch(notebookProblems("{")[0], /not JSON/);
    assertMatch(notebookProblems(`{"nbformat": 3}`)[0], /nbformat must be 4/);
    assertMatch(notebookProblems(sound.replace("\n", "\n\n"))[0], /not as .* stores it/);
    assertMatch(
      notebookProblems(sound.replace(`"name": "deno"`, `"name": "python3"`))[0],
      /not as/,
    );
    const timed = sound.replace(`"metadata": {}`, `"metadata": {\n    "execution": {}\n   }`);
    assertMatch(notebookProblems(timed)[0], /not as .* stores it/);
  });

  it("requires 25 cells, except in the index", () => {
    const short = soundNotebook();
    short.cells.splice(20);
    const text = formatNotebook(short);
    assertEquals(notebookProblems(text), [
      "20 cells, but at least 25 are wanted",
    ]);
    assertEquals(notebookProblems(text, { isIndex: true }), []);
  });

  it("requires at least one figure, with a PNG and alt text", () => {
    const none = problemsAfter(({ notebook }) => {
      for (const cell of notebook.cells) if (cell.cell_type === "code") cell.outputs = [];
    });
    assertEquals(none, "no figure");
    assertMatch(problemsAfter(({ code }) => delete figureOf(code)["image/png"]), /without a PNG/);
    assertMatch(problemsAfter(({ code }) => delete figureOf(code)["text/plain"]), /without alt/);
    const still = problemsAfter(({ code }) =>
      delete figureOf(code)["application/vnd.plotly.v1+json"]
    );
    assertMatch(still, /a picture without the figure/);
  });

  it("requires cells with code, run from top to bottom, without errors", () => {
    assertMatch(problemsAfter(({ code }) => code.source = " \n"), /cell 2: empty/);
    assertMatch(problemsAfter(({ code }) => code.execution_count = 2), /numbered 2, 2, 3/);
    assertMatch(problemsAfter(({ code }) => code.execution_count = null), /not run from top/);
    const failed = problemsAfter(({ code }) =>
      code.outputs.push({ output_type: "error", ename: "Error", evalue: "", traceback: [] })
    );
    assertEquals(failed, "cell 2: stores an error");
  });

  it("refuses imports that a reader's kernel cannot load, and tests whose failure goes unnoticed", () => {
    const jsr = problemsAfter(({ code }) => code.source = `import "jsr:@std/assert";`);
    assertMatch(jsr, /cell 2: imports from JSR/);
    const test = problemsAfter(({ code }) => code.source = `Deno.test("x", () => {});`);
    assertMatch(test, /cell 2: has a Deno.test/);
  });

  it("refuses times, paths and terminal colours, which depend on the machine", () => {
    const time = { at: "2026-11-23T20:00:00Z" };
    assertMatch(problemsAfter(({ text }) => text.metadata = time), /hold a time/);
    assertMatch(problemsAfter(({ notebook }) => notebook.metadata.at = time), /hold a time/);
    const path = ["file:", "", "", "home", "ada", "huber.ts"].join("/");
    const said = problemsAfter(({ code }) =>
      code.outputs.push({ output_type: "stream", name: "stdout", text: `at ${path}:1` })
    );
    assertMatch(said, /cell 2: an output holds the path/);
    const shown = problemsAfter(({ code }) => figureOf(code)["text/html"] = `<p>${path}</p>`);
    assertMatch(shown, /cell 2: an output holds the path/);
    const colour = problemsAfter(({ code }) =>
      code.outputs.push({ output_type: "stream", name: "stdout", text: "\x1b[33m1\x1b[39m" })
    );
    assertMatch(colour, /colours/);
  });

  it("refuses notebooks of a megabyte or more", () => {
    const big = problemsAfter(({ code }) => figureOf(code)["text/html"] = "x".repeat(1e6));
    assertMatch(big, /bytes, but less than 1000000 are wanted/);
  });
});
