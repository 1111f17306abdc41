/**
 * Measures what the time of our calls is spent on: kernels, copies, TypeScript or garbage collection.
 *
 * A fresh process runs the row under V8's sampling profiler (`deno run --cpu-prof`). As a program, `profile.ts ROW` is that
 * process.
 */
import { fileURLToPath } from "node:url";
import { callOf } from "./ours.ts";
import { inputsOf, rowNamed } from "./rows.ts";

/** Shares of time, which add up to 1. */
export interface Shares {
  /** All arithmetic on elements, in WebAssembly. */
  readonly kernels: number;
  /** Copying arguments into the memory of the kernels and gradients out of it. */
  readonly copies: number;
  /** Checks, calls, and what is computed once for each row of scores. */
  readonly typescript: number;
  readonly garbage: number;
}

/** The part of the `.cpuprofile` format that is read here. */
export interface Profile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: { readonly functionName: string; readonly url: string };
    readonly children?: readonly number[];
  }[];
  /** The id of the innermost function for each sample. */
  readonly samples: readonly number[];
  /** Microseconds between samples. */
  readonly timeDeltas: readonly number[];
}

const WARM_UP = 0.3;
const DURATION = 0.7;
const GARBAGE = "(garbage collector)";
/** Functions that only copy. */
const COPIES = /^(load|unload)(Rows|Columns)?$|^gather$|^scatterAdd$/;

/** Calls `run` for this many seconds. Only samples that are taken below this function are counted. */
function profiled(run: () => unknown, seconds: number): void {
  const end = performance.now() + seconds * 1000;
  while (performance.now() < end) run();
}

/** The shares of samples that were taken below {@linkcode profiled}. */
export function sharesOf({ nodes, samples, timeDeltas }: Profile): Shares {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const inside = new Set<number>();
  const enter = (id: number): void => {
    inside.add(id);
    byId.get(id)?.children?.forEach(enter);
  };
  for (const { id, callFrame } of nodes) if (callFrame.functionName === profiled.name) enter(id);

  const sums = { kernels: 0, copies: 0, typescript: 0, garbage: 0 };
  let isInside = false;
  samples.forEach((id, i) => {
    const name = byId.get(id)?.callFrame.functionName ?? "";
    // Garbage collection is sampled outside of all functions; it is counted for the function that ran before it.
    if (name !== GARBAGE) isInside = inside.has(id);
    if (!isInside) return;
    const kind = name === GARBAGE
      ? "garbage"
      : name.startsWith("wasm-function")
      ? "kernels"
      : COPIES.test(name)
      ? "copies"
      : "typescript";
    sums[kind] += timeDeltas[i];
  });
  const total = sums.kernels + sums.copies + sums.typescript + sums.garbage;
  if (total === 0) throw new Error(`Cannot tell shares as no sample lies below ${profiled.name}`);
  return {
    kernels: sums.kernels / total,
    copies: sums.copies / total,
    typescript: sums.typescript / total,
    garbage: sums.garbage / total,
  };
}

/** Profiles a row in a fresh process. */
export async function profileRow(name: string): Promise<Shares> {
  const folder = await Deno.makeTempDir();
  try {
    const { success, stderr } = await new Deno.Command(Deno.execPath(), {
      args: [
        ...["run", "--allow-all", "--cpu-prof", "--cpu-prof-interval=200"],
        ...[`--cpu-prof-dir=${folder}`, "--cpu-prof-name=row.cpuprofile"],
        ...[fileURLToPath(import.meta.url), name],
      ],
    }).output();
    if (!success) throw new Error(new TextDecoder().decode(stderr));
    return sharesOf(JSON.parse(await Deno.readTextFile(`${folder}/row.cpuprofile`)));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

if (import.meta.main) {
  const row = rowNamed(Deno.args[0]);
  const { run } = callOf(row, inputsOf(row));
  const end = performance.now() + WARM_UP * 1000;
  while (performance.now() < end) run();
  profiled(run, DURATION);
}
