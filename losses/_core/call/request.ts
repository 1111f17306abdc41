/**
 * The request and the result of `valueAndGrad`.
 *
 * This folder reads and checks everything that a caller passes: options, arguments, labels, requests. Everything is checked
 * before anything is written. It knows no formula and no particular loss.
 */

import { describe } from "../tensor/describe.ts";
import { read, toTensor } from "../tensor/read.ts";
import { arena } from "../tensor/arena.ts";
import { isIntact, lengthOf, sameShape, show, sizeOf } from "../tensor/shape.ts";
import {
  type FloatTensor,
  isTensor,
  type Tensor,
  type TensorLike,
  tensorOf,
  zeros,
} from "../tensor/tensor.ts";
import type { FloatArray, FloatType, Shaped } from "../tensor/types.ts";
import { suggestion } from "./suggestion.ts";

/** Which gradients `valueAndGrad` computes, and how. `W` are the names to differentiate with respect to. */
export interface Request<W extends string> {
  /**
   * The upstream gradient: the derivative, with respect to the loss, of the quantity to differentiate. A number, or a
   * tensor of the value's shape.
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
  /** The gradient with respect to each name requested, in the shape of that argument. */
  readonly grad: { readonly [name in W]: Tensor };
}

/** The request for the value alone. */
export const VALUE_ONLY: Request<never> = { wrt: [] };

/** The properties of a call that its request is checked against. */
export interface Differentiable {
  readonly dtype: FloatType;
  /** The shape of each argument that can be differentiated with respect to, by name, in the order of the call. */
  readonly shapes: Readonly<Record<string, readonly number[]>>;
  /** The names to differentiate with respect to if the request names none. */
  readonly defaults: readonly string[];
  /** Everything that is read during the call: tensors, labels, weights. No buffer may share memory with them. */
  readonly inputs: readonly (Shaped | undefined)[];
}

/** A request, checked. */
export interface CheckedRequest {
  /** The names to differentiate with respect to. */
  readonly wrt: readonly string[];
  /** The upstream gradient: one number for all elements of the value, or an array with one for each. */
  readonly gradOutput: number | FloatArray;
  /** For each name in `wrt`, the tensor that its gradient is written into. */
  readonly grad: Gradients;
}

/** Tensors to write gradients into, by name. */
export type Gradients = Readonly<Record<string, FloatTensor>>;

const KNOWN = ["gradOutput", "wrt", "out"];

/**
 * Checks a request and prepares the tensors for its gradients. No code of the caller runs after this.
 *
 * @param loss The class, for error messages.
 * @param request The request.
 * @param call The properties of the call.
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
  const { dtype, shapes } = call;
  let { inputs } = call;
  let wrt = request === VALUE_ONLY ? [] : call.defaults;
  let gradOutput: number | FloatArray = 1;
  let buffers = 0;
  const grad: Record<string, FloatTensor> = {};
  if (request !== undefined && request !== VALUE_ONLY) {
    if (typeof request !== "object" || request === null) {
      throw new TypeError(
        `Cannot compute ${loss} as the request must be an object: current value is ${
          describe(request)
        }`,
      );
    }
    // In V8, this loop is faster than one over Object.keys; small calls notice that.
    for (const name in request) {
      if (!KNOWN.includes(name) && Object.hasOwn(request, name)) {
        throw new TypeError(
          `Cannot compute ${loss} as '${name}' cannot be requested: ${
            suggestion(name, KNOWN)
          }known are ${KNOWN.join(", ")}`,
        );
      }
    }
    const { wrt: wanted, gradOutput: given, out } = request;
    if (wanted !== undefined) wrt = checkNames(loss, wanted, shapes);
    const upstream = checkGradOutput(loss, given, dtype, valueShape);
    if (typeof upstream === "number") gradOutput = upstream;
    else {
      gradOutput = upstream.data as FloatArray;
      inputs = [...inputs, upstream];
    }
    if (out !== undefined) buffers = checkOut(loss, out, wrt, call, inputs, grad);
  }
  if (buffers < wrt.length) {
    for (const name of wrt) {
      if (!Object.hasOwn(grad, name)) grad[name] = zeros(dtype, shapes[name]!);
    }
  }
  // Code of the caller may have detached or resized what was read before it; none runs after this.
  for (let i = 0; i < inputs.length; i++) checkIntact(loss, inputs[i]);
  for (let i = 0; i < wrt.length; i++) checkIntact(loss, grad[wrt[i]!]);
  return { wrt, gradOutput, grad };
}

/** Refuses a call if what it reads or writes is not in memory any more. */
function checkIntact(loss: string, numbers: Shaped | undefined): void {
  if (numbers === undefined) return;
  if (isIntact(numbers)) return arena?.checkLive(loss, numbers, "compute");
  const { data, shape } = numbers;
  throw new RangeError(
    `Cannot compute ${loss} as the memory of arguments and buffers must not be detached, resized or freed: current length for the shape ${
      show(shape)
    } is ${data.length}`,
  );
}

