/**
 * Prints an expression graph as LaTeX, so that the formula on a page is the one that runs.
 */

import type { Node } from "./graph.ts";

const SUM = 4;
const INFIX: Readonly<Record<string, readonly [sign: string, precedence: number]>> = {
  or: ["\\lor", 1],
  and: ["\\land", 2],
  lt: ["<", 3],
  le: ["\\le", 3],
  gt: [">", 3],
  ge: ["\\ge", 3],
  eq: ["=", 3],
  ne: ["\\ne", 3],
  sub: ["-", SUM],
  mul: ["\\,", 5],
};
const UNARY = 5;
const ATOM = 9;

const GREEK = new Set([
  "alpha",
  "beta",
  "gamma",
  "delta",
  "epsilon",
  "eps",
  "lambda",
  "mu",
  "sigma",
]);

/** `beta` as `\beta`, `posWeight` as `\mathrm{posWeight}`, one letter as it is. */
function symbol(name: string): string {
  if (name === "eps") return "\\varepsilon";
  if (GREEK.has(name)) return `\\${name}`;
  const indexed = /^([A-Za-z])(\d+)$/.exec(name);
  if (indexed) return `${indexed[1]}_{${indexed[2]}}`;
  return name.length === 1 ? name : `\\mathrm{${name}}`;
}

function number(value: number): string {
  if (value === Math.PI) return "\\pi";
  const [mantissa, exponent] = String(value).split("e");
  if (exponent === undefined) return mantissa;
  const power = `10^{${Number(exponent)}}`;
  return mantissa === "1" ? power : `${mantissa} \\cdot ${power}`;
}

/**
 * A formula as LaTeX, without dollar signs.
 *
 * @param node The formula.
 * @param names How symbols are to be written, such as `{ x: "\\hat y" }`; Greek names become Greek letters by themselves.
 * @returns LaTeX for use inside `$…$`.
 */
export function latex(node: Node, names: Readonly<Record<string, string>> = {}): string {
  /** The text of a node, in parentheses if it binds less tightly than its surroundings need. */
  const print = (node: Node, needed = 0): string => {
    const [text, precedence] = visit(node);
    return precedence < needed ? `\\left(${text}\\right)` : text;
  };
  const call = (
    name: string,
    node: Node,
  ): [string, number] => [`${name}\\left(${print(node)}\\right)`, ATOM];

  function visit(node: Node): [text: string, precedence: number] {
    const [a, b, c] = node.args;
    switch (node.op) {
      case "number":
        return [number(node.value), node.value < 0 ? UNARY - 1 : ATOM];
      case "symbol":
        return [names[node.name] ?? symbol(node.name), ATOM];
      case "neg":
        return [`-${print(a, UNARY)}`, UNARY - 1];
      case "not":
        return call("\\lnot", a);
      case "abs":
        return [`\\left|${print(a)}\\right|`, ATOM];
      case "square":
        return [`${print(a, ATOM)}^{2}`, ATOM - 1];
      case "sqrt":
        return [`\\sqrt{${print(a)}}`, ATOM];
      case "exp":
        return [`e^{${print(a)}}`, ATOM - 1];
      case "div":
        return [`\\frac{${print(a)}}{${print(b)}}`, ATOM - 1];
      case "pow":
        return [`${print(a, ATOM)}^{${print(b)}}`, ATOM - 1];
      case "log":
        return call("\\log", a);
      case "log1p":
        return [`\\log\\left(1 ${plus(a)}\\right)`, ATOM];
      case "sigmoid":
        return call("\\sigma", a);
      case "softplus":
        return [`\\log\\left(1 + e^{${print(a)}}\\right)`, ATOM];
      case "sign":
        return call("\\operatorname{sign}", a);
      case "hinge":
      case "strictHinge":
        return [`\\max\\left(0, ${print(a)}\\right)`, ATOM];
      case "min":
      case "max":
        return [`\\${node.op}\\left(${print(a)}, ${print(b)}\\right)`, ATOM];
      case "xlogy":
        return [`${print(a, UNARY)}\\,\\log\\left(${print(b)}\\right)`, UNARY];
      case "select":
        return cases(a, b, c);
      case "add":
        return [`${print(a, SUM)} ${plus(b)}`, SUM];
      default: {
        const [sign, precedence] = INFIX[node.op];
        // The right operand of a minus needs parentheses around a sum: a - (b + c).
        const right = print(
          b,
          node.op === "sub" || node.op === "mul" ? precedence + 1 : precedence,
        );
        const space = node.op === "mul" && /^[\d-]/.test(right) ? "\\cdot" : sign;
        return [`${print(a, precedence)} ${space} ${right}`, precedence];
      }
    }
  }

  /** A term that is added: `+ b`, or `- b` for the opposite. */
  function plus(node: Node): string {
    return node.op === "neg" ? `- ${print(node.args[0], SUM + 1)}` : `+ ${print(node, SUM)}`;
  }

  /** A chain of conditionals as one `cases` block. */
  function cases(condition: Node, yes: Node, no: Node): [string, number] {
    const rows = [`${print(yes)} & ${print(condition)}`];
    let rest = no;
    while (rest.op === "select") {
      rows.push(`${print(rest.args[1])} & ${print(rest.args[0])}`);
      rest = rest.args[2];
    }
    rows.push(`${print(rest)} & \\text{otherwise}`);
    return [`\\begin{cases}${rows.join(" \\\\ ")}\\end{cases}`, 0];
  }

  return print(node);
}
