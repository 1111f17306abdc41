/**
 * defineLoss: formulas become a loss like the built-in ones, element by element or with one value per row.
 *
 * What a definition and a call refuse is in define/errors_test.ts, names that collide in define/names_test.ts, types in
 * define/types_test.ts.
 */
import { assertAlmostEquals, assertEquals } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import {
  BCEWithLogitsLoss,
  checkGradient,
  CrossEntropyLoss,
  defineLoss,
  float32,
  float64,
  HuberLoss,
  int32,
  KLDivLoss,
  MSELoss,
  PoissonNLLLoss,
  SmoothL1Loss,
  type Tensor,
} from "@lossbook/losses";
import {
  assertClose,
  fixtureChecks,
  type LossLike,
  Random,
  testContract,
} from "./define/_helpers.ts";
import { classOf, definitions } from "./define/definitions.ts";

const xy = { input: "x", target: "y" } as const;
const { cross_entropy: CrossEntropy, extremes: Extremes, norms: Norms, margins: Margins } =
  definitions;

const sum = (numbers: ArrayLike<number>) => Array.from(numbers).reduce((a, b) => a + b, 0);
/** The rows of a tensor of two axes. */
const rowsOf = ({ data, shape: [count, length] }: Tensor) =>
  Array.from({ length: count }, (_, r) => Array.from(data.subarray(r * length, (r + 1) * length)));
const close = (actual: Tensor, data: ArrayLike<number>, context: string, rtol = 1e-13) =>
  assertClose(actual, { shape: actual.shape, data }, { rtol, atol: rtol, context });

describe("a definition by hand", () => {
  const Focal = defineLoss({
    name: "FocalLoss",
    arguments: xy,
    options: { gamma: 2 },
    value:
      "y * pow(1 - sigmoid(x), gamma) * softplus(-x) + (1 - y) * pow(sigmoid(x), gamma) * softplus(x)",
  });

  it("element by element: focal loss of a score of 0 is log 2 / 2^gamma", () => {
    for (const gamma of [0, 1, 2, 3]) {
      const { value, grad } = new Focal({ gamma, reduction: "none" }).valueAndGrad([0, 0], [1, 0]);
      const slope = (gamma * Math.log(2) + 1) / 2 ** (gamma + 1);
      close(value, [Math.log(2) / 2 ** gamma, Math.log(2) / 2 ** gamma], "value");
      close(grad.input, [-slope, slope], "grad.input");
    }
  });

  it("with rows: the overlap of two masks", () => {
    const Overlap = defineLoss({
      name: "OverlapLoss",
      arguments: xy,
      options: { smooth: 1 },
      rows: { both: "sum(x * y)", all: "sum(x + y)" },
      value: "1 - (2 * both + smooth) / (all + smooth)",
    });
    const loss = new Overlap({ reduction: "none" });
    const { value, grad } = loss.valueAndGrad([[1, 0.5, 0], [0, 0, 0]], [[1, 0, 0], [0, 0, 0]]);
    assertEquals([...value.data], [1 - 3 / 3.5, 0]);
    // With v = 1 - p / q: d/dx = (p / q - 2 y) / q.
    const slope = (p: number, q: number, y: number) => (p / q - 2 * y) / q;
    close(
      grad.input,
      [slope(3, 3.5, 1), slope(3, 3.5, 0), slope(3, 3.5, 0), 1, 1, 1],
      "grad.input",
    );
  });

  it("through a maximum: the gradient goes to the largest element, and in equal shares to equal ones", () => {
    const Max = defineLoss({
      name: "Max",
      arguments: { input: "x" },
      rows: { m: "max(x)" },
      value: "m",
    });
    const { value, grad } = new Max({ reduction: "sum" }).valueAndGrad([[1, 3, 2], [4, 0, 4]]);
    assertEquals(value.item(), 7);
    assertEquals(grad.input.toArray(), [[0, 1, 0], [0.5, 0, 0.5]]);
  });

  it("through a mean and a minimum", () => {
    const Gap = defineLoss({
      name: "Gap",
      arguments: { input: "x" },
      rows: { center: "mean(x)", low: "min(x)" },
      value: "center - low",
    });
    const { value, grad } = new Gap().valueAndGrad([5, 2, 2, 7]);
    assertEquals(value.item(), 4 - 2);
    assertEquals(grad.input.toArray(), [1 / 4, 1 / 4 - 1 / 2, 1 / 4 - 1 / 2, 1 / 4]);
  });

  it("has the methods, the name and the formulas that it was given", () => {
    const loss = new Focal();
    assertEquals(Focal.name, "FocalLoss");
    assertEquals(loss.constructor.name, "FocalLoss");
    assertEquals([...loss.argumentNames], ["input", "target"]);
    assertEquals(Object.keys(Focal.formula.grad), ["input", "target"]);
    assertEquals(loss.formula, Focal.formula);
    assertEquals(Extremes.formula, {
      rows: { high: "max(x)", low: "min(x)" },
      value: "high - 2 * low",
      grad: {},
    });
  });
});

