/** Tensors in every form in which a caller can hand them over, as values and as code. */
import { float32, float64, int32, type TensorLike } from "@lossbook/losses";
import type { FloatType } from "../../_ulp.ts";

/** How a tensor is handed over. */
export type Form =
  | "number"
  | "array"
  | "float32"
  | "float64"
  | "int32"
  | "Float32Array"
  | "Float64Array"
  | "Int32Array"
  | "Int8Array"
  | "foreign"
  | "foreign float32"
  | "foreign float64";

/** A tensor to be handed over: form, shape, and numbers row by row. */
export interface Given {
  readonly form: Form;
  readonly shape: readonly number[];
  readonly data: readonly number[];
}

/** A tensor as a reference reads it. */
export interface Plain {
  readonly shape: readonly number[];
  readonly data: readonly number[];
}

export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((size, length) => size * length, 1);
}

/** The type that a form has by itself; undefined if it takes that of the tensors beside it. */
export function typeOf({ form }: Given): FloatType | "int32" | undefined {
  switch (form) {
    case "float32":
    case "Float32Array":
    case "foreign float32":
      return "float32";
    case "float64":
    case "Float64Array":
    case "foreign float64":
      return "float64";
    case "int32":
    case "Int32Array":
    case "Int8Array":
      return "int32";
    default:
      return undefined;
  }
}

/** Numbers in a form that has a place for them: a list of one axis, say, is no form of a matrix. */
export function give(form: Form, shape: readonly number[], data: readonly number[]): Given {
  const isList = shape.length === 1;
  const fits = form.endsWith("Array") ? isList : form === "number" ? shape.length === 0 : true;
  // An array of no rows does not say how long they are.
  const isKnown = shape.indexOf(0) === -1 || shape.indexOf(0) === shape.length - 1;
  const used = form === "array" && !isKnown
    ? "foreign"
    : fits
    ? form
    : form.endsWith("Array")
    ? form.slice(0, -5).toLowerCase().replace("int8", "int32") as Form
    : isKnown
    ? "array"
    : "foreign";
  const given = { form: used, shape, data };
  return typeOf(given) === "float32" ? { ...given, data: data.map(Math.fround) } : given;
}

/** The tensor itself. */
export function build({ form, shape, data }: Given): TensorLike {
  switch (form) {
    case "number":
      return data[0];
    case "array":
      return nest(shape, data, (value) => value) as TensorLike;
    case "float32":
      return float32(Float32Array.from(data), [...shape]);
    case "float64":
      return float64(Float64Array.from(data), [...shape]);
    case "int32":
      return int32(Int32Array.from(data), [...shape]);
    case "Float32Array":
      return Float32Array.from(data);
    case "Float64Array":
      return Float64Array.from(data);
    case "Int32Array":
      return Int32Array.from(data);
    case "Int8Array":
      return Int8Array.from(data);
    case "foreign":
      return { data: [...data], shape: [...shape] };
    case "foreign float32":
      return { data: Float32Array.from(data), dims: [...shape] };
    case "foreign float64":
      return { data: Float64Array.from(data), shape: [...shape] };
  }
}

/** The same as code. */
export function code({ form, shape, data }: Given): string {
  const list = `[${data.map(showNumber).join(", ")}]`;
  switch (form) {
    case "number":
      return showNumber(data[0]);
    case "array":
      return showNested(shape, data);
    case "float32":
    case "float64":
    case "int32":
      return shape.includes(0) || shape.length === 0
        ? `${form}({ data: ${list}, shape: [${shape}] })`
        : `${form}(${showNested(shape, data)})`;
    case "foreign":
      return `{ data: ${list}, shape: [${shape}] }`;
    case "foreign float32":
      return `{ data: new Float32Array(${list}), dims: [${shape}] }`;
    case "foreign float64":
      return `{ data: new Float64Array(${list}), shape: [${shape}] }`;
    default:
      return `new ${form}(${list})`;
  }
}

/** A number as code: -0 keeps its sign. */
export function showNumber(value: number): string {
  return Object.is(value, -0) ? "-0" : String(value);
}

function nest<T>(
  shape: readonly number[],
  data: readonly number[],
  leaf: (value: number) => T,
): unknown {
  let at = 0;
  const build = (axis: number): unknown =>
    axis === shape.length
      ? leaf(data[at++])
      : Array.from({ length: shape[axis] }, () => build(axis + 1));
  return build(0);
}

function showNested(shape: readonly number[], data: readonly number[]): string {
  const show = (part: unknown): string =>
    Array.isArray(part) ? `[${part.map(show).join(", ")}]` : showNumber(part as number);
  return show(nest(shape, data, (value) => value));
}
