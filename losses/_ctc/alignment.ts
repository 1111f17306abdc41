/**
 * Alignments: all the ways to spread a few labels over many frames.
 *
 * Blanks may stand before, between and after the labels, and every blank or label may last for several frames. The
 * labels A B make the states ⌀ A ⌀ B ⌀; an alignment begins in one of the first two, in each frame stays where it is
 * or moves on by one, or by two from label to label, and ends in one of the last two. Between equal labels the
 * blank cannot be left out: it is all that keeps them apart.
 *
 * The probability of an alignment is the product of what its states have in each frame. {@linkcode Alignments} adds
 * up the probabilities of all of them, and says for each frame and class which share of the sum passes through it.
 */

import { defineKernels } from "../_core/kernel/kernels.ts";

/** A sequence of labels, prepared for {@linkcode Alignments}. */
export interface PreparedLabels {
  /** The distinct classes that occur, the blank first. */
  readonly classes: Int32Array;
  /** For each label, where its class stands in `classes`. */
  readonly place: Int32Array;
  /** For each label 1 if it may follow its predecessor without a blank, 0 if it is the first or repeats it. */
  readonly jump: Float64Array;
  /** The fewest frames that an alignment needs. */
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
    let at = found.get(data[i]);
    if (at === undefined) found.set(data[i], at = found.size);
    place[i - start] = at;
    if (i === start) continue;
    if (data[i] === data[i - 1]) least++;
    else jump[i - start] = 1;
  }
  return { classes: Int32Array.from(found.keys()), place, jump, least };
}

const kernels = defineKernels({
  elements: ["x", "p"],
  steps: { exp: { store: { p: "exp(x)" } } },
});

/**
 * What every state gets for nothing in every frame, in probabilities that add up to about 1. It holds the place of
 * all that is too small for a number, so that nothing vanishes unnoticed (and no number is subnormal, which is slow).
 */
const LEAK = 2 ** -960;
/** Shares below this may be made of what has leaked. */
const FAINT = 2 ** -900;

/** The two states before the first, which no alignment enters: where a, b and c of the first state are read. */
const PAD = 2;

/** Memory for sums over alignments, and the sums. One object serves samples of all sizes up to its own. */
export class Alignments {
  /** Probabilities, frames × classes, each frame divided by the largest of it. */
  readonly emission: Float64Array;
  /** The logarithms of what the frames were divided by. */
  readonly top: Float64Array;
  /** The share of alignments that give a frame to a class, frames × classes. Adds up to 1 in each frame. */
  readonly occupancy: Float64Array;
  /** Whether the last sum needed levels. The results are the same: tests ask, lest all samples take the slow way. */
  usedLevels = false;
  /** Rows of states, PAD ⌀ A ⌀ B ⌀ …, one before the first frame and one after each. */
  readonly #alpha: Float64Array;
  readonly #width: number;
  readonly #beta: Float64Array;
  readonly #scale: Float64Array;

  /**
   * Takes the memory.
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
   * Adds up all alignments of one sample and finds the occupancies.
   *
   * @param spelling The labels.
   * @param frames The number of frames, at least `spelling.least` and 1.
   * @param gather Writes the log-probabilities of `spelling.classes` in each frame, frame by frame.
   * @returns The logarithm of the sum. If that is -∞, occupancies mean nothing.
   */
  sum(spelling: PreparedLabels, frames: number, gather: (to: Float64Array) => void): number {
    gather(this.emission);
    const shift = this.#divide(frames, spelling.classes.length);
    const sum = this.#forward(spelling, frames);
    const kept = this.#backward(spelling, frames);
    // Each frame rounds a few times, forwards and backwards.
    this.usedLevels = !(Math.abs(kept - 1) <= 1e-14 * (frames + 1));
    return this.usedLevels ? this.#withLevels(spelling, frames, gather) : sum + shift;
  }

