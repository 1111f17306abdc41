/**
 * Distances between the rows of two or three tensors, the p-norms of x - y + eps, and gradients through them.
 *
 * With u = x - y + eps, the distance d is (Σ |u|^p)^(1/p), for p = ∞ the largest |u| and for p = 0 the number of
 * u that are not 0. Its gradient with respect to x, the negative of that with respect to y, is
 *
 *     p = 1      sign(u)
 *     p = 2      u / d
 *     p = ∞      sign(u) / ties   where |u| = d, else 0
 *     otherwise  sign(u) (|u| / d)^(p - 1)
 *
 * where `ties` is the number of components with |u| = d: for p = ∞ it is 0 if d is NaN. It is 0 where u = 0 or d = 0, and
 * for p = 0, as a count does not depend smoothly on its elements.
 */

import type { Step } from "../kernel/kernels.ts";
import { pow } from "../kernel/math.ts";
import { defineRowKernels } from "../kernel/row_kernels.ts";
import type { FloatType } from "../tensor/types.ts";
import type { Tensor } from "../tensor/tensor.ts";
import type { Run } from "../kernel/plan.ts";
import { type PowerSum, sumPowers } from "./powers.ts";
import type { Rows } from "./rows.ts";

/** The symbol of a tensor. */
export type Point = "x" | "y" | "z";
/** The symbols of two tensors: the first point and the second point of a distance. */
export type Pair = "xy" | "xz" | "yz";

const POINTS: readonly Point[] = ["x", "y", "z"];
const PAIRS: readonly Pair[] = ["xy", "xz", "yz"];

/** The row operands of each pair. */
const OF_PAIRS = ["sum", "max", "scale", "ties", "upstream", "norm", "length"] as const;

const kernels = /* @__PURE__ */ defineRowKernels(() => ({
  elements: [...POINTS, ...POINTS.map((point) => `grad_${point}` as const)],
  rows: PAIRS.flatMap((pair) => OF_PAIRS.map((name) => `${name}_${pair}` as const)),
  params: ["eps"],
  steps: {},
  functions: { pow },
}));

const difference = ([from, to]: string) => `(${from} - ${to} + eps)`;
/** True if the distance is the root of a sum of powers, which can overflow. */
const hasPowers = (p: number) => p !== 0 && p !== 1 && p !== Infinity;

/** The term of a distance's sum; with powers there is one for scaled rows too, see powers.ts. */
function term(p: number, pair: Pair, isScaled = false): string {
  const u = isScaled ? `(scale_${pair} * ${difference(pair)})` : difference(pair);
  if (p === 0) return `${u} == 0 ? 0 : 1`;
  // For p = ∞ the sum only serves to find NaN, which maxima ignore.
  if (p === 1 || p === Infinity) return `abs(${u})`;
  return p === 2 ? `square(${u})` : `pow(abs(${u}), ${p})`;
}

/** If |u| / d is below 2^-small, |u| is multiplied by 2^up and d by 2^-down, which keeps both in range. */
const TINY = {
  float32: { small: 100, up: 80, down: 77 },
  float64: { small: 900, up: 800, down: 300 },
} as const;

/** (|u| / d)^(p - 1), where a ratio that underflows can have a power that does not. */
function powerOfRatio(p: number, pair: Pair, dtype: FloatType): string {
  const [u, scale, norm] = [difference(pair), `scale_${pair}`, `norm_${pair}`];
  const ratio = `abs(${scale} * ${u}) / ${norm}`;
  // From p = 2 on, the power underflows where the ratio does.
  if (p >= 2) return `pow(${ratio}, ${p - 1})`;
  const { small, up, down } = TINY[dtype];
  const isTiny = `${ratio} < ${2 ** -small}`;
  const raised = `(abs(${u}) * ${2 ** up} * ${scale}) / (${norm} * ${2 ** -down})`;
  // The power of 2^(up + down) is divided out in two halves, as the whole could overflow.
  const half = `(${isTiny} ? ${2 ** ((1 - p) * (up + down) / 2)} : 1)`;
  return `pow(${isTiny} ? ${raised} : ${ratio}, ${p - 1}) * ${half} * ${half}`;
}

/**
 * The gradient with respect to the first point of a pair. An upstream gradient of 0 gives 0, even for an infinite distance;
 * one of NaN gives NaN.
 */
function gradient(p: number, pair: Pair, dtype: FloatType): string {
  const u = difference(pair);
  const upstream = `upstream_${pair}`;
  if (p === 0) return "0";
  if (p === 1) return `${upstream} * sign(${u})`;
  if (p === 2) {
    return `(${upstream} == 0 ? 0 : ${upstream} * (scale_${pair} * ${u} / norm_${pair}))`;
  }
  if (p === Infinity) {
    const other = `(${upstream} == ${upstream} ? 0 : ${upstream})`;
    return `(abs(${u}) == max_${pair} ? ${upstream} * sign(${u}) : ${other})`;
  }
  const power = powerOfRatio(p, pair, dtype);
  return `(${upstream} == 0 or ${u} == 0 ? 0 : ${upstream} * sign(${u}) * (${power}))`;
}

/** The same for p = 2, if all distances are finite and no row is scaled. */
function plainGradient(pair: Pair): string {
  return `upstream_${pair} * (${difference(pair)} / norm_${pair})`;
}

/** The gradient with respect to one point: that of the pairs it is first in, minus that of those it is second in. */
function gradientOf(point: Point, pairs: readonly Pair[], gradient: (pair: Pair) => string) {
  const asFirst = pairs.filter((pair) => pair[0] === point).map(gradient);
  const asSecond = pairs.filter((pair) => pair[1] === point).map(gradient);
  // Beginning with 0 keeps -0 out of the gradient where the upstream gradient is 0: 0 - 0 is 0.
  return [asFirst.length ? asFirst.join(" + ") : "0", ...asSecond].join(" - ");
}

