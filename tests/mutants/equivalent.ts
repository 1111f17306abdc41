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
    file: "losses/_core/kernel/kernels.ts",
    code: "if (end - start <= SMALL) {",
    mutated: "if (end - start > SMALL) {",
    reason: "Both ways copy the same numbers; which one is faster depends on how many.",
  },
  {
    file: "losses/_core/kernel/kernels.ts",
    code: "if (end - start <= SMALL) {",
    mutated: "if (end - start < SMALL) {",
    reason: "Both ways copy the same numbers; which one is faster depends on how many.",
  },
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
  {
    file: "losses/_core/rows/distances.ts",
    code: "float64: { small: 900, up: 800, down: 300 },",
    mutated: "float64: { small: 900, up: 799, down: 300 },",
    reason: "Any power of 2 that keeps both in range is divided out again.",
  },
  {
    file: "losses/_core/elementwise/shapes.ts",
    code: "if (tensors.every(({ shape }) => sameShape(shape, tensors[0]!.shape))) return;",
    mutated: "if (tensors.every(({ shape }) => sameShape(shape, tensors[1]!.shape))) return;",
    reason: "All shapes are the same as the first if and only if they are the same as the second.",
  },
  {
    file: "losses/_core/elementwise/domains.ts",
    code: "for (let start = 0; start < data.length; start += tile) {",
    mutated: "for (let start = 0; start <= data.length; start += tile) {",
    reason: "One more run at most, over no element: its maximum is -∞, so that it finds none.",
  },
  {
    file: "losses/_core/kernel/wasm.ts",
    code: 'for (let i = 0; i < (kind === "sum" ? 2 : UNROLL); i++) {',
    mutated: 'for (let i = 0; i < (kind === "sum" ? 3 : UNROLL); i++) {',
    reason: "Sets a local to 0 that a sum has and never reads.",
  },
  {
    file: "losses/_core/kernel/wasm.ts",
    code: "return moduleOf(pages, INTEGERS, this.#locals - PARAMETERS - INTEGERS, this);",
    mutated: "return moduleOf(pages, INTEGERS, this.#locals - PARAMETERS + INTEGERS, this);",
    reason: "Declares twelve locals more, which no instruction uses.",
  },
  {
    file: "losses/_core/kernel/program.ts",
    code: "#instruction(op: Op, args: readonly Value[], value: number | bigint = 0): Value {",
    mutated: "#instruction(op: Op, args: readonly Value[], value: number | bigint = (-1)): Value {",
    reason: "The value of an instruction that is given none is never read.",
  },
  {
    file: "losses/_core/formula/grammar.ts",
    code: "const value = binary(0);",
    mutated: "const value = binary((-1));",
    reason: "No operator has a precedence below 0.",
  },
  {
    file: "losses/cross_entropy.ts",
    code: "tileRows: 4096,",
    mutated: "tileRows: 4097,",
    reason: "Speed only: each row is computed by itself.",
  },
  {
    file: "losses/poisson_nll.ts",
    code: 'value: "exp(x) - (y == 0 ? 0 : y * min(x, 1000))",',
    mutated: 'value: "exp(x) - (y == 0 ? 0 : y * min(x, 999))",',
    reason:
      "Above 710 exp(x) is ∞ and so is the value, unless y is so large that 1000 y overflows.",
  },
  {
    file: "losses/multi_label_soft_margin.ts",
    code:
      "if (weight === undefined) element.w.fill(1, 0, Math.min(tiles.tile, rows.count * classes));",
    mutated:
      "if (weight === undefined) element.w.fill(1, 0, Math.max(tiles.tile, rows.count * classes));",
    reason: "Speed only: fills all of the operand, where a short batch reads less.",
  },
  {
    file: "losses/multi_label_margin.ts",
    code: "if (grad && i < row.listed[r]!) {",
    mutated: "if (grad || i < row.listed[r]!) {",
    reason:
      "A row whose list has ended has no active pair to count, and without grad no count is read.",
  },
  {
    file: "losses/linear_cross_entropy.ts",
    code: 'const biasSums = new Float64Array(grad["linear.bias"] ? rows : 0);',
    mutated: 'const biasSums = new Float64Array(grad["linear.bias"] ? rows : 1);',
    reason: "Without a gradient of the bias, the sums are not used.",
  },
  {
    file: "losses/_ctc/alignment.ts",
    code: "const found = new Map([[blank, 0]]);",
    mutated: "const found = new Map([[blank, 1]]);",
    reason: "No label is blank, so that only the key is read.",
  },
  {
    file: "losses/_ctc/alignment.ts",
    code: "for (let k = 0; k < count; k++) {",
    mutated: "for (let k = 0; k <= count; k++) {",
    reason: "Only the first `count` weights are read, and a typed array takes none beyond its end.",
  },
  {
    file: "losses/_core/define/verify_gradients.ts",
    code: "[between(-3, 3), between(-3, 3)],",
    mutated: "[between(-3, 3), between(-2, 3)],",
    reason: "Other random points, as good as these.",
  },
  {
    file: "losses/_core/define/verify_gradients.ts",
    code: "[between(0.05, 0.95), (random) => random() < 0.5 ? 0 : 1],",
    mutated: "[between(0.05, 0.95), (random) => random() >= 0.5 ? 0 : 1],",
    reason: "Other random points, as good as these.",
  },
  {
    file: "losses/_core/define/row_steps.ts",
    code: "for (let r = 0; r < count; r++) {",
    mutated: "for (let r = (-1); r < count; r++) {",
    reason: "A typed array has no element -1, and takes none.",
  },
];
