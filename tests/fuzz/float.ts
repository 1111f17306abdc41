/** Steps between neighbouring floats. */
import { floatAt, type FloatType, placeOf } from "../_ulp.ts";

const PLACE_OF_INFINITY = {
  float32: placeOf(Infinity, "float32"),
  float64: placeOf(Infinity, "float64"),
} as const;

/** Rounds to the nearest float of a type. */
export function round(value: number, dtype: FloatType): number {
  return dtype === "float32" ? Math.fround(value) : value;
}

/** The float `steps` places up (or, below 0, down) from the one nearest to `value`; infinities are the ends. */
export function shift(value: number, steps: number, dtype: FloatType): number {
  if (Number.isNaN(value) || steps === 0) return round(value, dtype);
  const end = PLACE_OF_INFINITY[dtype];
  const place = placeOf(value, dtype) + BigInt(steps);
  return floatAt(place > end ? end : place < -end ? -end : place, dtype);
}
