/**
 * What a Jupyter notebook shows of losses and formulas: text, and LaTeX where it has room for it.
 *
 * Only mod.ts imports this, so that the bundle of a single loss carries no LaTeX.
 */

import { Loss } from "./call/loss.ts";
import { readReduction } from "./define/row_formula.ts";
import { Graph } from "./formula/graph.ts";
import { latex } from "./formula/latex.ts";
import { parse } from "./formula/parse.ts";

/** The symbol of the method by which Jupyter's Deno kernel asks an object how to show it. */
const DISPLAY = Symbol.for("Jupyter.display");

/** The value of a loss in formulas. */
const VALUE = "\\ell";

/** Formulas of a loss: its value, its gradients by argument, and others by their names. */
type Formulas = Readonly<Record<string, string | Readonly<Record<string, string>>>>;

/** A class that has formulas. */
interface WithFormulas {
  readonly formula: object;
}

/**
 * Makes losses, and the formulas of these classes, show themselves as LaTeX in a notebook.
 *
 * @param classes The loss classes.
 */
export function showInNotebooks(classes: readonly WithFormulas[]): void {
  const define = (target: object, display: (this: unknown) => Record<string, string>) =>
    Object.defineProperty(target, DISPLAY, { value: display, configurable: true, writable: true });
  define(Loss.prototype, function () {
    const loss = this as Loss<never, never, never> & Partial<WithFormulas>;
    const formula = loss.formula ?? (loss.constructor as unknown as WithFormulas).formula;
    return display(String(loss), formula as Formulas | undefined);
  });
  for (const { formula } of classes) {
    define(formula, () => display(JSON.stringify(formula, null, 2), formula as Formulas));
  }
}

/** A text with formulas below it, in every form that a notebook may choose from. */
function display(text: string, formulas: Formulas | undefined): Record<string, string> {
  const equations = formulas === undefined ? [] : equationsOf(formulas);
  return {
    "text/plain": text,
    ...equations.length > 0 && {
      "text/markdown": ["```ts", text, "```", ...equations.map((equation) => `$$${equation}$$`)]
        .join("\n"),
      "text/latex": equations.map((equation) => `$$${equation}$$`).join("\n"),
    },
  };
}

/** Value and gradients as equations. */
function equationsOf(formulas: Formulas): string[] {
  return Object.entries(formulas).flatMap(([name, formula]) => {
    if (typeof formula === "string") {
      return [`${name === "value" ? VALUE : latexOf(name)} = ${latexOf(formula)}`];
    }
    return Object.entries(formula).map(([argument, text]) =>
      name === "grad"
        ? `\\frac{\\partial ${VALUE}}{\\partial\\,\\mathrm{${argument}}} = ${latexOf(text)}`
        : `${latexOf(argument)} = ${latexOf(text)}`
    );
  });
}

/** A formula, or a reduction along the last axis, as LaTeX. */
function latexOf(text: string): string {
  const reduction = readReduction(text);
  if (reduction === undefined) return latex(parse(new Graph(), text));
  const { kind, body } = reduction;
  const sign = kind === "sum" ? "\\sum" : kind === "mean" ? "\\operatorname{mean}" : `\\${kind}`;
  return `${sign}\\left(${latex(parse(new Graph(), body))}\\right)`;
}
