/**
 * The command `deno task notebooks`: runs notebooks in the Deno kernel and verifies that their stored outputs are what the code
 * gives today.
 *
 * What the command does is in runner/; here are only its arguments and what it prints.
 *
 * @module
 */

import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { Progress } from "./runner/progress.ts";
import { runNotebook, type RunReport } from "./runner/run_notebook.ts";

const USAGE = `Usage: deno task notebooks [NAME…] [--write] [--timeout SECONDS] [--jobs N]

Runs the named notebooks (huber, huber.ipynb or notebooks/huber.ipynb), or all of them, in the
Deno kernel. Fails when a cell throws or when an output differs from the stored one.

  --write            store the new outputs of each notebook that ran without an error
  --timeout SECONDS  the time that one cell may take (default: 120)
  --jobs N           the number of notebooks that run at a time (default: 2)
  --help             print this`;

const NOTEBOOKS = fileURLToPath(new URL("../", import.meta.url));

interface Settings {
  names: string[];
  write: boolean;
  /** In milliseconds. */
  timeout: number;
  jobs: number;
}

/** The exit codes of this command. */
const PASSED = 0;
const FAILED = 1;
const MISUSED = 2;
const INTERRUPTED = 130;

/**
 * Runs the command.
 *
 * @param args The command's arguments.
 * @returns Its exit code.
 */
export async function main(args: string[]): Promise<number> {
  if (args.includes("--help")) {
    console.log(USAGE);
    return PASSED;
  }
  let settings: Settings;
  try {
    settings = parse(args);
  } catch (error) {
    // The first sentence of Node's message says what is wrong; the advice after it does not fit here.
    const reason = String(error instanceof Error ? error.message : error).split(". ")[0];
    console.error(`${reason}\n\n${USAGE}`);
    return MISUSED;
  }
  const paths = settings.names.length > 0 ? settings.names.map(locate) : await allNotebooks();
  if (paths.length === 0) {
    console.error("Cannot run notebooks as there are none in notebooks/");
    return FAILED;
  }
  return await runAll([...new Set(paths)], settings);
}

function parse(args: string[]): Settings {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      write: { type: "boolean", default: false },
      timeout: { type: "string", default: "120" },
      jobs: { type: "string", default: "2" },
    },
  });
  const timeout = Number(values.timeout) * 1000;
  if (!(timeout > 0 && timeout < 2 ** 31)) {
    throw new RangeError(
      `Cannot run as --timeout must be a number of seconds > 0: current value is ${values.timeout}`,
    );
  }
  const jobs = Number(values.jobs);
  if (!(Number.isInteger(jobs) && jobs > 0)) {
    throw new RangeError(
      `Cannot run as --jobs must be an integer > 0: current value is ${values.jobs}`,
    );
  }
  return { names: positionals, write: values.write, timeout, jobs };
}

/** A bare name means a file in notebooks/, a name with a folder is a path. */
function locate(name: string): string {
  const file = name.endsWith(".ipynb") ? name : `${name}.ipynb`;
  return /[/\\]/.test(name) ? resolve(file) : join(NOTEBOOKS, file);
}

/** All notebooks, the index first. */
async function allNotebooks(): Promise<string[]> {
  const names: string[] = [];
  for await (const { name, isFile } of Deno.readDir(NOTEBOOKS)) {
    if (isFile && name.endsWith(".ipynb")) names.push(name);
  }
  const isIndex = (name: string): number => Number(name === "index.ipynb");
  names.sort((a, b) => isIndex(b) - isIndex(a) || (a < b ? -1 : 1));
  return names.map((name) => join(NOTEBOOKS, name));
}

async function runAll(paths: string[], { write, timeout, jobs }: Settings): Promise<number> {
  const start = performance.now();
  const progress = new Progress();
  using interrupt = new Interrupt();
  const { signal } = interrupt;
  const reports: RunReport[] = [];
  const width =
    Math.max(`${paths.length} notebooks`.length, ...paths.map((path) => nameOf(path).length)) + 1;
  const queue = [...paths];
  const work = async () => {
    for (let path = queue.shift(); path && !signal.aborted; path = queue.shift()) {
      const name = nameOf(path);
      const report = await runNotebook(path, {
        timeout,
        write,
        signal,
        onProgress: (done, total) => progress.update(name, `${done}/${total}`),
      });
      reports.push(report);
      progress.print(describe(report, width), name);
    }
  };
  await Promise.all(Array.from({ length: jobs }, work));
  if (signal.aborted) {
    progress.print("interrupted");
    return INTERRUPTED;
  }
  const failed = reports.filter(({ problem }) => problem !== undefined).length;
  progress.print(total(reports, (performance.now() - start) / 1000, width));
  progress.print(`${reports.length - failed} passed, ${failed} failed`);
  return failed === 0 ? PASSED : FAILED;
}

/** A notebook's name, without folder and extension. */
function nameOf(path: string): string {
  return path.replace(/^.*[/\\]|\.ipynb$/g, "");
}

function describe(report: RunReport, width: number): string {
  const state = report.problem === undefined ? "ok    " : "FAILED";
  const line = `${state} ${report.name.padEnd(width)}${columns(report)}`;
  const problem = report.problem?.trimEnd().replaceAll(/^/gm, "       ") ?? "";
  return [line + (report.written ? "   written" : ""), problem].filter(Boolean).join("\n");
}

function total(reports: RunReport[], seconds: number, width: number): string {
  const sum = (field: "cells" | "checks" | "figures"): number =>
    reports.reduce((total, report) => total + report[field], 0);
  const sums = { cells: sum("cells"), checks: sum("checks"), figures: sum("figures"), seconds };
  return `total  ${`${reports.length} notebooks`.padEnd(width)}${columns(sums)}`;
}

function columns(
  { cells, checks, figures, seconds }: Pick<RunReport, "cells" | "checks" | "figures" | "seconds">,
): string {
  const number = (value: number | string): string => String(value).padStart(5);
  return `${number(cells)} cells ${number(checks)} checks ${number(figures)} figures ` +
    `${number(seconds.toFixed(1))} s`;
}

/** Turns the signals that end a command into an abort, so that all kernels end before it. */
class Interrupt implements Disposable {
  readonly #controller = new AbortController();
  readonly #signals: Deno.Signal[] = Deno.build.os === "windows"
    ? ["SIGINT"]
    : ["SIGINT", "SIGTERM", "SIGHUP"];
  readonly #abort = (): void => this.#controller.abort();

  constructor() {
    for (const signal of this.#signals) Deno.addSignalListener(signal, this.#abort);
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  [Symbol.dispose](): void {
    for (const signal of this.#signals) Deno.removeSignalListener(signal, this.#abort);
  }
}

if (import.meta.main) Deno.exit(await main(Deno.args));
