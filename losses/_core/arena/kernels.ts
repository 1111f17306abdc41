/**
 * Kernels that read and write arrays in the arena in place. They are made of the same definitions, and compute the same bits as
 * others; only numbers that lie elsewhere are copied.
 */

import {
  type AnyKernels,
  COPIES,
  type Layout,
  type NearArrays,
  type Visits,
} from "../kernel/kernels.ts";
import type { Plan, Run } from "../kernel/plan.ts";
import { ELEMENT } from "../kernel/program.ts";
import { PAGE, SCRATCH_PAGES } from "../kernel/sizes.ts";
import { instantiate } from "../kernel/wasm.ts";
import type { Block } from "../tensor/arena.ts";
import type { FloatArray } from "../tensor/types.ts";
import { beginOf, COLUMNS, encodeForArena, gapOf } from "./encoder.ts";
import { visitRows } from "./labels.ts";
import { launch, leastShared, type Step } from "./launch.ts";
import type { Arena } from "./memory.ts";

/** Rows in a tile, for kernels that otherwise work on one row: as many tiles are then run at once. */
const TILE_ROWS = 4096;
/** Elements that are worked on at once: more than elsewhere, as nothing is copied. */
const BATCH = 65536;
/** Elements that threads work on at once: each of them has to get enough to do. */
const BATCH_OF_THREADS = /* @__PURE__ */ Math.pow(2, 18);

/**
 * Makes kernels for the arena, where an array lies in it.
 *
 * @param arena The arena.
 * @param least From how many numbers of an argument on it is worth to work in place: with fewer, copying is quicker. Tests do it
 * always.
 */
export function nearIn(arena: Arena, least: number = LEAST_IN_PLACE): NearArrays {
  const known = new WeakMap<AnyKernels, KernelsInArena>();
  const collected = new FinalizationRegistry<Block>((block) => arena.free(block));
  return (usual, numbers) => {
    let isWorth = false;
    for (let i = 0; i < numbers.length && !isWorth; i++) {
      const data = numbers[i]?.data;
      isWorth = data !== undefined && data.length >= least && arena.holds(data);
    }
    if (!isWorth) return usual;
    let kernels = known.get(usual);
    if (kernels === undefined) {
      kernels = KernelsInArena.make(arena, layoutOf(usual), usual.visits);
      if (kernels === undefined) return usual;
      known.set(usual, kernels);
      collected.register(usual, kernels.block);
    }
    return kernels.begin();
  };
}

const LEAST_IN_PLACE = 2048;
/** Storing an element, or adding it to a sum, takes as long as so many instructions. */
const RESULT = 2;
/** A function takes as long for a row as so many instructions take for one element. */
const VISIT = 300;

/** A step that has been called. */
interface Call extends Step {
  readonly rows: number;
  readonly cols: number;
  /** How much work it is, see launch.ts. */
  readonly work: number;
  /** True if one thread must do all of it. */
  readonly isSerial: boolean;
  /** True if threads share its columns, as its rows depend on each other. */
  readonly sharesColumns: boolean;
}

/** The layout for the arena. */
function layoutOf({ tile, tileRows, layOut }: AnyKernels): Layout<AnyKernels> {
  // Where a tile is one row, its sum is rounded once a tile, which therefore stays as long as it is.
  return tileRows === 1
    ? layOut(tile, TILE_ROWS)
    : layOut(Math.max(tile, BATCH_OF_THREADS), tileRows);
}

/** How many bytes operands need that do not fit into the place that all kernels share. */
function ownBytesOf({ pages }: Layout<AnyKernels>): number {
  return pages > SCRATCH_PAGES ? pages * PAGE : 0;
}

/** Kernels, with the table of where their operands are. */
class KernelsInArena {
  readonly #kernels: AnyKernels;
  /** The table, see encoder.ts. */
  readonly #table: Int32Array;
  /** The table if all operands lie at their own places. */
  readonly #initial: Int32Array;
  /** The place of each operand in the table. */
  readonly #slots = new Map<ArrayLike<number>, number>();

  /** What they have taken of the memory, to be given back when they are collected as garbage. */
  readonly block: Block;

  /** Kernels in the arena; undefined if it is full. */
  static make(
    arena: Arena,
    layout: Layout<AnyKernels>,
    visits: Visits | undefined,
  ): KernelsInArena | undefined {
    const block = arena.take(ownBytesOf(layout) + 4 * gapOf(layout.operands.size));
    return block && new KernelsInArena(arena, layout, visits, block);
  }

