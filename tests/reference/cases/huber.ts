/**
 * HuberLoss: the document has no section of its own for it; SmoothL1Loss with the same delta is delta times smaller.
 *
 * @module
 */

import { float64, type HuberLossOptions } from "@lossbook/losses";
import type { Case } from "./_case.ts";

const input = float64([1, -2, 0.5, 0.25]);
const target = float64([0.5, 1, 0.5, 0]);

/** Residuals 0.5, -3, 0 and 0.25: on both sides of each delta. */
export const cases: readonly Case<HuberLossOptions>[] = [
  {
    name: "delta below the residuals: three straight lines, one parabola",
    place: "PyTorch, HuberLoss, A",
    code: "F.huber_loss(x, y, delta=0.5)",
    options: { delta: 0.5 },
    args: { input, target },
    value: (0.5 * (0.5 - 0.25) + 0.5 * (3 - 0.25) + 0 + 0.25 ** 2 / 2) / 4,
    grad: {
      input: [0.5 / 4, -0.5 / 4, 0, 0.25 / 4],
      target: [-0.5 / 4, 0.5 / 4, 0, -0.25 / 4],
    },
  },
  {
    name: "delta above all residuals but one",
    place: "PyTorch, HuberLoss, A",
    code: "F.huber_loss(x, y, delta=2)",
    options: { delta: 2 },
    args: { input, target },
    value: (0.5 ** 2 / 2 + 2 * (3 - 1) + 0 + 0.25 ** 2 / 2) / 4,
    grad: { input: [0.5 / 4, -2 / 4, 0, 0.25 / 4] },
  },
  {
    name: "a weight for each element; the mean is still over their number",
    place: "PyTorch, HuberLoss, B",
    code: "F.huber_loss(x, y, delta=0.5, weight=torch.tensor([1., 2., 1., 4.]))",
    options: { delta: 0.5, weight: float64([1, 2, 1, 4]) },
    args: { input, target },
    value: (1 * 0.125 + 2 * 1.375 + 0 + 4 * 0.03125) / 4,
    grad: {
      input: [0.5 / 4, 2 * -0.5 / 4, 0, 4 * 0.25 / 4],
      weight: [0.125 / 4, 1.375 / 4, 0, 0.03125 / 4],
    },
  },
];

/** The document's description of SmoothL1Loss, which for delta = 1 describe this loss as well. */
export { formulas } from "./smooth_l1.ts";
