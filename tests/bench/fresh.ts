/**
 * Measures in fresh processes how long the import and a first call take.
 *
 * As a program it measures and prints the milliseconds of one of them: `import` or `first ROW`.
 */
import { fileURLToPath } from "node:url";
import { median } from "./measure.ts";
import { CALL_ROWS, inputsOf, type Row, rowNamed } from "./rows.ts";

/** The results of fresh processes. */
export interface Fresh {
  /** Milliseconds to import mod.ts from Deno's cache. */
  readonly importMs: number;
  /** Milliseconds of a first call by row; it includes compiling the kernel. */
  readonly firstCallMs: Readonly<Record<string, number>>;
}

/** Takes the median over this many fresh processes for each time. */
export async function measureFresh(processes: number): Promise<Fresh> {
  const ask = async (...args: string[]) => {
    const numbers = [];
    for (let i = 0; i < processes; i++) numbers.push(await askOnce(args));
    return median(numbers);
  };
  const firstCallMs: Record<string, number> = {};
  const rows: Row[] = [...CALL_ROWS, rowNamed("CrossEntropy 8×10")];
  for (const { name } of rows) firstCallMs[name] = await ask("first", name);
  return { importMs: await ask("import"), firstCallMs };
}

async function askOnce(args: string[]): Promise<number> {
  const { stdout, success, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--allow-all", fileURLToPath(import.meta.url), ...args],
  }).output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
  return Number(new TextDecoder().decode(stdout));
}

async function tell(what: string, name: string): Promise<number> {
  if (what === "import") {
    const start = performance.now();
    await import("@lossbook/losses");
    return performance.now() - start;
  }
  if (what !== "first") throw new RangeError(`Cannot measure "${what}"`);
  const row = rowNamed(name);
  const inputs = inputsOf(row);
  const { callOf } = await import("./ours.ts");
  const { run } = callOf(row, inputs);
  const start = performance.now();
  run();
  return performance.now() - start;
}

if (import.meta.main) console.log(await tell(Deno.args[0], Deno.args[1]));
