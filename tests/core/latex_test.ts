/** Formulas as LaTeX: the page shows what runs. */
import { assertEquals, assertThrows } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import fc from "fast-check";
import { Formula } from "@lossbook/losses/formula";
import { Graph } from "../../losses/_core/formula/graph.ts";
import { parse } from "../../losses/_core/formula/parse.ts";
import { meaning, readLatex } from "./_latex.ts";

type Wanted = readonly (readonly [text: string, latex: string])[];

const SUMS_AND_PRODUCTS: Wanted = [
  ["x + y - z", String.raw`x+y-z`],
  ["x + (y - z)", String.raw`x+y-z`],
  ["x - (y - z)", String.raw`x-\left(y-z\right)`],
  ["x * y * z", String.raw`x\,y\,z`],
  ["x * (y * z)", String.raw`x\,y\,z`],
  ["x * (y + z)", String.raw`x\,\left(y+z\right)`],
  ["x / (y + z)", String.raw`\frac{x}{y+z}`],
  ["(x / y) * z", String.raw`\frac{x}{y}\,z`],
  ["x / y / z", String.raw`\frac{x}{y\,z}`],
  ["x / (y + 1) / 2 / z", String.raw`\frac{x}{\left(y+1\right)\cdot2\,z}`],
  ["x / (y / z)", String.raw`\frac{x}{\frac{y}{z}}`],
  // A dot where a thin space could be read as something else.
  ["2 * x", String.raw`2\,x`],
  ["x * 2", String.raw`x\cdot2`],
  ["2 * 3 * x", String.raw`2\cdot3\,x`],
  ["2 * (1 / 2)", String.raw`2\cdot\frac{1}{2}`],
  ["x * -1", String.raw`x\cdot-1`],
  ["beta * margin * (x + y)", String.raw`\beta\,\mathrm{margin}\cdot\left(x+y\right)`],
  ["max * (x + y)", String.raw`\mathrm{max}\cdot\left(x+y\right)`],
];

const SIGNS: Wanted = [
  ["-x * y", String.raw`-x\,y`],
  ["-(x * y)", String.raw`-x\,y`],
  ["-(x + y)", String.raw`-\left(x+y\right)`],
  ["-x / y", String.raw`\frac{-x}{y}`],
  ["-(x / y)", String.raw`-\frac{x}{y}`],
  ["x + -y", String.raw`x-y`],
  ["x + -y * z", String.raw`x-y\,z`],
  ["x + -1", String.raw`x-1`],
  ["x - -y", String.raw`x-\left(-y\right)`],
  ["x - -1", String.raw`x-\left(-1\right)`],
  ["x - -y * z", String.raw`x-\left(-y\,z\right)`],
  ["--x", String.raw`-\left(-x\right)`],
  ["x * -y", String.raw`x\,\left(-y\right)`],
  ["x < -y ? 1 : 0", String.raw`\begin{cases}1&\text{if}\;x<-y\\0&\text{otherwise}\end{cases}`],
];

const POWERS: Wanted = [
  ["square(x)", String.raw`x^{2}`],
  ["x ^ 2", String.raw`x^{2}`],
  ["pow(x, 2)", String.raw`x^{2}`],
  ["square(x - y)", String.raw`\left(x-y\right)^{2}`],
  ["square(-x)", String.raw`\left(-x\right)^{2}`],
  ["-square(x)", String.raw`-x^{2}`],
  ["square(exp(x))", String.raw`\left(e^{x}\right)^{2}`],
  ["square(abs(x))", String.raw`\left|x\right|^{2}`],
  ["square(x1)", String.raw`x_{1}^{2}`],
  ["pow(x / y, p)", String.raw`\left(\frac{x}{y}\right)^{p}`],
  ["(x ^ y) ^ z", String.raw`\left(x^{y}\right)^{z}`],
  ["x ^ y ^ z", String.raw`x^{y^{z}}`],
  [
    "(abs(x) ^ p + abs(y) ^ p) ^ (1 / p)",
    String.raw`\left(\left|x\right|^{p}+\left|y\right|^{p}\right)^{\frac{1}{p}}`,
  ],
  ["sqrt(x + y)", String.raw`\sqrt{x+y}`],
  ["exp(-x)", String.raw`e^{-x}`],
];

