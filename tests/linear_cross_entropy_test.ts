/** LinearCrossEntropyLoss: the cross entropy of the scores input · linear.weightᵀ + linear.bias, computed in chunks. */
import { assert, assertEquals, assertNotStrictEquals, assertThrows } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import {
  CrossEntropyLoss,
  float32,
  float64,
  int32,
  LinearCrossEntropyLoss,
  type LinearCrossEntropyLossOptions,
  type LinearCrossEntropyOptions,
  type Tensor,
} from "@lossbook/losses";
import { checkChunking, CHUNK_SCORES, chunkSize } from "../losses/_linear_cross_entropy/chunks.ts";
import { testCases } from "./_cases.ts";
import { assertClose, assertNear } from "./_close.ts";
import { type ErrorClass, type LossClass, testContract } from "./_contract.ts";
import { tensorsOf, testFixtures } from "./_fixtures.ts";
import { withParameters, withParametersAsArguments } from "./_layer.ts";
import type { LossLike } from "./_loss.ts";
import { dot, sum } from "./_naive.ts";
import { assertGradient } from "./_numeric.ts";
import { Random, sizeOf } from "./_random.ts";
import { cases } from "./reference/cases/linear_cross_entropy.ts";

const layer = { inFeatures: 3, numClasses: 5 };
const exact = { rtol: 1e-13, atol: 1e-14 };

const make = (options: LinearCrossEntropyLossOptions, parameters: Record<string, Tensor>) =>
  withParameters(new LinearCrossEntropyLoss(options), parameters);

/** Random parameters in float64. */
function drawn(random: Random, options: LinearCrossEntropyLossOptions): Record<string, Tensor> {
  const rows = options.numClasses * sizeOf(options.outFeatures ?? []);
  const weight = { "linear.weight": random.tensor([rows, options.inFeatures]) };
  return options.bias ? { ...weight, "linear.bias": random.tensor([rows]) } : weight;
}

/** The scores of all samples, which the loss itself never has at once. */
function scoresOf(input: Tensor, weight: Tensor, bias?: Tensor): Tensor {
  const classes = weight.toArray() as number[][];
  const samples = input.toArray() as number[][];
  return float64(samples.map((x) => classes.map((w, c) => dot(w, x) + (bias?.data[c] ?? 0))));
}

/** The scores that CrossEntropyLoss is given during a call, and the buffers for their gradients, chunk by chunk. */
function chunksOf(call: () => void): { scores: Tensor; slopes: Float32Array }[] {
  const { valueAndGrad } = CrossEntropyLoss.prototype;
  const seen: { scores: Tensor; slopes: Float32Array }[] = [];
  CrossEntropyLoss.prototype.valueAndGrad = function (this: CrossEntropyLoss, ...args: never[]) {
    const [scores, , { out } = {}] = args as unknown as Parameters<typeof valueAndGrad>;
    seen.push({ scores: scores as Tensor, slopes: out?.input as Float32Array });
    return valueAndGrad.apply(this, args as never);
  } as typeof valueAndGrad;
  try {
    call();
  } finally {
    CrossEntropyLoss.prototype.valueAndGrad = valueAndGrad;
  }
  return seen;
}

for (const example of cases) {
  testCases([example], (options) => make(options, example.parameters));
}

describe("LinearCrossEntropyLoss against a one-line reference: log Σ exp(w[c] · x + b[c]) - (w[y] · x + b[y])", () => {
  for (const [seed, samples] of [1, 2, 9].entries()) {
    it(`agrees for ${samples} samples`, () => {
      const random = new Random(seed);
      const options = { ...layer, bias: true, reduction: "none" as const };
      const parameters = drawn(random, options);
      const input = random.tensor([samples, 3]);
      const target = random.labels([samples], 5);
      const { data } = make(options, parameters).forward(input, target);
      const z = scoresOf(input, parameters["linear.weight"], parameters["linear.bias"])
        .toArray() as number[][];
      const wanted = z.map((row, r) => Math.log(sum(row.map(Math.exp))) - row[target.data[r]]);
      assertClose({ shape: [samples], data }, { shape: [samples], data: wanted }, {
        ...exact,
        context: `seed ${seed}`,
      });
    });
  }
});

