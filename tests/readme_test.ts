import { assert, assertEquals, assertThrows } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { isThere, projectFiles, readConfig, readProject } from "./checks/files.ts";
import { markedIn, withMarked } from "./checks/marked.ts";
import { questionTable } from "./checks/questions.ts";
import { fencesOf, linesShown, pageProblems } from "./checks/readme.ts";
import { referenceTable } from "./checks/reference.ts";
import { TABLES } from "./checks/tables.ts";
import { unlikePyTorch } from "./checks/unlike.ts";

// The `ts` examples themselves run with `deno task test`, which reads the pages as documentation.

const SURROUNDINGS = {
  tasks: Object.keys(readConfig().tasks),
  deno: readProject(".ci/run").match(/^DENO_VERSION=(\S+)$/m)?.[1] ?? "not named in .ci/run",
  isThere,
  read: readProject,
};

describe("Markdown pages", () => {
  for (const page of projectFiles().filter((path) => path.endsWith(".md"))) {
    it(`${page} has only commands that exist, examples that assert, links that lead somewhere`, () => {
      assertEquals(pageProblems(page, readProject(page), SURROUNDINGS), []);
    });
  }

  for (const { file, name, make } of TABLES) {
    it(`${file} holds the table "${name}" that the project gives today (deno task tables)`, () => {
      assertEquals(markedIn(readProject(file), name), make());
    });
  }
});

describe("every page, workflow and notebook", () => {
  it("names the Deno that CI runs", () => {
    const texts = projectFiles().filter((path) => /\.(md|yml|ipynb)$/.test(path));
    const named = texts.flatMap((path) =>
      [...readProject(path).matchAll(/\bdeno@(\d[\d.]*\d)/g)].map(([, version]) =>
        `${path}: ${version}`
      )
    );
    assert(named.some((line) => line.startsWith(".github/")), "the workflows were not looked at");
    assertEquals(named.filter((line) => !line.endsWith(`: ${SURROUNDINGS.deno}`)), []);
  });
});

describe("README.md", () => {
  const readme = readProject("README.md");

  it("begins with the two commands, and shows an example", () => {
    const [commands, example] = fencesOf(readme);
    for (const task of ["notebooks", "test"]) {
      assert(commands.code.includes(`npx -y deno@${SURROUNDINGS.deno} task ${task}`), task);
    }
    assertEquals(example.language, "ts");
  });

  it("says on two screens what a user needs to know", () => {
    const [start, details] = readme.split("\n## How it works\n");
    assert(details !== undefined);
    assert(linesShown(start) <= 110, `${linesShown(start)} lines, but at most 110 are wanted`);
  });
});

describe("the table of differences", () => {
  it("takes the paragraph that begins with the words, as one line", () => {
    const card =
      "/**\n * A loss.\n *\n * Unlike PyTorch, one\n * thing | two.\n *\n * @module\n */\ncode();";
    assertEquals(unlikePyTorch(card), "one thing | two.");
  });

  it("names symbols without the links of the documentation", () => {
    const card =
      "/**\n * A loss.\n *\n * Unlike PyTorch, as {@linkcode A} and {@link B | the B} say.\n */";
    assertEquals(unlikePyTorch(card), "as `A` and `B` say.");
  });

  it("says nothing of a card that does not, or of later comments", () => {
    assertEquals(unlikePyTorch("/** A loss. */\n/** Unlike PyTorch, no. */"), undefined);
  });
});

