/**
 * Several formulas in one kernel, over rows of any length, give the bits that each gives alone; sums and maxima along rows are
 * those of what is stored.
 */
import fc from "fast-check";
import { anyNumber, finiteNumber, formulas, textOf, type Tree } from "../formula/tree.ts";
import {
  evaluateOn,
  type FloatType,
  type Machine,
  MACHINES,
  runStep,
  type Scope,
} from "../machines.ts";
import { property, Violation } from "../property.ts";

interface StepCase {
  readonly dtype: FloatType;
  readonly machine: Machine;
  readonly trees: readonly Tree[];
  readonly rows: number;
  readonly x: readonly number[];
  readonly r: number;
  readonly p: number;
}

const cases: fc.Arbitrary<StepCase> = fc.constantFrom<FloatType>("float64", "float32").chain(
  (dtype) => {
    const formula = formulas({ symbols: ["x", "y", "r", "p"], literals: finiteNumber(dtype) });
    return fc.record({
      dtype: fc.constant(dtype),
      machine: fc.constantFrom(...MACHINES),
      trees: fc.array(formula, { minLength: 1, maxLength: 3 }),
      rows: fc.integer({ min: 1, max: 4 }),
      x: fc.array(anyNumber(dtype), { maxLength: 84, size: "max" }),
      r: finiteNumber(dtype),
      p: finiteNumber(dtype).filter((p) => p !== 0),
    });
  },
);

/** Whole rows only. y is x backwards: no case needs more numbers, and the two differ. */
function scopeOf({ x, r, p, rows }: StepCase): Scope {
  const used = x.slice(0, x.length - x.length % rows);
  return { x: used, y: used.toReversed(), r, p };
}

function check(step: StepCase): void {
  const { dtype, machine, trees, rows } = step;
  const texts = trees.map((tree) => textOf(tree));
  const scope = scopeOf(step);
  const { stored, sum, most } = runStep(machine, dtype, texts, scope, rows);
  const cols = scope.x.length / rows;
  for (let row = 0; row < rows; row++) {
    const slice = <T>(values: { slice(start: number, end: number): T }) =>
      values.slice(row * cols, (row + 1) * cols);
    texts.forEach((text, i) => {
      const alone = evaluateOn(machine, dtype, text, {
        x: slice(scope.x),
        y: slice(scope.y),
        r: row === 0 ? scope.r : scope.r + row,
        p: scope.p,
      });
      slice(stored[i]).forEach((value, j) => {
        if (!Object.is(value, alone[j])) {
          throw new Violation(
            `${text} is ${value} at [${row}, ${j}] beside others, ${alone[j]} alone`,
          );
        }
      });
    });
    checkReductions(slice(stored[0]), sum[row], most[row], dtype, texts[0]);
  }
}

function checkReductions(
  values: Float64Array,
  sum: number,
  most: number,
  dtype: FloatType,
  text: string,
): void {
  let [wanted, size, largest] = [0, 0, -Infinity];
  for (const value of values) {
    wanted += value;
    if (Number.isFinite(value)) size += Math.abs(value);
    if (value > largest) largest = value;
  }
  // Four vectors of a block are added up in the kernel's type, blocks in float64.
  const lost = dtype === "float32" ? 2 ** -22 : values.length * 2 ** -52;
  // Where partial sums may overflow, it depends on their order.
  const mayOverflow = size > (dtype === "float32" ? 2 ** 127 : Number.MAX_VALUE / 2);
  const isClose = Object.is(sum, wanted) || sum === wanted || Math.abs(sum - wanted) <= lost * size;
  if (!isClose && !mayOverflow) throw new Violation(`the sum of ${text} is ${sum}, not ${wanted}`);
  if (most !== largest) throw new Violation(`the maximum of ${text} is ${most}, not ${largest}`);
}

function reproduce(step: StepCase): string {
  const { machine, dtype, trees, rows } = step;
  const { x, y, r, p } = scopeOf(step);
  const show = (value: number) => Object.is(value, -0) ? "-0" : String(value);
  const texts = JSON.stringify(trees.map((tree) => textOf(tree)));
  return `import { runStep } from "./tests/fuzz/machines.ts"; console.log(runStep("${machine}", "${dtype}", ${texts}, { x: [${
    x.map(show)
  }], y: [${y.map(show)}], r: ${show(r)}, p: ${show(p)} }, ${rows}));`;
}

export const steps = property<StepCase>({
  name: "steps",
  cases,
  casesPerRound: 200,
  check,
  reproduce,
});
