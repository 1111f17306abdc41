/**
 * Every loss, value and gradients, is what a reference of plain loops says, whatever the shapes, forms, types, options and
 * request; arguments stay as they are, and buffers receive the gradients.
 */
import fc from "fast-check";
import type { FloatType } from "../../_ulp.ts";
import { round } from "../float.ts";
import { Call, casesOf, type LossCase, reproduceCall, type Spec } from "../losses/call.ts";
import {
  crossEntropy,
  multiLabelMargin,
  multiLabelSoftMargin,
  multiMargin,
  nll,
  softmaxes,
} from "../losses/classes.ts";
import { ELEMENT_LOSSES, elementwise } from "../losses/elementwise.ts";
import { type Given, type Plain, typeOf } from "../losses/given.ts";
import { adaptiveLogSoftmax, linearCrossEntropy } from "../losses/layers.ts";
import type { Answer, Arguments, Options } from "../losses/reference.ts";
import { ctc } from "../losses/sequences.ts";
import { SPECS } from "../losses/specs.ts";
import { cosineEmbedding, cosineSimilarity, pairwiseDistance, triplet } from "../losses/vectors.ts";
import { type AnyProperty, property, Violation } from "../property.ts";

/** Arguments that hold labels or lengths, which have no part in the type of a call. */
const LABELS: Readonly<Record<string, readonly string[]>> = {
  NLLLoss: ["target"],
  NLLLoss2d: ["target"],
  MultiMarginLoss: ["target"],
  MultiLabelMarginLoss: ["target"],
  CosineEmbeddingLoss: ["target"],
  CTCLoss: ["targets", "inputLengths", "targetLengths"],
  AdaptiveLogSoftmaxWithLoss: ["target"],
};
const isGiven = (value: unknown): value is Given =>
  typeof value === "object" && value !== null && "form" in value;

/** float64 if one of them is, else float32 if one of them is. */
function promote(given: readonly (Given | undefined)[]): FloatType | undefined {
  const types = given.map((tensor) => tensor && typeOf(tensor));
  return types.includes("float64") ? "float64" : types.includes("float32") ? "float32" : undefined;
}

/** The type of a call: that of its arguments, else of its labels, else of its options; plain numbers alone are float64. */
function typeOfCall({ loss, args, options, parameters }: LossCase): FloatType {
  const isLabel = (name: string) => (LABELS[loss] ?? []).includes(name);
  const of = (isWanted: (name: string) => boolean) =>
    promote(Object.keys(args).filter(isWanted).map((name) => args[name]));
  if (Object.keys(parameters).length > 0) {
    // Parameters take the type of what they are set to, plain arrays that of doubles.
    const types = Object.values(parameters).map((given) => typeOf(given) ?? "float64");
    return types.includes("float64") || of((name) => !isLabel(name)) === "float64"
      ? "float64"
      : "float32";
  }
  return of((name) => !isLabel(name)) ?? of(isLabel) ??
    promote(Object.values(options).filter(isGiven)) ??
    "float64";
}

function answer(call: LossCase): Answer {
  const { loss } = call;
  const dtype = typeOfCall(call);
  const labels = LABELS[loss] ?? [];
  const read = (given: Given): Plain => ({
    shape: given.shape,
    data: given.data.map((value) => round(value, dtype)),
  });
  const args: Arguments = Object.fromEntries(
    Object.entries({ ...call.args, ...call.parameters })
      .map(([name, given]) => [name, labels.includes(name) ? given : read(given)]),
  );
  const options: Options = Object.fromEntries(
    Object.entries(call.options).map((
      [name, option],
    ) => [name, isGiven(option) ? read(option) : option]),
  );
  switch (loss) {
    case "NLLLoss":
    case "NLLLoss2d":
      return nll(args, options, dtype);
    case "CrossEntropyLoss":
      return crossEntropy(args, options, dtype);
    case "MultiMarginLoss":
      return multiMargin(args, options, dtype);
    case "MultiLabelMarginLoss":
      return multiLabelMargin(args, options, dtype);
    case "MultiLabelSoftMarginLoss":
      return multiLabelSoftMargin(args, options, dtype);
    case "softmax":
    case "logSoftmax":
      return softmaxes(loss, args, options, dtype);
    case "CosineEmbeddingLoss":
      return cosineEmbedding(args, options, dtype);
    case "TripletMarginLoss":
    case "TripletMarginWithDistanceLoss":
      return triplet(loss, args, options, dtype);
    case "CTCLoss":
      return ctc(args, options, dtype);
    case "LinearCrossEntropyLoss":
      return linearCrossEntropy(args, options, dtype);
    case "AdaptiveLogSoftmaxWithLoss":
      return adaptiveLogSoftmax(args, options, dtype);
    case "pairwiseDistance":
      return pairwiseDistance(args, options, dtype);
    case "cosineSimilarity":
      return cosineSimilarity(args, options, dtype);
    default:
      if (loss in ELEMENT_LOSSES) return elementwise(loss, args, options, dtype);
      throw new TypeError(`${loss} has no reference`);
  }
}

/**
 * What rounding may leave, as a share of the terms of a sum. Exponentials and logarithms of numbers up to 1e3 lose three
 * digits, and sums of a few dozen terms one.
 */
const ROUNDING: Readonly<Record<FloatType, number>> = { float32: 4e-5, float64: 1e-11 };
const LARGEST = { float32: 3.4e38, float64: 1.79e308 };
/** Below, numbers of a type have fewer digits. */
const LEAST = { float32: 2 ** -126, float64: 2 ** -1022 };

