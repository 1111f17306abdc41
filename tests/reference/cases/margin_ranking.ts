/**
 * MarginRankingLoss: the document's example, which it runs unseeded and without printing, from a seed; its formula; and PyTorch's
 * results for numbers that can be checked by hand.
 *
 * @module
 */

import { float32, float64, type MarginRankingLossOptions } from "@lossbook/losses";
import { TorchRandom } from "../torch/random.ts";
import type { Case, DocumentFormula } from "./_case.ts";

// torch.manual_seed(20); torch.randn(3), torch.randn(3), torch.randn(3).sign()
const torch = new TorchRandom(20);
const [input1, input2] = [float32(torch.randn(3).data), float32(torch.randn(3).data)];
const target = float32(torch.randn(3).data.map(Math.sign));

/** Three pairs in the wrong order; then one in the right order, one within the margin, one at it; then a tie. */
export const cases: readonly Case<MarginRankingLossOptions>[] = [
  {
    name: "with the seed 20, which the document sets only a few lines further down",
    place: "In [2]",
    code: "nn.MarginRankingLoss()(input1, input2, target)",
    options: {},
    args: { input1, input2, target },
    printed: "tensor(1.0442)",
    show: (value) => `${value}`,
    grad: { input1: [1 / 3, 1 / 3, 1 / 3], input2: [-1 / 3, -1 / 3, -1 / 3] },
  },
  {
    name: "a margin, and labels of both kinds",
    place: "PyTorch, MarginRankingLoss, A",
    code: "nn.MarginRankingLoss(margin=0.5)(x1, x2, y)",
    options: { margin: 0.5 },
    args: {
      input1: float64([1, 2, 0]),
      input2: float64([1.2, 1, 0.3]),
      target: float64([1, 1, -1]),
    },
    value: (0.5 + 0.2 + 0 + (0.5 - 0.3)) / 3,
    grad: {
      input1: [-1 / 3, 0, 1 / 3],
      input2: [1 / 3, 0, -1 / 3],
      target: [0.2 / 3, 0, 0.3 / 3],
    },
  },
  {
    name: "a tie costs nothing without a margin, and stays a tie",
    place: "PyTorch, MarginRankingLoss, B",
    code: "nn.MarginRankingLoss(margin=0, reduction='none')(x1, x2, y)",
    options: { margin: 0, reduction: "none" },
    args: { input1: float64([1, 2]), input2: float64([1, 1]), target: float64([1, 1]) },
    value: [0, 0],
    grad: { input1: [0, 0], input2: [0, 0] },
  },
];

/** The document's value; x1 and x2 are ŷ_p and ŷ_n there. */
export const formulas: { readonly value: DocumentFormula } = {
  value: {
    place: "MarginRankingLoss",
    tex: String.raw`MarginRankingLoss = max(0, -y * (\hat y_p - \hat y_n) + margin)`,
    text: "hinge(-y * (x1 - x2) + margin)",
    departs:
      "Neither score belongs to a positive or a negative: y says which of the two is to be higher.",
  },
};
