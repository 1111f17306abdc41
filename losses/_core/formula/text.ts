/**
 * Prints an expression graph as formula text, which parse.ts and mathjs read back.
 */

import { FUNCTIONS, type Node } from "./graph.ts";

const INFIX: Readonly<Record<string, readonly [sign: string, precedence: number]>> = {
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
};
const UNARY = 6;
const ATOM = 7;

/**
 * Prints a formula as text.
 *
 * @param node The formula.
 * @param needed Put into parentheses if its precedence is lower than this.
 * @returns The text.
 */
export function print(node: Node, needed = 0): string {
  const [text, precedence] = visit(node);
  return precedence < needed ? `(${text})` : text;
}

function visit(node: Node): [text: string, precedence: number] {
  const [a, b, c] = node.args;
  if (node.op in FUNCTIONS) {
    return [`${node.op}(${node.args.map((arg) => print(arg)).join(", ")})`, ATOM];
  }
  switch (node.op) {
    case "number":
      return [node.value === Math.PI ? "pi" : String(node.value), node.value < 0 ? UNARY : ATOM];
    case "symbol":
      return [node.name, ATOM];
    case "neg":
      return [`-${print(a, UNARY)}`, UNARY];
    case "not":
      return [`not ${print(a, UNARY)}`, UNARY];
    case "select":
      return [`${print(a, 1)} ? ${print(b, 1)} : ${print(c)}`, 0];
    default: {
      const [sign, precedence] = INFIX[node.op];
      return [`${print(a, precedence)} ${sign} ${print(b, precedence + 1)}`, precedence];
    }
  }
}
