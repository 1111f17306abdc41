/** HingeEmbeddingLoss: x where y = 1, max(0, margin - x) where y = -1. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import fc from "fast-check";
import {
  float32,
  float64,
  HingeEmbeddingLoss,
  type HingeEmbeddingLossOptions,
  int32,
  L1Loss,
  MarginRankingLoss,
  type Tensor,
} from "@lossbook/losses";
import { Formula } from "@lossbook/losses/formula";
import { testCases } from "./_cases.ts";
import { assertNear } from "./_close.ts";
import { testContract } from "./_contract.ts";
import {
  testBroadcasting,
  testDomain,
  testDtypes,
  testIncompatibleShapes,
  testLongMean,
} from "./_elementwise.ts";
import { testFixtures } from "./_fixtures.ts";
import { testFormula } from "./_formula.ts";
import { call, element, type Subject } from "./_loss.ts";
import { sum } from "./_naive.ts";
import { assertGradient } from "./_numeric.ts";
import { doubles, holds, isBelowChord } from "./_property.ts";
import { Random } from "./_random.ts";
import { testReductions } from "./_reductions.ts";
import { floatsBetween } from "./_ulp.ts";
import { cases, formulas, seeded } from "./reference/cases/hinge_embedding.ts";

const hinge = (options?: HingeEmbeddingLossOptions) => new HingeEmbeddingLoss(options);
const none = (margin = 1) => hinge({ margin, reduction: "none" });
const subject: Subject = {
  loss: "HingeEmbeddingLoss",
  build: hinge,
  draw: (random, first, second = first) => ({
    // Distances on both sides of the margin 1, none near it.
    input: random.tensor(first, () => random.below(2) + random.uniform(0.1, 0.9)),
    target: random.tensor(second, () => random.sign()),
  }),
  wrt: ["input"],
};

/** Value and gradient at one distance. */
const at = (x: number, y: number, margin = 1, dtype = float64) =>
  element(none(margin), [x, y], { dtype });

testCases(cases, hinge);

describe("HingeEmbeddingLoss against the document", () => {
  const x = [0.3, 0.9, 1.5, 0.3, 0.9, 1.5];
  const y = [1, 1, 1, -1, -1, -1];
  const evaluate = (formula: { text: string }) => [
    ...new Formula(formula.text).evaluate({ x, y, margin: 1 }),
  ];

  it("has the value and the gradient of its second formula", () => {
    const { value, grad } = none().valueAndGrad(x, y);
    assertEquals([...value.data], evaluate(formulas.embedding));
    assertEquals([...grad.input.data], evaluate(formulas.embeddingGradient));
  });

  it("is not its first formula, the hinge of support vector machines", () => {
    const { value, grad } = none().valueAndGrad(x, y);
    assert([...value.data].every((v, i) => v !== evaluate(formulas.hinge)[i]));
    assert([...grad.input.data].every((g, i) => g !== evaluate(formulas.hingeGradient)[i]));
  });

  it("has a mean one float32 below the printed one, and closer to the exact mean of the 100 values", () => {
    const { input, target } = seeded;
    const each = hinge({ margin: 0.2, reduction: "none" }).forward(input, target).data;
    const exact = sum(each) / 100;
    const mean = hinge({ margin: 0.2 }).forward(input, target).item();
    const printed = 0.4938560426235199;
    assertEquals(mean, Math.fround(exact));
    assertEquals(floatsBetween(mean, printed, "float32"), 1);
    assert(Math.abs(mean - exact) < Math.abs(printed - exact));
  });
});

describe("HingeEmbeddingLoss computed by hand", () => {
  it("is the distance of a similar pair (y = 1)", () => {
    assertEquals(at(0.25, 1), [0.25, 1]);
    assertEquals(at(7, 1), [7, 1]);
    assertEquals(at(0, 1), [0, 1]);
  });

  it("is what the distance of a dissimilar pair (y = -1) lacks to the margin", () => {
    assertEquals(at(0.25, -1), [1 - 0.25, -1]);
    assertEquals(at(0.25, -1, 3), [3 - 0.25, -1]);
    assertEquals(at(7, -1), [0, 0]);
  });

  it("takes negative distances as they are", () => {
    assertEquals(at(-2, 1), [-2, 1]);
    assertEquals(at(-2, -1), [1 + 2, -1]);
  });
});

describe("HingeEmbeddingLoss against a one-line reference: (1 + y) / 2 · x + (1 - y) / 2 · (|m - x| + (m - x)) / 2", () => {
  for (const margin of [-0.5, 0, 0.7, 1, 30]) {
    it(`margin = ${margin}`, () => {
      const random = new Random(1);
      const input = random.tensor([9, 7]);
      const target = random.tensor([9, 7], () => random.sign());
      const { value, grad } = none(margin).valueAndGrad(input, target);
      value.data.forEach((v, i) => {
        const [x, y] = [input.data[i], target.data[i]];
        const gap = (Math.abs(margin - x) + (margin - x)) / 2;
        assertNear(v, (1 + y) / 2 * x + (1 - y) / 2 * gap, { rtol: 1e-13, context: `${x}, ${y}` });
        assertEquals(grad.input.data[i], (1 + y) / 2 - (1 - y) / 4 * (1 + Math.sign(margin - x)));
      });
    });
  }
});

testFixtures("hinge_embedding", hinge);

describe("HingeEmbeddingLoss against finite differences", () => {
  for (const reduction of ["none", "mean", "sum"] as const) {
    it(`agrees for ${reduction}`, () => {
      const args = subject.draw(new Random(2), [3, 5]);
      assertGradient(hinge({ reduction }), args, { wrt: ["input"] });
    });
  }
});

