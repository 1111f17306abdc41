/** CTCLoss: minus the logarithm of the summed probabilities of all alignments of the labels with the frames. */
import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import fc from "fast-check";
import {
  CrossEntropyLoss,
  CTCLoss,
  type CTCLossOptions,
  float32,
  float64,
  int32,
  type Tensor,
  type TensorLike,
} from "@lossbook/losses";
import { Formula } from "@lossbook/losses/formula";
import { testCases } from "./_cases.ts";
import { assertClose, assertNear, near } from "./_close.ts";
import { type ErrorClass, testContract } from "./_contract.ts";
import { testFixtures } from "./_fixtures.ts";
import type { Reduction } from "./_loss.ts";
import { logSoftmax, softmax, sum } from "./_naive.ts";
import { assertGradient } from "./_numeric.ts";
import { Random } from "./_random.ts";
import { cases } from "./reference/cases/ctc.ts";

const ctc = (options: CTCLossOptions<false> = {}) => new CTCLoss(options);
const fused = (options: CTCLossOptions<true> = {}) => new CTCLoss({ ...options, logits: true });

/** Rows of numbers, frames × classes. */
type Rows = number[][];

/** Value of one sample, and its gradient in rows. */
function one(logProbs: Rows, labels: number[], blank = 0): { value: number; grad: Rows } {
  const { value, grad } = ctc({ blank, reduction: "sum" })
    .valueAndGrad(float64(logProbs), int32(labels), logProbs.length, labels.length);
  return { value: value.item(), grad: grad.logProbs.toArray() as Rows };
}

/** The same from raw scores. */
function oneFused(scores: Rows, labels: number[]): { value: number; grad: Rows } {
  const { value, grad } = fused({ reduction: "sum" })
    .valueAndGrad(float64(scores), int32(labels), scores.length, labels.length);
  return { value: value.item(), grad: grad.logits.toArray() as Rows };
}

function rowsOf(frames: number, classes: number, draw: () => number): Rows {
  return Array.from({ length: frames }, () => Array.from({ length: classes }, draw));
}

/** Random labels from 1 to classes - 1; 0 is the blank. */
const drawLabels = (random: Random, length: number, classes: number) =>
  Array.from({ length }, () => 1 + random.below(classes - 1));

/** All alignments: every way to give each frame one class. */
function* alignments(frames: number, classes: number): Generator<number[]> {
  for (let n = 0; n < classes ** frames; n++) {
    yield Array.from({ length: frames }, (_, t) => Math.floor(n / classes ** t) % classes);
  }
}

/** The labels that an alignment stands for: repetitions are merged, then blanks removed. */
const collapse = (alignment: number[], blank = 0) =>
  alignment.filter((c, t) => c !== alignment[t - 1]).filter((c) => c !== blank);

/** The definition of the loss, by enumeration of all alignments. */
function enumerate(logProbs: Rows, labels: number[], blank = 0): { value: number; shares: Rows } {
  const shares = logProbs.map((row) => row.map(() => 0));
  let total = 0;
  for (const alignment of alignments(logProbs.length, logProbs[0].length)) {
    if (collapse(alignment, blank).join() !== labels.join()) continue;
    const probability = Math.exp(alignment.reduce((log, c, t) => log + logProbs[t][c], 0));
    total += probability;
    alignment.forEach((c, t) => shares[t][c] += probability);
  }
  return { value: -Math.log(total), shares: shares.map((row) => row.map((x) => x / total)) };
}

/** log Σ exp, which is -∞ of no terms and of -∞ only. */
function logSum(terms: number[]): number {
  const max = Math.max(-Infinity, ...terms);
  return max === -Infinity ? max : max + Math.log(sum(terms.map((x) => Math.exp(x - max))));
}

/** The textbook's recursions in logarithms, as in PyTorch, for samples with too many alignments to enumerate. */
function textbook(logProbs: Rows, labels: number[]): { value: number; shares: Rows } {
  const states = [0, ...labels.flatMap((label) => [label, 0])];
  const frames = logProbs.length;
  const steps = (from: number[], s: number, by: 1 | -1) => {
    const terms = [from[s], from[s - by]];
    if (states[s] !== 0 && states[s] !== states[s - 2 * by]) terms.push(from[s - 2 * by]);
    return logSum(terms.filter((x) => x !== undefined));
  };
  const pass = (times: number[], by: 1 | -1, ends: number[]) => {
    const result: Rows = [];
    let before: number[] | undefined;
    for (const t of times) {
      const last = before;
      before = states.map((c, s) =>
        logProbs[t][c] + (last ? steps(last, s, by) : ends.includes(s) ? 0 : -Infinity)
      );
      result[t] = before;
    }
    return result;
  };
  const times = logProbs.map((_, t) => t);
  const [end, most] = [states.length - 1, Math.max(0, states.length - 2)];
  const alpha = pass(times, 1, [0, 1]);
  const beta = pass(times.toReversed(), -1, [end, most]);
  const total = logSum([...new Set([end, most])].map((s) => alpha[frames - 1][s]));
  const shares = logProbs.map((row, t) =>
    row.map((log, c) => {
      const terms = states.flatMap((state, s) => state === c ? [alpha[t][s] + beta[t][s]] : []);
      return log === -Infinity ? 0 : Math.exp(logSum(terms) - log - total);
    })
  );
  return { value: 0 - total, shares };
}

const negated = (rows: Rows) => rows.map((row) => row.map((x) => 0 - x));

function assertRows(actual: Rows, wanted: Rows, context: string, tolerance = 1e-12): void {
  assertClose(float64(actual), float64(wanted), { rtol: tolerance, atol: tolerance, context });
}

testCases(cases, (options) => new CTCLoss(options));

