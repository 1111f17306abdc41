/**
 * Runs a loss that acts element by element: from formula texts to value and gradients, in one fused pass.
 *
 * The texts of value and gradients, the weight, the upstream gradient and the reduction are put together into
 * one kernel for what a call asks for, such as "mean, gradient of the input": tiles of the arguments are
 * copied into the scratch memory, the kernel runs, gradients are copied out.
 */

import { type Argument, offender, readArguments } from "./call/arguments.ts";
import { along, commonShape, gather, type Operand, scatterAdd } from "./tensor/broadcast.ts";
import { sameShape, show, sizeOf } from "./tensor/shape.ts";
import { defineKernels, type Kernels, load, type Step, unload } from "./kernel/kernels.ts";
import type { FloatArray, FloatType } from "./tensor/types.ts";
import { read, toTensor } from "./tensor/read.ts";
import { scalar, type Tensor, type TensorLike, zeros } from "./tensor/tensor.ts";
import type { Run } from "./kernel/plan.ts";
import type { Reduction } from "./call/options.ts";
import { checkRequest, type Request, type ValueAndGrad } from "./call/request.ts";

/** A loss as its formulas, in the symbols of its arguments and the names of its options. */
export interface LossFormula {
  /** The value of one element. */
  readonly value: string;
  /** The derivative of that value, by the name of the argument. */
  readonly grad: Readonly<Record<string, string>>;
}

/** What every element of an argument must satisfy. */
export interface Domain {
  /** As a formula in the argument's symbol, for the kernel. */
  readonly formula: string;
  /** The same for one element. */
  readonly valid: (value: number) => boolean;
  /** The same in words that follow "must be". */
  readonly wanted: string;
}

/** The domain of a target that tells two kinds of elements apart. */
export const SIGNS: Domain = {
  formula: "abs(y) == 1",
  valid: (y) => Math.abs(y) === 1,
  wanted: "1 or -1",
};

/** An argument that the formulas call by a symbol. */
export interface SymbolicArgument extends Argument {
  readonly symbol: string;
  readonly domain?: Domain;
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
  /** Gives arguments the shapes in which they are read, where these are not their own; throws if it cannot. */
  readonly align?: (tensors: readonly Tensor[]) => readonly Tensor[];
  /** Whether tensors of different types are refused rather than converted. */
  readonly sameTypes?: boolean;
  /** The arguments that are differentiated by unless a call says otherwise; the first one by default. */
  readonly wrt?: readonly string[];
  /** What a weighted mean is divided by: the sum of the weights, or their count. */
  readonly weightedMean?: "weights" | "count";
  /**
   * Whether the weight is repeated along leading axes and a constant; by default it must have the shape of the
   * loss and can be differentiated by.
   */
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

/** A kernel for one set of gradients. */
interface Pass {
  readonly run: Run;
  readonly wrt: readonly string[];
  /** By gradient, where the kernel leaves it, and the position of its argument (-1: the weight). */
  readonly from: readonly FloatArray[];
  readonly at: readonly number[];
}

/** The kernels of one float type with their operands at hand: a call on few elements has no time to look them up by name. */
interface Workspace {
  readonly kernels: Kernels<string, string, string, string, string>;
  /** In the order of the arguments, and of the tensors among the options. */
  readonly inputs: readonly FloatArray[];
  readonly tensors: readonly FloatArray[];
  readonly weight: FloatArray;
  readonly upstream: FloatArray;
  readonly value: FloatArray;
  readonly total: Float64Array;
  readonly scale: Float64Array;
  readonly center: Float64Array;
  /** What calls have asked for so far: first by reduction, weight and upstream gradient, then by gradients. */
  readonly runs: Pass[][];
  /** Kernels that were needed beside these, by name: sums of weights, searches for offenders. */
  readonly others: Map<string, Run>;
}

/** Where a tile of an argument is copied to, and from. */
interface Load {
  readonly into: FloatArray;
  readonly from: Operand;
}

/** Where a tile of a gradient is copied from, and to; with strides it is added up. */
interface Store {
  readonly from: FloatArray;
  readonly data: FloatArray;
  readonly strides?: readonly number[];
  readonly sums?: Float64Array;
}

const NO_GRADIENTS: Request<string> = { wrt: [] };

const GRAD = "grad ";
const WEIGHT = "weight";
/** The shape of a value that has been averaged or added up. */
const SCALAR: readonly number[] = [];

/** Value and gradients of an element-wise loss. */
export class Elementwise {
  /** The texts that this one runs. */
  readonly formula: LossFormula;
  readonly #definition: ElementwiseDefinition;
  readonly #names: readonly string[];
  readonly #differentiable: readonly string[];
  readonly #defaults: readonly string[];
  /** Positions of the arguments with a domain. */
  readonly #domains: readonly number[];
  readonly #kernels: (dtype: FloatType) => Workspace["kernels"];
  readonly #workspaces: { [dtype in FloatType]?: Workspace } = {};

