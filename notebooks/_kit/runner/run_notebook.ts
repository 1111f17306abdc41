/**
 * Runs one notebook in a kernel of its own and compares its outputs with the stored ones.
 *
 * This folder joins notebook/ and kernel/: it runs cells, collects their outputs, checks their types. It draws nothing and computes
 * no loss, since the cells do that.
 *
 * @module
 */

import { basename, dirname } from "node:path";
import { checkTypes } from "./cells.ts";
import { cellLabel, differences } from "./compare.ts";
import { type Execution, Kernel, KernelError } from "../kernel/kernel.ts";
import {
  type CodeCell,
  formatNotebook,
  type Notebook,
  type Output,
  readNotebook,
  replaceFile,
} from "../notebook/notebook_file.ts";
import { OutputCollector } from "./outputs.ts";

/** How to run a notebook. */
export interface RunOptions {
  /** The time that one cell may take, in milliseconds. */
  timeout: number;
  /** Writes the new outputs into the file, if the whole notebook ran without an error. */
  write: boolean;
  /** Aborting it stops the run. */
  signal?: AbortSignal;
  /** Called with the numbers of finished and of all code cells. */
  onProgress?: (done: number, total: number) => void;
}

/** The result of a run. */
export interface RunReport {
  /** The notebook's name, without folder and extension. */
  name: string;
  /** The number of code cells that ran. */
  cells: number;
  /** The number of checks that passed, from the outputs' metadata `lossbook.checks`. */
  checks: number;
  /** The number of Plotly figures. */
  figures: number;
  /** The duration. */
  seconds: number;
  /** True if the file was written. */
  written: boolean;
  /** The reason why the run failed, if it did. */
  problem?: string;
}

const FIGURE_TYPE = "application/vnd.plotly.v1+json";

/** Further differences are only counted. */
const MAX_DIFFERENCES = 8;

/** The project's folder, which is removed from stack traces so that no output depends on it. */
const PROJECT_URL = new URL("../../../", import.meta.url).href;

/** An error that ends a run; its message is for the user. */
class RunError extends Error {}

/**
 * Runs a notebook. Problems of the notebook are in the report and never thrown.
 *
 * @param path The notebook's file.
 * @param options How to run it.
 * @returns The result.
 */
export async function runNotebook(path: string, options: RunOptions): Promise<RunReport> {
  const start = performance.now();
  const report: RunReport = {
    name: basename(path, ".ipynb"),
    cells: 0,
    checks: 0,
    figures: 0,
    seconds: 0,
    written: false,
  };
  try {
    const { notebook: stored, text } = await readNotebook(path);
    const fresh = structuredClone(stored);
    await runCells(fresh, path, options, report);
    const freshText = formatNotebook(fresh);
    if (freshText !== text) {
      if (!options.write) throw new RunError(explainChange(stored, fresh));
      await replaceFile(path, freshText);
      report.written = true;
    }
  } catch (error) {
    report.problem = explainError(error);
  }
  report.seconds = (performance.now() - start) / 1000;
  return report;
}

async function runCells(
  notebook: Notebook,
  path: string,
  { timeout, signal, onProgress }: RunOptions,
  report: RunReport,
): Promise<void> {
  const code = notebook.cells.flatMap((cell, index) =>
    cell.cell_type === "code" ? [{ cell, index }] : []
  );
  await using kernel = await Kernel.start({ cwd: dirname(path), signal });
  const collector = new OutputCollector();
  onProgress?.(0, code.length);
  for (const { cell, index } of code) {
    cell.execution_count = null;
    cell.outputs = collector.beginCell();
    if (cell.source.trim() !== "") {
      const execution = await named(
        notebook,
        index,
        kernel.execute(cell.source, { timeout, onMessage: (m) => collector.accept(m) }),
      );
      cell.execution_count = execution.executionCount;
      await examine(execution, cell, cellLabel(notebook, index), path);
    }
    report.cells++;
    onProgress?.(report.cells, code.length);
  }
  const last = code.at(-1)?.index ?? 0;
  const unhandled = await named(notebook, last, kernel.settle(timeout));
  refuseUnhandled(unhandled, "the notebook");
  // At the end, because a cell may update the outputs of earlier cells.
  for (const { cell, index } of code) {
    cell.outputs = withoutPaths(cell.outputs, cellLabel(notebook, index));
    for (const output of cell.outputs) count(output, report);
  }
}

/** Names the cell in which the kernel was lost. */
async function named<T>(notebook: Notebook, index: number, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (!(error instanceof KernelError)) throw error;
    throw new RunError(`${cellLabel(notebook, index)}: ${error.message}`);
  }
}

/** Throws if a cell failed. As in Jupyter, a cell with the tag `raises-exception` may throw. */
async function examine(
  { error, unhandled }: Execution,
  cell: CodeCell,
  where: string,
  path: string,
): Promise<void> {
  const tags = cell.metadata.tags;
  const mayThrow = Array.isArray(tags) && tags.includes("raises-exception");
  if (error && error.traceback.length === 0) {
    // The kernel does not say why it cannot start a cell.
    const details = await checkTypes([path]);
    throw new RunError(
      [`${where} cannot run: a syntax error, or a package that cannot be loaded`, ...details]
        .join("\n"),
    );
  }
  if (error && !mayThrow) {
    const trace = error.traceback.join("\n").trim(); // Empty if the value thrown is no Error.
    throw new RunError(`${where} threw\n${trace || error.evalue}`);
  }
  refuseUnhandled(unhandled, where);
}

/** Jupyter does not show such an error, and outputs may be missing because of it. */
function refuseUnhandled(unhandled: string[], where: string): void {
  if (unhandled.length === 0) return;
  throw new RunError(
    [`${where} caused an unhandled error (is an await missing?)`, ...unhandled].join("\n"),
  );
}

function withoutPaths(outputs: Output[], where: string): Output[] {
  const text = JSON.stringify(outputs).replaceAll(PROJECT_URL, "");
  const path = text.match(/file:\/\/\/[^\s"'\\)]*/)?.[0];
  if (path) throw new RunError(`${where} shows a path of this machine: ${path}`);
  return JSON.parse(text);
}

function count(output: Output, report: RunReport): void {
  if (!("data" in output)) return;
  if (FIGURE_TYPE in output.data) report.figures++;
  const own = output.metadata.lossbook as { checks?: unknown } | undefined;
  if (typeof own?.checks === "number") report.checks += own.checks;
}

function explainChange(stored: Notebook, fresh: Notebook): string {
  const found = differences(stored, fresh);
  const shown = found.slice(0, MAX_DIFFERENCES);
  if (found.length > shown.length) shown.push(`… and ${found.length - shown.length} more`);
  if (found.length === 0) {
    shown.push("the outputs are equal, but the file is formatted differently");
  }
  return [...shown, "--write stores the new outputs"].join("\n");
}

function explainError(error: unknown): string {
  if (error instanceof Deno.errors.NotFound) return "the file does not exist";
  return error instanceof Error ? error.message : String(error);
}