describe("CTCLoss computed by hand", () => {
  const scores = [[1, 0.5, -0.5], [0.2, 0.8, 0.1], [-0.3, 0.4, 0.9]];

  it("A: has PyTorch's value, and PyTorch's gradient with respect to the scores", () => {
    const { value, grad } = oneFused(scores, [1, 2]);
    assertAlmostEquals(value, 1.11920182608, 1e-11);
    assertRows(
      grad,
      [
        [0.117606722657, -0.239558374967, 0.12195165231],
        [0.125532857861, -0.200206884234, 0.0746740263735],
        [0.11896856708, 0.317934031649, -0.436902598729],
      ],
      "A",
      3e-12,
    );
  });

  it("B, C: with one alignment only, is minus its log-probability", () => {
    const logProbs = scores.map(logSoftmax);
    assertAlmostEquals(one(logProbs, [1, 1]).value, 3.565633844, 1e-9);
    assertAlmostEquals(one(logProbs, []).value, 3.765633844, 1e-9);
  });

  it("is the cross entropy for one frame and one label", () => {
    assertEquals(one([[-2, -0.25]], [1]), { value: 0.25, grad: [[0, -1]] });
  });

  it("divides by the number of labels of each sample, at least 1, before it takes the mean", () => {
    const logProbs = float64([[[-1, -2], [-3, -4]], [[-1, -2], [-3, -4]]]);
    const { value, grad } = ctc().valueAndGrad(logProbs, [[1, 0], [0, 0]], [1, 2], [1, 0]);
    assertEquals(value.item(), (2 / 1 + (3 + 3) / 1) / 2);
    assertEquals(grad.logProbs.toArray(), [[[0, -1 / 2], [-1 / 2, 0]], [[0, 0], [-1 / 2, 0]]]);
    const long = ctc().valueAndGrad(float64([[[0, -1, 0]], [[0, 0, -1]]]), [[1, 2]], [2], [2]);
    assertAlmostEquals(long.value.item(), (1 + 1) / 2, 1e-15);
    assertAlmostEquals(long.grad.logProbs.data[1], -1 / 2, 1e-15);
  });

  it("has its recursion as formulas, which give the same numbers", () => {
    const { alpha, value, grad } = CTCLoss.formula;
    // Case D: α of blank and label after the first frame is 1/2, after the second 1/4 and 1/2.
    const half = { p: 1 / 2, jump: 0 };
    const blank = new Formula(alpha).evaluate({ ...half, a: 0, b: 1 / 2, c: 0 })[0];
    const label = new Formula(alpha).evaluate({ ...half, a: 1 / 2, b: 1 / 2, c: 0 })[0];
    const result = new Formula(value).evaluate({ last: blank, previous: label })[0];
    assertAlmostEquals(result, one([[-Math.LN2, -Math.LN2], [-Math.LN2, -Math.LN2]], [1]).value);
    const through = { p: 1 / 2, A: 2 / 4, P: 3 / 4 };
    assertAlmostEquals(new Formula(grad.logProbs).evaluate(through)[0], -2 / 3);
    assertAlmostEquals(new Formula(grad.logits).evaluate(through)[0], 1 / 2 - 2 / 3);
  });
});

describe("CTCLoss against the enumeration of all alignments", () => {
  for (
    const [frames, classes] of [[1, 2], [2, 3], [3, 2], [4, 3], [5, 3], [6, 2], [5, 4], [7, 3]]
  ) {
    it(`agrees for ${frames} frames, ${classes} classes and every number of labels`, () => {
      const random = new Random(frames * 10 + classes);
      for (let length = 0; length <= frames; length++) {
        const labels = drawLabels(random, length, classes);
        const logProbs = rowsOf(frames, classes, () => 2 * random.normal());
        const { value, shares } = enumerate(logProbs, labels);
        if (value === Infinity) continue;
        const ours = one(logProbs, labels);
        assertAlmostEquals(ours.value, value, 1e-12);
        assertRows(ours.grad, negated(shares), `labels ${labels}`);

        const normal = enumerate(logProbs.map(logSoftmax), labels);
        const raw = oneFused(logProbs, labels);
        assertAlmostEquals(raw.value, normal.value, 1e-12);
        const wanted = logProbs.map(softmax).map((row, t) =>
          row.map((p, c) => p - normal.shares[t][c])
        );
        assertRows(raw.grad, wanted, `logits, labels ${labels}`);
      }
    });
  }

  it("agrees for every pattern of repetitions in four labels, and for every blank", () => {
    const random = new Random(4);
    for (const pattern of ["aaaa", "aaab", "aabb", "abab", "abba", "abcb"]) {
      for (const blank of [0, 1, 3]) {
        const names = [0, 1, 2, 3].filter((c) => c !== blank);
        const labels = [...pattern].map((letter) => names["abc".indexOf(letter)]);
        const logProbs = rowsOf(7, 4, () => random.normal());
        const { value, shares } = enumerate(logProbs, labels, blank);
        const ours = one(logProbs, labels, blank);
        assertAlmostEquals(ours.value, value, 1e-12, `${pattern}, blank ${blank}`);
        assertRows(ours.grad, negated(shares), `${pattern}, blank ${blank}`);
      }
    }
  });

  it("gives probabilities of all label sequences that add up to 1", () => {
    const random = new Random(5);
    const logProbs = rowsOf(5, 3, () => 3 * random.normal()).map(logSoftmax);
    const sequences = new Set([...alignments(5, 3)].map((a) => collapse(a).join()));
    const probabilities = [...sequences].map((sequence) => {
      const labels = sequence === "" ? [] : sequence.split(",").map(Number);
      return Math.exp(-one(logProbs, labels).value);
    });
    assertNear(sum(probabilities), 1, { rtol: 1e-13 });
  });
});

testFixtures("ctc", (options: CTCLossOptions) => new CTCLoss(options));

describe("CTCLoss against finite differences", () => {
  const random = new Random(6);
  const lengths = { inputLengths: int32([6, 4, 5]), targetLengths: int32([3, 0, 2]) };
  const targets = int32([[1, 1, 2], [0, 0, 0], [3, 1, 0]]);

  for (const reduction of ["none", "mean", "sum"] as const) {
    it(`agrees for log-probabilities that are not normalised, ${reduction}`, () => {
      const args = { logProbs: random.tensor([6, 3, 4]), targets, ...lengths };
      assertGradient(ctc({ reduction }), args, { wrt: ["logProbs"] });
    });

    it(`agrees for raw scores, ${reduction}`, () => {
      const args = { logits: random.tensor([6, 3, 4]), targets, ...lengths };
      assertGradient(fused({ reduction }), args, { wrt: ["logits"] });
    });
  }

  it("agrees for normalised log-probabilities, where PyTorch's gradient does not", () => {
    const rows = rowsOf(5, 3, () => random.normal()).map(logSoftmax);
    const args = {
      logProbs: float64(rows),
      targets: int32([1, 2]),
      inputLengths: int32(5),
      targetLengths: int32(2),
    };
    assertGradient(ctc(), args, { wrt: ["logProbs"] });
  });
});

