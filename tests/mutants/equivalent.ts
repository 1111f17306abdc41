/**
 * Mutants that no test can tell from the original, or only by a stopwatch, each with the reason. They are known by their code, so
 * that lines may move; what is no longer there is reported as stale.
 */

/** A mutant that is judged equivalent. */
export interface Equivalent {
  readonly file: string;
  /** The code as it is, on one line. */
  readonly code: string;
  /** The code with the change in it. */
  readonly mutated: string;
  readonly reason: string;
}

export const EQUIVALENT: readonly Equivalent[] = [
  {
    file: "losses/_linear_cross_entropy/chunks.ts",
    code: "const share = Math.max(1, Math.ceil(samples / Math.ceil(scores / inFeatures)));",
    mutated: "const share = Math.max(0, Math.ceil(samples / Math.ceil(scores / inFeatures)));",
    reason: "Only without samples the share is below 1, and then the size is at most samples, 0.",
  },
  {
    file: "losses/_core/kernel/lower.ts",
    code:
      'return (op === "neg" && args[0]!.op === "abs") || (op === "min" && isNumber(args[1]!, 0));',
    mutated:
      'return (op === "neg" && args[0]!.op === "abs") || (op === "min" && isNumber(args[1]!, 1));',
    reason:
      "Speed only: min(x, 0) takes the form of exp for all x, min(x, 1) the one for x ≤ 0, which holds up to the bias.",
  },
  {
    file: "losses/triplet_margin_with_distance.ts",
    code: "for (let j = 0; j < sum.length; j++) sum[j]! += given.data[j]!;",
    mutated: "for (let j = (-1); j < sum.length; j++) sum[j]! += given.data[j]!;",
    reason: "A typed array has no element -1, and takes none.",
  },
  {
    file: "losses/_core/kernel/interpret.ts",
    code: "const at = offsets.get(name) ?? 0;",
    mutated: "const at = offsets.get(name) ?? 1;",
    reason: "Only operands have a place, and every operand has one; for others it is not used.",
  },
  {
    file: "losses/_core/elementwise/driver.ts",
    code: "for (let i = 1; i < tensors.length; i++) same &&= sameShape(tensors[i]!.shape, first);",
    mutated:
      "for (let i = 0; i < tensors.length; i++) same &&= sameShape(tensors[i]!.shape, first);",
    reason: "The first shape is the same as itself.",
  },
  {
    file: "losses/_core/kernel/wasm.ts",
    code: "depth = 0;",
    mutated: ";",
    reason: "Speed only: more values than necessary get a local.",
  },
  {
    file: "losses/_core/kernel/wasm.ts",
    code: "for (const arg of args) depth = Math.max(depth, depths[arg]! + 1);",
    mutated: "for (const arg of args) depth = Math.max(depth, depths[arg]! + 2);",
    reason: "Speed only: values get a local at half the depth.",
  },
];
