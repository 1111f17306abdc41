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
import { assertNear } from "./_close.ts";
import { testContract } from "./_contract.ts";
import { testBroadcasting, testDomain, testDtypes, testLongMean } from "./_elementwise.ts";
import { testFixtures } from "./_fixtures.ts";
import { testFormula } from "./_formula.ts";
import { call, type Subject } from "./_loss.ts";
import { assertGradient } from "./_numeric.ts";
import { doubles, holds } from "./_property.ts";
import { Random } from "./_random.ts";
import { testReductions } from "./_reductions.ts";
import { cases, formulas } from "./reference/cases/margin_ranking.ts";

const ranking = (options?: MarginRankingLossOptions) => new MarginRankingLoss(options);
const none = (margin = 0) => ranking({ margin, reduction: "none" });
const wrt = ["input1", "input2", "target"];
const subject: Subject = {
  loss: "MarginRankingLoss",
  build: (options) => ranking({ margin: 0.5, ...options }),
  draw: (random, first, second = first, third = second) => ({
    // Differences are at most 0.2 above a whole number, away from the kinks at 0 and ± 0.5.
    input1: random.tensor(first, () => random.below(3) + random.uniform(0.1, 0.2)),
    input2: random.tensor(second, () => random.below(3) + random.uniform(0, 0.1)),
    target: random.tensor(third, () => random.sign()),
  }),
  wrt,
};

/** Value at one pair, and gradients with respect to both scores and the label. */
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

describe("MarginRankingLoss against the document", () => {
  it("has its value", () => {
    const [x1, x2, y] = [[0.5, 1, -2, 3], [1, 0.75, -2.5, 3], [1, 1, -1, -1]];
    const wanted = new Formula(formulas.value.text).evaluate({ x1, x2, y, margin: 0.5 });
    assertEquals([...none(0.5).forward(x1, x2, y).data], [...wanted]);
  });
});

