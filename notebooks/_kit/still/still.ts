/**
 * A figure as a still picture, drawn without a browser: Plotly → SVG → PNG.
 *
 * This folder gives happy-dom the measurements that Plotly asks of a browser, and encodes pixels. It knows neither Jupyter nor
 * the style of the figures, and nothing in it depends on the machine: the fonts come from a package.
 *
 * @module
 */

import { Resvg } from "@resvg/resvg-js";
import { FONT_FAMILY, fontFace, fontFiles } from "./font.ts";
import { openPage } from "./page.ts";
import { encodeIndexed } from "./png.ts";
import type { Figure, Size } from "./figure.ts";

/** Twice the pixels, for sharp screens and for print. */
const SCALE = 2;

let queue: Promise<unknown> = Promise.resolve();

/**
 * Draws a figure as SVG. Figures are drawn one after the other, each from the same random numbers,
 * so that one does not change the names inside another.
 *
 * @param figure What to draw; it is not modified.
 * @param size In CSS pixels.
 */
export function toSvg(figure: Figure, size: Size): Promise<string> {
  const drawn = queue.then(() => {
    const { plotly, reseed } = openPage();
    reseed();
    // Plotly writes defaults into what it is given.
    const { data, layout } = structuredClone(figure);
    return plotly.toImage(
      { data, layout: layout ?? {}, config: { staticPlot: true } },
      { format: "svg", ...size, imageDataOnly: true },
    );
  });
  queue = drawn.catch(() => {});
  return drawn;
}

/**
 * Draws a figure as PNG, with fonts from the package only: the same bytes on every machine.
 *
 * @param figure What to draw; it is not modified.
 * @param size In CSS pixels; the picture has twice as many each way.
 */
export async function toPng(figure: Figure, size: Size): Promise<Uint8Array> {
  const svg = await toSvg(figure, size);
  checkText(svg);
  // resvg knows this value, which keeps the cells of a heat map sharp, by its older name.
  const source = svg.replaceAll("image-rendering: pixelated", "image-rendering: optimizeSpeed");
  const picture = new Resvg(source, {
    fitTo: { mode: "zoom", value: SCALE },
    background: "white",
    font: {
      loadSystemFonts: false,
      fontFiles: [...fontFiles],
      defaultFontFamily: FONT_FAMILY,
      sansSerifFamily: FONT_FAMILY,
    },
  }).render();
  return encodeIndexed(picture.pixels, picture.width);
}

/** Refuses a character without a glyph, of which only a gap would be drawn. */
function checkText(svg: string): void {
  const font = fontFace(false, false);
  for (const [, text] of svg.matchAll(/>([^<]+)</g)) {
    for (const character of text.replaceAll(/&[#\w]+;|\s/g, "")) {
      if (font.advance(character.codePointAt(0) ?? 0) === undefined) {
        throw new RangeError(
          `Cannot draw the figure as ${FONT_FAMILY} has no "${character}": current text is ` +
            `"${text}", wanted is English and mathematics (Chinese belongs in the caption)`,
        );
      }
    }
  }
}
