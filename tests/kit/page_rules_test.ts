/** The rules for pages that a reader finishes: each can fail. */

import { assertEquals } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import type { Cell, CodeCell, Notebook } from "../../notebooks/_kit/notebook/notebook_file.ts";
import { pageProblems } from "../checks/page.ts";

function text(source: string, ...tags: string[]): Cell {
  return { cell_type: "markdown", id: "", metadata: tags.length > 0 ? { tags } : {}, source };
}

function code(source: string): CodeCell {
  return { cell_type: "code", id: "", metadata: {}, source, execution_count: 1, outputs: [] };
}

function figure(alt: string): CodeCell {
  const data = { "image/png": "iVBORw0KGgo=", "text/plain": alt };
  const output = { output_type: "display_data" as const, data, metadata: {} };
  const cell = code("await plot(\n  bars(x),\n  { alt },\n);");
  return { ...cell, metadata: { jupyter: { source_hidden: true } }, outputs: [output] };
}

const ROWS = {
  zh: ["用于", "不用于", "形状", "选项", "值", "梯度", "PyTorch", "十分钟"],
  en: ["Use it for", "Not for", "Shapes", "Options", "Value", "Gradient", "PyTorch", "Ten minutes"],
};

function card(language: "zh" | "en"): Cell {
  const said = language === "zh" ? "回归，输入与目标同形" : "regression, equal shapes";
  const rows = ROWS[language].map((name) => `| **${name}** | ${said} \`delta\` |`);
  return text(["| | |", "|---|---|", ...rows].join("\n"), language, "card");
}

const FIRST = code(
  'import { HuberLoss } from "@lossbook/losses";\n\nconst first = new HuberLoss().valueAndGrad([1], [3]);\n' +
    "console.log(first.value.item());\nconsole.log(first.grad.input.toArray());",
);

/** A page without problems: title, cards, first code, one passage in two languages. */
function page(): Cell[] {
  return [
    text("# HuberLoss · 胡贝尔损失"),
    card("zh"),
    card("en"),
    FIRST,
    text("## 1 问题 · The question"),
    text("残差 $x-y$ 小时是平方：\n\n$$\\tfrac12 e^2$$", "zh"),
    text("For small residuals $x-y$ it is a square:\n\n$$\\tfrac12 e^2$$", "en"),
    code("const residual = 1;"),
    figure("两条曲线。\nTwo curves."),
  ];
}

function problems(cells: Cell[]): string[] {
  const notebook: Notebook = { cells, metadata: {}, nbformat: 4, nbformat_minor: 5 };
  return pageProblems(notebook, ["delta"]);
}

/** The problems after the passage's texts are replaced. */
function passage(zh: string, en: string): string[] {
  const cells = page();
  cells[5] = text(zh, "zh");
  cells[6] = text(en, "en");
  return problems(cells);
}

/** The problems after the code cell is replaced. */
function withCode(source: string): string[] {
  const cells = page();
  cells[7] = code(source);
  return problems(cells);
}

