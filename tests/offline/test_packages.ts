/**
 * Chooses where the standard test packages come from: JSR, or the stand-ins in this folder. In both cases Deno works on a copy
 * of deno.lock, so that the versions of npm packages are locked and the committed file does not change.
 *
 * @module
 */

import { PROJECT, readConfig } from "../checks/files.ts";

/** The file that replaces each package where jsr.io cannot be reached. */
const STAND_INS: Record<string, string> = {
  "@std/assert": new URL("assert.ts", import.meta.url).href,
  "@std/testing/bdd": new URL("testing_bdd.ts", import.meta.url).href,
};

// A network that drops packets gives no answer; after this time it counts as unreachable.
const PROBE_TIMEOUT_MS = 15_000;

/** The packages that the tests use, and the flags that make `deno test` and `deno check` use them. */
export interface TestPackages extends Disposable {
  /** The choice in one line, to be shown. */
  readonly description: string;
  /** Flags for `deno test` and `deno check`. */
  readonly flags: string[];
}

/** Tries to reach JSR, unless `STD_OFFLINE` is set to 1 (do not use it) or 0 (use it), and prepares the flags. */
export async function findTestPackages(): Promise<TestPackages> {
  const forced = Deno.env.get("STD_OFFLINE") ?? "";
  if (!["", "0", "1"].includes(forced)) {
    throw new RangeError(
      `Cannot choose the test packages as STD_OFFLINE must be 0 or 1: current value is "${forced}"`,
    );
  }
  const folder = await Deno.makeTempDir({ prefix: "lossbook-" });
  const lock = `${folder}/deno.lock`;
  await Deno.copyFile(new URL("deno.lock", PROJECT), lock);
  const flags = [`--lock=${lock}`];
  const isOffline = forced === "" ? !await canLoadFromJsr(flags) : forced === "1";
  if (isOffline) {
    const map = `${folder}/import_map.json`;
    await Deno.writeTextFile(map, JSON.stringify({ imports: offlineImports() }));
    flags.push(`--import-map=${map}`);
  }
  const packages = isOffline ? "the stand-ins of tests/offline" : "JSR's @std packages";
  const found = isOffline ? "JSR cannot be reached" : "JSR answers";
  return {
    description: `Testing with ${packages} (${forced === "" ? found : `STD_OFFLINE=${forced}`}).`,
    flags,
    [Symbol.dispose]: () => Deno.removeSync(folder, { recursive: true }),
  };
}

/** Lets Deno itself load the packages, so that its cache and proxy settings apply. */
async function canLoadFromJsr(flags: string[]): Promise<boolean> {
  const probe = new Deno.Command(Deno.execPath(), {
    args: ["cache", "--quiet", ...flags, new URL("probe.ts", import.meta.url).href],
    cwd: PROJECT,
    stdin: "null",
    stdout: "null",
    stderr: "null",
    signal: AbortSignal.timeout(PROBE_TIMEOUT_MS),
  });
  return (await probe.output()).success;
}

/**
 * The imports of the import map. They replace all imports of deno.json, so that those that are not from JSR must be repeated.
 * Unlike deno.json, an import map also needs an entry for the files inside each package.
 */
function offlineImports(): Record<string, string> {
  const others = Object.entries(readConfig().imports).filter(([, to]) => !to.startsWith("jsr:"));
  const inside = others.map(([name, to]) => [`${name}/`, `${to.replace(/^npm:/, "npm:/")}/`]);
  return { ...Object.fromEntries([...others, ...inside]), ...STAND_INS };
}
