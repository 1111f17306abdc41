/**
 * TripletMarginWithDistanceLoss: an anchor should be closer to its positive than to its negative, in any measure of distance.
 *
 * PyTorch: `torch.nn.TripletMarginWithDistanceLoss(distance_function, margin, swap, reduction)`
 *
 * Shapes: `anchor`, `positive` and `negative` with the same number of axes, as the distance function requires. It returns
 * one distance for each pair: a tensor without the last axis, or with fewer. The value is a scalar, or with
 * `"none"` of the shape of the distances.
 *
 * Domain: that of the distance function.
 *
 * Value, with d the distance function:
 *
 *     max(margin + d(anchor, positive) - d(anchor, negative), 0)
 *
 * With swap, min(d(anchor, negative), d(positive, negative)) takes the place of d(anchor, negative). The mean is divided by
 * the number of distances.
 *
 * Gradient: the distance function multiplies its own gradient by the derivative of the loss with respect to each distance,
 * which is 1 for d(anchor, positive), -1 for d(anchor, negative), and 0 where the value is 0, at the kink too. A tie
 * of the swap gives one half to each distance.
 *
 * Range: [0, ∞), 0 where every negative is farther than the positive by the margin or more.
 *
 * Siblings: {@linkcode TripletMarginLoss} is the case of p-norms; without a distance function this is its p = 2, in one pass.
 *
 * Unlike PyTorch, which differentiates any function automatically, the distance function has to compute its own gradient.
 * Its results are checked.
 *
 * Notebook: `notebooks/triplet_margin_with_distance.ipynb` of the repository. Reference: F. Schroff et al., FaceNet, 2015.
 *
 * @module
 */

import { readArguments, wrongType } from "./_core/call/arguments.ts";
import { Loss } from "./_core/call/loss.ts";
import { booleanOption, type Reduction, reductionOption } from "./_core/call/options.ts";
import type { Request, ValueAndGrad } from "./_core/call/request.ts";
import { RowCall } from "./_core/call/row_call.ts";
import type { LossFormula } from "./_core/elementwise/definition.ts";
import {
  checkRanks,
  commonShape,
  gather,
  scatterAdd,
  stridesAlong,
} from "./_core/tensor/broadcast.ts";
import { describe } from "./_core/tensor/describe.ts";
import { checkMemory, sameShape, show, sizeOf } from "./_core/tensor/shape.ts";
import { isTensor, Tensor, zeros } from "./_core/tensor/tensor.ts";
import type { FloatArray } from "./_core/tensor/types.ts";
import { pairwiseDistance } from "./helpers.ts";
import {
  marginOption,
  pNormTriplets,
  TRIPLET,
  type TripletArgument,
  type TripletArguments,
  tripletFormula,
  tripletHinge,
} from "./_triplet_margin/triplets.ts";

export type * from "./_core/types.ts";
export type { TripletArgument, TripletArguments };

/**
 * A distance between the vectors of two tensors, with its gradient, for {@linkcode TripletMarginWithDistanceLoss}.
 *
 * {@linkcode pairwiseDistance} is one. Your own has a function for the distance, and one for its gradient times the
 * upstream gradient:
 *
 * ```ts
 * import { type DistanceFunction, float64, TripletMarginWithDistanceLoss } from "@lossbook/losses";
 * import { assertEquals } from "@std/assert";
 *
 * // The distance of numbers on a circle of length 1, (N) and (N) → (N).
 * const turn = (a: number, b: number) => a - b - Math.round(a - b);
 * const circle: DistanceFunction = {
 *   forward: (x1, x2) =>
 *     float64(Array.from(x1.data, (a, i) => Math.abs(turn(a, x2.data[i])))),
 *   valueAndGrad(x1, x2, { gradOutput }) {
 *     const grad = Array.from(gradOutput.data, (g, i) => g * Math.sign(turn(x1.data[i], x2.data[i])));
 *     return { grad: { x1: float64(grad), x2: float64(grad.map((g) => -g)) } };
 *   },
 * };
 * const loss = new TripletMarginWithDistanceLoss({ distanceFunction: circle, margin: 0.25 });
 * const { value, grad } = loss.valueAndGrad([0.125], [0.25], [0.875]);
 * assertEquals(value.item(), 0.25 + 0.125 - 0.25);
 * assertEquals(grad.anchor.toArray(), [-1 - 1]);
 * ```
 */
