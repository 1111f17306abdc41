/** Random inputs that a seed determines. */
import { float64, int32, type Tensor } from "@lossbook/losses";

/** A generator of numbers and tensors (mulberry32). PyTorch's own generator is in tests/reference/torch. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** A number from [low, high), evenly distributed. */
  uniform(low = 0, high = 1): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return low + (high - low) * (((t ^ (t >>> 14)) >>> 0) / 2 ** 32);
  }

  /** A normally distributed number (Box–Muller). */
  normal(): number {
    return Math.sqrt(-2 * Math.log(1 - this.uniform())) * Math.cos(2 * Math.PI * this.uniform());
  }

  /** A whole number from 0 to n − 1. */
  below(n: number): number {
    return Math.floor(this.uniform(0, n));
  }

  /** −1 or 1. */
  sign(): number {
    return this.uniform() < 0.5 ? -1 : 1;
  }

  /** A float64 tensor; `draw` gives each number (normally distributed by default). */
  tensor(shape: readonly number[], draw: () => number = () => this.normal()): Tensor {
    return float64(Float64Array.from({ length: sizeOf(shape) }, draw), [...shape]);
  }

  /** Several float64 tensors of one shape, by name. */
  tensors<Name extends string>(
    names: readonly Name[],
    shape: readonly number[],
  ): Record<Name, Tensor> {
    const entries = names.map((name) => [name, this.tensor(shape)]);
    return Object.fromEntries(entries) as Record<Name, Tensor>;
  }

  /** An int32 tensor of class labels from 0 to classes − 1. */
  labels(shape: readonly number[], classes: number): Tensor {
    const data = Int32Array.from({ length: sizeOf(shape) }, () => this.below(classes));
    return int32(data, [...shape]);
  }

  /** A float64 tensor of probabilities: positive, and adding up to 1 along axis 1, or along the only axis. */
  probabilities(shape: readonly number[]): Tensor {
    const axis = shape.length === 1 ? 0 : 1;
    const tensor = this.tensor(shape, () => this.uniform(0.05, 1));
    const inner = sizeOf(shape.slice(axis + 1));
    const { data } = tensor;
    for (let sample = 0; sample < data.length / shape[axis]; sample++) {
      const first = Math.floor(sample / inner) * shape[axis] * inner + sample % inner;
      let sum = 0;
      for (let c = 0; c < shape[axis]; c++) sum += data[first + c * inner];
      for (let c = 0; c < shape[axis]; c++) data[first + c * inner] /= sum;
    }
    return tensor;
  }
}

/** How many numbers a tensor of this shape holds. */
export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, length) => product * length, 1);
}
