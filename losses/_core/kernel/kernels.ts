/**
 * Kernels: formulas compiled to loops over arrays.
 *
 * This folder is the compiler. It turns formulas into vector instructions and runs them, as WebAssembly or
 * interpreted, over arrays in a scratch memory. It knows no loss, and of tensors only the type of their data.
 *
 * A loss describes its operands and steps once:
 *
 *     const softmax = defineKernels(() => ({
 *       elements: ["x", "e"],
 *       rows: ["m", "s", "k"],
 *       steps: {
 *         rowMax: { max: { m: "x" } },
 *         rowExp: { store: { e: "exp(x - m)" }, sum: { s: "exp(x - m)" } },
 *         scale: { store: { e: "e * k" } },
 *       },
 *       functions: { exp },
 *     }));
 *
 * and then works on its arguments tile by tile: it copies rows into `element.x`, calls `run.rowMax(rows, cols)` and
 * `run.rowExp(rows, cols)`, computes in TypeScript what is needed once per row, calls `run.scale(rows, cols)`, and copies
 * `element.e` out. Each step is compiled when it first runs.
 *
 * All kernels share one scratch memory. Between its first copy in and its last copy out a loss must therefore not call
 * code of the user, which may run another loss.
 */

import { read } from "../formula/grammar.ts";
import type { FloatArray, FloatType } from "../tensor/types.ts";
import { type Context, isPowerOf2, Lowering, type MathFunctions } from "./lower.ts";
import { type Machine, type Scratch, scratchFor } from "./memory.ts";
import type { Plan, Reduction, Run, Store } from "./plan.ts";
import type { Operand } from "./program.ts";
import { BATCH, LINE, MAX_INSTRUCTIONS, PAGE, SLACK, SMALL, TILE } from "./sizes.ts";

export { type Machine, tileFor } from "./memory.ts";
export { TILE } from "./sizes.ts";

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
  /** Formulas; kernels for rows may have functions among them, see row_kernels.ts. */
  readonly steps: Readonly<Record<S, Step | RowVisit>>;
  /** The functions of math.ts that the steps call. */
  readonly functions?: MathFunctions | undefined;
  /** Elements in a tile; default {@linkcode TILE}. */
  readonly tile?: number;
  /** Rows in a tile; as many as elements by default. */
  readonly tileRows?: number;
}

/** The names of operands, by kind. */
export interface RowOperands {
  readonly elements: readonly string[];
  readonly columns: readonly string[];
  readonly rows: readonly string[];
  readonly params: readonly string[];
}

/** A number for each operand. */
export type ForOperands<O extends RowOperands> = {
  readonly [name in O[keyof RowOperands][number]]: number;
};

/**
 * A step in TypeScript: computes something for each row, or for each column.
 *
 * @param at The index of each operand's first number.
 * @param gaps How many numbers lie between the rows of each operand.
 * @param rows How many rows there are.
 * @param cols How many columns there are.
 * @param floats The elements and columns, in one array.
 * @param doubles The numbers of rows, and the params, in one array.
 * @param words The memory of all these arrays.
 */
export type RowVisit<At = never> = (
  at: At,
  gaps: At,
  rows: number,
  cols: number,
  floats: FloatArray,
  doubles: Float64Array,
  words: Int32Array,
) => void;

/** Functions that run as steps, by name. */
export type Visits = Readonly<Record<string, RowVisit>>;

/** Something with numbers. */
type Numbers = { readonly data: ArrayLike<number> };

/** How kernels get their numbers. */
export interface Copies {
  /**
   * Gives an operand the numbers `source[start … end)`.
   *
   * @returns Where they are: at the beginning of the operand, or in `source` itself if kernels can read it there.
   */
  load(
    operand: FloatArray,
    source: FloatArray | Int32Array,
    start: number,
    end: number,
  ): FloatArray;
  /**
   * Lets kernels write an operand to `target[start … end)` at once, if they can; {@linkcode unload} is to follow.
   *
   * @returns Where they write.
   */
  aim(operand: FloatArray, target: FloatArray, start: number, end: number): FloatArray;
  /**
   * Lets kernels read and write an operand at rows of `cols` numbers that lie `step` apart in an array, if they can.
   *
   * @param start Where the first row begins.
   * @returns The array from there on; undefined if they cannot.
   */
  spread(
    operand: FloatArray,
    array: FloatArray,
    start: number,
    cols: number,
    step: number,
  ): FloatArray | undefined;
  /** Lets kernels read and write an operand at its own place, which it returns: what the operand is unless told otherwise. */
  own(operand: FloatArray): FloatArray;
  /** Copies the first elements of an operand to `target[start … end)`, unless they were written there at once. */
  unload(operand: FloatArray, target: FloatArray, start: number, end: number): void;
}

/** Operands and compiled steps, for one float type. */
export interface Kernels<
  E extends string,
  S extends string,
  C extends string = never,
  R extends string = never,
  P extends string = never,
