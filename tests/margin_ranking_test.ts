/** MarginRankingLoss: max(0, margin - y (x1 - x2)). */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import fc from "fast-check";
import {
  float32,
  float64,
  int32,
  MarginRankingLoss,
  type MarginRankingLossOptions,
  SoftMarginLoss,
  type Tensor,
} from "@lossbook/losses";
import { Formula } from "@lossbook/losses/formula";
import { testCases } from "./_cases.ts";
import {
  call,
  near,
  type Subject,
  testDomain,
  testReductions,
  testRepeats,
  testTypes,
} from "./_elementwise.ts";
import { assertGradient, Random, testFixtures } from "./_fixtures.ts";
import { testFormula } from "./_formula.ts";
import { testManners } from "./_manners.ts";
import { holds } from "./_property.ts";
import { cases, formulas } from "./reference/cases/margin_ranking.ts";

const ranking = (options?: MarginRankingLossOptions) => new MarginRankingLoss(options);
const none = (margin = 0) => ranking({ margin, reduction: "none" });
const wrt = ["input1", "input2", "target"];
const subject: Subject = {
  loss: "MarginRankingLoss",
  build: (options) => ranking({ margin: 0.5, ...options }),
  draw: (random, first, second = first, third = second) => ({
    // Differences lie up to 0.2 above a whole number, away from the kinks at 0 and ± 0.5.
    input1: random.tensor(first, () => random.below(3) + random.uniform(0.1, 0.2)),
    input2: random.tensor(second, () => random.below(3) + random.uniform(0, 0.1)),
    target: random.tensor(third, () => random.sign()),
  }),
  wrt,
};

/** Value and the gradients by both scores and the label of one pair. */
function at(
  x1: number,
  x2: number,
  y: number,
  margin = 0,
  dtype = float64,
): [value: number, input1: number, input2: number, target: number] {
  const args = { input1: dtype([x1]), input2: dtype([x2]), target: dtype([y]) };
  const { value, grad } = call(none(margin), args, { wrt });
  return [value, grad.input1, grad.input2, grad.target].map((tensor) => tensor.data[0]) as never;
}

testCases(cases, ranking);

describe("MarginRankingLoss beside the document", () => {
  it("is its formula", () => {
    const [x1, x2, y] = [[0.5, 1, -2, 3], [1, 0.75, -2.5, 3], [1, 1, -1, -1]];
    const wanted = new Formula(formulas.value.text).evaluate({ x1, x2, y, margin: 0.5 });
    assertEquals([...none(0.5).forward(x1, x2, y).data], [...wanted]);
  });
});

describe("MarginRankingLoss by hand", () => {
  it("is what the one that ought to be higher lacks to the margin", () => {
    assertEquals(at(3, 1, 1), [0, 0, 0, 0]);
    assertEquals(at(1, 3, 1), [2, -1, 1, 2]);
    assertEquals(at(3, 1, -1), [2, 1, -1, -2]);
    assertEquals(at(3, 2.5, 1, 2), [2 - 0.5, -1, 1, -0.5]);
  });

  it("has margin 0 and the mean by default", () => {
    const { value, grad } = ranking().valueAndGrad([1, 5], [3, 1], [1, 1]);
    assertEquals(value.item(), (2 + 0) / 2);
    assertEquals(grad.input1.toArray(), [-1 / 2, 0]);
    assertEquals(grad.input2.toArray(), [1 / 2, 0]);
  });

  it("forgives a little with a margin below 0", () => {
    assertEquals(at(1, 1.5, 1, -1)[0], 0);
    assertEquals(at(1, 3, 1, -1)[0], 1);
  });
});

describe("MarginRankingLoss beside one line: half of h + |h|, with h = margin + the trailing of the right one", () => {
  for (const margin of [-0.5, 0, 0.7, 1, 30]) {
    it(`margin = ${margin}`, () => {
      const random = new Random(1);
      const [input1, input2] = [random.tensor([9, 7]), random.tensor([9, 7])];
      const target = random.tensor([9, 7], () => random.sign());
      const { value, grad } = call(none(margin), { input1, input2, target }, { wrt });
      value.data.forEach((v, i) => {
        const [a, b, y] = [input1.data[i], input2.data[i], target.data[i]];
        const h = margin + (y === 1 ? b - a : a - b);
        assert(near(v, (h + Math.abs(h)) / 2), `${a}, ${b}, ${y}: ${v}`);
        const active = (1 + Math.sign(h)) / 2;
        assertEquals(grad.input1.data[i], -y * active);
        assertEquals(grad.input2.data[i], y * active);
        assertEquals(grad.target.data[i], (b - a) * active);
      });
    });
  }
});

