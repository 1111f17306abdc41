/**
 * LinearCrossEntropyLoss: the document has no section on it; a layer whose probabilities are fractions.
 *
 * @module
 */

import { float64, int32, type LinearCrossEntropyLossOptions, type Tensor } from "@lossbook/losses";
import type { Case } from "./_case.ts";

/** A call of a layer, with its parameters. */
export interface LinearCase extends Case<LinearCrossEntropyLossOptions> {
  readonly parameters: Readonly<Record<string, Tensor>>;
}

const { log } = Math;

// The scores of [log 2, log 3] are log 2, log 3 and log 6: probabilities 2/11, 3/11 and 6/11.
const x = [log(2), log(3)];
const input = float64([x]);
const layer = { inFeatures: 2, numClasses: 3 };
const parameters = { "linear.weight": float64([[1, 0], [0, 1], [1, 1]]) };
const times = (slope: number) => x.map((feature) => slope * feature);

export const cases: readonly LinearCase[] = [
  {
    name: "one label",
    place: "by hand",
    code: "m(torch.log(torch.tensor([[2., 3.]])), torch.tensor([1]))",
    options: layer,
    parameters,
    args: { input, target: int32([1]) },
    value: log(11 / 3),
    grad: {
      input: [[2 / 11 + 6 / 11, 3 / 11 - 1 + 6 / 11]],
      "linear.weight": [times(2 / 11), times(3 / 11 - 1), times(6 / 11)],
    },
  },
  {
    name: "a bias that makes all scores log 6",
    place: "by hand",
    code: "m(torch.log(torch.tensor([[2., 3.]])), torch.tensor([0]))",
    options: { ...layer, bias: true },
    parameters: { ...parameters, "linear.bias": float64([log(3), log(2), 0]) },
    args: { input, target: int32([0]) },
    value: log(3),
    grad: {
      input: [[1 / 3 - 1 + 1 / 3, 1 / 3 + 1 / 3]],
      "linear.weight": [times(1 / 3 - 1), times(1 / 3), times(1 / 3)],
      "linear.bias": [1 / 3 - 1, 1 / 3, 1 / 3],
    },
  },
  {
    name: "class weights: the mean is divided by those of the labels",
    place: "by hand",
    code: "m(torch.log(torch.tensor([[2., 3.], [2., 3.]])), torch.tensor([0, 2]))",
    options: { ...layer, weight: float64([1, 2, 3]) },
    parameters,
    args: { input: float64([x, x]), target: int32([0, 2]) },
    value: (1 * log(11 / 2) + 3 * log(11 / 6)) / (1 + 3),
    grad: {
      "linear.weight": [
        times((2 / 11 - 1 + 3 * (2 / 11)) / 4),
        times((3 / 11 + 3 * (3 / 11)) / 4),
        times((6 / 11 + 3 * (6 / 11 - 1)) / 4),
      ],
    },
  },
  {
    name: "probabilities",
    place: "by hand",
    code: "m(torch.log(torch.tensor([[2., 3.]])), torch.tensor([[0.5, 0.25, 0.25]]))",
    options: layer,
    parameters,
    args: { input, target: float64([[0.5, 0.25, 0.25]]) },
    value: 0.5 * log(11 / 2) + 0.25 * log(11 / 3) + 0.25 * log(11 / 6),
    grad: {
      "linear.weight": [times(2 / 11 - 0.5), times(3 / 11 - 0.25), times(6 / 11 - 0.25)],
      target: [[log(11 / 2), log(11 / 3), log(11 / 6)]],
    },
  },
];
