/**
 * The style of all figures: one palette with one meaning for each colour, one size, one font.
 *
 * @module
 */

import type { ColorScale, Layout, Template } from "plotly.js";
import type { Size } from "../still/figure.ts";

/** The size of a figure in CSS pixels, unless {@linkcode plot} is given another. */
export const figureSize = { width: 720, height: 420 } as const;

/**
 * One meaning per colour, in every notebook. Most hues are Okabe and Ito's; all stay apart for
 * colour-blind readers, which a test simulates.
 */
export const colour = {
  /** The loss that the notebook is about. */
  loss: "#0072b2",
  /** Its gradient. */
  gradient: "#d55e00",
  /** Losses to compare with. */
  sibling: "#999999",
  /** Where the derivative jumps or a formula changes its branch. */
  kink: "#882255",
  /** Measured data and samples. */
  data: "#56b4e9",
  /** What the reader should look at: a minimiser, a decision boundary, an outlier. */
  emphasis: "#009e73",
  /** Axes and text. */
  ink: "#333333",
  /** Grid lines and faint guides. */
  faint: "#e6e6e6",
} as const;

/** Colours of classes, which {@linkcode classSymbols} tell apart as well. */
export const classColours: readonly string[] = ["#56b4e9", "#e69f00", "#000000", "#f0e442"];

/** Marker symbols for classes, in the order of {@linkcode classColours}. */
export const classSymbols: readonly string[] = ["circle", "square", "triangle-up", "diamond"];

/** From low to high, readable in grey and for colour-blind readers. */
export const sequential: ColorScale = "Cividis";

/** From negative through white to positive: blue is low, orange is high. */
export const diverging: ColorScale = [
  [0, "#00527f"],
  [0.25, "#66aad1"],
  [0.5, "#ffffff"],
  [0.75, "#eaa36b"],
  [1, "#a34700"],
];

/** {@linkcode diverging} as a background for points. */
export const paleDiverging: ColorScale = [
  [0, "#9cc3dc"],
  [0.5, "#ffffff"],
  [1, "#f0c4a0"],
];

/**
 * Colours for one curve per value of an option, from light to dark.
 *
 * @param count How many curves.
 */
export function sweep(count: number): string[] {
  const [light, dark] = [[158, 202, 225], [8, 48, 107]];
  return Array.from({ length: count }, (_, i) => {
    const t = count === 1 ? 1 : i / (count - 1);
    return `rgb(${light.map((from, k) => Math.round(from + t * (dark[k] - from))).join(", ")})`;
  });
}

const axis = {
  automargin: true,
  gridcolor: colour.faint,
  linecolor: colour.ink,
  showline: true,
  tickcolor: colour.ink,
  ticks: "outside",
  ticklen: 4,
  title: { standoff: 8 },
  zerolinecolor: "#bdbdbd",
  zerolinewidth: 1,
  exponentformat: "power",
  minexponent: 4,
} as const;

/** Defaults for each type of trace, so that cells give only what differs. */
const traces = {
  // Plotly drops points for speed; at twice the pixels a curve would then show corners.
  scatter: [{ line: { width: 2.25, simplify: false }, marker: { size: 7 } }],
  heatmap: [{ colorbar: { outlinewidth: 0, ticks: "outside", ticklen: 4 } }],
  contour: [{ colorbar: { outlinewidth: 0, ticks: "outside", ticklen: 4 } }],
  histogram: [{ marker: { line: { color: "white", width: 1 } } }],
};

const template: Template = {
  data: traces as Template["data"],
  layout: {
    annotationdefaults: { arrowhead: 2, arrowsize: 1, arrowwidth: 1.25, arrowcolor: colour.ink },
    bargap: 0.25,
    colorscale: { sequential, sequentialminus: sequential, diverging },
    colorway: [
      colour.loss,
      colour.gradient,
      colour.emphasis,
      "#e69f00",
      colour.kink,
      colour.data,
      colour.sibling,
    ],
    // Verdana is nearly as wide as DejaVu, so that an interactive figure keeps its layout where DejaVu is missing.
    font: { family: "DejaVu Sans, Verdana, sans-serif", size: 12, color: colour.ink },
    legend: { orientation: "h", x: 0, xanchor: "left", y: 1.01, yanchor: "bottom" },
    margin: { l: 56, r: 24, t: 64, b: 48 },
    paper_bgcolor: "white",
    plot_bgcolor: "white",
    title: { font: { size: 15 }, x: 0, xref: "paper", xanchor: "left", y: 0.975, yanchor: "top" },
    xaxis: axis,
    yaxis: axis,
  } as Template["layout"],
};

/**
 * Completes a layout with the common style, as {@linkcode plot} does by itself. The layout of a figure takes precedence.
 *
 * @param own The layout of the figure, as far as it differs from the style.
 * @param size In CSS pixels.
 */
export function layout(
  own: Partial<Layout> = {},
  size: Size = figureSize,
): Partial<Layout> {
  return { template, width: size.width, height: size.height, ...own };
}
