/** How arguments and options are read and checked: dtypes, shapes, and the places that error messages name. */
import { assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import {
  AdaptiveLogSoftmaxWithLoss,
  BCELoss,
  BCEWithLogitsLoss,
  CosineEmbeddingLoss,
  cosineSimilarity,
  CrossEntropyLoss,
  float32,
  float64,
  int32,
  L1Loss,
  LinearCrossEntropyLoss,
  MSELoss,
  MultiLabelSoftMarginLoss,
  MultiMarginLoss,
  NLLLoss,
  type Tensor,
  type TensorLike,
  TripletMarginLoss,
  type ValueAndGrad,
} from "@lossbook/losses";
import { offender, position, promote, readArguments } from "../../losses/_core/call/arguments.ts";
import {
  commonShape,
  gather,
  scatterAdd,
  stridesAlong,
} from "../../losses/_core/tensor/broadcast.ts";
import { sameShape, show } from "../../losses/_core/tensor/shape.ts";
import {
  booleanOption,
  checkOptions,
  numberOption,
  reductionOption,
} from "../../losses/_core/call/options.ts";
import { Random } from "../_random.ts";

describe("promote", () => {
  const one = (dtype?: "float32" | "float64" | "int32") => ({ dtype });
  const cases: [raws: ReturnType<typeof one>[], wanted: string][] = [
    [[one("float32"), one("float32")], "float32"],
    [[one("float32"), one()], "float32"],
    [[one(), one("float32")], "float32"],
    [[one("float32"), one("int32")], "float32"],
    [[one("float32"), one("float64")], "float64"],
    [[one("float64"), one("float32")], "float64"],
    [[one("float64"), one()], "float64"],
    [[one(), one()], "float64"],
    [[one("int32"), one()], "float64"],
    [[one("int32"), one("int32")], "float64"],
    [[], "float64"],
  ];
  for (const [raws, wanted] of cases) {
    it(`${raws.map(({ dtype }) => dtype ?? "plain").join(" with ") || "nothing"} gives ${wanted}`, () => {
      assertEquals(promote(raws), wanted);
    });
  }
});

describe("readArguments", () => {
  const specs = [{ name: "input" }, { name: "target", integers: true }] as const;
  const types = (values: TensorLike[]) =>
    readArguments("Loss", specs, values).tensors.map(({ dtype }) => dtype);

  it("converts all arguments to the common dtype", () => {
    assertEquals(types([float32([1]), [2]]), ["float32", "float32"]);
    assertEquals(types([float32([1]), float64([2])]), ["float64", "float64"]);
    assertEquals(types([[1], int32([2])]), ["float64", "float64"]);
  });

  it("does not copy an argument that has this dtype already", () => {
    const [input, target] = [float32([1]), new Float32Array(1)];
    const { tensors } = readArguments("Loss", specs, [input, target]);
    assertStrictEquals(tensors[0], input);
    assertStrictEquals(tensors[1].data, target);
  });

  it("accepts whole numbers only where the loss does, and not for a mean if the loss says so", () => {
    const wrong = "Cannot compute Loss as input must be float32 or float64: current dtype is int32";
    assertThrows(() => types([int32([1]), [2]]), TypeError, wrong);
    const unless = [{ name: "input", integers: "unless averaged" }] as const;
    assertEquals(readArguments("Loss", unless, [int32([1])]).dtype, "float64");
    const averaged = { isAveraged: true };
    assertThrows(() => readArguments("Loss", unless, [int32([1])], averaged), TypeError, wrong);
  });

  it("refuses different dtypes where they must be the same", () => {
    const same = (values: TensorLike[]) =>
      readArguments("Loss", specs, values, { sameTypes: true }).dtype;
    assertEquals(same([float32([1]), float32([2])]), "float32");
    assertEquals(same([float32([1]), [2]]), "float32");
    assertThrows(
      () => same([float32([1]), float64([2])]),
      TypeError,
      "Cannot compute Loss as target must be float32 like input: current dtype is float64",
    );
  });
});

describe("plain numbers take the type of the tensors beside them", () => {
  const row = [[1, 2, 3]];
  const f = new Float32Array([0.5, 1, 2]);
  /** Loss or helper, its plain argument, and the tensor beside it. */
  const calls: Record<string, () => ValueAndGrad<string>> = {
    "MSELoss, target": () => new MSELoss().valueAndGrad(row, float32(row)),
    "MSELoss, weight": () => new MSELoss({ weight: float32(row) }).valueAndGrad(row, row),
    "L1Loss of int32, weight": () =>
      new L1Loss({ weight: f, reduction: "sum" }).valueAndGrad(int32(f.map(Math.ceil)), [1, 2, 3]),
    "BCEWithLogitsLoss, posWeight": () =>
      new BCEWithLogitsLoss({ posWeight: f }).valueAndGrad(row, [[0, 1, 1]]),
    "BCELoss, weight": () => new BCELoss({ weight: f }).valueAndGrad([[0.5, 0.25, 1]], [[0, 1, 1]]),
    "CrossEntropyLoss, weight": () => new CrossEntropyLoss({ weight: f }).valueAndGrad(row, [1]),
    "CrossEntropyLoss, probabilities": () =>
      new CrossEntropyLoss().valueAndGrad(row, float32([[0.2, 0.3, 0.5]])),
    "NLLLoss, weight": () => new NLLLoss({ weight: f }).valueAndGrad(row, [1]),
    "MultiMarginLoss, weight": () => new MultiMarginLoss({ weight: f }).valueAndGrad(row, [1]),
    "MultiLabelSoftMarginLoss, target": () =>
      new MultiLabelSoftMarginLoss().valueAndGrad(row, float32(row)),
    "MultiLabelSoftMarginLoss, weight": () =>
      new MultiLabelSoftMarginLoss({ weight: f }).valueAndGrad(row, row),
    "CosineEmbeddingLoss, input2": () =>
      new CosineEmbeddingLoss().valueAndGrad(row, float32(row), [1]),
    "CosineEmbeddingLoss, target": () =>
      new CosineEmbeddingLoss().valueAndGrad(row, row, float32([1])),
    "TripletMarginLoss, negative": () =>
      new TripletMarginLoss().valueAndGrad(row, row, float32(row)),
    "LinearCrossEntropyLoss, parameters": () =>
      new LinearCrossEntropyLoss({ inFeatures: 3, numClasses: 3, weight: f }).valueAndGrad(row, [
        1,
      ]),
    "AdaptiveLogSoftmaxWithLoss, parameters": () =>
      new AdaptiveLogSoftmaxWithLoss({ inFeatures: 3, nClasses: 3, cutoffs: [1] }).valueAndGrad(
        row,
        [1],
      ),
    "cosineSimilarity, x2": () => cosineSimilarity.valueAndGrad(row, float32(row)),
  };
  for (const [name, call] of Object.entries(calls)) {
    it(name, () => {
      const { value, grad } = call();
      assertEquals(value.dtype, "float32");
      for (const { dtype } of Object.values(grad)) assertEquals(dtype, "float32");
    });
  }

  it("whatever the type of labels, if the inputs have one", () => {
    const loss = new CosineEmbeddingLoss();
    assertEquals(loss.forward(float32(row), row, float64([1])).dtype, "float32");
    assertEquals(loss.forward(row, row, int32([1])).dtype, "float64");
  });

  it("and then take buffers of that type", () => {
    const out = { input: new Float32Array(3) };
    const { grad } = new CrossEntropyLoss({ weight: f }).valueAndGrad(row, [1], { out });
    assertStrictEquals(grad.input.data, out.input);
  });
});

describe("places in messages", () => {
  it("are written as indices", () => {
    assertEquals(position(0, []), "[]");
    assertEquals(position(4, [7]), "[4]");
    assertEquals(position(23, [2, 3, 4]), "[1, 2, 3]");
    assertEquals(position(7, [2, 3, 4]), "[0, 1, 3]");
  });

  it("name the first element that is not allowed, also if it is NaN", () => {
    const message = (data: number[][]) =>
      offender("Loss", float64(data), "target", (v) => v >= 0 && v <= 1, "between 0 and 1").message;
    assertEquals(
      message([[0, 0.5], [1.2, -1]]),
      "Cannot compute Loss as target must be between 0 and 1: current value at [1, 0] is 1.2",
    );
    assertEquals(message([[0, NaN]]).endsWith("at [0, 1] is NaN"), true);
  });
});

describe("shapes", () => {
  const common = (...shapes: number[][]) =>
    commonShape(
      "Loss",
      shapes.map((_, i) => `x${i + 1}`),
      shapes.map((shape) => float64(new Float64Array(shape.reduce((a, b) => a * b, 1)), shape)),
    );

  const together: [shapes: number[][], wanted: number[]][] = [
    [[[2, 3], [2, 3]], [2, 3]],
    [[[2, 3], [2, 1]], [2, 3]],
    [[[1, 3], [2, 1]], [2, 3]],
    [[[2, 3], []], [2, 3]],
    [[[], [2, 3]], [2, 3]],
    [[[], []], []],
    [[[1], [5]], [5]],
    [[[1], [0]], [0]],
    [[[0, 3], [1, 3]], [0, 3]],
    [[[2, 1, 1], [1, 3, 1], [1, 1, 4]], [2, 3, 4]],
    [[[], [1, 2], [3, 1]], [3, 2]],
  ];
  for (const [shapes, wanted] of together) {
    it(`${shapes.map(show).join(" and ")} go together as ${show(wanted)}`, () => {
      assertEquals(common(...shapes), wanted);
    });
  }

  const apart: [shapes: number[][], message: string][] = [
    [
      [[3, 1], [3]],
      "x1 and x2 do not go together: current shapes are (3, 1) and (3,); give both the same shape, such as (3, 1)",
    ],
    [[[3], [3, 1]], "current shapes are (3,) and (3, 1); give both the same shape, such as (3,)"],
    [[[2, 3], [3, 2]], "current shapes are (2, 3) and (3, 2); give both the same shape"],
    [[[2, 3], [2, 4]], "current shapes are (2, 3) and (2, 4); axes must be equal or 1"],
    [[[0], [2]], "current shapes are (0,) and (2,); axes must be equal or 1"],
    [
      [[2, 3], [3]],
      "current shapes are (2, 3) and (3,); give both the same number of axes, with 1",
    ],
    [
      [[2, 1], [2, 3], [2, 2]],
      "x2 and x3 do not go together: current shapes are (2, 3) and (2, 2)",
    ],
  ];
  for (const [shapes, message] of apart) {
    it(`${shapes.map(show).join(" and ")} do not go together`, () => {
      assertThrows(() => common(...shapes), RangeError, message);
    });
  }

  it("are compared axis by axis", () => {
    assertEquals([sameShape([], []), sameShape([2, 3], [2, 3])], [true, true]);
    assertEquals([sameShape([2], [2, 1]), sameShape([2, 3], [3, 2])], [false, false]);
  });
});

describe("a tensor that is broadcast to a larger shape", () => {
  const shape = [2, 3, 4];
  const random = new Random(1);

  /** The index of the element that is broadcast to a place of `shape`; axes correspond from the last one. */
  function elementAt(tensor: Tensor, flat: number): number {
    let [at, step, rest] = [0, 1, flat];
    for (let back = 1; back <= shape.length; back++) {
      const index = rest % shape[shape.length - back];
      rest = Math.floor(rest / shape[shape.length - back]);
      const length = tensor.shape[tensor.shape.length - back] ?? 1;
      at += (length === 1 ? 0 : index) * step;
      step *= length;
    }
    return at;
  }

  for (
    const small of [
      [2, 3, 4],
      [1, 3, 4],
      [2, 1, 4],
      [2, 3, 1],
      [1, 1, 4],
      [2, 1, 1],
      [4],
      [3, 1],
      [],
    ]
  ) {
    it(`${show(small)} is read, and its gradients added up, in every part of ${show(shape)}`, () => {
      const tensor = random.tensor(small);
      const strides = stridesAlong(small, shape);
      if (sameShape(small, shape)) {
        assertEquals(strides, undefined);
        return;
      }
      if (strides === undefined) throw new Error("a smaller tensor needs strides");
      for (const [start, end] of [[0, 24], [5, 17], [23, 24], [7, 7]]) {
        const found = new Float64Array(end - start);
        gather(tensor.data as Float64Array, strides, shape, start, end, found);
        const wanted = Array.from(found, (_, i) => tensor.data[elementAt(tensor, start + i)]);
        assertEquals([...found], wanted);

        const sums = new Float64Array(tensor.data.length);
        const source = Float64Array.from(found, (_, i) => 1 + i);
        scatterAdd(strides, shape, start, end, source, sums);
        const added = new Float64Array(sums.length);
        source.forEach((g, i) => added[elementAt(tensor, start + i)] += g);
        assertEquals(sums, added);
      }
    });
  }
});

describe("options", () => {
  it("are an object of known names", () => {
    checkOptions("Loss", {}, ["a"]);
    checkOptions("Loss", { a: 1 }, ["a", "b"]);
    assertThrows(
      () => checkOptions("Loss", { c: 1 }, ["a", "b"]),
      TypeError,
      "Cannot make Loss as option 'c' is unknown: known are a, b",
    );
    for (const given of [null, undefined, 1, "a", [1]]) {
      assertThrows(
        () => checkOptions("Loss", given, ["a"]),
        TypeError,
        "options must be an object",
      );
    }
  });

  it("that are numbers must be in their range, and not NaN", () => {
    const margin = (value: unknown) =>
      numberOption("Loss", "margin", value as number, (v) => v >= 0, "≥ 0");
    assertEquals([margin(0), margin(2.5), margin(Infinity)], [0, 2.5, Infinity]);
    const message = (shown: string) =>
      `Cannot make Loss as margin must be ≥ 0: current value is ${shown}`;
    assertThrows(() => margin(-1), RangeError, message("-1"));
    assertThrows(() => margin(NaN), RangeError, message("NaN"));
    const any = () => numberOption("Loss", "margin", NaN, () => true, "a number");
    assertThrows(any, RangeError, "margin must be a number: current value is NaN");
    assertThrows(() => margin("1"), TypeError, message('"1"'));
    assertThrows(() => margin(null), TypeError, message("null"));
  });

  it("that are true or false accept no other value", () => {
    assertEquals([booleanOption("Loss", "full", true), booleanOption("Loss", "full", false)], [
      true,
      false,
    ]);
    for (const value of [0, 1, "true", null]) {
      assertThrows(
        () => booleanOption("Loss", "full", value as never),
        TypeError,
        "Cannot make Loss as full must be true or false",
      );
    }
  });

  it("named reduction must be one that the loss has", () => {
    assertEquals(reductionOption("Loss", "sum"), "sum");
    assertEquals(reductionOption("Loss", "batchmean", ["mean", "batchmean"]), "batchmean");
    assertThrows(
      () => reductionOption("Loss", "batchmean" as "sum"),
      RangeError,
      'Cannot make Loss as reduction must be "none", "mean", "sum": current value is "batchmean"',
    );
    assertThrows(() => reductionOption("Loss", 1 as never), TypeError, "current value is 1");
  });
});
