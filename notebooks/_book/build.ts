/**
 * Builds the book: the stored notebooks as static pages in Chinese and English.
 *
 * This folder turns notebooks into a site. It runs no cell and reads nothing from the network; `site/` is what runs in the
 * reader's browser. It knows the kit's notebook files and contents, and no figure or check.
 *
 * @module
 */
import * as esbuild from "esbuild";
import MiniSearch from "minisearch";
import plotly from "plotly.js-cartesian-dist-min/plotly-cartesian.min.js" with { type: "text" };
import { createHash } from "node:crypto";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { afterwards, contents } from "../_kit/contents/contents.ts";
import { lossPanels } from "../_kit/contents/loss_panels.ts";
import { readNotebook } from "../_kit/notebook/notebook_file.ts";
import { escapeHtml, highlight } from "./highlight.ts";
import { type Both, type Language, LANGUAGES, partOf } from "./language.ts";
import { type Entry, layOut, type Part } from "./layout.ts";
import { markdownRenderer } from "./markdown.ts";
import { type Page, renderPage, type StoredFigure } from "./page.ts";
import { PANELS } from "./site/panel_definitions.ts";
import { SEARCH, type SearchEntry } from "./search_terms.ts";
import { thumbnail } from "./thumbnail.ts";

const PROJECT = new URL("../../", import.meta.url);
const require = createRequire(import.meta.url);

const GROUPS: Readonly<Record<"numbers" | "classes" | "pairs", Both>> = {
  numbers: { zh: "数值", en: "Numbers" },
  classes: { zh: "类别", en: "Classes" },
  pairs: { zh: "成对与三元组", en: "Pairs and triplets" },
};

const WORDS = {
  start: { zh: "开始", en: "Begin" },
  more: { zh: "还有", en: "More" },
  overview: { zh: "总览", en: "Overview" },
  losses: { zh: "所有损失", en: "All losses" },
  playground: { zh: "公式游乐场", en: "Playground" },
  playgroundQuestion: { zh: "任何公式，都有梯度", en: "Any formula, with its gradient" },
  panel: { zh: "动手试试这个损失", en: "Try the loss" },
  script: {
    zh: "打开 JavaScript，就能在这里动手试。",
    en: "With JavaScript, this loss can be tried here.",
  },
  terms: { zh: "术语", en: "Terms" },
  readme: { zh: "README", en: "README" },
} satisfies Record<string, Both>;

/** The files of the book by path. */
export type Site = Map<string, string | Uint8Array>;

/** Files of the repository that pages link to, and their pages. */
const DOCUMENTS: Readonly<Record<string, { readonly page: string; readonly title: Both }>> = {
  "README.md": { page: "readme", title: WORDS.readme },
  "notebooks/_kit/terms.md": { page: "terms", title: WORDS.terms },
};

/** The contents in a language. */
function partsIn(language: Language): Part[] {
  const losses = (group: keyof typeof GROUPS): Part => ({
    title: GROUPS[group][language],
    entries: contents.filter((chapter) => chapter.group === group)
      .map((chapter) => ({ file: chapter.file, title: chapter.loss, question: chapter[language] })),
  });
  return [
    {
      title: WORDS.start[language],
      entries: [{ file: "index", title: WORDS.overview[language], question: "" }],
    },
    losses("numbers"),
    losses("classes"),
    losses("pairs"),
    {
      title: WORDS.more[language],
      entries: [
        ...afterwards.map((chapter): Entry => ({
          file: chapter.file,
          title: partOf(chapter.title, language),
          question: chapter[language],
        })),
        {
          file: "playground",
          title: WORDS.playground[language],
          question: WORDS.playgroundQuestion[language],
        },
      ],
    },
  ];
}

