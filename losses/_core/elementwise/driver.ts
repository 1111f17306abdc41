/**
 * Runs an element-wise loss: from formula texts to value and gradients, in one fused pass.
 *
 * For each kind of request, such as "mean, gradient with respect to the input", the formulas, the weight, the upstream
 * gradient and the reduction become one kernel. Tiles of the arguments are copied into the scratch memory, the kernel
 * runs, and gradients are copied out.
 */

import { readArguments, type TypeRules } from "../call/arguments.ts";
import type { Reduction } from "../call/options.ts";
import { checkRequest, type Request, VALUE_ONLY, type ValueAndGrad } from "../call/request.ts";
import { defineKernels } from "../kernel/kernels.ts";
import type { Run } from "../kernel/plan.ts";
import { arena } from "../tensor/arena.ts";
import {
  checkRepeatable,
  commonShape,
  gather,
  scatterAdd,
  stridesAlong,
} from "../tensor/broadcast.ts";
import { toTensor } from "../tensor/read.ts";
import { checkMemory, sameShape, show, sizeOf } from "../tensor/shape.ts";
import { scalar, SCALAR_SHAPE, type Tensor, type TensorLike, zeros } from "../tensor/tensor.ts";
import type { FloatArray, FloatType, Shaped } from "../tensor/types.ts";
import {
  type ElementwiseDefinition,
  type ElementwiseKernels,
  type LossFormula,
  TOTAL,
} from "./definition.ts";

/** The options of one loss object, as the driver needs them. */
export interface ElementwiseOptions {
  readonly reduction: Reduction;
  /** The numbers that occur in the formulas, in the order of the definition. */
  readonly params: readonly number[];
  /** The weight, a factor for each element, then the tensors of the definition; those that were given. */
  readonly tensors: readonly (Tensor | undefined)[];
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
  /** For each gradient, the index of what it is the gradient with respect to among the operands that are copied into. */
  readonly at: readonly number[];
}

/** The kernels of one float type and their operands, which are looked up by name only once: small calls notice that. */
interface Workspace {
  readonly kernels: ElementwiseKernels;
  /** The operands that are copied into: of the arguments, the weight, the tensors of the definition, the upstream gradient. */
  readonly operands: readonly FloatArray[];
  /** The operands of the numbers among the options. */
  readonly params: readonly Float64Array[];
  readonly value: FloatArray;
  readonly total: Float64Array;
  readonly scale: Float64Array;
  readonly center: Float64Array;
  /** The kernels made so far: one list for each combination of reduction, weight and upstream gradient. */
  readonly passes: Pass[][];
}

const WEIGHT = "weight";

