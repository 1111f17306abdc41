import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { inTriangle, simplexPanel, simplexPoints } from "../../notebooks/_kit/figures/simplex.ts";

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

  it("is coloured only inside, with arrows from the points", () => {
    const { data: [map, field] } = simplexPanel({
      title: "",
      value: (p) => p[2],
      highest: 1,
      points: [[1 / 2, 1 / 2, 0]],
      moves: [-1 / 2, 0, 1 / 2],
      mark: { name: "", at: [1, 0, 0] },
    });
    assert("z" in map && Array.isArray(map.z));
    const row = map.z[30] as (number | null)[];
    assertEquals(row[5], null);
    assertAlmostEquals(row[30] ?? NaN, 1 / 2, 1e-15);
    assert("x" in field && "y" in field);
    assertEquals(field.x, [1 / 2, 3 / 4, null]);
    assertEquals(field.y, [0, Math.sqrt(3) / 4, null]);
  });
});
