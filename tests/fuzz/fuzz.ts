/**
 * `deno task fuzz [--seed N] [--minutes M] [--property WORDS] [--path P]`: tries random cases of everything that must hold for all
 * of them, until the time is over. The seed says which; a failure is made small and printed with what leads back to it:
 *
 * - `--property WORDS` tries only the properties with these words in their names,
 * - `--path P` runs one case, with the seed of its round.
 *
 * @module
 */
import { PROJECT } from "../checks/files.ts";
import { PROPERTIES } from "./properties/mod.ts";
import { caseAt, type Failure, runRound } from "./property.ts";
import type { Order, Report } from "./rounds.ts";

/** A case that says nothing for so long hangs. */
const HANG_MS = 30_000;
/** Memory, in MB: what needs more is a failure, not a reason to take it. */
const MEMORY = 2048;

interface Options {
  readonly seed: number;
  readonly minutes: number;
  readonly properties: readonly string[];
  readonly path?: string;
}

function readOptions(args: readonly string[]): Options {
  const given = new Map<string, string>();
  for (let i = 0; i < args.length; i += 2) {
    const name = args[i].replace(/^--/, "");
    if (!["seed", "minutes", "property", "path"].includes(name) || args[i + 1] === undefined) {
      throw new RangeError(
        `Cannot fuzz as the arguments are --seed, --minutes, --property and --path with a value each: current argument is "${
          args[i]
        }"`,
      );
    }
    given.set(name, args[i + 1]);
  }
  const number = (name: string, fallback: number) => {
    const value = Number(given.get(name) ?? fallback);
    if (!Number.isFinite(value)) {
      throw new RangeError(
        `Cannot fuzz as --${name} must be a number: current value is "${given.get(name)}"`,
      );
    }
    return value;
  };
  const words = given.get("property") ?? "";
  const names = PROPERTIES.map(({ name }) => name);
  const exact = names.filter((name) => name === words);
  const properties = exact.length > 0 ? exact : names.filter((name) => name.includes(words));
  if (properties.length === 0) {
    throw new RangeError(`Cannot fuzz '${words}' as there are only ${names.join(", ")}`);
  }
  return {
    // A new one each time, so that a habit finds something new.
    seed: number("seed", Math.floor(Date.now() / 1000) % 1_000_000) | 0,
    minutes: number("minutes", 1),
    properties,
    path: given.get("path"),
  };
}

/** How a process of rounds ended. */
interface Ended {
  readonly cases: number;
  readonly failures: readonly Failure[];
  /** The property that did not come back, and the round after which to go on. */
  readonly stuck?: string;
  readonly round: number;
}

/** Runs rounds in a process of their own, and ends it if it says nothing any more. */
async function runRounds(order: Order): Promise<Ended> {
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--allow-all",
      `--v8-flags=--max-old-space-size=${MEMORY}`,
      new URL("rounds.ts", import.meta.url).href,
      JSON.stringify(order),
    ],
    cwd: PROJECT,
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const errors = new Response(child.stderr).text();
  const failures: Failure[] = [];
  let cases = 0;
  let current = { property: "", seed: 0, round: order.round };
  let run = 0;
  let hasEnded = false;
  let hasHung = false;
  const kill = () => {
    hasHung = true;
    child.kill("SIGKILL");
  };
  let alarm = setTimeout(kill, HANG_MS);

  const lines = child.stdout.pipeThrough(new TextDecoderStream()).pipeThrough(splitLines());
  for await (const line of lines) {
    clearTimeout(alarm);
    alarm = setTimeout(kill, HANG_MS);
    const report: Report = JSON.parse(line);
    if (report.kind === "round") current = report;
    else if (report.kind === "case") [run, cases] = [report.run, cases + 1];
    else if (report.kind === "failure") {
      failures.push(report.failure);
      print(report.failure);
    } else if (report.kind === "end") hasEnded = true;
  }
  clearTimeout(alarm);
  await child.status;
  if (hasEnded) return { cases, failures, round: current.round };
  if (current.property === "") throw new Error(`The rounds did not begin: ${await errors}`);

  const property = PROPERTIES.find(({ name }) => name === current.property)!;
  const failure: Failure = {
    property: property.name,
    seed: current.seed,
    path: String(run),
    message: hasHung
      ? `hangs: no answer for ${HANG_MS / 1000} s`
      : `crashes: ${(await errors).match(/Fatal[^\n]*|error:[^\n]*/)?.[0] ?? "without a word"}`,
    reproduction: caseAt(property, current.seed, String(run)),
  };
  print(failure);
  return {
    cases,
    failures: [...failures, failure],
    stuck: property.name,
    round: current.round,
  };
}

function splitLines(): TransformStream<string, string> {
  let rest = "";
  return new TransformStream({
    transform(chunk, controller) {
      const parts = (rest + chunk).split("\n");
      rest = parts.pop()!;
      for (const part of parts) controller.enqueue(part);
    },
  });
}

function print({ property, seed, path, message, reproduction }: Failure): void {
  console.log(`FAILED  ${property}`);
  console.log(`  ${message.slice(0, 2000)}`);
  console.log(`  deno task fuzz --property "${property}" --seed ${seed} --path ${path}`);
  console.log(`  ${reproduction}\n`);
}

/** Runs one case. */
function replay({ seed, properties, path }: Options): number {
  const property = PROPERTIES.find(({ name }) => name === properties[0])!;
  const { failure } = runRound(property, { seed, path });
  if (failure) print(failure);
  console.log(failure ? "0 passed, 1 failed" : "1 passed, 0 failed");
  return failure ? 1 : 0;
}

async function main(args: readonly string[]): Promise<number> {
  const options = readOptions(args);
  if (options.path !== undefined) return replay(options);
  const { seed, minutes, properties } = options;
  console.log(`Fuzzing ${properties.length} properties for ${minutes} min with seed ${seed}.`);
  const start = Date.now();
  const until = start + 60_000 * minutes;
  const failed = new Set<string>();
  let cases = 0;
  let round = 0;
  for (;;) {
    const left = properties.filter((name) => !failed.has(name));
    const ended = await runRounds({ seed, until, properties: left, round });
    cases += ended.cases;
    for (const { property } of ended.failures) failed.add(property);
    if (ended.stuck === undefined || Date.now() >= until) break;
    round = ended.round;
  }
  const seconds = Math.round((Date.now() - start) / 1000);
  console.log(`${cases} cases in ${seconds} s, ${failed.size} failed`);
  // The plain form that CI reads: properties count, not cases.
  console.log(`${properties.length - failed.size} passed, ${failed.size} failed`);
  return failed.size === 0 ? 0 : 1;
}

if (import.meta.main) Deno.exit(await main(Deno.args));