export interface DistanceFunction {
  /**
   * The distances.
   *
   * @param x1 Vectors.
   * @param x2 Vectors, with as many axes.
   * @returns A float tensor with one number for each pair: its axes are the first axes of the arguments.
   */
  forward(x1: Tensor, x2: Tensor): Tensor;
  /**
   * The gradients. Each pair's distance may depend on more than that pair.
   *
   * @param x1 The same as for `forward`.
   * @param x2 The same as for `forward`.
   * @param request The derivative of the loss with respect to each distance, and the names of the gradients that are
   * wanted; others are ignored.
   * @returns For each of these names a float tensor of its argument's shape.
   */
  valueAndGrad(
    x1: Tensor,
    x2: Tensor,
    request: { readonly gradOutput: Tensor; readonly wrt: readonly ("x1" | "x2")[] },
  ): { readonly grad: { readonly x1?: Tensor | undefined; readonly x2?: Tensor | undefined } };
}

/** Options of {@linkcode TripletMarginWithDistanceLoss}. */
export interface TripletMarginWithDistanceLossOptions {
  /** The distance and its gradient. @default {pairwiseDistance} */
  distanceFunction?: DistanceFunction | undefined;
  /** How much closer the positive has to be, in units of the distance. Must be > 0. @default {1} */
  margin?: number | undefined;
  /** Whether the negative is compared with the closer of anchor and positive, not always with the anchor. @default {false} */
  swap?: boolean | undefined;
  /** Keep the value of each triplet, average over them, or add them up. @default {"mean"} */
  reduction?: Reduction | undefined;
}

const LOSS = "TripletMarginWithDistanceLoss";

/**
 * An anchor should be closer to its positive than to its negative, in any measure of distance.
 *
 * ```ts
 * import {
 *   cosineSimilarity,
 *   type DistanceFunction,
 *   float64,
 *   TripletMarginWithDistanceLoss,
 * } from "@lossbook/losses";
 * import { assertAlmostEquals } from "@std/assert";
 *
 * // 1 - cosine: the angle counts, lengths do not.
 * const cosineDistance: DistanceFunction = {
 *   forward(x1, x2) {
 *     const { data, shape } = cosineSimilarity(x1, x2, { dim: -1 });
 *     return float64(Array.from(data, (c) => 1 - c), shape);
 *   },
 *   valueAndGrad(x1, x2, { gradOutput: { data, shape }, wrt }) {
 *     const gradOutput = float64(Array.from(data, (g) => -g), shape);
 *     return cosineSimilarity.valueAndGrad(x1, x2, { dim: -1, gradOutput, wrt });
 *   },
 * };
 * const loss = new TripletMarginWithDistanceLoss({ distanceFunction: cosineDistance, margin: 0.5 });
 * // The positive has the distance 1 - 0.6; the negative is parallel to the anchor and has the distance 0.
 * assertAlmostEquals(loss.forward([[3, 4]], [[1, 0]], [[6, 8]]).item(), 0.5 + 0.4 - 0);
 * ```
 */
