/** A loss and its gradient as curves: one loss beside others, or one loss for several values of an option. */

import type { Tensor, TensorLike } from "@lossbook/losses";
import type { Annotations, Data, Layout, PlotData, Shape } from "plotly.js";
import type { PairLoss } from "../experiments/loss.ts";
import { colour, sweep } from "../plot/style.ts";
import type { Figure } from "../still/figure.ts";
import { type Branches, branches, type Kink } from "./kinks.ts";
import { toArray, type Values } from "./values.ts";

/** A loss and its gradient over the same x. */
export interface Curve {
  /** Name in the legend. */
  name: string;
  /** Values of the loss. */
  loss: Values;
  /** Values of its gradient. */
  gradient: Values;
  /** Where the derivative jumps or the formula changes its branch; those of siblings are not marked. */
  kinks?: Kink[];
}

/** What {@linkcode lossAndGradient} draws. */
export interface LossAndGradientOptions extends Curve {
  /** Title of the figure. */
  title: string;
  /** Where all curves were computed, in ascending order. */
  x: Values;
  /** Title of the x-axis. */
  xTitle: string;
  /** Title of the upper y-axis. @default {"loss"} */
  lossTitle?: string;
  /** Title of the lower y-axis. @default {"gradient"} */
  gradientTitle?: string;
  /** Range of the upper y-axis: a sibling that grows fast would flatten the loss. */
  lossRange?: [low: number, high: number];
  /** Range of the lower y-axis. */
  gradientRange?: [low: number, high: number];
  /** Losses to compare with, in grey. */
  siblings?: Curve[];
}

/**
 * A loss and its gradient, computed by the loss itself.
 *
 * @param name Name in the legend.
 * @param loss The loss, with reduction `"none"`.
 * @param x The predictions.
 * @param target The target, one number for all predictions or one for each.
 * @returns Both curves.
 */
export function curve(name: string, loss: PairLoss, x: Values, target: TensorLike = 0): Curve {
  const { value, grad } = loss.valueAndGrad(Float64Array.from(x), target);
  if (value.data.length !== x.length) {
    throw new TypeError(
      `Cannot draw ${name} as it needs a value for each x: current reduction is not "none"`,
    );
  }
  return { name, loss: value.data, gradient: grad.input.data };
}

/**
 * A loss of two classes over the difference of their scores, which is all that matters to softmax and to margins.
 *
 * @param name Name in the legend.
 * @param gaps The differences z₀ − z₁.
 * @param at The loss and its gradient with respect to the scores [z₀ − z₁, 0].
 * @returns The loss, and its derivative with respect to z₀.
 */
export function gapCurve(
  name: string,
  gaps: Values,
  at: (scores: [number, number]) => { value: Tensor; grad: { readonly input: Tensor } },
): Curve {
  const results = toArray(gaps).map((gap) => at([gap, 0]));
  return {
    name,
    loss: results.map(({ value }) => value.item()),
    gradient: results.map(({ grad }) => grad.input.data[0]),
  };
}

/**
 * The loss above and its gradient below, on one x-axis, with kinks marked in both and other losses in grey. Where the gradient
 * jumps, its curve is broken: circles are its limits from both sides, the dot is the value by convention.
 */
export function lossAndGradient(options: LossAndGradientOptions): Figure {
  const { x, kinks = [], siblings = [] } = options;
  const dashes = ["dash", "dot", "dashdot"] as const;
  const curves = [
    ...siblings.map((curve, i) => ({
      ...curve,
      line: { color: colour.sibling, dash: dashes[i % dashes.length], width: 1.75 },
    })),
    { ...options, line: undefined },
  ];
  const data = curves.flatMap(({ name, loss, gradient, kinks, line }): Data[] => {
    // Both curves of a sibling share one entry of the legend.
    const shared = { mode: "lines" as const, ...(line && { legendgroup: name }) };
    const broken = branches(x, gradient, kinks ?? []);
    const gradientLine = line ?? { color: colour.gradient };
    return [
      { ...shared, name, x: toArray(x), y: toArray(loss), line: line ?? { color: colour.loss } },
      {
        ...shared,
        name: line ? name : `gradient of ${name}`,
        showlegend: !line,
        x: broken.x,
        y: broken.y,
        yaxis: "y2",
        line: gradientLine,
      },
      ...limitMarks(broken, gradientLine.color, { yaxis: "y2" }),
    ];
  });
  const { lossTitle = "loss", gradientTitle = "gradient", lossRange, gradientRange } = options;
  return {
    data,
    layout: {
      title: { text: options.title },
      xaxis: { title: { text: options.xTitle }, anchor: "y2" },
      yaxis: { title: { text: lossTitle }, domain: [0.54, 1], range: lossRange },
      yaxis2: { title: { text: gradientTitle }, domain: [0, 0.46], range: gradientRange },
      shapes: kinks.map(kinkLine),
      annotations: kinks.map(kinkLabel),
    },
  };
}

