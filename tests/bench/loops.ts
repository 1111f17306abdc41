/**
 * The losses as a good engineer would write them in plain TypeScript, with value and gradient in one loop. They show what is
 * possible without a library, and are the independent results that every contender is compared with.
 *
 * A loop gets the arguments, writes the gradients of the mean, and returns the mean.
 */
import type { FloatArray } from "./inputs.ts";

type Numbers = FloatArray | Int32Array;

/** Computes value and gradients; arguments and gradients are in the order of the loss's arguments. */
export type Loop = (
  args: readonly Numbers[],
  grads: readonly FloatArray[],
  shape: readonly number[],
) => number;

/** |x - y|. */
export const l1: Loop = ([x, y], [g]) => {
  const n = x.length;
  let sum = 0;
  for (let i = 0; i < n; i++) {
    const e = x[i] - y[i];
    sum += Math.abs(e);
    g[i] = Math.sign(e) / n;
  }
  return sum / n;
};

/** (x - y)². */
export const mse: Loop = ([x, y], [g]) => {
  const n = x.length;
  let sum = 0;
  for (let i = 0; i < n; i++) {
    const e = x[i] - y[i];
    sum += e * e;
    g[i] = 2 * e / n;
  }
  return sum / n;
};

/** SmoothL1Loss and HuberLoss, which are the same for beta = delta = 1. */
export const smoothL1: Loop = ([x, y], [g]) => {
  const n = x.length;
  let sum = 0;
  for (let i = 0; i < n; i++) {
    const e = x[i] - y[i];
    if (Math.abs(e) < 1) {
      sum += e * e / 2;
      g[i] = e / n;
    } else {
      sum += Math.abs(e) - 0.5;
      g[i] = Math.sign(e) / n;
    }
  }
  return sum / n;
};

/** -y log x - (1 - y) log(1 - x), where logarithms are at least -100 as in PyTorch. */
export const bce: Loop = ([x, y], [g]) => {
  const n = x.length;
  let sum = 0;
  for (let i = 0; i < n; i++) {
    const p = x[i];
    sum -= y[i] * Math.max(Math.log(p), -100) + (1 - y[i]) * Math.max(Math.log(1 - p), -100);
    g[i] = (p - y[i]) / Math.max(p * (1 - p), 1e-12) / n;
  }
  return sum / n;
};

/** softplus(x) - x y; the same for MultiLabelSoftMarginLoss. */
export const bceWithLogits: Loop = ([x, y], [g]) => {
  const n = x.length;
  let sum = 0;
  for (let i = 0; i < n; i++) {
    const e = Math.exp(-Math.abs(x[i]));
    sum += Math.max(x[i], 0) - x[i] * y[i] + Math.log1p(e);
    g[i] = ((x[i] < 0 ? e : 1) / (1 + e) - y[i]) / n;
  }
  return sum / n;
};

/** y (log y - x). */
export const klDiv: Loop = ([x, y], [g]) => {
  const n = x.length;
  let sum = 0;
  for (let i = 0; i < n; i++) {
    if (y[i] > 0) sum += y[i] * (Math.log(y[i]) - x[i]);
    g[i] = -y[i] / n;
  }
  return sum / n;
};

/** exp(x) - y x. */
export const poissonNLL: Loop = ([x, y], [g]) => {
  const n = x.length;
  let sum = 0;
  for (let i = 0; i < n; i++) {
    const e = Math.exp(x[i]);
    sum += e - y[i] * x[i];
    g[i] = (e - y[i]) / n;
  }
  return sum / n;
};

/** (log v + (x - y)² / v) / 2. */
export const gaussianNLL: Loop = ([x, y, variance], [g, gVariance]) => {
  const n = x.length;
  let sum = 0;
  for (let i = 0; i < n; i++) {
    const v = Math.max(variance[i], 1e-6);
    const e = x[i] - y[i];
    sum += (Math.log(v) + e * e / v) / 2;
    g[i] = e / v / n;
    gVariance[i] = (1 / v - e * e / (v * v)) / 2 / n;
  }
  return sum / n;
};

/** x where y = 1, else max(1 - x, 0). */
export const hingeEmbedding: Loop = ([x, y], [g]) => {
  const n = x.length;
  let sum = 0;
  for (let i = 0; i < n; i++) {
    if (y[i] === 1) {
      sum += x[i];
      g[i] = 1 / n;
    } else {
      sum += Math.max(1 - x[i], 0);
      g[i] = x[i] < 1 ? -1 / n : 0;
    }
  }
  return sum / n;
};

/** max(-y (x1 - x2), 0). */
export const marginRanking: Loop = ([x1, x2, y], [g1, g2]) => {
  const n = x1.length;
  let sum = 0;
  for (let i = 0; i < n; i++) {
    const h = -y[i] * (x1[i] - x2[i]);
    const slope = h > 0 ? y[i] / n : 0;
    if (h > 0) sum += h;
    g1[i] = -slope;
    g2[i] = slope;
  }
  return sum / n;
};

