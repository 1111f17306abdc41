/**
 * The small part of WebAssembly's binary format that kernels need: opcodes, numbers, sections.
 */

import type { FloatType, Op } from "./program.ts";

/** Value types, and the type of a block without a result. */
export const I32 = 0x7f, V128 = 0x7b, EMPTY = 0x40;

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

/** Vector instructions that look the same whatever the lanes hold. */
export const VECTOR = {
  load: 0x00,
  store: 0x0b,
  const: 0x0c,
  shuffle: 0x0d,
  bitselect: 0x52,
  f64Extract: 0x21,
  f64PromoteLow: 0x5f,
} as const;

/** Vector instructions by name: [float32, float64]. */
export const SIMD = {
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
} as const satisfies Partial<Record<Op | "splat", readonly [number, number]>>;

/** Vector instructions of relaxed SIMD: a fused multiply-add, and a select that looks at one bit per lane. */
export const RELAXED = {
  madd: [0x105, 0x107],
  nmadd: [0x106, 0x108],
  select: [0x10b, 0x10c],
} as const;

/** Code is nested as it was put together, and made flat once, at the end. */
export type Code = readonly (number | Code)[];

/** Unsigned LEB128. */
export function leb(value: number): number[] {
  const bytes: number[] = [];
  do {
    const rest = Math.floor(value / 128);
    bytes.push((value % 128) | (rest > 0 ? 128 : 0));
    value = rest;
  } while (value > 0);
  return bytes;
}

/** Signed LEB128 of a 32-bit integer. */
function sleb(value: number): number[] {
  const bytes: number[] = [];
  for (;;) {
    const byte = value & 0x7f;
    value >>= 7;
    if ((value === 0 && !(byte & 0x40)) || (value === -1 && byte & 0x40)) return [...bytes, byte];
    bytes.push(byte | 0x80);
  }
}

/** A vector instruction. */
export const simd = (opcode: number): Code => [0xfd, leb(opcode)];
/** Pushes a local. */
export const get = (local: number): Code => [0x20, leb(local)];
/** Pops into a local. */
export const set = (local: number): Code => [0x21, leb(local)];
/** Pushes an integer. */
export const i32 = (value: number): Code => [0x41, sleb(value)];
/** The immediate of a load or store: no alignment promised, a constant offset. */
export const at = (offset: number): Code => [0, leb(offset)];
/** Adds a constant to a local. */
export const step = (
  local: number,
  by: number,
): Code => [get(local), i32(by), CODE.i32Add, set(local)];

/** Pushes a vector with the same float, or the same bits, in every lane. */
export function splatConstant(dtype: FloatType, value: number | bigint): Code {
  const view = new DataView(new ArrayBuffer(16));
  for (let at = 0; at < 16; at += dtype === "float32" ? 4 : 8) {
    if (dtype === "float32") {
      if (typeof value === "bigint") view.setUint32(at, Number(BigInt.asUintN(32, value)), true);
      else view.setFloat32(at, value, true);
    } else if (typeof value === "bigint") view.setBigUint64(at, BigInt.asUintN(64, value), true);
    else view.setFloat64(at, value, true);
  }
  return [simd(VECTOR.const), [...new Uint8Array(view.buffer)]];
}

/** Pushes the vector 0, 1, 2, … */
export function laneNumbers(dtype: FloatType): Code {
  const numbers = dtype === "float32" ? Float32Array.of(0, 1, 2, 3) : Float64Array.of(0, 1);
  return [simd(VECTOR.const), [...new Uint8Array(numbers.buffer)]];
}

/** Appends the bytes of `code` to `bytes`. */
function flatten(code: Code, bytes: number[]): number[] {
  // An indexed loop: this runs cold, where an iterator costs several times as much.
  for (let i = 0; i < code.length; i++) {
    const part = code[i];
    if (typeof part === "number") bytes.push(part);
    else flatten(part, bytes);
  }
  return bytes;
}

const section = (
  id: number,
  body: readonly number[],
): number[] => [id, ...leb(body.length), ...body];

/** A module with one function over an imported memory `m.m`, exported as `run`. */
export function moduleOf(
  params: readonly number[],
  locals: Code,
  body: Code,
): Uint8Array<ArrayBuffer> {
  const code = flatten([locals, body, CODE.end], []);
  const run = [0x72, 0x75, 0x6e];
  return new Uint8Array([
    ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, [1, 0x60, params.length, ...params, 0]),
    ...section(2, [1, 1, 0x6d, 1, 0x6d, 0x02, 0x00, 0]),
    ...section(3, [1, 0]),
    ...section(7, [1, run.length, ...run, 0x00, 0]),
    ...section(10, [1, ...leb(code.length), ...code]),
  ]);
}
