/** What SECURITY.md says of the package, and the licences of what the project uses. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
// Imported to be found: the folder of this package stands beside those of the others.
import "vega-datasets";
import { isThere, PROJECT, projectFiles, readConfig, readProject } from "./checks/files.ts";
import { packagesIn, packagesOfProject, tableAfter } from "./checks/licences.ts";
import { importsOf, withoutTexts } from "./checks/source.ts";
import { MAX_HEIGHT } from "../losses/_core/formula/graph.ts";
import { MAX_NESTING } from "../losses/_core/formula/grammar.ts";
import { MAX_LENGTH } from "../losses/_core/formula/parse.ts";
import { MAX_INSTRUCTIONS, MOST_PAGES, PAGE } from "../losses/_core/kernel/sizes.ts";
import { MOST_AXES } from "../losses/_core/tensor/shape.ts";
import { origin } from "../notebooks/_kit/data/data.ts";

/** What reaches files, networks or processes, or makes code of text. */
const REACHES_OUT =
  /\b(eval|Function|fetch|WebSocket|XMLHttpRequest|Worker|importScripts|require|process|Deno|Bun|document|localStorage|indexedDB)\s*[.(]|\bimport\s*\(/;

describe("the package", () => {
  const modules = projectFiles().filter((path) => /^(mod|losses\/.*)\.ts$/.test(path));

  it("imports nothing but its own modules", () => {
    assert(modules.includes("losses/huber.ts"), "the modules were not found");
    for (const path of modules) {
      for (const specifier of importsOf(readProject(path))) {
        assert(/^\.\.?\//.test(specifier), `${path} imports ${specifier}`);
      }
    }
  });

  it("makes no code of text, and names nothing that reaches files, networks or processes, but for its threads", () => {
    for (const path of modules) {
      const [found] = withoutTexts(readProject(path)).match(REACHES_OUT) ?? [];
      assertEquals(found, path === "losses/_core/arena/workers.ts" ? "Worker(" : undefined, path);
    }
    assert(REACHES_OUT.test("new Function(text)") && REACHES_OUT.test("await import(name)"));
  });

  it("runs without any permission", async () => {
    const program = `
      import { defineLoss, empty, HuberLoss, useThreads } from "${new URL("mod.ts", PROJECT)}";
      import { Formula } from "${new URL("losses/_core/formula.ts", PROJECT)}";
      const Own = defineLoss({ name: "Own", arguments: { input: "x" }, value: "square(x)" });
      const { value } = new HuberLoss().valueAndGrad([3], [0]);
      console.log(value.item(), new Own().forward([3]).item(), new Formula("x ^ 2").evaluate({ x: 3 })[0]);
      await using threads = await useThreads(2);
      using large = empty([2 ** 19]);
      large.data.fill(1);
      console.log(new HuberLoss().forward(large, large).item());
    `;
    const args = ["run", "--no-config", "--no-lock", "--no-prompt", "--no-remote", "--no-npm", "-"];
    const child = new Deno.Command(Deno.execPath(), {
      args,
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
      env: { NO_COLOR: "1" },
    }).spawn();
    const input = child.stdin.getWriter();
    await input.write(new TextEncoder().encode(program));
    await input.close();
    const { stdout, stderr } = await child.output();
    const decoder = new TextDecoder();
    assertEquals(decoder.decode(stdout), "2.5 9 9\n0\n", decoder.decode(stderr));
  });
});

describe("SECURITY.md", () => {
  const page = readProject("SECURITY.md");

  it("gives the limits that the code has", () => {
    const limits = tableAfter(page, "## Formulas from strangers").map(([, most]) => most);
    const wanted = [MAX_LENGTH, MAX_NESTING, MAX_HEIGHT, MAX_INSTRUCTIONS];
    assertEquals(limits, [
      ...wanted.map((limit) => limit.toLocaleString("en-US")),
      `${MOST_PAGES * PAGE / 2 ** 30} GiB`,
    ]);
    assert(page.includes(`at most ${MOST_AXES} axes`));
  });
});

describe("the licences", () => {
  /** The folder of npm's packages. */
  const cache = new URL("../../../", import.meta.resolve("vega-datasets"));
  const read = (path: string) => JSON.parse(Deno.readTextFileSync(new URL(path, cache)));

  const rows = tableAfter(readProject("CONTRIBUTING.md"), "## Packages and data");

  it("of all packages that the project installs stand in CONTRIBUTING.md", () => {
    assertEquals(rows.map(([name]) => name).sort(), packagesOfProject().sort());
  });

  it("are those that the installed packages name", () => {
    const licenceOf = new Map(rows.map(([name, licence]) => [name, licence]));
    const specifiers = Object.values(readConfig().imports)
      .filter((specifier) => specifier.startsWith("npm:"))
      .map((specifier) => specifier.slice("npm:".length));
    assert(specifiers.length > 0);
    for (const specifier of specifiers) {
      const at = specifier.lastIndexOf("@");
      const name = specifier.slice(0, at);
      const { license } = read(`${name}/${specifier.slice(at + 1)}/package.json`);
      assertEquals(licenceOf.get(name)?.slice(0, license.length), license, name);
    }
  });

  it("of all data sets stand beside them, in the words of their source", () => {
    const terms = tableAfter(
      readProject("notebooks/_kit/data/README.md"),
      "# Data sets and their terms",
    );
    const { message } = assertThrows(() => origin("" as "cars"), RangeError);
    const names = message.replace(/.*there are only /, "").split(", ");
    assertEquals(terms.map(([name]) => name), names.sort());

    const { "vega-datasets": specifier } = readConfig().imports;
    const version = specifier.slice(specifier.lastIndexOf("@") + 1);
    const { resources } = read(`vega-datasets/${version}/datapackage.json`);
    for (const [name, where, words] of terms) {
      if (where !== "vega-datasets") {
        assert(isThere(`notebooks/_kit/data/${where}`), name);
        continue;
      }
      const files = [`${name}.json`, `${name}.csv`];
      const { licenses } = resources.find(({ path }: { path: string }) => files.includes(path));
      const [licence] = licenses ?? [{}];
      assertEquals(words, licence.name ?? licence.title ?? licence.path ?? "none named", name);
    }
  });
});

describe("the check of licences", () => {
  it("finds packages with and without a scope, once", () => {
    const text = `"npm:a@1.0.0" "jsr:@b/c@2" "npm:a@1.0.0/x.js" "npm:d"`;
    assertEquals(packagesIn(text), ["a", "@b/c"]);
  });

  it("reads the table below a heading, and misses one that is not there", () => {
    const page = "# P\n## T\n\n| a | b |\n|---|--:|\n| 1 | 2 |\n\n## U\n";
    assertEquals(tableAfter(page, "## T"), [["1", "2"]]);
    assertThrows(() => tableAfter(page, "## U"), Error, 'no table after "## U"');
  });
});
