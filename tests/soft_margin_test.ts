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
import { oracle } from "./reference/maths/math.ts";
import { testCases } from "./_cases.ts";
import {
  call,
  element,
  near,
  type Subject,
  testDomain,
  testReductions,
  testRepeats,
  testTypes,
} from "./_elementwise.ts";
import { assertGradient, Random, testFixtures } from "./_fixtures.ts";
import { testFormula } from "./_formula.ts";
import { testContract } from "./_contract.ts";
import { holds } from "./_property.ts";
import { cases, formulas } from "./reference/cases/soft_margin.ts";

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

/** Value and gradient of one score. */
const at = (x: number, y: number, dtype = float64) => element(none, [x, y], { dtype });

testCases(cases, softMargin);

describe("SoftMarginLoss beside the document", () => {
  const [x, y] = [[0.1, -0.5, 2, 3], [1, 1, -1, 1]];
  const evaluate = (formula: { text: string }) => new Formula(formula.text).evaluate({ x, y });

  it("is the formula of its mean", () => {
    const wanted = evaluate(formulas.mean);
    none.forward(x, y).data.forEach((v, i) => assert(near(v, wanted[i])));
  });

  it("is not the one with a sigmoid", () => {
    const other = evaluate(formulas.value);
    none.forward(x, y).data.forEach((v, i) => assert(Math.abs(v - other[i]) > 0.05));
  });
});

describe("SoftMarginLoss by hand", () => {
  it("is log 2 where the score says nothing, and pulls with ½", () => {
    for (const x of [0, -0]) {
      assertEquals(at(x, 1), [Math.LN2, -0.5]);
      assertEquals(at(x, -1), [Math.LN2, 0.5]);
    }
  });

  it("is the surprise at odds of 3 to 1", () => {
    assert(near(at(Math.log(3), -1)[0], Math.log(4)) && near(at(Math.log(3), -1)[1], 3 / 4));
    assert(near(at(Math.log(3), 1)[0], Math.log(4 / 3)) && near(at(Math.log(3), 1)[1], -1 / 4));
  });
});

describe("SoftMarginLoss beside one line: log(2 cosh(x / 2)) - y x / 2", () => {
  it("agrees in value and gradient", () => {
    const args = subject.draw(new Random(1), [9, 7]);
    const { value, grad } = call(none, args);
    value.data.forEach((v, i) => {
      const [x, y] = [args.input.data[i], args.target.data[i]];
      assert(near(v, Math.log(2 * Math.cosh(x / 2)) - y * x / 2, 1e-12), `${x}, ${y}: ${v}`);
      assert(near(grad.input.data[i], (Math.tanh(x / 2) - y) / 2, 1e-12));
    });
  });
});

testFixtures("soft_margin", softMargin);

describe("SoftMarginLoss beside finite differences", () => {
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
  it("and lies above the hinge that it rounds off, by log 2 at the corner", () => {
    for (const x of [-3, -0.1, 0, 0.1, 3]) {
      const gap = at(x, 1)[0] - Math.max(0, -x);
      assert(gap > 0 && gap <= Math.LN2);
    }
  });
});

