/**
 * Memory that losses read and write in place, and threads that share the work on it: for large batches, in training loops.
 *
 * A loss computes in the memory of its kernels, so that ordinary arrays are copied in, and their gradients out. For a loss such as
 * MSE these copies are two thirds of the time. Tensors made by {@linkcode empty} lie where kernels work: nothing is copied.
 * {@linkcode useThreads} then lets several threads share each call. Both change no bit of any result.
 *
 * ```ts
 * import { empty, MSELoss, useThreads } from "@lossbook/losses";
 * import { assertEquals } from "@std/assert";
 *
 * await using threads = await useThreads(2);
 * using prediction = empty([1024, 1024]);
 * using target = empty([1024, 1024]);
 * using gradient = empty([1024, 1024]);
 * prediction.data.fill(3);
 * target.data.fill(1);
 *
 * const { value } = new MSELoss().valueAndGrad(prediction, target, { out: { input: gradient } });
 * assertEquals(value.item(), 2 ** 2);
 * assertEquals(gradient.data[5], 2 * 2 / 2 ** 20);
 * assertEquals(threads.count, 2);
 * ```
 *
 * Limits:
 *
 * - There are 4 GiB. When they are in use, or where shared memory or WebAssembly is missing, `empty` gives an ordinary tensor,
 *   and everything works as ever.
 * - Nothing else frees memory: a tensor that is not disposed of keeps it.
 * - Freed memory is used again. Losses refuse a tensor that was freed, and a view of it until another tensor has its memory: then
 *   nobody can tell.
 * - The memory is shared: web APIs such as `TextDecoder` or `crypto.getRandomValues` refuse views of it, and posting a tensor to a worker
 *   does not copy it.
 * - Browsers share memory with threads only on pages that are cross-origin isolated.
 *
 * @module
 */

import { nearIn } from "./arena/kernels.ts";
import { Arena } from "./arena/memory.ts";
import { Pool } from "./arena/threads.ts";
import { cores } from "./arena/workers.ts";
import { workNearArrays } from "./kernel/kernels.ts";
import { describe } from "./tensor/describe.ts";
import { copyShape, sizeOf } from "./tensor/shape.ts";
import { ARRAYS, shapeError, type Tensor, tensorOf, zeros } from "./tensor/tensor.ts";
import type { DType, TensorData } from "./tensor/types.ts";

export type {
  ArrayOfRank,
  DType,
  FloatArray,
  FloatType,
  NestedArray,
  Tensor,
  TensorData,
} from "./tensor.ts";

/** A tensor whose memory can be freed, by `using` or by `tensor[Symbol.dispose]()`. */
export type DisposableTensor = Tensor & Disposing<"dispose", void>;

/** What has a method under a symbol such as `Symbol.dispose`, if the program's version of the library knows that symbol. */
export type Disposing<Name extends string, Result> = typeof Symbol extends
  { readonly [name in Name]: infer Key extends symbol } ? { readonly [key in Key]: () => Result }
  : unknown;

/**
 * Makes a tensor that losses read and write in place. Its numbers are not set: there may be those of a tensor that was freed.
 *
 * Arguments and buffers may also be views of it, such as `tensor.data.subarray(start, end)`.
 *
 * @param shape The size of each axis.
 * @param dtype The element type.
 * @returns The tensor. `using` frees its memory; a freed tensor has no numbers and is refused by losses.
 * @throws {TypeError} If `shape` is not an array of whole numbers ≥ 0.
 * @throws {RangeError} If `dtype` is unknown, or there is not enough memory at all.
 */
