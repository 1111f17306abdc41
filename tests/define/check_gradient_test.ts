/** checkGradient: gradients beside five-point differences of the value, and what it says of kinks. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import {
  BCELoss,
  checkGradient,
  CosineEmbeddingLoss,
  CrossEntropyLoss,
  CTCLoss,
  defineLoss,
  type DifferentiableLoss,
  float32,
  type GradientPoint,
  HingeEmbeddingLoss,
  HuberLoss,
  L1Loss,
  MSELoss,
  Tensor,
  TripletMarginLoss,
} from "@lossbook/losses";
import { Random } from "./_helpers.ts";

/** A function of one argument as a loss that keeps every value. */
function lossOf(f: (x: number) => number, derivative: (x: number) => number): DifferentiableLoss {
  const forward = (input: Tensor | number[]) => {
    const { data, shape } = input instanceof Tensor
      ? input
      : new Tensor(Float64Array.from(input), [input.length]);
    return new Tensor(Float64Array.from(data, f), shape);
  };
  const valueAndGrad = (input: Tensor | number[], { gradOutput }: { gradOutput: Tensor }) => {
    const { data, shape } = input instanceof Tensor
      ? input
      : new Tensor(Float64Array.from(input), [input.length]);
    const grad = Float64Array.from(data, (x, i) => derivative(x) * gradOutput.data[i]);
    return { value: forward(input), grad: { input: new Tensor(grad, shape) } };
  };
  return { forward, valueAndGrad } as unknown as DifferentiableLoss;
}
const names = ["input"];

describe("checkGradient of a right gradient", () => {
  const random = new Random(3);
  const scores = random.tensor([4, 5]);
  const vectors = () => random.tensor([4, 5]);

  const right: [name: string, loss: DifferentiableLoss, args: unknown[], wrt?: string[]][] = [
    ["HuberLoss", new HuberLoss(), [vectors(), vectors()], ["input", "target"]],
    ["a weight", new HuberLoss({ weight: vectors() }), [vectors(), vectors()]],
    ["CrossEntropyLoss, whole-number labels", new CrossEntropyLoss(), [scores, [0, 4, 2, 1]]],
    ["BCELoss, near both ends of its domain", new BCELoss(), [[1e-4, 0.5, 1 - 1e-4], [1, 0.3, 0]]],
    ["TripletMarginLoss", new TripletMarginLoss(), [vectors(), vectors(), vectors()], [
      "anchor",
      "positive",
      "negative",
    ]],
    ["CosineEmbeddingLoss", new CosineEmbeddingLoss(), [vectors(), vectors(), [1, -1, 1, -1]], [
      "input1",
      "input2",
    ]],
    ["CTCLoss of raw scores", new CTCLoss({ logits: true }), [random.tensor([4, 1, 5]), [[1, 2]], [
      4,
    ], [2]]],
  ];
  for (const [name, loss, args, wrt] of right) {
    it(name, () => {
      const report = checkGradient(loss, args as Tensor[], { ...wrt && { wrt } });
      assertEquals([report.isRight, report.kinks], [true, []]);
      assert(report.largestError <= 1e-9, `${report.largestError}`);
      report.assert();
    });
  }

  it("counts every element, and names the place where the error is largest", () => {
    const { points, worst } = checkGradient(new MSELoss({ reduction: "none" }), [
      vectors(),
      vectors(),
    ], {
      wrt: ["input", "target"],
    });
    assertEquals(points, 2 * 20);
    assertEquals(worst!.index.length, 2);
    assert(["input", "target"].includes(worst!.argument));
  });

  it("takes float32 arguments as the numbers that they are, and computes in float64", () => {
    const args = [float32([0.1, -3, 2]), float32([0, 0.7, 2.5])];
    const { isRight, largestError } = checkGradient(new HuberLoss(), args, { tolerance: 1e-10 });
    assert(isRight && largestError < 1e-10);
  });

  it("follows steep, flat, huge and tiny functions", () => {
    const functions: [f: (x: number) => number, derivative: (x: number) => number][] = [
      [Math.exp, Math.exp],
      [(x) => Math.exp(-x), (x) => -Math.exp(-x)],
      [(x) => 1e8 * x * x, (x) => 2e8 * x],
      [(x) => 1e-8 * x * x, (x) => 2e-8 * x],
      [(x) => x ** 7, (x) => 7 * x ** 6],
      [(x) => Math.sin(40 * x), (x) => 40 * Math.cos(40 * x)],
      [() => 3, () => 0],
      // The value has three digits more than rounding leaves to its differences.
      [(x) => 1e6 + 1e-3 * x, () => 1e-3],
    ];
    for (const [f, derivative] of functions) {
      const loss = lossOf(f, derivative);
      checkGradient(loss, [[-20, -2, -0.3, 0, 1e-5, 0.4, 1, 5, 20]], { names, assert: true });
    }
  });
});

