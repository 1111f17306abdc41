/** Markdown with formulas, as notebooks have it, to HTML. */
import katex from "katex";
import MarkdownIt, { type MarkdownIt as Markdown } from "markdown-it";
import { highlight } from "./highlight.ts";
import { remembered } from "./memo.ts";

/** What the text of a page may refer to. */
export interface MarkdownOptions {
  /** Where a link of a notebook leads to in the book. */
  readonly link: (href: string) => string;
}

/**
 * A formula as MathML, which browsers typeset without script or style.
 *
 * @param tex The formula in LaTeX.
 * @param isDisplay True if it stands on lines of its own.
 * @throws If KaTeX does not understand it.
 */
export const mathml: (tex: string, isDisplay: boolean) => string = remembered("math", typeset);

function typeset(tex: string, isDisplay: boolean): string {
  const options = { output: "mathml", displayMode: isDisplay, strict: "ignore" } as const;
  return katex.renderToString(tex, options)
    .replace(/^<span class="katex">|<\/span>$/g, "")
    // The formula once more as LaTeX, which would double the page.
    .replace(/<semantics>([^]*)<annotation [^]*<\/semantics>/, "$1");
}

/** Characters of LaTeX from which a formula in a line may be wider than a small screen. */
const WIDE = 18;

/** Reads `$…$` and `$$…$$`. */
function formulas(markdown: Markdown): void {
  markdown.inline.ruler.after("escape", "formula", (state, silent) => {
    const { src, pos } = state;
    if (src[pos] !== "$") return false;
    const fence = src.startsWith("$$", pos) ? "$$" : "$";
    const start = pos + fence.length;
    const end = src.indexOf(fence, start);
    if (end <= start) return false;
    if (!silent) {
      const token = state.push("formula", "math", 0);
      token.content = src.slice(start, end);
      token.markup = fence;
    }
    state.pos = end + fence.length;
    return true;
  });
  markdown.renderer.rules.formula = (tokens, i) => {
    const isDisplay = tokens[i].markup === "$$";
    const math = mathml(tokens[i].content, isDisplay);
    // What may be wider than a small screen scrolls by itself.
    if (isDisplay) return `<span class="display">${math}</span>`;
    return tokens[i].content.length > WIDE ? `<span class="wide">${math}</span>` : math;
  };
}

/**
 * Makes a function from Markdown to HTML.
 *
 * @param options What the text may refer to.
 */
export function markdownRenderer({ link }: MarkdownOptions): (text: string) => string {
  const markdown = new MarkdownIt({ html: true, highlight });
  markdown.use(formulas);
  // Only what is written as a link is one.
  markdown.renderer.rules.link_open = (tokens, i, options, _env, self) => {
    tokens[i].attrSet("href", link(String(tokens[i].attrGet("href") ?? "")));
    return self.renderToken(tokens, i, options);
  };
  const { image } = markdown.renderer.rules;
  markdown.renderer.rules.image = (tokens, i, options, env, self) => {
    tokens[i].attrSet("src", link(String(tokens[i].attrGet("src") ?? "")));
    tokens[i].attrSet("loading", "lazy");
    return image!(tokens, i, options, env, self);
  };
  // Wide tables scroll by themselves, with the keyboard too.
  markdown.renderer.rules.table_open = () => `<div class="table"><table>`;
  markdown.renderer.rules.table_close = () => `</table></div>`;
  return (text) =>
    // Cards have no heads above their columns.
    markdown.render(text).replace(
      /<thead>\n<tr>\n(<th[^>]*><\/th>\n)+<\/tr>\n<\/thead>\n/g,
      "",
    );
}
