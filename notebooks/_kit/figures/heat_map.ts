/** A matrix as colours. */

import type { Data, Layout, LayoutAxis } from "plotly.js";
import { diverging, sequential } from "../plot/style.ts";
import type { Figure } from "../still/figure.ts";
import { toArray, type Values } from "./values.ts";

/** What {@linkcode heatMap} draws. */
export interface HeatMapOptions {
  /** Title of the figure. */
  title: string;
  /** Rows from bottom to top, or from top to bottom with `yReversed`. */
  z: Values[];
  /** The coordinate or category of each column. */
  x?: Values | string[];
  /** The coordinate or category of each row. */
  y?: Values | string[];
  /** Title of the x-axis. */
  xTitle: string;
  /** Title of the y-axis. */
  yTitle: string;
  /** Title of the colour bar. */
  zTitle: string;
  /** Writes each value into its cell, with this number of decimals. */
  decimals?: number;
  /** Uses different colours below and above 0, as for gradients. @default {false} */
  signed?: boolean;
  /** Puts the first row on top, as in a printed matrix. @default {false} */
  yReversed?: boolean;
}

/** A matrix as colours, optionally with its numbers. */
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

/** A number with a true minus sign, and none before zero. */
function inCell(value: number, decimals: number): string {
  const text = value.toFixed(decimals);
  return Number(text) === 0 ? text.replace("-", "") : text.replace("-", "−");
}

/** One tick for each numbered cell, if there are few enough. */
function cellTicks(cells: number): Partial<LayoutAxis> {
  return cells <= 20 ? { tickmode: "linear", tick0: 0, dtick: 1 } : {};
}
