import { importsOf } from "./source.ts";

/**
 * Finds modules that import each other in a circle. Imports of types count: whoever wants to understand one module of a circle
 * must read all of them.
 *
 * @param sources The code of each module by its path; imports of modules outside of this list are passed over.
 * @returns One line for each import that closes a circle, such as "a.ts → b.ts → a.ts"; empty if there is no circle.
 */
export function importCircles(sources: Readonly<Record<string, string>>): string[] {
  const circles: string[] = [];
  const done = new Set<string>();
  const path: string[] = [];

  function visit(module: string): void {
    const start = path.indexOf(module);
    if (start >= 0) circles.push([...path.slice(start), module].join(" → "));
    if (start >= 0 || done.has(module)) return;
    path.push(module);
    for (const imported of importedModules(module, sources)) visit(imported);
    path.pop();
    done.add(module);
  }

  for (const module of Object.keys(sources)) visit(module);
  return circles;
}

function importedModules(path: string, sources: Readonly<Record<string, string>>): string[] {
  return importsOf(sources[path])
    .filter((specifier) => specifier.startsWith("."))
    .map((specifier) => new URL(specifier, `file:///${path}`).pathname.slice(1))
    .filter((module) => Object.hasOwn(sources, module));
}
