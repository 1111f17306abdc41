/**
 * The figures that notebooks draw again and again, as plain Plotly figures for
 * {@linkcode plot}: change what you like before plotting.
 *
 * @module
 */

import type { TensorLike } from "@lossbook/losses";
import type { Annotations, AxisType, Dash, Data, Layout, LayoutAxis, Shape } from "plotly.js";
import type { PairLoss } from "../losses/loss.ts";
import type { Figure } from "../plot/figure.ts";
import { branches, type Kink } from "../plot/kinks.ts";
import {
  classColours,
  classSymbols,
  colour,
  diverging,
  paleDiverging,
  sequential,
  sweep,
} from "../plot/style.ts";

export type { Kink };

/** Numbers in any array. */
export type Values = ArrayLike<number>;

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

/**
 * A layout that says what the figure is and what its axes are.
 *
 * @param title Stands above the figure.
 * @param xTitle Title of the x-axis.
 * @param yTitle Title of the y-axis.
 * @param type Of both axes.
 */
export function titles(
  title: string,
  xTitle: string,
  yTitle: string,
  type: AxisType = "linear",
): Partial<Layout> {
  return {
    title: { text: title },
    xaxis: { title: { text: xTitle }, type },
    yaxis: { title: { text: yTitle }, type },
  };
}

/** Points as a trace. */
export function dots(
  name: string,
  x: Values,
  y: Values,
  color: string = colour.data,
  symbol = "circle",
): Data {
  return { name, x: toArray(x), y: toArray(y), mode: "markers", marker: { color, symbol } };
}

/** A line as a trace. */
export function line(
  name: string,
  x: Values,
  y: Values,
  color: string = colour.loss,
  dash: Dash = "solid",
): Data {
  return { name, x: toArray(x), y: toArray(y), mode: "lines", line: { color, dash } };
}

/** One of the pictures in {@linkcode smallMultiples}. */
export interface Panel {
  /** Stands above the panel. */
  title: string;
  /** Its traces; axes are assigned later. */
  data: Data[];
}

/** What {@linkcode smallMultiples} draws. */
export interface SmallMultiplesOptions {
  /** Stands above all panels. */
  title: string;
  /** From left to right, then from top to bottom. */
  panels: Panel[];
  /** Panels in a row. @default {3} */
  columns?: number;
  /** Title of the x-axis. */
  xTitle?: string;
  /** Title of the y-axis. */
  yTitle?: string;
  /** What holds for every x-axis, such as a range or `type: "log"`. */
  xaxis?: Partial<LayoutAxis>;
  /** What holds for every y-axis. */
  yaxis?: Partial<LayoutAxis>;
}

/**
 * The same picture for several settings, side by side on equal axes. Traces of the same name share
 * one entry of the legend.
 */
export function smallMultiples(options: SmallMultiplesOptions): Figure {
  const { panels, columns = 3, xTitle, yTitle } = options;
  if (panels.length === 0) {
    throw new TypeError("Cannot arrange panels as there are none: current is [], wanted is one");
  }
  const rows = Math.ceil(panels.length / columns);
  const [gapX, gapY] = [0.05, 0.16];
  const width = (1 - gapX * (columns - 1)) / columns;
  const height = (1 - gapY * (rows - 1)) / rows;
  const named = new Set<string>();
  const figure = { data: [] as Data[], layout: {} as Record<string, unknown> };
  const annotations: Partial<Annotations>[] = [];

  panels.forEach((panel, index) => {
    const [row, column] = [Math.floor(index / columns), index % columns];
    const suffix = index === 0 ? "" : String(index + 1);
    const [left, top] = [column * (width + gapX), 1 - row * (height + gapY)];
    const isLowest = index + columns >= panels.length;
    figure.layout[`xaxis${suffix}`] = {
      ...options.xaxis,
      domain: [left, left + width],
      anchor: `y${suffix}`,
      ...(index > 0 && { matches: "x" }),
      showticklabels: isLowest,
      ...(isLowest && xTitle && { title: { text: xTitle } }),
    };
    figure.layout[`yaxis${suffix}`] = {
      ...options.yaxis,
      domain: [Math.max(top - height, 0), top],
      anchor: `x${suffix}`,
      ...(index > 0 && { matches: "y" }),
      showticklabels: column === 0,
      ...(column === 0 && yTitle && { title: { text: yTitle } }),
    };
    annotations.push({
      text: panel.title,
      showarrow: false,
      xref: "paper",
      yref: "paper",
      x: left + width / 2,
      y: top,
      xanchor: "center",
      yanchor: "bottom",
      font: { size: 12 },
    });
    for (const trace of panel.data) {
      const name = "name" in trace ? String(trace.name) : "";
      const axes = { xaxis: `x${suffix}`, yaxis: `y${suffix}`, legendgroup: name };
      figure.data.push(
        { ...trace, ...axes, showlegend: name !== "" && !named.has(name) } as Data,
      );
      named.add(name);
    }
  });
  // The legend stands above the titles of the first row.
  const legend = { y: 1 + 0.07 };
  const margin = { l: 56, r: 16, t: named.size > 1 || !named.has("") ? 88 : 64, b: 48 };
  const title = { text: options.title };
  return { data: figure.data, layout: { title, legend, margin, annotations, ...figure.layout } };
}

