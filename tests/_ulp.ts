/** Distances between floats, counted in floats of their type (units in the last place). */

export type FloatType = "float32" | "float64";

const view = new DataView(new ArrayBuffer(8));

/** The place of a number in the ordered list of all floats of its type; both zeros are at place 0. */
export function placeOf(value: number, dtype: FloatType): bigint {
  if (dtype === "float32") {
    view.setFloat32(0, value);
    const bits = view.getInt32(0);
    return BigInt(bits < 0 ? -(bits & 0x7fffffff) : bits);
  }
  view.setFloat64(0, value);
  const bits = view.getBigInt64(0);
  return bits < 0n ? -(bits & 0x7fffffffffffffffn) : bits;
}

/** The number at a place: the inverse of {@linkcode placeOf}. */
export function floatAt(place: bigint, dtype: FloatType): number {
  const size = place < 0n ? -place : place;
  if (dtype === "float32") {
    view.setUint32(0, Number(size));
    return place < 0n ? -view.getFloat32(0) : view.getFloat32(0);
  }
  view.setBigUint64(0, size);
  return place < 0n ? -view.getFloat64(0) : view.getFloat64(0);
}

/** How many floats lie between two numbers: 0 for equal ones, 1 for neighbours. */
export function floatsBetween(a: number, b: number, dtype: FloatType): number {
  if (Number.isNaN(a) || Number.isNaN(b)) return Number.isNaN(a) && Number.isNaN(b) ? 0 : Infinity;
  return Math.abs(Number(placeOf(a, dtype) - placeOf(b, dtype)));
}
