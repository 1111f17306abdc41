/** Who imports one loss loads one loss: subpaths, what an import runs, and how large bundles are. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { gzipSync } from "node:zlib";
import type { Bundle, Bundles, Programs } from "./_bundlers.ts";
import { inFolder, pack, run } from "./_package.ts";
import { exportsOf, exportsOfProject, withExports } from "./checks/exports.ts";
import { PROJECT, readConfig, readProject } from "./checks/files.ts";
import { runDeno } from "./offline/run.ts";

const { exports } = readConfig();
const SUBPATHS = Object.keys(exports).filter((path) => path !== ".");

describe("the subpaths", () => {
  it("are one for each module in losses/, beside those of modules elsewhere (deno task tables)", () => {
    assertEquals(Object.entries(exports), Object.entries(exportsOfProject()));
    assert(SUBPATHS.includes("./huber"));
  });

  it("are written by name, after the main entry", () => {
    const present = { "./b": "./losses/b.ts", ".": "./mod.ts", "./x": "./losses/_core/x.ts" };
    const wanted = {
      ".": "./mod.ts",
      "./a": "./losses/a.ts",
      "./x": "./losses/_core/x.ts",
      "./z": "./losses/z.ts",
    };
    assertEquals(Object.entries(exportsOf(present, ["z", "a"])), Object.entries(wanted));
  });

  it("are put in the place of those that deno.json has", () => {
    const config = (block: string) => `{\n  "a": 1,\n  "exports": ${block},\n  "b": {}\n}\n`;
    const wanted = config(`{\n    ".": "./mod.ts"\n  }`);
    assertEquals(withExports(config(`{ "./a": "./a.ts" }`), { ".": "./mod.ts" }), wanted);
    assertEquals(withExports(readProject("deno.json"), exports), readProject("deno.json"));
  });
});

describe("an import", () => {
  /** The functions in files of the package that run if a module is imported, by name. */
  async function functionsRun(paths: readonly string[]): Promise<string[]> {
    const names = new Set<string>();
    await inFolder(async (folder) => {
      const program = `${folder}/program.ts`;
      const modules = paths.map((path) => new URL(path, PROJECT).href);
      await Deno.writeTextFile(program, modules.map((module) => `import "${module}";\n`).join(""));
      const coverage = `${folder}/coverage`;
      const args = ["run", "--allow-all", "--no-lock", `--coverage=${coverage}`, program];
      const { code, output } = await runDeno(args, PROJECT);
      assertEquals(code, 0, output);
      for (const { name } of Deno.readDirSync(coverage)) {
        const file: {
          url: string;
          functions: { functionName: string; ranges: [{ startOffset: number; count: number }] }[];
        } = JSON.parse(Deno.readTextFileSync(`${coverage}/${name}`));
        if (!file.url.startsWith(PROJECT.href)) continue;
        for (const { functionName, ranges: [{ startOffset, count }] } of file.functions) {
          const isModule = startOffset === 0;
          if (count > 0 && !isModule) names.add(functionName);
        }
      }
    });
    return [...names].sort();
  }

  /** What only remembers a description or looks up a getter, or sets a static property of a class. */
  const DEFINITIONS = [
    "<static_initializer>",
    "defineKernels",
    "defineRowKernels",
    "elementwiseHelper",
    "helper",
    "inheritedGetter",
    "softmaxHelper",
    "weighted",
    "wrongClass",
  ];

  it("of all subpaths defines and computes nothing", async () => {
    assertEquals(await functionsRun(SUBPATHS.map((path) => exports[path])), DEFINITIONS);
  });

  it("of the main entry says besides how notebooks show losses", async () => {
    const found = await functionsRun([exports["."]]);
    assertEquals(found.filter((name) => !DEFINITIONS.includes(name)), [
      "define",
      "get formula",
      "showAllInNotebooks",
      "showInNotebooks",
    ]);
  });
});

const NAME = readConfig().name;
const keep = (names: string, from: string) =>
  `import { ${names} } from "${NAME}${from}";\nglobalThis.kept = [${names}];\n`;

