/**
 * The functions that losses are built from, each with its gradient: softmax, logSoftmax, sigmoid, logSigmoid,
 * cosineSimilarity and pairwiseDistance.
 *
 * A helper is a function: `softmax(input, { dim: 1 })` is its value, and so is `softmax.forward(input, { dim: 1 })`, as for
 * losses. `softmax.valueAndGrad(input, { dim: 1, gradOutput })` is value and gradient, with options and request in one
 * object. The value of a helper is not reduced to a scalar: `gradOutput` is the derivative of the quantity to differentiate
 * with respect to each number of the value, 1 for each by default.
 *
 * PyTorch: `softmax`, `log_softmax`, `sigmoid`, `logsigmoid`, `cosine_similarity` and `pairwise_distance` in
 * `torch.nn.functional`.
 *
 * Unlike PyTorch, softmax and logSoftmax run along the last axis by default and give the limit for one infinite score
 * (PyTorch returns NaN), and squares in lengths and distances do not overflow.
 *
 * @module
 */

import { readArguments } from "./_core/call/arguments.ts";
import { booleanOption, numberOption } from "./_core/call/options.ts";
import { suggestion } from "./_core/call/suggestion.ts";
import { checkRequest, type Request, VALUE_ONLY, type ValueAndGrad } from "./_core/call/request.ts";
import { RowCall } from "./_core/call/row_call.ts";
import type { LossFormula } from "./_core/elementwise/definition.ts";
import { driverOf } from "./_core/elementwise/driver.ts";
import type { MathFunctions } from "./_core/kernel/lower.ts";
import { sigmoid as sigmoidFunction, softplus } from "./_core/kernel/math.ts";
import { defineRowKernels } from "./_core/kernel/row_kernels.ts";
import { cosines } from "./_core/rows/cosines.ts";
import { distances } from "./_core/rows/distances.ts";
import { Rows } from "./_core/rows/rows.ts";
import { EXPONENTIALS, FUNCTIONS, MAX, takeLimits } from "./_core/rows/softmax.ts";
import { commonShape } from "./_core/tensor/broadcast.ts";
import { describe } from "./_core/tensor/describe.ts";
import { Tensor, type TensorLike, zeros } from "./_core/tensor/tensor.ts";

export type * from "./_core/types.ts";

/** A function of one tensor, with its gradient. */
export interface UnaryHelper<Options extends object> {
  /** The value, of the shape of `input`. */
  (input: TensorLike, options?: Options): Tensor;
  /**
   * The value, by the method name of losses.
   *
   * @param input The numbers.
   * @param options The helper's options.
   * @returns The value, of the shape of `input`.
   */
  forward(input: TensorLike, options?: Options): Tensor;
  /**
   * The value, and its gradient with respect to `input`.
   *
   * @param input The numbers.
   * @param request The helper's options, the upstream gradient, and the buffer to write into, in one object.
   * @returns Value and gradient, both of the shape of `input`.
   */
  valueAndGrad<W extends "input" = "input">(
    input: TensorLike,
    request?: Options & Request<W>,
  ): ValueAndGrad<W>;
}

/** A function of the rows of two tensors, with its gradients. */
export interface BinaryHelper<Options extends object> {
  /** The value, one number per row. */
  (x1: TensorLike, x2: TensorLike, options?: Options): Tensor;
  /**
   * The value, by the method name of losses.
   *
   * @param x1 Vectors.
   * @param x2 The vectors to compare them with, of the same shape; an axis of length 1 or a scalar is repeated.
   * @param options The helper's options.
   * @returns One number per vector.
   */
  forward(x1: TensorLike, x2: TensorLike, options?: Options): Tensor;
  /**
   * The value and the gradients.
   *
   * @param x1 Vectors.
   * @param x2 The vectors to compare them with.
   * @param request The helper's options, the upstream gradient, the gradients to compute (by default both) and the buffers
   * to write into, in one object.
   * @returns One number per vector, and a gradient of its argument's shape for each name in `request.wrt`.
   */
  valueAndGrad<W extends "x1" | "x2" = "x1" | "x2">(
    x1: TensorLike,
    x2: TensorLike,
    request?: Options & Request<W>,
  ): ValueAndGrad<W>;
}

