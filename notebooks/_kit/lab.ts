/**
 * The command `deno task lab`: JupyterLab on notebooks/ with the Deno kernel. All that it installs and stores is in the folder .lab/
 * of the project; nothing outside is changed.
 *
 * @module
 */

import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** plotly contains the extension that makes stored figures interactive. */
const PACKAGES = ["jupyterlab==4.6.4", "plotly==7.1.0"];

/** The oldest Python that these packages run on. */
const MIN_PYTHON = [3, 10] as const;

const PROJECT = fileURLToPath(new URL("../../", import.meta.url));
const NOTEBOOKS = join(PROJECT, "notebooks");

/** Paths in the private folder. */
interface Paths {
  lab: string;
  /** Jupyter's data, such as its list of kernels. */
  data: string;
  config: string;
  venv: string;
  python: string;
  /** Written at the end of an installation, so that an incomplete one is repeated. */
  receipt: string;
}

function pathsIn(lab: string): Paths {
  const venv = join(lab, "venv");
  return {
    lab,
    data: join(lab, "data"),
    config: join(lab, "config"),
    venv,
    python: Deno.build.os === "windows"
      ? join(venv, "Scripts", "python.exe")
      : join(venv, "bin", "python"),
    receipt: join(lab, "installed.txt"),
  };
}

/** A problem that the user can solve; the message says how. */
class SetupError extends Error {}

/**
 * Runs the command.
 *
 * @param args Options for JupyterLab, such as `--no-browser`.
 * @param lab The private folder.
 * @returns JupyterLab's exit code.
 */
export async function main(args: string[], lab: string = join(PROJECT, ".lab")): Promise<number> {
  const paths = pathsIn(lab);
  try {
    await setUp(paths);
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    console.error(error.message);
    return 1;
  }
  return await runLab(paths, args);
}

async function setUp(paths: Paths): Promise<void> {
  await Deno.mkdir(paths.lab, { recursive: true });
  const receipt = PACKAGES.join("\n") + "\n";
  if (await readIfThere(paths.receipt) !== receipt) {
    await install(paths);
    await Deno.writeTextFile(paths.receipt, receipt);
  }
  // At every start, because Deno or the project may have moved.
  await writeJson(join(paths.data, "kernels", "deno", "kernel.json"), {
    argv: [Deno.execPath(), "jupyter", "--kernel", "--conn", "{connection_file}"],
    display_name: "Deno",
    language: "typescript",
    env: { NO_COLOR: "1" },
    interrupt_mode: "message", // Otherwise the stop button kills the kernel.
  });
  // Otherwise it asks at the first start whether it may fetch news.
  await writeJson(join(paths.config, "labconfig", "page_config.json"), {
    disabledExtensions: { "@jupyterlab/apputils-extension:announcements": true },
  });
}

async function install({ venv, python }: Paths): Promise<void> {
  const systemPython = await findPython();
  console.log("Setting up JupyterLab in .lab/ (only the first time; 240 MB)");
  console.log("  1/2 a private Python environment");
  await Deno.remove(venv, { recursive: true }).catch(ignoreMissing);
  const made = await run(systemPython, ["-m", "venv", venv]);
  if (!made.success) {
    throw new SetupError(
      `Cannot make a Python environment. Python's venv and pip must be installed ` +
        `(on Debian and Ubuntu: apt install python3-venv). Python says:\n${made.text}`,
    );
  }
  console.log(`  2/2 ${PACKAGES.join(" and ")}`);
  const quick = ["--retries", "1", "--timeout", "10"]; // Without network, the defaults take nine minutes.
  const quiet = ["--quiet", "--no-input", "--disable-pip-version-check"];
  const pip = await run(python, ["-m", "pip", "install", ...quick, ...quiet, ...PACKAGES]);
  if (!pip.success) {
    throw new SetupError(
      `Cannot install ${PACKAGES.join(" and ")}. ` +
        `pip must reach a Python package index once. pip says:\n${pip.text}`,
    );
  }
}

async function findPython(): Promise<string> {
  const probe = "import sys; print('%d.%d' % sys.version_info[:2])";
  const found: string[] = [];
  for (const command of ["python3", "python"]) {
    const { success, text } = await run(command, ["-c", probe]);
    if (!success) continue;
    const [major, minor] = text.trim().split(".").map(Number);
    if (major > MIN_PYTHON[0] || (major === MIN_PYTHON[0] && minor >= MIN_PYTHON[1])) {
      return command;
    }
    found.push(`${command} is ${text.trim()}`);
  }
  throw new SetupError(
    `Cannot set up JupyterLab as it needs Python >= ${MIN_PYTHON.join(".")} with venv and pip: ` +
      `${found.join(", ") || "no python3 on the PATH"}. ` +
      `("deno task notebooks" runs the notebooks without Python.)`,
  );
}

async function runLab({ lab, data, config, python }: Paths, args: string[]): Promise<number> {
  const server = new Deno.Command(python, {
    args: [
      "-m",
      "jupyterlab",
      `--notebook-dir=${NOTEBOOKS}`,
      "--KernelSpecManager.allowed_kernelspecs=deno", // Python notebooks are not needed.
      "--MappingKernelManager.default_kernel_name=deno",
      ...args,
    ],
    cwd: NOTEBOOKS,
    env: {
      JUPYTER_PATH: data,
      JUPYTER_DATA_DIR: data,
      JUPYTER_CONFIG_DIR: config,
      JUPYTER_RUNTIME_DIR: join(lab, "runtime"),
      IPYTHONDIR: join(lab, "ipython"),
    },
  }).spawn();
  // Ctrl-C reaches JupyterLab by itself, which asks for confirmation; the other signals are forwarded.
  const ignore = () => {};
  const forward = () => server.kill("SIGTERM");
  const others: Deno.Signal[] = Deno.build.os === "windows" ? [] : ["SIGTERM", "SIGHUP"];
  Deno.addSignalListener("SIGINT", ignore);
  for (const signal of others) Deno.addSignalListener(signal, forward);
  try {
    return (await server.status).code;
  } finally {
    Deno.removeSignalListener("SIGINT", ignore);
    for (const signal of others) Deno.removeSignalListener(signal, forward);
  }
}

/** Runs a command to its end; a command that does not exist counts as failed. */
async function run(command: string, args: string[]): Promise<{ success: boolean; text: string }> {
  try {
    const { success, stdout, stderr } = await new Deno.Command(command, { args }).output();
    const decoder = new TextDecoder();
    return { success, text: decoder.decode(stdout) + decoder.decode(stderr) };
  } catch (error) {
    return { success: false, text: String(error) };
  }
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await Deno.readTextFile(path);
  } catch (error) {
    return ignoreMissing(error);
  }
}

async function writeJson(path: string, value: unknown): Promise<void> {
  await Deno.mkdir(join(path, ".."), { recursive: true });
  await Deno.writeTextFile(path, JSON.stringify(value, null, 2) + "\n");
}

function ignoreMissing(error: unknown): undefined {
  if (!(error instanceof Deno.errors.NotFound)) throw error;
}

if (import.meta.main) Deno.exit(await main(Deno.args));
