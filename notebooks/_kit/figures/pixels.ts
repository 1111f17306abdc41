/** Small pictures of numbers, pixel by pixel. */

import type { Data } from "plotly.js";
import { diverging } from "../plot/style.ts";
import type { Figure } from "../still/figure.ts";
import { smallMultiples } from "./small_multiples.ts";
import { bareAxis } from "./simplex.ts";
import { toArray, type Values } from "./values.ts";

/** One panel of {@linkcode pixelPanels}. */
export interface PixelPanel {
  /** Title of the panel. */
  title: string;
  /** Rows of pixels from top to bottom. NaN stays white. */
  rows: readonly Values[];
  /** The value that is white, or with `signed` blue. */
  low: number;
  /** The value that is black, or with `signed` orange. */
  high: number;
  /** Uses different colours below and above the middle, as for gradients. @default {false} */
  signed?: boolean;
}

const INK: [number, string][] = [[0, "#ffffff"], [1, "#1a1a1a"]];

/** Panels of pixels side by side, such as an image and the loss of each of its pixels. */
export function pixelPanels(title: string, panels: readonly PixelPanel[]): Figure {
  const figure = smallMultiples({
    title,
    columns: panels.length,
    xaxis: { ...bareAxis, showline: true, mirror: true },
    yaxis: { ...bareAxis, showline: true, mirror: true, autorange: "reversed" },
    panels: panels.map(({ title, rows, low, high, signed = false }) => {
      const pixels = {
        type: "heatmap",
        z: rows.map(toArray),
        zmin: low,
        zmax: high,
        showscale: false,
        colorscale: signed ? diverging : INK,
        xgap: 0.5,
        ygap: 0.5,
      };
      return { title, data: [pixels as Data] };
    }),
  });
  return figure;
}