testFixtures(
  "linear_cross_entropy",
  (options: LinearCrossEntropyLossOptions, { parameters }) => make(options, tensorsOf(parameters)),
);

describe("LinearCrossEntropyLoss against finite differences", () => {
  /** The loss as a function of input, target, weight and bias. */
  function ofParameters(options: LinearCrossEntropyLossOptions): LossLike {
    const loss = new LinearCrossEntropyLoss(options);
    return withParametersAsArguments(loss, loss, ["linear.weight", "linear.bias"]);
  }
  const weight = [0.5, 2, 1, 0.3, 1.5];
  const variants: [what: string, options: Partial<LinearCrossEntropyLossOptions>][] = [
    ["plain", {}],
    ["with class weights and smoothing", { weight, labelSmoothing: 0.2 }],
    ["with an ignored label", { ignoreIndex: 1, weight }],
    ["in chunks of two", { options: { batchChunkSize: 2 } }],
  ];
  for (const reduction of ["none", "mean", "sum"] as const) {
    for (const [what, more] of variants) {
      it(`agrees for ${reduction}, labels, ${what}`, () => {
        const random = new Random(4);
        const options = { ...layer, bias: true, reduction, ...more };
        const args = {
          input: random.tensor([4, 3]),
          target: int32([0, 1, 4, 2]),
          ...drawn(random, options),
        };
        assertGradient(ofParameters(options), args, {
          wrt: ["input", "linear.weight", "linear.bias"],
        });
      });
    }

    it(`agrees for ${reduction}, probabilities, with respect to them too`, () => {
      const random = new Random(5);
      const options = { ...layer, bias: true, reduction, weight, labelSmoothing: 0.1 };
      const args = {
        input: random.tensor([4, 3]),
        target: random.probabilities([4, 5]),
        ...drawn(random, options),
      };
      const wrt = ["input", "target", "linear.weight", "linear.bias"];
      assertGradient(ofParameters(options), args, { wrt });
    });

    it(`agrees for ${reduction}, outFeatures (2, 3)`, () => {
      const random = new Random(6);
      const options = { ...layer, bias: true, reduction, outFeatures: [2, 3] };
      const args = {
        input: random.tensor([3, 3]),
        target: random.labels([3, 2, 3], 5),
        ...drawn(random, options),
      };
      assertGradient(ofParameters(options), args, {
        wrt: ["input", "linear.weight", "linear.bias"],
      });
    });
  }
});

