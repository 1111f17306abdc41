/**
 * Kernels for rows of any length: a row must fit into a tile, so that longer rows get larger tiles.
 *
 * Tiles of rows too long for the common scratch memory share another one, which is replaced by a larger one when longer rows
 * come. Once it exceeds 64 MiB, it may be collected as garbage between calls.
 */

import type { FloatArray, FloatType } from "../tensor/types.ts";
import {
  type AnyKernels,
  type Kernels,
  type KernelsDefinition,
  layOut,
  type RowVisit,
} from "./kernels.ts";
import type { Run } from "./plan.ts";
import { newScratch, type Scratch, scratchFor } from "./memory.ts";
import { KEPT_PAGES, MOST_PAGES, PAGE, SCRATCH_PAGES, TILE } from "./sizes.ts";

/** The memory for long rows, and the kernels on it, which must not outlive it: by definition, type and tile. */
interface LongRows {
  readonly scratch: Scratch;
  readonly kernels: Map<object, Map<string, unknown>>;
}

let longRows: { deref(): LongRows | undefined } | undefined;

/** The memory for long rows, of at least so many pages. */
function longRowsOf(pages: number): LongRows {
  const known = longRows?.deref();
  if (known !== undefined && known.scratch.pages >= pages) return known;
  if (pages > MOST_PAGES) {
    throw new RangeError(
      `Cannot make a kernel for these rows as their operands need ${pages * PAGE} bytes: at most ${
        MOST_PAGES * PAGE
      } are possible`,
    );
  }
  const long: LongRows = { scratch: newScratch(pages), kernels: new Map() };
  longRows = pages <= KEPT_PAGES ? { deref: () => long } : new WeakRef(long);
  return long;
}

/** Makes steps of the functions in a definition. */
function addVisits(kernels: AnyKernels, steps: object, buffer: ArrayBuffer, isWide: boolean): void {
  const visits: Record<string, RowVisit> = {};
  const { element, column, row, param } = kernels;
  const run = kernels.run as Record<string, Run>;
  const operands = Object.entries<FloatArray>({ ...element, ...column, ...row, ...param });
  // Made at once: engines look up properties that were added one by one in a hash table.
  const at = Object.fromEntries(
    operands.map((
      [name, { byteOffset, BYTES_PER_ELEMENT }],
    ) => [name, byteOffset / BYTES_PER_ELEMENT]),
  );
  const gaps = Object.fromEntries(operands.map(([name]) => [name, 0]));
  const words = new Int32Array(buffer);
  const doubles = new Float64Array(buffer);
  const floats = isWide ? doubles : new Float32Array(buffer);
  for (const [name, step] of Object.entries(steps)) {
    if (typeof step !== "function") continue;
    visits[name] = step;
    run[name] = (rows, cols) =>
      step(at as never, gaps as never, rows, cols, floats, doubles, words);
  }
  Object.assign(kernels, { visits });
}

/**
 * Defines kernels for rows of any length, when they are first needed.
 *
 * @param describe Gives the operands and steps.
 * @returns A function that gives the operands and steps for a float type and the length of the longest row, the same ones
 * at each call with the same tile.
 */
export function defineRowKernels<
  E extends string,
  S extends string,
  C extends string = never,
  R extends string = never,
  P extends string = never,
>(
  describe: () => KernelsDefinition<E, S, C, R, P>,
): (dtype: FloatType, longestRow: number) => Kernels<E, S, C, R, P> {
  type Own = Kernels<E, S, C, R, P>;
  let definition: KernelsDefinition<E, S, C, R, P> | undefined;
  const usual: { [dtype in FloatType]?: Own } = {};
  const others = new Map<string, unknown>();
  return (dtype, longestRow) => {
    definition ??= describe();
    const { tile: usualTile = TILE } = definition;
    const isUsual = longestRow <= usualTile;
    const known = isUsual ? usual[dtype] : undefined;
    if (known !== undefined) return known;

    let tile = usualTile;
    while (tile < longestRow) tile *= 2;
    const layout = layOut(definition, dtype, tile);
    const { steps } = definition;
    const build = (scratch: Scratch) => {
      const kernels = layout.build(scratch);
      const buffer = scratch.buffer as ArrayBuffer;
      addVisits(kernels as unknown as AnyKernels, steps, buffer, dtype === "float64");
      return kernels;
    };
    if (isUsual) return usual[dtype] = build(scratchFor(layout.pages));
    let cache = others;
    let scratch: Scratch | undefined;
    if (layout.pages > SCRATCH_PAGES) {
      const long = longRowsOf(layout.pages);
      scratch = long.scratch;
      cache = long.kernels.get(definition) ?? new Map();
      long.kernels.set(definition, cache);
    }
    const key = `${dtype} ${tile}`;
    const kernels = cache.get(key) as Own | undefined ??
      build(scratch ?? scratchFor(layout.pages));
    cache.set(key, kernels);
    return kernels;
  };
}
