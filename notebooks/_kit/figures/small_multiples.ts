/** The same picture for several settings, side by side. */

import type { Annotations, Data, LayoutAxis } from "plotly.js";
import type { Figure } from "../still/figure.ts";

/** One of the pictures in {@linkcode smallMultiples}. */
export interface Panel {
  /** Title of the panel. */
  title: string;
  /** Its traces, without axes. */
  data: Data[];
}

/** What {@linkcode smallMultiples} draws. */
export interface SmallMultiplesOptions {
  /** Title of the figure. */
  title: string;
  /** From left to right, then from top to bottom. */
  panels: Panel[];
  /** Panels in a row. @default {3} */
  columns?: number;
  /** Room between two rows, as a share of the height of all. @default {0.16} */
  rowGap?: number;
  /** Title of the x-axis. */
  xTitle?: string;
  /** Title of the y-axis. */
  yTitle?: string;
  /** Properties of every x-axis, such as a range or `type: "log"`. */
  xaxis?: Partial<LayoutAxis>;
  /** Properties of every y-axis. */
  yaxis?: Partial<LayoutAxis>;
}

/** Panels side by side, on equal axes. Traces of the same name share one entry of the legend. */
export function smallMultiples(options: SmallMultiplesOptions): Figure {
  const { panels, columns = 3, rowGap = 0.16, xTitle, yTitle } = options;
  if (panels.length === 0) {
    throw new TypeError("Cannot arrange panels as there are none: current is [], wanted is one");
  }
  const rows = Math.ceil(panels.length / columns);
  const gapX = 0.05;
  const width = (1 - gapX * (columns - 1)) / columns;
  const height = (1 - rowGap * (rows - 1)) / rows;
  const named = new Set<string>();
  const figure = { data: [] as Data[], layout: {} as Record<string, unknown> };
  const annotations: Partial<Annotations>[] = [];

  panels.forEach((panel, index) => {
    const [row, column] = [Math.floor(index / columns), index % columns];
    const suffix = index === 0 ? "" : String(index + 1);
    const [left, top] = [column * (width + gapX), 1 - row * (height + rowGap)];
    const isLowest = index + columns >= panels.length;
    figure.layout[`xaxis${suffix}`] = {
      ...options.xaxis,
      domain: [left, left + width],
      anchor: `y${suffix}`,
      ...(index > 0 && { matches: "x" }),
      showticklabels: isLowest,
      ...(isLowest && xTitle && { title: { text: xTitle } }),
    };
    figure.layout[`yaxis${suffix}`] = {
      ...options.yaxis,
      domain: [Math.max(top - height, 0), top],
      anchor: `x${suffix}`,
      ...(index > 0 && { matches: "y" }),
      showticklabels: column === 0,
      ...(column === 0 && yTitle && { title: { text: yTitle } }),
    };
    annotations.push({
      text: panel.title,
      showarrow: false,
      xref: "paper",
      yref: "paper",
      x: left + width / 2,
      y: top,
      xanchor: "center",
      yanchor: "bottom",
      font: { size: 12 },
    });
    for (const trace of panel.data) {
      const name = "name" in trace ? String(trace.name) : "";
      const axes = { xaxis: `x${suffix}`, yaxis: `y${suffix}`, legendgroup: name };
      figure.data.push(
        { ...trace, ...axes, showlegend: name !== "" && !named.has(name) } as Data,
      );
      named.add(name);
    }
  });
  // The legend is above the titles of the first row.
  const legend = { y: 1 + 0.07 };
  const margin = { l: 56, r: 16, t: named.size > 1 || !named.has("") ? 88 : 64, b: 48 };
  const title = { text: options.title };
  return { data: figure.data, layout: { title, legend, margin, annotations, ...figure.layout } };
}
