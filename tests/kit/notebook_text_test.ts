/** Notebooks as plain text, and the layout of their code. */

import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import {
  type Cell,
  type CodeCell,
  type Notebook,
  parseNotebook,
} from "../../notebooks/_kit/notebook/notebook_file.ts";
import { fromText, toText, withOutputs } from "../../notebooks/_kit/notebook/notebook_text.ts";
import { formatted } from "../../notebooks/_kit/runner/format.ts";
import { namesIn, readProject } from "../checks/files.ts";

function code(id: string, source: string): CodeCell {
  return { cell_type: "code", id, metadata: {}, source, execution_count: null, outputs: [] };
}

function text(id: string, source: string): Cell {
  return { cell_type: "markdown", id, metadata: {}, source };
}

const CELLS: Cell[] = [
  { ...text("title", "# HuberLoss\n\nText."), metadata: { tags: ["zh", "card"] } },
  { ...code("figure", "await plot(x);"), metadata: { jupyter: { source_hidden: true } } },
];

const TEXT = `%% text title zh card

# HuberLoss

Text.

%% code figure hidden

await plot(x);
`;

function notebook(...cells: Cell[]): Notebook {
  return { cells, metadata: {}, nbformat: 4, nbformat_minor: 5 };
}

describe("a notebook as text", () => {
  it("has a line with id and tags before each source", () => {
    assertEquals(toText(notebook(...CELLS)), TEXT);
    assertEquals(fromText(TEXT), CELLS);
  });

  it("is read and written without loss, for every stored notebook", () => {
    for (const name of namesIn("notebooks", ".ipynb")) {
      const stored = parseNotebook(readProject(`notebooks/${name}.ipynb`));
      const cells = withOutputs(fromText(toText(stored)), stored.cells);
      assertEquals(cells, stored.cells, name);
    }
  });

  it("keeps the outputs of cells whose id and source are the same", () => {
    const shown = { output_type: "stream" as const, name: "stdout" as const, text: "1" };
    const stored = [{ ...code("a", "f();"), execution_count: 1, outputs: [shown] }];
    const [same, other, renamed] = withOutputs(
      [
        { ...code("a", "f();"), metadata: { tags: ["new"] } },
        code("a", "g();"),
        code("b", "f();"),
      ],
      stored,
    ) as CodeCell[];
    assertEquals([same.outputs, same.metadata], [[shown], { tags: ["new"] }]);
    assertEquals([other.outputs, renamed.outputs], [[], []]);
  });

  it("refuses cells that it cannot hold", () => {
    const odd: Cell[] = [
      { ...text("a", "x"), cell_type: "raw" } as Cell,
      { ...text("a", "x"), metadata: { slideshow: {} } },
      { ...text("a", "x"), metadata: { jupyter: { outputs_hidden: true } } },
      text("a", "x\n\n%% code b\n"),
      text("a", "\nx"),
    ];
    for (const cell of odd) {
      assertThrows(() => toText(notebook(cell)), TypeError, 'Cannot write the cell "a"');
    }
  });

  it("refuses text before the first cell, misspelt heads and ids that occur twice", () => {
    assertThrows(() => fromText("x\n"), SyntaxError, 'current line is "x"');
    assertThrows(() => fromText("%% markdown a\n"), SyntaxError, "%% markdown a");
    assertThrows(() => fromText("%% text\n"), SyntaxError, "current line");
    assertThrows(() => fromText("%% text a\n\nx\n\n%% code a\n"), SyntaxError, '"a" occurs twice');
  });
});

describe("formatted", () => {
  it("lays out code and the TypeScript in texts, and leaves all else alone", async () => {
    const fence = (kind: string, body: string) => "```" + kind + "\n" + body + "\n```";
    const cells = await formatted([
      text("a", `$$\na\n=b$$\n${fence("ts", "f( 1 )")}\n${fence("py", "f( 1 )")}`),
      code("b", "const x=[1,2]\nx"),
    ]);
    assertEquals(cells.map(({ source }) => source), [
      `$$\na\n=b$$\n${fence("ts", "f(1);")}\n${fence("py", "f( 1 )")}`,
      "const x = [1, 2];\nx;",
    ]);
    assertEquals(await formatted([]), []);
  });

  it("names code that cannot be parsed", async () => {
    await assertRejects(() => formatted([code("a", "const = 1;")]), SyntaxError, "Cannot format");
  });
});
