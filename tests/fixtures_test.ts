/** The stored fixtures, and the helpers that compare a loss with references: each must fail on a loss that is wrong. */
import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { float64, HuberLoss, type HuberLossOptions, type Tensor } from "@lossbook/losses";
import { assertClose, assertNear, problem, sameNumbers } from "./_close.ts";
import {
  type FixtureCase,
  fixtureChecks,
  type FixtureTensor,
  loadFixture,
  optionsOf,
  parseFixture,
  tensorOf,
  TOLERANCE,
} from "./_fixtures.ts";
import type { LossLike } from "./_loss.ts";
import { sum } from "./_naive.ts";
import { assertGradient, numericGradient } from "./_numeric.ts";
import { isBelowChord } from "./_property.ts";
import { Random, sizeOf } from "./_random.ts";
import { PYTORCH } from "./fixtures/version.ts";

const FILES = new Map([
  ["l1", "L1Loss"],
  ["mse", "MSELoss"],
  ["smooth_l1", "SmoothL1Loss"],
  ["huber", "HuberLoss"],
  ["cross_entropy", "CrossEntropyLoss"],
  ["nll", "NLLLoss"],
  ["kl_div", "KLDivLoss"],
  ["bce", "BCELoss"],
  ["bce_with_logits", "BCEWithLogitsLoss"],
  ["margin_ranking", "MarginRankingLoss"],
  ["hinge_embedding", "HingeEmbeddingLoss"],
  ["triplet_margin", "TripletMarginLoss"],
  ["triplet_margin_with_distance", "TripletMarginWithDistanceLoss"],
  ["cosine_embedding", "CosineEmbeddingLoss"],
  ["multi_label_margin", "MultiLabelMarginLoss"],
  ["multi_margin", "MultiMarginLoss"],
  ["soft_margin", "SoftMarginLoss"],
  ["multi_label_soft_margin", "MultiLabelSoftMarginLoss"],
  ["ctc", "CTCLoss"],
  ["poisson_nll", "PoissonNLLLoss"],
  ["gaussian_nll", "GaussianNLLLoss"],
  ["adaptive_log_softmax_with_loss", "AdaptiveLogSoftmaxWithLoss"],
  ["linear_cross_entropy", "LinearCrossEntropyLoss"],
  ["helpers", "helpers"],
]);

/** Fixtures without the option `reduction`: this loss always takes the mean, and helpers do not reduce. */
const WITHOUT_REDUCTION = ["adaptive_log_softmax_with_loss", "helpers"];

/** All tensors of a case, with their names. */
function tensorsIn(
  { args, value, grad, options, parameters = {} }: FixtureCase,
): [string, FixtureTensor][] {
  const optional = Object.entries(options).filter(([, v]) =>
    typeof v === "object" && v && "data" in v
  );
  return [
    ...Object.entries(args),
    ...Object.entries(parameters),
    ...optional as [string, FixtureTensor][],
    ["value", value] as [string, FixtureTensor],
    ...Object.entries(grad).map(([key, t]): [string, FixtureTensor] => [`grad.${key}`, t]),
  ];
}

