/**
 * Losses of one's own: whatever formulas they are made of, value and gradients are what a tree evaluator encloses, element by
 * element, and with reductions along rows.
 */
import fc from "fast-check";
import { defineLoss, float32, float64, type Tensor } from "@lossbook/losses";
import type { FloatType } from "../../_ulp.ts";
import { contains, Enclosure, point, type Range } from "../formula/enclosure.ts";
import { readText } from "../formula/text_reader.ts";
import { finiteNumber, formulas, number, symbolsIn, textOf, type Tree } from "../formula/tree.ts";
import { shift } from "../float.ts";
import { property, Violation } from "../property.ts";

/** How the elements of a row become one number. */
type Reduction = "sum" | "mean" | "max" | "min";

interface OwnLoss {
  readonly dtype: FloatType;
  readonly value: Tree;
  /** Reductions by name; none for a loss that acts element by element. */
  readonly rows: readonly { readonly kind: Reduction; readonly body: Tree }[];
  readonly p: number;
  readonly points: readonly (readonly [x: number, y: number])[];
}

const gentle = fc.integer({ min: -(2 ** 16), max: 2 ** 16 }).map((k) => k / 2 ** 14);
const literals = fc.oneof(fc.constantFrom(0, 1, 2, 0.5, 3, -1, 10), gentle);

const elementwise: fc.Arbitrary<OwnLoss> = fc.constantFrom<FloatType>("float64", "float32").chain(
  (dtype) =>
    fc.record({
      dtype: fc.constant(dtype),
      value: formulas({ symbols: ["x", "y", "p"], literals: finiteNumber(dtype) }),
      rows: fc.constant([]),
      p: gentle,
      points: fc.array(fc.tuple(finiteNumber(dtype), finiteNumber(dtype)), {
        minLength: 1,
        maxLength: 8,
      }),
    }),
);

const rowwise: fc.Arbitrary<OwnLoss> = fc.record({
  // Sums are taken in an order that is not told: in doubles, that hardly matters.
  dtype: fc.constant<FloatType>("float64"),
  value: formulas({ symbols: ["r0", "r1", "p"], literals }),
  rows: fc.tuple(
    ...["x", "y"].map((symbol) =>
      fc.record({
        kind: fc.constantFrom<Reduction>("sum", "mean", "max", "min"),
        body: formulas({ symbols: ["x", "y", "p", symbol], literals }),
      })
    ),
  ),
  p: gentle,
  points: fc.array(fc.tuple(gentle, gentle), { minLength: 1, maxLength: 8 }),
});

/** What must occur does: a loss without its argument is refused. */
const withArgument = (tree: Tree, name: string): Tree =>
  symbolsIn(tree).has(name) ? tree : { op: "add", args: [tree, product(name)] };
const product = (name: string): Tree => ({
  op: "mul",
  args: [number(0), { op: "symbol", name }],
});

function definitionOf({ value, rows }: OwnLoss) {
  const texts = Object.fromEntries(
    rows.map(({ kind, body }, i) => [`r${i}`, `${kind}(${textOf(withArgument(body, "x"))})`]),
  );
  const isRowwise = rows.length > 0;
  const whole = isRowwise
    ? withArgument(withArgument(value, "r0"), "r1")
    : withArgument(withArgument(value, "x"), "y");
  return {
    name: "OwnLoss",
    arguments: { input: "x", target: "y" },
    options: { p: 1 },
    value: textOf(whole),
    tree: whole,
    ...isRowwise && { rows: texts },
  } as const;
}

interface Own {
  valueAndGrad(...args: unknown[]): { value: Tensor; grad: Record<string, Tensor> };
}

function run(loss: OwnLoss) {
  const { tree: _, ...definition } = definitionOf(loss);
  const Class = defineLoss(definition as never) as unknown as {
    new (options: object): Own;
    readonly formula: { readonly grad: Readonly<Record<string, string>> };
  };
  const make = loss.dtype === "float32" ? float32 : float64;
  const column = (k: 0 | 1) => {
    const data = Float64Array.from(loss.points, (point) => point[k]);
    return loss.rows.length > 0 ? make(data, [1, data.length]) : make(data);
  };
  const wrt = ["input", "target"];
  const { value, grad } = new Class({ p: loss.p, reduction: "none" })
    .valueAndGrad(column(0), column(1), { wrt });
  return { formula: Class.formula, value, grad };
}

