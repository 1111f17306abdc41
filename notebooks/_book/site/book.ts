/// <reference lib="dom" />
/** What every page does in the browser: copies code, wakes figures, keeps the place when the language changes, searches. */
import { offerCopies } from "./copy.ts";
import { wakeFigures } from "./figures.ts";
import { keepPlace } from "./place.ts";
import { letScroll } from "./scrolling.ts";
import { offerSearch } from "./search.ts";
import { offerThemes } from "./theme.ts";

offerThemes();
openContents();
keepPlace();
offerCopies();
wakeFigures();
offerSearch();
letScroll();
addEventListener("resize", () => letScroll());

/** The contents are open where there is room beside the text. */
function openContents(): void {
  const contents = document.querySelector<HTMLDetailsElement>(".contents")!;
  const isWide = matchMedia("(min-width: 62rem)");
  const follow = () => contents.open = isWide.matches;
  isWide.addEventListener("change", follow);
  follow();
  contents.querySelector("[aria-current]")?.scrollIntoView({ block: "nearest" });
}
