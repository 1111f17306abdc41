/** Which maxima a loss of rows does not depend on, and that its gradients are those of PyTorch all the same. */
import { assert, assertEquals } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { checkGradient, defineLoss, float64 } from "@lossbook/losses";
import { readRowFormula } from "../../losses/_core/define/row_formula.ts";
import { withoutVanishing } from "../../losses/_core/define/vanishing.ts";
import { Random } from "./_helpers.ts";

const xy = { input: "x", target: "y" } as const;
interface Definition {
  readonly rows: Record<string, string>;
  readonly value: string;
}

/** The extremes of a definition that nothing flows through. */
function vanishing({ rows, value }: Definition): string[] {
  const definition = {
    name: "Loss",
    arguments: [{ name: "input", symbol: "x" }, { name: "target", symbol: "y" }],
    options: { t: { default: 1, valid: () => true, wanted: "a number" } },
    rows,
    value,
    grad: new Map(),
    wrt: ["input"],
  };
  const { reductions } = withoutVanishing(readRowFormula(definition), definition);
  return reductions.filter(({ kind, derivatives }) =>
    /max|min/.test(kind) && derivatives.size === 0
  )
    .map(({ name }) => name);
}

const m = "max(x)";
const s = "sum(exp(x - m))";
const STABLE: [what: string, definition: Definition][] = [
  ["log of a sum of exponentials", { rows: { m, s }, value: "log(s) + m" }],
  ["of a mean", { rows: { m, s: "mean(exp((x - m) / t))" }, value: "t * log(s) + m" }],
  ["with a minimum", { rows: { m: "min(x)", s: "sum(exp(m - x))" }, value: "m - log(s)" }],
  ["at a temperature", { rows: { m, s: "sum(exp((x - m) / t))" }, value: "log(s) + m / t" }],
  ["of twice the exponentials", { rows: { m, s: "sum(2 * exp(x - m))" }, value: "log(s) + m" }],
  ["cross entropy of rows", {
    rows: { m, s, all: "sum(y)", inner: "sum(y * (x - m))" },
    value: "all * log(s) - inner",
  }],
  ["cross entropy of elements", {
    rows: { m, s, c: "sum(y * (log(s) + m - x))" },
    value: "c",
  }],
  ["a maximum of some elements", {
    rows: {
      own: "sum(y > 0 ? x : 0)",
      m: "max(y < 0 ? own : x)",
      s: "sum(y < 0 ? 0 : exp((x - m) / t))",
    },
    value: "log(s) - (own - m) / t",
  }],
];
const OTHERS: [what: string, definition: Definition][] = [
  ["a maximum alone", { rows: { m }, value: "m" }],
  ["a sum that is not shifted back", { rows: { m, s }, value: "log(s)" }],
  ["nearly the same", { rows: { m, s }, value: "log(s) + m * 1.000001" }],
  ["the largest probability", {
    rows: { m, s, top: "max(exp(x - m) / s)" },
    value: "top * log(s) + m",
  }],
  ["in one of two pieces", { rows: { m, s }, value: "s > 1.5 ? log(s) + m : 0" }],
  ["for positive maxima only", { rows: { m, s }, value: "log(s) + sqrt(square(m))" }],
  ["for positive maxima, by a logarithm", {
    rows: { m, s },
    value: "log(s) + exp(log(square(m)) / 2)",
  }],
  ["for maxima above 50 only", {
    rows: { m, s },
    value: "log(s) + exp(log(square(m - 50)) / 2)",
  }],
  ["in a product", { rows: { m, s }, value: "(log(s) + m) * m" }],
];

describe("a maximum that keeps exponentials in range", () => {
  for (const [what, definition] of STABLE) {
    it(`is found: ${what}`, () => assertEquals(vanishing(definition), ["m"]));
  }
  for (const [what, definition] of OTHERS) {
    it(`is not: ${what}`, () => assertEquals(vanishing(definition), []));
  }

  for (const [what, { rows, value }] of [...STABLE, ...OTHERS]) {
    it(`gradients beside differences: ${what}`, () => {
      const random = new Random(7);
      const Class = defineLoss({
        name: "Loss",
        arguments: xy,
        options: { t: 1 },
        rows,
        value,
      });
      const args = [random.tensor([4, 6]), random.tensor([4, 6], () => random.uniform(0.1, 2))];
      const loss = new Class({ t: 0.7, reduction: "none" });
      const report = checkGradient(loss, args, { wrt: ["input", "target"], tolerance: 1e-9 });
      report.assert();
      assert(report.points >= 40, `${report.points}`);
    });
  }

  it("leaves the gradient without a rest where scores are equal", () => {
    const Class = defineLoss({
      name: "Loss",
      arguments: { input: "x" },
      rows: { m, s },
      value: "log(s) + m",
    });
    const { grad } = new Class().valueAndGrad(float64([[5, 5, 5, 5], [1, 1, 1, -Infinity]]));
    assertEquals(grad.input.toArray(), [[1 / 8, 1 / 8, 1 / 8, 1 / 8], [1 / 6, 1 / 6, 1 / 6, 0]]);
  });

  it("still lets NaN reach all elements of its row", () => {
    const Class = defineLoss({
      name: "Loss",
      arguments: { input: "x" },
      rows: { m, s },
      value: "log(s) + m",
    });
    const { value, grad } = new Class({ reduction: "none" }).valueAndGrad([[1, NaN], [2, 2]]);
    assertEquals([...value.data], [NaN, Math.log(2) + 2]);
    assertEquals(grad.input.toArray(), [[NaN, NaN], [0.5, 0.5]]);
  });
});
