/**
 * Calls by code that means no good: getters that run other losses, prototypes with properties of their own, memory that is
 * detached or resized.
 */
import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import {
  AdaptiveLogSoftmaxWithLoss,
  BCEWithLogitsLoss,
  CosineEmbeddingLoss,
  cosineSimilarity,
  CrossEntropyLoss,
  CTCLoss,
  type DistanceFunction,
  float64,
  GaussianNLLLoss,
  HuberLoss,
  int32,
  LinearCrossEntropyLoss,
  MarginRankingLoss,
  MSELoss,
  MultiLabelMarginLoss,
  MultiLabelSoftMarginLoss,
  MultiMarginLoss,
  NLLLoss,
  pairwiseDistance,
  PoissonNLLLoss,
  SmoothL1Loss,
  softmax,
  Tensor,
  TripletMarginLoss,
  TripletMarginWithDistanceLoss,
} from "@lossbook/losses";
import { Formula } from "@lossbook/losses/formula";
import { Random } from "../_random.ts";

const random = new Random(6);
const rows = () => random.tensor([3, 4]);
const labels = new Tensor(Int32Array.of(2, 0, 3), [3]);
const signs = new Tensor(Float64Array.of(1, -1, 1), [3]);

/** Runs losses of every kind, whose numbers then lie in all shared memory. */
function disturb(): void {
  const [x, y] = [rows(), rows()];
  const lasting = { reduction: "none" } as const;
  const gradOutput = new Tensor(new Float64Array(12).fill(1e9), [3, 4]);
  new HuberLoss({ delta: 77, ...lasting }).valueAndGrad(x, y, { gradOutput });
  new SmoothL1Loss({ beta: 55 }).valueAndGrad(x, y, { wrt: ["input", "target"] });
  new GaussianNLLLoss({ eps: 99 }).valueAndGrad(x, y, 3);
  new CrossEntropyLoss({ labelSmoothing: 0.5 }).valueAndGrad(x, [1, 1, 1]);
  new CrossEntropyLoss({ labelSmoothing: 0.5 }).valueAndGrad([[[1, 9], [2, 8]]], [[0, 1]]);
  new MultiMarginLoss({ margin: 44 }).valueAndGrad(x, [1, 1, 1], { gradOutput: 33 });
  new TripletMarginLoss({ eps: 22 }).valueAndGrad(x, y, rows());
  new CosineEmbeddingLoss().valueAndGrad(x, y, [1, 1, -1]);
  softmax.valueAndGrad(x, { gradOutput: y });
}

interface Differentiates {
  valueAndGrad(...args: never[]): { value: Tensor; grad: object };
}