/** Circles at the limits on both sides of a jump, and a dot at the value. */
function limitMarks(
  { limits, dots }: Branches,
  color: string,
  axes: Pick<PlotData, "yaxis"> & Partial<Pick<PlotData, "xaxis">>,
): Data[] {
  const shared = { mode: "markers", ...axes, showlegend: false, hoverinfo: "skip" } as const;
  const line = { color, width: 2 };
  return [
    { ...shared, ...limits, marker: { color: "white", size: 7, line } },
    { ...shared, ...dots, marker: { color, size: 7, line } },
  ].filter((trace) => trace.x.length > 0);
}

/** A line through both panels, above the curves, because below them it would look like the grid. */
function kinkLine({ x }: Kink): Partial<Shape> {
  const line = { color: colour.kink, width: 1, dash: "dot" } as const;
  return { type: "line", x0: x, x1: x, yref: "paper", y0: 0, y1: 1, line, layer: "above" };
}

function kinkLabel({ x, label = "" }: Kink): Partial<Annotations> {
  return {
    x,
    yref: "paper",
    y: 1,
    yanchor: "top",
    xanchor: "left",
    xshift: 2,
    text: label,
    showarrow: false,
    font: { color: colour.kink, size: 11 },
    bgcolor: "rgba(255, 255, 255, 0.8)",
  };
}

/** What {@linkcode optionSweep} draws. */
export interface OptionSweepOptions {
  /** Title of the figure. */
  title: string;
  /** Where the curves were computed. */
  x: Values;
  /** Title of both x-axes. */
  xTitle: string;
  /** One for each value of the option, in order. */
  curves: Curve[];
  /** Range of the y-axis of the losses. */
  lossRange?: [low: number, high: number];
  /** Range of the y-axis of the gradients. */
  gradientRange?: [low: number, high: number];
}

/**
 * Curves for ascending values of one option, from light to dark: losses on the left, gradients on the right. A curve with kinks is
 * broken where its gradient jumps, with circles and dots as in {@linkcode lossAndGradient}.
 *
 * @example
 * ```ts
 * const curves = [0.5, 1, 2].map((margin) => ({ ...curveOf(margin), kinks: [{ x: margin }] }));
 * optionSweep({ title: "margin", x, xTitle: "x", curves });
 * ```
 */
export function optionSweep(options: OptionSweepOptions): Figure {
  const { title, x, xTitle, curves, lossRange, gradientRange } = options;
  const colours = sweep(curves.length);
  const data = curves.flatMap(({ name, loss, gradient, kinks = [] }, i): Data[] => {
    const axes = { xaxis: "x2", yaxis: "y2" };
    const broken = branches(x, gradient, kinks);
    const shared = { legendgroup: name, line: { color: colours[i] }, mode: "lines" as const };
    return [
      { ...shared, name, x: toArray(x), y: toArray(loss) },
      {
        ...shared,
        name,
        showlegend: false,
        x: broken.x,
        y: broken.y,
        ...axes,
      },
      ...limitMarks(broken, colours[i], axes),
    ];
  });
  const layout: Partial<Layout> = {
    title: { text: title },
    xaxis: { title: { text: xTitle }, domain: [0, 0.45] },
    xaxis2: { title: { text: xTitle }, domain: [0.55, 1], anchor: "y2", matches: "x" },
    yaxis: { title: { text: "loss" }, range: lossRange },
    yaxis2: { title: { text: "gradient" }, range: gradientRange, anchor: "x2" },
  };
  return { data, layout };
}
