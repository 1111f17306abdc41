/** The description of differences between two runs. */

import { assertEquals } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { cellLabel, differences } from "../../notebooks/_kit/runner/compare.ts";
import type { JsonObject, Notebook, Output } from "../../notebooks/_kit/notebook/notebook_file.ts";

function notebook(outputs: Output[], execution_count: number | null = 1): Notebook {
  const common = { metadata: {}, source: "" };
  return {
    cells: [
      { cell_type: "markdown", id: "a", ...common },
      { cell_type: "code", id: "b", ...common, execution_count, outputs },
    ],
    metadata: {},
    nbformat: 4,
    nbformat_minor: 5,
  };
}

function shown(data: JsonObject, metadata: JsonObject = {}): Output {
  return { output_type: "display_data", data, metadata };
}

const printed = (text: string): Output => ({ output_type: "stream", name: "stdout", text });

function compare(stored: Output[], fresh: Output[]): string[] {
  return differences(notebook(stored), notebook(fresh));
}

const figure = (y: number[], png: string): Output =>
  shown({ "application/vnd.plotly.v1+json": { data: [{ y }] }, "image/png": png });

describe("differences", () => {
  it("finds none between equal outputs with keys in another order", () => {
    assertEquals(compare([shown({ a: 1, b: [{}] })], [shown({ b: [{}], a: 1 })]), []);
    assertEquals(
      compare([shown({ "application/json": -0 })], [shown({ "application/json": 0 })]),
      [],
    );
  });

  it("names the first line of text that differs", () => {
    assertEquals(compare([printed("a\nb\nc")], [printed("a\nB\nC")]), [
      "cell 2 (In [1]), output 1.text, line 2 differs:\n  stored: b\n  now:    B",
    ]);
    assertEquals(compare([printed("a\nb")], [printed("a")]), [
      "cell 2 (In [1]), output 1.text, line 2 differs:\n  stored: b\n  now:    (nothing)",
    ]);
    assertEquals(compare([printed("a")], [printed("b")]), [
      "cell 2 (In [1]), output 1.text differs:\n  stored: a\n  now:    b",
    ]);
  });

  it("names the path in JSON", () => {
    assertEquals(compare([figure([1, 2, 3], "A")], [figure([1, 2.5, 3], "A")]), [
      "cell 2 (In [1]), output 1, application/vnd.plotly.v1+json.data[0].y[1] differs:\n" +
      "  stored: 2\n  now:    2.5",
    ]);
    assertEquals(compare([shown({ x: [1] })], [shown({ x: [1, 2] })]), [
      "cell 2 (In [1]), output 1, x[1] differs:\n  stored: (nothing)\n  now:    2",
    ]);
    assertEquals(compare([shown({ x: [] })], [shown({ x: {} })]), [
      "cell 2 (In [1]), output 1, x differs:\n  stored: []\n  now:    {}",
    ]);
    assertEquals(compare([shown({}, { n: 1 })], [shown({}, { n: 2 })]), [
      "cell 2 (In [1]), output 1, metadata.n differs:\n  stored: 1\n  now:    2",
    ]);
  });

  it("says if a picture changed although its figure did not", () => {
    const where = "cell 2 (In [1]), output 1";
    const [data, picture] = compare([figure([1], "A")], [figure([2], "B")]);
    assertEquals(data.startsWith(`${where}, application/vnd.plotly.v1+json.data[0].y[0]`), true);
    assertEquals(picture, `${where}: the bytes of its image/png differ`);
    const alone = compare([figure([1], "A")], [figure([1], "B")]);
    assertEquals(alone.length, 1);
    assertEquals(alone[0].includes("image/png differ, though all else about the figure"), true);
    assertEquals(compare([shown({ "image/png": "A" })], [shown({})]), [
      `${where}, image/png differs:\n  stored: A\n  now:    (nothing)`,
    ]);
  });

  it("lists the outputs if their number or type changed", () => {
    assertEquals(compare([], [printed("a"), shown({})]), [
      "cell 2 (In [1]) has other outputs: stored none, now stream + display_data",
    ]);
    assertEquals(compare([printed("a")], [shown({})])[0].includes("output_type differs"), true);
  });

  it("notices a cell that was stored before it ran", () => {
    assertEquals(differences(notebook([], null), notebook([], 1)), [
      "cell 2 (In [1]) is stored with the number In [ ]",
    ]);
  });

  it("cuts long values", () => {
    const [message] = compare([printed("a".repeat(1000))], [printed("b".repeat(1000))]);
    assertEquals(message.length < 450, true);
  });
});

describe("cellLabel", () => {
  it("gives position and number", () => {
    assertEquals(cellLabel(notebook([], 4), 1), "cell 2 (In [4])");
    assertEquals(cellLabel(notebook([], null), 1), "cell 2");
    assertEquals(cellLabel(notebook([]), 0), "cell 1");
  });
});
