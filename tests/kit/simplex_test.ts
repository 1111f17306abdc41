import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { inTriangle, simplexFigure, simplexPoints } from "../../notebooks/_kit/figures/simplex.ts";

describe("the simplex", () => {
  it("has corners at distance 1 and its centre in the middle", () => {
    const corners = [[1, 0, 0], [0, 1, 0], [0, 0, 1]].map(inTriangle);
    for (let i = 0; i < 3; i++) {
      const [[a, b], [c, d]] = [corners[i], corners[(i + 1) % 3]];
      assertAlmostEquals(Math.hypot(a - c, b - d), 1, 1e-15);
    }
    const [x, y] = inTriangle([1 / 3, 1 / 3, 1 / 3]);
    assertAlmostEquals(x, 1 / 2, 1e-15);
    assertAlmostEquals(y, Math.sqrt(3) / 6, 1e-15);
  });

  it("is filled with predictions that are symmetric in the three classes", () => {
    const points = simplexPoints(4);
    assertEquals(points.length, 10);
    for (const p of points) {
      assertAlmostEquals(p[0] + p[1] + p[2], 1, 1e-15);
      assert(Math.min(...p) > 0, `${p}`);
    }
    for (const c of [0, 1, 2]) {
      assertAlmostEquals(points.reduce((sum, p) => sum + p[c], 0), 10 / 3, 1e-14);
    }
  });
});

describe("simplexFigure", () => {
  const target = [0.5, 0.3, 0.2];
  const squared = (p: number[]) => p.reduce((sum, share, c) => sum + (share - target[c]) ** 2, 0);
  const { data } = simplexFigure({
    title: "",
    corners: ["a", "b", "c"],
    points: [[1 / 3, 1 / 3, 1 / 3]],
    mark: { name: "y", at: target },
    fields: [{
      title: "",
      value: squared,
      levels: [0.02, 0.5],
      moves: [[1 / 6, -1 / 12, -1 / 12]],
    }],
  });
  const traces = data as { x: number[]; y: number[] }[];

  /** The prediction at a point of the figure. */
  function prediction(x: number, y: number): number[] {
    const top = y / (Math.sqrt(3) / 2);
    const right = x - top / 2;
    return [1 - right - top, right, top];
  }

  it("fills the areas below the levels, from the highest to the lowest", () => {
    const [triangle, upper, lower] = traces;
    assertEquals(triangle.x, [0, 1, 1 / 2, 0]);
    for (const [x, y] of lower.x.map((x, i) => [x, lower.y[i]])) {
      assertAlmostEquals(squared(prediction(x, y)), 0.02, 1e-8);
    }
    // Where the level is not reached inside, the outline follows the sides, through the corners below it.
    for (const [x, y] of upper.x.map((x, i) => [x, upper.y[i]])) {
      const p = prediction(x, y);
      assert(Math.min(...p) > -1e-12 && squared(p) < 0.5 + 1e-8, `${p}`);
    }
    const corner = upper.x.findIndex((x, i) => Math.hypot(x, upper.y[i]) < 1e-12);
    assert(corner >= 0, "the corner of class 0 is missing");
  });

  it("draws the sides, the arrows, the names of the corners and the mark", () => {
    const [sides, arrows, names, mark] = traces.slice(3);
    assertEquals(sides.x, [0, 1, 1 / 2, 0]);
    assertAlmostEquals(arrows.x[1] - arrows.x[0], -1 / 8, 1e-15);
    assertEquals(names.x, [0, 1, 1 / 2]);
    assertEquals([mark.x, mark.y], inTriangle(target).map((at) => [at]));
  });
});
