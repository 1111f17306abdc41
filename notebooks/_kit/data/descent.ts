/** Gradient descent, and gradients by finite differences: what a notebook does with a loss. */

/** A function to minimise, at one point. */
export interface Slope {
  /** Its value there. */
  value: number;
  /** Its gradient there, one number per parameter. */
  grad: ArrayLike<number>;
}

/** What {@linkcode gradientDescent} found. */
export interface Descent {
  /** The parameters after the last step. */
  parameters: number[];
  /** The value before each step, and after the last. */
  history: number[];
  /** The parameters before each step, and after the last. */
  path: number[][];
}

/**
 * Goes down the gradient with a constant learning rate.
 *
 * @param start The first parameters.
 * @param at Value and gradient at some parameters.
 * @param options How far and how often to go.
 * @returns The last parameters and the values on the way.
 * @throws {RangeError} If the value stops being a number: the learning rate is too large.
 *
 * @example
 * ```ts
 * const { parameters } = gradientDescent([0], ([x]) => ({ value: (x - 3) ** 2, grad: [2 * (x - 3)] }), {
 *   learningRate: 0.1,
 *   steps: 100,
 * }); // [3]
 * ```
 */
export function gradientDescent(
  start: readonly number[],
  at: (parameters: number[]) => Slope,
  { learningRate, steps }: { learningRate: number; steps: number },
): Descent {
  let parameters = [...start];
  const history: number[] = [];
  const path: number[][] = [];
  for (let step = 0;; step++) {
    const { value, grad } = at(parameters);
    if (!Number.isFinite(value)) {
      throw new RangeError(
        `Cannot descend further as the value is ${value} at step ${step}: ` +
          `current learning rate is ${learningRate}, try a smaller one`,
      );
    }
    history.push(value);
    path.push(parameters);
    if (step === steps) return { parameters, history, path };
    parameters = parameters.map((p, i) => p - learningRate * grad[i]);
  }
}

/**
 * The gradient of a function by the five-point stencil, whose error is of order h⁴: about twelve
 * digits are right where the function is smooth.
 *
 * @param f The function.
 * @param at The point.
 * @param h The distance between the points of the stencil.
 * @returns One number per coordinate.
 *
 * @example
 * ```ts
 * finiteDifferences(([x, y]) => x * x * y, [3, 5]); // [30, 9]
 * ```
 */
export function finiteDifferences(
  f: (point: number[]) => number,
  at: ArrayLike<number>,
  h = 1e-3,
): number[] {
  const point = Array.from(at);
  return point.map((x, i) => {
    const moved = (steps: number) => f(point.with(i, x + steps * h));
    return (8 * (moved(1) - moved(-1)) - (moved(2) - moved(-2))) / (12 * h);
  });
}
