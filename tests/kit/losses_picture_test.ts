/** The picture of all losses in README.md. */

import { assert, assertEquals } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { lossPanels } from "../../notebooks/_kit/contents/loss_panels.ts";
import {
  drawLosses,
  LOSSES_PNG,
  lossesPicture,
} from "../../notebooks/_kit/contents/losses_picture.ts";
import { lossesOfProject } from "../checks/reference.ts";

describe("the picture of all losses", () => {
  it("is up to date (deno run -A notebooks/_kit/contents/losses_picture.ts)", async () => {
    const [stored, drawn] = [await Deno.readFile(LOSSES_PNG), await drawLosses()];
    assert(stored.length <= 150_000, `${stored.length} bytes, but at most 150000 are wanted`);
    // Not assertEquals, which would print a hundred thousand numbers.
    assert(stored.length === drawn.length && stored.every((byte, i) => byte === drawn[i]));
  });

  it("leaves no loss out and shows none twice", () => {
    const shown = lossPanels.map(({ loss }) => loss).sort();
    assertEquals(shown, lossesOfProject().map(({ name }) => name).sort());
  });

  for (const { loss, range: [low, high], curves } of lossPanels) {
    it(`draws the gradient of ${loss} that finite differences of its values give`, () => {
      for (const { at, kinks = [] } of curves.filter((curve) => curve !== undefined)) {
        // Off the grid, so that no kink is near.
        const places = Array.from({ length: 10 }, (_, i) => low + ((high - low) * (i + 0.53)) / 10);
        for (const x of places.filter((x) => kinks.every((kink) => Math.abs(x - kink) > 0.02))) {
          const h = 1e-3;
          const numeric =
            (8 * (at(x + h)[0] - at(x - h)[0]) - at(x + 2 * h)[0] + at(x - 2 * h)[0]) /
            (12 * h);
          const gradient = at(x)[1];
          // A fifth derivative grows near the ends of (0, 1) and (0, ∞).
          assert(
            Math.abs(gradient - numeric) <= 1e-5 * Math.max(1, Math.abs(gradient)),
            `x = ${x}`,
          );
        }
      }
    });
  }

  it("has kinks where the gradient jumps", () => {
    const kinks = lossPanels.flatMap(({ loss, curves }) =>
      curves.flatMap((curve) => curve?.kinks?.map((x) => ({ loss, x, at: curve.at })) ?? [])
    );
    for (const { loss, x, at } of kinks) {
      const jump = Math.abs(at(x + 1e-4)[1] - at(x - 1e-4)[1]);
      assert(jump > 0.1, `${loss} at ${x}: the gradient changes by only ${jump}`);
    }
    assertEquals(kinks.length, 13);
  });

  it("puts the legend where there is room for a panel, and else above", () => {
    const size = { width: 600, height: 400 };
    const legend = (panels: number) =>
      lossesPicture(lossPanels.slice(0, panels), 3, size).layout?.legend?.orientation;
    assertEquals([legend(5), legend(6)], ["v", "h"]);
  });
});
