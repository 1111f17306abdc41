/**
 * Bundles programs that use the package, with esbuild and vite, as their users do without a setting: for browsers, minified.
 *
 * A program of its own for bundles_test.ts, so that nothing of the bundlers stays behind: it reads a JSON of the package's
 * folder and of programs by name from its argument, and prints, by bundler and name, what becomes of them.
 *
 * @module
 */
import * as esbuild from "esbuild";
import * as vite from "vite";

/** What the bundlers are asked for. */
export interface Programs {
  /** A folder in whose node_modules the package is installed. */
  readonly folder: string;
  /** Programs, by name. */
  readonly programs: Readonly<Record<string, string>>;
}

/** A program, bundled. */
export interface Bundle {
  readonly code: string;
  /** How many bytes it has of each file; only esbuild tells. */
  readonly files: Readonly<Record<string, number>>;
}

/** The bundles of one bundler, by the names of the programs, or why it cannot run here. */
export type Bundles = Readonly<Record<string, Bundle>> | string;

async function withEsbuild(
  folder: string,
  code: string,
  settings?: Pick<esbuild.BuildOptions, "target" | "keepNames">,
): Promise<Bundle> {
  const { outputFiles, metafile } = await esbuild.build({
    stdin: { contents: code, resolveDir: folder },
    bundle: true,
    minify: true,
    format: "esm",
    write: false,
    metafile: true,
    logLevel: "error",
    ...settings,
  });
  const [{ inputs }] = Object.values(metafile.outputs);
  const files = Object.fromEntries(
    Object.entries(inputs).map(([file, { bytesInOutput }]) => [file, bytesInOutput]),
  );
  return { code: outputFiles[0].text.trim(), files };
}

async function withVite(folder: string, code: string): Promise<Bundle> {
  const entry = `${folder}/program.js`;
  await Deno.writeTextFile(entry, code);
  const result = await vite.build({
    root: folder,
    configFile: false,
    logLevel: "error",
    build: { write: false, modulePreload: false, rolldownOptions: { input: entry } },
  });
  const [build] = [result].flat();
  if (!("output" in build)) throw new Error("vite watches instead of building");
  return { code: build.output[0].code.trim(), files: {} };
}

async function bundle(
  { folder, programs }: Programs,
  build: (folder: string, code: string) => Promise<Bundle>,
): Promise<Bundles> {
  const bundles: Record<string, Bundle> = {};
  for (const [name, code] of Object.entries(programs)) bundles[name] = await build(folder, code);
  return bundles;
}

/** esbuild is a program for one platform, which its package may lack for this one. */
async function whyNot(): Promise<string | undefined> {
  try {
    await esbuild.transform("");
    return undefined;
  } catch (error) {
    return String(error);
  }
}

if (import.meta.main) {
  const programs: Programs = JSON.parse(Deno.args[0]);
  const reason = await whyNot();
  // Newer syntax becomes calls of helpers, and functions keep their names by another one.
  const settings = { target: "es2017", keepNames: true };
  const forOldBrowsers = (folder: string, code: string) => withEsbuild(folder, code, settings);
  const results = {
    esbuild: reason ?? await bundle(programs, withEsbuild),
    esbuildForOldBrowsers: reason ?? await bundle(programs, forOldBrowsers),
    vite: await bundle(programs, withVite),
  };
  console.log(JSON.stringify(results));
  await esbuild.stop();
}
