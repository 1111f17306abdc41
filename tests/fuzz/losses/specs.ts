/** How each loss is called: which shapes go together, which options there are, what can be differentiated. */
import fc from "fast-check";
import type { Draft, Option, Spec } from "./call.ts";
import {
  floatForm,
  labelForm,
  labels,
  numbersOf,
  plain,
  type Regime,
  regimes,
  shapes,
  smaller,
  tensor,
  trailing,
} from "./draw.ts";
import { type Form, give, type Given, sizeOf, typeOf } from "./given.ts";

/** Options of which each may be there or not. */
function optional(
  options: Readonly<Record<string, fc.Arbitrary<Option>>>,
): fc.Arbitrary<Record<string, Option>> {
  return fc.record(options, { requiredKeys: [] }) as fc.Arbitrary<Record<string, Option>>;
}

const reductions = { reduction: fc.constantFrom("mean", "sum", "none") };
const positive = fc.constantFrom(1, 0.5, 2, 0.1, 3, Infinity, 1e-3);
const margins = fc.constantFrom(1, 0, 0.5, 2, -0.5, 0.3);

/** The shape that arguments are read along. */
function along(...given: readonly Pick<Given, "shape">[]): number[] {
  const rank = Math.max(...given.map(({ shape }) => shape.length));
  return Array.from(
    { length: rank },
    (_, axis) =>
      given.map(({ shape }) => shape.length === 0 ? 1 : shape[axis]).find((n) => n !== 1) ?? 1,
  );
}

/** Two arguments of shapes that go together, with a weight if there is one. */
function pair(
  loss: string,
  options: Readonly<Record<string, fc.Arbitrary<Option>>>,
  {
    second = "target",
    hasWeight = false,
    numbers = (regime: Regime) => numbersOf(regime),
    secondNumbers = numbers,
    others = ["target"],
  }: {
    second?: string;
    hasWeight?: boolean;
    numbers?: (regime: Regime) => fc.Arbitrary<number>;
    secondNumbers?: (regime: Regime) => fc.Arbitrary<number>;
    others?: string[];
  } = {},
): Spec {
  return {
    loss,
    drafts: fc.tuple(shapes(0, 3), regimes).chain(([shape, regime]) =>
      fc.tuple(smaller(shape), smaller(shape)).chain(([one, other]) => {
        const [a, b] = [{ shape: one }, { shape: other }];
        const own = along(a, b);
        return fc.record({
          args: fc.record({
            input: tensor(one, numbers(regime)),
            [second]: tensor(other, secondNumbers(regime)),
          }),
          options: optional({
            ...reductions,
            ...options,
            ...hasWeight && {
              weight: tensor(own, numbersOf(regime === "extreme" ? "plain" : regime)),
            },
          }),
        });
      })
    ),
    gradients: ({ options }) => ({
      defaults: ["input"],
      others: [...others, ...hasWeight && "weight" in options ? ["weight"] : []],
    }),
    valueShape: ({ args }) => along(...Object.values(args)),
  };
}

const signs = fc.constantFrom(1, -1);
const share = fc.oneof(
  fc.integer({ min: 0, max: 2 ** 20 }).map((k) => k / 2 ** 20),
  fc.constantFrom(0, 1, 0.5, 1e-30, 1e-12),
);

/** Class weights, mostly positive. */
const classWeight = (classes: number) =>
  fc.oneof(
    tensor([classes], fc.integer({ min: 1, max: 64 }).map((k) => k / 16)),
    tensor([classes], fc.constantFrom(0, 1, 2, 0.5)),
  );

/** Class weights in the type of the tensors beside them, or of none: another one is refused. */
function weightLike(classes: number, ...others: readonly Given[]): fc.Arbitrary<Given> {
  const types = others.map(typeOf).filter((type) => type === "float32" || type === "float64");
  return classWeight(classes).map((weight) => {
    const own = typeOf(weight);
    const differs = own !== undefined && types.some((type) => type !== own);
    return differs ? give("array", weight.shape, weight.data) : weight;
  });
}

