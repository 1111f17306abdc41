/** Losses that act element by element: the formula of one element, and one loop for all of them. */
import type { FloatType } from "../../_ulp.ts";
import { round } from "../float.ts";
import {
  type Answer,
  type Arguments,
  commonShape,
  eachIndex,
  numberOf,
  type Options,
  placeIn,
  sigmoid,
  softplus,
  Sums,
  tensorOf,
  times,
} from "./reference.ts";

/** A number, or the terms that it is the sum of: where they cancel, what is left of their rounding is large beside it. */
type Terms = number | readonly number[];

/** Value and derivatives of one element, by its arguments in call order. */
interface ElementLoss {
  value(args: readonly number[], options: Options): Terms;
  readonly slopes: Readonly<Record<string, (args: readonly number[], options: Options) => Terms>>;
  /** What a mean with weights is divided by. */
  readonly weightedMean?: "weights" | "count";
}

const listOf = (terms: Terms): readonly number[] => typeof terms === "number" ? [terms] : terms;

const beta = (options: Options) => numberOf(options, "beta", 1);
const delta = (options: Options) => numberOf(options, "delta", 1);
const margin = (options: Options, fallback: number) => numberOf(options, "margin", fallback);

function smoothL1Slope(e: number, options: Options): number {
  if (Math.abs(e) < beta(options)) return e / beta(options);
  return Math.sign(e) || 0;
}

function huberSlope(e: number, options: Options): number {
  if (e > delta(options)) return delta(options);
  return e < -delta(options) ? -delta(options) : e;
}

/** Stirling's approximation of log y!, above 1. */
function stirling(y: number, { full }: Options): number[] {
  return full === true && y > 1 ? [y * Math.log(y), -y, 0.5 * Math.log(2 * Math.PI * y)] : [];
}

function stirlingSlope(y: number, { full }: Options): number {
  if (full !== true) return 0;
  if (y > 1) return Math.log(y) + 0.5 / y;
  return y > 0 ? 0 : NaN;
}

/** A rate that is kept away from 0, as the type of the call has it. */
function rateOf(x: number, options: Options): number {
  const dtype = options.dtype as FloatType;
  return round(x + round(numberOf(options, "eps", 1e-8), dtype), dtype);
}

const isLogInput = ({ logInput }: Options) => logInput !== false;

/** The variance that counts, at least eps. */
function variance(v: number, options: Options): number {
  const eps = numberOf(options, "eps", 1e-6);
  return v < eps ? eps : v;
}

/** The derivative of a hinge, 0 at its kink and for NaN. */
const active = (h: number) => h > 0 ? 1 : 0;

/** What a hinge is of, as the type of the call has it: rounding decides on which side of the kink it is. */
function hingeOf(margin: number, lead: number, { dtype }: Options): number {
  return round(round(margin, dtype as FloatType) - lead, dtype as FloatType);
}

function lag(a: number, b: number, y: number, options: Options): number {
  return hingeOf(margin(options, 0), round(y * (a - b), options.dtype as FloatType), options);
}

const TINY = Math.fround(1e-12);

