/**
 * CosineEmbeddingLoss: vectors of a similar pair should point in the same direction, those of a dissimilar pair should not.
 *
 * PyTorch: `torch.nn.CosineEmbeddingLoss(margin, reduction)`
 *
 * Shapes: `input1` and `input2` (N, D) with `target` (N), or (D) with (); an axis of length 1 is repeated, that of
 * `target` too. The value is a scalar, or with `"none"` of the shape (N) or ().
 *
 * Domain: any real vectors; `target` 1 for a similar pair, -1 for a dissimilar one, of any type.
 *
 * Value, with δ = 1e-12 and the cosine of the angle, c = input1 · input2 / √((‖input1‖² + δ) (‖input2‖² + δ)):
 *
 *     1 - c               where target = 1
 *     max(c - margin, 0)  where target = -1
 *
 * Gradient with respect to `input1`: that of c is input2 / √(A B) - c input1 / A with A = ‖input1‖² + δ and
 * B = ‖input2‖² + δ. It is orthogonal to input1, as only the direction counts. Times -1 for a similar pair; times 1 for a
 * dissimilar one where c > margin, else 0, the kink included. With respect to `input2` the same with both exchanged.
 * `target` is a constant.
 *
 * Range: [0, 2], 0 where similar vectors are parallel and dissimilar ones are at least arccos(margin) apart.
 *
 * Siblings: {@linkcode cosineSimilarity} bounds lengths from below instead of adding δ; {@linkcode TripletMarginLoss}
 * compares two pairs. δ makes vectors shorter than about 1e-5 look less parallel than they are (1e-6 long and equal:
 * c = ½); the gradient at a zero vector is finite, but of length 10⁶.
 *
 * Unlike PyTorch, labels other than 1 and -1 are refused rather than given the value 0, and long vectors do not overflow:
 * only their direction counts.
 *
 * Notebook: `notebooks/cosine_embedding.ipynb` of the repository. Reference: R. Hadsell et al., Dimensionality reduction by
 * learning an invariant mapping, 2006.
 *
 * @module
 */

import { offender, readArguments } from "./_core/call/arguments.ts";
import { Loss } from "./_core/call/loss.ts";
import { numberOption, type Reduction, reductionOption } from "./_core/call/options.ts";
import type { Request, ValueAndGrad } from "./_core/call/request.ts";
import { RowCall } from "./_core/call/row_call.ts";
import type { LossFormula } from "./_core/elementwise/definition.ts";
import { SIGNS } from "./_core/elementwise/domains.ts";
import { cosines, type Divisors } from "./_core/rows/cosines.ts";
import { Rows } from "./_core/rows/rows.ts";
import { commonShape } from "./_core/tensor/broadcast.ts";

import { checkMemory, show } from "./_core/tensor/shape.ts";
import type { Tensor, TensorLike } from "./_core/tensor/tensor.ts";

export type * from "./_core/types.ts";

/** Options of {@linkcode CosineEmbeddingLoss}. */
export interface CosineEmbeddingLossOptions {
  /**
   * A dissimilar pair with at most this cosine has loss 0; useful between -1 and 1. With 0 a right angle is enough.
   *
   * @default {0}
   */
  margin?: number | undefined;
  /** Keep the value of each pair, average over them, or add them up. @default {"mean"} */
  reduction?: Reduction | undefined;
}

/** The arguments of {@linkcode CosineEmbeddingLoss}. */
export type CosineEmbeddingArguments = [input1: TensorLike, input2: TensorLike, target: TensorLike];

const ARGUMENTS = [{ name: "input1" }, { name: "input2" }, { name: "target", isLabel: true }];

/** Keeps lengths from being 0. PyTorch rounds 1e-12 to float32. */
const DELTA = /* @__PURE__ */ Math.fround(1e-12);

/** The divisors of a cosine, √(‖x‖² + δ), and the same as the L of {@linkcode Divisors}: the derivative is x / √(‖x‖² + δ). */
function divide(count: number, { sumOfSquares, scale, divisor, length }: Divisors): void {
  for (let r = 0; r < count; r++) {
    const k = scale[r]!;
    const sum = sumOfSquares[r]!;
    divisor[r] = length[r] = k <= 1
      ? Math.sqrt(sum + DELTA * k * k)
      // The scale of a tiny row is so large that its square is infinite.
      : Math.hypot(Math.sqrt(sum), Math.sqrt(DELTA) * k);
  }
}

/**
 * Vectors of a similar pair should point in the same direction, those of a dissimilar pair should not.
 *
 * ```ts
 * import { CosineEmbeddingLoss } from "@lossbook/losses";
 * import { assertAlmostEquals } from "@std/assert";
 *
 * const loss = new CosineEmbeddingLoss({ margin: 0.5, reduction: "none" });
 * const { value, grad } = loss.valueAndGrad([[3, 4], [3, 4]], [[1, 0], [1, 0]], [1, -1]);
 * // The cosine is 3 / 5.
 * assertAlmostEquals(value.data[0], 1 - 0.6, 1e-9);
 * assertAlmostEquals(value.data[1], 0.6 - 0.5, 1e-9);
 * // A step against the gradient turns a similar vector towards the other: minus (input2 / (5 · 1) - 0.6 input1 / 25).
 * assertAlmostEquals(grad.input1.data[0], -(1 / 5 - 0.6 * 3 / 25), 1e-9);
 * ```
 */
