/**
 * `deno task ok`: everything that must hold before a change is shared, and what CI runs. All steps run, so that one look shows all
 * that is wrong; the exit code is 0 only if all passed. Names of steps as arguments run only those, as `deno task check` does.
 *
 * @module
 */
import { PROJECT, readConfig } from "./checks/files.ts";
import { runDeno } from "./offline/run.ts";
import { findTestPackages } from "./offline/test_packages.ts";

interface Step {
  readonly name: string;
  /** What Deno is told to do. */
  readonly args: readonly string[];
  /** Whether it takes long, so that it is shown as it runs, and ends by saying how many tests passed. */
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
    {
      name: "types",
      args: ["check", ...flags, "mod.ts", "losses", "tests", "notebooks/_kit", "notebooks/_book"],
    },
    { name: "docs", args: ["doc", "--lint", ...Object.values(readConfig().exports)] },
    { name: "test", args: ["run", "--allow-all", "tests/offline/test.ts"], isTest: true },
    {
      name: "fuzz",
      // The seed is fixed: what fails here fails everywhere. New ones are for whoever runs the task.
      args: ["run", "--allow-all", "tests/fuzz/fuzz.ts", "--seed", "1", "--minutes", "1"],
      isTest: true,
    },
    { name: "notebooks", args: ["run", "--allow-all", "notebooks/_kit/run.ts"], isTest: true },
    { name: "publish", args: ["publish", "--dry-run", "--allow-dirty"] },
  ];
}

/** The plain closing line of a test run: how many passed and failed. */
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
  // A test run that says nothing about tests has not run them.
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

async function main(names: string[]): Promise<number> {
  using packages = await findTestPackages();
  const all = steps(packages.flags);
  const unknown = names.find((name) => !all.some((step) => step.name === name));
  if (unknown !== undefined) {
    const known = all.map(({ name }) => name).join(", ");
    console.error(`Cannot run the step "${unknown}" as the steps are ${known}`);
    return 2;
  }
  const chosen = all.filter(({ name }) => names.length === 0 || names.includes(name));
  const results: Result[] = [];
  for (const step of chosen) results.push(await runStep(step));

  const sum = (key: "passed" | "failed") =>
    results.reduce((total, result) => total + result[key], 0);
  if (chosen.some(({ isTest }) => isTest)) {
    console.log(`\n── summary\n${results.map(line).join("\n")}\n`);
    // The plain form that CI reads; a step that is no test counts as one failure if it fails.
    console.log(`${sum("passed")} passed, ${sum("failed")} failed`);
  }
  return sum("failed") === 0 ? 0 : 1;
}

if (import.meta.main) Deno.exit(await main(Deno.args));
