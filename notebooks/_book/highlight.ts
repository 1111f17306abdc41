/** Code as HTML whose colours the style sheet knows. */
import { createCssVariablesTheme, createHighlighterCoreSync } from "shiki/core";
import { createJavaScriptRegexEngine } from "shiki/engine/javascript";
import bash from "shiki/langs/bash.mjs";
import json from "shiki/langs/json.mjs";
import python from "shiki/langs/python.mjs";
import typescript from "shiki/langs/typescript.mjs";
import { remembered } from "./memo.ts";

const theme = createCssVariablesTheme({ name: "book", variablePrefix: "", fontStyle: false });

const shiki = createHighlighterCoreSync({
  themes: [theme],
  langs: [typescript, python, bash, json],
  langAlias: { ts: "typescript", py: "python", sh: "bash", js: "typescript" },
  engine: createJavaScriptRegexEngine(),
});

/** The classes of tokens by the variable that the theme gives them; all others look like the text around them. */
const CLASSES: Readonly<Record<string, string>> = {
  "token-keyword": "k",
  "token-string": "s",
  "token-string-expression": "s",
  "token-comment": "c",
  "token-function": "f",
  "token-constant": "n",
};

/** Text in which HTML sees no tags. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"]/g, (sign) => `&#${sign.charCodeAt(0)};`);
}

/**
 * Code with its tokens marked by classes.
 *
 * @param code The code.
 * @param language Its language or file extension; code of any other language is left as it is.
 * @returns HTML to be put between `<pre><code>` and `</code></pre>`.
 */
export const highlight: (code: string, language: string) => string = remembered("code", mark);

function mark(code: string, language: string): string {
  const known = shiki.getLoadedLanguages().includes(language);
  if (!known) return escapeHtml(code);
  const { tokens } = shiki.codeToTokens(code, { lang: language, theme: "book" });
  return tokens.map((line) => {
    let html = "";
    let open = "";
    for (const { content, color } of line) {
      const name = color?.match(/^var\(([\w-]+)\)$/)?.[1] ?? "";
      // A space has no colour, and stays in the span before it.
      const wanted = content.trim() === "" ? open : CLASSES[name] ?? "";
      if (wanted !== open) {
        if (open !== "") html += "</span>";
        if (wanted !== "") html += `<span class="${wanted}">`;
        open = wanted;
      }
      html += escapeHtml(content);
    }
    return html + (open === "" ? "" : "</span>");
  }).join("\n");
}
