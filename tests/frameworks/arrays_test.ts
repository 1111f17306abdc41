/** Arrays and tensors of other libraries: read as what they mean, or refused with the line to write instead. */
import "@tensorflow/tfjs-backend-cpu";
import { defaultDevice, init, numpy as np } from "@jax-js/jax";
import { assert, assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import * as tf from "@tensorflow/tfjs-core";
import { Matrix } from "ml-matrix";
// @ts-types="@types/ndarray"
import ndarray from "ndarray";
import { Tensor as OnnxTensor } from "onnxruntime-common";
import {
  BCELoss,
  CrossEntropyLoss,
  float32,
  float64,
  type ForeignTensor,
  int32,
  MSELoss,
  type TensorLike,
} from "@lossbook/losses";

const CLASSES = [Float32Array, Float64Array, Int32Array, Uint8Array, BigInt64Array, Array] as const;

/** The numbers 0, 1, 2, … in every kind of array that holds data. */
function counted(size: number): (ForeignTensor["data"] & { readonly length: number })[] {
  const numbers = Array.from({ length: size }, (_, i) => i);
  return CLASSES.map((Class) =>
    Class === BigInt64Array
      ? BigInt64Array.from(numbers, BigInt)
      : (Class as typeof Float64Array).from(numbers)
  );
}

describe("an object with strides", () => {
  const cases: [name: string, layout: object, shape: number[], wanted: unknown][] = [
    ["row-major", { strides: [3, 1] }, [2, 3], [[0, 1, 2], [3, 4, 5]]],
    ["column-major", { strides: [1, 2] }, [2, 3], [[0, 2, 4], [1, 3, 5]]],
    ["reversed along both axes", { strides: [-3, -1], offset: 5 }, [2, 3], [[5, 4, 3], [2, 1, 0]]],
    ["reversed along one axis", { stride: [3, -1], offset: 2 }, [2, 3], [[2, 1, 0], [5, 4, 3]]],
    ["every other element", { stride: [2], offset: 1 }, [3], [1, 3, 5]],
    ["a part", { strides: [3, 1], offset: 1 }, [2, 2], [[1, 2], [4, 5]]],
    ["repeated", { strides: [0, 1] }, [3, 2], [[0, 1], [0, 1], [0, 1]]],
    ["three axes exchanged", { strides: [1, 2, 6] }, [2, 3, 1], [[[0], [2], [4]], [[1], [3], [5]]]],
    ["a scalar", { strides: [0], offset: 4 }, [], 4],
    ["a scalar without strides", { stride: [], offset: 3 }, [], 3],
    ["nothing", { strides: [3, 1], offset: 9 }, [0, 3], []],
    ["strides as a typed array", { strides: Int32Array.of(1, 2) }, [2, 3], [[0, 2, 4], [1, 3, 5]]],
    ["an offset alone", { offset: 2 }, [2, 2], [[2, 3], [4, 5]]],
    ['order "column-major"', { order: "column-major" }, [2, 3], [[0, 2, 4], [1, 3, 5]]],
    ['order "F"', { order: "F" }, [3, 2], [[0, 3], [1, 4], [2, 5]]],
    ['order "row-major"', { order: "row-major" }, [3, 2], [[0, 1], [2, 3], [4, 5]]],
    ['order "C"', { order: "C" }, [6], [0, 1, 2, 3, 4, 5]],
    ["fortranOrder, as npyjs has it", { fortranOrder: true }, [2, 3], [[0, 2, 4], [1, 3, 5]]],
    ["no fortranOrder", { fortranOrder: false }, [2, 3], [[0, 1, 2], [3, 4, 5]]],
  ];
  for (const [name, layout, shape, wanted] of cases) {
    it(`is read as what it means: ${name}`, () => {
      for (const data of counted(6)) {
        assertEquals(float64({ data, shape, ...layout }).toArray(), wanted);
      }
    });
  }

  it("keeps its type, and is not copied where it lies row by row", () => {
    const data = new Float32Array(6);
    const tensor = { data, shape: [2, 3], strides: [3, 1], offset: 0, order: "row-major" };
    assertStrictEquals(float32(tensor).data, data);
    const view = { data, shape: [3, 2], strides: [1, 3] };
    assertEquals(new MSELoss().forward(view, 0).dtype, "float32");
    assertThrows(() => new CrossEntropyLoss().forward([[1, 2]], { data, shape: [1], offset: 1 }));
  });

  it("is refused where it cannot be understood", () => {
    const data = new Float64Array(6);
    const wrong: [layout: object, Class: typeof TypeError | typeof RangeError, message: string][] =
      [
        [
          { strides: [1] },
          TypeError,
          "Cannot read float64 as its strides must be an array of one whole number per axis: current value is [1]",
        ],
        [{ strides: [1.5, 1] }, TypeError, "current value is [1.5, 1]"],
        [{ stride: () => [3, 1] }, TypeError, "current value is a function"],
        [
          { offset: -1 },
          TypeError,
          "Cannot read float64 as its offset must be a whole number ≥ 0: current value is -1",
        ],
        [{ offset: "1" }, TypeError, 'current value is "1"'],
        [
          { order: "constructor" },
          TypeError,
          'Cannot read float64 as its order must be "row-major", "column-major", "C" or "F": current value is "constructor"',
        ],
        [
          { strides: [3, 2] },
          RangeError,
          "Cannot read float64 as its elements must lie in its data, from 0 to 5: shape (2, 3), strides [3, 2] and offset 0 reach from 0 to 7",
        ],
        [{ strides: [-3, 1] }, RangeError, "reach from -3 to 2"],
        // Strides in bytes.
        [{ strides: [24, 8] }, RangeError, "reach from 0 to 40"],
        [{ offset: 1 }, RangeError, "reach from 1 to 6"],
      ];
    for (const [layout, Class, message] of wrong) {
      assertThrows(() => float64({ data, shape: [2, 3], ...layout }), Class, message);
    }
  });
});

describe("an ndarray of scijs", () => {
  const array = ndarray(new Float64Array([1, 2, 3, 4, 5, 6]), [2, 3]);
  const views = {
    whole: array,
    transposed: array.transpose(1, 0),
    "reversed and thinned": array.step(-1, 2),
    "a part": array.lo(1, 1),
    "a row": array.pick(1, null),
    "a column": array.pick(null, 1),
    "a number": array.pick(1, 1),
    "of a plain array": ndarray([1, 2, 3, 4], [2, 2]).transpose(1, 0),
    "of labels": ndarray(new Int32Array([0, 1, 2]), [3]).step(-1),
  };
  for (const [name, view] of Object.entries(views)) {
    it(`is read as its own get gives it: ${name}`, () => {
      const indices = view.shape.reduce<number[][]>(
        (some, n) => some.flatMap((index) => Array.from({ length: n }, (_, i) => [...index, i])),
        [[]],
      );
      const tensor = float64(view);
      assertEquals(tensor.shape, view.shape);
      assertEquals([...tensor.data], indices.map((index) => view.get(...index)));
    });
  }

  it("gives the loss of what it looks like", () => {
    const view = ndarray(new Float64Array([1, 2, 3, 4]), [2, 2]).transpose(1, 0);
    const { value, grad } = new MSELoss().valueAndGrad(view, [[1, 3], [2, 5]]);
    assertEquals(value.item(), 1 / 4);
    assertEquals(grad.input.toArray(2), [[0, 0], [0, -2 / 4]]);
  });

  it("is refused if its numbers lie in a store of its own", () => {
    const store = { length: 4, get: () => 1, set: () => 1 };
    assertThrows(() => float64(ndarray(store as never, [2, 2])), TypeError, "Cannot read float64");
  });
});

describe("a tensor of onnxruntime", () => {
  it("is read as it is, with labels in BigInt64Array and flags in Uint8Array", () => {
    const logits = new OnnxTensor("float32", [2, 0, 1, 1], [2, 2]);
    const labels = new OnnxTensor("int64", [0n, 1n], [2]);
    const { value } = new CrossEntropyLoss({ reduction: "sum" }).valueAndGrad(logits, labels);
    const expected = Math.log(1 + Math.exp(-2)) + Math.log(2);
    assert(Math.abs(value.item() - expected) < 1e-6);
    assertEquals(value.dtype, "float32");
    const flags = new OnnxTensor("bool", [true, false], [2]);
    assertEquals(new MSELoss().forward([1, 1], flags).item(), 1 / 2);
  });

  it("is refused where half floats are given as their bits", () => {
    const bits = { data: new Uint16Array([0x3c00]), dims: [1] };
    assertThrows(
      () => float32({ ...bits, type: "float16" } as ForeignTensor),
      TypeError,
      "Cannot read float32 as its type must not be float16 where this runtime has no Float16Array",
    );
    assertEquals(float32({ ...bits, type: "uint16" } as ForeignTensor).toArray(), [0x3c00]);
  });
});

describe("what cannot be read names the line to write instead", () => {
  const refuses = (value: unknown, line: string) => {
    const { message } = assertThrows(
      () => new MSELoss().forward(value as TensorLike, 0),
      TypeError,
    ) as TypeError;
    assertEquals(
      message,
      `Cannot read input as it must be a number, an array, a typed array or a tensor: current value is ${line}`,
    );
  };

  it("a tensor of tfjs", async () => {
    await tf.setBackend("cpu");
    const input = tf.tensor2d([[1, 2]]);
    refuses(
      input,
      "an object of class Tensor; write { data: await input.data(), shape: input.shape }, or use tfLoss of @lossbook/losses/tfjs",
    );
    assertEquals(float32({ data: await input.data(), shape: input.shape }).toArray(), [[1, 2]]);
  });

  it("an array of jax-js", async () => {
    await init("cpu");
    defaultDevice("cpu");
    const input = np.array([[1, 2]]);
    refuses(
      input,
      `an object of class ${input.constructor.name}; write { data: await input.data(), shape: input.shape }`,
    );
    const { data, shape } = { data: await input.data() as Float32Array, shape: input.shape };
    assertEquals(float32({ data, shape }).toArray(), [[1, 2]]);
  });

  it("a matrix of ml-matrix", () => {
    const input = new Matrix([[1, 2], [3, 4]]);
    refuses(input, "an object of class Matrix; write input.to2DArray()");
    assertEquals(float64(input.to2DArray()).toArray(), [[1, 2], [3, 4]]);
  });

  it("an array of numjs, which holds one of scijs", () => {
    class NdArray {
      readonly selection = ndarray([1, 2], [2]);
      readonly shape = [2];
      tolist = () => [1, 2];
    }
    refuses(new NdArray(), "an object of class NdArray; write input.tolist()");
  });

  it("a function and a promise", () => {
    refuses(() => [1], "a function; write what it returns, such as input()");
    refuses(Promise.resolve([1]), "an object of class Promise; write await input");
  });

  it("nothing where nothing is known", () => {
    const { message } = assertThrows(() => float64({} as never), TypeError) as TypeError;
    assert(message.endsWith("current value is an object of class Object"));
  });
});

describe("rows, booleans and half floats", () => {
  it("are read as tensors: rows that are typed arrays have their type", () => {
    const rows: [rows: TensorLike, dtype: string, array: unknown][] = [
      [[Float32Array.of(0.5, 1), Float32Array.of(2, 3)], "float32", [[0.5, 1], [2, 3]]],
      [[Float64Array.of(0.1)], "float64", [[0.1]]],
      [[Float32Array.of(0.5), Float64Array.of(0.1)], "float64", [[0.5], [0.1]]],
      [[Float64Array.of(0.1), Float32Array.of(0.5)], "float64", [[0.1], [0.5]]],
      [[Int32Array.of(1), Float32Array.of(0.5)], "float32", [[1], [0.5]]],
      [[Float32Array.of(0.5), Int32Array.of(1)], "float32", [[0.5], [1]]],
      [[[Float32Array.of(1, 2)], [Float32Array.of(3, 4)]], "float32", [[[1, 2]], [[3, 4]]]],
      [[[1, 2], Float32Array.of(3, 4)], "float32", [[1, 2], [3, 4]]],
      [[Float16Array.of(0.5)], "float32", [[0.5]]],
    ];
    for (const [value, dtype, array] of rows) {
      assertEquals(float64(value).toArray(), array);
      assertEquals(new MSELoss({ reduction: "none" }).forward(value, 0).dtype, dtype);
    }
    const labels = [Uint8Array.of(0, 1), Uint8Array.of(1, 1)];
    assertEquals(int32(labels).toArray(), [[0, 1], [1, 1]]);
    assertEquals(int32([BigInt64Array.of(3n)]).toArray(), [[3]]);
    const perPixel = new CrossEntropyLoss().forward(
      float32(new Float32Array(8), [2, 2, 2]),
      labels,
    );
    assertEquals(perPixel.item(), Math.fround(Math.log(2)));
  });

  it("are refused where they are ragged, or rows of whole numbers stand beside others", () => {
    assertThrows(
      () => float64([Float32Array.of(1, 2), Float32Array.of(1)]),
      TypeError,
      "float64[1] must be an array of 2 like its siblings",
    );
    assertThrows(
      () => float64([[[1, 2]], Float32Array.of(1)]),
      TypeError,
      "float64[1][0] must be an array of 2 like its siblings: current value is 1",
    );
    assertThrows(
      () => new MSELoss().forward([[0.5], Int32Array.of(1)], 0),
      RangeError,
      "must be a whole number",
    );
  });

  it("count true as 1 and false as 0", () => {
    assertEquals(float64([[true, false], [false, true]]).toArray(), [[1, 0], [0, 1]]);
    assertEquals(float32(true).item(), 1);
    const loss = new BCELoss({ reduction: "none" });
    assertEquals(
      loss.forward([0.25, 0.25], [true, false]).toArray(),
      loss.forward([0.25, 0.25], [1, 0]).toArray(),
    );
    assertEquals(new CrossEntropyLoss().forward([[1, 1]], [true]).item(), Math.log(2));
    assertEquals(loss.forward(float32([0.5]), [true]).dtype, "float32");
  });
});

describe("toArray", () => {
  it("has the type of the number of axes that it is asked for", () => {
    const matrix = float64([[1, 2], [3, 4]]);
    const rows: number[][] = matrix.toArray(2);
    assertEquals(rows[1]![0], 3);
    const scalar: number = float64(5).toArray(0);
    assertEquals(scalar, 5);
    assertEquals(float64([[[1]]]).toArray(3)[0]![0]![0], 1);
    assertThrows(
      () => matrix.toArray(1),
      RangeError,
      "Cannot make an array of the tensor as it must have 1 axes: current shape is (2, 2)",
    );
  });

  it("is refused by the compiler where the types do not fit", () => {
    const never = () => {
      const matrix = float64([[1, 2]]);
      // @ts-expect-error: a matrix of unknown depth.
      const rows: number[][] = matrix.toArray();
      // @ts-expect-error: one axis gives a list.
      const row: number[][] = matrix.toArray(1);
      // @ts-expect-error: five axes are nested by hand.
      matrix.toArray(5);
      // @ts-expect-error: text is no number.
      float64(["1"]);
      // @ts-expect-error: nor in a row.
      float64([[1], ["2"]]);
      // @ts-expect-error: a tensor of tfjs holds its numbers elsewhere.
      float64(tf.tensor1d([1]));
      // @ts-expect-error: a matrix is handed over as nested arrays.
      float64(new Matrix(1, 1));
      // @ts-expect-error: a function is no tensor.
      float64(() => 1);
      // @ts-expect-error: neither is a promise of one.
      float64(Promise.resolve([1]));
      // @ts-expect-error: data without a shape.
      float64({ data: [1] });
      return [rows, row];
    };
    assertEquals(typeof never, "function");
  });
});