describe("the fixtures", () => {
  it("are one file for each loss, and no other", () => {
    const files = [...Deno.readDirSync(new URL("./fixtures/", import.meta.url))];
    const names = files.map(({ name }) => name).filter((name) => name.endsWith(".json"));
    // printing.json holds tensors and their texts; tests/core/print_test.ts reads it.
    // define_loss_test.ts and your_own_loss_test.ts read the results of other packages.
    const others = ["printing", "define_loss", "your_own_loss"];
    const known = [...FILES.keys(), ...others].map((name) => `${name}.json`);
    assertEquals(names.toSorted(), known.toSorted());
  });

  for (const [name, loss] of FILES) {
    describe(`${name}.json`, () => {
      const fixture = loadFixture(name);
      const { cases } = fixture;

      it("states the loss, the version of PyTorch and the seed, but no date", () => {
        const { loss: ours, pytorch, seed, ...rest } = fixture;
        assertEquals([ours, pytorch, seed], [loss, PYTORCH, 20]);
        assertEquals(Object.keys(rest), ["cases"]);
      });

      it("has at least 40 cases, each with a name of its own, in both dtypes", () => {
        assert(cases.length >= 40, `${cases.length} cases`);
        assertEquals(new Set(cases.map((c) => c.name)).size, cases.length);
        for (const dtype of ["float32", "float64"]) {
          assert(cases.filter((c) => c.dtype === dtype).length >= 20, `few of ${dtype}`);
        }
      });

      if (!WITHOUT_REDUCTION.includes(name)) {
        it("covers every reduction", () => {
          const found = new Set(cases.map((c) => c.options.reduction));
          const batchmean = name === "kl_div" ? ["batchmean"] : [];
          assertEquals([...found].toSorted(), [...batchmean, "mean", "none", "sum"]);
        });
      }

      it("holds complete tensors whose shapes go together", () => {
        for (const fixtureCase of cases) {
          const { value, grad, gradOutput, args, parameters, options } = fixtureCase;
          const tensors = tensorsIn(fixtureCase);
          for (const [key, t] of tensors) {
            assertEquals(t.data.length, sizeOf(t.shape), `${fixtureCase.name}: ${key}`);
            assert(t.data.every((x) => typeof x === "number"), `${fixtureCase.name}: ${key}`);
          }
          const all = { ...options, ...parameters, ...args } as Record<string, FixtureTensor>;
          assert(Object.keys(grad).length > 0, `${fixtureCase.name} has no gradient`);
          for (const [key, { shape }] of Object.entries(grad)) {
            assertEquals(shape, all[key].shape, `${fixtureCase.name}: grad.${key}`);
          }
          assertEquals(value.shape, typeof gradOutput === "number" ? [] : gradOutput.shape);
          assertEquals(value.dtype, fixtureCase.dtype);
        }
      });

      it("has upstream gradients that are neither 0 nor 1", () => {
        for (const { gradOutput, name } of cases) {
          const data = typeof gradOutput === "number" ? [gradOutput] : gradOutput.data;
          assert(data.every((g) => Number.isFinite(g) && g !== 0 && g !== 1), name);
        }
      });

      it("differs from PyTorch in every case that is marked unlikePyTorch", () => {
        for (const { name, dtype, value, grad, unlikePyTorch } of cases) {
          if (!unlikePyTorch) continue;
          assert(unlikePyTorch.because.length > 20, `${name} gives no reason`);
          const theirs = Object.entries(unlikePyTorch.grad ?? {});
          // Without numbers, PyTorch returned uninitialised memory.
          if (!unlikePyTorch.value && theirs.length === 0) continue;
          const differs = unlikePyTorch.value &&
            problem(value, unlikePyTorch.value, TOLERANCE[dtype]);
          assert(
            differs || theirs.some(([key, their]) => problem(grad[key], their, TOLERANCE[dtype])),
            `${name} is marked unlikePyTorch, but PyTorch agrees`,
          );
        }
      });
    });
  }
});

describe("reading a fixture", () => {
  it("restores the numbers that JSON cannot write", () => {
    const { cases } = parseFixture('{"cases": [["NaN", "Infinity", "-Infinity", "-0", 0, 1e-45]]}');
    const wanted = [NaN, Infinity, -Infinity, -0, 0, 1e-45];
    assert(sameNumbers(cases[0] as unknown as number[], wanted));
  });

  it("does not change names", () => {
    assertEquals(parseFixture('{"loss": "NaNLoss", "cases": []}').loss, "NaNLoss");
  });

  it("makes tensors of each dtype, and of options that are tensors", () => {
    for (const dtype of ["float32", "float64", "int32"] as const) {
      const tensor = tensorOf({ dtype, shape: [2, 1], data: [1, -3] });
      assertEquals([tensor.dtype, [...tensor.shape], [...tensor.data]], [dtype, [2, 1], [1, -3]]);
    }
    const options = optionsOf({ delta: 2, weight: { dtype: "float64", shape: [], data: [3] } });
    assertEquals(options.delta, 2);
    assertEquals((options.weight as Tensor).item(), 3);
  });

  it("restores float32 numbers from their shortest digits", () => {
    const { data } = tensorOf({ dtype: "float32", shape: [2], data: [0.1, 16777216] });
    assertEquals([...data], [Math.fround(0.1), 16777216]);
  });
});

