/**
 * The panels in the picture of all losses: value and gradient as functions of the number that shows best how a loss works.
 *
 * @module
 */

import {
  AdaptiveLogSoftmaxWithLoss,
  BCELoss,
  BCEWithLogitsLoss,
  CosineEmbeddingLoss,
  CrossEntropyLoss,
  CTCLoss,
  float64,
  GaussianNLLLoss,
  HingeEmbeddingLoss,
  HuberLoss,
  KLDivLoss,
  L1Loss,
  LinearCrossEntropyLoss,
  MarginRankingLoss,
  MSELoss,
  MultiLabelMarginLoss,
  MultiLabelSoftMarginLoss,
  MultiMarginLoss,
  NLLLoss,
  PoissonNLLLoss,
  SmoothL1Loss,
  SoftMarginLoss,
  type Tensor,
  TripletMarginLoss,
  TripletMarginWithDistanceLoss,
} from "@lossbook/losses";
import type { PairLoss } from "../experiments/loss.ts";

/** What a loss compares; panels and chapters are grouped by it. */
export type Group = "numbers" | "classes" | "pairs";

/** A loss and its derivative at one place. */
type Point = readonly [loss: number, gradient: number];

/** A loss as a function of one number. */
export interface Curve {
  /** Value and derivative, computed by the loss. */
  at: (x: number) => Point;
  /** Where the derivative jumps. */
  kinks?: readonly number[];
}

/** What is drawn of one loss. */
export interface LossPanel {
  /** The class, with which the panel is headed. */
  loss: string;
  /** What the loss compares. */
  group: Group;
  /** Title of the x-axis, which also says what the dashed curve is. */
  over: string;
  /** Ends of the x-axis. */
  range: readonly [low: number, high: number];
  /** True if the ends are left out, because the loss or its gradient is infinite or clamped there. */
  isOpen?: boolean;
  /** The curve, and possibly a second one for the other label or another option. */
  curves: readonly [Curve, Curve?];
}

/** The loss of a prediction x. */
function pair(loss: PairLoss, target: number, kinks?: readonly number[]): Curve {
  return { at: (x) => point(loss.valueAndGrad(x, target), "input"), kinks };
}

/** The loss of a row of scores, of which x is the first. */
function row(loss: PairLoss, others: number[], target: number[] | number[][]): Curve {
  return { at: (x) => point(loss.valueAndGrad([[x, ...others]], target), "input") };
}

function point<Name extends string>(
  { value, grad }: { value: Tensor; grad: Readonly<Record<Name, Tensor>> },
  name: Name,
): Point {
  return [value.item(), grad[name].data[0]];
}

/**
 * The loss of (1, 0) and a unit vector at an angle to it. The chain rule turns the gradient with respect to the components
 * into the derivative with respect to the angle.
 */
function ofAngle(target: number, kinks: readonly number[]): Curve {
  const loss = new CosineEmbeddingLoss();
  const at = (angle: number): Point => {
    // Math.cos(π / 2) is not 0, but this is.
    const [cos, sin] = [Math.sin(Math.PI / 2 - angle), Math.sin(angle)];
    const { value, grad } = loss.valueAndGrad([1, 0], [cos, sin], target, { wrt: ["input2"] });
    const [dx, dy] = grad.input2.data;
    return [value.item(), dy * cos - dx * sin];
  };
  return { at, kinks };
}

/** The label has score x in both of two frames, the blank has 0: the derivative is the sum over the frames. */
function twoFrames(): Curve {
  const loss = new CTCLoss({ logits: true });
  return {
    at(x) {
      const { value, grad } = loss.valueAndGrad([[0, x], [0, x]], [1], 2, 1);
      const [, first, , second] = grad.logits.data;
      return [value.item(), first + second];
    },
  };
}

