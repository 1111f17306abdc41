/**
 * Measures in fresh processes how long the import and a first call take, and how much memory a large call needs.
 *
 * As a program it measures and prints one number: `import` and `first ROW` in ms, `inputs ROW` and `peak ROW` in bytes.
 */
import { fileURLToPath } from "node:url";
import { median } from "./measure.ts";
import { CALL_ROWS, inputsOf, MEMORY_ROW, type Row, rowNamed } from "./rows.ts";

/** The results of fresh processes. */
export interface Fresh {
  /** Milliseconds to import mod.ts from Deno's cache. */
  readonly importMs: number;
  /** Milliseconds of a first call by row; it includes compiling the kernel. */
  readonly firstCallMs: Readonly<Record<string, number>>;
  /** The largest resident size in bytes: with the arguments and a buffer for the gradient only, and with the loss computed. */
  readonly peak: { readonly row: string; readonly inputs: number; readonly loss: number };
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
  const { name } = MEMORY_ROW;
  return {
    importMs: await ask("import"),
    firstCallMs,
    peak: {
      row: name,
      inputs: await askOnce(["inputs", name]),
      loss: await askOnce(["peak", name]),
    },
  };
}

async function askOnce(args: string[]): Promise<number> {
  const { stdout, success, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--allow-all", fileURLToPath(import.meta.url), ...args],
  }).output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
  return Number(new TextDecoder().decode(stdout));
}

/** The largest resident size so far, or the current one if the system does not report the largest. */
function peakMemory(): number {
  try {
    const [, kilobytes] = Deno.readTextFileSync("/proc/self/status").match(/VmHWM:\s+(\d+) kB/)!;
    return Number(kilobytes) * 1024;
  } catch {
    return Deno.memoryUsage().rss;
  }
}

async function tell(what: string, name: string): Promise<number> {
  if (what === "import") {
    const start = performance.now();
    await import("@lossbook/losses");
    return performance.now() - start;
  }
  const row = rowNamed(name);
  const inputs = inputsOf(row);
  const { callOf } = await import("./ours.ts");
  const { run, grads } = callOf(row, inputs);
  if (what === "first") {
    const start = performance.now();
    run();
    return performance.now() - start;
  }
  if (what === "peak") { for (let call = 0; call < 3; call++) run(); }
  const peak = peakMemory();
  if (grads.length === 0) throw new Error("the gradients must be in memory until here");
  return peak;
}

if (import.meta.main) console.log(await tell(Deno.args[0], Deno.args[1]));
