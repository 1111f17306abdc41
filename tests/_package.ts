/** The package as it is published to npm, and commands to do something with it. */
import { fileURLToPath } from "node:url";
import { PROJECT } from "./checks/files.ts";

/** Runs a command in a folder, the project's by default, and returns what it prints. */
export async function run(
  command: string,
  args: string[],
  cwd = fileURLToPath(PROJECT),
): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(command, {
    args,
    cwd,
    env: { NO_COLOR: "1" },
  }).output();
  if (!success) {
    throw new Error(`${command} ${args.join(" ")} failed:\n${new TextDecoder().decode(stderr)}`);
  }
  return new TextDecoder().decode(stdout);
}

/** True if there is such a command. */
export async function isInstalled(command: string): Promise<boolean> {
  try {
    return (await new Deno.Command(command, { args: ["--version"], stdout: "null" }).output())
      .success;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** Lends a new folder, and removes it afterwards. */
export async function inFolder(use: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "lossbook-" });
  try {
    await use(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Packs the package into a folder as README.md says; returns the tarball. */
export async function pack(folder: string): Promise<string> {
  const tarball = `${folder}/losses.tgz`;
  await run(Deno.execPath(), ["pack", "--quiet", "--allow-dirty", "-o", tarball]);
  return tarball;
}
