/** NLLLoss: -w[y] input[y], the log-probability of the right class; the mean is divided by the weights that were used. */
import { assertEquals, assertInstanceOf, assertThrows } from "@std/assert";
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
import { assertClose, assertNear } from "./_close.ts";
import { testContract } from "./_contract.ts";
import { testFixtures } from "./_fixtures.ts";
import { testFormula } from "./_formula.ts";
import type { Reduction, Subject } from "./_loss.ts";
import { sum } from "./_naive.ts";
import { assertGradient } from "./_numeric.ts";
import { doubles, holds } from "./_property.ts";
import { Random } from "./_random.ts";
import { testReductions } from "./_reductions.ts";
import { assertAnyIntegers, assertLabelsRefused } from "./_rows.ts";
import { cases, formulas, printedLogProbs, scores } from "./reference/cases/nll.ts";

const nll = (options?: NLLLossOptions) => new NLLLoss(options);
const none = (options?: NLLLossOptions) => nll({ ...options, reduction: "none" });
const TIGHT = { rtol: 1e-14, atol: 1e-15 };

/** Log-probabilities of `shape`, normalised along axis 1, or along the only axis. */
function logProbs(shape: number[], random: Random): Tensor {
  return logSoftmax.forward(random.tensor(shape), { dim: shape.length === 1 ? 0 : 1 });
}

const subject: Subject = {
  loss: "NLLLoss",
  build: nll,
  draw: (random, shape) => ({
    input: logProbs(shape, random),
    target: random.labels(shape.slice(0, 1), shape[1]),
  }),
  wrt: ["input"],
};

testCases(cases, nll);

describe("NLLLoss against the document", () => {
  it("prints its log-probabilities", () => {
    assertEquals(logSoftmax.forward(scores, { dim: 1 }).toString(), printedLogProbs);
  });

  it("is the sum of its terms over all classes", () => {
    const [x, y] = [[-0.25, -2, -1.5], [0, 1, 0]];
    const terms = [...new Formula(formulas.value.text).evaluate({ x, y })];
    assertEquals(none().forward(x, 1).item(), terms.reduce((a, b) => a + b));
  });
});

describe("NLLLoss computed by hand", () => {
  it("is minus the log-probability of the label", () => {
    const { value, grad } = none().valueAndGrad([[-0.5, -2], [-3, -0.25]], [1, 1]);
    assertEquals(value.toArray(), [2, 0.25]);
    assertEquals(grad.input.toArray(), [[0, -1], [0, -1]]);
  });

  it("has the mean, no weight and ignoreIndex -100 by default", () => {
    const { value, grad } = nll().valueAndGrad([[-0.5, -2], [-3, -0.25], [-7, -7]], [1, 1, -100]);
    assertEquals(value.item(), (2 + 0.25) / 2);
    assertEquals(grad.input.toArray(), [[0, -0.5], [0, -0.5], [0, 0]]);
  });

  it("has the same mean for every weight of a single sample", () => {
    assertEquals(nll({ weight: [5, 7] }).forward([-0.5, -2], 1).item(), 2);
    assertEquals(nll({ weight: [5, 7], reduction: "sum" }).forward([-0.5, -2], 1).item(), 14);
  });

  it("accepts negative weights, and inputs that are not log-probabilities", () => {
    const loss = none({ weight: [-2, 1] });
    assertEquals(loss.forward([[3, 4], [3, 4]], [0, 1]).toArray(), [6, -4]);
  });
});

describe("NLLLoss against a one-line reference for each sample", () => {
  it("over (5, 4, 3, 2), with weights and an ignored class", () => {
    const random = new Random(1);
    const input = logProbs([5, 4, 3, 2], new Random(2));
    const target = random.labels([5, 3, 2], 4);
    const labels = [...target.data];
    const weight = random.tensor([4], () => random.uniform(0, 3));
    const wanted = labels.map((y, i) => {
      const [n, d] = [Math.floor(i / 6), i % 6];
      return y === 2 ? 0 : -weight.data[y] * input.data[(n * 4 + y) * 6 + d];
    });
    const value = none({ weight, ignoreIndex: 2 }).forward(input, target);
    assertClose(value, { shape: [5, 3, 2], data: wanted }, { ...TIGHT, context: "none:" });
    const divisor = sum(labels.map((y) => y === 2 ? 0 : weight.data[y]));
    const mean = nll({ weight, ignoreIndex: 2 }).forward(input, target);
    assertNear(mean.item(), sum(wanted) / divisor);
  });
});

