/** The files of the project, as the tests read them. */

/** The project's folder. */
export const PROJECT: URL = new URL("../../", import.meta.url);

/** Reads a file by its path in the project. */
export function readProject(path: string): string {
  return Deno.readTextFileSync(new URL(path, PROJECT));
}

type Names = Record<string, string>;

/** The parts of deno.json that the tests read. */
export function readConfig(): { name: string; imports: Names; exports: Names; tasks: Names } {
  return JSON.parse(readProject("deno.json"));
}

/** The names, without this ending, of the files in a folder that have it; names that begin with _ are left out. */
export function namesIn(folder: string, ending: string): string[] {
  return [...Deno.readDirSync(new URL(`${folder}/`, PROJECT))]
    .filter(({ isFile, name }) => isFile && name.endsWith(ending) && !name.startsWith("_"))
    .map(({ name }) => name.slice(0, -ending.length))
    .sort();
}

/** All files of the project as a clone would have them: those that git tracks, and new ones that it does not ignore. */
export function projectFiles(): string[] {
  const { success, stdout } = new Deno.Command("git", {
    args: ["ls-files", "--cached", "--others", "--exclude-standard", "-z"],
    cwd: PROJECT,
  }).outputSync();
  if (!success) throw new Error("git cannot list the project's files");
  return new TextDecoder().decode(stdout).split("\0").filter((path) =>
    path !== "" && isThere(path)
  );
}

/** True if the project has this file or folder. */
export function isThere(path: string): boolean {
  try {
    Deno.lstatSync(new URL(path, PROJECT));
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
