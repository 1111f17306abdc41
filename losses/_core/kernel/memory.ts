/**
 * The scratch memory that kernels work on. One memory of 8 MiB serves all kernels but those for long rows (row_kernels.ts), as
 * only one runs at a time.
 */

import { interpret } from "./interpret.ts";
import type { Plan, Run } from "./plan.ts";
import { LINE, PAGE, SCRATCH_PAGES, SLACK, TILE } from "./sizes.ts";
import { encode, hasRelaxedSimd, instantiate } from "./wasm.ts";

/** What runs kernels: WebAssembly with or without relaxed SIMD, or the interpreter in JavaScript. */
export type Machine = "relaxed" | "wasm" | "interpreter";

/** A memory with the machine that runs kernels on it. */
export interface Scratch {
  readonly pages: number;
  readonly buffer: ArrayBufferLike;
  /** Where operands begin, in bytes. */
  readonly base: number;
  /** Makes a kernel. */
  runOf(plan: Plan): Run;
}
let shared: Scratch | undefined;

/**
 * The tile of a definition with many operands.
 *
 * @param operands The number of element operands; there are no others.
 * @returns The largest power of 2 up to {@linkcode TILE} with which they fit into the shared memory.
 */
export function tileFor(operands: number): number {
  const bytes = SCRATCH_PAGES * PAGE / operands - SLACK - LINE;
  return Math.min(TILE, 2 ** Math.max(1, Math.floor(Math.log2(bytes / 8))));
}

/**
 * Makes a memory.
 *
 * @param pages Its size.
 * @param machine What runs kernels on it; the fastest machine there is by default.
 */
export function newScratch(pages: number, machine: Machine = bestMachine()): Scratch {
  if (machine === "interpreter") {
    const buffer = new ArrayBuffer(pages * PAGE);
    return { pages, buffer, base: 0, runOf: (plan) => interpret(plan, buffer) };
  }
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
  const runOf = (plan: Plan) => instantiate(encode(plan, machine === "relaxed", pages), memory);
  return { pages, buffer: memory.buffer, base: 0, runOf };
}

/**
 * Gives a memory.
 *
 * @param pages The pages that are needed.
 * @param machine The machine, for tests.
 * @returns The shared memory; one of its own for a test or for many operands.
 */
export function scratchFor(pages: number, machine?: Machine): Scratch {
  if (machine !== undefined || pages > SCRATCH_PAGES) {
    return newScratch(Math.max(pages, SCRATCH_PAGES), machine);
  }
  return shared ??= newScratch(SCRATCH_PAGES);
}

/** The fastest machine that is allowed here; a content security policy can forbid WebAssembly. */
export function bestMachine(): Machine {
  try {
    return hasRelaxedSimd() ? "relaxed" : "wasm";
  } catch {
    return "interpreter";
  }
}