/** Programs by what they import. */
const PROGRAMS = {
  "HuberLoss from the main entry": keep("HuberLoss", ""),
  "HuberLoss from its subpath": keep("HuberLoss", "/huber"),
  "CrossEntropyLoss from its subpath": keep("CrossEntropyLoss", "/cross_entropy"),
  "float32 from the main entry": keep("float32", ""),
  "Formula": keep("Formula", "/formula"),
  "everything": `import * as all from "${NAME}";\nglobalThis.kept = all;\n`,
  ...Object.fromEntries(
    Object.keys(exports).map((path) => [`nothing of ${path}`, `import "${NAME}${path.slice(1)}";`]),
  ),
  "some losses": `
import { CrossEntropyLoss, CTCLoss, float32, HuberLoss, int32, softmax } from "${NAME}";

const show = ({ value, grad }) => console.log([value, ...Object.values(grad)].join("\\n"));
show(new HuberLoss().valueAndGrad(float32([0.5, 3]), float32([0, 0])));
show(new CrossEntropyLoss({ labelSmoothing: 0.1 }).valueAndGrad(float32([[0.8, 0.9]]), int32([1])));
show(new CTCLoss({ logits: true }).valueAndGrad([[[1, 0.5, -0.5]], [[0.2, 0.8, 0.1]]], [[1]], [2], [1]));
show(softmax.valueAndGrad([0.5, 3]));
console.log(float32([1]), new HuberLoss({ delta: 2 }));
`,
  "threads": `
import { CrossEntropyLoss, CTCLoss, empty, int32, useThreads } from "${NAME}";

const labels = (count, shape) => int32(Array.from({ length: count }, (_, i) => 1 + i % 19), shape);
const lengths = [100, 10].map((length) => int32(new Array(8).fill(length)));
const calls = [
  [new CrossEntropyLoss(), [3000, 200], labels(3000)],
  [new CrossEntropyLoss(), [2, 20, 9000], labels(18000, [2, 9000])],
  [new CTCLoss({ logits: true }), [100, 8, 20], labels(80, [8, 10]), ...lengths],
].map(([loss, shape, ...others]) => {
  const scores = empty(shape);
  scores.data.forEach((_, i) => scores.data[i] = Math.sin(i));
  return () => loss.forward(scores, ...others).item();
});
const wanted = calls.map((call) => call());
useThreads(3).then(async (threads) => {
  let equal = 0;
  for (let k = 0; k < 30; k++) calls.forEach((call, i) => equal += Number(call() === wanted[i]));
  console.log(threads.count, equal);
  await threads[Symbol.asyncDispose]();
});
`,
};
type Program = keyof typeof PROGRAMS;

/** The largest allowed sizes in bytes, minified and compressed by gzip. */
const LIMITS = {
  "HuberLoss from the main entry": 16_000,
  "HuberLoss from its subpath": 15_970,
  "CrossEntropyLoss from its subpath": 19_400,
  "float32 from the main entry": 4_450,
  "Formula": 15_600,
  "everything": 64_200,
} satisfies Partial<Record<Program, number>>;

it("the README tells the limits in kB", () => {
  const told = readProject("README.md").match(/minified and gzipped, .*/)?.[0] ?? "";
  const numbers = [...told.matchAll(/less than (\d+) kB/g)].map(([, number]) => Number(number));
  const limits = [
    LIMITS["HuberLoss from the main entry"],
    LIMITS["CrossEntropyLoss from its subpath"],
    LIMITS["float32 from the main entry"],
    LIMITS["everything"],
  ];
  assertEquals(numbers, limits.map((limit) => Math.ceil(limit / 1000)));
});

const BUNDLERS = ["esbuild", "esbuildForOldBrowsers", "vite"] as const;
type AllBundles = Readonly<Record<typeof BUNDLERS[number], Bundles>>;
let bundles: Promise<AllBundles> | undefined;

