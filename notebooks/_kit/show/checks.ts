/** Checks in a notebook: a table with one row for each, and an error if one fails. */

import { type Bilingual, folded, onOneLine } from "./bilingual.ts";
import { display } from "./display.ts";
import { layout, numberText } from "./table.ts";

/** Anything with row-major data and a shape, such as a Tensor of the package. */
export interface ShapedData {
  /** The numbers, in row-major order. */
  readonly data: ArrayLike<number>;
  /** The length of each axis. */
  readonly shape: readonly number[];
}

/** Numbers nested to any depth. */
export type NestedNumbers = number | readonly NestedNumbers[];

/** What a check compares. Numbers may be nested arrays, typed arrays or tensors. */
export type Checked =
  | NestedNumbers
  | string
  | boolean
  | ShapedData
  | Float32Array
  | Float64Array
  | Int32Array;

/** One check: a name, the computed value, and what it should be. */
export interface CheckRow {
  /** What is checked. */
  name: string;
  /** The computed value. */
  got: Checked;
  /** The expected value. */
  want?: Checked;
  /**
   * Instead of `want`: numbers as a document prints them, such as `"0.5817"` or `"tensor([0.0000, 1.0821])"`. Each computed
   * number must round to the printed one.
   */
  printed?: string;
  /** The absolute tolerance. Default: 0. */
  atol?: number;
  /** The relative tolerance. Default: 1e-6, which float32 results hold. */
  rtol?: number;
  /** The origin of the expected value: a page, a formula, a program. */
  source?: string;
}

/** What is wrong in one check. */
export interface Failure {
  /** The name of the check and, of several numbers, the index of the first wrong one: "gradient[1]". */
  place: string;
  /** What was computed there: a value, a shape or a number of values. */
  got: Bilingual;
  /** What would be right. */
  want: Bilingual;
  /** The difference and the tolerance it exceeds, if numbers differ. */
  detail: string;
}

/** Thrown by {@linkcode check} if a check fails. */
export class CheckError extends Error {
  /** What is wrong in each check that failed. */
  readonly failures: readonly Failure[];

  /**
   * Collects what failed.
   *
   * @param message The failures as one text.
   * @param failures The failures.
   */
  constructor(message: string, failures: readonly Failure[]) {
    super(message);
    this.name = "CheckError";
    this.failures = failures;
  }
}

interface Verdict {
  cells: [name: string, got: string, want: string, difference: string, mark: string];
  /** The largest difference of two numbers. */
  difference: number;
  /** What is wrong, if something is. */
  failure?: Failure;
}

const HEADS = ["", "得到 computed", "应为 expected", "差 difference", "✓"];

/**
 * Shows a table of checks, and then throws if one of them fails. A number passes if |got - want| ≤ atol + rtol · |want|. NaN passes
 * for NaN, and an infinity only for itself.
 *
 * @param title The title of the table, in both languages or the same in both.
 * @param rows The checks, at least one.
 * @param options `folded` shows one line with the number of checks and the largest difference, and folds the table under it; for
 * tables that say no more than that everything agrees. A failure is never folded. `secret` keeps what is expected to itself as long as
 * a check fails, for exercises whose answer is a number.
 *
 * @example
 * ```ts
 * await check({ zh: "Huber，delta = 1", en: "Huber, delta = 1" }, [
 *   { name: "|x − y| < delta", got: huber(0.5), want: 0.125 },
 *   { name: "原文 the source, In [7]", got: mean, printed: "0.5817" },
 * ]);
 * ```
 */
export async function check(
  title: string | Bilingual,
  rows: readonly CheckRow[],
  options: { folded?: boolean; secret?: boolean } = {},
): Promise<void> {
  const heading = typeof title === "string" ? title : onOneLine(title);
  if (rows.length === 0) throw new RangeError(`Cannot check "${heading}" as there are no rows`);
  const verdicts = rows.map(judge);
  const failures = verdicts.flatMap(({ failure }) => failure ?? []);
  const isSecret = options.secret === true && failures.length > 0;
  const cited = rows.some((row) => row.source !== undefined);
  const text = layout(
    cited ? [...HEADS, "source"] : HEADS,
    verdicts.map(({ cells: [name, got, want, difference, mark] }, i) => {
      const cells = [name, got, isSecret ? "" : want, isSecret ? "" : difference, mark];
      return cited ? [...cells, rows[i].source ?? ""] : cells;
    }),
  );
  const unfolded = {
    "text/markdown": `**${heading}**\n\n${text.markdown}`,
    "text/plain": `${heading}\n${text.plain}`,
  };
  const isFolded = options.folded === true && failures.length === 0;
  await display(isFolded ? inOneLine(title, verdicts, text.markdown) : unfolded, {
    lossbook: { checks: rows.length },
  });

  if (failures.length > 0) {
    const lines = failures.map(({ place, got, want, detail }) =>
      `- ${place}: got ${got.en}${isSecret ? "" : `, want ${want.en}${detail}`}`
    );
    throw new CheckError(
      `${failures.length} of ${rows.length} checks of "${heading}" failed:\n${lines.join("\n")}`,
      failures,
    );
  }
}