/** Scores with a class axis, and labels or probabilities. */
function classified(loss: string, hasProbabilities: boolean): Spec {
  const shape = fc.oneof(
    fc.constant([]).chain(() => fc.integer({ min: 1, max: 4 }).map((c) => [c])),
    fc.tuple(fc.constantFrom(2, 1, 3, 0), fc.integer({ min: 1, max: 5 })).map((s) => [...s]),
    fc.tuple(
      fc.constantFrom(2, 1),
      fc.integer({ min: 1, max: 4 }),
      fc.constantFrom(2, 1, 3),
      fc.constantFrom(1, 2),
    ).map((s) => [...s]),
  );
  return {
    loss,
    drafts: fc.tuple(shape, regimes, fc.boolean()).chain(([shape, regime, isLabel]) => {
      const axis = shape.length === 1 ? 0 : 1;
      const classes = shape[axis];
      const sampleShape = shape.filter((_, i) => i !== axis);
      const usesLabels = isLabel || !hasProbabilities;
      const target = usesLabels
        ? labels(
          sampleShape,
          fc.oneof(
            { arbitrary: fc.integer({ min: 0, max: classes - 1 }), weight: 6 },
            { arbitrary: fc.constant(-100), weight: 1 },
          ),
        )
        : tensor(shape, share, floatForm.map((form) => form === "number" ? "array" : form));
      return fc.tuple(tensor(shape, numbersOf(regime)), target).chain(([input, target]) =>
        fc.record({
          args: fc.constant({ input, target }),
          options: optional({
            ...reductions,
            weight: weightLike(classes, input, target),
            ...usesLabels && { ignoreIndex: fc.constantFrom(-100, 0, classes - 1) },
            ...hasProbabilities && { labelSmoothing: fc.constantFrom(0, 0.1, 1, 0.5) },
          }),
        })
      ).map((draft) => withoutStrangers(draft, usesLabels));
    }),
    gradients: ({ args, options }) => {
      const isLabel = String(args.target.shape) !== String(args.input.shape);
      const others = isLabel ? [] : ["target", ...("weight" in options ? ["weight"] : [])];
      return { defaults: ["input"], others };
    },
    valueShape: ({ args: { input: { shape } } }) =>
      shape.filter((_, i) => i !== (shape.length === 1 ? 0 : 1)),
  };
}

/** Labels of -100 need an ignoreIndex of -100. */
function withoutStrangers(draft: Draft, usesLabels: boolean): Draft {
  const { ignoreIndex = -100 } = draft.options;
  if (!usesLabels || ignoreIndex === -100) return draft;
  const { target } = draft.args;
  const data = target.data.map((label) => label === -100 ? ignoreIndex as number : label);
  return { ...draft, args: { ...draft.args, target: give(target.form, target.shape, data) } };
}

/** Rows of scores, (C) or (N, C). */
const scoreShape = fc.oneof(
  fc.integer({ min: 1, max: 5 }).map((c) => [c]),
  fc.tuple(fc.constantFrom(2, 1, 3, 0), fc.integer({ min: 1, max: 5 })).map((s) => [...s]),
);

const multiMargin: Spec = {
  loss: "MultiMarginLoss",
  drafts: fc.tuple(scoreShape, regimes, fc.boolean()).chain(([shape, regime, isList]) => {
    const classes = shape[shape.length - 1];
    const sampleShape = shape.length === 1 ? (isList ? [1] : []) : [shape[0]];
    return tensor(shape, numbersOf(regime, "float32")).chain((input) =>
      fc.record({
        args: fc.record({
          input: fc.constant(input),
          target: labels(sampleShape, fc.integer({ min: 0, max: classes - 1 })),
        }),
        options: optional({
          ...reductions,
          p: fc.constantFrom(1, 2),
          margin: margins,
          weight: weightLike(classes, input),
        }),
      })
    );
  }),
  gradients: () => ({ defaults: ["input"], others: [] }),
  valueShape: ({ args }) => args.target.shape,
};

const multiLabelMargin: Spec = {
  loss: "MultiLabelMarginLoss",
  drafts: fc.tuple(scoreShape, regimes).chain(([shape, regime]) =>
    fc.record({
      args: fc.record({
        input: tensor(shape, numbersOf(regime, "float32")),
        target: labels(shape, fc.integer({ min: -1, max: shape[shape.length - 1] - 1 })),
      }),
      options: optional(reductions),
    })
  ),
  gradients: () => ({ defaults: ["input"], others: [] }),
  valueShape: ({ args }) => args.input.shape.slice(0, -1),
};

