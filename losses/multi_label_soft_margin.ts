/**
 * MultiLabelSoftMarginLoss: a binary cross entropy for each class, from a score of its own; their mean.
 *
 * PyTorch: `torch.nn.MultiLabelSoftMarginLoss(weight, reduction)`
 *
 * Shapes: `input` and `target` of the same shape, (…, C) with at least one axis, the last one that of the classes; an
 * axis of length 1 or a scalar target is repeated along the other. C is the length in `input`. The value is a scalar,
 * or with `"none"` of the shape without the last axis.
 *
 * Domain: `input` any real scores (logits); `target` 1 where the class applies, 0 where it does not, or a probability in
 * between. This is not checked; integers are accepted.
 *
 * Value of a row, with x = input, y = target and w the weight: 1 / C times the sum of
 * w (y log(1 + exp(-x)) + (1 - y) log(1 + exp(x))). C divides the sum as well as the mean, which is the average over
 * rows; the weights are in no denominator.
 *
 * Gradient with respect to `input`: w (σ(x) - y) / C, prediction minus truth; to `target`: -w x / C; to `weight`: the
 * terms of the value, added up where the weight was repeated.
 *
 * Range: [0, ∞) for targets from 0 to 1 and weights ≥ 0. The best constant score is log(p / (1 - p)), p the share of rows
 * in which the class applies.
 *
 * Siblings: {@linkcode BCEWithLogitsLoss} with reduction `"none"` keeps the terms that are averaged here.
 * {@linkcode MultiLabelMarginLoss} compares pairs of classes instead.
 *
 * Unlike PyTorch, infinite scores have their limit, such as 0 for ∞ where the target is 1 (PyTorch returns NaN), the
 * weight takes the type of the arguments, and shapes with different numbers of axes are refused, except for a scalar
 * target and a weight with fewer of them.
 *
 * Notebook: `notebooks/multi_label_soft_margin.ipynb` of the repository. Reference: D. R. Cox, The Regression Analysis of
 * Binary Sequences, 1958.
 *
 * @module
 */

import { floatType, readArguments } from "./_core/call/arguments.ts";
import { Loss } from "./_core/call/loss.ts";
import {
  type Reduction,
  reductionOption,
  type TensorOption,
  tensorOption,
} from "./_core/call/options.ts";
import type { Request, ValueAndGrad } from "./_core/call/request.ts";
import { RowCall } from "./_core/call/row_call.ts";
import type { LossFormula } from "./_core/elementwise/definition.ts";
import type { InputAndTarget } from "./_core/elementwise/loss.ts";
import { sigmoid, softplus } from "./_core/kernel/math.ts";
import { defineRowKernels } from "./_core/kernel/row_kernels.ts";
import { Rows } from "./_core/rows/rows.ts";
import { checkRepeatable, commonShape } from "./_core/tensor/broadcast.ts";
import { toTensor } from "./_core/tensor/read.ts";
import { checkMemory } from "./_core/tensor/shape.ts";
import type { Tensor, TensorLike } from "./_core/tensor/tensor.ts";

export type * from "./_core/types.ts";

/** Options of {@linkcode MultiLabelSoftMarginLoss}. */
export interface MultiLabelSoftMarginLossOptions {
  /** A factor for each class, (C), or for each score; it is repeated along leading axes and axes of length 1. */
  weight?: TensorLike | undefined;
  /** Keep the value of each row, average over them, or add them up. @default {"mean"} */
  reduction?: Reduction | undefined;
}

// Naive: softplus(x) - x y, whose gradient is σ(x) - y. At x = 20, y = 1 in float32 both are 0 instead of ±2e-9, and at
// x = ∞ the value is ∞ - ∞ = NaN. A term with the factor 0 is left out, as 0 ∞ would be NaN.
const weighted = (term: string): LossFormula => ({
  value: `w * (${term})`,
  grad: {
    input: "w * ((1 - y) * sigmoid(x) - y * sigmoid(-x))",
    target: "-w * x",
    weight: term,
  },
});
const formula: LossFormula = /* @__PURE__ */ weighted(
  "(y == 0 ? 0 : y * softplus(-x)) + (y == 1 ? 0 : (1 - y) * softplus(x))",
);

const ARGUMENTS = [{ name: "input" }, { name: "target", integers: true }];
const NAMES = ["input", "target", "weight"] as const;

const kernels = /* @__PURE__ */ defineRowKernels(() => ({
  elements: ["x", "y", "w", "g"],
  rows: ["k", "total"],
  steps: {
    value: { sum: { total: formula.value } },
    input: { store: { g: `k * (${formula.grad.input})` }, sum: { total: formula.value } },
    target: { store: { g: `k * (${formula.grad.target})` } },
    weight: { store: { g: `k * (${formula.grad.weight})` } },
  },
  functions: { sigmoid, softplus },
  tile: 65536,
  tileRows: 4096,
}));

