/**
 * Runs kernels where WebAssembly is not allowed: one instruction after the other, each for all columns of a row.
 *
 * Values are kept in typed arrays of the kernel's type, so that every instruction rounds as in a vector unit. Results have
 * the same bits as with WebAssembly without relaxed SIMD, except that sums are added up in another order.
 *
 * From text to kernel: parse → graph → lower → **interpret**.
 */

import type { Plan, Run } from "./plan.ts";
import type { Instruction } from "./program.ts";
import type { FloatType } from "../tensor/types.ts";

/** A value for each column of a row, as floats and as integers with the same bits. */
interface Register {
  readonly floats: Float32Array | Float64Array;
  readonly bits: Uint32Array | BigUint64Array;
}

function register(dtype: FloatType, length: number): Register {
  const buffer = new ArrayBuffer(length * (dtype === "float32" ? 4 : 8));
  return dtype === "float32"
    ? { floats: new Float32Array(buffer), bits: new Uint32Array(buffer) }
    : { floats: new Float64Array(buffer), bits: new BigUint64Array(buffer) };
}

type FloatStep = (a: number, b: number) => number;
const FLOAT: Readonly<Record<string, FloatStep>> = {
  add: (a, b) => a + b,
  sub: (a, b) => a - b,
  mul: (a, b) => a * b,
  div: (a, b) => a / b,
  neg: (a) => -a,
  abs: Math.abs,
  sqrt: Math.sqrt,
  min: Math.min,
  max: Math.max,
  pmin: (a, b) => b < a ? b : a,
  pmax: (a, b) => a < b ? b : a,
};

type Comparison = (a: number, b: number) => boolean;
const COMPARE: Readonly<Record<string, Comparison>> = {
  lt: (a, b) => a < b,
  le: (a, b) => a <= b,
  gt: (a, b) => a > b,
  ge: (a, b) => a >= b,
  eq: (a, b) => a === b,
  ne: (a, b) => a !== b,
};

type BitStep = (a: bigint, b: bigint, distance: bigint) => bigint;
const BITS: Readonly<Record<string, BitStep>> = {
  and: (a, b) => a & b,
  or: (a, b) => a | b,
  andnot: (a, b) => a & ~b,
  not: (a) => ~a,
  iadd: (a, b) => a + b,
  isub: (a, b) => a - b,
  shl: (a, _, distance) => a << distance,
  shr: (a, _, distance) => a >> distance,
};

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
  let registers: Register[] = [];

  // The bits of a register as bigints, for both widths.
  const readBits = ({ bits }: Register, i: number): bigint => BigInt(bits[i]);
  const writeBits = ({ bits }: Register, i: number, value: bigint): void => {
    if (bits instanceof Uint32Array) bits[i] = Number(BigInt.asUintN(32, value));
    else bits[i] = BigInt.asUintN(64, value);
  };

  function step(
    out: Register,
    { op, args, value, name }: Instruction,
    row: number,
    start: number,
    cols: number,
  ): void {
    const [a, b, c] = args.map((arg) => registers[arg]);
    const at = offsets.get(name) ?? 0;
    const fill = (f: (i: number) => number) => {
      for (let i = 0; i < cols; i++) out.floats[i] = f(i);
    };
    if (op in FLOAT) return fill((i) => FLOAT[op](a.floats[i], b?.floats[i]));
    if (op in COMPARE) {
      for (let i = 0; i < cols; i++) {
        writeBits(out, i, COMPARE[op](a.floats[i], b.floats[i]) ? -1n : 0n);
      }
      return;
    }
    if (op in BITS) {
      for (let i = 0; i < cols; i++) {
        writeBits(out, i, BITS[op](readBits(a, i), b ? readBits(b, i) : 0n, BigInt(value)));
      }
      return;
    }
    switch (op) {
      case "const":
        return fill(() => Number(value));
      case "bits":
        for (let i = 0; i < cols; i++) writeBits(out, i, BigInt.asUintN(width, BigInt(value)));
        return;
      case "element":
        out.floats.set(new FloatArray(memory as ArrayBuffer, at, start + cols).subarray(start));
        return;
      case "column":
        out.floats.set(new FloatArray(memory as ArrayBuffer, at, cols));
        return;
      case "row":
      case "param": {
        const scalar = new Float64Array(memory as ArrayBuffer, at)[op === "row" ? row : 0];
        return fill(() => scalar);
      }
      case "select":
        for (let i = 0; i < cols; i++) writeBits(out, i, readBits(readBits(a, i) ? b : c, i));
        return;
      case "madd":
        return fill((i) => round(a.floats[i] * b.floats[i]) + c.floats[i]);
      case "nmadd":
        return fill((i) => c.floats[i] - round(a.floats[i] * b.floats[i]));
    }
  }

  return (rows, cols) => {
    if (registers.length === 0 || registers[0].floats.length < cols) {
      registers = instructions.map(() => register(dtype, cols));
    }
    for (let row = 0; row < rows; row++) {
      instructions.forEach((instruction, at) =>
        step(registers[at], instruction, row, row * cols, cols)
      );
      for (const { kind, offset, value } of stores) {
        const start = kind === "element" ? row * cols : 0;
        new FloatArray(memory as ArrayBuffer, offset, start + cols).set(
          registers[value].floats.subarray(0, cols),
          start,
        );
      }
      for (const { kind, offset, value } of reductions) {
        const floats = registers[value].floats;
        let total = kind === "sum" ? 0 : -Infinity;
        for (let i = 0; i < cols; i++) {
          if (kind === "sum") total += floats[i];
          else if (total < floats[i]) total = floats[i];
        }
        new Float64Array(memory as ArrayBuffer, offset)[row] = total;
      }
    }
  };
}