const multiLabelSoftMargin: Spec = {
  loss: "MultiLabelSoftMarginLoss",
  drafts: fc.tuple(shapes(1, 3), regimes).chain(([shape, regime]) =>
    smaller(shape).chain((other) =>
      fc.record({
        args: fc.record({
          input: tensor(shape, numbersOf(regime)),
          target: tensor(other, regime === "whole" ? fc.constantFrom(0, 1) : share),
        }),
        options: trailing(shape).chain((weightShape) =>
          optional({ ...reductions, weight: tensor(weightShape, plain) })
        ),
      })
    )
  ),
  gradients: ({ options }) => ({
    defaults: ["input"],
    others: ["target", ...("weight" in options ? ["weight"] : [])],
  }),
  valueShape: ({ args }) => along(args.input, args.target).slice(0, -1),
};

/** A loss whose arguments must have the same shape and whose weights are repeated. */
function binary(
  loss: string,
  numbers: (regime: Regime) => fc.Arbitrary<number>,
  targets: fc.Arbitrary<number>,
  hasPosWeight: boolean,
): Spec {
  return {
    loss,
    drafts: fc.tuple(shapes(0, 3), regimes, floatForm).chain(([shape, regime, form]) =>
      fc.record({
        // BCELoss takes arguments of one type only.
        args: fc.record({
          input: tensor(shape, numbers(regime), fc.constant(form)),
          target: tensor(shape, targets, fc.constant(form)),
        }),
        options: fc.tuple(trailing(shape), trailing(shape)).chain(([one, other]) =>
          optional({
            ...reductions,
            weight: tensor(one, plain),
            ...hasPosWeight && { posWeight: tensor(other, fc.constantFrom(1, 0, 3, 0.25)) },
          })
        ),
      })
    ),
    gradients: () => ({ defaults: ["input"], others: ["target"] }),
    valueShape: ({ args }) => args.input.shape,
  };
}

/** Numbers whose squares are finite in float32 too. */
const residuals = (regime: Regime) =>
  regime === "extreme" ? fc.oneof(plain, fc.constantFrom(0, 1e15, -1e6, 1e-6)) : numbersOf(regime);

const gaussian: Spec = {
  loss: "GaussianNLLLoss",
  drafts: fc.tuple(shapes(0, 3), regimes, fc.constantFrom("same", "row", "axis", "one")).chain(
    ([shape, regime, kind]) => {
      const axis = shape.length - 1;
      const varShape = kind === "one" || shape.length === 0
        ? []
        : kind === "row"
        ? shape.slice(0, -1)
        : shape.map((n, i) => kind === "axis" && i === axis ? 1 : n);
      const isSmall = regime !== "extreme";
      return fc.record({
        args: fc.record({
          input: tensor(shape, residuals(regime)),
          target: tensor(shape, residuals(regime)),
          var: tensor(
            varShape,
            fc.oneof(
              plain.map(Math.abs),
              fc.constantFrom(0, 1, 2, ...(isSmall ? [1e-8] : [1e-12, 1e12])),
            ),
          ),
        }),
        options: optional({
          ...reductions,
          full: fc.boolean(),
          eps: fc.constantFrom(1e-6, 1e-3, 0.5),
        }),
      });
    },
  ),
  gradients: () => ({ defaults: ["input", "var"], others: ["target"] }),
  valueShape: ({ args }) => args.input.shape,
};

const marginRanking: Spec = {
  loss: "MarginRankingLoss",
  drafts: fc.tuple(shapes(0, 3), regimes).chain(([shape, regime]) =>
    fc.tuple(smaller(shape, false), smaller(shape, false), smaller(shape, false)).chain(
      ([one, two, three]) =>
        fc.record({
          args: fc.record({
            input1: tensor(one, numbersOf(regime)),
            input2: tensor(two, numbersOf(regime)),
            target: tensor(three, signs),
          }),
          options: optional({ ...reductions, margin: margins }),
        }),
    )
  ),
  gradients: () => ({ defaults: ["input1", "input2"], others: ["target"] }),
  valueShape: ({ args }) => along(...Object.values(args)),
};

