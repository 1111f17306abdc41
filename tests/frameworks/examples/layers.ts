/** How a model of tfjs-layers is trained with a loss of this package. */
import { assert } from "@std/assert";
import "@tensorflow/tfjs-backend-cpu";

// begin
import * as tf from "@tensorflow/tfjs-core";
import * as tfl from "@tensorflow/tfjs-layers";
import { CrossEntropyLoss } from "@lossbook/losses";
import { tfLoss } from "@lossbook/losses/tfjs";

const model = tfl.sequential({ layers: [tfl.layers.dense({ units: 3, inputShape: [2] })] });
model.compile({ optimizer: "sgd", loss: tfLoss(tf, new CrossEntropyLoss()).layers });
const labels = tf.oneHot([2, 0], 3); // Layers wants targets of the output's shape
const { history } = await model.fit(tf.eye(2), labels, { epochs: 5, verbose: 0 });
assert(history.loss[4]! < history.loss[0]!);
// end
