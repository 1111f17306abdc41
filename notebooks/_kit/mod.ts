/**
 * Everything that a notebook needs from the kit:
 *
 * ```ts
 * import { check, dataset, derivative, lossAndGradient, plot, table, toTex } from "./_kit/mod.ts";
 * ```
 *
 * Notebooks import from here alone, and this file has nothing but exports. The rooms, each of which may use those above it:
 *
 * | folder       | holds                                                                     |
 * | ------------ | ------------------------------------------------------------------------- |
 * | notebook/    | notebook files: read and written byte for byte as Jupyter writes them     |
 * | kernel/      | a client of the real Deno kernel                                          |
 * | show/        | outputs: text, formulas, tables, checks, exercises                        |
 * | still/       | a figure as PNG, drawn without a browser                                  |
 * | plot/        | a figure as a notebook output, and how all figures look                   |
 * | experiments/ | losses compared with PyTorch, and minimised                               |
 * | figures/     | the figures that are drawn again and again                                |
 * | data/        | real data sets                                                            |
 * | contents/    | all losses in the order of reading, and the picture of them               |
 * | runner/      | notebooks run and compared with their stored outputs                      |
 *
 * @module
 */

export { contents, readingPath, sourceLosses, terms } from "./contents/contents.ts";
export { type LossPanel, lossPanels } from "./contents/loss_panels.ts";
export { lossesPicture } from "./contents/losses_picture.ts";
export * from "./data/data.ts";
export * from "./experiments/calls.ts";
export * from "./experiments/classification.ts";
export * from "./experiments/descent.ts";
export * from "./experiments/embedding.ts";
export * from "./experiments/examples.ts";
export * from "./experiments/linear_model.ts";
export * from "./experiments/loss.ts";
export * from "./experiments/pytorch.ts";
export * from "./experiments/selection.ts";
export * from "./experiments/statistics.ts";
export * from "./figures/figures.ts";
export * from "./plot/plot.ts";
export * from "./plot/style.ts";
export * from "./show/bilingual.ts";
export * from "./show/checks.ts";
export { type Bundle, display, inKernel } from "./show/display.ts";
export { checkSolutions, exercise, TODO } from "./show/exercise.ts";
export * from "./show/show.ts";
export * from "../../tests/reference/maths/math.ts";
export * from "../../tests/reference/torch/random.ts";
export * from "../../tests/reference/torch/sum.ts";
