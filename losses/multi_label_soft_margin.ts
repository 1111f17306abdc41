/**
 * MultiLabelSoftMarginLoss: a yes-or-no question for each class, answered by its own score; their mean.
 *
 * PyTorch: `torch.nn.MultiLabelSoftMarginLoss(weight, reduction)`
 *
 * Shapes: `input` and `target` of the same shape, (…, C) with at least one axis, the last one that of the classes; an
 * axis of length 1 or a scalar target is repeated along the other. C is the length in `input`. The value is a scalar,
 * or with `"none"` of the shape without the last axis.
 *
 * Domain: `input` any real scores (logits); `target` 1 where the class applies, 0 where it does not, and in between
 * for a probability. Nobody checks it; whole numbers are welcome.
 *
 * Value of a row, with x = input, y = target and w the weight: 1 / C times the sum of
 * w (y log(1 + exp(-x)) + (1 - y) log(1 + exp(x))). C divides the sum as well as the mean, which is the average over
 * rows; the weights enter no denominator.
 *
 * Gradient by `input`: w (σ(x) - y) / C, what the model says minus what is true; by `target`: -w x / C; by `weight`: the
 * value's terms, added up where the weight was repeated.
 *
 * Range: [0, ∞) for targets from 0 to 1 and weights ≥ 0. For one shared score the minimiser is log(p / (1 - p)), p the
 * share of rows in which the class applies.
 *
 * Siblings: {@linkcode BCEWithLogitsLoss} with reduction `"none"` keeps what is averaged here.
 * {@linkcode MultiLabelMarginLoss} compares pairs of classes instead.
 *
 * Unlike PyTorch, infinite scores have their limit, such as 0 for ∞ where the target is 1 (PyTorch returns NaN), the
 * weight follows the type of the arguments, and shapes with different numbers of axes are refused, but for a scalar
 * target and a weight with fewer of them.
 *
 * Notebook: `notebooks/multi_label_soft_margin.ipynb`. Reference: D. R. Cox, The Regression Analysis of Binary
 * Sequences, 1958.
 *
 * @module
 */

import { readArguments } from "./_core/call/arguments.ts";
import { along, commonShape, gather, scatterAdd } from "./_core/tensor/broadcast.ts";
import { show } from "./_core/tensor/shape.ts";
import { defineKernels, load, unload } from "./_core/kernel/kernels.ts";
import type { FloatArray } from "./_core/tensor/types.ts";
import { toTensor } from "./_core/tensor/read.ts";
import { scalar, type Tensor, type TensorLike, zeros } from "./_core/tensor/tensor.ts";
import { classAxis, rowsPerTile } from "./_core/rows/class_axis.ts";
import { type LossFormula, tensorOption } from "./_core/elementwise.ts";
import { checkOptions, type Reduction, reductionOption } from "./_core/call/options.ts";
import { checkRequest, type Request, type ValueAndGrad } from "./_core/call/request.ts";

/** Options of {@linkcode MultiLabelSoftMarginLoss}. */
export interface MultiLabelSoftMarginLossOptions {
  /** A factor for each class, (C), or for each score; it is repeated along leading axes and axes of length 1. */
  weight?: TensorLike;
  /** Keep the value of each row, average over them, or add them up. @default {"mean"} */
  reduction?: Reduction;
}

// Naive: softplus(x) - x y, whose gradient is σ(x) - y. At x = 20, y = 1 in float32 both are 0 instead of ±2e-9, at x = ∞
// the value is ∞ - ∞. A term that does not count is not multiplied by 0 either, as it may be infinite.
const TERM = "(y == 0 ? 0 : y * softplus(-x)) + (y == 1 ? 0 : (1 - y) * softplus(x))";
const formula: LossFormula = {
  value: `w * (${TERM})`,
  grad: {
    input: "w * ((1 - y) * sigmoid(x) - y * sigmoid(-x))",
    target: "-w * x",
    weight: TERM,
  },
};

