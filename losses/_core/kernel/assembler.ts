/**
 * The part of WebAssembly's binary format that kernels need: opcodes, numbers, sections.
 */

import type { FloatType } from "../tensor/types.ts";

/** Value types. */
export const I32 = 0x7f, V128 = 0x7b;
/** The type of a block without a result. */
const EMPTY = 0x40;

/** Instructions that are one byte. */
export const CODE = {
  block: 0x02,
  loop: 0x03,
  if: 0x04,
  end: 0x0b,
  br: 0x0c,
  brIf: 0x0d,
  localTee: 0x22,
  f64Load: 0x2b,
  f64Store: 0x39,
  i32Eqz: 0x45,
  i32GeU: 0x4f,
  i32Add: 0x6a,
  i32Sub: 0x6b,
  i32Mul: 0x6c,
  i32And: 0x71,
  f64Add: 0xa0,
  f64Max: 0xa5,
  f32ConvertU: 0xb3,
  f32Demote: 0xb6,
  f64ConvertU: 0xb8,
} as const;

/** Vector instructions with one opcode for both float types. */
export const VECTOR = {
  load: 0x00,
  store: 0x0b,
  const: 0x0c,
  shuffle: 0x0d,
  bitselect: 0x52,
  f64Extract: 0x21,
  f64PromoteLow: 0x5f,
} as const;

/** The names of vector instructions with a form for each float type. */
export type SimdName =
  | "splat"
  | "eq"
  | "ne"
  | "lt"
  | "gt"
  | "le"
  | "ge"
  | "not"
  | "and"
  | "andnot"
  | "or"
  | "abs"
  | "neg"
  | "sqrt"
  | "trunc"
  | "add"
  | "sub"
  | "mul"
  | "div"
  | "min"
  | "max"
  | "pmin"
  | "pmax"
  | "shl"
  | "shr"
  | "iadd"
  | "isub";

/** Vector instructions by name: [float32, float64]. */
export const SIMD: Readonly<Record<SimdName, readonly [number, number]>> = {
  splat: [0x13, 0x14],
  eq: [0x41, 0x47],
  ne: [0x42, 0x48],
  lt: [0x43, 0x49],
  gt: [0x44, 0x4a],
  le: [0x45, 0x4b],
  ge: [0x46, 0x4c],
  not: [0x4d, 0x4d],
  and: [0x4e, 0x4e],
  andnot: [0x4f, 0x4f],
  or: [0x50, 0x50],
  abs: [0xe0, 0xec],
  neg: [0xe1, 0xed],
  sqrt: [0xe3, 0xef],
  trunc: [0x69, 0x7a],
  add: [0xe4, 0xf0],
  sub: [0xe5, 0xf1],
  mul: [0xe6, 0xf2],
  div: [0xe7, 0xf3],
  min: [0xe8, 0xf4],
  max: [0xe9, 0xf5],
  pmin: [0xea, 0xf6],
  pmax: [0xeb, 0xf7],
  shl: [0xab, 0xcb],
  shr: [0xad, 0xcd],
  iadd: [0xae, 0xce],
  isub: [0xb1, 0xd1],
};

/** Vector instructions of relaxed SIMD: a multiply-add that may round once, and a select that may read one bit per lane. */
export const RELAXED: Readonly<Record<"madd" | "nmadd" | "select", readonly [number, number]>> = {
  madd: [0x105, 0x107],
  nmadd: [0x106, 0x108],
  select: [0x10b, 0x10c],
};

/** A buffer for the bytes of a constant in every lane, little-endian. */
const lanes = new DataView(new ArrayBuffer(16));
const laneBytes = new Uint8Array(lanes.buffer);

/**
 * Writes code into one growing array. An instruction takes one call, and that one call of `push`: kernels are written by
 * code that the engine has not yet compiled, where calls are slow. Methods return the writer, so that calls can be chained.
 */
export class CodeWriter {
  /** The bytes written so far. */
  readonly bytes: number[] = [];

  /** One byte: an opcode, or a number below 128. */
  byte(byte: number): this {
    this.bytes.push(byte);
    return this;
  }

