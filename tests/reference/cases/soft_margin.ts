/**
 * SoftMarginLoss: the document's example in its three reductions with its check in Python's doubles, its formulas, and PyTorch's
 * results for numbers that can be checked by hand.
 *
 * @module
 */

import { float32, float64, type SoftMarginLossOptions } from "@lossbook/losses";
import { torchSum } from "../torch/sum.ts";
import type { Case, DocumentFormula } from "./_case.ts";

const input = float32([[0.1, 0.2, 0.4, 0.8], [0.1, 0.2, 0.4, 0.8]]);
const target = float32([[1, -1, 1, 1], [1, -1, 1, 1]]);

/** `validate_SoftMarginLoss` of the document, which adds one term after the other in doubles. */
function validate(): number {
  let val = 0;
  input.data.forEach((x, i) => val += Math.log(1 + Math.exp(-target.data[i] * x)));
  return val / 8;
}

const f = Math.fround;

/**
 * The sum as the document's PyTorch computed it: log(1 + exp(-y x)), where 1 + exp(-y x) is rounded to float32 before its
 * logarithm is taken. Two of the four different entries lose their last digit by that; PyTorch 2.14 rounds as this loss does.
 */
function roundedInBetween(): number {
  const each = (x: number, i: number) => f(Math.log(f(1 + f(Math.exp(-target.data[i] * x)))));
  return torchSum(Float32Array.from(input.data, each));
}

const wrong = (x: number) => 1 / (1 + Math.exp(x));

/** The document's eight scores; then three that can be checked by hand; then some that overflow in PyTorch. */
export const cases: readonly Case<SoftMarginLossOptions>[] = [
  {
    name: "one value for each score",
    place: "SoftMarginLoss, In [7]",
    code: 'nn.SoftMarginLoss(reduction="none")(x, y)',
    options: { reduction: "none" },
    args: { input, target },
    printed:
      "tensor([[0.6444, 0.7981, 0.5130, 0.3711],\n        [0.6444, 0.7981, 0.5130, 0.3711]])",
  },
  {
    name: "their sum: two float32 above the printed one, which was rounded in between",
    place: "SoftMarginLoss, In [7], in PyTorch 2.14",
    code: 'nn.SoftMarginLoss(reduction="sum")(x, y).item()',
    options: { reduction: "sum" },
    args: { input, target },
    printed: "4.653303146362305",
    byHand: {
      code: "torch.log(1 + torch.exp(-y * x)).sum().item()",
      value: roundedInBetween(),
      printed: "4.653302192687988",
    },
  },
  {
    name: "their sum over their number, also two float32 above",
    place: "SoftMarginLoss, In [7], in PyTorch 2.14",
    code: "loss_val.item() / x.nelement()",
    options: { reduction: "sum" },
    args: { input, target },
    printed: "0.5816628932952881",
    show: (value) => `${value.item() / 8}`,
    byHand: {
      code: "torch.log(1 + torch.exp(-y * x)).sum().item() / x.nelement()",
      value: roundedInBetween() / 8,
      printed: "0.5816627740859985",
    },
  },
  {
    name: "their mean, beside the same in Python's doubles",
    place: "SoftMarginLoss, In [7], in PyTorch 2.14",
    code: 'nn.SoftMarginLoss(reduction="mean")(x, y).item()',
    options: { reduction: "mean" },
    args: { input, target },
    printed: "0.5816628932952881",
    byHand: {
      code: "validate_SoftMarginLoss(x, y)",
      value: validate(),
      printed: "0.5816628606614725",
    },
  },
  {
    name: "the mean of a right score and two wrong ones",
    place: "PyTorch, SoftMarginLoss, A",
    code: "nn.SoftMarginLoss()(x, y)",
    options: {},
    args: { input: float64([0.5, 0.5, -2]), target: float64([1, -1, 1]) },
    value:
      (Math.log(1 + Math.exp(-0.5)) + Math.log(1 + Math.exp(0.5)) + Math.log(1 + Math.exp(2))) / 3,
    grad: { input: [-wrong(0.5) / 3, wrong(-0.5) / 3, -wrong(-2) / 3] },
  },
  {
    name: "far scores on the wrong side: the value grows like the score",
    place: "PyTorch, SoftMarginLoss, B",
    code: "nn.SoftMarginLoss(reduction='none')(x, y)",
    options: { reduction: "none" },
    args: { input: float64([-700, 40]), target: float64([1, -1]) },
    value: [700, 40],
    grad: { input: [-1, 1] },
  },
];

/** The document's two formulas; x is the score. */
export const formulas: { readonly value: DocumentFormula; readonly mean: DocumentFormula } = {
  value: {
    place: "2分类的logistic损失 SoftMarginLoss",
    tex: String
      .raw`loss = \log(1 + e^{-y * \hat y}), \hat y = \sigma (x) = \frac {e^{\hat x}}{ 1 + e^{\hat x}}`,
    text: "log(1 + exp(-y * sigmoid(x)))",
    departs: "PyTorch takes the raw score x for ŷ: there is no sigmoid.",
  },
  mean: {
    place: "2分类的logistic损失 SoftMarginLoss",
    tex: String.raw`loss = \frac {\sum_i (\log (1 + e ^{-y[i]*x[i]}))}{x.nelement}`,
    text: "log(1 + exp(-y * x))",
  },
};
