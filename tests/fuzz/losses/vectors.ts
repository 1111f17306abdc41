/** Losses and functions of pairs and triplets of vectors. */
import type { FloatType } from "../../_ulp.ts";
import { round } from "../float.ts";
import type { Plain } from "./given.ts";
import {
  type Answer,
  type Arguments,
  commonShape,
  numberOf,
  type Options,
  placeIn,
  Sums,
} from "./reference.ts";
import { eachIndex } from "./reference.ts";

/** For each vector along an axis of a common shape, where each argument has its components. */
function vectorsAlong(
  shape: readonly number[],
  axis: number,
  tensors: readonly Plain[],
): number[][][] {
  if (shape.length === 0) return [tensors.map(() => [0])];
  const vectors: number[][][] = [];
  eachIndex(shape.filter((_, i) => i !== axis), (index) => {
    vectors.push(tensors.map((tensor) =>
      Array.from(
        { length: shape[axis] },
        (_, c) => placeIn(tensor, [...index.slice(0, axis), c, ...index.slice(axis)]),
      )
    ));
  });
  return vectors;
}

/** A distance and its derivative by each component of the difference. */
interface Distance {
  readonly value: number;
  readonly slopes: readonly number[];
}

/** The p-norm of x - y + eps. */
function pNorm(
  x: readonly number[],
  y: readonly number[],
  p: number,
  eps: number,
  dtype: FloatType,
): Distance {
  // The difference as the type has it: whether two components tie is decided there.
  const u = x.map((x, i) => round(round(x - y[i], dtype) + round(eps, dtype), dtype));
  const sizes = u.map(Math.abs);
  if (p === 0) return { value: sizes.filter((v) => v !== 0).length, slopes: u.map(() => 0) };
  const most = Math.max(0, ...sizes);
  if (p === Infinity) {
    const ties = sizes.filter((v) => v === most).length;
    return {
      value: most,
      slopes: u.map((v) => Math.abs(v) === most ? (Math.sign(v) || 0) / ties : 0),
    };
  }
  if (most === 0) return { value: 0, slopes: u.map(() => 0) };
  const sum = sizes.reduce((sum, v) => sum + (v / most) ** p, 0);
  const logLength = Math.log(most) + Math.log(sum) / p;
  return {
    value: most * sum ** (1 / p),
    slopes: u.map((v) =>
      v === 0
        ? 0
        : p === 1
        ? Math.sign(v)
        : Math.sign(v) * Math.exp((p - 1) * (Math.log(Math.abs(v)) - logLength))
    ),
  };
}

const pick = ({ data }: Plain, places: readonly number[]) => places.map((at) => data[at]);

export function pairwiseDistance(args: Arguments, options: Options, dtype: FloatType): Answer {
  const { x1, x2 } = args;
  const shape = commonShape(x1, x2);
  const axis = Math.max(0, shape.length - 1);
  const vectors = vectorsAlong(shape, axis, [x1, x2]);
  const [p, eps] = [numberOf(options, "p", 2), numberOf(options, "eps", 1e-6)];
  const found = vectors.map(([a, b]) => pNorm(pick(x1, a), pick(x2, b), p, eps, dtype));
  const values = new Sums(vectors.length);
  found.forEach(({ value }, i) => values.add(i, value));
  const by = (which: 0 | 1) => (upstream: readonly number[]) => {
    const sums = new Sums((which === 0 ? x1 : x2).data.length);
    vectors.forEach((places, i) =>
      found[i].slopes.forEach((slope, k) =>
        sums.add(places[which][k], (which === 0 ? 1 : -1) * upstream[i] * slope)
      )
    );
    return sums;
  };
  const kept = options.keepdim === true && shape.length > 0 ? [1] : [];
  return {
    dtype,
    shape: [...shape.slice(0, -1), ...kept],
    values,
    divisor: 1,
    grad: { x1: by(0), x2: by(1) },
  };
}

/** A cosine, with its derivatives by both vectors as pairs of terms. */
interface Cosine {
  readonly value: number;
  readonly size: number;
  readonly slopes: readonly (readonly (readonly [number, number])[])[];
}

