/**
 * Predictions of three classes as points of a triangle, in whose corners one class has probability 1.
 *
 * @module
 */

import type { Data } from "plotly.js";
import type { Figure } from "../still/figure.ts";
import { smallMultiples } from "./small_multiples.ts";
import { arrows } from "./traces.ts";
import { colour } from "../plot/style.ts";

const HEIGHT = Math.sqrt(3) / 2;

/**
 * The coordinates of a prediction; the corner of class 0 is bottom left, that of class 1 bottom right, that of class 2 on top.
 *
 * @param p Three numbers; their sum is 1 for a point, and 0 for a direction.
 */
export function inTriangle([, right, top]: ArrayLike<number> & Iterable<number>): [
  x: number,
  y: number,
] {
  return [right + top / 2, HEIGHT * top];
}

/**
 * Predictions spread evenly over the inside of the triangle.
 *
 * @param rows The number of predictions along one side.
 */
export function simplexPoints(rows: number): number[][] {
  const points: number[][] = [];
  for (let b = 0; b < rows; b++) {
    for (let c = 0; b + c < rows; c++) {
      // A third of a step away from each side.
      const [right, top] = [(b + 1 / 3) / rows, (c + 1 / 3) / rows];
      points.push([1 - right - top, right, top]);
    }
  }
  return points;
}

/** Invisible axes for a figure of triangles: `xaxis` and `yaxis` of smallMultiples. */
export const bareAxis = {
  showgrid: false,
  zeroline: false,
  showline: false,
  tickmode: "array",
  tickvals: [] as number[],
} as const;

/** One triangle of {@linkcode simplexFigure}. */
export interface SimplexField {
  /** Title of the panel. */
  title: string;
  /** The height of a prediction. It must rise along every line from the mark, as that of a convex function from its minimum. */
  value: (p: number[]) => number;
  /** The heights of the contours, ascending. */
  levels: readonly number[];
  /** The arrow at each point of {@linkcode SimplexFigureOptions.points}, three numbers whose sum is 0. */
  moves: readonly ArrayLike<number>[];
}

/** What {@linkcode simplexFigure} draws. */
export interface SimplexFigureOptions {
  /** Title of the figure. */
  title: string;
  /** The names of the three corners: bottom left, bottom right, top. */
  corners: readonly [string, string, string];
  /** Predictions at which arrows start. */
  points: readonly number[][];
  /** A prediction to mark. */
  mark: { name: string; at: number[] };
  /** The triangles, from left to right. */
  fields: readonly SimplexField[];
}

/** Values over all predictions of three classes as contours in a triangle, with arrows on them. */
export function simplexFigure(options: SimplexFigureOptions): Figure {
  const { title, corners, points, mark, fields } = options;
  return smallMultiples({
    title,
    columns: fields.length,
    xaxis: { ...bareAxis, range: [-0.06, 1.06] },
    yaxis: { ...bareAxis, range: [-0.09, HEIGHT + 0.09] },
    panels: fields.map((field) => ({
      title: field.title,
      data: [
        ...contours(field, mark.at),
        arrowsOf(points, field.moves),
        cornerNames(corners),
        markAt(mark),
      ],
    })),
  });
}

const CORNERS = [[1, 0, 0], [0, 1, 0], [0, 0, 1]];

/** From the highest band to the lowest, the deeper the colour the higher; the sides of the triangle come last. */
function contours({ value, levels }: SimplexField, lowest: readonly number[]): Data[] {
  const triangle = [...CORNERS, CORNERS[0]];
  const areas = levels.map((level) => areaBelow(value, level, lowest));
  const bands = [triangle, ...areas.toReversed()].map((outline, i) => ({
    fill: "toself",
    fillcolor: tint(colour.loss, 0.6 * (1 - i / levels.length)),
    line: { color: "white", width: 0.75 },
    ...along(outline),
  } as Data));
  return [...bands, { ...along(triangle), line: { color: colour.ink, width: 1.5 } } as Data];
}

/** A line through predictions, which does not answer to the mouse. */
function along(outline: readonly number[][]): Data {
  const points = outline.map(inTriangle);
  return {
    x: points.map(([x]) => x),
    y: points.map(([, y]) => y),
    mode: "lines",
    hoverinfo: "skip",
    showlegend: false,
  };
}

/** The outline of the predictions whose value is at most a level, found on rays from the lowest one. */
function areaBelow(
  value: (p: number[]) => number,
  level: number,
  lowest: readonly number[],
): number[][] {
  const angleOf = (p: number[]) => {
    const [x, y] = inTriangle(p.map((share, c) => share - lowest[c]));
    return Math.atan2(y, x);
  };
  // With a ray to each corner, so that none is cut off.
  const even = Array.from({ length: 180 }, (_, i) => Math.PI * (i / 90 - 1));
  const angles = [...even, ...CORNERS.map(angleOf)].sort((a, b) => a - b);
  const outline = angles.map((angle) => {
    const top = Math.sin(angle) / HEIGHT;
    const right = Math.cos(angle) - top / 2;
    const direction = [-right - top, right, top];
    const at = (t: number) => lowest.map((share, c) => Math.max(0, share + t * direction[c]));
    // On the side of the triangle the first probability is 0.
    const lengths = lowest.map((share, c) => direction[c] < 0 ? -share / direction[c] : Infinity);
    let [below, above] = [0, Math.min(...lengths)];
    if (value(at(above)) <= level) return at(above);
    for (let halving = 0; halving < 30; halving++) {
      const middle = (below + above) / 2;
      if (value(at(middle)) <= level) below = middle;
      else above = middle;
    }
    return at(below);
  });
  return [...outline, outline[0]];
}

/** A colour mixed with white: 0 is white, 1 the colour. */
function tint(hex: string, share: number): string {
  const channels = [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
  return `rgb(${channels.map((c) => Math.round(255 + share * (c - 255))).join(", ")})`;
}

function arrowsOf(points: readonly number[][], moves: readonly ArrayLike<number>[]): Data {
  const starts = points.map(inTriangle);
  const steps = moves.map((move) => inTriangle(Array.from(move)));
  return arrows({
    name: "",
    x: starts.map(([x]) => x),
    y: starts.map(([, y]) => y),
    dx: steps.map(([dx]) => dx),
    dy: steps.map(([, dy]) => dy),
  });
}

function cornerNames([left, right, top]: readonly [string, string, string]): Data {
  return {
    mode: "text",
    x: [0, 1, 1 / 2],
    y: [0, 0, HEIGHT],
    text: [left, right, top],
    textposition: ["bottom center", "bottom center", "top center"],
    hoverinfo: "skip",
  } as Data;
}

function markAt({ name, at }: SimplexFigureOptions["mark"]): Data {
  const [x, y] = inTriangle(at);
  const line = { color: "white", width: 1 };
  return {
    name,
    x: [x],
    y: [y],
    mode: "markers",
    marker: { symbol: "x", size: 11, color: colour.emphasis, line },
  };
}
