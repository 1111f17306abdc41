/**
 * The picture of all losses with their gradients, from the library's own values: one small panel
 * per loss, over the one number that tells its story. `deno run -A notebooks/_kit/losses_picture.ts`
 * draws losses.png, which the README shows.
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
import type { Annotations, Data, LayoutAxis } from "plotly.js";
import type { PairLoss } from "../losses/loss.ts";
import type { Figure } from "../plot/figure.ts";
import { branches } from "../plot/kinks.ts";
import { portable } from "../plot/portable.ts";
import { toPng } from "../plot/still.ts";
import { colour, layout } from "../plot/style.ts";

/** The panels stand in three groups. */
export type Group = "numbers" | "classes" | "pairs";

/** A loss and its slope at one place. */
type Point = readonly [loss: number, slope: number];

/** One curve of a panel. */
interface Story {
  /** Value and slope, computed by the loss. */
  at: (x: number) => Point;
  /** Where the slope jumps. */
  kinks?: readonly number[];
}

/** What is drawn of one loss. */
export interface LossPanel {
  /** The class, with which the panel is headed. */
  loss: string;
  /** What the loss is about. */
  group: Group;
  /** What runs along x, and what is dashed. */
  over: string;
  /** Ends of the x-axis. */
  range: readonly [low: number, high: number];
  /** Whether the ends are left out, as the loss or its slope is infinite or clamped there. */
  isOpen?: boolean;
  /** The curve, and perhaps a second one for the other label or another option. */
  stories: readonly [Story, Story?];
}

const SAMPLES = 120;
const LOSS_RANGE = [-2.4, 4.2];

/** A prediction beside its target. */
function pair(loss: PairLoss, target: number, kinks?: readonly number[]): Story {
  return { at: (x) => point(loss.valueAndGrad(x, target), "input"), kinks };
}

/** The first score of a row moves, the others stay. */
function row(loss: PairLoss, others: number[], target: number[] | number[][]): Story {
  return { at: (x) => point(loss.valueAndGrad([[x, ...others]], target), "input") };
}

function point<Name extends string>(
  { value, grad }: { value: Tensor; grad: Readonly<Record<Name, Tensor>> },
  name: Name,
): Point {
  return [value.item(), grad[name].data[0]];
}

/** A vector that turns: the chain rule makes the gradient by its components one by the angle. */
function turning(target: number, kinks: readonly number[]): Story {
  const loss = new CosineEmbeddingLoss();
  const at = (angle: number): Point => {
    const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
    const { value, grad } = loss.valueAndGrad([1, 0], [cos, sin], target, { wrt: ["input2"] });
    const [byX, byY] = grad.input2.data;
    return [value.item(), byY * cos - byX * sin];
  };
  return { at, kinks };
}

/** The label's score in both of two frames, against a blank of score 0: the slopes add up. */
function twoFrames(): Story {
  const loss = new CTCLoss({ logits: true });
  return {
    at(x) {
      const { value, grad } = loss.valueAndGrad([[0, x], [0, x]], [1], 2, 1);
      const [, first, , second] = grad.logits.data;
      return [value.item(), first + second];
    },
  };
}

