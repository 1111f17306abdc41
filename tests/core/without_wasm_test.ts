/** Where WebAssembly is not allowed, elements have the same bits, and sums differ only by the order of adding. */
import { assert, assertEquals } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { sameNumbers } from "../_close.ts";
import { floatsBetween, type FloatType } from "../_ulp.ts";

type Access = "allowed" | "missing" | "forbidden";

/** Runs the program where WebAssembly is allowed, missing or forbidden. */
function run(access: Access): Record<string, number[]> {
  const program = new URL("_without_wasm.ts", import.meta.url).href;
  const { success, stdout, stderr } = new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-check", "--no-config", "--no-lock", program, access],
    env: { NO_COLOR: "1" },
  }).outputSync();
  assert(success, new TextDecoder().decode(stderr));
  return JSON.parse(new TextDecoder().decode(stdout));
}

describe("without WebAssembly", () => {
  const wanted = run("allowed");
  const entries = Object.entries(wanted);

  it("there is something to compare", () => {
    assertEquals(entries.length, 2 * 3 * 4 + 2);
    assert(entries.every(([, list]) => list.length === 1 || new Set(list).size > 100), "all alike");
  });

  for (const access of ["missing", "forbidden"] as const) {
    it(`(${access}) HuberLoss and a formula give the same numbers`, () => {
      const found = run(access);
      assertEquals(Object.keys(found), Object.keys(wanted));
      for (const [name, list] of entries) {
        if (list.length > 1) {
          assert(sameNumbers(found[name], list), name);
          continue;
        }
        const dtype = name.split(" ")[0] as FloatType;
        const distance = floatsBetween(found[name][0], list[0], dtype);
        assert(distance <= (dtype === "float32" ? 1 : 8), `${name}: ${distance} floats apart`);
      }
    });
  }
});
