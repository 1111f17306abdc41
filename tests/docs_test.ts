/** The documentation of every entry point is complete. */
import { assertEquals } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { docProblems } from "./checks/docs.ts";
import { PROJECT, readConfig } from "./checks/files.ts";
import { runDeno } from "./offline/run.ts";

async function problemsOf(entry: URL): Promise<string[]> {
  const { code, output } = await runDeno(["doc", "--quiet", "--json", entry.href], PROJECT);
  return code === 0 ? docProblems(JSON.parse(output), entry.href) : [output];
}

describe("the documentation", () => {
  for (const [name, path] of Object.entries(readConfig().exports)) {
    it(`of "${name}" describes every symbol, parameter and result`, async () => {
      assertEquals(await problemsOf(new URL(path, PROJECT)), []);
    });

    // `deno task check` looks at all entry points together, where a type may come from another one.
    if (name === ".") continue;
    it(`of "${name}" needs no type that cannot be imported from there`, async () => {
      const { code, output } = await runDeno(["doc", "--lint", path], PROJECT);
      assertEquals(code, 0, output);
    });
  }
});

describe("the check of the documentation", () => {
  async function problems(code: string): Promise<string[]> {
    const file = await Deno.makeTempFile({ prefix: "lossbook-", suffix: ".ts" });
    try {
      await Deno.writeTextFile(file, code);
      return await problemsOf(new URL(`file://${await Deno.realPath(file)}`));
    } finally {
      await Deno.remove(file);
    }
  }

  const MODULE = "/**\n * Losses.\n * @module\n */\n";

  it("accepts documented symbols", async () => {
    assertEquals(
      await problems(`${MODULE}
/** Options. */
export interface Options {
  /** Where the line begins. */
  delta?: number;
}
/** A loss. */
export class Loss {
  /**
   * Checks the options.
   * @param options where the line begins
   */
  constructor(options: Options = {}) { this.#delta = options.delta ?? 1; }
  #delta: number;
  private secret = 0;
  /** The threshold. */
  get delta(): number { return this.#delta + this.secret; }
  /** How it shows. */
  [Symbol.for("Jupyter.display")](): Record<string, string> { return {}; }
  /**
   * Over two.
   * @param x input
   * @returns the loss
   */
  forward(x: number): number;
  /**
   * Over lists.
   * @param x inputs
   * @returns the losses
   */
  forward(x: number[]): number[];
  forward(x: number | number[]): number | number[] { return x; }
}
/**
 * Says it.
 * @param lines what
 */
export function say(...lines: string[]): void { console.log(lines); }
/**
 * Sums.
 * @param at where
 * @param terms what
 * @returns the sum
 */
export function sum({ at = 0 }, terms: number[] = []): number { return terms[at]; }
function hidden(): void {}
hidden();
`),
      [],
    );
  });

  it("finds a module without a description", async () => {
    const missing = ["the module has no text with @module"];
    assertEquals(await problems("/** One. */\nexport const one: number = 1;\n"), missing);
    assertEquals(await problems("/** One. */\n\nexport {};\n"), missing);
  });

  it("finds symbols without a description", async () => {
    assertEquals(
      await problems(`${MODULE}
/** The module's text would count for the first symbol as well. */
export const zero: number = 0;
export const one: number = 1;
export type Two = 2;
export interface Three { three: number }
export class Four { four: number = 4; get five(): number { return 5; } }
`),
      [
        "one has no documentation",
        "Two has no documentation",
        "Three has no documentation",
        "Three.three has no documentation",
        "Four has no documentation",
        "Four.four has no documentation",
        "Four.five has no documentation",
      ],
    );
  });

  it("finds parameters and results without a description", async () => {
    assertEquals(
      await problems(`${MODULE}
/** F. */
export function f(x: number, { y }: { y: number }): number { return x + y; }
/** C. */
export class C {
  /** Made. */
  constructor(readonly of: number) {}
  /**
   * M.
   * @param b not its name
   */
  m(a: number): number { return a; }
}
`),
      [
        "f has no @param x",
        "f has no @param for parameter 2",
        "f has no @returns",
        "C.constructor has no @param of",
        "C.m has no @param a",
        "C.m has no @returns",
      ],
    );
  });
});
