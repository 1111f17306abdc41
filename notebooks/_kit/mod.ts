/**
 * Everything that a notebook needs from the kit:
 *
 * ```ts
 * import { check, dataset, derivative, lossAndGradient, plot, table, toTex } from "./_kit/mod.ts";
 * ```
 *
 * @module
 */

export * from "./checks.ts";
export * from "./data.ts";
export * from "./descent.ts";
export * from "./display.ts";
export { exercise, runSolutions, TODO } from "./exercise.ts";
export * from "./figures.ts";
export * from "./fixtures.ts";
export * from "./loss.ts";
export * from "./math.ts";
export * from "./show.ts";
export * from "./simplex.ts";
export * from "./torch_random.ts";
export * from "./torch_sum.ts";
export * from "./plot.ts";
export * from "./style.ts";
