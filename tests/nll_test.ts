/** NLLLoss: -w[y] input[y], the log-probability of the right class; the mean is divided by the weights that were used. */
import { assert, assertEquals, assertInstanceOf, assertThrows } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import fc from "fast-check";
import {
  float32,
  float64,
  int32,
  logSoftmax,
  NLLLoss,
  NLLLoss2d,
  type NLLLossOptions,
  type Tensor,
  type TensorLike,
} from "@lossbook/losses";
import { Formula } from "@lossbook/losses/formula";
import { testCases } from "./_cases.ts";
import { assertClose, assertGradient, Random, testFixtures } from "./_fixtures.ts";
import { testFormula } from "./_formula.ts";
import { testContract } from "./_contract.ts";
import { holds } from "./_property.ts";
import { cases, formulas, printedLogProbs, scores } from "./reference/cases/nll.ts";

const nll = (options?: NLLLossOptions) => new NLLLoss(options);
const none = (options?: NLLLossOptions) => nll({ ...options, reduction: "none" });
const TIGHT = { rtol: 1e-14, atol: 1e-15 };

/** Log-probabilities of `shape`, normalised along axis 1. */
function logProbs(shape: number[], seed: number): Tensor {
  return logSoftmax.forward(new Random(seed).tensor(shape), { dim: shape.length === 1 ? 0 : 1 });
}

testCases(cases, nll);

describe("NLLLoss beside the document", () => {
  it("has its log-probabilities, as printed", () => {
    assertEquals(logSoftmax.forward(scores, { dim: 1 }).toString(), printedLogProbs);
  });

  it("has its term for each class", () => {
    const [x, y] = [[-0.25, -2, -1.5], [0, 1, 0]];
    const terms = [...new Formula(formulas.value.text).evaluate({ x, y })];
    assertEquals(none().forward(x, 1).item(), terms.reduce((a, b) => a + b));
  });
});

describe("NLLLoss by hand", () => {
  it("takes minus the log-probability of the label", () => {
    const { value, grad } = none().valueAndGrad([[-0.5, -2], [-3, -0.25]], [1, 1]);
    assertEquals(value.toArray(), [2, 0.25]);
    assertEquals(grad.input.toArray(), [[0, -1], [0, -1]]);
  });

  it("has the mean, no weight and ignoreIndex -100 by default", () => {
    const { value, grad } = nll().valueAndGrad([[-0.5, -2], [-3, -0.25], [-7, -7]], [1, 1, -100]);
    assertEquals(value.item(), (2 + 0.25) / 2);
    assertEquals(grad.input.toArray(), [[0, -0.5], [0, -0.5], [0, 0]]);
  });

  it("gives a single sample its unweighted value, whatever the weight", () => {
    assertEquals(nll({ weight: [5, 7] }).forward([-0.5, -2], 1).item(), 2);
    assertEquals(nll({ weight: [5, 7], reduction: "sum" }).forward([-0.5, -2], 1).item(), 14);
  });

  it("takes negative weights and values that are no log-probabilities as they come", () => {
    const loss = none({ weight: [-2, 1] });
    assertEquals(loss.forward([[3, 4], [3, 4]], [0, 1]).toArray(), [6, -4]);
  });
});

describe("NLLLoss beside one line per sample", () => {
  it("over (5, 4, 3, 2), with weights and an ignored class", () => {
    const random = new Random(1);
    const input = logProbs([5, 4, 3, 2], 2);
    const labels = Array.from({ length: 30 }, () => random.below(4));
    const weight = random.tensor([4], () => random.uniform(0, 3));
    const wanted = labels.map((y, i) => {
      const [n, d] = [Math.floor(i / 6), i % 6];
      return y === 2 ? 0 : -weight.data[y] * input.data[(n * 4 + y) * 6 + d];
    });
    const target = int32(labels, [5, 3, 2]);
    const value = none({ weight, ignoreIndex: 2 }).forward(input, target);
    assertClose(value, { shape: [5, 3, 2], data: wanted }, { ...TIGHT, context: "none:" });
    const divisor = labels.reduce((sum, y) => sum + (y === 2 ? 0 : weight.data[y]), 0);
    const mean = nll({ weight, ignoreIndex: 2 }).forward(input, target);
    const average = wanted.reduce((a, b) => a + b) / divisor;
    assertClose(mean, float64(average), { ...TIGHT, context: "mean:" });
  });
});

