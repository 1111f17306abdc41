/**
 * Runs an element-wise loss: from formula texts to value and gradients, in one fused pass.
 *
 * For each kind of request, such as "mean, gradient with respect to the input", the formulas, the weight, the upstream
 * gradient and the reduction become one kernel. Tiles of the arguments are copied into the scratch memory, the kernel
 * runs, and gradients are copied out.
 */

import { offender, readArguments, type TypeRules } from "../call/arguments.ts";
import type { Reduction } from "../call/options.ts";
import { checkRequest, type Request, VALUE_ONLY, type ValueAndGrad } from "../call/request.ts";
import { defineKernels, type Kernels, load, type Step, unload } from "../kernel/kernels.ts";
import type { Run } from "../kernel/plan.ts";
import {
  checkRanks,
  checkRepeatable,
  commonShape,
  gather,
  scatterAdd,
  stridesAlong,
} from "../tensor/broadcast.ts";
import { toTensor } from "../tensor/read.ts";
import { sameShape, show, sizeOf } from "../tensor/shape.ts";
import { scalar, SCALAR_SHAPE, type Tensor, type TensorLike, zeros } from "../tensor/tensor.ts";
import type { FloatArray, FloatType } from "../tensor/types.ts";
import type { ElementwiseDefinition, LossFormula } from "./definition.ts";

/** The options of one loss object, as the driver needs them. */
export interface ElementwiseOptions {
  readonly reduction: Reduction;
  /** The numbers that occur in the formulas, in the order of the definition. */
  readonly params: readonly number[];
  /** The tensors that occur in the formulas, by symbol. */
  readonly tensors: Readonly<Record<string, Tensor>>;
  /** One factor for each element. */
  readonly weight: Tensor | undefined;
  /** How the arguments are read. */
  readonly types: TypeRules;
  /** The divisor of a mean: the number of elements, or the length of the first axis. */
  readonly meanOver: "elements" | "batch";
}

/** A kernel for one set of gradients. */
interface Pass {
  readonly run: Run;
  readonly wrt: readonly string[];
  /** For each gradient, the operand that the kernel writes it to. */
  readonly from: readonly FloatArray[];
  /** For each gradient, the index of its argument, or -1 for the weight. */
  readonly at: readonly number[];
}

/** The kernels of one float type and their operands, which are looked up by name only once: small calls notice that. */
interface Workspace {
  readonly kernels: Kernels<string, string, string, string, string>;
  /** The operands of the arguments. */
  readonly arguments: readonly FloatArray[];
  /** The operands of the tensors among the options. */
  readonly tensors: readonly FloatArray[];
  /** The operands of the numbers among the options. */
  readonly params: readonly Float64Array[];
  readonly weight: FloatArray;
  readonly upstream: FloatArray;
  readonly value: FloatArray;
  readonly total: Float64Array;
  readonly offenders: Float64Array;
  readonly scale: Float64Array;
  readonly center: Float64Array;
  /** The kernels made so far: one list for each combination of reduction, weight and upstream gradient. */
  readonly passes: Pass[][];
  /** Further kernels, by name: sums of weights, searches for elements outside a domain. */
  readonly others: Map<string, Run>;
}

/** A gradient that is summed, as its argument is repeated along an axis. */
interface Sum {
  readonly strides: readonly number[];
  readonly sums: Float64Array;
}

const WEIGHT = "weight";

/** The drivers of each definition, by the text of their formulas. */
const drivers = new WeakMap<ElementwiseDefinition, Map<string, Driver>>();

/** The driver of a definition with one of its formulas, made once and shared by all objects of the loss. */
export function driverOf(definition: ElementwiseDefinition, formula: LossFormula): Driver {
  let known = drivers.get(definition);
  if (known === undefined) drivers.set(definition, known = new Map());
  const key = JSON.stringify(formula);
  let driver = known.get(key);
  if (driver === undefined) known.set(key, driver = new Driver(definition, formula));
  return driver;
}

/** Value and gradients of an element-wise loss with certain formulas. */
export class Driver {
  readonly #definition: ElementwiseDefinition;
  readonly #formula: LossFormula;
  readonly #names: readonly string[];
  /** For each argument, whether the loss can be differentiated with respect to it. */
  readonly #isDifferentiable: readonly boolean[];
  readonly #defaults: readonly string[];
  readonly #tensors: readonly { readonly name: string; readonly symbol: string }[];
  /** Names of the options that are numbers. */
  readonly #params: readonly string[];
  /** Indices of the arguments with a domain. */
  readonly #domains: readonly number[];
  /** Names of the operands that do not occur in formulas. */
  readonly #operand: Readonly<
    Record<"weight" | "upstream" | "value" | "total" | "offenders" | "scale" | "center", string>
  >;
  readonly #gradOperands: Readonly<Record<string, string>>;
  readonly #kernels: (dtype: FloatType) => Workspace["kernels"];
  readonly #workspaces: { [dtype in FloatType]?: Workspace } = {};