export class TripletMarginWithDistanceLoss
  extends Loss<TripletArguments, TripletArgument, TripletArgument> {
  /**
   * The value of one triplet and its derivatives with respect to the distances, as formulas: ap from anchor to positive,
   * an from anchor to negative, pn from positive to negative (infinite without swap).
   */
  static readonly formula: LossFormula = tripletFormula;

  readonly #distance: DistanceFunction;
  readonly #options: { margin: number; swap: boolean; reduction: Reduction };

  /**
   * Makes a loss with these options.
   *
   * @param options See {@linkcode TripletMarginWithDistanceLossOptions}.
   * @throws {TypeError} If an option is unknown or of the wrong kind.
   * @throws {RangeError} If margin ≤ 0 or NaN, or the reduction is unknown.
   */
  constructor(options: TripletMarginWithDistanceLossOptions = {}) {
    super(LOSS, TRIPLET, options, {
      distanceFunction: pairwiseDistance,
      margin: 1,
      swap: false,
      reduction: "mean",
    });
    const {
      distanceFunction = pairwiseDistance,
      margin = 1,
      swap = false,
      reduction,
    } = options;
    if (
      typeof distanceFunction?.forward !== "function" ||
      typeof distanceFunction.valueAndGrad !== "function"
    ) {
      throw new TypeError(
        `Cannot make ${LOSS} as distanceFunction must be an object with the functions forward and valueAndGrad, such as pairwiseDistance: current value is ${
          describe(distanceFunction)
        }`,
      );
    }
    this.#distance = distanceFunction;
    this.#options = {
      margin: marginOption(LOSS, margin),
      swap: booleanOption(LOSS, "swap", swap),
      reduction: reductionOption(LOSS, reduction),
    };
  }

  /** @ignore */
  protected override evaluate(
    args: TripletArguments,
    request: Request<string> | undefined,
  ): ValueAndGrad<string> {
    const { margin, swap, reduction } = this.#options;
    if (this.#distance === pairwiseDistance) {
      return pNormTriplets(LOSS, { ...this.#options, p: 2, eps: 1e-6 }, args, request);
    }
    const { tensors, dtype } = readArguments(LOSS, TRIPLET.map((name) => ({ name })), args);
    checkRanks(LOSS, tensors);
    const [anchor, positive, negative] = TRIPLET.map((name, place) => ({
      name,
      place,
      tensor: tensors[place]!,
    })) as [Point, Point, Point];
    const pairs = [new Pair(this.#distance, anchor, positive)];
    pairs.push(new Pair(this.#distance, anchor, negative));
    if (swap) pairs.push(new Pair(this.#distance, positive, negative));
    const distances = pairs.map((pair) => pair.distance);
    const shape = commonShape(LOSS, pairs.map(({ name }) => name), distances);
    const count = sizeOf(shape);
    const call = new RowCall({
      loss: LOSS,
      reduction,
      dtype,
      rowShape: shape,
      divisor: count,
      shapes: Object.fromEntries(TRIPLET.map((name, i) => [name, tensors[i]!.shape])),
      defaults: TRIPLET,
      inputs: tensors,
    }, request);

    const columns = distances.map((distance) => spread(distance, shape));
    const upstream = distances.map(() => new Float64Array(count));
    call.tiles(count, (start, rows, given) => {
      for (let r = 0; r < rows; r++) {
        call.values[r] = tripletHinge(margin, start + r, columns, upstream);
        const share = (typeof given === "number" ? given : given[r]!) / call.divisor;
        for (let k = 0; k < upstream.length; k++) upstream[k]![start + r]! *= share;
      }
    });

    // All results of the distance function are checked before the first buffer is written.
    const sums = TRIPLET.map((name, i) =>
      call.grad[name] === undefined ? undefined : new Float64Array(tensors[i]!.data.length)
    );
    pairs.forEach((pair, k) =>
      pair.addGradients(collect(upstream[k]!, shape, distances[k]!), sums)
    );
    for (const name of TRIPLET) if (call.grad[name]) checkMemory(call.grad[name], `out.${name}`);
    TRIPLET.forEach((name, i) => {
      const sum = sums[i];
      if (sum !== undefined) call.grad[name]!.data.set(sum);
    });
    return call.result();
  }
}

/** One of the three arguments. */
interface Point {
  readonly name: TripletArgument;
  /** Its index in {@linkcode TRIPLET}. */
  readonly place: number;
  readonly tensor: Tensor;
}

/** Two of the three arguments and the distance between them, checked. */
class Pair {
  /** The call of the distance function, for error messages. */
  readonly name: string;
  readonly distance: Tensor;
  readonly #function: DistanceFunction;
  readonly #from: Point;
  readonly #to: Point;

  constructor(distance: DistanceFunction, from: Point, to: Point) {
    this.name = `distanceFunction.forward(${from.name}, ${to.name})`;
    this.#function = distance;
    this.#from = from;
    this.#to = to;
    const result: unknown = distance.forward(from.tensor, to.tensor);
    const given = floatTensor(result, this.name);
    // A copy, as the function may write its next result into the same tensor.
    this.distance = new Tensor(given.data.slice(), given.shape);
    const { shape } = this.distance;
    const { shape: one } = from.tensor;
    const { shape: other } = to.tensor;
    const fits = shape.length <= one.length &&
      shape.every((length, axis) => length === 1 || length === one[axis] || length === other[axis]);
    if (!fits) {
      throw new RangeError(
        `Cannot compute ${LOSS} as ${this.name} must return one distance for each pair, of the first axes of the arguments, ${
          show(one)
        } and ${show(other)}: current shape is ${show(shape)}`,
      );
    }
  }

  /** Adds the gradients through this distance to the sums, of which only those that are wanted exist. */
  addGradients(upstream: Tensor, sums: readonly (Float64Array | undefined)[]): void {
    const from = this.#from;
    const to = this.#to;
    const wanted = ([["x1", from], ["x2", to]] as const)
      .filter(([, { place }]) => sums[place] !== undefined);
    if (wanted.length === 0) return;
    const request = { gradOutput: upstream, wrt: wanted.map(([key]) => key) };
    const result: unknown = this.#function.valueAndGrad(from.tensor, to.tensor, request)?.grad;
    for (const [key, { name: argument, place, tensor: { shape } }] of wanted) {
      const name = `${this.name.replace("forward", "valueAndGrad")}.grad.${key}`;
      const given = floatTensor((result as Record<string, unknown> | undefined)?.[key], name);
      if (!sameShape(given.shape, shape)) {
        throw new RangeError(
          `Cannot compute ${LOSS} as ${name} must have the shape of ${argument}, ${
            show(shape)
          }: current shape is ${show(given.shape)}`,
        );
      }
      const sum = sums[place]!;
      for (let j = 0; j < sum.length; j++) sum[j]! += given.data[j]!;
    }
  }
}

/** A result of the distance function, checked to be a tensor of floats. */
function floatTensor(result: unknown, name: string): Tensor {
  if (!isTensor(result)) {
    throw new TypeError(
      `Cannot compute ${LOSS} as ${name} must be a tensor: current value is ${describe(result)}`,
    );
  }
  if (result.dtype === "int32") throw wrongType(LOSS, name, "float32 or float64", result.dtype);
  checkMemory(result, name);
  return result;
}

/** The numbers of a tensor, repeated along a shape. */
function spread({ data, shape: own }: Tensor, shape: readonly number[]): FloatArray {
  const strides = stridesAlong(own, shape);
  if (strides === undefined) return data as FloatArray;
  const repeated = new Float64Array(sizeOf(shape));
  gather(data as FloatArray, strides, shape, 0, repeated.length, repeated);
  return repeated;
}

/** Sums numbers along the axes that a tensor is repeated along, into a new tensor of its shape and type. */
function collect(numbers: Float64Array, shape: readonly number[], like: Tensor): Tensor {
  const strides = stridesAlong(like.shape, shape);
  const result = zeros(like.dtype, like.shape);
  if (strides === undefined) result.data.set(numbers);
  else {
    const sums = new Float64Array(result.data.length);
    scatterAdd(strides, shape, 0, numbers.length, numbers, sums);
    result.data.set(sums);
  }
  return result;
}
