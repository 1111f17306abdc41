/** Gradients of functions of which only values are known. */

/**
 * The gradient of a function by the five-point stencil. Its error is of order h⁴: where the function is smooth, about twelve
 * digits are right.
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
