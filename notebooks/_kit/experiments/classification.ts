/** How well a classifier predicts. */

import { mean } from "./statistics.ts";

/**
 * The share of predictions that are right.
 *
 * @param predicted The predicted class of each sample.
 * @param labels The true class of each sample.
 * @returns A number from 0 to 1.
 */
export function accuracy(predicted: ArrayLike<number>, labels: ArrayLike<number>): number {
  checkSameLength(predicted, labels);
  let right = 0;
  for (let i = 0; i < labels.length; i++) right += predicted[i] === labels[i] ? 1 : 0;
  return right / labels.length;
}

/**
 * How often each class was predicted as which.
 *
 * @param predicted The predicted class of each sample.
 * @param labels The true class of each sample.
 * @param classes The number of classes.
 * @returns Counts: one row for each true class, one column for each predicted class.
 */
export function confusionMatrix(
  predicted: ArrayLike<number>,
  labels: ArrayLike<number>,
  classes: number,
): number[][] {
  checkSameLength(predicted, labels);
  const counts = Array.from({ length: classes }, () => Array<number>(classes).fill(0));
  for (let i = 0; i < labels.length; i++) counts[labels[i]][predicted[i]]++;
  return counts;
}

/**
 * The recall of each class: the share of its samples that are found.
 *
 * @param confusion A confusion matrix.
 * @returns One number for each class; NaN for a class without samples.
 */
export function recalls(confusion: readonly ArrayLike<number>[]): number[] {
  return confusion.map((row, c) => {
    let samples = 0;
    for (let i = 0; i < row.length; i++) samples += row[i];
    return row[c] / samples;
  });
}

/** Forecasts in groups, beside what happened. */
export interface Calibration {
  /** The mean probability that was forecast in each group. */
  predicted: number[];
  /** The share of each group in which it happened. */
  observed: number[];
}

/**
 * A calibration curve, also called a reliability diagram: forecasts are sorted and cut into groups of equal size. A forecaster is
 * calibrated if, in each group, the observed share is the predicted probability.
 *
 * @param probabilities The forecast probabilities.
 * @param happened For each forecast 1 if it happened, otherwise 0.
 * @param groups The number of groups; the last one may be smaller.
 * @returns Both numbers of each group, in the order of the forecasts.
 */
export function calibrationCurve(
  probabilities: ArrayLike<number>,
  happened: ArrayLike<number>,
  groups: number,
): Calibration {
  checkSameLength(probabilities, happened);
  const order = Array.from(probabilities, (_, i) => i)
    .sort((i, j) => probabilities[i] - probabilities[j]);
  const size = Math.ceil(order.length / groups);
  const curve: Calibration = { predicted: [], observed: [] };
  for (let start = 0; start < order.length; start += size) {
    const group = order.slice(start, start + size);
    curve.predicted.push(mean(group.map((i) => probabilities[i])));
    curve.observed.push(mean(group.map((i) => happened[i])));
  }
  return curve;
}

function checkSameLength(predicted: ArrayLike<number>, labels: ArrayLike<number>): void {
  if (predicted.length === labels.length && labels.length > 0) return;
  throw new RangeError(
    `Cannot compare predictions with labels as there must be as many, and some: current numbers are ${predicted.length} and ${labels.length}`,
  );
}