/**
 * The cosine of two vectors whose lengths are taken to be `m`, while the derivative of a length divides by `n`.
 */
function cosine(
  x: readonly number[],
  y: readonly number[],
  [mx, my]: readonly [number, number],
  [nx, ny]: readonly [number, number],
): Cosine {
  let [value, size] = [0, 0];
  x.forEach((x, i) => {
    value += (x / mx) * (y[i] / my);
    size += Math.abs((x / mx) * (y[i] / my));
  });
  const slopes = (
    own: readonly number[],
    other: readonly number[],
    m: number,
    n: number,
    mOther: number,
  ) => own.map((own, i) => [other[i] / mOther / m, n === 0 ? 0 : -value * (own / n) / m] as const);
  return { value, size, slopes: [slopes(x, y, mx, nx, my), slopes(y, x, my, ny, mx)] };
}

/**
 * Adds the derivatives of a cosine by one of its vectors. The cosine is itself a sum, and what its terms have lost goes into
 * every component.
 */
function addSlopes(
  sums: Sums,
  places: readonly number[],
  { slopes, value, size }: Cosine,
  which: 0 | 1,
  upstream: number,
): void {
  const lost = value === 0 ? 1 : Math.max(1, size / Math.abs(value));
  const largest = Math.max(...slopes[which].flat().map(Math.abs)) * Math.min(lost, 1e6);
  slopes[which].forEach((terms, k) => {
    for (const term of terms) sums.add(places[k], upstream * term, Math.abs(upstream) * largest);
  });
}

const lengthOf = (x: readonly number[]) => Math.hypot(...x);

export function cosineSimilarity(args: Arguments, options: Options, dtype: FloatType): Answer {
  const { x1, x2 } = args;
  const shape = commonShape(x1, x2);
  const dim = numberOf(options, "dim", 1);
  const axis = dim < 0 ? dim + Math.max(1, shape.length) : dim;
  const eps = numberOf(options, "eps", 1e-8);
  const vectors = vectorsAlong(shape, axis, [x1, x2]);
  const found = vectors.map(([a, b]) => {
    const [x, y] = [pick(x1, a), pick(x2, b)];
    const [nx, ny] = [lengthOf(x), lengthOf(y)];
    return cosine(x, y, [Math.max(nx, eps), Math.max(ny, eps)], [nx, ny]);
  });
  const values = new Sums(vectors.length);
  found.forEach(({ value, size }, i) => values.add(i, value, size));
  const by = (which: 0 | 1) => (upstream: readonly number[]) => {
    const sums = new Sums((which === 0 ? x1 : x2).data.length);
    vectors.forEach((places, i) => addSlopes(sums, places[which], found[i], which, upstream[i]));
    return sums;
  };
  return {
    dtype,
    shape: shape.filter((_, i) => i !== axis),
    values,
    divisor: 1,
    grad: { x1: by(0), x2: by(1) },
  };
}

/** Beside its kink, rounding decides on which side a hinge is: the gradient is then left open. */
function isOpen(h: number, size: number, dtype: FloatType): boolean {
  return Math.abs(h) <= size * (dtype === "float32" ? 1e-5 : 1e-12);
}

const DELTA = Math.fround(1e-12);

