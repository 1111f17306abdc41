/**
 * Encodes a kernel as a WebAssembly module with one function, `run(rows, cols)`.
 *
 *     constants and parameters into locals
 *     for each row:
 *       row parameters into locals, accumulators to their start
 *       for each block of vectors of columns:     a vector is 4 × float32 or 2 × float64
 *         for each vector: load, compute, store
 *         add the block up and accumulate it
 *       for each vector that is left:             the last one partial, with a mask on what is accumulated
 *         load, compute, store, accumulate
 *       write the accumulators
 *
 * What is used once is computed in place, on the stack; what is used again gets a local. Constants get one
 * too: a constant inside the loop would be built anew in every round, which made exp 2.6 times slower.
 *
 * Stage 4a of 5 on the way from text to kernel: parse → graph → lower → **wasm**.
 */

import {
  CODE,
  CodeWriter,
  EMPTY,
  I32,
  moduleOf,
  RELAXED,
  SIMD,
  V128,
  VECTOR,
} from "./assembler.ts";
import type { Plan, Reduction, Run } from "./plan.ts";
import type { Instruction, Stage, Value } from "./program.ts";

/** Parameters and integer locals: positions in bytes along all rows, along one row and along the row operands. */
const ROWS = 0, COLS = 1, I = 2, J = 3, R = 4, BLOCKS = 5, FULL = 6, END = 7;
const INTEGERS = [I, J, R, BLOCKS, FULL, END].length;
const VECTOR_BYTES = 16;
/** The local of a value that has none: it is computed where it is used. */
const NONE = -1;
/** Bytes 8 to 15 of a vector, twice. */
const UPPER_HALF = [8, 9, 10, 11, 12, 13, 14, 15, 8, 9, 10, 11, 12, 13, 14, 15];

/**
 * Vectors in a block, and the instructions they may have together. The vectors of a block are computed side by side, each
 * step for all of them: a constant that does not fit into the registers is then loaded once for four uses, which makes
 * softplus 1.4 times faster. Counting and adding up is done once a block, too.
 */
const UNROLL = 4;
const BLOCK_INSTRUCTIONS = 512;

