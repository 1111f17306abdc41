/**
 * Translates formulas into vector instructions.
 *
 * From text to kernel: read → **lower** → wasm or interpret.
 */

import type { Builder, Operator } from "../formula/grammar.ts";
import { CALL, type Op, type Operand, type ProgramBuilder, type Value } from "./program.ts";

/** Adds the instructions of a function to a program, and returns the value of the function for the values of its arguments. */
export type MathFunction = (b: ProgramBuilder, ...args: Value[]) => Value;

/** The functions of math.ts that formulas call, by name. Each loss names its own, so that its bundle contains no others. */
export type MathFunctions = { readonly [op in Operator]?: MathFunction };

/** Operators that are instructions of the same name. */
const SAME: readonly Operator[] = [
  ...["add", "sub", "mul", "neg", "abs", "sqrt"] as const,
  ...["lt", "le", "gt", "ge", "eq", "ne", "and", "or", "not"] as const,
];

/** Makes the instructions of formulas. Formulas in one program share equal instructions. */
export class Lowering implements Builder<Value> {
  readonly #program: ProgramBuilder;
  readonly #operands: ReadonlyMap<string, Operand>;
  readonly #functions: MathFunctions;
  readonly #powers: Set<number> | undefined;
  /** The values of functions, by name and arguments: some are made of many instructions. */
  readonly #calls = new Map<string, Value>();

  /**
   * @param program The program.
   * @param operands The operand that each symbol stands for.
   * @param functions The functions that formulas may call.
   * @param powers If given, takes the params that divide, by their places, and these are assumed to be powers of 2, see
   * {@linkcode isPowerOf2}: dividing by them is then multiplying by the reciprocal, which is faster.
   */
  constructor(
    program: ProgramBuilder,
    operands: ReadonlyMap<string, Operand>,
    functions: MathFunctions,
    powers?: Set<number>,
  ) {
    this.#program = program;
    this.#operands = operands;
    this.#functions = functions;
    this.#powers = powers;
  }

  number(value: number): Value {
    return this.#program.const(value);
  }

  symbol(name: string): Value {
    const operand = this.#operands.get(name);
    if (operand !== undefined) return this.#program.operand(operand);
    throw new ReferenceError(`Cannot compile the formula as '${name}' is not an operand`);
  }

  minus(value: Value): Value {
    const { op, value: literal } = this.#program.instructions[value]!;
    return op === "const" ? this.number(-Number(literal)) : this.apply("neg", value);
  }

  /** Whoever wrote a formula has counted arguments already. */
  arity(): number {
    return Infinity;
  }

  apply(op: Operator, ...args: readonly Value[]): Value {
    const b = this.#program;
    const [a1, a2, a3] = args as [Value, Value, Value];
    if (SAME.includes(op)) return b.apply(op as Op, ...args);
    switch (op) {
      case "div":
        if (isPowerConstant(b, a2)) {
          return b.apply("mul", a1, b.const(1 / Number(b.instructions[a2]!.value)));
        }
        return dividesByOption(b, a1, a2, this.#powers)
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
        const { op, args: [x, m] } = b.instructions[a1]!;
        return op === "gt" && x === a2 && m === a3 ? b.apply("pmax", a3, a2) : b.select(a1, a2, a3);
      }
      default: {
        const key = `${op} ${args}`;
        const known = this.#calls.get(key);
        if (known !== undefined) return known;
        const call = this.#functions[op];
        if (call === undefined) {
          throw new ReferenceError(
            `Cannot compile the formula as ${op} is not among its functions`,
          );
        }
        const value = call(b, ...args);
        this.#calls.set(key, value);
        return value;
      }
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
