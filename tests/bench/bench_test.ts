/** The benchmark's inputs, arithmetic and tables. No test depends on the speed of the machine. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { type Answer, type Runner, wrongIn } from "./contender.ts";
import { TILE } from "../../losses/_core/kernel/kernels.ts";
import { copies, limitOf, type Limits } from "./limits.ts";
import {
  geometricMean,
  interleave,
  median,
  orderOf,
  schedule,
  takesPart,
  warmUp,
} from "./measure.ts";
import { loop, ours } from "./ours.ts";
import { between, MARKERS, speedMarkdown, withBestPeer } from "./readme.ts";
import { sharesOf } from "./profile.ts";
import {
  align,
  duration,
  meanRatio,
  profileTable,
  ratio,
  speedTable,
  wrongAnswers,
} from "./report.ts";
import type { Line, Result } from "./result.ts";
import { bytesOf, DOUBLE_ROWS, inputsOf, type Row, rowNamed, ROWS, SUBJECTS } from "./rows.ts";

describe("the rows of the benchmark", () => {
  for (const [subject, shape] of SUBJECTS) {
    it(`compute the same ${subject.loss} in this library and in the plain loop`, async () => {
      const row: Row = { name: "", subject, shape, dtype: "float64" };
      const inputs = inputsOf(row);
      const [us, plain] = [await ours.prepare(row, inputs), await loop.prepare(row, inputs)];
      assert(us && plain, `mod.ts does not export ${subject.loss}`);
      const [got, wanted] = [await us.answer(), await plain.answer()];
      assertEquals(wrongIn(got, wanted), undefined);
      assert(Math.abs(got.value - wanted.value) <= 1e-9 * Math.abs(wanted.value), `${got.value}`);
      // If a gradient were 0 everywhere, a contender that does not compute it would pass.
      for (const grad of wanted.grads) assert(Array.from(grad).some((x) => x !== 0));
    });
  }

  it("have different names, and a float32 row for each float64 row", () => {
    const names = [...ROWS, ...DOUBLE_ROWS].map(({ name }) => name);
    assertEquals(new Set(names).size, names.length);
    for (const { name } of DOUBLE_ROWS) rowNamed(name.replace(/ float64$/, ""));
    assertThrows(() => rowNamed("No such row"), RangeError);
  });

  it("draw the same inputs each time", () => {
    const row = rowNamed("CrossEntropy 8×10");
    assertEquals(inputsOf(row), inputsOf(row));
  });
});

describe("the lower limit of a row's time", () => {
  const limits: Limits = {
    bandwidth: 100,
    exp: { float32: 2, float64: 5 },
    log: { float32: 3, float64: 7 },
  };
  const row = rowNamed("CrossEntropy 8×10");

  it("counts the bytes of arguments and gradients", () => {
    assertEquals(bytesOf(row, inputsOf(row)), 80 * 4 + 8 * 4 + 80 * 4);
  });

  it("is measured by copies of all arguments and gradients that do not change the arguments", () => {
    const row = rowNamed("MarginRanking 2^20");
    const inputs = inputsOf({ ...row, shape: [3 * TILE - 5] });
    const before = Object.values(inputs).map(({ data }) => data.slice());
    const runner = copies({ ...row, shape: [3 * TILE - 5] }, inputs);
    const { grads } = runner.answer() as Answer;
    grads.forEach((grad) => (grad as Float32Array).fill(7));
    runner.time(1);
    // The tile that is copied into the gradients holds the last argument.
    const last = before[before.length - 1];
    for (const grad of grads) {
      for (let i = 0; i < grad.length; i++) assertEquals(grad[i], last[i], `${i}`);
    }
    assertEquals(Object.values(inputs).map(({ data }) => data), before);
  });

  it("is the larger of the times for memory traffic and for arithmetic", () => {
    assertEquals(limitOf(row, 672, limits), 80 * 2);
    assertEquals(limitOf(row, 67200, limits), 672);
    assertEquals(limitOf({ ...row, dtype: "float64" }, 0, limits), 80 * 5);
  });
});

describe("an answer", () => {
  const right: Answer = { value: 2, grads: [[1, -4, 0], [8]] };

  it("is right within a thousandth of the largest number of each gradient", () => {
    assertEquals(wrongIn({ value: 2.001, grads: [[1.003, -4, 0.003], [8]] }, right), undefined);
  });

  it("is wrong if its value is, or else reports how many gradients are wrong", () => {
    assertEquals(wrongIn({ ...right, value: 2.1 }, right), "value 2.1 for 2");
    assertEquals(wrongIn({ ...right, value: NaN }, right), "value NaN for 2");
    assertEquals(wrongIn({ value: 2, grads: [[1, 4, NaN], [8]] }, right), "2 of 4 gradients");
  });
});

describe("measuring", () => {
  it("has medians and geometric means", () => {
    assertEquals(median([9, 1, 5]), 5);
    assertEquals(median([9, 1, 5, 7]), 6);
    assert(Math.abs(geometricMean([1, 2, 32]) - 4) < 1e-12);
  });

  it("lets each contender be first in turn", () => {
    assertEquals([0, 1, 2, 3].map((round) => orderOf(round, 3)), [
      [0, 1, 2],
      [1, 2, 0],
      [2, 0, 1],
      [0, 1, 2],
    ]);
  });

  it("calls fast contenders many times in each round, and slow ones in few rounds", () => {
    const plan = { rounds: 20, budget: 1 };
    assertEquals(schedule(1e-5, plan), { calls: 100, rounds: 20 });
    assertEquals(schedule(0.125, plan), { calls: 1, rounds: 8 });
    assertEquals(schedule(10, plan), { calls: 1, rounds: 3 });
    assertEquals(schedule(10, { rounds: 2, budget: 1 }).rounds, 2);
  });

  it("spreads few rounds evenly over many", () => {
    const parts = Array.from({ length: 12 }, (_, round) => takesPart(round, 4, 12));
    assertEquals(parts.filter(Boolean).length, 4);
    assertEquals(parts.slice(0, 3).filter(Boolean).length, 1);
  });

  const runner = (time: Runner["time"]): Runner => ({
    time,
    answer: () => ({ value: 0, grads: [] }),
    dispose() {},
  });

  it("runs every contender in each round, in rotating order", async () => {
    const log: string[] = [];
    const warm = (name: string, perCall: number) => ({
      runner: runner(() => (log.push(name), perCall)),
      perCall,
    });
    const times = await interleave([warm("a", 0.1), warm("b", 0.2)], { rounds: 3, budget: 9 });
    assertEquals(times, [[0.1, 0.1, 0.1], [0.2, 0.2, 0.2]]);
    assertEquals(log.join(""), "ab" + "ba" + "ab");
  });

  it("warms fast contenders up with more calls than slow ones", async () => {
    const calls: number[] = [];
    const speeds = [1e-2, 1e-4, 1e-6]; // falling, as while V8 optimises
    const quick = runner((n) => (calls.push(n), speeds[calls.length - 1] ?? 1e-6));
    assertEquals(await warmUp(quick), 1e-6);
    assertEquals(calls.slice(0, 4), [1, 1, 100, 10000]);
    assertEquals(await warmUp(runner(() => 3)), 3);
  });
});

describe("a profile", () => {
  const tree: [name: string, children?: number[]][] = [
    ["(root)", [1, 2, 8]],
    ["warm up", [3]],
    ["profiled", [4, 5, 6, 7]],
    ["wasm-function[0]"],
    ["wasm-function[0]"],
    ["load", [9]],
    ["unloadColumns"],
    ["valueAndGrad"],
    ["(garbage collector)"],
    ["subarray"],
  ];
  const nodes = tree.map(([functionName, children], id) => (
    { id, callFrame: { functionName, url: "" }, children }
  ));

  it("counts samples below the measured function by their innermost function", () => {
    const samples = [3, 8, 4, 5, 6, 7, 8, 8, 1, 8, 9];
    const timeDeltas = [64, 64, 4, 1, 2, 3, 1, 1, 64, 64, 4];
    const shares = { kernels: 4 / 16, copies: 3 / 16, typescript: 7 / 16, garbage: 2 / 16 };
    assertEquals(sharesOf({ nodes, samples, timeDeltas }), shares);
  });

  it("is refused if it has no such samples", () => {
    assertThrows(
      () => sharesOf({ nodes, samples: [3, 8], timeDeltas: [1, 1] }),
      Error,
      "no sample",
    );
  });
});

const time = (seconds: number, wrong?: string) => ({ seconds, rounds: 3, wrong });
const line = (name: string, times: Line["times"]): Line => (
  { name, part: "speed", size: 8, limit: 5e-4, copies: 25e-5, times }
);
const LINES: Line[] = [
  {
    ...line("A", { ours: time(1e-3), "PyTorch, 1 thread": time(2e-3), "tfjs wasm": time(9e-3) }),
    shares: { kernels: 0.25, copies: 0.5, typescript: 0.125, garbage: 0.125 },
  },
  line("B", {
    ours: time(1e-3),
    "PyTorch, 1 thread": time(8e-3, "3 of 8 gradients"),
    "tfjs cpu": time(1, "value 1 for 2"),
    "jax-js wasm": time(2),
  }),
];

describe("the report", () => {
  it("divides the times of other contenders by ours", () => {
    assertEquals(ratio(LINES[0], "PyTorch, 1 thread"), 2);
    assertEquals(ratio(LINES[0], "jax-js wasm"), undefined);
    assert(Math.abs(meanRatio(LINES, "PyTorch, 1 thread")! - 4) < 1e-12);
    assertEquals(meanRatio(LINES, "nobody"), undefined);
  });

  it("writes times with three digits", () => {
    assertEquals([5e-9, 2.345e-6, 12.34e-3, 1.5].map(duration), [
      "5.00 ns",
      "2.35 µs",
      "12.3 ms",
      "1.50 s",
    ]);
  });

  it("aligns columns", () => {
    assertEquals(align([["name", "x"], ["a", "10"]]), "name   x\na     10");
  });

  it("shows shares of time for rows that were profiled", () => {
    const [head, a, ...rest] = profileTable(LINES).split("\n");
    assertEquals(head.split(/ {2,}/), ["our time", "kernels", "copies", "TypeScript", "garbage"]);
    assertEquals(a.split(/ {2,}/), ["A", "25 %", "50 %", "13 %", "13 %"]);
    assertEquals(rest, []);
  });

  it("marks wrong answers and names them", () => {
    const [, , b] = speedTable(LINES).split("\n");
    assert(b.includes("8.00 ms !  8.00×"), b);
    assertEquals(wrongAnswers(LINES), [
      "PyTorch, 1 thread, B: 3 of 8 gradients wrong",
      "tfjs cpu, B: value 1 for 2 wrong",
    ]);
  });
});

describe("the README's tables", () => {
  it("show the fastest JavaScript peer, preferring those with right results", () => {
    const [a, b] = withBestPeer(LINES);
    assertEquals(a.times["best JavaScript peer"].seconds, 9e-3);
    assertEquals(b.times["best JavaScript peer"].seconds, 2);
    const [onlyWrong] = withBestPeer([line("C", { "tfjs cpu": time(1, "value 1 for 2") })]);
    assertEquals(onlyWrong.times["best JavaScript peer"].wrong, "value 1 for 2");
  });

  it("show ratios, missing times and wrong results", () => {
    const result: Result = {
      machine: "a machine",
      versions: { Deno: "2" },
      lines: LINES,
      limits: {
        bandwidth: 1,
        exp: { float32: 2e-9, float64: 1 },
        log: { float32: 1, float64: 1 },
      },
    };
    const rows = speedMarkdown(result).split("\n");
    assertEquals(rows[2], "| A | 1.00 ms | 500 µs | 250 µs | 25 % | 2.00× | 9.00× | – |");
    assertEquals(rows[3], "| B | 1.00 ms | 500 µs | 250 µs | – | 8.00× ! | 2000× | – |");
    assertEquals(rows[4], "| **geometric mean** |  |  |  |  | **4.00×** | **134×** | **–** |");
    // 9 ms is more than 10 × 0.5 ms, or not.
    assert(rows.some((row) => row.includes("In 0 of 2 rows")), rows.join("\n"));
    assert(rows.some((row) => row.includes("exponential took 2.00 ns")), rows.join("\n"));
    const slow = LINES.map((line) => ({ ...line, copies: 1e-3 }));
    assert(speedMarkdown({ ...result, lines: slow }).includes("In 1 of 2 rows"));
    assert(rows.at(-1)?.startsWith('A "!" marks'), rows.at(-1));
  });

  it("replace the text between their markers only", () => {
    const before = `# A\n${MARKERS.begin}\nold\n${MARKERS.end}\n# B\n`;
    const after = `# A\n${MARKERS.begin}\n\nnew\n\n${MARKERS.end}\n# B\n`;
    assertEquals(between(before, "new"), after);
    assertEquals(between(after, "new"), after);
    assertThrows(() => between("# A\n", "new"), Error, "there is no");
  });
});
