/**
 * SVG paths as polylines, for the questions Plotly asks of a browser: how long is a path, and where
 * on it is a point?
 *
 * @module
 */

/** A point in the user space of the path. */
export interface Point {
  x: number;
  y: number;
}

/** Straight pieces per Bézier curve: contour lines then end within 0.01 px of the true curve. */
const PIECES = 12;

/**
 * Turns path data into points. Plotly writes M, L, H, V, Q, C and Z, absolute or relative, and arcs
 * only for markers, where the end point is enough.
 *
 * @param data The `d` attribute.
 */
export function pathPoints(data: string): Point[] {
  const points: Point[] = [];
  let pen: Point = { x: 0, y: 0 };
  let start = pen;
  const go = (point: Point): void => {
    pen = point;
    points.push(point);
  };
  for (const [, letter, rest] of data.matchAll(/([a-zA-Z])([^a-zA-Z]*)/g)) {
    const numbers = (rest.match(/[-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?/gi) ?? []).map(Number);
    const command = letter.toUpperCase();
    const size = { M: 2, L: 2, H: 1, V: 1, Q: 4, C: 6, A: 7, Z: 0 }[command];
    if (size === undefined) {
      throw new TypeError(`Cannot measure a path with the command ${letter}: ${data}`);
    }
    if (size === 0) {
      go(start);
      continue;
    }
    for (let i = 0; i + size <= numbers.length; i += size) {
      const base = letter === command ? { x: 0, y: 0 } : pen;
      const values = numbers.slice(i, i + size);
      if (command === "H") go({ x: base.x + values[0], y: pen.y });
      else if (command === "V") go({ x: pen.x, y: base.y + values[0] });
      else {
        const pairs = command === "A" ? values.slice(5) : values;
        const controls = [pen];
        for (let j = 0; j < pairs.length; j += 2) {
          controls.push({ x: base.x + pairs[j], y: base.y + pairs[j + 1] });
        }
        const pieces = controls.length === 2 ? 1 : PIECES;
        if (command === "M") go(controls[1]);
        else for (let j = 1; j <= pieces; j++) go(bezier(controls, j / pieces));
        if (command === "M" && i === 0) start = pen;
      }
    }
  }
  return points;
}

/** De Casteljau's construction, for curves of any degree. */
function bezier(controls: readonly Point[], t: number): Point {
  let level = controls;
  while (level.length > 1) {
    level = level.slice(1).map((to, i) => mix(level[i], to, t));
  }
  return level[0];
}

function mix(from: Point, to: Point, t: number): Point {
  return { x: from.x + t * (to.x - from.x), y: from.y + t * (to.y - from.y) };
}

/**
 * Measures a polyline.
 *
 * @param points Its corners.
 */
export function polylineLength(points: readonly Point[]): number {
  let length = 0;
  for (let i = 1; i < points.length; i++) length += distance(points[i - 1], points[i]);
  return length;
}

/**
 * Finds the point at a distance along a polyline; beyond its ends, the end.
 *
 * @param points Its corners.
 * @param length The distance from its start.
 */
export function pointAtLength(points: readonly Point[], length: number): Point {
  let left = Math.max(length, 0);
  for (let i = 1; i < points.length; i++) {
    const step = distance(points[i - 1], points[i]);
    if (left <= step && step > 0) return mix(points[i - 1], points[i], left / step);
    left -= step;
  }
  return points.at(-1) ?? { x: 0, y: 0 };
}

function distance(a: Point, b: Point): number {
  return Math.hypot(b.x - a.x, b.y - a.y);
}
