/**
 * Cosines between the rows of two tensors, and gradients through them.
 *
 * A cosine is the dot product of two rows, divided by the lengths of both. To avoid a division by 0, each loss modifies the
 * lengths in its own way: call the divisors Cx and Cy. Then c = (x · y) / (Cx Cy), and its gradient with respect to x is
 *
 *     1 / (Cx Cy) · (y - c Cy / Lx x)
 *
 * where x / Lx is the gradient of Cx with respect to x. The parentheses keep small factors from underflow.
 */

import { defineRowKernels } from "../kernel/row_kernels.ts";
import type { FloatType } from "../tensor/types.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { sumPowers } from "./powers.ts";
import type { Rows } from "./rows.ts";

const sum = (x: string, y: string) => ({
  sum: { dot: `${x} * ${y}`, sumX: `square(${x})`, sumY: `square(${y})` },
});
const grad = (x: string, y: string) => ({
  store: { gradX: `factorX * (${y} - ownX * ${x})`, gradY: `factorY * (${x} - ownY * ${y})` },
});
/** For rows whose sum of squares overflows or underflows; see powers.ts. */
const SCALED = ["(scaleX * x)", "(scaleY * y)"] as const;

const kernels = /* @__PURE__ */ defineRowKernels(() => ({
  elements: ["x", "y", "gradX", "gradY"],
  rows: [
    ...["dot", "sumX", "sumY", "maxX", "maxY", "scaleX", "scaleY"] as const,
    ...["factorX", "ownX", "factorY", "ownY"] as const,
    // Used in TypeScript only.
    ...["divisorX", "divisorY", "lengthX", "lengthY", "upstream"] as const,
  ],
  steps: {
    sum: sum("x", "y"),
    grad: grad("x", "y"),
    max: { max: { maxX: "abs(x)", maxY: "abs(y)" } },
    scaledSum: sum(...SCALED),
    scaledGrad: grad(...SCALED),
  },
}));

/** The divisor of each row x, to be found from its sum of squares. All numbers are those of the scaled row, `scale` · x. */
export interface Divisors {
  readonly sumOfSquares: Float64Array;
  readonly scale: Float64Array;
  /** Receives C, the divisor. */
  readonly divisor: Float64Array;
  /** Receives L, where x / L is the gradient of the divisor with respect to x. */
  readonly length: Float64Array;
}

/** Two tensors, and what to do with the cosines of their rows. */
export interface Cosines {
  readonly dtype: FloatType;
  readonly rows: Rows;
  readonly x: Tensor;
  readonly y: Tensor;
  readonly gradX: Tensor | undefined;
  readonly gradY: Tensor | undefined;
  /** Finds the divisors of the first `count` rows of a tile. */
  divide(count: number, divisors: Divisors): void;
  /**
   * Receives the cosines of rows [start, start + count), and writes the derivative of the loss with respect to each of
   * them into `upstream`.
   */
  onTile(start: number, count: number, cosine: Float64Array, upstream: Float64Array): void;
}

/** Computes cosines between rows, and the gradients through them. */
export function cosines({ dtype, rows, x, y, gradX, gradY, divide, onTile }: Cosines): void {
  const tiles = kernels(dtype, rows.length).near([x, y]);
  const { element, row, run } = tiles;
  const { dot, sumX, sumY, scaleX, scaleY, factorX, factorY, ownX, ownY } = row;
  const { divisorX, divisorY, lengthX, lengthY, upstream } = row;
  const loadX = rows.load(tiles, x);
  const loadY = rows.load(tiles, y);
  const sinkX = gradX && rows.sink(tiles, gradX);
  const sinkY = gradY && rows.sink(tiles, gradY);
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
    divide(count, { sumOfSquares: sumX, scale: scaleX, divisor: divisorX, length: lengthX });
    divide(count, { sumOfSquares: sumY, scale: scaleY, divisor: divisorY, length: lengthY });
    for (let r = 0; r < count; r++) dot[r] = dot[r]! / divisorX[r]! / divisorY[r]!;
    // Vectors without components have the dot product 0, and no length to divide it by.
    if (rows.length === 0) dot.fill(0, 0, count);
    onTile(start, count, dot, upstream);
    for (let r = 0; r < count; r++) {
      factorX[r] = upstream[r]! * (scaleX[r]! / divisorX[r]!) / divisorY[r]!;
      factorY[r] = upstream[r]! * (scaleY[r]! / divisorY[r]!) / divisorX[r]!;
      ownX[r] = lengthX[r] === 0 ? 0 : dot[r]! * divisorY[r]! / lengthX[r]!;
      ownY[r] = lengthY[r] === 0 ? 0 : dot[r]! * divisorX[r]! / lengthY[r]!;
    }
    sinkX?.aim(element.gradX, start, end);
    sinkY?.aim(element.gradY, start, end);
    if (sinkX || sinkY) (isPlain ? run.grad : run.scaledGrad)(count, rows.length);
    sinkX?.store(element.gradX, start, end);
    sinkY?.store(element.gradY, start, end);
  });
  sinkX?.finish();
  sinkY?.finish();
}
