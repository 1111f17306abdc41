/**
 * Checks the gradients of a loss against differences of its value.
 */

import { suggestion } from "../call/suggestion.ts";
import { describe } from "../tensor/describe.ts";
import { float64, read, toTensor } from "../tensor/read.ts";
import { sameShape, show } from "../tensor/shape.ts";
import { Tensor, type TensorLike } from "../tensor/tensor.ts";

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
  /** The largest allowed error, see {@linkcode GradientReport.largestError}. @default {1e-7} */
  readonly tolerance?: number;
  /** The first step of the differences, relative to numbers above 1, > 0; smaller ones follow if it is too large. @default {1e-3} */
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
  /** Whether all gradients are right, points at kinks aside, and none is beyond comparison. */
  readonly isRight: boolean;
  /**
   * The largest |gradient - difference|, as a share of the largest gradient with respect to the same argument. What the
   * rounding of the value explains does not count, nor do points at kinks.
   */
  readonly largestError: number;
  /** Where it was found; undefined if there was no point to check. */
  readonly worst: GradientPoint | undefined;
  /** Points at a kink, at a jump or at the end of the domain, where differences say nothing about the gradient. */
  readonly kinks: readonly GradientPoint[];
  /**
   * Points that could not be compared: elements that a value which is NaN or infinite depends on, and elements that are
   * themselves. If there is one value for all elements, it depends on all of them.
   */
  readonly notFinite: readonly GradientPoint[];
  /** How many elements were compared. */
  readonly points: number;
  /**
   * Throws unless all gradients are right.
   *
   * @throws {RangeError} If a gradient is wrong, or beyond comparison; the message says which, where and by how much.
   */
  assert(): void;
}

