/**
 * The random numbers of PyTorch's CPU generator, so that a seeded PyTorch example gives the same
 * numbers here.
 *
 * This folder is PyTorch as far as it is needed without Python: its random numbers, the order of its sums, and the results that
 * tests/fixtures stores. Only fixtures.ts imports the package, to make tensors.
 *
 * Compared with PyTorch 2.14 (Linux x86-64, AVX-512 machine): every method gives the same bits,
 * with these limits.
 * - `randint` and `random` draw 64 bits from a range of 2^28 on; PyTorch 1.13 did so only from
 *   2^32 on. {@linkcode TorchRandomOptions.wideFrom} chooses.
 * - float64 normal and exponential numbers go through the engine's log, sin and cos: most have
 *   PyTorch's bits (99.8 % of the normal, 93 % of the exponential ones), the rest differ by one or
 *   two units in the last place (a mean of the other sign makes more of them). Their float32 forms
 *   are equal.
 * - `bernoulli` with a plain number, and so Dropout, follows PyTorch's own code. PyTorch builds
 *   with MKL take MKL's stream instead when they run on an Intel processor.
 */

import { Mt19937 } from "./mt19937.ts";
import { multiplyAdd, multiplyAdd64, normalBlocks, type TorchMode } from "./normal.ts";

export type { TorchMode } from "./normal.ts";

/** Drawn numbers: row-major data and their shape, as every loss takes them. */
export interface Drawn<Data> {
  /** The numbers, in row-major order. */
  readonly data: Data;
  /** The length of each axis. */
  readonly shape: readonly number[];
}

/** The typed array of each dtype of floating-point numbers. */
export interface FloatArrays {
  /** Single precision, PyTorch's default. */
  float32: Float32Array;
  /** Double precision. */
  float64: Float64Array;
}

/** The typed array of each dtype that {@linkcode TorchRandom.random} fills. */
export interface NumberArrays extends FloatArrays {
  /** 32-bit integers. */
  int32: Int32Array;
  /** 64-bit integers, PyTorch's `long`. */
  int64: BigInt64Array;
}

/** Options of a generator. */
export interface TorchRandomOptions {
  /** The arithmetic of normal and uniform numbers. Default: `"avx2+fma"`, PyTorch on x86 Linux. */
  mode?: TorchMode;
  /** The range from which integers take 64 bits each. Default: 2^28 as in PyTorch 2; 2^32 in 1.x. */
  wideFrom?: number;
}

type Shape = number | readonly number[];
const f = Math.fround;

/**
 * PyTorch's CPU generator with the functions that draw from it. Functions that fill a tensor in PyTorch (`uniform_`, `random_` …)
 * make a new one here, and have no underscore.
 *
 * @example
 * ```ts
 * const torch = new TorchRandom(20);           // torch.manual_seed(20)
 * const a = torch.randn([100, 128]);           // torch.randn(100, 128)
 * const y = torch.random([100], "float32", 2); // torch.empty(100).random_(2)
 * ```
 */
export class TorchRandom {
  readonly #mode: TorchMode;
  readonly #wideFrom: number;
  #bits: Mt19937;
  /** The second number of a Box–Muller pair, for the next draw of fewer than 16. */
  #spare: number | undefined;

  /**
   * Makes a generator in the state after `torch.manual_seed(seed)`.
   *
   * @param seed An integer, from 2^53 on a `bigint`. Only its low 32 bits count.
   * @param options The arithmetic to follow.
   */
  constructor(seed: number | bigint = 0, options: TorchRandomOptions = {}) {
    const { mode = "avx2+fma", wideFrom = 2 ** 28 } = options;
    if (!["avx2+fma", "avx2", "scalar"].includes(mode)) {
      throw new RangeError(
        `Cannot make a generator as mode must be "avx2+fma", "avx2" or "scalar": current value is ${mode}`,
      );
    }
    if (!(wideFrom >= 1 && wideFrom <= 2 ** 32)) {
      throw new RangeError(
        `Cannot make a generator as wideFrom must lie in 1 … 2^32: current value is ${wideFrom}`,
      );
    }
    this.#mode = mode;
    this.#wideFrom = wideFrom;
    this.#bits = new Mt19937(asSeed(seed));
  }

