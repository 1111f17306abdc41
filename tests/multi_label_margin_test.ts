/** MultiLabelMarginLoss: 1 / C Σ max(0, 1 - input[t] + input[j]) over the listed classes t and all others j of each row. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import fc from "fast-check";
import {
  float32,
  float64,
  int32,
  MultiLabelMarginLoss,
  type MultiLabelMarginLossOptions,
  MultiMarginLoss,
  type NestedArray,
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
import { Random, sizeOf } from "./_random.ts";
import { testReductions } from "./_reductions.ts";
import { scoresAwayFromKinks } from "./_rows.ts";
import { cases, formulas } from "./reference/cases/multi_label_margin.ts";

const multiLabelMargin = (options?: MultiLabelMarginLossOptions) =>
  new MultiLabelMarginLoss(options);
const none = multiLabelMargin({ reduction: "none" });
const TIGHT = { rtol: 1e-14, atol: 1e-15 };
const subject: Subject = {
  loss: "MultiLabelMarginLoss",
  build: multiLabelMargin,
  draw: (random, [rows, classes]) => ({
    input: random.tensor([rows, classes]),
    target: int32(randomLists(random, rows, classes, 3).flat(), [rows, classes]),
  }),
  wrt: ["input"],
};

/** A list of labels, filled up with -1. */
const listOf = (labels: number[], classes: number) =>
  Array.from({ length: classes }, (_, i) => labels[i] ?? -1);

/** The labels of a list: those before the first -1. */
const labelsOf = (list: number[]) => list.includes(-1) ? list.slice(0, list.indexOf(-1)) : list;

/** Value and gradient at one row. */
function at(row: TensorLike, target: number[]): [value: number, grad: number[]] {
  const { value, grad } = none.valueAndGrad(row, target);
  return [value.item(), [...grad.input.data]];
}

/** `rows` lists of up to `most` labels, each class at most once. */
function randomLists(random: Random, rows: number, classes: number, most: number): number[][] {
  return Array.from({ length: rows }, () => {
    const labels = new Set(
      Array.from({ length: random.below(most + 1) }, () => random.below(classes)),
    );
    return listOf([...labels], classes);
  });
}

/** The loss of one row by sets of labels and pairs of classes. */
function naive(row: number[], target: number[]): number {
  const listed = labelsOf(target);
  const others = row.filter((_, j) => !listed.includes(j));
  const pairs = listed.flatMap((t) => others.map((x) => Math.max(0, x - (row[t] - 1))));
  return sum(pairs) / row.length;
}

testCases(cases, multiLabelMargin);

describe("MultiLabelMarginLoss against the document", () => {
  it("is the sum of its terms over all pairs, divided by the number of classes", () => {
    const term = new Formula(formulas.value.text);
    const [applies, others] = [[0.3, -0.9], [2, 1.5, -8]];
    const pairs = applies.flatMap((s) => [...term.evaluate({ x: others, s })]);
    assertNear(at([...applies, ...others], [0, 1, -1, -1, -1])[0], sum(pairs) / 5);
  });

  it("does not depend on the order of labels: [2, 3, -1, 0] and [3, 2, -1, 0] are the same", () => {
    const row = [0.5, 2, -0.25, 1];
    assertEquals(at(row, [2, 3, -1, 0]), at(row, [3, 2, -1, 0]));
  });
});

describe("MultiLabelMarginLoss computed by hand", () => {
  it("adds up what the lead of each pair lacks to 1, and divides by the number of classes", () => {
    // 1 leads 0 by 1.5 and 3 by 0.5; 2 leads 0 by 0.25, and 3 by -0.75.
    const [value, grad] = at([0.5, 2, 0.75, 1.5], [1, 2, -1, -1]);
    assertEquals(value, (0 + 0.5 + 0.75 + 1.75) / 4);
    assertEquals(grad, [1 / 4, -1 / 4, -2 / 4, 2 / 4]);
  });

  it("ends a list at the first -1: later numbers are not labels", () => {
    const row = [0.5, 2, 0.75, 1.5];
    const wanted = at(row, [2, -1, -1, -1]);
    for (const rest of [[0, 1, 3], [2, 2, 2], [-1, 3, 0]]) {
      assertEquals(at(row, [2, -1, ...rest].slice(0, 4)), wanted);
    }
  });

  it("counts a label twice if it is listed twice", () => {
    const [value, grad] = at([0.5, 0.25], [0, 0]);
    assertEquals(value, 2 * 0.75 / 2);
    assertEquals(grad, [-2 / 2, 2 / 2]);
    assertEquals(at([0.5, 2, 0.75], [2, 0, 2])[0], (2.25 + 2.5 + 2.25) / 3);
  });

  it("is 0 if no class is listed, or all are", () => {
    assertEquals(at([3, 1, 2], [-1, 0, 1]), [0, [0, 0, 0]]);
    assertEquals(at([3, 1, 2], [1, 2, 0])[0], 0);
    assertEquals(at([3], [0])[0], 0);
    assertEquals(none.forward(3, 0).shape, []);
    assertEquals(none.forward(3, -1).item(), 0);
  });

  it("is averaged over rows by default", () => {
    const value = multiLabelMargin().forward([[0.5, 0], [0, 0]], [[0, -1], [0, -1]]);
    assertEquals(value.item(), (0.5 + 1) / (2 * 2));
  });
});

