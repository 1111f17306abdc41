/** Rows of numbers: scores, one-hot labels, predictions. */

/**
 * A flat array as rows of equal length, such as the gradient of a matrix.
 *
 * @param values The numbers, row after row.
 * @param width The length of a row.
 * @returns The rows.
 */
export function rowsOf(values: ArrayLike<number>, width: number): number[][] {
  if (!Number.isInteger(width) || width < 1 || values.length % width !== 0) {
    throw new RangeError(
      `Cannot cut ${values.length} numbers into rows of equal length: current width is ${width}`,
    );
  }
  const flat = Array.from(values);
  const rows: number[][] = [];
  for (let start = 0; start < flat.length; start += width) {
    rows.push(flat.slice(start, start + width));
  }
  return rows;
}

/**
 * Labels as one-hot rows: 1 at the label and 0 elsewhere.
 *
 * @param labels The class of each sample, from 0.
 * @param classes The number of classes.
 * @returns One row for each label.
 */
export function oneHot(labels: ArrayLike<number>, classes: number): number[][] {
  return Array.from(labels, (label) => {
    if (!Number.isInteger(label) || label < 0 || label >= classes) {
      throw new RangeError(
        `Cannot make a one-hot row as a label must be from 0 to ${
          classes - 1
        }: current value is ${label}`,
      );
    }
    return Array.from({ length: classes }, (_, c) => c === label ? 1 : 0);
  });
}

/**
 * The position of the largest number, the first if there are several.
 *
 * @param values The numbers, such as the scores of a row.
 * @returns Its index, from 0: the predicted class.
 */
export function argmax(values: ArrayLike<number>): number {
  if (values.length === 0) throw new RangeError("Cannot find the largest of no numbers");
  let best = 0;
  for (let i = 1; i < values.length; i++) {
    if (values[i] > values[best]) best = i;
  }
  return best;
}