describe("checkGradient of a wrong gradient", () => {
  const x = [0.3, -1, 2, 1];
  const wrong: [what: string, f: (x: number) => number, derivative: (x: number) => number][] = [
    ["a sign", Math.sin, (x) => -Math.cos(x)],
    ["a factor of 1 + 1e-6", Math.exp, (x) => Math.exp(x) * (1 + 1e-6)],
    ["an offset of 1e-6", (x) => x * x, (x) => 2 * x + 1e-6],
    ["one element of four", (x) => x * x, (x) => x === 2 ? 3 : 2 * x],
    ["at a point of inflection", (x) => (x - 1) ** 3, (x) => x === 1 ? 0.01 : 3 * (x - 1) ** 2],
    ["NaN", (x) => x * x, () => NaN],
    ["infinite", (x) => x * x, () => Infinity],
    ["0 everywhere", (x) => 1e-6 * x * x, () => 0],
    ["of a flat function", () => 3, () => 1e-9],
  ];
  for (const [what, f, derivative] of wrong) {
    it(what, () => {
      const { isRight, largestError, kinks } = checkGradient(lossOf(f, derivative), [x], { names });
      assertEquals([isRight, largestError > 1e-7, kinks], [false, true, []]);
    });
  }

  it("says where, and both numbers", () => {
    const loss = lossOf((x) => x * x, (x) => x === 2 ? 3 : 2 * x);
    const report = checkGradient(loss, [[[0.3, -1], [2, 1]].flat()], { names, seed: 2 });
    assertEquals(report.worst!.argument, "input");
    assertEquals(report.worst!.index, [2]);
    const { gradient, difference } = report.worst!;
    assert(Math.abs(gradient / difference - 3 / 4) < 1e-9);
    assertThrows(
      () => report.assert(),
      RangeError,
      `Cannot confirm the gradient with respect to input at [2]: it is ${gradient}, differences give ${difference}`,
    );
  });

  it("throws at once if assert is set", () => {
    const loss = lossOf(Math.sin, Math.sin);
    assertThrows(
      () => checkGradient(loss, [x], { names, assert: true }),
      RangeError,
      "Cannot confirm",
    );
  });

  it("finds an upstream gradient that a scalar forgets", () => {
    const mean = new MSELoss();
    const forgets = {
      argumentNames: ["input", "target"],
      forward: mean.forward.bind(mean),
      valueAndGrad: (input: Tensor, target: Tensor) => mean.valueAndGrad(input, target),
    };
    assertEquals(checkGradient(forgets, [[1, 2], [3, 5]]).isRight, false);
  });

  it("refuses a gradient of another shape", () => {
    const sum = new MSELoss({ reduction: "sum" });
    const flat = {
      argumentNames: ["input", "target"],
      forward: sum.forward.bind(sum),
      valueAndGrad: (input: Tensor, target: Tensor, request: object) => {
        const { value, grad } = sum.valueAndGrad(input, target, request);
        return { value, grad: { input: new Tensor(grad.input.data, [4]) } };
      },
    };
    assertThrows(
      () => checkGradient(flat, [[[1, 2], [3, 4]], [[0, 0], [0, 0]]]),
      RangeError,
      "Cannot confirm the gradient with respect to input as it has the shape (4,), and the argument (2, 2)",
    );
  });

  it("allows more if the tolerance says so", () => {
    const loss = lossOf(Math.exp, (x) => Math.exp(x) * (1 + 1e-5));
    assertEquals(checkGradient(loss, [x], { names, tolerance: 1e-4 }).isRight, true);
    assertEquals(checkGradient(loss, [x], { names, tolerance: 1e-6 }).isRight, false);
  });
});

