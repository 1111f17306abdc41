/** The numbers that PyTorch gives, beside ours: what a notebook shows of tests/fixtures. */

import { float32, float64, int32, type Tensor } from "@lossbook/losses";
import { check, type CheckRow } from "../show/checks.ts";
import type { AnyLoss } from "./loss.ts";

interface StoredTensor {
  dtype: "float32" | "float64" | "int32";
  shape: number[];
  data: number[];
}

interface StoredCase {
  name: string;
  dtype: "float32" | "float64";
  options: Record<string, unknown>;
  args: Record<string, StoredTensor>;
  /** Those of a loss that has layers of its own. */
  parameters?: Record<string, StoredTensor>;
  gradOutput: number | StoredTensor;
  value: StoredTensor;
  grad: Record<string, StoredTensor>;
  /** Terms of this size cancel in the result. */
  scale?: number;
  value64?: StoredTensor;
  grad64?: Record<string, StoredTensor>;
}

type Build<Options> = (options: Options, parameters: Record<string, Tensor>) => AnyLoss;

/** What rounding may differ by, in units of the largest expected number of a tensor. */
const TOLERANCE = { float64: 1e-12, float32: 1e-5 };

/**
 * Computes every case that PyTorch computed, value and gradients, and shows the largest difference
 * for each dtype and quantity, relative to the largest number of the tensor. Throws if one is more
 * than rounding. A float32 number may be as near to PyTorch's float64 result instead.
 *
 * @param name The file in tests/fixtures without ".json".
 * @param build Makes the loss from the options of a case and, if it has layers of its own, their parameters.
 * @param only Which cases count, if PyTorch's own numbers are off in some; the heading says how many they are.
 */
export async function compareWithPyTorch<Options>(
  name: string,
  build: Build<Options>,
  only: (stored: { name: string; dtype: "float32" | "float64" }) => boolean = () => true,
): Promise<void> {
  const file = new URL(`../../../tests/fixtures/${name}.json`, import.meta.url);
  const { loss, pytorch, cases: all } = parse(await Deno.readTextFile(file));
  const cases = all.filter(only);
  const count = cases.length === all.length ? `${all.length}` : `${cases.length} of ${all.length}`;
  const found = new Map<string, { numbers: number; difference: number; atol: number }>();
  for (const stored of cases) {
    const { value, grad } = compute(stored, build);
    const pairs: [string, Tensor, StoredTensor, StoredTensor?][] = [
      ["value", value, stored.value, stored.value64],
      ...Object.entries(stored.grad).map((
        [key, want],
      ): [string, Tensor, StoredTensor, StoredTensor?] => [
        `grad.${key}`,
        grad[key],
        want,
        stored.grad64?.[key],
      ]),
    ];
    for (const [what, got, want, exact] of pairs) {
      const row = `${stored.dtype}, ${what}`;
      const sum = found.get(row) ?? { numbers: 0, difference: 0, atol: TOLERANCE[stored.dtype] };
      sum.numbers += want.data.length;
      sum.difference = Math.max(sum.difference, distance(got, want, exact, stored.scale));
      found.set(row, sum);
    }
  }
  await check(
    `${loss}: ${count} cases of PyTorch ${pytorch}, largest relative difference`,
    [...found].sort().map(([row, { numbers, difference, atol }]): CheckRow => ({
      name: `${row}: ${numbers} numbers`,
      got: difference,
      want: 0,
      atol,
    })),
  );
}

function compute<Options>(stored: StoredCase, build: Build<Options>) {
  const { gradOutput } = stored;
  const options = Object.entries(stored.options).map(([key, option]) => [key, revived(option)]);
  const call = [
    ...Object.values(stored.args).map(tensor),
    { wrt: Object.keys(stored.grad), gradOutput: revived(gradOutput) },
  ];
  const parameters = Object.entries(stored.parameters ?? {}).map(([key, p]) => [key, tensor(p)]);
  return build(Object.fromEntries(options), Object.fromEntries(parameters))
    .valueAndGrad(...call as never[]);
}

/** The largest difference of two tensors in units of the largest expected number. */
function distance(got: Tensor, want: StoredTensor, exact?: StoredTensor, scale = 0): number {
  if (`${got.shape}` !== `${want.shape}`) return Infinity;
  const unit = Math.max(scale, ...want.data.map(Math.abs).filter(Number.isFinite)) || 1;
  const gap = (i: number, from: StoredTensor) => {
    const [a, b] = [got.data[i], from.data[i]];
    if (Object.is(a, b) || a === b) return 0;
    const difference = Math.abs(a - b);
    // Nothing is near to NaN or to an infinity.
    return Number.isFinite(difference) ? difference / unit : Infinity;
  };
  return want.data.reduce(
    (most, _, i) => Math.max(most, Math.min(gap(i, want), gap(i, exact ?? want))),
    0,
  );
}

const WORDS = new Map([["NaN", NaN], ["Infinity", Infinity], ["-Infinity", -Infinity], ["-0", -0]]);

/** JSON knows no infinities: words stand for them. */
function parse(text: string): { loss: string; pytorch: string; cases: StoredCase[] } {
  return JSON.parse(text, (_, x) => typeof x === "string" ? WORDS.get(x) ?? x : x);
}

/** Options and upstream gradients may be tensors or anything else. */
function revived(stored: unknown): unknown {
  const isTensor = typeof stored === "object" && stored !== null && "dtype" in stored;
  return isTensor ? tensor(stored as StoredTensor) : stored;
}

function tensor({ dtype, shape, data }: StoredTensor): Tensor {
  if (dtype === "int32") return int32(Int32Array.from(data), shape);
  return dtype === "float32"
    ? float32(Float32Array.from(data), shape)
    : float64(Float64Array.from(data), shape);
}
