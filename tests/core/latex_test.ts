/** Formulas as LaTeX: the page shows what runs. */
import { assertEquals } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { Formula } from "@lossbook/losses/formula";

const WANTED: [text: string, latex: string][] = [
  ["x + y - z", String.raw`x + y - z`],
  ["x - (y - z)", String.raw`x - \left(y - z\right)`],
  ["x * y * z", String.raw`x \, y \, z`],
  ["x * (y + z)", String.raw`x \, \left(y + z\right)`],
  ["2 * x", String.raw`2 \, x`],
  ["x * 2", String.raw`x \cdot 2`],
  ["2 * 3 * x", String.raw`2 \cdot 3 \, x`],
  ["x / (y + z)", String.raw`\frac{x}{y + z}`],
  ["x / y / z", String.raw`\frac{\frac{x}{y}}{z}`],
  ["(x / y) * z", String.raw`\frac{x}{y} \, z`],
  ["-x * y", String.raw`\left(-x\right) \, y`],
  ["-(x * y)", String.raw`-x \, y`],
  ["-(x + y)", String.raw`-\left(x + y\right)`],
  ["x + -y", String.raw`x - y`],
  ["x - -y", String.raw`x - \left(-y\right)`],
  ["x * -y", String.raw`x \, \left(-y\right)`],
  ["abs(x - y)", String.raw`\left|x - y\right|`],
  ["square(x)", String.raw`x^{2}`],
  ["square(x - y)", String.raw`\left(x - y\right)^{2}`],
  ["square(-x)", String.raw`\left(-x\right)^{2}`],
  ["square(exp(x))", String.raw`\left(e^{x}\right)^{2}`],
  ["pow(x / y, p)", String.raw`\left(\frac{x}{y}\right)^{p}`],
  ["sqrt(x + y)", String.raw`\sqrt{x + y}`],
  ["exp(-x)", String.raw`e^{-x}`],
  ["log(x)", String.raw`\log\left(x\right)`],
  ["log1p(x)", String.raw`\log\left(1 + x\right)`],
  ["log1p(-x)", String.raw`\log\left(1 - x\right)`],
  ["log1p(x - y)", String.raw`\log\left(1 + x - y\right)`],
  ["softplus(x)", String.raw`\log\left(1 + e^{x}\right)`],
  ["sigmoid(x)", String.raw`\sigma\left(x\right)`],
  ["sign(x)", String.raw`\operatorname{sign}\left(x\right)`],
  ["xlogy(x, y)", String.raw`x\,\log\left(y\right)`],
  ["xlogy(x - 1, y)", String.raw`\left(x - 1\right)\,\log\left(y\right)`],
  ["hinge(x)", String.raw`\max\left(0, x\right)`],
  ["strictHinge(x)", String.raw`\max\left(0, x\right)`],
  ["min(x, max(y, z))", String.raw`\min\left(x, \max\left(y, z\right)\right)`],
  ["x < y ? x : y", String.raw`\begin{cases}x & x < y \\ y & \text{otherwise}\end{cases}`],
  [
    "x <= y ? 1 : x >= z ? 2 : x != 0 ? 3 : 4",
    String
      .raw`\begin{cases}1 & x \le y \\ 2 & x \ge z \\ 3 & x \ne 0 \\ 4 & \text{otherwise}\end{cases}`,
  ],
  [
    "x > y and not (x == z) or y < z ? 1 : 0",
    String
      .raw`\begin{cases}1 & x > y \land \lnot\left(x = z\right) \lor y < z \\ 0 & \text{otherwise}\end{cases}`,
  ],
  [
    "2 * (x < y ? x : y)",
    String.raw`2 \, \left(\begin{cases}x & x < y \\ y & \text{otherwise}\end{cases}\right)`,
  ],
  ["1e-8 * x + 2.5e21", String.raw`10^{-8} \, x + 2.5 \cdot 10^{21}`],
  ["pi * x", String.raw`\pi \, x`],
  ["beta + delta + eps", String.raw`\beta + \delta + \varepsilon`],
  ["x1 * posWeight", String.raw`x_{1} \, \mathrm{posWeight}`],
];

describe("latex", () => {
  for (const [text, latex] of WANTED) {
    it(text, () => assertEquals(new Formula(text).latex(), latex));
  }

  it("writes symbols as asked", () => {
    const formula = new Formula("abs(x - y) / beta");
    assertEquals(
      formula.latex({ x: "\\hat y", beta: "b" }),
      String.raw`\frac{\left|\hat y - y\right|}{b}`,
    );
  });
});
