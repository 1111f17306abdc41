/** Training, choosing, judging: what the experiments of the pages share. */

import { assert, assertAlmostEquals, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import {
  CrossEntropyLoss,
  float64,
  HuberLoss,
  type HuberLossOptions,
  MSELoss,
  type Tensor,
} from "@lossbook/losses";
import { callsOf } from "../../notebooks/_kit/experiments/calls.ts";
import {
  accuracy,
  calibrationCurve,
  confusionMatrix,
  recalls,
} from "../../notebooks/_kit/experiments/classification.ts";
import { checkExamples, type Example } from "../../notebooks/_kit/experiments/examples.ts";
import { matmul, trainLinear } from "../../notebooks/_kit/experiments/linear_model.ts";
import { selectByValidation } from "../../notebooks/_kit/experiments/selection.ts";
import {
  mean,
  pairedDifference,
  plusMinus,
  standardError,
} from "../../notebooks/_kit/experiments/statistics.ts";
import { outputsOf } from "./kernel_stub.ts";

describe("statistics", () => {
  it("are mean and standard error, with divisor n - 1", () => {
    assertEquals(mean(Float32Array.of(1, 2, 6)), 3);
    assertAlmostEquals(standardError([1, 2, 6]), Math.sqrt((4 + 1 + 9) / 2 / 3), 1e-15);
    assertEquals(standardError([2, 2, 2]), 0);
    assertThrows(() => mean([]), RangeError, "no numbers");
    assertThrows(() => standardError([1]), RangeError, "current number is 1");
  });

  it("become text with a true minus sign", () => {
    assertEquals(plusMinus([0.936, 0.94]), "0.938 ± 0.002");
    assertEquals(plusMinus([-1, -2], 1), "−1.5 ± 0.5");
  });

  it("of differences are those of each run, not of the two means", () => {
    const [one, other] = [[0.1, 0.5, 0.9], Float64Array.of(0.2, 0.6, 1)];
    assertEquals(pairedDifference(one, other), "−0.100 ± 0.000");
    assertEquals(pairedDifference([1, 2], [0, -1], 1), "2.0 ± 1.0");
    assertThrows(() => pairedDifference([1, 2], [1]), RangeError, "current numbers are 2 and 1");
  });
});

describe("callsOf", () => {
  const counter = {
    base: 10,
    add(x: number, y: number): number {
      return this.base + x + y;
    },
  };

  it("records the arguments, in order, while the method runs as usual", () => {
    const results: number[] = [];
    const calls = callsOf(counter, "add", () => results.push(counter.add(1, 2), counter.add(3, 4)));
    assertEquals(calls, [[1, 2], [3, 4]]);
    assertEquals(results, [13, 17]);
  });

  it("puts the method back, also after an error", () => {
    const { add } = counter;
    callsOf(counter, "add", () => counter.add(1, 2));
    assertEquals(counter.add, add);
    const fail = () => {
      throw new RangeError("no");
    };
    assertThrows(() => callsOf(counter, "add", fail), RangeError, "no");
    assertEquals(counter.add, add);
  });

  it("sees the calls of all instances of a class", () => {
    const loss = new MSELoss();
    const calls = callsOf(MSELoss.prototype, "forward", () => loss.forward([1, 2], [3, 4]));
    assertEquals(calls.map(([input]) => input), [[1, 2]]);
  });
});

describe("classification", () => {
  it("counts what is right", () => {
    assertEquals(accuracy([0, 1, 2, 2], Int32Array.of(0, 1, 1, 2)), 3 / 4);
    assertThrows(() => accuracy([0], [0, 1]), RangeError, "current numbers are 1 and 2");
    assertThrows(() => accuracy([], []), RangeError, "current numbers are 0 and 0");
  });

  it("counts which class is taken for which, and the share found of each", () => {
    const confusion = confusionMatrix([0, 1, 2, 2, 0], [0, 1, 1, 2, 0], 3);
    assertEquals(confusion, [[2, 0, 0], [0, 1, 1], [0, 0, 1]]);
    assertEquals(recalls(confusion), [1, 1 / 2, 1]);
    assertEquals(recalls([[0, 0], [1, 1]])[0], NaN);
  });

  it("compares forecasts with what happened, in groups from low to high", () => {
    const forecasts = Float64Array.of(0.75, 0, 0.25, 1, 0.5);
    assertEquals(calibrationCurve(forecasts, [1, 0, 1, 1, 0], 2), {
      predicted: [0.25, 0.875],
      observed: [1 / 3, 1],
    });
    assertEquals(calibrationCurve(forecasts, [1, 0, 1, 1, 0], 1).observed, [3 / 5]);
    assertThrows(() => calibrationCurve([0.5], [], 1), RangeError, "numbers are 1 and 0");
  });
});

describe("matmul", () => {
  it("is the product of two matrices", () => {
    const A = [[1, 2, 0], [0, 1, -1]];
    const B = [Float64Array.of(1, 4), [2, 5], [3, 6]];
    assertEquals(matmul(A, B), [[5, 14], [-1, -1]]);
    assertThrows(() => matmul([[1, 2]], B), TypeError, "row 0 must have 3 numbers");
  });
});

describe("trainLinear", () => {
  const X = [[1, 0], [1, 1], [1, 2]];

  it("takes one step as computed by hand", () => {
    const y = [1, 2, 4];
    const loss = new MSELoss();
    const start = [[1], [0]];
    const options = { learningRate: 0.5, steps: 1, start };
    const { weights, history, path } = trainLinear(X, (Z) => loss.valueAndGrad(Z, y), options);
    // The residuals are 0, -1, -3, and their gradients 2 / 3 of that.
    assertEquals(path[0], [[1], [0]]);
    assertAlmostEquals(weights[0][0], 1 + 0.5 * (2 / 3) * 4, 1e-15);
    assertAlmostEquals(weights[1][0], 0.5 * (2 / 3) * (1 + 6), 1e-15);
    assertAlmostEquals(history[0], 10 / 3, 1e-15);
    assertEquals([history.length, path.length, start[0][0]], [2, 2, 1]);
    assertEquals(path[1], weights);
  });

  it("has as many outputs as wanted, and begins at zero", () => {
    const labels = [0, 1, 2];
    const loss = new CrossEntropyLoss();
    const shapes: (readonly number[])[] = [];
    const lossOf = (Z: Tensor) => {
      shapes.push(Z.shape);
      return loss.valueAndGrad(Z, labels);
    };
    const options = { outputs: 3, learningRate: 1, steps: 200 };
    const { weights, history, diverged } = trainLinear(X, lossOf, options);
    assertEquals(shapes[0], [3, 3]);
    assertEquals([weights.length, weights[0].length], [2, 3]);
    assertAlmostEquals(history[0], Math.log(3), 1e-15);
    assert(history[200] < history[100] && !diverged);
  });

  it("finds the least squares", () => {
    const y = [1, 3, 5];
    const loss = new MSELoss();
    const options = { learningRate: 0.2, steps: 500 };
    const { weights } = trainLinear(X, (Z) => loss.valueAndGrad(Z, y), options);
    assertAlmostEquals(weights[0][0], 1, 1e-9);
    assertAlmostEquals(weights[1][0], 2, 1e-9);
  });

  it("ends where the loss is no number any more", () => {
    const loss = new MSELoss();
    const options = { learningRate: 1e200, steps: 50 };
    const { diverged, history, path } = trainLinear(
      X,
      (Z) => loss.valueAndGrad(Z, [1, 2, 4]),
      options,
    );
    assert(diverged && history.length < 50 && path.length === history.length);
    assertEquals(Number.isFinite(history.at(-1)), false);
  });
});

describe("selectByValidation", () => {
  const splits = [{ offset: 0 }, { offset: 2 }];
  const rule = {
    train: (rate: number, { offset }: { offset: number }) => rate + offset,
    score: (model: number) => -((model - 3) ** 2),
  };

  it("chooses the highest or the lowest mean, and gives the models and all scores", () => {
    const highest = selectByValidation([1, 2, 3], splits, { ...rule, choose: "highest" });
    assertEquals(highest, { best: 2, models: [2, 4], scores: [[-4, 0], [-1, -1], [0, -4]] });
    assertEquals(selectByValidation([1, 2, 9], splits, { ...rule, choose: "lowest" }).best, 9);
  });

  it("chooses the first of equals, and never NaN", () => {
    assertEquals(selectByValidation([3, 1], splits, { ...rule, choose: "highest" }).best, 3);
    const broken = { ...rule, score: (model: number) => model > 3 ? NaN : model };
    const only = [{ offset: 0 }];
    assertEquals(selectByValidation([9, 1], only, { ...broken, choose: "highest" }).best, 1);
    assertThrows(
      () => selectByValidation([9], only, { ...broken, choose: "lowest" }),
      RangeError,
      "Cannot choose a candidate",
    );
  });
});

describe("checkExamples", () => {
  const examples: Example<HuberLossOptions>[] = [{
    code: "nn.HuberLoss()(x, y)",
    options: {},
    args: { input: float64([3]), target: float64([1]) },
    value: 1.5,
    grad: { input: [1], target: [-1] },
  }, {
    code: "nn.HuberLoss(delta=2)(x, y)",
    options: { delta: 2 },
    args: { input: float64([3]), target: float64([1]) },
    printed: "2.0",
  }];

  it("shows one line, with values and gradients folded under it", async () => {
    const [output] = await outputsOf(() => checkExamples(examples, (o) => new HuberLoss(o)));
    assert(output.data["text/plain"].startsWith("✓ 2 个算例，逐行核对（4 项"));
    assert(output.data["text/markdown"].includes("… ∂/∂ target"));
  });

  it("finds a wrong gradient", async () => {
    const wrong = [{ ...examples[0], grad: { input: [2] } }];
    const error = await assertRejects(() => checkExamples(wrong, (o) => new HuberLoss(o)), Error);
    assert(error.message.includes("… ∂/∂ input[0]: got 1, want 2"), error.message);
  });
});
