/**
 * The part of WebAssembly's binary format that kernels need: opcodes, numbers, sections.
 */

/** Instructions that are one byte. They are constants of their own, which bundlers replace by their values. */
export const BLOCK = 0x02;
export const LOOP = 0x03;
export const IF = 0x04;
export const ELSE = 0x05;
export const END = 0x0b;
const BR = 0x0c;
const BR_IF = 0x0d;
const GET = 0x20;
const SET = 0x21;
export const TEE = 0x22;
export const I32_LOAD = 0x28;
export const F64_LOAD = 0x2b;
export const F64_STORE = 0x39;
const I32_CONST = 0x41;
export const I32_EQZ = 0x45;
export const I32_LT_U = 0x49;
export const I32_GE_U = 0x4f;
export const I32_ADD = 0x6a;
export const I32_SUB = 0x6b;
export const I32_MUL = 0x6c;
export const I32_AND = 0x71;
export const F64_ADD = 0xa0;
export const F64_MAX = 0xa5;
export const F32_CONVERT_U = 0xb3;
export const F32_DEMOTE = 0xb6;
export const F64_CONVERT_U = 0xb8;

/** The prefix of vector instructions, and those with one opcode for both float types; see also operations.ts. */
const SIMD = 0xfd;
export const V128_LOAD = 0x00;
export const V128_STORE = 0x0b;
const V128_CONST = 0x0c;
export const SHUFFLE = 0x0d;
export const F64_EXTRACT = 0x21;
export const BITSELECT = 0x52;
export const F64_PROMOTE_LOW = 0x5f;

/** Vector instructions for float32; those for float64 are larger by the number given. */
export const V128_STORE_LANE = 0x5a; // + 1
export const SPLAT = 0x13; // + 1
/** Relaxed SIMD: a multiply-add that may round once, and a select that may read one bit per lane. */
export const RELAXED_MADD = 0x105; // + 2
export const RELAXED_SELECT = 0x10b; // + 1

/** Types: of a 32-bit integer, of a vector, of a block without a result. */
const I32 = 0x7f;
const V128 = 0x7b;
const EMPTY = 0x40;

/**
 * Many times the same float.
 *
 * @param wide 0 for float32, 1 for float64.
 * @param value The float; a bigint stands for its bits.
 * @param bytes How long the array is.
 */
export function lanes(
  wide: 0 | 1,
  value: number | bigint,
  bytes: number,
): Float32Array | Float64Array | Int32Array | BigInt64Array {
  if (typeof value === "number") {
    return wide ? new Float64Array(bytes / 8).fill(value) : new Float32Array(bytes / 4).fill(value);
  }
  return wide
    ? new BigInt64Array(bytes / 8).fill(value)
    : new Int32Array(bytes / 4).fill(Number(value));
}

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
    this.bytes.push(I32_CONST);
    while (value < -64 || value > 63) {
      this.bytes.push((value & 127) | 128);
      value >>= 7;
    }
    this.bytes.push(value & 127);
    return this;
  }

  /** A vector instruction. */
  simd(opcode: number): this {
    if (opcode < 128) this.bytes.push(SIMD, opcode);
    else this.bytes.push(SIMD, (opcode & 127) | 128, opcode >> 7);
    return this;
  }

  /** Pushes a local. */
  get(local: number): this {
    if (local < 128) this.bytes.push(GET, local);
    else this.byte(GET).leb(local);
    return this;
  }

  /** Pops into a local. */
  set(local: number): this {
    if (local < 128) this.bytes.push(SET, local);
    else this.byte(SET).leb(local);
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
    return this.byte(BR_IF).byte(depth);
  }

  /** Repeats the innermost loop and closes it, and the block around it. */
  repeat(): this {
    return this.byte(BR).byte(0).byte(END).byte(END);
  }

  /** Adds a constant to a local. */
  step(local: number, amount: number): this {
    return this.get(local).i32(amount).byte(I32_ADD).set(local);
  }

  /** Pushes a vector of 16 bytes. */
  vector({ buffer }: ArrayBufferView): this {
    return this.simd(V128_CONST).append(new Uint8Array(buffer));
  }

  /** Pushes a vector with the same float, or the same bits, in every lane; `wide` is 0 for 32 bits, 1 for 64. */
  splat(wide: 0 | 1, value: number | bigint): this {
    return this.vector(lanes(wide, value, 16));
  }
}

/**
 * A module with one function of two integers over an imported memory `m.m`, exported as `f`.
 *
 * @param limits The limits of the memory.
 * @param integers The number of its integer locals.
 * @param vectors The number of its vector locals.
 * @param body Its code.
 */
export function moduleOf(
  limits: CodeWriter,
  integers: number,
  vectors: number,
  body: CodeWriter,
): Uint8Array<ArrayBuffer> {
  const code = new CodeWriter().byte(2).leb(integers).byte(I32).leb(vectors).byte(V128);
  code.append(body.bytes).byte(END);
  const section = new CodeWriter().byte(1).leb(code.bytes.length).append(code.bytes).bytes;
  const out = new CodeWriter().append([
    ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0], // magic and version
    ...[1, 6, 1, 0x60, 2, I32, I32, 0], // the type: two integers, no result
    ...[2, 6 + limits.bytes.length, 1, 1, 0x6d, 1, 0x6d, 0x02, ...limits.bytes], // the memory
    ...[3, 2, 1, 0], // one function
    ...[7, 5, 1, 1, 0x66, 0x00, 0], // its name
  ]);
  return new Uint8Array(out.byte(10).leb(section.length).append(section).bytes);
}
