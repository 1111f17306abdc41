/**
 * SmoothL1Loss: the document describes it in words, for beta = 1; here is that description as a formula, and PyTorch's results for
 * numbers that can be checked by hand.
 *
 * @module
 */

import { float64, type SmoothL1LossOptions } from "@lossbook/losses";
import type { Case, DocumentFormula } from "./_case.ts";

const input = float64([1, -2, 0.5, 0.25]);
const target = float64([0.5, 1, 0.5, 0]);

/** Residuals 0.5, -3, 0 and 0.25: on both sides of each beta. */
export const cases: readonly Case<SmoothL1LossOptions>[] = [
  {
    name: "beta = 1, the default",
    place: "平滑版L1损失 SmoothL1Loss",
    code: "nn.SmoothL1Loss(reduction='mean')(x, y)",
    options: { reduction: "mean" },
    args: { input, target },
    value: (0.5 ** 2 / 2 + (3 - 0.5) + 0 + 0.25 ** 2 / 2) / 4,
    grad: { input: [0.5 / 4, -1 / 4, 0, 0.25 / 4], target: [-0.5 / 4, 1 / 4, 0, -0.25 / 4] },
  },
  {
    name: "a narrower parabola: only the last residual is on it",
    place: "PyTorch, SmoothL1Loss, A",
    code: "nn.SmoothL1Loss(beta=0.5)(x, y)",
    options: { beta: 0.5 },
    args: { input, target },
    value: ((0.5 - 0.25) + (3 - 0.25) + 0 + 0.25 ** 2 / (2 * 0.5)) / 4,
    grad: { input: [1 / 4, -1 / 4, 0, 0.25 / 0.5 / 4] },
  },
  {
    name: "both branches, and the residual beta itself on either side",
    place: "PyTorch, SmoothL1Loss, B",
    code: "nn.SmoothL1Loss(beta=0.5, reduction='none')(x, torch.zeros(4))",
    options: { beta: 0.5, reduction: "none" },
    args: { input: float64([0.5, -0.5, 0.3, -3]), target: float64([0, 0, 0, 0]) },
    value: [0.25, 0.25, 0.3 ** 2 / (2 * 0.5), 3 - 0.25],
    grad: { input: [1, -1, 0.3 / 0.5, -1] },
  },
];

/** The document's description: "L2 Loss" below 1, "a shift of L1 Loss" above. */
export const formulas: { readonly value: DocumentFormula } = {
  value: {
    place: "平滑版L1损失 SmoothL1Loss",
    tex: String
      .raw`\frac{1}{2}(y - \hat y)^2 \text{ if } |y - \hat y| < 1, \quad |y - \hat y| - \frac{1}{2}`,
    text: "abs(y - x) < 1 ? square(y - x) / 2 : abs(y - x) - 1 / 2",
    departs:
      "The shift is beta / 2, and where it begins is an option, beta; the document knows beta = 1 only.",
  },
};