/** A copy of `wrt`, checked: an array of names that can be differentiated with respect to, without repetition. */
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
  // Not copied as a whole, as an array can have billions of holes; nor into an empty array, which is slow to grow.
  let names: [string, ...string[]] | undefined;
  for (let i = 0; i < wrt.length; i++) {
    const name: unknown = wrt[i];
    if (typeof name !== "string" || !Object.hasOwn(shapes, name)) {
      throw new TypeError(
        `Cannot differentiate ${loss} with respect to ${describe(name)}: wanted is one of ${
          Object.keys(shapes).join(", ")
        }`,
      );
    }
    if (names?.includes(name)) {
      throw new TypeError(
        `Cannot differentiate ${loss} with respect to "${name}" twice: name it once in wrt`,
      );
    }
    if (names === undefined) names = [name];
    else names.push(name);
  }
  return names ?? [];
}

function checkGradOutput(
  loss: string,
  given: TensorLike | undefined,
  dtype: FloatType,
  valueShape: readonly number[],
): number | Tensor {
  if (given === undefined) return 1;
  // true and false are the numbers 1 and 0 here as in every tensor.
  if (typeof given === "number" || typeof given === "boolean") return Number(given);
  const raw = read(given, "gradOutput");
  if (!sameShape(raw.shape, valueShape)) {
    throw new RangeError(
      `Cannot compute ${loss} as gradOutput must be a number or have the shape of the value, ${
        show(valueShape)
      }: current shape is ${show(raw.shape)}`,
    );
  }
  const tensor = toTensor(raw, dtype, "gradOutput");
  return valueShape.length === 0 ? tensor.data[0]! : tensor;
}

/** Puts the caller's buffers, checked, into `grad`; returns how many there are. */
function checkOut(
  loss: string,
  out: Readonly<Record<string, Tensor | Float32Array | Float64Array | undefined>>,
  wrt: readonly string[],
  { dtype, shapes }: Differentiable,
  inputs: Differentiable["inputs"],
  grad: Record<string, FloatTensor>,
): number {
  if (typeof out !== "object" || out === null) {
    throw new TypeError(
      `Cannot compute ${loss} as out must be an object of buffers: current value is ${
        describe(out)
      }`,
    );
  }
  let count = 0;
  for (const name in out) {
    const given = out[name];
    if (given === undefined) continue;
    if (!wrt.includes(name)) {
      if (!Object.hasOwn(out, name)) continue;
      throw new TypeError(
        `Cannot compute ${loss} as out.${name} names a gradient that is not computed: wrt is ${
          wrt.join(", ") || "empty"
        }`,
      );
    }
    const tensor = !ArrayBuffer.isView(given) && isTensor(given) ? given : undefined;
    const data = tensor === undefined ? given : tensor.data;
    const wanted = dtype === "float32" ? Float32Array : Float64Array;
    if (!ArrayBuffer.isView(data) || !(data instanceof wanted)) {
      throw new TypeError(
        `Cannot compute ${loss} as out.${name} must be a ${dtype} tensor or a ${wanted.name}: current value is ${
          tensor === undefined ? describe(given) : `a ${tensor.dtype} tensor`
        }`,
      );
    }
    const shape = shapes[name]!;
    const length = lengthOf(data);
    if (length !== sizeOf(shape)) {
      throw new RangeError(
        `Cannot compute ${loss} as out.${name} must hold ${
          sizeOf(shape)
        } numbers, as ${name} does: current length is ${length}`,
      );
    }
    const { buffer } = data;
    let isShared = false;
    for (let i = 0; i < inputs.length; i++) isShared ||= overlap(data, buffer, inputs[i]?.data);
    if (count > 0) {
      for (const other of Object.values(grad)) isShared ||= overlap(data, buffer, other.data);
    }
    if (isShared) {
      throw new RangeError(
        `Cannot compute ${loss} as out.${name} must have memory of its own: it shares memory with an argument, gradOutput, a weight or another buffer`,
      );
    }
    grad[name] = tensor !== undefined && sameShape(tensor.shape, shape)
      ? tensor as FloatTensor
      : tensorOf(dtype, data, shape) as FloatTensor;
    count++;
  }
  return count;
}

/** True if an array in a buffer shares memory with another one, even in part. */
function overlap(
  a: FloatArray,
  buffer: ArrayBufferLike,
  b: ArrayLike<number> | undefined,
): boolean {
  return ArrayBuffer.isView(b) &&
    // The arena has several buffer objects, as it grows.
    (b.buffer === buffer || (arena !== undefined && arena.holds(a) && arena.holds(b))) &&
    b.byteOffset < a.byteOffset + a.byteLength &&
    a.byteOffset < b.byteOffset + b.byteLength;
}
