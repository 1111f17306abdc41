/**
 * What takes long, typesetting and highlighting, is done once for each text: for both languages, and for the next build if the
 * book is built again.
 */

let known = new Map<string, string>();
let used = new Map<string, string>();

/**
 * Makes a function remember.
 *
 * @param kind A name for what it makes.
 * @param make A function of texts that depends on nothing else.
 */
export function remembered<A extends readonly (string | boolean)[]>(
  kind: string,
  make: (...args: A) => string,
): (...args: A) => string {
  return (...args) => {
    const key = JSON.stringify([kind, ...args]);
    const result = used.get(key) ?? known.get(key) ?? make(...args);
    used.set(key, result);
    return result;
  };
}

/** Reads what an earlier build remembered; `version` must name everything that it depends on besides the texts. */
export async function recall(file: URL, version: string): Promise<void> {
  try {
    const stored = JSON.parse(await Deno.readTextFile(file));
    if (stored.version === version) known = new Map(stored.entries);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound || error instanceof SyntaxError)) throw error;
  }
}

/** Keeps what this build has used for the next one. */
export async function keep(file: URL, version: string): Promise<void> {
  known = used;
  used = new Map();
  await Deno.mkdir(new URL(".", file), { recursive: true });
  await Deno.writeTextFile(file, JSON.stringify({ version, entries: [...known] }));
}