/** Options of {@linkcode softmax} and {@linkcode logSoftmax}. */
export interface SoftmaxOptions {
  /** The axis along which probabilities add up to 1; negative numbers count from the end. @default {-1} */
  dim?: number | undefined;
}

/** Options of {@linkcode cosineSimilarity}. */
export interface CosineSimilarityOptions {
  /** The axis along which vectors run; negative numbers count from the end. @default {1} */
  dim?: number | undefined;
  /** The smallest length that a vector is divided by, ≥ 0. @default {1e-8} */
  eps?: number | undefined;
}

/** Options of {@linkcode pairwiseDistance}. */
export interface PairwiseDistanceOptions {
  /**
   * The norm, ≥ 0: 1 adds the components up, 2 is Euclidean, Infinity takes the largest, 0 counts those that are not 0
   * and has gradient 0.
   *
   * @default {2}
   */
  p?: number | undefined;
  /** Added to each component of the difference, so that equal vectors have a gradient; any number. @default {1e-6} */
  eps?: number | undefined;
  /** Whether the value keeps the axis that vectors run along, with length 1. @default {false} */
  keepdim?: boolean | undefined;
}

/** A helper without options. */
export type NoOptions = Readonly<Record<never, never>>;

/** The computation of a helper. */
type Compute<Options> = (
  tensors: readonly TensorLike[],
  options: Options,
  request: Request<string>,
) => ValueAndGrad<string>;

const REQUEST = ["gradOutput", "wrt", "out"];

/** Makes a helper of `count` tensors, whose options are those named in `known`. */
function helper<Options extends object>(
  name: string,
  count: number,
  known: readonly string[],
  compute: Compute<Options>,
): object {
  /** Checks the object with options and request: only the names in `allowed` may occur. */
  const check = (given: unknown, allowed: readonly string[]): Readonly<Record<string, unknown>> => {
    if (given === undefined) return {};
    if (typeof given !== "object" || given === null || Array.isArray(given)) {
      throw new TypeError(
        `Cannot compute ${name} as options must be an object: current value is ${describe(given)}`,
      );
    }
    for (const key of Object.keys(given)) {
      if (allowed.includes(key)) continue;
      throw new TypeError(
        `Cannot compute ${name} as '${key}' is unknown: ${suggestion(key, allowed)}known are ${
          allowed.join(", ") || "none"
        }`,
      );
    }
    return { ...given };
  };
  const pick = (given: Readonly<Record<string, unknown>>, names: readonly string[]) =>
    Object.fromEntries(Object.entries(given).filter(([key]) => names.includes(key)));
  const tensors = (args: readonly unknown[]) =>
    Array.from({ length: count }, (_, i) => args[i] as TensorLike);

  const forward = (...args: unknown[]): Tensor => {
    const options = check(args[count], known) as Options;
    return compute(tensors(args), options, VALUE_ONLY).value;
  };
  const valueAndGrad = (...args: unknown[]): ValueAndGrad<string> => {
    const given = check(args[count], [...known, ...REQUEST]);
    return compute(tensors(args), pick(given, known) as Options, pick(given, REQUEST));
  };
  return Object.assign((...args: unknown[]) => forward(...args), { forward, valueAndGrad });
}

/** Checks an axis and counts it from the front. A scalar is treated as having one axis, as in PyTorch. */
function axisOption(name: string, dim: number, shape: readonly number[]): number {
  const axes = Math.max(1, shape.length);
  numberOption(
    name,
    "dim",
    dim,
    (dim) => Number.isInteger(dim) && dim >= -axes && dim < axes,
    `a whole number from ${-axes} to ${axes - 1}`,
    "compute",
  );
  return dim < 0 ? dim + axes : dim;
}

