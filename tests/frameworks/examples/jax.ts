/** How a model of jax-js is trained with a loss of this package: the loss gives the gradient that vjp pulls back. */
import { defaultDevice, init } from "@jax-js/jax";
import { assert } from "@std/assert";

// The wasm device starts workers that never end, which a test would wait for.
await init("cpu");
defaultDevice("cpu");

// begin
import { numpy as np, vjp } from "@jax-js/jax";
import { CrossEntropyLoss } from "@lossbook/losses";

const loss = new CrossEntropyLoss();
const weights = np.zeros([2, 3]);
const [logits, pull] = vjp((w: np.Array) => np.matmul(np.eye(2), w), [weights.ref]);
const scores = { data: await logits.data() as Float32Array, shape: logits.shape };
const { value, grad } = loss.valueAndGrad(scores, [2, 0]);
const [gradient] = pull(np.array(grad.input.toArray(2)));
assert(loss.forward(weights.sub(gradient).js(), [2, 0]).item() < value.item());
// end
pull.dispose();