describe("CTCLoss with samples of different lengths", () => {
  const random = new Random(7);
  const logProbs = random.tensor([6, 3, 4]);
  const inputLengths = [6, 4, 5];
  const targetLengths = [2, 0, 3];
  const padded = [[1, 2, 3], [2, 2, 2], [3, 3, 1]];
  const request = { gradOutput: [0.5, -2, 3] };
  const none = ctc({ reduction: "none" });
  const all = none.valueAndGrad(logProbs, padded, inputLengths, targetLengths, request);

  /** Checks that value and gradient are exactly those of `all`. */
  function assertSame(other: { value: Tensor; grad: { logProbs: Tensor } }): void {
    assertEquals(other.value.toArray(), all.value.toArray());
    assertEquals(other.grad.logProbs.toArray(), all.grad.logProbs.toArray());
  }

  it("takes padded or concatenated labels", () => {
    const concatenated = [1, 2, 3, 3, 1];
    assertSame(none.valueAndGrad(logProbs, concatenated, inputLengths, targetLengths, request));
  });

  it("accepts every type of integers", () => {
    const wide = new BigInt64Array([6n, 4n, 5n]);
    const tensor = int32(padded);
    assertSame(none.valueAndGrad(logProbs, tensor, wide, Uint8Array.of(2, 0, 3), request));
  });

  it("does not depend on the padding of targets", () => {
    for (const filler of [0, -1, 99, 1.5, NaN]) {
      const filled = [[1, 2, filler], [filler, filler, filler], [3, 3, 1]];
      assertSame(none.valueAndGrad(logProbs, filled, inputLengths, targetLengths, request));
    }
  });

  it("does not depend on frames after the input length, whose gradient is 0", () => {
    for (const filler of [NaN, Infinity, -Infinity, 1e300]) {
      const other = float64(logProbs.data.slice() as Float64Array, [6, 3, 4]);
      const behind = [[4, 1], [5, 1], [5, 2]];
      for (const [t, b] of behind) other.data.fill(filler, (t * 3 + b) * 4, (t * 3 + b) * 4 + 4);
      const answer = none.valueAndGrad(other, padded, inputLengths, targetLengths, request);
      assertSame(answer);
      for (const [t, b] of behind) {
        assertEquals([...answer.grad.logProbs.data.slice((t * 3 + b) * 4).slice(0, 4)], [
          0,
          0,
          0,
          0,
        ]);
      }
      const raw = fused({ reduction: "none" });
      const some = raw.valueAndGrad(other, padded, inputLengths, targetLengths);
      const same = raw.valueAndGrad(logProbs, padded, inputLengths, targetLengths);
      assertEquals(some.grad.logits.toArray(), same.grad.logits.toArray());
    }
  });

  it("gives each sample the result that it has alone, without a batch axis", () => {
    inputLengths.forEach((frames, b) => {
      const rows = (logProbs.toArray() as number[][][]).map((row) => row[b]).slice(0, frames);
      const { value, grad } = one(rows, padded[b].slice(0, targetLengths[b]));
      assertEquals(value, all.value.data[b]);
      const wanted = (all.grad.logProbs.toArray() as number[][][]).map((row) => row[b]);
      assertRows(
        grad.map((row) => row.map((x) => request.gradOutput[b] * x)),
        wanted.slice(0, frames),
        `sample ${b}`,
        1e-15,
      );
    });
  });

  it("has a scalar value without a batch axis, where lengths are numbers or arrays of one", () => {
    const rows = float64([[-1, -2], [-1, -3]]);
    for (const [length, labels] of [[2, 1], [[2], [1]], [int32([2]), int32(1)]] as const) {
      for (const targets of [[1], [[1]]]) {
        const { value, grad } = none.valueAndGrad(rows, targets, length, labels);
        assertEquals([value.shape, grad.logProbs.shape], [[], [2, 2]]);
      }
    }
    assertEquals(none.forward(float64([[[-1, -2]]]), [1], 1, 1).shape, [1]);
  });

  it("has a gradient of exactly 0 at classes that are not among the labels", () => {
    const { grad } = one(rowsOf(5, 6, () => random.normal()), [4, 2]);
    for (const row of grad) assert([1, 3, 5].every((c) => Object.is(row[c], 0)));
  });
});