describe("assertClose", () => {
  const of = (...data: number[]) => ({ shape: [data.length], data });
  const tolerance = { rtol: 1e-3, atol: 1e-6, context: 'huber.json "a case" (seed 20):' };
  const refuses = (actual: ReturnType<typeof of>, expected: ReturnType<typeof of>) =>
    assertThrows(() => assertClose(actual, expected, tolerance)) as Error;

  it("accepts what lies within rtol of the number or atol of the largest number", () => {
    assertClose(of(1.0009, 100), of(1, 100), tolerance);
    assertClose(of(0.00009, 100), of(0, 100), tolerance);
    assertClose(of(1e-6), of(0), { ...tolerance, scale: 2 });
    assertClose(of(), of(), tolerance);
  });

  it("refuses what lies beyond", () => {
    refuses(of(1.0011), of(1));
    refuses(of(0.00011, 100), of(0, 100));
    refuses(of(1e-30), of(0));
    refuses(of(-1), of(1));
  });

  it("accepts NaN for NaN, and an infinity for the same infinity only", () => {
    assertClose(of(NaN, Infinity, -Infinity), of(NaN, Infinity, -Infinity), tolerance);
    refuses(of(NaN), of(1));
    refuses(of(1), of(NaN));
    refuses(of(Infinity), of(-Infinity));
    refuses(of(1e308), of(Infinity));
    refuses(of(Infinity), of(1e308));
    // An infinite number in the same tensor does not widen the tolerance.
    refuses(of(5, Infinity), of(1, Infinity));
  });

  it("refuses another shape, even with the same numbers", () => {
    const row = { shape: [1, 2], data: [1, 2] };
    assertStringIncludes(refuses(of(1, 2), row).message, "has shape (2), expected (1,2)");
  });

  it("reports the index, both numbers, the case and the seed", () => {
    const { message } = refuses(of(1, 7, 3), of(1, 2, 3));
    for (
      const part of [
        'huber.json "a case" (seed 20)',
        "is 7 at index 1, expected 2",
        "off by 5",
        "1 of 3",
      ]
    ) {
      assertStringIncludes(message, part);
    }
  });
});

/** A HuberLoss with an error: `spoil` changes its results or its arguments. */
function broken(
  spoil: (result: { value: Tensor; grad: Record<string, Tensor> }, args: unknown[]) => void,
) {
  return (options: HuberLossOptions = {}): LossLike => {
    const loss = new HuberLoss(options);
    const call = loss.valueAndGrad.bind(loss) as (...args: unknown[]) => {
      value: Tensor;
      grad: Record<string, Tensor>;
    };
    return {
      forward: loss.forward.bind(loss),
      valueAndGrad(...args: unknown[]) {
        const result = call(...args);
        spoil(result, args);
        return result;
      },
    };
  };
}

/** The titles of the tests against PyTorch that fail for a loss. */
function failures(build: (options: HuberLossOptions) => LossLike): string[] {
  return [...fixtureChecks("huber", build)].flatMap(([what, check]) => {
    try {
      check();
      return [];
    } catch {
      return [what.split(" in ")[0]];
    }
  });
}

