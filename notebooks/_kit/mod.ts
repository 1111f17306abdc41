/**
 * Everything that a notebook needs from the kit:
 *
 * ```ts
 * import { check, dataset, derivative, lossAndGradient, plot, table, toTex } from "./_kit/mod.ts";
 * ```
 *
 * @module
 */

export * from "./show/checks.ts";
export * from "./data/data.ts";
export * from "./data/descent.ts";
export * from "./show/display.ts";
export { exercise, runSolutions, TODO } from "./show/exercise.ts";
export * from "./figures/figures.ts";
export * from "./losses/fixtures.ts";
export * from "./losses/loss.ts";
export * from "../../tests/reference/maths/math.ts";
export * from "./show/show.ts";
export * from "./figures/simplex.ts";
export * from "../../tests/reference/torch/random.ts";
export * from "../../tests/reference/torch/sum.ts";
export * from "./plot/mod.ts";
export * from "./plot/style.ts";
