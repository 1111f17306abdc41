/** The comparison of a loss with PyTorch's numbers in tests/fixtures. */

import { type Build, differences, TOLERANCE } from "../../../tests/reference/torch/compare.ts";
import { loadFixture } from "../../../tests/reference/torch/fixtures.ts";
import { check, type CheckRow } from "../show/checks.ts";

/** Selects cases. */
type Filter = (stored: { name: string; dtype: "float32" | "float64" }) => boolean;

/**
 * Computes every case that PyTorch computed, value and gradients, and shows one line with a table folded under it: the largest
 * difference for each dtype and quantity, relative to the largest number of the tensor. Throws if one is more than rounding. A
 * float32 number may be as near to PyTorch's float64 result instead.
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
  const { loss, pytorch, cases: all } = loadFixture(name);
  const cases = all.filter(only);
  const found = new Map<string, { numbers: number; difference: number; atol: number }>();
  for (const stored of cases) {
    for (const { quantity, numbers, difference } of differences(stored, build)) {
      const row = `${stored.dtype}, ${quantity}`;
      const sum = found.get(row) ?? { numbers: 0, difference: 0, atol: TOLERANCE[stored.dtype] };
      sum.numbers += numbers;
      sum.difference = Math.max(sum.difference, difference);
      found.set(row, sum);
    }
  }
  const rows = [...found].sort().map(([row, { numbers, difference, atol }]): CheckRow => ({
    name: `${row}: ${numbers} numbers`,
    got: difference,
    want: 0,
    atol,
  }));
  const isAll = cases.length === all.length;
  const count = {
    zh: isAll ? `${all.length} 个算例` : `${all.length} 个算例中的 ${cases.length} 个`,
    en: isAll ? `${all.length} cases` : `${cases.length} of ${all.length} cases`,
  };
  const title = {
    zh: `${loss} 与 PyTorch ${pytorch} 的 ${count.zh}`,
    en: `${count.en} of PyTorch ${pytorch}`,
  };
  await check(title, rows, { folded: true });
}
