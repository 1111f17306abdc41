/**
 * The references that losses are held against, themselves held against worked numbers: what follows from the definitions on
 * paper, not from the library.
 */
import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import {
  crossEntropy,
  multiLabelMargin,
  multiLabelSoftMargin,
  multiMargin,
  nll,
} from "./losses/classes.ts";
import { elementwise } from "./losses/elementwise.ts";
import type { Plain } from "./losses/given.ts";
import { adaptiveLogSoftmax, linearCrossEntropy } from "./losses/layers.ts";
import type { Answer } from "./losses/reference.ts";
import { ctc } from "./losses/sequences.ts";
import { SPECS } from "./losses/specs.ts";
import { cosineEmbedding, cosineSimilarity, pairwiseDistance, triplet } from "./losses/vectors.ts";
import * as lossbook from "@lossbook/losses";

/** A tensor from nested arrays. */
function tensor(value: number | readonly unknown[]): Plain {
  const shape: number[] = [];
  for (let inner: unknown = value; Array.isArray(inner); inner = inner[0]) shape.push(inner.length);
  return { shape, data: (Array.isArray(value) ? value.flat(Infinity) : [value]) as number[] };
}

function near(found: readonly number[], wanted: readonly number[], tolerance = 1e-9): void {
  assertEquals(found.length, wanted.length);
  found.forEach((value, i) =>
    assertAlmostEquals(value, wanted[i], tolerance * (1 + Math.abs(wanted[i])))
  );
}

/** The gradient of the mean. */
function gradOfMean({ grad, values, divisor, scale = 1, weights }: Answer, name: string): number[] {
  const upstream = values.total.map((_, i) => (weights ? weights[i] : 1) / scale / divisor);
  const mean = values.total.reduce((sum, value) => sum + value, 0) / divisor;
  return grad[name](upstream, mean).total;
}

const X = tensor([1, -2, 0.5]);
const Y = tensor([0.5, 1, 0.5]);

describe("references of element-wise losses", () => {
  const run = (loss: string, args: Record<string, Plain>, options = {}) =>
    elementwise(loss, args, options, "float64");

  it("differences and their kinks", () => {
    const l1 = run("L1Loss", { input: X, target: Y });
    near(l1.values.total, [0.5, 3, 0]);
    near(gradOfMean(l1, "input"), [1 / 3, -1 / 3, 0]);
    const weighted = run("L1Loss", { input: X, target: Y }, { weight: tensor([1, 2, 1]) });
    near(gradOfMean(weighted, "weight"), [(0.5 - 1.625) / 4, (3 - 1.625) / 4, -1.625 / 4]);
    near(run("MSELoss", { input: X, target: Y }).values.total, [0.25, 9, 0]);
    near(run("SmoothL1Loss", { input: X, target: Y }).values.total, [0.125, 2.5, 0]);
    const huber = run("HuberLoss", { input: X, target: Y }, { delta: 2 });
    near(huber.values.total, [0.125, 2 * (3 - 1), 0]);
    near(gradOfMean(huber, "target"), [-0.5 / 3, 2 / 3, 0]);
  });

  it("likelihoods", () => {
    const poisson = run("PoissonNLLLoss", { input: tensor([0.5]), target: tensor([5]) }, {
      full: true,
    });
    near(poisson.values.total, [
      Math.exp(0.5) - 2.5 + 5 * Math.log(5) - 5 + Math.log(10 * Math.PI) / 2,
    ]);
    near(gradOfMean(poisson, "target"), [-0.5 + Math.log(5) + 0.1]);
    const args = { input: tensor([1, 2]), target: tensor([1.5, 1]), var: tensor([0.5, 2]) };
    const gaussian = run("GaussianNLLLoss", args);
    near(gaussian.values.total, [(Math.log(0.5) + 0.5) / 2, (Math.log(2) + 0.5) / 2]);
    near(gradOfMean(gaussian, "var"), [0.25, 0.0625]);
    near(run("KLDivLoss", { input: tensor([-1, 3]), target: tensor([0.2, 0]) }).values.total, [
      0.2 * (Math.log(0.2) + 1),
      0,
    ]);
    near(run("BCELoss", { input: tensor([0.2, 1]), target: tensor([1, 0]) }).values.total, [
      -Math.log(0.2),
      100,
    ]);
    const scores = { input: tensor([800, -1]), target: tensor([0, 0]) };
    near(run("BCEWithLogitsLoss", scores).values.total, [800, Math.log1p(Math.exp(-1))]);
  });

  it("hinges, at their kinks as well", () => {
    const hinge = run("HingeEmbeddingLoss", {
      input: tensor([0.3, 0.3, 1, 2]),
      target: tensor([1, -1, -1, -1]),
    });
    near(hinge.values.total, [0.3, 0.7, 0, 0]);
    near(gradOfMean(hinge, "input"), [0.25, -0.25, 0, 0]);
    const ranking = run("MarginRankingLoss", {
      input1: tensor([1, 2]),
      input2: tensor([1, 1]),
      target: tensor([1, 1]),
    });
    near(ranking.values.total, [0, 0]);
    near(gradOfMean(ranking, "input1"), [0, 0]);
  });

  it("repeats axes of length 1", () => {
    const { shape, values, grad } = run("MSELoss", {
      input: tensor([[1], [2]]),
      target: tensor([[0, 1, 3]]),
    });
    assertEquals(shape, [2, 3]);
    near(values.total, [1, 0, 4, 4, 1, 1]);
    near(grad.input([1, 1, 1, 1, 1, 1]).total, [2 * (1 + 0 - 2), 2 * (2 + 1 - 1)]);
  });
});