const FUNCTIONS: Wanted = [
  ["abs(x - y)", String.raw`\left|x-y\right|`],
  ["log(x)", String.raw`\log\left(x\right)`],
  ["log1p(x)", String.raw`\log\left(1+x\right)`],
  ["log1p(-x)", String.raw`\log\left(1-x\right)`],
  ["log1p(x - y)", String.raw`\log\left(1+x-y\right)`],
  ["softplus(x)", String.raw`\operatorname{softplus}\left(x\right)`],
  ["sigmoid(x)", String.raw`\sigma\left(x\right)`],
  ["sign(x)", String.raw`\operatorname{sign}\left(x\right)`],
  ["xlogy(x, y)", String.raw`x\,\log\left(y\right)`],
  ["xlogy(x - 1, y)", String.raw`\left(x-1\right)\,\log\left(y\right)`],
  ["hinge(x)", String.raw`\max\left(0,x\right)`],
  ["min(x, max(y, z))", String.raw`\min\left(x,\max\left(y,z\right)\right)`],
];

const BRANCHES: Wanted = [
  ["x < y ? x : y", String.raw`\begin{cases}x&\text{if}\;x<y\\y&\text{otherwise}\end{cases}`],
  [
    "x <= y ? 1 : x >= z ? 2 : x != 0 ? 3 : 4",
    String
      .raw`\begin{cases}1&\text{if}\;x\leq y\\2&\text{if}\;x\geq z\\3&\text{if}\;x\neq0\\4&\text{otherwise}\end{cases}`,
  ],
  [
    "x > y and not (x == z) or y < z ? 1 : 0",
    String
      .raw`\begin{cases}1&\text{if}\;x>y\wedge\neg\left(x=z\right)\vee y<z\\0&\text{otherwise}\end{cases}`,
  ],
  [
    "x < y and (y < z or z < x) ? 1 : 0",
    String
      .raw`\begin{cases}1&\text{if}\;x<y\wedge\left(y<z\vee z<x\right)\\0&\text{otherwise}\end{cases}`,
  ],
  [
    "1 - (x < y ? x : y)",
    String.raw`1-\begin{cases}x&\text{if}\;x<y\\y&\text{otherwise}\end{cases}`,
  ],
  [
    "2 * (x < y ? x : y)",
    String.raw`2\,\left(\begin{cases}x&\text{if}\;x<y\\y&\text{otherwise}\end{cases}\right)`,
  ],
  [
    "x < 0 ? (y < 0 ? 1 : 2) : 3",
    String
      .raw`\begin{cases}\begin{cases}1&\text{if}\;y<0\\2&\text{otherwise}\end{cases}&\text{if}\;x<0\\3&\text{otherwise}\end{cases}`,
  ],
];

const NUMBERS: Wanted = [
  ["0.5 * x", String.raw`0.5\,x`],
  ["1e-8 * x + 2.5e21", String.raw`10^{-8}\,x+2.5\cdot10^{21}`],
  ["x - -2.5e21", String.raw`x-\left(-2.5\cdot10^{21}\right)`],
  ["square(1e21)", String.raw`\left(10^{21}\right)^{2}`],
  ["square(2.5e21)", String.raw`\left(2.5\cdot10^{21}\right)^{2}`],
  ["square(-2)", String.raw`\left(-2\right)^{2}`],
  ["x ^ 1e21", String.raw`x^{10^{21}}`],
  ["pi * x", String.raw`\pi\,x`],
  ["-1e999 * x", String.raw`-\infty\,x`],
];

const SYMBOLS: Wanted = [
  ["beta + delta + eps + omega2", String.raw`\beta+\delta+\varepsilon+\omega_{2}`],
  ["beta * x", String.raw`\beta\,x`],
  ["x1 * posWeight * an12", String.raw`x_{1}\,\mathrm{posWeight}\,\mathrm{an}_{12}`],
  [
    "x_2 + pos_weight + x_ + x__1",
    String.raw`x_{2}+\mathrm{pos\_weight}+\mathrm{x\_}+\mathrm{x\_\_1}`,
  ],
  // Two symbols never look the same, and none looks like a function of the same formula.
  ["x1 - x_1", String.raw`x_{1}-\mathrm{x\_1}`],
  ["e ^ x - exp(x)", String.raw`e^{x}-\exp\left(x\right)`],
  ["sigma * (x + y)", String.raw`\sigma\,\left(x+y\right)`],
  [
    "sigma * sigmoid(x)",
    String.raw`\sigma\,\operatorname{sigmoid}\left(x\right)`,
  ],
  // Names that every JavaScript object has.
  ["toString + constructor", String.raw`\mathrm{toString}+\mathrm{constructor}`],
];

