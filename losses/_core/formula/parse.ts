/**
 * Reads a formula text into an expression graph.
 *
 * The syntax is a subset of that of mathjs, so that kernels, notebooks and tests read the same text:
 *
 *     conditional := or ("?" or ":" conditional)?
 *     or          := and ("or" and)*
 *     and         := comparison ("and" comparison)*
 *     comparison  := sum (("<" | "<=" | ">" | ">=" | "==" | "!=") sum)?
 *     sum         := product (("+" | "-") product)*
 *     product     := unary (("*" | "/") unary)*
 *     unary       := ("-" | "not") unary | power
 *     power       := atom ("^" unary)?
 *     atom        := number | constant | name | function "(" conditional ("," conditional)* ")" | "(" conditional ")"
 *
 * From text to kernel: **parse** → graph → lower → wasm or interpret.
 */

import { excerpt } from "./excerpt.ts";
import {
  type Binary,
  CONSTANTS,
  FUNCTIONS,
  type Node,
  type NodeTable,
  type Unary,
} from "./graph.ts";

/** The largest number of characters of a formula, which bounds the time to read it. */
export const MAX_LENGTH = 1_000_000;
/** The deepest nesting of parentheses and exponents, for which the parser recurses. */
export const MAX_NESTING = 200;

/** Numbers, names, operators; the last alternative takes any other character, for the error message. */
const TOKEN =
  /\d+\.?\d*(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?|[A-Za-z_]\w*|<=|>=|==|!=|[-+*/^<>?:(),]|\S/g;
const SINGLE = /[\w<>?:(),+*/^-]/;

/** Binary operators with their precedence. */
const OPERATORS: ReadonlyMap<string, readonly [op: Binary, level: number]> = new Map([
  ["or", ["or", 0]],
  ["and", ["and", 1]],
  ["<", ["lt", 2]],
  ["<=", ["le", 2]],
  [">", ["gt", 2]],
  [">=", ["ge", 2]],
  ["==", ["eq", 2]],
  ["!=", ["ne", 2]],
  ["+", ["add", 3]],
  ["-", ["sub", 3]],
  ["*", ["mul", 4]],
  ["/", ["div", 4]],
]);
const COMPARISON = 2;

function tokenize(text: string): string[] {
  const tokens: string[] = text.match(TOKEN) ?? [];
  for (let i = 0; i < tokens.length; i++) {
    const token = tokens[i]!;
    if (token.length === 1 && !SINGLE.test(token)) {
      throw new SyntaxError(
        `Cannot parse the formula as '${token}' is unknown: '${excerptAt(text, i)}'`,
      );
    }
  }
  return tokens;
}

/** The part of a text around its token number `index`, or its end. */
function excerptAt(text: string, index: number): string {
  return excerpt(text, [...text.matchAll(TOKEN)][index]?.index ?? text.length);
}

/**
 * Parses a formula into a graph.
 *
 * @param graph The graph that the nodes are made in; texts parsed into one graph share equal nodes.
 * @param text The formula, such as `"abs(x - y) < beta ? square(x - y) / (2 * beta) : abs(x - y) - beta / 2"`.
 * @returns The root of the formula.
 * @throws {SyntaxError} If the text is not a formula.
 * @throws {TypeError} If there is a number in place of a condition, or the reverse.
 * @throws {RangeError} If the formula is too long or nested too deep.
 */
export function parse(graph: NodeTable, text: string): Node {
  if (text.length > MAX_LENGTH) {
    throw new RangeError(
      `Cannot parse the formula as it is longer than ${MAX_LENGTH} characters: current length is ${text.length}`,
    );
  }
  const tokens = tokenize(text);
  let at = 0;
  let nesting = 0;

  const fail = (expected: string): never => {
    const found = at < tokens.length ? `'${excerpt(tokens[at]!)}'` : "the end";
    throw new SyntaxError(
      `Cannot parse the formula as ${expected} is expected before ${found}: '${
        excerptAt(text, at)
      }'`,
    );
  };
  const accept = (token: string): boolean => tokens[at] === token && ++at > 0;
  const expect = (token: string): void => {
    if (!accept(token)) fail(`'${token}'`);
  };

  function conditional(): Node {
    const cases: [condition: Node, value: Node][] = [];
    let last = binary(0);
    while (accept("?")) {
      const value = binary(0);
      expect(":");
      cases.push([last, value]);
      last = binary(0);
    }
    return cases.reduceRight((rest, [a, b]) => graph.apply("select", a, b, rest), last);
  }

  /** Operands joined by operators of precedence `least` or higher. */
  function binary(least: number): Node {
    let left = unary();
    let most = Infinity;
    for (;;) {
      const operator = OPERATORS.get(tokens[at]!);
      if (operator === undefined) return left;
      const [op, level] = operator;
      if (level < least || level > most) return left;
      at++;
      left = graph.apply(op, left, binary(level + 1));
      // No a < b < c: mathjs reads it as a < b and b < c.
      most = level === COMPARISON ? level - 1 : level;
    }
  }

  function unary(): Node {
    const first = at;
    while (accept("-") || accept("not"));
    let operator = at;
    let node = power();
    while (operator > first) {
      if (tokens[--operator] === "not") node = graph.apply("not", node);
      else if (node.op === "number") node = graph.number(-node.value);
      else node = graph.apply("neg", node);
    }
    return node;
  }

  /** Binds more tightly than a sign in front of it: -x ^ 2 is -(x ^ 2). */
  function power(): Node {
    const base = atom();
    return accept("^") ? graph.apply("pow", base, nested(unary)) : base;
  }

  /** A part of the formula one level deeper. */
  function nested(read: () => Node): Node {
    if (++nesting > MAX_NESTING) {
      throw new RangeError(
        `Cannot parse the formula as its parentheses and exponents are nested more than ${MAX_NESTING} levels deep`,
      );
    }
    const node = read();
    nesting--;
    return node;
  }

  function atom(): Node {
    const token = tokens[at] ?? fail("a number, a name or '('");
    if (accept("(")) {
      const inner = nested(conditional);
      expect(")");
      return inner;
    }
    if (/^[\d.]/.test(token)) {
      at++;
      return graph.number(Number(token));
    }
    if (!/^[A-Za-z_]/.test(token) || OPERATORS.has(token)) {
      return fail("a number, a name or '('");
    }
    at++;
    if (!accept("(")) {
      const constant = CONSTANTS.get(token);
      return constant === undefined ? graph.symbol(token) : graph.number(constant);
    }
    const arity = Object.hasOwn(FUNCTIONS, token) ? FUNCTIONS[token]! : 0;
    if (arity === 0) {
      throw new SyntaxError(
        `Cannot parse the formula as '${excerpt(token)}' is not a function: known are ${
          Object.keys(FUNCTIONS).join(", ")
        }`,
      );
    }
    const args = [nested(conditional)];
    while (args.length < arity) {
      expect(",");
      args.push(nested(conditional));
    }
    expect(")");
    return graph.apply(token as Unary | Binary, ...args);
  }

  const root = conditional();
  if (at < tokens.length) fail("an operator");
  return root;
}
