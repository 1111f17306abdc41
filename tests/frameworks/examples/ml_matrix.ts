/** How a linear model of ml-matrix is trained: its matrices are handed over as nested arrays. */
import { assert } from "@std/assert";

// begin
import { Matrix } from "ml-matrix";
import { HuberLoss } from "@lossbook/losses";

const samples = new Matrix([[1, 0], [1, 1], [1, 2]]);
let weights = Matrix.zeros(2, 1);
const { value, grad } = new HuberLoss().valueAndGrad(samples.mmul(weights).to2DArray(), [[1], [3], [
  5,
]]);
weights = weights.sub(samples.transpose().mmul(new Matrix(grad.input.toArray(2))));
const next = new HuberLoss().forward(samples.mmul(weights).to2DArray(), [[1], [3], [5]]);
assert(next.item() < value.item());
// end