describe("MultiLabelMarginLoss against sets of labels and pairs of classes", () => {
  for (const [seed, most] of [1, 3, 20].entries()) {
    it(`agrees for lists of up to ${most} labels, over 40 × 20`, () => {
      const random = new Random(seed);
      const input = random.tensor([40, 20]);
      const lists = randomLists(random, 40, 20, most);
      const wanted = (input.toArray() as number[][]).map((row, n) => naive(row, lists[n]));
      const value = none.forward(input, lists);
      assertClose(value, float64(wanted), { ...TIGHT, context: `seed ${seed}:` });
    });
  }
});

testFixtures("multi_label_margin", multiLabelMargin);

describe("MultiLabelMarginLoss against finite differences", () => {
  // The stencil spans 4e-3, less than the distance to the kinks.
  const input = scoresAwayFromKinks([5, 6], 4);
  const target = int32([
    [3, 1, -1, 0, 0, 0],
    [0, 1, 2, 3, 4, -1],
    [5, -1, -1, -1, -1, -1],
    [2, 2, 4, -1, 1, 1],
    [-1, 0, 1, 2, 3, 4],
  ]);
  for (const reduction of ["none", "mean", "sum"] as const) {
    it(`agrees for ${reduction}`, () => {
      assertGradient(multiLabelMargin({ reduction }), { input, target }, { wrt: ["input"] });
    });
  }
});

testFormula("MultiLabelMarginLoss", MultiLabelMarginLoss.formula, { input: "x" }, {
  x: [-3, 3],
  s: [-3, 3],
});

describe("MultiLabelMarginLoss.formula", () => {
  it("is what is computed: one pair, divided by C = 2", () => {
    const { value, grad } = MultiLabelMarginLoss.formula;
    const scope = { x: [-2, -0.5, 0.25, 3], s: 0.75 };
    const found = scope.x.map((x) => at([x, scope.s], [1, -1]));
    const each = (text: string) => [...new Formula(text).evaluate(scope)].map((v) => v / 2);
    assertEquals(found.map(([v]) => v), each(value));
    assertEquals(found.map(([, [g]]) => g), each(grad.input));
    assertEquals(found.map(([, [g, opposite]]) => g + opposite), [0, 0, 0, 0]);
  });
});

describe("MultiLabelMarginLoss at its kink", () => {
  it("is 0 with gradient 0 where the lead of a pair is exactly 1", () => {
    assertEquals(at([1, 2], [1, -1]), [0, [0, 0]]);
    assertEquals(at(float32([1, 2, 2]), [2, 1, -1]), [0, [0, 0, 0]]);
  });

  it("has gradient 1 / C just above it", () => {
    const tiny = 2 ** -50;
    assertEquals(at([1 + tiny, 2], [1, -1]), [tiny / 2, [0.5, -0.5]]);
    assertEquals(at([1 - tiny, 2], [1, -1]), [0, [0, 0]]);
  });
});

