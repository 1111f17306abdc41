/** Losses over classes: one row of scores for each sample, wherever the class axis stands. */
import type { FloatType } from "../../_ulp.ts";
import { round } from "../float.ts";
import type { Plain } from "./given.ts";
import {
  type Answer,
  type Arguments,
  commonShape,
  eachIndex,
  numberOf,
  type Options,
  placeIn,
  sigmoid,
  softplus,
  Sums,
  tensorOf,
  times,
} from "./reference.ts";

/** log softmax of a row, with the limit where one score is infinite. */
export function logSoftmaxRow(row: readonly number[]): number[] {
  const infinite = row.filter((x) => x === Infinity).length;
  if (infinite === 1 && !row.some(Number.isNaN)) {
    return row.map((x) => x === Infinity ? 0 : -Infinity);
  }
  const most = Math.max(...row);
  const sum = row.reduce((total, x) => total + Math.exp(x - most), 0);
  return row.map((x) => x - most - Math.log(sum));
}

/** The rows along an axis: for each sample, the places of its scores. */
export function rowsAlong(shape: readonly number[], axis: number): number[][] {
  const rest = shape.filter((_, i) => i !== axis);
  const rows: number[][] = [];
  eachIndex(rest, (index) => {
    const row: number[] = [];
    for (let c = 0; c < shape[axis]; c++) {
      row.push(placeIn({ shape }, [...index.slice(0, axis), c, ...index.slice(axis)]));
    }
    rows.push(row);
  });
  return rows;
}

/** Whether rounding decides on which side of its kink a hinge is; the gradient is then left open. */
function isOpen(z: number, size: number, dtype: FloatType): boolean {
  return z !== 0 && Math.abs(z) < size * (dtype === "float32" ? 1e-6 : 1e-14);
}

const withoutAxis = (shape: readonly number[], axis: number) => shape.filter((_, i) => i !== axis);

/** The gradients of a loss by its scores only. */
type ByScores = (upstream: readonly number[]) => Sums;

export function nll(args: Arguments, options: Options, dtype: FloatType): Answer {
  const { input, target } = args;
  const axis = input.shape.length === 1 ? 0 : 1;
  const rows = rowsAlong(input.shape, axis);
  const weight = tensorOf(options, "weight");
  const ignore = numberOf(options, "ignoreIndex", -100);
  const values = new Sums(rows.length);
  let divisor = 0;
  rows.forEach((row, i) => {
    const y = target.data[i];
    if (y === ignore) return;
    const w = weight ? weight.data[y] : 1;
    values.add(i, -times(w, input.data[row[y]]));
    divisor += w;
  });
  const grad: ByScores = (upstream) => {
    const sums = new Sums(input.data.length);
    rows.forEach((row, i) => {
      const y = target.data[i];
      if (y !== ignore) sums.add(row[y], -upstream[i] * (weight ? weight.data[y] : 1));
    });
    return sums;
  };
  return { dtype, shape: withoutAxis(input.shape, axis), values, divisor, grad: { input: grad } };
}

/** What cross entropy wants of each class: q, by the label or the probabilities of a sample. */
function wanted(
  c: number,
  sample: { readonly label?: number; readonly probability?: number },
  weight: Plain | undefined,
  smoothing: number,
  classes: number,
): number {
  const w = weight ? weight.data[c] : 1;
  const { label, probability } = sample;
  const share = label === undefined ? probability! : label === c ? 1 : 0;
  return w * ((1 - smoothing) * share + smoothing / classes);
}

