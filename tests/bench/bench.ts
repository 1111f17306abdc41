/**
 * `deno task bench` measures how long value and gradient take, in this library (with ordinary arrays, in the arena, and there with
 * threads), a plain TypeScript loop, PyTorch, tfjs and jax-js. All get the same inputs and do the same work. Times are medians over
 * interleaved rounds of one run; only ratios of times from the same run can be compared.
 *
 * - `--install` installs the peers into .bench first; without it those that are found take part
 * - `--only REGEX` measures only the rows whose name matches
 * - `--rounds N` measures every contender in at most N rounds (default 21)
 * - `--quick` takes few rounds and leaves out the rows of 2^24 numbers and more
 * - `--no-peers` measures only this library and the plain loop
 *
 * The table is written to stdout, progress to stderr, and all results to .bench/result.json.
 *
 * @module
 */
import { cpus } from "node:os";
import { parseArgs } from "node:util";
import { type Gain, measureGains } from "./break_even.ts";
import { undisturbed, watchOver } from "./calm.ts";
import { Loops } from "./ceiling.ts";
import { type Contender, isOurs, ORDINARY, wrongIn } from "./contender.ts";
import { type Fresh, measureFresh } from "./fresh.ts";
import { sizeOf } from "./inputs.ts";
import { findPeers, install, type Peers } from "./install.ts";
import { copies, limitOf, type Limits, measureLimits } from "./limits.ts";
import { interleave, median, type Plan, type Warm, warmUp } from "./measure.ts";
import { measureMemory, type Memory } from "./memory.ts";
import { arena, arenaWith, loop, ordinary } from "./ours.ts";
import { profileRow } from "./profile.ts";
import { report } from "./report.ts";
import { type Line, type Time, writeResult } from "./result.ts";
import { bytesOf, CALL_ROWS, DOUBLE_ROWS, GROWTH_ROWS, inputsOf, type Row, ROWS } from "./rows.ts";
import { Sleepers } from "./sleepers.ts";

interface Entrant extends Warm {
  readonly name: string;
}

async function measureRow(
  row: Row,
  part: Line["part"],
  contenders: readonly Contender[],
  limits: Limits,
  plan: Plan,
): Promise<Omit<Line, "others">> {
  const inputs = inputsOf(row);
  const entrants: Entrant[] = [];
  for (const contender of contenders) {
    try {
      const runner = await contender.prepare(row, inputs);
      // A contender that cannot compute the row throws here at the latest.
      if (runner) entrants.push({ name: contender.name, runner, perCall: await warmUp(runner) });
    } catch (error) {
      console.error(`  ${contender.name} fails: ${error instanceof Error ? error.message : error}`);
    }
  }
  const copier = copies(row, inputs);
  const all = [...entrants, { runner: copier, perCall: await warmUp(copier) }];
  const times = await interleave(all, plan);
  const expected = await entrants.find(({ name }) => name === loop.name)?.runner.answer();
  const found: Record<string, Time> = {};
  for (const [i, { name, runner }] of entrants.entries()) {
    const wrong = expected && wrongIn(await runner.answer(), expected);
    found[name] = { seconds: median(times[i]), rounds: times[i].length, wrong };
    await runner.dispose();
  }
  const limit = limitOf(row, bytesOf(row, inputs), limits);
  const copying = median(times[entrants.length]);
  return { name: row.name, part, size: sizeOf(row.shape), limit, copies: copying, times: found };
}

function choose(only: RegExp, isQuick: boolean): [Line["part"], Row][] {
  const all: [Line["part"], Row][] = [
    ...ROWS.map((row): [Line["part"], Row] => ["speed", row]),
    ...CALL_ROWS.map((row): [Line["part"], Row] => ["call", row]),
    ...DOUBLE_ROWS.map((row): [Line["part"], Row] => ["float64", row]),
    ...GROWTH_ROWS.map((row): [Line["part"], Row] => ["growth", row]),
  ];
  return all.filter(([, { name, shape }]) =>
    only.test(name) && !(isQuick && sizeOf(shape) >= 2 ** 24)
  );
}

