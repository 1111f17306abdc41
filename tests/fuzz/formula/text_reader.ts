/** Reads a formula text into a tree, by the documented grammar and without the library's parser. */
import {
  FUNCTIONS,
  type InfixName,
  node,
  number,
  type Operator,
  symbol,
  type Tree,
} from "./tree.ts";

const TOKEN = /(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|[A-Za-z_]\w*|[<>=!]=|\S/g;

/** Names that stand for numbers. */
const CONSTANTS: ReadonlyMap<string, number> = new Map([
  ["pi", Math.PI],
  ["Infinity", Infinity],
  ["NaN", NaN],
]);

/** From the loosest operators to the tightest; all group to the left. */
const LEVELS: readonly Readonly<Record<string, InfixName>>[] = [
  { or: "or" },
  { and: "and" },
  { "<": "lt", "<=": "le", ">": "gt", ">=": "ge", "==": "eq", "!=": "ne" },
  { "+": "add", "-": "sub" },
  { "*": "mul", "/": "div" },
];

/** Reads a formula; what is no formula is an error. */
export function readText(text: string): Tree {
  const tokens = text.match(TOKEN) ?? [];
  let at = 0;
  const take = (wanted: string): void => {
    if (tokens[at] !== wanted) throw new SyntaxError(`'${wanted}' is wanted at ${at} of ${text}`);
    at++;
  };

  const choice = (): Tree => {
    const condition = infix(0);
    if (tokens[at] !== "?") return condition;
    take("?");
    const yes = infix(0);
    take(":");
    return node("select", condition, yes, choice());
  };
  const infix = (level: number): Tree => {
    if (level === LEVELS.length) return prefix();
    let left = infix(level + 1);
    for (let op = LEVELS[level][tokens[at]]; op !== undefined; op = LEVELS[level][tokens[at]]) {
      at++;
      left = node(op, left, infix(level + 1));
    }
    return left;
  };
  const prefix = (): Tree => {
    const token = tokens[at];
    if (token === "-" || token === "not") {
      at++;
      return node(token === "-" ? "neg" : "not", prefix());
    }
    return power();
  };
  const power = (): Tree => {
    const base = atom();
    if (tokens[at] !== "^") return base;
    at++;
    return node("caret", base, prefix());
  };
  const atom = (): Tree => {
    const token = tokens[at++] ?? "the end";
    if (token === "(") {
      const inner = choice();
      take(")");
      return node("group", inner);
    }
    if (/^[\d.]/.test(token)) return number(Number(token), token);
    if (!/^[A-Za-z_]/.test(token)) throw new SyntaxError(`'${token}' is no formula: ${text}`);
    if (tokens[at] !== "(") {
      const constant = CONSTANTS.get(token);
      return constant === undefined ? symbol(token) : number(constant, token);
    }
    if (!Object.hasOwn(FUNCTIONS, token)) throw new SyntaxError(`'${token}' is no function`);
    at++;
    const args = [choice()];
    while (tokens[at] === ",") {
      at++;
      args.push(choice());
    }
    take(")");
    return node(token as Operator, ...args);
  };

  const tree = choice();
  if (at < tokens.length) throw new SyntaxError(`'${tokens[at]}' is too much in ${text}`);
  return tree;
}
