/**
 * The helpers: the log-probabilities that the document prints, and PyTorch's results for numbers that can be checked by hand.
 *
 * @module
 */

import { float32, float64, type NestedArray, type Tensor, type TensorLike } from "@lossbook/losses";
import type { Case } from "./_case.ts";

/** An example names the helper that it calls; its options go to the call. */
export interface HelperCase extends Case {
  readonly helper:
    | "softmax"
    | "logSoftmax"
    | "logSigmoid"
    | "pairwiseDistance"
    | "cosineSimilarity";
  /** The upstream gradient, ones by default. */
  readonly gradOutput?: TensorLike;
}

const row = [0.8, 0.9, 0.3];
const scores = float64([1, 2, 3]);
/** The sum of exp(x - 3). */
const s = Math.exp(-2) + Math.exp(-1) + 1;
const p = [Math.exp(-2) / s, Math.exp(-1) / s, 1 / s];
const g = [1, 2, -1];
const dot = p.reduce((sum, p, i) => sum + p * g[i], 0);
const tensor = (numbers: NestedArray): Tensor => float64(numbers);

export const cases: readonly HelperCase[] = [
  {
    helper: "logSoftmax",
    name: "four times the same scores",
    place: "NLLLoss, In [9]",
    code: "torch.nn.LogSoftmax(dim=1)(input_src)",
    options: { dim: 1 },
    args: { input: float32([row, row, row, row]) },
    printed: "tensor([[-0.9976, -0.8976, -1.4976],\n" +
      "        [-0.9976, -0.8976, -1.4976],\n" +
      "        [-0.9976, -0.8976, -1.4976],\n" +
      "        [-0.9976, -0.8976, -1.4976]])",
  },
  {
    helper: "logSoftmax",
    name: "its gradient, through an upstream gradient",
    place: "PyTorch, log_softmax",
    code: "F.log_softmax(x, dim=0)",
    options: {},
    args: { input: scores },
    value: [-2 - Math.log(s), -1 - Math.log(s), -Math.log(s)],
    gradOutput: g,
    grad: { input: p.map((p, i) => g[i] - p * (1 + 2 - 1)) },
  },
  {
    helper: "softmax",
    name: "its gradient, through an upstream gradient",
    place: "PyTorch, softmax",
    code: "F.softmax(x, dim=0)",
    options: {},
    args: { input: scores },
    value: p,
    gradOutput: g,
    grad: { input: p.map((p, i) => p * (g[i] - dot)) },
  },
  {
    helper: "logSigmoid",
    name: "at 0, on both sides, and where exp would overflow or vanish",
    place: "PyTorch, logsigmoid",
    code: "F.logsigmoid(x)",
    options: {},
    args: { input: tensor([0, 1.5, -1.5, -800, 40]) },
    value: [
      -Math.LN2,
      -Math.log1p(Math.exp(-1.5)),
      -1.5 - Math.log1p(Math.exp(-1.5)),
      -800,
      -Math.log1p(Math.exp(-40)),
    ],
    grad: {
      input: [
        1 / 2,
        1 / (1 + Math.exp(1.5)),
        1 / (1 + Math.exp(-1.5)),
        1,
        1 / (1 + Math.exp(40)),
      ],
    },
  },
  {
    helper: "pairwiseDistance",
    name: "equal points, at a distance of eps √2, and others",
    place: "PyTorch, pairwise_distance",
    code: "F.pairwise_distance(x1, x2)",
    options: {},
    args: { x1: tensor([[1, 2], [1, 1]]), x2: tensor([[1, 2], [0, 0]]) },
    value: [1e-6 * Math.SQRT2, (1 + 1e-6) * Math.SQRT2],
    grad: {
      x1: [[Math.SQRT1_2, Math.SQRT1_2], [Math.SQRT1_2, Math.SQRT1_2]],
      x2: [[-Math.SQRT1_2, -Math.SQRT1_2], [-Math.SQRT1_2, -Math.SQRT1_2]],
    },
  },
  {
    helper: "pairwiseDistance",
    name: "p = 3",
    place: "PyTorch, pairwise_distance",
    code: "F.pairwise_distance(x1, x2, p=3, eps=0)",
    options: { p: 3, eps: 0 },
    args: { x1: tensor([1, -2]), x2: tensor([0, 0]) },
    value: Math.cbrt(9),
    grad: { x1: [1 / Math.cbrt(81), -4 / Math.cbrt(81)] },
  },
  {
    helper: "pairwiseDistance",
    name: "p = ∞: ties share",
    place: "PyTorch, pairwise_distance",
    code: 'F.pairwise_distance(x1, x2, p=float("inf"), eps=0)',
    options: { p: Infinity, eps: 0 },
    args: { x1: tensor([3, -3, 1]), x2: tensor([0, 0, 0]) },
    value: 3,
    grad: { x1: [1 / 2, -1 / 2, 0], x2: [-1 / 2, 1 / 2, 0] },
  },
  {
    helper: "cosineSimilarity",
    name: "a zero vector: eps takes the place of its length",
    place: "PyTorch, cosine_similarity",
    code: "F.cosine_similarity(x1, x2)",
    options: {},
    args: { x1: tensor([[1, 2], [0, 0]]), x2: tensor([[2, 1], [3, 4]]) },
    value: [4 / 5, 0],
    grad: {
      x1: [[2 / 5 - 4 / 25, 1 / 5 - 8 / 25], [3 / 5 / 1e-8, 4 / 5 / 1e-8]],
      x2: [[1 / 5 - 8 / 25, 2 / 5 - 4 / 25], [0, 0]],
    },
  },
  {
    helper: "cosineSimilarity",
    name: "both lengths below eps: constants in the value, but differentiated",
    place: "PyTorch, cosine_similarity",
    code: "F.cosine_similarity(x1, x2, dim=0, eps=10)",
    options: { dim: 0, eps: 10 },
    args: { x1: tensor([3, 4]), x2: tensor([1, 0]) },
    value: 3 / 100,
    grad: {
      x1: [1 / 100 - 3 / 100 * 3 / 50, -3 / 100 * 4 / 50],
      x2: [3 / 100 - 3 / 100 * 1 / 10, 4 / 100],
    },
  },
];