const softMargin: Spec = {
  loss: "SoftMarginLoss",
  drafts: fc.tuple(shapes(0, 3), regimes).chain(([shape, regime]) =>
    smaller(shape).chain((other) =>
      fc.record({
        args: fc.record({
          input: tensor(shape, numbersOf(regime)),
          target: tensor(other, signs),
        }),
        options: optional(reductions),
      })
    )
  ),
  gradients: () => ({ defaults: ["input"], others: [] }),
  valueShape: ({ args }) => args.input.shape,
};

const dims = fc.constantFrom(-1, 0, 1, -2);

const softmax = (loss: string): Spec => ({
  loss,
  isHelper: true,
  drafts: fc.tuple(shapes(0, 3), regimes, dims).chain(([shape, regime, dim]) => {
    const rank = Math.max(1, shape.length);
    return fc.record({
      args: fc.record({ input: tensor(shape, numbersOf(regime)) }),
      options: optional(dim >= -rank && dim < rank ? { dim: fc.constant(dim) } : {}),
    });
  }),
  gradients: () => ({ defaults: ["input"], others: [] }),
  valueShape: ({ args }) => args.input.shape,
});

const unary = (loss: string): Spec => ({
  loss,
  isHelper: true,
  drafts: fc.tuple(shapes(0, 3), regimes).chain(([shape, regime]) =>
    fc.record({
      args: fc.record({ input: tensor(shape, numbersOf(regime)) }),
      options: fc.constant({}),
    })
  ),
  gradients: () => ({ defaults: ["input"], others: [] }),
  valueShape: ({ args }) => args.input.shape,
});

const norms = fc.constantFrom(2, 1, 3, 0.5, Infinity, 0, 1.5, 0.25);
const epsilons = fc.constantFrom(1e-6, 0, 0.5, 1e-3);

const pairwise: Spec = {
  loss: "pairwiseDistance",
  isHelper: true,
  drafts: fc.tuple(shapes(0, 3), regimes).chain(([shape, regime]) =>
    fc.tuple(smaller(shape), smaller(shape)).chain(([one, other]) =>
      fc.record({
        args: fc.record({
          x1: tensor(one, numbersOf(regime)),
          x2: tensor(other, numbersOf(regime)),
        }),
        options: optional({ p: norms, eps: epsilons, keepdim: fc.boolean() }),
      })
    )
  ),
  gradients: () => ({ defaults: ["x1", "x2"], others: [] }),
  valueShape: ({ args, options }) => {
    const shape = along(args.x1, args.x2);
    return [...shape.slice(0, -1), ...(options.keepdim && shape.length > 0 ? [1] : [])];
  },
};

const cosineSimilarity: Spec = {
  loss: "cosineSimilarity",
  isHelper: true,
  drafts: fc.tuple(shapes(2, 3), regimes).chain(([shape, regime]) =>
    fc.tuple(smaller(shape, false), smaller(shape)).chain(([one, other]) =>
      fc.record({
        args: fc.record({
          x1: tensor(one, numbersOf(regime, "products")),
          x2: tensor(other, numbersOf(regime, "products")),
        }),
        options: optional({ dim: dims, eps: fc.constantFrom(1e-8, 0.5, 10) }),
      })
    )
  ),
  gradients: () => ({ defaults: ["x1", "x2"], others: [] }),
  valueShape: ({ args, options: { dim = 1 } }) => {
    const shape = along(args.x1, args.x2);
    const at = (dim as number) < 0 ? dim as number + shape.length : dim;
    return shape.filter((_, axis) => axis !== at);
  },
};

const cosineEmbedding: Spec = {
  loss: "CosineEmbeddingLoss",
  drafts: fc.tuple(
    fc.constantFrom(2, 1, 3, 0),
    fc.integer({ min: 1, max: 4 }),
    regimes,
    fc.constantFrom("single", "batch", "batch", "one label", "one vector"),
  ).chain(([pairs, length, regime, kind]) => {
    const own = kind === "single" ? [length] : [pairs, length];
    const first = kind === "one vector" ? [1, length] : own;
    const target = kind === "single" ? [] : [kind === "one label" ? 1 : pairs];
    return fc.record({
      args: fc.record({
        input1: tensor(first, numbersOf(regime, "products")),
        input2: tensor(own, numbersOf(regime, "products")),
        target: tensor(target, signs, fc.oneof(floatForm, labelForm)),
      }),
      options: optional({ ...reductions, margin: fc.constantFrom(0, 0.5, -0.5, 0.3) }),
    });
  }),
  gradients: () => ({ defaults: ["input1", "input2"], others: [] }),
  valueShape: ({ args: { input1, input2, target } }) =>
    target.shape.length === 0 ? [] : [
      input2.shape[0] === 1 && input1.shape[0] === 1 ? target.shape[0] : along(input1, input2)[0],
    ],
};

