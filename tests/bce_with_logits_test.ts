/** BCEWithLogitsLoss: p y softplus(-x) + (1 - y) softplus(x). */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import fc from "fast-check";
import {
  BCEWithLogitsLoss,
  type BCEWithLogitsLossOptions,
  CrossEntropyLoss,
  float32,
  float64,
  SoftMarginLoss,
  type Tensor,
} from "@lossbook/losses";
import { Formula } from "@lossbook/losses/formula";
import { testCases } from "./_cases.ts";
import { assertNear } from "./_close.ts";
import { testContract } from "./_contract.ts";
import { testDtypes, testEqualShapes, testLongMean } from "./_elementwise.ts";
import { testFixtures } from "./_fixtures.ts";
import { testFormula } from "./_formula.ts";
import { call, element, type Subject } from "./_loss.ts";
import { sum } from "./_naive.ts";
import { assertGradient } from "./_numeric.ts";
import { doubles, holds, isBelowChord } from "./_property.ts";
import { Random } from "./_random.ts";
import { testReductions } from "./_reductions.ts";
import { testBroadcastWeight } from "./_weights.ts";
import { cases, formulas } from "./reference/cases/bce_with_logits.ts";
import { oracle } from "./reference/maths/math.ts";

const bceWithLogits = (options?: BCEWithLogitsLossOptions) => new BCEWithLogitsLoss(options);
const none = bceWithLogits({ reduction: "none" });
const subject: Subject = {
  loss: "BCEWithLogitsLoss",
  build: bceWithLogits,
  draw: (random, first, second = first) => ({
    input: random.tensor(first, () => 3 * random.normal()),
    target: random.tensor(second, () => random.uniform()),
  }),
  wrt: ["input", "target"],
};
const withPosWeight: Subject = {
  ...subject,
  loss: "BCEWithLogitsLoss with posWeight",
  build: (options) => bceWithLogits({ ...options, posWeight: 2.5 }),
};

/** Value at one score, and gradient with respect to `wrt`. */
const at = (x: number, y: number, { p, wrt = "input", dtype = float64 }: {
  p?: number;
  wrt?: string;
  dtype?: typeof float64;
} = {}) => {
  const loss = p === undefined ? none : bceWithLogits({ reduction: "none", posWeight: p });
  return element(loss, [x, y], { wrt, dtype });
};

testCases(cases, bceWithLogits);

describe("BCEWithLogitsLoss against the document", () => {
  const x = [-3, -0.5, 0.5, 4];
  const y = [1, 0, 0.25, 1];

  it("has its value and its gradient", () => {
    const value = new Formula(formulas.value.text).evaluate({ x, y });
    const grad = new Formula(formulas.gradient.text).evaluate({ x, y });
    const own = none.valueAndGrad(x, y);
    own.value.data.forEach((v, i) => assertNear(v, value[i], { rtol: 1e-13 }));
    own.grad.input.data.forEach((g, i) => assertNear(g, grad[i], { rtol: 1e-13 }));
  });
});

describe("BCEWithLogitsLoss computed by hand", () => {
  it("is log 2 at score 0, with gradient ± ½", () => {
    assertEquals(at(0, 1), [Math.LN2, -0.5]);
    assertEquals(at(0, 0), [Math.LN2, 0.5]);
    assertEquals(at(-0, 0.5), [Math.LN2, 0]);
  });

  it("is the logarithm of 4 or 4/3 at odds of 3 to 1", () => {
    assertNear(at(Math.log(3), 0)[0], Math.log(4));
    assertNear(at(Math.log(3), 0)[1], 3 / 4);
    assertNear(at(Math.log(3), 1)[0], Math.log(4 / 3));
    assertNear(at(Math.log(3), 1)[1], -1 / 4);
  });

  it("multiplies the loss of a positive answer by posWeight, not that of a negative one", () => {
    assertEquals(at(0, 1, { p: 3 }), [3 * Math.LN2, 3 * -0.5]);
    assertEquals(at(0, 0, { p: 3 }), [Math.LN2, 0.5]);
    assertEquals(at(7, 1, { p: 0 })[0], 0);
  });
});

