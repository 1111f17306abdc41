/**
 * Losses that PyTorch does not have, as definitions that the tests compare with the packages that have them, and the stored
 * answers of those packages, with which the notebook your_own_loss.ipynb compares its own.
 *
 * @module
 */

import { float32, float64, type Tensor } from "@lossbook/losses";

/** Easy samples count less: cross entropy times (1 - p) ^ gamma. */
export const focal = {
  name: "FocalLoss",
  arguments: { input: "x", target: "y" },
  options: { gamma: 2, alpha: 0.25 },
  value: "alpha * y * pow(sigmoid(-x), gamma) * softplus(-x) " +
    "+ (1 - alpha) * (1 - y) * pow(sigmoid(x), gamma) * softplus(x)",
} as const;

/** A quantile of the target: being too low costs quantile per unit, being too high the rest of 1. */
export const quantile = {
  name: "QuantileLoss",
  arguments: { input: "x", target: "y" },
  options: { quantile: 0.5 },
  value: "x < y ? quantile * (y - x) : (1 - quantile) * (x - y)",
} as const;

/** log cosh(x - y), in a form that does not overflow. */
export const logCosh = {
  name: "LogCoshLoss",
  arguments: { input: "x", target: "y" },
  value: "abs(x - y) + softplus(-2 * abs(x - y)) - log(2)",
} as const;

/** A parabola near 0, straight lines far away. */
export const huber = {
  name: "HuberLoss",
  arguments: { input: "x", target: "y" },
  options: { delta: 1 },
  value: "abs(x - y) <= delta ? square(x - y) / 2 : delta * (abs(x - y) - delta / 2)",
} as const;

/** A branch of a hyperbola: the absolute value with its kink rounded off. */
export const charbonnier = {
  name: "CharbonnierLoss",
  arguments: { input: "x", target: "y" },
  options: { epsilon: 1e-3 },
  value: "sqrt(square(x - y) + square(epsilon))",
} as const;

/** Does this picture go with this text (y = 1), or not (y = -1)? */
export const sigLip = {
  name: "SigLipLoss",
  arguments: { input: "x", target: "y" },
  options: { scale: 10, bias: -10 },
  value: "softplus(-y * (scale * x + bias))",
} as const;

/** The chosen answer should gain more, compared with a reference model, than the rejected one. */
export const dpo = {
  name: "DpoLoss",
  arguments: { chosen: "c", rejected: "r", refChosen: "a", refRejected: "b" },
  options: { beta: 0.1 },
  value: "softplus(-beta * ((c - a) - (r - b)))",
  wrt: ["chosen", "rejected"],
} as const;

/** Focal loss with two exponents; negatives that are easy enough count nothing. */
export const asymmetric = {
  name: "AsymmetricLoss",
  arguments: { input: "x", target: "y" },
  options: { gammaPos: 1, gammaNeg: 4, clip: 0.05 },
  value: "y * pow(sigmoid(-x), gammaPos) * softplus(-x) " +
    "- (1 - y) * pow(hinge(sigmoid(x) - clip), gammaNeg) * log(min(sigmoid(-x) + clip, 1))",
} as const;

/** One minus the overlap of two masks. */
export const dice = {
  name: "DiceLoss",
  arguments: { input: "x", target: "y" },
  options: { epsilon: 1e-7 },
  rows: { both: "sum(x * y)", all: "sum(x + y)" },
  value: "1 - 2 * both / (all + epsilon)",
} as const;

/** Overlap in which what is missed and what is too much have prices of their own. */
export const tversky = {
  name: "TverskyLoss",
  arguments: { input: "x", target: "y" },
  options: { alpha: 0.5, beta: 0.5, epsilon: 1e-7 },
  rows: { both: "sum(x * y)", missed: "sum((1 - x) * y)", extra: "sum(x * (1 - y))" },
  value: "1 - both / (both + alpha * missed + beta * extra + epsilon)",
} as const;

/** How far the right class is from leading all others by 1. */
export const multiclassHinge = {
  name: "MulticlassHinge",
  arguments: { input: "x", target: "y" },
  rows: { best: "max(x + 1 - y)", right: "sum(x * y)" },
  value: "best - right",
} as const;

/** Which of the others is the second view? y is 1 for that view, -1 for the sample itself, 0 for all others. */
export const ntXent = {
  name: "NtXentLoss",
  arguments: { input: "x", target: "y" },
  options: { temperature: 0.5 },
  rows: {
    positive: "sum(y > 0 ? x : 0)",
    m: "max(y < 0 ? positive : x)",
    s: "sum(y < 0 ? 0 : exp((x - m) / temperature))",
  },
  value: "log(s) - (positive - m) / temperature",
} as const;

/** Cross entropy over probabilities plus epsilon times the probability of being wrong. */
export const poly = {
  name: "PolyLoss",
  arguments: { input: "x", target: "y" },
  options: { epsilon: 1 },
  rows: {
    m: "max(x)",
    s: "sum(exp(x - m))",
    all: "sum(y)",
    inner: "sum(y * (x - m))",
    wrong: "sum(y * (1 - exp(x - m) / s))",
  },
  value: "all * log(s) - inner + epsilon * wrong",
} as const;

/** One minus the cosine of two rows. */
export const cosineDistance = {
  name: "CosineDistance",
  arguments: { input: "x", target: "y" },
  rows: { xy: "sum(x * y)", xx: "sum(x * x)", yy: "sum(y * y)" },
  value: "1 - xy / sqrt(xx * yy)",
} as const;

