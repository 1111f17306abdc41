/** Gradient descent. */

/** A function to minimise, at one point. */
export interface ValueAndGradient {
  /** Its value there. */
  value: number;
  /** Its gradient there, one number for each parameter. */
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
 * Minimises a function by gradient descent with a constant learning rate.
 *
 * @param start The first parameters.
 * @param at Value and gradient at some parameters.
 * @param options The learning rate and the number of steps.
 * @returns The last parameters, and the values and parameters before each step.
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
  at: (parameters: number[]) => ValueAndGradient,
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
