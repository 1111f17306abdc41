/**
 * Checks the gradients of a loss against differences of its value.
 */

import { float64 } from "../tensor/read.ts";
import { Tensor, type TensorLike } from "../tensor/tensor.ts";
import { describe } from "../tensor/describe.ts";

/** Whatever has the two methods of a loss. */
export interface DifferentiableLoss {
  /**
   * The value.
   *
   * @param args The arguments.
   * @returns The value: a scalar, or one number per element or row.
   */
  forward(...args: never[]): Tensor;
  /**
   * The value and its gradients.
   *
   * @param args The arguments, and at last the request.
   * @returns The value, and gradients by the names of the arguments.
   */
  valueAndGrad(...args: never[]): { readonly value: Tensor; readonly grad: object };
}

/** Options of {@linkcode checkGradient}. */
export interface CheckGradientOptions {
  /** Names of the arguments to check, those that the loss differentiates by default if none are given. */
  readonly wrt?: readonly string[];
  /** Names of the arguments in the order of the call, if the loss does not say them itself. */
  readonly names?: readonly string[];
  /** The largest allowed |gradient - difference|, relative to numbers above 1. @default {1e-7} */
  readonly tolerance?: number;
  /** The step of the differences, relative to numbers above 1, > 0. @default {1e-3} */
  readonly step?: number;
  /** Which random upstream gradient is used if the loss keeps every value. @default {1} */
  readonly seed?: number;
  /** Whether a gradient that is wrong throws. @default {false} */
  readonly assert?: boolean;
}

/** One element of one argument. */
export interface GradientPoint {
  /** The name of the argument. */
  readonly argument: string;
  /** The place of the element, as it would be indexed. */
  readonly index: readonly number[];
  /** The gradient as the loss gives it. */
  readonly gradient: number;
  /** The same by differences. */
  readonly difference: number;
}

/** What {@linkcode checkGradient} has found. */
export interface GradientReport {
  /** Whether all gradients are right, points at kinks aside. */
  readonly isRight: boolean;
  /** The largest |gradient - difference|, relative to numbers above 1, points at kinks aside. */
  readonly largestError: number;
  /** Where it was found; undefined if there was no point to check. */
  readonly worst: GradientPoint | undefined;
  /** Points so near to a kink or jump that differences say nothing about the gradient. */
  readonly kinks: readonly GradientPoint[];
  /** How many elements were compared. */
  readonly points: number;
  /**
   * Throws unless all gradients are right.
   *
   * @throws {RangeError} If a gradient is wrong; the message says which, where and by how much.
   */
  assert(): void;
}

/**
 * Checks the gradients of a loss against five-point differences of its value, in float64.
 *
 * If the loss keeps every value (reduction `"none"`), a random upstream gradient is used, so that errors cannot cancel.
 *
 * @param loss A loss, built-in or of one's own: anything with `forward` and `valueAndGrad`.
 * @param args Its arguments.
 * @param options See {@linkcode CheckGradientOptions}.
 * @returns The largest error, where it is, and which points lie at kinks.
 * @throws {TypeError} If the names of the arguments are not known.
 * @throws {RangeError} If a gradient is wrong and `assert` is true, or an option is not allowed.
 *
 * ```ts
 * import { checkGradient, HuberLoss } from "@lossbook/losses";
 * import { assertEquals } from "@std/assert";
 *
 * const report = checkGradient(new HuberLoss(), [[0.3, 2, -5], [0, 0, 1]]);
 * assertEquals(report.isRight, true);
 * assertEquals(report.points, 3);
 * ```
 */
