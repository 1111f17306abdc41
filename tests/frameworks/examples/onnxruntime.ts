/** How what a model of onnxruntime returns is judged: its tensors are read as they are, int64 labels too. */
import { assertAlmostEquals } from "@std/assert";

// begin
import { Tensor } from "onnxruntime-common"; // or "onnxruntime-web", "onnxruntime-node"
import { CrossEntropyLoss } from "@lossbook/losses";

const { logits } = { logits: new Tensor("float32", [2, 0, 0, 1, 1, 1], [2, 3]) }; // session.run(…)
const labels = new Tensor("int64", [0n, 2n], [2]);
const loss = new CrossEntropyLoss({ reduction: "none" }).forward(logits, labels);
assertAlmostEquals(loss.toArray(1)[1]!, Math.log(3), 1e-6);
// end
