/**
 * Prints tensors in PyTorch's format: four decimals, aligned columns, long tensors shortened.
 */

import type { DType, TensorData } from "./types.ts";

/** The parts of a tensor that are printed. */
interface Printable {
  readonly data: TensorData;
  readonly shape: readonly number[];
  readonly dtype: DType;
}

const PRECISION = 4;
const LINE_WIDTH = 80;
/** Of tensors with more elements, only the ends of each axis are printed. */
const THRESHOLD = 1000;
const EDGE_ITEMS = 3;

/** Python's rounding: an exact tie goes to the even digit. JavaScript rounds it up. */
function roundTie(text: string, exact: string, previous: string): string {
  return /^50*$/.test(exact) && Number(text.replace(/\D/g, "").at(-1)) % 2 === 1 ? previous : text;
}

function toFixed(value: number, digits: number): string {
  const text = value.toFixed(digits);
  const exact = value.toFixed(60);
  const end = exact.length - 60 + digits;
  return roundTie(text, exact.slice(end), exact.slice(0, end));
}

function toExponential(value: number): string {
  const [digits, exponent] = value.toExponential(PRECISION).split("e") as [string, string];
  const [exact, exactExponent] = value.toExponential(60).split("e") as [string, string];
  const end = exact.length - 60 + PRECISION;
  // If rounding up changes the exponent, the digits are 1.0000, which needs no correction.
  const rounded = exponent === exactExponent
    ? roundTie(digits, exact.slice(end), exact.slice(0, end))
    : digits;
  return `${rounded}e${exponent.slice(0, 1)}${exponent.slice(1).padStart(2, "0")}`;
}

/** Chooses one format for all numbers that are printed. */
function formatter(values: readonly number[], integers: boolean): (value: number) => string {
  const words = (value: number) => Number.isNaN(value) ? "nan" : value > 0 ? "inf" : "-inf";
  if (integers) {
    const width = Math.max(1, ...values.map((value) => String(value).length));
    return (value) => String(value).padStart(width);
  }
  const finite = values.filter((value) => Number.isFinite(value) && value !== 0);
  const sizes = finite.map(Math.abs);
  const largest = Math.max(...sizes);
  const smallest = Math.min(...sizes);
  const whole = finite.every(Number.isInteger);
  const scientific = finite.length > 0 &&
    (largest / smallest > 1000 || largest > 1e8 || (!whole && smallest < 1e-4));
  const plain = (value: number): string => {
    if (!Number.isFinite(value)) return words(value);
    const sign = Object.is(value, -0) ? "-" : "";
    if (scientific) return `${sign}${toExponential(value)}`;
    return whole ? `${sign}${value.toFixed(0)}.` : `${sign}${toFixed(value, PRECISION)}`;
  };
  const width = Math.max(1, ...finite.map((value) => plain(value).length));
  return (value) => plain(value).padStart(width);
}

/** The text of a tensor in PyTorch's format. */
export function printTensor({ data, shape, dtype }: Printable): string {
  const shorten = data.length > THRESHOLD;
  const hides = (axis: number) => shorten && shape[axis]! > 2 * EDGE_ITEMS;
  /** The indices along an axis that are printed. */
  const shown = (axis: number): number[] => {
    const all = Array.from({ length: shape[axis]! }, (_, i) => i);
    return hides(axis) ? [...all.slice(0, EDGE_ITEMS), ...all.slice(-EDGE_ITEMS)] : all;
  };
  const strides = shape.map((_, axis) => shape.slice(axis + 1).reduce((a, b) => a * b, 1));

  const visible: number[] = [];
  const collect = (axis: number, offset: number): void => {
    if (axis === shape.length) visible.push(data[offset]!);
    else for (const i of shown(axis)) collect(axis + 1, offset + i * strides[axis]!);
  };
  if (data.length > 0) collect(0, 0);
  const format = formatter(visible, dtype === "int32");

  const print = (axis: number, offset: number, indent: number): string => {
    if (axis === shape.length) return format(data[offset]!);
    const parts = shown(axis).map((i) => print(axis + 1, offset + i * strides[axis]!, indent + 1));
    if (hides(axis)) parts.splice(EDGE_ITEMS, 0, axis === shape.length - 1 ? " ..." : "...");
    if (axis < shape.length - 1) {
      return `[${parts.join(`,${"\n".repeat(shape.length - axis - 1)}${" ".repeat(indent + 1)}`)}]`;
    }
    const width = (parts[0]?.length ?? 0) + 2;
    const perLine = Math.max(1, Math.floor((LINE_WIDTH - indent) / width));
    const lines: string[] = [];
    for (let at = 0; at < parts.length; at += perLine) {
      lines.push(parts.slice(at, at + perLine).join(", "));
    }
    return `[${lines.join(`,\n${" ".repeat(indent + 1)}`)}]`;
  };

  const PREFIX = "tensor(";
  let text = PREFIX + (data.length === 0 ? "[]" : print(0, 0, PREFIX.length));
  const notes: string[] = [];
  if (data.length === 0 && shape.length !== 1) notes.push(`size=(${shape.join(", ")})`);
  if (dtype !== "float32") notes.push(`dtype=torch.${dtype}`);
  for (const note of notes) {
    const lastLine = text.length - text.lastIndexOf("\n");
    const fits = lastLine + note.length + 3 <= LINE_WIDTH;
    text += fits ? `, ${note}` : `,\n${" ".repeat(PREFIX.length)}${note}`;
  }
  return `${text})`;
}
