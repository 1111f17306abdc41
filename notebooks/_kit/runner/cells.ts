/**
 * Type check and lint of notebook cells. `deno check` and `deno lint` do not read notebooks, and the kernel does not check types: a
 * missing export is `undefined` there without a message. So the cells are joined into one module, which is checked in the folder
 * of the notebook.
 *
 * @module
 */

import { basename, dirname, join, relative } from "node:path";
import { solutionsIn } from "../show/exercise.ts";
import { type Notebook, readNotebook } from "../notebook/notebook_file.ts";

/** A line of a cell; both numbers start at 1 and count text cells too. */
export interface CellLine {
  cell: number;
  line: number;
}

/** The code cells of a notebook as one module. */
export interface CellModule {
  /** The module's text. */
  text: string;
  /** The origin of each line; the first line is at index 0. */
  origins: CellLine[];
}

/**
 * Joins the code cells of a notebook with `;` between them, so that an expression ends with its cell. A solution in the text becomes
 * a function, because its variables are local and it runs after all cells.
 *
 * @param notebook The notebook.
 * @returns The module.
 */
export function joinCells(notebook: Notebook): CellModule {
  const lines: string[] = [];
  const origins: CellLine[] = [];
  notebook.cells.forEach((cell, index) => {
    const add = (own: string[], first: number) => {
      lines.push(...own);
      origins.push(...own.map((_, i) => ({ cell: index + 1, line: first + i })));
    };
    if (cell.cell_type === "code") add([...cell.source.split("\n"), ";"], 1);
    for (const { code, line } of solutionsIn(cell)) {
      add(["void (async () => {", ...code.split("\n"), "});"], line - 1);
    }
  });
  // Without an import or export it would be a script, in which `await` is not allowed.
  return { text: [...lines, "export {};", ""].join("\n"), origins };
}

/** Finds problems in modules. */
type Checker = (files: string[], place: Place) => Promise<string[]>;

/** Describes a position in a module by notebook, cell and line. */
type Place = (file: string, line: number, column: number) => string;

/**
 * Type-checks and lints the code cells of notebooks.
 *
 * @param paths The notebooks.
 * @returns The problems found, each with notebook, cell and line.
 */
export async function checkCells(paths: string[]): Promise<string[]> {
  return await withModules(paths, async (files, place) => {
    const found = await Promise.all([runCheck(files, place), runLint(files, place)]);
    return found.flat();
  });
}

/**
 * Type-checks the code cells of notebooks, which finds syntax errors and missing packages too.
 *
 * @param paths The notebooks.
 * @returns The problems found, each with notebook, cell and line.
 */
export async function checkTypes(paths: string[]): Promise<string[]> {
  return await withModules(paths, runCheck);
}

async function withModules(paths: string[], checker: Checker): Promise<string[]> {
  const modules = new Map<string, { path: string; origins: CellLine[] }>();
  try {
    for (const path of paths) {
      const { text, origins } = joinCells((await readNotebook(path)).notebook);
      const file = `.${basename(path, ".ipynb")}.cells.${crypto.randomUUID().slice(0, 8)}.ts`;
      modules.set(file, { path, origins }); // Before the file exists, so that it is always removed.
      await Deno.writeTextFile(join(dirname(path), file), text);
    }
    if (modules.size === 0) return [];
    const files = [...modules].map(([file, { path }]) => join(dirname(path), file));
    const place = (file: string, line: number, column: number): string => {
      const { path, origins } = modules.get(file) ?? { path: file, origins: [] };
      const { cell, line: own } = origins[line - 1] ?? { cell: origins.length, line };
      return `${relative(Deno.cwd(), path)}, cell ${cell}, line ${own}:${column}`;
    };
    return await checker(files, place);
  } finally {
    for (const [file, { path }] of modules) {
      await Deno.remove(join(dirname(path), file)).catch(() => {}); // It was not written yet.
    }
  }
}

async function runCheck(files: string[], place: Place): Promise<string[]> {
  const { success, stderr } = await deno(["check", ...files]);
  if (success) return [];
  const report = stderr
    .replaceAll(
      /file:\S+\/([^/\s]+\.ts):(\d+):(\d+)/g,
      (whole, file, line, column) =>
        file.includes(".cells.") ? place(file, Number(line), Number(column)) : whole,
    )
    .replace(/\n*Stack backtrace:[^]*$/, "")
    .replaceAll(
      /^(Check|Download) .*\n|^error: Type checking failed\.$|^Found \d+ errors\.$/gm,
      "",
    );
  return report.split(/\n{2,}/).map((problem) => problem.trim()).filter(Boolean);
}

interface LintReport {
  diagnostics: {
    filename: string;
    range: { start: { line: number; col: number } };
    message: string;
    code: string;
  }[];
}

async function runLint(files: string[], place: Place): Promise<string[]> {
  const { stdout } = await deno(["lint", "--json", ...files]);
  // Code that cannot be parsed is reported by the type check.
  const { diagnostics }: LintReport = JSON.parse(stdout);
  return diagnostics.map(({ filename, range: { start }, message, code }) =>
    `${message} (${code})\n    at ${place(basename(filename), start.line, start.col + 1)}`
  );
}

async function deno(
  args: string[],
): Promise<{ success: boolean; stdout: string; stderr: string }> {
  const env = { NO_COLOR: "1", FORCE_COLOR: "", DENO_NO_UPDATE_CHECK: "1" };
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), { args, env })
    .output();
  const decoder = new TextDecoder();
  return { success, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
}
