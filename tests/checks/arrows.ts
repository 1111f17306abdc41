import { importsOf, withoutTexts } from "./source.ts";

/** What each part of the project may import; paths are seen from the project's folder. */
const MAY_IMPORT: [part: RegExp, allowed: RegExp][] = [
  [/^mod\.ts$/, /^losses\//],
  [/^losses\/_core\//, /^losses\/_core\//],
  [/^losses\//, /^losses\//],
  [/^notebooks\/_kit\//, /^notebooks\/_kit\/|^@lossbook\/|^npm:|^node:/],
  [/^notebooks\/.*\.ipynb$/, /^notebooks\/_kit\/|^tests\/cases\/|^@lossbook\/|^npm:/],
  // Cases are read by notebooks, whose kernel cannot load from JSR. Seeded ones draw their inputs with the kit's generator.
  [/^tests\/cases\//, /^tests\/cases\/|^notebooks\/_kit\/torch_|^@lossbook\/|^mod\.ts$/],
];

/**
 * Says which imports of a file point the wrong way (mod.ts → losses → _core; notebooks and tests → mod.ts), and what keeps a
 * loss from running in Node, Bun or a browser.
 *
 * @param path The file, seen from the project's folder.
 * @param code Its source; for a notebook, that of its code cells.
 * @param bareNames deno.json's imports, which turn a bare name into npm: or jsr:.
 */
export function arrowProblems(
  path: string,
  code: string,
  bareNames: Readonly<Record<string, string>>,
): string[] {
  const problems: string[] = [];
  const allowed = MAY_IMPORT.find(([part]) => part.test(path))?.[1];
  for (const specifier of allowed ? importsOf(code) : []) {
    const target = resolve(specifier, path, bareNames);
    if (!allowed?.test(target)) problems.push(`${path} imports ${specifier}`);
  }
  if (path.startsWith("losses/") || path === "mod.ts") {
    const bare = withoutTexts(code);
    if (/\bDeno\s*[.[?]/.test(bare)) problems.push(`${path} uses Deno, which only Deno has`);
    if (/\bawait\b/.test(bare)) problems.push(`${path} awaits: a loss is synchronous everywhere`);
  }
  return problems;
}

function resolve(specifier: string, from: string, names: Readonly<Record<string, string>>): string {
  if (specifier.startsWith(".")) {
    return new URL(specifier, `file:///${from}`).pathname.slice(1);
  }
  // A name may stand for a whole package (mathjs) or for the start of a path in it (@std/testing/bdd).
  const name = Object.keys(names).find((key) =>
    specifier === key || specifier.startsWith(`${key}/`)
  );
  return name ? names[name] + specifier.slice(name.length) : specifier;
}