async function main(args: string[]): Promise<number> {
  const { values } = parseArgs({
    args,
    options: {
      install: { type: "boolean", default: false },
      only: { type: "string", default: "" },
      rounds: { type: "string", default: "21" },
      quick: { type: "boolean", default: false },
      "no-peers": { type: "boolean", default: false },
    },
  });
  if (values.install) await install();
  const rounds = values.quick ? 5 : Number(values.rounds);
  if (!(Number.isInteger(rounds) && rounds > 0)) {
    console.error(
      `Cannot run as --rounds must be a whole number > 0: current value is ${values.rounds}`,
    );
    return 2;
  }
  const plan: Plan = { rounds, budget: values.quick ? 0.2 : 0.6 };
  // A curve needs less precision than a table.
  const growthPlan: Plan = { rounds: Math.ceil(rounds / 2), budget: plan.budget / 2 };
  const rows = choose(new RegExp(values.only, "i"), values.quick);

  await using peers: Peers = values["no-peers"]
    ? {
      contenders: [],
      versions: {},
      cpuSeconds: () => Promise.resolve(0),
      async [Symbol.asyncDispose]() {},
    }
    : await findPeers();
  await using sleepers = await Sleepers.start();
  await using loops = await Loops.start();
  const own = [ordinary, arena, ...(sleepers ? [arenaWith(sleepers)] : [])];
  const pytorch = peers.contenders.filter(({ name }) => name.startsWith("PyTorch"));
  const watch = watchOver(peers.cpuSeconds);
  const patience = { seconds: values.quick ? 30 : 600 };
  /** Measures while no other program uses the machine. */
  const calmly = <R>(measure: () => R | Promise<R>) =>
    undisturbed(watch, patience, async () => {
      await loops.round();
      return await measure();
    });
  const { result: limits } = await calmly(measureLimits);
  const lines: Line[] = [];
  // Small rows come first, as V8 then optimises their calls for one loss only, as in a program that uses one loss.
  const order = [...rows.keys()].sort((i, j) =>
    Number(rows[i][0] === "growth") - Number(rows[j][0] === "growth") ||
    sizeOf(rows[i][1].shape) - sizeOf(rows[j][1].shape)
  );
  for (const [done, i] of order.entries()) {
    const [part, row] = rows[i];
    console.error(`${done + 1}/${rows.length} ${row.name}`);
    const { result: line, others } = await calmly(() =>
      part === "growth"
        ? measureRow(row, part, [...own, loop, ...pytorch], limits, growthPlan)
        : measureRow(row, part, [...own, loop, ...peers.contenders], limits, plan)
    );
    lines[i] = { ...line, others };
    if (!lines[i].times[ORDINARY]) {
      console.error(`  mod.ts does not export ${row.subject.loss}`);
    }
  }
  for (const [i, line] of lines.entries()) {
    if (line.part !== "speed" || !line.times[ORDINARY]) continue;
    console.error(`profile of ${line.name}`);
    lines[i] = { ...line, shares: await profileRow(line.name) };
  }
  let gains: Gain[] | undefined;
  let fresh: Fresh | undefined;
  let memory: Memory[] | undefined;
  if (values.only === "") {
    if (sleepers) {
      console.error("threads by size");
      gains = await measureGains(sleepers, plan, async (measure) => (await calmly(measure)).result);
    }
    console.error("fresh processes");
    fresh = await measureFresh(values.quick ? 1 : 5);
    memory = await measureMemory(values.quick ? 1 : 3, peers.python);
  }

  const result = {
    machine: `${cpus()[0].model.trim()}, ${navigator.hardwareConcurrency} threads`,
    versions: { Deno: Deno.version.deno, V8: Deno.version.v8, ...peers.versions },
    isQuick: values.quick,
    limits,
    ceiling: loops.ceiling,
    lines,
    gains,
    fresh,
    memory,
  };
  await writeResult(result);
  console.log(report(result));
  // The run fails if a result of this library is wrong.
  return lines.some(({ times }) =>
      Object.entries(times).some(([name, { wrong }]) => isOurs(name) && wrong)
    )
    ? 1
    : 0;
}

// Workers of jax-js would keep the process alive.
if (import.meta.main) Deno.exit(await main(Deno.args));
