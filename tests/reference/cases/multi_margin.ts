/**
 * MultiMarginLoss: the document's example in its three reductions, and PyTorch's results for numbers that can be checked by hand.
 *
 * @module
 */

import { float32, float64, int32, type MultiMarginLossOptions } from "@lossbook/losses";
import type { Case, DocumentFormula } from "./_case.ts";

const input = float32([[0.1, 0.2, 0.4, 0.8], [0.1, 0.2, 0.4, 0.8]]);
const target = int32([3, 3]);
/** In each row the scores of three wrong classes are within 1 of the right one. */
const row = [1 / 4, 1 / 4, 1 / 4, -3 / 4];

export const cases: readonly Case<MultiMarginLossOptions>[] = [
  {
    name: "one value for each row",
    place: "MultiMarginLoss, In [6]",
    code: 'nn.MultiMarginLoss(reduction="none")(x, y)',
    options: { reduction: "none" },
    args: { input, target },
    printed: "tensor([0.3250, 0.3250])",
    grad: { input: [row, row] },
  },
  {
    name: "their sum",
    place: "MultiMarginLoss, In [6]",
    code: 'nn.MultiMarginLoss(reduction="sum")(x, y)',
    options: { reduction: "sum" },
    args: { input, target },
    printed: "0.6499999761581421",
    grad: { input: [row, row] },
  },
  {
    name: "the sum over the number of rows, and the same in Python's doubles",
    place: "MultiMarginLoss, In [6]",
    code: 'nn.MultiMarginLoss(reduction="sum")(x, y).item() / x.size(0)',
    options: { reduction: "sum" },
    args: { input, target },
    printed: "0.32499998807907104",
    show: (value) => `${value.item() / 2}`,
    byHand: {
      code: "1 / 2 * 1 / 4 * ((1 - 0.8 + 0.1) + (1 - 0.8 + 0.2) + (1 - 0.8 + 0.4) + " +
        "(1 - 0.8 + 0.1) + (1 - 0.8 + 0.2) + (1 - 0.8 + 0.4))",
      value: 1 / 2 * 1 / 4 * ((1 - 0.8 + 0.1) + (1 - 0.8 + 0.2) + (1 - 0.8 + 0.4) +
        (1 - 0.8 + 0.1) + (1 - 0.8 + 0.2) + (1 - 0.8 + 0.4)),
      printed: "0.32499999999999996",
    },
  },
  {
    name: "the mean is that very number",
    place: "PyTorch, MultiMarginLoss, A",
    code: "nn.MultiMarginLoss()(x, y)",
    options: {},
    args: { input, target },
    printed: "0.32499998807907104",
    grad: { input: [row, row].map((row) => row.map((g) => g / 2)) },
  },
  {
    name: "squared, with a margin of ½ and a weight for each class: the mean",
    place: "PyTorch, MultiMarginLoss, B",
    code: "nn.MultiMarginLoss(p=2, margin=0.5, weight=torch.tensor([2., 1., 0.5]))(x, y)",
    options: { p: 2, margin: 0.5, weight: float64([2, 1, 0.5]) },
    args: { input: float64([[0.1, 0.9, 0.7], [1, 0.8, -1]]), target: int32([2, 0]) },
    value: (0.5 * (0.5 - 0.7 + 0.9) ** 2 + 2 * (0.5 - 1 + 0.8) ** 2) / (2 * 3),
    grad: {
      input: [
        [0, 0.5 * 2 * 0.7 / 6, -0.5 * 2 * 0.7 / 6],
        [-2 * 2 * 0.3 / 6, 2 * 2 * 0.3 / 6, 0],
      ],
    },
  },
  {
    name: "the same, summed",
    place: "PyTorch, MultiMarginLoss, B",
    code: "nn.MultiMarginLoss(2, 0.5, torch.tensor([2., 1., 0.5]), reduction='sum')(x, y)",
    options: { p: 2, margin: 0.5, weight: float64([2, 1, 0.5]), reduction: "sum" },
    args: { input: float64([[0.1, 0.9, 0.7], [1, 0.8, -1]]), target: int32([2, 0]) },
    value: (0.5 * (0.5 - 0.7 + 0.9) ** 2 + 2 * (0.5 - 1 + 0.8) ** 2) / 3,
  },
  {
    name: "the middle class lies exactly on the margin, where the gradient is 0",
    place: "PyTorch, MultiMarginLoss, C",
    code: "nn.MultiMarginLoss()(torch.tensor([[1., 0., 0.5]]), torch.tensor([0]))",
    options: {},
    args: { input: float64([[1, 0, 0.5]]), target: int32([0]) },
    value: 0.5 / 3,
    grad: { input: [[-1 / 3, 0, 1 / 3]] },
  },
];

/** The term of one wrong class: x is its score, s that of the right class. */
export const formulas: { readonly value: DocumentFormula } = {
  value: {
    place: "MultiMarginLoss",
    tex: String.raw`\max (0, \operatorname{margin}-x_{n}[y_{n}]+x_{n}[i])^{p}`,
    text: "pow(max(0, margin - s + x), p)",
    departs: "weight, a factor for each class, is missing; p and margin are there and unexplained.",
  },
};
