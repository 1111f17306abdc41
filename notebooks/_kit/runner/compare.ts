/**
 * Describes how the outputs of two runs of a notebook differ.
 *
 * @module
 */

import type { Json, Notebook, Output } from "../notebook/notebook_file.ts";

/** Longer lines are cut. */
const MAX_SHOWN = 160;

/**
 * Names a cell by its position and its number in brackets.
 *
 * @param notebook The notebook.
 * @param index The cell's index.
 * @returns A text such as "cell 7 (In [4])".
 */
export function cellLabel(notebook: Notebook, index: number): string {
  const cell = notebook.cells[index];
  const count = cell?.cell_type === "code" ? cell.execution_count : null;
  return `cell ${index + 1}` + (count === null ? "" : ` (In [${count}])`);
}

/**
 * Compares the outputs of two runs of the same cells.
 *
 * @param stored The notebook as it is stored.
 * @param fresh The same notebook with the outputs of a new run.
 * @returns A text of one or a few lines for each difference.
 */
export function differences(stored: Notebook, fresh: Notebook): string[] {
  return fresh.cells.flatMap((cell, index) => {
    const old = stored.cells[index];
    if (cell.cell_type !== "code" || old?.cell_type !== "code") return [];
    const where = cellLabel(fresh, index);
    if (old.outputs.length !== cell.outputs.length) {
      const counts = `stored ${list(old.outputs)}, now ${list(cell.outputs)}`;
      return [`${where} has other outputs: ${counts}`];
    }
    const found = cell.outputs.flatMap((output, i) =>
      outputDifferences(old.outputs[i], output, `${where}, output ${i + 1}`)
    );
    if (found.length === 0 && old.execution_count !== cell.execution_count) {
      return [`${where} is stored with the number In [${old.execution_count ?? " "}]`];
    }
    return found;
  });
}

function list(outputs: Output[]): string {
  return outputs.length === 0 ? "none" : outputs.map((output) => output.output_type).join(" + ");
}

function outputDifferences(stored: Output, fresh: Output, where: string): string[] {
  if ("data" in stored && "data" in fresh && stored.output_type === fresh.output_type) {
    return [
      ...bundleDifferences(stored.data, fresh.data, where),
      ...firstDifference(stored.metadata, fresh.metadata, `${where}, metadata`),
    ];
  }
  return firstDifference({ ...stored } as Json, { ...fresh } as Json, where);
}

function bundleDifferences(
  stored: Record<string, Json>,
  fresh: Record<string, Json>,
  where: string,
): string[] {
  const types = [...new Set([...Object.keys(stored), ...Object.keys(fresh)])].sort();
  const differing = types.filter((type) => !same(stored[type], fresh[type]));
  return differing.flatMap((type) => {
    const [before, now] = [stored[type], fresh[type]];
    if (!type.startsWith("image/") || before === undefined || now === undefined) {
      return firstDifference(before, now, `${where}, ${type}`);
    }
    const only = differing.every((other) => other.startsWith("image/"));
    const note = only && types.length > differing.length
      ? ", though all else about the figure is the same: was it drawn by another version?"
      : "";
    return [`${where}: the bytes of its ${type} differ${note}`];
  });
}

/** A message about the first place where two values differ, if there is one. */
function firstDifference(
  stored: Json | undefined,
  fresh: Json | undefined,
  where: string,
): string[] {
  if (same(stored, fresh)) return [];
  if (typeof stored === "string" && typeof fresh === "string") {
    return [firstDifferentLine(stored, fresh, where)];
  }
  if (isContainer(stored) && isContainer(fresh) && Array.isArray(stored) === Array.isArray(fresh)) {
    const [before, now] = [new Map(Object.entries(stored)), new Map(Object.entries(fresh))];
    for (const key of new Set([...before.keys(), ...now.keys()])) {
      const step = Array.isArray(stored) ? `[${key}]` : `.${key}`;
      const found = firstDifference(before.get(key), now.get(key), where + step);
      if (found.length > 0) return found;
    }
  }
  return [`${where} differs:\n  stored: ${show(stored)}\n  now:    ${show(fresh)}`];
}

function firstDifferentLine(stored: string, fresh: string, where: string): string {
  const [before, now] = [stored.split("\n"), fresh.split("\n")];
  const index = now.findIndex((line, i) => line !== before[i]);
  const line = index === -1 ? now.length : index;
  const at = Math.max(before.length, now.length) > 1 ? `, line ${line + 1}` : "";
  return `${where}${at} differs:\n  stored: ${show(before[line])}\n  now:    ${show(now[line])}`;
}

function isContainer(value: Json | undefined): value is Json[] | { [key: string]: Json } {
  return typeof value === "object" && value !== null;
}

/** True if two values are equal as JSON; the order of keys does not matter. */
function same(a: Json | undefined, b: Json | undefined): boolean {
  if (!isContainer(a) || !isContainer(b)) return Object.is(a, b) || (a === 0 && b === 0);
  const [keys, others] = [Object.keys(a), Object.keys(b)];
  const [left, right] = [new Map(Object.entries(a)), new Map(Object.entries(b))];
  return Array.isArray(a) === Array.isArray(b) && keys.length === others.length &&
    keys.every((key) => right.has(key) && same(left.get(key), right.get(key)));
}

function show(value: Json | undefined): string {
  if (value === undefined) return "(nothing)";
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return text.length > MAX_SHOWN ? text.slice(0, MAX_SHOWN) + "…" : text;
}
