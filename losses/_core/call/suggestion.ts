/**
 * Finds the name that a misspelt one was meant to be.
 */

/**
 * A question for an error message about an unknown name.
 *
 * @param name The unknown name, such as `label_smoothing`.
 * @param known The names that there are.
 * @returns `"did you mean 'labelSmoothing'? "`, or nothing if no known name is near.
 */
export function suggestion(name: string, known: readonly string[]): string {
  const plain = (text: string) => text.replace(/[_-]/g, "").toLowerCase();
  let nearest: string | undefined;
  let least = Infinity;
  for (const candidate of known) {
    const edits = editDistance(plain(name), plain(candidate));
    if (edits >= least || edits > mostEdits(candidate)) continue;
    nearest = candidate;
    least = edits;
  }
  return nearest === undefined ? "" : `did you mean '${nearest}'? `;
}

/** How many wrong letters a misspelt name may have: none if it is very short, two if it is not. */
function mostEdits({ length }: string): number {
  return length < 3 ? 0 : length < 5 ? 1 : 2;
}

/** How many letters must be inserted, deleted or replaced to make `b` of `a` (Levenshtein). */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 0; i < a.length; i++) {
    const next = [i + 1];
    for (let j = 0; j < b.length; j++) {
      const replaced = row[j]! + (a[i] === b[j] ? 0 : 1);
      next.push(Math.min(replaced, row[j + 1]! + 1, next[j]! + 1));
    }
    row = next;
  }
  return row[b.length]!;
}
