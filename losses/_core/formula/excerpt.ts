/**
 * Quotes formulas in error messages, which must stay short however long the formula is.
 */

const LENGTH = 60;

/**
 * Shortens a long text.
 *
 * @param text The text.
 * @param at The position that must be in the excerpt.
 * @returns The text, or a part of it with … where something is left out.
 */
export function excerpt(text: string, at = 0): string {
  const start = Math.max(0, Math.min(at - LENGTH / 2, text.length - LENGTH));
  const end = start + LENGTH;
  return (start > 0 ? "…" : "") + text.slice(start, end) + (end < text.length ? "…" : "");
}
