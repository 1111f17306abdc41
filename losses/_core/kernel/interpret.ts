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
import { CALL, ELEMENT, type Interpret, type Lanes, type Op, ROW, type Stage } from "./program.ts";
import { LEAST_STRIP, MOST_VALUES, STRIP } from "./sizes.ts";

/**
 * Makes a function that interprets a kernel.
 *
 * @param plan The kernel.
 * @param memory The scratch memory.
 */
export function interpret(plan: Plan, memory: ArrayBufferLike): Run {
  const { program: { dtype, instructions, interpret }, stores, reductions } = plan;
  const wide = dtype === "float64" ? 1 : 0;
  /** Words of 32 bits in a float. */
  const width = 1 + wide;
  const loops = wide ? FLOAT64 : FLOAT32;
  const scratch = new Int32Array(memory);
  const doubles = new Float64Array(memory);
  /** Columns in a strip: bounds the memory for values, however long rows and formula are. */
  const strip = Math.max(LEAST_STRIP, Math.min(STRIP, MOST_VALUES / instructions.length | 0));
  // The values of each instruction for the columns of a strip, as floats and as the words that these consist of. The literal
  // fills those of a constant for good; others are overwritten.
  const floats = instructions.map(({ value }) => {
    const { buffer } = lanes(wide, value, 4 * width * strip);
    return wide ? new Float64Array(buffer) : new Float32Array(buffer);
  });
  const words = floats.map(({ buffer }) => new Int32Array(buffer));

  return (rows, cols) => {
    let row = 0;
    let column = 0;
    let count = 0;
    const placeOf = (kind: string, offset: number) =>
      offset / 4 + width * (kind === "element" ? row * cols + column : column);
    const run = (stage: Stage) => {
      count = Math.min(strip, cols - column);
      for (let i = 0; i < instructions.length; i++) {
        const instruction = instructions[i]!;
        const { op, args, value } = instruction;
        if (instruction.stage !== stage) continue;
        if (op === "element" || op === "column") {
          const place = placeOf(op, value as number);
          words[i]!.set(scratch.subarray(place, place + width * count));
        } else if (op === "row" || op === "param") {
          // A param is read before the first row.
          floats[i]!.fill(doubles[value as number / 8 + row]!, 0, count);
        } else if (args.length > 0) {
          // In place of an argument that an operation does not have stands the first. Constants have none.
          const [a, b = a, c = a] = args as [number, number?, number?];
          const loop = loops[op];
          if (loop) {
            loop(
              count,
              floats[i]!,
              floats[a]!,
              floats[b]!,
              floats[c]!,
              words[i]!,
              words[a]!,
              words[b]!,
              instructions[b]!.stage,
              instructions[c]!.stage,
            );
          } else {
            (WORDS[op] ?? interpret!)(
              width * count,
              words[i]!,
              words[a]!,
              words[b]!,
              words[c]!,
              wide,
              instruction,
            );
          }
        }
      }
    };
    run(CALL);
    for (; row < rows; row++) {
      column = 0;
      run(ROW);
      for (const { kind, offset } of reductions) {
        doubles[offset / 8 + row] = kind === "sum" ? 0 : -Infinity;
      }
      for (; column < cols; column += strip) {
        run(ELEMENT);
        for (const { kind, offset, value } of stores) {
          scratch.set(words[value]!.subarray(0, width * count), placeOf(kind, offset));
        }
        for (const { kind, offset, value } of reductions) {
          const numbers = floats[value]!;
          let total = doubles[offset / 8 + row]!;
          if (kind === "sum") {
            // Two sums, neither of which waits for the other.
            let other = 0;
            let i = 1;
            for (; i < count; i += 2) {
              total += numbers[i - 1]!;
              other += numbers[i]!;
            }
            if (i === count) total += numbers[i - 1]!;
            total += other;
          } else for (let i = 0; i < count; i++) if (total < numbers[i]!) total = numbers[i]!;
          doubles[offset / 8 + row] = total;
        }
      }
    }
  };
}

