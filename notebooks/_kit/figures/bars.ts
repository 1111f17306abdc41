/** Bars for several series on equal axes. */

import type { Data } from "plotly.js";
import { colour } from "../plot/style.ts";
import type { Figure } from "../still/figure.ts";
import { smallMultiples } from "./small_multiples.ts";
import { toArray, type Values } from "./values.ts";

/** One panel of {@linkcode barPanels}. */
export interface BarSeries {
  /** Title of the panel. */
  title: string;
  /** The height of each bar. */
  values: Values;
  /** Colour of the bars. @default {colour.loss} */
  color?: string;
}

/** What {@linkcode barPanels} draws. */
export interface BarPanelsOptions {
  /** Title of the figure. */
  title: string;
  /** The name of each bar, the same in all panels. */
  categories: readonly string[];
  /** The panels, from left to right. */
  series: readonly BarSeries[];
  /** Title of the y-axis. */
  yTitle: string;
  /** Panels in a row. @default {3} */
  columns?: number;
}

/** One panel of bars for each series, such as the pull of several losses on the same scores. */
export function barPanels(options: BarPanelsOptions): Figure {
  const { title, categories, series, yTitle, columns } = options;
  const panels = series.map(({ title, values, color = colour.loss }) => {
    const bars = {
      type: "bar",
      x: [...categories],
      y: toArray(values),
      marker: { color },
    };
    return { title, data: [bars as Data] };
  });
  return smallMultiples({ title, panels, yTitle, columns, xaxis: { type: "category" } });
}
