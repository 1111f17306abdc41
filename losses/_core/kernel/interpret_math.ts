/**
 * Runs the instructions on integers where WebAssembly is not allowed: see interpret.ts. Only functions of math.ts consist of
 * them; losses without functions do not load them.
 */

import type { Interpret } from "./program.ts";

/** Runs one of them. */
export const interpretMath: Interpret = (n, o, x, y, _z, wide, { op, value }) => {
  const distance = Number(value);
  switch (op) {
    case "iadd":
    case "isub": {
      // a - b is a + ~b + 1. The low word of a float64 comes first, and carries into the high one.
      const flip = op === "isub" ? -1 : 0;
      if (wide) {
        for (let i = n - 2; i >= 0; i -= 2) {
          const low = (x[i]! >>> 0) + ((y[i]! ^ flip) >>> 0) - flip;
          o[i] = low;
          o[i + 1] = x[i + 1]! + (y[i + 1]! ^ flip) + Number(low > 0xffff_ffff);
        }
      } else if (flip) { for (let i = n - 1; i >= 0; i--) o[i] = x[i]! - y[i]!; }
      else for (let i = n - 1; i >= 0; i--) o[i] = x[i]! + y[i]!;
      break;
    }
    // Those of float64 are by more than 32 bits: one word takes the place of the other. JavaScript counts modulo 32.
    case "shl":
      if (wide) {
        for (let i = n - 2; i >= 0; i -= 2) {
          o[i + 1] = x[i]! << distance;
          o[i] = 0;
        }
      } else for (let i = n - 1; i >= 0; i--) o[i] = x[i]! << distance;
      break;
    case "shr":
      if (wide) {
        for (let i = n - 2; i >= 0; i -= 2) {
          o[i] = x[i + 1]! >>> distance;
          o[i + 1] = 0;
        }
      } else for (let i = n - 1; i >= 0; i--) o[i] = x[i]! >>> distance;
      break;
  }
};
