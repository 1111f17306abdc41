/** Figures as JSON. */

import type { Figure } from "../still/figure.ts";

/** A thousandth of a pixel in a figure of 720 pixels, in half the bytes of a full double. */
const DIGITS = 6;

/**
 * Copies a figure into plain JSON with short numbers. Typed arrays become arrays; NaN and infinities, which JSON cannot write,
 * become null, and undefined properties are left out.
 *
 * @param figure What to copy; it is not modified.
 */
export function portable(figure: Figure): Figure {
  return copy(figure) as Figure;
}

function copy(value: unknown): unknown {
  if (typeof value === "number") return round(value, DIGITS);
  if (ArrayBuffer.isView(value)) return copy(Array.from(value as unknown as ArrayLike<number>));
  if (Array.isArray(value)) {
    const digits = digitsFor(value);
    return value.map((item) => typeof item === "number" ? round(item, digits) : copy(item));
  }
  if (value instanceof Date) return value.toISOString();
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).filter(([, item]) => item !== undefined).map(([k, v]) => [k, copy(v)]),
  );
}

/** Numbers that differ by little need more digits: those that they have in common, and those in which they differ. */
function digitsFor(items: unknown[]): number {
  let [low, high] = [Infinity, -Infinity];
  for (const item of items) {
    if (typeof item !== "number" || !Number.isFinite(item)) continue;
    low = Math.min(low, item);
    high = Math.max(high, item);
  }
  if (!(high > low)) return DIGITS;
  const lost = Math.round(Math.log10(Math.max(Math.abs(low), Math.abs(high)) / (high - low)));
  return Math.min(DIGITS + Math.max(lost, 0), 17);
}

function round(value: number, digits: number): number | null {
  if (!Number.isFinite(value)) return null;
  // Adding 0 turns -0 into 0, as JSON would.
  return Number.isInteger(value) ? value + 0 : Number(value.toPrecision(digits));
}
