/** The benchmark's arithmetic, tables and inputs. Nothing here depends on how fast a machine is. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { breakEven, type Gain, measureGains } from "./break_even.ts";
import { undisturbed, type Watch, watchOver, withOthers } from "./calm.ts";
import { Loops } from "./ceiling.ts";
import { type Answer, isOurs, type Runner, wrongIn } from "./contender.ts";
import { growthOf } from "./growth.ts";
import { growthPicture } from "./growth_picture.ts";
import { launch } from "../../losses/_core/arena/launch.ts";
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
import { type Memory, peakOfOurs } from "./memory.ts";
import { arena, arenaWith, callOf, loop, ordinary } from "./ours.ts";
import {
  growthMarkdown,
  meansMarkdown,
  speedExcerpt,
  speedMarkdown,
  withBestPeer,
} from "./readme.ts";
import { sharesOf } from "./profile.ts";
import {
  align,
  ceilingText,
  duration,
  gain,
  gainsCells,
  meanGain,
  memoryCells,
  profileTable,
  slowest,
  speedTable,
  wrongAnswers,
} from "./report.ts";
import type { Line, Result } from "./result.ts";
import {
  bytesOf,
  DOUBLE_ROWS,
  GROWING,
  growingRow,
  GROWTH_ROWS,
  inputsOf,
  type Row,
  rowNamed,
  ROWS,
  SUBJECTS,
} from "./rows.ts";
import { Sleepers } from "./sleepers.ts";
import { readProject } from "../checks/files.ts";

describe("the rows of the benchmark", () => {
  for (const [subject, shape] of SUBJECTS) {
    it(`hold ours and the plain loop to the same ${subject.loss}`, async () => {
      const row: Row = { name: "", subject, shape, dtype: "float64" };
      const inputs = inputsOf(row);
      const plain = await (await loop.prepare(row, inputs))!.answer();
      for (const contender of [ordinary, arena]) {
        const runner = await contender.prepare(row, inputs);
        assert(runner, `mod.ts does not export ${subject.loss}`);
        const got = await runner.answer();
        assertEquals(wrongIn(got, plain), undefined);
        assert(Math.abs(got.value - plain.value) <= 1e-9 * Math.abs(plain.value), `${got.value}`);
        await runner.dispose();
      }
      // A gradient that is 0 everywhere would agree with anything that forgot to compute it.
      for (const grad of plain.grads) assert(Array.from(grad).some((x) => x !== 0));
    });
  }

  it("have names of their own, and a float32 row for each in float64", () => {
    const names = [...ROWS, ...DOUBLE_ROWS, ...GROWTH_ROWS].map(({ name }) => name);
    assertEquals(new Set(names).size, names.length);
    for (const { name } of DOUBLE_ROWS) rowNamed(name.replace(/ float64$/, ""));
    assertThrows(() => rowNamed("No such row"), RangeError);
  });

  it("grow from 2^10 to 2^26 elements, with 1,000 classes to 2^24", () => {
    const powers = GROWTH_ROWS.map(({ shape }) => Math.log2(shape.reduce((a, b) => a * b)));
    assertEquals(powers.map(Math.round), [
      ...[10, 12, 14, 16, 18, 20, 22, 24, 26],
      ...[10, 12, 14, 16, 18, 20, 22, 24, 26],
      ...[10, 12, 14, 16, 18, 20, 22, 24],
    ]);
    assertEquals(new Set(GROWTH_ROWS.slice(18).map(({ shape }) => shape[1])), new Set([1000]));
  });

  it("draw the same inputs each time", () => {
    const row = rowNamed("CrossEntropy 8×10");
    assertEquals(inputsOf(row), inputsOf(row));
  });
});

describe("a call of ours", () => {
  const row = growingRow(GROWING[0], 2 ** 19);
  const inputs = inputsOf(row);

  it("has its floats in ordinary arrays, or in the arena until it is disposed of", () => {
    const [usual, first] = [callOf(row, inputs), callOf(row, inputs, "arena")];
    assert(usual.grads.every(({ buffer }) => buffer instanceof ArrayBuffer));
    assert(first.grads.every(({ buffer }) => buffer instanceof SharedArrayBuffer));
    assertEquals(first.run(), usual.run());
    assertEquals(Array.from(first.grads[0]), Array.from(usual.grads[0]));
    const place = first.grads[0].byteOffset;
    const second = callOf(row, inputs, "arena");
    first.dispose();
    const third = callOf(row, inputs, "arena");
    assert(second.grads[0].byteOffset !== place);
    assertEquals(third.grads[0].byteOffset, place);
    for (const { dispose } of [second, third]) dispose();
    assertThrows(second.run, RangeError);
  });

  it("is shared by threads in their turns only", async () => {
    await using sleepers = (await Sleepers.start(2))!;
    assertEquals(launch, undefined);
    const [alone, together] = [arena, arenaWith(sleepers)].map((contender) =>
      contender.prepare(row, inputs) as Runner
    );
    const expected = await alone.answer();
    assertEquals([sleepers.shared, arenaWith(sleepers).name], [0, "arena, 2 threads"]);
    assertEquals(await together.answer(), expected);
    const once = sleepers.shared;
    assert(once > 0);
    await together.time(3);
    assertEquals(sleepers.shared, 4 * once);
    assertThrows(() => sleepers.during(() => decodeURI("%")), URIError);
    assertEquals(launch, undefined);
    await alone.time(1);
    assertEquals(sleepers.shared, 4 * once);
    for (const { dispose } of [alone, together]) dispose();
  });

  it("has no threads to wait for where only one can run", async () => {
    assertEquals(await Sleepers.start(1), undefined);
  });

  it("needs little memory beside its inputs and outputs", async () => {
    const [usual, place] = [
      await peakOfOurs("ordinary", "MSE 2^20"),
      await peakOfOurs("arena", "MSE 2^20"),
    ];
    const isKnown = Deno.build.os === "linux";
    for (const bytes of [usual, place]) assertEquals(bytes > 0 && bytes < 2 ** 26, isKnown);
  });
});

describe("the ceiling", () => {
  it("is measured by independent loops, alone and together", async () => {
    await using loops = await Loops.start(2);
    await loops.round(0.001);
    const { threads, ...gains } = loops.ceiling;
    assertEquals(threads, 2);
    assertEquals(Object.keys(gains), ["compute", "cache", "memory"]);
    for (const gain of Object.values(gains)) assert(gain > 0 && gain < Infinity, `${gain}`);
  });

  it("is told in words", () => {
    const ceiling = { threads: 4, compute: 3.5, cache: 2, memory: 1.25 };
    assertEquals(
      ceilingText(ceiling),
      "4 independent loops together are 3.50× as fast as one alone where they compute exponentials, " +
        "2.00× where they copy 4 MiB and 1.25× where they copy 64 MiB",
    );
  });
});

describe("a calm machine", () => {
  /** A machine on which others use so many CPUs, one after the other, while something is measured; naps are calm from some on. */
  function machine(others: number[], naps: number[]) {
    let [clock, busy, own] = [100, 500, 50];
    const log: string[] = [];
    const pass = (seconds: number, used: number, computed: number) => {
      clock += seconds;
      own += computed;
      busy += used * seconds + computed;
    };
    const watch: Watch = {
      busy: () => busy,
      own: () => own,
      now: () => clock,
      sleep: (milliseconds) => {
        if (milliseconds < 1000) log.push("look");
        pass(milliseconds / 1000, milliseconds < 1000 ? naps.shift() ?? 0 : 2, 0);
        return Promise.resolve();
      },
    };
    const measure = () => {
      log.push("measure");
      pass(10, others[0], 15);
      return Promise.resolve(others.shift());
    };
    return { watch, measure, log };
  }

  it("tells what others use beside the own programs", async () => {
    const { watch, measure } = machine([0.5], []);
    const { others } = await withOthers(watch, measure);
    assert(Math.abs(others - 0.5) < 1e-9, `${others}`);
  });

  it("is waited for, and what was disturbed is measured again", async () => {
    const { watch, measure, log } = machine([0.5, 0.05, 0], [1, 1, 0, 1]);
    const patience = { seconds: 100 };
    const { result, others } = await undisturbed(watch, patience, measure);
    assertEquals([result, Math.round(100 * others)], [0.05, 5]);
    assertEquals(log.join(" "), "look look look measure look look measure");
    // Five looks, three naps and the second measurement.
    assertEquals(patience.seconds, 100 - 5 * 0.25 - 3 * 2 - 10);
  });

  it("is not waited for without end, and the calmest attempt counts", async () => {
    const busy = Array(1000).fill(1);
    const patient = machine([0.5, 0.25, 0.75, 0], []);
    const { result } = await undisturbed(patient.watch, { seconds: 1000 }, patient.measure);
    assertEquals([result, patient.log.join(" ")], [0.25, Array(3).fill("look measure").join(" ")]);
    const hasty = machine([0.5, 0], busy);
    const first = await undisturbed(hasty.watch, { seconds: 5 }, hasty.measure);
    assertEquals([first.result, hasty.log.join(" ")], [0.5, "look look look measure"]);
  });

  it("can be told here", async () => {
    const watch = watchOver(() => Promise.resolve(0));
    const [before, own] = [watch.busy(), await watch.own()];
    const end = watch.now() + 10;
    while (await watch.own() - own < 0.1) assert(watch.now() < end, "what is computed here is own");
    assert(watch.busy() - before > 0.05, "and is part of all");
  });
});

