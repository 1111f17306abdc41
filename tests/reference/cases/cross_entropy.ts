/**
 * CrossEntropyLoss: the document's example, which is in its section on NLLLoss, and PyTorch's results for numbers that can be
 * checked by hand.
 *
 * @module
 */

import { type CrossEntropyLossOptions, float32, float64, int32 } from "@lossbook/losses";
import type { Case, DocumentFormula } from "./_case.ts";

/** Minus the log-probability of each class of a row of scores. */
function surprises(scores: readonly number[]): number[] {
  const total = scores.reduce((sum, x) => sum + Math.exp(x), 0);
  return scores.map((x) => Math.log(total) - x);
}

/** The gradient with respect to the scores: softmax times the sum of the target, minus the target. */
function pulls(scores: readonly number[], q: readonly number[], denominator: number): number[] {
  const mass = q.reduce((a, b) => a + b);
  return surprises(scores).map((s, c) => (Math.exp(-s) * mass - q[c]) / denominator);
}

/** Four samples with the same scores, two of class 1 and two of class 0. */
const same = [0.8, 0.9, 0.3];
const scores = float32([same, same, same, same]);
const labels = int32([1, 1, 0, 0]);
const [p0, p1, p2] = surprises(same).map((s) => Math.exp(-s));

const rows = [[2, 1, 0.1], [0.5, 2.5, -1]];
const [first, second] = rows.map(surprises);
const input = float64(rows);
const target = int32([0, 2]);
const weight = float64([1, 2, 3]);
/** Smoothing adds a tenth of a third to each class. */
const spread = 0.1 / 3;
const probabilities = [[0.7, 0.2, 0.1], [0.1, 0.8, 0.1]];
const dot = (a: readonly number[], b: readonly number[]) =>
  a.reduce((sum, x, i) => sum + x * b[i], 0);
const weighted = (row: readonly number[]) => row.map((x, c) => x * weight.data[c]);

