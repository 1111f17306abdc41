/** Distance functions as users write them, for TripletMarginWithDistanceLoss: the square of Euclid's, along the last axis. */
import { type DistanceFunction, float64, type Tensor } from "@lossbook/losses";

function squares(x1: Tensor, x2: Tensor, into: Float64Array): void {
  const length = x1.shape[x1.shape.length - 1];
  into.fill(0);
  for (let i = 0; i < x1.data.length; i++) {
    into[Math.floor(i / length)] += (x1.data[i] - x2.data[i]) ** 2;
  }
}

const pairsOf = ({ data, shape }: Tensor) => data.length / shape[shape.length - 1];

const valueAndGrad: DistanceFunction["valueAndGrad"] = (x1, x2, { gradOutput }) => {
  const length = x1.shape[x1.shape.length - 1];
  const slope = (sign: number) =>
    float64(
      Float64Array.from(
        x1.data,
        (a, i) => sign * 2 * (a - x2.data[i]) * gradOutput.data[Math.floor(i / length)],
      ),
      [...x1.shape],
    );
  return { grad: { x1: slope(1), x2: slope(-1) } };
};

/** Answers with a tensor of its own each time. */
export const squared: DistanceFunction = {
  forward(x1, x2) {
    const result = new Float64Array(pairsOf(x1));
    squares(x1, x2, result);
    return float64(result, x1.shape.slice(0, -1));
  },
  valueAndGrad,
};

const kept = new Map<string, Tensor>();

/** Writes each answer over the one before. */
export const reused: DistanceFunction = {
  forward(x1, x2) {
    const shape = x1.shape.slice(0, -1);
    const key = String(shape);
    const tensor = kept.get(key) ?? float64(new Float64Array(pairsOf(x1)), shape);
    kept.set(key, tensor);
    squares(x1, x2, tensor.data as Float64Array);
    return tensor;
  },
  valueAndGrad,
};
