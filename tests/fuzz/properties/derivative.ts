/**
 * The derivative of a random formula is what five-point differences of its values say, wherever it is smooth, and its text
 * reads back.
 */
import fc from "fast-check";
import { Formula } from "@lossbook/losses/formula";
import { Enclosure, point, type Range } from "../formula/enclosure.ts";
import { readText } from "../formula/text_reader.ts";
import {
  formulas,
  node,
  number,
  type Operator,
  symbol,
  symbolsIn,
  textOf,
  type Tree,
} from "../formula/tree.ts";
import { property, Violation } from "../property.ts";

interface DerivativeCase {
  readonly tree: Tree;
  readonly points: readonly (readonly [x: number, y: number])[];
}

const gentle = fc.integer({ min: -(2 ** 20), max: 2 ** 20 }).map((k) => k / 2 ** 18);
const ordinary = fc.oneof(
  fc.constantFrom(0, 1, 2, 3, 0.5, 0.25, 10, -1, 5, Math.PI, 1e-3),
  gentle,
);
/** Chains of factors whose product overflows, or vanishes, also while a derivative is simplified. */
const chains = fc.array(
  fc.tuple(
    fc.oneof(
      fc.constant(symbol("x")),
      fc.constantFrom(1e300, -1e300, 1e200, 1e-310, 2, 0, -0).map((value) => number(value)),
    ),
    fc.constantFrom<Operator>("mul", "mul", "div", "add"),
    fc.boolean(),
  ),
  { minLength: 1, maxLength: 5 },
).map(([[first], ...rest]) =>
  rest.reduce(
    (tree, [factor, op, isLeft]) => isLeft ? node(op, tree, factor) : node(op, factor, tree),
    first,
  )
);
const symbols = ["x", "x", "y"];

const cases: fc.Arbitrary<DerivativeCase> = fc.record({
  tree: fc.oneof(
    { arbitrary: formulas({ symbols, literals: ordinary }), weight: 4 },
    { arbitrary: chains, weight: 1 },
  ),
  points: fc.array(fc.tuple(gentle, gentle), { minLength: 1, maxLength: 6 }),
});

const toMap = (x: Range, y: number) => new Map([["x", x], ["y", point(y)]]);

/** What differences of a formula's values tell about its derivative by x. */
export interface Slope {
  readonly value: number;
  /** How far the true derivative may be from it. */
  readonly error: number;
}

/** The derivative by x, from values alone; undefined where the formula is not smooth nearby. */
export function slopeAt(tree: Tree, x: number, y: number): Slope | undefined {
  const h = Math.max(Math.abs(x), 2 ** -6) * 2 ** -9;
  const box = toMap({ lo: x - 2 * h, hi: x + 2 * h, nan: false }, y);
  const { hasKink, hasPole } = new Enclosure("exact").trace(tree, box);
  if (hasKink || hasPole) return undefined;
  const formula = new Formula(textOf(tree));
  const steps = [-2, -1, -0.5, 0.5, 1, 2].map((step) => x + step * h);
  const values = formula.evaluate({ x: steps, y });
  // A formula without x has one value.
  const [a2, a1, a0, b0, b1, b2] = steps.map((_, i) => values[i] ?? values[0]);
  const wide = (8 * (b1 - a1) - (b2 - a2)) / (12 * h);
  const narrow = (8 * (b0 - a0) - (b1 - a1)) / (6 * h);
  // What rounding may have done to each value, and with it to the differences.
  const enclosure = new Enclosure("exact");
  const noise = Math.max(...steps.map((step) => {
    const { lo, hi } = enclosure.evaluate(tree, toMap(point(step), y));
    return hi - lo;
  }));
  const error = Math.abs(wide - narrow) + 4 * noise / h;
  return Number.isFinite(narrow) ? { value: narrow, error } : undefined;
}

function check({ tree, points }: DerivativeCase): void {
  const text = textOf(tree);
  const derivative = new Formula(text).derivative("x");
  const read = readText(derivative.text);
  for (const name of symbolsIn(read)) {
    if (!symbols.includes(name)) {
      throw new Violation(`the derivative of ${text} has the symbol ${name}: ${derivative.text}`);
    }
  }
  for (const [x, y] of points) {
    const slope = slopeAt(tree, x, y);
    if (slope === undefined) continue;
    // The terms of the derivative may cancel; by how much says the interval around its exact value.
    const { lo, hi, nan } = new Enclosure("exact").evaluate(read, toMap(point(x), y));
    const [value] = derivative.evaluate({ x, y });
    const lost = nan ? Infinity : 16 * (hi - lo);
    const error = slope.error + lost + 1e-12 * Math.abs(slope.value);
    if (!(Math.abs(value - slope.value) <= error)) {
      throw new Violation(
        `the derivative of ${text} at x = ${x}, y = ${y} is ${value}, differences say ${slope.value} ± ${error}; as text it is ${derivative.text}`,
      );
    }
  }
}

function reproduce({ tree, points }: DerivativeCase): string {
  const list = (k: 0 | 1) => `[${points.map((point) => point[k]).join(", ")}]`;
  return `import { Formula } from "@lossbook/losses/formula"; const d = new Formula(${
    JSON.stringify(textOf(tree))
  }).derivative("x"); console.log(d.text, d.evaluate({ x: ${list(0)}, y: ${list(1)} }));`;
}

export const derivative = property<DerivativeCase>({
  name: "derivative",
  cases,
  casesPerRound: 100,
  check,
  reproduce,
});
