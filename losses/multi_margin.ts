/**
 * MultiMarginLoss: the score of the right class should exceed every other score by a margin.
 *
 * PyTorch: `torch.nn.MultiMarginLoss(p, margin, weight, reduction)`
 *
 * Shapes: `input` (C) with `target` () or (1), or (N, C) with (N). The value is a scalar, or with `"none"` of the
 * target's shape.
 *
 * Domain: `input` any real scores; `target` class labels, whole numbers from 0 to C - 1.
 *
 * Value of a row, with z[j] = margin - input[y] + input[j] and w the class weights: w[y] / C times the sum of
 * max(0, z[j])ᵖ over the wrong classes j ≠ y. C counts the right class too, for the sum as for the mean, which is the
 * average over rows; the weights are in no denominator.
 *
 * Gradient with respect to `input`: at each wrong class with z[j] > 0 w[y] p z[j]ᵖ⁻¹ / C, which for p = 1 is w[y] / C; at
 * the right class minus the sum of these. At the kink z[j] = 0 it is 0. The weights are constants. A NaN score adds nothing.
 *
 * Range: [0, ∞) for weights ≥ 0, 0 where the right class exceeds all others by the margin: then the gradient is 0 too.
 *
 * Siblings: {@linkcode MultiLabelMarginLoss} with one label per row is p = 1, margin 1. {@linkcode MarginRankingLoss}
 * compares one pair of scores. {@linkcode CrossEntropyLoss} has a gradient everywhere.
 *
 * Unlike PyTorch, an empty batch has the mean NaN and the sum 0 (PyTorch returns uninitialised memory), and labels are
 * int32.
 *
 * Notebook: `notebooks/multi_margin.ipynb` of the repository. Reference: J. Weston and C. Watkins, Support Vector Machines
 * for Multi-Class Pattern Recognition, 1999 (K. Crammer and Y. Singer, 2001, take the largest z[j] instead of the sum).
 *
 * @module
 */

import { readScores } from "./_core/call/arguments.ts";
import { checkLabels, classWeights, type Labels, readLabels } from "./_core/call/labels.ts";
import { Loss } from "./_core/call/loss.ts";
import { numberOption, type Reduction, reductionOption } from "./_core/call/options.ts";
import type { Request, ValueAndGrad } from "./_core/call/request.ts";
import { RowCall } from "./_core/call/row_call.ts";
import { scoreRows } from "./_core/call/score_rows.ts";
import type { LossFormula } from "./_core/elementwise/definition.ts";
import type { InputAndTarget } from "./_core/elementwise/loss.ts";
import { pow } from "./_core/kernel/math.ts";
import { COPIES } from "./_core/kernel/kernels.ts";
import { defineRowKernels } from "./_core/kernel/row_kernels.ts";
import {
  aimRows,
  type ClassAxis,
  loadRows,
  rowsPerTile,
  unloadRows,
} from "./_core/rows/class_axis.ts";
import { type Raw, read } from "./_core/tensor/read.ts";
import { show } from "./_core/tensor/shape.ts";
import type { TensorLike } from "./_core/tensor/tensor.ts";
import type { FloatArray } from "./_core/tensor/types.ts";

export type * from "./_core/types.ts";

/** Options of {@linkcode MultiMarginLoss}. */
export interface MultiMarginLossOptions {
  /** The power of the hinge, 1 or 2. With 2, scores that are far inside the margin count more. @default {1} */
  p?: 1 | 2 | undefined;
  /**
   * How far the right score must exceed each other one, in units of a score; if negative, it may trail by that much.
   *
   * @default {1}
   */
  margin?: number | undefined;
  /** A factor for each class, (C), in the type of the input: each row has the factor of its label. */
  weight?: TensorLike | undefined;
  /** Keep the value of each row, average over them, or add them up. @default {"mean"} */
  reduction?: Reduction | undefined;
}

/**
 * One wrong class of score x in a row whose right class has the score s and the weight w. As NaN > 0 is false, a NaN
 * score adds 0; max(0, z) would be NaN.
 */
const wrongClass = (p: string, less: string, factor = `w * ${p}`) => ({
  value: `margin - s + x > 0 ? w * pow(margin - s + x, ${p}) : 0`,
  grad: { input: `margin - s + x > 0 ? ${factor} * pow(margin - s + x, ${less}) : 0` },
});

/** The value of each row. */
const valueStep = (p: string, less: string) => ({ sum: { total: wrongClass(p, less).value } });
/** Value and gradient: k is w p times the upstream gradient, `active` the sum of the row's gradient without k. */
const gradStep = (p: string, less: string) => ({
  store: { g: wrongClass(p, less, "k").grad.input },
  sum: { total: wrongClass(p, less).value, active: wrongClass(p, less, "1").grad.input },
});
const kernels = /* @__PURE__ */ defineRowKernels(() => ({
  elements: ["x", "g"],
  rows: ["s", "w", "k", "total", "active"],
  params: ["margin"],
  steps: {
    value1: valueStep("1", "0"),
    value2: valueStep("2", "1"),
    grad1: gradStep("1", "0"),
    grad2: gradStep("2", "1"),
  },
  functions: { pow },
  tile: 65536,
  tileRows: 4096,
}));