describe("BCEWithLogitsLoss against a one-line reference: log(1 + exp(x)) - y x", () => {
  it("agrees in value and both gradients", () => {
    const args = subject.draw(new Random(1), [9, 7]);
    const { value, grad } = call(none, args, { wrt: subject.wrt });
    value.data.forEach((v, i) => {
      const [x, y] = [args.input.data[i], args.target.data[i]];
      assertNear(v, Math.log(1 + Math.exp(x)) - y * x, { rtol: 1e-11, context: `${x}, ${y}` });
      assertNear(grad.input.data[i], Math.tanh(x / 2) / 2 + 0.5 - y, { rtol: 1e-11 });
      assertEquals(grad.target.data[i], -x);
    });
  });

  it("agrees with posWeight, one for each class", () => {
    const args = subject.draw(new Random(2), [9, 2]);
    const posWeight = [0.2, 5];
    const { value, grad } = call(bceWithLogits({ posWeight, reduction: "none" }), args, {
      wrt: subject.wrt,
    });
    value.data.forEach((v, i) => {
      const [x, y, p] = [args.input.data[i], args.target.data[i], posWeight[i % 2]];
      const q = 1 / (1 + Math.exp(-x));
      assertNear(v, -p * y * Math.log(q) - (1 - y) * Math.log(1 - q), { rtol: 1e-11 });
      assertNear(grad.input.data[i], (1 - y) * q - p * y * (1 - q), { rtol: 1e-11 });
      assertNear(grad.target.data[i], Math.log(1 - q) - p * Math.log(q), { rtol: 1e-11 });
    });
  });
});

// At moderate scores PyTorch's float64 loses up to eight digits; a test below compares with 64 digits there.
testFixtures("bce_with_logits", bceWithLogits, {
  only: ({ name, dtype }) => dtype === "float32" || !name.startsWith("moderate scores"),
});

describe("BCEWithLogitsLoss against finite differences", () => {
  const args = subject.draw(new Random(2), [3, 5]);
  const weight = [[0.5], [2], [1.25]];
  const posWeight = [3, 0.1, 1, 2, 0];

  for (const reduction of ["none", "mean", "sum"] as const) {
    it(`agrees for ${reduction}, without and with weight and posWeight`, () => {
      for (const options of [{}, { weight }, { posWeight }, { weight, posWeight }]) {
        const loss = bceWithLogits({ reduction, ...options });
        assertGradient(loss, args, { wrt: ["input", "target"] });
      }
    });
  }
});

const ranges = { x: [-4, 4], y: [0.01, 0.99], p: [0.1, 3] } as const;
const symbols = { input: "x", target: "y" };
testFormula("BCEWithLogitsLoss", BCEWithLogitsLoss.formula, symbols, ranges);
testFormula(
  "BCEWithLogitsLoss with posWeight",
  bceWithLogits({ posWeight: 2 }).formula,
  symbols,
  ranges,
);

describe("BCEWithLogitsLoss has no kink", () => {
  it("and has the formula that it computes as a property", () => {
    assertEquals(none.formula, BCEWithLogitsLoss.formula);
    assert(bceWithLogits({ posWeight: 2 }).formula.value.includes("p * y"));
  });

  it("and is continuous at labels 0 and 1, where the formula leaves one term out", () => {
    for (const x of [-2, 0.3]) {
      assertNear(at(x, 0)[0], at(x, 5e-324)[0]);
      assertNear(at(x, 1)[0], at(x, 1 - 2 ** -53)[0]);
    }
  });
});

