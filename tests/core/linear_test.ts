/** Matrix products: plain and transposed factors, at all borders of a tile. */
import { assert, assertEquals } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import {
  addColumnSums,
  type Matrix,
  matrix,
  multiply,
  rowsOf,
  transpose,
} from "../../losses/_core/layer/linear.ts";
import { assertClose } from "../_close.ts";
import { Random } from "../_random.ts";

const at = (m: Matrix, r: number, c: number) => m.data[m.start + r * m.down + c * m.across];

/** The product by its definition, in doubles. */
function product(a: Matrix, b: Matrix): Float64Array {
  const result = new Float64Array(a.rows * b.columns);
  for (let r = 0; r < a.rows; r++) {
    for (let c = 0; c < b.columns; c++) {
      for (let k = 0; k < a.columns; k++) result[r * b.columns + c] += at(a, r, k) * at(b, k, c);
    }
  }
  return result;
}

function draw(random: Random, rows: number, columns: number): Matrix {
  return matrix(random.tensor([rows, columns]).data as Float64Array, rows, columns);
}

const narrow = (m: Matrix): Matrix => ({ ...m, data: Float32Array.from(m.data) });

describe("multiply", () => {
  // Sizes below, at and above 4 terms a step, 256 terms in float32, and tiles of 256 rows, 512 columns and 65536 numbers.
  const sizes: [rows: number, depth: number, columns: number][] = [
    [1, 1, 1],
    [3, 7, 5],
    [2, 4, 3],
    [4, 9, 2],
    [6, 5, 2],
    [5, 16, 17],
    [2, 255, 3],
    [2, 256, 3],
    [2, 257, 3],
    [3, 521, 4],
    [257, 3, 2],
    [129, 5, 513],
    [240, 3, 300],
    [3, 260, 600],
    [2, 3, 1025],
  ];
  for (const [rows, depth, columns] of sizes) {
    it(`is the sum of products for (${rows}, ${depth}) · (${depth}, ${columns})`, () => {
      const random = new Random(rows * depth + columns);
      const ways: [a: Matrix, b: Matrix][] = [
        [draw(random, rows, depth), draw(random, depth, columns)],
        [draw(random, rows, depth), transpose(draw(random, columns, depth))],
        [transpose(draw(random, depth, rows)), draw(random, depth, columns)],
        [transpose(draw(random, depth, rows)), transpose(draw(random, columns, depth))],
      ];
      for (const [a, b] of ways) {
        const shape = [rows, columns];
        const result = new Float64Array(rows * columns);
        multiply("float64", a, b, matrix(result, rows, columns));
        const context = `${a.down} ${b.down}`;
        const wanted = { shape, data: product(a, b) };
        assertClose({ shape, data: result }, wanted, { rtol: 1e-13, atol: 1e-14, context });

        const [f, g] = [narrow(a), narrow(b)];
        const small = new Float32Array(rows * columns);
        multiply("float32", f, g, matrix(small, rows, columns));
        // Terms of about 1 are added in float32, 256 at a time; these sums are added in float64.
        const limit = { rtol: 0, atol: 1e-6, scale: Math.sqrt(depth), context };
        assertClose({ shape, data: small }, { shape, data: product(f, g) }, limit);
      }
    });
  }

  it("adds to the result only if asked to, and overwrites it otherwise", () => {
    const [a, b] = [matrix(Float64Array.of(1, 2), 1, 2), matrix(Float64Array.of(3, 4), 2, 1)];
    const data = Float64Array.of(100);
    multiply("float64", a, b, matrix(data, 1, 1), true);
    assertEquals(data[0], 100 + 3 + 8);
    multiply("float64", a, b, matrix(data, 1, 1));
    assertEquals(data[0], 3 + 8);
  });

  it("writes into some rows or a transposed result only", () => {
    const random = new Random(3);
    const [a, b] = [draw(random, 2, 3), draw(random, 3, 2)];
    const wanted = product(a, b);
    const data = new Float64Array(8).fill(7);
    multiply("float64", a, b, rowsOf(rowsOf(matrix(data, 4, 2), 1, 3), 0, 2));
    assertClose({ shape: [8], data }, { shape: [8], data: [7, 7, ...wanted, 7, 7] }, {
      rtol: 1e-14,
      atol: 0,
      context: "rows",
    });
    multiply("float64", a, b, transpose(matrix(data.subarray(0, 4), 2, 2)));
    const turned = [wanted[0], wanted[2], wanted[1], wanted[3]];
    assertClose({ shape: [4], data: data.subarray(0, 4) }, { shape: [4], data: turned }, {
      rtol: 1e-14,
      atol: 0,
      context: "transposed",
    });
  });

  it("is 0 if there are no terms, and writes nothing if there are no rows or columns", () => {
    const empty = new Float64Array(0);
    const data = Float64Array.of(5, 5);
    multiply("float64", matrix(empty, 2, 0), matrix(empty, 0, 1), matrix(data, 2, 1));
    assertEquals([...data], [0, 0]);
    multiply(
      "float64",
      matrix(empty, 0, 3),
      matrix(new Float64Array(6), 3, 2),
      matrix(empty, 0, 2),
    );
    multiply(
      "float64",
      matrix(new Float64Array(6), 2, 3),
      matrix(empty, 3, 0),
      matrix(empty, 2, 0),
    );
  });

  it("has NaN and ∞ only in their own rows and columns", () => {
    for (const bad of [NaN, Infinity]) {
      const a = matrix(Float64Array.of(bad, 1, 2, 3), 2, 2);
      const b = matrix(Float64Array.of(1, -1, 2, 5), 2, 2);
      const data = new Float64Array(4);
      multiply("float64", a, b, matrix(data, 2, 2));
      assertEquals([...data], [bad, -bad, 2 * 1 + 3 * 2, 2 * -1 + 3 * 5]);
    }
  });

  it("is accurate in float32 for 2^18 terms", () => {
    const depth = 2 ** 18;
    const third = Math.fround(1 / 3);
    const data = new Float32Array(1);
    multiply(
      "float32",
      matrix(new Float32Array(depth).fill(third), 1, depth),
      matrix(new Float32Array(depth).fill(1), depth, 1),
      matrix(data, 1, 1),
    );
    // Adding all terms one by one in float32 would have an error of 1e-3.
    assert(Math.abs(data[0] / (depth * third) - 1) < 2e-6, `${data[0]}`);
  });
});

describe("addColumnSums", () => {
  it("adds the sum of each column to the numbers that are there", () => {
    const sums = Float64Array.of(10, 20, 30);
    addColumnSums(matrix(Float32Array.of(1, 2, 3, 4, 5, 6), 2, 3), sums);
    assertEquals([...sums], [10 + 1 + 4, 20 + 2 + 5, 30 + 3 + 6]);
    const turned = transpose(matrix(Float64Array.of(1, 2, 3, 4), 2, 2));
    const pair = new Float64Array(2);
    addColumnSums(turned, pair);
    assertEquals([...pair], [1 + 2, 3 + 4]);
  });
});
