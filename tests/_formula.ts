/** Checks a loss's gradient formulas against the derivative of its value formula, found in two other ways. */
import { assert } from "@std/assert";
import { describe, it } from "@std/testing/bdd";
import type { LossFormula } from "@lossbook/losses";
import { Formula } from "@lossbook/losses/formula";
import { derivative, sameFunction } from "./reference/maths/math.ts";

/**
 * Registers two tests for each gradient formula.
 *
 * @param symbols The symbol of each argument, by the argument's name.
 * @param ranges The interval to draw each symbol and option from. The drawn numbers do not hit a kink.
 */
export function testFormula(
  loss: string,
  { value, grad }: LossFormula,
  symbols: Readonly<Record<string, string>>,
  ranges: Record<string, readonly [low: number, high: number]>,
): void {
  describe(`${loss}.formula`, () => {
    for (const [name, formula] of Object.entries(grad)) {
      const derivatives = {
        "the engine": new Formula(value).derivative(symbols[name]).text,
        mathjs: derivative(value, symbols[name]),
      };
      for (const [who, found] of Object.entries(derivatives)) {
        it(`has in grad.${name} the derivative that ${who} finds`, () => {
          const { same, difference, at } = sameFunction(found, formula, ranges, { seed: 5 });
          assert(same, `${found} is not ${formula}: ${difference} at ${JSON.stringify(at)}`);
        });
      }
    }
  });
}
