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

const sum = (x: string, y: string) => ({
  sum: { dot: `${x} * ${y}`, sumX: `square(${x})`, sumY: `square(${y})` },
});
const grad = (x: string, y: string) => ({
  store: { gradX: `crossX * ${y} - ownX * ${x}`, gradY: `crossY * ${x} - ownY * ${y}` },
});
/** Rows whose squares have no sum are scaled; see powers.ts. */
const SCALED = ["(scaleX * x)", "(scaleY * y)"] as const;

const kernels = defineKernels({
  elements: ["x", "y", "gradX", "gradY"],
  rows: [
    ...["dot", "sumX", "sumY", "maxX", "maxY", "scaleX", "scaleY"] as const,
    ...["crossX", "ownX", "crossY", "ownY"] as const,
  ],
  steps: {
    sum: sum("x", "y"),
    grad: grad("x", "y"),
    max: { max: { maxX: "abs(x)", maxY: "abs(y)" } },
    scaledSum: sum(...SCALED),
    scaledGrad: grad(...SCALED),
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
  const tiles = kernels(dtype, rows.length);
  const { element, row, run } = tiles;
  const { dot, sumX, sumY, scaleX, scaleY, crossX, crossY, ownX, ownY } = row;
  const loadX = rows.load(x);
  const loadY = rows.load(y);
  const sinkX = gradX && rows.sink(gradX);
  const sinkY = gradY && rows.sink(gradY);
  const powers = [
    { sum: sumX, max: row.maxX, scale: scaleX },
    { sum: sumY, max: row.maxY, scale: scaleY },
  ];

  rows.tiles(tiles, (start, end) => {
    const count = end - start;
    loadX(element.x, start, end);
    loadY(element.y, start, end);
    const isPlain = sumPowers(dtype, count, powers, {
      sum: () => run.sum(count, rows.length),
      max: () => run.max(count, rows.length),
      scaledSum: () => run.scaledSum(count, rows.length),
    });
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
    if (sinkX || sinkY) (isPlain ? run.grad : run.scaledGrad)(count, rows.length);
    sinkX?.store(element.gradX, start, end);
    sinkY?.store(element.gradY, start, end);
  });
  sinkX?.finish();
  sinkY?.finish();
}