const layer = { inFeatures: 4, random: () => random.uniform(0, 1) };
/** Losses and helpers with their arguments; the first one is differentiated with respect to. */
const calls: [name: string, loss: Differentiates, args: Readonly<Record<string, Tensor>>][] = [
  ["MSELoss", new MSELoss({ weight: rows() }), { input: rows(), target: rows() }],
  ["HuberLoss", new HuberLoss({ delta: 0.5 }), { input: rows(), target: rows() }],
  ["SmoothL1Loss", new SmoothL1Loss({ beta: 2 }), { input: rows(), target: rows() }],
  ["PoissonNLLLoss", new PoissonNLLLoss({ eps: 3 }), { input: rows(), target: rows() }],
  [
    "BCEWithLogitsLoss",
    new BCEWithLogitsLoss({ posWeight: 3 }),
    { input: rows(), target: rows() },
  ],
  [
    "MarginRankingLoss",
    new MarginRankingLoss({ margin: 2 }),
    { input1: signs, input2: new Tensor(signs.data.map((x) => 3 * x), [3]), target: signs },
  ],
  ["CrossEntropyLoss", new CrossEntropyLoss(), { input: rows(), target: labels }],
  [
    "CrossEntropyLoss, columns",
    new CrossEntropyLoss({ labelSmoothing: 0.1 }),
    { input: random.tensor([1, 4, 3]), target: new Tensor(labels.data, [1, 3]) },
  ],
  ["CrossEntropyLoss, probabilities", new CrossEntropyLoss(), { input: rows(), target: rows() }],
  ["NLLLoss", new NLLLoss({ weight: [1, 2, 3, 4] }), { input: rows(), target: labels }],
  ["MultiMarginLoss", new MultiMarginLoss({ margin: 2 }), { input: rows(), target: labels }],
  [
    "MultiLabelMarginLoss",
    new MultiLabelMarginLoss(),
    {
      input: rows(),
      target: new Tensor(Int32Array.of(1, -1, 2, 3, 0, 2, -1, 1, 3, 2, 1, 0), [3, 4]),
    },
  ],
  ["MultiLabelSoftMarginLoss", new MultiLabelSoftMarginLoss(), { input: rows(), target: rows() }],
  ["CosineEmbeddingLoss", new CosineEmbeddingLoss(), {
    input1: rows(),
    input2: rows(),
    target: signs,
  }],
  ["TripletMarginLoss", new TripletMarginLoss({ p: 3 }), {
    anchor: rows(),
    positive: rows(),
    negative: rows(),
  }],
  [
    "TripletMarginWithDistanceLoss",
    new TripletMarginWithDistanceLoss({
      distanceFunction: {
        forward(x1, x2) {
          disturb();
          return pairwiseDistance(x1, x2);
        },
        valueAndGrad(x1, x2, request) {
          disturb();
          return pairwiseDistance.valueAndGrad(x1, x2, request);
        },
      },
    }),
    { anchor: rows(), positive: rows(), negative: rows() },
  ],
  [
    "CTCLoss",
    new CTCLoss({ logits: true }),
    {
      logits: random.tensor([3, 1, 4]),
      targets: new Tensor(Int32Array.of(2), [1, 1]),
      inputLengths: new Tensor(Int32Array.of(3), [1]),
      targetLengths: new Tensor(Int32Array.of(1), [1]),
    },
  ],
  [
    "LinearCrossEntropyLoss",
    new LinearCrossEntropyLoss({ ...layer, numClasses: 4, dtype: "float64" }),
    { input: rows(), target: labels },
  ],
  [
    "AdaptiveLogSoftmaxWithLoss",
    new AdaptiveLogSoftmaxWithLoss({ ...layer, nClasses: 4, cutoffs: [2], dtype: "float64" }),
    { input: rows(), target: labels },
  ],
  ["softmax", softmax, { input: rows() }],
  ["cosineSimilarity", cosineSimilarity, { x1: rows(), x2: rows() }],
  ["pairwiseDistance", pairwiseDistance, { x1: rows(), x2: rows() }],
];

/** A copy of an object or array whose properties are read through getters that run other losses. */
function disturbing<T extends object>(properties: T): T {
  const copy = Array.isArray(properties) ? [] : {};
  for (const [name, value] of Object.entries(properties)) {
    const get = () => {
      disturb();
      return value;
    };
    Object.defineProperty(copy, name, { get, enumerable: true });
  }
  return copy as T;
}

describe("getters that run other losses change nothing in a call of", () => {
  for (const [name, loss, args] of calls) {
    const [first] = Object.keys(args);
    const { shape } = loss.valueAndGrad(...Object.values(args) as never[]).value;
    const upstream = random.tensor([...shape]).data;

    it(name, () => {
      const run = (wrap: <T extends object>(properties: T) => T) => {
        const values = Object.values(args).map(({ data, shape }) => wrap({ data, shape }));
        const buffer = new Float64Array(args[first].data.length);
        const request = wrap({
          wrt: wrap([first]),
          gradOutput: wrap({ data: upstream, shape }),
          out: wrap({ [first]: buffer }),
        });
        return { ...loss.valueAndGrad(...[...values, request] as never[]), buffer };
      };
      assertEquals(run(disturbing), run((properties) => properties));
    });
  }

  it("a constructor", () => {
    const options = { delta: 0.5, weight: [[1, 2], [3, 4]], reduction: "sum" } as const;
    const args = [[[1, -2], [3, 4]], [[0, 1], [1, 2]]] as const;
    assertEquals(
      new HuberLoss(disturbing(options)).valueAndGrad(...args),
      new HuberLoss(options).valueAndGrad(...args),
    );
  });
});

describe("an enumerable property on Object.prototype changes nothing in a call of", () => {
  for (const [name, loss, args] of calls) {
    it(name, () => {
      const [first] = Object.keys(args);
      const run = () => {
        const out = { [first]: new Float64Array(args[first].data.length) };
        const request = { wrt: [first], out };
        return loss.valueAndGrad(...[...Object.values(args), request] as never[]);
      };
      const plain = run();
      const extra = { value: null, enumerable: true, configurable: true };
      Object.defineProperty(Object.prototype, "extra", extra);
      try {
        const { value, grad } = run();
        assertEquals(value.data, plain.value.data);
        assertEquals(Object.keys(grad), [first]);
      } finally {
        Reflect.deleteProperty(Object.prototype, "extra");
      }
    });
  }
});

