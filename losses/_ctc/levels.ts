/**
 * The sum over all alignments of one sample with numbers v 2^(512 n), which cannot underflow, but several times slower. Needed if
 * alignments that are likely in the first frames are so unlikely in the last ones, and the other way round, that the factor
 * exceeds 10^280.
 */

import { exponentiate, type PreparedLabels, type Sample, type Scores } from "./alignment.ts";

/** Two states before the first, always 0, so that the recursion can read the two states before any state. */
const PAD = 2;

/**
 * Sums the probabilities of all alignments of one sample, and writes its gradients.
 *
 * @param scores The scores.
 * @param sample The sample.
 * @returns The logarithm of the sum: -∞, whose gradients are undefined, or NaN if a score is NaN or ∞.
 */
export function sumExactly(
  { data, samples, classes, normalised, grad, upstream }: Scores,
  { index, frames, labels }: Sample,
): number {
  const { classes: occurring } = labels;
  const count = occurring.length;
  const logs = new Float64Array(frames * count);
  for (let t = 0, at = 0; t < frames; t++) {
    const row = t * samples + index;
    for (let k = 0; k < count; k++) {
      const score = data[row * classes + occurring[k]!]!;
      const max = normalised?.max[row] ?? 0;
      logs[at++] = (score === max ? 0 : score - max) - (normalised?.logSum[row] ?? 0);
    }
  }
  const { log, gamma } = sumWithLevels(labels, frames, logs);
  for (let t = 0, at = 0; grad !== undefined && t < frames; t++) {
    const row = (t * samples + index) * classes;
    for (let k = 0; k < count; k++, at++) {
      const p = normalised === undefined ? 0 : Math.exp(logs[at]!);
      grad[row + occurring[k]!] = upstream[index]! * (p - gamma[at]!);
    }
  }
  return log;
}

/**
 * The same for log-probabilities that are gathered.
 *
 * @param labels The labels.
 * @param frames The number of frames.
 * @param logs The log-probabilities of `labels.classes`, frame by frame.
 * @returns The logarithm of the sum, and for each frame and class γ, the share of the sum that passes through it.
 */
export function sumWithLevels(
  { classes: { length: count }, place, jump }: PreparedLabels,
  frames: number,
  logs: Float64Array,
): { log: number; gamma: Float64Array } {
  const size = frames * count;
  const gamma = new Float64Array(size);
  const p = {
    values: logs.slice(),
    levels: new Float64Array(size),
    huge: new Float64Array(size),
  };
  if (!toLevels(p)) return { log: NaN, gamma: gamma.fill(NaN) };
  const states = 2 * place.length + 1;
  const classOf = Int32Array.from({ length: states }, (_, s) => s % 2 ? place[(s - 1) / 2]! : 0);
  const gates = Uint8Array.from({ length: states }, (_, s) => s % 2 ? jump[(s - 1) / 2]! : 0);

  const width = PAD + states;
  const alpha = zeros((frames + 1) * width);
  alpha.values[PAD] = 1;
  alpha.levels[PAD] = 0;
  const weights = new Float64Array(MOST_PREDECESSORS);
  for (let t = 0; t < frames; t++) {
    levelStep(alpha, t * width, p, t * count, classOf, gates, weights);
  }
  const ends = Math.min(2, states);
  const top = toOneLevel(alpha, alpha.values.length - 1, ends, weights);
  const sum = sumOf(weights, ends);
  if (sum === 0) return { log: -Infinity, gamma };

  // Backwards, the share of each state is divided among its predecessors, in proportion to their α. That takes only
  // differences between numbers of one frame, and no share can exceed 1.
  let shares = new Float64Array(width);
  let sharesBefore = new Float64Array(width);
  for (let k = 0; k < ends; k++) shares[width - 1 - k] = weights[k]! / sum;
  for (let t = frames - 1; t >= 0; t--) {
    sharesBefore.fill(0);
    for (let s = 0; s < states; s++) {
      const share = shares[PAD + s]!;
      if (share === 0) continue;
      gamma[t * count + classOf[s]!]! += share;
      const predecessors = 2 + gates[s]!;
      toOneLevel(alpha, t * width + PAD + s, predecessors, weights);
      const sum = sumOf(weights, predecessors);
      for (let k = 0; k < predecessors; k++) {
        sharesBefore[PAD + s - k]! += share * (weights[k]! / sum);
      }
    }
    [shares, sharesBefore] = [sharesBefore, shares];
  }
  return { log: Math.log(sum) + (alpha.huge[top]! + alpha.levels[top]!) * unit(), gamma };
}

