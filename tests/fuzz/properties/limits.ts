/**
 * Formulas of any size are parsed, evaluated, differentiated and printed, or refused with a RangeError that a person can read;
 * either way soon.
 */
import fc from "fast-check";
import { Formula } from "@lossbook/losses/formula";
import { problemOf } from "../hostile/errors.ts";
import { property, Violation } from "../property.ts";

/** How a formula grows. */
interface Growth {
  /** The formula with n of whatever it is made of. */
  text(n: number): string;
  /** Its value and its derivative at x = 0.5, and how much of them rounding may take. */
  readonly value: (n: number) => number;
  readonly slope: (n: number) => number;
}

const X = 0.5;
const repeat = (n: number, join: string, part: (i: number) => string) =>
  Array.from({ length: n }, (_, i) => part(i)).join(join);
const sum = (n: number, term: (i: number) => number) => {
  let total = 0;
  for (let i = 0; i < n; i++) total += term(i);
  return total;
};

const GROWTHS: Readonly<Record<string, Growth>> = {
  "parentheses": {
    text: (n) => `${"(".repeat(n)}x${")".repeat(n)}`,
    value: () => X,
    slope: () => 1,
  },
  "calls in calls": {
    text: (n) => `${"abs(".repeat(n)}x${")".repeat(n)}`,
    value: () => X,
    slope: () => 1,
  },
  "calls of two in calls": {
    text: (n) => `${"max(".repeat(n)}x${", 0)".repeat(n)}`,
    value: () => X,
    slope: () => 1,
  },
  "signs": {
    text: (n) => `${"-".repeat(2 * n)}x`,
    value: () => X,
    slope: () => 1,
  },
  "terms": {
    text: (n) => repeat(n, " + ", () => "x"),
    value: (n) => n * X,
    slope: (n) => n,
  },
  "terms to the right": {
    text: (n) => `${"x + (".repeat(n)}x${")".repeat(n)}`,
    value: (n) => (n + 1) * X,
    slope: (n) => n + 1,
  },
  "differences": {
    text: (n) => `x${" - x".repeat(n)}`,
    value: (n) => X - n * X,
    slope: (n) => 1 - n,
  },
  "factors": {
    text: (n) => `x${" * 1".repeat(n)}`,
    value: () => X,
    slope: () => 1,
  },
  "quotients": {
    text: (n) => `x${" / 1".repeat(n)}`,
    value: () => X,
    slope: () => 1,
  },
  "different constants": {
    text: (n) => `x + ${repeat(n, " + ", (i) => `${i}.25`)}`,
    value: (n) => X + sum(n, (i) => i + 0.25),
    slope: () => 1,
  },
  "different exponentials": {
    text: (n) => repeat(n, " + ", (i) => `exp(x * ${i / 1024} - 1)`),
    value: (n) => sum(n, (i) => Math.exp(X * i / 1024 - 1)),
    slope: (n) => sum(n, (i) => i / 1024 * Math.exp(X * i / 1024 - 1)),
  },
  "different symbols": {
    text: (n) => `x + ${repeat(n, " + ", (i) => `0 * x * ${i + 1}`)}`,
    value: () => X,
    slope: () => 1,
  },
  "choices in a row": {
    text: (n) => `${repeat(n, "", (i) => `x < -${i + 1} ? ${i} : `)}x`,
    value: () => X,
    slope: () => 1,
  },
  "choices in choices": {
    text: (n) => `${"x > 0 ? (".repeat(n)}x${") : 0".repeat(n)}`,
    value: () => X,
    slope: () => 1,
  },
  "conditions in a row": {
    text: (n) => `${repeat(n, " and ", (i) => `x > -${i + 1}`)} ? x : 0`,
    value: () => X,
    slope: () => 1,
  },
  "negated conditions": {
    text: (n) => `${"not (".repeat(2 * n)}x > 0${")".repeat(2 * n)} ? x : 0`,
    value: () => X,
    slope: () => 1,
  },
  "a long name": {
    text: (n) => `x + 0 * ${"y".repeat(n)}`,
    value: () => X,
    slope: () => 1,
  },
  "a long number": {
    text: (n) => `x + 0.${"0".repeat(n)}`,
    value: () => X,
    slope: () => 1,
  },
  "spaces": {
    text: (n) => `x${" ".repeat(n)}+ 0`,
    value: () => X,
    slope: () => 1,
  },
  "an error at the end": {
    text: (n) => `${repeat(n, " + ", () => "x")} +`,
    value: () => NaN,
    slope: () => NaN,
  },
};

const SIZES = [1, 10, 100, 1000, 3000, 10_000, 30_000, 100_000];
const LONGEST_MS = 5000;

interface LimitCase {
  readonly growth: string;
  readonly size: number;
}

function check({ growth, size }: LimitCase): void {
  const { text, value, slope } = GROWTHS[growth];
  const written = text(size);
  const scope = new Proxy({}, {
    has: () => true,
    get: (_, name) => name === "x" ? X : 1,
    getOwnPropertyDescriptor: (_, name) => ({
      configurable: true,
      enumerable: true,
      value: name === "x" ? X : 1,
    }),
  });
  /** Does something with a formula, unless it is too large for that; undefined then. */
  const attempt = <T>(what: string, run: () => T): T | undefined => {
    const start = performance.now();
    let result: T | undefined;
    try {
      result = run();
    } catch (error) {
      const isSyntax = growth === "an error at the end";
      const problem = problemOf(error, isSyntax ? [SyntaxError, RangeError] : [RangeError]);
      if (problem !== undefined) throw new Violation(`${what} of ${size} ${growth} ${problem}`);
    }
    const seconds = (performance.now() - start) / 1000;
    if (1000 * seconds > LONGEST_MS) {
      throw new Violation(`${what} of ${size} ${growth} takes ${seconds.toFixed(1)} s`);
    }
    return result;
  };
  const expect = (what: string, found: number | undefined, wanted: number) => {
    if (found === undefined || Math.abs(found - wanted) <= 1e-9 * size * (1 + Math.abs(wanted))) {
      return;
    }
    throw new Violation(`${what} of ${size} ${growth} is ${found}, wanted is ${wanted}`);
  };

  const formula = attempt("parsing", () => new Formula(written));
  if (formula === undefined) return;
  if (growth === "an error at the end") {
    throw new Violation(`${size} terms with a sign too much are taken`);
  }
  attempt("naming the symbols", () => formula.symbols);
  expect("the value", attempt("evaluating", () => formula.evaluate(scope)[0]), value(size));
  attempt("evaluating in float32", () => formula.evaluate(scope, "float32")[0]);
  attempt("printing", () => formula.latex());
  const derivative = attempt("differentiating", () => formula.derivative("x"));
  const found = derivative &&
    attempt("evaluating the derivative", () => derivative.evaluate(scope)[0]);
  expect("the derivative", found, slope(size));
}

export const limits = property<LimitCase>({
  name: "limits",
  cases: fc.record({
    growth: fc.constantFrom(...Object.keys(GROWTHS)),
    size: fc.constantFrom(...SIZES),
  }),
  casesPerRound: 6,
  check,
  reproduce: ({ growth, size }) =>
    `import { grow } from "./tests/fuzz/properties/limits.ts"; grow(${
      JSON.stringify(growth)
    }, ${size});`,
});

/** Throws if a formula of this size is neither right nor refused. */
export function grow(growth: string, size: number): void {
  check({ growth, size });
}
