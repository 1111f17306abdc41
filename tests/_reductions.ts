/** How values become one number, and what that does to gradients: asked in the same words of every loss that reduces. */
import { assertEquals } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { float32, float64, type Tensor } from "@lossbook/losses";
import { assertClose, assertNear } from "./_close.ts";
import { call, forward, type Reduction, type Subject } from "./_loss.ts";
import { multiplied, sum } from "./_naive.ts";
import { Random } from "./_random.ts";

/** Which shapes to reduce. */
export interface Shapes {
  /** The shape of the first argument (default (3, 5)). */
  shape?: number[];
  /** Shapes without any number, and the shapes of their values. */
  empty?: readonly (readonly [shape: number[], value: number[]])[];
}

/** Registers the tests of reduction "none", "mean" and "sum", of upstream gradients, and of empty batches. */
export function testReductions(
  { loss, build, draw, wrt }: Subject,
  { shape = [3, 5], empty = [[[0], [0]], [[2, 0, 3], [2, 0, 3]]] }: Shapes = {},
): void {
  const random = new Random(6);
  const args = draw(random, shape);
  const by = (reduction: Reduction) => build({ reduction });
  const none = call(by("none"), args, { wrt });
  const count = none.value.data.length;

  describe(`${loss} reduced over (${shape.join(", ")})`, () => {
    it("adds up or averages the unreduced values, and averages by default", () => {
      const total = sum(none.value.data);
      assertNear(forward(by("sum"), args).item(), total);
      assertNear(forward(by("mean"), args).item(), total / count);
      assertEquals(forward(build(), args), forward(by("mean"), args));
    });

    it("multiplies gradients by the upstream gradient, one for each value or one for all", () => {
      const upstream = random.tensor(none.value.shape);
      const unreduced = call(by("none"), args, { wrt, gradOutput: upstream });
      const [total, mean, same] = [
        call(by("sum"), args, { wrt, gradOutput: -4 }),
        call(by("mean"), args, { wrt, gradOutput: -4 }),
        call(by("mean"), args, { wrt, gradOutput: float64(-4) }),
      ];
      for (const name of wrt) {
        const each = none.grad[name];
        const perValue = each.data.length / count;
        // An absolute part, as the gradients of two terms may cancel.
        const tolerance = { rtol: 1e-14, atol: 1e-15, context: `grad.${name}` };
        const scaled = multiplied(each, (i) => upstream.data[Math.floor(i / perValue)]);
        assertClose(unreduced.grad[name], scaled, tolerance);
        assertClose(total.grad[name], multiplied(each, () => -4), tolerance);
        assertClose(mean.grad[name], multiplied(each, () => -4 / count), tolerance);
        assertEquals(same.grad[name], mean.grad[name]);
      }
    });

    it("gives an empty batch the mean NaN and the sum 0", () => {
      for (const [shape, valueShape] of empty) {
        for (const dtype of ["float32", "float64"] as const) {
          const nothing = inType(dtype, draw(random, shape));
          const [none, mean, total] = (["none", "mean", "sum"] as const)
            .map((reduction) => call(by(reduction), nothing, { wrt: [wrt[0]] }));
          assertEquals([mean.value.item(), total.value.item()], [NaN, 0]);
          assertEquals(none.value.shape, valueShape);
          for (const { value, grad } of [none, mean, total]) {
            assertEquals([value.dtype, grad[wrt[0]].dtype], [dtype, dtype]);
            assertEquals(grad[wrt[0]].shape, shape);
          }
        }
      }
    });
  });
}

/** Arguments whose floats have another type; labels stay int32. */
function inType(
  dtype: "float32" | "float64",
  args: Record<string, Tensor>,
): Record<string, Tensor> {
  const cast = (tensor: Tensor) =>
    tensor.dtype === "int32" || dtype === "float64" ? tensor : float32(tensor);
  return Object.fromEntries(Object.entries(args).map(([name, tensor]) => [name, cast(tensor)]));
}