  constructor(definition: ElementwiseDefinition, formula: LossFormula) {
    const { arguments: specs, tensors = [], options = {} } = definition;
    this.#definition = definition;
    this.#formula = formula;
    this.#tensors = tensors;
    this.#names = specs.map(({ name }) => name);
    this.#isDifferentiable = specs.map(({ name }) => Object.hasOwn(formula.grad, name));
    this.#defaults = definition.wrt ?? [specs[0]!.name];
    this.#domains = [...specs.keys()].filter((i) => specs[i]!.domain !== undefined);
    const symbols = [...specs, ...tensors].map(({ symbol }) => symbol);
    const params = Object.keys(options).filter((name) => "valid" in options[name]!);
    this.#params = params;
    const free = freeNames([...symbols, ...params]);
    this.#operand = {
      weight: free("weight"),
      upstream: free("upstream"),
      value: free("value"),
      total: free("total"),
      offenders: free("offenders"),
      scale: free("scale"),
      center: free("center"),
    };
    this.#gradOperands = Object.fromEntries(
      [...Object.keys(formula.grad), WEIGHT].map((name) => [name, free(`grad_${name}`)]),
    );
    const { weight, upstream, value, total, offenders, scale, center } = this.#operand;
    this.#kernels = defineKernels<string, string, string, string, string>(() => ({
      elements: [...symbols, weight, upstream, value, ...Object.values(this.#gradOperands)],
      rows: [total, offenders],
      params: [...params, scale, center],
      steps: {},
      functions: definition.functions,
      tileRows: 1,
    }));
  }

  /**
   * Computes what a call requests.
   *
   * @param options The options of the loss object.
   * @param values The arguments; anything after them is ignored.
   * @param request The request.
   * @returns The value, and the gradients that are requested.
   */
  evaluate(
    options: ElementwiseOptions,
    values: readonly TensorLike[],
    request: Request<string> | undefined,
  ): ValueAndGrad<string> {
    // 1. Read and check everything before anything is written.
    const { loss, arguments: specs, align } = this.#definition;
    const { reduction, params, types } = options;
    const isDense = reduction === "none";
    const given = readArguments(loss, specs, values, types);
    const { dtype } = given;
    const tensors = align === undefined ? given.tensors : align(given.tensors);
    const shape = this.#shape(tensors);
    const workspace = this.#workspaces[dtype] ??= this.#makeWorkspace(dtype);
    const { kernels } = workspace;
    // What is copied in for each tile: the operand, the numbers, and if they are repeated their strides.
    let into = workspace.arguments;
    const from: FloatArray[] = [];
    const strides: (readonly number[] | undefined)[] = [];
    const shapes: Record<string, readonly number[]> = {};
    for (let i = 0; i < specs.length; i++) {
      // A gradient has the shape of the argument as it was given, before it is aligned.
      if (this.#isDifferentiable[i]) shapes[this.#names[i]!] = given.tensors[i]!.shape;
      from.push(tensors[i]!.data as FloatArray);
      strides.push(stridesAlong(tensors[i]!.shape, shape));
    }
    for (let i = 0; i < this.#tensors.length; i++) {
      const { name, symbol } = this.#tensors[i]!;
      const tensor = options.tensors[symbol];
      if (tensor === undefined) continue;
      checkRepeatable(loss, name, tensor.shape, "the loss", shape);
      into = [...into, workspace.tensors[i]!];
      from.push(toTensor(tensor, dtype, name).data as FloatArray);
      strides.push(stridesAlong(tensor.shape, shape));
    }
    const weight = this.#weight(options.weight, shape, dtype);
    if (weight !== undefined) {
      if (this.#definition.weight !== "is repeated") shapes[WEIGHT] = weight.shape;
      into = [...into, workspace.weight];
      from.push(weight.data as FloatArray);
      strides.push(stridesAlong(weight.shape, shape));
    }
    for (const i of this.#domains) this.#checkDomain(workspace, i, tensors[i]!);
    const { wrt, gradOutput, grad } = checkRequest(
      loss,
      request,
      { dtype, shapes, defaults: this.#defaults, inputs: from },
      isDense ? shape : SCALAR_SHAPE,
    );

    // 2. Find or make the kernel.
    const size = sizeOf(shape);
    const sumOfWeights = reduction === "mean" && weight !== undefined &&
        this.#definition.weight === "divides by its sum"
      ? this.#sumOfWeights(workspace, weight)
      : undefined;
    const denominator = reduction !== "mean"
      ? 1
      : sumOfWeights ?? (options.meanOver === "batch" ? tensors[0]!.shape[0] ?? 1 : size);
    // d(Σ w v / Σ w) / dw = (v - loss) / Σ w
    const center = sumOfWeights !== undefined && wrt.includes(WEIGHT)
      ? this.evaluate(options, given.tensors, VALUE_ONLY).value.item()
      : 0;
    const hasUpstream = typeof gradOutput !== "number";
    if (hasUpstream) {
      into = [...into, workspace.upstream];
      from.push(gradOutput);
      strides.push(undefined);
    }
    for (let i = 0; i < params.length; i++) workspace.params[i]![0] = params[i]!;
    workspace.center[0] = center;
    workspace.scale[0] = hasUpstream ? 1 : gradOutput / denominator;
    const pass = this.#pass(workspace, isDense, weight !== undefined, hasUpstream, wrt);

    // 3. Tile by tile: copy in, compute, copy out. Gradients of repeated arguments are summed.
    const each = isDense ? zeros(dtype, shape) : undefined;
    const targets: FloatArray[] = [];
    const sums: (Sum | undefined)[] = [];
    for (let i = 0; i < wrt.length; i++) {
      const { data, shape: own } = grad[wrt[i]!]!;
      const at = pass.at[i]!;
      const steps = at < 0 ? stridesAlong(own, shape) : strides[at];
      targets.push(data as FloatArray);
      sums.push(steps && { strides: steps, sums: new Float64Array(data.length) });
    }
    let total = 0;
    for (let start = 0; start < size; start += kernels.tile) {
      const end = Math.min(start + kernels.tile, size);
      for (let i = 0; i < into.length; i++) {
        const data = from[i]!;
        const steps = strides[i];
        if (steps === undefined) load(into[i]!, data, start, end);
        else if (data.length > 1) gather(data, steps, shape, start, end, into[i]!);
        else if (start === 0) into[i]!.fill(data[0]!, 0, end);
      }
      pass.run(1, end - start);
      if (each === undefined) total += workspace.total[0]!;
      else unload(workspace.value, each.data as FloatArray, start, end);
      for (let i = 0; i < targets.length; i++) {
        const from = pass.from[i]!;
        const sum = sums[i];
        if (sum === undefined) unload(from, targets[i]!, start, end);
        else scatterAdd(sum.strides, shape, start, end, from, sum.sums);
      }
    }
    for (let i = 0; i < targets.length; i++) {
      const sum = sums[i];
      if (sum !== undefined) targets[i]!.set(sum.sums);
    }
    return { value: each ?? scalar(dtype, total / denominator), grad };
  }

  #makeWorkspace(dtype: FloatType): Workspace {
    const kernels = this.#kernels(dtype);
    const { element, row, param } = kernels;
    const { weight, upstream, value, total, offenders, scale, center } = this.#operand;
    return {
      kernels,
      arguments: this.#definition.arguments.map(({ symbol }) => element[symbol]!),
      tensors: this.#tensors.map(({ symbol }) => element[symbol]!),
      params: this.#params.map((name) => param[name]!),
      weight: element[weight]!,
      upstream: element[upstream]!,
      value: element[value]!,
      total: row[total]!,
      offenders: row[offenders]!,
      scale: param[scale]!,
      center: param[center]!,
      passes: [],
      others: new Map(),
    };
  }

  /** The kernel for a kind of request, made when it is first needed. */
  #pass(
    { kernels, passes }: Workspace,
    isDense: boolean,
    isWeighted: boolean,
    hasUpstream: boolean,
    wrt: readonly string[],
  ): Pass {
    const known = passes[(isDense ? 4 : 0) + (isWeighted ? 2 : 0) + (hasUpstream ? 1 : 0)] ??= [];
    for (let i = 0; i < known.length; i++) if (sameNames(known[i]!.wrt, wrt)) return known[i]!;
    const { value, grad } = this.#formula;
    const operand = this.#operand;
    const weighted = isWeighted ? `${operand.weight} * (${value})` : value;
    const upstream = hasUpstream ? operand.upstream : operand.scale;
    const factor = isWeighted ? `${upstream} * ${operand.weight}` : upstream;
    const store: Record<string, string> = {};
    const from: FloatArray[] = [];
    const at: number[] = [];
    for (const name of wrt) {
      const target = this.#gradOperands[name]!;
      store[target] = name === WEIGHT
        ? `${upstream} * ((${value}) - ${operand.center})`
        : `${factor} * (${grad[name]})`;
      from.push(kernels.element[target]!);
      at.push(this.#names.indexOf(name));
    }
    const run = kernels.compile(
      isDense
        ? { store: { [operand.value]: weighted, ...store } }
        : { store, sum: { [operand.total]: weighted } },
    );
    const pass: Pass = { run, wrt: wrt.slice(), from, at };
    known.push(pass);
    return pass;
  }

  /** The shape that all arguments are repeated to. */
  #shape(tensors: readonly Tensor[]): readonly number[] {
    const first = tensors[0]!.shape;
    let same = true;
    for (let i = 1; i < tensors.length; i++) same &&= sameShape(tensors[i]!.shape, first);
    if (same) return first;
    const { loss, shapes = "common" } = this.#definition;
    const names = this.#names;
    const common = commonShape(loss, names, tensors);
    if (shapes === "rank") checkRanks(loss, tensors);
    const fits = shapes === "first" ? sameShape(first, common) : shapes !== "equal";
    if (!fits) {
      const wanted = shapes === "first"
        ? `${names.slice(1).join(" and ")} must not be larger than ${names[0]}`
        : `${names.join(" and ")} must have the same shape`;
      throw new RangeError(
        `Cannot compute ${loss} as ${wanted}: current shapes are ${
          tensors.map(({ shape }) => show(shape)).join(" and ")
        }`,
      );
    }
    return common;
  }

  /** The weight in the type of the call, its shape checked. */
  #weight(
    weight: Tensor | undefined,
    shape: readonly number[],
    dtype: FloatType,
  ): Tensor | undefined {
    if (weight === undefined) return undefined;
    const { loss } = this.#definition;
    if (this.#definition.weight === "is repeated") {
      checkRepeatable(loss, WEIGHT, weight.shape, "the loss", shape);
    } else if (!sameShape(weight.shape, shape)) {
      throw new RangeError(
        `Cannot compute ${loss} as weight must have the shape of the loss, ${
          show(shape)
        }: current shape is ${show(weight.shape)}`,
      );
    }
    return toTensor(weight, dtype, WEIGHT);
  }

  #sumOfWeights(workspace: Workspace, weight: Tensor): number {
    const { kernels, total } = workspace;
    const data = weight.data as FloatArray;
    const run = this.#otherRun(workspace, WEIGHT, () => ({
      sum: { [this.#operand.total]: this.#operand.weight },
    }));
    let sum = 0;
    for (let start = 0; start < data.length; start += kernels.tile) {
      const end = Math.min(start + kernels.tile, data.length);
      load(workspace.weight, data, start, end);
      run(1, end - start);
      sum += total[0]!;
    }
    return sum;
  }

  /** Checks every element before anything is written, so that a failed call does not change a buffer. */
  #checkDomain(workspace: Workspace, at: number, tensor: Tensor): void {
    const { loss, arguments: specs } = this.#definition;
    const { name, domain } = specs[at]!;
    if (domain === undefined) return;
    const { kernels, offenders } = workspace;
    const into = workspace.arguments[at]!;
    const data = tensor.data as FloatArray;
    const run = this.#otherRun(workspace, name, () => ({
      max: { [this.#operand.offenders]: `${domain.formula} ? 0 : 1` },
    }));
    for (let start = 0; start < data.length; start += kernels.tile) {
      const end = Math.min(start + kernels.tile, data.length);
      load(into, data, start, end);
      run(1, end - start);
      if (offenders[0]! > 0) throw offender(loss, tensor, name, domain.valid, domain.wanted);
    }
  }

  #otherRun({ kernels, others }: Workspace, name: string, step: () => Step): Run {
    let run = others.get(name);
    if (run === undefined) others.set(name, run = kernels.compile(step()));
    return run;
  }
}

/** Makes names for operands that no formula uses for something else, and none twice. */
export function freeNames(taken: readonly string[]): (name: string) => string {
  const known = new Set(taken);
  return (name) => {
    while (known.has(name)) name += "_";
    known.add(name);
    return name;
  };
}

/** True if both lists have the same names in the same order. */
function sameNames(a: readonly string[], b: readonly string[]): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}
