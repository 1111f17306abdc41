/** Threads: what they are asked for, how they end, what happens when one fails, and that nobody reads a job that is being written. */
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import {
  BCEWithLogitsLoss,
  CrossEntropyLoss,
  CTCLoss,
  empty,
  int32,
  MSELoss,
  Tensor,
  type TensorLike,
  useThreads,
} from "@lossbook/losses";
import { align, gather } from "../../losses/_core/arena/alignments.ts";
import { MOST_OPERANDS, MOST_STEPS, PLACES } from "../../losses/_core/arena/job.ts";
import {
  beginColumns,
  finishColumns,
  finishRows,
  labelColumns,
  labelRows,
} from "../../losses/_core/arena/labels.ts";
import {
  type ArenaKernel,
  launch,
  launchWith,
  leastShared,
} from "../../losses/_core/arena/launch.ts";
import { Arena } from "../../losses/_core/arena/memory.ts";
import { Pool } from "../../losses/_core/arena/threads.ts";
import { claimChunks, serve } from "../../losses/_core/arena/worker.ts";
import { startWorker } from "../../losses/_core/arena/workers.ts";
import { useArenaAlways } from "../_arena.ts";
import { call } from "../_loss.ts";
import { inFolder, isInstalled, run } from "../_package.ts";
import { PROJECT } from "../checks/files.ts";

const MOD = new URL("mod.ts", PROJECT).href;

/** A module whose function does nothing, or runs into an instruction that always fails. */
function moduleThat(fails: boolean): Uint8Array {
  const type = [1, 6, 1, 0x60, 2, 0x7f, 0x7f, 0];
  const memory = [2, 11, 1, 1, 0x6d, 1, 0x6d, 2, 3, 1, 0x80, 0x80, 4];
  const body = fails ? [0, 0x00, 0x0b] : [0, 0x0b];
  return Uint8Array.from([
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, ...type, ...memory, 3, 2, 1, 0, 7, 5, 1, 1, 0x66, 0, 0],
    ...[10, 2 + body.length, 1, body.length, ...body],
  ]);
}

/** What a worker is given besides memory. */
const PLAIN = { places: PLACES, patience: 0 };

const pause = (milliseconds: number) => {
  const end = performance.now() + milliseconds;
  while (performance.now() < end);
};

/** Runs a kernel on all threads: rows of one element, with a table of no operands. */
function launchRows(kernel: ArenaKernel, module: Uint8Array, rows: number): boolean {
  return launch!(
    [{ kernel, module }],
    new Int32Array(1),
    new Int32Array(0),
    rows,
    2 ** 20,
    undefined,
    Infinity,
  );
}

/** The other runtimes of this machine. */
const RUNTIMES = new Set<string>();
for (const name of ["node", "bun"]) if (await isInstalled(name)) RUNTIMES.add(name);

