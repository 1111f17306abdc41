/** Random formulas, on every machine, give numbers that a tree evaluator encloses; WebAssembly and interpreter the same bits. */
import fc from "fast-check";
import { contains, Enclosure, point, type Range } from "../formula/enclosure.ts";
import { anyNumber, finiteNumber, formulas, textOf, type Tree } from "../formula/tree.ts";
import { evaluateOn, type FloatType, type Machine, MACHINES, type Scope } from "../machines.ts";
import { property, Violation } from "../property.ts";

/** A formula and the numbers it is evaluated at. */
export interface FormulaCase {
  readonly dtype: FloatType;
  readonly tree: Tree;
  readonly points: readonly (readonly [x: number, y: number])[];
  readonly r: number;
  readonly p: number;
}

const SYMBOLS = ["x", "y", "r", "p"];
const OPTIONS = ["p"];

const cases: fc.Arbitrary<FormulaCase> = fc.constantFrom<FloatType>("float64", "float32").chain(
  (dtype) =>
    fc.record({
      dtype: fc.constant(dtype),
      tree: formulas({ symbols: SYMBOLS, literals: finiteNumber(dtype) }),
      points: fc.array(fc.tuple(anyNumber(dtype), anyNumber(dtype)), {
        minLength: 1,
        maxLength: 12,
        size: "max",
      }),
      r: anyNumber(dtype),
      // What an option of 0 divides is left open: losses ask before they divide.
      p: finiteNumber(dtype).filter((p) => p !== 0),
    }),
);

/** Numbers for the symbols, in the form that the kernels take. */
export function scopeOf({ points, r, p }: Omit<FormulaCase, "dtype" | "tree">): Scope {
  return { x: points.map(([x]) => x), y: points.map(([, y]) => y), r, p };
}

function check({ dtype, tree, ...numbers }: FormulaCase): void {
  const text = textOf(tree);
  const scope = scopeOf(numbers);
  const found = new Map(
    MACHINES.map((machine) => [machine, evaluateOn(machine, dtype, text, scope)] as const),
  );
  const enclosure = new Enclosure(dtype, OPTIONS);
  for (let i = 0; i < scope.x.length; i++) {
    const at = new Map<string, Range>(
      Object.entries({ x: scope.x[i], y: scope.y[i], r: scope.r, p: scope.p })
        .map(([name, value]) => [name, point(value)]),
    );
    const wanted = enclosure.evaluate(tree, at);
    const value = (machine: Machine) => found.get(machine)![i];
    for (const machine of MACHINES) {
      if (!contains(wanted, value(machine))) {
        throw new Violation(
          `${text} in ${dtype} on ${machine} at x = ${show(scope.x[i])}, y = ${
            show(scope.y[i])
          }, r = ${show(scope.r)}, p = ${show(scope.p)} is ${show(value(machine))}, wanted is ${
            describe(wanted)
          }`,
        );
      }
    }
    if (!Object.is(value("wasm"), value("interpreter"))) {
      throw new Violation(
        `${text} in ${dtype} at x = ${scope.x[i]}, y = ${scope.y[i]}: ${
          value("wasm")
        } with WebAssembly, ${value("interpreter")} without`,
      );
    }
  }
}

function describe({ lo, hi, nan }: Range): string {
  const interval = lo > hi ? "" : Object.is(lo, hi) ? show(lo) : `from ${show(lo)} to ${show(hi)}`;
  return [interval, nan ? "NaN" : ""].filter((part) => part !== "").join(" or ");
}

/** A number as code; -0 keeps its sign. */
function show(value: number): string {
  return Object.is(value, -0) ? "-0" : String(value);
}

function reproduce({ dtype, tree, ...numbers }: FormulaCase): string {
  const { x, y, r, p } = scopeOf(numbers);
  const list = (values: readonly number[]) => `[${values.map(show).join(", ")}]`;
  return `import { evaluateOn } from "./tests/fuzz/machines.ts"; for (const machine of ["relaxed", "wasm", "interpreter"] as const) console.log(evaluateOn(machine, "${dtype}", ${
    JSON.stringify(textOf(tree))
  }, { x: ${list(x)}, y: ${list(y)}, r: ${show(r)}, p: ${show(p)} }));`;
}

export const kernels = property<FormulaCase>({
  name: "kernels",
  cases,
  casesPerRound: 300,
  check,
  reproduce,
});
