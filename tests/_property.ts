/** Properties that hold for all numbers, probed with random ones. */
import fc from "fast-check";

/**
 * Throws unless the property holds for 100 draws. The first counterexample is reported as it is: making it smaller takes
 * minutes for properties of several doubles, and says no more.
 */
export function holds<T>(property: fc.IRawProperty<T>): void {
  fc.assert(property, { seed: 20, endOnFailure: true });
}
