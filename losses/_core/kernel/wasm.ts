/**
 * Encodes a kernel as a WebAssembly module with one function, `run(rows, cols)`.
 *
 *     set the locals of constants and parameters
 *     for each row:
 *       set the locals of row operands, initialise the accumulators
 *       for each block of vectors:        a vector is 4 × float32 or 2 × float64
 *         load, compute, store each vector
 *         add up the block, accumulate the sum
 *       for each remaining vector:        the last one may be partial
 *         load, compute, store, accumulate the lanes that belong to the row
 *       write the accumulators
 *
 * A value that is used once is computed on the stack, where it is used; one that is used again is kept in a local. So are
 * constants, because the engine would build a constant inside the loop again in each iteration, which made exp 2.6 times
 * slower, and the steps of polynomials, which makes exp 1.05 times faster in float32 and 1.3 times in float64.
 *
 * From text to kernel: parse → graph → lower → **wasm**.
 */

import { CODE, CodeWriter, I32, moduleOf, RELAXED, SIMD, V128, VECTOR } from "./assembler.ts";
import type { Plan, Run } from "./plan.ts";
import type { Instruction, Stage, Value } from "./program.ts";
import type { FloatType } from "../tensor/types.ts";

/** Parameters and integer locals: I, J and R are positions in bytes in all rows, in one row and in the row operands. */
const ROWS = 0, COLS = 1, I = 2, J = 3, R = 4, BLOCKS = 5, FULL = 6, END = 7;
const INTEGERS = [I, J, R, BLOCKS, FULL, END].length;
const VECTOR_BYTES = 16;
/** In place of a local, for a value that is computed where it is used. */
const NONE = -1;
/** Bytes 8 to 15 of a vector, twice. */
const UPPER_HALF = [8, 9, 10, 11, 12, 13, 14, 15, 8, 9, 10, 11, 12, 13, 14, 15];

/**
 * Vectors in a block, and the most instructions in a block. Each instruction is written for all vectors of a block before
 * the next one: a constant that is not in a register is then loaded once for four uses, which makes softplus 1.4 times
 * faster. The loop counter and the accumulators, too, change once per block.
 */
const UNROLL = 4;
const BLOCK_INSTRUCTIONS = 512;
/** The most instructions that are computed on the stack, each as the argument of the next one. */
const MAX_DEPTH = 100;

/**
 * Encodes a kernel.
 *
 * @param plan The kernel.
 * @param relaxed True to use the multiply-add and select of relaxed SIMD.
 * @returns The bytes of the module.
 */
export function encode(plan: Plan, relaxed: boolean): Uint8Array<ArrayBuffer> {
  return new Encoder(plan, relaxed).encode();
}

/**
 * Encodes one plan. Most of the time goes into parsing this code, because a kernel is encoded only once. A class is
 * therefore faster than a function with inner functions, which engines parse again whenever the outer one is called.
 */
class Encoder {
  readonly #code = new CodeWriter();
  readonly #plan: Plan;
  readonly #relaxed: boolean;
  readonly #dtype: FloatType;
  /** Column of the opcode tables: 0 for float32, 1 for float64. */
  readonly #wide: 0 | 1;
  /** Vectors in a block. */
  readonly #unroll: number;
  /** By value: the first of its locals, one for each vector of a block (one for all if it is constant in a row), or NONE. */
  readonly #local: Int32Array;
  /** Number of locals so far. */
  #locals = 2 + INTEGERS;
  readonly #mask: number;
  readonly #pending: number;
  readonly #accumulators: number;

