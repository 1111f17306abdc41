/** KLDivLoss: y log y - y x, with x a log-probability; with logTarget exp(y) (y - x). */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import fc from "fast-check";
import {
  CrossEntropyLoss,
  float32,
  float64,
  KLDivLoss,
  type KLDivLossOptions,
  type Tensor,
} from "@lossbook/losses";
import { Formula } from "@lossbook/losses/formula";
import { testCases } from "./_cases.ts";
import { assertNear } from "./_close.ts";
import { testContract } from "./_contract.ts";
import {
  testBroadcasting,
  testDtypes,
  testIncompatibleShapes,
  testLongMean,
} from "./_elementwise.ts";
import { testFixtures } from "./_fixtures.ts";
import { testFormula } from "./_formula.ts";
import { call, element, type Subject } from "./_loss.ts";
import { logSoftmax, sum } from "./_naive.ts";
import { assertGradient } from "./_numeric.ts";
import { holds, vectors } from "./_property.ts";
import { Random } from "./_random.ts";
import { testReductions } from "./_reductions.ts";
import { cases, formulas } from "./reference/cases/kl_div.ts";

const klDiv = (options?: KLDivLossOptions) => new KLDivLoss(options);
const none = klDiv({ reduction: "none" });
const wrt = ["input", "target"];
const subject: Subject = {
  loss: "KLDivLoss",
  build: klDiv,
  draw: (random, first, second = first) => ({
    input: random.tensor(first, () => -random.uniform(0.1, 4)),
    target: random.tensor(second, () => random.uniform(0.05, 1)),
  }),
  wrt,
};
const logs: Subject = {
  ...subject,
  loss: "KLDivLoss with logTarget",
  build: (options) => klDiv({ ...options, logTarget: true }),
  draw: (random, first, second = first) => ({
    input: random.tensor(first, () => -random.uniform(0.1, 4)),
    target: random.tensor(second, () => -random.uniform(0.1, 4)),
  }),
};

/** Value of one term, and gradient with respect to `wrt`. */
const at = (x: number, y: number, { logTarget = false, wrt = "input", dtype = float64 } = {}) =>
  element(klDiv({ reduction: "none", logTarget }), [x, y], { wrt, dtype });

testCases(cases, klDiv);

describe("KLDivLoss against the document", () => {
  it("has its value, for an input of log ŷ", () => {
    const x = [-0.1, -1, -3];
    const y = [0.2, 0.5, 0.9];
    const wanted = new Formula(formulas.value.text).evaluate({ x, y });
    none.forward(x, y).data.forEach((v, i) => assertNear(v, wanted[i], { rtol: 1e-13 }));
  });

  it("has its gradient ŷ - y, which is that with respect to the scores before log-softmax", () => {
    const random = new Random(3);
    const [x, y] = [logSoftmax([0.5, -1, 2]), random.probabilities([3]).data];
    const { grad } = klDiv({ reduction: "sum" }).valueAndGrad(x, y);
    // The chain rule through x = z - log Σ exp z.
    const total = sum(grad.input.data);
    const wanted = new Formula(formulas.gradient.text).evaluate({ x, y });
    x.forEach((x, i) => {
      const slope = grad.input.data[i] - Math.exp(x) * total;
      assertNear(slope, wanted[i], { atol: 1e-15 });
    });
  });
});

describe("KLDivLoss computed by hand", () => {
  it("is y times the logarithm of the ratio", () => {
    assertEquals(at(Math.log(0.5), 1), [Math.LN2, -1]);
    assertEquals(at(-1, 0.5), [0.5 * Math.log(0.5) + 0.5, -0.5]);
    assertEquals(at(-1, 0), [0, 0]);
  });

  it("is the same if the logarithm of the target is given", () => {
    assertEquals(at(-1, 0, { logTarget: true }), [1, -1]);
    assertEquals(at(-2, -2, { logTarget: true }), [0, -Math.exp(-2)]);
  });
});