  private constructor(
    arena: Arena,
    layout: Layout<AnyKernels>,
    visits: Visits | undefined,
    block: Block,
  ) {
    this.block = block;
    const ownBytes = ownBytesOf(layout);
    const base = ownBytes > 0 ? block.start : 0;
    const tableAt = block.start + ownBytes;
    const { operands, pages } = layout;
    const { buffer } = arena;
    this.#table = new Int32Array(buffer, tableAt, gapOf(operands.size));
    /** By operand, how many bytes its rows, or columns, lie apart: see launch.ts. */
    const distances = new Int32Array(operands.size);
    /** Steps that are to run together. */
    let collected: Call[] | undefined;
    /** Runs steps on threads, if it is worth it. */
    const share = (calls: readonly Call[], rows: number, cols: number): boolean => {
      if (launch === undefined || calls.some(({ isSerial }) => isSerial)) return false;
      const work = calls.reduce((sum, { work }) => sum + work, 0);
      if (work < leastShared) return false;
      const sharesColumns = calls.some(({ sharesColumns }) => sharesColumns);
      if ((sharesColumns ? cols : rows) < 2) return false;
      const table = this.#table;
      let slot = 0;
      for (const { kind } of operands.values()) {
        if (kind === "param") distances[slot] = 0;
        else if (kind === "row") distances[slot] = sharesColumns ? 0 : 8;
        else if (sharesColumns) distances[slot] = size;
        else distances[slot] = kind === "element" ? cols * size + table[gapOf(slot)]! : 0;
        slot++;
      }
      const heights = sharesColumns ? calls.map(({ rows }) => rows) : undefined;
      return launch(calls, table, distances, rows, cols, heights, work);
    };
    const call = (step: Call): void => {
      if (collected !== undefined) {
        collected.push(step);
        return;
      }
      this.#table[COLUMNS] = step.cols;
      if (share([step], step.rows, step.cols)) return;
      step.kernel(step.rows, tableAt);
    };
    const runOf = (plan: Plan): Run => {
      const { program: { instructions }, stores, reductions } = plan;
      const module = encodeForArena(plan, arena.machine === "relaxed", operands, base);
      const kernel = instantiate(module, arena.memory);
      // What is stored in a column may be read again in the next row: then columns are shared, not rows.
      const sharesColumns = stores.some(({ kind }) => kind === "column");
      // A vector holds half as many elements of float64.
      const work = size / 4 * (instructions.filter(({ stage }) => stage === ELEMENT).length +
        RESULT * (stores.length + reductions.length));
      const isSerial = sharesColumns && reductions.length > 0;
      return (rows, cols) =>
        call({ kernel, module, rows, cols, work: work * rows * cols, isSerial, sharesColumns });
    };
    const { near: _near, ...kernels } = layout.build({ pages, buffer, base, runOf });
    const size = Object.values(kernels.element)[0]!.BYTES_PER_ELEMENT;
    const isWide = size === 8;
    const run: Record<string, Run> = kernels.run;
    for (const [name, visit] of Object.entries(visits ?? {})) {
      const kernel = visitRows(arena.memory, isWide, visit, {
        elements: Object.keys(kernels.element),
        columns: Object.keys(kernels.column),
        rows: Object.keys(kernels.row),
        params: Object.keys(kernels.param),
      });
      const own = {
        kernel,
        module: { visit, isWide },
        isSerial: false,
        sharesColumns: false,
      };
      run[name] = (rows, cols) => call({ ...own, rows, cols, work: VISIT * rows });
    }
    this.#table.fill(0);
    let slot = 0;
    for (const [name, { kind, offset }] of operands) {
      this.#table[beginOf(slot)] = base + offset;
      this.#slots.set(kernels[kind][name]!, slot++);
    }
    this.#initial = this.#table.slice();
    this.#kernels = {
      ...kernels,
      load: (operand, source, start, end) =>
        arena.holds(source) && source instanceof (operand.constructor as typeof Float32Array)
          ? this.#point(operand, source as FloatArray, start, end)
          : COPIES.load(this.#own(operand), source, start, end),
      aim: (operand, target, start, end) =>
        arena.holds(target) ? this.#point(operand, target, start, end) : this.#own(operand),
      spread: (operand, array, start, cols, step) => {
        if (!arena.holds(array)) return undefined;
        const rows = this.#point(operand, array, start, array.length);
        const gap = (step - cols) * array.BYTES_PER_ELEMENT;
        this.#table[gapOf(this.#slots.get(operand)!)] = gap;
        return rows;
      },
      own: (operand) => this.#own(operand),
      unload: (operand, target, start, end) => {
        if (!arena.holds(target)) COPIES.unload(operand, target, start, end);
      },
      together: (steps) => {
        if (launch === undefined) return steps();
        const calls: Call[] = collected = [];
        try {
          steps();
        } finally {
          collected = undefined;
        }
        const { rows, cols } = calls[0]!;
        this.#table[COLUMNS] = cols;
        if (share(calls, rows, cols)) return;
        for (const { kernel, rows } of calls) kernel(rows, tableAt);
      },
      get batch() {
        return launch === undefined ? BATCH : BATCH_OF_THREADS;
      },
      near: () => this.begin(),
    };
  }

  /** Puts all operands at their own places. */
  begin(): AnyKernels {
    this.#table.set(this.#initial);
    return this.#kernels;
  }

  #point(operand: FloatArray, array: FloatArray, start: number, end: number): FloatArray {
    const slot = this.#slots.get(operand)!;
    this.#table[beginOf(slot)] = array.byteOffset + start * array.BYTES_PER_ELEMENT;
    this.#table[gapOf(slot)] = 0;
    return start === 0 && end === array.length ? array : array.subarray(start, end);
  }

  #own(operand: FloatArray): FloatArray {
    const slot = this.#slots.get(operand)!;
    this.#table[beginOf(slot)] = this.#initial[beginOf(slot)]!;
    this.#table[gapOf(slot)] = 0;
    return operand;
  }
}