describe("SoftMarginLoss of extreme numbers", () => {
  it("tiny: log 2 and the slope ½", () => {
    for (const x of [1e-20, -1e-300, 5e-324]) assertEquals(at(x, 1), [Math.LN2, -0.5]);
  });

  it("huge and wrong: the score itself, where PyTorch overflows", () => {
    for (const x of [-710, -1e4, -1e300, -Number.MAX_VALUE]) {
      assertEquals(at(x, 1), [-x, -1]);
      assertEquals(at(-x, -1), [-x, 1]);
    }
    assertEquals(at(-89, 1, float32), [89, -1]);
  });

  it("huge and right: 0", () => {
    assertEquals(at(1e4, 1), [0, 0]);
    assertEquals(at(-1e4, -1, float32), [0, 0]);
  });

  it("moderate: keeps the digits that 1 + exp(-y x) has lost", () => {
    for (const [x, y] of [[17, 1], [-36, -1], [40, 1], [-8, 1], [700, 1]]) {
      const value = oracle(SoftMarginLoss.formula.value, { x, y }).toNumber();
      const grad = oracle(SoftMarginLoss.formula.grad.input, { x, y }).toNumber();
      assert(near(at(x, y)[0], value, 1e-15) && near(at(x, y)[1], grad, 1e-15), `${x}, ${y}`);
      if (x === 700) continue; // exp(-700) is 0 in float32
      const narrow = at(x, y, float32);
      assert(near(narrow[0], value, 3e-7) && near(narrow[1], grad, 3e-7), `float32 ${x}, ${y}`);
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
testRepeats(subject, { smaller: ["target"] });
testTypes(subject, { integers: ["target"] });

describe("SoftMarginLoss among its siblings", () => {
  it("is BCEWithLogitsLoss, for labels -1 and 1 instead of 0 and 1", () => {
    const { input, target } = subject.draw(new Random(4), [40]);
    const answers = float64(target.data.map((y) => (1 + y) / 2) as Float64Array);
    const own = call(none, { input, target });
    const other = call(new BCEWithLogitsLoss({ reduction: "none" }), { input, answers });
    own.value.data.forEach((v, i) => {
      assert(near(v, other.value.data[i], 1e-15));
      assert(near(own.grad.input.data[i], other.grad.input.data[i], 1e-15));
    });
  });
});

describe("SoftMarginLoss as probed", () => {
  const score = fc.double({ min: -1e3, max: 1e3, noNaN: true });
  const label = fc.constantFrom(1, -1);
  const value = (x: number, y: number) => at(x, y)[0];

  it("is never negative, falls with y x, and pulls with less than 1", () => {
    holds(fc.property(score, score, (a, b) => {
      const [small, large] = [Math.min(a, b), Math.max(a, b)];
      return value(large, 1) >= 0 && value(small, 1) >= value(large, 1) &&
        Math.abs(at(a, 1)[1]) <= 1;
    }));
  });

  it("depends on y x alone", () => {
    holds(fc.property(score, (x) => {
      return value(x, 1) === value(-x, -1) && at(x, 1)[1] === -at(-x, -1)[1];
    }));
  });

  it("costs the score more for the wrong label than for the right one", () => {
    holds(fc.property(score, (x) => {
      return Math.abs(value(x, -1) - value(x, 1) - x) <= 1e-13 * (1 + Math.abs(x));
    }));
  });

  it("is convex: no chord runs below the curve", () => {
    const share = fc.double({ min: 0, max: 1, noNaN: true });
    holds(fc.property(score, score, share, label, (a, b, t, y) => {
      const chord = t * value(a, y) + (1 - t) * value(b, y);
      return value(t * a + (1 - t) * b, y) <= chord + 1e-12 * (1 + chord);
    }));
  });

  it("pulls a shared score to the logarithm of the odds", () => {
    const best = float64(new Float64Array(4).fill(Math.log(3)));
    const { grad } = softMargin().valueAndGrad(best, [1, 1, -1, 1]);
    assert(Math.abs(Array.from(grad.input.data).reduce((a, b) => a + b)) < 1e-15);
  });
});

testDomain(subject, "target", { wanted: "1 or -1", offenders: [0, 2, 0.5, -1.5, NaN, Infinity] });

describe("SoftMarginLoss refuses", () => {
  it("whole-number labels of 0, at their place", () => {
    assertThrows(
      () => softMargin().forward([[1, 2], [3, 4]], int32([[1, -1], [1, 0]])),
      RangeError,
      "Cannot compute SoftMarginLoss as target must be 1 or -1: current value at [1, 1] is 0",
    );
  });

  it("a target that is larger than the input", () => {
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

  it("to differentiate by the target", () => {
    assertThrows(
      () => call(softMargin(), { x: [1], y: [1] }, { wrt: ["target"] }),
      TypeError,
      'Cannot differentiate SoftMarginLoss by "target": wanted is one of input',
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

describe("SoftMarginLoss answers in types", () => {
  it("with the gradient by input, and no other", () => {
    const { grad } = softMargin().valueAndGrad([0], [1]);
    const input: Tensor = grad.input;
    assertEquals(input.toArray(), [-0.5]);
    // @ts-expect-error: labels have no gradient.
    assertEquals(grad.target, undefined);
  });
});
