/**
 * Differentiates an expression graph symbolically.
 *
 * At a kink the derivative is a matter of convention; the conventions here are those of PyTorch:
 *
 * | function     | kink   | derivative there                    |
 * | ------------ | ------ | ----------------------------------- |
 * | `abs(a)`     | a = 0  | 0                                   |
 * | `sign(a)`    | a = 0  | 0                                   |
 * | `hinge(a)`   | a = 0  | 0, as for clamp_min                 |
 * | `min`, `max` | a = b  | the mean of the two derivatives     |
 * | `c ? a : b`  |        | that of the branch taken            |
 */

import { argumentsFirst, type Graph, isCondition, type Node, type Operands } from "./graph.ts";

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
        return graph.select(
          graph.apply("lt", a, b),
          d(a),
          graph.select(graph.apply("lt", b, a), d(b), half(a, b)),
        );
      case "max":
        return graph.select(
          graph.apply("gt", a, b),
          d(a),
          graph.select(graph.apply("gt", b, a), d(b), half(a, b)),
        );
      case "xlogy":
        return graph.add(graph.mul(graph.apply("log", b), d(a)), graph.mul(graph.div(a, b), d(b)));
      case "pow": {
        const base = graph.mul(graph.mul(b, graph.apply("pow", a, graph.sub(b, one))), d(a));
        return graph.add(base, graph.mul(graph.mul(node, graph.apply("log", a)), d(b)));
      }
      case "select":
        return graph.select(a, d(b), d(c));
      default:
        throw new TypeError(`Cannot differentiate '${node.op}'`);
    }
  }

  const half = (a: Node, b: Node): Node => graph.mul(graph.number(0.5), graph.add(d(a), d(b)));

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
