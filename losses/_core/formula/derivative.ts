/**
 * Differentiates an expression graph symbolically.
 *
 * At a kink the derivative is a matter of convention; the conventions here are those of PyTorch:
 *
 * | function      | where             | derivative there                       |
 * | ------------- | ----------------- | -------------------------------------- |
 * | `abs(a)`      | a = 0 or NaN      | 0                                      |
 * | `sign(a)`     | a = 0             | 0                                      |
 * | `hinge(a)`    | a = 0 or NaN      | 0, as for clamp_min                    |
 * | `min`, `max`  | a = b             | the mean of the two derivatives        |
 * |               | a or b is NaN     | the sum of the two derivatives         |
 * | `pow(a, b)`   | b = 0             | 0 with respect to a, also if a = 0     |
 * |               | a = 0 and b ≥ 0   | 0 with respect to b                    |
 * | `xlogy(a, b)` | a = 0 and b ≤ 0   | 0 with respect to a                    |
 * | `c ? a : b`   |                   | that of the branch taken               |
 */

import {
  argumentsFirst,
  type Graph,
  isCondition,
  isNumber,
  type Node,
  type Operands,
} from "./graph.ts";

/**
 * Differentiates a formula with respect to a symbol.
 *
 * @param graph The graph that `root` was made in, and that the derivative is made in.
 * @param root The formula.
 * @param symbol The name of the symbol.
 * @returns The derivative, with sums and products with 0 and 1 simplified.
 */
export function derivative(graph: Graph, root: Node, symbol: string): Node {
  const known = new Map<Node, Node>();
  const zero = graph.number(0);
  const one = graph.number(1);
  const two = graph.number(2);

  const d = (node: Node): Node => known.get(node)!;

  function rule(node: Node): Node {
    const [a, b, c] = node.args as Operands;
    switch (node.op) {
      case "symbol":
        return one;
      case "neg":
        return graph.neg(d(a));
      case "add":
        return graph.add(d(a), d(b));
      case "sub":
        return graph.sub(d(a), d(b));
      case "mul":
        return graph.add(graph.mul(d(a), b), graph.mul(a, d(b)));
      case "div":
        // (a / b)' = (a' - (a / b) b') / b
        return graph.div(graph.sub(d(a), graph.mul(node, d(b))), b);
      case "square":
        return graph.mul(graph.mul(two, a), d(a));
      case "sqrt":
        return graph.div(d(a), graph.mul(two, node));
      case "exp":
        return graph.mul(node, d(a));
      case "log":
        return graph.div(d(a), a);
      case "log1p":
        return graph.div(d(a), graph.add(one, a));
      case "sigmoid":
        // σ(a) σ(-a) is accurate for large a, where 1 - σ(a) rounds to 0.
        return graph.mul(graph.mul(node, graph.apply("sigmoid", graph.neg(a))), d(a));
      case "softplus":
        return graph.mul(graph.apply("sigmoid", a), d(a));
      case "abs":
        return graph.mul(graph.apply("sign", a), d(a));
      case "sign":
        return zero;
      case "hinge":
        return graph.select(graph.apply("gt", a, zero), d(a), zero);
      case "min":
        return extreme("lt", "gt", a, b);
      case "max":
        return extreme("gt", "lt", a, b);
      case "xlogy": {
        const vanishes = both(graph.apply("eq", a, zero), graph.apply("le", b, zero));
        const slope = zeroIf(vanishes, graph.apply("log", b), b);
        return graph.add(graph.mul(slope, d(a)), graph.mul(graph.div(a, b), d(b)));
      }
      case "pow": {
        const slope = graph.mul(b, graph.apply("pow", a, graph.sub(b, one)));
        const base = zeroIf(graph.apply("eq", b, zero), slope, b);
        const vanishes = both(graph.apply("eq", a, zero), graph.apply("ge", b, zero));
        const exponent = zeroIf(vanishes, graph.mul(node, graph.apply("log", a)), a);
        return graph.add(graph.mul(base, d(a)), graph.mul(exponent, d(b)));
      }
      case "select":
        return graph.select(a, d(b), d(c));
      default:
        throw new TypeError(`Cannot differentiate '${node.op}'`);
    }
  }

  /** That of the one of two nodes that `wins`; the mean of both if they are equal, and their sum if one is NaN. */
  function extreme(wins: "lt" | "gt", loses: "lt" | "gt", a: Node, b: Node): Node {
    const share = graph.select(graph.apply("eq", a, b), graph.number(0.5), one);
    let slope = graph.mul(share, graph.add(d(a), d(b)));
    // The sum holds what the loser adds, which is 0 if it is constant.
    if (!isNumber(d(a), 0)) slope = graph.select(graph.apply(loses, a, b), d(b), slope);
    if (!isNumber(d(b), 0)) slope = graph.select(graph.apply(wins, a, b), d(a), slope);
    return slope;
  }

  const both = (a: Node, b: Node): Node => graph.apply("and", a, b);

  /** A slope that is 0 under a condition on `a`, which numbers other than 0 do not meet. */
  function zeroIf(condition: Node, slope: Node, a: Node): Node {
    const isNever = a.op === "number" && a.value !== 0;
    return isNever ? slope : graph.select(condition, zero, slope);
  }

  if (isCondition(root)) {
    throw new TypeError(`Cannot differentiate '${root.op}' as it is not a number`);
  }
  const varying = new Set<Node>();
  for (const node of argumentsFirst(root)) {
    const varies = node.op === "symbol"
      ? node.name === symbol
      : node.args.some((arg) => varying.has(arg));
    if (varies) varying.add(node);
    if (!isCondition(node)) known.set(node, varies ? rule(node) : zero);
  }
  return d(root);
}