/** All sums that adding up in some order may give. */
function sumOf(ranges: readonly Range[]): Range {
  const lo = ranges.reduce((sum, { lo }) => sum + lo, 0);
  const hi = ranges.reduce((sum, { hi }) => sum + hi, 0);
  const size = ranges.reduce((sum, { lo, hi }) => sum + Math.max(Math.abs(lo), Math.abs(hi)), 0);
  const lost = ranges.length * size * 2 ** -52;
  return {
    lo: lo - lost,
    hi: hi + lost,
    nan: ranges.some(({ nan }) => nan) || !Number.isFinite(size),
  };
}

/** The largest or smallest number of a row. Which of +0 and -0 that is depends on an order that is not told. */
function extremum(
  of: (...numbers: number[]) => number,
  lows: readonly number[],
  highs: readonly number[],
): Range {
  return { lo: of(...lows) || -0, hi: of(...highs) || 0, nan: false };
}

function check(loss: OwnLoss): void {
  const { dtype, rows, points, p } = loss;
  const { tree } = definitionOf(loss);
  const { formula, value, grad } = run(loss);
  const enclosure = new Enclosure(dtype, ["p", "r0", "r1"]);
  const scopeAt = ([x, y]: readonly [number, number]) =>
    new Map([["x", point(x)], ["y", point(y)], ["p", point(p)]]);
  const expect = (what: string, found: number, wanted: Range) => {
    if (contains(wanted, found) || contains(wanted, -found)) return;
    throw new Violation(
      `${what} of ${textOf(tree)} is ${found}, wanted is from ${wanted.lo} to ${wanted.hi}${
        wanted.nan ? " or NaN" : ""
      }`,
    );
  };

  if (rows.length === 0) {
    points.forEach((at, i) => {
      expect(`the value at ${at}`, value.data[i], enclosure.evaluate(tree, scopeAt(at)));
      for (const name of ["input", "target"]) {
        const derivative = readText(formula.grad[name]);
        const wanted = enclosure.evaluate(derivative, scopeAt(at));
        expect(`the gradient ${name} at ${at}`, grad[name].data[i], wanted);
      }
    });
    return;
  }
  const scope = new Map<string, Range>([["p", point(p)]]);
  rows.forEach(({ kind, body }, i) => {
    const own = withArgument(body, "x");
    const ranges = points.map((at) => enclosure.evaluate(own, scopeAt(at)));
    // What is infinite or no number has its own tests; maxima pass over NaN, and sums do not.
    if (ranges.some(({ lo, hi, nan }) => nan || !Number.isFinite(lo) || !Number.isFinite(hi))) {
      scope.set(`r${i}`, { lo: -Infinity, hi: Infinity, nan: true });
      return;
    }
    const [lows, highs] = [ranges.map(({ lo }) => lo), ranges.map(({ hi }) => hi)];
    const sum = sumOf(ranges);
    const n = points.length;
    scope.set(
      `r${i}`,
      kind === "sum"
        ? sum
        : kind === "mean"
        ? { lo: shift(sum.lo / n, -2, dtype), hi: shift(sum.hi / n, 2, dtype), nan: sum.nan }
        : extremum(kind === "max" ? Math.max : Math.min, lows, highs),
    );
  });
  expect("the value", value.data[0], enclosure.evaluate(tree, scope));
}

function reproduce(loss: OwnLoss): string {
  const { tree: _, ...definition } = definitionOf(loss);
  const column = (k: 0 | 1) => {
    const list = `[${loss.points.map((point) => point[k]).join(", ")}]`;
    return `${loss.dtype}(${loss.rows.length > 0 ? `[${list}]` : list})`;
  };
  return `import { defineLoss, ${loss.dtype} } from "@lossbook/losses"; const Own = defineLoss(${
    JSON.stringify(definition)
  }); console.log(new Own({ p: ${loss.p}, reduction: "none" }).valueAndGrad(${column(0)}, ${
    column(1)
  }, { wrt: ["input", "target"] }));`;
}

export const ownLosses = property<OwnLoss>({
  name: "own losses",
  cases: fc.oneof(elementwise, rowwise),
  casesPerRound: 60,
  check,
  reproduce,
});
