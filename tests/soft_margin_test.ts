/** SoftMarginLoss: log(1 + exp(-y x)). */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import fc from "fast-check";
import {
  BCEWithLogitsLoss,
  float32,
  float64,
  int32,
  SoftMarginLoss,
  type SoftMarginLossOptions,
  type Tensor,
} from "@lossbook/losses";
import { Formula } from "@lossbook/losses/formula";
import { testCases } from "./_cases.ts";
import { assertNear } from "./_close.ts";
import { testContract } from "./_contract.ts";
import { testBroadcasting, testDomain, testDtypes, testLongMean } from "./_elementwise.ts";
import { testFixtures } from "./_fixtures.ts";
import { testFormula } from "./_formula.ts";
import { call, element, type Subject } from "./_loss.ts";
import { sum } from "./_naive.ts";
import { assertGradient } from "./_numeric.ts";
import { doubles, holds, isBelowChord } from "./_property.ts";
import { Random } from "./_random.ts";
import { testReductions } from "./_reductions.ts";
import { cases, formulas } from "./reference/cases/soft_margin.ts";
import { oracle } from "./reference/maths/math.ts";

const softMargin = (options?: SoftMarginLossOptions) => new SoftMarginLoss(options);
const none = softMargin({ reduction: "none" });
const subject: Subject = {
  loss: "SoftMarginLoss",
  build: softMargin,
  draw: (random, first, second = first) => ({
    input: random.tensor(first, () => 2 * random.normal()),
    target: random.tensor(second, () => random.sign()),
  }),
  wrt: ["input"],
};

/** Value and gradient at one score. */
const at = (x: number, y: number, dtype = float64) => element(none, [x, y], { dtype });

testCases(cases, softMargin);

describe("SoftMarginLoss against the document", () => {
  const [x, y] = [[0.1, -0.5, 2, 3], [1, 1, -1, 1]];
  const evaluate = (formula: { text: string }) => new Formula(formula.text).evaluate({ x, y });

  it("has the values that its formula for the mean averages", () => {
    const wanted = evaluate(formulas.mean);
    none.forward(x, y).data.forEach((v, i) => assertNear(v, wanted[i]));
  });

  it("is not its formula with a sigmoid", () => {
    const other = evaluate(formulas.value);
    none.forward(x, y).data.forEach((v, i) => assert(Math.abs(v - other[i]) > 0.05));
  });
});

describe("SoftMarginLoss computed by hand", () => {
  it("is log 2 at score 0, with gradient ± ½", () => {
    for (const x of [0, -0]) {
      assertEquals(at(x, 1), [Math.LN2, -0.5]);
      assertEquals(at(x, -1), [Math.LN2, 0.5]);
    }
  });

  it("is the logarithm of 4 or 4/3 at odds of 3 to 1", () => {
    assertNear(at(Math.log(3), -1)[0], Math.log(4));
    assertNear(at(Math.log(3), -1)[1], 3 / 4);
    assertNear(at(Math.log(3), 1)[0], Math.log(4 / 3));
    assertNear(at(Math.log(3), 1)[1], -1 / 4);
  });
});

describe("SoftMarginLoss against a one-line reference: log(2 cosh(x / 2)) - y x / 2", () => {
  it("agrees in value and gradient", () => {
    const args = subject.draw(new Random(1), [9, 7]);
    const { value, grad } = call(none, args);
    value.data.forEach((v, i) => {
      const [x, y] = [args.input.data[i], args.target.data[i]];
      assertNear(v, Math.log(2 * Math.cosh(x / 2)) - y * x / 2, {
        rtol: 1e-12,
        context: `${x}, ${y}`,
      });
      assertNear(grad.input.data[i], (Math.tanh(x / 2) - y) / 2, { rtol: 1e-12 });
    });
  });
});

testFixtures("soft_margin", softMargin);

describe("SoftMarginLoss against finite differences", () => {
  for (const reduction of ["none", "mean", "sum"] as const) {
    it(`agrees for ${reduction}`, () => {
      const args = subject.draw(new Random(2), [3, 5]);
      assertGradient(softMargin({ reduction }), args, { wrt: ["input"] });
    });
  }
});

for (const y of [1, -1]) {
  testFormula(`SoftMarginLoss, y = ${y}:`, SoftMarginLoss.formula, { input: "x" }, {
    x: [-5, 5],
    y: [y, y],
  });
}

describe("SoftMarginLoss has no kink", () => {
  it("and lies above the hinge max(0, -x), by at most log 2, which is at the kink", () => {
    for (const x of [-3, -0.1, 0, 0.1, 3]) {
      const gap = at(x, 1)[0] - Math.max(0, -x);
      assert(gap > 0 && gap <= Math.LN2);
    }
  });
});

