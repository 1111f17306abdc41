/** MultiMarginLoss: 1 / C Σ w[y] max(0, margin - input[y] + input[j])ᵖ over the wrong classes j of each row. */
import { assertEquals, assertThrows } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import fc from "fast-check";
import {
  float32,
  float64,
  int32,
  MarginRankingLoss,
  MultiLabelMarginLoss,
  MultiMarginLoss,
  type MultiMarginLossOptions,
  type Tensor,
  type TensorLike,
} from "@lossbook/losses";
import { Formula } from "@lossbook/losses/formula";
import { testCases } from "./_cases.ts";
import { assertClose, assertNear } from "./_close.ts";
import { testContract } from "./_contract.ts";
import { testFixtures } from "./_fixtures.ts";
import { testFormula } from "./_formula.ts";
import type { Subject } from "./_loss.ts";
import { sum } from "./_naive.ts";
import { assertGradient } from "./_numeric.ts";
import { holds } from "./_property.ts";
import { Random } from "./_random.ts";
import { testReductions } from "./_reductions.ts";
import {
  ACROSS_TILES,
  assertAnyIntegers,
  assertLabelsRefused,
  scoresAwayFromKinks,
} from "./_rows.ts";
import { cases, formulas } from "./reference/cases/multi_margin.ts";

const multiMargin = (options?: MultiMarginLossOptions) => new MultiMarginLoss(options);
const none = (options?: MultiMarginLossOptions) => multiMargin({ ...options, reduction: "none" });
const POWERS = [1, 2] as const;
const TIGHT = { rtol: 1e-14, atol: 1e-15 };
const subject: Subject = {
  loss: "MultiMarginLoss",
  build: multiMargin,
  draw: (random, [rows, classes]) => ({
    input: random.tensor([rows, classes]),
    target: random.labels([rows], classes),
  }),
  wrt: ["input"],
};

/** Value and gradient at one row. */
function at(
  input: TensorLike,
  label: number,
  options?: MultiMarginLossOptions,
): [value: number, grad: number[]] {
  const { value, grad } = none(options).valueAndGrad(input, label);
  return [value.item(), [...grad.input.data]];
}

testCases(cases, multiMargin);

describe("MultiMarginLoss against the document", () => {
  it("is the sum of its terms over the wrong classes, divided by the number of classes", () => {
    const term = new Formula(formulas.value.text);
    const [x, s, margin] = [[0.3, -0.9, 2, 1.5, -8], 1.25, 0.75];
    for (const p of POWERS) {
      const wanted = sum(term.evaluate({ x, s, margin, p })) / 6;
      assertNear(at([...x, s], 5, { p, margin })[0], wanted, { context: `p = ${p}` });
    }
  });
});

