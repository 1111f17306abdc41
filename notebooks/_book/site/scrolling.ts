/// <reference lib="dom" />
/** What is wider than its place can be scrolled with the keyboard. */

/** Makes everything in a part of the page that scrolls focusable, and nothing else. */
export function letScroll(part: ParentNode = document): void {
  for (const element of part.querySelectorAll<HTMLElement>("pre, .table, .display, .wide, .plot")) {
    if (element.scrollWidth > element.clientWidth) element.tabIndex = 0;
    else element.removeAttribute("tabindex");
  }
}