export function crossEntropy(args: Arguments, options: Options, dtype: FloatType): Answer {
  const { input, target } = args;
  const axis = input.shape.length === 1 ? 0 : 1;
  const classes = input.shape[axis];
  const rows = rowsAlong(input.shape, axis);
  const weight = tensorOf(options, "weight");
  const smoothing = numberOf(options, "labelSmoothing", 0);
  const ignore = numberOf(options, "ignoreIndex", -100);
  const isLabel = target.shape.length !== input.shape.length || input.shape.length === 0;
  const lp = rows.map((row) => logSoftmaxRow(row.map((at) => input.data[at])));
  const isIgnored = (i: number) => isLabel && target.data[i] === ignore;
  const q = (i: number, c: number) =>
    wanted(
      c,
      isLabel ? { label: target.data[i] } : { probability: target.data[rows[i][c]] },
      weight,
      smoothing,
      classes,
    );
  /** The size of what a log-probability is made of. */
  const span = (i: number, c: number) => {
    const scores = rows[i].map((at) => input.data[at]);
    return Math.abs(lp[i][c]) + 1 + (Number.isFinite(scores[c]) ? Math.abs(scores[c]) : 0) +
      Math.min(Math.abs(Math.max(...scores)), Number.MAX_VALUE);
  };

  const values = new Sums(rows.length);
  let divisor = 0;
  rows.forEach((row, i) => {
    if (isIgnored(i)) return;
    row.forEach((_, c) => {
      const share = q(i, c);
      values.add(i, -times(share, lp[i][c]), share === 0 ? 0 : Math.abs(share) * span(i, c));
    });
    divisor += !isLabel ? 1 : weight ? weight.data[target.data[i]] : 1;
  });

  const grad: Record<string, ByScores> = {
    input(upstream) {
      const sums = new Sums(input.data.length);
      rows.forEach((row, i) => {
        if (isIgnored(i)) return;
        const all = row.map((_, c) => q(i, c));
        row.forEach((at, c) => {
          for (const share of all) sums.add(at, upstream[i] * share * Math.exp(lp[i][c]));
          sums.add(at, -upstream[i] * all[c]);
        });
      });
      return sums;
    },
  };
  if (!isLabel) {
    grad.target = (upstream) => {
      const sums = new Sums(input.data.length);
      rows.forEach((row, i) =>
        row.forEach((at, c) => {
          const factor = (1 - smoothing) * (weight ? weight.data[c] : 1);
          sums.add(
            at,
            -upstream[i] * times(factor, lp[i][c]),
            Math.abs(upstream[i] * factor) * span(i, c),
          );
        })
      );
      return sums;
    };
    if (weight) {
      grad.weight = (upstream) => {
        const sums = new Sums(classes);
        rows.forEach((row, i) =>
          row.forEach((_, c) => {
            const share = wanted(
              c,
              { probability: target.data[rows[i][c]] },
              undefined,
              smoothing,
              classes,
            );
            sums.add(
              c,
              -upstream[i] * times(share, lp[i][c]),
              Math.abs(upstream[i] * share) * span(i, c),
            );
          })
        );
        return sums;
      };
    }
  }
  // Weights that add up to 0 have no mean; without any sample that counts the gradient is 0.
  const isOpen = divisor === 0 && rows.some((_, i) => !isIgnored(i));
  return {
    dtype,
    shape: withoutAxis(input.shape, axis),
    values,
    divisor,
    grad: isOpen && options.reduction !== "none" && options.reduction !== "sum" ? {} : grad,
  };
}

export function multiMargin(args: Arguments, options: Options, dtype: FloatType): Answer {
  const { input, target } = args;
  const rank = input.shape.length;
  const rows = rank === 0 ? [[0]] : rowsAlong(input.shape, rank - 1);
  const p = numberOf(options, "p", 1);
  const margin = numberOf(options, "margin", 1);
  const weight = tensorOf(options, "weight");
  const w = (i: number) => weight ? weight.data[target.data[i]] : 1;
  let open = false;
  /** Calls `visit` for each rival that comes too close. */
  const rivals = (i: number, visit: (at: number, z: number, size: number) => void) => {
    const right = rows[i][target.data[i]];
    for (const at of rows[i]) {
      if (at === right) continue;
      const z = margin - input.data[right] + input.data[at];
      const size = Math.abs(margin) + Math.abs(input.data[right]) + Math.abs(input.data[at]);
      if (isOpen(z, size, dtype)) open = true;
      if (z > 0) visit(at, z, size);
    }
  };
  const values = new Sums(rows.length);
  rows.forEach((_, i) =>
    rivals(
      i,
      (_, z, size) => values.add(i, w(i) * round(z ** p, dtype), Math.abs(w(i)) * size ** p),
    )
  );
  const grad: ByScores = (upstream) => {
    const sums = new Sums(input.data.length);
    rows.forEach((row, i) =>
      rivals(i, (at, z, size) => {
        const pull = upstream[i] * w(i) * p * z ** (p - 1);
        const sizeOfPull = Math.abs(upstream[i] * w(i) * p) * size ** (p - 1);
        sums.add(at, pull, sizeOfPull);
        sums.add(row[target.data[i]], -pull, sizeOfPull);
      })
    );
    return sums;
  };
  return {
    dtype,
    shape: target.shape,
    values,
    divisor: rows.length,
    scale: rank === 0 ? 1 : input.shape[rank - 1],
    grad: open ? {} : { input: grad },
  };
}

