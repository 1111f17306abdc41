/** AdaptiveLogSoftmaxWithLoss: a softmax over frequent classes and clusters of rare ones, then one within each cluster. */
import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import {
  AdaptiveLogSoftmaxWithLoss,
  type AdaptiveLogSoftmaxWithLossOptions,
  CrossEntropyLoss,
  float32,
  float64,
  int32,
  LinearCrossEntropyLoss,
  type Tensor,
} from "@lossbook/losses";
import { testCases } from "./_cases.ts";
import { assertClose, assertNear, sameNumbers } from "./_close.ts";
import {
  loadFixture,
  optionsOf,
  tensorOf,
  tensorsOf,
  testFixtures,
  TOLERANCE,
} from "./_fixtures.ts";
import { withParameters, withParametersAsArguments } from "./_layer.ts";
import type { LossLike } from "./_loss.ts";
import { dot, softmax, sum } from "./_naive.ts";
import { assertGradient } from "./_numeric.ts";
import { Random } from "./_random.ts";
import { cases } from "./reference/cases/adaptive_log_softmax_with_loss.ts";

const two = { inFeatures: 4, nClasses: 9, cutoffs: [3, 5], divValue: 2, headBias: true };
const exact = { rtol: 1e-13, atol: 1e-14 };

const make = (
  options: AdaptiveLogSoftmaxWithLossOptions,
  parameters: Readonly<Record<string, Tensor>>,
) => withParameters(new AdaptiveLogSoftmaxWithLoss(options), parameters);

/** The same loss with its value alone as the result of `forward`, as the tests of all losses expect. */
function scalar(loss: AdaptiveLogSoftmaxWithLoss): LossLike {
  return {
    forward: (input: Tensor, target: Tensor) => loss.forward(input, target).loss,
    valueAndGrad: (...args: never[]) =>
      loss.valueAndGrad(...args as unknown as Parameters<typeof loss.valueAndGrad>),
  };
}

/** A loss with random parameters in float64. */
function drawn(random: Random, options: AdaptiveLogSoftmaxWithLossOptions) {
  const { parameters } = new AdaptiveLogSoftmaxWithLoss(options);
  const numbers = Object.fromEntries(
    Object.entries(parameters).map(([name, { shape }]) => [name, random.tensor([...shape])]),
  );
  return { loss: make(options, numbers), parameters: numbers };
}

for (const example of cases) {
  testCases([example], (options) => scalar(make(options, example.parameters)));
}

describe("AdaptiveLogSoftmaxWithLoss against the document's other results", () => {
  for (const { name, options, parameters, args, output, logProb, predict } of cases) {
    it(`has its log-probabilities and predictions: ${name}`, () => {
      const loss = make(options, parameters);
      const limit = { ...TOLERANCE.float64, context: "output" };
      assertClose(loss.forward(args.input, args.target).output, float64(output), limit);
      if (logProb) assertClose(loss.logProb(args.input), float64(logProb), limit);
      if (predict) assertEquals(loss.predict(args.input).toArray(), predict);
    });
  }
});

