/** Losses of one's own where WebAssembly is missing: the same numbers, up to the order in which sums are taken. */
import { assert, assertEquals } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { fileURLToPath } from "node:url";
import { PROJECT } from "../checks/files.ts";
import { assertClose } from "./_helpers.ts";

function run(world: "allowed" | "missing"): Record<string, (number | null)[]> {
  const { success, stdout, stderr } = new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "--no-check", "--no-lock"],
      fileURLToPath(new URL("_without_wasm.ts", import.meta.url)),
      world,
    ],
    cwd: fileURLToPath(PROJECT),
    env: { NO_COLOR: "1" },
  }).outputSync();
  assert(success, new TextDecoder().decode(stderr));
  return JSON.parse(new TextDecoder().decode(stdout));
}

describe("losses of one's own without WebAssembly", () => {
  it("give the same numbers", () => {
    const [wanted, found] = [run("allowed"), run("missing")];
    assertEquals(Object.keys(found), Object.keys(wanted));
    assert(Object.keys(wanted).length > 60);
    for (const [name, list] of Object.entries(wanted)) {
      const tolerance = name.includes("float32") ? 2e-6 : 1e-14;
      // JSON writes null for NaN: a row of equal elements has the range 0.
      const of = (numbers: (number | null)[]) => ({
        shape: [numbers.length],
        data: numbers.map((x) => x ?? NaN),
      });
      assertClose(of(found[name]), of(list), { rtol: tolerance, atol: tolerance, context: name });
    }
  });
});
