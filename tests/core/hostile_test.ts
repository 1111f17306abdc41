/** Calls by code that means no good: getters that run other losses, and prototypes with properties of their own. */
import { assertEquals } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import {
  AdaptiveLogSoftmaxWithLoss,
  BCEWithLogitsLoss,
  CosineEmbeddingLoss,
  cosineSimilarity,
  CrossEntropyLoss,
  CTCLoss,
  GaussianNLLLoss,
  HuberLoss,
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