const byPair = (pairs: readonly Pair[], name: string, text: (pair: Pair) => string) =>
  Object.fromEntries(pairs.map((pair) => [`${name}_${pair}`, text(pair)]));

/** The tensors, and what to do with the distances of their rows. */
export interface Distances {
  readonly dtype: FloatType;
  readonly rows: Rows;
  /** The tensors, by symbol. */
  readonly points: { readonly [point in Point]?: Tensor | undefined };
  /** The distances to compute. */
  readonly pairs: readonly Pair[];
  readonly p: number;
  readonly eps: number;
  /** The tensors to write gradients into, for the points that need one. */
  readonly grads: { readonly [point in Point]?: Tensor | undefined };
  /**
   * Receives the distances of rows [start, start + count), in the order of `pairs`, and writes the derivatives of the loss
   * with respect to each of them into `upstream`.
   */
  onTile(
    start: number,
    count: number,
    distances: readonly Float64Array[],
    upstream: readonly Float64Array[],
  ): void;
}

/** Computes distances between rows, and the gradients through them. */
export function distances(
  { dtype, rows, points, pairs, p, eps, grads, onTile }: Distances,
): void {
  const names = kernels(dtype, rows.length).near(Object.values(points));
  const { element, row, param } = names;
  param.eps[0] = eps;
  const operands = pairs.map((pair) => ({
    sum: row[`sum_${pair}`],
    max: row[`max_${pair}`],
    scale: row[`scale_${pair}`],
    ties: row[`ties_${pair}`],
    upstream: row[`upstream_${pair}`],
    norm: row[`norm_${pair}`],
    length: row[`length_${pair}`],
  }));
  const lengths = operands.map(({ length }) => length);
  const upstreams = operands.map(({ upstream }) => upstream);
  const wanted = POINTS.filter((point) => grads[point] !== undefined);
  /** A step that is compiled when it first runs. */
  const step = (name: string, describe: () => Step): Run => {
    const key = `${name} ${p} ${pairs}`;
    return (rows, cols) => names.step(key, describe)(rows, cols);
  };
  const sum = step("sum", () => ({ sum: byPair(pairs, "sum", (pair) => term(p, pair)) }));
  const max = step("max", () => ({
    max: byPair(pairs, "max", (pair) => `abs(${difference(pair)})`),
  }));
  const ties = step("ties", () => ({
    sum: byPair(pairs, "ties", (pair) => `abs(${difference(pair)}) == max_${pair} ? 1 : 0`),
  }));
  const scaledSum = step("scaled sum", () => ({
    sum: byPair(pairs, "sum", (pair) => term(p, pair, true)),
  }));
  const gradients = (gradient: (pair: Pair) => string) => ({
    store: Object.fromEntries(
      wanted.map((point) => [`grad_${point}`, gradientOf(point, pairs, gradient)]),
    ),
  });
  const grad = step(`grad ${wanted}`, () => gradients((pair) => gradient(p, pair, dtype)));
  const plainGrad = step(`plain grad ${wanted}`, () => gradients(plainGradient));

  const loads = POINTS.flatMap((point) => {
    const tensor = points[point];
    return tensor === undefined ? [] : [[element[point], rows.load(names, tensor)] as const];
  });
  const sinks = wanted.map((point) =>
    [element[`grad_${point}`], rows.sink(names, grads[point] as Tensor)] as const
  );

  rows.tiles(names, (start, end) => {
    const count = end - start;
    for (const [operand, load] of loads) load(operand, start, end);
    const run = {
      sum: () => sum(count, rows.length),
      max: () => max(count, rows.length),
      scaledSum: () => scaledSum(count, rows.length),
    };
    let isPlain = false;
    if (hasPowers(p)) isPlain = sumPowers(dtype, count, operands, run) && p === 2;
    else {
      run.sum();
      if (p === Infinity) run.max();
      if (p === Infinity && wanted.length > 0) ties(count, rows.length);
    }
    for (const operand of operands) findLengths(p, count, operand);
    onTile(start, count, lengths, upstreams);
    if (p === Infinity) {
      for (const { upstream, ties } of operands) {
        for (let r = 0; r < count; r++) if (upstream[r] !== 0) upstream[r]! /= ties[r]!;
      }
    }
    if (wanted.length === 0) return;
    for (const [operand, sink] of sinks) sink.aim(operand, start, end);
    (isPlain ? plainGrad : grad)(count, rows.length);
    for (const [operand, sink] of sinks) sink.store(operand, start, end);
  });
  for (const [, sink] of sinks) sink.finish();
}

/** The distances of rows, from their sums or maxima. */
function findLengths(
  p: number,
  count: number,
  { sum, max, scale, norm, length }: PowerSum & {
    readonly norm: Float64Array;
    readonly length: Float64Array;
  },
): void {
  for (let r = 0; r < count; r++) {
    const total = sum[r]!;
    if (p === 0 || p === 1 || Number.isNaN(total)) {
      length[r] = norm[r] = total;
      // For p = ∞: no |u| is equal to NaN, so that all gradients are 0, as in PyTorch.
      if (p === Infinity) max[r] = NaN;
    } // The maximum of an empty row is -∞.
    else if (p === Infinity) length[r] = Math.max(0, max[r]!);
    else {
      const root = p === 2 ? Math.sqrt(total) : total ** (1 / p);
      // Where all u are 0, this makes the gradient 0 / 1 = 0.
      norm[r] = root === 0 ? 1 : root;
      length[r] = root / scale[r]!;
    }
  }
}
