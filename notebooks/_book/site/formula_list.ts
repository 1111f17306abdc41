/** Formulas to begin with: those of the losses that act element by element, and others of the chapter on own losses. */

/** A formula with a name. */
export interface NamedFormula {
  readonly name: string;
  readonly text: string;
  /** Values of symbols to begin with. */
  readonly values: Readonly<Record<string, number>>;
}

const formula = (name: string, text: string, values: Readonly<Record<string, number>> = {}) => ({
  name,
  text,
  values: { y: 0, ...values },
});

const SCORE = { y: 1 };

/** The formulas, in the order of the list. */
export const FORMULAS: readonly NamedFormula[] = [
  formula(
    "HuberLoss",
    "abs(x - y) < delta ? square(x - y) / 2 : delta * (abs(x - y) - delta / 2)",
    {
      delta: 1,
    },
  ),
  formula("L1Loss", "abs(x - y)"),
  formula("MSELoss", "square(x - y)"),
  formula(
    "SmoothL1Loss",
    "abs(x - y) < beta ? square(x - y) / (2 * beta) : abs(x - y) - beta / 2",
    {
      beta: 1,
    },
  ),
  formula("PoissonNLLLoss", "exp(x) - y * x", { y: 3 }),
  formula("GaussianNLLLoss", "(log(max(v, eps)) + square(x - y) / max(v, eps)) / 2", {
    v: 1,
    eps: 1e-6,
  }),
  formula("BCEWithLogitsLoss", "(1 - y) * x + (1 + (posWeight - 1) * y) * softplus(-x)", {
    ...SCORE,
    posWeight: 1,
  }),
  formula("BCELoss", "-(y * log(sigmoid(x)) + (1 - y) * log(sigmoid(-x)))", SCORE),
  formula("SoftMarginLoss", "softplus(-y * x)", SCORE),
  formula("KLDivLoss", "xlogy(y, y) - y * x", { y: 0.5 }),
  formula("MarginRankingLoss", "hinge(margin - y * (x - b))", { ...SCORE, b: 0, margin: 0.5 }),
  formula("HingeEmbeddingLoss", "y == 1 ? x : hinge(margin - x)", { y: -1, margin: 1 }),
  formula("QuantileLoss", "x < y ? quantile * (y - x) : (1 - quantile) * (x - y)", {
    quantile: 0.8,
  }),
  formula("LogCoshLoss", "abs(x - y) + softplus(-2 * abs(x - y)) - log(2)"),
  formula("CharbonnierLoss", "sqrt(square(x - y) + square(epsilon))", { epsilon: 0.5 }),
  formula(
    "FocalLoss",
    "y * pow(sigmoid(-x), gamma) * softplus(-x) + (1 - y) * pow(sigmoid(x), gamma) * softplus(x)",
    { ...SCORE, gamma: 2 },
  ),
  formula("SigLipLoss", "softplus(-y * (scale * x + bias))", { ...SCORE, scale: 2, bias: -1 }),
  formula("DpoLoss", "softplus(-beta * ((x - a) - (r - b)))", { beta: 1, a: 0, r: 0, b: 0 }),
];
