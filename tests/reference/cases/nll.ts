/**
 * NLLLoss: the document's example behind LogSoftmax, and PyTorch's results for numbers that can be checked by hand.
 *
 * @module
 */

import { float32, float64, int32, logSoftmax, type NLLLossOptions } from "@lossbook/losses";
import type { Case, DocumentFormula } from "./_case.ts";

/** The scores of the document, one row for each sample, and the labels. */
export const scores = float32([[0.8, 0.9, 0.3], [0.8, 0.9, 0.3], [0.8, 0.9, 0.3], [0.8, 0.9, 0.3]]);
const labels = int32([1, 1, 0, 0]);

/** The document's output of `m(input_src)`, m = LogSoftmax(dim=1). */
export const printedLogProbs = `tensor([[-0.9976, -0.8976, -1.4976],
        [-0.9976, -0.8976, -1.4976],
        [-0.9976, -0.8976, -1.4976],
        [-0.9976, -0.8976, -1.4976]])`;

const logProbs = float64([[-0.3, -1.35], [-0.1, -2.35]]);
const target = int32([1, 0]);

export const cases: readonly Case<NLLLossOptions>[] = [
  {
    name: "four samples of three classes, behind LogSoftmax",
    place: "负对数似然损失 NLLLoss, In [9]",
    code: 'nn.NLLLoss(reduction="mean")(m(input_src), target)',
    options: { reduction: "mean" },
    args: { input: logSoftmax.forward(scores, { dim: 1 }), target: labels },
    printed: "0.9475762844085693",
    grad: { input: [[0, -1 / 4, 0], [0, -1 / 4, 0], [-1 / 4, 0, 0], [-1 / 4, 0, 0]] },
  },
  {
    name: "one value for each label, times the weight of its class",
    place: "PyTorch, NLLLoss, A",
    code: "nn.NLLLoss(weight=torch.tensor([1., 3.]), reduction='none')(x, y)",
    options: { weight: float64([1, 3]), reduction: "none" },
    args: { input: logProbs, target },
    value: [3 * 1.35, 1 * 0.1],
    grad: { input: [[0, -3], [-1, 0]] },
  },
  {
    name: "their mean is divided by the weights that were used",
    place: "PyTorch, NLLLoss, A",
    code: "nn.NLLLoss(weight=torch.tensor([1., 3.]))(x, y)",
    options: { weight: float64([1, 3]) },
    args: { input: logProbs, target },
    value: (3 * 1.35 + 1 * 0.1) / (3 + 1),
    grad: { input: [[0, -3 / 4], [-1 / 4, 0]] },
  },
  {
    name: "an ignored label counts neither above nor below the line",
    place: "PyTorch, NLLLoss, B",
    code: "nn.NLLLoss(ignore_index=0)(x, y)",
    options: { ignoreIndex: 0 },
    args: { input: logProbs, target },
    value: 1.35,
    grad: { input: [[0, -1], [0, 0]] },
  },
  {
    name: "one label for each position of an image",
    place: "PyTorch, NLLLoss, C",
    code: "nn.NLLLoss(weight=torch.tensor([1., 3.]))(x, y)  # x: (1, 2, 2), y: (1, 2)",
    options: { weight: float64([1, 3]) },
    args: { input: float64([[[-1, -2], [-0.5, -0.25]]]), target: int32([[0, 1]]) },
    value: (1 * 1 + 3 * 0.25) / (1 + 3),
    grad: { input: [[[-1 / 4, 0], [0, -3 / 4]]] },
  },
];

/** The document's formula, one class of one sample: x is the log-probability, y 1 for the right class and else 0. */
export const formulas: { readonly value: DocumentFormula } = {
  value: {
    place: "负对数似然损失 NLLLoss",
    tex: String.raw`NLLLoss(\hat y) = -\sum_c y \hat y`,
    text: "-y * x",
    departs:
      "ŷ is a log-probability here, not the probability that the lines above it call ŷ; weight and ignore_index are named only.",
  },
};