> extends Copies {
  /** Elements that fit into a tile: rows × cols must not exceed it. */
  readonly tile: number;
  /** Rows that fit into a tile. */
  readonly tileRows: number;
  /** How many elements are best worked on at once: with more, they leave the cache, with fewer, the cost of a call shows. */
  readonly batch: number;
  readonly element: Readonly<Record<E, FloatArray>>;
  readonly column: Readonly<Record<C, FloatArray>>;
  readonly row: Readonly<Record<R, Float64Array>>;
  /** Arrays of one element. */
  readonly param: Readonly<Record<P, Float64Array>>;
  readonly run: Readonly<Record<S, Run>>;
  /** Compiles a step that is not in the definition. */
  compile(step: Step): Run;
  /** Another step that is not in the definition, compiled when it is first asked for under this name. */
  step(name: string, describe: () => Step): Run;
  /**
   * The same kernels where they can read and write some of these in place, if there is such a place, otherwise these. To be
   * called once for each call of a loss: all operands are then at their own places.
   */
  near(numbers: readonly (Numbers | undefined)[]): this;
  /** The functions among the steps, see row_kernels.ts. */
  readonly visits?: Visits;
  /**
   * Runs the steps that a function calls so that each thread does all of them for some of the rows; of the columns, if any step
   * stores into columns. Only where there may be threads. All steps have the same columns, and the same rows if these are shared; no
   * step reads what another one has written for other rows, and nothing else happens between them.
   */
  readonly together?: (steps: () => void) => void;
  /** The layout of the same kernels for another tile. */
  layOut(tile: number, tileRows: number): Layout<AnyKernels>;
}

/**
 * Gives kernels in the memory that arrays are in, if kernels can work there: see ../arena/. Nobody needs that code before there
 * is such an array.
 */
export type NearArrays = (
  kernels: AnyKernels,
  numbers: readonly (Numbers | undefined)[],
) => AnyKernels;

/** Kernels, whatever their operands and steps. */
export type AnyKernels = Kernels<string, string, string, string, string>;

let nearArrays: NearArrays | undefined;

/** Lets kernels work in another memory, too. */
export function workNearArrays(near: NearArrays): void {
  nearArrays = near;
}

/**
 * Defines kernels. The call itself computes nothing, so that a module that makes it costs nothing when it is imported.
 *
 * @param describe Gives the operands and steps when they are first needed.
 * @returns A function that gives the operands and steps for a float type, the same ones at each call. The machine is the
 * fastest one by default; tests choose others.
 */
export function defineKernels<
  E extends string,
  S extends string,
  C extends string = never,
  R extends string = never,
  P extends string = never,
>(
  describe: () => KernelsDefinition<E, S, C, R, P>,
): (dtype: FloatType, machine?: Machine) => Kernels<E, S, C, R, P> {
  let definition: KernelsDefinition<E, S, C, R, P> | undefined;
  const usual: { [dtype in FloatType]?: Kernels<E, S, C, R, P> } = {};
  return (dtype, machine) => {
    const known = usual[dtype];
    if (known !== undefined && machine === undefined) return known;
    const layout = layOut(definition ??= describe(), dtype);
    const kernels = layout.build(scratchFor(layout.pages, machine));
    if (machine === undefined) usual[dtype] = kernels;
    return kernels;
  };
}

/** Kernels whose operands have their places, but no memory yet. */
export interface Layout<K> {
  /** The pages of memory that they need. */
  readonly pages: number;
  /** All operands, by name. */
  readonly operands: ReadonlyMap<string, Operand>;
  /** Puts them into a memory of at least that size. */
  build(scratch: Scratch): K;
}

/**
 * Lays out kernels.
 *
 * @param definition Operands and steps.
 * @param dtype The float type.
 * @param tile Elements in a tile, if not those of the definition.
 * @param tileRows Rows in a tile, if not those of the definition.
 */
export function layOut<
  E extends string,
  S extends string,
  C extends string,
  R extends string,
  P extends string,