describe("the tests against PyTorch", () => {
  const numbers = "gives its value and gradients";

  it("pass for HuberLoss", () => {
    assertEquals(failures((options) => new HuberLoss(options)), []);
  });

  it("find a value that is off by 1e-9 in float64 and 3e-5 in float32", () => {
    const off = broken(({ value }) => {
      for (let i = 0; i < value.data.length; i++) {
        value.data[i] *= 1 + (value.dtype === "float64" ? 1e-9 : 3e-5);
      }
    });
    assertEquals(failures(off).filter((what) => what === numbers).length, 2);
  });

  it("find a gradient with the wrong sign", () => {
    const off = broken(({ grad }) => {
      if (grad.target) grad.target.data.forEach((g, i, data) => data[i] = -g);
    });
    assertEquals(failures(off), [numbers, numbers]);
  });

  it("find a gradient that is missing, and one that was not asked for", () => {
    const missing = broken(({ grad }) => delete grad.target);
    assertEquals(failures(missing).filter((what) => what === numbers).length, 2);
    const more = broken(({ grad }) => grad.delta = grad.input);
    assertEquals(failures(more).filter((what) => what === numbers).length, 2);
  });

  it("find a result of the wrong dtype", () => {
    const wide = broken((result) => {
      result.value = float64(Float64Array.from(result.value.data), [...result.value.shape]);
    });
    assertEquals(failures(wide), [numbers]);
  });

  it("find a loss that writes into its arguments", () => {
    const writing = broken((_, [input]) => {
      const { data } = input as Tensor;
      if (data.length) data[0] = 77;
    });
    assert(
      failures(writing).includes(
        "leaves its arguments unchanged and returns the same when called again",
      ),
    );
  });

  it("find a loss whose result depends on earlier calls", () => {
    let calls = 0;
    const stateful = broken(({ grad }) => {
      if (grad.input.data.length) grad.input.data[0] += calls++;
    });
    assert(
      failures(stateful).includes(
        "leaves its arguments unchanged and returns the same when called again",
      ),
    );
  });

  it("find buffers that are ignored or not filled", () => {
    const out = "writes gradients into the buffers of out";
    const ignores = broken(({ grad }) => {
      for (const key of Object.keys(grad)) grad[key] = tensorOf(copyOf(grad[key]));
    });
    assertEquals(failures(ignores), [out]);
    const partly = broken(({ grad }, args) => {
      const { out } = args.at(-1) as { out?: Record<string, Float64Array> };
      if (out?.input) grad.input.data.fill(0);
    });
    assertEquals(failures(partly), [out]);
  });

  it("find a default upstream gradient that is not 1", () => {
    const off = broken(({ grad }, args) => {
      if (!("gradOutput" in (args.at(-1) as object))) {
        grad.input.data.forEach((g, i, data) => data[i] = 2 * g);
      }
    });
    assertEquals(failures(off), ["takes an upstream gradient of ones when none is given"]);
  });

  it("find a forward that computes something else", () => {
    const build = (options: HuberLossOptions): LossLike => {
      const loss = new HuberLoss(options);
      const other = new HuberLoss({ ...options, delta: 0.3 });
      return { forward: other.forward.bind(other), valueAndGrad: loss.valueAndGrad.bind(loss) };
    };
    assertEquals(failures(build), ["computes the same value with and without gradients"]);
  });

  it("report what a case throws, with the name of the case", () => {
    const fails = () => {
      throw new RangeError("no such loss");
    };
    for (const check of fixtureChecks("huber", fails).values()) {
      const { message } = assertThrows(check) as Error;
      assertStringIncludes(message, "(seed 20): threw RangeError: no such loss");
      assertStringIncludes(message, "more");
    }
  });

  it("fail if there is no case to check", () => {
    const none = fixtureChecks("huber", (o: HuberLossOptions) => new HuberLoss(o), {
      only: () => false,
    });
    for (const check of none.values()) assertThrows(check);
  });
});

function copyOf({ dtype, shape, data }: Tensor): FixtureTensor {
  return { dtype, shape: [...shape], data: [...data] };
}

describe("numericGradient", () => {
  it("differentiates a polynomial of degree 4 up to rounding", () => {
    const f = ([x, y]: Float64Array) => x ** 4 - 3 * x * y;
    assertClose(
      { shape: [2], data: numericGradient(f, [1.5, -2]) },
      { shape: [2], data: [4 * 1.5 ** 3 + 6, -4.5] },
      { rtol: 1e-11, atol: 0, context: "polynomial" },
    );
  });

  it("differentiates softplus to 1e-11", () => {
    const at = [-3, -0.5, 0.25, 2];
    const softplus = (x: Float64Array) => sum(x.map((v) => Math.log1p(Math.exp(v))));
    assertClose(
      { shape: [4], data: numericGradient(softplus, at) },
      { shape: [4], data: at.map((x) => 1 / (1 + Math.exp(-x))) },
      { rtol: 1e-11, atol: 1e-11, context: "softplus" },
    );
  });

  it("stays inside a domain", () => {
    const log = ([x]: Float64Array) => {
      assert(x > 0, `stepped to ${x}`);
      return Math.log(x);
    };
    const [slope] = numericGradient(log, [1e-5], { edges: [0] });
    assertNear(slope * 1e-5, 1, { atol: 1e-9 });
  });

  it("does not change its argument", () => {
    const x = Float64Array.of(0.1, 0.2);
    numericGradient(([a, b]) => a * b, x);
    assertEquals([...x], [0.1, 0.2]);
  });
});

