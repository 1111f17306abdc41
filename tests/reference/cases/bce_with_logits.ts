/**
 * BCEWithLogitsLoss: the document prints no numbers for it; here are its formulas and PyTorch's results for numbers that can
 * be checked by hand.
 *
 * @module
 */

import { type BCEWithLogitsLossOptions, float64 } from "@lossbook/losses";
import type { Case, DocumentFormula } from "./_case.ts";

const yes = (x: number) => Math.log(1 + Math.exp(-x));
const no = (x: number) => Math.log(1 + Math.exp(x));
const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));

const input = float64([0.5, -1, 2]);
const target = float64([1, 0, 0.3]);
const each = [yes(0.5), no(-1), 0.3 * yes(2) + 0.7 * no(2)];

/** Scores of both signs, then two classes with weights, then scores whose exp overflows. */
export const cases: readonly Case<BCEWithLogitsLossOptions>[] = [
  {
    name: "the mean, the default",
    place: "BCEWithLogitsLoss",
    code: "nn.BCEWithLogitsLoss(weight=None, reduction='mean', pos_weight=None)(x, y)",
    options: { reduction: "mean" },
    args: { input, target },
    value: (each[0] + each[1] + each[2]) / 3,
    grad: {
      input: [(sigmoid(0.5) - 1) / 3, sigmoid(-1) / 3, (sigmoid(2) - 0.3) / 3],
      target: [-0.5 / 3, 1 / 3, -2 / 3],
    },
  },
  {
    name: "weight and pos_weight for each of two classes: nothing but factors",
    place: "PyTorch, BCEWithLogitsLoss, B",
    code: "nn.BCEWithLogitsLoss(torch.tensor([1., 0.5]), pos_weight=torch.tensor([2., 3.]))(x, y)",
    options: {
      reduction: "none",
      weight: float64([1, 0.5]),
      posWeight: float64([2, 3]),
    },
    args: { input: float64([[0.5, -1], [2, 0]]), target: float64([[1, 0], [0.3, 1]]) },
    value: [
      [2 * yes(0.5), 0.5 * no(-1)],
      [2 * 0.3 * yes(2) + 0.7 * no(2), 0.5 * 3 * Math.log(2)],
    ],
    grad: {
      input: [
        [2 * (sigmoid(0.5) - 1), 0.5 * sigmoid(-1)],
        [(0.7 + 2 * 0.3) * sigmoid(2) - 2 * 0.3, 0.5 * 3 * -0.5],
      ],
      target: [
        [2 * yes(0.5) - no(0.5), 0.5 * (3 * yes(-1) - no(-1))],
        [2 * yes(2) - no(2), 0.5 * (3 - 1) * Math.log(2)],
      ],
    },
  },
  {
    name: "far scores: the value grows like the score, and fades out with all its digits",
    place: "PyTorch, BCEWithLogitsLoss, C",
    code: "nn.BCEWithLogitsLoss(reduction='none')(x, y)",
    options: { reduction: "none" },
    args: { input: float64([800, -800, 40]), target: float64([0, 1, 1]) },
    value: [800, 800, 4.24835425529e-18],
    grad: { input: [1, -1, -4.24835425529e-18] },
  },
];

/** The document's value and gradient; x is the score ŷ there. */
export const formulas: {
  readonly value: DocumentFormula;
  readonly gradient: DocumentFormula;
} = {
  value: {
    place: "BCEWithLogitsLoss",
    tex: String
      .raw`J = BCEWithLogitsLoss(y, \hat y) = -[y \log(\sigma(\hat y)) + (1 - y) \log(1 - \sigma(\hat y))]`,
    text: "-(y * log(sigmoid(x)) + (1 - y) * log(1 - sigmoid(x)))",
    departs: "Computed in the stable form: taken literally, it is ∞ at ŷ = 37, y = 0.",
  },
  gradient: {
    place: "BCEWithLogitsLoss",
    tex: String.raw`\frac {\partial J}{\partial \hat y} = \sigma(\hat y) - y`,
    text: "sigmoid(x) - y",
  },
};
