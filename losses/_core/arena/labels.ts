/**
 * What cross entropy computes once for each row of scores, or for each column: it reads labels, and for rows it needs float64, so
 * that kernels cannot do it. Threads run it between kernels. They get the text of these functions, as of those in worker.ts: so the
 * functions refer to nothing outside of themselves, and everything comes as an argument.
 */

import type { ForOperands, RowOperands, RowVisit } from "../kernel/kernels.ts";
import type { FloatArray } from "../tensor/types.ts";
import type { ArenaKernel } from "./launch.ts";

/**
 * The operands for rows, see ../../cross_entropy.ts. A label below 0 is ignored. `isInfinite` becomes 1 if a maximum is ∞: the
 * results are then to be computed again, from the limits of the scores.
 */
export const ROW_OPERANDS = {
  elements: ["x", "t", "e", "g"],
  columns: ["w"],
  rows: ["m", "s", "logs", "a", "b", "mass", "rest", "rightGrad", "label", "upstream", "value"],
  params: ["keep", "spread", "all", "share", "isShared", "isWeighted", "isInfinite"],
} as const;

/** The operands for columns. Labels are integers of 32 bits, each in the place of a float of its operand, or in its first half. */
export const COLUMN_OPERANDS = {
  elements: ["x", "e", "g"],
  columns: ["m", "s", "rest", "own", "below", "upstream", "value", "a", "b", "rightGrad", "label"],
  rows: ["w", "total"],
  params: ["keep", "spread", "all", "share", "isShared", "isWeighted", "isInfinite", "classes"],
} as const;

type Rows = RowVisit<ForOperands<typeof ROW_OPERANDS>>;
type Columns = RowVisit<ForOperands<typeof COLUMN_OPERANDS>>;

/** For each row: its value, the factor of its gradient, and the gradient of the right class. */
export const labelRows: Rows = (at, _gaps, rows, classes, floats, doubles) => {
  const keep = doubles[at.keep]!;
  const spread = doubles[at.spread]!;
  const all = doubles[at.all]!;
  for (let r = 0; r < rows; r++) {
    const max = doubles[at.m + r]!;
    if (max === Infinity) doubles[at.isInfinite] = 1;
    const label = doubles[at.label + r]! | 0;
    if (label < 0) {
      doubles[at.a + r] = doubles[at.b + r] = doubles[at.value + r] = 0;
      continue;
    }
    const g = doubles[at.isShared] === 1 ? doubles[at.share]! : doubles[at.upstream + r]!;
    const sum = doubles[at.s + r]!;
    const log = Math.log(sum);
    const own = doubles[at.isWeighted] === 1 ? floats[at.w + label]! : 1;
    const right = r * classes + label;
    const mass = keep * own + spread * all;
    const below = max - floats[at.x + right]! + log;
    let value = keep * own === 0 && below === Infinity ? 0 : keep * own * below;
    if (spread > 0) value += spread * (all * log + doubles[at.rest + r]!);
    doubles[at.value + r] = value;
    doubles[at.a + r] = g * mass / sum;
    doubles[at.b + r] = g * spread;
    // p - 1 in float64: where p is nearly 1, float32 loses all digits.
    doubles[at.rightGrad + r] = g * (mass * floats[at.e + right]! / sum - (keep + spread) * own);
  }
};

/** The same for rows with probabilities in place of labels: the value and the factors of the gradients. */
export const targetRows: Rows = (at, _gaps, rows, _classes, _floats, doubles) => {
  for (let r = 0; r < rows; r++) {
    if (doubles[at.m + r] === Infinity) doubles[at.isInfinite] = 1;
    const g = doubles[at.isShared] === 1 ? doubles[at.share]! : doubles[at.upstream + r]!;
    const sum = doubles[at.s + r]!;
    const mass = doubles[at.mass + r]!;
    const log = doubles[at.logs + r] = Math.log(sum);
    doubles[at.value + r] = mass * log + doubles[at.rest + r]!;
    doubles[at.a + r] = g * mass / sum;
    doubles[at.b + r] = g;
  }
};

/** Writes the gradients of the right classes, and 0 where the label is ignored, whatever the scores. */
export const finishRows: Rows = (at, _gaps, rows, classes, floats, doubles) => {
  for (let r = 0, g = at.g; r < rows; r++, g += classes) {
    const label = doubles[at.label + r]! | 0;
    if (label < 0) floats.fill(0, g, g + classes);
    else floats[g + label] = doubles[at.rightGrad + r]!;
  }
};

