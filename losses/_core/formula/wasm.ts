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
  at,
  CODE,
  type Code,
  EMPTY,
  get,
  I32,
  i32,
  laneNumbers,
  leb,
  moduleOf,
  RELAXED,
  set,
  SIMD,
  simd,
  splatConstant,
  step,
  V128,
  VECTOR,
} from "./assembler.ts";
import type { Plan, Reduction, Run } from "./plan.ts";
import type { Instruction, Stage, Value } from "./program.ts";

/** Parameters and integer locals: positions in bytes along all rows, along one row and along the row operands. */
const ROWS = 0, COLS = 1, I = 2, J = 3, R = 4, BLOCKS = 5, FULL = 6, END = 7;
const INTEGERS = [I, J, R, BLOCKS, FULL, END].length;
const VECTOR_BYTES = 16;

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

  // 1. Which values need a local? Those that are used twice or in an inner loop, and leaves.
  const uses = new Uint32Array(instructions.length);
  const crosses = new Uint8Array(instructions.length);
  const use = (value: Value, stage: Stage) => {
    uses[value]++;
    if (instructions[value].stage !== stage) crosses[value] = 1;
  };
  for (const { value } of [...stores, ...reductions]) use(value, "element");
  for (let value = instructions.length - 1; value >= 0; value--) {
    if (uses[value] > 0) {
      instructions[value].args.forEach((arg) => use(arg, instructions[value].stage));
    }
  }
  let locals = 2 + INTEGERS;
  const newLocal = () => locals++;
  const elementInstructions =
    instructions.filter(({ stage }, value) => stage === "element" && uses[value] > 0).length;
  const unroll = UNROLL * elementInstructions <= BLOCK_INSTRUCTIONS ? UNROLL : 1;
  const copies = Array.from({ length: unroll }, (_, u) => u);
  /** By value, a local for each vector of a block; what does not change within a row has the same for all. */
  const local = new Map<Value, readonly number[]>();
  instructions.forEach(({ args, stage }, value) => {
    if (uses[value] > 1 || (uses[value] === 1 && (crosses[value] || args.length === 0))) {
      const first = newLocal();
      local.set(value, copies.map((u) => stage === "element" && u > 0 ? newLocal() : first));
    }
  });

  // 2. Code for a value: its local, or its instruction with the code of its arguments before it.
  const codes: Code[][] = copies.map(() => []);
  const valueCode = (value: Value, u = 0): Code => {
    const index = local.get(value);
    return index === undefined ? codes[u][value] : get(index[u]);
  };
  instructions.forEach((instruction, value) => {
    if (uses[value] === 0) return;
    for (const u of copies) {
      const isSame = u > 0 && instruction.stage !== "element";
      codes[u][value] = isSame ? codes[0][value] : instructionCode(instruction, u);
    }
  });

  function instructionCode({ op, args, value, name }: Instruction, u: number): Code {
    const [a, b, c] = args.map((arg) => valueCode(arg, u));
    switch (op) {
      case "const":
      case "bits":
        return splatConstant(dtype, value);
      case "element":
      case "column":
        return [
          get(op === "element" ? I : J),
          simd(VECTOR.load),
          at(offsets.get(name)! + u * VECTOR_BYTES),
        ];
      case "row":
      case "param":
        return [
          op === "row" ? get(R) : i32(0),
          [CODE.f64Load, at(offsets.get(name)!)],
          wide ? [] : [CODE.f32Demote],
          simd(SIMD.splat[wide]),
        ];
      case "select":
        return [b, c, a, simd(relaxed ? RELAXED.select[wide] : VECTOR.bitselect)];
      case "madd":
        if (relaxed) return [a, b, c, simd(RELAXED.madd[wide])];
        return [a, b, simd(SIMD.mul[wide]), c, simd(SIMD.add[wide])];
      case "nmadd":
        if (relaxed) return [a, b, c, simd(RELAXED.nmadd[wide])];
        return [c, a, b, simd(SIMD.mul[wide]), simd(SIMD.sub[wide])];
      case "shl":
      case "shr":
        return [a, i32(Number(value)), simd(SIMD[op][wide])];
      default:
        return [a, b ?? [], simd(SIMD[op][wide])];
    }
  }

  /** Sets the locals of one stage, in order, so that each finds its arguments ready. */
  const stageCode = (stage: Stage, copies: readonly number[]): Code =>
    [...local].filter(([value]) => instructions[value].stage === stage)
      .map(([value, index]) => copies.map((u) => [codes[u][value], set(index[u])]));

  const storeCode = (copies: readonly number[]): Code =>
    stores.map(({ kind, offset, value }) =>
      copies.map((u) => [
        get(kind === "element" ? I : J),
        valueCode(value, u),
        simd(VECTOR.store),
        at(offset + u * VECTOR_BYTES),
      ])
    );

  // 3. Reductions. Sums are kept in float64 lanes: two accumulators for the halves of a float32 vector.
  const mask = newLocal();
  const pending = reductions.map(() => copies.map(newLocal));
  const accumulators = reductions.map(() => [newLocal(), newLocal()]);
  const upperHalf = [8, 9, 10, 11, 12, 13, 14, 15, 8, 9, 10, 11, 12, 13, 14, 15];
  const addF64 = simd(SIMD.add[1]);
  const combine = { sum: simd(SIMD.add[wide]), max: simd(SIMD.pmax[wide]) };

  const startReduction = ({ kind }: Reduction, k: number): Code =>
    accumulators[k].map((acc) => [splatConstant(dtype, kind === "sum" ? 0 : -Infinity), set(acc)]);

  /** The values of a block combined in pairs: n equal float32 numbers have an exact sum, if n is a power of 2. */
  const tree = (kind: Reduction["kind"], vectors: readonly number[]): Code => {
    if (vectors.length === 1) return get(vectors[0]);
    const half = vectors.length / 2;
    return [tree(kind, vectors.slice(0, half)), tree(kind, vectors.slice(half)), combine[kind]];
  };

  /** Accumulates the vector in local `from`. */
  function accumulate({ kind }: Reduction, k: number, from: number): Code {
    const [low, high] = accumulators[k];
    if (kind === "max" || wide) return [get(low), get(from), combine[kind], set(low)];
    return [
      [get(low), get(from), simd(VECTOR.f64PromoteLow), addF64, set(low)],
      [get(high), get(from), get(from), simd(VECTOR.shuffle), upperHalf],
      [simd(VECTOR.f64PromoteLow), addF64, set(high)],
    ];
  }

  const masked = ({ kind, value }: Reduction): Code =>
    kind === "sum"
      ? [valueCode(value), get(mask), simd(SIMD.and[wide])]
      : [valueCode(value), splatConstant(dtype, -Infinity), get(mask), simd(VECTOR.bitselect)];

  function finishReduction({ kind, offset }: Reduction, k: number): Code {
    const [low, high] = accumulators[k];
    const lane = (index: number) => [get(low), simd(VECTOR.f64Extract), index];
    const narrow = kind === "sum" ? [get(low), get(high), addF64, set(low)] : [
      [get(low), simd(VECTOR.f64PromoteLow)],
      [get(low), get(low), simd(VECTOR.shuffle), upperHalf, simd(VECTOR.f64PromoteLow)],
      [simd(SIMD.pmax[1]), set(low)],
    ];
    const join = kind === "sum" ? CODE.f64Add : CODE.f64Max;
    return [wide ? [] : narrow, get(R), lane(0), lane(1), join, CODE.f64Store, at(offset)];
  }

  // 4. The loops.
  const advance = (bytes: number) => [step(I, bytes), step(J, bytes)];
  const block = [
    stageCode("element", copies),
    storeCode(copies),
    reductions.map(({ value }, k) => copies.map((u) => [valueCode(value, u), set(pending[k][u])])),
    reductions.map((reduction, k) => [
      [tree(reduction.kind, pending[k]), set(pending[k][0])],
      accumulate(reduction, k, pending[k][0]),
    ]),
    advance(unroll * VECTOR_BYTES),
  ];
  const vector = [
    stageCode("element", [0]),
    storeCode([0]),
    reductions.map((reduction, k) => [
      [masked(reduction), set(pending[k][0])],
      accumulate(reduction, k, pending[k][0]),
    ]),
    advance(VECTOR_BYTES),
  ];
  /** Leaves the block `depth` levels up when J has reached the local `limit`. */
  const leaveAt = (
    limit: number,
    depth: number,
  ) => [get(J), get(limit), CODE.i32GeU, CODE.brIf, depth];
  const wholeBytes = (unit: number) => [get(END), i32(-unit), CODE.i32And];

  const body = [
    [get(COLS), i32(size), CODE.i32Mul, set(END)],
    [wholeBytes(VECTOR_BYTES), set(FULL)],
    [wholeBytes(unroll * VECTOR_BYTES), set(BLOCKS)],
    stageCode("call", [0]),
    [CODE.block, EMPTY, get(ROWS), CODE.i32Eqz, CODE.brIf, 0],
    [CODE.loop, EMPTY], // for each row
    stageCode("row", [0]),
    reductions.map(startReduction),
    [i32(0), set(J)],
    [
      CODE.block,
      EMPTY,
      CODE.loop,
      EMPTY,
      leaveAt(BLOCKS, 1),
      block,
      CODE.br,
      0,
      CODE.end,
      CODE.end,
    ],
    [splatConstant(dtype, -1n), set(mask)],
    [CODE.block, EMPTY, CODE.loop, EMPTY, leaveAt(END, 1)],
    [get(J), get(FULL), CODE.i32GeU, CODE.if, EMPTY],
    // The partial vector: only the lanes that the row still has count.
    [laneNumbers(dtype), get(COLS), i32(lanes - 1), CODE.i32And],
    [
      wide ? CODE.f64ConvertU : CODE.f32ConvertU,
      simd(SIMD.splat[wide]),
      simd(SIMD.lt[wide]),
      set(mask),
    ],
    CODE.end,
    [vector, CODE.br, 0, CODE.end, CODE.end],
    reductions.map(finishReduction),
    // A partial vector has moved I too far: the next row begins where this one ends.
    [get(I), get(J), CODE.i32Sub, get(END), CODE.i32Add, set(I)],
    step(R, 8),
    [get(ROWS), i32(1), CODE.i32Sub, CODE.localTee, ROWS, CODE.brIf, 0],
    [CODE.end, CODE.end],
  ];
  const vectors = locals - 2 - INTEGERS;
  return moduleOf([I32, I32], [2, leb(INTEGERS), I32, leb(vectors), V128], body);
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