describe("LinearCrossEntropyLoss in chunks", () => {
  it("gives the same result for every chunk size", () => {
    const random = new Random(7);
    const weight = [0.5, 2, 1, 0.3, 1.5];
    const options = { ...layer, outFeatures: [2], bias: true, labelSmoothing: 0.1, weight };
    const parameters = drawn(random, options);
    const input = random.tensor([11, 3]);
    const own = ["input", "linear.weight", "linear.bias"] as const;
    const targets = [
      { target: random.labels([11, 2], 5), wrt: own },
      { target: random.tensor([11, 5, 2]), wrt: [...own, "target", "weight"] as const },
    ];
    for (const reduction of ["none", "mean", "sum"] as const) {
      for (const { target, wrt } of targets) {
        const upstream = random.tensor(reduction === "none" ? [11, 2] : []);
        const request = { wrt, gradOutput: upstream };
        const answer = (batchChunkSize?: number) =>
          make({
            ...options,
            reduction,
            options: batchChunkSize === undefined ? undefined : { batchChunkSize },
          }, parameters).valueAndGrad(input, target, request);
        const whole = answer();
        for (const size of [1, 2, 3, 10, 11, 100]) {
          const { value, grad } = answer(size);
          const context = `${reduction}, chunks of ${size}:`;
          assertClose(value, whole.value, { ...exact, context });
          for (const name of wrt) {
            assertClose(grad[name], whole.grad[name], { ...exact, context: `${context} ${name}` });
          }
        }
      }
    }
  });

  it("never holds more than 2^21 scores, here for 1024 samples of 32000 classes", () => {
    const [samples, classes] = [1024, 32000];
    const random = new Random(8);
    const loss = new LinearCrossEntropyLoss({
      inFeatures: 4,
      numClasses: classes,
      random: () => random.uniform(),
    });
    const input = float32(Float32Array.from({ length: samples * 4 }, () => random.normal()), [
      samples,
      4,
    ]);
    const seen = chunksOf(() => {
      const { value } = loss.valueAndGrad(input, random.labels([samples], classes));
      assertNear(value.item(), Math.log(classes), { atol: 1 });
    });
    const buffers = new Set(
      seen.flatMap(({ scores, slopes }) => [scores.data.buffer, slopes.buffer]),
    );
    assertEquals(buffers.size, 2);
    for (const { byteLength } of buffers) assert(byteLength <= 4 * CHUNK_SCORES);
    assertEquals(sum(seen.map(({ scores }) => scores.shape[0])), samples);
  });

  it("has PyTorch's chunk sizes for PyTorch's options", () => {
    const rows: [
      samples: number,
      features: number,
      classes: number,
      given: LinearCrossEntropyOptions,
      labels: number,
      probabilities: number,
    ][] = [
      [1024, 256, 32000, {}, 16, 16],
      [1024, 256, 32000, { chunkingMethod: "aspect_ratio" }, 16, 16],
      [1024, 256, 32000, { chunkingMethod: "aspect_ratio:16" }, 1, 1],
      [1024, 256, 32000, { batchChunkSize: 100 }, 100, 100],
      [1024, 256, 32000, { chunkingMethod: null }, 1024, 1024],
      [1024, 32, 4000, {}, 16, 16],
      [5, 3, 5, {}, 2, 2],
      [5, 3, 5, { chunkingMethod: "aspect_ratio:4" }, 1, 1],
      [7, 8, 4, {}, 1, 2],
      [7, 8, 4, { chunkingMethod: "aspect_ratio" }, 7, 7],
      [7, 8, 4, { batchChunkSize: 5 }, 5, 5],
      [100, 10, 1000, { chunkingMethod: "aspect_ratio" }, 1, 1],
      [1000, 64, 1000, {}, 64, 64],
      [1000, 64, 100, {}, 256, 256],
      [1000, 256, 10, {}, 8, 256],
      [1000, 256, 10, { accPolicy: "compact" }, 8, 256],
      [1000, 256, 10, { accPolicy: "accurate" }, 1000, 1000],
      [0, 3, 5, {}, 1, 1],
      [0, 3, 5, { batchChunkSize: 2 }, 1, 1],
      [1, 3, 5, {}, 1, 1],
      [9, 3, 5, { batchChunkSize: 4 }, 4, 4],
      [3, 3, 5, { batchChunkSize: 4 }, 3, 3],
    ];
    for (const [samples, features, classes, given, labels, probabilities] of rows) {
      const sizes = [false, true].map((isProbability) =>
        chunkSize("L", checkChunking(given), samples, features, classes, isProbability)
      );
      const row = `${samples}, ${features}, ${classes}, ${JSON.stringify(given)}`;
      assertEquals(sizes, [labels, probabilities], row);
    }
  });

  it("works on that many samples at a time, for labels and for probabilities", () => {
    const random = new Random(12);
    const loss = new LinearCrossEntropyLoss({ inFeatures: 8, numClasses: 4, options: {} });
    const input = random.tensor([7, 8]);
    const sizes = (target: Tensor) =>
      chunksOf(() => loss.forward(input, target)).map(({ scores }) => scores.shape[0]);
    assertEquals(sizes(random.labels([7], 4)), [1, 1, 1, 1, 1, 1, 1]);
    assertEquals(sizes(random.tensor([7, 4], () => 1 / 4)), [2, 2, 2, 1]);
  });

  it("has chunks of 2^21 scores by default, but at least one sample", () => {
    for (const isProbability of [false, true]) {
      assertEquals(chunkSize("L", undefined, 1024, 256, 32000, isProbability), 65);
      assertEquals(chunkSize("L", undefined, 10, 256, 32000, isProbability), 10);
      assertEquals(chunkSize("L", undefined, 10, 256, 2 ** 24, isProbability), 1);
    }
  });
});

