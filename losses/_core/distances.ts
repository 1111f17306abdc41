/**
 * Distances between rows: the p-norm of x - y + eps, between two tensors or within three, and gradients through them.
 *
 * With u = x - y + eps, the distance is (Σ |u|^p)^(1/p), for p = ∞ the largest |u| and for p = 0 the number of
 * u that are not 0. Its gradient by x, by y the opposite:
 *
 *     p = 1      sign(u)
 *     p = 2      u / d
 *     p = ∞      sign(u) / ties   where |u| = d, else 0
 *     otherwise  sign(u) (|u| / d)^(p - 1)
 *
 * and 0 where u = 0 or d = 0. For p = 0 there is none.
 */

import { defineKernels, type FloatArray, type Kernels, type Step } from "./formula/kernels.ts";
import type { Run } from "./formula/plan.ts";
import type { FloatType } from "./formula/program.ts";
import { sumPowers } from "./powers.ts";
import type { Rows } from "./rows.ts";
import type { Tensor } from "./tensor.ts";

/** The tensors by symbol, and the distances between two of them. */
export type Point = "x" | "y" | "z";
/** A distance from the first point to the second. */
export type Pair = "xy" | "xz" | "yz";

const POINTS: readonly Point[] = ["x", "y", "z"];
const PAIRS: readonly Pair[] = ["xy", "xz", "yz"];

const kernels = defineKernels<string, string, string, string, string>({
  elements: [...POINTS, ...POINTS.map((point) => `grad_${point}`)],
  rows: PAIRS.flatMap((pair) =>
    ["sum", "max", "scale", "ties", "pull", "unit"].map((name) => `${name}_${pair}`)
  ),
  params: ["eps"],
  steps: {},
  tile: 65536,
  tileRows: 4096,
});

type Names = Kernels<string, string, string, string, string>;

const difference = ([from, to]: string) => `(${from} - ${to} + eps)`;
/** Whether the distance is the root of a sum of powers, which can overflow. */
const hasPowers = (p: number) => p !== 0 && p !== 1 && p !== Infinity;

/** What is added up for a distance. */
function term(p: number, pair: Pair): string {
  const u = difference(pair);
  if (p === 0) return `${u} == 0 ? 0 : 1`;
  // For p = ∞ the sum only tells whether there is a NaN, which maxima pass over.
  if (p === 1 || p === Infinity) return `abs(${u})`;
  return p === 2 ? `square(scale_${pair} * ${u})` : `pow(abs(scale_${pair} * ${u}), ${p})`;
}

/** The gradient by the first point of a pair, times `pull`. A pull of 0 gives 0, however far the points are. */
function gradient(p: number, pair: Pair): string {
  const u = difference(pair);
  const pull = `pull_${pair}`;
  if (p === 1) return `${pull} * sign(${u})`;
  if (p === 2) return `(${pull} == 0 ? 0 : ${pull} * (scale_${pair} * ${u}))`;
  if (p === Infinity) return `(abs(${u}) == max_${pair} ? ${pull} * sign(${u}) : 0)`;
  const power = `pow(abs(scale_${pair} * ${u}) * unit_${pair}, ${p - 1})`;
  return `(${pull} == 0 or ${u} == 0 ? 0 : ${pull} * sign(${u}) * ${power})`;
}

/** The gradient by one point: that of the pairs it begins, minus that of those it ends. */
function gradientOf(p: number, point: Point, pairs: readonly Pair[]): string {
  const begun = pairs.filter((pair) => pair[0] === point).map((pair) => gradient(p, pair));
  const ended = pairs.filter((pair) => pair[1] === point).map((pair) => gradient(p, pair));
  // 0 - 0 is 0, as it should be where nothing pulls; -0 would be seen.
  return [begun.length ? begun.join(" + ") : "0", ...ended].join(" - ");
}

const runs = new Map<string, Run>();

/** A step, compiled when it is first used. */
function compiled(dtype: FloatType, { compile }: Names, name: string, make: () => Step): Run {
  const key = `${dtype} ${name}`;
  let run = runs.get(key);
  if (run === undefined) {
    run = compile(make());
    runs.set(key, run);
  }
  return run;
}

