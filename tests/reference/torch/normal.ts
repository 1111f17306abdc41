/**
 * PyTorch's normal numbers for 16 elements or more: Box and Muller, on blocks of 16 slots.
 *
 * In a block, slots 0 to 7 give the radii and slots 8 to 15 the angles. The float32 results depend
 * on how the processor computes log, sin and cos, hence the modes. Mode "avx2" and "avx2+fma" use
 * no function of the JavaScript engine beyond a correctly rounded square root, so every engine
 * gives the same bits.
 */

/**
 * How PyTorch's float32 arithmetic is carried out: `"avx2+fma"` is PyTorch on x86 Linux, `"avx2"`
 * the same without fused multiply-add, `"scalar"` a processor without AVX2.
 */
export type TorchMode = "avx2+fma" | "avx2" | "scalar";

/** Multiplies and adds in float32 or in float64, fused or not. */
export type MultiplyAdd = (a: number, b: number, c: number) => number;

const f = Math.fround;

/** `a * b + c` as float32, rounded once, for float32 arguments. */
export function fma32(a: number, b: number, c: number): number {
  const product = a * b; // exact: 24 + 24 bits fit in the 53 of a double
  const sum = product + c;
  SCRATCH[0] = sum;
  // Rounding twice differs from rounding once only if the first rounding gives a tie.
  if ((WORDS[0] & 0x1fffffff) === 0x10000000) {
    const lost = roundingError(product, c, sum);
    if (lost !== 0) WORDS[0] += (lost > 0) === (sum > 0) ? 1 : -1;
  }
  return f(SCRATCH[0]);
}

/**
 * `a * b + c` rounded once, for doubles far from overflow and underflow: the rounding errors of product and sum are computed exactly
 * and added last.
 */
export function fma64(a: number, b: number, c: number): number {
  const product = a * b;
  const [aHigh, aLow] = halves(a);
  const [bHigh, bLow] = halves(b);
  const lost = aHigh * bHigh - product + aHigh * bLow + aLow * bHigh + aLow * bLow;
  const sum = product + c;
  const correction = roundingError(product, c, sum) + lost;
  return Number.isFinite(correction) ? sum + correction : sum;
}

/** Two doubles of 26 bits, whose products are exact and whose sum is a given double (Veltkamp). */
function halves(x: number): [number, number] {
  const scaled = x * (2 ** 27 + 1);
  const high = scaled - (scaled - x);
  return [high, x - high];
}

const SCRATCH = new Float64Array(1);
const WORDS = new Uint32Array(SCRATCH.buffer); // little-endian: WORDS[0] is the low half

/** The exact rounding error of `sum = a + b` (two-sum). */
function roundingError(a: number, b: number, sum: number): number {
  const bPart = sum - a;
  return (a - (sum - bPart)) + (b - bPart);
}

/** The float32 multiply-add of a mode. */
export function multiplyAdd(mode: TorchMode): MultiplyAdd {
  return mode === "avx2+fma" ? fma32 : (a, b, c) => f(f(a * b) + c);
}

/** The float64 multiply-add of a mode. */
export function multiplyAdd64(mode: TorchMode): MultiplyAdd {
  return mode === "avx2+fma" ? fma64 : (a, b, c) => a * b + c;
}

/**
 * Turns uniform numbers in place into normal ones of the given mean and standard deviation.
 *
 * @param data At least 16 uniform numbers from [0, 1).
 * @param mean The mean of the result.
 * @param std The standard deviation of the result.
 * @param mode The arithmetic to follow.
 * @param refill Draws a uniform number; the last 16 slots are drawn again if the length is no
 * multiple of 16.
 */
export function normalBlocks(
  data: Float32Array | Float64Array,
  mean: number,
  std: number,
  mode: TorchMode,
  refill: () => number,
): void {
  const isDouble = data instanceof Float64Array;
  const block = isDouble ? block64 : mode === "scalar" ? blockScalar : blockAvx2;
  const fma = isDouble ? multiplyAdd64(mode) : multiplyAdd(mode);
  const full = data.length - data.length % 16;
  for (let at = 0; at < full; at += 16) block(data, at, mean, std, fma);
  if (full === data.length) return;
  const last = data.length - 16;
  for (let i = last; i < data.length; i++) data[i] = refill();
  block(data, last, mean, std, fma);
}

type Block = (
  data: Float32Array | Float64Array,
  at: number,
  mean: number,
  std: number,
  fma: MultiplyAdd,
) => void;

