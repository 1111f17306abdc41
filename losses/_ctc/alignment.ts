/**
 * Alignments: all ways to spread a sequence of labels over more frames.
 *
 * There may be blanks before, between and after the labels, and every blank or label may last for several frames. The
 * labels A B have the states ⌀ A ⌀ B ⌀. An alignment begins in one of the first two states and ends in one of the last two.
 * From frame to frame it stays in its state, moves on by one, or by two from label to label. Between equal labels the blank
 * cannot be skipped: without it they would be read as one label.
 *
 * The probability of an alignment is the product of the probabilities of its states in all frames.
 * {@linkcode sumAlignments} sums the probabilities of all alignments, and computes for each frame and class γ, the share of the sum
 * that passes through it.
 *
 * This folder belongs to CTCLoss. It knows neither its options nor its tensors.
 */

import { align, gather, SAMPLE, type Visit, visitSamples } from "../_core/arena/alignments.ts";
import { launch, leastShared } from "../_core/arena/launch.ts";
import { defineKernels } from "../_core/kernel/kernels.ts";
import { exp } from "../_core/kernel/math.ts";
import { arena, type ArenaMemory } from "../_core/tensor/arena.ts";
import type { FloatArray } from "../_core/tensor/types.ts";

/** A sequence of labels, prepared for {@linkcode sumAlignments}. */
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

/** One of the samples of a batch. */
export interface Sample {
  /** Which one. */
  readonly index: number;
  /** How many frames count: at least one, and `labels.least`. */
  readonly frames: number;
  readonly labels: PreparedLabels;
}

/** Scores, frames × samples × classes, and what belongs to them. */
export interface Scores {
  readonly data: FloatArray;
  readonly samples: number;
  readonly classes: number;
  /** What makes raw scores log-probabilities, by frame and sample; undefined if they are some. */
  readonly normalised: Normalised | undefined;
  /** Where gradients go: those of the classes that occur in the labels, in frames that count. */
  readonly grad: FloatArray | undefined;
  /** The upstream gradient, by sample. */
  readonly upstream: Float64Array;
}

/** What is subtracted from raw scores to make them log-probabilities: their maximum, and log Σ exp(x - max). */
export interface Normalised {
  readonly max: Float64Array;
  readonly logSum: Float64Array;
}

/** The most memory for samples that are worked on together, unless there is only one. */
const GROUP_BYTES = 67_108_864;
/** A state takes in a frame as long as so many instructions of a kernel for one element. */
const STATE = 200;

/**
 * Sums the probabilities of all alignments of each sample, and writes the gradients.
 *
 * @param scores The scores.
 * @param samples The samples.
 * @returns For each sample, the logarithm of the sum: -∞, whose gradients are undefined, or NaN if the sum may be inexact, see
 * levels.ts.
 */
export function sumAlignments(scores: Scores, samples: readonly Sample[]): Float64Array {
  const logs = new Float64Array(samples.length);
  const shared = sharedMemory(scores, samples);
  let space: ArrayBuffer | undefined;
  for (let start = 0, end = 0; start < samples.length; start = end) {
    let bytes = 0;
    do bytes += bytesOf(samples[end++]!); while (
      shared !== undefined && end < samples.length && bytes + bytesOf(samples[end]!) <= GROUP_BYTES
    );
    const group = samples.slice(start, end);
    const block = shared?.take(bytes);
    if (block !== undefined) {
      logs.set(sumGroup(scores, group, shared!.buffer, block.start, shared!.memory), start);
      // Not if that has thrown: a thread that was taken to be dead may still write there.
      shared!.free(block);
      continue;
    }
    space ??= new ArrayBuffer(samples.reduce((most, one) => Math.max(most, bytesOf(one)), 0));
    for (const [k, sample] of group.entries()) {
      logs.set(sumGroup(scores, [sample], space, 0), start + k);
    }
  }
  return logs;
}

/** The memory that threads share, if they can work on these samples, and there is enough to do. */
function sharedMemory(
  { data, grad }: Scores,
  samples: readonly Sample[],
): ArenaMemory | undefined {
  if (launch === undefined || samples.length < 2) return undefined;
  if (!arena!.holds(data) || (grad !== undefined && !arena!.holds(grad))) return undefined;
  return workOf(samples) >= leastShared ? arena : undefined;
}

/** How much work samples are, see launch.ts. */
function workOf(samples: readonly Sample[]): number {
  return samples.reduce((sum, { frames, labels }) => sum + frames * statesOf(labels) * STATE, 0);
}

const statesOf = ({ place }: PreparedLabels) => 2 * place.length + 1;

/** How much memory a sample takes. */
function bytesOf({ frames, labels }: Sample): number {
  const count = labels.classes.length;
  const width = statesOf(labels) + 1;
  const words = SAMPLE.WORDS + count + labels.place.length;
  const doubles = frames * (count + 2) + (frames + 2) * width + count + labels.place.length + 2;
  return 8 * (Math.ceil(words / 2) + doubles);
}

