/**
 * Runs kernels where WebAssembly is not allowed: one instruction after the other, each for a strip of columns of a row.
 *
 * Values are kept in typed arrays of the kernel's type, so that every instruction rounds as in a vector unit. Results have
 * the same bits as with WebAssembly without relaxed SIMD, except that sums are added up in another order.
 *
 * From text to kernel: parse → graph → lower → **interpret**.
 */

import type { Plan, Run } from "./plan.ts";
import type { Instruction, Op } from "./program.ts";
import type { FloatType } from "../tensor/types.ts";

/** Columns in a strip: bounds the memory for values, however long the rows and the formula are. */
const STRIP = 256;

/** A value for each column of a strip, as floats and as integers with the same bits. */
interface Register {
  readonly floats: Float32Array | Float64Array;
  readonly bits: Uint32Array | BigUint64Array;
}

/** The result and the arguments of an instruction. */
type Registers = readonly [Register, Register, Register, Register];

function register(dtype: FloatType): Register {
  const buffer = new ArrayBuffer(STRIP * (dtype === "float32" ? 4 : 8));
  return dtype === "float32"
    ? { floats: new Float32Array(buffer), bits: new Uint32Array(buffer) }
    : { floats: new Float64Array(buffer), bits: new BigUint64Array(buffer) };
}

const FLOAT: ReadonlyMap<Op, (a: number, b: number) => number> = new Map([
  ["add", (a, b) => a + b],
  ["sub", (a, b) => a - b],
  ["mul", (a, b) => a * b],
  ["div", (a, b) => a / b],
  ["neg", (a) => -a],
  ["abs", Math.abs],
  ["sqrt", Math.sqrt],
  ["trunc", Math.trunc],
  ["min", Math.min],
  ["max", Math.max],
  ["pmin", (a, b) => b < a ? b : a],
  ["pmax", (a, b) => a < b ? b : a],
]);

const COMPARE: ReadonlyMap<Op, (a: number, b: number) => boolean> = new Map([
  ["lt", (a, b) => a < b],
  ["le", (a, b) => a <= b],
  ["gt", (a, b) => a > b],
  ["ge", (a, b) => a >= b],
  ["eq", (a, b) => a === b],
  ["ne", (a, b) => a !== b],
]);

const BITS: ReadonlyMap<Op, (a: bigint, b: bigint, distance: bigint) => bigint> = new Map([
  ["and", (a, b) => a & b],
  ["or", (a, b) => a | b],
  ["andnot", (a, b) => a & ~b],
  ["not", (a) => ~a],
  ["iadd", (a, b) => a + b],
  ["isub", (a, b) => a - b],
  ["shl", (a, _, distance) => a << distance],
  ["shr", (a, _, distance) => a >> distance],
]);

/**
 * Makes a function that interprets a kernel.
 *
 * @param plan The kernel.
 * @param memory The scratch memory.
 */
export function interpret(plan: Plan, memory: ArrayBufferLike): Run {
  const { program: { dtype, instructions }, offsets, stores, reductions } = plan;
  const size = dtype === "float32" ? 4 : 8;
  const FloatArray = dtype === "float32" ? Float32Array : Float64Array;
  const round = dtype === "float32" ? Math.fround : (value: number) => value;
  const width = size * 8;
  let registers: Register[] | undefined;

  // The bits of a register as bigints, for both widths.
  const readBits = ({ bits }: Register, i: number): bigint => BigInt(bits[i]!);
  const writeBits = ({ bits }: Register, i: number, value: bigint): void => {
    if (bits instanceof Uint32Array) bits[i] = Number(BigInt.asUintN(32, value));
    else bits[i] = BigInt.asUintN(64, value);
  };

  /** Runs an instruction for `count` columns from `column`. */
  function step(
    [out, a, b, c]: Registers,
    { op, value, name }: Instruction,
    row: number,
    cols: number,
    column: number,
    count: number,
  ): void {
    const at = offsets.get(name) ?? 0;
    const fill = (f: (i: number) => number) => {
      for (let i = 0; i < count; i++) out.floats[i] = f(i);
    };
    const float = FLOAT.get(op);
    if (float !== undefined) return fill((i) => float(a.floats[i]!, b?.floats[i]!));
    const compare = COMPARE.get(op);
    if (compare !== undefined) {
      for (let i = 0; i < count; i++) {
        writeBits(out, i, compare(a.floats[i]!, b.floats[i]!) ? -1n : 0n);
      }
      return;
    }
    const bits = BITS.get(op);
    if (bits !== undefined) {
      for (let i = 0; i < count; i++) {
        writeBits(out, i, bits(readBits(a, i), b ? readBits(b, i) : 0n, BigInt(value)));
      }
      return;
    }
    switch (op) {
      case "const":
        return fill(() => Number(value));
      case "bits":
        for (let i = 0; i < count; i++) writeBits(out, i, BigInt.asUintN(width, BigInt(value)));
        return;
      case "element":
        out.floats.set(floatsAt(at, row * cols + column, count));
        return;
      case "column":
        out.floats.set(floatsAt(at, column, count));
        return;
      case "row":
      case "param": {
        const scalar = new Float64Array(memory as ArrayBuffer, at)[op === "row" ? row : 0]!;
        return fill(() => scalar);
      }
      case "select":
        for (let i = 0; i < count; i++) writeBits(out, i, readBits(readBits(a, i) ? b : c, i));
        return;
      case "madd":
        return fill((i) => round(a.floats[i]! * b.floats[i]!) + c.floats[i]!);
      case "nmadd":
        return fill((i) => c.floats[i]! - round(a.floats[i]! * b.floats[i]!));
    }
  }

  const floatsAt = (offset: number, first: number, count: number) =>
    new FloatArray(memory as ArrayBuffer, offset + first * size, count);

  return (rows, cols) => {
    const values = registers ??= instructions.map(() => register(dtype));
    /** What an instruction writes, then its arguments, as many as it has. */
    const operands = instructions.map(({ args }, i) =>
      [values[i], ...args.map((k) => values[k])] as unknown as Registers
    );
    for (let row = 0; row < rows; row++) {
      const totals = reductions.map(({ kind }) => kind === "sum" ? 0 : -Infinity);
      for (let column = 0; column < cols; column += STRIP) {
        const count = Math.min(STRIP, cols - column);
        instructions.forEach((instruction, i) =>
          step(operands[i]!, instruction, row, cols, column, count)
        );
        for (const { kind, offset, value } of stores) {
          floatsAt(offset, (kind === "element" ? row * cols : 0) + column, count)
            .set(values[value]!.floats.subarray(0, count));
        }
        reductions.forEach(({ kind, value }, k) => {
          for (let i = 0; i < count; i++) {
            const term = values[value]!.floats[i]!;
            if (kind === "sum") totals[k]! += term;
            else if (totals[k]! < term) totals[k] = term;
          }
        });
      }
      reductions.forEach(({ offset }, k) => {
        new Float64Array(memory as ArrayBuffer, offset)[row] = totals[k]!;
      });
    }
  };
}
