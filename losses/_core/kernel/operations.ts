/**
 * The operations that are one instruction of WebAssembly: its opcode, and what it computes, for the interpreter.
 *
 * The opcode is that for float32. For float64 it is larger by a distance that all operations of a kind share.
 */

import type { Op } from "./program.ts";

type Operations<F> = { readonly [op in Op]?: readonly [opcode: number, compute: F] };

/** Arithmetic of floats. */
export const ARITHMETIC: Operations<(a: number, b: number) => number> = {
  abs: [0xe0, Math.abs],
  neg: [0xe1, (a) => -a],
  sqrt: [0xe3, Math.sqrt],
  add: [0xe4, (a, b) => a + b],
  sub: [0xe5, (a, b) => a - b],
  mul: [0xe6, (a, b) => a * b],
  div: [0xe7, (a, b) => a / b],
  min: [0xe8, Math.min],
  max: [0xe9, Math.max],
  pmin: [0xea, (a, b) => b < a ? b : a],
  pmax: [0xeb, (a, b) => a < b ? b : a],
};

/** Rounding of floats. */
export const ROUNDING: Operations<(a: number) => number> = {
  trunc: [0x69, Math.trunc],
};

/** Comparisons of floats, which give masks. */
export const COMPARISONS: Operations<(a: number, b: number) => boolean> = {
  eq: [0x41, (a, b) => a === b],
  ne: [0x42, (a, b) => a !== b],
  lt: [0x43, (a, b) => a < b],
  gt: [0x44, (a, b) => a > b],
  le: [0x45, (a, b) => a <= b],
  ge: [0x46, (a, b) => a >= b],
};

/** Logic of bits, with the same opcodes for both types. */
export const LOGIC: Operations<(a: bigint, b: bigint) => bigint> = {
  not: [0x4d, (a) => ~a],
  and: [0x4e, (a, b) => a & b],
  andnot: [0x4f, (a, b) => a & ~b],
  or: [0x50, (a, b) => a | b],
};

/** Arithmetic of integers; the distance of a shift is a constant. */
export const INTEGERS: Operations<(a: bigint, b: bigint) => bigint> = {
  shl: [0xab, (a, distance) => a << distance],
  shr: [0xad, (a, distance) => a >> distance],
  iadd: [0xae, (a, b) => a + b],
  isub: [0xb1, (a, b) => a - b],
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
  return kind[op]![0] + wide * distance;
}