export function checkGradient(
  loss: DifferentiableLoss,
  args: readonly TensorLike[],
  options: CheckGradientOptions = {},
): GradientReport {
  const { tolerance = 1e-7, step = 1e-3, seed = 1 } = options;
  for (const [name, value] of [["tolerance", tolerance], ["step", step]] as const) {
    if (typeof value === "number" && value > 0) continue;
    throw new RangeError(
      `Cannot check gradients as ${name} must be > 0: current value is ${describe(value)}`,
    );
  }
  const call = loss as unknown as {
    readonly argumentNames?: readonly string[];
    forward(...args: unknown[]): Tensor;
    valueAndGrad(...args: unknown[]): { value: Tensor; grad: Record<string, Tensor> };
  };
  const value = call.forward(...args);
  const upstream = value.shape.length === 0 ? undefined : randomLike(value, seed);
  const request = {
    ...upstream && { gradOutput: upstream },
    ...options.wrt && { wrt: options.wrt },
  };
  const { grad } = call.valueAndGrad(...args, request);
  const names = options.names ?? call.argumentNames;
  if (names === undefined) {
    throw new TypeError(
      "Cannot check gradients as the names of the arguments are not known: give them as names, in the order of the call",
    );
  }
  const total = (moved: readonly unknown[]): number => {
    const { data } = call.forward(...moved);
    let sum = 0;
    for (let i = 0; i < data.length; i++) sum += data[i]! * (upstream?.data[i] ?? 1);
    return sum;
  };

  const kinks: GradientPoint[] = [];
  let points = 0;
  let worst: GradientPoint | undefined;
  let largestError = 0;
  for (const argument of Object.keys(grad)) {
    const at = names.indexOf(argument);
    if (at < 0) {
      throw new TypeError(
        `Cannot check the gradient of ${argument} as it is none of the arguments ${
          names.join(", ")
        }`,
      );
    }
    const { data, shape } = float64(args[at]!);
    for (let i = 0; i < data.length; i++) {
      const h = step * Math.max(1e-3, Math.min(1, Math.abs(data[i]!)));
      const valueAt = (steps: number): number => {
        const moved = Float64Array.from(data);
        moved[i]! += steps * h;
        return total(args.map((arg, k) => k === at ? new Tensor(moved, shape) : arg));
      };
      const [a, b, m, c, d] = [-2, -1, 0, 1, 2].map(valueAt) as [
        number,
        number,
        number,
        number,
        number,
      ];
      const difference = (a - 8 * b + 8 * c - d) / (12 * h);
      const gradient = grad[argument]!.data[i]!;
      const point = { argument, index: indexOf(i, shape), gradient, difference };
      const scale = Math.max(1, Math.abs(difference));
      const error = Math.abs(gradient - difference) / scale;
      // A gradient that differences confirm lies at a kink only if that is plain to see.
      const least = error <= tolerance ? PLAIN : tolerance;
      if (isKink([a, b, m, c, d], h, least * scale)) {
        kinks.push(point);
        continue;
      }
      points++;
      if (worst === undefined || !(error <= largestError)) {
        worst = point;
        largestError = Number.isNaN(error) ? Infinity : error;
      }
    }
  }
  const isRight = largestError <= tolerance;
  const report: GradientReport = {
    isRight,
    largestError,
    worst,
    kinks,
    points,
    assert() {
      if (isRight || worst === undefined) return;
      throw new RangeError(
        `Cannot confirm the gradient with respect to ${worst.argument} at [${
          worst.index.join(", ")
        }]: it is ${worst.gradient}, differences give ${worst.difference}`,
      );
    },
  };
  if (options.assert) report.assert();
  return report;
}

/** A bend between two slopes that no curvature of an ordinary loss explains, relative to numbers above 1. */
const PLAIN = 1e-3;

/**
 * Whether a function of which five values are known has a kink or a jump among them: then one of the bends between its four
 * slopes stands out, while curvature bends them all alike.
 */
function isKink(
  [a, b, m, c, d]: readonly [number, number, number, number, number],
  h: number,
  threshold: number,
): boolean {
  const slopes = [(b - a) / h, (m - b) / h, (c - m) / h, (d - c) / h] as const;
  const bends = slopes.slice(1).map((slope, i) => Math.abs(slope - slopes[i]!));
  const [least, , most] = bends.toSorted((x, y) => x - y) as [number, number, number];
  if (!Number.isFinite(most)) return true;
  return most > 4 * least + threshold;
}

/** Numbers between 0.5 and 1.5 in the shape of a tensor. */
function randomLike({ data, shape }: Tensor, seed: number): Tensor {
  let state = seed >>> 0;
  const numbers = Float64Array.from(data, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return 0.5 + state / 2 ** 32;
  });
  return new Tensor(numbers, shape);
}

function indexOf(flat: number, shape: readonly number[]): number[] {
  const index: number[] = [];
  for (const length of shape.toReversed()) {
    index.unshift(flat % length);
    flat = Math.floor(flat / length);
  }
  return index;
}
