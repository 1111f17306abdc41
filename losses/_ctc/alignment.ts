/**
 * Alignments: all ways to spread a sequence of labels over more frames.
 *
 * There may be blanks before, between and after the labels, and every blank or label may last for several frames. The
 * labels A B have the states ⌀ A ⌀ B ⌀. An alignment begins in one of the first two states and ends in one of the last two.
 * From frame to frame it stays in its state, moves on by one, or by two from label to label. Between equal labels the blank
 * cannot be skipped: without it they would be read as one label.
 *
 * The probability of an alignment is the product of the probabilities of its states in all frames. {@linkcode Alignments}
 * sums the probabilities of all alignments, and computes for each frame and class the share of the sum that passes through
 * it, the occupancy.
 *
 * This folder belongs to CTCLoss. It knows neither its options nor its tensors.
 */

import { defineKernels } from "../_core/kernel/kernels.ts";
import { exp } from "../_core/kernel/math.ts";

/** A sequence of labels, prepared for {@linkcode Alignments}. */
export interface PreparedLabels {
  /** The distinct classes that occur, the blank first. */
  readonly classes: Int32Array;
  /** For each label, the index of its class in `classes`. */
  readonly place: Int32Array;
  /** For each label 1 if it may follow the one before it without a blank, 0 if it is the first or the same label. */
  readonly jump: Float64Array;
  /** The smallest number of frames that an alignment needs. */
  readonly least: number;
}

/** Prepares the labels `data[start … end)`. */
export function prepareLabels(
  data: ArrayLike<number>,
  start: number,
  end: number,
  blank: number,
): PreparedLabels {
  const found = new Map([[blank, 0]]);
  const place = new Int32Array(end - start);
  const jump = new Float64Array(end - start);
  let least = end - start;
  for (let i = start; i < end; i++) {
    const label = data[i]!;
    let at = found.get(label);
    if (at === undefined) found.set(label, at = found.size);
    place[i - start] = at;
    if (i === start) continue;
    if (label === data[i - 1]) least++;
    else jump[i - start] = 1;
  }
  return { classes: Int32Array.from(found.keys()), place, jump, least };
}

const kernels = /* @__PURE__ */ defineKernels(() => ({
  elements: ["x", "p"],
  steps: { exp: { store: { p: "exp(x)" } } },
  functions: { exp },
}));

/**
 * Floor added to every state's probability, so that none underflows. The α of a frame are divided by their sum, so the floor
 * matters only if alignments do that are too unlikely for a double, and {@linkcode Alignments.sum} detects this. It also
 * avoids subnormal numbers, which are slow.
 */
const LEAK = /* @__PURE__ */ Math.pow(2, -960);
/** Occupancies below this may stem from LEAK alone; they become 0. */
const FAINT = /* @__PURE__ */ Math.pow(2, -900);

/** Two states before the first, always 0, so that the recursion can read the two states before any state. */
const PAD = 2;

/** Sums over the alignments of one sample. The memory is reused for all samples of at most the given sizes. */
export class Alignments {
  /** Probabilities, frames × classes, divided by the largest of each frame. */
  readonly emission: Float64Array;
  /** The logarithm of the largest probability of each frame. */
  readonly top: Float64Array;
  /** The share of the alignments that have a class in a frame, frames × classes. Adds up to 1 in each frame. */
  readonly occupancy: Float64Array;
  /** Rows of states, PAD ⌀ A ⌀ B ⌀ …: one before the first frame, and one after each frame. */
  readonly #alpha: Float64Array;
  readonly #width: number;
  readonly #beta: Float64Array;
  readonly #scale: Float64Array;

  /**
   * Allocates the memory.
   *
   * @param frames The largest number of frames.
   * @param labels The largest number of labels.
   * @param classes The largest number of distinct classes, with the blank.
   */
  constructor(frames: number, labels: number, classes: number) {
    this.#width = PAD + 2 * labels + 2;
    this.#alpha = new Float64Array((frames + 1) * this.#width);
    this.#beta = new Float64Array(this.#width);
    this.#scale = new Float64Array(frames);
    this.top = new Float64Array(frames);
    this.emission = new Float64Array(frames * classes);
    this.occupancy = new Float64Array(frames * classes);
  }