describe("CTCLoss without any alignment", () => {
  const rows = [[-1, -2, -3], [-1, -2, -3], [-1, -2, -3]];

  it("is ∞ with gradient NaN if there are too few frames for the labels and their repetitions", () => {
    for (const labels of [[1, 2, 1, 2], [1, 1, 2], [2, 2, 2]]) {
      const { value, grad } = one(rows, labels);
      assertEquals(value, Infinity);
      assert(grad.flat().every(Number.isNaN), `${labels}: ${grad}`);
    }
    assert(Number.isFinite(one(rows, [1, 1]).value));
  });

  it("is ∞ also if every alignment has probability 0", () => {
    const never = [[-1, -Infinity, -1], [-1, -Infinity, -1]];
    const { value, grad } = one(never, [1]);
    assertEquals([value, grad.flat().every(Number.isNaN)], [Infinity, true]);
    assertEquals(one([[-Infinity, -Infinity]], [1]).value, Infinity);
    assertEquals(oneFused([[0, -Infinity]], [1]).value, Infinity);
  });

  it("is 0 with gradient 0 with zeroInfinity, and still counts in the mean", () => {
    const logProbs = float64([[[-1, -2], [-1, -2]]]);
    const [targets, inputLengths, targetLengths] = [[[1, 1], [1, 0]], [1, 1], [2, 1]];
    for (const raw of [false, true]) {
      const loss = new CTCLoss({ logits: raw, zeroInfinity: true, reduction: "mean" });
      const each = new CTCLoss({ logits: raw, zeroInfinity: true, reduction: "none" });
      const { value, grad } = loss.valueAndGrad(logProbs, targets, inputLengths, targetLengths);
      const values = each.forward(logProbs, targets, inputLengths, targetLengths).data;
      assertEquals(values[0], 0);
      assertEquals(value.item(), values[1] / 2);
      const [gradient] = Object.values(grad) as Tensor[];
      assertEquals([...gradient.data.slice(0, 2)], [0, 0]);
      assert(gradient.data[3] < 0);
    }
  });

  it("does not change the other samples", () => {
    const logProbs = float64([[[-1, -2], [-1, -2]]]);
    const { value, grad } = ctc({ reduction: "none" }).valueAndGrad(
      logProbs,
      [[1, 1], [1, 0]],
      [1, 1],
      [2, 1],
    );
    assertEquals(value.toArray(), [Infinity, 2]);
    assertEquals(grad.logProbs.toArray(), [[[NaN, NaN], [0, -1]]]);
  });

  it("without frames is 0 if there are no labels, else ∞; the gradient is 0 after the input length", () => {
    const logProbs = float64([[[-1, -2], [-1, -2]]]);
    const { value, grad } = ctc({ reduction: "none" })
      .valueAndGrad(logProbs, [[1], [1]], [0, 0], [0, 1]);
    assertEquals(value.toArray(), [0, Infinity]);
    assertEquals(grad.logProbs.toArray(), [[[0, 0], [0, 0]]]);
  });

  it("stays NaN with zeroInfinity if it is NaN", () => {
    const loss = ctc({ zeroInfinity: true });
    const { value, grad } = loss.valueAndGrad([[-1, NaN], [-1, -1]], [1], 2, 1);
    assertEquals(value.item(), NaN);
    assert(grad.logProbs.data.every(Number.isNaN));
    // A class that is not among the labels has no effect.
    assertEquals(loss.forward([[-1, -1, NaN]], [1], 1, 1).item(), 1);
  });
});

