/** tfLoss: losses inside of tfjs, value and gradient, on the real package. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { beforeAll, describe, it } from "@std/testing/bdd";
import {
  AdaptiveLogSoftmaxWithLoss,
  CrossEntropyLoss,
  CTCLoss,
  defineLoss,
  float32,
  HuberLoss,
  int32,
  LinearCrossEntropyLoss,
  MSELoss,
  type Reduction,
  TripletMarginLoss,
} from "@lossbook/losses";
import { tfLoss } from "@lossbook/losses/tfjs";
import { TorchRandom } from "../reference/torch/random.ts";
import { answerOf, type Argument, LOSS_NAMES, lossCalls } from "./_losses.ts";
import { BACKENDS, numbersOf, tensorsLeft, tf, useBackend } from "./_tf.ts";

/** An argument as a tensor of tfjs. */
function tensorOf({ data, shape }: Argument): tf.Tensor {
  return tf.tensor(data, [...shape], data instanceof Int32Array ? "int32" : "float32");
}

/** The largest difference between two lists, as a share of the largest number. */
function relativeError(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  assertEquals(actual.length, expected.length);
  const scale = Math.max(...Array.from(expected, Math.abs));
  return Math.max(...Array.from(expected, (x, i) => Math.abs(x - actual[i]!))) / scale;
}

/** What float32 sums in another order may differ by. */
const FLOAT32 = 2e-6;

