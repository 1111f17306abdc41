/** What the tests of the four regression losses share. */
import { assert } from "@std/assert";
import { float32, type Tensor } from "@lossbook/losses";
import { Random } from "./_numeric.ts";
import { floatsBetween } from "./_ulp.ts";

/** Residuals between 0.1 and 3 of either sign: none is 0, none near ± 1 times `kink`. */
export function residual(random: Random, kink: number): number {
  const size = random.uniform() < 0.5 ? random.uniform(0.1, 0.9) : random.uniform(1.1, 3);
  return random.sign() * size * kink;
}

/** Input and target whose residuals stay away from 0 and from ± kink. */
export function pairAwayFrom(
  kink: number,
  shape: number[],
  seed: number,
): { input: Tensor; target: Tensor } {
  const random = new Random(seed);
  const target = random.tensor(shape);
  const data = target.data;
  let at = 0;
  return { input: random.tensor(shape, () => data[at++] + residual(random, kink)), target };
}

/** Residuals whose squares, halves and thirds are not exact in float32. */
const RESIDUALS = [0.1, 1 / 3, 1e-3, 0.9999999, 7.7, 123.456, -0.7, 3e-20];

/**
 * Equal residuals have an exact mean: the value of one of them. Adding 2^20 float32 numbers up in float32 loses 0.5 % of it
 * (as tfjs and jax-js do); ours may lose the last digit.
 */
export function assertMeansExact(
  mean: { forward(input: Tensor, target: Tensor): Tensor },
  valueOf: (residual: number) => number,
): void {
  // A power of two; one less, so that the last vector is not full; and one tile with a single element more.
  for (const size of [2 ** 20, 2 ** 20 - 1, 8193]) {
    for (const residual of RESIDUALS) {
      const e = Math.fround(residual);
      const input = float32(new Float32Array(size).fill(e));
      const found = mean.forward(input, float32(new Float32Array(size))).item();
      const wanted = Math.fround(valueOf(e));
      const distance = floatsBetween(found, wanted, "float32");
      assert(distance <= 1, `mean of ${size} × ${residual}: ${found}, not ${wanted}`);
    }
  }
}

/** Same numbers up to rounding: for gradients and values that two formulas give. */
export function near(a: number, b: number, rtol = 1e-14, atol = 0): boolean {
  return Object.is(a, b) || a === b || Math.abs(a - b) <= atol + rtol * Math.abs(b);
}