  constructor(plan: Plan, relaxed: boolean) {
    const { program: { dtype, instructions }, stores, reductions } = plan;
    this.#plan = plan;
    this.#relaxed = relaxed;
    this.#dtype = dtype;
    this.#wide = dtype === "float64" ? 1 : 0;

    // These values need a local: those that are used twice or in an inner loop, leaves, and the steps of polynomials. Each
    // step waits for the one before; with locals, the steps of all vectors of a block alternate. Long
    // chains need some, too, as the code for what is computed on the stack is written by recursion.
    const uses = new Uint32Array(instructions.length);
    const crosses = new Uint8Array(instructions.length);
    const use = (value: Value, stage: Stage) => {
      uses[value]!++;
      if (instructions[value]!.stage !== stage) crosses[value] = 1;
    };
    for (const { value } of stores) use(value, "element");
    for (const { value } of reductions) use(value, "element");
    let elementInstructions = 0;
    for (let value = instructions.length - 1; value >= 0; value--) {
      const { args, stage } = instructions[value]!;
      if (uses[value] === 0) continue;
      for (const arg of args) use(arg, stage);
      if (stage === "element") elementInstructions++;
    }
    this.#unroll = UNROLL * elementInstructions <= BLOCK_INSTRUCTIONS ? UNROLL : 1;
    this.#local = new Int32Array(instructions.length).fill(NONE);
    const depths = new Uint8Array(instructions.length);
    for (let value = 0; value < instructions.length; value++) {
      const { op, args, stage } = instructions[value]!;
      const isStep = stage === "element" && (op === "madd" || op === "nmadd");
      let depth = 0;
      for (const arg of args) depth = Math.max(depth, depths[arg]! + 1);
      if (
        uses[value]! > 1 ||
        (uses[value] === 1 &&
          (isStep || crosses[value] || args.length === 0 || depth > MAX_DEPTH))
      ) {
        this.#local[value] = this.#newLocals(stage === "element" ? this.#unroll : 1);
        depth = 0;
      }
      depths[value] = depth;
    }
    this.#mask = this.#newLocals(1);
    this.#pending = this.#newLocals(this.#unroll);
    this.#accumulators = this.#newLocals(UNROLL * reductions.length);
  }

