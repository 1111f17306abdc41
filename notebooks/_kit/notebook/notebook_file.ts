/**
 * Notebook files: read, validated, and written byte for byte as Jupyter writes them, so that saving a notebook in JupyterLab and
 * running it with `deno task notebooks --write` give the same file.
 * Format: https://nbformat.readthedocs.io/en/latest/format_description.html (nbformat 4.5)
 *
 * This folder is the ground floor of the kit: it imports nothing, and does not know what the cells say.
 *
 * @module
 */

/** Any value of JSON. */
export type Json = null | boolean | number | string | Json[] | JsonObject;

/** A JSON object. */
export type JsonObject = { [key: string]: Json };

/** The text that `console.log` or `console.error` printed. */
export interface StreamOutput {
  output_type: "stream";
  name: "stdout" | "stderr";
  text: string;
}

/** An output in one or more MIME types. */
export interface DisplayOutput {
  output_type: "display_data";
  data: JsonObject;
  metadata: JsonObject;
}

/** The value of a cell's last expression. */
export interface ResultOutput {
  output_type: "execute_result";
  data: JsonObject;
  metadata: JsonObject;
  execution_count: number | null;
}

/** An error that a cell threw. */
export interface ErrorOutput {
  output_type: "error";
  ename: string;
  evalue: string;
  traceback: string[];
}

/** One output of a code cell. */
export type Output = StreamOutput | DisplayOutput | ResultOutput | ErrorOutput;

/** A code cell. Text that the file stores as a list of lines is one string here. */
export interface CodeCell {
  cell_type: "code";
  id: string;
  metadata: JsonObject;
  source: string;
  execution_count: number | null;
  outputs: Output[];
}

/** A cell of text. */
export interface TextCell {
  cell_type: "markdown" | "raw";
  id: string;
  metadata: JsonObject;
  source: string;
  attachments?: JsonObject;
}

/** A cell of a notebook. */
export type Cell = CodeCell | TextCell;

/** A notebook of format 4.5 or a later 4.x. */
export interface Notebook {
  cells: Cell[];
  metadata: JsonObject;
  nbformat: 4;
  nbformat_minor: number;
}

/** Metadata that is the same in every notebook, and does not depend on the versions of Deno and TypeScript. */
const KERNEL_METADATA: JsonObject = {
  kernelspec: { display_name: "Deno", language: "typescript", name: "deno" },
  language_info: {
    codemirror_mode: "typescript",
    file_extension: ".ts",
    mimetype: "text/x.typescript",
    name: "typescript",
    nbconvert_exporter: "script",
    pygments_lexer: "typescript",
  },
};

/** Metadata of one session, which is not stored: timestamps, trust, signatures. */
const TRANSIENT_CELL_METADATA = ["execution", "trusted"];
const TRANSIENT_NOTEBOOK_METADATA = ["orig_nbformat", "orig_nbformat_minor", "signature"];

/**
 * Reads the text of a notebook file.
 *
 * @param text The JSON text.
 * @returns The notebook.
 * @throws {SyntaxError} If the text is not JSON.
 * @throws {TypeError} If the JSON is not a notebook of format 4.5; the message says where and why.
 */
export function parseNotebook(text: string): Notebook {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw new SyntaxError(`Cannot read the notebook as it is not JSON: ${messageOf(error)}`);
  }
  const root = object(json, "the notebook");
  if (root.nbformat !== 4) {
    fail("the notebook", `nbformat must be 4: current value is ${show(root.nbformat)}`);
  }
  if (typeof root.nbformat_minor !== "number" || root.nbformat_minor < 5) {
    const current = show(root.nbformat_minor);
    fail("the notebook", `nbformat_minor must be >= 5: current value is ${current}`);
  }
  const cells = array(root.cells, "the notebook", "cells").map(parseCell);
  const seen = new Set<string>();
  for (const { id } of cells) {
    if (seen.has(id)) fail("the notebook", `cell ids must be unique: "${id}" occurs twice`);
    seen.add(id);
  }
  return {
    cells,
    metadata: object(root.metadata, "the notebook's metadata"),
    nbformat: 4,
    nbformat_minor: root.nbformat_minor,
  };
}

