/** Kernels give the same numbers with and without WebAssembly, for every operation, shape and reduction, and ignore memory after a row. */
import { assert, assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { read } from "../../losses/_core/formula/grammar.ts";
import { FUNCTIONS } from "../../losses/_core/formula/graph.ts";
import { defineKernels, load, TILE, unload } from "../../losses/_core/kernel/kernels.ts";
import { Lowering } from "../../losses/_core/kernel/lower.ts";
import { exp } from "../../losses/_core/kernel/math.ts";
import { defineRowKernels } from "../../losses/_core/kernel/row_kernels.ts";
import { sameNumbers } from "../_close.ts";
import { Random } from "../_random.ts";
import { floatsBetween, type FloatType } from "../_ulp.ts";
import { DTYPES, evaluateOn, MACHINES } from "./_machines.ts";

/** Each operation in doubles. */
const OPERATIONS: readonly [text: string, f: (x: number, y: number) => number][] = [
  ["x + y", (x, y) => x + y],
  ["x - y", (x, y) => x - y],
  ["x * y", (x, y) => x * y],
  ["x / y", (x, y) => x / y],
  ["x / 4", (x) => x / 4],
  ["x / 3", (x) => x / 3],
  ["-x", (x) => -x],
  ["abs(x)", Math.abs],
  ["sign(x)", (x) => x > 0 ? 1 : x < 0 ? -1 : 0],
  ["square(x)", (x) => x * x],
  ["sqrt(abs(x))", (x) => Math.sqrt(Math.abs(x))],
  ["min(x, y)", Math.min],
  ["max(x, y)", Math.max],
  ["hinge(x)", (x) => x < 0 ? 0 : x],
  ["x > 0 ? x : 0", (x) => x > 0 ? x : 0],
  ["exp(x)", Math.exp],
  ["log(abs(x))", (x) => Math.log(Math.abs(x))],
  ["log1p(abs(x))", (x) => Math.log1p(Math.abs(x))],
  ["sigmoid(x)", (x) => 1 / (1 + Math.exp(-x))],
  ["softplus(x)", (x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)))],
  ["pow(x, 0)", () => 1],
  ["pow(x, 1)", (x) => x],
  ["pow(x, 2)", (x) => x ** 2],
  ["pow(x, 3)", (x) => x ** 3],
  ["pow(x, 4)", (x) => x ** 4],
  ["pow(abs(x), 0.5)", (x) => Math.abs(x) ** 0.5],
  ["pow(abs(x), 1.5)", (x) => Math.abs(x) ** 1.5],
  ["pow(abs(x), 2.5)", (x) => Math.abs(x) ** 2.5],
  ["pow(x, 5)", (x) => x ** 5],
  ["pow(x, -1)", (x) => x ** -1],
  ["pow(x, 0.5)", (x) => x ** 0.5],
  ["pow(x, y)", (x, y) => x ** y],
  ["pow(abs(x), y)", (x, y) => Math.abs(x) ** y],
  ["xlogy(x, abs(y))", (x, y) => x === 0 && y === y ? 0 : x * Math.log(Math.abs(y))],
  ["x < y ? 1 : 2", (x, y) => x < y ? 1 : 2],
  ["x <= y ? x : y", (x, y) => x <= y ? x : y],
  ["x > y ? x : 0", (x, y) => x > y ? x : 0],
  ["x > y ? x : y", (x, y) => x > y ? x : y],
  ["x >= y ? 0 : x", (x, y) => x >= y ? 0 : x],
  ["x == y ? 1 : 2", (x, y) => x === y ? 1 : 2],
  ["x != y ? 1 : 2", (x, y) => x !== y ? 1 : 2],
  ["x < 0 and y < 0 ? 1 : 2", (x, y) => x < 0 && y < 0 ? 1 : 2],
  ["x < 0 or y < 0 ? 1 : 2", (x, y) => x < 0 || y < 0 ? 1 : 2],
  ["not (x < y) ? x : y", (x, y) => !(x < y) ? x : y],
];

