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
import { isPowerOf2, lower } from "./lower.ts";
import { parse } from "../formula/parse.ts";
import {
  Layout,
  longRowsOf,
  type Machine,
  type Scratch,
  SCRATCH_PAGES,
  scratchFor,
  TILE,
} from "./memory.ts";
import type { Plan, Reduction, Run, Store } from "./plan.ts";
import { ProgramBuilder, type Value } from "./program.ts";
import { compile } from "./wasm.ts";

export { type Machine, TILE, tileFor } from "./memory.ts";

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

type Operands = Omit<KernelsDefinition<string, never, string, string, string>, "steps">;

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

/** The largest number of instructions of a kernel: engines allow functions 50,000 locals. */
const MAX_INSTRUCTIONS = 40_000;

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
  type Own = Kernels<E, S, C, R, P>;
  const { tile: usualTile = TILE } = definition;
  const usual: Partial<Record<FloatType, Own>> = {};
  const others = new Map<string, unknown>();
  return (dtype, longestRow = 0, machine) => {
    const isUsual = longestRow <= usualTile && machine === undefined;
    const known = isUsual ? usual[dtype] : undefined;
    if (known !== undefined) return known;

    let tile = usualTile;
    while (tile < longestRow) tile *= 2;
    const layout = layOut(definition, dtype, tile);
    const isLong = tile > usualTile && machine === undefined && layout.pages > SCRATCH_PAGES;
    const home = isLong ? longRowsOf(layout.pages) : undefined;
    const cache = home === undefined ? others : home.cacheOf(definition);
    const key = `${dtype} ${tile} ${machine}`;
    const kernels = cache.get(key) as Own | undefined ??
      build(definition, dtype, tile, layout, home?.scratch ?? scratchFor(layout.pages, machine));
    if (isUsual) usual[dtype] = kernels;
    else cache.set(key, kernels);
    return kernels;
  };
}

function layOut(
  { elements, columns = [], rows = [], params = [], tileRows }: Operands,
  dtype: FloatType,
  tile: number,
): Layout {
  const size = dtype === "float32" ? 4 : 8;
  const layout = new Layout();
  layout.place("element", elements, tile * size);
  layout.place("column", columns, tile * size);
  layout.place("row", rows, (tileRows ?? tile) * 8);
  layout.place("param", params, 8);
  return layout;
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
  layout: Layout,
  scratch: Scratch,
): Kernels<E, S, C, R, P> {
  const { elements, columns = [], rows = [], params = [], steps } = definition;
  const tileRows = definition.tileRows ?? tile;
  const Floats: new (buffer: ArrayBuffer, offset: number, length: number) => FloatArray =
    dtype === "float32" ? Float32Array : Float64Array;
  const { buffer } = scratch;
  const run = {} as Record<S, Run>;
  for (const name of Object.keys(steps) as S[]) {
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

function compileStep(step: Step, dtype: FloatType, layout: Layout, scratch: Scratch): Run {
  const { machine, buffer, memory } = scratch;
  const runOf = (plan: Plan): Run =>
    memory === undefined ? interpret(plan, buffer) : compile(plan, memory, machine === "relaxed");
  const powers = new Set<string>();
  const plan = planOf(step, dtype, layout, powers);
  if (powers.size === 0) return runOf(plan);

  // The step divides by options. If they are powers of 2, `plan` gives the same bits as a division, and is faster.
  const options = Object.values(layout.views([...powers], Float64Array, buffer, 1));
  let multiplying: Run | undefined;
  let dividing: Run | undefined;
  return (rows, cols) => {
    for (let i = 0; i < options.length; i++) {
      if (!isPowerOf2(options[i]![0]!)) {
        dividing ??= runOf(planOf(step, dtype, layout));
        return dividing(rows, cols);
      }
    }
    multiplying ??= runOf(plan);
    multiplying(rows, cols);
  };
}

function planOf(
  { store = {}, sum = {}, max = {} }: Step,
  dtype: FloatType,
  { kinds, offsets }: Layout,
  powers?: Set<string>,
): Plan {
  const graph = new Graph();
  const program = new ProgramBuilder(dtype);
  const lowered = new Map<Node, Value>();
  const stores: Store[] = [];
  const reductions: Reduction[] = [];
  for (const [kind, texts] of [["store", store], ["sum", sum], ["max", max]] as const) {
    for (const name of Object.keys(texts)) {
      const operand = kinds.get(name);
      const offset = offsets.get(name) ?? 0;
      const value = lower(program, parse(graph, texts[name]!), kinds, lowered, powers);
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
  const { length } = program.instructions;
  if (length > MAX_INSTRUCTIONS) {
    throw new RangeError(
      `Cannot compile the formula as it takes ${length} instructions: at most ${MAX_INSTRUCTIONS} are possible`,
    );
  }
  for (const { op, name } of program.instructions) {
    if (op === "element" && Object.hasOwn(store, name)) {
      throw new TypeError(
        `Cannot store into '${name}' as it is read in the same step: the last vector of a row reaches into the next`,
      );
    }
  }
  return { program, offsets, stores, reductions };
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
    for (let i = start; i < end; i++) operand[i - start] = source[i]!;
  } else {
    operand.set(start === 0 && end === source.length ? source : source.subarray(start, end));
  }
}

/** Copies the first elements of `operand` to `target[start … end)`. */
export function unload(operand: FloatArray, target: FloatArray, start: number, end: number): void {
  if (end - start <= SMALL.unload) {
    for (let i = start; i < end; i++) target[i] = operand[i - start]!;
  } else {
    const isWhole = end - start === operand.length;
    target.set(isWhole ? operand : operand.subarray(0, end - start), start);
  }
}
