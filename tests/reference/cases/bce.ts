/**
 * BCELoss: the document prints no numbers for it; here are its formulas and PyTorch's results for numbers that can be checked
 * by hand.
 *
 * @module
 */

import { type BCELossOptions, float64 } from "@lossbook/losses";
import type { Case, DocumentFormula } from "./_case.ts";

const input = float64([0.2, 0.7, 0.5]);
const target = float64([1, 0, 0.3]);
/** The third is log 2 for every target: a probability of ½ is as far from yes as from no. */
const [a, b, c] = [-Math.log(0.2), -Math.log(1 - 0.7), Math.log(2)];

/** Targets 1, 0 and one in between; then probabilities of 0 and 1, whose logarithms are clamped at -100. */
export const cases: readonly Case<BCELossOptions>[] = [
  {
    name: "one value for each element",
    place: "PyTorch, BCELoss, A",
    code: "nn.BCELoss(reduction='none')(x, y)",
    options: { reduction: "none" },
    args: { input, target },
    value: [a, b, c],
  },
  {
    name: "their mean, the default",
    place: "二进制交叉熵损失 BCELoss",
    code: "nn.BCELoss(weight=None, reduction='mean')(x, y)",
    options: { reduction: "mean" },
    args: { input, target },
    value: (a + b + c) / 3,
    grad: {
      input: [(0.2 - 1) / (0.2 * 0.8) / 3, 0.7 / (0.7 * 0.3) / 3, (0.5 - 0.3) / 0.25 / 3],
      target: [Math.log(0.8 / 0.2) / 3, Math.log(0.3 / 0.7) / 3, 0],
    },
  },
  {
    name: "a weight for each element; the mean is still over their number",
    place: "PyTorch, BCELoss, B",
    code: "nn.BCELoss(weight=torch.tensor([1., 2., 0.5]))(x, y)",
    options: { weight: float64([1, 2, 0.5]) },
    args: { input, target },
    value: (a + 2 * b + 0.5 * c) / 3,
    grad: { input: [-5 / 3, 2 / 0.3 / 3, 0.5 * 0.8 / 3] },
  },
  {
    name: "probabilities of 0 and 1: at most 100, and a gradient of 10¹²",
    place: "PyTorch, BCELoss, C",
    code: "nn.BCELoss(reduction='none')(x, y)",
    options: { reduction: "none" },
    args: { input: float64([0, 1, 1, 1e-50]), target: float64([1, 0, 1, 0.5]) },
    value: [100, 100, 0, 0.5 * 100],
    grad: {
      input: [-1 / Math.fround(1e-12), 1 / Math.fround(1e-12), 0, -0.5 / Math.fround(1e-12)],
    },
  },
];

/** The document's value and gradient; x is the prediction ŷ there, z the score whose sigmoid it is. */
export const formulas: {
  readonly value: DocumentFormula;
  readonly gradient: DocumentFormula;
} = {
  value: {
    place: "二进制交叉熵损失 BCELoss",
    tex: String.raw`J = loss(\hat y, y) = -(y * \log \hat y + (1-y)*\log(1-\hat y))`,
    text: "-(y * log(x) + (1 - y) * log(1 - x))",
    departs: "PyTorch holds each logarithm at -100, so that nothing costs more than 100.",
  },
  gradient: {
    place: "二进制交叉熵损失 BCELoss",
    tex: String.raw`\frac {\partial J} {\partial Z} = \hat y - y`,
    text: "x - y",
    departs:
      "That is the gradient by the score z; by the probability ŷ, PyTorch's, it is (ŷ - y) / (ŷ (1 - ŷ)).",
  },
};
