/// <reference lib="dom" />
/** The link to the other language leads to the place that is being read: anchors are the same in both. */

/** Gives the link the anchor of what is at the top of the window, when it is used. */
export function keepPlace(): void {
  const link = document.querySelector<HTMLAnchorElement>("#language")!;
  const { href } = link;
  const update = () => {
    const { search } = location;
    link.href = `${href}${search}${anchorAtTop()}`;
  };
  for (const event of ["pointerdown", "focus", "click"]) link.addEventListener(event, update);
}

/** The anchor of the last heading or cell that begins above the middle of the window. */
function anchorAtTop(): string {
  let anchor = "";
  for (const element of document.querySelectorAll<HTMLElement>("main [id]")) {
    if (element.getBoundingClientRect().top > innerHeight / 3) break;
    // Cells of text have another name in each language.
    if (!/-(zh|en)$/.test(element.id)) anchor = `#${element.id}`;
  }
  return scrollY === 0 ? "" : anchor;
}
