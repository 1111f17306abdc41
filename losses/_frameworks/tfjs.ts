/**
 * Losses on TensorFlow.js tensors, differentiable by `tf.grads`, `tf.variableGrads` and `optimizer.minimize`, and as the loss of
 * `model.compile`.
 *
 * tfjs is handed over, so that this package depends on no version of it. Each call reads the numbers of its arguments
 * (`dataSync`), computes the loss outside of tfjs in one pass, and makes tensors of what comes out. On the cpu backend that is
 * free, on wasm it costs a copy, on webgl and webgpu a wait for the GPU.
 *
 * ```ts
 * import "@tensorflow/tfjs-backend-cpu";
 * import * as tf from "@tensorflow/tfjs-core";
 * import * as tfl from "@tensorflow/tfjs-layers";
 * import { CrossEntropyLoss } from "@lossbook/losses";
 * import { tfLoss } from "@lossbook/losses/tfjs";
 * import { assert, assertEquals } from "@std/assert";
 *
 * const crossEntropy = tfLoss(tf, new CrossEntropyLoss());
 * const samples = tf.tensor2d([[1, 0], [0, 1]]);
 *
 * const gradient = tf.grad((logits: tf.Tensor) => crossEntropy(logits, [1, 0]));
 * assertEquals([...gradient(samples).dataSync()].map(Math.sign), [1, -1, -1, 1]);
 *
 * const model = tfl.sequential({ layers: [tfl.layers.dense({ units: 2, inputShape: [2] })] });
 * model.compile({ optimizer: "sgd", loss: crossEntropy.layers });
 * const targets = tf.oneHot([1, 0], 2);
 * const { history } = await model.fit(samples, targets, { epochs: 9, verbose: 0 });
 * assert(history.loss[8]! < history.loss[0]!);
 * ```
 *
 * @module
 */

import type { Request, ValueAndGrad } from "../_core/call/request.ts";
import type { Tensor, TensorLike } from "../_core/tensor/tensor.ts";
import type { ForeignTensor } from "../_core/tensor/types.ts";

export type * from "../_core/types.ts";

/** The numbers of float32, int32 and bool tensors of tfjs. */
export type TfNumbers = Float32Array | Int32Array | Uint8Array;

/** A tensor of tfjs, as far as it is used here. */
export interface TfTensor {
  /** The size of each axis. */
  readonly shape: number[];
  /** The element type. */
  readonly dtype: string;
  /**
   * Reads the numbers.
   *
   * @returns The numbers, row by row.
   */
  dataSync(): TfNumbers;
}

/** The functions of tfjs that are used here, as `import * as tf from "@tensorflow/tfjs"` has them. */
export interface TensorFlow<T extends TfTensor, V extends T> {
  /**
   * Makes an operation with a gradient of its own.
   *
   * @param f Computes the value, and says how its gradients are computed.
   * @returns The operation.
   */
  customGrad(
    f: (...inputs: (T | ((tensors: T[]) => void))[]) => {
      value: T;
      gradFunc: (dy: T, saved: T[]) => T[];
    },
  ): (...args: T[]) => T;
  /**
   * Makes a tensor.
   *
   * @param values The numbers, row by row.
   * @param shape The size of each axis.
   * @param dtype The element type.
   * @returns The tensor.
   */
  tensor(values: Float32Array, shape: number[], dtype: "float32"): T;
  /**
   * Makes a tensor of zeros.
   *
   * @param shape The size of each axis.
   * @param dtype The element type.
   * @returns The tensor.
   */
  zeros(shape: number[], dtype: "float32"): T;
  /**
   * Makes a variable.
   *
   * @param initialValue Its first value.
   * @param trainable Whether optimizers change it.
   * @returns The variable.
   */
  variable(initialValue: T, trainable: boolean): V;
  /**
   * Adds two tensors.
   *
   * @param a A tensor.
   * @param b A tensor of its shape.
   * @returns The sum.
   */
  add(a: T, b: T): T;
  /**
   * Averages along some axes.
   *
   * @param x A tensor.
   * @param axis The axes.
   * @returns The means.
   */
  mean(x: T, axis: number[]): T;
  /**
   * Frees the tensors that a function makes, but for the one that it returns.
   *
   * @param f The function.
   * @returns What it returns.
   */
  tidy<R extends T>(f: () => R): R;
}

/** A loss, as far as it is used here: every loss class of this package is one. `A` are its arguments. */
export interface AnyLoss<A extends readonly TensorLike[]> {
  /** The names of the arguments, in the order of a call. */
  readonly argumentNames: readonly string[];
  /**
   * Computes the loss.
   *
   * @param args The arguments.
   * @returns Whatever the loss answers.
   */
  forward(...args: A): unknown;
}

