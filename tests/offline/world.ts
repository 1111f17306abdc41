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
export interface World extends Disposable {
  /** One line for people. */
  readonly description: string;
  /** Flags for `deno test` and `deno check`. */
  readonly flags: string[];
}

/** Finds out whether JSR answers (`STD_OFFLINE=1` or `0` says so instead) and prepares the matching flags. */
export async function findWorld(): Promise<World> {
  const folder = await Deno.makeTempDir({ prefix: "lossbook-" });
  const lock = `${folder}/deno.lock`;
  await Deno.copyFile(new URL("deno.lock", PROJECT), lock);
  const { isOffline, reason } = await isJsrOutOfReach(lock);
  const flags = [`--lock=${lock}`];
  if (isOffline) {
    const map = `${folder}/import_map.json`;
    await Deno.writeTextFile(map, JSON.stringify({ imports: offlineImports() }));
    flags.push(`--import-map=${map}`);
  }
  const packages = isOffline ? "stand-ins of tests/offline" : "@std packages of JSR";
  return {
    description: `Testing with the ${packages} (${reason}).`,
    flags,
    [Symbol.dispose]: () => Deno.removeSync(folder, { recursive: true }),
  };
}

async function isJsrOutOfReach(lock: string): Promise<{ isOffline: boolean; reason: string }> {
  const forced = Deno.env.get("STD_OFFLINE");
  if (forced === "0" || forced === "1") {
    return { isOffline: forced === "1", reason: `STD_OFFLINE=${forced}` };
  }
  if (forced) throw new RangeError(`STD_OFFLINE must be 0 or 1: current value is "${forced}"`);
  // Deno itself is asked, so that its cache, proxy and mirror settings count.
  const probe = new Deno.Command(Deno.execPath(), {
    args: ["cache", "--quiet", `--lock=${lock}`, new URL("probe.ts", import.meta.url).href],
    cwd: PROJECT,
    stdin: "null",
    stdout: "null",
    stderr: "null",
    signal: AbortSignal.timeout(PROBE_TIMEOUT_MS),
  });
  const { success } = await probe.output();
  return { isOffline: !success, reason: success ? "JSR answers" : "JSR cannot be reached" };
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
