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
import {
  call,
  element,
  near,
  type Subject,
  testReductions,
  testRepeats,
  testTypes,
} from "./_elementwise.ts";
import { assertGradient, Random, testFixtures } from "./_fixtures.ts";
import { testFormula } from "./_formula.ts";
import { testManners } from "./_manners.ts";
import { holds } from "./_property.ts";
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

/** Value and gradient by `by` of one term. */
const at = (x: number, y: number, { logTarget = false, by = "input", dtype = float64 } = {}) =>
  element(klDiv({ reduction: "none", logTarget }), [x, y], { wrt: by, dtype });

/** A row of probabilities. */
function distribution(random: Random, classes: number): number[] {
  const raw = Array.from({ length: classes }, () => random.uniform(0.05, 1));
  const sum = raw.reduce((a, b) => a + b);
  return raw.map((x) => x / sum);
}

testCases(cases, klDiv);

describe("KLDivLoss beside the document", () => {
  it("is its formula, for an input of log ŷ", () => {
    const x = [-0.1, -1, -3];
    const y = [0.2, 0.5, 0.9];
    const wanted = new Formula(formulas.value.text).evaluate({ x, y });
    none.forward(x, y).data.forEach((v, i) => assert(near(v, wanted[i], 1e-13)));
  });

  it("has its gradient ŷ - y by the scores before log-softmax", () => {
    const random = new Random(3);
    const [z, y] = [[0.5, -1, 2], distribution(random, 3)];
    const norm = Math.log(z.reduce((sum, z) => sum + Math.exp(z), 0));
    const x = z.map((z) => z - norm);
    const { grad } = klDiv({ reduction: "sum" }).valueAndGrad(x, y);
    // The chain rule through x = z - log Σ exp z.
    const total = Array.from(grad.input.data).reduce((a, b) => a + b);
    const wanted = new Formula(formulas.gradient.text).evaluate({ x, y });
    x.forEach((x, i) => {
      const slope = grad.input.data[i] - Math.exp(x) * total;
      assert(Math.abs(slope - wanted[i]) < 1e-15);
    });
  });
});

describe("KLDivLoss by hand", () => {
  it("is y times the logarithm of the ratio", () => {
    assertEquals(at(Math.log(0.5), 1), [Math.LN2, -1]);
    assertEquals(at(-1, 0.5), [0.5 * Math.log(0.5) + 0.5, -0.5]);
    assertEquals(at(-1, 0), [0, 0]);
  });

  it("is the same for the logarithm of the target", () => {
    assertEquals(at(-1, 0, { logTarget: true }), [1, -1]);
    assertEquals(at(-2, -2, { logTarget: true }), [0, -Math.exp(-2)]);
  });
});

describe("KLDivLoss beside one line: y log(y / exp(x))", () => {
  const { input, target } = subject.draw(new Random(1), [9, 7]);

  it("agrees in value and both gradients", () => {
    const { value, grad } = call(none, { input, target }, { wrt });
    value.data.forEach((v, i) => {
      const [x, y] = [input.data[i], target.data[i]];
      assert(Math.abs(v - y * Math.log(y / Math.exp(x))) < 1e-14, `${x}, ${y}: ${v}`);
      assertEquals(grad.input.data[i], -y);
      assert(Math.abs(grad.target.data[i] - Math.log(y * Math.E / Math.exp(x))) < 1e-14);
    });
  });

  it("agrees for the logarithm of the target, by the chain rule", () => {
    const log = float64(target.data.map(Math.log) as Float64Array, [9, 7]);
    const own = call(none, { input, target }, { wrt });
    const other = call(klDiv({ reduction: "none", logTarget: true }), { input, log }, { wrt });
    own.value.data.forEach((v, i) => {
      assert(Math.abs(other.value.data[i] - v) < 1e-14);
      assert(near(other.grad.input.data[i], own.grad.input.data[i]));
      const slope = own.grad.target.data[i] * target.data[i];
      assert(Math.abs(other.grad.target.data[i] - slope) < 1e-14);
    });
  });
});

testFixtures("kl_div", klDiv);

describe("KLDivLoss beside finite differences", () => {
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
  it("costs nothing and does not pull; the slope by the target is not there", () => {
    for (const dtype of [float64, float32]) {
      assertEquals(at(-3, 0, { dtype }), [0, 0]);
      assertEquals(at(-3, 0, { by: "target", dtype })[1], NaN);
      assertEquals(at(-3, -0, { by: "target", dtype })[1], NaN);
    }
  });

  it("shows the formula that it runs", () => {
    assertEquals(none.formula, KLDivLoss.formula);
    const { formula } = klDiv({ logTarget: true });
    assertEquals(formula.value, "exp(y) == 0 and x == x ? 0 : exp(y) * (y - x)");
  });
});