  constructor(definition: ElementwiseDefinition) {
    const { arguments: specs, formula, tensors = [], params = [] } = definition;
    this.formula = formula;
    this.#definition = definition;
    this.#names = specs.map(({ name }) => name);
    this.#differentiable = [...Object.keys(formula.grad), WEIGHT];
    this.#defaults = definition.wrt ?? [specs[0].name];
    this.#domains = [...specs.keys()].filter((i) => specs[i].domain !== undefined);
    this.#kernels = defineKernels<string, string, string, string, string>({
      elements: [
        ...[...specs, ...tensors].map(({ symbol }) => symbol),
        ...["w", "g", "value"],
        ...this.#differentiable.map((name) => GRAD + name),
      ],
      rows: ["total", "offenders"],
      params: [...params, "scale", "center"],
      steps: {},
      tileRows: 1,
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
    request: Request<string> = NO_GRADIENTS,
  ): { value: Tensor; grad: Record<string, Tensor> } {
    // 1. What is there? Everything is checked before anything is written.
    const { loss, arguments: specs, sameTypes, align, weightBroadcasts, weightedMean } =
      this.#definition;
    const { reduction, params } = options;
    const given = readArguments(loss, specs, values, reduction === "mean", sameTypes);
    const { dtype } = given;
    const tensors = align === undefined ? given.tensors : align(given.tensors);
    const shape = this.#shape(tensors);
    const weight = options.weight &&
      this.#fit(WEIGHT, options.weight, shape, dtype, weightBroadcasts);
    const workspace = this.#workspaces[dtype] ??= this.#makeWorkspace(dtype);
    const { kernels } = workspace;
    const inputs = tensors.slice();
    const loads: Load[] = [];
    // A gradient has its argument's own shape, and is added up along the one that the argument is read in.
    const shapes: Record<string, readonly number[]> = {};
    for (let i = 0; i < specs.length; i++) {
      shapes[specs[i].name] = given.tensors[i].shape;
      loads.push({ into: workspace.inputs[i], from: along(tensors[i], shape) });
    }
    if (options.tensors !== undefined) {
      this.#definition.tensors?.forEach(({ name, symbol }, i) => {
        const tensor = this.#fit(name, options.tensors![symbol], shape, dtype, true);
        inputs.push(tensor);
        loads.push({ into: workspace.tensors[i], from: along(tensor, shape) });
      });
    }
    if (weight !== undefined) {
      inputs.push(weight);
      if (!weightBroadcasts) shapes[WEIGHT] = weight.shape;
      loads.push({ into: workspace.weight, from: along(weight, shape) });
    }
    for (const i of this.#domains) this.#checkDomain(workspace, i, tensors[i]);
    const isDense = reduction === "none";
    const { wrt, gradOutput, buffer } = checkRequest(
      loss,
      request,
      this.#differentiable,
      this.#defaults,
      dtype,
      isDense ? shape : SCALAR,
      shapes,
      inputs,
    );

    // 2. What is to be computed?
    const size = sizeOf(shape);
    const usesWeights = reduction === "mean" && weightedMean === "weights" && weight !== undefined;
    const denominator = reduction !== "mean"
      ? 1
      : usesWeights
      ? this.#sumOfWeights(workspace, weight)
      : options.meanOver === "batch"
      ? tensors[0].shape[0] ?? 1
      : size;
    // d(Σ w v / Σ w) / dw = (v - loss) / Σ w
    const center = usesWeights && wrt.includes(WEIGHT)
      ? this.#evaluate(options, values).value.data[0]
      : 0;
    const hasUpstream = typeof gradOutput !== "number";
    if (hasUpstream) loads.push({ into: workspace.upstream, from: { data: gradOutput } });
    for (const name in params) kernels.param[name][0] = params[name];
    workspace.center[0] = center;
    workspace.scale[0] = hasUpstream ? 1 : gradOutput / denominator;
    const { run, from, at } = this.#pass(
      workspace,
      isDense,
      weight !== undefined,
      hasUpstream,
      wrt,
    );