function triplet(loss: string, options: Readonly<Record<string, fc.Arbitrary<Option>>>): Spec {
  const isDistance = loss === "TripletMarginWithDistanceLoss";
  return {
    loss,
    drafts: fc.tuple(
      fc.tuple(fc.constantFrom(2, 1, 3), fc.integer({ min: 1, max: 4 })),
      fc.boolean(),
      regimes,
    ).chain(([[pairs, length], isSingle, regime]) => {
      const shape = isSingle ? [length] : [pairs, length];
      const shapeOf = isDistance ? fc.constant(shape) : smaller(shape, false);
      return fc.tuple(shapeOf, shapeOf, shapeOf).chain(([one, two, three]) =>
        fc.record({
          args: fc.record({
            anchor: tensor(one, numbersOf(regime, isDistance ? "products" : "float64")),
            positive: tensor(two, numbersOf(regime, isDistance ? "products" : "float64")),
            negative: tensor(three, numbersOf(regime, isDistance ? "products" : "float64")),
          }),
          options: optional({
            ...reductions,
            margin: fc.constantFrom(1, 0.5, 2, 10),
            swap: fc.boolean(),
            ...options,
          }),
        })
      );
    }),
    gradients: () => ({ defaults: ["anchor", "positive", "negative"], others: [] }),
    valueShape: ({ args }) => along(...Object.values(args)).slice(0, -1),
  };
}

const maskable = fc.oneof(
  { arbitrary: plain.map((value) => -Math.abs(value)), weight: 6 },
  { arbitrary: fc.constantFrom(-1e30, -Infinity, 0, -1e4), weight: 1 },
);

const ctc: Spec = {
  loss: "CTCLoss",
  drafts: fc.record({
    frames: fc.integer({ min: 1, max: 4 }),
    samples: fc.integer({ min: 1, max: 2 }),
    classes: fc.integer({ min: 2, max: 3 }),
    isBatch: fc.boolean(),
    isPadded: fc.boolean(),
    isLogits: fc.boolean(),
    blank: fc.constantFrom(0, 1),
    /** A class that is masked in every frame, so that no alignment with it goes without. */
    masked: fc.option(fc.record({ c: fc.nat(2), by: fc.constantFrom(-1e30, -1e19, -1e4) }), {
      freq: 3,
    }),
    seed: fc.array(fc.nat(11), { minLength: 12, maxLength: 12 }),
  }).chain(({ frames, samples, classes, isBatch, isPadded, isLogits, blank, masked, seed }) => {
    const count = isBatch ? samples : 1;
    const [inputLengths, targetLengths] = [
      Array.from({ length: count }, (_, b) => 1 + seed[b] % frames),
      Array.from({ length: count }, (_, b) => seed[2 + b] % 3),
    ];
    const longest = Math.max(...targetLengths, 1);
    const symbols = Array.from({ length: classes }, (_, c) => c).filter((c) => c !== blank);
    const label = (i: number) => symbols[seed[4 + i] % symbols.length];
    const targets = isPadded && isBatch
      ? give(
        "array",
        [count, longest],
        Array.from({ length: count * longest }, (_, i) => label(i)),
      )
      : give(
        "array",
        [targetLengths.reduce((sum, n) => sum + n, 0)],
        targetLengths.flatMap((n, b) => Array.from({ length: n }, (_, i) => label(4 * b + i))),
      );
    const shape = isBatch ? [frames, count, classes] : [frames, classes];
    const lengthShape = isBatch ? [count] : [];
    return fc.record({
      args: fc.record({
        [isLogits ? "logits" : "logProbs"]: tensor(shape, isLogits ? plain : maskable).map(
          (scores) =>
            masked === null ? scores : give(
              scores.form,
              scores.shape,
              scores.data.map((score, i) => i % classes === masked.c ? masked.by : score),
            ),
        ),
        targets: fc.constant(targets),
        inputLengths: labelForm.map((form) => give(form, lengthShape, inputLengths)),
        targetLengths: labelForm.map((form) => give(form, lengthShape, targetLengths)),
      }),
      options: optional({ ...reductions, zeroInfinity: fc.boolean() }).map((options) => ({
        ...options,
        ...(blank === 0 ? {} : { blank }),
        ...isLogits && { logits: true },
      })),
    });
  }),
  gradients: ({ args }) => ({ defaults: [Object.keys(args)[0]], others: [] }),
  valueShape: ({ args }) => args.inputLengths.shape,
};

