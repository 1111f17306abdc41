/**
 * The examples of the source document as data. The notebook of a loss shows them and its test asserts them, so that neither
 * can drift from what the document says: one source, two readers.
 *
 * `place` is a heading of the document ("SmoothL1Loss", "MultiLabelMarginLoss, In [4]"), or the section of PyTorch's
 * behaviour that the numbers were worked out for ("PyTorch, HuberLoss, A").
 *
 * @module
 */

import type { NestedArray, Tensor } from "@lossbook/losses";

/** One call of a loss, and what came of it. */
export interface Case<Options extends object = object> {
  /** What the example shows, in a few words. */
  readonly name: string;
  /** Where it stands. */
  readonly place: string;
  /** The line of Python that makes the call there. */
  readonly code: string;
  /** The constructor's options that this line means. */
  readonly options: Options;
  /** The arguments, in call order. */
  readonly args: Readonly<Record<string, Tensor>>;
  /** The value, as arithmetic where the document prints nothing. */
  readonly value?: number | NestedArray;
  /** Gradients by argument, for an upstream gradient of ones. */
  readonly grad?: Readonly<Record<string, number | NestedArray>>;
  /** What the document printed, character by character. */
  readonly printed?: string;
  /** How the value becomes what is printed; by default `print(value)` for a tensor, `print(value.item())` for a scalar. */
  readonly show?: (value: Tensor) => string;
  /** The document's own check in Python's doubles: its line, the same line here, and what it printed. */
  readonly byHand?: { readonly code: string; readonly value: number; readonly printed: string };
}

/** A formula of the document, in its notation and in that of the losses: x is the prediction ŷ, y the target. */
export interface DocumentFormula {
  /** Where it stands. */
  readonly place: string;
  /** As it stands there. */
  readonly tex: string;
  /** One element of it as text that the engine and mathjs read. */
  readonly text: string;
  /** Where PyTorch departs from it: the erratum, in one sentence. */
  readonly departs?: string;
}

/** A figure of the document: curves over the residual ŷ - y. */
export interface DocumentFigure {
  /** Where it stands, and the name of its file there. */
  readonly place: string;
  /** The residuals that it spans. */
  readonly residuals: readonly [from: number, to: number];
  /** Each curve's name and formula in x and y. */
  readonly curves: Readonly<Record<string, string>>;
}

/** What an example prints: Python shows doubles as JavaScript does, but for a whole number's ".0". */
export function printedBy({ show = show0 }: Case, value: Tensor): string {
  return show(value);
}

function show0(value: Tensor): string {
  if (value.shape.length > 0) return value.toString();
  const item = value.item();
  return Number.isInteger(item) ? `${item}.0` : `${item}`;
}