describe("KLDivLoss of extreme numbers", () => {
  it("tiny: a probability next to 0 costs next to nothing", () => {
    assertEquals(at(-1, 5e-324)[1], -5e-324);
    const [value] = at(-1, 1e-300);
    assert(near(value, 1e-300 * (Math.log(1e-300) + 1)));
    assertEquals(at(0, 1e-300, { by: "target" })[1], Math.log(1e-300) + 1);
  });

  it("huge: an input of -1000, where exp(x) is 0, keeps its loss", () => {
    assertEquals(at(-1000, 0.5), [0.5 * Math.log(0.5) + 500, -0.5]);
    assertEquals(at(-1000, -0.5, { logTarget: true })[0], Math.exp(-0.5) * 999.5);
  });

  it("-∞: infinite where the impossible happened", () => {
    for (const dtype of [float64, float32]) {
      assertEquals(at(-Infinity, 0.5, { dtype }), [Infinity, -0.5]);
      assertEquals(at(-Infinity, 0.5, { by: "target", dtype }), [Infinity, Infinity]);
      const log = at(-Infinity, 0, { logTarget: true, dtype });
      assertEquals(log, [Infinity, -1]);
    }
  });

  it("-∞ beside a target of 0: what cannot happen costs nothing, where PyTorch gives NaN", () => {
    for (const dtype of [float64, float32]) {
      for (const y of [0, -0]) {
        for (const x of [-Infinity, -1, 0, 3, Infinity]) assertEquals(at(x, y, { dtype })[0], 0);
        assert(at(-Infinity, y, { dtype })[1] === 0);
        assertEquals(at(-Infinity, y, { by: "target", dtype })[1], NaN);
      }
    }
  });

  it("-∞ as the logarithm of the target: the same, with gradients of 0", () => {
    for (const dtype of [float64, float32]) {
      for (const x of [-Infinity, -1, 0, 3, Infinity]) {
        const [value, slope] = at(x, -Infinity, { logTarget: true, dtype });
        assert(value === 0 && slope === 0, `${x}: ${value}, ${slope}`);
        const { 1: other } = at(x, -Infinity, { logTarget: true, by: "target", dtype });
        assertEquals(other, 0);
      }
    }
  });

  it("that is the limit of a target that vanishes", () => {
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
        at(-7, y, { logTarget: true, by: "target" })[1],
      ];
      const size = Math.max(...values.map(Math.abs));
      assert(size < last && size <= 1e3 * Math.exp(y));
      last = size;
    }
  });

  it("a distribution with holes: its divergence counts what is possible", () => {
    const [input, target] = [[[-Infinity, Math.log(0.5), Math.log(0.5)]], [[0, 0.25, 0.75]]];
    const wanted = 0.25 * Math.log(0.25 / 0.5) + 0.75 * Math.log(0.75 / 0.5);
    for (
      const [reduction, count] of [["sum", 1], ["batchmean", 1], ["mean", 3]] as const
    ) {
      const plain = klDiv({ reduction }).valueAndGrad(input, target);
      assert(near(plain.value.item(), wanted / count));
      const slopes = [0, -0.25 / count, -0.75 / count];
      plain.grad.input.data.forEach((g, i) => assert(g === slopes[i] || near(g, slopes[i])));
      const log = call(klDiv({ reduction, logTarget: true }), {
        input,
        target: target.map((row) => row.map(Math.log)),
      }, { wrt });
      assert(near(log.value.item(), wanted / count));
      assert([...log.grad.input.data, ...log.grad.target.data].every(Number.isFinite));
    }
  });

  it("NaN, and a target below 0: NaN", () => {
    assertEquals(at(NaN, 0.5), [NaN, -0.5]);
    assertEquals(at(-1, NaN), [NaN, NaN]);
    assertEquals(at(-1, -0.5), [NaN, 0.5]);
    // Not even a probability of 0 hides it.
    assertEquals(at(NaN, 0)[0], NaN);
    assertEquals(at(NaN, -Infinity, { logTarget: true })[0], NaN);
  });
});

testReductions(subject);
testReductions(logs);
testRepeats(subject, { smaller: wrt });
testTypes(subject, { integers: [] });

