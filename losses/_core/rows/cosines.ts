/**
 * Cosines between the rows of two tensors, and gradients through them.
 *
 * A cosine is the dot product of both rows, each divided by its length; how a length is kept away from 0 is what
 * losses differ in. With c the cosine, C the divisors and c = (x · y) / (Cx Cy), the gradient with respect to x is
 *
 *     y / (Cx Cy) - c x / (Cx Lx)
 *
 * where x / Lx is the derivative of Cx with respect to x.
 */

import { defineKernels } from "../kernel/kernels.ts";
import type { FloatType } from "../tensor/types.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { sumPowers } from "./powers.ts";
import type { Rows } from "./rows.ts";

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
    // No kernel reads these, but there is one per row of each.
    ...["byX", "byY", "slopeX", "slopeY", "upstream"] as const,
  ],
  steps: {
    sum: sum("x", "y"),
    grad: grad("x", "y"),
    max: { max: { maxX: "abs(x)", maxY: "abs(y)" } },
    scaledSum: sum(...SCALED),
    scaledGrad: grad(...SCALED),
  },
});

/** For each row, what is known and what is wanted; all of it scaled like the row. */
export interface Divisors {
  readonly sumOfSquares: Float64Array;
  readonly scale: Float64Array;
  /** Receives what the row is divided by. */
  readonly divisor: Float64Array;
  /** Receives L, where x / L is the derivative of the divisor with respect to the row x. */
  readonly slope: Float64Array;
}

/** What is to be computed. */
export interface Cosines {
  readonly dtype: FloatType;
  readonly rows: Rows;
  readonly x: Tensor;
  readonly y: Tensor;
  readonly gradX?: Tensor;
  readonly gradY?: Tensor;
  /** Finds the divisors of the first `count` rows of a tile. */
  divide(count: number, divisors: Divisors): void;
  /**
   * Takes the cosines of rows [start, start + count), and writes the derivative of the result with respect to each of them
   * into `upstream`.
   */
  onTile(start: number, count: number, cosine: Float64Array, upstream: Float64Array): void;
}

/** Computes cosines between rows, and the gradients through them. */
export function cosines({ dtype, rows, x, y, gradX, gradY, divide, onTile }: Cosines): void {
  const tiles = kernels(dtype, rows.length);
  const { element, row, run } = tiles;
  const { dot, sumX, sumY, scaleX, scaleY, crossX, crossY, ownX, ownY } = row;
  const { byX, byY, slopeX, slopeY, upstream } = row;
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
    divide(count, { sumOfSquares: sumX, scale: scaleX, divisor: byX, slope: slopeX });
    divide(count, { sumOfSquares: sumY, scale: scaleY, divisor: byY, slope: slopeY });
    for (let r = 0; r < count; r++) dot[r] = dot[r]! / byX[r]! / byY[r]!;
    onTile(start, count, dot, upstream);
    for (let r = 0; r < count; r++) {
      const alongX = upstream[r]! * (scaleX[r]! / byX[r]!);
      const alongY = upstream[r]! * (scaleY[r]! / byY[r]!);
      crossX[r] = alongX / byY[r]!;
      crossY[r] = alongY / byX[r]!;
      ownX[r] = slopeX[r] === 0 ? 0 : dot[r]! * alongX / slopeX[r]!;
      ownY[r] = slopeY[r] === 0 ? 0 : dot[r]! * alongY / slopeY[r]!;
    }
    if (sinkX || sinkY) (isPlain ? run.grad : run.scaledGrad)(count, rows.length);
    sinkX?.store(element.gradX, start, end);
    sinkY?.store(element.gradY, start, end);
  });
  sinkX?.finish();
  sinkY?.finish();
}