testFixtures("nll", nll);

describe("NLLLoss beside finite differences", () => {
  for (const reduction of ["none", "mean", "sum"] as const) {
    it(`agrees for ${reduction}, plain, weighted, with a label ignored, and in K dimensions`, () => {
      const weight = float64([0.5, 2, 1, 0.25]);
      const target = int32([3, 0, 2]);
      for (const options of [{}, { weight }, { ignoreIndex: 0 }]) {
        const args = { input: logProbs([3, 4], 3), target };
        assertGradient(nll({ reduction, ...options }), args, { wrt: ["input"], seed: 4 });
      }
      const image = { input: logProbs([2, 4, 3], 5), target: int32([[3, 0, 2], [1, 1, 0]]) };
      assertGradient(nll({ reduction, weight }), image, { wrt: ["input"], seed: 6 });
    });
  }
});

testFormula("NLLLoss", NLLLoss.formula, { input: "x" }, { x: [-5, 0], y: [0, 1], w: [-1, 2] });

describe("NLLLoss of extreme log-probabilities", () => {
  it("-∞ for the label: ∞, and a finite gradient", () => {
    const { value, grad } = none().valueAndGrad([-Infinity, 0], 0);
    assertEquals([value.item(), ...grad.input.data], [Infinity, -1, 0]);
  });

  it("-∞ for another class: it does not matter", () => {
    assertEquals(none().forward([-Infinity, -0.5], 1).item(), 0.5);
  });

  it("a label of weight 0 costs nothing at -∞ either, where PyTorch gives NaN", () => {
    for (const dtype of [float32, float64]) {
      const input = dtype([[-Infinity, -1], [-4, -2], [-Infinity, -3]]);
      const labels = [0, 1, 0];
      const by = (reduction: "none" | "mean" | "sum") =>
        nll({ weight: [0, 2], reduction }).valueAndGrad(input, labels, { gradOutput: 1 });
      assertEquals(none({ weight: [0, 2] }).forward(input, labels).toArray(), [0, 2 * 2, 0]);
      assertEquals(by("sum").value.item(), 2 * 2);
      assertEquals(by("mean").value.item(), 2 * 2 / (0 + 2 + 0));
      for (const [reduction, slope] of [["sum", -2], ["mean", -2 / 2]] as const) {
        const slopes = [...by(reduction).grad.input.data].map((g) => g + 0);
        assertEquals(slopes, [0, 0, 0, slope, 0, 0]);
      }
      const image = dtype([[[-Infinity, -4], [-1, -2]]]);
      assertEquals(none({ weight: [0, 2] }).forward(image, [[0, 1]]).toArray(), [[0, 2 * 2]]);
    }
  });

  it("but not at NaN, which stays", () => {
    assertEquals(none({ weight: [0, 2] }).forward([NaN, -1], 0).item(), NaN);
  });

  it("a small weight is not 0: ∞", () => {
    for (const w of [1e-300, 5e-324, -1e-300]) {
      const value = none({ weight: [w, 1] }).forward([-Infinity, 0], 0).item();
      assertEquals(value, Math.sign(w) * Infinity);
    }
  });

  it("NaN for the label goes on, for another class it does not", () => {
    assertEquals(none().forward([NaN, -1], 0).item(), NaN);
    assertEquals(none().forward([NaN, -1], 1).item(), 1);
  });

  it("tiny and huge ones keep their digits", () => {
    assertEquals(none().forward([-1e-300, -1e300], 0).item(), 1e-300);
    assertEquals(none().forward([-1e-300, -1e300], 1).item(), 1e300);
    assertEquals(none().forward(float32([-1e-40, -3e38]), 1).item(), Math.fround(3e38));
  });

  it("all labels ignored: the mean is NaN with a gradient of 0, the sum 0", () => {
    const [input, target] = [[[-1, -2], [-3, -4]], [-100, -100]];
    const mean = nll().valueAndGrad(input, target);
    assertEquals([mean.value.item(), ...mean.grad.input.data], [NaN, 0, 0, 0, 0]);
    assertEquals(nll({ reduction: "sum" }).forward(input, target).item(), 0);
    assertEquals(none().forward(input, target).toArray(), [0, 0]);
  });

  it("weights that add up to 0: the mean is NaN, and so is the gradient at the label", () => {
    const { value, grad } = nll({ weight: [0, 1] }).valueAndGrad([[-1, -2]], [0]);
    assertEquals([value.item(), ...grad.input.data], [NaN, NaN, 0]);
  });

  it("no samples: NaN for the mean, 0 for the sum, nothing for none", () => {
    const [input, target] = [float32([], [0, 3]), int32([])];
    assertEquals(nll().forward(input, target).item(), NaN);
    assertEquals(nll({ reduction: "sum" }).forward(input, target).item(), 0);
    assertEquals(none().forward(input, target).shape, [0]);
  });

  it("2^20 equal values in float32: their mean is exact", () => {
    const input = float32(new Float32Array(2 ** 21).fill(-0.1), [2 ** 20, 2]);
    assertEquals(nll().forward(input, new Int32Array(2 ** 20)).item(), Math.fround(0.1));
  });
});