describe("checkGradient at a kink", () => {
  it("does not judge the point itself, whatever the gradient is there", () => {
    for (const atKink of [-1, 0, 0.5, 1, 7]) {
      const loss = lossOf(Math.abs, (x) => x === 0 ? atKink : Math.sign(x));
      const { isRight, kinks, points } = checkGradient(loss, [[-1, 0, 2]], { names });
      assertEquals([isRight, points, kinks.map(({ index }) => index)], [true, 2, [[1]]]);
    }
  });

  it("judges points beside it, however near", () => {
    const right = lossOf(Math.abs, Math.sign);
    assertEquals(checkGradient(right, [[1e-3, -2e-4, 1e-5]], { names }).points, 3);
    const wrong = lossOf(Math.abs, (x) => -Math.sign(x));
    assertEquals(checkGradient(wrong, [[1e-3]], { names }).isRight, false);
    assertEquals(checkGradient(wrong, [[-2e-4]], { names }).isRight, false);
  });

  it("knows a jump, and the end of a domain", () => {
    const step = lossOf((x) => x < 0 ? 0 : 1, () => 0);
    assertEquals(checkGradient(step, [[-1, 0, 1]], { names }).kinks.map(({ index }) => index), [[
      1,
    ]]);
    const root = lossOf(Math.sqrt, (x) => 0.5 / Math.sqrt(x));
    assertEquals(checkGradient(root, [[0, 1e-4, 4]], { names }).kinks.map(({ index }) => index), [[
      0,
    ]]);
    // BCELoss refuses numbers outside of [0, 1].
    const report = checkGradient(new BCELoss(), [[0, 0.5, 1], [0, 0.3, 1]]);
    assertEquals([report.isRight, report.points], [true, 1]);
  });

  it("knows the kinks of losses", () => {
    const places = ({ kinks }: ReturnType<typeof checkGradient>) => kinks.map(({ index }) => index);
    assertEquals(places(checkGradient(new L1Loss(), [[1, 2, 3], [1, 0, 3]])), [[0], [2]]);
    const hinge = new HingeEmbeddingLoss({ margin: 1 });
    assertEquals(places(checkGradient(hinge, [[1, 0.5, 1], [-1, -1, 1]])), [[0]]);
    const Max = defineLoss({
      name: "Max",
      arguments: { input: "x" },
      rows: { m: "max(x)" },
      value: "m",
    });
    assertEquals(places(checkGradient(new Max(), [[[1, 3, 3], [2, 1, 0]]])), [[0, 1], [0, 2]]);
    // |e| = delta is no kink of HuberLoss.
    assertEquals(places(checkGradient(new HuberLoss(), [[1, -1], [0, 0]])), []);
  });
});

describe("checkGradient where the value is not finite", () => {
  const none = { reduction: "none" } as const;
  const places = (points: readonly GradientPoint[]) => points.map(({ index }) => index);
  const Log = defineLoss({ name: "Log", arguments: { input: "x" }, value: "log(x)" });

  it("says which points it leaves without an answer, and compares the others", () => {
    const report = checkGradient(new MSELoss(none), [[1, NaN, 3, Infinity], [2, 3, 4, 5]]);
    assertEquals([report.isRight, report.points, report.largestError <= 1e-9], [false, 2, true]);
    assertEquals(places(report.notFinite), [[1], [3]]);
    assertEquals(report.notFinite[0], {
      argument: "input",
      index: [1],
      gradient: NaN,
      difference: NaN,
    });
    // The gradient of L1Loss at NaN is 0.
    assertEquals(places(checkGradient(new L1Loss(none), [[1, NaN], [2, 3]]).notFinite), [[1]]);
    assertEquals(places(checkGradient(new Log(none), [[0, 2, -1]]).notFinite), [[0], [2]]);
  });

  it("finds a wrong gradient beside them", () => {
    const loss = lossOf((x) => x === 0 ? NaN : x * x, (x) => x === 0 ? NaN : x);
    const { isRight, worst, notFinite } = checkGradient(loss, [[0, 3]], { names });
    assertEquals([isRight, worst!.index, places(notFinite)], [false, [1], [[0]]]);
  });

  it("leaves all points without an answer if one value stands for them all", () => {
    for (const options of [{}, { reduction: "sum" } as const]) {
      const report = checkGradient(new MSELoss(options), [[1, NaN], [2, 3]]);
      assertEquals([report.isRight, report.points, report.worst], [false, 0, undefined]);
      assertEquals(places(report.notFinite), [[0], [1]]);
    }
    const all = checkGradient(new MSELoss(none), [[NaN], [2]], { wrt: ["input", "target"] });
    assertEquals(all.notFinite.map(({ argument }) => argument), ["input", "target"]);
    const huge = new MSELoss({ reduction: "none", weight: [1e308, 1e308, 1e308] });
    assertEquals(checkGradient(huge, [[1, 1, 1], [0, 0, 0]]).points, 0);
  });

  it("throws on assert only, and says where", () => {
    const cases: [loss: DifferentiableLoss, args: number[][], message: string][] = [
      [
        new MSELoss(none),
        [[1, NaN], [2, 3]],
        "Cannot confirm the gradient with respect to input at [1] as the value is NaN or infinite there: current gradient is NaN",
      ],
      [
        new Log(),
        [[2, 0]],
        'Cannot confirm the gradient with respect to input at [1] as the value is -Infinity: current gradient is Infinity, and reduction "none" shows which elements make the value so',
      ],
    ];
    for (const [loss, args, message] of cases) {
      assertThrows(() => checkGradient(loss, args).assert(), RangeError, message);
      assertThrows(() => checkGradient(loss, args, { assert: true }), RangeError, message);
    }
  });

  it("takes no kink for the reason of a gradient that is NaN", () => {
    const Norm = defineLoss({
      name: "Norm",
      arguments: { input: "x" },
      rows: { s: "sum(square(x))" },
      value: "sqrt(s)",
    });
    const { isRight, worst } = checkGradient(new Norm(), [[0, 0]]);
    assertEquals([isRight, worst!.gradient], [false, NaN]);
  });
});

