/** Deep equality, as std's assertions define it. */

/** True if two objects have the same constructor. Like std, it treats an object without a prototype as a plain one. */
function sameKind(a: object, b: object): boolean {
  return (a.constructor ?? Object) === (b.constructor ?? Object);
}

function sameMembers(
  a: ReadonlySet<unknown> | ReadonlyMap<unknown, unknown>,
  b: ReadonlySet<unknown> | ReadonlyMap<unknown, unknown>,
  compare: (a: unknown, b: unknown) => boolean,
): boolean {
  const rest = [...b];
  return a.size === b.size && [...a].every((member) => {
    const at = rest.findIndex((other) => compare(member, other));
    if (at >= 0) rest.splice(at, 1);
    return at >= 0;
  });
}

/**
 * True if two values are deeply equal. As with std's `equal`, NaN equals NaN and, unlike in node's strict comparison, 0 equals
 * -0. Where the sign of zero matters, a test uses `assertStrictEquals`.
 */
export function equal(left: unknown, right: unknown): boolean {
  const open = new Map<object, object>(); // pairs that are being compared, so that circular references end
  function compare(a: unknown, b: unknown): boolean {
    if (a === b || Object.is(a, b)) return true;
    if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
    if (!sameKind(a, b)) return false;
    if (a instanceof RegExp || a instanceof URL) return String(a) === String(b);
    if (a instanceof Date) return Object.is(a.getTime(), (b as Date).getTime());
    if (open.get(a) === b) return true;
    open.set(a, b);
    if (a instanceof Set) return sameMembers(a, b as Set<unknown>, compare);
    if (a instanceof Map) return sameMembers(a, b as Map<unknown, unknown>, compare);
    const keys = Object.keys(a);
    return keys.length === Object.keys(b).length &&
      keys.every((key) =>
        Object.hasOwn(b, key) && compare(Reflect.get(a, key), Reflect.get(b, key))
      );
  }
  return compare(left, right);
}
