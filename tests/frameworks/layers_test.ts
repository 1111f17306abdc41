/** tfLoss as the loss of models of tfjs-layers, trained by model.fit. */
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { beforeAll, describe, it } from "@std/testing/bdd";
import {
  BCELoss,
  CrossEntropyLoss,
  HuberLoss,
  LinearCrossEntropyLoss,
  MSELoss,
  MultiLabelMarginLoss,
  NLLLoss,
  TripletMarginLoss,
} from "@lossbook/losses";
import { tfLoss } from "@lossbook/losses/tfjs";
import { TorchRandom } from "../reference/torch/random.ts";
import { BACKENDS, numbersOf, tensorsLeft, tf, tfl, useBackend } from "./_tf.ts";

type LayersLoss = (yTrue: tf.Tensor, yPred: tf.Tensor) => tf.Tensor;

const SAMPLES = 90;
const FEATURES = 4;
const CLASSES = 3;
const EPOCHS = 12;

/** Three overlapping clusters: samples, and the class of each. */
function clusters(): { samples: tf.Tensor2D; labels: tf.Tensor1D } {
  const random = new TorchRandom(31);
  const labels = Int32Array.from({ length: SAMPLES }, (_, r) => r % CLASSES);
  const { data } = random.randn([SAMPLES, FEATURES]);
  for (let r = 0; r < SAMPLES; r++) data[r * FEATURES + labels[r]!]! += 1.5;
  return {
    samples: tf.tensor2d(data, [SAMPLES, FEATURES]),
    labels: tf.tensor1d(labels, "int32"),
  };
}

/** One dense layer, always with the same first weights. */
function model(units: number): tfl.Sequential {
  const kernelInitializer = tfl.initializers.glorotUniform({ seed: 1 });
  return tfl.sequential({
    layers: [
      tfl.layers.dense({ units, inputShape: [FEATURES], kernelInitializer }),
    ],
  });
}

/** The losses of some epochs of training, always with the same batches. */
async function history(
  loss: LayersLoss | string,
  x: tf.Tensor2D,
  y: tf.Tensor,
  options: tfl.ModelFitArgs & { readonly units?: number } = {},
): Promise<number[]> {
  const { units = CLASSES, ...rest } = options;
  const trained = model(units);
  const optimizer = tf.train.sgd(0.3);
  trained.compile({ optimizer, loss });
  const args = { epochs: EPOCHS, batchSize: 32, shuffle: false, verbose: 0, ...rest } as const;
  const { history } = await trained.fit(x, y, args);
  trained.dispose();
  optimizer.dispose();
  return history.loss as number[];
}

/** Asserts that two trainings went the same way, to five digits, and down. */
function assertSameTraining(actual: number[], expected: number[]): void {
  assertEquals(actual.length, EPOCHS);
  assert(actual.at(-1)! < actual[0]!);
  for (const [epoch, loss] of actual.entries()) {
    assert(Math.abs(loss - expected[epoch]!) < 1e-5 * expected[epoch]!, `${actual} ${expected}`);
  }
}

for (const backend of BACKENDS) {
  describe(`in model.fit on the ${backend} backend, tfLoss`, () => {
    beforeAll(() => useBackend(backend));

    it("trains a classifier like the softmax loss of tfjs", async () => {
      const { samples, labels } = clusters();
      const ours = tfLoss(tf, new CrossEntropyLoss()).layers;
      const rows = tf.oneHot(labels, CLASSES);
      const theirs = await history(
        (yTrue, yPred) => tf.losses.softmaxCrossEntropy(yTrue, yPred),
        samples,
        rows,
      );
      assertSameTraining(await history(ours, samples, rows), theirs);
      assertSameTraining(await history(ours, samples, tf.cast(rows, "float32")), theirs);
    });

    it("trains a regression like the loss of tfjs", async () => {
      const { samples, labels } = clusters();
      const y = tf.reshape(tf.cast(labels, "float32"), [SAMPLES, 1]);
      assertSameTraining(
        await history(tfLoss(tf, new MSELoss()).layers, samples, y, { units: 1 }),
        await history("meanSquaredError", samples, y, { units: 1 }),
      );
      assertSameTraining(
        await history(tfLoss(tf, new HuberLoss()).layers, samples, y, { units: 1 }),
        await history((y, x) => tf.losses.huberLoss(y, x), samples, y, { units: 1 }),
      );
    });

    it("keeps nothing after training", async () => {
      const { samples, labels } = clusters();
      const rows = tf.oneHot(labels, CLASSES);
      const { layers } = tfLoss(tf, new MSELoss({ reduction: "none" }));
      const matrix = tf.ones([SAMPLES, CLASSES]);
      // What tfjs-layers makes once and keeps.
      await history(layers, samples, rows);
      const before = tf.memory().numTensors;
      await history(layers, samples, rows);
      assertEquals(tf.memory().numTensors, before);
      assertEquals(tensorsLeft(() => void layers(rows, matrix)), 1);
    });
  });
}

