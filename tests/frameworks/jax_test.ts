/** Losses behind models of jax-js: vjp runs the model, and pulls the loss's gradient back through it. */
import { defaultDevice, init, nn, numpy as np, valueAndGrad, vjp } from "@jax-js/jax";
import { assert, assertEquals } from "@std/assert";
import { beforeAll, describe, it } from "@std/testing/bdd";
import { CrossEntropyLoss } from "@lossbook/losses";
import { TorchRandom } from "../reference/torch/random.ts";

const SAMPLES = 6;
const FEATURES = 4;
const CLASSES = 3;

describe("a loss behind a model of jax-js", () => {
  beforeAll(async () => {
    await init("cpu");
    defaultDevice("cpu");
  });

  it("gives the gradients that jax-js finds for its own softmax loss", async () => {
    const random = new TorchRandom(41);
    const draw = (...shape: number[]) =>
      np.array(Float32Array.from(random.randn(shape).data)).reshape(shape);
    const samples = draw(SAMPLES, FEATURES);
    const weights = draw(FEATURES, CLASSES);
    const labels = random.random([SAMPLES], "int32", CLASSES).data;
    const model = (w: np.Array) => np.tanh(np.matmul(samples.ref, w));

    const [logits, pull] = vjp(model, [weights.ref]);
    const { value, grad } = new CrossEntropyLoss().valueAndGrad(
      { data: await logits.data() as Float32Array, shape: logits.shape },
      labels,
    );
    const [gradient] = pull(np.array(grad.input.toArray(2)));

    const rows = Array.from(
      labels,
      (label) => Array.from({ length: CLASSES }, (_, c) => +(c === label)),
    );
    const own = valueAndGrad((w: np.Array) => {
      const scores = model(w);
      const right = np.sum(scores.ref.mul(np.array(rows)), 1);
      return np.mean(nn.logsumexp(scores, 1).sub(right));
    });
    const [expected, expectedGradient] = own(weights.ref);
    assert(Math.abs(value.item() - expected.js()) < 1e-6);
    const [ours, theirs] = [gradient.js().flat(), expectedGradient.js().flat()] as number[][];
    assertEquals(ours!.length, FEATURES * CLASSES);
    ours!.forEach((slope, i) => assert(Math.abs(slope - theirs![i]!) < 1e-6, `${ours} ${theirs}`));
  });
});