describe("definitions beside one line of TypeScript", () => {
  const random = new Random(31);
  const [input, target] = [random.tensor([6, 5]), random.tensor([6, 5])];
  const both = { wrt: ["input", "target"] } as const;

  const elements: [name: string, f: (x: number, y: number) => [number, number, number]][] = [
    ["larger", (x, y) => [Math.max(x, y), Number(x > y), Number(y > x)]],
    ["smaller", (x, y) => [Math.min(x * x, y), x * x < y ? 2 * x : 0, Number(y < x * x)]],
    ["hinge", (x, y) => x * y < 1 ? [1 - x * y, -y, -x] : [0, 0, 0]],
    ["softened", (x, y) => {
      const e = x - y;
      return Math.abs(e) < 1
        ? [e * e / 2, e, -e]
        : [Math.abs(e) - 0.5, Math.sign(e), -Math.sign(e)];
    }],
    ["mixed", (x, y) => {
      const slope = Math.sign(x - y) + 2 * (x - y);
      return [Math.abs(x - y) + (x - y) ** 2, slope, -slope];
    }],
  ];
  for (const [name, f] of elements) {
    it(`element by element: ${name}`, () => {
      const loss = new (classOf(name))({ reduction: "none" }) as InstanceType<
        typeof definitions.larger
      >;
      const { value, grad } = loss.valueAndGrad(input, target, both);
      const wanted = Array.from(input.data, (x, i) => f(x, target.data[i]));
      close(value, wanted.map(([v]) => v), "value");
      close(grad.input, wanted.map(([, dx]) => dx), "grad.input");
      close(grad.target, wanted.map(([, , dy]) => dy), "grad.target");
    });
  }

  it("rows: cross entropy over any weights of classes", () => {
    const loss = new CrossEntropy({ reduction: "none" });
    const { value, grad } = loss.valueAndGrad(input, target, both);
    const rows = rowsOf(input).map((x, r) => {
      const y = rowsOf(target)[r];
      const total = sum(x.map(Math.exp));
      const logs = x.map((xi) => Math.log(total) - xi);
      return {
        value: sum(logs.map((l, i) => l * y[i])),
        dx: x.map((xi, i) => Math.exp(xi) / total * sum(y) - y[i]),
        dy: logs,
      };
    });
    close(value, rows.map((row) => row.value), "value");
    close(grad.input, rows.flatMap(({ dx }) => dx), "grad.input");
    close(grad.target, rows.flatMap(({ dy }) => dy), "grad.target");
  });

  it("rows: the root of a sum of squares", () => {
    const { value, grad } = new Norms({ reduction: "none" }).valueAndGrad(input, target, both);
    const rows = rowsOf(input).map((x, r) => {
      const e = x.map((xi, i) => xi - rowsOf(target)[r][i]);
      const root = Math.sqrt(sum(e.map((ei) => ei * ei)) + 1);
      return { value: root + Math.log(root), dx: e.map((ei) => (1 + 1 / root) * ei / root) };
    });
    close(value, rows.map((row) => row.value), "value");
    close(grad.input, rows.flatMap(({ dx }) => dx), "grad.input");
    close(grad.target, rows.flatMap(({ dx }) => dx.map((g) => -g)), "grad.target");
  });

  it("rows: a number per row in the reductions and in the value", () => {
    const margin = random.tensor([6]);
    const loss = new Margins({ reduction: "none" });
    const { value, grad } = loss.valueAndGrad(input, margin, { wrt: ["input", "margin"] });
    const rows = rowsOf(input).map((x, r) => {
      const t = margin.data[r];
      const short = x.filter((xi) => xi < t);
      const best = Math.max(...x);
      return {
        value: sum(short.map((xi) => t - xi)) * t + best - t + t * t,
        dx: x.map((xi) => (xi < t ? -t : 0) + Number(xi === best)),
        dt: short.length * t + sum(short.map((xi) => t - xi)) - 1 + 2 * t,
      };
    });
    close(value, rows.map((row) => row.value), "value");
    close(grad.input, rows.flatMap(({ dx }) => dx), "grad.input");
    close(grad.margin, rows.map(({ dt }) => dt), "grad.margin");
  });
});