  /** Turns log-probabilities into {@linkcode emission} and {@linkcode top}; returns the sum of the latter. */
  #divide(frames: number, classes: number): number {
    const { emission, top } = this;
    let shift = 0;
    for (let t = 0, at = 0; t < frames; t++) {
      let largest = -Infinity;
      for (let i = at; i < at + classes; i++) if (emission[i] > largest) largest = emission[i];
      for (const end = at + classes; at < end; at++) emission[at] -= largest;
      top[t] = largest;
      shift += largest;
    }
    exponentiate(emission, frames * classes);
    return shift;
  }

  /**
   * From the first frame to the last: α(s), the sum of all beginnings of alignments that are in state s.
   *
   *     α'(⌀) = p(⌀) (α(⌀) + α(label before))
   *     α'(label) = p(label) (α(label) + α(⌀ before) + jump · α(label before))
   *
   * After each frame, all are divided by their sum, whose logarithm is kept. Only states are visited that can be
   * reached from the beginning, and from which the end can be reached.
   */
  #forward({ classes, place, jump }: PreparedLabels, frames: number): number {
    const { emission } = this;
    const alpha = this.#alpha;
    const width = this.#width;
    const labels = place.length;
    // Before the first frame, every alignment is as good as in the first blank.
    alpha[PAD] = 1;
    let scale = 1;
    let logs = 0;
    for (let t = 0; t < frames; t++) {
      const e = t * classes.length;
      const before = t * width + PAD;
      const now = before + width;
      const first = Math.max(0, labels - frames + t);
      const last = Math.min(labels, t + 1);
      const pBlank = emission[e] * scale;
      let total = 0;
      let label = first === 0 ? 0 : alpha[before + 2 * first - 1];
      for (let i = first; i < last; i++) {
        const aBlank = alpha[before + 2 * i];
        const a = alpha[before + 2 * i + 1];
        const pLabel = emission[e + place[i]] * scale;
        const nextBlank = (aBlank + label) * pBlank + LEAK;
        const next = (a + aBlank + jump[i] * label) * pLabel + LEAK;
        alpha[now + 2 * i] = nextBlank;
        alpha[now + 2 * i + 1] = next;
        total += nextBlank + next;
        label = a;
      }
      // The blank at the end. Before it can be reached, rows are 0 from here on: no sample writes there.
      const next = t < labels ? 0 : (alpha[before + 2 * labels] + label) * pBlank + LEAK;
      alpha[now + 2 * last] = next;
      total += next;
      if (t === frames - 1) {
        total = alpha[now + 2 * labels] + (labels === 0 ? 0 : alpha[now + 2 * labels - 1]);
      }
      scale = 1 / total;
      this.#scale[t] = scale;
      logs += Math.log(total);
    }
    return logs;
  }

  /**
   * From the last frame to the first: β(s), the sum of all ends of alignments from state s on, without the
   * present frame. Divided like α, so that the products α(s) β(s) of a frame add up to 1: they are the occupancies.
   *
   *     u(s) = p'(s) β'(s)
   *     β(⌀) = u(⌀) + u(label after)
   *     β(label) = u(label) + u(⌀ after) + jump · u(label after)
   *
   * What leaked into α is no beginning of an alignment and is not found again on the way back.
   *
   * @returns The share of the sum of {@linkcode #forward} that is found again. Sums without a leak have no more than
   * the true sum, sums with it no less: where both agree, nothing that counts was too small for a number.
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
    beta[PAD + 2 * labels] = scales[frames - 1];
    if (labels > 0) beta[PAD + 2 * labels - 1] = scales[frames - 1];
    let found = 0;
    for (let t = frames - 1; t >= 0; t--) {
      const e = t * classes.length;
      const now = (t + 1) * width + PAD;
      const first = Math.max(0, labels - frames + t);
      const last = Math.min(labels, t + 1);
      const scale = t === 0 ? 1 : scales[t - 1];
      const pBlank = emission[e] * scale;
      let blanks = 0;
      /** u of the blank after, and jump · u of the label after. */
      let uBlank = 0;
      let uJump = 0;
      if (t >= labels) {
        const b = beta[PAD + 2 * labels];
        blanks = alpha[now + 2 * labels] * b;
        uBlank = b * pBlank;
        beta[PAD + 2 * labels] = uBlank + LEAK;
      }
      for (let i = last - 1; i >= first; i--) {
        const bBlank = beta[PAD + 2 * i];
        const b = beta[PAD + 2 * i + 1];
        const at = e + place[i];
        blanks += alpha[now + 2 * i] * bBlank;
        occupancy[at] += alpha[now + 2 * i + 1] * b;
        const u = b * emission[at] * scale;
        beta[PAD + 2 * i + 1] = u + uBlank + uJump + LEAK;
        uBlank = bBlank * pBlank;
        uJump = jump[i] * u;
        beta[PAD + 2 * i] = uBlank + u + LEAK;
      }
      // One frame earlier, one more label can still reach the end.
      if (first > 0) beta[PAD + 2 * first - 1] = uBlank + uJump;
      occupancy[e] = blanks;
      for (let i = e; i < e + classes.length; i++) {
        if (occupancy[i] < FAINT || emission[i] === 0) occupancy[i] = 0;
      }
      found = beta[PAD];
    }
    return found;
  }

  /**
   * The same in numbers v 2^(512 n), where nothing is too small: some times slower, for samples in which all likely
   * beginnings and all likely ends of alignments go different ways, further apart than 10^280.
   */
  #withLevels(
    { classes: { length: count }, place, jump }: PreparedLabels,
    frames: number,
    gather: (to: Float64Array) => void,
  ): number {
    // Probabilities stand here until occupancies take their place, frame by frame.
    const p = { values: this.occupancy, levels: new Float64Array(frames * count) };
    gather(p.values);
    if (!toLevels(p, frames * count)) {
      this.occupancy.fill(NaN);
      return NaN;
    }
    const states = 2 * place.length + 1;
    const classOf = Int32Array.from({ length: states }, (_, s) => s % 2 ? place[(s - 1) / 2] : 0);
    const gates = Uint8Array.from({ length: states }, (_, s) => s % 2 ? jump[(s - 1) / 2] : 0);

    const width = PAD + states;
    const alpha = nothing((frames + 1) * width);
    alpha.values[PAD] = 1;
    alpha.levels[PAD] = 0;
    for (let t = 0; t < frames; t++) {
      levelStep(alpha, t * width, alpha, (t + 1) * width, p, t * count, classOf, gates);
    }
    const end = (frames + 1) * width - 1;
    const total = nothing(1);
    addInto(total, alpha, end);
    if (states > 1) addInto(total, alpha, end - 1);
    const [sum] = total.values;
    const [sumLevel] = total.levels;
    if (sum === 0) return -Infinity;

    // Backwards is forwards for reversed labels in reversed time.
    const classOfReversed = classOf.toReversed();
    const gatesReversed = gates.map((_, s) => s > 1 ? gates[states + 1 - s] : 0);
    let beta = nothing(width);
    let next = nothing(width);
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
        const at = e + classOf[s];
        // α and β both include the frame itself.
        const level = alpha.levels[from] + beta.levels[to] - p.levels[at] - sumLevel;
        if (!(level >= -4)) continue;
        // In two halves: the whole power may be out of range.
        const half = HALF_POWERS[level + 4];
        const share = alpha.values[from] / p.values[at] * half * (beta.values[to] / sum * half);
        shares[classOf[s]] += share;
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

/** Numbers ≥ 0 that know no underflow: values times 2^(512 levels), values from 2^-256 to 2^256 or 0 at level -∞. */
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

/** So many zeros. */
function nothing(length: number): Leveled {
  return { values: new Float64Array(length), levels: new Float64Array(length).fill(-Infinity) };
}

/** Turns the first `size` values from logarithms into numbers; false if one is NaN or ∞. */
function toLevels({ values, levels }: Leveled, size: number): boolean {
  const unit = LEVEL * Math.LN2;
  for (let i = 0; i < size; i++) {
    if (!(values[i] < Infinity)) return false;
    levels[i] = Math.round(values[i] / unit);
    // -∞ stays; at 1e30 the remainder has no digit left that is right.
    const rest = values[i] - levels[i] * unit;
    values[i] = values[i] === -Infinity ? -Infinity : Math.max(-unit / 2, Math.min(unit / 2, rest));
  }
  exponentiate(values, size);
  return true;
}

/** Adds number `at` of `from` to the only one of `to`. */
function addInto(to: Leveled, from: Leveled, at: number): void {
  const above = from.levels[at] - to.levels[0];
  const value = from.values[at];
  // Two levels apart, the smaller one does not count.
  if (above > 0) {
    to.values[0] = value + (above === 1 ? to.values[0] * DOWN : 0);
    to.levels[0] = from.levels[at];
  } else if (above === 0) to.values[0] += value;
  else if (above === -1) to.values[0] += value * DOWN;
}

/** One frame of the recursion: from row `before` of `a` to row `now` of `b`, with the probabilities from `e` on. */
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
    let value = a.values[at];
    let level = a.levels[at];
    // From the state itself, the one before, and through an open gate the one before that.
    for (let from = at - 1; from >= at - 1 - gates[s]; from--) {
      const above = a.levels[from] - level;
      if (above === 0) value += a.values[from];
      else if (above > 0) {
        value = a.values[from] + (above === 1 ? value * DOWN : 0);
        level = a.levels[from];
      } else if (above === -1) value += a.values[from] * DOWN;
    }
    const emission = e + classOf[s];
    value *= p.values[emission];
    level += p.levels[emission];
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
