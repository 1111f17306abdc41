/** What losses over rows of scores and class labels have in common. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import type { Tensor, TensorLike } from "@lossbook/losses";
import { call, forward, type LossLike } from "./_loss.ts";
import { Random } from "./_random.ts";

/** Sizes of scores that cross the border of a tile: many rows, two long rows, a row just longer than a tile, one class. */
export const ACROSS_TILES: readonly (readonly [rows: number, classes: number])[] = [
  [10_000, 3],
  [3, 70_001],
  [5, 4097],
  [9000, 1],
];

/**
 * Rows of scores for losses with a margin: on a grid of 0.2 and shifted by class, so that all differences stay 0.02 away from
 * the kinks at margins 1 and 0.7.
 */
export function scoresAwayFromKinks(shape: [rows: number, classes: number], seed: number): Tensor {
  const random = new Random(seed);
  let at = 0;
  return random.tensor(shape, () => 0.2 * random.below(15) + 0.02 * (1 + at++ % shape[1]));
}

/**
 * Checks that a loss of two samples and three classes refuses each of these labels for the second sample, and leaves buffers as
 * they were.
 *
 * @param message The error's message up to the place of the label.
 */
export function assertLabelsRefused(
  loss: LossLike,
  labels: readonly number[],
  message: string,
): void {
  const input = [[1, 2, 3], [4, 5, 6]];
  for (const label of labels) {
    const out = { input: new Float64Array(6).fill(7) };
    assertThrows(
      () => call(loss, { input, target: [0, label] }, { wrt: ["input"], out }),
      RangeError,
      `${message}: current value at [1] is ${label}`,
    );
    assert(out.input.every((x) => x === 7), `label ${label} was refused too late`);
  }
}

/** Checks that labels may come as a plain array or as a typed array of any integer type. */
export function assertAnyIntegers(loss: LossLike, input: TensorLike, labels: number[]): void {
  const wanted = forward(loss, { input, target: labels });
  for (const target of [new Uint8Array(labels), BigInt64Array.from(labels.map(BigInt))]) {
    assertEquals(forward(loss, { input, target }), wanted);
  }
}