describe("the break-even of threads", () => {
  const at = (power: number, isShared: boolean, busy: number, parked: number): Gain => (
    { loss: "MSE", size: 2 ** power, isShared, busy, parked }
  );
  const gains = [
    at(14, false, 1.01, 1),
    at(15, true, 1.2, 0.5),
    at(17, true, 1.5, 0.9),
    at(16, true, 0.9, 1.1),
    at(18, true, 1.6, 1.2),
  ];

  it("is the size from which on they gain at every size", () => {
    assertEquals(breakEven(gains, "MSE", "busy"), 2 ** 17);
    assertEquals(breakEven(gains, "MSE", "parked"), 2 ** 18);
    assertEquals(breakEven(gains.slice(0, 2), "MSE", "busy"), 2 ** 15);
    assertEquals(breakEven(gains.slice(0, 1), "MSE", "busy"), undefined);
    assertEquals(breakEven(gains, "BCE", "busy"), undefined);
  });

  it("is the last line of the table", () => {
    assertEquals(gainsCells(gains.slice(0, 2)), [
      ["elements", "MSE, busy", "MSE, parked"],
      ["2^14", "–", "–"],
      ["2^15", "1.20×", "0.50×"],
      ["they gain from", "2^15", "–"],
    ]);
  });

  it("is measured call after call and after pauses", async () => {
    await using sleepers = (await Sleepers.start(2))!;
    const measured = await measureGains(
      sleepers,
      { rounds: 1, budget: 0.01 },
      (measure) => measure(),
      [10, 19],
    );
    const shared = measured.map(({ loss, size, isShared }) => [loss, size, isShared]);
    assertEquals(shared, [
      ["MSE", 2 ** 10, false],
      ["MSE", 2 ** 19, true],
      ["BCEWithLogits", 2 ** 10, false],
      ["BCEWithLogits", 2 ** 19, true],
      ["CrossEntropy", 1000, false],
      ["CrossEntropy", 524000, true],
    ]);
    for (const { busy, parked } of measured) assert(busy > 0 && parked > 0);
  });
});

