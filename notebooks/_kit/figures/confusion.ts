/** Confusion matrices side by side. */

import type { Data } from "plotly.js";
import type { Figure } from "../still/figure.ts";
import { heatMap } from "./heat_map.ts";
import { smallMultiples } from "./small_multiples.ts";
import type { Values } from "./values.ts";

/** What {@linkcode confusionPanels} draws. */
export interface ConfusionOptions {
  /** Title of the figure. */
  title: string;
  /** The names of the classes. */
  classes: readonly string[];
  /** For each model its confusion matrices, one for each split: one row for each true class, one column for each predicted class. */
  panels: readonly { title: string; counts: readonly (readonly Values[])[] }[];
}

/** For each model the share of every true class (rows) that is predicted as every class (columns), all splits taken together. */
export function confusionPanels({ title, classes, panels }: ConfusionOptions): Figure {
  return smallMultiples({
    title,
    columns: panels.length,
    xTitle: "predicted",
    yTitle: "true",
    yaxis: { autorange: "reversed" },
    panels: panels.map(({ title, counts }) => {
      const map = heatMap({
        title: "",
        x: [...classes],
        y: [...classes],
        z: sharesOf(counts),
        decimals: 2,
        xTitle: "",
        yTitle: "",
        zTitle: "",
      });
      // All panels have the same scale, and the numbers are in the cells.
      const scale = { showscale: false, zmin: 0, zmax: 1 };
      return { title, data: map.data.map((trace) => ({ ...trace, ...scale }) as Data) };
    }),
  });
}

/** The counts of all matrices added up, each row divided by its sum. */
function sharesOf(counts: readonly (readonly Values[])[]): number[][] {
  return counts[0].map((_, i) => {
    const row = Array.from(counts[0][i], (_, j) => {
      let sum = 0;
      for (const matrix of counts) sum += matrix[i][j];
      return sum;
    });
    const samples = row.reduce((a, b) => a + b);
    return row.map((count) => count / samples);
  });
}
