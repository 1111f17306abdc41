/// <reference lib="dom" />
/** The language of this page, and what scripts say in it. */

/** The language of this page. */
export const language = document.body.dataset.language === "zh" ? "zh" : "en";

/** One of two texts, by the language of this page. */
export function say(zh: string, en: string): string {
  return language === "zh" ? zh : en;
}

/** Tells a screen reader what has happened. */
export function announce(text: string): void {
  document.querySelector("#status")!.textContent = text;
}
