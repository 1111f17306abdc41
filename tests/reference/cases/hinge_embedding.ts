/**
 * HingeEmbeddingLoss: the document's seeded example, computed from its seed, its formulas (two different losses under one
 * name), and PyTorch's results for numbers that can be checked by hand.
 *
 * @module
 */

import { float32, float64, type HingeEmbeddingLossOptions } from "@lossbook/losses";
import { TorchRandom } from "../torch/random.ts";
import { torchCosine, torchMean } from "../torch/sum.ts";
import type { Case, DocumentFormula } from "./_case.ts";

// torch.manual_seed(20)
const torch = new TorchRandom(20);
const a = torch.randn([100, 128]).data;
const b = torch.randn([100, 128]).data;
const row = (data: Float32Array, i: number) => data.subarray(128 * i, 128 * (i + 1));
// x = 1 - torch.cosine_similarity(a, b)
const distances = Float32Array.from(
  { length: 100 },
  (_, i) => 1 - torchCosine(row(a, i), row(b, i)),
);
// y = 2 * torch.empty(100).random_(2) - 1
const labels = torch.random([100], "float32", 2).data.map((y) => 2 * y - 1);

/** 100 cosine distances near 1: the loss of a similar pair is its distance, that of another pair is 0. */
export const seeded = { input: float32(distances), target: float32(labels) };

const PRINTED = `\
tensor([0.0000, 1.0821, 0.0000, 1.0337, 1.0798, 0.0000, 1.0582, 0.0000, 0.8795,
        0.0000, 1.1377, 0.0000, 0.9727, 1.0088, 0.0000, 0.0000, 0.0000, 0.0000,
        0.0000, 0.9941, 1.0539, 0.0000, 0.0000, 0.0000, 1.1907, 0.9647, 0.8875,
        0.8585, 0.9471, 0.0000, 0.0000, 0.9677, 0.0000, 0.0000, 0.0000, 0.8393,
        0.0000, 0.9900, 1.1510, 0.0000, 0.0000, 0.0000, 0.0000, 0.0000, 0.0000,
        0.9491, 0.9202, 0.0000, 0.9338, 1.0044, 0.0000, 1.1716, 1.0480, 0.8654,
        0.8302, 0.0000, 0.8969, 0.0000, 0.0000, 1.0293, 0.0000, 1.1107, 0.8257,
        0.9162, 1.0796, 1.0330, 0.0000, 0.9933, 0.0000, 0.0000, 1.0066, 0.0000,
        0.0000, 0.0000, 0.0000, 0.9410, 0.8609, 1.0060, 0.0000, 0.8454, 0.0000,
        1.0362, 0.0000, 1.0253, 1.0560, 1.0759, 0.9888, 0.0000, 1.0147, 0.8566,
        0.9453, 0.0000, 0.0000, 0.0000, 0.0000, 0.0000, 0.9874, 0.0000, 0.0000,
        1.0352])`;

/** The seeded example three times, then one that can be checked by hand. */
export const cases: readonly Case<HingeEmbeddingLossOptions>[] = [
  {
    name: "the 100 values (the document prints grad_fn=<AddBackward0> behind them)",
    place: "In [2]",
    code: 'nn.HingeEmbeddingLoss(margin=0.2, reduction="none")(x, y)',
    options: { margin: 0.2, reduction: "none" },
    args: seeded,
    printed: PRINTED,
  },
  {
    name: "their mean, added up in float32 in PyTorch's order",
    place: "In [2]",
    code: "nn.HingeEmbeddingLoss(margin=0.2)(x, y).item()",
    options: { margin: 0.2, reduction: "none" },
    args: seeded,
    printed: "0.4938560426235199",
    show: (value) => `${torchMean(value.data as Float32Array)}`,
  },
  {
    name:
      "their mean as this loss computes it, added up in float64: one float32 lower, and nearer to the truth",
    place: "In [2]",
    code: "nn.HingeEmbeddingLoss(margin=0.2)(x, y).item()",
    options: { margin: 0.2 },
    args: seeded,
    printed: "0.4938560128211975",
  },
  {
    name: "alike, different within the margin, at it and beyond it",
    place: "PyTorch, HingeEmbeddingLoss, A",
    code: "nn.HingeEmbeddingLoss()(x, y)",
    options: {},
    args: { input: float64([0.3, 0.3, 1, 2]), target: float64([1, -1, -1, -1]) },
    value: (0.3 + (1 - 0.3) + 0 + 0) / 4,
    grad: { input: [1 / 4, -1 / 4, 0, 0] },
  },
];

/** The document's two losses; x is ŷ in the first and the distance in the second. */
export const formulas: {
  readonly hinge: DocumentFormula;
  readonly hingeGradient: DocumentFormula;
  readonly embedding: DocumentFormula;
  readonly embeddingGradient: DocumentFormula;
} = {
  hinge: {
    place: "HingeEmbeddingLoss",
    tex: String.raw`J = HingeEmbeddingLoss(y, \hat y) = max(0, margin - y * \hat y) ,y ∈\{-1, 1\}`,
    text: "hinge(margin - y * x)",
    departs:
      "That is the hinge of support vector machines, another loss; PyTorch has the next one.",
  },
  hingeGradient: {
    place: "HingeEmbeddingLoss",
    tex: String.raw`\frac {\partial J}{\partial \hat y} = \begin{cases}
1 & y == -1 \text{ and } margin > -\hat y \\
0  & margin < y * \hat y \\
-1 & y == 1 \text{ and } margin > \hat y
\end{cases}`,
    text: "margin > y * x ? -y : 0",
    departs: "That is the gradient of the loss before, and right for it.",
  },
  embedding: {
    place: "HingeEmbeddingLoss",
    tex: String.raw`J = loss(x_i,y) = \begin{cases}
 x_i  &  y == 1\\
 max(0, margin - x_i) &  y == -1
 \end{cases}`,
    text: "y == 1 ? x : hinge(margin - x)",
  },
  embeddingGradient: {
    place: "HingeEmbeddingLoss",
    tex: String.raw`\frac {\partial J}{\partial _i } = \begin{cases}
 1 & y == 1 \\
 0 & y == -1 \text{ and  }margin< x_i \\
 -1 & y== -1 \text{ and  }margin> x_i
 \end{cases}`,
    text: "y == 1 ? 1 : margin > x ? -1 : 0",
    departs: "It leaves x = margin open, where PyTorch has 0.",
  },
};