describe("AdaptiveLogSoftmaxWithLoss against its definition, class by class", () => {
  /** Log-probabilities of one sample, by plain sums. */
  function logProbs(
    x: number[],
    parameters: Record<string, Tensor>,
    ends: number[],
  ): number[] {
    const times = (name: string, v: number[]) =>
      (parameters[name].toArray() as number[][]).map((row) => dot(row, v));
    const bias = parameters["head.bias"];
    const logSoftmax = (z: number[]) => softmax(z).map(Math.log);
    const head = logSoftmax(times("head.weight", x).map((z, c) => z + (bias ? bias.data[c] : 0)));
    const clusters = ends.slice(1).flatMap((_, i) =>
      logSoftmax(times(`tail.${i}.1.weight`, times(`tail.${i}.0.weight`, x)))
        .map((z) => z + head[ends[0] + i])
    );
    return [...head.slice(0, ends[0]), ...clusters];
  }

  for (const headBias of [false, true]) {
    it(`agrees ${headBias ? "with" : "without"} a bias`, () => {
      const random = new Random(1);
      const { loss, parameters } = drawn(random, { ...two, headBias });
      const input = random.tensor([7, 4]);
      const target = int32([0, 8, 3, 2, 4, 5, 7]);
      const table = (input.toArray() as number[][])
        .map((x) => logProbs(x, parameters, [3, 5, 9]));
      const context = "seed 1";
      assertClose(loss.logProb(input), float64(table), { rtol: 1e-12, atol: 1e-14, context });
      const right = table.map((row, r) => row[target.data[r]]);
      const { output, loss: value } = loss.forward(input, target);
      assertClose(output, float64(right), { rtol: 1e-12, atol: 1e-14, context });
      assertNear(value.item(), -sum(right) / 7, { atol: 1e-14 });
    });
  }
});

testFixtures(
  "adaptive_log_softmax_with_loss",
  (options: AdaptiveLogSoftmaxWithLossOptions, { parameters }) =>
    scalar(make(options, tensorsOf(parameters))),
);

describe("AdaptiveLogSoftmaxWithLoss against PyTorch's other results", () => {
  const { cases: fixtures } = loadFixture("adaptive_log_softmax_with_loss");
  it(`has its output, logProb and predict in ${fixtures.length} cases`, () => {
    for (const fixture of fixtures) {
      const { name, dtype, options, args, parameters, output, logProb, predict } = fixture;
      const loss = make(
        optionsOf(options) as unknown as AdaptiveLogSoftmaxWithLossOptions,
        tensorsOf(parameters),
      );
      const input = tensorOf(args.input);
      const limit = { ...TOLERANCE[dtype], scale: fixture.scale, context: name };
      assert(output, name);
      assertClose(loss.forward(input, tensorOf(args.target)).output, output, limit);
      if (logProb) assertClose(loss.logProb(input), logProb, limit);
      if (predict) assert(sameNumbers(loss.predict(input).data, predict.data), name);
    }
    assert(fixtures.some(({ logProb }) => logProb) && fixtures.some(({ predict }) => predict));
  });
});

describe("AdaptiveLogSoftmaxWithLoss against finite differences", () => {
  const variants: [what: string, options: AdaptiveLogSoftmaxWithLossOptions, shape: number[]][] = [
    ["two clusters and a bias", two, [6]],
    ["no bias", { ...two, headBias: false }, [6]],
    ["one sample", two, []],
    ["a cluster of hidden size 0", { ...two, divValue: 3 }, [6]],
  ];
  for (const [what, options, shape] of variants) {
    it(`agrees for ${what}`, () => {
      const random = new Random(2);
      const { parameters } = drawn(random, options);
      const target = int32(shape.length === 0 ? 7 : [0, 8, 3, 2, 4, 5]);
      const args = { input: random.tensor([...shape, 4]), target, ...parameters };
      const wrt = Object.keys(args).filter((name) => name !== "target");
      const loss = new AdaptiveLogSoftmaxWithLoss(options);
      const ofParameters = withParametersAsArguments(loss, scalar(loss), Object.keys(parameters));
      assertGradient(ofParameters, args, { wrt });
    });
  }
});