for (const y of [1, -1]) {
  testFormula(`HingeEmbeddingLoss, y = ${y}:`, HingeEmbeddingLoss.formula, { input: "x" }, {
    x: [-2, 3],
    y: [y, y],
    margin: [-1, 2],
  });
}

describe("HingeEmbeddingLoss at its kink x = margin", () => {
  it("is 0 with gradient 0; at the next smaller float the gradient is -1", () => {
    for (const dtype of [float64, float32]) {
      for (const margin of [0, 0.5, 1, -2]) assertEquals(at(margin, -1, margin, dtype), [0, 0]);
    }
    assertEquals(at(1 + 2 ** -52, -1), [0, 0]);
    assertEquals(at(1 - 2 ** -53, -1), [2 ** -53, -1]);
  });
});

describe("HingeEmbeddingLoss with extreme numbers", () => {
  it("tiny distances and ±0", () => {
    assertEquals(at(5e-324, 1), [5e-324, 1]);
    assertEquals(at(1e-20, -1), [1, -1]);
    for (const x of [0, -0]) assertEquals(at(x, -1), [1, -1]);
  });

  it("huge distances and margins", () => {
    assertEquals(at(1e300, 1), [1e300, 1]);
    assertEquals(at(-1e300, -1), [1e300, -1]);
    assertEquals(at(1e300, -1), [0, 0]);
    assertEquals(at(3, -1, 1e6), [1e6 - 3, -1]);
  });

  it("infinite distances and margins", () => {
    assertEquals(at(Infinity, 1), [Infinity, 1]);
    assertEquals(at(-Infinity, -1), [Infinity, -1]);
    assertEquals(at(Infinity, -1), [0, 0]);
    assertEquals(at(2, -1, Infinity), [Infinity, -1]);
    assertEquals(at(2, -1, -Infinity), [0, 0]);
  });

  it("NaN: value NaN; gradient 0 of a dissimilar pair, as NaN is not below the margin", () => {
    assertEquals(at(NaN, 1), [NaN, 1]);
    assertEquals(at(NaN, -1), [NaN, 0]);
    assertEquals(at(NaN, -1, 1, float32), [NaN, 0]);
  });
});

testReductions(subject);
testLongMean(subject);
testBroadcasting(subject, { smaller: ["input", "target"] });
testIncompatibleShapes(subject);
testDtypes(subject, { integers: ["target"] });

describe("HingeEmbeddingLoss and related losses", () => {
  const { input } = subject.draw(new Random(4), [40]);
  const ones = (x: number) => float64(new Float64Array(40).fill(x));

  it("is L1Loss with target 0 for similar pairs", () => {
    const { value, grad } = call(none(), { input, target: ones(1) });
    const l1 = call(new L1Loss({ reduction: "none" }), { input, target: ones(0) });
    assertEquals([value, grad.input], [l1.value, l1.grad.input]);
  });

  it("is MarginRankingLoss of the distance and 0 for dissimilar pairs", () => {
    const { value, grad } = call(none(1.25), { input, target: ones(-1) });
    const ranking = new MarginRankingLoss({ margin: 1.25, reduction: "none" });
    const other = call(ranking, { input1: input, input2: ones(0), target: ones(1) });
    assertEquals([value, grad.input], [other.value, other.grad.input1]);
  });
});

describe("HingeEmbeddingLoss at random inputs", () => {
  const number = doubles(-1e3, 1e3);
  const label = fc.constantFrom(1, -1);
  const value = (x: number, y: number, margin: number) => at(x, y, margin)[0];

  it("is never negative for distances, whatever the margin", () => {
    holds(fc.property(doubles(0, 1e3), label, number, (x, y, m) => {
      return value(x, y, m) >= 0;
    }));
  });

  it("is convex, with a gradient between -1 and 1", () => {
    holds(fc.property(number, number, doubles(0, 1), label, number, (a, b, t, y, m) => {
      return isBelowChord((x) => value(x, y, m), [a, b, t]) && Math.abs(at(a, y, m)[1]) <= 1;
    }));
  });

  it("grows with the distance of similar pairs, falls with that of dissimilar pairs", () => {
    holds(fc.property(number, number, number, (a, b, m) => {
      const [small, large] = [Math.min(a, b), Math.max(a, b)];
      return value(small, 1, m) <= value(large, 1, m) && value(small, -1, m) >= value(large, -1, m);
    }));
  });
});

testDomain(subject, "target", { wanted: "1 or -1", offenders: [0, 2, 0.5, -1.5, NaN, Infinity] });

describe("HingeEmbeddingLoss refuses", () => {
  it("the label 0 also as a whole number, and says where it is", () => {
    assertThrows(
      () => hinge().forward([[1, 2], [3, 4]], int32([[1, -1], [0, 1]])),
      RangeError,
      "Cannot compute HingeEmbeddingLoss as target must be 1 or -1: current value at [1, 0] is 0",
    );
  });

  it("a margin that is not a number", () => {
    for (const margin of ["1", null, [1]]) {
      assertThrows(
        () => hinge({ margin: margin as never }),
        TypeError,
        "Cannot make HingeEmbeddingLoss as margin must be a number: current value is",
      );
    }
    assertThrows(() => hinge({ margin: NaN }), RangeError, "current value is NaN");
  });
});

testContract({
  loss: "HingeEmbeddingLoss",
  Loss: HingeEmbeddingLoss,
  known: ["margin", "reduction"],
  args: subject.draw(new Random(8), [2, 3]),
  wrt: ["input"],
});

describe("HingeEmbeddingLoss result types", () => {
  it("have the gradient with respect to input, and no other", () => {
    const { grad } = hinge().valueAndGrad([2], [1]);
    const input: Tensor = grad.input;
    assertEquals(input.toArray(), [1]);
    // @ts-expect-error: labels have no gradient.
    assertEquals(grad.target, undefined);
  });
});
