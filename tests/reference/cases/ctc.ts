/**
 * CTCLoss: the document explains it in words and shows no call. The examples were computed for PyTorch's behaviour, with all
 * alignments written out.
 *
 * @module
 */

import { type CTCLossOptions, float64, int32, type Tensor } from "@lossbook/losses";
import type { Case } from "./_case.ts";

/** Three frames of scores for blank, 1 and 2. */
const scores = [[1, 0.5, -0.5], [0.2, 0.8, 0.1], [-0.3, 0.4, 0.9]];

/** The probabilities of a frame's scores. */
export function softmax(row: readonly number[]): number[] {
  const sum = row.reduce((sum, x) => sum + Math.exp(x), 0);
  return row.map((x) => Math.exp(x) / sum);
}

const p = scores.map(softmax);
const log = (rows: number[][]) => rows.map((row) => row.map(Math.log));

/** One class for each frame. */
type Alignment = readonly number[];

function probability(p: number[][], alignment: Alignment): number {
  return alignment.reduce((product, c, t) => product * p[t][c], 1);
}

function total(p: number[][], alignments: readonly Alignment[]): number {
  return alignments.reduce((sum, alignment) => sum + probability(p, alignment), 0);
}

/** For each frame and class, the share of the probability that passes through it: the occupancy γ. */
function shares(p: number[][], alignments: readonly Alignment[]): number[][] {
  return p.map((row, t) =>
    row.map((_, c) => total(p, alignments.filter((a) => a[t] === c)) / total(p, alignments))
  );
}

const times = (k: number, rows: number[][]) => rows.map((row) => row.map((x) => k * x));
const minus = (a: number[][], b: number[][]) => a.map((row, t) => row.map((x, c) => x - b[t][c]));
/** A batch of one sample. */
const batch = (rows: number[][]) => rows.map((row) => [row]);

/** All alignments of the labels 1 2 with three frames. */
const oneTwo = [[1, 1, 2], [1, 2, 2], [0, 1, 2], [1, 0, 2], [1, 2, 0]];
/** All alignments of the label 1 with two frames. */
const one = [[1, 1], [0, 1], [1, 0]];

const half = [[1 / 2, 1 / 2], [1 / 2, 1 / 2]];
const ones = [[1, 1], [1, 1]];

function args(
  name: "logProbs" | "logits",
  rows: number[][],
  targets: number[],
): Record<string, Tensor> {
  return {
    [name]: float64(batch(rows)),
    targets: int32([targets], [1, targets.length]),
    inputLengths: int32([rows.length]),
    targetLengths: int32([targets.length]),
  };
}

/** Two samples of two frames with equal probabilities: the labels 1 1, which need three frames, and the label 1. */
const scarce: Record<string, Tensor> = {
  logProbs: float64(log(half).map((row) => [row, row])),
  targets: int32([1, 1, 1]),
  inputLengths: int32([2, 2]),
  targetLengths: int32([2, 1]),
};
const noNumber = [NaN, NaN];

/** PyTorch's examples A to F, and the same from raw scores. */
export const cases: readonly Case<CTCLossOptions>[] = [
  {
    name: "two labels in three frames: five alignments, each label counts",
    place: "PyTorch, CTCLoss, A",
    code: "F.ctc_loss(lp, torch.tensor([[1, 2]]), (3,), (2,))",
    options: {},
    args: args("logProbs", log(p), [1, 2]),
    value: -Math.log(total(p, oneTwo)) / 2,
    grad: { logProbs: batch(times(-1 / 2, shares(p, oneTwo))) },
  },
  {
    name: "from raw scores: the gradient that PyTorch returns",
    place: "PyTorch, CTCLoss, A",
    code: 'F.ctc_loss(x.log_softmax(2), torch.tensor([[1, 2]]), (3,), (2,), reduction="none")',
    options: { logits: true, reduction: "none" },
    args: args("logits", scores, [1, 2]),
    value: [-Math.log(total(p, oneTwo))],
    grad: { logits: batch(minus(p, shares(p, oneTwo))) },
  },
  {
    name: "a label twice: the blank between cannot be left out",
    place: "PyTorch, CTCLoss, B",
    code: 'F.ctc_loss(lp, torch.tensor([[1, 1]]), (3,), (2,), reduction="none")',
    options: { reduction: "none" },
    args: args("logProbs", log(p), [1, 1]),
    value: [-Math.log(p[0][1]) - Math.log(p[1][0]) - Math.log(p[2][1])],
    grad: { logProbs: batch([[0, -1, 0], [-1, 0, 0], [0, -1, 0]]) },
  },
  {
    name: "no label: blanks only",
    place: "PyTorch, CTCLoss, C",
    code: "F.ctc_loss(lp, torch.empty(1, 0, dtype=torch.long), (3,), (0,))",
    options: {},
    args: args("logProbs", log(p), []),
    value: -Math.log(p[0][0]) - Math.log(p[1][0]) - Math.log(p[2][0]),
    grad: { logProbs: batch([[-1, 0, 0], [-1, 0, 0], [-1, 0, 0]]) },
  },
  {
    name: "a fair coin twice: three of four alignments",
    place: "PyTorch, CTCLoss, D",
    code: "F.ctc_loss(torch.full((2, 1, 2), 0.5).log(), torch.tensor([[1]]), (2,), (1,))",
    options: {},
    args: args("logProbs", log(half), [1]),
    value: -Math.log(3 / 4),
    grad: { logProbs: batch(times(-1, shares(half, one))) },
  },
  {
    name: "not normalised: below 0, and the true derivative",
    place: "PyTorch, CTCLoss, E",
    code: "F.ctc_loss(torch.zeros(2, 1, 2), torch.tensor([[1]]), (2,), (1,))",
    options: {},
    args: args("logProbs", log(ones), [1]),
    value: -Math.log(3),
    grad: { logProbs: batch([[-1 / 3, -2 / 3], [-1 / 3, -2 / 3]]) },
  },
  {
    name: "no alignment for the first sample: ∞",
    place: "PyTorch, CTCLoss, F",
    code: 'F.ctc_loss(lp2, torch.tensor([1, 1, 1]), (2, 2), (2, 1), reduction="none")',
    options: { reduction: "none" },
    args: scarce,
    value: [Infinity, -Math.log(3 / 4)],
    grad: { logProbs: [[noNumber, [-1 / 3, -2 / 3]], [noNumber, [-1 / 3, -2 / 3]]] },
  },
  {
    name: "and without it: 0, which still counts in the mean",
    place: "PyTorch, CTCLoss, F",
    code: "F.ctc_loss(lp2, torch.tensor([1, 1, 1]), (2, 2), (2, 1), zero_infinity=True)",
    options: { zeroInfinity: true },
    args: scarce,
    value: -Math.log(3 / 4) / 2,
    grad: { logProbs: [[[0, 0], [-1 / 6, -1 / 3]], [[0, 0], [-1 / 6, -1 / 3]]] },
  },
];