const block64: Block = (data, at, mean, std, fma) => {
  for (let i = at; i < at + 8; i++) {
    const radius = Math.sqrt(-2 * Math.log(1 - data[i]));
    const angle = 2 * Math.PI * data[i + 8];
    data[i] = fma(radius * Math.cos(angle), std, mean);
    data[i + 8] = fma(radius * Math.sin(angle), std, mean);
  }
};

/** With the engine's functions rounded to float32: 98.5 % of the bits of a C library, the rest within 3 ulp. */
const blockScalar: Block = (data, at, mean, std) => {
  for (let i = at; i < at + 8; i++) {
    const radius = f(Math.sqrt(f(-2 * f(Math.log(f(1 - data[i]))))));
    const angle = f(2 * Math.PI * data[i + 8]);
    data[i] = f(f(f(radius * f(Math.cos(angle))) * std) + mean);
    data[i + 8] = f(f(f(radius * f(Math.sin(angle))) * std) + mean);
  }
};

const blockAvx2: Block = (data, at, mean, std, fma) => {
  for (let i = at; i < at + 8; i++) {
    const radius = f(Math.sqrt(f(-2 * log32(f(1 - data[i]), fma))));
    const { sin, cos } = sinCos32(f(TWO_PI * data[i + 8]), fma);
    data[i] = fma(f(radius * cos), std, mean);
    data[i + 8] = fma(f(radius * sin), std, mean);
  }
};

const TWO_PI = f(2 * Math.PI);

// The polynomials of the Cephes library, highest power first, each rounded to float32.
const LOG = Float32Array.of(
  7.0376836292e-2,
  -1.1514610310e-1,
  1.1676998740e-1,
  -1.2420140846e-1,
  1.4249322787e-1,
  -1.6668057665e-1,
  2.0000714765e-1,
  -2.4999993993e-1,
  3.3333331174e-1,
);
const COS = Float32Array.of(2.443315711809948e-5, -1.388731625493765e-3, 4.166664568298827e-2);
const SIN = Float32Array.of(-1.9515295891e-4, 8.3321608736e-3, -1.6666654611e-1);
const LN2_HIGH = 0.693359375; // ln 2 in two parts, the first exact in few bits
const LN2_LOW = f(-2.12194440e-4);
const QUARTER_PI = Float32Array.of(-0.78515625, -2.4187564849853515625e-4, -3.77489497744594108e-8);
const SQRT_HALF = f(Math.SQRT1_2);
const FOUR_OVER_PI = f(1.27323954473516);

function polynomial(coefficients: Float32Array, x: number, fma: MultiplyAdd): number {
  let y = coefficients[0];
  for (let i = 1; i < coefficients.length; i++) y = fma(y, x, coefficients[i]);
  return y;
}

/** log of a float32 in (0, 1]: u = m 2^e with m near 1, then a polynomial in m - 1. */
function log32(u: number, fma: MultiplyAdd): number {
  let exponent = 0;
  let mantissa = u;
  while (mantissa < 0.5) {
    mantissa *= 2;
    exponent--;
  }
  if (mantissa === 1) {
    mantissa = 0.5;
    exponent = 1;
  }
  let x = mantissa - 1;
  if (mantissa < SQRT_HALF) {
    exponent--;
    x = 2 * mantissa - 1;
  }
  const z = f(x * x);
  let y = f(polynomial(LOG, x, fma) * x);
  y = fma(y, z, f(exponent * LN2_LOW));
  y = f(y - 0.5 * z);
  return f(f(x + y) + exponent * LN2_HIGH);
}

/** sin and cos of a float32 angle ≥ 0: reduce by the nearest even multiple of π/4, then polynomials. */
function sinCos32(angle: number, fma: MultiplyAdd): { sin: number; cos: number } {
  const octant = (Math.trunc(f(angle * FOUR_OVER_PI)) + 1) & ~1;
  let x = angle;
  for (const part of QUARTER_PI) x = fma(octant, part, x);
  const z = f(x * x);
  const c = f(fma(f(polynomial(COS, z, fma) * z), z, -f(0.5 * z)) + 1);
  const s = fma(f(polynomial(SIN, z, fma) * z), x, x);
  const [sin, cos] = octant & 2 ? [c, s] : [s, c];
  return { sin: octant & 4 ? -sin : sin, cos: (octant - 2) & 4 ? cos : -cos };
}
