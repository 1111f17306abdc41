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
import { oracle } from "./reference/maths/math.ts";
import { testCases } from "./_cases.ts";
import {
  call,
  element,
  near,
  type Subject,
  testEqualShapes,
  testReductions,
  testRepeatedWeight,
  testTypes,
} from "./_elementwise.ts";
import { assertGradient, Random, testFixtures } from "./_fixtures.ts";
import { testFormula } from "./_formula.ts";
import { testManners } from "./_manners.ts";
import { holds } from "./_property.ts";
import { cases, formulas } from "./reference/cases/bce_with_logits.ts";

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
const positives: Subject = {
  ...subject,
  build: (options) => bceWithLogits({ ...options, posWeight: 2.5 }),
};

/** Value and gradient by `wrt` of one score. */
const at = (x: number, y: number, { p, wrt = "input", dtype = float64 }: {
  p?: number;
  wrt?: string;
  dtype?: typeof float64;
} = {}) => {
  const loss = p === undefined ? none : bceWithLogits({ reduction: "none", posWeight: p });
  return element(loss, [x, y], { wrt, dtype });
};

testCases(cases, bceWithLogits);

describe("BCEWithLogitsLoss beside the document", () => {
  const x = [-3, -0.5, 0.5, 4];
  const y = [1, 0, 0.25, 1];

  it("is its formula, with its gradient", () => {
    const value = new Formula(formulas.value.text).evaluate({ x, y });
    const grad = new Formula(formulas.gradient.text).evaluate({ x, y });
    const own = none.valueAndGrad(x, y);
    own.value.data.forEach((v, i) => assert(near(v, value[i], 1e-13)));
    own.grad.input.data.forEach((g, i) => assert(near(g, grad[i], 1e-13)));
  });
});

describe("BCEWithLogitsLoss by hand", () => {
  it("is log 2 where the score says nothing, and pulls with ½", () => {
    assertEquals(at(0, 1), [Math.LN2, -0.5]);
    assertEquals(at(0, 0), [Math.LN2, 0.5]);
    assertEquals(at(-0, 0.5), [Math.LN2, 0]);
  });

  it("is the surprise at odds of 3 to 1", () => {
    assert(near(at(Math.log(3), 0)[0], Math.log(4)) && near(at(Math.log(3), 0)[1], 3 / 4));
    assert(near(at(Math.log(3), 1)[0], Math.log(4 / 3)) && near(at(Math.log(3), 1)[1], -1 / 4));
  });

  it("counts a yes posWeight times, and a no once", () => {
    assertEquals(at(0, 1, { p: 3 }), [3 * Math.LN2, 3 * -0.5]);
    assertEquals(at(0, 0, { p: 3 }), [Math.LN2, 0.5]);
    assertEquals(at(7, 1, { p: 0 })[0], 0);
  });
});

describe("BCEWithLogitsLoss beside one line: log(1 + exp(x)) - y x", () => {
  it("agrees in value and both gradients", () => {
    const args = subject.draw(new Random(1), [9, 7]);
    const { value, grad } = call(none, args, { wrt: subject.wrt });
    value.data.forEach((v, i) => {
      const [x, y] = [args.input.data[i], args.target.data[i]];
      assert(near(v, Math.log(1 + Math.exp(x)) - y * x, 1e-11), `${x}, ${y}: ${v}`);
      assert(near(grad.input.data[i], Math.tanh(x / 2) / 2 + 0.5 - y, 1e-11));
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
      assert(near(v, -p * y * Math.log(q) - (1 - y) * Math.log(1 - q), 1e-11));
      assert(near(grad.input.data[i], (1 - y) * q - p * y * (1 - q), 1e-11));
      assert(near(grad.target.data[i], Math.log(1 - q) - p * Math.log(q), 1e-11));
    });
  });
});

// There PyTorch's float64 has lost up to eight digits; the test of moderate scores below has them all.
testFixtures("bce_with_logits", bceWithLogits, {
  only: ({ name, dtype }) => dtype === "float32" || !name.startsWith("moderate scores"),
});