describe("references of losses over classes", () => {
  it("labels and their weights", () => {
    const input = tensor([[-0.3, -1.35], [-0.1, -2.35]]);
    const answer = nll({ input, target: tensor([1, 0]) }, { weight: tensor([1, 3]) }, "float64");
    near(answer.values.total, [4.05, 0.1]);
    assertEquals(answer.divisor, 4);
    near(gradOfMean(answer, "input"), [0, -0.75, -0.25, 0]);
  });

  it("cross entropy with smoothing, weights and ignored labels", () => {
    const input = tensor([[2, 1, 0.1], [0.5, 2.5, -1], [0, 0, 0]]);
    const answer = crossEntropy(
      { input, target: tensor([0, 2, 1]) },
      { weight: tensor([1, 2, 3]), labelSmoothing: 0.1, ignoreIndex: 1 },
      "float64",
    );
    near([answer.values.total.reduce((a, b) => a + b) / answer.divisor], [2.75657078797]);
    near(gradOfMean(answer, "input").slice(0, 3), [
      -0.0521080201397,
      0.0500024002771,
      0.00210561986256,
    ]);
    const shares = crossEntropy(
      {
        input: tensor([[2, 1, 0.1], [0.5, 2.5, -1]]),
        target: tensor([[0.7, 0.2, 0.1], [0.1, 0.8, 0.1]]),
      },
      { weight: tensor([1, 2, 3]) },
      "float64",
    );
    near(gradOfMean(shares, "weight"), [0.253619416053, 0.202974284477, 0.29851041117]);
    near(gradOfMean(shares, "target").slice(0, 2), [0.208515008139, 1.41703001628]);
  });

  it("margins over classes", () => {
    const multi = multiMargin(
      { input: tensor([[0.1, 0.9, 0.7], [1, 0.8, -1]]), target: tensor([2, 0]) },
      { p: 2, margin: 0.5, weight: tensor([2, 1, 0.5]) },
      "float64",
    );
    near(gradOfMean(multi, "input"), [0, 0.116666666667, -0.116666666667, -0.2, 0.2, 0]);
    const lists = multiLabelMargin(
      { input: tensor([[0.1, 0.2, 0.4, 0.8]]), target: tensor([[3, 3, -1, 1]]) },
      {},
      "float64",
    );
    near([lists.values.total[0] / 4], [0.65]);
    near(gradOfMean(lists, "input"), [0.5, 0.5, 0.5, -1.5]);
    const soft = multiLabelSoftMargin(
      { input: tensor([[0.5, -1], [2, 0]]), target: tensor([[1, 0], [0.3, 1]]) },
      { weight: tensor([1, 2]) },
      "float64",
    );
    near(soft.values.total.map((value) => value / 2), [0.550300179608, 1.45661118608]);
  });
});