function expectClose(
  what: string,
  found: ArrayLike<number>,
  wanted: readonly number[],
  size: readonly number[],
  dtype: FloatType,
): void {
  if (found.length !== wanted.length) {
    throw new Violation(`${what} has ${found.length} numbers, wanted are ${wanted.length}`);
  }
  wanted.forEach((number, i) => {
    const rounded = round(number, dtype);
    const value = found[i];
    if (Object.is(value, rounded) || value === rounded) return;
    const error = ROUNDING[dtype] * (size[i] + Math.abs(number)) + LEAST[dtype];
    if (Math.abs(value - number) <= error) return;
    // Next to the largest number, rounding decides whether there is a number.
    const isHuge = size[i] > 0.9 * LARGEST[dtype];
    if (isHuge && (!Number.isFinite(value) || !Number.isFinite(number))) return;
    throw new Violation(`${what} is ${value} at ${i}, wanted is ${rounded}`);
  });
}

function check(call: LossCase): void {
  const { dtype, shape, values, divisor, scale = 1, weights, grad } = answer(call);
  const isDense = call.options.reduction === "none" || /^[a-z]/.test(call.loss);
  const isMean = !isDense && call.options.reduction !== "sum";
  const over = isMean ? divisor : 1;
  const factor = (i: number) => (weights ? weights[i] : 1) / scale;

  // Buffers are as large as what they receive, and full of something else.
  const Buffer = dtype === "float32" ? Float32Array : Float64Array;
  const sizes = { ...call.options, ...call.parameters, ...call.args } as Record<string, Given>;
  const buffers = new Map(
    call.out.map((name) => [name, new Buffer(sizes[name].data.length).fill(7)]),
  );
  const build = () => new Call(call, (name) => buffers.get(name));
  const ready = build();
  const before = JSON.stringify(snapshot(ready));
  const forward = build().forward();
  const result = ready.valueAndGrad();
  if (JSON.stringify(snapshot(ready)) !== before) throw new Violation("an argument was modified");

  const { value } = result;
  if (value.dtype !== dtype) throw new Violation(`the value is ${value.dtype}, wanted is ${dtype}`);
  const valueShape = isDense ? shape : [];
  if (String(value.shape) !== String(valueShape)) {
    throw new Violation(`the value has the shape (${value.shape}), wanted is (${valueShape})`);
  }
  const own = values.total.map((total, i) => total * factor(i));
  const ownSize = values.size.map((size, i) => size * Math.abs(factor(i)));
  const sum = (numbers: readonly number[]) => numbers.reduce((total, number) => total + number, 0);
  const wanted = isDense ? own : [sum(own) / over];
  const size = isDense ? ownSize : [sum(ownSize) / Math.abs(over)];
  expectClose("the value", value.data, wanted, size, dtype);
  expectClose("the value alone", forward.data, wanted, size, dtype);

  // The upstream gradient of each value.
  const given = call.gradOutput;
  const g = (i: number) =>
    given === undefined
      ? 1
      : typeof given === "number"
      ? given
      : round(given.data[isDense ? i : 0], dtype);
  const upstream = own.map((_, i) => g(i) * factor(i) / over);
  const defaults = Object.keys(result.grad);
  const names = call.wrt ?? specOf(call).gradients(call).defaults;
  if (String([...defaults].sort()) !== String([...names].sort())) {
    throw new Violation(`gradients are ${defaults}, wanted are ${names}`);
  }
  for (const name of names) {
    const tensor = result.grad[name];
    const argument = sizes[name];
    if (String(tensor.shape) !== String(argument.shape) || tensor.dtype !== dtype) {
      throw new Violation(
        `the gradient of ${name} is ${tensor.dtype} (${tensor.shape}), wanted is ${dtype} (${argument.shape})`,
      );
    }
    if (buffers.has(name) && tensor.data !== buffers.get(name)) {
      throw new Violation(`the gradient of ${name} is not in the buffer for it`);
    }
    if (grad[name] === undefined) continue; // Left open by the reference: next to a kink.
    const sums = grad[name](upstream, isMean ? wanted[0] : undefined);
    expectClose(`the gradient of ${name}`, tensor.data, sums.total, sums.size, dtype);
  }
}

const specOf = ({ loss }: LossCase): Spec => SPECS.find((spec) => spec.loss === loss)!;

/** Everything that a call must leave as it is. */
function snapshot({ args, options, request }: Call): unknown {
  const { out: _, ...rest } = request;
  return [args, options, rest].map(flatten);
}

function flatten(value: unknown): unknown {
  if (typeof value === "number") return Object.is(value, -0) ? "-0" : String(value);
  if (ArrayBuffer.isView(value)) return Array.from(value as Float64Array, flatten);
  if (Array.isArray(value)) return value.map(flatten);
  if (typeof value !== "object" || value === null) return String(value);
  return Object.entries(value).map(([name, inner]) => [name, flatten(inner)]);
}

/** One property for each loss, so that one failure does not hide another. */
export const losses: readonly AnyProperty[] = [...new Set(SPECS.map(({ loss }) => loss))].map(
  (loss) => {
    const specs = SPECS.filter((spec) => spec.loss === loss);
    return property<LossCase>({
      name: `loss ${loss}`,
      cases: fc.oneof(...specs.map(casesOf)),
      casesPerRound: 60,
      check,
      reproduce: (call) =>
        reproduceCall(call, typeOfCall(call) === "float32" ? "Float32Array" : "Float64Array"),
    });
  },
);