export const cases: readonly Case<CrossEntropyLossOptions>[] = [
  {
    name: "four samples of three classes: the number that NLLLoss gives behind LogSoftmax",
    place: "负对数似然损失 NLLLoss, In [9]",
    code: 'nn.CrossEntropyLoss(reduction="mean")(input_src, target)',
    options: { reduction: "mean" },
    args: { input: scores, target: labels },
    printed: "0.9475762844085693",
    grad: {
      input: [
        [p0 / 4, (p1 - 1) / 4, p2 / 4],
        [p0 / 4, (p1 - 1) / 4, p2 / 4],
        [(p0 - 1) / 4, p1 / 4, p2 / 4],
        [(p0 - 1) / 4, p1 / 4, p2 / 4],
      ],
    },
  },
  {
    name: "one value for each sample; the gradient is softmax minus one-hot",
    place: "PyTorch, CrossEntropyLoss, A",
    code: "nn.CrossEntropyLoss(reduction='none')(x, y)",
    options: { reduction: "none" },
    args: { input, target },
    value: [first[0], second[2]],
    grad: { input: [pulls(rows[0], [1, 0, 0], 1), pulls(rows[1], [0, 0, 1], 1)] },
  },
  {
    name: "their mean",
    place: "PyTorch, CrossEntropyLoss, A",
    code: "nn.CrossEntropyLoss()(x, y)",
    options: {},
    args: { input, target },
    value: (first[0] + second[2]) / 2,
    grad: { input: [pulls(rows[0], [1, 0, 0], 2), pulls(rows[1], [0, 0, 1], 2)] },
  },
  {
    name: "a weight for each class: the mean is over the weights of the labels, 1 + 3",
    place: "PyTorch, CrossEntropyLoss, B",
    code: "nn.CrossEntropyLoss(weight=torch.tensor([1., 2., 3.]))(x, y)",
    options: { weight },
    args: { input, target },
    value: (1 * first[0] + 3 * second[2]) / (1 + 3),
    grad: { input: [pulls(rows[0], [1, 0, 0], 4), pulls(rows[1], [0, 0, 3], 4)] },
  },
  {
    name: "labels smoothed by a tenth",
    place: "PyTorch, CrossEntropyLoss, C",
    code: "nn.CrossEntropyLoss(label_smoothing=0.1)(x, y)",
    options: { labelSmoothing: 0.1 },
    args: { input, target },
    value: (dot([0.9 + spread, spread, spread], first) +
      dot([spread, spread, 0.9 + spread], second)) / 2,
    grad: {
      input: [
        pulls(rows[0], [0.9 + spread, spread, spread], 2),
        pulls(rows[1], [spread, spread, 0.9 + spread], 2),
      ],
    },
  },
  {
    name: "smoothed and weighted, the third sample ignored: still over 1 + 3",
    place: "PyTorch, CrossEntropyLoss, C",
    code:
      "nn.CrossEntropyLoss(torch.tensor([1., 2., 3.]), ignore_index=1, label_smoothing=0.1)(x, y)",
    options: { weight, ignoreIndex: 1, labelSmoothing: 0.1 },
    args: { input: float64([...rows, [0, 0, 0]]), target: int32([0, 2, 1]) },
    value: (dot(weighted([0.9 + spread, spread, spread]), first) +
      dot(weighted([spread, spread, 0.9 + spread]), second)) / (1 + 3),
    grad: {
      input: [
        pulls(rows[0], weighted([0.9 + spread, spread, spread]), 4),
        pulls(rows[1], weighted([spread, spread, 0.9 + spread]), 4),
        [0, 0, 0],
      ],
    },
  },
  {
    name: "probabilities, weighted: over the number of samples",
    place: "PyTorch, CrossEntropyLoss, D",
    code: "nn.CrossEntropyLoss(weight=torch.tensor([1., 2., 3.]))(x, t)",
    options: { weight },
    args: { input, target: float64(probabilities) },
    value: (dot(weighted(probabilities[0]), first) + dot(weighted(probabilities[1]), second)) / 2,
    grad: {
      input: rows.map((row, i) => pulls(row, weighted(probabilities[i]), 2)),
      target: [weighted(first).map((s) => s / 2), weighted(second).map((s) => s / 2)],
      weight: [0, 1, 2].map((c) =>
        (probabilities[0][c] * first[c] + probabilities[1][c] * second[c]) / 2
      ),
    },
  },
  {
    name: "two places in one sample, the class axis in the middle",
    place: "PyTorch, CrossEntropyLoss, E",
    code: "nn.CrossEntropyLoss()(torch.tensor([[[1., 0.], [0., 2.]]]), torch.tensor([[0, 1]]))",
    options: {},
    args: { input: float64([[[1, 0], [0, 2]]]), target: int32([[0, 1]]) },
    value: (Math.log1p(Math.exp(-1)) + Math.log1p(Math.exp(-2))) / 2,
    grad: {
      input: [[
        [-1 / (1 + Math.E) / 2, 1 / (1 + Math.exp(2)) / 2],
        [1 / (1 + Math.E) / 2, -1 / (1 + Math.exp(2)) / 2],
      ]],
    },
  },
];

/** The document's value for one class and its gradient: x is ŷ in the first, and a score z in the second, where s = Σ e^z. */
export const formulas: {
  readonly value: DocumentFormula;
  readonly softmax: DocumentFormula;
  readonly gradient: DocumentFormula;
} = {
  value: {
    place: "交叉熵损失 CrossEntropyLoss",
    tex: String.raw`J = loss(y, \hat y) = - \sum_c y_c\log(\hat y_c)`,
    text: "-y * log(x)",
    departs:
      "PyTorch's input is the score z, not the probability ŷ: the softmax is inside the loss.",
  },
  softmax: {
    place: "交叉熵损失 CrossEntropyLoss",
    tex: String.raw`\hat y_i = softmax(z_i) = \frac {e^{z_i}}{\sum_c e^{z_c}}`,
    text: "exp(x) / s",
    departs: "exp(x) is infinite in float32 from 89 on; the largest score is subtracted first.",
  },
  gradient: {
    place: "交叉熵损失 CrossEntropyLoss",
    tex: String.raw`\frac {\partial J} {\partial Z} = \hat y - y`,
    text: "exp(x) / s - y",
    departs: "True where Σ y = 1 and without weights; in general it is ŷ Σ q - q.",
  },
};