describe("SoftMarginLoss with extreme numbers", () => {
  it("tiny scores: log 2 and the gradient -½", () => {
    for (const x of [1e-20, -1e-300, 5e-324]) assertEquals(at(x, 1), [Math.LN2, -0.5]);
  });

  it("huge and wrong scores: the size of the score, where PyTorch overflows", () => {
    for (const x of [-710, -1e4, -1e300, -Number.MAX_VALUE]) {
      assertEquals(at(x, 1), [-x, -1]);
      assertEquals(at(-x, -1), [-x, 1]);
    }
    assertEquals(at(-89, 1, float32), [89, -1]);
  });

  it("huge and right scores: 0", () => {
    assertEquals(at(1e4, 1), [0, 0]);
    assertEquals(at(-1e4, -1, float32), [0, 0]);
  });

  it("moderate scores: keeps the digits that 1 + exp(-y x) loses", () => {
    for (const [x, y] of [[17, 1], [-36, -1], [40, 1], [-8, 1], [700, 1]]) {
      const value = oracle(SoftMarginLoss.formula.value, { x, y }).toNumber();
      const grad = oracle(SoftMarginLoss.formula.grad.input, { x, y }).toNumber();
      assertNear(at(x, y)[0], value, { rtol: 1e-15, context: `${x}, ${y}` });
      assertNear(at(x, y)[1], grad, { rtol: 1e-15, context: `${x}, ${y}` });
      if (x === 700) continue; // exp(-700) is 0 in float32
      const narrow = at(x, y, float32);
      assertNear(narrow[0], value, { rtol: 3e-7, context: `float32 ${x}, ${y}` });
      assertNear(narrow[1], grad, { rtol: 3e-7, context: `float32 ${x}, ${y}` });
    }
  });

  it("±∞: the limits", () => {
    for (const dtype of [float64, float32]) {
      assertEquals(at(Infinity, 1, dtype), [0, 0]);
      assertEquals(at(-Infinity, -1, dtype), [0, 0]);
      assertEquals(at(-Infinity, 1, dtype), [Infinity, -1]);
      assertEquals(at(Infinity, -1, dtype), [Infinity, 1]);
    }
  });

  it("NaN: NaN in value and gradient", () => {
    assertEquals(at(NaN, 1), [NaN, NaN]);
    assertEquals(at(NaN, -1, float32), [NaN, NaN]);
  });
});

testReductions(subject);
testLongMean(subject);
testBroadcasting(subject, { smaller: ["target"] });
testDtypes(subject, { integers: ["target"] });

describe("SoftMarginLoss and related losses", () => {
  it("is BCEWithLogitsLoss, for labels -1 and 1 instead of 0 and 1", () => {
    const { input, target } = subject.draw(new Random(4), [40]);
    const answers = float64(target.data.map((y) => (1 + y) / 2) as Float64Array);
    const own = call(none, { input, target });
    const other = call(new BCEWithLogitsLoss({ reduction: "none" }), { input, answers });
    own.value.data.forEach((v, i) => {
      assertNear(v, other.value.data[i], { rtol: 1e-15 });
      assertNear(own.grad.input.data[i], other.grad.input.data[i], { rtol: 1e-15 });
    });
  });
});

describe("SoftMarginLoss at random inputs", () => {
  const score = doubles(-1e3, 1e3);
  const label = fc.constantFrom(1, -1);
  const value = (x: number, y: number) => at(x, y)[0];

  it("is never negative, falls with y x, and has a gradient of at most 1", () => {
    holds(fc.property(score, score, (a, b) => {
      const [small, large] = [Math.min(a, b), Math.max(a, b)];
      return value(large, 1) >= 0 && value(small, 1) >= value(large, 1) &&
        Math.abs(at(a, 1)[1]) <= 1;
    }));
  });

  it("depends only on y x", () => {
    holds(fc.property(score, (x) => {
      return value(x, 1) === value(-x, -1) && at(x, 1)[1] === -at(-x, -1)[1];
    }));
  });

  it("is greater for label -1 than for label 1, by the score", () => {
    holds(fc.property(score, (x) => {
      return Math.abs(value(x, -1) - value(x, 1) - x) <= 1e-13 * (1 + Math.abs(x));
    }));
  });

  it("is convex: no chord lies below the curve", () => {
    holds(fc.property(score, score, doubles(0, 1), label, (a, b, t, y) => {
      return isBelowChord((x) => value(x, y), [a, b, t]);
    }));
  });

  it("is minimised by the shared score that is the logarithm of the odds", () => {
    const best = float64(new Float64Array(4).fill(Math.log(3)));
    const { grad } = softMargin().valueAndGrad(best, [1, 1, -1, 1]);
    assertNear(sum(grad.input.data), 0, { atol: 1e-15 });
  });
});

testDomain(subject, "target", { wanted: "1 or -1", offenders: [0, 2, 0.5, -1.5, NaN, Infinity] });

describe("SoftMarginLoss refuses", () => {
  it("the label 0 also as a whole number, and says where it is", () => {
    assertThrows(
      () => softMargin().forward([[1, 2], [3, 4]], int32([[1, -1], [1, 0]])),
      RangeError,
      "Cannot compute SoftMarginLoss as target must be 1 or -1: current value at [1, 1] is 0",
    );
  });

  it("a target that is larger than the input, or does not go together with it", () => {
    const wanted = "Cannot compute SoftMarginLoss as target must not be larger than input: ";
    assertThrows(
      () => softMargin().forward([[1, 2]], [[1, -1], [1, 1]]),
      RangeError,
      wanted + "current shapes are (1, 2) and (2, 2)",
    );
    assertThrows(() => softMargin().forward(1, [1, -1]), RangeError, wanted);
    assertThrows(
      () => softMargin().forward([[1], [2]], [1, -1]),
      RangeError,
      "the shapes of input and target do not go together: current shapes are (2, 1) and (2,)",
    );
  });
});

testContract({
  loss: "SoftMarginLoss",
  Loss: SoftMarginLoss,
  known: ["reduction"],
  args: subject.draw(new Random(8), [2, 3]),
  wrt: ["input"],
});

describe("SoftMarginLoss result types", () => {
  it("have the gradient with respect to input, and no other", () => {
    const { grad } = softMargin().valueAndGrad([0], [1]);
    const input: Tensor = grad.input;
    assertEquals(input.toArray(), [-0.5]);
    // @ts-expect-error: labels have no gradient.
    assertEquals(grad.target, undefined);
  });
});