function inOneLine(
  title: string | Bilingual,
  verdicts: Verdict[],
  table: string,
): Record<string, string> {
  const difference = numberText(Math.max(...verdicts.map(({ difference }) => difference)), 2);
  const [zh, en] = [
    `${verdicts.length} 项，最大差 ${difference}`,
    `${verdicts.length} checks, largest difference ${difference}`,
  ];
  const line = typeof title === "string"
    ? `✓ ${title} (${en})`
    : `✓ ${onOneLine({ zh: `${title.zh}（${zh}）`, en: `${title.en} (${en})` })}`;
  return { "text/markdown": folded(line, table), "text/plain": line };
}

function judge(row: CheckRow): Verdict {
  const { name, got, want, printed } = row;
  if ((want === undefined) === (printed === undefined)) {
    throw new TypeError(`Cannot check "${name}" as it needs either want or printed`);
  }
  if (printed !== undefined) return judgePrinted(name, numbersOf(got, name), printed);
  if (want === undefined) throw new TypeError(`Cannot check "${name}" as want is undefined`);
  if (isPlain(got) || isPlain(want)) return judgePlain(name, got, want);
  return judgeNumbers(row, numbersOf(got, name), numbersOf(want, name));
}

function isPlain(value: Checked): value is string | boolean {
  return typeof value === "string" || typeof value === "boolean";
}

function judgePlain(name: string, got: Checked, want: Checked): Verdict {
  const [first, second] = [got, want].map((value) =>
    isPlain(value) ? `${value}` : brief(numbersOf(value, name))
  );
  const failure = got === want
    ? undefined
    : { place: name, got: inBoth(first), want: inBoth(second), detail: "" };
  return { cells: [name, first, second, "", mark(failure)], difference: 0, failure };
}

function judgeNumbers(row: CheckRow, got: ShapedData, want: ShapedData): Verdict {
  const { name, atol = 0, rtol = 1e-6 } = row;
  for (const [option, value] of Object.entries({ atol, rtol })) {
    if (!(value >= 0)) {
      throw new RangeError(
        `Cannot check "${name}" as ${option} must be ≥ 0: current value is ${value}`,
      );
    }
  }
  if (`${got.shape}` !== `${want.shape}`) {
    const ofShape = ({ shape }: ShapedData) => ({ zh: `形状 [${shape}]`, en: `shape [${shape}]` });
    const failure = { place: name, got: ofShape(got), want: ofShape(want), detail: "" };
    const cells: Verdict["cells"] = [name, brief(got), brief(want), "shape", mark(failure)];
    return { cells, difference: Infinity, failure };
  }
  let largest = 0;
  let failure: Verdict["failure"];
  for (let i = 0; i < want.data.length; i++) {
    const [a, b] = [got.data[i], want.data[i]];
    const difference = distance(a, b);
    const tolerance = atol + rtol * Math.abs(b);
    largest = Math.max(largest, difference);
    // If b is infinite, so is the tolerance, which must not let a finite number pass.
    if (difference === 0 || difference <= tolerance && Number.isFinite(difference)) continue;
    failure ??= {
      place: name + indexText(i, want.shape),
      got: inBoth(`${a}`),
      want: inBoth(`${b}`),
      detail: `, difference ${numberText(difference, 3)} exceeds ${numberText(tolerance, 3)}`,
    };
  }
  return {
    cells: [name, brief(got), brief(want), numberText(largest, 2), mark(failure)],
    difference: largest,
    failure,
  };
}

function distance(a: number, b: number): number {
  if (a === b || Number.isNaN(a) && Number.isNaN(b)) return 0;
  const difference = Math.abs(a - b);
  return Number.isNaN(difference) ? Infinity : difference;
}