/** A loss that owns a layer. */
export interface AnyLossWithParameters<A extends readonly TensorLike[]> extends AnyLoss<A> {
  /** The trainable parameters, by name. */
  readonly parameters: Readonly<Record<string, Tensor>>;
  /**
   * Copies numbers into the parameters.
   *
   * @param values Numbers by the parameter's name.
   */
  setParameters(values: Readonly<Record<string, TensorLike>>): void;
}

/** Arguments that may be tensors of tfjs; what is none, such as a plain array, is a constant. */
export type TfArguments<T extends TfTensor, A extends readonly TensorLike[]> = {
  [I in keyof A]: T | A[I];
};

/** A loss on tensors of tfjs. */
export interface TfFunction<T extends TfTensor, A extends readonly TensorLike[]> {
  /**
   * Computes the loss. tfjs can differentiate it once, with respect to every float argument that the loss can be
   * differentiated with respect to; the gradient of int32 and bool arguments is 0.
   *
   * @param args The arguments of the loss, in its order. Whole numbers may be float32 where the loss wants labels, and
   * int32 where it wants floats.
   * @returns A scalar, or with reduction `"none"` one value per element or sample; float32.
   */
  <O extends T = T>(...args: TfArguments<T, A>): O;
}

/** A loss on tensors of tfjs that is made of a loss without parameters. */
export type TfLoss<T extends TfTensor, A extends readonly TensorLike[]> =
  & TfFunction<T, A>
  & (A["length"] extends 2 ? ForLayers<T> : unknown);

/** What a loss of two arguments offers to tfjs-layers. */
export interface ForLayers<T extends TfTensor> {
  /**
   * The loss for `model.compile({ loss })`, which calls it with the target first. With reduction `"none"` it keeps one value per
   * sample, so that `sampleWeight` and `classWeight` count; with another, only their mean would.
   *
   * Layers hands on targets of the model's output shape and no others: for {@linkcode CrossEntropyLoss} one-hot rows, of any
   * type. For a loss that takes labels alone, write `(yTrue, yPred) => loss(yPred, tf.argMax(yTrue, -1))`.
   */
  readonly layers: (yTrue: T, yPred: T) => T;
}

/** A loss on tensors of tfjs that is made of a loss with parameters. */
export interface TfLossWithParameters<
  T extends TfTensor,
  V extends T,
  A extends readonly TensorLike[],
> extends TfFunction<T, A> {
  /**
   * The parameters as trainable variables, by name: they begin with the numbers of the loss, and `optimizer.minimize` trains
   * them. `tf.dispose(loss.parameters)` frees them.
   */
  readonly parameters: Readonly<Record<string, V>>;
  /** Copies the numbers of the variables back into the parameters of the loss that this one is made of. */
  writeBack(): void;
}

/** What all losses answer, whatever they can be differentiated with respect to. */
interface Differentiable extends Partial<AnyLossWithParameters<readonly TensorLike[]>> {
  readonly argumentNames: readonly string[];
  valueAndGrad(...args: readonly unknown[]): ValueAndGrad<string>;
}

/**
 * Makes a function on tfjs tensors of a loss with parameters, such as LinearCrossEntropyLoss.
 *
 * @param tf tfjs, as `import * as tf from "@tensorflow/tfjs"` gives it.
 * @param loss The loss. Each call copies the variables into its parameters.
 * @returns The function, and the parameters as variables.
 */
export function tfLoss<T extends TfTensor, V extends T, A extends readonly TensorLike[]>(
  tf: TensorFlow<T, V>,
  loss: AnyLossWithParameters<A>,
): TfLossWithParameters<T, V, A>;
/**
 * Makes a function on tfjs tensors of a loss.
 *
 * @param tf tfjs, as `import * as tf from "@tensorflow/tfjs"` gives it.
 * @param loss The loss.
 * @returns The function.
 */
export function tfLoss<T extends TfTensor, V extends T, A extends readonly TensorLike[]>(
  tf: TensorFlow<T, V>,
  loss: AnyLoss<A>,
): TfLoss<T, A>;
export function tfLoss<T extends TfTensor, V extends T, A extends readonly TensorLike[]>(
  tf: TensorFlow<T, V>,
  loss: AnyLoss<A> | AnyLossWithParameters<A>,
): TfFunction<T, A> {
  const bridge = new Bridge(tf, loss as unknown as Differentiable);
  return Object.defineProperties((...args: readonly unknown[]) => bridge.compute(args), {
    parameters: { value: bridge.parameters },
    writeBack: { value: () => bridge.writeBack() },
    layers: { get: () => bridge.layers },
  }) as TfFunction<T, A>;
}