export function cosineEmbedding(args: Arguments, options: Options, dtype: FloatType): Answer {
  const { input1, input2, target } = args;
  const margin = numberOf(options, "margin", 0);
  // One label may stand for all pairs, and one vector for all labels.
  const inputs = commonShape(input1, input2);
  const shape = target.shape.length === 0
    ? inputs
    : [inputs[0] === 1 ? target.shape[0] : inputs[0], inputs[1]];
  const vectors = vectorsAlong(shape, shape.length - 1, [input1, input2]);
  const label = (i: number) => target.data[target.data.length === 1 ? 0 : i];
  let open = false;
  const found = vectors.map(([a, b]) => {
    const [x, y] = [pick(input1, a), pick(input2, b)];
    const lengths = [x, y].map((v) => Math.hypot(...v, Math.sqrt(DELTA))) as [number, number];
    return cosine(x, y, lengths, lengths);
  });
  const values = new Sums(vectors.length);
  const slopes = found.map(({ value, size }, i) => {
    if (label(i) === 1) {
      values.add(i, 1);
      values.add(i, -value, size);
      return -1;
    }
    const h = value - margin;
    if (isOpen(h, size + Math.abs(margin), dtype) && !(value === 0 && size === 0)) open = true;
    if (h > 0) values.add(i, h, size + Math.abs(margin));
    else values.add(i, 0, size + Math.abs(margin));
    return h > 0 ? 1 : 0;
  });
  const by = (which: 0 | 1) => (upstream: readonly number[]) => {
    const sums = new Sums((which === 0 ? input1 : input2).data.length);
    vectors.forEach((places, i) =>
      addSlopes(sums, places[which], found[i], which, upstream[i] * slopes[i])
    );
    return sums;
  };
  return {
    dtype,
    shape: shape.slice(0, -1),
    values,
    divisor: vectors.length,
    grad: open ? {} : { input1: by(0), input2: by(1) },
  };
}

const NAMES = ["anchor", "positive", "negative"] as const;

/** The three distances of a triplet, and which arguments each is between. */
const PAIRS = [[0, 1], [0, 2], [1, 2]] as const;

export function triplet(
  loss: string,
  args: Arguments,
  options: Options,
  dtype: FloatType,
): Answer {
  const tensors = NAMES.map((name) => args[name]);
  const shape = commonShape(...tensors);
  const [p, eps] = [numberOf(options, "p", 2), numberOf(options, "eps", 1e-6)];
  const margin = numberOf(options, "margin", 1);
  const isSquared = loss === "TripletMarginWithDistanceLoss" &&
    options.distanceFunction !== undefined;
  const distance = (x: readonly number[], y: readonly number[]): Distance =>
    isSquared
      ? {
        value: x.reduce((sum, x, i) => sum + (x - y[i]) ** 2, 0),
        slopes: x.map((x, i) => 2 * (x - y[i])),
      }
      : pNorm(x, y, p, eps, dtype);
  const vectors = vectorsAlong(shape, Math.max(0, shape.length - 1), tensors);
  let open = false;
  const values = new Sums(vectors.length);
  const found = vectors.map((places, i) => {
    const numbers = places.map((place, k) => pick(tensors[k], place));
    const [near, far, other] = PAIRS.map(([a, b]) => distance(numbers[a], numbers[b]));
    const isExact = (eps === 0 && [1, 2, Infinity].includes(p)) || isSquared;
    /** How much of the distance to the negative is the one from the anchor. */
    let share = 1;
    if (options.swap === true) {
      share = far.value < other.value ? 1 : far.value === other.value ? 0.5 : 0;
      const isTie = far.value === other.value && isExact;
      if (!isTie && isOpen(far.value - other.value, far.value + other.value, dtype)) open = true;
    }
    const least = share > 0 ? far.value : other.value;
    const h = margin + near.value - least;
    const size = margin + near.value + least;
    if (!(h === 0 && isExact) && isOpen(h, size, dtype)) open = true;
    values.add(i, Math.max(0, h), size);
    const pull = h > 0 ? 1 : 0;
    return [
      { ...near, pull },
      { ...far, pull: -pull * share },
      { ...other, pull: -pull * (1 - share) },
    ];
  });
  const by = (which: 0 | 1 | 2) => (upstream: readonly number[]) => {
    const sums = new Sums(tensors[which].data.length);
    vectors.forEach((places, i) =>
      PAIRS.forEach(([from, to], pair) => {
        const { slopes, pull } = found[i][pair];
        if (pull === 0) return;
        slopes.forEach((slope, k) => {
          if (which === from) sums.add(places[from][k], upstream[i] * pull * slope);
          if (which === to) sums.add(places[to][k], -upstream[i] * pull * slope);
        });
      })
    );
    return sums;
  };
  return {
    dtype,
    shape: shape.slice(0, -1),
    values,
    divisor: vectors.length,
    grad: open ? {} : { anchor: by(0), positive: by(1), negative: by(2) },
  };
}