/** The parameters are of one type, which those of the call follow. */
const parameterForm = fc.constantFrom<Form>("array", "float32", "float64");

const linearCrossEntropy: Spec = {
  loss: "LinearCrossEntropyLoss",
  drafts: fc.record({
    features: fc.integer({ min: 1, max: 3 }),
    classes: fc.integer({ min: 1, max: 4 }),
    samples: fc.constantFrom(2, 1, 3, 5),
    outFeatures: fc.constantFrom<number[]>([], [], [2], [2, 1]),
    isSingle: fc.boolean(),
    isLabel: fc.boolean(),
    hasBias: fc.boolean(),
    chunk: fc.constantFrom(0, 1, 2),
    form: parameterForm,
  }).chain(
    ({ features, classes, samples, outFeatures, isSingle, isLabel, hasBias, chunk, form }) => {
      const batch = isSingle && outFeatures.length === 0 ? [] : [samples];
      const rows = classes * sizeOf(outFeatures);
      return fc.record({
        args: fc.record({
          input: tensor([...batch, features], plain),
          target: isLabel
            ? labels([...batch, ...outFeatures], fc.integer({ min: 0, max: classes - 1 }))
            : tensor(
              [...batch, classes, ...outFeatures],
              share,
              floatForm.map((form) => form === "number" ? "array" : form),
            ),
        }),
        parameters: fc.record({
          "linear.weight": tensor([rows, features], plain, fc.constant(form)),
          ...hasBias && { "linear.bias": tensor([rows], plain, fc.constant(form)) },
        }) as fc.Arbitrary<Record<string, Given>>,
        options: optional({
          ...reductions,
          weight: classWeight(classes).map(({ shape, data }) => give("array", shape, data)),
          labelSmoothing: fc.constantFrom(0, 0.1, 1),
          ...isLabel && { ignoreIndex: fc.constantFrom(0, classes - 1) },
        }).map((options) => ({
          inFeatures: features,
          numClasses: classes,
          ...(outFeatures.length > 0 && { outFeatures }),
          ...(hasBias && { bias: true }),
          ...(chunk > 0 && { options: { batchChunkSize: chunk } as unknown as Option }),
          ...options,
        })),
      });
    },
  ),
  gradients: ({ args, options, parameters = {} }) => {
    const outFeatures = (options.outFeatures ?? []) as number[];
    const isLabel = args.target.shape.length !== args.input.shape.length + outFeatures.length;
    return {
      defaults: ["input", ...Object.keys(parameters)],
      others: isLabel ? [] : ["target", ...("weight" in options ? ["weight"] : [])],
    };
  },
  valueShape: ({ args, options }) => [
    ...args.input.shape.slice(0, -1),
    ...(options.outFeatures ?? []) as number[],
  ],
};

