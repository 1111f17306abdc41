/**
 * The operations that are one instruction of WebAssembly.
 */

import type { Op } from "./program.ts";

/** Their opcodes for float32. */
const OPCODES: { readonly [op in Op]?: number } = {
  // Comparisons of floats, which give masks.
  eq: 0x41,
  ne: 0x42,
  lt: 0x43,
  le: 0x45,
  // Logic of bits.
  not: 0x4d,
  and: 0x4e,
  andnot: 0x4f,
  or: 0x50,
  // Arithmetic of integers; the distance of a shift is a constant.
  shl: 0xab,
  shr: 0xad,
  iadd: 0xae,
  isub: 0xb1,
  // Arithmetic of floats.
  trunc: 0x69,
  abs: 0xe0,
  neg: 0xe1,
  sqrt: 0xe3,
  add: 0xe4,
  sub: 0xe5,
  mul: 0xe6,
  div: 0xe7,
  min: 0xe8,
  max: 0xe9,
  pmin: 0xea,
  pmax: 0xeb,
};

/**
 * The opcode of a vector instruction.
 *
 * @param op The operation.
 * @param wide 0 for float32, 1 for float64.
 */
export function opcodeOf(op: Op, wide: 0 | 1): number {
  const opcode = OPCODES[op]!;
  // For float64 it is larger, by the same distance for all operations of a kind.
  const distance = opcode < 0x4d
    ? 6
    : opcode < 0x69
    ? 0
    : opcode < 0xab
    ? 17
    : opcode < 0xe0
    ? 32
    : 12;
  return opcode + wide * distance;
}

/** True for an operation that is one instruction. */
export function isInstruction(op: string): op is Op {
  return Object.hasOwn(OPCODES, op);
}
