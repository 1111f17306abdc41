/**
 * Kernels: formulas compiled to loops over arrays.
 *
 * This folder is the compiler. It turns the graphs of formula/ into vector instructions and runs them, as WebAssembly or
 * interpreted, over arrays in a scratch memory. It knows no loss, and of tensors only the type of their data.
 *
 * A loss describes its operands and steps once:
 *
 *     const softmax = defineKernels({
 *       elements: ["x", "e"],
 *       rows: ["m", "s", "k"],
 *       steps: {
 *         rowMax: { max: { m: "x" } },
 *         rowExp: { store: { e: "exp(x - m)" }, sum: { s: "exp(x - m)" } },
 *         scale: { store: { e: "e * k" } },
 *       },
 *     });
 *
 * and then works on its arguments tile by tile: it copies rows into `element.x`, calls `run.rowMax(rows, cols)` and
 * `run.rowExp(rows, cols)`, computes in TypeScript what is needed once per row, calls `run.scale(rows, cols)`, and copies
 * `element.e` out. Each step is compiled when it first runs.
 *
 * All kernels share one scratch memory. Between its first copy in and its last copy out a loss must therefore not call
 * code of the user, which may run another loss.
 */

import type { FloatArray, FloatType } from "../tensor/types.ts";
import { Graph, type Node } from "../formula/graph.ts";
import { interpret } from "./interpret.ts";
import { lower } from "./lower.ts";
import { parse } from "../formula/parse.ts";
import { type Reduction, type Run, SLACK, type Store } from "./plan.ts";
import { type OperandKind, ProgramBuilder, type Value } from "./program.ts";
import { compile, hasRelaxedSimd } from "./wasm.ts";

/** What runs kernels: WebAssembly with or without relaxed SIMD, or the interpreter in JavaScript. */
export type Machine = "relaxed" | "wasm" | "interpreter";

/** One pass over a tile: its results, as formulas by the names of the operands that they are written to. */
export interface Step {
  /** Results for each element or column. */
  readonly store?: Readonly<Record<string, string>>;
  /** Sums along each row. */
  readonly sum?: Readonly<Record<string, string>>;
  /** Maxima along each row, without NaN; -Infinity for a row without columns. */
  readonly max?: Readonly<Record<string, string>>;
}

/** Operands by kind (see plan.ts) and the steps that work on them. */
export interface KernelsDefinition<
  E extends string,
  S extends string,
  C extends string = never,
  R extends string = never,
  P extends string = never,
> {
  readonly elements: readonly E[];
  readonly columns?: readonly C[];
  readonly rows?: readonly R[];
  readonly params?: readonly P[];
  readonly steps: Readonly<Record<S, Step>>;
  /** Elements in a tile; default {@linkcode TILE}. */
  readonly tile?: number;
  /** Rows in a tile; as many as elements by default. */
  readonly tileRows?: number;
}

/** Operands and compiled steps, for one float type. */
export interface Kernels<
  E extends string,
  S extends string,
  C extends string = never,
  R extends string = never,
  P extends string = never,
> {
  /** Elements that fit into a tile: rows × cols must not exceed it. */
  readonly tile: number;
  /** Rows that fit into a tile. */
  readonly tileRows: number;
  readonly element: Readonly<Record<E, FloatArray>>;
  readonly column: Readonly<Record<C, FloatArray>>;
  readonly row: Readonly<Record<R, Float64Array>>;
  /** Arrays of one element. */
  readonly param: Readonly<Record<P, Float64Array>>;
  readonly run: Readonly<Record<S, Run>>;
  /** Compiles a step that is not in the definition. */
  compile(step: Step): Run;
}

/** Elements in a tile by default: a few operands of this size stay in the L1 and L2 caches. */
export const TILE = 8192;

const PAGE = 65536;
/** Memory for the tiles of ordinary kernels; those with longer rows get memory of their own. */
const SCRATCH_PAGES = 128;
/** Operands begin at multiples of a cache line. */
const LINE = 64;

interface Scratch {
  readonly machine: Machine;
  readonly buffer: ArrayBufferLike;
  readonly memory?: WebAssembly.Memory;
}
let shared: Scratch | undefined;

function newScratch(machine: Machine, pages: number): Scratch {
  if (machine === "interpreter") return { machine, buffer: new ArrayBuffer(pages * PAGE) };
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
  return { machine, buffer: memory.buffer, memory };
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
class Layout {
  readonly kinds = new Map<string, OperandKind>();
  readonly offsets = new Map<string, number>();
  bytes = 0;

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
    const views = {} as Record<N, A>;
    for (const name of names) {
      views[name] = new View(buffer as ArrayBuffer, this.offsets.get(name)!, length);
    }
    return views;
  }
}

/**
 * Defines kernels.
 *
 * @param definition Operands and steps.
 * @returns A function that gives the operands and steps for a float type, the same ones at each call. Rows longer
 * than a tile get a larger tile. The machine is the fastest one by default; tests choose others.
 */
export function defineKernels<
  E extends string,
  S extends string,
  C extends string = never,
  R extends string = never,
  P extends string = never,
