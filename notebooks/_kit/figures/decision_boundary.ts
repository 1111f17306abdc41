/** A score over the plane, the line where the decision changes, and the points that are classified. */

import type { Data, Layout } from "plotly.js";
import { classColours, classSymbols, colour, paleDiverging } from "../plot/style.ts";
import type { Figure } from "../still/figure.ts";
import { toArray, type Values } from "./values.ts";

/** Points of one class. */
export interface PointClass {
  /** Name in the legend. */
  name: string;
  /** Coordinates along x. */
  x: Values;
  /** Coordinates along y. */
  y: Values;
}

/** What {@linkcode decisionBoundary} draws. */
export interface DecisionBoundaryOptions {
  /** Title of the figure. */
  title: string;
  /** Grid coordinates along x, ascending. */
  x: Values;
  /** Grid coordinates along y, ascending. */
  y: Values;
  /** The score at each grid point, one row for each y. */
  score: Values[];
  /** The score at which the decision changes. @default {0} */
  level?: number;
  /** The points that are classified, at most four classes. */
  classes: PointClass[];
  /** Title of the x-axis. */
  xTitle: string;
  /** Title of the y-axis. */
  yTitle: string;
  /** Title of the colour bar. @default {"score"} */
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
      // The decision is the border of two bands, so that no band lies on both its sides.
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

/** The largest number not above a length that is 1, 2 or 5 times a power of ten. */
function roundStep(length: number): number {
  const power = 10 ** Math.floor(Math.log10(length));
  return power * (length >= 5 * power ? 5 : length >= 2 * power ? 2 : 1);
}