/**
 * Runs an operation on floats for the first `i` columns. It gives `o` from the arguments `x`, `y` and `z`; `w`, `p` and `q` are
 * the words of `o`, `x` and `y`. Whatever comes before the stage `ELEMENT` is the same in all columns.
 *
 * Loops count down from a number that they compute, `i--`: V8 then knows that it is an integer, and they take up to a third
 * less time.
 */
type Loop = (
  i: number,
  o: Lanes,
  x: Lanes,
  y: Lanes,
  z: Lanes,
  w: Lanes,
  p: Lanes,
  q: Lanes,
  stageY: Stage,
  stageZ: Stage,
) => void;
type Loops = { readonly [op in Op]?: Loop };

/**
 * The loops of each float type, which stand here twice even where they are alike: V8 compiles a loop for all kinds of arrays
 * that it has met, and in a program with both float types a loop that they share takes three times as long.
 */
const FLOAT32: Loops = {
  abs(i, o, x) {
    for (i--; i >= 0; i--) o[i] = Math.abs(x[i]!);
  },
  neg(i, o, x) {
    for (i--; i >= 0; i--) o[i] = -x[i]!;
  },
  sqrt(i, o, x) {
    for (i--; i >= 0; i--) o[i] = Math.sqrt(x[i]!);
  },
  trunc(i, o, x) {
    for (i--; i >= 0; i--) o[i] = Math.trunc(x[i]!);
  },
  min(i, o, x, y) {
    for (i--; i >= 0; i--) o[i] = Math.min(x[i]!, y[i]!);
  },
  max(i, o, x, y) {
    for (i--; i >= 0; i--) o[i] = Math.max(x[i]!, y[i]!);
  },
  add(i, o, x, y) {
    for (i--; i >= 0; i--) o[i] = x[i]! + y[i]!;
  },
  sub(i, o, x, y) {
    for (i--; i >= 0; i--) o[i] = x[i]! - y[i]!;
  },
  mul(i, o, x, y) {
    for (i--; i >= 0; i--) o[i] = x[i]! * y[i]!;
  },
  div(i, o, x, y) {
    for (i--; i >= 0; i--) o[i] = x[i]! / y[i]!;
  },
  madd(i, o, x, y, z, _w, _p, _q, stageY, stageZ) {
    // Every number that is read is converted to a double, which takes as long as the sum.
    const b = y[--i]!;
    const c = z[i]!;
    if (stageY < ELEMENT && stageZ < ELEMENT) {
      for (; i >= 0; i--) o[i] = Math.fround(x[i]! * b) + c;
    } else if (stageZ < ELEMENT) {
      for (; i >= 0; i--) o[i] = Math.fround(x[i]! * y[i]!) + c;
    } else if (stageY < ELEMENT) {
      for (; i >= 0; i--) o[i] = Math.fround(x[i]! * b) + z[i]!;
    } else {
      for (; i >= 0; i--) o[i] = Math.fround(x[i]! * y[i]!) + z[i]!;
    }
  },
  lt(i, _o, x, y, _z, w) {
    for (i--; i >= 0; i--) w[i] = -Number(x[i]! < y[i]!);
  },
  le(i, _o, x, y, _z, w) {
    for (i--; i >= 0; i--) w[i] = -Number(x[i]! <= y[i]!);
  },
  eq(i, _o, x, y, _z, w) {
    for (i--; i >= 0; i--) w[i] = -Number(x[i]! === y[i]!);
  },
  ne(i, _o, x, y, _z, w) {
    for (i--; i >= 0; i--) w[i] = -Number(x[i]! !== y[i]!);
  },
  pmin(i, _o, x, y, _z, w, p, q) {
    for (i--; i >= 0; i--) {
      const isY = -Number(y[i]! < x[i]!);
      w[i] = (q[i]! & isY) | (p[i]! & ~isY);
    }
  },
  pmax(i, _o, x, y, _z, w, p, q) {
    for (i--; i >= 0; i--) {
      const isY = -Number(x[i]! < y[i]!);
      w[i] = (q[i]! & isY) | (p[i]! & ~isY);
    }
  },
};