/**
 * Writes the text of a notebook file: keys sorted, indented by one space, texts as lists of lines, a newline at the end. It does
 * not depend on the time or the machine.
 *
 * @param notebook The notebook, which is not modified.
 * @returns The JSON text.
 */
export function formatNotebook(notebook: Notebook): string {
  const metadata = without(notebook.metadata, TRANSIENT_NOTEBOOK_METADATA);
  const json = {
    cells: notebook.cells.map(cellToJson),
    metadata: { ...metadata, ...KERNEL_METADATA },
    nbformat: notebook.nbformat,
    nbformat_minor: notebook.nbformat_minor,
  };
  return formatJson(json, "\n") + "\n";
}

/**
 * Reads a notebook file.
 *
 * @param path The path of the file.
 * @returns The notebook, and the text it was read from.
 * @throws What {@linkcode parseNotebook} throws, and `Deno.errors.NotFound`.
 */
export async function readNotebook(path: string): Promise<{ notebook: Notebook; text: string }> {
  const text = await Deno.readTextFile(path);
  return { notebook: parseNotebook(text), text };
}

/**
 * Replaces a text file as a whole, so that a reader at the same time gets either the old or the new text.
 *
 * @param path The path of the file.
 * @param text The new text.
 */
export async function replaceFile(path: string, text: string): Promise<void> {
  const temporary = `${path}.${crypto.randomUUID().slice(0, 8)}.tmp`;
  try {
    await Deno.writeTextFile(temporary, text);
    await Deno.rename(temporary, path);
  } catch (error) {
    await Deno.remove(temporary).catch(() => {}); // The first error matters more.
    throw error;
  }
}

function parseCell(value: unknown, index: number): Cell {
  const where = `cell ${index + 1}`;
  const cell = object(value, where);
  if (typeof cell.id !== "string" || !/^[a-zA-Z0-9_-]{1,64}$/.test(cell.id)) {
    const rule = "must be 1 to 64 letters, digits, - or _";
    fail(where, `its id ${rule}: current value is ${show(cell.id)}`);
  }
  const common = {
    id: cell.id,
    metadata: object(cell.metadata, `the metadata of ${where}`),
    source: multiline(cell.source, where, "source"),
  };
  switch (cell.cell_type) {
    case "code":
      return {
        cell_type: "code",
        ...common,
        execution_count: count(cell.execution_count, where),
        outputs: array(cell.outputs, where, "outputs").map((output, i) =>
          parseOutput(output, `output ${i + 1} of ${where}`)
        ),
      };
    case "markdown":
    case "raw": {
      const attachments = cell.attachments === undefined
        ? {}
        : { attachments: object(cell.attachments, `the attachments of ${where}`) };
      return { cell_type: cell.cell_type, ...common, ...attachments };
    }
    default:
      return fail(
        where,
        `cell_type must be "code", "markdown" or "raw": current value is ${show(cell.cell_type)}`,
      );
  }
}

function parseOutput(value: unknown, where: string): Output {
  const output = object(value, where);
  switch (output.output_type) {
    case "stream":
      if (output.name !== "stdout" && output.name !== "stderr") {
        fail(where, `name must be "stdout" or "stderr": current value is ${show(output.name)}`);
      }
      return {
        output_type: "stream",
        name: output.name,
        text: multiline(output.text, where, "text"),
      };
    case "display_data":
      return { output_type: "display_data", ...parseBundle(output, where) };
    case "execute_result":
      return {
        output_type: "execute_result",
        ...parseBundle(output, where),
        execution_count: count(output.execution_count, where),
      };
    case "error":
      return {
        output_type: "error",
        ename: multiline(output.ename, where, "ename"),
        evalue: multiline(output.evalue, where, "evalue"),
        traceback: array(output.traceback, where, "traceback").map((line) =>
          multiline(line, where, "traceback")
        ),
      };
    default:
      return fail(where, `output_type is unknown: current value is ${show(output.output_type)}`);
  }
}

function parseBundle(
  output: JsonObject,
  where: string,
): { data: JsonObject; metadata: JsonObject } {
  const data = object(output.data, `the data of ${where}`);
  const joined = Object.entries(data).map(([type, value]) => [
    type,
    isJsonType(type) ? value : multiline(value, where, type),
  ]);
  return {
    data: Object.fromEntries(joined),
    metadata: object(output.metadata, `the metadata of ${where}`),
  };
}

