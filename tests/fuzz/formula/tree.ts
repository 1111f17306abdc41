/**
 * Formulas as trees: drawn at random, and written as texts by the grammar that losses/_core/formula/parse.ts documents. Nothing
 * of the library is used here.
 */
import fc from "fast-check";
import type { FloatType } from "../../_ulp.ts";

/** Functions and their number of arguments. */
export const FUNCTIONS = {
  abs: 1,
  sign: 1,
  square: 1,
  sqrt: 1,
  exp: 1,
  log: 1,
  log1p: 1,
  sigmoid: 1,
  softplus: 1,
  hinge: 1,
  pow: 2,
  min: 2,
  max: 2,
  xlogy: 2,
} as const;

/** Operators between two operands: how they are written, and how tightly they bind. */
const INFIX = {
  or: ["or", 1],
  and: ["and", 2],
  lt: ["<", 3],
  le: ["<=", 3],
  gt: [">", 3],
  ge: [">=", 3],
  eq: ["==", 3],
  ne: ["!=", 3],
  add: ["+", 4],
  sub: ["-", 4],
  mul: ["*", 5],
  div: ["/", 5],
} as const;
const COMPARISON = 3;
const PREFIX = 6;
const POWER = 7;
const ATOM = 8;

export type FunctionName = keyof typeof FUNCTIONS;
export type InfixName = keyof typeof INFIX;
/** `caret` is the power written as a ^ b, `group` a pair of parentheses that nobody needs. */
export type Operator = FunctionName | InfixName | "neg" | "not" | "caret" | "select" | "group";

/** A formula. */
export type Tree =
  | { readonly op: "number"; readonly value: number; readonly text: string }
  | { readonly op: "symbol"; readonly name: string }
  | { readonly op: Operator; readonly args: readonly Tree[] };

/** A literal; by default as JavaScript writes it. */
export function number(value: number, text = spell(value)): Tree {
  return { op: "number", value, text };
}

/** A name. */
export function symbol(name: string): Tree {
  return { op: "symbol", name };
}

/** An operator with its arguments. */
export function node(op: Operator, ...args: readonly Tree[]): Tree {
  return { op, args };
}

function spell(value: number): string {
  if (value === Math.PI) return "pi";
  return Object.is(value, -0) ? "-0" : String(value);
}

/** The text of a formula, with no more parentheses than the grammar asks for, and those of `group`. */
export function textOf(tree: Tree, needed = 0): string {
  const [text, precedence] = write(tree);
  return precedence < needed ? `(${text})` : text;
}

function write(tree: Tree): [text: string, precedence: number] {
  if (tree.op === "number") return [tree.text, tree.text.startsWith("-") ? PREFIX : ATOM];
  if (tree.op === "symbol") return [tree.name, ATOM];
  const [a, b, c] = tree.args;
  switch (tree.op) {
    case "group":
      return [`(${textOf(a)})`, ATOM];
    case "neg":
      return [`-${textOf(a, PREFIX)}`, PREFIX];
    case "not":
      return [`not ${textOf(a, PREFIX)}`, PREFIX];
    case "caret":
      return [`${textOf(a, ATOM)} ^ ${textOf(b, PREFIX)}`, POWER];
    case "select":
      return [`${textOf(a, 1)} ? ${textOf(b, 1)} : ${textOf(c)}`, 0];
  }
  if (tree.op in FUNCTIONS) {
    return [`${tree.op}(${tree.args.map((arg) => textOf(arg)).join(", ")})`, ATOM];
  }
  const [sign, precedence] = INFIX[tree.op as InfixName];
  // Comparisons do not chain; all else groups to the left.
  const left = precedence === COMPARISON ? precedence + 1 : precedence;
  return [`${textOf(a, left)} ${sign} ${textOf(b, precedence + 1)}`, precedence];
}

/** The names in a formula. */
export function symbolsIn(tree: Tree): Set<string> {
  if (tree.op === "symbol") return new Set([tree.name]);
  if (tree.op === "number") return new Set();
  return new Set(tree.args.flatMap((arg) => [...symbolsIn(arg)]));
}

/** How many nodes a formula has. */
export function sizeOf(tree: Tree): number {
  return "args" in tree ? tree.args.reduce((sum, arg) => sum + sizeOf(arg), 1) : 1;
}

/** Numbers at the ends of a type, and around which functions change. */
const LANDMARKS = [
  ...[0, 1, 2, 3, 4, 5, 0.5, 0.1, 1.5, 1e-8, 1e-3, 7, 10, 17, 37, 89, 104, 710, 746, 1000],
  ...[1e15, 1e21, 1e30, 2 ** -30, 2 ** 100, 2 ** -140, 1e-42, 2 ** 127, 3e38, 1e-30],
  ...[2 ** -1074, 1e-310, 2 ** -1022, 1e300, 2 ** 1023, Number.MAX_VALUE, Math.PI],
];

/** Ordinary numbers: dyadic, so that they are exact and shrink to short ones. */
const ordinary = fc.integer({ min: -(2 ** 23), max: 2 ** 23 }).map((k) => k / 2 ** 21);

