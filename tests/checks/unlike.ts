/**
 * The README's table of differences from PyTorch, made from the module cards: `deno run -A tests/checks/unlike.ts` prints it.
 *
 * @module
 */
import { namesIn, readProject } from "./files.ts";

/** The lines between which the table stands in the README. */
export const UNLIKE_MARKERS = {
  begin: "<!-- unlike: begin -->",
  end: "<!-- unlike: end -->",
} as const;

/** What a module card says after "Unlike PyTorch,", as one line; undefined if it says nothing. */
export function unlikePyTorch(source: string): string | undefined {
  const [card] = source.match(/^\/\*\*[\s\S]*?\*\//) ?? [];
  const paragraphs = card?.split("\n").map((line) => line.replace(/^ ?\*\/?\s?/, "")).join("\n")
    .split(/\n\s*\n/);
  const found = paragraphs?.find((paragraph) => paragraph.startsWith("Unlike PyTorch,"));
  return found?.replace(/^Unlike PyTorch,\s*/, "").replaceAll(/\s+/g, " ").trim();
}

/** The table as Markdown: one row for each loss whose card names a difference. */
export function unlikeTable(): string {
  const rows = namesIn("losses", ".ts").flatMap((file) => {
    const text = unlikePyTorch(readProject(`losses/${file}.ts`));
    return text === undefined
      ? []
      : [`| [${file}](losses/${file}.ts) | ${text.replaceAll("|", "\\|")} |`];
  });
  return ["| loss | unlike PyTorch, |", "|---|---|", ...rows].join("\n");
}

if (import.meta.main) console.log(unlikeTable());
