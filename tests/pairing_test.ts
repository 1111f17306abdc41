/** Which files belong together, who may import whom, and what no file may hold. */
import { assert, assertEquals } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { parseNotebook } from "../notebooks/_kit/notebook/notebook_file.ts";
import { arrowProblems } from "./checks/arrows.ts";
import { importCircles } from "./checks/circles.ts";
import { isThere, namesIn, projectFiles, readConfig, readProject } from "./checks/files.ts";
import { type Listing, pairingProblems } from "./checks/pairing.ts";
import { importsOf, machinePathIn, withoutComments } from "./checks/source.ts";

/** Tests of the project as a whole, which belong to no loss. */
const PROJECT_TESTS = [
  "bundles",
  "define_loss",
  "docs",
  "fixtures",
  "notebooks",
  "pairing",
  "readme",
  "runtimes",
  "security",
];

/** Chapters without a module of losses/. */
const CHAPTERS: readonly string[] = ["your_own_loss"];

function listing(): Listing {
  const modules = isThere("losses") ? namesIn("losses", ".ts") : [];
  const isLoss = (name: string) =>
    /^export class \w+Loss\b/m.test(withoutComments(readProject(`losses/${name}.ts`)));
  return {
    losses: modules.filter(isLoss),
    helpers: modules.filter((name) => !isLoss(name)),
    chapters: CHAPTERS,
    notebooks: namesIn("notebooks", ".ipynb").filter((name) => name !== "index"),
    tests: namesIn("tests", "_test.ts").filter((name) => !PROJECT_TESTS.includes(name)),
    cases: namesIn("tests/reference/cases", ".ts"),
    fixtures: namesIn("tests/fixtures", ".json"),
  };
}

/** The code of a module, or of all code cells of a notebook. */
function codeIn(path: string): string {
  if (!path.endsWith(".ipynb")) return readProject(path);
  const { cells } = parseNotebook(readProject(path));
  return cells.filter((cell) => cell.cell_type === "code").map((cell) => cell.source).join("\n");
}

describe("the files of a loss", () => {
  it("are complete: module, notebook, test, cases and fixtures", () => {
    assertEquals(pairingProblems(listing()), []);
  });

  it("are found", () => {
    assert(listing().losses.length > 0, "no loss was found, so that the test above checks nothing");
  });
});

describe("imports", () => {
  it("follow the rooms: mod.ts → losses → _core, in _core downwards; notebooks → reference → mod.ts", () => {
    const { imports } = readConfig();
    const sources = projectFiles().filter((path) => /\.(ts|ipynb)$/.test(path));
    assertEquals(sources.flatMap((path) => arrowProblems(path, codeIn(path), imports)), []);
  });

  it("never form a circle in losses/ or tests/, not even imports of types", () => {
    const paths = projectFiles().filter((path) => /^(mod|(losses|tests)\/.*)\.ts$/.test(path));
    const sources = Object.fromEntries(paths.map((path) => [path, readProject(path)]));
    assert(paths.includes("losses/_core/tensor/tensor.ts"), "the files of losses/ were not found");
    assertEquals(importCircles(sources), []);
  });
});

describe("every file", () => {
  it("is free of paths that exist on one machine only", () => {
    const texts = projectFiles().filter((path) => !/\.(png|svg|woff2?|wasm)$/.test(path));
    const found = texts.flatMap((path) => {
      const place = machinePathIn(readProject(path));
      return place ? [`${path} holds ${place}`] : [];
    });
    assertEquals(found, []);
  });
});

describe("the pairing check", () => {
  const whole: Listing = {
    losses: ["huber"],
    helpers: ["softmax"],
    chapters: ["own"],
    notebooks: ["huber", "own"],
    tests: ["huber", "softmax", "own"],
    cases: ["huber", "own"],
    fixtures: ["huber", "own"],
  };

  it("accepts a complete project", () => {
    assertEquals(pairingProblems(whole), []);
  });

  it("finds a missing notebook, test, cases file and fixture", () => {
    assertEquals(pairingProblems({ ...whole, notebooks: [], tests: [], cases: [], fixtures: [] }), [
      "losses/huber.ts has no notebooks/huber.ipynb",
      "the chapter own has no notebooks/own.ipynb",
      "losses/huber.ts has no tests/huber_test.ts",
      "the chapter own has no tests/own_test.ts",
      "losses/huber.ts has no tests/reference/cases/huber.ts",
      "the chapter own has no tests/reference/cases/own.ts",
      "losses/huber.ts has no tests/fixtures/huber.json",
      "the chapter own has no tests/fixtures/own.json",
      "losses/softmax.ts has no tests/softmax_test.ts",
    ]);
  });

  it("finds a file without its loss or chapter", () => {
    assertEquals(pairingProblems({ ...whole, losses: [] }), [
      "notebooks/huber.ipynb has no losses/huber.ts",
      "tests/huber_test.ts has no losses/huber.ts",
      "tests/reference/cases/huber.ts has no losses/huber.ts",
    ]);
  });
});