describe("MultiLabelMarginLoss with extreme scores", () => {
  it("tiny scores and ±0: differences are lost if they are smaller than the last digit of 1", () => {
    assertEquals(at([1e-200, 0], [1, -1]), [1 / 2, [0.5, -0.5]]);
    assertEquals(at([0, -0], [1, -1]), [1 / 2, [0.5, -0.5]]);
  });

  it("huge scores: the value grows with the score", () => {
    assertEquals(at([1e300, 0], [1, -1]), [5e299, [0.5, -0.5]]);
    assertEquals(at([0, 1e300], [1, -1]), [0, [0, 0]]);
  });

  it("±∞: infinite value of a pair in the wrong order, 0 of one in the right order or of two ∞", () => {
    assertEquals(at([Infinity, 0, -3], [1, -1, -1]), [Infinity, [1 / 3, -1 / 3, 0]]);
    assertEquals(at([1, -Infinity, 0], [1, -1, -1]), [Infinity, [1 / 3, -2 / 3, 1 / 3]]);
    assertEquals(at([-Infinity, Infinity], [1, -1]), [0, [0, 0]]);
    assertEquals(at([Infinity, Infinity], [1, -1]), [0, [0, 0]]);
    // A longer list in another row does not change this one.
    const rows = [[Infinity, 0, 0], [0.5, 0.5, 0]];
    const value = none.forward(rows, [[1, -1, -1], [0, 1, -1]]);
    assertEquals(value.toArray(), [Infinity, 1 / 3]);
  });

  it("NaN: its terms are 0, as in PyTorch", () => {
    for (const dtype of [float32, float64]) {
      assertEquals(at(dtype([NaN, 0.5, 0.25]), [1, -1, 0])[0], 0.25);
      assertEquals(at(dtype([0.5, NaN, 0.25]), [1, -1, 0]), [0, [0, 0, 0]]);
    }
  });

  it("many rows, long rows, and lists of many lengths: correct across tiles", () => {
    for (const [rows, classes, most] of [[6000, 3, 3], [2, 70_001, 5], [5, 4097, 8]]) {
      const random = new Random(classes);
      const input = random.tensor([rows, classes]);
      const lists = randomLists(random, rows, classes, most);
      const gradOutput = random.tensor([rows]);
      const target = int32(lists.flat(), [rows, classes]);
      const { value, grad } = none.valueAndGrad(input, target, { gradOutput });
      for (const n of [0, 1, rows >> 1, rows - 1]) {
        const row = [...input.data.slice(n * classes, (n + 1) * classes)];
        const context = `row ${n} of ${rows} × ${classes}:`;
        const listed = labelsOf(lists[n]);
        const pairs = row.map((x, j) =>
          listed.includes(j) ? 0 : listed.filter((t) => 1 - row[t] + x > 0).length
        );
        for (const t of listed) {
          pairs[t] = -row.filter((x, j) => !listed.includes(j) && 1 - row[t] + x > 0).length;
        }
        const wanted = naive(row, lists[n]);
        assertNear(value.data[n], wanted, { rtol: 1e-12, context });
        const found = float64([...grad.input.data.slice(n * classes, (n + 1) * classes)]);
        const slopes = pairs.map((pairs) => gradOutput.data[n] * pairs / classes);
        assertClose(found, float64(slopes), { ...TIGHT, context });
      }
    }
  });

  it("2^20 equal terms in float32: the mean is exact", () => {
    const input = float32(new Float32Array(2 ** 20).fill(0.1), [2 ** 10, 2 ** 10]);
    const lists = new Int32Array(2 ** 20).fill(-1);
    for (let row = 0; row < 2 ** 10; row++) lists[row * 2 ** 10] = row;
    const value = multiLabelMargin().forward(input, int32(lists, [2 ** 10, 2 ** 10]));
    assertEquals(value.item(), 1023 / 1024);
  });
});

// Unlike PyTorch's, the mean of an empty batch is NaN and its sum is 0.
testReductions(subject, { empty: [[[0, 3], [0]]] });

describe("MultiLabelMarginLoss of labels", () => {
  const input = new Random(6).tensor([3, 5]);
  const target = int32([[4, 0, -1, 2, 2], [1, -1, 0, 0, 0], [3, 2, 1, 0, -1]]);

  it("accepts every type of integers for them", () => {
    const wanted = multiLabelMargin().forward(input, target);
    const big = { data: BigInt64Array.from([...target.data].map(BigInt)), shape: [3, 5] };
    for (const labels of [target.toArray() as NestedArray, new Int32Array(target.data), big]) {
      const shaped = labels instanceof Int32Array ? { data: labels, dims: [3, 5] } : labels;
      assertEquals(multiLabelMargin().forward(input, shaped), wanted);
    }
  });

  it("is computed in the dtype of the input", () => {
    const { value, grad } = none.valueAndGrad(float32([1, 2]), [1, -1]);
    assertEquals([value.dtype, grad.input.dtype], ["float32", "float32"]);
    assertEquals(none.forward([1, 2], [1, -1]).dtype, "float64");
  });
});

describe("MultiLabelMarginLoss and related losses", () => {
  it("is the sum of MultiMarginLoss over the listed classes, each without the other listed ones", () => {
    const row = [0.5, 2, 0.75, 1.5, -1];
    const others = [0.5, 1.5, -1];
    const one = (s: number) =>
      new MultiMarginLoss({ reduction: "none" }).forward([s, ...others], 0).item() * 4;
    assertNear(at(row, [1, 2, -1, -1, -1])[0], (one(2) + one(0.75)) / 5);
  });

  it("is MultiMarginLoss for one label", () => {
    const row = [0.5, 2, 0.75, 1.5, -1];
    const one = new MultiMarginLoss().valueAndGrad(row, 3);
    const list = multiLabelMargin().valueAndGrad(row, [3, -1, -1, -1, -1]);
    assertEquals([list.value, list.grad], [one.value, one.grad]);
  });
});