/** Packs the package, installs it in a folder, and lets the bundlers bundle all programs. */
async function bundleAll(): Promise<AllBundles> {
  let printed = "";
  await inFolder(async (temporary) => {
    const folder = await Deno.realPath(temporary);
    const home = `${folder}/node_modules/${NAME}`;
    await Deno.mkdir(home, { recursive: true });
    await run("tar", ["-xzf", await pack(folder), "--strip-components=1", "-C", home]);
    await Deno.writeTextFile(`${folder}/package.json`, `{ "type": "module" }`);
    const programs: Programs = { folder, programs: PROGRAMS };
    const bundlers = new URL("_bundlers.ts", import.meta.url).href;
    const args = ["run", "--allow-all", "--quiet", "--frozen", bundlers, JSON.stringify(programs)];
    printed = await run(Deno.execPath(), args);
  });
  return JSON.parse(printed);
}

/** Tests with the bundles of a bundler, unless it cannot run here. */
function testWith(
  bundler: typeof BUNDLERS[number],
  what: string,
  test: (bundleOf: (program: Program) => Bundle) => void | Promise<void>,
): void {
  it(what, async () => {
    const { [bundler]: found } = await (bundles ??= bundleAll());
    if (typeof found !== "string") await test((program) => found[program]);
    else console.log(`Not tested, as ${bundler} cannot run here: ${found}`);
  });
}

describe("threads work in a bundle", () => {
  for (const bundler of BUNDLERS) {
    testWith(bundler, `by ${bundler}`, (bundleOf) =>
      inFolder(async (folder) => {
        const program = `${folder}/program.js`;
        await Deno.writeTextFile(program, bundleOf("threads").code);
        const args = ["run", "--no-config", "--no-lock", "--quiet", program];
        assertEquals(await run(Deno.execPath(), args), "3 90\n");
      }));
  }
});

for (const bundler of ["esbuild", "vite"] as const) {
  describe(`a bundle by ${bundler}`, () => {
    const withBundles = (
      what: string,
      test: (bundleOf: (program: Program) => Bundle) => void | Promise<void>,
    ) => testWith(bundler, what, test);

    for (const [program, limit] of Object.entries(LIMITS)) {
      withBundles(`of ${program} has at most ${limit} bytes`, (bundleOf) => {
        const size = gzipSync(bundleOf(program as Program).code, { level: 9 }).length;
        console.log(`${bundler}, ${program}: ${size} bytes`);
        assert(size <= limit, `${size} bytes`);
      });
    }

    for (const path of Object.keys(exports)) {
      withBundles(`of an unused import of "${path}" contains no code`, (bundleOf) => {
        const { code } = bundleOf(`nothing of ${path}` as Program);
        // esbuild leaves constants such as 2**-960 in place.
        assertMatch(code, /^(var [^;]*;)*$/);
        assert(!/[\w$]\(|=>|\bfunction\b|\bclass\b|["'`]/.test(code), code);
      });
    }

    withBundles("of a single loss contains nothing that it does not use", (bundleOf) => {
      for (
        const program of ["HuberLoss from the main entry", "HuberLoss from its subpath"] as const
      ) {
        const { code, files } = bundleOf(program);
        assert(code.includes("HuberLoss"));
        for (const other of ["MSELoss", "\\frac", "Cannot define", "Cannot parse the formula"]) {
          assert(!code.includes(other), `${program} contains "${other}"`);
        }
        const unused =
          /(math|row_kernels|latex|graph|parse|domains|weights)\.js$|define\/|losses\/(?!huber)\w+\.js$/;
        // Constants may stay, see above.
        const found = Object.keys(files).filter((file) => files[file] > 50 && unused.test(file));
        assertEquals(found, []);
      }
    });

    withBundles("computes what the modules compute", async (bundleOf) => {
      await inFolder(async (folder) => {
        const [plain, bundled] = [`${folder}/plain.js`, `${folder}/bundled.js`];
        const main = new URL(exports["."], PROJECT).href;
        await Deno.writeTextFile(plain, PROGRAMS["some losses"].replace(`"${NAME}"`, `"${main}"`));
        await Deno.writeTextFile(bundled, bundleOf("some losses").code);
        const print = (file: string) => run(Deno.execPath(), ["run", "--no-lock", "--quiet", file]);
        const expected = await print(plain);
        assertMatch(expected, /^tensor\(1.3125\)\n/);
        assertEquals(await print(bundled), expected);
      });
    });
  });
}