/** The feature x is the score of class 0, and -x that of the cluster of the classes 1 and 2. */
function adaptive(label: number): Curve {
  const loss = new AdaptiveLogSoftmaxWithLoss({
    inFeatures: 1,
    nClasses: 3,
    cutoffs: [1],
    divValue: 1,
    dtype: "float64",
  });
  loss.setParameters({
    "head.weight": [[1], [-1]],
    "tail.0.0.weight": [[1]],
    "tail.0.1.weight": [[1], [-1]],
  });
  return { at: (x) => point(loss.valueAndGrad([[x]], [label]), "input") };
}

function linear(): Curve {
  const loss = new LinearCrossEntropyLoss({ inFeatures: 1, numClasses: 2, dtype: "float64" });
  loss.setParameters({ "linear.weight": [[1], [-1]] });
  return { at: (x) => point(loss.valueAndGrad([[x]], [0]), "input") };
}

/** The anchor is at 0, the positive at 1, the negative at x. */
function triplet(loss: TripletMarginLoss | TripletMarginWithDistanceLoss, kinks: number[]): Curve {
  const at = (x: number) =>
    point(loss.valueAndGrad([[0]], [[1]], [[x]], { wrt: ["negative"] }), "negative");
  return { at, kinks };
}

/** Half the squared distance, whose gradient is the difference. */
const HALF_SQUARED_DISTANCE = {
  forward: (x1: Tensor, x2: Tensor): Tensor =>
    float64(Array.from(x1.data, (a, i) => (a - x2.data[i]) ** 2 / 2)),
  valueAndGrad(x1: Tensor, x2: Tensor, { gradOutput }: { gradOutput: Tensor }) {
    const grad = Array.from(x1.data, (a, i) => (a - x2.data[i]) * gradOutput.data[i]);
    return { grad: { x1: float64(grad, x1.shape), x2: float64(grad.map((g) => -g), x1.shape) } };
  },
};

function gaussian(residual: number): Curve {
  const loss = new GaussianNLLLoss();
  return { at: (x) => point(loss.valueAndGrad(residual, 0, x, { wrt: ["var"] }), "var") };
}

function ranking(target: number, margin: number): Curve {
  const loss = new MarginRankingLoss({ margin });
  const at = (x: number) => point(loss.valueAndGrad([x], [0], [target]), "input1");
  return { at, kinks: [margin * target] };
}

