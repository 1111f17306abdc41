/** Choices that are made on validation sets. */

import { mean } from "./statistics.ts";

/** How candidates are trained and compared. */
export interface SelectionRule<Candidate, Split, Model> {
  /** Trains a model on the training set of a split. */
  train(candidate: Candidate, split: Split, index: number): Model;
  /** Judges it on the validation set of the same split. */
  score(model: Model, split: Split, index: number): number;
  /** The mean score that is chosen: of an accuracy the highest, of a loss the lowest. */
  choose: "highest" | "lowest";
}

/** What {@linkcode selectByValidation} found. */
export interface Selection<Candidate, Model> {
  /** The chosen candidate. */
  best: Candidate;
  /** Its models, one for each split. */
  models: Model[];
  /** For each candidate its scores, one for each split. */
  scores: number[][];
}

/**
 * Tries every candidate on every split, and chooses the one with the best mean score on the validation sets; the first if several are
 * equal. Test sets are not touched.
 *
 * @param candidates What there is to choose from, such as learning rates.
 * @param splits Training and validation sets, one pair for each seed.
 * @param rule How to train and what to choose; a score of NaN is never chosen.
 * @returns The choice with its models, and all scores.
 *
 * @example
 * ```ts
 * const { best, models, scores } = selectByValidation([0.1, 1, 10], splits, {
 *   train: (learningRate, { train }) =>
 *     trainLinear(train.X, (Z) => loss.valueAndGrad(Z, train.y), { learningRate, steps: 100 }),
 *   score: ({ weights }, { validation }) =>
 *     loss.forward(matmul(validation.X, weights).flat(), validation.y).item(),
 *   choose: "lowest",
 * });
 * ```
 */
export function selectByValidation<Candidate, Split, Model>(
  candidates: readonly Candidate[],
  splits: readonly Split[],
  rule: SelectionRule<Candidate, Split, Model>,
): Selection<Candidate, Model> {
  const sign = rule.choose === "highest" ? 1 : -1;
  const scores: number[][] = [];
  let found: { best: Candidate; models: Model[]; merit: number } | undefined;
  for (const candidate of candidates) {
    const models = splits.map((split, i) => rule.train(candidate, split, i));
    const own = models.map((model, i) => rule.score(model, splits[i], i));
    scores.push(own);
    const merit = sign * mean(own);
    if (merit > (found?.merit ?? -Infinity)) found = { best: candidate, models, merit };
  }
  if (found === undefined) {
    throw new RangeError("Cannot choose a candidate as every mean score is NaN or infinitely bad");
  }
  return { best: found.best, models: found.models, scores };
}
