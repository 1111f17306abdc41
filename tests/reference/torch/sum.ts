/**
 * float32 sums in the order in which PyTorch adds on x86, and means and cosines built on them.
 *
 * The last digits of a float32 sum depend on the order: the mean 0.4938560426235199 that the source prints is the result of this
 * order, while a plain loop gives 0.4938560128211975.
 * Compared with PyTorch 2.14 (AVX-512 machine): rows of 1 to 30,000 elements give the same bits.
 * From 32,768 elements on, PyTorch distributes a sum over threads, which is not reproduced here.
 */

const f = Math.fround;
const LANES = 8;
const COLUMNS = 4;
const LEVELS = 4;

/**
 * The sum of float32 numbers as PyTorch's `sum()` over a contiguous row gives it.
 *
 * @param row The numbers.
 * @returns The sum, a float32 value.
 */
export function torchSum(row: Float32Array): number {
  const lanes = row.length < LANES ? 1 : LANES;
  const vectors = Math.floor(row.length / lanes);
  let total = 0;
  if (lanes > 1) {
    for (let i = vectors * lanes; i < row.length; i++) total = f(total + row[i]);
  }
  for (let lane = 0; lane < lanes; lane++) total = f(total + strided(row, lane, lanes, vectors));
  return total;
}

/** The mean as PyTorch's `mean()` gives it. */
export function torchMean(row: Float32Array): number {
  return f(torchSum(row) / row.length);
}

/** The sum of one lane: every `step`-th number from `start`, distributed over four columns. */
function strided(row: Float32Array, start: number, step: number, count: number): number {
  const rounds = Math.floor(count / COLUMNS);
  const sums = Array.from(
    { length: COLUMNS },
    (_, column) => cascade(row, start + column * step, step * COLUMNS, rounds),
  );
  for (let i = rounds * COLUMNS; i < count; i++) sums[0] = f(sums[0] + row[start + i * step]);
  return sums.reduce((a, b) => f(a + b));
}

/** The sum of one column, in chunks whose sums are carried to higher levels like the digits of a counter. */
function cascade(row: Float32Array, start: number, step: number, count: number): number {
  const power = count < 2 ? 4 : Math.max(4, Math.floor(Math.ceil(Math.log2(count)) / LEVELS));
  const chunk = 2 ** power;
  const levels = new Float32Array(LEVELS);
  let i = 0;
  while (i + chunk <= count) {
    for (const end = i + chunk; i < end; i++) levels[0] += row[start + i * step];
    for (let level = 1; level < LEVELS; level++) {
      levels[level] += levels[level - 1];
      levels[level - 1] = 0;
      if (Math.floor(i / 2 ** (power * level)) % chunk !== 0) break;
    }
  }
  for (; i < count; i++) levels[0] += row[start + i * step];
  return levels.reduce((a, b) => f(a + b));
}

/**
 * The cosine similarity of two rows, rounded to float32 at every step, where each row is first divided by its length. PyTorch 1.13
 * gives these bits; 2.14 sums in another order and may differ by a few units in the last place.
 *
 * @param a One row.
 * @param b Another of the same length.
 * @param eps The smallest length to divide by.
 * @returns Their cosine similarity, a float32 value.
 */
export function torchCosine(a: Float32Array, b: Float32Array, eps = 1e-8): number {
  if (a.length !== b.length) {
    throw new TypeError(
      `Cannot compare rows as they must have one length: current lengths are ${a.length} and ${b.length}`,
    );
  }
  const [aLength, bLength] = [a, b].map((row) =>
    Math.max(f(Math.sqrt(torchSum(row.map((x) => f(x * x))))), f(eps))
  );
  return torchSum(a.map((x, i) => f(f(x / aLength) * f(b[i] / bLength))));
}
