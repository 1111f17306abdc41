/**
 * Checks of the arguments of `plot`, so that mistakes are named before a figure is drawn.
 *
 * @module
 */

import type { Figure } from "../still/figure.ts";

/** Types of traces that look the same with and without a browser. */
const SUPPORTED = [
  "scatter",
  "bar",
  "box",
  "contour",
  "heatmap",
  "histogram",
  "histogram2d",
  "violin",
];
const NEEDS_WEBGL = /3d$|gl$|^(surface|isosurface|volume|cone|streamtube|splom)$/;
const OPTION_NAMES = ["alt", "width", "height"];
const [SMALLEST, LARGEST] = [100, 2000];

/**
 * Refuses options that `plot` does not have.
 *
 * @param options The second argument of `plot`.
 */
export function checkOptions(options: unknown): void {
  if (!isRecord(options)) {
    fail(TypeError, "the options must be an object with an alt text", show(options), "{ alt }");
  }
  for (const name of Object.keys(options)) {
    if (OPTION_NAMES.includes(name)) continue;
    fail(TypeError, "an option is unknown", name, OPTION_NAMES.join(", "));
  }
  const { alt } = options;
  for (const text of isRecord(alt) ? [alt.zh, alt.en] : [alt]) {
    if (typeof text === "string" && text.trim() !== "" && !text.includes("\n")) continue;
    fail(TypeError, "a figure needs an alt text", show(text), "one line that says what it shows");
  }
  for (const name of ["width", "height"]) {
    const value = options[name];
    if (value === undefined) continue;
    if (typeof value !== "number") {
      fail(TypeError, `${name} must be a number`, show(value), "pixels");
    }
    if (!Number.isInteger(value) || value < SMALLEST || value > LARGEST) {
      const wanted = `a whole number of pixels from ${SMALLEST} to ${LARGEST}`;
      fail(RangeError, `${name} is out of range`, show(value), wanted);
    }
  }
}

/**
 * Refuses figures that would be empty or wrong, or that only a browser can draw.
 *
 * @param figure The first argument of `plot`.
 */
export function checkFigure(figure: Figure): void {
  if (!isRecord(figure) || !Array.isArray(figure.data)) {
    fail(TypeError, "a figure must have traces", show(figure), "{ data: [trace, …], layout? }");
  }
  if (figure.data.length === 0) {
    fail(TypeError, "the figure has no traces", "data: []", "at least one trace");
  }
  for (const side of ["width", "height"] as const) {
    if (figure.layout?.[side] === undefined) continue;
    const wanted = `plot(figure, { ${side} })`;
    fail(TypeError, `the ${side} is not part of the layout`, `layout.${side}`, wanted);
  }
  figure.data.forEach((trace, index) => checkTrace(trace, `data[${index}]`));
}

function checkTrace(trace: unknown, name: string): void {
  if (!isRecord(trace)) fail(TypeError, `${name} is not a trace`, show(trace), "an object");
  const type = trace.type ?? "scatter";
  if (typeof type !== "string" || !SUPPORTED.includes(type)) {
    const reason = NEEDS_WEBGL.test(String(type))
      ? `${name} needs WebGL, which a still picture cannot use`
      : `${name} has a type that does not look the same everywhere`;
    const wanted = NEEDS_WEBGL.test(String(type)) ? ["contour", "heatmap", "scatter"] : SUPPORTED;
    fail(TypeError, reason, `type "${type}"`, wanted.join(", "));
  }
  const values = ["x", "y", "z"].filter((key) => trace[key] !== undefined);
  if (values.length === 0) fail(TypeError, `${name} has no values`, "no x, y or z", "some");
  for (const key of values) checkValues(trace[key], `${name}.${key}`);
  if (type === "scatter" || type === "bar") checkSameLength(trace, name);
}

function checkValues(values: unknown, name: string): void {
  if (!Array.isArray(values) && !ArrayBuffer.isView(values)) {
    fail(TypeError, `${name} must be an array`, show(values), "an array or a typed array");
  }
  const items = flatten(values as ArrayLike<unknown>);
  if (items.length === 0) fail(TypeError, `${name} is empty`, "[]", "at least one value");
  const isDrawn = (item: unknown): boolean =>
    typeof item === "number" ? Number.isFinite(item) : item !== null && item !== undefined;
  if (!items.some(isDrawn)) {
    fail(RangeError, `${name} has nothing to draw`, show(items[0]), "a finite value");
  }
}

function checkSameLength(trace: Record<string, unknown>, name: string): void {
  const [x, y] = [trace.x, trace.y] as (ArrayLike<unknown> | undefined)[];
  if (x === undefined || y === undefined || x.length === y.length) return;
  const current = `${x.length} in x and ${y.length} in y`;
  fail(TypeError, `the lengths of ${name} differ`, current, "as many in x as in y");
}

function flatten(values: ArrayLike<unknown>): unknown[] {
  return Array.from(values).flatMap((item) =>
    Array.isArray(item) || ArrayBuffer.isView(item)
      ? Array.from(item as unknown as ArrayLike<unknown>)
      : [item]
  );
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

function show(value: unknown): string {
  const text = typeof value === "number" ? String(value) : JSON.stringify(value) ?? String(value);
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}

function fail(
  error: typeof TypeError | typeof RangeError,
  reason: string,
  current: string,
  wanted: string,
): never {
  throw new error(`Cannot plot as ${reason}: current is ${current}, wanted is ${wanted}`);
}