describe("MarginRankingLoss computed by hand", () => {
  it("is what the lead of the score that should be higher lacks to the margin", () => {
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

  it("allows the wrong order by as much as a negative margin", () => {
    assertEquals(at(1, 1.5, 1, -1)[0], 0);
    assertEquals(at(1, 3, 1, -1)[0], 1);
  });
});

describe("MarginRankingLoss against a one-line reference: (h + |h|) / 2, where h = margin - lead", () => {
  for (const margin of [-0.5, 0, 0.7, 1, 30]) {
    it(`margin = ${margin}`, () => {
      const random = new Random(1);
      const [input1, input2] = [random.tensor([9, 7]), random.tensor([9, 7])];
      const target = random.tensor([9, 7], () => random.sign());
      const { value, grad } = call(none(margin), { input1, input2, target }, { wrt });
      value.data.forEach((v, i) => {
        const [a, b, y] = [input1.data[i], input2.data[i], target.data[i]];
        const h = margin + (y === 1 ? b - a : a - b);
        assertNear(v, (h + Math.abs(h)) / 2, { context: `${a}, ${b}, ${y}` });
        const active = (1 + Math.sign(h)) / 2;
        assertEquals(grad.input1.data[i], -y * active);
        assertEquals(grad.input2.data[i], y * active);
        assertEquals(grad.target.data[i], (b - a) * active);
      });
    });
  }
});

testFixtures("margin_ranking", ranking);

describe("MarginRankingLoss against finite differences", () => {
  // Labels other than ±1 throw, so that finite differences with respect to the target are impossible; testFormula checks it.
  for (const reduction of ["none", "mean", "sum"] as const) {
    it(`agrees for ${reduction}`, () => {
      for (const margin of [0.5, 0, -0.5]) {
        const args = subject.draw(new Random(2), [3, 5]);
        const h = Array.from(
          args.input1.data,
          (x, i) => margin - args.target.data[i] * (x - args.input2.data[i]),
        );
        assert(Math.min(...h.map(Math.abs)) > 1e-3, "an input is too close to a kink");
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
  it("is 0 with gradient 0 exactly at the margin", () => {
    for (const dtype of [float64, float32]) {
      assertEquals(at(1.5, 1, 1, 0.5, dtype), [0, 0, 0, 0]);
      assertEquals(at(1, 1.5, -1, 0.5, dtype), [0, 0, 0, 0]);
    }
  });

  it("leaves equal scores as they are with margin 0, and separates them with any margin > 0", () => {
    for (const y of [1, -1]) {
      assertEquals(at(2, 2, y), [0, 0, 0, 0]);
      assertEquals(at(0, -0, y), [0, 0, 0, 0]);
      assertEquals(at(2, 2, y, 5e-324), [5e-324, -y, y, 0]);
    }
  });

  it("has a gradient as soon as the lead is one float too small", () => {
    assertEquals(at(2 + 2 ** -51, 2, 1), [0, 0, 0, 0]);
    assertEquals(at(2, 2 + 2 ** -51, 1), [2 ** -51, -1, 1, 2 ** -51]);
  });
});

describe("MarginRankingLoss with extreme numbers", () => {
  it("tiny and huge differences", () => {
    assertEquals(at(0, 5e-324, 1)[0], 5e-324);
    assertEquals(at(-1e308, 1e307, 1)[0], 1.1e308);
    assertEquals(at(-1e308, 1e308, 1)[0], Infinity);
    assertEquals(at(1, 2, 1, 1e6)[0], 1e6 + 1);
    const far = Math.fround(3e38);
    assertEquals(at(0, far, 1, 0, float32), [far, -1, 1, far]);
  });

  it("±∞: the order decides; equal infinities have none, and give NaN", () => {
    assertEquals(at(Infinity, 1, 1), [0, 0, 0, 0]);
    assertEquals(at(-Infinity, 1, 1), [Infinity, -1, 1, Infinity]);
    assertEquals(at(Infinity, Infinity, 1), [NaN, 0, 0, 0]);
  });

  it("NaN: value NaN, gradient 0", () => {
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
testLongMean(subject);
testBroadcasting(subject, { smaller: wrt, scalar: false });
testDtypes(subject, { integers: ["target"] });

describe("MarginRankingLoss and related losses", () => {
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

  it("does not change if the scores are swapped and the label changes its sign", () => {
    const { input1, input2, target } = args;
    const turned = float64(target.data.map((y) => -y) as Float64Array);
    const one = call(none(0.3), { input1, input2, target });
    const other = call(none(0.3), { input1: input2, input2: input1, target: turned });
    assertEquals(one.value, other.value);
    assertEquals([one.grad.input1, one.grad.input2], [other.grad.input2, other.grad.input1]);
  });
});

describe("MarginRankingLoss at random inputs", () => {
  const number = doubles(-1e3, 1e3);
  const label = fc.constantFrom(1, -1);

  it("is never negative, and the gradients with respect to both scores add up to 0", () => {
    holds(fc.property(number, number, label, number, (a, b, y, margin) => {
      const [value, first, second] = at(a, b, y, margin);
      return value >= 0 && first === -second && Math.abs(first) <= 1;
    }));
  });

  it("depends only on the difference of the scores", () => {
    const whole = fc.integer({ min: -1000, max: 1000 });
    holds(fc.property(whole, whole, whole, label, (a, b, shift, y) => {
      return at(a, b, y)[0] === at(a + shift, b + shift, y)[0];
    }));
  });

  it("is 0 for at least one of the two labels if the margin is 0", () => {
    holds(fc.property(number, number, (a, b) => {
      const [up, down] = [at(a, b, 1)[0], at(a, b, -1)[0]];
      return Math.min(up, down) === 0 && up + down === Math.abs(a - b);
    }));
  });
});

testDomain(subject, "target", { wanted: "1 or -1", offenders: [0, 2, 0.5, -1.5, NaN, -Infinity] });

describe("MarginRankingLoss refuses", () => {
  it("the label 0 also as a whole number, and says where it is", () => {
    assertThrows(
      () => ranking().forward([1, 2, 3], [3, 2, 1], int32([1, -1, 0])),
      RangeError,
      "Cannot compute MarginRankingLoss as target must be 1 or -1: current value at [2] is 0",
    );
  });

  it("arguments with different numbers of axes, also if one is a scalar", () => {
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

  it("a margin that is not a number", () => {
    for (const margin of ["1", null, [1]]) {
      assertThrows(
        () => ranking({ margin: margin as never }),
        TypeError,
        "Cannot make MarginRankingLoss as margin must be a number: current value is",
      );
    }
    assertThrows(() => ranking({ margin: NaN }), RangeError, "current value is NaN");
  });
});

testContract({
  loss: "MarginRankingLoss",
  Loss: MarginRankingLoss,
  known: ["margin", "reduction"],
  args: subject.draw(new Random(8), [2, 3]),
  wrt,
});

describe("MarginRankingLoss result types", () => {
  it("have the gradients of both scores by default, else those that wrt names", () => {
    const { grad } = ranking().valueAndGrad([1], [2], [1]);
    const both: Tensor[] = [grad.input1, grad.input2];
    assertEquals(both.map((tensor) => tensor.item()), [-1, 1]);
    // @ts-expect-error: a gradient that was not asked for is no property of the result.
    assertEquals(grad.target, undefined);
    const { grad: label } = ranking().valueAndGrad([1], [2], [1], { wrt: ["target"] });
    assertEquals(label.target.item(), 1);
  });
});
