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
import { testManners } from "./_manners.ts";
import { holds } from "./_property.ts";
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

/** Value and gradient of one distance. */
const at = (x: number, y: number, margin = 1, dtype = float64) =>
  element(none(margin), [x, y], { dtype });

testCases(cases, hinge);

describe("HingeEmbeddingLoss beside the document", () => {
  const x = [0.3, 0.9, 1.5, 0.3, 0.9, 1.5];
  const y = [1, 1, 1, -1, -1, -1];
  const evaluate = (formula: { text: string }) => [
    ...new Formula(formula.text).evaluate({ x, y, margin: 1 }),
  ];

  it("is its second formula, with its second gradient", () => {
    const { value, grad } = none().valueAndGrad(x, y);
    assertEquals([...value.data], evaluate(formulas.embedding));
    assertEquals([...grad.input.data], evaluate(formulas.embeddingGradient));
  });

  it("is not its first, the hinge of support vector machines", () => {
    const { value, grad } = none().valueAndGrad(x, y);
    assert([...value.data].every((v, i) => v !== evaluate(formulas.hinge)[i]));
    assert([...grad.input.data].every((g, i) => g !== evaluate(formulas.hingeGradient)[i]));
  });

  it("has a mean one float32 below the printed one, and nearer to the exact mean of the 100", () => {
    const { input, target } = seeded;
    const each = hinge({ margin: 0.2, reduction: "none" }).forward(input, target).data;
    const exact = Array.from(each).reduce((a, b) => a + b) / 100;
    const mean = hinge({ margin: 0.2 }).forward(input, target).item();
    const printed = 0.4938560426235199;
    assertEquals(mean, Math.fround(exact));
    assertEquals(floatsBetween(mean, printed, "float32"), 1);
    assert(Math.abs(mean - exact) < Math.abs(printed - exact));
  });
});

describe("HingeEmbeddingLoss by hand", () => {
  it("is the distance of a pair that is alike", () => {
    assertEquals(at(0.25, 1), [0.25, 1]);
    assertEquals(at(7, 1), [7, 1]);
    assertEquals(at(0, 1), [0, 1]);
  });

  it("is what a pair that is not lacks to the margin", () => {
    assertEquals(at(0.25, -1), [1 - 0.25, -1]);
    assertEquals(at(0.25, -1, 3), [3 - 0.25, -1]);
    assertEquals(at(7, -1), [0, 0]);
  });

  it("takes distances below 0 as they come", () => {
    assertEquals(at(-2, 1), [-2, 1]);
    assertEquals(at(-2, -1), [1 + 2, -1]);
  });
});

describe("HingeEmbeddingLoss beside one line: (1 + y) / 2 · x + (1 - y) / 2 · (|m - x| + (m - x)) / 2", () => {
  for (const margin of [-0.5, 0, 0.7, 1, 30]) {
    it(`margin = ${margin}`, () => {
      const random = new Random(1);
      const input = random.tensor([9, 7]);
      const target = random.tensor([9, 7], () => random.sign());
      const { value, grad } = none(margin).valueAndGrad(input, target);
      value.data.forEach((v, i) => {
        const [x, y] = [input.data[i], target.data[i]];
        const gap = (Math.abs(margin - x) + (margin - x)) / 2;
        assert(near(v, (1 + y) / 2 * x + (1 - y) / 2 * gap, 1e-13), `${x}, ${y}: ${v}`);
        assertEquals(grad.input.data[i], (1 + y) / 2 - (1 - y) / 4 * (1 + Math.sign(margin - x)));
      });
    });
  }
});

testFixtures("hinge_embedding", hinge);

describe("HingeEmbeddingLoss beside finite differences", () => {
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
  it("costs nothing and still pushes; one float further it rests", () => {
    for (const dtype of [float64, float32]) {
      for (const margin of [0, 0.5, 1, -2]) assertEquals(at(margin, -1, margin, dtype), [0, -1]);
    }
    assertEquals(at(1 + 2 ** -52, -1), [0, 0]);
    assertEquals(at(1 - 2 ** -53, -1), [2 ** -53, -1]);
  });
});

describe("HingeEmbeddingLoss of extreme numbers", () => {
  it("tiny and ±0", () => {
    assertEquals(at(5e-324, 1), [5e-324, 1]);
    assertEquals(at(1e-20, -1), [1, -1]);
    for (const x of [0, -0]) assertEquals(at(x, -1), [1, -1]);
  });

  it("huge", () => {
    assertEquals(at(1e300, 1), [1e300, 1]);
    assertEquals(at(-1e300, -1), [1e300, -1]);
    assertEquals(at(1e300, -1), [0, 0]);
    assertEquals(at(3, -1, 1e6), [1e6 - 3, -1]);
  });

  it("±∞", () => {
    assertEquals(at(Infinity, 1), [Infinity, 1]);
    assertEquals(at(-Infinity, -1), [Infinity, -1]);
    assertEquals(at(Infinity, -1), [0, 0]);
    assertEquals(at(2, -1, Infinity), [Infinity, -1]);
    assertEquals(at(2, -1, -Infinity), [0, 0]);
  });

  it("NaN: NaN as value; no push where the hinge cannot tell", () => {
    assertEquals(at(NaN, 1), [NaN, 1]);
    assertEquals(at(NaN, -1), [NaN, 0]);
    assertEquals(at(NaN, -1, 1, float32), [NaN, 0]);
  });
});

