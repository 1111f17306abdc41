/** Gradients without a formula: finite differences through a random upstream gradient. */
import { AssertionError } from "@std/assert";
import { checkGradient, float64, type Tensor } from "@lossbook/losses";

/** Numbers for tests that a seed determines (mulberry32). Not PyTorch's: those live in the notebooks' kit. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** Evenly spread in [low, high). */
  uniform(low = 0, high = 1): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return low + (high - low) * (((t ^ (t >>> 14)) >>> 0) / 2 ** 32);
  }

  /** Normally distributed (Box–Muller). */
  normal(): number {
    return Math.sqrt(-2 * Math.log(1 - this.uniform())) * Math.cos(2 * Math.PI * this.uniform());
  }

  /** A whole number from 0 to n − 1. */
  below(n: number): number {
    return Math.floor(this.uniform(0, n));
  }

  /** −1 or 1. */
  sign(): number {
    return this.uniform() < 0.5 ? -1 : 1;
  }

  /** A float64 tensor; `one` draws each number (normal by default). */
  tensor(shape: number[], one: () => number = () => this.normal()): Tensor {
    const size = shape.reduce((product, n) => product * n, 1);
    return float64(Float64Array.from({ length: size }, one), shape);
  }
}

/** How a function is to be probed. */
export interface Probe {
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
  { scale = 1, edges = [] }: Probe = {},
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

/** What the harness needs of a loss; every loss of the library has it. */
export interface LossLike {
  forward(...args: never[]): Tensor;
  valueAndGrad(...args: never[]): { value: Tensor; grad: object };
}

/** How {@linkcode assertGradient} differentiates. */
export interface GradientCheck extends Pick<Probe, "scale"> {
  /** The arguments to differentiate, each a key of `args`. */
  wrt: readonly string[];
  /** Seed of the upstream gradient. */
  seed?: number;
  /** Share of the expected number, and of the largest one, by which a gradient may be off (default 1e-9). */
  tolerance?: number;
}

/**
 * Holds every gradient of a loss against finite differences of its own value, by checkGradient; no element may lie at a
 * kink.
 *
 * @param loss The loss under test.
 * @param args The arguments in call order, float64 tensors where differentiated.
 * @param check What to differentiate, and how finely.
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
