/**
 * The picture of all losses and their gradients, one small panel each. `deno run -A notebooks/_kit/contents/losses_picture.ts`
 * draws losses.png, which README.md shows.
 *
 * @module
 */

import type { Annotations, Data, LayoutAxis } from "plotly.js";
import { branches } from "../figures/kinks.ts";
import { portable } from "../plot/portable.ts";
import { colour, layout } from "../plot/style.ts";
import type { Figure, Size } from "../still/figure.ts";
import { toPng } from "../still/still.ts";
import { type LossPanel, lossPanels } from "./loss_panels.ts";

const SAMPLES = 120;
const LOSS_RANGE = [-2.4, 4.2];

/**
 * One panel for each loss and its gradient, all with the same y-axis. The legend is in the last row if there is room, else above.
 *
 * @param panels The panels.
 * @param columns Panels in a row.
 * @param size In CSS pixels; `plot` needs the same.
 */
export function lossesPicture(
  panels: readonly LossPanel[],
  columns: number,
  size: Size,
): Figure {
  const rows = Math.ceil(panels.length / columns);
  const hasRoom = panels.length < rows * columns;
  const margin = { l: 30, r: 8, t: hasRoom ? 26 : 58, b: 40 };
  // Gaps in pixels, so that the text fits into figures of any size.
  const inner = {
    width: size.width - margin.l - margin.r,
    height: size.height - margin.t - margin.b,
  };
  const gap = { x: 18 / inner.width, y: 62 / inner.height };
  const width = (1 - gap.x * (columns - 1)) / columns;
  const height = (1 - gap.y * (rows - 1)) / rows;
  const place = (index: number) => ({
    left: (index % columns) * (width + gap.x),
    top: 1 - Math.floor(index / columns) * (height + gap.y),
  });

  const data: Data[] = [];
  const axes: Record<string, Partial<LayoutAxis>> = {};
  const annotations: Partial<Annotations>[] = [];
  panels.forEach((panel, index) => {
    const { left, top } = place(index);
    const id = index === 0 ? "" : `${index + 1}`;
    data.push(...traces(panel, id));
    axes[`xaxis${id}`] = {
      domain: [left, left + width],
      anchor: `y${id}` as LayoutAxis["anchor"],
      range: [...panel.range],
      ...ticks(panel.range),
      tickfont: { size: 10 },
      title: { text: panel.over, font: { size: 10 }, standoff: 3 },
    };
    axes[`yaxis${id}`] = {
      domain: [Math.max(0, top - height), top],
      anchor: `x${id}` as LayoutAxis["anchor"],
      range: LOSS_RANGE,
      tickvals: [-2, 0, 2, 4],
      tickfont: { size: 10 },
      showticklabels: index % columns === 0,
    };
    annotations.push({
      text: `<b>${panel.loss.replace(/(With)?Loss$/, "")}</b>`,
      showarrow: false,
      xref: "paper",
      yref: "paper",
      x: left + width / 2,
      y: top,
      xanchor: "center",
      yanchor: "bottom",
      font: { size: 11 },
    });
  });
  const { left, top } = place(panels.length);
  const legend = hasRoom
    ? { orientation: "v" as const, x: left, y: top, yanchor: "top" as const }
    : { orientation: "h" as const, x: 0, y: 1 + 24 / inner.height };
  return { data: withLegend(data), layout: { margin, legend, annotations, ...axes } };
}

const SOLID = { width: 2.25 };
const DASHED = { width: 1.25, dash: "4px,3px" };
const MARK = { size: 5, line: { width: 1.25, color: colour.gradient } };

/** The entries of the legend, in its order. */
const KINDS = [
  "loss",
  "gradient",
  "other label or option",
  "gradient at a kink",
  "its limits there",
] as const;

/** Shows each kind of trace once in the legend. */
function withLegend(data: Data[]): Data[] {
  const seen = new Set<unknown>();
  return data.map((trace) => {
    const name = "name" in trace ? trace.name : undefined;
    const showlegend = name !== undefined && !seen.has(name);
    seen.add(name);
    const legendrank = KINDS.findIndex((kind) => kind === name) + 1;
    return { ...trace, showlegend, ...(showlegend && { legendrank }) };
  });
}

function traces({ range: [low, high], isOpen, curves }: LossPanel, id: string): Data[] {
  const inset = isOpen ? 1 : 0;
  const x = Array.from(
    { length: SAMPLES + 1 - 2 * inset },
    (_, i) => low + (high - low) * ((i + inset) / SAMPLES),
  );
  const axes = { xaxis: `x${id}`, yaxis: `y${id}` };
  const lines = { ...axes, mode: "lines" as const };
  const marks = { ...axes, mode: "markers" as const, hoverinfo: "skip" as const };
  const [lossKind, gradientKind, otherKind, kinkKind, limitKind] = KINDS;
  return curves.flatMap((curve, i): Data[] => {
    if (curve === undefined) return [];
    const points = x.map(curve.at);
    const kinks = (curve.kinks ?? []).map((x) => ({ x }));
    const { limits, dots, ...gradient } = branches(x, points.map(([, g]) => g), kinks);
    const loss = { x, y: points.map(([loss]) => loss) };
    const line = i === 0 ? SOLID : DASHED;
    const names = i === 0 ? [gradientKind, lossKind] : [undefined, otherKind];
    return [
      { ...lines, ...gradient, name: names[0], line: { ...line, color: colour.gradient } },
      { ...lines, ...loss, name: names[1], line: { ...line, color: colour.loss } },
      { ...marks, ...limits, name: limitKind, marker: { ...MARK, color: "white" } },
      { ...marks, ...dots, name: kinkKind, marker: { ...MARK, color: colour.gradient } },
    ].filter(({ x }) => x.length > 0);
  });
}

/** Ticks inside the axis, and at 0. */
function ticks([low, high]: readonly [number, number]): Partial<LayoutAxis> {
  if (high === Math.PI) return { tickvals: [0, Math.PI / 2, Math.PI], ticktext: ["0", "π/2", "π"] };
  if (high === 1) return { tickvals: [0, 0.5, 1], ticktext: ["0", "½", "1"] };
  const step = high - low > 4 ? 2 : 1;
  const values = Array.from({ length: 9 }, (_, i) => (i - 4) * step);
  return { tickvals: values.filter((x) => x === 0 ? low <= 0 : low < x && x < high) };
}

/** The file that README.md shows. */
export const LOSSES_PNG: URL = new URL("losses.png", import.meta.url);

/** The whole picture as PNG: the same bytes on every machine. */
export function drawLosses(): Promise<Uint8Array> {
  const size = { width: 1000, height: 760 };
  const figure = lossesPicture(lossPanels, 6, size);
  return toPng(portable({ data: figure.data, layout: layout(figure.layout, size) }), size);
}

if (import.meta.main) await Deno.writeFile(LOSSES_PNG, await drawLosses());