/** The arguments of one call, parameters included: as they came, and as the loss reads them. */
interface Call {
  readonly args: readonly unknown[];
  readonly values: readonly unknown[];
}

/** A loss whose arguments are tensors of tfjs. */
class Bridge<T extends TfTensor, V extends T> {
  readonly parameters: Readonly<Record<string, V>>;
  readonly #tf: TensorFlow<T, V>;
  readonly #loss: Differentiable;
  /** The names of the arguments, then those of the parameters. */
  readonly #names: readonly string[];
  /** The names that the loss differentiates with respect to in one pass, which the first call finds out. */
  #defaults: readonly string[] | undefined;

  constructor(tf: TensorFlow<T, V>, loss: Differentiable) {
    this.#tf = tf;
    this.#loss = loss;
    const variable = (tensor: Tensor) => tf.tidy(() => tf.variable(this.#tensor(tensor), true));
    this.parameters = Object.fromEntries(
      Object.entries(loss.parameters ?? {}).map(([name, tensor]) => [name, variable(tensor)]),
    );
    this.#names = [...loss.argumentNames, ...Object.keys(this.parameters)];
  }

  /** The loss as a tensor that tfjs can differentiate. */
  compute(given: readonly unknown[]): T {
    const { argumentNames } = this.#loss;
    if (given.length !== argumentNames.length) {
      throw new TypeError(
        `Cannot compute the loss as its arguments must be ${
          argumentNames.join(", ")
        }: current number of arguments is ${given.length}`,
      );
    }
    const args = [...given, ...Object.values(this.parameters)];
    const { value, values } = this.#value(args.map((arg, i) => this.#read(arg, i)));
    const call = { args, values };
    const places = [...args.keys()].filter((i) => isTfTensor(args[i]));
    // tfjs computes all gradients of an operation, but only of operations that depend on what it differentiates with respect to.
    // Gradients that are rarely wanted, such as the target's, therefore belong to operations of their own, which add 0.
    const isRare = (i: number) => isFloat(args[i]) && !this.#defaults!.includes(this.#names[i]!);
    const tf = this.#tf;
    return tf.tidy(() => {
      const common = places.filter((i) => !isRare(i));
      let sum = this.#operation(call, common, () => this.#tensor(value));
      for (const i of places.filter(isRare)) {
        sum = tf.add(sum, this.#operation(call, [i], () => tf.zeros([...value.shape], "float32")));
      }
      return sum;
    });
  }

  /** The loss for `model.compile`. */
  get layers(): (yTrue: T, yPred: T) => T {
    const { argumentNames } = this.#loss;
    if (Object.keys(this.parameters).length > 0) {
      throw new TypeError(
        "Cannot make a loss for Layers as model.fit would not train its parameters: use optimizer.minimize, or end the model in a dense layer and take CrossEntropyLoss",
      );
    }
    if (argumentNames.length !== 2) {
      throw new TypeError(
        `Cannot make a loss for Layers as its arguments must be a prediction and a target, use optimizer.minimize: current arguments are ${
          argumentNames.join(", ")
        }`,
      );
    }
    return (yTrue, yPred) =>
      this.#tf.tidy(() => {
        const value = this.#forLayers(yTrue, yPred);
        // One value per sample, which Layers multiplies by the weight of the sample.
        const axes = value.shape.map((_, axis) => axis).slice(1);
        return axes.length === 0 ? value : this.#tf.mean(value, axes);
      });
  }

  /** Copies the variables into the parameters of the loss. */
  writeBack(): void {
    this.#setParameters(Object.values(this.parameters).map(numbersOf));
  }

  #forLayers(yTrue: T, yPred: T): T {
    try {
      // As numbers the target is a constant.
      return this.compute([yPred, this.#read(yTrue, 1)]);
    } catch (error) {
      if (!(error instanceof RangeError) || !error.message.includes("shape")) throw error;
      throw new RangeError(
        `${error.message}; Layers gives targets the shape of the model's output: where labels are wanted, write loss: (yTrue, yPred) => f(yPred, tf.argMax(yTrue, -1))`,
        { cause: error },
      );
    }
  }

  /** An operation of tfjs on the arguments at these places; a constant if there are none. */
  #operation({ args, values }: Call, places: readonly number[], make: () => T): T {
    if (places.length === 0) return make();
    const tf = this.#tf;
    const inputs = places.map((i) => args[i] as T);
    const wrt = places.filter((i) => isFloat(args[i])).map((i) => this.#names[i]!);
    const operation = tf.customGrad((...given) => {
      const save = given.pop() as (tensors: T[]) => void;
      // All tensors of the call, as each gradient depends on all of them.
      save(args.filter((arg) => isTfTensor<T>(arg)));
      const gradFunc = (dy: T, saved: T[]): T[] => {
        const { grad } = this.#evaluate(values, { wrt, gradOutput: numbersOf(dy) });
        return places.map((i, k) => {
          const own = grad[this.#names[i]!];
          return own === undefined
            ? tf.zeros(inputs[k]!.shape, "float32")
            : this.#gradient(own, [dy, ...saved]);
        });
      };
      return { value: make(), gradFunc };
    });
    return operation(...inputs);
  }

  /** A gradient that depends on `inputs`, so that differentiating it again throws: a plain tensor would have the derivative 0. */
  #gradient(grad: Tensor, inputs: readonly T[]): T {
    const gradFunc = (): never => {
      throw new TypeError(
        "Cannot differentiate the loss twice as tfjs does not see how its gradient is computed: write the part that needs second derivatives in operations of tfjs",
      );
    };
    return this.#tf.customGrad(() => ({ value: this.#tensor(grad), gradFunc }))(...inputs);
  }

  /** Computes the value, with arguments of the types that the loss accepts. */
  #value(given: readonly unknown[]): { value: Tensor; values: readonly unknown[] } {
    const { length } = this.#loss.argumentNames;
    let refusal: unknown;
    for (const exchange of [asTheyAre, wholeToInt32, int32ToFloat32]) {
      const values = given.map((value, i) =>
        i > 0 && i < length && value instanceof Numbers ? exchange(value) : value
      );
      try {
        const request = this.#defaults === undefined ? undefined : { wrt: [] };
        const { value, grad } = this.#evaluate(values, request);
        this.#defaults ??= Object.keys(grad);
        return { value, values };
      } catch (error) {
        if (!(error instanceof TypeError)) throw error;
        refusal ??= error;
      }
    }
    throw refusal;
  }

  #evaluate(
    values: readonly unknown[],
    request: Request<string> | undefined,
  ): ValueAndGrad<string> {
    const count = this.#loss.argumentNames.length;
    this.#setParameters(values.slice(count));
    return this.#loss.valueAndGrad(...values.slice(0, count), request);
  }