describe("BCEWithLogitsLoss with extreme numbers", () => {
  it("tiny scores: log 2 and the gradient ½ - y", () => {
    for (const x of [1e-20, -1e-300, 5e-324]) assertEquals(at(x, 1), [Math.LN2, -0.5]);
  });

  it("huge scores: the size of the score if it is wrong, 0 if it is right", () => {
    for (const x of [800, 1e4, 1e300, Number.MAX_VALUE]) {
      assertEquals(at(x, 0), [x, 1]);
      assertEquals(at(-x, 1), [x, -1]);
      assertEquals(at(x, 1), [0, 0]);
      assertEquals(at(-x, 0), [0, 0]);
    }
    const x = Math.fround(3e38);
    assertEquals(at(x, 0, { dtype: float32 }), [x, 1]);
  });

  it("moderate scores: right answers keep the digits that 1 - σ(x) loses", () => {
    const scores = [[20, 1], [-20, 0], [17, 1], [-36, 0], [40, 1], [-40, 0], [-700, 0], [37, 0]];
    for (const [x, y] of scores) {
      const value = oracle(BCEWithLogitsLoss.formula.value, { x, y }).toNumber();
      const grad = oracle(BCEWithLogitsLoss.formula.grad.input, { x, y }).toNumber();
      assertNear(at(x, y)[0], value, { rtol: 1e-15, context: `${x}, ${y}` });
      assertNear(at(x, y)[1], grad, { rtol: 1e-15, context: `${x}, ${y}` });
      if (x === -700) continue; // exp(-700) is 0 in float32
      const narrow = at(x, y, { dtype: float32 });
      assertNear(narrow[0], value, { rtol: 3e-7, context: `float32 ${x}, ${y}` });
      assertNear(narrow[1], grad, { rtol: 3e-7, context: `float32 ${x}, ${y}` });
    }
  });

  it("±∞ if it is right: value 0 and gradient 0", () => {
    for (const p of [undefined, 2]) {
      for (const dtype of [float64, float32]) {
        assertEquals(at(Infinity, 1, { p, dtype }), [0, 0]);
        assertEquals(at(-Infinity, 0, { p, dtype }), [0, 0]);
      }
    }
  });

  it("±∞ if it is wrong or the target is soft: infinite value, finite gradient", () => {
    assertEquals(at(-Infinity, 1), [Infinity, -1]);
    assertEquals(at(Infinity, 0), [Infinity, 1]);
    assertEquals(at(Infinity, 0.25), [Infinity, 0.75]);
    assertEquals(at(-Infinity, 0.25), [Infinity, -0.25]);
    assertEquals(at(-Infinity, 1, { p: 3 }), [Infinity, -3]);
    assertEquals(at(-Infinity, 1, { p: 0 }), [0, 0]);
    assertEquals(at(-Infinity, 1, { p: 3, wrt: "target" })[1], Infinity);
    assertEquals(at(-Infinity, 1, { p: 0, wrt: "target" })[1], 0);
  });

  it("NaN: NaN in value and gradient", () => {
    for (const y of [0, 1, 0.5]) assertEquals(at(NaN, y), [NaN, NaN]);
    assertEquals(at(1, NaN), [NaN, NaN]);
  });

  it("a target outside of 0 to 1: the same formula, which may be negative", () => {
    const [value, grad] = at(0.5, 3);
    assertNear(value, Math.log(1 + Math.exp(0.5)) - 3 * 0.5, { rtol: 1e-14 });
    assertNear(grad, 1 / (1 + Math.exp(-0.5)) - 3, { rtol: 1e-14 });
  });
});

for (const each of [subject, withPosWeight]) {
  testReductions(each);
  testLongMean(each);
}
testBroadcastWeight(subject);
testEqualShapes(subject);
testDtypes(subject, { integers: [] });

describe("BCEWithLogitsLoss with posWeight", () => {
  it("broadcasts it along leading axes and axes of length 1", () => {
    const args = subject.draw(new Random(5), [2, 3, 4]);
    const full = float64(new Float64Array(24).fill(1.5), [2, 3, 4]);
    const wanted = bceWithLogits({ posWeight: full }).forward(args.input, args.target).item();
    for (const shape of [[], [1], [4], [3, 1], [1, 1, 4], [2, 1, 1]]) {
      const size = shape.reduce((a, b) => a * b, 1);
      const posWeight = float64(new Float64Array(size).fill(1.5), shape);
      assertEquals(bceWithLogits({ posWeight }).forward(args.input, args.target).item(), wanted);
    }
    const rows = bceWithLogits({ posWeight: [[1], [5]], reduction: "none" });
    assertEquals(rows.forward([[0, 0], [0, 0]], [[1, 1], [1, 0]]).toArray(), [
      [Math.LN2, Math.LN2],
      [5 * Math.LN2, Math.LN2],
    ]);
  });

  it("refuses it as a buffer for a gradient", () => {
    const posWeight = float64([1, 2]);
    assertThrows(
      () =>
        bceWithLogits({ posWeight }).valueAndGrad([1, 2], [0, 1], { out: { input: posWeight } }),
      RangeError,
      "Cannot compute BCEWithLogitsLoss as out.input must have memory of its own",
    );
    assertEquals(posWeight.toArray(), [1, 2]);
  });

  it("refuses one that cannot be broadcast, is not a tensor, or is differentiated", () => {
    assertThrows(
      () => bceWithLogits({ posWeight: [1, 2, 3] }).forward([1, 2], [0, 1]),
      RangeError,
      "Cannot compute BCEWithLogitsLoss as posWeight must be repeatable along the shape of the loss, (2,): " +
        "current shape is (3,)",
    );
    assertThrows(
      () => bceWithLogits({ posWeight: "2" as never }),
      TypeError,
      "Cannot read posWeight as it must be a number",
    );
    assertThrows(
      () => call(bceWithLogits({ posWeight: 2 }), { x: [1], y: [1] }, { wrt: ["posWeight"] }),
      TypeError,
      'Cannot differentiate BCEWithLogitsLoss with respect to "posWeight": wanted is one of input, target',
    );
  });
});