/**
 * Checks the gradients of a loss against five-point differences of its value, in float64.
 *
 * If the loss keeps every value (reduction `"none"`), a random upstream gradient is used, so that errors cannot cancel. Where
 * the steps of the differences meet a kink or the end of the domain, smaller ones are taken. Values that are NaN or infinite are
 * left out, and the report lists the points that they leave without an answer.
 *
 * @param loss A loss, built-in or of one's own: anything with `forward` and `valueAndGrad`.
 * @param args Its arguments.
 * @param options See {@linkcode CheckGradientOptions}.
 * @returns The largest error, where it is, which points lie at kinks, and which have no finite value.
 * @throws {TypeError} If something is of the wrong kind, an option is unknown, or the names of the arguments are not known.
 * @throws {RangeError} If a gradient is not right and `assert` is true or has another shape than its argument, or an option is
 * not allowed.
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
  checkKinds(loss, args, options);
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
  const wide = args.map(widened);
  const { shape, data } = call.forward(...wide);
  // A scalar is asked for with a power of 2, which is taken back without rounding: an upstream gradient that is forgotten
  // must not pass.
  const isScalar = shape.length === 0;
  const finite = Array.from(data, Number.isFinite);
  const upstream = (isScalar ? [1] : randomNumbers(data.length, seed))
    .map((number, i) => finite[i] ? number : 0);
  const gradOf = (gradOutput: number | readonly number[]) =>
    call.valueAndGrad(...wide, {
      gradOutput: typeof gradOutput === "number"
        ? gradOutput
        : new Tensor(Float64Array.from(gradOutput), shape),
      ...options.wrt && { wrt: options.wrt },
    }).grad;
  const grad = gradOf(isScalar ? 2 : upstream);
  const names = options.names ?? call.argumentNames;
  if (names === undefined) {
    throw new TypeError(
      "Cannot check gradients as the names of the arguments are not known: give them as names, in the order of the call",
    );
  }
  const size = dot(data.map(Math.abs), upstream.map(Math.abs));
  const hasGaps = finite.includes(false);
  /** The gradient of the values that are not finite. */
  const ofGaps = hasGaps && !isScalar ? gradOf(finite.map((isFinite) => isFinite ? 0 : 1)) : grad;
  const isLost = !Number.isFinite(size) || (hasGaps && !finite.includes(true));

  const notFinite: GradientPoint[] = [];
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
    const { data, shape } = float64(wide[at]!);
    if (!sameShape(grad[argument]!.shape, shape)) {
      throw new RangeError(
        `Cannot confirm the gradient with respect to ${argument} as it has the shape ${
          show(grad[argument]!.shape)
        }, and the argument ${show(shape)}`,
      );
    }
    const gradients = Float64Array.from(grad[argument]!.data, (g) => isScalar ? g / 2 : g);
    const largest = Math.max(0, ...gradients.map(Math.abs).filter(Number.isFinite));
    data.forEach((x, i) => {
      const valueAt = (x: number): number => {
        const moved = new Tensor(Float64Array.from(data).fill(x, i, i + 1), shape);
        return totalOf(() => call.forward(...wide.with(at, moved)), upstream);
      };
      const firstStep = step * Math.max(1, Math.abs(x));
      const gradient = gradients[i]!;
      const place = { argument, index: indexOf(i, shape), gradient };
      if (isLost || (hasGaps && (ofGaps[argument]!.data[i] !== 0 || !Number.isFinite(x)))) {
        notFinite.push({ ...place, difference: NaN });
        return;
      }
      const { difference, error } = compare(valueAt, x, firstStep, gradient, {
        tolerance,
        largest,
        size,
      });
      const point = { ...place, difference };
      if (error === undefined) {
        kinks.push(point);
        return;
      }
      points++;
      if (worst !== undefined && error <= largestError) return;
      worst = point;
      largestError = error;
    });
  }
  const found: GradientPoint | undefined = worst;
  // Where one value stands for all elements, those with a gradient that is not finite have made it so.
  const lost = notFinite.find(({ gradient }) => !Number.isFinite(gradient)) ?? notFinite[0];
  const isRight = largestError <= tolerance && lost === undefined;
  const report: GradientReport = {
    isRight,
    largestError,
    worst: found,
    kinks,
    notFinite,
    points,
    assert() {
      if (found !== undefined && largestError > tolerance) {
        throw new RangeError(
          `Cannot confirm the gradient ${
            whereOf(found)
          }: it is ${found.gradient}, differences give ${found.difference}`,
        );
      }
      if (lost === undefined) return;
      const value = isScalar ? data[0]! : "NaN or infinite there";
      const hint = isScalar ? ', and reduction "none" shows which elements make the value so' : "";
      throw new RangeError(
        `Cannot confirm the gradient ${
          whereOf(lost)
        } as the value is ${value}: current gradient is ${lost.gradient}${hint}`,
      );
    },
  };
  if (options.assert) report.assert();
  return report;
}

const OPTIONS = ["wrt", "names", "tolerance", "step", "seed", "assert"];

/** Refuses what is no loss, no list of arguments or no option. */
function checkKinds(loss: unknown, args: unknown, options: unknown): void {
  const refuse = (what: string, value: unknown) =>
    new TypeError(`Cannot check gradients as ${what}: current value is ${describe(value)}`);
  const { forward, valueAndGrad } = Object(loss);
  if (typeof forward !== "function" || typeof valueAndGrad !== "function") {
    throw refuse(
      "loss must be an object with forward and valueAndGrad such as new MSELoss()",
      loss,
    );
  }
  if (!Array.isArray(args)) {
    throw refuse("args must be an array of all arguments such as [input, target]", args);
  }
  if (typeof options !== "object" || options === null || Array.isArray(options)) {
    throw refuse(
      "options must be an object after one array of all arguments such as [input, target]",
      options,
    );
  }
  for (const name of Object.keys(options)) {
    if (OPTIONS.includes(name)) continue;
    throw new TypeError(
      `Cannot check gradients as option '${name}' is unknown: ${
        suggestion(name, OPTIONS)
      }known are ${OPTIONS.join(", ")}`,
    );
  }
}

const whereOf = ({ argument, index }: GradientPoint): string =>
  `with respect to ${argument} at [${index.join(", ")}]`;

