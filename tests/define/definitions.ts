/** Losses written as formulas, which tests/fixtures/define_loss.py writes in PyTorch under the same names. */
import { defineLoss } from "@lossbook/losses";
import type { LossLike } from "../_loss.ts";

const x = { input: "x" } as const;
const xy = { input: "x", target: "y" } as const;
const SOFTENED = "abs(x - y) < beta ? square(x - y) / (2 * beta) : abs(x - y) - beta / 2";

/** The classes by name. */
export const definitions = {
  // Element by element.
  gaussian: defineLoss({
    name: "Gaussian",
    arguments: { ...xy, var: "v" },
    value: "(log(v) + square(x - y) / v) / 2",
  }),
  larger: defineLoss({ name: "Larger", arguments: xy, value: "max(x, y)" }),
  smaller: defineLoss({ name: "Smaller", arguments: xy, value: "min(x * x, y)" }),
  hinge: defineLoss({ name: "Hinge", arguments: xy, value: "hinge(1 - x * y)" }),
  mixed: defineLoss({
    name: "Mixed",
    arguments: xy,
    options: { scale: 1, upstream: 1 },
    value: "scale * abs(x - y) + upstream * square(x - y)",
  }),
  softened: defineLoss({ name: "Softened", arguments: xy, options: { beta: 1 }, value: SOFTENED }),

  // One number per row.
  extremes: defineLoss({
    name: "Extremes",
    arguments: x,
    rows: { high: "max(x)", low: "min(x)" },
    value: "high - 2 * low",
  }),
  deviation: defineLoss({
    name: "Deviation",
    arguments: x,
    options: { epsilon: 1 },
    rows: { center: "mean(x)", variance: "mean(square(x - center))" },
    value: "sqrt(variance + epsilon)",
  }),
  cross_entropy: defineLoss({
    name: "CrossEntropy",
    arguments: xy,
    rows: { m: "max(x)", s: "sum(exp(x - m))", all: "sum(y)", inner: "sum(y * (x - m))" },
    value: "all * log(s) - inner",
  }),
  ranged: defineLoss({
    name: "Ranged",
    arguments: xy,
    rows: { low: "min(x)", high: "max(x)", total: "sum(y * (x - low) / (high - low))" },
    value: "total",
  }),
  margins: defineLoss({
    name: "Margins",
    arguments: { input: "x", margin: "t" },
    rows: { short: "sum(hinge(t - x))", best: "max(x - t)" },
    value: "short * t + best + square(t)",
  }),
  norms: defineLoss({
    name: "Norms",
    arguments: xy,
    rows: { e: "x - y", sum_of_squares: "sum(square(e))", r: "sqrt(sum_of_squares + 1)" },
    value: "r + log(r)",
  }),
  confidence: defineLoss({
    name: "Confidence",
    arguments: x,
    rows: { m: "max(x)", s: "sum(exp(x - m))", top: "max(exp(x - m) / s)" },
    value: "top * log(s) + m",
  }),
  farthest: defineLoss({
    name: "Farthest",
    arguments: x,
    rows: { center: "mean(x)", m: "max(x < center ? center - x : 2 * (x - center))" },
    value: "m",
  }),
  exponentials: defineLoss({
    name: "Exponentials",
    arguments: x,
    rows: {
      center: "mean(x)",
      e: "mean(exp(x - center))",
      s: "sum(-exp(x - center))",
      count: "sum(x - center + 1)",
      top: "max(-exp(x - center))",
    },
    value: "log(e) + s / 8 + square(count) + top",
  }),
  worst: defineLoss({
    name: "Worst",
    arguments: xy,
    options: { beta: 1 },
    rows: { m: `max(${SOFTENED})` },
    value: "m",
  }),
};

/** A class of which only the name in {@linkcode definitions} is known. */
export function classOf(name: string): new (options?: object) => LossLike {
  return definitions[name as keyof typeof definitions] as never;
}
