/**
 * The subpaths of the package: one for each module in losses/, under its name, beside those that deno.json names itself.
 *
 * @module
 */
import { namesIn, readConfig } from "./files.ts";

/** Subpaths and the modules behind them. */
type Exports = Readonly<Record<string, string>>;

/**
 * What deno.json has to export.
 *
 * @param present What it exports now.
 * @param modules The names of the modules in losses/.
 * @returns The main entry, then all subpaths by name. Those of modules elsewhere stay as they are.
 */
export function exportsOf(present: Exports, modules: readonly string[]): Exports {
  const isModule = (path: string) => /^\.\/losses\/\w+\.ts$/.test(path);
  const { ".": main, ...others } = present;
  const kept = Object.entries(others).filter(([, path]) => !isModule(path));
  const subpaths = modules.map((name) => [`./${name}`, `./losses/${name}.ts`]);
  const byName = [...kept, ...subpaths].sort(([a], [b]) => a < b ? -1 : 1);
  return { ".": main, ...Object.fromEntries(byName) };
}

/** What deno.json has to export for the modules that there are. */
export function exportsOfProject(): Exports {
  return exportsOf(readConfig().exports, namesIn("losses", ".ts"));
}

/** deno.json with these exports in place of its own; the rest of the text stays as it is. */
export function withExports(config: string, exports: Exports): string {
  const block = JSON.stringify(exports, null, 2).replaceAll("\n", "\n  ");
  return config.replace(/("exports": )\{[^}]*\}/, (_, key) => key + block);
}