  /**
   * Sums the probabilities of all alignments of one sample, and computes the occupancies.
   *
   * @param labels The labels.
   * @param frames The number of frames, at least `labels.least` and 1.
   * @param gather Writes the log-probabilities of `labels.classes`, frame by frame.
   * @returns The logarithm of the sum. If it is -∞, the occupancies are undefined.
   */
  sum(labels: PreparedLabels, frames: number, gather: (to: Float64Array) => void): number {
    gather(this.emission);
    const shift = this.#divide(frames, labels.classes.length);
    const sum = this.#forward(labels, frames);
    const found = this.#backward(labels, frames);
    // A tolerance for the rounding of each frame, forwards and backwards.
    const isExact = Math.abs(found - 1) <= 1e-14 * (frames + 1);
    return isExact ? sum + shift : this.#withLevels(labels, frames, gather);
  }

  /** Converts log-probabilities to {@linkcode emission} and {@linkcode top}; returns the sum of the latter. */
  #divide(frames: number, classes: number): number {
    const { emission, top } = this;
    let shift = 0;
    for (let t = 0, at = 0; t < frames; t++) {
      let largest = -Infinity;
      for (let i = at; i < at + classes; i++) if (emission[i]! > largest) largest = emission[i]!;
      for (const end = at + classes; at < end; at++) emission[at]! -= largest;
      top[t] = largest;
      shift += largest;
    }
    exponentiate(emission, frames * classes);
    return shift;
  }

  /**
   * From the first frame to the last: α(s), the sum over all beginnings of alignments that end in state s.
   *
   *     α'(⌀) = p(⌀) (α(⌀) + α(label before))
   *     α'(label) = p(label) (α(label) + α(⌀ before) + jump · α(label before))
   *
   * After each frame, all α are divided by their sum, and the logarithm of the sum is added to the result. Only states are
   * visited that can be reached from the beginning, and from which the end can be reached.
   *
   * @returns The logarithm of the sum over all alignments.
   */
  #forward({ classes, place, jump }: PreparedLabels, frames: number): number {
    const { emission } = this;
    const alpha = this.#alpha;
    const width = this.#width;
    const labels = place.length;
    // As if every alignment were in the first blank before the first frame.
    alpha[PAD] = 1;
    let scale = 1;
    let logs = 0;
    for (let t = 0; t < frames; t++) {
      const e = t * classes.length;
      const before = t * width + PAD;
      const now = before + width;
      const first = Math.max(0, labels - frames + t);
      const last = Math.min(labels, t + 1);
      const pBlank = emission[e]! * scale;
      let total = 0;
      let label = first === 0 ? 0 : alpha[before + 2 * first - 1]!;
      for (let i = first; i < last; i++) {
        const aBlank = alpha[before + 2 * i]!;
        const a = alpha[before + 2 * i + 1]!;
        const pLabel = emission[e + place[i]!]! * scale;
        const nextBlank = (aBlank + label) * pBlank + LEAK;
        const next = (a + aBlank + jump[i]! * label) * pLabel + LEAK;
        alpha[now + 2 * i] = nextBlank;
        alpha[now + 2 * i + 1] = next;
        total += nextBlank + next;
        label = a;
      }
      // The last blank. In frames before it can be reached, this state is 0.
      const next = t < labels ? 0 : (alpha[before + 2 * labels]! + label) * pBlank + LEAK;
      alpha[now + 2 * last] = next;
      total += next;
      if (t === frames - 1) {
        total = alpha[now + 2 * labels]! + (labels === 0 ? 0 : alpha[now + 2 * labels - 1]!);
      }
      scale = 1 / total;
      this.#scale[t] = scale;
      logs += Math.log(total);
    }
    return logs;
  }

  /**
   * From the last frame to the first: β(s), the sum over all ends of alignments that begin in state s, without the
   * probability of the present frame. Divided like α, so that the products α(s) β(s) of a frame add up to 1: they are the
   * occupancies of the states.
   *
   *     u(s) = p'(s) β'(s)
   *     β(⌀) = u(⌀) + u(label after)
   *     β(label) = u(label) + u(⌀ after) + jump · u(label after)
   *
   * @returns This pass's own sum over all alignments, divided by that of {@linkcode #forward}: 1 if nothing underflowed. A
   * sum without LEAK is a lower bound, one with it an upper bound; if they agree, nothing underflowed.
   */
  #backward({ classes, place, jump }: PreparedLabels, frames: number): number {
    const { emission, occupancy } = this;
    const alpha = this.#alpha;
    const beta = this.#beta;
    const scales = this.#scale;
    const width = this.#width;
    const labels = place.length;
    occupancy.fill(0, 0, frames * classes.length);
    beta.fill(0);
    const lastScale = scales[frames - 1]!;
    beta[PAD + 2 * labels] = lastScale;
    if (labels > 0) beta[PAD + 2 * labels - 1] = lastScale;
    for (let t = frames - 1; t >= 0; t--) {
      const e = t * classes.length;
      const now = (t + 1) * width + PAD;
      const first = Math.max(0, labels - frames + t);
      const last = Math.min(labels, t + 1);
      const scale = t === 0 ? 1 : scales[t - 1]!;
      const pBlank = emission[e]! * scale;
      let blanks = 0;
      /** u of the next blank, and jump · u of the next label. */
      let uBlank = 0;
      let uJump = 0;
      if (t >= labels) {
        const b = beta[PAD + 2 * labels]!;
        blanks = alpha[now + 2 * labels]! * b;
        uBlank = b * pBlank;
        beta[PAD + 2 * labels] = uBlank + LEAK;
      }
      for (let i = last - 1; i >= first; i--) {
        const bBlank = beta[PAD + 2 * i]!;
        const b = beta[PAD + 2 * i + 1]!;
        const at = e + place[i]!;
        blanks += alpha[now + 2 * i]! * bBlank;
        occupancy[at]! += alpha[now + 2 * i + 1]! * b;
        const u = b * emission[at]! * scale;
        beta[PAD + 2 * i + 1] = u + uBlank + uJump + LEAK;
        uBlank = bBlank * pBlank;
        uJump = jump[i]! * u;
        beta[PAD + 2 * i] = uBlank + u + LEAK;
      }
      // In the frame before, one more label can reach the end.
      if (first > 0) beta[PAD + 2 * first - 1] = uBlank + uJump;
      occupancy[e] = blanks;
      for (let i = e; i < e + classes.length; i++) {
        if (occupancy[i]! < FAINT || emission[i] === 0) occupancy[i] = 0;
      }
    }
    return beta[PAD]!;
  }

  /**
   * The same with numbers v 2^(512 n), which cannot underflow, but several times slower. Needed if alignments that are
   * likely in the first frames are so unlikely in the last ones, and the other way round, that the factor exceeds 10^280.
   */
  #withLevels(
    { classes: { length: count }, place, jump }: PreparedLabels,
    frames: number,
    gather: (to: Float64Array) => void,
  ): number {
    const size = frames * count;
    // The memory of the occupancies holds the probabilities until the way back, which does not need them.
    const p = {
      values: this.occupancy,
      levels: new Float64Array(size),
      huge: new Float64Array(size),
    };
    gather(p.values);
    if (!toLevels(p, size)) {
      this.occupancy.fill(NaN);
      return NaN;
    }
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
    if (sum === 0) return -Infinity;

    // Backwards, the share of each state is divided among its predecessors, in proportion to their α. That takes only
    // differences between numbers of one frame, and no share can exceed 1.
    let shares = new Float64Array(width);
    let sharesBefore = new Float64Array(width);
    for (let k = 0; k < ends; k++) shares[width - 1 - k] = weights[k]! / sum;
    for (let t = frames - 1; t >= 0; t--) {
      this.occupancy.fill(0, t * count, (t + 1) * count);
      sharesBefore.fill(0);
      for (let s = 0; s < states; s++) {
        const share = shares[PAD + s]!;
        if (share === 0) continue;
        this.occupancy[t * count + classOf[s]!]! += share;
        const predecessors = 2 + gates[s]!;
        toOneLevel(alpha, t * width + PAD + s, predecessors, weights);
        const sum = sumOf(weights, predecessors);
        for (let k = 0; k < predecessors; k++) {
          sharesBefore[PAD + s - k]! += share * (weights[k]! / sum);
        }
      }
      [shares, sharesBefore] = [sharesBefore, shares];
    }
    return Math.log(sum) + (alpha.huge[top]! + alpha.levels[top]!) * unit();
  }
}

/** Replaces the first `size` numbers by their exponentials. */
function exponentiate(data: Float64Array, size: number): void {
  const { element, run, tile } = kernels("float64");
  for (let start = 0; start < size; start += tile) {
    const end = Math.min(start + tile, size);
    element.x.set(data.subarray(start, end));
    run.exp(1, end - start);
    data.set(element.p.subarray(0, end - start), start);
  }
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

/** Replaces the first `size` values, which are logarithms, by their exponentials; false if one is NaN or ∞. */
function toLevels({ values, levels, huge }: Leveled, size: number): boolean {
  const one = unit();
  for (let i = 0; i < size; i++) {
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
  exponentiate(values, size);
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
