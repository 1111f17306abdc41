/** Curves over the steps of a training, each the mean of several runs. */

import type { Dash, Data } from "plotly.js";
import { mean, standardError } from "../experiments/statistics.ts";
import { colour } from "../plot/style.ts";
import type { Figure } from "../still/figure.ts";
import { line, titles } from "./traces.ts";
import type { Values } from "./values.ts";

/** One curve of {@linkcode trainingCurves}. */
export interface TrainingCurve {
  /** Name in the legend. */
  name: string;
  /** One row for each run, with a number for each step that is drawn; at least two runs. */
  runs: readonly Values[];
  /** Colour of the curve and, paler, of its band. @default {colour.loss} */
  color?: string;
  /** Dashes of the curve. @default {"solid"} */
  dash?: Dash;
}

/** What {@linkcode trainingCurves} draws. */
export interface TrainingCurvesOptions {
  /** Title of the figure. */
  title: string;
  /** The steps. */
  steps: Values;
  /** The curves. */
  curves: readonly TrainingCurve[];
  /** Title of the y-axis. */
  yTitle: string;
}

/** The mean of the runs as a line, and one standard error to both sides as a band. */
export function trainingCurves({ title, steps, curves, yTitle }: TrainingCurvesOptions): Figure {
  const bands: Data[] = [];
  const lines: Data[] = [];
  for (const { name, runs, color = colour.loss, dash } of curves) {
    const centre: number[] = [];
    const low: number[] = [];
    const high: number[] = [];
    for (let i = 0; i < steps.length; i++) {
      const values = runs.map((run) => run[i]);
      const error = standardError(values);
      centre.push(mean(values));
      low.push(mean(values) - error);
      high.push(mean(values) + error);
    }
    lines.push(line(name, steps, centre, color, dash));
    const there = Array.from(steps);
    bands.push({
      x: [...there, ...there.toReversed()],
      y: [...low, ...high.toReversed()],
      mode: "lines",
      line: { width: 0 },
      fill: "toself",
      fillcolor: `${color}33`,
      hoverinfo: "skip",
      showlegend: false,
    } as Data);
  }
  // Bands below all lines, so that none is hidden.
  return { data: [...bands, ...lines], layout: titles(title, "step", yTitle) };
}