/** Operands that only results are written to. No symbol contains a space. */
const VALUE = "the value";
const gradientOf = (name: string) => `gradient of ${name}`;

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
  /** The names of the arguments, then of the options that are tensors, the weight first. */
  readonly #names: readonly string[];
  /** What the loss is differentiated with respect to by default. */
  readonly #defaults: readonly string[];
  /** For each argument, whether the loss can be differentiated with respect to it. */
  readonly #isDifferentiable: readonly boolean[];
  /** Their symbols, then that of the upstream gradient. */
  readonly #symbols: readonly string[];
  /** Names of the options that are numbers. */
  readonly #params: readonly string[];
  /** Names of the operands that formulas are multiplied by. */
  readonly #factors: Readonly<Record<"weight" | "upstream" | "scale" | "center", string>>;
  readonly #kernels: (dtype: FloatType) => ElementwiseKernels;
  readonly #usual: { [dtype in FloatType]?: Workspace } = {};
  readonly #inArena: { [dtype in FloatType]?: Workspace } = {};

  constructor(definition: ElementwiseDefinition, formula: LossFormula) {
    const { arguments: specs, tensors = [], options = {}, functions } = definition;
    this.#definition = definition;
    this.#formula = formula;
    this.#names = [...specs, { name: WEIGHT }, ...tensors].map(({ name }) => name);
    this.#defaults = definition.wrt ?? [this.#names[0]!];
    this.#isDifferentiable = this.#names.map((name) => Object.hasOwn(formula.grad, name));
    this.#params = Object.keys(options).filter((name) => "valid" in options[name]!);
    const symbols = specs.map(({ symbol }) => symbol);
    const others = tensors.map(({ symbol }) => symbol);
    const free = freeNames([...symbols, ...others, ...this.#params]);
    const factors = this.#factors = {
      weight: free(WEIGHT),
      upstream: free("upstream"),
      scale: free("scale"),
      center: free("center"),
    };
    this.#symbols = [...symbols, factors.weight, ...others, factors.upstream];
    // An argument may itself be called weight; then there is no option of that name.
    const gradients = [...new Set([...Object.keys(formula.grad), WEIGHT])].map(gradientOf);
    this.#kernels = defineKernels<string, string, string, string, string>(() => ({
      elements: [...this.#symbols, VALUE, ...gradients],
      rows: [TOTAL],
      params: [...this.#params, factors.scale, factors.center],
      steps: {},
      functions,
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
    const definition = this.#definition;
    const { loss, arguments: specs, align } = definition;
    const { reduction, params, types } = options;
    const isDense = reduction === "none";
    const isWeighted = options.tensors[0] !== undefined;
    const given = readArguments(loss, specs, values, types);
    const { dtype } = given;
    const tensors = align === undefined ? given.tensors : align(given.tensors);
    const shape = this.#shape(tensors);
    const workspace = this.#workspace(dtype, tensors);
    const { kernels, operands } = workspace;
    // What is copied into each operand: arguments, tensors among the options, weight, upstream gradient.
    const from: (Shaped | undefined)[] = [];
    const strides: (readonly number[] | undefined)[] = [];
    const shapes: Record<string, readonly number[]> = {};
    for (let i = 0; i < specs.length; i++) {
      // A gradient has the shape of the argument as it was given, before it is aligned.
      if (this.#isDifferentiable[i]) shapes[this.#names[i]!] = given.tensors[i]!.shape;
      from.push(tensors[i]!);
      strides.push(stridesAlong(tensors[i]!.shape, shape));
    }
    for (let i = specs.length; i < this.#names.length; i++) {
      const option = options.tensors[i - specs.length];
      if (option === undefined) continue;
      const name = this.#names[i]!;
      checkMemory(option, name);
      if (name !== WEIGHT || definition.weight === "is repeated") {
        checkRepeatable(loss, name, option.shape, "the loss", shape);
      } else if (sameShape(option.shape, shape)) shapes[name] = shape;
      else {
        throw new RangeError(
          `Cannot compute ${loss} as ${name} must have the shape of the loss, ${
            show(shape)
          }: current shape is ${show(option.shape)}`,
        );
      }
      from[i] = toTensor(option, dtype, name);
      strides[i] = stridesAlong(option.shape, shape);
    }
    for (let i = 0; i < specs.length; i++) {
      specs[i]!.domain?.check(kernels, loss, specs[i]!, tensors[i]!);
    }
    const { wrt, gradOutput, grad } = checkRequest(
      loss,
      request,
      { dtype, shapes, defaults: this.#defaults, inputs: from },
      isDense ? shape : SCALAR_SHAPE,
    );

    // 2. Find or make the kernel.
    const size = sizeOf(shape);
    let denominator = 1;
    let center = 0;
    if (reduction === "mean") {
      denominator = options.meanOver === "batch" ? tensors[0]!.shape[0] ?? 1 : size;
      if (isWeighted && typeof definition.weight === "function") {
        const weight = from[specs.length]!.data as FloatArray;
        denominator = definition.weight(kernels, this.#symbols[0]!, weight);
        // d(Σ w v / Σ w) / dw = (v - loss) / Σ w
        if (wrt.includes(WEIGHT)) {
          center = this.evaluate(options, given.tensors, VALUE_ONLY).value.item();
        }
      }
    }
    // The request may have run this loss, which has aimed operands elsewhere.
    if (workspace !== this.#usual[dtype]) kernels.near(tensors);
    const hasUpstream = typeof gradOutput !== "number";
    if (hasUpstream) from[this.#names.length] = { data: gradOutput, shape };
    for (let i = 0; i < params.length; i++) workspace.params[i]![0] = params[i]!;
    workspace.center[0] = center;
    workspace.scale[0] = hasUpstream ? 1 : gradOutput / denominator;
    const pass = this.#pass(workspace, isDense, isWeighted, hasUpstream, wrt);

    // 3. Tile by tile: copy in, compute, copy out. Gradients of arguments that are repeated along an axis are summed.
    const each = isDense ? zeros(dtype, shape) : undefined;
    const targets: FloatArray[] = [];
    const sums: (Float64Array | undefined)[] = [];
    for (let i = 0; i < wrt.length; i++) {
      const { data } = grad[wrt[i]!]!;
      targets.push(data);
      sums.push(strides[pass.at[i]!] && new Float64Array(data.length));
    }
    let total = 0;
    const { tile, load, aim, unload } = kernels;
    // Where nothing is copied, many tiles are run at once, as rows.
    const isInArena = kernels.tileRows > 1;
    const isCopied = !isInArena || isDense || strides.some(Boolean) ||
      [...from, ...Object.values(grad)].some((given) => given && !arena!.holds(given.data));
    for (let start = 0, end = 0; start < size; start = end) {
      const rows = isCopied
        ? 1
        : Math.min(kernels.tileRows, Math.floor((size - start) / tile)) || 1;
      const cols = Math.min(tile, size - start);
      end = start + rows * cols;
      for (let i = 0; i < from.length; i++) {
        if (from[i] === undefined) continue;
        const operand = operands[i]!;
        const data = from[i]!.data as FloatArray;
        const steps = strides[i];
        if (steps === undefined) load(operand, data, start, end);
        else if (data.length > 1) gather(data, steps, shape, start, end, operand);
        else if (start === 0) operand.fill(data[0]!, 0, end);
      }
      for (let i = 0; isInArena && i < targets.length; i++) {
        if (sums[i] === undefined) aim(pass.from[i]!, targets[i]!, start, end);
      }
      pass.run(rows, cols);
      if (each !== undefined) unload(workspace.value, each.data, start, end);
      else for (let r = 0; r < rows; r++) total += workspace.total[r]!;
      for (let i = 0; i < targets.length; i++) {
        const operand = pass.from[i]!;
        const steps = strides[pass.at[i]!];
        if (steps === undefined) unload(operand, targets[i]!, start, end);
        else scatterAdd(steps, shape, start, end, operand, sums[i]!);
      }
    }
    for (let i = 0; i < targets.length; i++) {
      if (sums[i] !== undefined) targets[i]!.set(sums[i]!);
    }
    return { value: each ?? scalar(dtype, total / denominator), grad };
  }

  /** The kernels of a call: those near its arguments, see kernels.ts. */
  #workspace(dtype: FloatType, tensors: readonly Tensor[]): Workspace {
    const usual = this.#usual[dtype] ??= this.#workspaceOf(this.#kernels(dtype));
    if (arena === undefined) return usual;
    const kernels = usual.kernels.near(tensors);
    if (kernels === usual.kernels) return usual;
    const known = this.#inArena[dtype];
    return known?.kernels === kernels ? known : this.#inArena[dtype] = this.#workspaceOf(kernels);
  }

  #workspaceOf(kernels: ElementwiseKernels): Workspace {
    const { element, row, param } = kernels;
    const { scale, center } = this.#factors;
    return {
      kernels,
      operands: this.#symbols.map((symbol) => element[symbol]!),
      params: this.#params.map((name) => param[name]!),
      value: element[VALUE]!,
      total: row[TOTAL]!,
      scale: param[scale]!,
      center: param[center]!,
      passes: [],
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
    const factors = this.#factors;
    const weighted = isWeighted ? `${factors.weight} * (${value})` : value;
    const upstream = hasUpstream ? factors.upstream : factors.scale;
    const factor = isWeighted ? `${upstream} * ${factors.weight}` : upstream;
    const store: Record<string, string> = isDense ? { [VALUE]: weighted } : {};
    for (const name of wrt) {
      store[gradientOf(name)] = name === WEIGHT && isWeighted
        ? `${upstream} * ((${value}) - ${factors.center})`
        : `${factor} * (${grad[name]})`;
    }
    const pass: Pass = {
      run: kernels.compile(isDense ? { store } : { store, sum: { [TOTAL]: weighted } }),
      wrt: wrt.slice(),
      from: wrt.map((name) => kernels.element[gradientOf(name)]!),
      at: wrt.map((name) => this.#names.indexOf(name)),
    };
    known.push(pass);
    return pass;
  }

  /** The shape that all arguments are repeated to. */
  #shape(tensors: readonly Tensor[]): readonly number[] {
    const first = tensors[0]!.shape;
    let same = true;
    for (let i = 1; i < tensors.length; i++) same &&= sameShape(tensors[i]!.shape, first);
    if (same) return first;
    const { loss, checkShapes } = this.#definition;
    const names = this.#names.slice(0, tensors.length);
    const common = commonShape(loss, names, tensors);
    checkShapes?.(loss, names, tensors, common);
    return common;
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
