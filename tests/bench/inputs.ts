/** The inputs of the benchmark: random numbers from a fixed seed, the same for every contender. */

/** The element types of a row. */
export type FloatType = "float32" | "float64";

/** Arrays that hold floats. */
export type FloatArray = Float32Array | Float64Array;

/** One argument of a loss. */
export interface Input {
  readonly data: FloatArray | Int32Array;
  readonly shape: readonly number[];
}

/** Makes an argument for a row of this shape. */
export type Source = (draw: Draw, shape: readonly number[]) => Input;

/** How many numbers a shape holds. */
export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, n) => product * n, 1);
}

/** An array of zeros. */
export function zeros(dtype: FloatType, size: number): FloatArray {
  return dtype === "float32" ? new Float32Array(size) : new Float64Array(size);
}

/** A random number generator (xorshift32, which is fast, and random enough that branches cannot be predicted). */
export class Draw {
  #state = 2463534242;

  constructor(readonly dtype: FloatType) {}

  /** A number from (0, 1). */
  next(): number {
    let x = this.#state;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.#state = x;
    return (x >>> 0) / 2 ** 32;
  }

  /** A whole number from 0 to n - 1. */
  below(n: number): number {
    return Math.floor(this.next() * n);
  }

  /** A tensor of floats; `one` gives each number. */
  floats(shape: readonly number[], one: () => number): Input {
    const data = zeros(this.dtype, sizeOf(shape));
    for (let i = 0; i < data.length; i++) data[i] = one();
    return { data, shape };
  }

  /** A tensor of whole numbers; `one` gives each number. */
  integers(shape: readonly number[], one: (i: number) => number): Input {
    const data = new Int32Array(sizeOf(shape));
    for (let i = 0; i < data.length; i++) data[i] = one(i);
    return { data, shape };
  }
}

/** Normally distributed numbers (Box–Muller). */
export function normal(scale = 1): Source {
  return (draw, shape) =>
    draw.floats(
      shape,
      () => scale * Math.sqrt(-2 * Math.log(draw.next())) * Math.cos(2 * Math.PI * draw.next()),
    );
}

/** Evenly distributed numbers. */
export function uniform(low: number, high: number): Source {
  return (draw, shape) => draw.floats(shape, () => low + (high - low) * draw.next());
}

/** Small whole numbers, as floats. */
export function counts(end: number): Source {
  return (draw, shape) => draw.floats(shape, () => draw.below(end));
}

/** -1 or 1 for each element, as floats. */
export const signs: Source = (draw, shape) => draw.floats(shape, () => draw.next() < 0.5 ? -1 : 1);

/** -1 or 1 for each row. */
export const rowSigns: Source = (draw, [rows]) => signs(draw, [rows]);

/** A class for each sample, where the classes are the second axis of the scores. */
export const labels: Source = (draw, [samples, classes, ...rest]) =>
  draw.integers([samples, ...rest], () => draw.below(classes));

/** How many labels a row of {@linkcode labelSets} has. */
const LABELS_PER_ROW = 5;

/** Five different classes for each row, followed by -1. */
export const labelSets: Source = (draw, [rows, classes]) => {
  const target = draw.integers([rows, classes], () => -1);
  for (let row = 0; row < rows; row++) {
    const chosen = new Set<number>();
    while (chosen.size < Math.min(LABELS_PER_ROW, classes - 1)) chosen.add(draw.below(classes));
    target.data.set([...chosen], row * classes);
  }
  return target;
};