describe("CTCLoss with extreme numbers", () => {
  it("a class of probability 0: gradient 0, and only its alignments are excluded", () => {
    const logProbs = [[-0.7, -0.7, -Infinity], [-0.7, -Infinity, -0.7], [-1.1, -1.1, -1.1]];
    const { value, shares } = enumerate(logProbs, [1, 2]);
    const ours = one(logProbs, [1, 2]);
    assertAlmostEquals(ours.value, value, 1e-14);
    assertRows(ours.grad, negated(shares), "logProbs");
    assert(ours.grad[0][2] === 0 && ours.grad[1][1] === 0);
    assert(oneFused(logProbs, [1, 2]).grad.flat().every(Number.isFinite));
  });

  it("a class that no alignment passes through: gradient 0, however unlikely the alignments are", () => {
    // Label 2 in the second frame would need label 1 in the first.
    const [, second] = one([[-1, -Infinity, -1], [-1, -1, -1], [-1, -1, -1]], [1, 2]).grad;
    assertEquals(second[2], 0);
    // The only alignment has probability e^-630, close to the smallest number.
    const { grad } = one([[0, -Infinity], [0, -630]], [1]);
    assertRows(grad, [[-1, 0], [0, -1]], "grad", 1e-15);
    assertEquals(grad[0][1], 0);
  });

  it("a certain and correct prediction: 0, not -0", () => {
    for (const logits of [true, false]) {
      const loss = new CTCLoss({ logits, reduction: "none" });
      assert(Object.is(loss.forward([[0, -Infinity]], [], 1, 0).item(), 0));
    }
  });

  it("a score of ∞: its class has probability 1", () => {
    const { value, grad } = oneFused([[0, Infinity, 0], [1, 0, 2]], [1]);
    const p = softmax([1, 0, 2]);
    assertAlmostEquals(value, -Math.log(p[0] + p[1]), 1e-15);
    const shares = [p[0] / (p[0] + p[1]), p[1] / (p[0] + p[1]), 0];
    assertRows(grad, [[0, 0, 0], p.map((p, c) => p - shares[c])], "grad", 1e-15);
    assertEquals(oneFused([[0, Infinity, 0]], [2]).value, Infinity);
    // Several ∞, or -∞ only, have no limit.
    assertEquals(oneFused([[Infinity, Infinity]], [1]).value, NaN);
    assertEquals(oneFused([[-Infinity, -Infinity]], [1]).value, NaN);
  });

  it("masks of -1e30 and scores of ± 1e300: exact values", () => {
    assertAlmostEquals(one([[-1e30, -0.5], [-0.25, -1e30]], [1]).value, 0.75, 1e-15);
    assertEquals(one([[-1e30, -0.5]], []).value, 1e30);
    assertEquals(one([[-1e300, -0.5], [-1e300, -1]], []).value, 2e300);
    assertEquals(oneFused([[1e300, -1e300]], []), { value: 0, grad: [[0, 0]] });
    assertEquals(oneFused([[3e38, -1e30]], [1]).value, 3e38 + 1e30);
    for (const x of [1e9, 1.1e15, 1.7e16, 1.3e20, 1.9e30, 1.7e300]) {
      const { value } = one([[0, -x]], [1]);
      assertNear(value, x, { rtol: 1e-15 });
    }
  });

  it("1e6 added to all scores of a frame: the same result", () => {
    const random = new Random(8);
    // With whole numbers the addition is exact.
    const scores = rowsOf(6, 4, () => random.below(9) - 4);
    const moved = scores.map((row, t) => row.map((x) => x + (t % 2 ? 1e6 : -1e6)));
    assertEquals(oneFused(moved, [1, 3]), oneFused(scores, [1, 3]));
  });

  it("labels that contradict every frame: a probability of 10^-700 is not lost", () => {
    // The frames are certain of label 1, then of blank; the labels are three times 2.
    const cost = 800;
    const rows = [
      ...Array.from({ length: 4 }, () => [-cost, 0, -cost]),
      ...Array.from({ length: 4 }, () => [0, -cost, -cost]),
    ];
    const { value, shares } = textbook(rows, [2, 2, 2]);
    const ours = one(rows, [2, 2, 2]);
    assert(value > 700 * Math.LN10);
    assertAlmostEquals(ours.value, value, 1e-11);
    assertRows(ours.grad, negated(shares), "grad", 1e-11);
  });

  it("best alignments that underflow from the beginning and from the end: they are still found", () => {
    // The frames are certain of blank (12 frames), then of label 12 (4 frames), then of 1, 2, …, 13. The best alignment
    // reads labels 1 to 12 in the blank frames, and waits in as many frames at the end, at a cost of 100 a frame. So its
    // partial sums are e^-1200 of the largest from either side. An alignment that deviates in the middle, at a cost of 700
    // a frame, does not underflow anywhere, but costs more in total.
    const certain = (c: number, cost: number) =>
      Array.from({ length: 14 }, (_, i) => i === c ? 0 : -cost);
    const rows = [
      ...Array.from({ length: 12 }, () => certain(0, 100)),
      ...Array.from({ length: 4 }, () => certain(12, 700)),
      ...Array.from({ length: 13 }, (_, i) => certain(i + 1, 100)),
    ];
    const labels = Array.from({ length: 13 }, (_, i) => i + 1);
    const { value, shares } = textbook(rows, labels);
    assert(value < 2500);
    const ours = one(rows, labels);
    assertAlmostEquals(ours.value, value, 1e-11);
    assertRows(ours.grad, negated(shares), "grad", 1e-11);
  });

  it("random frames from flat to certain, some with classes of probability 0: agrees with the textbook", () => {
    const random = new Random(9);
    for (let i = 0; i < 400; i++) {
      const frames = 1 + random.below(24);
      const labels = drawLabels(random, random.below(7), 4);
      const sharpness = [1, 30, 300, 3000, 1e5][i % 5];
      const rows = rowsOf(
        frames,
        4,
        () => random.uniform() < 0.03 ? -Infinity : -random.uniform(0, sharpness),
      );
      const { value, shares } = textbook(rows, labels);
      const ours = one(rows, labels);
      // Log-probabilities of 1e5 have an absolute error of 1e-11, and so do the shares.
      assertNear(ours.value, value, { rtol: 1e-13, atol: 1e-11, context: `sample ${i}` });
      if (value !== Infinity) {
        assertRows(ours.grad, negated(shares), `${i}`, 1e-15 * frames * sharpness + 1e-12);
      }
    }
  });

  it("a thousand frames: float64 agrees with the textbook, float32 is float64 rounded", () => {
    const [frames, classes] = [1000, 12];
    const random = new Random(10);
    for (const [sharpness, blank] of [[1, 0], [1, 12], [20, 0]]) {
      const labels = drawLabels(random, 80, classes);
      const rows = rowsOf(frames, classes, () => sharpness * random.normal());
      for (const row of rows) row[0] += blank;
      const logProbs = rows.map((row) => logSoftmax(row).map(Math.fround));
      const { value, shares } = textbook(logProbs, labels);
      const wide = one(logProbs, labels);
      assertNear(wide.value, value, { rtol: 1e-13 });
      assertRows(wide.grad, negated(shares), "float64", 1e-10);

      const narrow = ctc({ reduction: "sum" })
        .valueAndGrad(float32(logProbs), labels, frames, labels.length);
      assertEquals(narrow.value.item(), Math.fround(wide.value));
      narrow.grad.logProbs.data.forEach((g, i) => {
        assertEquals(g, Math.fround(wide.grad[Math.floor(i / classes)][i % classes]));
      });
    }
  });

  it("more classes than fit into a tile: the gradient of each frame adds up to 0", () => {
    const random = new Random(11);
    const classes = 70001;
    const scores = rowsOf(3, classes, () => random.normal());
    const labels = [classes - 1, 7];
    const { value, grad } = oneFused(scores, labels);
    const logProbs = scores.map((row) => softmax(row).map(Math.log));
    assertAlmostEquals(value, one(logProbs, labels).value, 1e-11);
    // Each row is probabilities minus shares, which both add up to 1.
    for (const row of grad) assertNear(sum(row), 0, { atol: 1e-12 });
  });

  const MASKS = [-1e4, -1e15, -1.7e18, -1e30, -3e38, -1e300];

  it("masks of any size leave shares of the alignments that avoid them best", () => {
    for (const M of MASKS) {
      // Permutations of one row, whose log-softmax rounds the masks alike.
      const rows = [[0, M, -1], [-1, M, 0], [0, M, -1]];
      // One label takes one mask: in the middle frame it avoids the blank's -1 there, in the others it does not.
      const [side, middle] = [1, Math.E].map((weight) => weight / (1 + Math.E + 1));
      const wanted = [[side + middle, side, 0], [2 * side, middle, 0], [side + middle, side, 0]];
      // Two labels take both outer masks, as the blank between equal ones cannot be left out.
      const both = [[0, 1, 0], [1, 0, 0], [0, 1, 0]];
      const samples: [number[], Rows][] = [[[1], wanted], [[1, 1], both]];
      for (const [labels, shares] of samples) {
        assertRows(one(rows, labels).grad, negated(shares), `mask ${M}, labels ${labels}`);
        const minus = rows.map((row, t) => softmax(row).map((p, c) => p - shares[t][c]));
        assertRows(oneFused(rows, labels).grad, minus, `scores, mask ${M}, labels ${labels}`);
      }
    }
  });

  it("random masks: the shares of all alignments with the fewest masks", () => {
    const random = new Random(31);
    for (let i = 0; i < 300; i++) {
      const M = MASKS[i % MASKS.length];
      const frames = 2 + random.below(4);
      // In nats up to 300: beside a mask that takes more than one level of 512 ln 2.
      const costs = rowsOf(frames, 3, () => -random.uniform(0, i % 2 ? 300 : 3));
      const masked = rowsOf(frames, 3, () => random.below(2));
      const labels = drawLabels(random, 1 + random.below(2), 3);
      const masksOf = (alignment: number[]) => alignment.reduce((n, c, t) => n + masked[t][c], 0);
      const readings = [...alignments(frames, 3)].filter((a) => `${collapse(a)}` === `${labels}`);
      if (readings.length === 0) continue;
      const fewest = Math.min(...readings.map(masksOf));
      const best = readings.filter((a) => masksOf(a) === fewest);
      const logs = best.map((a) =>
        a.reduce((log, c, t) => log + (masked[t][c] ? 0 : costs[t][c]), 0)
      );
      const total = logSum(logs);
      const shares = rowsOf(frames, 3, () => 0);
      best.forEach((a, k) => a.forEach((c, t) => shares[t][c] += Math.exp(logs[k] - total)));
      const rows = costs.map((row, t) => row.map((cost, c) => masked[t][c] ? M : cost));
      assertRows(one(rows, labels).grad, negated(shares), JSON.stringify({ rows, labels }));
    }
  });
});

