/**
 * exp, log and their relatives, taken apart into vector instructions.
 *
 * Everything is written once for both float types; {@linkcode CONSTANTS} holds what differs. All results are
 * within 2 ulp of the exact value, from subnormals to infinities (tests/core/math_test.ts measures it against
 * 64-digit arithmetic). The polynomials interpolate their functions at Chebyshev nodes; the same test computes
 * their coefficients again.
 */

import type { ProgramBuilder, Value } from "./program.ts";
import type { FloatType } from "../tensor/types.ts";

interface Constants {
  /** Bits of the mantissa without the leading one, and the exponent's bias. */
  readonly mantissa: number;
  readonly bias: number;
  /** Adding it rounds to an integer, which then stands in the lowest bits. */
  readonly shifter: number;
  /** Where exp(x) has long become 0 and infinity. */
  readonly expMin: number;
  readonly expMax: number;
  /** ln 2 in two parts, the first with so few bits that multiples by exponents are exact. */
  readonly ln2Hi: number;
  readonly ln2Lo: number;
  /** Smallest number that is not subnormal. */
  readonly minNormal: number;
  /** (exp(r) - 1 - r) / r² on [-ln 2 / 2, ln 2 / 2], lowest power first. */
  readonly expPoly: readonly number[];
  /** (2 atanh(s) - 2 s) / s³ in powers of s², for s² ≤ (3 - 2√2)² (logarithms of mantissas). */
  readonly logPoly: readonly number[];
  /** The same for s² ≤ 1/9 (logarithms of 1 + z, 0 ≤ z ≤ 1). */
  readonly log1pPoly: readonly number[];
}

/** What the two float types need. */
export const CONSTANTS: Readonly<Record<FloatType, Constants>> = {
  float32: {
    mantissa: 23,
    bias: 127,
    shifter: 1.5 * 2 ** 23,
    expMin: -104,
    expMax: 89,
    ln2Hi: 355 / 512,
    ln2Lo: -2.1219444005469057e-4,
    minNormal: 2 ** -126,
    expPoly: [
      0.5,
      0.16666576666119928,
      0.04166655421298415,
      0.008363232883682618,
      0.0013926250831497611,
    ],
    logPoly: [0.6666668504515603, 0.39988778282162807, 0.2958005304318844],
    log1pPoly: [
      0.6666666732087151,
      0.39999706206824964,
      0.28592364795197617,
      0.21706460997195692,
      0.23224921771214582,
    ],
  },
  float64: {
    mantissa: 52,
    bias: 1023,
    shifter: 1.5 * 2 ** 52,
    expMin: -746,
    expMax: 710,
    ln2Hi: 0.6931471803691238,
    ln2Lo: 1.9082149292705877e-10,
    minNormal: 2 ** -1022,
    expPoly: [
      0.5000000000000001,
      0.16666666666666669,
      0.041666666666623824,
      0.008333333333330039,
      0.0013888888917367081,
      0.00019841269863171557,
      0.000024801521057868204,
      0.0000027557268276905696,
      2.7620201591031547e-7,
      2.5100472505694996e-8,
    ],
    logPoly: [
      0.666666666666667,
      0.39999999999899444,
      0.2857142862600327,
      0.22222211130259878,
      0.18182889455674947,
      0.15331710618210773,
      0.14616585424888623,
    ],
    log1pPoly: [
      0.6666666666666666,
      0.40000000000014596,
      0.2857142856710506,
      0.22222222717801782,
      0.18181789417326447,
      0.15385570592912243,
      0.13314135550881162,
      0.12001155182857778,
      0.08800317650868773,
      0.16164938169471338,
    ],
  },
};

/** The bits of a float, as an integer of its width. */
function bitsOf(dtype: FloatType, value: number): bigint {
  const view = new DataView(new ArrayBuffer(8));
  if (dtype === "float32") {
    view.setFloat32(0, value);
    return BigInt(view.getUint32(0));
  }
  view.setFloat64(0, value);
  return view.getBigUint64(0);
}

/** Horner's rule, lowest power first. */
function polynomial(b: ProgramBuilder, x: Value, coefficients: readonly number[]): Value {
  return coefficients.slice(0, -1).reduceRight(
    (sum, coefficient) => b.apply("madd", sum, x, b.const(coefficient)),
    b.const(coefficients[coefficients.length - 1]),
  );
}

/** Where the argument of exp lies: knowing more saves a step. */
export type ExpRange = "any" | "x ≤ 0";

