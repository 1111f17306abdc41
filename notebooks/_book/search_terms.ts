/** How the search sees text, when the book is built and in the browser alike. */
import type { Options } from "minisearch";

/** A section of a page, as the search keeps it. */
export interface SearchEntry {
  /** The address, from the folder of the language. */
  readonly id: string;
  readonly page: string;
  readonly heading: string;
  readonly text: string;
}

/**
 * The terms of a text: words in lower case; of Chinese, which has no spaces, every pair of neighbouring characters, so that
 * any part of a sentence is found.
 */
export function searchTerms(text: string): string[] {
  const terms: string[] = [];
  for (const [run] of text.toLowerCase().matchAll(/\p{Script=Han}+|[\p{L}\p{N}_]+/gu)) {
    if (!/\p{Script=Han}/u.test(run)) terms.push(run);
    else if (run.length === 1) terms.push(run);
    else for (let i = 1; i < run.length; i++) terms.push(run.slice(i - 1, i + 1));
  }
  return terms;
}

/** How MiniSearch indexes sections, and finds them by the beginnings of words. */
export const SEARCH: Options<SearchEntry> = {
  fields: ["page", "heading", "text"],
  storeFields: ["page", "heading"],
  tokenize: searchTerms,
  processTerm: (term) => term,
  searchOptions: {
    combineWith: "AND",
    prefix: true,
    boost: { page: 2, heading: 6 },
    // The beginning of a page before its sections.
    boostDocument: (_id, _term, stored) => stored?.heading === stored?.page ? 4 : 1,
  },
};
