/**
 * Prints an expression graph as formula text, which parse.ts and mathjs read back.
 */

import { argumentsFirst, FUNCTIONS, type Node, type Operands } from "./graph.ts";
import { MAX_LENGTH } from "./parse.ts";

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

type Printed = readonly [text: string, precedence: number];

/**
 * Prints a formula.
 *
 * @param root The formula.
 * @returns Its text.
 * @throws {RangeError} If the text is too long to be read back: what the graph shares is printed wherever it occurs.
 */
export function print(root: Node): string {
  const printed = new Map<Node, Printed>();
  /** The text of a node, in parentheses if its precedence is too low. */
  const show = (node: Node, precedence = 0) => {
    const [text, own] = printed.get(node)!;
    return own < precedence ? `(${text})` : text;
  };
  for (const node of argumentsFirst(root)) {
    const result = printNode(node, show);
    if (result[0].length > MAX_LENGTH) {
      throw new RangeError(
        `Cannot print the formula as its text is longer than ${MAX_LENGTH} characters`,
      );
    }
    printed.set(node, result);
  }
  return show(root);
}

function printNode(node: Node, show: (node: Node, precedence?: number) => string): Printed {
  const [a, b, c] = node.args as Operands;
  if (Object.hasOwn(FUNCTIONS, node.op)) {
    return [`${node.op}(${node.args.map((arg) => show(arg)).join(", ")})`, ATOM];
  }
  switch (node.op) {
    case "number":
      return printNumber(node.value);
    case "symbol":
      return [node.name, ATOM];
    case "neg":
      return [`-${show(a, UNARY)}`, UNARY];
    case "not":
      return [`not ${show(a, UNARY)}`, UNARY];
    case "select":
      return [`${show(a, 1)} ? ${show(b, 1)} : ${show(c)}`, 0];
    default: {
      const [sign, precedence] = INFIX[node.op]!;
      return [`${show(a, precedence)} ${sign} ${show(b, precedence + 1)}`, precedence];
    }
  }
}

function printNumber(value: number): Printed {
  if (Object.is(value, -0)) return ["-0", UNARY];
  return [value === Math.PI ? "pi" : String(value), value < 0 ? UNARY : ATOM];
}