/** What {@linkcode heatMap} draws. */
export interface HeatMapOptions {
  /** Stands above the figure. */
  title: string;
  /** Rows from bottom to top, or from top to bottom with `yReversed`. */
  z: Values[];
  /** One place or category per column. */
  x?: Values | string[];
  /** One place or category per row. */
  y?: Values | string[];
  /** Title of the x-axis. */
  xTitle: string;
  /** Title of the y-axis. */
  yTitle: string;
  /** Stands above the colour bar. */
  zTitle: string;
  /** Writes each value into its cell with so many decimals. */
  decimals?: number;
  /** Colours that part at zero, for gradients. @default {false} */
  signed?: boolean;
  /** The first row on top, as a matrix is printed. @default {false} */
  yReversed?: boolean;
}

/** A matrix as colours, if wanted with its numbers. */
export function heatMap(options: HeatMapOptions): Figure {
  const { x, y, z, decimals, signed = false, yReversed = false } = options;
  const values = {
    type: "heatmap",
    z: z.map(toArray),
    x: x && toArray<number | string>(x),
    y: y && toArray<number | string>(y),
    colorscale: signed ? diverging : sequential,
    ...(signed && { zmid: 0 }),
    ...(decimals !== undefined && {
      text: z.map((row) => toArray(row).map((value) => inCell(value, decimals))),
      texttemplate: "%{text}",
    }),
    colorbar: { title: { text: options.zTitle } },
  };
  const layout: Partial<Layout> = {
    title: { text: options.title },
    xaxis: { title: { text: options.xTitle }, ...(!x && cellTicks(z[0]?.length ?? 0)) },
    yaxis: {
      title: { text: options.yTitle },
      ...(!y && cellTicks(z.length)),
      ...(yReversed && { autorange: "reversed" as const }),
    },
  };
  return { data: [values as Data], layout };
}

/** With a true minus sign, and without one before zero. */
function inCell(value: number, decimals: number): string {
  const text = value.toFixed(decimals);
  return Number(text) === 0 ? text.replace("-", "") : text.replace("-", "−");
}

/** Numbered cells get one tick each while there is room. */
function cellTicks(cells: number): Partial<LayoutAxis> {
  return cells <= 20 ? { tickmode: "linear", tick0: 0, dtick: 1 } : {};
}

/** Points of one class. */
export interface PointClass {
  /** What the legend says. */
  name: string;
  /** Coordinates along x. */
  x: Values;
  /** Coordinates along y. */
  y: Values;
}