testReductions(subject);
testRepeats(subject, { smaller: ["input", "target"] });
testTypes(subject, { integers: ["target"] });

describe("HingeEmbeddingLoss among its siblings", () => {
  const { input } = subject.draw(new Random(4), [40]);
  const ones = (x: number) => float64(new Float64Array(40).fill(x));

  it("is L1Loss from 0 for pairs that are alike", () => {
    const { value, grad } = call(none(), { input, target: ones(1) });
    const l1 = call(new L1Loss({ reduction: "none" }), { input, target: ones(0) });
    assertEquals([value, grad.input], [l1.value, l1.grad.input]);
  });

  it("is MarginRankingLoss of the distance against 0 for pairs that are not", () => {
    const { value, grad } = call(none(1.25), { input, target: ones(-1) });
    const ranking = new MarginRankingLoss({ margin: 1.25, reduction: "none" });
    const other = call(ranking, { input1: input, input2: ones(0), target: ones(1) });
    assertEquals([value, grad.input], [other.value, other.grad.input1]);
  });
});

describe("HingeEmbeddingLoss as probed", () => {
  const number = fc.double({ min: -1e3, max: 1e3, noNaN: true });
  const label = fc.constantFrom(1, -1);
  const value = (x: number, y: number, margin: number) => at(x, y, margin)[0];

  it("is never negative for distances, whatever the margin", () => {
    holds(fc.property(fc.double({ min: 0, max: 1e3, noNaN: true }), label, number, (x, y, m) => {
      return value(x, y, m) >= 0;
    }));
  });

  it("is convex with slope at most 1", () => {
    const share = fc.double({ min: 0, max: 1, noNaN: true });
    holds(fc.property(number, number, share, label, number, (a, b, t, y, m) => {
      const chord = t * value(a, y, m) + (1 - t) * value(b, y, m);
      return value(t * a + (1 - t) * b, y, m) <= chord + 1e-11 && Math.abs(at(a, y, m)[1]) <= 1;
    }));
  });

  it("grows with the distance for pairs that are alike, falls for others", () => {
    holds(fc.property(number, number, number, (a, b, m) => {
      const [small, large] = [Math.min(a, b), Math.max(a, b)];
      return value(small, 1, m) <= value(large, 1, m) && value(small, -1, m) >= value(large, -1, m);
    }));
  });
});

testDomain(subject, "target", { wanted: "1 or -1", offenders: [0, 2, 0.5, -1.5, NaN, Infinity] });

describe("HingeEmbeddingLoss refuses", () => {
  it("whole-number labels of 0, at their place", () => {
    assertThrows(
      () => hinge().forward([[1, 2], [3, 4]], int32([[1, -1], [0, 1]])),
      RangeError,
      "Cannot compute HingeEmbeddingLoss as target must be 1 or -1: current value at [1, 0] is 0",
    );
  });

  it("a margin that is no number", () => {
    for (const margin of ["1", null, [1]]) {
      assertThrows(
        () => hinge({ margin: margin as never }),
        TypeError,
        "Cannot compute HingeEmbeddingLoss as margin must be a number: current value is",
      );
    }
    assertThrows(() => hinge({ margin: NaN }), RangeError, "current value is NaN");
  });

  it("(N, 1) against (N)", () => {
    assertThrows(
      () => hinge().forward([[1], [2]], [1, -1]),
      RangeError,
      "Cannot compute HingeEmbeddingLoss as the shapes of input and target do not go together: " +
        "current shapes are (2, 1) and (2,)",
    );
  });

  it("to differentiate by the target", () => {
    assertThrows(
      () => call(hinge(), { x: [1], y: [1] }, { wrt: ["target"] }),
      TypeError,
      'Cannot differentiate HingeEmbeddingLoss with respect to "target": wanted is one of input',
    );
  });
});

testManners({
  loss: "HingeEmbeddingLoss",
  Loss: HingeEmbeddingLoss,
  known: ["margin", "reduction"],
  args: subject.draw(new Random(8), [2, 3]),
  wrt: ["input"],
});

describe("HingeEmbeddingLoss answers in types", () => {
  it("with the gradient by input, and no other", () => {
    const { grad } = hinge().valueAndGrad([2], [1]);
    const input: Tensor = grad.input;
    assertEquals(input.toArray(), [1]);
    // @ts-expect-error: labels have no gradient.
    assertEquals(grad.target, undefined);
  });
});
