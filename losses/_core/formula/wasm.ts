/**
 * Encodes a kernel as a WebAssembly module with one function, `run(rows, cols)`.
 *
 *     constants and parameters into locals
 *     for each row:
 *       row parameters into locals, accumulators to their start
 *       for each vector of columns:          4 × float32 or 2 × float64
 *         load, compute, store, accumulate   the last, partial vector with a mask on what is accumulated
 *       write the accumulators
 *
 * What is used once is computed in place, on the stack; what is used again gets a local. Constants get one
 * too: a constant inside the loop would be built anew in every round, which made exp 2.6 times slower.
 *
 * Stage 4a of 5 on the way from text to kernel: parse → graph → lower → **wasm**.
 */

import type { Plan, Reduction, Run } from "./plan.ts";
import type { FloatType, Instruction, Op, Stage, Value } from "./program.ts";

const I32 = 0x7f;
const V128 = 0x7b;
const EMPTY = 0x40;
const ROWS = 0, COLS = 1, I = 2, J = 3, R = 4, FULL = 5, END = 6;
const I32_LOCALS = 5;

/** Opcodes behind the SIMD prefix: [float32, float64]; bit operations have one for both. */
const SIMD: Readonly<Partial<Record<Op, readonly [number, number]>>> = {
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
};
const RELAXED = { madd: [0x105, 0x107], nmadd: [0x106, 0x108], laneselect: [0x10b, 0x10c] };
const BITSELECT = 0x52;
const SPLAT = [0x13, 0x14];
const EXTRACT_F64 = 0x21;
const PROMOTE_LOW = 0x5f;
const F64 = { add: 0xf0, pmax: 0xf7 };

/** Unsigned LEB128. */
function leb(value: number): number[] {
  const bytes: number[] = [];
  do {
    const rest = Math.floor(value / 128);
    bytes.push((value % 128) | (rest > 0 ? 128 : 0));
    value = rest;
  } while (value > 0);
  return bytes;
}

/** Signed LEB128. */
function sleb(value: number): number[] {
  const bytes: number[] = [];
  for (;;) {
    const byte = value & 0x7f;
    value >>= 7;
    if ((value === 0 && !(byte & 0x40)) || (value === -1 && byte & 0x40)) return [...bytes, byte];
    bytes.push(byte | 0x80);
  }
}

const simd = (opcode: number): number[] => [0xfd, ...leb(opcode)];
const get = (local: number): number[] => [0x20, ...leb(local)];
const set = (local: number): number[] => [0x21, ...leb(local)];
const i32 = (value: number): number[] => [0x41, ...sleb(value)];
const section = (id: number, body: number[]): number[] => [id, ...leb(body.length), ...body];
const memory = (offset: number): number[] => [0, ...leb(offset)];

/** `v128.const` with the same float, or the same bits, in every lane. */
function splatConstant(dtype: FloatType, value: number | bigint): number[] {
  const view = new DataView(new ArrayBuffer(16));
  for (let at = 0; at < 16; at += dtype === "float32" ? 4 : 8) {
    if (dtype === "float32") {
      if (typeof value === "bigint") view.setUint32(at, Number(BigInt.asUintN(32, value)), true);
      else view.setFloat32(at, value, true);
    } else if (typeof value === "bigint") view.setBigUint64(at, BigInt.asUintN(64, value), true);
    else view.setFloat64(at, value, true);
  }
  return [...simd(0x0c), ...new Uint8Array(view.buffer)];
}