describe("AdaptiveLogSoftmaxWithLoss and its clusters", () => {
  const shapes = (options: object) =>
    Object.fromEntries(
      Object.entries(
        new AdaptiveLogSoftmaxWithLoss({
          inFeatures: 6,
          nClasses: 20,
          cutoffs: [4, 10],
          ...options,
        }).parameters,
      ).map(([name, { shape }]) => [name, shape]),
    );

  it("have hidden sizes that are divided by divValue each time, rounded down, at last to 0", () => {
    assertEquals(shapes({ divValue: 2, headBias: true }), {
      "head.weight": [6, 6],
      "head.bias": [6],
      "tail.0.0.weight": [3, 6],
      "tail.0.1.weight": [6, 3],
      "tail.1.0.weight": [1, 6],
      "tail.1.1.weight": [10, 1],
    });
    assertEquals(shapes({})["tail.0.0.weight"], [1, 6]);
    assertEquals(shapes({})["tail.1.0.weight"], [0, 6]);
    assertEquals(shapes({ divValue: Infinity })["tail.0.0.weight"], [0, 6]);
    assertEquals(shapes({ divValue: 1 })["tail.1.1.weight"], [10, 6]);
    // As doubles 6 / 0.1 is 60, but the double closest to 0.1 is larger than 0.1, so that it fits only 59 times into 6.
    assertEquals(shapes({ divValue: 0.1 })["tail.0.0.weight"], [59, 6]);
  });

  it("have equally likely classes if the hidden size is 0", () => {
    const random = new Random(3);
    const { loss } = drawn(random, { ...two, divValue: Infinity });
    const row = loss.logProb(random.tensor([1, 4])).data;
    assertEquals(new Set(row.slice(3, 5)).size, 1);
    assertEquals(new Set(row.slice(5)).size, 1);
  });

  it("have gradient 0 without a label in them, in fresh and in used buffers", () => {
    const random = new Random(4);
    const { loss } = drawn(random, two);
    const input = random.tensor([3, 4]);
    const names = ["tail.1.0.weight", "tail.1.1.weight"] as const;
    const used = { "tail.1.0.weight": new Float64Array(4).fill(7) };
    const { grad } = loss.valueAndGrad(input, [0, 3, 4], {
      wrt: [...names, "tail.0.1.weight"],
      out: used,
    });
    for (const name of names) assert(grad[name].data.every((slope) => slope === 0), name);
    assert(grad["tail.0.1.weight"].data.every((slope) => slope !== 0));
    assert(used["tail.1.0.weight"].every((slope) => slope === 0));
  });

  it("give each sample the same output alone, and in any order of the batch", () => {
    const random = new Random(5);
    const { loss } = drawn(random, two);
    const input = random.tensor([5, 4]);
    const target = [8, 0, 4, 6, 3];
    const { output } = loss.forward(input, target);
    target.forEach((label, r) => {
      const one = loss.forward(input.data.slice(4 * r, 4 * r + 4) as Float64Array, label);
      assertEquals(one.output.shape, []);
      assertAlmostEquals(one.output.item(), output.data[r], 1e-14);
    });
    const rows = (input.toArray() as number[][]).toReversed();
    const turned = loss.forward(rows, target.toReversed());
    assertClose(turned.output, float64([...output.data].toReversed()), {
      ...exact,
      context: "turned",
    });
  });
});

describe("AdaptiveLogSoftmaxWithLoss and its distribution", () => {
  const random = new Random(6);
  const { loss } = drawn(random, two);
  const input = random.tensor([200, 4], () => 3 * random.normal());

  it("has probabilities that add up to 1", () => {
    for (const row of loss.logProb(input).toArray() as number[][]) {
      assertNear(sum(row.map(Math.exp)), 1, { atol: 1e-13 });
    }
  });

  it("has the log-probability of the label as output", () => {
    const target = random.labels([200], 9);
    const table = loss.logProb(input).data;
    const { output } = loss.forward(input, target);
    const right = Float64Array.from(target.data, (label, r) => table[9 * r + label]);
    assertClose(output, { shape: [200], data: right }, { ...exact, context: "output" });
  });

  it("predicts the most likely class", () => {
    const table = loss.logProb(input).toArray() as number[][];
    const best = table.map((row) => row.indexOf(Math.max(...row)));
    const found = loss.predict(input);
    assertEquals([found.dtype, found.toArray()], ["int32", best]);
    // `predict` has one branch for the shortlist and one for clusters: both must occur.
    assert(best.some((label) => label < 3) && best.some((label) => label >= 3));
  });

  it("predicts the first of equally likely classes", () => {
    const flat = new AdaptiveLogSoftmaxWithLoss({ inFeatures: 1, nClasses: 4, cutoffs: [3] });
    assertEquals(flat.predict([[0]]).toArray(), [0]);
  });

  it("is empty for an empty batch", () => {
    const empty = float64([], [0, 4]);
    assertEquals(loss.logProb(empty).shape, [0, 9]);
    assertEquals(loss.predict(empty).shape, [0]);
  });
});

