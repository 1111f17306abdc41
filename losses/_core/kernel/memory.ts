/**
 * The scratch memory that kernels work on, and where their operands lie in it.
 *
 * One memory of 8 MiB serves all kernels, as only one runs at a time. Tiles of rows too long for it share another one, which
 * is replaced by a larger one when longer rows come. Once it exceeds 64 MiB, it may be collected as garbage between calls.
 */

import { SLACK } from "./plan.ts";
import type { OperandKind } from "./program.ts";
import { hasRelaxedSimd } from "./wasm.ts";

/** What runs kernels: WebAssembly with or without relaxed SIMD, or the interpreter in JavaScript. */
export type Machine = "relaxed" | "wasm" | "interpreter";

/** Elements in a tile by default: a few operands of this size stay in the L1 and L2 caches. */
export const TILE = 8192;

const PAGE = 65536;
/** Pages of the memory that all kernels share but those for long rows. */
export const SCRATCH_PAGES = 128;
/** The most pages of a WebAssembly memory. */
const MAX_PAGES = 65536;
/** The most pages that are kept for long rows when no kernel runs. */
const KEPT_PAGES = 1024;
/** Operands begin at multiples of a cache line. */
const LINE = 64;

/** A memory with the machine that runs kernels on it. */
export interface Scratch {
  readonly machine: Machine;
  readonly pages: number;
  readonly buffer: ArrayBufferLike;
  readonly memory?: WebAssembly.Memory;
}
let shared: Scratch | undefined;

/** The memory for long rows and the kernels on it, which must not outlive it. */
class LongRows {
  readonly scratch: Scratch;
  readonly #kernels = new Map<object, Map<string, unknown>>();

  constructor(scratch: Scratch) {
    this.scratch = scratch;
  }

  /** The kernels of a definition, by type and tile. */
  cacheOf(definition: object): Map<string, unknown> {
    let cache = this.#kernels.get(definition);
    if (cache === undefined) this.#kernels.set(definition, cache = new Map());
    return cache;
  }
}

let longRows: { deref(): LongRows | undefined } | undefined;

/**
 * Gives the memory for long rows.
 *
 * @param pages The pages that are needed.
 * @returns A memory of at least that size, with its kernels.
 */
export function longRowsOf(pages: number): LongRows {
  const known = longRows?.deref();
  if (known !== undefined && known.scratch.pages >= pages) return known;
  const long = new LongRows(newScratch(bestMachine(), pages));
  longRows = pages <= KEPT_PAGES ? { deref: () => long } : new WeakRef(long);
  return long;
}

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

function newScratch(machine: Machine, pages: number): Scratch {
  if (pages > MAX_PAGES) {
    throw new RangeError(
      `Cannot make a kernel for these rows as their operands need ${pages * PAGE} bytes: at most ${
        MAX_PAGES * PAGE
      } are possible`,
    );
  }
  if (machine === "interpreter") return { machine, pages, buffer: new ArrayBuffer(pages * PAGE) };
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
  return { machine, pages, buffer: memory.buffer, memory };
}

/**
 * Gives a memory for other kernels.
 *
 * @param pages The pages that are needed.
 * @param machine The machine, for tests.
 * @returns The shared memory; one of its own for a test or for many operands.
 */
export function scratchFor(pages: number, machine: Machine | undefined): Scratch {
  if (machine !== undefined || pages > SCRATCH_PAGES) {
    return newScratch(machine ?? bestMachine(), Math.max(pages, SCRATCH_PAGES));
  }
  return shared ??= newScratch(bestMachine(), SCRATCH_PAGES);
}

/** The fastest machine that is allowed here; a content security policy can forbid WebAssembly. */
function bestMachine(): Machine {
  try {
    // An empty module is refused where every module is.
    new WebAssembly.Module(new Uint8Array([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]));
    return hasRelaxedSimd() ? "relaxed" : "wasm";
  } catch {
    return "interpreter";
  }
}

/** Where operands lie in the scratch memory: one after the other. */
export class Layout {
  readonly kinds: Map<string, OperandKind> = new Map();
  readonly offsets: Map<string, number> = new Map();
  bytes = 0;

  get pages(): number {
    return Math.ceil(this.bytes / PAGE);
  }

  /** Adds operands of `bytes` each. */
  place(kind: OperandKind, names: readonly string[], bytes: number): void {
    for (const name of names) {
      if (this.offsets.has(name)) throw new TypeError(`Cannot lay out the operand '${name}' twice`);
      this.kinds.set(name, kind);
      this.offsets.set(name, this.bytes);
      this.bytes = Math.ceil((this.bytes + bytes + SLACK) / LINE) * LINE;
    }
  }

  /** Arrays over the memory of operands, by name. */
  views<N extends string, A>(
    names: readonly N[],
    View: new (buffer: ArrayBuffer, offset: number, length: number) => A,
    buffer: ArrayBufferLike,
    length: number,
  ): Record<N, A> {
    // An operand may have any name: assigning to `__proto__` would not make a property.
    return Object.fromEntries(
      names.map((name) => [
        name,
        new View(buffer as ArrayBuffer, this.offsets.get(name)!, length),
      ]),
    ) as Record<N, A>;
  }
}
