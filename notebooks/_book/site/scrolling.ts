/// <reference lib="dom" />
/** What is wider than its place can be scrolled with the keyboard. */

/** Makes everything that scrolls focusable, and nothing else. */
export function letScroll(): void {
  for (
    const element of document.querySelectorAll<HTMLElement>("pre, .table, .display, .wide, .plot")
  ) {
    if (element.scrollWidth > element.clientWidth) element.tabIndex = 0;
    else element.removeAttribute("tabindex");
  }
}