describe("definitions beside PyTorch's autograd", () => {
  const build = (options: object, stored: object) =>
    new (classOf((stored as { definition: string }).definition))(options);
  for (const [what, check] of fixtureChecks("define_loss", build)) it(what, check);
});

describe("definitions beside finite differences", () => {
  const random = new Random(5);
  const shapes: Record<string, number[][]> = {
    gaussian: [[3, 4], [3, 4], [3, 4]],
    margins: [[3, 4], [3]],
  };
  for (const [name, Class] of Object.entries(definitions)) {
    for (const reduction of ["none", "mean", "sum"] as const) {
      it(`${name}, ${reduction}`, () => {
        const loss = new Class({ reduction }) as LossLike & { argumentNames: readonly string[] };
        const names = loss.argumentNames;
        const positive = () => random.uniform(0.5, 2);
        const args = names.map((argument, i) =>
          random.tensor(shapes[name]?.[i] ?? [3, 4], argument === "var" ? positive : undefined)
        );
        const report = checkGradient(loss, args, { wrt: names, tolerance: 1e-9, assert: true });
        assertEquals(report.points, sum(args.map(({ data }) => data.length)));
        assertEquals(report.kinks, []);
      });
    }
  }
});

describe("definitions beside the built-in losses of the same formula", () => {
  const random = new Random(8);
  const [input, target] = [
    random.tensor([40, 500]),
    random.tensor([40, 500], () => random.uniform()),
  ];
  const pairs: [name: string, ours: LossLike, theirs: LossLike][] = [
    [
      "HuberLoss",
      new (defineLoss({ name: "H", arguments: xy, options: { delta: 1 }, ...HuberLoss.formula }))({
        delta: 0.7,
      }),
      new HuberLoss({ delta: 0.7 }),
    ],
    [
      "SmoothL1Loss",
      new (defineLoss({
        name: "S",
        arguments: xy,
        options: { beta: 1 },
        ...SmoothL1Loss.formula,
      }))({ beta: 0.5 }),
      new SmoothL1Loss({ beta: 0.5 }),
    ],
    [
      "MSELoss",
      new (defineLoss({ name: "M", arguments: xy, ...MSELoss.formula }))(),
      new MSELoss(),
    ],
    [
      "BCEWithLogitsLoss",
      new (defineLoss({ name: "B", arguments: xy, ...BCEWithLogitsLoss.formula }))(),
      new BCEWithLogitsLoss(),
    ],
  ];
  for (const [name, ours, theirs] of pairs) {
    it(`gives the very numbers of ${name}`, () => {
      for (const make of [float64, float32]) {
        const args = [make(input), make(target), { wrt: ["input", "target"] }] as never[];
        const [a, b] = [ours.valueAndGrad(...args), theirs.valueAndGrad(...args)];
        assertEquals(a.value.data, b.value.data);
        assertEquals(a.grad, b.grad);
      }
    });
  }

  it("derives what PoissonNLLLoss and KLDivLoss have written down", () => {
    for (
      const [Class, theirs] of [
        [defineLoss({ name: "P", arguments: xy, value: "exp(x) - y * x" }), new PoissonNLLLoss()],
        [defineLoss({ name: "K", arguments: xy, value: "xlogy(y, y) - y * x" }), new KLDivLoss()],
      ] as const
    ) {
      const [a, b] = [new Class().valueAndGrad(input, target), theirs.valueAndGrad(input, target)];
      assertAlmostEquals(a.value.item(), b.value.item(), 1e-13);
      close(a.grad.input, b.grad.input.data, "grad.input");
    }
  });

  it("is CrossEntropyLoss over probabilities, in both types", () => {
    const shares = rowsOf(target).flatMap((y) => y.map((yi) => yi / sum(y)));
    for (const [make, rtol] of [[float64, 1e-13], [float32, 3e-6]] as const) {
      const [x, y] = [make(input), make(shares, [40, 500])];
      const request = { wrt: ["input", "target"] as const };
      const a = new CrossEntropy().valueAndGrad(x, y, request);
      const b = new CrossEntropyLoss().valueAndGrad(x, y, request);
      close(a.value, b.value.data, "value", rtol);
      for (const name of request.wrt) close(a.grad[name], b.grad[name].data, `grad.${name}`, rtol);
    }
  });
});

