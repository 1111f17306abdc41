/** The examples of how other libraries go with this one: short, and they run. */
import { assert, assertEquals } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { PROJECT, readProject } from "../checks/files.ts";
import { runDeno } from "../offline/run.ts";

const FOLDER = "tests/frameworks/examples";
const MOST_LINES = 10;

/** Examples that this process imports; they assert what they claim. Named one by one, as Deno loads whatever could be meant. */
const MODULES = {
  jax: () => import("./examples/jax.ts"),
  layers: () => import("./examples/layers.ts"),
  ml_matrix: () => import("./examples/ml_matrix.ts"),
  onnxruntime: () => import("./examples/onnxruntime.ts"),
  tfjs: () => import("./examples/tfjs.ts"),
};
/** Examples of a package that is not among this project's own. */
const PROCESSES = ["stdlib"];
/** Examples that shards_test.ts runs. */
const SHARDS = ["shard_worker", "shards"];
const ALL = [...Object.keys(MODULES), ...PROCESSES, ...SHARDS];

/** The lines of code between the markers. */
function shownLines(name: string): string[] {
  const [, shown] = readProject(`${FOLDER}/${name}.ts`).split(/^ *\/\/ (?:begin|end)$/m);
  return (shown ?? "").split("\n").filter((line) => line.trim() !== "");
}

describe("an example", () => {
  for (const [name, run] of Object.entries(MODULES)) {
    it(`runs: ${name}`, async () => void await run());
  }

  for (const name of PROCESSES) {
    it(`runs: ${name}`, async () => {
      const args = ["run", "--quiet", "--no-lock", "--allow-all", `${FOLDER}/${name}.ts`];
      assertEquals(await runDeno(args, PROJECT), { code: 0, output: "" });
    });
  }

  for (const name of ALL) {
    it(`has ${MOST_LINES} lines at most: ${name}`, () => {
      const { length } = shownLines(name);
      assert(length > 0 && length <= MOST_LINES, `${length} lines`);
    });
  }

  it("is among these", () => {
    const files = Array.from(Deno.readDirSync(new URL(FOLDER, PROJECT)), ({ name }) => name);
    assertEquals(
      files.sort(),
      ALL.map((name) => `${name}.ts`).sort(),
    );
  });
});
