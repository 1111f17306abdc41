/**
 * L1Loss: the document prints no numbers for it; here are its two formulas, its figure, and PyTorch's results for numbers that
 * can be checked by hand.
 *
 * @module
 */

import { float64, type L1LossOptions } from "@lossbook/losses";
import type { Case, DocumentFigure, DocumentFormula } from "./_case.ts";

const input = float64([1, -2, 0.5]);
const target = float64([0.5, 1, 0.5]);

/** Residuals 0.5, -3 and 0: above, below and at the target. */
export const cases: readonly Case<L1LossOptions>[] = [
  {
    name: "one value for each element",
    place: "PyTorch, L1Loss, A",
    code: "nn.L1Loss(reduction='none')(x, y)",
    options: { reduction: "none" },
    args: { input, target },
    value: [0.5, 3, 0],
    grad: { input: [1, -1, 0], target: [-1, 1, 0] },
  },
  {
    name: "their sum, as the document writes it",
    place: "L1范数损失 L1Loss",
    code: "nn.L1Loss(reduction='sum')(x, y)",
    options: { reduction: "sum" },
    args: { input, target },
    value: 0.5 + 3 + 0,
    grad: { input: [1, -1, 0], target: [-1, 1, 0] },
  },
  {
    name: "their mean, the default; no pull where the prediction is exact",
    place: "L1范数损失 L1Loss",
    code: "nn.L1Loss(reduction='mean')(x, y)",
    options: { reduction: "mean" },
    args: { input, target },
    value: (0.5 + 3 + 0) / 3,
    grad: { input: [1 / 3, -1 / 3, 0], target: [-1 / 3, 1 / 3, 0] },
  },
  {
    name: "a weight for each element; the mean is over the sum of the weights",
    place: "PyTorch, L1Loss, B",
    code: "F.l1_loss(x, y, weight=torch.tensor([1., 2., 1.]))",
    options: { weight: float64([1, 2, 1]) },
    args: { input, target },
    value: (1 * 0.5 + 2 * 3 + 0) / 4,
    grad: {
      input: [1 / 4, -2 / 4, 0],
      weight: [(0.5 - 1.625) / 4, (3 - 1.625) / 4, (0 - 1.625) / 4],
    },
  },
];

/** The document's value and gradient, one element of each. */
export const formulas: {
  readonly value: DocumentFormula;
  readonly gradient: DocumentFormula;
} = {
  value: {
    place: "L1范数损失 L1Loss",
    tex: String.raw`J = loss(y, \hat y) = \sum|y - \hat y|`,
    text: "abs(y - x)",
    departs: "The sum stands beside reduction='mean', the default, which divides it by n.",
  },
  gradient: {
    place: "L1范数损失 L1Loss",
    tex: String.raw`\frac{\partial J}{\partial \hat y} = N_1 - N_2`,
    text: "y >= x ? -1 : 1",
    departs:
      "N₂ counts a tie y = ŷ as -1, where PyTorch takes 0; any number in [-1, 1] is a subgradient.",
  },
};

/** L1 and L2 over the residual; the document's L2 has a factor ½ that MSELoss does not have. */
export const figure: DocumentFigure = {
  place: "回归任务, L1_L2_loss.png",
  residuals: [-3, 3],
  curves: { L1: "abs(x - y)", L2: "square(x - y) / 2" },
};