testFixtures("nll", nll);

describe("NLLLoss against finite differences", () => {
  for (const reduction of ["none", "mean", "sum"] as const) {
    it(`agrees for ${reduction}: plain, with a weight, with an ignored label, in K dimensions`, () => {
      const weight = float64([0.5, 2, 1, 0.25]);
      const target = int32([3, 0, 2]);
      for (const options of [{}, { weight }, { ignoreIndex: 0 }]) {
        const args = { input: logProbs([3, 4], new Random(3)), target };
        assertGradient(nll({ reduction, ...options }), args, { wrt: ["input"], seed: 4 });
      }
      const image = {
        input: logProbs([2, 4, 3], new Random(5)),
        target: int32([[3, 0, 2], [1, 1, 0]]),
      };
      assertGradient(nll({ reduction, weight }), image, { wrt: ["input"], seed: 6 });
    });
  }
});

testFormula("NLLLoss", NLLLoss.formula, { input: "x" }, { x: [-5, 0], y: [0, 1], w: [-1, 2] });

describe("NLLLoss with extreme log-probabilities", () => {
  it("-∞ at the label: infinite value, finite gradient", () => {
    const { value, grad } = none().valueAndGrad([-Infinity, 0], 0);
    assertEquals([value.item(), ...grad.input.data], [Infinity, -1, 0]);
  });

  it("-∞ at another class: no effect", () => {
    assertEquals(none().forward([-Infinity, -0.5], 1).item(), 0.5);
  });

  it("-∞ at a label of weight 0: 0, where PyTorch gives NaN", () => {
    for (const dtype of [float32, float64]) {
      const input = dtype([[-Infinity, -1], [-4, -2], [-Infinity, -3]]);
      const labels = [0, 1, 0];
      const by = (reduction: Reduction) =>
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

  it("NaN at a label of weight 0: NaN", () => {
    assertEquals(none({ weight: [0, 2] }).forward([NaN, -1], 0).item(), NaN);
  });

  it("-∞ at a label of the smallest weight: infinite value", () => {
    for (const w of [1e-300, 5e-324, -1e-300]) {
      const value = none({ weight: [w, 1] }).forward([-Infinity, 0], 0).item();
      assertEquals(value, Math.sign(w) * Infinity);
    }
  });

  it("NaN: NaN at the label, no effect at another class", () => {
    assertEquals(none().forward([NaN, -1], 0).item(), NaN);
    assertEquals(none().forward([NaN, -1], 1).item(), 1);
  });

  it("tiny and huge numbers: all digits are kept", () => {
    assertEquals(none().forward([-1e-300, -1e300], 0).item(), 1e-300);
    assertEquals(none().forward([-1e-300, -1e300], 1).item(), 1e300);
    assertEquals(none().forward(float32([-1e-40, -3e38]), 1).item(), Math.fround(3e38));
  });

  it("all labels ignored: the mean is NaN with gradient 0, the sum is 0", () => {
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

  it("2^20 equal values in float32: their mean is exact", () => {
    const input = float32(new Float32Array(2 ** 21).fill(-0.1), [2 ** 20, 2]);
    assertEquals(nll().forward(input, new Int32Array(2 ** 20)).item(), Math.fround(0.1));
  });
});

testReductions(subject, { empty: [[[0, 3], [0]]] });

describe("NLLLoss of labels", () => {
  const [input, target] = [logProbs([3, 4], new Random(7)), int32([3, 0, 2])];

  it("has unreduced values in the shape of the labels", () => {
    assertEquals(none().forward(input, target).shape, [3]);
    assertEquals(none().forward(logProbs([4], new Random(8)), 2).shape, []);
    assertEquals(
      none().forward(logProbs([2, 4, 5, 3], new Random(9)), int32(new Int32Array(30), [2, 5, 3]))
        .shape,
      [2, 5, 3],
    );
  });

  it("has a gradient at the label only, the upstream gradient of its sample with a minus", () => {
    const dense = none().valueAndGrad(input, target, { gradOutput: [0.5, -2, 0] }).grad.input;
    assertEquals(dense.toArray(), [[0, 0, 0, -0.5], [2, 0, 0, 0], [0, 0, -0, 0]]);
    const mean = nll().valueAndGrad(input, target, { gradOutput: -6 }).grad.input;
    assertEquals(mean.toArray(), [[0, 0, 0, 2], [2, 0, 0, 0], [0, 0, 2, 0]]);
  });

  it("accepts every type of integers for them", () => assertAnyIntegers(nll(), input, [3, 0, 2]));
});

describe("NLLLoss2d", () => {
  it("is the old name of NLLLoss", () => {
    const [input, target] = [
      logProbs([2, 3, 4, 5], new Random(10)),
      int32(new Int32Array(40).fill(2), [2, 4, 5]),
    ];
    assertInstanceOf(new NLLLoss2d(), NLLLoss);
    assertEquals(new NLLLoss2d().valueAndGrad(input, target), nll().valueAndGrad(input, target));
  });
});

describe("NLLLoss at random inputs", () => {
  const rows = fc.tuple(
    fc.array(doubles(-20, 0), { minLength: 1, maxLength: 9 }),
    fc.nat(),
  ).map(([row, n]): [number[], number] => [row, n % row.length]);

  it("is linear: it doubles with its input, and the gradient stays the same", () => {
    holds(fc.property(rows, ([row, label]) => {
      const [once, twice] = [row, row.map((x) => 2 * x)].map((x) => none().valueAndGrad(x, label));
      assertEquals(twice.value.item(), 2 * once.value.item());
      assertEquals(twice.grad, once.grad);
    }));
  });

  it("is never negative for log-probabilities", () => {
    holds(fc.property(rows, ([row, label]) => none().forward(row, label).item() >= 0));
  });

  it("does not depend on the order of the classes", () => {
    holds(fc.property(rows, ([row, label]) => {
      const back = none().forward(row.toReversed(), row.length - 1 - label);
      assertEquals(none().forward(row, label), back);
    }));
  });
});

describe("NLLLoss refuses", () => {
  it("labels that are not classes, and leaves buffers as they were", () => {
    assertLabelsRefused(
      nll(),
      [-1, 3, 1.5, NaN, Infinity],
      "Cannot compute NLLLoss as target must hold classes from 0 to 2 or ignoreIndex, -100",
    );
  });

  it("an input without a class axis", () => {
    assertThrows(
      () => nll().forward(-1, 0),
      RangeError,
      "Cannot compute NLLLoss as input must have a class axis: current shape is ()",
    );
  });

  it("labels whose shape does not go together with the input's, and shows both shapes", () => {
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

  it("labels that are floats", () => {
    assertThrows(
      () => nll().forward([[-1, -2]], float32([1])),
      TypeError,
      "Cannot compute NLLLoss as target must be int32: current dtype is float32",
    );
  });

  it("a weight that is not one number per class in the dtype of the input", () => {
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

  it("an ignoreIndex that is not a whole number", () => {
    const message = "Cannot make NLLLoss as ignoreIndex must be a whole number: current value is";
    assertThrows(() => nll({ ignoreIndex: 0.5 }), RangeError, `${message} 0.5`);
    assertThrows(() => nll({ ignoreIndex: NaN }), RangeError, `${message} NaN`);
    assertThrows(() => nll({ ignoreIndex: "0" as never }), TypeError, `${message} "0"`);
  });

  it("to differentiate with respect to the weight, which is a constant", () => {
    assertThrows(
      () => nll({ weight: [1, 2] }).valueAndGrad([-1, -2], 0, { wrt: ["weight" as "input"] }),
      TypeError,
      'Cannot differentiate NLLLoss with respect to "weight": wanted is one of input',
    );
  });
});

testContract({
  loss: "NLLLoss",
  Loss: NLLLoss,
  known: ["weight", "ignoreIndex", "reduction"],
  args: { input: logProbs([2, 3], new Random(11)), target: int32([2, 0]) },
  wrt: ["input"],
});
