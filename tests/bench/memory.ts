/**
 * Measures in fresh processes how much memory a row needs beside its inputs and outputs.
 *
 * As a program, `memory.ts PLACE ROW` is such a process: it prints bytes, or NaN where the system does not tell.
 */
import { fileURLToPath } from "node:url";
import { median } from "./measure.ts";
import { callOf, type Place } from "./ours.ts";
import { PyTorch } from "./pytorch.ts";
import { inputsOf, MEMORY_ROWS, rowNamed } from "./rows.ts";

/** The peak beside inputs and outputs, in bytes by contender. */
export interface Memory {
  readonly row: string;
  /** Bytes of all inputs and outputs. */
  readonly given: number;
  readonly peaks: Readonly<Record<string, number>>;
}

/** Calls after which the peak is read. */
const CALLS = 3;

/** Measures the rows in this many processes for each number; an empty list where the system does not tell. */
export async function measureMemory(processes: number, python?: string): Promise<Memory[]> {
  const found: Memory[] = [];
  for (const row of MEMORY_ROWS) {
    const inputs = inputsOf(row);
    const outputs = row.subject.wrt.reduce((sum, name) => sum + inputs[name].data.byteLength, 0);
    const given = Object.values(inputs).reduce((sum, { data }) => sum + data.byteLength, outputs);
    const ways: Record<string, () => Promise<number>> = {
      "ordinary": () => peakOfOurs("ordinary", row.name),
      "arena": () => peakOfOurs("arena", row.name),
    };
    if (python !== undefined) {
      ways["PyTorch"] = async () => {
        await using pytorch = await PyTorch.start(python);
        return await pytorch.peak(row, inputs, CALLS);
      };
    }
    const peaks: Record<string, number> = {};
    for (const [name, way] of Object.entries(ways)) {
      const bytes = [];
      for (let i = 0; i < processes; i++) bytes.push(await way());
      if (bytes.some(Number.isNaN)) return [];
      peaks[name] = median(bytes);
    }
    found.push({ row: row.name, given, peaks });
  }
  return found;
}

/** The peak of this library in a fresh process; NaN where the system does not tell. */
export async function peakOfOurs(place: Place, name: string): Promise<number> {
  const { stdout, success, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--allow-all",
      "--v8-flags=--expose-gc",
      fileURLToPath(import.meta.url),
      place,
      name,
    ],
  }).output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
  return Number(new TextDecoder().decode(stdout));
}

/** Bytes of this process that are resident, now or at most since {@linkcode forgetPeak}. */
function resident(field: "VmRSS" | "VmHWM"): number {
  const status = Deno.readTextFileSync("/proc/self/status");
  return 1024 * Number(status.match(new RegExp(`${field}:\\s+(\\d+) kB`))![1]);
}

function forgetPeak(): void {
  Deno.writeTextFileSync("/proc/self/clear_refs", "5");
}

/** The peak of a few calls beside what is resident before them. */
function peakOf(place: Place, name: string): number {
  const row = rowNamed(name);
  const { run, grads } = callOf(row, inputsOf(row), place);
  for (const grad of grads) grad.fill(0);
  // What drawing the inputs has left behind would otherwise be freed while the loss is measured.
  (globalThis as unknown as { gc(): void }).gc();
  forgetPeak();
  const before = resident("VmRSS");
  for (let call = 0; call < CALLS; call++) run();
  return resident("VmHWM") - before;
}

if (import.meta.main) {
  try {
    console.log(peakOf(Deno.args[0] as Place, Deno.args[1]));
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    console.log(NaN);
  }
}