describe("AdaptiveLogSoftmaxWithLoss and related losses", () => {
  it("is LinearCrossEntropyLoss of its head if all labels are in the shortlist", () => {
    const random = new Random(7);
    const { loss, parameters } = drawn(random, two);
    const input = random.tensor([5, 4]);
    const target = int32([0, 2, 1, 1, 0]);
    const wrt = ["input", "head.weight", "head.bias"] as const;
    const { value, grad } = loss.valueAndGrad(input, target, { wrt });
    const linear = new LinearCrossEntropyLoss({ inFeatures: 4, numClasses: 5, bias: true });
    linear.setParameters({
      "linear.weight": parameters["head.weight"],
      "linear.bias": parameters["head.bias"],
    });
    const other = linear.valueAndGrad(input, target, {
      wrt: ["input", "linear.weight", "linear.bias"],
    });
    assertClose(value, other.value, { ...exact, context: "value" });
    assertClose(grad.input, other.grad.input, { ...exact, context: "input" });
    for (const name of ["weight", "bias"] as const) {
      assertClose(grad[`head.${name}`], other.grad[`linear.${name}`], { ...exact, context: name });
    }
  });

  it("is CrossEntropyLoss of its own log-probabilities", () => {
    const random = new Random(8);
    const { loss } = drawn(random, two);
    const input = random.tensor([6, 4]);
    const target = [8, 0, 4, 6, 3, 2];
    const value = new CrossEntropyLoss().forward(loss.logProb(input), target).item();
    assertAlmostEquals(loss.forward(input, target).loss.item(), value, 1e-13);
  });
});

