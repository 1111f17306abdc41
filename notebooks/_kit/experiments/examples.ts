/** The examples of tests/reference/cases, run on a page. */

import type { NestedArray, Tensor } from "@lossbook/losses";
import { check, type CheckRow, type NestedNumbers } from "../show/checks.ts";
import type { AnyLoss } from "./loss.ts";

/** One call of a loss and what it gives, as tests/reference/cases holds them. */
export interface Example<Options> {
  /** The line of Python that makes the call. */
  readonly code: string;
  /** Options of the constructor. */
  readonly options: Options;
  /** The arguments, in call order. */
  readonly args: Readonly<Record<string, Tensor>>;
  /** The value. */
  readonly value?: number | NestedArray;
  /** Gradients by argument. */
  readonly grad?: Readonly<Record<string, number | NestedArray>>;
  /** The value as a document prints it, instead of `value`. */
  readonly printed?: string;
}

/**
 * Runs every example, value and gradients, and shows one line with the table folded under it.
 *
 * @param examples The examples.
 * @param build Makes the loss from the options of an example.
 */
export async function checkExamples<Options>(
  examples: readonly Example<Options>[],
  build: (options: Options) => AnyLoss,
): Promise<void> {
  const rows: CheckRow[] = [];
  for (const { code, options, args, value, grad: wanted = {}, printed } of examples) {
    const names = Object.keys(wanted);
    const request = names.length > 0 ? { wrt: names } : {};
    const got = build(options).valueAndGrad(...[...Object.values(args), request] as never[]);
    const expected = printed === undefined ? { want: value as NestedNumbers } : { printed };
    rows.push({ name: code, got: got.value, ...expected });
    for (const name of names) {
      // Where the exact gradient is 0, a rounded one may be a last digit away.
      const want = wanted[name] as NestedNumbers;
      rows.push({ name: `… ∂/∂ ${name}`, got: got.grad[name], want, atol: 1e-14 });
    }
  }
  const title = { zh: `${examples.length} 个算例，逐行核对`, en: `${examples.length} examples` };
  await check(title, rows, { folded: true });
}