describe("MultiMarginLoss computed by hand", () => {
  it("adds up what the lead over each other class lacks to 1, and divides by the number of classes", () => {
    assertEquals(at([0.5, 2, 1.25], 1), [0.25 / 3, [0, -1 / 3, 1 / 3]]);
    assertEquals(at([2.5, 2, 1.25], 1), [(1.5 + 0.25) / 3, [1 / 3, -2 / 3, 1 / 3]]);
    assertEquals(at([0.5, 2, 0.75], 1), [0, [0, 0, 0]]);
  });

  it("squares with p = 2", () => {
    const [value, grad] = at([2.5, 2, 1.25], 1, { p: 2 });
    assertEquals(value, (1.5 ** 2 + 0.25 ** 2) / 3);
    assertEquals(grad, [2 * 1.5, -2 * (1.5 + 0.25), 2 * 0.25].map((g) => g * (1 / 3)));
  });

  it("accepts every margin: with 0 the right class must be first, with a negative one close to it", () => {
    assertEquals(at([2.5, 2, 1.25], 1, { margin: 0 }), [0.5 / 3, [1 / 3, -1 / 3, 0]]);
    assertEquals(at([2.5, 2, 1.25], 1, { margin: -0.25 }), [0.25 / 3, [1 / 3, -1 / 3, 0]]);
    assertEquals(at([2.5, 2, 1.25], 1, { margin: -0.75 }), [0, [0, 0, 0]]);
    assertEquals(at([1, 2], 1, { margin: 10 }), [9 / 2, [1 / 2, -1 / 2]]);
  });

  it("multiplies by the label's weight after the power, and does not divide by the weights", () => {
    const weight = [3, 0.5, -1];
    assertEquals(at([2.5, 2, 1.25], 1, { weight, p: 2 })[0], 0.5 * (1.5 ** 2 + 0.25 ** 2) / 3);
    const input = [[0, 0.5, -2], [0, 0.5, -2], [0, 0.5, -2]];
    const mean = multiMargin({ weight }).forward(input, [0, 1, 2]).item();
    assertEquals(mean, (3 * 1.5 + 0.5 * 0.5 + -1 * (3 + 3.5)) / 9);
  });

  it("is 0 if there is only one class", () => {
    assertEquals(at([-7], 0), [0, [0]]);
    assertEquals(at(-7, 0), [0, [0]]);
  });

  it("has p = 1, margin = 1 and the mean by default", () => {
    const { value, grad } = multiMargin().valueAndGrad([[0.5, 2, 1.25], [0, 0, 0]], [1, 2]);
    assertEquals(value.item(), (0.25 + 1 + 1) / 6);
    const sixth = 1 / 6;
    assertEquals(grad.input.toArray(), [[0, -sixth, sixth], [sixth, sixth, -2 * sixth]]);
  });
});

describe("MultiMarginLoss against a one-line reference for each row", () => {
  for (const [seed, p] of POWERS.entries()) {
    it(`p = ${p}, over 40 × 33, with and without weights`, () => {
      const random = new Random(seed);
      const input = random.tensor([40, 33]);
      const labels = random.labels([40], 33).data;
      const weight = random.tensor([33], () => random.uniform(-1, 3));
      for (const w of [undefined, weight]) {
        const wanted = (input.toArray() as number[][]).map((row, n) => {
          const others = row.filter((_, j) => j !== labels[n]);
          const costs = others.map((score) => Math.max(0, 0.6 - row[labels[n]] + score) ** p);
          return (w?.data[labels[n]] ?? 1) * sum(costs) / 33;
        });
        const value = none({ p, margin: 0.6, weight: w }).forward(input, labels);
        assertClose(value, float64(wanted), { ...TIGHT, context: `seed ${seed}:` });
      }
    });
  }
});

testFixtures("multi_margin", multiMargin);

describe("MultiMarginLoss against finite differences", () => {
  const target = int32([3, 0, 2, 3]);
  const args = { input: scoresAwayFromKinks([4, 5], 2), target };
  const weight = float64([0.5, 2, 1, -3, 0.25]);

  for (const p of POWERS) {
    for (const reduction of ["none", "mean", "sum"] as const) {
      it(`agrees for p = ${p}, ${reduction}, with and without a weight`, () => {
        // All differences stay 0.02 away from the margin; the stencil spans 4e-3 of `scale`.
        for (const options of [{}, { weight }, { margin: 0.7 }]) {
          const loss = multiMargin({ p, reduction, ...options });
          assertGradient(loss, args, { wrt: ["input"], scale: 1, seed: p });
        }
      });
    }
  }
});

testFormula("MultiMarginLoss", MultiMarginLoss.formula, { input: "x" }, {
  x: [-3, 3],
  s: [-3, 3],
  w: [-1, 2],
  margin: [-1, 2],
  p: [1, 2],
});

describe("MultiMarginLoss.formula", () => {
  it("is what is computed: one wrong class, divided by C = 2", () => {
    const { value, grad } = MultiMarginLoss.formula;
    const scope = { x: [-2, -0.5, 0.25, 3], s: 0.75, w: 1.5, margin: 0.5 };
    for (const p of POWERS) {
      const found = scope.x.map((x) => at([x, scope.s], 1, { p, margin: 0.5, weight: [9, 1.5] }));
      const each = (text: string) =>
        float64([...new Formula(text).evaluate({ ...scope, p })].map((v) => v / 2));
      assertClose(float64(found.map(([v]) => v)), each(value), { ...TIGHT, context: "value:" });
      const slopes = float64(found.map(([, [g]]) => g));
      assertClose(slopes, each(grad.input), { ...TIGHT, context: "grad:" });
    }
  });
});