export function empty(shape: readonly number[], dtype: DType = "float32"): DisposableTensor {
  if (!Object.hasOwn(ARRAYS, dtype)) {
    throw new RangeError(
      `Cannot make a tensor as dtype must be "float32", "float64" or "int32": current value is ${
        describe(dtype)
      }`,
    );
  }
  const own = copyShape(shape);
  if (own === undefined) throw shapeError("make a tensor", shape);
  const Numbers = ARRAYS[dtype];
  const length = sizeOf(own);
  const arena = openArena();
  const block = arena?.take(length * Numbers.BYTES_PER_ELEMENT);
  if (arena === undefined || block === undefined) return disposable(zeros(dtype, own));
  const data = new Numbers(arena.buffer as ArrayBuffer, block.start, length);
  return disposable(tensorOf(dtype, data, own), () => arena.free(block));
}

/** Lets a tensor be disposed of: it has no numbers then. */
function disposable(tensor: Tensor, free?: () => void): DisposableTensor {
  return disposing(tensor, "dispose", () => {
    free?.();
    free = undefined;
    (tensor as { data: TensorData }).data = new ARRAYS[tensor.dtype](0);
  });
}

/** Gives an object a method under a symbol such as `Symbol.dispose`, where this runtime has that symbol. */
function disposing<T extends object, Name extends string, Result>(
  object: T,
  name: Name,
  method: () => Result,
): T & Disposing<Name, Result> {
  const symbol = (Symbol as unknown as Partial<Record<Name, symbol>>)[name];
  if (symbol !== undefined) Object.defineProperty(object, symbol, { value: method });
  return object as T & Disposing<Name, Result>;
}

let isOpen = false;

/** The arena, with kernels for it. */
function openArena(): Arena | undefined {
  const arena = Arena.open();
  if (arena !== undefined && !isOpen) workNearArrays(nearIn(arena));
  isOpen = true;
  return arena;
}

/** Threads that losses use until they are disposed of. */
export type Threads =
  & {
    /** How many there are, the one that calls losses included. */
    readonly count: number;
  }
  & Disposing<"asyncDispose", Promise<void>>;

/** The most threads. */
const MOST_THREADS = 128;

/** True while there are threads. */
let areInUse = false;

/**
 * Lets losses share the work on large tensors made by {@linkcode empty} among several threads. Calls stay synchronous, results
 * are the same to the last bit, small calls disturb nobody, and a program ends without waiting for its threads.
 *
 * @param count The number of threads, this one included; by default as many as can run at the same time here, up to 128.
 * @returns The threads: `await using` ends them at the end of the block.
 * @throws {RangeError} If `count` is not a whole number from 1 to 128.
 * @throws {Error} If threads are in use already, or cannot be started or share memory here.
 */
export async function useThreads(
  count: number = Math.min(cores(), MOST_THREADS),
): Promise<Threads> {
  if (!Number.isInteger(count) || count < 1 || count > MOST_THREADS) {
    throw new RangeError(
      `Cannot use threads as their number must be a whole number from 1 to ${MOST_THREADS}: current value is ${
        describe(count)
      }`,
    );
  }
  if (areInUse) {
    throw new Error(
      "Cannot use threads as they are in use already: dispose of what useThreads has given before",
    );
  }
  areInUse = true;
  let pool: Pool | undefined;
  try {
    if (count > 1) pool = await startPool(count - 1);
  } catch (error) {
    areInUse = false;
    throw error;
  }
  const end = async () => {
    await pool?.end();
    areInUse = false;
  };
  let ended: Promise<void> | undefined;
  return disposing({ count }, "asyncDispose", () => ended ??= end());
}

async function startPool(workers: number): Promise<Pool> {
  const { crossOriginIsolated = true } = globalThis as { crossOriginIsolated?: boolean };
  if (!crossOriginIsolated) {
    throw new Error(
      "Cannot use threads as this page is not cross-origin isolated: serve it with the headers " +
        "Cross-Origin-Opener-Policy: same-origin and Cross-Origin-Embedder-Policy: require-corp",
    );
  }
  const arena = openArena();
  if (arena === undefined) {
    throw new Error("Cannot use threads as there is no shared memory for WebAssembly here");
  }
  return await Pool.start(arena, workers);
}