/** A copy of a tensor, and what takes its memory away. */
type Taken = (tensor: Tensor) => { tensor: Tensor; take: () => void };

const copyTo = ({ data, shape }: Tensor, memory: ArrayBuffer) => {
  const copy = new (data.constructor as Float64ArrayConstructor)(memory);
  copy.set(data);
  return new Tensor(copy, shape);
};
const WAYS: Readonly<Record<string, Taken>> = {
  detached(tensor) {
    const memory = new ArrayBuffer(tensor.data.byteLength);
    return {
      tensor: copyTo(tensor, memory),
      take: () => void structuredClone(memory, { transfer: [memory] }),
    };
  },
  shrunk(tensor) {
    const { byteLength } = tensor.data;
    const memory = new ArrayBuffer(byteLength, { maxByteLength: 2 * byteLength });
    return { tensor: copyTo(tensor, memory), take: () => memory.resize(0) };
  },
  grown(tensor) {
    const { byteLength } = tensor.data;
    const memory = new ArrayBuffer(byteLength, { maxByteLength: 2 * byteLength });
    return { tensor: copyTo(tensor, memory), take: () => memory.resize(2 * byteLength) };
  },
};

describe("memory that is detached or resized is refused in a call of", () => {
  const wanted = /^Cannot (read|compute) .* memory .*must not be detached, resized or freed/;
  const refuses = (run: () => unknown) => {
    const error = assertThrows(run, RangeError);
    assertMatch(error.message, wanted);
  };

  for (const [name, loss, args] of calls) {
    const [first] = Object.keys(args);
    const size = args[first].data.length;
    const call = (values: readonly unknown[]) => loss.valueAndGrad(...values as never[]);

    it(`${name}: an argument, before the call or in a getter of the request`, () => {
      for (const taken of Object.values(WAYS)) {
        for (const which of Object.keys(args)) {
          const before = taken(args[which]);
          before.take();
          const values = (tensor: Tensor) => Object.values({ ...args, [which]: tensor });
          refuses(() => call(values(before.tensor)));
          const during = taken(args[which]);
          const out = { [first]: new Float64Array(size).fill(7) };
          const request = {
            get out() {
              during.take();
              return out;
            },
          };
          refuses(() => call([...values(during.tensor), request]));
          assertEquals(out[first], new Float64Array(size).fill(7));
        }
      }
    });

    it(`${name}: a buffer, before the call or in the getter of another one`, () => {
      for (const taken of Object.values(WAYS)) {
        const before = taken(args[first]);
        before.take();
        const ownLength = before.tensor.data.length;
        const error = assertThrows(
          () => call([...Object.values(args), { out: { [first]: before.tensor } }]),
          RangeError,
        );
        assertMatch(error.message, new RegExp(`must hold ${size} numbers.*length is ${ownLength}`));
        const during = taken(args[first]);
        const out = {
          [first]: during.tensor,
          get unused() {
            during.take();
            return undefined;
          },
        };
        refuses(() => call([...Object.values(args), { wrt: [first], out }]));
      }
    });
  }

  const x = new Tensor(Float64Array.of(1, 2, 3), [1, 3]);

  it("a loss with a weight", () => {
    for (const taken of Object.values(WAYS)) {
      const row = new Tensor(Float64Array.of(1, 2, 3), [3]);
      const makers: ((weight: Tensor) => () => unknown)[] = [
        (weight) => () => new MSELoss({ weight }).forward(row, 0),
        (weight) => () => new BCEWithLogitsLoss({ posWeight: weight }).forward(row, row),
        (weight) => () => new CrossEntropyLoss({ weight }).forward(x, [1]),
        (weight) => () => new NLLLoss({ weight }).forward(x, [1]),
        (weight) => () => new MultiMarginLoss({ weight }).forward(x, [1]),
        (weight) => () => new MultiLabelSoftMarginLoss({ weight }).forward(x, x),
        (weight) => () =>
          new LinearCrossEntropyLoss({ ...layer, inFeatures: 3, numClasses: 3, weight }).forward(
            x,
            [1],
          ),
      ];
      for (const make of makers) {
        const { tensor, take } = taken(row);
        take();
        refuses(make(tensor));
      }
    }
  });

  it("a loss that holds its weight already", () => {
    const { tensor, take } = WAYS.detached(x);
    const loss = new MSELoss({ weight: tensor });
    const entropy = new CrossEntropyLoss({ weight: new Tensor(tensor.data, [3]) });
    loss.forward(x, 0);
    take();
    refuses(() => loss.forward(x, 0));
    refuses(() => entropy.forward(x, [1]));
  });

  it("an upstream gradient", () => {
    const loss = new MSELoss({ reduction: "none" });
    for (const taken of Object.values(WAYS)) {
      const before = taken(x);
      before.take();
      refuses(() => loss.valueAndGrad(x, x, { gradOutput: before.tensor }));
      const during = taken(x);
      const request = {
        gradOutput: during.tensor,
        get out() {
          during.take();
          return {};
        },
      };
      refuses(() => loss.valueAndGrad(x, x, request));
    }
  });

  it("a loss with parameters, which can be set again", () => {
    const loss = new LinearCrossEntropyLoss({ inFeatures: 3, numClasses: 2 });
    const { buffer } = loss.parameters["linear.weight"].data;
    structuredClone(buffer, { transfer: [buffer as ArrayBuffer] });
    refuses(() => loss.forward(x, [1]));
    loss.setParameters({ "linear.weight": [[1, 0, 0], [0, 1, 0]] });
    assertEquals(loss.forward(x, [1]).item(), Math.log1p(Math.exp(-1)));
  });

  it("a distance function that takes its arguments or buffers away", () => {
    for (const thief of ["forward", "valueAndGrad"] as const) {
      for (const which of ["anchor", "out"] as const) {
        const anchor = WAYS.detached(x);
        const out = WAYS.detached(x);
        const distanceFunction = {
          forward: pairwiseDistance.forward,
          valueAndGrad: pairwiseDistance.valueAndGrad,
          [thief](...args: unknown[]) {
            const result = pairwiseDistance[thief](...args as [Tensor, Tensor]);
            const { tensor, take } = which === "anchor" ? anchor : out;
            if (tensor.data.length > 0) take();
            return result;
          },
        } as DistanceFunction;
        const loss = new TripletMarginWithDistanceLoss({ distanceFunction });
        assertThrows(
          () => loss.valueAndGrad(anchor.tensor, x, x, { out: { anchor: out.tensor } }),
          RangeError,
        );
      }
    }
  });
});