for (const backend of BACKENDS) {
  describe(`on the ${backend} backend, tfLoss`, () => {
    beforeAll(() => useBackend(backend));

    for (const { name, make, args } of lossCalls()) {
      for (const reduction of ["mean", "sum", "none"] as Reduction[]) {
        it(`gives value and gradients of ${name}, ${reduction}`, () => {
          const loss = make(reduction);
          const f = tfLoss(tf, loss);
          const tensors = args.map(tensorOf);
          const expected = loss.forward(...args);
          const value = f(...tensors);
          assertEquals([numbersOf(value), value.shape], [[...expected.data], expected.shape]);

          const upstream = new TorchRandom(3).randn(expected.shape);
          const weighted = (xs: readonly tf.Tensor[]) =>
            tf.sum(tf.mul(f(...xs), tensorOf(upstream)));
          let gradients = 0;
          args.forEach(({ data }, i) => {
            const along = (x: tf.Tensor) => weighted(tensors.map((own, k) => k === i ? x : own));
            const gradient = () => tf.grad(along)(tensors[i]!);
            if (data instanceof Int32Array) {
              assertEquals(numbersOf(gradient()), Array.from(data, () => 0));
              return;
            }
            const wanted = answerOf(loss, args, loss.argumentNames[i]!, upstream);
            if (wanted instanceof Error) assertThrows(gradient, TypeError, wanted.message);
            else {
              assertEquals(numbersOf(gradient()), [...wanted.data], loss.argumentNames[i]);
              gradients++;
            }
          });
          assert(gradients > 0);
        });
      }
    }

    it("gives all gradients at once", () => {
      const random = new TorchRandom(5);
      const args = [random.randn([4, 3]), random.randn([4, 3])];
      const loss = new HuberLoss();
      const f = tfLoss(tf, loss);
      const { value, grads } = tf.valueAndGrads((x, y) => f(x!, y!))(args.map(tensorOf));
      const { grad } = loss.valueAndGrad(args[0]!, args[1]!, { wrt: ["input", "target"] });
      assertEquals(grads.map(numbersOf), [[...grad.input.data], [...grad.target.data]]);
      assertEquals(numbersOf(value), [loss.forward(args[0]!, args[1]!).item()]);
    });

    it("agrees with the losses of tfjs", () => {
      const random = new TorchRandom(11);
      const x = tensorOf(random.randn([16, 5])) as tf.Tensor2D;
      const y = tensorOf(random.randn([16, 5])) as tf.Tensor2D;
      const hot = tf.oneHot(tensorOf(random.random([16], "int32", 5)) as tf.Tensor1D, 5);
      const pairs: [ours: (x: tf.Tensor) => tf.Tensor, theirs: (x: tf.Tensor) => tf.Tensor][] = [
        [
          (x) => tfLoss(tf, new CrossEntropyLoss())(x, hot),
          (x) => tf.losses.softmaxCrossEntropy(hot, x),
        ],
        [(x) => tfLoss(tf, new MSELoss())(x, y), (x) => tf.losses.meanSquaredError(y, x)],
        [
          (x) => tfLoss(tf, new HuberLoss({ delta: 0.5 }))(x, y),
          (x) => tf.losses.huberLoss(y, x, undefined, 0.5),
        ],
      ];
      for (const [ours, theirs] of pairs) {
        assert(relativeError(numbersOf(ours(x)), numbersOf(theirs(x))) < FLOAT32);
        const gradients = [ours, theirs].map((f) => numbersOf(tf.grad(f)(x)));
        assert(relativeError(gradients[0]!, gradients[1]!) < FLOAT32);
      }
    });

    it("is a part of larger expressions", () => {
      const random = new TorchRandom(13);
      const [samples, labels] = [random.randn([6, 4]), random.random([6], "int32", 3)];
      const start = random.randn([4, 3]);
      const [x, y] = [tensorOf(samples) as tf.Tensor2D, tensorOf(labels) as tf.Tensor1D];
      const weights = tf.variable(tensorOf(start) as tf.Tensor2D);
      const f = tfLoss(tf, new CrossEntropyLoss());
      const total = (loss: () => tf.Tensor) => (): tf.Scalar =>
        tf.add(tf.mul(0.5, loss()), tf.mul(0.01, tf.sum(tf.square(weights))));
      const ours = tf.variableGrads(total(() => f(tf.matMul(x, weights), y)));
      const theirs = tf.variableGrads(
        total(() => tf.losses.softmaxCrossEntropy(tf.oneHot(y, 3), tf.matMul(x, weights))),
      );
      const [own, other] = [ours, theirs].map(({ grads }) => numbersOf(grads[weights.name]!));
      assert(relativeError(own!, other!) < FLOAT32);
      weights.dispose();
    });

    it("trains with an optimizer", () => {
      const x = tf.tensor2d([[1, 0], [0, 1]]);
      const weights = tf.variable(tf.zeros<tf.Rank.R2>([2, 3]));
      const f = tfLoss(tf, new CrossEntropyLoss());
      const optimizer = tf.train.sgd(1);
      const step = () =>
        numbersOf(optimizer.minimize(() => f(tf.matMul(x, weights), [2, 0]), true)!)[0]!;
      const costs = Array.from({ length: 20 }, step);
      assertEquals(costs[0], Math.fround(Math.log(3)));
      assert(costs.every((cost, i) => i === 0 || cost < costs[i - 1]!));
      weights.dispose();
    });

    it("leaves no tensors but those that it returns", () => {
      const random = new TorchRandom(17);
      const [x, y] = [random.randn([4, 3]), random.randn([4, 3])].map(tensorOf) as [
        tf.Tensor,
        tf.Tensor,
      ];
      for (const reduction of ["mean", "none"] as const) {
        const f = tfLoss(tf, new MSELoss({ reduction }));
        assertEquals(tensorsLeft(() => f(x, y)), 1);
        const both = tf.grads((x, y) => tf.sum(f(x!, y!)));
        assertEquals(tensorsLeft(() => both([x, y])), 2);
        assertEquals(tensorsLeft(() => tf.grad((x) => tf.sum(f(x, y)))(x)), 1);
      }
      const f = tfLoss(tf, new CrossEntropyLoss());
      const fails = () => f(x, [0, 1, 2, 3]);
      assertEquals(tensorsLeft(() => void assertThrows(fails, RangeError)), 0);
      assertEquals(tensorsLeft(() => void assertThrows(() => tf.grad(fails)(x), RangeError)), 0);
      const weights = tf.variable(x);
      const optimizer = tf.train.sgd(0.1);
      assertEquals(
        tensorsLeft(() => void optimizer.minimize(() => f(weights, [0, 1, 2, 0]))),
        0,
      );
      weights.dispose();
    });

    it("trains the parameters of LinearCrossEntropyLoss as variables", () => {
      const random = new TorchRandom(19);
      const [samples, labels] = [random.randn([6, 4]), random.random([6], "int32", 3)];
      const layer = { "linear.weight": random.randn([3, 4]), "linear.bias": random.randn([3]) };
      const loss = new LinearCrossEntropyLoss({ inFeatures: 4, numClasses: 3, bias: true });
      loss.setParameters(layer);
      const before = tf.memory().numTensors;
      const f = tfLoss(tf, loss);
      assertEquals(Object.keys(f.parameters), ["linear.weight", "linear.bias"]);
      assertEquals(tf.memory().numTensors - before, 2);

      const [x, y] = [tensorOf(samples), tensorOf(labels)];
      const { value, grads } = tf.variableGrads(() => f(x, y));
      const expected = loss.valueAndGrad(samples, labels, {
        wrt: ["linear.weight", "linear.bias", "input"],
      });
      assertEquals(numbersOf(value), [expected.value.item()]);
      for (const name of ["linear.weight", "linear.bias"] as const) {
        assertEquals(numbersOf(grads[f.parameters[name]!.name]!), [...expected.grad[name].data]);
      }
      assertEquals(
        numbersOf(tf.grad((x) => f(x, y))(x)),
        [...expected.grad.input.data],
      );

      // One step by hand, and what the loss knows of it.
      tf.train.sgd(0.5).minimize(() => f(x, y));
      f.writeBack();
      const stepped = Float32Array.from(
        layer["linear.weight"].data,
        (w, i) => w - Math.fround(0.5 * expected.grad["linear.weight"].data[i]!),
      );
      assertEquals(loss.parameters["linear.weight"]!.data, stepped);
      assertEquals(numbersOf(f(x, y)), [loss.forward(samples, labels).item()]);

      assertEquals(tensorsLeft(() => tf.dispose(f.parameters)), -2);
    });

    it("trains AdaptiveLogSoftmaxWithLoss", () => {
      const random = new TorchRandom(23);
      const samples = random.randn([8, 4]);
      const labels = int32([0, 1, 2, 3, 4, 5, 6, 7]);
      const loss = new AdaptiveLogSoftmaxWithLoss({
        inFeatures: 4,
        nClasses: 8,
        cutoffs: [2, 5],
        divValue: 2,
        random: () => random.rand([1], "float64").data[0]!,
      });
      const f = tfLoss(tf, loss);
      const { value: first, grad } = loss.valueAndGrad(samples, labels);
      const { value, grads } = tf.variableGrads(() => f(tensorOf(samples), labels));
      assertEquals(numbersOf(value), [first.item()]);
      for (const [name, variable] of Object.entries(f.parameters)) {
        const expected = (grad as Record<string, { data: ArrayLike<number> }>)[name]!.data;
        assertEquals(numbersOf(grads[variable.name]!), Array.from(expected), name);
      }
      const optimizer = tf.train.adam(0.1);
      for (let step = 0; step < 60; step++) {
        optimizer.minimize(() => f(tensorOf(samples), labels));
      }
      f.writeBack();
      assert(loss.forward(samples, labels).loss.item() < first.item() / 4);
      optimizer.dispose();
      tf.dispose(f.parameters);
    });

    it("refuses second derivatives, also of a part", () => {
      const f = tfLoss(tf, new MSELoss());
      const x = tf.tensor1d([1, 2, 3]);
      const gradient = tf.grad((x: tf.Tensor) => f(x, [0, 0, 0]));
      const message = "Cannot differentiate the loss twice";
      assertThrows(() => tf.grad((x) => tf.sum(gradient(x)))(x), TypeError, message);
      const target = tf.grads((x, y) => f(x!, y!));
      assertThrows(
        () => tf.grad((y) => tf.sum(target([x, y])[0]!))(tf.tensor1d([3, 2, 1])),
        TypeError,
        message,
      );
      // The gradient may stand beside the value, as long as nobody asks for its derivative.
      const beside = tf.grad((x) => tf.add(f(x, [0, 0, 0]), tf.mul(0, tf.sum(tf.square(x)))));
      assertEquals(numbersOf(beside(x)), numbersOf(gradient(x)));
    });
  });
}

