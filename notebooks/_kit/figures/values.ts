/** Numbers in any array. */
export type Values = ArrayLike<number>;

/** The same numbers as a plain array, which Plotly and JSON take. */
export function toArray<T>(values: ArrayLike<T>): T[] {
  return Array.from(values);
}