describe("rows of any size", () => {
  /** Cross entropy by plain loops in float64. */
  function crossEntropy(x: ArrayLike<number>, y: ArrayLike<number>, length: number) {
    const count = x.length / length;
    const value = new Float64Array(count);
    const grad = new Float64Array(x.length);
    for (let r = 0; r < count; r++) {
      const at = (i: number) => r * length + i;
      let [top, total, mass] = [-Infinity, 0, 0];
      for (let i = 0; i < length; i++) top = Math.max(top, x[at(i)]);
      for (let i = 0; i < length; i++) total += Math.exp(x[at(i)] - top);
      for (let i = 0; i < length; i++) mass += y[at(i)];
      for (let i = 0; i < length; i++) {
        value[r] += y[at(i)] * (Math.log(total) + top - x[at(i)]);
        grad[at(i)] = Math.exp(x[at(i)] - top) / total * mass - y[at(i)];
      }
    }
    return { value, grad };
  }

  for (const [count, length] of [[3, 20_000], [100_000, 3], [20, 4097], [7, 1], [1, 70_001]]) {
    it(`${count} rows of ${length}`, () => {
      const random = new Random(count);
      const [input, target] = [random.tensor([count, length]), random.tensor([count, length])];
      const wanted = crossEntropy(input.data, target.data, length);
      const { value, grad } = new CrossEntropy({ reduction: "none" }).valueAndGrad(input, target);
      close(value, wanted.value, "value", 1e-11);
      close(grad.input, wanted.grad, "grad.input", 1e-12);
      const mean = new CrossEntropy().forward(input, target).item();
      assertAlmostEquals(mean, sum(wanted.value) / count, 1e-10);
      const single = new CrossEntropy().valueAndGrad(float32(input), float32(target));
      assertEquals([single.value.dtype, single.grad.input.dtype], ["float32", "float32"]);
      // Terms of size 1 / count cancel, and a long row has many of them.
      assertClose(single.grad.input, {
        shape: input.shape,
        data: wanted.grad.map((g) => g / count),
      }, { rtol: 1e-5, atol: 1e-5, scale: 1 / count, context: "float32 grad.input" });
    });
  }

  it("shares a maximum among equal elements far apart, in a row longer than a tile", () => {
    const input = new Float64Array(20_000).fill(-1);
    for (const i of [0, 8191, 8192, 19_999]) input[i] = 2;
    const { grad } = new Extremes().valueAndGrad(float64(input, [1, 20_000]));
    assertEquals([0, 8191, 8192, 19_999].map((i) => grad.input.data[i]), [
      1 / 4,
      1 / 4,
      1 / 4,
      1 / 4,
    ]);
    assertEquals(grad.input.data[1], -2 / 19_996);
  });

  it("2^20 equal rows in float32: their mean is exact", () => {
    const Sum = defineLoss({
      name: "Sum",
      arguments: { input: "x" },
      rows: { s: "sum(x)" },
      value: "s",
    });
    const value = Math.fround(0.1);
    const input = float32(new Float32Array(2 ** 20).fill(value), [2 ** 20, 1]);
    assertEquals(new Sum().forward(input).item(), value);
  });
});