describe("LinearCrossEntropyLoss and related losses", () => {
  it("is CrossEntropyLoss of the scores", () => {
    const random = new Random(9);
    const options = { ...layer, bias: true };
    const parameters = drawn(random, options);
    const input = random.tensor([6, 3]);
    const scores = scoresOf(input, parameters["linear.weight"], parameters["linear.bias"]);
    const variants: object[] = [
      {},
      { reduction: "none" },
      { reduction: "sum", weight: [1, 2, 0.5, 3, 0.1] },
      { labelSmoothing: 0.3, weight: [1, 2, 0.5, 3, 0.1] },
    ];
    for (const target of [random.labels([6], 5), random.probabilities([6, 5])]) {
      for (const variant of variants) {
        assertClose(
          make({ ...options, ...variant }, parameters).forward(input, target),
          new CrossEntropyLoss(variant).forward(scores, target),
          { ...exact, context: JSON.stringify(variant) },
        );
      }
    }
  });

  it("has a bias that equals the weight of an additional feature with value 1", () => {
    const random = new Random(10);
    const options = { ...layer, bias: true };
    const parameters = drawn(random, options);
    const input = random.tensor([4, 3]);
    const target = random.labels([4], 5);
    const biased = make(options, parameters).valueAndGrad(input, target, {
      wrt: ["linear.bias", "linear.weight"],
    });
    const append = ({ data, shape: [rows] }: Tensor, last: (r: number) => number) =>
      float64(Array.from({ length: rows }, (_, r) => [...data.slice(3 * r, 3 * r + 3), last(r)]));
    const longer = make({ ...layer, inFeatures: 4 }, {
      "linear.weight": append(
        parameters["linear.weight"],
        (r) => parameters["linear.bias"].data[r],
      ),
    }).valueAndGrad(append(input, () => 1), target);
    assertClose(biased.value, longer.value, { ...exact, context: "value" });
    const last = longer.grad["linear.weight"].data.filter((_, i) => i % 4 === 3);
    assertClose(biased.grad["linear.bias"], { shape: [5], data: last }, {
      ...exact,
      context: "bias",
    });
  });

  it("has one independent prediction of each sample for each of outFeatures", () => {
    const random = new Random(11);
    const options = { ...layer, outFeatures: [2], reduction: "none" as const };
    const parameters = drawn(random, options);
    const input = random.tensor([3, 3]);
    const target = random.labels([3, 2], 5);
    const value = make(options, parameters).forward(input, target);
    for (const position of [0, 1]) {
      const rows = parameters["linear.weight"].toArray() as number[][];
      const alone = make({ ...layer, reduction: "none" }, {
        "linear.weight": float64(rows.filter((_, r) => r % 2 === position)),
      });
      assertClose(
        { shape: [3], data: value.data.filter((_, i) => i % 2 === position) },
        alone.forward(input, target.data.filter((_, i) => i % 2 === position) as Int32Array),
        { ...exact, context: `position ${position}` },
      );
    }
  });
});

