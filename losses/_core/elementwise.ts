/**
 * Runs a loss that acts element by element: from formula texts to value and gradients, in one fused pass.
 *
 * The texts of value and gradients, the weight, the upstream gradient and the reduction are put together into
 * one kernel for what a call asks for, such as "mean, gradient of the input": tiles of the arguments are
 * copied into the scratch memory, the kernel runs, gradients are copied out.
 */

import { type Argument, offender, readArguments } from "./arguments.ts";
import {
  along,
  commonShape,
  gather,
  type Operand,
  sameShape,
  scatterAdd,
  show,
} from "./broadcast.ts";
import {
  defineKernels,
  type FloatArray,
  type Kernels,
  load,
  type Step,
  unload,
} from "./formula/kernels.ts";
import type { Run } from "./formula/plan.ts";
import type { FloatType } from "./formula/program.ts";
import type { Reduction } from "./options.ts";
import { type CheckedRequest, checkRequest, type Request, type ValueAndGrad } from "./request.ts";
import { read, scalar, sizeOf, type Tensor, type TensorLike, toTensor, zeros } from "./tensor.ts";

/** A loss as its formulas, in the symbols of its arguments and the names of its options. */
export interface LossFormula {
  /** The value of one element. */
  readonly value: string;
  /** The derivative of that value, by the name of the argument. */
  readonly grad: Readonly<Record<string, string>>;
}

/** An argument that the formulas call by a symbol. */
export interface SymbolicArgument extends Argument {
  readonly symbol: string;
  /** What every element must satisfy, as a formula in the symbol, and in words that follow "must be". */
  readonly domain?: {
    readonly formula: string;
    readonly valid: (value: number) => boolean;
    readonly wanted: string;
  };
}

/** What the driver needs to know about a loss. */
export interface ElementwiseDefinition {
  /** The class, for error messages. */
  readonly loss: string;
  readonly arguments: readonly SymbolicArgument[];
  readonly formula: LossFormula;
  /** Options that occur in the formulas: numbers, and tensors that are repeated along leading axes. */
  readonly params?: readonly string[];
  readonly tensors?: readonly { readonly name: string; readonly symbol: string }[];
  /**
   * Which shapes go together: those of broadcast.ts ("common", the default), of these only those with as many
   * axes ("rank"), those that the first argument is not repeated along ("first"), or equal ones ("equal").
   */
  readonly shapes?: "common" | "rank" | "first" | "equal";
  /** Whether tensors of different types are refused rather than converted. */
  readonly sameTypes?: boolean;
  /** The arguments that are differentiated by unless a call says otherwise; the first one by default. */
  readonly wrt?: readonly string[];
  /** What a weighted mean is divided by: the sum of the weights, or their count. */
  readonly weightedMean?: "weights" | "count";
  /** Whether the weight is repeated along leading axes; by default it must have the shape of the loss. */
  readonly weightBroadcasts?: boolean;
}

/** The options of one loss object, as the driver needs them. */
export interface ElementwiseOptions {
  readonly reduction: Reduction;
  /** The options that occur in the formulas. */
  readonly params?: Readonly<Record<string, number>>;
  readonly tensors?: Readonly<Record<string, Tensor>>;
  /** One factor for each element. */
  readonly weight?: Tensor;
  /** What a mean is divided by: the number of elements, or the length of the first axis. */
  readonly meanOver?: "elements" | "batch";
}

type Names = Kernels<string, string, string, string, string>;

const GRAD = "grad ";
const WEIGHT = "weight";

/** Value and gradients of an element-wise loss. */
export class Elementwise {
  readonly #definition: ElementwiseDefinition;
  readonly #kernels: (dtype: FloatType) => Names;
  readonly #runs = new Map<string, Run>();

