/**
 * SVG paths: how long they are, where on them a point is, which box encloses them.
 *
 * @module
 */

import { svgPathProperties } from "svg-path-properties";
import { type Box, union } from "./box.ts";

/** A path that can be measured. */
export type Path = InstanceType<typeof svgPathProperties>;

/** Plotly asks dozens of questions about one path before it goes to the next. */
let last: { data: string; path: Path } | undefined;

/**
 * Reads path data.
 *
 * @param data The `d` attribute.
 */
export function readPath(data: string): Path {
  if (last?.data !== data) last = { data, path: new svgPathProperties(data) };
  return last.path;
}

/** Pieces into which a curve is cut to find its box; the ends of quarters of a circle, as in markers, are among them. */
const PIECES = 12;

/**
 * The box around a path, or undefined if it draws nothing.
 *
 * @param data The `d` attribute.
 */
export function pathBox(data: string): Box | undefined {
  const points = readPath(data).getParts().flatMap((part) => {
    const isCurve = ["A", "C", "Q"].includes(part.details[0]);
    if (!isCurve) return [part.start, part.end];
    const step = part.length / PIECES;
    return Array.from({ length: PIECES + 1 }, (_, i) => part.getPointAtLength(i * step));
  });
  return union(points.map(({ x, y }) => ({ left: x, top: y, right: x, bottom: y })));
}
