/**
 * MultiLabelMarginLoss: each class that applies should exceed each class that does not by a margin of 1.
 *
 * PyTorch: `torch.nn.MultiLabelMarginLoss(reduction)`
 *
 * Shapes: `input` (C) or (N, C), `target` of the same shape. The value is a scalar, or with `"none"` () or (N).
 *
 * Domain: `input` any real scores; each row of `target` a list of class labels, whole numbers from 0 to C - 1, that ends
 * at the first -1 or with the row. Labels after the -1 are ignored, but must be -1 or a class all the same.
 *
 * Value of a row, with T its listed labels and z[t, j] = 1 - input[t] + input[j]: 1 / C times the sum of
 * max(0, z[t, j]) over the listed t and all j not in T. A label listed twice counts twice as t. C counts all classes,
 * for the sum as for the mean, which is the average over rows.
 *
 * Gradient with respect to `input`: for each pair with z[t, j] > 0 the class j gets 1 / C and the class t gets -1 / C. At
 * the kink z[t, j] = 0 it is 0. Pairs with a NaN score add nothing.
 *
 * Range: [0, ∞), 0 where every listed class exceeds every other by 1, and where none or all are listed.
 *
 * Siblings: with one label per row, this is {@linkcode MultiMarginLoss}. {@linkcode MultiLabelSoftMarginLoss} judges
 * each class on its own instead of comparing pairs, and takes 0s and 1s instead of lists.
 *
 * Unlike PyTorch, an empty batch has the mean NaN and the sum 0 (PyTorch returns uninitialised memory), and labels are
 * int32.
 *
 * Notebook: `notebooks/multi_label_margin.ipynb` of the repository. Reference: K. Crammer and Y. Singer, A Family of
 * Additive Online Algorithms for Category Ranking, 2003.
 *
 * @module
 */

import { readScores } from "./_core/call/arguments.ts";
import { checkLabels, readLabels } from "./_core/call/labels.ts";
import { Loss } from "./_core/call/loss.ts";
import { type Reduction, reductionOption } from "./_core/call/options.ts";
import type { Request, ValueAndGrad } from "./_core/call/request.ts";
import { RowCall } from "./_core/call/row_call.ts";
import { scoreRows } from "./_core/call/score_rows.ts";
import type { LossFormula } from "./_core/elementwise/definition.ts";
import type { InputAndTarget } from "./_core/elementwise/loss.ts";
import { defineRowKernels } from "./_core/kernel/row_kernels.ts";
import { loadRows, rowsPerTile, unloadRows } from "./_core/rows/class_axis.ts";
import { sameShape, show } from "./_core/tensor/shape.ts";
import type { FloatArray } from "./_core/tensor/types.ts";

export type * from "./_core/types.ts";

/** Options of {@linkcode MultiLabelMarginLoss}. */
export interface MultiLabelMarginLossOptions {
  /** Keep the value of each row, average over them, or add them up. @default {"mean"} */
  reduction?: Reduction | undefined;
}

/**
 * One pair: a class that is not listed, of score x, and a listed one, of score s. As NaN > 0 is false, a NaN score adds
 * 0; max(0, z) would be NaN.
 */
const formula = {
  value: "1 - s + x > 0 ? 1 - s + x : 0",
  grad: { input: "1 - s + x > 0 ? 1 : 0" },
} satisfies LossFormula;

/**
 * One listed class of each row against all others. The count of active pairs of each class alternates between the
 * operands `even` and `odd`, as a step must not write to an operand that it reads.
 */
const pairsStep = (from: string, to: string) => ({
  store: { [to]: `${from} + (${formula.grad.input})` },
  sum: { total: formula.value, pairs: formula.grad.input },
});
const kernels = /* @__PURE__ */ defineRowKernels(() => ({
  elements: ["x", "even", "odd", "g"],
  rows: ["s", "k", "total", "pairs", "listed", "loss"],
  steps: {
    value: { sum: { total: formula.value } },
    pairsOfEven: pairsStep("even", "odd"),
    pairsOfOdd: pairsStep("odd", "even"),
    gradOfEven: { store: { g: "k * even" } },
    gradOfOdd: { store: { g: "k * odd" } },
  },
  tile: 65536,
  tileRows: 4096,
}));

/**
 * The hinge loss of several right answers: each class that applies should exceed each that does not by 1.
 *
 * ```ts
 * import { int32, MultiLabelMarginLoss } from "@lossbook/losses";
 * import { assertEquals } from "@std/assert";
 *
 * // Classes 3 and 0 apply, 1 and 2 do not: the list ends at -1.
 * const input = [[0.25, 0.5, -2, 1]];
 * const { value, grad } = new MultiLabelMarginLoss().valueAndGrad(input, int32([[3, 0, -1, 1]]));
 * assertEquals(value.item(), ((1 - 1 + 0.5) + (1 - 0.25 + 0.5)) / 4);
 * assertEquals(grad.input.toArray(), [[-1 / 4, 2 / 4, 0, -1 / 4]]);
 * ```
 */