describe("useThreads", () => {
  it("takes a number from 1 to 128", async () => {
    for (const count of [0, -1, 1.5, NaN, 129, "2" as never, null as never]) {
      await assertRejects(() => useThreads(count), RangeError, "a whole number from 1 to 128");
    }
    for (const count of [1, 2, 5]) {
      await using threads = await useThreads(count);
      assertEquals(threads.count, count);
    }
    await using threads = await useThreads();
    assertEquals(threads.count, navigator.hardwareConcurrency);
  });

  it("takes no number that it refuses where more than 128 could run", async () => {
    Object.defineProperty(navigator, "hardwareConcurrency", { value: 192, configurable: true });
    try {
      await using _threads = await useThreads(1);
      await assertRejects(() => useThreads(), Error, "in use already");
    } finally {
      delete (navigator as { hardwareConcurrency?: number }).hardwareConcurrency;
    }
  });

  it("is refused while threads are in use, and works again after they were disposed of", async () => {
    {
      await using _threads = await useThreads(2);
      await assertRejects(() => useThreads(2), Error, "in use already");
      await assertRejects(() => useThreads(1), Error, "in use already");
    }
    const threads = await useThreads(2);
    await threads[Symbol.asyncDispose]();
    await threads[Symbol.asyncDispose]();
    await using _again = await useThreads(2);
  });

  it("gives its memory back once, also if it is disposed of twice at the same time", async () => {
    using x = empty([100]);
    const threads = await useThreads(2);
    using y = empty([100]);
    await Promise.all([threads[Symbol.asyncDispose](), threads[Symbol.asyncDispose]()]);
    assertEquals(new MSELoss().forward(x.data.fill(1), y.data.fill(1)).item(), 0);
  });

  it("leaves losses as they were when its threads are gone", async () => {
    using x = empty([2 ** 18]);
    x.data.fill(2);
    const threads = await useThreads(2);
    await threads[Symbol.asyncDispose]();
    assertEquals(launch, undefined);
    assertEquals(new MSELoss().forward(x, 1).item(), 1);
  });

  it("gives every block of its memory back", async () => {
    const arena = Arena.open()!;
    const before = arena.take(64)!;
    arena.free(before);
    for (let k = 0; k < 3; k++) {
      await using _threads = await useThreads(3);
      const restore = useArenaAlways();
      using x = empty([3000]);
      new MSELoss().forward(x.data.fill(0), x);
      restore();
    }
    const after = arena.take(64)!;
    arena.free(after);
    assert(after.start - before.start < 2 ** 20);
  });

  it("does not change the result of thousands of calls", async () => {
    await using _threads = await useThreads(4);
    const [bce, mse] = [new BCEWithLogitsLoss(), new MSELoss()];
    using x = empty([2 ** 17 + 13]);
    using y = empty([2 ** 17 + 13]);
    using g = empty([2 ** 17 + 13]);
    x.data.forEach((_, i) => x.data[i] = Math.sin(i));
    y.data.forEach((_, i) => y.data[i] = (i % 7) / 6);
    const wanted = [bce, mse].map((loss) => {
      const args = {
        input: new Tensor(x.data.slice(), x.shape),
        target: new Tensor(y.data.slice(), y.shape),
      };
      const { value, grad } = call(loss, args);
      return { value: value.item(), grad: grad.input.data };
    });
    for (let k = 0; k < 2000; k++) {
      const which = k % 3 === 0 ? 0 : 1;
      const { value } = call([bce, mse][which], { input: x, target: y }, { out: { input: g } });
      assertEquals(value.item(), wanted[which].value);
      for (let i = k % 1000; i < g.data.length; i += 1000) {
        if (g.data[i] !== wanted[which].grad[i]) throw new Error(`call ${k}: gradient ${i}`);
      }
    }
  });
});

