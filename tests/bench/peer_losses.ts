/**
 * Losses made of operations that all tensor libraries have, in the stable forms that their documentation recommends. They are
 * written once for all peers. If a library has a loss of its own, that one is measured instead.
 */
import { type Input, sizeOf } from "./inputs.ts";
import type { Row } from "./rows.ts";

type Operand<T> = T | number;

/** The operations that the losses below use. */
export interface Ops<T> {
  add(a: Operand<T>, b: Operand<T>): T;
  sub(a: Operand<T>, b: Operand<T>): T;
  mul(a: Operand<T>, b: Operand<T>): T;
  div(a: Operand<T>, b: Operand<T>): T;
  max(a: Operand<T>, b: Operand<T>): T;
  min(a: Operand<T>, b: Operand<T>): T;
  abs(a: T): T;
  exp(a: T): T;
  log(a: T): T;
  log1p(a: T): T;
  sqrt(a: T): T;
  equal(a: T, b: Operand<T>): T;
  where(condition: T, a: Operand<T>, b: Operand<T>): T;
  /** The sum along an axis, which is removed unless it is kept with length 1. */
  sum(a: T, axis: number, keep?: boolean): T;
  logSumExp(a: T, axis: number): T;
  mean(a: T): T;
}

/** Computes a mean loss; class labels are given as one-hot vectors. */
export type PeerLoss = <T>(o: Ops<T>, args: readonly T[]) => T;

const square: <T>(o: Ops<T>, a: T) => T = (o, a) => o.mul(a, a);

/** q² / 2 + |e| - q with q = min(|e|, 1), as tfjs cannot differentiate a choice by |e| < 1. */
const smoothL1: PeerLoss = (o, [x, y]) => {
  const e = o.abs(o.sub(x, y));
  const q = o.min(e, 1);
  return o.mean(o.sub(o.add(o.mul(0.5, square(o, q)), e), q));
};

/** max(z, 0) + log1p(exp(-|z|)) */
function softplus<T>(o: Ops<T>, z: T): T {
  return o.add(o.max(z, 0), o.log1p(o.exp(o.mul(-1, o.abs(z)))));
}

const bceWithLogits: PeerLoss = (o, [x, y]) => o.mean(o.sub(softplus(o, x), o.mul(x, y)));

function distance<T>(o: Ops<T>, a: T, b: T): T {
  return o.sqrt(o.sum(square(o, o.add(o.sub(a, b), 1e-6)), 1));
}

/** The losses by name. Those that are missing would need loops over labels or time. */
export const PEER_LOSSES: Readonly<Record<string, PeerLoss>> = {
  L1Loss: (o, [x, y]) => o.mean(o.abs(o.sub(x, y))),
  MSELoss: (o, [x, y]) => o.mean(square(o, o.sub(x, y))),
  SmoothL1Loss: smoothL1,
  HuberLoss: smoothL1,
  BCELoss: (o, [p, y]) =>
    o.mul(
      -1,
      o.mean(o.add(o.mul(y, o.log(p)), o.mul(o.sub(1, y), o.log(o.sub(1, p))))),
    ),
  BCEWithLogitsLoss: bceWithLogits,
  MultiLabelSoftMarginLoss: bceWithLogits,
  KLDivLoss: (o, [x, y]) => o.mean(o.mul(y, o.sub(o.log(y), x))),
  PoissonNLLLoss: (o, [x, y]) => o.mean(o.sub(o.exp(x), o.mul(y, x))),
  GaussianNLLLoss: (o, [x, y, variance]) => {
    const v = o.max(variance, 1e-6);
    return o.mul(0.5, o.mean(o.add(o.log(v), o.div(square(o, o.sub(x, y)), v))));
  },
  HingeEmbeddingLoss: (o, [x, y]) => o.mean(o.where(o.equal(y, 1), x, o.max(o.sub(1, x), 0))),
  MarginRankingLoss: (o, [x1, x2, y]) => o.mean(o.max(o.mul(y, o.sub(x2, x1)), 0)),
  SoftMarginLoss: (o, [x, y]) => o.mean(softplus(o, o.mul(-1, o.mul(y, x)))),
  CrossEntropyLoss: (o, [x, oneHot]) =>
    o.mean(o.sub(o.logSumExp(x, 1), o.sum(o.mul(x, oneHot), 1))),
  MultiMarginLoss: (o, [x, oneHot]) => {
    const right = o.sum(o.mul(x, oneHot), 1, true);
    return o.mean(o.mul(o.max(o.add(o.sub(1, right), x), 0), o.sub(1, oneHot)));
  },
  CosineEmbeddingLoss: (o, [x1, x2, y]) => {
    const norms = o.sqrt(o.mul(o.sum(square(o, x1), 1), o.sum(square(o, x2), 1)));
    const cosine = o.div(o.sum(o.mul(x1, x2), 1), norms);
    return o.mean(o.where(o.equal(y, 1), o.sub(1, cosine), o.max(cosine, 0)));
  },
  TripletMarginLoss: (o, [a, p, n]) =>
    o.mean(o.max(o.add(o.sub(distance(o, a, p), distance(o, a, n)), 1), 0)),
};

/** The arguments in the form that peers need, with class labels as one-hot vectors in the shape of the scores. */
export function peerInputs({ subject, shape }: Row, inputs: Record<string, Input>): Input[] {
  return Object.values(inputs).map((input) =>
    input.data instanceof Int32Array && subject.loss in PEER_LOSSES ? oneHot(input, shape) : input
  );
}

function oneHot({ data: labels }: Input, shape: readonly number[]): Input {
  const [batch, classes] = shape;
  const data = new Float32Array(sizeOf(shape));
  const inner = labels.length / batch;
  labels.forEach((label, sample) => {
    const first = Math.floor(sample / inner) * classes * inner + sample % inner;
    data[first + label * inner] = 1;
  });
  return { data, shape };
}
