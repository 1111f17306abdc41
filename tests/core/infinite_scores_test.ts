/** Rows of scores whose maximum is ∞: they are replaced by their log-probabilities in the limit, if there is one. */
import { assertEquals } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { takeLimit } from "../../losses/_core/rows/softmax.ts";

/** A row after takeLimit, and the result of takeLimit. */
function taken(row: readonly number[], dtype: typeof Float32Array | typeof Float64Array) {
  const scores = dtype.from(row);
  const max = takeLimit(scores, 0, 1, scores.length);
  return { max, scores: [...scores] };
}

for (const dtype of [Float32Array, Float64Array]) {
  describe(`takeLimit of ${dtype.name}`, () => {
    it("gives the only infinite score the probability 1, at every place", () => {
      for (let at = 0; at < 4; at++) {
        const row = [3, -2, 0, 1e30].with(at, Infinity);
        const wanted = Array(4).fill(-Infinity).with(at, 0);
        assertEquals(taken(row, dtype), { max: 0, scores: wanted });
      }
    });

    it("also if other scores are -∞, and in a row of one score", () => {
      const row = [-Infinity, Infinity, -Infinity];
      assertEquals(taken(row, dtype), { max: 0, scores: [-Infinity, 0, -Infinity] });
      assertEquals(taken([Infinity], dtype), { max: 0, scores: [0] });
    });

    it("does not change a row without a limit, and returns its maximum ∞", () => {
      const rows = [
        [Infinity, Infinity],
        [Infinity, 0, Infinity],
        [Infinity, NaN],
        [NaN, Infinity],
        [Infinity, 1, Infinity, NaN],
      ];
      for (const row of rows) assertEquals(taken(row, dtype), { max: Infinity, scores: row });
    });

    it("reads and writes one column or row only", () => {
      // Three rows of four. The second column has one infinite score, and so has the second row.
      const table = [7, 1, Infinity, 7, Infinity, Infinity, 5, -Infinity, 7, 2, NaN, 7];
      const column = dtype.from(table);
      assertEquals(takeLimit(column, 1, 4, 3), 0);
      const down = table.with(1, -Infinity).with(5, 0).with(9, -Infinity);
      assertEquals([...column], down);

      const row = dtype.from(table.with(4, 0));
      assertEquals(takeLimit(row, 4, 1, 4), 0);
      const along = table.with(4, -Infinity).with(5, 0).with(6, -Infinity);
      assertEquals([...row], along);
    });
  });
}