/**
 * A logistic loss for each class of a row: several may apply, or none.
 *
 * ```ts
 * import { MultiLabelSoftMarginLoss } from "@lossbook/losses";
 * import { assertAlmostEquals, assertEquals } from "@std/assert";
 *
 * const { value, grad } = new MultiLabelSoftMarginLoss().valueAndGrad([[0, 1.5]], [[1, 0]]);
 * assertAlmostEquals(value.item(), (Math.log(2) + Math.log1p(Math.exp(1.5))) / 2, 1e-15);
 * assertAlmostEquals(grad.input.data[0], (0.5 - 1) / 2, 1e-15);
 * assertAlmostEquals(grad.input.data[1], (1 / (1 + Math.exp(-1.5)) - 0) / 2, 1e-15);
 *
 * // A large score has the loss 0 if it is right, and its own size if it is wrong.
 * const sure = new MultiLabelSoftMarginLoss({ reduction: "none" });
 * assertEquals(sure.forward([[1000, -Infinity], [1000, -1000]], [[1, 0], [0, 0]]).toArray(), [0, 500]);
 * ```
 */
export class MultiLabelSoftMarginLoss extends Loss<
  InputAndTarget,
  "input" | "target" | "weight",
  "input"
> {
  /** Value and gradients of one class as formulas, to be divided by C: x is input, y target and w weight. */
  static readonly formula: LossFormula = formula;

  readonly #reduction: Reduction;
  readonly #weight: TensorOption | undefined;

  /**
   * Makes a loss with these options.
   *
   * @param options See {@linkcode MultiLabelSoftMarginLossOptions}.
   * @throws {TypeError} If an option is unknown or of the wrong kind.
   * @throws {RangeError} If the reduction is unknown.
   */
  constructor(options: MultiLabelSoftMarginLossOptions = {}) {
    super("MultiLabelSoftMarginLoss", ["input", "target"], options, {
      weight: undefined,
      reduction: "mean",
    });
    this.#reduction = reductionOption("MultiLabelSoftMarginLoss", options.reduction);
    this.#weight = tensorOption(options.weight, "weight");
  }

  /** @ignore */
  protected override evaluate(
    args: InputAndTarget,
    request: Request<string> | undefined,
  ): ValueAndGrad<string> {
    const loss = "MultiLabelSoftMarginLoss";
    const types = { dtype: floatType([this.#weight]) };
    const { tensors, dtype } = readArguments(loss, ARGUMENTS, args, types);
    const [x, y] = tensors as [Tensor, Tensor];
    const ownClasses = x.shape.at(-1);
    if (ownClasses === undefined) {
      throw new RangeError(
        "Cannot compute MultiLabelSoftMarginLoss as input must have a class axis: current shape is ()",
      );
    }
    const shape = commonShape(loss, ["input", "target"], tensors);
    let weight = this.#weight?.tensor;
    if (weight) {
      checkMemory(weight, "weight");
      weight = toTensor(weight, dtype, "weight");
      checkRepeatable(loss, "weight", weight.shape, "the scores", shape);
    }
    const rows = new Rows(shape, shape.length - 1);
    const classes = rows.length;
    const call = new RowCall({
      loss,
      reduction: this.#reduction,
      dtype,
      rowShape: rows.outerShape,
      divisor: rows.count,
      scale: ownClasses,
      shapes: {
        input: x.shape,
        target: y.shape,
        ...weight && { weight: weight.shape },
      },
      defaults: ["input"],
      inputs: [x, y, weight],
    }, request);

    const tiles = kernels(dtype, classes).near([x, y]);
    const { element, row, run } = tiles;
    const loadX = rows.load(tiles, x);
    const loadY = rows.load(tiles, y);
    const loadWeight = weight && rows.load(tiles, weight);
    if (weight === undefined) element.w.fill(1, 0, Math.min(tiles.tile, rows.count * classes));
    const sinks = NAMES.flatMap((name) => {
      const grad = call.grad[name];
      return grad === undefined ? [] : [{ step: run[name], sink: rows.sink(tiles, grad) }];
    });
    const needsValue = call.grad.input === undefined;
    rows.tiles(tiles, (start, end) => {
      const count = end - start;
      loadX(element.x, start, end);
      loadY(element.y, start, end);
      loadWeight?.(element.w, start, end);
      call.begin(start, count);
      for (let r = 0; r < count; r++) row.k[r] = call.upstream[r]! / call.divisor;
      if (needsValue) run.value(count, classes);
      for (const { step, sink } of sinks) {
        sink.aim(element.g, start, end);
        step(count, classes);
        sink.store(element.g, start, end);
      }
      call.take(start, count, row.total);
    });
    for (const { sink } of sinks) sink.finish();
    return call.result();
  }
}
