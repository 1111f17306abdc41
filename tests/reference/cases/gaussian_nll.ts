/**
 * GaussianNLLLoss: not in the document; PyTorch's results for numbers that can be checked by hand.
 *
 * @module
 */

import { float64, type GaussianNLLLossOptions } from "@lossbook/losses";
import type { Case } from "./_case.ts";

const { log, PI } = Math;

/** Residuals -0.5 and 1; then one variance for each row; then variances below eps. */
export const cases: readonly Case<GaussianNLLLossOptions>[] = [
  {
    name: "the mean, the default",
    place: "PyTorch, GaussianNLLLoss, A",
    code: "nn.GaussianNLLLoss()(x, y, var)",
    options: {},
    args: { input: float64([1, 2]), target: float64([1.5, 1]), var: float64([0.5, 2]) },
    value: (log(0.5) / 2 + 0.5 ** 2 / (2 * 0.5) + log(2) / 2 + 1 / (2 * 2)) / 2,
    grad: {
      input: [-0.5 / 0.5 / 2, 1 / 2 / 2],
      target: [0.5 / 0.5 / 2, -1 / 2 / 2],
      var: [(1 / 0.5 - 0.25 / 0.5 ** 2) / 2 / 2, (1 / 2 - 1 / 2 ** 2) / 2 / 2],
    },
  },
  {
    name: "the sum, with the constant",
    place: "PyTorch, GaussianNLLLoss, A",
    code: "nn.GaussianNLLLoss(full=True, reduction='sum')(x, y, var)",
    options: { full: true, reduction: "sum" },
    args: { input: float64([1, 2]), target: float64([1.5, 1]), var: float64([0.5, 2]) },
    value: 0.25 + 0.25 + 2 * log(2 * PI) / 2,
    grad: { var: [(1 / 0.5 - 0.25 / 0.5 ** 2) / 2, (1 / 2 - 1 / 2 ** 2) / 2] },
  },
  {
    name: "one variance for each row",
    place: "PyTorch, GaussianNLLLoss, B",
    code: "nn.GaussianNLLLoss(reduction='none')(x, y, var)",
    options: { reduction: "none" },
    args: {
      input: float64([[1, 2], [3, 4]]),
      target: float64([[1.5, 2], [2, 4]]),
      var: float64([[0.5], [2]]),
    },
    value: [
      [(log(0.5) + 0.25 / 0.5) / 2, log(0.5) / 2],
      [(log(2) + 1 / 2) / 2, log(2) / 2],
    ],
    grad: {
      input: [[-0.5 / 0.5, 0], [1 / 2, 0]],
      var: [[(1 / 0.5 - 0.25 / 0.25 + 1 / 0.5) / 2], [(1 / 2 - 1 / 4 + 1 / 2) / 2]],
    },
  },
  {
    name: "variances below eps count as eps, yet have the gradient there",
    place: "PyTorch, GaussianNLLLoss, C",
    code: "nn.GaussianNLLLoss(reduction='none')(x, y, var)",
    options: { reduction: "none" },
    args: { input: float64([1, 1]), target: float64([1, 1.002]), var: float64([0, 1e-8]) },
    value: [log(1e-6) / 2, (log(1e-6) + 0.002 ** 2 / 1e-6) / 2],
    grad: {
      input: [0, -0.002 / 1e-6],
      var: [1 / 1e-6 / 2, (1 / 1e-6 - 0.002 ** 2 / 1e-6 ** 2) / 2],
    },
  },
];