/** Computes samples whose numbers lie in one memory, from an address on; that of the arena if it is given. */
function sumGroup(
  { data, samples, classes, normalised, grad, upstream }: Scores,
  group: readonly Sample[],
  buffer: ArrayBufferLike,
  start: number,
  memory?: WebAssembly.Memory,
): Float64Array {
  const words = new Int32Array(buffer);
  const doubles = new Float64Array(buffer);
  const isWide = data.BYTES_PER_ELEMENT === 8;
  // In the arena all scores and gradients are parts of one array.
  const whole = memory && (isWide ? doubles : new Float32Array(buffer));
  const indexIn = (array: FloatArray) => whole ? array.byteOffset / array.BYTES_PER_ELEMENT : 0;

  let nextWord = start / 4;
  const takeWords = (count: number) => (nextWord += count) - count;
  const first = takeWords(group.length * SAMPLE.WORDS);
  for (const [k, { index, frames, labels }] of group.entries()) {
    const at = first + k * SAMPLE.WORDS;
    const count = labels.classes.length;
    words[at + SAMPLE.FRAMES] = frames;
    words[at + SAMPLE.LABELS] = labels.place.length;
    words[at + SAMPLE.COUNT] = count;
    words[at + SAMPLE.SCORES] = indexIn(data) + index * classes;
    words[at + SAMPLE.GRAD] = grad === undefined ? -1 : indexIn(grad) + index * classes;
    words[at + SAMPLE.STEP] = samples * classes;
    words[at + SAMPLE.IS_RAW] = Number(normalised !== undefined);
    words.set(labels.classes, words[at + SAMPLE.CLASSES] = takeWords(count));
    words.set(labels.place, words[at + SAMPLE.PLACE] = takeWords(labels.place.length));
  }

  let next = Math.ceil(nextWord / 2);
  const take = (count: number) => (next += count) - count;
  // Exponentials of all of them are computed at once.
  const emissions = next;
  for (const [k, { frames, labels }] of group.entries()) {
    words[first + k * SAMPLE.WORDS + SAMPLE.EMISSION] = take(frames * labels.classes.length);
  }
  const ends = next;
  const results = take(group.length);
  for (const [k, { index, frames, labels }] of group.entries()) {
    const at = first + k * SAMPLE.WORDS;
    const width = statesOf(labels) + 1;
    const top = words[at + SAMPLE.TOP] = take(frames);
    const scale = words[at + SAMPLE.SCALE] = take(frames);
    for (let t = 0, row = index; t < frames; t++, row += samples) {
      doubles[top + t] = normalised?.max[row] ?? 0;
      doubles[scale + t] = normalised?.logSum[row] ?? 0;
    }
    words[at + SAMPLE.ALPHA] = take((frames + 1) * width);
    words[at + SAMPLE.BETA] = take(width);
    words[at + SAMPLE.OCCUPANCY] = take(labels.classes.length);
    doubles.set(labels.jump, words[at + SAMPLE.JUMP] = take(labels.place.length));
    doubles[words[at + SAMPLE.UPSTREAM] = take(1)] = upstream[index]!;
    words[at + SAMPLE.LOG] = results + k;
  }

  const visitGroup = (visit: Visit) => {
    if (memory !== undefined) {
      const kernel = visitSamples(memory, isWide, visit, SAMPLE);
      const step = { kernel, module: { visit, isWide } };
      // Each sample is a chunk of its own, as if it were a row without end.
      const table = Int32Array.of(0, 4 * first, 0);
      const distances = Int32Array.of(4 * SAMPLE.WORDS);
      const work = workOf(group);
      if (launch!([step], table, distances, group.length, Infinity, undefined, work)) return;
    }
    for (let k = 0; k < group.length; k++) {
      const at = first + k * SAMPLE.WORDS;
      visit(SAMPLE, words, doubles, whole ?? data, whole ?? grad ?? data, at);
    }
  };
  visitGroup(gather);
  exponentiate(doubles.subarray(emissions, ends));
  visitGroup(align);
  return doubles.slice(results, results + group.length);
}

const kernels = /* @__PURE__ */ defineKernels(() => ({
  elements: ["x", "p"],
  steps: { exp: { store: { p: "exp(x)" } } },
  functions: { exp },
}));

/** The length of the rows that threads share. */
const ROW = 1024;

/** Replaces numbers by their exponentials. */
export function exponentiate(numbers: Float64Array): void {
  const { element, run, tile, load, aim, unload } = kernels("float64").near([{ data: numbers }]);
  for (let start = 0, end = 0; start < numbers.length; start = end) {
    const count = Math.min(tile, numbers.length - start);
    const rows = Math.max(1, Math.floor(count / ROW));
    const cols = Math.min(ROW, count);
    end = start + rows * cols;
    load(element.x, numbers, start, end);
    aim(element.p, numbers, start, end);
    run.exp(rows, cols);
    unload(element.p, numbers, start, end);
  }
}