/** One feature speaks for class 0, and against the cluster of the classes 1 and 2. */
function adaptive(label: number): Story {
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

function linear(): Story {
  const loss = new LinearCrossEntropyLoss({ inFeatures: 1, numClasses: 2, dtype: "float64" });
  loss.setParameters({ "linear.weight": [[1], [-1]] });
  return { at: (x) => point(loss.valueAndGrad([[x]], [0]), "input") };
}

/** The anchor at 0, the positive at 1, the negative at x. */
function triplet(loss: TripletMarginLoss | TripletMarginWithDistanceLoss, kinks: number[]): Story {
  const at = (x: number) =>
    point(loss.valueAndGrad([[0]], [[1]], [[x]], { wrt: ["negative"] }), "negative");
  return { at, kinks };
}

/** Half of it, so that its slope is the difference. */
const SQUARED_DISTANCE = {
  forward: (x1: Tensor, x2: Tensor): Tensor =>
    float64(Array.from(x1.data, (a, i) => (a - x2.data[i]) ** 2 / 2)),
  valueAndGrad(x1: Tensor, x2: Tensor, { gradOutput }: { gradOutput: Tensor }) {
    const slope = Array.from(x1.data, (a, i) => (a - x2.data[i]) * gradOutput.data[i]);
    return { grad: { x1: float64(slope, x1.shape), x2: float64(slope.map((s) => -s), x1.shape) } };
  },
};

function gaussian(residual: number): Story {
  const loss = new GaussianNLLLoss();
  return { at: (x) => point(loss.valueAndGrad(residual, 0, x, { wrt: ["var"] }), "var") };
}

function ranking(target: number, margin: number): Story {
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
    stories: [pair(new L1Loss(), 0, [0])],
  },
  {
    loss: "MSELoss",
    group: "numbers",
    over: "residual x − y",
    range: [-3, 3],
    stories: [pair(new MSELoss(), 0)],
  },
  {
    loss: "SmoothL1Loss",
    group: "numbers",
    over: "residual; dashed: beta = 3",
    range: [-3, 3],
    stories: [pair(new SmoothL1Loss(), 0), pair(new SmoothL1Loss({ beta: 3 }), 0)],
  },
  {
    loss: "HuberLoss",
    group: "numbers",
    over: "residual; dashed: delta = 2",
    range: [-3, 3],
    stories: [pair(new HuberLoss(), 0), pair(new HuberLoss({ delta: 2 }), 0)],
  },
  {
    loss: "PoissonNLLLoss",
    group: "numbers",
    over: "log rate; y = 2, dashed: 0",
    range: [-3, 3],
    stories: [pair(new PoissonNLLLoss(), 2), pair(new PoissonNLLLoss(), 0)],
  },
  {
    loss: "GaussianNLLLoss",
    group: "numbers",
    over: "var; residual 1, dashed: 2",
    range: [0, 6],
    isOpen: true,
    stories: [gaussian(1), gaussian(2)],
  },
  {
    loss: "CrossEntropyLoss",
    group: "classes",
    over: "lead; dashed: labelSmoothing",
    range: [-4, 4],
    stories: [
      row(new CrossEntropyLoss(), [0], [0]),
      row(new CrossEntropyLoss({ labelSmoothing: 0.3 }), [0], [0]),
    ],
  },
  {
    loss: "NLLLoss",
    group: "classes",
    over: "log q of the label",
    range: [-4, 0],
    stories: [row(new NLLLoss(), [0], [0])],
  },
  {
    loss: "KLDivLoss",
    group: "classes",
    over: "log q; y = ½, dashed: 1",
    range: [-4, 0],
    stories: [pair(new KLDivLoss(), 0.5), pair(new KLDivLoss(), 1)],
  },
  {
    loss: "BCELoss",
    group: "classes",
    over: "probability; y = 1, dashed: 0",
    range: [0, 1],
    isOpen: true,
    stories: [pair(new BCELoss(), 1), pair(new BCELoss(), 0)],
  },
  {
    loss: "BCEWithLogitsLoss",
    group: "classes",
    over: "score; y = 1, dashed: 0",
    range: [-4, 4],
    stories: [pair(new BCEWithLogitsLoss(), 1), pair(new BCEWithLogitsLoss(), 0)],
  },
  {
    loss: "SoftMarginLoss",
    group: "classes",
    over: "score; y = 1, dashed: −1",
    range: [-4, 4],
    stories: [pair(new SoftMarginLoss(), 1), pair(new SoftMarginLoss(), -1)],
  },
  {
    loss: "MultiLabelSoftMarginLoss",
    group: "classes",
    over: "1 of 2 scores; y = 1, dashed: 0",
    range: [-4, 4],
    stories: [
      row(new MultiLabelSoftMarginLoss(), [0], [[1, 0]]),
      row(new MultiLabelSoftMarginLoss(), [0], [[0, 0]]),
    ],
  },
  {
    loss: "MultiMarginLoss",
    group: "classes",
    over: "lead; dashed: p = 2",
    range: [-4, 4],
    stories: [
      { ...row(new MultiMarginLoss(), [0], [0]), kinks: [1] },
      row(new MultiMarginLoss({ p: 2 }), [0], [0]),
    ],
  },
  {
    loss: "MultiLabelMarginLoss",
    group: "classes",
    over: "score; two others at ±1",
    range: [-4, 4],
    stories: [{ ...row(new MultiLabelMarginLoss(), [-1, 1], [[0, -1, -1]]), kinks: [0, 2] }],
  },
  {
    loss: "CTCLoss",
    group: "classes",
    over: "score of the label, 2 frames",
    range: [-4, 4],
    stories: [twoFrames()],
  },
  {
    loss: "LinearCrossEntropyLoss",
    group: "classes",
    over: "feature, of weights ±1",
    range: [-4, 4],
    stories: [linear()],
  },
  {
    loss: "AdaptiveLogSoftmaxWithLoss",
    group: "classes",
    over: "feature; dashed: rare label",
    range: [-4, 4],
    stories: [adaptive(0), adaptive(1)],
  },
  {
    loss: "MarginRankingLoss",
    group: "pairs",
    over: "x1 − x2; y = 1, dashed: −1",
    range: [-3, 3],
    stories: [ranking(1, 0.5), ranking(-1, 0.5)],
  },
  {
    loss: "HingeEmbeddingLoss",
    group: "pairs",
    over: "distance; y = 1, dashed: −1",
    range: [0, 3],
    stories: [pair(new HingeEmbeddingLoss(), 1), pair(new HingeEmbeddingLoss(), -1, [1])],
  },
  {
    loss: "CosineEmbeddingLoss",
    group: "pairs",
    over: "angle; y = 1, dashed: −1",
    range: [0, Math.PI],
    stories: [turning(1, []), turning(-1, [Math.PI / 2])],
  },
  {
    loss: "TripletMarginLoss",
    group: "pairs",
    over: "place of the negative",
    range: [-3, 3],
    stories: [triplet(new TripletMarginLoss(), [-2, 0, 2])],
  },
  {
    loss: "TripletMarginWithDistanceLoss",
    group: "pairs",
    over: "the same; d = ½ squared",
    range: [-3, 3],
    stories: [
      triplet(
        new TripletMarginWithDistanceLoss({ distanceFunction: SQUARED_DISTANCE }),
        [-Math.sqrt(3), Math.sqrt(3)],
      ),
    ],
  },
];

