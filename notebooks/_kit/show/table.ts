/** Tables as Markdown for notebooks and as aligned text for terminals. */

/** The content of a cell of a table. */
export type Cell = string | number | bigint | boolean | null | undefined;

/** A table in the two forms of a notebook output. */
export interface TableText {
  /** GitHub Markdown. */
  markdown: string;
  /** Aligned columns of plain text. */
  plain: string;
}

/**
 * Lays out a table. Columns of numbers are aligned to the right.
 *
 * @param header The column names.
 * @param rows The cells of each row.
 * @returns The table as Markdown and as plain text.
 */
export function layout(header: readonly string[], rows: readonly (readonly Cell[])[]): TableText {
  for (const row of rows) {
    if (row.length !== header.length) {
      throw new TypeError(
        `Cannot lay out a table as each row needs ${header.length} cells: current number is ${row.length}`,
      );
    }
  }
  const right = header.map((_, column) => {
    const cells = rows.map((row) => row[column]).filter((cell) => cellText(cell) !== "");
    return cells.length > 0 && cells.every(isNumeric);
  });
  const text = [header, ...rows.map((row) => row.map(cellText))];
  const width = header.map((_, column) => Math.max(...text.map((row) => columns(row[column]))));
  const padded = text.map((row) =>
    row.map((cell, i) => {
      const space = " ".repeat(width[i] - columns(cell));
      return right[i] ? space + cell : cell + space;
    })
  );
  const rule = width.map((n) => "─".repeat(n));
  const dashes = right.map((isRight) => isRight ? "---:" : ":---");
  const lines = [padded[0], rule, ...padded.slice(1)];
  const escaped = text.map((row) => row.map(markdownCell));
  return {
    markdown: [escaped[0], dashes, ...escaped.slice(1)]
      .map((row) => `| ${row.join(" | ")} |`).join("\n"),
    plain: lines.map((row) => row.join("  ").trimEnd()).join("\n"),
  };
}

/**
 * A number as text: whole numbers in full, others rounded to some significant digits.
 *
 * @param value The number.
 * @param digits The number of significant digits.
 * @returns The text.
 */
export function numberText(value: number, digits = 6): string {
  if (Object.is(value, -0)) return "-0";
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "∞" : "-∞";
  if (Number.isInteger(value) && Math.abs(value) < 1e15) return `${value}`;
  const rounded = Number(value.toPrecision(digits));
  // JavaScript writes 1e19 as 10000000000000000000.
  return Math.abs(rounded) < 1e15 ? `${rounded}` : rounded.toExponential();
}

function cellText(cell: Cell): string {
  if (cell === null || cell === undefined) return "";
  return typeof cell === "number" ? numberText(cell) : `${cell}`;
}

function isNumeric(cell: Cell): boolean {
  if (typeof cell === "number" || typeof cell === "bigint") return true;
  return typeof cell === "string" && /^-?(\d[\d,]*\.?\d*(e[+-]?\d+)?|∞|NaN)$/i.test(cell);
}

function markdownCell(cell: string): string {
  return cell.replaceAll("|", "\\|").replaceAll("\n", "<br>");
}

/** The number of columns that a text takes in a terminal, where Chinese characters take two. */
function columns(text: string): number {
  let count = 0;
  for (const character of text) {
    count +=
      /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]/
          .test(character)
        ? 2
        : 1;
  }
  return count;
}
