/** What a function does inside, seen through the methods that it calls. */

/**
 * Records the calls of a method while something is done, as a spy of a test library does; the method itself runs as usual.
 *
 * @param object The object with the method; for all instances of a class, its `prototype`.
 * @param method The name of the method.
 * @param act What to do.
 * @returns The arguments of each call, in order.
 *
 * @example
 * ```ts
 * const calls = callsOf(CrossEntropyLoss.prototype, "valueAndGrad", () => loss.forward(input, target));
 * ```
 */
export function callsOf<Name extends string>(
  object: { [K in Name]: (...args: never[]) => unknown },
  method: Name,
  act: () => unknown,
): unknown[][] {
  const original = object[method];
  const calls: unknown[][] = [];
  object[method] = function (this: unknown, ...args: never[]) {
    calls.push(args);
    return original.apply(this, args);
  };
  try {
    act();
  } finally {
    object[method] = original;
  }
  return calls;
}
