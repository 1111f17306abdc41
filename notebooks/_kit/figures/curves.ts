/** A loss and its gradient as curves: one loss beside others, or one loss for several values of an option. */

import type { TensorLike } from "@lossbook/losses";
import type { Annotations, Data, Layout, Shape } from "plotly.js";
import type { PairLoss } from "../experiments/loss.ts";
import { colour, sweep } from "../plot/style.ts";
import type { Figure } from "../still/figure.ts";
import { branches, type Kink } from "./kinks.ts";
import { toArray, type Values } from "./values.ts";

/** A loss and its gradient over the same x. */
export interface Curve {
  /** What the legend says. */
  name: string;
  /** Values of the loss. */
  loss: Values;
  /** Values of its gradient. */
  gradient: Values;
  /** Where the derivative jumps or the formula changes its branch; those of siblings stay unmarked. */
  kinks?: Kink[];
}

/** What {@linkcode lossAndGradient} draws. */
export interface LossAndGradientOptions extends Curve {
  /** Stands above the figure. */
  title: string;
  /** Where the curves were computed, ascending, the same for all. */
  x: Values;
  /** Title of the x-axis. */
  xTitle: string;
  /** Title of the upper y-axis. @default {"loss"} */
  lossTitle?: string;
  /** Title of the lower y-axis. @default {"gradient"} */
  gradientTitle?: string;
  /** What the upper y-axis shows, so that a sibling that grows fast does not flatten the loss. */
  lossRange?: [low: number, high: number];
  /** What the lower y-axis shows. */
  gradientRange?: [low: number, high: number];
  /** Losses to compare with, in grey. */
  siblings?: Curve[];
}

/**
 * A loss and its gradient, computed by the loss itself.
 *
 * @param name What the legend says.
 * @param loss The loss, with reduction `"none"`.
 * @param x The predictions.
 * @param target What they should have been, one number for all or one for each.
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
 * Loss above, gradient below, on one x-axis; kinks marked in both, other losses in grey. Where the
 * gradient jumps, its curve is broken: circles are its two limits, the dot is the value by
 * convention.
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
    // A sibling is one entry of the legend that stands for both its curves.
    const shared = { mode: "lines" as const, ...(line && { legendgroup: name }) };
    const slope = branches(x, gradient, kinks ?? []);
    const gradientLine = line ?? { color: colour.gradient };
    return [
      { ...shared, name, x: toArray(x), y: toArray(loss), line: line ?? { color: colour.loss } },
      {
        ...shared,
        name: line ? name : `gradient of ${name}`,
        showlegend: !line,
        x: slope.x,
        y: slope.y,
        yaxis: "y2",
        line: gradientLine,
      },
      ...limitMarks(slope, gradientLine.color),
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

function limitMarks({ limits, dots }: ReturnType<typeof branches>, color: string): Data[] {
  const shared = { mode: "markers", yaxis: "y2", showlegend: false, hoverinfo: "skip" } as const;
  const line = { color, width: 2 };
  return [
    { ...shared, ...limits, marker: { color: "white", size: 7, line } },
    { ...shared, ...dots, marker: { color, size: 7, line } },
  ].filter((trace) => trace.x.length > 0);
}

/** Drawn above the curves, through both panels: a line below them would drown in the grid. */
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
  /** Stands above the figure. */
  title: string;
  /** Where the curves were computed. */
  x: Values;
  /** Title of both x-axes. */
  xTitle: string;
  /** One per value of the option, in its order. */
  curves: Curve[];
  /** What the y-axis of the losses shows. */
  lossRange?: [low: number, high: number];
  /** What the y-axis of the gradients shows. */
  gradientRange?: [low: number, high: number];
}

/** One option from little to much: losses on the left, gradients on the right, light to dark. */
export function optionSweep(options: OptionSweepOptions): Figure {
  const { title, x, xTitle, curves, lossRange, gradientRange } = options;
  const colours = sweep(curves.length);
  const data = curves.flatMap(({ name, loss, gradient }, i): Data[] => {
    const shared = { legendgroup: name, line: { color: colours[i] }, mode: "lines" as const };
    return [
      { ...shared, name, x: toArray(x), y: toArray(loss) },
      {
        ...shared,
        name,
        showlegend: false,
        x: toArray(x),
        y: toArray(gradient),
        xaxis: "x2",
        yaxis: "y2",
      },
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