  #newLocals(count: number): number {
    this.#locals += count;
    return this.#locals - count;
  }

  encode(): Uint8Array<ArrayBuffer> {
    const code = this.#code;
    const wide = this.#wide;
    const { reductions } = this.#plan;
    const size = wide ? 8 : 4;
    const blockBytes = this.#unroll * VECTOR_BYTES;

    code.get(COLS).i32(size).byte(CODE.i32Mul).set(END);
    code.get(END).i32(-VECTOR_BYTES).byte(CODE.i32And).set(FULL);
    code.get(END).i32(-blockBytes).byte(CODE.i32And).set(BLOCKS);
    this.#computeStage("call", 1);
    code.open(CODE.block).get(ROWS).byte(CODE.i32Eqz).leave(0);
    code.open(CODE.loop); // for each row
    this.#computeStage("row", 1);
    for (let k = 0; k < reductions.length; k++) this.#start(k);
    code.i32(0).set(J);

    code.open(CODE.block).open(CODE.loop); // for each block
    code.get(J).get(BLOCKS).byte(CODE.i32GeU).leave(1);
    this.#computeStage("element", this.#unroll);
    this.#store(this.#unroll);
    for (let k = 0; k < reductions.length; k++) this.#accumulate(k);
    code.step(I, blockBytes).step(J, blockBytes).close(2);

    code.splat(this.#dtype, -1n).set(this.#mask);
    code.open(CODE.block).open(CODE.loop); // for each remaining vector
    code.get(J).get(END).byte(CODE.i32GeU).leave(1);
    // The mask of a partial vector: the lanes that belong to the row.
    code.get(J).get(FULL).byte(CODE.i32GeU).open(CODE.if);
    code.laneNumbers(this.#dtype).get(COLS).i32(VECTOR_BYTES / size - 1).byte(CODE.i32And);
    code.byte(wide ? CODE.f64ConvertU : CODE.f32ConvertU).simd(SIMD.splat[wide]);
    code.simd(SIMD.lt[wide]).set(this.#mask).byte(CODE.end);
    this.#computeStage("element", 1);
    this.#store(1);
    for (let k = 0; k < reductions.length; k++) this.#accumulateMasked(k);
    code.step(I, VECTOR_BYTES).step(J, VECTOR_BYTES).close(2);

    for (let k = 0; k < reductions.length; k++) this.#finish(k);
    // After a partial vector, I is beyond the end of the row, where the next row begins.
    code.get(I).get(J).byte(CODE.i32Sub).get(END).byte(CODE.i32Add).set(I);
    code.step(R, 8);
    code.get(ROWS).i32(1).byte(CODE.i32Sub).byte(CODE.localTee).byte(ROWS).byte(CODE.brIf).byte(0);
    code.byte(CODE.end).byte(CODE.end);
    return moduleOf([I32, I32], [[INTEGERS, I32], [this.#locals - 2 - INTEGERS, V128]], code);
  }

  /** Sets the locals of one stage, arguments first, each for `count` vectors. */
  #computeStage(stage: Stage, count: number): void {
    const { instructions } = this.#plan.program;
    for (let value = 0; value < instructions.length; value++) {
      if (this.#local[value] === NONE || instructions[value]!.stage !== stage) continue;
      for (let u = 0; u < count; u++) {
        this.#compute(instructions[value]!, u);
        this.#code.set(this.#localOf(value, u));
      }
    }
  }

  #localOf(value: Value, u: number): number {
    const varies = this.#plan.program.instructions[value]!.stage === "element";
    return this.#local[value]! + (varies ? u : 0);
  }

  /** Pushes a value: its local, or its instruction after those of its arguments. */
  #push(value: Value, u: number): void {
    if (this.#local[value] === NONE) this.#compute(this.#plan.program.instructions[value]!, u);
    else this.#code.get(this.#localOf(value, u));
  }

  /** Pushes the result of an instruction for vector `u` of a block. */
  #compute({ op, args, value, name }: Instruction, u: number): void {
    const code = this.#code;
    const wide = this.#wide;
    const relaxed = this.#relaxed;
    switch (op) {
      case "const":
      case "bits":
        code.splat(this.#dtype, value);
        return;
      case "element":
      case "column":
        code.get(op === "element" ? I : J).simd(VECTOR.load);
        code.at(this.#plan.offsets.get(name)! + u * VECTOR_BYTES);
        return;
      case "row":
      case "param":
        if (op === "row") code.get(R);
        else code.i32(0);
        code.byte(CODE.f64Load).at(this.#plan.offsets.get(name)!);
        if (!wide) code.byte(CODE.f32Demote);
        code.simd(SIMD.splat[wide]);
        return;
      case "select":
        this.#push(args[1]!, u);
        this.#push(args[2]!, u);
        this.#push(args[0]!, u);
        code.simd(relaxed ? RELAXED.select[wide] : VECTOR.bitselect);
        return;
      case "madd":
        this.#push(args[0]!, u);
        this.#push(args[1]!, u);
        if (!relaxed) code.simd(SIMD.mul[wide]);
        this.#push(args[2]!, u);
        code.simd(relaxed ? RELAXED.madd[wide] : SIMD.add[wide]);
        return;
      case "nmadd":
        if (!relaxed) this.#push(args[2]!, u);
        this.#push(args[0]!, u);
        this.#push(args[1]!, u);
        if (relaxed) this.#push(args[2]!, u);
        code.simd(relaxed ? RELAXED.nmadd[wide] : SIMD.mul[wide]);
        if (!relaxed) code.simd(SIMD.sub[wide]);
        return;
      case "shl":
      case "shr":
        this.#push(args[0]!, u);
        code.i32(Number(value)).simd(SIMD[op][wide]);
        return;
      default:
        this.#push(args[0]!, u);
        if (args.length > 1) this.#push(args[1]!, u);
        code.simd(SIMD[op][wide]);
    }
  }

  #store(count: number): void {
    for (const { kind, offset, value } of this.#plan.stores) {
      for (let u = 0; u < count; u++) {
        this.#code.get(kind === "element" ? I : J);
        this.#push(value, u);
        this.#code.simd(VECTOR.store).at(offset + u * VECTOR_BYTES);
      }
    }
  }

  // Reductions. Sums are accumulated in float64; a float32 vector takes two accumulators, for its lower and upper half. A
  // maximum takes one for each vector of a block. It is never NaN, so that NaN is ignored: pmax gives its first argument if
  // either is NaN.

  #firstAccumulator(k: number): number {
    return this.#accumulators + UNROLL * k;
  }

  #start(k: number): void {
    const isSum = this.#plan.reductions[k]!.kind === "sum";
    const [start, count] = isSum ? [0, 2] as const : [-Infinity, UNROLL] as const;
    for (let i = 0; i < count; i++) {
      this.#code.splat(this.#dtype, start).set(this.#firstAccumulator(k) + i);
    }
  }

  /** Accumulates the vectors of a block. */
  #accumulate(k: number): void {
    const { kind, value } = this.#plan.reductions[k]!;
    const code = this.#code;
    if (kind === "max") {
      for (let u = 0; u < this.#unroll; u++) {
        const accumulator = this.#firstAccumulator(k) + u;
        code.get(accumulator);
        this.#push(value, u);
        code.simd(SIMD.pmax[this.#wide]).set(accumulator);
      }
      return;
    }
    for (let u = 0; u < this.#unroll; u++) {
      this.#push(value, u);
      code.set(this.#pending + u);
    }
    if (this.#unroll > 1) {
      this.#pushTree(SIMD.add[this.#wide], this.#pending, this.#unroll);
      code.set(this.#pending);
    }
    this.#addUp(k);
  }

  /** Accumulates the lanes of a remaining vector that the mask selects. */
  #accumulateMasked(k: number): void {
    const { kind, value } = this.#plan.reductions[k]!;
    const code = this.#code;
    if (kind === "max") {
      const accumulator = this.#firstAccumulator(k);
      code.get(accumulator);
      this.#push(value, 0);
      code.splat(this.#dtype, -Infinity).get(this.#mask).simd(VECTOR.bitselect);
      code.simd(SIMD.pmax[this.#wide]).set(accumulator);
      return;
    }
    this.#push(value, 0);
    code.get(this.#mask).simd(SIMD.and[this.#wide]).set(this.#pending);
    this.#addUp(k);
  }

  /** Pushes values combined in pairs: the sum of 2ⁿ equal float32 numbers is then exact. */
  #pushTree(combine: number, from: number, count: number): void {
    if (count === 1) {
      this.#code.get(from);
      return;
    }
    this.#pushTree(combine, from, count / 2);
    this.#pushTree(combine, from + count / 2, count / 2);
    this.#code.simd(combine);
  }

  /** Adds the pending vector to the accumulators of a sum. */
  #addUp(k: number): void {
    const code = this.#code;
    const low = this.#firstAccumulator(k);
    if (this.#wide) {
      code.get(low).get(this.#pending).simd(SIMD.add[1]).set(low);
      return;
    }
    code.get(low).get(this.#pending).simd(VECTOR.f64PromoteLow).simd(SIMD.add[1]).set(low);
    code.get(low + 1);
    this.#pushUpper(this.#pending);
    code.simd(SIMD.add[1]).set(low + 1);
  }

  /** Pushes the upper half of the float32 vector in a local as float64. */
  #pushUpper(vector: number): void {
    this.#code.get(vector).get(vector).simd(VECTOR.shuffle).append(UPPER_HALF);
    this.#code.simd(VECTOR.f64PromoteLow);
  }

  /** Writes the result of a reduction at the end of a row. */
  #finish(k: number): void {
    const { kind, offset } = this.#plan.reductions[k]!;
    const code = this.#code;
    const low = this.#firstAccumulator(k);
    if (kind === "max") {
      // Without a block, only the first accumulator has been used.
      code.get(BLOCKS).open(CODE.if);
      this.#pushTree(SIMD.pmax[this.#wide], low, UNROLL);
      code.set(low).byte(CODE.end);
    }
    if (!this.#wide && kind === "sum") code.get(low).get(low + 1).simd(SIMD.add[1]).set(low);
    if (!this.#wide && kind === "max") {
      code.get(low).simd(VECTOR.f64PromoteLow);
      this.#pushUpper(low);
      code.simd(SIMD.pmax[1]).set(low);
    }
    code.get(R);
    code.get(low).simd(VECTOR.f64Extract).byte(0).get(low).simd(VECTOR.f64Extract).byte(1);
    code.byte(kind === "sum" ? CODE.f64Add : CODE.f64Max).byte(CODE.f64Store).at(offset);
  }
}

/** A module with one function, `local.set 0 (f32x4.relaxed_madd (local.get 0) (local.get 0) (local.get 0))`. */
const RELAXED_PROBE = new Uint8Array([
  ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 1, 4, 1, 0x60, 0, 0, 3, 2, 1, 0, 10, 17, 1, 15],
  ...[1, 1, V128, 0x20, 0, 0x20, 0, 0x20, 0, 0xfd, 0x85, 0x02, 0x21, 0, CODE.end],
]);

/** True if this machine has relaxed SIMD. */
export function hasRelaxedSimd(): boolean {
  return WebAssembly.validate(RELAXED_PROBE);
}

/** Compiles a kernel. */
export function compile(plan: Plan, memory: WebAssembly.Memory, relaxed: boolean): Run {
  const module = new WebAssembly.Module(encode(plan, relaxed));
  return new WebAssembly.Instance(module, { m: { m: memory } }).exports.run as Run;
}
