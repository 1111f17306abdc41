/**
 * When two numbers, or the numbers of two tensors, count as equal. Tolerances have a relative and an absolute part, so that they
 * still allow something where the expected number is 0.
 */
import { AssertionError } from "@std/assert";

/** The part of a tensor that is compared; ours and the stored ones have it. */
export interface TensorData {
  readonly shape: readonly number[];
  readonly data: ArrayLike<number>;
}

/** What a tensor may be off by: |actual − expected| ≤ atol · scale + rtol · |expected|. */
export interface Tolerance {
  /** Share of the expected number. */
  rtol: number;
  /** Share of the scale, for expected numbers near 0, where terms cancel. */
  atol: number;
  /** Size of the terms that cancel. At least the largest finite expected number, which is the default. */
  scale?: number;
}

/** What a number may be off by: |actual − expected| ≤ atol + rtol · |expected|. */
export interface NumberTolerance {
  /** Share of the expected number (default 0 if `atol` is given, else 1e-14: the rounding of a few operations in float64). */
  rtol?: number;
  /** Absolute part (default 0). */
  atol?: number;
}

/** True if two numbers agree within a tolerance. An infinity agrees with itself only, NaN with nothing. */
export function near(
  actual: number,
  expected: number,
  { atol = 0, rtol = atol === 0 ? 1e-14 : 0 }: NumberTolerance = {},
): boolean {
  if (actual === expected) return true;
  return Number.isFinite(expected) &&
    Math.abs(actual - expected) <= atol + rtol * Math.abs(expected);
}

/** Throws unless two numbers are {@linkcode near} each other. */
export function assertNear(
  actual: number,
  expected: number,
  { context, ...tolerance }: NumberTolerance & { context?: string } = {},
): void {
  if (near(actual, expected, tolerance)) return;
  const where = context === undefined ? "" : `${context}: `;
  const difference = Math.abs(actual - expected);
  throw new AssertionError(
    `${where}got ${actual}, expected ${expected}, off by ${difference} (${
      JSON.stringify(tolerance)
    })`,
  );
}

/** Throws unless two tensors have one shape and close numbers. NaN must meet NaN, and an infinity the same infinity. */
export function assertClose(
  actual: TensorData,
  expected: TensorData,
  { context, ...tolerance }: Tolerance & { context: string },
): void {
  const [line] = differences(actual, expected, tolerance, context);
  if (line) throw new AssertionError(line);
}

/** The verdict of {@linkcode assertClose} as a list: empty, or one line that says what is wrong with `what`. */
export function differences(
  actual: TensorData,
  expected: TensorData,
  tolerance: Tolerance,
  what: string,
  alternative?: TensorData,
): string[] {
  const line = problem(actual, expected, tolerance, alternative);
  return line ? [`${what} ${line}`] : [];
}

/** The first wrong number and how many there are, or undefined. A number may be close to `alternative` instead. */
export function problem(
  actual: TensorData,
  expected: TensorData,
  tolerance: Tolerance,
  alternative?: TensorData,
): string | undefined {
  if (String(actual.shape) !== String(expected.shape)) {
    return `has shape (${actual.shape}), expected (${expected.shape})`;
  }
  if (actual.data.length !== expected.data.length) {
    return `has ${actual.data.length} numbers, expected ${expected.data.length}`;
  }
  const isClose = closeTo(expected, tolerance);
  const isCloseToOther = alternative ? closeTo(alternative, tolerance) : () => false;
  const wrong = Array.from(actual.data, (_, i) => i)
    .filter((i) => !isClose(actual.data[i], i) && !isCloseToOther(actual.data[i], i));
  if (wrong.length === 0) return undefined;
  const [i] = wrong;
  const [a, b] = [actual.data[i], expected.data[i]];
  const or = alternative ? ` (in float64 ${alternative.data[i]})` : "";
  return `is ${a} at index ${i}, expected ${b}${or}: off by ${Math.abs(a - b)}, ` +
    `${wrong.length} of ${actual.data.length} numbers wrong (rtol ${tolerance.rtol}, atol ${tolerance.atol})`;
}

function closeTo(
  { data }: TensorData,
  { rtol, atol, scale = 0 }: Tolerance,
): (a: number, i: number) => boolean {
  for (let i = 0; i < data.length; i++) {
    if (Number.isFinite(data[i])) scale = Math.max(scale, Math.abs(data[i]));
  }
  return (a, i) =>
    (Number.isNaN(a) && Number.isNaN(data[i])) || near(a, data[i], { rtol, atol: atol * scale });
}

/** True if both lists hold the same numbers bit by bit, the sign of zero included. */
export function sameNumbers(a: ArrayLike<number>, b: ArrayLike<number>): boolean {
  return a.length === b.length && Array.from(a).every((x, i) => Object.is(x, b[i]));
}