describe("tfLoss", () => {
  beforeAll(() => useBackend("cpu"));
  const logits = () => tf.tensor2d([[1, 2, 3], [3, 1, 0]]);

  it("is tried with every loss", () => {
    const tried = lossCalls().map(({ name }) => name);
    const withParameters = ["AdaptiveLogSoftmaxWithLoss", "LinearCrossEntropyLoss"];
    assertEquals(
      LOSS_NAMES.filter((name) => !tried.includes(name) && !withParameters.includes(name)),
      [],
    );
  });

  it("takes labels as float32, and one-hot rows as int32", () => {
    const f = tfLoss(tf, new CrossEntropyLoss());
    const expected = numbersOf(f(logits(), tf.tensor1d([2, 0], "int32")));
    assertEquals(numbersOf(f(logits(), tf.tensor1d([2, 0]))), expected);
    assertEquals(numbersOf(f(logits(), tf.oneHot([2, 0], 3))), expected);
    assertEquals(numbersOf(f(logits(), tf.cast(tf.oneHot([2, 0], 3), "bool"))), expected);
    // Whole numbers among the parameters stay what they are.
    const linear = new LinearCrossEntropyLoss({ inFeatures: 3, numClasses: 3 });
    linear.setParameters({ "linear.weight": [[1, 0, 0], [0, 1, 0], [0, 0, 1]] });
    const g = tfLoss(tf, linear);
    assertEquals(numbersOf(g(logits(), tf.tensor1d([2, 0]))), expected);
    tf.dispose(g.parameters);
    assertThrows(
      () => f(logits(), tf.tensor1d([0.5, 0])),
      TypeError,
      "Cannot compute CrossEntropyLoss as target must be int32: current dtype is float32",
    );
  });

  it("takes what is no tensor of tfjs as a constant", () => {
    const ctc = new CTCLoss({ logits: true });
    const scores = new TorchRandom(29).randn([5, 1, 4]);
    const f = tfLoss(tf, ctc);
    const { value, grad } = ctc.valueAndGrad(scores, [1, 2], 5, 2);
    const x = tensorOf(scores);
    assertEquals(numbersOf(f(x, [1, 2], 5, 2)), [value.item()]);
    assertEquals(numbersOf(tf.grad((x) => f(x, [1, 2], 5, 2))(x)), [...grad.logits.data]);
    assertEquals(numbersOf(f(float32(scores), [1, 2], 5, 2)), [value.item()]);
    const mse = tfLoss(tf, new MSELoss());
    const toTarget = tf.grad((y) => mse([1, 2], y));
    assertEquals(numbersOf(toTarget(tf.tensor1d([0, 0]))), [-1, -2]);
    // Without any tensor of tfjs, and in float64, the loss is a float32 tensor of tfjs all the same.
    const constant = mse([1, 2], [0, 0.1]);
    assertEquals([constant.dtype, ...numbersOf(constant)], ["float32", Math.fround(4.61 / 2)]);
  });

  it("takes losses of one's own, element by element and by rows", () => {
    const FocalLoss = defineLoss({
      name: "FocalLoss",
      arguments: { input: "x", target: "y" },
      options: { gamma: 2 },
      value:
        "y * pow(1 - sigmoid(x), gamma) * softplus(-x) + (1 - y) * pow(sigmoid(x), gamma) * softplus(x)",
    });
    const DiceLoss = defineLoss({
      name: "DiceLoss",
      arguments: { input: "x", target: "y" },
      rows: { both: "sum(x * y)", all: "sum(x + y)" },
      value: "1 - 2 * both / all",
    });
    const random = new TorchRandom(43);
    const [x, y] = [random.rand([4, 3]), random.rand([4, 3])];
    for (const loss of [new FocalLoss({ gamma: 1.5 }), new DiceLoss({ reduction: "sum" })]) {
      const f = tfLoss(tf, loss);
      const { value, grad } = loss.valueAndGrad(x, y, { wrt: ["input", "target"] });
      const both = tf.valueAndGrads((x, y) => f(x!, y!))([tensorOf(x), tensorOf(y)]);
      assertEquals(numbersOf(both.value), [value.item()]);
      assertEquals(both.grads.map(numbersOf), [[...grad.input.data], [...grad.target.data]]);
      assertEquals(numbersOf(f.layers(tensorOf(y), tensorOf(x))), [value.item()]);
    }
  });

  it("computes two calls in one expression with the parameters of each", () => {
    const loss = new LinearCrossEntropyLoss({ inFeatures: 1, numClasses: 2 });
    const f = tfLoss(tf, loss);
    const g = tfLoss(tf, loss);
    f.parameters["linear.weight"]!.assign(tf.tensor2d([[1], [2]]));
    g.parameters["linear.weight"]!.assign(tf.tensor2d([[-3], [5]]));
    const x = tf.tensor2d([[1]]);
    const along = (f: (x: tf.Tensor) => tf.Tensor) => numbersOf(tf.grad(f)(x))[0]!;
    const sum = along((x) => tf.add(f(x, [0]), g(x, [0])));
    const parts = [f, g].map((one) => along((x) => one(x, [0])));
    assertEquals(sum, Math.fround(parts[0]! + parts[1]!));
    tf.dispose([f.parameters, g.parameters]);
  });

  it("refuses too few or too many arguments, and strings", () => {
    const f = tfLoss(tf, new MSELoss()) as (...args: unknown[]) => tf.Tensor;
    for (const args of [[logits()], [logits(), logits(), logits()]]) {
      assertThrows(
        () => f(...args),
        TypeError,
        `Cannot compute the loss as its arguments must be input, target: current number of arguments is ${args.length}`,
      );
    }
    assertThrows(
      () => f(logits(), tf.tensor1d(["a"])),
      TypeError,
      "Cannot compute the loss as target must be float32, int32 or bool: current dtype is string",
    );
  });

  it("has types that follow the loss", () => {
    const mse = tfLoss(tf, new MSELoss());
    const triplet = tfLoss(tf, new TripletMarginLoss());
    const linear = tfLoss(tf, new LinearCrossEntropyLoss({ inFeatures: 2, numClasses: 2 }));
    const scalar: tf.Scalar = mse(logits(), logits());
    const variable: tf.Variable = linear.parameters["linear.weight"]!;
    assertEquals([scalar.shape, variable.shape], [[], [2, 2]]);
    const never = () => {
      // @ts-expect-error: the target is missing.
      mse(logits());
      // @ts-expect-error: a third argument.
      mse(logits(), logits(), logits());
      // @ts-expect-error: a string is no tensor.
      mse(logits(), "target");
      // @ts-expect-error: Layers gives two arguments.
      triplet.layers;
      // @ts-expect-error: model.fit would not train the parameters.
      linear.layers;
      // @ts-expect-error: no parameters.
      mse.parameters["linear.weight"];
      // @ts-expect-error: tfjs comes first.
      tfLoss(new MSELoss(), tf);
      // @ts-expect-error: a class is no loss.
      tfLoss(tf, MSELoss);
    };
    assertEquals(typeof never, "function");
    variable.dispose();
  });
});