describe("KLDivLoss averaged over the batch", () => {
  const batch = klDiv({ reduction: "batchmean" });

  it("divides the sum by the length of the input's first axis", () => {
    const args = subject.draw(new Random(5), [4, 3, 2]);
    const sum = call(klDiv({ reduction: "sum" }), args, { wrt });
    const mean = call(batch, args, { wrt });
    assertEquals(mean.value.item(), sum.value.item() / 4);
    for (const key of wrt) {
      assertEquals([...mean.grad[key].data], [...sum.grad[key].data].map((g) => g / 4));
    }
  });

  it("counts the input's samples even where the target has more", () => {
    const { input, target } = subject.draw(new Random(5), [1, 3], [4, 3]);
    const sum = klDiv({ reduction: "sum" }).forward(input, target).item();
    assertEquals(batch.forward(input, target).item(), sum);
    assertEquals(
      batch.forward(target, input).item() * 4,
      klDiv({ reduction: "sum" }).forward(target, input).item(),
    );
  });

  it("is the sum for a scalar, NaN for no samples", () => {
    assertEquals(batch.forward(-1, 0.5).item(), none.forward(-1, 0.5).item());
    assertEquals(batch.forward(float64([], [0, 3]), float64([], [0, 3])).item(), NaN);
    assertEquals(batch.forward(float64([], [3, 0]), float64([], [3, 0])).item(), 0);
  });
});

describe("KLDivLoss among its siblings", () => {
  it("is CrossEntropyLoss with probabilities less the entropy of the target", () => {
    const random = new Random(6);
    const scores = random.tensor([4, 5]);
    const target = Array.from({ length: 4 }, () => distribution(random, 5));
    const logSoftmax = Array.from({ length: 4 }, (_, n) => {
      const row = Array.from(scores.data.subarray(5 * n, 5 * n + 5));
      const norm = Math.log(row.reduce((sum, z) => sum + Math.exp(z), 0));
      return row.map((z) => z - norm);
    });
    const entropy = -target.flat().reduce((sum, y) => sum + y * Math.log(y), 0) / 4;
    const divergence = klDiv({ reduction: "batchmean" }).forward(logSoftmax, target).item();
    const cross = new CrossEntropyLoss().forward(scores, target).item();
    assert(near(divergence, cross - entropy, 1e-13));
  });
});

describe("KLDivLoss as probed", () => {
  const row = fc.array(fc.double({ min: 0.01, max: 1, noNaN: true }), {
    minLength: 4,
    maxLength: 4,
  }).map((raw) => raw.map((x) => x / raw.reduce((a, b) => a + b)));
  const divergence = (p: number[], q: number[]) =>
    klDiv({ reduction: "sum" }).forward(q.map(Math.log), p).item();

  it("is ≥ 0 between two distributions, 0 between equal ones", () => {
    holds(fc.property(row, row, (p, q) => divergence(p, q) >= -1e-15));
    holds(fc.property(row, (p) => Math.abs(divergence(p, p)) < 1e-15));
  });

  it("bounds the distance of the probabilities (Pinsker): D ≥ (Σ |p - q|)² / 2", () => {
    holds(fc.property(row, row, (p, q) => {
      const apart = p.reduce((sum, x, i) => sum + Math.abs(x - q[i]), 0);
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
      "Cannot compute KLDivLoss as logTarget must be true or false: current value is 1",
    );
  });

  it("an unknown reduction, and names its fourth", () => {
    assertThrows(
      () => klDiv({ reduction: "batch" as never }),
      RangeError,
      'Cannot compute KLDivLoss as reduction must be "none", "mean", "sum", "batchmean": current value is "batch"',
    );
  });

  it("(N, 1) against (N)", () => {
    assertThrows(
      () => klDiv().forward([[-1], [-2]], [0.5, 0.5]),
      RangeError,
      "Cannot compute KLDivLoss as the shapes of input and target do not go together: current shapes are (2, 1) and (2,)",
    );
  });
});

testManners({
  loss: "KLDivLoss",
  Loss: KLDivLoss,
  known: ["logTarget", "reduction"],
  args: subject.draw(new Random(8), [2, 3]),
  wrt,
});

describe("KLDivLoss answers in types", () => {
  it("with the gradients that wrt names, and no other", () => {
    const { grad } = klDiv().valueAndGrad([-1], [1], { wrt: ["target"] });
    const target: Tensor = grad.target;
    assertEquals(target.toArray(), [0 + 1 + 1]);
    // @ts-expect-error: a gradient that was not asked for is no property of the result.
    assertEquals(grad.input, undefined);
  });
});