/** A call of a loss, and what another package answers. */
export interface PeerCase {
  /** The name in the definition. */
  readonly definition: string;
  /** Who computed it: a function of a package, or a formula in PyTorch. */
  readonly peer: string;
  readonly dtype: "float32" | "float64";
  readonly options: Readonly<Record<string, number | string>>;
  /** The arguments, in call order. */
  readonly args: readonly Tensor[];
  readonly gradOutput: number | Tensor;
  readonly value: Tensor;
  /** Gradients by argument. */
  readonly grad: Readonly<Record<string, Tensor>>;
}

interface StoredTensor {
  readonly dtype: "float32" | "float64";
  readonly shape: readonly number[];
  readonly data: readonly number[];
}

interface Stored {
  readonly versions: Readonly<Record<string, string>>;
  readonly cases: readonly (Omit<PeerCase, "args" | "gradOutput" | "value" | "grad"> & {
    readonly args: Readonly<Record<string, StoredTensor>>;
    readonly gradOutput: number | StoredTensor;
    readonly value: StoredTensor;
    readonly grad: Readonly<Record<string, StoredTensor>>;
  })[];
}

function readStored(): Stored {
  const url = new URL("../../fixtures/your_own_loss.json", import.meta.url);
  return JSON.parse(Deno.readTextFileSync(url));
}

function tensor({ dtype, shape, data }: StoredTensor): Tensor {
  return (dtype === "float32" ? float32 : float64)(float64([...data], [...shape]));
}

/** The stored cases of a loss. */
export function peerCases({ name }: NamedLoss): PeerCase[] {
  return readStored().cases.filter(({ definition }) => definition === name).map((stored) => ({
    ...stored,
    args: Object.values(stored.args).map(tensor),
    gradOutput: typeof stored.gradOutput === "number"
      ? stored.gradOutput
      : tensor(stored.gradOutput),
    value: tensor(stored.value),
    grad: Object.fromEntries(Object.entries(stored.grad).map(([key, t]) => [key, tensor(t)])),
  }));
}

/** A loss, of which the name alone says which cases are its own: a definition, or the class that it makes. */
export interface NamedLoss {
  readonly name: string;
}

/** Any class that defineLoss has made. */
export type AnyLossClass = new (options?: never) => {
  valueAndGrad(...args: never[]): { readonly value: Tensor; readonly grad: object };
};

/** The largest difference of a loss from what other packages answer, for one type and one quantity. */
export interface PeerDifference {
  /** The type, the quantity, and how many numbers were compared. */
  readonly name: string;
  /** The difference, as a share of the largest number of its tensor. */
  readonly got: number;
  readonly want: 0;
  /** What rounding may cause. */
  readonly atol: number;
}

/** What rounding may cause, as a share of the largest number of a tensor. */
const ROUNDING = { float64: 1e-12, float32: 1e-5 };

/**
 * Computes a loss in every stored case, value and gradients.
 *
 * @param loss Whose cases.
 * @param Loss The class that computes them.
 * @returns The largest difference for each type and quantity.
 */
export function differencesFromPeers(
  loss: NamedLoss,
  Loss: AnyLossClass,
): PeerDifference[] {
  const found = new Map<string, { count: number; difference: number; atol: number }>();
  const compare = (quantity: string, dtype: PeerCase["dtype"], ours: Tensor, theirs: Tensor) => {
    const name = `${quantity}, ${dtype}`;
    const before = found.get(name) ?? { count: 0, difference: 0, atol: ROUNDING[dtype] };
    found.set(name, {
      ...before,
      count: before.count + theirs.data.length,
      difference: Math.max(before.difference, relativeDifference(ours, theirs)),
    });
  };
  for (const { dtype, options, args, gradOutput, value, grad } of peerCases(loss)) {
    const request = { wrt: Object.keys(grad), gradOutput };
    const ours = new Loss(options as never).valueAndGrad(...[...args, request] as never[]);
    compare("J", dtype, ours.value, value);
    for (const [argument, theirs] of Object.entries(grad)) {
      const gradient = (ours.grad as Record<string, Tensor>)[argument];
      compare(`∂J/∂${argument}`, dtype, gradient, theirs);
    }
  }
  return [...found].sort().map(([name, { count, difference, atol }]) => ({
    name: `${name} (${count})`,
    got: difference,
    want: 0,
    atol,
  }));
}

function relativeDifference(ours: Tensor, theirs: Tensor): number {
  if (`${ours.shape}` !== `${theirs.shape}`) return Infinity;
  let scale = 0;
  let difference = 0;
  for (let i = 0; i < theirs.data.length; i++) {
    scale = Math.max(scale, Math.abs(theirs.data[i]));
    difference = Math.max(difference, Math.abs(ours.data[i] - theirs.data[i]));
  }
  return difference / scale;
}

/** Who computed the stored cases of a loss, with the version, such as "optax 0.2.8: optax.log_cosh". */
export function peerOf(loss: NamedLoss): string {
  const { versions } = readStored();
  const [{ peer }] = peerCases(loss);
  const [root] = peer.split(".");
  const name = Object.hasOwn(versions, root) ? root : PACKAGES[root] ?? "torch";
  return `${name} ${versions[name]}: ${peer}`;
}

/** Packages by the name under which they are imported, where that is another one. */
const PACKAGES: Readonly<Record<string, string>> = {
  sklearn: "scikit-learn",
  pytorch_metric_learning: "pytorch-metric-learning",
  open_clip: "open_clip_torch",
};