describe("CTCLoss of normalised log-probabilities is never negative", () => {
  /** Frames of a model that is certain of these labels, one frame for each and one for a blank after it. */
  function confident(random: Random, labels: number[], classes: number, lead: number): Rows {
    const states = labels.flatMap((label) => [label, 0]);
    return states.map((right) =>
      Array.from({ length: classes }, (_, c) => random.normal() + (c === right ? lead : 0))
    );
  }

  it("in 10,000 random samples of confident and correct models, in both dtypes", () => {
    const random = new Random(12);
    let zeros = 0;
    for (let i = 0; i < 10_000; i++) {
      const classes = 2 + random.below(6);
      const labels = drawLabels(random, 1 + random.below(8), classes);
      const scores = confident(random, labels, classes, random.uniform(0, 60));
      const rows = scores.map(logSoftmax);
      const args = [labels, rows.length, labels.length] as const;
      const make = i % 2 ? float32 : float64;
      const value = ctc().forward(make(rows), ...args).item();
      const raw = fused().forward(make(scores), ...args).item();
      assert(value >= 0 && raw >= 0, `${i}: ${value} ${raw}`);
      assert(!Object.is(value, -0) && !Object.is(raw, -0));
      if (value === 0) zeros++;
    }
    // Values close to 0 must occur as well as 0 itself.
    assert(zeros > 100 && zeros < 9000, `${zeros}`);
  });

  it("if rounded probabilities add up to more than 1", () => {
    // Both alignments stand for the label, so that its probability is the sum of the first row, 1 + 6e-8 in float32.
    const half = Math.fround(-Math.LN2) + 2 ** -24;
    const logProbs = float32([[half, half], [-20, -2e-9]]);
    assert(2 * Math.exp(logProbs.data[0]) > 1);
    assertEquals(ctc().forward(logProbs, [1], 2, 1).item(), 0);
  });

  it("but is negative if the log-probabilities are not normalised", () => {
    assertAlmostEquals(one([[0, 0], [0, 0]], [1]).value, -Math.log(3), 1e-15);
    assertAlmostEquals(one([[-Infinity, 1e-9]], [1]).value, -1e-9, 1e-24);
  });
});

describe("CTCLoss reductions", () => {
  const random = new Random(13);
  const logProbs = random.tensor([5, 3, 4]);
  const rest = [[[1, 2], [3, 3], [2, 0]], [5, 4, 5], [2, 2, 1]] as const;
  const call = (reduction: Reduction, gradOutput: TensorLike = 1) =>
    ctc({ reduction }).valueAndGrad(
      logProbs,
      rest[0],
      rest[1],
      rest[2],
      { gradOutput },
    );

  it("sum: adds values up; mean: averages values per label", () => {
    const [a, b, c] = call("none").value.data;
    assertAlmostEquals(call("sum").value.item(), a + b + c, 1e-14);
    assertAlmostEquals(call("mean").value.item(), (a / 2 + b / 2 + c / 1) / 3, 1e-14);
  });

  it("mean: divides the gradient of each sample by 3 max(S, 1)", () => {
    const weighted = call("none", [2 / (3 * 2), 2 / (3 * 2), 2 / 3]).grad.logProbs;
    assertEquals(call("mean", 2).grad.logProbs.toArray(), weighted.toArray());
    assertEquals(call("sum").grad.logProbs.toArray(), call("none").grad.logProbs.toArray());
  });

  it("have gradient 0 for an upstream gradient of 0", () => {
    assert(call("mean", 0).grad.logProbs.data.every((g) => g === 0));
  });
});

describe("CTCLoss and related losses", () => {
  it("is CrossEntropyLoss for one frame and one label", () => {
    const random = new Random(14);
    const scores = random.tensor([1, 5, 7]);
    const labels = Int32Array.from({ length: 5 }, () => 1 + random.below(6));
    const lengths = int32(new Int32Array(5).fill(1));
    const ours = fused().valueAndGrad(scores, labels, lengths, lengths);
    const theirs = new CrossEntropyLoss()
      .valueAndGrad(float64(scores.data, [5, 7]), int32(labels));
    assertAlmostEquals(ours.value.item(), theirs.value.item(), 1e-14);
    assertRows([[...ours.grad.logits.data]], [[...theirs.grad.input.data]], "grad", 1e-14);
  });

  it("of scores is the loss of their log-softmax, and its gradient is that plus the softmax", () => {
    const random = new Random(15);
    const scores = rowsOf(6, 4, () => 2 * random.normal());
    const raw = oneFused(scores, [3, 1]);
    const plain = one(scores.map(logSoftmax), [3, 1]);
    assertAlmostEquals(raw.value, plain.value, 1e-13);
    const added = plain.grad.map((row, t) => row.map((g, c) => g + softmax(scores[t])[c]));
    assertRows(raw.grad, added, "grad", 1e-13);
  });
});

