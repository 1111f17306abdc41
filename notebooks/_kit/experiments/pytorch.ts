/** The comparison of a loss with PyTorch's numbers in tests/fixtures. */

import type { Tensor } from "@lossbook/losses";
import {
  type FixtureCase,
  type FixtureTensor,
  loadFixture,
  optionsOf,
  tensorOf,
  tensorsOf,
} from "../../../tests/reference/torch/fixtures.ts";
import { check, type CheckRow } from "../show/checks.ts";
import type { AnyLoss } from "./loss.ts";

/** Makes the loss of a case. */
type Build<Options> = (options: Options, parameters: Record<string, Tensor>) => AnyLoss;

/** The difference that rounding may cause, relative to the largest expected number of a tensor. */
const TOLERANCE = { float64: 1e-12, float32: 1e-5 };

/**
 * Computes every case that PyTorch computed, value and gradients, and shows the largest difference
 * for each dtype and quantity, relative to the largest number of the tensor. Throws if one is more
 * than rounding. A float32 number may be as near to PyTorch's float64 result instead.
 *
 * @param name The file in tests/fixtures without ".json".
 * @param build Makes the loss from the options of a case and, if it has layers of its own, their parameters.
 * @param only Selects cases, if PyTorch's own numbers are wrong in some; the heading says how many are selected.
 */
export async function compareWithPyTorch<Options>(
  name: string,
  build: Build<Options>,
  only: Filter = () => true,
): Promise<void> {
  const { loss, pytorch, count, rows } = compare(name, build, only);
  await check(`${loss}: ${count} cases of PyTorch ${pytorch}, largest relative difference`, rows);
}

/**
 * Compares a loss with PyTorch as {@linkcode compareWithPyTorch} does, and shows one line in both languages with the table folded
 * under it.
 *
 * @param name The file in tests/fixtures without ".json".
 * @param build Makes the loss from the options of a case and, if it has layers of its own, their parameters.
 * @param only Selects cases, if PyTorch's own numbers are wrong in some; the line says how many are selected.
 */
export async function matchPyTorch<Options>(
  name: string,
  build: Build<Options>,
  only: Filter = () => true,
): Promise<void> {
  const { loss, pytorch, count, rows } = compare(name, build, only);
  const title = {
    zh: `${loss} 与 PyTorch ${pytorch} 的 ${count} 个算例`,
    en: `${count} cases of PyTorch ${pytorch}`,
  };
  await check(title, rows, { folded: true });
}

/** Selects cases. */
type Filter = (stored: { name: string; dtype: "float32" | "float64" }) => boolean;

function compare<Options>(
  name: string,
  build: Build<Options>,
  only: Filter,
): { loss: string; pytorch: string; count: string; rows: CheckRow[] } {
  const { loss, pytorch, cases: all } = loadFixture(name);
  const cases = all.filter(only);
  const count = cases.length === all.length ? `${all.length}` : `${cases.length} of ${all.length}`;
  const found = new Map<string, { numbers: number; difference: number; atol: number }>();
  for (const stored of cases) {
    for (const { quantity, got, want, exact } of results(stored, build)) {
      const row = `${stored.dtype}, ${quantity}`;
      const sum = found.get(row) ?? { numbers: 0, difference: 0, atol: TOLERANCE[stored.dtype] };
      sum.numbers += want.data.length;
      sum.difference = Math.max(sum.difference, distance(got, want, exact, stored.scale));
      found.set(row, sum);
    }
  }
  const rows = [...found].sort().map(([row, { numbers, difference, atol }]): CheckRow => ({
    name: `${row}: ${numbers} numbers`,
    got: difference,
    want: 0,
    atol,
  }));
  return { loss, pytorch, count, rows };
}

/** A value or gradient, and PyTorch's. */
interface Result {
  quantity: string;
  got: Tensor;
  want: FixtureTensor;
  /** PyTorch's in float64. */
  exact?: FixtureTensor;
}

function results<Options>(stored: FixtureCase, build: Build<Options>): Result[] {
  const loss = build(optionsOf(stored.options) as Options, tensorsOf(stored.parameters));
  const { gradOutput } = stored;
  const request = {
    wrt: Object.keys(stored.grad),
    gradOutput: typeof gradOutput === "number" ? gradOutput : tensorOf(gradOutput),
  };
  const args = [...Object.values(stored.args).map(tensorOf), request];
  const { value, grad } = loss.valueAndGrad(...args as never[]);
  return [
    { quantity: "value", got: value, want: stored.value, exact: stored.value64 },
    ...Object.entries(stored.grad).map(([name, want]) => ({
      quantity: `grad.${name}`,
      got: grad[name],
      want,
      exact: stored.grad64?.[name],
    })),
  ];
}

/** The largest difference of two tensors, relative to the largest expected number. */
function distance(got: Tensor, want: FixtureTensor, exact = want, scale = 0): number {
  if (`${got.shape}` !== `${want.shape}`) return Infinity;
  const unit = Math.max(scale, ...want.data.map(Math.abs).filter(Number.isFinite)) || 1;
  const gap = (i: number, from: FixtureTensor) => {
    const [a, b] = [got.data[i], from.data[i]];
    if (Object.is(a, b) || a === b) return 0;
    const difference = Math.abs(a - b);
    // NaN and infinities are close to no other number.
    return Number.isFinite(difference) ? difference / unit : Infinity;
  };
  return want.data.reduce((most, _, i) => Math.max(most, Math.min(gap(i, want), gap(i, exact))), 0);
}