describe("the rules for pages", () => {
  it("accept a sound page, and an index without a card", () => {
    assertEquals(problems(page()), []);
    const index: Notebook = {
      cells: page().slice(4),
      metadata: {},
      nbformat: 4,
      nbformat_minor: 5,
    };
    assertEquals(pageProblems(index), []);
  });

  it("require one language a text cell, which is the tagged one", () => {
    const untagged = page();
    untagged[5] = text("残差小时是平方。");
    assertEquals(problems(untagged).slice(0, 1), [
      "cell 6: tagged with no language, but one of zh and en is wanted",
    ]);
    const both = page();
    both[5] = text("残差小时是平方。", "zh", "en");
    assertEquals(problems(both)[0], "cell 6: tagged zh and en, but one of zh and en is wanted");
    assertEquals(passage("It is a square.", "It is a square."), [
      "cell 6: tagged zh, but hardly any Chinese",
    ]);
    assertEquals(passage("是平方。", "It is a 平方 (square)."), ["cell 7: tagged en, but has 平"]);
  });

  it("require Chinese before English, as many cells of each", () => {
    const swapped = page();
    [swapped[5], swapped[6]] = [swapped[6], swapped[5]];
    assertEquals(problems(swapped), [
      "cells 6 to 7: the order is en zh, but as many en after zh are wanted",
    ]);
    const alone = page();
    alone.splice(6, 1);
    assertEquals(problems(alone), ["cell 6: the order is zh, but as many en after zh are wanted"]);
    const whole = page();
    whole.splice(6, 0, text("接着推导：$a$", "zh"));
    whole.push(text("完。", "zh"), text("The end.", "en"));
    assertEquals(problems(whole), [
      "cells 6 to 8: the order is zh zh en, but as many en after zh are wanted",
    ]);
  });

  it("require the same formulas, code and folds in the same order", () => {
    assertEquals(passage("由 $a$ 得 $b$。", "From $a$ follows $c$."), [
      "cells 6 to 7: formula 2 is $b$ in Chinese and $c$ in English",
    ]);
    assertEquals(
      passage("由 $a$ 得 $b$。", "$b$ follows from $a$.")[0].slice(0, 24),
      "cells 6 to 7: formula 1 ",
    );
    assertEquals(passage("由 $$a$$ 得出。", "It follows."), [
      "cells 6 to 7: formula 1 is $$a$$ in Chinese and missing in English",
    ]);
    assertEquals(passage("解答：\n```ts\nf(1);\n```", "Solution:\n```ts\nf(2);\n```").length, 1);
    assertEquals(passage("<details>解答\n</details>", "Solution").length, 1);
  });

  it("require short texts", () => {
    assertEquals(passage("长".repeat(1501), "long"), [
      "cell 6: 1501 characters, but at most 1500 are wanted",
    ]);
  });

  it("require that a heading stands alone, in both languages, without a tag", () => {
    assertEquals(
      passage("## 推导\n\n先平方。", "Square first.")[0],
      "cell 6: a heading does not stand alone in its cell",
    );
    const lonely = page();
    lonely[4] = text("## 1 问题");
    assertEquals(problems(lonely), ["cell 5: a heading is not in both languages"]);
    const tagged = page();
    tagged[4] = text("## 1 问题 · The question", "zh");
    assertEquals(problems(tagged)[0], "cell 5: a heading has a language tag, but both languages");
    assertEquals(passage("代码：\n```py\n# PyTorch\n```", "Code:\n```py\n# PyTorch\n```"), []);
  });

  it("refuse derivatives by something, and accept multiplication", () => {
    assertEquals(passage("是平方。", "The gradient by the score."), [
      'cell 7: says "gradient by" instead of "with respect to"',
    ]);
    assertEquals(passage("是平方。", "Multiply the gradient by two. Its derivative is known."), []);
    assertEquals(withCode('console.log("derivative by x");').length, 1);
  });

  it("refuse folds of arrays and packed lines", () => {
    assertEquals(withCode("const sum = x.reduce((a, b) => a + b);").length, 1);
    assertEquals(withCode("const [a, b] = [1, 2];").length, 1);
    assertEquals(withCode("const [a, b] = pair;"), []);
  });

  it("let input be collapsed only where it draws and does no more", () => {
    const busy = page();
    const drawing = figure("两条曲线。\nTwo curves.");
    busy[8] = { ...drawing, source: `const x = 1;\n${drawing.source}` };
    assertEquals(problems(busy), ["cell 9: collapsed, but does more than draw"]);
    busy[8] = { ...drawing, source: `import { plot } from "./_kit/mod.ts";\n\n${drawing.source}` };
    assertEquals(problems(busy), []);
    busy[8] = { ...drawing, outputs: [] };
    assertEquals(problems(busy), ["cell 9: collapsed, but does more than draw"]);
  });

  it("require alt texts in both languages", () => {
    for (const alt of ["Two curves.", "两条曲线。", "Two curves.\n两条曲线。"]) {
      const cells = page();
      cells[8] = figure(alt);
      assertEquals(problems(cells), ["cell 9: a figure without alt text in both languages"]);
    }
  });

  it("refuse stubs that tell the answer, and accept those that compute it", () => {
    const stub = (want: string) =>
      withCode(
        `const check1 = exercise(1, (x) => [\n  { name: "x", got: x, want: ${want} },\n]);\nawait check1(TODO);`,
      );
    for (const told of ["3.375", "[0.5, 1]", "Math.log(4)", "-1", "2 * Math.PI"]) {
      assertEquals(stub(told), [`cell 8: a stub tells the answer: want: ${told}`]);
    }
    for (const computed of ["loss.forward(2, 3)", "0", "[0, 0]", "NaN", "slopes[1]"]) {
      assertEquals(stub(computed), []);
    }
    assertEquals(withCode("await check([{ name, got, want: 3.375 }]);"), []);
  });

  it("require a card in each language with all rows and all options", () => {
    const cells = page();
    cells.splice(2, 1);
    assertEquals(problems(cells).at(-1), "no cell before the code is tagged en and card");
    const thin = page();
    thin[2] = text(
      card("en").source.replace("| **Shapes**", "| **Sizes**").replaceAll("`delta`", ""),
      "en",
      "card",
    );
    assertEquals(problems(thin), [
      'the card in en has no row "Shapes"',
      "the card in en does not name the option delta",
    ]);
  });

  it("require the title first, and three lines as the first code", () => {
    const cells = page();
    cells[3] = code("const x = 1;");
    assertEquals(problems(cells), [
      "the first code is not three lines: the loss called, its value, its gradient",
    ]);
    assertEquals(problems(page().slice(1)), ["the first cell is not the title"]);
  });
});