describe("a job", () => {
  it("is divided into chunks, each of which is computed once", async () => {
    await using _threads = await useThreads(4);
    for (const rows of [1, 2, 3, 100]) {
      let own = 0;
      assert(launchRows((count) => void (own += count), moduleThat(false), rows));
      assert(own <= rows, `${own} of ${rows} rows`);
    }
  });

  it("that nobody else takes part in is computed by the caller alone", () => {
    const words = new Int32Array(new SharedArrayBuffer(4 * PLACES.JOB_WORDS));
    words[PLACES.SHARED] = 10;
    words[PLACES.CHUNK] = 3;
    words[PLACES.PARTS] = 1;
    const chunks: number[] = [];
    claimChunks(
      words,
      new Int32Array(PLACES.TABLE_WORDS),
      [(rows) => void chunks.push(rows)],
      PLACES,
    );
    assertEquals(chunks, [3, 3, 3, 1]);
  });

  it("has its chunks claimed from one part after the other", () => {
    const words = new Int32Array(new SharedArrayBuffer(4 * PLACES.JOB_WORDS));
    words.set([1, 0, 0, 0], PLACES.TABLE);
    words[PLACES.OPERANDS] = words[PLACES.DISTANCES] = 1;
    const table = new Int32Array(PLACES.TABLE_WORDS);
    const chunksOf = (shared: number, chunk: number, parts: number) => {
      words[PLACES.NEXT] = 0;
      words[PLACES.SHARED] = shared;
      words[PLACES.CHUNK] = chunk;
      words[PLACES.PARTS] = parts;
      const chunks: [first: number, count: number][] = [];
      claimChunks(words, table, [(count) => void chunks.push([table[1], count])], PLACES);
      return chunks;
    };
    const halves = [[0, 3], [9, 3], [3, 3], [12, 3], [6, 3], [15, 2]];
    assertEquals<unknown>(chunksOf(17, 3, 2), halves);
    // Whatever the numbers, each row is in one chunk.
    for (const shared of [0, 1, 2, 5, 12, 13]) {
      for (const chunk of [1, 2, 5]) {
        for (const parts of [1, 2, 3, 8]) {
          const rows = chunksOf(shared, chunk, parts).flatMap(([first, count]) =>
            Array.from({ length: count }, (_, i) => first + i)
          );
          assertEquals(rows.sort((a, b) => a - b), Array.from({ length: shared }, (_, i) => i));
        }
      }
    }
  });

  it("runs all its kernels for a chunk before the next chunk", () => {
    const words = new Int32Array(new SharedArrayBuffer(4 * PLACES.JOB_WORDS));
    words[PLACES.SHARED] = 5;
    words[PLACES.CHUNK] = 3;
    words[PLACES.PARTS] = 1;
    words[PLACES.OPERANDS] = 1;
    words.set([5, 1000, 0], PLACES.TABLE);
    words[PLACES.DISTANCES] = 4;
    const table = new Int32Array(PLACES.TABLE_WORDS);
    const calls: [kernel: string, rows: number, table: number[]][] = [];
    const kernels = ["a", "b"].map((name): ArenaKernel => (rows) =>
      void calls.push([name, rows, [...table.subarray(0, 3)]])
    );
    claimChunks(words, table, kernels, PLACES);
    // The table: columns, where the operand begins, and how far its rows lie apart beyond the length of a row.
    const rows = [["a", 3, [5, 1000, 0]], ["b", 3, [5, 1000, 0]], ["a", 2, [5, 1012, 0]], ["b", 2, [
      5,
      1012,
      0,
    ]]];
    assertEquals<unknown>(calls, rows);

    // The same with columns that are shared: each kernel has as many rows as it says.
    calls.length = words[PLACES.NEXT] = 0;
    words[PLACES.BY_COLUMNS] = 1;
    words[PLACES.STEPS + PLACES.HEIGHT] = 7;
    words[PLACES.STEPS + PLACES.STEP_WORDS + PLACES.HEIGHT] = 1;
    claimChunks(words, table, kernels, PLACES);
    const columns = [["a", 7, [3, 1000, 8]], ["b", 1, [3, 1000, 8]], ["a", 7, [2, 1012, 12]], [
      "b",
      1,
      [2, 1012, 12],
    ]];
    assertEquals<unknown>(calls, columns);
  });

  it("is not left before every worker has finished", async () => {
    const arena = Arena.open()!;
    const pool = await Pool.start(arena, 0);
    const { words } = pool;
    const worker = new Worker(
      `data:text/javascript,onmessage = ({ data: { memory, at, wait } }) => {
        const words = new Int32Array(memory.buffer, at, ${PLACES.JOB_WORDS});
        Atomics.add(words, ${PLACES.ACTIVE}, 1);
        postMessage("active");
        Atomics.wait(words, ${PLACES.JOB_WORDS - 1}, 0, wait);
        Atomics.sub(words, ${PLACES.ACTIVE}, 1);
        Atomics.notify(words, ${PLACES.ACTIVE});
      }`,
      { type: "module" },
    );
    const active = new Promise((resolve) => worker.onmessage = resolve);
    worker.postMessage({ memory: arena.memory, at: words.byteOffset, wait: 200 });
    await active;
    const start = performance.now();
    assert(launchRows(() => {}, moduleThat(false), 4));
    const waited = performance.now() - start;
    // Whoever becomes active now finds it closed.
    assertEquals(Atomics.load(words, PLACES.OPEN), 0);
    worker.terminate();
    await pool.end();
    assert(waited > 150, `left after ${waited} ms`);
  });

  it("that a worker cannot finish throws, and later calls work without workers", async () => {
    await using _threads = await useThreads(2);
    const failing = moduleThat(true);
    const slow: ArenaKernel = () => pause(2);
    assertThrows(
      () => {
        for (let k = 0; k < 200; k++) launchRows(slow, failing, 8);
      },
      Error,
      "a thread failed",
    );
    assertEquals(launchRows(slow, failing, 1), false);
    using x = empty([2 ** 18]);
    x.data.fill(2);
    assertEquals(new MSELoss().forward(x, x).item(), 0);
  });

  it("whose kernel kills a worker is finished by the others", async () => {
    await using _threads = await useThreads(2);
    const noModule = Uint8Array.from([1, 2, 3]);
    let rows = 0;
    for (let k = 0; k < 50; k++) {
      assert(launchRows((count) => (pause(1), void (rows += count)), noModule, 4));
    }
    assertEquals(rows, 200);
    using x = empty([2 ** 18]);
    x.data.fill(2);
    assertEquals(new MSELoss().forward(x, x).item(), 0);
  });

  it("is not written before workers have left the last one, however that ended", async () => {
    const arena = Arena.open()!;
    const pool = await Pool.start(arena, 0);
    const { words } = pool;
    const module = moduleThat(false);
    /** Throws, and lets nothing that follows wait for the worker that has not finished. */
    const { now } = performance;
    const overflow = () => {
      Atomics.store(words, PLACES.ACTIVE, 1);
      performance.now = () => {
        throw new RangeError("Maximum call stack size exceeded");
      };
      throw new Error("on purpose");
    };
    try {
      assertThrows(() => launchRows(overflow, module, 4), RangeError);
    } finally {
      performance.now = now;
    }
    // The worker finishes while the next call waits for it.
    const found: (number | undefined)[] = [];
    performance.now = () => {
      found.push(words[PLACES.SHARED]);
      Atomics.store(words, PLACES.ACTIVE, 0);
      return now.call(performance);
    };
    try {
      assert(launchRows(() => {}, module, 5));
    } finally {
      performance.now = now;
    }
    assertEquals([found[0], words[PLACES.SHARED], words[PLACES.OPEN]], [4, 5, 0]);
    await pool.end();
  });

  it("reaches a worker that has not noticed that the memory has grown", () => {
    const memory = new WebAssembly.Memory({ initial: 1, maximum: 65536, shared: true });
    const old = memory.buffer;
    const module = moduleThat(false);
    memory.grow(1);
    const grown = memory.buffer;
    new Uint8Array(grown, 65536).set(module);
    let hasNoticed = false;
    let reads = 0;
    Object.defineProperty(memory, "buffer", {
      get() {
        // Every look is a new job, and after some the worker is to end.
        if (reads > 1) Atomics.add(words, PLACES.JOB, 1);
        if (++reads > 20) Atomics.store(words, PLACES.STOP, 1);
        return hasNoticed ? grown : old;
      },
    });
    memory.grow = () => (hasNoticed = true, 2);
    const words = new Int32Array(old, 0, PLACES.JOB_WORDS);
    words[PLACES.JOB] = words[PLACES.OPEN] = 1;
    words[PLACES.PAGES] = 2;
    words[PLACES.COUNT] = 1;
    words[PLACES.STEPS + PLACES.MODULE] = 65536;
    words[PLACES.STEPS + PLACES.MODULE_BYTES] = module.length;
    let jobs = 0;
    const task = { memory, job: 0, table: 4 * PLACES.JOB_WORDS, ...PLAIN };
    const claim = () => {
      jobs++;
      Atomics.store(words, PLACES.STOP, 1);
      Atomics.add(words, PLACES.JOB, 1);
    };
    serve(task, claim, [], () => {});
    assertEquals([jobs, words[PLACES.FAILED]], [1, 0]);
  });

  it("wakes workers only if there is enough to do", async () => {
    const arena = Arena.open()!;
    const pool = await Pool.start(arena, 2);
    const { words } = pool;
    const module = moduleThat(false);
    const share = (work: number) =>
      launch!(
        [{ kernel: () => {}, module }],
        new Int32Array(1),
        new Int32Array(0),
        8,
        1,
        undefined,
        work,
      );
    const fallAsleep = () => {
      while (Atomics.load(words, PLACES.ASLEEP) < 2) pause(1);
    };
    fallAsleep();
    const jobs = words[PLACES.JOB];
    assertEquals([share(6 * leastShared - 1), words[PLACES.JOB]], [false, jobs]);
    assertEquals([share(6 * leastShared), words[PLACES.JOB]], [true, jobs + 1]);
    fallAsleep();
    // One of them is awake.
    Atomics.store(words, PLACES.ASLEEP, 1);
    assertEquals(share(leastShared), true);
    await pool.end();
  });

  it("with too many kernels or operands is left to the caller", async () => {
    await using _threads = await useThreads(2);
    const share = (kernels: number, operands: number) => {
      const steps = new Array(kernels).fill({ kernel: () => {}, module: moduleThat(false) });
      const table = new Int32Array(1 + 2 * operands);
      return launch!(steps, table, new Int32Array(operands), 4, 1, undefined, Infinity);
    };
    assertEquals([
      share(MOST_STEPS, MOST_OPERANDS),
      share(1, MOST_OPERANDS + 1),
      share(MOST_STEPS + 1, 1),
    ], [
      true,
      false,
      false,
    ]);
  });
});

