/**
 * Translates formulas into vector instructions.
 *
 * From text to kernel: read → **lower** → wasm or interpret.
 */

import type { Builder, Operator } from "../formula/grammar.ts";
import type { FloatType } from "../tensor/types.ts";
import { isInstruction } from "./operations.ts";
import { CALL, ELEMENT, type Operand, ProgramBuilder, type Value } from "./program.ts";

/** Adds the instructions of a function to a program, and returns the value of the function for the values of its arguments. */
export type MathFunction = (b: ProgramBuilder, ...args: Value[]) => Value;

/** The functions of math.ts that formulas call, by name. Each loss names its own, so that its bundle contains no others. */
export type MathFunctions = { readonly [op in Operator]?: MathFunction };

/** What the formulas of one set of kernels may refer to. */
export interface Context {
  readonly dtype: FloatType;
  /** The operand that each symbol stands for. */
  readonly operands: ReadonlyMap<string, Operand>;
  readonly functions: MathFunctions;
}

/** Makes a program of formulas, which share equal instructions. */
export class Lowering extends ProgramBuilder implements Builder<Value> {
  readonly #context: Context;
  readonly #powers: Set<number> | undefined;
  /** The values of functions, by name and arguments: some are made of many instructions. */
  readonly #calls = new Map<string, Value>();

  /**
   * @param context What formulas may refer to.
   * @param powers If given, takes the params that divide, by their places, and these are assumed to be powers of 2, see
   * {@linkcode isPowerOf2}: dividing by them is then multiplying by the reciprocal, which is faster.
   */
  constructor(context: Context, powers?: Set<number>) {
    super(context.dtype);
    this.#context = context;
    this.#powers = powers;
  }

  /** A number in a formula. */
  number(value: number): Value {
    return this.const(value);
  }

  /** A symbol in a formula. */
  symbol(name: string): Value {
    const operand = this.#context.operands.get(name);
    if (operand !== undefined) return this.operand(operand);
    throw new ReferenceError(`Cannot compile the formula as '${name}' is not an operand`);
  }

  /** A minus sign in a formula. */
  minus(value: Value): Value {
    const { op, value: literal } = this.instructions[value]!;
    return op === "const" ? this.const(-Number(literal)) : this.emit("neg", value);
  }

  /** Whoever has written a formula has counted the arguments already. */
  arity(): number {
    return Infinity;
  }

  /** An operator of a formula. */
  apply(op: Operator, ...args: readonly Value[]): Value {
    const [a1, a2, a3] = args as [Value, Value, Value];
    switch (op) {
      case "div":
        if (isPowerConstant(this, a2)) {
          return this.emit("mul", a1, this.const(1 / Number(this.instructions[a2]!.value)));
        }
        return dividesByOption(this, a1, a2, this.#powers)
          ? this.emit("mul", a1, this.emit("div", this.const(1), a2))
          : this.emit("div", a1, a2);
      case "min":
      case "max": {
        // pmin and pmax are faster, but give NaN only for a NaN in their first argument.
        if (neverNaN(this, a2)) return this.emit(`p${op}`, a1, a2);
        if (neverNaN(this, a1)) return this.emit(`p${op}`, a2, a1);
        return this.emit(op, a1, a2);
      }
      case "sub": {
        // a - b / 2^n in one instruction, which rounds once: so does a subtraction, as b / 2^n is exact if it is a normal number.
        const { op, args: [b, factor], stage } = this.instructions[a2]!;
        return op === "mul" && stage === ELEMENT && isPowerConstant(this, factor!)
          ? this.emit("madd", b!, this.minus(factor!), a1)
          : this.emit("sub", a1, a2);
      }
      case "gt":
        return this.emit("lt", a2, a1);
      case "ge":
        return this.emit("le", a2, a1);
      case "square":
        return this.emit("mul", a1, a1);
      case "sign": {
        // 0 at 0 and at NaN, as in PyTorch's gradients.
        const zero = this.const(0);
        const positive = this.select(this.emit("lt", zero, a1), this.const(1), zero);
        return this.select(this.emit("lt", a1, zero), this.const(-1), positive);
      }
      case "hinge":
        return this.emit("pmax", a1, this.const(0)); // NaN gives NaN, as in clamp_min
      case "select": {
        // x > m ? x : m is m if x is NaN.
        const { op, args: [m, x] } = this.instructions[a1]!;
        return op === "lt" && x === a2 && m === a3
          ? this.emit("pmax", a3, a2)
          : this.select(a1, a2, a3);
      }
      default: {
        if (isInstruction(op)) return this.emit(op, ...args);
        const key = `${op} ${args}`;
        const known = this.#calls.get(key);
        if (known !== undefined) return known;
        const call = this.#context.functions[op];
        if (call === undefined) {
          throw new ReferenceError(
            `Cannot compile the formula as ${op} is not among its functions`,
          );
        }
        const value = call(this, ...args);
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
