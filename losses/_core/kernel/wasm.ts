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
 * From text to kernel: read → lower → **wasm**.
 */

import {
  BITSELECT,
  BLOCK,
  CodeWriter,
  END,
  F32_CONVERT_U,
  F32_DEMOTE,
  F64_ADD,
  F64_CONVERT_U,
  F64_EXTRACT,
  F64_LOAD,
  F64_MAX,
  F64_PROMOTE_LOW,
  F64_STORE,
  I32_ADD,
  I32_AND,
  I32_EQZ,
  I32_GE_U,
  I32_MUL,
  I32_SUB,
  IF,
  LOOP,
  moduleOf,
  RELAXED_MADD,
  RELAXED_SELECT,
  SHUFFLE,
  SPLAT,
  TEE,
  V128_LOAD,
  V128_STORE,
} from "./assembler.ts";
import {
  BLOCKS,
  COLS,
  FULL,
  I,
  INTEGERS,
  J,
  NONE,
  PARAMETERS,
  R,
  ROW_END,
  ROWS,
} from "./locals.ts";
import { opcodeOf } from "./operations.ts";
import type { Plan, Reduction, Run } from "./plan.ts";
import {
  CALL,
  ELEMENT,
  type Instruction,
  type Op,
  type OperandKind,
  ROW,
  type Stage,
  type Value,
} from "./program.ts";
import { BLOCK_INSTRUCTIONS, MAX_DEPTH, UNROLL, VECTOR_BYTES } from "./sizes.ts";

/**
 * Encodes one plan. Most of the time goes into parsing this code, because a kernel is encoded only once. A class is
 * therefore faster than a function with inner functions, which engines parse again whenever the outer one is called.
 */
export class Encoder extends CodeWriter {
  protected readonly plan: Plan;
  readonly #instructions: readonly Instruction[];
  /** Whether the multiply-add and select of relaxed SIMD are used. */
  readonly #relaxed: boolean;
  /** 0 for float32, 1 for float64. */
  protected readonly wide: 0 | 1;
  /** Vectors in a block. */
  readonly #unroll: number;
  /** By value: the first of its locals, one for each vector of a block (one for all if it is constant in a row), or NONE. */
  readonly #local: Int32Array;
  /** Parameters and integer locals. */
  readonly #integers: number;
  /** Number of locals so far. */
  #locals: number;
  readonly #mask: number;
  protected readonly pending: number;
  readonly #accumulators: number;

  /**
   * @param plan The kernel.
   * @param relaxed True to use the multiply-add and select of relaxed SIMD.
   * @param integers Integer locals besides those above.
   */
  constructor(plan: Plan, relaxed: boolean, integers = 0) {
    super();
    this.#locals = this.#integers = INTEGERS + integers;
    const { program: { dtype, instructions }, stores, reductions } = plan;
    this.plan = plan;
    this.#instructions = instructions;
    this.#relaxed = relaxed;
    this.wide = dtype === "float64" ? 1 : 0;

    // These values need a local: those that are used twice or in an inner loop, leaves, and the steps of polynomials. Each
    // step waits for the one before; with locals, the steps of all vectors of a block alternate. Long
    // chains need some, too, as the code for what is computed on the stack is written by recursion.
    const uses = new Uint32Array(instructions.length);
    const crosses = new Uint8Array(instructions.length);
    const use = (value: Value, stage: Stage) => {
      uses[value]!++;
      if (instructions[value]!.stage !== stage) crosses[value] = 1;
    };
    for (const { value } of stores) use(value, ELEMENT);
    for (const { value } of reductions) use(value, ELEMENT);
    let elementInstructions = 0;
    for (let value = instructions.length - 1; value >= 0; value--) {
      const { args, stage } = instructions[value]!;
      if (uses[value] === 0) continue;
      for (const arg of args) use(arg, stage);
      if (stage === ELEMENT) elementInstructions++;
    }
    this.#unroll = UNROLL * elementInstructions <= BLOCK_INSTRUCTIONS ? UNROLL : 1;
    this.#local = new Int32Array(instructions.length).fill(NONE);
    const depths = new Uint8Array(instructions.length);
    instructions.forEach(({ op, args, stage }, value) => {
      const isStep = stage === ELEMENT && op === "madd";
      const depth = Math.max(0, ...args.map((arg) => depths[arg]! + 1));
      const isLocal = isStep || crosses[value] || args.length === 0 || depth > MAX_DEPTH;
      if (uses[value]! >= (isLocal ? 1 : 2)) {
        this.#local[value] = this.#newLocals(stage === ELEMENT ? this.#unroll : 1);
      } else depths[value] = depth;
    });
    this.#mask = this.#newLocals(1);
    this.pending = this.#newLocals(this.#unroll);
    this.#accumulators = this.#newLocals(UNROLL * reductions.length);
  }

