/**
 * The derivative at kinks follows the conventions that losses/_core/formula/derivative.ts lists. Whole numbers make every step
 * exact, so that kinks are met often and there is nothing to tolerate.
 */
import fc from "fast-check";
import { Formula } from "@lossbook/losses/formula";
import { formulas, FUNCTIONS, type Operator, textOf, type Tree } from "../formula/tree.ts";
import { property, Violation } from "../property.ts";

interface KinkCase {
  readonly tree: Tree;
  readonly points: readonly (readonly [x: number, y: number])[];
}

const EXACT = new Set(["abs", "sign", "square", "hinge", "min", "max"]);
const without: Operator[] = [
  ...(Object.keys(FUNCTIONS) as (keyof typeof FUNCTIONS)[]).filter((name) => !EXACT.has(name)),
  "div",
  "caret",
];
const small = fc.integer({ min: -3, max: 3 });

const cases: fc.Arbitrary<KinkCase> = fc.record({
  tree: formulas({ symbols: ["x", "y"], literals: small, without }),
  points: fc.array(fc.tuple(small, small), { minLength: 1, maxLength: 12 }),
});

/** A value and its derivative by x. */
type Dual = readonly [value: number, slope: number];

/** Beyond, products are rounded. */
const LARGEST = 2 ** 40;
class TooLarge extends Error {}

function evaluate(tree: Tree, x: number, y: number): Dual {
  if (tree.op === "number") return [tree.value, 0];
  if (tree.op === "symbol") return tree.name === "x" ? [x, 1] : [y, 0];
  if (tree.op === "select") {
    return evaluate(tree.args[isTrue(tree.args[0], x, y) ? 1 : 2], x, y);
  }
  const [[u, du], [v, dv] = [0, 0]] = tree.args.map((arg) => evaluate(arg, x, y));
  if (Math.abs(u) > LARGEST || Math.abs(du) > LARGEST || Math.abs(dv) > LARGEST) {
    throw new TooLarge();
  }
  switch (tree.op) {
    case "group":
      return [u, du];
    case "neg":
      return [-u, -du];
    case "add":
      return [u + v, du + dv];
    case "sub":
      return [u - v, du - dv];
    case "mul":
      return [u * v, du * v + u * dv];
    case "square":
      return [u * u, 2 * u * du];
    case "abs":
      return u === 0 ? [0, 0] : u < 0 ? [-u, -du] : [u, du];
    case "sign":
      return [Math.sign(u), 0];
    case "hinge":
      return u > 0 ? [u, du] : [0, 0];
    case "min":
      return u < v ? [u, du] : v < u ? [v, dv] : [u, (du + dv) / 2];
    case "max":
      return u > v ? [u, du] : v > u ? [v, dv] : [u, (du + dv) / 2];
    default:
      throw new TypeError(`'${tree.op}' is not exact`);
  }
}

function isTrue(tree: Tree, x: number, y: number): boolean {
  if (!("args" in tree)) throw new TypeError(`'${tree.op}' is not a condition`);
  const [a, b] = tree.args;
  if (tree.op === "group") return isTrue(a, x, y);
  if (tree.op === "not") return !isTrue(a, x, y);
  if (tree.op === "and") return isTrue(a, x, y) && isTrue(b, x, y);
  if (tree.op === "or") return isTrue(a, x, y) || isTrue(b, x, y);
  const [u, v] = [evaluate(a, x, y)[0], evaluate(b, x, y)[0]];
  switch (tree.op) {
    case "lt":
      return u < v;
    case "le":
      return u <= v;
    case "gt":
      return u > v;
    case "ge":
      return u >= v;
    case "eq":
      return u === v;
    case "ne":
      return u !== v;
    default:
      throw new TypeError(`'${tree.op}' is not a condition`);
  }
}

function check({ tree, points }: KinkCase): void {
  const text = textOf(tree);
  const formula = new Formula(text);
  const derivative = formula.derivative("x");
  for (const [x, y] of points) {
    let wanted: Dual;
    try {
      wanted = evaluate(tree, x, y);
    } catch (error) {
      if (error instanceof TooLarge) continue;
      throw error;
    }
    const found = [formula.evaluate({ x, y })[0], derivative.evaluate({ x, y })[0]];
    // 0 and -0 are the same here.
    if (found[0] !== wanted[0] || found[1] !== wanted[1]) {
      throw new Violation(
        `${text} at x = ${x}, y = ${y} is ${found[0]} with derivative ${found[1]}, wanted is ${
          wanted[0]
        } with ${wanted[1]}; as text the derivative is ${derivative.text}`,
      );
    }
  }
}

function reproduce({ tree, points }: KinkCase): string {
  const list = (k: 0 | 1) => `[${points.map((point) => point[k]).join(", ")}]`;
  const scope = `{ x: ${list(0)}, y: ${list(1)} }`;
  return `import { Formula } from "@lossbook/losses/formula"; const f = new Formula(${
    JSON.stringify(textOf(tree))
  }); console.log(f.evaluate(${scope}), f.derivative("x").evaluate(${scope}));`;
}

export const kinks = property<KinkCase>({
  name: "kinks",
  cases,
  casesPerRound: 100,
  check,
  reproduce,
});
