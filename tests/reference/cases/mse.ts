/**
 * MSELoss: the document prints no numbers for it; here are its two formulas and PyTorch's results for numbers that can be
 * checked by hand.
 *
 * @module
 */

import { float64, type MSELossOptions } from "@lossbook/losses";
import type { Case, DocumentFormula } from "./_case.ts";

const input = float64([1, -2, 0.5]);
const target = float64([0.5, 1, 0.5]);

/** Residuals 0.5, -3 and 0: the second dominates. */
export const cases: readonly Case<MSELossOptions>[] = [
  {
    name: "one value for each element, without a factor ½",
    place: "PyTorch, MSELoss, A",
    code: "nn.MSELoss(reduction='none')(x, y)",
    options: { reduction: "none" },
    args: { input, target },
    value: [0.5 ** 2, 3 ** 2, 0],
    grad: { input: [2 * 0.5, 2 * -3, 0], target: [2 * -0.5, 2 * 3, 0] },
  },
  {
    name: "their sum",
    place: "PyTorch, MSELoss, A",
    code: "nn.MSELoss(reduction='sum')(x, y)",
    options: { reduction: "sum" },
    args: { input, target },
    value: 0.5 ** 2 + 3 ** 2,
    grad: { input: [2 * 0.5, 2 * -3, 0] },
  },
  {
    name: "their mean, the default",
    place: "均方误差（L2 Loss)损失 MSELoss",
    code: "nn.MSELoss(reduction='mean')(x, y)",
    options: { reduction: "mean" },
    args: { input, target },
    value: (0.5 ** 2 + 3 ** 2) / 3,
    grad: { input: [2 * 0.5 / 3, 2 * -3 / 3, 0], target: [2 * -0.5 / 3, 2 * 3 / 3, 0] },
  },
  {
    name: "a weight for each element; the mean is over the sum of the weights",
    place: "PyTorch, MSELoss, B",
    code: "F.mse_loss(x, y, weight=torch.tensor([1., 2., 1.]))",
    options: { weight: float64([1, 2, 1]) },
    args: { input, target },
    value: (1 * 0.5 ** 2 + 2 * 3 ** 2 + 0) / 4,
    grad: {
      input: [2 * 0.5 / 4, 2 * 2 * -3 / 4, 0],
      weight: [(0.25 - 4.5625) / 4, (9 - 4.5625) / 4, (0 - 4.5625) / 4],
    },
  },
  {
    name: "each of two predictions beside each of three targets",
    place: "PyTorch, MSELoss, C",
    code: "nn.MSELoss()(x, y)  # x (2, 1), y (1, 3)",
    options: {},
    args: { input: float64([[1], [2]]), target: float64([[0, 1, 3]]) },
    value: (1 + 0 + 4 + 4 + 1 + 1) / 6,
    grad: {
      input: [[2 * (1 + 0 - 2) / 6], [2 * (2 + 1 - 1) / 6]],
      target: [[2 * (-1 - 2) / 6, 2 * (0 - 1) / 6, 2 * (2 + 1) / 6]],
    },
  },
];

/** The document's value and gradient, one element of each before the mean. */
export const formulas: {
  readonly value: DocumentFormula;
  readonly gradient: DocumentFormula;
} = {
  value: {
    place: "均方误差（L2 Loss)损失 MSELoss",
    tex: String.raw`J = loss(y, \hat y) = \frac{1}{n} \sum \frac{1}{2}(y - \hat y)^2`,
    text: "square(y - x) / 2",
    departs: "PyTorch has no ½: its value is twice the document's.",
  },
  gradient: {
    place: "均方误差（L2 Loss)损失 MSELoss",
    tex: String.raw`\frac{\partial J}{\partial \hat y} = \frac{1}{n} \sum (\hat y - y)`,
    text: "x - y",
    departs: "Twice in PyTorch, 2 (ŷ - y) / n, and one number for each element, not their sum.",
  },
};