describe("the import check", () => {
  const names = { "mathjs": "npm:mathjs@15.2.0", "@std/assert": "jsr:@std/assert@1.0.19" };
  const problems = (path: string, code: string) => arrowProblems(path, code, names);

  it("accepts imports that the rooms allow", () => {
    assertEquals(problems("mod.ts", `export * from "./losses/huber.ts";`), []);
    assertEquals(problems("losses/huber.ts", `import { a } from "./_core/tensor/tensor.ts";`), []);
    assertEquals(
      problems("losses/_core/kernel/a.ts", `import type { b } from "../formula/b.ts";`),
      [],
    );
    assertEquals(
      problems(
        "notebooks/huber.ipynb",
        `import { HuberLoss } from "@lossbook/losses";\nimport { plot } from "./_kit/mod.ts";
         import { examples } from "../tests/reference/cases/huber.ts";\nimport { derivative } from "mathjs";`,
      ),
      [],
    );
    assertEquals(problems("tests/huber_test.ts", `import "@std/assert";`), []);
  });

  for (
    const [path, specifier] of [
      ["mod.ts", "./tests/close.ts"],
      ["losses/_core/tensor/tensor.ts", "../../huber.ts"],
      ["losses/_core/tensor/tensor.ts", "../kernel/kernels.ts"],
      ["losses/_core/formula/graph.ts", "../formula.ts"],
      ["losses/_core/kernel/kernels.ts", "../rows/rows.ts"],
      ["losses/_core/elementwise/driver.ts", "../../_ctc/alignment.ts"],
      ["losses/_core/elsewhere/a.ts", "../tensor/tensor.ts"],
      ["losses/_ctc/alignment.ts", "../ctc.ts"],
      ["tests/reference/maths/math.ts", "../cases/huber.ts"],
      ["tests/reference/torch/random.ts", "../../_close.ts"],
      ["tests/reference/cases/huber.ts", "../../../notebooks/_kit/mod.ts"],
      ["notebooks/_kit/show/show.ts", "../runner/cells.ts"],
      ["notebooks/_kit/figures/curves.ts", "../contents/loss_panels.ts"],
      ["notebooks/_kit/still/still.ts", "../plot/style.ts"],
      ["notebooks/_kit/plot/plot.ts", "happy-dom"],
      ["notebooks/huber.ipynb", "./_kit/plot/plot.ts"],
      ["losses/huber.ts", "../mod.ts"],
      ["losses/huber.ts", "mathjs"],
      ["losses/huber.ts", "@std/assert"],
      ["losses/huber.ts", "jsr:@std/math"],
      ["notebooks/huber.ipynb", "../losses/huber.ts"],
      ["notebooks/huber.ipynb", "../mod.ts"],
      ["notebooks/_kit/plot/plot.ts", "@std/assert"],
      ["notebooks/_kit/plot/plot.ts", "../../../losses/_core/tensor/tensor.ts"],
      ["tests/reference/cases/huber.ts", "@std/assert"],
    ]
  ) {
    it(`finds that ${path} must not import ${specifier}`, () => {
      const forms = [
        `import { a } from "${specifier}";`,
        `import type { a } from "${specifier}";`,
        `import {\n  a,\n} from "${specifier}";`,
        `export * from "${specifier}";`,
        `import "${specifier}";`,
        `const { a } = await import("${specifier}");`,
      ];
      for (const form of forms) {
        assert(problems(path, form).includes(`${path} imports ${specifier}`), form);
      }
    });
  }

  it("finds a loss that uses Deno or awaits", () => {
    assertEquals(problems("losses/a.ts", `Deno.readTextFileSync("x");`).length, 1);
    assertEquals(problems("losses/a.ts", `const bytes = await load();`).length, 1);
  });

  it("ignores imports and Deno in comments and strings", () => {
    const comment = `/**\n * \`\`\`ts\n * import "@std/assert";\n * await Deno.test();\n */\n`;
    assertEquals(problems("losses/a.ts", `${comment}// import "mathjs"`), []);
    assertEquals(problems("losses/a.ts", `Symbol.for("Deno.customInspect");`), []);
    assertEquals(importsOf(`const glob = "**/*.ts"; import "a"; /* import "b" */`), ["a"]);
    assertEquals(
      importsOf(`const text = "where it comes from", other = "b"; x("import y from");`),
      [],
    );
    assertEquals(importsOf(`import {\n  a,\n} from "a";\nexport * from "b";\nawait import("c");`), [
      "a",
      "b",
      "c",
    ]);
  });
});

describe("the circle check", () => {
  it("accepts modules that share an import, and imports from outside of the list", () => {
    const sources = {
      "a.ts": `import { b } from "./b.ts"; import { c } from "./c.ts";`,
      "b.ts": `import { c } from "./c.ts"; import { other } from "./other.ts";`,
      "c.ts": `import "@std/assert";`,
    };
    assertEquals(importCircles(sources), []);
  });

  it("finds a circle through other folders, and one that only types close", () => {
    const sources = {
      "mod.ts": `export * from "./core/a.ts";`,
      "core/a.ts": `import { b } from "../rows/b.ts";`,
      "rows/b.ts": `export { c } from "./c.ts";`,
      "rows/c.ts": `import type { A } from "../core/a.ts";`,
    };
    assertEquals(importCircles(sources), ["core/a.ts → rows/b.ts → rows/c.ts → core/a.ts"]);
  });

  it("finds a module that imports itself, and every circle of several", () => {
    const sources = {
      "a.ts": `import "./a.ts";`,
      "b.ts": `import "./c.ts";`,
      "c.ts": `import "./b.ts";`,
    };
    assertEquals(importCircles(sources), ["a.ts → a.ts", "b.ts → c.ts → b.ts"]);
  });
});

describe("the path check", () => {
  it("finds a path of a machine, in a text or as a file URL", () => {
    // The path is joined from its parts, so that this file passes the check.
    const path = ["", "home", "ada", "lossbook"].join("/");
    for (const text of [path, `at ${path}/mod.ts:1`, `file://${path}`, `(${path})`, `"${path}"`]) {
      assertEquals(machinePathIn(text)?.replace("file://", ""), path.slice(0, 9), text);
    }
  });

  it("accepts other slashes", () => {
    const host = "https://example.org";
    for (const text of ["and/or", "x/home", `${host}/${"home"}/page`, "a / b", "notebooks/_kit"]) {
      assertEquals(machinePathIn(text), undefined, text);
    }
  });
});
