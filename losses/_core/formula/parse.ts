/**
 * Reads a formula of the user into an expression graph, and says what is wrong with it.
 */

import { excerpt } from "./excerpt.ts";
import { MAX_NESTING, read, TOKEN } from "./grammar.ts";
import type { Graph, Node } from "./graph.ts";
import { remedyAt } from "./remedies.ts";

/** The largest number of characters of a formula, which bounds the time to read it. */
export const MAX_LENGTH = 1_000_000;

/** The tokens of one character. */
const SINGLE = /[\w<>?:(),+*/^-]/;

/**
 * Parses a formula into a graph.
 *
 * @param graph The graph that the nodes are made in; texts parsed into one graph share equal nodes.
 * @param text The formula; grammar.ts describes the language.
 * @returns The root of the formula.
 * @throws {SyntaxError} If the text is not a formula.
 * @throws {TypeError} If there is a number in place of a condition, or the reverse.
 * @throws {RangeError} If the formula is too long or nested too deep.
 */
export function parse(graph: Graph, text: string): Node {
  if (text.length > MAX_LENGTH) {
    throw new RangeError(
      `Cannot parse the formula as it is longer than ${MAX_LENGTH} characters: current length is ${text.length}`,
    );
  }
  text.match(TOKEN)?.forEach((token, at) => {
    if (token.length > 1 || SINGLE.test(token)) return;
    const index = indexOf(text, at);
    throw new SyntaxError(
      `Cannot parse the formula as '${token}' is unknown: '${excerpt(text, index)}'${
        remedyAt(text, index)
      }`,
      { cause: { index } },
    );
  });
  return read(text, graph, refusal);
}

/** Where a token begins; the end of the text if there is no such token. */
function indexOf(text: string, token: number): number {
  return [...text.matchAll(TOKEN)][token]?.index ?? text.length;
}

function refusal(text: string, at: number, expected?: string): Error {
  if (expected === undefined) {
    return new RangeError(
      `Cannot parse the formula as its parentheses and exponents are nested more than ${MAX_NESTING} levels deep`,
    );
  }
  const token = text.match(TOKEN)?.[at];
  const found = token === undefined ? "the end" : `'${excerpt(token)}'`;
  const index = indexOf(text, at);
  return new SyntaxError(
    `Cannot parse the formula as ${expected} is expected before ${found}: '${
      excerpt(text, index)
    }'${remedyAt(text, index, expected)}`,
    { cause: { index } },
  );
}
