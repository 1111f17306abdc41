/** What a weight for each element does: asked in the same words of every loss that has one. */
import { assertEquals, assertThrows } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { float32, float64, type TensorLike } from "@lossbook/losses";
import { assertClose, assertNear } from "./_close.ts";
import { call, forward, type Reduction, type Subject } from "./_loss.ts";
import { dot, multiplied, sum } from "./_naive.ts";
import { numericGradient } from "./_numeric.ts";
import { Random } from "./_random.ts";

/**
 * Registers the tests of a weight of the loss's own shape, which has a gradient.
 *
 * @param mean What a weighted mean is divided by.
 */
export function testElementWeight(
  { loss, build, draw }: Subject,
  { dividedBy }: { dividedBy: "the number of elements" | "the sum of the weights" },
): void {
  const random = new Random(6);
  const shape = [3, 5];
  const args = draw(random, shape);
  const weight = random.tensor(shape, () => random.uniform(0.1, 3));
  const value = (options: { reduction?: Reduction; weight?: TensorLike }) =>
    forward(build(options), args);
  const each = [...value({ reduction: "none" }).data];

  describe(`${loss} with a weight for each element`, () => {
    it(`multiplies values by it, and divides the mean by ${dividedBy}`, () => {
      const weighted = each.map((v, i) => v * weight.data[i]);
      assertEquals([...value({ weight, reduction: "none" }).data], weighted);
      assertNear(value({ weight, reduction: "sum" }).item(), sum(weighted));
      const denominator = dividedBy === "the sum of the weights" ? sum(weight.data) : 15;
      assertNear(value({ weight }).item(), sum(weighted) / denominator);
    });

    for (const reduction of ["none", "mean", "sum"] as const) {
      it(`has the gradient with respect to the weight that finite differences give, ${reduction}`, () => {
        const gradOutput = random.tensor(reduction === "none" ? shape : []);
        const { grad } = call(build({ reduction, weight }), args, { wrt: ["weight"], gradOutput });
        const data = numericGradient((w) => {
          const found = value({ reduction, weight: float64(w.slice(), shape) });
          return dot(found.data, gradOutput.data);
        }, weight.data);
        const tolerance = { rtol: 1e-9, atol: 1e-9, context: "grad.weight" };
        assertClose(grad.weight, { shape, data }, tolerance);
      });
    }

    it("takes every kind of numbers for it, and keeps the dtype of the arguments", () => {
      const wanted = value({ weight });
      assertEquals(value({ weight: weight.toArray() as number[][] }), wanted);
      assertEquals(value({ weight: { data: weight.data, dims: shape } }), wanted);
      const ones = { data: new BigInt64Array(15).fill(1n), shape };
      assertEquals(value({ weight: ones }), value({}));
      const narrow = draw(random, [1]);
      for (const name in narrow) narrow[name] = float32(narrow[name]);
      assertEquals(forward(build({ weight: float64([2]) }), narrow).dtype, "float32");
    });

    it("masks with zeros: a masked element has no part in the value and no gradient", () => {
      const mask = float64(Float64Array.from(weight.data, (w) => w < 1 ? 0 : 1), shape);
      const shown = each.filter((_, i) => mask.data[i] === 1);
      const { value, grad } = call(build({ weight: mask }), args);
      const denominator = dividedBy === "the sum of the weights" ? shown.length : 15;
      assertNear(value.item(), sum(shown) / denominator);
      for (const { data } of Object.values(grad)) {
        data.forEach((g, i) => assertEquals(g === 0, mask.data[i] === 0));
      }
    });

    it("refuses a weight of another shape than the loss, and one that is not a tensor", () => {
      const two = draw(random, [2]);
      assertThrows(
        () => forward(build({ weight: [1, 2, 3] }), two),
        RangeError,
        `Cannot compute ${loss} as weight must have the shape of the loss, (2,): ` +
          "current shape is (3,)",
      );
      assertThrows(() => forward(build({ weight: 2 }), two), RangeError, "current shape is ()");
      assertThrows(() => build({ weight: "1" as never }), TypeError, "Cannot read weight as it");
      assertThrows(() => build({ weight: [[1], [1, 2]] }), TypeError, "weight[1] must be an array");
    });
  });
}

/**
 * Registers the tests of a weight that is broadcast along the loss and is a constant. It counts for the value and the
 * gradients, but not in the denominator of the mean.
 */
export function testBroadcastWeight({ loss, build, draw, wrt }: Subject): void {
  const random = new Random(16);
  const shape = [3, 5];
  const args = draw(random, shape);
  const none = call(build({ reduction: "none" }), args, { wrt });

  describe(`${loss} with a weight`, () => {
    const weights: [name: string, shape: number[], index: (i: number) => number][] = [
      ["one for each element", [3, 5], (i) => i],
      ["one for each column", [5], (i) => i % 5],
      ["one for each row", [3, 1], (i) => Math.floor(i / 5)],
      ["one for all", [], () => 0],
    ];
    for (const [name, own, index] of weights) {
      it(`multiplies value and gradients by ${name}, and divides the mean by the number of elements`, () => {
        const weight = random.tensor(own, () => random.uniform(0.1, 3));
        const weightAt = (i: number) => weight.data[index(i)];
        const unreduced = call(build({ weight, reduction: "none" }), args, { wrt });
        const mean = call(build({ weight }), args, { wrt });
        const tolerance = { rtol: 1e-13, atol: 1e-14 };
        const weighted = multiplied(none.value, weightAt);
        assertClose(unreduced.value, weighted, { ...tolerance, context: "value" });
        assertNear(mean.value.item(), sum(weighted.data) / 15, { rtol: 1e-13 });
        for (const key of wrt) {
          const expected = multiplied(none.grad[key], (i) => weightAt(i) / 15);
          assertClose(mean.grad[key], expected, { ...tolerance, context: `grad.${key}` });
        }
      });
    }

    it("refuses a weight that cannot be broadcast to the loss, and one that is not a tensor", () => {
      for (const [weight, shown] of [[[[1], [2]], "(2, 1)"], [[1, 2, 3], "(3,)"]] as const) {
        assertThrows(
          () => call(build({ weight }), draw(random, [2])),
          RangeError,
          `Cannot compute ${loss} as weight must be repeatable along the shape of the loss, (2,): ` +
            `current shape is ${shown}`,
        );
      }
      assertThrows(() => build({ weight: "1" as never }), TypeError, "Cannot read weight as it");
    });

    it("refuses to differentiate with respect to it", () => {
      assertThrows(
        () => call(build({ weight: 2 }), args, { wrt: ["weight"] }),
        TypeError,
        `Cannot differentiate ${loss} with respect to "weight": wanted is one of ${wrt.join(", ")}`,
      );
    });
  });
}