describe("costly functions that gradients need again", () => {
  const random = new Random(41);
  const args = [random.tensor([5, 7]), random.tensor([5, 7])];
  const bodies: [what: string, rows: Record<string, string>][] = [
    ["one in another", { s: "sum(log1p(exp(x - y)))" }],
    ["in two levels", { m: "max(exp(x / 4))", s: "sum(exp(x / 4) * exp(x - m))" }],
    ["in a maximum", { m: "max(exp(x - y))", s: "sum(sigmoid(x * m))" }],
    ["beside a part of its text", { s: "sum(exp(x) + exp(x + y) + pow(exp(x), 2))" }],
    ["with respect to one argument only", { s: "sum(x * exp(y) + exp(x))" }],
    [
      "more than are kept",
      { s: `sum(${Array.from({ length: 12 }, (_, k) => `exp((x - y) / ${k + 2})`).join(" + ")})` },
    ],
  ];
  for (const [what, rows] of bodies) {
    it(what, () => {
      const Class = defineLoss({ name: "Costly", arguments: xy, rows, value: "log(s)" });
      for (const wrt of [["input"], ["target"], ["input", "target"]] as const) {
        for (const reduction of ["none", "mean"] as const) {
          const report = checkGradient(new Class({ reduction }), args, { wrt, tolerance: 1e-9 });
          report.assert();
          assertEquals([report.points, report.kinks], [wrt.length * 35, []]);
        }
      }
    });
  }

  it("in more tiles than one, and of another class in between", () => {
    const Class = defineLoss({
      name: "Costly",
      arguments: { input: "x" },
      rows: { m: "max(x)", s: "sum(exp(x - m))" },
      value: "log(s) + m",
    });
    const input = random.tensor([9000, 5]);
    const whole = new Class({ reduction: "sum" }).valueAndGrad(input).grad.input;
    new Norms().valueAndGrad(input, input);
    const wanted = rowsOf(input).flatMap((x) => {
      const total = sum(x.map(Math.exp));
      return x.map((xi) => Math.exp(xi) / total);
    });
    close(whole, wanted, "grad.input");
  });
});

describe("rows without numbers", () => {
  const Sums = defineLoss({
    name: "Sums",
    arguments: { input: "x" },
    rows: { s: "sum(x)", center: "mean(x)" },
    value: "s",
  });

  it("an empty row has the sum 0, the mean NaN, the maximum -∞ and the minimum ∞", () => {
    const empty = float64([], [2, 0]);
    assertEquals([...new Sums({ reduction: "none" }).forward(empty).data], [0, 0]);
    for (
      const [row, wanted] of [["mean(x)", NaN], ["max(x)", -Infinity], [
        "min(x)",
        Infinity,
      ]] as const
    ) {
      const One = defineLoss({
        name: "One",
        arguments: { input: "x" },
        rows: { r: row },
        value: "r",
      });
      const { value, grad } = new One({ reduction: "none" }).valueAndGrad(empty);
      assertEquals([...value.data], [wanted, wanted]);
      assertEquals(grad.input.shape, [2, 0]);
    }
  });

  it("no rows: the mean is NaN, the sum 0, and gradients have the arguments' shapes", () => {
    const nothing = float32(new Float32Array(0), [0, 3]);
    const { value, grad } = new Sums().valueAndGrad(nothing);
    assertEquals([value.item(), value.dtype, grad.input.shape], [NaN, "float32", [0, 3]]);
    assertEquals(new Sums({ reduction: "sum" }).forward(nothing).item(), 0);
    assertEquals(new Sums({ reduction: "none" }).forward(nothing).shape, [0]);
    const margin = new Margins().valueAndGrad(nothing, [], { wrt: ["margin"] }).grad.margin;
    assertEquals(margin.shape, [0]);
  });
});