export class CosineEmbeddingLoss
  extends Loss<CosineEmbeddingArguments, "input1" | "input2", "input1" | "input2"> {
  /**
   * Value of one pair and its derivative with respect to the cosine, as formulas in c (the cosine), y (target) and
   * margin.
   */
  static readonly formula: LossFormula = {
    value: "y == 1 ? 1 - c : hinge(c - margin)",
    grad: { c: "y == 1 ? -1 : c - margin > 0 ? 1 : 0" },
  };

  readonly #margin: number;
  readonly #reduction: Reduction;

  /**
   * Makes a loss with these options.
   *
   * @param options See {@linkcode CosineEmbeddingLossOptions}.
   * @throws {TypeError} If an option is unknown or of the wrong kind.
   * @throws {RangeError} If margin is infinite or NaN, or the reduction is unknown.
   */
  constructor(options: CosineEmbeddingLossOptions = {}) {
    super("CosineEmbeddingLoss", ["input1", "input2", "target"], options, {
      margin: 0,
      reduction: "mean",
    });
    const { margin = 0, reduction } = options;
    this.#margin = numberOption(
      "CosineEmbeddingLoss",
      "margin",
      margin,
      Number.isFinite,
      "finite",
    );
    this.#reduction = reductionOption("CosineEmbeddingLoss", reduction);
  }

  /** @ignore */
  protected override evaluate(
    args: CosineEmbeddingArguments,
    request: Request<string> | undefined,
  ): ValueAndGrad<string> {
    const loss = "CosineEmbeddingLoss";
    const { tensors, dtype } = readArguments(loss, ARGUMENTS, args);
    const [x, y, labels] = tensors as [Tensor, Tensor, Tensor];
    checkSigns(loss, labels);
    const shape = pairShape(loss, x, y, labels.shape);
    const rows = new Rows(shape, shape.length - 1);
    const call = new RowCall({
      loss,
      reduction: this.#reduction,
      dtype,
      rowShape: rows.outerShape,
      divisor: rows.count,
      shapes: { input1: x.shape, input2: y.shape },
      defaults: ["input1", "input2"],
      inputs: [x, y, labels],
    }, request);

    const { upstream: gradOutput, values, divisor } = call;
    const margin = this.#margin;
    const { data } = labels;
    cosines({
      dtype,
      rows,
      x,
      y,
      gradX: call.grad.input1,
      gradY: call.grad.input2,
      divide,
      onTile: (start, count, cosine, upstream) => {
        call.begin(start, count);
        for (let r = 0; r < count; r++) {
          const isSimilar = data[data.length === 1 ? 0 : start + r] === 1;
          const h = isSimilar ? 1 - cosine[r]! : cosine[r]! - margin;
          values[r] = isSimilar ? h : Math.max(h, 0);
          // At the kink the gradient is 0; NaN makes the gradient NaN.
          const gradient = isSimilar ? -1 : h > 0 ? 1 : h <= 0 ? 0 : NaN;
          upstream[r] = gradient * gradOutput[r]! / divisor;
        }
        call.end(start, count);
      },
    });
    return call.result();
  }
}

/** Refuses labels other than 1 and -1. */
function checkSigns(loss: string, labels: Tensor): void {
  checkMemory(labels, "target");
  const { data } = labels;
  for (let i = 0; i < data.length; i++) {
    if (!SIGNS.valid(data[i]!)) throw offender(loss, labels, "target", SIGNS.valid, SIGNS.wanted);
  }
}

/** The common shape of all pairs: that of the inputs, with as many rows as there are labels if they have one row. */
function pairShape(
  loss: string,
  x: Tensor,
  y: Tensor,
  target: readonly number[],
): readonly number[] {
  const axes = target.length + 1;
  if (target.length > 1 || x.shape.length !== axes || y.shape.length !== axes) {
    throw new RangeError(
      `Cannot compute ${loss} as inputs (N, D) need a target (N), inputs (D) a target (): current shapes are ${
        [x.shape, y.shape, target].map(show).join(" and ")
      }`,
    );
  }
  const common = commonShape(loss, ["input1", "input2"], [x, y]);
  const [labels] = target;
  if (labels === undefined) return common;
  const [pairs, length] = common as [number, number];
  if (labels !== pairs && labels !== 1 && pairs !== 1) {
    throw new RangeError(
      `Cannot compute ${loss} as target must hold one label for each of ${pairs} pairs: current length is ${labels}`,
    );
  }
  return [pairs === 1 ? labels : pairs, length];
}
