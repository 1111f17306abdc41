/** What the type checker says of losses of one's own: this file is type-checked, each marked line must be an error. */
import { assertEquals } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { defineLoss, type LossFormula, type Tensor } from "@lossbook/losses";

const Focal = defineLoss({
  name: "FocalLoss",
  arguments: { input: "x", target: "y" },
  options: { gamma: 2, alpha: { default: 0.25, valid: (a) => a >= 0 && a <= 1, wanted: "0 to 1" } },
  value: "alpha * y * pow(sigmoid(-x), gamma) * softplus(-x)",
});
const Triple = defineLoss({
  name: "Triple",
  arguments: { anchor: "a", positive: "p", negative: "n" },
  rows: { near: "sum(square(a - p))", far: "sum(square(a - n))" },
  value: "hinge(near - far + 1)",
  wrt: ["anchor", "positive"],
});

/** A condition that is true of types alone. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends (<T>() => T extends B ? 1 : 2) ? true
  : false;
const same = <A, B>(yes: Same<A, B>): void => assertEquals(yes, true);
/** For code that is there to be checked, not to be run. */
const never = (_: () => unknown): void => {};

describe("options", () => {
  it("are those of the definition, with reduction and weight", () => {
    new Focal({ gamma: 1, alpha: 0.5, reduction: "sum", weight: [1, 2] });
    new Focal({ gamma: undefined });
    new Focal();
    // @ts-expect-error: there is no such option.
    never(() => new Focal({ gama: 1 }));
    // @ts-expect-error: an option is a number.
    never(() => new Focal({ gamma: "1" }));
    // @ts-expect-error: there is no such reduction.
    never(() => new Focal({ reduction: "batchmean" }));
    // @ts-expect-error: this definition has no options.
    never(() => new Triple({ gamma: 1 }));
  });
});

describe("arguments", () => {
  it("are as many as the definition has", () => {
    new Focal().forward([1], [0]);
    new Triple().forward([1], [0], [2]);
    // @ts-expect-error: one is missing.
    never(() => new Focal().forward([1]));
    // @ts-expect-error: one is too many.
    never(() => new Focal().forward([1], [0], [2]));
    // @ts-expect-error: one is missing.
    never(() => new Triple().valueAndGrad([1], [0]));
    // @ts-expect-error: one is too many, as the fourth is the request.
    never(() => new Triple().valueAndGrad([1], [0], [2], [3]));
    // @ts-expect-error: a text is no tensor.
    never(() => new Focal().forward([1], "0"));
  });
});

describe("gradients", () => {
  it("are those of the default, or those that wrt names", () => {
    const { grad } = new Focal().valueAndGrad([1], [0]);
    same<typeof grad, { readonly input: Tensor }>(true);
    const both = new Focal().valueAndGrad([1], [0], { wrt: ["input", "target"] }).grad;
    same<typeof both, { readonly input: Tensor; readonly target: Tensor }>(true);
    const pair = new Triple().valueAndGrad([1], [0], [2]).grad;
    same<typeof pair, { readonly anchor: Tensor; readonly positive: Tensor }>(true);
    const weight = new Focal({ weight: [1] }).valueAndGrad([1], [0], { wrt: ["weight"] }).grad;
    same<typeof weight, { readonly weight: Tensor }>(true);
    // @ts-expect-error: an option has no gradient.
    never(() => grad.gamma);
    // @ts-expect-error: this gradient was not asked for.
    never(() => grad.target);
    // @ts-expect-error: this is no default of the definition.
    never(() => pair.negative);
    // @ts-expect-error: an option cannot be asked for.
    never(() => new Focal().valueAndGrad([1], [0], { wrt: ["gamma"] }));
    // @ts-expect-error: a symbol is not the name of an argument.
    never(() => new Focal().valueAndGrad([1], [0], { wrt: ["x"] }));
    // @ts-expect-error: there is no such request.
    never(() => new Focal().valueAndGrad([1], [0], { gradInput: 1 }));
  });

  it("without an argument called input, any may be the first, as types know no order", () => {
    const Named = defineLoss({
      name: "Named",
      arguments: { logits: "z", labels: "y" },
      value: "softplus(z) - z * y",
    });
    const { grad } = new Named().valueAndGrad([0], [1]);
    assertEquals(grad.logits.toArray(), [-0.5]);
    assertEquals(Object.keys(grad), ["logits"]);
  });
});