describe("shapes", () => {
  const random = new Random(12);
  const none = { reduction: "none" } as const;

  it("one axis is one row, and a number is a row of one", () => {
    assertEquals(new Extremes(none).forward([1, 5, 3]).shape, []);
    assertEquals(new Extremes(none).forward([1, 5, 3]).item(), 5 - 2 * 1);
    assertEquals(new Extremes(none).forward(4).item(), 4 - 2 * 4);
  });

  it("all axes but the last stay", () => {
    assertEquals(new Extremes(none).forward(random.tensor([2, 3, 4])).shape, [2, 3]);
    assertEquals(new Extremes(none).forward(random.tensor([2, 1, 1, 4])).shape, [2, 1, 1]);
  });

  it("an argument of one axis less, or with a last axis of 1, has one number per row", () => {
    const input = random.tensor([2, 3, 4]);
    const margin = random.tensor([2, 3]);
    const wrt = { wrt: ["input", "margin"] } as const;
    const one = new Margins(none).valueAndGrad(input, margin, wrt);
    const two = new Margins(none).valueAndGrad(
      input,
      float64(margin.data as Float64Array, [2, 3, 1]),
      wrt,
    );
    assertEquals(one.value, two.value);
    assertEquals(one.grad.input, two.grad.input);
    assertEquals(one.grad.margin.data, two.grad.margin.data);
    assertEquals([one.grad.margin.shape, two.grad.margin.shape], [[2, 3], [2, 3, 1]]);
  });

  it("a row that all share, and a number that all share, get the sum of all gradients", () => {
    const input = random.tensor([3, 4]);
    const shared = random.tensor([1, 4]);
    const wide = float64([...shared.data, ...shared.data, ...shared.data], [3, 4]);
    const wrt = { wrt: ["input", "target"] } as const;
    const [a, b] = [shared, wide].map((target) => new Norms().valueAndGrad(input, target, wrt));
    assertEquals([a.value, a.grad.input], [b.value, b.grad.input]);
    const columns = [0, 1, 2, 3].map((i) =>
      sum([0, 1, 2].map((r) => b.grad.target.data[4 * r + i]))
    );
    close(a.grad.target, columns, "grad.target");
    const single = new Margins().valueAndGrad(input, 0.3, { wrt: ["margin"] }).grad.margin;
    const each =
      new Margins().valueAndGrad(input, [0.3, 0.3, 0.3], { wrt: ["margin"] }).grad.margin;
    assertAlmostEquals(single.item(), sum(each.data), 1e-14);
    assertEquals(single.shape, []);
  });

  it("rows do not see those of the blocks before", () => {
    const input = random.tensor([50_000, 2]);
    const margin = random.tensor([50_000]);
    const wrt = { wrt: ["input", "margin"] } as const;
    const last = (tensor: Tensor, length: number) =>
      float64(tensor.data.slice(-7 * length) as Float64Array, length === 1 ? [7] : [7, length]);
    for (const Class of [definitions.deviation, definitions.farthest]) {
      const whole = new Class(none).valueAndGrad(input);
      const end = new Class(none).valueAndGrad(last(input, 2));
      assertEquals([last(whole.value, 1), last(whole.grad.input, 2)], [end.value, end.grad.input]);
    }
    const whole = new Margins(none).valueAndGrad(input, margin, wrt);
    const end = new Margins(none).valueAndGrad(last(input, 2), last(margin, 1), wrt);
    assertEquals(last(whole.value, 1), end.value);
    assertEquals(last(whole.grad.input, 2), end.grad.input);
    assertEquals(last(whole.grad.margin, 1), end.grad.margin);
  });

  it("a gradient is added up over more rows than a block has", () => {
    const input = random.tensor([40_000, 2]);
    const { grad } = new Margins().valueAndGrad(input, 0.3, { wrt: ["input", "margin"] });
    const each = new Margins().valueAndGrad(input, new Float64Array(40_000).fill(0.3), {
      wrt: ["input", "margin"],
    }).grad;
    assertEquals(grad.input, each.input);
    assertAlmostEquals(grad.margin.item(), sum(each.margin.data), 1e-12);
  });
});

describe("types of numbers", () => {
  it("float32 if no tensor is wider, else float64; labels may be whole numbers", () => {
    const dtype = (loss: LossLike, ...args: unknown[]) => {
      const { value, grad } = loss.valueAndGrad(...args as never[]);
      assertEquals(Object.values(grad).map(({ dtype }) => dtype), [value.dtype]);
      return value.dtype;
    };
    for (const loss of [new definitions.larger(), new Norms()]) {
      assertEquals(dtype(loss, float32([1, 2]), float32([3, 4])), "float32");
      assertEquals(dtype(loss, float32([1, 2]), [3, 4]), "float32");
      assertEquals(dtype(loss, float32([1, 2]), int32([3, 4])), "float32");
      assertEquals(dtype(loss, float32([1, 2]), float64([3, 4])), "float64");
      assertEquals(dtype(loss, [1, 2], [3, 4]), "float64");
      assertEquals(dtype(loss, [1, 2], int32([3, 4])), "float64");
    }
  });

  it("whole numbers count as what they are", () => {
    const [a, b] = [int32([1, 0]), float64([1, 0])].map((y) =>
      new Norms().valueAndGrad([0.3, 2], y)
    );
    assertEquals(a, b);
  });
});