const FLOAT64: Loops = {
  abs(i, o, x) {
    for (i--; i >= 0; i--) o[i] = Math.abs(x[i]!);
  },
  neg(i, o, x) {
    for (i--; i >= 0; i--) o[i] = -x[i]!;
  },
  sqrt(i, o, x) {
    for (i--; i >= 0; i--) o[i] = Math.sqrt(x[i]!);
  },
  trunc(i, o, x) {
    for (i--; i >= 0; i--) o[i] = Math.trunc(x[i]!);
  },
  min(i, o, x, y) {
    for (i--; i >= 0; i--) o[i] = Math.min(x[i]!, y[i]!);
  },
  max(i, o, x, y) {
    for (i--; i >= 0; i--) o[i] = Math.max(x[i]!, y[i]!);
  },
  add(i, o, x, y) {
    for (i--; i >= 0; i--) o[i] = x[i]! + y[i]!;
  },
  sub(i, o, x, y) {
    for (i--; i >= 0; i--) o[i] = x[i]! - y[i]!;
  },
  mul(i, o, x, y) {
    for (i--; i >= 0; i--) o[i] = x[i]! * y[i]!;
  },
  div(i, o, x, y) {
    for (i--; i >= 0; i--) o[i] = x[i]! / y[i]!;
  },
  madd(i, o, x, y, z) {
    for (i--; i >= 0; i--) o[i] = x[i]! * y[i]! + z[i]!;
  },
  lt(i, _o, x, y, _z, w) {
    for (i--; i >= 0; i--) w[2 * i] = w[2 * i + 1] = -Number(x[i]! < y[i]!);
  },
  le(i, _o, x, y, _z, w) {
    for (i--; i >= 0; i--) w[2 * i] = w[2 * i + 1] = -Number(x[i]! <= y[i]!);
  },
  eq(i, _o, x, y, _z, w) {
    for (i--; i >= 0; i--) w[2 * i] = w[2 * i + 1] = -Number(x[i]! === y[i]!);
  },
  ne(i, _o, x, y, _z, w) {
    for (i--; i >= 0; i--) w[2 * i] = w[2 * i + 1] = -Number(x[i]! !== y[i]!);
  },
  pmin(i, _o, x, y, _z, w, p, q) {
    for (i--; i >= 0; i--) {
      const isY = -Number(y[i]! < x[i]!);
      w[2 * i] = (q[2 * i]! & isY) | (p[2 * i]! & ~isY);
      w[2 * i + 1] = (q[2 * i + 1]! & isY) | (p[2 * i + 1]! & ~isY);
    }
  },
  pmax(i, _o, x, y, _z, w, p, q) {
    for (i--; i >= 0; i--) {
      const isY = -Number(x[i]! < y[i]!);
      w[2 * i] = (q[2 * i]! & isY) | (p[2 * i]! & ~isY);
      w[2 * i + 1] = (q[2 * i + 1]! & isY) | (p[2 * i + 1]! & ~isY);
    }
  },
};

/** The loops that work on words, for both float types; those on integers are in interpret_math.ts. */
const WORDS: { readonly [op in Op]?: Interpret } = {
  not(i, w, p) {
    for (i--; i >= 0; i--) w[i] = ~p[i]!;
  },
  and(i, w, p, q) {
    for (i--; i >= 0; i--) w[i] = p[i]! & q[i]!;
  },
  andnot(i, w, p, q) {
    for (i--; i >= 0; i--) w[i] = p[i]! & ~q[i]!;
  },
  or(i, w, p, q) {
    for (i--; i >= 0; i--) w[i] = p[i]! | q[i]!;
  },
  select(i, w, p, q, r) {
    for (i--; i >= 0; i--) w[i] = (p[i]! & q[i]!) | (~p[i]! & r[i]!);
  },
};