describe("KLDivLoss against a one-line reference: y log(y / exp(x))", () => {
  const { input, target } = subject.draw(new Random(1), [9, 7]);

  it("agrees in value and both gradients", () => {
    const { value, grad } = call(none, { input, target }, { wrt });
    value.data.forEach((v, i) => {
      const [x, y] = [input.data[i], target.data[i]];
      assertNear(v, y * Math.log(y / Math.exp(x)), { atol: 1e-14, context: `${x}, ${y}` });
      assertEquals(grad.input.data[i], -y);
      assertNear(grad.target.data[i], Math.log(y * Math.E / Math.exp(x)), { atol: 1e-14 });
    });
  });

  it("agrees by the chain rule if the logarithm of the target is given", () => {
    const log = float64(target.data.map(Math.log) as Float64Array, [9, 7]);
    const own = call(none, { input, target }, { wrt });
    const other = call(klDiv({ reduction: "none", logTarget: true }), { input, log }, { wrt });
    own.value.data.forEach((v, i) => {
      assertNear(other.value.data[i], v, { atol: 1e-14 });
      assertNear(other.grad.input.data[i], own.grad.input.data[i]);
      const slope = own.grad.target.data[i] * target.data[i];
      assertNear(other.grad.target.data[i], slope, { atol: 1e-14 });
    });
  });
});

testFixtures("kl_div", klDiv);

describe("KLDivLoss against finite differences", () => {
  for (const reduction of ["none", "mean", "sum", "batchmean"] as const) {
    it(`agrees for ${reduction}, with and without logTarget`, () => {
      const random = new Random(2);
      assertGradient(klDiv({ reduction }), subject.draw(random, [3, 5]), { wrt });
      assertGradient(klDiv({ reduction, logTarget: true }), logs.draw(random, [3, 5]), { wrt });
    });
  }
});

const symbols = { input: "x", target: "y" };
testFormula("KLDivLoss", KLDivLoss.formula, symbols, { x: [-4, 0], y: [0.01, 1] });
testFormula("KLDivLoss with logTarget", klDiv({ logTarget: true }).formula, symbols, {
  x: [-4, 0],
  y: [-4, 0],
});

describe("KLDivLoss at a target of 0", () => {
  it("is 0 with gradient 0; the gradient with respect to the target does not exist (NaN)", () => {
    for (const dtype of [float64, float32]) {
      assertEquals(at(-3, 0, { dtype }), [0, 0]);
      assertEquals(at(-3, 0, { wrt: "target", dtype })[1], NaN);
      assertEquals(at(-3, -0, { wrt: "target", dtype })[1], NaN);
    }
  });

  it("has the formula that it computes as a property", () => {
    assertEquals(none.formula, KLDivLoss.formula);
    const { formula } = klDiv({ logTarget: true });
    assertEquals(formula.value, "exp(y) == 0 and x == x ? 0 : exp(y) * (y - x)");
  });
});

