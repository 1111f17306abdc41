/** Rows of an embedding in pairs and triplets, and boxes with arrows. */

import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { float32, float64, TripletMarginLoss } from "@lossbook/losses";
import {
  gatherRows,
  nearestNeighbours,
  scatterRows,
} from "../../notebooks/_kit/experiments/embedding.ts";
import { blockDiagram } from "../../notebooks/_kit/figures/block_diagram.ts";
import { svgOf } from "./drawing.ts";

describe("rows of an embedding", () => {
  const Z = float64([[0, 1], [2, -1], [0.5, 3], [-2, 0.25]]);

  it("have a nearest neighbour, the first of equals", () => {
    const gallery = [[0, 0], Float64Array.of(3, 4), [3, 4], [-1, 0]];
    assertEquals(nearestNeighbours([[3, 3], [0, 1], [-0.75, 9]], gallery), [1, 0, 1]);
    assertEquals(nearestNeighbours([[-0.75, 0], [-0.5, 0]], gallery), [3, 0]);
    assertEquals(nearestNeighbours([], gallery), []);
    assertThrows(() => nearestNeighbours([[0, 0]], []), RangeError, "gallery is empty");
  });

  it("are looked up by number, several times if wanted", () => {
    assertEquals(gatherRows(Z, [3, 0, 3]).toArray(), [[-2, 0.25], [0, 1], [-2, 0.25]]);
    assertEquals(gatherRows(float32([[7, 8]]), Int32Array.of(0)).toArray(), [[7, 8]]);
    assertEquals(gatherRows(Z, []).shape, [0, 2]);
  });

  it("get the sum of the gradients of all places where they were used", () => {
    const first = { index: [3, 0, 3], grad: float64([[1, 2], [3, 4], [5, 6]]) };
    const second = { index: [1], grad: float64([[-7, 0]]) };
    const sums = scatterRows(Z.shape, [first, second]);
    assertEquals(sums.toArray(), [[3, 4], [-7, 0], [0, 0], [6, 8]]);
  });

  it("have the gradient of the loss of the whole embedding", () => {
    const loss = new TripletMarginLoss({ margin: 5 });
    const a = [0, 1, 0];
    const p = [1, 0, 2];
    const n = [2, 3, 3];
    const at = (values: Float64Array) => {
      const rows = float64(values, [4, 2]);
      return loss.valueAndGrad(gatherRows(rows, a), gatherRows(rows, p), gatherRows(rows, n));
    };
    const { grad } = at(Float64Array.from(Z.data));
    const whole = scatterRows(Z.shape, [
      { index: a, grad: grad.anchor },
      { index: p, grad: grad.positive },
      { index: n, grad: grad.negative },
    ]);
    for (let i = 0; i < 8; i++) {
      const moved = [1e-5, -1e-5].map((h) =>
        at(Float64Array.from(Z.data, (z, j) => j === i ? z + h : z)).value.item()
      );
      assertAlmostEquals(whole.data[i], (moved[0] - moved[1]) / 2e-5, 1e-8);
    }
  });

  it("must exist", () => {
    for (const row of [-1, 4, 0.5, NaN]) {
      assertThrows(() => gatherRows(Z, [row]), RangeError, `row ${row} as there are 4 rows`);
      const parts = [{ index: [row], grad: float64([[0, 0]]) }];
      assertThrows(() => scatterRows([4, 2], parts), RangeError, `row ${row} as there are 4`);
    }
  });
});

describe("a block diagram", () => {
  const blocks = {
    x: { at: [1, 1], text: "input x", color: "none" },
    f: { at: [5, 2], text: "network f", size: [3, 1.5] },
  } as const;
  const options = { title: "t", blocks, width: 8, height: 4 };

  it("frames boxes, and joins the middles of their sides from left to right", () => {
    const { layout } = blockDiagram({ ...options, arrows: [["x", "f"]] });
    assertEquals(layout?.shapes?.map(({ x0, x1, y0, y1 }) => [x0, x1, y0, y1]), [
      [3.5, 6.5, 1.25, 2.75],
    ]);
    const arrow = layout?.annotations?.at(-1);
    assertEquals([arrow?.ax, arrow?.ay, arrow?.x, arrow?.y], [2, 1, 3.5, 2]);
  });

  it("is drawn with all its words", async () => {
    const svg = await svgOf(blockDiagram({ ...options, arrows: [["x", "f"]] }));
    for (const word of ["input x", "network f"]) assertEquals(svg.includes(word), true, word);
  });

  it("refuses an arrow to nowhere", () => {
    assertThrows(() => blockDiagram({ ...options, arrows: [["x", "g"]] }), TypeError, '"g"');
  });
});
