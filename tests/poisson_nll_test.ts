/** PoissonNLLLoss: exp(x) - y x for a log-rate x, or x - y log(x + eps) for a rate x; `full` adds Stirling's log(y!). */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import fc from "fast-check";
import {
  float32,
  float64,
  int32,
  PoissonNLLLoss,
  type PoissonNLLLossOptions,
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
import { assertGradient } from "./_numeric.ts";
import { doubles, holds, isBelowChord } from "./_property.ts";
import { Random } from "./_random.ts";
import { testReductions } from "./_reductions.ts";
import { cases, formulas } from "./reference/cases/poisson_nll.ts";

const poisson = (options?: PoissonNLLLossOptions) => new PoissonNLLLoss(options);
const none = poisson({ reduction: "none" });
const wrt = ["input", "target"];
const subject: Subject = {
  loss: "PoissonNLLLoss",
  build: poisson,
  draw: (random, first, second = first) => ({
    input: random.tensor(first),
    // Not close to 1, above which Stirling's formula is added.
    target: random.tensor(second, () => random.below(6) + random.uniform(0.1, 0.9)),
  }),
  wrt,
};
const rates: Subject = {
  ...subject,
  loss: "PoissonNLLLoss of rates, with full: true",
  build: (options) => poisson({ ...options, logInput: false, full: true }),
  draw: (random, first, second = first) => ({
    ...subject.draw(random, first, second),
    input: random.tensor(first, () => random.uniform(0.1, 4)),
  }),
};

/** Value at one count, and gradient with respect to `wrt`. */
const at = (
  x: number,
  y: number,
  { wrt = "input", dtype = float64, ...options }: PoissonNLLLossOptions & {
    wrt?: string;
    dtype?: typeof float64;
  } = {},
) => element(poisson({ reduction: "none", ...options }), [x, y], { wrt, dtype });

testCases(cases, poisson);

describe("PoissonNLLLoss against the document", () => {
  it("has its value by default", () => {
    const [x, y] = [[-1, 0.5, 2], [0, 3, 7]];
    const wanted = new Formula(formulas.value.text).evaluate({ x, y });
    assertEquals([...none.forward(x, y).data], [...wanted]);
  });
});

describe("PoissonNLLLoss computed by hand", () => {
  it("is the rate minus count times log rate; its gradient is expected minus observed count", () => {
    assertEquals(at(0, 3), [1, 1 - 3]);
    assertEquals(at(-2, 0), [Math.exp(-2), Math.exp(-2)]);
    assertEquals(at(1, 4, { logInput: false, eps: 0 }), [1, 1 - 4]);
    assertEquals(at(4, 2, { logInput: false, eps: 0 })[1], 1 - 2 / 4);
  });

  it("adds eps to a rate before the logarithm, and nowhere else", () => {
    assertEquals(at(0.5, 3, { logInput: false, eps: 0.5 }), [0.5, 1 - 3 / 1]);
    assertEquals(at(0.5, 3, { eps: 0.5 }), at(0.5, 3));
  });
});

describe("PoissonNLLLoss against a one-line reference: -log(exp(-λ) λ^y / y!)", () => {
  const factorial = (y: number): number => y < 2 ? 1 : y * factorial(y - 1);
  const { input: lambda } = rates.draw(new Random(1), [40]);

  it("differs only by log(y!), whether the rate or its logarithm is given", () => {
    lambda.data.forEach((rate, i) => {
      const y = i % 9;
      const wanted = -Math.log(Math.exp(-rate) * rate ** y / factorial(y)) -
        Math.log(factorial(y));
      for (
        const [value, grad] of [
          at(rate, y, { logInput: false, eps: 0 }),
          at(Math.log(rate), y).map((v, i) => i === 0 ? v : v / rate),
        ]
      ) {
        assertNear(value, wanted, { atol: 1e-12, context: `${rate}, ${y}` });
        assertNear(grad, (rate - y) / rate, { atol: 1e-12 });
      }
    });
  });

  it("differs by less than 1 / (12 y), the error of Stirling's formula, with full: true", () => {
    for (const y of [2, 3, 5, 10, 20, 100]) {
      const missing = at(0.5, y)[0] + Math.log(factorial(y)) - at(0.5, y, { full: true })[0];
      assert(missing > 0 && missing < 1 / (12 * y), `${y}: ${missing}`);
    }
  });
});

// PyTorch computes Stirling's formula of int64 counts in float32 even if the input is float64; a test below covers them.
testFixtures("poisson_nll", poisson, {
  only: ({ name, dtype }) => dtype === "float32" || !name.startsWith("int32 counts"),
});

describe("PoissonNLLLoss against finite differences", () => {
  for (const reduction of ["none", "mean", "sum"] as const) {
    for (const full of [false, true]) {
      it(`agrees for ${reduction}, full: ${full}, of rates and of their logarithms`, () => {
        const random = new Random(2);
        const logs = poisson({ reduction, full });
        const plain = poisson({ reduction, full, logInput: false, eps: 0.01 });
        assertGradient(logs, subject.draw(random, [3, 5]), { wrt });
        assertGradient(plain, rates.draw(random, [3, 5]), { wrt });
      });
    }
  }
});

const symbols = { input: "x", target: "y" };
for (const logInput of [true, false]) {
  for (const full of [true, false]) {
    for (const y of [[1.1, 9], [0.1, 0.9]] as const) {
      const name = `PoissonNLLLoss of ${JSON.stringify({ logInput, full })}, y > ${y[0]}:`;
      const { formula } = poisson({ logInput, full });
      testFormula(name, formula, symbols, { x: [0.1, 3], y, eps: [0, 0.1] });
    }
  }
}

describe("PoissonNLLLoss at y = 1, above which Stirling's formula is added", () => {
  const full = (y: number, wrt = "target") => at(0.5, y, { full: true, wrt });

  it("jumps by log √(2 π) - 1, and so does its gradient with respect to the target, by ½", () => {
    const above = 1 + 2 ** -52;
    assertEquals(full(1), at(0.5, 1, { wrt: "target" }));
    assertNear(full(above)[0] - full(1)[0], Math.log(2 * Math.PI) / 2 - 1, { rtol: 1e-12 });
    assertNear(full(above)[1] - full(1)[1], 0 + 1 / 2, { rtol: 1e-12 });
    assertEquals(full(above, "input")[1], at(0.5, above)[1]);
  });

  it("adds nothing from 0 to 1; at 0 and below the gradient with respect to the target is NaN", () => {
    for (const y of [1e-300, 0.25, 1]) assertEquals(full(y), at(0.5, y, { wrt: "target" }));
    for (const y of [0, -0, -1]) {
      assertEquals(full(y)[0], at(0.5, y)[0]);
      assertEquals(full(y)[1], NaN);
      assertEquals(full(y, "input")[1], at(0.5, y)[1]);
    }
  });

  it("has the formula that it computes as a property", () => {
    assertEquals(none.formula, PoissonNLLLoss.formula);
    assert(poisson({ full: true }).formula.value.startsWith(PoissonNLLLoss.formula.value));
    const { formula } = poisson({ logInput: false });
    assertEquals(
      formula.value,
      "x - (y == 0 and x + eps == 0 ? 0 : y * min(log(x + eps), 1000))",
    );
  });
});

describe("PoissonNLLLoss with extreme numbers", () => {
  it("tiny rates: exp(x) underflows, the term with the count does not", () => {
    assertEquals(at(-800, 1), [800, -1]);
    assertEquals(at(-800, 0), [0, 0]);
    assertEquals(at(1e-300, 0, { logInput: false }), [1e-300, 1]);
  });

  it("a rate of 0: finite thanks to eps", () => {
    assertEquals(at(0, 2, { logInput: false }), [-2 * Math.log(1e-8), 1 - 2 / 1e-8]);
    assertEquals(at(0, 2, { logInput: false, eps: 0 }), [Infinity, -Infinity]);
    assertEquals(at(0, 0, { logInput: false }), [0, 1]);
  });

  it("a rate of 0 and a count of 0: 0 even with eps = 0, where PyTorch gives NaN", () => {
    for (const dtype of [float64, float32]) {
      for (const full of [false, true]) {
        const options = { logInput: false, eps: 0, full, dtype };
        for (const [x, y] of [[0, 0], [-0, 0], [0, -0]]) assertEquals(at(x, y, options), [0, 1]);
      }
      const options = { logInput: false, eps: 0, dtype };
      assertEquals(at(0, 0, { ...options, wrt: "target" })[1], Infinity);
      // It is the limit as the rate tends to 0.
      for (const rate of [1e-10, 1e-30]) {
        assertEquals(at(rate, 0, options), [dtype(rate).item(), 1]);
      }
    }
  });

  it("a rate below -eps: NaN, even for a count of 0", () => {
    for (const y of [0, 1, 2.5]) assertEquals(at(-1, y, { logInput: false })[0], NaN);
  });

  it("huge rates: infinite where exp overflows", () => {
    assertEquals(at(800, 3), [Infinity, Infinity]);
    assertEquals(at(1e300, 2, { logInput: false })[1], 1);
    assertEquals(at(100, 3, { dtype: float32 }), [Infinity, Infinity]);
  });

  it("a log-rate of -∞: infinite for counts above 0, and 0 for a count of 0 (PyTorch: NaN)", () => {
    for (const dtype of [float64, float32]) {
      for (const full of [false, true]) {
        assertEquals(at(-Infinity, 2, { dtype, full }), [Infinity, -2]);
        assertEquals(at(-Infinity, 0.5, { dtype, full }), [Infinity, -0.5]);
        assertEquals(at(-Infinity, 0, { dtype, full }), [0, 0]);
        assertEquals(at(-Infinity, -0, { dtype, full }), [0, 0]);
      }
      assertEquals(at(-Infinity, 0, { dtype, wrt: "target" })[1], Infinity);
    }
    assertEquals(at(-1e4, 0), at(-Infinity, 0));
  });

  it("an infinite rate or log-rate: infinite for every count (PyTorch: NaN)", () => {
    for (const dtype of [float64, float32]) {
      for (const full of [false, true]) {
        for (const y of [0, 0.5, 2, 1e6]) {
          assertEquals(at(Infinity, y, { dtype, full }), [Infinity, Infinity]);
          const rate = at(Infinity, y, { dtype, full, logInput: false });
          assertEquals(rate, [Infinity, 1]);
        }
        const options = { dtype, full, wrt: "target" };
        assertEquals(at(Infinity, 2, options)[1], -Infinity);
        assertEquals(at(Infinity, 2, { ...options, logInput: false })[1], -Infinity);
      }
    }
    // It is the limit: exp(x) grows faster than y x, and a rate faster than its logarithm, however large y is.
    for (const y of [2, 1e6]) {
      for (const x of [800, 1e4, 1e300]) assertEquals(at(x, y), [Infinity, Infinity]);
      for (const rate of [1e20, 1e300]) {
        assertNear(at(rate, y, { logInput: false })[0], rate - y * Math.log(rate));
      }
    }
  });

  it("the largest finite numbers: nothing is replaced by a limit", () => {
    const { MAX_VALUE } = Number;
    const wanted = MAX_VALUE - 1e305 * Math.log(MAX_VALUE);
    assertNear(at(MAX_VALUE, 1e305, { logInput: false })[0], wanted);
    assertNear(at(709, 1e300)[0], Math.exp(709) - 1e300 * 709, { rtol: 1e-13 });
    assertNear(at(-1e300, 1e5)[0], 1e305);
  });

  it("infinite and finite log-rates in one call: each has its own value", () => {
    const [input, target] = [[-Infinity, 0, 1], [0, 3, 0]];
    const { value, grad } = poisson().valueAndGrad(input, target);
    assertNear(value.item(), (0 + 1 + Math.E) / 3);
    const slopes = [0, (1 - 3) / 3, Math.E / 3];
    grad.input.data.forEach((g, i) => assertNear(g, slopes[i]));
    const total = poisson({ reduction: "sum" }).forward([Infinity, ...input], [7, ...target]);
    assertEquals(total.item(), Infinity);
  });

  it("NaN: NaN in its own value and gradients", () => {
    for (const logInput of [true, false]) {
      for (const y of [0, 1]) assertEquals(at(NaN, y, { logInput })[0], NaN);
      assertEquals(at(NaN, 1, { logInput }), [NaN, NaN]);
      assertEquals(at(1, NaN, { logInput }), [NaN, NaN]);
      assertEquals(at(Infinity, NaN, { logInput })[0], NaN);
    }
    assertEquals(at(-1, 1, { logInput: false }), [NaN, 1 - 1 / (1e-8 - 1)]);
  });

  it("float32: a derivative that overflows stays ∞, however small the upstream gradient is", () => {
    const loss = new PoissonNLLLoss({ logInput: false, eps: 0, reduction: "sum" });
    const request = { gradOutput: 1e-5 };
    const { grad } = loss.valueAndGrad(float32([1e-6]), float32([1e36]), request);
    assertEquals(grad.input.item(), -Infinity);
    const wide = loss.valueAndGrad([1e-6], [1e36], request).grad.input.item();
    assertEquals(wide.toPrecision(12), "-1.00000000000e+37");
  });
});

for (const each of [subject, rates]) {
  testReductions(each);
  testLongMean(each);
}
testBroadcasting(subject, { smaller: wrt });
testIncompatibleShapes(subject);
testDtypes(subject, { integers: ["target"] });

describe("PoissonNLLLoss of whole counts", () => {
  it("keeps all digits of float64 with full: true, where PyTorch computes in float32", () => {
    const counts = [0, 1, 2, 7, 8, 100];
    const x = [0.5, -0.2, 0.1, 2, 1.5, 4];
    const loss = poisson({ full: true, reduction: "none" });
    assertEquals(loss.forward(x, int32(counts)), loss.forward(x, counts));
    const stirling = (y: number) => y > 1 ? y * Math.log(y) - y + Math.log(2 * Math.PI * y) / 2 : 0;
    loss.forward(x, int32(counts)).data.forEach((v, i) =>
      assertNear(v, Math.exp(x[i]) - counts[i] * x[i] + stirling(counts[i]), { rtol: 1e-13 })
    );
  });
});

describe("PoissonNLLLoss of rates and of their logarithms", () => {
  it("has the same value, and gradients that agree by the chain rule", () => {
    const { input: rate, target } = rates.draw(new Random(4), [40]);
    const log = float64(rate.data.map(Math.log) as Float64Array);
    const of = { rate: poisson({ reduction: "none", logInput: false, eps: 0 }), log: none };
    const [one, other] = [call(of.rate, { rate, target }), call(of.log, { log, target })];
    one.value.data.forEach((v, i) => {
      assertNear(v, other.value.data[i], { atol: 1e-13 });
      const slope = one.grad.input.data[i] * rate.data[i];
      assertNear(slope, other.grad.input.data[i], { atol: 1e-13 });
    });
  });
});

describe("PoissonNLLLoss at random inputs", () => {
  const log = doubles(-5, 5);
  const count = fc.integer({ min: 0, max: 100 });

  it("is minimised by the rate that is the count", () => {
    holds(fc.property(log, count, (x, y) => {
      const best = y === 0 ? 0 : y - y * Math.log(y);
      return at(x, y)[0] >= best - 1e-12 * (1 + Math.abs(best));
    }));
  });

  it("is convex in the log-rate", () => {
    holds(fc.property(log, log, doubles(0, 1), count, (a, b, t, y) => {
      return isBelowChord((x) => at(x, y)[0], [a, b, t]);
    }));
  });

  it("is minimised by the shared rate that is the mean of the counts", () => {
    const counts = [0, 1, 1, 6];
    const mean = poisson({ reduction: "sum", logInput: false, eps: 0 });
    assertEquals(mean.valueAndGrad(2, counts).grad.input.item(), 0);
    assert(mean.valueAndGrad(2.01, counts).grad.input.item() > 0);
    assert(mean.valueAndGrad(1.99, counts).grad.input.item() < 0);
  });
});

describe("PoissonNLLLoss refuses", () => {
  it("an eps that is not ≥ 0, which PyTorch accepts", () => {
    for (const eps of [-1e-8, -Infinity, NaN]) {
      assertThrows(
        () => poisson({ eps }),
        RangeError,
        `Cannot make PoissonNLLLoss as eps must be ≥ 0: current value is ${eps}`,
      );
    }
    assertThrows(() => poisson({ eps: "1" as never }), TypeError, 'current value is "1"');
  });

  it("a logInput or full that is neither true nor false", () => {
    for (const name of ["logInput", "full"]) {
      assertThrows(
        () => poisson({ [name]: "yes" }),
        TypeError,
        `Cannot make PoissonNLLLoss as ${name} must be true or false: current value is "yes"`,
      );
    }
  });
});

testContract({
  loss: "PoissonNLLLoss",
  Loss: PoissonNLLLoss,
  known: ["logInput", "full", "eps", "reduction"],
  args: subject.draw(new Random(8), [2, 3]),
  wrt,
});

describe("PoissonNLLLoss result types", () => {
  it("have the gradients that wrt names, and no others", () => {
    const { grad } = poisson().valueAndGrad([2], [1], { wrt: ["target"] });
    const target: Tensor = grad.target;
    assertEquals(target.toArray(), [-2]);
    // @ts-expect-error: a gradient that was not asked for is no property of the result.
    assertEquals(grad.input, undefined);
  });
});