describe("reductions and weights", () => {
  const random = new Random(14);
  const cases = [
    ["element by element", classOf("gaussian"), [[3, 4], [3, 4], [3, 4]], [3, 4]],
    ["rows", classOf("norms"), [[2, 3, 4], [2, 3, 4]], [2, 3]],
    ["rows with a number each", classOf("margins"), [[3, 4], [3]], [3]],
  ] as const;

  for (const [what, Class, shapes, valueShape] of cases) {
    const args = shapes.map((shape) => random.tensor([...shape], () => random.uniform(0.3, 2)));
    const names = (new Class() as LossLike & { argumentNames: string[] }).argumentNames;
    const call = (options: object, request: object = { wrt: names }) =>
      new Class(options).valueAndGrad(...[...args, request] as never[]) as {
        value: Tensor;
        grad: Record<string, Tensor>;
      };
    const none = call({ reduction: "none" });
    const count = none.value.data.length;

    describe(what, () => {
      it("keeps every value, adds them up, or averages them by default", () => {
        assertEquals(none.value.shape, [...valueShape]);
        assertAlmostEquals(call({ reduction: "sum" }).value.item(), sum(none.value.data), 1e-13);
        assertAlmostEquals(call({}).value.item(), sum(none.value.data) / count, 1e-13);
        assertEquals(call({}), call({ reduction: "mean" }));
      });

      it("a weight multiplies value and gradient; the mean is still over their number", () => {
        const weight = random.tensor([...valueShape], () => random.uniform(-1, 3));
        const weighted = call({ reduction: "none", weight });
        close(weighted.value, none.value.data.map((v, i) => v * weight.data[i]), "value");
        const total = call({ weight, reduction: "sum" });
        const mean = call({ weight });
        assertAlmostEquals(total.value.item(), sum(weighted.value.data), 1e-13);
        assertAlmostEquals(mean.value.item(), sum(weighted.value.data) / count, 1e-13);
        for (const name of names) {
          const { data } = weighted.grad[name];
          const upstream = call({ reduction: "none" }, { wrt: [name], gradOutput: weight });
          close(weighted.grad[name], upstream.grad[name].data, `grad.${name}`);
          close(total.grad[name], data, `grad.${name}`);
          close(mean.grad[name], data.map((g) => g / count), `grad.${name}`);
        }
      });

      it("a weight has a gradient of its own: the value", () => {
        const weight = random.tensor([...valueShape]);
        const by = (options: object, gradOutput: number | Tensor) =>
          call({ ...options, weight }, { wrt: ["weight"], gradOutput }).grad.weight;
        assertEquals(by({ reduction: "sum" }, 1).shape, [...valueShape]);
        close(by({ reduction: "sum" }, -2), none.value.data.map((v) => -2 * v), "sum");
        close(by({}, 3), none.value.data.map((v) => 3 * v / count), "mean");
        const upstream = random.tensor([...valueShape]);
        close(
          by({ reduction: "none" }, upstream),
          none.value.data.map((v, i) => v * upstream.data[i]),
          "none",
        );
      });

      it("writes into the buffers of out, and only the gradients of wrt", () => {
        const wrt = [names.at(-1)!];
        const out = { [wrt[0]]: new Float64Array(args.at(-1)!.data.length).fill(7) };
        const { grad } = call({}, { wrt, out });
        assertEquals(Object.keys(grad), wrt);
        assertEquals(grad[wrt[0]].data === out[wrt[0]], true);
        close(grad[wrt[0]], call({}).grad[wrt[0]].data, "out");
        assertEquals(call({}, { wrt: [] }).grad, {});
      });

      it("differentiates with respect to the first argument by default", () => {
        assertEquals(Object.keys(call({}, {}).grad), [names[0]]);
      });
    });
  }

  it("differentiates by default with respect to what the definition names", () => {
    const Pair = defineLoss({
      name: "Pair",
      arguments: { left: "a", right: "b", labels: "y" },
      value: "square(a - b) * y",
      wrt: ["left", "right"],
    });
    const { grad } = new Pair().valueAndGrad(2, 5, int32(1));
    assertEquals([grad.left.item(), grad.right.item()], [-6, 6]);
    const Second = defineLoss({ name: "Second", arguments: xy, value: "x * y", wrt: ["target"] });
    assertEquals(new Second().valueAndGrad(int32([2]), [5]).grad.target.toArray(), [2]);
  });
});