const softmaxKernels = /* @__PURE__ */ defineRowKernels(() => ({
  elements: ["x", "e", "g", "value", "grad"],
  rows: ["m", "s", "k", "logs", "dot"],
  steps: {
    max: MAX,
    exp: EXPONENTIALS,
    value: { store: { value: "e * k" } },
    dot: { sum: { dot: "g * (e * k)" } },
    grad: { store: { grad: "e * k * (g - dot)" } },
    logValue: { store: { value: "x - m - logs" } },
    logDot: { sum: { dot: "g" } },
    logGrad: { store: { grad: "g - e * k * dot" } },
  },
  functions: FUNCTIONS,
}));

type SoftmaxStep = "value" | "dot" | "grad" | "logValue" | "logDot" | "logGrad";

/** Softmax or its logarithm: the steps for the value, for the sum that the gradient needs, and for the gradient. */
function softmaxHelper(
  name: string,
  valueStep: SoftmaxStep,
  dotStep: SoftmaxStep,
  gradStep: SoftmaxStep,
): UnaryHelper<SoftmaxOptions> {
  return helper<SoftmaxOptions>(name, 1, ["dim"], ([input], { dim = -1 }, request) => {
    const { tensors, dtype } = readArguments(name, [{ name: "input" }], [input!]);
    const x = tensors[0]!;
    const rows = new Rows(x.shape, axisOption(name, dim, x.shape));
    const { gradOutput, grad } = checkRequest(
      name,
      request,
      { dtype, shapes: { input: x.shape }, defaults: ["input"], inputs: [x] },
      x.shape,
    );
    const value = zeros(dtype, x.shape);

    const cols = rows.length;
    const kernels = softmaxKernels(dtype, cols).near([x]);
    const { element, row, run, tile } = kernels;
    const loadX = rows.load(kernels, x);
    const loadG = typeof gradOutput === "number"
      ? undefined
      : rows.load(kernels, new Tensor(gradOutput, x.shape));
    if (typeof gradOutput === "number") {
      element.g.fill(gradOutput, 0, Math.min(tile, x.data.length));
    }
    const valueSink = rows.sink(kernels, value);
    const gradSink = grad.input && rows.sink(kernels, grad.input);
    rows.tiles(kernels, (start, end) => {
      const count = end - start;
      const x = loadX(element.x, start, end);
      run.max(count, cols);
      takeLimits(kernels, element.x, x, row.m, count, cols);
      run.exp(count, cols);
      for (let r = 0; r < count; r++) {
        row.k[r] = 1 / row.s[r]!;
        row.logs[r] = Math.log(row.s[r]!);
      }
      valueSink.aim(element.value, start, end);
      run[valueStep](count, cols);
      valueSink.store(element.value, start, end);
      if (gradSink === undefined) return;
      loadG?.(element.g, start, end);
      gradSink.aim(element.grad, start, end);
      run[dotStep](count, cols);
      run[gradStep](count, cols);
      gradSink.store(element.grad, start, end);
    });
    return { value, grad };
  }) as UnaryHelper<SoftmaxOptions>;
}

/** A function that acts element by element. */
function elementwiseHelper(
  name: string,
  formula: LossFormula,
  functions: MathFunctions,
): UnaryHelper<NoOptions> {
  const definition = {
    loss: name,
    arguments: [{ name: "input", symbol: "x" }],
    formula,
    functions,
  };
  const options = {
    reduction: "none",
    meanOver: "elements",
    params: [],
    tensors: [],
    types: {},
  } as const;
  return helper<NoOptions>(
    name,
    1,
    [],
    (tensors, _, request) => driverOf(definition, formula).evaluate(options, tensors, request),
  ) as UnaryHelper<NoOptions>;
}

const PAIR = ["x1", "x2"];

/** Reads the arguments of a helper of two tensors, and checks the request. */
function readPair(
  name: string,
  values: readonly TensorLike[],
  request: Request<string>,
  axisOf: (shape: readonly number[]) => number,
  keepdim = false,
): { x: Tensor; y: Tensor; rows: Rows; call: RowCall } {
  const { tensors, dtype } = readArguments(name, PAIR.map((name) => ({ name })), values);
  const [x, y] = tensors as [Tensor, Tensor];
  const shape = commonShape(name, PAIR, tensors);
  const at = axisOf(shape);
  const rows = new Rows(shape, at);
  const call = new RowCall({
    loss: name,
    reduction: "none",
    dtype,
    rowShape: keepdim ? shape.map((length, axis) => axis === at ? 1 : length) : rows.outerShape,
    divisor: 1,
    shapes: { x1: x.shape, x2: y.shape },
    defaults: PAIR,
    inputs: [x, y],
  }, request);
  return { x, y, rows, call };
}

