/**
 * MultiLabelMarginLoss: the document's three examples, and PyTorch's results for numbers that can be checked by hand.
 *
 * @module
 */

import { float32, float64, int32, type MultiLabelMarginLossOptions } from "@lossbook/losses";
import type { Case, DocumentFormula } from "./_case.ts";

const input = float32([[0.1, 0.2, 0.4, 0.8]]);
const code = "nn.MultiLabelMarginLoss()(x, y)";

export const cases: readonly Case<MultiLabelMarginLossOptions>[] = [
  {
    name: "3 and 0 apply, 1 and 2 do not: what follows the -1 is no label",
    place: "MultiLabelMarginLoss, In [4]",
    code,
    options: {},
    args: { input, target: int32([[3, 0, -1, 1]]) },
    printed: "0.8500000238418579",
    grad: { input: [[-2 / 4, 2 / 4, 2 / 4, -2 / 4]] },
    byHand: {
      code:
        "0.25 * ((1 - (0.8 - 0.2)) + (1 - (0.8 - 0.4)) + (1 - (0.1 - 0.2)) + (1 - (0.1 - 0.4)))",
      value: 0.25 *
        ((1 - (0.8 - 0.2)) + (1 - (0.8 - 0.4)) + (1 - (0.1 - 0.2)) + (1 - (0.1 - 0.4))),
      printed: "0.8500000000000001",
    },
  },
  {
    name: "3, 0 and 1 apply, 2 does not",
    place: "MultiLabelMarginLoss, In [4]",
    code,
    options: {},
    args: { input, target: int32([[3, 0, 1, -1]]) },
    printed: "0.7749999761581421",
    grad: { input: [[-1 / 4, -1 / 4, 3 / 4, -1 / 4]] },
    byHand: {
      code: "0.25 * ((1 - (0.8 - 0.4)) + (1 - (0.1 - 0.4)) + (1 - (0.2 - 0.4)))",
      value: 0.25 * ((1 - (0.8 - 0.4)) + (1 - (0.1 - 0.4)) + (1 - (0.2 - 0.4))),
      printed: "0.7749999999999999",
    },
  },
  {
    name: "all apply: none is left to be ahead of",
    place: "MultiLabelMarginLoss, In [4]",
    code,
    options: {},
    args: { input, target: int32([[3, 0, 2, 1]]) },
    printed: "0.0",
    grad: { input: [[0, 0, 0, 0]] },
  },
  {
    name: "a label listed twice counts twice",
    place: "PyTorch, MultiLabelMarginLoss, B",
    code,
    options: {},
    args: { input: float64([[0.1, 0.2, 0.4, 0.8]]), target: int32([[3, 3, -1, 1]]) },
    value: 2 * ((1 - 0.8 + 0.1) + (1 - 0.8 + 0.2) + (1 - 0.8 + 0.4)) / 4,
    grad: { input: [[2 / 4, 2 / 4, 2 / 4, -6 / 4]] },
  },
  {
    name: "one value for each row",
    place: "PyTorch, MultiLabelMarginLoss, C",
    code: "nn.MultiLabelMarginLoss(reduction='none')(x, y)",
    options: { reduction: "none" },
    args: {
      input: float64([[0.3, 0.2, 1.5], [0.9, -0.4, 0.1]]),
      target: int32([[1, -1, 0], [0, 2, -1]]),
    },
    value: [((1 - 0.2 + 0.3) + (1 - 0.2 + 1.5)) / 3, (1 - 0.1 - 0.4) / 3],
    grad: { input: [[1 / 3, -2 / 3, 1 / 3], [0, 1 / 3, -1 / 3]] },
  },
];

/** The term of one pair: s is the score of the class that applies, x that of the one that does not. */
export const formulas: { readonly value: DocumentFormula } = {
  value: {
    place: "多标签分类损失 MultiLabelMarginLoss",
    tex: String.raw`\max(0, 1- x_n[j] + x_n[i])`,
    text: "max(0, 1 - s + x)",
  },
};