/** Begins columns: no maximum yet, sums of 0, and what is the same for all. */
export const beginColumns: Columns = (at, _gaps, _rows, cols, floats, doubles) => {
  floats.fill(-Infinity, at.m, at.m + cols);
  floats.fill(0, at.s, at.s + cols);
  floats.fill(1, at.own, at.own + cols);
  if (doubles[at.spread]! > 0) floats.fill(0, at.rest, at.rest + cols);
  if (doubles[at.isShared] === 1) {
    floats.fill(doubles[at.share]!, at.upstream, at.upstream + cols);
  }
};

/**
 * For each column: the weight `own` of the right class, and how far its score is `below` the maximum. A column whose label is ignored
 * gets numbers from which the next steps compute a value of 0, whatever the scores.
 */
export const labelColumns: Columns = (at, gaps, _rows, cols, floats, doubles, words) => {
  const { x, m, s, rest, own, below, upstream, label: labels, w } = at;
  const step = cols + gaps.x;
  const width = floats.BYTES_PER_ELEMENT / 4;
  const isWeighted = doubles[at.isWeighted] === 1;
  let isInfinite = false;
  for (let j = 0; j < cols; j++) {
    const label = words[width * (labels + j)]!;
    const max = floats[m + j]!;
    if (max === Infinity) isInfinite = true;
    if (label < 0) {
      floats[s + j] = 1;
      floats[rest + j] = 0;
      floats[own + j] = 0;
      floats[below + j] = 0;
      floats[upstream + j] = 0;
      continue;
    }
    floats[below + j] = max - floats[x + label * step + j]!;
    if (isWeighted) floats[own + j] = doubles[w + label]!;
  }
  if (isInfinite) doubles[at.isInfinite] = 1;
};

/** The same as {@linkcode finishRows}, for columns. */
export const finishColumns: Columns = (at, gaps, _rows, cols, floats, doubles, words) => {
  const { g, rightGrad, label: labels } = at;
  const step = cols + gaps.g;
  const width = floats.BYTES_PER_ELEMENT / 4;
  const classes = doubles[at.classes]!;
  for (let j = 0; j < cols; j++) {
    const label = words[width * (labels + j)]!;
    if (label >= 0) floats[g + label * step + j] = floats[rightGrad + j]!;
    else for (let c = 0; c < classes; c++) floats[g + c * step + j] = 0;
  }
};

/**
 * Such a function as a kernel for a shared memory, with a table of operands: see encoder.ts.
 *
 * @param memory The memory.
 * @param isWide Whether scores are float64.
 * @param visit The function.
 * @param operands The operands, in the order of the table.
 */
export const visitRows = (
  memory: WebAssembly.Memory,
  isWide: boolean,
  visit: RowVisit,
  { elements, columns, rows: ofRows, params }: RowOperands,
): ArenaKernel => {
  const names = [...elements, ...columns, ...ofRows, ...params];
  const ofFloats = elements.length + columns.length;
  // Made at once: engines look up properties that were added one by one in a hash table.
  const zeros = names.map((name) => [name, 0]);
  const at = Object.fromEntries(zeros);
  const gaps = Object.fromEntries(zeros);
  const places = new Int32Array(2 * names.length);
  let words = new Int32Array(0);
  let doubles = new Float64Array(0);
  let floats: FloatArray = doubles;
  return (rows, table) => {
    const { buffer } = memory;
    if (words.buffer !== buffer) {
      words = new Int32Array(buffer as ArrayBuffer);
      doubles = new Float64Array(buffer as ArrayBuffer);
      floats = isWide ? doubles : new Float32Array(buffer as ArrayBuffer);
    }
    const start = table >>> 2;
    for (let slot = 0; slot < names.length; slot++) {
      // Most operands have not moved since the last call.
      const place = words[start + 1 + 2 * slot]!;
      const gap = words[start + 2 + 2 * slot]!;
      if (places[slot] === place && places[names.length + slot] === gap) continue;
      places[slot] = place;
      places[names.length + slot] = gap;
      const shift = isWide || slot >= ofFloats ? 3 : 2;
      at[names[slot]!] = place >>> shift;
      gaps[names[slot]!] = gap >>> shift;
    }
    visit(at as never, gaps as never, rows, words[start]!, floats, doubles, words);
  };
};