describe("CTCLoss at random inputs", () => {
  const sample = fc.record({
    seed: fc.integer({ min: 0, max: 2 ** 31 }),
    frames: fc.integer({ min: 1, max: 12 }),
    classes: fc.integer({ min: 2, max: 5 }),
    length: fc.integer({ min: 0, max: 5 }),
    sharpness: fc.constantFrom(1, 10, 1000),
  }).map(({ seed, frames, classes, length, sharpness }) => {
    const random = new Random(seed);
    return {
      random,
      labels: drawLabels(random, length, classes),
      rows: rowsOf(frames, classes, () => sharpness * random.normal()),
    };
  });
  const property = (
    name: string,
    predicate: (s: { random: Random; labels: number[]; rows: Rows }) => boolean,
  ) => it(name, () => fc.assert(fc.property(sample, predicate), { seed: 20, numRuns: 300 }));
  const agree = (a: number, b: number) => near(a, b, { rtol: 1e-12, atol: 1e-12 });

  property("has gradients that add up to -1 in each frame", ({ rows, labels }) => {
    const { value, grad } = one(rows, labels);
    return value === Infinity ||
      grad.every((row) => agree(sum(row), -1) && row.every((g) => g <= 0));
  });

  property(
    "of scores has gradients between -1 and 1 that add up to 0 in each frame",
    ({ rows, labels }) => {
      const { value, grad } = oneFused(rows, labels);
      return value === Infinity ||
        grad.every((row) => agree(sum(row), 0) && row.every((g) => Math.abs(g) <= 1 + 1e-12));
    },
  );

  property(
    "falls by the number that is added to all log-probabilities of a frame",
    ({ rows, labels, random }) => {
      const gain = random.normal();
      const t = random.below(rows.length);
      const gained = rows.map((row, i) => i === t ? row.map((x) => x + gain) : row);
      return agree(one(gained, labels).value, one(rows, labels).value - gain);
    },
  );

  property("is the same if frames and labels are reversed", ({ rows, labels }) => {
    const there = one(rows, labels);
    const back = one(rows.toReversed(), labels.toReversed());
    return agree(there.value, back.value) && (there.value === Infinity ||
      there.grad.flat().every((g, i) => agree(g, back.grad.toReversed().flat()[i])));
  });

  property("is the same if labels are renamed", ({ rows, labels }) => {
    const last = rows[0].length;
    const turned = rows.map(([blank, ...others]) => [blank, ...others.toReversed()]);
    return agree(one(turned, labels.map((label) => last - label)).value, one(rows, labels).value);
  });

  property("falls in a step against its gradient", ({ rows, labels }) => {
    const { value, grad } = oneFused(rows, labels);
    const step = rows.map((row, t) => row.map((x, c) => x - 0.1 * grad[t][c]));
    return value === Infinity || oneFused(step, labels).value <= value * (1 + 1e-12) + 1e-12;
  });

  property("grows if a class of a frame gets probability 0", ({ rows, labels, random }) => {
    const t = random.below(rows.length);
    const less = rows.map((row, i) =>
      i === t ? row.with(random.below(row.length), -Infinity) : row
    );
    const [value, rest] = [one(rows, labels).value, one(less, labels).value];
    return rest === Infinity || rest >= value - 1e-12 * (1 + Math.abs(value));
  });
});

