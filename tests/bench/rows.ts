/** What is measured: a subject for each loss, and a row for each loss, shape and dtype. */
import { ctc } from "./ctc_loop.ts";
import {
  counts,
  Draw,
  type FloatType,
  type Input,
  labels,
  labelSets,
  normal,
  rowSigns,
  signs,
  sizeOf,
  type Source,
  uniform,
} from "./inputs.ts";
import * as loops from "./loops.ts";
import type { Loop } from "./loops.ts";

/** A loss and how to call it. Options are the defaults, so that they are the same in all libraries. */
export interface Subject {
  /** The name of our class and of PyTorch's. */
  readonly loss: string;
  /** The arguments in call order. */
  readonly inputs: Readonly<Record<string, Source>>;
  /** The arguments with a gradient: those that a model would have computed. */
  readonly wrt: readonly string[];
  readonly loop: Loop;
  /** Exponentials and logarithms that each number of the first argument needs at least. */
  readonly exp?: number;
  readonly log?: number;
  /** Options with which our class does the same work as PyTorch's. */
  readonly options?: Readonly<Record<string, unknown>>;
}

/** One line of the table. */
export interface Row {
  readonly name: string;
  readonly subject: Subject;
  readonly shape: readonly number[];
  readonly dtype: FloatType;
}

const input = ["input"];
const scores = normal(3);

const ELEMENTWISE: readonly Subject[] = [
  { loss: "L1Loss", inputs: { input: normal(), target: normal() }, wrt: input, loop: loops.l1 },
  { loss: "MSELoss", inputs: { input: normal(), target: normal() }, wrt: input, loop: loops.mse },
  {
    loss: "SmoothL1Loss",
    inputs: { input: normal(), target: normal() },
    wrt: input,
    loop: loops.smoothL1,
  },
  {
    loss: "HuberLoss",
    inputs: { input: normal(), target: normal() },
    wrt: input,
    loop: loops.smoothL1,
  },
  {
    loss: "BCELoss",
    inputs: { input: uniform(0.01, 0.99), target: uniform(0, 1) },
    wrt: input,
    loop: loops.bce,
    log: 2,
  },
  {
    loss: "BCEWithLogitsLoss",
    inputs: { input: scores, target: uniform(0, 1) },
    wrt: input,
    loop: loops.bceWithLogits,
    exp: 1,
    log: 1,
  },
  {
    loss: "KLDivLoss",
    inputs: { input: uniform(-5, -0.1), target: uniform(0.01, 1) },
    wrt: input,
    loop: loops.klDiv,
    log: 1,
  },
  {
    loss: "PoissonNLLLoss",
    inputs: { input: normal(), target: counts(5) },
    wrt: input,
    loop: loops.poissonNLL,
    exp: 1,
  },
  {
    loss: "GaussianNLLLoss",
    inputs: { input: normal(), target: normal(), var: uniform(0.5, 2) },
    wrt: ["input", "var"],
    loop: loops.gaussianNLL,
    log: 1,
  },
  {
    loss: "HingeEmbeddingLoss",
    inputs: { input: uniform(0, 2), target: signs },
    wrt: input,
    loop: loops.hingeEmbedding,
  },
  {
    loss: "MarginRankingLoss",
    inputs: { input1: normal(), input2: normal(), target: signs },
    wrt: ["input1", "input2"],
    loop: loops.marginRanking,
  },
  {
    loss: "SoftMarginLoss",
    inputs: { input: scores, target: signs },
    wrt: input,
    loop: loops.softMargin,
    exp: 1,
    log: 1,
  },
];

const CROSS_ENTROPY: Subject = {
  loss: "CrossEntropyLoss",
  inputs: { input: scores, target: labels },
  wrt: input,
  loop: loops.crossEntropy,
  exp: 1,
};

const COSINE: Subject = {
  loss: "CosineEmbeddingLoss",
  inputs: { input1: normal(), input2: normal(), target: rowSigns },
  wrt: ["input1", "input2"],
  loop: loops.cosineEmbedding,
};

const TRIPLET: Subject = {
  loss: "TripletMarginLoss",
  inputs: { anchor: normal(), positive: normal(), negative: normal() },
  wrt: ["anchor", "positive", "negative"],
  loop: loops.tripletMargin,
};

const MULTI_MARGIN: Subject = {
  loss: "MultiMarginLoss",
  inputs: { input: scores, target: labels },
  wrt: input,
  loop: loops.multiMargin,
};

const MULTI_LABEL_MARGIN: Subject = {
  loss: "MultiLabelMarginLoss",
  inputs: { input: scores, target: labelSets },
  wrt: input,
  loop: loops.multiLabelMargin,
};

const MULTI_LABEL_SOFT_MARGIN: Subject = {
  loss: "MultiLabelSoftMarginLoss",
  inputs: { input: scores, target: counts(2) },
  wrt: input,
  // The mean over classes, then over samples, is the mean over both.
  loop: loops.bceWithLogits,
  exp: 1,
  log: 1,
};

/** CTC of raw scores. PyTorch computes log_softmax first, which is the same work. */
function ctcWithTargets(length: number): Subject {
  return {
    loss: "CTCLoss",
    options: { logits: true },
    inputs: {
      logits: scores,
      targets: (draw, [, batch, classes]) =>
        draw.integers([batch, length], () => 1 + draw.below(classes - 1)),
      inputLengths: (draw, [time, batch]) => draw.integers([batch], () => time),
      targetLengths: (draw, [, batch]) => draw.integers([batch], () => length),
    },
    wrt: ["logits"],
    loop: ctc,
    exp: 1,
  };
}