testFixtures("margin_ranking", ranking);

describe("MarginRankingLoss beside finite differences", () => {
  // Labels other than ±1 throw, so that the numeric gradient by the target is out of reach: see the formula's.
  for (const reduction of ["none", "mean", "sum"] as const) {
    it(`agrees for ${reduction}`, () => {
      for (const margin of [0.5, 0, -0.5]) {
        const args = subject.draw(new Random(2), [3, 5]);
        const h = Array.from(
          args.input1.data,
          (x, i) => margin - args.target.data[i] * (x - args.input2.data[i]),
        );
        assert(Math.min(...h.map(Math.abs)) > 1e-3, "too near a kink");
        assertGradient(ranking({ margin, reduction }), args, {
          wrt: ["input1", "input2"],
          scale: 0.1,
        });
      }
    });
  }
});

const symbols = { input1: "x1", input2: "x2", target: "y" };
for (const y of [1, -1]) {
  testFormula(`MarginRankingLoss, y = ${y}:`, MarginRankingLoss.formula, symbols, {
    x1: [-2, 2],
    x2: [-2, 2],
    y: [y, y],
    margin: [-1, 1],
  });
}

describe("MarginRankingLoss at its kink", () => {
  it("costs nothing at the margin, and has the gradient of the slope", () => {
    for (const dtype of [float64, float32]) {
      assertEquals(at(1.5, 1, 1, 0.5, dtype), [0, -1, 1, -0.5]);
      assertEquals(at(1, 1.5, -1, 0.5, dtype), [0, 1, -1, 0.5]);
    }
  });

  it("pulls a tie apart with margin 0", () => {
    assertEquals(at(2, 2, 1), [0, -1, 1, 0]);
    assertEquals(at(2, 2, -1), [0, 1, -1, 0]);
    assertEquals(at(0, -0, 1), [0, -1, 1, 0]);
  });

  it("rests one float beyond", () => {
    assertEquals(at(2 + 2 ** -51, 2, 1), [0, 0, 0, 0]);
    assertEquals(at(2, 2 + 2 ** -51, 1), [2 ** -51, -1, 1, 2 ** -51]);
  });
});

describe("MarginRankingLoss of extreme numbers", () => {
  it("tiny and huge", () => {
    assertEquals(at(0, 5e-324, 1)[0], 5e-324);
    assertEquals(at(-1e308, 1e307, 1)[0], 1.1e308);
    assertEquals(at(-1e308, 1e308, 1)[0], Infinity);
    assertEquals(at(1, 2, 1, 1e6)[0], 1e6 + 1);
    const far = Math.fround(3e38);
    assertEquals(at(0, far, 1, 0, float32), [far, -1, 1, far]);
  });

  it("±∞: the order counts, and equal infinities have none", () => {
    assertEquals(at(Infinity, 1, 1), [0, 0, 0, 0]);
    assertEquals(at(-Infinity, 1, 1), [Infinity, -1, 1, Infinity]);
    assertEquals(at(Infinity, Infinity, 1), [NaN, 0, 0, 0]);
  });

  it("NaN: NaN as value, no pull", () => {
    assertEquals(at(NaN, 1, -1), [NaN, 0, 0, 0]);
    assertEquals(at(1, NaN, 1, 0.5, float32), [NaN, 0, 0, 0]);
  });

  it("a pair of loss 0 has no gradient, not even of its label, where PyTorch's is 0 ∞ = NaN", () => {
    for (const [x1, x2] of [[Infinity, 0], [0, -Infinity], [1e300, -Infinity]]) {
      assertEquals(at(x1, x2, 1, 0.5), [0, 0, 0, 0]);
      assertEquals(at(x2, x1, -1, 0.5), [0, 0, 0, 0]);
    }
  });
});

testReductions(subject);
testRepeats(subject, { smaller: wrt, scalar: false });
testTypes(subject, { integers: ["target"] });

