/**
 * Evaluates a formula with intervals: for each node, all numbers that a correct evaluation may have found there.
 *
 * Steps that IEEE 754 fixes (+ - * / √, comparisons) give exactly one number, rounded to the type at every step. Functions
 * that are only promised to some units in the last place give an interval, and everything behind them follows it. So there
 * is no tolerance to be chosen: a result outside of the interval breaks a promise.
 */
import type { FloatType } from "../../_ulp.ts";
import { round, shift } from "../float.ts";
import type { Tree } from "./tree.ts";

/** All numbers from lo to hi, where -0 comes before 0, and perhaps NaN. Without any number lo is above hi. */
export interface Range {
  readonly lo: number;
  readonly hi: number;
  readonly nan: boolean;
}

/** What a formula is over intervals, and what lay inside of them. */
export interface Trace {
  readonly range: Range;
  /** A kink or a jump. */
  readonly hasKink: boolean;
  /** A number that is infinite, or none. */
  readonly hasPole: boolean;
}

/** Which answers a condition may have. */
interface Truth {
  readonly yes: boolean;
  readonly no: boolean;
}

/** What the functions of losses/_core/kernel/math.ts are promised to be off by, in units in the last place. */
export const PROMISED_ULPS = {
  exp: 2,
  log: 2,
  log1p: 2,
  sigmoid: 2,
  softplus: 2,
  pow: 2,
} as const;

/**
 * What the references below may be off by themselves, in float64: V8's exp, log, log1p and pow stay within 1 ulp. Sigmoid and
 * softplus are made of two of them and two rounded steps.
 */
const REFERENCE_ULPS = { exp: 1, log: 1, log1p: 1, pow: 1, sigmoid: 3, softplus: 3 } as const;

/** Dividing by what does not change within a call multiplies by its reciprocal: one rounding more (lower.ts). */
const RECIPROCAL_ULPS = 1;

/** How steps round. */
export type Steps =
  /** As a machine of this type does it: to the nearest number. */
  | FloatType
  /** Not at all: the interval then holds the exact value, in steps of float64. */
  | "exact";

const NOTHING: Range = { lo: Infinity, hi: -Infinity, nan: false };
const NOT_A_NUMBER: Range = { ...NOTHING, nan: true };

/** Whether a comes before b, -0 before 0. */
const isBelow = (a: number, b: number) =>
  a < b || (a === b && Object.is(a, -0) && !Object.is(b, -0));
const lower = (a: number, b: number) => isBelow(b, a) ? b : a;
const upper = (a: number, b: number) => isBelow(a, b) ? b : a;

/** The smallest interval around both. */
function union(a: Range, b: Range): Range {
  if (isEmpty(a)) return { ...b, nan: a.nan || b.nan };
  if (isEmpty(b)) return { ...a, nan: a.nan || b.nan };
  return { lo: lower(a.lo, b.lo), hi: upper(a.hi, b.hi), nan: a.nan || b.nan };
}

/** An interval of one number. */
export function point(value: number): Range {
  return Number.isNaN(value) ? NOT_A_NUMBER : { lo: value, hi: value, nan: false };
}

/** Whether a number lies in the interval. */
export function contains({ lo, hi, nan }: Range, value: number): boolean {
  if (Number.isNaN(value)) return nan;
  return !isBelow(value, lo) && !isBelow(hi, value);
}

/** Whether two intervals have a number in common; the sign of zero does not count. */
export function overlap(a: Range, b: Range): boolean {
  return (a.nan && b.nan) || (a.lo <= b.hi && b.lo <= a.hi);
}

/** Whether there is no number in it, NaN aside. */
export function isEmpty({ lo, hi }: Range): boolean {
  return lo > hi;
}

const hasZero = (a: Range) => a.lo <= 0 && a.hi >= 0;
const hasInfinity = (a: Range) => a.lo === -Infinity || a.hi === Infinity;
const atLeast = (bound: number, a: Range): Range => ({ ...a, lo: upper(bound, a.lo) });
const atMost = (bound: number, a: Range): Range => ({ ...a, hi: lower(bound, a.hi) });

/** Evaluates formulas in intervals. */
export class Enclosure {
  readonly #dtype: FloatType;
  readonly #isExact: boolean;
  /** Names of what does not change within a call. */
  readonly #options: ReadonlySet<string>;
  #hasKink = false;
  #hasPole = false;

  /**
   * @param steps How steps round.
   * @param options Names of what does not change within a call.
   */
  constructor(steps: Steps, options: readonly string[] = []) {
    this.#isExact = steps === "exact";
    this.#dtype = steps === "exact" ? "float64" : steps;
    this.#options = new Set(options);
  }

