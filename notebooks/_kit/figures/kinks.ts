/**
 * Curves with jumps: a sampled line must not connect what the function does not.
 *
 * @module
 */

/** A place where a derivative jumps or a formula changes its branch. */
export interface Kink {
  /** Where it is. */
  x: number;
  /** Stands at the top of the figure, beside the mark. */
  label?: string;
}

/** Points of a trace. */
export interface Points {
  /** Along x. */
  x: number[];
  /** Along y. */
  y: number[];
}

/** A curve cut where it jumps. */
export interface Branches {
  /** Where the points are; null between two branches. */
  x: (number | null)[];
  /** How high they are; null between two branches. */
  y: (number | null)[];
  /** The limits from both sides that are not the function's value. */
  limits: Points;
  /** The values at the jumps, where they were sampled. */
  dots: Points;
}

/** A step this many times its neighbours is a jump, not a slope. */
const JUMP = 8;

/**
 * Cuts a sampled curve at the kinks where it jumps.
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
  /** The last sample before and the first after. */
  left: number;
  right: number;
  /** The limits from both sides. */
  from: number;
  to: number;
  value: number | undefined;
}

function jumpAt(x: ArrayLike<number>, y: ArrayLike<number>, at: number): Jump | undefined {
  const tolerance = 1e-9 * Math.max(1, Math.abs(at));
  const right = Array.from(x).findIndex((value) => value > at + tolerance);
  if (right < 0) return undefined;
  const isSampled = right > 0 && Math.abs(x[right - 1] - at) <= tolerance;
  const left = right - (isSampled ? 2 : 1);
  // The limits are found by going on straight, which needs two samples on each side.
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
