/**
 * exp, log and the functions made of them, as vector instructions.
 *
 * The code is the same for both float types, with different polynomials and constants. All results are within 2
 * ulp of the exact value, from subnormal numbers to infinities (tests/core/math_test.ts measures it against
 * 64-digit arithmetic). The polynomials interpolate their functions at Chebyshev nodes; tests/core/polynomial_test.ts
 * computes their coefficients again.
 */

import type { FloatType } from "../tensor/types.ts";
import { interpretMath } from "./interpret_math.ts";
import type { MathFunctions } from "./lower.ts";
import type { ProgramBuilder, Value } from "./program.ts";

/** A polynomial for each float type, the coefficient of the lowest power first. */
type Polynomial = Readonly<Record<FloatType, readonly number[]>>;

/** (exp(r) - 1 - r) / r² on [-ln 2 / 2, ln 2 / 2]. */
export const EXP: Polynomial = {
  float32: [
    0.5,
    0.16666576666119928,
    0.04166655421298415,
    0.008363232883682618,
    0.0013926250831497611,
  ],
  float64: [
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
};

/** (2 atanh(s) - 2 s) / s³ in powers of s², for s² ≤ (3 - 2√2)² (logarithms of mantissas). */
export const LOG: Polynomial = {
  float32: [0.6666668504515603, 0.39988778282162807, 0.2958005304318844],
  float64: [
    0.666666666666667,
    0.39999999999899444,
    0.2857142862600327,
    0.22222211130259878,
    0.18182889455674947,
    0.15331710618210773,
    0.14616585424888623,
  ],
};

/** The same for s² ≤ 1/9 (logarithms of 1 + z, 0 ≤ z ≤ 1). */
export const LOG1P: Polynomial = {
  float32: [
    0.6666666732087151,
    0.39999706206824964,
    0.28592364795197617,
    0.21706460997195692,
    0.23224921771214582,
  ],
  float64: [
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
};

/** (3/2 (2 atanh(s) - 2 s) / s³ - 1) / s² in powers of s², for s² as in LOG (logarithms for pow). */
export const POW: Polynomial = {
  float32: [0.6000002258363308, 0.4284335414765594, 0.3457235715241703],
  float64: [
    0.6,
    0.4285714285714405,
    0.3333333333248383,
    0.272727275030892,
    0.23076892443777647,
    0.20002207040770967,
    0.1755935450923681,
    0.17584767935814777,
  ],
};

/** What the functions need to know of a float type. */
interface Format {
  /** Bits of the mantissa without the leading one, and the bias of the exponent. */
  readonly mantissa: number;
  readonly bias: number;
  /** Adding it to a number rounds the number to an integer and leaves that in the lowest bits. */
  readonly shifter: number;
  /** exp(x) is 0 at and below expMin and ∞ at and above expMax. */
  readonly expMin: number;
  readonly expMax: number;
  /** ln 2 as a sum. The first part has so few bits that its product with an exponent is exact. */
  readonly ln2Hi: number;
  readonly ln2Lo: number;
}

function formatOf(dtype: FloatType): Format {
  return dtype === "float32"
    ? {
      mantissa: 23,
      bias: 127,
      shifter: 1.5 * 2 ** 23,
      expMin: -104,
      expMax: 89,
      ln2Hi: 355 / 512,
      ln2Lo: -2.1219444005469057e-4,
    }
    : {
      mantissa: 52,
      bias: 1023,
      shifter: 1.5 * 2 ** 52,
      expMin: -746,
      expMax: 710,
      ln2Hi: 0.6931471803691238,
      ln2Lo: 1.9082149292705877e-10,
    };
}

/** A polynomial by Horner's rule; coefficients begin with that of the lowest power. */
function polynomial(b: ProgramBuilder, x: Value, coefficients: readonly number[]): Value {
  return coefficients.slice(0, -1).reduceRight(
    (sum, coefficient) => b.emit("madd", sum, x, b.const(coefficient)),
    b.const(coefficients.at(-1)!),
  );
}

/** Where the argument of exp lies; exp is faster if that is known. */
type ExpRange = "any" | "x ≤ 0";

/** True if a value is never > 0 because of its form: `-abs(…)`, which sets the bit of the sign, or `min(…, 0)`. */
function neverPositive(b: ProgramBuilder, value: Value): boolean {
  const { op, args: [, last] } = b.instructions[value]!;
  return (op === "or" && last === b.sign()) || (op === "pmin" && b.isZero(last!));
}

/**
 * exp(x) = p · 2ⁿ with n = round(x / ln 2) and p = exp(x - n ln 2).
 *
 * Rounding adds shifter + bias, so that n + bias is left in the lowest bits; shifted to the bits of the exponent it is the
 * power 2ⁿ. But 2ⁿ may be subnormal or infinite. If x ≤ 0, 2ⁿ⁺ᵏ is a normal number for a k halfway between, and p 2⁻ᵏ takes
 * as many instructions as p. For any x, p is multiplied by two powers with the product 2ⁿ. Both ways round a subnormal
 * result only once, give ∞ above the largest number and NaN for NaN, without a branch.
 */
export function exp(b: ProgramBuilder, x: Value): Value {
  return expParts(b, x, neverPositive(b, x) ? "x ≤ 0" : "any").value;
}

/** exp(x) for numbers that are known to be ≤ 0 or NaN. */
export function expOfNegative(b: ProgramBuilder, x: Value): Value {
  return expParts(b, x, "x ≤ 0").value;
}

/** exp(x + rest), and p - 1, which has digits that p has not. */
function expParts(
  b: ProgramBuilder,
  x: Value,
  range: ExpRange,
  rest?: Value,
): { value: Value; tail: Value } {
  const c = formatOf(b.dtype);
  const { apply } = bound(b);
  const k = (c.bias + 1) / 2;
  const shifter = c.shifter + c.bias + (range === "any" ? c.bias : k);
  const below = range === "any" ? apply("pmin", x, b.const(c.expMax)) : x;
  const t = apply("pmax", below, b.const(c.expMin));
  const shifted = apply("madd", t, b.const(1 / Math.LN2), b.const(shifter));
  const n = apply("sub", shifted, b.const(shifter));
  const high = apply("madd", n, b.const(-c.ln2Hi), t);
  const r = rest === undefined
    ? apply("madd", n, b.const(-c.ln2Lo), high)
    : apply("add", high, apply("madd", n, b.const(-c.ln2Lo), rest));
  const tail = apply("madd", apply("mul", r, r), polynomial(b, r, EXP[b.dtype]), r);
  const power = b.shift("shl", shifted, c.mantissa);
  if (range !== "any") {
    const down = b.const(2 ** -k);
    return { value: apply("mul", apply("madd", tail, down, down), power), tail };
  }
  // The exponent (n + 2 bias) / 2, rounded down: one place less of shift, and the bit below the exponent cleared.
  const mask = BigInt(2 * c.bias + 1) << BigInt(c.mantissa);
  const half = apply("and", b.shift("shl", shifted, c.mantissa - 1), b.bits(mask));
  const p = apply("add", tail, b.const(1));
  return { value: apply("mul", apply("mul", p, half), apply("isub", power, half)), tail };
}

/**
 * log(1 + f) = 2 atanh(s) with s = f / (2 + f), computed as f - s · factor with factor = f - s² P(s²): f is exact, and the
 * correction is small. As there is a multiply-add, but no multiply-subtract, it is -s and -P that are computed. The polynomial P determines where f may lie: from √½ - 1 to √2 - 1, or from 0 to 1.
 */
function atanhSeries(
  b: ProgramBuilder,
  f: Value,
  poly: readonly number[],
): { minusS: Value; factor: Value } {
  const { apply } = bound(b);
  const minusS = apply("div", f, apply("sub", b.const(-2), f));
  const w = apply("mul", minusS, minusS);
  const minusP = polynomial(b, w, poly.map((coefficient) => -coefficient));
  return { minusS, factor: apply("madd", w, minusP, f) };
}

/** log(m · 2ᵏ) for m between √½ and √2 and f = m - 1. */
function logScaled(b: ProgramBuilder, f: Value, k: Value): Value {
  const c = formatOf(b.dtype);
  const { apply } = bound(b);
  const { minusS, factor } = atanhSeries(b, f, LOG[b.dtype]);
  const small = apply("madd", minusS, factor, apply("mul", k, b.const(c.ln2Lo)));
  return apply("madd", k, b.const(c.ln2Hi), apply("add", f, small));
}

/**
 * Splits a normal y > 0 into m · 2ᵏ with m between √½ and √2. `biased` is k + bias as an integer, `shifted` is
 * k + bias + shifter as a float.
 */
function split(b: ProgramBuilder, y: Value): { m: Value; biased: Value; shifted: Value } {
  const c = formatOf(b.dtype);
  const { apply } = bound(b);
  // Constants are used as the integers that their bits are: 1 has the exponent 0 + bias, and the mantissa 0.
  const one = b.const(1);
  const offset = apply("isub", one, b.const(Math.SQRT1_2));
  const biased = b.shift("shr", apply("iadd", y, offset), c.mantissa);
  const m = apply("isub", apply("iadd", y, one), b.shift("shl", biased, c.mantissa));
  const shifted = apply("iadd", biased, b.const(c.shifter));
  return { m, biased, shifted };
}

/** `result` for lowest < x < ∞; -∞ at the lowest x, NaN below it, ∞ at ∞, NaN at NaN. */
function logLimits(b: ProgramBuilder, x: Value, lowest: number, result: Value): Value {
  const { apply } = bound(b);
  const bottom = b.const(lowest);
  const above = b.select(apply("lt", x, b.const(Infinity)), result, x);
  // -∞ at the lowest x; below and at NaN the mask sets all bits, which makes it NaN.
  const below = apply("or", apply("ne", x, bottom), b.const(-Infinity));
  return b.select(apply("lt", bottom, x), above, below);
}

/** log(x). */
export function log(b: ProgramBuilder, x: Value): Value {
  const { apply } = bound(b);
  const { m, k } = splitScaled(b, x);
  return logLimits(b, x, 0, logScaled(b, apply("sub", m, b.const(1)), k));
}

/** Splits x > 0 into m · 2ᵏ with m between √½ and √2, both floats; subnormal numbers are scaled up first. */
function splitScaled(b: ProgramBuilder, x: Value): { m: Value; k: Value } {
  const c = formatOf(b.dtype);
  const { apply } = bound(b);
  const tiny = apply("lt", x, b.const(2 ** (1 - c.bias)));
  const y = b.select(tiny, apply("mul", x, b.const(2 ** c.mantissa)), x);
  const { m, shifted } = split(b, y);
  const zero = c.shifter + c.bias;
  return { m, k: apply("sub", shifted, b.select(tiny, b.const(zero + c.mantissa), b.const(zero))) };
}

/** log(1 + x), corrected for the rounding of 1 + x. */
export function log1p(b: ProgramBuilder, x: Value): Value {
  const c = formatOf(b.dtype);
  const { apply } = bound(b);
  const u = apply("add", x, b.const(1));
  const lost = apply("sub", x, apply("sub", u, b.const(1)));
  const { m, biased, shifted } = split(b, u);
  const k = apply("sub", shifted, b.const(c.shifter + c.bias));
  // 2¹⁻ᵏ by its exponent. For the largest k that is 0, whereas 2⁻ᵏ would overflow into the sign.
  const scale = b.shift("shl", apply("isub", b.bits(2 * c.bias + 1), biased), c.mantissa);
  const twice = apply("mul", lost, scale);
  const f = apply("madd", twice, b.const(0.5), apply("sub", m, b.const(1)));
  return logLimits(b, x, -1, logScaled(b, f, k));
}

/** exp(-|x|), which never overflows; sigmoid and softplus share it. */
function expNegAbs(b: ProgramBuilder, x: Value): ReturnType<typeof expParts> {
  return expParts(b, b.emit("neg", b.emit("abs", x)), "x ≤ 0");
}

/**
 * 1 / (1 + exp(-x)) = 1 - w for x ≥ 0 and z - z w for x < 0, with z = exp(-|x|) and w = z / (1 + z).
 *
 * The roundings of w matter less, because w is small: 1 / (1 + z) and z / (1 + z) themselves are up to 2.3 ulp off.
 */
export function sigmoid(b: ProgramBuilder, x: Value): Value {
  const { apply } = bound(b);
  const z = expNegAbs(b, x).value;
  const minusW = apply("div", z, apply("sub", b.const(-1), z));
  const limit = b.select(apply("lt", x, b.const(0)), z, b.const(1));
  return apply("madd", limit, minusW, limit);
}

/**
 * log(1 + exp(x)) = max(x, 0) + log(1 + z) with z = exp(-|x|).
 *
 * The digits that p = exp(r) has lost in rounding change the logarithm by z / p / (1 + z) times as much. Adding them with
 * the factor 3/4 z instead is close enough: it saves 0.2 ulp, and 2.04 ulp at the worst x, about -0.435, become less than 2.
 */
export function softplus(b: ProgramBuilder, x: Value): Value {
  const { apply } = bound(b);
  const { value: z, tail } = expNegAbs(b, x);
  const p = apply("add", tail, b.const(1));
  const lost = apply("sub", tail, apply("sub", p, b.const(1)));
  const positive = apply("pmax", x, b.const(0));
  const rest = apply("madd", apply("mul", lost, z), b.const(0.75), positive);
  const { minusS, factor } = atanhSeries(b, z, LOG1P[b.dtype]);
  return apply("add", apply("madd", minusS, factor, z), rest);
}

/** A number as the sum of two floats, of which the first has half a mantissa: products of such are exact. */
interface Split {
  readonly high: Value;
  readonly low: Value;
}

/** Bits that are cleared for the upper half of a mantissa, and 2/3 in two parts, the first with half a mantissa. */
export function halvesOf(
  dtype: FloatType,
): { lowerHalf: number; twoThirdsHi: number; twoThirdsLo: number } {
  const [lowerHalf, upperHalf] = dtype === "float32" ? [12, 12] : [27, 26];
  const unit = 2 ** upperHalf;
  return {
    lowerHalf,
    twoThirdsHi: Math.floor(2 / 3 * unit) / unit,
    twoThirdsLo: 2 / 3 / unit,
  };
}

/** The upper half of a mantissa. */
function upper(b: ProgramBuilder, x: Value): Value {
  return b.emit("and", x, b.bits(-1n << BigInt(halvesOf(b.dtype).lowerHalf)));
}

/** The sum of an exact x and a smaller y, with `lost` what the rounding of x + y has taken from y. */
function splitSum(b: ProgramBuilder, x: Value, y: Value): Split {
  const { apply } = bound(b);
  const high = upper(b, apply("add", x, y));
  return { high, low: apply("sub", y, apply("sub", high, x)) };
}

/**
 * log(x) to 2⁻³⁵ (float32) or 2⁻⁶⁴ (float64) of its value, for x > 0, as in fdlibm's pow.
 *
 * log(m) = 2 atanh(s) = 2/3 s (3 + s² + s⁴ Q(s²)) with s = (m - 1) / (m + 1). Every number that matters is split.
 */
function splitLog(b: ProgramBuilder, x: Value): Split {
  const c = formatOf(b.dtype);
  const { twoThirdsHi, twoThirdsLo } = halvesOf(b.dtype);
  const { apply } = bound(b);
  const { m, k } = splitScaled(b, x);
  const f = apply("sub", m, b.const(1));
  const sum = apply("add", m, b.const(1));
  const reciprocal = apply("div", b.const(1), sum);
  const s = apply("mul", f, reciprocal);

  // s = (f - high (m + 1)) / (m + 1) + high
  const high = upper(b, s);
  const sumHigh = upper(b, sum);
  const minusSumLow = apply("sub", apply("sub", sumHigh, b.const(1)), m);
  const left = apply("madd", high, minusSumLow, apply("sub", f, apply("mul", high, sumHigh)));
  const low = apply("mul", reciprocal, left);

  // The parenthesis: 3 + high² is exact, what comes to it is small.
  const w = apply("mul", s, s);
  const quartic = apply("mul", apply("mul", w, w), polynomial(b, w, POW[b.dtype]));
  const rest = apply("madd", low, apply("add", high, s), quartic);
  const square = apply("mul", high, high);
  const factorHigh = upper(b, apply("add", apply("add", b.const(3), square), rest));
  const factorLow = apply("sub", rest, apply("sub", apply("sub", factorHigh, b.const(3)), square));

  const product = splitSum(
    b,
    apply("mul", high, factorHigh),
    apply("madd", low, factorHigh, apply("mul", factorLow, s)),
  );

  // Times 2/3, plus k ln 2.
  const third = apply("mul", product.high, b.const(twoThirdsHi));
  const small = apply(
    "madd",
    product.low,
    b.const(2 / 3),
    apply("madd", product.high, b.const(twoThirdsLo), apply("mul", k, b.const(c.ln2Lo))),
  );
  const power = apply("mul", k, b.const(c.ln2Hi));
  const result = upper(b, apply("add", apply("add", third, small), power));
  return {
    high: result,
    low: apply("sub", small, apply("sub", apply("sub", result, power), third)),
  };
}

/** sizeᵖ = exp(p log(size)) for size ≥ 0. The product is split: as one float, it would lose its digits before the point. */
function powOfSize(b: ProgramBuilder, size: Value, p: Value): Value {
  const c = formatOf(b.dtype);
  const { apply } = bound(b);
  const logarithm = splitLog(b, size);
  const pHigh = upper(b, p);
  const low = apply(
    "madd",
    p,
    logarithm.low,
    apply("mul", apply("sub", p, pHigh), logarithm.high),
  );
  const high = apply("mul", pHigh, logarithm.high);
  const product = apply("add", high, low);
  // Where the result is 0, ∞ or NaN, a plain product decides.
  const plain = apply("mul", p, logLimits(b, size, 0, logarithm.high));
  const isFinite = apply("lt", apply("abs", plain), b.const(-c.expMin));
  const rest = apply("and", isFinite, apply("add", apply("sub", high, product), low));
  const { value } = expParts(b, b.select(isFinite, product, plain), "any", rest);
  return b.select(apply("eq", p, b.const(0)), b.const(1), value);
}

/** aᵖ, with the limits of JavaScript's `a ** p`. Small exponents in the formula become products. */
export function pow(b: ProgramBuilder, a: Value, p: Value): Value {
  const { apply } = bound(b);
  const exponent = b.instructions[p]!.op === "const" ? b.instructions[p]!.value : undefined;
  const isPositive = b.instructions[a]!.op === "abs";
  if (exponent === 0) return b.const(1);
  const square = () => apply("mul", a, a);
  if (exponent === 1) return a;
  if (exponent === 2) return square();
  if (exponent === 3) return apply("mul", square(), a);
  if (exponent === 4) return apply("mul", square(), square());
  if (isPositive && exponent === 0.5) return apply("sqrt", a);
  if (isPositive && exponent === 1.5) return apply("mul", a, apply("sqrt", a));
  if (isPositive && exponent === 2.5) return apply("mul", square(), apply("sqrt", a));

  const size = powOfSize(b, apply("abs", a), p);
  if (isPositive) return size;

  // The power of a negative number has the sign of a if p is odd, and is NaN if p is not whole, unless a is -∞.
  const half = apply("mul", p, b.const(0.5));
  const isWhole = apply("eq", apply("trunc", p), p);
  const isOdd = apply("andnot", isWhole, apply("eq", apply("trunc", half), half));
  const sign = apply(
    "and",
    b.bits(1n << (b.dtype === "float32" ? 31n : 63n)),
    apply("and", a, isOdd),
  );
  const isNegative = apply("and", apply("lt", a, b.const(0)), apply("lt", b.const(-Infinity), a));
  const isUndefined = apply("andnot", isNegative, isWhole);
  // A mask with all bits set is NaN.
  return apply("or", apply("or", size, sign), isUndefined);
}

/** x log(y): 0 if x is 0, unless y is NaN. */
export function xlogy(b: ProgramBuilder, x: Value, y: Value): Value {
  const vanishes = b.emit("and", b.emit("eq", x, b.const(0)), b.emit("eq", y, y));
  return b.select(vanishes, b.const(0), b.emit("mul", x, log(b, y)));
}

/** All functions, for formulas that are not known beforehand. */
export const ALL_FUNCTIONS: MathFunctions = { exp, log, log1p, sigmoid, softplus, pow, xlogy };

/** `b.emit` as a function, which keeps the formulas above short; what it emits can then be interpreted, too. */
function bound(b: ProgramBuilder): { apply: ProgramBuilder["emit"] } {
  b.interpret = interpretMath;
  return { apply: b.emit.bind(b) };
}