describe("BCEWithLogitsLoss beside finite differences", () => {
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
  it("and shows the formula that it runs", () => {
    assertEquals(none.formula, BCEWithLogitsLoss.formula);
    assert(bceWithLogits({ posWeight: 2 }).formula.value.includes("p * y"));
  });

  it("at hard labels the term that is left out is 0 by itself", () => {
    for (const x of [-2, 0.3]) {
      assert(near(at(x, 0)[0], at(x, 5e-324)[0]));
      assert(near(at(x, 1)[0], at(x, 1 - 2 ** -53)[0]));
    }
  });
});

describe("BCEWithLogitsLoss of extreme numbers", () => {
  it("tiny: log 2 and the slope ½ - y", () => {
    for (const x of [1e-20, -1e-300, 5e-324]) assertEquals(at(x, 1), [Math.LN2, -0.5]);
  });

  it("huge: the score itself where it is wrong, 0 where it is right", () => {
    for (const x of [800, 1e4, 1e300, Number.MAX_VALUE]) {
      assertEquals(at(x, 0), [x, 1]);
      assertEquals(at(-x, 1), [x, -1]);
      assertEquals(at(x, 1), [0, 0]);
      assertEquals(at(-x, 0), [0, 0]);
    }
    const x = Math.fround(3e38);
    assertEquals(at(x, 0, { dtype: float32 }), [x, 1]);
  });

  it("moderate: right answers keep their digits, where 1 - σ(x) has none", () => {
    const scores = [[20, 1], [-20, 0], [17, 1], [-36, 0], [40, 1], [-40, 0], [-700, 0], [37, 0]];
    for (const [x, y] of scores) {
      const value = oracle(BCEWithLogitsLoss.formula.value, { x, y }).toNumber();
      const grad = oracle(BCEWithLogitsLoss.formula.grad.input, { x, y }).toNumber();
      assert(near(at(x, y)[0], value, 1e-15) && near(at(x, y)[1], grad, 1e-15), `${x}, ${y}`);
      if (x === -700) continue; // exp(-700) is 0 in float32
      const narrow = at(x, y, { dtype: float32 });
      assert(near(narrow[0], value, 3e-7) && near(narrow[1], grad, 3e-7), `float32 ${x}, ${y}`);
    }
  });

  it("±∞ right: 0 with gradient 0", () => {
    for (const p of [undefined, 2]) {
      for (const dtype of [float64, float32]) {
        assertEquals(at(Infinity, 1, { p, dtype }), [0, 0]);
        assertEquals(at(-Infinity, 0, { p, dtype }), [0, 0]);
      }
    }
  });

  it("±∞ wrong, or against a soft target: ∞ with a gradient that is not", () => {
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

  it("a target outside of 0 to 1: a straight line, which may fall below 0", () => {
    const [value, grad] = at(0.5, 3);
    assert(near(value, Math.log(1 + Math.exp(0.5)) - 3 * 0.5, 1e-14));
    assert(near(grad, 1 / (1 + Math.exp(-0.5)) - 3, 1e-14));
  });
});

testReductions(subject);
testReductions({ ...positives, loss: "BCEWithLogitsLoss with posWeight" });
testRepeatedWeight(subject);
testEqualShapes(subject);
testTypes(subject, { integers: [] });

describe("BCEWithLogitsLoss with posWeight", () => {
  it("repeats it along leading axes and axes of length 1", () => {
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

  it("refuses to write a gradient over it", () => {
    const posWeight = float64([1, 2]);
    assertThrows(
      () =>
        bceWithLogits({ posWeight }).valueAndGrad([1, 2], [0, 1], { out: { input: posWeight } }),
      RangeError,
      "Cannot compute BCEWithLogitsLoss as out.input must have memory of its own",
    );
    assertEquals(posWeight.toArray(), [1, 2]);
  });

  it("refuses one that does not fit, or is no tensor", () => {
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

describe("BCEWithLogitsLoss among its siblings", () => {
  const { input, target } = subject.draw(new Random(4), [40]);
  const own = call(none, { input, target });

  it("is SoftMarginLoss, for labels 0 and 1 instead of -1 and 1", () => {
    const labels = float64(target.data.map((y) => y < 0.5 ? -1 : 1) as Float64Array);
    const zeros = float64(labels.data.map((y) => (1 + y) / 2) as Float64Array);
    const scores = call(none, { input, target: zeros });
    const margins = call(new SoftMarginLoss({ reduction: "none" }), { input, target: labels });
    scores.value.data.forEach((v, i) => {
      assert(near(v, margins.value.data[i], 1e-15));
      assert(near(scores.grad.input.data[i], margins.grad.input.data[i], 1e-15));
    });
  });

  it("is CrossEntropyLoss of the two scores 0 and x", () => {
    const pairs = Array.from(input.data, (x) => [0, x]);
    const answers = Array.from(target.data, (y) => [1 - y, y]);
    const two = call(new CrossEntropyLoss({ reduction: "none" }), { pairs, answers });
    own.value.data.forEach((v, i) => {
      assert(near(v, two.value.data[i], 1e-13));
      assert(Math.abs(own.grad.input.data[i] - two.grad.input.data[2 * i + 1]) < 1e-14);
    });
  });

  it("is itself with posWeight 1", () => {
    const ones = call(bceWithLogits({ posWeight: 1, reduction: "none" }), { input, target });
    assertEquals(ones, own);
  });
});

describe("BCEWithLogitsLoss as probed", () => {
  const score = fc.double({ min: -1e3, max: 1e3, noNaN: true });
  const share = fc.double({ min: 0, max: 1, noNaN: true });
  const value = (x: number, y: number) => at(x, y)[0];

  it("is never negative for targets from 0 to 1, nor below the entropy of the target", () => {
    holds(fc.property(score, share, (x, y) => {
      const entropy = [y, 1 - y].reduce((sum, q) => q === 0 ? sum : sum - q * Math.log(q), 0);
      return value(x, y) >= entropy - 1e-14;
    }));
  });

  it("does not care which answer is called yes", () => {
    holds(fc.property(score, fc.constantFrom(0, 0.25, 0.5, 1), (x, y) => {
      return value(x, y) === value(-x, 1 - y) && at(x, y)[1] === -at(-x, 1 - y)[1];
    }));
  });

  it("is convex, with slope between -1 and 1", () => {
    holds(fc.property(score, score, share, share, (a, b, t, y) => {
      const chord = t * value(a, y) + (1 - t) * value(b, y);
      return value(t * a + (1 - t) * b, y) <= chord + 1e-12 * (1 + chord) &&
        Math.abs(at(a, y)[1]) <= 1;
    }));
  });

  it("pulls a shared score to log(p m / (1 - m)), m being the share of yes", () => {
    const answers = [1, 0, 0, 0];
    for (const p of [1, 3, 0.5]) {
      const best = Math.log(p * 0.25 / 0.75);
      const loss = bceWithLogits({ posWeight: p });
      const { grad } = loss.valueAndGrad([best, best, best, best], answers);
      const total = Array.from(grad.input.data).reduce((a, b) => a + b);
      assert(Math.abs(total) < 1e-15);
    }
  });
});

testManners({
  loss: "BCEWithLogitsLoss",
  Loss: BCEWithLogitsLoss,
  known: ["reduction", "weight", "posWeight"],
  args: subject.draw(new Random(8), [2, 3]),
  wrt: ["input", "target"],
});

describe("BCEWithLogitsLoss answers in types", () => {
  it("with the gradients that wrt names, and no other", () => {
    const { grad } = bceWithLogits().valueAndGrad([2], [1], { wrt: ["target"] });
    const target: Tensor = grad.target;
    assertEquals(target.toArray(), [-2]);
    // @ts-expect-error: a gradient that was not asked for is no property of the result.
    assertEquals(grad.input, undefined);
  });
});
