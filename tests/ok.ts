/**
 * `deno task ok` runs all checks that a change must pass before it is shared; CI runs the same. All steps run even if one fails,
 * so that one run shows all problems. The exit code is 0 only if all passed.
 *
 * @module
 */
import { PROJECT, readConfig } from "./checks/files.ts";
import { runDeno } from "./offline/run.ts";
import { findTestPackages } from "./offline/test_packages.ts";

interface Step {
  readonly name: string;
  /** Deno's arguments. */
  readonly args: readonly string[];
  /** True for test runs: their output is shown while they run, and ends with the numbers of passed and failed tests. */
  readonly isTest?: boolean;
}

interface Result {
  readonly name: string;
  readonly isOk: boolean;
  readonly seconds: number;
  readonly passed: number;
  readonly failed: number;
}

function steps(flags: readonly string[]): Step[] {
  return [
    { name: "format", args: ["fmt", "--check"] },
    { name: "lint", args: ["lint"] },
    { name: "types", args: ["check", ...flags, "mod.ts", "losses", "tests", "notebooks/_kit"] },
    { name: "docs", args: ["doc", "--lint", ...Object.values(readConfig().exports)] },
    { name: "test", args: ["run", "--allow-all", "tests/offline/test.ts"], isTest: true },
    { name: "notebooks", args: ["run", "--allow-all", "notebooks/_kit/run.ts"], isTest: true },
    { name: "publish", args: ["publish", "--dry-run", "--allow-dirty"] },
  ];
}

/** How many tests passed and failed, according to the last line of a test run. */
function countsIn(output: string): { passed: number; failed: number } | undefined {
  const last = [...output.matchAll(/^(\d+) passed, (\d+) failed$/gm)].at(-1);
  return last && { passed: Number(last[1]), failed: Number(last[2]) };
}

async function runStep({ name, args, isTest = false }: Step): Promise<Result> {
  if (isTest) console.log(`\n── ${name}`);
  const start = performance.now();
  const { code, output } = await runDeno([...args], PROJECT, { echo: isTest });
  const seconds = (performance.now() - start) / 1000;
  const counts = isTest ? countsIn(output) : { passed: 0, failed: 0 };
  // A test run without these numbers has not run its tests.
  const isOk = code === 0 && counts?.failed === 0 && (!isTest || counts.passed > 0);
  if (!isOk && !isTest) console.error(output);
  const { passed, failed } = counts ?? { passed: 0, failed: 0 };
  const result = { name, isOk, seconds, passed, failed: isOk ? 0 : Math.max(failed, 1) };
  console.log(line(result));
  return result;
}

function line({ name, isOk, seconds, passed, failed }: Result): string {
  const counts = passed + failed > 1 ? `  ${passed} passed, ${failed} failed` : "";
  return `${isOk ? "ok    " : "FAILED"}  ${name.padEnd(10)} ${
    seconds.toFixed(1).padStart(6)
  } s${counts}`;
}

async function main(): Promise<number> {
  using packages = await findTestPackages();
  const results: Result[] = [];
  for (const step of steps(packages.flags)) results.push(await runStep(step));

  console.log(`\n── summary\n${results.map(line).join("\n")}\n`);
  const sum = (key: "passed" | "failed") =>
    results.reduce((total, result) => total + result[key], 0);
  // CI reads this line. A step without tests counts as one failure if it fails.
  console.log(`${sum("passed")} passed, ${sum("failed")} failed`);
  return sum("failed") === 0 ? 0 : 1;
}

if (import.meta.main) Deno.exit(await main());
