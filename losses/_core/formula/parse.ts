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
 *     unary       := ("-" | "not") unary | atom
 *     atom        := number | "pi" | name | function "(" conditional ("," conditional)* ")" | "(" conditional ")"
 *
 * From text to kernel: **parse** → graph → lower → wasm or interpret.
 */

import { type Binary, FUNCTIONS, type Graph, type Node, type Unary } from "./graph.ts";

/** Numbers, names, operators; the last alternative takes any other character, for the error message. */
const TOKEN =
  /\d+\.?\d*(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?|[A-Za-z]\w*|<=|>=|==|!=|[-+*/<>?:(),]|\S/g;
const SINGLE = /[\w<>?:(),+*/-]/;

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
  for (const token of tokens) {
    if (token.length === 1 && !SINGLE.test(token)) {
      throw new SyntaxError(`Cannot parse the formula as '${token}' is unknown: '${text}'`);
    }
  }
  return tokens;
}

/**
 * Parses a formula into a graph.
 *
 * @param graph The graph that the nodes are made in; texts parsed into one graph share equal nodes.
 * @param text The formula, such as `"abs(x - y) < beta ? square(x - y) / (2 * beta) : abs(x - y) - beta / 2"`.
 * @returns The root of the formula.
 * @throws {SyntaxError} If the text is not a formula.
 */
export function parse(graph: Graph, text: string): Node {
  const tokens = tokenize(text);
  let at = 0;

  const fail = (expected: string): never => {
    const found = at < tokens.length ? `'${tokens[at]}'` : "the end";
    throw new SyntaxError(
      `Cannot parse the formula as ${expected} is expected before ${found}: '${text}'`,
    );
  };
  const accept = (token: string): boolean => tokens[at] === token && ++at > 0;
  const expect = (token: string): void => {
    if (!accept(token)) fail(`'${token}'`);
  };

  function conditional(): Node {
    const condition = binary(0);
    if (!accept("?")) return condition;
    const yes = binary(0);
    expect(":");
    return graph.apply("select", condition, yes, conditional());
  }

  /** Operands joined by operators of precedence `least` or higher. */
  function binary(least: number): Node {
    let left = unary();
    let most = Infinity;
    for (;;) {
      const operator = OPERATORS.get(tokens[at]);
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
    if (accept("-")) {
      const operand = unary();
      return operand.op === "number" ? graph.number(-operand.value) : graph.apply("neg", operand);
    }
    if (accept("not")) return graph.apply("not", unary());
    return atom();
  }

  function atom(): Node {
    const token = tokens[at] ?? fail("a number, a name or '('");
    if (accept("(")) {
      const inner = conditional();
      expect(")");
      return inner;
    }
    if (/^[\d.]/.test(token)) {
      at++;
      return graph.number(Number(token));
    }
    if (!/^[A-Za-z]/.test(token)) return fail("a number, a name or '('");
    at++;
    if (!accept("(")) return token === "pi" ? graph.number(Math.PI) : graph.symbol(token);
    const arity = Object.hasOwn(FUNCTIONS, token) ? FUNCTIONS[token] : 0;
    if (arity === 0) {
      throw new SyntaxError(
        `Cannot parse the formula as '${token}' is not a function: known are ${
          Object.keys(FUNCTIONS).join(", ")
        }`,
      );
    }
    const args = [conditional()];
    while (args.length < arity) {
      expect(",");
      args.push(conditional());
    }
    expect(")");
    return graph.apply(token as Unary | Binary, ...args);
  }

  const root = conditional();
  if (at < tokens.length) fail("an operator");
  return root;
}
