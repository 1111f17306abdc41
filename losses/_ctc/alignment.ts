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

const kernels = defineKernels({
  elements: ["x", "p"],
  steps: { exp: { store: { p: "exp(x)" } } },
});

/**
 * Floor added to every state's probability, so that none underflows. The α of a frame are divided by their sum, so the floor
 * matters only if alignments do that are too unlikely for a double, and {@linkcode Alignments.sum} detects this. It also
 * avoids subnormal numbers, which are slow.
 */
const LEAK = 2 ** -960;
/** Occupancies below this may stem from LEAK alone; they become 0. */
const FAINT = 2 ** -900;

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
    let found = 0;
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
      found = beta[PAD]!;
    }
    return found;
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
    // The memory of the occupancies holds the probabilities first; each frame's are replaced when they are not needed any more.
    const p = { values: this.occupancy, levels: new Float64Array(frames * count) };
    gather(p.values);
    if (!toLevels(p, frames * count)) {
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
    for (let t = 0; t < frames; t++) {
      levelStep(alpha, t * width, alpha, (t + 1) * width, p, t * count, classOf, gates);
    }
    const end = (frames + 1) * width - 1;
    const total = zeros(1);
    addInto(total, alpha, end);
    if (states > 1) addInto(total, alpha, end - 1);
    const sum = total.values[0]!;
    const sumLevel = total.levels[0]!;
    if (sum === 0) return -Infinity;

    // The backward pass is the forward pass of the reversed labels over the reversed frames.
    const classOfReversed = classOf.toReversed();
    const gatesReversed = gates.map((_, s) => s > 1 ? gates[states + 1 - s]! : 0);
    let beta = zeros(width);
    let next = zeros(width);
    beta.values[PAD] = 1;
    beta.levels[PAD] = 0;
    const shares = new Float64Array(count);
    for (let t = frames - 1; t >= 0; t--) {
      const e = t * count;
      levelStep(beta, 0, next, 0, p, e, classOfReversed, gatesReversed);
      [beta, next] = [next, beta];
      shares.fill(0);
      for (let s = 0; s < states; s++) {
        const from = (t + 1) * width + PAD + s;
        const to = width - 1 - s;
        const c = classOf[s]!;
        const at = e + c;
        // α and β both include the probability of the frame itself.
        const level = alpha.levels[from]! + beta.levels[to]! - p.levels[at]! - sumLevel;
        if (!(level >= -4)) continue;
        // In two halves, as the whole power may overflow.
        const half = HALF_POWERS[level + 4]!;
        shares[c]! += alpha.values[from]! / p.values[at]! * half * (beta.values[to]! / sum * half);
      }
      this.occupancy.set(shares, e);
    }
    return Math.log(sum) + sumLevel * LEVEL * Math.LN2;
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

/** Numbers ≥ 0 that cannot underflow, values · 2^(512 levels): values from 2^-256 to 2^256, or 0 at level -∞. */
interface Leveled {
  readonly values: Float64Array;
  readonly levels: Float64Array;
}

const LEVEL = 512;
const DOWN = 2 ** -LEVEL;
const HIGHEST = 2 ** (LEVEL / 2);
const LOWEST = 2 ** (-LEVEL / 2);

/** 2^(256 n) for n from -4. */
const HALF_POWERS = Float64Array.from({ length: 8 }, (_, i) => 2 ** (LEVEL / 2 * (i - 4)));

/** Zeros. */
function zeros(length: number): Leveled {
  return { values: new Float64Array(length), levels: new Float64Array(length).fill(-Infinity) };
}

/** Replaces the first `size` values, which are logarithms, by their exponentials; false if one is NaN or ∞. */
function toLevels({ values, levels }: Leveled, size: number): boolean {
  const unit = LEVEL * Math.LN2;
  for (let i = 0; i < size; i++) {
    const log = values[i]!;
    if (!(log < Infinity)) return false;
    const level = levels[i] = Math.round(log / unit);
    // The logarithm of 0 stays -∞. At 1e30 the remainder consists of rounding errors only, and is clamped.
    const rest = log - level * unit;
    values[i] = log === -Infinity ? -Infinity : Math.max(-unit / 2, Math.min(unit / 2, rest));
  }
  exponentiate(values, size);
  return true;
}

/** Adds number `at` of `from` to the only number of `to`. */
function addInto(to: Leveled, from: Leveled, at: number): void {
  const level = from.levels[at]!;
  const above = level - to.levels[0]!;
  const value = from.values[at]!;
  // A number two levels below the other does not change it.
  if (above > 0) {
    to.values[0] = value + (above === 1 ? to.values[0]! * DOWN : 0);
    to.levels[0] = level;
  } else if (above === 0) to.values[0]! += value;
  else if (above === -1) to.values[0]! += value * DOWN;
}

/** One frame of the recursion: from the row at `before` of `a` to the row at `now` of `b`, with the probabilities at `e`. */
function levelStep(
  a: Leveled,
  before: number,
  b: Leveled,
  now: number,
  p: Leveled,
  e: number,
  classOf: Int32Array,
  gates: Uint8Array,
): void {
  for (let s = 0; s < classOf.length; s++) {
    const at = before + PAD + s;
    let value = a.values[at]!;
    let level = a.levels[at]!;
    // From the state itself, the one before it, and if the gate is open the one before that.
    for (let from = at - 1; from >= at - 1 - gates[s]!; from--) {
      const above = a.levels[from]! - level;
      if (above === 0) value += a.values[from]!;
      else if (above > 0) {
        value = a.values[from]! + (above === 1 ? value * DOWN : 0);
        level = a.levels[from]!;
      } else if (above === -1) value += a.values[from]! * DOWN;
    }
    const emission = e + classOf[s]!;
    value *= p.values[emission]!;
    level += p.levels[emission]!;
    if (value >= HIGHEST) {
      value *= DOWN;
      level++;
    } else if (value < LOWEST) {
      value /= DOWN;
      level = value === 0 ? -Infinity : level - 1;
    }
    b.values[now + PAD + s] = value;
    b.levels[now + PAD + s] = level;
  }
}