describe("NLLLoss reduced over (3, 4)", () => {
  const [input, target] = [logProbs([3, 4], 7), int32([3, 0, 2])];

  it("has a value of the target's shape with none", () => {
    assertEquals(none().forward(input, target).shape, [3]);
    assertEquals(none().forward(logProbs([4], 8), 2).shape, []);
    assertEquals(
      none().forward(logProbs([2, 4, 5, 3], 9), int32(new Int32Array(30), [2, 5, 3])).shape,
      [2, 5, 3],
    );
  });

  it("scales gradients by the upstream gradient, a number or one for each label", () => {
    const dense = none().valueAndGrad(input, target, { gradOutput: [0.5, -2, 0] }).grad.input;
    assertEquals(dense.toArray(), [[0, 0, 0, -0.5], [2, 0, 0, 0], [0, 0, -0, 0]]);
    const mean = nll().valueAndGrad(input, target, { gradOutput: -6 }).grad.input;
    assertEquals(mean.toArray(), [[0, 0, 0, 2], [2, 0, 0, 0], [0, 0, 2, 0]]);
  });

  it("takes labels of any integer kind", () => {
    const wanted = nll().forward(input, target);
    for (const labels of [[3, 0, 2], new Uint8Array([3, 0, 2]), new BigInt64Array([3n, 0n, 2n])]) {
      assertEquals(nll().forward(input, labels), wanted);
    }
  });
});

describe("NLLLoss among its siblings", () => {
  it("NLLLoss2d is its old name", () => {
    const [input, target] = [
      logProbs([2, 3, 4, 5], 10),
      int32(new Int32Array(40).fill(2), [2, 4, 5]),
    ];
    assertInstanceOf(new NLLLoss2d(), NLLLoss);
    assertEquals(new NLLLoss2d().valueAndGrad(input, target), nll().valueAndGrad(input, target));
  });
});

describe("NLLLoss as probed", () => {
  const rows = fc.tuple(
    fc.array(fc.double({ min: -20, max: 0, noNaN: true }), { minLength: 1, maxLength: 9 }),
    fc.nat(),
  ).map(([row, n]): [number[], number] => [row, n % row.length]);

  it("is linear: twice the log-probabilities, twice the value, the same gradient", () => {
    holds(fc.property(rows, ([row, label]) => {
      const [once, twice] = [row, row.map((x) => 2 * x)].map((x) => none().valueAndGrad(x, label));
      assertEquals(twice.value.item(), 2 * once.value.item());
      assertEquals(twice.grad, once.grad);
    }));
  });

  it("is never negative for log-probabilities", () => {
    holds(fc.property(rows, ([row, label]) => none().forward(row, label).item() >= 0));
  });

  it("knows classes by their scores, not their order", () => {
    holds(fc.property(rows, ([row, label]) => {
      const back = none().forward(row.toReversed(), row.length - 1 - label);
      assertEquals(none().forward(row, label), back);
    }));
  });
});