describe("assertGradient", () => {
  const random = new Random(4);
  const args = { input: random.tensor([3, 4]), target: random.tensor([3, 4]) };
  const wrt = ["input", "target"];

  it("agrees with HuberLoss", () => {
    for (const reduction of ["none", "mean", "sum"] as const) {
      assertGradient(new HuberLoss({ delta: 0.7, reduction }), args, { wrt });
    }
  });

  it("finds a wrong sign, and a factor of 1 + 1e-7", () => {
    for (const factor of [-1, 1 + 1e-7]) {
      const off = broken(({ grad }) => {
        grad.target.data.forEach((g, i, data) => data[i] = factor * g);
      });
      const loss = off({ delta: 0.7, reduction: "none" });
      const { message } = assertThrows(() => assertGradient(loss, args, { wrt })) as Error;
      assertStringIncludes(message, "numeric gradient of target (seed 1):");
    }
  });
});

describe("assertNear", () => {
  it("accepts what lies within rtol of the expected number, plus atol", () => {
    assertNear(1 + 9e-15, 1);
    assertNear(1.009, 1, { rtol: 1e-2 });
    assertNear(1e-9, 0, { atol: 1e-8 });
    assertNear(2.019, 2, { rtol: 5e-3, atol: 1e-2 });
    for (const x of [0, 1e300, Infinity, -Infinity]) assertNear(x, x);
    assertNear(0, -0);
  });

  it("refuses what lies beyond, and reports both numbers", () => {
    const wrong: [
      actual: number,
      expected: number,
      tolerance?: { rtol?: number; atol?: number },
    ][] = [
      [1 + 3e-14, 1],
      [1e-300, 0],
      [1.011, 1, { rtol: 1e-2 }],
      // An absolute tolerance alone has no relative part.
      [1e6 + 1e-8, 1e6, { atol: 1e-9 }],
      [Infinity, -Infinity],
      [1e308, Infinity, { rtol: 1 }],
      [Infinity, 1e308, { rtol: 1 }],
      [NaN, NaN],
      [NaN, 1, { rtol: 1 }],
      [1, NaN, { rtol: 1 }],
    ];
    for (const [actual, expected, tolerance] of wrong) {
      const context = "seed 3";
      const error = assertThrows(() => assertNear(actual, expected, { ...tolerance, context }));
      assertStringIncludes((error as Error).message, `seed 3: got ${actual}, expected ${expected}`);
    }
  });
});

describe("isBelowChord", () => {
  it("is true for a convex function, and false for a concave one", () => {
    assert(isBelowChord((x) => x * x, [-1, 3, 0.25]));
    assert(isBelowChord((x) => 2 * x, [-1, 3, 0.25]));
    assert(!isBelowChord((x) => -x * x, [-1, 3, 0.25]));
  });
});

describe("Random", () => {
  it("is determined by its seed", () => {
    const draw = (seed: number) => [...new Random(seed).tensor([4]).data];
    assertEquals(draw(5), draw(5));
    assert(!sameNumbers(draw(5), draw(6)));
  });

  it("has the right ranges and moments", () => {
    const random = new Random(1);
    const list = (one: () => number) => Array.from({ length: 4000 }, one);
    const mean = (x: number[]) => sum(x) / x.length;
    const uniform = list(() => random.uniform(2, 4));
    assert(uniform.every((x) => x >= 2 && x < 4) && Math.abs(mean(uniform) - 3) < 0.05);
    const normal = list(() => random.normal());
    assert(Math.abs(mean(normal)) < 0.06 && Math.abs(mean(normal.map((x) => x * x)) - 1) < 0.1);
    assertEquals([...new Set(list(() => random.below(3)))].toSorted(), [0, 1, 2]);
    assertEquals([...new Set(list(() => random.sign()))].toSorted(), [-1, 1]);
  });

  it("draws labels of every class", () => {
    const labels = new Random(2).labels([40, 5], 3);
    assertEquals([labels.dtype, labels.shape], ["int32", [40, 5]]);
    assertEquals([...new Set(labels.data)].toSorted(), [0, 1, 2]);
  });

  it("draws probabilities that add up to 1 along the class axis", () => {
    const random = new Random(3);
    const [row, table, image] = [[4], [3, 4], [2, 4, 3]].map((shape) =>
      random.probabilities(shape)
    );
    assert([row, table, image].every(({ data }) => data.every((p) => p > 0)));
    const rows = [row.toArray() as number[], ...table.toArray() as number[][]];
    for (const p of rows) assertNear(sum(p), 1);
    for (const classes of image.toArray() as number[][][]) {
      for (const at of [0, 1, 2]) assertNear(sum(classes.map((c) => c[at])), 1);
    }
  });
});