describe("LinearCrossEntropyLoss with extreme numbers", () => {
  const parameters = { "linear.weight": float64([[1, 0], [0, 1], [-1, 0]]) };
  const small = { inFeatures: 2, numClasses: 3 };

  it("scores of ± 1000: no overflow, gradients of 0 and 1", () => {
    const loss = make(small, parameters);
    const { value, grad } = loss.valueAndGrad([[1000, 0]], [2]);
    assertEquals(value.item(), 2000);
    assertEquals(grad.input.toArray(), [[1 + 1, 0]]);
    assertEquals(loss.forward([[1000, 0]], [0]).item(), 0);
  });

  it("one infinite score: 0 if it is right, ∞ if it is wrong", () => {
    const bias = { "linear.bias": float64([0, Infinity, 0]) };
    const loss = make({ ...small, bias: true, reduction: "none" }, { ...parameters, ...bias });
    const input = [[1, 2], [1, 2]];
    const { value, grad } = loss.valueAndGrad(input, [1, 2], { wrt: ["linear.bias"] });
    assertEquals(value.toArray(), [0, Infinity]);
    assertEquals(grad["linear.bias"].toArray(), [0, 1, -1]);
  });

  it("NaN in one sample: NaN in its value and its gradient of input only, and in the gradient of weight", () => {
    const loss = make({ ...small, reduction: "none" }, parameters);
    const { value, grad } = loss.valueAndGrad([[NaN, 0], [0, 0]], [0, 1]);
    assertEquals([Number.isNaN(value.data[0]), value.data[1]], [true, Math.log(3)]);
    assertEquals([...grad.input.data.slice(2)].every(Number.isFinite), true);
    assert([...grad["linear.weight"].data].some(Number.isNaN));
  });

  it("no samples: NaN for the mean, 0 for the sum, gradients of 0", () => {
    const empty = float64([], [0, 2]);
    const { value, grad } = make(small, parameters).valueAndGrad(empty, int32([]));
    assertEquals([value.item(), grad.input.shape], [NaN, [0, 2]]);
    assertEquals([...grad["linear.weight"].data], [0, 0, 0, 0, 0, 0]);
    const sum = make({ ...small, reduction: "sum" }, parameters);
    assertEquals(sum.forward(empty, int32([])).item(), 0);
    const none = make({ ...small, reduction: "none" }, parameters);
    assertEquals(none.forward(empty, int32([])).shape, [0]);
  });

  it("all labels ignored: NaN for the mean, gradients of 0", () => {
    const loss = make({ ...small, bias: true, ignoreIndex: -1 }, parameters);
    const { value, grad } = loss.valueAndGrad([[1, 2]], [-1], {
      wrt: ["input", "linear.weight", "linear.bias"],
    });
    assertEquals(value.item(), NaN);
    for (const { data } of Object.values(grad)) assert(data.every((slope) => slope === 0));
  });

  it("one class: 0, and nothing to learn", () => {
    const { value, grad } = make({ inFeatures: 2, numClasses: 1 }, {
      "linear.weight": float64([[3, 4]]),
    }).valueAndGrad([[1, 2]], [0]);
    assertEquals([value.item(), [...grad.input.data]], [0, [0, 0]]);
  });

  it("smoothing beside weights that are 0 for all labels: the mean is NaN, as in PyTorch", () => {
    const loss = new LinearCrossEntropyLoss({
      inFeatures: 1,
      numClasses: 2,
      weight: float32([0, 1]),
      labelSmoothing: 0.2,
    });
    const { value, grad } = loss.valueAndGrad([[1]], [0]);
    assertEquals([value.item(), ...grad.input.data], [NaN, NaN]);
  });
});

