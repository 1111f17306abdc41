/**
 * What `valueAndGrad` is asked for, and what it answers.
 *
 * This folder reads and checks what a caller gives: options, arguments, labels, requests. Everything is checked before
 * anything is written. It knows no formula and no loss.
 */

import { describe } from "../tensor/describe.ts";
import { read, toTensor } from "../tensor/read.ts";
import { sameShape, show, sizeOf } from "../tensor/shape.ts";
import { Tensor, type TensorLike, zeros } from "../tensor/tensor.ts";
import type { FloatArray, FloatType } from "../tensor/types.ts";

/** What a call of `valueAndGrad` can ask for. `W` are the names of the arguments to differentiate with respect to. */
export interface Request<W extends string> {
  /**
   * The upstream gradient: the derivative of whatever is computed from the loss with respect to the loss. A
   * number, or a tensor of the value's shape.
   *
   * @default {1}
   */
  readonly gradOutput?: TensorLike | undefined;
  /** The arguments to differentiate with respect to; by default the model's outputs, not targets or weights. */
  readonly wrt?: readonly W[] | undefined;
  /** Buffers that the gradients are written into, so that a training loop allocates nothing. */
  readonly out?:
    | { readonly [name in W]?: Tensor | Float32Array | Float64Array | undefined }
    | undefined;
}

/** A loss and its gradients. */
export interface ValueAndGrad<W extends string> {
  /** The loss: a scalar, or with reduction `"none"` one value per element or sample. */
  readonly value: Tensor;
  /** The gradient with respect to each argument asked for, in that argument's shape. */
  readonly grad: { readonly [name in W]: Tensor };
}

/** The request of a call that wants the value alone. */
export const VALUE_ONLY: Request<never> = { wrt: [] };

/** What a request is checked against. */
export interface Differentiable {
  readonly dtype: FloatType;
  /** The shape of each argument that this call can differentiate with respect to, by name, in the order of the call. */
  readonly shapes: Readonly<Record<string, readonly number[]>>;
  /** The names that are differentiated with respect to if the request names none. */
  readonly defaults: readonly string[];
  /** What is read during the call, and must therefore not share memory with a buffer: tensors, labels, weights. */
  readonly inputs: readonly ArrayLike<number>[];
}

/** A request, checked. */
export interface CheckedRequest {
  /** The arguments to differentiate with respect to. */
  readonly wrt: readonly string[];
  /** The upstream gradient: a number, or an array with one number for each of the value's. */
  readonly gradOutput: number | FloatArray;
  /** For each name in `wrt`, the tensor that its gradient is written into. */
  readonly grad: Record<string, Tensor>;
}

const KNOWN = ["gradOutput", "wrt", "out"];

/**
 * Checks a request and prepares the tensors for its gradients. No code of the caller runs after this.
 *
 * @param loss The class, for error messages.
 * @param request What the caller asked for.
 * @param call What the request is checked against.
 * @param valueShape The shape of the value, which an upstream gradient must have.
 * @returns The request, complete.
 * @throws {TypeError} If a name is unknown or a buffer is of the wrong kind.
 * @throws {RangeError} If `gradOutput` or a buffer is of the wrong size.
 */
export function checkRequest(
  loss: string,
  request: Request<string> | undefined,
  call: Differentiable,
  valueShape: readonly number[],
): CheckedRequest {
  if (request === VALUE_ONLY) return { wrt: [], gradOutput: 1, grad: {} };
  const { dtype, shapes } = call;
  if (request === undefined) {
    return { wrt: call.defaults, gradOutput: 1, grad: newGradients(call.defaults, dtype, shapes) };
  }
  if (typeof request !== "object" || request === null) {
    throw new TypeError(
      `Cannot compute ${loss} as the request must be an object: current value is ${
        describe(request)
      }`,
    );
  }
  for (const name of Object.keys(request)) {
    if (!KNOWN.includes(name)) {
      throw new TypeError(
        `Cannot compute ${loss} as '${name}' cannot be requested: known are ${KNOWN.join(", ")}`,
      );
    }
  }
  const { wrt: wanted, gradOutput: given, out } = request;
  const wrt = wanted === undefined ? call.defaults : checkNames(loss, wanted, shapes);
  const gradOutput = checkGradOutput(loss, given, dtype, valueShape);
  const grad = out === undefined
    ? newGradients(wrt, dtype, shapes)
    : checkOut(loss, out, wrt, gradOutput, call);
  return { wrt, gradOutput, grad };
}

