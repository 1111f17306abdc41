/**
 * MultiLabelSoftMarginLoss: the document prints no numbers for it; here are its formula and gradient, and PyTorch's results for
 * numbers that can be checked by hand.
 *
 * @module
 */

import { float64, type MultiLabelSoftMarginLossOptions } from "@lossbook/losses";
import type { Case, DocumentFormula } from "./_case.ts";

const input = float64([[0.5, -1], [2, 0]]);
const target = float64([[1, 0], [0.3, 1]]);
const σ = (x: number) => 1 / (1 + Math.exp(-x));
/** The loss of a score x whose class applies; that of -x is the loss if it does not. */
const yes = (x: number) => Math.log1p(Math.exp(-x));
/** The four terms. */
const [[a, b], [c, d]] = [[yes(0.5), yes(1)], [0.3 * yes(2) + 0.7 * yes(-2), yes(0)]];

export const cases: readonly Case<MultiLabelSoftMarginLossOptions>[] = [
  {
    name: "the mean over rows of the mean over classes",
    place: "PyTorch, MultiLabelSoftMarginLoss, A",
    code: "nn.MultiLabelSoftMarginLoss()(x, y)",
    options: {},
    args: { input, target },
    value: ((a + b) / 2 + (c + d) / 2) / 2,
    grad: {
      input: [[(σ(0.5) - 1) / 4, σ(-1) / 4], [(σ(2) - 0.3) / 4, (0.5 - 1) / 4]],
      target: [[-0.5 / 4, 1 / 4], [-2 / 4, 0]],
    },
  },
  {
    name: "one value for each row, and a weight for each class",
    place: "PyTorch, MultiLabelSoftMarginLoss, B",
    code: "nn.MultiLabelSoftMarginLoss(weight=torch.tensor([1., 2.]), reduction='none')(x, y)",
    options: { weight: float64([1, 2]), reduction: "none" },
    args: { input, target },
    value: [(a + 2 * b) / 2, (c + 2 * d) / 2],
    grad: { weight: [(a + c) / 2, (b + d) / 2] },
  },
  {
    name: "summed over rows, not over classes",
    place: "多标签 one-versus-all 损失 MultiLabelSoftMarginLoss",
    code: "nn.MultiLabelSoftMarginLoss(reduction='sum')(x, y)",
    options: { reduction: "sum" },
    args: { input, target },
    value: (a + b + c + d) / 2,
  },
];

/** The document's value and gradient, one class of each. */
export const formulas: { readonly value: DocumentFormula; readonly gradient: DocumentFormula } = {
  value: {
    place: "多标签 one-versus-all 损失 MultiLabelSoftMarginLoss",
    tex: String
      .raw`J = loss = -\sum_i (y_i \log \sigma(\hat y_i) + (1 - y_i) \log (1 - \sigma(\hat y_i)))`,
    text: "-(y * log(sigmoid(x)) + (1 - y) * log(1 - sigmoid(x)))",
    departs: "PyTorch divides the sum over classes by their number C.",
  },
  gradient: {
    place: "多标签 one-versus-all 损失 MultiLabelSoftMarginLoss",
    tex: String.raw`\frac {\partial J}{\partial \hat y} = Z - Y`,
    text: "sigmoid(x) - y",
    departs: "The gradient is divided by C too.",
  },
};