  /** Restarts from a seed: `torch.manual_seed(seed)`. Returns this generator. */
  manualSeed(seed: number | bigint): this {
    this.#bits = new Mt19937(asSeed(seed));
    this.#spare = undefined;
    return this;
  }

  /** Uniform numbers from [0, 1): `torch.rand`. */
  rand<D extends keyof FloatArrays = "float32">(shape: Shape, dtype?: D): Drawn<FloatArrays[D]> {
    return this.#fill(shape, dtype, this.#uniform(dtype));
  }

  /** Uniform numbers from [low, high): `tensor.uniform_(low, high)`. */
  uniform<D extends keyof FloatArrays = "float32">(
    low: number,
    high: number,
    shape: Shape,
    dtype?: D,
  ): Drawn<FloatArrays[D]> {
    if (!(low <= high && Number.isFinite(high - low))) {
      throw new RangeError(
        `Cannot draw uniform numbers as low must be ≤ high and finite: current values are ${low} and ${high}`,
      );
    }
    const next = this.#uniform(dtype);
    if (dtype === "float64") {
      const fma = multiplyAdd64(this.#mode);
      const width = high - low;
      return this.#fill(shape, dtype, () => fma(next(), width, low));
    }
    const fma = multiplyAdd(this.#mode);
    const [start, width] = [f(low), f(f(high) - f(low))];
    return this.#fill(shape, dtype, () => fma(next(), width, start));
  }

  /** Standard normal numbers: `torch.randn`. `randn(10)` is not a prefix of `randn(16)`. */
  randn<D extends keyof FloatArrays = "float32">(shape: Shape, dtype?: D): Drawn<FloatArrays[D]> {
    return this.normal(0, 1, shape, dtype);
  }

  /** Normal numbers of a mean and a standard deviation: `tensor.normal_(mean, std)`. */
  normal<D extends keyof FloatArrays = "float32">(
    mean: number,
    std: number,
    shape: Shape,
    dtype?: D,
  ): Drawn<FloatArrays[D]> {
    if (!(std >= 0)) {
      throw new RangeError(
        `Cannot draw normal numbers as std must be ≥ 0: current value is ${std}`,
      );
    }
    if (sizeOf(shape) < 16) {
      const fma = multiplyAdd64(this.#mode);
      return this.#fill(shape, dtype, () => fma(this.#normal(), std, mean));
    }
    const next = this.#uniform(dtype);
    const drawn = this.#fill(shape, dtype, next);
    const [m, s] = dtype === "float64" ? [mean, std] : [f(mean), f(std)];
    normalBlocks(drawn.data, m, s, this.#mode, next);
    return drawn;
  }

  /** Exponentially distributed numbers: `tensor.exponential_(rate)`. */
  exponential<D extends keyof FloatArrays = "float32">(
    rate: number,
    shape: Shape,
    dtype?: D,
  ): Drawn<FloatArrays[D]> {
    if (!(rate > 0)) {
      throw new RangeError(
        `Cannot draw exponential numbers as rate must be > 0: current value is ${rate}`,
      );
    }
    return this.#fill(shape, dtype, () => -Math.log(1 - this.#bits.uniform53()) / rate);
  }

  /**
   * Zeros and ones, one with probability p: `tensor.bernoulli_(p)` for a number and a shape,
   * `torch.bernoulli(p)` for a tensor of probabilities. The two draw differently in PyTorch too.
   */
  bernoulli(p: number, shape: Shape): Drawn<Float32Array>;
  bernoulli<Data extends Float32Array | Float64Array>(p: Drawn<Data>): Drawn<Data>;
  bernoulli(
    p: number | Drawn<Float32Array | Float64Array>,
    shape: Shape = [],
  ): Drawn<Float32Array | Float64Array> {
    if (typeof p === "number") {
      checkProbability(p);
      return this.#fill(shape, "float32", () => this.#bits.uniform53() < p ? 1 : 0);
    }
    const { data } = p;
    data.forEach(checkProbability);
    const next = this.#uniform(data instanceof Float64Array ? "float64" : "float32");
    return { data: data.map((one) => next() < one ? 1 : 0), shape: [...p.shape] };
  }

  /** Integers from low to high - 1: `torch.randint(low, high, shape)`, for ranges within int32. */
  randint(low: number, high: number, shape: Shape): Drawn<Int32Array> {
    return this.random(shape, "int32", low, high);
  }

  /**
   * Integers: `tensor.random_()`, `tensor.random_(high)` or `tensor.random_(low, high)`. Without bounds they run from 0 to the
   * largest integer up to which the dtype holds every integer.
   */
  random<D extends keyof NumberArrays>(shape: Shape, dtype: D): Drawn<NumberArrays[D]>;
  random<D extends keyof NumberArrays>(
    shape: Shape,
    dtype: D,
    high: number | bigint,
  ): Drawn<NumberArrays[D]>;
  random<D extends keyof NumberArrays>(
    shape: Shape,
    dtype: D,
    low: number | bigint,
    high: number | bigint,
  ): Drawn<NumberArrays[D]>;
  random<D extends keyof NumberArrays>(
    shape: Shape,
    dtype: D,
    ...bounds: (number | bigint)[]
  ): Drawn<NumberArrays[D]> {
    const largest = LARGEST[dtype];
    if (largest === undefined) {
      throw new TypeError(
        `Cannot draw integers as dtype must be float32, float64, int32 or int64: current value is ${dtype}`,
      );
    }
    const [low, high] = bounds.length === 0 ? [0n, largest + 1n] : asRange(bounds, largest);
    const range = high - low;
    // Without bounds only the dtype matters: float64 and int64 need more than 32 bits.
    const wide = bounds.length === 0 ? range > 2n ** 32n : range >= BigInt(this.#wideFrom);
    if (dtype === "int64") {
      return this.#fill(shape, dtype, () => low + this.#word(wide) % range) as Drawn<
        NumberArrays[D]
      >;
    }
    return this.#fill(shape, dtype, () => Number(low + this.#word(wide) % range)) as Drawn<
      NumberArrays[D]
    >;
  }

  /** A random order of 0 … n - 1: `torch.randperm(n)`. */
  randperm(n: number): Int32Array {
    if (!Number.isInteger(n) || n < 0 || n >= 2 ** 32 / 20) {
      throw new RangeError(
        `Cannot permute as n must be an integer in 0 … 2^32 / 20: current value is ${n}`,
      );
    }
    const order = Int32Array.from({ length: n }, (_, i) => i);
    for (let i = 0; i < n - 1; i++) {
      const j = i + this.#bits.next32() % (n - i);
      [order[i], order[j]] = [order[j], order[i]];
    }
    return order;
  }

  /** The order in which `DataLoader(dataset, shuffle=True)` takes n samples in its next epoch. */
  dataLoaderOrder(n: number): Int32Array {
    this.#bits.next64(); // The base seed of the loader's workers.
    const seed = this.#bits.next64() & (2n ** 63n - 1n);
    return new TorchRandom(seed).randperm(n);
  }

  /** The initial weight, shape [outputs, inputs], and bias of `nn.Linear(inputs, outputs)`. */
  linear(
    inputs: number,
    outputs: number,
  ): { weight: Drawn<Float32Array>; bias: Drawn<Float32Array> } {
    const fanIn = sizeOf([inputs]);
    if (fanIn === 0) {
      throw new RangeError("Cannot make a linear layer as inputs must be ≥ 1: current value is 0");
    }
    const gain = Math.sqrt(2 / (1 + Math.sqrt(5) ** 2)); // kaiming_uniform_(a = √5), as PyTorch does
    const forWeight = Math.sqrt(3) * (gain / Math.sqrt(fanIn));
    const forBias = 1 / Math.sqrt(fanIn);
    return {
      weight: this.uniform(-forWeight, forWeight, [outputs, inputs]),
      bias: this.uniform(-forBias, forBias, [outputs]),
    };
  }

  #uniform(dtype: keyof FloatArrays | undefined): () => number {
    const bits = this.#bits;
    return dtype === "float64" ? () => bits.uniform53() : () => bits.uniform24();
  }

  #word(wide: boolean): bigint {
    return wide ? this.#bits.next64() : BigInt(this.#bits.next32());
  }

  /** Box and Muller in double precision; here the first uniform number gives the angle. */
  #normal(): number {
    if (this.#spare !== undefined) {
      const spare = this.#spare;
      this.#spare = undefined;
      return spare;
    }
    const angle = 2 * Math.PI * this.#bits.uniform53();
    const radius = Math.sqrt(-2 * Math.log1p(-this.#bits.uniform53()));
    this.#spare = radius * Math.sin(angle);
    return radius * Math.cos(angle);
  }

  #fill<D extends keyof FloatArrays>(
    shape: Shape,
    dtype: D | undefined,
    next: () => number,
  ): Drawn<FloatArrays[D]>;
  #fill(
    shape: Shape,
    dtype: keyof NumberArrays,
    next: () => number | bigint,
  ): Drawn<NumberArrays[keyof NumberArrays]>;
  #fill(
    shape: Shape,
    dtype: keyof NumberArrays = "float32",
    next: () => number | bigint,
  ): Drawn<NumberArrays[keyof NumberArrays]> {
    const make = MAKE[dtype];
    if (make === undefined) {
      throw new TypeError(
        `Cannot draw numbers as dtype must be float32 or float64: current value is ${dtype}`,
      );
    }
    const data = make(sizeOf(shape));
    for (let i = 0; i < data.length; i++) data[i] = next();
    return { data, shape: typeof shape === "number" ? [shape] : [...shape] };
  }
}

const MAKE = {
  float32: (n: number) => new Float32Array(n),
  float64: (n: number) => new Float64Array(n),
  int32: (n: number) => new Int32Array(n),
  int64: (n: number) => new BigInt64Array(n),
};

/** The largest integer up to which a dtype holds every integer. */
const LARGEST: Record<keyof NumberArrays, bigint> = {
  float32: 2n ** 24n,
  float64: 2n ** 53n,
  int32: 2n ** 31n - 1n,
  int64: 2n ** 63n - 1n,
};

function sizeOf(shape: Shape): number {
  const axes = typeof shape === "number" ? [shape] : shape;
  for (const length of axes) {
    if (!Number.isInteger(length) || length < 0) {
      throw new RangeError(
        `Cannot draw numbers as each axis must be an integer ≥ 0: current shape is [${axes}]`,
      );
    }
  }
  return axes.reduce((product, length) => product * length, 1);
}

function asSeed(seed: number | bigint): bigint {
  if (typeof seed === "bigint" || Number.isSafeInteger(seed)) return BigInt(seed);
  throw new RangeError(
    `Cannot seed as seed must be an integer below 2^53, or a bigint: current value is ${seed}`,
  );
}

function asRange(bounds: (number | bigint)[], largest: bigint): [bigint, bigint] {
  for (const bound of bounds) {
    if (typeof bound !== "bigint" && !Number.isSafeInteger(bound)) {
      throw new RangeError(
        `Cannot draw integers as bounds must be integers, beyond 2^53 bigints: current value is ${bound}`,
      );
    }
  }
  const [low, high] = bounds.length === 1 ? [0n, BigInt(bounds[0])] : bounds.map(BigInt);
  if (low >= high) {
    throw new RangeError(
      `Cannot draw integers as low must be < high: current values are ${low} and ${high}`,
    );
  }
  if (low < -largest - 1n || high - 1n > largest) {
    throw new RangeError(
      `Cannot draw integers from ${low} to ${high - 1n} as the dtype holds at most ±${largest}`,
    );
  }
  return [low, high];
}

function checkProbability(p: number): void {
  if (p >= 0 && p <= 1) return;
  throw new RangeError(`Cannot draw zeros and ones as p must lie in [0, 1]: current value is ${p}`);
}