/** Where a link that stands in a file of the repository leads to in the book. */
function linksFrom(path: string, pages: ReadonlySet<string>): (href: string) => string {
  return (href) => {
    if (/^(#|[a-z]+:)/.test(href)) return href;
    const url = new URL(href, `file:///${path}`);
    const target = decodeURIComponent(url.pathname.slice(1));
    const [, notebook] = target.match(/^notebooks\/(\w+)\.ipynb$/) ?? [];
    if (notebook !== undefined && pages.has(notebook)) return `${notebook}.html${url.hash}`;
    if (target in DOCUMENTS) return `${DOCUMENTS[target].page}.html${url.hash}`;
    if (/^losses\/\w+\.ts$/.test(target)) return `source_${target.slice(7, -3)}.html`;
    if (/^[\w./-]+\.(md|ts|json|png)$|^LICENSE$/.test(target)) return `../files/${target}`;
    return `readme.html`;
  };
}

/** The picture of all losses: each leads to its page. */
function picture(language: Language): string {
  const figures = lossPanels.flatMap((panel) => {
    const chapter = contents.find(({ loss }) => loss === panel.loss);
    if (chapter === undefined) return [];
    return `<li><a href="${chapter.file}.html">${thumbnail(panel)}<b>${
      chapter.loss.replace(/(With)?Loss$/, "").replace(/(?<=[a-z])(?=[A-Z])/g, "<wbr>")
    }</b><span>${escapeHtml(chapter[language])}</span></a></li>`;
  });
  return `<ul class="picture" aria-label="${WORDS.losses[language]}">${figures.join("\n")}</ul>`;
}

/** Headings of a Markdown document with anchors as GitHub makes them. */
function withAnchors(html: string): string {
  return html.replace(/<h([2-4])>([^]*?)<\/h\1>/g, (_, level, text) => {
    const id = text.replace(/<[^>]*>/g, "").toLowerCase().replace(/[^\p{L}\p{N}\s-]/gu, "").trim()
      .replace(/\s/g, "-");
    return `<h${level} id="${id}">${text}</h${level}>`;
  });
}

/** A name that follows from the content. */
function nameOf(content: Uint8Array | string): string {
  return createHash("sha256").update(content).digest("hex").slice(0, 16);
}

/**
 * Makes all files of the book.
 *
 * @returns The files; nothing is written.
 * @throws If a formula, a link or a notebook cannot be read.
 */
export async function build(): Promise<Site> {
  const site: Site = new Map();
  const notebooks = [
    "index",
    ...contents.map(({ file }) => file),
    ...afterwards.map(({ file }) => file),
  ];
  const pages = new Set(notebooks);
  const figure = ({ png, plot }: StoredFigure) => {
    const name = nameOf(png);
    site.set(`figures/${name}.png`, png);
    const json = JSON.stringify(plot);
    const plotName = nameOf(json);
    site.set(`figures/${plotName}.json`, json);
    return { png: `../figures/${name}.png`, json: `../figures/${plotName}.json` };
  };
  for (const language of LANGUAGES) {
    const parts = partsIn(language);
    const entries: SearchEntry[] = [];
    const put = (file: string, page: Page, scripts: readonly string[] = []) => {
      site.set(`${language}/${file}.html`, layOut({ ...page, language, file, parts, scripts }));
      entries.push(...page.sections.map(({ id, heading, text }): SearchEntry => ({
        id: `${file}.html#${id}`,
        page: page.title,
        heading,
        text,
      })));
    };
    for (const file of notebooks) {
      const path = `notebooks/${file}.ipynb`;
      const { notebook } = await readNotebook(fileURLToPath(new URL(path, PROJECT)));
      const page = renderPage(notebook, { language, link: linksFrom(path, pages), figure });
      const html = file === "index"
        ? withPicture(page.html, picture(language))
        : withPanel(page.html, file, language);
      put(file, { ...page, html }, file in PANELS ? [`panel_${file}`] : []);
    }
    put("playground", {
      title: WORDS.playground[language],
      html: `<h1 id="playground">${WORDS.playground[language]}</h1><div id="play"></div>`,
      sections: [{ id: "playground", heading: WORDS.playground[language], level: 1, text: "" }],
    }, ["playground"]);
    for (const [path, { page, title }] of Object.entries(DOCUMENTS)) {
      const text = await Deno.readTextFile(new URL(path, PROJECT));
      const html = withAnchors(markdownRenderer({ link: linksFrom(path, pages) })(text));
      put(page, { title: title[language], html: `<div class="text">${html}</div>`, sections: [] });
    }
    for (const { file, loss } of contents) {
      const source = await Deno.readTextFile(new URL(`losses/${file}.ts`, PROJECT));
      const html = `<h1>${loss}</h1><p><code>losses/${file}.ts</code></p>` +
        `<pre class="code"><code>${highlight(source, "ts")}</code></pre>`;
      put(`source_${file}`, { title: `${loss}: losses/${file}.ts`, html, sections: [] });
    }
    const search = new MiniSearch(SEARCH);
    search.addAll(entries);
    site.set(`assets/search_${language}.json`, JSON.stringify(search));
  }
  site.set("index.html", await Deno.readTextFile(new URL("site/index.html", import.meta.url)));
  site.set(".nojekyll", "");
  await addAssets(site);
  await addLinkedFiles(site);
  return site;
}

/** Puts the picture of all losses below the first text. */
function withPicture(html: string, picture: string): string {
  return html.replace(/<\/h1>\n/, (end) => `${end}${picture}\n`);
}

/** Puts the place of the panel below the card, or below the title of a page without one. */
function withPanel(html: string, file: string, language: Language): string {
  if (!(file in PANELS)) return html;
  const panel = `<section class="panel" id="panel" data-loss="${file}" aria-label="${
    WORDS.panel[language]
  }"><noscript>${WORDS.script[language]}</noscript></section>\n`;
  const card = html.match(/<div class="text card"[^]*?<\/div>\n(?=<div class="cell")/)?.[0] ??
    html.match(/<\/h1>\n/)![0];
  return html.replace(card, () => card + panel);
}

/** The script of each panel has its loss alone. */
const panels: esbuild.Plugin = {
  name: "panels",
  setup(build) {
    build.onResolve({ filter: /^panel_\w+$/ }, ({ path }) => ({ path, namespace: "panel" }));
    build.onLoad({ filter: /.*/, namespace: "panel" }, ({ path }) => {
      const name = path.slice("panel_".length);
      const loss = fileURLToPath(new URL(`losses/${name}.ts`, PROJECT));
      const panel = fileURLToPath(new URL("site/panel.ts", import.meta.url));
      return {
        contents: `import { ${PANELS[name].loss} as Loss } from ${JSON.stringify(loss)};
import { mountPanel } from ${JSON.stringify(panel)};
mountPanel(Loss);`,
        loader: "ts",
        resolveDir: fileURLToPath(PROJECT),
      };
    });
  },
};

/** Style, scripts, Plotly, and what panels and checks read. */
async function addAssets(site: Site): Promise<void> {
  const folder = new URL("site/", import.meta.url);
  const read = (name: string) => Deno.readTextFile(new URL(name, folder));
  const style = await esbuild.transform(await read("book.css"), { loader: "css", minify: true });
  site.set("assets/book.css", style.code);
  site.set("assets/icon.svg", await read("icon.svg"));
  const scripts = [
    ...["book", "playground"].map((name) => fileURLToPath(new URL(`${name}.ts`, folder))),
    ...Object.keys(PANELS).map((name) => `panel_${name}`),
  ];
  const { outputFiles } = await esbuild.build({
    entryPoints: scripts,
    bundle: true,
    minify: true,
    format: "esm",
    target: "es2023",
    outdir: "/assets",
    plugins: [panels],
    alias: {
      "@lossbook/losses": fileURLToPath(new URL("mod.ts", PROJECT)),
      // esbuild knows neither deno.json nor Deno's cache.
      minisearch: require.resolve("minisearch").replace("/cjs/index.cjs", "/es/index.js"),
    },
    write: false,
    logLevel: "silent",
  });
  for (const { path, contents } of outputFiles) {
    site.set(`assets/${path.split("/").at(-1)}`, contents);
  }
  site.set("assets/plotly.js", plotly);
  for (const name of Object.keys(PANELS)) {
    const fixture = new URL(`tests/fixtures/${name}.json`, PROJECT);
    site.set(`assets/fixtures/${name}.json`, await Deno.readTextFile(fixture));
  }
}

/** Copies the files of the repository that documents link to. */
async function addLinkedFiles(site: Site): Promise<void> {
  const wanted = new Set<string>();
  for (const content of site.values()) {
    if (typeof content !== "string") continue;
    for (const [, path] of content.matchAll(/(?:href|src)="\.\.\/files\/([^"#]+)/g)) {
      wanted.add(path);
    }
  }
  for (const path of [...wanted].sort()) {
    site.set(`files/${path}`, await Deno.readFile(new URL(path, PROJECT)));
  }
}