const PARTS: Readonly<Record<string, Wanted>> = {
  "sums and products": SUMS_AND_PRODUCTS,
  "signs": SIGNS,
  "powers": POWERS,
  "functions": FUNCTIONS,
  "branches": BRANCHES,
  "numbers": NUMBERS,
  "symbols": SYMBOLS,
};

describe("latex", () => {
  for (const [part, wanted] of Object.entries(PARTS)) {
    describe(part, () => {
      for (const [text, latex] of wanted) {
        it(text, () => assertEquals(new Formula(text).latex(), latex));
      }
    });
  }

  it("writes symbols as asked", () => {
    assertEquals(
      new Formula("abs(x - y) / beta").latex({ x: "\\hat y", beta: "b" }),
      String.raw`\frac{\left|\hat y-y\right|}{b}`,
    );
    const indexed = { x: "x^{(i)}", y: "y_i" };
    assertEquals(
      new Formula("square(x) - square(y)").latex(indexed),
      String.raw`\left(x^{(i)}\right)^{2}-y_i^{2}`,
    );
    assertEquals(
      new Formula("sigmoid(x) * s").latex({ s: "\\sigma" }),
      String.raw`\operatorname{sigmoid}\left(x\right)\,\sigma`,
    );
  });
});

/** Formulas with every operator in every place; none has a symbol that looks like a function. */
const formulas: fc.Arbitrary<string> = fc.letrec<{ number: string; condition: string }>((tie) => {
  const [number, condition] = [tie("number"), tie("condition")];
  const leaf = fc.constantFrom(
    ...["x", "beta", "x1", "margin", "max", "pos_weight", "pi"],
    ...["2", "0.5", "1e-8", "2.5e21", "-3", "-1e30"],
  );
  const call = (names: string[], ...args: fc.Arbitrary<string>[]) =>
    fc.tuple(fc.constantFrom(...names), fc.tuple(...args))
      .map(([name, args]) => `${name}(${args.join(", ")})`);
  const infix = (signs: string[], side: fc.Arbitrary<string>) =>
    fc.tuple(side, fc.constantFrom(...signs), side).map(([a, sign, b]) => `(${a}) ${sign} (${b})`);
  return {
    number: fc.oneof(
      { maxDepth: 5, withCrossShrink: true },
      leaf,
      infix(["+", "-", "*", "/", "^"], number),
      call(["-", "abs", "sign", "square", "sqrt", "exp", "log", "log1p"], number),
      call(["sigmoid", "softplus", "hinge"], number),
      call(["pow", "min", "max", "xlogy"], number, number),
      fc.tuple(condition, number, number).map(([c, a, b]) => `((${c}) ? (${a}) : (${b}))`),
    ),
    condition: fc.oneof(
      { maxDepth: 4, withCrossShrink: true },
      infix(["<", "<=", ">", ">=", "==", "!="], number),
      infix(["and", "or"], condition),
      call(["not "], condition),
    ),
  };
}).number;

describe("the LaTeX of any formula", () => {
  it("says what the formula says", () => {
    fc.assert(
      fc.property(formulas, (text) => {
        const graph = new Graph();
        const [formula, tex] = [parse(graph, text), new Formula(text).latex()];
        assertEquals(meaning(parse(graph, readLatex(tex))), meaning(formula), tex);
      }),
      { seed: 10, numRuns: 2000 },
    );
  });

  it("would be refused if it could be misread", () => {
    const misread: [tex: string, why: string][] = [
      ["10^{21}^{2}", "a second exponent"],
      ["x--y", "a second sign"],
      [String.raw`2\,3`, "a thin space"],
      [String.raw`\frac{x}{y}^{2}`, "a fraction with an exponent"],
      [String.raw`\begin{cases}x&\text{otherwise}\end{cases}\,y`, "a factor with an open end"],
      [String.raw`2\,\frac{1}{2}`, "a mixed number"],
      [String.raw`\mathrm{max}\,\left(x\right)`, "what looks like a call"],
      [String.raw`\left(x`, "\\right is wanted"],
    ];
    for (const [tex, why] of misread) assertThrows(() => readLatex(tex), SyntaxError, why);
  });
});
