/**
 * Translates an expression graph into vector instructions.
 *
 * From text to kernel: parse → graph → **lower** → wasm or interpret.
 */

import { argumentsFirst, isNumber, type Node } from "../formula/graph.ts";
import { excerpt } from "../formula/excerpt.ts";
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
  return (op === "neg" && args[0]!.op === "abs") || (op === "min" && isNumber(args[1]!, 0));
}

/**
 * Adds the instructions of a formula to a program.
 *
 * @param b The program; formulas in one program share equal instructions.
 * @param root The formula.
 * @param kinds The kind of operand that each symbol stands for.
 * @param done The values of nodes that have been lowered before.
 * @param powers If given, takes the names of params that divide, and these are assumed to be powers of 2, see
 * {@linkcode isPowerOf2}: dividing by them is then multiplying by the reciprocal, which is faster.
 * @returns The value of the formula.
 * @throws {ReferenceError} If a symbol is not an operand.
 */
export function lower(
  b: ProgramBuilder,
  root: Node,
  kinds: ReadonlyMap<string, OperandKind>,
  done: Map<Node, Value>,
  powers?: Set<string>,
): Value {
  for (const node of argumentsFirst(root)) {
    if (done.has(node)) continue;
    const args = node.args.map((arg) => done.get(arg)!);
    const value = node.op === "symbol"
      ? operand(b, node.name, kinds)
      : translate(b, node, args, powers);
    done.set(node, value);
  }
  return done.get(root)!;
}

function operand(b: ProgramBuilder, name: string, kinds: ReadonlyMap<string, OperandKind>): Value {
  const kind = kinds.get(name);
  if (kind === undefined) {
    throw new ReferenceError(`Cannot compile the formula as '${excerpt(name)}' is not an operand`);
  }
  return b.operand(kind, name);
}

function translate(
  b: ProgramBuilder,
  node: Node,
  args: readonly Value[],
  powers: Set<string> | undefined,
): Value {
  const [a1, a2, a3] = args as readonly [Value, Value, Value]; // as many as the operator has
  if (SAME.has(node.op) || COMPARE_AND_LOGIC.has(node.op)) return b.apply(node.op as Op, ...args);
  switch (node.op) {
    case "number":
      return b.const(node.value);
    case "div":
      if (isPowerConstant(b, a2)) {
        return b.apply("mul", a1, b.const(1 / Number(b.instructions[a2]!.value)));
      }
      return dividesByOption(b, a1, a2, powers)
        ? b.apply("mul", a1, b.apply("div", b.const(1), a2))
        : b.apply("div", a1, a2);
    case "min":
    case "max": {
      // pmin and pmax are faster, but give NaN only for a NaN in their first argument.
      if (neverNaN(b, a2)) return b.apply(`p${node.op}`, a1, a2);
      if (neverNaN(b, a1)) return b.apply(`p${node.op}`, a2, a1);
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
    case "select": {
      // x > m ? x : m is m if x is NaN.
      const { op, args: [x, m] } = node.args[0] as Node;
      if (op === "gt" && node.args[1] === x && node.args[2] === m) return b.apply("pmax", a3, a2);
      return b.select(a1, a2, a3);
    }
    case "exp":
      return exp(b, a1, neverPositive(node.args[0]!) ? "x ≤ 0" : "any");
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

/** True for powers of 2 that are normal, and have a normal reciprocal, in both float types. */
export function isPowerOf2(value: number): boolean {
  const size = Math.abs(value);
  return size >= 2 ** -60 && size <= 2 ** 60 && 2 ** Math.round(Math.log2(size)) === size;
}

/** True if a vector is divided by an option, times a power of 2 or not; the name of the option is added to `powers`. */
function dividesByOption(
  b: ProgramBuilder,
  a: Value,
  divisor: Value,
  powers: Set<string> | undefined,
): boolean {
  if (powers === undefined || b.instructions[a]!.stage === "call") return false;
  const { op, args } = b.instructions[divisor]!;
  const factors = op === "mul" ? args.filter((arg) => !isPowerConstant(b, arg)) : [divisor];
  if (factors.length !== 1 || b.instructions[factors[0]!]!.op !== "param") return false;
  powers.add(b.instructions[factors[0]!]!.name);
  return true;
}

function isPowerConstant(b: ProgramBuilder, value: Value): boolean {
  const { op, value: constant } = b.instructions[value]!;
  return op === "const" && isPowerOf2(Number(constant));
}

/** True for numbers in the formula, and for options, which are checked. */
function neverNaN(b: ProgramBuilder, value: Value): boolean {
  const { op, args, value: constant } = b.instructions[value]!;
  if (op === "neg" || op === "abs") return neverNaN(b, args[0]!);
  return op === "param" || (op === "const" && !Number.isNaN(constant));
}
