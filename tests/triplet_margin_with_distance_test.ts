/** TripletMarginWithDistanceLoss: max(margin + d(anchor, positive) - d(anchor, negative), 0) for any d with a gradient. */
import { assert, assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import fc from "fast-check";
import {
  cosineSimilarity,
  type DistanceFunction,
  float32,
  float64,
  int32,
  MSELoss,
  pairwiseDistance,
  type Tensor,
  TripletMarginLoss,
  TripletMarginWithDistanceLoss,
  type TripletMarginWithDistanceLossOptions,
} from "@lossbook/losses";
import { testCases } from "./_cases.ts";
import { assertClose } from "./_close.ts";
import { type ErrorClass, testContract } from "./_contract.ts";
import { testFixtures } from "./_fixtures.ts";
import { testFormula } from "./_formula.ts";
import type { Subject } from "./_loss.ts";
import { dot, sum } from "./_naive.ts";
import { assertGradient } from "./_numeric.ts";
import { doubles, holds, vectors } from "./_property.ts";
import { Random, sizeOf } from "./_random.ts";
import { testReductions } from "./_reductions.ts";
import { cases, cosine, squared } from "./reference/cases/triplet_margin_with_distance.ts";

type Options = TripletMarginWithDistanceLossOptions;
const triplet = (options?: Options) => new TripletMarginWithDistanceLoss(options);
const none = (options: Options = {}) => triplet({ ...options, reduction: "none" });

const NAMES = ["anchor", "positive", "negative"] as const;

/** Random triplets of vectors. */
const draw = (random: Random, shape: number[]) => random.tensors(NAMES, shape);
const drawn = (seed: number, shape = [5, 4]) => draw(new Random(seed), shape);

const subject = (distanceFunction?: DistanceFunction): Subject => ({
  loss: "TripletMarginWithDistanceLoss",
  // No hinge is 0, so that no gradient is.
  build: (options) => triplet({ distanceFunction, margin: 50, ...options }),
  draw,
  wrt: NAMES,
});

/** The distance |x - y| of each pair of elements. */
const absolute: DistanceFunction = {
  forward: (x1, x2) =>
    float64(Array.from(x1.data, (x, i) => Math.abs(x - x2.data[i])), [...x1.shape]),
  valueAndGrad(x1, x2, { gradOutput: { data } }) {
    const slope = Array.from(x1.data, (x, i) => data[i] * Math.sign(x - x2.data[i]));
    const like = (numbers: number[]) => float64(numbers, [...x1.shape]);
    return { grad: { x1: like(slope), x2: like(slope.map((s) => -s)) } };
  },
};

/** One distance for the whole batch: the mean squared difference. */
const overall: DistanceFunction = {
  forward: (x1, x2) => new MSELoss().forward(x1, x2),
  valueAndGrad(x1, x2, { gradOutput }) {
    const { grad } = new MSELoss().valueAndGrad(x1, x2, { gradOutput, wrt: ["input", "target"] });
    return { grad: { x1: grad.input, x2: grad.target } };
  },
};

testCases(cases, triplet);

describe("TripletMarginWithDistanceLoss computed by hand", () => {
  const at = (options: Options, ...args: Parameters<TripletMarginWithDistanceLoss["forward"]>) => {
    const { value, grad } = none({ distanceFunction: absolute, ...options }).valueAndGrad(...args);
    const { anchor, positive, negative } = grad;
    return [value, anchor, positive, negative].map((tensor) => tensor.toArray());
  };

  it("is the hinge of the two distances, with their gradients", () => {
    assertEquals(at({}, [0], [3], [-1]), [[1 + 3 - 1], [-1 - 1], [1], [1]]);
    assertEquals(at({ margin: 0.5 }, [0], [3], [-1]), [[0.5 + 3 - 1], [-2], [1], [1]]);
    assertEquals(at({}, [0], [1], [-3]), [[0], [0], [0], [0]]);
  });

  it("has gradient 0 where the hinge is exactly 0, that of the distances just above", () => {
    assertEquals(at({}, [0], [1], [-2]), [[0], [0], [0], [0]]);
    assertEquals(at({}, [0], [1], [-2 + 2 ** -52]), [[2 ** -52], [-1 - 1], [1], [1]]);
  });

  it("takes the smaller of both distances with swap, and half of each gradient if they are equal", () => {
    assertEquals(at({ swap: true }, [0], [4], [3]), [[1 + 4 - 1], [-1], [1 - 1], [1]]);
    assertEquals(at({ swap: true }, [0], [4], [1]), [[1 + 4 - 1], [-1 + 1], [1], [-1]]);
    assertEquals(at({ swap: true }, [0], [4], [2]), [
      [1 + 4 - 2],
      [-1 + 1 / 2],
      [1 - 1 / 2],
      [-1 / 2 + 1 / 2],
    ]);
  });

  it("has pairwiseDistance, margin = 1, no swap and the mean by default", () => {
    const { anchor, positive, negative } = drawn(1);
    const spelled = {
      distanceFunction: pairwiseDistance,
      margin: 1,
      swap: false,
      reduction: "mean",
    } as const;
    assertEquals(
      triplet().valueAndGrad(anchor, positive, negative),
      triplet(spelled).valueAndGrad(anchor, positive, negative),
    );
  });
});

describe("TripletMarginWithDistanceLoss against plain loops", () => {
  const measures: [string, DistanceFunction, (x: number[], y: number[]) => number][] = [
    ["squared", squared, (x, y) => sum(x.map((v, i) => (v - y[i]) ** 2))],
    ["pairwise", pairwiseDistance, (x, y) => Math.hypot(...x.map((v, i) => v - y[i] + 1e-6))],
    ["cosine", cosine, (x, y) => 1 - dot(x, y) / Math.sqrt(dot(x, x) * dot(y, y))],
  ];
  for (const [name, distanceFunction, d] of measures) {
    for (const swap of [false, true]) {
      it(`${name}${swap ? ", swap" : ""}`, () => {
        const args = drawn(7, [20, 3]);
        const [a, p, n] = Object.values(args).map((tensor) => tensor.toArray() as number[][]);
        const data = a.map((row, i) => {
          const an = swap ? Math.min(d(row, n[i]), d(p[i], n[i])) : d(row, n[i]);
          return Math.max(0, 0.5 + d(row, p[i]) - an);
        });
        assert(
          data.some((v) => v === 0) && data.some((v) => v > 0),
          "seed 7 must give values of 0 and above",
        );
        const found = none({ distanceFunction, swap, margin: 0.5 })
          .forward(args.anchor, args.positive, args.negative);
        assertClose(found, { shape: [20], data }, { rtol: 1e-13, atol: 1e-14, context: "seed 7" });
      });
    }
  }
});

/** The distances that the fixtures were made with. */
const DISTANCES: Record<string, DistanceFunction> = {
  squared,
  cosine,
  "pairwise p=2": pairwiseDistance,
};

testFixtures(
  "triplet_margin_with_distance",
  ({ distance, ...options }: Options & { distance?: string }) =>
    triplet({
      ...options,
      distanceFunction: distance === undefined ? undefined : DISTANCES[distance],
    }),
);

describe("TripletMarginWithDistanceLoss against finite differences", () => {
  for (const [name, distanceFunction] of Object.entries({ squared, cosine, absolute, overall })) {
    for (const swap of [false, true]) {
      for (const reduction of ["none", "mean", "sum"] as const) {
        it(`agrees for ${name}, ${reduction}${swap ? ", swap" : ""}`, () => {
          const loss = triplet({ distanceFunction, swap, reduction, margin: 2 });
          assertGradient(loss, drawn(3), { wrt: NAMES, scale: 0.01, tolerance: 1e-8 });
        });
      }
    }
  }
});

testFormula(
  "TripletMarginWithDistanceLoss",
  TripletMarginWithDistanceLoss.formula,
  { ap: "ap", an: "an", pn: "pn" },
  { ap: [0, 3], an: [0, 3], pn: [0, 3], margin: [0.1, 2] },
);

describe("TripletMarginWithDistanceLoss and its distance function", () => {
  const { anchor, positive, negative } = drawn(4);

  /** A distance function that records its calls. */
  function spy(): { calls: string[]; distance: DistanceFunction } {
    const names = new Map([[anchor, "a"], [positive, "p"], [negative, "n"]]);
    const calls: string[] = [];
    return {
      calls,
      distance: {
        forward(x1, x2) {
          calls.push(`${names.get(x1)}${names.get(x2)}`);
          return squared.forward(x1, x2);
        },
        valueAndGrad(x1, x2, request) {
          calls.push(`grad ${names.get(x1)}${names.get(x2)} ${request.wrt}`);
          return squared.valueAndGrad(x1, x2, request);
        },
      },
    };
  }

  it("does not ask it for gradients that are not needed", () => {
    const calls = (swap: boolean, wrt?: ("anchor" | "positive" | "negative")[]) => {
      const { calls, distance } = spy();
      triplet({ distanceFunction: distance, swap }).valueAndGrad(anchor, positive, negative, {
        wrt,
      });
      return calls;
    };
    assertEquals(calls(false, []), ["ap", "an"]);
    assertEquals(calls(true, []), ["ap", "an", "pn"]);
    assertEquals(calls(false), ["ap", "an", "grad ap x1,x2", "grad an x1,x2"]);
    assertEquals(calls(false, ["positive"]), ["ap", "an", "grad ap x2"]);
    assertEquals(calls(true, ["negative"]), ["ap", "an", "pn", "grad an x2", "grad pn x2"]);
  });

  it("lets it use losses and helpers of this library, which share the memory of their kernels", () => {
    const greedy: DistanceFunction = {
      forward(x1, x2) {
        new TripletMarginLoss().forward([1, 2], [3, 4], [5, 6]);
        return squared.forward(x1, x2);
      },
      valueAndGrad(x1, x2, request) {
        cosineSimilarity.valueAndGrad([[1, 2]], [[3, 4]]);
        return squared.valueAndGrad(x1, x2, request);
      },
    };
    assertEquals(
      none({ distanceFunction: greedy }).valueAndGrad(anchor, positive, negative),
      none({ distanceFunction: squared }).valueAndGrad(anchor, positive, negative),
    );
  });

  it("calls it as methods of its object", () => {
    class Scaled implements DistanceFunction {
      constructor(readonly factor: number) {}
      forward(x1: Tensor, x2: Tensor): Tensor {
        const { data, shape } = squared.forward(x1, x2);
        return float64(Array.from(data, (d) => d * this.factor), [...shape]);
      }
      valueAndGrad(...args: Parameters<DistanceFunction["valueAndGrad"]>) {
        const { x1, x2 } = squared.valueAndGrad(...args).grad as Record<"x1" | "x2", Tensor>;
        const scaled = ({ data, shape }: Tensor) =>
          float64(Array.from(data, (d) => d * this.factor), [...shape]);
        return { grad: { x1: scaled(x1), x2: scaled(x2) } };
      }
    }
    const half = none({ distanceFunction: new Scaled(0.5), margin: 0.5 })
      .valueAndGrad(anchor, positive, negative);
    const whole = none({ distanceFunction: squared }).valueAndGrad(anchor, positive, negative);
    assertEquals([...half.value.data], [...whole.value.data].map((v) => v / 2));
    assertEquals([...half.grad.anchor.data], [...whole.grad.anchor.data].map((g) => g / 2));
  });

  it("accepts one distance for all, one per element, or an axis of length 1", () => {
    const shape = (distanceFunction: DistanceFunction, ...args: Tensor[]) =>
      none({ distanceFunction }).forward(args[0], args[1], args[2]).shape;
    assertEquals(shape(overall, anchor, positive, negative), []);
    assertEquals(shape(absolute, anchor, positive, negative), [5, 4]);
    const kept: DistanceFunction = {
      forward: (x1, x2) => pairwiseDistance(x1, x2, { keepdim: true }),
      valueAndGrad: (x1, x2, request) =>
        pairwiseDistance.valueAndGrad(x1, x2, { keepdim: true, ...request }),
    };
    assertEquals(shape(kept, anchor, positive, negative), [5, 1]);
    const plain = none().valueAndGrad(anchor, positive, negative).grad;
    const same = none({ distanceFunction: kept }).valueAndGrad(anchor, positive, negative).grad;
    assertClose(same.anchor, plain.anchor, { rtol: 1e-14, atol: 1e-15, context: "anchor" });
  });

  it("broadcasts the distances to a single negative, and adds their gradients up", () => {
    const one = float64(negative.data.slice(0, 4) as Float64Array, [1, 4]);
    const single = float64(anchor.data.slice(0, 4) as Float64Array, [1, 4]);
    const distanceFunction = {
      forward: pairwiseDistance.forward,
      valueAndGrad: pairwiseDistance.valueAndGrad,
    };
    // No hinge is 0, so that every distance has a gradient.
    const options = { margin: 50, reduction: "none" } as const;
    const found = triplet({ ...options, distanceFunction }).valueAndGrad(single, positive, one);
    const wanted = new TripletMarginLoss(options).valueAndGrad(single, positive, one);
    assertEquals(found.value.shape, [5]);
    for (const name of NAMES) {
      const close = { rtol: 1e-14, atol: 1e-15, context: name };
      assertClose(found.grad[name], wanted.grad[name], close);
    }
  });

  it("gives it float32 tensors for float32 arguments, and accepts results in float64", () => {
    const [a, p, n] = [anchor, positive, negative].map(({ data, shape }) => float32(data, shape));
    const seen: string[] = [];
    const distanceFunction: DistanceFunction = {
      forward(x1, x2) {
        seen.push(x1.dtype);
        return squared.forward(x1, x2);
      },
      valueAndGrad: squared.valueAndGrad,
    };
    const { value, grad } = none({ distanceFunction }).valueAndGrad(a, p, n);
    assertEquals([...seen, value.dtype, grad.anchor.dtype], [
      "float32",
      "float32",
      "float32",
      "float32",
    ]);
    const wanted = none({ distanceFunction: squared }).forward(anchor, positive, negative);
    assertClose(value, wanted, { rtol: 1e-6, atol: 1e-6, context: "value" });
  });

  it("may return the same tensors at each call, with new numbers", () => {
    const distances = float64(new Float64Array(5));
    const gradients = {
      x1: float64(new Float64Array(20), [5, 4]),
      x2: float64(new Float64Array(20), [5, 4]),
    };
    const reusing: DistanceFunction = {
      forward(x1, x2) {
        distances.data.set(squared.forward(x1, x2).data);
        return distances;
      },
      valueAndGrad(x1, x2, request) {
        const { grad } = squared.valueAndGrad(x1, x2, request);
        for (const key of ["x1", "x2"] as const) gradients[key].data.set(grad[key]?.data ?? []);
        return { grad: gradients };
      },
    };
    for (const swap of [false, true]) {
      assertEquals(
        none({ distanceFunction: reusing, swap }).valueAndGrad(anchor, positive, negative),
        none({ distanceFunction: squared, swap }).valueAndGrad(anchor, positive, negative),
      );
    }
  });
});

describe("TripletMarginWithDistanceLoss with extreme numbers", () => {
  it("NaN: NaN in the value and the gradients of its row, and nowhere else", () => {
    const { value, grad } = none({ distanceFunction: squared, margin: 9 })
      .valueAndGrad([[NaN, 1], [0, 0]], [[1, 0], [1, 0]], [[0, 1], [0, 1]]);
    assertEquals([...value.data].map(Number.isNaN), [true, false]);
    assertEquals([...grad.anchor.data].map(Number.isNaN), [true, true, false, false]);
  });

  it("±∞: an infinite loss if the positive is infinitely far, 0 if the negative is", () => {
    const value = (positive: number, negative: number) =>
      none({ distanceFunction: absolute }).forward([0], [positive], [negative]).item();
    assertEquals(value(Infinity, 1), Infinity);
    assertEquals(value(1, -Infinity), 0);
  });
});

for (const distanceFunction of [undefined, squared]) {
  testReductions(subject(distanceFunction), { shape: [2, 3, 4], empty: [[[0, 3], [0]]] });
}

describe("TripletMarginWithDistanceLoss at random inputs", () => {
  const vector = vectors(3, -100, 100);
  const value = (options: Options, ...args: number[][]) =>
    none({ distanceFunction: squared, ...options }).forward(args[0], args[1], args[2]).item();

  it("is never negative, and never smaller with swap or with a larger margin", () => {
    const margins = doubles(1e-3, 100);
    holds(fc.property(vector, vector, vector, margins, (a, b, c, margin) => {
      const v = value({ margin }, a, b, c);
      return v >= 0 && value({ margin, swap: true }, a, b, c) >= v &&
        value({ margin: 2 * margin }, a, b, c) >= v;
    }));
  });

  it("adds up to at least 2 with the loss where positive and negative are exchanged", () => {
    holds(
      fc.property(
        vector,
        vector,
        vector,
        (a, b, c) => value({}, a, b, c) + value({}, a, c, b) >= 2 - 1e-12,
      ),
    );
  });
});

describe("TripletMarginWithDistanceLoss refuses", () => {
  const { anchor, positive, negative } = drawn(5, [2, 3]);

  it("a margin that is not > 0", () => {
    for (const margin of [0, -0, -1, NaN]) {
      assertThrows(
        () => triplet({ margin }),
        RangeError,
        `Cannot make TripletMarginWithDistanceLoss as margin must be > 0: current value is ${margin}`,
      );
    }
  });

  it("a distance function without its two methods", () => {
    const given: [unknown, string][] = [
      [(x: number, y: number) => x - y, "a function"],
      [{ forward: () => 1 }, "an object of class Object"],
      ["squared", '"squared"'],
      [null, "null"],
      [2, "2"],
    ];
    for (const [distanceFunction, shown] of given) {
      assertThrows(
        () => triplet({ distanceFunction: distanceFunction as DistanceFunction }),
        TypeError,
        "Cannot make TripletMarginWithDistanceLoss as distanceFunction must be an object with the functions " +
          `forward and valueAndGrad, such as pairwiseDistance: current value is ${shown}`,
      );
    }
  });

  it("a swap that is neither true nor false", () => {
    assertThrows(
      () => triplet({ swap: "no" as never }),
      TypeError,
      'swap must be true or false: current value is "no"',
    );
  });

  it("arguments with different numbers of axes, before it calls the distance function", () => {
    const never: DistanceFunction = {
      forward: () => {
        throw new Error("called");
      },
      valueAndGrad: squared.valueAndGrad,
    };
    assertThrows(
      () => triplet({ distanceFunction: never }).forward([[1, 2]], [[1, 2]], [1, 2]),
      RangeError,
      "Cannot compute TripletMarginWithDistanceLoss as all arguments must have the same number of axes: " +
        "current shapes are (1, 2) and (1, 2) and (2,)",
    );
  });

  it("distances that are not a tensor of floats", () => {
    const answers: [unknown, string][] = [
      [3, "must be a tensor: current value is 3"],
      [undefined, "must be a tensor: current value is undefined"],
      [[1, 2], "must be a tensor: current value is [1, 2]"],
      ["1", 'must be a tensor: current value is "1"'],
      [new Float64Array(2), "must be a tensor: current value is an object of class Float64Array"],
      [Promise.resolve(1), "must be a tensor: current value is an object of class Promise"],
      [int32([1, 2]), "must be float32 or float64: current dtype is int32"],
    ];
    for (const [answer, message] of answers) {
      const distanceFunction = { ...squared, forward: () => answer as Tensor };
      assertThrows(
        () => triplet({ distanceFunction }).forward(anchor, positive, negative),
        TypeError,
        `Cannot compute TripletMarginWithDistanceLoss as distanceFunction.forward(anchor, positive) ${message}`,
      );
    }
  });

  it("distances whose shape does not fit the pairs", () => {
    for (const shape of [[3], [3, 2], [2, 2], [2, 3, 1], [0]]) {
      const wrong = float64(new Float64Array(sizeOf(shape)), shape);
      const distanceFunction = { ...squared, forward: () => wrong };
      assertThrows(
        () => triplet({ distanceFunction }).forward(anchor, positive, negative),
        RangeError,
        "Cannot compute TripletMarginWithDistanceLoss as distanceFunction.forward(anchor, positive) must return one " +
          "distance for each pair, of the first axes of the arguments, (2, 3) and (2, 3): current shape is (" +
          shape.join(", "),
      );
    }
  });

  it("distances that do not go together", () => {
    let calls = 0;
    const distanceFunction = {
      ...squared,
      forward: () => calls++ === 0 ? float64([1, 2]) : float64([[1, 2, 3]]),
    };
    assertThrows(
      () => triplet({ distanceFunction }).forward(anchor, positive, negative),
      RangeError,
      "the shapes of distanceFunction.forward(anchor, positive) and distanceFunction.forward(anchor, negative) " +
        "do not go together: current shapes are (2,) and (1, 3)",
    );
  });

  it("gradients that are not tensors of floats, or of another shape, and leaves buffers as they were", () => {
    const start =
      "Cannot compute TripletMarginWithDistanceLoss as distanceFunction.valueAndGrad(anchor, negative).grad.";
    const answers: [unknown, ErrorClass, string][] = [
      [undefined, TypeError, "x1 must be a tensor: current value is undefined"],
      [{}, TypeError, "x1 must be a tensor: current value is undefined"],
      [{ grad: null }, TypeError, "x1 must be a tensor: current value is undefined"],
      [{ grad: { x1: [1, 2] } }, TypeError, "x1 must be a tensor: current value is [1, 2]"],
      [{ grad: { x1: anchor } }, TypeError, "x2 must be a tensor: current value is undefined"],
      [
        { grad: { x1: int32(new Int32Array(6), [2, 3]), x2: anchor } },
        TypeError,
        "x1 must be float32 or float64: current dtype is int32",
      ],
      [
        { grad: { x1: anchor, x2: float64([1, 2]) } },
        RangeError,
        "x2 must have the shape of negative, (2, 3): current shape is (2,)",
      ],
    ];
    for (const [answer, Class, message] of answers) {
      let calls = 0;
      const distanceFunction: DistanceFunction = {
        forward: squared.forward,
        valueAndGrad: (x1, x2, request) =>
          calls++ === 0 ? squared.valueAndGrad(x1, x2, request) : answer as { grad: object },
      };
      const out = { anchor: new Float64Array(6).fill(7), positive: new Float64Array(6).fill(7) };
      assertThrows(
        () => triplet({ distanceFunction }).valueAndGrad(anchor, positive, negative, { out }),
        Class,
        start + message,
      );
      assert([...out.anchor, ...out.positive].every((x) => x === 7), message);
    }
  });

  it("no error of the distance function: it reaches the caller unchanged", () => {
    const mine = new Error("mine");
    const distanceFunction: DistanceFunction = {
      forward: squared.forward,
      valueAndGrad() {
        throw mine;
      },
    };
    const thrown = assertThrows(() =>
      triplet({ distanceFunction }).valueAndGrad(anchor, positive, negative)
    );
    assertStrictEquals(thrown, mine);
  });
});

for (const distanceFunction of [undefined, squared]) {
  testContract({
    loss: "TripletMarginWithDistanceLoss",
    Loss: TripletMarginWithDistanceLoss,
    options: { distanceFunction },
    known: ["distanceFunction", "margin", "swap", "reduction"],
    args: drawn(8, [2, 3]),
    wrt: NAMES,
  });
}
