/**
 * AdaptiveLogSoftmaxWithLoss: the document has no section on it; one layer whose probabilities are fractions, and PyTorch's
 * results for another.
 *
 * @module
 */

import {
  type AdaptiveLogSoftmaxWithLossOptions,
  float64,
  int32,
  type NestedArray,
  type Tensor,
} from "@lossbook/losses";
import type { Case } from "./_case.ts";

/** A call of a layer, with its parameters and all its results. */
export interface AdaptiveCase extends Case<AdaptiveLogSoftmaxWithLossOptions> {
  readonly parameters: Readonly<Record<string, Tensor>>;
  readonly output: number | NestedArray;
  readonly logProb?: NestedArray;
  readonly predict?: NestedArray;
}

const { log, LN2 } = Math;

// The scores of [log 2, log 3] are log 2, log 3 and log 6 in the head, ± log 2 in the cluster.
const fractions = {
  options: { inFeatures: 2, nClasses: 4, cutoffs: [2], divValue: 2 },
  parameters: {
    "head.weight": float64([[1, 0], [0, 1], [1, 1]]),
    "tail.0.0.weight": float64([[1, 0]]),
    "tail.0.1.weight": float64([[1], [-1]]),
  },
};
const sample = [LN2, log(3)];

// PyTorch's results, with all their digits.
const given = {
  options: { inFeatures: 2, nClasses: 4, cutoffs: [2], divValue: 2 },
  parameters: {
    "head.weight": float64([[0.1, 0.2], [-0.3, 0.4], [0.5, -0.6]]),
    "tail.0.0.weight": float64([[0.7, -0.8]]),
    "tail.0.1.weight": float64([[0.9], [-1]]),
  },
};
const biased = {
  options: { ...given.options, headBias: true },
  parameters: { ...given.parameters, "head.bias": float64([0.1, -0.2, 0.3]) },
};

export const cases: readonly AdaptiveCase[] = [
  {
    name: "a class of the shortlist and one of the cluster, in fractions",
    place: "by hand",
    code: "m(torch.log(torch.tensor([[2., 3.], [2., 3.]])), torch.tensor([1, 3]))",
    ...fractions,
    args: { input: float64([sample, sample]), target: int32([1, 3]) },
    output: [log(3 / 11), log(6 / 11 * 1 / 5)],
    value: -(log(3 / 11) + log(6 / 55)) / 2,
    grad: {
      "head.weight": [
        sample.map((x) => (2 / 11 + 2 / 11) / 2 * x),
        sample.map((x) => (3 / 11 - 1 + 3 / 11) / 2 * x),
        sample.map((x) => (6 / 11 + 6 / 11 - 1) / 2 * x),
      ],
      "tail.0.1.weight": [[4 / 5 / 2 * LN2], [(1 / 5 - 1) / 2 * LN2]],
      "tail.0.0.weight": [sample.map((x) => (4 / 5 + 4 / 5) / 2 * x)],
    },
    logProb: [1, 2].map(() => [log(2 / 11), log(3 / 11), log(6 / 11 * 4 / 5), log(6 / 11 / 5)]),
    predict: [2, 2],
  },
  {
    name: "three samples",
    place: "PyTorch, AdaptiveLogSoftmaxWithLoss, 1",
    code: "m(x, torch.tensor([0, 3, 2]))",
    ...given,
    args: { input: float64([[1, 2], [-1, 0.5], [0.3, -0.7]]), target: int32([0, 3, 2]) },
    output: [-0.8334282107562291, -2.0473883209128414, -0.8486686571208371],
    value: 1.243161729596636,
    grad: {
      input: [
        [-0.04048945742869266, -0.00593248052362768],
        [-0.13615372415927202, 0.20769896868601173],
        [-0.17385889176246172, 0.23509596506476893],
      ],
      "head.weight": [
        [-0.26937278804121323, -0.38547121029192577],
        [-0.011951888196370903, 0.33035986221187097],
        [0.28132467623758417, 0.05511134808005473],
      ],
      "tail.0.0.weight": [[-0.10543432367391598, 0.11820693278489772]],
      "tail.0.1.weight": [[-0.08861556463139968], [0.08861556463139966]],
    },
    logProb: [
      [-0.8334282107562291, -0.8334282107562291, -3.9096761027478846, -2.199676102747884],
      [-1.1307729571044476, -0.6307729571044475, -4.137388320912842, -2.0473883209128414],
      [-1.3204027431018905, -1.5804027431018906, -0.8486686571208371, -2.311668657120837],
    ],
    predict: [0, 1, 2],
  },
  {
    name: "one sample and a bias; no label in the cluster, so no gradient there",
    place: "PyTorch, AdaptiveLogSoftmaxWithLoss, 2",
    code: "m(torch.tensor([1., 2.]), torch.tensor(1))",
    ...biased,
    args: { input: float64([1, 2]), target: int32(1) },
    output: -1.0460705350576003,
    value: 1.0460705350576003,
    grad: {
      input: [0.32925704120475374, -0.2693033958563695],
      "head.bias": [0.4742263521652424, -0.6486844775885634, 0.17445812542332095],
      "tail.0.0.weight": [[0, 0]],
      "tail.0.1.weight": [[0], [0]],
    },
  },
  {
    name: "one sample and a bias, the label in the cluster",
    place: "PyTorch, AdaptiveLogSoftmaxWithLoss, 2",
    code: "m(torch.tensor([1., 2.]), torch.tensor(2))",
    ...biased,
    args: { input: float64([1, 2]), target: int32(2) },
    output: -3.622318427049256,
    value: 3.622318427049256,
    grad: {
      input: [-1.5970352168276818, 2.0178877561807],
      "head.bias": [0.4742263521652424, 0.35131552241143665, -0.825541874576679],
      "tail.0.0.weight": [[-1.6089889400463364, -3.217977880092673]],
      "tail.0.1.weight": [[0.7621526558114226], [-0.7621526558114226]],
    },
  },
];