const isFiniteIn = (dtype: FloatType) => (value: number) =>
  Number.isFinite(dtype === "float32" ? Math.fround(value) : value);

/** Any number of a type but NaN and infinities. */
export function finiteNumber(dtype: FloatType): fc.Arbitrary<number> {
  const landmark = fc.constantFrom(...LANDMARKS.filter(isFiniteIn(dtype)));
  return fc.oneof(
    { arbitrary: ordinary, weight: 4 },
    { arbitrary: landmark, weight: 2 },
    { arbitrary: landmark.map((value) => -value), weight: 1 },
    {
      arbitrary: dtype === "float32"
        ? fc.float({ noNaN: true, noDefaultInfinity: true })
        : fc.double({ noNaN: true, noDefaultInfinity: true }),
      weight: 1,
    },
  ).map((value) => dtype === "float32" ? Math.fround(value) : value);
}

/** Any number of a type. */
export function anyNumber(dtype: FloatType): fc.Arbitrary<number> {
  return fc.oneof(
    { arbitrary: finiteNumber(dtype), weight: 12 },
    { arbitrary: fc.constantFrom(-0, Infinity, -Infinity, NaN), weight: 1 },
  );
}

/** A literal, also in the less usual of the forms that the grammar takes. */
function literal(values: fc.Arbitrary<number>): fc.Arbitrary<Tree> {
  return fc.tuple(values, fc.constantFrom("plain", "plain", "plain", "exponent", "bare"))
    .map(([value, form]) => {
      const plain = spell(value);
      if (form === "exponent" && value !== Math.PI) {
        const text = Object.is(value, -0) ? "-0e0" : value.toExponential();
        return number(value, text.replace("e", "E"));
      }
      // .5 and 5. are numbers too.
      if (form === "bare" && /^0\.\d+$/.test(plain)) return number(value, plain.slice(1));
      if (form === "bare" && /^\d+$/.test(plain)) return number(value, `${plain}.`);
      return number(value, plain);
    });
}

/** What formulas are made of. */
export interface Ingredients {
  readonly symbols: readonly string[];
  readonly literals: fc.Arbitrary<number>;
  /** All operators and functions unless a property has no use for some. */
  readonly without?: readonly Operator[];
}

const CONDITIONS = ["lt", "le", "gt", "ge", "eq", "ne"] as const;
const MOST_DEPTH = 5;

/** Random formulas that stand for numbers. */
export function formulas(
  { symbols, literals, without = [] }: Ingredients,
): fc.Arbitrary<Tree> {
  const isUsed = (op: Operator) => !without.includes(op);
  const names = Object.keys(FUNCTIONS) as FunctionName[];
  const unary = names.filter((name) => FUNCTIONS[name] === 1).filter(isUsed);
  const binary: Operator[] = [
    ...names.filter((name) => FUNCTIONS[name] === 2),
    "caret",
    ...["add", "sub", "mul", "div"] as const,
    // As often as in formulas that people write.
    ...["add", "sub", "mul", "div"] as const,
  ].filter((op) => isUsed(op as Operator)) as Operator[];
  const depth = fc.createDepthIdentifier();
  const deeper = { maxDepth: MOST_DEPTH, depthSize: "medium", depthIdentifier: depth } as const;

  const { value } = fc.letrec<{ value: Tree; condition: Tree }>((tie) => {
    const value = tie("value");
    const condition = tie("condition");
    return {
      value: fc.oneof(
        { ...deeper, withCrossShrink: true },
        { arbitrary: fc.constantFrom(...symbols).map(symbol), weight: 3 },
        { arbitrary: literal(literals), weight: 2 },
        {
          arbitrary: fc.tuple(fc.constantFrom<Operator>(...unary), value)
            .map(([op, a]) => node(op, a)),
          weight: 5,
        },
        { arbitrary: value.map((a) => node("neg", a)), weight: 1 },
        { arbitrary: value.map((a) => node("group", a)), weight: isUsed("group") ? 1 : 0 },
        {
          arbitrary: fc.tuple(fc.constantFrom<Operator>(...binary), value, value)
            .map(([op, a, b]) => node(op, a, b)),
          weight: 6,
        },
        {
          arbitrary: fc.tuple(condition, value, value)
            .map(([c, a, b]) => node("select", c, a, b)),
          weight: isUsed("select") ? 2 : 0,
        },
      ),
      condition: fc.oneof(
        { maxDepth: 3, depthSize: "small", withCrossShrink: true },
        {
          arbitrary: fc.tuple(fc.constantFrom<Operator>(...CONDITIONS), value, value)
            .map(([op, a, b]) => node(op, a, b)),
          weight: 4,
        },
        {
          arbitrary: fc.tuple(fc.constantFrom<Operator>("and", "or"), condition, condition)
            .map(([op, a, b]) => node(op, a, b)),
          weight: 1,
        },
        { arbitrary: condition.map((c) => node("not", c)), weight: 1 },
        { arbitrary: condition.map((c) => node("group", c)), weight: isUsed("group") ? 1 : 0 },
      ),
    };
  });
  return value;
}
