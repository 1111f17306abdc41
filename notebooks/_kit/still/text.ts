/**
 * The box of an SVG `<text>` element.
 *
 * @module
 */

import { type Box, union } from "./box.ts";
import { fontFace } from "./font.ts";
import type { SvgNode } from "./measure.ts";

const TEXT_NODE = 3;
const DEFAULT_SIZE = 12;

/** The inherited properties on which the width of text depends. */
interface TextStyle {
  size: number;
  bold: boolean;
  oblique: boolean;
}

/** Text of one style, placed before its chunk is aligned. */
interface Run {
  chunk: number;
  box: Box;
}

/**
 * The box around a text element in its own user space. As in browsers, a letter is as high as a line of its font.
 *
 * @param text The `<text>` element.
 */
export function textBox(text: SvgNode): Box | undefined {
  const runs: Run[] = [];
  const chunkStarts: number[] = [];
  const chunkWidths: number[] = [];
  let [x, y] = [0, 0];

  const visit = (node: SvgNode, outer: TextStyle): void => {
    const style = ownStyle(node, outer);
    const [atX, atY] = [node.getAttribute("x"), node.getAttribute("y")];
    if (atX !== null || chunkStarts.length === 0) {
      x = length(atX, style.size);
      chunkStarts.push(x);
      chunkWidths.push(0);
    }
    if (atY !== null) y = length(atY, style.size);
    x += length(node.getAttribute("dx"), style.size);
    y += length(node.getAttribute("dy"), style.size);
    for (const child of node.childNodes) {
      if (child.nodeType !== TEXT_NODE) {
        visit(child, style);
        continue;
      }
      const width = textWidth(child.textContent, style);
      const chunk = chunkStarts.length - 1;
      const { ascent, descent } = fontFace(style.bold, style.oblique);
      // Browsers round both to whole pixels.
      const top = y - Math.round(ascent * style.size);
      const bottom = y + Math.round(descent * style.size);
      runs.push({ chunk, box: { left: x, right: x + width, top, bottom } });
      x += width;
      chunkWidths[chunk] = x - chunkStarts[chunk];
    }
  };

  visit(text, inheritedStyle(text.parentNode));
  const shift = { middle: 0.5, end: 1 }[inherited(text, "text-anchor") ?? ""] ?? 0;
  return union(runs.map(({ chunk, box }) => {
    const by = shift * chunkWidths[chunk];
    return { ...box, left: box.left - by, right: box.right - by };
  }));
}

function textWidth(text: string, style: TextStyle): number {
  const font = fontFace(style.bold, style.oblique);
  let width = 0;
  for (const character of text) width += font.advance(character.codePointAt(0) ?? 0) ?? 0.6;
  return width * style.size;
}

function ownStyle(node: SvgNode, outer: TextStyle): TextStyle {
  const size = property(node, "font-size");
  const weight = property(node, "font-weight");
  const slant = property(node, "font-style");
  return {
    size: size === undefined ? outer.size : length(size, outer.size),
    bold: weight === undefined ? outer.bold : weight === "bold" || Number(weight) >= 600,
    oblique: slant === undefined ? outer.oblique : slant !== "normal",
  };
}

function inheritedStyle(node: SvgNode | null): TextStyle {
  if (node === null) return { size: DEFAULT_SIZE, bold: false, oblique: false };
  return ownStyle(node, inheritedStyle(node.parentNode));
}

function inherited(node: SvgNode | null, name: string): string | undefined {
  if (node === null) return undefined;
  return property(node, name) ?? inherited(node.parentNode, name);
}

/** A presentation property: the style attribute takes precedence over the attribute of the same name. */
function property(node: SvgNode, name: string): string | undefined {
  const style = node.getAttribute?.("style")?.match(`(?:^|;)\\s*${name}:\\s*([^;]+)`)?.[1].trim();
  return style ?? node.getAttribute?.(name) ?? undefined;
}

/** Plotly writes px, em, % and plain numbers. */
function length(value: string | null, em: number): number {
  if (value === null) return 0;
  const number = parseFloat(value);
  if (value.endsWith("em")) return number * em;
  return value.endsWith("%") ? number / 100 * em : number;
}
