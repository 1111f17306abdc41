/**
 * Class labels: whole numbers that say which class a sample belongs to.
 */

import { position, readArgument, wrongType } from "./arguments.ts";
import { checkMemory, sameShape, show } from "../tensor/shape.ts";
import type { FloatType, Shaped } from "../tensor/types.ts";
import { describe } from "../tensor/describe.ts";
import { type Raw, toTensor } from "../tensor/read.ts";
import type { Tensor, TensorLike } from "../tensor/tensor.ts";
import { type ClassAxis, classAxis } from "../rows/class_axis.ts";

/** Labels, not yet converted, with their shape. */
export type Labels = Shaped;

/**
 * Reads labels.
 *
 * @param loss The class, for error messages.
 * @param name The argument, for error messages.
 * @param value Whole numbers: a plain array, an int32 tensor or a typed array of integers.
 * @returns The labels, to be checked by {@linkcode checkLabels} before they are used.
 * @throws {TypeError} If they are a tensor of floats.
 */
export function readLabels(loss: string, name: string, value: TensorLike): Labels {
  return asLabels(loss, name, readArgument(loss, name, value));
}

/**
 * The same for an argument that has been read already.
 *
 * @param loss The class, for error messages.
 * @param name The argument, for error messages.
 * @param raw The argument, read.
 * @returns The labels, to be checked by {@linkcode checkLabels} before they are used.
 * @throws {TypeError} If they are a tensor of floats.
 */
export function asLabels(loss: string, name: string, raw: Raw): Labels {
  if (raw.dtype !== undefined && raw.dtype !== "int32") {
    // Several axes of floats look like scores.
    const order = raw.shape.length > 1 ? ", and mind the order: scores first, labels second" : "";
    throw wrongType(loss, name, "int32", raw.dtype, `use int32(…) or a plain array${order}`);
  }
  return raw;
}

/** Which labels are allowed, if not exactly the classes. */
export interface LabelRule {
  /** A label that is allowed although it is not a class. */
  readonly allowed?: number | undefined;
  /** A class that is not allowed as a label. */
  readonly forbidden?: number | undefined;
  /** The exception in words that follow "classes from 0 to 9". */
  readonly wanted: string;
  /** The range of labels to check, from `start` to before `end`; all by default. */
  readonly start?: number;
  readonly end?: number;
}

/**
 * Refuses labels that are not classes.
 *
 * @param loss The class, for error messages.
 * @param name The argument, for error messages.
 * @param labels The labels.
 * @param classes The number of classes.
 * @param rule Which labels are allowed; by default the whole numbers from 0 to classes - 1.
 * @returns How many labels are `rule.allowed`.
 * @throws {RangeError} If a label is not allowed.
 */
export function checkLabels(
  loss: string,
  name: string,
  { data, shape }: Labels,
  classes: number,
  rule?: LabelRule,
): number {
  // NaN is no label. Where `undefined` stood, engines would compare each label with any kind of value.
  const { allowed = NaN, forbidden = NaN, wanted = "", start = 0, end = data.length } = rule ?? {};
  let found = 0;
  for (let i = start; i < end; i++) {
    const label = data[i]!;
    if (label === allowed) {
      found++;
      continue;
    }
    if (label >>> 0 === label && label < classes && label !== forbidden) continue;
    throw new RangeError(
      `Cannot compute ${loss} as ${name} must hold classes from 0 to ${
        classes - 1
      }${wanted}: current value at ${position(i, shape)} is ${describe(label)}`,
    );
  }
  return found;
}

/** The rule for targets with a label that is ignored. */
export function orIgnored(ignoreIndex: number): LabelRule {
  return { allowed: ignoreIndex, wanted: ` or ignoreIndex, ${ignoreIndex}` };
}

/**
 * Reads one weight per class.
 *
 * @param loss The class, for error messages.
 * @param weight The option, or undefined for a weight of 1 each.
 * @param classes The number of classes.
 * @param dtype The type of the scores.
 * @returns The weights in that type.
 * @throws {TypeError} If the weights are a tensor of another type.
 * @throws {RangeError} If there are more or fewer weights than classes.
 */
export function classWeights(
  loss: string,
  weight: Raw | undefined,
  classes: number,
  dtype: FloatType,
): Tensor | undefined {
  if (weight === undefined) return undefined;
  if (weight.shape.length !== 1 || weight.shape[0] !== classes) {
    throw new RangeError(
      `Cannot compute ${loss} as weight must have the shape ${
        show([classes])
      }, one number per class: current shape is ${show(weight.shape)}`,
    );
  }
  if (weight.dtype !== undefined && weight.dtype !== dtype) {
    throw wrongType(loss, "weight", dtype, weight.dtype);
  }
  checkMemory(weight, "weight");
  return toTensor(weight, dtype, "weight");
}

/**
 * Finds the class axis of scores, and checks that there is one label for each sample.
 *
 * @param loss The class, for error messages.
 * @param shape The shape of the scores.
 * @param labels The labels.
 * @returns The class axis: the first of a single row, else the second.
 */
export function labelledRows(loss: string, shape: readonly number[], labels: Labels): ClassAxis {
  if (shape.length === 0) {
    throw new RangeError(
      `Cannot compute ${loss} as input must have a class axis: current shape is ()`,
    );
  }
  const axis = classAxis(shape, shape.length === 1 ? 0 : 1);
  const wanted = axis.sampleShape;
  if (!sameShape(labels.shape, wanted)) {
    throw new RangeError(
      `Cannot compute ${loss} as target must have the shape of input without its class axis, ${
        show(wanted)
      }: ` +
        `current shapes are ${show(shape)} and ${show(labels.shape)}`,
    );
  }
  return axis;
}

/**
 * The divisor of a mean over labelled samples.
 *
 * @param labels The labels.
 * @param ignoreIndex The label that is ignored.
 * @param ignored How many labels that are.
 * @param weights One weight per class, 1 each if undefined.
 * @param isSmooth Whether a label of weight 0 has a value, that of the other classes: the mean is NaN then, as in PyTorch.
 * @returns The sum of the weights of all labels that are not ignored.
 */
export function weightOfLabels(
  labels: ArrayLike<number>,
  ignoreIndex: number,
  ignored: number,
  weights: ArrayLike<number> | undefined,
  isSmooth = false,
): number {
  let sum = 0;
  if (weights === undefined) sum = labels.length - ignored;
  else {
    for (let i = 0; i < labels.length; i++) {
      const label = labels[i]!;
      if (label !== ignoreIndex) sum += weights[label]!;
    }
  }
  return sum === 0 && isSmooth ? NaN : sum;
}