describe("BCEWithLogitsLoss and related losses", () => {
  const { input, target } = subject.draw(new Random(4), [40]);
  const own = call(none, { input, target });

  it("is SoftMarginLoss, for labels 0 and 1 instead of -1 and 1", () => {
    const labels = float64(target.data.map((y) => y < 0.5 ? -1 : 1) as Float64Array);
    const zeros = float64(labels.data.map((y) => (1 + y) / 2) as Float64Array);
    const scores = call(none, { input, target: zeros });
    const margins = call(new SoftMarginLoss({ reduction: "none" }), { input, target: labels });
    scores.value.data.forEach((v, i) => {
      assertNear(v, margins.value.data[i], { rtol: 1e-15 });
      assertNear(scores.grad.input.data[i], margins.grad.input.data[i], { rtol: 1e-15 });
    });
  });

  it("is CrossEntropyLoss of the two scores 0 and x", () => {
    const pairs = Array.from(input.data, (x) => [0, x]);
    const answers = Array.from(target.data, (y) => [1 - y, y]);
    const two = call(new CrossEntropyLoss({ reduction: "none" }), { pairs, answers });
    own.value.data.forEach((v, i) => {
      assertNear(v, two.value.data[i], { rtol: 1e-13 });
      assertNear(own.grad.input.data[i], two.grad.input.data[2 * i + 1], { atol: 1e-14 });
    });
  });

  it("does not change with posWeight = 1", () => {
    const ones = call(bceWithLogits({ posWeight: 1, reduction: "none" }), { input, target });
    assertEquals(ones, own);
  });
});

describe("BCEWithLogitsLoss at random inputs", () => {
  const score = doubles(-1e3, 1e3);
  const share = doubles(0, 1);
  const value = (x: number, y: number) => at(x, y)[0];

  it("is at least the entropy of the target, for targets from 0 to 1", () => {
    holds(fc.property(score, share, (x, y) => {
      const entropy = [y, 1 - y].reduce((sum, q) => q === 0 ? sum : sum - q * Math.log(q), 0);
      return value(x, y) >= entropy - 1e-14;
    }));
  });

  it("does not change if both answers swap their names", () => {
    holds(fc.property(score, fc.constantFrom(0, 0.25, 0.5, 1), (x, y) => {
      return value(x, y) === value(-x, 1 - y) && at(x, y)[1] === -at(-x, 1 - y)[1];
    }));
  });

  it("is convex, with a gradient between -1 and 1", () => {
    holds(fc.property(score, score, share, share, (a, b, t, y) => {
      return isBelowChord((x) => value(x, y), [a, b, t]) && Math.abs(at(a, y)[1]) <= 1;
    }));
  });

  it("is minimised by the shared score log(p m / (1 - m)), where m is the share of positive answers", () => {
    const answers = [1, 0, 0, 0];
    for (const p of [1, 3, 0.5]) {
      const best = Math.log(p * 0.25 / 0.75);
      const loss = bceWithLogits({ posWeight: p });
      const { grad } = loss.valueAndGrad([best, best, best, best], answers);
      assertNear(sum(grad.input.data), 0, { atol: 1e-15 });
    }
  });
});

testContract({
  loss: "BCEWithLogitsLoss",
  Loss: BCEWithLogitsLoss,
  known: ["reduction", "weight", "posWeight"],
  args: subject.draw(new Random(8), [2, 3]),
  wrt: ["input", "target"],
});

describe("BCEWithLogitsLoss result types", () => {
  it("have the gradients that wrt names, and no others", () => {
    const { grad } = bceWithLogits().valueAndGrad([2], [1], { wrt: ["target"] });
    const target: Tensor = grad.target;
    assertEquals(target.toArray(), [-2]);
    // @ts-expect-error: a gradient that was not asked for is no property of the result.
    assertEquals(grad.input, undefined);
  });
});
