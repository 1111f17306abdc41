/** A linear model, trained by gradient descent on all samples at once. */

import { float64, type Tensor } from "@lossbook/losses";

/** Samples or parameters, row by row. */
export type Matrix = readonly ArrayLike<number>[];

/** What {@linkcode trainLinear} is told. */
export interface LinearTraining {
  /** The outputs of the model for each sample, such as one score for each class. @default {1} */
  outputs?: number;
  /** The factor of the gradient in each step. */
  learningRate: number;
  /** The number of steps. */
  steps: number;
  /** The first parameters, one row for each input. Default: zeros. */
  start?: Matrix;
}

/** What {@linkcode trainLinear} found. */
export interface LinearModel {
  /** The parameters W after the last step, one row for each input and one column for each output. */
  weights: number[][];
  /** The loss before each step, and after the last. */
  history: number[];
  /** The parameters before each step, and after the last. */
  path: number[][][];
  /** True if the loss stopped being a number, where the training ended: the learning rate is too large. */
  diverged: boolean;
}

/**
 * Trains the linear model Z = X W: in each step the loss gives ∂J/∂Z, the chain rule ∂J/∂W = Xᵀ ∂J/∂Z, and W moves against it. For a
 * bias, a column of X is all ones.
 *
 * @param X The inputs, one row for each sample.
 * @param lossOf Value and gradient of the loss for outputs Z of shape (samples, outputs), or (samples) if there is one output.
 * @param options Learning rate, steps, the number of outputs, and where to start.
 * @returns The parameters, and the loss on the way.
 *
 * @example
 * ```ts
 * const loss = new CrossEntropyLoss();
 * const { weights } = trainLinear(X, (Z) => loss.valueAndGrad(Z, labels), {
 *   outputs: 10,
 *   learningRate: 2,
 *   steps: 100,
 * });
 * const predicted = matmul(unseen, weights).map(argmax);
 * ```
 */
export function trainLinear(
  X: Matrix,
  lossOf: (Z: Tensor) => { value: Tensor; grad: { readonly input: Tensor } },
  options: LinearTraining,
): LinearModel {
  const { outputs = 1, learningRate, steps, start } = options;
  const inputs = X[0].length;
  const x = flat(X, inputs);
  const shape = outputs === 1 ? [X.length] : [X.length, outputs];
  let weights = start ? flat(start, outputs) : new Float64Array(inputs * outputs);
  const z = new Float64Array(X.length * outputs);
  const history: number[] = [];
  const path: number[][][] = [];
  for (let step = 0;; step++) {
    multiplyInto(z, x, weights, X.length, inputs, outputs);
    const { value, grad } = lossOf(float64(z, shape));
    history.push(value.item());
    path.push(rows(weights, outputs));
    const diverged = !Number.isFinite(value.item());
    if (step === steps || diverged) return { weights: path[step], history, path, diverged };
    // Not in place, as the loss may keep what it was given.
    weights = stepFrom(weights, x, grad.input.data, learningRate, X.length, outputs);
  }
}

/**
 * The product of two matrices.
 *
 * @param A One row for each row of the product.
 * @param B One column for each column of the product.
 * @returns A B.
 */
export function matmul(A: Matrix, B: Matrix): number[][] {
  const inner = B.length;
  const columns = B[0].length;
  const product = new Float64Array(A.length * columns);
  multiplyInto(product, flat(A, inner), flat(B, columns), A.length, inner, columns);
  return rows(product, columns);
}

/** C = A B for flat arrays, row by row; zeros of A, such as the paper of an image, cost nothing. */
function multiplyInto(
  C: Float64Array,
  A: Float64Array,
  B: Float64Array,
  count: number,
  inner: number,
  columns: number,
): void {
  C.fill(0);
  for (let n = 0; n < count; n++) {
    for (let k = 0; k < inner; k++) {
      const a = A[n * inner + k];
      if (a === 0) continue;
      for (let c = 0; c < columns; c++) C[n * columns + c] += a * B[k * columns + c];
    }
  }
}

/** W - learningRate · Xᵀ G */
function stepFrom(
  W: Float64Array,
  X: Float64Array,
  G: ArrayLike<number>,
  learningRate: number,
  count: number,
  columns: number,
): Float64Array {
  const inputs = W.length / columns;
  const next = Float64Array.from(W);
  for (let n = 0; n < count; n++) {
    for (let k = 0; k < inputs; k++) {
      const step = learningRate * X[n * inputs + k];
      if (step === 0) continue;
      for (let c = 0; c < columns; c++) next[k * columns + c] -= step * G[n * columns + c];
    }
  }
  return next;
}

function flat(matrix: Matrix, width: number): Float64Array {
  const values = new Float64Array(matrix.length * width);
  matrix.forEach((row, i) => {
    if (row.length !== width) {
      throw new TypeError(
        `Cannot multiply as row ${i} must have ${width} numbers: current number is ${row.length}`,
      );
    }
    values.set(Array.from(row), i * width);
  });
  return values;
}

function rows(values: Float64Array, width: number): number[][] {
  return Array.from(
    { length: values.length / width },
    (_, i) => Array.from(values.subarray(i * width, (i + 1) * width)),
  );
}
