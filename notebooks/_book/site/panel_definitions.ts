/** For each loss: what its panel lets the reader change, and how it is drawn. */

/** A number that a slider sets. */
export interface Slider {
  readonly from: number;
  readonly to: number;
  readonly step: number;
  readonly start: number;
}

/** An option of a loss: a slider, or a choice whose first value is the default. */
export type Option = Slider | readonly (number | boolean)[];

/** An argument of a call. */
export interface Argument {
  readonly name: string;
  /**
   * What the numbers mean: one number; the only feature of a sample; one of a few; a score for each class; the label of a class; a mark for each class; the
   * labels that are marked, as MultiLabelMarginLoss wants them; a point; the scores of frames and classes.
   */
  readonly kind:
    | "number"
    | "feature"
    | "choice"
    | "scores"
    | "label"
    | "marks"
    | "labels"
    | "point"
    | "frames";
  readonly start: readonly number[];
  /** The ends of the axis, or the choices. */
  readonly range: readonly number[];
}

/** A loss as the panel sees it. */
export interface PanelLoss {
  valueAndGrad(...args: readonly unknown[]): {
    readonly value: { item(): number };
    readonly grad: Readonly<Record<string, { readonly data: ArrayLike<number> }>>;
  };
  setParameters?(parameters: Readonly<Record<string, unknown>>): void;
}

/** The class of a loss. */
export interface PanelClass {
  new (options?: Readonly<Record<string, unknown>>): PanelLoss;
  readonly formula?: { readonly value: string; readonly grad: Readonly<Record<string, string>> };
}

/** The panel of a loss. */
export interface PanelDefinition {
  readonly loss: string;
  readonly options: Readonly<Record<string, Option>>;
  /** Options that stay as they are. */
  readonly fixed?: Readonly<Record<string, unknown>>;
  /** Parameters of losses with layers. */
  readonly parameters?: Readonly<Record<string, unknown>>;
  readonly args: readonly Argument[];
  /** True if the loss is called with a batch of one sample. */
  readonly isBatch?: boolean;
  /** Arguments behind those that the reader sets. */
  readonly rest?: (args: Readonly<Record<string, readonly number[]>>) => readonly unknown[];
  /** The arguments whose gradients are shown. */
  readonly wrt: readonly string[];
  readonly view: "curve" | "bars" | "points" | "frames";
  /** The argument that is the x-axis of a curve. */
  readonly along?: string;
}

const slider = (from: number, to: number, step: number, start: number): Slider => ({
  from,
  to,
  step,
  start,
});
const number = (name: string, from: number, to: number, start: number): Argument => ({
  name,
  kind: "number",
  start: [start],
  range: [from, to],
});
const choice = (name: string, ...range: readonly number[]): Argument => ({
  name,
  kind: "choice",
  start: [range[0]],
  range,
});
const scores = (name: string, range: readonly number[], ...start: readonly number[]): Argument => ({
  name,
  kind: "scores",
  start,
  range,
});
const label = (name: string, classes: number): Argument => ({
  name,
  kind: "label",
  start: [0],
  range: Array.from({ length: classes }, (_, c) => c),
});
const point = (name: string, x: number, y: number): Argument => ({
  name,
  kind: "point",
  start: [x, y],
  range: [-2, 2],
});

const WIDE = [-4, 4];
const pair = [number("input", -4, 4, 1.5), number("target", -4, 4, 0)];
const triplet = [point("anchor", 0, 0), point("positive", 1, 0.6), point("negative", -0.4, 1.2)];
const TRIPLET = ["anchor", "positive", "negative"];