/** log(1 + exp(-y x)). */
export const softMargin: Loop = ([x, y], [g]) => {
  const n = x.length;
  let sum = 0;
  for (let i = 0; i < n; i++) {
    const z = -y[i] * x[i];
    const e = Math.exp(-Math.abs(z));
    sum += Math.max(z, 0) + Math.log1p(e);
    g[i] = -y[i] * (z < 0 ? e : 1) / (1 + e) / n;
  }
  return sum / n;
};

/** log Σ exp(x) - x[y]. In (N, C, d1, …) the scores of a sample are `inner` numbers apart. */
export const crossEntropy: Loop = ([x, target], [g], [batch, classes]) => {
  const samples = target.length;
  const inner = samples / batch;
  let sum = 0;
  for (let sample = 0; sample < samples; sample++) {
    const first = Math.floor(sample / inner) * classes * inner + sample % inner;
    const end = first + classes * inner;
    let max = -Infinity;
    for (let i = first; i < end; i += inner) if (x[i] > max) max = x[i];
    let total = 0;
    for (let i = first; i < end; i += inner) total += g[i] = Math.exp(x[i] - max);
    const right = first + target[sample] * inner;
    sum += Math.log(total) + max - x[right];
    for (let i = first; i < end; i += inner) g[i] /= total * samples;
    g[right] -= 1 / samples;
  }
  return sum / samples;
};

/** The sum of max(1 - x[y] + x[c], 0) over all classes c except y. */
export const multiMargin: Loop = ([x, target], [g], [rows, classes]) => {
  const share = 1 / (rows * classes);
  let sum = 0;
  for (let row = 0; row < rows; row++) {
    const first = row * classes;
    const right = first + target[row];
    let violations = 0;
    for (let i = first; i < first + classes; i++) {
      const h = 1 - x[right] + x[i];
      const violates = i !== right && h > 0;
      if (violates) {
        sum += h;
        violations++;
      }
      g[i] = violates ? share : 0;
    }
    g[right] = -violations * share;
  }
  return sum * share;
};

/** The sum of max(1 - x[y] + x[c], 0) over all labels y and all classes c that are not labels. */
export const multiLabelMargin: Loop = ([x, target], [g], [rows, classes]) => {
  const share = 1 / (rows * classes);
  const isLabel = new Uint8Array(classes);
  g.fill(0);
  let sum = 0;
  for (let row = 0; row < rows; row++) {
    const first = row * classes;
    let end = first;
    while (end < first + classes && target[end] >= 0) end++;
    isLabel.fill(0);
    for (let k = first; k < end; k++) isLabel[target[k]] = 1;
    for (let k = first; k < end; k++) {
      const right = first + target[k];
      for (let c = 0; c < classes; c++) {
        const h = 1 - x[right] + x[first + c];
        if (isLabel[c] || h <= 0) continue;
        sum += h;
        g[first + c] += share;
        g[right] -= share;
      }
    }
  }
  return sum * share;
};

/** 1 - cos where y = 1, else max(cos, 0). */
export const cosineEmbedding: Loop = ([x1, x2, y], [g1, g2], [rows, width]) => {
  let sum = 0;
  for (let row = 0; row < rows; row++) {
    const first = row * width;
    let dot = 0, square1 = 0, square2 = 0;
    for (let i = first; i < first + width; i++) {
      dot += x1[i] * x2[i];
      square1 += x1[i] * x1[i];
      square2 += x2[i] * x2[i];
    }
    const norms = Math.sqrt(square1 * square2);
    const cosine = dot / norms;
    sum += y[row] === 1 ? 1 - cosine : Math.max(cosine, 0);
    const slope = (y[row] === 1 ? -1 : cosine > 0 ? 1 : 0) / rows;
    for (let i = first; i < first + width; i++) {
      g1[i] = slope * (x2[i] / norms - cosine * x1[i] / square1);
      g2[i] = slope * (x1[i] / norms - cosine * x2[i] / square2);
    }
  }
  return sum / rows;
};

/** max(|a - p| - |a - n| + 1, 0). */
export const tripletMargin: Loop = ([a, p, n], [gA, gP, gN], [rows, width]) => {
  const eps = 1e-6;
  let sum = 0;
  for (let row = 0; row < rows; row++) {
    const first = row * width;
    let near = 0, far = 0;
    for (let i = first; i < first + width; i++) {
      near += (a[i] - p[i] + eps) ** 2;
      far += (a[i] - n[i] + eps) ** 2;
    }
    near = Math.sqrt(near);
    far = Math.sqrt(far);
    const h = near - far + 1;
    sum += Math.max(h, 0);
    const slope = h > 0 ? 1 / rows : 0;
    for (let i = first; i < first + width; i++) {
      const toPositive = slope * (a[i] - p[i] + eps) / near;
      const toNegative = slope * (a[i] - n[i] + eps) / far;
      gA[i] = toPositive - toNegative;
      gP[i] = -toPositive;
      gN[i] = toNegative;
    }
  }
  return sum / rows;
};
