/** The package outside of Deno: bundled and packed for Node, and compiled by npm's TypeScript. */
import { assertEquals, assertMatch } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { PROJECT, readConfig } from "./checks/files.ts";
import { inFolder, isInstalled, pack, run } from "./_package.ts";
import { runDeno } from "./offline/run.ts";

const MOD = new URL("mod.ts", PROJECT).href;

/** A program that prints what some losses return. */
const program = (from: string) => `
import { CrossEntropyLoss, CTCLoss, float32, HuberLoss, int32 } from "${from}";

const show = ({ value, grad }) => console.log([value, ...Object.values(grad)].join("\\n"));
show(new HuberLoss().valueAndGrad(float32([0.5, 3]), float32([0, 0])));
show(new CrossEntropyLoss({ labelSmoothing: 0.1 }).valueAndGrad(float32([[0.8, 0.9, 0.3]]), int32([1])));
show(new CTCLoss({ logits: true }).valueAndGrad([[[1, 0.5, -0.5]], [[0.2, 0.8, 0.1]]], [[1]], [2], [1]));
`;

/** Installs the package in a folder as a user of npm does. */
async function install(folder: string): Promise<void> {
  const tarball = await pack(folder);
  await Deno.writeTextFile(`${folder}/package.json`, `{ "type": "module" }`);
  await run("npm", ["install", "--offline", "--no-audit", tarball], folder);
}

/** How often each file fails to compile, as "3 × losses/huber.ts", and the first message in full. */
async function typeErrors(flags: string[], files: string[]): Promise<string[]> {
  const tsc = `${readConfig().imports.typescript}/tsc`;
  const options = ["--noEmit", "--pretty", "false", "--strict", "--target", "es2024"];
  const lib = ["--lib", "es2024,dom", "--types", "", "--skipLibCheck", "false"];
  const args = ["run", "-A", "--quiet", "--frozen", tsc, ...options, ...lib, ...flags, ...files];
  const { code, output } = await runDeno(args, PROJECT);
  const places = [...output.matchAll(/^(.+?)\(\d+,\d+\): error /gm)].map(([, path]) => path);
  const counts = Map.groupBy(places, (path) => path);
  if (code === 0 && places.length === 0) return [];
  return [output.split("\n")[0], ...[...counts].map(([path, { length }]) => `${length} × ${path}`)];
}

const whereNodeIs = await isInstalled("node") ? it : it.skip;

describe("in Node, the losses print what they print in Deno", () => {
  async function inDeno(folder: string): Promise<string> {
    await Deno.writeTextFile(`${folder}/program.js`, program(MOD));
    return await run(Deno.execPath(), ["run", "--quiet", `${folder}/program.js`]);
  }

  whereNodeIs("when bundled", () =>
    inFolder(async (folder) => {
      const expected = await inDeno(folder);
      assertMatch(expected, /^tensor\(1.3125\)\ntensor\(\[0.2500, 0.5000\]\)\n/);
      const bundle = `${folder}/bundle.mjs`;
      const args = ["bundle", "--quiet", "--platform", "browser", "--minify"];
      await run(Deno.execPath(), [...args, `${folder}/program.js`, "-o", bundle]);
      assertEquals(await run("node", [bundle]), expected);
    }));

  whereNodeIs("when packed and installed by npm", () =>
    inFolder(async (folder) => {
      const expected = await inDeno(folder);
      await install(folder);
      await Deno.writeTextFile(`${folder}/packed.js`, program("@lossbook/losses"));
      assertEquals(await run("node", ["packed.js"], folder), expected);
    }));
});

describe("npm's TypeScript", () => {
  const entries = Object.values(readConfig().exports);
  const asSources = ["--module", "esnext", "--moduleResolution", "bundler"];

  for (
    const flags of [
      [],
      ["--exactOptionalPropertyTypes"],
      ["--noUncheckedIndexedAccess"],
      ["--isolatedDeclarations", "--declaration"],
    ]
  ) {
    it(`compiles the sources ${flags.join(" ")}`, async () => {
      const all = [...asSources, "--allowImportingTsExtensions", ...flags];
      assertEquals(await typeErrors(all, entries), []);
    });
  }

  const USER = `
import { CrossEntropyLoss, float32, int32, type Tensor } from "@lossbook/losses";
import { Formula } from "@lossbook/losses/formula";

const loss = new CrossEntropyLoss({ labelSmoothing: 0.1 });
const { value, grad } = loss.valueAndGrad(float32([[0.8, 0.9]]), int32([1]), { wrt: ["input"] });
export const slope: Tensor = grad.input;
export const number: number = value.item();
export const derivative: Formula = new Formula("square(x)").derivative("x");
`;

  const USING = `
import { type DisposableTensor, empty, MSELoss, type Threads, useThreads } from "@lossbook/losses";

await using threads: Threads = await useThreads(2);
using input = empty([8]);
const gradient: DisposableTensor = empty([8]);
new MSELoss().valueAndGrad(input, threads.count, { out: { input: gradient } });
gradient[Symbol.dispose]();
await threads[Symbol.asyncDispose]();
`;

  whereNodeIs("compiles a strict user of the packed package", () =>
    inFolder(async (folder) => {
      await install(folder);
      const strict = ["--exactOptionalPropertyTypes", "--noUncheckedIndexedAccess"];
      for (const resolution of [["--module", "nodenext"], asSources]) {
        await Deno.writeTextFile(`${folder}/user.ts`, USER);
        assertEquals(await typeErrors([...resolution, ...strict], [`${folder}/user.ts`]), []);
      }
      await Deno.writeTextFile(`${folder}/using.ts`, USING);
      for (const lib of ["es2022,dom,esnext.disposable", "esnext,dom"]) {
        const all = [...asSources, ...strict, "--lib", lib];
        assertEquals(await typeErrors(all, [`${folder}/using.ts`]), []);
      }
      await Deno.writeTextFile(`${folder}/user.ts`, USER.replace(": Tensor", ": string"));
      const [first] = await typeErrors(asSources, [`${folder}/user.ts`]);
      assertMatch(first, /Type 'Tensor' is not assignable to type 'string'/);
    }));
});
