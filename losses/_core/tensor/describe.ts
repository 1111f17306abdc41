/**
 * Short descriptions of values, for error messages.
 */

/** A short description of a value. Arrays within arrays within arrays are only counted, as they may contain themselves. */
export function describe(value: unknown, depth = 0): string {
  if (value === null || value === undefined) return String(value);
  if (typeof value === "string") return `"${value.length > 40 ? `${value.slice(0, 40)}…` : value}"`;
  if (typeof value === "function") return "a function";
  if (typeof value === "bigint") return `${value}n`;
  if (typeof value !== "object") return String(value);
  if (Array.isArray(value)) {
    return value.length <= 6 && depth < 2
      ? `[${value.map((item) => describe(item, depth + 1)).join(", ")}]`
      : `an array of ${value.length}`;
  }
  return `an object of class ${value.constructor?.name ?? "Object"}`;
}