describe("AdaptiveLogSoftmaxWithLoss with extreme numbers", () => {
  const parameters = {
    "head.weight": float64([[1], [-1]]),
    "tail.0.0.weight": float64([[1]]),
    "tail.0.1.weight": float64([[1], [-1]]),
  };
  const small = { inFeatures: 1, nClasses: 3, cutoffs: [1], divValue: 1 };

  it("an empty batch: NaN, no output, gradients of 0", () => {
    const { value, output, grad } = make(small, parameters)
      .valueAndGrad(float64([], [0, 1]), int32([]));
    assertEquals([value.item(), output.shape, grad.input.shape], [NaN, [0], [0, 1]]);
    assert(grad["head.weight"].data.every((slope) => slope === 0));
  });

  it("one infinite score: log-probability 0 if it is right, -∞ if it is wrong", () => {
    const bias = { "head.bias": float64([Infinity, 0]) };
    const loss = make({ ...small, headBias: true }, { ...parameters, ...bias });
    assertEquals(loss.forward([[1], [1]], [0, 1]).output.toArray(), [0, -Infinity]);
  });

  it("scores of ± 1000: no overflow", () => {
    const loss = make(small, parameters);
    assertEquals(loss.forward([[1000]], [0]).output.data[0], 0);
    assert(Object.is(loss.forward([[1000]], [0]).loss.item(), 0), "not -0");
    assertEquals(loss.forward([[1000]], [2]).output.data[0], -2000 - 2000);
    const { grad } = loss.valueAndGrad([[1000]], [2]);
    assertEquals(grad.input.data[0], (1 + 1) + (1 + 1));
  });

  it("NaN in one sample: NaN in its output and its gradient of input only", () => {
    const { output, grad } = make(small, parameters).valueAndGrad([[NaN], [0]], [2, 1]);
    assertEquals([Number.isNaN(output.data[0]), Number.isNaN(grad.input.data[0])], [true, true]);
    assertAlmostEquals(output.data[1], -2 * Math.LN2, 1e-15);
    assert(Number.isFinite(grad.input.data[1]));
  });

  it("more than 2^21 scores, which are computed in chunks: correct in all of them", () => {
    const random = new Random(9);
    const { loss } = drawn(random, { inFeatures: 2, nClasses: 1003, cutoffs: [2], divValue: 1 });
    const count = 2200;
    const input = random.tensor([count, 2]);
    const target = random.labels([count], 1003).data as Int32Array;
    const { output, value, grad } = loss.valueAndGrad(input, target);
    const half = (first: number) =>
      loss.valueAndGrad(
        float64(input.data.slice(2 * first, 2 * first + count) as Float64Array, [count / 2, 2]),
        target.slice(first, first + count / 2),
      );
    const [one, other] = [half(0), half(count / 2)];
    const limit = { rtol: 1e-11, atol: 1e-13 };
    assertClose(output, { shape: [count], data: [...one.output.data, ...other.output.data] }, {
      ...limit,
      context: "output",
    });
    assertAlmostEquals(value.item(), (one.value.item() + other.value.item()) / 2, 1e-12);
    for (const name of ["head.weight", "tail.0.0.weight", "tail.0.1.weight"] as const) {
      const { shape, data } = one.grad[name];
      const mean = data.map((slope, i) => (slope + other.grad[name].data[i]) / 2);
      assertClose(grad[name], { shape, data: mean }, { ...limit, context: name });
    }
    const rows = loss.logProb(input).toArray() as number[][];
    const right = rows.map((row, r) => row[target[r]]);
    assertClose(output, float64(right), { ...limit, context: "table" });
    const best = rows.map((row) => row.indexOf(Math.max(...row)));
    assertEquals(loss.predict(input).toArray(), best);
    // Both branches of `predict` must occur in the last chunk too.
    assert(best.slice(-50).some((label) => label < 2) && best.slice(-50).some((c) => c >= 2));
  });
});

describe("AdaptiveLogSoftmaxWithLoss and its parameters", () => {
  it("draws them evenly between ± 1 / √(inputs of the layer) with `random`", () => {
    const random = new Random(10);
    const { parameters } = new AdaptiveLogSoftmaxWithLoss({
      inFeatures: 100,
      nClasses: 100,
      cutoffs: [50],
      random: () => random.uniform(),
    });
    const span = (name: string) => Math.max(...parameters[name].data.map(Math.abs));
    assertNear(span("head.weight"), 1 / 10, { atol: 1e-3 });
    assertNear(span("tail.0.0.weight"), 1 / 10, { atol: 1e-3 });
    assertNear(span("tail.0.1.weight"), 1 / 5, { atol: 1e-3 });
  });

  it("lets an optimiser change them in place", () => {
    const random = new Random(11);
    const loss = new AdaptiveLogSoftmaxWithLoss({ ...two, random: () => random.uniform() });
    const input = float32([[1, -2, 0.5, 1], [0, 1, 2, -1]]);
    const before = loss.valueAndGrad(input, [7, 1]);
    for (const [name, { data }] of Object.entries(loss.parameters)) {
      const slopes = Object.entries(before.grad).find(([key]) => key === name)?.[1];
      slopes?.data.forEach((slope, i) => data[i] -= 0.1 * slope);
    }
    assert(loss.forward(input, [7, 1]).loss.item() < before.value.item());
  });

  it("sets none if one does not fit", () => {
    const loss = new AdaptiveLogSoftmaxWithLoss(two);
    const before = loss.parameters["head.bias"].data.slice();
    assertThrows(
      () => loss.setParameters({ "head.bias": [1, 2, 3, 4, 5], "tail.0.0.weight": [[1]] }),
      RangeError,
      "tail.0.0.weight must have the shape (2, 4): current shape is (1, 1)",
    );
    assertThrows(
      () => loss.setParameters({ "head.bias": [1, 2, 3, 4, 5], "tail.2.0.weight": [[1]] }),
      TypeError,
      "as 'tail.2.0.weight' is unknown: known are head.weight, head.bias, tail.0.0.weight",
    );
    assertEquals(loss.parameters["head.bias"].data, before);
  });
});