describe("tfLoss(…).layers", () => {
  beforeAll(() => useBackend("cpu"));

  it("keeps one value per sample with reduction none, so that weights of samples count", async () => {
    const { samples, labels } = clusters();
    const rows = tf.oneHot(labels, CLASSES);
    const classWeight = { 0: 1, 1: 5, 2: 0.5 };
    const none = tfLoss(tf, new CrossEntropyLoss({ reduction: "none" })).layers;
    const trained = await history(none, samples, rows, { classWeight });
    // The class weights of PyTorch's loss do the same, but its mean is divided by their sum.
    const summed = tfLoss(tf, new CrossEntropyLoss({ weight: [1, 5, 0.5], reduction: "none" }));
    assertSameTraining(
      trained,
      await history((yTrue, yPred) => summed(yPred, tf.argMax(yTrue, -1)), samples, rows),
    );
    const plain = await history(none, samples, rows);
    assert(Math.abs(plain[0]! - trained[0]!) > 0.1);

    const matrix = tf.ones([SAMPLES, CLASSES]);
    const each = tfLoss(tf, new MSELoss({ reduction: "none" })).layers(
      matrix,
      tf.zeros([SAMPLES, CLASSES]),
    );
    assertEquals([each.shape, numbersOf(each)], [[SAMPLES], Array(SAMPLES).fill(1)]);
  });

  it("is a metric as well", async () => {
    const { samples, labels } = clusters();
    const rows = tf.oneHot(labels, CLASSES);
    const { layers } = tfLoss(tf, new CrossEntropyLoss());
    const trained = model(CLASSES);
    trained.compile({ optimizer: "sgd", loss: layers, metrics: [layers] });
    const { history } = await trained.fit(samples, rows, { epochs: 1, verbose: 0 });
    const [loss, metric] = Object.values(history) as number[][];
    assertEquals(metric, loss);
  });

  it("takes labels that Layers made float32", () => {
    const targets = [[2, 0, -1], [1, -1, -1]];
    const loss = new MultiLabelMarginLoss();
    const scores = [[0.1, 0.2, 0.4], [0.8, -0.3, 0.5]];
    const value = tfLoss(tf, loss).layers(tf.tensor2d(targets), tf.tensor2d(scores));
    assertEquals(numbersOf(value), [Math.fround(loss.forward(scores, targets).item())]);
  });

  it("says what to write where a loss wants labels", async () => {
    const { samples, labels } = clusters();
    const rows = tf.oneHot(labels, CLASSES);
    const f = tfLoss(tf, new NLLLoss());
    await assertRejects(
      () => history(f.layers, samples, rows),
      RangeError,
      "write loss: (yTrue, yPred) => f(yPred, tf.argMax(yTrue, -1))",
    );
    const logSoftmax = (yPred: tf.Tensor) => tf.logSoftmax(yPred as tf.Tensor2D);
    assertSameTraining(
      await history(
        (yTrue, yPred) => f(logSoftmax(yPred), tf.argMax(yTrue, -1)),
        samples,
        rows,
      ),
      await history(tfLoss(tf, new CrossEntropyLoss()).layers, samples, rows),
    );
  });

  it("hands on other errors as they are", () => {
    const { layers } = tfLoss(tf, new BCELoss());
    const error = assertThrows(() => layers(tf.tensor1d([2]), tf.tensor1d([0.5])), RangeError);
    assertEquals(error.message.includes("Layers"), false);
  });

  it("is refused where model.fit could not train", () => {
    const triplet = tfLoss(tf, new TripletMarginLoss()) as unknown as { layers: unknown };
    assertThrows(
      () => triplet.layers,
      TypeError,
      "Cannot make a loss for Layers as its arguments must be a prediction and a target, use optimizer.minimize: current arguments are anchor, positive, negative",
    );
    const linear = tfLoss(tf, new LinearCrossEntropyLoss({ inFeatures: 2, numClasses: 2 }));
    assertThrows(
      () => (linear as unknown as { layers: unknown }).layers,
      TypeError,
      "Cannot make a loss for Layers as model.fit would not train its parameters: use optimizer.minimize",
    );
    tf.dispose(linear.parameters);
  });
});