describe("MarginRankingLoss among its siblings", () => {
  const args = subject.draw(new Random(4), [40]);

  it("is the limit of SoftMarginLoss of large multiples of the difference", () => {
    const t = 1e4;
    const input = float64(
      args.input1.data.map((x, i) => t * (x - args.input2.data[i])) as Float64Array,
    );
    const soft = call(new SoftMarginLoss({ reduction: "none" }), { input, target: args.target });
    none().forward(args.input1, args.input2, args.target).data.forEach((v, i) =>
      assert(Math.abs(v - soft.value.data[i] / t) < Math.LN2 / t)
    );
  });

  it("does not change when the scores are swapped and the label is turned", () => {
    const { input1, input2, target } = args;
    const turned = float64(target.data.map((y) => -y) as Float64Array);
    const one = call(none(0.3), { input1, input2, target });
    const other = call(none(0.3), { input1: input2, input2: input1, target: turned });
    assertEquals(one.value, other.value);
    assertEquals([one.grad.input1, one.grad.input2], [other.grad.input2, other.grad.input1]);
  });
});

describe("MarginRankingLoss as probed", () => {
  const number = fc.double({ min: -1e3, max: 1e3, noNaN: true });
  const label = fc.constantFrom(1, -1);

  it("is never negative, and its two gradients cancel", () => {
    holds(fc.property(number, number, label, number, (a, b, y, margin) => {
      const [value, first, second] = at(a, b, y, margin);
      return value >= 0 && first === -second && Math.abs(first) <= 1;
    }));
  });

  it("depends on the difference of the scores alone", () => {
    const whole = fc.integer({ min: -1000, max: 1000 });
    holds(fc.property(whole, whole, whole, label, (a, b, shift, y) => {
      return at(a, b, y)[0] === at(a + shift, b + shift, y)[0];
    }));
  });

  it("is 0 for one label at least where the margin is 0: a pair has one order", () => {
    holds(fc.property(number, number, (a, b) => {
      const [up, down] = [at(a, b, 1)[0], at(a, b, -1)[0]];
      return Math.min(up, down) === 0 && up + down === Math.abs(a - b);
    }));
  });
});

testDomain(subject, "target", { wanted: "1 or -1", offenders: [0, 2, 0.5, -1.5, NaN, -Infinity] });

describe("MarginRankingLoss refuses", () => {
  it("whole-number labels of 0, at their place", () => {
    assertThrows(
      () => ranking().forward([1, 2, 3], [3, 2, 1], int32([1, -1, 0])),
      RangeError,
      "Cannot compute MarginRankingLoss as target must be 1 or -1: current value at [2] is 0",
    );
  });

  it("arguments with different numbers of axes, a scalar among them", () => {
    const wanted =
      "Cannot compute MarginRankingLoss as all arguments must have the same number of axes: ";
    assertThrows(
      () => ranking().forward([1, 2], [1, 1], 1),
      RangeError,
      wanted + "current shapes are (2,) and (2,) and ()",
    );
    assertThrows(() => ranking().forward(1, [1, 1], [1, 1]), RangeError, wanted);
    assertThrows(
      () => ranking().forward([[1], [2]], [[1], [2]], [1, 1]),
      RangeError,
      "the shapes of input1 and target do not go together: current shapes are (2, 1) and (2,)",
    );
  });

  it("a margin that is no number", () => {
    for (const margin of ["1", null, [1]]) {
      assertThrows(
        () => ranking({ margin: margin as never }),
        TypeError,
        "Cannot compute MarginRankingLoss as margin must be a number: current value is",
      );
    }
    assertThrows(() => ranking({ margin: NaN }), RangeError, "current value is NaN");
  });
});

testManners({
  loss: "MarginRankingLoss",
  Loss: MarginRankingLoss,
  known: ["margin", "reduction"],
  args: subject.draw(new Random(8), [2, 3]),
  wrt,
});

describe("MarginRankingLoss answers in types", () => {
  it("with both scores by default, else with what wrt names", () => {
    const { grad } = ranking().valueAndGrad([1], [2], [1]);
    const both: Tensor[] = [grad.input1, grad.input2];
    assertEquals(both.map((tensor) => tensor.item()), [-1, 1]);
    // @ts-expect-error: a gradient that was not asked for is no property of the result.
    assertEquals(grad.target, undefined);
    const { grad: label } = ranking().valueAndGrad([1], [2], [1], { wrt: ["target"] });
    assertEquals(label.target.item(), 1);
  });
});
