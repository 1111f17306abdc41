/** What the four losses of a residual input − target (L1, MSE, SmoothL1, Huber) have in common. */
import { assert } from "@std/assert";
import { float32, type Tensor } from "@lossbook/losses";
import { assertClose } from "./_close.ts";
import { LONG } from "./_elementwise.ts";
import { type Build, call, forward, type LossLike, type Subject } from "./_loss.ts";
import { multiplied } from "./_naive.ts";
import { Random } from "./_random.ts";
import { floatsBetween } from "./_ulp.ts";

/** One of the four losses, with normally distributed inputs and targets. */
export function regression(loss: string, build: Build): Subject {
  return {
    loss,
    build,
    draw: (random, first, second = first) => ({
      input: random.tensor(first),
      target: random.tensor(second),
    }),
    wrt: ["input", "target"],
  };
}

/** Input and target whose residuals have a size between 0.1 and 3 times `kink`, but none near 0 or ± kink. */
export function pairAwayFrom(
  kink: number,
  shape: number[],
  seed: number,
): { input: Tensor; target: Tensor } {
  const random = new Random(seed);
  const target = random.tensor(shape);
  let at = 0;
  const residual = () => {
    const size = random.uniform() < 0.5 ? random.uniform(0.1, 0.9) : random.uniform(1.1, 3);
    return random.sign() * size * kink;
  };
  return { input: random.tensor(shape, () => target.data[at++] + residual()), target };
}

/** Compares value and gradient of one loss with `factor` times those of another. */
export function assertMultiple(
  loss: LossLike,
  other: LossLike,
  factor: number,
  rtol = 1e-14,
): void {
  const args = new Random(7).tensors(["input", "target"], [40]);
  const [found, base] = [call(loss, args), call(other, args)];
  const times = (tensor: Tensor) => multiplied(tensor, () => factor);
  assertClose(found.value, times(base.value), { rtol, atol: 0, context: "value" });
  assertClose(found.grad.input, times(base.grad.input), { rtol, atol: 0, context: "grad" });
}

/** The one prediction for all targets at which the gradient of a summed loss changes its sign, by bisection. */
export function minimiser(sum: LossLike, targets: number[]): number {
  let [low, high] = [Math.min(...targets), Math.max(...targets)];
  for (let i = 0; i < 60; i++) {
    const input = (low + high) / 2;
    if (call(sum, { input, target: targets }).grad.input.item() > 0) high = input;
    else low = input;
  }
  return low;
}

/** Residuals whose squares, halves and thirds are not exact in float32. */
const RESIDUALS = [0.1, 1 / 3, 1e-3, 0.9999999, 7.7, 123.456, -0.7, 3e-20];

/**
 * Equal residuals have an exact mean: the value of one of them. Adding 2^20 float32 numbers in float32 loses 0.5 % of it
 * (as tfjs and jax-js do); ours may lose the last digit.
 *
 * @param valueOf The loss of one residual, given its size as a float32.
 */
export function assertMeansExact(mean: LossLike, valueOf: (size: number) => number): void {
  for (const count of LONG) {
    const input = new Float32Array(count);
    const target = float32(new Float32Array(count));
    for (const residual of RESIDUALS) {
      input.fill(residual);
      const found = forward(mean, { input, target }).item();
      const wanted = Math.fround(valueOf(Math.abs(input[0])));
      const distance = floatsBetween(found, wanted, "float32");
      assert(distance <= 1, `mean of ${count} × ${residual}: ${found}, not ${wanted}`);
    }
  }
}