describe("CTCLoss", () => {
  it("gives threads its samples, if they and their gradients are in the arena and there are several", async () => {
    await using _threads = await useThreads(2);
    const real = launch!;
    const visits: unknown[][] = [];
    launchWith((steps, ...rest) => {
      for (const { module } of steps) {
        if ("visit" in module) visits.push([module.visit, module.isWide]);
      }
      return real(steps, ...rest);
    });
    using scores = empty([120, 4, 50]);
    using doubles = empty([120, 4, 50], "float64");
    using gradient = empty([120, 4, 50]);
    for (const { data } of [scores, doubles, gradient]) data.fill(0);
    const loss = new CTCLoss({ logits: true });
    const labels = int32(Array.from({ length: 80 }, (_, i) => 1 + i % 49), [4, 20]);
    const evaluate = (x: TensorLike, out?: { logits: Tensor }, samples = 4) => {
      visits.length = 0;
      const lengths = [120, 20].map((length) => int32(new Array(samples).fill(length)));
      const targets = int32(labels.data.subarray(0, 20 * samples), [samples, 20]);
      loss.valueAndGrad(x, targets, lengths[0], lengths[1], out && { out });
      return visits.slice();
    };
    const forward = (x: TensorLike) => {
      visits.length = 0;
      loss.forward(x, labels, int32([120, 120, 120, 120]), int32([20, 20, 20, 20]));
      return visits.slice();
    };
    const of = (isWide: boolean) => [gather, align].map((visit) => [visit, isWide]);
    assertEquals(evaluate(scores, { logits: gradient }), of(false));
    assertEquals([forward(scores), forward(doubles)], [of(false), of(true)]);
    // The gradient is an ordinary array; the scores are; there is one sample; there is little to do.
    assertEquals(evaluate(scores), []);
    assertEquals(evaluate(new Tensor(new Float32Array(24_000), [120, 4, 50])), []);
    const one = new Tensor(scores.data.subarray(0, 6000), [120, 1, 50]);
    const out = new Tensor(gradient.data.subarray(0, 6000), [120, 1, 50]);
    assertEquals(evaluate(one, { logits: out }, 1), []);
    const short = new Tensor(scores.data.subarray(0, 400), [2, 4, 50]);
    loss.forward(short, labels, int32([2, 2, 2, 2]), int32([1, 1, 1, 1]));
    assertEquals(visits, []);
  });
});

