/** How tensors are made, and what is refused. */
import {
  assert,
  assertEquals,
  assertNotStrictEquals,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import { float32, float64, int32, L1Loss, Tensor, type TensorLike } from "@lossbook/losses";

describe("float32, float64 and int32", () => {
  it("make tensors of their dtype from numbers, nested arrays, typed arrays and other tensors", () => {
    const sources: [value: TensorLike, shape: number[], data: number[]][] = [
      [3, [], [3]],
      [[1, 2, 3], [3], [1, 2, 3]],
      [[[1, 2], [3, 4], [5, 6]], [3, 2], [1, 2, 3, 4, 5, 6]],
      [[[[7]]], [1, 1, 1], [7]],
      [[], [0], []],
      [[[], []], [2, 0], []],
      [new Float32Array([1, 2]), [2], [1, 2]],
      [new Float64Array([1, 2]), [2], [1, 2]],
      [new Int32Array([1, -2]), [2], [1, -2]],
      [new Int8Array([1, -2]), [2], [1, -2]],
      [new Uint8Array([1, 255]), [2], [1, 255]],
      [new Uint8ClampedArray([1, 300]), [2], [1, 255]],
      [new Int16Array([1, -2]), [2], [1, -2]],
      [new Uint16Array([1, 2]), [2], [1, 2]],
      [new Uint32Array([1, 2 ** 31 - 1]), [2], [1, 2 ** 31 - 1]],
      [new BigInt64Array([1n, -2n]), [2], [1, -2]],
      [new BigUint64Array([1n, 2n]), [2], [1, 2]],
      [float64([[5, 6]]), [1, 2], [5, 6]],
      [{ data: new Float32Array([1, 2]), shape: [2, 1] }, [2, 1], [1, 2]],
      [{ data: new BigInt64Array([1n, 2n]), dims: [1, 2] }, [1, 2], [1, 2]],
      [{ data: [1, 2, 3, 4], shape: [2, 2] }, [2, 2], [1, 2, 3, 4]],
      [{ data: [9], shape: [] }, [], [9]],
    ];
    const makers = { float32, float64, int32 };
    for (const [value, shape, data] of sources) {
      for (const [dtype, make] of Object.entries(makers)) {
        const tensor = make(value);
        assert(tensor instanceof Tensor);
        assertEquals(tensor.dtype, dtype);
        assertEquals(tensor.shape, shape);
        assertEquals([...tensor.data], dtype === "float32" ? data.map(Math.fround) : data);
      }
    }
  });

  it("do not copy a typed array of their own type", () => {
    const makers = [
      [float32, new Float32Array(6)],
      [float64, new Float64Array(6)],
      [int32, new Int32Array(6)],
    ] as const;
    for (const [make, data] of makers) {
      const tensor = make(data, [2, 3]);
      assertStrictEquals(tensor.data, data);
      assertEquals(tensor.shape, [2, 3]);
      assertStrictEquals(make(tensor).data, data);
    }
  });

  it("copy an array of another type, and the shape", () => {
    const data = new Float64Array([1, 2]);
    const shape = [2, 1];
    const tensor = float32(data, shape);
    data[0] = 7;
    shape[0] = 9;
    assertEquals([[...tensor.data], tensor.shape], [[1, 2], [2, 1]]);
    assertNotStrictEquals(tensor.shape, shape);
  });

  it("give a nested array another shape", () => {
    assertEquals(float64([[1, 2], [3, 4]], [4]).toArray(), [1, 2, 3, 4]);
    assertEquals(float64(5, [1, 1]).toArray(), [[5]]);
    assertEquals(float64([5], []).item(), 5);
  });

  it("round to float32", () => {
    assertEquals(float32([0.1, 1e40, 1e-50]).toArray(), [Math.fround(0.1), Infinity, 0]);
  });
});

describe("int32 refuses", () => {
  const wrong: [value: TensorLike, shown: string][] = [
    [[0, 1.5], "1.5"],
    [[0, NaN], "NaN"],
    [[0, Infinity], "Infinity"],
    [[0, 2 ** 31], "2147483648"],
    [[0, -(2 ** 31) - 1], "-2147483649"],
    [new Float32Array([0, 0.5]), "0.5"],
    [new Uint32Array([0, 2 ** 32 - 1]), "4294967295"],
    [new BigInt64Array([0n, 2n ** 40n]), "1099511627776"],
  ];
  for (const [value, shown] of wrong) {
    it(`what is not a whole number of 32 bits: ${shown}`, () => {
      assertThrows(
        () => int32(value),
        RangeError,
        "Cannot make int32 an int32 tensor as element 1 must be a whole number between " +
          `-2^31 and 2^31 - 1: current value is ${shown}`,
      );
    });
  }

  it("no whole number that fits", () => {
    assertEquals(int32([2 ** 31 - 1, -(2 ** 31), -0]).toArray(), [2 ** 31 - 1, -(2 ** 31), 0]);
  });
});

describe("float32, float64 and int32 refuse", () => {
  it("what does not hold numbers", () => {
    for (const value of ["1", null, undefined, {}, () => 1, 1n, Symbol.iterator]) {
      assertThrows(
        () => float32(value as never),
        TypeError,
        "Cannot read float32 as it must be a number",
      );
    }
    assertThrows(
      () => float32({ data: "12", shape: [2] } as never),
      TypeError,
      "Cannot read float32",
    );
    assertThrows(
      () => float32([1, "2"] as never),
      TypeError,
      'float32[1] must be a number: current value is "2"',
    );
  });

  it("a ragged array, and says where it is ragged", () => {
    assertThrows(
      () => float64([[[1, 2], [3, 4]], [[5, 6], [7]]]),
      TypeError,
      "Cannot read float64 as float64[1][1] must be an array of 2 like its siblings: current value is [7]",
    );
    assertThrows(
      () => float64([[1, 2], [1, 2, 3, 4, 5, 6, 7]]),
      TypeError,
      "float64[1] must be an array of 2 like its siblings: current value is an array of 7",
    );
  });

  it("a shape that is not an array of whole numbers ≥ 0, or does not fit the data", () => {
    for (const shape of [[-1], [1.5], [NaN], ["2"], "2", null, 2, { length: 1 }]) {
      assertThrows(
        () => float32([1, 2], shape as never),
        TypeError,
        "Cannot read float32 as its shape must be an array of whole numbers ≥ 0",
      );
    }
    assertThrows(
      () => float32([1, 2, 3], [2, 2]),
      RangeError,
      "Cannot make a tensor as its shape must hold as many numbers as there are: " +
        "current shape (2, 2) holds 4, data has 3",
    );
  });

  it("a tensor of another library without a shape, or with one that does not fit", () => {
    assertThrows(() => float32({ data: [1] } as never), TypeError, "its shape must be an array");
    assertThrows(
      () => float32({ data: new Float32Array(3), dims: [2] }),
      RangeError,
      "Cannot read float32 as its shape (2,) holds 2 numbers: current data has 3",
    );
  });

  it("arrays that contain themselves or are nested too deeply, before it has lost time", () => {
    const cycle: unknown[] = [];
    cycle.push(cycle);
    const twice: unknown[] = [];
    twice.push(twice, twice);
    const deep = Array.from({ length: 1e5 }).reduce((inner: unknown) => [inner], 1);
    const doubled = Array.from({ length: 40 }).reduce((inner: unknown) => [inner, inner], 1);
    const late: unknown[] = [1];
    late.push(late);
    const tooDeep =
      "as it must have at most 64 axes: its arrays are nested more deeply, or contain themselves";
    const cases: [value: unknown, Class: typeof TypeError | typeof RangeError, message: string][] =
      [
        [cycle, TypeError, tooDeep],
        [twice, TypeError, tooDeep],
        [deep, TypeError, tooDeep],
        [[1, deep], TypeError, "float32[1] must be a number: current value is [[an array of 1]]"],
        [late, TypeError, "float32[1] must be a number: current value is [1, [1, an array of 2]]"],
        [
          doubled,
          RangeError,
          "as an array must hold at most 4294967295 numbers: current shape is (2, 2",
        ],
        [{ data: cycle, shape: [1] }, TypeError, tooDeep],
        [
          { data: [1], shape: twice },
          TypeError,
          "current value is [[an array of 2, an array of 2]",
        ],
      ];
    for (const [value, Class, message] of cases) {
      const start = performance.now();
      assertThrows(() => float32(value as never), Class, message);
      assert(performance.now() - start < 1000, `${message}: ${performance.now() - start} ms`);
    }
  });

  it("more than 64 axes", () => {
    const shape = new Array(64).fill(1);
    let nested: unknown = 7;
    for (let axis = 0; axis < 64; axis++) nested = [nested];
    assertEquals(float32(nested as never).shape, shape);
    assertEquals(float32(nested as never).toArray(), nested as number[]);
    const message = "as its shape must be an array of at most 64 whole numbers ≥ 0";
    assertThrows(() => float32(7, [...shape, 1]), TypeError, message);
    assertThrows(() => new Tensor(Float32Array.of(7), [...shape, 1]), TypeError, message);
    assertThrows(() => float32({ data: [7], dims: [...shape, 1] }), TypeError, message);
    assertThrows(() => float32([nested] as never), TypeError, "at most 64 axes");
  });
});

describe("Tensor", () => {
  it("holds a Float32Array, Float64Array or Int32Array, and nothing else", () => {
    assertEquals(new Tensor(new Int32Array(2), [1, 2]).dtype, "int32");
    assertThrows(
      () => new Tensor(new Uint8Array(2) as never, [2]),
      TypeError,
      "data must be a Float32Array, Float64Array or Int32Array: current value is an object of class Uint8Array",
    );
    assertThrows(() => new Tensor([1, 2] as never, [2]), TypeError, "current value is [1, 2]");
    assertThrows(
      () => new Tensor(new Float32Array(2), [3]),
      RangeError,
      "(3,) holds 3, data has 2",
    );
  });

  it("has a shape of whole numbers", () => {
    for (const shape of [[2.5, 2], [-1, -5], 5, [NaN]]) {
      assertThrows(
        () => new Tensor(new Float32Array(5), shape as number[]),
        TypeError,
        "its shape must be an array of whole numbers",
      );
    }
  });

  it("is float32 for half floats, which older runtimes and their types do not know", () => {
    const halves = Float16Array.from([0.5, -1.25]) as unknown as TensorLike;
    assertEquals([...float64(halves).data], [0.5, -1.25]);
    assertEquals(new L1Loss().forward(halves, 0).dtype, "float32");
  });

  it("gives its only number as item", () => {
    assertEquals(float64(0.1).item(), 0.1);
    assertEquals(float32([[0.1]]).item(), Math.fround(0.1));
    for (const tensor of [float64([1, 2]), float64([])]) {
      assertThrows(
        () => tensor.item(),
        RangeError,
        "Cannot take the item as the tensor must hold one number",
      );
    }
  });

  it("gives nested arrays", () => {
    const nested = [[[1, 2, 3]], [[4, 5, 6]]];
    assertEquals(float64(nested).toArray(), nested);
    assertEquals(float64(7).toArray(), 7);
    assertEquals(float64([[], []]).toArray(), [[], []]);
  });
});

describe("the value of a loss", () => {
  const loss = new L1Loss();
  for (const [name, make] of [["float32", float32], ["float64", float64]] as const) {
    it(`does not change with later values (${name})`, () => {
      const values = Array.from({ length: 1000 }, (_, i) => loss.forward(make([i]), make([0])));
      assertEquals(values.map((value) => value.item()), values.map((_, i) => i));
      assertEquals(values.map(({ data }) => data.length), values.map(() => 1));
    });

    it(`can be transferred without effect on later values (${name})`, () => {
      const { data } = loss.forward(make([1]), make([0]));
      assertEquals(structuredClone(data, { transfer: [data.buffer as ArrayBuffer] })[0], 1);
      assertEquals(loss.forward(make([2]), make([0])).item(), 2);
    });

    it(`can be the buffer for the gradient of another call (${name})`, () => {
      const first = loss.forward(make([1]), make([0]));
      const { value, grad } = loss.valueAndGrad(make([3]), make([0]), {
        out: { input: first.data as Float32Array | Float64Array },
      });
      assertEquals([value.item(), grad.input.item()], [3, 1]);
    });
  }
});
