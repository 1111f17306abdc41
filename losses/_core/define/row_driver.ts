/**
 * Runs a loss of rows that is written as formulas.
 *
 * A call works on blocks of rows that stay in the cache. On the way forward through a block, reductions are computed level
 * by level: one kernel step over a tile for all those that depend on the levels before only. What the chain rule needs is
 * summed up in the same steps: how a reduction depends on those above it, and how many elements share a maximum. Then the
 * values of the rows and their derivatives are computed in float64. On the way back, every element gets its gradient through
 * all reductions that it is part of.
 */

import { floatType, readArguments } from "../call/arguments.ts";
import type { Reduction, TensorOption } from "../call/options.ts";
import type { Request, ValueAndGrad } from "../call/request.ts";
import { RowCall } from "../call/row_call.ts";
import { freeNames } from "../elementwise/driver.ts";
import { defineKernels, type Kernels, load, type Step, unload } from "../kernel/kernels.ts";
import { ALL_FUNCTIONS } from "../kernel/math.ts";
import type { Run } from "../kernel/plan.ts";
import { defineRowKernels } from "../kernel/row_kernels.ts";
import { MOST_ROWS, rowsPerTile } from "../rows/class_axis.ts";
import { type Load, Rows, type Sink } from "../rows/rows.ts";
import { commonShape, gather, scatterAdd, stridesAlong } from "../tensor/broadcast.ts";
import { toTensor } from "../tensor/read.ts";
import { sameShape, show } from "../tensor/shape.ts";
import { Tensor, type TensorLike } from "../tensor/tensor.ts";
import type { FloatArray, FloatType } from "../tensor/types.ts";
import type { RowArgument } from "./definition.ts";
import type { RowFormula, RowReduction } from "./row_formula.ts";
import {
  couplingOf,
  derivativeOf,
  finishReduction,
  gradientOf,
  gradientStep,
  isExtreme,
  levelStep,
  missingOf,
  tiesOf,
  VALUE,
  valueStep,
} from "./row_steps.ts";

/** The options of one loss object, as the driver needs them. */
export interface RowOptions {
  readonly reduction: Reduction;
  /** The numbers that occur in the formulas, by name. */
  readonly params: Readonly<Record<string, number>>;
  /** One factor for each row. */
  readonly weight: TensorOption | undefined;
}

type AnyKernels = Kernels<string, string, string, string, string>;

/** Elements of an argument in a block of rows: a few arguments and gradients of this size stay in the cache. */
const BLOCK = 32768;

/** The numbers of one reduction, for the rows of a block. */
interface Reduced {
  readonly values: Float64Array;
  /** The derivative of the loss with respect to the reduction. */
  readonly gradient: Float64Array;
  /** How many elements share the maximum or minimum. */
  readonly ties: Float64Array;
  /** By reduction above that it depends on: the derivative of this reduction with respect to that one. */
  readonly couplings: ReadonlyMap<string, Float64Array>;
}

/** A number per row that the value depends on. */
interface ValueInput {
  readonly name: string;
  readonly data: FloatArray;
  /** Receives the derivative of the loss with respect to it. */
  readonly gradient: Float64Array;
  /** Whether both arrays hold the rows of a block, not all rows. */
  readonly isOfBlock: boolean;
}

/** What the rows of a call go through. */
interface Pass {
  readonly call: RowCall;
  readonly rows: Rows;
  readonly params: Readonly<Record<string, number>>;
  readonly weight: Tensor | undefined;
  readonly tiles: AnyKernels;
  /** Rows in a tile. */
  readonly height: number;
  readonly loads: readonly (readonly [operand: FloatArray, load: Load])[];
  readonly reduced: ReadonlyMap<string, Reduced>;
  readonly inputs: readonly ValueInput[];
  /** For the rows of a block: the upstream gradient, divided as a mean is, times the weight. */
  readonly upstream: Float64Array;
  readonly needsGradient: boolean;
}

