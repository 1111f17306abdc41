/**
 * What a reference says of a loss: its unreduced values, and how an upstream gradient of each comes back to the arguments. Sums
 * remember the size of their terms, which is what rounding is measured by.
 */
import type { FloatType } from "../../_ulp.ts";
import type { Plain } from "./given.ts";

/** Numbers that terms are added to, and how large all terms of each were. */
export class Sums {
  readonly total: number[];
  readonly size: number[];

  constructor(count: number) {
    this.total = new Array(count).fill(0);
    this.size = new Array(count).fill(0);
  }

  /** Adds a term; `size` is that of what it was made of, where more than the term itself has been rounded. */
  add(at: number, term: number, size = Math.abs(term)): void {
    this.total[at] += term;
    this.size[at] += size;
  }
}

/** The reference for one call. */
export interface Answer {
  readonly dtype: FloatType;
  /** The shape of the unreduced values. */
  readonly shape: readonly number[];
  readonly values: Sums;
  /** What a mean is divided by. */
  readonly divisor: number;
  /** What is divided by before the reduction: losses over classes are divided by their number even if they are summed. */
  readonly scale?: number;
  /** A factor for each value in a mean, beside the divisor: CTC divides by the number of labels. */
  readonly weights?: readonly number[];
  /**
   * By argument, the gradient: `upstream` is the derivative of the result by each value, reduction included. A weighted mean
   * needs to know what it is.
   */
  readonly grad: Readonly<Record<string, (upstream: readonly number[], mean?: number) => Sums>>;
}

/** Arguments by name, in call order, rounded to the type of the call. */
export type Arguments = Readonly<Record<string, Plain>>;

/** Options by name; tensors among them are rounded as well. */
export type Options = Readonly<Record<string, unknown>>;

/** A tensor option, if it is there. */
export function tensorOf(options: Options, name: string): Plain | undefined {
  return options[name] as Plain | undefined;
}

/** A number option. */
export function numberOf(options: Options, name: string, fallback: number): number {
  return (options[name] ?? fallback) as number;
}

/** Calls `visit` with every index of a shape, and its place row by row. */
export function eachIndex(
  shape: readonly number[],
  visit: (index: readonly number[], at: number) => void,
): void {
  const index = shape.map(() => 0);
  const size = shape.reduce((product, length) => product * length, 1);
  for (let at = 0; at < size; at++) {
    let rest = at;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      index[axis] = rest % shape[axis];
      rest = Math.floor(rest / shape[axis]);
    }
    visit(index, at);
  }
}

/** Where a tensor that may be smaller than the shape an index belongs to has its number for it: last axes correspond. */
export function placeIn({ shape }: Pick<Plain, "shape">, index: readonly number[]): number {
  let place = 0;
  shape.forEach((length, axis) => {
    const i = index[axis + index.length - shape.length];
    place = place * length + (length === 1 ? 0 : i);
  });
  return place;
}

/** The shape that all of these are read along: equal, or with axes of length 1, or with none. */
export function commonShape(...tensors: readonly Pick<Plain, "shape">[]): number[] {
  const ranks = tensors.map(({ shape }) => shape.length);
  return Array.from({ length: Math.max(...ranks) }, (_, axis) => {
    const lengths = tensors.filter(({ shape }) => shape.length > 0).map(({ shape }) => shape[axis]);
    return lengths.find((length) => length !== 1) ?? 1;
  });
}

export function sigmoid(x: number): number {
  return x >= 0 ? 1 / (1 + Math.exp(-x)) : Math.exp(x) / (1 + Math.exp(x));
}

export function softplus(x: number): number {
  return x > 0 ? x + Math.log1p(Math.exp(-x)) : Math.log1p(Math.exp(x));
}

/** 0 times anything is 0. */
export function times(factor: number, value: number): number {
  return factor === 0 ? 0 : factor * value;
}