  /** Bytes as they are. */
  append(bytes: ArrayLike<number>): this {
    for (let i = 0; i < bytes.length; i++) this.bytes.push(bytes[i]!);
    return this;
  }

  /** A number ≥ 0 (unsigned LEB128). */
  leb(value: number): this {
    while (value > 127) {
      this.bytes.push((value % 128) | 128);
      value = Math.floor(value / 128);
    }
    this.bytes.push(value);
    return this;
  }

  /** Pushes a 32-bit integer (signed LEB128). */
  i32(value: number): this {
    this.bytes.push(0x41);
    while (value < -64 || value > 63) {
      this.bytes.push((value & 127) | 128);
      value >>= 7;
    }
    this.bytes.push(value & 127);
    return this;
  }

  /** A vector instruction. */
  simd(opcode: number): this {
    if (opcode < 128) this.bytes.push(0xfd, opcode);
    else this.bytes.push(0xfd, (opcode & 127) | 128, opcode >> 7);
    return this;
  }

  /** Pushes a local. */
  get(local: number): this {
    if (local < 128) this.bytes.push(0x20, local);
    else this.byte(0x20).leb(local);
    return this;
  }

  /** Pops into a local. */
  set(local: number): this {
    if (local < 128) this.bytes.push(0x21, local);
    else this.byte(0x21).leb(local);
    return this;
  }

  /** The immediates of a load or store: no alignment, and a constant offset. */
  at(offset: number): this {
    return this.byte(0).leb(offset);
  }

  /** Opens a block, loop or if without a result. */
  open(opcode: number): this {
    return this.byte(opcode).byte(EMPTY);
  }

  /** Pops a condition and leaves the block `depth` levels up if it is true. */
  leave(depth: number): this {
    return this.byte(CODE.brIf).byte(depth);
  }

  /** Repeats the innermost loop and closes `levels` blocks. */
  close(levels: number): this {
    this.byte(CODE.br).byte(0);
    for (let level = 0; level < levels; level++) this.byte(CODE.end);
    return this;
  }

  /** Adds a constant to a local. */
  step(local: number, amount: number): this {
    return this.get(local).i32(amount).byte(CODE.i32Add).set(local);
  }

  /** Pushes a vector with the same float, or the same bits, in every lane. */
  splat(dtype: FloatType, value: number | bigint): this {
    if (dtype === "float32") {
      if (typeof value === "bigint") lanes.setUint32(0, Number(BigInt.asUintN(32, value)), true);
      else lanes.setFloat32(0, value, true);
      laneBytes.copyWithin(4, 0, 4);
    } else if (typeof value === "bigint") lanes.setBigUint64(0, BigInt.asUintN(64, value), true);
    else lanes.setFloat64(0, value, true);
    laneBytes.copyWithin(8, 0, 8);
    this.simd(VECTOR.const).bytes.push(...laneBytes);
    return this;
  }

  /** Pushes the vector 0, 1, 2, … */
  laneNumbers(dtype: FloatType): this {
    const numbers = dtype === "float32" ? Float32Array.of(0, 1, 2, 3) : Float64Array.of(0, 1);
    return this.simd(VECTOR.const).append(new Uint8Array(numbers.buffer));
  }
}

/** A module with one function over an imported memory `m.m`, exported as `run`. */
export function moduleOf(
  params: readonly number[],
  locals: readonly (readonly [count: number, type: number])[],
  body: CodeWriter,
): Uint8Array<ArrayBuffer> {
  const code = new CodeWriter().leb(locals.length);
  for (const [count, type] of locals) code.leb(count).byte(type);
  code.append(body.bytes).byte(CODE.end);

  const out = new CodeWriter().append([0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0]);
  const section = (id: number, content: ArrayLike<number>) =>
    out.byte(id).leb(content.length).append(content);
  const run = [0x72, 0x75, 0x6e];
  section(1, [1, 0x60, params.length, ...params, 0]);
  section(2, [1, 1, 0x6d, 1, 0x6d, 0x02, 0x00, 0]);
  section(3, [1, 0]);
  section(7, [1, run.length, ...run, 0x00, 0]);
  section(10, new CodeWriter().byte(1).leb(code.bytes.length).append(code.bytes).bytes);
  return new Uint8Array(out.bytes);
}