/** Every loss of the package, in the order of the picture. */
export const lossPanels: readonly LossPanel[] = [
  {
    loss: "L1Loss",
    group: "numbers",
    over: "residual x − y",
    range: [-3, 3],
    curves: [pair(new L1Loss(), 0, [0])],
  },
  {
    loss: "MSELoss",
    group: "numbers",
    over: "residual x − y",
    range: [-3, 3],
    curves: [pair(new MSELoss(), 0)],
  },
  {
    loss: "SmoothL1Loss",
    group: "numbers",
    over: "residual; dashed: beta = 3",
    range: [-3, 3],
    curves: [pair(new SmoothL1Loss(), 0), pair(new SmoothL1Loss({ beta: 3 }), 0)],
  },
  {
    loss: "HuberLoss",
    group: "numbers",
    over: "residual; dashed: delta = 2",
    range: [-3, 3],
    curves: [pair(new HuberLoss(), 0), pair(new HuberLoss({ delta: 2 }), 0)],
  },
  {
    loss: "PoissonNLLLoss",
    group: "numbers",
    over: "log rate; y = 2, dashed: 0",
    range: [-3, 3],
    curves: [pair(new PoissonNLLLoss(), 2), pair(new PoissonNLLLoss(), 0)],
  },
  {
    loss: "GaussianNLLLoss",
    group: "numbers",
    over: "var; residual 1, dashed: 2",
    range: [0, 6],
    isOpen: true,
    curves: [gaussian(1), gaussian(2)],
  },
  {
    loss: "CrossEntropyLoss",
    group: "classes",
    over: "lead; dashed: labelSmoothing",
    range: [-4, 4],
    curves: [
      row(new CrossEntropyLoss(), [0], [0]),
      row(new CrossEntropyLoss({ labelSmoothing: 0.3 }), [0], [0]),
    ],
  },
  {
    loss: "NLLLoss",
    group: "classes",
    over: "log q of the label",
    range: [-4, 0],
    curves: [row(new NLLLoss(), [0], [0])],
  },
  {
    loss: "KLDivLoss",
    group: "classes",
    over: "log q; y = ½, dashed: 1",
    range: [-4, 0],
    curves: [pair(new KLDivLoss(), 0.5), pair(new KLDivLoss(), 1)],
  },
  {
    loss: "BCELoss",
    group: "classes",
    over: "probability; y = 1, dashed: 0",
    range: [0, 1],
    isOpen: true,
    curves: [pair(new BCELoss(), 1), pair(new BCELoss(), 0)],
  },
  {
    loss: "BCEWithLogitsLoss",
    group: "classes",
    over: "score; y = 1, dashed: 0",
    range: [-4, 4],
    curves: [pair(new BCEWithLogitsLoss(), 1), pair(new BCEWithLogitsLoss(), 0)],
  },
  {
    loss: "SoftMarginLoss",
    group: "classes",
    over: "score; y = 1, dashed: −1",
    range: [-4, 4],
    curves: [pair(new SoftMarginLoss(), 1), pair(new SoftMarginLoss(), -1)],
  },
  {
    loss: "MultiLabelSoftMarginLoss",
    group: "classes",
    over: "1 of 2 scores; y = 1, dashed: 0",
    range: [-4, 4],
    curves: [
      row(new MultiLabelSoftMarginLoss(), [0], [[1, 0]]),
      row(new MultiLabelSoftMarginLoss(), [0], [[0, 0]]),
    ],
  },
  {
    loss: "MultiMarginLoss",
    group: "classes",
    over: "lead; dashed: p = 2",
    range: [-4, 4],
    curves: [
      { ...row(new MultiMarginLoss(), [0], [0]), kinks: [1] },
      row(new MultiMarginLoss({ p: 2 }), [0], [0]),
    ],
  },
  {
    loss: "MultiLabelMarginLoss",
    group: "classes",
    over: "score; two others at ±1",
    range: [-4, 4],
    curves: [{ ...row(new MultiLabelMarginLoss(), [-1, 1], [[0, -1, -1]]), kinks: [0, 2] }],
  },
  {
    loss: "CTCLoss",
    group: "classes",
    over: "score of the label, 2 frames",
    range: [-4, 4],
    curves: [twoFrames()],
  },
  {
    loss: "LinearCrossEntropyLoss",
    group: "classes",
    over: "feature, of weights ±1",
    range: [-4, 4],
    curves: [linear()],
  },
  {
    loss: "AdaptiveLogSoftmaxWithLoss",
    group: "classes",
    over: "feature; dashed: rare label",
    range: [-4, 4],
    curves: [adaptive(0), adaptive(1)],
  },
  {
    loss: "MarginRankingLoss",
    group: "pairs",
    over: "x1 − x2; y = 1, dashed: −1",
    range: [-3, 3],
    curves: [ranking(1, 0.5), ranking(-1, 0.5)],
  },
  {
    loss: "HingeEmbeddingLoss",
    group: "pairs",
    over: "distance; y = 1, dashed: −1",
    range: [0, 3],
    curves: [pair(new HingeEmbeddingLoss(), 1), pair(new HingeEmbeddingLoss(), -1, [1])],
  },
  {
    loss: "CosineEmbeddingLoss",
    group: "pairs",
    over: "angle; y = 1, dashed: −1",
    range: [0, Math.PI],
    curves: [ofAngle(1, []), ofAngle(-1, [Math.PI / 2])],
  },
  {
    loss: "TripletMarginLoss",
    group: "pairs",
    over: "place of the negative",
    range: [-3, 3],
    curves: [triplet(new TripletMarginLoss(), [-2, 0, 2])],
  },
  {
    loss: "TripletMarginWithDistanceLoss",
    group: "pairs",
    over: "the same; d = ½ squared",
    range: [-3, 3],
    curves: [
      triplet(
        new TripletMarginWithDistanceLoss({ distanceFunction: HALF_SQUARED_DISTANCE }),
        [-Math.sqrt(3), Math.sqrt(3)],
      ),
    ],
  },
];
