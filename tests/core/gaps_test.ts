/** What mutants of the package survived before these tests were there: small things between the large ones. */
import { assert, assertEquals } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { CTCLoss, float32, float64, logSoftmax, softmax } from "@lossbook/losses";
import { Formula } from "@lossbook/losses/formula";

describe("the text of a derivative", () => {
  for (const sign of ["<", "<=", ">", ">=", "==", "!="]) {
    it(`has no parentheses around sums beside ${sign}`, () => {
      const { text } = new Formula(`x + y ${sign} y - 1 ? 2 * x : y`).derivative("x");
      assertEquals(text, `x + y ${sign} y - 1 ? 2 : 0`);
    });
  }
});

describe("CTCLoss of logits over more frames than fit into a tile", () => {
  it("has the gradient of log-probabilities, led on through the softmax", () => {
    const [frames, samples, classes] = [70, 60, 5];
    const scores = Float64Array.from(
      { length: frames * samples * classes },
      (_, i) => 3 * Math.sin(i * i),
    );
    const logits = float64(scores, [frames, samples, classes]);
    const targets = Array.from({ length: samples }, (_, b) => [1 + b % 4, 1 + b % 3]);
    const lengths = [new Array(samples).fill(frames), new Array(samples).fill(2)] as const;
    const p = softmax(logits, { dim: 2 });
    const fused = new CTCLoss({ logits: true }).valueAndGrad(logits, targets, ...lengths);
    const plain = new CTCLoss().valueAndGrad(logSoftmax(logits, { dim: 2 }), targets, ...lengths);
    assert(Math.abs(fused.value.item() - plain.value.item()) <= 1e-12 * plain.value.item());
    // The mean divides by the samples and their labels.
    const share = 1 / (samples * 2);
    fused.grad.logits.data.forEach((slope, i) => {
      const wanted = share * p.data[i] + plain.grad.logProbs.data[i];
      assert(Math.abs(slope - wanted) <= 1e-13, `${slope} at ${i}, not ${wanted}`);
    });
    // Nothing depends on what stands in other samples.
    const one = float64(
      Float64Array.from(
        { length: frames * classes },
        (_, i) => logits.data[Math.floor(i / classes) * samples * classes + i % classes],
      ),
      [frames, 1, classes],
    );
    const alone = new CTCLoss({ logits: true, reduction: "none" })
      .valueAndGrad(one, targets.slice(0, 1), [frames], [2]);
    const all = new CTCLoss({ logits: true, reduction: "none" })
      .valueAndGrad(logits, targets, ...lengths);
    assertEquals(alone.value.data[0], all.value.data[0]);
  });
});

describe("a tensor that is printed", () => {
  it("rounds an exact tie to the even digit, as PyTorch does", () => {
    // Multiples of 2^-5 end in 5 at the fifth digit.
    assertEquals(`${float32([1 / 32, 3 / 32, -1 / 32])}`, "tensor([ 0.0312,  0.0938, -0.0312])");
  });
});