describe("MultiLabelMarginLoss at random inputs", () => {
  // Multiples of 1/8 add up without rounding.
  const rows = fc.array(fc.integer({ min: -32, max: 32 }).map((n) => n / 8), {
    minLength: 1,
    maxLength: 9,
  }).chain((row) =>
    fc.tuple(
      fc.constant(row),
      fc.uniqueArray(fc.nat(row.length - 1)).map((labels) => listOf(labels, row.length)),
    )
  );

  it("is the sum over pairs", () => {
    holds(
      fc.property(rows, ([row, target]) => assertEquals(at(row, target)[0], naive(row, target))),
    );
  });

  it("is never negative, and 0 exactly where every listed class leads every other by 1", () => {
    holds(fc.property(rows, ([row, target]) => {
      const leads = target.every((t) =>
        t < 0 || row.every((x, j) => target.includes(j) || row[t] - x >= 1)
      );
      const [value] = at(row, target);
      return leads ? value === 0 : value > 0;
    }));
  });

  it("depends only on differences, and has gradients that add up to 0 in each row", () => {
    holds(fc.property(rows, fc.integer({ min: -8, max: 8 }), ([row, target], shift) => {
      const here = at(row, target);
      assertEquals(at(row.map((x) => x + shift), target), here);
      return Math.abs(sum(here[1])) < 1e-13;
    }));
  });

  it("does not depend on the order of the labels", () => {
    holds(fc.property(rows, ([row, target]) => {
      const labels = target.filter((t) => t >= 0).toReversed();
      assertEquals(at(row, listOf(labels, row.length))[1], at(row, target)[1]);
    }));
  });

  it("doubles if each label is listed twice", () => {
    holds(fc.property(rows, ([row, target]) => {
      const labels = target.filter((t) => t >= 0).slice(0, Math.floor(row.length / 2));
      const [once, grad] = at(row, listOf(labels, row.length));
      const [twice, double] = at(row, listOf([...labels, ...labels], row.length));
      assertEquals(twice, 2 * once);
      assertEquals(double, grad.map((g) => 2 * g));
    }));
  });
});

describe("MultiLabelMarginLoss refuses", () => {
  it("lists of another shape than the scores", () => {
    const refused: [input: TensorLike, target: TensorLike, message: string][] = [
      [[[1, 2], [3, 4]], [0, 1], "(2, 2) and (2,)"],
      [[[1, 2]], [[0, 1, -1]], "(1, 2) and (1, 3)"],
      [[1, 2], 0, "(2,) and ()"],
      [[[1], [2]], [[0, -1]], "(2, 1) and (1, 2)"],
    ];
    for (const [input, target, message] of refused) {
      assertThrows(
        () => multiLabelMargin().forward(input, target),
        RangeError,
        "Cannot compute MultiLabelMarginLoss as target must have the shape of input: " +
          `current shapes are ${message}`,
      );
    }
  });

  it("scores with more than two axes, or without classes", () => {
    for (const shape of [[1, 1, 2], [2, 0], [0]]) {
      const size = sizeOf(shape);
      const target = int32(new Int32Array(size), shape);
      assertThrows(
        () => multiLabelMargin().forward(float32(new Float32Array(size), shape), target),
        RangeError,
        "Cannot compute MultiLabelMarginLoss as input must have the shape (C) or (N, C) with C > 0: " +
          `current shape is (${shape.join(", ")}`,
      );
    }
  });

  it("labels that are not classes, also after the end of a list, and leaves buffers as they were", () => {
    for (const label of [-2, 3, 1.5, NaN, Infinity, -100]) {
      const out = { input: new Float64Array(6).fill(7) };
      assertThrows(
        () =>
          multiLabelMargin().valueAndGrad([[1, 2, 3], [4, 5, 6]], [[0, -1, 1], [0, -1, label]], {
            out,
          }),
        RangeError,
        "Cannot compute MultiLabelMarginLoss as target must hold classes from 0 to 2, " +
          `or -1 at the end of a list: current value at [1, 2] is ${label}`,
      );
      assert(out.input.every((x) => x === 7));
    }
  });

  it("labels that are floats", () => {
    assertThrows(
      () => multiLabelMargin().forward([1, 2], float32([1, -1])),
      TypeError,
      "Cannot compute MultiLabelMarginLoss as target must be int32: current dtype is float32",
    );
  });
});

testContract({
  loss: "MultiLabelMarginLoss",
  Loss: MultiLabelMarginLoss,
  known: ["reduction"],
  args: { input: new Random(8).tensor([2, 3]), target: int32([[2, 0, -1], [1, -1, 0]]) },
  wrt: ["input"],
});

describe("MultiLabelMarginLoss result types", () => {
  it("have the gradient with respect to input, and no other", () => {
    const { grad } = multiLabelMargin().valueAndGrad([1, 2], [1, -1]);
    const input: Tensor = grad.input;
    assertEquals(input.shape, [2]);
    // @ts-expect-error: labels have no gradient.
    assertEquals(grad.target, undefined);
  });
});
