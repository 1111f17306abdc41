// Strings, templates and comments. Regular expressions that contain quotes or // would need a parser.
const TOKENS =
  /"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`(?:\\.|[^`\\])*`|\/\/[^\n]*|\/\*[\s\S]*?\*\//g;

/** The code without its comments; strings that look like comments stay. */
export function withoutComments(code: string): string {
  return code.replace(TOKENS, (token) => token.startsWith("/") ? " " : token);
}

/** The code without its comments and with empty strings. */
export function withoutTexts(code: string): string {
  return code.replace(TOKENS, (token) => token.startsWith("/") ? " " : '""');
}

/** The specifiers that a module imports or re-exports, static or dynamic, including imports of types. */
export function importsOf(code: string): string[] {
  // A statement begins a line or follows a semicolon, and has no string before its specifier. So "… from" in a string is none.
  const statement =
    /(?:^|;)\s*(?:import|export)\b[^"';]*?\bfrom\s*"([^"]+)"|(?:^|;)\s*import\s*"([^"]+)"|\bimport\s*\(\s*"([^"]+)"/gm;
  return [...withoutComments(code).matchAll(statement)].map((found) =>
    found[1] ?? found[2] ?? found[3]
  );
}

// Home folders, temporary folders and checkouts, which error messages and careless examples contain.
const MACHINE_PATH =
  /(?<![\w.:\/-])(?:file:\/\/)?\/(?:home|root|tmp|opt|work|farm|Users|var|private)\/[\w.-]+/;

/** The first path in a text that exists on one machine only. */
export function machinePathIn(text: string): string | undefined {
  return text.match(MACHINE_PATH)?.[0];
}

const REGISTRY =
  /\bregistry\.[a-z]+(?:js)?\.(?:org|com)\b|\/\/(?:[a-z]+\.)?(?:npmjs\.(?:com|org)|jsr\.io|pypi\.org|pythonhosted\.org)\b/;

/** The first address of a package registry in a text. Packages are named without their host. */
export function registryIn(text: string): string | undefined {
  return text.match(REGISTRY)?.[0];
}