describe("definitions", () => {
  it("have parts of these kinds only", () => {
    const parts = { name: "Mine", arguments: { input: "x" } } as const;
    // @ts-expect-error: a gradient of what is no argument.
    never(() => defineLoss({ ...parts, value: "x", grad: { target: "1" } }));
    // @ts-expect-error: wrt names arguments.
    never(() => defineLoss({ ...parts, value: "x", wrt: ["target"] }));
    // @ts-expect-error: an option has a number.
    never(() => defineLoss({ ...parts, value: "x", options: { gamma: "2" } }));
    // @ts-expect-error: an option with a test has a default.
    never(() => defineLoss({ ...parts, value: "x", options: { gamma: { valid: () => true } } }));
    // @ts-expect-error: a row is a text.
    never(() => defineLoss({ ...parts, value: "x", rows: { s: 1 } }));
    // @ts-expect-error: a value is wanted.
    never(() => defineLoss(parts));
    // @ts-expect-error: there is no such part.
    never(() => defineLoss({ ...parts, value: "x", formula: "x" }));
  });

  it("may be put together first", () => {
    const definition = {
      name: "Later",
      arguments: { input: "x", target: "y" },
      options: { p: 2 },
      value: "pow(abs(x - y), p)",
      wrt: ["input", "target"],
    } as const;
    const Later = defineLoss(definition);
    const { grad } = new Later({ p: 3 }).valueAndGrad([2], [1]);
    assertEquals([grad.input.item(), grad.target.item()], [3, -3]);
  });

  it("of which only the outline is known make losses of any arguments and options", () => {
    const names: Record<string, string> = { input: "x", target: "y" };
    const options: Record<string, number> = { p: 2 };
    const Any = defineLoss({ name: "Any", arguments: names, options, value: "pow(abs(x - y), p)" });
    const { value, grad } = new Any({ p: 1, reduction: "sum" }).valueAndGrad([1, 2], [5, 5]);
    assertEquals([value.item(), grad.input.toArray()], [7, [-1, -1]]);
  });

  it("have formulas for whoever wants to read them", () => {
    const formula: LossFormula = Focal.formula;
    assertEquals(formula.value, new Focal().formula.value);
    same<typeof Triple.formula.rows, Readonly<Record<string, string>> | undefined>(true);
  });

  it("may have long formulas and many rows", () => {
    const numbers = Array.from({ length: 500 }, (_, i) => i % 7);
    const terms = numbers.map((n) => `${n} * square(x - ${n})`).join(" + ");
    const Long = defineLoss({ name: "Long", arguments: { input: "x" }, value: terms });
    const wanted = numbers.reduce((total, n) => total + n * (2 - n) ** 2, 0);
    assertEquals(new Long().forward([2]).item(), wanted);
    const rows: Record<string, string> = { r0: "sum(x)" };
    for (let i = 1; i <= 100; i++) rows[`r${i}`] = `r${i - 1} + 1`;
    const Many = defineLoss({ name: "Many", arguments: { input: "x" }, rows, value: "r100" });
    assertEquals(new Many().forward([1, 2]).item(), 3 + 100);
    const sums: Record<string, string> = { s0: "sum(x)" };
    for (let i = 1; i <= 30; i++) sums[`s${i}`] = `mean(x + s${i - 1})`;
    const Deep = defineLoss({ name: "Deep", arguments: { input: "x" }, rows: sums, value: "s30" });
    const { value, grad } = new Deep().valueAndGrad([1, 2]);
    assertEquals(value.item(), 3 + 30 * 1.5);
    assertEquals(grad.input.toArray(), [1 + 30 / 2, 1 + 30 / 2]);
  });
});