export const ELEMENT_LOSSES: Readonly<Record<string, ElementLoss>> = {
  L1Loss: {
    value: ([x, y]) => Math.abs(x - y),
    slopes: {
      input: ([x, y]) => x > y ? 1 : x < y ? -1 : 0,
      target: ([x, y]) => x > y ? -1 : x < y ? 1 : 0,
    },
    weightedMean: "weights",
  },
  MSELoss: {
    value: ([x, y]) => (x - y) ** 2,
    slopes: { input: ([x, y]) => 2 * (x - y), target: ([x, y]) => -2 * (x - y) },
    weightedMean: "weights",
  },
  SmoothL1Loss: {
    value([x, y], options) {
      const e = Math.abs(x - y);
      // NaN where e² overflows the type of the call.
      if (beta(options) === Infinity) return round(e * e, options.dtype as FloatType) / Infinity;
      return e < beta(options) ? e * e / (2 * beta(options)) : [e, -0.5 * beta(options)];
    },
    slopes: {
      input: ([x, y], options) => smoothL1Slope(x - y, options),
      target: ([x, y], options) => smoothL1Slope(y - x, options),
    },
  },
  HuberLoss: {
    value([x, y], options) {
      const e = Math.abs(x - y);
      if (e < delta(options)) return 0.5 * e * e;
      return [delta(options) * e, -0.5 * delta(options) ** 2];
    },
    slopes: {
      input: ([x, y], options) => huberSlope(x - y, options),
      target: ([x, y], options) => huberSlope(y - x, options),
    },
    weightedMean: "count",
  },
  PoissonNLLLoss: {
    value([x, y], options) {
      if (isLogInput(options)) return [Math.exp(x), -times(y, x), ...stirling(y, options)];
      const rate = rateOf(x, options);
      return [x, -times(y, Math.log(rate)), ...stirling(y, options)];
    },
    slopes: {
      input([x, y], options) {
        if (isLogInput(options)) return [Math.exp(x), -y];
        const rate = rateOf(x, options);
        return [1, y === 0 && rate === 0 ? 0 : -y / rate];
      },
      target([x, y], options) {
        const rate = rateOf(x, options);
        return [stirlingSlope(y, options), isLogInput(options) ? -x : -Math.log(rate)];
      },
    },
  },
  GaussianNLLLoss: {
    value([x, y, v], options) {
      const used = variance(v, options);
      const constant = options.full === true ? Math.log(2 * Math.PI) : 0;
      return [0.5 * Math.log(used), 0.5 * (x - y) ** 2 / used, 0.5 * constant];
    },
    slopes: {
      input: ([x, y, v], options) => (x - y) / variance(v, options),
      target: ([x, y, v], options) => (y - x) / variance(v, options),
      var([x, y, v], options) {
        const used = variance(v, options);
        return [0.5 / used, -0.5 * (x - y) ** 2 / used / used];
      },
    },
  },
  KLDivLoss: {
    value([x, y], { logTarget }) {
      if (logTarget === true) return Math.exp(y) === 0 ? 0 : [Math.exp(y) * y, -Math.exp(y) * x];
      return y === 0 ? 0 : [y * Math.log(y), -y * x];
    },
    slopes: {
      input: ([, y], { logTarget }) => logTarget === true ? -Math.exp(y) : -y,
      target([x, y], { logTarget }) {
        const share = Math.exp(y);
        if (logTarget === true) return share === 0 ? 0 : [share * y, -share * x, share];
        return y === 0 ? NaN : [Math.log(y), 1, -x];
      },
    },
  },
  BCELoss: {
    value: (
      [x, y],
    ) => [-y * Math.max(Math.log(x), -100), (y - 1) * Math.max(Math.log1p(-x), -100)],
    slopes: {
      input: ([x, y]) => (x - y) / Math.max(x * (1 - x), TINY),
      target: ([x]) => [Math.log1p(-x), -Math.log(x)],
    },
  },
  BCEWithLogitsLoss: {
    value: ([x, y], { posWeight = 1 }) => [
      times(posWeight as number * y, softplus(-x)),
      times(1 - y, softplus(x)),
    ],
    slopes: {
      input: ([x, y], { posWeight = 1 }) => [
        (1 - y) * sigmoid(x),
        -(posWeight as number) * y * sigmoid(-x),
      ],
      target: ([x], { posWeight }) =>
        posWeight === undefined ? -x : [times(posWeight as number, softplus(-x)), -softplus(x)],
    },
  },
  SoftMarginLoss: {
    value: ([x, y]) => softplus(-y * x),
    slopes: { input: ([x, y]) => -y * sigmoid(-y * x) },
  },
  HingeEmbeddingLoss: {
    value([x, y], options) {
      const h = hingeOf(margin(options, 1), x, options);
      return y === 1 ? x : h > 0 ? [margin(options, 1), -x] : h === h ? 0 : NaN;
    },
    slopes: {
      input: ([x, y], options) => y === 1 ? 1 : -active(hingeOf(margin(options, 1), x, options)),
    },
  },
  MarginRankingLoss: {
    value([a, b, y], options) {
      const h = lag(a, b, y, options);
      return h > 0 ? [margin(options, 0), -y * (a - b)] : h === h ? 0 : NaN;
    },
    slopes: {
      input1: ([a, b, y], options) => -y * active(lag(a, b, y, options)),
      input2: ([a, b, y], options) => y * active(lag(a, b, y, options)),
      target: ([a, b, y], options) => active(lag(a, b, y, options)) === 0 ? 0 : b - a,
    },
  },
  sigmoid: {
    value: ([x]) => sigmoid(x),
    slopes: { input: ([x]) => sigmoid(x) * sigmoid(-x) },
  },
  logSigmoid: {
    value: ([x]) => -softplus(-x),
    slopes: { input: ([x]) => sigmoid(-x) },
  },
};

