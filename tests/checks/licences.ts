import { readConfig, readProject } from "./files.ts";

/** The rows below the header of the first Markdown table after a heading, as trimmed cells. */
export function tableAfter(markdown: string, heading: string): string[][] {
  const [, after] = `\n${markdown}`.split(`\n${heading}\n`);
  const table = after?.match(/^\|.*\|\n\|[-:|]+\|\n((?:\|.*\|\n)+)/m)?.[1];
  if (table === undefined) throw new Error(`there is no table after "${heading}"`);
  return table.trim().split("\n").map((row) =>
    row.slice(1, -1).split("|").map((cell) => cell.trim())
  );
}

/** The names of the packages that specifiers such as `npm:mathjs@15.2.0` name. */
export function packagesIn(text: string): string[] {
  const specifiers = text.matchAll(/"(?:npm|jsr):((?:@[\w.-]+\/)?[\w.-]+)@\d/g);
  return [...new Set([...specifiers].map(([, name]) => name!))];
}

/** The packages that the project installs: those of deno.json, of the example of stdlib, of the benchmark, of JupyterLab and of Python. */
export function packagesOfProject(): string[] {
  const benchmark = readProject("tests/bench/install.ts").match(/const NPM = \{([^}]*)\}/)?.[1];
  if (benchmark === undefined) throw new Error("the packages of the benchmark were not found");
  const lab = readProject("notebooks/_kit/lab.ts").match(/const PACKAGES = \[([^\]]*)\]/)?.[1];
  if (lab === undefined) throw new Error("the packages of JupyterLab were not found");
  return [
    ...new Set([
      ...packagesIn(JSON.stringify(readConfig().imports)),
      ...packagesIn(readProject("tests/frameworks/examples/stdlib.ts")),
      ...[...benchmark.matchAll(/"([^"]+)": "/g)].map(([, name]) => name!),
      ...[...lab.matchAll(/"([\w-]+)==/g)].map(([, name]) => name!),
      ...[...readProject("tests/fixtures/requirements.txt").matchAll(/^[\w-]+/gm)].map(([name]) =>
        name
      ),
    ]),
  ];
}
