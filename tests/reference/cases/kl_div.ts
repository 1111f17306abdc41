/**
 * KLDivLoss: the document prints no numbers for it; here are its formulas and PyTorch's results for numbers that can be checked
 * by hand.
 *
 * @module
 */

import { float64, type KLDivLossOptions } from "@lossbook/losses";
import type { Case, DocumentFormula } from "./_case.ts";

const input = float64([[-1, -2, -0.5], [-0.7, -1.2, -3]]);
const target = float64([[0.2, 0.3, 0.5], [0.6, 0.4, 0]]);
const term = (y: number, x: number) => y * (Math.log(y) - x);
const terms = [
  [term(0.2, -1), term(0.3, -2), term(0.5, -0.5)],
  [term(0.6, -0.7), term(0.4, -1.2), 0],
];
const sum = terms.flat().reduce((a, b) => a + b);

/** Two rows of three classes, one of which has probability 0; then one row whose target is given as probabilities and as logarithms. */
export const cases: readonly Case<KLDivLossOptions>[] = [
  {
    name: "one term for each class of each sample; some are negative",
    place: "PyTorch, KLDivLoss, A",
    code: "nn.KLDivLoss(reduction='none')(x, y)",
    options: { reduction: "none" },
    args: { input, target },
    value: terms,
  },
  {
    name: "the mean, over classes too: not the divergence",
    place: "KL 散度（相对熵）损失 KLDivLoss",
    code: "nn.KLDivLoss(reduction='mean')(x, y)",
    options: { reduction: "mean" },
    args: { input, target },
    value: sum / 6,
    grad: { input: [[-0.2 / 6, -0.3 / 6, -0.5 / 6], [-0.6 / 6, -0.4 / 6, 0]] },
  },
  {
    name: "the mean over samples: the divergence",
    place: "PyTorch, KLDivLoss, A",
    code: "nn.KLDivLoss(reduction='batchmean')(x, y)",
    options: { reduction: "batchmean" },
    args: { input, target },
    value: sum / 2,
    grad: { input: [[-0.2 / 2, -0.3 / 2, -0.5 / 2], [-0.6 / 2, -0.4 / 2, 0]] },
  },
  {
    name: "the sum",
    place: "PyTorch, KLDivLoss, A",
    code: "nn.KLDivLoss(reduction='sum')(x, y)",
    options: { reduction: "sum" },
    args: { input, target },
    value: sum,
  },
  {
    name: "the gradient by the target",
    place: "PyTorch, KLDivLoss, B",
    code: "nn.KLDivLoss(reduction='batchmean')(x, y)",
    options: { reduction: "batchmean" },
    args: { input: float64([[-1, -0.5]]), target: float64([[0.25, 0.75]]) },
    value: term(0.25, -1) + term(0.75, -0.5),
    grad: {
      input: [[-0.25, -0.75]],
      target: [[Math.log(0.25) + 1 + 1, Math.log(0.75) + 1 + 0.5]],
    },
  },
  {
    name: "the logarithm of the target instead",
    place: "PyTorch, KLDivLoss, C",
    code: "nn.KLDivLoss(reduction='batchmean', log_target=True)(x, y)",
    options: { reduction: "batchmean", logTarget: true },
    args: { input: float64([[-1, -0.5]]), target: float64([[-1.2, -0.4]]) },
    value: Math.exp(-1.2) * (-1.2 + 1) + Math.exp(-0.4) * (-0.4 + 0.5),
    grad: {
      input: [[-Math.exp(-1.2), -Math.exp(-0.4)]],
      target: [[Math.exp(-1.2) * (-0.2 + 1), Math.exp(-0.4) * (0.1 + 1)]],
    },
  },
];

/** The document's value and gradient; x is log ŷ in its notation, the logarithm of a predicted probability. */
export const formulas: {
  readonly value: DocumentFormula;
  readonly gradient: DocumentFormula;
} = {
  value: {
    place: "KL 散度（相对熵）损失 KLDivLoss",
    tex: String
      .raw`J = loss(\hat y, y) = \sum_c y_c(-\log\hat y_c) - \sum_c y_c(-\log y_c) = \sum_c y_c \log(\frac {y_c}{\hat y})`,
    text: "y * log(y / exp(x))",
    departs:
      "PyTorch's input is log ŷ, not ŷ, and its mean divides by the number of classes as well.",
  },
  gradient: {
    place: "KL 散度（相对熵）损失 KLDivLoss",
    tex: String.raw`\frac {\partial J} {\partial Z} = \hat y - y`,
    text: "exp(x) - y",
    departs:
      "That is the gradient by the scores z before log-softmax; by the input itself it is -y.",
  },
};