export class MultiLabelMarginLoss extends Loss<InputAndTarget, "input", "input"> {
  /**
   * Value and gradient of one pair as formulas, to be divided by C: x is the score of the class that is not listed, s
   * that of the listed one, whose gradient is the negative.
   */
  static readonly formula: LossFormula = formula;

  readonly #reduction: Reduction;

  /**
   * Makes a loss with these options.
   *
   * @param options See {@linkcode MultiLabelMarginLossOptions}.
   * @throws {TypeError} If an option is unknown or of the wrong kind.
   * @throws {RangeError} If the reduction is unknown.
   */
  constructor(options: MultiLabelMarginLossOptions = {}) {
    super("MultiLabelMarginLoss", ["input", "target"], options, { reduction: "mean" });
    this.#reduction = reductionOption("MultiLabelMarginLoss", options.reduction);
  }

  /** @ignore */
  protected override evaluate(
    [input, target]: InputAndTarget,
    request: Request<string> | undefined,
  ): ValueAndGrad<string> {
    const scores = readScores("MultiLabelMarginLoss", "input", input);
    const lists = readLabels("MultiLabelMarginLoss", "target", target);
    const axis = scoreRows("MultiLabelMarginLoss", scores.shape);
    const { classes, samples } = axis;
    if (!sameShape(lists.shape, scores.shape)) {
      throw new RangeError(
        `Cannot compute MultiLabelMarginLoss as target must have the shape of input: current shapes are ${
          show(scores.shape)
        } and ${show(lists.shape)}`,
      );
    }
    checkLabels("MultiLabelMarginLoss", "target", lists, classes, {
      allowed: -1,
      wanted: ", or -1 at the end of a list",
    });
    const call = new RowCall({
      loss: "MultiLabelMarginLoss",
      reduction: this.#reduction,
      dtype: scores.dtype,
      rowShape: axis.sampleShape,
      divisor: samples,
      scale: classes,
      shapes: { input: scores.shape },
      defaults: ["input"],
      inputs: [scores, lists],
    }, request);

    // Each tile of rows takes as many rounds as its longest list has labels: round i compares the i-th label of each row.
    const x = scores.data as FloatArray;
    const labels = lists.data;
    const grad = call.grad.input?.data;
    const tiles = kernels(scores.dtype, classes);
    const { element, row, run } = tiles;
    const rows = rowsPerTile(classes, tiles);
    for (let start = 0; start < samples; start += rows) {
      const end = Math.min(start + rows, samples);
      const count = end - start;
      let rounds = 0;
      call.begin(start, count);
      loadRows(tiles, element.x, x, axis, start, end);
      for (let r = 0; r < count; r++) {
        row.k[r] = call.upstream[r]! / call.divisor;
        const first = (start + r) * classes;
        let length = 0;
        for (; length < classes && labels[first + length] !== -1; length++) {
          // Listed classes are not compared with each other: a score of -∞ makes these pairs 0.
          element.x[r * classes + labels[first + length]!] = -Infinity;
        }
        row.listed[r] = length;
        row.loss[r] = 0;
        rounds = Math.max(rounds, length);
      }
      element.even.fill(0, 0, count * classes);

      for (let i = 0; i < rounds; i++) {
        for (let r = 0; r < count; r++) {
          const first = (start + r) * classes;
          // A row whose list has ended adds nothing in this round: a score of ∞ makes all its pairs 0.
          row.s[r] = i < row.listed[r]! ? x[first + labels[first + i]!]! : Infinity;
        }
        if (grad === undefined) run.value(count, classes);
        else (i % 2 === 0 ? run.pairsOfEven : run.pairsOfOdd)(count, classes);
        const counts = i % 2 === 0 ? element.odd : element.even;
        for (let r = 0; r < count; r++) {
          row.loss[r]! += row.total[r]!;
          if (grad && i < row.listed[r]!) {
            counts[r * classes + labels[(start + r) * classes + i]!]! -= row.pairs[r]!;
          }
        }
      }

      if (grad) {
        (rounds % 2 === 0 ? run.gradOfEven : run.gradOfOdd)(count, classes);
        unloadRows(tiles, element.g, grad, axis, start, end);
      }
      call.take(start, count, row.loss);
    }
    return call.result();
  }
}