/** Ordinary numbers, equal pairs, both zeros, subnormal, huge and infinite ones, NaN. */
function operands(dtype: FloatType): { x: Float64Array; y: Float64Array } {
  const random = new Random(3);
  const tiny = dtype === "float32" ? 1e-42 : 1e-310;
  const special = [0, -0, 1, -1, tiny, -tiny, 1e30, -1e30, Infinity, -Infinity, NaN];
  const pairs = special.flatMap((x) => special.map((y): [number, number] => [x, y]));
  for (let i = 0; i < 500; i++) {
    const x = 3 * random.normal();
    pairs.push([x, i % 10 === 0 ? x : 3 * random.normal()]);
  }
  const round = dtype === "float32" ? Math.fround : (x: number) => x;
  const column = (k: 0 | 1) => Float64Array.from(pairs, (pair) => round(pair[k]));
  return { x: column(0), y: column(1) };
}

describe("every operation", () => {
  it("is tested", () => {
    for (const name of Object.keys(FUNCTIONS)) {
      assert(OPERATIONS.some(([text]) => text.includes(`${name}(`)), name);
    }
  });

  for (const dtype of DTYPES) {
    const scope = operands(dtype);
    for (const [text, f] of OPERATIONS) {
      it(`${text} in ${dtype}: the same bits with WebAssembly and without, near those of doubles`, () => {
        const [relaxed, wasm, plain] = MACHINES.map((machine) =>
          evaluateOn({ text, scope, dtype, machine })
        );
        assert(sameNumbers(wasm, plain), "WebAssembly and interpreter differ");
        const epsilon = dtype === "float32" ? 2 ** -23 : 2 ** -52;
        for (const found of [relaxed, wasm]) {
          found.forEach((v, i) => {
            const [x, y] = [scope.x[i], scope.y[i]];
            const wanted = dtype === "float32" ? Math.fround(f(x, y)) : f(x, y);
            const close = Object.is(v, wanted) || v === wanted ||
              Math.abs(v - wanted) <= 4 * epsilon * Math.abs(wanted) ||
              floatsBetween(v, wanted, dtype) <= 3;
            assert(close, `x = ${x}, y = ${y}: ${v}, not ${wanted}`);
          });
        }
      });
    }
  }

  const DIVISORS = [
    ...[1, 2, -0.25, 3, -0.7, 0.1, 1e-3, 1e6, 8.000000000000002, 2 ** 60, 2 ** -60, 2 ** 61],
    ...[0, -0, 1e-310, 1e-42, 2 ** -149, 2 ** -1074, 2 ** 127, 2 ** 1023, 1e300, Infinity, NaN],
  ];
  const DIVIDENDS = [1, -2.5, 0.1, 1e-5, 7, 0, -0, 1e-311, 1e-43, 1e38, 1e308, Infinity, NaN];

  for (const dtype of DTYPES) {
    for (const machine of MACHINES) {
      const round = dtype === "float32" ? Math.fround : (x: number) => x;
      const x = DIVIDENDS.map(round);

      it(`divides by an option as IEEE 754 says (${dtype}, ${machine})`, () => {
        const { run, element, param } = defineKernels(() => ({
          elements: ["x", "once", "twice"],
          params: ["p"],
          steps: { go: { store: { once: "x / p", twice: "x / (2 * p)" } } },
        }))(dtype, machine);
        for (const divisor of DIVISORS) {
          const p = round(divisor);
          element.x.set(x);
          param.p[0] = divisor;
          run.go(1, x.length);
          const [once, twice] = [element.once, element.twice].map((y) => y.subarray(0, x.length));
          assert(sameNumbers(once, x.map((x) => round(x / p))), `x / ${divisor}: ${once}`);
          const double = round(2 * p);
          assert(sameNumbers(twice, x.map((x) => round(x / double))), `x / (2 * ${p}): ${twice}`);
        }
      });

      it(`divides by a number in the formula as IEEE 754 says (${dtype}, ${machine})`, () => {
        for (const divisor of DIVISORS) {
          const text = `x / ${Object.is(divisor, -0) ? "-0" : divisor}`;
          const found = evaluateOn({ text, scope: { x }, dtype, machine });
          const p = round(divisor);
          assert(sameNumbers(found, x.map((x) => round(x / p))), `${text}: ${found}`);
        }
      });

      it(`computes constant parts as IEEE 754 says (${dtype}, ${machine})`, () => {
        const scope = { w: [0, 1, -1] };
        const wanted: [text: string, values: number[]][] = [
          ["exp(w / 0)", [NaN, Infinity, 0]],
          ["w * (0 / 0)", [NaN, NaN, NaN]],
          ["w + 1 / 0 - 1 / 0", [NaN, NaN, NaN]],
          ["min(w, 0 / 0)", [NaN, NaN, NaN]],
          ["max(NaN, w)", [NaN, NaN, NaN]],
          ["max(w, log(-1))", [NaN, NaN, NaN]],
          ["max(w, -1 / 0)", [0, 1, -1]],
          ["w / (1 / -Infinity)", [NaN, -Infinity, Infinity]],
        ];
        for (const [text, values] of wanted) {
          assertEquals([...evaluateOn({ text, scope, dtype, machine })], values, text);
        }
      });
    }
  }

  for (const dtype of DTYPES) {
    for (const machine of MACHINES) {
      it(`adds to a product what is the same in all columns, or in none (${dtype}, ${machine})`, () => {
        const { run, element, column, row, param } = defineKernels(() => ({
          elements: ["x", "a", "b", "c", "d", "e"],
          columns: ["k"],
          rows: ["r"],
          params: ["p"],
          steps: {
            // Each is x · -1/4 + z, rounded once, as x / 4 is exact.
            go: {
              store: {
                a: "x - x / 4",
                b: "k - x / 4",
                c: "r - x / 4",
                d: "p - x / 4",
                e: "7 - x / 4",
              },
            },
          },
        }))(dtype, machine);
        const round = dtype === "float32" ? Math.fround : (x: number) => x;
        const random = new Random(6);
        // More columns than the interpreter works on at once.
        const [rows, cols] = [2, 2_500];
        for (let i = 0; i < rows * cols; i++) element.x[i] = random.normal();
        for (let j = 0; j < cols; j++) column.k[j] = random.normal();
        for (let i = 0; i < rows; i++) row.r[i] = random.normal();
        param.p[0] = random.normal();
        run.go(rows, cols);
        for (let i = 0; i < rows * cols; i++) {
          const x = element.x[i];
          const sums = [x, column.k[i % cols], row.r[Math.floor(i / cols)], param.p[0], 7];
          assertEquals(
            [element.a[i], element.b[i], element.c[i], element.d[i], element.e[i]],
            sums.map((z) => round(round(z) - x / 4)),
            `element ${i}`,
          );
        }
      });
    }
  }

  it("min and max give NaN for a NaN on either side, also beside an option", () => {
    for (const dtype of DTYPES) {
      const { run, element, param } = defineKernels(() => ({
        elements: ["x", "y", "a", "b", "c"],
        params: ["p"],
        steps: { go: { store: { a: "min(x, y)", b: "max(x, y)", c: "max(-p, min(x, p))" } } },
      }))(dtype);
      element.x.set([NaN, 1, NaN]);
      element.y.set([1, NaN, NaN]);
      param.p[0] = 2;
      run.go(1, 3);
      assertEquals([...element.a.subarray(0, 3)], [NaN, NaN, NaN]);
      assertEquals([...element.b.subarray(0, 3)], [NaN, NaN, NaN]);
      assertEquals([...element.c.subarray(0, 3)], [NaN, 1, NaN]);
    }
  });
});