>(
  definition: KernelsDefinition<E, S, C, R, P>,
  dtype: FloatType,
  tile: number = definition.tile ?? TILE,
  tileRows: number = definition.tileRows ?? tile,
): Layout<Kernels<E, S, C, R, P>> {
  const { elements, columns = [], rows = [], params = [], steps, functions = {} } = definition;
  const Floats = dtype === "float32" ? Float32Array : Float64Array;
  const kinds = [
    ["element", elements, Floats, tile],
    ["column", columns, Floats, tile],
    ["row", rows, Float64Array, tileRows],
    ["param", params, Float64Array, 1],
  ] as const;
  const operands = new Map<string, Operand>();
  let bytes = 0;
  for (const [kind, names, { BYTES_PER_ELEMENT }, length] of kinds) {
    for (const name of names) {
      if (operands.has(name)) throw new TypeError(`Cannot lay out the operand '${name}' twice`);
      operands.set(name, { kind, offset: bytes });
      bytes = LINE * Math.ceil((bytes + length * BYTES_PER_ELEMENT + SLACK) / LINE);
    }
  }
  return {
    pages: Math.ceil(bytes / PAGE),
    operands,
    build(scratch) {
      const buffer = scratch.buffer as ArrayBuffer;
      // An operand may have any name: assigning to `__proto__` would not make a property.
      const [element, column, row, param] = kinds.map(([, names, View, length]) =>
        Object.fromEntries(
          names.map((name) => {
            const { offset } = operands.get(name)!;
            return [name, new View(buffer, scratch.base + offset, length)];
          }),
        )
      );
      const compile = (step: Step) => compileStep(step, { dtype, operands, functions }, scratch);
      const run = {} as Record<S, Run>;
      for (const name of Object.keys(steps) as S[]) {
        // The first call compiles the step and replaces this function.
        run[name] = (rows, cols) => (run[name] = compile(steps[name] as Step))(rows, cols);
      }
      const others = new Map<string, Run>();
      const kernels = {
        ...{ tile, tileRows, element, column, row, param, run, compile },
        ...COPIES,
        batch: BATCH,
        step(name: string, describe: () => Step) {
          const known = others.get(name) ?? compile(describe());
          others.set(name, known);
          return known;
        },
        near: (numbers: readonly (Numbers | undefined)[]) =>
          nearArrays?.(kernels, numbers) ?? kernels,
        layOut: (tile: number, tileRows: number) => layOut(definition, dtype, tile, tileRows),
      } as unknown as AnyKernels;
      return kernels as unknown as Kernels<E, S, C, R, P>;
    },
  };
}

function compileStep(step: Step, context: Context, scratch: Scratch): Run {
  const powers = new Set<number>();
  const plan = planOf(step, context, powers);
  if (powers.size === 0) return scratch.runOf(plan);

  // The step divides by options. If they are powers of 2, `plan` gives the same bits as a division, and is faster.
  const options = [...powers].map((offset) =>
    new Float64Array(scratch.buffer, scratch.base + offset, 1)
  );
  let multiplying: Run | undefined;
  let dividing: Run | undefined;
  return (rows, cols) => {
    for (let i = 0; i < options.length; i++) {
      if (!isPowerOf2(options[i]![0]!)) {
        dividing ??= scratch.runOf(planOf(step, context));
        return dividing(rows, cols);
      }
    }
    multiplying ??= scratch.runOf(plan);
    multiplying(rows, cols);
  };
}

function planOf(
  { store = {}, sum = {}, max = {} }: Step,
  context: Context,
  powers?: Set<number>,
): Plan {
  const program = new Lowering(context, powers);
  const stores: Store[] = [];
  const reductions: Reduction[] = [];
  for (const [results, texts] of [["store", store], ["sum", sum], ["max", max]] as const) {
    for (const [name, text] of Object.entries(texts)) {
      const { kind, offset = 0 }: Partial<Operand> = context.operands.get(name) ?? {};
      const value = read(text, program);
      if (results === "store" && (kind === "element" || kind === "column")) {
        stores.push({ kind, offset, value });
      } else if (results !== "store" && kind === "row") {
        reductions.push({ kind: results, offset, value });
      } else throw new TypeError(`Cannot write a ${results} into '${name}'`);
    }
  }
  const { instructions } = program;
  if (instructions.length > MAX_INSTRUCTIONS) {
    throw new RangeError(
      `Cannot compile the formula as it takes ${instructions.length} instructions: at most ${MAX_INSTRUCTIONS} are possible`,
    );
  }
  // The last vector of a row reaches into the next row.
  for (const { offset } of stores) {
    if (instructions.some(({ op, value }) => op === "element" && value === offset)) {
      throw new TypeError("Cannot store into an operand that the same step reads");
    }
  }
  return { program, stores, reductions };
}

/** The last view of the first elements of each operand: V8 takes longer to make one than to copy a hundred elements. */
const views = /* @__PURE__ */ new WeakMap<FloatArray, FloatArray>();

function firstOf(operand: FloatArray, count: number): FloatArray {
  let view = views.get(operand);
  if (view?.length !== count) views.set(operand, view = operand.subarray(0, count));
  return view;
}

/** Copies `source[start … end)` to the beginning of `operand`, which it returns. */
export function load(
  operand: FloatArray,
  source: FloatArray | Int32Array,
  start: number,
  end: number,
): FloatArray {
  if (end - start <= SMALL) {
    for (let i = start; i < end; i++) operand[i - start] = source[i]!;
  } else {
    operand.set(start === 0 && end === source.length ? source : source.subarray(start, end));
  }
  return operand;
}

const itself = (operand: FloatArray) => operand;

/** Copies in and out, whatever the memory. */
export const COPIES: Copies = {
  load,
  aim: itself,
  spread: () => undefined,
  own: itself,
  unload,
};

/** Copies the first elements of `operand` to `target[start … end)`. */
export function unload(operand: FloatArray, target: FloatArray, start: number, end: number): void {
  if (end - start <= SMALL) {
    for (let i = start; i < end; i++) target[i] = operand[i - start]!;
  } else {
    target.set(firstOf(operand, end - start), start);
  }
}
