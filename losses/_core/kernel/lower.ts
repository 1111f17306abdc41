/**
 * Translates an expression graph into vector instructions.
 *
 * From text to kernel: parse → graph → **lower** → wasm or interpret.
 */

import { excerpt } from "../formula/excerpt.ts";
import { argumentsFirst, type Node } from "../formula/graph.ts";
import { CALL, type Op, type Operand, type ProgramBuilder, type Value } from "./program.ts";

/**
 * Adds the instructions of a function to a program.
 *
 * @param b The program.
 * @param call The call in the formula; its form may say something about the arguments.
 * @param args The values of the arguments.
 */
export type MathFunction = (b: ProgramBuilder, call: Node, ...args: Value[]) => Value;

/** The functions of math.ts that formulas call, by name. Each loss names its own, so that its bundle contains no others. */
export type MathFunctions = { readonly [op in Node["op"]]?: MathFunction };

/** Operators that are instructions of the same name. */
const SAME: readonly Node["op"][] = [
  ...["add", "sub", "mul", "neg", "abs", "sqrt"] as const,
  ...["lt", "le", "gt", "ge", "eq", "ne", "and", "or", "not"] as const,
];

/** Where a formula is lowered to, and with what. */
export interface Lowering {
  /** The program; formulas in one program share equal instructions. */
  readonly program: ProgramBuilder;
  /** The operand that each symbol stands for. */
  readonly operands: ReadonlyMap<string, Operand>;
  readonly functions: MathFunctions;
  /** The values of nodes that have been lowered before. */
  readonly values: Map<Node, Value>;
  /**
   * If given, takes the params that divide, by their places, and these are assumed to be powers of 2, see
   * {@linkcode isPowerOf2}: dividing by them is then multiplying by the reciprocal, which is faster.
   */
  readonly powers: Set<number> | undefined;
}

/**
 * Adds the instructions of a formula to a program.
 *
 * @param to The program, and what is known about it.
 * @param root The formula.
 * @returns The value of the formula.
 * @throws {ReferenceError} If a symbol is not an operand, or a function not among those given.
 */
export function lower(to: Lowering, root: Node): Value {
  const { values } = to;
  for (const node of argumentsFirst(root)) {
    if (values.has(node)) continue;
    values.set(node, translate(to, node, node.args.map((arg) => values.get(arg)!)));
  }
  return values.get(root)!;
}

function translate(
  { program: b, operands, functions, powers }: Lowering,
  node: Node,
  args: readonly Value[],
): Value {
  const { op } = node;
  const [a1, a2, a3] = args as [Value, Value, Value];
  if (SAME.includes(op)) return b.apply(op as Op, ...args);
  switch (op) {
    case "number":
      return b.const(node.value);
    case "symbol": {
      const operand = operands.get(node.name);
      if (operand !== undefined) return b.operand(operand);
      throw new ReferenceError(
        `Cannot compile the formula as '${excerpt(node.name)}' is not an operand`,
      );
    }
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
      if (neverNaN(b, a2)) return b.apply(`p${op}`, a1, a2);
      if (neverNaN(b, a1)) return b.apply(`p${op}`, a2, a1);
      return b.apply(op, a1, a2);
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
      const [{ op, args: [x, m] }, yes, no] = node.args as [Node, Node, Node];
      if (op === "gt" && yes === x && no === m) return b.apply("pmax", a3, a2);
      return b.select(a1, a2, a3);
    }
    default: {
      const call = functions[op];
      if (call !== undefined) return call(b, node, ...args);
      throw new ReferenceError(`Cannot compile the formula as ${op} is not among its functions`);
    }
  }
}

/** True for powers of 2 that are normal, and have a normal reciprocal, in both float types. */
export function isPowerOf2(value: number): boolean {
  const size = Math.abs(value);
  return size >= 2 ** -60 && size <= 2 ** 60 && 2 ** Math.round(Math.log2(size)) === size;
}

/** True if a vector is divided by an option, times a power of 2 or not; the place of the option is added to `powers`. */
function dividesByOption(
  b: ProgramBuilder,
  a: Value,
  divisor: Value,
  powers: Set<number> | undefined,
): boolean {
  if (powers === undefined || b.instructions[a]!.stage === CALL) return false;
  const { op, args } = b.instructions[divisor]!;
  const factors = op === "mul" ? args.filter((arg) => !isPowerConstant(b, arg)) : [divisor];
  const option = factors.length === 1 ? b.instructions[factors[0]!]! : undefined;
  if (option?.op !== "param") return false;
  powers.add(Number(option.value));
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
