/**
 * What `valueAndGrad` is asked for, and what it answers.
 */

import { sameShape, show, sizeOf } from "../tensor/shape.ts";
import { describe } from "../tensor/describe.ts";
import { read, toTensor } from "../tensor/read.ts";
import { Tensor, type TensorLike, zeros } from "../tensor/tensor.ts";
import type { FloatArray, FloatType } from "../tensor/types.ts";

/** What a call of `valueAndGrad` can ask for. `W` are the names of the arguments to differentiate by. */
export interface Request<W extends string> {
  /**
   * The upstream gradient: the derivative of whatever is computed from the loss with respect to the loss. A
   * number, or a tensor of the value's shape.
   *
   * @default {1}
   */
  readonly gradOutput?: TensorLike;
  /** The arguments to differentiate by; by default the model's outputs, not targets or weights. */
  readonly wrt?: readonly W[];
  /** Buffers that the gradients are written into, so that a training loop allocates nothing. */
  readonly out?: { readonly [name in W]?: Tensor | Float32Array | Float64Array };
}

/** A loss and its gradients. */
export interface ValueAndGrad<W extends string> {
  /**
   * The loss: a scalar, or with reduction `"none"` one value per element or sample. The one number of a scalar's `data`
   * lies in a buffer that it shares with other values.
   */
  readonly value: Tensor;
  /** The gradient with respect to each argument asked for, in that argument's shape. */
  readonly grad: { readonly [name in W]: Tensor };
}

/** A request, checked; buffers that were not given are made when they are needed. */
export interface CheckedRequest {
  readonly wrt: readonly string[];
  /** A number, or an array with one number for each of the value's. */
  readonly gradOutput: number | FloatArray;
  /** The tensor to write a gradient into. */
  buffer(name: string, shape: readonly number[]): Tensor;
}

/** Anything that is read during the computation. */
interface Numbers {
  readonly data: ArrayLike<number>;
}

const KNOWN = ["gradOutput", "wrt", "out"];

/**
 * Checks a request.
 *
 * @param loss The class, for error messages.
 * @param request What the caller asked for.
 * @param differentiable The names that can be asked for.
 * @param defaults The names that are differentiated by if none are asked for.
 * @param dtype The type of value and gradients.
 * @param valueShape The shape of the value.
 * @param shapes The shapes of the arguments, by name.
 * @param inputs What must not be written into: tensors, labels, weights.
 * @returns The request, complete.
 * @throws {TypeError} If a name is unknown or a buffer is of the wrong kind.
 * @throws {RangeError} If `gradOutput` or a buffer is of the wrong size.
 */
export function checkRequest(
  loss: string,
  request: Request<string> | undefined,
  differentiable: readonly string[],
  defaults: readonly string[],
  dtype: FloatType,
  valueShape: readonly number[],
  shapes: Readonly<Record<string, readonly number[]>>,
  inputs: readonly Numbers[],
): CheckedRequest {
  if (request === undefined) {
    return {
      wrt: defaults,
      gradOutput: 1,
      buffer: (_, shape) => zeros(dtype, shape),
    };
  }
  if (typeof request !== "object" || request === null) {
    throw new TypeError(
      `Cannot compute ${loss} as the request must be an object: current value is ${
        describe(request)
      }`,
    );
  }
  for (const name in request) {
    if (!KNOWN.includes(name)) {
      throw new TypeError(
        `Cannot compute ${loss} as '${name}' cannot be requested: known are ${KNOWN.join(", ")}`,
      );
    }
  }
  const { wrt = defaults, out } = request;
  if (!Array.isArray(wrt)) {
    throw new TypeError(
      `Cannot compute ${loss} as wrt must be an array of argument names: current value is ${
        describe(wrt)
      }`,
    );
  }
  for (const name of wrt) {
    if (!differentiable.includes(name) || shapes[name] === undefined) {
      throw new TypeError(
        `Cannot differentiate ${loss} by ${describe(name)}: wanted is one of ${
          differentiable.filter((name) => shapes[name] !== undefined).join(", ")
        }`,
      );
    }
  }
  const gradOutput = checkGradOutput(loss, request.gradOutput, dtype, valueShape);
  if (out !== undefined) {
    const read = typeof gradOutput === "number" ? inputs : [...inputs, { data: gradOutput }];
    checkOut(loss, out, wrt, dtype, shapes, read);
  }
  return {
    wrt,
    gradOutput,
    buffer(name, shape) {
      const given = out?.[name];
      if (given === undefined) return zeros(dtype, shape);
      return given instanceof Tensor && sameShape(given.shape, shape)
        ? given
        : new Tensor(given instanceof Tensor ? given.data : given, shape);
    },
  };
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
  return valueShape.length === 0 ? data[0] : data as FloatArray;
}

function checkOut(
  loss: string,
  out: Readonly<Record<string, Tensor | Float32Array | Float64Array | undefined>>,
  wrt: readonly string[],
  dtype: FloatType,
  shapes: Readonly<Record<string, readonly number[]>>,
  inputs: readonly Numbers[],
): void {
  if (typeof out !== "object" || out === null) {
    throw new TypeError(
      `Cannot compute ${loss} as out must be an object of buffers: current value is ${
        describe(out)
      }`,
    );
  }
  const used: Numbers[] = [];
  for (const name in out) {
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
    const size = sizeOf(shapes[name]);
    if (data.length !== size) {
      throw new RangeError(
        `Cannot compute ${loss} as out.${name} must hold ${size} numbers, as ${name} does: current length is ${data.length}`,
      );
    }
    if (sharesMemory(data, inputs) || sharesMemory(data, used)) {
      throw new RangeError(
        `Cannot compute ${loss} as out.${name} must have memory of its own: it shares memory with an argument, gradOutput, a weight or another buffer`,
      );
    }
    used.push({ data });
  }
}

/** Whether a buffer lies in the memory of one of `others`, or they in its. */
function sharesMemory(data: FloatArray, others: readonly Numbers[]): boolean {
  const { buffer } = data;
  for (let i = 0; i < others.length; i++) {
    const other = others[i].data;
    if (
      ArrayBuffer.isView(other) && other.buffer === buffer &&
      other.byteOffset < data.byteOffset + data.byteLength &&
      data.byteOffset < other.byteOffset + other.byteLength
    ) return true;
  }
  return false;
}
