/** Comparing tensors with a tolerance that still means something where the expected number is 0. */
import { AssertionError } from "@std/assert";

/** Any tensor, ours or stored. */
export interface Plain {
  readonly shape: readonly number[];
  readonly data: ArrayLike<number>;
}

/** |a − b| ≤ atol · scale + rtol · |b|. */
export interface Tolerance {
  /** Share of the expected number. */
  rtol: number;
  /** Share of the scale: what cancellation may leave where the answer is near 0. */
  atol: number;
  /** Never less than the largest finite expected number; more where bigger terms cancel. */
  scale?: number;
}

/** Throws unless every number is close, NaN stands where NaN is expected, and ±∞ where ±∞ is. */
export function assertClose(
  actual: Plain,
  expected: Plain,
  { context, ...tolerance }: Tolerance & { context: string },
): void {
  const [line] = differences(actual, expected, tolerance, context);
  if (line) throw new AssertionError(line);
}

/** The same verdict as a list: empty, or one line that says what is wrong with `what`. */
export function differences(
  actual: Plain,
  expected: Plain,
  tolerance: Tolerance,
  what: string,
  alternative?: Plain,
): string[] {
  const line = problem(actual, expected, tolerance, alternative);
  return line ? [`${what} ${line}`] : [];
}

/** The first offender and the count of them, or undefined. A number may be close to `alternative` instead. */
export function problem(
  actual: Plain,
  expected: Plain,
  tolerance: Tolerance,
  alternative?: Plain,
): string | undefined {
  if (String(actual.shape) !== String(expected.shape)) {
    return `has shape (${actual.shape}), expected (${expected.shape})`;
  }
  if (actual.data.length !== expected.data.length) {
    return `has ${actual.data.length} numbers, expected ${expected.data.length}`;
  }
  const near = closeTo(expected, tolerance);
  const nearOther = alternative ? closeTo(alternative, tolerance) : () => false;
  const wrong = Array.from(actual.data, (_, i) => i)
    .filter((i) => !near(actual.data[i], i) && !nearOther(actual.data[i], i));
  if (wrong.length === 0) return undefined;
  const [i] = wrong;
  const [a, b] = [actual.data[i], expected.data[i]];
  const or = alternative ? ` (in float64 ${alternative.data[i]})` : "";
  return `is ${a} at index ${i}, expected ${b}${or}: off by ${Math.abs(a - b)}, ` +
    `${wrong.length} of ${actual.data.length} numbers wrong (rtol ${tolerance.rtol}, atol ${tolerance.atol})`;
}

function closeTo(
  { data }: Plain,
  { rtol, atol, scale = 0 }: Tolerance,
): (a: number, i: number) => boolean {
  for (let i = 0; i < data.length; i++) {
    if (Number.isFinite(data[i])) scale = Math.max(scale, Math.abs(data[i]));
  }
  return (a, i) => {
    const b = data[i];
    // Equal covers infinities; a finite tolerance around an infinite number would let everything pass.
    if (a === b || (Number.isNaN(a) && Number.isNaN(b))) return true;
    return Number.isFinite(b) && Math.abs(a - b) <= atol * scale + rtol * Math.abs(b);
  };
}

/** Bit for bit the same numbers, the sign of zero included. */
export function sameNumbers(a: ArrayLike<number>, b: ArrayLike<number>): boolean {
  return a.length === b.length && Array.from(a).every((x, i) => Object.is(x, b[i]));
}