describe("gradients that a definition gives", () => {
  const names = { wrt: ["input", "target"] } as const;

  it("take the place of the derived ones, the others are derived", () => {
    const Class = defineLoss({
      name: "Given",
      arguments: xy,
      value: "softplus(x) - x * y",
      grad: { input: "sigmoid(x) - y" },
    });
    assertEquals(Class.formula.grad, { input: "sigmoid(x) - y", target: "-x" });
  });

  it("with rows, they are those of an element, in rows, options and arguments", () => {
    const definition = {
      arguments: xy,
      options: { power: 2 },
      rows: { e: "x - y", s: "sum(square(e))" },
      value: "pow(s, power / 2)",
    } as const;
    const Derived = defineLoss({ name: "Derived", ...definition });
    const Given = defineLoss({
      name: "Given",
      ...definition,
      grad: { input: "power * pow(s, power / 2 - 1) * e" },
    });
    const random = new Random(2);
    const args = [random.tensor([3, 4]), random.tensor([3, 4]), names] as const;
    const [a, b] = [Derived, Given].map((Class) => new Class({ power: 3 }).valueAndGrad(...args));
    assertEquals(a.value, b.value);
    close(b.grad.input, a.grad.input.data, "grad.input");
    assertEquals(b.grad.target, a.grad.target);
  });

  it("for a number per row that the value uses, they count once per row", () => {
    const definition = {
      arguments: xy,
      rows: { s: "sum(x * x)" },
      value: "square(s - y)",
    } as const;
    const Derived = defineLoss({ name: "Derived", ...definition });
    const Given = defineLoss({ name: "Given", ...definition, grad: { target: "2 * (y - s)" } });
    for (const y of [[1, 2], 3, [[1], [2]]]) {
      const [a, b] = [Derived, Given].map((Class) =>
        new Class({ weight: [2, 3] }).valueAndGrad([[1, 2, 0], [3, 1, -1]], y, names)
      );
      assertEquals(a, b);
    }
  });

  it("for such a number, they hold all that reaches it, through reductions too", () => {
    const definition = {
      arguments: { input: "x", margin: "t" },
      rows: { short: "sum(hinge(t - x))", count: "sum(x < t ? 1 : 0)" },
      value: "short * t",
    } as const;
    const Derived = defineLoss({ name: "Derived", ...definition });
    const Given = defineLoss({
      name: "Given",
      ...definition,
      grad: { margin: "short + t * count" },
    });
    const random = new Random(3);
    const [input, margin] = [random.tensor([5, 4]), random.tensor([5])];
    const [a, b] = [Derived, Given].map((Class) =>
      new Class().valueAndGrad(input, margin, { wrt: ["input", "margin"] })
    );
    assertEquals(a.grad.input, b.grad.input);
    close(b.grad.margin, a.grad.margin.data, "grad.margin");
  });
});

testContract({
  loss: "Gaussian",
  Loss: definitions.gaussian as never,
  known: ["reduction", "weight"],
  args: { input: float64([1, 2]), target: float64([2, -3]), var: float64([0.5, 2]) },
  wrt: ["input", "target", "var"],
});
testContract({
  loss: "Deviation",
  Loss: definitions.deviation as never,
  known: ["epsilon", "reduction", "weight"],
  args: { input: float64([[1, 2, 4], [2, -3, 0]]) },
  wrt: ["input"],
});
testContract({
  loss: "Norms",
  Loss: definitions.norms as never,
  known: ["reduction", "weight"],
  args: { input: float64([[1, 2, 4], [2, -3, 0]]), target: float64([[0, 1, 1], [2, 2, 5]]) },
  wrt: ["input", "target"],
});
