/**
 * Runs one notebook in a kernel of its own and compares its outputs with the stored ones.
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
  /** How long one cell may take, in milliseconds. */
  timeout: number;
  /** Whether to write the new outputs into the file, if the whole notebook ran without an error. */
  write: boolean;
  /** Stops the run when it is aborted. */
  signal?: AbortSignal;
  /** Is told how many of how many code cells are done. */
  onProgress?: (done: number, total: number) => void;
}

/** How a run went. */
export interface RunReport {
  /** The notebook's name: its file without folder and ending. */
  name: string;
  /** How many code cells ran. */
  cells: number;
  /** How many checks passed, as the outputs' `lossbook.checks` metadata says. */
  checks: number;
  /** How many Plotly figures were drawn. */
  figures: number;
  /** How long it took. */
  seconds: number;
  /** Whether the file was written. */
  written: boolean;
  /** Why the run failed, if it failed. */
  problem?: string;
}

const FIGURE_TYPE = "application/vnd.plotly.v1+json";

/** More differences than this are counted, not told. */
const MAX_DIFFERENCES = 8;

/** Errors print where they were thrown; the file must not depend on where the project lies. */
const PROJECT_URL = new URL("../../../", import.meta.url).href;

/** Thrown where a run cannot go on; its message is for the person who started the run. */
class RunError extends Error {}

/**
 * Runs a notebook. Never throws because of the notebook: the report says what is wrong with it.
 *
 * @param path The notebook's file
 * @param options How to run it
 * @returns How it went
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
  const floating = await named(notebook, last, kernel.settle(timeout));
  refuseFloating(floating, "the notebook");
  // Only now, since a cell may update what an earlier cell displayed.
  for (const { cell, index } of code) {
    cell.outputs = withoutPaths(cell.outputs, cellLabel(notebook, index));
    for (const output of cell.outputs) count(output, report);
  }
}

/** Says in which cell the kernel was lost. */
async function named<T>(notebook: Notebook, index: number, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (!(error instanceof KernelError)) throw error;
    throw new RunError(`${cellLabel(notebook, index)}: ${error.message}`);
  }
}

/** Throws if a cell went wrong; the tag `raises-exception` allows a cell to throw, as in Jupyter. */
async function examine(
  { error, floating }: Execution,
  cell: CodeCell,
  where: string,
  path: string,
): Promise<void> {
  const tags = cell.metadata.tags;
  const mayThrow = Array.isArray(tags) && tags.includes("raises-exception");
  if (error && error.traceback.length === 0) {
    // The kernel does not say what is wrong with code that it cannot even start.
    const details = await checkTypes([path]);
    throw new RunError(
      [`${where} cannot run: a syntax error, or a package that cannot be loaded`, ...details]
        .join("\n"),
    );
  }
  if (error && !mayThrow) {
    const trace = error.traceback.join("\n").trim(); // empty when what was thrown is no Error
    throw new RunError(`${where} threw\n${trace || error.evalue}`);
  }
  refuseFloating(floating, where);
}

/** Such an error passes unseen in Jupyter, and whatever it should have shown is missing. */
function refuseFloating(floating: string[], where: string): void {
  if (floating.length === 0) return;
  throw new RunError(
    [`${where} caused an error that nobody waited for (a missing await?)`, ...floating].join("\n"),
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
  if (found.length === 0) shown.push("the outputs are the stored ones, but the file's form is not");
  return [...shown, "--write stores what this run gave"].join("\n");
}

function explainError(error: unknown): string {
  if (error instanceof Deno.errors.NotFound) return "there is no such file";
  return error instanceof Error ? error.message : String(error);
}
