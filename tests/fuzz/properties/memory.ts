/** Kernels for long rows do not pile up: whatever lengths rows have had, the process does not keep memory for all of them. */
import fc from "fast-check";
import { PROJECT } from "../../checks/files.ts";
import { property, Violation } from "../property.ts";

/**
 * In MB. The operands of one loss for rows of 2^21 doubles are some 80 MB; those of seven losses, of both types, for every
 * power of 2 that rows have passed, are a thousand.
 */
const MOST = 400;

const SHORTEST = 2 ** 19;
const LONGEST = 2 ** 21;

function growth(lengths: readonly number[]): number {
  const { code, stdout, stderr } = new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--allow-all",
      "--v8-flags=--expose-gc",
      new URL("../memory_probe.ts", import.meta.url).href,
      JSON.stringify(lengths),
    ],
    cwd: PROJECT,
  }).outputSync();
  if (code !== 0) throw new Error(new TextDecoder().decode(stderr));
  return Number(new TextDecoder().decode(stdout));
}

export const memory = property<readonly number[]>({
  name: "memory",
  // A few seconds each: nobody waits for smaller ones.
  cases: fc.noShrink(
    fc.array(fc.integer({ min: SHORTEST, max: LONGEST }), { minLength: 2, maxLength: 2 }),
  ),
  casesPerRound: 1,
  everyRounds: 10,
  check(lengths) {
    const found = growth(lengths);
    if (found > MOST) {
      throw new Violation(
        `rows of ${lengths.join(", ")} numbers leave ${
          found.toFixed(0)
        } MB behind, at most ${MOST} are wanted`,
      );
    }
  },
  reproduce: (lengths) =>
    `// deno run --allow-all --v8-flags=--expose-gc tests/fuzz/memory_probe.ts "[${lengths}]"`,
});
