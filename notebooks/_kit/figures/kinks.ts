/**
 * Curves with jumps: where a function jumps, the line through its samples must be broken.
 *
 * @module
 */

/** A place where a derivative jumps or a formula changes its branch. */
export interface Kink {
  /** Where it is. */
  x: number;
  /** Text beside the mark, at the top of the figure. */
  label?: string;
}

/** Points of a trace. */
export interface Points {
  /** Along x. */
  x: number[];
  /** Along y. */
  y: number[];
}

/** A curve that is broken where it jumps. */
export interface Branches {
  /** Along x; null between two branches. */
  x: (number | null)[];
  /** Along y; null between two branches. */
  y: (number | null)[];
  /** Limits from both sides, except the function's value. */
  limits: Points;
  /** The values at the jumps, where they were sampled. */
  dots: Points;
}

/** A step between samples is a jump if it is this many times as large as the steps beside it. */
const JUMP = 8;

/**
 * Breaks a sampled curve at those kinks where it jumps.
 *
 * @param x Where it was sampled, ascending.
 * @param y Its values.
 * @param kinks Where it may jump.
 */
export function branches(
  x: ArrayLike<number>,
  y: ArrayLike<number>,
  kinks: readonly Kink[],
): Branches {
  const cut: Branches = { x: [], y: [], limits: { x: [], y: [] }, dots: { x: [], y: [] } };
  const jumps = kinks.flatMap((kink) => jumpAt(x, y, kink.x) ?? []);
  for (let i = 0; i < x.length; i++) {
    const jump = jumps.find(({ left, right }) => i > left && i <= right);
    if (jump === undefined || i === jump.right) {
      if (jump) {
        const { at, from, to, value } = jump;
        cut.x.push(at, null, at);
        cut.y.push(from, null, to);
        for (const limit of [from, to]) {
          if (limit !== value) push(cut.limits, at, limit);
        }
        if (value !== undefined) push(cut.dots, at, value);
      }
      cut.x.push(x[i]);
      cut.y.push(y[i]);
    }
  }
  return cut;
}

interface Jump {
  at: number;
  /** Index of the last sample before the jump. */
  left: number;
  /** Index of the first sample after it. */
  right: number;
  /** Limit from the left. */
  from: number;
  /** Limit from the right. */
  to: number;
  /** The function's value there, if it was sampled. */
  value: number | undefined;
}

function jumpAt(x: ArrayLike<number>, y: ArrayLike<number>, at: number): Jump | undefined {
  const tolerance = 1e-9 * Math.max(1, Math.abs(at));
  const right = Array.from(x).findIndex((value) => value > at + tolerance);
  if (right < 0) return undefined;
  const isSampled = right > 0 && Math.abs(x[right - 1] - at) <= tolerance;
  const left = right - (isSampled ? 2 : 1);
  // The limits are extrapolated linearly, which needs two samples on each side.
  if (left < 1 || right + 1 >= x.length) return undefined;
  const slope = (i: number): number => (y[i + 1] - y[i]) / (x[i + 1] - x[i]);
  const before = slope(left - 1);
  const after = slope(right);
  const step = Math.max(Math.abs(before), Math.abs(after)) * (x[right] - x[left]);
  const from = y[left] + before * (at - x[left]);
  const to = y[right] + after * (at - x[right]);
  const rounding = 1e-6 * Math.max(Math.abs(from), Math.abs(to));
  if (!(Math.abs(to - from) > JUMP * step + rounding)) return undefined;
  return { at, left, right, from, to, value: isSampled ? y[right - 1] : undefined };
}

function push(points: Points, x: number, y: number): void {
  points.x.push(x);
  points.y.push(y);
}