describe("MultiMarginLoss at its kink", () => {
  it("is 0 with gradient 0 where the lead is exactly the margin", () => {
    for (const p of POWERS) {
      assertEquals(at([1, 2], 1, { p }), [0, [0, 0]]);
      assertEquals(at([2.5, 2], 1, { p, margin: -0.5 }), [0, [0, 0]]);
      assertEquals(at(float32([1, 2]), 1, { p }), [0, [0, 0]]);
    }
  });

  it("just above it, has gradient 1 / C with p = 1, and a tiny one with p = 2", () => {
    const tiny = 2 ** -50;
    assertEquals(at([1 + tiny, 2], 1), [tiny / 2, [0.5, -0.5]]);
    assertEquals(at([1 + tiny, 2], 1, { p: 2 }), [tiny ** 2 / 2, [tiny, -tiny]]);
    assertEquals(at([1 - tiny, 2], 1), [0, [0, 0]]);
  });
});

describe("MultiMarginLoss with extreme scores", () => {
  it("tiny scores: differences are lost if they are smaller than the last digit of the margin", () => {
    assertEquals(at([1e-200, 0], 1), [1 / 2, [0.5, -0.5]]);
    assertEquals(at([1e-200, 0], 1, { margin: 0 }), [1e-200 / 2, [0.5, -0.5]]);
    assertEquals(at([1e-200, 0], 1, { margin: 0, p: 2 }), [0, [1e-200, -1e-200]]);
  });

  it("huge scores: the square may overflow, gradients do not", () => {
    assertEquals(at([1e300, 0], 1), [5e299, [0.5, -0.5]]);
    assertEquals(at([1e200, 0], 1, { p: 2 }), [Infinity, [1e200, -1e200]]);
    const [value, grad] = at(float32([3e38, 0]), 1, { p: 2 });
    assertEquals([value, ...grad], [Infinity, Math.fround(3e38), -Math.fround(3e38)]);
  });

  it("±0: both zeros are the same", () => {
    assertEquals(at([0, -0], 1), at([-0, 0], 1));
    assertEquals(at([0, -0], 1, { margin: 0 }), [0, [0, 0]]);
  });

  it("-∞ for a wrong class: its term is 0", () => {
    assertEquals(at([-Infinity, 2, 1.5], 1), [0.5 / 3, [0, -1 / 3, 1 / 3]]);
  });

  it("∞ for the right class: 0, even if another score is ∞", () => {
    assertEquals(at([5, Infinity, Infinity], 1), [0, [0, 0, 0]]);
  });

  it("∞ for a wrong class, or -∞ for the right one: infinite value, finite gradient with p = 1", () => {
    assertEquals(at([Infinity, 0, -3], 1), [Infinity, [1 / 3, -1 / 3, 0]]);
    assertEquals(at([1, -Infinity, 0], 1), [Infinity, [1 / 3, -2 / 3, 1 / 3]]);
    assertEquals(at([Infinity, 0, -3], 1, { p: 2 })[1], [Infinity, -Infinity, 0]);
  });

  it("NaN: its term is 0, as in PyTorch", () => {
    for (const dtype of [float32, float64]) {
      assertEquals(at(dtype([NaN, 0.5, 0.25]), 1)[0], 0.25);
      assertEquals(at(dtype([0.5, NaN, 0.25]), 1), [0, [0, 0, 0]]);
      assertEquals(at(dtype([NaN, 0.5, 0, -9]), 1, { p: 2 })[0], 0.25 / 4);
    }
  });

  it("an infinite margin: no lead reaches ∞, every lead reaches -∞", () => {
    assertEquals(at([1, 2], 1, { margin: Infinity }), [Infinity, [0.5, -0.5]]);
    assertEquals(at([2, 1], 1, { margin: -Infinity }), [0, [0, 0]]);
  });

  it("many rows, long rows, and rows of one class: correct across tiles", () => {
    for (const [rows, classes] of ACROSS_TILES) {
      const random = new Random(rows);
      const input = random.tensor([rows, classes]);
      const labels = random.labels([rows], classes).data;
      const gradOutput = random.tensor([rows]);
      const { value, grad } = none().valueAndGrad(input, labels, { gradOutput });
      for (const n of [0, 1, rows >> 1, rows - 1]) {
        const row = input.data.slice(n * classes, (n + 1) * classes) as Float64Array;
        const terms = row.map((x, j) => j === labels[n] ? 0 : Math.max(0, 1 - row[labels[n]] + x));
        const wanted = sum(terms) / classes;
        const context = `row ${n} of ${rows} × ${classes}:`;
        assertNear(value.data[n], wanted, { rtol: 1e-12, context });
        const found = grad.input.data.slice(n * classes, (n + 1) * classes) as Float64Array;
        const active = terms.filter((term) => term > 0).length;
        const g = gradOutput.data[n] / classes;
        const slopes = terms.map((term, j) => j === labels[n] ? -active * g : term > 0 ? g : 0);
        assertClose(float64(found), float64(slopes), { ...TIGHT, context });
      }
    }
  });

  it("2^20 equal terms in float32: the mean is exact", () => {
    const input = new Float32Array(2 ** 20).fill(0.1);
    const value = multiMargin({ margin: 0.7 }).forward(
      float32(input, [2 ** 10, 2 ** 10]),
      new Int32Array(2 ** 10),
    );
    // Each row has 1023 terms, and the right class counts in the denominator.
    assertEquals(value.item(), Math.fround(Math.fround(0.7) * 1023 / 1024));
  });
});