/** Value and gradients of a loss of rows. */
export class RowDriver {
  readonly #loss: string;
  readonly #arguments: readonly RowArgument[];
  readonly #formula: RowFormula;
  readonly #defaults: readonly string[];
  /** The reductions, together those that are computed in one step. */
  readonly #levels: readonly (readonly RowReduction[])[];
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
    this.#loss = loss;
    this.#arguments = args;
    this.#formula = formula;
    this.#defaults = defaults;
    const { reductions } = formula;
    const levels = Math.max(0, ...reductions.map(({ level }) => level + 1));
    this.#levels = Array.from(
      { length: levels },
      (_, k) => reductions.filter(({ level }) => level === k),
    );
    const symbols = args.map(({ symbol }) => symbol);
    const names = reductions.map(({ name }) => name);
    const free = freeNames([...symbols, ...options, ...names]);
    this.#arriving = new Map([...names, VALUE].map((name) => [name, free("arriving")]));
    this.#tileKernels = defineRowKernels<string, string, string, string, string>(() => ({
      elements: [...symbols, ...symbols.map(gradientOf)],
      rows: [
        ...reductions.flatMap(rowOperands),
        ...this.#arriving.values(),
      ],
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
    // 1. Everything is checked before anything is written.
    const { tensors, dtype } = readArguments(this.#loss, this.#arguments, values, {
      dtype: floatType([options.weight]),
    });
    const { shape, placed } = this.#place(tensors);
    const rows = new Rows(shape, Math.max(0, shape.length - 1));
    const weight = this.#weight(options.weight?.tensor, rows.outerShape, dtype);
    const shapes = Object.fromEntries(
      this.#arguments.map(({ name }, i) => [name, tensors[i]!.shape]),
    );
    if (weight !== undefined) shapes.weight = weight.shape;
    const call = new RowCall({
      loss: this.#loss,
      reduction: options.reduction,
      dtype,
      rowShape: rows.outerShape,
      divisor: rows.count,
      shapes,
      defaults: this.#defaults,
      inputs: [...tensors, weight],
    }, request);

    // 2. Block by block: reductions, values, gradients.
    const wanted = this.#arguments.filter(({ name }) => Object.hasOwn(call.grad, name));
    const needsGradient = wanted.length > 0;
    const tiles = this.#tileKernels(dtype, rows.length).near(placed);
    const height = rowsPerTile(rows.length, tiles);
    const tilesPerBlock = Math.floor(BLOCK / Math.max(1, height * rows.length));
    const block = Math.min(MOST_ROWS, height * Math.max(1, tilesPerBlock), rows.count);
    const reduced = this.#newReduced(block);
    const pass: Pass = {
      call,
      rows,
      params: options.params,
      weight,
      tiles,
      height,
      loads: placed.map((tensor, i) =>
        [tiles.element[this.#arguments[i]!.symbol]!, rows.load(tiles, tensor, false)] as const
      ),
      reduced,
      inputs: this.#inputs(rows, placed, reduced),
      upstream: new Float64Array(block),
      needsGradient,
    };
    const sinks = wanted.map(({ name, symbol }) => {
      const at = this.#arguments.findIndex((argument) => argument.symbol === symbol);
      const tensor = new Tensor(call.grad[name]!.data, placed[at]!.shape);
      const operand = tiles.element[gradientOf(symbol)]!;
      return { symbol, tensor, operand, sink: rows.sink(tiles, tensor) };
    });
    for (let start = 0; start < rows.count; start += block) {
      const end = Math.min(start + block, rows.count);
      this.#forward(pass, start, end);
      this.#finish(pass, start, end);
      if (!needsGradient) continue;
      this.#spread(reduced, end - start);
      this.#back(pass, start, end, wanted, sinks);
    }

    // 3. What reaches an argument through the value itself, beside what comes through reductions.
    for (const { symbol, tensor, sink } of sinks) {
      sink.finish();
      const direct = pass.inputs.find(({ name }) => name === symbol);
      if (direct !== undefined) addRepeated(tensor, rows.outerShape, direct.gradient);
    }
    return call.result();
  }

  /**
   * The shape that rows run along, and every argument as it is read along them: with a last axis of length 1 if it has one
   * number per row.
   */
  #place(tensors: readonly Tensor[]): { shape: readonly number[]; placed: readonly Tensor[] } {
    const rank = Math.max(...tensors.map(({ shape }) => shape.length));
    const names = this.#arguments.map(({ name }) => name);
    const placed = tensors.map((tensor) =>
      rank > 1 && tensor.shape.length === rank - 1
        ? new Tensor(tensor.data, [...tensor.shape, 1])
        : tensor
    );
    const shape = commonShape(this.#loss, names, placed);
    placed.forEach((tensor, i) => {
      const isPerRow = tensor.shape.length === 0 || tensor.shape.at(-1) === 1;
      if (isPerRow || !this.#formula.derivatives.has(this.#arguments[i]!.symbol)) return;
      throw new RangeError(
        `Cannot compute ${this.#loss} as ${
          names[i]
        } is used in value and must have one number per row, ${
          show(shape.slice(0, -1))
        }: current shape is ${show(tensors[i]!.shape)}; reduce it in rows, such as { s: "sum(${
          this.#arguments[i]!.symbol
        })" }`,
      );
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

  #newReduced(count: number): ReadonlyMap<string, Reduced> {
    const { reductions } = this.#formula;
    const zeros = () => new Float64Array(count);
    return new Map(reductions.map(({ name, couplings }) => [name, {
      values: zeros(),
      gradient: zeros(),
      ties: zeros(),
      couplings: new Map(couplings.map(({ above }) => [above, zeros()])),
    }]));
  }

  /** What the value depends on: reductions, and arguments with one number per row. */
  #inputs(
    rows: Rows,
    placed: readonly Tensor[],
    reduced: ReadonlyMap<string, Reduced>,
  ): ValueInput[] {
    return [...this.#formula.derivatives.keys()].map((name) => {
      const from = reduced.get(name);
      if (from !== undefined) {
        return { name, data: from.values, gradient: from.gradient, isOfBlock: true };
      }
      const tensor = placed[this.#arguments.findIndex(({ symbol }) => symbol === name)]!;
      const data = repeated(tensor, rows.outerShape, rows.count);
      return { name, data, gradient: new Float64Array(rows.count), isOfBlock: false };
    });
  }

  /** Forward through rows [start, end): every reduction, and for gradients how it depends on those above. */
  #forward(
    { rows, params, tiles, height, loads, reduced, needsGradient }: Pass,
    start: number,
    end: number,
  ): void {
    const { row } = tiles;
    const levels = this.#levels;
    setParams(tiles, params);
    for (let from = start; from < end; from += height) {
      const to = Math.min(from + height, end);
      const count = to - from;
      const at = from - start;
      for (const [operand, load] of loads) load(operand, from, to);
      for (let k = 0; k <= levels.length; k++) {
        const level = levels[k] ?? [];
        const extremes = needsGradient ? (levels[k - 1] ?? []).filter(isExtreme) : [];
        if (level.length + extremes.length === 0) continue;
        this.#step(
          tiles,
          `level ${k} ${needsGradient}`,
          () => levelStep(level, extremes, needsGradient),
        )(count, rows.length);
        for (const reduction of level) {
          finishReduction(reduction, row, count, rows.length);
          unload(row[reduction.name]!, reduced.get(reduction.name)!.values, at, at + count);
        }
        if (!needsGradient) continue;
        for (const { name } of extremes) {
          unload(row[tiesOf(name)]!, reduced.get(name)!.ties, at, at + count);
        }
        for (const reduction of [...level.filter((sum) => !isExtreme(sum)), ...extremes]) {
          this.#takeCouplings(reduction, row, reduced, at, count, rows.length);
        }
      }
    }
  }

  /** Takes how a reduction depends on those above it, for `count` rows from the row `at` of the block on. */
  #takeCouplings(
    { name, kind, couplings }: RowReduction,
    row: Readonly<Record<string, Float64Array>>,
    reduced: ReadonlyMap<string, Reduced>,
    at: number,
    count: number,
    length: number,
  ): void {
    for (const { above, known } of couplings) {
      const to = reduced.get(name)!.couplings.get(above)!;
      const isMean = this.#formula.reductions.find((sum) =>
        sum.name === known?.sum
      )?.kind === "mean";
      const factor = (known?.sign ?? 1) * (isMean ? length : 1) / (kind === "mean" ? length : 1);
      const sums = row[known?.sum ?? couplingOf(name, above)]!;
      for (let r = 0; r < count; r++) to[at + r] = factor * sums[r]!;
    }
  }

  /** The values of rows [start, end), and the derivatives of the loss with respect to what they depend on. */
  #finish(
    { call, params, weight, reduced, inputs, upstream }: Pass,
    start: number,
    end: number,
  ): void {
    const kernels = this.#rowKernels("float64");
    const { element, tile } = kernels;
    const count = end - start;
    for (const { gradient } of reduced.values()) gradient.fill(0);
    setParams(kernels, params);
    const run = this.#step(kernels, "value", () => valueStep(this.#formula));
    const { values } = call;
    for (let from = 0; from < count; from += tile) {
      const to = Math.min(from + tile, count);
      for (const { name, data, isOfBlock } of inputs) {
        const at = isOfBlock ? 0 : start;
        load(element[name]!, data, at + from, at + to);
      }
      run(1, to - from);
      unload(element[VALUE]!, values, from, to);
      for (const { name, gradient, isOfBlock } of inputs) {
        const at = isOfBlock ? 0 : start;
        unload(element[derivativeOf(name)]!, gradient, at + from, at + to);
      }
    }

    call.begin(start, count);
    const weightGrad = weight && call.grad.weight?.data;
    for (let r = 0; r < count; r++) {
      const share = call.upstream[r]! / call.divisor;
      if (weightGrad !== undefined) weightGrad[start + r] = share * values[r]!;
      const factor = weight === undefined ? 1 : weight.data[start + r]!;
      values[r]! *= factor;
      upstream[r] = factor * share;
    }
    call.end(start, count);
    for (const { gradient, isOfBlock } of inputs) {
      const at = isOfBlock ? 0 : start;
      for (let r = 0; r < count; r++) gradient[at + r]! *= upstream[r]!;
    }
  }

  /** Back through the reductions of a block, from the last: what reaches one reaches those that it depends on. */
  #spread(reduced: ReadonlyMap<string, Reduced>, count: number): void {
    for (const reduction of this.#formula.reductions.toReversed()) {
      const { gradient, ties, couplings } = reduced.get(reduction.name)!;
      if (isExtreme(reduction)) {
        for (let r = 0; r < count; r++) gradient[r]! /= ties[r]!;
      }
      for (const [above, coupling] of couplings) {
        const to = reduced.get(above)!.gradient;
        for (let r = 0; r < count; r++) to[r]! += gradient[r]! * coupling[r]!;
      }
    }
  }

  /** Back to the elements of rows [start, end): the gradients through every reduction that they are part of. */
  #back(
    { rows, params, tiles, height, loads, reduced, upstream }: Pass,
    start: number,
    end: number,
    wanted: readonly RowArgument[],
    sinks: readonly { readonly operand: FloatArray; readonly sink: Sink }[],
  ): void {
    const { row } = tiles;
    setParams(tiles, params);
    const step = this.#step(
      tiles,
      `gradients of ${wanted.map(({ name }) => name)}`,
      () => gradientStep(this.#formula, this.#arriving, wanted),
    );
    for (let from = start; from < end; from += height) {
      const to = Math.min(from + height, end);
      const count = to - from;
      const at = from - start;
      for (const [operand, load] of loads) load(operand, from, to);
      for (const { name, kind } of this.#formula.reductions) {
        const { values, gradient } = reduced.get(name)!;
        load(row[name]!, values, at, at + count);
        const arriving = row[this.#arriving.get(name)!]!;
        const divisor = kind === "mean" ? rows.length : 1;
        for (let r = 0; r < count; r++) arriving[r] = gradient[at + r]! / divisor;
      }
      load(row[this.#arriving.get(VALUE)!]!, upstream, at, at + count);
      for (const { operand, sink } of sinks) sink.aim(operand, from, to);
      step(count, rows.length);
      for (const { operand, sink } of sinks) sink.store(operand, from, to);
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

/** The operands that a reduction needs. */
function rowOperands(reduction: RowReduction): string[] {
  const { name, couplings } = reduction;
  return [
    name,
    ...isExtreme(reduction) ? [tiesOf(name), missingOf(name)] : [],
    ...couplings.filter(({ known }) => known === undefined)
      .map(({ above }) => couplingOf(name, above)),
  ];
}

function setParams({ param }: AnyKernels, params: Readonly<Record<string, number>>): void {
  for (const name of Object.keys(params)) param[name]![0] = params[name]!;
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