describe("LinearCrossEntropyLoss and its parameters", () => {
  it("draws them evenly between ± 1 / √inFeatures with `random`", () => {
    const seeded = () => {
      const random = new Random(12);
      return new LinearCrossEntropyLoss({
        inFeatures: 16,
        numClasses: 50,
        bias: true,
        random: () => random.uniform(),
      }).parameters;
    };
    const { "linear.weight": weight, "linear.bias": bias } = seeded();
    assertEquals([weight.shape, bias.shape, weight.dtype], [[50, 16], [50], "float32"]);
    for (const { data } of [weight, bias]) {
      const [least, most] = [Math.min(...data), Math.max(...data)];
      assert(least >= -1 / 4 && least < -0.2 && most > 0.2 && most <= 1 / 4, `${least}, ${most}`);
    }
    assertEquals(seeded()["linear.weight"].data, weight.data);
    const one = new LinearCrossEntropyLoss(layer).parameters["linear.weight"];
    const other = new LinearCrossEntropyLoss(layer).parameters["linear.weight"];
    assert(one.data.some((w, i) => w !== other.data[i]));
  });

  it("lets an optimiser change them in place", () => {
    const random = new Random(13);
    const loss = new LinearCrossEntropyLoss({ ...layer, random: () => random.uniform() });
    const [input, target] = [float32([[1, 2, 3]]), int32([4])];
    const { value, grad } = loss.valueAndGrad(input, target);
    const { data } = loss.parameters["linear.weight"];
    grad["linear.weight"].data.forEach((slope, i) => data[i] -= 0.1 * slope);
    assert(loss.forward(input, target).item() < value.item());
  });

  it("copies the tensors that are set", () => {
    const loss = new LinearCrossEntropyLoss(layer);
    const given = float64(new Float64Array(15).fill(1), [5, 3]);
    loss.setParameters({ "linear.weight": given });
    assertNotStrictEquals(loss.parameters["linear.weight"].data, given.data);
    given.data.fill(2);
    assertEquals(loss.parameters["linear.weight"].data, new Float64Array(15).fill(1));
  });

  it("has them in float32, then in the dtype of the tensors that are set, or always in `dtype`", () => {
    const plain = new Array(5).fill([1, 2, 3]);
    const after = (options: object, given: Tensor | number[][]) => {
      const loss = new LinearCrossEntropyLoss({ ...layer, ...options });
      loss.setParameters({ "linear.weight": given });
      return loss.parameters["linear.weight"].dtype;
    };
    assertEquals(after({}, float32(plain)), "float32");
    assertEquals(after({}, float64(plain)), "float64");
    assertEquals(after({}, plain), "float64");
    assertEquals(after({ dtype: "float32" }, float64(plain)), "float32");
    assertEquals(after({ dtype: "float64" }, float32(plain)), "float64");
    const loss = new LinearCrossEntropyLoss(layer);
    assertEquals(loss.forward(float32([[1, 2, 3]]), [0]).dtype, "float32");
    assertEquals(loss.forward(float64([[1, 2, 3]]), [0]).dtype, "float64");
    assertEquals(loss.forward([[1, 2, 3]], [0]).dtype, "float32");
  });

  it("refuses tensors that do not fit, and then sets none", () => {
    const loss = new LinearCrossEntropyLoss({ ...layer, bias: true });
    const before = loss.parameters["linear.bias"].data.slice();
    const refuses = (given: unknown, Class: ErrorClass, message: string) =>
      void assertThrows(() => loss.setParameters(given as never), Class, message);
    const bias = new Float32Array(5).fill(9);
    refuses(
      { "linear.bias": bias, "linear.weight": float32([[1, 2, 3]]) },
      RangeError,
      "Cannot set the parameters of LinearCrossEntropyLoss as linear.weight must have the shape (5, 3): current shape is (1, 3)",
    );
    refuses(
      { "linear.bias": bias, weight: [1] },
      TypeError,
      "as 'weight' is unknown: known are linear.weight, linear.bias",
    );
    refuses({ "linear.bias": int32([1, 2, 3, 4, 5]) }, TypeError, "must be float32 or float64");
    refuses({ "linear.bias": "12345" }, TypeError, "Cannot read linear.bias");
    refuses(null, TypeError, "must be an object of tensors: current value is null");
    assertEquals(loss.parameters["linear.bias"].data, before);
  });
});

