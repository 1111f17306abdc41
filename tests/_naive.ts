/** Sums, products and probabilities in one line each, as textbooks have them: the parts that references are made of. */
import type { TensorData } from "./_close.ts";

/** The sum of numbers, 0 of none. */
export function sum(numbers: ArrayLike<number>): number {
  return Array.from(numbers).reduce((total, x) => total + x, 0);
}

/** The dot product of two vectors. */
export function dot(a: ArrayLike<number>, b: ArrayLike<number>): number {
  return sum(Array.from(a, (x, i) => x * b[i]));
}

/** The numbers of a tensor, each multiplied by a factor of its own. */
export function multiplied({ shape, data }: TensorData, factor: (i: number) => number): TensorData {
  return { shape, data: Array.from(data, (x, i) => x * factor(i)) };
}

/** exp(x) / Σ exp, which overflows beyond scores of 709. */
export function softmax(scores: readonly number[]): number[] {
  const total = sum(scores.map(Math.exp));
  return scores.map((x) => Math.exp(x) / total);
}

/** log softmax, with the largest score taken out first, so that no score overflows. */
export function logSoftmax(scores: readonly number[]): number[] {
  const max = Math.max(...scores);
  const logTotal = max + Math.log(sum(scores.map((x) => Math.exp(x - max))));
  return scores.map((x) => x - logTotal);
}