describe("CTCLoss refuses", () => {
  const logProbs = float64(new Float64Array(3 * 2 * 4), [3, 2, 4]);
  const good: TensorLike[] = [logProbs, [[1, 2], [3, 1]], [3, 3], [2, 2]];
  const NAMES = ["logProbs", "targets", "inputLengths", "targetLengths"];

  /** Checks that a call with one argument replaced throws. */
  function refuses(
    name: string,
    given: unknown,
    Class: ErrorClass,
    message: string,
    options: CTCLossOptions<boolean> = {},
  ): void {
    const args = good.with(NAMES.indexOf(name), given as TensorLike);
    assertThrows(
      () =>
        new CTCLoss(options).forward(...args as [TensorLike, TensorLike, TensorLike, TensorLike]),
      Class,
      message,
    );
  }

  it("options of the wrong kind or value", () => {
    const bad: [CTCLossOptions<boolean>, ErrorClass, string][] = [
      [{ blank: -1 }, RangeError, "blank must be a whole number ≥ 0: current value is -1"],
      [{ blank: 0.5 }, RangeError, "blank must be a whole number ≥ 0: current value is 0.5"],
      [{ blank: NaN }, RangeError, "blank must be a whole number ≥ 0: current value is NaN"],
      [
        { blank: "0" as never },
        TypeError,
        'blank must be a whole number ≥ 0: current value is "0"',
      ],
      [
        { zeroInfinity: 1 as never },
        TypeError,
        "zeroInfinity must be true or false: current value is 1",
      ],
      [
        { logits: "yes" as never },
        TypeError,
        'logits must be true or false: current value is "yes"',
      ],
    ];
    for (const [options, Class, message] of bad) {
      assertThrows(() => new CTCLoss(options), Class, `Cannot make CTCLoss as ${message}`);
    }
  });

  it("a blank that is not a class", () => {
    refuses(
      "logProbs",
      logProbs,
      RangeError,
      "Cannot compute CTCLoss as blank must be a class of logProbs, from 0 to 3: current value is 4",
      { blank: 4 },
    );
    refuses("logProbs", logProbs, RangeError, "class of logits, from 0 to 3", {
      blank: 4,
      logits: true,
    });
  });

  it("scores without frames, samples or classes, or with other axes", () => {
    for (const shape of [[0, 2, 4], [3, 0, 4], [3, 2, 0], [0, 4]]) {
      refuses(
        "logProbs",
        float64([], shape),
        RangeError,
        `Cannot compute CTCLoss as logProbs must not be empty: current shape is (${
          shape.join(", ")
        })`,
      );
    }
    for (const [given, shape] of [[1, "()"], [[1, 2], "(2,)"], [[[[[1]]]], "(1, 1, 1, 1)"]]) {
      refuses(
        "logProbs",
        given,
        RangeError,
        `Cannot compute CTCLoss as logProbs must have the shape (T, N, C), or (T, C) for one sample: current shape is ${shape}`,
      );
    }
    refuses("logProbs", int32([[[1]]]), TypeError, "logProbs must be float32 or float64");
  });

  it("targets of another shape", () => {
    const cases: [given: unknown, message: string][] = [
      [1, "targets must have the shape (N, S), or one axis for all labels: current shape is ()"],
      [
        [[[1]]],
        "targets must have the shape (N, S), or one axis for all labels: current shape is (1, 1, 1)",
      ],
      [
        [[1, 2]],
        "targets must have one row for each sample of logProbs, 2: current shape is (1, 2)",
      ],
      [
        [1, 2, 3],
        "targets with one axis must hold as many labels as targetLengths add up to, 4: current length is 3",
      ],
      [
        [1, 2, 3, 1, 2],
        "targets with one axis must hold as many labels as targetLengths add up to, 4: current length is 5",
      ],
    ];
    for (const [given, message] of cases) {
      refuses("targets", given, RangeError, `Cannot compute CTCLoss as ${message}`);
    }
  });

  it("labels that are the blank or not a class, and says where the first one is", () => {
    const cases: [given: Rows, at: string, shown: string][] = [
      [[[1, 2], [4, 1]], "[1, 0]", "4"],
      [[[1, -1], [4, 1]], "[0, 1]", "-1"],
      [[[1, 0], [3, 1]], "[0, 1]", "0"],
      [[[1, 2], [3, 1.5]], "[1, 1]", "1.5"],
      [[[1, 2], [NaN, 1]], "[1, 0]", "NaN"],
    ];
    const message =
      "Cannot compute CTCLoss as targets must hold classes from 0 to 3 other than blank,";
    for (const [given, at, shown] of cases) {
      refuses("targets", given, RangeError, `${message} 0: current value at ${at} is ${shown}`);
    }
    refuses("targets", [1, 2, 7, 1], RangeError, `${message} 0: current value at [2] is 7`);
    refuses("targets", good[1], RangeError, `${message} 3: current value at [1, 0] is 3`, {
      blank: 3,
    });
  });

  it("labels and lengths of a float dtype", () => {
    for (const name of NAMES.slice(1)) {
      refuses(
        name,
        float64(good[NAMES.indexOf(name)]),
        TypeError,
        `Cannot compute CTCLoss as ${name} must be int32: current dtype is float64`,
      );
      refuses(
        name,
        Float32Array.of(1, 2),
        TypeError,
        `${name} must be int32: current dtype is float32`,
      );
    }
  });

  it("lengths that are not one number for each sample", () => {
    for (const name of NAMES.slice(2)) {
      for (
        const [given, shape] of [[[3], "(1,)"], [[1, 1, 1], "(3,)"], [2, "()"], [
          [[2, 2]],
          "(1, 2)",
        ]]
      ) {
        refuses(
          name,
          given,
          RangeError,
          `Cannot compute CTCLoss as ${name} must have one number for each sample, (2,): current shape is ${shape}`,
        );
      }
    }
  });

  it("lengths that are negative, greater than the frames or labels there are, or not whole", () => {
    const frames = "inputLengths must hold whole numbers from 0 to 3, the frames of logProbs: ";
    const labels = "targetLengths must hold whole numbers from 0 to 2, the labels in targets: ";
    const bad: [name: string, given: number[], message: string][] = [
      ["inputLengths", [3, 4], `${frames}current value at [1] is 4`],
      ["inputLengths", [-1, 4], `${frames}current value at [0] is -1`],
      ["inputLengths", [2.5, 3], `${frames}current value at [0] is 2.5`],
      ["inputLengths", [3, NaN], `${frames}current value at [1] is NaN`],
      ["targetLengths", [2, 3], `${labels}current value at [1] is 3`],
      ["targetLengths", [-2, 1], `${labels}current value at [0] is -2`],
    ];
    for (const [name, given, message] of bad) {
      refuses(name, given, RangeError, `Cannot compute CTCLoss as ${message}`);
    }
    assertThrows(
      () => ctc().forward([[-1, -2]], [1], 2, 1),
      RangeError,
      "inputLengths must hold whole numbers from 0 to 1, the frames of logProbs: current value at [] is 2",
    );
  });

  it("to differentiate log-probabilities with logits: true, and scores without it", () => {
    const call = [[[-1, -2]], [1], 1, 1] as const;
    assertThrows(
      () => fused().valueAndGrad(...call, { wrt: ["logProbs" as "logits"] }),
      TypeError,
      'Cannot differentiate CTCLoss with respect to "logProbs": wanted is one of logits',
    );
    assertThrows(
      () => ctc().valueAndGrad(...call, { wrt: ["logits" as "logProbs"] }),
      TypeError,
      'Cannot differentiate CTCLoss with respect to "logits": wanted is one of logProbs',
    );
  });
});

testContract({
  loss: "CTCLoss",
  Loss: CTCLoss,
  known: ["blank", "zeroInfinity", "reduction", "logits"],
  args: {
    logProbs: new Random(16).tensor([4, 2, 3]),
    targets: int32([[1, 2], [2, 1]]),
    inputLengths: int32([4, 3]),
    targetLengths: int32([2, 1]),
  },
  wrt: ["logProbs"],
});

describe("CTCLoss result types", () => {
  const call = [[[-1, -2]], [1], 1, 1] as const;

  it("have the gradient under logProbs, or under logits with logits: true", () => {
    const plain: Tensor = ctc().valueAndGrad(...call).grad.logProbs;
    assertEquals(plain.toArray(), [[0, -1]]);
    const raw: Tensor = new CTCLoss({ logits: true }).valueAndGrad(...call).grad.logits;
    assertEquals(raw.shape, [1, 2]);
    // @ts-expect-error: a loss of log-probabilities has no gradient with respect to scores.
    assertEquals(ctc().valueAndGrad(...call).grad.logits, undefined);
    // @ts-expect-error: a loss of scores has no gradient with respect to log-probabilities.
    assertEquals(new CTCLoss({ logits: true }).valueAndGrad(...call).grad.logProbs, undefined);
  });

  it("have either if the option is known only at run time", () => {
    for (const logits of [true, false]) {
      const { grad } = new CTCLoss({ logits }).valueAndGrad(...call);
      assertEquals("logits" in grad ? [grad.logits.shape] : [grad.logProbs.shape], [[1, 2]]);
      assertEquals("logits" in grad, logits);
    }
  });

  it("have no gradient if wrt is empty", () => {
    assertEquals(Object.keys(ctc().valueAndGrad(...call, { wrt: [] }).grad), []);
  });

  it("have the dtype of the first argument", () => {
    assertEquals(ctc().valueAndGrad(float32(call[0]), [1], 1, 1).grad.logProbs.dtype, "float32");
    assertEquals(ctc().forward(...call).dtype, "float64");
  });
});
