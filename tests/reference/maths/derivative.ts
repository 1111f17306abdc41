/**
 * mathjs's symbolic derivative, extended to functions and branches that mathjs cannot differentiate.
 *
 * Such a part u is replaced by a symbol, mathjs differentiates the rest, and the chain rule joins the two:
 * d f(x, u) / dx = ∂f/∂x + ∂f/∂u · du/dx. At a kink the value is PyTorch's.
 */

import type { FunctionNode, MathNode } from "mathjs";
import { doubles, type Formula, parse, symbolsOf } from "./math_engine.ts";

/** The derivative of each function with respect to its arguments u and v, as text. */
const RULES: Record<string, readonly string[]> = {
  abs: ["sign(u)"],
  sign: ["0"],
  log1p: ["1 / (1 + u)"],
  sigmoid: ["sigmoid(u) * sigmoid(-u)"], // sigmoid(-u) is 1 - sigmoid(u) without cancellation
  softplus: ["sigmoid(u)"],
  xlogy: ["log(v)", "u / v"],
  hinge: ["u > 0 ? 1 : 0"],
  // PyTorch gives half of the gradient to each of two equal arguments.
  min: ["u < v ? 1 : u > v ? 0 : 1 / 2", "v < u ? 1 : v > u ? 0 : 1 / 2"],
  max: ["u > v ? 1 : u < v ? 0 : 1 / 2", "v > u ? 1 : v < u ? 0 : 1 / 2"],
};

/**
 * The derivative of a formula with respect to one symbol.
 *
 * @param formula The formula. Both branches of a condition are differentiated, and the condition is kept.
 * @param symbol The symbol with respect to which to differentiate.
 * @returns A node: print it (`toTex` of the kit), evaluate it (`.evaluate({ x: 1 })`, or `oracle` for 64 digits).
 *
 * @example
 * ```ts
 * derivative("abs(x) < 1 ? square(x) / 2 : abs(x) - 1 / 2", "x").toString(); // "abs(x) < 1 ? x : sign(x)"
 * ```
 */
export function derivative(formula: Formula, symbol: string): MathNode {
  if (!/^[A-Za-z]\w*$/.test(symbol)) {
    throw new TypeError(`Cannot differentiate with respect to "${symbol}" as it is not a symbol`);
  }
  return differentiate(parse(formula).transform(squareAsPower), symbol);
}

/** u^2 for square(u), which mathjs cannot differentiate. */
function squareAsPower(node: MathNode): MathNode {
  if (!doubles.isFunctionNode(node) || node.fn.name !== "square") return node;
  const [base] = node.args;
  return new doubles.OperatorNode("^", "pow", [
    new doubles.ParenthesisNode(base.transform(squareAsPower)),
    new doubles.ConstantNode(2),
  ]);
}

function differentiate(node: MathNode, symbol: string): MathNode {
  if (!symbolsOf(node).includes(symbol)) return new doubles.ConstantNode(0);
  if (doubles.isParenthesisNode(node)) return differentiate(node.content, symbol);
  if (doubles.isConditionalNode(node)) {
    const { condition, trueExpr, falseExpr } = node;
    return choice(condition, differentiate(trueExpr, symbol), differentiate(falseExpr, symbol));
  }
  const parts = new Map<string, MathNode>();
  const rest = node.transform((part) => {
    if (!isReplaced(part)) return part;
    const name = `part${parts.size}`;
    parts.set(name, part);
    return new doubles.SymbolNode(name);
  });
  const back = (partial: MathNode) =>
    partial.transform((n) => (doubles.isSymbolNode(n) && parts.get(n.name)) || n);

  let sum = back(doubles.derivative(rest, symbol));
  for (const [name, part] of parts) {
    const outer = back(doubles.derivative(rest, name));
    sum = plus(sum, times(outer, inner(part, symbol)));
  }
  return sum;
}

function isReplaced(node: MathNode): boolean {
  if (doubles.isConditionalNode(node)) return true;
  return doubles.isFunctionNode(node) && Object.hasOwn(RULES, node.fn.name);
}

/** The derivative of a part that was replaced by a symbol. */
function inner(part: MathNode, symbol: string): MathNode {
  if (!doubles.isFunctionNode(part)) return differentiate(part, symbol);
  const rules = RULES[part.fn.name];
  if (rules.length !== part.args.length) {
    throw new TypeError(
      `Cannot differentiate ${part} as ${part.fn.name} takes ${rules.length} arguments here: current number is ${part.args.length}`,
    );
  }
  return part.args.reduce<MathNode>(
    (sum, arg, i) => plus(sum, times(applied(rules[i], part), differentiate(arg, symbol))),
    new doubles.ConstantNode(0),
  );
}

/** A rule with the arguments of a call for u and v. */
function applied(rule: string, call: FunctionNode): MathNode {
  const [u, v] = call.args;
  return parse(rule).transform((node) => {
    if (!doubles.isSymbolNode(node)) return node;
    return node.name === "u" ? u : node.name === "v" ? v : node;
  });
}

function choice(condition: MathNode, yes: MathNode, no: MathNode): MathNode {
  return yes.toString() === no.toString() ? yes : new doubles.ConditionalNode(condition, yes, no);
}

function plus(a: MathNode, b: MathNode): MathNode {
  if (isNumber(a, 0)) return b;
  if (isNumber(b, 0)) return a;
  return tidy(new doubles.OperatorNode("+", "add", [a, b]));
}

function times(a: MathNode, b: MathNode): MathNode {
  if (isNumber(a, 0) || isNumber(b, 0)) return new doubles.ConstantNode(0);
  if (isNumber(a, 1)) return b;
  if (isNumber(b, 1)) return a;
  // A factor is moved into the branches: c ? 2 : 0 is easier to read than 2 * (c ? 1 : 0).
  if (doubles.isConditionalNode(b)) {
    return choice(b.condition, times(a, b.trueExpr), times(a, b.falseExpr));
  }
  if (doubles.isConditionalNode(a)) return times(b, a);
  return tidy(new doubles.OperatorNode("*", "multiply", [a, b]));
}

function isNumber(node: MathNode, value: number): boolean {
  return doubles.isConstantNode(node) && node.value === value;
}

/** Simplifies by mathjs's rules, which do not work on conditions. */
function tidy(node: MathNode): MathNode {
  const conditional = node.filter((n) => doubles.isConditionalNode(n)).length > 0;
  return conditional ? node : doubles.simplify(node);
}
