/** A notebook as a page in one language. */
import type { CodeCell, Json, Notebook, Output } from "../_kit/notebook/notebook_file.ts";
import { escapeHtml, highlight } from "./highlight.ts";
import { type Both, type Language, otherThan, partOf } from "./language.ts";
import { markdownRenderer } from "./markdown.ts";

/** A section of a page: what the contents and the search lead to. */
export interface Section {
  /** The anchor, the same in both languages. */
  readonly id: string;
  readonly heading: string;
  readonly level: number;
  /** The text without formulas and code, for the search. */
  text: string;
}

/** A figure that a page shows: the picture, and what Plotly draws if it is touched. */
export interface StoredFigure {
  readonly png: Uint8Array;
  readonly plot: Json;
}

/** A page, without what stands around it. */
export interface Page {
  /** The title without the name of the language's counterpart. */
  readonly title: string;
  readonly html: string;
  readonly sections: readonly Section[];
}

/** What a page needs of the book. */
export interface Surroundings {
  readonly language: Language;
  /** Where a link of the notebook leads to. */
  readonly link: (href: string) => string;
  /** Keeps a figure and gives the addresses of its picture and of its data. */
  readonly figure: (figure: StoredFigure) => { readonly png: string; readonly json: string };
}

const WORDS = {
  code: { zh: "画图的代码", en: "The code of the figure" },
  here: { zh: "本节的链接", en: "Link to this section" },
  touch: { zh: "点一下，图就能缩放", en: "Make the figure interactive" },
} satisfies Record<string, Both>;

/**
 * Renders a notebook.
 *
 * @param notebook The notebook, with its stored outputs.
 * @param surroundings The language, and where links and figures lead to.
 */
export function renderPage(notebook: Notebook, surroundings: Surroundings): Page {
  const { language, link } = surroundings;
  const markdown = markdownRenderer({ link });
  const sections: Section[] = [];
  let html = "";
  for (const cell of notebook.cells) {
    const tags = tagsOf(cell.metadata.tags);
    if (tags.includes(otherThan(language))) continue;
    if (cell.cell_type === "code") {
      html += codeCell(cell, surroundings, markdown);
      continue;
    }
    const [, signs, line] = cell.source.match(/^(#+) ([^\n]*)$/) ?? [];
    if (line !== undefined) {
      const heading = partOf(line, language);
      const [, inline] = markdown(heading).match(/^<p>([^]*)<\/p>\n$/) ?? [];
      sections.push({ id: cell.id, heading, level: signs.length, text: "" });
      const anchor = signs.length === 1
        ? ""
        : ` <a class="anchor" href="#${cell.id}" aria-label="${WORDS.here[language]}">#</a>`;
      html += `<h${signs.length} id="${cell.id}">${inline}${anchor}</h${signs.length}>\n`;
      continue;
    }
    const classes = ["text", ...tags.filter((tag) => tag === "card")].join(" ");
    html += `<div class="${classes}" id="${cell.id}">${markdown(cell.source)}</div>\n`;
    const current = sections.at(-1);
    if (current !== undefined) current.text += ` ${plainText(cell.source)}`;
  }
  return { title: sections[0]?.heading ?? "", html, sections };
}

function tagsOf(tags: Json | undefined): string[] {
  return Array.isArray(tags) ? tags.map(String) : [];
}

/** The words of a Markdown text, without formulas, code and marks. */
function plainText(source: string): string {
  return source
    .replace(/```[^]*?```|\$\$[^]*?\$\$|\$[^$\n]*\$|<[^>]*>|\]\([^)]*\)|[*_`#|\[\]>]/g, " ")
    .replace(/\s+/g, " ").trim();
}

function codeCell(
  { source, outputs, metadata, id }: CodeCell,
  surroundings: Surroundings,
  markdown: (text: string) => string,
): string {
  const code = `<pre class="code"><code>${highlight(source, "ts")}</code></pre>`;
  const isHidden = metadata.jupyter !== undefined;
  const shown = isHidden
    ? `<details class="drawing"><summary>${
      WORDS.code[surroundings.language]
    }</summary>${code}</details>`
    : code;
  const results = outputs.map((output) => outputHtml(output, surroundings, markdown)).join("");
  return `<div class="cell" id="${id}">${isHidden ? results + shown : shown + results}</div>\n`;
}

function outputHtml(
  output: Output,
  { language, figure }: Surroundings,
  markdown: (text: string) => string,
): string {
  if (output.output_type === "stream") return textOutput(output.text);
  if (output.output_type === "error") return textOutput(`${output.ename}: ${output.evalue}`);
  const { data } = output;
  const text = textOf(data["text/plain"]);
  const plot = data["application/vnd.plotly.v1+json"];
  if (plot !== undefined) {
    const png = Uint8Array.fromBase64(textOf(data["image/png"]).replace(/\s/g, ""));
    const { png: src, json } = figure({ png, plot });
    const alt = escapeHtml(altIn(text, language));
    const { width, height } = sizeOf(png);
    const image =
      `<img src="${src}" alt="${alt}" width="${width}" height="${height}" loading="lazy">`;
    return `<figure class="plot" data-plot="${json}" data-label="${
      WORDS.touch[language]
    }">${image}</figure>`;
  }
  const latex = textOf(data["text/latex"]);
  if (latex !== "") return `<div class="result">${markdown(latex)}</div>`;
  const source = textOf(data["text/markdown"]);
  if (source !== "") {
    return `<div class="result">${checks(markdown(inOne(source, language)))}</div>`;
  }
  return textOutput(text);
}

/** Text in one language: captions and summaries are bilingual lines. */
function inOne(source: string, language: Language): string {
  return source
    .replace(/^\*\*(.+)\*\*$/gm, (_, line) => `**${partOf(line, language)}**`)
    .replace(/(?<=<summary>).*?(?=<\/summary>)/g, (line) => partOf(line, language));
}

/** Folds tables whose last column says that all is well: a line is enough until a reader doubts it. */
function checks(html: string): string {
  return html.replace(
    /<p><strong>([^]*?)<\/strong><\/p>\n(<div class="table"[^]*?<\/table><\/div>)/g,
    (all, caption, table) => {
      const rows = [...table.matchAll(/<td[^>]*>([^<]*)<\/td>\n<\/tr>/g)];
      const isCheck = /✓<\/th>/.test(table) && rows.every(([, last]) => last === "✓");
      return isCheck
        ? `<details class="checks"><summary>✓ ${caption} (${rows.length})</summary>${table}</details>`
        : all;
    },
  );
}

function textOutput(text: string): string {
  return `<pre class="output">${escapeHtml(text.replace(/\n$/, ""))}</pre>`;
}

function textOf(value: Json | undefined): string {
  return Array.isArray(value) ? value.join("") : typeof value === "string" ? value : "";
}

/** The line of a text in two lines, Chinese and English, that is in a language. */
function altIn(text: string, language: Language): string {
  const lines = text.split("\n");
  return lines.length === 2 ? lines[language === "zh" ? 0 : 1] : text;
}

/** The size of a picture in CSS pixels: stored pictures have two pixels for each. */
function sizeOf(png: Uint8Array): { width: number; height: number } {
  const header = new DataView(png.buffer, png.byteOffset);
  return { width: header.getUint32(16) / 2, height: header.getUint32(20) / 2 };
}