>(
  definition: KernelsDefinition<E, S, C, R, P>,
): (dtype: FloatType, longestRow?: number, machine?: Machine) => Kernels<E, S, C, R, P> {
  const { tile: usualTile = TILE } = definition;
  const usual: Partial<Record<FloatType, Kernels<E, S, C, R, P>>> = {};
  const others = new Map<string, Kernels<E, S, C, R, P>>();
  return (dtype, longestRow = 0, machine) => {
    if (longestRow <= usualTile && machine === undefined) {
      return usual[dtype] ??= build(definition, dtype, usualTile);
    }
    let tile = usualTile;
    while (tile < longestRow) tile *= 2;
    const key = `${dtype} ${tile} ${machine}`;
    let kernels = others.get(key);
    if (kernels === undefined) {
      kernels = build(definition, dtype, tile, machine);
      others.set(key, kernels);
    }
    return kernels;
  };
}

function build<
  E extends string,
  S extends string,
  C extends string,
  R extends string,
  P extends string,
>(
  definition: KernelsDefinition<E, S, C, R, P>,
  dtype: FloatType,
  tile: number,
  machine?: Machine,
): Kernels<E, S, C, R, P> {
  const { elements, columns = [], rows = [], params = [], steps } = definition;
  const tileRows = definition.tileRows ?? tile;
  const Floats: new (buffer: ArrayBuffer, offset: number, length: number) => FloatArray =
    dtype === "float32" ? Float32Array : Float64Array;
  const size = dtype === "float32" ? 4 : 8;
  const layout = new Layout();
  layout.place("element", elements, tile * size);
  layout.place("column", columns, tile * size);
  layout.place("row", rows, tileRows * 8);
  layout.place("param", params, 8);

  const pages = Math.max(SCRATCH_PAGES, Math.ceil(layout.bytes / PAGE));
  const scratch = machine !== undefined || pages > SCRATCH_PAGES
    ? newScratch(machine ?? bestMachine(), pages)
    : shared ??= newScratch(bestMachine(), SCRATCH_PAGES);
  const { buffer } = scratch;

  const run = {} as Record<S, Run>;
  for (const name in steps) {
    // The first call compiles the step and replaces this function.
    run[name] = (rows, cols) =>
      (run[name] = compileStep(steps[name], dtype, layout, scratch))(rows, cols);
  }
  return {
    tile,
    tileRows,
    element: layout.views(elements, Floats, buffer, tile),
    column: layout.views(columns, Floats, buffer, tile),
    row: layout.views(rows, Float64Array, buffer, tileRows),
    param: layout.views(params, Float64Array, buffer, 1),
    run,
    compile: (step) => compileStep(step, dtype, layout, scratch),
  };
}

function compileStep(
  { store = {}, sum = {}, max = {} }: Step,
  dtype: FloatType,
  { kinds, offsets }: Layout,
  { machine, buffer, memory }: Scratch,
): Run {
  const graph = new Graph();
  const program = new ProgramBuilder(dtype);
  const lowered = new Map<Node, Value>();
  const stores: Store[] = [];
  const reductions: Reduction[] = [];
  for (const [kind, texts] of [["store", store], ["sum", sum], ["max", max]] as const) {
    for (const name in texts) {
      const operand = kinds.get(name);
      const offset = offsets.get(name) ?? 0;
      const value = lower(program, parse(graph, texts[name]), kinds, lowered);
      if (kind !== "store") {
        if (operand !== "row") {
          throw new TypeError(`Cannot reduce into '${name}' as it is not a row operand`);
        }
        reductions.push({ kind, offset, value });
      } else {
        if (operand !== "element" && operand !== "column") {
          throw new TypeError(
            `Cannot store into '${name}' as it is neither an element nor a column operand`,
          );
        }
        stores.push({ kind: operand, name, offset, value });
      }
    }
  }
  for (const { op, name } of program.instructions) {
    if (op === "element" && Object.hasOwn(store, name)) {
      throw new TypeError(
        `Cannot store into '${name}' as it is read in the same step: the last vector of a row reaches into the next`,
      );
    }
  }
  const plan = { program, offsets, stores, reductions };
  return memory === undefined
    ? interpret(plan, buffer)
    : compile(plan, memory, machine === "relaxed");
}

/** Up to so many elements a loop is faster than `set` and the view that it needs. */
const SMALL = { load: 32, unload: 96 } as const;

/** Copies `source[start … end)` to the beginning of `operand`. */
export function load(
  operand: FloatArray,
  source: FloatArray | Int32Array,
  start: number,
  end: number,
): void {
  if (end - start <= SMALL.load) {
    for (let i = start; i < end; i++) operand[i - start] = source[i];
  } else {
    operand.set(start === 0 && end === source.length ? source : source.subarray(start, end));
  }
}

/** Copies the first elements of `operand` to `target[start … end)`. */
export function unload(operand: FloatArray, target: FloatArray, start: number, end: number): void {
  if (end - start <= SMALL.unload) {
    for (let i = start; i < end; i++) target[i] = operand[i - start];
  } else {
    const isWhole = end - start === operand.length;
    target.set(isWhole ? operand : operand.subarray(0, end - start), start);
  }
}
