/**
 * The table "which loss for which question", made from the contents that notebooks/index.ipynb shows.
 *
 * @module
 */
import { type Chapter, contents } from "../../notebooks/_kit/contents/contents.ts";

const PREDICTED: Readonly<Record<Chapter["group"], string>> = {
  numbers: "a number",
  classes: "a class",
  pairs: "how near two things are",
};

/** The table as Markdown, with paths as README.md sees them; what is predicted stands in the first row of its group. */
export function questionTable(chapters: readonly Chapter[] = contents): string {
  const rows = chapters.map(({ group, loss, file, useEn }, i) => {
    const predicted = group === chapters[i - 1]?.group ? "" : PREDICTED[group];
    return `| ${predicted} | [${loss}](notebooks/${file}.ipynb) | ${useEn} |`;
  });
  return ["| to predict | loss and notebook | for |", "|---|---|---|", ...rows].join("\n");
}
