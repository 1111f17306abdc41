/**
 * Small outputs of a notebook: text, formulas, tables.
 *
 * This folder shows what it is given, through display.ts alone. It computes no loss and draws no figure; of the package it knows
 * only how a formula is printed.
 *
 * @module
 */

import { Formula } from "@lossbook/losses/formula";
import { display } from "./display.ts";
import { type Cell, layout } from "./table.ts";

/**
 * Shows Markdown.
 *
 * @param text The Markdown; formulas between `$` are set.
 */
export async function markdown(text: string): Promise<void> {
  await display({ "text/markdown": text, "text/plain": text });
}

/**
 * The LaTeX of a formula, as the package prints it.
 *
 * @param formula A formula as text, or an object whose text is a formula, such as a node of mathjs.
 * @param names How symbols are to be written.
 * @returns LaTeX without dollar signs, for {@linkcode tex}.
 *
 * @example
 * ```ts
 * toTex("abs(x - y) / beta", { x: "\\hat{y}" }); // \frac{\left|\hat{y}-y\right|}{\beta}
 * ```
 */
export function toTex(
  formula: { toString(): string },
  names: Readonly<Record<string, string>> = {},
): string {
  return new Formula(formula.toString()).latex(names);
}

/**
 * Shows a formula as a display, or several below each other, aligned at their `&`.
 *
 * @param lines The TeX of each line, without dollar signs, as {@linkcode toTex} gives it.
 */
export async function tex(...lines: string[]): Promise<void> {
  if (lines.length === 0) throw new TypeError("Cannot show a formula as none is given");
  const isPlain = lines.length === 1 && !lines[0].includes("&");
  const body = isPlain
    ? lines[0]
    : String.raw`\begin{aligned}${lines.join(String.raw` \\ `)}\end{aligned}`;
  await display({
    "text/latex": `$$${body}$$`,
    "text/markdown": `$$${body}$$`,
    "text/plain": lines.join("\n"),
  });
}

/**
 * Shows a table with one row per object and one column per property. Columns of numbers are
 * aligned to the right.
 *
 * @param rows The rows; every row has the properties of the first.
 * @param options `columns` chooses and orders the properties; `caption` is a line above the table.
 *
 * @example
 * ```ts
 * await table([{ delta: 1, loss: 0.5 }, { delta: 2, loss: 1.5 }]);
 * ```
 */
export async function table<Row extends Record<string, Cell>>(
  rows: readonly Row[],
  options: { columns?: readonly (keyof Row & string)[]; caption?: string } = {},
): Promise<void> {
  if (rows.length === 0) throw new RangeError("Cannot show a table as it has no rows");
  const { columns = Object.keys(rows[0]), caption } = options;
  for (const column of columns) {
    if (rows.some((row) => !Object.hasOwn(row, column))) {
      throw new TypeError(`Cannot show a table as a row has no column "${column}"`);
    }
  }
  const text = layout(columns, rows.map((row) => columns.map((column) => row[column])));
  await display({
    "text/markdown": caption === undefined ? text.markdown : `${caption}\n\n${text.markdown}`,
    "text/plain": caption === undefined ? text.plain : `${caption}\n${text.plain}`,
  });
}
