/** How well a classifier predicts. */

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

function checkSameLength(predicted: ArrayLike<number>, labels: ArrayLike<number>): void {
  if (predicted.length === labels.length && labels.length > 0) return;
  throw new RangeError(
    `Cannot compare predictions with labels as there must be as many, and some: current numbers are ${predicted.length} and ${labels.length}`,
  );
}