/** New tensors for gradients. */
function newGradients(
  wrt: readonly string[],
  dtype: FloatType,
  shapes: Differentiable["shapes"],
): Record<string, Tensor> {
  const grad: Record<string, Tensor> = {};
  for (const name of wrt) grad[name] = zeros(dtype, shapes[name]!);
  return grad;
}

/** A copy of the names to differentiate with respect to, each of which this call must know, and only once. */
function checkNames(
  loss: string,
  wrt: unknown,
  shapes: Differentiable["shapes"],
): readonly string[] {
  if (!Array.isArray(wrt)) {
    throw new TypeError(
      `Cannot compute ${loss} as wrt must be an array of argument names: current value is ${
        describe(wrt)
      }`,
    );
  }
  const names: string[] = [];
  for (let i = 0; i < wrt.length; i++) {
    const name: unknown = wrt[i];
    if (typeof name !== "string" || !Object.hasOwn(shapes, name)) {
      throw new TypeError(
        `Cannot differentiate ${loss} with respect to ${describe(name)}: wanted is one of ${
          Object.keys(shapes).join(", ")
        }`,
      );
    }
    if (names.includes(name)) {
      throw new TypeError(
        `Cannot differentiate ${loss} with respect to "${name}" twice: name it once in wrt`,
      );
    }
    names.push(name);
  }
  return names;
}

function checkGradOutput(
  loss: string,
  given: TensorLike | undefined,
  dtype: FloatType,
  valueShape: readonly number[],
): number | FloatArray {
  if (given === undefined) return 1;
  if (typeof given === "number") return given;
  const raw = read(given, "gradOutput");
  if (!sameShape(raw.shape, valueShape)) {
    throw new RangeError(
      `Cannot compute ${loss} as gradOutput must be a number or have the shape of the value, ${
        show(valueShape)
      }: current shape is ${show(raw.shape)}`,
    );
  }
  const { data } = toTensor(raw, dtype, "gradOutput");
  return valueShape.length === 0 ? data[0]! : data as FloatArray;
}

/** The tensors for gradients: around the caller's buffers, new where there is none. */
function checkOut(
  loss: string,
  out: Readonly<Record<string, Tensor | Float32Array | Float64Array | undefined>>,
  wrt: readonly string[],
  gradOutput: number | FloatArray,
  { dtype, shapes, inputs }: Differentiable,
): Record<string, Tensor> {
  if (typeof out !== "object" || out === null) {
    throw new TypeError(
      `Cannot compute ${loss} as out must be an object of buffers: current value is ${
        describe(out)
      }`,
    );
  }
  const isNumber = typeof gradOutput === "number";
  const grad: Record<string, Tensor> = {};
  for (const name of Object.keys(out)) {
    const given = out[name];
    if (given === undefined) continue;
    if (!wrt.includes(name)) {
      throw new TypeError(
        `Cannot compute ${loss} as out.${name} is no gradient that is computed: wrt is ${
          wrt.join(", ") || "empty"
        }`,
      );
    }
    const data = given instanceof Tensor ? given.data : given;
    const wanted = dtype === "float32" ? Float32Array : Float64Array;
    if (!(data instanceof wanted)) {
      throw new TypeError(
        `Cannot compute ${loss} as out.${name} must be a ${dtype} tensor or a ${wanted.name}: current value is ${
          given instanceof Tensor ? `a ${given.dtype} tensor` : describe(given)
        }`,
      );
    }
    const shape = shapes[name]!;
    if (data.length !== sizeOf(shape)) {
      throw new RangeError(
        `Cannot compute ${loss} as out.${name} must hold ${
          sizeOf(shape)
        } numbers, as ${name} does: current length is ${data.length}`,
      );
    }
    let isShared = !isNumber && overlap(data, gradOutput);
    for (let i = 0; i < inputs.length; i++) isShared ||= overlap(data, inputs[i]!);
    for (const other in grad) isShared ||= overlap(data, grad[other]!.data);
    if (isShared) {
      throw new RangeError(
        `Cannot compute ${loss} as out.${name} must have memory of its own: it shares memory with an argument, gradOutput, a weight or another buffer`,
      );
    }
    grad[name] = given instanceof Tensor && sameShape(given.shape, shape)
      ? given
      : new Tensor(data, shape);
  }
  for (const name of wrt) {
    if (!Object.hasOwn(grad, name)) grad[name] = zeros(dtype, shapes[name]!);
  }
  return grad;
}

/** True if two arrays lie in the same memory, at least in part. */
function overlap(a: FloatArray, b: ArrayLike<number>): boolean {
  return ArrayBuffer.isView(b) && b.buffer === a.buffer &&
    b.byteOffset < a.byteOffset + a.byteLength &&
    a.byteOffset < b.byteOffset + b.byteLength;
}
