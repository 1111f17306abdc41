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
import { assertClose, assertGradient, Random, testFixtures } from "./_fixtures.ts";
import { testFormula } from "./_formula.ts";
import { testContract } from "./_contract.ts";
import { cases, formulas } from "./reference/cases/multi_label_margin.ts";

const multiLabelMargin = (options?: MultiLabelMarginLossOptions) =>
  new MultiLabelMarginLoss(options);
const none = multiLabelMargin({ reduction: "none" });
const TIGHT = { rtol: 1e-14, atol: 1e-15 };

/** A list of labels, filled up with -1. */
const listOf = (labels: number[], classes: number) =>
  Array.from({ length: classes }, (_, i) => labels[i] ?? -1);

/** The labels of a list: what stands before the first -1. */
const labelsOf = (list: number[]) => list.includes(-1) ? list.slice(0, list.indexOf(-1)) : list;

/** Value and gradient of one row. */
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

/** One row by sets and pairs. */
function naive(row: number[], target: number[]): number {
  const listed = labelsOf(target);
  const others = row.filter((_, j) => !listed.includes(j));
  const pairs = listed.flatMap((t) => others.map((x) => Math.max(0, x - (row[t] - 1))));
  return pairs.reduce((a, b) => a + b, 0) / row.length;
}

testCases(cases, multiLabelMargin);

describe("MultiLabelMarginLoss beside the document", () => {
  it("has its term for each pair", () => {
    const term = new Formula(formulas.value.text);
    const [applies, others] = [[0.3, -0.9], [2, 1.5, -8]];
    const pairs = applies.flatMap((s) => [...term.evaluate({ x: others, s })]);
    const wanted = pairs.reduce((a, b) => a + b) / 5;
    const value = none.forward([...applies, ...others], [0, 1, -1, -1, -1]);
    assertClose(value, float64(wanted), { ...TIGHT, context: "value:" });
  });

  it("knows no order: [2, 3, -1, 0] and [3, 2, -1, 0] are the same", () => {
    const row = [0.5, 2, -0.25, 1];
    assertEquals(at(row, [2, 3, -1, 0]), at(row, [3, 2, -1, 0]));
  });
});

describe("MultiLabelMarginLoss by hand", () => {
  it("adds up what pairs lack to a lead of 1, over the number of all classes", () => {
    // 1 leads 0 by 1.5 and 3 by 0.5; 2 leads 0 by 0.25 and trails 3 by 0.75.
    const [value, grad] = at([0.5, 2, 0.75, 1.5], [1, 2, -1, -1]);
    assertEquals(value, (0 + 0.5 + 0.75 + 1.75) / 4);
    assertEquals(grad, [1 / 4, -1 / 4, -2 / 4, 2 / 4]);
  });

  it("ends a list at the first -1: what follows is no label", () => {
    const row = [0.5, 2, 0.75, 1.5];
    const wanted = at(row, [2, -1, -1, -1]);
    for (const rest of [[0, 1, 3], [2, 2, 2], [-1, 3, 0]]) {
      assertEquals(at(row, [2, -1, ...rest].slice(0, 4)), wanted);
    }
  });

  it("counts a label twice that is listed twice", () => {
    const [value, grad] = at([0.5, 0.25], [0, 0]);
    assertEquals(value, 2 * 0.75 / 2);
    assertEquals(grad, [-2 / 2, 2 / 2]);
    assertEquals(at([0.5, 2, 0.75], [2, 0, 2])[0], (2.25 + 2.5 + 2.25) / 3);
  });

  it("is 0 where nothing or everything is listed", () => {
    assertEquals(at([3, 1, 2], [-1, 0, 1]), [0, [0, 0, 0]]);
    assertEquals(at([3, 1, 2], [1, 2, 0])[0], 0);
    assertEquals(at([3], [0])[0], 0);
    assertEquals(none.forward(3, 0).shape, []);
    assertEquals(none.forward(3, -1).item(), 0);
  });

  it("has the mean by default, over rows and classes", () => {
    const value = multiLabelMargin().forward([[0.5, 0], [0, 0]], [[0, -1], [0, -1]]);
    assertEquals(value.item(), (0.5 + 1) / (2 * 2));
  });
});

