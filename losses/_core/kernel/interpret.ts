/**
 * Runs kernels where WebAssembly is not allowed: one instruction after the other, each for a strip of columns of a row.
 *
 * Values are kept in typed arrays of the kernel's type, so that every instruction rounds as in a vector unit. Results have
 * the same bits as with WebAssembly without relaxed SIMD, except that sums are added up in another order.
 *
 * From text to kernel: read → lower → **interpret**.
 */

import { lanes } from "./assembler.ts";
import type { Plan, Run } from "./plan.ts";
import { CALL, ELEMENT, type Instruction, type Interpret, type Register, ROW } from "./program.ts";
import { STRIP } from "./sizes.ts";

/**
 * Makes a function that interprets a kernel.
 *
 * @param plan The kernel.
 * @param memory The scratch memory.
 */
export function interpret(plan: Plan, memory: ArrayBufferLike): Run {
  const { program: { dtype, instructions }, stores, reductions } = plan;
  const wide = dtype === "float64" ? 1 : 0;
  /** Words in a float. */
  const width = 1 + wide;
  const words = new Int32Array(memory);
  const doubles = new Float64Array(memory);
  let registers: Register[] | undefined;

  // The literal fills the registers of constants for good; in others it is overwritten.
  const newRegister = ({ value }: Instruction): Register => {
    const { buffer } = lanes(wide, value, 4 * width * STRIP);
    return {
      floats: wide ? new Float64Array(buffer) : new Float32Array(buffer),
      words: new Int32Array(buffer),
    };
  };

  return (rows, cols) => {
    const values = registers ??= instructions.map(newRegister);
    const run = (stage: number, row: number, column: number, count: number) => {
      for (let i = 0; i < instructions.length; i++) {
        const instruction = instructions[i]!;
        const { op, args, value } = instruction;
        if (instruction.stage !== stage || op === "const" || op === "bits") continue;
        const out = values[i]!;
        if (op === "element" || op === "column") {
          copy(out.words, 0, words, placeOf(op, Number(value), row, column), width * count);
        } else if (op === "row" || op === "param") {
          out.floats.fill(doubles[Number(value) / 8 + (op === "row" ? row : 0)]!);
        } else {
          // In place of an argument that an operation does not have stands the first.
          const [a, b = a, c = a] = args as [number, number?, number?];
          const given = [instruction, count, out, values[a]!, values[b]!, values[c]!] as const;
          if (!compute(...given)) plan.program.interpret!(...given);
        }
      }
    };
    const placeOf = (kind: string, offset: number, row: number, column: number) =>
      offset / 4 + width * (kind === "element" ? row * cols + column : column);
    run(CALL, 0, 0, STRIP);
    for (let row = 0; row < rows; row++) {
      run(ROW, row, 0, STRIP);
      const totals = reductions.map(({ kind }) => kind === "sum" ? 0 : -Infinity);
      for (let column = 0; column < cols; column += STRIP) {
        const count = Math.min(STRIP, cols - column);
        run(ELEMENT, row, column, count);
        for (const { kind, offset, value } of stores) {
          copy(words, placeOf(kind, offset, row, column), values[value]!.words, 0, width * count);
        }
        reductions.forEach(({ kind, value }, k) => {
          const { floats } = values[value]!;
          let total = totals[k]!;
          if (kind === "sum") { for (let i = 0; i < count; i++) total += floats[i]!; }
          else for (let i = 0; i < count; i++) if (total < floats[i]!) total = floats[i]!;
          totals[k] = total;
        });
      }
      reductions.forEach(({ offset }, k) => {
        doubles[offset / 8 + row] = totals[k]!;
      });
    }
  };
}

/** Copies words: for so few, a loop is faster than `set`. */
function copy(
  to: Int32Array,
  first: number,
  from: Int32Array,
  start: number,
  count: number,
): void {
  for (let k = 0; k < count; k++) to[first + k] = from[start + k]!;
}

/** Runs the instructions that formulas consist of but for functions. */
const compute: Interpret = (
  { op },
  n,
  { floats: o, words: w },
  { floats: x, words: p },
  { floats: y, words: q },
  { words: r },
) => {
  const isWide = o.BYTES_PER_ELEMENT === 8;
  const words = isWide ? 2 * n : n;
  switch (op) {
    case "abs":
      for (let i = 0; i < n; i++) o[i] = Math.abs(x[i]!);
      break;
    case "sqrt":
      for (let i = 0; i < n; i++) o[i] = Math.sqrt(x[i]!);
      break;
    case "min":
      for (let i = 0; i < n; i++) o[i] = Math.min(x[i]!, y[i]!);
      break;
    case "max":
      for (let i = 0; i < n; i++) o[i] = Math.max(x[i]!, y[i]!);
      break;
    case "neg":
      for (let i = 0; i < n; i++) o[i] = -x[i]!;
      break;
    case "add":
      for (let i = 0; i < n; i++) o[i] = x[i]! + y[i]!;
      break;
    case "sub":
      for (let i = 0; i < n; i++) o[i] = x[i]! - y[i]!;
      break;
    case "mul":
      for (let i = 0; i < n; i++) o[i] = x[i]! * y[i]!;
      break;
    case "div":
      for (let i = 0; i < n; i++) o[i] = x[i]! / y[i]!;
      break;
    case "pmin":
      for (let i = 0; i < n; i++) o[i] = y[i]! < x[i]! ? y[i]! : x[i]!;
      break;
    case "pmax":
      for (let i = 0; i < n; i++) o[i] = x[i]! < y[i]! ? y[i]! : x[i]!;
      break;
    case "lt":
      for (let i = 0; i < n; i++) w[i] = x[i]! < y[i]! ? -1 : 0;
      break;
    case "le":
      for (let i = 0; i < n; i++) w[i] = x[i]! <= y[i]! ? -1 : 0;
      break;
    case "eq":
      for (let i = 0; i < n; i++) w[i] = x[i]! === y[i]! ? -1 : 0;
      break;
    case "ne":
      for (let i = 0; i < n; i++) w[i] = x[i]! !== y[i]! ? -1 : 0;
      break;
    case "not":
      for (let i = 0; i < words; i++) w[i] = ~p[i]!;
      break;
    case "and":
      for (let i = 0; i < words; i++) w[i] = p[i]! & q[i]!;
      break;
    case "andnot":
      for (let i = 0; i < words; i++) w[i] = p[i]! & ~q[i]!;
      break;
    case "or":
      for (let i = 0; i < words; i++) w[i] = p[i]! | q[i]!;
      break;
    case "select":
      for (let i = 0; i < words; i++) w[i] = p[i]! !== 0 ? q[i]! : r[i]!;
      break;
    default:
      return false;
  }
  // A mask has all bits of a float: that of lt, le, eq and ne.
  if (isWide && /^(l|e|ne$)/.test(op)) {
    for (let i = n - 1; i >= 0; i--) w[2 * i + 1] = w[2 * i] = w[i]!;
  }
  return true;
};