const kernels = defineKernels({
  elements: ["x", "y", "w", "g"],
  rows: ["k", "total"],
  steps: {
    value: { sum: { total: formula.value } },
    input: { store: { g: `k * (${formula.grad.input})` }, sum: { total: formula.value } },
    target: { store: { g: `k * (${formula.grad.target})` } },
    weight: { store: { g: `k * (${formula.grad.weight})` } },
  },
  tile: 65536,
  tileRows: 4096,
});

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
 * // A sure answer costs nothing if it is right, and what it was sure of if it is wrong.
 * const sure = new MultiLabelSoftMarginLoss({ reduction: "none" });
 * assertEquals(sure.forward([[1000, -Infinity], [1000, -1000]], [[1, 0], [0, 0]]).toArray(), [0, 500]);
 * ```
 */
export class MultiLabelSoftMarginLoss {
  /** Value and gradients of one class as formulas, to be divided by C: x is input, y target and w weight. */
  static readonly formula: LossFormula = formula;

  readonly #options: { reduction: Reduction; weight?: Tensor };

  /**
   * Makes a loss with these options.
   *
   * @param options See {@linkcode MultiLabelSoftMarginLossOptions}.
   * @throws {TypeError} If an option is unknown or of the wrong kind.
   * @throws {RangeError} If the reduction is unknown.
   */
  constructor(options: MultiLabelSoftMarginLossOptions = {}) {
    checkOptions("MultiLabelSoftMarginLoss", options, ["weight", "reduction"]);
    const { weight, reduction = "mean" } = options;
    this.#options = {
      reduction: reductionOption("MultiLabelSoftMarginLoss", reduction),
      weight: tensorOption(weight),
    };
  }

  /**
   * The loss.
   *
   * @param input Scores, (…, C).
   * @param target 1 for a class that applies, 0 for one that does not, of the same shape.
   * @returns A scalar, or with reduction `"none"` one value per row.
   * @throws {TypeError} If an argument is no tensor, or `input` holds whole numbers.
   * @throws {RangeError} If the shapes do not go together.
   */
  forward(input: TensorLike, target: TensorLike): Tensor {
    return this.valueAndGrad(input, target, { wrt: [] }).value;
  }

  /**
   * The loss and its gradients; value and gradient of `input` in one pass.
   *
   * @param input Scores, (…, C).
   * @param target 1 for a class that applies, 0 for one that does not, of the same shape.
   * @param request Which gradients (default `input`), times which upstream gradient, into which buffers.
   * @returns The value, and a gradient of its argument's shape for each name in `request.wrt`.
   * @throws {TypeError} If an argument is no tensor, `input` holds whole numbers, or a name is unknown.
   * @throws {RangeError} If shapes or sizes do not go together.
   */
  valueAndGrad<W extends "input" | "target" | "weight" = "input">(
    input: TensorLike,
    target: TensorLike,
    request: Request<W> = {},
  ): ValueAndGrad<W> {
    const { reduction } = this.#options;
    const { tensors, dtype } = readArguments(
      "MultiLabelSoftMarginLoss",
      [{ name: "input" }, { name: "target", integers: true }],
      [input, target],
    );
    const [x, y] = tensors;
    const ownClasses = x.shape.at(-1);
    if (ownClasses === undefined) {
      throw new RangeError(
        "Cannot compute MultiLabelSoftMarginLoss as input must have a class axis: current shape is ()",
      );
    }
    const shape = commonShape("MultiLabelSoftMarginLoss", ["input", "target"], tensors);
    const weight = this.#options.weight && toTensor(this.#options.weight, dtype, "weight");
    if (weight) checkWeight(weight, shape);
    const { classes, samples, sampleShape } = classAxis(shape, shape.length - 1);

    const isDense = reduction === "none";
    const valueShape = isDense ? sampleShape : [];
    const shapes: Record<string, readonly number[]> = { input: x.shape, target: y.shape };
    if (weight) shapes.weight = weight.shape;
    const { wrt, gradOutput, buffer } = checkRequest(
      "MultiLabelSoftMarginLoss",
      request,
      ["input", "target", "weight"],
      ["input"],
      dtype,
      valueShape,
      shapes,
      weight ? [x, y, weight] : [x, y],
    );

    const tiles = kernels(dtype, classes);
    const { element, row, run } = tiles;
    const rows = rowsPerTile(classes, tiles);
    const loads = [loader(element.x, x, shape), loader(element.y, y, shape)];
    if (weight) loads.push(loader(element.w, weight, shape));
    else element.w.fill(1, 0, rows * classes);
    const names = (["input", "target", "weight"] as const).filter((name) => wrt.includes(name));
    const grad: Record<string, Tensor> = {};
    for (const name of names) grad[name] = buffer(name, shapes[name]);
    const stores = new Map(names.map((name) => [name, storer(element.g, grad[name], shape)]));
    const value = isDense ? zeros(dtype, valueShape) : scalar(dtype, 0);
    const denominator = ownClasses * (reduction === "mean" ? samples : 1);

    let total = 0;
    for (let start = 0; start < samples; start += rows) {
      const count = Math.min(rows, samples - start);
      const [from, to] = [start * classes, (start + count) * classes];
      for (const load of loads) load(from, to);
      for (let r = 0; r < count; r++) {
        row.k[r] = (typeof gradOutput === "number" ? gradOutput : gradOutput[start + r]) /
          denominator;
      }
      if (!stores.has("input")) run.value(count, classes);
      for (const [name, store] of stores) {
        run[name](count, classes);
        store.add(from, to);
      }
      for (let r = 0; r < count; r++) {
        if (isDense) value.data[start + r] = row.total[r] / ownClasses;
        else total += row.total[r];
      }
    }
    if (!isDense) value.data[0] = total / denominator;
    for (const store of stores.values()) store.finish();
    return { value, grad: grad as ValueAndGrad<W>["grad"] };
  }
}

/** Copies elements [from, to) of `shape` out of a tensor that is read along it; what is the same in all rows only once. */
function loader(
  element: FloatArray,
  tensor: Tensor,
  shape: readonly number[],
): (from: number, to: number) => void {
  const { data, strides } = along(tensor, shape);
  if (strides === undefined) return (from, to) => load(element, data, from, to);
  const isSameInRows = strides.slice(0, -1).every((step) => step === 0);
  return (from, to) => {
    // No tile has more rows than the first.
    if (from === 0 || !isSameInRows) gather({ data, strides }, shape, from, to, element);
  };
}

/** Copies elements [from, to) of `shape` into a gradient, or adds them up where its argument was repeated. */
function storer(
  element: FloatArray,
  tensor: Tensor,
  shape: readonly number[],
): { add(from: number, to: number): void; finish(): void } {
  const { data, strides } = along(tensor, shape);
  if (strides === undefined) {
    return { add: (from, to) => unload(element, data, from, to), finish() {} };
  }
  const sums = new Float64Array(data.length);
  return {
    add: (from, to) => scatterAdd(strides, shape, from, to, element, sums),
    finish: () => data.set(sums),
  };
}

/** Refuses a weight that cannot be repeated along the shape of the scores. */
function checkWeight(weight: Tensor, shape: readonly number[]): void {
  const extra = shape.length - weight.shape.length;
  const fits = extra >= 0 &&
    weight.shape.every((length, axis) => length === 1 || length === shape[extra + axis]);
  if (fits) return;
  throw new RangeError(
    `Cannot compute MultiLabelSoftMarginLoss as weight must be repeatable along the shape of the scores, ${
      show(shape)
    }: current shape is ${show(weight.shape)}`,
  );
}
