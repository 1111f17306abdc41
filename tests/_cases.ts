/** Runs the document's examples (tests/reference/cases) against a loss. */
import { assertEquals } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { float64, type NestedArray, type Tensor } from "@lossbook/losses";
import { assertClose } from "./_close.ts";
import { TOLERANCE } from "./_fixtures.ts";
import { call, type LossLike } from "./_loss.ts";
import { type Case, printedBy } from "./reference/cases/_case.ts";

/** Registers one test for each example: its value, its gradients, and every character that was printed. */
export function testCases<Options extends object>(
  cases: readonly Case<Options>[],
  build: (options: Options) => LossLike,
): void {
  describe("the document's examples", () => {
    for (const example of cases) {
      const { name, place, code, options, args, byHand } = example;
      it(`${place}: ${code} — ${name}`, () => {
        const wrt = Object.keys(example.grad ?? {});
        const { value, grad } = call(build(options), args, { wrt });
        if (example.printed !== undefined) {
          assertEquals(printedBy(example, value), example.printed);
        }
        if (example.value !== undefined) assertTensor("value", value, example.value);
        for (const [key, wanted] of Object.entries(example.grad ?? {})) {
          assertTensor(`grad.${key}`, grad[key], wanted);
        }
        if (byHand) assertEquals(String(byHand.value), byHand.printed, byHand.code);
      });
    }
  });
}

function assertTensor(context: string, actual: Tensor, wanted: number | NestedArray): void {
  const tolerance = TOLERANCE[actual.dtype === "float32" ? "float32" : "float64"];
  assertClose(actual, float64(wanted), { ...tolerance, context });
}
