/** Kinks and derivatives, found by numbers alone. */

/** Computes a function at many points. */
type Many = (points: readonly number[]) => ArrayLike<number>;

/** Halvings of an interval in which the derivative jumps. */
const HALVINGS = 40;

/**
 * Where a derivative jumps.
 *
 * Between two neighbouring points a smooth derivative changes about as much as between the next two; where it changes much
 * more, halving tells a jump, which stays, from a steep place, which flattens.
 *
 * @param xs Increasing points.
 * @param derivative The derivative.
 */
export function kinksOf(xs: readonly number[], derivative: Many): number[] {
  const slopes = derivative(xs);
  const steps = xs.slice(1).map((_, i) => Math.abs(slopes[i + 1] - slopes[i]));
  const kinks: number[] = [];
  for (let i = 0; i < steps.length; i++) {
    if (!Number.isFinite(steps[i]) || steps[i] < 1e-6) continue;
    // At a kink that is one of the points, the jump is shared by the steps on both sides.
    const isSharp = steps[i] > 2 * Math.min(steps[i - 2] ?? 0, steps[i + 2] ?? 0);
    if (!isSharp) continue;
    const kink = jumpIn(xs[i], xs[i + 1], derivative);
    if (kink !== undefined && !kinks.some((other) => Math.abs(other - kink) < 1e-6)) {
      kinks.push(kink);
    }
  }
  return kinks;
}

/** The place of a jump between two points, if the difference does not vanish as they come together. */
function jumpIn(from: number, to: number, derivative: Many): number | undefined {
  let [low, high] = [from, to];
  let [a, b] = derivative([low, high]) as unknown as [number, number];
  const jump = Math.abs(b - a);
  for (let k = 0; k < HALVINGS; k++) {
    const middle = (low + high) / 2;
    if (middle <= low || middle >= high) break;
    const [m] = derivative([middle]) as unknown as [number];
    if (Math.abs(m - a) > Math.abs(b - m)) [high, b] = [middle, m];
    else [low, a] = [middle, m];
  }
  return Math.abs(b - a) > 0.2 * jump ? Math.round(high * 1e9) / 1e9 + 0 : undefined;
}

/**
 * Compares a derivative with five-point differences.
 *
 * @param xs The points.
 * @param kinks Where the derivative jumps; points nearby are left out.
 * @param value The function.
 * @param slopes The derivative at the points.
 * @returns The largest relative difference, and where it is.
 */
export function differencesAlong(
  xs: readonly number[],
  kinks: readonly number[],
  value: Many,
  slopes: ArrayLike<number>,
): { most: number; where: number } {
  const h = 1e-3;
  const [before2, before, after, after2] = [-2, -1, 1, 2].map((k) =>
    value(xs.map((x) => x + k * h))
  );
  let most = 0;
  let where = xs[0];
  for (let i = 0; i < xs.length; i++) {
    if (kinks.some((kink) => Math.abs(kink - xs[i]) < 3 * h)) continue;
    const numeric = (before2[i] - 8 * before[i] + 8 * after[i] - after2[i]) / (12 * h);
    // Outside of its domain a formula has no derivative.
    if (!Number.isFinite(numeric) || !Number.isFinite(slopes[i])) continue;
    const size = Math.max(1, Math.abs(slopes[i]), Math.abs(before[i]), Math.abs(after[i]));
    const difference = Math.abs(numeric - slopes[i]) / size;
    if (difference > most) [most, where] = [difference, xs[i]];
  }
  return { most, where };
}
