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
import { LEAST_STRIP, MOST_VALUES, STRIP } from "./sizes.ts";

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
  /** Columns in a strip: bounds the memory for values, however long rows and formula are. */
  const strip = Math.max(LEAST_STRIP, Math.min(STRIP, MOST_VALUES / instructions.length | 0));
  let registers: Register[] | undefined;

  // The literal fills the registers of constants for good; in others it is overwritten.
  const newRegister = ({ value }: Instruction): Register => {
    const { buffer } = lanes(wide, value, 4 * width * strip);
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
        if (instruction.stage !== stage) continue;
        const out = values[i]!;
        if (op === "element" || op === "column") {
          const place = placeOf(op, Number(value), row, column);
          out.words.set(words.subarray(place, place + width * count));
        } else if (op === "row" || op === "param") {
          out.floats.fill(doubles[Number(value) / 8 + (op === "row" ? row : 0)]!, 0, count);
        } else if (args.length > 0) {
          // In place of an argument that an operation does not have stands the first. Constants have none.
          const [a, b = a, c = a] = args as [number, number?, number?];
          const given = [instruction, count, out, values[a]!, values[b]!, values[c]!] as const;
          if (!compute(...given)) plan.program.interpret!(...given);
        }
      }
    };
    const placeOf = (kind: string, offset: number, row: number, column: number) =>
      offset / 4 + width * (kind === "element" ? row * cols + column : column);
    const most = Math.min(strip, cols);
    run(CALL, 0, 0, most);
    for (let row = 0; row < rows; row++) {
      run(ROW, row, 0, most);
      const totals = reductions.map(({ kind }) => kind === "sum" ? 0 : -Infinity);
      for (let column = 0; column < cols; column += strip) {
        const count = Math.min(strip, cols - column);
        run(ELEMENT, row, column, count);
        for (const { kind, offset, value } of stores) {
          const results = values[value]!.words.subarray(0, width * count);
          words.set(results, placeOf(kind, offset, row, column));
        }
        reductions.forEach(({ kind, value }, k) => {
          const { floats } = values[value]!;
          let total = totals[k]!;
          if (kind === "sum") {
            // Two sums, neither of which waits for the other.
            let other = 0;
            let i = 1;
            for (; i < count; i += 2) {
              total += floats[i - 1]!;
              other += floats[i]!;
            }
            if (i === count) total += floats[i - 1]!;
            total += other;
          } else for (let i = 0; i < count; i++) if (total < floats[i]!) total = floats[i]!;
          totals[k] = total;
        });
      }
      reductions.forEach(({ offset }, k) => {
        doubles[offset / 8 + row] = totals[k]!;
      });
    }
  };
}

/** Runs the instructions that formulas consist of but for functions. */
const compute: Interpret = (
  { op },
  n,
  { floats: o, words: w },
  { floats: x, words: p },
  { floats: y, words: q },
  { floats: z, words: r },
) => {
  const width = o.BYTES_PER_ELEMENT / 4;
  const isWide = width > 1;
  const words = width * n;
  switch (op) {
    case "abs":
      for (let i = 0; i < n; i++) o[i] = Math.abs(x[i]!);
      break;
    case "sqrt":
    case "min":
    case "max": {
      const operation: (x: number, y: number) => number = Math[op];
      for (let i = 0; i < n; i++) o[i] = operation(x[i]!, y[i]!);
      break;
    }
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
    case "madd":
      for (let i = 0; i < n; i++) {
        // Rounds twice.
        o[i] = x[i]! * y[i]!;
        o[i]! += z[i]!;
      }
      break;
    case "div":
      for (let i = 0; i < n; i++) o[i] = x[i]! / y[i]!;
      break;
    case "pmin":
    case "pmax":
      for (let i = 0, k = 0; i < n; i++, k += width) {
        const isY = -Number(op === "pmin" ? y[i]! < x[i]! : x[i]! < y[i]!);
        w[k] = (q[k]! & isY) | (p[k]! & ~isY);
        if (isWide) w[k + 1] = (q[k + 1]! & isY) | (p[k + 1]! & ~isY);
      }
      break;
    case "lt":
      for (let i = 0; i < n; i++) w[i] = -Number(x[i]! < y[i]!);
      break;
    case "le":
      for (let i = 0; i < n; i++) w[i] = -Number(x[i]! <= y[i]!);
      break;
    case "eq":
      for (let i = 0; i < n; i++) w[i] = -Number(x[i]! === y[i]!);
      break;
    case "ne":
      for (let i = 0; i < n; i++) w[i] = -Number(x[i]! !== y[i]!);
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
      for (let i = 0; i < words; i++) w[i] = (p[i]! & q[i]!) | (~p[i]! & r[i]!);
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
