/**
 * Compares gradients that a definition gives with those that are derived from its value, at points where the value is
 * smooth.
 */

import { Tensor } from "../tensor/tensor.ts";
import type { AnyLossClass, CheckedDefinition } from "./definition.ts";
import { readRowFormula } from "./row_formula.ts";

/** Rows and columns of the random points. */
const ROWS = 16;
const COLUMNS = 3;
/** Both gradients are analytic: what differs by more is another function. */
const TOLERANCE = 1e-6;
/** A numeric derivative as near as this shows that the value is smooth. */
const SMOOTH = 1e-5;

/** Where points are drawn from: the first argument, and those that it is compared with. */
type Draw = (random: () => number) => number;
const between = (low: number, high: number): Draw => (random) => low + (high - low) * random();
const regimes = (): readonly (readonly [first: Draw, others: Draw])[] => [
  [between(-3, 3), between(-3, 3)],
  [between(-3, 3), (random) => random() < 0.5 ? 0 : 1],
  [between(-3, 3), (random) => random() < 0.5 ? -1 : 1],
  [between(0.05, 0.95), between(0.05, 0.95)],
  [between(0.05, 0.95), (random) => random() < 0.5 ? 0 : 1],
  [between(0.1, 5), between(0.1, 5)],
  [between(-30, 30), between(-30, 30)],
];

/** A small generator of numbers from 0 to 1, so that a definition is judged alike every time. */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

/**
 * Refuses a definition whose gradients are not the derivatives of its value.
 *
 * @param definition The definition.
 * @param Class Its class.
 * @param Derived The class of the same definition with all gradients derived.
 * @throws {RangeError} If a gradient differs from the derivative; the message says where.
 */
export function verifyGradients(
  definition: CheckedDefinition,
  Class: AnyLossClass,
  Derived: AnyLossClass,
): void {
  const random = generator(1);
  const names = [...definition.grad.keys()];
  const perRow = definition.rows === undefined
    ? []
    : [...readRowFormula(definition).derivatives.keys()];
  for (const options of optionsToTry(definition)) {
    const given = new Class({ ...options, reduction: "none" });
    const derived = new Derived({ ...options, reduction: "none" });
    for (const [first, others] of regimes()) {
      const args = definition.arguments.map(({ symbol }, i) => {
        const shape = perRow.includes(symbol) ? [ROWS] : [ROWS, COLUMNS];
        const data = new Float64Array(shape.reduce((a, b) => a * b));
        for (let k = 0; k < data.length; k++) data[k] = (i === 0 ? first : others)(random);
        return new Tensor(data, shape);
      });
      for (const name of names) compare(definition, name, options, given, derived, args);
    }
  }
}

type AnyLoss = InstanceType<AnyLossClass>;

function compare(
  definition: CheckedDefinition,
  name: string,
  options: Readonly<Record<string, number>>,
  given: AnyLoss,
  derived: AnyLoss,
  args: readonly Tensor[],
): void {
  const gradientOf = (loss: AnyLoss) =>
    loss.valueAndGrad(...[...args, { wrt: [name] }] as never[]).grad[name]!.data;
  const at = definition.arguments.findIndex((argument) => argument.name === name);
  const ours = gradientOf(given);
  const theirs = gradientOf(derived);
  const numeric = numericGradient(derived, args, at);
  for (let i = 0; i < ours.length; i++) {
    const scale = Math.max(1, Math.abs(theirs[i]!));
    const isSmooth = Math.abs(numeric[i]! - theirs[i]!) <= SMOOTH * scale;
    if (!isSmooth || Math.abs(ours[i]! - theirs[i]!) <= TOLERANCE * scale) continue;
    const point = definition.arguments.map(({ symbol }, k) => {
      const { data } = args[k]!;
      const row = Math.floor(i * ROWS / ours.length);
      const place = data.length === ours.length ? i : row;
      return `${symbol} = ${round(data[place]!)}`;
    });
    const chosen = Object.entries(options).map(([option, value]) => `${option} = ${round(value)}`);
    throw new RangeError(
      `Cannot define ${definition.name} as grad.${name} is not the derivative of value: at ${
        [...point, ...chosen].join(", ")
      } it is ${round(ours[i]!)}, and the derivative is ${round(theirs[i]!)}`,
    );
  }
}

/** The derivative of the sum of all values by five-point differences; a column at a time, as rows do not depend on each other. */
function numericGradient(loss: AnyLoss, args: readonly Tensor[], at: number): Float64Array {
  const { data, shape } = args[at]!;
  const columns = shape[1] ?? 1;
  const result = new Float64Array(data.length);
  const isRowWise = loss.forward(...args as never[]).shape.length === 1;
  for (let column = 0; column < columns; column++) {
    const h = 1e-3;
    const valuesAt = (step: number) => {
      const moved = Float64Array.from(data);
      for (let i = column; i < moved.length; i += columns) moved[i]! += step * h;
      const all = args.map((tensor, k) => k === at ? new Tensor(moved, shape) : tensor);
      return loss.forward(...all as never[]).data;
    };
    const [a, b, c, d] = [valuesAt(-2), valuesAt(-1), valuesAt(1), valuesAt(2)];
    for (let i = column; i < data.length; i += columns) {
      const v = isRowWise ? Math.floor(i / columns) : i;
      result[i] = (a[v]! - 8 * b[v]! + 8 * c[v]! - d[v]!) / (12 * h);
    }
  }
  return result;
}

/** The defaults, and every number moved a little, where that is allowed. */
function optionsToTry({ options }: CheckedDefinition): Readonly<Record<string, number>>[] {
  const entries = Object.entries(options);
  const defaults = Object.fromEntries(entries.map(([name, option]) => [name, option.default]));
  const moved = Object.fromEntries(entries.map(([name, option]) => {
    const other = option.default * 1.5 + 0.25;
    return [name, option.valid(other) ? other : option.default];
  }));
  return entries.length === 0 ? [defaults] : [defaults, moved];
}

const round = (value: number): number => Number(value.toPrecision(6));