describe("AdaptiveLogSoftmaxWithLoss refuses", () => {
  const loss = (options: object = {}) => new AdaptiveLogSoftmaxWithLoss({ ...two, ...options });
  const name = "AdaptiveLogSoftmaxWithLoss";
  const rows = [[1, 2, 3, 4], [5, 6, 7, 8]];

  it("cutoffs that are not increasing whole numbers from 1 to nClasses - 1", () => {
    const message =
      `Cannot make ${name} as cutoffs must be increasing whole numbers from 1 to 8, at least one: current value is`;
    const wrong = [[], [0, 3], [-1], [3, 3], [5, 3], [3, 9], [2.5], [NaN]];
    for (const cutoffs of wrong) {
      assertThrows(() => loss({ cutoffs }), RangeError, `${message} [${cutoffs.join(", ")}]`);
    }
    assertThrows(() => loss({ cutoffs: 3 }), TypeError, `${message} 3`);
    assertThrows(() => loss({ cutoffs: undefined }), TypeError, `${message} undefined`);
    assertThrows(() => loss({ cutoffs: ["3"] }), TypeError, `${message} ["3"]`);
  });

  it("sizes that are not whole numbers, a divValue ≤ 0, a headBias that is not true or false", () => {
    assertThrows(
      () => loss({ inFeatures: 0 }),
      RangeError,
      "inFeatures must be a whole number ≥ 1",
    );
    assertThrows(() => loss({ nClasses: 1 }), RangeError, "nClasses must be a whole number ≥ 2");
    assertThrows(() => loss({ nClasses: "9" }), TypeError, 'current value is "9"');
    for (const divValue of [0, -1, NaN]) {
      const message = `Cannot make ${name} as divValue must be > 0: current value is ${divValue}`;
      assertThrows(() => loss({ divValue }), RangeError, message);
    }
    assertThrows(() => loss({ headBias: "yes" }), TypeError, "headBias must be true or false");
  });

  it("an unknown option, and options that are not an object", () => {
    const known = "known are inFeatures, nClasses, cutoffs, divValue, headBias, dtype, random";
    assertThrows(
      () => loss({ reduction: "sum" }),
      TypeError,
      `Cannot make ${name} as option 'reduction' is unknown: ${known}`,
    );
    for (const given of [undefined, null, 4, [4]]) {
      assertThrows(
        () => new AdaptiveLogSoftmaxWithLoss(given as never),
        TypeError,
        `Cannot make ${name} as options must be an object`,
      );
    }
  });

  it("labels that are not classes", () => {
    for (const label of [9, -1, 1.5, NaN, -100]) {
      assertThrows(
        () => loss().forward(rows, [0, label]),
        RangeError,
        `target must hold classes from 0 to 8: current value at [1] is ${label}`,
      );
    }
    assertThrows(() => loss().forward(rows, float32([0, 1])), TypeError, "target must be int32");
  });

  it("shapes that do not go together", () => {
    const forward = (input: unknown, target: unknown) => () =>
      loss().forward(input as Tensor, target as Tensor);
    assertThrows(
      forward(rows, [[0, 1]]),
      RangeError,
      "target must be one label, (), or one per sample",
    );
    const message = (wanted: string, target: string, current: string) =>
      `input must have the shape ${wanted} for a target of shape ${target}: current shape is ${current}`;
    assertThrows(forward(rows, [0, 1, 2]), RangeError, message("(3, 4)", "(3,)", "(2, 4)"));
    assertThrows(forward(rows, 0), RangeError, message("(4,)", "()", "(2, 4)"));
    assertThrows(forward(rows[0], [0]), RangeError, message("(1, 4)", "(1,)", "(4,)"));
    assertThrows(forward([[1, 2]], [0]), RangeError, message("(1, 4)", "(1,)", "(1, 2)"));
    for (const method of ["logProb", "predict"] as const) {
      const wanted = "input must have the shape (N, 4): current shape is";
      assertThrows(() => loss()[method](rows[0]), RangeError, `${wanted} (4,)`);
      assertThrows(() => loss()[method]([[1, 2]]), RangeError, `${wanted} (1, 2)`);
      assertThrows(
        () => loss()[method](int32(rows)),
        TypeError,
        "input must be float32 or float64",
      );
    }
  });

  it("a missing argument", () => {
    const call = (...args: unknown[]) => () => loss().forward(...args as [Tensor, Tensor]);
    assertThrows(call(), TypeError, `Cannot compute ${name} as the argument input is missing`);
    assertThrows(call(rows), TypeError, `Cannot compute ${name} as the argument target is missing`);
  });

  it("a bad request, and leaves its buffers as they were", () => {
    const input = new Float32Array(8).fill(7);
    const call = (request: object, target: unknown = [0, 1]) => () =>
      loss().valueAndGrad(rows, target as number[], { out: { input }, ...request });
    assertThrows(
      call({ wrt: ["target"] }),
      TypeError,
      `Cannot differentiate ${name} with respect to "target"`,
    );
    assertThrows(
      call({ wrt: ["tail.2.0.weight"] }),
      TypeError,
      'with respect to "tail.2.0.weight": wanted is one of',
    );
    assertThrows(
      call({ gradOutput: [1, 2] }),
      RangeError,
      "gradOutput must be a number or have the",
    );
    assertThrows(call({ out: { input: input.subarray(1) } }), RangeError, "must hold 8 numbers");
    assertThrows(call({}, [0, 9]), RangeError, "target must hold classes");
    assertThrows(call({}, [0]), RangeError, "input must have the shape");
    assert(input.every((x) => x === 7));
    const { parameters } = loss();
    const same = loss();
    same.setParameters(parameters);
    const weight = same.parameters["head.weight"];
    assertThrows(
      () => same.valueAndGrad(rows, [0, 1], { out: { "head.weight": weight } }),
      RangeError,
      "out.head.weight must have memory of its own",
    );
  });
});

