/** What stands around every page: head, contents, ways on. */
import { escapeHtml } from "./highlight.ts";
import { type Both, type Language, otherThan } from "./language.ts";
import type { Section } from "./page.ts";

/** An entry of the contents. */
export interface Entry {
  /** The page's file without extension. */
  readonly file: string;
  readonly title: string;
  /** The question that the page answers. */
  readonly question: string;
}

/** A part of the contents. */
export interface Part {
  readonly title: string;
  readonly entries: readonly Entry[];
}

/** A page to be put into the layout. */
export interface Sheet {
  readonly language: Language;
  readonly file: string;
  readonly title: string;
  readonly html: string;
  readonly sections: readonly Section[];
  readonly parts: readonly Part[];
  /** Scripts of this page besides the one of all pages, without extension. */
  readonly scripts?: readonly string[];
}

const WORDS = {
  contents: { zh: "目录", en: "Contents" },
  search: { zh: "搜索", en: "Search" },
  skip: { zh: "跳到正文", en: "Skip to the text" },
  other: { zh: "English", en: "中文" },
  previous: { zh: "上一页", en: "Previous" },
  next: { zh: "下一页", en: "Next" },
  dark: { zh: "深色", en: "Dark" },
  playground: { zh: "公式游乐场", en: "Playground" },
  results: { zh: "搜索结果", en: "Search results" },
} satisfies Record<string, Both>;

/** Scripts come from the book alone; WebAssembly is compiled. Plotly and formulas set styles of elements. */
const POLICY =
  "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; connect-src 'self'; base-uri 'none'; form-action 'none'";

/** The HTML document of a page. */
export function layOut(sheet: Sheet): string {
  const { language, file, title, html, parts, scripts = [] } = sheet;
  const say = (word: keyof typeof WORDS) => WORDS[word][language];
  const other = otherThan(language);
  const entries = parts.flatMap((part) => part.entries);
  const at = entries.findIndex((entry) => entry.file === file);
  const code = language === "zh" ? "zh-Hans" : "en";
  const loaded = ["book", ...scripts].map((name) =>
    `<script type="module" src="../assets/${name}.js"></script>`
  ).join("\n");
  return `<!DOCTYPE html>
<html lang="${code}">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escapeHtml(plain(title))} · lossbook</title>
<link rel="stylesheet" href="../assets/book.css">
<link rel="icon" href="../assets/icon.svg" type="image/svg+xml">
<link rel="alternate" hreflang="${
    other === "zh" ? "zh-Hans" : "en"
  }" href="../${other}/${file}.html">
${loaded}
</head>
<body data-language="${language}" data-page="${file}">
<a class="skip" href="#text">${say("skip")}</a>
<header>
<a class="name" href="index.html">loss<b>book</b></a>
<search><label><span class="unseen">${
    say("search")
  }</span><input id="search" type="search" placeholder="${
    say("search")
  }" autocomplete="off" role="combobox" aria-expanded="false" aria-controls="found" aria-autocomplete="list" hidden></label>
<ul id="found" role="listbox" aria-label="${say("results")}" hidden></ul></search>
<nav class="tools"><a href="playground.html">${say("playground")}</a>
<a id="language" href="../${other}/${file}.html" lang="${other === "zh" ? "zh-Hans" : "en"}">${
    say("other")
  }</a>
<button id="dark" type="button" aria-pressed="false" hidden>${say("dark")}</button></nav>
</header>
<div class="columns">
<details class="contents"><summary>${say("contents")}</summary>
${contentsHtml(sheet)}
</details>
<main id="text">
${html}
${
    at < 0
      ? ""
      : `<nav class="ways">${way(entries[at - 1], "previous", say("previous"))}${
        way(entries[at + 1], "next", say("next"))
      }</nav>`
  }
</main>
</div>
<div id="status" role="status" class="unseen"></div>
</body>
</html>
`;
}

/** Text without the tags in it. */
function plain(html: string): string {
  return html.replace(/<[^>]*>|`/g, "");
}

function contentsHtml({ language, file, parts, sections }: Sheet): string {
  const item = ({ file: to, title }: Entry) => {
    const here = to === file;
    const inside = sections.filter(({ level }) => level === 2);
    const list = here && inside.length > 0
      ? `<ul class="sections">${
        inside.map(({ id, heading }) =>
          `<li><a href="#${id}">${escapeHtml(plain(heading))}</a></li>`
        )
          .join("")
      }</ul>`
      : "";
    return `<li><a href="${to}.html"${here ? ` aria-current="page"` : ""}>${
      escapeHtml(title)
    }</a>${list}</li>`;
  };
  return `<nav aria-label="${WORDS.contents[language]}">${
    parts.map(({ title, entries }) =>
      `<h2>${escapeHtml(title)}</h2><ol>${entries.map(item).join("\n")}</ol>`
    ).join("\n")
  }</nav>`;
}

function way(entry: Entry | undefined, kind: "previous" | "next", word: string): string {
  if (entry === undefined) return `<span></span>`;
  const { file, title, question } = entry;
  return `<a class="${kind}" rel="${
    kind === "previous" ? "prev" : "next"
  }" href="${file}.html"><small>${word}</small>${escapeHtml(title)}<span>${
    escapeHtml(question)
  }</span></a>`;
}
