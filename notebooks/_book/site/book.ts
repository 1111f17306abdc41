/// <reference lib="dom" />
/** What every page does in the browser: copies code, wakes figures, keeps the place when the language changes, searches. */
import { offerCopies } from "./copy.ts";
import { wakeFigures } from "./figures.ts";
import { keepPlace } from "./place.ts";
import { offerSearch } from "./search.ts";
import { offerThemes } from "./theme.ts";

offerThemes();
openContents();
keepPlace();
offerCopies();
wakeFigures();
offerSearch();
wakePanels();

/** Panels load their loss when they come near the window. */
function wakePanels(): void {
  const panel = document.querySelector<HTMLElement>(".panel");
  if (panel === null) return;
  const observer = new IntersectionObserver(async (entries) => {
    if (!entries.some(({ isIntersecting }) => isIntersecting)) return;
    observer.disconnect();
    const { mountPanel } = await import("./panel.ts");
    await mountPanel(panel);
  }, { rootMargin: "300px" });
  observer.observe(panel);
}

/** The contents are open where there is room beside the text. */
function openContents(): void {
  const contents = document.querySelector<HTMLDetailsElement>(".contents")!;
  const isWide = matchMedia("(min-width: 62rem)");
  const follow = () => contents.open = isWide.matches;
  isWide.addEventListener("change", follow);
  follow();
  contents.querySelector("[aria-current]")?.scrollIntoView({ block: "nearest" });
}