function judgePrinted(name: string, got: ShapedData, printed: string): Verdict {
  const wanted = printed.match(PRINTED_NUMBER) ?? [];
  if (wanted.length === 0) {
    throw new TypeError(`Cannot check "${name}" as nothing is printed in "${printed}"`);
  }
  let failure: Verdict["failure"];
  if (wanted.length !== got.data.length) {
    const ofCount = (n: number) => ({ zh: `${n} 个数`, en: `${n} numbers` });
    failure = {
      place: name,
      got: ofCount(got.data.length),
      want: ofCount(wanted.length),
      detail: "",
    };
  }
  let largest = 0;
  for (let i = 0; i < Math.min(wanted.length, got.data.length); i++) {
    const value = got.data[i];
    const parsed = Number(wanted[i].replace("inf", "Infinity").replace("nan", "NaN"));
    largest = Math.max(largest, distance(value, parsed));
    if (!roundsTo(value, wanted[i], parsed)) {
      failure ??= {
        place: name + indexText(i, got.shape),
        got: inBoth(`${value}`),
        want: inBoth(wanted[i]),
        detail: " as printed",
      };
    }
  }
  const shown = wanted.length === 1 ? wanted[0] : brief({ data: wanted, shape: [wanted.length] });
  const cells: Verdict["cells"] = [
    name,
    brief(got),
    shown,
    numberText(largest, 2),
    mark(failure),
  ];
  return { cells, difference: largest, failure };
}

/** Numbers in printed text, without the digits in names such as float64. */
const PRINTED_NUMBER = /(?<![\w.])-?(?:\d+\.?\d*(?:e[+-]?\d+)?|inf\b|nan\b)/gi;

/** True if a number, rounded to as many digits, gives the printed one; a tie may be rounded either way. */
function roundsTo(value: number, printed: string, parsed: number): boolean {
  if (!Number.isFinite(value) || !Number.isFinite(parsed)) return distance(value, parsed) === 0;
  const [digits, exponent = "0"] = printed.toLowerCase().split("e");
  const decimals = digits.includes(".") ? digits.length - digits.indexOf(".") - 1 : 0;
  const unit = 10 ** (Number(exponent) - decimals);
  // 1e-9 of the last printed digit allows for the rounding of the subtraction.
  return Math.abs(value - parsed) <= 0.5 * unit * (1 + 1e-9);
}

/** The index of element i, such as "[1, 2]"; empty for a single number. */
function indexText(i: number, shape: readonly number[]): string {
  if (shape.length === 0) return "";
  const index: number[] = [];
  let rest = i;
  for (const length of shape.toReversed()) {
    index.unshift(rest % length);
    rest = Math.floor(rest / length);
  }
  return `[${index.join(", ")}]`;
}

/** A text that is the same in both languages. */
function inBoth(text: string): Bilingual {
  return { zh: text, en: text };
}

function mark(failure: Verdict["failure"]): string {
  return failure === undefined ? "✓" : "✗";
}

/** The first four numbers, and the shape if there are more. */
function brief(
  { data, shape }: { data: ArrayLike<number | string>; shape: readonly number[] },
): string {
  const text = (x: number | string) => typeof x === "number" ? numberText(x) : x;
  if (shape.length === 0) return text(data[0]);
  const first = Array.from({ length: Math.min(4, data.length) }, (_, i) => text(data[i]));
  return data.length <= 4
    ? `[${first.join(", ")}]`
    : `[${first.join(", ")}, …] (${shape.join("×")})`;
}

function numbersOf(value: Checked, name: string): ShapedData {
  if (typeof value === "number") return { data: [value], shape: [] };
  if (ArrayBuffer.isView(value)) return { data: value, shape: [value.length] };
  if (Array.isArray(value)) return flattened(value, name);
  if (typeof value === "object" && value !== null && "data" in value && "shape" in value) {
    return value;
  }
  throw new TypeError(
    `Cannot check "${name}" as it is no number, array or tensor: current value is ${value}`,
  );
}

function flattened(nested: readonly NestedNumbers[], name: string): ShapedData {
  const parts = nested.map((part) => numbersOf(part, name));
  const inner = parts[0]?.shape ?? [];
  if (parts.some((part) => `${part.shape}` !== `${inner}`)) {
    throw new TypeError(`Cannot check "${name}" as its rows differ in length`);
  }
  return {
    data: parts.flatMap((part) => Array.from(part.data)),
    shape: [nested.length, ...inner],
  };
}
