/** The contents of the book: complete, and consistent with the notebooks. */

import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { pathToFileURL } from "node:url";
import {
  afterwards,
  contents,
  firstReads,
  inReadingOrder,
  readingMinutes,
  readingPath,
  sourceLosses,
  terms,
} from "../../notebooks/_kit/contents/contents.ts";
import { lossPanels } from "../../notebooks/_kit/contents/loss_panels.ts";
import {
  type Cell,
  formatNotebook,
  parseNotebook,
} from "../../notebooks/_kit/notebook/notebook_file.ts";
import { isThere, namesIn, readProject } from "../checks/files.ts";
import { lossesOfProject } from "../checks/reference.ts";

const text = (source: string): Cell => ({ cell_type: "markdown", id: "a", metadata: {}, source });
const code: Cell = {
  cell_type: "code",
  id: "b",
  metadata: {},
  source: "f();",
  execution_count: null,
  outputs: [],
};

describe("the contents", () => {
  it("name every loss once, by its file and its class", () => {
    const named = contents.map(({ file, loss }) => `${file} ${loss}`).sort();
    assertEquals(named, lossesOfProject().map(({ file, name }) => `${file} ${name}`).sort());
  });

  it("group the losses as the picture does", () => {
    const groups = new Map(lossPanels.map(({ loss, group }) => [loss, group]));
    for (const { loss, group } of contents) assertEquals(groups.get(loss), group, loss);
  });

  it("ask each question in both languages", () => {
    for (const { loss, zh, en, useZh, useEn } of contents) {
      assert(/\p{Script=Han}.*？$/u.test(zh) && /^[A-Z].*\?$/.test(en), loss);
      assert(/\p{Script=Han}/u.test(useZh) && /^[a-z]/.test(useEn), loss);
    }
  });

  it("go on with chapters without a module, whose notebooks are there", () => {
    const others = namesIn("notebooks", ".ipynb").filter((name) =>
      name !== "index" && !contents.some(({ file }) => file === name)
    );
    assertEquals(afterwards.map(({ file }) => file), others);
    for (const { title, zh, en } of afterwards) {
      assert(/^\p{Script=Han}+ · [A-Z]/u.test(title), title);
      assert(/\p{Script=Han}.*？$/u.test(zh) && /^[A-Z].*\?$/.test(en), title);
    }
  });

  it("find a module for each of the 19 losses of the source", () => {
    assertEquals(new Set(sourceLosses.map(([heading]) => heading)).size, 19);
    for (const [, loss, file] of sourceLosses) {
      assert(isThere(`losses/${file}.ts`), file);
      assert(readProject(`losses/${file}.ts`).includes(`export class ${loss}`), loss);
    }
  });
});

