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
    file: "losses/triplet_margin_with_distance.ts",
    code: "for (let j = 0; j < sum.length; j++) sum[j]! += given.data[j]!;",
    mutated: "for (let j = (-1); j < sum.length; j++) sum[j]! += given.data[j]!;",
    reason: "A typed array has no element -1, and takes none.",
  },
  {
    file: "losses/_core/elementwise/driver.ts",
    code: "for (let i = 1; i < tensors.length; i++) same &&= sameShape(tensors[i]!.shape, first);",
    mutated:
      "for (let i = 0; i < tensors.length; i++) same &&= sameShape(tensors[i]!.shape, first);",
    reason: "The first shape is the same as itself.",
  },
  {
    file: "losses/_core/layer/linear.ts",
    code: 'const blockTerms = dtype === "float32" ? FLOAT32_TERMS : Math.max(1, depth);',
    mutated: 'const blockTerms = dtype === "float32" ? FLOAT32_TERMS : Math.max(0, depth);',
    reason: "Without terms there is no block whose length would matter.",
  },
  {
    file: "losses/_core/define/verify_gradients.ts",
    code: "for (let k = 0; k < data.length; k++) data[k] = (i === 0 ? first : others)(random);",
    mutated:
      "for (let k = (-1); k < data.length; k++) data[k] = (i === 0 ? first : others)(random);",
    reason: "Other random points, as good as these; a typed array takes no element -1.",
  },
  {
    file: "losses/_core/kernel/lower.ts",
    code:
      "return size >= 2 ** -60 && size <= 2 ** 60 && 2 ** Math.round(Math.log2(size)) === size;",
    mutated:
      "return size >= 2 ** -60 && size <= 3 ** 60 && 2 ** Math.round(Math.log2(size)) === size;",
    reason: "Speed only: up to 2^126, the reciprocal of a power of 2 is exact in both types.",
  },
  {
    file: "losses/_core/rows/distances.ts",
    code: "float32: { small: 100, up: 80, down: 77 },",
    mutated: "float32: { small: 101, up: 80, down: 77 },",
    reason: "Around the threshold both forms are in range.",
  },
];
