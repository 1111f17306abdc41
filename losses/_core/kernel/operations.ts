/**
 * The operations that are one instruction of WebAssembly: their opcodes for float32. For float64 they are larger by a distance
 * that all operations of a kind share.
 */

import type { Op } from "./program.ts";

type Opcodes = { readonly [op in Op]?: number };

/** Arithmetic of floats. */
const ARITHMETIC: Opcodes = {
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

/** Rounding of floats. */
const ROUNDING: Opcodes = {
  trunc: 0x69,
};

/** Comparisons of floats, which give masks. */
const COMPARISONS: Opcodes = {
  eq: 0x41,
  ne: 0x42,
  lt: 0x43,
  gt: 0x44,
  le: 0x45,
  ge: 0x46,
};

/** Logic of bits, with the same opcodes for both types. */
const LOGIC: Opcodes = {
  not: 0x4d,
  and: 0x4e,
  andnot: 0x4f,
  or: 0x50,
};

/** Arithmetic of integers; the distance of a shift is a constant. */
const INTEGERS: Opcodes = {
  shl: 0xab,
  shr: 0xad,
  iadd: 0xae,
  isub: 0xb1,
};

/**
 * The opcode of a vector instruction.
 *
 * @param op The operation.
 * @param wide 0 for float32, 1 for float64.
 */
export function opcodeOf(op: Op, wide: 0 | 1): number {
  const [kind, distance] = op in ARITHMETIC
    ? [ARITHMETIC, 12]
    : op in COMPARISONS
    ? [COMPARISONS, 6]
    : op in INTEGERS
    ? [INTEGERS, 32]
    : op in LOGIC
    ? [LOGIC, 0]
    : [ROUNDING, 17];
  return kind[op]! + wide * distance;
}
