/** Texts in both languages of the notebooks. */

/** One text in Chinese and in English. */
export interface Bilingual {
  /** The text in Chinese. */
  zh: string;
  /** The text in English. */
  en: string;
}

/**
 * Both texts on one line, for titles.
 *
 * @param text The text.
 * @returns Chinese, then English.
 */
export function onOneLine({ zh, en }: Bilingual): string {
  return `${zh} · ${en}`;
}

/**
 * Markdown that is folded under one line until a reader opens it.
 *
 * @param summary The line.
 * @param body The Markdown below it.
 * @returns Markdown, which Jupyter, VS Code and GitHub fold.
 */
export function folded(summary: string, body: string): string {
  return `<details><summary>${summary}</summary>\n\n${body}\n\n</details>`;
}