/**
 * exp(x) = p · 2ⁿ with n = round(x / ln 2) and p = exp(x - n ln 2).
 *
 * Rounding adds the shifter, and with it a bias: n + bias then stands in the lowest bits, and shifted to the place of the
 * exponent it is a power of 2. But 2ⁿ need not be a normal number. For x ≤ 0, 2ⁿ⁺ᵏ is, with k in the middle, and p 2⁻ᵏ
 * costs no more than p. For all x, 2ⁿ is multiplied in two halves. Either way results that are subnormal are rounded once,
 * those beyond the largest number become infinite, and NaN goes through, without a second path.
 *
 * @param b The program.
 * @param x The argument.
 * @param range Where x is known to lie, if it is a number.
 */
export function exp(b: ProgramBuilder, x: Value, range: ExpRange = "any"): Value {
  return expParts(b, x, range).value;
}

/** exp(x), and p - 1 before p is rounded. */
function expParts(b: ProgramBuilder, x: Value, range: ExpRange): { value: Value; tail: Value } {
  const c = CONSTANTS[b.dtype];
  const { apply } = bound(b);
  const k = (c.bias + 1) / 2;
  const shifter = c.shifter + c.bias + (range === "any" ? c.bias : k);
  const below = range === "any" ? apply("pmin", x, b.const(c.expMax)) : x;
  const t = apply("pmax", below, b.const(c.expMin));
  const shifted = apply("madd", t, b.const(1 / Math.LN2), b.const(shifter));
  const n = apply("sub", shifted, b.const(shifter));
  const r = apply("nmadd", n, b.const(c.ln2Lo), apply("nmadd", n, b.const(c.ln2Hi), t));
  const tail = apply("madd", apply("mul", r, r), polynomial(b, r, c.expPoly), r);
  const power = b.shift("shl", shifted, c.mantissa);
  if (range !== "any") {
    const down = b.const(2 ** -k);
    return { value: apply("mul", apply("madd", tail, down, down), power), tail };
  }
  // (n + 2 bias) / 2, rounded down: shifted one place less, the bit below the exponent cleared.
  const mask = BigInt(2 * c.bias + 1) << BigInt(c.mantissa);
  const half = apply("and", b.shift("shl", shifted, c.mantissa - 1), b.bits(mask));
  const p = apply("add", tail, b.const(1));
  return { value: apply("mul", apply("mul", p, half), apply("isub", power, half)), tail };
}

/**
 * log(1 + f) = 2 atanh(s) with s = f / (2 + f), arranged as f - s · factor with factor = f - s² P(s²): f, which is exact,
 * comes in last, and what is taken away from it is small. For f from √½ - 1 to √2 - 1 or from 0 to 1, as the polynomial
 * P allows.
 */
function awayFrom(
  b: ProgramBuilder,
  f: Value,
  poly: readonly number[],
): { s: Value; factor: Value } {
  const { apply } = bound(b);
  const s = apply("div", f, apply("add", f, b.const(2)));
  const w = apply("mul", s, s);
  return { s, factor: apply("nmadd", w, polynomial(b, w, poly), f) };
}

/** log(m · 2ᵏ) for m between √½ and √2 and f = m - 1. */
function logScaled(b: ProgramBuilder, f: Value, k: Value): Value {
  const c = CONSTANTS[b.dtype];
  const { apply } = bound(b);
  const { s, factor } = awayFrom(b, f, c.logPoly);
  const small = apply("nmadd", s, factor, apply("mul", k, b.const(c.ln2Lo)));
  return apply("madd", k, b.const(c.ln2Hi), apply("add", f, small));
}

/**
 * Splits normal positive y = m · 2ᵏ with m between √½ and √2; `biased` is k plus the bias, as an integer, and `shifted`
 * k plus bias and shifter, as a float.
 */
function split(b: ProgramBuilder, y: Value): { m: Value; biased: Value; shifted: Value } {
  const c = CONSTANTS[b.dtype];
  const one = BigInt(c.bias) << BigInt(c.mantissa);
  const { apply } = bound(b);
  const offset = one - bitsOf(b.dtype, Math.SQRT1_2);
  const biased = b.shift("shr", apply("iadd", y, b.bits(offset)), c.mantissa);
  const m = apply("isub", apply("iadd", y, b.bits(one)), b.shift("shl", biased, c.mantissa));
  const shifted = apply("iadd", biased, b.bits(bitsOf(b.dtype, c.shifter)));
  return { m, biased, shifted };
}