describe("CrossEntropyLoss", () => {
  it("gives threads its rows or columns with all that is computed for them, labels and logarithms, too", async () => {
    await using _threads = await useThreads(2);
    const real = launch!;
    const jobs: unknown[][] = [];
    launchWith((steps, ...rest) => {
      jobs.push(steps.map(({ module }) => "visit" in module ? module.visit : "kernel"));
      return real(steps, ...rest);
    });
    using scores = empty([512, 1000]);
    using gradient = empty([512, 1000]);
    scores.data.fill(0);
    const loss = new CrossEntropyLoss();
    const labels = new Int32Array(512 * 1000);
    const evaluate = (shape: number[], out: Tensor) => {
      jobs.length = 0;
      const { classes, samples } = { classes: shape[1], samples: labels.length / shape[1] };
      const target = int32(labels.subarray(0, samples), [shape[0], ...shape.slice(2)]);
      const { value } = loss.valueAndGrad(new Tensor(scores.data, shape), target, {
        out: { input: new Tensor(out.data, shape) },
      });
      assertEquals(value.item(), Math.fround(Math.log(classes)));
      return jobs.slice();
    };
    const rows = ["kernel", "kernel", labelRows, "kernel", finishRows];
    const jobsOfRows = evaluate([512, 1000], gradient);
    assertEquals(jobsOfRows, jobsOfRows.map(() => rows));
    assert(jobsOfRows.length > 0);
    const columns = [
      ...[beginColumns, "kernel", "kernel", labelColumns, "kernel"],
      ...["kernel", finishColumns],
    ];
    const jobsOfColumns = evaluate([1, 20, 25600], gradient);
    assertEquals(jobsOfColumns, jobsOfColumns.map(() => columns));
    assert(jobsOfColumns.length > 0);
  });
});