// Unlike PyTorch's, the mean of an empty batch is NaN and its sum is 0.
testReductions(subject, { empty: [[[0, 3], [0]]] });

describe("MultiMarginLoss of labels", () => {
  it("has a value of the label's shape, () or (1), for a single row", () => {
    const row = [0.5, 2, 1.25];
    assertEquals(none().forward(row, 1).shape, []);
    assertEquals(none().forward(row, [1]).shape, [1]);
    assertEquals(none().forward([row], [1]).shape, [1]);
    assertEquals(none().forward(row, [1]).data, none().forward([row], [1]).data);
  });

  it("accepts every type of integers for them", () => {
    assertAnyIntegers(multiMargin(), new Random(6).tensor([3, 5]), [4, 0, 2]);
  });

  it("is computed in the dtype of the input", () => {
    const { value, grad } = none().valueAndGrad(float32([1, 2]), 1);
    assertEquals([value.dtype, grad.input.dtype], ["float32", "float32"]);
    assertEquals(none().forward([1, 2], 1).dtype, "float64");
  });
});

describe("MultiMarginLoss and related losses", () => {
  it("is half of the hinge of the difference for C = 2", () => {
    for (const lead of [-3, 0, 0.5, 1, 4]) {
      const lack = Math.max(0, 1 - lead);
      assertEquals(at([0.25, 0.25 + lead], 1)[0], lack / 2);
      assertEquals(at([0.25, 0.25 + lead], 1, { p: 2 })[0], lack ** 2 / 2);
    }
  });

  it("is half of MarginRankingLoss for C = 2, at the kink too", () => {
    const [right, wrong] = [[0.5, 2, -1, 3, 2], [1, 0.25, -1.5, 2.25, 1]];
    const input = right.map((s, n) => [wrong[n], s]);
    const pair = new MarginRankingLoss({ margin: 1, reduction: "sum" })
      .valueAndGrad(right, wrong, right.map(() => 1));
    const { value, grad } = multiMargin({ reduction: "sum" })
      .valueAndGrad(input, right.map(() => 1));
    assertEquals(value.item(), pair.value.item() / 2);
    right.forEach((_, n) => assertEquals(grad.input.data[2 * n + 1], pair.grad.input1.data[n] / 2));
    assertEquals(pair.grad.input1.data[4], 0);
  });

  it("is MultiLabelMarginLoss with one label in each list", () => {
    const random = new Random(3);
    const input = random.tensor([6, 4]);
    const labels = random.labels([6], 4);
    const lists = Array.from(labels.data, (label) => [label, -1, -1, -1]);
    const one = multiMargin().valueAndGrad(input, labels);
    const many = new MultiLabelMarginLoss().valueAndGrad(input, lists);
    assertEquals(one.value, many.value);
    assertEquals(one.grad.input, many.grad.input);
  });
});

