/**
 * Runs a loss of rows that is written as formulas.
 *
 * A call goes through the rows twice, tile by tile. On the way forward, each reduction is a kernel step over the tile, and
 * what the chain rule needs of it is summed up as well: how it depends on the reductions above it, and how many elements
 * share a maximum. Then value and derivatives of all rows are computed in float64. On the way back, every element gets its
 * gradient through all reductions that it is part of.
 */

import { floatType, readArguments } from "../call/arguments.ts";
import type { Reduction, TensorOption } from "../call/options.ts";
import type { Request, ValueAndGrad } from "../call/request.ts";
import { RowCall } from "../call/row_call.ts";
import { defineKernels, type Kernels, load, type Step, unload } from "../kernel/kernels.ts";
import { ALL_FUNCTIONS } from "../kernel/math.ts";
import type { Run } from "../kernel/plan.ts";
import { defineRowKernels } from "../kernel/row_kernels.ts";
import { Rows } from "../rows/rows.ts";
import { commonShape, gather, scatterAdd, stridesAlong } from "../tensor/broadcast.ts";
import { freeNames } from "../elementwise/driver.ts";
import { toTensor } from "../tensor/read.ts";
import { sameShape, show } from "../tensor/shape.ts";
import { Tensor, type TensorLike } from "../tensor/tensor.ts";
import type { FloatArray, FloatType } from "../tensor/types.ts";
import type { RowFormula, RowReduction } from "./row_formula.ts";

/** An argument of a loss of rows. */
export interface RowArgument {
  readonly name: string;
  readonly symbol: string;
  readonly integers: boolean;
}

/** The options of one loss object, as the driver needs them. */
export interface RowOptions {
  readonly reduction: Reduction;
  /** The numbers that occur in the formulas, by name. */
  readonly params: Readonly<Record<string, number>>;
  /** One factor for each row. */
  readonly weight: TensorOption | undefined;
}

type AnyKernels = Kernels<string, string, string, string, string>;

/** A tensor with one number per row, or one number for each element of the rows. */
interface Placed {
  /** As it is read along the rows: with a last axis of length 1 if it has one number per row. */
  readonly tensor: Tensor;
  readonly isPerRow: boolean;
}

/** What reaches every row: the upstream gradient, times weight and by the divisor, and what goes to arguments directly. */
interface Finished {
  readonly upstream: Float64Array;
  /** By symbol, the derivative of the loss with respect to an argument that the value itself uses. */
  readonly direct: ReadonlyMap<string, Float64Array>;
}

/** The numbers of one reduction, for all rows. */
interface Reduced {
  readonly values: Float64Array;
  /** The derivative of the loss with respect to the reduction. */
  readonly gradient: Float64Array;
  /** How many elements share the maximum or minimum. */
  readonly ties: Float64Array;
  /** By reduction above: the derivative of this reduction with respect to that one. */
  readonly couplings: ReadonlyMap<string, Float64Array>;
}

/** Names of operands that no formula reads; no symbol contains a space. */
const tiesOf = (name: string) => `ties of ${name}`;
const missingOf = (name: string) => `missing of ${name}`;
const gradientOf = (name: string) => `gradient of ${name}`;
const VALUE = "the value";
const couplingOf = (name: string, above: string) => `coupling of ${name} and ${above}`;
const derivativeOf = (name: string) => `derivative of ${name}`;

const isExtreme = ({ kind }: RowReduction) => kind === "max" || kind === "min";

/** Value and gradients of a loss of rows. */
export class RowDriver {
  readonly #loss: string;
  readonly #arguments: readonly RowArgument[];
  readonly #formula: RowFormula;
  readonly #defaults: readonly string[];
  /** Names that formulas know the derivatives of the loss by: with respect to each reduction, and to the value of a row. */
  readonly #arriving: ReadonlyMap<string, string>;
  readonly #tileKernels: (dtype: FloatType, longestRow: number) => AnyKernels;
  readonly #rowKernels: (dtype: FloatType) => AnyKernels;
  /** Steps that have been compiled, by set of kernels and by what they do. */
  readonly #runs = new WeakMap<AnyKernels, Map<string, Run>>();

