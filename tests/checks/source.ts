// Strings, templates and comments. Regular expressions that hold quotes or // would need a parser.
const TOKENS =
  /"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`(?:\\.|[^`\\])*`|\/\/[^\n]*|\/\*[\s\S]*?\*\//g;

/** The code with its comments blanked out; strings that look like comments stay. */
export function withoutComments(code: string): string {
  return code.replace(TOKENS, (token) => token.startsWith("/") ? " " : token);
}

/** The code with its comments blanked out and its strings emptied. */
export function withoutTexts(code: string): string {
  return code.replace(TOKENS, (token) => token.startsWith("/") ? " " : '""');
}

/** What a module imports or re-exports, static or dynamic, types included. */
export function importsOf(code: string): string[] {
  // A statement begins a line or follows another, and has no text before its specifier: "… from" inside a text is none.
  const statement =
    /(?:^|;)\s*(?:import|export)\b[^"';]*?\bfrom\s*"([^"]+)"|(?:^|;)\s*import\s*"([^"]+)"|\bimport\s*\(\s*"([^"]+)"/gm;
  return [...withoutComments(code).matchAll(statement)].map((found) =>
    found[1] ?? found[2] ?? found[3]
  );
}

// A home, a temporary folder, a checkout: what an error message or a careless example brings in.
const MACHINE_PATH =
  /(?<![\w.:\/-])(?:file:\/\/)?\/(?:home|root|tmp|opt|work|farm|Users|var|private)\/[\w.-]+/;

/** The first path of somebody's machine in a text. */
export function machinePathIn(text: string): string | undefined {
  return text.match(MACHINE_PATH)?.[0];
}

const REGISTRY =
  /\bregistry\.[a-z]+(?:js)?\.(?:org|com)\b|\/\/(?:[a-z]+\.)?(?:npmjs\.(?:com|org)|jsr\.io|pypi\.org|pythonhosted\.org)\b/;

/** The first address of a package registry in a text: packages are named, not linked to a host. */
export function registryIn(text: string): string | undefined {
  return text.match(REGISTRY)?.[0];
}
