/** The coefficients in math.ts, computed again with 64 digits by interpolation at Chebyshev nodes. */
import { assert, assertEquals } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { EXP, halvesOf, LOG, LOG1P, POW } from "../../losses/_core/kernel/math.ts";
import { type BigNumber, oracle } from "../reference/maths/math.ts";

const big = (text: string, scope = {}) => oracle(text, scope);

/** The n + 1 Chebyshev nodes of an interval. */
function nodes(low: BigNumber, high: BigNumber, degree: number): BigNumber[] {
  return Array.from(
    { length: degree + 1 },
    (_, k) =>
      big("(a + b) / 2 + (b - a) / 2 * cos(pi * (2 * k + 1) / (2 * n + 2))", {
        a: low,
        b: high,
        k,
        n: degree,
      }),
  );
}

/** The coefficients, lowest power first, of the polynomial through (x, f(x)), by Newton's divided differences. */
function interpolate(xs: readonly BigNumber[], f: (x: BigNumber) => BigNumber): BigNumber[] {
  const table = xs.map(f);
  for (let order = 1; order < xs.length; order++) {
    for (let i = xs.length - 1; i >= order; i--) {
      table[i] = table[i].minus(table[i - 1]).div(xs[i].minus(xs[i - order]));
    }
  }
  let sum: BigNumber[] = [table[table.length - 1]];
  for (let i = xs.length - 2; i >= 0; i--) {
    // sum · (x - xs[i]) + table[i]
    const shifted = [big("0"), ...sum];
    sum = shifted.map((c, k) => k < sum.length ? c.minus(sum[k].times(xs[i])) : c);
    sum[0] = sum[0].plus(table[i]);
  }
  return sum;
}

/** Numbers rounded to doubles. */
const doubles = (numbers: readonly BigNumber[]) => numbers.map((c) => c.toNumber());

describe("the polynomial of exp: (exp(r) - 1 - r) / r² on ± 1.001 ln 2 / 2", () => {
  const high = big("log(2) / 2 * 1.001");
  // The middle node is 0, up to the rounding of cos(pi / 2).
  const q = (r: BigNumber) => big("abs(r) < 1e-60 ? 1 / 2 : (exp(r) - 1 - r) / (r * r)", { r });

  for (const dtype of ["float32", "float64"] as const) {
    it(`has these coefficients in ${dtype}`, () => {
      const found = doubles(interpolate(nodes(high.neg(), high, EXP[dtype].length - 1), q));
      assertEquals(found, EXP[dtype]);
    });
  }
});

describe("the polynomial of pow: (3/2 (2 atanh(s) - 2 s) / s³ - 1) / w in powers of w = s²", () => {
  const high = big("(3 - 2 * sqrt(2))^2 * 1.0001");
  const q = (w: BigNumber) =>
    big(
      "((log((1 + sqrt(w)) / (1 - sqrt(w))) - 2 * sqrt(w)) / (w * sqrt(w)) * 3 / 2 - 1) / w",
      { w },
    );

  for (const dtype of ["float32", "float64"] as const) {
    it(`has these coefficients in ${dtype}`, () => {
      const found = doubles(interpolate(nodes(big("0"), high, POW[dtype].length - 1), q));
      assertEquals(found, POW[dtype]);
    });

    const { twoThirdsHi, twoThirdsLo, lowerHalf } = halvesOf(dtype);
    const bits = dtype === "float32" ? 24 : 53;
    it(`multiplies by 2/3 in two parts, the first with half of the ${bits} bits`, () => {
      assertEquals(twoThirdsHi * 2 ** (bits - lowerHalf) % 1, 0);
      const rest = big("2 / 3 - x", { x: twoThirdsHi }).toNumber();
      assertEquals(Math.fround(twoThirdsLo), Math.fround(rest));
      assert(rest > 0 && rest < 2 ** (lowerHalf - bits));
    });
  }
});

describe("the polynomials of log and log1p: (2 atanh(s) - 2 s) / s³ in powers of w = s²", () => {
  const p = (w: BigNumber) =>
    big("(log((1 + sqrt(w)) / (1 - sqrt(w))) - 2 * sqrt(w)) / (w * sqrt(w))", { w });
  const polynomials = [
    ["log", LOG, big("(3 - 2 * sqrt(2))^2 * 1.0001")],
    ["log1p", LOG1P, big("1 / 9 * 1.0001")],
  ] as const;

  for (const dtype of ["float32", "float64"] as const) {
    for (const [name, polynomial, high] of polynomials) {
      it(`has these coefficients in ${dtype}: ${name}`, () => {
        const degree = polynomial[dtype].length - 1;
        assertEquals(doubles(interpolate(nodes(big("0"), high, degree), p)), polynomial[dtype]);
      });
    }
  }
});