describe("the check of a page", () => {
  const around = {
    tasks: ["test", "test:fast"],
    deno: "2.9.6",
    isThere: (path: string) => ["mod.ts", "losses/README.md"].includes(path),
    read: () => "# The losses\n",
  };
  const problems = (markdown: string, page = "README.md") => pageProblems(page, markdown, around);
  const fence = (language: string, code: string) => `\`\`\`${language}\n${code}\n\`\`\`\n`;

  it("has nothing to say about what is right", () => {
    const markdown = [
      "# Losses & more",
      fence("sh", "npx -y deno@2.9.6 task test   # all\n\ndeno task test:fast\ndeno run -A mod.ts"),
      fence("sh", "npx -y deno@2.9.6 pack -o x.tgz\ndeno add jsr:@lossbook/losses"),
      fence("ts", "assertEquals(1, 1);"),
      fence("text", "anything"),
      "[code](mod.ts), [above](#losses--more), [there](https://example.org), `[no](link)`",
      "[a page](losses/README.md), [a place on it](losses/README.md#the-losses)",
      `<img src="mod.ts">`,
    ];
    assertEquals(problems(markdown.join("\n")), []);
    assertEquals(problems("[one](../mod.ts), [two](README.md#the-losses)", "losses/a.md"), []);
  });

  for (
    const [what, markdown, problem] of [
      ["an example without an assertion", fence("ts", "f();"), "an example asserts nothing: f();"],
      [
        "an example that does not run",
        fence("ts ignore", "assert(0);"),
        `a fence is "ts ignore", but ts, sh or text is wanted: assert(0);`,
      ],
      [
        "a fence without a language",
        fence("", "f();"),
        `a fence is "", but ts, sh or text is wanted: f();`,
      ],
      [
        "a task that is not there",
        fence("sh", "deno task tset"),
        "there is no task tset: deno task tset",
      ],
      [
        "a script that is not there",
        fence("sh", "deno run -A no.ts"),
        "there is no no.ts: deno run -A no.ts",
      ],
      [
        "another Deno than CI's",
        fence("sh", "npx -y deno@2.8.0 task test"),
        "CI runs Deno 2.9.6: npx -y deno@2.8.0 task test",
      ],
      ["an unknown command", fence("sh", "make all"), "nothing checks the command: make all"],
      [
        "an unknown command of Deno",
        fence("sh", "npx -y deno@2.9.6 deploy"),
        "nothing checks the command: npx -y deno@2.9.6 deploy",
      ],
      ["a dead link", "[x](no.ts)", "a link leads nowhere: no.ts"],
      ["a link from another folder", "[x](../mod.js)", "a link leads nowhere: ../mod.js"],
      ["a dead picture", `<img src="no.png">`, "a link leads nowhere: no.png"],
      ["a dead anchor", "# One\n[x](#two)", "no heading has the anchor: #two"],
      [
        "a dead anchor of another page",
        "[x](losses/README.md#two)",
        "no heading has the anchor: losses/README.md#two",
      ],
      [
        "a link of the documentation",
        "as {@linkcode X} says",
        "has a {@link}, which only documentation generators read",
      ],
    ]
  ) {
    it(`sees ${what}`, () => assertEquals(problems(markdown), [problem]));
  }

  it("sees a registry's host", () => {
    const host = ["registry", "npmjs", "org"].join(".");
    assertEquals(problems(`from ${host}`), [`names the registry ${host}`]);
  });

  it("counts the lines that a reader sees", () => {
    assertEquals(linesShown(`a\n\n[b](${"x".repeat(200)})`), 3);
    assertEquals(linesShown("<!-- x: begin -->\n\n| a |\n"), 2);
    assertEquals(linesShown("x".repeat(261)), 3);
  });
});

describe("generated blocks", () => {
  it("stand between their markers, and leave the rest alone", () => {
    const before = "# A\n<!-- b: begin -->\nold\n<!-- b: end -->\n# B\n";
    const after = "# A\n<!-- b: begin -->\n\nnew\n\n<!-- b: end -->\n# B\n";
    assertEquals(markedIn(before, "b"), "old");
    assertEquals(withMarked(before, "b", "new"), after);
    assertEquals(withMarked(after, "b", "new"), after);
  });

  it("are missed where there are none", () => {
    assertThrows(() => withMarked("# A\n", "b", "new"), Error, 'the generated block "b"');
    assertThrows(() => markedIn("<!-- b: begin -->\n", "b"), Error, 'the generated block "b"');
  });
});

describe("the reference table", () => {
  it("has a row per loss", () => {
    const table = referenceTable([{ name: "HuberLoss", file: "huber", formula: "a | b" }]);
    assertEquals(table.split("\n").slice(2), [
      "| [`HuberLoss`](huber.ts) | `a \\| b` | `torch.nn.HuberLoss` | " +
      "[huber](../notebooks/huber.ipynb) | [test](../tests/huber_test.ts) |",
    ]);
  });
});

describe("the table of questions", () => {
  it("has a row per loss, and says once per group what is predicted", () => {
    const chapter = (group: "numbers" | "pairs", file: string) => (
      { group, file, loss: `${file}Loss`, zh: "", en: "", useZh: "", useEn: `of ${file}` }
    );
    const chapters = [chapter("numbers", "a"), chapter("numbers", "b"), chapter("pairs", "c")];
    assertEquals(questionTable(chapters).split("\n").slice(2), [
      "| a number | [aLoss](notebooks/a.ipynb) | of a |",
      "|  | [bLoss](notebooks/b.ipynb) | of b |",
      "| how near two things are | [cLoss](notebooks/c.ipynb) | of c |",
    ]);
  });
});
