/** Gradient descent. */

import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { gradientDescent } from "../../notebooks/_kit/experiments/descent.ts";

const bowl = ([a, b]: number[]) => ({
  value: (a - 3) ** 2 + 2 * (b + 1) ** 2,
  grad: Float64Array.of(2 * (a - 3), 4 * (b + 1)),
});

describe("gradientDescent", () => {
  it("takes two steps as computed by hand", () => {
    const start = [0, 0];
    const { parameters, history, path } = gradientDescent(start, bowl, {
      learningRate: 0.25,
      steps: 2,
    });
    assertEquals(path, [[0, 0], [1.5, -1], [2.25, -1]]);
    assertEquals(history, [11, 2.25, 0.5625]);
    assertEquals(parameters, [2.25, -1]);
    assertEquals(start, [0, 0]);
  });

  it("finds the minimum", () => {
    const { parameters } = gradientDescent([0, 0], bowl, { learningRate: 0.2, steps: 200 });
    assertAlmostEquals(parameters[0], 3, 1e-12);
    assertAlmostEquals(parameters[1], -1, 1e-12);
  });

  it("reports a learning rate that is too large", () => {
    assertThrows(
      () => gradientDescent([0, 0], bowl, { learningRate: 10, steps: 2000 }),
      RangeError,
      "current learning rate is 10, try a smaller one",
    );
  });
});
