/** Properties that must hold at all inputs, checked at random ones. */
import fc from "fast-check";

/**
 * Throws unless the property holds at 100 random inputs. The first counterexample is reported as it is: making it smaller
 * takes minutes for properties of several doubles, and says no more.
 */
export function holds<T>(property: fc.IRawProperty<T>): void {
  fc.assert(property, { seed: 20, endOnFailure: true });
}

/** Finite doubles from an interval. */
export function doubles(min: number, max: number): fc.Arbitrary<number> {
  return fc.double({ min, max, noNaN: true });
}

/** Vectors of doubles from an interval. */
export function vectors(length: number, min: number, max: number): fc.Arbitrary<number[]> {
  return fc.array(doubles(min, max), { minLength: length, maxLength: length });
}

/** True if f lies nowhere above its chord: f(t a + (1 − t) b) ≤ t f(a) + (1 − t) f(b), up to a share `rtol` for rounding. */
export function isBelowChord(
  f: (x: number) => number,
  [a, b, t]: readonly [a: number, b: number, t: number],
  rtol = 1e-12,
): boolean {
  const chord = t * f(a) + (1 - t) * f(b);
  return f(t * a + (1 - t) * b) <= chord + rtol * (1 + Math.abs(chord));
}