describe("MultiMarginLoss at random inputs", () => {
  // Multiples of 1/8 add up without rounding.
  const eighths = (low: number, high: number) =>
    fc.integer({ min: low * 8, max: high * 8 }).map((n) => n / 8);
  const rows = fc.tuple(fc.array(eighths(-4, 4), { minLength: 2, maxLength: 9 }), fc.nat())
    .map(([row, n]): [number[], number] => [row, n % row.length]);
  const powers = fc.constantFrom(...POWERS);
  const value = (row: number[], label: number, options?: MultiMarginLossOptions) =>
    at(row, label, options)[0];

  it("is never negative, and 0 exactly where the right class leads by the margin", () => {
    holds(fc.property(rows, powers, eighths(-2, 2), ([row, label], p, margin) => {
      const leads = row.every((x, j) => j === label || row[label] - x >= margin);
      const v = value(row, label, { p, margin });
      return leads ? v === 0 : v > 0;
    }));
  });

  it("depends only on differences: adding one number to all scores changes nothing", () => {
    holds(fc.property(rows, powers, eighths(-4, 4), ([row, label], p, shift) => {
      assertEquals(at(row.map((x) => x + shift), label, { p }), at(row, label, { p }));
    }));
  });

  it("has gradients that add up to 0 in each row", () => {
    holds(fc.property(rows, powers, ([row, label], p) => {
      return Math.abs(sum(at(row, label, { p })[1])) < 1e-13;
    }));
  });

  it("does not depend on the order of the classes", () => {
    holds(fc.property(rows, powers, ([row, label], p) => {
      const [there, back] = [
        at(row, label, { p }),
        at(row.toReversed(), row.length - 1 - label, { p }),
      ];
      assertEquals(there, [back[0], back[1].toReversed()]);
    }));
  });

  it("grows with the margin and with every wrong score, and falls with the right one", () => {
    holds(fc.property(rows, powers, fc.nat(8), eighths(0, 2), ([row, label], p, j, more) => {
      const moved = row.with(j % row.length, row[j % row.length] + more);
      const [before, after] = [value(row, label, { p }), value(moved, label, { p })];
      return value(row, label, { p, margin: 1 + more }) >= before &&
        (j % row.length === label ? after <= before : after >= before);
    }));
  });

  it("is convex: no chord lies below it", () => {
    holds(fc.property(rows, rows, powers, ([a, label], [b], p) => {
      const other = a.map((_, j) => b[j % b.length]);
      const middle = a.map((x, j) => (x + other[j]) / 2);
      const chord = (value(a, label, { p }) + value(other, label, { p })) / 2;
      return value(middle, label, { p }) <= chord + 1e-13 * (1 + chord);
    }));
  });
});