/** Encodes `plan`; `relaxed` uses relaxed SIMD's fused multiply-add and lane select. */
export function encode(plan: Plan, relaxed: boolean): Uint8Array<ArrayBuffer> {
  const { program: { dtype, instructions }, offsets, stores, reductions } = plan;
  const wide = dtype === "float64" ? 1 : 0;
  const lanes = wide ? 2 : 4;
  const size = wide ? 8 : 4;

  // 1. Which values need a local? Used twice, used in an inner loop, or a leaf.
  const uses = new Uint32Array(instructions.length);
  const crosses = new Uint8Array(instructions.length);
  const use = (value: Value, stage: Stage) => {
    uses[value]++;
    if (instructions[value].stage !== stage) crosses[value] = 1;
  };
  const live = new Uint8Array(instructions.length);
  for (const { value } of [...stores, ...reductions]) {
    use(value, "element");
    live[value] = 1;
  }
  for (let at = instructions.length - 1; at >= 0; at--) {
    if (!live[at]) continue;
    for (const arg of instructions[at].args) {
      use(arg, instructions[at].stage);
      live[arg] = 1;
    }
  }
  let locals = 2 + I32_LOCALS;
  const newLocal = () => locals++;
  const local = new Map<Value, number>();
  instructions.forEach((instruction, at) => {
    if (live[at] && (uses[at] > 1 || crosses[at] || instruction.args.length === 0)) {
      local.set(at, newLocal());
    }
  });

  // 2. Code for a value: its local, or its instruction with the code of its arguments before it.
  const valueCode = (at: Value): number[] =>
    local.has(at) ? get(local.get(at)!) : instructionCode(instructions[at]);

  function instructionCode({ op, args, value, name }: Instruction): number[] {
    const offset = offsets.get(name) ?? 0;
    const code = args.map(valueCode);
    switch (op) {
      case "const":
      case "bits":
        return splatConstant(dtype, value);
      case "element":
        return [...get(I), ...simd(0x00), ...memory(offset)];
      case "column":
        return [...get(J), ...simd(0x00), ...memory(offset)];
      case "row":
      case "param":
        return [
          ...(op === "row" ? get(R) : i32(0)),
          ...[0x2b, ...memory(offset)],
          ...(wide ? [] : [0xb6]),
          ...simd(SPLAT[wide]),
        ];
      case "select":
        return [
          ...code[1],
          ...code[2],
          ...code[0],
          ...simd(relaxed ? RELAXED.laneselect[wide] : BITSELECT),
        ];
      case "madd":
        if (relaxed) return [...code.flat(), ...simd(RELAXED.madd[wide])];
        return [
          ...code[0],
          ...code[1],
          ...simd(SIMD.mul![wide]),
          ...code[2],
          ...simd(SIMD.add![wide]),
        ];
      case "nmadd":
        if (relaxed) return [...code.flat(), ...simd(RELAXED.nmadd[wide])];
        return [
          ...code[2],
          ...code[0],
          ...code[1],
          ...simd(SIMD.mul![wide]),
          ...simd(SIMD.sub![wide]),
        ];
      case "shl":
      case "shr":
        return [...code[0], ...i32(Number(value)), ...simd(SIMD[op]![wide])];
      default:
        return [...code.flat(), ...simd(SIMD[op]![wide])];
    }
  }

  /** Sets the locals of one stage, in order, so that each finds its arguments ready. */
  const stageCode = (stage: Stage): number[] =>
    [...local].filter(([at]) => instructions[at].stage === stage)
      .flatMap(([at, index]) => [...instructionCode(instructions[at]), ...set(index)]);

  // 3. Reductions: float64 accumulators, however many lanes the values have.
  const mask = newLocal();
  const tailMask = newLocal();
  const scratch = newLocal();
  const accumulators = reductions.map(() => [newLocal(), newLocal()]);
  const identity = { sum: 0, max: -Infinity };
  const combine = { sum: simd(F64.add), max: simd(F64.pmax) };

  const startReduction = ({ kind }: Reduction, k: number): number[] =>
    accumulators[k].flatMap((acc) => [...splatConstant("float64", identity[kind]), ...set(acc)]);

  function reduce({ kind, value }: Reduction, k: number): number[] {
    const [low, high] = accumulators[k];
    const masked = kind === "sum"
      ? [...valueCode(value), ...get(mask), ...simd(SIMD.and![wide])]
      : [...valueCode(value), ...splatConstant(dtype, -Infinity), ...get(mask), ...simd(BITSELECT)];
    if (wide) return [...get(low), ...masked, ...combine[kind], ...set(low)];
    const upperHalf = [8, 9, 10, 11, 12, 13, 14, 15, 8, 9, 10, 11, 12, 13, 14, 15];
    return [
      ...masked,
      ...set(scratch),
      ...[...get(low), ...get(scratch), ...simd(PROMOTE_LOW), ...combine[kind], ...set(low)],
      ...[...get(high), ...get(scratch), ...get(scratch), ...simd(0x0d), ...upperHalf],
      ...[...simd(PROMOTE_LOW), ...combine[kind], ...set(high)],
    ];
  }

  function finishReduction({ kind, offset }: Reduction, k: number): number[] {
    const [low, high] = accumulators[k];
    const lane = (index: number) => [...get(low), ...simd(EXTRACT_F64), index];
    return [
      ...(wide ? [] : [...get(low), ...get(high), ...combine[kind], ...set(low)]),
      ...[...get(R), ...lane(0), ...lane(1), kind === "sum" ? 0xa0 : 0xa5, 0x39, ...memory(offset)],
    ];
  }

  // 4. The function.
  const laneNumbers = new DataView(new ArrayBuffer(16));
  for (let lane = 0; lane < lanes; lane++) {
    if (wide) laneNumbers.setFloat64(lane * 8, lane, true);
    else laneNumbers.setFloat32(lane * 4, lane, true);
  }
  const step = (index: number, by: number) => [...get(index), ...i32(by), 0x6a, ...set(index)];

  const body = [
    // FULL: bytes of a row in whole vectors; END: all its bytes.
    ...[...get(COLS), ...i32(-lanes), 0x71, ...i32(size), 0x6c, ...set(FULL)],
    ...[...get(COLS), ...i32(size), 0x6c, ...set(END)],
    // tailMask: the lanes that the partial vector has.
    ...[...simd(0x0c), ...new Uint8Array(laneNumbers.buffer)],
    ...[...get(COLS), ...i32(lanes - 1), 0x71, wide ? 0xb8 : 0xb3, ...simd(SPLAT[wide])],
    ...[...simd(SIMD.lt![wide]), ...set(tailMask)],
    ...stageCode("call"),
    ...[0x02, EMPTY, ...get(ROWS), 0x45, 0x0d, 0], // no rows: leave
    ...[0x03, EMPTY], // for each row
    ...stageCode("row"),
    ...reductions.flatMap(startReduction),
    ...[...i32(0), ...set(J), ...splatConstant(dtype, -1n), ...set(mask)],
    ...[0x02, EMPTY, 0x03, EMPTY], // for each vector
    ...[...get(J), ...get(FULL), 0x4f, 0x04, EMPTY],
    ...[...get(J), ...get(END), 0x4f, 0x0d, 2, ...get(tailMask), ...set(mask)],
    0x0b,
    ...stageCode("element"),
    ...stores.flatMap(({ kind, offset, value }) => [
      ...get(kind === "element" ? I : J),
      ...valueCode(value),
      ...[...simd(0x0b), ...memory(offset)],
    ]),
    ...reductions.flatMap(reduce),
    ...step(I, 16),
    ...step(J, 16),
    ...[0x0c, 0, 0x0b, 0x0b], // next vector
    ...reductions.flatMap(finishReduction),
    // A partial vector has moved I too far: the next row begins where this one ends.
    ...[...get(I), ...get(J), 0x6b, ...get(END), 0x6a, ...set(I)],
    ...step(R, 8),
    ...[...get(ROWS), ...i32(1), 0x6b, 0x22, ROWS, 0x0d, 0], // next row
    ...[0x0b, 0x0b, 0x0b],
  ];

  // 5. The module around it.
  const v128Locals = locals - 2 - I32_LOCALS;
  const code = [2, ...leb(I32_LOCALS), I32, ...leb(v128Locals), V128, ...body];
  const name = [...new TextEncoder().encode("run")];
  return new Uint8Array([
    ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, [1, 0x60, 2, I32, I32, 0]),
    ...section(2, [1, 1, 0x6d, 1, 0x6d, 0x02, 0x00, 0]), // import memory "m" "m"
    ...section(3, [1, 0]),
    ...section(7, [1, name.length, ...name, 0x00, 0]),
    ...section(10, [1, ...leb(code.length), ...code]),
  ]);
}

/** The smallest module with a relaxed multiply-add: valid only where relaxed SIMD is. */
const PROBE = new Uint8Array([
  ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
  ...section(1, [1, 0x60, 0, 1, V128]),
  ...section(3, [1, 0]),
  ...section(10, [
    1,
    ...leb(3 + 3 * 18 + simd(RELAXED.madd[0]).length - 1),
    0,
    ...Array.from({ length: 3 }, () => splatConstant("float32", 0)).flat(),
    ...simd(RELAXED.madd[0]),
    0x0b,
  ]),
]);

/** Whether this machine has relaxed SIMD. */
export function hasRelaxedSimd(): boolean {
  return WebAssembly.validate(PROBE);
}

/** Compiles a kernel. */
export function compile(plan: Plan, memory: WebAssembly.Memory, relaxed: boolean): Run {
  const module = new WebAssembly.Module(encode(plan, relaxed));
  return new WebAssembly.Instance(module, { m: { m: memory } }).exports.run as Run;
}
