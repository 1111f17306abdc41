/**
 * The trainable parameters of a loss with layers, by the names of PyTorch's `state_dict`.
 */

import { wrongType } from "../call/arguments.ts";
import { isIntact, sameShape, show } from "../tensor/shape.ts";
import type { FloatType } from "../tensor/types.ts";
import { describe } from "../tensor/describe.ts";
import { read, toTensor } from "../tensor/read.ts";
import { type Tensor, type TensorLike, zeros } from "../tensor/tensor.ts";

/** The shape of a parameter, and the range of its initial numbers. */
export interface ParameterShape {
  readonly shape: readonly number[];
  /** The number of inputs of the layer: initial numbers are between ± 1 / √fanIn, as in PyTorch's Linear. */
  readonly fanIn: number;
}

/** Options of a loss with parameters. */
export interface ParameterOptions {
  /**
   * The type of the parameters. If it is not given, they are float32 until `setParameters` gives them the type of its
   * tensors, float64 for plain arrays.
   *
   * @default {"float32"}
   */
  dtype?: "float32" | "float64" | undefined;
  /**
   * The source of the initial parameters: a function that returns uniformly distributed numbers from 0 to 1, such as a
   * seeded generator.
   *
   * @default {Math.random}
   */
  random?: (() => number) | undefined;
}

/** The parameters of one loss. */
export class Parameters {
  readonly #loss: string;
  readonly #dtype: FloatType | undefined;
  readonly #tensors: Record<string, Tensor> = {};

  /** Draws the initial parameters, in order. */
  constructor(
    loss: string,
    shapes: Readonly<Record<string, ParameterShape>>,
    { dtype, random = Math.random }: ParameterOptions,
  ) {
    if (dtype !== undefined && dtype !== "float32" && dtype !== "float64") {
      const message =
        `Cannot make ${loss} as dtype must be "float32" or "float64": current value is ${
          describe(dtype)
        }`;
      throw typeof dtype === "string" ? new RangeError(message) : new TypeError(message);
    }
    if (typeof random !== "function") {
      throw new TypeError(
        `Cannot make ${loss} as random must be a function: current value is ${describe(random)}`,
      );
    }
    this.#loss = loss;
    this.#dtype = dtype;
    for (const [name, { shape, fanIn }] of Object.entries(shapes)) {
      const tensor = zeros(dtype ?? "float32", shape);
      const bound = 1 / Math.sqrt(fanIn);
      for (let i = 0; i < tensor.data.length; i++) {
        const drawn = random();
        if (!(drawn >= 0 && drawn <= 1)) {
          throw new RangeError(
            `Cannot make ${loss} as random must return numbers from 0 to 1: current value is ${
              describe(drawn)
            }`,
          );
        }
        tensor.data[i] = bound * (2 * drawn - 1);
      }
      this.#tensors[name] = tensor;
    }
  }

  /** The tensors by name. These are the loss's own: writing to them changes it. */
  get tensors(): Record<string, Tensor> {
    return { ...this.#tensors };
  }

  /** Copies numbers into parameters, after everything has been checked. */
  set(values: Readonly<Record<string, TensorLike>>): void {
    const loss = this.#loss;
    if (typeof values !== "object" || values === null) {
      throw new TypeError(
        `Cannot set the parameters of ${loss} as they must be an object of tensors: current value is ${
          describe(values)
        }`,
      );
    }
    const fresh: [name: string, tensor: Tensor][] = [];
    for (const [name, value] of Object.entries(values)) {
      const own = Object.hasOwn(this.#tensors, name) ? this.#tensors[name] : undefined;
      if (own === undefined) {
        throw new TypeError(
          `Cannot set the parameters of ${loss} as '${name}' is unknown: known are ${
            Object.keys(this.#tensors).join(", ")
          }`,
        );
      }
      const raw = read(value, name);
      if (raw.dtype === "int32") throw wrongType(loss, name, "float32 or float64", raw.dtype);
      if (!sameShape(raw.shape, own.shape)) {
        throw new RangeError(
          `Cannot set the parameters of ${loss} as ${name} must have the shape ${
            show(own.shape)
          }: current shape is ${show(raw.shape)}`,
        );
      }
      fresh.push([name, toTensor(raw, this.#dtype ?? raw.dtype ?? "float64", name)]);
    }
    for (const [name, { data, shape, dtype }] of fresh) {
      let own = this.#tensors[name];
      // A tensor of another type is replaced, and so is one whose memory was detached or resized.
      if (own?.dtype !== dtype || !isIntact(own)) own = this.#tensors[name] = zeros(dtype, shape);
      own.data.set(data);
    }
  }
}
