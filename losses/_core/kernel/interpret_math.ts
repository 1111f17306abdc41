/**
 * Runs the instructions that only functions of math.ts consist of, where WebAssembly is not allowed: see interpret.ts. Losses
 * without functions do not load them.
 */

import type { Interpret } from "./program.ts";

/** Runs one of them. */
export const interpretMath: Interpret = (
  { op, value },
  n,
  { floats: o, words: w },
  { floats: x, words: p },
  { words: q },
) => {
  const width = o.BYTES_PER_ELEMENT / 4;
  const isWide = width === 2;
  const words = width * n;
  const distance = Number(value);
  switch (op) {
    case "trunc":
      for (let i = 0; i < n; i++) o[i] = Math.trunc(x[i]!);
      break;
    case "iadd":
    case "isub": {
      // a - b is a + ~b + 1. The low word of a float64 comes first, and carries into the high one.
      const flip = op === "isub" ? -1 : 0;
      for (let i = 0; i < words; i += width) {
        const low = (p[i]! >>> 0) + ((q[i]! ^ flip) >>> 0) - flip;
        w[i] = low;
        if (isWide) w[i + 1] = p[i + 1]! + (q[i + 1]! ^ flip) + Number(low > 0xffff_ffff);
      }
      break;
    }
    // Those of float64 are by more than 32 bits: one word takes the place of the other. JavaScript counts modulo 32.
    case "shl":
      for (let i = 0; i < words; i += width) {
        w[i + width - 1] = p[i]! << distance;
        if (isWide) w[i] = 0;
      }
      break;
    case "shr":
      for (let i = 0; i < words; i += width) {
        w[i] = p[i + width - 1]! >>> distance;
        if (isWide) w[i + 1] = 0;
      }
      break;
    default:
      return false;
  }
  return true;
};