describe("links in notebooks", () => {
  for (const name of namesIn("notebooks", ".ipynb")) {
    it(`lead from ${name} to a file`, () => {
      const { cells } = parseNotebook(readProject(`notebooks/${name}.ipynb`));
      const dead = cells.filter(({ cell_type }) => cell_type === "markdown")
        .flatMap(({ source }) => [...source.matchAll(/\]\(([^)\s#]+)/g)].map(([, link]) => link))
        .filter((link) => !/^[a-z]+:/.test(link))
        .map((link) => new URL(link, "file:///notebooks/").pathname.slice(1))
        .filter((path) => !isThere(path));
      assertEquals(dead, []);
    });
  }
});

describe("the path", () => {
  it("links every notebook with its reading time, and fails if one is missing or broken", async () => {
    const folder = await Deno.makeTempDir();
    try {
      const write = (cells: Cell[], file: string) => {
        const notebook = { cells, metadata: {}, nbformat: 4 as const, nbformat_minor: 5 };
        return Deno.writeTextFile(`${folder}/${file}.ipynb`, formatNotebook(notebook));
      };
      for (const { file } of [...contents, ...afterwards]) await write([text("字")], file);
      await write([text("字".repeat(2400)), code, { ...code, id: "c" }], "huber");
      const path = await readingPath(pathToFileURL(`${folder}/`));
      const row = (loss: string) => path.find((step) => step["笔记本 · notebook"].includes(loss));
      assertEquals(row("HuberLoss")?.["笔记本 · notebook"], "[HuberLoss](huber.ipynb)");
      assertEquals(row("HuberLoss")?.["分钟 · minutes"], "10");
      assertEquals(row("MSELoss")?.["分钟 · minutes"], "5");
      assertEquals(
        path.at(-1)?.["笔记本 · notebook"],
        `[${afterwards[0].title}](your_own_loss.ipynb)`,
      );
      await Deno.writeTextFile(`${folder}/l1.ipynb`, "{");
      await assertRejects(() => readingPath(pathToFileURL(`${folder}/`)), Error, "JSON");
      await Deno.remove(`${folder}/l1.ipynb`);
      await assertRejects(() => readingPath(pathToFileURL(`${folder}/`)), Deno.errors.NotFound);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  });

  it("puts a notebook below those that its card says to read first", async () => {
    const chapters = [
      { file: "a", first: ["c"] },
      { file: "b", first: [] },
      { file: "c", first: ["d", "b"] },
      { file: "d", first: [] },
    ];
    const order = inReadingOrder(chapters).map(({ file }) => file).join("");
    assertEquals(order, "dbca");
    const inCircle = [{ file: "a", first: ["b"] }, { file: "b", first: ["a"] }];
    assertThrows(() => inReadingOrder(inCircle), RangeError, "b wants a to be read first");
    assertThrows(() => inReadingOrder(chapters.slice(0, 2)), RangeError, "c to be read first");

    const path = await readingPath();
    const fileOf = (link: string) => link.slice(link.indexOf("("));
    let found = 0;
    for (const [i, step] of path.entries()) {
      for (const [link, number] of step["先读 · read first"].matchAll(/\[(\d+)\]\([^)]*\)/g)) {
        found++;
        assert(Number(number) <= i, `${step["笔记本 · notebook"]}: ${link} is not above`);
        assertEquals(fileOf(link), fileOf(path[Number(number) - 1]["笔记本 · notebook"]));
      }
    }
    assert(found > 0, "no card names a page to read first");
  });

  it("finds what to read first in the sentence of the card alone", () => {
    const card = (source: string, tags = ["zh", "card"]): Cell => ({
      ...text(source),
      metadata: { tags },
    });
    const cells = [
      text("先读 [X](x.ipynb)"),
      card("Read [Y](y.ipynb) first", ["en", "card"]),
      card(
        "用 [Z](z.ipynb)。\n\n先读 [A](a.ipynb) 和 [B](b_c.ipynb) 会更轻松；见[目录](index.ipynb)。",
      ),
    ];
    assertEquals(firstReads(cells), ["a", "b_c"]);
    assertEquals(firstReads(cells.slice(0, 2)), []);
    assertEquals(firstReads([card("不必先读别的页；见[目录](index.ipynb)。")]), []);
  });

  it("uses the language that takes longer, without solutions and formulas", () => {
    assertEquals(readingMinutes([text("字".repeat(5000))]), 20);
    assertEquals(readingMinutes([text("word ".repeat(2600))]), 20);
    assertEquals(readingMinutes([text("字".repeat(2500) + "word ".repeat(2600))]), 20);
    const lines = { ...code, source: "f( x );\n".repeat(2800) };
    assertEquals(readingMinutes([lines]), 10);
    const imports = { ...code, source: `import {\n  ${"a, ".repeat(5000)}\n} from "b";\nf();` };
    assertEquals(readingMinutes([imports]), 5);
    assertEquals(readingMinutes([{ ...lines, metadata: { jupyter: { source_hidden: true } } }]), 5);
    const solution = `<details>${"word ".repeat(2600)}</details> $${"x ".repeat(2600)}$`;
    assertEquals(readingMinutes([text(solution)]), 5);
  });
});

describe("the terms", () => {
  it("are taken from the list", async () => {
    const [loss, gradient] = await terms(["upstream gradient", "gradient"]);
    assertEquals(loss["中文"], "上游梯度");
    assertEquals(gradient, { "中文": "梯度", "English": "gradient", "说明 · note": "" });
    await assertRejects(() => terms(["nonsense"]), RangeError, "nonsense");
  });
});
