/** How a model of tfjs is trained with a loss of this package. */
import { assert } from "@std/assert";
import "@tensorflow/tfjs-backend-cpu";
import "@tensorflow/tfjs-layers";

// begin
import * as tf from "@tensorflow/tfjs-core"; // or "@tensorflow/tfjs"
import { CrossEntropyLoss } from "@lossbook/losses";
import { tfLoss } from "@lossbook/losses/tfjs";

const crossEntropy = tfLoss(tf, new CrossEntropyLoss({ labelSmoothing: 0.1 }));
const weights = tf.variable(tf.zeros<tf.Rank.R2>([2, 3]));
const cost = () => crossEntropy<tf.Scalar>(tf.matMul(tf.eye(2), weights), [2, 0]);
const first = tf.train.sgd(1).minimize(cost, true)!;
assert(cost().dataSync()[0] < first.dataSync()[0]);
// end