/**
 * Probabilities from scores: exp(x) divided by the sum of exp(x) along an axis.
 *
 * Its gradient is p (g - Σ g p), with p the probabilities and g the upstream gradient. Adding the same number to all scores
 * changes nothing. One score of ∞ has probability 1, the others 0; two of them, or a row of -∞, have no limit, and the row
 * is NaN.
 *
 * ```ts
 * import { softmax } from "@lossbook/losses";
 * import { assertAlmostEquals } from "@std/assert";
 *
 * const p = softmax([0, Math.log(3)]).data;
 * assertAlmostEquals(p[0], 1 / 4);
 * const { grad } = softmax.valueAndGrad([0, Math.log(3)], { gradOutput: [1, 0] });
 * assertAlmostEquals(grad.input.data[1], -3 / 4 * 1 / 4);
 * ```
 */
export const softmax: UnaryHelper<SoftmaxOptions> = /* @__PURE__ */ softmaxHelper(
  "softmax",
  "value",
  "dot",
  "grad",
);

/**
 * Logarithms of probabilities from scores: x - log Σ exp(x) along an axis.
 *
 * More accurate than the logarithm of {@linkcode softmax}: a probability is rounded to 0 if its score is 746 below the
 * largest, and then its logarithm is -∞. The gradient is g - p Σ g, with p the probabilities and g the upstream gradient.
 * One score of ∞ has the logarithm 0, the others -∞.
 *
 * ```ts
 * import { logSoftmax } from "@lossbook/losses";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(logSoftmax([[0, -1000]], { dim: 1 }).toArray(), [[0, -1000]]);
 * ```
 */
export const logSoftmax: UnaryHelper<SoftmaxOptions> = /* @__PURE__ */ softmaxHelper(
  "logSoftmax",
  "logValue",
  "logDot",
  "logGrad",
);

/**
 * The probability that belongs to a score: 1 / (1 + exp(-x)).
 *
 * Its gradient is σ(x) σ(-x), which keeps all digits also where σ(x) is nearly 1 and 1 - σ(x) would lose them.
 *
 * ```ts
 * import { sigmoid } from "@lossbook/losses";
 * import { assertEquals } from "@std/assert";
 *
 * const { value, grad } = sigmoid.valueAndGrad(0);
 * assertEquals([value.item(), grad.input.item()], [1 / 2, 1 / 4]);
 * ```
 */
export const sigmoid: UnaryHelper<NoOptions> = /* @__PURE__ */ elementwiseHelper("sigmoid", {
  value: "sigmoid(x)",
  grad: { input: "sigmoid(x) * sigmoid(-x)" },
}, { sigmoid: sigmoidFunction });

/**
 * The logarithm of {@linkcode sigmoid}: -softplus(-x), finite for every finite score.
 *
 * Its gradient is σ(-x).
 *
 * ```ts
 * import { logSigmoid } from "@lossbook/losses";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(logSigmoid([0, -800]).toArray(), [-Math.LN2, -800]);
 * ```
 */
export const logSigmoid: UnaryHelper<NoOptions> = /* @__PURE__ */ elementwiseHelper("logSigmoid", {
  value: "-softplus(-x)",
  grad: { input: "sigmoid(-x)" },
}, { sigmoid: sigmoidFunction, softplus });

