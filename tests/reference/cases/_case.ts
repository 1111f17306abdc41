/**
 * The examples of the source document as data. The notebook of a loss shows them and its test asserts them, so that both agree with
 * what the document says.
 *
 * This folder holds one file for each loss: inputs, options, expected numbers, and where they come from. It asserts nothing and
 * shows nothing.
 *
 * `place` is a heading of the document ("SmoothL1Loss", "MultiLabelMarginLoss, In [4]"), or the section on PyTorch's behaviour for
 * which the numbers were computed ("PyTorch, HuberLoss, A").
 *
 * @module
 */

import type { NestedArray, Tensor } from "@lossbook/losses";

/** One call of a loss, and its result. */
export interface Case<Options extends object = object> {
  /** What the example shows. */
  readonly name: string;
  /** Where it is found. */
  readonly place: string;
  /** The line of Python that makes the call there. */
  readonly code: string;
  /** The same options for the constructor of the loss. */
  readonly options: Options;
  /** The arguments, in call order. */
  readonly args: Readonly<Record<string, Tensor>>;
  /** The value, as arithmetic where the document prints nothing. */
  readonly value?: number | NestedArray;
  /** Gradients by argument, for an upstream gradient of ones. */
  readonly grad?: Readonly<Record<string, number | NestedArray>>;
  /** The document's output, character by character. */
  readonly printed?: string;
  /** Turns the value into the document's output; by default `print(value)` for a tensor, `print(value.item())` for a scalar. */
  readonly show?: (value: Tensor) => string;
  /** The document's own check in Python's doubles: its line, the same line here, and what it printed. */
  readonly byHand?: { readonly code: string; readonly value: number; readonly printed: string };
}

/** A formula of the document, in its notation and in that of the losses: x is the prediction ŷ, y the target. */
export interface DocumentFormula {
  /** Where it is found. */
  readonly place: string;
  /** The formula in the document. */
  readonly tex: string;
  /** One element of it, as text that `Formula` and mathjs read. */
  readonly text: string;
  /** How PyTorch differs from it: the erratum, in one sentence. */
  readonly departs?: string;
}

/** A figure of the document: curves over the residual ŷ - y. */
export interface DocumentFigure {
  /** Where it is found, and the name of its file there. */
  readonly place: string;
  /** The range of residuals. */
  readonly residuals: readonly [from: number, to: number];
  /** Each curve's name and formula in x and y. */
  readonly curves: Readonly<Record<string, string>>;
}

/** The output of an example. Python prints doubles as JavaScript does, except for the ".0" of whole numbers. */
export function printedBy({ show = show0 }: Case, value: Tensor): string {
  return show(value);
}

function show0(value: Tensor): string {
  if (value.shape.length > 0) return value.toString();
  const item = value.item();
  return Number.isInteger(item) ? `${item}.0` : `${item}`;
}
