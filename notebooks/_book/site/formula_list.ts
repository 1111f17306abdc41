/** Formulas to begin with: those of all losses, and of losses of one's own. */

/** A formula with a name. */
export interface NamedFormula {
  readonly name: string;
  readonly text: string;
  /** The symbol of the x-axis. */
  readonly along: string;
  /** Values of the symbols to begin with. */
  readonly values: Readonly<Record<string, number>>;
}

const formula = (
  name: string,
  text: string,
  values: Readonly<Record<string, number>>,
  along = "x",
): NamedFormula => ({ name, text, along, values });

const NUMBERS = { x: 1.5, y: 0 };
const SCORE = { x: 1, y: 1 };
/** Scores of classes: m is the largest, s the sum of all exp(x - m), q and y the share of the class in the target. */
const CLASS = { x: 1, m: 2, s: 2, q: 1, y: 1 };
const TRIPLET = { margin: 1, ap: 1, an: 1.5, pn: 1.2 };
const triplet = "hinge(margin + ap - min(an, pn))";

/** The formulas of the losses; a test compares them with those that the losses compute. */
export const LOSS_FORMULAS: readonly NamedFormula[] = [
  formula("L1Loss", "abs(x - y)", NUMBERS),
  formula("MSELoss", "square(x - y)", NUMBERS),
  formula(
    "HuberLoss",
    "abs(x - y) < delta ? square(x - y) / 2 : delta * (abs(x - y) - delta / 2)",
    { ...NUMBERS, delta: 1 },
  ),
  formula(
    "SmoothL1Loss",
    "abs(x - y) >= beta ? abs(x - y) - beta / 2 : square(x - y) / (2 * beta)",
    { ...NUMBERS, beta: 1 },
  ),
  formula("PoissonNLLLoss", "exp(x) - (y == 0 ? 0 : y * min(x, 1000))", { x: 0.5, y: 3 }),
  formula(
    "GaussianNLLLoss",
    "(log(max(v, eps)) + square(x - y) / max(v, eps)) / 2",
    { ...NUMBERS, v: 1, eps: 1e-6 },
    "v",
  ),
  formula("NLLLoss", "-w * y * x", { x: -1, y: 1, w: 1 }),
  formula("CrossEntropyLoss", "q * (log(s) + m - x)", CLASS),
  formula(
    "BCELoss",
    "-(y * max(log(x), -100) + (1 - y) * max(log1p(-x), -100))",
    { x: 0.7, y: 1 },
  ),
  formula(
    "BCEWithLogitsLoss",
    "(y == 0 ? 0 : y * softplus(-x)) + (y == 1 ? 0 : (1 - y) * softplus(x))",
    SCORE,
  ),
  formula("SoftMarginLoss", "softplus(-y * x)", SCORE),
  formula(
    "MultiLabelSoftMarginLoss",
    "w * ((y == 0 ? 0 : y * softplus(-x)) + (y == 1 ? 0 : (1 - y) * softplus(x)))",
    { ...SCORE, w: 1 },
  ),
  formula("KLDivLoss", "y == 0 and x == x ? 0 : y * (log(y) - x)", { x: -1, y: 0.5 }),
  formula(
    "MultiMarginLoss",
    "margin - s + x > 0 ? w * pow(margin - s + x, p) : 0",
    { x: 0.5, s: 1, margin: 1, w: 1, p: 2 },
  ),
  formula("MultiLabelMarginLoss", "1 - s + x > 0 ? 1 - s + x : 0", { x: 0.5, s: 1 }),
  formula("CTCLoss", "-log(last + previous)", { last: 0.3, previous: 0.2 }, "last"),
  formula("LinearCrossEntropyLoss", "q * (log(s) + m - x)", CLASS),
  formula("AdaptiveLogSoftmaxWithLoss", "y * (log(s) + m - x)", CLASS),
  formula(
    "MarginRankingLoss",
    "hinge(margin - y * (x1 - x2))",
    { x1: 1, x2: 0, y: 1, margin: 0.5 },
    "x1",
  ),
  formula("HingeEmbeddingLoss", "y == 1 ? x : hinge(margin - x)", { x: 0.5, y: -1, margin: 1 }),
  formula("CosineEmbeddingLoss", "y == 1 ? 1 - c : hinge(c - margin)", {
    c: 0.5,
    y: -1,
    margin: 0,
  }, "c"),
  formula("TripletMarginLoss", triplet, TRIPLET, "an"),
  formula("TripletMarginWithDistanceLoss", triplet, TRIPLET, "an"),
];

/** Those of the chapter on losses of one's own. */
const OWN_FORMULAS: readonly NamedFormula[] = [
  formula("QuantileLoss", "x < y ? quantile * (y - x) : (1 - quantile) * (x - y)", {
    ...NUMBERS,
    quantile: 0.8,
  }),
  formula("LogCoshLoss", "abs(x - y) + softplus(-2 * abs(x - y)) - log(2)", NUMBERS),
  formula("CharbonnierLoss", "sqrt(square(x - y) + square(epsilon))", { ...NUMBERS, epsilon: 0.5 }),
  formula(
    "FocalLoss",
    "alpha * y * pow(sigmoid(-x), gamma) * softplus(-x) + (1 - alpha) * (1 - y) * pow(sigmoid(x), gamma) * softplus(x)",
    { ...SCORE, alpha: 0.5, gamma: 2 },
  ),
  formula(
    "AsymmetricLoss",
    "y * pow(sigmoid(-x), gammaPos) * softplus(-x) - (1 - y) * pow(hinge(sigmoid(x) - clip), gammaNeg) * log(min(sigmoid(-x) + clip, 1))",
    { x: 1, y: 0, gammaPos: 1, gammaNeg: 4, clip: 0.05 },
  ),
  formula("SigLipLoss", "softplus(-y * (scale * x + bias))", { ...SCORE, scale: 2, bias: -1 }),
  formula(
    "DpoLoss",
    "softplus(-beta * ((c - a) - (r - b)))",
    { c: 0.5, a: 0, r: 0, b: 0, beta: 1 },
    "c",
  ),
  formula("DiceLoss", "1 - 2 * both / (all + epsilon)", { both: 1, all: 3, epsilon: 1 }, "both"),
  formula(
    "TverskyLoss",
    "1 - both / (both + alpha * missed + beta * extra + epsilon)",
    { both: 1, missed: 1, extra: 1, alpha: 0.3, beta: 0.7, epsilon: 1 },
    "both",
  ),
];

/** All formulas, in the order of the list. */
export const FORMULAS: readonly NamedFormula[] = [...LOSS_FORMULAS, ...OWN_FORMULAS];