describe("NLLLoss refuses", () => {
  it("labels that name no class, and leaves buffers as they were", () => {
    for (const label of [-1, 3, 1.5, NaN, Infinity]) {
      const out = { input: new Float64Array(6).fill(7) };
      assertThrows(
        () => nll().valueAndGrad([[-1, -2, -3], [-4, -5, -6]], [0, label], { out }),
        RangeError,
        "Cannot compute NLLLoss as target must hold classes from 0 to 2 or ignoreIndex, -100: " +
          `current value at [1] is ${label}`,
      );
      assert(out.input.every((x) => x === 7));
    }
  });

  it("an input without a class axis", () => {
    assertThrows(
      () => nll().forward(-1, 0),
      RangeError,
      "Cannot compute NLLLoss as input must have a class axis: current shape is ()",
    );
  });

  it("labels that do not go with the input, and shows both shapes", () => {
    const refused: [input: TensorLike, target: TensorLike, message: string][] = [
      [[[-1, -2], [-3, -4]], [0], "(2,): current shapes are (2, 2) and (1,)"],
      [[[-1, -2], [-3, -4]], [[0, 1]], "(2,): current shapes are (2, 2) and (1, 2)"],
      [[-1, -2], [0, 1], "(): current shapes are (2,) and (2,)"],
      [[-1, -2], [0], "(): current shapes are (2,) and (1,)"],
      [[[[-1, -2]]], [[0, 0, 0]], "(1, 2): current shapes are (1, 1, 2) and (1, 3)"],
    ];
    for (const [input, target, message] of refused) {
      assertThrows(
        () => nll().forward(input, target),
        RangeError,
        `Cannot compute NLLLoss as target must have the shape of input without its class axis, ${message}`,
      );
    }
  });

  it("labels that are floats, and log-probabilities that are whole numbers", () => {
    assertThrows(
      () => nll().forward([[-1, -2]], float32([1])),
      TypeError,
      "Cannot compute NLLLoss as target must be int32: current dtype is float32",
    );
    assertThrows(
      () => nll().forward(int32([[-1, -2]]), [1]),
      TypeError,
      "Cannot compute NLLLoss as input must be float32 or float64: current dtype is int32",
    );
  });

  it("a weight of another shape or type than the classes", () => {
    for (
      const [weight, shown] of [[[1], "(1,)"], [[[1, 2]], "(1, 2)"], [1, "()"]] as [
        TensorLike,
        string,
      ][]
    ) {
      assertThrows(
        () => nll({ weight }).forward([[-1, -2]], [0]),
        RangeError,
        `Cannot compute NLLLoss as weight must have the shape (2,), one number per class: current shape is ${shown}`,
      );
    }
    assertThrows(
      () => nll({ weight: float64([1, 2]) }).forward(float32([[-1, -2]]), [0]),
      TypeError,
      "Cannot compute NLLLoss as weight must be float32: current dtype is float64",
    );
  });

  it("an ignoreIndex that is no whole number", () => {
    const message =
      "Cannot compute NLLLoss as ignoreIndex must be a whole number: current value is";
    assertThrows(() => nll({ ignoreIndex: 0.5 }), RangeError, `${message} 0.5`);
    assertThrows(() => nll({ ignoreIndex: NaN }), RangeError, `${message} NaN`);
    assertThrows(() => nll({ ignoreIndex: "0" as never }), TypeError, `${message} "0"`);
  });

  it("to differentiate by target or weight, which are constants", () => {
    for (const name of ["target", "weight"]) {
      assertThrows(
        () => nll({ weight: [1, 2] }).valueAndGrad([-1, -2], 0, { wrt: [name as "input"] }),
        TypeError,
        `Cannot differentiate NLLLoss by "${name}": wanted is one of input`,
      );
    }
  });
});

testContract({
  loss: "NLLLoss",
  Loss: NLLLoss,
  known: ["weight", "ignoreIndex", "reduction"],
  args: { input: logProbs([2, 3], 11), target: int32([2, 0]) },
  wrt: ["input"],
});
