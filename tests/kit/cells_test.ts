/** Type check and lint of notebook cells. */

import { assertEquals, assertMatch } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { checkCells, checkTypes, joinCells } from "../../notebooks/_kit/runner/cells.ts";
import { type Notebook, readNotebook } from "../../notebooks/_kit/notebook/notebook_file.ts";
import { Folder } from "./temporary_notebooks.ts";

describe("joinCells", () => {
  it("separates cells, skips text, and keeps the origin of each line", () => {
    const common = { metadata: {}, execution_count: null, outputs: [] };
    const notebook: Notebook = {
      cells: [
        { cell_type: "markdown", id: "a", metadata: {}, source: "# text" },
        { cell_type: "code", id: "b", ...common, source: "const f = () => 1\nf" },
        { cell_type: "code", id: "c", ...common, source: "(2)" },
      ],
      metadata: {},
      nbformat: 4,
      nbformat_minor: 5,
    };
    const { text, origins } = joinCells(notebook);
    assertEquals(text, "const f = () => 1\nf\n;\n(2)\n;\nexport {};\n");
    assertEquals(origins.slice(0, 4), [
      { cell: 2, line: 1 },
      { cell: 2, line: 2 },
      { cell: 2, line: 3 },
      { cell: 3, line: 1 },
    ]);
  });
});

describe("joinCells with solutions", () => {
  it("makes each a function, because it runs after all cells and its variables are local", () => {
    const source = "Text.\n<details>\n\n```ts\nawait check(late);\n```\n\n</details>";
    const common = { metadata: {}, execution_count: null, outputs: [] };
    const { text, origins } = joinCells({
      cells: [
        { cell_type: "markdown", id: "a", metadata: {}, source },
        { cell_type: "code", id: "b", ...common, source: "const late = 1;" },
      ],
      metadata: {},
      nbformat: 4,
      nbformat_minor: 5,
    });
    assertEquals(
      text,
      "void (async () => {\nawait check(late);\n});\nconst late = 1;\n;\nexport {};\n",
    );
    assertEquals(origins[1], { cell: 1, line: 5 });
    assertEquals(origins[3], { cell: 2, line: 1 });
  });
});

describe("checkCells", () => {
  it("finds no problem in correct cells, which may await and share names", async () => {
    using folder = new Folder();
    const path = folder.write("sound", "const x = await Promise.resolve(2);", "x + 1", "");
    assertEquals(await checkCells([path]), []);
    assertEquals(await checkCells([]), []);
    assertEquals(folder.names(), ["sound.ipynb"]);
  });

  it("names notebook, cell and line of type errors and lint", async () => {
    using folder = new Folder();
    const paths = [
      folder.write("first", "1;", "const a = 1;\nconst text: string = a;\ntext;"),
      folder.write("second", "debugger;", `import { missing } from "./first.ts";\nmissing;`),
      folder.write("third", "let kept = 1;\nkept;"),
    ];
    await Deno.writeTextFile(`${folder.path}/first.ts`, "export const there = 1;\n");
    const problems = (await checkCells(paths)).sort();
    assertEquals(problems.length, 4, problems.join("\n\n"));
    assertMatch(problems[0], /TS2305.*missing[^]* at .*second\.ipynb, cell 2, line 1:10$/);
    assertMatch(problems[1], /TS2322.*'string'[^]* at .*first\.ipynb, cell 2, line 2:7$/);
    assertMatch(problems[2], /no-debugger\)\n {4}at .*second\.ipynb, cell 1, line 1:1$/);
    assertMatch(problems[3], /prefer-const\)\n {4}at .*third\.ipynb, cell 1, line 1:5$/);
    assertEquals(folder.names(), ["first.ipynb", "first.ts", "second.ipynb", "third.ipynb"]);
  });

  it("reports a syntax error once, with its position", async () => {
    using folder = new Folder();
    const path = folder.write("broken", "1;", "\nconst = 2;");
    for (const check of [checkCells, checkTypes]) {
      const problems = await check([path]);
      assertEquals(problems.length, 1);
      assertMatch(problems[0], /Unexpected token `=`[^]*broken\.ipynb, cell 2, line 2:7$/);
    }
    assertEquals((await readNotebook(path)).notebook.cells.length, 2);
    assertEquals(folder.names(), ["broken.ipynb"]);
  });
});