describe("MultiLabelMarginLoss beside sets and pairs", () => {
  for (const [seed, most] of [1, 3, 20].entries()) {
    it(`lists of up to ${most} labels, over 40 × 20`, () => {
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

describe("MultiLabelMarginLoss beside finite differences", () => {
  const random = new Random(4);
  // Scores on a grid of 0.2 shifted by class: all differences stay 0.02 from 1, and the stencil spans 4e-3.
  let place = 0;
  const input = random.tensor([5, 6], () => 0.2 * random.below(15) + 0.02 * (1 + place++ % 6));
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
  it("is what runs: one pair, over C = 2", () => {
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
  it("is 0 with gradient 0 where a pair is 1 apart", () => {
    assertEquals(at([1, 2], [1, -1]), [0, [0, 0]]);
    assertEquals(at(float32([1, 2, 2]), [2, 1, -1]), [0, [0, 0, 0]]);
  });

  it("pulls by 1 / C a hair above it", () => {
    const hair = 2 ** -50;
    assertEquals(at([1 + hair, 2], [1, -1]), [hair / 2, [0.5, -0.5]]);
    assertEquals(at([1 - hair, 2], [1, -1]), [0, [0, 0]]);
  });
});

describe("MultiLabelMarginLoss of extreme scores", () => {
  it("tiny and ±0: differences below the last digit of 1 vanish", () => {
    assertEquals(at([1e-200, 0], [1, -1]), [1 / 2, [0.5, -0.5]]);
    assertEquals(at([0, -0], [1, -1]), [1 / 2, [0.5, -0.5]]);
  });

  it("huge: the value grows like the score", () => {
    assertEquals(at([1e300, 0], [1, -1]), [5e299, [0.5, -0.5]]);
    assertEquals(at([0, 1e300], [1, -1]), [0, [0, 0]]);
  });

  it("±∞: infinite value where a pair is infinitely wrong, 0 where it is right or cannot be compared", () => {
    assertEquals(at([Infinity, 0, -3], [1, -1, -1]), [Infinity, [1 / 3, -1 / 3, 0]]);
    assertEquals(at([1, -Infinity, 0], [1, -1, -1]), [Infinity, [1 / 3, -2 / 3, 1 / 3]]);
    assertEquals(at([-Infinity, Infinity], [1, -1]), [0, [0, 0]]);
    assertEquals(at([Infinity, Infinity], [1, -1]), [0, [0, 0]]);
    // A longer list in another row asks nothing more of this one.
    const rows = [[Infinity, 0, 0], [0.5, 0.5, 0]];
    const value = none.forward(rows, [[1, -1, -1], [0, 1, -1]]);
    assertEquals(value.toArray(), [Infinity, 1 / 3]);
  });

  it("NaN is passed over, as in PyTorch", () => {
    for (const dtype of [float32, float64]) {
      assertEquals(at(dtype([NaN, 0.5, 0.25]), [1, -1, 0])[0], 0.25);
      assertEquals(at(dtype([0.5, NaN, 0.25]), [1, -1, 0]), [0, [0, 0, 0]]);
    }
  });

  it("Unlike PyTorch, of no rows: NaN for the mean, 0 for the sum", () => {
    const nothing = float32([], [0, 3]);
    const lists = int32([], [0, 3]);
    const by = (reduction: "none" | "mean" | "sum") =>
      multiLabelMargin({ reduction }).valueAndGrad(nothing, lists);
    assertEquals(by("mean").value.item(), NaN);
    assertEquals(by("sum").value.item(), 0);
    assertEquals(by("none").value.shape, [0]);
    assertEquals(by("mean").grad.input.shape, [0, 3]);
  });

  it("many rows, long rows, and lists of many lengths: none falls between tiles", () => {
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
        assertClose(float64(value.data[n]), float64(wanted), { rtol: 1e-12, atol: 0, context });
        const found = float64([...grad.input.data.slice(n * classes, (n + 1) * classes)]);
        const slopes = pairs.map((pairs) => gradOutput.data[n] * pairs / classes);
        assertClose(found, float64(slopes), { ...TIGHT, context });
      }
    }
  });

  it("2^20 equal lacks in float32: their mean is exact", () => {
    const input = float32(new Float32Array(2 ** 20).fill(0.1), [2 ** 10, 2 ** 10]);
    const lists = new Int32Array(2 ** 20).fill(-1);
    for (let row = 0; row < 2 ** 10; row++) lists[row * 2 ** 10] = row;
    const value = multiLabelMargin().forward(input, int32(lists, [2 ** 10, 2 ** 10]));
    assertEquals(value.item(), 1023 / 1024);
  });
});

describe("MultiLabelMarginLoss reduced over (3, 5)", () => {
  const random = new Random(6);
  const input = random.tensor([3, 5]);
  const target = int32([[4, 0, -1, 2, 2], [1, -1, 0, 0, 0], [3, 2, 1, 0, -1]]);
  const each = none.valueAndGrad(input, target);

  it("sums and averages what none keeps", () => {
    const sum = each.value.data[0] + each.value.data[1] + each.value.data[2];
    const of = (reduction: "mean" | "sum") =>
      multiLabelMargin({ reduction }).forward(input, target);
    assertClose(of("sum"), float64(sum), { ...TIGHT, context: "sum:" });
    assertClose(of("mean"), float64(sum / 3), { ...TIGHT, context: "mean:" });
  });

  it("scales gradients by the upstream gradient, a number or one for each row", () => {
    const upstream = [0.5, -2, 0];
    const { grad } = none.valueAndGrad(input, target, { gradOutput: float64(upstream) });
    const data = each.grad.input.data.map((g, i) => g * upstream[Math.floor(i / 5)]);
    assertClose(grad.input, { shape: [3, 5], data }, { ...TIGHT, context: "none:" });
    const { grad: mean } = multiLabelMargin().valueAndGrad(input, target, { gradOutput: -6 });
    const doubled = each.grad.input.data.map((g) => -2 * g);
    assertClose(mean.input, { shape: [3, 5], data: doubled }, { ...TIGHT, context: "mean:" });
  });

  it("takes labels of any integer kind, and computes in the type of the input", () => {
    const wanted = multiLabelMargin().forward(input, target);
    const big = { data: BigInt64Array.from([...target.data].map(BigInt)), shape: [3, 5] };
    for (const labels of [target.toArray() as NestedArray, new Int32Array(target.data), big]) {
      const shaped = labels instanceof Int32Array ? { data: labels, dims: [3, 5] } : labels;
      assertEquals(multiLabelMargin().forward(input, shaped), wanted);
    }
    const { value, grad } = none.valueAndGrad(float32([1, 2]), [1, -1]);
    assertEquals([value.dtype, grad.input.dtype], ["float32", "float32"]);
    assertEquals(none.forward([1, 2], [1, -1]).dtype, "float64");
  });
});

describe("MultiLabelMarginLoss among its siblings", () => {
  it("is the sum of MultiMarginLoss over the listed classes, each without the others", () => {
    const row = [0.5, 2, 0.75, 1.5, -1];
    const others = [0.5, 1.5, -1];
    const one = (s: number) =>
      new MultiMarginLoss({ reduction: "none" }).forward([s, ...others], 0).item() * 4;
    const value = none.forward(row, [1, 2, -1, -1, -1]);
    assertClose(value, float64((one(2) + one(0.75)) / 5), { ...TIGHT, context: "value:" });
  });

  it("is MultiMarginLoss for one label", () => {
    const row = [0.5, 2, 0.75, 1.5, -1];
    const one = new MultiMarginLoss().valueAndGrad(row, 3);
    const list = multiLabelMargin().valueAndGrad(row, [3, -1, -1, -1, -1]);
    assertEquals([list.value, list.grad], [one.value, one.grad]);
  });
});

describe("MultiLabelMarginLoss as probed", () => {
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
  const holds = (property: fc.IRawProperty<unknown>) => fc.assert(property, { seed: 20 });

  it("is what sets and pairs give", () => {
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

  it("depends on differences only, and its gradients add up to 0 in each row", () => {
    holds(fc.property(rows, fc.integer({ min: -8, max: 8 }), ([row, target], shift) => {
      const here = at(row, target);
      assertEquals(at(row.map((x) => x + shift), target), here);
      return Math.abs(here[1].reduce((a, b) => a + b)) < 1e-13;
    }));
  });

  it("knows no order of labels", () => {
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

  it("scores of more than two axes, or of no class", () => {
    for (const shape of [[1, 1, 2], [2, 0], [0]]) {
      const size = shape.reduce((a, b) => a * b);
      const target = int32(new Int32Array(size), shape);
      assertThrows(
        () => multiLabelMargin().forward(float32(new Float32Array(size), shape), target),
        RangeError,
        "Cannot compute MultiLabelMarginLoss as input must have the shape (C) or (N, C) with C > 0: " +
          `current shape is (${shape.join(", ")}`,
      );
    }
  });

  it("labels that name no class, after the end of a list too, and leaves buffers as they were", () => {
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

  it("labels that are floats, and scores that are whole numbers", () => {
    assertThrows(
      () => multiLabelMargin().forward([1, 2], float32([1, -1])),
      TypeError,
      "Cannot compute MultiLabelMarginLoss as target must be int32: current dtype is float32",
    );
    assertThrows(
      () => multiLabelMargin().forward(int32([1, 2]), [1, -1]),
      TypeError,
      "Cannot compute MultiLabelMarginLoss as input must be float32 or float64: current dtype is int32",
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

describe("MultiLabelMarginLoss answers in types", () => {
  it("with the gradient of the input, the only one there is", () => {
    const { grad } = multiLabelMargin().valueAndGrad([1, 2], [1, -1]);
    const input: Tensor = grad.input;
    assertEquals(input.shape, [2]);
    // @ts-expect-error: labels have no gradient.
    assertEquals(grad.target, undefined);
  });
});