  constructor(
    loss: string,
    args: readonly RowArgument[],
    options: readonly string[],
    formula: RowFormula,
    defaults: readonly string[],
  ) {
    this.#defaults = defaults;
    this.#loss = loss;
    this.#arguments = args;
    this.#formula = formula;
    const symbols = args.map(({ symbol }) => symbol);
    const { reductions } = formula;
    const taken = [...symbols, ...options, ...reductions.map(({ name }) => name)];
    const free = freeNames(taken);
    this.#arriving = new Map(
      [...reductions.map(({ name }) => name), VALUE].map((name) => [name, free("arriving")]),
    );
    this.#tileKernels = defineRowKernels<string, string, string, string, string>(() => ({
      elements: [...symbols, ...symbols.map(gradientOf)],
      rows: reductions.flatMap(({ name, derivatives }) => [
        name,
        tiesOf(name),
        missingOf(name),
        ...reductions.filter((above) => derivatives.has(above.name))
          .map((above) => couplingOf(name, above.name)),
      ]).concat([...this.#arriving.values()]),
      params: options,
      steps: {},
      functions: ALL_FUNCTIONS,
    }));
    const inputs = [...formula.derivatives.keys()];
    this.#rowKernels = defineKernels<string, string, string, string, string>(() => ({
      elements: [...inputs, VALUE, ...inputs.map(derivativeOf)],
      params: options,
      steps: {},
      functions: ALL_FUNCTIONS,
    }));
  }

  /**
   * Computes what a call asks for.
   *
   * @param options The options of the loss object.
   * @param values The arguments; what stands behind them is passed over.
   * @param request What is asked for.
   * @returns The value, and the gradients asked for.
   */
  evaluate(
    options: RowOptions,
    values: readonly TensorLike[],
    request: Request<string> | undefined,
  ): ValueAndGrad<string> {
    const { tensors, dtype } = readArguments(this.#loss, this.#arguments, values, {
      dtype: floatType([options.weight]),
    });
    const { shape, placed } = this.#place(tensors);
    const rows = new Rows(shape, Math.max(0, shape.length - 1));
    const weight = this.#weight(options.weight?.tensor, rows.outerShape, dtype);
    const shapes = Object.fromEntries(
      this.#arguments.map(({ name }, i) => [name, tensors[i]!.shape]),
    );
    if (weight !== undefined && shapes.weight === undefined) shapes.weight = weight.shape;
    const call = new RowCall({
      loss: this.#loss,
      reduction: options.reduction,
      dtype,
      rowShape: rows.outerShape,
      divisor: rows.count,
      shapes,
      defaults: this.#defaults,
      inputs: [...tensors.map(({ data }) => data), weight?.data ?? []],
    }, request);

    const wanted = this.#arguments.filter(({ name }) => call.grad[name] !== undefined);
    const needsGradient = wanted.length > 0;
    const reduced = this.#reduce(options, rows, placed, dtype, needsGradient);
    const finished = this.#finish(options, rows, placed, reduced, weight, call);
    if (!needsGradient) return call.result();
    this.#spread(reduced);
    this.#back(options, rows, placed, dtype, reduced, wanted, finished, call);
    return call.result();
  }

  /** The shape that rows run along, and every argument as it is read along them. */
  #place(tensors: readonly Tensor[]): { shape: readonly number[]; placed: readonly Placed[] } {
    const rank = Math.max(...tensors.map(({ shape }) => shape.length));
    const names = this.#arguments.map(({ name }) => name);
    // An argument with one axis less has one number per row.
    const padded = tensors.map((tensor) =>
      rank > 1 && tensor.shape.length === rank - 1
        ? new Tensor(tensor.data, [...tensor.shape, 1])
        : tensor
    );
    const shape = commonShape(this.#loss, names, padded);
    const placed = padded.map((tensor, i) => {
      const isPerRow = tensor.shape.length === 0 || tensor.shape.at(-1) === 1;
      if (!isPerRow && this.#formula.derivatives.has(this.#arguments[i]!.symbol)) {
        throw new RangeError(
          `Cannot compute ${this.#loss} as ${
            names[i]
          } is used in value and must have one number per row, ${
            show(shape.slice(0, -1))
          }: current shape is ${show(tensors[i]!.shape)}`,
        );
      }
      return { tensor, isPerRow };
    });
    return { shape, placed };
  }

  #weight(
    weight: Tensor | undefined,
    shape: readonly number[],
    dtype: FloatType,
  ): Tensor | undefined {
    if (weight === undefined) return undefined;
    if (!sameShape(weight.shape, shape)) {
      throw new RangeError(
        `Cannot compute ${this.#loss} as weight must have the shape of the loss, ${
          show(shape)
        }: current shape is ${show(weight.shape)}`,
      );
    }
    return toTensor(weight, dtype, "weight");
  }

  /** Forward through the rows: every reduction, and for gradients how it depends on those above. */
  #reduce(
    options: RowOptions,
    rows: Rows,
    placed: readonly Placed[],
    dtype: FloatType,
    needsGradient: boolean,
  ): ReadonlyMap<string, Reduced> {
    const { reductions } = this.#formula;
    const reduced = new Map<string, Reduced>();
    for (const { name, derivatives } of reductions) {
      const zeros = () => new Float64Array(rows.count);
      reduced.set(name, {
        values: zeros(),
        gradient: zeros(),
        ties: zeros(),
        couplings: new Map(
          reductions.filter((above) => derivatives.has(above.name))
            .map((above) => [above.name, zeros()]),
        ),
      });
    }
    const tiles = this.#tileKernels(dtype, rows.length);
    const { element, row } = tiles;
    setParams(tiles, options.params);
    const loads = placed.map(({ tensor }, i) =>
      [element[this.#arguments[i]!.symbol]!, rows.load(tensor)] as const
    );
    rows.tiles(tiles, (start, end) => {
      const count = end - start;
      for (const [operand, load] of loads) load(operand, start, end);
      for (const reduction of reductions) {
        const { name, kind } = reduction;
        const to = reduced.get(name)!;
        this.#step(tiles, `reduce ${name}`, () => reductionStep(reduction))(count, rows.length);
        const result = row[name]!;
        const missing = row[missingOf(name)]!;
        for (let r = 0; r < count; r++) {
          if (kind === "min") result[r] = -result[r]!;
          if (kind === "mean") result[r]! /= rows.length;
          if (isExtreme(reduction) && missing[r]! > 0) result[r] = NaN;
        }
        to.values.set(result.subarray(0, count), start);
        if (!needsGradient) continue;
        if (!isExtreme(reduction) && to.couplings.size === 0) continue;
        this.#step(
          tiles,
          `couple ${name}`,
          () => couplingStep(reduction, [...to.couplings.keys()]),
        )(
          count,
          rows.length,
        );
        if (isExtreme(reduction)) to.ties.set(row[tiesOf(name)]!.subarray(0, count), start);
        for (const [above, couplings] of to.couplings) {
          const sums = row[couplingOf(name, above)]!;
          for (let r = 0; r < count; r++) {
            couplings[start + r] = kind === "mean" ? sums[r]! / rows.length : sums[r]!;
          }
        }
      }
    });
    return reduced;
  }

  /**
   * The value of every row, and the derivative of the loss with respect to what it is made of: reductions, into
   * `reduced`, and arguments with one number per row.
   */
  #finish(
    options: RowOptions,
    rows: Rows,
    placed: readonly Placed[],
    reduced: ReadonlyMap<string, Reduced>,
    weight: Tensor | undefined,
    call: RowCall,
  ): Finished {
    const { value, derivatives } = this.#formula;
    const { count, outerShape } = rows;
    const kernels = this.#rowKernels("float64");
    const { element, tile } = kernels;
    const direct = new Map<string, Float64Array>();
    const inputs = [...derivatives.keys()].map((name) => {
      const from = reduced.get(name);
      if (from !== undefined) return { name, data: from.values, gradient: from.gradient };
      const { tensor } = placed[this.#arguments.findIndex(({ symbol }) => symbol === name)]!;
      const gradient = new Float64Array(count);
      direct.set(name, gradient);
      return { name, data: repeated(tensor, outerShape, count), gradient };
    });
    setParams(kernels, options.params);
    const run = this.#step(kernels, "finish", () => ({
      store: {
        [VALUE]: value,
        ...Object.fromEntries([...derivatives].map(([name, text]) => [derivativeOf(name), text])),
      },
    }));
    const values = new Float64Array(count);
    for (let start = 0; start < count; start += tile) {
      const end = Math.min(start + tile, count);
      for (const { name, data } of inputs) load(element[name]!, data, start, end);
      run(1, end - start);
      unload(element[VALUE]!, values, start, end);
      for (const { name, gradient } of inputs) {
        unload(element[derivativeOf(name)]!, gradient, start, end);
      }
    }

    const upstream = new Float64Array(count);
    const weightGrad = weight && call.gradData("weight");
    call.tiles(count, (start, height) => {
      for (let r = 0; r < height; r++) {
        const i = start + r;
        const w = weight === undefined ? 1 : weight.data[i]!;
        const share = call.upstream[r]! / call.divisor;
        call.values[r] = w * values[i]!;
        if (weightGrad !== undefined) weightGrad[i] = share * values[i]!;
        upstream[i] = w * share;
      }
    });
    for (const { gradient } of inputs) {
      for (let i = 0; i < count; i++) gradient[i]! *= upstream[i]!;
    }
    return { upstream, direct };
  }

  /** Back through the reductions, from the last: what reaches one reaches those that it depends on. */
  #spread(reduced: ReadonlyMap<string, Reduced>): void {
    for (const reduction of this.#formula.reductions.toReversed()) {
      const { gradient, ties, couplings } = reduced.get(reduction.name)!;
      if (isExtreme(reduction)) {
        for (let i = 0; i < gradient.length; i++) gradient[i]! /= ties[i]!;
      }
      for (const [above, coupling] of couplings) {
        const to = reduced.get(above)!.gradient;
        for (let i = 0; i < to.length; i++) to[i]! += gradient[i]! * coupling[i]!;
      }
    }
  }

  /** Back to the elements: the gradient through every reduction that they are part of. */
  #back(
    options: RowOptions,
    rows: Rows,
    placed: readonly Placed[],
    dtype: FloatType,
    reduced: ReadonlyMap<string, Reduced>,
    wanted: readonly RowArgument[],
    { upstream, direct }: Finished,
    call: RowCall,
  ): void {
    const { reductions } = this.#formula;
    const tiles = this.#tileKernels(dtype, rows.length);
    const { element, row } = tiles;
    setParams(tiles, options.params);
    const loads = placed.map(({ tensor }, i) =>
      [element[this.#arguments[i]!.symbol]!, rows.load(tensor)] as const
    );
    const sinks = wanted.map(({ name, symbol }) => {
      const grad = call.grad[name]!;
      const { tensor } = placed[this.#arguments.findIndex((other) => other.name === name)]!;
      return {
        symbol,
        tensor: new Tensor(grad.data, tensor.shape),
        operand: element[gradientOf(symbol)]!,
        sink: rows.sink(new Tensor(grad.data, tensor.shape)),
      };
    });
    const step = this.#step(
      tiles,
      `gradient of ${wanted.map(({ name }) => name)}`,
      () => gradientStep(this.#formula, this.#arriving, wanted),
    );
    rows.tiles(tiles, (start, end) => {
      const count = end - start;
      for (const [operand, load] of loads) load(operand, start, end);
      for (const { name, kind } of reductions) {
        const { values, gradient } = reduced.get(name)!;
        row[name]!.set(values.subarray(start, end));
        const to = row[this.#arriving.get(name)!]!;
        for (let r = 0; r < count; r++) {
          to[r] = kind === "mean" ? gradient[start + r]! / rows.length : gradient[start + r]!;
        }
      }
      row[this.#arriving.get(VALUE)!]!.set(upstream.subarray(start, end));
      step(count, rows.length);
      for (const { operand, sink } of sinks) sink.store(operand, start, end);
    });
    for (const { symbol, tensor, sink } of sinks) {
      sink.finish();
      // What the value itself depends on, beside what comes through the reductions.
      const own = direct.get(symbol);
      if (own !== undefined && !this.#formula.overrides.has(symbol)) {
        addRepeated(tensor, rows.outerShape, own);
      }
    }
  }

  /** A step of a set of kernels, compiled when it first runs. */
  #step(kernels: AnyKernels, name: string, step: () => Step): Run {
    let known = this.#runs.get(kernels);
    if (known === undefined) this.#runs.set(kernels, known = new Map());
    let run = known.get(name);
    if (run === undefined) known.set(name, run = kernels.compile(step()));
    return run;
  }
}

function setParams({ param }: AnyKernels, params: Readonly<Record<string, number>>): void {
  for (const name of Object.keys(params)) param[name]![0] = params[name]!;
}

/** The reduction itself. Maxima pass over NaN, so that it is counted. */
function reductionStep({ name, kind, body }: RowReduction): Step {
  if (kind === "sum" || kind === "mean") return { sum: { [name]: body } };
  return {
    max: { [name]: kind === "max" ? body : `-(${body})` },
    sum: { [missingOf(name)]: `(${body}) == (${body}) ? 0 : 1` },
  };
}

/** How many elements share an extreme, and how the reduction depends on those above it. */
function couplingStep(reduction: RowReduction, above: readonly string[]): Step {
  const { name, body, derivatives } = reduction;
  const sum: Record<string, string> = {};
  if (isExtreme(reduction)) sum[tiesOf(name)] = `(${body}) == ${name} ? 1 : 0`;
  for (const other of above) {
    const slope = derivatives.get(other)!;
    sum[couplingOf(name, other)] = isExtreme(reduction)
      ? `(${body}) == ${name} ? ${slope} : 0`
      : slope;
  }
  return { sum };
}

/** The gradient of every wanted argument: through each reduction, its derivative where it counts. */
function gradientStep(
  { reductions, overrides }: RowFormula,
  arriving: ReadonlyMap<string, string>,
  wanted: readonly RowArgument[],
): Step {
  const store: Record<string, string> = {};
  for (const { symbol } of wanted) {
    const terms = reductions.flatMap((reduction) => {
      const slope = reduction.derivatives.get(symbol);
      if (slope === undefined) return [];
      const { name, body } = reduction;
      // A factor of 0 lets a NaN pass, which a condition would hide.
      const share = isExtreme(reduction) ? `((${body}) == ${name} ? ${slope} : 0)` : `(${slope})`;
      return [`${arriving.get(name)} * ${share}`];
    });
    const own = overrides.get(symbol);
    store[gradientOf(symbol)] = own !== undefined
      ? `${arriving.get(VALUE)} * (${own})`
      : terms.length === 0
      ? "0"
      : terms.join(" + ");
  }
  return { store };
}

/** The numbers of a tensor with one number per row, repeated along all rows. */
function repeated(tensor: Tensor, outerShape: readonly number[], count: number): FloatArray {
  const data = tensor.data as FloatArray;
  const strides = stridesAlong(tensor.shape.slice(0, -1), outerShape);
  if (strides === undefined) return data;
  const numbers = new Float64Array(count);
  gather(data, strides, outerShape, 0, count, numbers);
  return numbers;
}

/** Adds numbers per row to the gradient of a tensor that is repeated along the rows. */
function addRepeated(
  grad: Tensor,
  outerShape: readonly number[],
  numbers: Float64Array,
): void {
  const data = grad.data as FloatArray;
  const sums = Float64Array.from(data);
  const strides = stridesAlong(grad.shape.slice(0, -1), outerShape);
  if (strides === undefined) { for (let i = 0; i < sums.length; i++) sums[i]! += numbers[i]!; }
  else scatterAdd(strides, outerShape, 0, numbers.length, numbers, sums);
  data.set(sums);
}