describe("the program", () => {
  it("has each instruction once", () => {
    for (const dtype of DTYPES) {
      const operands = new Map([["x", { kind: "element", offset: 0 } as const]]);
      const b = new Lowering({ dtype, operands, functions: { exp } });
      const instructions = (text: string) => {
        read(text, b);
        return b.instructions.length;
      };
      const count = instructions("exp(-abs(x))");
      assertEquals(instructions("exp(-abs(-x))"), count + 1, "one more for -x");
      assertEquals(instructions("exp(-abs(abs(x)))"), count + 1);
      assert(b.const(0) !== b.const(-0));
    }
  });
});

/** A kernel with operands of all four kinds, two stores and two reductions. */
const mixed = defineKernels(() => ({
  elements: ["x", "out"],
  columns: ["c", "last"],
  rows: ["r", "sum", "most"],
  params: ["p"],
  steps: {
    go: {
      store: { out: "(x - r) * c + p", last: "x * p" },
      sum: { sum: "x * c" },
      max: { most: "x - c * p" },
    },
  },
}));

describe("rows and columns", () => {
  for (const dtype of DTYPES) {
    for (const machine of MACHINES) {
      it(`0 to 5 rows of 0 to 17 columns, whatever lies after them (${dtype}, ${machine})`, () => {
        const { element, column, row, param, run } = mixed(dtype, machine);
        const random = new Random(4);
        // With small whole numbers every step is exact, in any order.
        const whole = () => random.below(19) - 9;
        for (let rows = 0; rows <= 5; rows++) {
          for (let cols = 0; cols <= 17; cols++) {
            for (const behind of [NaN, Infinity]) {
              for (const data of [element.x, element.out, column.c, column.last]) data.fill(behind);
              for (const data of [row.r, row.sum, row.most]) data.fill(behind);
              for (let i = 0; i < rows * cols; i++) element.x[i] = whole();
              for (let j = 0; j < cols; j++) column.c[j] = whole();
              for (let i = 0; i < rows; i++) row.r[i] = whole();
              param.p[0] = 2;
              const x = element.x.slice();
              run.go(rows, cols);

              const shape = `${rows} × ${cols}`;
              assert(sameNumbers(element.x, x), `${shape}: an argument was overwritten`);
              for (let i = 0; i < rows; i++) {
                let [sum, most] = [0, -Infinity];
                for (let j = 0; j < cols; j++) {
                  const v = x[i * cols + j];
                  assertEquals(element.out[i * cols + j], (v - row.r[i]) * column.c[j] + 2, shape);
                  sum += v * column.c[j];
                  most = Math.max(most, v - column.c[j] * 2);
                }
                assertEquals([row.sum[i], row.most[i]], [sum, most], `${shape}, row ${i}`);
              }
              assertEquals(
                [row.sum[rows], row.most[rows]],
                [behind, behind],
                `${shape}: a row more`,
              );
              // A column operand keeps the results of the last row.
              for (let j = 0; rows > 0 && j < cols; j++) {
                assertEquals(column.last[j], 2 * x[(rows - 1) * cols + j], shape);
              }
            }
          }
        }
      });
    }
  }
});