/** The shape in which an argument is read: a variance may lack its last axis. */
function readAs(name: string, shape: readonly number[], input: readonly number[]): number[] {
  const isWithoutLast = name === "var" && shape.length === input.length - 1 &&
    shape.every((length, axis) => length === input[axis]);
  return isWithoutLast ? [...shape, 1] : [...shape];
}

/** The reference for all losses of the list above. */
export function elementwise(
  loss: string,
  args: Arguments,
  options: Options,
  dtype: FloatType,
): Answer {
  const { value, slopes, weightedMean } = ELEMENT_LOSSES[loss];
  const names = Object.keys(args);
  const first = args[names[0]].shape;
  const tensors = names.map((name) => ({
    data: args[name].data,
    shape: readAs(name, args[name].shape, first),
  }));
  const shape = commonShape(...tensors);
  const weight = tensorOf(options, "weight");
  const posWeight = tensorOf(options, "posWeight");
  const count = shape.reduce((product, length) => product * length, 1);

  /** The arguments, options and weight of one element. */
  const element = (index: readonly number[]) => ({
    numbers: tensors.map((tensor) => tensor.data[placeIn(tensor, index)]),
    own: {
      ...options,
      dtype,
      ...posWeight && { posWeight: posWeight.data[placeIn(posWeight, index)] },
    },
    w: weight ? weight.data[placeIn(weight, index)] : 1,
  });

  const values = new Sums(count);
  let sumOfWeights = 0;
  eachIndex(shape, (index, at) => {
    const { numbers, own, w } = element(index);
    for (const term of listOf(value(numbers, own))) {
      // A value that has no place in the type is infinite, also beside a weight of 0.
      values.add(at, weight ? w * round(term, dtype) : term);
    }
    sumOfWeights += w;
  });

  const grad: Record<string, (upstream: readonly number[], mean?: number) => Sums> = {};
  for (const name in slopes) {
    const tensor = tensors[names.indexOf(name)];
    grad[name] = (upstream) => {
      const sums = new Sums(tensor.data.length);
      eachIndex(shape, (index, at) => {
        const { numbers, own, w } = element(index);
        for (const term of listOf(slopes[name](numbers, own))) {
          // So is a slope, also beside an upstream gradient of 0.
          sums.add(placeIn(tensor, index), upstream[at] * w * round(term, dtype));
        }
      });
      return sums;
    };
  }
  // Weights that add up to 0 have no mean.
  if (weight && weightedMean && sumOfWeights !== 0) {
    grad.weight = (upstream, mean = 0) => {
      const sums = new Sums(weight.data.length);
      const center = weightedMean === "weights" ? mean : 0;
      eachIndex(shape, (index, at) => {
        const { numbers, own } = element(index);
        for (const term of [...listOf(value(numbers, own)), -center]) {
          sums.add(at, upstream[at] * round(term, dtype));
        }
      });
      return sums;
    };
  }
  const divisor = options.reduction === "batchmean"
    ? first[0] ?? 1
    : weight && weightedMean === "weights"
    ? sumOfWeights
    : count;
  return { dtype, shape, values, divisor, grad };
}
