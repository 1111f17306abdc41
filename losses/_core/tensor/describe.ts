/**
 * Short descriptions of values, for error messages.
 */

/** The longest text that is quoted whole. */
const LONGEST = 40;
/** The longest array that is shown element by element. */
const MOST_ELEMENTS = 6;
/** Arrays nested more deeply are only counted, as they may contain themselves. */
const MOST_LEVELS = 2;

/**
 * A short description of a value. It never throws, whatever getters, proxies and symbols the value is made of: an error about a
 * value must not end in another error.
 */
export function describe(value: unknown, level = 0): string {
  if (typeof value === "string") return `"${shorten(value)}"`;
  if (typeof value === "function") return "a function";
  if (typeof value === "bigint") return `${shorten(String(value))}n`;
  if (typeof value !== "object" || value === null) return shorten(String(value));
  try {
    return Array.isArray(value)
      ? describeArray(value, level)
      : `an object of class ${classOf(value)}`;
  } catch {
    return "an object that cannot be read";
  }
}

function describeArray(array: readonly unknown[], level: number): string {
  const { length } = array;
  if (length > MOST_ELEMENTS || level === MOST_LEVELS) return `an array of ${length}`;
  // Not map or join: an array may have replaced or lost its methods.
  let text = "";
  for (let i = 0; i < length; i++) {
    text += `${i === 0 ? "" : ", "}${describe(array[i], level + 1)}`;
  }
  return `[${text}]`;
}

/** The name of the class of an object, whatever it says of its constructor. */
export function classOf(value: object): string {
  const name: unknown = value.constructor?.name;
  return typeof name === "string" && name !== "" ? shorten(name) : "Object";
}

function shorten(text: string): string {
  return text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text;
}
