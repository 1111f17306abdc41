/**
 * Predictions of three classes as points of a triangle, in whose corners one class has probability 1.
 *
 * @module
 */

import type { Panel } from "./small_multiples.ts";
import { arrows } from "./traces.ts";
import { colour, sequential } from "../plot/style.ts";

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

/** What {@linkcode simplexPanel} draws. */
export interface SimplexOptions {
  /** Title of the panel. */
  title: string;
  /** The colour of a prediction, from 0. */
  value: (p: number[]) => number;
  /** The value of the brightest colour. */
  highest: number;
  /** Predictions at which arrows start. */
  points: number[][];
  /** The arrows, three numbers for each point. */
  moves: ArrayLike<number>;
  /** A prediction to mark. */
  mark: { name: string; at: number[] };
}

/** Invisible axes for a figure of triangles: `xaxis` and `yaxis` of smallMultiples. */
export const bareAxis = {
  showgrid: false,
  zeroline: false,
  showline: false,
  tickmode: "array",
  tickvals: [] as number[],
} as const;

/** A panel of smallMultiples: a value over the triangle as colours, and arrows on it. */
export function simplexPanel(options: SimplexOptions): Panel {
  const { title, value, highest, points, moves, mark } = options;
  const steps = 60;
  const x = Array.from({ length: steps + 1 }, (_, i) => i / steps);
  const y = x.map((share) => HEIGHT * share);
  const z = x.map((top) =>
    x.map((across) => {
      const right = across - top / 2;
      const left = 1 - right - top;
      // Only the inside: in the corners a loss may be infinite.
      return Math.min(left, right, top) < 1e-3 ? null : value([left, right, top]);
    })
  );
  const starts = points.map(inTriangle);
  const ends = points.map((_, i) => inTriangle([0, 1, 2].map((c) => moves[3 * i + c])));
  const [markX, markY] = inTriangle(mark.at);
  return {
    title,
    data: [
      {
        type: "heatmap",
        x,
        y,
        z,
        zmin: 0,
        zmax: highest,
        showscale: false,
        colorscale: sequential,
      },
      arrows({
        name: "",
        x: starts.map(([x]) => x),
        y: starts.map(([, y]) => y),
        dx: ends.map(([dx]) => dx),
        dy: ends.map(([, dy]) => dy),
        color: "white",
      }),
      {
        name: mark.name,
        x: [markX],
        y: [markY],
        mode: "markers",
        marker: {
          symbol: "x",
          size: 11,
          color: colour.emphasis,
          line: { color: "white", width: 1 },
        },
      },
    ],
  };
}
