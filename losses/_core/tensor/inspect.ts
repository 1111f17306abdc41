/**
 * How objects show themselves in a terminal and in a notebook.
 */

import { describe } from "./describe.ts";
import { copyShape, show } from "./shape.ts";

/** What can be shown: its text says it all. */
interface Showable {
  toString(): string;
}

/**
 * Makes all objects of a class show themselves by their text: in Deno, Node, Bun and Jupyter. What the prototype has already
 * stays.
 *
 * To be called for the first object: a class that calls it in a static block stays in every bundle, used or not.
 *
 * @param prototype The prototype of the class.
 * @returns True, to be kept for the next object.
 */
export function showAs(prototype: Showable): true {
  const define = (name: string, value: (this: Showable) => unknown) => {
    const symbol = Symbol.for(name);
    if (Object.hasOwn(prototype, symbol)) return;
    Object.defineProperty(prototype, symbol, { value, configurable: true, writable: true });
  };
  // Deno and Bun read it, too.
  define("nodejs.util.inspect.custom", prototype.toString);
  define("Jupyter.display", function () {
    return { "text/plain": this.toString() };
  });
  return true;
}

/**
 * An object as the call that makes it.
 *
 * @param name The class.
 * @param options What its constructor was given.
 * @param defaults All its options with their defaults; those that are undefined are left out.
 * @returns Text such as `HuberLoss(delta=2, reduction="mean")`.
 */
export function describeObject(
  name: string,
  options: object,
  defaults: Readonly<Record<string, unknown>>,
): string {
  const given = options as Readonly<Record<string, unknown>>;
  const parts: string[] = [];
  for (const key of Object.keys(defaults)) {
    const value = given[key] === undefined ? defaults[key] : given[key];
    if (value !== undefined) parts.push(`${key}=${describeOption(value)}`);
  }
  return `${name}(${parts.join(", ")})`;
}

/** An option: numbers, words and short arrays as they are, tensors by their shape. */
function describeOption(value: unknown): string {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return describe(value);
  const shape = "shape" in value ? value.shape : undefined;
  const copy = copyShape(shape);
  return copy === undefined ? describe(value) : `a tensor of shape ${show(copy)}`;
}