/**
 * The cosine of the angle between two vectors: their dot product, divided by both lengths, of which each is at least eps.
 *
 * With n the lengths, m = max(n, eps) and c the cosine, the gradient with respect to `x1` is
 * x2 / (m1 m2) - c x1 / (m1 n1), where the second term is 0 at a zero vector. As in PyTorch, a length below eps is replaced
 * by eps in the value, but differentiated as if it were not.
 *
 * ```ts
 * import { cosineSimilarity } from "@lossbook/losses";
 * import { assertAlmostEquals } from "@std/assert";
 *
 * const x1 = [[3, 4], [1, 1]];
 * assertAlmostEquals(cosineSimilarity(x1, [[1, 0], [2, 2]]).data[0], 3 / 5);
 * const { grad } = cosineSimilarity.valueAndGrad(x1, [[1, 0], [2, 2]], { wrt: ["x1"] });
 * assertAlmostEquals(grad.x1.data[0], 1 / 5 - 3 / 5 * 3 / 25);
 * ```
 */
export const cosineSimilarity: BinaryHelper<CosineSimilarityOptions> = /* @__PURE__ */ helper<
  CosineSimilarityOptions
>(
  "cosineSimilarity",
  2,
  ["dim", "eps"],
  (values, { dim = 1, eps = 1e-8 }, request) => {
    const name = "cosineSimilarity";
    numberOption(
      name,
      "eps",
      eps,
      (eps) => eps >= 0 && eps < Infinity,
      "≥ 0 and finite",
      "compute",
    );
    const axisOf = (shape: readonly number[]) => axisOption(name, dim, shape);
    const { x, y, rows, call } = readPair(name, values, request, axisOf);
    cosines({
      dtype: call.dtype,
      rows,
      x,
      y,
      gradX: call.grad.x1,
      gradY: call.grad.x2,
      divide(count, { sumOfSquares, scale, divisor, length }) {
        for (let r = 0; r < count; r++) {
          length[r] = Math.sqrt(sumOfSquares[r]!);
          divisor[r] = Math.max(length[r]!, eps * scale[r]!);
        }
      },
      onTile(start, count, cosine, upstream) {
        call.begin(start, count);
        call.take(start, count, cosine);
        upstream.set(call.upstream.subarray(0, count));
      },
    });
    return call.result();
  },
) as BinaryHelper<CosineSimilarityOptions>;

/**
 * The distance between two vectors, along the last axis: (Σ |u|^p)^(1/p) with u = x1 - x2 + eps.
 *
 * With d the distance, its gradient with respect to `x1` is sign(u) (|u| / d)^(p - 1), which is u / d for p = 2; for
 * p = Infinity the largest components share it equally. It is 0 where u or d is 0. With respect to `x2` it is the negative.
 *
 * ```ts
 * import { pairwiseDistance } from "@lossbook/losses";
 * import { assertAlmostEquals } from "@std/assert";
 *
 * assertAlmostEquals(pairwiseDistance([3, 4], [0, 0]).item(), 5, 1e-5);
 * assertAlmostEquals(pairwiseDistance([3, 4], [0, 0], { p: 1 }).item(), 7, 1e-5);
 * const { grad } = pairwiseDistance.valueAndGrad([3, 4], [0, 0], { eps: 0 });
 * assertAlmostEquals(grad.x2.data[0], -3 / 5);
 * ```
 */
export const pairwiseDistance: BinaryHelper<PairwiseDistanceOptions> = /* @__PURE__ */ helper<
  PairwiseDistanceOptions
>(
  "pairwiseDistance",
  2,
  ["p", "eps", "keepdim"],
  (values, { p = 2, eps = 1e-6, keepdim = false }, request) => {
    const name = "pairwiseDistance";
    numberOption(name, "p", p, (p) => p >= 0, "≥ 0", "compute");
    numberOption(name, "eps", eps, Number.isFinite, "finite", "compute");
    booleanOption(name, "keepdim", keepdim, "compute");
    const lastAxis = (shape: readonly number[]) => Math.max(0, shape.length - 1);
    const { x, y, rows, call } = readPair(name, values, request, lastAxis, keepdim);
    distances({
      dtype: call.dtype,
      rows,
      points: { x, y },
      pairs: ["xy"],
      p,
      eps,
      grads: { x: call.grad.x1, y: call.grad.x2 },
      onTile(start, count, [distance], [upstream]) {
        call.begin(start, count);
        call.take(start, count, distance!);
        upstream!.set(call.upstream.subarray(0, count));
      },
    });
    return call.result();
  },
) as BinaryHelper<PairwiseDistanceOptions>;
