/** Gradients by finite differences, which need no formula. */
import { float64, type Tensor } from "@lossbook/losses";
import { assertClose } from "./_close.ts";
import { call, forward, type LossLike } from "./_loss.ts";
import { dot } from "./_naive.ts";
import { Random } from "./_random.ts";

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
export interface GradientCheck extends Steps {
  /** The arguments to differentiate with respect to, each a key of `args`. */
  wrt: readonly string[];
  /** Seed of the upstream gradient. */
  seed?: number;
  /** Share of the expected number, and of the largest one, by which a gradient may be off (default 1e-9). */
  tolerance?: number;
}

/**
 * Compares every gradient of a loss with finite differences of its own value. The upstream gradient is random: with ones, wrong
 * signs could cancel.
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
  const { wrt, seed = 1, tolerance = 1e-9 } = check;
  const upstream = new Random(seed).tensor(forward(loss, args).shape);
  const { grad } = call(loss, args, { wrt, gradOutput: upstream });

  for (const name of wrt) {
    const shape = [...args[name].shape];
    const weightedValue = (x: Float64Array) =>
      dot(
        forward(loss, { ...args, [name]: float64(x.slice(), shape) }).data,
        upstream.data,
      );
    const expected = { shape, data: numericGradient(weightedValue, args[name].data, check) };
    const context = `numeric gradient of ${name} (seed ${seed}):`;
    assertClose(grad[name], expected, { rtol: tolerance, atol: tolerance, context });
  }
}