  #newLocals(count: number): number {
    this.#locals += count;
    return this.#locals - count;
  }

  /**
   * Encodes the module.
   *
   * @param limits The limits of the memory that it imports.
   */
  encode(limits: CodeWriter): Uint8Array<ArrayBuffer> {
    const wide = this.wide;
    const { reductions } = this.plan;
    const size = wide ? 8 : 4;
    const blockBytes = this.#unroll * VECTOR_BYTES;

    this.get(COLS).i32(size).byte(I32_MUL).set(ROW_END);
    this.get(ROW_END).i32(-VECTOR_BYTES).byte(I32_AND).set(FULL);
    this.get(ROW_END).i32(-blockBytes).byte(I32_AND).set(BLOCKS);
    this.#computeStage(CALL, 1);
    this.open(BLOCK).get(ROWS).byte(I32_EQZ).leave(0);
    this.open(LOOP); // for each row
    this.#computeStage(ROW, 1);
    reductions.forEach(this.#start, this);
    this.i32(0).set(J);

    this.open(BLOCK).open(LOOP); // for each block
    this.get(J).get(BLOCKS).byte(I32_GE_U).leave(1);
    this.#computeStage(ELEMENT, this.#unroll);
    this.#store(this.#unroll);
    reductions.forEach(this.#accumulate, this);
    this.step(I, blockBytes).step(J, blockBytes).repeat();

    this.splat(wide, -1n).set(this.#mask);
    this.open(BLOCK).open(LOOP); // for each remaining vector
    this.get(J).get(ROW_END).byte(I32_GE_U).leave(1);
    // The mask of a partial vector: the lanes that belong to the row.
    this.get(J).get(FULL).byte(I32_GE_U).open(IF);
    this.vector(wide ? Float64Array.of(0, 1) : Float32Array.of(0, 1, 2, 3));
    this.get(COLS).i32(VECTOR_BYTES / size - 1).byte(I32_AND);
    this.byte(wide ? F64_CONVERT_U : F32_CONVERT_U).simd(SPLAT + wide);
    this.#apply("lt").set(this.#mask).byte(END);
    this.#computeStage(ELEMENT, 1);
    this.storeRest();
    reductions.forEach(this.#accumulateMasked, this);
    this.step(I, VECTOR_BYTES).step(J, VECTOR_BYTES).repeat();

    reductions.forEach(this.#finish, this);
    // After a partial vector, I is beyond the end of the row, where the next row begins.
    this.get(I).get(J).byte(I32_SUB).get(ROW_END).byte(I32_ADD).set(I);
    this.step(R, 8);
    this.endRow();
    this.get(ROWS).i32(1).byte(I32_SUB).byte(TEE).byte(ROWS).leave(0);
    this.byte(END).byte(END);
    return moduleOf(limits, this.#integers - PARAMETERS, this.#locals - this.#integers, this);
  }

  /** Writes what ends a row. */
  protected endRow(): void {}

  /** Pushes the address of an operand's current value, and returns what is to be added to it as a constant. */
  protected place(kind: OperandKind, offset: number): number {
    if (kind === "param") this.i32(0);
    else this.get(kind === "element" ? I : kind === "column" ? J : R);
    return offset;
  }

  /** Writes the stores of a remaining vector. */
  protected storeRest(): void {
    this.#store(1);
  }

  /** Writes an operation on what has been pushed. */
  #apply(op: Op, wide = this.wide): this {
    return this.simd(opcodeOf(op, wide));
  }

  /** Sets the locals of one stage, arguments first, each for `count` vectors. */
  #computeStage(stage: Stage, count: number): void {
    const instructions = this.#instructions;
    for (let value = 0; value < instructions.length; value++) {
      if (this.#local[value] === NONE || instructions[value]!.stage !== stage) continue;
      for (let u = 0; u < count; u++) {
        this.#compute(instructions[value]!, u);
        this.set(this.#localOf(value, u));
      }
    }
  }

  #localOf(value: Value, u: number): number {
    const varies = this.#instructions[value]!.stage === ELEMENT;
    return this.#local[value]! + (varies ? u : 0);
  }

  /** Pushes a value: its local, or its instruction after those of its arguments. */
  protected push(value: Value, u: number): void {
    if (this.#local[value] === NONE) this.#compute(this.#instructions[value]!, u);
    else this.get(this.#localOf(value, u));
  }

  /** Pushes the result of an instruction for vector `u` of a block. */
  #compute({ op, args, value }: Instruction, u: number): void {
    const wide = this.wide;
    const relaxed = this.#relaxed;
    let address;
    const push = (...places: readonly number[]) => {
      for (const place of places) this.push(args[place]!, u);
    };
    switch (op) {
      case "const":
      case "bits":
        this.splat(wide, value);
        break;
      case "element":
      case "column":
        address = this.place(op, Number(value));
        this.simd(V128_LOAD).at(address + u * VECTOR_BYTES);
        break;
      case "row":
      case "param":
        address = this.place(op, Number(value));
        this.byte(F64_LOAD).at(address);
        if (!wide) this.byte(F32_DEMOTE);
        this.simd(SPLAT + wide);
        break;
      case "select":
        push(1, 2, 0);
        this.simd(relaxed ? RELAXED_SELECT + wide : BITSELECT);
        break;
      case "madd":
        push(0, 1);
        if (!relaxed) this.#apply("mul");
        push(2);
        if (relaxed) this.simd(RELAXED_MADD + 2 * wide);
        else this.#apply("add");
        break;
      case "shl":
      case "shr":
        push(0);
        this.i32(Number(value));
        this.#apply(op);
        break;
      default:
        push(...args.keys());
        this.#apply(op);
    }
  }

  #store(count: number): void {
    for (const { kind, offset, value } of this.plan.stores) {
      for (let u = 0; u < count; u++) {
        const address = this.place(kind, offset);
        this.push(value, u);
        this.simd(V128_STORE).at(address + u * VECTOR_BYTES);
      }
    }
  }

  // Reductions. Sums are accumulated in float64; a float32 vector takes two accumulators, for its lower and upper half. A
  // maximum takes one for each vector of a block. It is never NaN, so that NaN is ignored: pmax gives its first argument if
  // either is NaN.

  #start({ kind }: Reduction, k: number): void {
    for (let i = 0; i < (kind === "sum" ? 2 : UNROLL); i++) {
      this.splat(this.wide, kind === "sum" ? 0 : -Infinity).set(this.#accumulator(k, i));
    }
  }

  #accumulator(k: number, i = 0): number {
    return this.#accumulators + UNROLL * k + i;
  }

  /** Accumulates the vectors of a block. */
  #accumulate({ kind, value }: Reduction, k: number): void {
    for (let u = 0; u < this.#unroll; u++) {
      if (kind === "max") this.get(this.#accumulator(k, u));
      this.push(value, u);
      if (kind === "max") this.#apply("pmax").set(this.#accumulator(k, u));
      else this.set(this.pending + u);
    }
    if (kind === "sum") this.#addUp(k, this.#unroll);
  }

  /** Accumulates the lanes of a remaining vector that the mask selects. */
  #accumulateMasked({ kind, value }: Reduction, k: number): void {
    if (kind === "max") {
      this.get(this.#accumulator(k));
      this.push(value, 0);
      this.splat(this.wide, -Infinity).get(this.#mask).simd(BITSELECT);
      this.#apply("pmax").set(this.#accumulator(k));
    } else {
      this.push(value, 0);
      this.get(this.#mask);
      this.#apply("and").set(this.pending);
      this.#addUp(k, 1);
    }
  }

  /** Pushes locals combined in pairs: the sum of 2ⁿ equal float32 numbers is then exact. */
  #pushTree(op: Op, from: number, count: number): void {
    if (count === 1) {
      this.get(from);
      return;
    }
    this.#pushTree(op, from, count / 2);
    this.#pushTree(op, from + count / 2, count / 2);
    this.#apply(op);
  }

  /** Adds `count` pending vectors to the accumulators of a sum. */
  #addUp(k: number, count: number): void {
    const low = this.#accumulator(k);
    if (count > 1) {
      this.#pushTree("add", this.pending, count);
      this.set(this.pending);
    }
    this.get(low).get(this.pending);
    if (!this.wide) {
      this.simd(F64_PROMOTE_LOW);
      this.#apply("add", 1).set(low).get(low + 1);
      this.#pushUpper(this.pending);
    }
    this.#apply("add", 1).set(this.wide ? low : low + 1);
  }

  /** Pushes the upper half of the float32 vector in a local as float64. */
  #pushUpper(vector: number): void {
    this.get(vector).get(vector).simd(SHUFFLE);
    for (let byte = 0; byte < VECTOR_BYTES; byte++) this.byte(8 + byte % 8);
    this.simd(F64_PROMOTE_LOW);
  }

  /** Writes the result of a reduction at the end of a row. */
  #finish({ kind, offset }: Reduction, k: number): void {
    const low = this.#accumulator(k);
    if (kind === "max") {
      // Without a block, only the first accumulator has been used.
      this.get(BLOCKS).open(IF);
      this.#pushTree("pmax", low, UNROLL);
      this.set(low).byte(END);
    }
    if (!this.wide) {
      this.get(low);
      if (kind === "sum") this.get(low + 1);
      else {
        this.simd(F64_PROMOTE_LOW);
        this.#pushUpper(low);
      }
      this.#apply(kind === "sum" ? "add" : "pmax", 1).set(low);
    }
    const address = this.place("row", offset);
    this.get(low).simd(F64_EXTRACT).byte(0).get(low).simd(F64_EXTRACT).byte(1);
    this.byte(kind === "sum" ? F64_ADD : F64_MAX).byte(F64_STORE).at(address);
  }
}

/**
 * True if this machine has relaxed SIMD.
 *
 * @throws {Error} If this machine has no SIMD, or WebAssembly is not allowed here.
 */
export function hasRelaxedSimd(): boolean {
  // Where a content security policy forbids WebAssembly, `validate` need not say so.
  new WebAssembly.Module(moduleOf(exactly(1), 0, 1, new CodeWriter()));
  const multiplyAdd = new CodeWriter().get(2).get(2).get(2).simd(RELAXED_MADD).set(2);
  return WebAssembly.validate(moduleOf(exactly(1), 0, 1, multiplyAdd));
}

/** The limits of a memory of this size. With them the engine compares addresses with a constant. */
function exactly(pages: number): CodeWriter {
  return new CodeWriter().byte(1).leb(pages).leb(pages);
}

/**
 * Encodes a kernel as a WebAssembly module.
 *
 * @param plan The kernel.
 * @param relaxed True to use the multiply-add and select of relaxed SIMD.
 * @param pages The size of the scratch memory.
 */
export function encode(plan: Plan, relaxed: boolean, pages: number): Uint8Array<ArrayBuffer> {
  return new Encoder(plan, relaxed).encode(exactly(pages));
}

/**
 * Makes a kernel of its module.
 *
 * @param bytes The module.
 * @param memory The memory that it imports.
 */
export function instantiate(bytes: Uint8Array<ArrayBuffer>, memory: WebAssembly.Memory): Run {
  const module = new WebAssembly.Module(bytes);
  return new WebAssembly.Instance(module, { m: { m: memory } }).exports.f as Run;
}
