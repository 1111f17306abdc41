/**
 * TripletMarginWithDistanceLoss: the document does not have it; these are triplets under two distances that can be checked by
 * hand, and the distances, which also show how to write one.
 *
 * @module
 */

import {
  cosineSimilarity,
  type DistanceFunction,
  float64,
  type Tensor,
  type TripletMarginWithDistanceLossOptions,
} from "@lossbook/losses";
import type { Case } from "./_case.ts";

const like = ({ shape }: Tensor, data: Iterable<number>): Tensor => float64([...data], [...shape]);

/** The square of Euclid's distance along the last axis; both arguments have the same shape. */
export const squared: DistanceFunction = {
  forward(x1, x2) {
    const shape = x1.shape.slice(0, -1);
    const length = x1.shape[x1.shape.length - 1];
    const sums = new Float64Array(shape.reduce((size, n) => size * n, 1));
    x1.data.forEach((x, i) => sums[Math.floor(i / length)] += (x - x2.data[i]) ** 2);
    return float64(sums, shape);
  },
  valueAndGrad(x1, x2, { gradOutput }) {
    const length = x1.shape[x1.shape.length - 1];
    const slope = Array.from(
      x1.data,
      (x, i) => 2 * (x - x2.data[i]) * gradOutput.data[Math.floor(i / length)],
    );
    return { grad: { x1: like(x1, slope), x2: like(x2, slope.map((s) => -s)) } };
  },
};

/** 1 minus the cosine of the angle along the last axis. */
export const cosine: DistanceFunction = {
  forward(x1, x2) {
    const c = cosineSimilarity(x1, x2, { dim: -1 });
    return like(c, Array.from(c.data, (c) => 1 - c));
  },
  valueAndGrad(x1, x2, { gradOutput: g, wrt }) {
    const gradOutput = like(g, Array.from(g.data, (g) => -g));
    return cosineSimilarity.valueAndGrad(x1, x2, { dim: -1, gradOutput, wrt });
  },
};

export const cases: readonly Case<TripletMarginWithDistanceLossOptions>[] = [
  {
    name: "squared distances: the first triplet is far enough apart, the second is not",
    place: "PyTorch, TripletMarginWithDistanceLoss, A",
    code:
      "nn.TripletMarginWithDistanceLoss(distance_function=lambda x, y: (x - y).square().sum(-1))(a, p, n)",
    options: { distanceFunction: squared },
    args: {
      anchor: float64([[0, 0], [1, 2]]),
      positive: float64([[1, 0], [1, 0]]),
      negative: float64([[0, 1.5], [3, 2]]),
    },
    value: (Math.max(1 + 1 - 1.5 ** 2, 0) + (1 + 4 - 4)) / 2,
    grad: {
      anchor: [[0, 0], [2, 2]],
      positive: [[0, 0], [0, -2]],
      negative: [[0, 0], [-2, 0]],
    },
  },
  {
    name: "1 - cosine: only angles count",
    place: "PyTorch, TripletMarginWithDistanceLoss, B",
    code:
      "nn.TripletMarginWithDistanceLoss(distance_function=lambda x, y: 1 - F.cosine_similarity(x, y, dim=-1), margin=0.5)(a, p, n)",
    options: { distanceFunction: cosine, margin: 0.5 },
    args: { anchor: float64([1, 2]), positive: float64([2, 1]), negative: float64([3, 4]) },
    value: 0.5 - 4 / 5 + 11 / Math.sqrt(5 * 25),
    grad: {
      anchor: [
        3 / Math.sqrt(125) - 11 / Math.sqrt(125) / 5 - (2 / 5 - 4 / 25),
        4 / Math.sqrt(125) - 11 / Math.sqrt(125) * 2 / 5 - (1 / 5 - 8 / 25),
      ],
      positive: [-(1 / 5 - 4 / 5 * 2 / 5), -(2 / 5 - 4 / 5 * 1 / 5)],
      negative: [
        1 / Math.sqrt(125) - 11 / Math.sqrt(125) * 3 / 25,
        2 / Math.sqrt(125) - 11 / Math.sqrt(125) * 4 / 25,
      ],
    },
  },
];
