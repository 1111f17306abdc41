/**
 * Cosines between the rows of two tensors, and gradients through them.
 *
 * A cosine is the dot product of both rows, each divided by its length; how a length is kept away from 0 is what
 * losses differ in. With c the cosine, C the divisors and c = (x · y) / (Cx Cy), the gradient by x is
 *
 *     y / (Cx Cy) - c x / Dx
 *
 * with Dx = Cx², but for what the divisor adds to or cuts off from the length.
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
    gradX: {
      store: { gradX: `crossX == 0 and ownX == 0 ? 0 : crossX * (${Y}) - ownX * (${X})` },
    },
    gradY: {
      store: { gradY: `crossY == 0 and ownY == 0 ? 0 : crossY * (${X}) - ownY * (${Y})` },
    },
  },
  tile: 65536,
  tileRows: 4096,
});

/** What a row is divided by, and what its own share of the gradient is divided by; both scaled as the row is. */
export type Divisors = (
  sumOfSquares: number,
  scale: number,
) => readonly [value: number, gradient: number];

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
  const names = kernels(dtype);
  const { element, row, run } = names;
  const loads = [[element.x, rows.load(x)], [element.y, rows.load(y)]] as const;
  const sinkX = gradX && rows.sink(gradX);
  const sinkY = gradY && rows.sink(gradY);
  const powers = [
    { sum: row.sumX, max: row.maxX, scale: row.scaleX },
    { sum: row.sumY, max: row.maxY, scale: row.scaleY },
  ];

  rows.tiles(names, loads, (tile) => {
    sumPowers(tile, dtype, run.sum, run.max, powers, [row.dot]);
    for (let r = 0; r < tile.count; r++) {
      const [divisorX, gradientX] = divisors(row.sumX[r], row.scaleX[r]);
      const [divisorY, gradientY] = divisors(row.sumY[r], row.scaleY[r]);
      const cosine = row.dot[r] / divisorX / divisorY;
      const pull = each(tile.start + r, cosine);
      const own = (scale: number, gradient: number) =>
        pull === 0 || gradient === 0 ? 0 : pull * cosine * (scale / gradient);
      row.crossX[r] = pull === 0 ? 0 : pull * (row.scaleX[r] / divisorX) / divisorY;
      row.crossY[r] = pull === 0 ? 0 : pull * (row.scaleY[r] / divisorY) / divisorX;
      row.ownX[r] = own(row.scaleX[r], gradientX);
      row.ownY[r] = own(row.scaleY[r], gradientY);
    }
    if (sinkX) tile.store(run.gradX, [[element.gradX, sinkX]]);
    if (sinkY) tile.store(run.gradY, [[element.gradY, sinkY]]);
  });
  sinkX?.finish();
  sinkY?.finish();
}