/** What {@linkcode decisionBoundary} draws. */
export interface DecisionBoundaryOptions {
  /** Stands above the figure. */
  title: string;
  /** Grid coordinates along x, ascending. */
  x: Values;
  /** Grid coordinates along y, ascending. */
  y: Values;
  /** The score at each grid point: one row per y. */
  score: Values[];
  /** The score at which the decision changes. @default {0} */
  level?: number;
  /** The points to decide about, at most four classes. */
  classes: PointClass[];
  /** Title of the x-axis. */
  xTitle: string;
  /** Title of the y-axis. */
  yTitle: string;
  /** Stands above the colour bar. @default {"score"} */
  scoreTitle?: string;
}

/** A score over the plane, the line where the decision changes, and the points. */
export function decisionBoundary(options: DecisionBoundaryOptions): Figure {
  const { level = 0, classes, scoreTitle = "score" } = options;
  if (classes.length > classColours.length) {
    throw new RangeError(
      "Cannot draw the decision boundary as there are too many classes: " +
        `current is ${classes.length}, wanted is at most ${classColours.length}`,
    );
  }
  const [x, y, z] = [toArray(options.x), toArray(options.y), options.score.map(toArray)];
  const reach = Math.max(...z.flat().map((score) => Math.abs(score - level)));
  const step = roundStep(reach / 4);
  const bands = Math.ceil(reach / step) - 1;
  const data = [
    {
      type: "contour",
      x,
      y,
      z,
      zmin: level - reach,
      zmax: level + reach,
      // One band border lies on the decision itself, so that no band has both sides in it.
      autocontour: false,
      contours: { start: level - bands * step, end: level + bands * step, size: step },
      colorscale: paleDiverging,
      line: { width: 0 },
      colorbar: { title: { text: scoreTitle } },
    },
    {
      type: "contour",
      x,
      y,
      z,
      name: `${scoreTitle} = ${level}`,
      autocontour: false,
      contours: { start: level, end: level, size: 1, coloring: "none" },
      line: { color: colour.emphasis, width: 3 },
      showlegend: true,
      showscale: false,
    },
    ...classes.map(({ name, x, y }, i) => ({
      name,
      mode: "markers",
      x: toArray(x),
      y: toArray(y),
      marker: {
        color: classColours[i],
        symbol: classSymbols[i],
        size: 7,
        line: { color: colour.ink, width: 0.75 },
      },
    })),
  ];
  const layout: Partial<Layout> = {
    title: { text: options.title },
    xaxis: { title: { text: options.xTitle }, range: [x[0], x[x.length - 1]] },
    yaxis: { title: { text: options.yTitle }, range: [y[0], y[y.length - 1]] },
  };
  return { data: data as Data[], layout };
}

/** The largest of 1, 2 and 5 times a power of ten that is not above a length. */
function roundStep(length: number): number {
  const power = 10 ** Math.floor(Math.log10(length));
  return power * (length >= 5 * power ? 5 : length >= 2 * power ? 2 : 1);
}

/** What {@linkcode arrows} draws. */
export interface ArrowsOptions {
  /** What the legend says. */
  name: string;
  /** Where each starts along x. */
  x: Values;
  /** Where each starts along y. */
  y: Values;
  /** How far each goes along x. */
  dx: Values;
  /** How far each goes along y. */
  dy: Values;
  /** Of shafts and heads. @default {colour.gradient} */
  color?: string;
}

/** A field of arrows, such as a gradient, as one trace; arrows of no length are left out. */
export function arrows({ name, color = colour.gradient, ...field }: ArrowsOptions): Data {
  const { x: fromX, y: fromY, dx, dy } = field;
  const kept = toArray(fromX).map((_, i) => i).filter((i) => dx[i] !== 0 || dy[i] !== 0);
  return {
    name,
    mode: "lines+markers",
    x: kept.flatMap((i) => [fromX[i], fromX[i] + dx[i], null]),
    y: kept.flatMap((i) => [fromY[i], fromY[i] + dy[i], null]),
    line: { color, width: 1.5 },
    marker: {
      symbol: "arrow",
      angleref: "previous",
      // Only the second point of each triple carries a head.
      size: kept.flatMap(() => [0, 9, 0]),
      color,
      opacity: 1,
      line: { width: 0 },
    },
  } as Data;
}

function toArray<T>(values: ArrayLike<T>): T[] {
  return Array.from(values);
}
