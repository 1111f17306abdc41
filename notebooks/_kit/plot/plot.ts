/**
 * Figures for notebooks: interactive where Plotly runs, a sharp picture everywhere else.
 *
 * This folder turns a figure into an output, and holds the style that all figures share. What a figure shows is not its
 * business.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import type { Bilingual } from "../show/bilingual.ts";
import { display, inKernel } from "../show/display.ts";
import { checkFigure, checkOptions } from "./check.ts";
import type { Figure } from "../still/figure.ts";
import { portable } from "./portable.ts";
import { toPng } from "../still/still.ts";
import { figureSize, layout } from "./style.ts";

export type { Figure };

/** How {@linkcode plot} shows a figure. */
export interface PlotOptions {
  /**
   * What is drawn, for readers who cannot see it: one line, or one in each language. What it shows is told by the caption, after the
   * reader has guessed.
   */
  alt: string | Bilingual;
  /** In CSS pixels. @default {720} */
  width?: number;
  /** In CSS pixels. @default {420} */
  height?: number;
}

/** One Jupyter output: the figure in several forms, and metadata for viewers. */
export interface PlotOutput {
  /** The forms by MIME type. */
  data: Record<string, unknown>;
  /** Size and alternative text of the picture. */
  metadata: Record<string, unknown>;
}

/**
 * Shows a figure below the cell: as an interactive Plotly figure, as a PNG with twice the pixels, and as text. Outside the kernel
 * nothing is shown, and the output is returned.
 *
 * Text in figures is English and mathematics in Unicode (ŷ, σ, ∂, ², −, ≤), with `<sub>`, `<sup>`,
 * `<i>` and `<b>`.
 *
 * @param figure Traces, and the layout as far as it differs from the common style.
 * @param options What the figure shows, and its size.
 *
 * @example
 * ```ts
 * const x = Array.from({ length: 201 }, (_, i) => -3 + 0.03 * i);
 * await plot(
 *   { data: [{ x, y: x.map((x) => x * x / 2), mode: "lines" }] },
 *   { alt: { zh: "平方误差随残差变化的曲线", en: "The squared error over the residual" } },
 * );
 * ```
 */
export async function plot(figure: Figure, options: PlotOptions): Promise<PlotOutput | undefined> {
  const output = await render(figure, options);
  if (!inKernel()) return output;
  await display(output.data, output.metadata);
  // Jupyter would show a returned value once more.
  return undefined;
}

/** The live figure and the picture are made from the same rounded numbers. */
async function render(figure: Figure, options: PlotOptions): Promise<PlotOutput> {
  checkOptions(options);
  checkFigure(figure);
  const { alt, width, height } = { ...figureSize, ...options };
  const size = { width, height };
  const drawn = portable({ data: figure.data, layout: layout(figure.layout, size) });
  const png = await toPng(drawn, size);
  const text = typeof alt === "string" ? alt : `${alt.zh}\n${alt.en}`;
  return {
    data: {
      "application/vnd.plotly.v1+json": { ...drawn, config: { responsive: false } },
      "image/png": Buffer.from(png).toString("base64"),
      "text/plain": text,
    },
    metadata: { "image/png": { width, height, alt: text.replace("\n", " ") } },
  };
}