const adaptive: Spec = {
  loss: "AdaptiveLogSoftmaxWithLoss",
  drafts: fc.record({
    features: fc.integer({ min: 1, max: 4 }),
    cutoffs: fc.constantFrom([1], [2], [1, 3], [2, 3]),
    more: fc.integer({ min: 1, max: 3 }),
    samples: fc.constantFrom(2, 1, 4),
    isSingle: fc.boolean(),
    hasBias: fc.boolean(),
    divValue: fc.constantFrom(2, 1, 4),
    form: parameterForm,
  }).chain(({ features, cutoffs, more, samples, isSingle, hasBias, divValue, form }) => {
    const classes = cutoffs[cutoffs.length - 1] + more;
    const ends = [...cutoffs, classes];
    const head = cutoffs[0] + cutoffs.length;
    const batch = isSingle ? [] : [samples];
    const parameters: Record<string, fc.Arbitrary<Given>> = {
      "head.weight": tensor([head, features], plain, fc.constant(form)),
      ...hasBias && { "head.bias": tensor([head], plain, fc.constant(form)) },
    };
    cutoffs.forEach((low, i) => {
      const hidden = Math.floor(features / divValue ** (i + 1));
      // A plain array of no rows does not say how long they are.
      const own = fc.constant<Form>(hidden === 0 && form === "array" ? "foreign" : form);
      parameters[`tail.${i}.0.weight`] = tensor([hidden, features], plain, own);
      parameters[`tail.${i}.1.weight`] = tensor([ends[i + 1] - low, hidden], plain, own);
    });
    return fc.record({
      args: fc.record({
        input: tensor([...batch, features], plain),
        target: labels(batch, fc.integer({ min: 0, max: classes - 1 })),
      }),
      parameters: fc.record(parameters) as fc.Arbitrary<Record<string, Given>>,
      options: fc.constant({
        inFeatures: features,
        nClasses: classes,
        cutoffs,
        divValue,
        ...(hasBias && { headBias: true }),
      }),
    });
  }),
  gradients: ({ parameters = {} }) => ({
    defaults: ["input", ...Object.keys(parameters)],
    others: [],
  }),
  valueShape: () => [],
};

const counts = fc.oneof(fc.integer({ min: 0, max: 9 }), plain.map(Math.abs));
const rates = (regime: Regime) => regime === "extreme" ? numbersOf("plain") : numbersOf(regime);
const probabilities = () =>
  fc.oneof(
    fc.integer({ min: 0, max: 2 ** 24 }).map((k) => k / 2 ** 24),
    fc.constantFrom(0, 1, 0.5, 1e-30, 1e-10),
  );

/** Every loss and helper of the package. */
export const SPECS: readonly Spec[] = [
  pair("L1Loss", {}, { hasWeight: true }),
  pair("MSELoss", {}, { hasWeight: true }),
  pair("SmoothL1Loss", { beta: fc.oneof(positive, fc.constantFrom(0, 1e-310)) }, {
    // In float64 alone there are residuals on both sides of so small a beta.
    numbers: (regime) =>
      regime === "extreme"
        ? fc.oneof(numbersOf("extreme"), fc.constantFrom(1e-311, -1e-311, 1e-309))
        : numbersOf(regime),
  }),
  pair("HuberLoss", { delta: positive }, { hasWeight: true }),
  pair("PoissonNLLLoss", {
    logInput: fc.constant(true),
    full: fc.boolean(),
    eps: fc.constantFrom(1e-8, 0),
  }, { numbers: rates, secondNumbers: () => counts }),
  pair("PoissonNLLLoss", {
    logInput: fc.constant(false),
    full: fc.boolean(),
    eps: fc.constantFrom(1e-8, 0, 0.5),
  }, { numbers: () => counts, secondNumbers: () => counts }),
  gaussian,
  pair("KLDivLoss", {
    reduction: fc.constantFrom("mean", "sum", "none", "batchmean"),
  }, { numbers: rates, secondNumbers: () => share }),
  pair("KLDivLoss", {
    reduction: fc.constantFrom("mean", "sum", "none", "batchmean"),
    logTarget: fc.constant(true),
  }, { numbers: rates, secondNumbers: rates }),
  binary("BCELoss", probabilities, probabilities(), false),
  binary("BCEWithLogitsLoss", numbersOf, share, true),
  softMargin,
  pair("HingeEmbeddingLoss", { margin: margins }, { secondNumbers: () => signs, others: [] }),
  marginRanking,
  classified("NLLLoss", false),
  classified("NLLLoss2d", false),
  classified("CrossEntropyLoss", true),
  multiMargin,
  multiLabelMargin,
  multiLabelSoftMargin,
  cosineEmbedding,
  triplet("TripletMarginLoss", { p: norms, eps: epsilons }),
  triplet("TripletMarginWithDistanceLoss", {
    distanceFunction: fc.constantFrom<Option>({ function: "squared" }, { function: "reused" }),
  }),
  ctc,
  linearCrossEntropy,
  adaptive,
  softmax("softmax"),
  softmax("logSoftmax"),
  unary("sigmoid"),
  unary("logSigmoid"),
  pairwise,
  cosineSimilarity,
];