/** Every loss once, with a shape that is small enough for a test. */
export const SUBJECTS: readonly (readonly [Subject, readonly number[]])[] = [
  ...ELEMENTWISE.map((subject) => [subject, [37]] as const),
  [CROSS_ENTROPY, [3, 5, 2, 4]],
  [COSINE, [5, 7]],
  [TRIPLET, [5, 7]],
  [MULTI_MARGIN, [4, 9]],
  [MULTI_LABEL_MARGIN, [4, 9]],
  [MULTI_LABEL_SOFT_MARGIN, [4, 9]],
  [ctcWithTargets(4), [12, 3, 6]],
];

function rowOf(subject: Subject, shape: readonly number[], dtype: FloatType = "float32"): Row {
  const power = Math.log2(shape[0]);
  const size = shape.length > 1 ? shape.join("×") : power > 3 ? `2^${power}` : `${shape[0]}`;
  const name = subject.loss.replace(/Loss$/, "");
  return {
    name: dtype === "float32" ? `${name} ${size}` : `${name} ${size} ${dtype}`,
    subject,
    shape,
    dtype,
  };
}

function named(...losses: string[]): Subject[] {
  return ELEMENTWISE.filter(({ loss }) => losses.includes(loss));
}

const [MSE, BCE_WITH_LOGITS] = named("MSELoss", "BCEWithLogitsLoss");

/** The rows of the table of speed, over which geometric means are taken. */
export const ROWS: readonly Row[] = [
  ...ELEMENTWISE.map((subject) => rowOf(subject, [2 ** 20])),
  ...named("MSELoss", "SmoothL1Loss", "BCEWithLogitsLoss").map((s) => rowOf(s, [2 ** 24])),
  rowOf(CROSS_ENTROPY, [8, 10]),
  rowOf(CROSS_ENTROPY, [256, 1000]),
  rowOf(CROSS_ENTROPY, [1024, 1000]),
  rowOf(CROSS_ENTROPY, [1024, 32000]),
  rowOf(CROSS_ENTROPY, [4, 21, 128, 128]),
  rowOf(MULTI_MARGIN, [1024, 1000]),
  rowOf(MULTI_LABEL_MARGIN, [1024, 1000]),
  rowOf(MULTI_LABEL_SOFT_MARGIN, [1024, 1000]),
  rowOf(COSINE, [4096, 256]),
  rowOf(TRIPLET, [4096, 256]),
  rowOf(ctcWithTargets(30), [150, 16, 64]),
  rowOf(ctcWithTargets(120), [1000, 8, 128]),
];

/** Rows with so few elements that calls are only overhead. */
export const CALL_ROWS: readonly Row[] = named("MSELoss", "SmoothL1Loss", "BCEWithLogitsLoss")
  .map((subject) => rowOf(subject, [8]));

/** Some of {@linkcode ROWS} in float64. */
export const DOUBLE_ROWS: readonly Row[] = [
  ...named("MSELoss", "SmoothL1Loss", "BCELoss", "BCEWithLogitsLoss", "PoissonNLLLoss")
    .map((subject) => rowOf(subject, [2 ** 20], "float64")),
  rowOf(CROSS_ENTROPY, [1024, 1000], "float64"),
  rowOf(COSINE, [4096, 256], "float64"),
  rowOf(ctcWithTargets(30), [150, 16, 64], "float64"),
];

/** Rows of which the memory is measured: the most numbers under one softmax, the most elements, the longest recursion. */
export const MEMORY_ROWS: readonly Row[] = [
  rowOf(CROSS_ENTROPY, [1024, 32000]),
  rowOf(BCE_WITH_LOGITS, [2 ** 24]),
  rowOf(ctcWithTargets(120), [1000, 8, 128]),
];

/** The losses of which the growth with size is measured, by the length of a row of scores; 1 if there are none. */
export const GROWING: readonly { readonly subject: Subject; readonly classes: number }[] = [
  { subject: MSE, classes: 1 },
  { subject: BCE_WITH_LOGITS, classes: 1 },
  { subject: CROSS_ENTROPY, classes: 1000 },
];

/** A row of about `size` elements. */
export function growingRow({ subject, classes }: (typeof GROWING)[number], size: number): Row {
  return rowOf(subject, classes === 1 ? [size] : [Math.round(size / classes), classes]);
}

/** Sizes from 2^10 to 2^26, or to 2^24 where there are classes. */
export const GROWTH_ROWS: readonly Row[] = GROWING.flatMap((growing) => {
  const last = growing.classes === 1 ? 26 : 24;
  return Array.from({ length: (last - 10) / 2 + 1 }, (_, i) => {
    const row = growingRow(growing, 2 ** (10 + 2 * i));
    return { ...row, name: `${row.name} (growth)` };
  });
});

/** Finds a row by its name. */
export function rowNamed(name: string): Row {
  const row = [...ROWS, ...CALL_ROWS, ...DOUBLE_ROWS, ...GROWTH_ROWS]
    .find((row) => row.name === name);
  if (row === undefined) throw new RangeError(`Cannot find the row as there is no "${name}"`);
  return row;
}

/** Draws the arguments of a row. */
export function inputsOf({ subject, shape, dtype }: Row): Record<string, Input> {
  const draw = new Draw(dtype);
  return Object.fromEntries(
    Object.entries(subject.inputs).map(([name, source]) => [name, source(draw, shape)]),
  );
}

/** Bytes that every library must read and write: all arguments and all gradients. */
export function bytesOf({ subject, shape, dtype }: Row, inputs: Record<string, Input>): number {
  const read = Object.values(inputs).reduce((sum, { data }) => sum + data.byteLength, 0);
  return read + subject.wrt.length * sizeOf(shape) * (dtype === "float32" ? 4 : 8);
}
