/**
 * TripletMarginLoss: the document has a formula and no example; these are triplets that can be checked by hand.
 *
 * @module
 */

import { float64, type TripletMarginLossOptions } from "@lossbook/losses";
import type { Case, DocumentFormula } from "./_case.ts";

const origin = float64([0, 0]);

/** The difference of two vectors with eps added, and its length. */
const u = (x: number[], y: number[]) => x.map((v, i) => v - y[i] + 1e-6);
const d = (x: number[], y: number[]) => Math.hypot(...u(x, y));
/** The gradient of a distance with respect to its first vector: the unit vector along the difference. */
const unit = (x: number[], y: number[]) => u(x, y).map((v) => v / d(x, y));
/** a - b. */
const minus = (a: number[], b: number[]) => a.map((v, i) => v - b[i]);
const nothing = [0, 0];

export const cases: readonly Case<TripletMarginLossOptions>[] = [
  {
    name: "distances 1 and 1.5, 2 and 2, each moved by eps",
    place: "PyTorch, TripletMarginLoss, A",
    code: 'nn.TripletMarginLoss(reduction="none")(a, p, n)',
    options: { reduction: "none" },
    args: {
      anchor: float64([[0, 0], [1, 2]]),
      positive: float64([[1, 0], [1, 0]]),
      negative: float64([[0, 1.5], [3, 2]]),
    },
    value: [
      1 + d([0, 0], [1, 0]) - d([0, 0], [0, 1.5]),
      1 + d([1, 2], [1, 0]) - d([1, 2], [3, 2]),
    ],
    grad: {
      anchor: [
        minus(unit([0, 0], [1, 0]), unit([0, 0], [0, 1.5])),
        minus(unit([1, 2], [1, 0]), unit([1, 2], [3, 2])),
      ],
      positive: [minus(nothing, unit([0, 0], [1, 0])), minus(nothing, unit([1, 2], [1, 0]))],
      negative: [unit([0, 0], [0, 1.5]), unit([1, 2], [3, 2])],
    },
  },
  {
    name: "p = 1: every component pulls with the same force",
    place: "PyTorch, TripletMarginLoss, B",
    code: "nn.TripletMarginLoss(margin=0.5, p=1)(a, p, n)",
    options: { margin: 0.5, p: 1 },
    args: { anchor: origin, positive: float64([1, -0.5]), negative: float64([0.5, 1.25]) },
    value: 0.5 + (1 + 0.5) - (0.5 + 1.25 - 2e-6),
    grad: { anchor: [0, 2], positive: [1, -1], negative: [-1, -1] },
  },
  {
    name: "without swap, the negative is held against the anchor",
    place: "PyTorch, TripletMarginLoss, C",
    code: "nn.TripletMarginLoss()(a, p, n)",
    options: {},
    args: { anchor: origin, positive: float64([1, 0]), negative: float64([1.5, 0.5]) },
    value: 1 + d([0, 0], [1, 0]) - d([0, 0], [1.5, 0.5]),
    grad: { anchor: minus(unit([0, 0], [1, 0]), unit([0, 0], [1.5, 0.5])) },
  },
  {
    name: "with swap, against the positive, which is closer",
    place: "PyTorch, TripletMarginLoss, C",
    code: "nn.TripletMarginLoss(swap=True)(a, p, n)",
    options: { swap: true },
    args: { anchor: origin, positive: float64([1, 0]), negative: float64([1.5, 0.5]) },
    value: 1 + d([0, 0], [1, 0]) - d([1, 0], [1.5, 0.5]),
    grad: {
      anchor: unit([0, 0], [1, 0]),
      positive: minus(minus(nothing, unit([0, 0], [1, 0])), unit([1, 0], [1.5, 0.5])),
      negative: unit([1, 0], [1.5, 0.5]),
    },
  },
  {
    name: "a tie of the swap: half to each distance",
    place: "PyTorch, TripletMarginLoss, D",
    code: "nn.TripletMarginLoss(swap=True, eps=0)(a, p, n)",
    options: { swap: true, eps: 0 },
    args: { anchor: origin, positive: float64([2, 0]), negative: float64([1, 0]) },
    value: 1 + 2 - 1,
    grad: { anchor: [-1 + 1 / 2, 0], positive: [1 - 1 / 2, 0], negative: [0, 0] },
  },
];

/** The document's formulas. */
export const formulas: Readonly<Record<"value" | "distance", DocumentFormula>> = {
  value: {
    place: "TripletMarginLoss",
    tex: "max(d(a, p) - d(a, n) + margin, 0)",
    text: "max(ap - an + margin, 0)",
  },
  distance: {
    place: "TripletMarginLoss",
    tex: "d(x, y) = ||x-y||_p",
    text: "sqrt(square(x - y))",
    departs:
      "PyTorch adds eps to each component of x - y, so that d(x, x) has a gradient; swap is not explained.",
  },
};
