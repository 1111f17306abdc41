/**
 * CosineEmbeddingLoss: the document has a formula and no example; these are pairs that can be checked by hand.
 *
 * @module
 */

import { type CosineEmbeddingLossOptions, float64 } from "@lossbook/losses";
import type { Case, DocumentFormula } from "./_case.ts";

const input1 = float64([1, 2]);
const input2 = float64([2, 1]);
/** The number that PyTorch adds to squared lengths, a float32. */
const delta = Math.fround(1e-12);
/** The cosine between both: 4 / 5, apart from delta. */
const c = 4 / (5 + delta);
const slope1 = [2 / 5 - 4 / 5 * 1 / 5, 1 / 5 - 4 / 5 * 2 / 5];
const slope2 = [1 / 5 - 4 / 5 * 2 / 5, 2 / 5 - 4 / 5 * 1 / 5];

export const cases: readonly Case<CosineEmbeddingLossOptions>[] = [
  {
    name: "a similar pair: what its cosine lacks",
    place: "PyTorch, CosineEmbeddingLoss, A",
    code: 'nn.CosineEmbeddingLoss(margin=0.1, reduction="none")(x1, x2, torch.tensor(1.))',
    options: { margin: 0.1, reduction: "none" },
    args: { input1, input2, target: float64(1) },
    value: 1 - c,
    // delta changes these by about 1e-13, which is within the tolerance.
    grad: { input1: slope1.map((s) => -s), input2: slope2.map((s) => -s) },
  },
  {
    name: "a dissimilar pair: what its cosine has above the margin",
    place: "PyTorch, CosineEmbeddingLoss, A",
    code: 'nn.CosineEmbeddingLoss(margin=0.1, reduction="none")(x1, x2, torch.tensor(-1.))',
    options: { margin: 0.1, reduction: "none" },
    args: { input1, input2, target: float64(-1) },
    value: c - 0.1,
    grad: { input1: slope1, input2: slope2 },
  },
  {
    name: "a zero vector: at a right angle to all, with a gradient a million long",
    place: "PyTorch, CosineEmbeddingLoss, B",
    code: "nn.CosineEmbeddingLoss()(x1, x2, torch.tensor(1.))",
    options: {},
    args: { input1: float64([0, 0]), input2: float64([3, 4]), target: float64(1) },
    value: 1,
    grad: {
      input1: [-3 / Math.sqrt(delta * (25 + delta)), -4 / Math.sqrt(delta * (25 + delta))],
      input2: [0, 0],
    },
  },
];

/** The document's formula. */
export const formulas: Readonly<Record<"value", DocumentFormula>> = {
  value: {
    place: "CosineEmbeddingLoss",
    tex:
      "\\begin{cases} 1 - \\cos(x_1, x_2) & {y == 1} \\\\ max(0, \\cos(x_1, x_2) - margin) & {y == -1} \\end{cases}",
    text: "y == 1 ? 1 - c : max(0, c - margin)",
    departs:
      "PyTorch adds 1e-12 to both squared lengths; other labels give 0 there, and are refused here.",
  },
};