const x0 = new Tensor(new Float32Array(0), [0]);

describe("a value that cannot be read is described in the error", () => {
  const boom = (): never => {
    throw new Error("a getter");
  };
  const cases: [what: string, value: unknown, shown: string][] = [
    ["no prototype", Object.create(null), "an object of class Object"],
    ["a class whose name is a symbol", { constructor: { name: Symbol("x") } }, "class Object"],
    ["a class without name", new (class {})(), "an object of class Object"],
    ["a class with a long name", { constructor: { name: "x".repeat(1e6) } }, `${"x".repeat(40)}…`],
    [
      "a class behind a getter that throws",
      Object.create(null, { constructor: { get: boom } }),
      "an object that cannot be read",
    ],
    ["a symbol", Symbol("x"), "Symbol(x)"],
    ["a long symbol", Symbol("x".repeat(1e6)), `Symbol(${"x".repeat(33)}…`],
    ["a long bigint", 10n ** 100n, `1${"0".repeat(39)}…n`],
  ];
  for (const [what, value, shown] of cases) {
    it(what, () => {
      const mse = new MSELoss();
      const error = assertThrows(() => mse.forward(value as never, 0), TypeError, shown);
      assertMatch(error.message, /^Cannot read input as it must be a number, an array/);
    });
  }

  it("as a shape", () => {
    for (const part of [Symbol("x"), Object.create(null, { constructor: { get: boom } }), 1n]) {
      const shape = [part, 2];
      const foreign = { data: [1, 2], shape } as never;
      const message = "Cannot read input as its shape must be an array of whole numbers";
      assertThrows(() => new MSELoss().forward(foreign, 0), TypeError, message);
    }
    // Arrays that have lost their methods.
    const shape = Object.assign([0.5, 2], { map: null, join: null });
    const foreign = { data: [1], shape };
    assertThrows(() => new MSELoss().forward(foreign, 0), TypeError, "current value is [0.5, 2]");
  });
});

describe("an option that cannot be read", () => {
  it("is refused by name", () => {
    const labelSmoothing = { [Symbol.toPrimitive]: 1 } as never;
    assertThrows(
      () => new LinearCrossEntropyLoss({ inFeatures: 1, numClasses: 1, labelSmoothing }),
      TypeError,
      "as labelSmoothing must be between 0 and 1: current value is an object of class Object",
    );
    for (const part of [Symbol("x"), Object.create(null)]) {
      const weight = { data: [1], shape: [part] } as never;
      const message = "Cannot read weight as its shape must be an array of whole numbers";
      assertThrows(() => new MSELoss({ weight }), TypeError, message);
      assertThrows(() => new CrossEntropyLoss({ weight }), TypeError, message);
    }
  });
});

