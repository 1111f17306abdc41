/**
 * PoissonNLLLoss: the document prints no numbers for it; here are its formula and PyTorch's results for numbers that can be
 * checked by hand.
 *
 * @module
 */

import { float64, type PoissonNLLLossOptions } from "@lossbook/losses";
import type { Case, DocumentFormula } from "./_case.ts";

const { exp, log, PI } = Math;
const stirling = 5 * log(5) - 5 + log(2 * PI * 5) / 2;

/** Logarithms of rates; then Stirling's formula below, at and above 1; then rates, including 0. */
export const cases: readonly Case<PoissonNLLLossOptions>[] = [
  {
    name: "the mean, the default",
    place: "PoissonNLLLoss",
    code: "nn.PoissonNLLLoss()(x, y)",
    options: {},
    args: { input: float64([0.5, -1, 2]), target: float64([1, 0, 3]) },
    value: (exp(0.5) - 0.5 + exp(-1) + exp(2) - 3 * 2) / 3,
    grad: {
      input: [(exp(0.5) - 1) / 3, exp(-1) / 3, (exp(2) - 3) / 3],
      target: [-0.5 / 3, 1 / 3, -2 / 3],
    },
  },
  {
    name: "with Stirling's formula, for counts above 1 only",
    place: "PyTorch, PoissonNLLLoss, B",
    code: "nn.PoissonNLLLoss(full=True, reduction='none')(x, y)",
    options: { full: true, reduction: "none" },
    args: { input: float64([0.5, 0.5, 0.5]), target: float64([0.5, 1, 5]) },
    value: [exp(0.5) - 0.5 * 0.5, exp(0.5) - 0.5, exp(0.5) - 5 * 0.5 + stirling],
    grad: {
      input: [exp(0.5) - 0.5, exp(0.5) - 1, exp(0.5) - 5],
      target: [-0.5, -0.5, -0.5 + log(5) + 1 / (2 * 5)],
    },
  },
  {
    name: "the rate itself; at a rate of 0 the logarithm is that of eps",
    place: "PyTorch, PoissonNLLLoss, C",
    code: "nn.PoissonNLLLoss(log_input=False, reduction='none')(x, y)",
    options: { logInput: false, reduction: "none" },
    args: { input: float64([0.5, 2, 0]), target: float64([1, 3, 2]) },
    value: [0.5 - log(0.5 + 1e-8), 2 - 3 * log(2 + 1e-8), 0 - 2 * log(1e-8)],
    grad: {
      input: [1 - 1 / (0.5 + 1e-8), 1 - 3 / (2 + 1e-8), 1 - 2 / 1e-8],
      target: [-log(0.5 + 1e-8), -log(2 + 1e-8), -log(1e-8)],
    },
  },
];

/** The document's value; x is the prediction ŷ, the logarithm of the rate. */
export const formulas: { readonly value: DocumentFormula } = {
  value: {
    place: "PoissonNLLLoss",
    tex: String.raw`PoissonNLLLoss = e^{\hat y} - y * \hat y`,
    text: "exp(x) - y * x",
    departs: "That is the default only: log_input, full and eps make three more losses of it.",
  },
};