function cellToJson(cell: Cell): JsonObject {
  const common = {
    metadata: without(cell.metadata, TRANSIENT_CELL_METADATA),
    source: splitLines(cell.source),
  };
  return cell.cell_type === "code"
    ? { ...cell, ...common, outputs: cell.outputs.map(outputToJson) }
    : { ...cell, ...common };
}

function outputToJson(output: Output): JsonObject {
  switch (output.output_type) {
    case "stream":
      return { ...output, text: splitLines(output.text) };
    case "display_data":
    case "execute_result": {
      const data = Object.entries(output.data).map(([type, value]) => [
        type,
        isLineType(type) && typeof value === "string" ? splitLines(value) : value,
      ]);
      return { ...output, data: Object.fromEntries(data) };
    }
    case "error":
      return { ...output };
  }
}

/** True for MIME types whose values are JSON, not text. */
function isJsonType(type: string): boolean {
  return type === "application/json" || (type.startsWith("application/") && type.endsWith("+json"));
}

/** True for MIME types whose text Jupyter stores as a list of lines. */
function isLineType(type: string): boolean {
  return type.startsWith("text/") || type === "image/svg+xml" || type === "application/javascript";
}

/** The ends of lines for Python's `splitlines`, with which Jupyter writes files. */
const LINE_END = new RegExp(String.raw`(?<=[\n\v\f\x1c-\x1e\x85\u2028\u2029]|\r(?!\n))`);

function splitLines(text: string): string[] {
  return text === "" ? [] : text.split(LINE_END);
}

/** JSON as Python's `json.dumps(value, sort_keys=True, indent=1, ensure_ascii=False)` writes it. */
function formatJson(value: Json | undefined, newline: string): string {
  const inner = newline + " ";
  if (Array.isArray(value)) {
    if (value.length === 0) return "[]";
    return `[${inner}${value.map((x) => formatJson(x, inner)).join("," + inner)}${newline}]`;
  }
  if (typeof value === "object" && value !== null) {
    const keys = Object.keys(value).filter((key) => value[key] !== undefined).sort();
    if (keys.length === 0) return "{}";
    const entries = keys.map((key) => `${JSON.stringify(key)}: ${formatJson(value[key], inner)}`);
    return `{${inner}${entries.join("," + inner)}${newline}}`;
  }
  return typeof value === "number" ? formatNumber(value) : JSON.stringify(value ?? null);
}

/** A number as Python writes it: the same digits, but 1e-05 where JavaScript says 0.00001. */
function formatNumber(value: number): string {
  const text = JSON.stringify(value);
  if (value === 0 || Math.abs(value) >= 1e-4 || text === "null") return text;
  const [digits, exponent] = value.toExponential().split("e-");
  return `${digits}e-${exponent.padStart(2, "0")}`;
}

function without(metadata: JsonObject, names: string[]): JsonObject {
  return Object.fromEntries(Object.entries(metadata).filter(([name]) => !names.includes(name)));
}

function object(value: unknown, where: string): JsonObject {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    fail(where, `it must be an object: current value is ${show(value)}`);
  }
  return value as JsonObject;
}

function array(value: unknown, where: string, name: string): unknown[] {
  if (!Array.isArray(value)) fail(where, `${name} must be a list: current value is ${show(value)}`);
  return value;
}

/** Text that is stored as one string or as a list of lines. */
function multiline(value: unknown, where: string, name: string): string {
  if (typeof value === "string") return value;
  if (!Array.isArray(value) || !value.every((line) => typeof line === "string")) {
    fail(where, `${name} must be text or lines of text: current value is ${show(value)}`);
  }
  return value.join("");
}

function count(value: unknown, where: string): number | null {
  if (value !== null && !Number.isInteger(value)) {
    fail(where, `execution_count must be an integer or null: current value is ${show(value)}`);
  }
  return value as number | null;
}

function show(value: unknown): string {
  const text = JSON.stringify(value) ?? "missing";
  return text.length > 60 ? text.slice(0, 60) + "…" : text;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function fail(where: string, why: string): never {
  throw new TypeError(`Cannot read ${where} as ${why}`);
}
