/** Losses that own a linear layer: plain matrix products before, and after, what they share with cross entropy. */
import type { FloatType } from "../../_ulp.ts";
import { crossEntropy, logSoftmaxRow } from "./classes.ts";
import type { Plain } from "./given.ts";
import { type Answer, type Arguments, numberOf, type Options, Sums } from "./reference.ts";

/** input · weightᵀ + bias, sample by sample. */
function scoresOf(
  input: Plain,
  features: number,
  weight: Plain,
  bias: Plain | undefined,
): number[][] {
  const samples = input.shape.length === 1 ? 1 : input.shape[0];
  return Array.from(
    { length: samples },
    (_, n) =>
      Array.from({ length: weight.shape[0] }, (_, row) => {
        let score = bias ? bias.data[row] : 0;
        for (let k = 0; k < features; k++) {
          score += input.data[n * features + k] * weight.data[row * features + k];
        }
        return score;
      }),
  );
}

export function linearCrossEntropy(args: Arguments, options: Options, dtype: FloatType): Answer {
  const { input, target, "linear.weight": weight, "linear.bias": bias } = args;
  const features = numberOf(options, "inFeatures", 1);
  const classes = numberOf(options, "numClasses", 1);
  const outFeatures = (options.outFeatures ?? []) as number[];
  const batch = input.shape.slice(0, -1);
  const rows = weight.shape[0];
  const scores = scoresOf(input, features, weight, bias);
  const shape = [...batch, classes, ...outFeatures];
  const inner = crossEntropy({ input: { shape, data: scores.flat() }, target }, options, dtype);

  /** Hands the gradient of each score on. */
  const through = (
    length: number,
    visit: (sums: Sums, n: number, row: number, slope: number, size: number) => void,
  ) =>
  (upstream: readonly number[]) => {
    const { total, size } = inner.grad.input(upstream);
    const sums = new Sums(length);
    total.forEach((slope, at) => visit(sums, Math.floor(at / rows), at % rows, slope, size[at]));
    return sums;
  };
  const grad: Record<string, (upstream: readonly number[]) => Sums> = {
    ...inner.grad,
    input: through(input.data.length, (sums, n, row, slope, size) => {
      for (let k = 0; k < features; k++) {
        const w = weight.data[row * features + k];
        sums.add(n * features + k, slope * w, Math.abs(w) * size);
      }
    }),
    "linear.weight": through(weight.data.length, (sums, n, row, slope, size) => {
      for (let k = 0; k < features; k++) {
        const x = input.data[n * features + k];
        sums.add(row * features + k, slope * x, Math.abs(x) * size);
      }
    }),
  };
  if (inner.grad.input === undefined) return inner;
  if (bias) {
    grad["linear.bias"] = through(
      rows,
      (sums, _, row, slope, size) => sums.add(row, slope, size),
    );
  }
  return { ...inner, grad };
}

/** The log-probability of a class, and the gradients of minus its mean. */
export interface AdaptiveAnswer extends Answer {
  /** Log-probabilities of the labels. */
  readonly output: readonly number[];
}

/** The parameters of the head, and of each cluster. */
interface Cluster {
  readonly low: number;
  readonly high: number;
  readonly hidden: number;
  readonly down: string;
  readonly up: string;
}

export function adaptiveLogSoftmax(
  args: Arguments,
  options: Options,
  dtype: FloatType,
): AdaptiveAnswer {
  const { input, target } = args;
  const features = numberOf(options, "inFeatures", 1);
  const cutoffs = options.cutoffs as number[];
  const classes = numberOf(options, "nClasses", 2);
  const head = args["head.weight"];
  const bias = args["head.bias"] as Plain | undefined;
  const clusters = cutoffs.map((low, i): Cluster => ({
    low,
    high: cutoffs[i + 1] ?? classes,
    hidden: args[`tail.${i}.0.weight`].shape[0],
    down: `tail.${i}.0.weight`,
    up: `tail.${i}.1.weight`,
  }));
  const samples = target.data.length;
  const output = new Sums(samples);
  const sums: Record<string, Sums> = { input: new Sums(input.data.length) };
  const names = Object.keys(args).filter((name) => name !== "target" && name !== "input");
  for (const name of names) sums[name] = new Sums(args[name].data.length);

  for (let n = 0; n < samples; n++) {
    const x = input.data.slice(n * features, (n + 1) * features);
    const y = target.data[n];
    const sample = { shape: [1, features], data: x };
    const [headScores] = scoresOf(sample, features, head, bias);
    const headLp = logSoftmaxRow(headScores);
    const k = clusters.findIndex(({ low, high }) => y >= low && y < high);
    const slot = k < 0 ? y : cutoffs[0] + k;
    output.add(n, headLp[slot], Math.abs(headLp[slot]) + 1 + Math.max(...headScores.map(Math.abs)));
    // Minus the mean of the log-probabilities: softmax minus one-hot, over the number of samples.
    headLp.forEach((lp, row) => {
      for (const pull of [Math.exp(lp) / samples, row === slot ? -1 / samples : 0]) {
        if (bias) sums["head.bias"].add(row, pull);
        for (let f = 0; f < features; f++) {
          sums["head.weight"].add(row * features + f, pull * x[f]);
          sums.input.add(n * features + f, pull * head.data[row * features + f]);
        }
      }
    });
    if (k < 0) continue;
    const { low, hidden, down, up } = clusters[k];
    const [inner] = scoresOf(sample, features, args[down], undefined);
    const [tailScores] = scoresOf({ shape: [1, hidden], data: inner }, hidden, args[up], undefined);
    const tailLp = logSoftmaxRow(tailScores);
    const own = tailLp[y - low];
    output.add(n, own, Math.abs(own) + 1 + Math.max(...tailScores.map(Math.abs)));
    tailLp.forEach((lp, row) => {
      for (const pull of [Math.exp(lp) / samples, row === y - low ? -1 / samples : 0]) {
        for (let h = 0; h < hidden; h++) {
          sums[up].add(row * hidden + h, pull * inner[h]);
          const back = pull * args[up].data[row * hidden + h];
          for (let f = 0; f < features; f++) {
            sums[down].add(h * features + f, back * x[f]);
            sums.input.add(n * features + f, back * args[down].data[h * features + f]);
          }
        }
      }
    });
  }

  const values = new Sums(1);
  output.total.forEach((lp, n) => values.add(0, -lp, output.size[n]));
  // The loss is a mean, whatever is asked for; the upstream gradient of it comes divided already.
  const grad = Object.fromEntries(
    Object.entries(sums).map(([name, { total, size }]) => [name, ([g]: readonly number[]) => {
      const scaled = new Sums(total.length);
      const factor = g * samples;
      total.forEach((slope, at) => scaled.add(at, slope * factor, size[at] * Math.abs(factor)));
      return scaled;
    }]),
  );
  return { dtype, shape: [], values, divisor: samples, grad, output: output.total };
}
