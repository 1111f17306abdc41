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
const PREFIX = "tensor(";

/** A number with four decimals, and its exponent if there is one. Python rounds an exact tie to the even digit, JavaScript up. */
function rounded(
  value: number,
  method: "toFixed" | "toExponential",
): [digits: string, exponent: string] {
  const [digits, exponent = ""] = value[method](PRECISION).split("e") as [string, string?];
  const [exact, exactExponent = ""] = value[method](60).split("e") as [string, string?];
  const end = exact.length - 60 + PRECISION;
  // If rounding up changes the exponent, the digits are 1.0000, which needs no correction.
  const isTie = exponent === exactExponent && /^50*$/.test(exact.slice(end));
  return [isTie && Number(digits.at(-1)) % 2 === 1 ? exact.slice(0, end) : digits, exponent];
}

/** Chooses one format for all numbers that are printed. */
function formatter(values: readonly number[], integers: boolean): (value: number) => string {
  const finite = values.filter((value) => Number.isFinite(value) && value !== 0);
  const sizes = finite.map(Math.abs);
  const largest = Math.max(...sizes);
  const smallest = Math.min(...sizes);
  const whole = finite.every(Number.isInteger);
  const scientific = largest / smallest > 1000 || largest > 1e8 || (!whole && smallest < 1e-4);
  const plain = (value: number): string => {
    if (integers) return String(value);
    // nan, inf and -inf
    if (!Number.isFinite(value)) return String(value).toLowerCase().replace("inity", "");
    const sign = Object.is(value, -0) ? "-" : "";
    if (whole && !scientific) return `${sign}${value.toFixed(0)}.`;
    const [digits, exponent] = rounded(value, scientific ? "toExponential" : "toFixed");
    return sign + digits +
      (scientific ? `e${exponent.slice(0, 1)}${exponent.slice(1).padStart(2, "0")}` : "");
  };
  const width = Math.max(1, ...(integers ? values : finite).map((value) => plain(value).length));
  return (value) => plain(value).padStart(width);
}

/** The text of a tensor in PyTorch's format. */
export function printTensor({ data, shape, dtype }: Printable): string {
  const rank = shape.length;
  /** The part at an index along the axes before `axis`, its numbers by `format`. */
  const print = (
    axis: number,
    index: number,
    indent: string,
    format: (value: number) => string,
  ): string => {
    if (axis === rank) return format(data[index]!);
    const length = shape[axis]!;
    const isLast = axis === rank - 1;
    const isShortened = data.length > THRESHOLD && length > 2 * EDGE_ITEMS;
    const inner = `${indent} `;
    const parts: string[] = [];
    for (let i = 0; i < length; i++) {
      if (isShortened && i === EDGE_ITEMS) {
        parts.push(isLast ? " ..." : "...");
        i = length - EDGE_ITEMS;
      }
      parts.push(print(axis + 1, index * length + i, inner, format));
    }
    if (!isLast) return `[${parts.join(`,${"\n".repeat(rank - axis - 1)}${inner}`)}]`;
    const width = (parts[0]?.length ?? 0) + 2;
    const perLine = Math.max(1, Math.floor((LINE_WIDTH - indent.length) / width));
    const lines: string[] = [];
    while (parts.length > 0) lines.push(parts.splice(0, perLine).join(", "));
    return `[${lines.join(`,\n${inner}`)}]`;
  };

  const indent = " ".repeat(PREFIX.length);
  let text = `${PREFIX}[]`;
  if (data.length > 0) {
    const visible: number[] = [];
    print(0, 0, indent, (value) => String(visible.push(value)));
    text = PREFIX + print(0, 0, indent, formatter(visible, dtype === "int32"));
  }
  const notes: string[] = [];
  if (data.length === 0 && rank !== 1) notes.push(`size=(${shape.join(", ")})`);
  if (dtype !== "float32") notes.push(`dtype=torch.${dtype}`);
  for (const note of notes) {
    const lastLine = text.length - text.lastIndexOf("\n");
    const fits = lastLine + note.length + 3 <= LINE_WIDTH;
    text += fits ? `, ${note}` : `,\n${indent}${note}`;
  }
  return `${text})`;
}
