/**
 * Runs kernels where WebAssembly is not allowed: one instruction after the other, each for a strip of columns of a row.
 *
 * Values are kept in typed arrays of the kernel's type, so that every instruction rounds as in a vector unit. Results have
 * the same bits as with WebAssembly without relaxed SIMD, except that sums are added up in another order.
 *
 * From text to kernel: read → lower → **interpret**.
 */

import { ARITHMETIC, COMPARISONS, INTEGERS, LOGIC, ROUNDING } from "./operations.ts";
import type { Plan, Run } from "./plan.ts";
import type { Instruction } from "./program.ts";

/** Columns in a strip: bounds the memory for values, however long the rows and the formula are. */
const STRIP = 256;

/** A value for each column of a strip, as floats and as integers with the same bits. */
interface Register {
  readonly floats: Float32Array | Float64Array;
  readonly bits: Uint32Array | BigUint64Array;
}

/**
 * Makes a function that interprets a kernel.
 *
 * @param plan The kernel.
 * @param memory The scratch memory.
 */
export function interpret(plan: Plan, memory: ArrayBufferLike): Run {
  const { program: { dtype, instructions }, stores, reductions } = plan;
  const buffer = memory as ArrayBuffer;
  const isWide = dtype === "float64";
  const Floats = isWide ? Float64Array : Float32Array;
  const size = Floats.BYTES_PER_ELEMENT;
  let registers: Register[] | undefined;

  const newRegister = (): Register => {
    const buffer = new ArrayBuffer(STRIP * size);
    return {
      floats: new Floats(buffer),
      bits: new (isWide ? BigUint64Array : Uint32Array)(buffer),
    };
  };
  const floatsAt = (offset: number, first: number, count: number) =>
    new Floats(buffer, offset + first * size, count);

  /** Runs an instruction for `count` columns from `column`. */
  function step(
    [out, a, b, c]: readonly Register[],
    { op, value }: Instruction,
    row: number,
    cols: number,
    column: number,
    count: number,
  ): void {
    const at = Number(value);
    /** The bits of a register, whatever its width; in place of a missing argument the number of the instruction. */
    const bits = (register: Register | undefined, i: number) => BigInt(register?.bits[i] ?? value);
    const product = (i: number) => {
      const product = a!.floats[i]! * b!.floats[i]!;
      return isWide ? product : Math.fround(product);
    };
    const float = ARITHMETIC[op] ?? ROUNDING[op];
    const comparison = COMPARISONS[op];
    const integer = LOGIC[op] ?? INTEGERS[op];
    /** The result for one column: a float, the bits of one, or whether all bits are set. */
    let result: (i: number) => number | bigint | boolean = () => value;
    if (float) result = (i) => float[1](a!.floats[i]!, b?.floats[i]!);
    else if (comparison) result = (i) => comparison[1](a!.floats[i]!, b!.floats[i]!);
    else if (integer) result = (i) => integer[1](bits(a, i), bits(b, i));
    else if (op === "select") result = (i) => bits(bits(a, i) ? b : c, i);
    else if (op === "madd") result = (i) => product(i) + c!.floats[i]!;
    else if (op === "nmadd") result = (i) => c!.floats[i]! - product(i);
    else if (op === "element" || op === "column") {
      out!.floats.set(floatsAt(at, op === "element" ? row * cols + column : column, count));
      return;
    } else if (op === "row" || op === "param") {
      const scalar = new Float64Array(buffer, at)[op === "row" ? row : 0]!;
      result = () => scalar;
    }
    for (let i = 0; i < count; i++) {
      const found = result(i);
      if (typeof found === "number") out!.floats[i] = found;
      else {
        const all = typeof found === "boolean" ? -BigInt(found) : found;
        out!.bits[i] = isWide ? BigInt.asUintN(64, all) : Number(BigInt.asUintN(32, all));
      }
    }
  }

  return (rows, cols) => {
    const values = registers ??= instructions.map(newRegister);
    const operands = instructions.map((
      { args },
      i,
    ) => [values[i]!, ...args.map((k) => values[k]!)]);
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
        new Float64Array(buffer, offset)[row] = totals[k]!;
      });
    }
  };
}
