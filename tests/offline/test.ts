/**
 * `deno task test` runs all tests and all examples in the documentation, on machines that can reach jsr.io and on others.
 * Arguments are passed to `deno test`: `deno task test tests/huber_test.ts --filter kink`.
 *
 * @module
 */
import { isThere, PROJECT } from "../checks/files.ts";
import { runDeno } from "./run.ts";
import { findTestPackages } from "./test_packages.ts";

/** With `--doc`, the examples in these files and folders are tests too. */
const EVERYTHING = ["mod.ts", "losses", "tests", "README.md"];

/** How many tests passed and failed, according to the last line of `deno test`. */
export function countTests(output: string): { passed: number; failed: number } {
  const summary = output.match(/\| (\d+) passed.*?\| (\d+) failed/g)?.at(-1) ?? "";
  const [passed, failed] = summary.match(/\d+(?= passed| failed)/g) ?? ["0", "0"];
  return { passed: Number(passed), failed: Number(failed) };
}

async function main(args: string[]): Promise<number> {
  const namesFiles = args.some((arg) => !arg.startsWith("-") && isThere(arg));
  const paths = namesFiles ? [] : EVERYTHING;
  using packages = await findTestPackages();
  console.log(packages.description);
  const { code, output } = await runDeno(
    ["test", "--allow-all", "--doc", ...packages.flags, ...args, ...paths],
    PROJECT,
    { echo: true },
  );
  const { passed, failed } = countTests(output);
  if (code === 0 && passed === 0) console.error("No test ran.");
  const ok = code === 0 && passed > 0;
  // CI reads this line. A run that ended without a summary has failed too.
  console.log(`${passed} passed, ${ok ? 0 : Math.max(failed, 1)} failed`);
  return ok ? 0 : code || 1;
}

// `deno test` loads this file as a test because of its name; then it must not start another run.
if (import.meta.main) Deno.exit(await main(Deno.args));
