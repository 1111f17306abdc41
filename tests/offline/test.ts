/**
 * `deno task test`: every test, and every example in the documentation, on a machine that can reach jsr.io and on one that
 * cannot. Arguments go on to `deno test`: `deno task test tests/huber_test.ts --filter kink`.
 *
 * `deno task test:fast` (`--fast`): the unit tests alone, without type check and examples, in half a minute.
 *
 * @module
 */
import { isThere, namesIn, PROJECT } from "../checks/files.ts";
import { runDeno } from "./run.ts";
import { findTestPackages } from "./test_packages.ts";

/** `--doc` reads the examples of the package's files and of the README as well. */
const EVERYTHING = ["mod.ts", "losses", "tests", "README.md", "CONTRIBUTING.md"];

/** The tests of what stands in losses/: of each loss, and of what they share. */
function unitTests(): string[] {
  return ["tests/core", ...namesIn("losses", ".ts").map((name) => `tests/${name}_test.ts`)];
}

/** How many tests passed and failed, by the summary that `deno test` ends with. */
export function countTests(output: string): { passed: number; failed: number } {
  const summary = output.match(/\| (\d+) passed.*?\| (\d+) failed/g)?.at(-1) ?? "";
  const [passed, failed] = summary.match(/\d+(?= passed| failed)/g) ?? ["0", "0"];
  return { passed: Number(passed), failed: Number(failed) };
}

async function main(given: string[]): Promise<number> {
  const args = given.filter((arg) => arg !== "--fast");
  const isFast = args.length < given.length;
  const namesFiles = args.some((arg) => !arg.startsWith("-") && isThere(arg));
  const paths = namesFiles ? [] : isFast ? unitTests() : EVERYTHING;
  const how = isFast ? ["--no-check", "--parallel"] : ["--doc"];
  using packages = await findTestPackages();
  console.log(packages.description);
  const { code, output } = await runDeno(
    ["test", "--allow-all", ...how, ...packages.flags, ...args, ...paths],
    PROJECT,
    { echo: true },
  );
  const { passed, failed } = countTests(output);
  if (code === 0 && passed === 0) console.error("No test ran.");
  const ok = code === 0 && passed > 0;
  // The plain form that CI reads. A run that broke before its summary failed too.
  console.log(`${passed} passed, ${ok ? 0 : Math.max(failed, 1)} failed`);
  return ok ? 0 : code || 1;
}

// `deno test` takes this file for a test by its name, and must not start itself.
if (import.meta.main) Deno.exit(await main(Deno.args));
