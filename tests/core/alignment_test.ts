/** Sums over alignments, and by which of its two methods each was computed, which the tests of CTCLoss cannot see. */
import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { Alignments, type PreparedLabels, prepareLabels } from "../../losses/_ctc/alignment.ts";
import { Random } from "../_random.ts";

/** The sum over the alignments of `labels` with `rows` of log-probabilities, where 0 is the blank. */
function sum(rows: number[][], labels: number[]): { log: number; usedLevels: boolean } {
  const prepared = prepareLabels(labels, 0, labels.length, 0);
  const alignments = new Alignments(rows.length, labels.length, prepared.classes.length);
  const { sum: log, usedLevels } = watched(alignments, prepared, rows.length, (to) => {
    to.set(rows.flatMap((row) => [...prepared.classes].map((c) => row[c])));
  });
  return { log, usedLevels };
}

/** A sum, and whether it was computed with levels: these read the log-probabilities a second time. */
function watched(
  alignments: Alignments,
  labels: PreparedLabels,
  frames: number,
  gather: (to: Float64Array) => void,
): { sum: number; usedLevels: boolean } {
  let reads = 0;
  const sum = alignments.sum(labels, frames, (to) => {
    reads++;
    gather(to);
  });
  return { sum, usedLevels: reads === 2 };
}

describe("prepareLabels", () => {
  it("finds the classes, the allowed jumps and the smallest number of frames", () => {
    assertEquals(prepareLabels([9, 3, 5, 5, 3, 9], 1, 5, 7), {
      classes: Int32Array.of(7, 3, 5),
      place: Int32Array.of(1, 2, 2, 1),
      jump: Float64Array.of(0, 1, 0, 1),
      least: 5,
    });
    assertEquals(prepareLabels([], 0, 0, 2).classes, Int32Array.of(2));
  });
});

describe("Alignments", () => {
  it("needs no levels for ordinary samples", () => {
    const random = new Random(1);
    for (let i = 0; i < 500; i++) {
      const frames = 1 + random.below(60);
      const labels = Array.from({ length: random.below(8) }, () => 1 + random.below(4));
      if (frames < prepareLabels(labels, 0, labels.length, 0).least) continue;
      const scale = random.uniform(0, 20);
      const rows = Array.from(
        { length: frames },
        () => Array.from({ length: 5 }, () => scale * random.normal()),
      );
      assert(!sum(rows, labels).usedLevels, `${frames} frames, labels ${labels}`);
    }
  });

  it("needs no levels for a thousand frames that are almost certainly blank", () => {
    const labels = Array.from({ length: 60 }, (_, i) => 1 + i % 4);
    const rows = Array.from({ length: 1000 }, () => [-0.001, -8, -8, -8, -8]);
    assert(!sum(rows, labels).usedLevels);
  });

  it("uses levels if the best alignments underflow in the sum from one side", () => {
    // In each frame blank is far more likely, but one of them must be the label.
    for (const [a, b] of [[-800, -800], [-886.5, -888], [-888, -886.5], [-2000, -3000]]) {
      const { log, usedLevels } = sum([[0, a], [0, b]], [1]);
      assert(usedLevels);
      const [less, more] = [a, b].toSorted((a, b) => a - b);
      assertAlmostEquals(log, more + Math.log1p(Math.exp(less - more) + Math.exp(less)), 1e-12);
    }
  });

  it("gives small samples the same result after large ones, and after those that needed levels", () => {
    const random = new Random(2);
    const all = new Alignments(12, 5, 5);
    for (let i = 0; i < 300; i++) {
      const labels = Array.from({ length: random.below(6) }, () => 1 + random.below(4));
      const prepared = prepareLabels(labels, 0, labels.length, 0);
      const frames = Math.max(1, prepared.least + random.below(3));
      if (frames > 12) continue;
      const scale = i % 3 ? 1 : 2000;
      const logs = Float64Array.from(
        { length: frames * prepared.classes.length },
        () => -random.uniform(0, scale),
      );
      const fresh = new Alignments(frames, labels.length, prepared.classes.length);
      const wanted = watched(fresh, prepared, frames, (to) => to.set(logs));
      assertEquals(watched(all, prepared, frames, (to) => to.set(logs)), wanted);
      assertEquals(all.occupancy.slice(0, logs.length), fresh.occupancy.slice(0, logs.length));
    }
  });
});
