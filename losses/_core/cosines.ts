/**
 * Cosines between the rows of two tensors, and gradients through them.
 *
 * A cosine is the dot product of both rows, each divided by its length; how a length is kept away from 0 is what
 * losses differ in. With c the cosine, C the divisors and c = (x · y) / (Cx Cy), the gradient by x is
 *
 *     y / (Cx Cy) - c x / (Cx Lx)
 *
 * with Lx what a divisor is divided by in its own derivative, x / Lx.
 */

import { defineKernels } from "./formula/kernels.ts";
import type { FloatType } from "./formula/program.ts";
import { sumPowers } from "./powers.ts";
import type { Rows } from "./rows.ts";
import type { Tensor } from "./tensor.ts";

/** Both rows are scaled so that their squares have a sum; see powers.ts. */
const X = "scaleX * x";
const Y = "scaleY * y";

const kernels = defineKernels({
  elements: ["x", "y", "gradX", "gradY"],
  rows: [
    ...["dot", "sumX", "sumY", "maxX", "maxY", "scaleX", "scaleY"] as const,
    ...["crossX", "ownX", "crossY", "ownY"] as const,
  ],
  steps: {
    sum: {
      sum: { dot: `(${X}) * (${Y})`, sumX: `square(${X})`, sumY: `square(${Y})` },
    },
    max: { max: { maxX: "abs(x)", maxY: "abs(y)" } },
    gradX: { store: { gradX: `crossX * (${Y}) - ownX * (${X})` } },
    gradY: { store: { gradY: `crossY * (${X}) - ownY * (${Y})` } },
  },
});

/** What a row is divided by, and the L of the derivative of that, x / L; all scaled as the row is. */
export type Divisors = (
  sumOfSquares: number,
  scale: number,
) => readonly [divisor: number, slope: number];

/** What is to be computed. */
export interface Cosines {
  readonly dtype: FloatType;
  readonly rows: Rows;
  readonly x: Tensor;
  readonly y: Tensor;
  readonly divisors: Divisors;
  readonly gradX?: Tensor;
  readonly gradY?: Tensor;
  /** Takes the cosine of a row and answers with the derivative of the result by it. */
  each(row: number, cosine: number): number;
}

/** Computes cosines between rows, and the gradients that `each` asks for. */
export function cosines(
  { dtype, rows, x, y, divisors, gradX, gradY, each }: Cosines,
): void {
  const { element, row, run, tileRows } = kernels(dtype, rows.length);
  const { dot, sumX, sumY, scaleX, scaleY, crossX, crossY, ownX, ownY } = row;
  const loadX = rows.load(x);
  const loadY = rows.load(y);
  const sinkX = gradX && rows.sink(gradX);
  const sinkY = gradY && rows.sink(gradY);
  const powers = [
    { sum: sumX, max: row.maxX, scale: scaleX },
    { sum: sumY, max: row.maxY, scale: scaleY },
  ];

  rows.tiles(tileRows, (start, end) => {
    const count = end - start;
    loadX(element.x, start, end);
    loadY(element.y, start, end);
    const sum = () => run.sum(count, rows.length);
    const max = () => run.max(count, rows.length);
    sumPowers(dtype, count, powers, sum, max);
    for (let r = 0; r < count; r++) {
      const [byX, slopeX] = divisors(sumX[r], scaleX[r]);
      const [byY, slopeY] = divisors(sumY[r], scaleY[r]);
      const cosine = dot[r] / byX / byY;
      const pull = each(start + r, cosine);
      const pullX = pull * (scaleX[r] / byX);
      const pullY = pull * (scaleY[r] / byY);
      crossX[r] = pullX / byY;
      crossY[r] = pullY / byX;
      ownX[r] = slopeX === 0 ? 0 : cosine * pullX / slopeX;
      ownY[r] = slopeY === 0 ? 0 : cosine * pullY / slopeY;
    }
    if (sinkX) {
      run.gradX(count, rows.length);
      sinkX.store(element.gradX, start, end);
    }
    if (sinkY) {
      run.gradY(count, rows.length);
      sinkY.store(element.gradY, start, end);
    }
  });
  sinkX?.finish();
  sinkY?.finish();
}
