/**
 * Translates an expression graph into vector instructions.
 *
 * From text to kernel: parse → graph → **lower** → wasm or interpret.
 */

import { isNumber, type Node } from "../formula/graph.ts";
import { exp, log, log1p, pow, sigmoid, softplus } from "./math.ts";
import type { Op, OperandKind, ProgramBuilder, Value } from "./program.ts";

/** Operators that are instructions of the same name. */
const SAME = new Set<Node["op"]>(["add", "sub", "mul", "neg", "abs", "sqrt"]);
const COMPARE_AND_LOGIC = new Set<Node["op"]>([
  "lt",
  "le",
  "gt",
  "ge",
  "eq",
  "ne",
  "and",
  "or",
  "not",
]);

/** True if a formula is never > 0 because of its form: `-abs(…)` or `min(…, 0)`. */
function neverPositive({ op, args }: Node): boolean {
  return (op === "neg" && args[0].op === "abs") || (op === "min" && isNumber(args[1], 0));
}

/**
 * Adds the instructions of a formula to a program.
 *
 * @param b The program; formulas in one program share equal instructions.
 * @param node The formula.
 * @param kinds The kind of operand that each symbol stands for.
 * @param done The values of nodes that have been lowered before.
 * @returns The value of the formula.
 * @throws {ReferenceError} If a symbol is not an operand.
 */
export function lower(
  b: ProgramBuilder,
  node: Node,
  kinds: ReadonlyMap<string, OperandKind>,
  done: Map<Node, Value>,
): Value {
  let value = done.get(node);
  if (value === undefined) {
    const args: Value[] = [];
    for (const arg of node.args) args.push(lower(b, arg, kinds, done));
    value = node.op === "symbol" ? operand(b, node.name, kinds) : translate(b, node, args);
    done.set(node, value);
  }
  return value;
}

function operand(b: ProgramBuilder, name: string, kinds: ReadonlyMap<string, OperandKind>): Value {
  const kind = kinds.get(name);
  if (kind === undefined) {
    throw new ReferenceError(`Cannot compile the formula as '${name}' is not an operand`);
  }
  return b.operand(kind, name);
}

function translate(b: ProgramBuilder, node: Node, args: readonly Value[]): Value {
  const [a1, a2, a3] = args;
  if (SAME.has(node.op) || COMPARE_AND_LOGIC.has(node.op)) return b.apply(node.op as Op, ...args);
  switch (node.op) {
    case "number":
      return b.const(node.value);
    case "div": {
      // The reciprocal of a power of 2 is exact.
      const { op, value } = node.args[1];
      if (op === "number" && Number.isInteger(Math.log2(Math.abs(value)))) {
        return b.apply("mul", a1, b.const(1 / value));
      }
      return b.instructions[a2].stage === "call" && b.instructions[a1].stage !== "call"
        ? b.apply("mul", a1, reciprocal(b, a2))
        : b.apply("div", a1, a2);
    }
    case "min":
    case "max": {
      // pmin and pmax are faster, but give NaN only for a NaN in their first argument; options are never NaN.
      const [varying, constant] = b.instructions[a1].stage === "call" ? [a2, a1] : [a1, a2];
      if (b.instructions[constant].stage === "call") {
        return b.apply(`p${node.op}`, varying, constant);
      }
      return b.apply(node.op, a1, a2);
    }
    case "square":
      return b.apply("mul", a1, a1);
    case "sign": {
      // 0 at 0 and at NaN, as in PyTorch's gradients.
      const positive = b.select(b.apply("gt", a1, b.const(0)), b.const(1), b.const(0));
      return b.select(b.apply("lt", a1, b.const(0)), b.const(-1), positive);
    }
    case "hinge":
      return b.apply("pmax", a1, b.const(0)); // NaN gives NaN, as in clamp_min
    case "strictHinge":
      return b.apply("pmax", b.const(0), a1); // NaN is not > 0 and gives 0
    case "select": {
      // x > m ? x : m is m if x is NaN.
      const { op, args: [x, m] } = node.args[0];
      if (op === "gt" && node.args[1] === x && node.args[2] === m) return b.apply("pmax", a3, a2);
      return b.select(a1, a2, a3);
    }
    case "exp":
      return exp(b, a1, neverPositive(node.args[0]) ? "x ≤ 0" : "any");
    case "log":
      return log(b, a1);
    case "log1p":
      return log1p(b, a1);
    case "sigmoid":
      return sigmoid(b, a1);
    case "softplus":
      return softplus(b, a1);
    case "pow":
      return pow(b, a1, a2);
    case "xlogy": {
      // 0 · log(y) is 0, unless y is NaN.
      const vanishes = b.apply("and", b.apply("eq", a1, b.const(0)), b.apply("eq", a2, a2));
      return b.select(vanishes, b.const(0), b.apply("mul", a1, log(b, a2)));
    }
    default:
      throw new TypeError(`Cannot lower '${node.op}'`);
  }
}

/**
 * 1 / option, computed once per call: one more rounding instead of a division per element. At most the largest number,
 * because 0 · ∞ would be NaN.
 */
function reciprocal(b: ProgramBuilder, option: Value): Value {
  const largest = b.dtype === "float32" ? (2 - 2 ** -23) * 2 ** 127 : Number.MAX_VALUE;
  const quotient = b.apply("div", b.const(1), option);
  return b.apply("pmax", b.apply("pmin", quotient, b.const(largest)), b.const(-largest));
}