describe("AdaptiveLogSoftmaxWithLoss result types", () => {
  it("have value, output and the gradients of input and all parameters, or those that wrt names", () => {
    const random = new Random(12);
    const { loss } = drawn(random, two);
    const answer = loss.valueAndGrad(random.tensor([2, 4]), [0, 8]);
    assertEquals(Object.keys(answer), ["value", "output", "grad"]);
    assertEquals(Object.keys(answer.grad), ["input", ...Object.keys(loss.parameters)]);
    const { grad } = loss.valueAndGrad(random.tensor([2, 4]), [0, 8], {
      wrt: ["tail.1.0.weight"],
    });
    const tail: Tensor = grad["tail.1.0.weight"];
    assertEquals(tail.shape, [1, 4]);
    // @ts-expect-error: a gradient that was not asked for is no property of the result.
    assertEquals(grad.input, undefined);
  });

  it("have dtype float32 if all arguments and parameters do, else float64", () => {
    const loss = new AdaptiveLogSoftmaxWithLoss(two);
    const row = [[1, 2, 3, 4]];
    assertEquals(loss.forward(float32(row), [0]).loss.dtype, "float32");
    assertEquals(loss.logProb(row).dtype, "float32");
    assertEquals(loss.forward(float64(row), [0]).output.dtype, "float64");
    loss.setParameters({ "head.bias": [1, 2, 3, 4, 5] });
    assertEquals(loss.forward(float32(row), [0]).loss.dtype, "float64");
  });
});
