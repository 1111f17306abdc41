/** What calls of losses are drawn from: numbers of a regime, shapes that go together, forms. */
import fc from "fast-check";
import { type Form, give, type Given, sizeOf } from "./given.ts";

/** What numbers are like. */
export type Regime =
  /** Between -4 and 4, with many digits. */
  | "plain"
  /** Small whole numbers, so that kinks and ties are met. */
  | "whole"
  /** From tiny to huge. */
  | "extreme";

export const plain = fc.integer({ min: -(2 ** 30), max: 2 ** 30 }).map((k) => k / 2 ** 28);
export const whole = fc.integer({ min: -3, max: 3 });
/** How far extreme numbers reach: where squares and products still have their digits, where float32 has, or float64. */
export type Reach = "products" | "float32" | "float64";
const POWERS: Readonly<Record<Reach, readonly number[]>> = {
  products: [1e-12, 1e-9, 1e-6, 1e-3, 1e3, 1e6, 1e9, 1e12],
  float32: [1e-30, 1e-20, 1e-12, 1e-6, 1e3, 1e6, 1e12, 1e15, 1e20, 1e30],
  float64: [1e-310, 1e-200, 1e-150, 1e-30, 1e-12, 1e-6, 1e3, 1e12, 1e20, 1e30, 1e150, 1e200],
};
const extreme = (reach: Reach) =>
  fc.oneof(fc.constantFrom(0, -0, ...POWERS[reach]), plain, whole)
    .chain((value) => fc.constantFrom(value, -value));

/** Numbers of a regime. */
export function numbersOf(regime: Regime, reach: Reach = "float64"): fc.Arbitrary<number> {
  return regime === "plain" ? plain : regime === "whole" ? whole : extreme(reach);
}

export const regimes = fc.constantFrom<Regime>("plain", "plain", "whole", "extreme");

/** Lists of exactly so many numbers. */
const list = (numbers: fc.Arbitrary<number>, length: number) =>
  fc.array(numbers, { minLength: length, maxLength: length });

const FLOAT_FORMS: readonly Form[] = [
  ...["array", "array", "float64", "float32", "float32", "Float32Array", "Float64Array"] as const,
  ...["foreign", "foreign float32", "foreign float64", "number"] as const,
];
export const floatForm = fc.constantFrom(...FLOAT_FORMS);
export const labelForm = fc.constantFrom<Form>(
  "array",
  "int32",
  "Int32Array",
  "Int8Array",
  "foreign",
);

/** A tensor of floats. */
export function tensor(
  shape: readonly number[],
  numbers: fc.Arbitrary<number>,
  form: fc.Arbitrary<Form> = floatForm,
): fc.Arbitrary<Given> {
  return fc.tuple(form, list(numbers, sizeOf(shape))).map(([form, data]) =>
    give(form, shape, data)
  );
}

/** A tensor of whole numbers in a form that labels have. */
export function labels(
  shape: readonly number[],
  numbers: fc.Arbitrary<number>,
): fc.Arbitrary<Given> {
  return tensor(shape, numbers, labelForm);
}

const length = fc.constantFrom(2, 1, 3, 0, 4);
const rankOf = (least: number, most: number) => fc.integer({ min: least, max: most });
export const shapes = (least: number, most: number) =>
  rankOf(least, most).chain((rank) => fc.array(length, { minLength: rank, maxLength: rank }));

/** A shape that is read along another: the same, or with axes of length 1, or none. */
export function smaller(shape: readonly number[], canBeScalar = true): fc.Arbitrary<number[]> {
  return fc.oneof(
    { arbitrary: fc.constant([...shape] as number[]), weight: 4 },
    {
      arbitrary: fc.array(fc.boolean(), { minLength: shape.length, maxLength: shape.length })
        .map((shrinks) => shape.map((length, axis) => shrinks[axis] ? 1 : length)),
      weight: 1,
    },
    { arbitrary: fc.constant<number[]>(canBeScalar ? [] : [...shape]), weight: 1 },
  );
}

/** A shape that is repeated along another: trailing axes of it, some of length 1. */
export function trailing(shape: readonly number[]): fc.Arbitrary<number[]> {
  return fc.integer({ min: 0, max: shape.length })
    .chain((from) => smaller(shape.slice(from), false));
}