describe("KLDivLoss with extreme numbers", () => {
  it("tiny target probabilities: a tiny loss", () => {
    assertEquals(at(-1, 5e-324)[1], -5e-324);
    const [value] = at(-1, 1e-300);
    assertNear(value, 1e-300 * (Math.log(1e-300) + 1));
    assertEquals(at(0, 1e-300, { wrt: "target" })[1], Math.log(1e-300) + 1);
  });

  it("an input of -1000: the loss is finite, though exp(x) is 0", () => {
    assertEquals(at(-1000, 0.5), [0.5 * Math.log(0.5) + 500, -0.5]);
    assertEquals(at(-1000, -0.5, { logTarget: true })[0], Math.exp(-0.5) * 999.5);
  });

  it("an input of -∞: infinite if the target is not 0", () => {
    for (const dtype of [float64, float32]) {
      assertEquals(at(-Infinity, 0.5, { dtype }), [Infinity, -0.5]);
      assertEquals(at(-Infinity, 0.5, { wrt: "target", dtype }), [Infinity, Infinity]);
      const log = at(-Infinity, 0, { logTarget: true, dtype });
      assertEquals(log, [Infinity, -1]);
    }
  });

  it("a target of 0: the loss is 0 for every input, where PyTorch gives NaN at -∞", () => {
    for (const dtype of [float64, float32]) {
      for (const y of [0, -0]) {
        for (const x of [-Infinity, -1, 0, 3, Infinity]) assertEquals(at(x, y, { dtype })[0], 0);
        assert(at(-Infinity, y, { dtype })[1] === 0);
        assertEquals(at(-Infinity, y, { wrt: "target", dtype })[1], NaN);
      }
    }
  });

  it("-∞ as the logarithm of the target: the same, with gradients of 0", () => {
    for (const dtype of [float64, float32]) {
      for (const x of [-Infinity, -1, 0, 3, Infinity]) {
        const [value, slope] = at(x, -Infinity, { logTarget: true, dtype });
        assert(value === 0 && slope === 0, `${x}: ${value}, ${slope}`);
        const { 1: other } = at(x, -Infinity, { logTarget: true, wrt: "target", dtype });
        assertEquals(other, 0);
      }
    }
  });

  it("a target that tends to 0: value and gradients tend to 0", () => {
    let last = Infinity;
    for (const y of [1e-3, 1e-30, 1e-300]) {
      const [value, slope] = at(-7, y);
      assert(Math.abs(value) < last && Math.abs(value) < 1e3 * y && slope === -y);
      last = Math.abs(value);
    }
    last = Infinity;
    for (const y of [-10, -100, -700]) {
      const values = [
        ...at(-7, y, { logTarget: true }),
        at(-7, y, { logTarget: true, wrt: "target" })[1],
      ];
      const size = Math.max(...values.map(Math.abs));
      assert(size < last && size <= 1e3 * Math.exp(y));
      last = size;
    }
  });

  it("distributions with zeros: the divergence counts only classes with a target above 0", () => {
    const [input, target] = [[[-Infinity, Math.log(0.5), Math.log(0.5)]], [[0, 0.25, 0.75]]];
    const wanted = 0.25 * Math.log(0.25 / 0.5) + 0.75 * Math.log(0.75 / 0.5);
    for (
      const [reduction, count] of [["sum", 1], ["batchmean", 1], ["mean", 3]] as const
    ) {
      const plain = klDiv({ reduction }).valueAndGrad(input, target);
      assertNear(plain.value.item(), wanted / count);
      const slopes = [0, -0.25 / count, -0.75 / count];
      plain.grad.input.data.forEach((g, i) => assertNear(g, slopes[i]));
      const log = call(klDiv({ reduction, logTarget: true }), {
        input,
        target: target.map((row) => row.map(Math.log)),
      }, { wrt });
      assertNear(log.value.item(), wanted / count);
      assert([...log.grad.input.data, ...log.grad.target.data].every(Number.isFinite));
    }
  });

  it("NaN, and a negative target: NaN", () => {
    assertEquals(at(NaN, 0.5), [NaN, -0.5]);
    assertEquals(at(-1, NaN), [NaN, NaN]);
    assertEquals(at(-1, -0.5), [NaN, 0.5]);
    // A target of 0 does not hide it.
    assertEquals(at(NaN, 0)[0], NaN);
    assertEquals(at(NaN, -Infinity, { logTarget: true })[0], NaN);
  });

  it("logTarget: the gradient of a target whose exponential overflows is infinite, where PyTorch's is NaN", () => {
    const loss = new KLDivLoss({ logTarget: true, reduction: "sum" });
    const slope = (x: number, y: number, make = float64) =>
      loss.valueAndGrad(make([x]), make([y]), { wrt: ["target"] }).grad.target.item();
    assertEquals(slope(1000, 1000), Infinity);
    assertEquals(slope(1e300, 1000), -Infinity);
    assertEquals(slope(100, 100, float32), Infinity);
  });
});

for (const each of [subject, logs]) {
  testReductions(each);
  testLongMean(each);
}
testBroadcasting(subject, { smaller: wrt });
testIncompatibleShapes(subject);
testDtypes(subject, { integers: [] });