/**
 * Small multiples of losses and their gradients, all on one scale from top to bottom. The legend
 * stands in the last row if there is room, else above.
 *
 * @param panels What to draw.
 * @param columns Panels in a row.
 * @param size In CSS pixels; `plot` gets the same.
 */
export function lossesPicture(
  panels: readonly LossPanel[],
  columns: number,
  size: { width: number; height: number },
): Figure {
  const rows = Math.ceil(panels.length / columns);
  const hasRoom = panels.length < rows * columns;
  const margin = { l: 30, r: 8, t: hasRoom ? 26 : 58, b: 40 };
  // Gaps in pixels, so that the lettering fits whatever the size of the figure.
  const inner = {
    width: size.width - margin.l - margin.r,
    height: size.height - margin.t - margin.b,
  };
  const gap = { x: 18 / inner.width, y: 62 / inner.height };
  const width = (1 - gap.x * (columns - 1)) / columns;
  const height = (1 - gap.y * (rows - 1)) / rows;
  const place = (index: number) => ({
    left: (index % columns) * (width + gap.x),
    top: 1 - Math.floor(index / columns) * (height + gap.y),
  });

  const data: Data[] = [];
  const axes: Record<string, Partial<LayoutAxis>> = {};
  const annotations: Partial<Annotations>[] = [];
  panels.forEach((panel, index) => {
    const { left, top } = place(index);
    const id = index === 0 ? "" : `${index + 1}`;
    data.push(...traces(panel, id));
    axes[`xaxis${id}`] = {
      domain: [left, left + width],
      anchor: `y${id}` as LayoutAxis["anchor"],
      range: [...panel.range],
      ...ticks(panel.range),
      tickfont: { size: 10 },
      title: { text: panel.over, font: { size: 10 }, standoff: 3 },
    };
    axes[`yaxis${id}`] = {
      domain: [Math.max(0, top - height), top],
      anchor: `x${id}` as LayoutAxis["anchor"],
      range: LOSS_RANGE,
      tickvals: [-2, 0, 2, 4],
      tickfont: { size: 10 },
      showticklabels: index % columns === 0,
    };
    annotations.push({
      text: `<b>${panel.loss.replace(/(With)?Loss$/, "")}</b>`,
      showarrow: false,
      xref: "paper",
      yref: "paper",
      x: left + width / 2,
      y: top,
      xanchor: "center",
      yanchor: "bottom",
      font: { size: 11 },
    });
  });
  const { left, top } = place(panels.length);
  const legend = hasRoom
    ? { orientation: "v" as const, x: left, y: top, yanchor: "top" as const }
    : { orientation: "h" as const, x: 0, y: 1 + 24 / inner.height };
  return { data: named(data), layout: { margin, legend, annotations, ...axes } };
}

