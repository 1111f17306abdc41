/** Two ways of computing one function, the naive one dashed on top of the stable one. */

import type { Data } from "plotly.js";
import { colour } from "../plot/style.ts";
import type { Figure } from "../still/figure.ts";
import { line, titles } from "./traces.ts";
import { toArray, type Values } from "./values.ts";

/** What {@linkcode naiveAndStable} draws. */
export interface NaiveAndStableOptions {
  /** Title of the figure. */
  title: string;
  /** Where both were computed, ascending. */
  x: Values;
  /** Title of the x-axis. */
  xTitle: string;
  /** Title of the y-axis. @default {"loss"} */
  yTitle?: string;
  /** The naive values; NaN and infinities leave a gap. */
  naive: Values;
  /** The stable values. */
  stable: Values;
}

/** Both curves at their true heights; crosses mark where the naive one ends in NaN or infinity. */
export function naiveAndStable(options: NaiveAndStableOptions): Figure {
  const { title, x, xTitle, yTitle = "loss", naive, stable } = options;
  const ends = toArray(x).map((_, i) => i).filter((i) =>
    Number.isFinite(naive[i]) &&
    ((i > 0 && !Number.isFinite(naive[i - 1])) ||
      (i < x.length - 1 && !Number.isFinite(naive[i + 1])))
  );
  const crosses = {
    mode: "markers",
    x: ends.map((i) => x[i]),
    y: ends.map((i) => naive[i]),
    marker: { symbol: "x", size: 9, color: colour.gradient },
    showlegend: false,
  } as Data;
  return {
    data: [
      line("stable", x, stable),
      line("naive", x, naive, colour.gradient, "dash"),
      ...(ends.length > 0 ? [crosses] : []),
    ],
    layout: titles(title, xTitle, yTitle),
  };
}