/** How many steps are tried, and how much smaller each is than the one before. */
const STEPS = { count: 5, ratio: 8 };
/** Change of slope that no curvature of an ordinary loss explains over one step, as a share of the slope. */
const PLAIN_BEND = 1e-3;
/** Rounding of a value, as a share of it. */
const ROUNDING = /* @__PURE__ */ Math.pow(2, -50);

/**
 * Compares a derivative with differences of a function. Steps get smaller until the function is smooth around the point, and
 * the difference either agrees or no longer changes.
 *
 * @param f The function.
 * @param x The point.
 * @param firstStep The first step.
 * @param gradient The derivative.
 * @param scale The error allowed, the size of the derivatives beside it, the size of the function.
 * @returns The difference, and the error; undefined at a kink, a jump or the end of the domain.
 */
function compare(
  f: (x: number) => number,
  x: number,
  firstStep: number,
  gradient: number,
  { tolerance, largest, size }: { tolerance: number; largest: number; size: number },
): { difference: number; error: number | undefined } {
  let difference = NaN;
  let previous = NaN;
  // No kink explains NaN.
  if (Number.isNaN(gradient)) return { difference, error: Infinity };
  for (let k = 0; k < STEPS.count; k++) {
    const h = firstStep / STEPS.ratio ** k;
    const [a, b, m, c, d] = [f(x - 2 * h), f(x - h), f(x), f(x + h), f(x + 2 * h)] as const;
    difference = (a - 8 * b + 8 * c - d) / (12 * h);
    const slopes = [b - a, m - b, c - m, d - c].map((rise) => rise / h);
    const scale = Math.max(largest, Math.abs(difference), ...slopes.map(Math.abs));
    const excess = Math.abs(gradient - difference) - ROUNDING * size / h;
    const error = excess <= 0 ? 0 : excess / scale;
    const isConfirmed = error <= tolerance;
    if (hasKink(slopes, scale * (isConfirmed ? PLAIN_BEND : tolerance))) {
      previous = NaN;
      continue;
    }
    if (isConfirmed || Math.abs(difference - previous) <= tolerance * scale) {
      return { difference, error: Number.isNaN(error) ? Infinity : error };
    }
    previous = difference;
  }
  return { difference, error: undefined };
}

/**
 * Whether a function has a kink or a jump among five points, of which the four slopes in between are known: then one of their
 * changes stands out, while curvature changes all of them alike.
 */
function hasKink(slopes: readonly number[], threshold: number): boolean {
  const bends = slopes.slice(1).map((slope, i) => Math.abs(slope - slopes[i]!));
  const [least, , most] = bends.toSorted((x, y) => x - y) as [number, number, number];
  return !Number.isFinite(most) || most > 4 * least + threshold;
}

/** The sum of all values times their upstream gradients; NaN outside of the domain. */
function totalOf(forward: () => Tensor, upstream: ArrayLike<number>): number {
  try {
    return dot(forward().data, upstream);
  } catch (error) {
    if (error instanceof RangeError) return NaN;
    throw error;
  }
}

/** An argument in float64, if it is in float32. */
function widened(argument: TensorLike, i: number): TensorLike {
  const raw = read(argument, `argument ${i + 1}`);
  return raw.dtype === "float32" ? toTensor(raw, "float64", `argument ${i + 1}`) : argument;
}

function dot(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0;
  // A value that has no share may be NaN.
  for (let i = 0; i < a.length; i++) if (b[i] !== 0) sum += a[i]! * b[i]!;
  return sum;
}

/** Numbers between 0.5 and 1.5 in size, of both signs. */
function randomNumbers(count: number, seed: number): number[] {
  let state = seed >>> 0;
  return Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    const number = 4 * state / 2 ** 32 - 2;
    return Math.sign(number) * (0.5 + Math.abs(number) / 2);
  });
}

/** The place of an element, as it would be indexed. */
function indexOf(flat: number, shape: readonly number[]): number[] {
  const index: number[] = [];
  for (const length of shape.toReversed()) {
    index.unshift(flat % length);
    flat = Math.floor(flat / length);
  }
  return index;
}