  /** Evaluates a formula; names outside of `scope` are an error. */
  evaluate(tree: Tree, scope: ReadonlyMap<string, Range>): Range {
    return this.trace(tree, scope).range;
  }

  /** Evaluates a formula, and notes what has been met on the way. */
  trace(tree: Tree, scope: ReadonlyMap<string, Range>): Trace {
    this.#hasKink = false;
    this.#hasPole = false;
    const range = this.#visit(tree, scope);
    return { range, hasKink: this.#hasKink, hasPole: this.#hasPole };
  }

  #visit(tree: Tree, scope: ReadonlyMap<string, Range>): Range {
    if (tree.op === "number") return point(round(tree.value, this.#dtype));
    if (tree.op === "symbol") {
      const range = scope.get(tree.name);
      if (range === undefined) throw new ReferenceError(`'${tree.name}' has no value`);
      return range;
    }
    if (tree.op === "select") {
      const [condition, yes, no] = tree.args;
      const truth = this.#judge(condition, scope);
      return union(
        truth.yes ? this.#visit(yes, scope) : NOTHING,
        truth.no ? this.#visit(no, scope) : NOTHING,
      );
    }
    const result = this.#apply(tree, tree.args.map((arg) => this.#visit(arg, scope)));
    if (result.nan || hasInfinity(result)) this.#hasPole = true;
    return result;
  }

  #apply(tree: Tree & { readonly args: readonly Tree[] }, [a, b]: readonly Range[]): Range {
    switch (tree.op) {
      case "group":
        return a;
      case "neg":
        return { lo: -a.hi, hi: -a.lo, nan: a.nan };
      case "add":
        return this.#corners(a, b, (x, y) => x + y);
      case "sub":
        return this.#corners(a, b, (x, y) => x - y);
      case "mul":
        return this.#multiply(a, b);
      case "div":
        return this.#divide(a, b, this.#isOption(tree.args[1]) && !this.#isOption(tree.args[0]));
      case "abs":
        return this.#absolute(a);
      case "square": {
        const size = this.#absolute(a);
        // The kink of abs is none of the square.
        return this.#monotone(size, (x) => x * x);
      }
      case "sqrt":
        this.#noteKink(a);
        return this.#monotone(this.#onDomain(a, -0), Math.sqrt);
      case "sign":
        return this.#step(a, (x) => x > 0 ? 1 : x < 0 ? -1 : 0, 0);
      case "hinge": {
        this.#noteKink(a);
        if (isEmpty(a)) return a;
        const [lo, hi] = [a.lo < 0 ? 0 : a.lo, a.hi < 0 ? 0 : a.hi];
        // -0 is not below 0, and stays.
        return { lo: contains(a, -0) ? -0 : lo, hi: upper(lo, hi), nan: a.nan };
      }
      case "exp":
        return atLeast(0, this.#promised("exp", a, Math.exp));
      case "log":
        return this.#promised("log", this.#onDomain(a, -0), Math.log);
      case "log1p":
        return this.#promised("log1p", this.#onDomain(a, -1), Math.log1p);
      case "sigmoid":
        return atMost(1, atLeast(0, this.#promised("sigmoid", a, sigmoid)));
      case "softplus":
        return atLeast(0, this.#promised("softplus", a, softplus));
      case "min":
        return this.#least(a, b, tree);
      case "max": {
        const negated = (range: Range) => ({ lo: -range.hi, hi: -range.lo, nan: range.nan });
        return negated(this.#least(negated(a), negated(b), tree));
      }
      case "pow":
      case "caret":
        return this.#power(a, b);
      case "xlogy": {
        if (hasZero(a)) this.#hasKink = true;
        const logarithm = this.#promised("log", this.#onDomain(b, -0), Math.log);
        const product = isZero(a) ? NOTHING : this.#multiply(a, logarithm);
        // 0 times a logarithm is 0, and NaN only beside NaN.
        return union(
          hasZero(a) && !isEmpty(b) ? union(product, { lo: 0, hi: 0, nan: false }) : product,
          { ...NOTHING, nan: a.nan || b.nan },
        );
      }
      default:
        throw new TypeError(`'${tree.op}' is not a number`);
    }
  }

  #judge(tree: Tree, scope: ReadonlyMap<string, Range>): Truth {
    if (!("args" in tree)) throw new TypeError(`'${tree.op}' is not a condition`);
    if (tree.op === "group") return this.#judge(tree.args[0], scope);
    if (tree.op === "not") {
      const { yes, no } = this.#judge(tree.args[0], scope);
      return { yes: no, no: yes };
    }
    if (tree.op === "and" || tree.op === "or") {
      const [a, b] = tree.args.map((arg) => this.#judge(arg, scope));
      return tree.op === "and"
        ? { yes: a.yes && b.yes, no: a.no || b.no }
        : { yes: a.yes || b.yes, no: a.no && b.no };
    }
    const [a, b] = tree.args.map((arg) => this.#visit(arg, scope));
    const truth = compare(tree.op, a, b);
    if (truth.yes && truth.no) this.#hasKink = true;
    return truth;
  }

  /** Outwards by so many steps. */
  #widen({ lo, hi, nan }: Range, steps: number): Range {
    if (lo > hi) return { lo, hi, nan }; // No number at all.
    return { lo: shift(lo, -steps, this.#dtype), hi: shift(hi, steps, this.#dtype), nan };
  }

  /** Rounds ends as a step does; an exact value lies next to them. */
  #rounded(range: Range): Range {
    if (isEmpty(range)) return range;
    const { lo, hi, nan } = range;
    const nearest = { lo: round(lo, this.#dtype), hi: round(hi, this.#dtype), nan };
    return this.#isExact ? this.#widen(nearest, 1) : nearest;
  }

  #monotone(a: Range, f: (x: number) => number): Range {
    if (isEmpty(a)) return a;
    return this.#rounded({ lo: f(a.lo), hi: f(a.hi), nan: a.nan });
  }

  /** A function that rises, and that is promised only to some units in the last place. */
  #promised(
    name: keyof typeof PROMISED_ULPS,
    a: Range,
    f: (x: number) => number,
  ): Range {
    if (isEmpty(a)) return a;
    // The reference may fall by a unit where it should rise.
    const [lo, hi] = [f(a.lo), f(a.hi)];
    return this.#widen({ lo: lower(lo, hi), hi: upper(lo, hi), nan: a.nan }, this.#ulps(name));
  }

  #ulps(name: keyof typeof PROMISED_ULPS): number {
    if (this.#isExact) return REFERENCE_ULPS[name];
    // In float32 the reference is exact but for being rounded, and a unit halves at powers of 2.
    return PROMISED_ULPS[name] + (this.#dtype === "float32" ? 1 : REFERENCE_ULPS[name]);
  }

  /** What lies at or above a bound; what lies below is NaN. */
  #onDomain(a: Range, bound: number): Range {
    if (isEmpty(a) || a.lo >= bound) return a;
    if (a.hi < bound) return NOT_A_NUMBER;
    this.#hasKink = true;
    return { lo: bound, hi: a.hi, nan: true };
  }

  #noteKink(a: Range): void {
    if (hasZero(a)) this.#hasKink = true;
  }

  #absolute(a: Range): Range {
    this.#noteKink(a);
    if (isEmpty(a)) return a;
    const ends = [Math.abs(a.lo), Math.abs(a.hi)];
    return { lo: hasZero(a) ? 0 : Math.min(...ends), hi: Math.max(...ends), nan: a.nan };
  }

  /** A function that rises in steps, of which NaN has one of its own. */
  #step(a: Range, f: (x: number) => number, ofNaN: number): Range {
    this.#noteKink(a);
    const range = isEmpty(a) ? NOTHING : { lo: f(a.lo), hi: f(a.hi), nan: false };
    return a.nan ? union(range, point(ofNaN)) : range;
  }

  #least(a: Range, b: Range, tree: Tree & { readonly args: readonly Tree[] }): Range {
    if (a.lo <= b.hi && b.lo <= a.hi) this.#hasKink = true;
    const nan = a.nan || b.nan;
    if (isEmpty(a) || isEmpty(b)) return nan ? NOT_A_NUMBER : NOTHING;
    const least = { lo: lower(a.lo, b.lo), hi: lower(a.hi, b.hi), nan };
    // Beside an option the cheap form is taken, which does not tell 0 from -0.
    const isCheap = tree.args.some((arg) => this.#isOption(arg));
    return isCheap && hasZero(a) && hasZero(b) && hasZero(least)
      ? union(least, { lo: -0, hi: 0, nan })
      : least;
  }

  #multiply(a: Range, b: Range): Range {
    const nan = a.nan || b.nan || (hasZero(a) && hasInfinity(b)) || (hasInfinity(a) && hasZero(b));
    const product = { ...this.#corners(a, b, (x, y) => x * y), nan };
    // 0 times what lies between infinities is 0, which no corner shows.
    const hasZeros = (hasZero(a) && b.lo < b.hi) || (hasZero(b) && a.lo < a.hi);
    return hasZeros ? union(product, { lo: -0, hi: 0, nan }) : product;
  }

  #divide(a: Range, b: Range, byOption: boolean): Range {
    const nan = a.nan || b.nan || (hasZero(a) && hasZero(b)) || (hasInfinity(a) && hasInfinity(b));
    if (isEmpty(a) || isEmpty(b)) return nan ? NOT_A_NUMBER : NOTHING;
    if (hasZero(b)) {
      this.#hasKink = true;
      // With both zeros in it there are both infinities, with one the corners say all.
      if (contains(b, -0) && contains(b, 0)) return { lo: -Infinity, hi: Infinity, nan };
    }
    const ends = { ...this.#corners(a, b, (x, y) => x / y), nan };
    // What lies between infinities is 0 beside an infinite divisor.
    const hasZeros = hasInfinity(b) && a.lo < a.hi;
    const quotient = hasZeros ? union(ends, { lo: -0, hi: 0, nan }) : ends;
    if (!byOption || this.#isExact || !Number.isFinite(b.lo) || isZero(b)) return quotient;
    return this.#widen(quotient, RECIPROCAL_ULPS);
  }

  #power(a: Range, b: Range): Range {
    // Without a fixed base and exponent a power rises here and falls there: all that is used of it is its ends.
    if (a.lo <= 0 || b.lo !== b.hi) this.#hasKink = true;
    // Everything to the power of 0 is 1, NaN too.
    if (isZero(b)) return b.nan ? { ...point(1), nan: true } : point(1);
    const nan = a.nan || b.nan;
    if (isEmpty(a) || isEmpty(b)) {
      return hasZero(b) && nan ? { lo: 1, hi: 1, nan: true } : nan ? NOT_A_NUMBER : NOTHING;
    }
    if (isPoint(a) && isPoint(b)) {
      const range = point(a.lo ** b.lo);
      return { ...this.#widen(range, this.#ulps("pow")), nan: range.nan || nan };
    }
    if (a.lo <= 0) return { lo: -Infinity, hi: Infinity, nan: true };
    const range = this.#corners(a, b, (x, y) => x ** y);
    // 1 lies between a base below it and one above, whatever the exponent, and is what the power of 0 is.
    const hasOne = (a.lo <= 1 && a.hi >= 1) || hasZero(b);
    const all = hasOne ? union(range, point(1)) : range;
    return { ...this.#widen(all, this.#ulps("pow")), nan: nan || hasInfinity(b) };
  }

  /** A function that rises or falls in each argument: its ends are among those of the arguments. */
  #corners(a: Range, b: Range, f: (x: number, y: number) => number): Range {
    let nan = a.nan || b.nan;
    if (isEmpty(a) || isEmpty(b)) return nan ? NOT_A_NUMBER : NOTHING;
    let [lo, hi] = [Infinity, -Infinity];
    for (const x of [a.lo, a.hi]) {
      for (const y of [b.lo, b.hi]) {
        const value = f(x, y);
        if (Number.isNaN(value)) nan = true;
        else [lo, hi] = [lower(lo, value), upper(hi, value)];
      }
    }
    return this.#rounded({ lo, hi, nan });
  }

  /** Whether a formula does not change within a call: a choice between equal branches is none, whatever it depends on. */
  #isOption(tree: Tree): boolean {
    if (tree.op === "select") return tree.args.slice(1).every((arg) => this.#isOption(arg));
    if ("args" in tree) return tree.args.every((arg) => this.#isOption(arg));
    return tree.op === "number" || this.#options.has(tree.name);
  }
}

const isZero = (a: Range) => a.lo === 0 && a.hi === 0;
const isPoint = (a: Range) => Object.is(a.lo, a.hi);

function compare(op: string, a: Range, b: Range): Truth {
  const nan = a.nan || b.nan;
  if (isEmpty(a) || isEmpty(b)) return { yes: nan && op === "ne", no: nan && op !== "ne" };
  switch (op) {
    case "lt":
      return { yes: a.lo < b.hi, no: nan || a.hi >= b.lo };
    case "le":
      return { yes: a.lo <= b.hi, no: nan || a.hi > b.lo };
    case "gt":
      return { yes: a.hi > b.lo, no: nan || a.lo <= b.hi };
    case "ge":
      return { yes: a.hi >= b.lo, no: nan || a.lo < b.hi };
    case "eq": {
      const isOne = a.lo === a.hi && b.lo === b.hi;
      return { yes: a.lo <= b.hi && b.lo <= a.hi, no: nan || !isOne || a.lo !== b.lo };
    }
    case "ne": {
      const { yes, no } = compare("eq", a, b);
      return { yes: no, no: yes };
    }
    default:
      throw new TypeError(`'${op}' is not a comparison`);
  }
}

function sigmoid(x: number): number {
  if (x >= 0) return 1 / (1 + Math.exp(-x));
  const z = Math.exp(x);
  return z / (1 + z);
}

function softplus(x: number): number {
  return Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
}
