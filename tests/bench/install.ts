/** Finds the peers that the library is compared with, or installs them into the folder .bench of the project. */
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { PYTORCH, REQUIREMENTS } from "../fixtures/version.ts";
import type { Contender } from "./contender.ts";
import { jaxJs } from "./jax_js.ts";
import { PyTorch } from "./pytorch.ts";
import { tfjs } from "./tfjs.ts";

/** The folder for everything that the benchmark writes; git ignores it. */
export const FOLDER: URL = new URL("../../.bench/", import.meta.url);

const NPM = {
  "@tensorflow/tfjs": "4.22.0",
  "@tensorflow/tfjs-backend-wasm": "4.22.0",
  "@jax-js/jax": "0.1.25",
};

const VENV_PYTHON = fileURLToPath(
  new URL(Deno.build.os === "windows" ? "venv/Scripts/python.exe" : "venv/bin/python", FOLDER),
);

/** Installs all peers, except PyTorch where LOSSBOOK_PYTHON names one. Those that cannot be installed are reported and left out. */
export async function install(): Promise<void> {
  await Deno.mkdir(FOLDER, { recursive: true });
  const imports = Object.fromEntries(
    Object.entries(NPM).map(([name, version]) => [name, `npm:${name}@${version}`]),
  );
  const config = JSON.stringify({ nodeModulesDir: "auto", imports }, null, 2);
  await Deno.writeTextFile(new URL("deno.json", FOLDER), config + "\n");
  await run("Installing tfjs and jax-js into .bench", Deno.execPath(), ["install", "--quiet"]);
  if (Deno.env.has("LOSSBOOK_PYTHON")) return;
  const made = await run("Making a Python environment in .bench", "python3", [
    "-m",
    "venv",
    "venv",
  ]);
  if (made) {
    const quiet = ["--quiet", "--no-input", "--disable-pip-version-check"];
    // There are no retries, as an index that cannot be reached would cost minutes.
    const pip = ["-m", "pip", "install", "--retries", "0", "--timeout", "10", ...quiet];
    await run(`Installing PyTorch ${PYTORCH} and numpy into .bench`, VENV_PYTHON, [
      ...pip,
      "-r",
      fileURLToPath(REQUIREMENTS),
    ]);
  }
}

async function run(what: string, command: string, args: string[]): Promise<boolean> {
  console.error(what);
  try {
    const { success, stderr } = await new Deno.Command(command, { args, cwd: FOLDER }).output();
    if (!success) console.error(`  failed: ${new TextDecoder().decode(stderr).trim()}`);
    return success;
  } catch (error) {
    console.error(`  failed: ${error}`);
    return false;
  }
}

/** The peers that were found. */
export interface Peers extends AsyncDisposable {
  readonly contenders: readonly Contender[];
  readonly versions: Readonly<Record<string, string>>;
  /** The Python that has PyTorch. */
  readonly python?: string;
  /** How long the processes of peers have computed. */
  readonly cpuSeconds: () => Promise<number>;
}

/** Looks for all peers, and reports on stderr which are missing. */
export async function findPeers(): Promise<Peers> {
  const pytorch = await findPyTorch();
  if (!pytorch) missing("PyTorch", "LOSSBOOK_PYTHON names a Python that has it");
  const contenders = [...pytorch?.contenders ?? []];
  const versions: Record<string, string> = pytorch ? { PyTorch: pytorch.version } : {};
  const require = createRequire(new URL("deno.json", FOLDER));
  for (const [name, find] of [["tfjs", tfjs], ["jax-js", jaxJs]] as const) {
    try {
      contenders.push(...await find(require));
      versions[name] = NPM[name === "tfjs" ? "@tensorflow/tfjs" : "@jax-js/jax"];
    } catch (error) {
      missing(name, error instanceof Error ? error.message.split("\n")[0] : `${error}`);
    }
  }
  return {
    contenders,
    versions,
    python: pytorch?.python,
    cpuSeconds: async () => await pytorch?.cpuSeconds() ?? 0,
    async [Symbol.asyncDispose]() {
      await pytorch?.[Symbol.asyncDispose]();
    },
  };
}

function missing(name: string, detail: string): void {
  console.error(`Without ${name} (deno task bench --install gets it; ${detail}).`);
}

async function findPyTorch(): Promise<PyTorch | undefined> {
  const named = Deno.env.get("LOSSBOOK_PYTHON");
  for (const python of named ? [named] : [VENV_PYTHON, "python3", "python"]) {
    try {
      return await PyTorch.start(python);
    } catch {
      // No such Python, or no PyTorch in it.
    }
  }
  return undefined;
}
