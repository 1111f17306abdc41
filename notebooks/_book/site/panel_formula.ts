/** The formulas of a loss with the numbers of its options, as MathML. */
import { Formula } from "../../../losses/_core/formula.ts";
import { toMathml } from "./mathml.ts";
import type { PanelClass } from "./panel_definitions.ts";

/** The text of a formula with numbers in place of options. */
export function withNumbers(
  text: string,
  options: Readonly<Record<string, number | boolean>>,
): string {
  return text.replace(/[A-Za-z_]\w*/g, (name) => {
    const value = Object.hasOwn(options, name) ? options[name] : undefined;
    if (value === undefined) return name;
    const number = Number(value);
    return number < 0 ? `(${number})` : `${number}`;
  });
}

/** One line for the value of a loss and one for each gradient. */
export function formulaLines(
  { formula }: PanelClass,
  options: Readonly<Record<string, number | boolean>>,
): string {
  if (formula === undefined) return "";
  const line = (name: string, text: string) => {
    try {
      const tex = new Formula(withNumbers(text, options)).latex();
      return `<div class="display">${toMathml(`${name}=${tex}`, true)}</div>`;
    } catch (error) {
      // A formula of several lines, or one that is not for readers, is left out.
      if (error instanceof SyntaxError || error instanceof RangeError) return "";
      throw error;
    }
  };
  return [
    line("J", formula.value),
    ...Object.entries(formula.grad).map(([name, text]) =>
      line(`\\frac{\\partial J}{\\partial ${name.length === 1 ? name : `\\mathrm{${name}}`}}`, text)
    ),
  ].join("");
}
