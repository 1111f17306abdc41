/**
 * Compiles formulas into kernels, at first use, and gives them memory to work on.
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
 * and then works on tiles: copy rows into `element.x`, `run.rowMax(rows, cols)`, `run.rowExp(rows, cols)`, do
 * per row in TypeScript what is done once per row, `run.scale(rows, cols)`, copy `element.e` out.
 *
 * All kernels share one scratch memory, because only one runs at a time and none leaves anything behind.
 * Nothing may therefore call foreign code between the first copy in and the last copy out.
 */

import { Graph, type Node } from "./graph.ts";
import { interpret } from "./interpret.ts";
import { lower } from "./lower.ts";
import { parse } from "./parse.ts";
import { type Reduction, type Run, SLACK, type Store } from "./plan.ts";
import { type FloatType, ProgramBuilder, type Value } from "./program.ts";
import { compile, hasRelaxedSimd } from "./wasm.ts";

/** The typed arrays that hold floats. */
export type FloatArray = Float32Array | Float64Array;

/** What kernels can run on: WebAssembly with or without relaxed SIMD, or plain JavaScript. */
export type Machine = "relaxed" | "wasm" | "interpreter";

/** One pass over a tile: what it writes, as formula texts by operand name. */
export interface Step {
  /** Results for each element or column. */
  readonly store?: Readonly<Record<string, string>>;
  /** Sums along each row. */
  readonly sum?: Readonly<Record<string, string>>;
  /** Maxima along each row; -Infinity for a row without columns, NaN is passed over. */
  readonly max?: Readonly<Record<string, string>>;
}

/** Operands by kind (see plan.ts) and the steps that work on them. */
export interface KernelsDefinition<
  E extends string,
  C extends string,
  R extends string,
  P extends string,
  S extends string,
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
  C extends string,
  R extends string,
  P extends string,
  S extends string,
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
  /** Compiles a step that the definition does not name. */
  compile(step: Step): Run;
}

/** Elements in a tile unless a definition says otherwise: a few operands of this size stay in the L1 and L2 caches. */
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
    // An empty module: forbidden exactly where every other one is.
    new WebAssembly.Module(new Uint8Array([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]));
    return hasRelaxedSimd() ? "relaxed" : "wasm";
  } catch {
    return "interpreter"; // The same numbers, slower.
  }
}

/** Gives operands consecutive places in the scratch memory. */
class Layout {
  readonly offsets = new Map<string, number>();
  bytes = 0;

  place(name: string, bytes: number): void {
    if (this.offsets.has(name)) throw new TypeError(`Cannot lay out the operand '${name}' twice`);
    this.offsets.set(name, this.bytes);
    this.bytes = Math.ceil((this.bytes + bytes + SLACK) / LINE) * LINE;
  }
}

/**
 * Describes kernels; they are laid out and compiled when they are first used.
 *
 * @param definition Operands and steps.
 * @returns A function from float type to operands and compiled steps. Rows longer than a tile get a larger tile; the
 * machine is the best one there is unless a test asks for another.
 */
export function defineKernels<
  E extends string,
  S extends string,
  C extends string = never,
  R extends string = never,
  P extends string = never,