describe("LinearCrossEntropyLoss refuses", () => {
  const loss = (options: object = {}) => new LinearCrossEntropyLoss({ ...layer, ...options });

  it("sizes that are not whole numbers ≥ 1", () => {
    for (const name of ["inFeatures", "numClasses"]) {
      const message = `Cannot make LinearCrossEntropyLoss as ${name} must be a whole number ≥ 1`;
      assertThrows(() => loss({ [name]: 0 }), RangeError, `${message}: current value is 0`);
      assertThrows(() => loss({ [name]: 2.5 }), RangeError, `${message}: current value is 2.5`);
      assertThrows(
        () => loss({ [name]: undefined }),
        TypeError,
        `${message}: current value is undef`,
      );
    }
    assertThrows(() => loss({ outFeatures: 3 }), TypeError, "outFeatures must be an array");
    assertThrows(() => loss({ outFeatures: [2, 0] }), RangeError, "outFeatures[1] must be a whole");
    assertThrows(
      () => loss({ bias: 1 }),
      TypeError,
      "bias must be true or false: current value is 1",
    );
  });

  it("a weight that is not one number per class in the right dtype, at construction", () => {
    const message = "weight must have the shape (5,), one number per class: current shape is";
    assertThrows(() => loss({ weight: [1, 2] }), RangeError, `${message} (2,)`);
    assertThrows(() => loss({ weight: 1 }), RangeError, `${message} ()`);
    assertThrows(
      () => loss({ weight: int32([1, 2, 3, 4, 5]) }),
      TypeError,
      "weight must be float64",
    );
    const typed = loss({ weight: float64([1, 2, 3, 4, 5]) });
    assertThrows(
      () => typed.forward(float32([[1, 2, 3]]), [0]),
      TypeError,
      "weight must be float32",
    );
  });

  it("a labelSmoothing outside of [0, 1], an ignoreIndex that is not a whole number", () => {
    const message = "Cannot make LinearCrossEntropyLoss as labelSmoothing must be between 0 and 1";
    assertThrows(
      () => loss({ labelSmoothing: 1.1 }),
      RangeError,
      `${message}: current value is 1.1`,
    );
    assertThrows(
      () => loss({ labelSmoothing: -0.1 }),
      RangeError,
      `${message}: current value is -0.1`,
    );
    assertThrows(
      () => loss({ ignoreIndex: 0.5 }),
      RangeError,
      "ignoreIndex must be a whole number",
    );
  });

  it("an unknown dtype, and a random that is not a function with results in [0, 1)", () => {
    assertThrows(() => loss({ dtype: "float16" }), RangeError, 'current value is "float16"');
    assertThrows(() => loss({ dtype: 32 }), TypeError, 'dtype must be "float32" or "float64"');
    assertThrows(
      () => loss({ random: 20 }),
      TypeError,
      "random must be a function: current value is 20",
    );
    assertThrows(
      () => loss({ random: () => 2 }),
      RangeError,
      "numbers from 0 to 1: current value is 2",
    );
    assertThrows(() => loss({ random: () => NaN }), RangeError, "current value is NaN");
  });

  it("chunk options of the wrong kind or value, or that contradict each other", () => {
    const given = (options: object) => () => loss({ options });
    assertThrows(
      given({ batchChunkSize: 0 }),
      RangeError,
      "batchChunkSize must be a whole number ≥ 1",
    );
    assertThrows(given({ batchChunkSize: "2" }), TypeError, 'current value is "2"');
    for (const method of ["aspect", "aspect_ratio:", "aspect_ratio:0", "aspect_ratio:1.5", ""]) {
      assertThrows(given({ chunkingMethod: method }), RangeError, `current value is "${method}"`);
    }
    assertThrows(given({ chunkingMethod: 2 }), TypeError, "chunkingMethod must be");
    for (const policy of ["fast", "balanced"]) {
      assertThrows(
        given({ accPolicy: policy }),
        RangeError,
        `accPolicy must be "auto", "accurate" or "compact": current value is "${policy}"`,
      );
    }
    assertThrows(given({ accDtype: "float16" }), RangeError, "accDtype must be");
    assertThrows(
      given({ allowRetainGraph: 1 }),
      TypeError,
      "allowRetainGraph must be true or false",
    );
    assertThrows(given({ chunkSize: 1 }), TypeError, "option 'chunkSize' is unknown");
    const both = loss({ options: { batchChunkSize: 3, chunkingMethod: "aspect_ratio" } });
    assertThrows(
      () => both.forward([[1, 2, 3], [1, 2, 3]], [0, 0]),
      RangeError,
      'batchChunkSize and chunkingMethod "aspect_ratio" must agree: current values are 3 and 1',
    );
    const wide = loss({ options: { accDtype: "float64" } });
    assertThrows(
      () => wide.forward(float32([[1, 2, 3]]), [0]),
      TypeError,
      "options.accDtype must be float32: current dtype is float64",
    );
  });

  it("an input with the wrong number of features or axes", () => {
    const wanted = "input must have the shape (3,) or (N, 3): current shape is";
    assertThrows(() => loss().forward([[1, 2]], [0]), RangeError, `${wanted} (1, 2)`);
    assertThrows(() => loss().forward(1, 0), RangeError, `${wanted} ()`);
    assertThrows(() => loss().forward([[[1, 2, 3]]], [[0]]), RangeError, `${wanted} (1, 1, 3)`);
    assertThrows(
      () => loss({ outFeatures: [2] }).forward([1, 2, 3], [0, 0]),
      RangeError,
      "input must have the shape (N, 3), as there are outFeatures: current shape is (3,)",
    );
    assertThrows(() => loss().forward(int32([[1, 2, 3]]), [0]), TypeError, "input must be float32");
  });

  it("a target that is neither labels nor probabilities", () => {
    const two = [[1, 2, 3], [4, 5, 6]];
    assertThrows(
      () => loss().forward(two, [0, 1, 2]),
      RangeError,
      "target must have the shape (2,) for labels or (2, 5) for probabilities: current shape is (3,)",
    );
    assertThrows(() => loss().forward(two, float32([0, 1])), TypeError, "target must be int32");
    assertThrows(
      () => loss().forward(two, int32(new Int32Array(10), [2, 5])),
      TypeError,
      "target of the shape of the scores must be float32: current dtype is int32",
    );
    for (const ignoreIndex of [-100, 1]) {
      assertThrows(
        () => loss({ ignoreIndex }).forward([1, 2, 3], [0.2, 0.2, 0.2, 0.2, 0.2]),
        RangeError,
        `ignoreIndex must not be given if target holds probabilities: current value is ${ignoreIndex}`,
      );
    }
  });

  it("labels that are not classes, before the first chunk is computed", () => {
    const chunked = loss({ options: { batchChunkSize: 1 } });
    const out = { input: new Float32Array(6).fill(7) };
    for (const label of [5, -1, 1.5, NaN, Infinity]) {
      assertThrows(
        () => chunked.valueAndGrad([[1, 2, 3], [4, 5, 6]], [0, label], { wrt: ["input"], out }),
        RangeError,
        `Cannot compute LinearCrossEntropyLoss as target must hold classes from 0 to 4 or ignoreIndex, -100: current value at [1] is ${label}`,
      );
    }
    assert(out.input.every((x) => x === 7));
  });

  it("to differentiate with respect to labels, their weight, or a bias that it does not have", () => {
    const call = (name: string) => () =>
      loss().valueAndGrad([[1, 2, 3]], [0], { wrt: [name] as never });
    for (const name of ["target", "weight", "linear.bias"]) {
      const message = `with respect to "${name}": wanted is one of input, linear.weight`;
      assertThrows(call(name), TypeError, `Cannot differentiate LinearCrossEntropyLoss ${message}`);
    }
  });
});