/**
 * The hinge loss of many classes: the score of the right one should exceed every other by a margin.
 *
 * ```ts
 * import { int32, MultiMarginLoss } from "@lossbook/losses";
 * import { assertEquals } from "@std/assert";
 *
 * const input = [[0.25, 1.5, -2, 0.5]];
 * const { value, grad } = new MultiMarginLoss().valueAndGrad(input, int32([1]));
 * // The best wrong score is lower by exactly 1: at this kink value and gradient are 0.
 * assertEquals(value.item(), 0);
 * assertEquals(grad.input.toArray(), [[0, 0, 0, 0]]);
 *
 * const wide = new MultiMarginLoss({ margin: 2 }).valueAndGrad(input, int32([1]));
 * assertEquals(wide.value.item(), ((2 - 1.5 + 0.25) + (2 - 1.5 + 0.5)) / 4);
 * assertEquals(wide.grad.input.toArray(), [[1 / 4, -2 / 4, 0, 1 / 4]]);
 * ```
 */
export class MultiMarginLoss extends Loss<InputAndTarget, "input", "input"> {
  /**
   * Value and gradient of one wrong class as formulas, to be divided by C: x is its score, s the score and w the weight
   * of the right class.
   */
  static readonly formula: LossFormula = /* @__PURE__ */ wrongClass("p", "(p - 1)");

  readonly #options: { p: 1 | 2; margin: number; reduction: Reduction };
  readonly #weight: Raw | undefined;

  /**
   * Makes a loss with these options.
   *
   * @param options See {@linkcode MultiMarginLossOptions}.
   * @throws {TypeError} If an option is unknown or of the wrong kind.
   * @throws {RangeError} If p is neither 1 nor 2, margin is NaN, the weight does not have one axis, or the reduction is
   * unknown.
   */
  constructor(options: MultiMarginLossOptions = {}) {
    super("MultiMarginLoss", ["input", "target"], options, {
      p: 1,
      margin: 1,
      weight: undefined,
      reduction: "mean",
    });
    const { p = 1, margin = 1, weight, reduction } = options;
    numberOption("MultiMarginLoss", "p", p, (p) => p === 1 || p === 2, "1 or 2");
    this.#options = {
      p,
      margin: numberOption("MultiMarginLoss", "margin", margin, () => true, "a number"),
      reduction: reductionOption("MultiMarginLoss", reduction),
    };
    this.#weight = weight === undefined ? undefined : read(weight, "weight");
    if (this.#weight && this.#weight.shape.length !== 1) {
      throw new RangeError(
        `Cannot make MultiMarginLoss as weight must have the shape (C), one number per class: current shape is ${
          show(this.#weight.shape)
        }`,
      );
    }
  }

  /** @ignore */
  protected override evaluate(
    [input, target]: InputAndTarget,
    request: Request<string> | undefined,
  ): ValueAndGrad<string> {
    const { p, margin, reduction } = this.#options;
    const scores = readScores("MultiMarginLoss", "input", input, this.#weight);
    const labels = readLabels("MultiMarginLoss", "target", target);
    const axis = scoreRows("MultiMarginLoss", scores.shape);
    checkCount(labels, axis, scores.shape);
    const { classes, samples } = axis;
    const weight = classWeights("MultiMarginLoss", this.#weight, classes, scores.dtype);
    const weights = weight?.data;
    checkLabels("MultiMarginLoss", "target", labels, classes);
    const call = new RowCall({
      loss: "MultiMarginLoss",
      reduction,
      dtype: scores.dtype,
      rowShape: labels.shape,
      divisor: samples,
      scale: classes,
      shapes: { input: scores.shape },
      defaults: ["input"],
      inputs: [scores, labels, weight],
    }, request);

    const x = scores.data as FloatArray;
    const grad = call.grad.input?.data;
    const tiles = kernels(scores.dtype, classes).near([scores]);
    const { element, row, param, run } = tiles;
    const step = grad ? (p === 1 ? run.grad1 : run.grad2) : p === 1 ? run.value1 : run.value2;
    const { upstream, divisor } = call;
    const { data } = labels;
    param.margin[0] = margin;
    const rows = rowsPerTile(classes, tiles);
    for (let start = 0; start < samples; start += rows) {
      const end = Math.min(start + rows, samples);
      const count = end - start;
      // A copy, as it is changed below.
      loadRows(COPIES, element.x, x, axis, start, end);
      call.begin(start, count);
      for (let r = 0; r < count; r++) {
        const label = data[start + r]!;
        row.s[r] = element.x[r * classes + label]!;
        row.w[r] = weights === undefined ? 1 : weights[label]!;
        row.k[r] = row.w[r]! * p * upstream[r]! / divisor;
        // The right class is not compared with itself: a score of -∞ makes its term 0.
        element.x[r * classes + label] = -Infinity;
      }
      const g = grad && aimRows(tiles, element.g, grad, axis, start, end);
      step(count, classes);
      call.take(start, count, row.total);
      if (grad === undefined || g === undefined) continue;
      for (let r = 0; r < count; r++) {
        g[r * classes + data[start + r]!] = 0 - row.k[r]! * row.active[r]!;
      }
      unloadRows(tiles, element.g, grad, axis, start, end);
    }
    return call.result();
  }
}

/** Refuses more or fewer labels than rows. */
function checkCount(labels: Labels, { samples }: ClassAxis, shape: readonly number[]): void {
  if (labels.shape.length > 1 || labels.data.length !== samples) {
    const wanted = shape.length === 2 ? show([samples]) : "() or (1,)";
    throw new RangeError(
      `Cannot compute MultiMarginLoss as target must have the shape ${wanted}, one label per row of input: ` +
        `current shapes are ${show(shape)} and ${show(labels.shape)}`,
    );
  }
}