>(
  definition: KernelsDefinition<E, C, R, P, S>,
): (dtype: FloatType, longestRow?: number, machine?: Machine) => Kernels<E, C, R, P, S> {
  const { tile: usualTile = TILE } = definition;
  const usual: Partial<Record<FloatType, Kernels<E, C, R, P, S>>> = {};
  const others = new Map<string, Kernels<E, C, R, P, S>>();
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
  C extends string,
  R extends string,
  P extends string,
  S extends string,
>(
  definition: KernelsDefinition<E, C, R, P, S>,
  dtype: FloatType,
  tile: number,
  machine?: Machine,
): Kernels<E, C, R, P, S> {
  const { elements, columns = [], rows = [], params = [], steps } = definition;
  const tileRows = definition.tileRows ?? tile;
  const size = dtype === "float32" ? 4 : 8;
  const layout = new Layout();
  for (const name of [...elements, ...columns]) layout.place(name, tile * size);
  for (const name of rows) layout.place(name, tileRows * 8);
  for (const name of params) layout.place(name, 8);

  const pages = Math.max(SCRATCH_PAGES, Math.ceil(layout.bytes / PAGE));
  const scratch = machine !== undefined || pages > SCRATCH_PAGES
    ? newScratch(machine ?? bestMachine(), pages)
    : shared ??= newScratch(bestMachine(), SCRATCH_PAGES);

  const FloatArray = dtype === "float32" ? Float32Array : Float64Array;
  const floats = (name: string): FloatArray =>
    new FloatArray(scratch.buffer as ArrayBuffer, layout.offsets.get(name)!, tile);
  const doubles = (name: string, length: number) =>
    new Float64Array(scratch.buffer, layout.offsets.get(name)!, length);
  const operands = <N extends string, A>(names: readonly N[], make: (name: N) => A) =>
    Object.fromEntries(names.map((name) => [name, make(name)])) as Record<N, A>;

  const kernels = {
    tile,
    tileRows,
    element: operands(elements, floats),
    column: operands(columns, floats),
    row: operands(rows, (name) => doubles(name, tileRows)),
    param: operands(params, (name) => doubles(name, 1)),
  };

  const kindOf = (name: string): "element" | "column" | "row" | "param" | undefined => {
    if (Object.hasOwn(kernels.element, name)) return "element";
    if (Object.hasOwn(kernels.column, name)) return "column";
    if (Object.hasOwn(kernels.row, name)) return "row";
    return Object.hasOwn(kernels.param, name) ? "param" : undefined;
  };

  function compileStep({ store = {}, sum = {}, max = {} }: Step): Run {
    const graph = new Graph();
    const program = new ProgramBuilder(dtype);
    const lowered = new Map<Node, Value>();
    const operand = (name: string): Value => {
      const kind = kindOf(name);
      if (kind === undefined) {
        throw new ReferenceError(`Cannot compile the formula as '${name}' is not an operand`);
      }
      return program.operand(kind, name);
    };
    const value = (text: string) => lower(program, parse(graph, text), operand, lowered);
    const offset = (name: string) => layout.offsets.get(name)!;
    const isRead = (name: string) =>
      program.instructions.some(({ op, name: read }) => op === "element" && read === name);

    const stores = Object.entries(store).map(([name, text]): Store => {
      const kind = kindOf(name);
      if (kind !== "element" && kind !== "column") {
        throw new TypeError(
          `Cannot store into '${name}' as it is neither an element nor a column operand`,
        );
      }
      return { kind, name, offset: offset(name), value: value(text) };
    });
    const reduce = (kind: "sum" | "max", texts: Readonly<Record<string, string>>): Reduction[] =>
      Object.entries(texts).map(([name, text]) => {
        if (kindOf(name) !== "row") {
          throw new TypeError(`Cannot reduce into '${name}' as it is not a row operand`);
        }
        return { kind, offset: offset(name), value: value(text) };
      });
    const reductions = [...reduce("sum", sum), ...reduce("max", max)];
    for (const { kind, name } of stores) {
      if (kind === "element" && isRead(name)) {
        throw new TypeError(
          `Cannot store into '${name}' as it is read in the same step: the last vector of a row reaches into the next`,
        );
      }
    }
    const plan = { program, offsets: layout.offsets, stores, reductions };
    return scratch.memory === undefined
      ? interpret(plan, scratch.buffer)
      : compile(plan, scratch.memory, scratch.machine === "relaxed");
  }

  const run = {} as Record<S, Run>;
  for (const name of Object.keys(steps) as S[]) {
    // The first call compiles and takes the place of this stub.
    run[name] = (rows, cols) => (run[name] = compileStep(steps[name]))(rows, cols);
  }
  return { ...kernels, run, compile: compileStep };
}

/** Elements up to which copying one by one beats the fixed costs of copying at once, and of making a view for it. */
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