testContract({
  loss: "LinearCrossEntropyLoss",
  // Its sizes are required, which the type of the tests does not know; the tests always give them.
  Loss: LinearCrossEntropyLoss as unknown as LossClass,
  // As many weights as numbers in input, as one of the tests gives both the same buffer.
  options: { inFeatures: 3, numClasses: 4, bias: true },
  known: [
    "inFeatures",
    "numClasses",
    "outFeatures",
    "bias",
    "dtype",
    "random",
    "weight",
    "ignoreIndex",
    "labelSmoothing",
    "reduction",
    "options",
  ],
  args: { input: new Random(14).tensor([4, 3]), target: new Random(15).probabilities([4, 4]) },
  wrt: ["input", "linear.weight", "linear.bias", "target"],
});

describe("LinearCrossEntropyLoss result types", () => {
  it("have the gradients of input and parameters by default, else those that wrt names", () => {
    const { grad } = new LinearCrossEntropyLoss(layer).valueAndGrad([[1, 2, 3]], [0]);
    assertEquals(Object.keys(grad), ["input", "linear.weight"]);
    const biased = new LinearCrossEntropyLoss({ ...layer, bias: true });
    const all = biased.valueAndGrad([[1, 2, 3]], [0]);
    assertEquals(Object.keys(all.grad), ["input", "linear.weight", "linear.bias"]);
    const request = { wrt: ["linear.bias"] } as const;
    const bias: Tensor = biased.valueAndGrad([[1, 2, 3]], [0], request).grad["linear.bias"];
    assertEquals(bias.shape, [5]);
    // @ts-expect-error: a gradient that was not asked for is no property of the result.
    assertEquals(biased.valueAndGrad([[1, 2, 3]], [0], request).grad.input, undefined);
  });
});

it("plain scores keep their digits if the target alone is float64", () => {
  const make = () => {
    const loss = new LinearCrossEntropyLoss({ inFeatures: 2, numClasses: 2, bias: false });
    loss.setParameters({ "linear.weight": float32([[1, 0], [0, 1]]) });
    return loss;
  };
  const target = float64([[0.3, 0.7]]);
  const plain = make().valueAndGrad([[0.1, -0.2]], target);
  const typed = make().valueAndGrad(float64([[0.1, -0.2]]), target);
  assertEquals(plain.value.item(), typed.value.item());
  assertEquals(plain.grad, typed.grad);
});