describe("reductions", () => {
  for (const machine of MACHINES) {
    for (const dtype of DTYPES) {
      const { element, row, run, tile } = defineKernels(() => ({
        elements: ["x"],
        rows: ["sum", "most"],
        steps: { go: { sum: { sum: "x" }, max: { most: "x" } } },
      }))(dtype, machine);

      it(`ignores NaN in a maximum, not in a sum (${dtype}, ${machine})`, () => {
        element.x.set([NaN, 3, -1, NaN, 5, NaN, 2]);
        run.go(1, 7);
        assertEquals([row.sum[0], row.most[0]], [NaN, 5]);
        element.x.fill(NaN, 0, 5);
        run.go(1, 5);
        assertEquals(row.most[0], -Infinity);
        // Wherever NaN and the largest number are, also in the vectors of one block.
        for (let nan = 0; nan < 37; nan++) {
          for (let most = 0; most < 37; most++) {
            if (most === nan) continue;
            element.x.fill(-1, 0, 37);
            element.x[nan] = NaN;
            element.x[most] = 2;
            run.go(1, 37);
            assertEquals([row.sum[0], row.most[0]], [NaN, 2], `NaN at ${nan}, 2 at ${most}`);
          }
        }
        for (const at of [0, 255, 256, 700, 999]) {
          element.x.fill(-1, 0, 1000);
          element.x[at] = at + 1;
          run.go(1, 1000);
          assertEquals([row.sum[0], row.most[0]], [at + 1 - 999, at + 1]);
        }
      });

      it(`adds infinities: ∞, and NaN for ∞ - ∞ (${dtype}, ${machine})`, () => {
        element.x.set([1, Infinity, 2]);
        run.go(1, 3);
        assertEquals([row.sum[0], row.most[0]], [Infinity, Infinity]);
        element.x.set([1, Infinity, -Infinity]);
        run.go(1, 3);
        assertEquals([row.sum[0], row.most[0]], [NaN, Infinity]);
      });

      it(`sums a whole tile without losing a digit of it (${dtype}, ${machine})`, () => {
        element.x.fill(0.1);
        run.go(1, tile);
        const wanted = element.x[0] * tile;
        assert(Math.abs(row.sum[0] - wanted) <= 2e-13 * wanted, `${row.sum[0]}, not ${wanted}`);
      });
    }
  }
});

