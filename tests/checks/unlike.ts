/**
 * The table of differences from PyTorch, made from the module cards.
 *
 * @module
 */
import { namesIn, readProject } from "./files.ts";

/** What a module card says after "Unlike PyTorch,", as one line of Markdown; undefined if it says nothing. */
export function unlikePyTorch(source: string): string | undefined {
  const [card] = source.match(/^\/\*\*[\s\S]*?\*\//) ?? [];
  const paragraphs = card?.split("\n").map((line) => line.replace(/^ ?\*\/?\s?/, "")).join("\n")
    .split(/\n\s*\n/);
  const found = paragraphs?.find((paragraph) => paragraph.startsWith("Unlike PyTorch,"));
  return found?.replace(/^Unlike PyTorch,\s*/, "").replaceAll(/\s+/g, " ")
    // Links between symbols are known to documentation generators only.
    .replaceAll(/\{@link(?:code|plain)? ([^\s}]+)[^}]*\}/g, "`$1`").trim();
}

/** The table as Markdown, with paths as losses/README.md sees them: one row for each loss whose card names a difference. */
export function unlikeTable(): string {
  const rows = namesIn("losses", ".ts").flatMap((file) => {
    const text = unlikePyTorch(readProject(`losses/${file}.ts`));
    return text === undefined ? [] : [`| [${file}](${file}.ts) | ${text.replaceAll("|", "\\|")} |`];
  });
  return ["| loss | unlike PyTorch, |", "|---|---|", ...rows].join("\n");
}