/** `result` where lowest < x < ∞; the limits -∞ at lowest, NaN below, ∞ at ∞, NaN at NaN. */
function logLimits(b: ProgramBuilder, x: Value, lowest: number, result: Value): Value {
  const { apply } = bound(b);
  const bottom = b.const(lowest);
  const above = b.select(apply("lt", x, b.const(Infinity)), result, x);
  // All bits of -∞ stay at the bottom; with all others set too, it is NaN.
  const below = apply("or", apply("ne", x, bottom), b.const(-Infinity));
  return b.select(apply("gt", x, bottom), above, below);
}

/** log(x); subnormal numbers are scaled up first. */
export function log(b: ProgramBuilder, x: Value): Value {
  const c = CONSTANTS[b.dtype];
  const { apply } = bound(b);
  const tiny = apply("lt", x, b.const(c.minNormal));
  const y = b.select(tiny, apply("mul", x, b.const(2 ** c.mantissa)), x);
  const { m, shifted } = split(b, y);
  const zero = c.shifter + c.bias;
  const k = apply("sub", shifted, b.select(tiny, b.const(zero + c.mantissa), b.const(zero)));
  return logLimits(b, x, 0, logScaled(b, apply("sub", m, b.const(1)), k));
}

/** log(1 + x), with the digits of x that 1 + x has lost put back. */
export function log1p(b: ProgramBuilder, x: Value): Value {
  const c = CONSTANTS[b.dtype];
  const { apply } = bound(b);
  const u = apply("add", x, b.const(1));
  const lost = apply("sub", x, apply("sub", u, b.const(1)));
  const { m, biased, shifted } = split(b, u);
  const k = apply("sub", shifted, b.const(c.shifter + c.bias));
  // 2¹⁻ᵏ, made from the exponent: 0 for the largest k, where 2⁻ᵏ would wrap around to -∞.
  const scale = b.shift("shl", apply("isub", b.bits(2 * c.bias + 1), biased), c.mantissa);
  const twice = apply("mul", lost, scale);
  const f = apply("madd", twice, b.const(0.5), apply("sub", m, b.const(1)));
  return logLimits(b, x, -1, logScaled(b, f, k));
}

/** exp(-|x|), which sigmoid and softplus share and which never overflows. */
function expNegAbs(b: ProgramBuilder, x: Value): ReturnType<typeof expParts> {
  return expParts(b, b.apply("neg", b.apply("abs", x)), "x ≤ 0");
}

/**
 * 1 / (1 + exp(-x)) = 1 - w on the right and z - z w on the left, with z = exp(-|x|) and w = z / (1 + z).
 *
 * The plain quotients round three times where these round the small w instead, which costs 2.3 ulp.
 */
export function sigmoid(b: ProgramBuilder, x: Value): Value {
  const { apply } = bound(b);
  const z = expNegAbs(b, x).value;
  const w = apply("div", z, apply("add", z, b.const(1)));
  const limit = b.select(apply("lt", x, b.const(0)), z, b.const(1));
  return apply("nmadd", limit, w, limit);
}

/**
 * log(1 + exp(x)) = max(x, 0) + log(1 + z) with z = exp(-|x|).
 *
 * What rounding has taken from p moves the logarithm by z / p / (1 + z) times as much; three quarters of z come close
 * enough to that to save 0.2 ulp, without which the worst x, about -0.435, would be 2.04 ulp off.
 */
export function softplus(b: ProgramBuilder, x: Value): Value {
  const { apply } = bound(b);
  const { value: z, tail } = expNegAbs(b, x);
  const p = apply("add", tail, b.const(1));
  const lost = apply("sub", tail, apply("sub", p, b.const(1)));
  const positive = apply("pmax", x, b.const(0));
  const rest = apply("madd", apply("mul", lost, z), b.const(0.75), positive);
  const { s, factor } = awayFrom(b, z, CONSTANTS[b.dtype].log1pPoly);
  return apply("add", apply("nmadd", s, factor, z), rest);
}

/** aᵖ for a ≥ 0; small whole powers by multiplication. */
export function pow(b: ProgramBuilder, a: Value, p: Value): Value {
  const { apply } = bound(b);
  const { op, value } = b.instructions[p];
  if (op === "const" && [0, 1, 2, 3, 4].includes(Number(value))) {
    const square = () => apply("mul", a, a);
    return [
      () => b.const(1),
      () => a,
      square,
      () => apply("mul", square(), a),
      () => apply("mul", square(), square()),
    ][
      Number(value)
    ]();
  }
  const general = exp(b, apply("mul", p, log(b, a)));
  return b.select(apply("eq", p, b.const(0)), b.const(1), general);
}

/** `b.apply` as a plain function, to keep the formulas above short. */
function bound(b: ProgramBuilder): { apply: ProgramBuilder["apply"] } {
  return { apply: b.apply.bind(b) };
}