/** The bytes of `plan`; `relaxed` uses relaxed SIMD's fused multiply-add and select. */
export function encode(plan: Plan, relaxed: boolean): Uint8Array<ArrayBuffer> {
  const { program: { dtype, instructions }, offsets, stores, reductions } = plan;
  const wide = dtype === "float64" ? 1 : 0;
  const lanes = wide ? 2 : 4;
  const size = VECTOR_BYTES / lanes;
  const code = new CodeWriter();

  // 1. Which values need a local? Those that are used twice or in an inner loop, and leaves.
  const uses = new Uint32Array(instructions.length);
  const crosses = new Uint8Array(instructions.length);
  const use = (value: Value, stage: Stage) => {
    uses[value]++;
    if (instructions[value].stage !== stage) crosses[value] = 1;
  };
  for (const { value } of stores) use(value, "element");
  for (const { value } of reductions) use(value, "element");
  let elementInstructions = 0;
  for (let value = instructions.length - 1; value >= 0; value--) {
    const { args, stage } = instructions[value];
    if (uses[value] === 0) continue;
    for (const arg of args) use(arg, stage);
    if (stage === "element") elementInstructions++;
  }
  const unroll = UNROLL * elementInstructions <= BLOCK_INSTRUCTIONS ? UNROLL : 1;
  let locals = 2 + INTEGERS;
  const newLocals = (count: number): number => (locals += count) - count;
  /** By value, its first local, or NONE: one for each vector of a block, the same for all if it does not change within a row. */
  const local = new Int32Array(instructions.length).fill(NONE);
  for (let value = 0; value < instructions.length; value++) {
    const { args, stage } = instructions[value];
    if (uses[value] > 1 || (uses[value] === 1 && (crosses[value] || args.length === 0))) {
      local[value] = newLocals(stage === "element" ? unroll : 1);
    }
  }
  const localOf = (value: Value, u: number): number =>
    local[value] + (instructions[value].stage === "element" ? u : 0);

  // 2. Code for a value: its local, or its instruction with the code of its arguments before it.
  function push(value: Value, u: number): void {
    if (local[value] === NONE) compute(instructions[value], u);
    else code.get(localOf(value, u));
  }

  function compute({ op, args, value, name }: Instruction, u: number): void {
    const [a, b, c] = args;
    switch (op) {
      case "const":
      case "bits":
        code.splat(dtype, value);
        return;
      case "element":
      case "column":
        code.get(op === "element" ? I : J).simd(VECTOR.load);
        code.at(offsets.get(name)! + u * VECTOR_BYTES);
        return;
      case "row":
      case "param":
        if (op === "row") code.get(R);
        else code.i32(0);
        code.byte(CODE.f64Load).at(offsets.get(name)!);
        if (!wide) code.byte(CODE.f32Demote);
        code.simd(SIMD.splat[wide]);
        return;
      case "select":
        push(b, u);
        push(c, u);
        push(a, u);
        code.simd(relaxed ? RELAXED.select[wide] : VECTOR.bitselect);
        return;
      case "madd":
        push(a, u);
        push(b, u);
        if (!relaxed) code.simd(SIMD.mul[wide]);
        push(c, u);
        code.simd(relaxed ? RELAXED.madd[wide] : SIMD.add[wide]);
        return;
      case "nmadd":
        if (!relaxed) push(c, u);
        push(a, u);
        push(b, u);
        if (relaxed) push(c, u);
        code.simd(relaxed ? RELAXED.nmadd[wide] : SIMD.mul[wide]);
        if (!relaxed) code.simd(SIMD.sub[wide]);
        return;
      case "shl":
      case "shr":
        push(a, u);
        code.i32(Number(value)).simd(SIMD[op][wide]);
        return;
      default:
        push(a, u);
        if (b !== undefined) push(b, u);
        code.simd(SIMD[op][wide]);
    }
  }

  /** Sets the locals of one stage, in order, so that each finds its arguments ready; `count` vectors side by side. */
  function computeStage(stage: Stage, count = 1): void {
    for (let value = 0; value < instructions.length; value++) {
      if (local[value] === NONE || instructions[value].stage !== stage) continue;
      for (let u = 0; u < count; u++) {
        compute(instructions[value], u);
        code.set(localOf(value, u));
      }
    }
  }

  function storeResults(count: number): void {
    for (const { kind, offset, value } of stores) {
      for (let u = 0; u < count; u++) {
        code.get(kind === "element" ? I : J);
        push(value, u);
        code.simd(VECTOR.store).at(offset + u * VECTOR_BYTES);
      }
    }
  }

  // 3. Reductions. Sums are kept in float64 lanes: two accumulators for the halves of a float32 vector.
  const mask = newLocals(1);
  const pending = newLocals(unroll);
  const accumulators = newLocals(2 * reductions.length);
  const combine = { sum: SIMD.add[wide], max: SIMD.pmax[wide] };
  /** Pushes the upper half of the float32 vector in a local as float64. */
  const pushUpper = (vector: number) =>
    code.get(vector).get(vector).simd(VECTOR.shuffle).append(UPPER_HALF).simd(VECTOR.f64PromoteLow);

  /** The values of a block combined in pairs: n equal float32 numbers have an exact sum, if n is a power of 2. */
  function pushTree(kind: Reduction["kind"], from: number, count: number): void {
    if (count === 1) {
      code.get(from);
      return;
    }
    pushTree(kind, from, count / 2);
    pushTree(kind, from + count / 2, count / 2);
    code.simd(combine[kind]);
  }

  /** Accumulates `count` vectors. */
  function accumulate({ kind, value }: Reduction, k: number, count: number): void {
    const low = accumulators + 2 * k;
    for (let u = 0; u < count; u++) {
      push(value, u);
      code.set(pending + u);
    }
    if (count > 1) {
      pushTree(kind, pending, count);
      code.set(pending);
    }
    addUp(kind, low);
  }

  /** Accumulates the columns that are left, of which the mask may hide some. */
  function accumulateMasked({ kind, value }: Reduction, k: number): void {
    push(value, 0);
    if (kind === "sum") code.get(mask).simd(SIMD.and[wide]);
    else code.splat(dtype, -Infinity).get(mask).simd(VECTOR.bitselect);
    code.set(pending);
    addUp(kind, accumulators + 2 * k);
  }

  function addUp(kind: Reduction["kind"], low: number): void {
    if (kind === "max" || wide) {
      code.get(low).get(pending).simd(combine[kind]).set(low);
      return;
    }
    code.get(low).get(pending).simd(VECTOR.f64PromoteLow).simd(SIMD.add[1]).set(low);
    code.get(low + 1);
    pushUpper(pending).simd(SIMD.add[1]).set(low + 1);
  }

  function finish({ kind, offset }: Reduction, k: number): void {
    const low = accumulators + 2 * k;
    if (!wide && kind === "sum") code.get(low).get(low + 1).simd(SIMD.add[1]).set(low);
    if (!wide && kind === "max") {
      code.get(low).simd(VECTOR.f64PromoteLow);
      pushUpper(low).simd(SIMD.pmax[1]).set(low);
    }
    code.get(R);
    code.get(low).simd(VECTOR.f64Extract).byte(0).get(low).simd(VECTOR.f64Extract).byte(1);
    code.byte(kind === "sum" ? CODE.f64Add : CODE.f64Max).byte(CODE.f64Store).at(offset);
  }

  // 4. The loops.
  const block = (type: number) => code.byte(type).byte(EMPTY);
  /** The bytes of a row in whole units, into a local. */
  const wholeBytes = (unit: number, to: number) =>
    code.get(END).i32(-unit).byte(CODE.i32And).set(to);
  /** Leaves the block `depth` levels up when J has reached a local. */
  const leaveAt = (limit: number, depth: number) =>
    code.get(J).get(limit).byte(CODE.i32GeU).byte(CODE.brIf).byte(depth);

  code.get(COLS).i32(size).byte(CODE.i32Mul).set(END);
  wholeBytes(VECTOR_BYTES, FULL);
  wholeBytes(unroll * VECTOR_BYTES, BLOCKS);
  computeStage("call");
  block(CODE.block).get(ROWS).byte(CODE.i32Eqz).byte(CODE.brIf).byte(0);
  block(CODE.loop); // for each row
  computeStage("row");
  reductions.forEach(({ kind }, k) => {
    for (let half = 0; half < 2; half++) {
      code.splat(dtype, kind === "sum" ? 0 : -Infinity).set(accumulators + 2 * k + half);
    }
  });
  code.i32(0).set(J);

  block(CODE.block);
  block(CODE.loop); // for each block
  leaveAt(BLOCKS, 1);
  computeStage("element", unroll);
  storeResults(unroll);
  reductions.forEach((reduction, k) => accumulate(reduction, k, unroll));
  code.step(I, unroll * VECTOR_BYTES).step(J, unroll * VECTOR_BYTES);
  code.byte(CODE.br).byte(0).byte(CODE.end).byte(CODE.end);

  code.splat(dtype, -1n).set(mask);
  block(CODE.block);
  block(CODE.loop); // for each vector that is left
  leaveAt(END, 1);
  // The partial vector: only the lanes that the row still has count.
  code.get(J).get(FULL).byte(CODE.i32GeU);
  block(CODE.if).laneNumbers(dtype).get(COLS).i32(lanes - 1).byte(CODE.i32And);
  code.byte(wide ? CODE.f64ConvertU : CODE.f32ConvertU).simd(SIMD.splat[wide]);
  code.simd(SIMD.lt[wide]).set(mask).byte(CODE.end);
  computeStage("element");
  storeResults(1);
  reductions.forEach(accumulateMasked);
  code.step(I, VECTOR_BYTES).step(J, VECTOR_BYTES);
  code.byte(CODE.br).byte(0).byte(CODE.end).byte(CODE.end);

  reductions.forEach(finish);
  // A partial vector has moved I too far: the next row begins where this one ends.
  code.get(I).get(J).byte(CODE.i32Sub).get(END).byte(CODE.i32Add).set(I);
  code.step(R, 8);
  code.get(ROWS).i32(1).byte(CODE.i32Sub).byte(CODE.localTee).byte(ROWS).byte(CODE.brIf).byte(0);
  code.byte(CODE.end).byte(CODE.end);

  return moduleOf([I32, I32], [[INTEGERS, I32], [locals - 2 - INTEGERS, V128]], code);
}

/** A module with one function, `local.set 0 (f32x4.relaxed_madd (local.get 0) (local.get 0) (local.get 0))`. */
const RELAXED_PROBE = new Uint8Array([
  ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 1, 4, 1, 0x60, 0, 0, 3, 2, 1, 0, 10, 17, 1, 15],
  ...[1, 1, V128, 0x20, 0, 0x20, 0, 0x20, 0, 0xfd, 0x85, 0x02, 0x21, 0, CODE.end],
]);

/** Whether this machine has relaxed SIMD. */
export function hasRelaxedSimd(): boolean {
  return WebAssembly.validate(RELAXED_PROBE);
}

/** Compiles a kernel. */
export function compile(plan: Plan, memory: WebAssembly.Memory, relaxed: boolean): Run {
  const module = new WebAssembly.Module(encode(plan, relaxed));
  return new WebAssembly.Instance(module, { m: { m: memory } }).exports.run as Run;
}