    // 3. Tile by tile: copy in, compute, copy out. Gradients of repeated arguments are added up.
    const value = isDense ? zeros(dtype, shape) : scalar(dtype, 0);
    const grad: Record<string, Tensor> = {};
    const stores: Store[] = [];
    for (let i = 0; i < wrt.length; i++) {
      const tensor = grad[wrt[i]] = buffer(wrt[i], shapes[wrt[i]]);
      const data = tensor.data as FloatArray;
      const readAs = at[i] < 0 ? tensor.shape : tensors[at[i]].shape;
      const { strides } = along({ data, shape: readAs }, shape);
      stores.push({ from: from[i], data, strides, sums: strides && new Float64Array(data.length) });
    }
    let total = 0;
    for (let start = 0; start < size; start += kernels.tile) {
      const end = Math.min(start + kernels.tile, size);
      for (let i = 0; i < loads.length; i++) {
        const { into, from: { data, strides } } = loads[i];
        if (strides === undefined) load(into, data, start, end);
        else if (data.length > 1) gather({ data, strides }, shape, start, end, into);
        else if (start === 0) into.fill(data[0], 0, end);
      }
      run(1, end - start);
      if (isDense) unload(workspace.value, value.data as FloatArray, start, end);
      else total += workspace.total[0];
      for (let i = 0; i < stores.length; i++) {
        const { from, data, strides, sums } = stores[i];
        if (sums === undefined) unload(from, data, start, end);
        else scatterAdd(strides!, shape, start, end, from, sums);
      }
    }
    if (!isDense) value.data[0] = total / denominator;
    for (const { data, sums } of stores) if (sums !== undefined) data.set(sums);
    return { value, grad };
  }

  #makeWorkspace(dtype: FloatType): Workspace {
    const kernels = this.#kernels(dtype);
    const { element, row, param } = kernels;
    return {
      kernels,
      inputs: this.#definition.arguments.map(({ symbol }) => element[symbol]),
      tensors: (this.#definition.tensors ?? []).map(({ symbol }) => element[symbol]),
      weight: element.w,
      upstream: element.g,
      value: element.value,
      total: row.total,
      scale: param.scale,
      center: param.center,
      runs: [],
      others: new Map(),
    };
  }

  /** The kernel for what a call asks for, made when it is first needed. */
  #pass(
    { kernels, runs }: Workspace,
    isDense: boolean,
    isWeighted: boolean,
    hasUpstream: boolean,
    wrt: readonly string[],
  ): Pass {
    const known = runs[(isDense ? 4 : 0) + (isWeighted ? 2 : 0) + (hasUpstream ? 1 : 0)] ??= [];
    for (let i = 0; i < known.length; i++) if (sameNames(known[i].wrt, wrt)) return known[i];
    const { value, grad } = this.#definition.formula;
    const weighted = isWeighted ? `w * (${value})` : value;
    const upstream = hasUpstream ? "g" : "scale";
    const factor = isWeighted ? `${upstream} * w` : upstream;
    const store: Record<string, string> = {};
    const from: FloatArray[] = [];
    const at: number[] = [];
    for (const name of wrt) {
      const operand = GRAD + name;
      store[operand] = name === WEIGHT
        ? `${upstream} * ((${value}) - center)`
        : `${factor} * (${grad[name]})`;
      from.push(kernels.element[operand]);
      at.push(this.#names.indexOf(name));
    }
    const run = kernels.compile(
      isDense ? { store: { value: weighted, ...store } } : { store, sum: { total: weighted } },
    );
    const pass: Pass = { run, wrt: wrt.slice(), from, at };
    known.push(pass);
    return pass;
  }

  #shape(tensors: readonly Tensor[]): readonly number[] {
    const { loss, shapes = "common" } = this.#definition;
    const names = this.#names;
    let same = true;
    for (const { shape } of tensors) same &&= sameShape(shape, tensors[0].shape);
    if (same) return tensors[0].shape;
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

  #sumOfWeights(workspace: Workspace, weight: Tensor): number {
    const { kernels } = workspace;
    const data = weight.data as FloatArray;
    const run = this.#otherRun(workspace, WEIGHT, () => ({ sum: { total: "w" } }));
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
  #checkDomain(workspace: Workspace, at: number, tensor: Tensor): void {
    const { loss, arguments: specs } = this.#definition;
    const { name, domain } = specs[at];
    if (domain === undefined) return;
    const { kernels } = workspace;
    const into = workspace.inputs[at];
    const offenders = kernels.row.offenders;
    const data = tensor.data as FloatArray;
    const run = this.#otherRun(workspace, name, () => ({
      max: { offenders: `${domain.formula} ? 0 : 1` },
    }));
    for (let start = 0; start < data.length; start += kernels.tile) {
      const end = Math.min(start + kernels.tile, data.length);
      load(into, data, start, end);
      run(1, end - start);
      if (offenders[0] > 0) throw offender(loss, tensor, name, domain.valid, domain.wanted);
    }
  }

  #otherRun({ kernels, others }: Workspace, name: string, step: () => Step): Run {
    let run = others.get(name);
    if (run === undefined) others.set(name, run = kernels.compile(step()));
    return run;
  }
}

/** Whether the same gradients are asked for in the same order. */
function sameNames(a: readonly string[], b: readonly string[]): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
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
