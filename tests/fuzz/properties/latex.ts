/** The LaTeX of a random formula, read as a mathematician reads it, has the values of the formula. */
import fc from "fast-check";
import { Formula } from "@lossbook/losses/formula";
import { Enclosure, overlap, point } from "../formula/enclosure.ts";
import { readLatex } from "../formula/latex_reader.ts";
import { formulas, symbolsIn, textOf, type Tree } from "../formula/tree.ts";
import { property, Violation } from "../property.ts";

interface LatexCase {
  readonly tree: Tree;
  /** What y is called on the page. */
  readonly y: "y" | "\\hat y";
  readonly points: readonly (readonly number[])[];
}

/** Names of every kind that losses and their users have. */
const SYMBOLS = ["x", "y", "beta", "x1", "posWeight", "eps", "sigma", "max_norm"];
const ordinary = fc.integer({ min: -(2 ** 20), max: 2 ** 20 }).map((k) => k / 2 ** 18);
const literals = fc.oneof(
  { arbitrary: fc.constantFrom(0, 1, 2, 3, 10, -1, 0.5, 0.25, Math.PI), weight: 3 },
  { arbitrary: ordinary, weight: 1 },
  { arbitrary: fc.constantFrom(1e21, -1e21, 1e-7, 2.5e-8, -2.5e22), weight: 1 },
);

const cases: fc.Arbitrary<LatexCase> = fc.record({
  tree: formulas({ symbols: SYMBOLS, literals }),
  y: fc.constantFrom("y", "\\hat y"),
  points: fc.array(
    fc.array(ordinary, { minLength: SYMBOLS.length, maxLength: SYMBOLS.length }),
    { minLength: 1, maxLength: 6 },
  ),
});

function check({ tree, y, points }: LatexCase): void {
  const text = textOf(tree);
  const latex = new Formula(text).latex(y === "y" ? {} : { y });
  let read: Tree;
  try {
    read = readLatex(latex);
  } catch (error) {
    throw new Violation(`${text} is printed as ${latex}, which cannot be read: ${error}`);
  }
  const [asRead, asWritten] = [symbolsIn(read), symbolsIn(tree)];
  for (const name of asRead) {
    if (!asWritten.has(name === y ? "y" : name)) {
      throw new Violation(`${text} is printed as ${latex}, which has the symbol ${name}`);
    }
  }
  for (const numbers of points) {
    const scope = new Map(SYMBOLS.map((name, i) => [name, point(numbers[i])]));
    scope.set(y, scope.get("y")!);
    const exact = new Enclosure("exact");
    const traces = [exact.trace(tree, scope), exact.trace(read, scope)];
    // On the page 0 log 0 has no value, and a maximum does not pass over what is no number.
    if (traces.some(({ hasPole }) => hasPole)) continue;
    const [wanted, found] = traces.map(({ range }) => range);
    if (!overlap(wanted, found)) {
      const at = [...asWritten].map((name) => `${name} = ${numbers[SYMBOLS.indexOf(name)]}`);
      throw new Violation(
        `${text} is printed as ${latex}, which at ${
          at.join(", ")
        } is ${found.lo}, not ${wanted.lo}`,
      );
    }
  }
}

function reproduce({ tree, y }: LatexCase): string {
  const names = y === "y" ? "" : `{ y: ${JSON.stringify(y)} }`;
  return `import { Formula } from "@lossbook/losses/formula"; console.log(new Formula(${
    JSON.stringify(textOf(tree))
  }).latex(${names}));`;
}

export const latex = property<LatexCase>({
  name: "latex",
  cases,
  casesPerRound: 200,
  check,
  reproduce,
});
