/** How losses and formulas show themselves in a terminal and in a notebook, and how messages name what was meant. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import * as library from "@lossbook/losses";
import {
  BCEWithLogitsLoss,
  CrossEntropyLoss,
  CTCLoss,
  defineLoss,
  float32,
  HuberLoss,
  int32,
  KLDivLoss,
  NLLLoss,
  TripletMarginWithDistanceLoss,
} from "@lossbook/losses";
import { Formula } from "@lossbook/losses/formula";

const DISPLAY = Symbol.for("Jupyter.display");
/** What a notebook shows of an object. */
const shown = (object: object) =>
  (object as Record<symbol, () => Record<string, string>>)[DISPLAY]();

describe("a loss prints as the call that makes it", () => {
  const cases: [loss: object, text: string][] = [
    [new HuberLoss({ delta: 2 }), 'HuberLoss(delta=2, reduction="mean")'],
    [
      new KLDivLoss({ reduction: "batchmean" }),
      'KLDivLoss(logTarget=false, reduction="batchmean")',
    ],
    [new NLLLoss({ weight: [1, 2] }), 'NLLLoss(weight=[1, 2], ignoreIndex=-100, reduction="mean")'],
    [
      new BCEWithLogitsLoss({ posWeight: float32([1, 2]) }),
      'BCEWithLogitsLoss(reduction="mean", posWeight=a tensor of shape (2,))',
    ],
    [
      new CTCLoss({ logits: true }),
      'CTCLoss(blank=0, zeroInfinity=false, reduction="mean", logits=true)',
    ],
  ];
  for (const [loss, text] of cases) {
    it(text, async () => {
      assertEquals(String(loss), text);
      assertEquals(Deno.inspect(loss), text);
      const { inspect } = await import("node:util");
      assertEquals(inspect(loss), text);
      assertEquals(shown(loss)["text/plain"], text);
    });
  }

  it("also if somebody has defined it", () => {
    const Power = defineLoss({
      name: "PowerLoss",
      arguments: { input: "x", target: "y" },
      options: { p: 3 },
      value: "pow(abs(x - y), p)",
    });
    assertEquals(String(new Power()), 'PowerLoss(p=3, reduction="mean")');
  });
});

describe("a notebook shows LaTeX", () => {
  it("of a loss: its value and its gradients, with the options of the object", () => {
    const latex = shown(new HuberLoss({ delta: 2 }))["text/latex"];
    const { value, grad } = HuberLoss.formula;
    assert(latex.includes(`\\ell = ${new Formula(value).latex()}`), latex);
    assert(latex.includes(`\\mathrm{input}} = ${new Formula(grad.input).latex()}`), latex);
    const log = shown(new KLDivLoss({ logTarget: true }))["text/latex"];
    assert(
      log.includes(new Formula(new KLDivLoss({ logTarget: true }).formula.value).latex()),
      log,
    );
  });

  it("of a formula, and of the formulas of every class", () => {
    assertEquals(shown(new Formula("x / y"))["text/latex"], "$$\\frac{x}{y}$$");
    const classes = Object.values(library)
      .filter((member) => typeof member === "function" && "formula" in member);
    assert(classes.length >= 23, `${classes.length} classes`);
    for (const { formula } of classes as { formula: object }[]) {
      assert(shown(formula)["text/latex"].startsWith("$$"));
      // What is enumerated is what it was: the texts alone.
      assertEquals(Object.keys(formula).includes("value"), true);
    }
  });
});

describe("messages say the remedy", () => {
  const cases: [what: string, run: () => unknown, message: string][] = [
    [
      "an option in snake_case",
      () => new CrossEntropyLoss({ label_smoothing: 0.1 } as never),
      "option 'label_smoothing' is unknown: did you mean 'labelSmoothing'?",
    ],
    [
      "a misspelt option",
      () => new HuberLoss({ detla: 1 } as never),
      "did you mean 'delta'? known are",
    ],
    [
      "a misspelt request",
      () => new HuberLoss().valueAndGrad([1], [2], { grad_output: 1 } as never),
      "did you mean 'gradOutput'?",
    ],
    [
      "batchmean outside of KLDivLoss",
      () => new HuberLoss({ reduction: "batchmean" } as never),
      'use "sum" and divide by the length of the first axis',
    ],
    [
      "labels of floats",
      () => new NLLLoss().forward([[1, 2]], float32([0])),
      "use int32(…) or a plain array",
    ],
    [
      "arguments in the wrong order",
      () => new CrossEntropyLoss().forward(int32([1]), float32([[1, 2]])),
      "mind the order: scores first, labels second",
    ],
    [
      "arguments in the wrong order, the labels as a plain array",
      () => new CrossEntropyLoss().forward([1], float32([[1, 2]])),
      "use int32(…) or a plain array, and mind the order: scores first, labels second",
    ],
    [
      "one-hot labels of whole numbers",
      () => new CrossEntropyLoss().forward([[1, 2]], int32([[0, 1]])),
      "class probabilities are floats, use float32(…); or give one class index per sample",
    ],
    [
      "a distance that is a plain function",
      () => new TripletMarginWithDistanceLoss({ distanceFunction: (() => 1) as never }),
      "an object with the functions forward and valueAndGrad, such as pairwiseDistance",
    ],
  ];
  for (const [what, run, message] of cases) {
    it(what, () => {
      assertThrows(run, Error, message);
    });
  }

  it("but guess no name that is far from all others", () => {
    const { message } = assertThrows(() => new HuberLoss({ momentum: 1 } as never), TypeError);
    assert(!message.includes("did you mean"), message);
  });
});
