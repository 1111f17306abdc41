/** Sums over alignments, and by which of its two methods each was computed, which the tests of CTCLoss cannot see. */
import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { prepareLabels, type Sample, sumAlignments } from "../../losses/_ctc/alignment.ts";
import { sumWithLevels } from "../../losses/_ctc/levels.ts";
import { Random } from "../_random.ts";

/** The sum over the alignments of `labels` with `rows` of log-probabilities, where 0 is the blank. */
function sum(rows: number[][], labels: number[]): { log: number; usedLevels: boolean } {
  const prepared = prepareLabels(labels, 0, labels.length, 0);
  const [log] = sumBatch([rows], [{ index: 0, frames: rows.length, labels: prepared }]).logs;
  if (!Number.isNaN(log)) return { log, usedLevels: false };
  const logs = Float64Array.from(rows.flatMap((row) => [...prepared.classes].map((c) => row[c])));
  return { log: sumWithLevels(prepared, rows.length, logs).log, usedLevels: true };
}

/** The sums of samples with log-probabilities of their own, and their gradients. */
function sumBatch(
  batch: readonly (readonly (readonly number[])[])[],
  samples: readonly Sample[],
): { logs: Float64Array; grad: Float64Array } {
  const frames = Math.max(...batch.map((rows) => rows.length));
  const classes = batch[0][0].length;
  const data = new Float64Array(frames * batch.length * classes);
  for (const [b, rows] of batch.entries()) {
    for (const [t, row] of rows.entries()) data.set(row, (t * batch.length + b) * classes);
  }
  const grad = new Float64Array(data.length);
  const upstream = new Float64Array(batch.length).fill(1);
  const scores = { data, samples: batch.length, classes, normalised: undefined, grad, upstream };
  return { logs: sumAlignments(scores, samples), grad };
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

describe("sumAlignments", () => {
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

  it("gives each sample what it gives it alone, after larger ones and those that need levels", () => {
    const random = new Random(2);
    const batch: number[][][] = [];
    const samples: Sample[] = [];
    for (let i = 0; i < 300; i++) {
      const labels = Array.from({ length: random.below(6) }, () => 1 + random.below(4));
      const prepared = prepareLabels(labels, 0, labels.length, 0);
      const frames = Math.max(1, prepared.least + random.below(3));
      const scale = i % 3 ? 1 : 2000;
      const row = () => Array.from({ length: 5 }, () => -random.uniform(0, scale));
      batch.push(Array.from({ length: frames }, row));
      samples.push({ index: i, frames, labels: prepared });
    }
    const { logs, grad } = sumBatch(batch, samples);
    assert(logs.some(Number.isNaN) && !logs.every(Number.isNaN));
    for (const [b, rows] of batch.entries()) {
      const alone = sumBatch([rows], [{ ...samples[b], index: 0 }]);
      assertEquals(logs[b], alone.logs[0]);
      const rest = rows.map((_, t) => grad.slice((t * batch.length + b) * 5).slice(0, 5));
      assertEquals(rest.flatMap((row) => [...row]), [...alone.grad]);
    }
  });

  it("finds the shares of the way that never underflows", () => {
    const random = new Random(3);
    for (let i = 0; i < 100; i++) {
      const labels = Array.from({ length: random.below(6) }, () => 1 + random.below(4));
      const prepared = prepareLabels(labels, 0, labels.length, 0);
      const frames = Math.max(1, prepared.least + random.below(5));
      const rows = Array.from(
        { length: frames },
        () => Array.from({ length: 5 }, () => -random.uniform(0, 20)),
      );
      const { logs: [log], grad } = sumBatch([rows], [{ index: 0, frames, labels: prepared }]);
      const gathered = rows.flatMap((row) => [...prepared.classes].map((c) => row[c]));
      const slow = sumWithLevels(prepared, frames, Float64Array.from(gathered));
      assertAlmostEquals(log, slow.log, 1e-12 * Math.abs(slow.log));
      for (const [at, share] of slow.gamma.entries()) {
        const count = prepared.classes.length;
        const index = Math.floor(at / count) * 5 + prepared.classes[at % count];
        assertAlmostEquals(-grad[index], share, 1e-12);
      }
    }
  });
});