/**
 * Numbers ≥ 0 that cannot underflow, values · 2^(512 (levels + huge)): values from 2^-256 to 2^256, or 0 at level -∞.
 *
 * The level of a masked log-probability such as -1e30 is so large that a double cannot hold a sum of it and an ordinary
 * level. Such levels are added up separately, in `huge`.
 */
interface Leveled {
  readonly values: Float64Array;
  readonly levels: Float64Array;
  readonly huge: Float64Array;
}

const LEVEL = 512;
/** The logarithm of one level. */
const unit = () => LEVEL * Math.LN2;
const DOWN = /* @__PURE__ */ Math.pow(0.5, LEVEL);
/** Levels of this size and more are huge; the sum of smaller ones is exact for up to 2^21 frames. */
const HUGE = /* @__PURE__ */ Math.pow(2, 32);
/** A state is reached from itself, the one before it, and if its gate is open the one before that. */
const MOST_PREDECESSORS = 3;

/** Zeros. */
function zeros(length: number): Leveled {
  return {
    values: new Float64Array(length),
    levels: new Float64Array(length).fill(-Infinity),
    huge: new Float64Array(length),
  };
}

/** Replaces values, which are logarithms, by their exponentials; false if one is NaN or ∞. */
function toLevels({ values, levels, huge }: Leveled): boolean {
  const one = unit();
  for (let i = 0; i < values.length; i++) {
    const log = values[i]!;
    if (!(log < Infinity)) return false;
    const level = Math.round(log / one);
    const isHuge = Number.isFinite(level) && Math.abs(level) >= HUGE;
    levels[i] = isHuge ? 0 : level;
    huge[i] = isHuge ? level : 0;
    // The logarithm of 0 stays -∞. At 1e30 the remainder consists of rounding errors only, and is clamped.
    const rest = log - level * one;
    values[i] = log === -Infinity ? -Infinity : Math.max(-one / 2, Math.min(one / 2, rest));
  }
  exponentiate(values);
  return true;
}

/** How many levels number `i` is above number `j`. */
function levelsAbove({ levels, huge }: Leveled, i: number, j: number): number {
  return (huge[i]! - huge[j]!) + (levels[i]! - levels[j]!);
}

/**
 * Brings the numbers at `at`, `at - 1`, … to one level, that of the highest.
 *
 * @param a The numbers.
 * @param at The index of the first of them.
 * @param count How many there are.
 * @param weights Receives their values at that level.
 * @returns The index of the highest.
 */
function toOneLevel(a: Leveled, at: number, count: number, weights: Float64Array): number {
  let top = at;
  for (let k = 1; k < count; k++) if (levelsAbove(a, at - k, top) > 0) top = at - k;
  for (let k = 0; k < count; k++) {
    const below = levelsAbove(a, top, at - k);
    const value = a.values[at - k]!;
    // A number two levels below the highest does not change their sum.
    weights[k] = below === 0 ? value : below === 1 ? value * DOWN : 0;
  }
  return top;
}

function sumOf(numbers: Float64Array, count: number): number {
  let sum = 0;
  for (let k = 0; k < count; k++) sum += numbers[k]!;
  return sum;
}

/** One frame of the recursion: from the row of α at `before` to the next, with the probabilities at `e`. */
function levelStep(
  alpha: Leveled,
  before: number,
  p: Leveled,
  e: number,
  classOf: Int32Array,
  gates: Uint8Array,
  weights: Float64Array,
): void {
  const states = classOf.length;
  const highest = 2 ** (LEVEL / 2);
  const lowest = 1 / highest;
  for (let s = 0; s < states; s++) {
    const predecessors = 2 + gates[s]!;
    const from = toOneLevel(alpha, before + PAD + s, predecessors, weights);
    const emission = e + classOf[s]!;
    let value = sumOf(weights, predecessors) * p.values[emission]!;
    let level = alpha.levels[from]! + p.levels[emission]!;
    if (value >= highest) {
      value *= DOWN;
      level++;
    } else if (value < lowest) {
      // 0 keeps its level, -∞.
      value /= DOWN;
      level--;
    }
    const to = before + PAD + states + PAD + s;
    alpha.values[to] = value;
    alpha.levels[to] = level;
    alpha.huge[to] = alpha.huge[from]! + p.huge[emission]!;
  }
}