export function multiLabelMargin(args: Arguments, _: Options, dtype: FloatType): Answer {
  const { input, target } = args;
  const rank = input.shape.length;
  const rows = rank === 0 ? [[0]] : rowsAlong(input.shape, rank - 1);
  let open = false;
  const pairs = (i: number, visit: (listed: number, other: number, z: number) => void) => {
    const listed: number[] = [];
    for (const at of rows[i]) {
      if (target.data[at] === -1) break;
      listed.push(target.data[at]);
    }
    for (const t of listed) {
      rows[i].forEach((other, j) => {
        if (listed.includes(j)) return;
        const z = 1 - input.data[rows[i][t]] + input.data[other];
        const size = 1 + Math.abs(input.data[rows[i][t]]) + Math.abs(input.data[other]);
        if (isOpen(z, size, dtype)) open = true;
        if (z > 0) visit(rows[i][t], other, z);
      });
    }
  };
  const values = new Sums(rows.length);
  rows.forEach((_, i) =>
    pairs(
      i,
      (listed, other, z) =>
        values.add(i, z, 1 + Math.abs(input.data[listed]) + Math.abs(input.data[other])),
    )
  );
  const grad: ByScores = (upstream) => {
    const sums = new Sums(input.data.length);
    rows.forEach((_, i) =>
      pairs(i, (listed, other) => {
        sums.add(listed, -upstream[i]);
        sums.add(other, upstream[i]);
      })
    );
    return sums;
  };
  return {
    dtype,
    shape: rank === 0 ? [] : input.shape.slice(0, -1),
    values,
    divisor: rows.length,
    scale: rank === 0 ? 1 : input.shape[rank - 1],
    grad: open ? {} : { input: grad },
  };
}

export function multiLabelSoftMargin(args: Arguments, options: Options, dtype: FloatType): Answer {
  const { input, target } = args;
  const weight = tensorOf(options, "weight");
  const shape = commonShape(input, target);
  const samples = shape.slice(0, -1);
  const values = new Sums(samples.reduce((size, length) => size * length, 1));
  const each = (
    visit: (row: number, x: number, y: number, w: number, index: readonly number[]) => void,
  ) =>
    eachIndex(shape, (index) =>
      visit(
        placeIn({ shape: samples }, index.slice(0, -1)),
        input.data[placeIn(input, index)],
        target.data[placeIn(target, index)],
        weight ? weight.data[placeIn(weight, index)] : 1,
        index,
      ));
  each((row, x, y, w) => {
    values.add(row, times(y, softplus(-x)) * w);
    values.add(row, times(1 - y, softplus(x)) * w);
  });
  const grad: Record<string, ByScores> = {
    input(upstream) {
      const sums = new Sums(input.data.length);
      each((row, x, y, w, index) => {
        const at = placeIn(input, index);
        sums.add(at, upstream[row] * w * (1 - y) * sigmoid(x));
        sums.add(at, -upstream[row] * w * y * sigmoid(-x));
      });
      return sums;
    },
    target(upstream) {
      const sums = new Sums(target.data.length);
      each((row, x, _, w, index) => sums.add(placeIn(target, index), -upstream[row] * w * x));
      return sums;
    },
  };
  if (weight) {
    grad.weight = (upstream) => {
      const sums = new Sums(weight.data.length);
      each((row, x, y, _, index) => {
        const at = placeIn(weight, index);
        sums.add(at, upstream[row] * times(y, softplus(-x)));
        sums.add(at, upstream[row] * times(1 - y, softplus(x)));
      });
      return sums;
    };
  }
  return {
    dtype,
    shape: samples,
    values,
    divisor: values.total.length,
    scale: input.shape[input.shape.length - 1],
    grad,
  };
}

/** softmax and logSoftmax, which keep every number. */
export function softmaxes(
  name: string,
  args: Arguments,
  options: Options,
  dtype: FloatType,
): Answer {
  const { input } = args;
  const rank = Math.max(1, input.shape.length);
  const dim = numberOf(options, "dim", -1);
  const rows = input.shape.length === 0
    ? [[0]]
    : rowsAlong(input.shape, dim < 0 ? dim + rank : dim);
  const isLog = name === "logSoftmax";
  const values = new Sums(input.data.length);
  const lp = rows.map((row) => logSoftmaxRow(row.map((at) => input.data[at])));
  rows.forEach((row, i) => {
    const most = row.reduce((most, at) => Math.max(most, Math.abs(input.data[at])), 1);
    row.forEach((at, c) =>
      isLog
        ? values.add(at, lp[i][c], Number.isFinite(most) ? most : 1)
        : values.add(at, Math.exp(lp[i][c]))
    );
  });
  const grad: ByScores = (upstream) => {
    const sums = new Sums(input.data.length);
    rows.forEach((row, i) =>
      row.forEach((at, c) => {
        const p = Math.exp(lp[i][c]);
        if (isLog) {
          sums.add(at, upstream[at]);
          for (const other of row) sums.add(at, -p * upstream[other]);
        } else {
          sums.add(at, p * upstream[at]);
          row.forEach((other, k) => sums.add(at, -p * upstream[other] * Math.exp(lp[i][k])));
        }
      })
    );
    return sums;
  };
  return { dtype, shape: input.shape, values, divisor: 1, grad: { input: grad } };
}