  #setParameters(values: readonly unknown[]): void {
    const names = Object.keys(this.parameters);
    if (names.length === 0) return;
    this.#loss.setParameters!(
      Object.fromEntries(names.map((name, i) => [name, values[i] as ForeignTensor])),
    );
  }

  /** The numbers of an argument, if it is a tensor of tfjs. */
  #read(arg: unknown, i: number): unknown {
    if (!isTfTensor<T>(arg)) return arg;
    if (!["float32", "int32", "bool"].includes(arg.dtype)) {
      throw new TypeError(
        `Cannot compute the loss as ${
          this.#names[i]
        } must be float32, int32 or bool: current dtype is ${arg.dtype}`,
      );
    }
    return numbersOf(arg);
  }

  #tensor({ data, shape }: Tensor): T {
    return this.#tf.tensor(
      data instanceof Float32Array ? data : Float32Array.from(data),
      [...shape],
      "float32",
    );
  }
}

/** The numbers of a tensor of tfjs. */
class Numbers {
  readonly data: TfNumbers;
  readonly shape: readonly number[];

  constructor(data: TfNumbers, shape: readonly number[]) {
    this.data = data;
    this.shape = shape;
  }
}

function numbersOf(tensor: TfTensor): Numbers {
  return new Numbers(tensor.dataSync(), [...tensor.shape]);
}

function isTfTensor<T extends TfTensor>(value: unknown): value is T {
  return typeof value === "object" && value !== null && "dataSync" in value;
}

function isFloat(value: unknown): boolean {
  return isTfTensor(value) && value.dtype === "float32";
}

function asTheyAre(numbers: Numbers): Numbers {
  return numbers;
}

/** For labels: tfjs makes float32 of numbers unless it is told otherwise. */
function wholeToInt32({ data, shape }: Numbers): Numbers {
  const isWhole = data instanceof Float32Array && data.every(Number.isInteger);
  return new Numbers(isWhole ? Int32Array.from(data) : data, shape);
}

/** For probabilities: `tf.oneHot` makes int32. */
function int32ToFloat32({ data, shape }: Numbers): Numbers {
  return new Numbers(data instanceof Float32Array ? data : new Float32Array(data), shape);
}
