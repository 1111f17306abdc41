/** Shared by the tests of figures: a figure, its output and SVG, and a decoder of PNG. */

import { assert, assertEquals } from "@std/assert";
import { Buffer } from "node:buffer";
import { inflateSync } from "node:zlib";
import { type Figure, plot, type PlotOptions } from "../../notebooks/_kit/plot/plot.ts";
import { portable } from "../../notebooks/_kit/plot/portable.ts";
import { layout } from "../../notebooks/_kit/plot/style.ts";
import { toSvg } from "../../notebooks/_kit/still/still.ts";

/** The MIME type of an interactive figure. */
export const PLOTLY = "application/vnd.plotly.v1+json";

/** The usual size of a figure. */
export const size = { width: 720, height: 420 };

/** Places on the x-axis. */
export const x = Array.from({ length: 121 }, (_, i) => (i - 60) / 20);

/** The smallest figure with a curve. */
export const parabola: Figure = {
  data: [{ x, y: x.map((x) => x * x / 2), mode: "lines", name: "½x²" }],
};

/** The output of `plot`, and its picture as bytes. */
export async function output(figure: Figure, options: PlotOptions = { alt: "a figure" }) {
  const shown = await plot(figure, options);
  assert(shown !== undefined, "outside the kernel the output is returned");
  return { ...shown, png: Buffer.from(String(shown.data["image/png"]), "base64") };
}

/** The SVG of the picture, in the common style. */
export function svgOf(figure: Figure): Promise<string> {
  return toSvg(portable({ data: figure.data, layout: layout(figure.layout, size) }), size);
}

export function assertClose(actual: number, expected: number, tolerance: number, what = ""): void {
  const message = `${what} ${actual} is not within ${tolerance} of ${expected}`;
  assert(Math.abs(actual - expected) <= tolerance, message);
}

/** Decodes PNG files of the encoder: unfiltered rows, indexed or RGBA. */
export function decode(png: Uint8Array): Record<"bytes" | "rgb", Uint8Array> & {
  width: number;
  height: number;
} {
  const view = Buffer.from(png);
  const chunks = new Map<string, Uint8Array>();
  for (let at = 8; at < view.length; at += 12 + view.readUInt32BE(at)) {
    const end = at + 8 + view.readUInt32BE(at);
    chunks.set(view.toString("latin1", at + 4, at + 8), view.subarray(at + 8, end));
  }
  const [width, height] = [view.readUInt32BE(16), view.readUInt32BE(20)];
  const lines = inflateSync(chunks.get("IDAT") ?? new Uint8Array());
  const row = lines.length / height;
  const bytes = new Uint8Array(height * (row - 1));
  for (let y = 0; y < height; y++) {
    assertEquals(lines[y * row], 0, "row filter");
    bytes.set(lines.subarray(y * row + 1, (y + 1) * row), y * (row - 1));
  }
  const palette = chunks.get("PLTE") ?? new Uint8Array();
  const rgb = new Uint8Array(3 * width * height);
  bytes.forEach((index, i) => {
    if (i < width * height) rgb.set(palette.subarray(3 * index, 3 * index + 3), 3 * i);
  });
  return { bytes, rgb, width, height };
}