describe("checkGradient asks for", () => {
  it("the arguments that wrt names, by default those of the loss", () => {
    const args = [[1, 2], [3, 5]];
    assertEquals(checkGradient(new MSELoss(), args).points, 2);
    assertEquals(checkGradient(new MSELoss(), args, { wrt: ["input", "target"] }).points, 4);
    assertEquals(checkGradient(new MSELoss(), args, { wrt: ["target"] }).worst!.argument, "target");
    const { points, worst, isRight } = checkGradient(new MSELoss(), args, { wrt: [] });
    assertEquals([points, worst, isRight], [0, undefined, true]);
  });

  it("the names of the arguments where the loss does not say them", () => {
    const loss = lossOf(Math.exp, Math.exp);
    assertThrows(
      () => checkGradient(loss, [[1]]),
      TypeError,
      "Cannot check gradients as the names of the arguments are not known: give them as names, in the order of the call",
    );
    assertThrows(
      () => checkGradient(loss, [[1]], { names: ["output"] }),
      TypeError,
      "Cannot check the gradient of input as it is none of the arguments output",
    );
  });

  it("a step and a tolerance > 0", () => {
    for (
      const [option, value, shown] of [["step", 0, "0"], ["tolerance", -1, "-1"], [
        "step",
        "1",
        '"1"',
      ]]
    ) {
      assertThrows(
        () => checkGradient(new MSELoss(), [[1], [2]], { [option]: value }),
        RangeError,
        `Cannot check gradients as ${option} must be > 0: current value is ${shown}`,
      );
    }
  });

  it("a loss, one array of arguments, and options that it knows", () => {
    const loss = new MSELoss();
    const wrong: [given: unknown[], message: string][] = [
      [
        [MSELoss, [[1], [2]]],
        "Cannot check gradients as loss must be an object with forward and valueAndGrad such as new MSELoss(): current value is a function",
      ],
      [[undefined, [[1], [2]]], "current value is undefined"],
      [
        [loss],
        "Cannot check gradients as args must be an array of all arguments such as [input, target]: current value is undefined",
      ],
      [
        [loss, [1, 2], [2, 3]],
        "Cannot check gradients as options must be an object after one array of all arguments such as [input, target]: current value is [2, 3]",
      ],
      [
        [loss, [[1], [2]], { tolerence: 1 }],
        "Cannot check gradients as option 'tolerence' is unknown: did you mean 'tolerance'? known are wrt, names, tolerance, step, seed, assert",
      ],
    ];
    for (const [given, message] of wrong) {
      assertThrows(() => checkGradient(...given as [never, never]), TypeError, message);
    }
  });

  it("errors that are not the domain's to be thrown", () => {
    const loss = lossOf((x) => {
      if (x > 1) throw new TypeError("broken");
      return x;
    }, () => 1);
    assertThrows(() => checkGradient(loss, [[1]], { names }), TypeError, "broken");
  });

  it("the same random upstream gradient for the same seed, and leaves arguments alone", () => {
    const input = new Random(1).tensor([3]);
    const before = input.data.slice();
    const gradient = (seed?: number) =>
      checkGradient(lossOf(Math.exp, () => 0), [input], { names, seed }).worst!.difference;
    assertEquals(gradient(5), gradient(5));
    assert(gradient(5) !== gradient(6));
    assertEquals(gradient(), gradient(1));
    assertEquals(input.data, before);
  });
});
