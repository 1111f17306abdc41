/**
 * Where the standard test packages come from: JSR, or the stand-ins of this folder. Either way Deno works on a copy of
 * deno.lock: npm packages are the pinned ones, and the committed file stays as it is.
 *
 * @module
 */

import { PROJECT, readConfig } from "../checks/files.ts";

/** What each bare name stands for where jsr.io cannot be reached. */
const STAND_INS: Record<string, string> = {
  "@std/assert": new URL("assert.ts", import.meta.url).href,
  "@std/testing/bdd": new URL("testing_bdd.ts", import.meta.url).href,
};

// A network that swallows packets says neither yes nor no: after this long it counts as a no.
const PROBE_TIMEOUT_MS = 15_000;

/** Which packages the tests run on, and the flags that make `deno test` and `deno check` do so. */
export interface TestPackages extends Disposable {
  /** One line for people. */
  readonly description: string;
  /** Flags for `deno test` and `deno check`. */
  readonly flags: string[];
}

/** Finds out whether JSR answers (`STD_OFFLINE=1` or `0` says so instead) and prepares the matching flags. */
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

/** Deno itself is asked, so that its cache, proxy and mirror settings count. */
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
 * An import map replaces deno.json's imports as a whole, so what is not from JSR is repeated. Unlike deno.json, it also needs
 * an entry for the files inside a package.
 */
function offlineImports(): Record<string, string> {
  const others = Object.entries(readConfig().imports).filter(([, to]) => !to.startsWith("jsr:"));
  const inside = others.map(([name, to]) => [`${name}/`, `${to.replace(/^npm:/, "npm:/")}/`]);
  return { ...Object.fromEntries([...others, ...inside]), ...STAND_INS };
}