describe("definitions", () => {
  const define = (step: object) =>
    defineKernels(() => ({
      elements: ["x", "y"],
      rows: ["r"],
      params: ["p"],
      steps: { go: step },
      functions: { exp },
    }));

  it("are laid out and compiled once for each type", () => {
    const kernels = define({ store: { y: "exp(x)" } });
    assertStrictEquals(kernels("float32"), kernels("float32"));
    assertEquals(kernels("float32").element.x.BYTES_PER_ELEMENT, 4);
    assertEquals(kernels("float64").element.x.BYTES_PER_ELEMENT, 8);
  });

  it("refuse unknown operands and impossible places for results", () => {
    const wrong: [step: object, Class: ErrorConstructor, message: string][] = [
      [{ store: { y: "x + z" } }, ReferenceError, "as 'z' is not an operand"],
      [
        { store: { r: "x" } },
        TypeError,
        "Cannot write a store into 'r'",
      ],
      [{ store: { z: "x" } }, TypeError, "Cannot write a store into 'z'"],
      [{ sum: { y: "x" } }, TypeError, "Cannot write a sum into 'y'"],
      [{ max: { p: "x" } }, TypeError, "Cannot write a max into 'p'"],
      [{ store: { y: "x +" } }, SyntaxError, "Cannot parse 'x +'"],
    ];
    for (const [step, Class, message] of wrong) {
      assertThrows(() => define(step)("float32").run.go(1, 1), Class, message);
    }
    const twice = defineKernels(() => ({ elements: ["x", "x"], steps: {} }));
    assertThrows(() => twice("float32"), TypeError, "Cannot lay out the operand 'x' twice");
  });

  it("may name operands as the methods of objects are named", () => {
    const names = ["constructor", "__proto__", "toString"];
    const { element, param, run } = defineKernels(() => ({
      elements: ["out", ...names],
      params: ["hasOwnProperty"],
      steps: { go: { store: { out: `${names.join(" + ")} + hasOwnProperty` } } },
    }))("float64");
    names.forEach((name, i) => element[name][0] = 10 ** i);
    param.hasOwnProperty[0] = 1000;
    run.go(1, 1);
    assertEquals(element.out[0], 1111);
  });

  it("do not see what others have added to Object.prototype", () => {
    Object.defineProperty(Object.prototype, "added", {
      value: "no formula",
      enumerable: true,
      configurable: true,
    });
    try {
      const { element, run } = define({ store: { y: "x + 1" } })("float64");
      element.x[0] = 1;
      run.go(1, 1);
      assertEquals(element.y[0], 2);
    } finally {
      Reflect.deleteProperty(Object.prototype, "added");
    }
  });

  it("have as many instructions as engines can compile, or are refused", () => {
    const sum = (texts: readonly string[]): string => {
      if (texts.length === 1) return texts[0];
      const half = texts.length >> 1;
      return `(${sum(texts.slice(0, half))} + ${sum(texts.slice(half))})`;
    };
    // Each term takes a number, a product and a sum.
    const terms = (count: number) => sum(Array.from({ length: count }, (_, i) => `x * ${i}.5`));
    for (const machine of MACHINES) {
      const text = terms(13_000);
      const [found] = evaluateOn({ text, scope: { x: 2 }, dtype: "float64", machine });
      assertEquals(found, 13_000 ** 2);
      assertThrows(
        () => evaluateOn({ text: terms(14_000), scope: { x: 2 }, dtype: "float64", machine }),
        RangeError,
        "Cannot compile the formula as it takes 42000 instructions: at most 40000 are possible",
      );
    }
  });

  it("give a larger tile where rows are longer", () => {
    const kernels = defineRowKernels(() => ({
      elements: ["x", "y"],
      steps: { go: { store: { y: "x + 1" } } },
    }));
    const long = kernels("float32", 3 * TILE);
    assert(long.tile >= 3 * TILE);
    long.element.x.fill(1, 0, 3 * TILE);
    long.run.go(1, 3 * TILE);
    assert(long.element.y.subarray(0, 3 * TILE).every((y) => y === 2));
  });
});

