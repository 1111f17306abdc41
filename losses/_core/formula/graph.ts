/**
 * The expression graph: a formula as operators applied to arguments.
 *
 * This folder is the language that losses are written in: it reads formulas, differentiates them and prints them, as text
 * and as LaTeX. It computes no numbers, and knows neither tensors nor kernels nor losses.
 *
 * {@linkcode Graph} never makes the same node twice: two texts that contain `exp(-abs(x))` share its node, and the
 * compiler computes it once. Nodes are immutable, and two nodes of a graph are equal if they are the same object.
 */

import { excerpt } from "./excerpt.ts";
import type { Binary, Builder, Unary } from "./grammar.ts";
import { insteadOf } from "./remedies.ts";

/** A number, a name, or an operator applied to nodes. */
export interface Node {
  readonly op: "number" | "symbol" | Unary | Binary | "select";
  /** The value of a `number`. */
  readonly value: number;
  /** The name of a `symbol`. */
  readonly name: string;
  readonly args: readonly Node[];
  /** Position in its graph: arguments have smaller ids. */
  readonly id: number;
  /** Operators on the longest way down to a number or a symbol. */
  readonly height: number;
}

/**
 * The arguments of a node, for code that knows its operator and with it their number: those beyond it are not there.
 */
export type Operands = readonly [Node, Node, Node];

/** Functions as they are written in a formula text, with their number of arguments. */
export const FUNCTIONS: Readonly<Record<string, number>> = {
  abs: 1,
  sign: 1,
  square: 1,
  sqrt: 1,
  exp: 1,
  log: 1,
  log1p: 1,
  sigmoid: 1,
  softplus: 1,
  hinge: 1,
  pow: 2,
  min: 2,
  max: 2,
  xlogy: 2,
};

/** The largest height of a node, so that recursion along a formula cannot overflow the stack. */
export const MAX_HEIGHT = 1000;

const CONDITIONS = new Set(["lt", "le", "gt", "ge", "eq", "ne", "and", "or", "not"]);

/** True if the value of a node is true or false rather than a number. */
export function isCondition(node: Node): boolean {
  return CONDITIONS.has(node.op);
}

const TAKES_CONDITIONS = new Set(["and", "or", "not"]);

/** Makes nodes, and the same node for the same operator and arguments. */
export class Graph implements Builder<Node> {
  readonly #nodes = new Map<string, Node>();

  #intern(op: Node["op"], args: readonly Node[], value = 0, name = ""): Node {
    // String(-0) is "0", but 0 and -0 are different numbers.
    const literal = Object.is(value, -0) ? "-0" : String(value);
    let key = `${op} ${name || literal}`;
    for (let i = 0; i < args.length; i++) key += ` ${args[i]!.id}`;
    let node = this.#nodes.get(key);
    if (node === undefined) {
      let height = 0;
      for (let i = 0; i < args.length; i++) height = Math.max(height, args[i]!.height + 1);
      if (height > MAX_HEIGHT) {
        throw new RangeError(
          `Cannot build the formula as its operators are nested more than ${MAX_HEIGHT} levels deep`,
        );
      }
      node = { op, value, name, args, id: this.#nodes.size, height };
      this.#nodes.set(key, node);
    }
    return node;
  }

  /** A number that is written in the formula, or computed from such numbers. */
  number(value: number): Node {
    return this.#intern("number", [], value);
  }

  /** A variable, an option or a row parameter. */
  symbol(name: string): Node {
    return this.#intern("symbol", [], 0, name);
  }

  /** An operator applied to its arguments, without simplification. */
  apply(op: Unary | Binary | "select", ...args: readonly Node[]): Node {
    for (let i = 0; i < args.length; i++) {
      const wantsCondition = TAKES_CONDITIONS.has(op) || (op === "select" && i === 0);
      if (isCondition(args[i]!) !== wantsCondition) {
        throw new TypeError(
          `Cannot build the formula as argument ${i + 1} of '${op}' must be a ${
            wantsCondition ? "condition" : "number"
          }: current argument is '${args[i]!.op}'; ${
            wantsCondition
              ? "compare it, such as x > 0"
              : "a condition as a number is x > 0 ? 1 : 0"
          }`,
        );
      }
    }
    return this.#intern(op, args);
  }

