import { assert, assertEquals } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { isThere, readConfig, readProject } from "./checks/files.ts";
import { fencesOf, readmeProblems } from "./checks/readme.ts";
import { lossesOfProject, MARKERS, referenceTable } from "./checks/reference.ts";
import { UNLIKE_MARKERS, unlikePyTorch, unlikeTable } from "./checks/unlike.ts";

// The `ts` examples themselves run with `deno task test`, which reads the README as documentation.

const SURROUNDINGS = {
  tasks: Object.keys(readConfig().tasks),
  deno: readProject(".ci/run").match(/^DENO_VERSION=(\S+)$/m)?.[1] ?? "not named in .ci/run",
  isThere,
};

describe("README.md", () => {
  const readme = () => readProject("README.md");

  it("has only commands that exist, examples that assert and links that lead somewhere", () => {
    assertEquals(readmeProblems(readme(), SURROUNDINGS), []);
  });

  it("begins with the two commands, and shows an example", () => {
    const [commands, example] = fencesOf(readme());
    for (const task of ["notebooks", "test"]) {
      assert(commands.code.includes(`npx -y deno@${SURROUNDINGS.deno} task ${task}`), task);
    }
    assertEquals(example.language, "ts");
  });

  it("holds the table that the code gives (deno run -A tests/checks/reference.ts)", () => {
    const [, held] = readme().split(MARKERS.begin);
    assertEquals(held?.split(MARKERS.end)[0].trim(), referenceTable(lossesOfProject()));
  });

  it("holds the differences from PyTorch that the cards name (deno run -A tests/checks/unlike.ts)", () => {
    const [, held] = readme().split(UNLIKE_MARKERS.begin);
    assertEquals(held?.split(UNLIKE_MARKERS.end)[0].trim(), unlikeTable());
  });
});

describe("the table of differences", () => {
  it("takes the paragraph that begins with the words, as one line", () => {
    const card =
      "/**\n * A loss.\n *\n * Unlike PyTorch, one\n * thing | two.\n *\n * @module\n */\ncode();";
    assertEquals(unlikePyTorch(card), "one thing | two.");
  });

  it("says nothing of a card that does not, or of later comments", () => {
    assertEquals(unlikePyTorch("/** A loss. */\n/** Unlike PyTorch, no. */"), undefined);
  });
});

describe("the README check", () => {
  const around = { tasks: ["test"], deno: "2.9.6", isThere: (path: string) => path === "mod.ts" };
  const problems = (markdown: string) => readmeProblems(markdown, around);
  const fence = (language: string, code: string) => `\`\`\`${language}\n${code}\n\`\`\`\n`;

  it("has nothing to say about what is right", () => {
    const markdown = [
      "# Losses & more",
      fence("sh", "npx -y deno@2.9.6 task test   # all\n\ndeno add jsr:@lossbook/losses"),
      fence("ts", "assertEquals(1, 1);"),
      fence("text", "anything"),
      "[code](mod.ts), [above](#losses--more), [there](https://example.org), `[no](link)`",
      `<img src="mod.ts">`,
    ];
    assertEquals(problems(markdown.join("\n")), []);
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
        "another Deno than CI's",
        fence("sh", "npx -y deno@2.8.0 task test"),
        "CI runs Deno 2.9.6: npx -y deno@2.8.0 task test",
      ],
      ["an unknown command", fence("sh", "make all"), "nothing checks the command: make all"],
      ["a dead link", "[x](no.ts)", "a link leads nowhere: no.ts"],
      ["a dead picture", `<img src="no.png">`, "a link leads nowhere: no.png"],
      ["a dead anchor", "# One\n[x](#two)", "no heading has the anchor: #two"],
    ]
  ) {
    it(`sees ${what}`, () => assertEquals(problems(markdown), [problem]));
  }

  it("sees a registry's host", () => {
    const host = ["registry", "npmjs", "org"].join(".");
    assertEquals(problems(`from ${host}`), [`names the registry ${host}`]);
  });
});

describe("the reference table", () => {
  it("has a row per loss", () => {
    const table = referenceTable([{ name: "HuberLoss", file: "huber", formula: "a | b" }]);
    assertEquals(table.split("\n").slice(2), [
      "| [`HuberLoss`](losses/huber.ts) | `a \\| b` | `torch.nn.HuberLoss` | " +
      "[huber](notebooks/huber.ipynb) | [test](tests/huber_test.ts) |",
    ]);
  });
});