describe("MultiMarginLoss refuses", () => {
  it("a p that is neither 1 nor 2", () => {
    for (const p of [0, 3, 1.5, -1, NaN, Infinity]) {
      assertThrows(
        () => multiMargin({ p: p as 1 }),
        RangeError,
        `Cannot make MultiMarginLoss as p must be 1 or 2: current value is ${p}`,
      );
    }
    assertThrows(
      () => multiMargin({ p: "2" as never }),
      TypeError,
      'Cannot make MultiMarginLoss as p must be 1 or 2: current value is "2"',
    );
  });

  it("a margin that is not a number", () => {
    const message = "Cannot make MultiMarginLoss as margin must be a number: current value is";
    assertThrows(() => multiMargin({ margin: NaN }), RangeError, `${message} NaN`);
    assertThrows(() => multiMargin({ margin: "1" as never }), TypeError, `${message} "1"`);
  });

  it("a weight that does not have one axis, at construction", () => {
    for (const [weight, shown] of [[2, "()"], [[[1, 2]], "(1, 2)"]] as [TensorLike, string][]) {
      assertThrows(
        () => multiMargin({ weight }),
        RangeError,
        "Cannot make MultiMarginLoss as weight must have the shape (C), one number per class: " +
          `current shape is ${shown}`,
      );
    }
    assertThrows(
      () => multiMargin({ weight: "1" as never }),
      TypeError,
      "Cannot read weight as it",
    );
  });

  it("a weight that is not one number per class in the dtype of the scores", () => {
    assertThrows(
      () => multiMargin({ weight: [1, 2] }).forward([[1, 2, 3]], [0]),
      RangeError,
      "Cannot compute MultiMarginLoss as weight must have the shape (3,), one number per class: " +
        "current shape is (2,)",
    );
    assertThrows(
      () => multiMargin({ weight: float64([1, 2]) }).forward(float32([[1, 2]]), [0]),
      TypeError,
      "Cannot compute MultiMarginLoss as weight must be float32: current dtype is float64",
    );
  });

  it("scores with more than two axes, or without classes", () => {
    for (const [shape, shown] of [[[1, 1, 2], "(1, 1, 2)"], [[2, 0], "(2, 0)"], [[0], "(0,)"]]) {
      const size = shown === "(1, 1, 2)" ? 2 : 0;
      assertThrows(
        () => multiMargin().forward(float32(new Float32Array(size), shape as number[]), [0]),
        RangeError,
        "Cannot compute MultiMarginLoss as input must have the shape (C) or (N, C) with C > 0: " +
          `current shape is ${shown}`,
      );
    }
  });

  it("more or fewer labels than rows", () => {
    const refused: [input: TensorLike, target: TensorLike, message: string][] = [
      [
        [[1, 2], [3, 4]],
        [0],
        "the shape (2,), one label per row of input: current shapes are (2, 2) and (1,)",
      ],
      [
        [[1, 2], [3, 4]],
        [[0, 1]],
        "the shape (2,), one label per row of input: current shapes are (2, 2) and (1, 2)",
      ],
      [
        [1, 2],
        [0, 1],
        "the shape () or (1,), one label per row of input: current shapes are (2,) and (2,)",
      ],
      [
        [1, 2],
        [[0]],
        "the shape () or (1,), one label per row of input: current shapes are (2,) and (1, 1)",
      ],
    ];
    for (const [input, target, message] of refused) {
      assertThrows(
        () => multiMargin().forward(input, target),
        RangeError,
        `Cannot compute MultiMarginLoss as target must have ${message}`,
      );
    }
  });

  it("labels that are not classes, and leaves buffers as they were", () => {
    assertLabelsRefused(
      multiMargin(),
      [-1, 3, 1.5, NaN, Infinity, -100],
      "Cannot compute MultiMarginLoss as target must hold classes from 0 to 2",
    );
  });

  it("labels that are floats", () => {
    assertThrows(
      () => multiMargin().forward([[1, 2]], float32([1])),
      TypeError,
      "Cannot compute MultiMarginLoss as target must be int32: current dtype is float32",
    );
  });

  it("to differentiate with respect to the weight, which is a constant", () => {
    assertThrows(
      () => multiMargin({ weight: [1, 2] }).valueAndGrad([1, 2], 0, { wrt: ["weight" as "input"] }),
      TypeError,
      'Cannot differentiate MultiMarginLoss with respect to "weight": wanted is one of input',
    );
  });
});

testContract({
  loss: "MultiMarginLoss",
  Loss: MultiMarginLoss,
  known: ["p", "margin", "weight", "reduction"],
  args: { input: scoresAwayFromKinks([2, 3], 8), target: int32([2, 0]) },
  wrt: ["input"],
});

describe("MultiMarginLoss result types", () => {
  it("have the gradient with respect to input, and no other", () => {
    const { grad } = multiMargin().valueAndGrad([1, 2], 1);
    const input: Tensor = grad.input;
    assertEquals(input.shape, [2]);
    // @ts-expect-error: labels have no gradient.
    assertEquals(grad.target, undefined);
  });
});