describe("a list in a formula", () => {
  it("whose memory was detached is refused", () => {
    const x = Float64Array.of(1, 2);
    structuredClone(x.buffer, { transfer: [x.buffer] });
    const message = "Cannot evaluate the formula as the memory of 'x' must not be detached";
    assertThrows(() => new Formula("x + 1").evaluate({ x }), TypeError, message);
    assertEquals(new Formula("x + 1").evaluate({ x: new Float64Array(0) }).length, 0);
  });

  it("without end is refused, whether or not there is memory for it", () => {
    for (const length of [2 ** 32 - 1, 2 ** 53 - 1]) {
      const x = { length };
      const error = assertThrows(() => new Formula("x + 1").evaluate({ x }));
      assert(error instanceof TypeError || error instanceof RangeError);
      assertMatch(error.message, /^Cannot evaluate the formula as 'x' must (fit into memory|hold)/);
    }
  });
});

describe("a typed array without a class", () => {
  it("is read by what it holds", () => {
    for (const constructor of [undefined, null, 1]) {
      const data = Object.defineProperty(Int8Array.of(1, 3), "constructor", { value: constructor });
      assertEquals(int32({ data, shape: [2] }).toArray(), [1, 3]);
      assertEquals(int32({ data, shape: [1], strides: [1], offset: 1 }).toArray(), [3]);
    }
  });
});

describe("a buffer that only says that it is long enough", () => {
  it("is refused, alone and in a tensor", () => {
    const x = float64([1, 2, 3]);
    const fake = Object.defineProperty(new Float64Array(1), "length", { value: 3 });
    for (const input of [fake, new Tensor(fake, [3])]) {
      assertThrows(
        () => new PoissonNLLLoss().valueAndGrad(x, x, { out: { input } }),
        RangeError,
        "Cannot compute PoissonNLLLoss as out.input must hold 3 numbers, as input does: current length is 1",
      );
    }
  });
});

describe("an upstream gradient of true or false", () => {
  it("is 1 or 0, as in every tensor", () => {
    const x = float64([1, 2, 3]);
    for (const reduction of ["mean", "none"] as const) {
      const loss = new MSELoss({ reduction });
      const grad = (gradOutput: number | boolean) =>
        loss.valueAndGrad(x, [2, 0, 0], { gradOutput }).grad.input;
      assertEquals(grad(true), grad(1));
      assertEquals(grad(false), grad(0));
    }
  });
});

describe("memory that is detached", () => {
  it("is told from an empty array", () => {
    for (const Numbers of [Float32Array, Float64Array, Int32Array, Uint8Array, BigInt64Array]) {
      const data = new Numbers(3);
      structuredClone(data.buffer, { transfer: [data.buffer] });
      for (const given of [data, { data, shape: [0] }]) {
        assertThrows(
          () => new MSELoss().forward(x0, given),
          TypeError,
          `Cannot read target as its memory must not be detached: current value is a detached ${Numbers.name}`,
        );
      }
      assertEquals(new MSELoss({ reduction: "sum" }).forward(x0, new Numbers(0)).item(), 0);
    }
  });

  it("has no numbers to take from a tensor, but can be printed", () => {
    const { tensor, take } = WAYS.detached(new Tensor(Float64Array.of(1), [1]));
    take();
    const message =
      "Cannot read the tensor as its memory must not be detached, resized or freed: " +
      "its shape (1,) holds 1 numbers, current length is 0";
    assertThrows(() => tensor.item(), RangeError, message);
    assertThrows(() => tensor.toArray(), RangeError, message);
    assertEquals(`${tensor}`, "tensor(memory detached, resized or freed, size=(1))");
  });
});

describe("a shape that its caller changes", () => {
  it("changes no tensor", () => {
    const shape = [2, 3];
    const tensor = new Tensor(new Float64Array(6), shape);
    shape[0] = 99;
    shape.push(1);
    assertEquals(tensor.shape, [2, 3]);
  });

  it("is read once, however often it changes", () => {
    let reads = 0;
    const changing = new Proxy([3], {
      get: (shape, key) => key === "0" ? (reads++ === 0 ? 3 : 1e9) : Reflect.get(shape, key),
    });
    const data = Float64Array.of(1, 2, 3);
    for (
      const make of [
        () => new Tensor(data, changing),
        () => float64(data, changing),
        () => float64({ data, shape: changing }),
      ]
    ) {
      reads = 0;
      assertEquals(make().shape, [3]);
    }
  });
});