const byPair = (pairs: readonly Pair[], name: string, text: (pair: Pair) => string) =>
  Object.fromEntries(pairs.map((pair) => [`${name}_${pair}`, text(pair)]));

/** What is to be computed. */
export interface Distances {
  readonly dtype: FloatType;
  readonly rows: Rows;
  /** The tensors, by symbol. */
  readonly points: { readonly [point in Point]?: Tensor };
  /** The distances to compute. */
  readonly pairs: readonly Pair[];
  readonly p: number;
  readonly eps: number;
  /** Where gradients go, for the points that have one. */
  readonly grads: { readonly [point in Point]?: Tensor };
  /**
   * Takes the distances of a row, in the order of `pairs`, and answers into `pulls` with the derivatives of the result
   * by each of them.
   */
  each(row: number, distances: Float64Array, pulls: Float64Array): void;
}

/** Computes distances between rows, and the gradients that `each` asks for. */
export function distances(
  { dtype, rows, points, pairs, p, eps, grads, each }: Distances,
): void {
  const names = kernels(dtype);
  const { element, row, param } = names;
  param.eps[0] = eps;
  const operands = pairs.map((pair) => ({
    sum: row[`sum_${pair}`],
    max: row[`max_${pair}`],
    scale: row[`scale_${pair}`],
    ties: row[`ties_${pair}`],
    pull: row[`pull_${pair}`],
    unit: row[`unit_${pair}`],
  }));
  const step = (name: string, make: () => Step) =>
    compiled(dtype, names, `${name} ${p} ${pairs}`, make);
  const largest = () => ({ max: byPair(pairs, "max", (pair) => `abs(${difference(pair)})`) });
  const sum = step("sum", () => ({
    sum: byPair(pairs, "sum", (pair) => term(p, pair)),
    ...(p === Infinity ? largest() : {}),
  }));
  const max = step("max", largest);
  const ties = step("ties", () => ({
    sum: byPair(pairs, "ties", (pair) => `abs(${difference(pair)}) == max_${pair} ? 1 : 0`),
  }));

  const wanted = POINTS.filter((point) => grads[point] !== undefined);
  const grad = step(`grad ${wanted}`, () => ({
    store: Object.fromEntries(
      wanted.map((point) => [`grad_${point}`, gradientOf(p, point, pairs)]),
    ),
  }));
  const loads = POINTS.flatMap((point) => {
    const tensor = points[point];
    return tensor === undefined ? [] : [[element[point], rows.load(tensor)] as const];
  });
  const sinks = wanted.map((point) =>
    [element[`grad_${point}`] as FloatArray, rows.sink(grads[point] as Tensor)] as const
  );

  const lengths = new Float64Array(pairs.length);
  const pulls = new Float64Array(pairs.length);
  rows.tiles(names, loads, (tile) => {
    if (hasPowers(p)) sumPowers(tile, dtype, sum, max, operands);
    else tile.reduce(sum, operands.map(({ sum }) => sum), operands.map(({ max }) => max));
    if (p === Infinity && wanted.length > 0) tile.reduce(ties, operands.map(({ ties }) => ties));

    for (let r = 0; r < tile.count; r++) {
      operands.forEach(({ sum, max, scale, unit }, k) => {
        if (!hasPowers(p)) {
          // A row without columns has no maximum.
          lengths[k] = p === Infinity && !Number.isNaN(sum[r]) ? Math.max(0, max[r]) : sum[r];
          return;
        }
        const root = p === 2 ? Math.sqrt(sum[r]) : sum[r] ** (1 / p);
        unit[r] = root === 0 ? 0 : 1 / root;
        lengths[k] = root / scale[r];
      });
      each(tile.start + r, lengths, pulls);
      operands.forEach(({ pull, unit, ties }, k) => {
        // An infinite distance has no direction: NaN, unless nothing pulls.
        const length = p === 2 && lengths[k] === Infinity ? NaN : unit[r];
        pull[r] = pulls[k] === 0
          ? 0
          : p === 2
          ? pulls[k] * length
          : p === Infinity
          ? pulls[k] / ties[r]
          : pulls[k];
      });
    }
    if (wanted.length > 0) tile.store(grad, sinks);
  });
  for (const [, sink] of sinks) sink.finish();
}
