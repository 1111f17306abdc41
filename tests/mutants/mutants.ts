/**
 * `deno task mutants [--seed N] [--count N] [--minutes M] [FILE…]`: changes one token of the package after the other and sees
 * whether the tests notice. A mutant that survives is a test that is missing, or one for equivalent.ts.
 *
 * @module
 */
import { projectFiles, readProject } from "../checks/files.ts";
import { Copy, type Verdict } from "./judge.ts";
import { EQUIVALENT, type Equivalent } from "./equivalent.ts";
import { type Mutant, mutantsOf } from "./mutate.ts";

/** Test runs at the same time. */
const WORKERS = Math.min(2, navigator.hardwareConcurrency);

interface Options {
  readonly seed: number;
  readonly count: number;
  readonly minutes: number;
  /** Beginnings of paths; empty for all files. */
  readonly files: readonly string[];
}

function readOptions(args: readonly string[]): Options {
  const numbers: Record<string, number> = { seed: 1, count: 100, minutes: 60 };
  const files: string[] = [];
  for (let i = 0; i < args.length; i++) {
    const name = args[i].replace(/^--/, "");
    if (name === args[i]) {
      files.push(name);
      continue;
    }
    const value = Number(args[++i]);
    if (!Object.hasOwn(numbers, name) || !Number.isFinite(value)) {
      throw new RangeError(
        `Cannot make mutants as the arguments are --seed, --count and --minutes with a number each, and files: current argument is "${
          args[i - 1]
        }"`,
      );
    }
    numbers[name] = value;
  }
  const { seed, count, minutes } = numbers;
  return { seed, count, minutes, files };
}

/** Every mutant of the package. */
export function allMutants(): Mutant[] {
  const files = projectFiles().filter((path) => /^(losses\/.*|mod)\.ts$/.test(path)).sort();
  return files.flatMap((file) => mutantsOf(file, readProject(file)));
}

/** The same list in an order that only the seed decides (mulberry32). */
export function shuffle<T>(list: readonly T[], seed: number): T[] {
  let state = seed >>> 0;
  const random = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ state >>> 15, 1 | state);
    t = (t + Math.imul(t ^ t >>> 7, 61 | t)) ^ t;
    return ((t ^ t >>> 14) >>> 0) / 2 ** 32;
  };
  const shuffled = [...list];
  for (let i = shuffled.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [shuffled[i], shuffled[j]] = [shuffled[j], shuffled[i]];
  }
  return shuffled;
}

const isSame = (mutant: Mutant) => ({ file, code, mutated }: Equivalent) =>
  mutant.file === file && mutant.code === code && mutant.mutated === mutated;

/** Entries of the list of equivalents that are no mutant of the package any more. */
export function staleEntries(
  mutants: readonly Mutant[],
  equivalent: readonly Equivalent[] = EQUIVALENT,
): Equivalent[] {
  return equivalent.filter((entry) => !mutants.some((mutant) => isSame(mutant)(entry)));
}

const isEquivalent = (mutant: Mutant) => EQUIVALENT.some(isSame(mutant));

function line(verdict: string, { file, line, before, after }: Mutant): string {
  const short = (text: string) => text.replaceAll(/\s+/g, " ").slice(0, 60) || "nothing";
  return `${verdict.padEnd(10)} ${file}:${line}  ${short(before)} → ${short(after)}`;
}

async function main(args: readonly string[]): Promise<number> {
  const { seed, count, minutes, files } = readOptions(args);
  const mutants = allMutants();
  const stale = staleEntries(mutants);
  for (const { file, code, mutated } of stale) {
    console.log(`stale      ${file}: no mutant makes '${mutated}' of '${code}'`);
  }
  const wanted = mutants.filter(({ file }) =>
    files.length === 0 || files.some((start) => file.startsWith(start))
  );
  const drawn = shuffle(wanted, seed).slice(0, count);
  const until = Date.now() + 60_000 * minutes;
  console.log(`${drawn.length} of ${wanted.length} mutants, with seed ${seed}.`);

  const verdicts = new Map<Mutant, Verdict | "equivalent">();
  const left = [...drawn];
  const work = async (isFirst: boolean): Promise<void> => {
    await using copy = await Copy.make();
    if (isFirst) await copy.checkBaseline();
    for (let mutant = left.shift(); mutant && Date.now() < until; mutant = left.shift()) {
      const verdict = isEquivalent(mutant) ? "equivalent" : await copy.judge(mutant);
      verdicts.set(mutant, verdict);
      console.log(line(verdict, mutant));
    }
  };
  // The first one makes sure that all is well without mutants before the others begin.
  const workers = [work(true)];
  for (let i = 1; i < WORKERS; i++) workers.push(work(false));
  await Promise.all(workers);

  const counts = (verdict: string) => [...verdicts.values()].filter((v) => v === verdict).length;
  const survivors = drawn.filter((mutant) => verdicts.get(mutant) === "survived");
  for (const mutant of survivors) {
    console.log(`\n${line("survived", mutant)}\n  ${mutant.code}\n  ${mutant.mutated}`);
  }
  const killed = counts("killed") + counts("timeout");
  const judged = killed + survivors.length;
  console.log(
    `\n${killed} of ${judged} killed (${
      counts("timeout")
    } ran out of time), ${survivors.length} survived, ${counts("equivalent")} equivalent: score ${
      (100 * killed / Math.max(1, judged)).toFixed(1)
    } %`,
  );
  return survivors.length === 0 && stale.length === 0 ? 0 : 1;
}

if (import.meta.main) Deno.exit(await main(Deno.args));
