/**
 * CTC by counting: every alignment of a few frames is written down, and those that read as the labels are added up. The
 * recursion that the library and PyTorch use is not.
 */
import type { FloatType } from "../../_ulp.ts";
import { logSoftmaxRow } from "./classes.ts";
import { type Answer, type Arguments, numberOf, type Options, Sums } from "./reference.ts";

/** From here on a score is a mask. */
const MASK = 1e6;

/**
 * What an alignment costs: masks apart from the rest, or a mask of 1e30 would swallow all that tells two alignments with the
 * same number of masks apart.
 */
interface Cost {
  readonly masks: number;
  readonly rest: number;
}

/** All sequences of classes of a length. */
function sequences(length: number, classes: number): number[][] {
  if (length === 0) return [[]];
  return sequences(length - 1, classes).flatMap((start) =>
    Array.from({ length: classes }, (_, c) => [...start, c])
  );
}

/** What an alignment reads as: repetitions made one, blanks taken out. */
function reading(alignment: readonly number[], blank: number): number[] {
  return alignment.filter((c, t) => c !== alignment[t - 1]).filter((c) => c !== blank);
}

export function ctc(args: Arguments, options: Options, dtype: FloatType): Answer {
  const scores = args[options.logits === true ? "logits" : "logProbs"];
  const { targets, inputLengths, targetLengths } = args;
  const isBatch = scores.shape.length === 3;
  const [frames, samples, classes] = isBatch ? scores.shape : [scores.shape[0], 1, scores.shape[1]];
  const blank = numberOf(options, "blank", 0);
  const place = (t: number, b: number, c: number) => (t * samples + b) * classes + c;
  const row = (t: number, b: number) => {
    const own = Array.from({ length: classes }, (_, c) => scores.data[place(t, b, c)]);
    return options.logits === true ? logSoftmaxRow(own) : own;
  };
  const values = new Sums(samples);
  /** By sample, frame and class: the share of all alignments that pass through it. */
  const shares: number[][][] = [];
  let at = 0;
  for (let b = 0; b < samples; b++) {
    const length = targetLengths.data[b];
    const start = targets.shape.length === 2 ? b * targets.shape[1] : at;
    at += length;
    const labels = targets.data.slice(start, start + length);
    const lp = Array.from({ length: inputLengths.data[b] }, (_, t) => row(t, b));
    const costs = sequences(lp.length, classes)
      .filter((alignment) => String(reading(alignment, blank)) === String(labels))
      .map((alignment) => ({ alignment, ...costOf(alignment, lp) }))
      .filter(({ masks }) => masks > -Infinity);
    const shareOf = Array.from({ length: frames }, () => new Array<number>(classes).fill(0));
    shares.push(shareOf);
    const most = Math.max(...costs.map(({ masks }) => masks));
    const likely = costs.filter(({ masks }) => masks === most);
    const best = Math.max(...likely.map(({ rest }) => rest));
    const total = likely.reduce((sum, { rest }) => sum + Math.exp(rest - best), 0);
    if (costs.length === 0) {
      values.add(b, options.zeroInfinity === true ? 0 : Infinity);
      const lost = options.zeroInfinity === true ? 0 : NaN;
      for (let t = 0; t < lp.length; t++) shareOf[t].fill(lost);
      continue;
    }
    values.add(b, -(most + best + Math.log(total)), Math.abs(most) + Math.abs(best) + lp.length);
    for (const { alignment, rest } of likely) {
      alignment.forEach((c, t) => shareOf[t][c] += Math.exp(rest - best) / total);
    }
  }

  const grad = (upstream: readonly number[]) => {
    const sums = new Sums(scores.data.length);
    for (let b = 0; b < samples; b++) {
      for (let t = 0; t < inputLengths.data[b]; t++) {
        const lp = row(t, b);
        for (let c = 0; c < classes; c++) {
          const g = upstream[b];
          // What is left of rounding is measured by the largest share, which is 1.
          sums.add(place(t, b, c), -g * shares[b][t][c], Math.abs(g));
          const isZeroed = options.zeroInfinity === true && values.total[b] === 0 &&
            shares[b][t].every((share) => share === 0);
          if (options.logits === true && !isZeroed) sums.add(place(t, b, c), g * Math.exp(lp[c]));
        }
      }
    }
    return sums;
  };
  const lengths = targetLengths.data.map((length) => Math.max(1, length));
  return {
    dtype,
    shape: isBatch ? [samples] : [],
    values,
    divisor: samples,
    weights: options.reduction === "mean" || options.reduction === undefined
      ? lengths.map((length) => 1 / length)
      : undefined,
    grad: { [options.logits === true ? "logits" : "logProbs"]: grad },
  };
}

function costOf(alignment: readonly number[], lp: readonly (readonly number[])[]): Cost {
  let [masks, rest] = [0, 0];
  alignment.forEach((c, t) => {
    if (Math.abs(lp[t][c]) >= MASK) masks += lp[t][c];
    else rest += lp[t][c];
  });
  return { masks, rest };
}
