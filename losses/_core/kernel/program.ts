/**
 * The vector program: a formula as a list of instructions for a SIMD machine.
 *
 * The arguments of an instruction are the values of earlier ones. A value is a vector of floats, whose bits may also be
 * read as a mask or as integers. {@linkcode ProgramBuilder} never makes the same instruction twice, and notes how often
 * its value changes, so that the backends compute it no more often than that.
 */

import type { FloatType } from "../tensor/types.ts";

/** The operations of a machine. Names follow WebAssembly's. */
export type Op =
  // Leaves: a float, raw bits, and the four kinds of operands.
  | "const"
  | "bits"
  | "element"
  | "column"
  | "row"
  | "param"
  // Floats.
  | "add"
  | "sub"
  | "mul"
  | "div"
  | "neg"
  | "abs"
  | "sqrt"
  | "trunc"
  | "min"
  | "max"
  /** `b < a ? b : a`: gives `a` if either is NaN. */
  | "pmin"
  /** `a < b ? b : a`: gives `a` if either is NaN. */
  | "pmax"
  /** `a * b + c`, rounded once (relaxed SIMD) or twice. */
  | "madd"
  // Masks: all bits set or none.
  | "lt"
  | "le"
  | "eq"
  | "ne"
  | "and"
  | "or"
  /** `a & ~b`. */
  | "andnot"
  | "not"
  /** `mask ? a : b`, arguments in the order mask, a, b. */
  | "select"
  // Integers of the width of a float.
  | "iadd"
  | "isub"
  | "shl"
  | "shr";

/** The kinds of operands, see plan.ts. */
export type OperandKind = "element" | "column" | "row" | "param";

/** An operand of a kernel. */
export interface Operand {
  readonly kind: OperandKind;
  /** Where it begins in the scratch memory, in bytes. */
  readonly offset: number;
}

/** How often a value is computed: once per call, once per row, or for every element. */
export const CALL = 0, ROW = 1, ELEMENT = 2;
export type Stage = typeof CALL | typeof ROW | typeof ELEMENT;

/** One instruction. */
export interface Instruction {
  readonly op: Op;
  /** Indices of earlier instructions. */
  readonly args: readonly number[];
  /** The float of a `const`, the bits of `bits`, the distance of a shift, the place of an operand. */
  readonly value: number | bigint;
  readonly stage: Stage;
}

/** The values of an instruction for some columns: floats, or the words of 32 bits that they consist of. */
export interface Lanes {
  [index: number]: number;
}

/**
 * Runs an instruction for the first `n` words of its arguments `x`, `y` and `z`. A float consists of one word, or of two if
 * `wide` is 1.
 */
export type Interpret = (
  n: number,
  o: Int32Array,
  x: Int32Array,
  y: Int32Array,
  z: Int32Array,
  wide: 0 | 1,
  instruction: Instruction,
) => void;

/** The value of an instruction, as the index of the instruction. */
export type Value = number;

const STAGE_OF_LEAF: { readonly [op in Op]?: Stage } = {
  row: ROW,
  element: ELEMENT,
  column: ELEMENT,
};

/** Makes the instructions of a program, and no instruction twice. */
export class ProgramBuilder {
  readonly instructions: Instruction[] = [];
  readonly #known = new Map<string, Value>();

  /** The type that all floats of the program have. */
  readonly dtype: FloatType;
  /** Runs instructions that only functions consist of, where WebAssembly is not allowed. */
  interpret?: Interpret;

  /** @param dtype The type that all floats of the program have. */
  constructor(dtype: FloatType) {
    this.dtype = dtype;
  }

  #instruction(op: Op, args: readonly Value[], value: number | bigint = 0): Value {
    const literal = Object.is(value, -0) ? "-0" : value;
    const key = `${op} ${literal} ${args.join(" ")}`;
    let index = this.#known.get(key);
    if (index === undefined) {
      let stage = STAGE_OF_LEAF[op] ?? CALL;
      for (let i = 0; i < args.length; i++) {
        const { stage: other } = this.instructions[args[i]!]!;
        if (other > stage) stage = other;
      }
      index = this.instructions.push({ op, args, value, stage }) - 1;
      this.#known.set(key, index);
    }
    return index;
  }

  /** The bit that makes a float negative. */
  sign(): Value {
    return this.bits(this.dtype === "float32" ? 1n << 31n : 1n << 63n);
  }

  /** A float in every lane. */
  const(value: number): Value {
    return this.#instruction("const", [], this.dtype === "float32" ? Math.fround(value) : value);
  }

  /** Raw bits in every lane. */
  bits(value: number | bigint): Value {
    return this.#instruction("bits", [], BigInt(value));
  }

  /** An operand of the kernel, by its kind and where it begins in the scratch memory. */
  operand({ kind, offset }: Operand): Value {
    return this.#instruction(kind, [], offset);
  }

  /** An operation on earlier values. */
  emit(op: Op, ...args: readonly Value[]): Value {
    if (op === "abs") {
      const inner = this.instructions[args[0]!]!;
      // |-a| = ||a|| = |a|: sigmoid(x), sigmoid(-x) and softplus(-|x|) then share exp(-|x|).
      if (inner.op === "neg" || inner.op === "abs") return this.emit("abs", inner.args[0]!);
      if (inner.op === "or" && inner.args[1] === this.sign()) {
        return this.emit("abs", inner.args[0]!);
      }
    }
    // -|a| is a with its sign bit set.
    if (op === "neg") {
      const inner = this.instructions[args[0]!]!;
      if (inner.op === "abs") return this.#instruction("or", [inner.args[0]!, this.sign()]);
    }
    return this.#instruction(op, args);
  }

  /** Integer shift of every lane, to the left or (filling with zeros) to the right. */
  shift(op: "shl" | "shr", a: Value, distance: number): Value {
    return this.#instruction(op, [a], distance);
  }

  /** `mask ? a : b`, by the cheapest instruction. */
  select(mask: Value, a: Value, b: Value): Value {
    if (a === b) return a;
    if (this.isZero(b)) return this.emit("and", mask, a);
    if (this.isZero(a)) return this.emit("andnot", b, mask);
    return this.emit("select", mask, a, b);
  }

  /** True if a value is the constant +0. */
  isZero(value: Value): boolean {
    const { op, value: literal } = this.instructions[value]!;
    return op === "const" && Object.is(literal, 0);
  }
}
