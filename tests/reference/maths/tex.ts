/** Formulas as TeX, as a mathematician would set them. */

import type { FunctionNode, MathNode, OperatorNode } from "mathjs";
import { doubles, type Formula, parse } from "./math_engine.ts";

const GREEK = new Set(
  ("alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi pi rho sigma tau " +
    "upsilon phi chi psi omega").split(" "),
);

/** How the functions of the formulas are set, given the TeX of their arguments. */
const FUNCTIONS: Record<string, (u: string, v: string) => string> = {
  log: (u) => String.raw`\log\left(${u}\right)`,
  log1p: (u) => String.raw`\log\left(1 ${u.startsWith("-") ? u : `+ ${u}`}\right)`,
  xlogy: (u, v) => String.raw`\left(${u}\right) \log\left(${v}\right)`,
  exp: (u) => `e^{${u}}`,
  sigmoid: (u) => String.raw`\sigma\left(${u}\right)`,
  softplus: (u) => String.raw`\operatorname{softplus}\left(${u}\right)`,
  sign: (u) => String.raw`\operatorname{sign}\left(${u}\right)`,
  square: (u) => String.raw`\left(${u}\right)^{2}`,
  hinge: (u) => String.raw`\max\left(0, ${u}\right)`,
  strictHinge: (u) => String.raw`\max\left(0, ${u}\right)`,
  min: (u, v) => String.raw`\min\left(${u}, ${v}\right)`,
  max: (u, v) => String.raw`\max\left(${u}, ${v}\right)`,
};

/**
 * The TeX of a formula, without dollar signs.
 *
 * @param formula The formula.
 * @param symbols The TeX of symbols that should not print as themselves.
 * @returns TeX that MathJax and KaTeX set: `$` + it + `$` in a text cell, or the kit's `tex`.
 *
 * @example
 * ```ts
 * toTex("abs(x - y) / beta", { x: "\\hat{y}" }); // \frac{\left|\hat{y}-y\right|}{\beta}
 * ```
 */
export function toTex(formula: Formula, symbols: Record<string, string> = {}): string {
  const handler = (node: MathNode, options: object): string | undefined => {
    const tex = (n: MathNode) => n.toTex(options).trim();
    const own = ownTex(node, tex, symbols);
    return own && ` ${own}`; // or the command before would swallow it: \geq y, not \geqy
  };
  return parse(formula).toTex({ handler, parenthesis: "auto" })
    // A dot only where a number or a sign would otherwise run into its neighbour.
    .replace(/\\cdot\s*(?![\s{]*[-\d])/g, String.raw`\,`)
    // A space matters only between a command and a letter.
    .replace(/(?<!\\[A-Za-z]+)\s+|\s+(?![A-Za-z])/g, "");
}

function ownTex(
  node: MathNode,
  tex: (node: MathNode) => string,
  symbols: Record<string, string>,
): string | undefined {
  if (doubles.isSymbolNode(node)) return symbols[node.name] ?? symbol(node.name);
  if (doubles.isConditionalNode(node)) return cases(node, tex);
  if (doubles.isFunctionNode(node)) return call(node, tex);
  if (!doubles.isOperatorNode(node)) return undefined;
  const [first, second] = node.args.map(bare);
  if (node.fn === "unaryMinus" && isOperator(first, "multiply", "divide")) return `-${tex(first)}`;
  if (node.fn === "divide" && isOperator(first, "divide")) { // a / b / c as one fraction
    const [over, under] = first.args;
    return tex(
      new doubles.OperatorNode("/", "divide", [
        over,
        new doubles.OperatorNode("*", "multiply", [under, second]),
      ]),
    );
  }
  return undefined;
}

function isOperator(node: MathNode, ...names: string[]): node is OperatorNode {
  return doubles.isOperatorNode(node) && names.includes(node.fn);
}

function bare(node: MathNode): MathNode {
  return doubles.isParenthesisNode(node) ? bare(node.content) : node;
}

function call(node: FunctionNode, tex: (node: MathNode) => string): string | undefined {
  const [u, v] = node.args.map(tex);
  const simple = doubles.isSymbolNode(node.args[0]);
  if (node.fn.name === "square" && simple) return `${u}^{2}`;
  if (node.fn.name === "xlogy" && simple) return String.raw`${u} \log\left(${v}\right)`;
  return FUNCTIONS[node.fn.name]?.(u, v);
}

/** Single letters in italics, Greek letters as such, words upright, trailing digits as an index. */
function symbol(name: string): string {
  const [, word, index] = /^(.*?)_?(\d*)$/.exec(name) ?? ["", name, ""];
  const base = word === "eps"
    ? String.raw`\varepsilon`
    : GREEK.has(word)
    ? `\\${word}`
    : word.length === 1
    ? word
    : String.raw`\mathrm{${word.replaceAll("_", String.raw`\_`)}}`;
  return index === "" ? base : `${base}_{${index}}`;
}

/** One row per branch; a condition in the last branch continues the list instead of nesting. */
function cases(node: MathNode, tex: (node: MathNode) => string): string {
  const rows: string[] = [];
  let rest = node;
  for (;;) {
    rest = bare(rest);
    if (!doubles.isConditionalNode(rest)) break;
    rows.push(String.raw`${tex(rest.trueExpr)} & \text{if}\; ${tex(rest.condition)}`);
    rest = rest.falseExpr;
  }
  rows.push(String.raw`${tex(rest)} & \text{otherwise}`);
  return String.raw`\begin{cases} ${rows.join(String.raw` \\ `)} \end{cases}`;
}
