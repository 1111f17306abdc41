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
import { cases, formulas } from "./reference/cases/poisson_nll.ts";

const poisson = (options?: PoissonNLLLossOptions) => new PoissonNLLLoss(options);
const none = poisson({ reduction: "none" });
const wrt = ["input", "target"];
const subject: Subject = {
  loss: "PoissonNLLLoss",
  build: poisson,
  draw: (random, first, second = first) => ({
    input: random.tensor(first),
    // Away from 1, where Stirling's formula sets in.
    target: random.tensor(second, () => random.below(6) + random.uniform(0.1, 0.9)),
  }),
  wrt,
};
const rates: Subject = {
  ...subject,
  loss: "PoissonNLLLoss of rates, in full",
  build: (options) => poisson({ ...options, logInput: false, full: true }),
  draw: (random, first, second = first) => ({
    ...subject.draw(random, first, second),
    input: random.tensor(first, () => random.uniform(0.1, 4)),
  }),
};

/** Value and gradient by `by` of one count. */
const at = (
  x: number,
  y: number,
  { by = "input", dtype = float64, ...options }: PoissonNLLLossOptions & {
    by?: string;
    dtype?: typeof float64;
  } = {},
) => element(poisson({ reduction: "none", ...options }), [x, y], { wrt: by, dtype });

testCases(cases, poisson);

describe("PoissonNLLLoss beside the document", () => {
  it("is its formula, by default", () => {
    const [x, y] = [[-1, 0.5, 2], [0, 3, 7]];
    const wanted = new Formula(formulas.value.text).evaluate({ x, y });
    assertEquals([...none.forward(x, y).data], [...wanted]);
  });
});

describe("PoissonNLLLoss by hand", () => {
  it("is the rate less the count times its logarithm; the gradient is expected minus seen", () => {
    assertEquals(at(0, 3), [1, 1 - 3]);
    assertEquals(at(-2, 0), [Math.exp(-2), Math.exp(-2)]);
    assertEquals(at(1, 4, { logInput: false, eps: 0 }), [1, 1 - 4]);
    assertEquals(at(4, 2, { logInput: false, eps: 0 })[1], 1 - 2 / 4);
  });

  it("adds eps to a rate, and to nothing else", () => {
    assertEquals(at(0.5, 3, { logInput: false, eps: 0.5 }), [0.5, 1 - 3 / 1]);
    assertEquals(at(0.5, 3, { eps: 0.5 }), at(0.5, 3));
  });
});

describe("PoissonNLLLoss beside one line: minus the logarithm of exp(-λ) λ^y / y!", () => {
  const factorial = (y: number): number => y < 2 ? 1 : y * factorial(y - 1);
  const { input: lambda } = rates.draw(new Random(1), [40]);

  it("differs by log(y!) only, whether the rate or its logarithm is given", () => {
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
        assert(Math.abs(value - wanted) < 1e-12, `${rate}, ${y}: ${value}`);
        assert(Math.abs(grad - (rate - y) / rate) < 1e-12);
      }
    });
  });

  it("in full differs by less than 1 / (12 y), the error of Stirling's formula", () => {
    for (const y of [2, 3, 5, 10, 20, 100]) {
      const missing = at(0.5, y)[0] + Math.log(factorial(y)) - at(0.5, y, { full: true })[0];
      assert(missing > 0 && missing < 1 / (12 * y), `${y}: ${missing}`);
    }
  });
});

// PyTorch computes Stirling's formula for int64 counts in float32, also beside float64; see below for those.
testFixtures("poisson_nll", poisson, {
  only: ({ name, dtype }) => dtype === "float32" || !name.startsWith("int32 counts"),
});

