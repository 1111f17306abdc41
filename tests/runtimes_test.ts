/** The losses run outside of Deno: a bundle of them gives the same results in Node. */
import { assertEquals, assertMatch } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { PROJECT } from "./checks/files.ts";

const MOD = new URL("mod.ts", PROJECT);
const PROGRAM = `
import { CrossEntropyLoss, CTCLoss, float32, HuberLoss, int32 } from "${MOD}";

const show = ({ value, grad }: { value: unknown; grad: object }) => console.log([value, ...Object.values(grad)].join("\\n"));
show(new HuberLoss().valueAndGrad(float32([0.5, 3]), float32([0, 0])));
show(new CrossEntropyLoss({ labelSmoothing: 0.1 }).valueAndGrad(float32([[0.8, 0.9, 0.3]]), int32([1])));
show(new CTCLoss({ logits: true }).valueAndGrad([[[1, 0.5, -0.5]], [[0.2, 0.8, 0.1]]], [[1]], [2], [1]));
`;

async function run(command: string, args: string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(command, {
    args,
    env: { NO_COLOR: "1" },
  }).output();
  if (!success) {
    throw new Error(`${command} ${args.join(" ")} failed:\n${new TextDecoder().decode(stderr)}`);
  }
  return new TextDecoder().decode(stdout);
}

async function isInstalled(command: string): Promise<boolean> {
  try {
    return (await new Deno.Command(command, { args: ["--version"], stdout: "null" }).output())
      .success;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

const whereNodeIs = await isInstalled("node") ? it : it.skip;

describe("the losses", () => {
  whereNodeIs("print in Node what they print in Deno", async () => {
    const folder = await Deno.makeTempDir();
    try {
      const program = `${folder}/program.ts`;
      await Deno.writeTextFile(program, PROGRAM);
      await run(Deno.execPath(), [
        "bundle",
        "--quiet",
        program,
        "--output",
        `${folder}/bundle.mjs`,
      ]);
      const inNode = await run("node", [`${folder}/bundle.mjs`]);
      assertEquals(inNode, await run(Deno.execPath(), ["run", "--quiet", program]));
      assertMatch(inNode, /^tensor\(1.3125\)\ntensor\(\[0.2500, 0.5000\]\)\n/);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  });
});