  constructor(definition: ElementwiseDefinition) {
    this.#definition = definition;
    const names = definition.arguments.map(({ symbol }) => symbol);
    const grads = [...Object.keys(definition.formula.grad), WEIGHT].map((name) => GRAD + name);
    this.#kernels = defineKernels<string, string, string, string, string>({
      elements: [
        ...names,
        ...(definition.tensors ?? []).map(({ symbol }) => symbol),
        "w",
        "g",
        "value",
        ...grads,
      ],
      rows: ["total", "offenders"],
      params: [...definition.params ?? [], "scale", "center"],
      steps: {},
      tile: 8192,
    });
  }

  /** The loss alone. */
  forward(options: ElementwiseOptions, values: readonly TensorLike[]): Tensor {
    return this.#evaluate(options, values).value;
  }

  /** The loss and its gradients. */
  valueAndGrad<W extends string>(
    options: ElementwiseOptions,
    values: readonly TensorLike[],
    request: Request<W> = {},
  ): ValueAndGrad<W> {
    return this.#evaluate(options, values, request) as ValueAndGrad<W>;
  }

  #evaluate(
    options: ElementwiseOptions,
    values: readonly TensorLike[],
    request?: Request<string>,
  ): { value: Tensor; grad: Record<string, Tensor> } {
    const { loss, arguments: specs, formula, wrt: defaults = [specs[0].name], sameTypes } =
      this.#definition;
    const { reduction, params = {} } = options;
    const { tensors, dtype } = readArguments(loss, specs, values, reduction === "mean", sameTypes);
    const shape = this.#shape(tensors);
    const weight = options.weight &&
      this.#fit(WEIGHT, options.weight, shape, dtype, this.#definition.weightBroadcasts);
    const kernels = this.#kernels(dtype);
    const operands = tensors.map((tensor) => along(tensor, shape));
    this.#checkDomains(kernels, dtype, tensors);

    const shapes: Record<string, readonly number[]> = {};
    specs.forEach(({ name }, i) => shapes[name] = tensors[i].shape);
    if (weight) shapes[WEIGHT] = weight.shape;
    const isDense = reduction === "none";
    const { wrt, gradOutput, buffer }: CheckedRequest = request === undefined
      ? { wrt: [], gradOutput: 1, buffer: () => scalar(dtype, 0) }
      : checkRequest(
        loss,
        request,
        [...Object.keys(formula.grad), WEIGHT],
        defaults,
        dtype,
        isDense ? shape : [],
        shapes,
        weight ? [...tensors, weight] : tensors,
      );

    const size = sizeOf(shape);
    for (const name in params) kernels.param[name][0] = params[name];
    const denominator = reduction !== "mean"
      ? 1
      : weight && this.#definition.weightedMean === "weights"
      ? this.#sumOfWeights(kernels, dtype, weight)
      : options.meanOver === "batch"
      ? tensors[0].shape[0] ?? 1
      : size;
    kernels.param.center[0] = 0;
    if (
      wrt.includes(WEIGHT) && reduction === "mean" && this.#definition.weightedMean === "weights"
    ) {
      // d(Σ w v / Σ w) / dw = (v - loss) / Σ w
      kernels.param.center[0] = this.#evaluate(options, values).value.data[0];
    }
    kernels.param.scale[0] = typeof gradOutput === "number" ? gradOutput / denominator : 1;

    const value = isDense ? zeros(dtype, shape) : scalar(dtype, 0);
    const upstream = typeof gradOutput === "number" ? undefined : gradOutput;
    const run = this.#run(dtype, isDense, weight !== undefined, upstream !== undefined, wrt);

    const loads: [FloatArray, Operand][] = operands.map((
      operand,
      i,
    ) => [kernels.element[specs[i].symbol], operand]);
    if (weight) loads.push([kernels.element.w, along(weight, shape)]);
    for (const { name, symbol } of this.#definition.tensors ?? []) {
      loads.push([
        kernels.element[symbol],
        along(this.#fit(name, options.tensors![symbol], shape, dtype, true), shape),
      ]);
    }
    if (upstream) loads.push([kernels.element.g, { data: upstream }]);
    const grad: Record<string, Tensor> = {};
    const stores = wrt.map((name) => {
      const tensor = grad[name] = buffer(name, shapes[name]);
      const operand = sameShape(shapes[name], shape) ? undefined : along(tensor, shape);
      return {
        from: kernels.element[GRAD + name],
        tensor,
        operand,
        sums: operand && new Float64Array(tensor.data.length),
      };
    });

    const { tile } = kernels;
    let total = 0;
    for (let start = 0; start < size; start += tile) {
      const end = Math.min(start + tile, size);
      for (const [element, { data, strides }] of loads) {
        if (strides === undefined) load(element, data, start, end);
        else if (data.length > 1) gather({ data, strides }, shape, start, end, element);
        else if (start === 0) element.fill(data[0], 0, end);
      }
      run(1, end - start);
      if (isDense) unload(kernels.element.value, value.data as FloatArray, start, end);
      else total += kernels.row.total[0];
      for (const { from, tensor, operand, sums } of stores) {
        if (sums === undefined) unload(from, tensor.data as FloatArray, start, end);
        else scatterAdd(operand!.strides!, shape, start, end, from, sums);
      }
    }
    if (!isDense) value.data[0] = total / denominator;
    for (const { tensor, sums } of stores) if (sums) tensor.data.set(sums);
    return { value, grad };
  }

  /** The kernel for what a call asks for, made when it is first needed. */
  #run(
    dtype: FloatType,
    isDense: boolean,
    isWeighted: boolean,
    hasUpstream: boolean,
    wrt: readonly string[],
  ): Run {
    const key = `${dtype} ${isDense} ${isWeighted} ${hasUpstream} ${wrt.join()}`;
    let run = this.#runs.get(key);
    if (run === undefined) {
      const { value, grad } = this.#definition.formula;
      const weighted = (text: string) => isWeighted ? `w * (${text})` : text;
      const upstream = hasUpstream ? "g" : "scale";
      const store: Record<string, string> = {};
      for (const name of wrt) {
        store[GRAD + name] = name === WEIGHT
          ? `${upstream} * ((${value}) - center)`
          : `${upstream} * ${weighted(`(${grad[name]})`)}`;
      }
      const step: Step = isDense
        ? { store: { value: weighted(value), ...store } }
        : { store, sum: { total: weighted(value) } };
      run = this.#kernels(dtype).compile(step);
      this.#runs.set(key, run);
    }
    return run;
  }

  #shape(tensors: readonly Tensor[]): readonly number[] {
    const { loss, arguments: specs, shapes = "common" } = this.#definition;
    const names = specs.map(({ name }) => name);
    const common = commonShape(loss, names, tensors);
    tensors.forEach(({ shape }, i) => {
      const fits = shapes === "common" || sameShape(shape, common) ||
        (shapes === "rank" ? shape.length === common.length : shapes === "first" && i > 0);
      if (!fits) {
        const wanted = {
          rank: "all arguments must have the same number of axes",
          first: `${names.slice(1).join(" and ")} must not be larger than ${names[0]}`,
          equal: `${names.join(" and ")} must have the same shape`,
        }[shapes as "rank" | "first" | "equal"];
        throw new RangeError(
          `Cannot compute ${loss} as ${wanted}: current shapes are ${
            tensors.map(({ shape }) => show(shape)).join(" and ")
          }`,
        );
      }
    });
    return common;
  }

  /** A tensor option in the type of the call, if its shape goes with that of the loss. */
  #fit(
    name: string,
    tensor: Tensor,
    shape: readonly number[],
    dtype: FloatType,
    broadcasts = false,
  ): Tensor {
    const extra = shape.length - tensor.shape.length;
    const fits = broadcasts
      ? extra >= 0 &&
        tensor.shape.every((length, axis) => length === 1 || length === shape[extra + axis])
      : sameShape(tensor.shape, shape);
    if (!fits) {
      throw new RangeError(
        `Cannot compute ${this.#definition.loss} as ${name} must ${
          broadcasts ? "be repeatable along" : "have"
        } the shape of the loss, ${show(shape)}: current shape is ${show(tensor.shape)}`,
      );
    }
    return toTensor(tensor, dtype, name);
  }

  #sumOfWeights(kernels: Names, dtype: FloatType, weight: Tensor): number {
    const data = weight.data as FloatArray;
    const run = this.#step(`${dtype} weights`, kernels, { sum: { total: "w" } });
    let sum = 0;
    for (let start = 0; start < data.length; start += kernels.tile) {
      const end = Math.min(start + kernels.tile, data.length);
      load(kernels.element.w, data, start, end);
      run(1, end - start);
      sum += kernels.row.total[0];
    }
    return sum;
  }

  /** Looks at every element before anything is written, so that a failed call leaves buffers as they were. */
  #checkDomains(kernels: Names, dtype: FloatType, tensors: readonly Tensor[]): void {
    const { loss, arguments: specs } = this.#definition;
    specs.forEach(({ name, symbol, domain }, i) => {
      if (domain === undefined) return;
      const data = tensors[i].data as FloatArray;
      const run = this.#step(`${dtype} domain of ${name}`, kernels, {
        sum: { offenders: `${domain.formula} ? 0 : 1` },
      });
      for (let start = 0; start < data.length; start += kernels.tile) {
        const end = Math.min(start + kernels.tile, data.length);
        load(kernels.element[symbol], data, start, end);
        run(1, end - start);
        if (kernels.row.offenders[0] > 0) {
          throw offender(loss, tensors[i], name, domain.valid, domain.wanted);
        }
      }
    });
  }

  #step(key: string, kernels: Names, step: Step): Run {
    let run = this.#runs.get(key);
    if (run === undefined) {
      run = kernels.compile(step);
      this.#runs.set(key, run);
    }
    return run;
  }
}

/**
 * A tensor option, checked.
 *
 * @param value The option's value.
 * @param name Its name, for error messages.
 * @returns It as a tensor of its own type, or undefined if there is none.
 * @throws {TypeError} If it is no tensor.
 */
export function tensorOption(value: TensorLike | undefined, name = WEIGHT): Tensor | undefined {
  if (value === undefined) return undefined;
  const raw = read(value, name);
  return toTensor(raw, raw.dtype ?? "float64", name);
}
