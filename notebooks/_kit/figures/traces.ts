/** Parts from which a page makes its own figures: titles, points, lines, circles, arrows. */

import type { AxisType, Dash, Data, Layout } from "plotly.js";
import { colour } from "../plot/style.ts";
import { toArray, type Values } from "./values.ts";

/**
 * A layout with a title and titles of both axes.
 *
 * @param title Title of the figure.
 * @param xTitle Title of the x-axis.
 * @param yTitle Title of the y-axis.
 * @param type Type of both axes.
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

/**
 * A circle as a trace.
 *
 * @param name Name in the legend.
 * @param centre Its centre.
 * @param radius Its radius.
 */
export function circle(
  name: string,
  centre: readonly number[],
  radius: number,
  color: string = colour.loss,
  dash: Dash = "dot",
): Data {
  const turn = Array.from({ length: 121 }, (_, i) => i * Math.PI / 60);
  return line(
    name,
    turn.map((t) => centre[0] + radius * Math.cos(t)),
    turn.map((t) => centre[1] + radius * Math.sin(t)),
    color,
    dash,
  );
}

/** Anchor, positive and negative of a triplet in the plane, as three traces in the colours of every page; the negative may be missing. */
export function tripletDots(points: readonly (readonly number[])[]): Data[] {
  const roles = [
    { name: "anchor", color: "#000000", symbol: "circle" },
    { name: "positive", color: colour.emphasis, symbol: "square" },
    { name: "negative", color: colour.kink, symbol: "triangle-up" },
  ];
  return points.map(([x, y], k) => dots(roles[k].name, [x], [y], roles[k].color, roles[k].symbol));
}

/** What {@linkcode arrows} draws. */
export interface ArrowsOptions {
  /** Name in the legend. */
  name: string;
  /** Start of each arrow along x. */
  x: Values;
  /** Start of each arrow along y. */
  y: Values;
  /** Length of each arrow along x. */
  dx: Values;
  /** Length of each arrow along y. */
  dy: Values;
  /** Colour of shafts and heads. @default {colour.gradient} */
  color?: string;
}

/** A field of arrows, such as a gradient, as one trace; arrows of length 0 are left out. */
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