const SOLID = { width: 2.25 };
const DASHED = { width: 1.25, dash: "4px,3px" };
const MARK = { size: 5, line: { width: 1.25, color: colour.gradient } };

/** What the legend says of each kind of trace, in its order. */
const KINDS = [
  "loss",
  "gradient",
  "other label or option",
  "gradient at a kink",
  "its limits there",
] as const;

/** The legend names each kind once. */
function named(data: Data[]): Data[] {
  const seen = new Set<unknown>();
  return data.map((trace) => {
    const name = "name" in trace ? trace.name : undefined;
    const showlegend = name !== undefined && !seen.has(name);
    seen.add(name);
    const legendrank = KINDS.findIndex((kind) => kind === name) + 1;
    return { ...trace, showlegend, ...(showlegend && { legendrank }) };
  });
}

function traces({ range: [low, high], isOpen, stories }: LossPanel, id: string): Data[] {
  const inset = isOpen ? 1 : 0;
  const x = Array.from(
    { length: SAMPLES + 1 - 2 * inset },
    (_, i) => low + ((high - low) * (i + inset)) / SAMPLES,
  );
  const axes = { xaxis: `x${id}`, yaxis: `y${id}` };
  const curve = { ...axes, mode: "lines" as const };
  const marks = { ...axes, mode: "markers" as const, hoverinfo: "skip" as const };
  const [lossKind, gradientKind, otherKind, kinkKind, limitKind] = KINDS;
  return stories.flatMap((story, i): Data[] => {
    if (story === undefined) return [];
    const points = x.map(story.at);
    const kinks = (story.kinks ?? []).map((x) => ({ x }));
    const { limits, dots, ...slope } = branches(x, points.map(([, slope]) => slope), kinks);
    const loss = { x, y: points.map(([loss]) => loss) };
    const line = i === 0 ? SOLID : DASHED;
    const names = i === 0 ? [gradientKind, lossKind] : [undefined, otherKind];
    return [
      { ...curve, ...slope, name: names[0], line: { ...line, color: colour.gradient } },
      { ...curve, ...loss, name: names[1], line: { ...line, color: colour.loss } },
      { ...marks, ...limits, name: limitKind, marker: { ...MARK, color: "white" } },
      { ...marks, ...dots, name: kinkKind, marker: { ...MARK, color: colour.gradient } },
    ].filter(({ x }) => x.length > 0);
  });
}

/** At the ends only where the axis begins or stops by itself. */
function ticks([low, high]: readonly [number, number]): Partial<LayoutAxis> {
  if (high === Math.PI) return { tickvals: [0, Math.PI / 2, Math.PI], ticktext: ["0", "π/2", "π"] };
  if (high === 1) return { tickvals: [0, 0.5, 1], ticktext: ["0", "½", "1"] };
  const step = high - low > 4 ? 2 : 1;
  const values = Array.from({ length: 9 }, (_, i) => (i - 4) * step);
  return { tickvals: values.filter((x) => x === 0 ? low <= 0 : low < x && x < high) };
}

/** Where the README finds it. */
export const LOSSES_PNG: URL = new URL("losses.png", import.meta.url);

/** The whole picture as PNG: the same bytes on every machine. */
export function drawLosses(): Promise<Uint8Array> {
  const size = { width: 1000, height: 760 };
  const figure = lossesPicture(lossPanels, 6, size);
  return toPng(portable({ data: figure.data, layout: layout(figure.layout, size) }), size);
}

if (import.meta.main) await Deno.writeFile(LOSSES_PNG, await drawLosses());