describe("PoissonNLLLoss beside finite differences", () => {
  for (const reduction of ["none", "mean", "sum"] as const) {
    for (const full of [false, true]) {
      it(`agrees for ${reduction}${full ? " in full" : ""}, of rates and of their logarithms`, () => {
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

describe("PoissonNLLLoss where Stirling's formula sets in", () => {
  const full = (y: number, by = "target") => at(0.5, y, { full: true, by });

  it("jumps by log √(2 π) - 1 above y = 1, in the value alone", () => {
    const above = 1 + 2 ** -52;
    assertEquals(full(1), at(0.5, 1, { by: "target" }));
    assert(near(full(above)[0] - full(1)[0], Math.log(2 * Math.PI) / 2 - 1, 1e-12));
    assert(near(full(above)[1] - full(1)[1], 0 + 1 / 2, 1e-12));
    assertEquals(full(above, "input")[1], at(0.5, above)[1]);
  });

  it("adds nothing from 0 to 1; at 0 and below the slope by the target is NaN, the value fine", () => {
    for (const y of [1e-300, 0.25, 1]) assertEquals(full(y), at(0.5, y, { by: "target" }));
    for (const y of [0, -0, -1]) {
      assertEquals(full(y)[0], at(0.5, y)[0]);
      assertEquals(full(y)[1], NaN);
      assertEquals(full(y, "input")[1], at(0.5, y)[1]);
    }
  });

  it("shows the formula that it runs", () => {
    assertEquals(none.formula, PoissonNLLLoss.formula);
    assert(poisson({ full: true }).formula.value.startsWith(PoissonNLLLoss.formula.value));
    const { formula } = poisson({ logInput: false });
    assertEquals(
      formula.value,
      "x - (y == 0 and x + eps == 0 ? 0 : y * min(log(x + eps), 1000))",
    );
  });
});

describe("PoissonNLLLoss of extreme numbers", () => {
  it("tiny rates: exp(x) fades, the count's part stays", () => {
    assertEquals(at(-800, 1), [800, -1]);
    assertEquals(at(-800, 0), [0, 0]);
    assertEquals(at(1e-300, 0, { logInput: false }), [1e-300, 1]);
  });

  it("a rate of 0 costs what eps makes of it", () => {
    assertEquals(at(0, 2, { logInput: false }), [-2 * Math.log(1e-8), 1 - 2 / 1e-8]);
    assertEquals(at(0, 2, { logInput: false, eps: 0 }), [Infinity, -Infinity]);
    assertEquals(at(0, 0, { logInput: false }), [0, 1]);
  });

  it("and a count of 0 costs nothing there without eps either, where PyTorch gives NaN", () => {
    for (const dtype of [float64, float32]) {
      for (const full of [false, true]) {
        const options = { logInput: false, eps: 0, full, dtype };
        for (const [x, y] of [[0, 0], [-0, 0], [0, -0]]) assertEquals(at(x, y, options), [0, 1]);
      }
      const options = { logInput: false, eps: 0, dtype };
      assertEquals(at(0, 0, { ...options, by: "target" })[1], Infinity);
      // The limit: of a rate that vanishes beside a count of 0.
      for (const rate of [1e-10, 1e-30]) {
        assertEquals(at(rate, 0, options), [dtype(rate).item(), 1]);
      }
    }
  });

  it("a rate below -eps is NaN, beside a count of 0 too", () => {
    for (const y of [0, 1, 2.5]) assertEquals(at(-1, y, { logInput: false })[0], NaN);
  });

  it("huge: overflows where exp does", () => {
    assertEquals(at(800, 3), [Infinity, Infinity]);
    assertEquals(at(1e300, 2, { logInput: false })[1], 1);
    assertEquals(at(100, 3, { dtype: float32 }), [Infinity, Infinity]);
  });

  it("-∞, a rate of 0: ∞ for what was counted, 0 where nothing was (PyTorch: NaN)", () => {
    for (const dtype of [float64, float32]) {
      for (const full of [false, true]) {
        assertEquals(at(-Infinity, 2, { dtype, full }), [Infinity, -2]);
        assertEquals(at(-Infinity, 0.5, { dtype, full }), [Infinity, -0.5]);
        assertEquals(at(-Infinity, 0, { dtype, full }), [0, 0]);
        assertEquals(at(-Infinity, -0, { dtype, full }), [0, 0]);
      }
      assertEquals(at(-Infinity, 0, { dtype, by: "target" })[1], Infinity);
    }
    assertEquals(at(-1e4, 0), at(-Infinity, 0));
  });

  it("∞, as a rate or its logarithm: ∞ whatever was counted (PyTorch: NaN)", () => {
    for (const dtype of [float64, float32]) {
      for (const full of [false, true]) {
        for (const y of [0, 0.5, 2, 1e6]) {
          assertEquals(at(Infinity, y, { dtype, full }), [Infinity, Infinity]);
          const rate = at(Infinity, y, { dtype, full, logInput: false });
          assertEquals(rate, [Infinity, 1]);
        }
        const by = { dtype, full, by: "target" };
        assertEquals(at(Infinity, 2, by)[1], -Infinity);
        assertEquals(at(Infinity, 2, { ...by, logInput: false })[1], -Infinity);
      }
    }
    // The limit: exp(x) outgrows y x, and a rate its logarithm, however large y is.
    for (const y of [2, 1e6]) {
      for (const x of [800, 1e4, 1e300]) assertEquals(at(x, y), [Infinity, Infinity]);
      for (const rate of [1e20, 1e300]) {
        assert(near(at(rate, y, { logInput: false })[0], rate - y * Math.log(rate)));
      }
    }
  });

  it("the last finite numbers are no limits: nothing is cut off", () => {
    const { MAX_VALUE } = Number;
    const wanted = MAX_VALUE - 1e305 * Math.log(MAX_VALUE);
    assert(near(at(MAX_VALUE, 1e305, { logInput: false })[0], wanted));
    assert(near(at(709, 1e300)[0], Math.exp(709) - 1e300 * 709, 1e-13));
    assert(near(at(-1e300, 1e5)[0], 1e305));
  });

  it("adds up beside numbers that are finite", () => {
    const [input, target] = [[-Infinity, 0, 1], [0, 3, 0]];
    const { value, grad } = poisson().valueAndGrad(input, target);
    assert(near(value.item(), (0 + 1 + Math.E) / 3));
    const slopes = [0, (1 - 3) / 3, Math.E / 3];
    grad.input.data.forEach((g, i) => assert(near(g, slopes[i])));
    const sum = poisson({ reduction: "sum" }).forward([Infinity, ...input], [7, ...target]);
    assertEquals(sum.item(), Infinity);
  });

  it("NaN", () => {
    for (const logInput of [true, false]) {
      for (const y of [0, 1]) assertEquals(at(NaN, y, { logInput })[0], NaN);
      assertEquals(at(NaN, 1, { logInput }), [NaN, NaN]);
      assertEquals(at(1, NaN, { logInput }), [NaN, NaN]);
      assertEquals(at(Infinity, NaN, { logInput })[0], NaN);
    }
    assertEquals(at(-1, 1, { logInput: false }), [NaN, 1 - 1 / (1e-8 - 1)]);
  });
});

testReductions(subject);
testReductions(rates);
testRepeats(subject, { smaller: wrt });
testTypes(subject, { integers: ["target"] });

describe("PoissonNLLLoss of whole counts", () => {
  it("in full keeps all digits of float64, where PyTorch falls back to float32", () => {
    const counts = [0, 1, 2, 7, 8, 100];
    const x = [0.5, -0.2, 0.1, 2, 1.5, 4];
    const loss = poisson({ full: true, reduction: "none" });
    assertEquals(loss.forward(x, int32(counts)), loss.forward(x, counts));
    const stirling = (y: number) => y > 1 ? y * Math.log(y) - y + Math.log(2 * Math.PI * y) / 2 : 0;
    loss.forward(x, int32(counts)).data.forEach((v, i) =>
      assert(near(v, Math.exp(x[i]) - counts[i] * x[i] + stirling(counts[i]), 1e-13))
    );
  });
});

describe("PoissonNLLLoss among its forms", () => {
  it("is the same for a rate as for its logarithm, by the chain rule", () => {
    const { input: rate, target } = rates.draw(new Random(4), [40]);
    const log = float64(rate.data.map(Math.log) as Float64Array);
    const of = { rate: poisson({ reduction: "none", logInput: false, eps: 0 }), log: none };
    const [one, other] = [call(of.rate, { rate, target }), call(of.log, { log, target })];
    one.value.data.forEach((v, i) => {
      assert(Math.abs(v - other.value.data[i]) < 1e-13);
      const slope = one.grad.input.data[i] * rate.data[i];
      assert(Math.abs(slope - other.grad.input.data[i]) < 1e-13);
    });
  });
});

describe("PoissonNLLLoss as probed", () => {
  const log = fc.double({ min: -5, max: 5, noNaN: true });
  const count = fc.integer({ min: 0, max: 100 });

  it("is smallest where the rate is the count", () => {
    holds(fc.property(log, count, (x, y) => {
      const best = y === 0 ? 0 : y - y * Math.log(y);
      return at(x, y)[0] >= best - 1e-12 * (1 + Math.abs(best));
    }));
  });

  it("is convex in the log-rate", () => {
    const share = fc.double({ min: 0, max: 1, noNaN: true });
    holds(fc.property(log, log, share, count, (a, b, t, y) => {
      const chord = t * at(a, y)[0] + (1 - t) * at(b, y)[0];
      return at(t * a + (1 - t) * b, y)[0] <= chord + 1e-12 * (1 + Math.abs(chord));
    }));
  });

  it("pulls a shared rate to the mean of the counts", () => {
    const counts = [0, 1, 1, 6];
    const mean = poisson({ reduction: "sum", logInput: false, eps: 0 });
    assertEquals(mean.valueAndGrad(2, counts).grad.input.item(), 0);
    assert(mean.valueAndGrad(2.01, counts).grad.input.item() > 0);
    assert(mean.valueAndGrad(1.99, counts).grad.input.item() < 0);
  });
});

describe("PoissonNLLLoss refuses", () => {
  it("an eps that is not ≥ 0, which PyTorch takes", () => {
    for (const eps of [-1e-8, -Infinity, NaN]) {
      assertThrows(
        () => poisson({ eps }),
        RangeError,
        `Cannot compute PoissonNLLLoss as eps must be ≥ 0: current value is ${eps}`,
      );
    }
    assertThrows(() => poisson({ eps: "1" as never }), TypeError, 'current value is "1"');
  });

  it("switches that are neither true nor false", () => {
    for (const name of ["logInput", "full"]) {
      assertThrows(
        () => poisson({ [name]: "yes" }),
        TypeError,
        `Cannot compute PoissonNLLLoss as ${name} must be true or false: current value is "yes"`,
      );
    }
  });

  it("(N, 1) against (N)", () => {
    assertThrows(
      () => poisson().forward([[1], [2]], [1, 2]),
      RangeError,
      "Cannot compute PoissonNLLLoss as the shapes of input and target do not go together: " +
        "current shapes are (2, 1) and (2,)",
    );
  });
});

testManners({
  loss: "PoissonNLLLoss",
  Loss: PoissonNLLLoss,
  known: ["logInput", "full", "eps", "reduction"],
  args: subject.draw(new Random(8), [2, 3]),
  wrt,
});

describe("PoissonNLLLoss answers in types", () => {
  it("with the gradients that wrt names, and no other", () => {
    const { grad } = poisson().valueAndGrad([2], [1], { wrt: ["target"] });
    const target: Tensor = grad.target;
    assertEquals(target.toArray(), [-2]);
    // @ts-expect-error: a gradient that was not asked for is no property of the result.
    assertEquals(grad.input, undefined);
  });
});