describe("a worker of a browser", () => {
  it("has ended when it says so, not before", async () => {
    const { process, Worker } = globalThis;
    // Without a process, workers are started as in browsers. Deno wants to be told that they are modules.
    Object.defineProperty(globalThis, "process", { value: undefined, configurable: true });
    globalThis.Worker = class extends Worker {
      constructor(url: string | URL) {
        super(url, { type: "module" });
      }
    };
    try {
      const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
      const words = new Int32Array(memory.buffer, 0, PLACES.JOB_WORDS);
      const table = 4 * PLACES.JOB_WORDS;
      const worker = await startWorker({ memory, job: 0, table, ...PLAIN });
      let hasEnded = false;
      const end = worker.end().then(() => hasEnded = true);
      await new Promise((resolve) => setTimeout(resolve, 50));
      assert(!hasEnded);
      Atomics.store(words, PLACES.STOP, 1);
      Atomics.add(words, PLACES.JOB, 1);
      Atomics.notify(words, PLACES.JOB);
      await end;
      assertEquals(words[PLACES.ACTIVE], 0);
    } finally {
      Object.defineProperty(globalThis, "process", { value: process, configurable: true });
      globalThis.Worker = Worker;
    }
  });
});

describe("a program with threads", () => {
  const work = `
    const { BCEWithLogitsLoss, CTCLoss, empty, int32, Tensor, useThreads } = await import(module);
    const threads = await useThreads(3);
    const x = empty([2 ** 20]);
    x.data.fill(0.5);
    const loss = new BCEWithLogitsLoss();
    const results = new Set();
    for (let k = 0; k < 30; k++) results.add(loss.forward(x, x).item());
    // Functions of TypeScript, not kernels.
    const scores = empty([100, 8, 20]);
    const gradient = empty([100, 8, 20]);
    for (let i = 0; i < scores.data.length; i++) scores.data[i] = Math.sin(i * i);
    const labels = int32(Array.from({ length: 80 }, (_, i) => 1 + i % 7), [8, 10]);
    const lengths = [int32(new Array(8).fill(100)), int32(new Array(8).fill(10))];
    const ctc = new CTCLoss({ logits: true });
    const ordinary = new Tensor(scores.data.slice(), [100, 8, 20]);
    const wanted = ctc.valueAndGrad(ordinary, labels, ...lengths);
    for (let k = 0; k < 30; k++) {
      const { value } = ctc.valueAndGrad(scores, labels, ...lengths, { out: { logits: gradient } });
      const isSame = gradient.data.every((number, i) => number === wanted.grad.logits.data[i]);
      if (value.item() !== wanted.value.item() || !isSame) throw new Error("other numbers");
    }
    console.log(threads.count, results.size);`;
  const ENDS: readonly [what: string, code: string, status: number, output: string][] = [
    ["ends without disposing of them", work, 0, "3 1\n"],
    ["ends after it has thrown", `${work} throw new Error("on purpose");`, 1, "3 1\n"],
    ["ends when it says so", `${work} (globalThis.process ?? Deno).exit(7);`, 7, "3 1\n"],
    ["ends after disposing of them", `${work} await threads[Symbol.asyncDispose]();`, 0, "3 1\n"],
  ];

  /** The exit code and output of a program. */
  async function outcome(command: string, args: string[]): Promise<[number, string]> {
    const { code, stdout } = await new Deno.Command(command, { args, stderr: "null" }).output();
    return [code, new TextDecoder().decode(stdout)];
  }

  for (const [what, code, status, output] of ENDS) {
    it(`${what}, in Deno without a permission`, () =>
      inFolder(async (folder) => {
        await Deno.writeTextFile(
          `${folder}/program.js`,
          code.replace("import(module)", `import("${MOD}")`),
        );
        const args = ["run", "--no-config", "--no-lock", "--no-prompt", "--quiet"];
        assertEquals(await outcome(Deno.execPath(), [...args, `${folder}/program.js`]), [
          status,
          output,
        ]);
      }));
  }

  for (const runtime of ["node", "bun"]) {
    const whereItIs = RUNTIMES.has(runtime) ? it : it.skip;
    whereItIs(`works and ends in ${runtime}`, async () => {
      await inFolder(async (folder) => {
        await Deno.writeTextFile(`${folder}/all.js`, `export * from "${MOD}";`);
        const bundle = `${folder}/losses.mjs`;
        await run(Deno.execPath(), [
          ...["bundle", "--quiet", "--platform", "browser", "--minify"],
          ...[`${folder}/all.js`, "-o", bundle],
        ]);
        for (const [what, code, status, output] of ENDS) {
          const program = `${folder}/program.mjs`;
          await Deno.writeTextFile(
            program,
            code.replace("import(module)", `import("./losses.mjs")`),
          );
          assertEquals(await outcome(runtime, [program]), [status, output], what);
        }
      });
    });
  }

  it("has threads of its own in a worker", async () => {
    const code = `
      const { MSELoss, empty, useThreads } = await import("${MOD}");
      await using threads = await useThreads(2);
      const x = empty([2 ** 19]);
      x.data.fill(3);
      postMessage([threads.count, new MSELoss().forward(x, 1).item()]);`;
    const worker = new Worker(`data:text/javascript,${encodeURIComponent(code)}`, {
      type: "module",
    });
    const found = await new Promise((resolve) => worker.onmessage = ({ data }) => resolve(data));
    worker.terminate();
    assertEquals(found, [2, 4]);
  });
});
