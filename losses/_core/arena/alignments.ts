/**
 * The work of CTC on one sample, which threads can do besides kernels. They get the text of these functions, as of those in
 * worker.ts: so the functions refer to nothing outside of themselves, and everything comes as an argument.
 *
 * The numbers of a sample may lie in any memory. Where in it, the words of the sample say.
 */

import type { FloatArray } from "../tensor/types.ts";
import type { ArenaKernel } from "./launch.ts";

/**
 * Where things are in the words of a sample. An object, as workers have no access to constants. The words after IS_RAW are indices
 * of numbers of their type.
 */
export interface SampleWords {
  /** How many frames, labels and distinct classes there are. */
  readonly FRAMES: number;
  readonly LABELS: number;
  readonly COUNT: number;
  /** How many scores lie between a frame and the next one. */
  readonly STEP: number;
  /** 1 if the scores are raw, else 0. */
  readonly IS_RAW: number;
  /** The scores of the first frame, and their gradients, which are not wanted if this is below 0. */
  readonly SCORES: number;
  readonly GRAD: number;
  /** The distinct classes, the blank first; then for each label the index of its class among them. */
  readonly CLASSES: number;
  readonly PLACE: number;
  /** From here on, indices of doubles. For each label 1 if it may follow the one before it without a blank, else 0. */
  readonly JUMP: number;
  /** Log-probabilities, then probabilities, frames × classes, divided by the largest of each frame. */
  readonly EMISSION: number;
  /** By frame, the maximum of the scores, then the logarithm of the largest probability. */
  readonly TOP: number;
  /** By frame, log Σ exp(score - maximum), then the factor that α and β are multiplied by. */
  readonly SCALE: number;
  /** Rows of states, ⌀ A ⌀ B ⌀ … and a zero: one before the first frame, and one after each frame. */
  readonly ALPHA: number;
  /** One such row. */
  readonly BETA: number;
  /** By class, the share of the alignments that have it in the present frame. */
  readonly OCCUPANCY: number;
  /** The upstream gradient. */
  readonly UPSTREAM: number;
  /** The logarithm of the sum over all alignments; before, that of the product of the largest probabilities. */
  readonly LOG: number;
  /** How many words there are. */
  readonly WORDS: number;
}

export const SAMPLE: SampleWords = {
  FRAMES: 0,
  LABELS: 1,
  COUNT: 2,
  STEP: 3,
  IS_RAW: 4,
  SCORES: 5,
  GRAD: 6,
  CLASSES: 7,
  PLACE: 8,
  JUMP: 9,
  EMISSION: 10,
  TOP: 11,
  SCALE: 12,
  ALPHA: 13,
  BETA: 14,
  OCCUPANCY: 15,
  UPSTREAM: 16,
  LOG: 17,
  WORDS: 18,
};

/** Computes something for the sample whose words begin at an index. Gradients may lie in the array of scores. */
export type Visit = (
  sample: SampleWords,
  words: Int32Array,
  doubles: Float64Array,
  scores: FloatArray,
  grad: FloatArray,
  at: number,
) => void;

/** Writes the log-probabilities of the classes that occur in the labels, frame by frame, less the largest of the frame. */
export const gather: Visit = (
  { FRAMES, COUNT, SCORES, STEP, CLASSES, EMISSION, TOP, SCALE, LOG },
  words,
  doubles,
  scores,
  _grad,
  at,
) => {
  const frames = words[at + FRAMES]!;
  const count = words[at + COUNT]!;
  const classes = words[at + CLASSES]!;
  const step = words[at + STEP]!;
  const top = words[at + TOP]!;
  const scale = words[at + SCALE]!;
  let e = words[at + EMISSION]!;
  let row = words[at + SCORES]!;
  let logs = 0;
  for (let t = 0; t < frames; t++, row += step) {
    const max = doubles[top + t]!;
    const logSum = doubles[scale + t]!;
    let largest = -Infinity;
    for (let k = 0; k < count; k++) {
      const score = scores[row + words[classes + k]!]!;
      // An infinite score, whose class is certain: ∞ - ∞ would be NaN.
      const log = (score === max ? 0 : score - max) - logSum;
      doubles[e + k] = log;
      if (log > largest) largest = log;
    }
    for (const end = e + count; e < end; e++) doubles[e]! -= largest;
    doubles[top + t] = largest;
    logs += largest;
  }
  doubles[words[at + LOG]!] = logs;
};

