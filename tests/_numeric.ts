/** Gradients by finite differences, which need no formula. */
import { AssertionError } from "@std/assert";
import { checkGradient, type Tensor } from "@lossbook/losses";
import type { LossLike } from "./_loss.ts";

/** What the step width is chosen by. */
export interface Steps {
  /** The distance over which the function changes its shape (default 1). */
  scale?: number;
  /** Numbers where the domain ends or the function has a kink; steps stay well on this side of them. */
  edges?: readonly number[];
}

/**
 * The gradient of `f` at `x` by the five-point stencil, in float64. The step is 1e-3 of the smaller of `scale` and the
 * distance to an edge: there truncation (h⁴) and rounding (1/h) are about equal, some 1e-12 of the function's size.
 */
export function numericGradient(
  f: (x: Float64Array) => number,
  x: ArrayLike<number>,
  { scale = 1, edges = [] }: Steps = {},
): Float64Array {
  const at = Float64Array.from(x);
  return Float64Array.from(x, (center, i) => {
    const h = 1e-3 * Math.min(scale, ...edges.map((edge) => Math.abs(center - edge)));
    const shifted = (steps: number) => {
      at[i] = center + steps * h;
      const value = f(at);
      at[i] = center;
      return value;
    };
    return (8 * (shifted(1) - shifted(-1)) - (shifted(2) - shifted(-2))) / (12 * h);
  });
}

/** How {@linkcode assertGradient} differentiates. */
export interface GradientCheck extends Pick<Steps, "scale"> {
  /** The arguments to differentiate with respect to, each a key of `args`. */
  wrt: readonly string[];
  /** Seed of the upstream gradient. */
  seed?: number;
  /** Share of the expected number, and of the largest one, by which a gradient may be off (default 1e-9). */
  tolerance?: number;
}

/**
 * Compares every gradient of a loss with finite differences of its own value, by checkGradient; no element may lie at a kink.
 *
 * @param loss The loss under test.
 * @param args The arguments in call order, float64 tensors where differentiated.
 * @param check What to differentiate with respect to, and how finely.
 */
export function assertGradient(
  loss: LossLike,
  args: Record<string, Tensor>,
  check: GradientCheck,
): void {
  const { wrt, seed = 1, tolerance = 1e-9, scale = 1 } = check;
  const { worst, isRight, kinks } = checkGradient(loss, Object.values(args), {
    wrt,
    names: Object.keys(args),
    tolerance,
    step: 1e-3 * scale,
    seed,
  });
  const wrong = isRight ? kinks[0] : worst;
  if (wrong === undefined) return;
  throw new AssertionError(
    `numeric gradient of ${wrong.argument} (seed ${seed}): is ${wrong.gradient} at [${wrong.index}], ` +
      `expected ${wrong.difference}${isRight ? ", or there is a kink" : ""}`,
  );
}