describe("the limit of a row", () => {
  const limits: Limits = {
    bandwidth: [{ bytes: 512, perSecond: 200 }, { bytes: 4096, perSecond: 100 }],
    exp: { float32: 2, float64: 5 },
    log: { float32: 3, float64: 7 },
  };
  const row = rowNamed("CrossEntropy 8×10");

  it("counts the bytes of arguments and gradients", () => {
    assertEquals(bytesOf(row, inputsOf(row)), 80 * 4 + 8 * 4 + 80 * 4);
  });

  it("copies all gradients, and nothing into the arguments", () => {
    const row = rowNamed("MarginRanking 2^20");
    const inputs = inputsOf({ ...row, shape: [3 * TILE - 5] });
    const before = Object.values(inputs).map(({ data }) => data.slice());
    const runner = copies({ ...row, shape: [3 * TILE - 5] }, inputs);
    const { grads } = runner.answer() as Answer;
    grads.forEach((grad) => (grad as Float32Array).fill(7));
    runner.time(1);
    // The tile that is copied out is the one that the last argument was copied into.
    const last = before[before.length - 1];
    for (const grad of grads) {
      for (let i = 0; i < grad.length; i++) assertEquals(grad[i], last[i], `${i}`);
    }
    assertEquals(Object.values(inputs).map(({ data }) => data), before);
  });

  it("is the larger of traffic and arithmetic", () => {
    assertEquals(limitOf(row, 672, limits), 80 * 2);
    assertEquals(limitOf(row, 67200, limits), 672);
    // What fits into a cache is read at its speed.
    assertEquals(limitOf(row, 4000 * 10, { ...limits, exp: { float32: 0, float64: 0 } }), 400);
    assertEquals(limitOf(row, 4000, { ...limits, exp: { float32: 0, float64: 0 } }), 20);
    assertEquals(limitOf(row, 100, { ...limits, exp: { float32: 0, float64: 0 } }), 0.5);
    assertEquals(limitOf({ ...row, dtype: "float64" }, 0, limits), 80 * 5);
  });
});