/** The panels by the name of the module. */
export const PANELS: Readonly<Record<string, PanelDefinition>> = {
  l1: {
    loss: "L1Loss",
    options: {},
    args: pair,
    wrt: ["input"],
    view: "curve",
    along: "input",
  },
  mse: {
    loss: "MSELoss",
    options: {},
    args: pair,
    wrt: ["input"],
    view: "curve",
    along: "input",
  },
  huber: {
    loss: "HuberLoss",
    options: { delta: slider(0.1, 4, 0.1, 1) },
    args: pair,
    wrt: ["input"],
    view: "curve",
    along: "input",
  },
  smooth_l1: {
    loss: "SmoothL1Loss",
    options: { beta: slider(0, 4, 0.1, 1) },
    args: pair,
    wrt: ["input"],
    view: "curve",
    along: "input",
  },
  poisson_nll: {
    loss: "PoissonNLLLoss",
    options: { logInput: [true, false], full: [false, true] },
    args: [number("input", -2, 4, 1), { ...number("target", 0, 12, 3), range: [0, 12, 1] }],
    wrt: ["input"],
    view: "curve",
    along: "input",
  },
  gaussian_nll: {
    loss: "GaussianNLLLoss",
    options: { full: [false, true] },
    args: [number("input", -4, 4, 1), number("target", -4, 4, 0), number("var", 0.05, 6, 2)],
    wrt: ["input", "var"],
    view: "curve",
    along: "var",
  },
  nll: {
    loss: "NLLLoss",
    options: {},
    args: [scores("input", [-5, 0], -0.5, -1.3, -2, -2.5), label("target", 4)],
    wrt: ["input"],
    view: "bars",
  },
  cross_entropy: {
    loss: "CrossEntropyLoss",
    options: { labelSmoothing: slider(0, 1, 0.05, 0) },
    args: [scores("input", WIDE, 2, 1, 0.1, -1), label("target", 4)],
    wrt: ["input"],
    view: "bars",
  },
  bce: {
    loss: "BCELoss",
    options: {},
    args: [number("input", 0, 1, 0.7), number("target", 0, 1, 1)],
    wrt: ["input"],
    view: "curve",
    along: "input",
  },
  bce_with_logits: {
    loss: "BCEWithLogitsLoss",
    options: { posWeight: slider(0, 5, 0.1, 1) },
    args: [number("input", -6, 6, 1), number("target", 0, 1, 1)],
    wrt: ["input"],
    view: "curve",
    along: "input",
  },
  soft_margin: {
    loss: "SoftMarginLoss",
    options: {},
    args: [number("input", -6, 6, 1), choice("target", 1, -1)],
    wrt: ["input"],
    view: "curve",
    along: "input",
  },
  multi_label_soft_margin: {
    loss: "MultiLabelSoftMarginLoss",
    options: {},
    isBatch: true,
    args: [
      scores("input", WIDE, 2, -1, 0.5, -2),
      { name: "target", kind: "marks", start: [1, 0, 1, 0], range: [0, 1] },
    ],
    wrt: ["input"],
    view: "bars",
  },
  kl_div: {
    loss: "KLDivLoss",
    options: { logTarget: [false, true] },
    args: [number("input", -5, 0, -1), number("target", -3, 1, 0.5)],
    wrt: ["input"],
    view: "curve",
    along: "input",
  },
  multi_margin: {
    loss: "MultiMarginLoss",
    options: { p: [1, 2], margin: slider(0, 3, 0.1, 1) },
    args: [scores("input", WIDE, 1, 0.5, -1, -2), label("target", 4)],
    wrt: ["input"],
    view: "bars",
  },
  multi_label_margin: {
    loss: "MultiLabelMarginLoss",
    options: {},
    args: [
      scores("input", WIDE, 0.1, 0.2, 0.4, 0.8),
      { name: "target", kind: "labels", start: [1, 0, 0, 1], range: [0, 1] },
    ],
    wrt: ["input"],
    view: "bars",
  },
  ctc: {
    loss: "CTCLoss",
    options: { zeroInfinity: [false, true] },
    fixed: { logits: true, reduction: "sum" },
    args: [
      {
        name: "logits",
        kind: "frames",
        start: [0, 2, 0, 1, 1, 0, 2, 0, 0, 0, 0, 2],
        range: [-4, 4, 3],
      },
      { name: "targets", kind: "marks", start: [1, 2], range: [1, 2] },
    ],
    rest: ({ logits, targets }) => [logits.length / 3, targets.length],
    wrt: ["logits"],
    view: "frames",
  },
  linear_cross_entropy: {
    loss: "LinearCrossEntropyLoss",
    options: { labelSmoothing: slider(0, 1, 0.05, 0) },
    fixed: { inFeatures: 1, numClasses: 3, dtype: "float64" },
    parameters: { "linear.weight": [[1], [0], [-1]] },
    isBatch: true,
    args: [{ ...number("input", -4, 4, 1), kind: "feature" }, label("target", 3)],
    wrt: ["input"],
    view: "curve",
    along: "input",
  },
  adaptive_log_softmax_with_loss: {
    loss: "AdaptiveLogSoftmaxWithLoss",
    options: {},
    fixed: { inFeatures: 1, nClasses: 3, cutoffs: [1], divValue: 1, dtype: "float64" },
    parameters: {
      "head.weight": [[1], [-1]],
      "tail.0.0.weight": [[1]],
      "tail.0.1.weight": [[1], [-1]],
    },
    isBatch: true,
    args: [{ ...number("input", -4, 4, 1), kind: "feature" }, label("target", 3)],
    wrt: ["input"],
    view: "curve",
    along: "input",
  },
  margin_ranking: {
    loss: "MarginRankingLoss",
    options: { margin: slider(-1, 3, 0.1, 0.5) },
    args: [number("input1", -4, 4, 1), number("input2", -4, 4, 0), choice("target", 1, -1)],
    wrt: ["input1", "input2"],
    view: "curve",
    along: "input1",
  },
  hinge_embedding: {
    loss: "HingeEmbeddingLoss",
    options: { margin: slider(0, 3, 0.1, 1) },
    args: [number("input", 0, 4, 0.5), choice("target", 1, -1)],
    wrt: ["input"],
    view: "curve",
    along: "input",
  },
  cosine_embedding: {
    loss: "CosineEmbeddingLoss",
    options: { margin: slider(-1, 1, 0.05, 0) },
    args: [point("input1", 1.4, 0.4), point("input2", 0.3, 1.1), choice("target", 1, -1)],
    wrt: ["input1", "input2"],
    view: "points",
  },
  triplet_margin: {
    loss: "TripletMarginLoss",
    options: { margin: slider(0.1, 3, 0.1, 1), p: slider(1, 4, 0.5, 2), swap: [false, true] },
    isBatch: true,
    args: triplet,
    wrt: TRIPLET,
    view: "points",
  },
  triplet_margin_with_distance: {
    loss: "TripletMarginWithDistanceLoss",
    options: { margin: slider(0.1, 3, 0.1, 1), swap: [false, true] },
    isBatch: true,
    args: triplet,
    wrt: TRIPLET,
    view: "points",
  },
};