  /** `-a` as it is written: a number for a number. */
  minus(a: Node): Node {
    return a.op === "number" ? this.number(-a.value) : this.apply("neg", a);
  }

  /** The number of arguments of a function. */
  arity(name: string): number {
    if (Object.hasOwn(FUNCTIONS, name)) return FUNCTIONS[name]!;
    throw new SyntaxError(
      `Cannot parse the formula as '${excerpt(name)}' is not a function: ${
        insteadOf(name)
      }known are ${Object.keys(FUNCTIONS).join(", ")}`,
    );
  }

  /** `a + b`, simplified: derivatives are full of zeros. */
  add(a: Node, b: Node): Node {
    if (isNumber(a, 0)) return b;
    if (isNumber(b, 0)) return a;
    if (a.op === "number" && b.op === "number") return this.number(a.value + b.value);
    if (b.op === "neg") return this.sub(a, b.args[0]!);
    return this.apply("add", a, b);
  }

  /** `a - b`, simplified. */
  sub(a: Node, b: Node): Node {
    if (isNumber(b, 0)) return a;
    if (isNumber(a, 0)) return this.neg(b);
    if (a.op === "number" && b.op === "number") return this.number(a.value - b.value);
    if (b.op === "neg") return this.add(a, b.args[0]!);
    return this.apply("sub", a, b);
  }

  /** `a * b`, simplified; 0 * b is 0 even if b may be infinite, because what is constant has the derivative 0. */
  mul(a: Node, b: Node): Node {
    if (isNumber(a, 0) || isNumber(b, 0)) return this.number(0);
    if (isNumber(a, 1)) return b;
    if (isNumber(b, 1)) return a;
    if (isNumber(a, -1)) return this.neg(b);
    if (isNumber(b, -1)) return this.neg(a);
    if (a.op === "number" && b.op === "number") return this.number(a.value * b.value);
    if (a.op === "neg") return this.neg(this.mul(a.args[0]!, b));
    if (b.op === "neg") return this.neg(this.mul(a, b.args[0]!));
    return this.apply("mul", a, b);
  }

  /** `a / b`, simplified. */
  div(a: Node, b: Node): Node {
    if (isNumber(a, 0)) return a;
    if (isNumber(b, 1)) return a;
    if (a.op === "neg") return this.neg(this.div(a.args[0]!, b));
    return this.apply("div", a, b);
  }

  /** `-a`, simplified. */
  neg(a: Node): Node {
    if (a.op === "number") return this.number(-a.value);
    return a.op === "neg" ? a.args[0]! : this.apply("neg", a);
  }

  /** `condition ? a : b`, simplified to `a` if both are the same. */
  select(condition: Node, a: Node, b: Node): Node {
    return a === b ? a : this.apply("select", condition, a, b);
  }
}

/** True if a node is this number. */
export function isNumber(node: Node, value: number): boolean {
  return node.op === "number" && node.value === value;
}

/** All nodes of a formula, in order of first appearance. */
function nodesOf(root: Node): Node[] {
  const nodes = new Set<Node>();
  const rest = [root];
  for (let node = rest.pop(); node !== undefined; node = rest.pop()) {
    if (nodes.has(node)) continue;
    nodes.add(node);
    for (let i = node.args.length - 1; i >= 0; i--) rest.push(node.args[i]!);
  }
  return [...nodes];
}

/** All nodes of a formula, each after its arguments. */
export function argumentsFirst(root: Node): Node[] {
  return nodesOf(root).sort((a, b) => a.id - b.id);
}

/** The names in a formula, in order of first appearance. */
export function symbolsOf(root: Node): string[] {
  return nodesOf(root).filter(({ op }) => op === "symbol").map(({ name }) => name);
}