/**
 * Sums the probabilities of all alignments, in two passes, and writes the gradients of the classes that occur in the labels. For
 * other classes γ is 0. The sum is NaN if it may be inexact: CTC then takes a slower way.
 *
 * From the first frame to the last, α(s) is the sum over all beginnings of alignments that end in state s:
 *
 *     α'(⌀) = p(⌀) (α(⌀) + α(label before))
 *     α'(label) = p(label) (α(label) + α(⌀ before) + jump · α(label before))
 *
 * After each frame, all α are divided by their sum, and the logarithm of the sum is added to the result. Only states are
 * visited that can be reached from the beginning, and from which the end can be reached.
 *
 * From the last frame to the first, β(s) is the sum over all ends of alignments that begin in state s, without the
 * probability of the present frame. It is divided like α, so that the products α(s) β(s) of a frame add up to 1: they are the
 * occupancies of the states.
 *
 *     u(s) = p'(s) β'(s)
 *     β(⌀) = u(⌀) + u(label after)
 *     β(label) = u(label) + u(⌀ after) + jump · u(label after)
 *
 * The second pass has a sum of its own, which is that of the first if nothing underflowed: one without LEAK is a lower bound,
 * one with it an upper bound.
 */
export const align: Visit = (s, words, doubles, _scores, grad, at) => {
  // Floor added to every α and β, so that none underflows, and none is subnormal, which would be slow.
  const LEAK = Math.pow(2, -960);
  // Occupancies below this may stem from LEAK alone; they become 0.
  const FAINT = Math.pow(2, -900);
  const frames = words[at + s.FRAMES]!;
  const labels = words[at + s.LABELS]!;
  const count = words[at + s.COUNT]!;
  const classes = words[at + s.CLASSES]!;
  const place = words[at + s.PLACE]!;
  const jump = words[at + s.JUMP]!;
  const emission = words[at + s.EMISSION]!;
  const scales = words[at + s.SCALE]!;
  const alpha = words[at + s.ALPHA]!;
  const beta = words[at + s.BETA]!;
  const width = 2 * labels + 2;

  // As if every alignment were in the first blank before the first frame.
  doubles[alpha] = 1;
  doubles[alpha + 1] = 0;
  let scale = 1;
  let sum = 0;
  for (let t = 0; t < frames; t++) {
    const e = emission + t * count;
    const before = alpha + t * width;
    const now = before + width;
    const first = Math.max(0, labels - frames + t);
    const last = Math.min(labels, t + 1);
    const pBlank = doubles[e]! * scale;
    let total = 0;
    let label = first === 0 ? 0 : doubles[before + 2 * first - 1]!;
    for (let i = first; i < last; i++) {
      const aBlank = doubles[before + 2 * i]!;
      const a = doubles[before + 2 * i + 1]!;
      const pLabel = doubles[e + words[place + i]!]! * scale;
      const nextBlank = (aBlank + label) * pBlank + LEAK;
      const next = (a + aBlank + doubles[jump + i]! * label) * pLabel + LEAK;
      doubles[now + 2 * i] = nextBlank;
      doubles[now + 2 * i + 1] = next;
      total += nextBlank + next;
      label = a;
    }
    // The last blank. In frames before it can be reached, this state is 0; so is the label after it.
    const next = t < labels ? 0 : (doubles[before + 2 * labels]! + label) * pBlank + LEAK;
    doubles[now + 2 * last] = next;
    doubles[now + 2 * last + 1] = 0;
    total += next;
    if (t === frames - 1) {
      total = doubles[now + 2 * labels]! + (labels === 0 ? 0 : doubles[now + 2 * labels - 1]!);
    }
    scale = 1 / total;
    doubles[scales + t] = scale;
    sum += Math.log(total);
  }

  const occupancy = words[at + s.OCCUPANCY]!;
  const upstream = doubles[words[at + s.UPSTREAM]!]!;
  const isWanted = words[at + s.GRAD]! >= 0;
  const isRaw = words[at + s.IS_RAW] === 1;
  doubles.fill(0, occupancy, occupancy + count);
  doubles.fill(0, beta, beta + 2 * labels + 1);
  doubles[beta + 2 * labels] = scale;
  if (labels > 0) doubles[beta + 2 * labels - 1] = scale;
  for (let t = frames - 1; t >= 0; t--) {
    const e = emission + t * count;
    const now = alpha + (t + 1) * width;
    const first = Math.max(0, labels - frames + t);
    const last = Math.min(labels, t + 1);
    const scale = t === 0 ? 1 : doubles[scales + t - 1]!;
    const pBlank = doubles[e]! * scale;
    let blanks = 0;
    // u of the next blank, and jump · u of the next label.
    let uBlank = 0;
    let uJump = 0;
    if (t >= labels) {
      const b = doubles[beta + 2 * labels]!;
      blanks = doubles[now + 2 * labels]! * b;
      uBlank = b * pBlank;
      doubles[beta + 2 * labels] = uBlank + LEAK;
    }
    for (let i = last - 1; i >= first; i--) {
      const bBlank = doubles[beta + 2 * i]!;
      const b = doubles[beta + 2 * i + 1]!;
      const k = words[place + i]!;
      blanks += doubles[now + 2 * i]! * bBlank;
      doubles[occupancy + k]! += doubles[now + 2 * i + 1]! * b;
      const u = b * doubles[e + k]! * scale;
      doubles[beta + 2 * i + 1] = u + uBlank + uJump + LEAK;
      uBlank = bBlank * pBlank;
      uJump = doubles[jump + i]! * u;
      doubles[beta + 2 * i] = uBlank + u + LEAK;
    }
    // In the frame before, one more label can reach the end.
    if (first > 0) doubles[beta + 2 * first - 1] = uBlank + uJump;
    doubles[occupancy] = blanks;
    // Computed in float64, as p - γ can be small.
    const top = isRaw ? Math.exp(doubles[words[at + s.TOP]! + t]!) : 0;
    const row = words[at + s.GRAD]! + t * words[at + s.STEP]!;
    for (let k = 0; k < count; k++) {
      const p = doubles[e + k]!;
      const share = doubles[occupancy + k]!;
      const gamma = share < FAINT || p === 0 ? 0 : share;
      if (isWanted) grad[row + words[classes + k]!] = upstream * (top * p - gamma);
      doubles[occupancy + k] = 0;
    }
  }
  // A tolerance for the rounding of each frame, forwards and backwards.
  const isExact = Math.abs(doubles[beta]! - 1) <= 1e-14 * (frames + 1);
  const log = words[at + s.LOG]!;
  doubles[log] = isExact ? sum + doubles[log]! : NaN;
};

/**
 * A function as a kernel, over samples whose numbers, scores and gradients lie in a shared memory: its rows are samples, its
 * operand their words.
 *
 * @param memory The memory.
 * @param isWide Whether scores are float64.
 * @param visit The function.
 * @param sample Where things are in the words of a sample.
 */
export const visitSamples = (
  memory: WebAssembly.Memory,
  isWide: boolean,
  visit: Visit,
  sample: SampleWords,
): ArenaKernel =>
(count, table) => {
  const { buffer } = memory;
  const words = new Int32Array(buffer);
  const doubles = new Float64Array(buffer);
  const scores = isWide ? doubles : new Float32Array(buffer);
  const first = words[(table >>> 2) + 1]! >>> 2;
  for (let k = 0; k < count; k++) {
    visit(sample, words, doubles, scores, scores, first + k * sample.WORDS);
  }
};