describe("an answer", () => {
  const right: Answer = { value: 2, grads: [[1, -4, 0], [8]] };

  it("is right within a thousandth of the largest number of each gradient", () => {
    assertEquals(wrongIn({ value: 2.001, grads: [[1.003, -4, 0.003], [8]] }, right), undefined);
  });

  it("is wrong if its value is, or shows how many gradients are", () => {
    assertEquals(wrongIn({ ...right, value: 2.1 }, right), "value 2.1 for 2");
    assertEquals(wrongIn({ ...right, value: NaN }, right), "value NaN for 2");
    assertEquals(wrongIn({ value: 2, grads: [[1, 4, NaN], [8]] }, right), "2 of 4 gradients");
  });
});

describe("measuring", () => {
  it("takes medians and geometric means", () => {
    assertEquals(median([9, 1, 5]), 5);
    assertEquals(median([9, 1, 5, 7]), 6);
    assert(Math.abs(geometricMean([1, 2, 32]) - 4) < 1e-12);
  });

  it("lets each be first in turn", () => {
    assertEquals([0, 1, 2, 3].map((round) => orderOf(round, 3)), [
      [0, 1, 2],
      [1, 2, 0],
      [2, 0, 1],
      [0, 1, 2],
    ]);
  });

  it("calls what is quick many times, and what is slow in few rounds", () => {
    const plan = { rounds: 20, budget: 1 };
    assertEquals(schedule(1e-5, plan), { calls: 500, rounds: 20 });
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

  it("runs everyone in each round, rotating", async () => {
    const log: string[] = [];
    const warm = (name: string, perCall: number) => ({
      runner: runner(() => (log.push(name), perCall)),
      perCall,
    });
    const times = await interleave([warm("a", 0.1), warm("b", 0.2)], { rounds: 3, budget: 9 });
    assertEquals(times, [[0.1, 0.1, 0.1], [0.2, 0.2, 0.2]]);
    assertEquals(log.join(""), "ab" + "ba" + "ab");
  });

  it("warms up what is quick for longer than what is slow", async () => {
    const calls: number[] = [];
    const speeds = [1e-2, 1e-4, 1e-6]; // as an engine compiles it
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

  it("counts what was sampled below the measured function, by the innermost one", () => {
    const samples = [3, 8, 4, 5, 6, 7, 8, 8, 1, 8, 9];
    const timeDeltas = [64, 64, 4, 1, 2, 3, 1, 1, 64, 64, 4];
    const shares = { kernels: 4 / 16, copies: 3 / 16, typescript: 7 / 16, garbage: 2 / 16 };
    assertEquals(sharesOf({ nodes, samples, timeDeltas }), shares);
  });

  it("without such samples is refused", () => {
    assertThrows(
      () => sharesOf({ nodes, samples: [3, 8], timeDeltas: [1, 1] }),
      Error,
      "no sample",
    );
  });
});

const time = (seconds: number, wrong?: string) => ({ seconds, rounds: 3, wrong });
const line = (name: string, times: Line["times"]): Line => (
  { name, part: "speed", size: 8, limit: 5e-4, copies: 25e-5, others: 0.01, times }
);
const LINES: Line[] = [
  {
    ...line("A", {
      "ordinary": time(1e-3),
      "arena": time(5e-4),
      "PyTorch, 1 thread": time(2e-3),
      "tfjs wasm": time(9e-3),
    }),
    shares: { kernels: 0.25, copies: 0.5, typescript: 0.125, garbage: 0.125 },
  },
  {
    ...line("B", {
      "ordinary": time(1e-3),
      "arena": time(1e-3),
      "PyTorch, 1 thread": time(8e-3, "3 of 8 gradients"),
      "tfjs cpu": time(1, "value 1 for 2"),
      "jax-js wasm": time(2),
    }),
    others: 0.25,
  },
];

describe("the report", () => {
  it("divides the others' times by ours", () => {
    const [ours, theirs] = ["ordinary", "PyTorch, 1 thread"];
    assertEquals(gain(LINES[0], ours, theirs), 2);
    assertEquals(gain(LINES[0], theirs, "arena"), 0.25);
    assertEquals(gain(LINES[0], ours, "jax-js wasm"), undefined);
    assert(Math.abs(meanGain(LINES, ours, theirs)! - 4) < 1e-12);
    assertEquals(meanGain(LINES, ours, "nobody"), undefined);
    assertEquals(slowest(LINES, ours, theirs), { name: "A", gain: 2 });
    assertEquals(slowest(LINES.toReversed(), ours, theirs), { name: "A", gain: 2 });
    assertEquals(slowest(LINES, ours, "nobody"), undefined);
  });

  it("knows what is ours", () => {
    const names = ["ordinary", "arena", "arena, 2 threads", "PyTorch, 2 threads", "plain loop"];
    assertEquals(names.filter(isOurs), names.slice(0, 3));
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

  it("shows where time goes, of rows that were profiled", () => {
    const [head, a, ...rest] = profileTable(LINES).split("\n");
    assertEquals(head.split(/ {2,}/), ["our time", "kernels", "copies", "TypeScript", "garbage"]);
    assertEquals(a.split(/ {2,}/), ["A", "25 %", "50 %", "13 %", "13 %"]);
    assertEquals(rest, []);
  });

  it("shows our times, and the others' beside those with ordinary arrays", () => {
    const [head, a] = speedTable(LINES).split("\n").map((row) => row.split(/ {2,}/));
    assertEquals(head.slice(0, 6), [
      "value + gradient",
      "ordinary",
      "arena",
      "limit",
      "copies",
      "PyTorch, 1 thread",
    ]);
    assertEquals(a.slice(0, 7), ["A", "1.00 ms", "500 µs", "500 µs", "250 µs", "2.00 ms", "2.00×"]);
  });

  it("marks wrong answers and names them", () => {
    const [, , b] = speedTable(LINES).split("\n");
    assert(b.includes("8.00 ms !  8.00×"), b);
    assertEquals(wrongAnswers(LINES), [
      "PyTorch, 1 thread, B: 3 of 8 gradients wrong",
      "tfjs cpu, B: value 1 for 2 wrong",
    ]);
  });

  it("shows memory beside inputs and outputs", () => {
    const memory: Memory[] = [
      { row: "A", given: 2 ** 22, peaks: { ordinary: 2 ** 20, PyTorch: 3 * 2 ** 20 } },
      { row: "B", given: 2 ** 27, peaks: { ordinary: 0 } },
    ];
    assertEquals(memoryCells(memory), [
      ["peak memory", "inputs and outputs", "ordinary, beside them", "PyTorch, beside them"],
      ["A", "4.00 MiB", "1.00 MiB", "3.00 MiB"],
      ["B", "128 MiB", "0.00 MiB", "–"],
    ]);
  });
});

const RESULT: Result = {
  machine: "a machine",
  versions: { Deno: "2" },
  isQuick: false,
  lines: LINES,
  limits: {
    bandwidth: [],
    exp: { float32: 2e-9, float64: 1 },
    log: { float32: 1, float64: 1 },
  },
  ceiling: { threads: 2, compute: 1.9, cache: 1.8, memory: 1.1 },
};

describe("the tables in Markdown", () => {
  it("take the fastest JavaScript peer, right ones first", () => {
    const [a, b] = withBestPeer(LINES);
    assertEquals(a.times["best JavaScript peer"].seconds, 9e-3);
    assertEquals(b.times["best JavaScript peer"].seconds, 2);
    const [onlyWrong] = withBestPeer([line("C", { "tfjs cpu": time(1, "value 1 for 2") })]);
    assertEquals(onlyWrong.times["best JavaScript peer"].wrong, "value 1 for 2");
  });

  it("show how many times as fast as PyTorch everyone is, what is missing and what is wrong", () => {
    const rows = speedMarkdown(RESULT).split("\n");
    assertEquals(
      rows[0],
      "| value + gradient, float32 | PyTorch, 1 thread | ordinary | arena | best JavaScript peer | plain loop | limit |",
    );
    assertEquals(rows[2], "| A | 2.00 ms | 2.00× | 4.00× | 0.22× | – | 4.00× |");
    assertEquals(rows[3], "| B | 8.00 ms ! | 8.00× | 8.00× | 0.00× | – | 16.0× |");
    assertEquals(
      rows[4],
      "| **geometric mean** |  | **4.00×** | **5.66×** | **0.03×** | **–** |  |",
    );
    assert(rows.some((row) => row.includes("exponential took 2.00 ns")), rows.join("\n"));
    assert(rows.some((row) => row.includes(ceilingText(RESULT.ceiling))), rows.join("\n"));
    const others = "in 1 of 2 rows other programs used 0.1 CPUs or more meanwhile (at most 0.25)";
    assert(rows.some((row) => row.includes(others)), rows.join("\n"));
    assert(rows.at(-1)?.startsWith('A "!" marks'), rows.at(-1));
  });

  it("show the means of each way to use this library, and its slowest row", () => {
    assertEquals(meansMarkdown(RESULT).split("\n"), [
      "| how many times as fast | PyTorch, 1 thread | best JavaScript peer | slowest beside PyTorch, 1 thread |",
      "| --- | --: | --: | --: |",
      "| ordinary | 4.00× | 134× | 2.00× (A) |",
      "| arena | 5.66× | 190× | 4.00× (A) |",
    ]);
  });

  it("show a few rows in the project's README, without the other columns", () => {
    const whole = `<!-- speed: begin -->
| row | PyTorch, 1 thread | arena | plain loop | limit | PyTorch, 2 threads |
| --- | --: | --: | --: | --: | --: |
| A | 1 ms | 2× | 3× | 4× | 5× |
| B | 6 ms | 7× | 8× | 9× | 10× |
| **geometric mean** |  | **6×** | **7×** |  | **8×** |

Medians | of one run.
<!-- speed: end -->`;
    assertEquals(speedExcerpt(whole, ["B"]).split("\n"), [
      "| row | arena | PyTorch, 2 threads |",
      "| --- | --: | --: |",
      "| B | 7× | 10× |",
      "| **geometric mean, all rows** | **6×** | **8×** |",
    ]);
    assertThrows(() => speedExcerpt(whole, ["C"]), Error, 'has no row "C"');
  });

  it("say of a quick run that it is provisional, in both files", () => {
    const [whole, quick] = [false, true].map((isQuick) =>
      `<!-- speed: begin -->\n${speedMarkdown({ ...RESULT, isQuick })}\n<!-- speed: end -->`
    );
    assert(whole.includes("Medians of one run on"), whole);
    assert(quick.includes("Medians of one quick run (provisional"), quick);
    assert(!speedExcerpt(whole, ["A"]).includes("provisional"));
    const excerpt = speedExcerpt(quick, ["A"]);
    assert(excerpt.includes("all rows (provisional)**"));
  });
});

describe("growth with size", () => {
  const growing = (name: string, size: number, times: Line["times"]): Line => (
    { ...line(name, times), part: "growth", size }
  );
  const growth = growthOf({
    ...RESULT,
    lines: [
      ...LINES,
      growing("MSE 2^12 (growth)", 2 ** 12, {
        "ordinary": time(4e-6),
        "PyTorch, 2 threads": time(4e-4),
      }),
      growing("MSE 2^10 (growth)", 2 ** 10, {
        "ordinary": time(1e-6),
        "PyTorch, 2 threads": time(1e-3),
        "plain loop": time(1),
      }),
      growing("L1 2^10 (growth)", 2 ** 10, { "arena": time(2e-6), "plain loop": time(1) }),
    ],
  });

  it("is told by loss and contender, from small to large", () => {
    assertEquals(growth.losses, [
      {
        loss: "MSE",
        sizes: [2 ** 10, 2 ** 12],
        seconds: { "ordinary": [1e-6, 4e-6], "PyTorch, 2 threads": [1e-3, 4e-4] },
      },
      { loss: "L1", sizes: [2 ** 10], seconds: { "arena": [2e-6], "plain loop": [1] } },
    ]);
  });

  it("is drawn with one curve for each contender, slower ones higher, several threads dashed", () => {
    const picture = growthPicture(growth);
    const curves = [...picture.matchAll(/<path class="line ([a-z ]+)" d="M([\d. L]+)"/g)]
      .map(([, kind, points]) => [kind, points.split("L").map((p) => Number(p.split(" ")[1]))]);
    const [usual, pytorch, single] = curves;
    assertEquals(curves.map(([kind]) => kind), ["ordinary", "pytorch threads", "arena"]);
    assertEquals(usual[1][0], usual[1][1], "the same time per element is at the same height");
    assert(pytorch[1][0] < pytorch[1][1], "y grows downwards");
    assert(pytorch[1][1] < usual[1][1] && single[1][0] < usual[1][0]);
    for (const name of ["MSE", "L1", "ordinary", "PyTorch, 2 threads", "1 ns", "1 µs", "2¹⁰"]) {
      assert(picture.includes(`>${name}</text>`), name);
    }
    assert(picture.includes("prefers-color-scheme: dark"));
  });

  it("is shown with its losses and sizes in words", () => {
    const shown = growthMarkdown(growth);
    assert(shown.endsWith("MSE up to 2^12, L1 up to 2^10](growth.svg)"), shown);
  });

  it("is stored beside the README as numbers and as the picture of these numbers", () => {
    const stored = JSON.parse(readProject("tests/bench/growth.json"));
    assertEquals(readProject("tests/bench/growth.svg"), growthPicture(stored));
    assert(readProject("tests/bench/README.md").includes("](growth.svg)"));
  });
});
