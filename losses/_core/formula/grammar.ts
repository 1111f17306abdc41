/**
 * The language of formulas: what its texts mean.
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
 * From text to kernel: **read** → lower → wasm or interpret.
 */

/** Operators that take one argument. */
export type Unary =
  | "neg"
  | "not"
  | "abs"
  | "sign"
  | "square"
  | "sqrt"
  | "exp"
  | "log"
  | "log1p"
  | "sigmoid"
  | "softplus"
  | "hinge";

/** Operators that take two arguments. */
export type Binary =
  | "add"
  | "sub"
  | "mul"
  | "div"
  | "pow"
  | "min"
  | "max"
  | "xlogy"
  | "lt"
  | "le"
  | "gt"
  | "ge"
  | "eq"
  | "ne"
  | "and"
  | "or";

/** All operators. */
export type Operator = Unary | Binary | "select";

/** What a formula is made into: the nodes of a graph, or the values of a program. */
export interface Builder<T> {
  /** A number that is written in the formula. */
  number(value: number): T;
  /** A name that is not the name of a number. */
  symbol(name: string): T;
  /** An operator applied to its arguments. */
  apply(operator: Operator, ...args: readonly T[]): T;
  /** A minus sign before an argument; a number for a number. */
  minus(argument: T): T;
  /** The number of arguments of a function; Infinity if it need not be checked. */
  arity(name: string): number;
}

/** The deepest nesting of parentheses and exponents, for which the parser recurses. */
export const MAX_NESTING = 200;
/** The precedence of comparisons. */
const COMPARISON = 2;

/** Numbers, names, operators; the last alternative takes any other character, for the error message. */
export const TOKEN: RegExp =
  /\d+\.?\d*(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?|[A-Za-z_]\w*|<=|>=|==|!=|[-+*/^<>?:(),]|\S/g;

/** Binary operators with their precedence. */
const OPERATORS: ReadonlyMap<string, readonly [op: Binary, level: number]> = new Map([
  ["or", ["or", 0]],
  ["and", ["and", 1]],
  ["<", ["lt", COMPARISON]],
  ["<=", ["le", COMPARISON]],
  [">", ["gt", COMPARISON]],
  [">=", ["ge", COMPARISON]],
  ["==", ["eq", COMPARISON]],
  ["!=", ["ne", COMPARISON]],
  ["+", ["add", 3]],
  ["-", ["sub", 3]],
  ["*", ["mul", 4]],
  ["/", ["div", 4]],
]);

/** Names of numbers, as in mathjs. */
const CONSTANTS: ReadonlyMap<string, number> = new Map([
  ["pi", Math.PI],
  ["Infinity", Infinity],
  ["NaN", NaN],
]);

/**
 * Makes the error for a text that is not a formula, as something else is expected in place of its token number `at`; for one
 * that is nested too deep if it is not said what.
 */
export type Refuse = (text: string, at: number, expected?: string) => Error;

/** The error for a text of our own. That of a user has been read by parse.ts before, which says what is wrong. */
const refuseShortly: Refuse = (text) => new SyntaxError(`Cannot parse '${text}'`);

/**
 * Reads a formula, such as `"abs(x - y) < beta ? square(x - y) / (2 * beta) : abs(x - y) - beta / 2"`.
 *
 * @param text The formula.
 * @param to What it is made into, arguments before what they are arguments of.
 * @param refuse Makes the error for a text that is not a formula.
 * @returns The whole of it.
 */
export function read<T>(text: string, to: Builder<T>, refuse: Refuse = refuseShortly): T {
  const tokens: string[] = text.match(TOKEN) ?? [];
  let at = 0;
  let nesting = 0;

  const fail = (expected: string): never => {
    throw refuse(text, at, expected);
  };
  const accept = (token: string): boolean => tokens[at] === token && ++at > 0;
  const expect = (token: string): void => {
    if (!accept(token)) fail(`'${token}'`);
  };

  function conditional(): T {
    const cases: [condition: T, value: T][] = [];
    let last = binary(0);
    while (accept("?")) {
      const value = binary(0);
      expect(":");
      cases.push([last, value]);
      last = binary(0);
    }
    return cases.reduceRight((rest, [a, b]) => to.apply("select", a, b, rest), last);
  }

  /** Operands joined by operators of precedence `least` or higher. */
  function binary(least: number): T {
    let left = unary();
    let most = Infinity;
    for (;;) {
      const operator = OPERATORS.get(tokens[at]!);
      if (operator === undefined) return left;
      const [op, level] = operator;
      if (level < least || level > most) return left;
      at++;
      left = to.apply(op, left, binary(level + 1));
      // No a < b < c: mathjs reads it as a < b and b < c.
      most = level === COMPARISON ? level - 1 : level;
    }
  }

  function unary(): T {
    const first = at;
    while (accept("-") || accept("not"));
    let operator = at;
    let value = power();
    while (operator > first) {
      value = tokens[--operator] === "-" ? to.minus(value) : to.apply("not", value);
    }
    return value;
  }

  /** Binds more tightly than a sign in front of it: -x ^ 2 is -(x ^ 2). */
  function power(): T {
    const base = atom();
    return accept("^") ? to.apply("pow", base, nested(unary)) : base;
  }

  /** A part of the formula one level deeper. */
  function nested(part: () => T): T {
    if (++nesting > MAX_NESTING) throw refuse(text, at);
    const value = part();
    nesting--;
    return value;
  }

  function atom(): T {
    const token = tokens[at] ?? "";
    if (accept("(")) {
      const inner = nested(conditional);
      expect(")");
      return inner;
    }
    if (!/^[\w.]/.test(token) || OPERATORS.has(token)) return fail("a number, a name or '('");
    at++;
    if (/^[\d.]/.test(token)) return to.number(Number(token));
    if (!accept("(")) {
      const constant = CONSTANTS.get(token);
      return constant === undefined ? to.symbol(token) : to.number(constant);
    }
    const arity = to.arity(token);
    const args = [nested(conditional)];
    while (args.length < arity) {
      if (arity < Infinity) expect(",");
      else if (!accept(",")) break;
      args.push(nested(conditional));
    }
    expect(")");
    return to.apply(token as Operator, ...args);
  }

  const root = conditional();
  if (at < tokens.length) fail("an operator");
  return root;
}
