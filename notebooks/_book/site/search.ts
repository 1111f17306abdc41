/// <reference lib="dom" />
/** The search: loaded when its field is first used. */
import type MiniSearch from "minisearch";
import type { SearchEntry } from "../search_terms.ts";
import { announce, language, say } from "./words.ts";

const MOST = 12;

let loading: Promise<MiniSearch<SearchEntry>> | undefined;

/** The index of this language. */
function index(): Promise<MiniSearch<SearchEntry>> {
  return loading ??= load().catch((error) => {
    loading = undefined;
    throw error;
  });
}

async function load(): Promise<MiniSearch<SearchEntry>> {
  const [{ default: MiniSearch }, { SEARCH }, response] = await Promise.all([
    import("minisearch"),
    import("../search_terms.ts"),
    fetch(`../assets/search_${language}.json`),
  ]);
  return MiniSearch.loadJSON(await response.text(), SEARCH);
}

/** Shows the field, and what it finds. */
export function offerSearch(): void {
  const field = document.querySelector<HTMLInputElement>("#search")!;
  const list = document.querySelector<HTMLElement>("#found")!;
  let selected = -1;
  field.hidden = false;
  field.addEventListener("focus", () => index(), { once: true });
  field.addEventListener("input", find);
  field.addEventListener("keydown", (event) => {
    const { children } = list;
    if (event.key === "Escape") close();
    else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      if (children.length === 0) return;
      event.preventDefault();
      const step = event.key === "ArrowDown" ? 1 : -1;
      select((selected + step + children.length) % children.length);
    } else if (event.key === "Enter") {
      children[Math.max(0, selected)]?.querySelector("a")?.click();
    }
  });
  document.addEventListener("click", ({ target }) => {
    if (!(target as Element).closest("search")) close();
  });

  async function find(): Promise<void> {
    const query = field.value.trim();
    if (query === "") return close();
    const found = (await index()).search(query).slice(0, MOST);
    // An older answer may come after a newer one.
    if (query !== field.value.trim()) return;
    list.replaceChildren(...found.map(({ id, page, heading }, i) => {
      const item = document.createElement("li");
      item.role = "option";
      item.id = `found-${i}`;
      item.ariaSelected = "false";
      const link = document.createElement("a");
      link.href = id;
      link.tabIndex = -1;
      const name = document.createElement("b");
      name.textContent = page;
      link.append(name, heading === page ? "" : ` · ${heading}`);
      item.append(link);
      return item;
    }));
    selected = -1;
    field.removeAttribute("aria-activedescendant");
    list.hidden = found.length === 0;
    field.ariaExpanded = `${found.length > 0}`;
    announce(
      found.length === 0
        ? say("没有找到", "Nothing found")
        : say(`找到 ${found.length} 处`, `${found.length} found`),
    );
  }

  function select(at: number): void {
    list.children[selected]?.setAttribute("aria-selected", "false");
    selected = at;
    const item = list.children[at];
    item.setAttribute("aria-selected", "true");
    item.scrollIntoView({ block: "nearest" });
    field.setAttribute("aria-activedescendant", item.id);
  }

  function close(): void {
    list.hidden = true;
    field.ariaExpanded = "false";
    field.removeAttribute("aria-activedescendant");
  }
}