describe("KLDivLoss averaged over the batch", () => {
  const batch = klDiv({ reduction: "batchmean" });

  it("divides the sum by the length of the input's first axis", () => {
    const args = subject.draw(new Random(5), [4, 3, 2]);
    const total = call(klDiv({ reduction: "sum" }), args, { wrt });
    const mean = call(batch, args, { wrt });
    assertEquals(mean.value.item(), total.value.item() / 4);
    for (const key of wrt) {
      assertEquals([...mean.grad[key].data], [...total.grad[key].data].map((g) => g / 4));
    }
  });

  it("counts the samples of the input even if the target has more", () => {
    const { input, target } = subject.draw(new Random(5), [1, 3], [4, 3]);
    const total = klDiv({ reduction: "sum" }).forward(input, target).item();
    assertEquals(batch.forward(input, target).item(), total);
    assertEquals(
      batch.forward(target, input).item() * 4,
      klDiv({ reduction: "sum" }).forward(target, input).item(),
    );
  });

  it("is the sum for a scalar, and NaN for no samples", () => {
    assertEquals(batch.forward(-1, 0.5).item(), none.forward(-1, 0.5).item());
    assertEquals(batch.forward(float64([], [0, 3]), float64([], [0, 3])).item(), NaN);
    assertEquals(batch.forward(float64([], [3, 0]), float64([], [3, 0])).item(), 0);
  });
});

describe("KLDivLoss and related losses", () => {
  it("is CrossEntropyLoss with probabilities, minus the entropy of the target", () => {
    const random = new Random(6);
    const scores = random.tensor([4, 5]);
    const target = random.probabilities([4, 5]);
    const logProbs = (scores.toArray() as number[][]).map(logSoftmax);
    const entropy = -sum(target.data.map((y) => y * Math.log(y))) / 4;
    const divergence = klDiv({ reduction: "batchmean" }).forward(logProbs, target).item();
    const cross = new CrossEntropyLoss().forward(scores, target).item();
    assertNear(divergence, cross - entropy, { rtol: 1e-13 });
  });
});

describe("KLDivLoss at random inputs", () => {
  const row = vectors(4, 0.01, 1).map((raw) => raw.map((x) => x / sum(raw)));
  const divergence = (p: number[], q: number[]) =>
    klDiv({ reduction: "sum" }).forward(q.map(Math.log), p).item();

  it("is ≥ 0 between two distributions, and 0 between equal ones", () => {
    holds(fc.property(row, row, (p, q) => divergence(p, q) >= -1e-15));
    holds(fc.property(row, (p) => Math.abs(divergence(p, p)) < 1e-15));
  });

  it("is at least (Σ |p - q|)² / 2 (Pinsker's inequality)", () => {
    holds(fc.property(row, row, (p, q) => {
      const apart = sum(p.map((x, i) => Math.abs(x - q[i])));
      return divergence(p, q) >= apart ** 2 / 2 - 1e-14;
    }));
  });

  it("is not symmetric", () => {
    const [p, q] = [[0.9, 0.1], [0.5, 0.5]];
    assert(Math.abs(divergence(p, q) - divergence(q, p)) > 0.1);
  });
});

describe("KLDivLoss refuses", () => {
  it("a logTarget that is neither true nor false", () => {
    assertThrows(
      () => klDiv({ logTarget: 1 as never }),
      TypeError,
      "Cannot make KLDivLoss as logTarget must be true or false: current value is 1",
    );
  });

  it("an unknown reduction, and lists batchmean among the known ones", () => {
    assertThrows(
      () => klDiv({ reduction: "batch" as never }),
      RangeError,
      'Cannot make KLDivLoss as reduction must be "none", "mean", "sum", "batchmean": current value is "batch"',
    );
  });
});

testContract({
  loss: "KLDivLoss",
  Loss: KLDivLoss,
  known: ["logTarget", "reduction"],
  args: subject.draw(new Random(8), [2, 3]),
  wrt,
});

describe("KLDivLoss result types", () => {
  it("have the gradients that wrt names, and no others", () => {
    const { grad } = klDiv().valueAndGrad([-1], [1], { wrt: ["target"] });
    const target: Tensor = grad.target;
    assertEquals(target.toArray(), [0 + 1 + 1]);
    // @ts-expect-error: a gradient that was not asked for is no property of the result.
    assertEquals(grad.input, undefined);
  });
});
