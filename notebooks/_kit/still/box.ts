/** Boxes, and the transforms of SVG that move them. @module */

/** A rectangle with sides parallel to the axes; y points down. */
export interface Box {
  left: number;
  top: number;
  right: number;
  bottom: number;
}

/** The matrix [a c e; b d f] of an SVG transform. */
export type Matrix = readonly [a: number, b: number, c: number, d: number, e: number, f: number];

const IDENTITY: Matrix = [1, 0, 0, 1, 0, 0];

/**
 * The smallest box around boxes, or undefined if there are none.
 *
 * @param boxes What to enclose.
 */
export function union(boxes: readonly Box[]): Box | undefined {
  if (boxes.length === 0) return undefined;
  const all = { ...boxes[0] };
  for (const { left, top, right, bottom } of boxes) {
    all.left = Math.min(all.left, left);
    all.top = Math.min(all.top, top);
    all.right = Math.max(all.right, right);
    all.bottom = Math.max(all.bottom, bottom);
  }
  return all;
}

/**
 * The box around a transformed box.
 *
 * @param box What to move.
 * @param matrix How to move it.
 */
export function transformBox(box: Box, [a, b, c, d, e, f]: Matrix): Box {
  const corners = [box.left, box.right].flatMap((x) => [box.top, box.bottom].map((y) => [x, y]));
  const xs = corners.map(([x, y]) => a * x + c * y + e);
  const ys = corners.map(([x, y]) => b * x + d * y + f);
  return {
    left: Math.min(...xs),
    top: Math.min(...ys),
    right: Math.max(...xs),
    bottom: Math.max(...ys),
  };
}

/**
 * Reads a `transform` attribute: translate, scale, rotate (with or without a centre), matrix.
 *
 * @param text The attribute's value.
 */
export function parseTransform(text: string | null): Matrix {
  let matrix = IDENTITY;
  for (const [, name, list] of (text ?? "").matchAll(/(\w+)\s*\(([^)]*)\)/g)) {
    matrix = multiply(matrix, primitive(name, list.split(/[\s,]+/).filter(Boolean).map(Number)));
  }
  return matrix;
}

function primitive(name: string, numbers: number[]): Matrix {
  const [p = 0, q, r] = numbers;
  switch (name) {
    case "translate":
      return [1, 0, 0, 1, p, q ?? 0];
    case "scale":
      return [p, 0, 0, q ?? p, 0, 0];
    case "matrix":
      return numbers as unknown as Matrix;
    case "rotate": {
      const [cos, sin] = [Math.cos(p * Math.PI / 180), Math.sin(p * Math.PI / 180)];
      const [cx, cy] = [q ?? 0, r ?? 0];
      return [cos, sin, -sin, cos, cx - cos * cx + sin * cy, cy - sin * cx - cos * cy];
    }
    default:
      throw new TypeError(`Cannot measure an element with the transform ${name}`);
  }
}

function multiply(m: Matrix, n: Matrix): Matrix {
  return [
    m[0] * n[0] + m[2] * n[1],
    m[1] * n[0] + m[3] * n[1],
    m[0] * n[2] + m[2] * n[3],
    m[1] * n[2] + m[3] * n[3],
    m[0] * n[4] + m[2] * n[5] + m[4],
    m[1] * n[4] + m[3] * n[5] + m[5],
  ];
}
