/**
 * Notebooks as plain text, to be edited and compared without the JSON around every line.
 *
 * A line `%% text ID TAG…` or `%% code ID TAG…` begins a cell, whose source follows as it is; blank lines around it do not count.
 * The word `hidden` among the tags stands for Jupyter's `source_hidden`, which collapses the input of a cell. Outputs are not part of
 * the text.
 */

import type { Cell, JsonObject, Notebook } from "./notebook_file.ts";

const HIDDEN = "hidden";
const HEAD = /^%% (text|code) ([a-zA-Z0-9_-]{1,64})((?: [\w-]+)*)$/;

/**
 * Writes a notebook as text.
 *
 * @param notebook The notebook.
 * @returns The text.
 * @throws {TypeError} If a cell has something that the text cannot hold: raw text, attachments, other metadata.
 */
export function toText(notebook: Notebook): string {
  return notebook.cells.map((cell) => `${head(cell)}\n\n${cell.source}\n`).join("\n");
}

function head(cell: Cell): string {
  const { tags = [], jupyter, ...others } = cell.metadata;
  const isHidden = jupyter !== undefined;
  const rest = isHidden ? { ...jupyter as JsonObject, source_hidden: undefined } : {};
  const words = [...tags as string[], ...(isHidden ? [HIDDEN] : [])];
  const line = ["%%", cell.cell_type === "code" ? "code" : "text", cell.id, ...words].join(" ");
  const isLossless = cell.cell_type !== "raw" && !("attachments" in cell) && HEAD.test(line) &&
    JSON.stringify({ ...rest, ...others }) === "{}" && !/^%% /m.test(cell.source) &&
    cell.source === trimmed(cell.source);
  if (!isLossless) {
    throw new TypeError(
      `Cannot write the cell "${cell.id}" as text as it has more than source, tags and source_hidden`,
    );
  }
  return line;
}

/**
 * Reads the cells of a notebook from text.
 *
 * @param text The text, as {@linkcode toText} writes it.
 * @returns The cells, without outputs.
 * @throws {SyntaxError} If the text does not begin with a cell, a cell's first line is misspelt, or two cells have the same id.
 */
export function fromText(text: string): Cell[] {
  const seen = new Set<string>();
  return text.split(/^(?=%% )/m).map((part): Cell => {
    const [first, ...lines] = part.split("\n");
    const found = HEAD.exec(first);
    if (found === null) {
      throw new SyntaxError(
        `Cannot read a cell as its first line must be "%% text ID TAG…" or "%% code ID TAG…": current line is "${first}"`,
      );
    }
    const [, kind, id, words] = found;
    if (seen.has(id)) {
      throw new SyntaxError(`Cannot read the cells as ids must be unique: "${id}" occurs twice`);
    }
    seen.add(id);
    const metadata = metadataOf(words.split(" ").filter(Boolean));
    const source = trimmed(lines.join("\n"));
    return kind === "text"
      ? { cell_type: "markdown", id, metadata, source }
      : { cell_type: "code", id, metadata, source, execution_count: null, outputs: [] };
  });
}

/**
 * Gives cells the outputs of those that have the same id and the same source.
 *
 * @param cells The cells, which are not modified.
 * @param stored Where the outputs are.
 * @returns The cells, as many of them as possible with outputs.
 */
export function withOutputs(cells: readonly Cell[], stored: readonly Cell[]): Cell[] {
  const before = new Map(stored.map((cell) => [cell.id, cell]));
  return cells.map((cell) => {
    const old = before.get(cell.id);
    if (cell.cell_type !== "code" || old?.cell_type !== "code") return cell;
    return old.source === cell.source ? { ...old, metadata: cell.metadata } : cell;
  });
}

/** Without blank lines at both ends. */
function trimmed(source: string): string {
  return source.replace(/^\n+|\n+$/g, "");
}

function metadataOf(words: string[]): JsonObject {
  const tags = words.filter((word) => word !== HIDDEN);
  return {
    ...(tags.length > 0 && { tags }),
    ...(words.includes(HIDDEN) && { jupyter: { source_hidden: true } }),
  };
}
