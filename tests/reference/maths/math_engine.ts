/**
 * The two mathjs instances behind math.ts: one computes in doubles, one in decimals of 96 digits.
 * Both know the primitives of the formulas that mathjs lacks.
 */

import { all, type BigNumber, create, type MathJsInstance, type MathNode } from "mathjs";

/** A formula: its text, or mathjs's node of it. */
export type Formula = string | MathNode;

/** 64 digits are right; the others allow for the rounding of each step. */
const DIGITS = 96;

// Comparisons are exact: with mathjs's default 1 < 1 + 1e-13 is false, so that near a kink the wrong branch would be taken. The
// logarithm of a negative number is NaN, not a complex number.
const EXACT = { relTol: Number.MIN_VALUE, absTol: 0, predictable: true };

/** mathjs in double precision. */
export const doubles: MathJsInstance = withPrimitives(create(all, EXACT));

/** mathjs with decimal numbers of 96 digits. */
export const decimals: MathJsInstance = withPrimitives(
  create(all, { ...EXACT, number: "BigNumber", precision: DIGITS }),
);

/**
 * Reads a formula. The primitives that mathjs lacks (sigmoid, softplus, xlogy, hinge)
 * are known, and `node.evaluate({ x: 1 })` computes in double precision.
 *
 * @param formula The text.
 * @returns mathjs's tree of it.
 */
export function parse(formula: Formula): MathNode {
  if (typeof formula !== "string") return formula;
  try {
    return doubles.parse(formula);
  } catch (error) {
    throw new TypeError(`Cannot read the formula "${formula}"`, { cause: error });
  }
}

/** The names of a formula's symbols, in the order in which they appear. */
export function symbolsOf(formula: Formula): string[] {
  const names: string[] = [];
  parse(formula).traverse((node, path) => {
    if (doubles.isSymbolNode(node) && path !== "fn") names.push(node.name);
  });
  return [...new Set(names)].filter((name) => !CONSTANTS.has(name));
}

const CONSTANTS = new Set(["pi", "e", "tau", "Infinity", "NaN", "true", "false"]);

/** Adds the primitives of the formulas, for doubles and decimals, to an instance of mathjs. */
function withPrimitives(math: MathJsInstance): MathJsInstance {
  const number = (value: string | number) => math.bignumber(value);
  const sigmoid = (x: BigNumber) => number(1).div(x.neg().exp().plus(1));
  const positivePart = (x: BigNumber) => x.isNegative() ? number(0) : x;
  math.import({
    sigmoid: math.typed("sigmoid", {
      number: (x: number) => 1 / (1 + Math.exp(-x)),
      BigNumber: sigmoid,
    }),
    softplus: math.typed("softplus", {
      number: (x: number) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x))),
      BigNumber: (x: BigNumber) => positivePart(x).plus(log1p(x.abs().neg().exp())),
    }),
    log1p: math.typed("log1p", { number: Math.log1p, BigNumber: log1p }),
    xlogy: math.typed("xlogy", {
      "number, number": (x: number, y: number) => x === 0 && !Number.isNaN(y) ? 0 : x * Math.log(y),
      "BigNumber, BigNumber": (x: BigNumber, y: BigNumber) =>
        x.isZero() && !y.isNaN() ? number(0) : x.times(y.ln()),
    }),
    hinge: math.typed("hinge", { number: (x: number) => x < 0 ? 0 : x, BigNumber: positivePart }),
    // pow(-8, 1 / 3) is the real root -2 for mathjs, NaN for JavaScript and PyTorch.
    pow: math.typed("pow", {
      "number, number": Math.pow,
      "BigNumber, BigNumber": (x: BigNumber, y: BigNumber) => x.pow(y),
    }),
  }, { override: true });
  return math;
}

/** log(1 + x), by its series if 1 + x would lose digits of x. */
function log1p(x: BigNumber): BigNumber {
  if (!x.isFinite() || x.isZero() || x.e > -8) return x.plus(1).ln();
  let [sum, power] = [x, x];
  for (let k = 2; k * -x.e <= DIGITS + 8 + -x.e; k++) {
    power = power.times(x).neg();
    sum = sum.plus(power.div(k));
  }
  return sum;
}