describe("the memory for long rows", () => {
  const define = () =>
    defineRowKernels(() => ({
      elements: ["x", "y"],
      rows: ["sum"],
      tileRows: 1,
      steps: { go: { store: { y: "x + 1" }, sum: { sum: "x" } } },
    }));
  const [first, second] = [define(), define()];
  const length = 2 ** 20;

  it("is one for all kernels", () => {
    const { element: { x }, run } = first("float64", length);
    assert(x.byteLength >= 8 * length);
    assertStrictEquals(second("float64", length).element.x.buffer, x.buffer);
    assertStrictEquals(first("float64", length).run, run, "compiled again");
  });

  it("is replaced by a larger one, and no kernel keeps the smaller one", () => {
    const { buffer } = first("float64", length).element.x;
    const larger = second("float64", 2 * length).element.x.buffer;
    assert(larger.byteLength > buffer.byteLength);
    const { element: { x, y }, row, run } = first("float64", length);
    assertStrictEquals(x.buffer, larger);
    x.fill(1, 0, length);
    run.go(1, length);
    assertEquals([y[length - 1], row.sum[0]], [2, length]);
  });

  it("is collected as garbage if it is large", () => {
    const program = `
      import { defineRowKernels } from "${new URL(
      "../../losses/_core/kernel/row_kernels.ts",
      import.meta.url,
    )}";
      const kernels = defineRowKernels(() => ({ elements: ["x", "y"], tileRows: 1, steps: { go: { store: { y: "x + 1" } } } }));
      const megabytes = () => Math.round(Deno.memoryUsage().rss / 2 ** 20);
      const before = megabytes();
      const use = (length) => {
        const { element, run } = kernels("float32", length);
        element.x.fill(1);
        run.go(1, length);
      };
      for (let length = 2 ** 17; length <= 2 ** 24; length *= 2) use(length);
      const during = megabytes();
      for (let i = 0; i < 5; i++) {
        await new Promise((resolve) => setTimeout(resolve, 20));
        globalThis.gc();
      }
      console.log(JSON.stringify([during - before, megabytes() - before]));
    `;
    const { stdout, stderr, success } = new Deno.Command(Deno.execPath(), {
      args: ["eval", "--no-config", "--no-lock", "--v8-flags=--expose-gc", program],
      env: { NO_COLOR: "1" },
    }).outputSync();
    assert(success, new TextDecoder().decode(stderr));
    const [during, after] = JSON.parse(new TextDecoder().decode(stdout));
    // Two operands of 2²⁴ numbers of 4 bytes.
    assert(during > 100 && after < 50, `${during} MiB while in use, ${after} MiB after`);
  });

  it("has a limit", () => {
    assertThrows(
      () => first("float64", 2 ** 29),
      RangeError,
      "Cannot make a kernel for these rows as their operands need",
    );
  });
});

describe("load and unload", () => {
  it("copy parts of arrays, short and long, and convert whole numbers", () => {
    const source = Float64Array.from({ length: 100 }, (_, i) => i);
    for (const [start, end] of [[0, 0], [0, 100], [3, 9], [10, 100]]) {
      const operand = new Float32Array(128).fill(-1);
      load(operand, source, start, end);
      assertEquals([...operand.subarray(0, end - start)], [...source.subarray(start, end)]);
      assert(operand.subarray(end - start).every((v) => v === -1));
      const target = new Float32Array(100).fill(-1);
      unload(operand, target, start, end);
      target.forEach((v, i) => assertEquals(v, i >= start && i < end ? i : -1));
    }
    const labels = new Float64Array(4);
    load(labels, Int32Array.of(5, -7), 0, 2);
    assertEquals([...labels], [5, -7, 0, 0]);
  });
});
