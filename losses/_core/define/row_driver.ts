/**
 * Runs a loss of rows that is written as formulas.
 *
 * A call works on tiles of rows that stay in the cache. On the way forward through a tile, reductions are computed level by
 * level: one kernel step for all those that depend on the levels before only. What the chain rule needs is summed up in the same
 * steps: how a reduction depends on those above it, and how many elements share a maximum. Then the values of the rows and their
 * derivatives are computed in float64. On the way back, every element gets its gradient through all reductions that it is part
 * of; exponentials and other costly functions that it needs again were kept on the way forward.
 */

import { floatType, readArguments } from "../call/arguments.ts";
import type { Reduction, TensorOption } from "../call/options.ts";
import type { Request, ValueAndGrad } from "../call/request.ts";
import { RowCall } from "../call/row_call.ts";
import { freeNames } from "../elementwise/driver.ts";
import { type Kernels, type KernelsDefinition, layOut, load, unload } from "../kernel/kernels.ts";
import { ALL_FUNCTIONS } from "../kernel/math.ts";
import { newScratch, type Scratch } from "../kernel/memory.ts";
import type { Run } from "../kernel/plan.ts";
import { defineRowKernels } from "../kernel/row_kernels.ts";
import { Rows } from "../rows/rows.ts";
import { commonShape, gather, scatterAdd, stridesAlong } from "../tensor/broadcast.ts";
import { toTensor } from "../tensor/read.ts";
import { sameShape, show } from "../tensor/shape.ts";
import { Tensor, type TensorLike } from "../tensor/tensor.ts";
import type { FloatArray, FloatType } from "../tensor/types.ts";
import type { RowArgument } from "./definition.ts";
import type { RowFormula, RowReduction } from "./row_formula.ts";
import {
  choosesElements,
  couplingOf,
  derivativeOf,
  finishReduction,
  gradientOf,
  isExtreme,
  type KeptCall,
  keptCalls,
  missingOf,
  tiesOf,
  type TileSteps,
  tileSteps,
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

/** Elements of an argument in a tile: a few arguments and gradients of this size stay in the L2 cache. */
const ELEMENTS_PER_TILE = 16384;
/** The most rows in a tile, however short they are. */
const ROWS_PER_TILE = 4096;

/**
 * The memory of kernels that compute the values of rows: they run while that of the tiles holds what gradients are made of.
 */
let valueScratch: Scratch | undefined;

function valueScratchOf(pages: number): Scratch {
  if (valueScratch === undefined || valueScratch.pages < pages) valueScratch = newScratch(pages);
  return valueScratch;
}

/** An argument that the value itself depends on, with one number per row. */
interface PerRow {
  readonly name: string;
  readonly data: FloatArray;
  /** The derivative of the loss with respect to it. */
  readonly gradient: Float64Array;
}

/** What the tiles of a call go through. */
interface Pass {
  readonly call: RowCall;
  readonly rows: Rows;
  readonly params: Readonly<Record<string, number>>;
  readonly weight: Tensor | undefined;
  readonly tiles: AnyKernels;
  readonly perRow: readonly PerRow[];
}

/** Value and gradients of a loss of rows. */
export class RowDriver {
  readonly #loss: string;
  readonly #arguments: readonly RowArgument[];
  readonly #formula: RowFormula;
  readonly #defaults: readonly string[];
  /** Names that formulas know the derivatives of the loss by: with respect to each reduction, and to the value of a row. */
  readonly #arriving: ReadonlyMap<string, string>;
  readonly #kept: readonly KeptCall[];
  readonly #tileKernels: (dtype: FloatType, longestRow: number) => AnyKernels;
  readonly #describeValue: () => KernelsDefinition<string, string, string, string, string>;
  #valueKernels: AnyKernels | undefined;
  /** The steps of a call, by the gradients that it wants. */
  readonly #steps = new Map<string, TileSteps>();

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
    const symbols = args.map(({ symbol }) => symbol);
    const names = reductions.map(({ name }) => name);
    const free = freeNames([...symbols, ...options, ...names]);
    this.#arriving = new Map([...names, VALUE].map((name) => [name, free("arriving")]));
    this.#kept = keptCalls(formula, symbols, free);
    this.#tileKernels = defineRowKernels<string, string, string, string, string>(() => ({
      elements: [
        ...symbols,
        ...symbols.map(gradientOf),
        ...this.#kept.map(({ operand }) => operand),
      ],
      rows: [
        ...reductions.flatMap(rowOperands),
        ...this.#arriving.values(),
      ],
      params: options,
      steps: {},
      functions: ALL_FUNCTIONS,
      tile: ELEMENTS_PER_TILE,
      tileRows: ROWS_PER_TILE,
    }));
    const inputs = [...formula.derivatives.keys()];
    this.#describeValue = () => ({
      elements: [...inputs, VALUE, ...inputs.map(derivativeOf)],
      params: options,
      steps: { value: valueStep(formula) },
      functions: ALL_FUNCTIONS,
      tile: ROWS_PER_TILE,
    });
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

    // 2. Tile by tile: reductions, values, gradients.
    const wanted = this.#arguments.filter(({ name }) => Object.hasOwn(call.grad, name));
    const tiles = this.#tileKernels(dtype, rows.length).near(placed);
    const loads = placed.map((tensor, i) =>
      [tiles.element[this.#arguments[i]!.symbol]!, rows.load(tiles, tensor)] as const
    );
    const sinks = wanted.map(({ name, symbol }) => {
      const at = this.#arguments.findIndex((argument) => argument.symbol === symbol);
      const tensor = new Tensor(call.grad[name]!.data, placed[at]!.shape);
      const operand = tiles.element[gradientOf(symbol)]!;
      return { symbol, tensor, operand, sink: rows.sink(tiles, tensor) };
    });
    const pass: Pass = {
      call,
      rows,
      params: options.params,
      weight,
      tiles,
      perRow: this.#perRow(rows, placed),
    };
    const key = wanted.map(({ symbol }) => symbol).join(" ");
    const steps = this.#stepsOf(key, wanted);
    const forward = steps.levels.map((step, k) => tiles.step(`level ${k} ${key}`, () => step));
    setParams(tiles, options.params);
    rows.tiles(tiles, (start, end) => {
      for (const [operand, load] of loads) load(operand, start, end);
      this.#forward(pass, forward, end - start);
      this.#finish(pass, start, end);
      if (wanted.length === 0) return;
      this.#spread(pass, end - start);
      for (const { operand, sink } of sinks) sink.aim(operand, start, end);
      tiles.step(`gradients ${key}`, () => steps.gradients)(end - start, rows.length);
      for (const { operand, sink } of sinks) sink.store(operand, start, end);
    });

    // 3. What reaches an argument through the value itself, beside what comes through reductions.
    for (const { symbol, tensor, sink } of sinks) {
      sink.finish();
      const direct = pass.perRow.find(({ name }) => name === symbol);
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

  /** The arguments with one number per row that the value depends on. */
  #perRow(rows: Rows, placed: readonly Tensor[]): PerRow[] {
    return this.#arguments.flatMap(({ symbol }, i) =>
      this.#formula.derivatives.has(symbol)
        ? [{
          name: symbol,
          data: repeated(placed[i]!, rows.outerShape, rows.count),
          gradient: new Float64Array(rows.count),
        }]
        : []
    );
  }

  #stepsOf(key: string, wanted: readonly RowArgument[]): TileSteps {
    let steps = this.#steps.get(key);
    if (steps === undefined) {
      steps = tileSteps(this.#formula, this.#arriving, this.#kept, wanted);
      this.#steps.set(key, steps);
    }
    return steps;
  }

  /** Forward through a tile: every reduction, and for gradients how it depends on those above. */
  #forward({ rows, tiles: { row } }: Pass, levels: readonly Run[], count: number): void {
    levels.forEach((run, k) => {
      run(count, rows.length);
      for (const reduction of this.#formula.reductions) {
        if (reduction.level === k) finishReduction(reduction, row, count, rows.length);
      }
    });
  }

  /** The values of rows [start, end), and the derivatives of the loss with respect to what they depend on. */
  #finish({ call, params, weight, tiles, perRow }: Pass, start: number, end: number): void {
    const kernels = this.#valueKernels ??= this.#makeValueKernels();
    const { element, run } = kernels;
    const { reductions, derivatives } = this.#formula;
    const count = end - start;
    const inValue = reductions.filter(({ name }) => derivatives.has(name));
    setParams(kernels, params);
    for (const { name } of inValue) load(element[name]!, tiles.row[name]!, 0, count);
    for (const { name, data } of perRow) load(element[name]!, data, start, end);
    run.value!(1, count);

    const { values, divisor } = call;
    unload(element[VALUE]!, values, 0, count);
    call.begin(start, count);
    const upstream = tiles.row[this.#arriving.get(VALUE)!]!;
    const weightGrad = weight && call.grad.weight?.data;
    for (let r = 0; r < count; r++) {
      const share = call.upstream[r]! / divisor;
      if (weightGrad !== undefined) weightGrad[start + r] = share * values[r]!;
      const factor = weight === undefined ? 1 : weight.data[start + r]!;
      values[r]! *= factor;
      upstream[r] = factor * share;
    }
    call.end(start, count);
    for (const { name } of reductions) {
      const gradient = tiles.row[this.#arriving.get(name)!]!;
      const slope = element[derivativeOf(name)];
      if (slope === undefined) gradient.fill(0, 0, count);
      else for (let r = 0; r < count; r++) gradient[r] = slope[r]! * upstream[r]!;
    }
    for (const { name, gradient } of perRow) {
      const slope = element[derivativeOf(name)]!;
      for (let r = 0; r < count; r++) gradient[start + r] = slope[r]! * upstream[r]!;
    }
  }

  /**
   * Back through the reductions of a tile, from the last: what reaches one reaches those that it depends on. What is left of a
   * gradient is what reaches each element of the reduction.
   */
  #spread({ rows, tiles: { row } }: Pass, count: number): void {
    const { reductions } = this.#formula;
    for (const reduction of reductions.toReversed()) {
      const { name, kind, couplings } = reduction;
      const gradient = row[this.#arriving.get(name)!]!;
      const ties = choosesElements(reduction) ? row[tiesOf(name)]! : undefined;
      if (ties !== undefined) { for (let r = 0; r < count; r++) gradient[r]! /= ties[r]!; }
      else if (kind === "mean") { for (let r = 0; r < count; r++) gradient[r]! /= rows.length; }
      for (const { above, known } of couplings) {
        const to = row[this.#arriving.get(above)!]!;
        const slopes = row[known?.sum ?? couplingOf(name, above)]!;
        const isMean = reductions.find((sum) => sum.name === known?.sum)?.kind === "mean";
        const factor = (known?.sign ?? 1) * (isMean ? rows.length : 1);
        for (let r = 0; r < count; r++) to[r]! += gradient[r]! * (factor * slopes[r]!);
      }
    }
  }

  #makeValueKernels(): AnyKernels {
    const layout = layOut(this.#describeValue(), "float64");
    return layout.build(valueScratchOf(layout.pages));
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
