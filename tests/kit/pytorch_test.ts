/** The comparison of a loss with PyTorch's numbers. */

import { assertMatch, assertRejects } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import {
  HuberLoss,
  type HuberLossOptions,
  LinearCrossEntropyLoss,
  type LinearCrossEntropyLossOptions,
  type Tensor,
} from "@lossbook/losses";
import { matchPyTorch } from "../../notebooks/_kit/experiments/pytorch.ts";
import { outputsOf } from "./kernel_stub.ts";

const huber = (options: HuberLossOptions) => new HuberLoss(options);

/** A loss whose results are changed before they are returned. */
function altered(change: (value: Tensor, grad: Record<string, Tensor>) => void) {
  return (options: HuberLossOptions) => ({
    valueAndGrad(...args: never[]) {
      const call = huber(options).valueAndGrad as (...args: never[]) => {
        value: Tensor;
        grad: Record<string, Tensor>;
      };
      const result = call.apply(huber(options), args);
      change(result.value, result.grad);
      return result;
    },
  });
}

async function failure(change: Parameters<typeof altered>[0]): Promise<string> {
  return (await assertRejects(() => matchPyTorch("huber", altered(change)), Error)).message;
}

describe("matchPyTorch", () => {
  it("passes a loss that agrees with PyTorch", async () => {
    await matchPyTorch("huber", huber);
  });

  it("finds a wrong value, and a wrong gradient of one argument", async () => {
    const value = await failure(({ data }) => data[0] *= 1 + 1e-4);
    assertMatch(value, /^2 of 8 checks[^]*float32, value[^]*float64, value/);
    const grad = await failure((_, { target }) => target?.data.fill(0));
    assertMatch(grad, /^2 of 8 checks[^]*grad\.target/);
  });

  it("finds a number where PyTorch has NaN, and NaN where it has a number", async () => {
    assertMatch(
      await failure(({ data }) => {
        if (Number.isNaN(data[0])) data[0] = 0;
      }),
      /float64, value: \d+ numbers: got Infinity/,
    );
    assertMatch(await failure(({ data }) => data.fill(NaN)), /got Infinity/);
  });

  it("compares the selected cases, and says how many they are", async () => {
    const wrong = altered(({ data }) => data[0] *= 1 + 1e-4);
    const only = ({ dtype }: { dtype: string }) => dtype === "float32";
    const { message } = await assertRejects(() => matchPyTorch("huber", wrong, only), Error);
    assertMatch(message, /^1 of 4 checks[^]*float32, value/);
    assertMatch(message, / 的 \d+ 个算例中的 \d+ 个 · \d+ of \d+ cases of PyTorch/);
  });

  it("passes on the parameters of a loss with layers", async () => {
    const layer = (options: LinearCrossEntropyLossOptions) => new LinearCrossEntropyLoss(options);
    await matchPyTorch(
      "linear_cross_entropy",
      (options: LinearCrossEntropyLossOptions, given) => {
        const loss = layer(options);
        loss.setParameters(given);
        return loss;
      },
    );
    await assertRejects(() => matchPyTorch("linear_cross_entropy", layer), Error, "checks");
  });

  it("fails where there are no fixtures", async () => {
    await assertRejects(() => matchPyTorch("nothing", huber), Deno.errors.NotFound);
  });

  it("shows one line in both languages, with the table folded under it", async () => {
    const [output] = await outputsOf(() => matchPyTorch("huber", huber));
    assertMatch(
      output.data["text/plain"],
      /^✓ HuberLoss 与 PyTorch 2\.\d+\.\d+ 的 \d+ 个算例（8 项.*\d+ cases of PyTorch 2\.\d+\.\d+ \(8 checks/,
    );
    assertMatch(output.data["text/markdown"], /^<details>[^]*float64, grad\.target/);
  });
});