describe("references of vectors", () => {
  it("distances of every norm", () => {
    const of = (p: number, x: number[]) =>
      pairwiseDistance({ x1: tensor([x]), x2: tensor([[0, 0, 0]]) }, { p, eps: 0 }, "float64");
    near(of(Infinity, [3, -3, 1]).values.total, [3]);
    near(of(Infinity, [3, -3, 1]).grad.x1([1]).total, [0.5, -0.5, 0]);
    near(of(3, [1, -2, 0]).grad.x1([1]).total, [0.231120424784, -0.924481699134, 0]);
    near(of(0, [1, 0, 2]).values.total, [2]);
    near(of(2, [3e200, 4e200, 0]).grad.x2([1]).total, [-0.6, -0.8, 0]);
    near(of(0.5, [1e200, 1e-150, 0]).grad.x1([1]).total.slice(0, 2), [1, 1e175]);
  });

  it("cosines, clamped or not", () => {
    const clamped = cosineSimilarity(
      { x1: tensor([[3, 4]]), x2: tensor([[1, 0]]) },
      { eps: 10 },
      "float64",
    );
    near(clamped.values.total, [0.03]);
    near(clamped.grad.x1([1]).total, [0.0082, -0.0024]);
    near(clamped.grad.x2([1]).total, [0.027, 0.04]);
    const embedding = cosineEmbedding(
      {
        input1: tensor([[1, 2], [1, 2]]),
        input2: tensor([[2, 1], [2, 1]]),
        target: tensor([1, -1]),
      },
      { margin: 0.1 },
      "float64",
    );
    near(embedding.values.total, [0.2, 0.7]);
    near(embedding.grad.input1([1, 1]).total, [-0.24, 0.12, 0.24, -0.12]);
  });

  it("triplets, with the halves of a tie", () => {
    const tie = triplet(
      "TripletMarginLoss",
      { anchor: tensor([0, 0]), positive: tensor([2, 0]), negative: tensor([1, 0]) },
      { swap: true, eps: 0 },
      "float64",
    );
    near(tie.values.total, [2]);
    near(tie.grad.anchor([1]).total, [-0.5, 0]);
    near(tie.grad.positive([1]).total, [0.5, 0]);
    near(tie.grad.negative([1]).total, [0, 0]);
  });
});

describe("the reference of CTC", () => {
  const half = Math.log(1 / 2);

  it("counts alignments", () => {
    const args = {
      logProbs: tensor([[half, half], [half, half]]),
      targets: tensor([1]),
      inputLengths: tensor(2),
      targetLengths: tensor(1),
    };
    const answer = ctc(args, {}, "float64");
    near(answer.values.total, [Math.log(4 / 3)]);
    near(answer.grad.logProbs([1]).total, [-1 / 3, -2 / 3, -1 / 3, -2 / 3]);
  });

  it("tells alignments with equally many masks apart", () => {
    const M = -1e30;
    const args = {
      logProbs: tensor([[[0, M, -1]], [[-1, M, 0]], [[0, M, -2]]]),
      targets: tensor([[1]]),
      inputLengths: tensor([3]),
      targetLengths: tensor([1]),
    };
    // The label falls on one frame; the others are blank, in cost order -1, 0 and -1.
    const total = 1 + 2 * Math.exp(-1);
    const { grad } = ctc(args, {}, "float64");
    near(grad.logProbs([1]).total.slice(3, 5), [-2 * Math.exp(-1) / total, -1 / total]);
  });
});

describe("references of losses with layers", () => {
  it("a linear layer before cross entropy", () => {
    const args = {
      input: tensor([[2, 3]]),
      target: tensor([1]),
      "linear.weight": tensor([[1, 0], [0, 1], [1, 1]]),
      "linear.bias": tensor([0, 0, -1]),
    };
    const answer = linearCrossEntropy(args, { inFeatures: 2, numClasses: 3 }, "float64");
    const sum = Math.exp(2) + Math.exp(3) + Math.exp(4);
    near(answer.values.total, [Math.log(sum) - 3]);
    const p = [2, 3, 4].map((z) => Math.exp(z) / sum);
    near(answer.grad.input([1]).total, [p[0] + p[2], p[1] - 1 + p[2]]);
    near(answer.grad["linear.bias"]([1]).total, [p[0], p[1] - 1, p[2]]);
  });

  it("clusters", () => {
    const args = {
      input: tensor([[1, 2], [-1, 0.5], [0.3, -0.7]]),
      target: tensor([0, 3, 2]),
      "head.weight": tensor([[0.1, 0.2], [-0.3, 0.4], [0.5, -0.6]]),
      "tail.0.0.weight": tensor([[0.7, -0.8]]),
      "tail.0.1.weight": tensor([[0.9], [-1]]),
    };
    const options = { inFeatures: 2, nClasses: 4, cutoffs: [2], divValue: 2 };
    const answer = adaptiveLogSoftmax(args, options, "float64");
    near(answer.output, [-0.833428210756, -2.04738832091, -0.848668657121]);
    near(answer.grad.input([1 / 3]).total.slice(0, 2), [-0.0404894574287, -0.00593248052363]);
  });
});

describe("the list of calls", () => {
  it("has every loss and helper of the package", () => {
    const exported = Object.entries(lossbook)
      .filter(([, value]) =>
        typeof value === "function" &&
        ("valueAndGrad" in value || "valueAndGrad" in (value.prototype ?? {}))
      )
      .map(([name]) => name);
    assert(exported.length > 20);
    const drawn = new Set(SPECS.map(({ loss }) => loss));
    for (const name of exported) assert(drawn.has(name), `${name} is not fuzzed`);
  });
});
