import {
  type Cell,
  formatNotebook,
  type Notebook,
  type Output,
  parseNotebook,
} from "../../notebooks/_kit/notebook/notebook_file.ts";
import { machinePathIn } from "./source.ts";

const MAX_BYTES = 1_000_000;
const LEAST_CELLS = 25;
const PLOTLY = "application/vnd.plotly.v1+json";
const PNG = "image/png";
const PNG_SIGNATURE = "iVBORw0KGgo"; // the first bytes of every PNG in base64

/** What is expected of a notebook. */
export interface Expectations {
  /** The index may have any length and no figure. @default {false} */
  isIndex?: boolean;
}

/**
 * Finds what keeps a stored notebook from being read as it is and from being run again: in its form and its outputs. What
 * it says is for page.ts.
 *
 * @param text The text of the file.
 * @param expected What kind of notebook it is.
 */
export function notebookProblems(text: string, expected: Expectations = {}): string[] {
  let notebook: Notebook;
  try {
    notebook = parseNotebook(text);
  } catch (error) {
    return [(error as Error).message];
  }
  const { isIndex = false } = expected;
  const bytes = new TextEncoder().encode(text).length;
  return [
    ...(bytes >= MAX_BYTES ? [`${bytes} bytes, but less than ${MAX_BYTES} are wanted`] : []),
    ...formProblems(notebook, text),
    ...(isIndex ? [] : extentProblems(notebook)),
    ...notebook.cells.flatMap((cell, index) =>
      cellProblems(cell).map((problem) => `cell ${index + 1}: ${problem}`)
    ),
  ];
}

function formProblems(notebook: Notebook, text: string): string[] {
  const problems: string[] = [];
  if (formatNotebook(notebook) !== text) {
    problems.push(
      "not as `deno task notebooks --write` stores it (key order, kernel, times of a session)",
    );
  }
  const times = [notebook, ...notebook.cells].map((part) => JSON.stringify(part.metadata));
  if (times.some((metadata) => /\d{4}-\d\d-\d\dT\d\d/.test(metadata))) {
    problems.push("metadata hold a time, so that another run gives other bytes");
  }
  const counts = notebook.cells.flatMap((c) => c.cell_type === "code" ? [c.execution_count] : []);
  if (counts.some((count, index) => count !== index + 1)) {
    problems.push(`not run from top to bottom: cells are numbered ${counts.join(", ")}`);
  }
  return problems;
}

function extentProblems({ cells }: Notebook): string[] {
  const problems: string[] = [];
  if (cells.length < LEAST_CELLS) {
    problems.push(`${cells.length} cells, but at least ${LEAST_CELLS} are wanted`);
  }
  const outputs = cells.flatMap((cell) => cell.cell_type === "code" ? cell.outputs : []);
  if (!outputs.some((output) => "data" in output && output.data[PLOTLY])) {
    problems.push("no figure");
  }
  return problems;
}

function cellProblems(cell: Cell): string[] {
  if (cell.cell_type === "markdown") return [];
  if (cell.cell_type !== "code") return ["raw, neither code nor markdown"];
  const problems: string[] = [];
  if (cell.source.trim() === "") problems.push("empty");
  if (/\bjsr:/.test(cell.source)) problems.push("imports from JSR, which a kernel may not reach");
  if (/\bDeno\.test\b/.test(cell.source)) {
    problems.push("has a Deno.test, whose failure does not fail the cell");
  }
  return [...problems, ...cell.outputs.flatMap(outputProblems)];
}

function outputProblems(output: Output): string[] {
  if (output.output_type === "error") return ["stores an error"];
  const problems: string[] = [];
  const data = "data" in output ? output.data : {};
  const text = String(data["text/plain"] ?? "");
  if (data[PLOTLY] && !String(data[PNG]).startsWith(PNG_SIGNATURE)) {
    problems.push("a figure without a PNG, which is what GitHub shows");
  }
  if (data[PNG] && !data[PLOTLY]) problems.push("a picture without the figure that it shows");
  if (data[PLOTLY] && !/\w{3}/.test(text)) problems.push("a figure without alt text");
  const shown = output.output_type === "stream"
    ? output.text
    : Object.keys(data).filter((type) => type.startsWith("text/")).map((type) => data[type]).join(
      "\n",
    );
  const path = machinePathIn(shown);
  if (path) problems.push(`an output holds the path ${path}`);
  if (shown.includes("\x1b[")) problems.push("an output holds terminal colours");
  return problems;
}
